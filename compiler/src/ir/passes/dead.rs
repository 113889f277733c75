//! Removes what is not needed: pure instructions without readers, blocks nobody goes to, jumps to
//! jumps; joins blocks that always follow each other.

use crate::ir::census::Census;
use crate::ir::roles::{Signatures, is_pure};
use crate::ir::{Block, BlockId, Func, Term};
use lumen_bytecode::operand::Role;

/// Runs the pass on one function.
pub fn run(func: &mut Func, sigs: &Signatures) {
    instructions(func, sigs);
    thread_jumps(func);
    join_blocks(func);
    remove_unreachable(func);
}

fn instructions(func: &mut Func, sigs: &Signatures) {
    let mut uses = Census::of(func, sigs).uses;
    let mut unread = Vec::new();
    loop {
        let mut removed = false;
        // Backward, so that what only an unread instruction reads is found unread in its turn.
        for block in func.blocks.iter_mut().rev() {
            for (i, inst) in block.insts.iter().enumerate().rev() {
                let needed = !is_pure(inst.op)
                    || sigs
                        .outs(inst)
                        .is_none_or(|(reg, _)| uses[reg.0 as usize] != 0);
                if needed {
                    continue;
                }
                unread.push(i);
                sigs.for_each(inst, |_, reg, role| {
                    if !matches!(role, Role::Out | Role::Lend) {
                        uses[reg.0 as usize] -= 1;
                    }
                });
            }
            if unread.is_empty() {
                continue;
            }
            removed = true;
            let mut at = 0;
            block.insts.retain(|_| {
                let gone = unread.last() == Some(&at);
                if gone {
                    unread.pop();
                }
                at += 1;
                !gone
            });
        }
        if !removed {
            return;
        }
    }
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

fn thread_jumps(func: &mut Func) {
    for b in 0..func.blocks.len() {
        let mut term = func.blocks[b].term.clone();
        term.for_each_target_mut(|t| *t = final_target(func, *t));
        if let Term::Branch {
            then, otherwise, ..
        } = term
            && then == otherwise
        {
            term = Term::Jump(then);
        }
        func.blocks[b].term = term;
    }
}

fn predecessors(func: &Func) -> Vec<u32> {
    let mut preds = vec![0; func.blocks.len()];
    preds[0] = 1;
    let reachable = reachable(func);
    for (block, _) in func.blocks.iter().zip(reachable).filter(|(_, r)| *r) {
        for t in block.term.targets() {
            preds[t.0 as usize] += 1;
        }
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

fn join_blocks(func: &mut Func) {
    let preds = predecessors(func);
    let reachable = reachable(func);
    // One that nobody goes to would take away what belongs to its only reachable predecessor.
    for b in (0..func.blocks.len()).filter(|&b| reachable[b]) {
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
        todo.extend(block.term.targets());
        if let Some(h) = block.handler {
            todo.push(h.block);
            todo.extend(h.catch.flatten());
        }
    }
    seen
}

/// Empties unreachable blocks and renumbers the rest.
fn remove_unreachable(func: &mut Func) {
    let seen = reachable(func);
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
    let blocks = std::mem::take(&mut func.blocks);
    func.blocks = blocks
        .into_iter()
        .zip(&seen)
        .filter(|(_, s)| **s)
        .map(|(b, _)| b)
        .collect();
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
