//! Concurrency: starting tasks, waiting for them, blocks.
//!
//! A concurrent body becomes a closure without parameters (`task`); its variables are captures,
//! so that what it sees are copies. A block that is not joined by `await` is a task that joins it.

mod awaiting;
mod block;
mod calls;
mod caught;
mod modifiers;
mod outcome;
mod scope;
mod select;
mod spawn;

use super::{FnRole, Want, append, node};
use crate::diag::{Code, Diagnostic};
use crate::hir::concurrency::SpawnMode;
use crate::hir::{Expr, ExprKind, FuncKind, Iter, LocalId, Pat, Ty};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind as Ast};
use crate::types::Checker;
use crate::types::ty::Kind;

impl<'a> Checker<'a> {
    /// The forms that start, wait and join.
    pub(crate) fn concurrent_expr(&mut self, expr: &'a ast::Expr, want: Want) -> Expr {
        let span = expr.span;
        match &expr.kind {
            Ast::Await(inner) => self.await_expr(inner, span, want),
            Ast::AwaitAll(parts) => self.await_all(parts, span),
            Ast::Spawn(args) => self.spawn_expr(args, None, SpawnMode::Task, span, want),
            Ast::Async(block) => self.async_block(block, span, want),
            Ast::Scope(_) => self.joined_block(expr, want),
            Ast::Parallel(_) | Ast::ParallelFor(_) | Ast::Select(_) | Ast::Timeout { .. } => {
                self.block_as_future(expr, want)
            }
            _ => self.poison(span),
        }
    }

    /// A block without `await`: the future of a task that joins it.
    fn block_as_future(&mut self, expr: &'a ast::Expr, want: Want) -> Expr {
        if want == Want::Nothing {
            self.warn_not_joined(expr);
        }
        self.note_unjoined(expr);
        let expected = self.expected_future(want);
        let (body, result) = self.task(FnRole::Concurrent, expr.span, expected, |this, want| {
            this.joined_block(expr, want)
        });
        self.spawn_node(body, None, SpawnMode::Task, result, expr.span, want)
    }

    /// Keeps in mind which names a block has that is a future here, for what is said of their uses.
    fn note_unjoined(&mut self, expr: &ast::Expr) {
        let mut note = |name: Option<ast::Ident>, word| {
            self.body
                .unjoined
                .extend(name.map(|name| (name.name, word)));
        };
        match &expr.kind {
            Ast::Parallel(one) => {
                let names = one.branches.iter().map(|branch| branch.name);
                names.for_each(|name| note(name, one.kind.text()));
            }
            Ast::Select(one) => {
                let names = one.branches.iter().map(|branch| branch.name);
                names.for_each(|name| note(name, "select"));
            }
            _ => {}
        }
    }

    /// A block as a statement of its own, without `await`, is mostly a mistake.
    fn warn_not_joined(&mut self, expr: &ast::Expr) {
        let (word, at) = match &expr.kind {
            Ast::Parallel(one) => (one.kind.text(), one.keyword),
            Ast::ParallelFor(one) => (one.kind.text(), one.keyword),
            Ast::Select(one) => ("select", one.keyword),
            _ => ("timeout", expr.span),
        };
        let message = format!("nothing waits for this {word} block");
        let warning = Diagnostic::new(Code::NeverAwaited, message, at).help(format!(
            "await {word} waits for it; async … end starts and forgets it"
        ));
        self.report(warning);
    }

    /// A block that is waited for here.
    fn joined_block(&mut self, expr: &'a ast::Expr, want: Want) -> Expr {
        let span = expr.span;
        match &expr.kind {
            Ast::Scope(one) => self.scope_block(one, span, want),
            Ast::Parallel(one) => self.parallel_block(one, span),
            Ast::ParallelFor(one) => self.parallel_for(one, span),
            Ast::Select(one) => self.select_block(one, span, want),
            Ast::Timeout { limit, body } => self.timeout_block(limit, body, span),
            _ => self.poison(span),
        }
    }

    /// The value of a branch: a block is joined, a future is waited for.
    fn branch_value(&mut self, expr: &'a ast::Expr, want: Want) -> Expr {
        if is_block(expr) {
            return self.joined_block(expr, want);
        }
        let value = match want {
            Want::Nothing => self.expr(expr, Want::Nothing),
            _ => self.expr(expr, want),
        };
        self.settled_value(value)
    }

    /// `value`, waited for if it is a future.
    fn settled_value(&mut self, value: Expr) -> Expr {
        let span = value.span;
        match self.future_of(value.ty) {
            Some(inner) => node(ExprKind::Await(Box::new(value)), inner, span),
            None => value,
        }
    }

