//! Pools: groups of workers with their own queues. The global pool is number 0; an executor is
//! another one.

pub(crate) mod blocking;
pub(crate) mod executor;

use crate::fiber::{Fiber, FiberRef};
use crate::prim::{Mutex, Spinning};
use crate::sched::deque::Thief;
use crate::sched::shared::Shared;
use crate::sched::stats::Counters;
use crate::sync::wait_queue::{WaitQueue, Waiter};
use crate::time::wheel::Wheel;
use crossbeam_deque::{Injector, Stealer};
use crossbeam_utils::sync::Unparker;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// What others see of a worker. (What it writes all the time shares no cache line with another
/// worker's.)
#[repr(align(128))]
pub(crate) struct Remote {
    /// Newest first for the owner, oldest first for thieves: fibers that have not started.
    pub(crate) lifo: Thief<Fiber>,
    /// Oldest first: fibers that have been woken or have yielded.
    pub(crate) fifo: Stealer<FiberRef>,
    /// How many of these a worker without thieves keeps to itself.
    pub(crate) woken: AtomicUsize,
    /// The fiber woken last: runs next. Stealable once a thief has seen it twice.
    pub(crate) slot: AtomicPtr<Fiber>,
    /// Polled by running bodies; see `POLL_PREEMPT` and `POLL_CHECK`.
    pub(crate) poll_word: crate::prim::AtomicU32,
    /// Counts dispatches: the monitor sees by it who has run for long.
    pub(crate) dispatches: AtomicU64,
    pub(crate) running: AtomicBool,
    /// Fibers that must run on this worker.
    pub(crate) inbox: Mutex<VecDeque<FiberRef>>,
    pub(crate) inbox_len: AtomicUsize,
    /// See [`Remote::wheel`].
    pub(crate) wheel: crate::prim::SpinMutex<Wheel>,
    /// When the wheel has something to do, at the earliest: to be looked at without its lock.
    /// Written under it.
    pub(crate) next_due: AtomicU64,
    pub(crate) unparker: Unparker,
    pub(crate) counters: Counters,
}

impl Remote {
    /// The worker's timers.
    #[inline]
    pub(crate) fn wheel(&self, shared: &Shared) -> Spinning<'_, Wheel> {
        // Only running fibers and workers lock it.
        self.wheel.lock_as(shared.is_alone())
    }

    /// As `wheel`, if nobody holds the lock.
    pub(crate) fn try_wheel(&self) -> Option<Spinning<'_, Wheel>> {
        self.wheel.try_lock()
    }

    /// Under the wheel's lock, after it has changed: `due` is when it has something to do.
    #[inline]
    pub(crate) fn note_due(&self, due: Option<u64>) {
        self.next_due
            .store(due.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// When the wheel has something to do, at the earliest, if ever.
    #[inline]
    pub(crate) fn next_due(&self) -> Option<u64> {
        let due = self.next_due.load(Ordering::Relaxed);
        (due != u64::MAX).then_some(due)
    }

    /// Can a timer be due at `now`?
    #[inline]
    pub(crate) fn may_be_due(&self, now: u64) -> bool {
        self.next_due.load(Ordering::Relaxed) <= now
    }
}

/// A group of workers.
pub struct Pool {
    number: usize,
    name: Arc<str>,
    pub(crate) injector: Injector<FiberRef>,
    workers: Box<[Remote]>,
    /// Workers asleep, the latest on top. Changed under the runtime's `sleep_lock`.
    pub(crate) sleepers: Mutex<Vec<usize>>,
    pub(crate) sleeping: AtomicUsize,
    pub(crate) searching: AtomicUsize,
    /// Tasks of an executor that have not ended.
    live: AtomicUsize,
    shut: AtomicBool,
    pub(crate) closing: AtomicBool,
    waiters: Mutex<WaitQueue>,
    next_pin: AtomicUsize,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Pool {
    pub(crate) fn new(number: usize, name: &str, workers: Vec<Remote>) -> Pool {
        Pool {
            number,
            name: name.into(),
            injector: Injector::new(),
            workers: workers.into_boxed_slice(),
            sleepers: Mutex::new(Vec::new()),
            sleeping: AtomicUsize::new(0),
            searching: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
            shut: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            waiters: Mutex::new(WaitQueue::default()),
            next_pin: AtomicUsize::new(0),
        }
    }

    /// The name given at its making; the global pool is `global`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many worker threads it has.
    pub fn threads(&self) -> usize {
        self.workers.len()
    }

    /// Has it been shut down?
    pub fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Acquire)
    }

    #[inline]
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    #[inline]
    pub(crate) fn workers(&self) -> &[Remote] {
        &self.workers
    }

    /// Adds a ready fiber from outside the pool.
    pub(crate) fn inject(&self, shared: &Shared, fiber: FiberRef) {
        self.injector.push(fiber);
        self.wake_one(shared);
    }

    /// Adds a ready fiber that must run on one particular worker.
    pub(crate) fn inject_pinned(&self, shared: &Shared, fiber: FiberRef) {
        let worker = usize::from(fiber.pin - 1);
        {
            let mut inbox = self.workers[worker].inbox.lock();
            inbox.push_back(fiber);
            self.workers[worker]
                .inbox_len
                .store(inbox.len(), Ordering::Release);
        }
        self.wake_worker(shared, worker);
    }

    /// A worker other than `not`, in turn; `None` when there is none.
    pub(crate) fn other_worker(&self, not: Option<usize>) -> Option<usize> {
        let n = self.workers.len();
        if n == 0 || (n == 1 && not.is_some()) {
            return None;
        }
        let at = self.next_pin.fetch_add(1, Ordering::Relaxed) % n;
        Some(if Some(at) == not { (at + 1) % n } else { at })
    }

    #[inline]
    pub(crate) fn count_in(&self) {
        if self.number != 0 {
            self.live.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// A task of the pool has ended; gives back whom to wake if it was the last of a closing one.
    pub(crate) fn count_out(&self) -> Vec<FiberRef> {
        let mut woken = Vec::new();
        if self.number != 0 && self.live.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waiters.lock().claim_all(&mut woken);
        }
        woken
    }

    /// Refuses new tasks from now on.
    pub(crate) fn shut(&self) {
        self.shut.store(true, Ordering::Release);
    }

    /// Queues a waiter for the last task; `None` when there is none left, or no waiter.
    pub(crate) fn wait_idle(&self, waiter: impl FnOnce() -> Option<Waiter>) -> Option<u32> {
        let mut waiters = self.waiters.lock();
        if self.live.load(Ordering::Acquire) == 0 {
            return None;
        }
        waiter().map(|waiter| waiters.push_back(waiter))
    }

    pub(crate) fn unwait_idle(&self, key: u32, fiber: &Fiber, epoch: u32) {
        self.waiters.lock().remove(key, fiber, epoch);
    }
}
