//! Fibers: one task each, from spawn to outcome.
//!
//! A fiber is a small counted object. Until its first resume it owns no stack; a stackless body
//! (an interpreter with its frames in the heap) never does.

pub mod coro;
pub mod cx;
pub(crate) mod operation;
pub(crate) mod spawn;
pub mod stack;

pub use cx::FiberCx;

use crate::payload::Outcome;
use crate::prim::Mutex;
use crate::sched::group::Group;
use crate::sched::pool::Pool;
use crate::sched::shared::Shared;
use crate::sched::state::StateWord;
use crate::sched::wait_reason::WaitReason;
use crate::sync::wait_queue::WaitQueue;
use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

/// How one resumption of a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The task has ended.
    Done(Outcome),
    /// An operation answered `Poll::Pending`; resume the body when it may go on.
    Parked,
}

/// The code of a task.
///
/// A body that parks by *returning* [`Step::Parked`] keeps its own frames and is resumed by
/// another call of `resume`, where it calls the very operation again that answered `Pending`.
/// A body that parks by [`FiberCx::suspend`] must say so in `needs_stack`; its one call of
/// `resume` lasts until the task has ended.
pub trait Body: Send {
    /// Runs until the task ends or must wait.
    fn resume(&mut self, cx: &FiberCx) -> Step;

    /// Must this resumption run on a coroutine stack of its own?
    fn needs_stack(&self) -> bool {
        false
    }

    /// Where a parked body stands, innermost first, in the embedder's own numbers. Asked only
    /// for reports, only while the body does not run.
    fn trace(&self) -> Vec<u64> {
        Vec::new()
    }
}

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

/// One task.
pub struct Fiber {
    pub(crate) state: StateWord,
    pub(crate) body: UnsafeCell<Option<Box<dyn Body>>>,
    pub(crate) coro: UnsafeCell<Option<Box<coro::Coro>>>,
    pub(crate) outcome: UnsafeCell<Outcome>,
    /// Where the operation under way stands.
    pub(crate) phase: UnsafeCell<Phase>,
    /// Made when the fiber first waits.
    pub(crate) slot: UnsafeCell<Option<Box<WaitSlot>>>,
    pub(crate) joiners: Mutex<Option<Box<WaitQueue>>>,
    /// The group it was spawned into.
    pub(crate) owner: Arc<Group>,
    /// The group it spawns into: made at its first spawn, changed by scopes.
    pub(crate) family: UnsafeCell<Option<Arc<Group>>>,
    /// What few fibers have.
    pub(crate) extra: Option<Box<Extra>>,
    /// Where it was spawned.
    pub(crate) site: u64,
    pub(crate) pool: *const Pool,
    pub(crate) id: u64,
    /// Its ordinal among the fibers its parent spawned, from 1.
    pub(crate) ordinal: u32,
    pub(crate) next_child: UnsafeCell<u32>,
    /// Operations performed so far: the fiber's own clock in traces.
    pub(crate) ops: UnsafeCell<u32>,
    pub(crate) seen_cancel_epoch: UnsafeCell<u32>,
    pub(crate) link_key: UnsafeCell<u32>,
    /// Index of the worker that runs it, to poke.
    pub(crate) worker: AtomicU16,
    /// 0, or 1 + the worker it must run on.
    pub(crate) pin: u16,
}

/// What few fibers have.
#[derive(Default)]
pub(crate) struct Extra {
    name: Option<Arc<str>>,
    on_done: Option<Box<dyn OnDone>>,
}

/// What is to be told that a fiber has ended.
pub(crate) trait OnDone: Send + Sync {
    fn on_done(&self, place: crate::sched::Place<'_>, fiber: &Fiber);
}

// SAFETY: the `UnsafeCell`s are guarded by the state word: only the thread that moved the fiber
// to RUNNING touches body, coroutine, slot, family and counters; the outcome is written before
// DONE and frozen afterwards. The pool pointer lives as long as `Shared`, which the fiber's group
// chain keeps alive.
unsafe impl Send for Fiber {}
// SAFETY: as above.
unsafe impl Sync for Fiber {}

impl std::fmt::Debug for Fiber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fiber")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish()
    }
}

impl Fiber {
    pub(crate) fn new(
        owner: Arc<Group>,
        pool: &Pool,
        id: u64,
        ordinal: u32,
        info: SpawnInfo,
    ) -> Fiber {
        Fiber {
            state: StateWord::new(),
            body: UnsafeCell::new(None),
            coro: UnsafeCell::new(None),
            outcome: UnsafeCell::new(Outcome::Cancelled),
            phase: UnsafeCell::new(Phase::Idle),
            slot: UnsafeCell::new(None),
            joiners: Mutex::new(None),
            owner,
            family: UnsafeCell::new(None),
            extra: info.name.map(|name| {
                Box::new(Extra {
                    name: Some(name),
                    on_done: None,
                })
            }),
            site: info.site,
            pool,
            id,
            ordinal,
            next_child: UnsafeCell::new(0),
            ops: UnsafeCell::new(0),
            seen_cancel_epoch: UnsafeCell::new(0),
            link_key: UnsafeCell::new(0),
            worker: AtomicU16::new(0),
            pin: 0,
        }
    }

    pub(crate) fn info(&self) -> SpawnInfo {
        SpawnInfo {
            name: self.name().cloned(),
            site: self.site,
        }
    }

    /// The name given at spawn.
    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        self.extra.as_ref().and_then(|e| e.name.as_ref())
    }

    pub(crate) fn on_done(&self) -> Option<&dyn OnDone> {
        self.extra.as_ref().and_then(|e| e.on_done.as_deref())
    }

    pub(crate) fn set_on_done(&mut self, hook: Box<dyn OnDone>) {
        self.extra.get_or_insert_default().on_done = Some(hook);
    }

    pub(crate) fn shared(&self) -> &Shared {
        self.owner.shared()
    }

    /// Only by the claimer of an open wait, before delivery.
    pub(crate) fn set_given(&self, given: Option<u64>) {
        // SAFETY: claiming a wait makes the claimer owner of these fields until delivery; the
        // slot was made before the wait was opened.
        if let Some(slot) = unsafe { &mut *self.slot.get() } {
            slot.given = given.is_some();
            slot.value = given.unwrap_or(0);
        }
    }

    /// How it ended, once it has.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        // SAFETY: DONE was published after the outcome was written; nobody writes it any more.
        self.state.is_done().then(|| unsafe { *self.outcome.get() })
    }

    pub(crate) fn is_on(&self, pool: &Pool) -> bool {
        std::ptr::eq(self.pool, pool)
    }

    pub(crate) fn pool(&self) -> &Pool {
        // SAFETY: pools live as long as `Shared`; see the type's note.
        unsafe { &*self.pool }
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

impl Drop for Fiber {
    fn drop(&mut self) {
        if !self.state.is_done() {
            return;
        }
        let outcome = *self.outcome.get_mut();
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

impl Fiber {
    pub(crate) fn worker_index(&self) -> usize {
        self.worker.load(Ordering::Relaxed) as usize
    }
}
