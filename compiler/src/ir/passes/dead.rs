//! Removes what is not needed: pure instructions without readers, blocks nobody goes to, jumps to
//! jumps; joins blocks that always follow each other.

use crate::ir::bitset::BitSet;
use crate::ir::census::Census;
use crate::ir::liveness::Liveness;
use crate::ir::roles::{Signatures, is_pure};
use crate::ir::{Block, BlockId, Func, Inst, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::well_known;

/// How far before a `cast` the value may have been made.
const MADE_BEFORE: usize = 4;

/// Runs the pass on one function.
pub fn run(func: &mut Func, sigs: &Signatures, census: &mut Census) {
    instructions(func, sigs, census);
    if func.blocks.len() == 1 {
        return;
    }
    thread_jumps(func, census);
    let mut seen = reachable(func);
    join_blocks(func, &mut seen);
    remove_unreachable(func, &seen, sigs, census);
}

fn instructions(func: &mut Func, sigs: &Signatures, census: &mut Census) {
    // A `cast` to what is known does not count as a reader.
    let mut proven = Vec::new();
    for block in &func.blocks {
        for (i, inst) in block.insts.iter().enumerate() {
            if inst.op == Op::Cast && is_proven(&block.insts, i) {
                census.remove_use(inst.regs[0]);
                proven.push(inst.regs[0]);
            }
        }
    }
    while unused(func, sigs, census, &mut proven) {}
    for reg in proven {
        census.add_use(reg);
    }
}

/// Removes what is not read; `proven` has the registers of the `cast`s that do not count, and in
/// the end of those that are left. Tells whether more can go.
fn unused(func: &mut Func, sigs: &Signatures, census: &mut Census, proven: &mut Vec<VReg>) -> bool {
    let mut again = false;
    let mut unread = Vec::new();
    // Written by what has been looked at, and stays unless its last reader goes later on.
    let mut kept = BitSet::new(func.regs.len());
    // Backward, so that what only an unread instruction reads is found unread in its turn.
    for block in func.blocks.iter_mut().rev() {
        for (i, inst) in block.insts.iter().enumerate().rev() {
            if inst.op == Op::Cast && is_proven(&block.insts, i) {
                let reg = inst.regs[0];
                kept.insert(reg.0);
                if census.uses(reg) == 0 {
                    unread.push(i);
                    if let Some(at) = proven.iter().position(|&r| r == reg) {
                        proven.swap_remove(at);
                    }
                    census.add_use(reg);
                    census.uncount(inst, sigs);
                }
                continue;
            }
            let Some(out) = sigs.out(inst).filter(|_| is_pure(inst.op)) else {
                continue;
            };
            if census.uses(out) != 0 {
                kept.insert(out.0);
                continue;
            }
            unread.push(i);
            census.uncount(inst, sigs);
            let reads = sigs.reads(inst).iter();
            again |= reads
                .copied()
                .any(|reg| census.uses(reg) == 0 && kept.contains(reg.0));
        }
        if unread.is_empty() {
            continue;
        }
        remove(&mut block.insts, &mut unread);
    }
    again
}

/// Removes the instructions with these numbers, which come from the last to the first.
fn remove(insts: &mut Vec<Inst>, gone: &mut Vec<usize>) {
    if gone.is_empty() {
        return;
    }
    let mut at = 0;
    insts.retain(|_| {
        let goes = gone.last() == Some(&at);
        if goes {
            gone.pop();
        }
        at += 1;
        !goes
    });
}

/// Removes pure instructions whose result is written over, or not read any more, on all ways.
pub fn unread(func: &mut Func, sigs: &Signatures, census: &mut Census) {
    census.recount(func, sigs);
    // What is written once is read wherever it is live, or has gone already.
    let may_go = func.blocks.iter().any(|block| {
        let mut insts = block.insts.iter().enumerate();
        insts.any(|(i, inst)| match sigs.out(inst) {
            Some(reg) => !census.is_single(reg) && is_pure(inst.op) || census.uses(reg) == 0,
            None => inst.op == Op::Cast && is_proven(&block.insts, i),
        })
    });
    if !may_go {
        return;
    }
    // What only a `cast` that goes has read goes in another round.
    while unread_once(func, sigs) {}
}

/// One round; tells whether a `cast` has gone.
fn unread_once(func: &mut Func, sigs: &Signatures) -> bool {
    let mut casts = false;
    let live = Liveness::of(func, sigs, &|_| None);
    let mut now = BitSet::new(func.regs.len());
    let mut goes = Vec::new();
    for b in 0..func.blocks.len() {
        let insts = &func.blocks[b].insts;
        if !insts.iter().any(|i| i.op == Op::Cast || is_pure(i.op)) {
            continue;
        }
        now.clear();
        goes.clear();
        let id = BlockId(b as u32);
        live.walk(func, sigs, &|_| None, id, &mut now, |i, inst, after| {
            let out = sigs.out(inst);
            if is_pure(inst.op) && out.is_some_and(|reg| !after.contains(reg.0)) {
                goes.push(i);
            } else if inst.op == Op::Cast
                && !after.contains(inst.regs[0].0)
                && is_proven(&func.blocks[b].insts, i)
            {
                casts = true;
                goes.push(i);
            }
        });
        remove(&mut func.blocks[b].insts, &mut goes);
    }
    casts
}

/// Is instruction `i` a `cast` to what the one that has just made the value says already?
fn is_proven(insts: &[Inst], i: usize) -> bool {
    let inst = &insts[i];
    if inst.op != Op::Cast {
        return false;
    }
    let mut reg = inst.regs[0];
    for made in insts[..i].iter().rev().take(MADE_BEFORE) {
        if made.regs.first() != Some(&reg) {
            continue;
        }
        let ty = match made.op {
            Op::BoxInt => well_known::INT,
            Op::BoxFloat => well_known::FLOAT,
            Op::BoxBool => well_known::BOOL,
            Op::New => made.imms[0],
            // Nothing but null is cast to Null.
            Op::Const if inst.imms[0] == well_known::NULL => well_known::NULL,
            Op::Move | Op::Lend => {
                reg = made.regs[1];
                continue;
            }
            _ => return false,
        };
        return ty == inst.imms[0];
    }
    false
}

/// Where a jump to `b` ends up: through blocks that only jump on.
fn final_target(func: &Func, b: BlockId) -> BlockId {
    let mut at = b;
    for _ in 0..func.blocks.len() {
        let block = &func.blocks[at.0 as usize];
        match block.term {
            Term::Jump(next) if block.insts.is_empty() && next != at => at = next,
            _ => break,
        }
    }
    at
}

fn thread_jumps(func: &mut Func, census: &mut Census) {
    let jumps = |block: &Block| block.insts.is_empty() && matches!(block.term, Term::Jump(_));
    let ends: Option<Vec<BlockId>> = func.blocks.iter().any(jumps).then(|| {
        let all = (0..func.blocks.len() as u32).map(BlockId);
        all.map(|b| final_target(func, b)).collect()
    });
    for block in &mut func.blocks {
        if let Some(ends) = &ends {
            let to_end = |t: &mut BlockId| *t = ends[t.0 as usize];
            block.term.for_each_target_mut(to_end);
        }
        if let Term::Branch {
            then, otherwise, ..
        } = block.term
            && then == otherwise
        {
            census.uncount_term(&block.term);
            block.term = Term::Jump(then);
        }
    }
}

/// How many ways lead to each block from the reachable ones.
fn predecessors(func: &Func, reachable: &[bool]) -> Vec<u32> {
    let mut preds = vec![0; func.blocks.len()];
    preds[0] = 1;
    for (block, _) in func.blocks.iter().zip(reachable).filter(|(_, r)| **r) {
        block.term.for_each_target(|t| preds[t.0 as usize] += 1);
        if let Some(h) = block.handler {
            // Never joined to what comes before.
            preds[h.block.0 as usize] += 2;
            if let Some(outer) = h.catch.flatten() {
                preds[outer.0 as usize] += 2;
            }
        }
    }
    preds
}

/// Joins blocks that always follow each other; the second is not `reachable` any more.
fn join_blocks(func: &mut Func, reachable: &mut [bool]) {
    let preds = predecessors(func, reachable);
    // One that nobody goes to would take away what belongs to its only reachable predecessor.
    for b in 0..func.blocks.len() {
        if !reachable[b] {
            continue;
        }
        while let Term::Jump(next) = func.blocks[b].term {
            let n = next.0 as usize;
            if n == b || preds[n] != 1 || func.blocks[n].handler != func.blocks[b].handler {
                break;
            }
            let span = func.blocks[n].span;
            let empty = Block {
                insts: Vec::new(),
                term: Term::Unreachable,
                span,
                handler: None,
            };
            let tail = std::mem::replace(&mut func.blocks[n], empty);
            reachable[n] = false;
            let block = &mut func.blocks[b];
            block.insts.extend(tail.insts);
            block.term = tail.term;
            block.span = tail.span;
        }
    }
}

fn reachable(func: &Func) -> Vec<bool> {
    let mut seen = vec![false; func.blocks.len()];
    let mut todo = vec![BlockId(0)];
    while let Some(b) = todo.pop() {
        if std::mem::replace(&mut seen[b.0 as usize], true) {
            continue;
        }
        let block = &func.blocks[b.0 as usize];
        block.term.for_each_target(|t| todo.push(t));
        if let Some(h) = block.handler {
            todo.push(h.block);
            todo.extend(h.catch.flatten());
        }
    }
    seen
}

/// Removes the blocks that were not `seen` and renumbers the rest.
fn remove_unreachable(func: &mut Func, seen: &[bool], sigs: &Signatures, census: &mut Census) {
    if seen.iter().all(|&s| s) {
        return;
    }
    let mut number = vec![BlockId(0); func.blocks.len()];
    let mut next = 0;
    for (b, &s) in seen.iter().enumerate() {
        if s {
            number[b] = BlockId(next);
            next += 1;
        }
    }
    let mut at = 0;
    func.blocks.retain(|block| {
        at += 1;
        if !seen[at - 1] {
            census.uncount_block(block, sigs);
        }
        seen[at - 1]
    });
    for block in &mut func.blocks {
        block
            .term
            .for_each_target_mut(|t| *t = number[t.0 as usize]);
        if let Some(h) = &mut block.handler {
            h.block = number[h.block.0 as usize];
            if let Some(Some(outer)) = &mut h.catch {
                *outer = number[outer.0 as usize];
            }
        }
    }
}
