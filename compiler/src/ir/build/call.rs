//! Calls, closures and functions as values.

use super::func::{FuncBuilder, Operands, closure_type};
use crate::hir::{Callee, Expr, FuncId, LocalId, NativeId, Ty};
use crate::ir::{Term, VReg};
use crate::source::Span;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, well_known};
use smallvec::SmallVec;

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// A direct call. A mutator called as a function gives its new first argument.
    pub(crate) fn call(
        &mut self,
        callee: Callee,
        args: &'a [Expr],
        ty: Ty,
        dst: Option<VReg>,
    ) -> VReg {
        let span = self.c.span;
        let exprs: SmallVec<[&'a Expr; 8]> = args.iter().collect();
        let regs = self.operands(&exprs);
        self.c.span = span;
        match callee {
            Callee::Func(id) if self.m.func(id).mutator && !regs.is_empty() => {
                self.call_mutator(id, regs[0], &regs[1..]).0
            }
            Callee::Func(id) => {
                let dst = self.target(dst, ty);
                let mut all = regs;
                all.insert(0, dst);
                self.c.op1(Op::Call, &all, id.0);
                self.end_if_never(ty);
                dst
            }
            Callee::Native(id) => self.call_native(id, &regs, ty, dst),
        }
    }

    fn end_if_never(&mut self, ty: Ty) {
        if ty == Ty::NEVER {
            self.c.end(Term::Unreachable);
        }
    }

    fn call_native(&mut self, id: NativeId, args: &[VReg], ty: Ty, dst: Option<VReg>) -> VReg {
        let native = &self.m.hir.natives[id.0 as usize];
        let core = self.m.core_op(id);
        if native.mutator && !args.is_empty() {
            // The function form works on a copy of the variable.
            let new = self.temp(native.params[0]);
            self.copy(new, args[0]);
            let own = self.temp(native.result);
            let mut all = vec![new];
            all.extend(&args[1..]);
            match core {
                Some(core) => self.c.op(core.op, &all),
                None => {
                    all.insert(0, own);
                    let import = self.m.native(id);
                    self.c.op1(Op::CallNative, &all, import);
                }
            }
            return new;
        }
        let dst = self.target(dst, ty);
        let mut all = Operands::with_capacity(args.len() + 1);
        all.push(dst);
        all.extend_from_slice(args);
        match core {
            Some(core) => self.c.op(core.op, &all),
            None => {
                let import = self.m.native(id);
                self.c.op1(Op::CallNative, &all, import);
            }
        }
        self.end_if_never(ty);
        dst
    }

    /// A call of a closure.
    pub(crate) fn call_value(
        &mut self,
        callee: &'a Expr,
        args: &'a [Expr],
        ty: Ty,
        dst: Option<VReg>,
    ) -> VReg {
        let span = self.c.span;
        let mut exprs = vec![callee];
        exprs.extend(args);
        let regs = self.operands(&exprs);
        self.c.span = span;
        let dst = self.target(dst, ty);
        let mut all = regs;
        all.insert(0, dst);
        self.c.op(Op::CallClosure, &all);
        self.end_if_never(ty);
        dst
    }

    /// A lambda.
    pub(crate) fn closure(
        &mut self,
        func: FuncId,
        captures: &'a [LocalId],
        dst: Option<VReg>,
    ) -> VReg {
        let ty = closure_type(self.m, func);
        let dst = dst.unwrap_or_else(|| self.c.reg(ty));
        if captures.is_empty() {
            self.constant_into(dst, Constant::Closure(ty));
            return dst;
        }
        let mut regs = vec![dst];
        for &capture in captures {
            regs.push(self.local(capture));
        }
        self.c.op1(Op::New, &regs, ty);
        dst
    }

    /// A function as a value.
    pub(crate) fn func_ref(&mut self, func: FuncId, dst: Option<VReg>) -> VReg {
        let ty = super::adapter::function_value(self.m, func);
        let dst = dst.unwrap_or_else(|| self.c.reg(ty));
        self.constant_into(dst, Constant::Closure(ty));
        dst
    }

    /// A closure without parameters that calls `closure` with `arg`.
    pub(crate) fn partial(
        &mut self,
        closure: VReg,
        closure_ty: Ty,
        (arg, arg_ty): (VReg, Ty),
        span: Span,
    ) -> VReg {
        let func = self.m.types.of(closure_ty);
        let arg_ix = self.m.types.of(arg_ty);
        let ty = super::adapter::partial(self.m, func, arg_ix, span);
        let dst = self.c.reg(ty);
        self.c.op1(Op::New, &[dst, closure, arg], ty);
        dst
    }

    /// The entry of the result of a closure expression of this type.
    pub(crate) fn result_ty(&self, closure: Ty) -> Ty {
        match self.m.hir.types.kind(closure) {
            crate::hir::TyKind::Func(_, result) => *result,
            _ => Ty::ANY,
        }
    }

    /// An argument that is null when absent.
    pub(crate) fn option_int(&mut self, value: Option<&'a Expr>, default: i64) -> VReg {
        match value {
            Some(e) => self.value(e),
            None => {
                let dst = self.c.reg(well_known::INT);
                self.int_into(dst, default);
                dst
            }
        }
    }
}
