//! Scopes, and waiting for several futures.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use lumen_runtime::heap::handle::HandleData;
use lumen_runtime::heap::word::NULL;
use lumen_runtime::heap::{count, error, list, well_known};
use lumen_runtime::native::{NativeCx, NativeResult, NativeStop, int, kind};
use lumen_runtime::task::future::FutureRef;
use lumen_runtime::task::scope::Scope as RawScope;
use lumen_runtime::{Body, FiberCx, Outcome, Pool, SpawnOptions, Step};

use super::groups::executor;
use crate::backtrace::mark_awaited;
use crate::tasks::payload;
use lumen_runtime::native::tasks::{
    deadline, discard, fiber, handle, machine, not_started, object, options, stop,
};

natives! {
    "rt.scope_enter(Int) -> Scope" => |cx, args| enter(cx, args, None),
    "rt.scope_enter_on(Int, Executor) -> Scope" => |cx, args| {
        let pool = executor(args, 1)?;
        enter(cx, args, Some(pool))
    },
    "rt.scope_exit(Scope) -> Null" => exit,
    "rt.scope_abort(Scope, Error) -> Error" => abort,
    "rt.await_settle[T](list[Future[T]]) -> Null" => await_settle,
}

/// An open scope.
struct Scope {
    raw: RawScope,
    state: Mutex<State>,
    watch: Option<(Arc<Watch>, FutureRef)>,
}

#[derive(Default)]
struct State {
    leaving: bool,
    ended: bool,
}

