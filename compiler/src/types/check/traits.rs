//! Traits: whose methods a type has, which bounds it satisfies, the user's own `show`, `eq` and
//! `compare`.

use super::call::ArgIn;
use super::{Want, node};
use crate::diag::{Code, Diagnostic};
use crate::hir::{BinOp, Expr, ExprKind, Ty};
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast;
use crate::types::items::{Bound, BuiltinTrait, CellId, ImplId, Sig, TraitId};
use crate::types::relate::Relation;
use crate::types::ty::Kind;
use crate::types::{Checker, Head};

impl<'a> Checker<'a> {
    /// A method of `ty` (of its declaration, of an impl, a trait's default), with the type
    /// arguments of what it belongs to.
    pub(crate) fn find_method(&mut self, ty: Ty, name: Symbol) -> Option<(CellId, Vec<Ty>)> {
        let ty = self.known(ty);
        match self.types.kind(ty).clone() {
            Kind::Adt(id, args) => {
                if let Some(&cell) = self.items.adt(id).methods.get(&name) {
                    return Some((cell, args.to_vec()));
                }
            }
            Kind::Param(number, _) => return self.bound_method(ty, number, name),
            Kind::Var(_) => return None,
            _ => {}
        }
        let head = self.head_of(ty);
        let mut impls = self.impls.get(&head).cloned().unwrap_or_default();
        if head != Head::Any {
            impls.extend(self.impls.get(&Head::Any).into_iter().flatten());
        }
        for imp in impls {
            let one = self.items.impl_(imp);
            let (of, bound) = (one.ty, one.bound.clone());
            let own = one.methods.get(&name).copied();
            let inherited = match &bound {
                Some(Bound::Trait(id, _)) if own.is_none() => self.trait_method(*id, name),
                _ => None,
            };
            if own.is_none() && inherited.is_none() {
                continue;
            }
            let vars: Vec<Ty> = (0..self.items.impl_(imp).generics.len())
                .map(|_| self.open_var())
                .collect();
            let of = self.types.subst(of, &vars);
            if !self.types.attempt(|types| types.unify(of, ty)) {
                continue;
            }
            if let Some(cell) = own {
                return Some((cell, vars));
            }
            if let (Some((cell, id)), Some(bound)) = (inherited, bound) {
                let mut args = vec![ty];
                args.extend(self.trait_args(&bound, id, &vars));
                return Some((cell, args));
            }
        }
        None
    }

    /// The type arguments of trait `id`, which `bound` is or extends.
    fn trait_args(&mut self, bound: &Bound, id: TraitId, vars: &[Ty]) -> Vec<Ty> {
        match bound {
            Bound::Trait(of, args) if *of == id => {
                args.iter().map(|&ty| self.types.subst(ty, vars)).collect()
            }
            _ => {
                let count = self.items.trait_(id).decl.generics.params.len();
                (0..count).map(|_| self.open_var()).collect()
            }
        }
    }

    /// A trait's method, its supertraits' included, that has a body.
    fn trait_method(&self, id: TraitId, name: Symbol) -> Option<(CellId, TraitId)> {
        let one = self.items.trait_(id);
        if let Some(&cell) = one.methods.get(&name) {
            let bodiless = matches!(self.items.cell(cell).decl.body, ast::CellBody::None);
            return (!bodiless).then_some((cell, id));
        }
        one.supers.iter().find_map(|bound| match bound {
            Bound::Trait(id, _) => self.trait_method(*id, name),
            Bound::Builtin(_) => None,
        })
    }

