//! Broadcast: every subscriber receives everything sent since it subscribed, in one order.
//!
//! Each subscriber has a queue of its own; a send goes to all of them under one lock, so all see
//! the same order. A send waits while some subscriber's queue is full.

use crate::fiber::cx::Enter;
use crate::fiber::{FiberCx, FiberRef};
use crate::payload::PayloadVTable;
use crate::prim::Mutex;
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::{WaitError, WaitReason};
use crate::sync::channel::Received;
use crate::sync::select::{Selected, Source, Ticket};
use crate::sync::wait_queue::{Item, WaitQueue};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll;

#[derive(Debug, Default)]
struct Queue {
    buffer: VecDeque<u64>,
    receivers: WaitQueue,
}

#[derive(Debug, Default)]
struct Inner {
    queues: Vec<Option<Queue>>,
    senders: WaitQueue,
    closed: bool,
}

/// The sending side.
#[derive(Debug)]
pub struct RawBroadcast {
    object: u64,
    capacity: usize,
    payload: &'static PayloadVTable,
    inner: Mutex<Inner>,
}

/// A receiving side. Dropping it unsubscribes.
#[derive(Debug)]
pub struct Subscriber {
    from: Arc<RawBroadcast>,
    index: usize,
}

impl Inner {
    fn has_room(&self, capacity: usize) -> bool {
        self.queues
            .iter()
            .flatten()
            .all(|q| q.buffer.len() < capacity)
    }

    /// Gives a value to every subscriber. There must be room.
    fn put(&mut self, value: u64, payload: &PayloadVTable, woken: &mut Vec<FiberRef>) {
        for queue in self.queues.iter_mut().flatten() {
            let copy = payload.share_slot(value);
            match queue.receivers.claim_next(None, Some(copy)) {
                Some(won) => woken.extend(won.woken),
                None => queue.buffer.push_back(copy),
            }
        }
        payload.drop_slot(value);
    }

    /// Admits waiting senders while there is room.
    fn refill(&mut self, capacity: usize, payload: &PayloadVTable, woken: &mut Vec<FiberRef>) {
        while self.has_room(capacity)
            && let Some(won) = self.senders.claim_next(None, Some(0))
        {
            woken.extend(won.woken);
            if let Item::One(value) = won.item {
                self.put(value, payload, woken);
            }
        }
    }
}

impl RawBroadcast {
    /// Without subscribers; each will hold up to `capacity` values (at least 1).
    pub fn new(object: u64, capacity: usize, payload: &'static PayloadVTable) -> Self {
        let inner = Mutex::new(Inner::default());
        RawBroadcast {
            object,
            capacity: capacity.max(1),
            payload,
            inner,
        }
    }

    /// Its number in reports.
    pub fn object(&self) -> u64 {
        self.object
    }

    /// A receiver of everything sent from now on.
    pub fn subscribe(self: &Arc<Self>) -> Subscriber {
        let mut inner = self.inner.lock();
        let index = match inner.queues.iter().position(Option::is_none) {
            Some(index) => index,
            None => {
                inner.queues.push(None);
                inner.queues.len() - 1
            }
        };
        inner.queues[index] = Some(Queue::default());
        Subscriber {
            from: self.clone(),
            index,
        }
    }

    /// Sends to all subscribers; the value is the channel's once the answer is `Ok`: did it have
    /// to wait?
    pub fn poll_send(
        &self,
        cx: &FiberCx,
        value: u64,
        deadline: Option<u64>,
    ) -> Poll<Result<bool, WaitError>> {
        match cx.enter_on(self.object) {
            Enter::Yield => return Poll::Pending,
            Enter::Stop(why) => return Poll::Ready(Err(why)),
            Enter::Resume => {
                let wake = cx.finish_wait();
                return Poll::Ready(match (wake.arm, wake.given) {
                    (0, Some(_)) => Ok(true),
                    (0, None) => Err(WaitError::Closed),
                    (arm, _) => {
                        let mut inner = self.inner.lock();
                        inner.senders.remove(wake.key, cx.fiber(), wake.epoch);
                        Err(cx.wake_error(arm))
                    }
                });
            }
            Enter::Begin => {}
        }
        let mut woken = Vec::new();
        let mut inner = self.inner.lock();
        let result = if inner.closed {
            Err(WaitError::Closed)
        } else if inner.has_room(self.capacity) {
            inner.put(value, self.payload, &mut woken);
            Ok(false)
        } else {
            match cx.begin_wait(WaitReason::Send, self.object) {
                Ok(epoch) => {
                    let waiter = cx.waiter(epoch, 0, Item::One(value));
                    cx.slot().key = inner.senders.push_back(waiter);
                    drop(inner);
                    cx.arm_deadline(epoch, deadline);
                    return Poll::Pending;
                }
                Err(why) => Err(why),
            }
        };
        drop(inner);
        cx.place().ready_all(woken);
        cx.event(Op::Send, self.object, u64::from(result.is_ok()));
        Poll::Ready(result)
    }

