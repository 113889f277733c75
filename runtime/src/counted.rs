//! Counted pointers whose count lies in the object: what fibers and groups are held by.
//!
//! Unlike `Arc` there are no weak references, the holder of the only reference gives the object
//! up without a locked instruction, and several references can be made or given up at once.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// Beyond so many references the count could overflow: only a leak in a loop gets there.
const TOO_MANY: u32 = u32::MAX / 2;

/// An object with its count.
///
/// # Safety
/// `count` is the count of this object alone, 1 when the object is made.
pub(crate) unsafe trait Counted {
    /// How many references there are.
    fn count(&self) -> &AtomicU32;

    /// Ends the object and gives its memory back.
    ///
    /// # Safety
    /// The last reference is gone.
    unsafe fn destroy(at: NonNull<Self>);
}

/// One reference.
pub(crate) struct Ref<T: Counted>(NonNull<T>, PhantomData<T>);

// SAFETY: as for `Arc`: the object may be used and ended by any thread that holds a reference.
unsafe impl<T: Counted + Send + Sync> Send for Ref<T> {}
// SAFETY: as above.
unsafe impl<T: Counted + Send + Sync> Sync for Ref<T> {}

impl<T: Counted> Ref<T> {
    /// The reference that `at` stands for.
    ///
    /// # Safety
    /// `at` comes from `into_raw`, or is a fresh object; its reference becomes the caller's.
    #[inline]
    pub(crate) unsafe fn from_raw(at: *mut T) -> Ref<T> {
        debug_assert!(!at.is_null());
        // SAFETY: by contract.
        Ref(unsafe { NonNull::new_unchecked(at) }, PhantomData)
    }

    /// Gives the reference to a plain pointer.
    #[inline]
    pub(crate) fn into_raw(self) -> *mut T {
        let at = self.0.as_ptr();
        std::mem::forget(self);
        at
    }

    /// Where the object is.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }

    /// Are both the same object?
    #[inline]
    pub(crate) fn is(&self, other: &T) -> bool {
        std::ptr::eq(self.0.as_ptr(), other)
    }

    /// Is this the only reference?
    #[inline]
    pub(crate) fn is_only(&self) -> bool {
        self.count().load(Ordering::Acquire) == 1
    }

    /// The object, if this is the only reference.
    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        if !self.is_only() {
            return None;
        }
        // SAFETY: nobody else has a reference, and none can be made while this one is borrowed.
        Some(unsafe { self.0.as_mut() })
    }

    /// Are there `n` references?
    #[inline]
    pub(crate) fn are(&self, n: u32) -> bool {
        self.count().load(Ordering::Acquire) == n
    }

    /// Gives up one of two references that nobody else can make others of.
    ///
    /// # Safety
    /// The caller holds both.
    #[inline]
    pub(crate) unsafe fn give_up_second(&self) {
        debug_assert!(self.are(2));
        self.count().store(1, Ordering::Release);
    }

    /// As `clone`; cheaper where this is likely to be the only reference.
    #[inline]
    pub(crate) fn another(&self) -> Ref<T> {
        if self.is_only() {
            // Nobody else has a reference to make others of.
            self.count().store(2, Ordering::Relaxed);
            return Ref(self.0, PhantomData);
        }
        self.clone()
    }

    /// Makes `n` references that the caller accounts for.
    #[inline]
    pub(crate) fn add_references(&self, n: u32) {
        if self.count().fetch_add(n, Ordering::Relaxed) > TOO_MANY {
            std::process::abort();
        }
    }

    /// Gives up the reference; the object if it was the last.
    #[inline]
    pub(crate) fn into_last(self) -> Option<Last<T>> {
        let at = self.0;
        std::mem::forget(self);
        // SAFETY: the reference is still counted.
        unsafe { give_up(at, 1) }.then(|| Last(at, PhantomData))
    }
}

/// Gives up `n` references; were they the last?
///
/// # Safety
/// They are the caller's.
#[inline]
unsafe fn give_up<T: Counted>(at: NonNull<T>, n: u32) -> bool {
    // SAFETY: by contract the object lives.
    let count = unsafe { at.as_ref() }.count();
    // Acquire and release: what others did with the object happens before it is ended.
    count.load(Ordering::Acquire) == n || count.fetch_sub(n, Ordering::AcqRel) == n
}

/// Gives up `n` references at once.
///
/// # Safety
/// They are the caller's.
#[inline]
pub(crate) unsafe fn drop_references<T: Counted>(at: NonNull<T>, n: u32) {
    // SAFETY: by contract.
    unsafe {
        if give_up(at, n) {
            T::destroy(at);
        }
    }
}

impl<T: Counted> Clone for Ref<T> {
    #[inline]
    fn clone(&self) -> Self {
        self.add_references(1);
        Ref(self.0, PhantomData)
    }
}

impl<T: Counted> Deref for Ref<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the reference keeps the object alive.
        unsafe { self.0.as_ref() }
    }
}

impl<T: Counted> Drop for Ref<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the reference is ours.
        unsafe { drop_references(self.0, 1) }
    }
}

impl<T: Counted + std::fmt::Debug> std::fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

/// An object without references, to be ended.
pub(crate) struct Last<T: Counted>(NonNull<T>, PhantomData<T>);

impl<T: Counted> Deref for Last<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: nobody else knows the object.
        unsafe { self.0.as_ref() }
    }
}

impl<T: Counted> DerefMut for Last<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: nobody else knows the object.
        unsafe { self.0.as_mut() }
    }
}

impl<T: Counted> Drop for Last<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the last reference is gone.
        unsafe { T::destroy(self.0) }
    }
}
