//! Statements and blocks.

use super::{FnRole, Role, Want, let_node, let_pattern, node, null};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, ExprKind, LocalId, Ty};
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast::{self, ExprKind as Ast, StmtKind};
use crate::types::Checker;
use crate::types::ty::Kind;

impl<'a> Checker<'a> {
    /// A block in a scope of its own.
    pub(crate) fn block(&mut self, block: &'a ast::Block, want: Want) -> Expr {
        let mark = self.enter();
        let expr = self.body_block(block, want);
        self.leave(mark);
        expr
    }

    /// A block whose names stay known to the caller.
    pub(crate) fn body_block(&mut self, block: &'a ast::Block, want: Want) -> Expr {
        let parts = self.stmt_list(&block.stmts, want);
        self.block_of(parts, block.span, want)
    }

    /// Statements one after the other; the last may be the value wanted.
    pub(crate) fn stmt_list(&mut self, stmts: &'a [ast::Stmt], want: Want) -> Vec<Expr> {
        let mut parts = Vec::with_capacity(stmts.len());
        let narrows = self.mark_narrows();
        let mut ended: Option<(usize, Span)> = None;
        for (number, stmt) in stmts.iter().enumerate() {
            if let Some((before, span)) = ended
                && before + 1 == number
            {
                self.report_unreachable(stmt.span, span);
            }
            let last = number + 1 == stmts.len();
            let want = if last { want } else { Want::Nothing };
            if self.cx().role == FnRole::Statements {
                self.statement = Some(stmt.span);
            }
            let expr = self.stmt(stmt, want, stmts.get(number + 1));
            if expr.ty == Ty::NEVER && ended.is_none() {
                ended = Some((number, expr.span));
            }
            parts.push(expr);
        }
        self.forget_tests(narrows);
        parts
    }

    pub(crate) fn block_of(&mut self, mut parts: Vec<Expr>, span: Span, want: Want) -> Expr {
        let never = parts.iter().any(|part| part.ty == Ty::NEVER);
        if parts.len() == 1 && !matches!(parts[0].kind, ExprKind::Let { .. } | ExprKind::Defer(_)) {
            return parts.pop().expect("one part");
        }
        let ty = match parts.last() {
            _ if never => Ty::NEVER,
            Some(last) if want != Want::Nothing => last.ty,
            _ => Ty::NULL,
        };
        node(ExprKind::Block(parts), ty, span)
    }

    fn report_unreachable(&mut self, span: Span, after: Span) {
        let warning = Diagnostic::new(Code::Unreachable, "this is never reached", span)
            .label(after, "control does not go on from here");
        self.report(warning);
    }

    pub(crate) fn stmt(
        &mut self,
        stmt: &'a ast::Stmt,
        want: Want,
        next: Option<&'a ast::Stmt>,
    ) -> Expr {
        match &stmt.kind {
            StmtKind::Error => self.poison(stmt.span),
            StmtKind::Let(decl) => {
                let bind = self.let_stmt(decl, stmt.span, next);
                self.publish(decl, bind)
            }
            StmtKind::Assign(assign) => self.assign(assign, stmt.span),
            StmtKind::Expr(expr) => self.expr_stmt(expr, want),
            StmtKind::Defer(block) => {
                let mark = self.mark_narrows();
                let body = self.block(block, Want::Nothing);
                self.forget_narrows(mark);
                node(ExprKind::Defer(Box::new(body)), Ty::NULL, stmt.span)
            }
            StmtKind::Role(role) => {
                let name = self.text(role.role.name);
                let pieces = self.pieces(&role.text);
                let text = node(ExprKind::Interpolate(pieces), Ty::STRING, role.text_span);
                let local = self.temp(Ty::STRING, role.text_span);
                self.body.roles.push(Role {
                    name,
                    func: self.body.at,
                    text: local,
                    span: role.text_span,
                });
                let_node(local, text, stmt.span)
            }
        }
    }

    fn expr_stmt(&mut self, expr: &'a ast::Expr, want: Want) -> Expr {
        if want == Want::Nothing {
            self.warn_useless(expr);
            if let Ast::If(one) = &expr.kind {
                return self.if_stmt(one, expr.span);
            }
        }
        let value = self.expr(expr, want);
        if want == Want::Nothing && matches!(expr.kind, Ast::Call(_) | Ast::MethodCall(_)) {
            self.warn_lost(&value);
        }
        value
    }

    /// A `result` that nobody looks at.
    fn warn_lost(&mut self, value: &Expr) {
        let ty = self.known(value.ty);
        if let Kind::Adt(crate::types::ty::AdtId::RESULT, _) = self.types.kind(ty) {
            let message = "the result is dropped: an `err` would be lost";
            let warning = Diagnostic::new(Code::LostResult, message, value.span)
                .help("hand it on with `?`, or write `let _ = …`");
            self.report(warning);
        }
    }

