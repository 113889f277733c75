//! Tasks: `spawn`, `async`, `await`; blocks are in `blocks.rs`.

use super::call::{Applied, with_lets};
use super::{FnRole, Want, node};
use crate::diag::{Code, Diagnostic};
use crate::hir::concurrency::SpawnMode;
use crate::hir::{Callee, Expr, ExprKind, Ty};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind as Ast};
use crate::syntax::token::sym;
use crate::types::Checker;
use crate::types::items::{EffectId, ToolIx};
use crate::types::ty::Kind;

impl<'a> Checker<'a> {
    pub(crate) fn concurrent_expr(&mut self, expr: &'a ast::Expr, want: Want) -> Expr {
        let span = expr.span;
        match &expr.kind {
            Ast::Async(block) => self.async_block(block, span, want),
            Ast::Await(inner) => self.await_expr(inner, span),
            _ => {
                let message = "this form is not known to the checker";
                self.error(Code::Misplaced, span, message);
                self.poison(span)
            }
        }
    }

    fn future(&mut self, ty: Ty) -> Ty {
        self.types.intern(Kind::Future(ty))
    }

    fn async_block(&mut self, block: &'a ast::Block, span: Span, want: Want) -> Expr {
        let (body, result) = self.thunk(FnRole::Concurrent, span, |this| {
            this.body_block(block, Want::Value)
        });
        self.spawn_node(body, result, want, span)
    }

    fn spawn_node(&mut self, body: Expr, result: Ty, want: Want, span: Span) -> Expr {
        let mode = if want == Want::Nothing { SpawnMode::Detached } else { SpawnMode::Task };
        let ty = self.future(result);
        node(ExprKind::Spawn { body: Box::new(body), on: None, mode }, ty, span)
    }

    fn await_expr(&mut self, inner: &'a ast::Expr, span: Span) -> Expr {
        let value = self.value(inner);
        let ty = self.known(value.ty);
        match *self.types.kind(ty) {
            Kind::Future(result) => node(ExprKind::Await(Box::new(value)), result, span),
            _ => value,
        }
    }

    /// Calls an async cell: its arguments are evaluated now, its body runs on a fiber.
    pub(crate) fn spawn_call(
        &mut self,
        callee: Callee,
        applied: Applied,
        result: Ty,
        span: Span,
    ) -> Expr {
        let mut lets = applied.lets;
        let mut locals = Vec::with_capacity(applied.values.len());
        for value in applied.values {
            let local = self.temp(value.ty, value.span);
            lets.push(super::let_node(local, value, span));
            locals.push(local);
        }
        let outer = self.body.at;
        let (body, _) = self.thunk(FnRole::Concurrent, span, |this| {
            let at = this.body.at;
            let args = locals.iter().map(|&local| {
                let inner = this.capture_local(at, outer, local);
                this.read_local(inner, span)
            });
            let args = args.collect();
            node(ExprKind::Call { callee, args }, result, span)
        });
        let spawn = self.spawn_node(body, result, Want::Value, span);
        with_lets(lets, spawn)
    }

    /// Calls that are no calls of cells: `halt(…)`.
    pub(crate) fn special_call(
        &mut self,
        call: &'a ast::Call,
        span: Span,
        _want: Want,
    ) -> Option<Expr> {
        let Ast::Name(name) = call.callee.kind else { return None };
        if self.lookup(name).is_some() || self.scopes[self.body.module.0 as usize].value(name).is_some() {
            return None;
        }
        if name != sym::HALT {
            return None;
        }
        let [arg] = call.args.as_slice() else {
            self.error(Code::ArgumentCount, span, "`halt` takes one message");
            return Some(self.poison(span));
        };
        let message = self.expr_as(&arg.value, Ty::STRING);
        Some(node(ExprKind::Halt(Box::new(message)), Ty::NEVER, span))
    }

    pub(crate) fn special_method(
        &mut self,
        _call: &'a ast::MethodCall,
        _span: Span,
        _want: Want,
    ) -> Option<Expr> {
        None
    }

    pub(crate) fn let_caught(
        &mut self,
        _decl: &'a ast::Let,
        _span: Span,
        _next: Option<&'a ast::Stmt>,
    ) -> Option<Expr> {
        None
    }

    pub(crate) fn match_caught(
        &mut self,
        _one: &'a ast::Match,
        _span: Span,
        _want: Want,
    ) -> Option<Expr> {
        None
    }

    pub(crate) fn call_tool(
        &mut self,
        _tool: ToolIx,
        args: Vec<super::call::ArgIn<'a>>,
        span: Span,
        _want: Want,
    ) -> Expr {
        self.check_args_anyhow(args);
        self.report(Diagnostic::new(Code::Misplaced, "tools cannot be called here", span));
        self.poison(span)
    }

    pub(crate) fn call_effect(
        &mut self,
        _effect: EffectId,
        call: &'a ast::MethodCall,
        span: Span,
        _want: Want,
    ) -> Expr {
        self.check_args_anyhow(super::call::ArgIn::list(&call.args));
        self.report(Diagnostic::new(Code::Misplaced, "effects cannot be called here", span));
        self.poison(span)
    }
}
