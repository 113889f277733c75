//! Threads for calls that block: started when needed, up to a limit, gone after idling.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// How long an idle thread is kept. Starting one costs some 70 us.
const KEEP_IDLE: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    stop: bool,
}

#[derive(Default)]
struct Inner {
    queue: Mutex<Queue>,
    signal: Condvar,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// The pool.
pub(crate) struct BlockingPool {
    inner: Arc<Inner>,
    limit: usize,
}

impl BlockingPool {
    pub(crate) fn new(limit: usize) -> Self {
        BlockingPool {
            inner: Arc::new(Inner::default()),
            limit: limit.max(1),
        }
    }

    /// Runs a job on some thread of the pool. When no thread can be had at all, right here.
    pub(crate) fn run(&self, job: Job) {
        let mut queue = self.inner.lock();
        queue.jobs.push_back(job);
        if queue.idle >= queue.jobs.len() || queue.threads >= self.limit {
            drop(queue);
            self.inner.signal.notify_one();
            return;
        }
        queue.threads += 1;
        drop(queue);
        let inner = self.inner.clone();
        let started = std::thread::Builder::new()
            .name("fiber-blocking".into())
            .spawn(move || serve(&inner));
        if started.is_err() {
            let mut queue = self.inner.lock();
            queue.threads -= 1;
            let job = if queue.threads == 0 {
                queue.jobs.pop_back()
            } else {
                None
            };
            drop(queue);
            if let Some(job) = job {
                job();
            }
        }
    }

    /// Lets the threads end once their present jobs are done; unstarted jobs are dropped.
    pub(crate) fn stop(&self) {
        let jobs = {
            let mut queue = self.inner.lock();
            queue.stop = true;
            std::mem::take(&mut queue.jobs)
        };
        drop(jobs);
        self.inner.signal.notify_all();
    }
}

fn serve(inner: &Inner) {
    let mut queue = inner.lock();
    loop {
        if let Some(job) = queue.jobs.pop_front() {
            drop(queue);
            // A job reports its own panics; one that does not must not take the thread along.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
            queue = inner.lock();
            continue;
        }
        if queue.stop {
            break;
        }
        queue.idle += 1;
        let (back, timeout) = inner
            .signal
            .wait_timeout(queue, KEEP_IDLE)
            .unwrap_or_else(|e| e.into_inner());
        queue = back;
        queue.idle -= 1;
        if timeout.timed_out() && queue.jobs.is_empty() {
            break;
        }
    }
    queue.threads -= 1;
}
