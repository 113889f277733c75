//! A runtime: its threads, from start to end.

use crate::config::Config;
use crate::counted::Ref;
use crate::fiber::{Body, Plan, SpawnInfo};
use crate::payload::Outcome;
use crate::sched::deadlock::DeadlockReport;
use crate::sched::det::Counts;
use crate::sched::events::Event;
use crate::sched::group::{Group, Member};
use crate::sched::pool::Pool;
use crate::sched::shared::Shared;
use crate::sched::stats::Stats;
use crate::sched::trace_hash::TraceLog;
use crate::sched::worker::Seed;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Worker threads, queues, timers: everything fibers need. Dropping it stops them.
#[derive(Debug)]
pub struct Runtime {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    running: Mutex<()>,
}

/// How a program ended.
#[derive(Debug)]
pub struct RunReport {
    /// Of the main task. The slot is the caller's.
    pub outcome: Outcome,
    /// Detached failures that have been reported.
    pub detached_failures: usize,
    /// Set when every fiber was blocked for ever at some time.
    pub deadlock: Option<DeadlockReport>,
    /// Digest of a deterministic run.
    pub trace_hash: Option<u64>,
    /// What a deterministic run did, if that was kept.
    pub trace_log: Option<TraceLog>,
    /// How much a deterministic run had to decide.
    pub counts: Counts,
    /// The time fibers saw at the end, in nanoseconds.
    pub now: u64,
}

/// What an interrupt from outside meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// Main's scope is being cancelled.
    Cancelling,
    /// It was the second one: end the process now.
    Insisted,
}

impl Runtime {
    /// Starts worker threads and monitor.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(config: Config) -> std::io::Result<Runtime> {
        let deterministic = !matches!(config.mode, crate::config::Mode::Parallel);
        let workers = match config.workers {
            _ if deterministic => 1,
            0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
            n => n.min(usize::from(u8::MAX)),
        };
        let shared = Arc::new(Shared::new(config));
        let runtime = Runtime {
            shared,
            threads: Mutex::new(Vec::new()),
            running: Mutex::new(()),
        };
        let global = runtime.start_pool("global", workers)?;
        debug_assert_eq!(global.number(), 0);
        if !deterministic {
            let shared = runtime.shared.clone();
            runtime.keep(
                std::thread::Builder::new()
                    .name("fiber-monitor".into())
                    .spawn(move || crate::sched::monitor::watch(&shared))?,
            );
        }
        Ok(runtime)
    }

    fn keep(&self, thread: JoinHandle<()>) {
        self.threads
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .push(thread);
    }

    fn start_pool(&self, name: &str, workers: usize) -> std::io::Result<Arc<Pool>> {
        let (pool, threads) = start_pool(&self.shared, name, workers)?;
        for thread in threads {
            self.keep(thread);
        }
        Ok(pool)
    }

    /// Runs a program: its main task and everything it starts. Returns when all have ended.
    pub fn run(&self, body: Box<dyn Body>, info: SpawnInfo) -> RunReport {
        let _one = self.running.lock().unwrap_or_else(|e| e.into_inner());
        let shared = &self.shared;
        shared.io_begin();
        let root = Group::root(shared.clone());
        let global = shared.global();
        let main = Plan {
            info,
            seen_cancel_epoch: shared.cancel_epoch(),
            ..Plan::new(root.clone(), global, 1, 1)
        }
        .make(body);
        main.state.set_observed();
        *shared.root.lock() = Some(root.clone());
        *shared.main.lock() = Some(main.clone());
        shared.interrupted.store(0, Ordering::Release);
        shared.failures.store(0, Ordering::Release);
        shared.root_started();
        shared.monitor.hurry();
        shared.outside().ready(main.clone());
        shared.io_end();
        shared.wait_root();
        let outcome = match main.outcome() {
            Some(outcome) => outcome.share(shared.payload),
            None => Outcome::Cancelled,
        };
        abandon(&root);
        *shared.root.lock() = None;
        *shared.main.lock() = None;
        RunReport {
            outcome,
            detached_failures: shared.failures.load(Ordering::Acquire),
            deadlock: shared.deadlock.lock().take(),
            trace_hash: shared.det.as_ref().map(|d| d.hash()),
            trace_log: shared.det.as_ref().and_then(|d| d.take_log()),
            counts: shared.det.as_ref().map(|d| d.counts()).unwrap_or_default(),
            now: shared.clock.now(),
        }
    }

    /// Ctrl-C: cancels main's scope; the second time says so. Callable from any thread, not from
    /// a signal handler.
    pub fn interrupt(&self) -> Interrupt {
        if self.shared.interrupted.fetch_add(1, Ordering::AcqRel) > 0 {
            return Interrupt::Insisted;
        }
        let root = self.shared.root.lock().clone();
        let main = self.shared.main.lock().clone();
        let mut all: Vec<Member> = root.map(Member::Group).into_iter().collect();
        all.extend(main.map(Member::Fiber));
        crate::sched::group::cancel_all(self.shared.outside(), all);
        self.shared.poke_all();
        Interrupt::Cancelling
    }

    /// What has happened so far.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        for pool in self.shared.pools.lock().iter() {
            for worker in pool.workers() {
                stats.add(&worker.counters);
            }
        }
        stats.monitor_looks = self.shared.monitor.looks.load(Ordering::Relaxed);
        stats.peak_stacks = self.shared.stacks.peak() as u64;
        stats
    }

    /// The events recorded so far, if they are.
    pub fn take_events(&self) -> Vec<Event> {
        self.shared
            .events
            .as_ref()
            .map(|log| log.take())
            .unwrap_or_default()
    }

    /// Worker threads of the global pool.
    pub fn workers(&self) -> usize {
        self.shared.global().threads()
    }
}

