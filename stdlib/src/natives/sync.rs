//! Mutexes, locks, atomics, semaphores and the like.

use std::sync::Arc;
use std::task::Poll;

use lumen_runtime::FiberCx;
use lumen_runtime::heap::handle::{self, HandleData};
use lumen_runtime::heap::word::NULL;
use lumen_runtime::native::tasks::{discard, fiber, object, ready, result_of, shared_word};
use lumen_runtime::native::{NativeCx, NativeResult, NativeStop, fail, int, kind};
use lumen_runtime::sync::counters::{
    OnceStep, RawAtomic, RawBarrier, RawOnce, RawSemaphore, RawToken, RawWaitGroup,
};
use lumen_runtime::sync::handle::Guarded;
use lumen_runtime::sync::mutex::{RawCondvar, RawMutex};
use lumen_runtime::sync::rw_lock::RawRwLock;
use lumen_runtime::sync::station::UnlockError;

type Mutex = Guarded<RawMutex>;
type RwLock = Guarded<RawRwLock>;

natives! {
    "sync.Mutex[T](T) -> Mutex[T]" => |cx, args| {
        let lock = RawMutex::new(fiber(cx)?.new_object_id());
        let word = shared_word(cx, args, 0)?;
        made(cx, Guarded::new(lock, word))
    },
    "sync.get[T](Mutex[T]) -> T" => |cx, args| {
        let (fiber, m) = (fiber(cx)?, object::<Mutex>(args, 0)?);
        let word = under(fiber, m, || m.get())?;
        Ok(result_of(cx, word))
    },
    "sync.set[T](Mutex[T], T) -> Null" => |cx, args| {
        let (fiber, m) = (fiber(cx)?, object::<Mutex>(args, 0)?);
        let old = under(fiber, m, || shared_word(cx, args, 1).map(|word| m.replace(word)))??;
        discard(cx, old);
        Ok(NULL)
    },
    "sync.lock[T](Mutex[T]) -> Null" => |cx, args| {
        let (fiber, m) = (fiber(cx)?, object::<Mutex>(args, 0)?);
        if m.lock.holder() == fiber.id() {
            return fail("Argument", "this task holds the mutex already");
        }
        ready(m.lock.poll_lock(fiber, None))?;
        Ok(NULL)
    },
    "sync.try_lock[T](Mutex[T]) -> Bool" => |cx, args| {
        now(object::<Mutex>(args, 0)?.lock.poll_try_lock(fiber(cx)?)).map(u64::from)
    },
    "sync.unlock[T](Mutex[T]) -> Null" => |cx, args| {
        unlock(object::<Mutex>(args, 0)?.lock.poll_unlock(fiber(cx)?))
    },
    "sync.RwLock[T](T) -> RwLock[T]" => |cx, args| {
        let lock = RawRwLock::new(fiber(cx)?.new_object_id());
        let word = shared_word(cx, args, 0)?;
        made(cx, Guarded::new(lock, word))
    },
    "sync._value[T](RwLock[T]) -> T" => |cx, args| {
        let word = object::<RwLock>(args, 0)?.get();
        Ok(result_of(cx, word))
    },
    "sync._replace[T](RwLock[T], T) -> Null" => |cx, args| {
        let word = shared_word(cx, args, 1)?;
        let old = object::<RwLock>(args, 0)?.replace(word);
        discard(cx, old);
        Ok(NULL)
    },
    "sync.read_lock[T](RwLock[T]) -> Null" => |cx, args| {
        ready(object::<RwLock>(args, 0)?.lock.poll_read_lock(fiber(cx)?, None)).map(|()| NULL)
    },
    "sync.read_unlock[T](RwLock[T]) -> Null" => |cx, args| {
        unlock(object::<RwLock>(args, 0)?.lock.poll_read_unlock(fiber(cx)?))
    },
    "sync.write_lock[T](RwLock[T]) -> Null" => |cx, args| {
        ready(object::<RwLock>(args, 0)?.lock.poll_write_lock(fiber(cx)?, None)).map(|()| NULL)
    },
    "sync.write_unlock[T](RwLock[T]) -> Null" => |cx, args| {
        unlock(object::<RwLock>(args, 0)?.lock.poll_write_unlock(fiber(cx)?))
    },
    "sync.Condvar() -> Condvar" => |cx, _| {
        let raw = RawCondvar::new(fiber(cx)?.new_object_id());
        made(cx, raw)
    },
    "sync.wait[T](Condvar, Mutex[T]) -> Null" => |cx, args| {
        let (c, m) = (object::<RawCondvar>(args, 0)?, object::<Mutex>(args, 1)?);
        match c.poll_wait(fiber(cx)?, &m.lock, None) {
            Poll::Pending => Err(NativeStop::Parked),
            Poll::Ready(Err(why)) => fail("Argument", format!("cannot wait with a mutex: {why}")),
            Poll::Ready(Ok(waited)) => ready(Poll::Ready(waited)).map(|()| NULL),
        }
    },
    "sync.notify_one(Condvar) -> Null" => |cx, args| {
        now(object::<RawCondvar>(args, 0)?.poll_notify_one(fiber(cx)?)).map(|()| NULL)
    },
    "sync.notify_all(Condvar) -> Null" => |cx, args| {
        now(object::<RawCondvar>(args, 0)?.poll_notify_all(fiber(cx)?)).map(|()| NULL)
    },
    "sync.Atomic(Int) -> Atomic" => |cx, args| {
        let raw = RawAtomic::new(fiber(cx)?.new_object_id(), int(args[0]));
        made(cx, raw)
    },
    "sync.get(Atomic) -> Int" => |cx, args| {
        ready(object::<RawAtomic>(args, 0)?.poll_get(fiber(cx)?)).map(|v| v as u64)
    },
    "sync.set(Atomic, Int) -> Null" => |cx, args| {
        let value = int(args[1]);
        ready(object::<RawAtomic>(args, 0)?.poll_set(fiber(cx)?, value)).map(|()| NULL)
    },
    "sync.add(Atomic, Int) -> Int" => |cx, args| {
        let n = int(args[1]);
        match ready(object::<RawAtomic>(args, 0)?.poll_add(fiber(cx)?, n))? {
            Some(value) => Ok(value as u64),
            None => fail(kind::OVERFLOW, "integer overflow"),
        }
    },
    "sync.swap(Atomic, Int) -> Int" => |cx, args| {
        let value = int(args[1]);
        ready(object::<RawAtomic>(args, 0)?.poll_swap(fiber(cx)?, value)).map(|v| v as u64)
    },
    "sync.compare_exchange(Atomic, Int, Int) -> Bool" => |cx, args| {
        let (old, new) = (int(args[1]), int(args[2]));
        let atomic = object::<RawAtomic>(args, 0)?;
        ready(atomic.poll_compare_exchange(fiber(cx)?, old, new)).map(u64::from)
    },
    "sync.Semaphore(Int) -> Semaphore" => |cx, args| match u64::try_from(int(args[0])) {
        Ok(permits) => {
            let raw = RawSemaphore::new(fiber(cx)?.new_object_id(), permits);
            made(cx, raw)
        }
        Err(_) => fail("Argument", "the number of permits must not be negative"),
    },
    "sync.acquire(Semaphore) -> Null" => |cx, args| {
        ready(object::<RawSemaphore>(args, 0)?.poll_acquire(fiber(cx)?, None)).map(|()| NULL)
    },
    "sync.try_acquire(Semaphore) -> Bool" => |cx, args| {
        now(object::<RawSemaphore>(args, 0)?.poll_try_acquire(fiber(cx)?)).map(u64::from)
    },
    "sync.release(Semaphore) -> Null" => |cx, args| {
        now(object::<RawSemaphore>(args, 0)?.poll_release(fiber(cx)?)).map(|()| NULL)
    },
    "sync.Barrier(Int) -> Barrier" => |cx, args| match u64::try_from(int(args[0])) {
        Ok(size) if size > 0 => {
            let raw = RawBarrier::new(fiber(cx)?.new_object_id(), size);
            made(cx, raw)
        }
        _ => fail("Argument", "a barrier needs at least one task"),
    },
    "sync.wait(Barrier) -> Bool" => |cx, args| {
        ready(object::<RawBarrier>(args, 0)?.poll_wait(fiber(cx)?, None)).map(u64::from)
    },
    "sync.Once() -> Once" => |cx, _| {
        let raw = RawOnce::new(fiber(cx)?.new_object_id());
        made(cx, raw)
    },
    "sync._begin(Once) -> Bool" => |cx, args| {
        let step = ready(object::<RawOnce>(args, 0)?.poll_begin(fiber(cx)?))?;
        Ok(u64::from(step == OnceStep::Run))
    },
    "sync._finish(Once, Bool) -> Null" => |cx, args| {
        let succeeded = args[1] != 0;
        now(object::<RawOnce>(args, 0)?.poll_finish(fiber(cx)?, succeeded)).map(|()| NULL)
    },
    "sync.WaitGroup() -> WaitGroup" => |cx, _| {
        let raw = RawWaitGroup::new(fiber(cx)?.new_object_id());
        made(cx, raw)
    },
    "sync.add(WaitGroup, Int) -> Null" => |cx, args| count(cx, args, int(args[1])),
    "sync.done(WaitGroup) -> Null" => |cx, args| count(cx, args, -1),
    "sync.wait(WaitGroup) -> Null" => |cx, args| {
        ready(object::<RawWaitGroup>(args, 0)?.poll_wait(fiber(cx)?, None)).map(|()| NULL)
    },
    "sync.CancelToken() -> CancelToken" => |cx, _| {
        let raw = RawToken::new(fiber(cx)?.new_object_id());
        made(cx, raw)
    },
    "sync.cancel(CancelToken) -> Null" => |cx, args| {
        now(object::<RawToken>(args, 0)?.poll_cancel(fiber(cx)?)).map(|()| NULL)
    },
    "sync.is_cancelled(CancelToken) -> Bool" => |cx, args| {
        now(object::<RawToken>(args, 0)?.poll_is_cancelled(fiber(cx)?)).map(u64::from)
    },
    "sync.check(CancelToken) -> Null" => |cx, args| {
        match now(object::<RawToken>(args, 0)?.poll_is_cancelled(fiber(cx)?))? {
            true => fail(kind::CANCELLED, "cancelled"),
            false => Ok(NULL),
        }
    },
    "sync.wait(CancelToken) -> Null" => |cx, args| {
        ready(object::<RawToken>(args, 0)?.poll_wait(fiber(cx)?, None)).map(|()| NULL)
    },
}

