//! An allocator for whole processes: small blocks from lists of one size each.
//!
//! A compiler makes and gives up small blocks by the million, in any order. Here both are a few
//! instructions, blocks have no header, and nothing is merged or split. What is larger than
//! [`LARGEST`] or wants more alignment than 16 bytes is the system allocator's.
//!
//! ```text
//! thread:   per size   current: block -> block -> …      at most one batch
//!                      spare:   block -> block -> …      one batch, or none
//!           chunk      [ handed out | free ……………… ]
//! central:  per size   batch -> batch -> …               behind a lock
//! ```
//!
//! A thread takes from `current`, then from `spare`, then a batch from the centre, then from its
//! chunk. It gives to `current`; when that is a batch, `current` becomes `spare`, and the old spare
//! batch goes to the centre. So blocks that one thread makes and another gives up come back, the
//! centre is asked once in a batch, and a thread keeps less than two batches of each size. A thread
//! that ends leaves all it has to the centre. Chunks are never given back to the system, but what
//! is free of them in one piece can be made into blocks of other sizes: [`gather`].
//!
//! Nothing here may be inlined: code of a task with a stack may go on in another thread, where the
//! address of the first thread's lists must not be kept.

mod gather;

pub use gather::gather;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};
use std::ptr::null_mut;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::huge;

/// The largest size that comes from a list.
const LARGEST: usize = 1024;

/// All blocks stand at multiples of this, and the sizes up to 256 are multiples of it.
const GRAIN: usize = 16;

/// The sizes: beyond 256, four for each doubling, so that at most a fifth is lost.
const SIZES: [usize; 24] = [
    16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 320, 384, 448, 512,
    640, 768, 896, 1024,
];

/// The number of the size for each multiple of [`GRAIN`].
const CLASS_OF: [u8; LARGEST / GRAIN + 1] = {
    let mut table = [0; LARGEST / GRAIN + 1];
    let (mut grains, mut class) = (0, 0);
    while grains < table.len() {
        if grains * GRAIN > SIZES[class] {
            class += 1;
        }
        table[grains] = class as u8;
        grains += 1;
    }
    table
};

/// Bytes of a batch: large enough that the centre is asked seldom, small enough that what a thread
/// keeps (two of each size at most) does not matter.
const BATCH_BYTES: usize = 16 * 1024;

/// A thread's first chunk. Small: a thread that does little touches little.
const FIRST_CHUNK: usize = 32 * 1024;

/// Chunks double up to this.
const LAST_CHUNK: usize = 1024 * 1024;

/// A thread that has used up this much is given pieces of huge pages: touching memory for the first
/// time then costs a seventh, and a compiler that makes large trees spends a fifth of its time on
/// that.
const SMALL_CHUNKS: usize = 8 * 1024 * 1024;

/// A free block. All sizes have room for it.
struct Free {
    /// The next block of its list.
    next: *mut Free,
    /// In the first block of a batch of the centre: the next batch.
    next_batch: *mut Free,
}

/// The free blocks of one size that a thread has.
#[derive(Clone, Copy)]
struct List {
    current: *mut Free,
    count: usize,
    spare: *mut Free,
}

/// What a thread has.
struct Cache {
    lists: [List; SIZES.len()],
    at: *mut u8,
    end: *mut u8,
    chunk: usize,
    /// Bytes of the chunks so far.
    had: usize,
}

/// What no thread has.
struct Central {
    batches: [*mut Free; SIZES.len()],
    /// Free memory that no block has been cut from.
    runs: *mut gather::Run,
    /// The large chunks; beyond this many they are not noted, and not looked through.
    large: [*mut u8; LARGE_CHUNKS],
    large_count: usize,
}

const LARGE_CHUNKS: usize = 1024;

// SAFETY: the blocks belong to nobody else, and are reached under the lock only.
unsafe impl Send for Central {}

static CENTRAL: Mutex<Central> = Mutex::new(Central {
    batches: [null_mut(); SIZES.len()],
    runs: null_mut(),
    large: [null_mut(); LARGE_CHUNKS],
    large_count: 0,
});

/// How many runs the centre has: read before its lock is taken.
static RUNS: AtomicUsize = AtomicUsize::new(0);

/// How many batches of each size the centre has: read before its lock is taken.
static WAITING: [AtomicUsize; SIZES.len()] = [const { AtomicUsize::new(0) }; SIZES.len()];

