//! Which loaded words may stay borrowed.
//!
//! A candidate is a word register with a single definition, by a `lend` operand. It may stay
//! borrowed from its owner as long as, while it is live, nothing writes, updates or hands over a
//! register of its owner chain. Candidates that fail become owned (the load is followed by a
//! `dup`), which can only shorten the owner's life, so the rest is checked again until all pass.

use super::{Class, is_word};
use crate::ir::bitset::BitSet;
use crate::ir::liveness::Liveness;
use crate::ir::roles::{Signatures, lender};
use crate::ir::{BlockId, ElemRepr, Func, Inst, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{TypeDesc, well_known};
use lumen_bytecode::operand::Role;

/// Classes of all registers of `func`, and what is live where with them.
#[must_use]
pub fn classify(func: &Func, sigs: &Signatures, types: &[TypeDesc]) -> (Vec<Class>, Liveness) {
    let mut classes = candidates(func, sigs, types);
    let borrows = |c: &Class| matches!(c, Class::Borrowed(Some(_)));
    if !classes.iter().any(borrows) {
        return (classes, Liveness::of(func, sigs, &|_| None));
    }
    loop {
        let live = Liveness::of(func, sigs, &|r| owner_of(&classes, r));
        let refused = conflicts(func, sigs, &live, &classes);
        if refused.is_empty() {
            return (classes, live);
        }
        for reg in refused {
            classes[reg.0 as usize] = Class::Owned;
        }
    }
}

/// The register that `reg` borrows from.
#[must_use]
#[inline]
pub fn owner_of(classes: &[Class], reg: VReg) -> Option<VReg> {
    match classes[reg.0 as usize] {
        Class::Borrowed(owner) => owner,
        Class::Plain | Class::Owned => None,
    }
}

fn candidates(func: &Func, sigs: &Signatures, types: &[TypeDesc]) -> Vec<Class> {
    let mut definitions = vec![0u32; func.regs.len()];
    // The caller defines the parameters: what a loop lends to one is its second value.
    for &reg in &func.params {
        definitions[reg.0 as usize] = 1;
    }
    let mut lent: Vec<Option<Option<VReg>>> = vec![None; func.regs.len()];
    let (mut copies, mut taken) = (BitSet::new(func.regs.len()), BitSet::new(func.regs.len()));
    for block in &func.blocks {
        for inst in &block.insts {
            if let Some((reg, role)) = sigs.outs(inst) {
                definitions[reg.0 as usize] += 1;
                if role == Role::Lend {
                    lent[reg.0 as usize] = Some(lender(inst));
                }
            }
            if !sigs.only_reads(inst) {
                // What narrows or widens a register leaves its word, and whose it is, alone.
                let retypes = matches!(inst.op, Op::Cast | Op::Widen);
                sigs.for_each(inst, |_, reg, role| match role {
                    Role::Io if !retypes => definitions[reg.0 as usize] += 1,
                    Role::Take => _ = taken.insert(reg.0),
                    _ => {}
                });
            }
            if inst.op == Op::Lend {
                copies.insert(inst.regs[0].0);
            }
        }
        block.term.for_each_use(|reg, role| {
            if role == Role::Take {
                taken.insert(reg.0);
            }
        });
        if let Term::ForList { dst, xs, repr, .. } = block.term {
            definitions[dst.0 as usize] += 1;
            if repr == ElemRepr::Word {
                lent[dst.0 as usize] = Some(Some(xs));
            }
        }
    }
    let mut classes: Vec<Class> = func
        .regs
        .iter()
        .zip(definitions.iter().zip(&lent))
        .enumerate()
        .map(|(i, (info, (&n, lent)))| match lent {
            _ if !is_word(types, info.ty) => Class::Plain,
            // A copy that is handed on later is better moved, where its source ends here.
            Some(_) if copies.contains(i as u32) && taken.contains(i as u32) => Class::Owned,
            // A null is never dropped, so nothing would keep its register.
            Some(Some(owner)) if func.regs[owner.0 as usize].ty == well_known::NULL => Class::Owned,
            Some(owner) if n == 1 => Class::Borrowed(*owner),
            _ => Class::Owned,
        })
        .collect();
    for (p, &reg) in func.params.iter().enumerate() {
        if classes[reg.0 as usize] == Class::Owned && !func.owned[p] {
            classes[reg.0 as usize] = Class::Borrowed(None);
        }
    }
    if let Some((reg, _)) = func.closure {
        classes[reg.0 as usize] = Class::Borrowed(None);
    }
    classes
}

/// Candidates whose owner chain is touched while they are live.
fn conflicts(func: &Func, sigs: &Signatures, live: &Liveness, classes: &[Class]) -> Vec<VReg> {
    let owner = |r: VReg| owner_of(classes, r);
    let mut lenders = BitSet::new(func.regs.len());
    for class in classes {
        if let Class::Borrowed(Some(reg)) = class {
            lenders.insert(reg.0);
        }
    }
    let mut refused = BitSet::new(func.regs.len());
    let mut now = BitSet::new(func.regs.len());
    for b in 0..func.blocks.len() {
        let b = BlockId(b as u32);
        now.clear();
        term_conflicts(func, live, classes, b, &mut refused);
        live.walk(func, sigs, &owner, b, &mut now, |_, inst, after| {
            inst_conflicts(inst, sigs, classes, &lenders, after, &mut refused);
        });
    }
    refused.iter().map(VReg).collect()
}

fn inst_conflicts(
    inst: &Inst,
    sigs: &Signatures,
    classes: &[Class],
    lenders: &BitSet,
    after: &BitSet,
    refused: &mut BitSet,
) {
    if !inst.regs.iter().any(|reg| lenders.contains(reg.0)) {
        return;
    }
    let (mut writes, mut hands_over) = (Vec::new(), false);
    sigs.for_each(inst, |_, reg, role| match role {
        Role::Out | Role::Lend | Role::Io if lenders.contains(reg.0) => {
            writes.push(reg);
        }
        Role::Take if lenders.contains(reg.0) => hands_over = true,
        _ => {}
    });
    for &written in &writes {
        after.for_each(|reg| {
            if reg != written.0
                && let Some(link) = link_to(classes, VReg(reg), written)
            {
                refused.insert(link.0);
            }
        });
    }
    // Within one instruction: an operand used while its owner is updated or handed over.
    let updates_or_takes = !writes.is_empty() || hands_over;
    if updates_or_takes {
        sigs.for_each(inst, |_, reg, role| {
            if role != Role::Use {
                return;
            }
            sigs.for_each(inst, |_, other, role| {
                let touched = matches!(role, Role::Io | Role::Take);
                if touched
                    && other != reg
                    && let Some(link) = link_to(classes, reg, other)
                {
                    refused.insert(link.0);
                }
            });
        });
    }
}

/// A latch writes its element on the edge: what was borrowed from the last element must not live
/// on, and the latch's own element must not be live into itself.
fn term_conflicts(
    func: &Func,
    live: &Liveness,
    classes: &[Class],
    b: BlockId,
    refused: &mut BitSet,
) {
    if let Term::ForList {
        dst, body, exit, ..
    } = func.blocks[b.0 as usize].term
    {
        for reg in live.live_in(body).chain(live.live_in(exit)) {
            if reg != dst
                && let Some(link) = link_to(classes, reg, dst)
            {
                refused.insert(link.0);
            }
        }
    }
}

/// The register in the owner chain of `reg`, itself included, that borrows from `target`: once it
/// owns its word, what borrows from it may go on. (An element in a loop cannot come to own its
/// word, but the list it is lent by can.)
fn link_to(classes: &[Class], reg: VReg, target: VReg) -> Option<VReg> {
    let mut link = reg;
    while let Some(owner) = owner_of(classes, link) {
        if owner == target {
            return Some(link);
        }
        link = owner;
    }
    None
}
