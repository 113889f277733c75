//! Which parameters a function takes over.

use super::is_word;
use crate::ir::bitset::BitSet;
use crate::ir::roles::Signatures;
use crate::ir::{Block, BlockId, Func, Inst, Program, RegInfo, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::TypeDesc;
use lumen_bytecode::operand::Role;

/// Fills in `Func::owned`: the least fixpoint of "some use of the parameter would need a
/// reference of its own". Functions used as values own nothing, so that calling through a closure
/// needs no signature.
pub fn infer(program: &mut Program) {
    for func in &mut program.funcs {
        func.owned = vec![false; func.params.len()];
    }
    let mut sigs = Signatures::of(program);
    let mut changed = true;
    while changed {
        changed = false;
        for (f, func) in program.funcs.iter().enumerate() {
            if func.escapes {
                continue;
            }
            for (p, &reg) in func.params.iter().enumerate() {
                if !sigs.owned[f][p]
                    && is_word(&program.types, func.regs[reg.0 as usize].ty)
                    && wants(func, &sigs, reg)
                {
                    sigs.owned[f][p] = true;
                    changed = true;
                }
            }
        }
    }
    for (func, owned) in program.funcs.iter_mut().zip(sigs.owned) {
        func.owned = owned;
    }
}

/// Would `reg` have to be counted if it were borrowed?
fn wants(func: &Func, sigs: &Signatures, reg: VReg) -> bool {
    func.blocks.iter().any(|block| {
        let mut found = false;
        block
            .term
            .for_each_use(|r, role| found |= r == reg && role == Role::Take);
        found || block.insts.iter().any(|inst| takes(inst, sigs, reg))
    })
}

fn takes(inst: &Inst, sigs: &Signatures, reg: VReg) -> bool {
    let mut found = false;
    sigs.for_each(inst, |_, r, role| {
        found |= r == reg && !matches!(role, Role::Use)
    });
    found
}

/// Borrowed words that the function changes get registers of their own.
pub fn copy_changed(func: &mut Func, sigs: &Signatures, types: &[TypeDesc]) {
    let word = |reg: VReg| is_word(types, func.regs[reg.0 as usize].ty);
    let mut params = func.params.iter().zip(&func.owned);
    let borrowed = params.any(|(&reg, owned)| !owned && word(reg));
    let lent = |block: &Block| matches!(block.term, Term::ForList { dst, .. } if word(dst));
    if borrowed || func.blocks.iter().any(lent) {
        let mut changes = Changes::of(func, sigs);
        copy_changed_params(func, types, &mut changes);
        copy_changed_elements(func, types, &mut changes);
    }
}

/// What writes registers.
struct Changes {
    /// Registers written by instructions.
    written: BitSet,
    /// The elements of the loops over lists.
    elements: Vec<VReg>,
}

impl Changes {
    fn of(func: &Func, sigs: &Signatures) -> Self {
        let mut written = BitSet::new(func.regs.len());
        let mut elements = Vec::new();
        for block in &func.blocks {
            for inst in &block.insts {
                if let Some(reg) = sigs.out(inst) {
                    written.insert(reg.0);
                }
                if sigs.changes(inst) && !matches!(inst.op, Op::Cast | Op::Widen) {
                    sigs.for_each(inst, |_, reg, role| {
                        if role == Role::Io {
                            written.insert(reg.0);
                        }
                    });
                }
            }
            if let Term::ForList { dst, .. } = block.term {
                elements.push(dst);
            }
        }
        Self { written, elements }
    }

    /// Is there a write of `reg` but the one that gives a parameter, or an element of one loop,
    /// its value?
    fn has(&self, func: &Func, reg: VReg) -> bool {
        let elements = self.elements.iter().filter(|&&dst| dst == reg);
        let elsewhere = func.params.contains(&reg);
        elements.count() > usize::from(!elsewhere) || self.written.contains(reg.0)
    }
}

/// A borrowed parameter (or closure register) that the function changes gets a register of its
/// own, filled at entry; ownership then counts there.
fn copy_changed_params(func: &mut Func, types: &[TypeDesc], changes: &mut Changes) {
    for p in 0..func.params.len() {
        let reg = func.params[p];
        let ty = func.regs[reg.0 as usize].ty;
        if func.owned[p] || !is_word(types, ty) || !changes.has(func, reg) {
            continue;
        }
        changes.written.insert(reg.0);
        let name = func.regs[reg.0 as usize].name;
        let incoming = VReg(func.regs.len() as u32);
        func.regs.push(RegInfo { ty, name });
        func.params[p] = incoming;
        let copy = Inst::new(Op::Lend, [reg, incoming], func.span);
        func.blocks[0].insts.insert(0, copy);
    }
}

/// A loop's element, lent by its list, that the body changes gets a register of its own, filled on
/// the way into the body (which may have a handler that reads it, and fail before it is filled).
fn copy_changed_elements(func: &mut Func, types: &[TypeDesc], changes: &mut Changes) {
    for b in 0..func.blocks.len() {
        let Term::ForList { dst, body, .. } = func.blocks[b].term else {
            continue;
        };
        let ty = func.regs[dst.0 as usize].ty;
        if !is_word(types, ty) || !changes.has(func, dst) {
            continue;
        }
        changes.written.insert(dst.0);
        let name = func.regs[dst.0 as usize].name;
        let element = VReg(func.regs.len() as u32);
        func.regs.push(RegInfo { ty, name });
        let entry = BlockId(func.blocks.len() as u32);
        if let Term::ForList { dst, body, .. } = &mut func.blocks[b].term {
            *dst = element;
            *body = entry;
        }
        func.blocks.push(Block {
            insts: vec![Inst::new(Op::Lend, [dst, element], func.span)],
            term: Term::Jump(body),
            handler: None,
            span: func.span,
        });
    }
}
