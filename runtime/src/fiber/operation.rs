//! What operations that may wait are made of: entering, opening a wait, closing it.

use crate::fiber::{FiberCx, Phase};
use crate::sched::decide::Fault;
use crate::sched::state::*;
use crate::sched::stats::count;
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::{WaitError, WaitReason};
use crate::sync::wait_queue::{Item, Waiter, Waiting};
use crate::time::timeline::Class;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::Poll;

/// What an operation finds when it is called.
pub(crate) enum Enter {
    /// Act.
    Begin,
    /// The wait it registered is over: `finish_wait`.
    Resume,
    /// Answer `Pending`.
    Yield,
    /// Answer this.
    Stop(WaitError),
}

/// How a wait ended.
#[derive(Debug)]
pub(crate) struct Wake {
    pub(crate) arm: u16,
    pub(crate) given: Option<u64>,
    pub(crate) key: u32,
    pub(crate) epoch: u32,
    pub(crate) keys: Option<Box<[u32]>>,
}
impl FiberCx {
    #[inline]
    pub(crate) fn next_op(&self) {
        if self.watched && self.shared().det.is_some() {
            // SAFETY: the running fiber owns its counters.
            unsafe { *self.fiber().ops.get() += 1 }
        }
    }

    /// What every operation does first: cancellation, then the scheduling point (law D2).
    #[inline]
    pub(crate) fn enter(&self) -> Enter {
        self.enter_on(0)
    }

    /// As `enter`, of an operation with this object.
    #[inline]
    pub(crate) fn enter_on(&self, object: u64) -> Enter {
        if self.phase() == Phase::Idle && !self.watched && self.is_unasked() {
            return Enter::Begin;
        }
        self.enter_slow(object)
    }

    #[inline(never)]
    fn enter_slow(&self, object: u64) -> Enter {
        match self.phase() {
            Phase::Waiting => {
                if !self.fiber().state.is_delivered() {
                    return Enter::Yield;
                }
                if self.shared().watched {
                    self.meet_cancel();
                }
                return Enter::Resume;
            }
            Phase::Passed | Phase::Looked | Phase::Yielded => self.set_phase(Phase::Idle),
            Phase::Idle => {
                if let Some(why) = self.check_cancel() {
                    return Enter::Stop(why);
                }
                if self.shared().watched
                    && let Some(entered) = self.scheduling_point(object)
                {
                    return entered;
                }
                return Enter::Begin;
            }
        }
        match self.check_cancel() {
            Some(why) => Enter::Stop(why),
            None => Enter::Begin,
        }
    }

    /// Before an operation: what tests and policies do there. `None`: nothing.
    #[cold]
    fn scheduling_point(&self, object: u64) -> Option<Enter> {
        let Some(det) = &self.shared().det else {
            self.shared().pause();
            return None;
        };
        self.next_op();
        // The second half of an operation does not fail by itself: it has given up a lock, say.
        let offered: &[Fault] = match self.slot().stage {
            0 => &[Fault::Cancel, Fault::Delay, Fault::Fail],
            _ => &[Fault::Cancel, Fault::Delay],
        };
        match det.fault(self.fiber(), offered) {
            Fault::None => {}
            Fault::Fail => return Some(Enter::Stop(WaitError::Injected)),
            Fault::Delay => {
                det.hold(self.fiber());
                self.set_phase(Phase::Passed);
                return Some(Enter::Yield);
            }
            Fault::Cancel => {
                self.cancel_self();
                if let Some(why) = self.fiber().state.barred() {
                    return Some(Enter::Stop(self.stopped(why)));
                }
            }
        }
        if det.point(self.fiber(), object) {
            self.set_phase(Phase::Passed);
            return Some(Enter::Yield);
        }
        None
    }

    /// A point where nothing but the fiber's cancellation can be put in.
    #[cold]
    pub(crate) fn meet_cancel(&self) {
        if let Some(det) = &self.shared().det
            && det.fault(self.fiber(), &[Fault::Cancel]) == Fault::Cancel
        {
            self.cancel_self();
        }
    }

    /// As if somebody else had just cancelled the running fiber.
    fn cancel_self(&self) {
        // A running fiber is only flagged; there is nothing to enqueue.
        let _ = self.fiber().state.ask_cancel();
        self.look_soon();
    }

    /// An operation that only looks: in a deterministic run it yields after looking, so that a
    /// fiber that polls lets others run.
    pub(crate) fn look(&self, op: Op, object: u64, look: impl FnOnce() -> u64) -> Poll<u64> {
        if self.shared().det.is_none() {
            return Poll::Ready(look());
        }
        if self.phase() == Phase::Looked {
            self.set_phase(Phase::Idle);
            let slot = self.slot();
            return Poll::Ready(slot.value);
        }
        self.next_op();
        let seen = look();
        self.event(op, object, seen);
        self.slot().value = seen;
        self.set_phase(Phase::Looked);
        if let Some(det) = &self.shared().det {
            det.yielded(self.fiber());
        }
        Poll::Pending
    }

