//! Calls: which cell is meant, how arguments meet parameters.

use super::closure::count;
use super::coerce::Fit;
use super::overload::Cells;
use super::{Want, node};
use crate::diag::Code;
use crate::hir::{Callee, Expr, ExprKind, LocalId, Place, Ty};
use crate::names::{ModuleId, ValueDef};
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast::{self, ExprKind as Ast};
use crate::types::Checker;
use crate::types::items::{CellId, Sig};
use crate::types::resolve::TyScope;
use crate::types::ty::{Few, Kind, Origin};
use std::rc::Rc;

/// An argument: as written, or checked already.
pub(crate) enum ArgValue<'a> {
    Ast(&'a ast::Expr),
    Done(Expr),
}

/// An argument of a call.
pub(crate) struct ArgIn<'a> {
    pub(crate) name: Option<ast::Ident>,
    pub(crate) spread: bool,
    pub(crate) value: ArgValue<'a>,
}

/// What takes an argument: a parameter or a field.
pub(crate) struct Slot<'a> {
    pub(crate) name: Symbol,
    pub(crate) ty: Ty,
    pub(crate) default: Option<&'a ast::Expr>,
    pub(crate) variadic: bool,
}

/// Arguments in the order of the slots, and what has to be evaluated before.
pub(crate) struct Applied {
    pub(crate) lets: Vec<Expr>,
    pub(crate) values: Vec<Expr>,
}

impl<'a> ArgIn<'a> {
    pub(crate) fn list(args: &'a [ast::Arg]) -> Vec<ArgIn<'a>> {
        args.iter().map(ArgIn::of).collect()
    }

    fn of(arg: &'a ast::Arg) -> ArgIn<'a> {
        ArgIn {
            name: arg.name.as_deref().copied(),
            spread: arg.spread,
            value: ArgValue::Ast(&arg.value),
        }
    }

    pub(crate) fn done(value: Expr) -> ArgIn<'a> {
        ArgIn {
            name: None,
            spread: false,
            value: ArgValue::Done(value),
        }
    }

    pub(crate) fn span(&self) -> Span {
        match &self.value {
            ArgValue::Ast(expr) => expr.span,
            ArgValue::Done(expr) => expr.span,
        }
    }

    pub(crate) fn is_lambda(&self) -> bool {
        matches!(&self.value, ArgValue::Ast(expr) if matches!(expr.kind, Ast::Lambda(_)))
    }
}

impl<'a> Checker<'a> {
    pub(crate) fn call(&mut self, call: &'a ast::Call, span: Span, want: Want) -> Expr {
        if let Some(special) = self.special_call(call, span, want) {
            return special;
        }
        self.call_with(&call.callee, None, &call.type_args, &call.args, span, want)
    }

    /// Calls `callee`, with `first` before the arguments written.
    pub(crate) fn call_with(
        &mut self,
        callee: &'a ast::Expr,
        first: Option<Expr>,
        type_args: &'a [ast::Type],
        args: &'a [ast::Arg],
        span: Span,
        want: Want,
    ) -> Expr {
        let mut list: Vec<ArgIn<'a>> = Vec::with_capacity(args.len() + 1);
        list.extend(first.map(ArgIn::done));
        list.extend(args.iter().map(ArgIn::of));
        let Ast::Name(name) = callee.kind else {
            let callee = self.value(callee);
            return self.call_closure_args(callee, list, span);
        };
        if self.lookup(name).is_some() {
            let callee = self.name(name, callee.span, Want::Value);
            return self.call_closure_args(callee, list, span);
        }
        match self.value_def(name) {
            Some(ValueDef::Cell(_)) => {
                let cells = self.candidates(name);
                self.call_one_of(&cells, name, type_args, list, span, want)
            }
            Some(ValueDef::Record(id)) => self.construct(id, type_args, list, span, want),
            Some(ValueDef::Variant(id, number)) => {
                let (id, number) = self.variant_wanted(id, number, name, want);
                self.construct_variant(id, number, list, span, want)
            }
            Some(ValueDef::Tool(id)) => self.call_tool(id, list, span, want),
            Some(ValueDef::Global(_) | ValueDef::Const(_)) => {
                let callee = self.name(name, callee.span, Want::Value);
                self.call_closure_args(callee, list, span)
            }
            Some(ValueDef::Effect(_)) | None => {
                if self.names.resolve(name) == "Error" {
                    return self.construct_error(list, span);
                }
                self.check_args_anyhow(list);
                self.unknown_name(name, callee.span)
            }
        }
    }

