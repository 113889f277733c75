//! Mutual exclusion, and waiting for conditions under it.
//!
//! A woken waiter competes with newcomers (barging): handing the lock over would make every
//! contended section cost a switch.

use crate::fiber::FiberCx;
use crate::sched::state::ARM_LIMIT;
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::{WaitError, WaitReason};
use crate::sync::select::{Selected, Source, Ticket};
use crate::sync::station::{Holder, Station, UnlockError, notify_one};
use crate::sync::wait_queue::Item;
use std::task::Poll;

/// A lock without a value; what it guards is the embedder's. Not re-entrant.
#[derive(Debug)]
pub struct RawMutex {
    station: Station<()>,
    holder: Holder,
}

impl RawMutex {
    /// An open lock; `object` is its number in reports.
    pub fn new(object: u64) -> Self {
        let station = Station::new(object, WaitReason::Mutex, Op::Lock, ());
        RawMutex {
            station,
            holder: Holder::default(),
        }
    }

    /// Its number in reports.
    pub fn object(&self) -> u64 {
        self.station.object
    }

    /// The number of the task that holds it, 0 for none.
    pub fn holder(&self) -> u64 {
        self.holder.get()
    }

    fn take(&self, id: u64) -> Option<()> {
        let free = self.holder.get() == 0;
        if free {
            self.holder.set(id);
        }
        free.then_some(())
    }

    /// Takes the lock.
    pub fn poll_lock(&self, cx: &FiberCx, deadline: Option<u64>) -> Poll<Result<(), WaitError>> {
        let holder = Some(&self.holder.0);
        let attempt = |_: &mut _| self.take(cx.id());
        self.station
            .poll(cx, deadline, holder, attempt, || (), |_, _| ())
    }

    /// Takes the lock if it is free.
    pub fn poll_try_lock(&self, cx: &FiberCx) -> Poll<bool> {
        self.station.poll_try(cx, |_| self.take(cx.id()).is_some())
    }

    /// Gives the lock back.
    pub fn poll_unlock(&self, cx: &FiberCx) -> Poll<Result<(), UnlockError>> {
        self.station.poll_now(cx, Op::Unlock, |inner, woken| {
            self.open(cx.id(), inner, woken)
        })
    }

    /// As [`RawMutex::poll_unlock`], without a scheduling point before it: for guards.
    pub fn unlock(&self, cx: &FiberCx) -> Result<(), UnlockError> {
        cx.next_op();
        cx.event(Op::Unlock, self.object(), 0);
        self.station
            .now(cx.place(), |inner, woken| self.open(cx.id(), inner, woken))
    }

    fn open(
        &self,
        id: u64,
        inner: &mut crate::sync::station::Inner<()>,
        woken: &mut Vec<crate::fiber::FiberRef>,
    ) -> Result<(), UnlockError> {
        match self.holder.get() {
            0 => Err(UnlockError::NotLocked),
            holder if holder != id => Err(UnlockError::NotHolder),
            _ => {
                self.holder.set(0);
                notify_one(inner, woken);
                Ok(())
            }
        }
    }
}

impl Source for RawMutex {
    fn try_now(&self, cx: &FiberCx) -> Option<Selected> {
        let _inner = self.station.inner.lock();
        self.take(cx.id()).map(|()| Selected::Acquired)
    }

    fn register(&self, cx: &FiberCx, ticket: Ticket) -> Option<u32> {
        let mut inner = self.station.inner.lock();
        let waiter = || cx.waiter(ticket.epoch, ticket.arm, Item::None);
        (self.holder.get() != 0).then(|| inner.queue.push_back(waiter()))
    }

    fn unregister(&self, cx: &FiberCx, key: u32, ticket: Ticket) {
        let mut inner = self.station.inner.lock();
        inner.queue.remove(key, cx.fiber(), ticket.epoch);
    }

    /// The lock is taken now, if nobody has been faster: a notice that is not made use of would
    /// be one that other waiters miss.
    fn claimed(&self, cx: &FiberCx, _: Option<u64>) -> Option<Selected> {
        self.try_now(cx)
    }
}

/// A condition variable. May wake late, never early.
#[derive(Debug)]
pub struct RawCondvar {
    station: Station<()>,
}

/// Stages of a wait: not begun; waiting; locking again with the result in the low bits.
const WAITING: u8 = 1;
const LOCKING: u8 = 0x40;
const WAS_MASKED: u8 = 0x80;
const RESULTS: [Option<WaitError>; 6] = [
    None,
    Some(WaitError::Cancelled),
    Some(WaitError::ScopeFailed),
    Some(WaitError::Timeout),
    Some(WaitError::Deadlock),
    Some(WaitError::Injected),
];

impl RawCondvar {
    /// A condition nobody waits for; `object` is its number in reports.
    pub fn new(object: u64) -> Self {
        RawCondvar {
            station: Station::new(object, WaitReason::Condvar, Op::CondWait, ()),
        }
    }

