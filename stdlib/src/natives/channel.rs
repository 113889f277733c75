//! Channels and broadcasts. Messages travel as words.

use std::sync::Arc;
use std::task::Poll;

use lumen_runtime::heap::handle::{self, get, get_arc};
use lumen_runtime::heap::word::{ABSENT, NULL};
use lumen_runtime::heap::{count, crossing, list, record, well_known};
use lumen_runtime::native::tasks::{
    discard, fiber, object, ready, result_of, shared_word, stop, with_kept,
};
use lumen_runtime::native::{NativeCx, NativeResult, NativeStop, fail, int, kind, text};
use lumen_runtime::sync::broadcast::{RawBroadcast, Subscriber};
use lumen_runtime::sync::channel::{OnFull, RawChannel, Received};
use lumen_runtime::{FiberCx, WaitError};

natives! {
    "channel.channel[T](Int?, String) -> Channel[T]" => channel,
    "channel.sender[T](Channel[T]) -> Sender[T]" => end,
    "channel.receiver[T](Channel[T]) -> Receiver[T]" => end,
    "channel.send[T](Channel[T], T) -> Bool" => send,
    "channel.send[T](Sender[T], T) -> Bool" => send,
    "channel.try_send[T](Channel[T], T) -> Bool" => try_send,
    "channel.try_send[T](Sender[T], T) -> Bool" => try_send,
    "channel.send_batch[T](Channel[T], list[T]) -> Bool" => send_batch,
    "channel.send_batch[T](Sender[T], list[T]) -> Bool" => send_batch,
    "channel.try_send_batch[T](Channel[T], list[T]) -> Bool" => try_send_batch,
    "channel.try_send_batch[T](Sender[T], list[T]) -> Bool" => try_send_batch,
    "channel.receive[T](Channel[T]) -> T" => receive,
    "channel.receive[T](Receiver[T]) -> T" => receive,
    "channel.next[T](Channel[T]) -> T?" => next,
    "channel.next[T](Receiver[T]) -> T?" => next,
    "channel.try_receive[T](Channel[T]) -> T?" => try_receive,
    "channel.try_receive[T](Receiver[T]) -> T?" => try_receive,
    "channel.receive_status[T](Channel[T]) -> (T, Bool)" => receive_status,
    "channel.receive_status[T](Receiver[T]) -> (T, Bool)" => receive_status,
    "channel.receive_batch[T](Channel[T], Int) -> list[T]" => receive_batch,
    "channel.receive_batch[T](Receiver[T], Int) -> list[T]" => receive_batch,
    "channel.try_receive_batch[T](Channel[T]) -> list[T]" => try_receive_batch,
    "channel.try_receive_batch[T](Receiver[T]) -> list[T]" => try_receive_batch,
    "channel.len[T](Channel[T]) -> Int" => len,
    "channel.len[T](Receiver[T]) -> Int" => len,
    "channel.close[T](Channel[T]) -> Null" => close,
    "channel.close[T](Sender[T]) -> Null" => close,
    "channel.is_closed[T](Channel[T]) -> Bool" => is_closed,
    "channel.is_closed[T](Sender[T]) -> Bool" => is_closed,
    "channel.is_closed[T](Receiver[T]) -> Bool" => is_closed,
    "channel.broadcast[T](Int) -> Broadcast[T]" => broadcast,
    "channel.subscribe[T](Broadcast[T]) -> Receiver[T]" => subscribe,
    "channel.send[T](Broadcast[T], T) -> Bool" => |cx, args| {
        let b = object::<RawBroadcast>(args, 0)?;
        let send = |fiber: &FiberCx, word| b.poll_send(fiber, word, None);
        with_kept(cx, |cx| shared_word(cx, args, 1), send).map(u64::from)
    },
    "channel.close[T](Broadcast[T]) -> Null" => |cx, args| {
        match object::<RawBroadcast>(args, 0)?.poll_close(fiber(cx)?) {
            Poll::Pending => Err(NativeStop::Parked),
            Poll::Ready(()) => Ok(NULL),
        }
    },
}

/// What a receiver receives from.
enum From<'a> {
    Channel(&'a RawChannel),
    Broadcast(&'a Subscriber),
}

impl<'a> From<'a> {
    fn of(args: &[u64]) -> Result<From<'a>, NativeStop> {
        // SAFETY: the native's key says that it is a live handle, borrowed for the call.
        match unsafe { get::<RawChannel>(args[0]) } {
            Some(channel) => Ok(From::Channel(channel)),
            None => Ok(From::Broadcast(object::<Subscriber>(args, 0)?)),
        }
    }

    fn poll(&self, fiber: &FiberCx) -> Poll<Result<Received, WaitError>> {
        match self {
            From::Channel(c) => c.poll_receive(fiber, None),
            From::Broadcast(s) => s.poll_receive(fiber, None),
        }
    }

    fn poll_try(&self, fiber: &FiberCx) -> Poll<Option<u64>> {
        match self {
            From::Channel(c) => c.poll_try_receive(fiber),
            From::Broadcast(s) => s.poll_try_receive(fiber),
        }
    }
}

