//! The one door to atomics and locks: `std` and `parking_lot` normally, loom's doubles under
//! `--cfg loom`, so that the protocols of this crate can be model-checked as they are.

#[cfg(not(loom))]
mod real {
    pub(crate) use parking_lot::Mutex;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, fence};
}

#[cfg(loom)]
mod real {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, fence};

    type MutexGuard<'a, T> = loom::sync::MutexGuard<'a, T>;

    /// loom's mutex behind the `parking_lot` interface: no poisoning.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(|e| e.into_inner())
        }

        pub(crate) fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().unwrap_or_else(|e| e.into_inner())
        }
    }
}

/// A lock with a condition to wait for, of whoever may sleep for long.
pub(crate) mod waiting {
    #[cfg(loom)]
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
    #[cfg(not(loom))]
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
}

#[cfg(not(loom))]
mod spin {
    use super::Ordering;

    /// A lock for a handful of instructions at a time: taking it is one locked instruction, letting
    /// go of it a plain store. Whoever finds it taken spins, then makes room, then naps.
    #[derive(Debug)]
    pub(crate) struct SpinLock(std::sync::atomic::AtomicBool);

    /// Holds a [`SpinLock`].
    #[derive(Debug)]
    pub(crate) struct SpinGuard<'a>(&'a SpinLock);

    impl SpinLock {
        pub(crate) fn new() -> SpinLock {
            SpinLock(std::sync::atomic::AtomicBool::new(false))
        }

        #[inline]
        pub(crate) fn lock(&self) -> SpinGuard<'_> {
            if self.0.swap(true, Ordering::Acquire) {
                self.lock_slow();
            }
            SpinGuard(self)
        }

        /// As `lock`, where no other thread ever takes this lock: no locked instruction.
        #[inline]
        pub(crate) fn lock_alone(&self) -> SpinGuard<'_> {
            if self.0.load(Ordering::Relaxed) {
                self.lock_slow();
            }
            self.0.store(true, Ordering::Relaxed);
            SpinGuard(self)
        }

        #[inline]
        pub(crate) fn try_lock(&self) -> Option<SpinGuard<'_>> {
            (!self.0.swap(true, Ordering::Acquire)).then(|| SpinGuard(self))
        }

        #[cold]
        #[inline(never)]
        fn lock_slow(&self) {
            let mut rounds = 0u32;
            loop {
                for _ in 0..32 {
                    if !self.0.load(Ordering::Relaxed) && !self.0.swap(true, Ordering::Acquire) {
                        return;
                    }
                    std::hint::spin_loop();
                }
                rounds += 1;
                // Its holder may have lost its processor.
                match rounds {
                    0..4 => {}
                    4..64 => std::thread::yield_now(),
                    _ => std::thread::sleep(std::time::Duration::from_micros(50)),
                }
            }
        }
    }

    impl Drop for SpinGuard<'_> {
        #[inline]
        fn drop(&mut self) {
            self.0.0.store(false, Ordering::Release);
        }
    }
}

/// Under loom: whoever finds the lock taken lets others run.
#[cfg(loom)]
mod spin {
    #[derive(Debug)]
    pub(crate) struct SpinLock(loom::sync::Mutex<()>);

    #[derive(Debug)]
    pub(crate) struct SpinGuard<'a>(#[expect(dead_code, reason = "it is held")] Held<'a>);

    type Held<'a> = loom::sync::MutexGuard<'a, ()>;

    impl SpinLock {
        pub(crate) fn new() -> SpinLock {
            SpinLock(loom::sync::Mutex::new(()))
        }

        pub(crate) fn lock(&self) -> SpinGuard<'_> {
            SpinGuard(self.0.lock().unwrap_or_else(|e| e.into_inner()))
        }

        pub(crate) fn lock_alone(&self) -> SpinGuard<'_> {
            self.lock()
        }

        pub(crate) fn try_lock(&self) -> Option<SpinGuard<'_>> {
            self.0.try_lock().ok().map(SpinGuard)
        }
    }
}

pub(crate) use spin::{SpinGuard, SpinLock};

/// A value under a [`SpinLock`].
#[derive(Debug)]
pub(crate) struct SpinMutex<T> {
    lock: SpinLock,
    value: std::cell::UnsafeCell<T>,
}

// SAFETY: the value is reached only under the lock.
unsafe impl<T: Send> Send for SpinMutex<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SpinMutex<T> {}

/// Access to the value of a [`SpinMutex`].
pub(crate) struct Spinning<'a, T> {
    _lock: SpinGuard<'a>,
    value: &'a mut T,
}

impl<T> SpinMutex<T> {
    pub(crate) fn new(value: T) -> SpinMutex<T> {
        SpinMutex {
            lock: SpinLock::new(),
            value: std::cell::UnsafeCell::new(value),
        }
    }

    /// Takes the lock; `alone`: no other thread ever does.
    #[inline]
    pub(crate) fn lock_as(&self, alone: bool) -> Spinning<'_, T> {
        let lock = if alone {
            self.lock.lock_alone()
        } else {
            self.lock.lock()
        };
        Spinning {
            _lock: lock,
            // SAFETY: under the lock.
            value: unsafe { &mut *self.value.get() },
        }
    }

    /// If nobody holds it at present.
    #[inline]
    pub(crate) fn try_lock(&self) -> Option<Spinning<'_, T>> {
        let lock = self.lock.try_lock()?;
        Some(Spinning {
            _lock: lock,
            // SAFETY: under the lock.
            value: unsafe { &mut *self.value.get() },
        })
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T> std::ops::Deref for Spinning<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> std::ops::DerefMut for Spinning<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.value
    }
}

pub(crate) use real::*;
pub(crate) use std::sync::atomic::Ordering;