    /// Checks arguments of a call that cannot be made, for their own errors.
    pub(crate) fn check_args_anyhow(&mut self, args: Vec<ArgIn<'a>>) {
        for arg in args {
            if let ArgValue::Ast(expr) = arg.value
                && !matches!(expr.kind, Ast::Lambda(_))
            {
                self.value(expr);
            }
        }
    }

    fn call_closure_args(&mut self, callee: Expr, args: Vec<ArgIn<'a>>, span: Span) -> Expr {
        let ty = self.known(callee.ty);
        let arity = match self.types.kind(ty) {
            Kind::Func(params, _) => params.len(),
            _ => args.len(),
        };
        if let Some(arg) = args.iter().find(|arg| arg.name.is_some() || arg.spread) {
            let message = "arguments of a function value have no names and no `...`";
            self.error(Code::UnknownArgument, arg.span(), message);
        }
        if self.is_var(ty) {
            let params: Vec<Ty> = args.iter().map(|_| self.open_var()).collect();
            let result = self.open_var();
            let func = self.types.func(&params, result);
            if !self.types.unify(ty, func) {
                // `null`, `{}`: whatever they become, it is no function.
                self.types.unify(ty, Ty::NULL);
            }
        }
        let ty = self.known(ty);
        let Kind::Func(params, result) = self.types.kind(ty).clone() else {
            self.check_args_anyhow(args);
            return self.call_value(callee, &[], span);
        };
        if arity != args.len() {
            let message = format!("expected {}, found {}", count(arity), args.len());
            self.error(Code::ArgumentCount, span, message);
            self.check_args_anyhow(args);
            return node(ExprKind::Null, result, span);
        }
        let args = args
            .into_iter()
            .zip(params.iter())
            .map(|(arg, &ty)| match arg.value {
                ArgValue::Ast(expr) => self.expr_as(expr, ty),
                ArgValue::Done(expr) => self.coerce(expr, ty),
            });
        let args = args.collect();
        self.solve(false);
        let callee = Box::new(callee);
        node(ExprKind::CallValue { callee, args }, result, span)
    }

    /// Calls a closure with values.
    pub(crate) fn call_closure(&mut self, callee: Expr, args: Vec<Expr>, span: Span) -> Expr {
        let args = args.into_iter().map(ArgIn::done).collect();
        self.call_closure_args(callee, args, span)
    }

    /// A variable for each type parameter.
    pub(crate) fn fresh_args(&mut self, sig: &Sig<'a>) -> Few {
        sig.generics
            .iter()
            .map(|_| self.types.fresh(Origin::Open))
            .collect()
    }

    /// Calls `cell`. `owner` are the type arguments of what it belongs to; `place` is the first
    /// argument of a mutator in method form.
    #[allow(clippy::too_many_arguments, reason = "all of a call's parts")]
    pub(crate) fn call_cell(
        &mut self,
        cell: CellId,
        owner: Option<&[Ty]>,
        type_args: &'a [ast::Type],
        args: Vec<ArgIn<'a>>,
        place: Option<Place>,
        span: Span,
        want: Want,
    ) -> Expr {
        let sig = self.sig(cell);
        let vars = self.fresh_args(&sig);
        if let Some(owner) = owner {
            for (&var, &ty) in vars.iter().zip(owner) {
                self.types.unify(var, ty);
            }
        }
        let owned = owner.map_or(0, <[Ty]>::len);
        self.explicit_args(
            cell,
            &sig,
            &vars[owned.min(vars.len())..],
            owned,
            type_args,
            span,
        );
        if let (Some(want), Some(result)) = (want.ty(), sig.result)
            && !sig.yields
            && !sig.is_async
            && !sig.mutator
        {
            let result = self.types.subst(result, &vars);
            self.hint_result(result, want);
        }
        let mut slots: Vec<Slot<'a>> = Vec::with_capacity(sig.params.len());
        for param in &sig.params {
            let ty = self.types.subst(param.ty, &vars);
            slots.push(Slot {
                name: param.name,
                ty,
                default: param.default,
                variadic: param.variadic,
            });
        }
        let name = self.items.cell(cell).decl.name.name;
        if let Some(place) = &place {
            let first = slots.remove(0);
            if self.fit(place.ty, first.ty) == Fit::No {
                self.mismatch(place.span, place.ty, first.ty);
            }
        }
        let env = self.callee_scope(cell, &sig, &vars);
        let applied = self.apply(&slots, args, &env, name, span);
        self.solve(false);
        self.later_bounds(&sig, &vars, span);
        self.make_call(cell, &sig, &vars, applied, place, span)
    }

