//! What holds in an innermost loop if it holds when the loop is entered.
//!
//! A list in a register that the loop does not write keeps its length, as values do not change
//! under their holders. If a counter only grows (or only falls) and each use of it as an index is
//! behind a comparison with a bound, then a test of the bound against the length at the loop's
//! entry makes the tests of the index superfluous. This analysis looks for such proofs; the tests
//! they rest on are the loop's [`Condition`]s. Where these do not hold, control takes another
//! translation of the loop, which has all tests.

use lumen_bytecode::code::{Op, get_raw};
use lumen_bytecode::module::{Hold, Module, TypeDesc, well_known as wk};
use lumen_bytecode::operand::{OperandKind, Role};
use rustc_hash::{FxHashMap, FxHashSet};

mod counts;
mod fills;
mod proofs;

pub(super) use fills::{Fill, Filler};

use super::loops::Loop;
use super::plan::{Plan, branch_targets, instructions};

/// Something whose length or uniqueness is known throughout a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Base {
    /// The list or object in a register.
    Reg(u16),
    /// The element of the list in the first register at the index in the second.
    Row(u16, u16),
}

/// What is tested when a loop is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The Int in the second register is an index of the list in the first.
    Index(u16, u16),
    /// The first is less than the second.
    Below(u16, u16),
    /// The first is not greater than the second.
    AtMost(u16, u16),
    /// It is not less than 0, and less than [`MODERATE`].
    NonNegative(u16),
    /// It is at most [`FAR`].
    Near(u16),
    /// It is between -[`FAR_SUM`] and [`FAR_SUM`].
    Moderate(u16),
    /// `reg + more <= len(base)`.
    Room { reg: u16, base: Base, more: i64 },
    /// It has one reference.
    Unique(Base),
}

/// What is added to an index, at most, for the sum not to overflow.
pub(super) const MODERATE: i64 = 1 << 62;

/// How often a loop is repeated, at most, for what it adds up to be within [`FAR_SUM`].
pub(super) const FAR: i64 = 1 << 38;

/// Twice this is no overflow.
pub(super) const FAR_SUM: i64 = 1 << 61;

/// Conditions at most: what is tested costs time too.
const CONDITIONS: usize = 12;
/// Comparisons of registers that are followed at most.
const PAIRS: usize = 64;

/// What is known in a loop.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// What it rests on.
    pub(super) conditions: Vec<Condition>,
    /// Of what the length is wanted in the loop.
    pub(super) lengths: Vec<Base>,
    /// Registers of lists that the loop changes by appending only, ascending: their lengths and
    /// the room they have are kept in machine registers.
    pub(super) growing: Vec<u16>,
    /// How often the loop is translated.
    pub(super) copies: usize,
    /// The loop does nothing but append the same again and again.
    pub(super) fill: Option<Fill>,
    /// Index operands (the first, or the second) that are in range.
    inside: FxHashSet<(usize, u8)>,
    /// Index operands that are not negative.
    nonnegative: FxHashSet<(usize, u8)>,
    /// Additions that cannot overflow.
    exact: FxHashSet<usize>,
}

impl Facts {
    /// Whether index operand `which` of the instruction at `pc` is in range.
    pub(super) fn inside(&self, pc: usize, which: u8) -> bool {
        self.inside.contains(&(pc, which))
    }

    /// Whether index operand `which` of the instruction at `pc` is not negative.
    pub(super) fn nonnegative(&self, pc: usize, which: u8) -> bool {
        self.nonnegative.contains(&(pc, which))
    }

    /// Whether the addition at `pc` cannot overflow.
    pub(super) fn exact(&self, pc: usize) -> bool {
        self.exact.contains(&pc)
    }

    /// Whether it has one reference throughout.
    pub(super) fn unique(&self, base: Base) -> bool {
        self.conditions.contains(&Condition::Unique(base))
    }

    /// Whether there is nothing to know.
    pub(super) fn is_empty(&self) -> bool {
        let known = self.conditions.is_empty() && self.lengths.is_empty();
        known && self.growing.is_empty() && self.copies < 2
    }

    fn require(&mut self, condition: Condition) {
        if !self.conditions.contains(&condition) {
            self.conditions.push(condition);
        }
    }

    fn want_length(&mut self, base: Base) {
        if !self.lengths.contains(&base) {
            self.lengths.push(base);
        }
    }
}

/// How an instruction changes a register.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// By a constant.
    Constant(i64),
    /// Up, or down, by the Int in a register.
    Register(u16, bool),
    /// Up by one, if the register is less than another there.
    Counted(usize),
    /// By appending to the list in it.
    Push,
    /// In any way.
    Other,
}

