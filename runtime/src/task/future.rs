//! Handles of tasks: await, look, cancel.

use crate::fiber::cx::Enter;
use crate::fiber::{FiberCx, FiberRef, NoBody, Plan, SpawnInfo};
use crate::payload::Outcome;
use crate::sched::Place;
use crate::sched::events::EventKind;
use crate::sched::group::{Member, cancel_all};
use crate::sched::state::StateWord;
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::{WaitError, WaitReason};
use crate::sched::worker::Worker;
use crate::sync::wait_queue::Item;
use std::sync::Arc;
use std::task::Poll;

/// A counted handle of a task. The task runs whether or not anybody holds one.
#[derive(Clone, Debug)]
pub struct FutureRef {
    pub(crate) fiber: FiberRef,
}

impl PartialEq for FutureRef {
    fn eq(&self, other: &Self) -> bool {
        self.fiber.is(&other.fiber)
    }
}

impl Eq for FutureRef {}

impl FutureRef {
    #[inline]
    pub(crate) fn new(fiber: FiberRef) -> FutureRef {
        FutureRef { fiber }
    }

    /// The task's number.
    pub fn id(&self) -> u64 {
        self.fiber.id
    }

    /// The name given at spawn.
    pub fn name(&self) -> Option<&Arc<str>> {
        self.fiber.name()
    }

    /// `main.2.1`.
    pub fn path(&self) -> String {
        self.fiber.path()
    }

    /// Has it ended?
    #[inline]
    pub fn is_done(&self) -> bool {
        self.fiber.state.is_done()
    }

    /// How it ended, as the handle's owner may look at it: not a copy. Counts as having seen a
    /// failure.
    #[inline]
    pub fn peek(&self) -> Option<Outcome> {
        let outcome = self.fiber.outcome()?;
        if let Outcome::Failed(_) = outcome {
            self.fiber.state.set_observed();
        }
        Some(outcome)
    }

    /// As [`FutureRef::is_done`], as an operation of a fiber: a scheduling point.
    pub fn poll_is_ready(&self, cx: &FiberCx) -> Poll<bool> {
        cx.look(Op::Look, self.trace_id(), || u64::from(self.is_done()))
            .map(|seen| seen != 0)
    }

    /// As [`FutureRef::peek`], as an operation of a fiber. The outcome is a copy.
    pub fn poll_state(&self, cx: &FiberCx) -> Poll<Option<Outcome>> {
        let seen = cx.look(Op::Look, self.trace_id(), || u64::from(self.is_done()));
        seen.map(|done| {
            if done != 0 {
                self.shared_outcome()
            } else {
                None
            }
        })
    }

    #[inline]
    fn shared_outcome(&self) -> Option<Outcome> {
        self.peek().map(|o| o.share(self.fiber.shared().payload))
    }

    pub(crate) fn trace_id(&self) -> u64 {
        self.fiber.path_hash()
    }

    /// Waits for the task. The outcome is the caller's own copy. A child nobody has started runs
    /// right here (not in deterministic runs, where order is the contract).
    #[inline]
    pub fn poll_await(
        &self,
        cx: &FiberCx,
        deadline: Option<u64>,
    ) -> Poll<Result<Outcome, WaitError>> {
        match cx.enter_on(self.trace_id()) {
            Enter::Begin => {}
            other => return self.awaited(cx, other),
        }
        if self.fiber.state.is_new() && deadline.is_none() {
            self.run_in_place(cx);
        }
        self.look_or_wait(cx, deadline)
    }

    /// As [`FutureRef::poll_await`] without a deadline.
    ///
    /// # Safety
    /// The calling fiber has all handles of the task, in a way in which no other can reach them
    /// while it awaits: then the task may never become known to others at all.
    #[inline]
    pub unsafe fn poll_await_own(&self, cx: &FiberCx) -> Poll<Result<Outcome, WaitError>> {
        match cx.enter_on(self.trace_id()) {
            Enter::Begin => {}
            other => return self.awaited(cx, other),
        }
        if self.fiber.state.is_new() {
            match cx.worker() {
                Some(worker)
                    if cx.shared().is_plain()
                        && !cx.has_stack()
                        && worker.run_alone(&self.fiber, cx.fiber()) =>
                {
                    cx.look_soon();
                }
                _ => self.run_in_place(cx),
            }
        }
        self.look_or_wait(cx, None)
    }

    #[inline]
    fn look_or_wait(
        &self,
        cx: &FiberCx,
        deadline: Option<u64>,
    ) -> Poll<Result<Outcome, WaitError>> {
        if self.is_done() {
            return Poll::Ready(Ok(self.ended(cx)));
        }
        self.wait_for(cx, deadline)
    }

    /// An await that does not begin now.
    #[inline(never)]
    fn awaited(&self, cx: &FiberCx, enter: Enter) -> Poll<Result<Outcome, WaitError>> {
        match enter {
            Enter::Yield => Poll::Pending,
            Enter::Stop(why) => Poll::Ready(Err(why)),
            Enter::Begin | Enter::Resume => {
                let wake = cx.finish_wait();
                if wake.arm != 0 {
                    self.unregister(cx, wake.key, wake.epoch);
                    return Poll::Ready(Err(cx.wake_error(wake.arm)));
                }
                Poll::Ready(Ok(self.ended(cx)))
            }
        }
    }

    #[inline(never)]
    fn wait_for(&self, cx: &FiberCx, deadline: Option<u64>) -> Poll<Result<Outcome, WaitError>> {
        match self.register(cx, 0, None) {
            Ok(None) => Poll::Ready(Ok(self.ended(cx))),
            Ok(Some((epoch, key))) => {
                cx.slot().key = key;
                cx.arm_deadline(epoch, deadline);
                if let (Some(log), Some(worker)) = (&cx.shared().events, cx.worker()) {
                    log.record_with(worker, cx.fiber(), EventKind::Await, self.id());
                }
                Poll::Pending
            }
            Err(why) => Poll::Ready(Err(why)),
        }
    }

