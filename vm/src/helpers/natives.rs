//! Calls of natives.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use lumen_runtime::heap::crossing::share_captures;
use lumen_runtime::heap::{Heap, TypeIx};
use lumen_runtime::native::{Host, Machine, NativeCx, NativeStop, Stream, Tool};
use lumen_runtime::{Body, FiberCx};

use super::fail_named;
use super::places::with_place;
use super::waits::{self, Short};
use crate::backtrace::{self, FailureReport};
use crate::interp::dispatch::{Cx, Pc, Regs};
use crate::interp::operand::{lane, put, reg};
use crate::load::image::LinkedNative;
use crate::tasks::{FiberBody, Task};

/// How a native call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// With a result, which is in its register.
    Done,
    /// With a failure, which is pending.
    Failed,
    /// It waits.
    Parked,
    /// It makes room; it has its result, and goes on behind the call.
    Yielded,
    /// It ended the program.
    Stopped,
    /// With a failure, pending, that ends the program: see [`halt`].
    Halted,
}

/// The machine as the native at `pc` sees it.
struct Caller<'a> {
    pc: Pc,
    task: &'a Task,
}

impl Machine for Caller<'_> {
    fn task(&self, heap: &mut Heap, closure: u64) -> Box<dyn Body> {
        // SAFETY: an owned closure, by contract.
        unsafe { share_captures(heap, closure) };
        Box::new(FiberBody::spawned(closure))
    }

    fn site(&self) -> u64 {
        self.pc as u64
    }

    fn turn(&self) -> u64 {
        self.task.program().turn()
    }

    fn future_type(&self, value: TypeIx) -> TypeIx {
        self.task.program().image().futures[value as usize]
    }

    fn cancelled(&self) -> u64 {
        self.task.program().image().cancelled
    }

    fn cancel_scope(&self, fiber: &FiberCx, scope: u64) {
        crate::natives::cancel_scope(fiber, scope);
    }

    fn tool(&self, number: usize) -> Option<Arc<Tool>> {
        self.task.program().image().tools.get(number).cloned()
    }

    fn shared_host(&self) -> Option<Arc<dyn Host + Send>> {
        Some(self.task.program().shared_host())
    }

    fn kept(&self) -> &Cell<u64> {
        self.task.kept()
    }
}

/// `call.native`.
///
/// # Safety
/// As [`super::helpers`].
#[inline]
pub(crate) unsafe fn call_native(pc: Pc, r: Regs, cx: Cx) -> Called {
    // SAFETY: the verifier compared the window with the import's signature.
    unsafe {
        // The verifier bounds the number.
        let native = (*cx).image().natives.get_unchecked(lane(pc, 2));
        match native.short {
            Short::No => call_usual(pc, r, cx, native),
            Short::Send => waits::send(pc, r, cx, native),
            Short::Receive | Short::Next => waits::receive(pc, r, cx, native),
            Short::Sleep => waits::sleep(pc, r, cx, native),
            Short::Within => waits::receive_within(pc, r, cx, native),
            Short::Received => waits::received(pc, r, cx, native),
        }
    }
}

/// `call.native`, for natives without a short way and where it is barred.
///
/// # Safety
/// As [`call_native`]; `native` is the one called.
#[inline(never)]
pub(super) unsafe fn call_usual(pc: Pc, r: Regs, cx: Cx, native: &LinkedNative) -> Called {
    // SAFETY: by contract.
    unsafe {
        let args = std::slice::from_raw_parts_mut(reg(r, pc, 1), native.params.len());
        call(pc, r, cx, native, args)
    }
}

