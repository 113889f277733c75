//! Fibers: the interpreter as a body of the runtime.
//!
//! A value that crosses fibers (a spawned closure, a result, a failure) is a *word* of its own,
//! whatever its static type, so that the runtime can give it up without knowing types; it is marked
//! shared before another fiber can see it.

pub(crate) mod hooks;
pub(crate) mod payload;
pub(crate) mod worker_heap;

use std::cell::Cell;
use std::task::Poll;

use lumen_runtime::heap::{Heap, closure, count, record};
use lumen_runtime::{Body, FiberCx, Outcome, Safepoint, Step};

use crate::interp::context::Due;
use crate::interp::{Interp, Rest};
use crate::program::Instance;
use worker_heap::WorkerHeap;

/// What a fiber's instructions and natives know of the world around it.
pub(crate) struct Task {
    instance: *const Instance,
    /// The runtime's side of the fiber; valid while it runs.
    fiber: Cell<*const FiberCx>,
    /// Nested `mask`s.
    masks: Cell<u32>,
    /// It gave way at a poll; the runtime must be asked again before it goes on.
    yielding: Cell<bool>,
    /// What a native keeps while it waits, or 0.
    kept: Cell<u64>,
}

impl Task {
    fn new(instance: &Instance) -> Task {
        Task {
            instance,
            fiber: Cell::new(std::ptr::null()),
            masks: Cell::new(0),
            yielding: Cell::new(false),
            kept: Cell::new(0),
        }
    }

    /// The running program.
    #[inline]
    pub(crate) fn program(&self) -> &Instance {
        // SAFETY: the instance outlives the runtime that runs its fibers.
        unsafe { &*self.instance }
    }

    /// The runtime's side, while the fiber runs.
    #[inline]
    pub(crate) fn fiber(&self) -> Option<&FiberCx> {
        // SAFETY: null, or set by the `resume` that is under way.
        unsafe { self.fiber.get().as_ref() }
    }

    /// What the poll word was set for.
    pub(crate) fn answer_poll(&self) -> Due {
        let Some(fiber) = self.fiber() else {
            return Due::Nothing;
        };
        match fiber.safepoint() {
            Safepoint::Continue => Due::Nothing,
            Safepoint::Stop(_) => Due::Cancel,
            Safepoint::Yield => self.give_way(fiber),
        }
    }

    fn give_way(&self, fiber: &FiberCx) -> Due {
        let answer = fiber.poll_yield();
        self.yielding.set(answer.is_pending());
        match answer {
            Poll::Pending => Due::Yield,
            Poll::Ready(Ok(())) => Due::Nothing,
            Poll::Ready(Err(_)) => Due::Cancel,
        }
    }

    /// Where a native keeps a word while it waits.
    pub(crate) fn kept(&self) -> &Cell<u64> {
        &self.kept
    }

    /// Holds cancellation back.
    pub(crate) fn mask(&self) {
        self.masks.set(self.masks.get() + 1);
        if let (1, Some(fiber)) = (self.masks.get(), self.fiber()) {
            fiber.set_masked(true);
        }
    }

    /// Ends one `mask`.
    pub(crate) fn unmask(&self) {
        let masks = self.masks.get().saturating_sub(1);
        self.masks.set(masks);
        if let (0, Some(fiber)) = (masks, self.fiber()) {
            fiber.set_masked(false);
        }
    }
}

/// What main's fiber does: initialise module-level variables, then call the entry.
pub(crate) struct MainPlan {
    /// Variables initialised so far.
    pub(crate) globals: usize,
    /// Entry function.
    pub(crate) entry: usize,
    /// Its arguments, owned.
    pub(crate) args: Vec<u64>,
}

/// A fiber that has begun.
pub(crate) struct Running {
    task: Task,
    interp: Interp,
    plan: Option<Box<MainPlan>>,
}

impl Running {
    /// Is it worth keeping for another fiber?
    pub(crate) fn is_small(&self) -> bool {
        self.interp.is_small() && self.plan.is_none()
    }

    /// For another fiber.
    fn reset(&mut self) {
        self.task.fiber.set(std::ptr::null());
        self.task.masks.set(0);
        self.task.yielding.set(false);
        self.task.kept.set(0);
    }
}

/// A fiber that runs Lumen code: small until it begins.
///
/// The program is the runtime's embedder's word: a body of one word makes a small task.
pub(crate) struct FiberBody {
    /// The closure to call, owned; or, with `BEGUN`, the address of a boxed `Running`; or 0, when
    /// it has ended.
    state: usize,
}

/// Marks the address of a `Running`. Closures and boxes are aligned, so the bit is free.
const BEGUN: usize = 1;

// SAFETY: a body is resumed by one worker at a time; what it points to outlives it, and the
// pointer to the runtime's side is only used during a `resume`.
unsafe impl Send for FiberBody {}

impl FiberBody {
    /// A fiber that calls `closure`, a closure without parameters, which it takes over.
    pub(crate) fn spawned(closure: u64) -> FiberBody {
        FiberBody {
            state: closure as usize,
        }
    }

    /// Main's fiber.
    pub(crate) fn main(instance: &Instance, plan: MainPlan) -> FiberBody {
        let running = Box::new(Running {
            task: Task::new(instance),
            interp: Interp::idle(instance.max_stack()),
            plan: Some(Box::new(plan)),
        });
        let mut body = FiberBody { state: 0 };
        body.keep(running);
        // SAFETY: just made.
        unsafe { (*body.running()).begin_next() };
        body
    }

    fn keep(&mut self, running: Box<Running>) {
        self.state = Box::into_raw(running) as usize | BEGUN;
    }

    fn has_begun(&self) -> bool {
        self.state & BEGUN != 0
    }

