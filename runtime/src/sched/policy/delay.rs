//! Few deviations from first in, first out (Emmi, Qadeer and Rakamaric 2011): most bugs that
//! depend on the schedule need one or two.

use crate::random::Stream;
use crate::sched::decide::{Choice, Decision, Policy};

/// Passes over the first option at a few decisions.
#[derive(Clone, Debug)]
pub struct Delay {
    /// Numbers of the decisions at which it does, from 1.
    at: Vec<u64>,
    taken: u64,
}

impl Delay {
    /// So many delays, at decisions drawn from the first `length` ones.
    pub fn new(seed: u64, times: u32, length: u64) -> Delay {
        let mut stream = Stream::new(seed);
        Delay {
            at: (0..times)
                .map(|_| 1 + stream.below(length.max(1)))
                .collect(),
            taken: 0,
        }
    }
}

impl Policy for Delay {
    fn decide(&mut self, decision: Decision, options: &[Choice]) -> usize {
        if decision != Decision::Next {
            return 0;
        }
        self.taken += 1;
        usize::from(options.len() > 1 && self.at.contains(&self.taken))
    }

    fn chooses(&self, decision: Decision) -> bool {
        decision == Decision::Next
    }
}