// A call of its own here is felt by short natives.
#[inline(always)]
unsafe fn call(pc: Pc, r: Regs, cx: Cx, native: &LinkedNative, args: &mut [u64]) -> Called {
    // SAFETY: by the contract of `call_native`; results go to lane 0 in both ops.
    unsafe {
        let image = (*cx).image();
        // A native may ask where it was called from.
        (*cx).save(pc, r);
        let caller = Caller {
            pc,
            task: (*cx).task(),
        };
        let mut call = NativeCx {
            heap: (*cx).heap(),
            types: &image.types,
            params: &native.params,
            result: native.result,
            host: (*cx).task().program().host(),
            fiber: caller.task.fiber(),
            machine: Some(&caller),
        };
        // Handlers must not be unwound; a panic in the library becomes a failure.
        match catch_unwind(AssertUnwindSafe(|| (native.func)(&mut call, args))) {
            Ok(Ok(value)) => {
                put(r, pc, 0, value);
                Called::Done
            }
            Ok(Err(stop)) => stopped(pc, cx, stop),
            Err(panic) => panicked(pc, cx, &*panic),
        }
    }
}

#[cold]
#[inline(never)]
pub(super) unsafe fn stopped(pc: Pc, cx: Cx, stop: NativeStop) -> Called {
    match stop {
        NativeStop::Failed(failure) if failure.kind == HALT => {
            // SAFETY: the running fiber's state.
            unsafe { fail_named(pc, cx, HALT, &failure.message) };
            Called::Halted
        }
        NativeStop::Failed(failure) => {
            // SAFETY: the running fiber's state.
            unsafe { fail_named(pc, cx, &failure.kind, &failure.message) };
            Called::Failed
        }
        NativeStop::Raised(error) => {
            // SAFETY: as above; the native gave the Error away.
            unsafe { (*cx).set_failure(backtrace::awaited_error(cx, error)) };
            Called::Failed
        }
        NativeStop::Cancelled => {
            // SAFETY: as above.
            unsafe { (*cx).set_cancelled() };
            Called::Failed
        }
        NativeStop::Parked => Called::Parked,
        NativeStop::Exit(code) => {
            // SAFETY: the task outlives the run.
            unsafe { (*cx).task().program().stop(code) };
            Called::Stopped
        }
    }
}

/// The kind of the failure that ends the program and cannot be caught.
const HALT: &str = "Halt";

/// Reports the pending failure of the instruction at `pc` and ends the program.
///
/// # Safety
/// As [`super::fail`]; all frames are in the fiber's block.
#[cold]
#[inline(never)]
pub(crate) unsafe fn halt(pc: Pc, cx: Cx) {
    // SAFETY: by contract.
    unsafe {
        if (*cx).trace_due {
            backtrace::add_trace_due(pc, cx);
        }
        let error = std::mem::replace(&mut (*cx).failure, 0);
        let report = FailureReport::of((*cx).image(), error);
        super::discard(cx, error);
        let program = (*cx).task().program();
        // There is nowhere left to report that standard error is gone.
        let _ = program.host().write(Stream::Err, &report.render());
        program.stop(1);
    }
}

#[cold]
#[inline(never)]
unsafe fn panicked(pc: Pc, cx: Cx, panic: &(dyn Any + Send)) -> Called {
    let message = crate::tasks::hooks::panic_message(panic);
    // SAFETY: the running fiber's state.
    unsafe { fail_named(pc, cx, "Panic", &message) };
    Called::Failed
}

/// Arguments that are laid out without an allocation.
const FEW: usize = 8;

/// `call.native.at`.
///
/// # Safety
/// As [`super::helpers`].
#[inline(never)]
pub(crate) unsafe fn call_native_at(pc: Pc, r: Regs, cx: Cx) -> Called {
    // SAFETY: the verifier compared path and window with the import's signature.
    unsafe {
        let image = (*cx).image();
        let native = &image.natives[lane(pc, 4)];
        let path = &image.paths[lane(pc, 3)];
        let mut called = Called::Failed;
        let ran = with_place(pc, cx, reg(r, pc, 1), path, reg(r, pc, 2), |place, rest| {
            let n = native.params.len();
            let (mut few, mut many) = ([0; FEW], Vec::new());
            let args = if n <= FEW {
                &mut few[..n]
            } else {
                many.resize(n, 0);
                &mut many[..]
            };
            args[0] = *place;
            args[1..].copy_from_slice(std::slice::from_raw_parts(rest, n - 1));
            called = call(pc, r, cx, native, args);
            *place = args[0];
            true
        });
        if ran { called } else { Called::Failed }
    }
}
