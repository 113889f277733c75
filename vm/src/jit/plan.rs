//! What is known of a function before it is translated: its blocks, and where registers die.
//!
//! Frame maps say what is live where blocks begin, so one pass backwards over each stretch of code
//! between two of them is enough.

use lumen_bytecode::code::{Op, get_raw};
use lumen_bytecode::module::{
    FrameMap, Function, Handler, Landing, Module, PathStep, RegState, TypeDesc,
};
use lumen_bytecode::operand::{OperandKind, Role};
use lumen_bytecode::verify::TypedCode;
use rustc_hash::FxHashMap;

use super::constants::{self, Number};
use super::reach;

/// A set of registers.
#[derive(Clone, Debug, Default)]
pub(super) struct RegSet(Vec<u64>);

impl RegSet {
    /// The empty set, for a frame of so many registers.
    pub(super) fn new(frame: usize) -> RegSet {
        RegSet(vec![0; frame.div_ceil(64)])
    }

    /// Adds a register.
    pub(super) fn insert(&mut self, reg: u16) {
        self.0[usize::from(reg) / 64] |= 1 << (reg % 64);
    }

    /// Takes a register out; whether it was in.
    pub(super) fn remove(&mut self, reg: u16) -> bool {
        let (word, bit) = (&mut self.0[usize::from(reg) / 64], 1 << (reg % 64));
        let had = *word & bit != 0;
        *word &= !bit;
        had
    }

    /// Whether a register is in.
    pub(super) fn has(&self, reg: u16) -> bool {
        self.0[usize::from(reg) / 64] >> (reg % 64) & 1 != 0
    }

    /// Empties it.
    pub(super) fn clear(&mut self) {
        self.0.fill(0);
    }

    /// Its registers, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().enumerate().flat_map(|(i, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                rest &= rest.wrapping_sub(1);
                (bit < 64).then_some(i as u16 * 64 + bit as u16)
            })
        })
    }
}

/// A stretch of code from one frame map to the next.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Words where control can go from here: starts of segments.
    pub(super) targets: Vec<usize>,
}

/// A function, ready to be translated.
pub(super) struct Plan<'a> {
    pub(super) function: &'a Function,
    pub(super) typed: TypedCode,
    /// By ascending start.
    pub(super) segments: Vec<Segment>,
    /// Registers that are dead after the instruction at a word, by word.
    dies: Vec<(u32, u16)>,
    /// Jumps into loops, see [`Plan::test_of`], with what they jump to.
    tests: Vec<(usize, Test)>,
    /// By segment: whether it always ends in a failure.
    pub(super) doomed: Vec<bool>,
    /// By segment: the registers that hold a number at its start.
    numbers: Vec<FxHashMap<u16, Number>>,
}

/// Where a loop decides whether to go on: the last segment of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Instructions of a loop's test at most for it to be translated before the loop too.
const TEST: usize = 4;

