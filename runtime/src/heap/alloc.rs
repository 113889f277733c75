//! The allocator: one [`Heap`] per worker, sharing one budget.
//!
//! Small objects (up to [`SMALL_MAX`] bytes) come from free lists by size, in steps of 8 bytes; the
//! fast path is a load, a test and two stores. Empty lists are refilled from chunks, which belong
//! to the whole program ([`HeapShared`]) and go back to the system when it ends; an object may be
//! freed by another worker than the one that made it and then serves that worker. Larger objects
//! come from the global allocator. Nothing here reads a thread-local: the heap is a parameter.

use std::alloc::{GlobalAlloc, Layout, System, alloc, dealloc, realloc};
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

use parking_lot::Mutex;

use super::count::Pending;
use super::object::Header;
use super::types::{TypeIx, Types};
use crate::huge;
use crate::image::give_back_all_code;

/// The largest size served by the free lists. Records of 15 fields and short strings fit; more
/// classes would only spread free memory over more lists.
pub const SMALL_MAX: usize = 128;
/// Number of free lists; list `i` holds blocks of `8 * i` bytes.
pub const CLASSES: usize = SMALL_MAX / 8 + 1;
/// Bytes taken from the system at a time for small objects. Touched only as it is used.
const CHUNK: usize = 256 * 1024;
/// Bytes carved off a chunk per refill: enough to make refills rare, little enough that a rarely
/// used size does not hold memory.
const REFILL: usize = 2048;
/// A heap publishes its usage to the shared budget when it has changed by this much.
const PUBLISH: i64 = 64 * 1024;

/// A program with so much data does without the memory of the code that has led up to it: reading
/// and compiling the program, mostly. It is as much as a program of the usual size takes.
const SIZEABLE: i64 = 2 << 20;

/// The memory limit was reached, or the system has no more; becomes a failure of kind `Memory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

/// A result that fails only for lack of memory.
pub type Alloc<T> = Result<T, OutOfMemory>;

/// A block on a free list.
#[repr(C)]
struct FreeBlock {
    next: *mut FreeBlock,
}

/// What the heaps of one program share.
pub struct HeapShared {
    /// Published bytes in use.
    used: AtomicI64,
    /// Published number of live objects.
    live: AtomicI64,
    /// There has been [`SIZEABLE`] data.
    sizeable: AtomicBool,
    limit: i64,
    chunks: Mutex<Chunks>,
    types: Arc<Types>,
}

/// The memory of small objects.
#[derive(Default)]
struct Chunks {
    blocks: Vec<(NonNull<u8>, Layout)>,
    /// Chunks handed out so far.
    count: usize,
    /// What is left of the last block, if that is a piece of huge pages.
    rest: Option<(NonNull<u8>, usize)>,
}

// SAFETY: chunks are plain memory; only the owner of `HeapShared` frees them.
unsafe impl Send for Chunks {}

impl Chunks {
    /// Memory for a chunk. A program that has taken many gets more in pieces of huge pages.
    fn take(&mut self) -> Option<NonNull<u8>> {
        if self.rest.is_none() && self.count * CHUNK >= huge::WORTH_IT {
            self.rest = NonNull::new(huge::piece()).map(|piece| {
                self.blocks.push((piece, huge::piece_layout()));
                (piece, huge::PIECE)
            });
        }
        self.count += 1;
        if let Some((chunk, bytes)) = self.rest.take() {
            if bytes > CHUNK {
                // SAFETY: within the piece.
                self.rest = Some((unsafe { chunk.add(CHUNK) }, bytes - CHUNK));
            }
            return Some(chunk);
        }
        // SAFETY: the layout is not empty.
        let chunk = NonNull::new(unsafe { System.alloc(chunk_layout()) })?;
        self.blocks.push((chunk, chunk_layout()));
        Some(chunk)
    }
}

/// The heap of one worker.
#[repr(C)]
pub struct Heap {
    free: [*mut FreeBlock; CLASSES],
    /// Objects made less objects freed, since the last publication.
    live: i64,
    /// Bytes taken less bytes given back, since the last publication.
    bytes: i64,
    bump: *mut u8,
    bump_end: *mut u8,
    types: *const Types,
    shared: Arc<HeapShared>,
    pub(super) pending: Vec<Pending>,
}

