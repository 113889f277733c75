//! Starting tasks.

use crate::fiber::{Body, Fiber, FiberCx, OnDone, SpawnInfo};
use crate::sched::events::EventKind;
use crate::sched::group::Group;
use crate::sched::pool::Pool;
use crate::sched::stats::count;
use crate::sched::trace_hash::Op;
use crate::task::future::FutureRef;
use std::sync::Arc;

/// How to start a task.
#[derive(Clone, Debug, Default)]
pub struct SpawnOptions {
    /// Name and site.
    pub info: SpawnInfo,
    /// The pool to run on; the spawner's own if `None`.
    pub pool: Option<Arc<Pool>>,
    /// Run on another thread than the spawner's, guaranteed.
    pub elsewhere: bool,
}

/// Why a task could not be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnError {
    /// The executor is shut down.
    ExecutorShutDown,
    /// There is no other thread to run it on.
    NoOtherThread,
}

impl std::fmt::Display for SpawnError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SpawnError::ExecutorShutDown => "executor is shut down",
            SpawnError::NoOtherThread => "there is no other thread to run it on",
        })
    }
}

impl std::error::Error for SpawnError {}
impl FiberCx {
    /// Starts a task. It belongs to this fiber: cancelling the fiber cancels it.
    pub fn spawn(&self, body: Box<dyn Body>, o: SpawnOptions) -> Result<FutureRef, SpawnError> {
        let fiber = self.make(body, &o, None)?;
        self.start(fiber.clone());
        Ok(FutureRef::new(fiber))
    }

    pub(crate) fn family(&self) -> &Arc<Group> {
        let fiber = self.fiber();
        // SAFETY: the running fiber owns its family field.
        let slot = unsafe { &mut *fiber.family.get() };
        let family = slot.get_or_insert_with(|| Group::family(self.place(), fiber));
        if fiber.state.is_masked() && !family.is_shielded() {
            *family = Group::shield(self.place(), family);
        }
        family
    }

    /// Makes a task without starting it.
    pub(crate) fn make(
        &self,
        body: Box<dyn Body>,
        o: &SpawnOptions,
        on_done: Option<Box<dyn OnDone>>,
    ) -> Result<Arc<Fiber>, SpawnError> {
        let me = self.fiber();
        let owner = self.family().clone();
        let chosen = o.pool.as_deref().or(owner.pool.as_deref());
        let pool = chosen.unwrap_or_else(|| me.pool());
        // What tasks of a closing executor start inherits the pool and is waited for.
        if chosen.is_some() && pool.is_shut() {
            return Err(SpawnError::ExecutorShutDown);
        }
        let pin = if o.elsewhere {
            self.pin_elsewhere(pool)?
        } else {
            0
        };
        let shared = self.shared();
        owner.add_member();
        pool.count_in();
        // SAFETY: the running fiber owns its counters.
        let (ordinal, seen) = unsafe {
            let next = &mut *me.next_child.get();
            *next += 1;
            (*next, *me.seen_cancel_epoch.get())
        };
        // Into a group that has been cancelled already: the task must notice.
        let seen = if owner.is_flagged() {
            seen.wrapping_sub(1)
        } else {
            seen
        };
        let mut fiber = Fiber::new(
            owner.clone(),
            pool,
            self.new_task_id(),
            ordinal,
            o.info.clone(),
        );
        fiber.pin = pin;
        if let Some(hook) = on_done {
            fiber.set_on_done(hook);
        }
        *fiber.body.get_mut() = Some(body);
        *fiber.seen_cancel_epoch.get_mut() = seen;
        if let Some(worker) = self.worker() {
            count(&worker.remote().counters.spawned);
        }
        let fiber = Arc::new(fiber);
        self.next_op();
        self.event(Op::Spawn, u64::from(ordinal), 0);
        if let (Some(log), Some(worker)) = (&shared.events, self.worker()) {
            log.record_with(worker, &fiber, EventKind::Spawn, me.id);
        }
        Ok(fiber)
    }

    fn pin_elsewhere(&self, pool: &Pool) -> Result<u16, SpawnError> {
        if self.is_deterministic() {
            return Err(SpawnError::NoOtherThread);
        }
        let here = self
            .worker()
            .filter(|w| std::ptr::eq(w.pool(), pool))
            .map(|w| w.index());
        let other = pool.other_worker(here).ok_or(SpawnError::NoOtherThread)?;
        Ok(other as u16 + 1)
    }

    pub(crate) fn new_task_id(&self) -> u64 {
        match self.worker() {
            Some(worker) => worker.new_id(),
            None => self.shared().new_object(),
        }
    }

    /// Enqueues an unstarted task.
    pub(crate) fn start(&self, fiber: Arc<Fiber>) {
        match self.worker() {
            Some(worker)
                if self.shared().det.is_none() && fiber.pin == 0 && fiber.is_on(worker.pool()) =>
            {
                worker.spawned_local(fiber);
            }
            _ => self.place().ready(fiber),
        }
    }
}
