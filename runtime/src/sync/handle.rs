//! Channels, locks and the like as values of the counted heap.

use super::broadcast::{RawBroadcast, Subscriber};
use super::channel::{OnFull, RawChannel};
use super::counters::{RawAtomic, RawBarrier, RawOnce, RawSemaphore, RawToken, RawWaitGroup};
use super::mutex::{RawCondvar, RawMutex};
use super::rw_lock::RawRwLock;
use crate::heap::handle::{self, HandleData, HandleVtable};
use crate::heap::{Heap, count};
use crate::prim::Mutex;
use crate::sched::pool::Pool;
use std::fmt::Write;
use std::sync::Arc;

static CHANNEL: HandleVtable = handle::table_of::<RawChannel>();

impl HandleData for RawChannel {
    #[inline]
    fn table() -> &'static HandleVtable {
        &CHANNEL
    }

    fn describe(&self, out: &mut String) {
        let policy = match self.on_full() {
            OnFull::Block => "block",
            OnFull::Error => "error",
            OnFull::Overwrite => "overwrite",
        };
        let capacity = self.capacity();
        let capacity = capacity.map_or_else(|| "unbounded".to_owned(), |n| n.to_string());
        // Writing to a String does not fail.
        let _ = write!(
            out,
            "Channel(capacity: {capacity}, on_full: {policy}, MPMC, FIFO)"
        );
    }
}

macro_rules! plain {
    ($($ty:ty => $name:literal;)*) => {$(
        impl HandleData for $ty {
            fn describe(&self, out: &mut String) {
                out.push_str($name);
            }
        }
    )*};
}

plain! {
    RawBroadcast => "Broadcast";
    Subscriber => "Receiver";
    RawBarrier => "Barrier";
    RawOnce => "Once";
    RawWaitGroup => "WaitGroup";
    RawCondvar => "Condvar";
    RawAtomic => "Atomic";
    RawSemaphore => "Semaphore";
    RawToken => "CancelToken";
    Pool => "Executor";
}

/// A lock with the word it guards.
#[derive(Debug)]
pub struct Guarded<L> {
    /// The lock.
    pub lock: L,
    word: Mutex<u64>,
}

impl<L> Guarded<L> {
    /// A lock over `word`, which it takes over.
    pub fn new(lock: L, word: u64) -> Guarded<L> {
        Guarded {
            lock,
            word: Mutex::new(word),
        }
    }

    /// A copy of the word; the caller's.
    pub fn get(&self) -> u64 {
        let word = self.word.lock();
        // SAFETY: a live word: nobody replaces it while the guard is held.
        unsafe { count::dup(*word) };
        *word
    }

    /// Puts another word in; gives the old one.
    pub fn replace(&self, word: u64) -> u64 {
        std::mem::replace(&mut *self.word.lock(), word)
    }

    fn drop_word(this: Arc<Self>, heap: &mut Heap) {
        if let Some(guarded) = Arc::into_inner(this) {
            let word = *guarded.word.lock();
            // SAFETY: owned by the lock, which is gone.
            unsafe { count::drop(heap, word) }
        }
    }
}

impl HandleData for Guarded<RawMutex> {
    fn describe(&self, out: &mut String) {
        out.push_str("Mutex");
    }

    fn release(this: Arc<Self>, heap: &mut Heap) {
        Self::drop_word(this, heap);
    }
}

impl HandleData for Guarded<RawRwLock> {
    fn describe(&self, out: &mut String) {
        out.push_str("RwLock");
    }

    fn release(this: Arc<Self>, heap: &mut Heap) {
        Self::drop_word(this, heap);
    }
}
