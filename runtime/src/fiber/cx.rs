//! What running code knows of its fiber and its worker.
//!
//! A fiber may resume on another thread, so nothing here is found through a thread-local: the
//! context is a parameter, and it is brought up to date at every resumption.

use crate::fiber::{Fiber, FiberRef, Phase, WaitSlot};
use crate::prim::{AtomicU32, Ordering};
use crate::random::Stream;
use crate::sched::Place;
use crate::sched::pool::Pool;
use crate::sched::shared::{POLL_CHECK, POLL_PREEMPT, Shared};
use crate::sched::state::*;
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::WaitError;
use crate::sched::worker::Worker;
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::Poll;

/// What a safepoint asks of the running body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safepoint {
    /// Go on.
    Continue,
    /// Make room: call [`FiberCx::poll_yield`] and park until it answers.
    Yield,
    /// Unwind, for this reason.
    Stop(WaitError),
}

/// The context of a running fiber. `repr(C)`: native code reads the first field.
#[repr(C)]
pub struct FiberCx {
    poll_word: Cell<*const AtomicU32>,
    worker: Cell<*const Worker>,
    fiber: *mut Fiber,
    shared: *const Shared,
    /// As in `Shared`.
    pub(super) watched: bool,
    yielder: Cell<*const super::coro::Switch>,
    /// Of a stack of its own; 0 on the worker's.
    stack_limit: Cell<usize>,
}

impl std::fmt::Debug for FiberCx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FiberCx")
            .field("fiber", self.fiber())
            .finish_non_exhaustive()
    }
}

pub(crate) use super::operation::Enter;
pub use super::spawn::{SpawnError, SpawnOptions};

impl FiberCx {
    #[inline]
    pub(crate) fn new(worker: &Worker, fiber: &FiberRef) -> FiberCx {
        FiberCx {
            poll_word: Cell::new(&raw const worker.remote().poll_word),
            worker: Cell::new(worker),
            fiber: fiber.as_ptr(),
            shared: worker.shared(),
            watched: worker.shared().watched,
            yielder: Cell::new(std::ptr::null()),
            stack_limit: Cell::new(0),
        }
    }

    pub(crate) fn set_yielder(&self, yielder: *const super::coro::Switch) {
        self.yielder.set(yielder);
    }

    /// After a resumption: the worker may be another one.
    pub(crate) fn set_worker(&self, worker: *const Worker) {
        self.worker.set(worker);
        // SAFETY: null, or the worker that has just resumed this fiber.
        if let Some(worker) = unsafe { worker.as_ref() } {
            self.poll_word.set(&raw const worker.remote().poll_word);
        }
    }

    #[inline]
    pub(crate) fn fiber(&self) -> &Fiber {
        // SAFETY: whoever resumed the fiber holds a count of it until the resumption ends.
        unsafe { &*self.fiber }
    }

    #[inline]
    pub(crate) fn fiber_ptr(&self) -> NonNull<Fiber> {
        // SAFETY: it came from a reference.
        unsafe { NonNull::new_unchecked(self.fiber) }
    }

    #[inline]
    pub(crate) fn fiber_ref(&self) -> FiberRef {
        // SAFETY: `fiber` came from a reference that is alive, see `fiber`; it is not touched.
        let fiber = ManuallyDrop::new(unsafe { FiberRef::from_raw(self.fiber) });
        FiberRef::clone(&fiber)
    }

    /// The worker it runs on; `None` only while a killed fiber unwinds.
    #[inline]
    pub(crate) fn worker(&self) -> Option<&Worker> {
        // SAFETY: null, or the worker that resumed the fiber and waits for it to leave.
        unsafe { self.worker.get().as_ref() }
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Shared {
        // SAFETY: the fiber's groups keep it.
        unsafe { &*self.shared }
    }

    #[inline]
    pub(crate) fn place(&self) -> Place<'_> {
        Place {
            shared: self.shared(),
            worker: self.worker(),
        }
    }

