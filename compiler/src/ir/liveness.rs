//! Which registers are live where: backward dataflow over blocks.
//!
//! A register that a handler reads is live throughout every block that names the handler, since
//! each of its instructions may go there. A borrowed register keeps its owner alive: its uses
//! count as uses of the owner too (`owner` below; used by the ownership pass only).

use super::bitrows::BitRows;
use super::bitset::BitSet;
use super::loops::{Walk, for_each_successor};
use super::roles::Signatures;
use super::{BlockId, Func, Inst, Term, VReg};

/// Live registers at block boundaries. Registers that occur in one block only are not in the
/// block sets; walking a block (see [`Liveness::walk`]) knows them.
#[derive(Clone, Debug)]
pub struct Liveness {
    /// Dense numbers of the registers that occur in several blocks.
    dense: Vec<u32>,
    /// Back from dense numbers.
    sparse: Vec<VReg>,
    /// Per block, dense numbers live at its start.
    live_in: BitRows,
    /// Per block, dense numbers live at its end.
    live_out: BitRows,
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
    pub fn of(func: &Func, sigs: &Signatures, owner: &impl Fn(VReg) -> Option<VReg>) -> Self {
        let (dense, sparse) = number(func, owner);
        let empty = BitRows::new(func.blocks.len(), sparse.len());
        let mut this = Self {
            dense,
            sparse,
            live_in: empty.clone(),
            live_out: empty.clone(),
        };
        if this.sparse.is_empty() {
            return this;
        }
        let (mut gens, mut kills) = (empty.clone(), empty);
        for b in 0..func.blocks.len() {
            match (gens.row_mut(b), kills.row_mut(b)) {
                (Some(mut gens), Some(mut kills)) => {
                    this.summarise(func, sigs, owner, b, (&mut gens, &mut kills));
                }
                _ => {
                    let (mut gens, mut kills) = ((&mut gens, b), (&mut kills, b));
                    this.summarise(func, sigs, owner, b, (&mut gens, &mut kills));
                }
            }
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
        owner: &impl Fn(VReg) -> Option<VReg>,
        b: usize,
        (gens, kills): (&mut impl Row, &mut impl Row),
    ) {
        let block = &func.blocks[b];
        (block.term).for_each_use(|reg, _| self.add_used(gens, owner, reg));
        for inst in block.insts.iter().rev() {
            if let Some(reg) = sigs.out(inst)
                && let Some(d) = self.dense(reg)
            {
                gens.remove(d);
                kills.add(d);
            }
            for &reg in sigs.reads(inst) {
                self.add_used(gens, owner, reg);
            }
        }
    }

    /// Adds `reg` and what it borrows from.
    #[inline]
    fn add_used(&self, to: &mut impl Row, owner: &impl Fn(VReg) -> Option<VReg>, reg: VReg) {
        let mut next = Some(reg);
        while let Some(r) = next {
            if let Some(d) = self.dense(r) {
                to.add(d);
            }
            next = owner(r);
        }
    }

    /// Brings the blocks up to date with what follows them until nothing changes any more. Most
    /// blocks come after those that they go to; one is looked at again when one of these changes.
    fn solve(&mut self, func: &Func, gens: &BitRows, kills: &BitRows) {
        let order = backward(func);
        // When the block was looked at last, and when its live-in set grew last.
        let mut times = vec![(0u32, 0u32); func.blocks.len()];
        let mut now = 0;
        // Whether some way leads to a block that is looked at later.
        let mut back = false;
        loop {
            let mut changed = false;
            for &block in &order {
                let b = block.0 as usize;
                let looked = times[b].0;
                let mut news = looked == 0;
                for_each_successor(func, b, &mut |t| {
                    let (seen, grew) = times[t.0 as usize];
                    news |= grew > looked;
                    back |= seen == 0;
                });
                if !news {
                    continue;
                }
                now += 2;
                times[b].0 = now;
                if self.solve_block(func, b, gens, kills) {
                    times[b].1 = now + 1;
                    changed = true;
                }
            }
            // Where all ways lead forward, what is known is final.
            if !changed || !back {
                break;
            }
        }
    }

    /// Brings block `b` up to date with what follows; tells whether its live-in set has grown.
    fn solve_block(&mut self, func: &Func, b: usize, gens: &BitRows, kills: &BitRows) -> bool {
        let block = &func.blocks[b];
        let Self {
            live_in, live_out, ..
        } = self;
        let latch = match block.term {
            Term::ForList { dst, body, .. } => Some((body, self.dense[dst.0 as usize])),
            _ => None,
        };
        block.term.for_each_target(|to| {
            let t = to.0 as usize;
            match latch {
                // What the edge writes is not live before it.
                Some((body, d)) if body == to && d != LOCAL => {
                    let had = live_out.contains(b, d);
                    live_out.union_from(b, live_in, t);
                    if !had {
                        live_out.remove(b, d);
                    }
                }
                _ => live_out.union_from(b, live_in, t),
            }
        });
        let mut changed = live_in.flow(b, live_out, kills, gens);
        if let Some(handler) = block.handler {
            for h in [Some(handler.block), handler.catch.flatten()]
                .into_iter()
                .flatten()
            {
                let h = h.0 as usize;
                live_out.union_from(b, live_in, h);
                changed |= live_in.union_with_row(b, h);
            }
        }
        changed
    }

    /// Registers live at the start of `b`.
    pub fn live_in(&self, b: BlockId) -> impl Iterator<Item = VReg> + '_ {
        self.live_in
            .iter(b.0 as usize)
            .map(|d| self.sparse[d as usize])
    }

