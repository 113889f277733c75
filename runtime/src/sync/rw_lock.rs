//! Many readers or one writer; waiting writers come first.
//!
//! The lock is handed over: to the first waiting writer, else to all waiting readers.

use crate::fiber::cx::Enter;
use crate::fiber::{FiberCx, FiberRef};
use crate::prim::Mutex;
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::{WaitError, WaitReason};
use crate::sync::select::{Selected, Source, Ticket};
use crate::sync::station::{Holder, UnlockError};
use crate::sync::wait_queue::{Item, WaitQueue};
use std::task::Poll;

#[derive(Debug, Default)]
struct Inner {
    /// Task numbers, one entry per hold.
    readers: Vec<u64>,
    read_queue: WaitQueue,
    write_queue: WaitQueue,
}

impl Inner {
    fn queue(&mut self, write: bool) -> &mut WaitQueue {
        if write {
            &mut self.write_queue
        } else {
            &mut self.read_queue
        }
    }
}

/// A read-write lock without a value. Not re-entrant.
#[derive(Debug)]
pub struct RawRwLock {
    object: u64,
    writer: Holder,
    inner: Mutex<Inner>,
}

impl RawRwLock {
    /// An open lock; `object` is its number in reports.
    pub fn new(object: u64) -> Self {
        RawRwLock {
            object,
            writer: Holder::default(),
            inner: Mutex::new(Inner::default()),
        }
    }

    /// Its number in reports.
    pub fn object(&self) -> u64 {
        self.object
    }

    /// Hands the lock on, if it is free for anyone who waits.
    fn grant(&self, inner: &mut Inner, woken: &mut Vec<FiberRef>) {
        if self.writer.get() != 0 {
            return;
        }
        if inner.readers.is_empty()
            && let Some(won) = inner.write_queue.claim_next(None, Some(0))
        {
            self.writer.set(won.id);
            woken.extend(won.woken);
            return;
        }
        if inner.write_queue.is_empty() {
            while let Some(won) = inner.read_queue.claim_next(None, Some(0)) {
                inner.readers.push(won.id);
                woken.extend(won.woken);
            }
        }
    }

    fn is_free(&self, inner: &Inner, write: bool) -> bool {
        let open = self.writer.get() == 0 && inner.write_queue.is_empty();
        open && (!write || inner.readers.is_empty())
    }

    fn try_take(&self, inner: &mut Inner, id: u64, write: bool) -> bool {
        let free = self.is_free(inner, write);
        match write {
            _ if !free => {}
            true => self.writer.set(id),
            false => inner.readers.push(id),
        }
        free
    }

    fn poll_take(
        &self,
        cx: &FiberCx,
        write: bool,
        deadline: Option<u64>,
    ) -> Poll<Result<(), WaitError>> {
        match cx.enter_on(self.object) {
            Enter::Yield => return Poll::Pending,
            Enter::Stop(why) => return Poll::Ready(Err(why)),
            Enter::Resume => return Poll::Ready(self.resumed(cx, write)),
            Enter::Begin => {}
        }
        let mut inner = self.inner.lock();
        if self.try_take(&mut inner, cx.id(), write) {
            drop(inner);
            cx.event(Op::Lock, self.object, u64::from(write));
            return Poll::Ready(Ok(()));
        }
        let reason = if write {
            WaitReason::WriteLock
        } else {
            WaitReason::ReadLock
        };
        match cx.begin_wait(reason, self.object) {
            Ok(epoch) => {
                let waiter = cx.waiter(epoch, 0, Item::None);
                let key = inner.queue(write).push_back(waiter);
                drop(inner);
                cx.slot().key = key;
                cx.set_holder(Some(self.writer.0.clone()));
                cx.arm_deadline(epoch, deadline);
                Poll::Pending
            }
            Err(why) => Poll::Ready(Err(why)),
        }
    }

