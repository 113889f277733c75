//! Register allocation: virtual registers to frame slots.
//!
//! Linear scan over live intervals (Poletto and Sarkar, 1999), in two rounds, because a call
//! clobbers everything from its window up. First come the registers that are live across some
//! window: they get the lowest free slots. That fixes every window's place: right above what is
//! live across it. The rest, which no window has to spare, is placed second, preferably right in
//! the window where it is an argument, or where the call leaves its result.

use crate::ir::bitset::BitSet;
use crate::ir::liveness::Liveness;
use crate::ir::roles::Signatures;
use crate::ir::{BlockId, Func, Inst, Term, VReg};
use lumen_bytecode::code::Op;
use smallvec::SmallVec;

/// Where everything is.
#[derive(Debug)]
pub struct Allocation {
    /// Slot of each virtual register (`u32::MAX`: never live).
    pub slot: Vec<u32>,
    /// First slot that each instruction with a window may use, by (block, index).
    windows: Vec<Vec<u32>>,
    /// Slots used, windows not counted.
    pub frame: u32,
}

/// No slot.
pub const NONE: u32 = u32::MAX;

impl Allocation {
    /// Slot of `reg`.
    #[must_use]
    pub fn of(&self, reg: VReg) -> u32 {
        self.slot[reg.0 as usize]
    }

    /// Where the window of instruction `i` of `b` starts.
    #[must_use]
    pub fn window(&self, b: BlockId, i: usize) -> u32 {
        self.windows[b.0 as usize][i]
    }
}

/// The registers of `inst` that must stand side by side, and how far behind the window's start:
/// a call's arguments stand after the slot of its result.
#[must_use]
pub fn window_args(inst: &Inst) -> Option<(&[VReg], u32)> {
    let regs = &inst.regs;
    match inst.op {
        Op::Call => Some((&regs[1..], 1)),
        Op::CallClosure => Some((&regs[1..], 0)),
        Op::CallNative | Op::New | Op::ListNew | Op::StrConcat => Some((&regs[1..], 0)),
        Op::CallNativeAt | Op::PlaceSet => Some((&regs[2..], 0)),
        _ => None,
    }
}

#[derive(Clone, Copy)]
struct Interval {
    start: u32,
    end: u32,
}

struct Scan<'a> {
    func: &'a Func,
    intervals: Vec<Option<Interval>>,
    across: BitSet,
    /// Live across each window, as (block, index, registers).
    spans: Vec<(usize, usize, SmallVec<[VReg; 8]>)>,
}

/// Places all registers of `func`, whose blocks are laid out in `order`.
#[must_use]
pub fn allocate(func: &Func, sigs: &Signatures, live: &Liveness, order: &[BlockId]) -> Allocation {
    let mut scan = Scan {
        func,
        intervals: vec![None; func.regs.len()],
        across: BitSet::new(func.regs.len()),
        spans: Vec::new(),
    };
    scan.collect(sigs, live, order);
    let mut slots = Slots::default();
    let mut out = Allocation {
        slot: vec![NONE; func.regs.len()],
        windows: func.blocks.iter().map(|b| vec![0; b.insts.len()]).collect(),
        frame: func.params.len() as u32 + 1,
    };
    scan.place_params(&mut slots, &mut out);
    let by_start = scan.by_start();
    for &reg in by_start.iter().filter(|r| scan.across.contains(r.0)) {
        scan.place(reg, None, &mut slots, &mut out);
    }
    for (b, i, live) in &scan.spans {
        let top = live.iter().map(|&r| out.of(r)).filter(|&s| s != NONE).max();
        out.windows[*b][*i] = top.map_or(1, |t| t + 1).max(1);
    }
    let wishes = scan.wishes(order, &out);
    slots.second = true;
    for &reg in by_start.iter().filter(|r| !scan.across.contains(r.0)) {
        let wish = wishes[reg.0 as usize];
        scan.place(reg, (wish != NONE).then_some(wish), &mut slots, &mut out);
    }
    out
}

