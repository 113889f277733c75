//! Blocks, `if`, loops, leaving them; `halt` and `assert`.

use super::func::FuncBuilder;
use super::ops::comparison;
use super::runtime_natives as rt;
use crate::hir::{Expr, ExprKind, LoopId, Repr, Ty};
use crate::ir::{Cond, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{FailureKind, well_known};

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// A block for its value: the last item's.
    pub(crate) fn block_value(&mut self, items: &'a [Expr], ty: Ty, dst: Option<VReg>) -> VReg {
        let defers = items.iter().any(|e| matches!(e.kind, ExprKind::Defer(_)));
        if let (false, Some((last, before))) = (defers, items.split_last())
            && ty != Ty::NULL
        {
            before.iter().for_each(|e| self.effect(e));
            return self.expr(last, dst);
        }
        let dst = self.target(dst, ty);
        if ty == Ty::NULL {
            self.block(items, None);
            self.null_into(dst);
        } else {
            self.block(items, Some(dst));
        }
        dst
    }

    /// A block: the scope of the `defer`s directly in it.
    pub(crate) fn block(&mut self, items: &'a [Expr], want: Option<VReg>) {
        let depth = self.frames.len();
        for (i, item) in items.iter().enumerate() {
            let last = i + 1 == items.len();
            match &item.kind {
                ExprKind::Defer(body) => {
                    self.enter_cleanup(body);
                    if let (true, Some(dst)) = (last, want) {
                        self.null_into(dst);
                    }
                }
                _ if last => self.deliver(item, want),
                _ => self.effect(item),
            }
        }
        while self.frames.len() > depth {
            self.leave_cleanup(want.is_some());
        }
    }

    /// `if`.
    pub(crate) fn if_(
        &mut self,
        cond: &'a Expr,
        then: &'a Expr,
        otherwise: Option<&'a Expr>,
        want: Option<VReg>,
    ) {
        let (yes, done) = (self.c.block(), self.c.block());
        let skips = otherwise.is_none() && want.is_none();
        let no = if skips { done } else { self.c.block() };
        self.branch(cond, yes, no);
        self.c.start(yes);
        self.deliver(then, want);
        self.c.jump(done);
        if !skips {
            self.c.start(no);
            match (otherwise, want) {
                (Some(e), _) => self.deliver(e, want),
                (None, Some(dst)) => self.null_into(dst),
                (None, None) => {}
            }
            self.c.jump(done);
        }
        self.c.start(done);
    }

    /// `while`, with the test after the body.
    pub(crate) fn while_(&mut self, id: LoopId, cond: &'a Expr, body: &'a Expr) {
        let (round, test, exit) = (self.c.block(), self.c.block(), self.c.block());
        let endless = matches!(cond.kind, ExprKind::Bool(true));
        self.c.jump(if endless { round } else { test });
        self.c.start(round);
        self.enter_loop(id, if endless { round } else { test }, exit, None);
        self.effect(body);
        self.leave_loop();
        if endless {
            self.c.jump(round);
        } else {
            self.c.jump(test);
            self.c.start(test);
            self.branch(cond, round, exit);
        }
        self.c.start(exit);
    }

    /// `loop`.
    pub(crate) fn loop_(&mut self, id: LoopId, body: &'a Expr, want: Option<VReg>) {
        let (round, exit) = (self.c.block(), self.c.block());
        self.c.jump(round);
        self.c.start(round);
        self.enter_loop(id, round, exit, want);
        self.effect(body);
        self.leave_loop();
        self.c.jump(round);
        self.c.start(exit);
    }

    /// `break`.
    pub(crate) fn break_(&mut self, id: LoopId, value: Option<&'a Expr>) {
        let Some((depth, _, exit, want)) = self.loop_frame(id) else {
            return;
        };
        match (value, want) {
            (Some(value), want) => self.deliver(value, want),
            (None, Some(dst)) => self.null_into(dst),
            (None, None) => {}
        }
        self.unwind_to(depth);
        self.c.jump(exit);
    }

    /// `continue`.
    pub(crate) fn continue_(&mut self, id: LoopId) {
        if let Some((depth, next, _, _)) = self.loop_frame(id) {
            self.unwind_to(depth);
            self.c.jump(next);
        }
    }

    /// `return`.
    pub(crate) fn return_(&mut self, value: Option<&'a Expr>) {
        let mut result = None;
        if let Some(e) = value {
            if e.ty == Ty::NULL && self.f.result == Ty::NULL {
                self.effect(e);
            } else {
                result = Some(self.value(e));
            }
        } else if self.f.result != Ty::NULL && !self.f.mutator {
            result = Some(self.null());
        }
        if self.leaving_runs_code() {
            result = result.map(|r| self.snapshot(r));
        }
        self.unwind_to(0);
        self.finish(result);
    }

    /// `halt(message)`.
    pub(crate) fn halt(&mut self, message: &'a Expr) {
        if let ExprKind::Str(text) = &message.kind {
            return self.fail(FailureKind::Halt, text);
        }
        let message = self.value(message);
        self.fail_with(FailureKind::Halt, message);
    }

    /// Fails with a computed message.
    pub(crate) fn fail_with(&mut self, kind: FailureKind, message: VReg) {
        let kind = self.int(i64::from(kind as u16));
        let args = [self.arg(kind), (message, well_known::STRING)];
        self.runtime(rt::FAIL, &[], &args, well_known::NEVER);
    }

    /// `assert`: shows both sides of a comparison that fails.
    pub(crate) fn assert(&mut self, cond: &'a Expr, source: &str, message: Option<&'a Expr>) {
        let (good, bad) = (self.c.block(), self.c.block());
        let mut shown = Vec::new();
        match &cond.kind {
            ExprKind::Binary(op, a, b) if comparison(*op).is_some() => {
                let (x, y) = self.operand_pair(a, b);
                shown = vec![("left", x, a.ty), ("right", y, b.ty)];
                self.compare_registers(*op, a.ty, x, y, good, bad);
            }
            _ => self.branch(cond, good, bad),
        }
        let cold = std::mem::replace(&mut self.c.cold, true);
        self.c.start(bad);
        let given = message.map(|m| self.value(m));
        if given.is_none() && shown.is_empty() {
            let text = format!("assertion failed: {source}");
            self.fail(FailureKind::Assertion, &text);
        } else {
            let mut parts = vec![self.text("assertion failed: ")];
            if let Some(given) = given {
                parts.push(given);
                parts.push(self.text(": "));
            }
            parts.push(self.text(source));
            for (side, reg, ty) in shown {
                let quote = if ty == Ty::STRING { "\"" } else { "" };
                parts.push(self.text(&format!("\n  {side}: {quote}")));
                parts.push(self.string_of(reg, ty));
                if !quote.is_empty() {
                    parts.push(self.text(quote));
                }
            }
            let text = self.join(&parts, None);
            self.fail_with(FailureKind::Assertion, text);
        }
        self.c.cold = cold;
        self.c.start(good);
    }

    /// A branch on a comparison of values already in registers.
    fn compare_registers(
        &mut self,
        op: crate::hir::BinOp,
        ty: Ty,
        x: VReg,
        y: VReg,
        then: crate::ir::BlockId,
        otherwise: crate::ir::BlockId,
    ) {
        use crate::ir::Cmp;
        let Some(cmp) = comparison(op) else { return };
        let cond = match self.repr_of(ty) {
            Repr::Int => Cond::Int(cmp, x, y),
            Repr::Float => Cond::Float(cmp, x, y),
            Repr::Word => {
                let ty = self.m.types.of(ty);
                let order = self.c.reg(well_known::INT);
                if matches!(cmp, Cmp::Eq | Cmp::Ne) {
                    let equal = self.c.reg(well_known::BOOL);
                    self.c.op1(Op::Equal, &[equal, x, y], ty);
                    let (yes, no) = if cmp == Cmp::Eq {
                        (then, otherwise)
                    } else {
                        (otherwise, then)
                    };
                    return self.split(Cond::Bool(equal), yes, no);
                }
                self.c.op1(Op::Compare, &[order, x, y], ty);
                Cond::IntImm(cmp, order, 0)
            }
        };
        self.split(cond, then, otherwise);
    }
}
