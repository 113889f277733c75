//! A uniform random walk over schedules, repeatable by its seed.

use crate::random::Stream;
use crate::sched::decide::{Choice, Decision, Policy};

/// Picks every option with the same probability.
#[derive(Clone, Debug)]
pub struct RandomWalk {
    stream: Stream,
}

impl RandomWalk {
    /// The walk of this seed.
    pub fn new(seed: u64) -> Self {
        RandomWalk {
            stream: Stream::new(seed),
        }
    }
}

impl Policy for RandomWalk {
    fn decide(&mut self, _: Decision, options: &[Choice]) -> usize {
        self.stream.below(options.len() as u64) as usize
    }
}
