//! Register allocation: virtual registers to frame slots.
//!
//! Linear scan over live ranges (Poletto and Sarkar, 1999; with holes between blocks, as in Traub,
//! Holloway and Smith, 1998), in two rounds, because a call clobbers everything from its window up.
//! First come the registers that are live across some window: they get the slot where a call left
//! them, or a copy's other end, or the lowest free one. That fixes every window's place: right
//! above what is live across it. The rest, which no window has to spare, is placed second,
//! preferably right in the window where it is an argument, or where the call leaves its result.

use crate::ir::bitset::BitSet;
use crate::ir::liveness::Liveness;
use crate::ir::roles::Signatures;
use crate::ir::{BlockId, Func, Inst, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::operand::Role;
use smallvec::SmallVec;

/// Where everything is.
#[derive(Debug)]
pub struct Allocation {
    /// Slot of each virtual register (`u32::MAX`: never live).
    pub slot: Vec<u32>,
    /// First slot that each instruction with a window may use, by its number in the function.
    windows: Vec<u32>,
    /// The number of each block's first instruction.
    numbers: Vec<u32>,
    /// Slots used, windows not counted.
    pub frame: u32,
}

/// No slot.
pub const NONE: u32 = u32::MAX;

impl Allocation {
    /// Slot of `reg`.
    #[must_use]
    #[inline]
    pub fn of(&self, reg: VReg) -> u32 {
        self.slot[reg.0 as usize]
    }

    fn number(&self, b: BlockId, i: usize) -> usize {
        self.numbers[b.0 as usize] as usize + i
    }

    /// Where the window of instruction `i` of `b` starts.
    #[must_use]
    pub fn window(&self, b: BlockId, i: usize) -> u32 {
        self.windows[self.number(b, i)]
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

/// Positions from `start` to `end`, both included.
#[derive(Clone, Copy)]
struct Interval {
    start: u32,
    end: u32,
}

/// Where a register is live: ascending, apart from each other.
type Ranges = SmallVec<[Interval; 1]>;

/// No position: a range that is not there.
const NOWHERE: Interval = Interval {
    start: NONE,
    end: 0,
};

/// A window, and which of `Scan::live` are live across it.
struct Span {
    block: BlockId,
    inst: usize,
    live: (usize, usize),
}

struct Scan<'a> {
    func: &'a Func,
    ranges: Vec<Ranges>,
    /// Ranges in the block that is being looked at (from its end), and the registers that have one.
    here: Vec<Interval>,
    touched: Vec<VReg>,
    /// Ranges in this block that have begun: before them the register is not live.
    begun: Vec<(VReg, Interval)>,
    across: BitSet,
    /// Windows by block as they are laid out, in each from its end.
    spans: Vec<Span>,
    live: Vec<VReg>,
    /// The window whose call leaves its result in the register, as an index of `spans`.
    result_of: Vec<u32>,
    /// Registers that this one is copied to or from: the first and the last one.
    partners: Vec<[VReg; 2]>,
}

/// More slots than a frame has.
pub const MOST_SLOTS: u32 = u16::MAX as u32;

/// Places all registers of `func`, whose blocks are laid out in `order`, or as many as need more
/// than [`MOST_SLOTS`].
#[must_use]
pub fn allocate(func: &Func, sigs: &Signatures, live: &Liveness, order: &[BlockId]) -> Allocation {
    let n = func.regs.len();
    let mut scan = Scan {
        func,
        ranges: vec![Ranges::new(); n],
        here: vec![NOWHERE; n],
        touched: Vec::new(),
        begun: Vec::new(),
        across: BitSet::new(n),
        spans: Vec::new(),
        live: Vec::new(),
        result_of: vec![NONE; n],
        partners: vec![[VReg(NONE); 2]; n],
    };
    scan.collect(sigs, live, order);
    let mut slots = Slots::default();
    let mut insts = 0;
    let numbers = func.blocks.iter().map(|block| {
        insts += block.insts.len() as u32;
        insts - block.insts.len() as u32
    });
    let mut out = Allocation {
        slot: vec![NONE; n],
        numbers: numbers.collect(),
        windows: vec![0; insts as usize],
        frame: func.params.len() as u32 + 1,
    };
    scan.place_params(&mut slots, &mut out);
    let by_start = scan.by_start();
    for &reg in by_start.iter().filter(|r| scan.across.contains(r.0)) {
        if out.frame > MOST_SLOTS {
            return out;
        }
        let left = scan.spans.get(scan.result_of[reg.0 as usize] as usize);
        let wish = left.map_or(NONE, |span| scan.base(span, &out));
        scan.place(reg, wish, &mut slots, &mut out);
    }
    for span in &scan.spans {
        let number = out.number(span.block, span.inst);
        out.windows[number] = scan.base(span, &out);
    }
    let wishes = scan.wishes(&out);
    slots.begin_second();
    for &reg in by_start.iter().filter(|r| !scan.across.contains(r.0)) {
        if out.frame > MOST_SLOTS {
            break;
        }
        scan.place(reg, wishes[reg.0 as usize], &mut slots, &mut out);
    }
    out
}

impl Scan<'_> {
    /// The first slot above what is live across the window.
    fn base(&self, span: &Span, out: &Allocation) -> u32 {
        let live = &self.live[span.live.0..span.live.1];
        let slots = live.iter().map(|&r| out.of(r));
        slots.filter(|&s| s != NONE).max().unwrap_or(0) + 1
    }

    #[inline]
    fn touch(&mut self, reg: VReg, at: u32) {
        let here = &mut self.here[reg.0 as usize];
        if here.start == NONE {
            self.touched.push(reg);
        }
        here.start = here.start.min(at);
        here.end = here.end.max(at);
    }

    /// `reg` is written at `at`, and was not live before.
    #[inline]
    fn begin(&mut self, reg: VReg, at: u32) {
        let here = &mut self.here[reg.0 as usize];
        let found = std::mem::replace(here, NOWHERE);
        let range = Interval {
            start: found.start.min(at),
            end: found.end.max(at),
        };
        self.begun.push((reg, range));
    }

    /// Ends a block: its ranges go to those of the blocks before.
    fn end_block(&mut self) {
        for reg in self.touched.drain(..) {
            // One that has begun since may be here again.
            let range = std::mem::replace(&mut self.here[reg.0 as usize], NOWHERE);
            if range.start != NONE {
                self.begun.push((reg, range));
            }
        }
        // They were found from the last to the first.
        while let Some((reg, here)) = self.begun.pop() {
            let ranges = &mut self.ranges[reg.0 as usize];
            match ranges.last_mut() {
                Some(last) if last.end + 1 == here.start => last.end = here.end,
                _ => ranges.push(here),
            }
        }
    }

    fn partner(&mut self, reg: VReg, other: VReg) {
        let [first, last] = &mut self.partners[reg.0 as usize];
        if first.0 == NONE {
            *first = other;
        }
        *last = other;
    }

    /// Ranges in units of half instructions: reads at even, writes at odd positions.
    fn collect(&mut self, sigs: &Signatures, live: &Liveness, order: &[BlockId]) {
        let func = self.func;
        let mut now = BitSet::new(func.regs.len());
        let mut at = 2;
        for &b in order {
            let block = &func.blocks[b.0 as usize];
            let start = at;
            let end = start + 2 * block.insts.len() as u32;
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
            // What a handler reads is live throughout.
            let kept = live.handler_live(func, b);
            live.walk(func, sigs, &|_| None, b, &mut now, |i, inst, after| {
                let p = start + 2 * i as u32;
                match sigs.out(inst) {
                    Some(reg) if kept.contains(&reg) => self.touch(reg, p + 1),
                    Some(reg) => self.begin(reg, p + 1),
                    None => {}
                }
                for &reg in sigs.reads(inst) {
                    self.touch(reg, p);
                }
                if sigs.changes(inst) {
                    sigs.for_each(inst, |_, reg, role| {
                        if role == Role::Io {
                            self.touch(reg, p + 1);
                        }
                    });
                }
                if matches!(inst.op, Op::Move | Op::Lend | Op::Dup) {
                    let (dst, src) = (inst.regs[0], inst.regs[1]);
                    self.partner(dst, src);
                    self.partner(src, dst);
                }
                self.window(sigs, live, b, i, inst, after);
            });
            for reg in live.live_in(b) {
                self.touch(reg, start);
            }
            if b.0 == 0 {
                // One that occurs in this block only is in none of the sets.
                let closure = func.closure.map(|(reg, _)| reg);
                for reg in func.params.iter().copied().chain(closure) {
                    if self.here[reg.0 as usize].start != NONE {
                        self.touch(reg, start);
                    }
                }
            }
            self.end_block();
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
        let out = sigs.out(inst);
        // Where the old value is needed when the instruction fails, it is live across it too.
        let handler = self.func.blocks[b.0 as usize].handler;
        let handlers = handler
            .into_iter()
            .flat_map(|h| [Some(h.block), h.catch.flatten()]);
        let kept = handlers
            .flatten()
            .any(|h| live.live_in(h).any(|r| Some(r) == out));
        let out = out.filter(|_| !kept);
        let from = self.live.len();
        let (all, across) = (&mut self.live, &mut self.across);
        let mut add = |reg: VReg| {
            all.push(reg);
            across.insert(reg.0);
        };
        after.for_each(|r| {
            if Some(VReg(r)) != out {
                add(VReg(r));
            }
        });
        // An updated root is not an argument, but must not be in the window either; the operands
        // read beside the window must survive the moves into it.
        if matches!(inst.op, Op::CallNativeAt | Op::PlaceSet) {
            let beside = inst.regs[..2].iter().copied();
            beside.filter(|&r| Some(r) != out).for_each(add);
        }
        if matches!(inst.op, Op::Call | Op::CallClosure) {
            self.result_of[inst.regs[0].0 as usize] = self.spans.len() as u32;
        }
        self.spans.push(Span {
            block: b,
            inst: i,
            live: (from, self.live.len()),
        });
    }

    fn by_start(&self) -> Vec<VReg> {
        let start = |r: VReg| self.ranges[r.0 as usize].first().map(|i| i.start);
        let mut regs: Vec<u64> = (0..self.func.regs.len() as u32)
            .filter_map(|r| Some(u64::from(start(VReg(r))?) << 32 | u64::from(r)))
            .collect();
        regs.sort_unstable();
        regs.into_iter().map(|both| VReg(both as u32)).collect()
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
            let ranges = &mut self.ranges[reg.0 as usize];
            match ranges.first_mut() {
                // The first block begins with 2.
                Some(first) if first.start == 2 => first.start = 0,
                Some(_) => ranges.insert(0, Interval { start: 0, end: 0 }),
                None => {}
            }
            out.slot[reg.0 as usize] = slot;
            slots.take(slot, &self.ranges[reg.0 as usize]);
        }
    }

    fn place(&self, reg: VReg, wish: u32, slots: &mut Slots, out: &mut Allocation) {
        if out.of(reg) != NONE {
            return;
        }
        let ranges = &self.ranges[reg.0 as usize];
        let other = |partner: VReg| {
            let placed = out.slot.get(partner.0 as usize);
            placed.copied().unwrap_or(NONE)
        };
        let [first, last] = self.partners[reg.0 as usize];
        // A closure's slot 0 is left to it.
        let liked = [wish, other(first), other(last)];
        let liked = liked.into_iter().filter(|&s| s != NONE && s != 0);
        let mut liked = liked;
        let slot = liked.find(|&s| slots.is_free(s, ranges));
        let slot = slot.unwrap_or_else(|| slots.lowest(ranges));
        slots.take(slot, ranges);
        out.slot[reg.0 as usize] = slot;
        out.frame = out.frame.max(slot + 1);
    }

    /// Where registers would be best: arguments in their windows, results where calls leave them.
    fn wishes(&self, out: &Allocation) -> Vec<u32> {
        let mut wishes = vec![NONE; self.func.regs.len()];
        for span in self.spans.chunk_by(|a, b| a.block == b.block) {
            for span in span.iter().rev() {
                let inst = &self.func.blocks[span.block.0 as usize].insts[span.inst];
                let Some((args, behind)) = window_args(inst) else {
                    continue;
                };
                let mut base = out.window(span.block, span.inst);
                if matches!(inst.op, Op::Call | Op::CallClosure) {
                    wishes[inst.regs[0].0 as usize] = base;
                } else {
                    // These find their operands wherever they stand side by side.
                    let mut placed = args.iter().zip(0..).map(|(&arg, k)| (out.of(arg), k));
                    let placed = placed.find(|&(slot, k)| slot != NONE && slot > k);
                    base = placed.map_or(base, |(slot, k)| slot - k);
                }
                for (&arg, k) in args.iter().zip(0..) {
                    wishes[arg.0 as usize] = base + behind + k;
                }
            }
        }
        wishes
    }
}

/// Which slots are taken when.
#[derive(Default)]
struct Slots {
    /// Per slot, the ranges of the first round and of the second, ascending. A round places
    /// registers by where they begin, so most go to the end.
    taken: Vec<[SmallVec<[Interval; 2]>; 2]>,
    second: bool,
    /// Per slot, until when it is taken from where the last register was placed on, as far as that
    /// is known; forgotten when the second round begins.
    busy: Vec<u32>,
    /// The least of so many slots in a row.
    least: Vec<u32>,
}

/// How many slots are passed by at once when all are taken.
const CHUNK: usize = 32;

impl Slots {
    /// The second round begins.
    fn begin_second(&mut self) {
        self.second = true;
        self.busy.clear();
        self.least.clear();
    }

    /// The lowest slot but 0 that is free in these ranges. No range has been asked for before that
    /// begins later, in this round.
    fn lowest(&mut self, ranges: &Ranges) -> u32 {
        let start = ranges.first().map_or(0, |range| range.start);
        let chunks = self.taken.len().div_ceil(CHUNK);
        self.busy.resize(chunks * CHUNK, 0);
        self.least.resize(chunks, 0);
        for chunk in 0..chunks {
            if self.least[chunk] > start {
                continue;
            }
            for slot in chunk * CHUNK..(chunk + 1) * CHUNK {
                if slot == 0 {
                    self.busy[0] = u32::MAX;
                } else if self.busy[slot] > start {
                } else if self.is_free(slot as u32, ranges) {
                    return slot as u32;
                } else {
                    self.busy[slot] = self.busy_until(slot, start);
                }
            }
            let busy = &self.busy[chunk * CHUNK..(chunk + 1) * CHUNK];
            self.least[chunk] = busy.iter().copied().min().unwrap_or(0);
        }
        (chunks * CHUNK).max(1) as u32
    }

    /// Where the ranges end that `at` is in, and it itself if there are none.
    fn busy_until(&self, slot: usize, at: u32) -> u32 {
        let mut until = at;
        for taken in self.taken.get(slot).into_iter().flatten() {
            let after = taken.partition_point(|t| t.start <= at);
            if let Some(last) = taken[..after].last() {
                until = until.max(last.end.saturating_add(u32::from(last.end >= at)));
            }
        }
        until
    }

    fn is_free(&self, slot: u32, ranges: &Ranges) -> bool {
        let Some(taken) = self.taken.get(slot as usize) else {
            return true;
        };
        taken.iter().all(|taken| {
            // Mostly the one that begins last comes before all of these.
            let Some(last) = taken.last() else {
                return true;
            };
            ranges.iter().all(|range| {
                if last.start <= range.end {
                    return last.end < range.start;
                }
                let after = taken.partition_point(|t| t.start <= range.end);
                taken[..after].last().is_none_or(|t| t.end < range.start)
            })
        })
    }

    fn take(&mut self, slot: u32, ranges: &Ranges) {
        if self.taken.len() <= slot as usize {
            self.taken.resize_with(slot as usize + 1, Default::default);
        }
        let taken = &mut self.taken[slot as usize][usize::from(self.second)];
        for &range in ranges {
            if taken.last().is_none_or(|last| last.start <= range.start) {
                taken.push(range);
                continue;
            }
            let at = taken.partition_point(|t| t.start <= range.start);
            taken.insert(at, range);
        }
    }
}
