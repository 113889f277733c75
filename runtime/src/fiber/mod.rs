//! Fibers: one task each, from spawn to outcome.
//!
//! A fiber is one small counted block of memory, body included. Until its first resume it owns no
//! stack; a stackless body (an interpreter with its frames in the heap) never does.

mod body;
pub mod coro;
pub mod cx;
pub(crate) mod operation;
mod plan;
pub(crate) mod spawn;
pub mod stack;

pub use cx::FiberCx;

use body::BodyTable;
pub(crate) use body::NoBody;
pub use body::{Body, Step};
pub(crate) use plan::Plan;

use crate::blocks;
use crate::counted::{Counted, Ref};
use crate::payload::Outcome;
use crate::prim::SpinLock;
use crate::sched::group::Group;
use crate::sched::pool::Pool;
use crate::sched::shared::Shared;
use crate::sched::state::StateWord;
use crate::sched::wait_reason::WaitReason;
use crate::sync::wait_queue::WaitQueue;
use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// Where an operation stands that answered `Pending`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    /// No operation is under way.
    #[default]
    Idle,
    /// The scheduling point before the operation has been passed.
    Passed,
    /// The operation has looked, keeps its answer in `value`, and yielded.
    Looked,
    /// The body has made room, and goes on when it is resumed.
    Yielded,
    /// The operation has registered its waiter.
    Waiting,
}

/// The fiber's own notes about the operation under way. Owned by whoever runs the fiber; `value`
/// by the claimer between claim and delivery.
#[derive(Debug, Default)]
pub(crate) struct WaitSlot {
    /// Step within an operation that waits more than once.
    pub(crate) stage: u8,
    /// The claimer gave `value`; else it only gave notice.
    pub(crate) given: bool,
    /// Why it waits, for reports.
    pub(crate) reason: WaitReason,
    pub(crate) key: u32,
    pub(crate) epoch: u32,
    pub(crate) value: u64,
    /// The timer armed for this wait, 0 for none.
    pub(crate) timer: u64,
    /// What it waits for, for reports: the object's number.
    pub(crate) object: u64,
    /// The nodes of a select.
    pub(crate) keys: Option<Box<[u32]>>,
    /// Who holds the lock it waits for, for reports.
    pub(crate) holder: Option<Arc<std::sync::atomic::AtomicU64>>,
    /// Where its stream of random numbers stands; `None` before the first.
    pub(crate) random: Option<crate::random::Stream>,
}

/// What is fixed at spawn.
#[derive(Clone, Debug, Default)]
pub struct SpawnInfo {
    /// A name for reports.
    pub name: Option<Arc<str>>,
    /// Where it was spawned, in the embedder's numbers.
    pub site: u64,
}

