//! Which segments a unit consists of, and which it leaves to the interpreter.
//!
//! Two kinds are not worth native code. What always ends in a failure runs once, if ever, and
//! builds an Error with calls of helpers, which are the dearest thing to compile. And what comes
//! behind the loops that an interpreted loop was entered in runs once for each time it is entered.

use lumen_bytecode::code::Op;

use super::plan::{Plan, Segment, instructions};

/// What a unit does with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Control does not come there.
    Out,
    /// It is an exit.
    Left,
    /// It is translated.
    In,
}

/// For each segment, those that can go to it.
fn sources(segments: &[Segment]) -> Vec<Vec<usize>> {
    let mut sources = vec![Vec::new(); segments.len()];
    for (i, segment) in segments.iter().enumerate() {
        for to in targets(segments, segment) {
            sources[to].push(i);
        }
    }
    sources
}

fn targets(segments: &[Segment], segment: &Segment) -> impl Iterator<Item = usize> {
    let at = |pc: &usize| segments.binary_search_by_key(pc, |s| s.start).ok();
    segment.targets.iter().filter_map(at)
}

/// By segment: whether it ends in a failure whatever way control takes from it. `last` gives the
/// last instruction of a segment.
pub(super) fn doomed(segments: &[Segment], last: impl Fn(&Segment) -> Option<Op>) -> Vec<bool> {
    let sources = sources(segments);
    let mut doomed = vec![false; segments.len()];
    // Ways out of a segment that do not end in a failure, as far as is known.
    let mut good: Vec<usize> = segments
        .iter()
        .map(|s| targets(segments, s).count())
        .collect();
    let fails = |s: &Segment| matches!(last(s), Some(Op::Throw | Op::Rethrow | Op::Fail));
    let mut todo: Vec<usize> = (0..segments.len())
        .filter(|i| good[*i] == 0 && fails(&segments[*i]))
        .collect();
    while let Some(i) = todo.pop() {
        if std::mem::replace(&mut doomed[i], true) {
            continue;
        }
        for &from in &sources[i] {
            good[from] -= 1;
            if good[from] == 0 {
                todo.push(from);
            }
        }
    }
    doomed
}

impl Plan<'_> {
    /// What the unit that begins at word `entry` does with each segment.
    pub(super) fn parts(&self, entry: usize) -> Vec<Part> {
        let segments = &self.segments;
        let mut parts = vec![Part::Out; segments.len()];
        let Ok(first) = segments.binary_search_by_key(&entry, |s| s.start) else {
            return parts;
        };
        // A function that only fails is translated all the same: it must not be an exit at once.
        let doomed = |i: usize| self.doomed[i] && !self.doomed[first];
        let around = (entry != 0).then(|| self.comes_back(first));
        let mut todo = vec![first];
        while let Some(i) = todo.pop() {
            if parts[i] != Part::Out {
                continue;
            }
            if doomed(i) || around.as_ref().is_some_and(|around| !around[i]) {
                parts[i] = Part::Left;
                continue;
            }
            parts[i] = Part::In;
            todo.extend(targets(segments, &segments[i]));
        }
        parts
    }

    /// The instructions of the unit that begins at word `entry`.
    pub(super) fn translated(&self, entry: usize) -> Vec<(usize, Op)> {
        let parts = self.parts(entry);
        let inside = self.segments.iter().zip(parts);
        let inside = inside.filter(|(_, part)| *part == Part::In);
        let all = inside.flat_map(|(s, _)| instructions(self.function, s.start, s.end));
        all.collect()
    }

    /// Which segments can go to segment `to`.
    fn comes_back(&self, to: usize) -> Vec<bool> {
        let sources = sources(&self.segments);
        let mut found = vec![false; self.segments.len()];
        let mut todo = vec![to];
        while let Some(i) = todo.pop() {
            if !std::mem::replace(&mut found[i], true) {
                todo.extend(&sources[i]);
            }
        }
        found
    }

    /// Whether the unit that begins at word `entry` holds the code at word `pc`.
    pub(super) fn holds(&self, entry: usize, pc: usize) -> bool {
        let after = self.segments.partition_point(|s| s.start <= pc);
        self.parts(entry)[after.saturating_sub(1)] == Part::In
    }
}
