//! `?.`, `??`, `!`, `?`/`try`, `|>`, `~>`.

use super::{FnRole, Want, node, null};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Arm, Coercion, Expr, ExprKind, FuncKind, LocalId, Pat, PatKind, Ty};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind as Ast};
use crate::types::Checker;
use crate::types::ty::{AdtId, Kind, Origin};

impl<'a> Checker<'a> {
    /// A match that takes what is not null: its pattern, the local it is bound to.
    fn not_null(&mut self, ty: Ty, span: Span) -> (Pat, LocalId) {
        let rest = self.minus(ty, Ty::NULL);
        let local = self.temp(rest, span);
        let bind = self.bind_pat(local, rest, span);
        if rest == ty {
            return (bind, local);
        }
        let kind = PatKind::Type(rest, Box::new(bind));
        (Pat { kind, ty, span }, local)
    }

    fn null_pat(&self, ty: Ty, span: Span) -> Pat {
        Pat {
            kind: PatKind::Null,
            ty,
            // Made by the compiler: not to be checked as written arms are.
            span: span.at_start(),
        }
    }

    /// `value?.…`: null when `value` is, else what `then` makes of it.
    pub(crate) fn safely(
        &mut self,
        value: Expr,
        span: Span,
        then: impl FnOnce(&mut Self, Expr) -> Expr,
    ) -> Expr {
        let ty = self.known(value.ty);
        if self.types.has_poison(ty) {
            return self.poison(span);
        }
        if !self.may_be(ty, Ty::NULL) {
            let shown = self.show(ty);
            let message = format!("a value of type {shown} is never null: `?` has no effect here");
            self.report(Diagnostic::new(Code::ConstantTest, message, value.span));
            return then(self, value);
        }
        let (pat, local) = self.not_null(ty, value.span);
        let read = self.read_local(local, value.span);
        let result = then(self, read);
        let whole = if result.ty == Ty::POISON {
            Ty::POISON
        } else {
            let part = self.known(result.ty);
            self.types.nullable(part)
        };
        let then = self.coerce(result, whole);
        let null = node(ExprKind::Null, Ty::NULL, span);
        let otherwise = self.coerce(null, whole);
        let null_pat = self.null_pat(ty, value.span);
        self.arms(value, vec![(null_pat, otherwise), (pat, then)], whole, span)
    }

    fn arms(&mut self, value: Expr, arms: Vec<(Pat, Expr)>, ty: Ty, span: Span) -> Expr {
        let arms = arms.into_iter().map(|(mut pat, body)| {
            pat.span = pat.span.at_start();
            (pat, body)
        });
        let arms = arms.map(|(pat, body)| Arm {
            pat,
            guard: None,
            body,
        });
        let (value, arms) = (Box::new(value), arms.collect());
        node(ExprKind::Match { value, arms }, ty, span)
    }

    /// `a ?? b`
    pub(crate) fn coalesce(&mut self, binary: &'a ast::Binary, span: Span, want: Want) -> Expr {
        let hint = match want.ty() {
            Some(ty) => Want::Type(self.types.nullable(ty)),
            None => Want::Value,
        };
        let value = self.expr(&binary.lhs, hint);
        let ty = self.known(value.ty);
        if self.types.has_poison(ty) {
            self.expr(&binary.rhs, want);
            return self.poison(span);
        }
        if let Kind::Adt(AdtId::RESULT, args) = self.types.kind(ty).clone() {
            return self.result_or(value, args[0], &binary.rhs, span, want);
        }
        if !self.may_be(ty, Ty::NULL) {
            if !matches!(value.kind, ExprKind::Coerce(Coercion::Narrow, _)) {
                let shown = self.show(ty);
                let message =
                    format!("a value of type {shown} is never null: the right side is never used");
                let warning = Diagnostic::new(Code::ConstantTest, message, binary.op_span);
                self.report(warning);
            }
            self.value(&binary.rhs);
            return value;
        }
        let (pat, local) = self.not_null(ty, value.span);
        let read = self.read_local(local, value.span);
        let null_pat = self.null_pat(ty, value.span);
        self.note_loose_default(binary, read.ty);
        let (then, otherwise, whole) = self.either(read, &binary.rhs, want);
        self.arms(value, vec![(null_pat, otherwise), (pat, then)], whole, span)
    }