    /// A method that a type parameter has by its bounds.
    fn bound_method(&mut self, ty: Ty, number: u32, name: Symbol) -> Option<(CellId, Vec<Ty>)> {
        let bounds = self.body.bounds.get(number as usize)?.bounds.clone();
        let mut open: Vec<Bound> = bounds;
        let mut seen: Vec<TraitId> = Vec::new();
        while let Some(bound) = open.pop() {
            let Bound::Trait(id, args) = bound else {
                continue;
            };
            if seen.contains(&id) {
                continue;
            }
            seen.push(id);
            let one = self.items.trait_(id);
            if let Some(&cell) = one.methods.get(&name) {
                let mut owner = vec![ty];
                owner.extend(args);
                return Some((cell, owner));
            }
            open.extend(one.supers.iter().cloned());
        }
        None
    }

    /// Notes the bounds that a call's type arguments must satisfy.
    pub(crate) fn later_bounds(&mut self, sig: &Sig<'a>, vars: &[Ty], span: Span) {
        for (generic, &ty) in sig.generics.iter().zip(vars) {
            for bound in &generic.bounds {
                let bound = match bound {
                    Bound::Trait(id, args) => {
                        let args = args
                            .iter()
                            .map(|&arg| self.types.subst(arg, vars))
                            .collect();
                        Bound::Trait(*id, args)
                    }
                    Bound::Builtin(builtin) => Bound::Builtin(*builtin),
                };
                self.body.bound_checks.push((bound, ty, span));
            }
        }
    }

    /// Checks the bounds noted so far.
    pub(crate) fn check_bounds(&mut self) {
        for (bound, ty, span) in std::mem::take(&mut self.body.bound_checks) {
            let ty = self.types.resolve(ty);
            if self.types.has_poison(ty) || self.is_var(ty) || self.satisfies(ty, &bound) {
                continue;
            }
            let name = match &bound {
                Bound::Trait(id, _) => self.text(self.items.trait_(*id).decl.name.name),
                Bound::Builtin(builtin) => builtin.name().to_owned(),
            };
            let shown = self.show(ty);
            let message = format!("{shown} does not implement `{name}`");
            let error = Diagnostic::new(Code::BoundNotMet, message, span)
                .help(format!("impl {name} for {shown} … end"));
            self.report(error);
        }
    }

    /// Whether `ty` satisfies a bound.
    pub(crate) fn satisfies(&mut self, ty: Ty, bound: &Bound) -> bool {
        let ty = self.known(ty);
        match bound {
            Bound::Builtin(BuiltinTrait::Show | BuiltinTrait::Default) => true,
            Bound::Builtin(BuiltinTrait::Eq | BuiltinTrait::Hash) => {
                !matches!(self.types.kind(ty), Kind::Func(..))
            }
            Bound::Builtin(BuiltinTrait::Order) => self.ordered(ty),
            Bound::Trait(id, _) => self.implements(ty, *id),
        }
    }

    fn implements(&mut self, ty: Ty, id: TraitId) -> bool {
        if let Kind::Param(number, _) = *self.types.kind(ty) {
            let bounds = self
                .body
                .bounds
                .get(number as usize)
                .map(|one| one.bounds.clone());
            return bounds
                .into_iter()
                .flatten()
                .any(|bound| self.extends(&bound, id));
        }
        let head = self.head_of(ty);
        let mut impls = self.impls.get(&head).cloned().unwrap_or_default();
        impls.extend(self.impls.get(&Head::Any).into_iter().flatten());
        impls.into_iter().any(|imp| {
            let one = self.items.impl_(imp);
            let (of, bound) = (one.ty, one.bound.clone());
            if !bound.is_some_and(|bound| self.extends(&bound, id)) {
                return false;
            }
            let vars: Vec<Ty> = (0..self.items.impl_(imp).generics.len())
                .map(|_| self.open_var())
                .collect();
            let of = self.types.subst(of, &vars);
            self.types.attempt(|types| types.unify(of, ty))
        })
    }

    fn extends(&self, bound: &Bound, id: TraitId) -> bool {
        match bound {
            Bound::Trait(of, _) => {
                *of == id || {
                    let supers = &self.items.trait_(*of).supers;
                    supers.iter().any(|one| self.extends(one, id))
                }
            }
            Bound::Builtin(_) => false,
        }
    }

