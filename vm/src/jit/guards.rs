//! Second translations of innermost loops, without what need not be tested in them.
//!
//! Control comes to such a loop through its guard, which tests what [`super::ranges`] found the
//! proofs to rest on, loads lengths and rows, and goes to one translation or the other. The plain
//! one comes back to the guard with each iteration: what did not hold at first may hold later.
//!
//! Short loops are translated several times more, each copy going back to the next: only one of
//! them looks at the poll word.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value, types};
use rustc_hash::FxHashMap;

use super::loops::{Graph, Loop};
use super::ops::lists::Elem;
use super::ranges::{self, Base, Condition, FAR, FAR_SUM, Facts, MODERATE};
use super::translate::Translator;

/// A loop with a second translation.
struct Fast {
    l: Loop,
    facts: Facts,
    /// Where control comes from outside.
    guard: Block,
    /// The blocks of the second translation's copies, by member: word and block.
    copies: Vec<Vec<(usize, Block)>>,
    /// Nothing is tested: there is no other translation.
    only: bool,
    lengths: FxHashMap<Base, Value>,
    rows: FxHashMap<(u16, u16), Value>,
}

impl Fast {
    /// The block of a copy that begins at word `pc`.
    fn block(&self, copy: usize, pc: usize) -> Option<Block> {
        let blocks = &self.copies[copy];
        let i = blocks.binary_search_by_key(&pc, |b| b.0).ok()?;
        Some(blocks[i].1)
    }

    /// Whether what begins at word `pc` is reached from within the loop through the guard.
    fn through_guard(&self, pc: usize) -> bool {
        self.facts.fill.is_some() && self.copies[0][0].0 == pc
    }
}

/// The loops with second translations, and in which of them the translator is.
#[derive(Default)]
pub(super) struct Loops {
    all: Vec<Fast>,
    /// By word of the header.
    headers: FxHashMap<usize, usize>,
    current: Option<usize>,
    /// Which copy of it.
    copy: usize,
    /// Lengths and room of the lists that the loop appends to.
    growing: Vec<(Value, Value)>,
}

impl Loops {
    fn here(&self) -> Option<&Fast> {
        self.current.map(|n| &self.all[n])
    }

    /// Whether a segment is translated once only, with its loop's facts.
    pub(super) fn replaced(&self, segment: usize) -> bool {
        self.all.iter().any(|f| f.only && f.l.has(segment))
    }

    /// Where a branch to the word `pc` goes, if not to the first translation.
    pub(super) fn block(&self, pc: usize) -> Option<Block> {
        let header = self.headers.get(&pc).copied();
        if let Some(fast) = self.here()
            && !fast.through_guard(pc)
        {
            // The way back goes to the next copy.
            let back = usize::from(header == self.current);
            let copy = (self.copy + back) % fast.copies.len();
            if let Some(block) = fast.block(copy, pc) {
                return Some(block);
            }
        }
        header.map(|n| self.all[n].guard)
    }

    /// How often a segment is translated besides the first time.
    pub(super) fn copies(&self, segment: usize) -> usize {
        let fast = self.all.iter().find(|f| f.l.has(segment));
        fast.map_or(0, |f| f.copies.len())
    }

    /// Begins such a translation of a segment.
    pub(super) fn enter_segment(&mut self, segment: usize, copy: usize) -> Option<Block> {
        let n = self.all.iter().position(|f| f.l.has(segment))?;
        (self.current, self.copy) = (Some(n), copy);
        let fast = &self.all[n];
        let member = fast.l.members.binary_search(&segment).ok()?;
        Some(fast.copies[copy][member].1)
    }

    /// Whether the poll word was looked at one iteration before, in a loop where nothing but
    /// other threads can have set it since.
    pub(super) fn polled(&self) -> bool {
        self.current.is_some() && self.copy > 0
    }

    /// Ends it.
    pub(super) fn leave_segment(&mut self) {
        self.current = None;
    }