    /// As `look`, for an operation that may find a value.
    pub(crate) fn look_given(
        &self,
        op: Op,
        object: u64,
        look: impl FnOnce() -> Option<u64>,
    ) -> Poll<Option<u64>> {
        let mut found = None;
        let seen = self.look(op, object, || {
            found = look();
            u64::from(found.is_some())
        });
        if self.shared().det.is_none() {
            return Poll::Ready(found);
        }
        let slot = self.slot();
        if seen.is_pending() {
            slot.given = found.is_some();
            slot.value = found.unwrap_or(0);
            return Poll::Pending;
        }
        Poll::Ready(slot.given.then_some(slot.value))
    }

    /// Adds to the digest of a deterministic run.
    #[inline]
    pub(crate) fn event(&self, op: Op, object: u64, outcome: u64) {
        if self.watched
            && let Some(det) = &self.shared().det
        {
            det.record(self.fiber(), op, object, outcome);
        }
    }

    /// Opens a wait. The caller registers waiters of this epoch and answers `Pending`.
    #[inline]
    pub(crate) fn begin_wait(&self, reason: WaitReason, object: u64) -> Result<u32, WaitError> {
        match self.fiber().state.begin_wait() {
            Ok(epoch) => {
                let slot = self.slot();
                self.set_phase(Phase::Waiting);
                slot.epoch = epoch;
                slot.reason = reason;
                slot.object = object;
                slot.key = u32::MAX;
                slot.given = false;
                Ok(epoch)
            }
            Err(why) => Err(self.stopped(why)),
        }
    }

    #[inline]
    pub(crate) fn waiter(&self, epoch: u32, arm: u16, item: Item) -> Waiter {
        Waiter {
            fiber: Waiting::of(self.fiber_ptr()),
            epoch,
            arm,
            item,
        }
    }

    pub(crate) fn set_holder(&self, holder: Option<Arc<AtomicU64>>) {
        self.slot().holder = holder;
    }

    /// Arms a timer that claims the open wait.
    pub(crate) fn arm_timer(&self, epoch: u32, deadline: u64, arm: u16, class: Class) {
        let place = self.place();
        if let Some(worker) = place.worker {
            count(&worker.remote().counters.timers);
        }
        let timer = place
            .shared
            .arm(place, deadline, class, self.waiter(epoch, arm, Item::None));
        self.slot().timer = timer;
    }

    /// Arms the deadline of the open wait, if it has one.
    pub(crate) fn arm_deadline(&self, epoch: u32, deadline: Option<u64>) {
        if let Some(deadline) = deadline {
            self.arm_timer(epoch, deadline, ARM_TIMEOUT, Class::Deadline);
        }
    }

    /// As [`FiberCx::finish_wait`], of a wait with one waiter: the arm, and what was given. (Key
    /// and epoch stay in the slot.)
    #[inline]
    pub(crate) fn finish_one(&self) -> (u16, Option<u64>) {
        let slot = self.slot();
        debug_assert!(self.fiber().state.is_delivered());
        self.set_phase(Phase::Idle);
        slot.reason = WaitReason::None;
        if slot.timer != 0 {
            let timer = std::mem::take(&mut slot.timer);
            self.shared().disarm(timer);
        }
        (self.fiber().state.arm(), slot.given.then_some(slot.value))
    }

    /// Closes a wait that is over.
    pub(crate) fn finish_wait(&self) -> Wake {
        let slot = self.slot();
        debug_assert!(self.fiber().state.is_delivered());
        self.set_phase(Phase::Idle);
        slot.reason = WaitReason::None;
        slot.holder = None;
        let timer = std::mem::take(&mut slot.timer);
        if timer != 0 {
            self.shared().disarm(timer);
        }
        Wake {
            arm: self.fiber().state.arm(),
            given: slot.given.then_some(slot.value),
            key: slot.key,
            epoch: slot.epoch,
            keys: slot.keys.take(),
        }
    }

    /// What an arm that is no source of the operation means.
    pub(crate) fn wake_error(&self, arm: u16) -> WaitError {
        match arm {
            ARM_TIMEOUT => WaitError::Timeout,
            ARM_DEADLOCK => WaitError::Deadlock,
            ARM_INTERRUPT => WaitError::ScopeFailed,
            _ => self.stopped(Barred::Cancel),
        }
    }
}
