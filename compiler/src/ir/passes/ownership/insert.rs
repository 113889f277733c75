//! Inserts `dup` and `drop`, from liveness and classes.

use std::ops::Range;

use super::Class;
use super::borrow::owner_of;
use crate::ir::bitset::BitSet;
use crate::ir::liveness::Liveness;
use crate::ir::roles::Signatures;
use crate::ir::{Block, BlockId, Func, Inst, RegInfo, Term, VReg};
use crate::source::Span;
use crate::syntax::Symbol;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::well_known;
use lumen_bytecode::operand::Role;
use smallvec::SmallVec;

/// Rewrites `func` so that each owned word is consumed once on every path; `live` is what is live
/// with these classes. Gives the classes of all registers, temporaries included.
#[must_use]
pub fn insert(
    func: &mut Func,
    sigs: &Signatures,
    classes: Vec<Class>,
    live: &Liveness,
) -> Vec<Class> {
    let mut owned = BitSet::new(func.regs.len());
    let mut nulls = false;
    for (reg, class) in (0..).zip(&classes) {
        if *class == Class::Owned {
            owned.insert(reg);
            nulls |= func.regs[reg as usize].ty == well_known::NULL;
        }
    }
    let mut writer = Writer {
        sigs,
        live,
        regs: std::mem::take(&mut func.regs),
        classes,
        owned,
        now: BitSet::default(),
        ends: Vec::new(),
    };
    let mut at_end = Vec::with_capacity(func.blocks.len());
    for b in 0..func.blocks.len() {
        let insts = std::mem::take(&mut func.blocks[b].insts);
        let mut term = std::mem::replace(&mut func.blocks[b].term, Term::Unreachable);
        let from = writer.ends.len();
        func.blocks[b].insts = writer.block(func, BlockId(b as u32), insts, &mut term);
        func.blocks[b].term = term;
        at_end.push(from..writer.ends.len());
    }
    func.regs = writer.regs;
    drop_on_edges(func, live, &writer.ends, &at_end);
    if nulls {
        // Null is nothing to count.
        let Func { regs, blocks, .. } = func;
        let is_null = |reg: VReg| regs[reg.0 as usize].ty == well_known::NULL;
        for block in blocks {
            block
                .insts
                .retain(|inst| inst.op != Op::Drop || !is_null(inst.regs[0]));
        }
    }
    writer.classes
}

struct Writer<'a> {
    sigs: &'a Signatures,
    live: &'a Liveness,
    regs: Vec<RegInfo>,
    classes: Vec<Class>,
    /// Owned registers; temporaries, which are never live at the end of a block, are left out.
    owned: BitSet,
    /// Live registers, while a block is rewritten.
    now: BitSet,
    /// Owned registers alive after the terminators' reads, block after block.
    ends: Vec<VReg>,
}

/// A few registers.
type Few = SmallVec<[VReg; 8]>;