/// One task: one block of memory, with the body behind this header.
///
/// Whoever may run it has a reference: a queue's entry, the worker that runs it. While it is parked
/// that reference is its own; who makes it READY takes it over. So waiters need not count.
#[repr(C)]
pub struct Fiber {
    pub(crate) state: StateWord,
    references: AtomicU32,
    /// 0, or 1 + the worker it must run on.
    pub(crate) pin: u16,
    /// The number of the pool it runs on.
    pub(crate) pool: u8,
    /// The group it was spawned into. Taken out only at the very end.
    owner: ManuallyDrop<Ref<Group>>,
    table: &'static BodyTable,
    /// Where it was spawned.
    pub(crate) site: u64,
    pub(crate) id: u64,
    /// Its ordinal among the fibers its parent spawned, from 1.
    pub(crate) ordinal: u32,
    pub(crate) seen_cancel_epoch: UnsafeCell<u32>,
    pub(crate) next_child: UnsafeCell<u32>,
    /// Operations performed so far: the fiber's own clock in traces.
    pub(crate) ops: UnsafeCell<u32>,
    /// The group it spawns into: made at its first spawn, changed by scopes.
    pub(crate) family: UnsafeCell<Option<Ref<Group>>>,
    /// What not all fibers have, or null. Made at spawn, or by whoever runs the fiber.
    rare: AtomicPtr<Rare>,
    /// Who awaits it; under `joiners_lock`.
    joiners: UnsafeCell<Option<Box<WaitQueue>>>,
    joiners_lock: SpinLock,
    /// Where the operation under way stands.
    pub(crate) phase: UnsafeCell<Phase>,
    has_body: UnsafeCell<bool>,
    /// What `first` is, once it has ended: see `set_outcome`.
    ending: UnsafeCell<Ending>,
    pub(crate) link_key: UnsafeCell<u32>,
    /// The body begins here; after the end, the slot of the outcome lies here.
    pub(crate) first: UnsafeCell<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Ending {
    Cancelled,
    Ok,
    Failed,
}

/// What few fibers have.
#[derive(Default)]
struct Rare {
    name: Option<Arc<str>>,
    on_done: Option<Box<dyn OnDone>>,
    /// Used from when the fiber first waits.
    slot: WaitSlot,
    coro: Option<Box<coro::Coro>>,
}

/// What is to be told that a fiber has ended.
pub(crate) trait OnDone: Send + Sync {
    fn on_done(&self, place: crate::sched::Place<'_>, fiber: &Fiber);
}

// SAFETY: the `UnsafeCell`s are guarded by the state word: only the thread that moved the fiber
// to RUNNING touches body, coroutine, slot, family and counters; the outcome is written before
// DONE and frozen afterwards. Joiners have their lock.
unsafe impl Send for Fiber {}
// SAFETY: as above.
unsafe impl Sync for Fiber {}

// SAFETY: `references` is the fiber's own count.
unsafe impl Counted for Fiber {
    fn count(&self) -> &AtomicU32 {
        &self.references
    }

    unsafe fn destroy(at: NonNull<Fiber>) {
        // SAFETY: the last reference is gone; the fiber's memory came from `blocks`.
        unsafe {
            let rare = at.as_ref().rare();
            if let Some(rare) = rare {
                // Frames on a stack of its own may still use the body.
                drop((*rare.as_ptr()).coro.take());
            }
            at.as_ref().end(at);
            let fiber = at.as_ptr();
            drop((*fiber).family.get_mut().take());
            drop((*fiber).joiners.get_mut().take());
            if let Some(rare) = rare {
                drop(Box::from_raw(rare.as_ptr()));
            }
            let owner = ManuallyDrop::take(&mut (*fiber).owner);
            blocks::give(at.cast(), (*fiber).table.size);
            Group::put_back(owner);
        }
    }
}

/// A counted reference to a fiber.
pub(crate) type FiberRef = Ref<Fiber>;

/// The body's side of a fiber. All of it belongs to whoever runs the fiber (or, before the first
/// resumption, has claimed it).
impl FiberRef {
    /// Where the body is.
    #[inline]
    fn body(&self) -> *mut u8 {
        // SAFETY: the offset lies in the fiber's block.
        unsafe { self.as_ptr().cast::<u8>().add(self.table.offset) }
    }

    /// The body to resume, unless it is gone.
    ///
    /// # Safety
    /// The caller runs the fiber.
    #[inline]
    pub(crate) unsafe fn live_body(&self) -> Option<LiveBody> {
        // SAFETY: by contract.
        unsafe { *self.has_body.get() }.then(|| LiveBody {
            at: self.body(),
            table: self.table,
        })
    }

    /// The reference that a parked fiber has to itself.
    ///
    /// # Safety
    /// The caller has just made the fiber READY.
    pub(crate) unsafe fn adopt(&self) -> FiberRef {
        // SAFETY: by contract nobody else takes this reference.
        unsafe { FiberRef::from_raw(self.as_ptr()) }
    }

    /// Drops the body, if it is still there.
    ///
    /// # Safety
    /// The caller owns the fiber, and nothing runs in the body.
    #[inline]
    pub(crate) unsafe fn drop_body(&self) {
        // SAFETY: by contract; the flag goes first, in case dropping panics.
        unsafe {
            if std::mem::replace(&mut *self.has_body.get(), false) {
                (self.table.drop)(self.body());
            }
        }
    }

