//! Choices kept and made again: a run is written down as where it differs from first in, first
//! out, each place named so that it is found again when others go.

use crate::sched::decide::{Choice, Decision, FaultPoints, Policy};
use crate::sched::trace_hash::{ROOT_PATH, mix};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// Where a choice is made. It depends on nothing that other fibers did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Site {
    /// Digest of the path of the fiber that runs, or that ran last.
    pub fiber: u64,
    /// At which of its operations, from 1; 0 is before the first.
    pub ordinal: u32,
    /// What is chosen.
    pub decision: Decision,
    /// How many choices of this kind that operation has met before.
    pub nth: u32,
}

/// A choice of something else than option 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// Where.
    pub site: Site,
    /// What was chosen.
    pub chosen: Choice,
}

/// The digest of the path that reports show as `main.2.1`. `None`: it is no path.
#[must_use]
pub fn path_hash(path: &str) -> Option<u64> {
    let mut parts = path.split('.');
    let root = match parts.next()?.strip_prefix("main")? {
        "" => 1,
        number => number.strip_prefix('#')?.parse().ok()?,
    };
    let rest: Result<Vec<u32>, _> = parts.map(str::parse).collect();
    Some(rest.ok()?.into_iter().fold(mix(ROOT_PATH, root), mix))
}

/// No protocol of the scheduler: the system's lock, in models, too.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

/// Names the places of choices.
#[derive(Debug, Default)]
struct Cursor {
    fiber: u64,
    fibers: HashMap<u64, Seen>,
}

/// Choices met at the latest operation of a fiber.
#[derive(Debug, Default)]
struct Seen {
    ordinal: u32,
    counts: HashMap<Decision, u32>,
}

impl Cursor {
    fn running(&mut self, fiber: u64, ordinal: Option<u32>) {
        self.fiber = fiber;
        let Some(ordinal) = ordinal else { return };
        let seen = self.fibers.entry(fiber).or_default();
        if seen.ordinal != ordinal {
            seen.ordinal = ordinal;
            seen.counts.clear();
        }
    }

    fn next(&mut self, decision: Decision) -> Site {
        let seen = self.fibers.entry(self.fiber).or_default();
        let count = seen.counts.entry(decision).or_default();
        *count += 1;
        Site {
            fiber: self.fiber,
            ordinal: seen.ordinal,
            decision,
            nth: *count - 1,
        }
    }
}

/// What a [`Record`] writes, for whoever started the run.
#[derive(Clone, Debug, Default)]
pub struct Tape(Arc<Mutex<Vec<Deviation>>>);

impl Tape {
    /// What has been written, in the order of the run.
    #[must_use]
    pub fn take(&self) -> Vec<Deviation> {
        std::mem::take(&mut held(&self.0))
    }
}

/// Another policy, whose choices are written down.
pub struct Record {
    inner: Box<dyn Policy>,
    cursor: Cursor,
    tape: Tape,
}

impl Record {
    /// `inner`, whose choices go to `tape`.
    #[must_use]
    pub fn new(inner: Box<dyn Policy>, tape: Tape) -> Record {
        Record {
            inner,
            cursor: Cursor::default(),
            tape,
        }
    }
}

impl Policy for Record {
    fn decide(&mut self, decision: Decision, options: &[Choice]) -> usize {
        let at = self.inner.decide(decision, options);
        let site = self.cursor.next(decision);
        match options.get(at) {
            Some(&chosen) if at != 0 => {
                held(&self.tape.0).push(Deviation { site, chosen });
                at
            }
            _ => 0,
        }
    }

    fn is_default(&self) -> bool {
        self.inner.is_default()
    }

    fn chooses(&self, decision: Decision) -> bool {
        self.inner.chooses(decision)
    }

    fn fault_points(&self) -> FaultPoints {
        self.inner.fault_points()
    }

    fn yielded(&mut self, fiber: u64) {
        self.inner.yielded(fiber);
    }

    fn pending(&mut self, fiber: u64, object: u64) {
        self.inner.pending(fiber, object);
    }

    fn running(&mut self, fiber: u64, ordinal: Option<u32>) {
        self.cursor.running(fiber, ordinal);
        self.inner.running(fiber, ordinal);
    }
}

/// What a [`Replay`] is to do, and what it could not.
#[derive(Debug)]
pub struct Script {
    deviations: Vec<Deviation>,
    fault_points: FaultPoints,
    missed: Mutex<Vec<Deviation>>,
    met: Mutex<HashSet<Site>>,
}