impl Scan<'_> {
    fn touch(&mut self, reg: VReg, at: u32) {
        let interval = &mut self.intervals[reg.0 as usize];
        match interval {
            Some(i) => {
                i.start = i.start.min(at);
                i.end = i.end.max(at);
            }
            None => *interval = Some(Interval { start: at, end: at }),
        }
    }

    /// Intervals in units of half instructions: reads at even, writes at odd positions.
    fn collect(&mut self, sigs: &Signatures, live: &Liveness, order: &[BlockId]) {
        let func = self.func;
        let mut now = BitSet::new(func.regs.len());
        let mut at = 2;
        for &b in order {
            let block = &func.blocks[b.0 as usize];
            let start = at;
            let end = start + 2 * block.insts.len() as u32;
            for reg in live.live_in(b) {
                self.touch(reg, start);
            }
            for reg in live.live_out(b) {
                self.touch(reg, end + 1);
            }
            block.term.for_each_use(|reg, _| self.touch(reg, end));
            if let Term::ForList { dst, .. } = block.term {
                // Written while the others are in use, even where none of them is used again.
                self.touch(dst, end + 1);
                block.term.for_each_use(|reg, _| self.touch(reg, end + 1));
            }
            now.clear();
            live.walk(func, sigs, &|_| None, b, &mut now, |i, inst, after| {
                let p = start + 2 * i as u32;
                sigs.for_each(inst, |_, reg, role| {
                    use lumen_bytecode::operand::Role;
                    match role {
                        Role::Out | Role::Lend => self.touch(reg, p + 1),
                        Role::Io => {
                            self.touch(reg, p);
                            self.touch(reg, p + 1);
                        }
                        _ => self.touch(reg, p),
                    }
                });
                self.window(sigs, live, b, i, inst, after);
            });
            at = end + 2;
        }
    }

    fn window(
        &mut self,
        sigs: &Signatures,
        live: &Liveness,
        b: BlockId,
        i: usize,
        inst: &Inst,
        after: &BitSet,
    ) {
        let Some((args, _)) = window_args(inst) else {
            return;
        };
        if args.is_empty() && !matches!(inst.op, Op::Call | Op::CallClosure) {
            return;
        }
        let out = sigs.outs(inst).map(|(reg, _)| reg);
        // Where the old value is needed when the instruction fails, it is live across it too.
        let handler = self.func.blocks[b.0 as usize].handler;
        let handlers = handler
            .into_iter()
            .flat_map(|h| [Some(h.block), h.catch.flatten()]);
        let kept = handlers
            .flatten()
            .any(|h| live.live_in(h).any(|r| Some(r) == out));
        let out = out.filter(|_| !kept);
        let mut live: SmallVec<[VReg; 8]> =
            after.iter().map(VReg).filter(|&r| Some(r) != out).collect();
        // An updated root is not an argument, but must not be in the window either; the operands
        // read beside the window must survive the moves into it.
        if matches!(inst.op, Op::CallNativeAt | Op::PlaceSet) {
            live.extend_from_slice(&inst.regs[..2]);
            live.retain(|&mut r| Some(r) != out || inst.op == Op::PlaceSet);
        }
        for reg in &live {
            self.across.insert(reg.0);
        }
        self.spans.push((b.0 as usize, i, live));
    }

    fn by_start(&self) -> Vec<VReg> {
        let mut regs: Vec<VReg> = (0..self.func.regs.len() as u32)
            .map(VReg)
            .filter(|r| self.intervals[r.0 as usize].is_some())
            .collect();
        regs.sort_by_key(|r| self.intervals[r.0 as usize].map_or(0, |i| i.start));
        regs
    }

    /// Parameters stand where the caller puts them, from the very start.
    fn place_params(&mut self, slots: &mut Slots, out: &mut Allocation) {
        let closure = self.func.closure.map(|(reg, _)| (0, reg));
        let params = self
            .func
            .params
            .iter()
            .enumerate()
            .map(|(i, &reg)| (i as u32 + 1, reg));
        for (slot, reg) in closure.into_iter().chain(params) {
            if self.intervals[reg.0 as usize].is_some() {
                self.touch(reg, 0);
            }
            out.slot[reg.0 as usize] = slot;
            if let Some(interval) = self.intervals[reg.0 as usize] {
                slots.take(slot, interval);
            }
        }
    }

    fn place(&self, reg: VReg, wish: Option<u32>, slots: &mut Slots, out: &mut Allocation) {
        if out.of(reg) != NONE {
            return;
        }
        let Some(interval) = self.intervals[reg.0 as usize] else {
            return;
        };
        let slot = match wish {
            Some(slot) if slots.is_free(slot, interval) => slot,
            _ => (1..).find(|&s| slots.is_free(s, interval)).unwrap_or(NONE),
        };
        slots.take(slot, interval);
        out.slot[reg.0 as usize] = slot;
        out.frame = out.frame.max(slot + 1);
    }

    /// Where registers would be best: arguments in their windows, results where calls leave them,
    /// copies where their other end is.
    fn wishes(&self, order: &[BlockId], out: &Allocation) -> Vec<u32> {
        let mut wishes = vec![NONE; self.func.regs.len()];
        let mut wish = |reg: VReg, slot: u32, sure: bool| {
            let wish = &mut wishes[reg.0 as usize];
            if sure || *wish == NONE {
                *wish = slot;
            }
        };
        for &b in order {
            for (i, inst) in self.func.blocks[b.0 as usize].insts.iter().enumerate() {
                if matches!(inst.op, Op::Move | Op::Lend | Op::Dup) {
                    let (dst, src) = (inst.regs[0], inst.regs[1]);
                    if out.of(dst) != NONE {
                        wish(src, out.of(dst), false);
                    } else if out.of(src) != NONE {
                        wish(dst, out.of(src), false);
                    }
                }
                let Some((args, behind)) = window_args(inst) else {
                    continue;
                };
                let base = out.window(b, i);
                if base == 0 {
                    continue;
                }
                for (k, &arg) in args.iter().enumerate() {
                    wish(arg, base + behind + k as u32, true);
                }
                if matches!(inst.op, Op::Call | Op::CallClosure) {
                    wish(inst.regs[0], base, true);
                }
            }
        }
        wishes
    }
}

/// Which slots are taken when.
#[derive(Default)]
struct Slots {
    /// Per slot, the intervals of the first round and of the second. A round places registers by
    /// the start of their intervals, so both are ascending.
    taken: Vec<[SmallVec<[Interval; 2]>; 2]>,
    second: bool,
}

impl Slots {
    fn is_free(&self, slot: u32, interval: Interval) -> bool {
        let Some([first, second]) = self.taken.get(slot as usize) else {
            return true;
        };
        let after = first.partition_point(|taken| taken.start <= interval.end);
        let before = first[..after].last();
        before.is_none_or(|taken| taken.end < interval.start)
            && second.last().is_none_or(|taken| taken.end < interval.start)
    }

    fn take(&mut self, slot: u32, interval: Interval) {
        if self.taken.len() <= slot as usize {
            self.taken.resize_with(slot as usize + 1, Default::default);
        }
        self.taken[slot as usize][usize::from(self.second)].push(interval);
    }
}
