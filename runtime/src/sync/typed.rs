//! Channels and locks of Rust values, for bodies with a stack.
//!
//! ```
//! use lumen_runtime::sync::typed::Channel;
//! use lumen_runtime::{Config, Runtime};
//!
//! let runtime = Runtime::new(Config::default()).unwrap();
//! let words = runtime.block_on(|cx| {
//!     let channel = Channel::bounded(cx, 2);
//!     let sender = channel.clone();
//!     let task = cx.spawn_fn(move |cx| {
//!         for word in ["one", "two", "three"] {
//!             sender.send(cx, String::from(word)).unwrap();
//!         }
//!         sender.close(cx);
//!     });
//!     let mut words = Vec::new();
//!     while let Ok(word) = channel.receive(cx) {
//!         words.push(word);
//!     }
//!     task.join(cx).unwrap();
//!     words
//! });
//! assert_eq!(words.unwrap(), ["one", "two", "three"]);
//! ```

use crate::fiber::FiberCx;
use crate::payload::PayloadVTable;
use crate::sched::wait_reason::WaitError;
use crate::sync::channel::{OnFull, RawChannel};
use crate::sync::mutex::RawMutex;
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

struct Boxed<T>(PhantomData<T>);

unsafe fn drop_box<T>(slot: u64) {
    // SAFETY: every slot of such a channel is a box made by `into_slot`.
    drop(unsafe { Box::from_raw(slot as *mut T) });
}

unsafe fn no_share(_: u64) -> u64 {
    unreachable!("a channel hands each slot out once")
}

unsafe fn same(a: u64, b: u64) -> bool {
    a == b
}

impl<T> Boxed<T> {
    const TABLE: &'static PayloadVTable = &PayloadVTable {
        immediate: 0,
        drop: drop_box::<T>,
        share: no_share,
        equal: same,
    };
}

fn into_slot<T>(value: T) -> u64 {
    Box::into_raw(Box::new(value)) as u64
}

/// # Safety
/// The slot comes from `into_slot::<T>` and is the caller's.
unsafe fn from_slot<T>(slot: u64) -> T {
    // SAFETY: as required.
    *unsafe { Box::from_raw(slot as *mut T) }
}

/// A channel of Rust values. Clones are the same channel.
#[derive(Debug)]
pub struct Channel<T> {
    raw: Arc<RawChannel>,
    values: PhantomData<fn(T) -> T>,
}

impl<T> Clone for Channel<T> {
    fn clone(&self) -> Self {
        Channel {
            raw: self.raw.clone(),
            values: PhantomData,
        }
    }
}

/// A value that was not sent, and why.
#[derive(Debug)]
pub struct SendError<T> {
    /// The value.
    pub value: T,
    /// The reason.
    pub why: WaitError,
}

impl<T: Send> Channel<T> {
    fn make(cx: &FiberCx, capacity: Option<usize>) -> Self {
        let raw = RawChannel::new(cx, capacity, OnFull::Block, Boxed::<T>::TABLE);
        Channel {
            raw: Arc::new(raw),
            values: PhantomData,
        }
    }

    /// Holds so many values; 0 is a rendezvous.
    pub fn bounded(cx: &FiberCx, capacity: usize) -> Self {
        Self::make(cx, Some(capacity))
    }

    /// Holds any number of values.
    pub fn unbounded(cx: &FiberCx) -> Self {
        Self::make(cx, None)
    }

    /// Sends a value, waiting for room.
    ///
    /// # Errors
    /// When the channel is closed or the fiber is told to stop; the value comes back.
    pub fn send(&self, cx: &FiberCx, value: T) -> Result<(), SendError<T>> {
        let slot = into_slot(value);
        match cx.block(|| self.raw.poll_send(cx, slot, None)) {
            Ok(_) => Ok(()),
            Err(why) => {
                // SAFETY: what has not been sent is still ours.
                let value = unsafe { from_slot(slot) };
                Err(SendError { value, why })
            }
        }
    }

    /// Receives a value, waiting for one.
    ///
    /// # Errors
    /// When the channel is closed and drained, or the fiber is told to stop.
    pub fn receive(&self, cx: &FiberCx) -> Result<T, WaitError> {
        let received = cx.block(|| self.raw.poll_receive(cx, None))?;
        // SAFETY: what has been received is ours.
        Ok(unsafe { from_slot(received.value) })
    }

    /// Receives a value if there is one.
    pub fn try_receive(&self, cx: &FiberCx) -> Option<T> {
        let slot = cx.block(|| self.raw.poll_try_receive(cx))?;
        // SAFETY: as in `receive`.
        Some(unsafe { from_slot(slot) })
    }

    /// Closes it.
    pub fn close(&self, cx: &FiberCx) {
        cx.block(|| self.raw.poll_close(cx));
    }

    /// The channel underneath, for `select`.
    pub fn raw(&self) -> &Arc<RawChannel> {
        &self.raw
    }
}

/// A value under a lock that fibers wait for without blocking a thread.
#[derive(Debug)]
pub struct Mutex<T> {
    raw: RawMutex,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only by the holder of the lock, one fiber at a time.
unsafe impl<T: Send> Sync for Mutex<T> {}

/// The value, while the lock is held.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    cx: &'a FiberCx,
}

impl<T> Mutex<T> {
    /// A value under a lock.
    pub fn new(cx: &FiberCx, value: T) -> Self {
        Mutex {
            raw: RawMutex::new(cx.new_object_id()),
            value: UnsafeCell::new(value),
        }
    }

    /// Takes the lock.
    ///
    /// # Errors
    /// When the fiber is told to stop.
    pub fn lock<'a>(&'a self, cx: &'a FiberCx) -> Result<MutexGuard<'a, T>, WaitError> {
        cx.block(|| self.raw.poll_lock(cx, None))?;
        Ok(MutexGuard { mutex: self, cx })
    }

    /// The value, when nobody else can reach it any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard's fiber holds the lock.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard's fiber holds the lock, and the guard is borrowed mutably.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        let opened = self.mutex.raw.unlock(self.cx);
        debug_assert!(opened.is_ok());
    }
}
