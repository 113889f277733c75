//! Constants into instructions: folding, immediate forms, branches that are decided.

use super::thread::compare;
use crate::emit::flow::is_subtype;
use crate::ir::census::Census;
use crate::ir::regmap::RegMap;
use crate::ir::roles::Signatures;
use crate::ir::{Cmp, Cond, Func, Inst, RegInfo, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, TypeDesc, TypeIx, well_known};
use lumen_bytecode::operand::Role;

/// How many of the latest constants are looked through for one to use again.
const RECENT: usize = 16;

/// Known values; the room for them is used again for the next function.
#[derive(Debug, Default)]
pub struct Known {
    /// Ints of registers written once.
    ints: RegMap<i64>,
    /// Floats of registers written once.
    floats: RegMap<f64>,
    /// Types of registers written once, with null or a new object.
    types: RegMap<TypeIx>,
    /// Ints of other registers, at the current place in the current block.
    here: RegMap<i64>,
    /// Whether more has become known in this round.
    more: bool,
}

impl Known {
    /// Nothing is known yet of so many registers.
    fn reset(&mut self, regs: usize) {
        self.ints.reset(regs);
        self.floats.reset(regs);
        self.types.reset(regs);
        self.here.reset(regs);
    }

    fn int(&self, reg: VReg) -> Option<i64> {
        self.ints.get(reg).or_else(|| self.here.get(reg))
    }
}

/// Runs the pass on one function; tells whether a constant is read less often than before.
pub fn run(
    func: &mut Func,
    sigs: &Signatures,
    constants: &mut Vec<Constant>,
    types: &[TypeDesc],
    census: &mut Census,
    known: &mut Known,
) -> bool {
    let mut changed = false;
    known.reset(func.regs.len());
    for block in &func.blocks {
        for inst in &block.insts {
            if !matches!(inst.op, Op::IntConst | Op::Const | Op::New) {
                continue;
            }
            let dst = inst.regs[0];
            if !census.is_single(dst) {
                continue;
            }
            match literal(inst, constants) {
                Some(Literal::Int(value)) => known.ints.insert(dst, value),
                Some(Literal::Float(value)) => known.floats.insert(dst, value),
                None => {
                    if let Some(ty) = made_type(inst, constants) {
                        known.types.insert(dst, ty);
                    }
                }
            }
        }
    }
    // Folding may make more known; a second round catches chains, the rest is not worth it.
    for _ in 0..2 {
        known.more = false;
        for block in &mut func.blocks {
            known.here.clear();
            for inst in &mut block.insts {
                if may_fold(inst.op) {
                    let op = inst.op;
                    census.uncount_reads(inst, sigs);
                    fold(inst, known, census);
                    fold_float(inst, known, census, constants);
                    census.count_reads(inst, sigs);
                    changed |= inst.op != op;
                }
                write(inst, sigs, known, census, constants);
            }
            if matches!(block.term, Term::Branch { .. }) {
                let int = |term: &Term| match term {
                    Term::Branch { cond, .. } => matches!(cond, Cond::Int(..)),
                    _ => false,
                };
                let before = int(&block.term);
                census.uncount_term(&block.term);
                fold_term(&mut block.term, known);
                fold_test(&mut block.term, known, &func.regs, types);
                census.count_term(&block.term);
                changed |= before && !int(&block.term);
            }
        }
        if !known.more {
            break;
        }
    }
    changed
}

/// Whether instructions with this op may become others.
fn may_fold(op: Op) -> bool {
    (Op::IntAdd as u16..=Op::FloatLe as u16).contains(&(op as u16)) || op == Op::IntToFloat
}

/// Keeps `known.here` true across `inst`.
fn write(
    inst: &Inst,
    sigs: &Signatures,
    known: &mut Known,
    census: &Census,
    constants: &[Constant],
) {
    if !known.here.is_untouched() {
        if let Some(reg) = sigs.out(inst) {
            known.here.remove(reg);
        }
        if sigs.changes(inst) {
            sigs.for_each(inst, |_, reg, role| {
                if role == Role::Io {
                    known.here.remove(reg);
                }
            });
        }
    }
    if let Some(Literal::Int(value)) = literal(inst, constants)
        && !census.is_single(inst.regs[0])
    {
        known.here.insert(inst.regs[0], value);
    }
}