impl Writer<'_> {
    fn temp(&mut self, like: VReg, class: Class) -> VReg {
        let reg = VReg(self.regs.len() as u32);
        let ty = self.regs[like.0 as usize].ty;
        let name = Symbol::NONE;
        self.regs.push(RegInfo { ty, name });
        self.classes.push(class);
        reg
    }

    fn class(&self, reg: VReg) -> Class {
        self.classes[reg.0 as usize]
    }

    fn is_owned(&self, reg: VReg) -> bool {
        self.class(reg) == Class::Owned
    }

    /// `reg` and what it borrows from.
    fn chain(&self, reg: VReg) -> impl Iterator<Item = VReg> + '_ {
        std::iter::successors(Some(reg), |&r| owner_of(&self.classes, r))
    }

    /// Rewrites one block; notes the owned registers alive after its terminator's reads.
    fn block(&mut self, func: &Func, b: BlockId, insts: Vec<Inst>, term: &mut Term) -> Vec<Inst> {
        let block = &func.blocks[b.0 as usize];
        let keep = self.live.handler_live(func, b);
        let mut now = std::mem::take(&mut self.now);
        now.reset(self.regs.len());
        for reg in self.live.live_out(b) {
            now.insert(reg.0);
        }
        // Reversed: last instruction first.
        let mut out: Vec<Inst> = Vec::with_capacity(insts.len() + insts.len() / 2 + 2);
        self.term(term, block.span, &keep, &mut now, &mut out);
        self.note_ends(term, &now);
        for inst in insts.into_iter().rev() {
            self.inst(inst, &keep, &mut now, &mut out);
        }
        if b.0 == 0 {
            for (p, &reg) in func.params.iter().enumerate() {
                if func.owned[p] && !now.contains(reg.0) && self.is_owned(reg) {
                    out.push(Inst::new(Op::Drop, [reg], func.span));
                }
            }
        }
        out.reverse();
        self.now = now;
        out
    }

    /// Notes the owned registers that are alive on the way out of the block.
    fn note_ends(&mut self, term: &Term, now: &BitSet) {
        let from = self.ends.len();
        now.for_each_common(&self.owned, |reg| self.ends.push(VReg(reg)));
        term.for_each_use(|reg, role| {
            if role == Role::Take
                && let Some(at) = self.ends[from..].iter().position(|&r| r == reg)
            {
                self.ends.remove(from + at);
            }
        });
    }

    fn term(
        &mut self,
        term: &mut Term,
        span: Span,
        keep: &[VReg],
        now: &mut BitSet,
        out: &mut Vec<Inst>,
    ) {
        let mut uses = Few::new();
        term.for_each_use(|reg, _| uses.extend(self.chain(reg)));
        for reg in uses {
            now.insert(reg.0);
        }
        let taken = match term {
            Term::Return(reg) | Term::Throw(reg) | Term::Rethrow(reg) => Some(reg),
            _ => None,
        };
        let mut before = Vec::new();
        let mut moved = None;
        if let Some(reg) = taken {
            let leaves = *reg;
            let returns = !keep.contains(&leaves);
            match self.class(leaves) {
                Class::Borrowed(_) => {
                    let temp = self.temp(leaves, Class::Owned);
                    before.push(Inst::new(Op::Dup, [temp, leaves], span));
                    *reg = temp;
                }
                Class::Owned if !returns && !matches!(term, Term::Return(_)) => {
                    let temp = self.temp(leaves, Class::Owned);
                    before.push(Inst::new(Op::Dup, [temp, leaves], span));
                    term.for_each_reg_mut(|r| *r = temp);
                }
                Class::Owned => moved = Some(leaves),
                Class::Plain => {}
            }
        }
        if matches!(term, Term::Return(_) | Term::ReturnNull) {
            // Nothing can fail any more: what only the handlers or the value returned kept alive
            // ends here.
            now.for_each_common(&self.owned, |reg| {
                if moved != Some(VReg(reg)) {
                    before.push(Inst::new(Op::Drop, [VReg(reg)], span));
                }
            });
        }
        out.extend(before.into_iter().rev());
    }

    /// Rewrites one instruction; `now` is what is live after it, and becomes what is live before.
    fn inst(&mut self, mut inst: Inst, keep: &[VReg], now: &mut BitSet, out: &mut Vec<Inst>) {
        if inst.regs.iter().all(|&r| self.class(r) == Class::Plain) {
            self.plain(inst, keep, now, out);
            return;
        }
        let reads = Few::from_slice(self.sigs.reads(&inst));
        let written = self.sigs.outs(&inst);
        let through = |reg: VReg| now.contains(reg.0) && written.is_none_or(|(w, _)| w != reg);
        let kept = |reg: VReg| keep.contains(&reg);
        let mut before = Vec::new();
        let mut after = Vec::new();
        let consumed = if inst.op != Op::Lend && self.sigs.only_reads(&inst) {
            Few::new()
        } else {
            self.takes(&mut inst, &mut before, &|r| through(r) || kept(r))
        };
        // What the instruction reads for the last time.
        let mut dying = Few::new();
        for &reg in &reads {
            for r in self.chain(reg) {
                let ends = self.is_owned(r) && !through(r) && !kept(r);
                if ends && !consumed.contains(&r) && !dying.contains(&r) {
                    dying.push(r);
                }
            }
        }
        if let Some((dst, role)) = written
            && self.is_owned(dst)
        {
            let wanted = now.contains(dst.0);
            let old_ends = dying.contains(&dst) || kept(dst);
            self.result(
                &mut inst, dst, role, wanted, old_ends, &mut dying, &mut after,
            );
        }
        after.extend(
            dying
                .into_iter()
                .map(|r| Inst::new(Op::Drop, [r], inst.span)),
        );
        out.extend(after.into_iter().rev());
        if !(inst.op == Op::Move && inst.regs[0] == inst.regs[1]) {
            out.push(inst);
        }
        out.extend(before.into_iter().rev());
        self.step(&reads, written, keep, now);
    }

    /// The same for an instruction without words.
    fn plain(&self, inst: Inst, keep: &[VReg], now: &mut BitSet, out: &mut Vec<Inst>) {
        if let Some(dst) = self.sigs.out(&inst) {
            now.remove(dst.0);
        }
        for reg in self.sigs.reads(&inst).iter().chain(keep) {
            now.insert(reg.0);
        }
        if !(inst.op == Op::Move && inst.regs[0] == inst.regs[1]) {
            out.push(inst);
        }
    }

    /// Updates liveness across an instruction.
    fn step(&self, reads: &[VReg], written: Option<(VReg, Role)>, keep: &[VReg], now: &mut BitSet) {
        if let Some((dst, _)) = written {
            now.remove(dst.0);
        }
        for &reg in reads {
            for r in self.chain(reg) {
                now.insert(r.0);
            }
        }
        for reg in keep {
            now.insert(reg.0);
        }
    }

    /// Puts a `dup` before each taking use that is not the last; gives the registers consumed.
    fn takes(
        &mut self,
        inst: &mut Inst,
        before: &mut Vec<Inst>,
        lives_on: &dyn Fn(VReg) -> bool,
    ) -> Few {
        let mut reads = Few::new();
        let mut taking: SmallVec<[(usize, VReg); 8]> = SmallVec::new();
        self.sigs.for_each(inst, |i, reg, role| match role {
            Role::Take => taking.push((i, reg)),
            Role::Use | Role::Io => reads.extend(self.chain(reg)),
            _ => {}
        });
        let mut consumed = Few::new();
        for (i, reg) in taking {
            let borrowed = matches!(self.class(reg), Class::Borrowed(_));
            if self.class(reg) == Class::Plain {
                continue;
            }
            if borrowed || lives_on(reg) || reads.contains(&reg) || consumed.contains(&reg) {
                if inst.op == Op::Move {
                    inst.op = Op::Dup;
                } else {
                    let temp = self.temp(reg, Class::Owned);
                    before.push(Inst::new(Op::Dup, [temp, reg], inst.span));
                    inst.regs[i] = temp;
                }
            } else {
                consumed.push(reg);
            }
        }
        // A copy into a register of its own: the source moves if it ends here.
        if inst.op == Op::Lend && self.is_owned(inst.regs[0]) {
            let src = inst.regs[1];
            if self.is_owned(src) && !lives_on(src) && src != inst.regs[0] {
                inst.op = Op::Move;
                consumed.push(src);
            } else {
                inst.op = Op::Dup;
            }
        }
        consumed
    }

    /// Takes care of an owned result: a borrowed one is counted, an old value goes first, an
    /// unwanted one goes at once.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one instruction's rewriting"
    )]
    fn result(
        &mut self,
        inst: &mut Inst,
        dst: VReg,
        role: Role,
        wanted: bool,
        old_ends: bool,
        dying: &mut Few,
        after: &mut Vec<Inst>,
    ) {
        let span = inst.span;
        let counted = matches!(inst.op, Op::Dup | Op::Move);
        if role == Role::Lend && !counted {
            let lent = self.temp(dst, Class::Borrowed(None));
            inst.regs[0] = lent;
            if !wanted {
                return;
            }
            let target = if old_ends {
                self.temp(dst, Class::Owned)
            } else {
                dst
            };
            after.push(Inst::new(Op::Dup, [target, lent], span));
            if old_ends {
                dying.retain(|&mut r| r != dst);
                after.push(Inst::new(Op::Drop, [dst], span));
                after.push(Inst::new(Op::Move, [dst, target], span));
            }
            return;
        }
        if old_ends {
            let target = self.temp(dst, Class::Owned);
            inst.regs[0] = target;
            if wanted {
                dying.retain(|&mut r| r != dst);
                after.push(Inst::new(Op::Drop, [dst], span));
                after.push(Inst::new(Op::Move, [dst, target], span));
            } else {
                after.push(Inst::new(Op::Drop, [target], span));
            }
        } else if !wanted {
            after.push(Inst::new(Op::Drop, [dst], span));
        }
    }
}

