//! One function: its registers for locals, parameters and captures, and its ends.

use super::cleanup::Frame;
use super::code::{Code, field_get, tidy};
use super::runtime_natives::RuntimeNative;
use super::uses;
use super::{Module, Types};
use crate::hir::{self, FuncId, LocalId, Repr, Ty};
use crate::ir::{Func, Term, VReg};
use crate::syntax::token::sym;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, FailureKind, TypeDesc, TypeIx, well_known};
use smallvec::SmallVec;

/// An argument of a native of the runtime: register and parameter type.
pub(crate) type Arg = (VReg, TypeIx);

/// Registers of an instruction under construction.
pub(crate) type Operands = SmallVec<[VReg; 8]>;

/// How a function ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// With its value.
    Value,
    /// With null.
    Null,
    /// A mutator: with the new first argument.
    Changed,
    /// A mutator with a result of its own: with a tuple of this type.
    ChangedAnd(TypeIx),
    /// A generator: `ReturnNull`, rewritten when its states are made.
    Generator,
}

/// Lowers one function.
pub(crate) struct FuncBuilder<'m, 'p, 'a> {
    /// What all functions share.
    pub(crate) m: &'m mut Module<'p>,
    /// The function, whose body is elsewhere.
    pub(crate) f: &'p hir::Func,
    body: &'a hir::Expr,
    /// Its code so far.
    pub(crate) c: Code,
    locals: Vec<Option<VReg>>,
    /// What encloses the expression being lowered, from the outside in.
    pub(crate) frames: Vec<Frame<'a>>,
    pub(crate) exit: Exit,
}

/// What a mutator gives: the new first argument, alone or with its own result.
pub(crate) fn mutator_result(m: &mut Module<'_>, f: &hir::Func) -> (TypeIx, Exit) {
    let first = f
        .params
        .first()
        .map_or(Ty::NULL, |p| f.locals[p.0 as usize].ty);
    let first = m.types.of(first);
    if f.result == Ty::NULL || f.result == Ty::NEVER {
        return (first, Exit::Changed);
    }
    let own = m.types.of(f.result);
    let tuple = m.types.intern(TypeDesc::Tuple(vec![first, own]));
    (tuple, Exit::ChangedAnd(tuple))
}

/// The type of the closure objects of a function.
pub(crate) fn closure_type(m: &mut Module<'_>, id: FuncId) -> TypeIx {
    let f = m.func(id);
    let local = |l: &LocalId| f.locals[l.0 as usize].ty;
    let params: Vec<Ty> = f.params.iter().map(local).collect();
    let captures: Vec<Ty> = f.captures.iter().map(local).collect();
    let as_func = TypeDesc::Func {
        params: m.types.of_all(&params),
        result: m.types.of(f.result),
    };
    let as_func = m.types.intern(as_func);
    let captures = m.types.of_all(&captures);
    m.types.intern(TypeDesc::Closure {
        func: id.0,
        as_func,
        captures,
    })
}

/// Lowers a cell or closure.
pub(crate) fn lower(m: &mut Module<'_>, id: FuncId, body: &hir::Expr) -> Func {
    let f = m.func(id);
    let (result, exit) = if f.mutator {
        mutator_result(m, f)
    } else {
        let exit = if f.result == Ty::NULL {
            Exit::Null
        } else {
            Exit::Value
        };
        (m.types.of(f.result), exit)
    };
    let is_closure = f.kind == hir::FuncKind::Closure;
    let closure = is_closure.then(|| closure_type(m, id));
    let mut b = FuncBuilder::new(m, f, body, exit);
    let params: Vec<VReg> = f.params.iter().map(|&p| b.local(p)).collect();
    let closure = closure.map(|ty| {
        let object = b.c.named(ty, sym::CLOSURE);
        b.load_captures(object);
        (object, ty)
    });
    b.body();
    let (regs, blocks, order) = b.c.into_blocks();
    let mut func = Func {
        name: f.name.clone(),
        params,
        closure,
        result,
        regs,
        blocks,
        inline: f.inline,
        owned: Vec::new(),
        inlined: Vec::new(),
        escapes: is_closure,
        span: f.span,
    };
    tidy(&mut func, &order);
    func
}

