//! Which parameters a function takes over.

use super::is_word;
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

/// A borrowed parameter (or closure register) that the function changes gets a register of its
/// own, filled at entry; ownership then counts there.
pub fn copy_changed_params(func: &mut Func, sigs: &Signatures, types: &[TypeDesc]) {
    for p in 0..func.params.len() {
        let reg = func.params[p];
        let ty = func.regs[reg.0 as usize].ty;
        if func.owned[p] || !is_word(types, ty) || !is_changed(func, sigs, reg) {
            continue;
        }
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
pub fn copy_changed_elements(func: &mut Func, sigs: &Signatures, types: &[TypeDesc]) {
    for b in 0..func.blocks.len() {
        let Term::ForList { dst, body, .. } = func.blocks[b].term else {
            continue;
        };
        let ty = func.regs[dst.0 as usize].ty;
        if !is_word(types, ty) || !is_changed(func, sigs, dst) {
            continue;
        }
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

fn is_changed(func: &Func, sigs: &Signatures, reg: VReg) -> bool {
    let elements = func
        .blocks
        .iter()
        .filter(|block| matches!(block.term, Term::ForList { dst, .. } if dst == reg));
    let elsewhere = func.params.contains(&reg);
    if elements.count() > usize::from(!elsewhere) {
        return true;
    }
    func.blocks.iter().any(|block| {
        let mut found = false;
        for inst in &block.insts {
            if matches!(inst.op, Op::Cast | Op::Widen) {
                continue;
            }
            sigs.for_each(inst, |_, r, role| {
                found |= r == reg && matches!(role, Role::Io | Role::Out | Role::Lend);
            });
        }
        found
    })
}
