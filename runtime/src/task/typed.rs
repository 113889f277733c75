//! Tasks of plain Rust closures, with typed results. For runtimes whose slots are plain
//! ([`PayloadVTable::PLAIN`](crate::PayloadVTable::PLAIN)).
//!
//! ```
//! use lumen_runtime::{Config, Runtime};
//!
//! let runtime = Runtime::new(Config::default()).unwrap();
//! let sum = runtime.block_on(|cx| {
//!     let parts: Vec<_> = (0..4u64).map(|i| cx.spawn_fn(move |_| i * i)).collect();
//!     parts.into_iter().map(|part| part.join(cx).unwrap()).sum::<u64>()
//! });
//! assert_eq!(sum.unwrap(), 14);
//! ```

use crate::fiber::coro::Killed;
use crate::fiber::{Body, FiberCx, SpawnInfo, Step};
use crate::payload::Outcome;
use crate::prim::Mutex;
use crate::sched::runtime::Runtime;
use crate::sched::wait_reason::WaitError;
use crate::task::future::FutureRef;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

type Panic = Box<dyn Any + Send>;
type Place<T> = Arc<Mutex<Option<Result<T, Panic>>>>;

/// Why there is no result.
#[derive(Debug)]
pub enum JoinError {
    /// The closure panicked with this.
    Panicked(Panic),
    /// The task was cancelled before it began.
    Cancelled,
    /// The waiting fiber itself was told to stop.
    Wait(WaitError),
}

impl std::fmt::Display for JoinError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            JoinError::Panicked(_) => f.write_str("the task panicked"),
            JoinError::Cancelled => f.write_str("the task was cancelled"),
            JoinError::Wait(why) => write!(f, "waiting for the task ended: {why}"),
        }
    }
}

impl std::error::Error for JoinError {}

/// A task and the place its result comes to.
#[derive(Debug)]
pub struct JoinHandle<T> {
    future: FutureRef,
    place: Place<T>,
}

struct Call<F, T> {
    f: Option<F>,
    place: Place<T>,
}

impl<F, T> Body for Call<F, T>
where
    F: FnOnce(&FiberCx) -> T + Send,
    T: Send,
{
    fn resume(&mut self, cx: &FiberCx) -> Step {
        let Some(f) = self.f.take() else {
            return Step::Done(Outcome::Cancelled);
        };
        match catch_unwind(AssertUnwindSafe(|| f(cx))) {
            Ok(value) => {
                *self.place.lock() = Some(Ok(value));
                Step::Done(Outcome::Ok(0))
            }
            Err(panic) if panic.is::<Killed>() => resume_unwind(panic),
            Err(panic) => {
                *self.place.lock() = Some(Err(panic));
                Step::Done(Outcome::Failed(0))
            }
        }
    }

    fn needs_stack(&self) -> bool {
        true
    }
}

impl FiberCx {
    /// Starts a closure as a task. A panic in it is its failure. A cancelled closure learns of it
    /// by the errors of its waits; what it returns then is its result all the same.
    pub fn spawn_fn<T: Send + 'static>(
        &self,
        f: impl FnOnce(&FiberCx) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let place = Arc::new(Mutex::new(None));
        let body = Box::new(Call {
            f: Some(f),
            place: place.clone(),
        });
        match self.spawn(body, Default::default()) {
            Ok(future) => JoinHandle { future, place },
            Err(_) => unreachable!("a task inherits its parent's pool, which takes it"),
        }
    }
}

impl<T> JoinHandle<T> {
    /// The task.
    pub fn future(&self) -> &FutureRef {
        &self.future
    }

    /// Waits for the result.
    ///
    /// # Errors
    /// When the task panicked or was cancelled, or the waiting fiber is told to stop.
    pub fn join(self, cx: &FiberCx) -> Result<T, JoinError> {
        self.future.wait(cx).map_err(JoinError::Wait)?;
        take(&self.place)
    }

    /// Asks the task to end.
    pub fn cancel(&self, cx: &FiberCx) {
        self.future.cancel(cx);
    }
}

fn take<T>(place: &Place<T>) -> Result<T, JoinError> {
    match place.lock().take() {
        Some(Ok(value)) => Ok(value),
        Some(Err(panic)) => Err(JoinError::Panicked(panic)),
        None => Err(JoinError::Cancelled),
    }
}

impl Runtime {
    /// Runs a closure as the main task, and everything it starts.
    ///
    /// # Errors
    /// When the closure panicked or was interrupted before it began.
    pub fn block_on<T: Send + 'static>(
        &self,
        f: impl FnOnce(&FiberCx) -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let place = Arc::new(Mutex::new(None));
        let body = Box::new(Call {
            f: Some(f),
            place: place.clone(),
        });
        self.run(body, SpawnInfo::default());
        take(&place)
    }
}
