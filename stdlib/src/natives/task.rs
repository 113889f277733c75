//! Tasks and time.

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::task::Poll;

use lumen_runtime::heap::handle::{self, get_arc};
use lumen_runtime::heap::word::{NULL, immediate};
use lumen_runtime::heap::{crossing, record, well_known};
use lumen_runtime::native::tasks::{discard, fiber, message_of, ready};
use lumen_runtime::native::{Machine, NativeCx, NativeResult, NativeStop, fail, int, kind, text};
use lumen_runtime::task::future::FutureRef;
use lumen_runtime::{Outcome, Pool};

natives! {
    "task.sleep(Int) -> Null" => |cx, args| {
        let nanos = u64::try_from(int(args[0])).unwrap_or(0).saturating_mul(1_000_000);
        ready(fiber(cx)?.poll_sleep(nanos))?;
        Ok(NULL)
    },
    "task.is_ready[T](Future[T]) -> Bool" => |cx, args| {
        match future(args)?.poll_is_ready(fiber(cx)?) {
            Poll::Pending => Err(NativeStop::Parked),
            Poll::Ready(done) => Ok(u64::from(done)),
        }
    },
    "task.is_spawned[T](Future[T]?) -> Bool" => |_, args| Ok(u64::from(args[0] != NULL)),
    "task.state[T](Future[T]) -> FutureState[T]" => state,
    "task.cancel[T](Future[T]) -> Null" => |cx, args| {
        future(args)?.cancel(fiber(cx)?);
        Ok(NULL)
    },
    "task.id[T](Future[T]) -> Int" => |_, args| Ok(future(args)?.id()),
    "task.name[T](Future[T]) -> String" => |cx, args| {
        let path = future(args)?.path();
        cx.string(&path)
    },
    "task.cancel(Scope) -> Null" => |cx, args| {
        machine(cx)?.cancel_scope(fiber(cx)?, args[0]);
        Ok(NULL)
    },
    "task.executor(Int, String) -> Executor" => executor,
    "task.shutdown(Executor) -> Null" => |cx, args| {
        // SAFETY: the native's key says that it is a live Executor.
        match unsafe { get_arc::<Pool>(args[0]) } {
            Some(pool) => ready(fiber(cx)?.poll_shutdown(&pool)).map(|()| NULL),
            None => fail(kind::CAST, "not an executor"),
        }
    },
}

fn machine<'a>(cx: &NativeCx<'a>) -> Result<&'a dyn Machine, NativeStop> {
    lumen_runtime::native::tasks::machine(cx)
}

fn future(args: &[u64]) -> Result<ManuallyDrop<FutureRef>, NativeStop> {
    // SAFETY: the native's key says that it is a Future, borrowed for the call.
    match unsafe { FutureRef::borrow_handle(args[0]) } {
        Some(future) => Ok(future),
        None => fail(kind::CAST, "not a future"),
    }
}

fn state(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let outcome = match future(args)?.poll_state(fiber(cx)?) {
        Poll::Pending => return Err(NativeStop::Parked),
        Poll::Ready(outcome) => outcome,
    };
    match outcome {
        None => match cx.types.variant(cx.result, "Pending") {
            Some(ty) => Ok(immediate(ty, 0)),
            None => fail(kind::CAST, "the result type has no variant `Pending`"),
        },
        Some(Outcome::Ok(word)) => completed(cx, word),
        Some(Outcome::Failed(error)) => {
            let message = message_of(error);
            discard(cx, error);
            let text = cx.string(&message)?;
            cx.variant("Error", text)
        }
        Some(Outcome::Cancelled) => {
            let text = cx.string("cancelled")?;
            cx.variant("Error", text)
        }
    }
}

fn completed(cx: &mut NativeCx<'_>, word: u64) -> NativeResult {
    let variant = cx.types.variant(cx.result, "Completed");
    let ty = variant
        .and_then(|v| cx.types.fields(v).first())
        .map_or(well_known::ANY, |f| f.ty);
    // SAFETY: an owned word of the variant's field type.
    let value = unsafe { crossing::from_word(cx.heap, word, ty) };
    match variant {
        // SAFETY: the slot is of the field's type.
        Some(v) => Ok(unsafe { record::new(cx.heap, v, &[value])? }),
        None => fail(kind::CAST, "the result type has no variant `Completed`"),
    }
}

fn executor(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let fiber = fiber(cx)?;
    let threads = match usize::try_from(int(args[0])) {
        Ok(n) if n > 0 => n,
        _ => return fail("Argument", "an executor needs at least one thread"),
    };
    match fiber.new_executor(threads, text(&args[1])) {
        Ok(pool) => {
            let pool: Arc<Pool> = pool;
            Ok(handle::new(cx.heap, cx.result, pool)?)
        }
        Err(why) => fail(kind::IO, format!("cannot start an executor: {why}")),
    }
}