/// `a < b`, or `a <= b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pair {
    a: u16,
    b: u16,
    strict: bool,
}

struct Analysis<'a> {
    plan: &'a Plan<'a>,
    module: &'a Module,
    l: &'a Loop,
    pairs: Vec<Pair>,
    /// By member: the pairs that hold at its start.
    holds: Vec<u64>,
    steps: FxHashMap<u16, Vec<Step>>,
    /// Registers from here on are lost in calls.
    lost: u16,
    /// Lists whose words are replaced.
    replaced: FxHashSet<u16>,
    /// No instruction of the loop adds references to anything.
    quiet: bool,
}

/// Analyses a loop.
pub(super) fn analyse(module: &Module, plan: &Plan<'_>, l: &Loop) -> Facts {
    let mut analysis = Analysis {
        plan,
        module,
        l,
        pairs: Vec::new(),
        holds: Vec::new(),
        steps: FxHashMap::default(),
        lost: u16::MAX,
        replaced: FxHashSet::default(),
        quiet: true,
    };
    analysis.collect_pairs();
    analysis.flow();
    analysis.collect_steps();
    let mut facts = analysis.prove();
    analysis.count(&mut facts);
    facts.fill = analysis.fill(&facts);
    facts.copies = analysis.copies(&facts);
    // Rows are loaded once their index has been found good.
    facts
        .conditions
        .sort_by_key(|c| !matches!(c, Condition::Index(..)));
    facts
}

/// Whether an instruction adds no references to anything that a register holds.
pub(super) fn is_quiet(op: Op) -> bool {
    use Op::*;
    op.is_back_edge()
        || op.label().is_some()
        || matches!(
            op,
            Move | Lend | Const | IntConst | Drop | SwitchTag | SwitchInt | BoxInt | BoxFloat
        )
        || matches!(
            op,
            BoxBool | UnboxInt | UnboxFloat | UnboxBool | Cast | Widen | IsType
        )
        || matches!(
            op,
            FieldGet | FieldGetWord | FieldSet | FieldSetWord | New | StrEq
        )
        || matches!(
            op,
            ListLen | ListGet | ListGetWord | ListGetByte | ListGet2 | ListGetField
        )
        || matches!(
            op,
            ListSet | ListSetWord | ListSetByte | ListSet2 | ListSetField
        )
        || matches!(op, ListPush | ListPushByte | ListPushWord)
        || is_arithmetic(op)
}

/// Whether an instruction computes numbers from numbers.
pub(super) fn is_arithmetic(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        IntAdd | IntSub | IntMul | IntDiv | IntFloorDiv | IntMod | IntPow | IntNeg | IntNot
    ) || matches!(
        op,
        IntAnd | IntOr | IntXor | IntShl | IntShr | IntWrapAdd | IntWrapSub | IntWrapMul
    ) || matches!(
        op,
        IntAddI | IntMulI | IntDivI | IntFloorDivI | IntModI | IntAndI | IntShlI | IntShrI
    ) || matches!(op, IntEq | IntNe | IntLt | IntLe | BoolNot | IntToFloat)
        || matches!(
            op,
            FloatAdd | FloatSub | FloatMul | FloatDiv | FloatFloorDiv | FloatMod | FloatPow
        )
        || matches!(
            op,
            FloatNeg | FloatSqrt | FloatAbs | FloatMulAdd | FloatMulSub
        )
        || matches!(op, FloatEq | FloatNe | FloatLt | FloatLe)
}

/// Whether an instruction changes elements of the list in its first operand where it is, and does
/// nothing if the list has more than one reference.
fn sets_element(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        ListSet | ListSetWord | ListSetByte | ListSet2 | ListSetField
    )
}

