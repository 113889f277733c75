//! Starting tasks.

use crate::counted::Ref;
use crate::fiber::{Body, FiberCx, FiberRef, OnDone, Plan, SpawnInfo};
use crate::sched::events::EventKind;
use crate::sched::group::Group;
use crate::sched::pool::Pool;
use crate::sched::stats::count;
use crate::sched::trace_hash::Op;
use crate::sched::worker::Worker;
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
    pub fn spawn<B>(&self, body: B, o: SpawnOptions) -> Result<FutureRef, SpawnError>
    where
        B: Body + 'static,
    {
        let fiber = self.plan(o, None)?.make(body);
        // SAFETY: the second of the two references it was made with.
        let queued = unsafe { FiberRef::from_raw(fiber.as_ptr()) };
        self.made(&fiber);
        self.start(queued);
        Ok(FutureRef::new(fiber))
    }

    /// As [`FiberCx::spawn`], with nothing special about the task but where it is spawned.
    ///
    /// # Errors
    /// As `spawn`.
    #[inline]
    pub fn spawn_at<B>(&self, body: B, site: u64) -> Result<FutureRef, SpawnError>
    where
        B: Body + 'static,
    {
        match self.usual() {
            Some((worker, family)) => Ok(self.spawn_usual(worker, family, body, site)),
            None => self.spawn_specially(body, site),
        }
    }

    #[inline(never)]
    fn spawn_specially<B>(&self, body: B, site: u64) -> Result<FutureRef, SpawnError>
    where
        B: Body + 'static,
    {
        let info = SpawnInfo { name: None, site };
        let o = SpawnOptions {
            info,
            ..SpawnOptions::default()
        };
        self.spawn(body, o)
    }

    /// Nothing special about the fiber, its family and its runtime: what is needed to spawn.
    #[inline]
    fn usual(&self) -> Option<(&Worker, &Ref<Group>)> {
        let (me, worker) = (self.fiber(), self.worker()?);
        if !worker.shared().is_plain() || me.state.is_masked() || !me.is_on(worker.pool()) {
            return None;
        }
        let family = self.family();
        family.is_plain().then_some((worker, family))
    }

    /// As `spawn`, without the questions.
    #[inline]
    fn spawn_usual<B>(&self, worker: &Worker, family: &Ref<Group>, body: B, site: u64) -> FutureRef
    where
        B: Body + 'static,
    {
        let (me, pool) = (self.fiber(), worker.pool());
        pool.count_in();
        // SAFETY: the running fiber owns its counters and its groups.
        let (ordinal, seen) = unsafe {
            family.add_own_member();
            let next = &mut *me.next_child.get();
            *next += 1;
            (*next, *me.seen_cancel_epoch.get())
        };
        count(&worker.remote().counters.spawned);
        let info = SpawnInfo { name: None, site };
        let fiber = Plan {
            info,
            seen_cancel_epoch: seen,
            more_references: 1,
            ..Plan::new(family.spare(ordinal), pool, worker.new_id(), ordinal)
        }
        .make(body);
        // SAFETY: the second of the two references it was made with.
        worker.spawned_local(unsafe { FiberRef::from_raw(fiber.as_ptr()) });
        FutureRef::new(fiber)
    }

    #[inline]
    pub(crate) fn family(&self) -> &Ref<Group> {
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
    pub(crate) fn make<B: Body + 'static>(
        &self,
        body: B,
        o: SpawnOptions,
        on_done: Option<Box<dyn OnDone>>,
    ) -> Result<FiberRef, SpawnError> {
        let mut plan = self.plan(o, on_done)?;
        plan.more_references = 0;
        let fiber = plan.make(body);
        self.made(&fiber);
        Ok(fiber)
    }

    /// Everything about a new task but its body; it is counted in. It gets two references: the
    /// handle's and the queue's.
    #[inline]
    fn plan(
        &self,
        o: SpawnOptions,
        on_done: Option<Box<dyn OnDone>>,
    ) -> Result<Plan<'_>, SpawnError> {
        let me = self.fiber();
        let owner = self.family();
        let chosen = o.pool.as_deref().or(owner.pool.as_deref());
        // SAFETY: pools live as long as the runtime; see `Fiber::pool`.
        let pool: &Pool = chosen.map_or(me.pool(), |pool| unsafe { &*std::ptr::from_ref(pool) });
        // What tasks of a closing executor start inherits the pool and is waited for.
        if chosen.is_some() && pool.is_shut() {
            return Err(SpawnError::ExecutorShutDown);
        }
        let pin = if o.elsewhere {
            self.pin_elsewhere(pool)?
        } else {
            0
        };
        pool.count_in();
        // SAFETY: the running fiber owns its counters and its groups.
        let (ordinal, seen) = unsafe {
            owner.add_own_member();
            let next = &mut *me.next_child.get();
            *next += 1;
            (*next, *me.seen_cancel_epoch.get())
        };
        // Into a group that has been cancelled already: the task must notice.
        let seen = seen.wrapping_sub(u32::from(owner.is_flagged()));
        Ok(Plan {
            info: o.info,
            pin,
            seen_cancel_epoch: seen,
            on_done,
            more_references: 1,
            ..Plan::new(owner.clone(), pool, self.new_task_id(), ordinal)
        })
    }

    /// Tells of a new task.
    #[inline]
    fn made(&self, fiber: &FiberRef) {
        let shared = self.shared();
        let worker = self.worker();
        if let Some(worker) = worker {
            count(&worker.remote().counters.spawned);
        }
        self.next_op();
        self.event(Op::Spawn, u64::from(fiber.ordinal), 0);
        if let (Some(log), Some(worker)) = (&shared.events, worker) {
            log.record_with(worker, fiber, EventKind::Spawn, self.id());
        }
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

    #[inline]
    pub(crate) fn new_task_id(&self) -> u64 {
        match self.worker() {
            Some(worker) => worker.new_id(),
            None => self.shared().new_object(),
        }
    }

    /// Enqueues an unstarted task.
    #[inline]
    pub(crate) fn start(&self, fiber: FiberRef) {
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