thread_local! {
    /// Has no destructor, so that it can be used as long as its thread runs.
    static CACHE: UnsafeCell<Cache> = const {
        UnsafeCell::new(Cache {
            lists: [List { current: null_mut(), count: 0, spare: null_mut() }; SIZES.len()],
            at: null_mut(),
            end: null_mut(),
            chunk: FIRST_CHUNK,
            had: 0,
        })
    };
    /// Gives what the thread has to the centre when it ends.
    static LEAVING: Leaving = const { Leaving };
    static WATCHED: Cell<bool> = const { Cell::new(false) };
}

struct Leaving;

impl Drop for Leaving {
    fn drop(&mut self) {
        with_cache(Cache::leave);
    }
}

#[inline]
fn with_cache<R>(act: impl FnOnce(&mut Cache) -> R) -> R {
    // SAFETY: the cache is this thread's, and `act` (a method of it) does not come back here: it
    // allocates from the system only.
    act(unsafe { &mut *CACHE.with(UnsafeCell::get) })
}

/// How many blocks of each size a batch has.
const BATCH_OF: [usize; SIZES.len()] = {
    let mut table = [0; SIZES.len()];
    let mut class = 0;
    while class < table.len() {
        table[class] = BATCH_BYTES / SIZES[class];
        class += 1;
    }
    table
};

#[inline]
fn batch_of(class: usize) -> usize {
    BATCH_OF[class]
}

impl Central {
    fn put(&mut self, class: usize, batch: *mut Free) {
        if !batch.is_null() {
            // SAFETY: a batch is a list of free blocks that is ours.
            unsafe { (*batch).next_batch = self.batches[class] };
            self.batches[class] = batch;
            WAITING[class].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn take(&mut self, class: usize) -> *mut Free {
        let batch = self.batches[class];
        if !batch.is_null() {
            // SAFETY: as in `put`.
            self.batches[class] = unsafe { (*batch).next_batch };
            WAITING[class].fetch_sub(1, Ordering::Relaxed);
        }
        batch
    }
}

fn central() -> std::sync::MutexGuard<'static, Central> {
    CENTRAL.lock().unwrap_or_else(|e| e.into_inner())
}

impl Cache {
    /// A block of the list, or null when that is empty.
    #[inline]
    fn take(&mut self, class: usize) -> *mut u8 {
        let list = &mut self.lists[class];
        let block = list.current;
        if block.is_null() {
            return null_mut();
        }
        // SAFETY: what is in the list is free and ours.
        list.current = unsafe { (*block).next };
        list.count = list.count.wrapping_sub(1);
        block.cast()
    }

    #[inline]
    fn give(&mut self, class: usize, block: *mut u8) {
        let list = &mut self.lists[class];
        if list.count >= batch_of(class) {
            let full = std::mem::replace(&mut list.spare, list.current);
            (list.current, list.count) = (null_mut(), 0);
            if !full.is_null() {
                central().put(class, full);
            }
        }
        let block: *mut Free = block.cast();
        // SAFETY: the block is as large as any `Free`, and nobody uses it any more.
        unsafe { (*block).next = list.current };
        list.current = block;
        list.count += 1;
    }

    /// A block when the list is empty; null when the system has no more.
    fn refill(&mut self, class: usize) -> *mut u8 {
        let list = &mut self.lists[class];
        let mut batch = std::mem::replace(&mut list.spare, null_mut());
        if batch.is_null() && WAITING[class].load(Ordering::Relaxed) != 0 {
            batch = central().take(class);
        }
        if batch.is_null() {
            list.count = 0;
            return self.cut(class);
        }
        // A thread that ended may have left less; then this one only gives a batch away sooner.
        list.count = batch_of(class) - 1;
        // SAFETY: a batch is a list of free blocks that is ours now.
        list.current = unsafe { (*batch).next };
        batch.cast()
    }

    /// A block that nobody had before.
    fn cut(&mut self, class: usize) -> *mut u8 {
        let size = SIZES[class];
        if (self.end as usize) - (self.at as usize) < size && !self.new_chunk() {
            return null_mut();
        }
        let block = self.at;
        self.at = block.wrapping_add(size);
        block
    }