    #[expect(clippy::mut_from_ref, reason = "the running fiber owns its slot")]
    #[inline]
    pub(crate) fn slot(&self) -> &mut WaitSlot {
        // SAFETY: this context belongs to the thread that runs the fiber, the slot's owner; no
        // caller keeps the reference across another call of this method.
        unsafe { &mut *self.fiber().slot() }
    }

    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        // SAFETY: as for `slot`.
        unsafe { *self.fiber().phase.get() }
    }

    #[inline]
    pub(crate) fn set_phase(&self, phase: Phase) {
        // SAFETY: as for `slot`.
        unsafe { *self.fiber().phase.get() = phase }
    }

    // ---- who and where -------------------------------------------------------------------

    /// The task's number.
    pub fn id(&self) -> u64 {
        self.fiber().id
    }

    /// `main.2.1`.
    pub fn path(&self) -> String {
        self.fiber().path()
    }

    /// Where this fiber and its ancestors were spawned, innermost first.
    pub fn spawn_sites(&self) -> Vec<u64> {
        let mut sites = vec![self.fiber().site];
        sites.extend(self.fiber().owner().spawn_sites());
        sites
    }

    /// The pool it runs on.
    pub fn pool(&self) -> Option<Arc<Pool>> {
        self.worker().map(|w| w.pool_arc().clone())
    }

    /// The pool that main runs on.
    pub fn global_pool(&self) -> Arc<Pool> {
        self.shared().global().clone()
    }

    /// Worker threads of its pool.
    pub fn worker_count(&self) -> usize {
        self.fiber().pool().threads()
    }

    /// Does no policy and no test watch the operations of this runtime?
    #[inline]
    pub fn is_plain(&self) -> bool {
        !self.watched
    }

    /// Is every choice made by a policy?
    pub fn is_deterministic(&self) -> bool {
        self.shared().det.is_some()
    }

    /// Nanoseconds since the start of the runtime, on the clock of fibers.
    pub fn now(&self) -> u64 {
        self.shared().clock.now()
    }

    /// Does time move only when everything waits?
    pub fn is_virtual_time(&self) -> bool {
        self.shared().clock.is_virtual()
    }

    /// This fiber's own stream of random numbers, from its beginning.
    pub fn random_stream(&self) -> Stream {
        Stream::of_fiber(self.shared().seed, self.fiber().path_hash())
    }

    /// The word of the configuration.
    #[inline]
    pub fn embedder(&self) -> usize {
        self.shared().embedder
    }

    /// What the slots of this runtime are.
    pub fn payload(&self) -> &'static crate::PayloadVTable {
        self.shared().payload
    }

    /// A number for an object that reports and traces will name.
    pub fn new_object_id(&self) -> u64 {
        self.shared().new_object()
    }

    // ---- safepoints ----------------------------------------------------------------------

    /// The word to poll at back-edges and calls: not zero means call [`FiberCx::safepoint`].
    /// The address changes when the fiber resumes on another worker.
    #[inline]
    pub fn poll_word(&self) -> *const AtomicU32 {
        self.poll_word.get()
    }

    /// Deals with a poll word that is not zero.
    pub fn safepoint(&self) -> Safepoint {
        let Some(worker) = self.worker() else {
            return Safepoint::Continue;
        };
        let (mut preempt, check) = worker.take_poll();
        if check {
            preempt |= worker.note_fibers_below();
            worker.note_cancellation(self.fiber());
        }
        if self.shared().watched
            && self
                .shared()
                .det
                .as_ref()
                .is_some_and(|d| d.asks_at_polls())
        {
            self.meet_cancel();
        }
        if let Some(why) = self.fiber().state.barred() {
            return Safepoint::Stop(self.stopped(why));
        }
        if preempt && !self.is_deterministic() {
            Safepoint::Yield
        } else {
            Safepoint::Continue
        }
    }

    /// Polls the word and deals with it.
    pub fn poll(&self) -> Safepoint {
        // SAFETY: the word belongs to the worker that runs this fiber.
        let word = unsafe { &*self.poll_word.get() };
        if word.load(Ordering::Relaxed) & (POLL_PREEMPT | POLL_CHECK) == 0 {
            Safepoint::Continue
        } else {
            self.safepoint()
        }
    }

    /// Makes room for others: first `Pending`, then ready.
    #[inline]
    pub fn poll_yield(&self) -> Poll<Result<(), WaitError>> {
        if self.phase() == Phase::Looked {
            self.set_phase(Phase::Idle);
            self.event(Op::Yield, 0, 0);
            return Poll::Ready(Ok(()));
        }
        if let Some(why) = self.check_cancel() {
            return Poll::Ready(Err(why));
        }
        if self.shared().watched {
            self.meet_cancel();
            if let Some(why) = self.check_cancel() {
                return Poll::Ready(Err(why));
            }
            if let Some(det) = &self.shared().det {
                det.yielded(self.fiber());
            }
        }
        self.next_op();
        self.set_phase(Phase::Looked);
        Poll::Pending
    }

    /// Makes room for others, where neither policy nor test watches ([`FiberCx::is_plain`]): the
    /// body parks by returning and goes on *behind* this when it is resumed, instead of calling it
    /// again.
    ///
    /// # Errors
    /// When the fiber has been told to end.
    #[inline]
    pub fn make_room(&self) -> Result<(), WaitError> {
        debug_assert!(self.is_plain());
        match self.check_cancel() {
            Some(why) => Err(why),
            None => {
                self.set_phase(Phase::Yielded);
                Ok(())
            }
        }
    }

    /// A scheduling point without an operation: before a spawn, say.
    #[inline]
    pub fn poll_point(&self) -> Poll<Result<(), WaitError>> {
        match self.enter() {
            Enter::Begin | Enter::Resume => Poll::Ready(Ok(())),
            Enter::Yield => Poll::Pending,
            Enter::Stop(why) => Poll::Ready(Err(why)),
        }
    }

    /// If the fiber has been told to stop, its next poll will see that.
    #[inline]
    pub(crate) fn look_soon(&self) {
        if self.fiber().state.barred().is_some()
            && let Some(worker) = self.worker()
        {
            worker
                .remote()
                .poll_word
                .fetch_or(POLL_CHECK, Ordering::AcqRel);
        }
    }

    /// Has the fiber been told to end (and is not cleaning up)?
    #[inline]
    pub fn check_cancel(&self) -> Option<WaitError> {
        if self.is_unasked() {
            return None;
        }
        self.check_cancel_slow()
    }

    /// Has nothing been said to the fiber or its worker?
    #[inline]
    pub(super) fn is_unasked(&self) -> bool {
        // SAFETY: see `poll`.
        let word = unsafe { &*self.poll_word.get() };
        word.load(Ordering::Relaxed) & POLL_CHECK == 0 && self.fiber().state.barred().is_none()
    }

    #[cold]
    #[inline(never)]
    fn check_cancel_slow(&self) -> Option<WaitError> {
        // SAFETY: see `poll`.
        let word = unsafe { &*self.poll_word.get() };
        if word.load(Ordering::Relaxed) & POLL_CHECK != 0
            && let Some(worker) = self.worker()
        {
            word.fetch_and(!POLL_CHECK, Ordering::AcqRel);
            if worker.note_fibers_below() {
                word.fetch_or(POLL_PREEMPT, Ordering::AcqRel);
            }
            worker.note_cancellation(self.fiber());
            worker.rearm();
        }
        self.fiber().state.barred().map(|why| self.stopped(why))
    }

    /// Has the fiber been told to end, even if that is shut out at present?
    pub fn is_cancelled(&self) -> bool {
        if let Some(worker) = self.worker() {
            worker.note_cancellation(self.fiber());
        }
        self.fiber().state.is_cancel_asked()
    }

    /// Shuts cancellation out while `defer` and `finally` run; gives back the former setting.
    pub fn set_masked(&self, on: bool) -> bool {
        let was = self.fiber().state.set_masked(on);
        if was && !on {
            self.drop_shield();
            self.look_soon();
        }
        was
    }

    /// What was started while cancellation was shut out goes on by itself now.
    fn drop_shield(&self) {
        // SAFETY: the running fiber owns its family field.
        let family = unsafe { &mut *self.fiber().family.get() };
        let shield = family.take_if(|g| g.kind == crate::sched::group::Kind::Shield);
        if let Some(shield) = shield {
            *family = shield.parent().cloned();
            // SAFETY: the running fiber's own shield, which it leaves.
            unsafe { shield.leave(self.place()) }
        }
    }

    /// The fiber learns that it must end: so must all it owns.
    pub(crate) fn stopped(&self, why: Barred) -> WaitError {
        match why {
            Barred::Interrupt => WaitError::ScopeFailed,
            Barred::Cancel => {
                // SAFETY: the running fiber owns its family field.
                if let Some(family) = unsafe { &*self.fiber().family.get() } {
                    family.cancel(self.place());
                }
                WaitError::Cancelled
            }
        }
    }

    // ---- parking -------------------------------------------------------------------------

    /// Parks a body that runs on a coroutine stack. To be called when an operation answered
    /// `Pending`; call the operation again afterwards.
    ///
    /// # Panics
    /// When the body runs without a stack of its own: such a body parks by returning.
    pub fn suspend(&self) {
        let yielder = self.yielder.get();
        assert!(
            !yielder.is_null(),
            "suspend needs a body with a stack (`Body::needs_stack`)"
        );
        // SAFETY: a yielder is set for as long as its coroutine runs this body.
        unsafe { super::coro::suspend(&*yielder, self) }
    }

    /// The lowest address native code of this body should let its stack reach: below it are only
    /// some kilobytes of reserve and then the guard page.
    pub fn stack_limit(&self) -> usize {
        match (self.stack_limit.get(), self.worker()) {
            (0, Some(worker)) => worker.stack_floor(),
            (limit, _) => limit,
        }
    }

    pub(crate) fn set_stack_limit(&self, limit: usize) {
        self.stack_limit.set(limit);
    }

    /// Can this body park by [`FiberCx::suspend`]?
    #[inline]
    pub fn has_stack(&self) -> bool {
        !self.yielder.get().is_null()
    }

    /// Calls an operation until it is ready, suspending in between.
    pub fn block<T>(&self, mut operation: impl FnMut() -> Poll<T>) -> T {
        loop {
            match operation() {
                Poll::Ready(value) => return value,
                Poll::Pending => self.suspend(),
            }
        }
    }

    /// Runs `f` on the worker's own, large stack; here, if the body has no other.
    pub fn on_worker_stack<R>(&self, f: impl FnOnce() -> R + Send) -> R {
        let yielder = self.yielder.get();
        if yielder.is_null() {
            return f();
        }
        // SAFETY: as in `suspend`.
        unsafe { super::coro::on_parent_stack(&*yielder, f) }
    }
}
