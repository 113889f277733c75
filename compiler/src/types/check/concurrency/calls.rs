//! Calls that are no calls of cells: `halt(…)`, `submit(…)`, `pool.spawn(…)`; calls of async cells.

use super::super::call::{Applied, ArgIn, ArgValue, with_lets};
use super::super::{FnRole, Want, node};
use crate::diag::Code;
use crate::hir::concurrency::SpawnMode;
use crate::hir::{Callee, Expr, ExprKind, Ty};
use crate::names::ValueDef;
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast::{self, ExprKind as Ast};
use crate::syntax::token::sym;
use crate::types::Checker;
use crate::types::ty::Kind;

impl<'a> Checker<'a> {
    /// Calls an async cell: its arguments are evaluated now, its body runs on a fiber.
    pub(crate) fn spawn_call(
        &mut self,
        callee: Callee,
        applied: Applied,
        result: Ty,
        span: Span,
    ) -> Expr {
        let mut lets = applied.lets;
        let args = applied
            .values
            .into_iter()
            .map(|value| self.hold_in_local(value, &mut lets));
        let args = args.collect();
        let call = node(ExprKind::Call { callee, args }, result, span);
        let outer = self.body.at;
        let (body, _) = self.task(FnRole::Concurrent, span, None, |this, _| {
            this.inside(call, outer)
        });
        let spawn = self.spawn_node(body, None, SpawnMode::Task, result, span, Want::Value);
        with_lets(lets, spawn)
    }

    /// `halt(…)`, `submit(…)`
    pub(crate) fn special_call(
        &mut self,
        call: &'a ast::Call,
        span: Span,
        want: Want,
    ) -> Option<Expr> {
        let Ast::Name(name) = call.callee.kind else {
            return None;
        };
        let own = self.scopes[self.body.module.0 as usize]
            .value(name)
            .is_some();
        if self.lookup(name).is_some() || own {
            return None;
        }
        if self.names.resolve(name) == "submit" {
            return Some(self.spawn_expr(&call.args, None, SpawnMode::Submit, span, want));
        }
        if name == sym::CHANNEL {
            return Some(self.channel_call(name, call, span, want));
        }
        if name != sym::HALT {
            return None;
        }
        let [arg] = &*call.args else {
            self.error(Code::ArgumentCount, span, "`halt` takes one message");
            return Some(self.poison(span));
        };
        let message = self.expr_as(&arg.value, Ty::STRING);
        Some(node(ExprKind::Halt(Box::new(message)), Ty::NEVER, span))
    }

    /// `channel[T](n, on_full: overwrite)`: a call of the library's cell, whose policy is a word.
    fn channel_call(&mut self, name: Symbol, call: &'a ast::Call, span: Span, want: Want) -> Expr {
        let mut args = ArgIn::list(&call.args);
        for (arg, written) in args.iter_mut().zip(&call.args) {
            let on_full = arg
                .name
                .is_some_and(|name| self.names.resolve(name.name) == "on_full");
            let Ast::Name(word) = written.value.kind else {
                continue;
            };
            if !on_full || self.lookup(word).is_some() {
                continue;
            }
            let text = self.text(word);
            if !matches!(text.as_str(), "block" | "error" | "overwrite") {
                let message =
                    format!("unknown policy `{text}`; expected block, error or overwrite");
                self.error(Code::UnknownArgument, written.value.span, message);
            }
            let word = node(ExprKind::Str(text), Ty::STRING, written.value.span);
            arg.value = ArgValue::Done(word);
        }
        let cells = self.candidates(name);
        let made = self.call_one_of(&cells, name, &call.type_args, args, span, want);
        if let Kind::Channel(element) = *self.types.kind(made.ty) {
            let at = call.type_args.first().map_or(span, |ty| ty.span);
            self.check_channel_element(element, at);
        }
        made
    }

    /// `pool.spawn(f(a))`, `pool.submit(f(a))`, `global.spawn(f(a))`
    pub(crate) fn special_method(
        &mut self,
        call: &'a ast::MethodCall,
        span: Span,
        want: Want,
    ) -> Option<Expr> {
        let mode = match self.names.resolve(call.name.name) {
            "spawn" => SpawnMode::Task,
            "submit" => SpawnMode::Submit,
            _ => return None,
        };
        if let Ast::Name(name) = call.receiver.kind {
            let unbound = self.lookup(name).is_none() && self.value_def(name).is_none();
            if unbound && self.names.resolve(name) == "global" {
                return Some(self.spawn_expr(&call.args, None, SpawnMode::Global, span, want));
            }
        }
        if !self.has_value(&call.receiver) {
            return None;
        }
        let receiver = self.value(&call.receiver);
        let ty = self.known(receiver.ty);
        let executor = match self.types.kind(ty) {
            Kind::Handle(name, _) => self.names.resolve(*name) == "Executor",
            _ => false,
        };
        executor.then(|| self.spawn_expr(&call.args, Some(receiver), mode, span, want))
    }

    /// Whether `expr` is a value, not the name of a type, tool or effect.
    pub(super) fn has_value(&self, expr: &ast::Expr) -> bool {
        match expr.kind {
            Ast::Name(name) => {
                self.lookup(name).is_some()
                    || matches!(
                        self.value_def(name),
                        Some(ValueDef::Global(_) | ValueDef::Const(_))
                    )
            }
            _ => self.type_name(expr).is_none(),
        }
    }

    /// Whether `expr` calls an external tool.
    pub(super) fn calls_tool(&self, expr: &ast::Expr) -> bool {
        let name = match &expr.kind {
            Ast::Call(call) => &call.callee.kind,
            Ast::MethodCall(call) => &call.receiver.kind,
            _ => return false,
        };
        let Ast::Name(name) = *name else {
            return false;
        };
        self.lookup(name).is_none()
            && matches!(
                self.value_def(name),
                Some(ValueDef::Tool(_) | ValueDef::Effect(_))
            )
    }
}