impl<'a> Plan<'a> {
    /// Analyses a verified function.
    pub(super) fn new(module: &Module, function: &'a Function, typed: TypedCode) -> Plan<'a> {
        let mut plan = Plan {
            function,
            typed,
            segments: Vec::new(),
            dies: Vec::new(),
            tests: Vec::new(),
            doomed: Vec::new(),
            numbers: Vec::new(),
        };
        let mut starts: Vec<usize> = function.maps.iter().map(|m| m.pc as usize).collect();
        if starts.first() != Some(&0) {
            starts.insert(0, 0);
        }
        starts.push(function.code.len());
        for pair in starts.windows(2) {
            let segment = plan.segment(module, pair[0], pair[1]);
            plan.segments.push(segment);
        }
        plan.rotate();
        plan.numbers = constants::find(function, &plan.segments);
        let last = |s: &Segment| instructions(function, s.start, s.end).pop();
        plan.doomed = reach::doomed(&plan.segments, |s| last(s).map(|(_, op)| op));
        plan.dies.sort_unstable();
        plan
    }

    /// The registers that are dead after the instruction at `pc` and were not before.
    pub(super) fn dying(&self, pc: usize) -> &[(u32, u16)] {
        let from = self.dies.partition_point(|d| (d.0 as usize) < pc);
        let n = self.dies[from..].partition_point(|d| d.0 as usize == pc);
        &self.dies[from..from + n]
    }

    /// The test to translate in place of the jump at `pc`: `jump` to a loop's end just before the
    /// loop. With the test once before the loop and once at its end, the loop begins with its
    /// first instruction, wherever it is entered.
    pub(super) fn test_of(&self, pc: usize) -> Option<Test> {
        let found = self.tests.binary_search_by_key(&pc, |t| t.0);
        found.ok().map(|i| self.tests[i].1)
    }

    /// Whether the function has loops.
    pub(super) fn has_loops(&self) -> bool {
        let back = |s: &Segment| s.targets.iter().any(|t| *t <= s.start);
        self.segments.iter().any(back)
    }

    /// Whether the segment at word `pc` lies between a loop's start and its end.
    pub(super) fn in_loop(&self, pc: usize) -> bool {
        let around =
            |s: &Segment| s.start >= pc && s.targets.iter().any(|t| *t <= pc && *t <= s.start);
        self.segments.iter().any(around)
    }

    /// The test that a segment ends with, in place of such a jump.
    pub(super) fn test_in(&self, segment: &Segment) -> Option<Test> {
        let before = self.tests.partition_point(|t| t.0 < segment.start);
        let found = self.tests.get(before).filter(|t| t.0 < segment.end);
        found.map(|t| t.1)
    }

    /// Finds the jumps into loops, and lets their segments go where the tests go.
    fn rotate(&mut self) {
        for i in 0..self.segments.len() {
            let (start, end) = (self.segments[i].start, self.segments[i].end);
            let last = instructions(self.function, start, end).pop();
            let Some((pc, Op::Jump)) = last else { continue };
            let target = branch_targets(self.function, Op::Jump, pc)[0];
            let Some(test) = self.loop_test(target, end) else {
                continue;
            };
            self.tests.push((pc, test));
            let targets = &mut self.segments[i].targets;
            targets.retain(|t| *t != target);
            targets.extend([end, test.end]);
            targets.sort_unstable();
            targets.dedup();
        }
    }

    /// The segment at `pc`, if it is the test of a loop that begins at word `body`.
    fn loop_test(&self, pc: usize, body: usize) -> Option<Test> {
        let found = self.segments.binary_search_by_key(&pc, |s| s.start);
        let segment = &self.segments[found.ok()?];
        let all = instructions(self.function, segment.start, segment.end);
        let (&(at, last), rest) = all.split_last()?;
        let straight = |op: &Op| op.label().is_none() && !op.is_terminator();
        let rest_straight = rest.iter().all(|(_, op)| straight(op) && !calls(*op));
        let back = last.is_back_edge() && branch_targets(self.function, last, at) == [body];
        let fits = pc > body && all.len() <= TEST && rest_straight && back;
        let on = self
            .segments
            .binary_search_by_key(&segment.end, |s| s.start);
        (fits && !last.is_terminator() && on.is_ok()).then_some(Test {
            start: segment.start,
            end: segment.end,
        })
    }

    /// The frame map at `pc`.
    pub(super) fn map(&self, pc: usize) -> Option<&'a FrameMap> {
        let maps = &self.function.maps;
        let found = maps.binary_search_by_key(&(pc as u32), |m| m.pc);
        found.ok().map(|i| &maps[i])
    }

    /// The number that a register holds where the segment at word `pc` begins, whatever way it was
    /// reached.
    pub(super) fn number(&self, pc: usize, reg: u16) -> Option<Number> {
        let found = self.segments.binary_search_by_key(&pc, |s| s.start).ok()?;
        self.numbers[found].get(&reg).copied()
    }

    /// The registers that a block at word `pc` takes: those live there that hold no known number.
    pub(super) fn params(&self, pc: usize) -> impl Iterator<Item = &'a RegState> + '_ {
        let live = self.map(pc).map_or(&[][..], |m| &m.live);
        live.iter()
            .filter(move |e| self.number(pc, e.reg).is_none())
    }

    fn landing(&self, pc: usize) -> Option<&'a Landing> {
        let landings = &self.function.landings;
        let after = landings.partition_point(|l| l.start as usize <= pc);
        landings[..after].last().filter(|l| pc < l.end as usize)
    }

    fn segment(&mut self, module: &Module, start: usize, end: usize) -> Segment {
        let code = &self.function.code;
        let insns = instructions(self.function, start, end);
        let mut live = RegSet::new(usize::from(self.function.frame));
        let mut targets = Vec::new();
        if insns.last().is_none_or(|(_, op)| !op.is_terminator()) && end < code.len() {
            targets.push(end);
            self.flow(&mut live, end);
        }
        for &(pc, op) in insns.iter().rev() {
            self.instruction(module, pc, op, &mut live, &mut targets);
        }
        targets.sort_unstable();
        targets.dedup();
        Segment {
            start,
            end,
            targets,
        }
    }

    /// Adds what is live where control may go.
    fn flow(&self, live: &mut RegSet, target: usize) {
        for entry in self.map(target).map_or(&[][..], |m| &m.live) {
            live.insert(entry.reg);
        }
    }

    /// From what is live after an instruction to what is live before it.
    fn instruction(
        &mut self,
        module: &Module,
        pc: usize,
        op: Op,
        live: &mut RegSet,
        targets: &mut Vec<usize>,
    ) {
        let words = &self.function.code[pc..];
        let before = live.clone();
        let (uses, defs) = registers(module, op, words);
        for &reg in &defs {
            if !live.remove(reg) {
                self.dies.push((pc as u32, reg));
            }
        }
        // The element that `for.list` gives is written on the way to the target only.
        let element = matches!(op, Op::ForList | Op::ForListWord | Op::ForListByte)
            .then(|| get_raw(words, 2, 1) as u16)
            .filter(|dst| !live.has(*dst));
        for target in branch_targets(self.function, op, pc) {
            self.flow(live, target);
            targets.push(target);
        }
        if let Some(dst) = element {
            live.remove(dst);
        }
        if op.can_fail() {
            self.fails(pc, live);
        }
        for reg in uses {
            live.insert(reg);
        }
        for reg in live.iter() {
            if !before.has(reg) && !defs.contains(&reg) {
                self.dies.push((pc as u32, reg));
            }
        }
    }

    /// Adds what the landing of `pc` needs.
    fn fails(&self, pc: usize, live: &mut RegSet) {
        let Some(landing) = self.landing(pc) else {
            return;
        };
        for &reg in landing.drops.iter().chain(&landing.cancel_drops) {
            live.insert(reg);
        }
        let handlers = match landing.handler {
            Handler::None => [None, None],
            Handler::Cleanup(pc) => [Some(pc), None],
            Handler::Catch { pc, cancel } => [Some(pc), cancel],
        };
        for handler in handlers.into_iter().flatten() {
            self.flow(live, handler as usize);
        }
    }
}

