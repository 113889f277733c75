//! Which registers are live where: backward dataflow over blocks.
//!
//! A register that a handler reads is live throughout every block that names the handler, since
//! each of its instructions may go there. A borrowed register keeps its owner alive: its uses
//! count as uses of the owner too (`owner` below; used by the ownership pass only).

use super::bitset::BitSet;
use super::roles::Signatures;
use super::{BlockId, Func, Inst, Term, VReg};
use lumen_bytecode::operand::Role;

/// Live registers at block boundaries. Registers that occur in one block only are not in the
/// block sets; walking a block (see [`Liveness::walk`]) knows them.
#[derive(Clone, Debug)]
pub struct Liveness {
    /// Dense numbers of the registers that occur in several blocks.
    dense: Vec<u32>,
    /// Back from dense numbers.
    sparse: Vec<VReg>,
    /// Per block, dense numbers live at its start.
    live_in: Vec<BitSet>,
    /// Per block, dense numbers live at its end.
    live_out: Vec<BitSet>,
}

const LOCAL: u32 = u32::MAX;

/// Calls `f` for every register of `func` that occurs in block `b`.
fn for_each_reg(func: &Func, b: usize, f: &mut impl FnMut(VReg)) {
    let block = &func.blocks[b];
    for inst in &block.insts {
        inst.regs.iter().copied().for_each(&mut *f);
    }
    block.term.for_each_use(|reg, _| f(reg));
    if let Term::ForList { dst, .. } = block.term {
        f(dst);
    }
}

impl Liveness {
    /// Computes liveness. `owner(r)` names the register that `r` borrows from, if any.
    #[must_use]
    pub fn of(func: &Func, sigs: &Signatures, owner: &dyn Fn(VReg) -> Option<VReg>) -> Self {
        let (dense, sparse) = number(func, owner);
        let n = func.blocks.len();
        let empty = BitSet::new(sparse.len());
        let mut this = Self {
            dense,
            sparse,
            live_in: vec![empty.clone(); n],
            live_out: vec![empty.clone(); n],
        };
        let (mut gens, mut kills) = (vec![empty.clone(); n], vec![empty; n]);
        for b in 0..n {
            this.summarise(func, sigs, owner, b, &mut gens[b], &mut kills[b]);
        }
        this.solve(func, &gens, &kills);
        this
    }

    fn dense(&self, reg: VReg) -> Option<u32> {
        let d = self.dense[reg.0 as usize];
        (d != LOCAL).then_some(d)
    }

    fn summarise(
        &self,
        func: &Func,
        sigs: &Signatures,
        owner: &dyn Fn(VReg) -> Option<VReg>,
        b: usize,
        gens: &mut BitSet,
        kills: &mut BitSet,
    ) {
        let block = &func.blocks[b];
        let used = |gens: &mut BitSet, reg: VReg| {
            let mut next = Some(reg);
            while let Some(r) = next {
                if let Some(d) = self.dense(r) {
                    gens.insert(d);
                }
                next = owner(r);
            }
        };
        block.term.for_each_use(|reg, _| used(gens, reg));
        for inst in block.insts.iter().rev() {
            sigs.for_each(inst, |_, reg, role| {
                if matches!(role, Role::Out | Role::Lend)
                    && let Some(d) = self.dense(reg)
                {
                    gens.remove(d);
                    kills.insert(d);
                }
            });
            sigs.for_each(inst, |_, reg, role| {
                if !matches!(role, Role::Out | Role::Lend) {
                    used(gens, reg);
                }
            });
        }
    }

    fn solve(&mut self, func: &Func, gens: &[BitSet], kills: &[BitSet]) {
        let n = func.blocks.len();
        let mut changed = true;
        while changed {
            changed = false;
            for b in (0..n).rev() {
                let block = &func.blocks[b];
                let mut out = std::mem::take(&mut self.live_out[b]);
                for t in block.term.targets() {
                    let t = t.0 as usize;
                    if let Term::ForList { dst, body, .. } = block.term
                        && body.0 as usize == t
                        && let Some(d) = self.dense(dst)
                    {
                        let had = out.contains(d);
                        out.union_with(&self.live_in[t]);
                        if !had {
                            out.remove(d);
                        }
                    } else {
                        out.union_with(&self.live_in[t]);
                    }
                }
                let mut live = out.clone();
                for d in kills[b].iter() {
                    live.remove(d);
                }
                live.union_with(&gens[b]);
                if let Some(handler) = block.handler {
                    for h in [Some(handler.block), handler.catch.flatten()]
                        .into_iter()
                        .flatten()
                    {
                        live.union_with(&self.live_in[h.0 as usize]);
                        out.union_with(&self.live_in[h.0 as usize]);
                    }
                }
                self.live_out[b] = out;
                changed |= self.live_in[b].union_with(&live);
            }
        }
    }

