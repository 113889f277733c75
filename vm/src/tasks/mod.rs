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

use lumen_runtime::heap::word::ABSENT;
use lumen_runtime::heap::{Heap, TypeIx, closure, count, record};
use lumen_runtime::{Body, FiberCx, Outcome, Safepoint, Step};

use crate::interp::context::Due;
use crate::interp::{Interp, Rest};
use crate::program::Instance;

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

/// What a fiber has yet to do.
enum State {
    /// Call this closure, which it owns.
    New(u64),
    /// Go on with these frames.
    Running(Interp),
    /// Nothing.
    Ended,
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

/// A fiber that runs Lumen code.
pub(crate) struct FiberBody {
    task: Task,
    state: State,
    plan: Option<Box<MainPlan>>,
}

// SAFETY: a body is resumed by one worker at a time; what it points to outlives it, and the
// pointer to the runtime's side is only used during a `resume`.
unsafe impl Send for FiberBody {}

impl FiberBody {
    /// A fiber that calls `closure`, a closure without parameters, which it takes over.
    pub(crate) fn spawned(instance: &Instance, closure: u64) -> FiberBody {
        Self::new(instance, State::New(closure), None)
    }

    /// Main's fiber.
    pub(crate) fn main(instance: &Instance, plan: MainPlan) -> FiberBody {
        Self::new(instance, State::Ended, Some(Box::new(plan)))
    }

    fn new(instance: &Instance, state: State, plan: Option<Box<MainPlan>>) -> FiberBody {
        let task = Task {
            instance,
            fiber: Cell::new(std::ptr::null()),
            masks: Cell::new(0),
            yielding: Cell::new(false),
            kept: Cell::new(0),
        };
        FiberBody { task, state, plan }
    }

    /// Frames to run: those there are, or those of the next function.
    fn prepare(&mut self) {
        let instance = self.task.program();
        let (image, max_stack) = (instance.image(), instance.max_stack());
        match (&self.state, &mut self.plan) {
            (State::Running(_), _) => {}
            (State::New(word), _) => {
                // SAFETY: a live closure.
                let func = unsafe { closure::function(*word) } as usize;
                self.state = State::Running(Interp::new(image, func, *word, &[], max_stack));
            }
            (State::Ended, Some(plan)) => {
                let rest = image.globals[plan.globals..].iter();
                let set_later = rest.take_while(|(_, init)| init.is_none()).count();
                plan.globals += set_later;
                let interp = match image.globals.get(plan.globals) {
                    Some(&(_, Some(init))) => Interp::new(image, init as usize, 0, &[], max_stack),
                    _ => Interp::new(image, plan.entry, 0, &plan.args, max_stack),
                };
                self.state = State::Running(interp);
            }
            (State::Ended, None) => {}
        }
    }

    /// Runs the present frames; how they came to rest, and the type of a result.
    fn run(&mut self, cx: &FiberCx, heap: *mut Heap) -> (Rest, TypeIx) {
        let State::Running(interp) = &mut self.state else {
            return (Rest::Stopped, 0);
        };
        let mut cancelled = false;
        if self.task.yielding.get() {
            match self.task.give_way(cx) {
                Due::Yield => return (Rest::Yielded, 0),
                Due::Nothing => {}
                Due::Cancel => cancelled = true,
            }
        }
        // SAFETY: this program's instance, the heap and poll word of the worker that resumes us.
        let rest = unsafe {
            interp.resume(
                self.task.program(),
                heap,
                cx.poll_word(),
                &self.task,
                cancelled,
            )
        };
        let result = self.task.program().image().funcs[interp.entry()].result;
        (rest, result)
    }

    /// The end of one function: true if there is another to run.
    ///
    /// # Safety
    /// `value` is its result, of type `ty`.
    unsafe fn next(&mut self, heap: &mut Heap, value: u64) -> bool {
        let Some(plan) = &mut self.plan else {
            return false;
        };
        let instance = self.task.program();
        if plan.globals < instance.image().globals.len() {
            // SAFETY: the initialiser's result has the variable's type.
            unsafe { instance.set_global(heap, plan.globals, value) };
            plan.globals += 1;
            return true;
        }
        false
    }

    /// Gives up what the fiber was started with.
    ///
    /// # Safety
    /// No frames use it any more.
    unsafe fn drop_inputs(&mut self, heap: &mut Heap) {
        let state = std::mem::replace(&mut self.state, State::Ended);
        // SAFETY: owned by this body.
        unsafe {
            match state {
                State::New(word) => count::drop(heap, word),
                State::Running(interp) => count::drop(heap, interp.closure()),
                State::Ended => {}
            }
            if let Some(plan) = self.plan.take() {
                for arg in plan.args {
                    count::drop(heap, arg);
                }
            }
        }
    }

    /// Ends the fiber.
    ///
    /// # Safety
    /// As [`FiberBody::drop_inputs`]; a value or Error in `rest` is owned.
    unsafe fn finish(&mut self, heap: &mut Heap, rest: Rest, ty: TypeIx) -> Outcome {
        let image = self.task.program().image();
        // SAFETY: by contract.
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
            self.drop_inputs(heap);
            outcome
        }
    }
}

impl Body for FiberBody {
    fn resume(&mut self, cx: &FiberCx) -> Step {
        self.task.fiber.set(cx);
        let heap = worker_heap::current(self.task.program().heap_shared());
        loop {
            self.prepare();
            let (rest, ty) = self.run(cx, heap);
            // SAFETY: the worker's heap; nobody else uses it until this returns.
            let heap = unsafe { &mut *heap };
            match rest {
                Rest::Parked | Rest::Yielded => return Step::Parked,
                // SAFETY: the result of the function that has just ended.
                Rest::Done(value) if unsafe { self.next(heap, value) } => {
                    self.state = State::Ended;
                }
                // SAFETY: the frames have ended.
                rest => return Step::Done(unsafe { self.finish(heap, rest, ty) }),
            }
        }
    }

    fn trace(&self) -> Vec<u64> {
        match &self.state {
            State::Running(interp) => interp.trace(self.task.program().image()),
            _ => Vec::new(),
        }
    }
}

impl Drop for FiberBody {
    /// A fiber that never started gives up its closure. (Frames of one that is abandoned half way
    /// are not unwound: that happens only at the end of a program that cannot end by itself.)
    fn drop(&mut self) {
        if let State::New(word) = self.state
            && word != ABSENT
        {
            payload::drop_word(word);
        }
    }
}