    /// Closes it for all: subscribers take what is left.
    pub fn poll_close(&self, cx: &FiberCx) -> Poll<()> {
        if let Enter::Yield = cx.enter_on(self.object) {
            return Poll::Pending;
        }
        cx.event(Op::Close, self.object, 0);
        let mut woken = Vec::new();
        {
            let mut inner = self.inner.lock();
            inner.closed = true;
            inner.senders.claim_all(&mut woken);
            for queue in inner.queues.iter_mut().flatten() {
                queue.receivers.claim_all(&mut woken);
            }
        }
        cx.place().ready_all(woken);
        Poll::Ready(())
    }

    /// Has it been closed?
    pub fn is_closed(&self) -> bool {
        self.inner.lock().closed
    }
}

impl Subscriber {
    /// The channel it listens to.
    pub fn broadcast(&self) -> &Arc<RawBroadcast> {
        &self.from
    }

    /// How many values wait here.
    pub fn len(&self) -> usize {
        let inner = self.from.inner.lock();
        inner.queues[self.index]
            .as_ref()
            .map_or(0, |q| q.buffer.len())
    }

    /// Does no value wait here?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn take(&self, inner: &mut Inner, woken: &mut Vec<FiberRef>) -> Result<u64, bool> {
        let from = &*self.from;
        let taken = inner.queues[self.index]
            .as_mut()
            .and_then(|q| q.buffer.pop_front());
        match taken {
            Some(value) => {
                inner.refill(from.capacity, from.payload, woken);
                Ok(value)
            }
            None => Err(inner.closed),
        }
    }

    /// Receives a value.
    pub fn poll_receive(
        &self,
        cx: &FiberCx,
        deadline: Option<u64>,
    ) -> Poll<Result<Received, WaitError>> {
        match cx.enter_on(self.from.object) {
            Enter::Yield => return Poll::Pending,
            Enter::Stop(why) => return Poll::Ready(Err(why)),
            Enter::Resume => {
                let wake = cx.finish_wait();
                return Poll::Ready(match (wake.arm, wake.given) {
                    (0, Some(value)) => Ok(Received {
                        value,
                        waited: true,
                    }),
                    (0, None) => Err(WaitError::Closed),
                    (arm, _) => {
                        self.remove(cx, wake.key, wake.epoch);
                        Err(cx.wake_error(arm))
                    }
                });
            }
            Enter::Begin => {}
        }
        let mut woken = Vec::new();
        let mut inner = self.from.inner.lock();
        let result = match self.take(&mut inner, &mut woken) {
            Ok(value) => Ok(Received {
                value,
                waited: false,
            }),
            Err(true) => Err(WaitError::Closed),
            Err(false) => match cx.begin_wait(WaitReason::Receive, self.from.object) {
                Ok(epoch) => {
                    cx.slot().key = self.push(cx, &mut inner, epoch, 0);
                    drop(inner);
                    cx.arm_deadline(epoch, deadline);
                    return Poll::Pending;
                }
                Err(why) => Err(why),
            },
        };
        drop(inner);
        cx.place().ready_all(woken);
        cx.event(Op::Receive, self.from.object, u64::from(result.is_ok()));
        Poll::Ready(result)
    }

    /// Receives a value if there is one.
    pub fn poll_try_receive(&self, cx: &FiberCx) -> Poll<Option<u64>> {
        cx.look_given(Op::Receive, self.from.object, || {
            let mut woken = Vec::new();
            let taken = self.take(&mut self.from.inner.lock(), &mut woken).ok();
            cx.place().ready_all(woken);
            taken
        })
    }

    /// Receives at least one value and at most `max`, which must not be 0.
    pub fn poll_receive_batch(
        &self,
        cx: &FiberCx,
        max: usize,
        deadline: Option<u64>,
    ) -> Poll<Result<Vec<u64>, WaitError>> {
        self.poll_receive(cx, deadline).map(|received| {
            let mut values = vec![received?.value];
            self.drain(cx, &mut values, max);
            Ok(values)
        })
    }

    /// Receives what there is. Never waits.
    pub fn poll_try_receive_batch(&self, cx: &FiberCx) -> Poll<Vec<u64>> {
        // In a deterministic run it makes room first: the values need not be kept meanwhile.
        cx.look(Op::Look, self.from.object, || 0).map(|_| {
            let mut values = Vec::new();
            self.drain(cx, &mut values, usize::MAX);
            values
        })
    }

    fn drain(&self, cx: &FiberCx, values: &mut Vec<u64>, max: usize) {
        let mut woken = Vec::new();
        let mut inner = self.from.inner.lock();
        while values.len() < max {
            match self.take(&mut inner, &mut woken) {
                Ok(value) => values.push(value),
                Err(_) => break,
            }
        }
        drop(inner);
        cx.place().ready_all(woken);
    }

    /// As [`Subscriber::len`], as an operation of a fiber.
    pub fn poll_len(&self, cx: &FiberCx) -> Poll<usize> {
        cx.look(Op::Look, self.from.object, || self.len() as u64)
            .map(|n| n as usize)
    }

    /// Whether the channel has been closed, as an operation of a fiber.
    pub fn poll_is_closed(&self, cx: &FiberCx) -> Poll<bool> {
        let closed = || u64::from(self.from.is_closed());
        cx.look(Op::Look, self.from.object, closed)
            .map(|closed| closed != 0)
    }

    fn push(&self, cx: &FiberCx, inner: &mut Inner, epoch: u32, arm: u16) -> u32 {
        let queue = inner.queues[self.index].get_or_insert_default();
        queue.receivers.push_back(cx.waiter(epoch, arm, Item::None))
    }

    fn remove(&self, cx: &FiberCx, key: u32, epoch: u32) {
        if let Some(queue) = &mut self.from.inner.lock().queues[self.index] {
            queue.receivers.remove(key, cx.fiber(), epoch);
        }
    }
}