    fn explicit_args(
        &mut self,
        cell: CellId,
        sig: &Sig<'a>,
        vars: &[Ty],
        owned: usize,
        type_args: &[ast::Type],
        span: Span,
    ) {
        if type_args.is_empty() {
            return;
        }
        let own = sig.generics[owned..]
            .iter()
            .filter(|one| !one.implicit)
            .count();
        if own != type_args.len() {
            let name = self.text(self.items.cell(cell).decl.name.name);
            let message = format!(
                "`{name}` takes {own} type arguments, found {}",
                type_args.len()
            );
            self.error(Code::TypeArguments, span, message);
            return;
        }
        for (written, &var) in type_args.iter().zip(vars) {
            let ty = self.body_type(written);
            self.types.unify(var, ty);
        }
    }

    /// Lets the type wanted of a call say something about its type arguments.
    fn hint_result(&mut self, result: Ty, want: Ty) {
        let want = self.known(want);
        if self.is_var(want) {
            return;
        }
        let head = self.types.head(result);
        if self.is_var(head) {
            let settled = !matches!(
                self.types.kind(want),
                Kind::Union(_) | Kind::Any | Kind::Json | Kind::Float | Kind::Var(_) | Kind::Null
            );
            if settled && self.is_ground(want) {
                self.types.attempt(|types| types.unify(head, want));
            }
            return;
        }
        if self.types.attempt(|types| types.unify(head, want)) {
            return;
        }
        let part = self.types.without(want, |_, member| member == Ty::NULL);
        if part != want && part != Ty::NEVER && !self.is_var(part) {
            self.types.attempt(|types| types.unify(head, part));
        }
    }

    fn callee_scope(&mut self, cell: CellId, sig: &Sig<'a>, vars: &[Ty]) -> (ModuleId, TyScope) {
        let module = self.items.cell(cell).module;
        let explicit = sig
            .generics
            .iter()
            .zip(vars)
            .filter(|(one, _)| !one.implicit);
        let generics = explicit.map(|(one, &ty)| (one.name, ty)).collect();
        let scope = TyScope {
            module,
            generics,
            self_ty: None,
            infer: true,
        };
        (module, scope)
    }

    /// The node of a call whose arguments are ready.
    fn make_call(
        &mut self,
        cell: CellId,
        sig: &Rc<Sig<'a>>,
        vars: &[Ty],
        mut applied: Applied,
        place: Option<Place>,
        span: Span,
    ) -> Expr {
        let callee = self.site(cell, vars, span);
        let mut result = self.call_result(sig, callee);
        if sig.yields {
            result = self.types.intern(Kind::Generator(result));
        }
        if self.prints(cell)
            && let Some(first) = applied.values.pop()
        {
            let shown = self.printable(first);
            let ty = shown.ty;
            if let (Ty::STRING, Callee::Native(id)) = (ty, callee) {
                self.body.sites[id.0 as usize].args = Few::from_slice(&[Ty::STRING]);
            }
            applied.values.push(shown);
        }
        if sig.is_async {
            return self.spawn_call(callee, applied, result, span);
        }
        let call = if let Some(place) = place {
            let args = applied.values;
            node(
                ExprKind::CallMut {
                    callee,
                    place: Box::new(place),
                    args,
                },
                result,
                span,
            )
        } else if sig.mutator {
            return self.call_mutator(callee, applied, result, span);
        } else {
            let args = applied.values;
            node(ExprKind::Call { callee, args }, result, span)
        };
        with_lets(applied.lets, call)
    }

    /// Library cells that print any value.
    fn prints(&self, cell: CellId) -> bool {
        let one = self.items.cell(cell);
        let name = self.names.resolve(one.decl.name.name);
        matches!(name, "print" | "eprint" | "to_string") && self.modules.get(one.module).library
    }

    /// A mutator in function form: changes a copy and gives it.
    fn call_mutator(&mut self, callee: Callee, applied: Applied, result: Ty, span: Span) -> Expr {
        let mut values = applied.values.into_iter();
        let Some(first) = values.next() else {
            return self.poison(span);
        };
        let ty = first.ty;
        let local = self.temp(ty, first.span);
        let mut parts = applied.lets;
        parts.push(super::let_node(local, first, span));
        let place = Place {
            root: local,
            path: Vec::new(),
            ty,
            span,
        };
        let args = values.collect();
        parts.push(node(
            ExprKind::CallMut {
                callee,
                place: Box::new(place),
                args,
            },
            result,
            span,
        ));
        parts.push(self.read_local(local, span));
        node(ExprKind::Block(parts), ty, span)
    }

