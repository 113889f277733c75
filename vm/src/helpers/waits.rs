//! Messages and room for others: the natives that fibers call all the time, without the detour
//! that lets any native be called.
//!
//! What is done is what the natives of the library do; they are still called where a policy
//! watches (deterministic runs), or where the object is of another kind (a broadcast).

use std::task::Poll;

use lumen_runtime::heap::crossing::{from_word, to_shared};
use lumen_runtime::heap::types::Repr;
use lumen_runtime::heap::word::NULL;
use lumen_runtime::heap::{count, handle, well_known};
use lumen_runtime::native::tasks::stop;
use lumen_runtime::native::{Failure, NativeStop, kind};
use lumen_runtime::sync::channel::RawChannel;
use lumen_runtime::{FiberCx, WaitError};

use super::natives::{Called, call_usual, stopped};
use crate::interp::dispatch::{Cx, Pc, Regs};
use crate::interp::operand::{put, reg};
use crate::load::image::LinkedNative;
use crate::natives::selects::poll_within;

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
    /// A receive with a timeout.
    Within,
    /// What that has received.
    Received,
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
            "rt.receive_within[C](C, Int, Int) -> Int" => Short::Within,
            "rt.received[T]() -> T" => Short::Received,
            _ => Short::No,
        }
    }
}

/// The channel in the first argument, and the running fiber, where the short way is open.
///
/// # Safety
/// As [`super::natives::call_native`].
#[inline(always)]
unsafe fn channel<'a>(pc: Pc, r: Regs, cx: Cx) -> Option<(&'a RawChannel, &'a FiberCx)> {
    // SAFETY: by contract.
    unsafe {
        let fiber = plain_fiber(cx)?;
        Some((handle::get::<RawChannel>(*reg(r, pc, 1))?, fiber))
    }
}

/// The running fiber, if no policy watches it.
///
/// # Safety
/// As [`super::natives::call_native`].
#[inline(always)]
unsafe fn plain_fiber<'a>(cx: Cx) -> Option<&'a FiberCx> {
    // SAFETY: by contract.
    unsafe { (*cx).task().fiber().filter(|fiber| fiber.is_plain()) }
}

/// `sleep`.
///
/// # Safety
/// As [`super::natives::call_native`]; `native` is the one called.
#[inline(never)]
pub(super) unsafe fn sleep(pc: Pc, r: Regs, cx: Cx, native: &LinkedNative) -> Called {
    // SAFETY: by contract.
    unsafe {
        let Some(fiber) = plain_fiber(cx) else {
            return call_usual(pc, r, cx, native);
        };
        let millis = *reg(r, pc, 1) as i64;
        if millis <= 0 {
            return match fiber.make_room() {
                Ok(()) => {
                    put(r, pc, 0, NULL);
                    Called::Yielded
                }
                Err(why) => not_done(pc, r, cx, why),
            };
        }
        let slept = fiber.poll_sleep((millis as u64).saturating_mul(1_000_000));
        answer(pc, r, cx, slept.map_ok(|()| NULL))
    }
}

/// `send`.
///
/// # Safety
/// As [`super::natives::call_native`]; `native` is the one called.
#[inline(never)]
pub(super) unsafe fn send(pc: Pc, r: Regs, cx: Cx, native: &LinkedNative) -> Called {
    // SAFETY: by contract; the message is borrowed, and of the parameter's type.
    unsafe {
        let Some((channel, fiber)) = channel(pc, r, cx) else {
            return call_usual(pc, r, cx, native);
        };
        let kept = (*cx).task().kept();
        let mut word = kept.get();
        if word == 0 {
            let (slot, ty) = (*reg(r, pc, 1).add(1), *native.params.get_unchecked(1));
            if (*cx).image().types.repr(ty) == Repr::Word {
                count::dup(slot);
            }
            word = match to_shared((*cx).heap(), slot, ty) {
                Ok(word) => word,
                // Words need no memory: when this fails, nothing has been counted above.
                Err(_) => return call_usual(pc, r, cx, native),
            };
        }
        match channel.poll_send(fiber, word, None) {
            Poll::Ready(Ok(waited)) => {
                kept.set(0);
                put(r, pc, 0, u64::from(waited));
                Called::Done
            }
            Poll::Pending => {
                // Until it is sent the message stays the fiber's.
                kept.set(word);
                Called::Parked
            }
            Poll::Ready(Err(why)) => {
                kept.set(0);
                count::drop((*cx).heap(), word);
                (*cx).save(pc, r);
                stopped(pc, cx, not_sent(channel, why))
            }
        }
    }
}

