//! Starting: `spawn`, `submit`, `async`, async cells.
//!
//! Of a spawned call, arguments are evaluated by the caller: they are put into locals, which the
//! task captures.

use super::super::{FnRole, Want, node};
use crate::diag::{Code, Diagnostic};
use crate::hir::concurrency::SpawnMode;
use crate::hir::{Expr, ExprKind, LocalId, Ty};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind as Ast};
use crate::types::Checker;
use crate::types::ty::Kind;

impl<'a> Checker<'a> {
    /// `spawn(…)`, `pool.spawn(…)`, `submit(…)`
    pub(crate) fn spawn_expr(
        &mut self,
        args: &'a [ast::Arg],
        on: Option<Expr>,
        mode: SpawnMode,
        span: Span,
        want: Want,
    ) -> Expr {
        let [arg] = args else {
            args.iter().for_each(|arg| {
                self.value(&arg.value);
            });
            let message = format!(
                "spawn expects a call, a closure or a list of calls, found {} arguments",
                args.len()
            );
            self.bad_spawn(message, span);
            return self.poison(span);
        };
        if arg.name.is_some() || arg.spread {
            self.value(&arg.value);
            let message = "spawn expects a call, a closure or a list of calls";
            self.bad_spawn(message.to_owned(), span);
            return self.poison(span);
        }
        match &arg.value.kind {
            Ast::List(elements) => {
                let (list, on) = self.shared_executor(on);
                let spawned = self.spawn_list(elements, &on, mode, arg.value.span);
                self.after(list, spawned)
            }
            Ast::Comprehension(one) => {
                let (list, on) = self.shared_executor(on);
                let spawned = self.spawn_comprehension(one, &on, mode, arg.value.span);
                self.after(list, spawned)
            }
            _ => self.spawn_one(&arg.value, on, mode, span, want),
        }
    }

    fn bad_spawn(&mut self, message: String, span: Span) {
        let error = Diagnostic::new(Code::BadSpawn, message, span)
            .help("write spawn(f(a)), spawn(fn() … end) or spawn([f(a), f(b)])");
        self.report(error);
    }

    /// An executor that several tasks start on: evaluated once.
    fn shared_executor(&mut self, on: Option<Expr>) -> (Option<Expr>, Option<Expr>) {
        match on {
            None => (None, None),
            Some(on) => {
                let span = on.span;
                let (local, bind) = self.hold(on);
                (Some(bind), Some(self.read_local(local, span)))
            }
        }
    }

    fn after(&mut self, first: Option<Expr>, then: Expr) -> Expr {
        let (ty, span) = (then.ty, then.span);
        match first {
            None => then,
            Some(first) => node(ExprKind::Block(vec![first, then]), ty, span),
        }
    }

    /// One task: a call or a closure.
    fn spawn_one(
        &mut self,
        expr: &'a ast::Expr,
        on: Option<Expr>,
        mode: SpawnMode,
        span: Span,
        want: Want,
    ) -> Expr {
        let is_call = matches!(
            expr.kind,
            Ast::Call(_) | Ast::MethodCall(_) | Ast::Pipe { .. }
        );
        let expected = self.expected_future(want);
        if self.calls_tool(expr) {
            let (body, result) = self.task(FnRole::Concurrent, span, expected, |this, want| {
                this.expr(expr, want)
            });
            return self.spawn_node(body, on, mode, result, span, want);
        }
        let value = match expected {
            Some(ty) if is_call => self.expr(expr, Want::Type(ty)),
            _ => self.value(expr),
        };
        let ty = self.known(value.ty);
        if self.types.has_poison(ty) && ty == Ty::POISON {
            return self.poison(span);
        }
        if is_call {
            return self.spawn_called(value, on, mode, span, want);
        }
        match self.types.kind(ty).clone() {
            Kind::Func(params, result) if params.is_empty() => {
                if self.future_of(result).is_none() {
                    return self.spawn_node(value, on, mode, result, span, want);
                }
                let callee = Box::new(value);
                let args = Vec::new();
                let call = node(ExprKind::CallValue { callee, args }, result, span);
                self.spawn_called(call, on, mode, span, want)
            }
            Kind::Func(params, _) => {
                let message = format!(
                    "spawn expects a closure without parameters, found one with {}",
                    params.len()
                );
                self.bad_spawn(message, expr.span);
                self.poison(span)
            }
            _ => {
                let shown = self.show(ty);
                let message =
                    format!("spawn expects a call, a closure or a list of calls, found {shown}");
                self.bad_spawn(message, expr.span);
                self.poison(span)
            }
        }
    }