    /// `a ?? 0 <= 3` is `a ?? (0 <= 3)`, which nobody means where `a` is no Bool.
    fn note_loose_default(&mut self, binary: &'a ast::Binary, value: Ty) {
        use ast::BinaryOp as Op;
        let ast::ExprKind::Binary(inner) = &binary.rhs.kind else {
            return;
        };
        let compares = matches!(
            inner.op,
            Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq | Op::In | Op::NotIn
        );
        // Parentheses belong to the span of what stands in them.
        let bare = binary.rhs.span.start == inner.lhs.span.start;
        let value = self.known(value);
        if !compares || !bare || matches!(value, Ty::BOOL | Ty::ANY) || self.is_var(value) {
            return;
        }
        let op = inner.op.text();
        let message = format!("`??` binds looser than `{op}`");
        let warning = Diagnostic::new(Code::LooseDefault, message, binary.rhs.span)
            .help(format!("write (a ?? b) {op} c"));
        self.report(warning);
    }

    /// A value, or what `other` gives: both fitted to one type.
    fn either(&mut self, value: Expr, other: &'a ast::Expr, want: Want) -> (Expr, Expr, Ty) {
        let part = self.known(value.ty);
        let otherwise = self.expr(
            other,
            if self.is_var(part) {
                want
            } else {
                Want::Type(part)
            },
        );
        let otherwise = match self.try_coerce(otherwise, part) {
            Ok(otherwise) => return (value, otherwise, part),
            Err(otherwise) => otherwise,
        };
        let whole = self.join(&[part, otherwise.ty]);
        let (value, otherwise) = (self.coerce(value, whole), self.coerce(otherwise, whole));
        (value, otherwise, whole)
    }

    fn result_or(
        &mut self,
        value: Expr,
        payload: Ty,
        other: &'a ast::Expr,
        span: Span,
        want: Want,
    ) -> Expr {
        let ty = value.ty;
        let local = self.temp(payload, value.span);
        let bind = self.bind_pat(local, payload, value.span);
        let kind = PatKind::Variant(0, vec![(0, bind)]);
        let pat = Pat {
            kind,
            ty,
            span: value.span,
        };
        let read = self.read_local(local, value.span);
        let (then, otherwise, whole) = self.either(read, other, want);
        let wild = self.wild(ty, value.span);
        self.arms(value, vec![(pat, then), (wild, otherwise)], whole, span)
    }

    /// `e!`
    pub(crate) fn unwrap(&mut self, value: &'a ast::Expr, span: Span, want: Want) -> Expr {
        let hint = match want.ty() {
            Some(ty) => Want::Type(self.types.nullable(ty)),
            None => Want::Value,
        };
        let text = self.sources.text(value.span).to_owned();
        let value = self.expr(value, hint);
        let ty = self.known(value.ty);
        if self.types.has_poison(ty) {
            return self.poison(span);
        }
        if let Kind::Adt(AdtId::RESULT, args) = self.types.kind(ty).clone() {
            return self.unwrap_result(value, args[0], args[1], span);
        }
        if !self.may_be(ty, Ty::NULL) {
            let shown = self.show(ty);
            let message = format!("a value of type {shown} is never null: `!` has no effect here");
            self.report(Diagnostic::new(Code::ConstantTest, message, span));
            return value;
        }
        let (pat, local) = self.not_null(ty, value.span);
        let then = self.read_local(local, span);
        let part = then.ty;
        let message = format!("{text} is null");
        let message = node(ExprKind::Str(message), Ty::STRING, span);
        let error = self.new_error(message, Some("Null"), span);
        let otherwise = node(ExprKind::Throw(Box::new(error)), Ty::NEVER, span);
        let null_pat = self.null_pat(ty, value.span);
        self.arms(value, vec![(null_pat, otherwise), (pat, then)], part, span)
    }

    fn unwrap_result(&mut self, value: Expr, payload: Ty, error: Ty, span: Span) -> Expr {
        let ty = value.ty;
        let part = |this: &mut Self, variant, payload| {
            let local = this.temp(payload, span);
            let bind = this.bind_pat(local, payload, span);
            let kind = PatKind::Variant(variant, vec![(0, bind)]);
            (Pat { kind, ty, span }, this.read_local(local, span))
        };
        let (ok_pat, then) = part(self, 0, payload);
        let (err_pat, read) = part(self, 1, error);
        let error = self.error_of(read, span);
        let otherwise = node(ExprKind::Throw(Box::new(error)), Ty::NEVER, span);
        self.arms(
            value,
            vec![(ok_pat, then), (err_pat, otherwise)],
            payload,
            span,
        )
    }