impl<'m, 'p, 'a> FuncBuilder<'m, 'p, 'a> {
    /// A builder in the function's entry block.
    pub(crate) fn new(
        m: &'m mut Module<'p>,
        f: &'p hir::Func,
        body: &'a hir::Expr,
        exit: Exit,
    ) -> Self {
        FuncBuilder {
            m,
            f,
            body,
            c: Code::new(f.span),
            locals: vec![None; f.locals.len()],
            frames: Vec::new(),
            exit,
        }
    }

    fn load_captures(&mut self, object: VReg) {
        let f = self.f;
        for (n, &capture) in f.captures.iter().enumerate() {
            if uses::reads(self.body, capture) {
                let dst = self.local(capture);
                let repr = self.repr(dst);
                self.c.op1(field_get(repr), &[dst, object], index(n));
            }
        }
    }

    /// Lowers the body and its end.
    pub(crate) fn body(&mut self) {
        let body = self.body;
        match self.exit {
            Exit::Value | Exit::ChangedAnd(_) => {
                let value = self.value(body);
                self.finish(Some(value));
            }
            Exit::Null | Exit::Changed | Exit::Generator => {
                self.effect(body);
                self.finish(None);
            }
        }
    }

    /// Leaves the function with `value`.
    pub(crate) fn finish(&mut self, value: Option<VReg>) {
        let first = self.f.params.first().copied();
        let term = match (self.exit, value, first) {
            (Exit::Value, Some(value), _) => Term::Return(value),
            (Exit::ChangedAnd(tuple), Some(value), Some(first)) => {
                let first = self.local(first);
                let dst = self.c.reg(tuple);
                self.c.op1(Op::New, &[dst, first, value], tuple);
                Term::Return(dst)
            }
            (Exit::Changed, _, Some(first)) => Term::Return(self.local(first)),
            _ => Term::ReturnNull,
        };
        self.c.end(term);
    }

    /// The register of a local.
    pub(crate) fn local(&mut self, id: LocalId) -> VReg {
        if let Some(reg) = self.locals[id.0 as usize] {
            return reg;
        }
        let local = self.f.locals[id.0 as usize];
        let ty = self.m.types.of(local.ty);
        let reg = self.c.named(ty, local.name);
        self.locals[id.0 as usize] = Some(reg);
        reg
    }

    /// The type of a local.
    pub(crate) fn local_ty(&self, id: LocalId) -> Ty {
        self.f.locals[id.0 as usize].ty
    }

    /// A temporary for a value of this type.
    pub(crate) fn temp(&mut self, ty: Ty) -> VReg {
        let ty = self.m.types.of(ty);
        self.c.reg(ty)
    }

    /// The given register, or a temporary.
    pub(crate) fn target(&mut self, dst: Option<VReg>, ty: Ty) -> VReg {
        dst.unwrap_or_else(|| self.temp(ty))
    }

    /// How a register is represented.
    pub(crate) fn repr(&self, reg: VReg) -> Repr {
        self.m.types.repr(self.c.type_of(reg))
    }

    /// How values of a type are represented.
    pub(crate) fn repr_of(&self, ty: Ty) -> Repr {
        self.m.hir.types.repr(ty)
    }

    /// `dst := src`.
    pub(crate) fn copy(&mut self, dst: VReg, src: VReg) {
        if dst != src {
            self.c.op(Op::Move, &[dst, src]);
        }
    }

    /// A register of its own with the value of `src`, a variable that may change.
    pub(crate) fn snapshot(&mut self, src: VReg) -> VReg {
        let dst = self.c.reg(self.c.type_of(src));
        self.c.op(Op::Lend, &[dst, src]);
        dst
    }