fn channel(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let fiber = fiber(cx)?;
    let capacity = match args[0] {
        NULL => None,
        // SAFETY: an `Int?` that is not null.
        word => match usize::try_from(unsafe { record::unbox_int(word) }) {
            Ok(n) => Some(n),
            Err(_) => return fail("Argument", "channel capacity must not be negative"),
        },
    };
    let on_full = match text(&args[1]) {
        "block" => OnFull::Block,
        "error" => OnFull::Error,
        "overwrite" => OnFull::Overwrite,
        other => {
            let message = format!("unknown policy `{other}`; expected block, error or overwrite");
            return fail("Argument", message);
        }
    };
    let raw = RawChannel::new(fiber, capacity, on_full, fiber.payload());
    Ok(handle::new(cx.heap, cx.result, Arc::new(raw))?)
}

fn end(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: the native's key says that it is a live channel.
    match unsafe { get_arc::<RawChannel>(args[0]) } {
        Some(raw) => Ok(handle::new(cx.heap, cx.result, raw)?),
        None => fail(kind::CAST, "not a channel"),
    }
}

/// The failure of an operation on a channel, with its numbers.
fn full(channel: &RawChannel, why: WaitError, batch: usize) -> NativeStop {
    match channel.refusal(why, batch) {
        Some(message) => lumen_runtime::native::Failure::new(kind::FULL, message).into(),
        None => stop(why),
    }
}

fn send(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let channel = object::<RawChannel>(args, 0)?;
    let mut failed = None;
    let sent = with_kept(
        cx,
        |cx| shared_word(cx, args, 1),
        |fiber, word| {
            let answer = channel.poll_send(fiber, word, None);
            if let Poll::Ready(Err(why)) = answer {
                failed = Some(why);
            }
            answer
        },
    );
    match (sent, failed) {
        (Err(_), Some(why)) => Err(full(channel, why, 1)),
        (sent, _) => sent.map(u64::from),
    }
}

fn try_send(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let channel = object::<RawChannel>(args, 0)?;
    // A send that does not happen leaves the word here, as a failed one does.
    let sent = with_kept(
        cx,
        |cx| shared_word(cx, args, 1),
        |fiber, word| {
            channel
                .poll_try_send(fiber, word)
                .map(|sent| if sent { Ok(()) } else { NOT_SENT })
        },
    );
    match sent {
        Err(NativeStop::Parked) => Err(NativeStop::Parked),
        sent => Ok(u64::from(sent.is_ok())),
    }
}

const NOT_SENT: Result<(), WaitError> = Err(WaitError::Full);

/// The messages of argument 1 as a `list[Any]`, so that they can be kept as one word.
fn batch(cx: &mut NativeCx<'_>, args: &[u64]) -> NativeResult {
    let element = cx.element(1);
    // SAFETY: a live list of elements of that type.
    unsafe {
        let (elem, n) = (list::elem(cx.heap, args[1]), list::len(args[1]));
        let mut words = list::new(cx.heap, well_known::LIST_ANY, n)?;
        for i in 0..n {
            let slot = cx.copy(list::read(args[1], elem, i), element);
            let pushed = crossing::to_shared(cx.heap, slot, element)
                .and_then(|word| list::push(cx.heap, &mut words, word));
            if let Err(why) = pushed {
                discard(cx, words);
                return Err(why.into());
            }
        }
        Ok(words)
    }
}

/// Sends the messages kept in a list; once they are sent, the list is emptied.
fn send_all<T>(
    cx: &mut NativeCx<'_>,
    args: &[u64],
    send: impl FnOnce(&RawChannel, &FiberCx, &[u64]) -> Poll<Result<T, WaitError>>,
) -> Result<T, NativeStop> {
    let channel = object::<RawChannel>(args, 0)?;
    let (mut done, mut failed) = (ABSENT, None);
    let sent = with_kept(
        cx,
        |cx| batch(cx, args),
        |fiber, words| {
            // SAFETY: the list made by `batch`.
            let answer = send(channel, fiber, unsafe { list::slots(words) });
            match &answer {
                Poll::Ready(Ok(_)) => done = words,
                // SAFETY: as above; it is given up after this.
                Poll::Ready(Err(why)) => failed = Some((*why, unsafe { list::len(words) })),
                Poll::Pending => {}
            }
            answer
        },
    );
    if done != ABSENT {
        // SAFETY: its elements are the channel's now; the list itself is ours.
        unsafe {
            list::forget_elements(done);
            count::drop(cx.heap, done);
        }
    }
    match failed {
        Some((why, n)) => sent.map_err(|_| full(channel, why, n)),
        None => sent,
    }
}

fn send_batch(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let send = |c: &RawChannel, f: &FiberCx, words: &[u64]| c.poll_send_batch(f, words, None);
    send_all(cx, args, send).map(u64::from)
}

