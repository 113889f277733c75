//! Values within a block, of registers that are written more than once too: copies of Ints, Floats
//! and Bools are read at their source, what is unboxed right after it was boxed is copied, and
//! what has been computed, or stored in a list or record, is not computed or loaded again.

use super::ownership::is_word;
use crate::ir::census::Census;
use crate::ir::regmap::RegMap;
use crate::ir::roles::Signatures;
use crate::ir::{Func, Inst, RegInfo, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::TypeDesc;
use lumen_bytecode::operand::Role;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// What a register holds: the value of another one, at a time of its.
#[derive(Clone, Copy)]
struct Value {
    /// `Move` (the same), `Lend` (the same word) or a `box.*` (the box of it).
    op: Op,
    of: VReg,
    /// How often `of` had been written then.
    version: u32,
}

/// What an instruction computes: its op and operands, registers with their versions.
#[derive(PartialEq, Eq, Hash)]
struct Expression {
    op: Op,
    imms: [u32; 2],
    regs: [(VReg, u32); 3],
}

/// An operand that is not there.
const NO_REG: (VReg, u32) = (VReg(u32::MAX), 0);

/// What is known at one place of a block; the room for it is used again for the next function.
#[derive(Default)]
pub struct Here {
    versions: Vec<u32>,
    values: RegMap<Value>,
    /// Where the value of an expression is, and how many calls there had been before it.
    computed: FxHashMap<Expression, (VReg, u32, u32)>,
    calls: u32,
    /// Whether `computed` is of use in this block.
    keeps: bool,
}

impl std::fmt::Debug for Here {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Here").finish_non_exhaustive()
    }
}

/// Runs the pass on one function.
pub fn run(
    func: &mut Func,
    sigs: &Signatures,
    types: &[TypeDesc],
    census: &mut Census,
    here: &mut Here,
) {
    here.values.reset(func.regs.len());
    if here.versions.len() < func.regs.len() {
        here.versions.resize(func.regs.len(), 0);
    }
    let loads = |inst: &Inst| matches!(inst.op, Op::FieldGet | Op::FieldGetWord);
    let Func { regs, blocks, .. } = func;
    for block in blocks {
        here.values.clear();
        here.computed.clear();
        let has_loads = block.insts.iter().any(loads);
        // One that nothing comes before or after has nothing to do with another.
        let mut known = block.insts.iter().filter(|inst| is_known(inst.op));
        here.keeps = known.nth(1).is_some();
        for inst in &mut block.insts {
            here.read_sources(inst, sigs, census);
            here.unbox(inst, census);
            here.use_again(inst, regs, types, sigs, census);
            here.run(inst, sigs, regs, types);
            if inst.op == Op::New && has_loads {
                here.fields(inst, types);
            }
        }
        block.term.for_each_plain_use_mut(|reg| {
            if let Some(of) = here.current(*reg, Op::Move) {
                census.replace(*reg, of);
                *reg = of;
            }
        });
    }
}

/// Ops whose result depends on nothing but their operands, so that it can be used again; those of
/// words lend.
fn is_expression(op: Op) -> bool {
    let numbers = (Op::IntAdd as u16..=Op::FloatLe as u16).contains(&(op as u16));
    numbers
        || matches!(
            op,
            Op::IntConst
                | Op::ListLen
                | Op::ListGet
                | Op::ListGetByte
                | Op::ListGetWord
                | Op::ListGet2
                | Op::ListGetField
                | Op::FieldGet
                | Op::FieldGetWord
                | Op::MapGet
                | Op::MapHas
        )
}

/// Ops after which the value of an expression is known.
fn is_known(op: Op) -> bool {
    is_expression(op)
        || matches!(
            op,
            Op::ListSet
                | Op::ListSetByte
                | Op::ListSet2
                | Op::ListSetField
                | Op::FieldSet
                | Op::MapSet
        )
}

/// Ops with one operand at most, as quick as a move.
fn is_cheap(op: Op) -> bool {
    matches!(
        op,
        Op::IntConst | Op::IntAddI | Op::IntAndI | Op::IntShlI | Op::IntShrI | Op::IntToFloat
    )
}

/// The load that gives what the store `inst` put there, its operands, and the value.
fn loaded_again(inst: &Inst) -> Option<(Op, [u32; 2], &[VReg], VReg)> {
    let op = match inst.op {
        Op::ListSet => Op::ListGet,
        Op::ListSetByte => Op::ListGetByte,
        Op::ListSet2 => Op::ListGet2,
        Op::ListSetField => Op::ListGetField,
        Op::FieldSet => Op::FieldGet,
        Op::MapSet => Op::MapGet,
        _ => return None,
    };
    let (value, operands) = inst.regs.split_last()?;
    Some((op, inst.imms, operands, *value))
}