    /// Any value as an Error: itself, or with its text as message.
    pub(crate) fn error_of(&mut self, value: Expr, span: Span) -> Expr {
        let ty = self.known(value.ty);
        if matches!(ty, Ty::ERROR | Ty::STRING) {
            return self.as_error(value);
        }
        let pieces = vec![crate::hir::Piece::Value(value, None)];
        let text = node(ExprKind::Interpolate(pieces), Ty::STRING, span);
        self.new_error(text, None, span)
    }

    /// `e?`, `try e`: hands `err` or null to the caller.
    pub(crate) fn propagate(&mut self, value: &'a ast::Expr, span: Span, want: Want) -> Expr {
        let hint = match want.ty() {
            Some(ty) if self.hints(ty) => Want::Value,
            _ => Want::Value,
        };
        let value = self.expr(value, hint);
        let ty = self.known(value.ty);
        if self.types.has_poison(ty) {
            return self.poison(span);
        }
        if let Kind::Adt(AdtId::RESULT, args) = self.types.kind(ty).clone() {
            return self.propagate_err(value, args[0], args[1], span);
        }
        if let Kind::Future(_) = self.types.kind(ty) {
            self.not_awaited(value.span, ty);
            return self.poison(span);
        }
        if !self.may_be(ty, Ty::NULL) {
            let shown = self.show(ty);
            let message = format!("`?` hands on an err or null; {shown} is neither");
            self.error(Code::BadPropagation, span, message);
            return value;
        }
        let (pat, local) = self.not_null(ty, value.span);
        let then = self.read_local(local, span);
        let part = then.ty;
        let null = null(span);
        let otherwise = self.leave_with(null, span);
        let null_pat = self.null_pat(ty, value.span);
        self.arms(value, vec![(null_pat, otherwise), (pat, then)], part, span)
    }

    fn propagate_err(&mut self, value: Expr, payload: Ty, error: Ty, span: Span) -> Expr {
        let ty = value.ty;
        let ok_local = self.temp(payload, span);
        let bind = self.bind_pat(ok_local, payload, span);
        let kind = PatKind::Variant(0, vec![(0, bind)]);
        let ok_pat = Pat { kind, ty, span };
        let err_local = self.temp(error, span);
        let bind = self.bind_pat(err_local, error, span);
        let kind = PatKind::Variant(1, vec![(0, bind)]);
        let err_pat = Pat { kind, ty, span };
        let then = self.read_local(ok_local, span);
        let failure = self.read_local(err_local, span);
        let otherwise = self.leave_with_err(failure, error, span);
        self.arms(
            value,
            vec![(ok_pat, then), (err_pat, otherwise)],
            payload,
            span,
        )
    }

    fn leave_with_err(&mut self, failure: Expr, error: Ty, span: Span) -> Expr {
        let (result, declared) = (self.cx().result, self.cx().declared);
        let known = self.known(result);
        let mut target = None;
        if declared {
            let members = self.types.members(known);
            target = members
                .into_iter()
                .find(|&member| matches!(self.types.kind(member), Kind::Adt(AdtId::RESULT, _)));
        }
        let ty = match target {
            Some(ty) => ty,
            None if declared && known == Ty::NULL && self.in_main() => {
                // From main an `err` is an uncaught failure.
                let error = self.error_of(failure, span);
                return node(ExprKind::Throw(Box::new(error)), Ty::NEVER, span);
            }
            None => {
                let payload = self.types.fresh(Origin::Literal);
                self.types.adt(AdtId::RESULT, &[payload, error])
            }
        };
        let Kind::Adt(_, args) = self.types.kind(ty).clone() else {
            return self.poison(span);
        };
        let wanted = args[1];
        let failure = match self.try_coerce(failure, wanted) {
            Ok(failure) => failure,
            Err(failure) => {
                let (from, to) = (self.show(failure.ty), self.show(wanted));
                let message = format!("`?` would hand on an err({from}), but here err is a {to}");
                self.error(Code::BadPropagation, span, message);
                failure
            }
        };
        let kind = ExprKind::Variant {
            variant: 1,
            args: vec![failure],
        };
        let err = node(kind, ty, span);
        self.cx().propagates = true;
        self.leave_with(err, span)
    }

