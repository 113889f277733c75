//! First in, first out: option 0, always.

use crate::sched::decide::{Choice, Decision, Policy};

/// The default order of deterministic runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fifo;

impl Policy for Fifo {
    fn decide(&mut self, _: Decision, _: &[Choice]) -> usize {
        0
    }

    fn is_default(&self) -> bool {
        true
    }
}
