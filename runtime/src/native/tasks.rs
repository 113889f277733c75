//! What natives that start tasks or wait have in common.
//!
//! A native that waits is a poll: it answers [`NativeStop::Parked`] and is called again, with the
//! same arguments, when its fiber is resumed.

use std::task::Poll;

use super::{Failure, Machine, NativeCx, NativeResult, NativeStop, fail, kind};
use crate::heap::handle::{self, HandleData};
use crate::heap::{count, crossing, error};
use crate::{FiberCx, Outcome, SpawnError, SpawnInfo, SpawnOptions, WaitError};

/// The running fiber.
pub fn fiber<'a>(cx: &NativeCx<'a>) -> Result<&'a FiberCx, NativeStop> {
    cx.fiber
        .map_or_else(|| fail("Argument", "no tasks can run here"), Ok)
}

/// The machine.
pub fn machine<'a>(cx: &NativeCx<'a>) -> Result<&'a dyn Machine, NativeStop> {
    cx.machine
        .map_or_else(|| fail("Argument", "no tasks can run here"), Ok)
}

/// How a native stops for a wait that ended otherwise.
pub fn stop(why: WaitError) -> NativeStop {
    let name = match why {
        WaitError::Cancelled | WaitError::ScopeFailed => return NativeStop::Cancelled,
        WaitError::Timeout => kind::TIMEOUT,
        WaitError::Closed => kind::CLOSED,
        WaitError::Full | WaitError::TooLarge => kind::FULL,
        WaitError::Deadlock => kind::DEADLOCK,
        WaitError::Injected => kind::INJECTED,
    };
    Failure::new(name, why.to_string()).into()
}

/// The answer of an operation, once it has one.
pub fn ready<T>(poll: Poll<Result<T, WaitError>>) -> Result<T, NativeStop> {
    match poll {
        Poll::Pending => Err(NativeStop::Parked),
        Poll::Ready(answer) => answer.map_err(stop),
    }
}

/// The failure of a spawn.
pub fn not_started(why: SpawnError) -> NativeStop {
    let name = match why {
        SpawnError::ExecutorShutDown => kind::CLOSED,
        SpawnError::NoOtherThread => "Argument",
    };
    Failure::new(name, why.to_string()).into()
}

/// How to spawn from the running native.
pub fn options(machine: &dyn Machine) -> SpawnOptions {
    SpawnOptions {
        info: SpawnInfo {
            name: None,
            site: machine.site(),
        },
        ..SpawnOptions::default()
    }
}

/// The object behind argument `i`, a handle.
pub fn object<'a, T: HandleData>(args: &[u64], i: usize) -> Result<&'a T, NativeStop> {
    // SAFETY: the native's key says that it is a live handle, and arguments stay borrowed.
    match unsafe { handle::get::<T>(args[i]) } {
        Some(object) => Ok(object),
        None => fail(kind::CAST, "a handle of another kind"),
    }
}

/// An owned copy of argument `i` as a word other fibers may see.
pub fn shared_word(cx: &mut NativeCx<'_>, args: &[u64], i: usize) -> NativeResult {
    let slot = cx.copy(args[i], cx.params[i]);
    // SAFETY: an owned value of the parameter's type.
    Ok(unsafe { crossing::to_shared(cx.heap, slot, cx.params[i])? })
}

/// The slot of the call's result type for an owned word.
pub fn result_of(cx: &mut NativeCx<'_>, word: u64) -> u64 {
    // SAFETY: the native's key says that the word is of the result's type.
    unsafe { crossing::from_word(cx.heap, word, cx.result) }
}

/// Raises the failure of a task that has ended, or gives its value.
pub fn value_of(outcome: Outcome) -> NativeResult {
    match outcome {
        Outcome::Ok(word) => Ok(word),
        Outcome::Failed(error) => Err(NativeStop::Raised(error)),
        Outcome::Cancelled => fail(kind::CANCELLED, "cancelled"),
    }
}

/// Gives up an owned word.
pub fn discard(cx: &mut NativeCx<'_>, word: u64) {
    // SAFETY: owned by the caller.
    unsafe { count::drop(cx.heap, word) }
}

/// The message of an Error.
pub fn message_of(error: u64) -> String {
    // SAFETY: a live Error.
    unsafe { error::text(error, error::MESSAGE).to_owned() }
}

/// Milliseconds from now as a time on the fibers' clock; `None` when negative.
pub fn deadline(fiber: &FiberCx, millis: i64) -> Option<u64> {
    let nanos = u64::try_from(millis).ok()?.saturating_mul(1_000_000);
    Some(fiber.now().saturating_add(nanos))
}

/// A handle of the call's result type.
pub fn handle<T: HandleData>(cx: &mut NativeCx<'_>, data: T) -> NativeResult {
    Ok(handle::new(cx.heap, cx.result, std::sync::Arc::new(data))?)
}

/// Runs an operation that takes a word over when it succeeds. Until then the word must stay the
/// same over all calls of the native, so it is made once and kept with the fiber.
pub fn with_kept<T>(
    cx: &mut NativeCx<'_>,
    make: impl FnOnce(&mut NativeCx<'_>) -> NativeResult,
    operation: impl FnOnce(&FiberCx, u64) -> Poll<Result<T, WaitError>>,
) -> Result<T, NativeStop> {
    let (fiber, machine) = (fiber(cx)?, machine(cx)?);
    let kept = machine.kept();
    if kept.get() == 0 {
        kept.set(make(cx)?);
    }
    match operation(fiber, kept.get()) {
        Poll::Pending => Err(NativeStop::Parked),
        Poll::Ready(answer) => {
            let word = kept.take();
            answer.map_err(|why| {
                discard(cx, word);
                stop(why)
            })
        }
    }
}
