//! One run of a program: what its fibers share.

use std::cell::UnsafeCell;
use std::sync::atomic::{
    AtomicI64, AtomicU64, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed,
};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use lumen_runtime::Runtime;
use lumen_runtime::heap::{Heap, HeapShared, Repr, count};
use lumen_runtime::native::Host;

use crate::load::image::Image;
use crate::program::Options;

/// A run.
pub(crate) struct Instance {
    image: Arc<Image>,
    heap: Arc<HeapShared>,
    globals: Box<[UnsafeCell<u64>]>,
    /// Values of globals that were replaced, which borrowers may still look at.
    retired: Mutex<Vec<u64>>,
    host: Arc<dyn Host + Send>,
    runtime: OnceLock<Weak<Runtime>>,
    max_stack: usize,
    exit_process: Option<fn(i32) -> !>,
    /// The code of the first `exit`, or more than an `i32`.
    exit: AtomicI64,
    turn: AtomicU64,
}

/// No `exit` so far.
const RUNNING: i64 = i64::MAX;

// SAFETY: globals are written before the fibers that read them exist, except by `set_global`,
// which replaces one word and keeps the old value alive.
unsafe impl Sync for Instance {}
// SAFETY: as above; words in it are shared, or dropped on one thread at the end.
unsafe impl Send for Instance {}

impl Instance {
    /// A run that has not begun.
    pub(crate) fn new(
        image: Arc<Image>,
        heap: Arc<HeapShared>,
        host: Arc<dyn Host + Send>,
        options: &Options,
    ) -> Instance {
        Instance {
            globals: image.globals.iter().map(|_| UnsafeCell::new(0)).collect(),
            image,
            heap,
            retired: Mutex::new(Vec::new()),
            host,
            runtime: OnceLock::new(),
            max_stack: options.max_stack,
            exit_process: options.exit_process,
            exit: AtomicI64::new(RUNNING),
            turn: AtomicU64::new(0),
        }
    }

    /// The runtime that runs its fibers.
    pub(crate) fn set_runtime(&self, runtime: &Arc<Runtime>) {
        let _ = self.runtime.set(Arc::downgrade(runtime));
    }

    /// The loaded program.
    #[inline]
    pub(crate) fn image(&self) -> &Image {
        &self.image
    }

    /// What its heaps share.
    pub(crate) fn heap_shared(&self) -> &Arc<HeapShared> {
        &self.heap
    }

    /// The first global's slot.
    #[inline]
    pub(crate) fn globals(&self) -> *mut u64 {
        self.globals.as_ptr().cast_mut().cast()
    }

    /// The outside world, for another thread.
    pub(crate) fn shared_host(&self) -> Arc<dyn Host + Send> {
        Arc::clone(&self.host)
    }

    /// The outside world.
    #[inline]
    pub(crate) fn host(&self) -> &dyn Host {
        &*self.host
    }

    /// Limit of a fiber's frames in bytes.
    pub(crate) fn max_stack(&self) -> usize {
        self.max_stack
    }

    /// A number that counts up.
    pub(crate) fn turn(&self) -> u64 {
        self.turn.fetch_add(1, Relaxed)
    }

    /// Ends the program with an exit code.
    pub(crate) fn stop(&self, code: i32) {
        if let Some(exit) = self.exit_process {
            exit(code);
        }
        let first = self
            .exit
            .compare_exchange(RUNNING, i64::from(code), AcqRel, Acquire);
        if let (Ok(_), Some(runtime)) = (first, self.runtime.get().and_then(Weak::upgrade)) {
            runtime.interrupt();
        }
    }

    /// The code it was stopped with, if it was.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        i32::try_from(self.exit.load(Acquire)).ok()
    }

    /// Stores a global, taking `value` over.
    ///
    /// # Safety
    /// `value` is a live value of the global's type.
    pub(crate) unsafe fn set_global(&self, heap: &mut Heap, global: usize, value: u64) {
        // SAFETY: by contract; the verifier bounds the number.
        unsafe {
            let slot = self.globals[global].get();
            let old = *slot;
            if self.image.types.repr(self.image.globals[global].0) == Repr::Word {
                count::share(heap, value);
                if old != 0 {
                    self.retired
                        .lock()
                        .unwrap_or_else(|e| e.into_inner())
                        .push(old);
                }
            }
            *slot = value;
        }
    }

    /// Drops what the globals hold.
    ///
    /// # Safety
    /// No fiber is left.
    pub(crate) unsafe fn clear(&self, heap: &mut Heap) {
        // SAFETY: by contract.
        unsafe {
            for (slot, (ty, _)) in self.globals.iter().zip(&self.image.globals) {
                let value = std::mem::replace(&mut *slot.get(), 0);
                if self.image.types.repr(*ty) == Repr::Word {
                    count::drop(heap, value);
                }
            }
            for value in self
                .retired
                .lock()
                .unwrap_or_else(|e| e.into_inner())
                .drain(..)
            {
                count::drop(heap, value);
            }
        }
    }
}