    fn new_chunk(&mut self) -> bool {
        // What is left of the chunk is a block of some size.
        while (self.end as usize) - (self.at as usize) >= GRAIN {
            let left = (self.end as usize) - (self.at as usize);
            let class = SIZES.iter().rposition(|&size| size <= left).unwrap_or(0);
            let block = self.at;
            self.at = block.wrapping_add(SIZES[class]);
            self.give(class, block);
        }
        if RUNS.load(Ordering::Relaxed) != 0
            && let Some((at, size)) = central().take_run()
        {
            (self.at, self.end) = (at, at.wrapping_add(size));
            return true;
        }
        let (mut chunk, mut size) = (null_mut(), huge::PIECE);
        if self.had >= SMALL_CHUNKS {
            chunk = large_chunk();
        }
        if chunk.is_null() {
            size = self.chunk;
            self.chunk = (self.chunk * 2).min(LAST_CHUNK);
            chunk = from_system(size);
        }
        if chunk.is_null() {
            return false;
        }
        self.had += size;
        (self.at, self.end) = (chunk, chunk.wrapping_add(size));
        true
    }

    fn leave(&mut self) {
        let mut centre = central();
        for (class, list) in self.lists.iter_mut().enumerate() {
            centre.put(class, std::mem::replace(&mut list.current, null_mut()));
            centre.put(class, std::mem::replace(&mut list.spare, null_mut()));
            list.count = 0;
        }
    }
}

/// A block of the system's, or null.
fn from_system(size: usize) -> *mut u8 {
    match Layout::from_size_align(size, GRAIN) {
        // SAFETY: the sizes asked for are not zero.
        Ok(layout) => unsafe { System.alloc(layout) },
        Err(_) => null_mut(),
    }
}

/// A chunk of huge pages, noted in the centre.
fn large_chunk() -> *mut u8 {
    let chunk = huge::piece();
    if !chunk.is_null() {
        let mut centre = central();
        let count = centre.large_count;
        if let Some(place) = centre.large.get_mut(count) {
            *place = chunk;
            centre.large_count += 1;
        }
    }
    chunk
}
/// The class of blocks for `layout`, if there is one.
#[inline]
fn class_of(layout: Layout) -> Option<usize> {
    let fits = layout.size() <= LARGEST && layout.align() <= GRAIN;
    fits.then(|| usize::from(CLASS_OF[layout.size().div_ceil(GRAIN)]))
}

#[inline(never)]
fn take(class: usize) -> *mut u8 {
    let block = with_cache(|cache| cache.take(class));
    if block.is_null() {
        refill(class)
    } else {
        block
    }
}

#[cold]
#[inline(never)]
fn refill(class: usize) -> *mut u8 {
    if !WATCHED.replace(true) {
        // From here on what this thread has goes to the centre when it ends. One that is ending
        // already keeps what it makes now.
        let _ = LEAVING.try_with(|_| ());
    }
    with_cache(|cache| cache.refill(class))
}

#[inline(never)]
fn give(class: usize, block: *mut u8) {
    with_cache(|cache| cache.give(class, block));
}

/// The allocator: `#[global_allocator] static ALLOCATOR: Pools = Pools;`
#[derive(Clone, Copy, Debug)]
pub struct Pools;

// SAFETY: blocks of the lists are cut from chunks that are never given back, each is in one list
// or handed out, and they are aligned to `GRAIN`; all else is the system allocator's.
unsafe impl GlobalAlloc for Pools {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match class_of(layout) {
            Some(class) => take(class),
            // SAFETY: as the caller promises.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        match class_of(layout) {
            Some(class) => give(class, ptr),
            // SAFETY: as the caller promises.
            None => unsafe { System.dealloc(ptr, layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some(class) = class_of(layout) else {
            // SAFETY: as the caller promises.
            return unsafe { System.alloc_zeroed(layout) };
        };
        let block = take(class);
        if !block.is_null() {
            // SAFETY: the block is at least as large as the layout.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let new = match Layout::from_size_align(size, layout.align()) {
            Ok(new) => new,
            Err(_) => return null_mut(),
        };
        let (old_class, new_class) = (class_of(layout), class_of(new));
        match (old_class, new_class) {
            // SAFETY: as the caller promises.
            (None, None) => unsafe { System.realloc(ptr, layout, size) },
            (Some(old), Some(new)) if old == new => ptr,
            // SAFETY: as the caller promises; the two blocks are different ones.
            _ => unsafe {
                let block = self.alloc(new);
                if !block.is_null() {
                    block.copy_from_nonoverlapping(ptr, layout.size().min(size));
                    self.dealloc(ptr, layout);
                }
                block
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CLASS_OF, GRAIN, LARGEST, Pools, RUNS, SIZES, gather};
    use crate::random::Stream;
    use std::alloc::{GlobalAlloc, Layout};
    use std::sync::atomic::Ordering;

    #[test]
    fn every_size_has_the_smallest_class_that_holds_it() {
        for size in 1..=LARGEST {
            let class = usize::from(CLASS_OF[size.div_ceil(GRAIN)]);
            assert!(SIZES[class] >= size, "{size}");
            assert!(
                class == 0 || SIZES[class - 1] < size.next_multiple_of(GRAIN),
                "{size}"
            );
        }
    }

    /// A block filled with a byte of its own.
    struct Block(*mut u8, Layout, u8);

    // SAFETY: blocks may be given up by any thread.
    unsafe impl Send for Block {}

    fn make(size: usize, mark: u8) -> Block {
        let layout = Layout::from_size_align(size, 8).unwrap();
        // SAFETY: not zero bytes, and as many are written.
        unsafe {
            let ptr = Pools.alloc(layout);
            ptr.write_bytes(mark, size);
            Block(ptr, layout, mark)
        }
    }

    impl Block {
        fn grown(self, size: usize) -> Block {
            // SAFETY: the block is `Pools`' with this layout.
            let ptr = unsafe { Pools.realloc(self.0, self.1, size) };
            let kept = size.min(self.1.size());
            // SAFETY: `kept` bytes were written before, and `size` there are.
            unsafe {
                assert!((0..kept).all(|i| ptr.add(i).read() == self.2));
                ptr.write_bytes(self.2, size);
            }
            Block(ptr, Layout::from_size_align(size, 8).unwrap(), self.2)
        }

        fn give(self) {
            // SAFETY: all bytes were written, and the block is given up once.
            unsafe {
                assert!((0..self.1.size()).all(|i| self.0.add(i).read() == self.2));
                Pools.dealloc(self.0, self.1);
            }
        }
    }

    #[test]
    fn what_is_gathered_becomes_blocks_of_other_sizes() {
        // Enough that there are large chunks, and that gathering is worth it.
        let small: Vec<Block> = (0..300_000).map(|i| make(100, i as u8)).collect();
        let (kept, given): (Vec<_>, Vec<_>) = small
            .into_iter()
            .enumerate()
            .partition(|(i, _)| i % 20_000 == 7);
        given.into_iter().for_each(|(_, block)| block.give());
        let runs = RUNS.load(Ordering::Relaxed);
        gather();
        assert!(RUNS.load(Ordering::Relaxed) > runs, "free memory is found");
        let large: Vec<Block> = (0..20_000).map(|i| make(1000, i as u8)).collect();
        kept.into_iter().for_each(|(_, block)| block.give());
        large.into_iter().for_each(Block::give);
    }

    #[test]
    fn no_two_blocks_overlap_whoever_gives_them_up() {
        let (send, receive) = std::sync::mpsc::channel::<Block>();
        let giver = std::thread::spawn(move || receive.into_iter().for_each(Block::give));
        let makers: Vec<_> = (0..3)
            .map(|seed| {
                let send = send.clone();
                std::thread::spawn(move || {
                    let mut dice = Stream::new(seed);
                    let mut held: Vec<Block> = Vec::new();
                    for i in 0..20_000 {
                        held.push(make(1 + dice.next_u64() as usize % 1200, i as u8));
                        if held.len() > 300 {
                            let at = dice.next_u64() as usize % held.len();
                            let block = held.swap_remove(at);
                            match dice.next_u64() % 3 {
                                0 => send.send(block).unwrap(),
                                1 => held.push(block.grown(1 + dice.next_u64() as usize % 1200)),
                                _ => block.give(),
                            }
                        }
                    }
                    held.into_iter().for_each(Block::give);
                })
            })
            .collect();
        drop(send);
        for thread in makers {
            thread.join().unwrap();
        }
        giver.join().unwrap();
    }
}
