//! `select`: the first operation that is available.

use super::super::{FnRole, Want, node, null};
use super::block::Named;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, ExprKind, Select, SelectArm, SelectOp, Ty};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind as Ast, ModifierValue};
use crate::types::Checker;
use crate::types::ty::Kind;

/// Methods of other handles that wait in place: on a fiber of its own the wrong one would hold
/// the lock.
const WAITING: &[&str] = &["lock", "read_lock", "write_lock", "acquire", "wait"];

impl<'a> Checker<'a> {
    /// `select … end` that is waited for here.
    pub(super) fn select_block(&mut self, one: &'a ast::Select, span: Span, want: Want) -> Expr {
        let fair = self.select_modifiers(&one.modifiers);
        if one.branches.is_empty() {
            self.error(Code::BadBlock, one.keyword, "select block has no branches");
            return self.poison(span);
        }
        let names = one.branches.iter().map(|branch| branch.name);
        let names = self.block_names(names, "is not available until the select block joins");
        let mut operations = Vec::with_capacity(one.branches.len());
        for branch in &one.branches {
            operations.push(self.select_op(&branch.operation));
        }
        let mut branches = self.branches(want);
        let mut arms = Vec::with_capacity(one.branches.len());
        let mut released = Vec::with_capacity(one.branches.len());
        for ((branch, named), (op, value)) in one.branches.iter().zip(names).zip(operations) {
            let (inner, body) = match &branch.body {
                Some(block) => {
                    let want = self.branch_want(&branches);
                    let (inner, body) = self.select_body(block, branch.name, value, want);
                    (inner, Some(self.branch(&mut branches, body)))
                }
                None => {
                    // Lowering widens it.
                    let stand_in = node(ExprKind::Block(Vec::new()), value, branch.operation.span);
                    self.branch(&mut branches, stand_in);
                    (None, None)
                }
            };
            arms.push(SelectArm {
                op,
                name: named.as_ref().map(|named| named.local),
                value,
                inner,
                body,
            });
            released.push((named, value));
        }
        let otherwise = one.otherwise.as_ref().map(|other| {
            let value = match &other.body {
                Some(block) => {
                    let want = self.branch_want(&branches);
                    self.block(block, want)
                }
                None => null(other.span),
            };
            self.branch(&mut branches, value)
        });
        for (named, value) in released {
            self.release_selected(named, value);
        }
        let ty = self.join_branches(branches, true);
        let select = Select {
            fair,
            arms,
            otherwise,
        };
        node(ExprKind::Select(Box::new(select)), ty, span)
    }

    fn release_selected(&mut self, named: Option<Named>, value: Ty) {
        if let Some(named) = named {
            let ty = self.types.nullable(value);
            self.release_name(named, ty);
        }
    }

    fn select_modifiers(&mut self, modifiers: &'a [ast::Modifier]) -> bool {
        let mut fair = false;
        for one in modifiers {
            let word = self.text(one.name.name);
            match (&one.value, word.as_str()) {
                (ModifierValue::None, "fair") => fair = true,
                (value, _) => {
                    if let ModifierValue::Expr(value) = value {
                        self.value(value);
                    }
                    self.unknown_modifier("select", &word, one.name.span, ["fair"].into_iter());
                }
            }
        }
        fair
    }

    /// `-> body`, in which the branch's name is the value received.
    fn select_body(
        &mut self,
        block: &'a ast::Block,
        name: Option<ast::Ident>,
        value: Ty,
        want: Want,
    ) -> (Option<crate::hir::LocalId>, Expr) {
        let scope = self.enter();
        let mark = self.mark_narrows();
        let inner = name.map(|name| self.declare(name.name, value, name.span, false));
        let body = self.body_block(block, want);
        self.leave(scope);
        self.forget_narrows(mark);
        (inner, body)
    }

    /// What a branch waits for, and the type of its value.
    fn select_op(&mut self, operation: &'a ast::Expr) -> (SelectOp, Ty) {
        match &operation.kind {
            Ast::MethodCall(call) if !call.safe => {
                if let Some(op) = self.select_method(call) {
                    return op;
                }
            }
            Ast::Await(inner) if !super::is_block(inner) => {
                let value = self.value(inner);
                if let Some(item) = self.future_of(value.ty) {
                    return (SelectOp::Await(value), item);
                }
                let span = operation.span;
                let outer = self.body.at;
                let mut before = Vec::new();
                let (local, bind) = self.hold(value);
                before.push(bind);
                let read = self.read_local(local, span);
                let (body, ty) = self.task(FnRole::Concurrent, span, None, |this, _| {
                    let crate::hir::ExprKind::Local(from) = read.kind else {
                        return null(span);
                    };
                    let inner = this.capture(this.body.at, outer, from);
                    let read = this.read_local(inner, span);
                    this.await_value(read, span)
                });
                let closure_ty = body.ty;
                before.push(body);
                let body = node(ExprKind::Block(before), closure_ty, span);
                return (SelectOp::Run(body), ty);
            }
            Ast::Call(call) => {
                if let (Ast::Name(name), [arg]) = (&call.callee.kind, &*call.args) {
                    let own = self.lookup(*name).is_some();
                    if !own && self.names.resolve(*name) == "sleep" && arg.name.is_none() {
                        let ms = self.expr_as(&arg.value, Ty::INT);
                        return (SelectOp::Sleep(ms), Ty::BOOL);
                    }
                }
            }
            _ => {}
        }
        self.select_run(operation)
    }