/// The type of what `inst` makes, if that says more than its register's.
fn made_type(inst: &Inst, constants: &[Constant]) -> Option<TypeIx> {
    match inst.op {
        Op::Const if constants[inst.imms[0] as usize] == Constant::Null => Some(well_known::NULL),
        Op::New => Some(inst.imms[0]),
        _ => None,
    }
}

/// Decides a test of a register's type whose outcome its own type says (after inlining), or that
/// of the only value it has (such as the failure of a cleanup that cannot fail).
fn fold_test(term: &mut Term, known: &Known, regs: &[RegInfo], types: &[TypeDesc]) {
    let Term::Branch {
        cond,
        then,
        otherwise,
    } = term
    else {
        return;
    };
    let (reg, tested) = match *cond {
        Cond::Type(reg, ty) => (reg, ty),
        Cond::Null(reg) => (reg, well_known::NULL),
        _ => return,
    };
    let made = known.types.get(reg);
    let own = made.unwrap_or(regs[reg.0 as usize].ty);
    if is_subtype(types, own, tested) {
        *term = Term::Jump(*then);
    } else if own == well_known::NULL
        || is_one(&types[own as usize]) && is_one(&types[tested as usize])
    {
        *term = Term::Jump(*otherwise);
    }
}

/// Whether all values of this type have the same type at run time, and no other type has them.
fn is_one(ty: &TypeDesc) -> bool {
    matches!(
        ty,
        TypeDesc::Null
            | TypeDesc::Int
            | TypeDesc::Float
            | TypeDesc::Bool
            | TypeDesc::String
            | TypeDesc::Bytes
            | TypeDesc::Record { .. }
            | TypeDesc::Variant { .. }
            | TypeDesc::Error
    )
}

/// A number that is known.
#[derive(Clone, Copy)]
enum Literal {
    Int(i64),
    Float(f64),
}

/// The number that `inst` puts into its register, if it is a constant.
fn literal(inst: &Inst, constants: &[Constant]) -> Option<Literal> {
    match inst.op {
        Op::IntConst => Some(Literal::Int(i64::from(inst.imms[0] as i32))),
        Op::Const => match constants[inst.imms[0] as usize] {
            Constant::Int(i) => Some(Literal::Int(i)),
            Constant::Float(bits) => Some(Literal::Float(f64::from_bits(bits))),
            _ => None,
        },
        _ => None,
    }
}

fn fold(inst: &mut Inst, known: &mut Known, census: &Census) {
    let value = |i: usize| inst.regs.get(i).and_then(|&r| known.int(r));
    if let Some(result) = evaluate(inst, value(1), value(2)) {
        if let Ok(small) = i32::try_from(result) {
            let dst = inst.regs[0];
            *inst = Inst::imm(Op::IntConst, [dst], small as u32, inst.span);
            if census.is_single(dst) {
                known.ints.insert(dst, result);
                known.more = true;
            }
        }
        return;
    }
    if let Some((op, reg, imm)) = immediate(inst, value(1), value(2)) {
        let dst = inst.regs[0];
        *inst = Inst::imm(op, [dst, reg], i32::from(imm) as u32, inst.span);
    }
}

/// Arithmetic on Floats that are known, which gives the same here as when the program runs.
fn fold_float(inst: &mut Inst, known: &mut Known, census: &Census, constants: &mut Vec<Constant>) {
    let float = |i: usize| inst.regs.get(i).and_then(|&r| known.floats.get(r));
    let result = match inst.op {
        Op::FloatAdd => float(1).zip(float(2)).map(|(a, b)| a + b),
        Op::FloatSub => float(1).zip(float(2)).map(|(a, b)| a - b),
        Op::FloatMul => float(1).zip(float(2)).map(|(a, b)| a * b),
        Op::FloatDiv => float(1).zip(float(2)).map(|(a, b)| a / b),
        Op::FloatNeg => float(1).map(|a| -a),
        Op::IntToFloat => known.int(inst.regs[1]).map(|a| a as f64),
        _ => None,
    };
    // What bits a NaN has is left to the machine.
    let Some(result) = result.filter(|r| !r.is_nan()) else {
        return;
    };
    let constant = Constant::Float(result.to_bits());
    let recent = constants.len().saturating_sub(RECENT);
    let found = constants[recent..].iter().position(|c| *c == constant);
    let k = found.map_or_else(
        || {
            constants.push(constant);
            constants.len() - 1
        },
        |i| recent + i,
    );
    let dst = inst.regs[0];
    *inst = Inst::imm(Op::Const, [dst], k as u32, inst.span);
    if census.is_single(dst) {
        known.floats.insert(dst, result);
        known.more = true;
    }
}