    /// Registers live at the start of `b`.
    pub fn live_in(&self, b: BlockId) -> impl Iterator<Item = VReg> + '_ {
        self.live_in[b.0 as usize]
            .iter()
            .map(|d| self.sparse[d as usize])
    }

    /// Is `reg` live at the start of `b`?
    #[must_use]
    pub fn is_live_in(&self, b: BlockId, reg: VReg) -> bool {
        self.dense(reg)
            .is_some_and(|d| self.live_in[b.0 as usize].contains(d))
    }

    /// Registers live at the end of `b`, that is after its terminator, on any way out (its
    /// handlers' included).
    pub fn live_out(&self, b: BlockId) -> impl Iterator<Item = VReg> + '_ {
        self.live_out[b.0 as usize]
            .iter()
            .map(|d| self.sparse[d as usize])
    }

    /// Registers that a failure in `b` finds read by its handlers.
    #[must_use]
    pub fn handler_live(&self, func: &Func, b: BlockId) -> Vec<VReg> {
        let Some(handler) = func.blocks[b.0 as usize].handler else {
            return Vec::new();
        };
        let mut regs: Vec<VReg> = self.live_in(handler.block).collect();
        if let Some(outer) = handler.catch.flatten() {
            regs.extend(self.live_in(outer));
        }
        regs.sort_unstable();
        regs.dedup();
        regs
    }

    /// Walks the instructions of `b` backward. `visit` sees each with the registers live after
    /// it; `live` must be an empty set for all registers of the function, and is left as live-in.
    pub fn walk(
        &self,
        func: &Func,
        sigs: &Signatures,
        owner: &dyn Fn(VReg) -> Option<VReg>,
        b: BlockId,
        live: &mut BitSet,
        mut visit: impl FnMut(usize, &Inst, &BitSet),
    ) {
        let block = &func.blocks[b.0 as usize];
        let keep: Vec<VReg> = self.handler_live(func, b);
        for reg in self.live_out(b) {
            live.insert(reg.0);
        }
        let used = |live: &mut BitSet, reg: VReg| {
            let mut next = Some(reg);
            while let Some(r) = next {
                live.insert(r.0);
                next = owner(r);
            }
        };
        block.term.for_each_use(|reg, _| used(live, reg));
        for (i, inst) in block.insts.iter().enumerate().rev() {
            visit(i, inst, live);
            sigs.for_each(inst, |_, reg, role| {
                if matches!(role, Role::Out | Role::Lend) {
                    live.remove(reg.0);
                }
            });
            sigs.for_each(inst, |_, reg, role| {
                if !matches!(role, Role::Out | Role::Lend) {
                    used(live, reg);
                }
            });
            for reg in &keep {
                live.insert(reg.0);
            }
        }
    }
}

/// Gives dense numbers to the registers that occur in more than one block (an owner occurs
/// wherever what it lends occurs).
fn number(func: &Func, owner: &dyn Fn(VReg) -> Option<VReg>) -> (Vec<u32>, Vec<VReg>) {
    const NONE: u32 = u32::MAX;
    const MANY: u32 = u32::MAX - 1;
    let mut home = vec![NONE; func.regs.len()];
    for &reg in func
        .params
        .iter()
        .chain(func.closure.as_ref().map(|(reg, _)| reg))
    {
        home[reg.0 as usize] = 0;
    }
    for b in 0..func.blocks.len() {
        for_each_reg(func, b, &mut |reg| {
            let mut next = Some(reg);
            while let Some(r) = next {
                let h = &mut home[r.0 as usize];
                *h = if *h == NONE || *h == b as u32 {
                    b as u32
                } else {
                    MANY
                };
                next = owner(r);
            }
        });
        // What a latch writes on its edge is live in another block.
        if let Term::ForList { dst, .. } = func.blocks[b].term {
            home[dst.0 as usize] = MANY;
        }
    }
    let (mut dense, mut sparse) = (vec![LOCAL; func.regs.len()], Vec::new());
    for (i, &h) in home.iter().enumerate() {
        if h == MANY {
            dense[i] = sparse.len() as u32;
            sparse.push(VReg(i as u32));
        }
    }
    (dense, sparse)
}