    /// Whether values of `ty` can be compared with `<`.
    pub(crate) fn ordered(&mut self, ty: Ty) -> bool {
        let ty = self.known(ty);
        match self.types.kind(ty).clone() {
            Kind::Int | Kind::Float | Kind::String | Kind::Bool | Kind::Bytes | Kind::Null => true,
            Kind::Poison | Kind::Never | Kind::Var(_) => true,
            Kind::List(t) => self.ordered(t),
            Kind::Tuple(ts) => ts.iter().all(|&t| self.ordered(t)),
            Kind::Adt(id, args) => {
                self.builtin_impl(ty, BuiltinTrait::Order).is_some() || {
                    // By structure: as long as no field is without order.
                    let variants = self.variants(id);
                    let fields = variants
                        .iter()
                        .flat_map(|one| &one.fields)
                        .map(|field| field.ty);
                    let fields: Vec<Ty> = fields.collect();
                    fields.into_iter().all(|field| {
                        let field = self.types.subst(field, &args);
                        let recursive =
                            matches!(self.types.kind(field), Kind::Adt(of, _) if *of == id);
                        recursive || self.ordered(field)
                    })
                }
            }
            Kind::Param(number, _) => {
                let bounds = self.body.bounds.get(number as usize);
                bounds.is_some_and(|one| {
                    let order =
                        |bound: &Bound| matches!(bound, Bound::Builtin(BuiltinTrait::Order));
                    one.bounds.iter().any(order)
                })
            }
            _ => false,
        }
    }

    /// The user's own `impl Show for T` (or Eq, Order): its first method.
    pub(crate) fn builtin_impl(&mut self, ty: Ty, of: BuiltinTrait) -> Option<(CellId, Vec<Ty>)> {
        let head = self.head_of(ty);
        if !matches!(head, Head::Adt(_)) {
            return None;
        }
        let impls = self.impls.get(&head)?.clone();
        for imp in impls {
            let one = self.items.impl_(imp);
            let cell = match one.bound {
                Some(Bound::Builtin(builtin)) if builtin == of => {
                    let first = one.decl.methods.first()?.cell.name.name;
                    *one.methods.get(&first)?
                }
                Some(Bound::Trait(id, _)) => match self.spelled_out(imp, id, of) {
                    Some(cell) => cell,
                    None => continue,
                },
                _ => continue,
            };
            let of = self.items.impl_(imp).ty;
            let vars: Vec<Ty> = (0..self.items.impl_(imp).generics.len())
                .map(|_| self.open_var())
                .collect();
            let of = self.types.subst(of, &vars);
            if self.types.attempt(|types| types.unify(of, ty)) {
                return Some((cell, vars));
            }
        }
        None
    }

    /// The cell of an impl of a trait that the program declares as the language does:
    /// `trait Show`, with `cell show(self) -> String`.
    fn spelled_out(&mut self, imp: ImplId, id: TraitId, of: BuiltinTrait) -> Option<CellId> {
        let declared = self.items.trait_(id).decl.name.name;
        if self.names.resolve(declared) != of.name() {
            return None;
        }
        let (name, params, result) = match of {
            BuiltinTrait::Show => ("show", 1, Ty::STRING),
            BuiltinTrait::Eq => ("eq", 2, Ty::BOOL),
            BuiltinTrait::Order => ("compare", 2, Ty::INT),
            BuiltinTrait::Hash | BuiltinTrait::Default => return None,
        };
        let cell = *self.items.impl_(imp).methods.get(&self.names.get(name)?)?;
        let sig = self.sig(cell);
        (sig.params.len() == params && sig.result == Some(result)).then_some(cell)
    }

