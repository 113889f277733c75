//! Expressions: the dispatch.
//!
//! `value` gives the register that holds an expression's value: for a variable, its own. `into`
//! puts it in a given register, `effect` wants none, `deliver` does one or the other.

use super::func::{FuncBuilder, Operands};
use super::uses;
use crate::hir::{Coercion, Expr, ExprKind, Ty};
use crate::ir::{Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::Constant;

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// The register holding the value of `e`.
    pub(crate) fn value(&mut self, e: &'a Expr) -> VReg {
        self.expr(e, None)
    }

    /// `dst := e`.
    pub(crate) fn into(&mut self, e: &'a Expr, dst: VReg) {
        let got = self.expr(e, Some(dst));
        if e.ty != Ty::NEVER {
            self.copy(dst, got);
        }
    }

    /// `e` for its value in a register, or for its effect.
    pub(crate) fn deliver(&mut self, e: &'a Expr, want: Option<VReg>) {
        match want {
            Some(dst) => self.into(e, dst),
            None => self.effect(e),
        }
    }

    /// Registers of operands evaluated left to right. A variable that a later operand changes is
    /// copied first.
    pub(crate) fn operands(&mut self, exprs: &[&'a Expr]) -> Operands {
        let mut regs = Operands::with_capacity(exprs.len());
        let mut changing = None;
        for i in 0..exprs.len() {
            regs.push(self.operand(exprs, i, &mut changing));
        }
        regs
    }

    /// One of some operands; `changing` is [`uses::changed_later`]'s.
    pub(crate) fn operand(
        &mut self,
        exprs: &[&'a Expr],
        at: usize,
        changing: &mut Option<usize>,
    ) -> VReg {
        let reg = self.value(exprs[at]);
        match uses::result_local(exprs[at]) {
            Some(local) if uses::changed_later(exprs, at, local, changing) => self.snapshot(reg),
            _ => reg,
        }
    }

    /// Two operands.
    pub(crate) fn operand_pair(&mut self, lhs: &'a Expr, rhs: &'a Expr) -> (VReg, VReg) {
        let regs = self.operands(&[lhs, rhs]);
        (regs[0], regs[1])
    }

    /// Evaluates `e` for its effect.
    pub(crate) fn effect(&mut self, e: &'a Expr) {
        if !self.c.live() {
            return;
        }
        let outer = std::mem::replace(&mut self.c.span, e.span);
        match &e.kind {
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::Str(_)
            | ExprKind::BytesLit(_)
            | ExprKind::Null
            | ExprKind::Local(_)
            | ExprKind::Global(_)
            | ExprKind::FuncRef(_)
            | ExprKind::Closure { .. } => {}
            ExprKind::Coerce(Coercion::Widen | Coercion::Narrow | Coercion::IntToFloat, inner) => {
                self.effect(inner);
            }
            _ if self.statement(e) || self.flow(e, None) => {}
            _ => {
                self.expr(e, None);
            }
        }
        self.never_goes_on(e);
        self.c.span = outer;
    }

    /// A value of type Never is never there: a variable bound where no value can come, say.
    fn never_goes_on(&mut self, e: &Expr) {
        if e.ty == Ty::NEVER {
            self.c.end(Term::Unreachable);
        }
    }

    /// Evaluates `e`; into `dst` if given and convenient. Gives the register of the value.
    pub(crate) fn expr(&mut self, e: &'a Expr, dst: Option<VReg>) -> VReg {
        if !self.c.live() {
            return self.target(dst, e.ty);
        }
        let outer = std::mem::replace(&mut self.c.span, e.span);
        let reg = self.expr_here(e, dst);
        self.never_goes_on(e);
        self.c.span = outer;
        reg
    }

    fn expr_here(&mut self, e: &'a Expr, dst: Option<VReg>) -> VReg {
        match &e.kind {
            ExprKind::Local(l) => return self.local(*l),
            ExprKind::Unary(op, a) => return self.unary(*op, a, dst, e.ty),
            ExprKind::Binary(op, a, b) => return self.binary(*op, a, b, dst, e.ty),
            ExprKind::Coerce(how, inner) => return self.coerce(*how, inner, e.ty, dst),
            ExprKind::Call { callee, args } => return self.call(*callee, args, e.ty, dst),
            ExprKind::CallValue { callee, args } => {
                return self.call_value(callee, args, e.ty, dst);
            }
            ExprKind::CallMut {
                callee,
                place,
                args,
            } => return self.call_mut(*callee, place, args, e.ty, dst),
            ExprKind::Closure { func, captures } => return self.closure(*func, captures, dst),
            ExprKind::FuncRef(func) => return self.func_ref(*func, dst),
            ExprKind::Index { base, index, safe } => {
                return self.index(base, index, *safe, e.ty, dst);
            }
            ExprKind::Field { base, index } => return self.field(base, *index, e.ty, dst),
            ExprKind::Block(items) => return self.block_value(items, e.ty, dst),
            ExprKind::Is(..) | ExprKind::In { .. } => return self.test_value(e, dst),
            ExprKind::Interpolate(pieces) => return self.interpolate(pieces, dst),
            ExprKind::Timeout { ms, body, owned } => {
                return self.timeout(ms, body, *owned, e.ty, dst);
            }
            ExprKind::Group(group) => return self.group(group, e.ty, dst),
            _ => {}
        }
        if self.statement(e) {
            let dst = self.target(dst, e.ty);
            if e.ty != Ty::NEVER {
                self.null_into(dst);
            }
            return dst;
        }
        let dst = self.target(dst, e.ty);
        if e.ty == Ty::NULL && self.flow(e, None) {
            self.null_into(dst);
        } else if !self.flow(e, Some(dst)) {
            self.leaf(e, dst);
        }
        dst
    }

    /// Expressions that always make their value in `dst`.
    fn leaf(&mut self, e: &'a Expr, dst: VReg) {
        match &e.kind {
            ExprKind::Int(i) => self.int_into(dst, *i),
            ExprKind::Bool(b) => self.int_into(dst, i64::from(*b)),
            ExprKind::Float(f) => self.constant_into(dst, Constant::Float(f.to_bits())),
            ExprKind::Str(s) => self.text_into(dst, s),
            ExprKind::BytesLit(b) => self.constant_into(dst, Constant::Bytes(b.clone())),
            ExprKind::Null => self.null_into(dst),
            ExprKind::Global(g) => self.c.op1(Op::GlobalGet, &[dst], g.0),
            ExprKind::Aggregate(fields) => self.aggregate(fields, e.ty, dst),
            ExprKind::Variant { variant, args } => self.variant(*variant, args, e.ty, dst),
            ExprKind::List(elements) => self.list(elements, e.ty, dst),
            ExprKind::Set(elements) => self.set(elements, e.ty, dst),
            ExprKind::Map(entries) => self.map(entries, e.ty, dst),
            ExprKind::Slice {
                base,
                lo,
                hi,
                inclusive,
            } => self.slice(base, lo.as_deref(), hi.as_deref(), *inclusive, dst),
            ExprKind::Spawn { body, on, mode } => self.spawn(body, on.as_deref(), *mode, dst),
            ExprKind::Await(future) => {
                let future = self.value(future);
                self.c.op(Op::Await, &[dst, future]);
                if e.ty == Ty::NEVER {
                    self.c.end(Term::Unreachable);
                }
            }
            ExprKind::AwaitCatch(future) => self.await_catch(future, e.ty, dst),
            ExprKind::CallTool {
                tool,
                args,
                messages,
            } => self.call_tool(*tool, args, messages, dst),
            _ => unreachable!("every other expression has been dispatched"),
        }
    }

    /// `dst := constant`.
    pub(crate) fn constant_into(&mut self, dst: VReg, constant: Constant) {
        let k = self.m.constant(constant);
        self.c.op1(Op::Const, &[dst], k);
    }

    /// Statements: those without a value. False if `e` is none.
    fn statement(&mut self, e: &'a Expr) -> bool {
        match &e.kind {
            ExprKind::Let { pat, init } => self.let_(pat, init),
            ExprKind::Assign { place, value } => self.assign(place, value),
            ExprKind::AssignOp { place, op, value } => self.assign_op(place, *op, value),
            ExprKind::While { id, cond, body } => self.while_(*id, cond, body),
            ExprKind::Break(id, value) => self.break_(*id, value.as_deref()),
            ExprKind::Continue(id) => self.continue_(*id),
            ExprKind::Return(value) => self.return_(value.as_deref()),
            // Outside of a block it has nothing to be deferred to: it runs at once.
            ExprKind::Defer(body) => self.effect(body),
            ExprKind::SetGlobal(global, value) => {
                let value = self.value(value);
                self.c.op1(Op::GlobalSet, &[value], global.0);
            }
            ExprKind::Throw(error) => {
                let error = self.value(error);
                self.c.end(Term::Throw(error));
            }
            ExprKind::Halt(message) => self.halt(message),
            ExprKind::Assert {
                cond,
                source,
                message,
            } => self.assert(cond, source, message.as_deref()),
            ExprKind::Yield(value) => self.yield_(value),
            ExprKind::AwaitSettle(futures) => self.await_settle(futures),
            _ => return false,
        }
        true
    }

    /// Expressions with control flow inside. False if `e` is none.
    fn flow(&mut self, e: &'a Expr, want: Option<VReg>) -> bool {
        match &e.kind {
            ExprKind::Block(items) => self.block(items, want),
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => self.if_(cond, then, otherwise.as_deref(), want),
            ExprKind::Match { value, arms } => self.match_(value, arms, want),
            ExprKind::Logic { .. } => match want {
                Some(dst) => self.branch_value(e, dst),
                None => {
                    let done = self.c.block();
                    self.branch(e, done, done);
                    self.c.start(done);
                }
            },
            ExprKind::Loop { id, body } => self.loop_(*id, body, want),
            ExprKind::For {
                id,
                pat,
                iter,
                filter,
                body,
            } => self.for_(*id, pat, iter, filter.as_deref(), body, want),
            ExprKind::Try {
                body,
                catch,
                finally,
            } => self.try_(body, catch, finally.as_deref(), want),
            ExprKind::Scope {
                timeout,
                on,
                handle,
                body,
            } => self.scope(timeout.as_deref(), on.as_deref(), *handle, body, want),
            ExprKind::Select(select) => self.select(select, e.ty, want),
            _ => return false,
        }
        true
    }
}
