//! `scope` and `timeout`.

use super::super::{FnRole, Want, node};
use super::is_block;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, ExprKind, Ty};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind as Ast, ModifierValue};
use crate::types::Checker;
use crate::types::ty::Kind;
use std::rc::Rc;

impl<'a> Checker<'a> {
    /// `scope(timeout: ms, on: pool) as s … end`
    pub(super) fn scope_block(&mut self, one: &'a ast::Scope, span: Span, want: Want) -> Expr {
        let (mut timeout, mut on) = (None, None);
        for modifier in &one.modifiers {
            let word = self.text(modifier.name.name);
            match (word.as_str(), &modifier.value) {
                ("timeout", ModifierValue::Expr(value)) => {
                    timeout = Some(Box::new(self.expr_as(value, Ty::INT)));
                }
                ("on", ModifierValue::Expr(value)) => on = Some(Box::new(self.executor(value))),
                ("timeout" | "on", _) => {
                    let message = format!("`{word}` needs a value");
                    let error = Diagnostic::new(Code::BadBlock, message, modifier.span)
                        .help(format!("write {word}: …"));
                    self.report(error);
                }
                (_, value) => {
                    if let ModifierValue::Expr(value) = value {
                        self.value(value);
                    }
                    let known = ["timeout", "on"].into_iter();
                    self.unknown_modifier("scope", &word, modifier.name.span, known);
                }
            }
        }
        let mark = self.enter();
        let handle = one.name.map(|name| {
            let scope = self.names.intern("Scope");
            let ty = self.types.intern(Kind::Handle(scope, Rc::from([])));
            self.declare(name.name, ty, name.span, false)
        });
        let body = self.body_block(&one.body, want);
        self.leave(mark);
        let ty = if want == Want::Nothing && body.ty != Ty::NEVER {
            Ty::NULL
        } else {
            body.ty
        };
        let body = Box::new(body);
        let kind = ExprKind::Scope {
            timeout,
            on,
            handle,
            body,
        };
        node(kind, ty, span)
    }

    /// `timeout(ms, e)` that is waited for here: the value, or null.
    pub(super) fn timeout_block(
        &mut self,
        limit: &'a ast::Expr,
        body: &'a ast::Expr,
        span: Span,
    ) -> Expr {
        if let Some(select) = self.limited_in_place(limit, body, span) {
            return select;
        }
        let ms = Box::new(self.expr_as(limit, Ty::INT));
        let (body, value, owned) = self.limited(body);
        let ty = self.types.nullable(value);
        let body = Box::new(body);
        node(ExprKind::Timeout { ms, body, owned }, ty, span)
    }

    /// What a timeout limits: a closure that it starts, or a future handed to it.
    fn limited(&mut self, body: &'a ast::Expr) -> (Expr, Ty, bool) {
        let handed = matches!(
            body.kind,
            Ast::Name(_) | Ast::Field { .. } | Ast::TupleField { .. } | Ast::Index { .. }
        );
        if handed && !is_block(body) {
            let value = self.value(body);
            if let Some(inner) = self.future_of(value.ty) {
                return (value, inner, false);
            }
        }
        let (body, value) = self.task(
            FnRole::Concurrent,
            body.span,
            None,
            |this, want| match &body.kind {
                Ast::Async(block) => this.body_block(block, want),
                Ast::Block(block) => {
                    let value = this.block(block, want);
                    this.settled_value(value)
                }
                _ => this.branch_value(body, want),
            },
        );
        (body, value, true)
    }
}