    /// The length of a list that is known throughout the loop.
    pub(super) fn length(&self, base: Base) -> Option<Value> {
        if let Base::Reg(reg) = base
            && let Some((len, _)) = self.growing(reg)
        {
            return Some(len);
        }
        self.here()?.lengths.get(&base).copied()
    }

    /// An element that is the same throughout the loop.
    pub(super) fn row(&self, list: u16, index: u16) -> Option<Value> {
        self.here()?.rows.get(&(list, index)).copied()
    }

    /// Length and room of a list that the loop appends to.
    pub(super) fn growing(&self, reg: u16) -> Option<(Value, Value)> {
        let n = self.here()?.facts.growing.iter().position(|r| *r == reg)?;
        self.growing.get(n).copied()
    }

    /// The list has another length and other room now.
    pub(super) fn grown(&mut self, reg: u16, len: Value, cap: Value) {
        let growing = self.here().map_or(&[][..], |f| &f.facts.growing);
        if let Some(n) = growing.iter().position(|r| *r == reg) {
            self.growing[n] = (len, cap);
        }
    }

    /// What a block of the second translation takes besides registers, if `pc` is one.
    pub(super) fn carried(&self, pc: usize) -> impl Iterator<Item = Value> + '_ {
        let inside = self
            .here()
            .is_some_and(|f| f.block(0, pc).is_some() && !f.through_guard(pc));
        let growing = self.growing.iter().filter(move |_| inside);
        growing.flat_map(|(len, cap)| [*len, *cap])
    }

    /// Takes them over where the block begins.
    pub(super) fn carry(&mut self, params: &[Value]) {
        self.growing.clear();
        let pairs = params.chunks_exact(2).map(|p| (p[0], p[1]));
        self.growing.extend(pairs);
    }

    /// Whether an object has one reference throughout the loop.
    pub(super) fn unique(&self, base: Base) -> bool {
        self.here().is_some_and(|f| f.facts.unique(base))
    }

    /// Whether an index operand of the instruction at `pc` is in range.
    pub(super) fn inside(&self, pc: usize, which: u8) -> bool {
        self.here().is_some_and(|f| f.facts.inside(pc, which))
    }

    /// Whether an index operand of the instruction at `pc` is not negative.
    pub(super) fn nonnegative(&self, pc: usize, which: u8) -> bool {
        self.here().is_some_and(|f| f.facts.nonnegative(pc, which))
    }

    /// Whether the addition at `pc` cannot overflow.
    pub(super) fn exact(&self, pc: usize) -> bool {
        self.here().is_some_and(|f| f.facts.exact(pc))
    }
}

impl Translator<'_, '_> {
    /// Finds the loops that are worth a second translation, and makes their blocks.
    pub(super) fn find_loops(&mut self) {
        let (plan, module) = (self.plan, self.env.module);
        let entry = self.unit.at.unwrap_or(0) as usize;
        for l in Graph::new(plan, entry, &self.parts).innermost(plan) {
            let facts = ranges::analyse(module, plan, &l);
            if facts.is_empty() {
                continue;
            }
            let header = plan.segments[l.header].start;
            let entered = l.members.iter().any(|m| plan.segments[*m].start == entry);
            let only = facts.conditions.is_empty() && (!entered || entry == header);
            let starts: Vec<usize> = l.members.iter().map(|m| plan.segments[*m].start).collect();
            let mut copies = Vec::new();
            for _ in 0..facts.copies.max(1) {
                let blocks = starts.iter().map(|pc| (*pc, self.segment_block(*pc)));
                let blocks: Vec<(usize, Block)> = blocks.collect();
                for (_, block) in &blocks {
                    for _ in 0..2 * facts.growing.len() {
                        self.b.append_block_param(*block, types::I64);
                    }
                }
                copies.push(blocks);
            }
            let guard = self.segment_block(header);
            self.loops.headers.insert(header, self.loops.all.len());
            self.loops.all.push(Fast {
                l,
                facts,
                guard,
                copies,
                only,
                lengths: FxHashMap::default(),
                rows: FxHashMap::default(),
            });
        }
    }

