//! Sleeping and waking of workers, and the moment when everything is quiet.
//!
//! A worker sleeps only after it has put itself on the list of sleepers and has then found every
//! queue of its pool empty, all under one lock; whoever adds work from outside adds first and
//! looks at the list afterwards, under the same lock. So either the sleeper sees the work or the
//! adder sees the sleeper. A running worker's own queue needs no wake-up to be worked off, only
//! to be shared: those wake-ups are delayed (`Worker::noticed_work`) and backed by the monitor.

use crate::prim::fence;
use crate::sched::pool::{Pool, Remote};
use crate::sched::shared::Shared;
use crate::sched::stats::count;
use crate::sched::worker::Worker;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What a worker that wants to sleep may do.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It is on the list and counted asleep: park.
    Sleep,
    /// There is work: search again.
    Work,
    /// It is the last one awake and nothing is in flight: see what quiescence means.
    Quiet,
}

impl Pool {
    fn has_work(&self, shared: &Shared) -> bool {
        if let Some(det) = &shared.det {
            return !det.is_idle();
        }
        !self.injector.is_empty()
            || self.workers().iter().any(|w| {
                !w.lifo.is_empty()
                    || !w.fifo.is_empty()
                    || w.woken.load(Ordering::Acquire) > 0
                    || !w.slot.load(Ordering::Acquire).is_null()
            })
    }

    /// Takes one sleeper off the list and wakes it.
    pub(crate) fn wake_one(&self, shared: &Shared) {
        // The fence pairs with the sleeper's: its queue check comes after it is counted.
        fence(Ordering::SeqCst);
        if self.sleeping.load(Ordering::SeqCst) == 0 {
            return;
        }
        let chosen = {
            let _order = shared.sleep_lock.lock();
            let chosen = self.sleepers.lock().pop();
            if chosen.is_some() {
                self.sleeping.fetch_sub(1, Ordering::SeqCst);
                shared.awake.fetch_add(1, Ordering::SeqCst);
            }
            chosen
        };
        if let Some(worker) = chosen {
            self.workers()[worker].unparker.unpark();
        }
    }

    /// Wakes one particular worker, if it sleeps.
    pub(crate) fn wake_worker(&self, shared: &Shared, worker: usize) {
        let slept = {
            let _order = shared.sleep_lock.lock();
            let mut sleepers = self.sleepers.lock();
            match sleepers.iter().position(|&s| s == worker) {
                Some(at) => {
                    sleepers.remove(at);
                    self.sleeping.fetch_sub(1, Ordering::SeqCst);
                    shared.awake.fetch_add(1, Ordering::SeqCst);
                    true
                }
                None => false,
            }
        };
        if slept {
            self.workers()[worker].unparker.unpark();
        }
    }

    /// Wakes everyone: shutdown.
    pub(crate) fn wake_all(&self, shared: &Shared) {
        for worker in 0..self.workers().len() {
            self.wake_worker(shared, worker);
        }
    }
}

impl Shared {
    /// Is the calling worker the only one awake, every queue empty and nothing outside in
    /// flight? Under `sleep_lock`.
    fn is_quiet(&self) -> bool {
        // First: what came in from outside has been queued before it is counted out.
        let nothing_outside = self.live_io.load(Ordering::SeqCst) == 0;
        nothing_outside
            && self.awake.load(Ordering::SeqCst) == 1
            && !self.pools.lock().iter().any(|p| p.has_work(self))
    }

    /// As `is_quiet`, by a worker that does not hold the lock.
    pub(crate) fn is_still_quiet(&self) -> bool {
        let _order = self.sleep_lock.lock();
        self.is_quiet()
    }
}

impl Worker {
    /// Puts this worker on the list of sleepers unless there is something to do.
    pub(super) fn rest(&self) -> Rest {
        let shared = self.shared();
        let pool = self.pool();
        let _order = shared.sleep_lock.lock();
        pool.sleeping.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let stop = shared.is_stopping() || pool.closing.load(Ordering::Acquire);
        let quiet = shared.is_quiet();
        let work =
            stop || pool.has_work(shared) || self.remote().inbox_len.load(Ordering::Acquire) > 0;
        let quiet = quiet && !work;
        if work || quiet {
            pool.sleeping.fetch_sub(1, Ordering::SeqCst);
            return if work { Rest::Work } else { Rest::Quiet };
        }
        pool.sleepers.lock().push(self.index());
        shared.awake.fetch_sub(1, Ordering::SeqCst);
        Rest::Sleep
    }

    /// Sleeps until woken or until the next deadline of real time.
    pub(crate) fn sleep(&self) {
        match self.rest() {
            Rest::Work => return,
            Rest::Quiet => {
                if self.shared().quiescent(self.place()) {
                    return;
                }
                // Nothing came of it: sleep in earnest.
                if !self.force_rest() {
                    return;
                }
            }
            Rest::Sleep => {}
        }
        count(&self.remote().counters.sleeps);
        match self.next_deadline() {
            None => self.parker.park(),
            Some(at) => {
                let now = self.shared().clock.real();
                self.parker
                    .park_timeout(Duration::from_nanos(at.saturating_sub(now).max(1)));
            }
        }
        self.woken();
    }

    /// As `rest`, without asking for quiescence again. False: there is work after all.
    fn force_rest(&self) -> bool {
        let shared = self.shared();
        let pool = self.pool();
        let _order = shared.sleep_lock.lock();
        pool.sleeping.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if shared.is_stopping()
            || pool.closing.load(Ordering::Acquire)
            || pool.has_work(shared)
            || self.remote().inbox_len.load(Ordering::Acquire) > 0
        {
            pool.sleeping.fetch_sub(1, Ordering::SeqCst);
            return false;
        }
        pool.sleepers.lock().push(self.index());
        shared.awake.fetch_sub(1, Ordering::SeqCst);
        true
    }

    /// Back from sleep: leaves the list unless the waker took us off.
    pub(super) fn woken(&self) {
        count(&self.remote().counters.wakes);
        let shared = self.shared();
        let pool = self.pool();
        {
            let _order = shared.sleep_lock.lock();
            let mut sleepers = pool.sleepers.lock();
            if let Some(at) = sleepers.iter().position(|&s| s == self.index()) {
                sleepers.remove(at);
                pool.sleeping.fetch_sub(1, Ordering::SeqCst);
                shared.awake.fetch_add(1, Ordering::SeqCst);
            }
        }
        shared.monitor.hurry();
    }

    /// When some wheel of this pool has something to do; none on the virtual clock. (By the same
    /// word as `look_at_timers`, or it would wake up for what that does not look at.)
    fn next_deadline(&self) -> Option<u64> {
        if self.shared().clock.is_virtual() {
            return None;
        }
        let due = self.pool().workers().iter().filter_map(Remote::next_due);
        due.min()
    }
}
