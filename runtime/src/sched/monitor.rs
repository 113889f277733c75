//! The monitor: a thread that looks on every millisecond while anything runs.
//!
//! It asks a body that has run for a whole time slice to make room when others wait, sees to it
//! that timers of a busy worker fire, and wakes a sleeper for work that a busy worker cannot get
//! to. While all workers sleep it sleeps as well, for as long as they do.

use crate::prim::waiting::{Condvar, Mutex, MutexGuard};
use crate::prim::{AtomicBool, fence};
use crate::sched::pool::{Pool, Remote};
use crate::sched::shared::{POLL_PREEMPT, Shared};
use crate::sched::stats::count;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const BUSY: Duration = Duration::from_millis(1);
/// Between looks at an instant of virtual time that waits for something outside.
const CALM: Duration = Duration::from_millis(100);

/// Looks after which an instant of virtual time is taken to be endless.
const ENDLESS_INSTANT: u32 = 100;

/// The monitor's side in the shared state.
#[derive(Default)]
pub(crate) struct Monitor {
    pub(super) stop: Mutex<bool>,
    signal: Condvar,
    /// It pauses for long: whoever wakes up from idleness wakes it, too.
    calm: AtomicBool,
    /// Times it has looked.
    pub(crate) looks: AtomicU64,
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

    /// Ends a long pause: something runs again. Called after that has been counted awake, and
    /// without `sleep_lock`, which the monitor takes while it looks.
    pub(crate) fn hurry(&self) {
        // Pairs with the fence of `rest`.
        fence(Ordering::SeqCst);
        if self.calm.load(Ordering::Relaxed) && self.calm.swap(false, Ordering::AcqRel) {
            // Under the lock, or the monitor could miss it on its way into the pause.
            drop(self.stop.lock().unwrap_or_else(|e| e.into_inner()));
            self.signal.notify_all();
        }
    }

    /// Pauses until the next look; while all workers sleep, until one of them wakes up.
    ///
    /// A worker is counted awake before anyone asks whether the monitor is calm, and the monitor
    /// says that it is before it looks at the count, with a fence on both sides: so either the
    /// monitor sees the worker, or the worker's side sees a calm monitor and wakes it. The lock is
    /// held from here to the pause, so whoever wants to end it comes after it began.
    pub(super) fn rest<'a>(
        &self,
        shared: &Shared,
        stop: MutexGuard<'a, bool>,
    ) -> MutexGuard<'a, bool> {
        self.calm.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let time = if shared.awake.load(Ordering::Relaxed) > 0 {
            self.calm.store(false, Ordering::Relaxed);
            Some(BUSY)
        } else {
            // Deferred by a worker that was awake, so known by now.
            (shared.deferred_count.load(Ordering::Acquire) > 0).then_some(CALM)
        };
        match time {
            None => self.signal.wait(stop).unwrap_or_else(|e| e.into_inner()),
            Some(time) => pause(&self.signal, stop, time),
        }
    }
}

#[cfg(not(loom))]
fn pause<'a>(signal: &Condvar, stop: MutexGuard<'a, bool>, time: Duration) -> MutexGuard<'a, bool> {
    let back = signal.wait_timeout(stop, time);
    back.unwrap_or_else(|e| e.into_inner()).0
}

/// No time passes in a model: a pause with a limit is over at once.
#[cfg(loom)]
fn pause<'a>(_: &Condvar, stop: MutexGuard<'a, bool>, _: Duration) -> MutexGuard<'a, bool> {
    stop
}

/// The monitor's thread.
pub(crate) fn watch(shared: &Arc<Shared>) {
    let mut seen: Vec<Vec<Seen>> = Vec::new();
    let mut instant = 0;
    let monitor = &shared.monitor;
    let mut stop = monitor.stop.lock().unwrap_or_else(|e| e.into_inner());
    while !*stop {
        stop = monitor.rest(shared, stop);
        if *stop {
            break;
        }
        count(&monitor.looks);
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
            look_at(shared, pool, seen, shared.clock.real());
        }
    }
}

fn look_at(shared: &Shared, pool: &Pool, seen: &mut Vec<Seen>, now: u64) {
    seen.resize(pool.workers().len(), Seen::default());
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
        let timer_due = !shared.clock.is_virtual() && worker.may_be_due(now);
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
        || worker.woken.load(Ordering::Acquire) > 0
        || !worker.slot.load(Ordering::Relaxed).is_null()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::sched::worker::Seed;

    const MS: u64 = 1_000_000;

    /// A pool of one worker that is no thread, and says that it runs a fiber.
    fn world() -> (Shared, Pool) {
        let shared = Shared::new(Config::default());
        assert_eq!(shared.time_slice, Duration::from_millis(10));
        let pool = Pool::new(0, "global", vec![Seed::new(false).1]);
        pool.workers()[0].running.store(true, Ordering::Relaxed);
        pool.workers()[0].dispatches.store(1, Ordering::Relaxed);
        (shared, pool)
    }

    fn asked(pool: &Pool) -> bool {
        pool.workers()[0].poll_word.swap(0, Ordering::AcqRel) & POLL_PREEMPT != 0
    }

    /// Somebody waits from the first look on: the first look after a time slice asks.
    #[test]
    fn a_fiber_is_asked_to_make_room_after_its_time_slice() {
        let (shared, pool) = world();
        let mut seen = Vec::new();
        pool.workers()[0].inbox_len.store(1, Ordering::Relaxed);
        for slice in 0..3 {
            for ms in 0..10 {
                look_at(&shared, &pool, &mut seen, (100 + slice * 10 + ms) * MS);
                // The last look of a slice is the first of the next one.
                assert_eq!(asked(&pool), slice > 0 && ms == 0, "{slice} {ms}");
            }
        }
        // Another fiber has a time slice of its own.
        pool.workers()[0].dispatches.store(2, Ordering::Relaxed);
        look_at(&shared, &pool, &mut seen, 130 * MS);
        look_at(&shared, &pool, &mut seen, 139 * MS);
        assert!(!asked(&pool));
        look_at(&shared, &pool, &mut seen, 140 * MS);
        assert!(asked(&pool));
    }

    /// Nobody waits: it may go on. Whoever comes later need not wait for a whole slice.
    #[test]
    fn a_fiber_makes_room_only_for_others() {
        let (shared, pool) = world();
        let mut seen = Vec::new();
        for ms in 0..35 {
            look_at(&shared, &pool, &mut seen, ms * MS);
            assert!(!asked(&pool));
        }
        pool.workers()[0].inbox_len.store(1, Ordering::Relaxed);
        look_at(&shared, &pool, &mut seen, 35 * MS);
        assert!(asked(&pool));
        // What sleeps is not asked.
        pool.workers()[0].running.store(false, Ordering::Relaxed);
        look_at(&shared, &pool, &mut seen, 90 * MS);
        assert!(!asked(&pool));
    }
}
