//! Random priorities with few changes (Burckhardt, Kothari, Musuvathi and Nagarakatte 2010): a bug
//! that needs d ordering constraints among n fibers in k steps is found with probability
//! 1 / (n k^(d-1)) at least, whatever the program.

use crate::random::Stream;
use crate::sched::decide::{Choice, Decision, Policy};
use std::collections::HashMap;

/// Runs the fiber of the highest priority.
#[derive(Clone, Debug)]
pub struct Pct {
    stream: Stream,
    priorities: HashMap<u64, u64>,
    /// Decisions after which the fiber chosen falls below all others.
    changes: Vec<u64>,
    taken: u64,
    /// The next priority below all others.
    lowest: u64,
}

/// Priorities drawn at first sight are above this, those of fallen fibers below.
const FALLEN: u64 = 1 << 62;

impl Pct {
    /// For bugs of this depth, in runs of about `length` decisions.
    pub fn new(seed: u64, depth: u32, length: u64) -> Pct {
        let mut stream = Stream::new(seed);
        let changes = (1..depth)
            .map(|_| 1 + stream.below(length.max(1)))
            .collect();
        Pct {
            stream,
            priorities: HashMap::new(),
            changes,
            taken: 0,
            lowest: FALLEN,
        }
    }

    fn priority(&mut self, fiber: u64) -> u64 {
        let stream = &mut self.stream;
        let draw = || FALLEN + 1 + (stream.next_u64() >> 2);
        *self.priorities.entry(fiber).or_insert_with(draw)
    }

    fn fall(&mut self, fiber: u64) {
        self.lowest -= 1;
        self.priorities.insert(fiber, self.lowest);
    }

    fn highest(&mut self, options: &[Choice]) -> usize {
        let mut best = (0, 0);
        for (at, option) in options.iter().enumerate() {
            let priority = self.priority(option.fiber);
            if priority > best.1 {
                best = (at, priority);
            }
        }
        best.0
    }
}

impl Policy for Pct {
    fn decide(&mut self, decision: Decision, options: &[Choice]) -> usize {
        if decision != Decision::Next {
            return 0;
        }
        self.taken += 1;
        let at = self.highest(options);
        if !self.changes.contains(&self.taken) {
            return at;
        }
        self.fall(options[at].fiber);
        self.highest(options)
    }

    fn yielded(&mut self, fiber: u64) {
        self.fall(fiber);
    }

    fn chooses(&self, decision: Decision) -> bool {
        decision == Decision::Next
    }
}