    /// An Int.
    pub(crate) fn int(&mut self, value: i64) -> VReg {
        let dst = self.c.reg(well_known::INT);
        self.int_into(dst, value);
        dst
    }

    /// `dst := value` for an Int or Bool register.
    pub(crate) fn int_into(&mut self, dst: VReg, value: i64) {
        match i32::try_from(value) {
            Ok(small) => self.c.op1(Op::IntConst, &[dst], small as u32),
            Err(_) => {
                let k = self.m.constant(Constant::Int(value));
                self.c.op1(Op::Const, &[dst], k);
            }
        }
    }

    /// A Bool.
    pub(crate) fn bool(&mut self, value: bool) -> VReg {
        let dst = self.c.reg(well_known::BOOL);
        self.int_into(dst, i64::from(value));
        dst
    }

    /// A constant in a new register.
    pub(crate) fn constant(&mut self, constant: Constant, ty: TypeIx) -> VReg {
        let dst = self.c.reg(ty);
        let k = self.m.constant(constant);
        self.c.op1(Op::Const, &[dst], k);
        dst
    }

    /// The word null.
    pub(crate) fn null(&mut self) -> VReg {
        self.constant(Constant::Null, well_known::NULL)
    }

    /// `dst := null`.
    pub(crate) fn null_into(&mut self, dst: VReg) {
        let k = self.m.constant(Constant::Null);
        self.c.op1(Op::Const, &[dst], k);
    }

    /// A String constant.
    pub(crate) fn text(&mut self, text: &str) -> VReg {
        let dst = self.c.reg(well_known::STRING);
        self.text_into(dst, text);
        dst
    }

    /// `dst := text`.
    pub(crate) fn text_into(&mut self, dst: VReg, text: &str) {
        let k = self.m.text(text);
        self.c.op1(Op::Const, &[dst], k);
    }

    /// Fails with a constant message.
    pub(crate) fn fail(&mut self, kind: FailureKind, message: &str) {
        let k = self.m.text(message);
        self.c.end(Term::Fail(kind, k));
    }

    /// A register as an argument of its declared type; a closure as its function type.
    pub(crate) fn arg(&self, reg: VReg) -> Arg {
        let ty = self.c.type_of(reg);
        match self.m.types.descs[ty as usize] {
            TypeDesc::Closure { as_func, .. } => (reg, as_func),
            _ => (reg, ty),
        }
    }

    /// A register as an argument of this type.
    pub(crate) fn arg_as(&mut self, reg: VReg, ty: Ty) -> Arg {
        (reg, self.m.types.of(ty))
    }

    /// Calls a native of the runtime.
    pub(crate) fn runtime(
        &mut self,
        native: RuntimeNative,
        type_args: &[TypeIx],
        args: &[Arg],
        result: TypeIx,
    ) -> VReg {
        let dst = self.c.reg(result);
        self.runtime_into(native, type_args, args, dst);
        dst
    }

    /// Calls a native of the runtime for its result in `dst`.
    pub(crate) fn runtime_into(
        &mut self,
        native: RuntimeNative,
        type_args: &[TypeIx],
        args: &[Arg],
        dst: VReg,
    ) {
        let (mut regs, mut params) = (Operands::new(), Types::new());
        regs.push(dst);
        for &(reg, ty) in args {
            regs.push(reg);
            params.push(ty);
        }
        let result = self.c.type_of(dst);
        let import = self.m.runtime(native, type_args, &params, result);
        self.c.op1(Op::CallNative, &regs, import);
        if result == well_known::NEVER {
            self.c.end(Term::Unreachable);
        }
    }

    /// Calls a native of the runtime for its effect.
    pub(crate) fn runtime_effect(
        &mut self,
        native: RuntimeNative,
        type_args: &[TypeIx],
        args: &[Arg],
    ) {
        self.runtime(native, type_args, args, well_known::NULL);
    }
}

/// A number as an immediate.
pub(crate) fn index(n: usize) -> u32 {
    u32::try_from(n).expect("fewer than 2^32 parts")
}
