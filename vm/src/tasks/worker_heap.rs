//! The heap of the thread that runs.
//!
//! Each worker has one. It is looked up once per resumption, and by the runtime's hooks for
//! values that nobody takes; running code gets it as a parameter.

use std::cell::RefCell;
use std::sync::Arc;

use lumen_runtime::heap::{Heap, HeapShared};

struct WorkerHeap {
    shared: Arc<HeapShared>,
    heap: Box<Heap>,
}

impl Drop for WorkerHeap {
    fn drop(&mut self) {
        self.heap.publish();
    }
}

thread_local! {
    static HEAP: RefCell<Option<WorkerHeap>> = const { RefCell::new(None) };
}

/// This thread's heap for the program whose heaps share `shared`, made if need be. It stays where
/// it is until the thread ends or works for another program.
pub(crate) fn current(shared: &Arc<HeapShared>) -> *mut Heap {
    HEAP.with_borrow_mut(|slot| match slot {
        Some(w) if Arc::ptr_eq(&w.shared, shared) => &raw mut *w.heap,
        _ => {
            let heap = Box::new(Heap::new(shared));
            let made = slot.insert(WorkerHeap {
                shared: Arc::clone(shared),
                heap,
            });
            &raw mut *made.heap
        }
    })
}

/// This thread's heap, if it has one.
pub(crate) fn existing() -> Option<*mut Heap> {
    HEAP.try_with(|slot| slot.borrow_mut().as_mut().map(|w| &raw mut *w.heap))
        .ok()
        .flatten()
}

/// Gives this thread's heap up; its numbers are published.
pub(crate) fn release() {
    HEAP.with_borrow_mut(|slot| *slot = None);
}
