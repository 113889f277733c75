//! What the handlers share while a fiber runs.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use lumen_runtime::heap::Heap;
use lumen_runtime::heap::count;

use super::dispatch::{Exit, Pc, Regs};
use super::stack::Stack;
use crate::load::image::Image;
use crate::tasks::Task;

/// What a set poll word turned out to mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing (any more).
    Nothing,
    /// Others wait for this worker.
    Yield,
    /// The fiber has been cancelled.
    Cancel,
}

/// The state of a running fiber that handlers reach through one pointer. It is filled at each
/// resume: a fiber may go on on another worker, with another heap and poll word.
#[repr(C)]
pub(crate) struct Context {
    /// The newest frame record; registers must end below it.
    pub(crate) fp: *mut u64,
    /// Not 0: stop at the next call or back-edge and look around.
    pub(crate) poll: *const AtomicU32,
    /// The worker's heap.
    pub(crate) heap: *mut Heap,
    /// Constants by number.
    pub(crate) constants: *const u64,
    /// Module-level variables.
    pub(crate) globals: *mut u64,
    /// Code addresses by function number.
    pub(crate) entries: *const Pc,
    /// Slots of objects by type.
    pub(crate) slots: *const u16,
    /// Functions of closures by type.
    pub(crate) closures: *const u32,
    /// Sets of types, as bits.
    pub(crate) members: *const u64,
    /// Words per set.
    pub(crate) member_words: usize,
    /// The loaded program.
    pub(crate) image: *const Image,
    /// The fiber's frames.
    pub(crate) stack: *mut Stack,
    /// What the fiber is to the runtime.
    pub(crate) task: *const Task,
    /// The failure on its way up: an owned Error, or 0. The image's `cancelled` Error stands for
    /// cancellation and for nothing else.
    pub(crate) failure: u64,
    /// The pending failure has yet to get its trace.
    pub(crate) trace_due: bool,
    /// Native code must not take the machine's stack below this address.
    pub(crate) stack_limit: usize,
    /// Whether the last helper that native code called in passing succeeded.
    pub(crate) helped: bool,
    /// Where the last look-up in a map found its key: a guess for the next `map.set`.
    pub(crate) map_position: usize,
    /// Where to go on.
    pub(crate) pc: Pc,
    /// Registers there.
    pub(crate) regs: Regs,
    /// Why the `match` driver stopped.
    #[allow(dead_code, reason = "only the match driver needs it")]
    pub(crate) exit: Exit,
}

impl Context {
    /// Remembers where the fiber stands.
    #[inline(always)]
    pub(crate) fn save(&mut self, pc: Pc, regs: Regs) {
        self.pc = pc;
        self.regs = regs;
    }

    /// Whether the poll word is set.
    #[inline(always)]
    pub(crate) unsafe fn poll_due(&self) -> bool {
        // SAFETY: the worker's poll word outlives the run.
        unsafe { (*self.poll).load(Relaxed) != 0 }
    }

    /// Asks the runtime what the poll word was set for.
    #[cold]
    pub(crate) unsafe fn answer_poll(&mut self) -> Due {
        // SAFETY: the task outlives the run.
        unsafe { self.task().answer_poll() }
    }

    /// The loaded program.
    #[inline(always)]
    pub(crate) unsafe fn image(&self) -> &'static Image {
        // SAFETY: the image outlives every run; the lifetime only says that handlers do not
        // borrow the context.
        unsafe { &*self.image }
    }

    /// What the fiber is to the world around it.
    #[inline(always)]
    pub(crate) unsafe fn task(&self) -> &'static Task {
        // SAFETY: the task outlives the run; as in `image`.
        unsafe { &*self.task }
    }

    /// The worker's heap.
    #[inline(always)]
    pub(crate) unsafe fn heap(&mut self) -> &'static mut Heap {
        // SAFETY: a worker runs one fiber at a time, and handlers hold one such reference at a
        // time.
        unsafe { &mut *self.heap }
    }

    /// Whether type `ty` belongs to set `set`.
    #[inline(always)]
    pub(crate) unsafe fn is_member(&self, ty: u32, set: usize) -> bool {
        let ty = ty as usize;
        // SAFETY: sets cover all types; the loader made the operand.
        unsafe { *self.members.add(set * self.member_words + ty / 64) >> (ty % 64) & 1 != 0 }
    }

    /// Makes cancellation the pending failure.
    pub(crate) unsafe fn set_cancelled(&mut self) {
        // SAFETY: the image outlives the run.
        unsafe { self.set_failure(self.image().cancelled) }
    }

    /// Makes `error`, owned, the pending failure.
    pub(crate) unsafe fn set_failure(&mut self, error: u64) {
        // SAFETY: both are owned words or 0.
        unsafe {
            let old = std::mem::replace(&mut self.failure, error);
            count::drop(self.heap(), old);
        }
    }

    /// Makes room for a frame that ends at `end`; the registers may move. None: the limit is
    /// reached.
    pub(crate) unsafe fn grow_stack(&mut self, regs: Regs, end: *mut u64) -> Option<Regs> {
        // SAFETY: the fiber's own stack, which all three lie in.
        unsafe {
            let (regs, fp) = (*self.stack).grow(regs, self.fp, end)?;
            self.fp = fp;
            Some(regs)
        }
    }
}
