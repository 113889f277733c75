//! Channels: bounded, unbounded and rendezvous; many producers, many consumers, first in, first
//! out, every message exactly once.
//!
//! Invariants, under the lock, of waiters that can still be claimed:
//! 1. a receiver waits only while the buffer is empty and no sender waits;
//! 2. a sender waits only while its values do not fit behind the buffer, or another sender waits
//!    before it;
//! 3. once closed, nobody waits and the buffer only shrinks.
//!
//! Values are handed to a waiting receiver directly. A waiting sender's values stay its own until
//! its wait is claimed, so a sender that is cancelled has sent nothing.

mod batch;

use crate::fiber::cx::Enter;
use crate::fiber::{Fiber, FiberCx, FiberRef};
use crate::payload::PayloadVTable;
use crate::prim::{SpinMutex, Spinning};
use crate::sched::shared::Shared;
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::{WaitError, WaitReason};
use crate::sync::wait_queue::{Item, WaitQueue};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;

/// What a full channel does with one more value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnFull {
    /// The sender waits.
    #[default]
    Block,
    /// The send fails.
    Error,
    /// The oldest value is dropped.
    Overwrite,
}

/// What was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The value; the caller's.
    pub value: u64,
    /// Did the receiver have to wait?
    pub waited: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    buffer: VecDeque<u64>,
    receivers: WaitQueue,
    senders: WaitQueue,
}

/// A channel of opaque slots.
#[derive(Debug)]
pub struct RawChannel {
    object: u64,
    /// The runtime whose fibers may use it: only its address is looked at.
    home: *const Shared,
    /// `usize::MAX`: unbounded.
    capacity: usize,
    on_full: OnFull,
    payload: &'static PayloadVTable,
    inner: SpinMutex<Inner>,
    len: AtomicUsize,
    /// Changed under the lock.
    closed: AtomicBool,
}

// SAFETY: `home` is never followed; the rest is.
unsafe impl Send for RawChannel {}
// SAFETY: as above.
unsafe impl Sync for RawChannel {}

type Woken = Option<FiberRef>;

#[cold]
#[inline(never)]
fn of_another_runtime() -> ! {
    panic!("a channel must be used by the fibers of one runtime only");
}

impl RawChannel {
    /// A channel for the fibers of this runtime; `capacity` `None` is unbounded, 0 a rendezvous.
    pub fn new(
        cx: &FiberCx,
        capacity: Option<usize>,
        on_full: OnFull,
        payload: &'static PayloadVTable,
    ) -> RawChannel {
        RawChannel::of(cx.shared(), cx.new_object_id(), capacity, on_full, payload)
    }

    /// As `new`; `object` is its number in reports.
    pub(crate) fn of(
        home: &Shared,
        object: u64,
        capacity: Option<usize>,
        on_full: OnFull,
        payload: &'static PayloadVTable,
    ) -> RawChannel {
        RawChannel {
            object,
            home,
            capacity: capacity.unwrap_or(usize::MAX),
            on_full,
            payload,
            inner: SpinMutex::new(Inner::default()),
            len: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// Its number in reports.
    pub fn object(&self) -> u64 {
        self.object
    }

    /// How many values it holds at most; `None` is unbounded.
    pub fn capacity(&self) -> Option<usize> {
        (self.capacity != usize::MAX).then_some(self.capacity)
    }

    /// What happens when it is full.
    pub fn on_full(&self) -> OnFull {
        self.on_full
    }

    /// The message of an error that has to do with its capacity.
    pub fn refusal(&self, why: WaitError, batch: usize) -> Option<String> {
        let capacity = self.capacity;
        match why {
            WaitError::Full => Some(format!("channel is full (capacity {capacity})")),
            WaitError::TooLarge => Some(format!("batch of {batch} exceeds capacity {capacity}")),
            _ => None,
        }
    }

    /// How many values it holds: an estimate.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Does it hold no value? An estimate.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Has it been closed?
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Takes the lock. Only the running fibers of one runtime do that: where they have one worker,
    /// nobody else can want it.
    #[inline]
    fn lock(&self, cx: &FiberCx) -> Spinning<'_, Inner> {
        let shared = cx.shared();
        if !std::ptr::eq(self.home, shared) {
            of_another_runtime();
        }
        self.inner.lock_as(shared.is_alone())
    }

    /// How many fibers wait to send: what a test waits for.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn senders_waiting(&self) -> usize {
        self.inner.lock_as(false).senders.count_open()
    }

    fn note_len(&self, inner: &Inner) {
        self.len.store(inner.buffer.len(), Ordering::Relaxed);
    }

