//! The frames of one fiber: one contiguous block that grows by moving.
//!
//! Slots are used from the start upwards, frame records from the end downwards (see `calls`).
//! Only the fiber's own context points into the block, so it may move at any call. It begins small
//! (a million fibers at once are meant to be possible) and doubles.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};

use super::dispatch::Regs;

/// Slots of a fresh stack: enough for shallow tasks, 512 bytes.
const FIRST: usize = 64;
/// Frame records that always fit beside the entry frame.
const RECORDS: usize = 4;

/// A fiber's block.
#[derive(Debug)]
pub(crate) struct Stack {
    base: *mut u64,
    slots: usize,
    max: usize,
}

// SAFETY: a stack owns its block; the fiber that owns the stack runs on one worker at a time.
unsafe impl Send for Stack {}

impl Stack {
    /// A stack with room for a frame of `frame` slots, which may grow to `max` bytes.
    pub(crate) fn new(frame: usize, max: usize) -> Stack {
        let slots = FIRST.max(frame + RECORDS);
        let base = allocate(slots).unwrap_or_else(|| handle_alloc_error(layout(slots)));
        Stack {
            base,
            slots,
            max: (max / 8).max(slots),
        }
    }

    /// Room for an entry frame of `frame` slots, in a stack without frames.
    pub(crate) fn make_room(&mut self, frame: usize) {
        if self.slots < frame + RECORDS {
            *self = Stack::new(frame, self.max * 8);
        }
    }

    /// Is it worth keeping for another fiber?
    pub(crate) fn is_small(&self) -> bool {
        self.slots <= 8 * FIRST
    }

    /// Its first slot.
    pub(crate) fn base(&self) -> Regs {
        self.base
    }

    /// The end of the block, where the first frame record goes below.
    pub(crate) fn end(&self) -> *mut u64 {
        // SAFETY: just past the block.
        unsafe { self.base.add(self.slots) }
    }

    /// Grows so that a frame can end at `end`, with one more record. Gives the new places of
    /// `regs` and `fp`.
    ///
    /// # Safety
    /// `regs` and `fp` lie in this stack's block, `end` above `regs`.
    pub(crate) unsafe fn grow(
        &mut self,
        regs: Regs,
        fp: *mut u64,
        end: *mut u64,
    ) -> Option<(Regs, *mut u64)> {
        let used = (fp as usize - self.base as usize) / 8;
        let records = self.slots - used;
        let offset = (regs as usize - self.base as usize) / 8;
        let needed = (end as usize - self.base as usize) / 8 + records + RECORDS;
        if needed > self.max {
            return None;
        }
        let slots = needed.max(self.slots * 2).min(self.max);
        let base = allocate(slots)?;
        // SAFETY: both blocks are live and distinct, the new one is larger.
        unsafe {
            base.copy_from_nonoverlapping(self.base, used);
            let fp_moved = base.add(slots - records);
            fp_moved.copy_from_nonoverlapping(fp, records);
            dealloc(self.base.cast(), layout(self.slots));
            self.base = base;
            self.slots = slots;
            Some((base.add(offset), fp_moved))
        }
    }
}

fn allocate(slots: usize) -> Option<*mut u64> {
    // SAFETY: the layout is not empty.
    let block = unsafe { alloc(layout(slots)) }.cast::<u64>();
    (!block.is_null()).then_some(block)
}

fn layout(slots: usize) -> Layout {
    Layout::array::<u64>(slots).unwrap_or_else(|_| unreachable!("stacks are far smaller"))
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and nothing runs on it any more.
        unsafe { dealloc(self.base.cast(), layout(self.slots)) }
    }
}