    pub(crate) fn call_builtin_impl(
        &mut self,
        of: BuiltinTrait,
        values: Vec<Expr>,
        span: Span,
    ) -> Option<Expr> {
        let ty = self.known(values[0].ty);
        let (cell, owner) = self.builtin_impl(ty, of)?;
        // Inside the impl itself the structure counts.
        let open = self.body.inst.map(|inst| self.insts[inst.0 as usize].cell);
        if open == Some(cell) {
            return None;
        }
        let args = values.into_iter().map(ArgIn::done).collect();
        Some(self.call_cell(cell, Some(&owner), &[], args, None, span, Want::Value))
    }

    /// A value's text by its own `show`, if it has one, or something in it.
    pub(crate) fn call_show(&mut self, value: Expr) -> Expr {
        let span = value.span;
        let ty = self.known(value.ty);
        if self.impls.is_empty() || !self.is_ground(ty) {
            return value;
        }
        if !self.has_show(ty) {
            let inside = !self.body.ghost && !self.types.has_poison(ty) && self.needs_show(ty);
            return match inside {
                true => self.show_call(value, ty),
                false => value,
            };
        }
        let copy = value.clone();
        self.call_builtin_impl(BuiltinTrait::Show, vec![copy], span)
            .unwrap_or(value)
    }

    /// Whether values of type `ty` have a `show` of their own.
    pub(crate) fn has_show(&mut self, ty: Ty) -> bool {
        self.show_cell(ty).is_some()
    }

    /// The `show` of `ty`.
    pub(crate) fn show_cell(&mut self, ty: Ty) -> Option<CellId> {
        let found = self.builtin_impl(ty, BuiltinTrait::Show);
        found.map(|(cell, _)| cell)
    }

    pub(crate) fn user_equal(&mut self, lhs: &Expr, rhs: &Expr, span: Span) -> Option<Expr> {
        let ty = self.known(lhs.ty);
        if self.builtin_impl(ty, BuiltinTrait::Eq).is_none() {
            return self.inner_relation(Relation::Equal, lhs, rhs, span);
        }
        self.call_builtin_impl(BuiltinTrait::Eq, vec![lhs.clone(), rhs.clone()], span)
    }

    pub(crate) fn user_order(
        &mut self,
        op: ast::BinaryOp,
        lhs: &Expr,
        rhs: &Expr,
        span: Span,
    ) -> Option<Expr> {
        let ty = self.known(lhs.ty);
        let order = if self.builtin_impl(ty, BuiltinTrait::Order).is_some() {
            let values = vec![lhs.clone(), rhs.clone()];
            self.call_builtin_impl(BuiltinTrait::Order, values, span)?
        } else {
            self.inner_relation(Relation::Order, lhs, rhs, span)?
        };
        let bool_result = self.known(order.ty) == Ty::BOOL;
        if bool_result {
            // `less(a, b)`: only `<` and its relatives by swapping and negating.
            return self.order_by_less(op, lhs, rhs, span);
        }
        let zero = node(ExprKind::Int(0), Ty::INT, span);
        let op: BinOp = super::operator::bin_op(op);
        let kind = ExprKind::Binary(op, Box::new(order), Box::new(zero));
        Some(node(kind, Ty::BOOL, span))
    }

    fn order_by_less(
        &mut self,
        op: ast::BinaryOp,
        lhs: &Expr,
        rhs: &Expr,
        span: Span,
    ) -> Option<Expr> {
        use ast::BinaryOp as Op;
        let swap = matches!(op, Op::Gt | Op::LtEq);
        let negate = matches!(op, Op::LtEq | Op::GtEq);
        let (a, b) = if swap { (rhs, lhs) } else { (lhs, rhs) };
        let values = vec![a.clone(), b.clone()];
        let less = self.call_builtin_impl(BuiltinTrait::Order, values, span)?;
        if !negate {
            return Some(less);
        }
        let kind = ExprKind::Unary(crate::hir::UnOp::Not, Box::new(less));
        Some(node(kind, Ty::BOOL, span))
    }
}