impl Analysis<'_> {
    fn lane(&self, pc: usize, n: usize) -> u16 {
        get_raw(&self.plan.function.code[pc..], n, 1) as u16
    }

    fn imm(&self, pc: usize, n: usize) -> i64 {
        i64::from(self.lane(pc, n) as i16)
    }

    /// The instructions of a member.
    fn instructions(&self, member: usize) -> Vec<(usize, Op)> {
        let segment = &self.plan.segments[member];
        instructions(self.plan.function, segment.start, segment.end)
    }

    /// What is true behind the branch at `pc`, and what on the way to its target.
    fn compared(&self, pc: usize, op: Op) -> (Option<Pair>, Option<Pair>) {
        use Op::*;
        let pair = |a, b, strict| Some(Pair { a, b, strict });
        let (a, b) = (self.lane(pc, 0), self.lane(pc, 1));
        match op {
            JumpIntLt | LoopIntLt => (pair(b, a, false), pair(a, b, true)),
            JumpIntLe | LoopIntLe => (pair(b, a, true), pair(a, b, false)),
            ForInt => (None, pair(a, b, true)),
            ForIntLe => (None, pair(a, b, false)),
            _ => (None, None),
        }
    }

    fn collect_pairs(&mut self) {
        for &member in &self.l.members {
            for (pc, op) in self.instructions(member) {
                let (on, to) = self.compared(pc, op);
                for pair in [on, to].into_iter().flatten() {
                    if !self.pairs.contains(&pair) && self.pairs.len() < PAIRS {
                        self.pairs.push(pair);
                    }
                }
            }
        }
    }

    fn pair_bits(&self, pair: Option<Pair>) -> u64 {
        let Some(pair) = pair else { return 0 };
        let same = |p: &Pair| p.a == pair.a && p.b == pair.b && (pair.strict || !p.strict);
        let all = self.pairs.iter().enumerate();
        all.filter(|(_, p)| same(p)).map(|(i, _)| 1 << i).sum()
    }

    /// The pairs that say something of a register.
    fn bits_of(&self, reg: u16) -> u64 {
        let all = self.pairs.iter().enumerate();
        all.filter(|(_, p)| p.a == reg || p.b == reg)
            .map(|(i, _)| 1 << i)
            .sum()
    }

    /// The registers that an instruction writes, and whether it loses all from one on.
    fn written(&self, pc: usize, op: Op) -> (Vec<u16>, Option<u16>) {
        let words = &self.plan.function.code[pc..];
        let mut written = Vec::new();
        for operand in op.def().operands {
            let writes = match operand.role {
                Role::Out | Role::Lend => true,
                Role::Io => match op {
                    // It stays in the register while it has one reference.
                    Op::FieldSet | Op::FieldSetWord => !self.quiet,
                    _ => !sets_element(op),
                },
                _ => false,
            };
            if operand.kind == OperandKind::Reg && writes {
                written.push(get_raw(words, operand.lane, 1) as u16);
            }
        }
        let lost = match op {
            Op::Call | Op::CallClosure => Some(self.lane(pc, 0)),
            Op::CallNative => {
                // A native may replace its first argument.
                written.push(self.lane(pc, 1));
                None
            }
            _ => None,
        };
        (written, lost)
    }

    /// The pairs that an instruction leaves alone.
    fn kept(&self, pc: usize, op: Op) -> u64 {
        let (written, lost) = self.written(pc, op);
        let mut kept = !0;
        for reg in written {
            kept &= !self.bits_of(reg);
        }
        if let Some(lost) = lost {
            for (i, pair) in self.pairs.iter().enumerate() {
                if pair.a >= lost || pair.b >= lost {
                    kept &= !(1 << i);
                }
            }
        }
        kept
    }

    /// Walks a member with the pairs that hold; `edge` sees each way out.
    fn walk(
        &self,
        member: usize,
        mut bits: u64,
        mut see: impl FnMut(usize, Op, u64),
        mut edge: impl FnMut(usize, u64),
    ) {
        let mut closed = false;
        for (pc, op) in self.instructions(member) {
            see(pc, op, bits);
            bits &= self.kept(pc, op);
            let (on, to) = self.compared(pc, op);
            for target in branch_targets(self.plan.function, op, pc) {
                edge(target, bits | self.pair_bits(to));
            }
            bits |= self.pair_bits(on);
            closed = op.is_terminator();
        }
        if !closed {
            edge(self.plan.segments[member].end, bits);
        }
    }

    /// Which pairs hold where members begin. At the header those hold that hold on all ways back:
    /// what is used of them is a condition.
    fn flow(&mut self) {
        self.quiet = self.l.members.iter().all(|m| {
            let all = self.instructions(*m);
            all.into_iter().all(|(_, op)| is_quiet(op))
        });
        let starts: Vec<usize> = self
            .l
            .members
            .iter()
            .map(|m| self.plan.segments[*m].start)
            .collect();
        self.holds = vec![!0; starts.len()];
        let testable = self.testable();
        loop {
            let mut next = vec![!0_u64; starts.len()];
            for (i, &member) in self.l.members.iter().enumerate() {
                self.walk(
                    member,
                    self.holds[i],
                    |_, _, _| {},
                    |target, bits| {
                        if let Ok(to) = starts.binary_search(&target) {
                            next[to] &= bits;
                        }
                    },
                );
            }
            for (i, &member) in self.l.members.iter().enumerate() {
                if member == self.l.header {
                    next[i] &= testable;
                }
                next[i] &= self.holds[i];
            }
            if next == self.holds {
                return;
            }
            self.holds = next;
        }
    }

    /// The pairs of Ints that are there when the loop is entered.
    fn testable(&self) -> u64 {
        let all = self.pairs.iter().enumerate();
        all.filter(|(_, p)| self.is_int(p.a) && self.is_int(p.b))
            .map(|(i, _)| 1 << i)
            .sum()
    }

    fn at_header(&self) -> u64 {
        let found = self.l.members.binary_search(&self.l.header);
        found.map_or(0, |i| self.holds[i])
    }

    /// What a register holds when the loop is entered: its type, and whether as such.
    fn entry_type(&self, reg: u16) -> Option<(u32, bool)> {
        let start = self.plan.segments[self.l.header].start;
        let live = &self.plan.map(start)?.live;
        let found = live.iter().find(|entry| entry.reg == reg)?;
        Some((found.ty, found.hold == Hold::Plain))
    }

    fn is_int(&self, reg: u16) -> bool {
        self.entry_type(reg) == Some((wk::INT, true))
    }

    fn collect_steps(&mut self) {
        let mut steps: FxHashMap<u16, Vec<Step>> = FxHashMap::default();
        let mut lost = u16::MAX;
        let mut replaced = FxHashSet::default();
        for (i, &member) in self.l.members.iter().enumerate() {
            let see = |pc: usize, op: Op, bits: u64| {
                if op == Op::ListSetWord {
                    replaced.insert(self.lane(pc, 0));
                }
                let (written, from) = self.written(pc, op);
                lost = lost.min(from.unwrap_or(u16::MAX));
                for reg in written {
                    let step = self.step(pc, op, reg, bits);
                    steps.entry(reg).or_default().push(step);
                }
            };
            self.walk(member, self.holds[i], see, |_, _| {});
        }
        (self.steps, self.lost, self.replaced) = (steps, lost, replaced);
    }

    fn step(&self, pc: usize, op: Op, reg: u16, bits: u64) -> Step {
        let (dst, a, b) = (self.lane(pc, 0), self.lane(pc, 1), self.lane(pc, 2));
        match op {
            Op::IntAddI if dst == a => Step::Constant(self.imm(pc, 2)),
            Op::IntAdd if dst == a => Step::Register(b, true),
            Op::IntAdd if dst == b => Step::Register(a, true),
            Op::IntSub if dst == a => Step::Register(b, false),
            Op::ForInt => match self.strict(bits, |p| p.a == reg) {
                Some(bit) => Step::Counted(bit),
                None => Step::Other,
            },
            Op::ForIntLe => Step::Constant(1),
            Op::ListPush | Op::ListPushByte | Op::ListPushWord => Step::Push,
            Op::ForList | Op::ForListWord | Op::ForListByte if reg == dst => Step::Constant(1),
            _ => Step::Other,
        }
    }

    fn strict(&self, bits: u64, wanted: impl Fn(&Pair) -> bool) -> Option<usize> {
        let mut all = self.pairs.iter().enumerate();
        let found = all.find(|(i, p)| bits >> i & 1 == 1 && p.strict && wanted(p));
        found.map(|(i, _)| i)
    }

    /// The register keeps its value in the loop, and has it when the loop is entered.
    fn invariant(&self, reg: u16) -> bool {
        reg < self.lost && !self.steps.contains_key(&reg) && self.entry_type(reg).is_some()
    }

    fn is_list(&self, reg: u16) -> bool {
        let list = |ty: u32| matches!(self.module.types[ty as usize], TypeDesc::List(_));
        let held = self.entry_type(reg);
        held.is_some_and(|(ty, plain)| !plain && list(ty))
    }

    fn invariant_list(&self, reg: u16) -> bool {
        self.invariant(reg) && self.is_list(reg)
    }

    /// The registers of lists that nothing is done to but appending: a few of them.
    fn growing(&self) -> Vec<u16> {
        let pushed = |steps: &[Step]| steps.iter().all(|s| matches!(s, Step::Push));
        let all = self.steps.iter();
        let mut found: Vec<u16> = all
            .filter(|(reg, steps)| **reg < self.lost && pushed(steps) && self.is_list(**reg))
            .map(|(reg, _)| *reg)
            .collect();
        found.sort_unstable();
        found.truncate(2);
        found
    }

    fn invariant_object(&self, reg: u16) -> bool {
        let object = |ty: u32| {
            let ty = &self.module.types[ty as usize];
            matches!(ty, TypeDesc::Record { .. } | TypeDesc::Tuple(_))
        };
        let held = self.entry_type(reg);
        self.invariant(reg) && held.is_some_and(|(ty, plain)| !plain && object(ty))
    }

    fn invariant_int(&self, reg: u16) -> bool {
        self.invariant(reg) && self.is_int(reg)
    }
}