    /// A call that has been checked, run as a task.
    pub(crate) fn spawn_called(
        &mut self,
        call: Expr,
        on: Option<Expr>,
        mode: SpawnMode,
        span: Span,
        want: Want,
    ) -> Expr {
        let expected = self.expected_future(want);
        let mut before = Vec::new();
        let on = on.map(|on| self.hold_in_local(on, &mut before));
        let call = self.hoist(call, &mut before);
        let spawn = self.spawn_hoisted(call, on, mode, expected, span, want);
        if before.is_empty() {
            return spawn;
        }
        let ty = spawn.ty;
        before.push(spawn);
        node(ExprKind::Block(before), ty, span)
    }

    fn spawn_hoisted(
        &mut self,
        call: Expr,
        on: Option<Expr>,
        mode: SpawnMode,
        expected: Option<Ty>,
        span: Span,
        want: Want,
    ) -> Expr {
        // Calling an async cell has made the task already.
        if let ExprKind::Spawn { body, .. } = call.kind {
            let result = self.future_of(call.ty).unwrap_or(Ty::POISON);
            return self.spawn_node(*body, on, mode, result, span, want);
        }
        let outer = self.body.at;
        let (body, result) = self.task(FnRole::Concurrent, span, expected, |this, _| {
            let call = this.inside(call, outer);
            this.settled_value(call)
        });
        self.spawn_node(body, on, mode, result, span, want)
    }

    /// Puts what a call is made with into locals; the call itself remains.
    fn hoist(&mut self, call: Expr, before: &mut Vec<Expr>) -> Expr {
        let Expr { kind, ty, span } = call;
        let kind = match kind {
            ExprKind::Call { callee, args } => {
                let args = args
                    .into_iter()
                    .map(|arg| self.hold_in_local(arg, before))
                    .collect();
                ExprKind::Call { callee, args }
            }
            ExprKind::CallValue { callee, args } => {
                let callee = Box::new(self.hold_in_local(*callee, before));
                let args = args
                    .into_iter()
                    .map(|arg| self.hold_in_local(arg, before))
                    .collect();
                ExprKind::CallValue { callee, args }
            }
            ExprKind::Coerce(how, inner) => {
                let inner = self.hoist(*inner, before);
                ExprKind::Coerce(how, Box::new(inner))
            }
            ExprKind::Block(mut parts) if parts.len() > 1 || ty != Ty::NULL => {
                let Some(last) = parts.pop() else {
                    return super::super::null(span);
                };
                before.extend(parts);
                return self.hoist(last, before);
            }
            ExprKind::Spawn { .. } => kind,
            _ => return self.hold_in_local(node(kind, ty, span), before),
        };
        node(kind, ty, span)
    }

    /// `value` itself if it is the same everywhere, else a local that holds it.
    pub(super) fn hold_in_local(&mut self, value: Expr, before: &mut Vec<Expr>) -> Expr {
        let span = value.span;
        match value.kind {
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::Str(_)
            | ExprKind::Null
            | ExprKind::Global(_)
            | ExprKind::FuncRef(_) => value,
            _ => {
                let (local, bind) = self.hold(value);
                before.push(bind);
                self.read_local(local, span)
            }
        }
    }

    /// What `hoist` left, in a function inside the one (`outer`) that it was made in.
    pub(super) fn inside(&mut self, call: Expr, outer: usize) -> Expr {
        let Expr { kind, ty, span } = call;
        let kind = match kind {
            ExprKind::Local(local) => {
                let inner: LocalId = self.capture(self.body.at, outer, local);
                ExprKind::Local(inner)
            }
            ExprKind::Call { callee, args } => {
                let args = args
                    .into_iter()
                    .map(|arg| self.inside(arg, outer))
                    .collect();
                ExprKind::Call { callee, args }
            }
            ExprKind::CallValue { callee, args } => {
                let callee = Box::new(self.inside(*callee, outer));
                let args = args
                    .into_iter()
                    .map(|arg| self.inside(arg, outer))
                    .collect();
                ExprKind::CallValue { callee, args }
            }
            ExprKind::Coerce(how, inner) => {
                ExprKind::Coerce(how, Box::new(self.inside(*inner, outer)))
            }
            other => other,
        };
        node(kind, ty, span)
    }

