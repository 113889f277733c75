//! Checks of IR: what every producer promises and every consumer relies on.
//!
//! Operand counts and representations by the op table, targets that exist, handlers that begin
//! with `landing`, registers assigned on every way to where they are read.

use super::bitset::BitSet;
use super::build::repr;
use super::dump::instruction;
use super::roles::Signatures;
use super::{BlockId, Cond, Func, Inst, Program, Term, VReg};
use crate::hir::Repr;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::TypeDesc;
use lumen_bytecode::operand::{OperandKind, Role};

/// What is wrong with a program: one text per fault, naming function, block and instruction.
#[must_use]
pub fn program(program: &Program) -> Vec<String> {
    let sigs = Signatures::of(program);
    let mut faults = Vec::new();
    for (i, func) in program.funcs.iter().enumerate() {
        let mut check = Check {
            program,
            func,
            sigs: &sigs,
            place: format!("fn #{i} {}", func.name),
            faults: &mut faults,
        };
        check.run();
    }
    faults
}

struct Check<'a> {
    program: &'a Program,
    func: &'a Func,
    sigs: &'a Signatures,
    place: String,
    faults: &'a mut Vec<String>,
}

/// What a register operand has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Int,
    Float,
    Word,
    /// Int or Float.
    Plain,
    Any,
}

impl Want {
    fn accepts(self, repr: Repr) -> bool {
        match self {
            Want::Int => repr == Repr::Int,
            Want::Float => repr == Repr::Float,
            Want::Word => repr == Repr::Word,
            Want::Plain => repr != Repr::Word,
            Want::Any => true,
        }
    }
}

/// The registers of an op, as far as the op fixes them.
fn wants(op: Op) -> &'static [Want] {
    use Want::{Any, Float as F, Int as I, Plain as P, Word as W};
    match op {
        Op::Dup
        | Op::FieldGetWord
        | Op::FieldSetWord
        | Op::ListPushWord
        | Op::StrAppend
        | Op::Spawn => &[W, W],
        Op::IntConst => &[I],
        Op::Landing | Op::StrConcat | Op::New | Op::ListNew => &[W],
        Op::IntToFloat => &[F, I],
        Op::BoolNot | Op::IntNeg | Op::IntNot => &[I, I],
        Op::FloatNeg | Op::FloatSqrt | Op::FloatAbs => &[F, F],
        Op::FloatMulAdd | Op::FloatMulSub => &[F, F, F, F],
        Op::FloatEq | Op::FloatNe | Op::FloatLt | Op::FloatLe => &[I, F, F],
        Op::BoxInt | Op::BoxBool => &[W, I],
        Op::BoxFloat => &[W, F],
        Op::UnboxInt | Op::UnboxBool => &[I, W],
        Op::UnboxFloat => &[F, W],
        Op::Cast | Op::Widen => &[W],
        Op::IsType => &[I, W],
        Op::Equal | Op::Compare => &[I, W, W],
        Op::FieldGet => &[P, W],
        Op::FieldSet => &[W, P],
        Op::ListLen => &[I, W],
        Op::ListGet => &[P, W, I],
        Op::ListGetWord => &[W, W, I],
        Op::ListGetByte => &[I, W, I],
        Op::ListSet => &[W, I, P],
        Op::ListSetWord => &[W, I, W],
        Op::ListSetByte => &[W, I, I],
        Op::ListPush => &[W, P],
        Op::ListPushByte => &[W, I],
        Op::ListGet2 => &[P, W, I, I],
        Op::ListSet2 => &[W, I, I, P],
        Op::ListGetField => &[P, W, I],
        Op::ListSetField => &[W, I, P],
        Op::MapGet => &[P, W, Any],
        Op::MapGetWord => &[W, W, Any],
        Op::MapGetOr => &[P, W, Any, P],
        Op::MapSet => &[W, Any, Any],
        Op::MapHas => &[I, W, Any],
        Op::PlaceSet => &[W, Any],
        Op::StrEq => &[I, W, W],
        Op::ToStr => &[W, Any],
        Op::Await => &[Any, W],
        Op::CallClosure => &[Any, W],
        Op::CallNativeAt => &[Any, W],
        Op::IntAddI
        | Op::IntMulI
        | Op::IntDivI
        | Op::IntFloorDivI
        | Op::IntModI
        | Op::IntAndI
        | Op::IntShlI
        | Op::IntShrI => &[I, I],
        Op::FloatAdd
        | Op::FloatSub
        | Op::FloatMul
        | Op::FloatDiv
        | Op::FloatFloorDiv
        | Op::FloatMod
        | Op::FloatPow => &[F, F, F],
        _ if op.def().text.starts_with("int.") => &[I, I, I],
        _ => &[],
    }
}

