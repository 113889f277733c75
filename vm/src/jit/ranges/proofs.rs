//! What follows from the comparisons and steps of a loop: indices in range, sums that fit.

use lumen_bytecode::code::Op;
use rustc_hash::FxHashMap;

use super::{Analysis, Base, CONDITIONS, Condition, Facts, Pair, Step};

impl Analysis<'_> {
    /// What is used of what holds at the header is a condition.
    fn use_pair(&self, bit: usize, out: &mut Vec<Condition>) {
        if self.at_header() >> bit & 1 == 1 {
            let Pair { a, b, strict } = self.pairs[bit];
            out.push(match strict {
                true => Condition::Below(a, b),
                false => Condition::AtMost(a, b),
            });
        }
    }

    /// The register only grows (or only falls) in the loop.
    fn monotone(&self, reg: u16, up: bool, out: &mut Vec<Condition>) -> bool {
        if reg >= self.lost || !self.is_int(reg) {
            return false;
        }
        let steps = self.steps.get(&reg).map_or(&[][..], |s| s);
        steps.iter().all(|step| match *step {
            Step::Constant(k) => k == 0 || (k > 0) == up,
            Step::Register(by, adds) => {
                out.push(Condition::NonNegative(by));
                adds == up && self.invariant_int(by)
            }
            Step::Counted(bit) => {
                self.use_pair(bit, out);
                up
            }
            Step::Push | Step::Other => false,
        })
    }

    /// Tries ways to a proof; conditions of those that fail are forgotten.
    fn attempt(out: &mut Vec<Condition>, way: impl FnOnce(&mut Vec<Condition>) -> bool) -> bool {
        let before = out.len();
        let proved = way(out);
        if !proved {
            out.truncate(before);
        }
        proved
    }

    /// `reg + k >= 0`, where `bits` hold.
    fn lower(&self, bits: u64, reg: u16, k: i64, out: &mut Vec<Condition>, depth: u8) -> bool {
        if k >= 0
            && Self::attempt(out, |out| {
                out.push(Condition::NonNegative(reg));
                self.monotone(reg, true, out)
            })
        {
            return true;
        }
        if depth == 0 {
            return false;
        }
        self.pairs.iter().enumerate().any(|(i, p)| {
            let gap = k + i64::from(p.strict);
            let fits = bits >> i & 1 == 1 && p.b == reg && gap >= 0;
            fits && Self::attempt(out, |out| {
                self.use_pair(i, out);
                self.lower(bits, p.a, gap, out, depth - 1)
            })
        })
    }

    /// `reg + k < len(base)`, where `bits` hold.
    fn upper(
        &self,
        bits: u64,
        (reg, k): (u16, i64),
        base: Base,
        out: &mut Vec<Condition>,
        depth: u8,
    ) -> bool {
        for (i, p) in self.pairs.iter().enumerate() {
            if bits >> i & 1 == 0 || p.a != reg {
                continue;
            }
            let k = k - i64::from(p.strict);
            let by = |out: &mut Vec<Condition>| {
                self.use_pair(i, out);
                if self.invariant_int(p.b) {
                    out.push(Condition::Room {
                        reg: p.b,
                        base,
                        more: k + 1,
                    });
                    return true;
                }
                depth > 0 && self.upper(bits, (p.b, k), base, out, depth - 1)
            };
            if Self::attempt(out, by) {
                return true;
            }
        }
        Self::attempt(out, |out| {
            out.push(Condition::Room {
                reg,
                base,
                more: k + 1,
            });
            self.monotone(reg, false, out)
        })
    }

    pub(super) fn prove(&self) -> Facts {
        let mut facts = Facts {
            growing: self.growing(),
            ..Facts::default()
        };
        if self.quiet {
            for reg in &facts.growing {
                facts.conditions.push(Condition::Unique(Base::Reg(*reg)));
            }
        }
        for (i, &member) in self.l.members.iter().enumerate() {
            // Registers that are another one plus a constant.
            let mut sums: FxHashMap<u16, (u16, i64)> = FxHashMap::default();
            let see = |pc: usize, op: Op, bits: u64| {
                self.instruction(&mut facts, &sums, pc, op, bits);
                let sum = self.sum(&sums, pc, op);
                let (written, lost) = self.written(pc, op);
                sums.retain(|reg, of| {
                    !written.contains(reg)
                        && !written.contains(&of.0)
                        && lost.is_none_or(|lost| *reg < lost && of.0 < lost)
                });
                if let Some((dst, of)) = sum.filter(|(dst, of)| *dst != of.0) {
                    sums.insert(dst, of);
                }
            };
            self.walk(member, self.holds[i], see, |_, _| {});
        }
        facts
    }

    fn sum(
        &self,
        sums: &FxHashMap<u16, (u16, i64)>,
        pc: usize,
        op: Op,
    ) -> Option<(u16, (u16, i64))> {
        let (dst, a) = (self.lane(pc, 0), self.lane(pc, 1));
        let k = match op {
            Op::IntAddI => self.imm(pc, 2),
            Op::Move => 0,
            _ => return None,
        };
        let of = sums.get(&a).copied().unwrap_or((a, 0));
        Some((dst, (of.0, of.1 + k)))
    }

    /// What can be proved of operand `which` of the instruction at `at.0`, register `reg`, as an
    /// index of the list `base`.
    fn index(
        &self,
        facts: &mut Facts,
        sums: &FxHashMap<u16, (u16, i64)>,
        (pc, bits): (usize, u64),
        (base, reg, which): (Base, u16, u8),
    ) {
        let of = sums.get(&reg).copied().unwrap_or((reg, 0));
        for (reg, k) in [of, (reg, 0)] {
            let mut out = Vec::new();
            if self.lower(bits, reg, k, &mut out, 2)
                && self.upper(bits, (reg, k), base, &mut out, 2)
                && facts.conditions.len() + out.len() <= CONDITIONS
            {
                out.into_iter().for_each(|c| facts.require(c));
                facts.inside.insert((pc, which));
                return;
            }
        }
        facts.want_length(base);
        let mut out = Vec::new();
        if self.lower(bits, of.0, of.1, &mut out, 2)
            && facts.conditions.len() + out.len() <= CONDITIONS
        {
            out.into_iter().for_each(|c| facts.require(c));
            facts.nonnegative.insert((pc, which));
        }
    }

    /// What can be proved of an instruction.
    fn instruction(
        &self,
        facts: &mut Facts,
        sums: &FxHashMap<u16, (u16, i64)>,
        pc: usize,
        op: Op,
        bits: u64,
    ) {
        use Op::*;
        let lane = |n| self.lane(pc, n);
        let index = |facts: &mut Facts, base, reg, which| {
            self.index(facts, sums, (pc, bits), (base, reg, which));
        };
        match op {
            ListLen if self.invariant_list(lane(1)) => facts.want_length(Base::Reg(lane(1))),
            ForList | ForListWord | ForListByte if self.invariant_list(lane(1)) => {
                facts.want_length(Base::Reg(lane(1)));
            }
            ListGet | ListGetWord | ListGetByte if self.invariant_list(lane(1)) => {
                index(facts, Base::Reg(lane(1)), lane(2), 0);
            }
            ListSet | ListSetWord | ListSetByte if self.invariant_list(lane(0)) => {
                index(facts, Base::Reg(lane(0)), lane(1), 0);
                self.want_unique(facts, Base::Reg(lane(0)));
            }
            ListGet2 if self.row(lane(1), lane(2)) => {
                facts.require(Condition::Index(lane(1), lane(2)));
                index(facts, Base::Row(lane(1), lane(2)), lane(3), 1);
            }
            ListGet2 if self.invariant_list(lane(1)) => {
                index(facts, Base::Reg(lane(1)), lane(2), 0)
            }
            ListSet2 if self.row(lane(0), lane(1)) => {
                facts.require(Condition::Index(lane(0), lane(1)));
                index(facts, Base::Row(lane(0), lane(1)), lane(2), 1);
                self.want_unique(facts, Base::Reg(lane(0)));
                self.want_unique(facts, Base::Row(lane(0), lane(1)));
            }
            ListSet2 if self.invariant_list(lane(0)) => {
                index(facts, Base::Reg(lane(0)), lane(1), 0);
                self.want_unique(facts, Base::Reg(lane(0)));
            }
            ListGetField if self.row(lane(1), lane(2)) => {
                facts.require(Condition::Index(lane(1), lane(2)));
            }
            ListGetField if self.invariant_list(lane(1)) => {
                index(facts, Base::Reg(lane(1)), lane(2), 0);
            }
            ListSetField if self.row(lane(0), lane(1)) => {
                facts.require(Condition::Index(lane(0), lane(1)));
                self.want_unique(facts, Base::Reg(lane(0)));
                self.want_unique(facts, Base::Row(lane(0), lane(1)));
            }
            ListSetField if self.invariant_list(lane(0)) => {
                index(facts, Base::Reg(lane(0)), lane(1), 0);
                self.want_unique(facts, Base::Reg(lane(0)));
            }
            FieldSet | FieldSetWord if self.invariant_object(lane(0)) => {
                self.want_unique(facts, Base::Reg(lane(0)));
            }
            IntAddI => self.exact(facts, pc, bits),
            IntAdd if lane(0) == lane(1) => self.exact_sum(facts, pc, bits),
            _ => {}
        }
    }

    /// An element that stays where it is.
    fn row(&self, list: u16, index: u16) -> bool {
        self.invariant_list(list) && self.invariant_int(index) && !self.replaced.contains(&list)
    }

    fn want_unique(&self, facts: &mut Facts, base: Base) {
        if self.quiet {
            facts.require(Condition::Unique(base));
        }
    }

    /// An index, below the length of a list, plus what is not negative and moderate: both tested
    /// already.
    fn exact_sum(&self, facts: &mut Facts, pc: usize, bits: u64) {
        let (reg, by) = (self.lane(pc, 1), self.lane(pc, 2));
        let bounded = |bound: u16| {
            facts
                .conditions
                .iter()
                .any(|c| matches!(c, Condition::Room { reg, .. } if *reg == bound))
        };
        let below = self.strict(bits, |p| p.a == reg && bounded(p.b));
        let moderate = facts.conditions.contains(&Condition::NonNegative(by));
        if let Some(bit) = below.filter(|_| moderate && self.invariant_int(by)) {
            let mut out = Vec::new();
            self.use_pair(bit, &mut out);
            out.into_iter().for_each(|c| facts.require(c));
            facts.exact.insert(pc);
        }
    }

    /// One more than what is less than something, or one less than what is greater.
    fn exact(&self, facts: &mut Facts, pc: usize, bits: u64) {
        let (reg, k) = (self.lane(pc, 1), self.imm(pc, 2));
        let found = match k {
            1 => self.strict(bits, |p| p.a == reg),
            -1 => self.strict(bits, |p| p.b == reg),
            _ => None,
        };
        let Some(bit) = found else { return };
        let mut out = Vec::new();
        self.use_pair(bit, &mut out);
        out.into_iter().for_each(|c| facts.require(c));
        facts.exact.insert(pc);
    }
}
