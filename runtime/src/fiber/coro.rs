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
    context: Context,
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
            context: Context::new(),
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
        let left = self.context.enter();
        let result = self.inner.resume(worker);
        left.enter();
        match result {
            CoroutineResult::Return(step) => Some(step),
            CoroutineResult::Yield(()) => None,
        }
    }

    /// Returns the stack of a coroutine that has ended.
    pub(crate) fn give_back(mut self, worker: &Worker) {
        self.context.end();
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
            let left = self.context.enter();
            let _ = self.inner.resume(std::ptr::null());
            left.enter();
        }
        if self.inner.done() {
            self.context.end();
            // SAFETY: taken once, here.
            let stack = unsafe { ManuallyDrop::take(&mut self.inner) }.into_stack();
            // SAFETY: the fiber owns this coroutine and is still there.
            unsafe { &*self.fiber }.shared().stacks.put_global(&stack);
        }
        // Else its cleaning up insists on waiting: stack and coroutine are leaked.
    }
}

#[cfg(not(tsan))]
use plain::Context;
#[cfg(tsan)]
use sanitized::Context;

/// Nobody need be told that the stack is switched.
#[cfg(not(tsan))]
mod plain {
    pub(super) struct Context;

    impl Context {
        pub(super) fn new() -> Context {
            Context
        }

        pub(super) fn enter(&self) -> Context {
            Context
        }

        pub(super) fn end(&self) {}
    }
}

/// With `--cfg tsan`: ThreadSanitizer is told which coroutine runs, or it would take what a
/// coroutine does for its worker's doing.
#[cfg(tsan)]
mod sanitized {
    use std::ffi::{c_uint, c_void};

    unsafe extern "C" {
        fn __tsan_get_current_fiber() -> *mut c_void;
        fn __tsan_create_fiber(flags: c_uint) -> *mut c_void;
        fn __tsan_destroy_fiber(fiber: *mut c_void);
        fn __tsan_switch_to_fiber(fiber: *mut c_void, flags: c_uint);
    }

    /// What the sanitizer takes for a thread.
    pub(super) struct Context(*mut c_void);

    impl Context {
        pub(super) fn new() -> Context {
            // SAFETY: the sanitizer is linked in.
            Context(unsafe { __tsan_create_fiber(0) })
        }

        /// From now on this one runs; gives the one that has run so far.
        #[inline(always)]
        pub(super) fn enter(&self) -> Context {
            // SAFETY: both contexts are alive.
            unsafe {
                let left = __tsan_get_current_fiber();
                __tsan_switch_to_fiber(self.0, 0);
                Context(left)
            }
        }

        /// It does not run any more.
        pub(super) fn end(&self) {
            // SAFETY: called once, by the coroutine's end.
            unsafe { __tsan_destroy_fiber(self.0) }
        }
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
