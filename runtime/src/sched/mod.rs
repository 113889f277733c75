//! The scheduler: how fibers get from ready to running and back. `README.md` beside this file
//! holds the protocol and its proof sketch.

pub(crate) mod cancel;
pub mod deadlock;
pub mod decide;
pub(crate) mod delays;
pub(crate) mod deque;
pub mod det;
pub mod events;
pub(crate) mod finish;
pub(crate) mod group;
pub(crate) mod idle;
pub(crate) mod in_place;
pub(crate) mod monitor;
pub(crate) mod next;
pub mod policy;
pub mod pool;
pub mod runtime;
pub(crate) mod shared;
pub(crate) mod spare;
pub(crate) mod state;
pub mod stats;
pub mod trace_hash;
pub(crate) mod wait_reason;
pub(crate) mod woken;
pub(crate) mod worker;

use crate::fiber::{Fiber, FiberRef};
use shared::Shared;
use worker::Worker;

/// Where an operation is performed: on a worker, or outside all of them. No thread-local tells;
/// it is passed.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) worker: Option<&'a Worker>,
}

impl<'a> Place<'a> {
    /// The fiber's pool, which lives as long as the runtime.
    #[inline]
    fn pool_of(self, fiber: &Fiber) -> &'a pool::Pool {
        self.shared.pool_at(fiber.pool)
    }

    /// Enqueues a fiber that is READY and that the caller owns.
    #[inline]
    pub(crate) fn ready(self, fiber: FiberRef) {
        if let Some(det) = &self.shared.det {
            det.push(fiber);
            if self.worker.is_none() {
                fiber_arrived_outside(self.shared);
            }
            return;
        }
        if fiber.pin != 0 {
            self.pool_of(&fiber).inject_pinned(self.shared, fiber);
            return;
        }
        match self.worker {
            Some(worker) if fiber.is_on(worker.pool()) => worker.ready_local(fiber),
            _ => self.pool_of(&fiber).inject(self.shared, fiber),
        }
    }

    /// Enqueues several, in order.
    #[inline]
    pub(crate) fn ready_all(self, fibers: Vec<FiberRef>) {
        for fiber in fibers {
            self.ready(fiber);
        }
    }
}

fn fiber_arrived_outside(shared: &Shared) {
    shared.global().wake_one(shared);
}
#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;
#[cfg(all(test, loom))]
mod whole_models;
