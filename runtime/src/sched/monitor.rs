//! The monitor: a thread that looks on every millisecond while anything runs.
//!
//! It asks a body that has run for a whole time slice to make room when others wait, sees to it
//! that timers of a busy worker fire, and wakes a sleeper for work that a busy worker cannot get
//! to. While all workers sleep it looks ten times a second.

use crate::sched::pool::{Pool, Remote};
use crate::sched::shared::{POLL_PREEMPT, Shared};
use crate::sched::stats::count;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const BUSY: Duration = Duration::from_millis(1);
const CALM: Duration = Duration::from_millis(100);

/// Looks after which an instant of virtual time is taken to be endless.
const ENDLESS_INSTANT: u32 = 100;

/// The monitor's side in the shared state.
#[derive(Default)]
pub(crate) struct Monitor {
    stop: Mutex<bool>,
    signal: Condvar,
    /// It pauses for long: whoever wakes up from idleness wakes it, too.
    calm: AtomicBool,
}

/// What the monitor remembers of a worker.
#[derive(Clone, Copy, Default)]
struct Seen {
    turn: u64,
    since: u64,
}

impl Monitor {
    pub(crate) fn new() -> Self {
        Monitor::default()
    }

    /// Ends the monitor's thread.
    pub(crate) fn stop(&self) {
        *self.stop.lock().unwrap_or_else(|e| e.into_inner()) = true;
        self.signal.notify_all();
    }

    /// Ends a long pause early: something runs again.
    pub(crate) fn hurry(&self) {
        if self.calm.load(Ordering::Relaxed) && self.calm.swap(false, Ordering::AcqRel) {
            // Under the lock, or the monitor could miss it on its way into the pause.
            drop(self.stop.lock().unwrap_or_else(|e| e.into_inner()));
            self.signal.notify_all();
        }
    }
}

/// The monitor's thread.
pub(crate) fn watch(shared: &Arc<Shared>) {
    let mut seen: Vec<Vec<Seen>> = Vec::new();
    let mut instant = 0;
    let monitor = &shared.monitor;
    let mut stop = monitor.stop.lock().unwrap_or_else(|e| e.into_inner());
    while !*stop {
        let calm = shared.awake.load(Ordering::Relaxed) == 0;
        monitor.calm.store(calm, Ordering::Release);
        let pause = if calm { CALM } else { BUSY };
        let (back, _) = monitor
            .signal
            .wait_timeout(stop, pause)
            .unwrap_or_else(|e| e.into_inner());
        stop = back;
        if *stop {
            break;
        }
        if shared.deferred_count.load(Ordering::Relaxed) > 0 {
            // An instant that takes so long has a fiber in it that runs for ever.
            instant += 1;
            if instant > ENDLESS_INSTANT {
                instant = 0;
                shared.settle_deferred(shared.outside());
            }
        } else {
            instant = 0;
        }
        let pools: Vec<Arc<Pool>> = shared.pools.lock().clone();
        seen.resize(pools.len(), Vec::new());
        for (pool, seen) in pools.iter().zip(&mut seen) {
            look_at(shared, pool, seen);
        }
    }
}

fn look_at(shared: &Shared, pool: &Pool, seen: &mut Vec<Seen>) {
    seen.resize(pool.workers().len(), Seen::default());
    let now = shared.clock.real();
    let mut share = !pool.injector.is_empty();
    for (worker, seen) in pool.workers().iter().zip(seen) {
        let turn = worker.dispatches.load(Ordering::Relaxed);
        if !worker.running.load(Ordering::Relaxed) {
            seen.since = now;
            continue;
        }
        share |= has_queued(worker);
        if turn != seen.turn {
            *seen = Seen { turn, since: now };
            continue;
        }
        let timer_due = !shared.clock.is_virtual()
            && worker.wheel.lock().next_wake().is_some_and(|at| at <= now);
        share |= timer_due;
        let waiting = has_queued(worker)
            || timer_due
            || !pool.injector.is_empty()
            || worker.inbox_len.load(Ordering::Relaxed) > 0;
        if waiting && now - seen.since >= shared.time_slice.as_nanos() as u64 {
            worker.poll_word.fetch_or(POLL_PREEMPT, Ordering::AcqRel);
            count(&worker.counters.preempted);
            seen.since = now;
        }
    }
    if share && pool.sleeping.load(Ordering::SeqCst) > 0 {
        pool.wake_one(shared);
    }
}

fn has_queued(worker: &Remote) -> bool {
    !worker.lifo.is_empty()
        || !worker.fifo.is_empty()
        || !worker.slot.load(Ordering::Relaxed).is_null()
}
