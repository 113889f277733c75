//! Declarations that have no body: records, enums, traits, impls; and the checks of record fields.

use super::Checker;
use super::check::{FnRole, node};
use super::items::{Bound, ImplId, TraitId};
use super::ty::{AdtId, Kind};
use crate::diag::{Code, Diagnostic};
use crate::hir::{self, ExprKind, NominalId, Ty, UnOp};
use crate::source::Span;
use crate::syntax::ast;
use rustc_hash::FxHashSet;

impl<'a> Checker<'a> {
    /// Resolves what the program's own modules declare.
    pub(crate) fn check_declarations(&mut self) {
        let mut seen = FxHashSet::default();
        for number in 0..self.items.adts.len() {
            let id = AdtId(number as u32);
            let adt = self.items.adt(id);
            if self.modules.get(adt.module).library
                || matches!(adt.decl, super::items::AdtDecl::Builtin)
            {
                continue;
            }
            self.variants(id);
            self.check_recursion(id, &mut seen);
            self.check_fields(id);
        }
        for number in 0..self.items.aliases.len() {
            let id = super::items::AliasId(number as u32);
            let alias = self.items.alias(id);
            let span = alias.decl.name.span;
            if !self.modules.get(alias.module).library {
                self.alias(id, span);
            }
        }
        for number in 0..self.items.impls.len() {
            let id = ImplId(number as u32);
            if !self.modules.get(self.items.impl_(id).module).library {
                self.check_impl(id);
            }
        }
    }

    /// A record that directly contains itself could never be made. Looks at what `id` contains,
    /// without recursing: chains of records may be long. Records that are in `seen` are finite,
    /// or have been reported.
    fn check_recursion(&mut self, id: AdtId, seen: &mut FxHashSet<AdtId>) {
        if self.items.adt(id).is_enum || !seen.insert(id) {
            return;
        }
        // Each record on the way with the fields that are still to be followed.
        let mut path = vec![(id, self.record_parts(id))];
        let mut on_path = FxHashSet::from_iter([id]);
        let mut fields: Vec<Span> = Vec::new();
        while let Some((at, parts)) = path.last_mut() {
            let Some((part, field)) = parts.pop() else {
                on_path.remove(at);
                path.pop();
                fields.pop();
                continue;
            };
            if on_path.contains(&part) {
                let first = path.iter().position(|(one, _)| *one == part).unwrap_or(0);
                let cycle: Vec<AdtId> = path[first..].iter().map(|(one, _)| *one).collect();
                let spans = fields[first..].iter().copied().chain([field]);
                for (one, span) in cycle.into_iter().zip(spans) {
                    self.report_recursion(one, span);
                }
            } else if seen.insert(part) {
                fields.push(field);
                on_path.insert(part);
                path.push((part, self.record_parts(part)));
            }
        }
    }

    fn report_recursion(&mut self, id: AdtId, field: Span) {
        let name = self.text(self.items.adt(id).name);
        let message = format!("record `{name}` contains itself: it could never be made");
        let error = Diagnostic::new(Code::RecursiveType, message, self.items.adt(id).span)
            .label(field, "here")
            .help("make the field nullable (`?`), or a list");
        self.report(error);
    }

    /// The records directly in the fields of `id`, and where; the first field last.
    fn record_parts(&mut self, id: AdtId) -> Vec<(AdtId, Span)> {
        let variants = self.variants(id);
        let mut parts = Vec::new();
        for field in variants.iter().flat_map(|one| &one.fields).rev() {
            for part in self.direct_records(field.ty) {
                parts.push((part, field.span));
            }
        }
        parts
    }