    /// Writes the guards.
    pub(super) fn write_guards(&mut self) {
        for n in 0..self.loops.all.len() {
            let (header, block) = {
                let fast = &self.loops.all[n];
                (self.plan.segments[fast.l.header].start, fast.guard)
            };
            self.begin(header, block);
            let params = self.b.block_params(block).to_vec();
            let args: Vec<BlockArg> = params.into_iter().map(BlockArg::Value).collect();
            let conditions = self.loops.all[n].facts.conditions.clone();
            for condition in conditions {
                let holds = self.condition(n, condition);
                let on = self.b.create_block();
                let plain = self.plain_block(header);
                self.b.ins().brif(holds, on, &[], plain, &args);
                self.b.switch_to_block(on);
                if let Condition::Index(list, index) = condition {
                    let (xs, i) = (self.int(list), self.int(index));
                    let row = self.load_element(xs, i, Elem::Word, types::I64);
                    self.loops.all[n].rows.insert((list, index), row);
                }
            }
            for base in self.loops.all[n].facts.lengths.clone() {
                self.guard_length(n, base);
            }
            let mut args = args;
            for reg in self.loops.all[n].facts.growing.clone() {
                let list = self.int(reg);
                args.push(BlockArg::Value(self.load_len(list)));
                args.push(BlockArg::Value(self.load_cap(list)));
            }
            if let Some(fill) = self.loops.all[n].facts.fill {
                self.fill(header, fill, &mut args);
            }
            if let Some(fast) = self.loops.all[n].block(0, header) {
                self.b.ins().jump(fast, &args);
            }
        }
    }

    fn condition(&mut self, n: usize, condition: Condition) -> Value {
        match condition {
            Condition::Index(list, index) => {
                let len = self.guard_length(n, Base::Reg(list));
                let index = self.int(index);
                self.icmp(IntCC::UnsignedLessThan, index, len)
            }
            Condition::Below(a, b) => {
                let (a, b) = (self.int(a), self.int(b));
                self.icmp(IntCC::SignedLessThan, a, b)
            }
            Condition::AtMost(a, b) => {
                let (a, b) = (self.int(a), self.int(b));
                self.icmp(IntCC::SignedLessThanOrEqual, a, b)
            }
            Condition::NonNegative(reg) => {
                let value = self.int(reg);
                self.icmp_imm(IntCC::UnsignedLessThan, value, MODERATE)
            }
            Condition::Near(reg) => {
                let value = self.int(reg);
                self.icmp_imm(IntCC::SignedLessThanOrEqual, value, FAR)
            }
            Condition::Moderate(reg) => {
                let value = self.int(reg);
                let value = self.b.ins().iadd_imm_s(value, FAR_SUM);
                self.icmp_imm(IntCC::UnsignedLessThan, value, 2 * FAR_SUM)
            }
            Condition::Room { reg, base, more } => {
                let len = self.guard_length(n, base);
                let most = self.b.ins().iadd_imm_s(len, -more);
                let value = self.int(reg);
                self.icmp(IntCC::SignedLessThanOrEqual, value, most)
            }
            Condition::Unique(base) => {
                let object = self.guard_object(n, base);
                let count = self.object_count(object);
                self.b.ins().icmp_imm_s(IntCC::Equal, count, 1)
            }
        }
    }

    fn guard_object(&mut self, n: usize, base: Base) -> Value {
        match base {
            Base::Reg(reg) => self.int(reg),
            // Its index has been tested before.
            Base::Row(list, index) => match self.loops.all[n].rows.get(&(list, index)) {
                Some(row) => *row,
                None => unreachable!("a row without an index"),
            },
        }
    }

    /// The length of a list, loaded once in the guard.
    fn guard_length(&mut self, n: usize, base: Base) -> Value {
        if let Some(len) = self.loops.all[n].lengths.get(&base) {
            return *len;
        }
        let list = self.guard_object(n, base);
        let len = self.load_len(list);
        self.loops.all[n].lengths.insert(base, len);
        len
    }
}