    /// T of `Future[T]`.
    fn future_of(&mut self, ty: Ty) -> Option<Ty> {
        let ty = self.known(ty);
        match self.types.kind(ty) {
            Kind::Future(inner) => Some(*inner),
            _ => None,
        }
    }

    /// T of the `Future[T]` that is expected, if it is known.
    fn expected_future(&mut self, want: Want) -> Option<Ty> {
        let inner = want.ty().and_then(|ty| self.future_of(ty))?;
        self.as_expected(inner)
    }

    /// A type that is known well enough to be handed down.
    fn as_expected(&mut self, ty: Ty) -> Option<Ty> {
        let ty = self.types.resolve(ty);
        let open = self.types.has_var(ty) || self.types.has_poison(ty);
        (!open).then_some(ty)
    }

    /// A closure without parameters around what `body` makes; and what it gives.
    fn task(
        &mut self,
        role: FnRole,
        span: Span,
        expected: Option<Ty>,
        body: impl FnOnce(&mut Self, Want) -> Expr,
    ) -> (Expr, Ty) {
        self.task_over(role, span, expected, None, body)
    }

    /// As `task`, with a parameter of type `element`; `body` finds it as the first local.
    fn task_over(
        &mut self,
        role: FnRole,
        span: Span,
        expected: Option<Ty>,
        element: Option<Ty>,
        body: impl FnOnce(&mut Self, Want) -> Expr,
    ) -> (Expr, Ty) {
        let func = self.new_func();
        let outer = self.body.at;
        self.open_fn_as(func, role, FuncKind::Closure, span);
        let scope = self.enter();
        let narrows = self.mark_narrows();
        let result = match expected {
            Some(ty) => ty,
            None => self.open_var(),
        };
        self.cx().result = result;
        self.cx().declared = expected.is_some();
        let params: Vec<Ty> = element.into_iter().collect();
        for &ty in &params {
            self.param_local("", ty, span);
        }
        let want = match expected {
            Some(Ty::NULL) => Want::Nothing,
            Some(ty) => Want::Type(ty),
            None => Want::Value,
        };
        let value = body(self, want);
        self.finish_body(value);
        self.leave(scope);
        self.forget_narrows(narrows);
        self.body.at = outer;
        let ty = self.types.func(&params, result);
        let captures = Vec::new();
        (node(ExprKind::Closure { func, captures }, ty, span), result)
    }

    /// Starts a closure. As a statement nobody waits for it.
    fn spawn_node(
        &mut self,
        body: Expr,
        on: Option<Expr>,
        mode: SpawnMode,
        result: Ty,
        span: Span,
        want: Want,
    ) -> Expr {
        let future = self.types.intern(Kind::Future(result));
        let detached = want == Want::Nothing && mode == SpawnMode::Task;
        let mode = if detached { SpawnMode::Detached } else { mode };
        let (body, on) = (Box::new(body), on.map(Box::new));
        let spawn = node(ExprKind::Spawn { body, on, mode }, future, span);
        if want == Want::Nothing {
            return node(ExprKind::Block(vec![spawn]), Ty::NULL, span);
        }
        spawn
    }

    /// `for pat in iter … end`, made by the compiler.
    fn walk_over(&mut self, pat: Pat, iter: Iter, filter: Option<Expr>, body: Expr) -> Expr {
        let span = body.span;
        self.for_node(pat, iter, filter, body, span)
    }

    /// A new local that holds `value`, and the node that binds it.
    fn hold(&mut self, value: Expr) -> (LocalId, Expr) {
        let span = value.span;
        let local = self.temp(value.ty, span);
        (local, super::let_node(local, value, span))
    }

    /// An empty list of `element`s in a new local, to which [`Checker::push_to`] adds.
    fn new_list(&mut self, element: Ty, span: Span) -> (LocalId, Expr) {
        let ty = self.types.list(element);
        self.hold(node(ExprKind::List(Vec::new()), ty, span))
    }

    /// `list ++= [value]`
    fn push_to(&mut self, list: LocalId, value: Expr) -> Expr {
        let span = value.span;
        let ty = self.read_local(list, span).ty;
        append(list, value, ty, span)
    }
}

/// Whether `expr` is a block, which `await` joins.
fn is_block(expr: &ast::Expr) -> bool {
    matches!(
        expr.kind,
        Ast::Scope(_)
            | Ast::Parallel(_)
            | Ast::ParallelFor(_)
            | Ast::Select(_)
            | Ast::Timeout { .. }
    )
}
