//! The queue of a worker's newly spawned fibers: the owner works at its newest end, thieves at its
//! oldest (Chase and Lev, SPAA 2005; orderings after Lê and others, PPoPP 2013).
//!
//! Beside what such queues do, the owner can take back one particular entry at either end without
//! touching another: a child that it has claimed to run in place is mostly the newest one, or, in a
//! batch awaited in order, the oldest.
//!
//! `top` only grows and says where the oldest entry is; `bottom` is where the next one goes.
//! Whoever moves `top` on by compare-and-swap owns the entry there. The owner takes the newest
//! entry by moving `bottom` back, and needs `top` only when that may be the last one.

use crate::counted::{Counted, Ref};
use crate::prim::{AtomicUsize, Mutex, Ordering, fence};
use crossbeam_utils::CachePadded;
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::Arc;

/// Entries at first.
const FIRST: usize = if cfg!(loom) { 4 } else { 256 };
/// How often a thief tries when others are faster.
const TRIES: usize = 8;

/// A ring; the entry with number `i` is at `i % slots.len()`.
struct Ring {
    slots: Box<[AtomicUsize]>,
}

impl Ring {
    fn new(size: usize) -> Box<Ring> {
        let mut slots: Vec<AtomicUsize> = Vec::with_capacity(size);
        crate::huge::prefer(slots.as_mut_ptr().cast(), size * size_of::<AtomicUsize>());
        slots.extend((0..size).map(|_| AtomicUsize::new(0)));
        Box::new(Ring {
            slots: slots.into_boxed_slice(),
        })
    }

    fn slot(&self, at: usize) -> &AtomicUsize {
        // The size is a power of two.
        &self.slots[at & (self.slots.len() - 1)]
    }
}

struct Shared<T: Counted> {
    top: CachePadded<AtomicUsize>,
    bottom: CachePadded<AtomicUsize>,
    /// The ring in use: the address of the last of `rings`.
    ring: AtomicUsize,
    /// All rings: thieves may still look into those that have been outgrown. Together they are
    /// twice as large as the last.
    #[expect(clippy::vec_box, reason = "rings stay where they are")]
    rings: Mutex<Vec<Box<Ring>>>,
    entries: PhantomData<Ref<T>>,
}

impl<T: Counted> Shared<T> {
    fn ring(&self) -> &Ring {
        let ring = self.ring.load(Ordering::Acquire) as *const Ring;
        // SAFETY: rings live as long as `self`.
        unsafe { &*ring }
    }
}

impl<T: Counted> Drop for Shared<T> {
    fn drop(&mut self) {
        let (top, bottom) = (
            self.top.load(Ordering::Relaxed),
            self.bottom.load(Ordering::Relaxed),
        );
        for at in top..bottom {
            let entry = self.ring().slot(at).load(Ordering::Relaxed);
            // SAFETY: entries between the ends are references that nobody else takes any more.
            drop(unsafe { Ref::from_raw(entry as *mut T) });
        }
    }
}

/// The owner's side.
pub(crate) struct Deque<T: Counted> {
    shared: Arc<Shared<T>>,
    /// There are no thieves.
    alone: bool,
    /// Only one thread uses it.
    not_sync: PhantomData<Cell<()>>,
}

/// Everybody else's side.
pub(crate) struct Thief<T: Counted> {
    shared: Arc<Shared<T>>,
}

impl<T: Counted> Deque<T> {
    /// `alone`: there will be no thieves, so the owner need not look out for them.
    pub(crate) fn new(alone: bool) -> Deque<T> {
        let ring = Ring::new(FIRST);
        let shared = Shared {
            top: CachePadded::new(AtomicUsize::new(1)),
            bottom: CachePadded::new(AtomicUsize::new(1)),
            ring: AtomicUsize::new(&raw const *ring as usize),
            rings: Mutex::new(vec![ring]),
            entries: PhantomData,
        };
        Deque {
            shared: Arc::new(shared),
            alone,
            not_sync: PhantomData,
        }
    }

    pub(crate) fn thief(&self) -> Thief<T> {
        Thief {
            shared: self.shared.clone(),
        }
    }

