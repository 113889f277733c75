//! What a thread that runs fibers keeps: its heap, and frames that can be used again.
//!
//! It is looked up once per resumption, and by the runtime's hooks for values that nobody takes;
//! running code gets the heap as a parameter.

use std::cell::{Cell, RefCell};
use std::ptr::null_mut;
use std::sync::Arc;

use lumen_runtime::heap::{Heap, HeapShared};

use super::Running;

/// Frames that a thread keeps for fibers to come.
const SPARE: usize = 64;

/// One thread's.
pub(crate) struct WorkerHeap {
    shared: Arc<HeapShared>,
    heap: Heap,
    // Boxes: what fibers hold is moved in and out as it is.
    #[expect(clippy::vec_box, reason = "fibers hold these very boxes")]
    spare: Vec<Box<Running>>,
}

impl Drop for WorkerHeap {
    fn drop(&mut self) {
        CURRENT.set(null_mut());
        self.heap.publish();
    }
}

impl WorkerHeap {
    /// The heap.
    pub(crate) fn heap(&mut self) -> &mut Heap {
        &mut self.heap
    }

    /// Frames of a fiber that has ended.
    pub(crate) fn take_spare(&mut self) -> Option<Box<Running>> {
        self.spare.pop()
    }

    /// Keeps the frames of a fiber that has ended.
    pub(crate) fn put_spare(&mut self, running: Box<Running>) {
        if self.spare.len() < SPARE && running.is_small() {
            self.spare.push(running);
        }
    }
}

thread_local! {
    static OWNED: RefCell<Option<Box<WorkerHeap>>> = const { RefCell::new(None) };
    /// What `OWNED` holds, or null.
    static CURRENT: Cell<*mut WorkerHeap> = const { Cell::new(null_mut()) };
}

/// This thread's, for the program whose heaps share `shared`, made if need be. It stays where it
/// is until the thread ends or works for another program.
#[inline]
pub(crate) fn current(shared: &Arc<HeapShared>) -> *mut WorkerHeap {
    let current = CURRENT.get();
    // SAFETY: null, or what this thread owns.
    match unsafe { current.as_ref() } {
        Some(worker) if Arc::ptr_eq(&worker.shared, shared) => current,
        _ => make(shared),
    }
}

#[cold]
#[inline(never)]
fn make(shared: &Arc<HeapShared>) -> *mut WorkerHeap {
    release();
    let made = Box::new(WorkerHeap {
        shared: Arc::clone(shared),
        heap: Heap::new(shared),
        spare: Vec::new(),
    });
    OWNED.with_borrow_mut(|owned| {
        let made: *mut WorkerHeap = &raw mut **owned.insert(made);
        CURRENT.set(made);
        made
    })
}

/// This thread's heap, if it has one.
pub(crate) fn existing() -> Option<*mut Heap> {
    let current = CURRENT.get();
    // SAFETY: not null: what this thread owns; only the address is taken.
    (!current.is_null()).then(|| unsafe { &raw mut (*current).heap })
}

/// Gives this thread's heap up; its numbers are published.
pub(crate) fn release() {
    let owned = OWNED.with_borrow_mut(Option::take);
    drop(owned);
}