    // ---- under the lock ------------------------------------------------------------------

    /// Takes a value if there is one. `Err(true)`: closed and drained.
    fn take(&self, inner: &mut Inner, me: &Fiber, woken: &mut Vec<FiberRef>) -> Result<u64, bool> {
        if let Some(value) = inner.buffer.pop_front() {
            self.refill(inner, me, woken);
            self.note_len(inner);
            return Ok(value);
        }
        if self.capacity == 0
            && let Some(won) = inner.senders.claim_next(Some(me), Some(0))
        {
            woken.extend(won.woken);
            if let Item::One(value) = won.item {
                return Ok(value);
            }
        }
        Err(self.is_closed())
    }

    /// Admits waiting senders while their values fit.
    fn refill(&self, inner: &mut Inner, me: &Fiber, woken: &mut Vec<FiberRef>) {
        while !inner.senders.is_empty() {
            let room = self.capacity - inner.buffer.len();
            let need = match inner.senders.front().map(|w| &w.item) {
                Some(Item::Many(values)) => values.len(),
                _ => 1,
            };
            if need > room {
                return;
            }
            let Some(won) = inner.senders.claim_next(Some(me), Some(0)) else {
                return;
            };
            woken.extend(won.woken);
            match won.item {
                Item::One(value) => inner.buffer.push_back(value),
                Item::Many(values) => inner.buffer.extend(values),
                Item::None => {}
            }
        }
    }

    /// Puts one value where it may go. `Ok(true)`: it had to overwrite.
    fn put(&self, inner: &mut Inner, me: &Fiber, value: u64) -> Result<(bool, Woken), WaitError> {
        if self.is_closed() {
            return Err(WaitError::Closed);
        }
        if let Some(won) = inner.receivers.claim_next(Some(me), Some(value)) {
            return Ok((false, won.woken));
        }
        if inner.buffer.len() < self.capacity && !inner.senders.has_other_than(me) {
            inner.buffer.push_back(value);
            self.note_len(inner);
            return Ok((false, None));
        }
        match self.on_full {
            OnFull::Overwrite if self.capacity > 0 => {
                if let Some(oldest) = inner.buffer.pop_front() {
                    self.payload.drop_slot(oldest);
                }
                inner.buffer.push_back(value);
                Ok((true, None))
            }
            _ => Err(WaitError::Full),
        }
    }

    // ---- receiving -----------------------------------------------------------------------

    /// Receives a value.
    pub fn poll_receive(
        &self,
        cx: &FiberCx,
        deadline: Option<u64>,
    ) -> Poll<Result<Received, WaitError>> {
        self.receive_until(cx, WaitReason::Receive, || deadline)
    }

    /// Receives a value, or answers `Timeout` at a deadline that is asked for only when it waits:
    /// a select of these two.
    #[inline]
    pub fn poll_receive_timed(
        &self,
        cx: &FiberCx,
        deadline: impl FnOnce() -> u64,
    ) -> Poll<Result<Received, WaitError>> {
        self.receive_until(cx, WaitReason::Select, || Some(deadline()))
    }

    #[inline]
    fn receive_until(
        &self,
        cx: &FiberCx,
        reason: WaitReason,
        deadline: impl FnOnce() -> Option<u64>,
    ) -> Poll<Result<Received, WaitError>> {
        match cx.enter_on(self.object) {
            Enter::Yield => return Poll::Pending,
            Enter::Stop(why) => return Poll::Ready(Err(why)),
            Enter::Resume => return Poll::Ready(self.received(cx)),
            Enter::Begin => {}
        }
        let mut inner = self.lock(cx);
        if inner.senders.is_empty() {
            if let Some(value) = inner.buffer.pop_front() {
                self.note_len(&inner);
                drop(inner);
                cx.event(Op::Receive, self.object, 1);
                return Poll::Ready(Ok(Received {
                    value,
                    waited: false,
                }));
            }
        } else {
            inner = match self.take_from_senders(inner, cx) {
                Ok(received) => return Poll::Ready(Ok(received)),
                Err(inner) => inner,
            };
        }
        let why = if self.is_closed() {
            WaitError::Closed
        } else {
            match cx.begin_wait(reason, self.object) {
                Ok(epoch) => {
                    let key = inner.receivers.push_back(cx.waiter(epoch, 0, Item::None));
                    drop(inner);
                    cx.slot().key = key;
                    cx.arm_deadline(epoch, deadline());
                    return Poll::Pending;
                }
                Err(why) => why,
            }
        };
        drop(inner);
        cx.event(Op::Receive, self.object, 0);
        Poll::Ready(Err(why))
    }