    /// A cell as a function value.
    pub(crate) fn cell_value(
        &mut self,
        cell: CellId,
        name: Symbol,
        span: Span,
        want: Want,
    ) -> Expr {
        let expected = want.ty().and_then(|ty| self.expected_fn(ty));
        let mut cells = self.candidates(name);
        if !cells.contains(&cell) {
            cells = Cells::from_slice(&[cell]);
        }
        let cell = match &expected {
            Some((params, _)) if cells.len() > 1 => {
                let args: Vec<ArgIn<'a>> = params
                    .iter()
                    .map(|&ty| ArgIn::done(node(ExprKind::Null, ty, span)))
                    .collect();
                let scores = cells.iter().filter_map(|&cell| {
                    let sig = self.sig(cell);
                    let takes = self.takes(&sig, &args);
                    let score = takes.then(|| self.score(cell, &args)).flatten()?;
                    Some((score, std::cmp::Reverse(cell)))
                });
                scores
                    .max()
                    .map_or(cell, |(_, std::cmp::Reverse(cell))| cell)
            }
            _ => cell,
        };
        let sig = self.sig(cell);
        let vars = self.fresh_args(&sig);
        let params: Vec<Ty> = sig
            .params
            .iter()
            .map(|param| self.types.subst(param.ty, &vars))
            .collect();
        // As many parameters as are wanted, the others by default.
        let taken = expected
            .as_ref()
            .map_or(params.len(), |(wanted, _)| wanted.len());
        for (&param, &wanted) in params.iter().zip(expected.iter().flat_map(|(ps, _)| ps)) {
            self.types.attempt(|types| types.unify(param, wanted));
        }
        let taken = taken.min(params.len());
        self.function_of(cell, &vars, taken, span)
    }

    /// `max_of[Int]`
    pub(crate) fn instance_value(
        &mut self,
        base: &'a ast::Expr,
        types: &[ast::Type],
        span: Span,
    ) -> Expr {
        let cells = match base.kind {
            Ast::Name(name) if self.lookup(name).is_none() => self.candidates(name),
            _ => Cells::new(),
        };
        let fits = |this: &mut Self, cell: CellId| {
            let sig = this.sig(cell);
            sig.generics.iter().filter(|one| !one.implicit).count() == types.len()
        };
        let cell = cells.iter().copied().find(|&cell| fits(self, cell));
        let Some(cell) = cell.or(cells.first().copied()) else {
            let message = "type arguments go with the name of a cell";
            self.error(Code::TypeArguments, span, message);
            return self.poison(span);
        };
        let sig = self.sig(cell);
        let vars = self.fresh_args(&sig);
        self.explicit_args(cell, &sig, &vars, 0, types, span);
        self.function_of(cell, &vars, sig.params.len(), span)
    }

    /// A cell with type arguments as a function of its first `taken` parameters.
    fn function_of(&mut self, cell: CellId, vars: &[Ty], taken: usize, span: Span) -> Expr {
        let sig = self.sig(cell);
        let params = sig.params.iter();
        let params: Vec<Ty> = params
            .map(|param| self.types.subst(param.ty, vars))
            .collect();
        let plain = !sig.native && !sig.mutator && !sig.is_async && !sig.yields;
        self.later_bounds(&sig, vars, span);
        if plain && taken >= params.len() {
            let callee = self.site(cell, vars, span);
            let result = self.call_result(&sig, callee);
            let ty = self.types.func(&params, result);
            let Callee::Func(func) = callee else {
                return self.poison(span);
            };
            return node(ExprKind::FuncRef(func), ty, span);
        }
        // `fn(a, b) => cell(a, b)`
        self.eta(&params[..taken], span, |this, args| {
            let args = args.into_iter().map(ArgIn::done).collect();
            this.call_cell(cell, None, &[], args, None, span, Want::Value)
        })
    }

    /// Makes a local of `outer` known in `at`, a function directly inside it.
    pub(crate) fn capture_local(&mut self, at: usize, outer: usize, local: LocalId) -> LocalId {
        self.capture(at, outer, local)
    }
}

/// `lets`, then `expr`.
pub(crate) fn with_lets(mut lets: Vec<Expr>, expr: Expr) -> Expr {
    if lets.is_empty() {
        return expr;
    }
    let (ty, span) = (expr.ty, expr.span);
    lets.push(expr);
    node(ExprKind::Block(lets), ty, span)
}

/// Whether a default can be written down at every call.
pub(crate) fn is_literal(expr: &ast::Expr) -> bool {
    match &expr.kind {
        Ast::Null
        | Ast::Bool(_)
        | Ast::Int(_)
        | Ast::Float(_)
        | Ast::Str(_)
        | Ast::Bytes(_)
        | Ast::EmptyBraces => true,
        Ast::List(elements) => elements.is_empty(),
        Ast::Unary { operand, .. } => is_literal(operand),
        _ => false,
    }
}