// SAFETY: a heap owns its free lists and its part of a chunk; moving it to another thread moves
// them.
unsafe impl Send for Heap {}

/// Offset in [`Heap`] of the free list heads, for native code.
pub const HEAP_FREE_OFFSET: usize = std::mem::offset_of!(Heap, free);
/// Offset in [`Heap`] of the count of live objects, for native code.
pub const HEAP_LIVE_OFFSET: usize = std::mem::offset_of!(Heap, live);

impl HeapShared {
    /// The shared part for a program with this type table; `limit` is in bytes.
    pub fn new(types: Arc<Types>, limit: Option<u64>) -> Arc<HeapShared> {
        Arc::new(HeapShared {
            used: AtomicI64::new(0),
            live: AtomicI64::new(0),
            sizeable: AtomicBool::new(false),
            limit: limit.map_or(i64::MAX, |l| i64::try_from(l).unwrap_or(i64::MAX)),
            chunks: Mutex::new(Chunks::default()),
            types,
        })
    }

    /// The type table.
    pub fn types(&self) -> &Arc<Types> {
        &self.types
    }

    /// Bytes in use, as published by the heaps so far.
    pub fn used(&self) -> i64 {
        self.used.load(Relaxed)
    }

    /// Live objects, as published by the heaps so far.
    pub fn live_objects(&self) -> i64 {
        self.live.load(Relaxed)
    }
}

impl Drop for HeapShared {
    fn drop(&mut self) {
        for (block, layout) in self.chunks.get_mut().blocks.drain(..) {
            // SAFETY: the system gave the block with this layout, and no heap is left to use it.
            unsafe { System.dealloc(block.as_ptr(), layout) }
        }
    }
}

impl Heap {
    /// A heap on the shared budget.
    pub fn new(shared: &Arc<HeapShared>) -> Heap {
        Heap {
            free: [null_mut(); CLASSES],
            live: 0,
            bytes: 0,
            bump: null_mut(),
            bump_end: null_mut(),
            types: Arc::as_ptr(&shared.types),
            shared: Arc::clone(shared),
            pending: Vec::new(),
        }
    }

    /// A heap of its own, without limit: for tests and for building constants.
    pub fn alone(types: Arc<Types>) -> Heap {
        Heap::new(&HeapShared::new(types, None))
    }

    /// The type table.
    #[inline(always)]
    pub fn types(&self) -> &Types {
        // SAFETY: `shared` keeps the table alive as long as the heap.
        unsafe { &*self.types }
    }

    /// The type table, not tied to the borrow of the heap.
    ///
    /// # Safety
    /// The reference must not outlive the heap.
    #[inline(always)]
    pub unsafe fn types_detached<'a>(&self) -> &'a Types {
        // SAFETY: `shared` keeps the table alive as long as the heap; the caller does the rest.
        unsafe { &*self.types }
    }

    /// What this heap shares with the others of the program.
    pub fn shared(&self) -> &Arc<HeapShared> {
        &self.shared
    }

    /// Live objects of all heaps of the program, this one's unpublished part included. Exact when
    /// the other heaps have [published](Heap::publish).
    pub fn live_objects(&self) -> i64 {
        self.shared.live.load(Relaxed) + self.live
    }

    /// Bytes in use by all heaps of the program.
    pub fn used_bytes(&self) -> i64 {
        self.shared.used.load(Relaxed) + self.bytes
    }

    /// Adds what this heap has counted to the shared numbers.
    pub fn publish(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let used = self.shared.used.fetch_add(bytes, Relaxed) + bytes;
        if used >= SIZEABLE && !self.shared.sizeable.swap(true, Relaxed) {
            give_back_all_code();
        }
        self.shared
            .live
            .fetch_add(std::mem::take(&mut self.live), Relaxed);
    }

    /// Takes `n` objects out of the count of live ones (they became persistent).
    pub(super) fn forget_live(&mut self, n: i64) {
        self.live -= n;
    }

    /// Memory for an object with `slots` slots: header written, slots not.
    #[inline(always)]
    pub fn alloc_slots(&mut self, ty: TypeIx, slots: usize) -> Alloc<NonNull<Header>> {
        self.alloc_object(ty, 8 + 8 * slots)
    }