#[cold]
fn not_sent(channel: &RawChannel, why: WaitError) -> NativeStop {
    match channel.refusal(why, 1) {
        Some(message) => Failure::new(kind::FULL, message).into(),
        None => stop(why),
    }
}

/// `receive` and `next`.
///
/// # Safety
/// As [`super::natives::call_native`]; `native` is the one called.
#[inline(never)]
pub(super) unsafe fn receive(pc: Pc, r: Regs, cx: Cx, native: &LinkedNative) -> Called {
    // SAFETY: by contract.
    unsafe {
        let Some((channel, fiber)) = channel(pc, r, cx) else {
            return call_usual(pc, r, cx, native);
        };
        match channel.poll_receive(fiber, None) {
            Poll::Ready(Ok(received)) => {
                // The channel's messages are of the result's type (or, for `next`, its non-null
                // part), and the word is ours.
                let value = from_word((*cx).heap(), received.value, native.result);
                put(r, pc, 0, value);
                Called::Done
            }
            Poll::Pending => Called::Parked,
            Poll::Ready(Err(WaitError::Closed)) if native.short == Short::Next => {
                put(r, pc, 0, NULL);
                Called::Done
            }
            Poll::Ready(Err(why)) => not_done(pc, r, cx, why),
        }
    }
}

/// A receive with a timeout, as the native does it where nothing watches.
///
/// # Safety
/// As [`super::natives::call_native`]; `native` is the one called.
#[inline(never)]
pub(super) unsafe fn receive_within(pc: Pc, r: Regs, cx: Cx, native: &LinkedNative) -> Called {
    // SAFETY: by contract.
    unsafe {
        let args = reg(r, pc, 1);
        let (millis, mode) = (*args.add(1) as i64, *args.add(2));
        let (channel, fiber) = match channel(pc, r, cx) {
            Some(found) if millis > 0 && !found.1.is_virtual_time() => found,
            _ => return call_usual(pc, r, cx, native),
        };
        let kept = (*cx).task().kept();
        match poll_within(fiber, channel, millis) {
            Poll::Pending => return Called::Parked,
            Poll::Ready(Ok(Some(word))) => {
                kept.set(word);
                put(r, pc, 0, mode & 1);
            }
            Poll::Ready(Ok(None)) => put(r, pc, 0, mode & 1 ^ 1),
            Poll::Ready(Err(WaitError::Closed)) if mode & 2 != 0 => {
                kept.set(NULL);
                put(r, pc, 0, mode & 1);
            }
            Poll::Ready(Err(why)) => return not_done(pc, r, cx, why),
        }
        Called::Done
    }
}

/// What [`receive_within`] has received.
///
/// # Safety
/// As [`super::natives::call_native`]; `native` is the one called.
#[inline(never)]
pub(super) unsafe fn received(pc: Pc, r: Regs, cx: Cx, native: &LinkedNative) -> Called {
    // SAFETY: by contract; what is kept is a message, of the result's type.
    unsafe {
        let kept = (*cx).task().kept();
        if kept.get() == 0 || native.result == well_known::NULL {
            return call_usual(pc, r, cx, native);
        }
        put(
            r,
            pc,
            0,
            from_word((*cx).heap(), kept.take(), native.result),
        );
        Called::Done
    }
}

/// # Safety
/// As [`receive`]; a value is of the result's type.
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
            Poll::Ready(Err(why)) => not_done(pc, r, cx, why),
        }
    }
}

/// # Safety
/// As [`receive`].
#[cold]
#[inline(never)]
unsafe fn not_done(pc: Pc, r: Regs, cx: Cx, why: WaitError) -> Called {
    // SAFETY: by contract.
    unsafe {
        (*cx).save(pc, r);
        stopped(pc, cx, stop(why))
    }
}
