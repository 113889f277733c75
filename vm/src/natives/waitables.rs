//! Locks, counters and tokens as arms of a select.

use std::sync::Arc;

use lumen_runtime::heap::handle::{HandleData, get_arc};
use lumen_runtime::native::{NativeStop, fail};
use lumen_runtime::sync::counters::{RawBarrier, RawSemaphore, RawToken, RawWaitGroup};
use lumen_runtime::sync::handle::Guarded;
use lumen_runtime::sync::mutex::{CondArm, RawCondvar, RawMutex};
use lumen_runtime::sync::rw_lock::{RawRwLock, RwSide};
use lumen_runtime::sync::select::{Arm, Source};

/// A handle, and what it is waited for.
pub(super) enum Waitable {
    Lock(Arc<Guarded<RawMutex>>),
    RwLock {
        lock: Arc<Guarded<RawRwLock>>,
        write: bool,
    },
    Condvar {
        condvar: Arc<RawCondvar>,
        mutex: Arc<Guarded<RawMutex>>,
    },
    Other(Arc<dyn Source>),
}

/// An arm, or what one refers to.
pub(super) enum Polled<'a> {
    Arm(Arm<'a>),
    Side(RwSide<'a>),
    Condition(CondArm<'a>),
}

impl Polled<'_> {
    /// The arm.
    pub(super) fn arm(&self) -> Arm<'_> {
        match self {
            Polled::Arm(arm) => *arm,
            Polled::Side(side) => Arm::Other(side),
            Polled::Condition(condition) => Arm::Other(condition),
        }
    }
}

impl Waitable {
    /// The waiting operation `name` of `handle`, a live handle, and `argument`, another.
    pub(super) fn of(
        name: &str,
        handle: u64,
        argument: Option<u64>,
    ) -> Result<Waitable, NativeStop> {
        let found = match name {
            "lock" => arc(handle).map(Waitable::Lock),
            "read_lock" | "write_lock" => arc(handle).map(|lock| Waitable::RwLock {
                lock,
                write: name == "write_lock",
            }),
            "wait" if argument.is_some() => {
                let parts = arc(handle).zip(argument.and_then(arc));
                parts.map(|(condvar, mutex)| Waitable::Condvar { condvar, mutex })
            }
            "acquire" => other::<RawSemaphore>(handle),
            "wait" => other::<RawWaitGroup>(handle)
                .or_else(|| other::<RawBarrier>(handle))
                .or_else(|| other::<RawToken>(handle)),
            _ => None,
        };
        match found {
            Some(waitable) => Ok(waitable),
            None => fail("Argument", format!("`{name}` cannot be an arm of a select")),
        }
    }

    /// What the select polls.
    pub(super) fn polled(&self) -> Polled<'_> {
        match self {
            Waitable::Lock(mutex) => Polled::Arm(Arm::Other(&mutex.lock)),
            Waitable::Other(source) => Polled::Arm(Arm::Other(&**source)),
            Waitable::RwLock { lock, write } => Polled::Side(RwSide {
                lock: &lock.lock,
                write: *write,
            }),
            Waitable::Condvar { condvar, mutex } => Polled::Condition(CondArm {
                condvar,
                mutex: &mutex.lock,
            }),
        }
    }

    /// The mutex of a wait for a condition.
    pub(super) fn condition_mutex(&self) -> Option<&RawMutex> {
        match self {
            Waitable::Condvar { mutex, .. } => Some(&mutex.lock),
            _ => None,
        }
    }
}

fn arc<T: HandleData>(handle: u64) -> Option<Arc<T>> {
    // SAFETY: the caller has a live handle.
    unsafe { get_arc(handle) }
}

fn other<T: HandleData + Source>(handle: u64) -> Option<Waitable> {
    arc::<T>(handle).map(|object| Waitable::Other(object))
}