/// The result of an operation that cannot fail on these operands.
fn evaluate(inst: &Inst, a: Option<i64>, b: Option<i64>) -> Option<i64> {
    let imm = i64::from(inst.imms[0] as i32);
    let a = a?;
    match inst.op {
        Op::IntAddI => a.checked_add(imm),
        Op::IntMulI => a.checked_mul(imm),
        Op::IntNeg => a.checked_neg(),
        Op::IntNot => Some(!a),
        Op::IntAdd => a.checked_add(b?),
        Op::IntSub => a.checked_sub(b?),
        Op::IntMul => a.checked_mul(b?),
        Op::IntAnd => Some(a & b?),
        Op::IntOr => Some(a | b?),
        Op::IntXor => Some(a ^ b?),
        Op::IntEq => Some(i64::from(a == b?)),
        Op::IntNe => Some(i64::from(a != b?)),
        Op::IntLt => Some(i64::from(a < b?)),
        Op::IntLe => Some(i64::from(a <= b?)),
        _ => None,
    }
}

/// The immediate form: op, register operand, immediate.
fn immediate(inst: &Inst, a: Option<i64>, b: Option<i64>) -> Option<(Op, VReg, i16)> {
    let small = |v: Option<i64>| v.and_then(|v| i16::try_from(v).ok());
    let (left, right) = (small(a), small(b));
    let (x, y) = (inst.regs.get(1).copied(), inst.regs.get(2).copied());
    let shift = right.filter(|i| (0..64).contains(i));
    match inst.op {
        Op::IntAdd => right
            .map(|i| (Op::IntAddI, x, i))
            .or(left.map(|i| (Op::IntAddI, y, i))),
        Op::IntSub => right
            .and_then(i16::checked_neg)
            .map(|i| (Op::IntAddI, x, i)),
        Op::IntMul => right
            .map(|i| (Op::IntMulI, x, i))
            .or(left.map(|i| (Op::IntMulI, y, i))),
        Op::IntDiv => right
            .filter(|i| !matches!(i, 0 | -1))
            .map(|i| (Op::IntDivI, x, i)),
        Op::IntFloorDiv => right
            .filter(|i| !matches!(i, 0 | -1))
            .map(|i| (Op::IntFloorDivI, x, i)),
        Op::IntMod => right.filter(|&i| i != 0).map(|i| (Op::IntModI, x, i)),
        Op::IntAnd => right
            .map(|i| (Op::IntAndI, x, i))
            .or(left.map(|i| (Op::IntAndI, y, i))),
        Op::IntShl => shift.map(|i| (Op::IntShlI, x, i)),
        Op::IntShr => shift.map(|i| (Op::IntShrI, x, i)),
        _ => None,
    }
    .and_then(|(op, reg, i)| Some((op, reg?, i)))
}

fn fold_term(term: &mut Term, known: &Known) {
    let Term::Branch {
        cond,
        then,
        otherwise,
    } = term
    else {
        return;
    };
    let value = |r: VReg| known.int(r);
    let small = |r: VReg| value(r).and_then(|v| i16::try_from(v).ok());
    if let Cond::Int(cmp, a, b) = *cond {
        if let Some(i) = small(b) {
            *cond = Cond::IntImm(cmp, a, i);
        } else if let Some(i) = small(a) {
            *cond = Cond::IntImm(mirror(cmp), b, i);
        }
    }
    let decided = match *cond {
        Cond::Bool(a) => value(a).map(|v| v != 0),
        Cond::IntImm(cmp, a, i) => value(a).map(|v| compare(cmp, v, i64::from(i))),
        _ => None,
    };
    if let Some(holds) = decided {
        *term = Term::Jump(if holds { *then } else { *otherwise });
    }
}

fn mirror(cmp: Cmp) -> Cmp {
    match cmp {
        Cmp::Lt => Cmp::Gt,
        Cmp::Le => Cmp::Ge,
        Cmp::Gt => Cmp::Lt,
        Cmp::Ge => Cmp::Le,
        Cmp::Eq | Cmp::Ne => cmp,
    }
}
