//! Futures as values of the counted heap.

use crate::fiber::Fiber;
use crate::heap::handle::{self, HandleData};
use crate::heap::{Alloc, Heap, TypeIx};
use crate::task::future::FutureRef;
use std::mem::ManuallyDrop;
use std::sync::Arc;

impl HandleData for Fiber {
    fn describe(&self, out: &mut String) {
        out.push_str("Future(");
        out.push_str(&self.path());
        out.push(')');
    }
}

impl FutureRef {
    /// A handle object of type `ty` that holds this future.
    ///
    /// # Errors
    /// When memory is short; the future is given up then.
    pub fn into_handle(self, heap: &mut Heap, ty: TypeIx) -> Alloc<u64> {
        handle::new(heap, ty, self.fiber)
    }

    /// The future that a handle object holds, without counting: it must not be used after the
    /// handle is dropped.
    ///
    /// # Safety
    /// `word` is a live handle object.
    pub unsafe fn borrow_handle(word: u64) -> Option<ManuallyDrop<FutureRef>> {
        // SAFETY: by contract.
        let fiber = unsafe { handle::get::<Fiber>(word) }?;
        // SAFETY: the pointer in a handle came from an `Arc`; the count is not touched.
        let fiber = unsafe { Arc::from_raw(std::ptr::from_ref(fiber)) };
        Some(ManuallyDrop::new(FutureRef { fiber }))
    }
}
