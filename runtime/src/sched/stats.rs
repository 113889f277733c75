//! Counters: one writer each, summed when asked.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of one worker. Only the worker writes them, so a plain load and store do.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) spawned: AtomicU64,
    pub(crate) in_place: AtomicU64,
    pub(crate) steals: AtomicU64,
    pub(crate) parks: AtomicU64,
    pub(crate) yields: AtomicU64,
    pub(crate) sleeps: AtomicU64,
    pub(crate) wakes: AtomicU64,
    pub(crate) timers: AtomicU64,
    pub(crate) preempted: AtomicU64,
}

/// Adds one without a locked instruction.
#[inline]
pub(crate) fn count(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// What a runtime has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Tasks started.
    pub fibers: u64,
    /// Of these, run in place by whoever awaited them.
    pub in_place: u64,
    /// Fibers taken from another worker.
    pub steals: u64,
    /// Times a fiber parked.
    pub parks: u64,
    /// Times a fiber made room.
    pub yields: u64,
    /// Times a worker went to sleep.
    pub worker_sleeps: u64,
    /// Times a sleeping worker was woken.
    pub worker_wakes: u64,
    /// Times the monitor looked whether something is held up.
    pub monitor_looks: u64,
    /// Timers armed.
    pub timers: u64,
    /// Times a fiber was asked to make room after its time slice.
    pub preempted: u64,
    /// Coroutine stacks in use at most at one time.
    pub peak_stacks: u64,
}

impl Stats {
    pub(crate) fn add(&mut self, c: &Counters) {
        let get = |a: &AtomicU64| a.load(Ordering::Relaxed);
        self.fibers += get(&c.spawned);
        self.in_place += get(&c.in_place);
        self.steals += get(&c.steals);
        self.parks += get(&c.parks);
        self.yields += get(&c.yields);
        self.worker_sleeps += get(&c.sleeps);
        self.worker_wakes += get(&c.wakes);
        self.timers += get(&c.timers);
        self.preempted += get(&c.preempted);
    }
}
