//! What the runtime tells of its own accord: failures nobody saw, deadlocks, panics.

use std::any::Any;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Acquire, Ordering::Release};

use lumen_runtime::heap::{error, list};
use lumen_runtime::native::{Host, Stream, kind};
use lumen_runtime::{BlockedFiber, DeadlockReport, Hooks, TaskInfo};

use super::{payload, worker_heap};
use crate::backtrace::FailureReport;
use crate::interp::dispatch::Pc;
use crate::load::image::Image;

/// The hooks of one run.
pub(crate) struct VmHooks {
    image: Arc<Image>,
    host: Arc<dyn Host + Send>,
    failures: AtomicUsize,
}

impl VmHooks {
    /// Reports go to `host`.
    pub(crate) fn new(image: Arc<Image>, host: Arc<dyn Host + Send>) -> VmHooks {
        VmHooks {
            image,
            host,
            failures: AtomicUsize::new(0),
        }
    }

    /// How many failures have been reported.
    pub(crate) fn failures(&self) -> usize {
        self.failures.load(Acquire)
    }

    fn report(&self, text: &str) {
        // There is nowhere left to report that standard error is gone.
        let _ = self.host.write(Stream::Err, text);
    }
}

impl Hooks for VmHooks {
    fn detached_failure(&self, task: &TaskInfo, failure: u64) {
        // SAFETY: a failed task's slot is an Error of this program.
        let report = unsafe { FailureReport::of(&self.image, failure) };
        let name = task.name.as_deref().unwrap_or(&task.path);
        let mut text = format!("{}  in task {name}\n", report.render());
        spawn_chain(&self.image, &task.spawn_sites, &mut text);
        self.report(&text);
        self.failures.fetch_add(1, Release);
        payload::drop_word(failure);
    }

    fn failed_unwinding(&self, failure: u64) -> bool {
        // SAFETY: a failed task's slot is an Error of this program.
        unsafe {
            let causes = error::list_slot(failure, error::CAUSES);
            error::text(failure, error::KIND) == kind::CANCELLED && list::len(causes) > 0
        }
    }

    fn deadlock(&self, report: &DeadlockReport) {
        self.report(&deadlock_text(&self.image, report));
    }

    fn panicked(&self, payload: Box<dyn Any + Send>) -> u64 {
        let message = panic_message(&*payload);
        worker_heap::existing()
            // SAFETY: this thread's heap.
            .and_then(|heap| unsafe { error::new(&mut *heap, "Panic", &message, "").ok() })
            .unwrap_or(self.image.no_memory)
    }
}

/// The text of a panic.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    format!("internal error: {}", text.unwrap_or("panic"))
}

/// Lines for the places where a task and its ancestors were spawned.
pub(crate) fn spawn_chain(image: &Image, sites: &[u64], out: &mut String) {
    for site in sites.iter().filter(|s| **s != 0) {
        let _ = writeln!(out, "  spawned at {}", image.trace_line(*site as Pc));
    }
}

/// Every blocked fiber: what it waits for, since where, and where it was spawned.
pub(crate) fn deadlock_text(image: &Image, report: &DeadlockReport) -> String {
    let millis = report.at / 1_000_000;
    let mut out = format!("deadlock: every fiber is blocked, at {millis} ms\n");
    if !report.cycle.is_empty() {
        let names: Vec<&str> = report
            .cycle
            .iter()
            .chain(report.cycle.first())
            .filter_map(|id| report.fiber(*id))
            .map(label)
            .collect();
        let _ = writeln!(out, "  cycle: {}", names.join(" -> "));
    }
    for fiber in &report.fibers {
        let _ = write!(out, "  fiber {} blocked on {}", label(fiber), fiber.reason);
        if let Some(holder) = report.fiber(fiber.holder) {
            let _ = write!(out, " of {}", label(holder));
        }
        out.push('\n');
        for pc in fiber.trace.iter().take(16) {
            let _ = writeln!(out, "    at {}", image.trace_line(*pc as Pc));
        }
        let mut chain = String::new();
        spawn_chain(image, &fiber.spawn_sites, &mut chain);
        for line in chain.lines() {
            let _ = writeln!(out, "  {line}");
        }
    }
    out
}

fn label(fiber: &BlockedFiber) -> &str {
    fiber.name.as_deref().unwrap_or(&fiber.path)
}