/// A word alive at the end of a block but not at the start of a successor ends on that edge.
fn drop_on_edges(func: &mut Func, live: &Liveness, ends: &[VReg], at_end: &[Range<usize>]) {
    if ends.is_empty() {
        return;
    }
    let mut preds = vec![0u32; func.blocks.len()];
    let mut is_handler = vec![false; func.blocks.len()];
    for block in &func.blocks {
        block.term.for_each_target(|t| preds[t.0 as usize] += 1);
        if let Some(h) = block.handler {
            is_handler[h.block.0 as usize] = true;
            if let Some(outer) = h.catch.flatten() {
                is_handler[outer.0 as usize] = true;
            }
        }
    }
    for (b, alive) in at_end.iter().enumerate() {
        let alive = &ends[alive.clone()];
        if alive.is_empty() {
            continue;
        }
        let span = func.blocks[b].span;
        let mut term = std::mem::replace(&mut func.blocks[b].term, Term::Unreachable);
        term.for_each_target_mut(|target| {
            let drops: Vec<Inst> = alive
                .iter()
                .filter(|&&reg| !live.is_live_in(*target, reg))
                .map(|&reg| Inst::new(Op::Drop, [reg], span))
                .collect();
            let t = target.0 as usize;
            if drops.is_empty() {
            } else if preds[t] == 1 && !is_handler[t] && t != 0 {
                func.blocks[t].insts.splice(0..0, drops);
            } else {
                let term = Term::Jump(*target);
                *target = BlockId(func.blocks.len() as u32);
                func.blocks.push(Block {
                    insts: drops,
                    term,
                    span,
                    handler: None,
                });
            }
        });
        func.blocks[b].term = term;
    }
}
