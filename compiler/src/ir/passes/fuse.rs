//! Two instructions into one, where the first one's result is read by the second only and nothing
//! between them changes what the first reads.

use crate::ir::census::Census;
use crate::ir::roles::Signatures;
use crate::ir::{Block, Cmp, Cond, Func, Inst, Regs, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::operand::Role;

/// How far back the first of a pair may stand.
const REACH: usize = 8;

/// Runs the pass on one function.
pub fn run(func: &mut Func, sigs: &Signatures, census: &mut Census) {
    for block in func.blocks.iter_mut().filter(|block| may_fuse(block)) {
        let insts = &mut block.insts;
        // Those before `done` stay.
        let mut done = 0;
        for i in 0..insts.len() {
            insts.swap(done, i);
            let fused = is_second(insts[done].op).then(|| pair(insts, done, census, sigs));
            match fused.flatten() {
                Some((first, fused)) => {
                    census.uncount(&insts[done], sigs);
                    census.uncount(&insts[first], sigs);
                    census.count(&fused, sigs);
                    insts[done] = fused;
                    insts[first..=done].rotate_left(1);
                }
                None => done += 1,
            }
        }
        insts.truncate(done);
        fuse_branch(&mut block.insts, &mut block.term, census, sigs);
    }
}

/// May an instruction with this op be the second of a pair?
fn is_second(op: Op) -> bool {
    matches!(op, Op::FloatAdd | Op::FloatSub | Op::ListGet | Op::FieldGet)
}

/// Is there anything that may be the second of a pair?
fn may_fuse(block: &Block) -> bool {
    let tests = |cond: &Cond| matches!(cond, Cond::Bool(_));
    matches!(&block.term, Term::Branch { cond, .. } if tests(cond))
        || block.insts.iter().any(|inst| is_second(inst.op))
}

/// The instruction that computes `reg`, a temporary, close before `end`, if nothing in between
/// touches its operands.
fn producer(
    insts: &[Inst],
    end: usize,
    reg: VReg,
    census: &Census,
    sigs: &Signatures,
) -> Option<usize> {
    if !census.is_temp(reg) {
        return None;
    }
    let at = (end.saturating_sub(REACH)..end)
        .rev()
        .find(|&k| sigs.out(&insts[k]) == Some(reg))?;
    let reads = &insts[at].regs[1..];
    let disturbed = insts[at + 1..end].iter().any(|inst| {
        let mut hit = false;
        sigs.for_each(inst, |_, r, role| {
            hit |= matches!(role, Role::Out | Role::Lend | Role::Io) && reads.contains(&r);
        });
        hit
    });
    (!disturbed).then_some(at)
}

fn pair(insts: &[Inst], i: usize, census: &Census, sigs: &Signatures) -> Option<(usize, Inst)> {
    let inst = &insts[i];
    let find =
        |reg: VReg, op: Op| producer(insts, i, reg, census, sigs).filter(|&k| insts[k].op == op);
    let dst = *inst.regs.first()?;
    let make = |k: usize, op: Op, tail: &[VReg], imm: u32| {
        let mut regs = Regs::from_slice(&[dst]);
        regs.extend_from_slice(&insts[k].regs[1..]);
        regs.extend_from_slice(tail);
        (k, Inst::imm(op, regs, imm, inst.span))
    };
    match inst.op {
        Op::FloatAdd => {
            let (a, b) = (inst.regs[1], inst.regs[2]);
            if let Some(k) = find(a, Op::FloatMul) {
                Some(make(k, Op::FloatMulAdd, &[b], 0))
            } else {
                find(b, Op::FloatMul).map(|k| make(k, Op::FloatMulAdd, &[a], 0))
            }
        }
        Op::FloatSub => {
            find(inst.regs[2], Op::FloatMul).map(|k| make(k, Op::FloatMulSub, &[inst.regs[1]], 0))
        }
        // The element's failure must not move behind another one's: only next to each other.
        Op::ListGet => find(inst.regs[1], Op::ListGetWord)
            .filter(|&k| quiet_between(insts, k, i))
            .map(|k| make(k, Op::ListGet2, &[inst.regs[2]], 0)),
        Op::FieldGet => find(inst.regs[1], Op::ListGetWord)
            .filter(|&k| quiet_between(insts, k, i))
            .map(|k| make(k, Op::ListGetField, &[], inst.imms[0])),
        _ => None,
    }
}

fn quiet_between(insts: &[Inst], first: usize, second: usize) -> bool {
    insts[first + 1..second]
        .iter()
        .all(|inst| !inst.op.can_fail())
}

/// A comparison read only by the block's branch becomes part of it.
fn fuse_branch(insts: &mut Vec<Inst>, term: &mut Term, census: &mut Census, sigs: &Signatures) {
    let Term::Branch {
        cond: cond @ Cond::Bool(_),
        ..
    } = term
    else {
        return;
    };
    let Cond::Bool(reg) = *cond else { return };
    let mut negated = false;
    let mut reg = reg;
    while let Some(k) = producer(insts, insts.len(), reg, census, sigs) {
        let (op, regs) = (insts[k].op, insts[k].regs.clone());
        let int = |cmp| Cond::Int(cmp, regs[1], regs[2]);
        let fused = match op {
            Op::BoolNot => {
                negated = !negated;
                reg = regs[1];
                census.uncount(&insts.remove(k), sigs);
                census.replace(regs[0], reg);
                *cond = Cond::Bool(reg);
                continue;
            }
            Op::IntEq => int(Cmp::Eq),
            Op::IntNe => int(Cmp::Ne),
            Op::IntLt => int(Cmp::Lt),
            Op::IntLe => int(Cmp::Le),
            Op::FloatEq => Cond::Float(Cmp::Eq, regs[1], regs[2]),
            Op::FloatNe => Cond::Float(Cmp::Ne, regs[1], regs[2]),
            Op::FloatLt => Cond::Float(Cmp::Lt, regs[1], regs[2]),
            Op::FloatLe => Cond::Float(Cmp::Le, regs[1], regs[2]),
            Op::IsType => Cond::Type(regs[1], insts[k].imms[0]),
            _ => break,
        };
        census.uncount(&insts.remove(k), sigs);
        census.remove_use(reg);
        fused.for_each_use(|reg| census.add_use(reg));
        *cond = fused;
        break;
    }
    if negated
        && let Term::Branch {
            then, otherwise, ..
        } = term
    {
        std::mem::swap(then, otherwise);
    }
}
