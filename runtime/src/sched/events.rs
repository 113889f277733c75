//! An optional record of what ran where and when, for timeline viewers.

use crate::fiber::Fiber;
use crate::prim::Mutex;
use crate::sched::worker::Worker;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A fiber was spawned; `other` is its parent.
    Spawn,
    /// A worker began to run a fiber.
    Run,
    /// The fiber parked.
    Park,
    /// The fiber made room.
    Yield,
    /// The fiber ended.
    End,
    /// A worker took the fiber from another one.
    Steal,
    /// The fiber waits for fiber `other`.
    Await,
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Nanoseconds since the start of the runtime, on the machine's clock.
    pub at: u64,
    /// Number of the pool.
    pub pool: u32,
    /// Number of the worker in it.
    pub worker: u32,
    /// The fiber concerned.
    pub fiber: u64,
    /// Another fiber concerned, or 0.
    pub other: u64,
    /// What happened.
    pub kind: EventKind,
}

/// Collects events. One lock: recording is for looking, not for measuring.
pub(crate) struct EventLog {
    events: Mutex<Vec<Event>>,
}

/// More than this many events are not kept: the file would be of no use.
const MAX_EVENTS: usize = 4_000_000;

impl EventLog {
    pub(crate) fn new() -> EventLog {
        EventLog {
            events: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn record(&self, worker: &Worker, fiber: &Fiber, kind: EventKind) {
        self.record_with(worker, fiber, kind, 0);
    }

    pub(crate) fn record_with(&self, worker: &Worker, fiber: &Fiber, kind: EventKind, other: u64) {
        let event = Event {
            at: worker.shared().clock.real(),
            pool: worker.pool().number() as u32,
            worker: worker.index() as u32,
            fiber: fiber.id,
            other,
            kind,
        };
        let mut events = self.events.lock();
        if events.len() < MAX_EVENTS {
            events.push(event);
        }
    }

    pub(crate) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock())
    }
}