impl Check<'_> {
    fn fault(&mut self, block: usize, what: &str) {
        self.faults.push(format!("{} b{block}: {what}", self.place));
    }

    fn run(&mut self) {
        let count = self.func.blocks.len();
        if count == 0 {
            return self.fault(0, "no blocks");
        }
        let mut sound = true;
        for b in 0..count {
            let block = &self.func.blocks[b];
            let mut targets = block.term.targets();
            if let Some(handler) = block.handler {
                targets.push(handler.block);
                targets.extend(handler.catch.flatten());
                self.check_handler(b, handler.block);
            }
            if targets.iter().any(|t| t.0 as usize >= count) {
                self.fault(b, "a target does not exist");
                sound = false;
            }
            for inst in &block.insts {
                self.check_inst(b, inst);
            }
            self.check_term(b, &block.term);
        }
        if sound {
            self.check_assigned();
        }
    }

    fn check_handler(&mut self, b: usize, handler: BlockId) {
        let first = self.func.blocks.get(handler.0 as usize);
        let first = first.and_then(|h| h.insts.first());
        if first.is_none_or(|i| i.op != Op::Landing) {
            self.fault(b, "its handler does not begin with landing");
        }
    }

    fn repr(&self, reg: VReg) -> Repr {
        let info = self.func.regs.get(reg.0 as usize);
        info.map_or(Repr::Word, |i| repr(&self.program.types, i.ty))
    }

    fn expect(&mut self, b: usize, reg: VReg, want: Want, what: &str) {
        if reg.0 as usize >= self.func.regs.len() {
            self.fault(b, &format!("{what}: v{} is not declared", reg.0));
        } else if !want.accepts(self.repr(reg)) {
            self.fault(
                b,
                &format!("{what}: v{} has the wrong representation", reg.0),
            );
        }
    }

    fn check_inst(&mut self, b: usize, inst: &Inst) {
        let text = instruction(self.program, self.func, inst);
        let operands = inst.op.def().operands;
        let fixed = operands.iter().filter(|o| o.role != Role::Imm).count();
        let windowed = operands.iter().any(|o| o.kind == OperandKind::Window);
        let label = |k| matches!(k, OperandKind::Label16 | OperandKind::Label32);
        if operands.iter().any(|o| label(o.kind)) || matches!(inst.op, Op::Return | Op::ReturnNull)
        {
            self.fault(b, &format!("{text}: a terminator among the instructions"));
        }
        if windowed && inst.regs.len() < fixed || !windowed && inst.regs.len() != fixed {
            self.fault(b, &format!("{text}: wrong number of registers"));
        }
        for (i, reg) in inst.regs.iter().enumerate() {
            let want = wants(inst.op).get(i).copied().unwrap_or(Want::Any);
            self.expect(b, *reg, want, &text);
        }
        self.check_call(b, inst, &text);
        self.check_io(b, inst, &text);
    }

    /// Arguments of calls have their parameters' representations.
    fn check_call(&mut self, b: usize, inst: &Inst, text: &str) {
        let program = self.program;
        let (params, result) = match inst.op {
            Op::Call => match program.funcs.get(inst.imms[0] as usize) {
                Some(f) => {
                    let ty = |p: &VReg| f.regs[p.0 as usize].ty;
                    (f.params.iter().map(ty).collect(), f.result)
                }
                None => return self.fault(b, &format!("{text}: no such function")),
            },
            Op::CallNative => match program.natives.get(inst.imms[0] as usize) {
                Some(native) => (native.params.clone(), native.result),
                None => return self.fault(b, &format!("{text}: no such native")),
            },
            Op::New => match program.types.get(inst.imms[0] as usize) {
                Some(TypeDesc::Record { fields, .. } | TypeDesc::Variant { fields, .. }) => {
                    (fields.iter().map(|f| f.ty).collect(), inst.imms[0])
                }
                Some(TypeDesc::Tuple(parts)) => (parts.clone(), inst.imms[0]),
                Some(TypeDesc::Error) => (vec![inst.imms[0]; 5], inst.imms[0]),
                Some(TypeDesc::Closure { captures, .. }) => (captures.clone(), inst.imms[0]),
                _ => return self.fault(b, &format!("{text}: nothing that can be made")),
            },
            _ => return,
        };
        let args = inst.regs.get(1..).unwrap_or_default();
        if args.len() != params.len() {
            self.fault(b, &format!("{text}: wrong number of arguments"));
        }
        let expected = inst.regs.first().map(|dst| (*dst, result));
        let expected = expected.into_iter().chain(args.iter().copied().zip(params));
        for (reg, ty) in expected {
            if self.repr(reg) != repr(&program.types, ty) {
                self.fault(b, &format!("{text}: v{} does not fit", reg.0));
            }
        }
    }

    /// No operand of an op that changes a register in place is that register.
    fn check_io(&mut self, b: usize, inst: &Inst, text: &str) {
        let mut changed = Vec::new();
        self.sigs.for_each(inst, |i, reg, role| {
            if role == Role::Io {
                changed.push((i, reg));
            }
        });
        for (at, reg) in changed {
            let again = |(i, r): (usize, &VReg)| i != at && *r == reg;
            if inst.regs.iter().enumerate().any(again) {
                self.fault(
                    b,
                    &format!("{text}: v{} is changed while it is read", reg.0),
                );
            }
        }
    }

    fn check_term(&mut self, b: usize, term: &Term) {
        let text = super::dump::terminator(self.program, term);
        let mut wants = Vec::new();
        match term {
            Term::Branch { cond, .. } => match cond {
                Cond::Bool(r) | Cond::IntImm(_, r, _) => wants.push((*r, Want::Int)),
                Cond::Int(_, x, y) => wants.extend([(*x, Want::Int), (*y, Want::Int)]),
                Cond::Float(_, x, y) => wants.extend([(*x, Want::Float), (*y, Want::Float)]),
                Cond::Null(r) | Cond::Type(r, _) => wants.push((*r, Want::Word)),
            },
            Term::SwitchTag { value, .. } => wants.push((*value, Want::Word)),
            Term::SwitchInt { value, .. } => wants.push((*value, Want::Int)),
            Term::ForInt { i, limit, .. } => wants.extend([(*i, Want::Int), (*limit, Want::Int)]),
            Term::ForList { i, xs, .. } => wants.extend([(*i, Want::Int), (*xs, Want::Word)]),
            Term::Throw(r) | Term::Rethrow(r) => wants.push((*r, Want::Word)),
            Term::Return(r) if self.repr(*r) != repr(&self.program.types, self.func.result) => {
                self.fault(b, &format!("{text}: not the function's result"));
            }
            _ => {}
        }
        for (reg, want) in wants {
            self.expect(b, reg, want, &text);
        }
    }

    /// Definite assignment, forward: what is assigned at the start of a block is what is assigned
    /// on every way there. A handler sees what was assigned before the failing instruction, without
    /// that instruction's result.
    fn check_assigned(&mut self) {
        let (func, count) = (self.func, self.func.blocks.len());
        let mut entry = BitSet::new(func.regs.len());
        let given = func.closure.iter().map(|(r, _)| r).chain(&func.params);
        given.for_each(|r| {
            entry.insert(r.0);
        });
        let mut at: Vec<Option<BitSet>> = vec![None; count];
        at[0] = Some(entry);
        let mut work = vec![0];
        while let Some(b) = work.pop() {
            let Some(start) = at[b].clone() else { continue };
            for (to, state) in self.flow(b, start, None) {
                let to = to.0 as usize;
                let changed = match &mut at[to] {
                    Some(known) => known.intersect(&state),
                    unknown => {
                        *unknown = Some(state);
                        true
                    }
                };
                if changed {
                    work.push(to);
                }
            }
        }
        for (b, start) in at.iter().enumerate() {
            if let Some(start) = start {
                let mut unset = Vec::new();
                self.flow(b, start.clone(), Some(&mut unset));
                for what in unset {
                    self.fault(b, &what);
                }
            }
        }
    }

    /// The states that block `b` gives its successors; with `unset`, what it reads unassigned.
    fn flow(
        &self,
        b: usize,
        mut state: BitSet,
        mut unset: Option<&mut Vec<String>>,
    ) -> Vec<(BlockId, BitSet)> {
        let block = &self.func.blocks[b];
        let mut failing = state.clone();
        for inst in &block.insts {
            let mut out = None;
            self.sigs.for_each(inst, |_, reg, role| {
                if matches!(role, Role::Out | Role::Lend) {
                    out = Some(reg);
                } else if let Some(unset) = &mut unset
                    && !state.contains(reg.0)
                {
                    let text = instruction(self.program, self.func, inst);
                    unset.push(format!("{text}: v{} is not assigned", reg.0));
                }
            });
            if let Some(out) = out {
                // A plain register keeps its value where the op fails.
                if inst.op.can_fail() && self.repr(out) == Repr::Word {
                    failing.remove(out.0);
                }
                state.insert(out.0);
            }
        }
        block.term.for_each_use(|reg, _| {
            if let Some(unset) = &mut unset
                && !state.contains(reg.0)
            {
                let text = super::dump::terminator(self.program, &block.term);
                unset.push(format!("{text}: v{} is not assigned", reg.0));
            }
        });
        let mut edges = Vec::new();
        if let Some(handler) = block.handler {
            edges.push((handler.block, failing.clone()));
            edges.extend(handler.catch.flatten().map(|b| (b, failing)));
        }
        for target in block.term.targets() {
            let mut state = state.clone();
            if let Term::ForList { dst, body, .. } = block.term
                && body == target
            {
                state.insert(dst.0);
            }
            edges.push((target, state));
        }
        edges
    }
}
