//! A worker: one thread that takes fibers and runs them.
//!
//! Local order: the slot (the fiber woken last, a bounded number of times in a row), then newly
//! spawned fibers, newest first, then woken and yielded ones, oldest first, then the injector,
//! then other workers' oldest. Newest first keeps fork-join depth-first: a tree of a million
//! leaves has some sixty live fibers.

use crate::fiber::{Fiber, FiberCx, FiberRef, LiveBody, Phase, Step, coro};
use crate::payload::Outcome;
use crate::sched::Place;
use crate::sched::decide::Fault;
use crate::sched::deque::Deque;
use crate::sched::events::EventKind;
use crate::sched::group::{Group, Member, cancel_all};
use crate::sched::in_place::Below;
use crate::sched::pool::{Pool, Remote};
use crate::sched::shared::{POLL_CHECK, POLL_PREEMPT, Shared};
use crate::sched::state::{Barred, ToParked, ToRunning};
use crate::sched::stats::count;
use crate::sched::woken::Woken;
use crossbeam_deque::Worker as Fifo;
use crossbeam_utils::sync::Parker;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// Work must have waited this long before a sleeping worker is woken for it: a wake-up costs
/// about 31 us, more than a hundred spawns.
const WAKE_DELAY_NS: u64 = 25_000;
/// Timers are looked at every so many dispatches.
const TICKS_PER_TIMER_LOOK: u32 = 32;

/// How a fiber left the worker.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Left {
    Done,
    Parked,
    /// It is READY: enqueue it behind the others.
    Yielded,
}

/// A worker's own side.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    index: usize,
    remote: *const Remote,
    pub(crate) lifo: Deque<Fiber>,
    pub(crate) woken: Woken,
    pub(crate) parker: Parker,
    pub(crate) stacks: crate::fiber::stack::Local,
    pub(crate) tick: Cell<u32>,
    pub(crate) slot_runs: Cell<u32>,
    /// The fiber that ran last had used up its time slice.
    pub(crate) preempted: Cell<bool>,
    /// Dispatches after such fibers.
    pub(crate) turns: Cell<u32>,
    pub(super) in_place_depth: Cell<u32>,
    /// While a child runs in place: what the fiber that awaits it spawns into.
    pub(super) awaiting_family: Cell<*const Group>,
    /// The fibers on this worker's stack that wait for the one that runs, innermost first.
    pub(super) below: Cell<*const Below>,
    pub(super) stack_floor: Cell<usize>,
    /// How many entries of the deque are stale, at most: their fibers have been run in place.
    pub(super) stale: Cell<usize>,
    pushes: Cell<u32>,
    work_since: Cell<u64>,
    last_id: Cell<u64>,
    pub(crate) random: Cell<u32>,
}

/// The two sides of a worker before its thread starts.
pub(crate) struct Seed {
    lifo: Deque<Fiber>,
    fifo: Fifo<FiberRef>,
    parker: Parker,
}

impl Seed {
    /// `alone`: it is the only one of its pool.
    pub(crate) fn new(alone: bool) -> (Seed, Remote) {
        let lifo = Deque::new(alone);
        let fifo = Fifo::new_fifo();
        let parker = Parker::new();
        let remote = Remote {
            lifo: lifo.thief(),
            fifo: fifo.stealer(),
            woken: AtomicUsize::new(0),
            slot: AtomicPtr::new(std::ptr::null_mut()),
            poll_word: crate::prim::AtomicU32::new(0),
            dispatches: AtomicU64::new(0),
            running: AtomicBool::new(false),
            inbox: crate::prim::Mutex::new(Default::default()),
            inbox_len: AtomicUsize::new(0),
            wheel: crate::prim::SpinMutex::new(crate::time::wheel::Wheel::new()),
            next_due: AtomicU64::new(u64::MAX),
            unparker: parker.unparker().clone(),
            counters: Default::default(),
        };
        (Seed { lifo, fifo, parker }, remote)
    }

