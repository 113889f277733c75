//! Partial order sampling (Yuan, Yang and Gu 2018): every operation has a random priority, the
//! highest goes next, and whatever races with it then draws anew.
//!
//! A random walk decides the order of independent operations again and again, and so rarely gets
//! far from the middle; here each order of the operations that matter has a fair chance.

use crate::random::Stream;
use crate::sched::decide::{Choice, Decision, Policy};
use std::collections::HashMap;

/// What is known of a fiber's next operation.
#[derive(Clone, Copy, Debug)]
struct Next {
    /// Drawn when the operation was first an option; 0: not yet.
    priority: u64,
    /// With which object; 0: with several, none, or none that is known.
    object: u64,
}

/// Runs the operation of the highest priority.
#[derive(Clone, Debug)]
pub struct Pos {
    stream: Stream,
    next: HashMap<u64, Next>,
}

impl Pos {
    /// With this seed.
    pub fn new(seed: u64) -> Pos {
        Pos {
            stream: Stream::new(seed),
            next: HashMap::new(),
        }
    }

    fn priority(&mut self, fiber: u64) -> u64 {
        let next = self.next.entry(fiber).or_insert(Next {
            priority: 0,
            object: 0,
        });
        if next.priority == 0 {
            // Above those of fibers that have made room.
            next.priority = 2 + (self.stream.next_u64() >> 1);
        }
        next.priority
    }
}

impl Policy for Pos {
    fn decide(&mut self, decision: Decision, options: &[Choice]) -> usize {
        if decision != Decision::Next {
            return 0;
        }
        let mut best = (0, 0);
        for (at, option) in options.iter().enumerate() {
            let priority = self.priority(option.fiber);
            if priority > best.1 {
                best = (at, priority);
            }
        }
        let chosen = options[best.0].fiber;
        let object = self.next.remove(&chosen).map_or(0, |next| next.object);
        if object != 0 {
            for option in options {
                if let Some(next) = self.next.get_mut(&option.fiber)
                    && next.object == object
                {
                    next.priority = 0;
                }
            }
        }
        best.0
    }

    fn pending(&mut self, fiber: u64, object: u64) {
        let next = Next {
            priority: 0,
            object,
        };
        self.next.insert(fiber, next);
    }

    fn yielded(&mut self, fiber: u64) {
        let next = Next {
            priority: 1,
            object: 0,
        };
        self.next.insert(fiber, next);
    }

    fn chooses(&self, decision: Decision) -> bool {
        decision == Decision::Next
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn options(fibers: &[u64]) -> Vec<Choice> {
        let choice = |&fiber| Choice { fiber, object: 0 };
        fibers.iter().map(choice).collect()
    }

    /// Two fibers with n operations each: how often is the first one through before the other
    /// begins?
    fn in_a_row(n: u32, shared: bool) -> u32 {
        (0..2000)
            .map(|seed| u32::from(runs_through(seed, n, shared)))
            .sum()
    }

    fn runs_through(seed: u64, n: u32, shared: bool) -> bool {
        let mut pos = Pos::new(seed);
        let object = |fiber: u64| if shared { 9 } else { fiber };
        for fiber in [1, 2] {
            pos.pending(fiber, object(fiber));
        }
        for _ in 0..n {
            if pos.decide(Decision::Next, &options(&[1, 2])) != 0 {
                return false;
            }
            pos.pending(1, object(1));
        }
        true
    }

    #[test]
    fn operations_that_do_not_race_keep_their_priority() {
        // All of the first fiber's operations draw more than the one the other waits with: one in
        // n + 1. With races, that one draws anew each time: one in 2^n.
        let (apart, racing) = (in_a_row(4, false), in_a_row(4, true));
        assert!((300..500).contains(&apart), "{apart}");
        assert!((75..175).contains(&racing), "{racing}");
    }
}