    /// Its number in reports.
    pub fn object(&self) -> u64 {
        self.station.object
    }

    /// Gives `mutex` back, waits for a notification, takes `mutex` again: in any case, also when
    /// the wait is cancelled or times out.
    pub fn poll_wait(
        &self,
        cx: &FiberCx,
        mutex: &RawMutex,
        deadline: Option<u64>,
    ) -> Poll<Result<Result<(), WaitError>, UnlockError>> {
        let stage = cx.slot().stage;
        if stage == 0 {
            if cx.phase() == crate::fiber::Phase::Idle {
                match mutex.holder() {
                    0 => return Poll::Ready(Err(UnlockError::NotLocked)),
                    id if id != cx.id() => return Poll::Ready(Err(UnlockError::NotHolder)),
                    _ => {}
                }
            }
            return match self.begin(cx, mutex, deadline) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(why) => Poll::Ready(Ok(Err(why))),
            };
        }
        if stage == WAITING {
            if !cx.fiber().state.is_delivered() {
                return Poll::Pending;
            }
            let wake = cx.finish_wait();
            let mut result = 0;
            if wake.arm != 0 {
                self.station
                    .inner
                    .lock()
                    .queue
                    .remove(wake.key, cx.fiber(), wake.epoch);
                debug_assert!(wake.arm >= ARM_LIMIT);
                let why = cx.wake_error(wake.arm);
                result = RESULTS.iter().position(|r| *r == Some(why)).unwrap_or(1) as u8;
            }
            let was = if cx.set_masked(true) { WAS_MASKED } else { 0 };
            cx.slot().stage = LOCKING | was | result;
        }
        match mutex.poll_lock(cx, None) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(locked) => {
                let stage = std::mem::take(&mut cx.slot().stage);
                if stage & WAS_MASKED == 0 {
                    cx.set_masked(false);
                }
                let result = RESULTS.get(usize::from(stage & 0x3F)).copied().flatten();
                Poll::Ready(Ok(locked.and(result.map_or(Ok(()), Err))))
            }
        }
    }

    fn begin(&self, cx: &FiberCx, mutex: &RawMutex, deadline: Option<u64>) -> Poll<WaitError> {
        use crate::fiber::cx::Enter;
        match cx.enter_on(self.object()) {
            Enter::Yield => return Poll::Pending,
            Enter::Stop(why) => return Poll::Ready(why),
            Enter::Begin | Enter::Resume => {}
        }
        let mut inner = self.station.inner.lock();
        match cx.begin_wait(WaitReason::Condvar, self.object()) {
            Ok(epoch) => {
                cx.slot().key = inner.queue.push_back(cx.waiter(epoch, 0, Item::None));
                drop(inner);
                cx.slot().stage = WAITING;
                cx.arm_deadline(epoch, deadline);
                // Registered before the lock is open: no notification can be missed.
                let opened = mutex.unlock(cx);
                debug_assert!(opened.is_ok());
                Poll::Pending
            }
            Err(why) => Poll::Ready(why),
        }
    }

    /// Wakes one waiter.
    pub fn poll_notify_one(&self, cx: &FiberCx) -> Poll<()> {
        self.station.poll_now(cx, Op::Notify, notify_one)
    }

    /// Wakes all waiters.
    pub fn poll_notify_all(&self, cx: &FiberCx) -> Poll<()> {
        self.station
            .poll_now(cx, Op::Notify, |inner, woken| inner.queue.claim_all(woken))
    }
}

/// A wait for a condition, to select on. The mutex is given back while the select waits; whoever
/// selects must take it again afterwards, whatever has won.
#[derive(Clone, Copy, Debug)]
pub struct CondArm<'a> {
    /// What is waited for.
    pub condvar: &'a RawCondvar,
    /// The mutex, which the fiber holds.
    pub mutex: &'a RawMutex,
}

impl Source for CondArm<'_> {
    fn try_now(&self, _: &FiberCx) -> Option<Selected> {
        None
    }

    fn register(&self, cx: &FiberCx, ticket: Ticket) -> Option<u32> {
        let waiter = cx.waiter(ticket.epoch, ticket.arm, Item::None);
        let key = self.condvar.station.inner.lock().queue.push_back(waiter);
        // Registered before the lock is open: no notification can be missed.
        if self.mutex.holder() == cx.id() {
            let opened = self.mutex.unlock(cx);
            debug_assert!(opened.is_ok());
        }
        Some(key)
    }

    fn unregister(&self, cx: &FiberCx, key: u32, ticket: Ticket) {
        let mut inner = self.condvar.station.inner.lock();
        inner.queue.remove(key, cx.fiber(), ticket.epoch);
    }

    fn claimed(&self, _: &FiberCx, _: Option<u64>) -> Option<Selected> {
        Some(Selected::Acquired)
    }
}