/// A handle of the call's result type.
fn made<T: HandleData>(cx: &mut NativeCx<'_>, data: T) -> NativeResult {
    Ok(handle::new(cx.heap, cx.result, Arc::new(data))?)
}

/// The answer of an operation that cannot fail.
fn now<T>(poll: Poll<T>) -> Result<T, NativeStop> {
    match poll {
        Poll::Pending => Err(NativeStop::Parked),
        Poll::Ready(answer) => Ok(answer),
    }
}

fn not_held<T>(why: UnlockError) -> Result<T, NativeStop> {
    fail("Argument", format!("cannot unlock: {why}"))
}

fn unlock(poll: Poll<Result<(), UnlockError>>) -> NativeResult {
    match now(poll)? {
        Ok(()) => Ok(NULL),
        Err(why) => not_held(why),
    }
}

/// Runs `f` under the lock: taken for that, or held by the fiber since `lock`.
fn under<R>(fiber: &FiberCx, m: &Mutex, f: impl FnOnce() -> R) -> Result<R, NativeStop> {
    if m.lock.holder() == fiber.id() {
        return Ok(f());
    }
    ready(m.lock.poll_lock(fiber, None))?;
    let result = f();
    m.lock.unlock(fiber).or_else(not_held)?;
    Ok(result)
}

fn count(cx: &mut NativeCx<'_>, args: &[u64], n: i64) -> NativeResult {
    match now(object::<RawWaitGroup>(args, 0)?.poll_add(fiber(cx)?, n))? {
        true => Ok(NULL),
        false => fail(
            "Argument",
            "the count of a wait group must not become negative",
        ),
    }
}