    fn resumed(&self, cx: &FiberCx, write: bool) -> Result<(), WaitError> {
        let wake = cx.finish_wait();
        cx.event(
            Op::Lock,
            self.object,
            u64::from(write) + 2 * u64::from(wake.arm != 0),
        );
        if wake.arm == 0 {
            return Ok(());
        }
        self.unwait(cx, write, wake.key, wake.epoch);
        Err(cx.wake_error(wake.arm))
    }

    fn unwait(&self, cx: &FiberCx, write: bool, key: u32, epoch: u32) {
        let mut woken = Vec::new();
        {
            let mut inner = self.inner.lock();
            inner.queue(write).remove(key, cx.fiber(), epoch);
            // Readers may have queued up behind a writer that is gone now.
            self.grant(&mut inner, &mut woken);
        }
        cx.place().ready_all(woken);
    }

    /// Takes the lock for reading.
    pub fn poll_read_lock(
        &self,
        cx: &FiberCx,
        deadline: Option<u64>,
    ) -> Poll<Result<(), WaitError>> {
        self.poll_take(cx, false, deadline)
    }

    /// Takes the lock for writing.
    pub fn poll_write_lock(
        &self,
        cx: &FiberCx,
        deadline: Option<u64>,
    ) -> Poll<Result<(), WaitError>> {
        self.poll_take(cx, true, deadline)
    }

    /// Gives a read lock back.
    pub fn poll_read_unlock(&self, cx: &FiberCx) -> Poll<Result<(), UnlockError>> {
        self.poll_give(cx, |inner| {
            match inner.readers.iter().position(|&id| id == cx.id()) {
                Some(at) => {
                    inner.readers.swap_remove(at);
                    Ok(())
                }
                None if inner.readers.is_empty() => Err(UnlockError::NotLocked),
                None => Err(UnlockError::NotHolder),
            }
        })
    }

    /// Gives the write lock back.
    pub fn poll_write_unlock(&self, cx: &FiberCx) -> Poll<Result<(), UnlockError>> {
        self.poll_give(cx, |_| match self.writer.get() {
            0 => Err(UnlockError::NotLocked),
            id if id != cx.id() => Err(UnlockError::NotHolder),
            _ => {
                self.writer.set(0);
                Ok(())
            }
        })
    }

    fn poll_give(
        &self,
        cx: &FiberCx,
        give: impl FnOnce(&mut Inner) -> Result<(), UnlockError>,
    ) -> Poll<Result<(), UnlockError>> {
        // Cancellation does not stop it: giving things back is part of unwinding.
        if let Enter::Yield = cx.enter_on(self.object) {
            return Poll::Pending;
        }
        cx.event(Op::Unlock, self.object, 0);
        let mut woken = Vec::new();
        let result = {
            let mut inner = self.inner.lock();
            let result = give(&mut inner);
            if result.is_ok() {
                self.grant(&mut inner, &mut woken);
            }
            result
        };
        cx.place().ready_all(woken);
        Poll::Ready(result)
    }
}

/// One way of taking a read-write lock, to select on.
#[derive(Clone, Copy, Debug)]
pub struct RwSide<'a> {
    /// The lock.
    pub lock: &'a RawRwLock,
    /// For writing, or else for reading.
    pub write: bool,
}

impl Source for RwSide<'_> {
    fn try_now(&self, cx: &FiberCx) -> Option<Selected> {
        let mut inner = self.lock.inner.lock();
        let taken = self.lock.try_take(&mut inner, cx.id(), self.write);
        taken.then_some(Selected::Acquired)
    }

    fn register(&self, cx: &FiberCx, ticket: Ticket) -> Option<u32> {
        let mut inner = self.lock.inner.lock();
        let free = self.lock.is_free(&inner, self.write);
        let waiter = || cx.waiter(ticket.epoch, ticket.arm, Item::None);
        (!free).then(|| inner.queue(self.write).push_back(waiter()))
    }

    fn unregister(&self, cx: &FiberCx, key: u32, ticket: Ticket) {
        self.lock.unwait(cx, self.write, key, ticket.epoch);
    }

    fn claimed(&self, _: &FiberCx, _: Option<u64>) -> Option<Selected> {
        // The lock has been handed over.
        Some(Selected::Acquired)
    }
}
