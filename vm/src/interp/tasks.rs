//! Tasks: spawn and await.

use std::task::Poll;

use lumen_bytecode::module::FailureKind;
use lumen_runtime::heap::crossing::{from_word, share_captures};
use lumen_runtime::heap::word::header;
use lumen_runtime::heap::{closure, well_known};
use lumen_runtime::native::kind;
use lumen_runtime::task::future::FutureRef;
use lumen_runtime::{FiberCx, Outcome, SpawnError, SpawnInfo, SpawnOptions, WaitError};

use super::dispatch::{Cx, Exit, Flow, Pc, Regs, Table, go, handlers, leave};
use super::operand::{get, lane, put};
use super::unwind::unwind;
use crate::backtrace;
use crate::helpers::{discard, fail, fail_named, out_of_memory};
use crate::tasks::FiberBody;

/// How an operation that may wait ended.
pub(crate) enum Waited {
    /// With a result, which is in its register.
    Done,
    /// With a failure, which is pending.
    Failed,
    /// It waits.
    Parked,
}

impl Waited {
    /// From a helper's answer.
    fn from(done: bool) -> Waited {
        if done { Waited::Done } else { Waited::Failed }
    }
}

handlers! {
    fn spawn(pc, r, cx, t) {
        after(pc, r, cx, t, spawn_task(pc, r, cx))
    }
    fn await_(pc, r, cx, t) {
        after(pc, r, cx, t, await_future(pc, r, cx))
    }
}

#[inline(always)]
unsafe fn after(pc: Pc, r: Regs, cx: Cx, t: Table, waited: Waited) -> Flow {
    // SAFETY: the running fiber's state.
    unsafe {
        match waited {
            Waited::Done => go(pc.add(1), r, cx, t),
            Waited::Failed => unwind(pc, r, cx, t),
            Waited::Parked => leave(pc, r, cx, Exit::Parked),
        }
    }
}

/// `spawn`.
///
/// # Safety
/// As [`crate::helpers`].
#[inline(never)]
pub(crate) unsafe fn spawn_task(pc: Pc, r: Regs, cx: Cx) -> Waited {
    // SAFETY: a verified instruction: the operand is an owned closure without parameters.
    unsafe {
        let body = get(r, pc, 1);
        let Some(fiber) = (*cx).task().fiber() else {
            discard(cx, body);
            return Waited::from(fail(pc, cx, FailureKind::Argument, "no tasks can run here"));
        };
        match fiber.poll_point() {
            Poll::Pending => return Waited::Parked,
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(why)) => {
                discard(cx, body);
                return Waited::from(wait_failed(pc, cx, why));
            }
        }
        let image = (*cx).image();
        let result = image.funcs[closure::function(body) as usize].result;
        share_captures((*cx).heap(), body);
        let task = FiberBody::spawned(body);
        let spawned = match lane(pc, 2) {
            2 | 3 => fiber.spawn(task, options(fiber, pc, lane(pc, 2))),
            _ => fiber.spawn_at(task, pc as u64),
        };
        match spawned {
            Ok(future) => match future.into_handle((*cx).heap(), image.futures[result as usize]) {
                Ok(handle) => {
                    put(r, pc, 0, handle);
                    Waited::Done
                }
                Err(_) => Waited::from(out_of_memory(pc, cx)),
            },
            // The body has been dropped, and its closure with it.
            Err(why) => Waited::from(fail_named(pc, cx, spawn_kind(why), &why.to_string())),
        }
    }
}

fn spawn_kind(why: SpawnError) -> &'static str {
    match why {
        SpawnError::ExecutorShutDown => kind::CLOSED,
        SpawnError::NoOtherThread => "Argument",
    }
}

/// `mode` as the op table says.
fn options(fiber: &FiberCx, pc: Pc, mode: usize) -> SpawnOptions {
    SpawnOptions {
        info: SpawnInfo {
            name: None,
            site: pc as u64,
        },
        pool: (mode == 3).then(|| fiber.global_pool()),
        elsewhere: mode == 2,
    }
}

/// `await`.
///
/// # Safety
/// As [`crate::helpers`].
#[inline(never)]
pub(crate) unsafe fn await_future(pc: Pc, r: Regs, cx: Cx) -> Waited {
    // SAFETY: a verified instruction: the operand is a Future's handle.
    unsafe {
        let handle = get(r, pc, 1);
        let (future, fiber) = (FutureRef::borrow_handle(handle), (*cx).task().fiber());
        let Some((future, fiber)) = future.zip(fiber) else {
            return Waited::from(fail(pc, cx, FailureKind::Argument, "no tasks can run here"));
        };
        let own = (*header(handle)).count() > 0;
        let awaited = if own {
            // A positive count: no other fiber has ever had the handle or anything it is in.
            future.poll_await_own(fiber)
        } else {
            future.poll_await(fiber, None)
        };
        match awaited {
            Poll::Pending => Waited::Parked,
            Poll::Ready(Err(why)) => Waited::from(wait_failed(pc, cx, why)),
            Poll::Ready(Ok(outcome)) => {
                Waited::from(deliver(pc, r, cx, (*header(handle)).ty, outcome))
            }
        }
    }
}

/// Puts the value of a task into the register, or raises its failure.
unsafe fn deliver(pc: Pc, r: Regs, cx: Cx, future: u32, outcome: Outcome) -> bool {
    // SAFETY: the outcome is this fiber's own copy: an owned word of the future's value type.
    unsafe {
        match outcome {
            Outcome::Ok(word) => {
                let types = (*cx).heap().types_detached();
                let ty = types.element_type(future).unwrap_or(well_known::ANY);
                let value = from_word((*cx).heap(), word, ty);
                put(r, pc, 0, value);
                true
            }
            Outcome::Failed(error) => {
                let error = backtrace::awaited_error(cx, error);
                (*cx).set_failure(error);
                false
            }
            Outcome::Cancelled => fail_named(pc, cx, kind::CANCELLED, "cancelled"),
        }
    }
}

/// The failure for a wait that ended otherwise.
///
/// # Safety
/// `pc` and `cx` are the running fiber's.
pub(crate) unsafe fn wait_failed(pc: Pc, cx: Cx, why: WaitError) -> bool {
    // SAFETY: by contract.
    unsafe {
        let name = match why {
            WaitError::Cancelled | WaitError::ScopeFailed => {
                (*cx).set_cancelled();
                return false;
            }
            WaitError::Timeout => kind::TIMEOUT,
            WaitError::Closed => kind::CLOSED,
            WaitError::Full | WaitError::TooLarge => kind::FULL,
            WaitError::Deadlock => kind::DEADLOCK,
            WaitError::Injected => kind::INJECTED,
        };
        fail_named(pc, cx, name, &why.to_string())
    }
}