    /// The worker's thread.
    pub(crate) fn work(self, shared: Arc<Shared>, pool: Arc<Pool>, index: usize) {
        let worker = self.worker(shared, pool, index);
        Group::keep_spare(true);
        worker.main_loop();
        Group::keep_spare(false);
        worker.shared.stacks.take_back(&worker.stacks);
    }

    /// The worker, on the calling thread.
    pub(crate) fn worker(self, shared: Arc<Shared>, pool: Arc<Pool>, index: usize) -> Worker {
        let here = 0u8;
        let top = &raw const here as usize;
        let alone = pool.workers().len() == 1;
        Worker {
            stack_floor: Cell::new(top.saturating_sub(shared.worker_stack / 2)),
            stacks: crate::fiber::stack::Local::default(),
            // Number 1 is main's.
            last_id: Cell::new(((pool.number() as u64) << 56 | (index as u64) << 40).max(1)),
            random: Cell::new(0x9E37_79B9 ^ (index as u32 + 1)),
            remote: &raw const pool.workers()[index],
            shared,
            pool,
            index,
            lifo: self.lifo,
            woken: Woken::new(self.fifo, alone),
            parker: self.parker,
            tick: Cell::new(0),
            slot_runs: Cell::new(0),
            preempted: Cell::new(false),
            turns: Cell::new(0),
            in_place_depth: Cell::new(0),
            awaiting_family: Cell::new(std::ptr::null()),
            below: Cell::new(std::ptr::null()),
            stale: Cell::new(0),
            pushes: Cell::new(0),
            work_since: Cell::new(0),
        }
    }
}

