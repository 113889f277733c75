//! Stacks of coroutines.
//!
//! One region of address space is reserved for all of them, without committing memory, and cut
//! into slots of equal size. The lowest page of a slot is a guard, installed when the slot is
//! first used and kept for ever: with `MADV_GUARD_INSTALL` (Linux 6.13) a million guards need no
//! mapping of their own; with `mprotect` each splits the mapping, so some 30 000 stacks are the
//! limit there.
//!
//! ```text
//! slot:  limit                                                    base
//!        | guard page |        usable, grows downwards  ...  <--- | colour |
//! ```
//!
//! The tops of neighbouring slots are shifted by different multiples of 192 bytes ("coloured"),
//! as equal page offsets would all fall into the same cache sets.

use crate::prim::Mutex;
use corosensei::stack::{Stack, StackPointer};
use std::cell::RefCell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// `MADV_GUARD_INSTALL`, not in libc yet.
#[cfg(target_os = "linux")]
const MADV_GUARD_INSTALL: libc::c_int = 102;
const GUARD: usize = 4096;
/// What native code should leave free above the guard page: a leaf's frames.
const RESERVE: usize = 4096;
const COLOURS: usize = 16;
const COLOUR_STEP: usize = 192;
/// A worker keeps up to so many free stacks for itself; hot ones first.
const LOCAL_MAX: usize = 64;

/// The reserved region.
#[derive(Debug)]
struct Region {
    start: usize,
    slots: usize,
}

/// All stacks of a runtime.
#[derive(Debug)]
pub(crate) struct Arena {
    slot_size: usize,
    wanted: usize,
    region: OnceLock<Option<Region>>,
    free: Mutex<Vec<u32>>,
    /// Slots that have been used at some time; the next fresh one.
    fresh: AtomicUsize,
    no_guard_madvise: AtomicBool,
}

/// Free stacks of one worker.
#[derive(Debug, Default)]
pub(crate) struct Local {
    free: RefCell<Vec<u32>>,
}

impl Arena {
    pub(crate) fn new(slot_size: usize, slots: usize) -> Arena {
        Arena {
            slot_size: slot_size.clamp(16 << 10, 1 << 30).next_power_of_two(),
            wanted: slots.clamp(1, u32::MAX as usize),
            region: OnceLock::new(),
            free: Mutex::new(Vec::new()),
            fresh: AtomicUsize::new(0),
            no_guard_madvise: AtomicBool::new(false),
        }
    }

    fn region(&self) -> Option<&Region> {
        self.region
            .get_or_init(|| reserve(self.slot_size, self.wanted))
            .as_ref()
    }

    /// A stack, the hottest there is. `None` when all are in use or memory is refused.
    pub(crate) fn take(&self, local: &Local) -> Option<StackSlot> {
        let region = self.region()?;
        let index = match local.free.borrow_mut().pop() {
            Some(index) => index,
            None => match self.free.lock().pop() {
                Some(index) => index,
                None => self.fresh_slot(region)?,
            },
        };
        let limit = region.start + index as usize * self.slot_size;
        let colour = (index as usize % COLOURS) * COLOUR_STEP;
        Some(StackSlot {
            limit,
            base: limit + self.slot_size - colour,
            index,
        })
    }

    fn fresh_slot(&self, region: &Region) -> Option<u32> {
        let index = self.fresh.fetch_add(1, Ordering::Relaxed);
        if index >= region.slots || !self.guard(region.start + index * self.slot_size) {
            self.fresh.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(index as u32)
    }

    /// Makes the page at `at` fault.
    fn guard(&self, at: usize) -> bool {
        let page = at as *mut libc::c_void;
        #[cfg(target_os = "linux")]
        if !self.no_guard_madvise.load(Ordering::Relaxed) {
            // SAFETY: the page lies in our own reservation, in a slot nobody has used yet.
            if unsafe { libc::madvise(page, GUARD, MADV_GUARD_INSTALL) } == 0 {
                return true;
            }
            self.no_guard_madvise.store(true, Ordering::Relaxed);
        }
        // SAFETY: as above.
        unsafe { libc::mprotect(page, GUARD, libc::PROT_NONE) == 0 }
    }

    /// Takes a stack back.
    pub(crate) fn put(&self, local: &Local, slot: &StackSlot) {
        let mut free = local.free.borrow_mut();
        if free.len() < LOCAL_MAX {
            free.push(slot.index);
        } else {
            self.free.lock().push(slot.index);
        }
    }

    /// Takes a stack back outside any worker.
    pub(crate) fn put_global(&self, slot: &StackSlot) {
        self.free.lock().push(slot.index);
    }

    /// Takes the free stacks of a worker that ends.
    pub(crate) fn take_back(&self, local: &Local) {
        self.free.lock().append(&mut local.free.borrow_mut());
    }

    /// How many stacks have been in use at one time, at most.
    pub(crate) fn peak(&self) -> usize {
        self.fresh.load(Ordering::Relaxed)
    }
}

/// Reserves address space; less than wanted when the system refuses.
fn reserve(slot_size: usize, wanted: usize) -> Option<Region> {
    let mut slots = wanted;
    while slots > 0 {
        let bytes = slots.checked_mul(slot_size);
        if let Some(bytes) = bytes {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let prot = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: a fresh anonymous mapping at an address of the system's choice.
            let at = unsafe { libc::mmap(std::ptr::null_mut(), bytes, prot, flags, -1, 0) };
            if at != libc::MAP_FAILED {
                return Some(Region {
                    start: at as usize,
                    slots,
                });
            }
        }
        slots /= 2;
    }
    None
}

impl Drop for Arena {
    fn drop(&mut self) {
        if let Some(Some(region)) = self.region.get() {
            // SAFETY: our own mapping; every coroutine on it has ended with its runtime.
            unsafe {
                libc::munmap(
                    region.start as *mut libc::c_void,
                    region.slots * self.slot_size,
                )
            };
        }
    }
}

/// One stack in use.
#[derive(Debug)]
pub(crate) struct StackSlot {
    limit: usize,
    base: usize,
    index: u32,
}

impl StackSlot {
    /// The lowest address to be used.
    pub(crate) fn floor(&self) -> usize {
        self.limit + GUARD + RESERVE
    }
}

// SAFETY: base and limit bound writable memory of more than the minimum size that nothing else
// uses, with a guard page at the limit; both are aligned, as slots and colours are.
unsafe impl Stack for StackSlot {
    fn base(&self) -> StackPointer {
        StackPointer::new(self.base).unwrap_or(StackPointer::MIN)
    }

    fn limit(&self) -> StackPointer {
        StackPointer::new(self.limit).unwrap_or(StackPointer::MIN)
    }
}