impl Script {
    /// These choices; everywhere else option 0.
    #[must_use]
    pub fn new(deviations: Vec<Deviation>, fault_points: FaultPoints) -> Arc<Script> {
        Arc::new(Script {
            deviations,
            fault_points,
            missed: Mutex::default(),
            met: Mutex::default(),
        })
    }

    /// After a run: the choices whose option was not there at their place, and those whose place
    /// never came, each in the order of the script.
    #[must_use]
    pub fn missed(&self) -> (Vec<Deviation>, Vec<Deviation>) {
        let met = held(&self.met);
        let absent = |d: &&Deviation| !met.contains(&d.site);
        let absent = self.deviations.iter().filter(absent).copied().collect();
        (held(&self.missed).clone(), absent)
    }
}

/// Makes the choices of a script.
pub struct Replay {
    script: Arc<Script>,
    chosen: HashMap<Site, Choice>,
    cursor: Cursor,
}

impl Replay {
    /// Does as `script` says.
    #[must_use]
    pub fn new(script: Arc<Script>) -> Replay {
        Replay {
            chosen: script
                .deviations
                .iter()
                .map(|d| (d.site, d.chosen))
                .collect(),
            script,
            cursor: Cursor::default(),
        }
    }
}

impl Policy for Replay {
    fn decide(&mut self, decision: Decision, options: &[Choice]) -> usize {
        let site = self.cursor.next(decision);
        let Some(&chosen) = self.chosen.get(&site) else {
            return 0;
        };
        held(&self.script.met).insert(site);
        match options.iter().position(|option| *option == chosen) {
            Some(at) => at,
            None => {
                held(&self.script.missed).push(Deviation { site, chosen });
                0
            }
        }
    }

    fn is_default(&self) -> bool {
        self.chosen.is_empty() && self.script.fault_points == FaultPoints::Nowhere
    }

    fn chooses(&self, decision: Decision) -> bool {
        self.chosen.keys().any(|site| site.decision == decision)
    }

    fn fault_points(&self) -> FaultPoints {
        self.script.fault_points
    }

    fn running(&mut self, fiber: u64, ordinal: Option<u32>) {
        self.cursor.running(fiber, ordinal);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sched::policy::random::RandomWalk;

    fn fibers(n: u64) -> Vec<Choice> {
        (0..n).map(|fiber| Choice { fiber, object: 0 }).collect()
    }

    fn walk(policy: &mut dyn Policy) -> Vec<usize> {
        let mut taken = Vec::new();
        for step in 0..60_u32 {
            let fiber = u64::from(step % 3);
            policy.running(fiber, (step % 5 != 0).then_some(step / 6));
            taken.push(policy.decide(Decision::Next, &fibers(2 + fiber)));
        }
        taken
    }

    #[test]
    fn recorded_choices_are_made_again() {
        for seed in 0..20 {
            let tape = Tape::default();
            let inner = Box::new(RandomWalk::of_fibers(seed));
            let first = walk(&mut Record::new(inner, tape.clone()));
            let script = Script::new(tape.take(), FaultPoints::Nowhere);
            assert_eq!(first, walk(&mut Replay::new(Arc::clone(&script))));
            assert_eq!(script.missed(), (vec![], vec![]));
        }
    }

    #[test]
    fn what_cannot_be_chosen_is_told() {
        let site = |ordinal| Site {
            fiber: 1,
            ordinal,
            decision: Decision::Next,
            nth: 0,
        };
        let deviation = |ordinal, fiber| Deviation {
            site: site(ordinal),
            chosen: Choice { fiber, object: 0 },
        };
        let script = vec![deviation(1, 9), deviation(2, 1), deviation(3, 1)];
        let script = Script::new(script, FaultPoints::Nowhere);
        let mut replay = Replay::new(Arc::clone(&script));
        for ordinal in [1, 2] {
            replay.running(1, Some(ordinal));
            let at = replay.decide(Decision::Next, &fibers(3));
            assert_eq!(at, ordinal as usize - 1);
        }
        let missed = (vec![deviation(1, 9)], vec![deviation(3, 1)]);
        assert_eq!(script.missed(), missed);
    }

    #[test]
    fn paths_have_digests() {
        for wrong in ["", "main.", "main.x", "other", "main#", "main.1.-1"] {
            assert_eq!(path_hash(wrong), None, "{wrong}");
        }
        assert_eq!(path_hash("main"), path_hash("main#1"));
        assert_ne!(path_hash("main.1"), path_hash("main.2"));
    }
}
