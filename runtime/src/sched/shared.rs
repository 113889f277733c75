//! What all workers of a runtime share.

use crate::config::{Config, Hooks, TaskInfo};
use crate::counted::Ref;
use crate::fiber::{Fiber, FiberRef, SpawnInfo};
use crate::payload::{Outcome, PayloadVTable};
use crate::prim::{AtomicUsize, Mutex};
use crate::sched::Place;
use crate::sched::delays::Delays;
use crate::sched::det::Det;
use crate::sched::events::EventLog;
use crate::sched::group::Group;
use crate::sched::pool::Pool;
use crate::sync::wait_queue::Waiter;
use crate::task::join::JoinGroup;
use crate::time::clock::Clock;
use crate::time::timeline::{Class, Timeline};
use crate::time::wheel::Wheel;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Bit of a poll word: make room, others wait.
pub(crate) const POLL_PREEMPT: u32 = 1;
/// Bit of a poll word: look whether you have been cancelled.
pub(crate) const POLL_CHECK: u32 = 2;

/// The state of one runtime.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) payload: &'static PayloadVTable,
    pub(crate) hooks: Arc<dyn Hooks>,
    pub(crate) seed: u64,
    pub(crate) detect_deadlock: bool,
    pub(crate) time_slice: Duration,
    pub(crate) worker_stack: usize,
    pub(crate) stacks: crate::fiber::stack::Arena,
    pub(crate) det: Option<Det>,
    pub(crate) delays: Option<Delays>,
    /// Something is done at scheduling points: `det` or `delays`.
    pub(crate) watched: bool,
    /// Neither that nor a record of events.
    plain: bool,
    pub(crate) timeline: Mutex<Timeline>,
    pub(crate) pools: Mutex<Vec<Arc<Pool>>>,
    /// The same by number, to be looked up without a lock.
    numbered: Box<[OnceLock<Arc<Pool>>]>,
    pub(crate) embedder: usize,
    /// One worker at most runs fibers.
    alone: AtomicBool,
    global: OnceLock<Arc<Pool>>,
    pub(crate) root: Mutex<Option<Ref<Group>>>,
    pub(crate) main: Mutex<Option<FiberRef>>,
    cancel_epoch: AtomicU32,
    /// Outside operations in flight: they hold virtual time and deadlock detection back.
    pub(crate) live_io: AtomicUsize,
    /// Workers that are not asleep, of all pools. Changed under `sleep_lock`.
    pub(crate) awake: AtomicUsize,
    pub(crate) sleep_lock: Mutex<()>,
    pub(crate) stopping: AtomicBool,
    pub(crate) interrupted: AtomicUsize,
    root_done: std::sync::Mutex<bool>,
    root_signal: std::sync::Condvar,
    pub(crate) blocking: crate::sched::pool::blocking::BlockingPool,
    pub(crate) events: Option<EventLog>,
    pub(crate) monitor: crate::sched::monitor::Monitor,
    /// Of executors.
    pub(crate) threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
    pub(crate) last_object: AtomicUsize,
    /// Join blocks that are decided when nothing more happens at this virtual instant.
    deferred: Mutex<Vec<Arc<JoinGroup>>>,
    pub(crate) deferred_count: AtomicUsize,
    pub(crate) failures: AtomicUsize,
    pub(crate) deadlock: Mutex<Option<crate::sched::deadlock::DeadlockReport>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(config: Config) -> Shared {
        let det = match config.mode {
            crate::config::Mode::Parallel => None,
            crate::config::Mode::Deterministic(policy) => Some(Det::new(policy, config.trace_log)),
        };
        let delays = config.delays.filter(|_| det.is_none()).map(Delays::new);
        Shared {
            watched: det.is_some() || delays.is_some(),
            plain: det.is_none() && delays.is_none() && !config.trace_events,
            delays,
            clock: Clock::new(config.clock),
            payload: config.payload,
            hooks: config.hooks,
            seed: config.seed,
            detect_deadlock: config.detect_deadlock,
            time_slice: config.time_slice,
            worker_stack: config.worker_stack,
            stacks: crate::fiber::stack::Arena::new(config.stack_size, config.max_stacks),
            det,
            timeline: Mutex::new(Timeline::default()),
            pools: Mutex::new(Vec::new()),
            numbered: (0..=u8::MAX).map(|_| OnceLock::new()).collect(),
            embedder: config.embedder,
            alone: AtomicBool::new(true),
            global: OnceLock::new(),
            root: Mutex::new(None),
            main: Mutex::new(None),
            cancel_epoch: AtomicU32::new(0),
            live_io: AtomicUsize::new(0),
            awake: AtomicUsize::new(0),
            sleep_lock: Mutex::new(()),
            stopping: AtomicBool::new(false),
            interrupted: AtomicUsize::new(0),
            root_done: std::sync::Mutex::new(true),
            root_signal: std::sync::Condvar::new(),
            blocking: crate::sched::pool::blocking::BlockingPool::new(config.max_blocking),
            events: config.trace_events.then(EventLog::new),
            monitor: crate::sched::monitor::Monitor::new(),
            threads: Mutex::new(Vec::new()),
            last_object: AtomicUsize::new(0),
            deferred: Mutex::new(Vec::new()),
            deferred_count: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
            deadlock: Mutex::new(None),
        }
    }

    /// Names the pool that main runs on; it has been added before.
    pub(crate) fn set_global(&self, pool: Arc<Pool>) {
        let _ = self.global.set(pool);
    }

    /// A pool has been made.
    pub(crate) fn add_pool(&self, pool: &Arc<Pool>) {
        if let Some(place) = self.numbered.get(pool.number()) {
            let _ = place.set(pool.clone());
        }
    }

    /// The pool of this number, which a fiber has got.
    #[inline]
    pub(crate) fn pool_at(&self, number: u8) -> &Pool {
        let pool = self.numbered[usize::from(number)].get();
        pool.unwrap_or_else(|| unreachable!("pools are listed when they are made"))
    }

    pub(crate) fn global(&self) -> &Arc<Pool> {
        self.global
            .get_or_init(|| unreachable!("the global pool is made with the runtime"))
    }

    pub(crate) fn outside(&self) -> Place<'_> {
        Place {
            shared: self,
            worker: None,
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// A number for an object that reports and traces name.
    pub(crate) fn new_object(&self) -> u64 {
        self.last_object.fetch_add(1, Ordering::Relaxed) as u64 + 1
    }

    /// Does one worker at most run fibers? Then what only running fibers lock needs no locking.
    /// (It changes only by what such a fiber does: it starts an executor.)
    #[inline]
    pub(crate) fn is_alone(&self) -> bool {
        !cfg!(loom) && self.alone.load(Ordering::Relaxed)
    }

    /// Before workers are started: how many there will be in all?
    pub(crate) fn note_workers(&self, workers: usize) {
        if workers > 1 {
            self.alone.store(false, Ordering::SeqCst);
        }
    }

    /// Is there nothing to be done but to run fibers?
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    #[inline]
    pub(crate) fn cancel_epoch(&self) -> u32 {
        self.cancel_epoch.load(Ordering::Acquire)
    }

    /// Makes every fiber look at the groups above it at its next dispatch or poll.
    pub(crate) fn bump_cancel_epoch(&self) {
        self.cancel_epoch.fetch_add(1, Ordering::AcqRel);
        self.poke_all();
    }

    /// Makes whatever runs look around.
    pub(crate) fn poke_all(&self) {
        for pool in self.pools.lock().iter() {
            for worker in pool.workers() {
                worker.poll_word.fetch_or(POLL_CHECK, Ordering::AcqRel);
            }
        }
    }

    /// Makes whoever runs this fiber look around. Which worker that is cannot be told: it may
    /// just be taking the fiber off a queue, and has then looked at its flags already.
    pub(crate) fn poke(&self, fiber: &Fiber) {
        if self.det.is_some() {
            return self.poke_all();
        }
        for worker in fiber.pool().workers() {
            worker.poll_word.fetch_or(POLL_CHECK, Ordering::AcqRel);
        }
    }

    /// Under test: a moment in which others may come first.
    #[cold]
    pub(crate) fn pause(&self) {
        if let Some(delays) = &self.delays {
            delays.pause();
        }
    }

    /// A task failed and nobody saw it: the nearest scope raises it, or the embedder is told.
    pub(crate) fn report_unobserved(
        &self,
        owner: &Ref<Group>,
        info: &SpawnInfo,
        path: &str,
        failure: u64,
    ) {
        let mut at = Some(owner);
        while let Some(group) = at {
            if group.kind == crate::sched::group::Kind::Scope
                && group.fail(self.outside(), Outcome::Failed(failure))
            {
                return;
            }
            at = group.parent();
        }
        let mut spawn_sites = vec![info.site];
        spawn_sites.extend(owner.spawn_sites());
        let task = TaskInfo {
            path: path.to_owned(),
            name: info.name.clone(),
            spawn_sites,
        };
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.hooks.detached_failure(&task, failure);
    }

    pub(crate) fn root_started(&self) {
        *self.root_done.lock().unwrap_or_else(|e| e.into_inner()) = false;
    }

    pub(crate) fn root_ended(&self) {
        *self.root_done.lock().unwrap_or_else(|e| e.into_inner()) = true;
        self.root_signal.notify_all();
    }

    /// Blocks the calling thread until everything has ended.
    pub(crate) fn wait_root(&self) {
        let mut done = self.root_done.lock().unwrap_or_else(|e| e.into_inner());
        while !*done {
            done = self
                .root_signal
                .wait(done)
                .unwrap_or_else(|e| e.into_inner());
        }
    }

    /// Arms a timer for the open wait of `waiter`.
    pub(crate) fn arm(&self, place: Place<'_>, deadline: u64, class: Class, waiter: Waiter) -> u64 {
        if self.clock.is_virtual() {
            // First in, first out, the order of creation is the order of paths, or is meant.
            let path = if self.det.as_ref().is_some_and(|d| d.is_fifo()) {
                Vec::new()
            } else {
                waiter.fiber.path_key()
            };
            return self.timeline.lock().arm(deadline, class, path, waiter);
        }
        let pool = place.worker.map_or_else(|| &**self.global(), |w| w.pool());
        let index = place.worker.map_or(0, |w| w.index());
        let worker = &pool.workers()[index];
        let id = {
            let mut wheel = worker.wheel(self);
            let due = Wheel::due(deadline);
            if due < worker.next_due.load(Ordering::Relaxed) {
                worker.note_due(Some(due));
            }
            wheel.arm(deadline, waiter)
        };
        // The wheel's number goes with the timer's: it may be disarmed from elsewhere.
        id | (index as u64) << 56 | (pool.number() as u64) << 48
    }

    pub(crate) fn disarm(&self, timer: u64) {
        if self.clock.is_virtual() {
            let gone = self.timeline.lock().disarm(timer);
            drop(gone);
            return;
        }
        let index = (timer >> 56) as usize;
        let pool = (timer >> 48 & 0xFF) as usize;
        let id = timer & 0x0000_FFFF_FFFF_FFFF;
        let global = self.global();
        let gone = if pool == 0 {
            global.workers()[index].wheel(self).disarm(id)
        } else {
            let other = self.pool_at(pool as u8);
            other.workers()[index].wheel(self).disarm(id)
        };
        drop(gone);
    }

    /// This block is to be settled at the end of the instant.
    pub(crate) fn defer(&self, group: Arc<JoinGroup>) {
        self.deferred.lock().push(group);
        self.deferred_count.fetch_add(1, Ordering::AcqRel);
    }

    /// Settles the deferred blocks; is any decided by that?
    pub(crate) fn settle_deferred(&self, place: Place<'_>) -> bool {
        if self.deferred_count.load(Ordering::Acquire) == 0 {
            return false;
        }
        let groups = std::mem::take(&mut *self.deferred.lock());
        self.deferred_count
            .fetch_sub(groups.len(), Ordering::AcqRel);
        let mut decided = false;
        for group in groups {
            decided |= group.settle(place);
        }
        decided
    }

    /// Counts an outside operation in; while any is in flight nothing is a deadlock.
    pub(crate) fn io_begin(&self) {
        self.live_io.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts it out, after its completion has been delivered.
    pub(crate) fn io_end(&self) {
        if self.live_io.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Whether everything is quiet now must be seen by a worker that is awake.
            self.global().wake_one(self);
        }
    }
}