    /// Where the body stands, for reports.
    ///
    /// # Safety
    /// The fiber does not run, and nothing can resume it meanwhile.
    pub(crate) unsafe fn body_trace(&self) -> Vec<u64> {
        // SAFETY: by contract.
        unsafe {
            match *self.has_body.get() {
                true => (self.table.trace)(self.body()),
                false => Vec::new(),
            }
        }
    }
}

/// A body that may be resumed.
#[derive(Clone, Copy)]
pub(crate) struct LiveBody {
    at: *mut u8,
    table: &'static BodyTable,
}

impl LiveBody {
    #[inline]
    pub(crate) fn resume(self, cx: &FiberCx) -> Step {
        // SAFETY: made by `live_body` for whoever runs the fiber.
        unsafe { (self.table.resume)(self.at, cx) }
    }

    #[inline]
    pub(crate) fn needs_stack(self) -> bool {
        // SAFETY: as above.
        unsafe { (self.table.needs_stack)(self.at) }
    }
}

impl std::fmt::Debug for Fiber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fiber")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish()
    }
}

impl Fiber {
    /// The group it was spawned into.
    #[inline]
    pub(crate) fn owner(&self) -> &Ref<Group> {
        &self.owner
    }

    pub(crate) fn info(&self) -> SpawnInfo {
        SpawnInfo {
            name: self.name().cloned(),
            site: self.site,
        }
    }

    /// What few fibers have. The fields set at spawn are frozen; the others belong to whoever runs
    /// the fiber.
    #[inline]
    fn rare(&self) -> Option<NonNull<Rare>> {
        NonNull::new(self.rare.load(Ordering::Acquire))
    }

    #[cold]
    #[inline(never)]
    fn make_rare(&self) -> NonNull<Rare> {
        let rare = Box::into_raw(Box::<Rare>::default());
        self.rare.store(rare, Ordering::Release);
        // SAFETY: fresh from a box.
        unsafe { NonNull::new_unchecked(rare) }
    }

    /// The wait slot, made at its first use.
    ///
    /// # Safety
    /// The caller runs the fiber.
    #[inline]
    pub(crate) unsafe fn slot(&self) -> *mut WaitSlot {
        let rare = self.rare().unwrap_or_else(|| self.make_rare());
        // SAFETY: the fiber's own.
        unsafe { &raw mut (*rare.as_ptr()).slot }
    }

    /// The wait slot, if the fiber has ever waited.
    #[inline]
    pub(crate) fn made_slot(&self) -> Option<*mut WaitSlot> {
        // SAFETY: the fiber's own; only the address is taken.
        self.rare()
            .map(|rare| unsafe { &raw mut (*rare.as_ptr()).slot })
    }

    /// The coroutine, if it was suspended last time.
    ///
    /// # Safety
    /// The caller runs the fiber, or nobody does and nothing can resume it.
    #[inline]
    pub(crate) unsafe fn take_coro(&self) -> Option<Box<coro::Coro>> {
        // SAFETY: by contract.
        self.rare()
            .and_then(|rare| unsafe { (*rare.as_ptr()).coro.take() })
    }

    /// Keeps a suspended coroutine.
    ///
    /// # Safety
    /// The caller runs the fiber.
    pub(crate) unsafe fn keep_coro(&self, coro: Box<coro::Coro>) {
        let rare = self.rare().unwrap_or_else(|| self.make_rare());
        // SAFETY: by contract.
        unsafe { (*rare.as_ptr()).coro = Some(coro) }
    }