impl Worker {
    #[inline]
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    #[inline]
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) fn pool_arc(&self) -> &Arc<Pool> {
        &self.pool
    }

    #[inline]
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    #[inline]
    pub(crate) fn remote(&self) -> &Remote {
        // SAFETY: in the pool, which this worker holds.
        unsafe { &*self.remote }
    }

    /// Is it the only worker of its pool?
    #[inline]
    pub(crate) fn is_alone(&self) -> bool {
        self.woken.is_alone()
    }

    #[inline]
    pub(crate) fn place(&self) -> Place<'_> {
        Place {
            shared: &self.shared,
            worker: Some(self),
        }
    }

    /// A task number no other worker gives out.
    #[inline]
    pub(crate) fn new_id(&self) -> u64 {
        self.last_id.set(self.last_id.get() + 1);
        self.last_id.get()
    }

    fn main_loop(&self) {
        loop {
            if self.shared.is_stopping() {
                break;
            }
            match self.next() {
                Some(fiber) => {
                    self.remote().running.store(true, Ordering::Relaxed);
                    self.dispatch(fiber);
                    self.tick();
                }
                None => {
                    self.remote().running.store(false, Ordering::Relaxed);
                    Group::drop_spare();
                    if self.pool.closing.load(Ordering::Acquire) {
                        break;
                    }
                    if let Some(fiber) = self.search() {
                        self.remote().running.store(true, Ordering::Relaxed);
                        self.dispatch(fiber);
                    } else {
                        self.sleep();
                        self.look_at_timers();
                    }
                }
            }
        }
        self.remote().running.store(false, Ordering::Relaxed);
        {
            let _order = self.shared.sleep_lock.lock();
            self.shared.awake.fetch_sub(1, Ordering::SeqCst);
        }
        if !self.shared.is_stopping() {
            // This may have been the last one awake: another must see whether all is quiet.
            self.shared.global().wake_one(&self.shared);
        }
    }

    /// Runs a fiber taken from a queue, unless the entry is stale.
    #[inline]
    pub(crate) fn dispatch(&self, fiber: FiberRef) {
        if !self.woken.take_running() && fiber.state.transition_to_running() == ToRunning::Stale {
            return self.dropped_stale();
        }
        match self.run(&fiber) {
            Left::Done => {}
            // It keeps itself.
            Left::Parked => std::mem::forget(fiber),
            Left::Yielded => self.requeue(fiber),
        }
    }

    /// Does a fiber that makes room stay RUNNING, as nobody else can take it?
    #[inline]
    fn stays_running(&self, fiber: &Fiber) -> bool {
        self.is_alone() && self.shared.is_plain() && fiber.pin == 0 && fiber.is_on(&self.pool)
    }

    /// Enqueues a fiber that made room.
    #[inline]
    pub(crate) fn requeue(&self, fiber: FiberRef) {
        count(&self.remote().counters.yields);
        if let Some(det) = &self.shared.det {
            return det.push(fiber);
        }
        if self.preempted.get() {
            // What has fallen due meanwhile goes before what has used up its time slice.
            self.look_at_timers();
        }
        if self.stays_running(&fiber) {
            self.woken.push_running(self.remote(), fiber);
        } else if fiber.pin != 0 || !fiber.is_on(&self.pool) {
            self.place().ready(fiber);
        } else {
            self.woken.push(self.remote(), fiber);
        }
    }

    /// Runs a fiber that is RUNNING and ours until it leaves.
    pub(crate) fn run(&self, fiber: &FiberRef) -> Left {
        let remote = self.remote();
        let turn = remote.dispatches.load(Ordering::Relaxed) + 1;
        remote.dispatches.store(turn, Ordering::Relaxed);
        self.note_cancellation(fiber);
        self.rearm();
        if fiber.state.barred().is_some() {
            // It polls the word, not its state.
            remote.poll_word.fetch_or(POLL_CHECK, Ordering::AcqRel);
        }
        self.go_on(fiber)
    }

    fn go_on(&self, fiber: &FiberRef) -> Left {
        loop {
            if let Some(log) = &self.shared.events {
                log.record(self, fiber, EventKind::Run);
            }
            if let Step::Done(outcome) = self.resume(fiber) {
                self.place().finish(fiber, outcome);
                return Left::Done;
            }
            if let Some(left) = self.park_or_yield(fiber) {
                return left;
            }
        }
    }

    /// As [`Worker::run`], for a fiber that nobody else can reach and that has never run.
    #[inline]
    pub(super) fn run_first(&self, fiber: &FiberRef) -> Left {
        self.note_cancellation(fiber);
        // SAFETY: the fiber is RUNNING and ours.
        let body = unsafe { fiber.live_body() };
        let (Some(body), None) = (body, fiber.state.barred()) else {
            return self.run(fiber);
        };
        if body.needs_stack() {
            return self.run(fiber);
        }
        let dispatches = &self.remote().dispatches;
        dispatches.store(dispatches.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        match self.resume_body(fiber, body) {
            Step::Done(outcome) => {
                self.place().finish_alone(fiber, outcome);
                Left::Done
            }
            Step::Parked => self
                .park_or_yield(fiber)
                .unwrap_or_else(|| self.go_on(fiber)),
        }
    }

    /// After the fiber's body has parked: how does it leave? `None`: it goes on.
    fn park_or_yield(&self, fiber: &FiberRef) -> Option<Left> {
        // SAFETY: the fiber is RUNNING and ours.
        let phase = unsafe { *fiber.phase.get() };
        if phase != Phase::Waiting {
            if let Some(log) = &self.shared.events {
                log.record(self, fiber, EventKind::Yield);
            }
            if !self.stays_running(fiber) {
                fiber.state.transition_to_ready();
            }
            return Some(Left::Yielded);
        }
        if let Some(log) = &self.shared.events {
            log.record(self, fiber, EventKind::Park);
        }
        if !fiber.state.is_linked() && self.link(fiber) {
            self.cancel_own(fiber);
        }
        count(&self.remote().counters.parks);
        if self.shared.watched {
            self.shared.pause();
        }
        match fiber.state.transition_to_parked() {
            ToParked::Parked => {
                if self.shared.watched {
                    self.parked_point(fiber);
                }
                Some(Left::Parked)
            }
            ToParked::Woken => None,
        }
    }

    /// The fiber has just parked: here a policy may have it cancelled, as if by the fiber that
    /// runs next.
    #[cold]
    fn parked_point(&self, fiber: &FiberRef) {
        if let Some(det) = &self.shared.det
            && det.fault(fiber, &[Fault::Cancel]) == Fault::Cancel
        {
            cancel_all(self.place(), vec![Member::Fiber(fiber.clone())]);
        }
    }

    /// Is the next back-edge to poll, whatever happens?
    #[inline]
    pub(crate) fn rearm(&self) {
        if self.shared.watched && self.shared.det.as_ref().is_some_and(|d| d.asks_at_polls()) {
            self.remote()
                .poll_word
                .fetch_or(POLL_CHECK, Ordering::AcqRel);
        }
    }

    /// Makes a fiber that parks for the first time findable; is it to be cancelled?
    fn link(&self, fiber: &FiberRef) -> bool {
        // SAFETY: the fiber is RUNNING and ours.
        let family = unsafe { &*fiber.family.get() };
        let home = family.as_ref().and_then(|family| family.home());
        home.unwrap_or(fiber.owner())
            .link_fiber(self.place(), fiber)
    }

    /// Has anything above the fiber been cancelled since it last looked?
    #[inline]
    pub(crate) fn note_cancellation(&self, fiber: &Fiber) {
        let epoch = self.shared.cancel_epoch();
        // SAFETY: the fiber is RUNNING and ours.
        let seen = unsafe { &mut *fiber.seen_cancel_epoch.get() };
        if *seen != epoch {
            *seen = epoch;
            if fiber.owner().is_cancelled() {
                self.cancel_own(fiber);
            }
        }
    }

    /// Flags the fiber this worker runs.
    fn cancel_own(&self, fiber: &Fiber) {
        // A running fiber is only flagged; there is nothing to enqueue.
        let _ = fiber.state.ask_cancel();
    }

    fn resume(&self, fiber: &FiberRef) -> Step {
        // SAFETY: the fiber is RUNNING and ours, so body and coroutine are too.
        let (body, coro) = unsafe { (fiber.live_body(), fiber.take_coro()) };
        if let Some(mut suspended) = coro {
            let step = suspended.resume(self);
            if let Some(step) = step {
                suspended.give_back(self);
                return step;
            }
            // SAFETY: as above.
            unsafe { fiber.keep_coro(suspended) }
            return Step::Parked;
        }
        let Some(body) = body else {
            return Step::Done(Outcome::Cancelled);
        };
        // SAFETY: the phase is ours, see above.
        let phase = unsafe { &mut *fiber.phase.get() };
        match *phase {
            // Idle and cancelled means: never started.
            Phase::Idle if fiber.state.barred() == Some(Barred::Cancel) => {
                return Step::Done(Outcome::Cancelled);
            }
            Phase::Yielded => *phase = Phase::Idle,
            _ => {}
        }
        if body.needs_stack() {
            return match coro::Coro::start(self, fiber) {
                (Some(step), None) => step,
                (_, suspended) => {
                    if let Some(suspended) = suspended {
                        // SAFETY: as above.
                        unsafe { fiber.keep_coro(suspended) }
                    }
                    Step::Parked
                }
            };
        }
        self.resume_body(fiber, body)
    }

    /// Resumes a body without a stack of its own.
    #[inline]
    fn resume_body(&self, fiber: &FiberRef, body: LiveBody) -> Step {
        let cx = FiberCx::new(self, fiber);
        match catch_unwind(AssertUnwindSafe(|| body.resume(&cx))) {
            Ok(step) => step,
            Err(panic) => Step::Done(Outcome::Failed(self.shared.hooks.panicked(panic))),
        }
    }

    /// How far down bodies may use this worker's own stack.
    pub(crate) fn stack_floor(&self) -> usize {
        self.stack_floor.get()
    }

    /// Enqueues a fiber that has been woken by one that runs here.
    #[inline]
    pub(crate) fn ready_local(&self, fiber: FiberRef) {
        let new = fiber.into_raw();
        let slot = &self.remote().slot;
        if slot.load(Ordering::Relaxed).is_null() {
            // Thieves only empty it.
            return slot.store(new, Ordering::Release);
        }
        let old = slot.swap(new, Ordering::AcqRel);
        if !old.is_null() {
            // SAFETY: the slot owns what it holds; the swap made it ours.
            let old = unsafe { FiberRef::from_raw(old) };
            self.woken.push(self.remote(), old);
            self.noticed_work();
        }
    }

    /// Enqueues a fiber that has just been spawned here.
    #[inline]
    pub(crate) fn spawned_local(&self, fiber: FiberRef) {
        self.lifo.push(fiber);
        self.noticed_work();
    }

    /// There is more here than one fiber: shall somebody come and take some?
    #[inline]
    fn noticed_work(&self) {
        let pool = &self.pool;
        if pool.sleeping.load(Ordering::Relaxed) == 0 || pool.searching.load(Ordering::Relaxed) > 0
        {
            return;
        }
        let pushes = self.pushes.get().wrapping_add(1);
        self.pushes.set(pushes);
        if !pushes.is_multiple_of(8) {
            return;
        }
        let now = self.shared.clock.real();
        let since = self.work_since.get();
        if since == 0 {
            self.work_since.set(now);
        } else if now - since > WAKE_DELAY_NS {
            self.work_since.set(0);
            pool.wake_one(&self.shared);
        }
    }

    pub(crate) fn queues_are_empty(&self) {
        self.stale.set(0);
        self.work_since.set(0);
    }

    #[inline]
    fn tick(&self) {
        let tick = self.tick.get().wrapping_add(1);
        self.tick.set(tick);
        if self.preempted.get() || tick.is_multiple_of(TICKS_PER_TIMER_LOOK) {
            self.look_at_timers();
        }
    }

    /// Fires what is due in this worker's wheel, and in those of workers that are busy.
    pub(crate) fn look_at_timers(&self) {
        if self.shared.clock.is_virtual() {
            return;
        }
        let workers = self.pool.workers();
        if !workers.iter().any(|worker| worker.may_be_due(u64::MAX - 1)) {
            return;
        }
        let now = self.shared.clock.now();
        let (mut due, mut woken) = (Vec::new(), Vec::new());
        for (index, worker) in workers.iter().enumerate() {
            if !worker.may_be_due(now) {
                continue;
            }
            let wheel = if index == self.index {
                Some(worker.wheel(&self.shared))
            } else {
                worker.try_wheel()
            };
            if let Some(mut wheel) = wheel {
                wheel.advance(now, &mut due);
                worker.note_due(wheel.next_wake());
                // Under the lock: a fiber whose wait has ended otherwise cannot go on meanwhile.
                woken.extend(
                    due.drain(..)
                        .flat_map(|waiter| waiter.claim(None))
                        .flatten(),
                );
            }
        }
        for fiber in woken {
            if fiber.pin == 0 && fiber.is_on(&self.pool) {
                self.woken.push(self.remote(), fiber);
            } else {
                self.place().ready(fiber);
            }
        }
    }

    /// Reads and clears the poll word: is the running fiber to make room?
    pub(crate) fn take_poll(&self) -> (bool, bool) {
        let word = self.remote().poll_word.swap(0, Ordering::AcqRel);
        if word & POLL_PREEMPT != 0 {
            // A time slice has passed since the last look: look at timers right afterwards, and
            // take turns with everything that waits.
            self.preempted.set(true);
        }
        (word & POLL_PREEMPT != 0, word & POLL_CHECK != 0)
    }
}
