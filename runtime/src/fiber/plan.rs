//! Making fibers.

use super::body::{BodyTable, Tabled};
use super::{Body, Ending, Fiber, FiberRef, OnDone, Phase, Rare, SpawnInfo};
use crate::blocks;
use crate::counted::Ref;
use crate::prim::SpinLock;
use crate::sched::group::Group;
use crate::sched::pool::Pool;
use crate::sched::state::StateWord;
use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32};

/// How to make a fiber.
pub(crate) struct Plan<'a> {
    pub(crate) owner: Ref<Group>,
    pub(crate) pool: &'a Pool,
    pub(crate) id: u64,
    pub(crate) ordinal: u32,
    pub(crate) info: SpawnInfo,
    pub(crate) pin: u16,
    pub(crate) seen_cancel_epoch: u32,
    pub(crate) on_done: Option<Box<dyn OnDone>>,
    /// Its state at first.
    pub(crate) state: StateWord,
    /// References the caller accounts for, beside the one it gets.
    pub(crate) more_references: u32,
}

impl<'a> Plan<'a> {
    /// The usual: nothing special.
    #[inline(always)]
    pub(crate) fn new(owner: Ref<Group>, pool: &'a Pool, id: u64, ordinal: u32) -> Plan<'a> {
        Plan {
            owner,
            pool,
            id,
            ordinal,
            info: SpawnInfo::default(),
            pin: 0,
            seen_cancel_epoch: 0,
            on_done: None,
            state: StateWord::new(),
            more_references: 0,
        }
    }

    /// Makes the fiber.
    #[inline(always)]
    pub(crate) fn make<B: Body + 'static>(self, body: B) -> FiberRef {
        let table: &'static BodyTable = &<B as Tabled>::TABLE;
        let fiber = self.make_header(table);
        // SAFETY: the block has room for a body of this type at this place, where nothing is yet.
        unsafe {
            fiber.body().cast::<B>().write(body);
            *fiber.has_body.get() = true;
        }
        fiber
    }

    #[inline(always)]
    fn make_header(self, table: &'static BodyTable) -> FiberRef {
        let rare = match (self.info.name, self.on_done) {
            (None, None) => null_mut(),
            (name, on_done) => make_rare(name, on_done),
        };
        let at = blocks::take(table.size).cast::<Fiber>();
        // SAFETY: a fresh block of at least this size.
        unsafe {
            at.write(Fiber {
                state: self.state,
                references: AtomicU32::new(1 + self.more_references),
                pin: self.pin,
                owner: ManuallyDrop::new(self.owner),
                pool: self.pool.number() as u8,
                table,
                site: self.info.site,
                id: self.id,
                ordinal: self.ordinal,
                seen_cancel_epoch: UnsafeCell::new(self.seen_cancel_epoch),
                next_child: UnsafeCell::new(0),
                ops: UnsafeCell::new(0),
                family: UnsafeCell::new(None),
                rare: AtomicPtr::new(rare),
                joiners: UnsafeCell::new(None),
                joiners_lock: SpinLock::new(),
                phase: UnsafeCell::new(Phase::Idle),
                has_body: UnsafeCell::new(false),
                ending: UnsafeCell::new(Ending::Cancelled),
                link_key: UnsafeCell::new(0),
                first: UnsafeCell::new(0),
            });
            FiberRef::from_raw(at.as_ptr())
        }
    }
}

#[cold]
fn make_rare(name: Option<Arc<str>>, on_done: Option<Box<dyn OnDone>>) -> *mut Rare {
    Box::into_raw(Box::new(Rare {
        name,
        on_done,
        ..Rare::default()
    }))
}

#[cfg(all(test, not(loom), target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_small() {
        // With a body of one word: 104 bytes, what the allocator gives out without waste.
        assert_eq!(std::mem::size_of::<Fiber>(), 104);
    }
}
