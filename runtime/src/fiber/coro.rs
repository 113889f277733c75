//! Coroutines: the only file that knows how stacks are switched.

use crate::fiber::stack::StackSlot;
use crate::fiber::{Fiber, FiberCx, FiberRef, Step};
use crate::payload::Outcome;
use crate::sched::worker::Worker;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What a resumption brings along: the worker, or null to unwind at once.
type Input = *const Worker;
/// The way back from a coroutine.
pub(crate) type Switch = Yielder<Input, ()>;

/// Thrown inside a coroutine that is given up while it is suspended.
pub(crate) struct Killed;

/// A suspended coroutine with its stack.
pub(crate) struct Coro {
    inner: ManuallyDrop<Coroutine<Input, (), Step, StackSlot>>,
    fiber: *const Fiber,
}

// SAFETY: a suspended coroutine is moved between threads only as part of its fiber, which one
// thread at a time runs; code on fibers reads no thread-local across a suspension.
unsafe impl Send for Coro {}

impl Coro {
    /// Starts the body of `fiber` on a stack of its own and runs it until it leaves: with a step
    /// if it has returned, with the coroutine if it is suspended.
    pub(crate) fn start(worker: &Worker, fiber: &FiberRef) -> (Option<Step>, Option<Box<Coro>>) {
        let Some(stack) = worker.shared().stacks.take(&worker.stacks) else {
            let why = Box::new("out of memory for stacks");
            let failure = worker.shared().hooks.panicked(why);
            return (Some(Step::Done(Outcome::Failed(failure))), None);
        };
        let raw = fiber.as_ptr();
        let floor = stack.floor();
        let inner = Coroutine::with_stack(stack, move |switch: &Switch, worker: Input| {
            // SAFETY: whoever resumes the coroutine holds a count of the fiber meanwhile.
            let fiber = ManuallyDrop::new(unsafe { FiberRef::from_raw(raw) });
            // SAFETY: the first resumption is by a worker.
            let cx = FiberCx::new(unsafe { &*worker }, &fiber);
            cx.set_yielder(switch);
            cx.set_stack_limit(floor);
            // SAFETY: the body is the running coroutine's until it returns.
            let Some(body) = (unsafe { fiber.live_body() }) else {
                return Step::Done(Outcome::Cancelled);
            };
            match catch_unwind(AssertUnwindSafe(|| body.resume(&cx))) {
                Ok(step) => step,
                Err(panic) if panic.is::<Killed>() => Step::Done(Outcome::Cancelled),
                Err(panic) => Step::Done(Outcome::Failed(fiber.shared().hooks.panicked(panic))),
            }
        });
        let mut coro = Coro {
            inner: ManuallyDrop::new(inner),
            fiber: raw,
        };
        match coro.resume(worker) {
            Some(step) => {
                coro.give_back(worker);
                (Some(step), None)
            }
            None => (None, Some(Box::new(coro))),
        }
    }

    /// Goes on. `Some` when the body has returned.
    pub(crate) fn resume(&mut self, worker: &Worker) -> Option<Step> {
        match self.inner.resume(worker) {
            CoroutineResult::Return(step) => Some(step),
            CoroutineResult::Yield(()) => None,
        }
    }

    /// Returns the stack of a coroutine that has ended.
    pub(crate) fn give_back(mut self, worker: &Worker) {
        // SAFETY: `self` is forgotten right below.
        let stack = unsafe { ManuallyDrop::take(&mut self.inner) }.into_stack();
        std::mem::forget(self);
        worker.shared().stacks.put(&worker.stacks, &stack);
    }
}

impl Drop for Coro {
    /// Unwinds a coroutine that is given up while suspended.
    fn drop(&mut self) {
        // Cleaning up may try to wait again; it is told that it has been cancelled.
        for _ in 0..1000 {
            if self.inner.done() {
                break;
            }
            let _ = self.inner.resume(std::ptr::null());
        }
        if self.inner.done() {
            // SAFETY: taken once, here.
            let stack = unsafe { ManuallyDrop::take(&mut self.inner) }.into_stack();
            // SAFETY: the fiber owns this coroutine and is still there.
            unsafe { &*self.fiber }.shared().stacks.put_global(&stack);
        }
        // Else its cleaning up insists on waiting: stack and coroutine are leaked.
    }
}

/// Leaves the coroutine until it is resumed.
pub(crate) fn suspend(switch: &Switch, cx: &FiberCx) {
    let worker = switch.suspend(());
    cx.set_worker(worker);
    if worker.is_null() && !std::thread::panicking() {
        resume_unwind(Box::new(Killed));
    }
}

/// Runs `f` on the stack of whoever resumed the coroutine.
pub(crate) fn on_parent_stack<R>(switch: &Switch, f: impl FnOnce() -> R + Send) -> R {
    // A panic must not cross the switch: this build of corosensei does not carry it.
    let result = switch.on_parent_stack(move || Carried(catch_unwind(AssertUnwindSafe(f))));
    match result.0 {
        Ok(value) => value,
        Err(panic) => resume_unwind(panic),
    }
}

struct Carried<R>(std::thread::Result<R>);