    fn in_main(&mut self) -> bool {
        self.body.fns.len() == 1 && matches!(self.cx().name.as_str(), "main")
    }

    /// `return value`, made by the compiler.
    fn leave_with(&mut self, value: Expr, span: Span) -> Expr {
        let (result, declared) = (self.cx().result, self.cx().declared);
        let value = if declared {
            match self.try_coerce(value, result) {
                Ok(value) => value,
                Err(value) => {
                    let want = self.show(result);
                    let what = if value.ty == Ty::NULL { "null" } else { "err" };
                    let message = format!("`?` hands on {what}, but this cell gives {want}");
                    let error = Diagnostic::new(Code::BadPropagation, message, span)
                        .help("let the cell give a result or a nullable type, or use `??`");
                    self.report(error);
                    return self.poison(span);
                }
            }
        } else {
            self.cx().returned.push(value.ty);
            self.coerce_later(value, result)
        };
        node(ExprKind::Return(Some(Box::new(value))), Ty::NEVER, span)
    }

    /// `x |> f`, `x |> f(a)`
    pub(crate) fn pipe(
        &mut self,
        value: &'a ast::Expr,
        target: &'a ast::Expr,
        span: Span,
        want: Want,
    ) -> Expr {
        match &target.kind {
            Ast::Call(call) => {
                let first = self.value(value);
                self.call_with(
                    &call.callee,
                    Some(first),
                    &call.type_args,
                    &call.args,
                    span,
                    want,
                )
            }
            Ast::MethodCall(call) => {
                // x |> obj.f(a): the method given x first; only for a function in a field.
                let first = self.value(value);
                self.piped_method(first, call, span, want)
            }
            Ast::Name(_) | Ast::Field { .. } => {
                let first = self.value(value);
                self.call_with(target, Some(first), &[], &[], span, want)
            }
            _ => {
                let first = self.value(value);
                let callee = self.value(target);
                self.call_closure(callee, vec![first], span)
            }
        }
    }

    /// `f ~> g`
    pub(crate) fn compose(
        &mut self,
        first: &'a ast::Expr,
        second: &'a ast::Expr,
        span: Span,
        want: Want,
    ) -> Expr {
        let expected = want.ty().and_then(|ty| self.expected_fn(ty));
        let param = match expected.as_ref().and_then(|(params, _)| params.first()) {
            Some(&ty) => ty,
            None => self.open_var(),
        };
        let (middle, result) = (self.open_var(), self.open_var());
        let f_ty = self.types.func(&[param], middle);
        let f = self.expr_as(first, f_ty);
        let g_ty = self.types.func(&[middle], result);
        let g = self.expr_as(second, g_ty);
        // let f = …; let g = …; fn(x) => g(f(x))
        let (f_local, g_local) = (self.temp(f_ty, f.span), self.temp(g_ty, g.span));
        let lets = [
            super::let_node(f_local, f, first.span),
            super::let_node(g_local, g, second.span),
        ];
        let outer = self.body.at;
        let at = self.open_fn(FnRole::Lambda, FuncKind::Closure, span);
        let x = self.param_local("x", param, span);
        let (f, g) = (
            self.capture_local(at, outer, f_local),
            self.capture_local(at, outer, g_local),
        );
        let (f, g) = (self.read_local(f, span), self.read_local(g, span));
        let x = self.read_local(x, span);
        let inner = node(
            ExprKind::CallValue {
                callee: Box::new(f),
                args: vec![x],
            },
            middle,
            span,
        );
        let body = node(
            ExprKind::CallValue {
                callee: Box::new(g),
                args: vec![inner],
            },
            result,
            span,
        );
        let cx = self.cx();
        cx.result = result;
        cx.declared = true;
        cx.body = Some(body);
        let func = cx.id;
        self.body.at = outer;
        let ty = self.types.func(&[param], result);
        let closure = node(
            ExprKind::Closure {
                func,
                captures: Vec::new(),
            },
            ty,
            span,
        );
        let parts = lets.into_iter().chain([closure]).collect();
        node(ExprKind::Block(parts), ty, span)
    }
}
