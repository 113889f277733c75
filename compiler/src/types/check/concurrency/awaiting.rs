//! `await`: of a future, and deeply of what holds futures.
//!
//! Of a collection all futures are waited for first, without raising; then its shape is built
//! again from their values, which raises the first failure in source order.

use super::super::{Want, node, null, put};
use super::is_block;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Arm, Coercion, Element, Expr, ExprKind, Iter, Pat, PatKind, Ty};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Checker;
use crate::types::ty::{AdtId, Kind, Origin};
use std::rc::Rc;

impl<'a> Checker<'a> {
    /// `await e`
    pub(super) fn await_expr(&mut self, inner: &'a ast::Expr, span: Span, want: Want) -> Expr {
        if is_block(inner) {
            return self.joined_block(inner, want);
        }
        let value = self.value(inner);
        self.await_value(value, span)
    }

    /// The value of a future, of all futures in `value`, or `value` itself.
    pub(super) fn await_value(&mut self, value: Expr, span: Span) -> Expr {
        let ty = self.known(value.ty);
        if let Kind::Var(var) = *self.types.kind(ty)
            && self.types.origin(var) == Origin::Open
        {
            let inner = self.open_var();
            let future = self.types.intern(Kind::Future(inner));
            self.types.unify(ty, future);
        }
        if let Some(inner) = self.future_of(value.ty) {
            return node(ExprKind::Await(Box::new(value)), inner, span);
        }
        if !self.holds_future(value.ty) {
            return value;
        }
        let Some(ty) = self.awaited(value.ty, span) else {
            return self.poison(span);
        };
        let (local, bind) = self.hold(value);
        let read = self.read_local(local, span);
        let mut parts = vec![bind];
        parts.extend(self.settle_futures(read.clone()));
        parts.push(self.rebuild(read, ty));
        node(ExprKind::Block(parts), ty, span)
    }

    /// `await x, y, z`: waits for all, then raises the first failure.
    pub(super) fn await_all(&mut self, parts: &'a [ast::Expr], span: Span) -> Expr {
        let mut nodes = Vec::new();
        let mut held = Vec::new();
        for part in parts {
            let value = self.value(part);
            if !self.holds_future(value.ty) {
                nodes.push(value);
                continue;
            }
            let at = value.span;
            let (local, bind) = self.hold(value);
            nodes.push(bind);
            held.push((local, at));
        }
        for &(local, at) in &held {
            let read = self.read_local(local, at);
            nodes.extend(self.settle_futures(read));
        }
        for (local, at) in held {
            let read = self.read_local(local, at);
            let value = self.await_value(read, at);
            nodes.push(value);
        }
        nodes.push(null(span));
        node(ExprKind::Block(nodes), Ty::NULL, span)
    }

    /// Whether there is a future in values of type `ty`, where `await` looks for it.
    pub(crate) fn holds_future(&mut self, ty: Ty) -> bool {
        self.future_within(ty, &mut Vec::new())
    }

    fn future_within(&mut self, ty: Ty, seen: &mut Vec<Ty>) -> bool {
        let ty = self.known(ty);
        match self.types.kind(ty).clone() {
            Kind::Future(_) => true,
            Kind::List(t) | Kind::Set(t) | Kind::Map(_, t) => self.future_within(t, seen),
            Kind::Tuple(parts) | Kind::Union(parts) => {
                parts.iter().any(|&part| self.future_within(part, seen))
            }
            Kind::Adt(id, args) if !self.items.adt(id).is_enum => {
                if seen.contains(&ty) {
                    return false;
                }
                seen.push(ty);
                let fields = self.field_types(id, &args);
                fields
                    .into_iter()
                    .any(|field| self.future_within(field, seen))
            }
            _ => false,
        }
    }

    fn field_types(&mut self, id: AdtId, args: &Rc<[Ty]>) -> Vec<Ty> {
        let variants = self.variants(id);
        let Some(only) = variants.first() else {
            return Vec::new();
        };
        only.fields
            .iter()
            .map(|field| self.types.subst(field.ty, args))
            .collect()
    }