    /// Memory for an object of `size` bytes in all; only its header is written.
    #[inline(always)]
    pub fn alloc_object(&mut self, ty: TypeIx, size: usize) -> Alloc<NonNull<Header>> {
        let block = self.alloc_block(size)?;
        let object = block.cast::<Header>();
        // SAFETY: the block is fresh, 8-aligned and larger than a header.
        unsafe { object.write(Header::new(ty)) };
        self.live += 1;
        Ok(object)
    }

    /// Gives back the memory of an object of `size` bytes.
    ///
    /// # Safety
    /// The object came from [`Heap::alloc_object`] with the same size (rounded up to 8), of any
    /// heap of this program, and nobody refers to it any more.
    #[inline(always)]
    pub unsafe fn free_object(&mut self, object: NonNull<Header>, size: usize) {
        self.live -= 1;
        // SAFETY: by contract.
        unsafe { self.free_block(object.cast(), size) }
    }

    /// Memory of `size` bytes, 8-aligned, that is not an object (the table of a map).
    #[inline(always)]
    pub(super) fn alloc_block(&mut self, size: usize) -> Alloc<NonNull<u8>> {
        if size <= SMALL_MAX {
            let class = size.div_ceil(8);
            // SAFETY: `class < CLASSES` because `size <= SMALL_MAX`.
            let head = unsafe { self.free.get_unchecked_mut(class) };
            if let Some(block) = NonNull::new(*head) {
                // SAFETY: blocks on a free list are ours and hold the next pointer.
                *head = unsafe { block.as_ref().next };
                return Ok(block.cast());
            }
            return self.refill(class);
        }
        self.alloc_large(size)
    }

    /// Gives back memory from [`Heap::alloc_block`].
    ///
    /// # Safety
    /// `block` came from `alloc_block` with the same size and is not used any more.
    #[inline(always)]
    pub(super) unsafe fn free_block(&mut self, block: NonNull<u8>, size: usize) {
        if size <= SMALL_MAX {
            let block = block.cast::<FreeBlock>();
            // SAFETY: `class < CLASSES` because `size <= SMALL_MAX`.
            let head = unsafe { self.free.get_unchecked_mut(size.div_ceil(8)) };
            // SAFETY: the block is ours again, and at least 8 bytes.
            unsafe { block.write(FreeBlock { next: *head }) };
            *head = block.as_ptr();
        } else {
            // SAFETY: by contract.
            unsafe { self.free_large(block, size) }
        }
    }

    /// Resizes memory from [`Heap::alloc_block`], moving it if need be.
    ///
    /// # Safety
    /// As [`Heap::free_block`]; on success the old address is not used any more, on failure the
    /// block is as it was.
    pub(super) unsafe fn resize_block(
        &mut self,
        block: NonNull<u8>,
        old: usize,
        new: usize,
    ) -> Alloc<NonNull<u8>> {
        if old > SMALL_MAX && new > SMALL_MAX {
            let (old, new) = (old.next_multiple_of(8), new.next_multiple_of(8));
            self.account(new as i64 - old as i64)?;
            // SAFETY: a large block came from the global allocator with this layout.
            let moved = unsafe { realloc(block.as_ptr(), large_layout(old), new) };
            huge::prefer_large(moved, new);
            return NonNull::new(moved).ok_or_else(|| {
                self.bytes -= new as i64 - old as i64;
                OutOfMemory
            });
        }
        let to = self.alloc_block(new)?;
        // SAFETY: both blocks are live and distinct.
        unsafe {
            to.copy_from_nonoverlapping(block, old.min(new));
            self.free_block(block, old);
        }
        Ok(to)
    }

    /// Resizes an object of a variable size; it may move.
    ///
    /// # Safety
    /// The object is unique, of `old` bytes; on success its old address is not used any more.
    pub(super) unsafe fn resize_object(
        &mut self,
        object: NonNull<Header>,
        old: usize,
        new: usize,
    ) -> Alloc<NonNull<Header>> {
        // SAFETY: by contract.
        unsafe {
            self.resize_block(object.cast(), old, new)
                .map(NonNull::cast)
        }
    }