    /// The name given at spawn.
    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        // SAFETY: names are frozen from spawn on.
        self.rare()
            .and_then(|rare| unsafe { (*rare.as_ptr()).name.as_ref() })
    }

    pub(crate) fn on_done(&self) -> Option<&dyn OnDone> {
        // SAFETY: frozen from spawn on.
        self.rare()
            .and_then(|rare| unsafe { (*rare.as_ptr()).on_done.as_deref() })
    }

    /// Locks the queue of joiners; `f` must be short.
    #[inline]
    pub(crate) fn with_joiners<R>(&self, f: impl FnOnce(&mut Option<Box<WaitQueue>>) -> R) -> R {
        let _locked = self.joiners_lock.lock();
        // SAFETY: under the lock.
        f(unsafe { &mut *self.joiners.get() })
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Shared {
        self.owner.shared()
    }

    /// Only by the claimer of an open wait, before delivery.
    #[inline]
    pub(crate) fn set_given(&self, given: Option<u64>) {
        // SAFETY: claiming a wait makes the claimer owner of these fields until delivery; the
        // slot was made before the wait was opened.
        if let Some(slot) = self.made_slot() {
            // SAFETY: as above.
            unsafe {
                (*slot).given = given.is_some();
                (*slot).value = given.unwrap_or(0);
            }
        }
    }

    /// Writes how it ended.
    ///
    /// # Safety
    /// The caller owns the fiber, whose body is gone, and it is not DONE yet or only the caller
    /// knows it.
    #[inline]
    pub(crate) unsafe fn set_outcome(&self, outcome: Outcome) {
        let (ending, slot) = match outcome {
            Outcome::Cancelled => (Ending::Cancelled, 0),
            Outcome::Ok(slot) => (Ending::Ok, slot),
            Outcome::Failed(slot) => (Ending::Failed, slot),
        };
        // SAFETY: by contract.
        unsafe {
            *self.ending.get() = ending;
            *self.first.get() = slot;
        }
    }

    /// # Safety
    /// It is DONE.
    #[inline]
    unsafe fn frozen_outcome(&self) -> Outcome {
        // SAFETY: written before DONE was published; nobody writes it any more.
        unsafe {
            let slot = *self.first.get();
            match *self.ending.get() {
                Ending::Cancelled => Outcome::Cancelled,
                Ending::Ok => Outcome::Ok(slot),
                Ending::Failed => Outcome::Failed(slot),
            }
        }
    }

    /// How it ended, once it has.
    #[inline]
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        // SAFETY: it is DONE when this is called.
        self.state
            .is_done()
            .then(|| unsafe { self.frozen_outcome() })
    }

    #[inline]
    pub(crate) fn is_on(&self, pool: &Pool) -> bool {
        usize::from(self.pool) == pool.number()
    }

    #[inline]
    pub(crate) fn pool(&self) -> &Pool {
        self.shared().pool_at(self.pool)
    }

    /// The name in reports and traces: `main`, `main.2`, `main.2.1`.
    pub(crate) fn path(&self) -> String {
        self.owner.path_of(self.ordinal)
    }

    /// Path as ordinals, outermost first.
    pub(crate) fn path_key(&self) -> Vec<u32> {
        self.owner.path_key_of(self.ordinal)
    }

    /// A digest of the path.
    pub(crate) fn path_hash(&self) -> u64 {
        self.owner.path_hash_of(self.ordinal)
    }
}

impl Fiber {
    /// Gives up the outcome, or the body of one that has not ended.
    ///
    /// # Safety
    /// `at` is this fiber, and the last reference is gone.
    unsafe fn end(&self, at: NonNull<Fiber>) {
        // SAFETY: by contract nobody else uses the fiber.
        unsafe {
            if !self.state.is_done() {
                if *self.has_body.get() {
                    (self.table.drop)(at.cast::<u8>().as_ptr().add(self.table.offset));
                }
                return;
            }
            let outcome = self.frozen_outcome();
            let shared = self.owner.shared();
            if let Outcome::Failed(slot) = outcome
                && !self.state.is_observed()
            {
                shared.report_unobserved(&self.owner, &self.info(), &self.path(), slot);
            } else {
                outcome.release(shared.payload);
            }
        }
    }
}