/// The instructions between two words.
pub(super) fn instructions(function: &Function, start: usize, end: usize) -> Vec<(usize, Op)> {
    let mut found = Vec::new();
    let mut pc = start;
    while pc < end {
        let Some(op) = Op::from_word(function.code[pc]) else {
            break;
        };
        found.push((pc, op));
        pc += op.word_count();
    }
    found
}

/// Whether an instruction calls Lumen code.
fn calls(op: Op) -> bool {
    matches!(
        op,
        Op::Call | Op::CallClosure | Op::CallNative | Op::CallNativeAt
    )
}

/// Where the branch at `pc` can go, apart from the next instruction.
pub(super) fn branch_targets(function: &Function, op: Op, pc: usize) -> Vec<usize> {
    let words = &function.code[pc..];
    if let Some(label) = op.label() {
        let raw = get_raw(words, label.lane, label.kind.lanes());
        let distance = match label.kind {
            OperandKind::Label16 => i64::from(raw as u16 as i16),
            _ => i64::from(raw as i32),
        };
        return vec![(pc as i64 + distance) as usize];
    }
    if matches!(op, Op::SwitchTag | Op::SwitchInt) {
        let table = &function.tables[get_raw(words, 2, 1) as usize];
        return table.iter().map(|t| *t as usize).collect();
    }
    Vec::new()
}

/// The registers that an instruction reads, and those that it writes without reading them.
fn registers(module: &Module, op: Op, words: &[u64]) -> (Vec<u16>, Vec<u16>) {
    let (mut uses, mut defs) = (Vec::new(), Vec::new());
    for operand in op.def().operands {
        let edge = op.is_back_edge() && matches!(operand.role, Role::Out | Role::Lend);
        if operand.kind != OperandKind::Reg || edge {
            continue;
        }
        let reg = get_raw(words, operand.lane, 1) as u16;
        match operand.role {
            Role::Out | Role::Lend => defs.push(reg),
            _ => uses.push(reg),
        }
    }
    if let Some((first, n)) = window(module, op, words) {
        uses.extend((first..).take(n));
    }
    if matches!(op, Op::Call | Op::CallClosure) {
        defs.push(get_raw(words, 0, 1) as u16);
    }
    (uses, defs)
}

/// The window of registers that an instruction reads, if it has one.
pub(super) fn window(module: &Module, op: Op, words: &[u64]) -> Option<(u16, usize)> {
    let lane = |n| get_raw(words, n, 1) as u16;
    let params = |n| module.natives[usize::from(lane(n))].params.len();
    let path = |n| {
        let steps = &module.paths[usize::from(lane(n))];
        let index = |s: &&PathStep| matches!(s, PathStep::Index { .. });
        steps.iter().filter(index).count()
    };
    Some(match op {
        Op::Call => {
            let callee = &module.functions[get_raw(words, 1, 2) as usize];
            (lane(0) + 1, callee.params.len())
        }
        Op::CallClosure => (lane(0), 1 + usize::from(lane(1))),
        Op::CallNative => (lane(1), params(2)),
        Op::CallNativeAt => (lane(2), path(3) + params(4) - 1),
        Op::New => (lane(1), slots(module, u32::from(lane(2)))),
        Op::ListNew => (lane(1), usize::from(lane(2))),
        Op::StrConcat => (lane(1), usize::from(lane(2))),
        Op::PlaceSet => (lane(1), path(2)),
        _ => return None,
    })
}

/// How many registers `new` of a type takes: its fields, or captures.
pub(super) fn slots(module: &Module, ty: u32) -> usize {
    match module.types.get(ty as usize) {
        Some(TypeDesc::Record { fields, .. } | TypeDesc::Variant { fields, .. }) => fields.len(),
        Some(TypeDesc::Tuple(parts)) => parts.len(),
        Some(TypeDesc::Closure { captures, .. }) => captures.len(),
        Some(TypeDesc::Error) => 5,
        _ => 0,
    }
}
