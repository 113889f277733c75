//! What a runtime is told at its start.

use crate::payload::PayloadVTable;
use crate::sched::deadlock::DeadlockReport;
use crate::sched::decide::Policy;
use std::sync::Arc;
use std::time::Duration;

/// How fibers are scheduled.
#[derive(Default)]
pub enum Mode {
    /// M:N over all workers, as fast as possible.
    #[default]
    Parallel,
    /// One fiber at a time, every choice made by a policy; see [`crate::sched::decide`].
    Deterministic(Box<dyn Policy>),
}

impl std::fmt::Debug for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Mode::Parallel => "Parallel",
            Mode::Deterministic(_) => "Deterministic",
        })
    }
}

/// Which time fibers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ClockKind {
    /// The machine's monotonic clock, from the start of the runtime.
    #[default]
    Real,
    /// Starts at 0 and moves only when every fiber waits, straight to the next deadline.
    Virtual,
}

/// What the runtime tells the embedder of its own accord.
pub trait Hooks: Send + Sync {
    /// A task failed and nobody can see that any more. The slot is the embedder's again.
    fn detached_failure(&self, task: &TaskInfo, failure: u64);

    /// Whether a failure came up while a cancelled task unwound. That of a branch that has lost is
    /// then told as one that nobody can see; what else a loser fails with is of no interest.
    fn failed_unwinding(&self, failure: u64) -> bool {
        let _ = failure;
        false
    }

    /// Every fiber is blocked for ever. Called before main is woken with `WaitError::Deadlock`.
    fn deadlock(&self, report: &DeadlockReport) {
        let _ = report;
    }

    /// A body panicked: turns the panic's payload into a failure slot.
    fn panicked(&self, payload: Box<dyn std::any::Any + Send>) -> u64 {
        drop(payload);
        0
    }
}

/// A task as reports name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskInfo {
    /// `main.2.1`: spawn ordinals from the root.
    pub path: String,
    /// The name given at spawn.
    pub name: Option<Arc<str>>,
    /// Spawn sites, innermost first, in the embedder's numbers.
    pub spawn_sites: Vec<u64>,
}

/// Hooks that say nothing.
#[derive(Debug, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {
    fn detached_failure(&self, _: &TaskInfo, _: u64) {}
}

/// Settings of a [`crate::Runtime`].
pub struct Config {
    /// Worker threads of the global pool; 0 is the number of cores. Deterministic runs use one.
    pub workers: usize,
    /// Scheduling.
    pub mode: Mode,
    /// Time.
    pub clock: ClockKind,
    /// Seed of the fibers' random streams.
    pub seed: u64,
    /// Bytes of one coroutine stack slot, guard page included; rounded up to a power of two.
    /// 64 KiB keep page tables at 128 bytes a stack; more costs more of those, less cuts depth.
    pub stack_size: usize,
    /// Address space reserved for stacks, as a number of slots; nothing is committed.
    pub max_stacks: usize,
    /// Stack of a worker thread: stackless bodies run here, and children run in place.
    pub worker_stack: usize,
    /// Report a deadlock when every fiber is blocked, no timer runs and nothing outside is in
    /// flight. Off for programs whose channels are also used by other threads.
    pub detect_deadlock: bool,
    /// How long a body may run before it is asked to make room, when others wait.
    pub time_slice: Duration,
    /// Threads of the blocking pool, at most.
    pub max_blocking: usize,
    /// Record events for [`crate::sched::events`].
    pub trace_events: bool,
    /// Keep every operation of a deterministic run, not only their digest.
    pub trace_log: bool,
    /// Seed of random pauses at scheduling points of parallel runs, for tests.
    pub delays: Option<u64>,
    /// What slots are.
    pub payload: &'static PayloadVTable,
    /// A word of the embedder's that bodies find by
    /// [`FiberCx::embedder`](crate::FiberCx::embedder): what all of them would else have to hold.
    pub embedder: usize,
    /// Whom to tell.
    pub hooks: Arc<dyn Hooks>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            workers: 0,
            mode: Mode::Parallel,
            clock: ClockKind::Real,
            seed: 0,
            stack_size: 64 << 10,
            max_stacks: 1 << 20,
            worker_stack: 8 << 20,
            detect_deadlock: false,
            time_slice: Duration::from_millis(10),
            max_blocking: 64,
            trace_events: false,
            trace_log: false,
            delays: None,
            payload: PayloadVTable::PLAIN,
            embedder: 0,
            hooks: Arc::new(NoHooks),
        }
    }
}

impl Config {
    /// One fiber at a time, first in, first out, on the virtual clock.
    pub fn fifo(seed: u64) -> Self {
        Config {
            mode: Mode::Deterministic(Box::new(crate::sched::policy::fifo::Fifo)),
            clock: ClockKind::Virtual,
            seed,
            workers: 1,
            detect_deadlock: true,
            ..Config::default()
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("workers", &self.workers)
            .field("mode", &self.mode)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