    fn direct_records(&mut self, ty: Ty) -> Vec<AdtId> {
        match self.types.kind(ty).clone() {
            Kind::Adt(id, _) if !self.items.adt(id).is_enum => vec![id],
            Kind::Tuple(parts) => parts
                .iter()
                .flat_map(|&part| self.direct_records(part))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Defaults and constraints of a record without type parameters, even if none is ever made.
    fn check_fields(&mut self, id: AdtId) {
        let Some(decl) = self.record_decl(id) else {
            return;
        };
        if !decl.generics.params.is_empty() {
            return;
        }
        let module = self.items.adt(id).module;
        let variants = self.variants(id);
        for field in &variants[0].fields {
            let Some(default) = field.default else {
                continue;
            };
            let ty = field.ty;
            self.own_body(module, FnRole::Cell, "default", field.span, |this| {
                let value = this.expr_as(default, ty);
                let cx = this.cx();
                cx.result = ty;
                cx.declared = true;
                cx.body = Some(value);
            });
        }
        if self.items.adt(id).constrained {
            let func = self.new_func();
            self.record_check_body(func, id, &[]);
        }
    }

    /// The function that raises `Constraint` when a field's `where` does not hold.
    pub(crate) fn make_record_check(&mut self, nominal: NominalId, id: AdtId, args: &[Ty]) {
        let Some(func) = self.out.types.nominals[nominal.0 as usize].check else {
            return;
        };
        self.record_check_body(func, id, args);
    }

    fn record_check_body(&mut self, func: hir::FuncId, id: AdtId, args: &[Ty]) {
        let adt = self.items.adt(id);
        let (module, name, span) = (adt.module, adt.name, adt.span);
        let name = self.text(name);
        let ty = self.types.adt(id, args);
        let generics = self.items.adt(id).generics.clone();
        let label = format!("{name}.where");
        self.own_body_as(func, module, FnRole::Cell, &label, span, |this| {
            this.body.scope.generics = generics
                .iter()
                .zip(args)
                .map(|(one, &ty)| (one.name, ty))
                .collect();
            let record = this.param_local("self", ty, span);
            let symbol = crate::syntax::token::sym::SELF;
            this.bind_name(symbol, record, ty, span, false);
            let variants = this.variants(id);
            let mut parts = Vec::new();
            // The fields by their names, then the tests.
            for (number, field) in variants[0].fields.iter().enumerate() {
                let field_ty = this.types.subst(field.ty, args);
                let base = Box::new(this.read_local(record, span));
                let kind = ExprKind::Field {
                    base,
                    index: number as u32,
                };
                let value = node(kind, field_ty, field.span);
                let local = this.declare(field.name, field_ty, field.span, false);
                parts.push(super::check::let_node(local, value, field.span));
            }
            for field in &variants[0].fields {
                if let Some(constraint) = field.constraint {
                    let test = this.constraint(constraint, &name, field.name);
                    parts.push(test);
                }
            }
            let cx = this.cx();
            cx.result = Ty::NULL;
            cx.declared = true;
            cx.body = Some(node(ExprKind::Block(parts), Ty::NULL, span));
        });
    }

    fn constraint(
        &mut self,
        constraint: &'a ast::Expr,
        record: &str,
        field: crate::syntax::Symbol,
    ) -> hir::Expr {
        let span = constraint.span;
        let holds = self.expr_as(constraint, Ty::BOOL);
        let text = self.sources.text(span).to_owned();
        let field = self.text(field);
        let message = format!("{record}.{field} must satisfy: {text}");
        let message = node(ExprKind::Str(message), Ty::STRING, span);
        let error = self.new_error(message, Some("Constraint"), span);
        let throw = node(ExprKind::Throw(Box::new(error)), Ty::NEVER, span);
        let cond = node(ExprKind::Unary(UnOp::Not, Box::new(holds)), Ty::BOOL, span);
        let (cond, then) = (Box::new(cond), Box::new(throw));
        node(
            ExprKind::If {
                cond,
                then,
                otherwise: None,
            },
            Ty::NULL,
            span,
        )
    }

    /// Whether an impl has what its trait demands.
    fn check_impl(&mut self, id: ImplId) {
        let one = self.items.impl_(id);
        let (decl, bound) = (one.decl, one.bound.clone());
        let Some(Bound::Trait(of, args)) = bound else {
            return;
        };
        let wanted: Vec<_> = {
            let methods = &self.items.trait_(of).methods;
            let mut list: Vec<_> = methods.iter().map(|(name, cell)| (*name, *cell)).collect();
            list.sort_by_key(|(_, cell)| *cell);
            list
        };
        let trait_name = self.text(self.items.trait_(of).decl.name.name);
        for (name, cell) in &wanted {
            let own = self.items.impl_(id).methods.get(name).copied();
            let Some(own) = own else {
                if matches!(self.items.cell(*cell).decl.body, ast::CellBody::None) {
                    let (text, span) = (self.text(*name), self.impl_span(decl));
                    let message = format!("the impl lacks `{text}` of trait `{trait_name}`");
                    let declared = self.items.cell(*cell).decl.name.span;
                    let error = Diagnostic::new(Code::TraitMethods, message, span)
                        .label(declared, "declared here");
                    self.report(error);
                }
                continue;
            };
            self.check_impl_method(id, of, &args, own, *cell);
        }
        for method in &decl.methods {
            let name = method.cell.name;
            if !wanted.iter().any(|(known, _)| *known == name.name) {
                let text = self.text(name.name);
                let message = format!("trait `{trait_name}` has no `{text}`");
                let error = Diagnostic::new(Code::TraitMethods, message, name.span)
                    .help("cells of the type's own stand in `impl Type … end`");
                self.report(error);
            }
        }
        self.check_supers(id, of);
    }

    fn impl_span(&self, decl: &ast::ImplDecl) -> Span {
        decl.trait_
            .as_ref()
            .map_or(decl.ty.span, |bound| bound.span.to(decl.ty.span))
    }

    fn check_supers(&mut self, id: ImplId, of: TraitId) {
        let (ty, decl) = (self.items.impl_(id).ty, self.items.impl_(id).decl);
        for bound in self.items.trait_(of).supers.clone() {
            if !self.satisfies(ty, &bound) {
                let name = match &bound {
                    Bound::Trait(id, _) => self.text(self.items.trait_(*id).decl.name.name),
                    Bound::Builtin(builtin) => builtin.name().to_owned(),
                };
                let shown = self.show(ty);
                let message =
                    format!("{shown} does not implement `{name}`, which this trait extends");
                self.error(Code::BoundNotMet, self.impl_span(decl), message);
            }
        }
    }

    /// Whether a method of an impl has the signature its trait declares.
    fn check_impl_method(
        &mut self,
        id: ImplId,
        of: TraitId,
        args: &[Ty],
        own: super::items::CellId,
        declared: super::items::CellId,
    ) {
        let (own_sig, sig) = (self.sig(own), self.sig(declared));
        let span = self.items.cell(own).decl.header;
        let place = self.items.cell(declared).decl.header;
        let _ = of;
        if own_sig.params.len() != sig.params.len() {
            let message = format!(
                "the trait declares {} parameters, found {}",
                sig.params.len(),
                own_sig.params.len()
            );
            let error =
                Diagnostic::new(Code::TraitMethods, message, span).label(place, "declared here");
            self.report(error);
            return;
        }
        // The trait's parameters: Self, its own, then the method's.
        let self_ty = self.items.impl_(id).ty;
        let mut map = vec![self_ty];
        map.extend(args);
        let impl_count = self.items.impl_(id).generics.len();
        let own_generics = own_sig.generics.iter().enumerate().skip(impl_count);
        let own_generics: Vec<(usize, crate::syntax::Symbol)> = own_generics
            .map(|(number, one)| (number, one.name))
            .collect();
        for (number, name) in own_generics {
            map.push(self.types.intern(Kind::Param(number as u32, name)));
        }
        let pairs = own_sig.params.iter().zip(&sig.params);
        for (mine, theirs) in pairs {
            let want = self.types.subst(theirs.ty, &map);
            let implicit = matches!(self.types.kind(mine.ty), Kind::Param(n, _)
                if own_sig.generics.get(*n as usize).is_some_and(|one| one.implicit));
            if implicit || self.types.has_poison(want) || self.types.unify(mine.ty, want) {
                continue;
            }
            let (want, found) = (self.show(want), self.show(mine.ty));
            let message = format!("the trait declares {want} here, found {found}");
            let error = Diagnostic::new(Code::TraitMethods, message, mine.span)
                .label(place, "declared here");
            self.report(error);
        }
        if let (Some(mine), Some(theirs)) = (own_sig.result, sig.result) {
            let want = self.types.subst(theirs, &map);
            if !self.types.has_poison(want) && !self.types.unify(mine, want) {
                let (want, found) = (self.show(want), self.show(mine));
                let message = format!("the trait declares the result {want}, found {found}");
                let error = Diagnostic::new(Code::TraitMethods, message, span)
                    .label(place, "declared here");
                self.report(error);
            }
        }
    }
}
