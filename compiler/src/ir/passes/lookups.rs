//! `map.has`, then `map.get` or a value instead: one `map.getor`.

use crate::ir::census::Census;
use crate::ir::{BlockId, Cond, Func, Inst, Term, VReg};
use lumen_bytecode::code::Op;

/// Whether the pass could find anything in the function.
#[must_use]
pub fn may_have(func: &Func) -> bool {
    let asks = |term: &Term| {
        matches!(
            term,
            Term::Branch {
                cond: Cond::Bool(_),
                ..
            }
        )
    };
    let has = |insts: &[Inst]| insts.last().is_some_and(|i| i.op == Op::MapHas);
    func.blocks.iter().any(|b| asks(&b.term) && has(&b.insts))
}

/// Runs the pass on one function.
pub fn run(func: &mut Func, census: &Census) {
    let mut entries = vec![0u32; func.blocks.len()];
    for block in &func.blocks {
        block.term.for_each_target(|t| entries[t.0 as usize] += 1);
    }
    for b in 0..func.blocks.len() {
        one(func, census, &entries, b);
    }
}

/// The pattern with its test at the end of block `b`, if that is one.
fn one(func: &mut Func, census: &Census, entries: &[u32], b: usize) {
    let block = &func.blocks[b];
    let Term::Branch {
        cond: Cond::Bool(found),
        then,
        otherwise,
    } = block.term
    else {
        return;
    };
    let Some(has) = block.insts.last().filter(|i| i.op == Op::MapHas) else {
        return;
    };
    let once = |t: BlockId| entries[t.0 as usize] == 1 && t.0 as usize != b;
    if has.regs[0] != found || !census.is_temp(found) || !once(then) || !once(otherwise) {
        return;
    }
    let (map, key) = (has.regs[1], has.regs[2]);
    let (hit, miss) = (
        &func.blocks[then.0 as usize],
        &func.blocks[otherwise.0 as usize],
    );
    let ([get], [other]) = (&hit.insts[..], &miss.insts[..]) else {
        return;
    };
    let (dst, after) = (get.regs[0], hit.term.clone());
    let same = get.op == Op::MapGet
        && get.regs[1..] == [map, key]
        && matches!(after, Term::Jump(_))
        && after == miss.term
        && hit.handler == block.handler
        && miss.handler == block.handler
        && matches!(other.op, Op::IntConst | Op::Const | Op::Move)
        && other.regs[0] == dst;
    if !same {
        return;
    }
    let span = get.span;
    let mut default = other.clone();
    let instead = match default.op {
        Op::Move => default.regs[1],
        _ => VReg(func.regs.len() as u32),
    };
    let is_new = default.op != Op::Move;
    if is_new {
        default.regs[0] = instead;
        func.regs.push(func.regs[dst.0 as usize]);
    }
    let block = &mut func.blocks[b];
    block.insts.pop();
    if is_new {
        block.insts.push(default);
    }
    let regs = vec![dst, map, key, instead];
    block.insts.push(Inst::new(Op::MapGetOr, regs, span));
    block.term = after;
}