    /// Receives where senders wait, if they can still be claimed.
    #[inline(never)]
    fn take_from_senders<'a>(
        &self,
        mut inner: Spinning<'a, Inner>,
        cx: &FiberCx,
    ) -> Result<Received, Spinning<'a, Inner>> {
        let mut woken = Vec::new();
        let Ok(value) = self.take(&mut inner, cx.fiber(), &mut woken) else {
            debug_assert!(woken.is_empty(), "who is claimed gives something");
            return Err(inner);
        };
        drop(inner);
        cx.place().ready_all(woken);
        cx.event(Op::Receive, self.object, 1);
        Ok(Received {
            value,
            waited: false,
        })
    }

    fn received(&self, cx: &FiberCx) -> Result<Received, WaitError> {
        let result = match cx.finish_one() {
            (0, Some(value)) => Ok(Received {
                value,
                waited: true,
            }),
            (0, None) => Err(WaitError::Closed),
            (arm, _) => Err(self.not_received(cx, arm)),
        };
        cx.event(Op::Receive, self.object, u64::from(result.is_ok()) + 2);
        result
    }

    #[cold]
    #[inline(never)]
    fn not_received(&self, cx: &FiberCx, arm: u16) -> WaitError {
        let (key, epoch) = (cx.slot().key, cx.slot().epoch);
        self.lock(cx).receivers.remove(key, cx.fiber(), epoch);
        cx.wake_error(arm)
    }

    /// Receives a value if there is one. Never waits.
    pub fn poll_try_receive(&self, cx: &FiberCx) -> Poll<Option<u64>> {
        cx.look_given(Op::Receive, self.object, || {
            let mut woken = Vec::new();
            let taken = self.take(&mut self.lock(cx), cx.fiber(), &mut woken).ok();
            cx.place().ready_all(woken);
            taken
        })
    }

    // ---- sending -------------------------------------------------------------------------

    /// Sends a value, which is the channel's once the answer is `Ok`: did it have to wait or to
    /// overwrite?
    pub fn poll_send(
        &self,
        cx: &FiberCx,
        value: u64,
        deadline: Option<u64>,
    ) -> Poll<Result<bool, WaitError>> {
        match cx.enter_on(self.object) {
            Enter::Yield => return Poll::Pending,
            Enter::Stop(why) => return Poll::Ready(Err(why)),
            Enter::Resume => return Poll::Ready(self.sent(cx)),
            Enter::Begin => {}
        }
        let mut inner = self.lock(cx);
        let result = match self.put(&mut inner, cx.fiber(), value) {
            Ok((overwrote, woken)) => {
                drop(inner);
                if let Some(fiber) = woken {
                    cx.place().ready(fiber);
                }
                Ok(overwrote)
            }
            Err(WaitError::Full) if self.on_full != OnFull::Error => {
                match self.wait_to_send(cx, &mut inner, Item::One(value)) {
                    Ok(epoch) => {
                        drop(inner);
                        cx.arm_deadline(epoch, deadline);
                        return Poll::Pending;
                    }
                    Err(why) => Err(why),
                }
            }
            Err(why) => Err(why),
        };
        cx.event(Op::Send, self.object, u64::from(result.is_ok()));
        Poll::Ready(result)
    }

    fn wait_to_send(&self, cx: &FiberCx, inner: &mut Inner, item: Item) -> Result<u32, WaitError> {
        let epoch = cx.begin_wait(WaitReason::Send, self.object)?;
        cx.slot().key = inner.senders.push_back(cx.waiter(epoch, 0, item));
        Ok(epoch)
    }

    fn sent(&self, cx: &FiberCx) -> Result<bool, WaitError> {
        let result = match cx.finish_one() {
            (0, Some(_)) => Ok(true),
            (0, None) => Err(WaitError::Closed),
            (arm, _) => {
                let (key, epoch) = (cx.slot().key, cx.slot().epoch);
                self.unwait_send(cx, key, epoch);
                Err(cx.wake_error(arm))
            }
        };
        cx.event(Op::Send, self.object, u64::from(result.is_ok()) + 2);
        result
    }

    fn unwait_send(&self, cx: &FiberCx, key: u32, epoch: u32) {
        let mut woken = Vec::new();
        let mut inner = self.lock(cx);
        inner.senders.remove(key, cx.fiber(), epoch);
        // A batch that was too large for the room may have held up smaller ones behind it.
        self.refill(&mut inner, cx.fiber(), &mut woken);
        self.note_len(&inner);
        drop(inner);
        cx.place().ready_all(woken);
    }

    /// Sends a value if it can go at once; false when full or closed.
    pub fn poll_try_send(&self, cx: &FiberCx, value: u64) -> Poll<bool> {
        let sent = cx.look(Op::Send, self.object, || {
            let put = self.put(&mut self.lock(cx), cx.fiber(), value);
            match put {
                Ok((_, woken)) => {
                    if let Some(fiber) = woken {
                        cx.place().ready(fiber);
                    }
                    1
                }
                Err(_) => 0,
            }
        });
        sent.map(|sent| sent != 0)
    }

    // ---- the rest ------------------------------------------------------------------------

    /// As [`RawChannel::len`], as an operation of a fiber.
    pub fn poll_len(&self, cx: &FiberCx) -> Poll<usize> {
        cx.look(Op::Look, self.object, || self.len() as u64)
            .map(|n| n as usize)
    }

    /// As [`RawChannel::is_closed`], as an operation of a fiber.
    pub fn poll_is_closed(&self, cx: &FiberCx) -> Poll<bool> {
        cx.look(Op::Look, self.object, || u64::from(self.is_closed()))
            .map(|c| c != 0)
    }

    /// Closes it: senders fail, receivers take what is left. Closing twice is fine.
    pub fn poll_close(&self, cx: &FiberCx) -> Poll<()> {
        // Cancellation does not stop it: closing is part of unwinding.
        if let Enter::Yield = cx.enter_on(self.object) {
            return Poll::Pending;
        }
        cx.event(Op::Close, self.object, 0);
        let mut woken = Vec::new();
        {
            let mut inner = self.lock(cx);
            self.closed.store(true, Ordering::Release);
            inner.receivers.claim_all(&mut woken);
            inner.senders.claim_all(&mut woken);
        }
        cx.place().ready_all(woken);
        Poll::Ready(())
    }

    // ---- as arms of a select -------------------------------------------------------------

    pub(crate) fn arm_receive(&self, cx: &FiberCx) -> Option<Result<u64, WaitError>> {
        let mut woken = Vec::new();
        let taken = self.take(&mut self.lock(cx), cx.fiber(), &mut woken);
        cx.place().ready_all(woken);
        match taken {
            Ok(value) => Some(Ok(value)),
            Err(true) => Some(Err(WaitError::Closed)),
            Err(false) => None,
        }
    }

    pub(crate) fn arm_send(&self, cx: &FiberCx, value: u64) -> Option<Result<bool, WaitError>> {
        let put = self.put(&mut self.lock(cx), cx.fiber(), value);
        match put {
            Ok((overwrote, woken)) => {
                if let Some(fiber) = woken {
                    cx.place().ready(fiber);
                }
                Some(Ok(overwrote))
            }
            Err(WaitError::Full) if self.on_full != OnFull::Error => None,
            Err(why) => Some(Err(why)),
        }
    }

    /// Queues a receiver of an open wait; `None` when the arm is ready now.
    pub(crate) fn register_receive(&self, cx: &FiberCx, epoch: u32, arm: u16) -> Option<u32> {
        let mut inner = self.lock(cx);
        let ready = !inner.buffer.is_empty()
            || self.is_closed()
            || (self.capacity == 0 && inner.senders.has_other_than(cx.fiber()));
        (!ready).then(|| inner.receivers.push_back(cx.waiter(epoch, arm, Item::None)))
    }

    /// Queues a sender of an open wait; `None` when the arm is ready now.
    pub(crate) fn register_send(
        &self,
        cx: &FiberCx,
        epoch: u32,
        arm: u16,
        value: u64,
    ) -> Option<u32> {
        let mut inner = self.lock(cx);
        let ready = self.is_closed()
            || inner.receivers.has_other_than(cx.fiber())
            || (inner.buffer.len() < self.capacity && !inner.senders.has_other_than(cx.fiber()));
        (!ready).then(|| {
            inner
                .senders
                .push_back(cx.waiter(epoch, arm, Item::One(value)))
        })
    }

    pub(crate) fn unregister_receive(&self, cx: &FiberCx, key: u32, epoch: u32) {
        self.lock(cx).receivers.remove(key, cx.fiber(), epoch);
    }

    pub(crate) fn unregister_send(&self, cx: &FiberCx, key: u32, epoch: u32) {
        self.unwait_send(cx, key, epoch);
    }
}

impl Drop for RawChannel {
    fn drop(&mut self) {
        for value in self.inner.get_mut().buffer.drain(..) {
            self.payload.drop_slot(value);
        }
    }
}
