//! Many values in one operation.

use super::{Inner, OnFull, RawChannel};
use crate::fiber::cx::Enter;
use crate::fiber::{Fiber, FiberCx, FiberRef};
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::WaitError;
use crate::sync::wait_queue::Item;
use std::task::Poll;

impl RawChannel {
    /// Puts all values, or none (`Full`).
    pub(super) fn put_all(
        &self,
        inner: &mut Inner,
        me: &Fiber,
        values: &[u64],
        woken: &mut Vec<FiberRef>,
    ) -> Result<bool, WaitError> {
        if self.is_closed() {
            return Err(WaitError::Closed);
        }
        let overwrite = self.on_full == OnFull::Overwrite && self.capacity > 0;
        if values.len() > self.capacity && !overwrite {
            return Err(WaitError::TooLarge);
        }
        // While receivers wait the buffer is empty, so they need not be counted.
        let room = self.capacity - inner.buffer.len();
        if !overwrite && (values.len() > room || inner.senders.has_other_than(me)) {
            return Err(WaitError::Full);
        }
        let mut full = false;
        for &value in values {
            let (overwrote, fiber) = self.put(inner, me, value)?;
            full |= overwrote;
            woken.extend(fiber);
        }
        Ok(full)
    }

    /// Receives at least one value and at most `max`, which must not be 0.
    pub fn poll_receive_batch(
        &self,
        cx: &FiberCx,
        max: usize,
        deadline: Option<u64>,
    ) -> Poll<Result<Vec<u64>, WaitError>> {
        match self.poll_receive(cx, deadline) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(why)) => Poll::Ready(Err(why)),
            Poll::Ready(Ok(first)) => {
                let mut values = vec![first.value];
                self.drain(cx, &mut values, max);
                Poll::Ready(Ok(values))
            }
        }
    }

    fn drain(&self, cx: &FiberCx, values: &mut Vec<u64>, max: usize) {
        let mut woken = Vec::new();
        let mut inner = self.lock(cx);
        while values.len() < max {
            match self.take(&mut inner, cx.fiber(), &mut woken) {
                Ok(value) => values.push(value),
                Err(_) => break,
            }
        }
        drop(inner);
        cx.place().ready_all(woken);
    }

    /// Receives what there is. Never waits.
    pub fn poll_try_receive_batch(&self, cx: &FiberCx) -> Poll<Vec<u64>> {
        // In a deterministic run it makes room first: the values need not be kept meanwhile.
        if cx.look(Op::Look, self.object, || 0).is_pending() {
            return Poll::Pending;
        }
        let mut values = Vec::new();
        self.drain(cx, &mut values, usize::MAX);
        Poll::Ready(values)
    }

    /// Sends all values or none, waiting for room; did it have to wait or to overwrite?
    pub fn poll_send_batch(
        &self,
        cx: &FiberCx,
        values: &[u64],
        deadline: Option<u64>,
    ) -> Poll<Result<bool, WaitError>> {
        match cx.enter_on(self.object) {
            Enter::Yield => return Poll::Pending,
            Enter::Stop(why) => return Poll::Ready(Err(why)),
            Enter::Resume => return Poll::Ready(self.sent(cx)),
            Enter::Begin => {}
        }
        let mut woken = Vec::new();
        let mut inner = self.lock(cx);
        let mut result = self.put_all(&mut inner, cx.fiber(), values, &mut woken);
        if result == Err(WaitError::Full) && self.on_full != OnFull::Error {
            match self.wait_to_send(cx, &mut inner, Item::Many(values.into())) {
                Ok(epoch) => {
                    drop(inner);
                    cx.arm_deadline(epoch, deadline);
                    return Poll::Pending;
                }
                Err(why) => result = Err(why),
            }
        }
        self.note_len(&inner);
        drop(inner);
        cx.place().ready_all(woken);
        cx.event(Op::Send, self.object, u64::from(result.is_ok()));
        Poll::Ready(result)
    }

    /// Sends all values if they can go at once. `Err(TooLarge)` when they never could.
    pub fn poll_try_send_batch(
        &self,
        cx: &FiberCx,
        values: &[u64],
    ) -> Poll<Result<bool, WaitError>> {
        let sent = cx.look(Op::Send, self.object, || {
            let mut woken = Vec::new();
            let mut inner = self.lock(cx);
            let put = self.put_all(&mut inner, cx.fiber(), values, &mut woken);
            self.note_len(&inner);
            drop(inner);
            cx.place().ready_all(woken);
            match put {
                Ok(_) => 1,
                Err(WaitError::TooLarge) => 2,
                Err(_) => 0,
            }
        });
        sent.map(|sent| {
            if sent == 2 {
                Err(WaitError::TooLarge)
            } else {
                Ok(sent == 1)
            }
        })
    }
}