impl Source for Subscriber {
    fn try_now(&self, cx: &FiberCx) -> Option<Selected> {
        let mut woken = Vec::new();
        let taken = self.take(&mut self.from.inner.lock(), &mut woken);
        cx.place().ready_all(woken);
        match taken {
            Ok(value) => Some(Selected::Value(value)),
            Err(true) => Some(Selected::Closed),
            Err(false) => None,
        }
    }

    fn register(&self, cx: &FiberCx, ticket: Ticket) -> Option<u32> {
        let mut inner = self.from.inner.lock();
        let empty = inner.queues[self.index]
            .as_ref()
            .is_none_or(|q| q.buffer.is_empty());
        let wait = empty && !inner.closed;
        wait.then(|| self.push(cx, &mut inner, ticket.epoch, ticket.arm))
    }

    fn unregister(&self, cx: &FiberCx, key: u32, ticket: Ticket) {
        self.remove(cx, key, ticket.epoch);
    }

    fn claimed(&self, _: &FiberCx, given: Option<u64>) -> Option<Selected> {
        Some(given.map_or(Selected::Closed, Selected::Value))
    }
}

impl Drop for Subscriber {
    /// What it has not received is dropped, and senders that waited for this subscriber go on.
    fn drop(&mut self) {
        let from = &*self.from;
        let mut woken = Vec::new();
        let queue = {
            let mut inner = from.inner.lock();
            let queue = inner.queues[self.index].take();
            inner.refill(from.capacity, from.payload, &mut woken);
            queue
        };
        for value in queue.into_iter().flat_map(|q| q.buffer) {
            from.payload.drop_slot(value);
        }
        for fiber in woken {
            let owner = fiber.owner().clone();
            owner.shared().outside().ready(fiber);
        }
    }
}

impl Drop for RawBroadcast {
    fn drop(&mut self) {
        for queue in self.inner.get_mut().queues.drain(..).flatten() {
            for value in queue.buffer {
                self.payload.drop_slot(value);
            }
        }
    }
}