    /// As [`FutureRef::poll_await`], for bodies with a stack.
    pub fn wait(&self, cx: &FiberCx) -> Result<Outcome, WaitError> {
        cx.block(|| self.poll_await(cx, None))
    }

    /// Whether the fiber has an await of this future under way. An operation that awaits several
    /// futures in turn goes on with that one when it is resumed.
    pub fn is_awaited_by(&self, cx: &FiberCx) -> bool {
        cx.phase() == crate::fiber::Phase::Waiting
            && cx.slot().reason == WaitReason::Await
            && cx.slot().object == self.id()
    }

    fn run_in_place(&self, cx: &FiberCx) {
        let Some(worker) = cx.worker() else { return };
        if cx.has_stack() {
            let at = OnWorker(worker, &self.fiber, cx.fiber());
            cx.on_worker_stack(move || {
                let at = at;
                at.0.run_in_place(at.1, at.2)
            });
        } else {
            worker.run_in_place(&self.fiber, cx.fiber());
        }
        // The child may have taken what the poll word said to this fiber.
        cx.look_soon();
    }

    /// Queues the calling fiber as joiner, in a wait of its own or (`epoch`) one that is open.
    /// `None`: the task has ended.
    pub(crate) fn register(
        &self,
        cx: &FiberCx,
        arm: u16,
        epoch: Option<u32>,
    ) -> Result<Option<(u32, u32)>, WaitError> {
        self.fiber.with_joiners(|joiners| {
            if !self.fiber.state.announce_joiner() {
                return Ok(None);
            }
            let epoch = match epoch {
                Some(epoch) => epoch,
                None => cx.begin_wait(WaitReason::Await, self.id())?,
            };
            let queue = joiners.get_or_insert_default();
            let key = queue.push_back(cx.waiter(epoch, arm, Item::None));
            Ok(Some((epoch, key)))
        })
    }

    pub(crate) fn unregister(&self, cx: &FiberCx, key: u32, epoch: u32) {
        let gone = self
            .fiber
            .with_joiners(|joiners| joiners.as_mut()?.remove(key, cx.fiber(), epoch));
        drop(gone);
    }

    #[inline]
    pub(crate) fn ended(&self, cx: &FiberCx) -> Outcome {
        let outcome = self.shared_outcome().unwrap_or(Outcome::Cancelled);
        if !cx.is_plain() {
            cx.event(Op::Await, self.trace_id(), outcome.tag());
        }
        outcome
    }

    /// Takes the outcome without copying it, when this is the only handle left and the task has
    /// ended; else gives the handle back.
    pub fn into_outcome(mut self) -> Result<Outcome, FutureRef> {
        if !self.is_done() {
            return Err(self);
        }
        if self.fiber.get_mut().is_none() {
            return Err(self);
        }
        let outcome = self.fiber.outcome().unwrap_or(Outcome::Cancelled);
        self.fiber.state.set_observed();
        // SAFETY: nobody else knows the fiber.
        unsafe { self.fiber.set_outcome(Outcome::Cancelled) }
        Ok(outcome)
    }

    /// Asks the task to end, and everything it owns. Does not wait.
    pub fn cancel(&self, cx: &FiberCx) {
        cx.next_op();
        cx.event(Op::Cancel, self.trace_id(), u64::from(self.is_done()));
        self.cancel_from(cx.place());
    }

    pub(crate) fn cancel_from(&self, place: Place<'_>) {
        cancel_all(place, vec![Member::Fiber(self.fiber.clone())]);
    }
}

struct OnWorker<'a>(&'a Worker, &'a FiberRef, &'a crate::fiber::Fiber);
// SAFETY: the closure runs on this very thread, on another stack.
unsafe impl Send for OnWorker<'_> {}

/// The other end of a future that no body computes: completed from outside the workers.
#[derive(Debug)]
pub struct Promise {
    fiber: Option<FiberRef>,
}

/// Makes a future that is completed by hand, from any thread. Until then it counts as an outside
/// operation in flight: virtual time stands still and nothing is a deadlock.
pub fn promise(cx: &FiberCx, info: SpawnInfo) -> (Promise, FutureRef) {
    let me = cx.fiber();
    let owner = cx.family().clone();
    let pool = me.pool();
    pool.count_in();
    // SAFETY: the running fiber owns its counters and groups.
    let ordinal = unsafe {
        owner.add_own_member();
        let next = &mut *me.next_child.get();
        *next += 1;
        *next
    };
    let fiber = Plan {
        info,
        state: StateWord::new_running(),
        ..Plan::new(owner, pool, cx.new_task_id(), ordinal)
    }
    .make(NoBody);
    cx.shared().io_begin();
    (
        Promise {
            fiber: Some(fiber.clone()),
        },
        FutureRef::new(fiber),
    )
}

impl Promise {
    /// Completes the future.
    pub fn complete(mut self, outcome: Outcome) {
        self.end(outcome);
    }

    /// Has the future been cancelled? Then nobody needs the result.
    pub fn is_cancelled(&self) -> bool {
        self.fiber
            .as_ref()
            .is_none_or(|f| f.state.is_cancel_asked())
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(fiber) = self.fiber.take() {
            let place = fiber.shared().outside();
            place.finish(&fiber, outcome);
            fiber.shared().io_end();
        }
    }
}

impl Drop for Promise {
    /// A promise that is dropped counts as cancelled.
    fn drop(&mut self) {
        self.end(Outcome::Cancelled);
    }
}