    #[inline(never)]
    fn refill(&mut self, class: usize) -> Alloc<NonNull<u8>> {
        let size = class.max(1) * 8;
        if (self.bump_end as usize) - (self.bump as usize) < size {
            self.new_chunk()?;
        }
        let room = self.bump_end as usize - self.bump as usize;
        let n = (REFILL.min(room) / size).max(1);
        let first = self.bump;
        // SAFETY: `n * size <= room`: the blocks lie within the chunk.
        self.bump = unsafe { first.add(n * size) };
        for i in (1..n).rev() {
            // SAFETY: as above; the block is ours and at least 8 bytes.
            unsafe {
                let block = first.add(i * size).cast::<FreeBlock>();
                block.write(FreeBlock {
                    next: self.free[class],
                });
                self.free[class] = block;
            }
        }
        NonNull::new(first).ok_or(OutOfMemory)
    }

    #[cold]
    fn new_chunk(&mut self) -> Alloc<()> {
        self.account(CHUNK as i64)?;
        let chunk = self.shared.chunks.lock().take().ok_or_else(|| {
            self.bytes -= CHUNK as i64;
            OutOfMemory
        })?;
        self.bump = chunk.as_ptr();
        // SAFETY: one past the end of the chunk.
        self.bump_end = unsafe { chunk.as_ptr().add(CHUNK) };
        Ok(())
    }

    #[inline(never)]
    fn alloc_large(&mut self, size: usize) -> Alloc<NonNull<u8>> {
        let size = size.checked_next_multiple_of(8).ok_or(OutOfMemory)?;
        if size > isize::MAX as usize - 8 {
            return Err(OutOfMemory);
        }
        self.account(size as i64)?;
        // SAFETY: the layout is not empty.
        let block = unsafe { alloc(large_layout(size)) };
        huge::prefer_large(block, size);
        NonNull::new(block).ok_or_else(|| {
            self.bytes -= size as i64;
            OutOfMemory
        })
    }

    #[inline(never)]
    unsafe fn free_large(&mut self, block: NonNull<u8>, size: usize) {
        let size = size.next_multiple_of(8);
        self.bytes -= size as i64;
        if self.bytes < -PUBLISH {
            self.publish();
        }
        // SAFETY: by the contract of `free_block`, with the layout it was allocated with.
        unsafe { dealloc(block.as_ptr(), large_layout(size)) }
    }

    /// Counts `delta` more bytes, or refuses them.
    fn account(&mut self, delta: i64) -> Alloc<()> {
        if delta > 0 && self.used_bytes().saturating_add(delta) > self.shared.limit {
            return Err(OutOfMemory);
        }
        self.bytes += delta;
        if self.bytes.abs() > PUBLISH {
            self.publish();
        }
        Ok(())
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        self.publish();
    }
}

fn chunk_layout() -> Layout {
    large_layout(CHUNK)
}

/// The layout of a large block; `size` is a multiple of 8 and fits `isize`.
fn large_layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).expect("size was checked when the block was allocated")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_blocks_are_reused_and_limits_hold() {
        let shared = HeapShared::new(Arc::new(Types::default()), Some(1 << 20));
        let mut heap = Heap::new(&shared);
        let a = heap.alloc_slots(0, 2).expect("room");
        // SAFETY: just allocated with this size, and not used any more.
        unsafe { heap.free_object(a, 24) };
        let b = heap.alloc_slots(0, 2).expect("room");
        assert_eq!(a, b);
        assert_eq!(heap.alloc_object(0, 2 << 20), Err(OutOfMemory));
        assert_eq!(heap.alloc_object(0, usize::MAX - 3), Err(OutOfMemory));
        let mut made = 0;
        while heap.alloc_slots(0, 15).is_ok() {
            made += 1;
        }
        assert!(
            (5000..9000).contains(&made),
            "{made} objects of 128 bytes in 1 MB less one chunk"
        );
    }

    #[test]
    fn large_blocks_resize() {
        let mut heap = Heap::alone(Arc::new(Types::default()));
        let a = heap.alloc_block(40).expect("room");
        // SAFETY: the block is 40, then 4000, then 64 bytes.
        unsafe {
            a.write_bytes(7, 40);
            let b = heap.resize_block(a, 40, 4000).expect("room");
            assert_eq!(*b.as_ptr().add(39), 7);
            let c = heap.resize_block(b, 4000, 9000).expect("room");
            let d = heap.resize_block(c, 9000, 64).expect("room");
            assert_eq!(*d.as_ptr().add(39), 7);
            heap.free_block(d, 64);
        }
    }
}
