//! Executors: pools made by running programs; and calls that block.

use crate::fiber::cx::Enter;
use crate::fiber::{FiberCx, SpawnInfo};
use crate::payload::Outcome;
use crate::sched::pool::Pool;
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::{WaitError, WaitReason};
use crate::sync::wait_queue::Item;
use crate::task::future::{FutureRef, promise};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

/// Most pools a runtime can have: a timer's number holds its pool's in 8 bits.
const MAX_POOLS: usize = 255;
/// Most threads an executor can have, for the same reason.
const MAX_THREADS: usize = 255;

impl FiberCx {
    /// Starts an executor: a pool with threads of its own. In a deterministic run it is only a
    /// name: its tasks run on the one worker.
    ///
    /// # Errors
    /// When the system refuses a thread, or there are too many executors.
    pub fn new_executor(&self, threads: usize, name: &str) -> std::io::Result<Arc<Pool>> {
        let root = self.shared().root.lock().clone();
        let shared = root.and_then(|root| root.shared_arc());
        let Some(shared) = shared else {
            return Err(std::io::Error::other("the program has ended"));
        };
        if shared.pools.lock().len() >= MAX_POOLS {
            return Err(std::io::Error::other("too many executors"));
        }
        let threads = if self.is_deterministic() {
            0
        } else {
            threads.clamp(1, MAX_THREADS)
        };
        let (pool, handles) = crate::sched::runtime::start_pool(&shared, name, threads)?;
        shared.threads.lock().extend(handles);
        Ok(pool)
    }

    /// Refuses new tasks of an executor and waits until those it has have ended; then its
    /// threads end. The global pool cannot be shut down.
    pub fn poll_shutdown(&self, pool: &Arc<Pool>) -> Poll<Result<(), WaitError>> {
        match self.enter() {
            Enter::Yield => return Poll::Pending,
            Enter::Stop(why) => return Poll::Ready(Err(why)),
            Enter::Resume => {
                let wake = self.finish_wait();
                if wake.arm != 0 {
                    pool.unwait_idle(wake.key, self.fiber(), wake.epoch);
                    return Poll::Ready(Err(self.wake_error(wake.arm)));
                }
            }
            Enter::Begin => {
                if pool.number() == 0 {
                    return Poll::Ready(Ok(()));
                }
                pool.shut();
            }
        }
        let mut epoch = Ok(0);
        let key = pool.wait_idle(|| {
            epoch = self.begin_wait(WaitReason::Executor, pool.number() as u64);
            epoch.ok().map(|epoch| self.waiter(epoch, 0, Item::None))
        });
        if let Err(why) = epoch {
            return Poll::Ready(Err(why));
        }
        if let Some(key) = key {
            self.slot().key = key;
            return Poll::Pending;
        }
        self.event(Op::Executor, 0, 0);
        pool.closing.store(true, Ordering::Release);
        pool.wake_all(self.shared());
        Poll::Ready(Ok(()))
    }

    /// Runs a call that blocks on a thread for such calls. The future ends with what it gives;
    /// cancelling the future does not stop the call.
    pub fn spawn_blocking(
        &self,
        info: SpawnInfo,
        call: impl FnOnce() -> Outcome + Send + 'static,
    ) -> FutureRef {
        let (promise, future) = promise(self, info);
        let hooks = self.shared().hooks.clone();
        self.shared().blocking.run(Box::new(move || {
            let outcome = match catch_unwind(AssertUnwindSafe(call)) {
                Ok(outcome) => outcome,
                Err(panic) => Outcome::Failed(hooks.panicked(panic)),
            };
            promise.complete(outcome);
        }));
        future
    }
}