    /// Any other call: a fiber that is cancelled when it loses.
    fn select_run(&mut self, operation: &'a ast::Expr) -> (SelectOp, Ty) {
        let callable = matches!(
            operation.kind,
            Ast::Call(_)
                | Ast::MethodCall(_)
                | Ast::Pipe { .. }
                | Ast::Await(_)
                | Ast::Block(_)
                | Ast::Async(_)
                | Ast::Spawn(_)
        ) || super::is_block(operation);
        if !callable {
            let value = self.value(operation);
            let ty = self.known(value.ty);
            if self.future_of(ty).is_some() {
                self.not_awaited(operation.span, ty);
            } else if ty != Ty::POISON {
                let shown = self.show(ty);
                let message = format!("select waits for operations, found {shown}");
                let error = Diagnostic::new(Code::BadBlock, message, operation.span)
                    .help("ch.receive(), ch.send(v), await f, sleep(ms) or a call");
                self.report(error);
            }
            return (SelectOp::Run(self.poison(operation.span)), Ty::POISON);
        }
        let (body, ty) = self.task(FnRole::Concurrent, operation.span, None, |this, want| {
            this.branch_value(operation, want)
        });
        (SelectOp::Run(body), ty)
    }

    /// Methods of channels and other handles that wait.
    fn select_method(&mut self, call: &'a ast::MethodCall) -> Option<(SelectOp, Ty)> {
        let word = self.text(call.name.name);
        let waits = matches!(word.as_str(), "receive" | "next" | "send");
        let handle = WAITING.contains(&word.as_str());
        if !waits && !handle || call.args.iter().any(|arg| arg.spread) {
            return None;
        }
        if !self.has_value(&call.receiver) {
            return None;
        }
        let receiver = self.value(&call.receiver);
        let ty = self.known(receiver.ty);
        let (element, end) = match self.types.kind(ty).clone() {
            Kind::Channel(element) => (element, None),
            Kind::Handle(name, args) => {
                let name = self.text(name);
                if handle {
                    return self.handle_method(&word, receiver, call);
                }
                match (name.as_str(), args.first()) {
                    ("Sender" | "Receiver", Some(&element)) => (element, Some(name)),
                    _ => return None,
                }
            }
            _ => return None,
        };
        let end = end.as_deref();
        match (word.as_str(), &*call.args) {
            ("receive", []) if end != Some("Sender") => {
                Some((SelectOp::Receive(receiver), element))
            }
            ("next", []) if end != Some("Sender") => {
                let ty = self.types.nullable(element);
                Some((SelectOp::Next(receiver), ty))
            }
            ("send", [value]) if end != Some("Receiver") => {
                let value = self.expr_as(&value.value, element);
                Some((SelectOp::Send(receiver, value), Ty::BOOL))
            }
            _ => None,
        }
    }

    /// `timeout(ms, m.lock())`: what has to wait in place, so that no other fiber holds the lock.
    pub(super) fn limited_in_place(
        &mut self,
        limit: &'a ast::Expr,
        body: &'a ast::Expr,
        span: Span,
    ) -> Option<Expr> {
        let Ast::MethodCall(call) = &body.kind else {
            return None;
        };
        let holds = match self.names.resolve(call.name.name) {
            "lock" | "read_lock" | "write_lock" => call.args.is_empty(),
            "wait" => call.args.len() == 1,
            _ => false,
        };
        if call.safe || !holds {
            return None;
        }
        let (op, value) = self.select_method(call)?;
        let ms = self.expr_as(limit, Ty::INT);
        let arm = |op, value, body| SelectArm {
            op,
            name: None,
            value,
            inner: None,
            body,
        };
        let select = Select {
            fair: false,
            arms: vec![
                arm(op, value, None),
                arm(SelectOp::Sleep(ms), Ty::BOOL, Some(null(limit.span))),
            ],
            otherwise: None,
        };
        let ty = self.types.nullable(value);
        Some(node(ExprKind::Select(Box::new(select)), ty, span))
    }

    fn handle_method(
        &mut self,
        word: &str,
        receiver: Expr,
        call: &'a ast::MethodCall,
    ) -> Option<(SelectOp, Ty)> {
        let mut args = vec![receiver];
        for arg in &call.args {
            args.push(self.value(&arg.value));
        }
        // As with `sleep`: true, so that a winner differs from a loser.
        Some((SelectOp::Handle(word.to_owned(), args), Ty::BOOL))
    }
}
