//! Traces made small: as few choices as bring the same failure about.

use std::time::{Duration, Instant};

use super::run::{Entry, Limited, Run, Runner};
use super::{Named, Trace};

/// A run with fewer choices may take so many times as long as the one with all of them, and this
/// in any case, before it is taken to have no end.
const SLOWER: u32 = 10;
const PATIENCE: Duration = Duration::from_secs(2);

/// After so many runs without an end the search is given up.
const ENDLESS_MAX: u64 = 20;

/// What came of it.
#[derive(Debug)]
pub struct Shrunk {
    /// The smaller trace.
    pub trace: Trace,
    /// Runs it took.
    pub replays: u64,
    /// Those of them that had no end and were given up.
    pub endless: u64,
    /// No choice can be left out any more.
    pub minimal: bool,
}

/// The search: delta debugging (Zeller and Hildebrandt 2002) over the choices.
struct Search<'a> {
    runner: &'a Runner,
    entry: &'a Entry,
    wanted: &'a Trace,
    replays: u64,
    endless: u64,
    budget: u64,
    patience: Duration,
    /// A run could not be ended, or the user has ended it.
    over: bool,
}

impl Search<'_> {
    /// Does the failure come with these choices? If so, the run; its own trace has only the
    /// choices that were really made.
    fn fails(&mut self, choices: &[Named]) -> Option<Run> {
        self.replays += 1;
        let trace = Trace {
            deviations: choices.to_vec(),
            ..self.wanted.clone()
        };
        let run = match self.runner.replay_within(&trace, self.entry, self.patience) {
            Limited::Ended(run) => *run,
            limited => {
                self.endless += 1;
                self.over |= matches!(limited, Limited::Stuck);
                return None;
            }
        };
        self.over |= run.stopped.is_some();
        run.trace.end.is_like(&self.wanted.end).then_some(run)
    }

    fn spent(&self) -> bool {
        self.over || self.replays >= self.budget || self.endless >= ENDLESS_MAX
    }

    /// One round: the first part of `n` that suffices, or without which the rest does.
    fn round(&mut self, choices: &[Named], n: usize) -> Option<(Run, bool)> {
        let parts: Vec<&[Named]> = choices.chunks(choices.len().div_ceil(n)).collect();
        if n > 2 || choices.len() > 1 {
            for part in &parts {
                if self.spent() {
                    return None;
                }
                if part.len() < choices.len()
                    && let Some(run) = self.fails(part)
                {
                    return Some((run, true));
                }
            }
        }
        for at in 0..parts.len() {
            if self.spent() {
                return None;
            }
            let rest = parts[..at].iter().chain(&parts[at + 1..]);
            let rest: Vec<Named> = rest.flat_map(|part| part.iter().cloned()).collect();
            if let Some(run) = self.fails(&rest) {
                return Some((run, false));
            }
        }
        None
    }
}

/// Leaves out choices of a failing trace, in at most `budget` runs. `None`: the trace does not
/// bring its failure about. A run without some of the choices may have no end: it is given up.
#[must_use]
pub fn shrink(runner: &Runner, entry: &Entry, trace: &Trace, budget: u64) -> Option<Shrunk> {
    let mut search = Search {
        runner,
        entry,
        wanted: trace,
        replays: 1,
        endless: 0,
        budget,
        patience: PATIENCE,
        over: false,
    };
    let start = Instant::now();
    let first = runner.replay(trace, entry, false);
    if !first.trace.end.is_like(&trace.end) {
        return None;
    }
    search.patience += start.elapsed() * SLOWER;
    search.over = first.stopped.is_some();
    let mut best = first.trace;
    let mut parts = 2;
    let mut minimal = best.deviations.is_empty();
    while !minimal && !search.spent() {
        let choices = best.deviations.clone();
        let n = parts.min(choices.len());
        match search.round(&choices, n) {
            // Fewer were made than were left: that is progress as well.
            Some((run, suffices)) if run.trace.deviations.len() < choices.len() => {
                best = run.trace;
                parts = if suffices { 2 } else { (n - 1).max(2) };
                minimal = best.deviations.is_empty();
            }
            _ if search.spent() => {}
            _ if n == choices.len() => minimal = true,
            _ => parts = n * 2,
        }
    }
    let (from, to) = (trace.deviations.len(), best.deviations.len());
    let Search {
        replays, endless, ..
    } = search;
    let note = format!("shrunk from {from} to {to} choices in {replays} runs");
    best.history.push(note);
    Some(Shrunk {
        trace: best,
        replays,
        endless,
        minimal,
    })
}
