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
    /// Registers that only ever get one constant, and the word of the instruction.
    constants: FxHashMap<u16, usize>,
}

impl<'a> Plan<'a> {
    /// Analyses a verified function.
    pub(super) fn new(module: &Module, function: &'a Function, typed: TypedCode) -> Plan<'a> {
        let mut plan = Plan {
            function,
            typed,
            segments: Vec::new(),
            dies: Vec::new(),
            constants: constants(module, function),
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
        plan.dies.sort_unstable();
        plan
    }

    /// The word of the instruction that gives `reg` its constant, if that is all it ever gets.
    pub(super) fn constant(&self, reg: u16) -> Option<usize> {
        self.constants.get(&reg).copied()
    }

    /// The registers that a block at word `pc` takes: those live there, but for constants.
    pub(super) fn block_params(&self, pc: usize) -> impl Iterator<Item = &'a RegState> {
        let live = self.map(pc).map_or(&[][..], |m| &m.live);
        live.iter()
            .filter(|entry| self.constant(entry.reg).is_none())
    }

    /// The registers that are dead after the instruction at `pc` and were not before.
    pub(super) fn dying(&self, pc: usize) -> &[(u32, u16)] {
        let from = self.dies.partition_point(|d| (d.0 as usize) < pc);
        let n = self.dies[from..].partition_point(|d| d.0 as usize == pc);
        &self.dies[from..from + n]
    }

    /// The frame map at `pc`.
    pub(super) fn map(&self, pc: usize) -> Option<&'a FrameMap> {
        let maps = &self.function.maps;
        let found = maps.binary_search_by_key(&(pc as u32), |m| m.pc);
        found.ok().map(|i| &maps[i])
    }

    fn landing(&self, pc: usize) -> Option<&'a Landing> {
        let landings = &self.function.landings;
        let after = landings.partition_point(|l| l.start as usize <= pc);
        landings[..after].last().filter(|l| pc < l.end as usize)
    }

    /// Which segments are reached from the word `entry`.
    pub(super) fn reached(&self, entry: usize) -> Vec<bool> {
        let mut reached = vec![false; self.segments.len()];
        let mut todo = vec![entry];
        while let Some(pc) = todo.pop() {
            let Ok(i) = self.segments.binary_search_by_key(&pc, |s| s.start) else {
                continue;
            };
            if !std::mem::replace(&mut reached[i], true) {
                todo.extend(&self.segments[i].targets);
            }
        }
        reached
    }

    fn segment(&mut self, module: &Module, start: usize, end: usize) -> Segment {
        let code = &self.function.code;
        let mut insns = Vec::new();
        let mut at = start;
        while at < end {
            let Some(op) = Op::from_word(code[at]) else {
                break;
            };
            insns.push((at, op));
            at += op.word_count();
        }
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

/// Registers that are written once in the whole function, by an instruction for a constant.
fn constants(module: &Module, function: &Function) -> FxHashMap<u16, usize> {
    let mut written: FxHashMap<u16, Option<usize>> = FxHashMap::default();
    for reg in 0..=function.params.len() as u16 {
        written.insert(reg, None);
    }
    let mut at = 0;
    while let Some(op) = function.code.get(at).and_then(|w| Op::from_word(*w)) {
        let words = &function.code[at..];
        let constant = matches!(op, Op::Const | Op::IntConst).then_some(at);
        for reg in changed(module, op, words) {
            let seen = written.insert(reg, constant).is_some();
            if seen {
                written.insert(reg, None);
            }
        }
        at += op.word_count();
    }
    let constant = |(reg, at): (u16, Option<usize>)| Some((reg, at?));
    written.into_iter().filter_map(constant).collect()
}

/// The registers that an instruction writes.
fn changed(module: &Module, op: Op, words: &[u64]) -> Vec<u16> {
    let lane = |n| get_raw(words, n, 1) as u16;
    let regs = op.def().operands.iter();
    let regs = regs.filter(|o| o.kind == OperandKind::Reg);
    let mut changed: Vec<u16> = regs
        .filter(|o| matches!(o.role, Role::Out | Role::Lend | Role::Io))
        .map(|o| lane(o.lane))
        .collect();
    match op {
        Op::Call | Op::CallClosure => changed.push(lane(0)),
        Op::CallNative if module.natives[usize::from(lane(2))].mutator => changed.push(lane(1)),
        _ => {}
    }
    changed
}

/// Where the branch at `pc` can go, apart from the next instruction.
fn branch_targets(function: &Function, op: Op, pc: usize) -> Vec<usize> {
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
