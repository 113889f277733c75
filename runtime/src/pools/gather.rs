//! Free memory in one piece again.
//!
//! A program that goes through phases makes blocks of other sizes in each. What one gave up stays
//! in the lists of its sizes, and the next would take new memory beside it. [`gather`] looks
//! through the lists of the centre for stretches of the large chunks that are free throughout, and
//! takes their blocks out: new blocks of any size are cut from them before the system is asked.

use super::{Central, Free, RUNS, SIZES, batch_of, central};
use crate::huge;
use std::ptr::null_mut;
use std::sync::atomic::Ordering;

/// A chunk is looked at in pieces of this size.
const SPAN: usize = 64 * 1024;

const SPANS: usize = huge::PIECE / SPAN;

/// With less than this in the centre, looking through it is not worth it.
const WORTH: usize = 16 * 1024 * 1024;

/// A stretch of free memory; this stands at its beginning.
pub(super) struct Run {
    next: *mut Run,
    size: usize,
}

impl Central {
    /// Takes a stretch of free memory: where it begins, and its size.
    pub(super) fn take_run(&mut self) -> Option<(*mut u8, usize)> {
        if self.runs.is_null() {
            return None;
        }
        let run = self.runs;
        // SAFETY: a run of the list is free memory that is ours, and begins with its description.
        let (next, size) = unsafe { ((*run).next, (*run).size) };
        self.runs = next;
        RUNS.fetch_sub(1, Ordering::Relaxed);
        Some((run.cast(), size))
    }

    fn put_run(&mut self, start: usize, end: usize) {
        let run = start as *mut Run;
        let (next, size) = (self.runs, end - start);
        // SAFETY: the memory is free and ours, much larger than a `Run`, and aligned as blocks are.
        unsafe { run.write(Run { next, size }) };
        self.runs = run;
        RUNS.fetch_add(1, Ordering::Relaxed);
    }
}

/// A free stretch that is being looked for: from, to.
type Stretch = (usize, usize);

/// The blocks of the centre, by size, and the chunks.
struct Taken {
    /// The first batch of each size.
    batches: [*mut Free; SIZES.len()],
    /// Where the large chunks begin, in order.
    chunks: Vec<usize>,
}

/// Makes what is free in the centre usable for blocks of any size, as far as it lies together and
/// is worth it. For the moment between two phases: it looks at every free block.
pub fn gather() {
    let waiting = super::WAITING.iter().map(|one| one.load(Ordering::Relaxed));
    if waiting.sum::<usize>() * super::BATCH_BYTES < WORTH {
        return;
    }
    // Room for these is made before the lock is taken: making it may need the lock.
    let mut chunks = Vec::with_capacity(super::LARGE_CHUNKS);
    let taken = {
        let mut centre = central();
        chunks.extend(
            centre.large[..centre.large_count]
                .iter()
                .map(|at| *at as usize),
        );
        let mut batches = [null_mut(); SIZES.len()];
        for (class, first) in batches.iter_mut().enumerate() {
            *first = std::mem::replace(&mut centre.batches[class], null_mut());
            super::WAITING[class].store(0, Ordering::Relaxed);
        }
        chunks.sort_unstable();
        Taken { batches, chunks }
    };
    let mut stretches = taken.stretches();
    taken.give_rest_back(&mut stretches);
    let mut centre = central();
    for (start, end) in stretches {
        centre.put_run(start, end);
    }
}

impl Taken {
    /// Calls `f` for each block, with its size's number. `f` may change the block.
    fn each(&self, mut f: impl FnMut(*mut Free, usize)) {
        for (class, &first) in self.batches.iter().enumerate() {
            let mut batch = first;
            while !batch.is_null() {
                // SAFETY: batches and the blocks in them are free and ours.
                let next_batch = unsafe { (*batch).next_batch };
                let mut block = batch;
                while !block.is_null() {
                    // SAFETY: as above; read before `f` can change it.
                    let next = unsafe { (*block).next };
                    f(block, class);
                    block = next;
                }
                batch = next_batch;
            }
        }
    }

    /// The chunk that holds an address.
    fn chunk_of(&self, at: usize) -> Option<usize> {
        let number = self.chunks.partition_point(|&start| start <= at);
        let number = number.checked_sub(1)?;
        (at - self.chunks[number] < huge::PIECE).then_some(number)
    }

    /// The stretches all of whose spans are free, in order.
    fn stretches(&self) -> Vec<Stretch> {
        let mut free = vec![0; self.chunks.len() * SPANS];
        self.each(|block, class| {
            let (at, size) = (block as usize, SIZES[class]);
            let Some(chunk) = self.chunk_of(at) else {
                return;
            };
            let offset = at - self.chunks[chunk];
            let span = chunk * SPANS + offset / SPAN;
            let here = size.min(SPAN - offset % SPAN);
            free[span] += here;
            if here < size {
                free[span + 1] += size - here;
            }
        });
        let mut stretches: Vec<Stretch> = Vec::new();
        for (number, _) in free.iter().enumerate().filter(|(_, free)| **free == SPAN) {
            let start = self.chunks[number / SPANS] + number % SPANS * SPAN;
            match stretches.last_mut() {
                Some((_, end)) if *end == start && number % SPANS != 0 => *end += SPAN,
                _ => stretches.push((start, start + SPAN)),
            }
        }
        stretches
    }

    /// Gives the blocks outside of the stretches back to the centre. One that reaches into a
    /// stretch makes it shorter: what is left of it are whole blocks.
    fn give_rest_back(&self, stretches: &mut [Stretch]) {
        let mut lists = [(null_mut::<Free>(), 0); SIZES.len()];
        self.each(|block, class| {
            let (at, to) = (block as usize, block as usize + SIZES[class]);
            let first = stretches.partition_point(|&(_, end)| end <= at);
            if let Some(stretch) = stretches.get_mut(first).filter(|one| one.0 < to) {
                if stretch.0 <= at && to <= stretch.1 {
                    return;
                }
                if at < stretch.0 {
                    stretch.0 = to;
                } else {
                    stretch.1 = at;
                }
            }
            let (list, count) = &mut lists[class];
            // SAFETY: the block is free and ours.
            unsafe { (*block).next = *list };
            (*list, *count) = (block, *count + 1);
            if *count == batch_of(class) {
                central().put(class, *list);
                (*list, *count) = (null_mut(), 0);
            }
        });
        for (class, (list, _)) in lists.into_iter().enumerate() {
            central().put(class, list);
        }
    }
}