    /// `ty` with `T` for each `Future[T]`; `None` when reported.
    fn awaited(&mut self, ty: Ty, span: Span) -> Option<Ty> {
        let ty = self.known(ty);
        if !self.holds_future(ty) {
            return Some(ty);
        }
        Some(match self.types.kind(ty).clone() {
            Kind::Future(inner) => inner,
            Kind::List(t) => {
                let t = self.awaited(t, span)?;
                self.types.list(t)
            }
            Kind::Set(t) => {
                let t = self.awaited(t, span)?;
                self.types.intern(Kind::Set(t))
            }
            Kind::Map(k, v) => {
                let v = self.awaited(v, span)?;
                self.types.intern(Kind::Map(k, v))
            }
            Kind::Tuple(parts) => {
                let parts = self.all_awaited(&parts, span)?;
                self.types.tuple(&parts)
            }
            Kind::Union(parts) => {
                let futures: Vec<bool> = parts
                    .iter()
                    .map(|&part| self.future_of(part).is_some())
                    .collect();
                let any = futures.contains(&true);
                // Null fails: nothing was spawned.
                let kept = parts
                    .iter()
                    .copied()
                    .filter(|&part| !any || part != Ty::NULL);
                let kept: Vec<Ty> = kept.collect();
                let parts = self.all_awaited(&kept, span)?;
                self.types.union(&parts)
            }
            Kind::Adt(id, args) => {
                let new: Rc<[Ty]> = self.all_awaited(&args, span)?.into();
                let (before, after) = (self.field_types(id, &args), self.field_types(id, &new));
                for (old, new) in before.into_iter().zip(after) {
                    let old = self.awaited(old, span)?;
                    if self.types.resolve(old) != self.types.resolve(new) {
                        self.report_fixed_field(ty, span);
                        return None;
                    }
                }
                self.types.adt(id, &new)
            }
            _ => ty,
        })
    }

    fn all_awaited(&mut self, types: &[Ty], span: Span) -> Option<Vec<Ty>> {
        types.iter().map(|&ty| self.awaited(ty, span)).collect()
    }

    fn report_fixed_field(&mut self, ty: Ty, span: Span) {
        let shown = self.show(ty);
        let message = format!("await cannot change the futures in the fields of {shown}");
        let error = Diagnostic::new(Code::AwaitRecord, message, span)
            .help("await the field itself, or make the record generic: value: T");
        self.report(error);
    }

    /// Statements that wait for all futures in `value`, which is cheap to evaluate.
    fn settle_futures(&mut self, value: Expr) -> Vec<Expr> {
        let span = value.span;
        let ty = self.known(value.ty);
        if !self.holds_future(ty) {
            return Vec::new();
        }
        match self.types.kind(ty).clone() {
            Kind::Future(_) => {
                let list = self.types.list(ty);
                let one = node(ExprKind::List(vec![Element::One(value)]), list, span);
                vec![node(ExprKind::AwaitSettle(Box::new(one)), Ty::NULL, span)]
            }
            Kind::List(t) if self.future_of(t).is_some() => {
                vec![node(ExprKind::AwaitSettle(Box::new(value)), Ty::NULL, span)]
            }
            Kind::List(t) => vec![self.settle_each(Iter::List(Box::new(value)), t, span)],
            Kind::Set(t) => vec![self.settle_each(Iter::Set(Box::new(value)), t, span)],
            Kind::Map(key, t) => {
                let (pat, _, read) = self.entry_pattern(key, t, span);
                let body = self.settle_futures(read);
                let body = node(ExprKind::Block(body), Ty::NULL, span);
                vec![self.walk_over(pat, Iter::Entries(Box::new(value)), None, body)]
            }
            Kind::Union(parts) => vec![self.settle_union(value, &parts, span)],
            _ => {
                let fields = self.parts_of(ty);
                let mut all = Vec::new();
                for (index, field) in (0..).zip(fields) {
                    let base = Box::new(value.clone());
                    let read = node(ExprKind::Field { base, index }, field, span);
                    all.extend(self.settle_futures(read));
                }
                all
            }
        }
    }

    /// The types of the parts of a tuple or record.
    fn parts_of(&mut self, ty: Ty) -> Vec<Ty> {
        match self.types.kind(ty).clone() {
            Kind::Tuple(parts) => parts.to_vec(),
            Kind::Adt(id, args) => self.field_types(id, &args),
            _ => Vec::new(),
        }
    }

    fn settle_each(&mut self, iter: Iter, element: Ty, span: Span) -> Expr {
        let local = self.temp(element, span);
        let pat = self.bind_pat(local, element, span);
        let read = self.read_local(local, span);
        let body = self.settle_futures(read);
        let body = node(ExprKind::Block(body), Ty::NULL, span);
        self.walk_over(pat, iter, None, body)
    }

    /// `(key, value)` of a map: the pattern, and what reads them.
    fn entry_pattern(&mut self, key: Ty, value: Ty, span: Span) -> (Pat, Expr, Expr) {
        let (k, v) = (self.temp(key, span), self.temp(value, span));
        let fields = vec![
            (0, self.bind_pat(k, key, span)),
            (1, self.bind_pat(v, value, span)),
        ];
        let ty = self.types.tuple(&[key, value]);
        let kind = PatKind::Fields(fields);
        let pat = Pat { kind, ty, span };
        (pat, self.read_local(k, span), self.read_local(v, span))
    }

    fn settle_union(&mut self, value: Expr, parts: &[Ty], span: Span) -> Expr {
        let mut arms = Vec::new();
        for &part in parts {
            if !self.holds_future(part) {
                continue;
            }
            let (pat, read) = self.member_pattern(part, value.ty, span);
            let body = self.settle_futures(read);
            let body = node(ExprKind::Block(body), Ty::NULL, span);
            arms.push(Arm {
                pat,
                guard: None,
                body,
            });
        }
        arms.push(Arm {
            pat: self.wild(value.ty, span),
            guard: None,
            body: null(span),
        });
        let value = Box::new(value);
        node(ExprKind::Match { value, arms }, Ty::NULL, span)
    }