/// What a scope and the fiber that watches its time share: the scope, as long as it has not ended,
/// and the failure that is raised when its time is up, an owned word.
struct Watch {
    scope: Mutex<Option<RawScope>>,
    failure: AtomicU64,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Option<RawScope>> {
        self.scope.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Scope {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl HandleData for Scope {
    fn describe(&self, out: &mut String) {
        out.push_str("Scope");
    }
}

/// Fails the scope when its time is up: everything in it is cancelled, and the failure raised at
/// its end. It stands outside the scope, which it would keep from ending.
struct Watchdog {
    until: u64,
    watch: Arc<Watch>,
}

impl Body for Watchdog {
    fn resume(&mut self, cx: &FiberCx) -> Step {
        match cx.poll_deadline(self.until) {
            Poll::Pending => return Step::Parked,
            Poll::Ready(Err(_)) => return Step::Done(Outcome::Cancelled),
            Poll::Ready(Ok(())) => {}
        }
        let mut open = self.watch.lock();
        if let Some(scope) = open.take() {
            let failure = self.watch.failure.swap(NULL, Ordering::AcqRel);
            if !scope.fail(cx, failure) {
                // Given up by whoever leaves the scope: this thread may be without a heap.
                self.watch.failure.store(failure, Ordering::Release);
            }
        }
        Step::Done(Outcome::Ok(NULL))
    }
}

fn enter(cx: &mut NativeCx<'_>, args: &[u64], pool: Option<Arc<Pool>>) -> NativeResult {
    let (fiber, machine) = (fiber(cx)?, machine(cx)?);
    let watch = deadline(fiber, int(args[0])).map(|until| {
        let failure = error::new(cx.heap, kind::TIMEOUT, "timed out", "")?;
        // SAFETY: a fresh Error; another worker may give it up.
        unsafe { count::share(cx.heap, failure) };
        let watch = Arc::new(Watch {
            scope: Mutex::default(),
            failure: AtomicU64::new(failure),
        });
        let body = Box::new(Watchdog {
            until,
            watch: Arc::clone(&watch),
        });
        // The global pool is never shut down.
        let options = SpawnOptions {
            pool: Some(fiber.global_pool()),
            ..options(machine)
        };
        let future = fiber.spawn(body, options).map_err(not_started)?;
        Ok::<_, NativeStop>((watch, future))
    });
    let watch = watch.transpose()?;
    let raw = fiber.enter_scope_on(machine.site(), pool);
    if let Some((watch, _)) = &watch {
        *watch.lock() = Some(raw.clone());
    }
    handle(
        cx,
        Scope {
            raw,
            state: Mutex::default(),
            watch,
        },
    )
}

fn exit(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    leave(cx, args, false).map_or(Err(NativeStop::Parked), |failure| match failure {
        Some(error) => Err(NativeStop::Raised(error)),
        None => Ok(NULL),
    })
}

fn abort(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (fiber, machine) = (fiber(cx)?, machine(cx)?);
    match leave(cx, args, true) {
        None => Err(NativeStop::Parked),
        // The body was stopped for this failure, and not because the whole fiber is to end.
        Some(Some(mut error)) if args[1] == machine.cancelled() && !fiber.is_cancelled() => {
            // SAFETY: an Error that was given away. Without memory its trace ends with the task's.
            let _ = unsafe { mark_awaited(cx.heap, &mut error) };
            Ok(error)
        }
        Some(failure) => {
            let mut raised = cx.copy(args[1], well_known::ERROR);
            match failure {
                Some(error) if args[1] == machine.cancelled() => discard(cx, error),
                // The body failed, and so did a task: the one does not hide the other.
                Some(error) => {
                    // SAFETY: both are live Errors, owned here.
                    let joined = unsafe {
                        error::make_unique(cx.heap, &mut raised)
                            .and_then(|()| error::push_cause(cx.heap, raised, error))
                    };
                    if joined.is_err() {
                        // No memory is left for it.
                        discard(cx, error);
                    }
                }
                None => {}
            }
            Ok(raised)
        }
    }
}

/// Waits for the scope's end: `None` while it must wait, else the failure to raise, owned.
fn leave(cx: &NativeCx<'_>, args: &[u64], cancel: bool) -> Option<Option<u64>> {
    let (Ok(fiber), Ok(scope)) = (fiber(cx), object::<Scope>(args, 0)) else {
        return Some(None);
    };
    if scope.lock().ended {
        return Some(None);
    }
    if !std::mem::replace(&mut scope.lock().leaving, true) && cancel {
        scope.raw.cancel(fiber);
    }
    match fiber.poll_exit_scope(&scope.raw) {
        Poll::Pending => None,
        Poll::Ready(end) => {
            scope.lock().ended = true;
            if let Some((watch, future)) = &scope.watch {
                // Under the lock: the watchdog is either done with the failure or never begins.
                let mut open = watch.lock();
                open.take();
                payload::drop_word(watch.failure.swap(NULL, Ordering::AcqRel));
                drop(open);
                future.cancel(fiber);
            }
            Some(end.failure)
        }
    }
}

fn await_settle(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let fiber = fiber(cx)?;
    // SAFETY: a live list of live Futures.
    let futures = unsafe { list::slots(args[0]) };
    // SAFETY: as above.
    let future = |w: &u64| unsafe { FutureRef::borrow_handle(*w) };
    // An await under way is to be finished first.
    let under_way = futures
        .iter()
        .filter_map(future)
        .find(|f| f.is_awaited_by(fiber));
    let rest = futures.iter().filter_map(future).filter(|f| !f.is_done());
    for f in under_way.into_iter().chain(rest) {
        match f.poll_await(fiber, None) {
            Poll::Pending => return Err(NativeStop::Parked),
            Poll::Ready(Ok(outcome)) => {
                if let Some(word) = outcome.slot() {
                    discard(cx, word);
                }
            }
            Poll::Ready(Err(why)) => return Err(stop(why)),
        }
    }
    // One failure is raised; the others have been seen.
    for f in futures.iter().filter_map(future) {
        let _ = f.peek();
    }
    Ok(NULL)
}

/// Cancels everything in the scope behind a handle.
pub(crate) fn cancel_scope(fiber: &FiberCx, handle: u64) {
    // SAFETY: the caller has a live handle of type Scope.
    if let Some(scope) = unsafe { lumen_runtime::heap::handle::get::<Scope>(handle) } {
        scope.raw.cancel(fiber);
    }
}