    /// Is `reg` live at the start of `b`?
    #[must_use]
    pub fn is_live_in(&self, b: BlockId, reg: VReg) -> bool {
        self.dense(reg)
            .is_some_and(|d| self.live_in.contains(b.0 as usize, d))
    }

    /// Registers live at the end of `b`, that is after its terminator, on any way out (its
    /// handlers' included).
    pub fn live_out(&self, b: BlockId) -> impl Iterator<Item = VReg> + '_ {
        self.live_out
            .iter(b.0 as usize)
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
        owner: &impl Fn(VReg) -> Option<VReg>,
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
            if let Some(reg) = sigs.out(inst) {
                live.remove(reg.0);
            }
            for &reg in sigs.reads(inst) {
                used(live, reg);
            }
            for reg in &keep {
                live.insert(reg.0);
            }
        }
    }
}

/// A set of dense numbers that is being made.
trait Row {
    fn add(&mut self, d: u32);
    fn remove(&mut self, d: u32);
}

impl Row for &mut [u64] {
    fn add(&mut self, d: u32) {
        self[d as usize / 64] |= 1 << (d % 64);
    }

    fn remove(&mut self, d: u32) {
        self[d as usize / 64] &= !(1 << (d % 64));
    }
}

impl Row for (&mut BitRows, usize) {
    fn add(&mut self, d: u32) {
        self.0.insert(self.1, d);
    }

    fn remove(&mut self, d: u32) {
        self.0.remove(self.1, d);
    }
}

/// All blocks, each after those that it goes to where there is no loop.
fn backward(func: &Func) -> Vec<BlockId> {
    let mut order = Vec::with_capacity(func.blocks.len());
    let mut walk = Walk::over(func);
    walk.postorder(func, BlockId(0), true, &mut order);
    let all = (0..func.blocks.len() as u32).map(BlockId);
    order.extend(all.filter(|&b| !walk.has_seen(b)));
    order
}

/// Gives dense numbers to the registers that occur in more than one block (an owner occurs
/// wherever what it lends occurs).
fn number(func: &Func, owner: &impl Fn(VReg) -> Option<VReg>) -> (Vec<u32>, Vec<VReg>) {
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