    /// Only of a fiber that has begun.
    fn running(&self) -> *mut Running {
        debug_assert!(self.has_begun());
        (self.state & !BEGUN) as *mut Running
    }

    /// What runs and waits; the caller's from now on.
    fn take_running(&mut self) -> Option<Box<Running>> {
        let running = self.has_begun().then(|| self.running())?;
        self.state = 0;
        // SAFETY: from `keep`, once.
        Some(unsafe { Box::from_raw(running) })
    }

    /// Begins the call of the closure, on frames that are to hand.
    ///
    /// # Safety
    /// `worker` is this thread's.
    unsafe fn begin(&mut self, instance: &Instance, worker: *mut WorkerHeap) {
        // SAFETY: by contract.
        let spare = unsafe { (*worker).take_spare() };
        let mut running = spare.unwrap_or_else(|| {
            Box::new(Running {
                task: Task::new(instance),
                interp: Interp::idle(instance.max_stack()),
                plan: None,
            })
        });
        let word = self.state as u64;
        // SAFETY: a live closure.
        let func = unsafe { closure::function(word) } as usize;
        running.interp.begin(instance.image(), func, word, &[]);
        self.keep(running);
    }
}

impl Running {
    /// Main: frames for the next function. False: there is none.
    fn begin_next(&mut self) -> bool {
        let Some(plan) = &mut self.plan else {
            return false;
        };
        let image = self.task.program().image();
        let rest = image.globals[plan.globals..].iter();
        let set_later = rest.take_while(|(_, init)| init.is_none()).count();
        plan.globals += set_later;
        match image.globals.get(plan.globals) {
            Some(&(_, Some(init))) => self.interp.begin(image, init as usize, 0, &[]),
            _ => self.interp.begin(image, plan.entry, 0, &plan.args),
        }
        true
    }

    /// Runs the present frames.
    fn run(&mut self, cx: &FiberCx, heap: *mut Heap) -> Rest {
        let mut cancelled = false;
        if self.task.yielding.get() {
            match self.task.give_way(cx) {
                Due::Yield => return Rest::Yielded,
                Due::Nothing => {}
                Due::Cancel => cancelled = true,
            }
        }
        let (program, poll) = (self.task.program(), cx.poll_word());
        // SAFETY: this program's instance, the heap and poll word of the worker that resumes us.
        unsafe {
            self.interp
                .resume(program, heap, poll, &self.task, cancelled)
        }
    }

    /// The end of one function: true if there is another to run.
    ///
    /// # Safety
    /// `value` is its result.
    unsafe fn next(&mut self, heap: &mut Heap, value: u64) -> bool {
        let Some(plan) = &mut self.plan else {
            return false;
        };
        let instance = self.task.program();
        if plan.globals < instance.image().globals.len() {
            // SAFETY: the initialiser's result has the variable's type.
            unsafe { instance.set_global(heap, plan.globals, value) };
            plan.globals += 1;
            return self.begin_next();
        }
        false
    }

    /// Ends the fiber.
    ///
    /// # Safety
    /// No frames are used any more; a value or Error in `rest` is owned.
    unsafe fn finish(&mut self, heap: &mut Heap, rest: Rest) -> Outcome {
        let image = self.task.program().image();
        let ty = image.funcs[self.interp.entry()].result;
        // SAFETY: by contract; the closure and the arguments are owned.
        unsafe {
            let outcome = match rest {
                Rest::Done(value) => match record::to_word(heap, value, ty) {
                    Ok(word) => Outcome::Ok(word),
                    Err(_) => Outcome::Failed(image.no_memory),
                },
                Rest::Failed(error) if error != image.cancelled => Outcome::Failed(error),
                _ => Outcome::Cancelled,
            };
            if let Some(word) = outcome.slot() {
                count::share(heap, word);
            }
            count::drop(heap, self.interp.closure());
            if let Some(plan) = self.plan.take() {
                for arg in plan.args {
                    count::drop(heap, arg);
                }
            }
            outcome
        }
    }
}

impl Body for FiberBody {
    fn resume(&mut self, cx: &FiberCx) -> Step {
        if self.state == 0 {
            return Step::Done(Outcome::Cancelled);
        }
        // SAFETY: `Program::run_function` says so; the instance outlives its fibers.
        let instance = unsafe { &*(cx.embedder() as *const Instance) };
        let worker = worker_heap::current(instance.heap_shared());
        if !self.has_begun() {
            // SAFETY: this thread's.
            unsafe { self.begin(instance, worker) };
        }
        // SAFETY: begun, and ours while we are resumed; the worker's heap, which nobody else uses
        // until this returns.
        unsafe {
            let running = &mut *self.running();
            running.task.fiber.set(cx);
            loop {
                let rest = running.run(cx, (*worker).heap());
                match rest {
                    Rest::Parked | Rest::Yielded => return Step::Parked,
                    Rest::Done(value) if running.next((*worker).heap(), value) => {}
                    rest => {
                        let outcome = running.finish((*worker).heap(), rest);
                        running.reset();
                        if let Some(running) = self.take_running() {
                            (*worker).put_spare(running);
                        }
                        return Step::Done(outcome);
                    }
                }
            }
        }
    }

    fn trace(&self) -> Vec<u64> {
        if !self.has_begun() {
            return Vec::new();
        }
        // SAFETY: begun, and at rest.
        let running = unsafe { &*self.running() };
        running.interp.trace(running.task.program().image())
    }
}

impl Drop for FiberBody {
    /// A fiber that never started gives up its closure. (Frames of one that is abandoned half way
    /// are not unwound: that happens only at the end of a program that cannot end by itself.)
    fn drop(&mut self) {
        if self.has_begun() {
            drop(self.take_running());
        } else if self.state != 0 {
            payload::drop_word(self.state as u64);
        }
    }
}