    /// A value computed and dropped is probably a mistake.
    fn warn_useless(&mut self, expr: &'a ast::Expr) {
        let what = match &expr.kind {
            Ast::Binary(binary) => match binary.op {
                ast::BinaryOp::Eq => "this compares; to assign write `=`",
                _ => "the value is not used",
            },
            Ast::Int(_) | Ast::Float(_) | Ast::Bool(_) | Ast::Name(_) | Ast::Lambda(_) => {
                "the value is not used"
            }
            _ => return,
        };
        self.report(Diagnostic::new(Code::UnusedValue, what, expr.span));
    }

    /// `let pattern = e`; `next` is the statement after it.
    pub(crate) fn let_stmt(
        &mut self,
        decl: &'a ast::Let,
        span: Span,
        next: Option<&'a ast::Stmt>,
    ) -> Expr {
        if let Some(caught) = self.let_caught(decl, span, next) {
            return caught;
        }
        if let Ast::If(one) = &decl.value.kind
            && one.otherwise.is_none()
        {
            let message = "an `if` without `else` has no value";
            let error = Diagnostic::new(Code::MissingValue, message, decl.value.span)
                .help("say what it is otherwise: if c then a else null");
            self.report(error);
            self.value(&decl.value);
            let nothing = self.poison(span);
            return self.let_value(decl, nothing, Ty::POISON, span);
        }
        let declared = decl.ty.as_ref().map(|ty| self.body_type(ty));
        let value = match declared {
            Some(ty) => self.expr_as(&decl.value, ty),
            None => self.value(&decl.value),
        };
        let ty = declared.unwrap_or(value.ty);
        if self.known(ty) == Ty::NEVER {
            return value;
        }
        self.let_value(decl, value, ty, span)
    }

    /// Binds the pattern of a `let` to a value.
    pub(crate) fn let_value(
        &mut self,
        decl: &'a ast::Let,
        value: Expr,
        ty: Ty,
        span: Span,
    ) -> Expr {
        if !self.modules.get(self.body.module).library {
            let mut names = Vec::new();
            crate::types::walk::bound_names(&decl.pattern, &mut names);
            self.out
                .let_names
                .extend(names.iter().map(|name| name.span));
        }
        let mutable = decl.mutable.is_some();
        let pat = self.pattern_top(&decl.pattern, ty, mutable);
        let_pattern(pat, value, span)
    }

    /// `return`, `return e`
    pub(crate) fn return_expr(&mut self, value: Option<&'a ast::Expr>, span: Span) -> Expr {
        let (result, declared, yields) = {
            let cx = self.cx();
            (cx.result, cx.declared, cx.yields.is_some())
        };
        if yields && value.is_some() {
            let message = "a generator yields its values; `return` only ends it";
            self.error(Code::Misplaced, span, message);
        }
        if self.cx().role == FnRole::Statements {
            return self.return_from_statements(value, span);
        }
        let value = match value {
            None => {
                if declared && !yields {
                    let known = self.known(result);
                    let null = null(span);
                    if known == Ty::NULL {
                        None
                    } else {
                        Some(self.coerce(null, result))
                    }
                } else {
                    self.cx().returned.push(Ty::NULL);
                    if declared {
                        None
                    } else {
                        Some(self.coerce_later(null(span), result))
                    }
                }
            }
            Some(value) if declared && !yields => Some(self.expr_as(value, result)),
            Some(value) => {
                let value = self.inferred_value(value);
                self.cx().returned.push(value.ty);
                Some(self.coerce_later(value, result))
            }
        };
        node(ExprKind::Return(value.map(Box::new)), Ty::NEVER, span)
    }

    fn return_from_statements(&mut self, value: Option<&'a ast::Expr>, span: Span) -> Expr {
        let value = value.map(|value| self.value(value));
        if let Some(value) = &value {
            self.cx().returned.push(value.ty);
        }
        let result = self.cx().result;
        let value = match value {
            Some(value) => Some(self.coerce_later(value, result)),
            None => {
                self.cx().returned.push(Ty::NULL);
                Some(self.coerce_later(null(span), result))
            }
        };
        node(ExprKind::Return(value.map(Box::new)), Ty::NEVER, span)
    }

    /// A value that decides, with others, what a function gives: hinted by what they gave.
    fn inferred_value(&mut self, value: &'a ast::Expr) -> Expr {
        let hint = self.cx().returned.first().copied();
        match hint {
            Some(ty) if self.hints(ty) => {
                let value = self.expr(value, Want::Type(ty));
                match self.try_coerce(value, ty) {
                    Ok(value) | Err(value) => value,
                }
            }
            _ => self.value(value),
        }
    }

