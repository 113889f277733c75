//! What operations that may wait are made of: entering, opening a wait, closing it.

use crate::fiber::{FiberCx, Phase};
use crate::sched::state::*;
use crate::sched::stats::count;
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::{WaitError, WaitReason};
use crate::sync::wait_queue::{Item, Waiter};
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
    pub(crate) fn next_op(&self) {
        if self.shared().det.is_some() {
            // SAFETY: the running fiber owns its counters.
            unsafe { *self.fiber().ops.get() += 1 }
        }
    }

    /// What every operation does first: cancellation, then the scheduling point (law D2).
    pub(crate) fn enter(&self) -> Enter {
        match self.phase() {
            Phase::Waiting => {
                let over = self.fiber().state.is_delivered();
                return if over { Enter::Resume } else { Enter::Yield };
            }
            Phase::Passed | Phase::Looked => self.set_phase(Phase::Idle),
            Phase::Idle => {
                if let Some(why) = self.check_cancel() {
                    return Enter::Stop(why);
                }
                if let Some(det) = &self.shared().det {
                    self.next_op();
                    if det.point(self.fiber()) {
                        self.set_phase(Phase::Passed);
                        return Enter::Yield;
                    }
                }
                return Enter::Begin;
            }
        }
        match self.check_cancel() {
            Some(why) => Enter::Stop(why),
            None => Enter::Begin,
        }
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
        let slot = self.slot();
        slot.value = seen;
        self.set_phase(Phase::Looked);
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
    pub(crate) fn event(&self, op: Op, object: u64, outcome: u64) {
        if let Some(det) = &self.shared().det {
            let fiber = self.fiber();
            // SAFETY: the running fiber owns its counters.
            let ordinal = unsafe { *fiber.ops.get() };
            det.hash
                .lock()
                .add(fiber.path_hash(), ordinal, op, object, outcome);
        }
    }

    /// Opens a wait. The caller registers waiters of this epoch and answers `Pending`.
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

    pub(crate) fn waiter(&self, epoch: u32, arm: u16, item: Item) -> Waiter {
        Waiter {
            fiber: self.fiber_arc(),
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
