//! A uniform random walk over schedules, repeatable by its seed.

use crate::random::Stream;
use crate::sched::decide::{Choice, Decision, Policy};

/// Picks every option with the same probability.
#[derive(Clone, Debug)]
pub struct RandomWalk {
    stream: Stream,
    /// Only fibers are chosen; all else keeps its order.
    only_fibers: bool,
}

impl RandomWalk {
    /// The walk of this seed over everything.
    pub fn new(seed: u64) -> Self {
        RandomWalk {
            stream: Stream::new(seed),
            only_fibers: false,
        }
    }

    /// The walk of this seed over which fiber runs next.
    pub fn of_fibers(seed: u64) -> Self {
        RandomWalk {
            only_fibers: true,
            ..RandomWalk::new(seed)
        }
    }
}

impl Policy for RandomWalk {
    fn decide(&mut self, decision: Decision, options: &[Choice]) -> usize {
        if self.only_fibers && decision != Decision::Next {
            return 0;
        }
        self.stream.below(options.len() as u64) as usize
    }

    fn chooses(&self, decision: Decision) -> bool {
        !self.only_fibers || decision == Decision::Next
    }
}
