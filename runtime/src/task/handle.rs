//! Futures as values of the counted heap.

use crate::fiber::{Fiber, FiberRef};
use crate::heap::handle::{self, HandleVtable};
use crate::heap::{Alloc, Heap, TypeIx};
use crate::task::future::FutureRef;
use std::any::TypeId;
use std::mem::ManuallyDrop;

static FUTURE: HandleVtable = HandleVtable {
    release: |data, _| {
        // SAFETY: made by `into_handle`, and the handle's reference ends here.
        drop(unsafe { FiberRef::from_raw(data.cast::<Fiber>().cast_mut()) });
    },
    describe: |data, out| {
        // SAFETY: the handle keeps the fiber alive.
        let path = unsafe { &*data.cast::<Fiber>() }.path();
        out.push_str("Future(");
        out.push_str(&path);
        out.push(')');
    },
    type_id: TypeId::of::<Fiber>,
};

impl FutureRef {
    /// A handle object of type `ty` that holds this future.
    ///
    /// # Errors
    /// When memory is short; the future is given up then.
    pub fn into_handle(self, heap: &mut Heap, ty: TypeIx) -> Alloc<u64> {
        let fiber = self.fiber.into_raw().cast_const();
        // SAFETY: the table of fibers.
        unsafe { handle::new_raw(heap, ty, fiber.cast(), &FUTURE) }
    }

    /// The future that a handle object holds, without counting: it must not be used after the
    /// handle is dropped.
    ///
    /// # Safety
    /// `word` is a live handle object.
    #[inline]
    pub unsafe fn borrow_handle(word: u64) -> Option<ManuallyDrop<FutureRef>> {
        // SAFETY: by contract; the reference stays the handle's.
        unsafe {
            let fiber = handle::get_raw(word, &FUTURE)?.cast::<Fiber>();
            let fiber = FiberRef::from_raw(fiber.cast_mut());
            Some(ManuallyDrop::new(FutureRef { fiber }))
        }
    }
}
