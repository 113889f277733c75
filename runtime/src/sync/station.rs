//! What all handles that fibers queue at have in common: a state and a queue under one lock.
//!
//! A waiter is either *given* what it waits for (hand-off: its wait is over) or given *notice*
//! (it competes again, in front of the queue).

use crate::fiber::cx::Enter;
use crate::fiber::{FiberCx, FiberRef};
use crate::prim::{Mutex, Ordering};
use crate::sched::Place;
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::{WaitError, WaitReason};
use crate::sync::wait_queue::{Item, WaitQueue};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::Poll;

/// State and queue.
#[derive(Debug)]
pub(crate) struct Inner<S> {
    pub(crate) state: S,
    pub(crate) queue: WaitQueue,
}

/// The handle's core.
#[derive(Debug)]
pub(crate) struct Station<S> {
    pub(crate) object: u64,
    reason: WaitReason,
    op: Op,
    pub(crate) inner: Mutex<Inner<S>>,
}

impl<S> Station<S> {
    pub(crate) fn new(object: u64, reason: WaitReason, op: Op, state: S) -> Self {
        let inner = Mutex::new(Inner {
            state,
            queue: WaitQueue::default(),
        });
        Station {
            object,
            reason,
            op,
            inner,
        }
    }

    /// One operation that may wait. `attempt` acts if it can; `holder` is who stands in the way,
    /// for reports; `left` mends the state after a waiter has gone unserved.
    pub(crate) fn poll<R>(
        &self,
        cx: &FiberCx,
        deadline: Option<u64>,
        holder: Option<&Arc<AtomicU64>>,
        mut attempt: impl FnMut(&mut Inner<S>) -> Option<R>,
        given: impl FnOnce() -> R,
        left: impl FnOnce(&mut Inner<S>, &mut Vec<FiberRef>),
    ) -> Poll<Result<R, WaitError>> {
        let again = match cx.enter_on(self.object) {
            Enter::Yield => return Poll::Pending,
            Enter::Stop(why) => return Poll::Ready(Err(why)),
            Enter::Begin => false,
            Enter::Resume => {
                let wake = cx.finish_wait();
                if wake.arm != 0 {
                    let mut woken = Vec::new();
                    {
                        let mut inner = self.inner.lock();
                        inner.queue.remove(wake.key, cx.fiber(), wake.epoch);
                        left(&mut inner, &mut woken);
                    }
                    cx.place().ready_all(woken);
                    cx.event(self.op, self.object, 3);
                    return Poll::Ready(Err(cx.wake_error(wake.arm)));
                }
                if wake.given.is_some() {
                    cx.event(self.op, self.object, 2);
                    return Poll::Ready(Ok(given()));
                }
                true
            }
        };
        let mut inner = self.inner.lock();
        if let Some(result) = attempt(&mut inner) {
            drop(inner);
            cx.event(self.op, self.object, u64::from(again));
            return Poll::Ready(Ok(result));
        }
        match cx.begin_wait(self.reason, self.object) {
            Ok(epoch) => {
                let waiter = cx.waiter(epoch, 0, Item::None);
                let queue = &mut inner.queue;
                let key = if again {
                    queue.push_front(waiter)
                } else {
                    queue.push_back(waiter)
                };
                drop(inner);
                cx.slot().key = key;
                cx.set_holder(holder.cloned());
                cx.arm_deadline(epoch, deadline);
                Poll::Pending
            }
            Err(why) => Poll::Ready(Err(why)),
        }
    }

    /// An operation that changes the state and may wake others: a scheduling point, then at once.
    pub(crate) fn poll_now<R>(
        &self,
        cx: &FiberCx,
        op: Op,
        act: impl FnOnce(&mut Inner<S>, &mut Vec<FiberRef>) -> R,
    ) -> Poll<R> {
        // Cancellation does not stop it: giving things back is part of unwinding.
        if let Enter::Yield = cx.enter_on(self.object) {
            return Poll::Pending;
        }
        cx.event(op, self.object, 0);
        Poll::Ready(self.now(cx.place(), act))
    }

    /// As `poll_now`, without the scheduling point.
    pub(crate) fn now<R>(
        &self,
        place: Place<'_>,
        act: impl FnOnce(&mut Inner<S>, &mut Vec<FiberRef>) -> R,
    ) -> R {
        let mut woken = Vec::new();
        let result = act(&mut self.inner.lock(), &mut woken);
        place.ready_all(woken);
        result
    }

    /// An operation that acts if it can and never waits.
    pub(crate) fn poll_try(
        &self,
        cx: &FiberCx,
        attempt: impl FnOnce(&mut Inner<S>) -> bool,
    ) -> Poll<bool> {
        let done = cx.look(self.op, self.object, || {
            u64::from(attempt(&mut self.inner.lock()))
        });
        done.map(|done| done != 0)
    }
}

/// Wakes the first waiter to compete again.
pub(crate) fn notify_one<S>(inner: &mut Inner<S>, woken: &mut Vec<FiberRef>) {
    if let Some(won) = inner.queue.claim_next(None, None) {
        woken.extend(won.woken);
    }
}

/// Who holds a lock: a task's number, 0 for nobody.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holder(pub(crate) Arc<AtomicU64>);

impl Holder {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, id: u64) {
        self.0.store(id, Ordering::Release);
    }
}

/// A lock was given back by somebody who does not hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnlockError {
    /// Nobody holds it.
    NotLocked,
    /// Another fiber holds it.
    NotHolder,
}

impl std::fmt::Display for UnlockError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            UnlockError::NotLocked => "it is not locked",
            UnlockError::NotHolder => "it is locked by another fiber",
        })
    }
}

impl std::error::Error for UnlockError {}