    /// Adds an entry at the newest end.
    #[inline]
    pub(crate) fn push(&self, fiber: Ref<T>) {
        let shared = &*self.shared;
        let bottom = shared.bottom.load(Ordering::Relaxed);
        let top = shared.top.load(Ordering::Acquire);
        let mut ring = shared.ring();
        if bottom - top >= ring.slots.len() {
            ring = self.grow(top, bottom);
        }
        ring.slot(bottom)
            .store(fiber.into_raw() as usize, Ordering::Relaxed);
        shared.bottom.store(bottom + 1, Ordering::Release);
    }

    #[cold]
    #[inline(never)]
    fn grow(&self, top: usize, bottom: usize) -> &Ring {
        let old = self.shared.ring();
        let new = Ring::new(old.slots.len() * 2);
        for at in top..bottom {
            let entry = old.slot(at).load(Ordering::Relaxed);
            new.slot(at).store(entry, Ordering::Relaxed);
        }
        let address = &raw const *new as usize;
        let mut rings = self.shared.rings.lock();
        self.shared.ring.store(address, Ordering::Release);
        if self.alone {
            // Nobody else may be looking into the old ones.
            rings.clear();
        }
        rings.push(new);
        drop(rings);
        self.shared.ring()
    }

    /// Takes the newest entry.
    #[inline]
    pub(crate) fn pop(&self) -> Option<Ref<T>> {
        let shared = &*self.shared;
        let bottom = shared.bottom.load(Ordering::Relaxed);
        let top = shared.top.load(Ordering::Relaxed);
        if bottom == top {
            return None;
        }
        let at = bottom - 1;
        if self.alone {
            shared.bottom.store(at, Ordering::Relaxed);
            let entry = shared.ring().slot(at).load(Ordering::Relaxed);
            // SAFETY: the entry is a reference, and nobody else takes any.
            return Some(unsafe { Ref::from_raw(entry as *mut T) });
        }
        if at == top {
            // The last one, if it is still there: it is claimed as thieves do it.
            return self.take_at(top);
        }
        // Releases, as `push` does: who sees this value must see the entries before it, too.
        shared.bottom.store(at, Ordering::Release);
        // Either thieves see that this entry is gone, or their claim of it is seen here.
        fence(Ordering::SeqCst);
        let top = shared.top.load(Ordering::Relaxed);
        if top > at {
            shared.bottom.store(bottom, Ordering::Release);
            return None;
        }
        let entry = shared.ring().slot(at).load(Ordering::Relaxed);
        if top == at {
            // The last one: thieves may want it, too.
            let ours = shared
                .top
                .compare_exchange(top, top + 1, Ordering::SeqCst, Ordering::Relaxed)
                .is_ok();
            shared.bottom.store(bottom, Ordering::Release);
            if !ours {
                return None;
            }
        }
        // SAFETY: the entry is a reference, and ours now.
        Some(unsafe { Ref::from_raw(entry as *mut T) })
    }

    /// Takes the newest entry if it is `fiber`.
    #[inline]
    pub(crate) fn pop_if(&self, fiber: &T) -> Option<Ref<T>> {
        let bottom = self.shared.bottom.load(Ordering::Relaxed);
        let newest = self.shared.ring().slot(bottom.wrapping_sub(1));
        if newest.load(Ordering::Relaxed) != std::ptr::from_ref(fiber) as usize {
            return None;
        }
        // Unless a thief has it, it is still the newest.
        self.pop()
    }

    /// Takes the oldest entry if it is `fiber`.
    #[inline]
    pub(crate) fn take_oldest_if(&self, fiber: &T) -> Option<Ref<T>> {
        let shared = &*self.shared;
        let top = shared.top.load(Ordering::Acquire);
        if top >= shared.bottom.load(Ordering::Relaxed) {
            return None;
        }
        let entry = shared.ring().slot(top).load(Ordering::Relaxed);
        if entry != std::ptr::from_ref(fiber) as usize {
            return None;
        }
        self.take_at(top)
    }

    /// Takes the oldest entry, which is at `top` unless a thief has taken it.
    #[inline]
    fn take_at(&self, top: usize) -> Option<Ref<T>> {
        let shared = &*self.shared;
        let entry = shared.ring().slot(top).load(Ordering::Relaxed);
        let ours = if self.alone {
            shared.top.store(top + 1, Ordering::Relaxed);
            true
        } else {
            shared
                .top
                .compare_exchange(top, top + 1, Ordering::SeqCst, Ordering::Relaxed)
                .is_ok()
        };
        // SAFETY: the entry is a reference, and ours now.
        ours.then(|| unsafe { Ref::from_raw(entry as *mut T) })
    }