impl Here {
    /// Keeps everything true across `inst`.
    fn run(&mut self, inst: &Inst, sigs: &Signatures, regs: &[RegInfo], types: &[TypeDesc]) {
        let ty = |reg: VReg| regs[reg.0 as usize].ty;
        let value = match inst.op {
            Op::Move | Op::Lend => {
                let (dst, src) = (inst.regs[0], inst.regs[1]);
                if dst == src {
                    None
                } else if is_word(types, ty(dst)) {
                    Some((Op::Lend, src))
                } else {
                    (ty(dst) == ty(src)).then_some((Op::Move, src))
                }
            }
            Op::BoxInt | Op::BoxFloat | Op::BoxBool => Some((inst.op, inst.regs[1])),
            _ => None,
        };
        let boxed = matches!(inst.op, Op::Move | Op::Lend)
            .then(|| self.values.get(inst.regs[1]))
            .flatten()
            .filter(|v| !matches!(v.op, Op::Move | Op::Lend));
        let expression = (self.keeps && is_expression(inst.op))
            .then(|| self.expression(inst.op, inst.imms, &inst.regs[1..]))
            .flatten();
        self.calls += u32::from(matches!(inst.op, Op::Call | Op::CallClosure));
        if let Some(reg) = sigs.out(inst) {
            self.written(reg);
        }
        if sigs.changes(inst) && !matches!(inst.op, Op::Cast | Op::Widen) {
            sigs.for_each(inst, |_, reg, role| {
                if role == Role::Io {
                    self.written(reg);
                }
            });
        }
        if let Some(boxed) = boxed {
            self.values.insert(inst.regs[0], boxed);
        } else if let Some((op, of)) = value {
            let version = self.versions[of.0 as usize];
            self.values.insert(inst.regs[0], Value { op, of, version });
        }
        if let Some(expression) = expression {
            let at = (
                inst.regs[0],
                self.versions[inst.regs[0].0 as usize],
                self.calls,
            );
            self.computed.insert(expression, at);
        }
        if self.keeps
            && let Some((op, imms, operands, value)) = loaded_again(inst)
            && !is_word(types, ty(value))
            && let Some(expression) = self.expression(op, imms, operands)
        {
            let at = (value, self.versions[value.0 as usize], self.calls);
            self.computed.insert(expression, at);
        }
    }

    fn written(&mut self, reg: VReg) {
        self.versions[reg.0 as usize] = self.versions[reg.0 as usize].wrapping_add(1);
        self.values.remove(reg);
    }

    /// The fields of a new object are what it was made of.
    fn fields(&mut self, inst: &Inst, types: &[TypeDesc]) {
        // A closure's slot 0 is its function.
        let closure = matches!(types[inst.imms[0] as usize], TypeDesc::Closure { .. });
        for (k, &part) in inst.regs[1..].iter().enumerate() {
            let at = (part, self.versions[part.0 as usize], self.calls);
            let field = [(k + usize::from(closure)) as u32, 0];
            for op in [Op::FieldGet, Op::FieldGetWord] {
                if let Some(expression) = self.expression(op, field, &inst.regs[..1]) {
                    self.computed.insert(expression, at);
                }
            }
        }
    }

    fn expression(&self, op: Op, imms: [u32; 2], operands: &[VReg]) -> Option<Expression> {
        let mut regs = [NO_REG; 3];
        for (i, &reg) in operands.iter().enumerate() {
            let mut reg = reg;
            while let Some(of) = self.current(reg, Op::Lend) {
                reg = of;
            }
            *regs.get_mut(i)? = (reg, self.versions[reg.0 as usize]);
        }
        Some(Expression { op, imms, regs })
    }

    /// Lets `inst` copy what has been computed already.
    fn use_again(
        &self,
        inst: &mut Inst,
        regs: &[RegInfo],
        types: &[TypeDesc],
        sigs: &Signatures,
        census: &mut Census,
    ) {
        if self.computed.is_empty() || !is_expression(inst.op) {
            return;
        }
        let Some(expression) = self.expression(inst.op, inst.imms, &inst.regs[1..]) else {
            return;
        };
        let Some(&(found, version, calls)) = self.computed.get(&expression) else {
            return;
        };
        // Anew right where the next call wants it is less than kept across this one and moved.
        if calls != self.calls && is_cheap(inst.op) {
            return;
        }
        let (dst, ty) = (inst.regs[0], |reg: VReg| regs[reg.0 as usize].ty);
        if self.versions[found.0 as usize] == version && ty(dst) == ty(found) && dst != found {
            let op = if is_word(types, ty(dst)) {
                Op::Lend
            } else {
                Op::Move
            };
            census.uncount_reads(inst, sigs);
            *inst = Inst::new(op, [dst, found], inst.span);
            census.add_use(found);
        }
    }

    /// What `reg` was made of by `op`, if that has not changed since.
    #[inline]
    fn current(&self, reg: VReg, op: Op) -> Option<VReg> {
        let value = self.values.get(reg)?;
        let same = value.op == op && self.versions[value.of.0 as usize] == value.version;
        same.then_some(value.of)
    }

    /// Lets `inst` read the sources of copies. Only plain registers have entries as copies, and
    /// plain registers are never taken.
    fn read_sources(&self, inst: &mut Inst, sigs: &Signatures, census: &mut Census) {
        if self.values.is_untouched() {
            return;
        }
        let mut found: SmallVec<[(usize, VReg); 4]> = SmallVec::new();
        let mut see = |i: usize, reg: VReg| {
            if let Some(of) = self.current(reg, Op::Move) {
                found.push((i, of));
            }
        };
        if sigs.changes(inst) {
            sigs.for_each(inst, |i, reg, role| {
                if matches!(role, Role::Use | Role::Take) {
                    see(i, reg);
                }
            });
        } else {
            let reads = sigs.reads(inst);
            let first = inst.regs.len() - reads.len();
            (first..).zip(reads).for_each(|(i, &reg)| see(i, reg));
        }
        for (i, of) in found {
            census.replace(inst.regs[i], of);
            inst.regs[i] = of;
        }
    }

    /// `unbox` of what was boxed in this block.
    fn unbox(&self, inst: &mut Inst, census: &mut Census) {
        let boxed = match inst.op {
            Op::UnboxInt => Op::BoxInt,
            Op::UnboxFloat => Op::BoxFloat,
            Op::UnboxBool => Op::BoxBool,
            _ => return,
        };
        if let Some(of) = self.current(inst.regs[1], boxed) {
            census.replace(inst.regs[1], of);
            *inst = Inst::new(Op::Move, [inst.regs[0], of], inst.span);
        }
    }
}
