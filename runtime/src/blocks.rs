//! Memory of tasks: free blocks by size, kept by each thread, in front of the system's allocator.
//!
//! A task is made and ended in a handful of nanoseconds; going to the allocator for each would
//! take longer. A thread keeps a bounded number of blocks, the hottest first; a block may be given
//! back by another thread than the one that took it.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

/// Sizes are rounded up to 8 more than a multiple of this: what the allocator gives out without
/// waste, as it keeps 8 bytes of its own beside each block.
const STEP: usize = 16;
/// Larger blocks go to the allocator.
const CLASSES: usize = 33;
/// Free blocks of one size that a thread keeps.
const KEEP: u32 = 256;

struct Free {
    next: *mut Free,
}

struct Blocks {
    free: [Cell<*mut Free>; CLASSES],
    kept: [Cell<u32>; CLASSES],
}

thread_local! {
    static BLOCKS: Blocks = const {
        Blocks {
            free: [const { Cell::new(null_mut()) }; CLASSES],
            kept: [const { Cell::new(0) }; CLASSES],
        }
    };
}

#[inline]
fn class(size: usize) -> usize {
    (size + STEP / 2 - 1) / STEP
}

fn layout(class: usize) -> Layout {
    let size = class * STEP + STEP / 2;
    Layout::from_size_align(size, STEP)
        .unwrap_or_else(|_| unreachable!("blocks of tasks are far smaller"))
}

/// A block of at least `size` bytes, aligned to 16.
#[inline]
pub(crate) fn take(size: usize) -> NonNull<u8> {
    let class = class(size);
    if class < CLASSES {
        let block = BLOCKS.try_with(|blocks| blocks.take(class)).ok().flatten();
        if let Some(block) = block {
            return block;
        }
    }
    let layout = layout(class);
    // SAFETY: the size is not 0.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives a block back.
///
/// # Safety
/// It came from `take` with this size and is not used any more.
#[inline]
pub(crate) unsafe fn give(block: NonNull<u8>, size: usize) {
    let class = class(size);
    let kept = class < CLASSES
        && BLOCKS
            .try_with(|blocks| blocks.keep(class, block))
            .unwrap_or(false);
    if !kept {
        // SAFETY: made by `take` with this layout.
        unsafe { dealloc(block.as_ptr(), layout(class)) }
    }
}

impl Blocks {
    #[inline]
    fn take(&self, class: usize) -> Option<NonNull<u8>> {
        let block = NonNull::new(self.free[class].get())?;
        // SAFETY: blocks on a list are ours and begin with a link.
        self.free[class].set(unsafe { block.as_ref() }.next);
        self.kept[class].set(self.kept[class].get() - 1);
        Some(block.cast())
    }

    #[inline]
    fn keep(&self, class: usize, block: NonNull<u8>) -> bool {
        let kept = self.kept[class].get();
        if kept >= KEEP {
            return false;
        }
        let free = block.cast::<Free>();
        let next = self.free[class].get();
        // SAFETY: the block is ours now, and large enough for a link.
        unsafe { free.write(Free { next }) };
        self.free[class].set(free.as_ptr());
        self.kept[class].set(kept + 1);
        true
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        for class in 0..CLASSES {
            while let Some(block) = self.take(class) {
                // SAFETY: made by `take` of this module with this layout.
                unsafe { dealloc(block.as_ptr(), layout(class)) }
            }
        }
    }
}