/// Starts the threads of a new pool.
pub(crate) fn start_pool(
    shared: &Arc<Shared>,
    name: &str,
    workers: usize,
) -> std::io::Result<(Arc<Pool>, Vec<JoinHandle<()>>)> {
    let (seeds, remotes): (Vec<_>, Vec<_>) = (0..workers).map(|_| Seed::new(workers == 1)).unzip();
    let pool = {
        let mut pools = shared.pools.lock();
        let pool = Arc::new(Pool::new(pools.len(), name, remotes));
        pools.push(pool.clone());
        shared.note_workers(pools.iter().map(|p| p.workers().len()).sum());
        shared.add_pool(&pool);
        if pools.len() == 1 {
            shared.set_global(pool.clone());
        }
        pool
    };
    let mut threads = Vec::new();
    for (index, seed) in seeds.into_iter().enumerate() {
        let (shared, pool) = (shared.clone(), pool.clone());
        {
            let _order = shared.sleep_lock.lock();
            shared.awake.fetch_add(1, Ordering::SeqCst);
        }
        shared.monitor.hurry();
        let counted = shared.clone();
        let thread = std::thread::Builder::new()
            .name(format!("fiber-{name}-{index}"))
            .stack_size(shared.worker_stack)
            .spawn(move || seed.work(shared, pool, index));
        match thread {
            Ok(thread) => threads.push(thread),
            Err(why) => {
                let _order = counted.sleep_lock.lock();
                counted.awake.fetch_sub(1, Ordering::SeqCst);
                return Err(why);
            }
        }
    }
    Ok((pool, threads))
}

/// Gives up whatever is left of a program that could not end by itself.
fn abandon(root: &Ref<Group>) {
    let mut todo = root.take_members();
    while let Some(member) = todo.pop() {
        match member {
            Member::Group(group) => todo.extend(group.take_members()),
            Member::Fiber(fiber) => {
                if fiber.state.is_parked() {
                    // SAFETY: parked, and nothing is left that could wake it.
                    unsafe {
                        drop(fiber.take_coro());
                        fiber.drop_body();
                        let family = (*fiber.family.get()).take();
                        if let Some(scope) = &family {
                            scope.forget_body();
                        }
                        drop(family);
                    }
                }
            }
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let shared = &self.shared;
        shared.stopping.store(true, Ordering::Release);
        shared.monitor.stop();
        shared.blocking.stop();
        let pools: Vec<Arc<Pool>> = shared.pools.lock().clone();
        for pool in &pools {
            pool.wake_all(shared);
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(|e| e.into_inner()));
        let executors = std::mem::take(&mut *shared.threads.lock());
        for thread in threads.into_iter().chain(executors) {
            let _ = thread.join();
        }
    }
}