fn try_send_batch(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // `Full` stands for "not now", which is an answer and no failure.
    let mut refused = false;
    let sent = send_all(cx, args, |channel, fiber, words| {
        channel
            .poll_try_send_batch(fiber, words)
            .map(|answer| match answer {
                Ok(false) => {
                    refused = true;
                    NOT_SENT
                }
                Ok(true) => Ok(()),
                Err(why) => Err(why),
            })
    });
    if refused { Ok(0) } else { sent.map(|()| 1) }
}

fn receive(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let received = ready(From::of(args)?.poll(fiber(cx)?))?;
    Ok(result_of(cx, received.value))
}

fn next(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    match From::of(args)?.poll(fiber(cx)?) {
        Poll::Pending => Err(NativeStop::Parked),
        Poll::Ready(Ok(received)) => Ok(result_of(cx, received.value)),
        Poll::Ready(Err(WaitError::Closed)) => Ok(NULL),
        Poll::Ready(Err(why)) => Err(stop(why)),
    }
}

fn try_receive(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    match From::of(args)?.poll_try(fiber(cx)?) {
        Poll::Pending => Err(NativeStop::Parked),
        Poll::Ready(Some(word)) => Ok(result_of(cx, word)),
        Poll::Ready(None) => Ok(NULL),
    }
}

fn receive_status(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let received = ready(From::of(args)?.poll(fiber(cx)?))?;
    let lumen_runtime::heap::TypeKind::Tuple(parts) = cx.types.kind(cx.result) else {
        discard(cx, received.value);
        return fail(kind::CAST, "the result is no tuple");
    };
    // SAFETY: an owned word of the first part's type; the slots are those of the tuple.
    unsafe {
        let value = crossing::from_word(cx.heap, received.value, parts[0]);
        Ok(record::new(
            cx.heap,
            cx.result,
            &[value, u64::from(received.waited)],
        )?)
    }
}

/// A list of the result's type from owned words.
fn list_of(cx: &mut NativeCx<'_>, words: Vec<u64>) -> NativeResult {
    let element = cx.types.element_type(cx.result).unwrap_or(well_known::ANY);
    // SAFETY: owned words of the element type.
    unsafe {
        let convert = |w: &u64| crossing::from_word(cx.heap, *w, element);
        let slots: Vec<u64> = words.iter().map(convert).collect();
        Ok(list::from_slots(cx.heap, cx.result, &slots)?)
    }
}

fn receive_batch(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let max = int(args[1]);
    if max < 1 {
        return fail("Argument", "the size of a batch must be at least 1");
    }
    let words = match From::of(args)? {
        From::Channel(c) => ready(c.poll_receive_batch(fiber(cx)?, max as usize, None))?,
        From::Broadcast(s) => ready(s.poll_receive_batch(fiber(cx)?, max as usize, None))?,
    };
    list_of(cx, words)
}

fn try_receive_batch(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let fiber = fiber(cx)?;
    let words = match From::of(args)? {
        From::Channel(c) => c.poll_try_receive_batch(fiber),
        From::Broadcast(s) => s.poll_try_receive_batch(fiber),
    };
    match words {
        Poll::Pending => Err(NativeStop::Parked),
        Poll::Ready(words) => list_of(cx, words),
    }
}

fn len(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let len = match From::of(args)? {
        From::Channel(c) => c.poll_len(fiber(cx)?),
        From::Broadcast(s) => s.poll_len(fiber(cx)?),
    };
    match len {
        Poll::Pending => Err(NativeStop::Parked),
        Poll::Ready(n) => Ok(n as u64),
    }
}

fn close(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    match object::<RawChannel>(args, 0)?.poll_close(fiber(cx)?) {
        Poll::Pending => Err(NativeStop::Parked),
        Poll::Ready(()) => Ok(NULL),
    }
}

fn is_closed(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let closed = match From::of(args)? {
        From::Channel(c) => c.poll_is_closed(fiber(cx)?),
        From::Broadcast(s) => s.poll_is_closed(fiber(cx)?),
    };
    match closed {
        Poll::Pending => Err(NativeStop::Parked),
        Poll::Ready(closed) => Ok(u64::from(closed)),
    }
}

fn broadcast(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let fiber = fiber(cx)?;
    let Ok(capacity) = usize::try_from(int(args[0])) else {
        return fail("Argument", "channel capacity must not be negative");
    };
    let raw = RawBroadcast::new(fiber.new_object_id(), capacity, fiber.payload());
    Ok(handle::new(cx.heap, cx.result, Arc::new(raw))?)
}

fn subscribe(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: the native's key says that it is a live broadcast.
    match unsafe { get_arc::<RawBroadcast>(args[0]) } {
        Some(raw) => Ok(handle::new(cx.heap, cx.result, Arc::new(raw.subscribe()))?),
        None => fail(kind::CAST, "not a broadcast"),
    }
}