    /// Takes the oldest entry, as a thief would.
    pub(crate) fn take_oldest(&self) -> Option<Ref<T>> {
        steal(&self.shared)
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        len(&self.shared) == 0
    }
}

fn len<T: Counted>(shared: &Shared<T>) -> usize {
    let bottom = shared.bottom.load(Ordering::Relaxed);
    let top = shared.top.load(Ordering::Relaxed);
    bottom.saturating_sub(top)
}

fn steal<T: Counted>(shared: &Shared<T>) -> Option<Ref<T>> {
    for _ in 0..TRIES {
        let top = shared.top.load(Ordering::Acquire);
        fence(Ordering::SeqCst);
        let bottom = shared.bottom.load(Ordering::Acquire);
        if top >= bottom {
            return None;
        }
        let entry = shared.ring().slot(top).load(Ordering::Relaxed);
        let ours = shared
            .top
            .compare_exchange(top, top + 1, Ordering::SeqCst, Ordering::Relaxed)
            .is_ok();
        if ours {
            // SAFETY: moving `top` on made the entry, a reference, ours. (A ring that has been
            // outgrown meanwhile still holds it: no entry of a ring is overwritten before `top`
            // has passed it.)
            return Some(unsafe { Ref::from_raw(entry as *mut T) });
        }
        std::hint::spin_loop();
    }
    None
}

impl<T: Counted> Thief<T> {
    /// Takes the oldest entry.
    pub(crate) fn steal(&self) -> Option<Ref<T>> {
        steal(&self.shared)
    }

    pub(crate) fn len(&self) -> usize {
        len(&self.shared)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::ptr::NonNull;
    use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize as Count};

    /// An entry that counts how often it was taken.
    struct Entry {
        references: AtomicU32,
        number: usize,
    }

    // SAFETY: the count is the entry's own.
    unsafe impl Counted for Entry {
        fn count(&self) -> &AtomicU32 {
            &self.references
        }

        unsafe fn destroy(at: NonNull<Entry>) {
            // SAFETY: made by `entry`.
            drop(unsafe { Box::from_raw(at.as_ptr()) });
        }
    }

    fn entry(number: usize) -> Ref<Entry> {
        let references = AtomicU32::new(1);
        let made = Box::new(Entry { references, number });
        // SAFETY: fresh.
        unsafe { Ref::from_raw(Box::into_raw(made)) }
    }

    #[test]
    fn both_ends_and_particular_entries() {
        let deque = Deque::new(false);
        let thief = deque.thief();
        let all: Vec<_> = (0..1000).map(entry).collect();
        all.iter().for_each(|e| deque.push(e.clone()));
        assert_eq!(thief.len(), 1000, "it has grown");
        assert!(deque.pop_if(&all[998]).is_none());
        assert!(deque.pop_if(&all[999]).is_some());
        assert!(deque.take_oldest_if(&all[1]).is_none());
        assert!(deque.take_oldest_if(&all[0]).is_some());
        assert_eq!(thief.steal().map(|e| e.number), Some(1));
        assert_eq!(deque.pop().map(|e| e.number), Some(998));
        drop((deque, thief));
        assert!(
            all.iter().all(Ref::is_only),
            "what was left has been dropped"
        );
    }

    #[test]
    fn every_entry_is_taken_once() {
        // Under Miri a step takes microseconds.
        const N: usize = if cfg!(miri) { 1_000 } else { 200_000 };
        let deque = Deque::new(false);
        let seen: Vec<Count> = (0..N).map(|_| Count::new(0)).collect();
        let see = |e: Ref<Entry>| seen[e.number].fetch_add(1, Ordering::Relaxed);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let (thief, see, done) = (deque.thief(), &see, &done);
                scope.spawn(move || {
                    while !done.load(Ordering::Acquire) || !thief.is_empty() {
                        thief.steal().map(see);
                    }
                });
            }
            for number in 0..N {
                let one = entry(number);
                deque.push(one.clone());
                match number % 3 {
                    0 => drop(deque.pop_if(&one).map(see)),
                    1 => drop(deque.take_oldest_if(&one).map(see)),
                    _ => {}
                }
                if number % 7 == 0 {
                    deque.pop().map(see);
                }
            }
            done.store(true, Ordering::Release);
        });
        assert!(seen.iter().all(|n| n.load(Ordering::Relaxed) == 1));
    }
}
