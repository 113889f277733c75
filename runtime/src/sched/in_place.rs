//! Children that run in place of whoever awaits them.

use crate::fiber::{Fiber, FiberRef};
use crate::sched::group::Group;
use crate::sched::state::Barred;
use crate::sched::stats::count;
use crate::sched::worker::{Left, Worker};

/// How deep children run in place of their parents. Each level is a few native frames; beyond
/// it the parent parks, which has no limit.
const MAX_IN_PLACE: u32 = 64;

/// A fiber whose child runs in place, above it on the stack.
pub(super) struct Below {
    fiber: *const Fiber,
    next: *const Below,
}

impl Worker {
    /// Runs an unstarted fiber of this pool right here, while `parent`, which runs here, waits for
    /// it on the stack. False: it is not to be had.
    pub(crate) fn run_in_place(&self, fiber: &FiberRef, parent: &Fiber) -> bool {
        let here = 0u8;
        let depth = self.in_place_depth.get();
        if depth >= MAX_IN_PLACE
            || (&raw const here as usize) < self.stack_floor.get()
            || self.shared().det.is_some()
            || fiber.pin != 0
            || !fiber.is_on(self.pool())
            || !fiber.state.claim_unstarted()
        {
            return false;
        }
        // What runs has a reference of its own.
        let own = self.take_entry(fiber).unwrap_or_else(|| fiber.clone());
        count(&self.remote().counters.in_place);
        self.in_place_depth.set(depth + 1);
        // SAFETY: this thread runs the parent, so its family field is ours.
        let family = unsafe { &*parent.family.get() };
        let family = family
            .as_ref()
            .map_or(std::ptr::null(), |f| f.as_ptr().cast_const());
        let outer = self.awaiting_family.replace(family);
        let below = Below {
            fiber: parent,
            next: self.below.get(),
        };
        self.below.set(&raw const below);
        let left = self.run(fiber);
        self.below.set(below.next);
        self.awaiting_family.set(outer);
        self.in_place_depth.set(depth);
        match left {
            Left::Done => drop(own),
            // It keeps itself.
            Left::Parked => std::mem::forget(own),
            Left::Yielded => self.requeue(own),
        }
        true
    }

    /// As [`Worker::run_in_place`], where the caller's handles are the only way to the fiber but
    /// for its entry in the queue, and only this fiber, `parent`, has them. When the fiber ends
    /// without having waited, nobody else has ever known it, and none of its transitions needs a
    /// locked instruction.
    pub(crate) fn run_alone(&self, fiber: &FiberRef, parent: &Fiber) -> bool {
        let here = 0u8;
        let depth = self.in_place_depth.get();
        if !fiber.are(2)
            || depth >= MAX_IN_PLACE
            || (&raw const here as usize) < self.stack_floor.get()
            || fiber.pin != 0
            || !fiber.is_on(self.pool())
        {
            return false;
        }
        // Without the entry nobody else can get to the fiber. It is the reference of what runs.
        let Some(own) = self.take_own_entry(fiber) else {
            return false;
        };
        if !fiber.state.start_alone() {
            // Somebody has told it to stop.
            self.lifo.push(own);
            return false;
        }
        count(&self.remote().counters.in_place);
        self.in_place_depth.set(depth + 1);
        // SAFETY: this thread runs the parent, so its family field is ours.
        let family = unsafe { (*parent.family.get()).as_ref() };
        let family = family.map_or(std::ptr::null(), |f| f.as_ptr().cast_const());
        let outer = self.awaiting_family.replace(family);
        let below = Below {
            fiber: parent,
            next: self.below.get(),
        };
        self.below.set(&raw const below);
        let left = self.run_first(fiber);
        self.below.set(below.next);
        self.in_place_depth.set(depth);
        self.awaiting_family.set(outer);
        match left {
            Left::Done if fiber.are(2) => {
                std::mem::forget(own);
                // SAFETY: this is the second; who has the first waits for this to return.
                unsafe { fiber.give_up_second() }
            }
            Left::Done => drop(own),
            // It keeps itself.
            Left::Parked => std::mem::forget(own),
            Left::Yielded => self.requeue(own),
        }
        true
    }

    /// Has any fiber been told to stop that waits on this worker's stack for a child run in place?
    /// It cannot notice that itself; what it owns, which the child may be, is told here. The
    /// fiber that runs is then to make room, if it is not to stop itself.
    pub(crate) fn note_fibers_below(&self) -> bool {
        let mut told = false;
        let mut at = self.below.get();
        // SAFETY: the list lives in frames of `run_in_place` below this one on this very stack,
        // and so do the counts of the fibers.
        while let Some(below) = unsafe { at.as_ref() } {
            at = below.next;
            // SAFETY: as above.
            let fiber = unsafe { &*below.fiber };
            self.note_cancellation(fiber);
            let Some(why) = fiber.state.barred() else {
                continue;
            };
            told = true;
            // SAFETY: this thread runs the fiber, so its family is ours.
            let family = unsafe { &*fiber.family.get() };
            if let (Barred::Cancel, Some(family)) = (why, family) {
                family.cancel(self.place());
            }
        }
        told
    }

    /// Does the fiber whose family or scope this is run right here, under what is being run?
    #[inline]
    pub(crate) fn runs_owner_of(&self, group: &Group) -> bool {
        std::ptr::eq(self.awaiting_family.get(), group)
    }

    /// Does it run a child in place of its parent?
    #[inline]
    pub(crate) fn is_in_place(&self) -> bool {
        self.in_place_depth.get() > 0
    }

    /// Takes the queue entry of a fiber that has been claimed off the deque, if it is at either
    /// end, and stale ones under it. Else it stays, and is dropped when it comes up.
    fn take_entry(&self, fiber: &Fiber) -> Option<FiberRef> {
        let entry = self.take_own_entry(fiber);
        if entry.is_none() {
            self.stale.set(self.stale.get() + 1);
        }
        entry
    }

    /// As [`Worker::take_entry`]; an entry that is not to be had is not counted as stale.
    #[inline]
    fn take_own_entry(&self, fiber: &Fiber) -> Option<FiberRef> {
        let mut entry = self.lifo.pop_if(fiber);
        if entry.is_none() {
            entry = self.lifo.take_oldest_if(fiber);
        } else if self.stale.get() > 0 {
            self.drop_stale();
        }
        if self.lifo.is_empty() {
            self.queues_are_empty();
        }
        entry
    }

    /// Drops stale entries from the newest end of the deque.
    #[inline(never)]
    fn drop_stale(&self) {
        while let Some(newest) = self.lifo.pop() {
            if newest.state.is_queued() {
                return self.lifo.push(newest);
            }
            self.dropped_stale();
        }
    }

    pub(super) fn dropped_stale(&self) {
        self.stale.set(self.stale.get().saturating_sub(1));
    }
}
