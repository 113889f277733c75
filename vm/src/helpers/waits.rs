//! Messages and room for others: the natives that fibers call all the time, without the detour
//! that lets any native be called.
//!
//! What is done is what the natives of the library do; they are still called where a policy
//! watches (deterministic runs), or where the object is of another kind (a broadcast).

use std::task::Poll;

use lumen_runtime::heap::crossing::{from_word, to_shared};
use lumen_runtime::heap::types::Repr;
use lumen_runtime::heap::word::NULL;
use lumen_runtime::heap::{count, handle};
use lumen_runtime::native::tasks::stop;
use lumen_runtime::native::{Failure, NativeStop, kind};
use lumen_runtime::sync::channel::RawChannel;
use lumen_runtime::{FiberCx, WaitError};

use super::natives::{Called, stopped};
use crate::interp::dispatch::{Cx, Pc, Regs};
use crate::interp::operand::{put, reg};
use crate::load::image::LinkedNative;

/// Natives with a short way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Short {
    /// None: the usual.
    No,
    /// `send` on a channel.
    Send,
    /// `receive` from a channel.
    Receive,
    /// `next` of a channel.
    Next,
    /// `sleep`.
    Sleep,
}

impl Short {
    /// Of the native with this key.
    pub(crate) fn of(key: &str) -> Short {
        match key {
            "channel.send[T](Channel[T], T) -> Bool" | "channel.send[T](Sender[T], T) -> Bool" => {
                Short::Send
            }
            "channel.receive[T](Channel[T]) -> T" | "channel.receive[T](Receiver[T]) -> T" => {
                Short::Receive
            }
            "channel.next[T](Channel[T]) -> T?"
            | "channel.next[T](Receiver[T]) -> T?"
            | "rt.channel_next[C, T](C) -> T?" => Short::Next,
            "task.sleep(Int) -> Null" => Short::Sleep,
            _ => Short::No,
        }
    }
}

/// Calls a native the short way, if that is possible here.
///
/// # Safety
/// As [`super::natives::call_native`]; `native` is the one called, and has a short way.
#[inline]
pub(super) unsafe fn call(pc: Pc, r: Regs, cx: Cx, native: &LinkedNative) -> Option<Called> {
    // SAFETY: by contract.
    unsafe {
        let fiber = (*cx).task().fiber()?;
        if !fiber.is_plain() {
            return None;
        }
        let args = reg(r, pc, 1);
        if native.short == Short::Sleep {
            let nanos = u64::try_from(*args as i64).unwrap_or(0);
            let slept = fiber.poll_sleep(nanos.saturating_mul(1_000_000));
            return Some(answer(pc, r, cx, slept.map_ok(|()| NULL)));
        }
        let channel = handle::get::<RawChannel>(*args)?;
        Some(match native.short {
            Short::Send => send(pc, r, cx, native, channel, fiber)?,
            _ => receive(pc, r, cx, native, channel, fiber),
        })
    }
}

/// # Safety
/// As [`call`].
#[inline]
unsafe fn send(
    pc: Pc,
    r: Regs,
    cx: Cx,
    native: &LinkedNative,
    channel: &RawChannel,
    fiber: &FiberCx,
) -> Option<Called> {
    // SAFETY: by contract; the message is borrowed, and of the parameter's type.
    unsafe {
        let kept = (*cx).task().kept();
        let mut word = kept.get();
        if word == 0 {
            let (slot, ty) = (*reg(r, pc, 1).add(1), native.params[1]);
            if (*cx).image().types.repr(ty) == Repr::Word {
                count::dup(slot);
            }
            // Words need no memory: when this fails, nothing has been counted above.
            word = to_shared((*cx).heap(), slot, ty).ok()?;
        }
        // Until it is sent the message stays the fiber's.
        kept.set(word);
        let sent = channel.poll_send(fiber, word, None);
        if sent.is_ready() {
            kept.set(0);
        }
        if let Poll::Ready(Err(why)) = sent {
            count::drop((*cx).heap(), word);
            (*cx).save(pc, r);
            return Some(stopped(pc, cx, not_sent(channel, why)));
        }
        Some(answer(pc, r, cx, sent.map_ok(u64::from)))
    }
}

#[cold]
fn not_sent(channel: &RawChannel, why: WaitError) -> NativeStop {
    match channel.refusal(why, 1) {
        Some(message) => Failure::new(kind::FULL, message).into(),
        None => stop(why),
    }
}

/// # Safety
/// As [`call`].
#[inline]
unsafe fn receive(
    pc: Pc,
    r: Regs,
    cx: Cx,
    native: &LinkedNative,
    channel: &RawChannel,
    fiber: &FiberCx,
) -> Called {
    let received = match channel.poll_receive(fiber, None) {
        // SAFETY: the channel's messages are of the result's type (or, for `next`, its non-null
        // part), and the word is ours.
        Poll::Ready(Ok(received)) => Poll::Ready(Ok(unsafe {
            from_word((*cx).heap(), received.value, native.result)
        })),
        Poll::Ready(Err(WaitError::Closed)) if native.short == Short::Next => Poll::Ready(Ok(NULL)),
        Poll::Ready(Err(why)) => Poll::Ready(Err(why)),
        Poll::Pending => Poll::Pending,
    };
    // SAFETY: by contract.
    unsafe { answer(pc, r, cx, received) }
}

/// # Safety
/// As [`call`]; a value is of the result's type.
#[inline]
unsafe fn answer(pc: Pc, r: Regs, cx: Cx, answer: Poll<Result<u64, WaitError>>) -> Called {
    // SAFETY: by contract.
    unsafe {
        match answer {
            Poll::Pending => Called::Parked,
            Poll::Ready(Ok(value)) => {
                put(r, pc, 0, value);
                Called::Done
            }
            Poll::Ready(Err(why)) => {
                (*cx).save(pc, r);
                stopped(pc, cx, stop(why))
            }
        }
    }
}
