//! Sums that are too small to overflow: of small constants, in loops that end soon enough.

use lumen_bytecode::code::Op;

use super::fills::SHORT;
use super::{Analysis, CONDITIONS, Condition, Facts, Step};
use crate::jit::plan::branch_targets;

/// Additions that are found at most: so many add no more than 2^15 each at most 2^38 times
/// ([`super::FAR`]), which is no more than [`super::FAR_SUM`].
const SUMS: usize = 1 << 8;

impl Analysis<'_> {
    /// Finds the additions of constants that cannot overflow because the loop is not repeated
    /// often enough.
    pub(super) fn count(&self, facts: &mut Facts) {
        if facts.conditions.is_empty() && self.length() > SHORT {
            return;
        }
        let mut out = Vec::new();
        let Some(counter) = self.repeated(&mut out) else {
            return;
        };
        let mut found = Vec::new();
        for &member in &self.l.members {
            for (pc, op) in self.instructions(member) {
                let reg = self.lane(pc, 0);
                let sums = op == Op::IntAddI && reg == self.lane(pc, 1) && reg != counter;
                if sums && !facts.exact(pc) && reg < self.lost && self.is_int(reg) {
                    let steps = self.steps.get(&reg).map_or(&[][..], |s| s);
                    if steps.iter().all(|s| matches!(s, Step::Constant(_))) {
                        out.push(Condition::Moderate(reg));
                        found.push(pc);
                    }
                }
            }
        }
        let few = (1..=SUMS).contains(&found.len());
        if few && facts.conditions.len() + out.len() <= CONDITIONS {
            out.into_iter().for_each(|c| facts.require(c));
            facts.exact.extend(found);
        }
    }

    /// The counter of a loop that is repeated [`super::FAR`] times at most.
    fn repeated(&self, out: &mut Vec<Condition>) -> Option<u16> {
        let header = self.plan.segments[self.l.header].start;
        let mut back = Vec::new();
        for &member in &self.l.members {
            let all = self.instructions(member);
            let last = all.last().map(|l| l.1);
            if self.plan.segments[member].end == header && !last?.is_terminator() {
                return None;
            }
            back.extend(
                all.into_iter().filter(|(pc, op)| {
                    branch_targets(self.plan.function, *op, *pc).contains(&header)
                }),
            );
        }
        let [(pc, op)] = back[..] else { return None };
        let counter = self.lane(pc, 0);
        let stepped = self.steps.get(&counter).is_some_and(|s| s.len() == 1);
        if !stepped || counter >= self.lost || !self.is_int(counter) {
            return None;
        }
        match op {
            // No list has more elements than that.
            Op::ForList | Op::ForListWord | Op::ForListByte => {}
            Op::ForInt if self.invariant_int(self.lane(pc, 1)) => {
                out.push(Condition::NonNegative(counter));
                out.push(Condition::Near(self.lane(pc, 1)));
            }
            _ => return None,
        }
        Some(counter)
    }
}