    /// Whether a sibling's type is worth passing on as a hint.
    pub(crate) fn hints(&mut self, ty: Ty) -> bool {
        let ty = self.known(ty);
        matches!(
            self.types.kind(ty),
            Kind::List(_) | Kind::Map(..) | Kind::Set(_) | Kind::Adt(..) | Kind::Float
        )
    }

    /// Closes the current function: fits its value to its result type, does what was put off.
    pub(crate) fn finish_body(&mut self, body: Expr) {
        let (result, declared) = (self.cx().result, self.cx().declared);
        let body = if declared {
            self.declared_value(body, result)
        } else {
            self.joined(body)
        };
        self.cx().body = Some(body);
    }

    fn declared_value(&mut self, body: Expr, result: Ty) -> Expr {
        let ty = self.known(body.ty);
        let want = self.known(result);
        if ty == Ty::NEVER || want == Ty::NULL || want == Ty::POISON {
            return body;
        }
        if ty == Ty::NULL && self.fit(Ty::NULL, want) == super::coerce::Fit::No {
            let unit = self
                .types
                .members(want)
                .iter()
                .any(|&member| self.is_unit_result(member));
            if unit && self.cx().propagates {
                return self.then_ok_null(body, result);
            }
            let shown = self.show(want);
            let name = self.cx().name.clone();
            let span = self.cx().span;
            let place = if body.span.is_empty() {
                span
            } else {
                body.span
            };
            let message = format!("`{name}` ends without a value; it must give {shown}");
            let error = Diagnostic::new(Code::MissingValue, message, span)
                .label(place.at_end(), "no value here")
                .help("the last expression is the value; or write `return`");
            self.report(error);
            return body;
        }
        self.coerce(body, result)
    }

    /// Whether `ty` is `result[Null, E]`.
    fn is_unit_result(&mut self, ty: Ty) -> bool {
        match self.types.kind(ty).clone() {
            Kind::Adt(crate::types::ty::AdtId::RESULT, args) => {
                let value = self.types.head(args[0]);
                value == Ty::NULL || self.is_var(value)
            }
            _ => false,
        }
    }

    /// `body`, then `ok(null)`.
    fn then_ok_null(&mut self, body: Expr, result: Ty) -> Expr {
        let span = body.span;
        let ok = node(
            ExprKind::Variant {
                variant: 0,
                args: vec![null(span.at_end())],
            },
            result,
            span.at_end(),
        );
        node(ExprKind::Block(vec![body, ok]), result, span)
    }

    fn joined(&mut self, body: Expr) -> Expr {
        let result = self.cx().result;
        let mut types = self.cx().returned.clone();
        let ends = self.known(body.ty);
        let body = if ends == Ty::NULL && self.cx().propagates {
            let unit = types.iter().copied().find(|&ty| {
                let ty = self.known(ty);
                self.is_unit_result(ty)
            });
            match unit {
                Some(ty) => {
                    let head = self.types.head(ty);
                    if let Kind::Adt(_, args) = self.types.kind(head).clone() {
                        self.types.unify(args[0], Ty::NULL);
                    }
                    self.then_ok_null(body, ty)
                }
                None => body,
            }
        } else {
            body
        };
        types.push(body.ty);
        let joined = self.join(&types);
        let head = self.types.head(result);
        if !self.is_var(head) {
            // A recursive use has settled the type already.
            if joined != Ty::NEVER && self.fit(joined, head) == super::coerce::Fit::No {
                let span = self.cx().span;
                self.mismatch(span, joined, head);
            }
        } else if head == self.types.head(joined) {
            // Only its own result: it never returns.
            self.never_returns(head);
        } else if !self.types.unify(head, joined) {
            let name = self.cx().name.clone();
            let span = self.cx().span;
            let message = format!("the result type of `{name}` must be written");
            self.error(Code::CannotInfer, span, message);
            self.types.unify(head, Ty::POISON);
        }
        if body.ty == Ty::NEVER {
            body
        } else {
            self.coerce_later(body, result)
        }
    }

    fn never_returns(&mut self, result: Ty) {
        if let Kind::Var(var) = *self.types.kind(result) {
            self.types.bind(var, Ty::NEVER);
        }
    }

    /// A parameter local for generated functions.
    pub(crate) fn param_local(&mut self, name: &str, ty: Ty, span: Span) -> LocalId {
        let name = match name {
            "" => Symbol::NONE,
            name => self.names.intern(name),
        };
        let local = self.local(name, ty, span);
        self.cx().params.push(local);
        local
    }
}
