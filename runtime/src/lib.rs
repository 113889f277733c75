//! Fibers, scheduler, channels, select, timers, clocks, the decision oracle, and the counted heap.

pub mod heap;
pub mod native;
