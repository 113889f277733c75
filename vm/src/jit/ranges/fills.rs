//! Short loops: what is repeated in their translation, and those that only fill a list.

use lumen_bytecode::code::Op;
use lumen_bytecode::module::well_known as wk;

use super::{Analysis, Base, Facts};
use crate::jit::plan::branch_targets;

/// A loop that only appends a value that does not change, and counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jit) struct Fill {
    /// The list.
    pub(in crate::jit) list: u16,
    /// Whether its elements are bytes.
    pub(in crate::jit) bytes: bool,
    /// What is appended.
    pub(in crate::jit) value: Filler,
    /// The counter, and what it stays below.
    pub(in crate::jit) count: u16,
    pub(in crate::jit) limit: u16,
}

/// What a list is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jit) enum Filler {
    /// What a register holds throughout.
    Reg(u16),
    /// What the instruction at this word gives.
    Constant(usize),
}

/// Instructions of a loop at most to be translated so often.
const COPIES: [(usize, usize); 2] = [(SHORT, 4), (18, 2)];
/// Instructions of a short loop.
pub(super) const SHORT: usize = 9;

impl Analysis<'_> {
    /// How often the loop is to be translated, so that it looks at the poll word that much more
    /// rarely. Nothing in it may set the poll word or take long.
    pub(super) fn copies(&self, facts: &Facts) -> usize {
        let fits = COPIES.iter().find(|(most, _)| self.length() <= *most);
        match fits {
            Some((_, copies)) if self.quiet && facts.fill.is_none() => *copies,
            _ => 1,
        }
    }

    /// How many instructions the loop has.
    pub(super) fn length(&self) -> usize {
        let members = self.l.members.iter();
        members.map(|m| self.instructions(*m).len()).sum()
    }

    /// Whether the loop only fills a list.
    pub(super) fn fill(&self, facts: &Facts) -> Option<Fill> {
        let ([member], [list]) = (&self.l.members[..], &facts.growing[..]) else {
            return None;
        };
        let all = self.instructions(*member);
        let [constants @ .., (push, op), (end, Op::ForInt)] = &all[..] else {
            return None;
        };
        let bytes = match op {
            Op::ListPush => false,
            Op::ListPushByte => true,
            _ => return None,
        };
        let (value, count, limit) = (self.lane(*push, 1), self.lane(*end, 0), self.lane(*end, 1));
        let start = self.plan.segments[*member].start;
        let back = branch_targets(self.plan.function, Op::ForInt, *end) == [start];
        let filler = match constants {
            [] if self.invariant(value) && self.is_plain(value) => Filler::Reg(value),
            [(pc, Op::Const | Op::IntConst)] if self.lane(*pc, 0) == value => Filler::Constant(*pc),
            _ => return None,
        };
        let counted = self.is_int(count) && self.invariant_int(limit) && count != value;
        let sound = back && counted && facts.unique(Base::Reg(*list));
        sound.then_some(Fill {
            list: *list,
            bytes,
            value: filler,
            count,
            limit,
        })
    }

    /// Whether a register holds an Int, a Float or a Bool when the loop is entered.
    fn is_plain(&self, reg: u16) -> bool {
        let plain = [wk::INT, wk::FLOAT, wk::BOOL];
        self.entry_type(reg)
            .is_some_and(|(ty, as_such)| as_such && plain.contains(&ty))
    }
}