    /// A pattern for a member of a union, and what reads the value then.
    fn member_pattern(&mut self, member: Ty, whole: Ty, span: Span) -> (Pat, Expr) {
        let local = self.temp(member, span);
        let bind = self.bind_pat(local, member, span);
        let kind = PatKind::Type(member, Box::new(bind));
        let pat = Pat {
            kind,
            ty: whole,
            span,
        };
        (pat, self.read_local(local, span))
    }

    /// `value` (cheap to evaluate) with the futures in it replaced by their values: of type `ty`.
    fn rebuild(&mut self, value: Expr, ty: Ty) -> Expr {
        let span = value.span;
        let from = self.known(value.ty);
        if !self.holds_future(from) {
            return value;
        }
        let to = self.types.kind(ty).clone();
        match (self.types.kind(from).clone(), to) {
            (Kind::Future(_), _) => node(ExprKind::Await(Box::new(value)), ty, span),
            (Kind::List(t), Kind::List(r)) => {
                self.rebuild_list(Iter::List(Box::new(value)), t, r, span)
            }
            (Kind::Set(t), Kind::Set(r)) => {
                let list = self.rebuild_list(Iter::Set(Box::new(value)), t, r, span);
                node(ExprKind::Set(vec![Element::Spread(list)]), ty, span)
            }
            (Kind::Map(key, t), Kind::Map(_, r)) => self.rebuild_map(value, key, t, r, ty),
            (Kind::Union(parts), _) => self.rebuild_union(value, &parts, ty),
            _ => {
                let (before, after) = (self.parts_of(from), self.parts_of(ty));
                let mut fields = Vec::with_capacity(after.len());
                for (index, (old, new)) in (0..).zip(before.into_iter().zip(after)) {
                    let base = Box::new(value.clone());
                    let read = node(ExprKind::Field { base, index }, old, span);
                    fields.push(self.rebuild(read, new));
                }
                node(ExprKind::Aggregate(fields), ty, span)
            }
        }
    }

    fn rebuild_list(&mut self, iter: Iter, from: Ty, to: Ty, span: Span) -> Expr {
        let (list, start) = self.new_list(to, span);
        let local = self.temp(from, span);
        let pat = self.bind_pat(local, from, span);
        let read = self.read_local(local, span);
        let value = self.rebuild(read, to);
        let push = self.push_to(list, value);
        let fill = self.walk_over(pat, iter, None, push);
        let read = self.read_local(list, span);
        let ty = read.ty;
        node(ExprKind::Block(vec![start, fill, read]), ty, span)
    }

    fn rebuild_map(&mut self, value: Expr, key: Ty, from: Ty, to: Ty, ty: Ty) -> Expr {
        let span = value.span;
        let (map, start) = self.hold(node(ExprKind::Map(Vec::new()), ty, span));
        let (pat, key, read) = self.entry_pattern(key, from, span);
        let awaited = self.rebuild(read, to);
        let set = put(map, key, awaited, ty, span);
        let fill = self.walk_over(pat, Iter::Entries(Box::new(value)), None, set);
        let read = self.read_local(map, span);
        node(ExprKind::Block(vec![start, fill, read]), ty, span)
    }

    fn rebuild_union(&mut self, value: Expr, parts: &[Ty], ty: Ty) -> Expr {
        let span = value.span;
        let mut spawned = false;
        for &part in parts {
            spawned |= self.future_of(part).is_some();
        }
        let mut arms = Vec::new();
        for &part in parts {
            if part == Ty::NULL && spawned {
                let pat = Pat {
                    kind: PatKind::Null,
                    ty: value.ty,
                    span,
                };
                let text = "await on a future that was never spawned".to_owned();
                let text = node(ExprKind::Str(text), Ty::STRING, span);
                let error = Box::new(self.new_error(text, Some("Null"), span));
                let body = node(ExprKind::Throw(error), Ty::NEVER, span);
                arms.push(Arm {
                    pat,
                    guard: None,
                    body,
                });
                continue;
            }
            let (pat, read) = self.member_pattern(part, value.ty, span);
            let Some(to) = self.awaited(part, span) else {
                continue;
            };
            let body = self.rebuild(read, to);
            let body = self.widened(body, ty);
            arms.push(Arm {
                pat,
                guard: None,
                body,
            });
        }
        let value = Box::new(value);
        node(ExprKind::Match { value, arms }, ty, span)
    }

    /// `value` as one of a type that contains its own.
    pub(super) fn widened(&mut self, value: Expr, ty: Ty) -> Expr {
        let span = value.span;
        if value.ty == Ty::NEVER || self.types.resolve(value.ty) == self.types.resolve(ty) {
            return value;
        }
        node(ExprKind::Coerce(Coercion::Widen, Box::new(value)), ty, span)
    }
}