    /// `spawn([f(a), g(b)])`
    fn spawn_list(
        &mut self,
        elements: &'a [ast::Element],
        on: &Option<Expr>,
        mode: SpawnMode,
        span: Span,
    ) -> Expr {
        let mut before = Vec::new();
        let mut calls = Vec::with_capacity(elements.len());
        for one in elements {
            let at = one.value.span;
            let value = self.value(&one.value);
            match self.spawnable(value, &one.value, one.spread) {
                Some(call) => {
                    let call = self.hoist(call, &mut before);
                    calls.push((call, at));
                }
                None => calls.push((self.poison(at), at)),
            }
        }
        let mut types = Vec::with_capacity(calls.len());
        for (call, _) in &calls {
            let ty = self.future_of(call.ty).unwrap_or(call.ty);
            types.push(ty);
        }
        let joined = if types.is_empty() {
            Ty::NULL
        } else {
            self.join(&types)
        };
        let all_same = types.iter().all(|&ty| self.types.resolve(ty) == joined);
        let expected = if all_same {
            None
        } else {
            self.as_expected(joined)
        };
        let mut tasks = Vec::with_capacity(calls.len());
        for (call, at) in calls {
            let on = on.clone();
            let task = self.spawn_hoisted(call, on, mode, expected, at, Want::Value);
            tasks.push(crate::hir::Element::One(task));
        }
        let future = self.types.intern(Kind::Future(joined));
        let list = self.types.list(future);
        before.push(node(ExprKind::List(tasks), list, span));
        node(ExprKind::Block(before), list, span)
    }

    /// The call that an element of `spawn([…])` stands for.
    fn spawnable(&mut self, value: Expr, expr: &'a ast::Expr, spread: bool) -> Option<Expr> {
        let ty = self.known(value.ty);
        if ty == Ty::POISON {
            return None;
        }
        let is_call = matches!(
            expr.kind,
            Ast::Call(_) | Ast::MethodCall(_) | Ast::Pipe { .. }
        );
        if !spread {
            match self.types.kind(ty).clone() {
                _ if is_call => return Some(value),
                Kind::Func(params, result) if params.is_empty() => {
                    let (callee, args, span) = (Box::new(value), Vec::new(), expr.span);
                    return Some(node(ExprKind::CallValue { callee, args }, result, span));
                }
                _ => {}
            }
        }
        let shown = self.show(ty);
        let message = format!("spawn expects a call, a closure or a list of calls, found {shown}");
        self.bad_spawn(message, expr.span);
        None
    }

    /// `spawn([f(x) for x in xs])`
    fn spawn_comprehension(
        &mut self,
        one: &'a ast::Comprehension,
        on: &Option<Expr>,
        mode: SpawnMode,
        span: Span,
    ) -> Expr {
        let ast::ComprehensionOutput::List(output) = &one.output else {
            let message = "spawn expects a call, a closure or a list of calls, found a set or map";
            self.bad_spawn(message.to_owned(), span);
            return self.poison(span);
        };
        let element = self.open_var();
        let future = self.types.intern(Kind::Future(element));
        let (list, start) = self.new_list(future, span);
        let scope = self.enter();
        let narrows = self.mark_narrows();
        let fill = self.spawn_clauses(&one.clauses, &mut |this| {
            let on = on.clone();
            let task = this.spawn_one(output, on, mode, output.span, Want::Value);
            if !this.types.unify(task.ty, future) {
                this.mismatch(output.span, task.ty, future);
            }
            this.push_to(list, task)
        });
        self.leave(scope);
        self.forget_narrows(narrows);
        let value = self.read_local(list, span);
        let ty = value.ty;
        node(ExprKind::Block(vec![start, fill, value]), ty, span)
    }

    fn spawn_clauses(
        &mut self,
        clauses: &'a [ast::ForClause],
        inner: &mut dyn FnMut(&mut Self) -> Expr,
    ) -> Expr {
        let Some((clause, rest)) = clauses.split_first() else {
            return inner(self);
        };
        let pair = super::super::loops::is_pair(&clause.pattern);
        let (iter, element) = self.iterate(&clause.iterable, pair);
        let pat = self.pattern_top(&clause.pattern, element, false);
        let filter = self.guards(&clause.guards);
        let body = self.spawn_clauses(rest, inner);
        self.walk_over(pat, iter, filter, body)
    }

    /// `async … end`
    pub(super) fn async_block(&mut self, block: &'a ast::Block, span: Span, want: Want) -> Expr {
        let expected = self.expected_future(want);
        let (body, result) = self.task(FnRole::Concurrent, span, expected, |this, want| {
            this.body_block(block, want)
        });
        self.spawn_node(body, None, SpawnMode::Task, result, span, want)
    }
}
