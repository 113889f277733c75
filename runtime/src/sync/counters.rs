//! Handles that count: semaphore, barrier, wait group, once, cancel token, atomic.

use crate::fiber::cx::Enter;
use crate::fiber::{FiberCx, FiberRef};
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::{WaitError, WaitReason};
use crate::sync::select::{Selected, Source, Ticket};
use crate::sync::station::{Inner, Station, notify_one};
use crate::sync::wait_queue::Item;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;

/// Permits. Waiters are served in order.
#[derive(Debug)]
pub struct RawSemaphore {
    station: Station<u64>,
}

fn take_permit(inner: &mut Inner<u64>) -> Option<()> {
    let free = inner.state > 0 && inner.queue.is_empty();
    inner.state -= u64::from(free);
    free.then_some(())
}

fn hand_out(inner: &mut Inner<u64>, woken: &mut Vec<FiberRef>) {
    while inner.state > 0
        && let Some(won) = inner.queue.claim_next(None, Some(0))
    {
        inner.state -= 1;
        woken.extend(won.woken);
    }
}

impl RawSemaphore {
    /// So many permits; `object` is its number in reports.
    pub fn new(object: u64, permits: u64) -> Self {
        RawSemaphore {
            station: Station::new(object, WaitReason::Semaphore, Op::Acquire, permits),
        }
    }

    /// Its number in reports.
    pub fn object(&self) -> u64 {
        self.station.object
    }

    /// Takes a permit.
    pub fn poll_acquire(&self, cx: &FiberCx, deadline: Option<u64>) -> Poll<Result<(), WaitError>> {
        self.station
            .poll(cx, deadline, None, take_permit, || (), hand_out)
    }

    /// Takes a permit if there is one.
    pub fn poll_try_acquire(&self, cx: &FiberCx) -> Poll<bool> {
        self.station
            .poll_try(cx, |inner| take_permit(inner).is_some())
    }

    /// Gives a permit back (or adds one).
    pub fn poll_release(&self, cx: &FiberCx) -> Poll<()> {
        self.station.poll_now(cx, Op::Release, |inner, woken| {
            inner.state += 1;
            hand_out(inner, woken);
        })
    }

    /// Permits that are free.
    pub fn available(&self) -> u64 {
        self.station.inner.lock().state
    }
}

/// Fibers wait for each other.
#[derive(Debug)]
pub struct RawBarrier {
    /// How many have arrived.
    station: Station<u64>,
    size: u64,
}

impl RawBarrier {
    /// A barrier for so many (0 counts as 1); `object` is its number in reports.
    pub fn new(object: u64, size: u64) -> Self {
        let station = Station::new(object, WaitReason::Barrier, Op::Barrier, 0);
        RawBarrier {
            station,
            size: size.max(1),
        }
    }

    /// Its number in reports.
    pub fn object(&self) -> u64 {
        self.station.object
    }

    /// Would the caller be the last? Who has been cancelled or timed out does not count, even if
    /// it has not had the time to leave. (Who is claimed after this look had arrived in time.)
    fn is_last(&self, inner: &mut Inner<u64>) -> bool {
        if inner.state + 1 < self.size {
            return false;
        }
        inner.state = inner.queue.count_open() as u64;
        inner.state + 1 >= self.size
    }

    /// Lets everyone go if the caller is the last that was missing.
    fn arrive_last(&self, inner: &mut Inner<u64>, woken: &mut Vec<FiberRef>) -> bool {
        let last = self.is_last(inner);
        if last {
            inner.state = 0;
            inner.queue.give_all(Some(0), woken);
        }
        last
    }

    /// Waits until all have arrived; true for the last one.
    pub fn poll_wait(&self, cx: &FiberCx, deadline: Option<u64>) -> Poll<Result<bool, WaitError>> {
        let mut woken = Vec::new();
        let result = self.station.poll(
            cx,
            deadline,
            None,
            |inner| {
                let last = self.arrive_last(inner, &mut woken);
                inner.state += u64::from(!last);
                last.then_some(true)
            },
            || false,
            |inner, _| inner.state = inner.queue.len() as u64,
        );
        cx.place().ready_all(woken);
        if let Poll::Ready(Err(_)) = &result {
            // Arrived, but not allowed to wait: has not arrived.
            let mut inner = self.station.inner.lock();
            inner.state = inner.queue.len() as u64;
        }
        result
    }
}

/// Counts work that is under way.
#[derive(Debug)]
pub struct RawWaitGroup {
    station: Station<i64>,
}

impl RawWaitGroup {
    /// A count of 0; `object` is its number in reports.
    pub fn new(object: u64) -> Self {
        RawWaitGroup {
            station: Station::new(object, WaitReason::WaitGroup, Op::GroupWait, 0),
        }
    }

    /// Its number in reports.
    pub fn object(&self) -> u64 {
        self.station.object
    }

    /// The count.
    pub fn count(&self) -> i64 {
        self.station.inner.lock().state
    }

    /// Changes the count; false (and no change) when it would become negative.
    pub fn poll_add(&self, cx: &FiberCx, n: i64) -> Poll<bool> {
        self.station.poll_now(cx, Op::GroupAdd, |inner, woken| {
            let Some(sum) = inner.state.checked_add(n).filter(|&sum| sum >= 0) else {
                return false;
            };
            inner.state = sum;
            if sum == 0 {
                inner.queue.give_all(Some(0), woken);
            }
            true
        })
    }

    /// Waits until the count is 0.
    pub fn poll_wait(&self, cx: &FiberCx, deadline: Option<u64>) -> Poll<Result<(), WaitError>> {
        let attempt = |inner: &mut Inner<i64>| (inner.state == 0).then_some(());
        self.station
            .poll(cx, deadline, None, attempt, || (), |_, _| ())
    }
}

/// What to do about a [`RawOnce`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnceStep {
    /// The caller runs it and says how that went by [`RawOnce::poll_finish`].
    Run,
    /// It has been run.
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnceState {
    New,
    Running,
    Done,
}

/// Something that is to be done once.
#[derive(Debug)]
pub struct RawOnce {
    station: Station<OnceState>,
    runner: crate::sync::station::Holder,
}

impl RawOnce {
    /// Not run yet; `object` is its number in reports.
    pub fn new(object: u64) -> Self {
        let station = Station::new(object, WaitReason::Once, Op::Once, OnceState::New);
        RawOnce {
            station,
            runner: Default::default(),
        }
    }

    /// Its number in reports.
    pub fn object(&self) -> u64 {
        self.station.object
    }

    /// Shall the caller run it? Waits while another fiber does.
    pub fn poll_begin(&self, cx: &FiberCx) -> Poll<Result<OnceStep, WaitError>> {
        let attempt = |inner: &mut Inner<OnceState>| match inner.state {
            OnceState::New => {
                inner.state = OnceState::Running;
                self.runner.set(cx.id());
                Some(OnceStep::Run)
            }
            OnceState::Running => None,
            OnceState::Done => Some(OnceStep::Done),
        };
        let holder = Some(&self.runner.0);
        self.station
            .poll(cx, None, holder, attempt, || OnceStep::Done, |_, _| ())
    }

    /// The caller has run it; if that failed, the next one tries.
    pub fn poll_finish(&self, cx: &FiberCx, succeeded: bool) -> Poll<()> {
        self.station.poll_now(cx, Op::Once, |inner, woken| {
            self.runner.set(0);
            if succeeded {
                inner.state = OnceState::Done;
                inner.queue.give_all(Some(0), woken);
            } else {
                inner.state = OnceState::New;
                notify_one(inner, woken);
            }
        })
    }
}

/// Tells whoever looks that something is no longer wanted.
#[derive(Debug)]
pub struct RawToken {
    station: Station<bool>,
}

impl RawToken {
    /// Not cancelled; `object` is its number in reports.
    pub fn new(object: u64) -> Self {
        RawToken {
            station: Station::new(object, WaitReason::CancelToken, Op::Token, false),
        }
    }

    /// Its number in reports.
    pub fn object(&self) -> u64 {
        self.station.object
    }

    /// Has it been cancelled?
    pub fn is_cancelled(&self) -> bool {
        self.station.inner.lock().state
    }

    /// As [`RawToken::is_cancelled`], as an operation of a fiber.
    pub fn poll_is_cancelled(&self, cx: &FiberCx) -> Poll<bool> {
        let seen = cx.look(Op::Token, self.object(), || u64::from(self.is_cancelled()));
        seen.map(|seen| seen != 0)
    }

    /// Cancels it and wakes everyone who waits for that.
    pub fn poll_cancel(&self, cx: &FiberCx) -> Poll<()> {
        self.station.poll_now(cx, Op::Token, |inner, woken| {
            inner.state = true;
            inner.queue.give_all(Some(0), woken);
        })
    }

    /// Waits until it is cancelled.
    pub fn poll_wait(&self, cx: &FiberCx, deadline: Option<u64>) -> Poll<Result<(), WaitError>> {
        let attempt = |inner: &mut Inner<bool>| inner.state.then_some(());
        self.station
            .poll(cx, deadline, None, attempt, || (), |_, _| ())
    }
}

impl Source for RawToken {
    fn try_now(&self, _: &FiberCx) -> Option<Selected> {
        self.is_cancelled().then_some(Selected::Acquired)
    }

    fn register(&self, cx: &FiberCx, ticket: Ticket) -> Option<u32> {
        let mut inner = self.station.inner.lock();
        let waiter = || cx.waiter(ticket.epoch, ticket.arm, Item::None);
        (!inner.state).then(|| inner.queue.push_back(waiter()))
    }

    fn unregister(&self, cx: &FiberCx, key: u32, ticket: Ticket) {
        self.station
            .inner
            .lock()
            .queue
            .remove(key, cx.fiber(), ticket.epoch);
    }

    fn claimed(&self, _: &FiberCx, _: Option<u64>) -> Option<Selected> {
        Some(Selected::Acquired)
    }
}

impl Source for RawWaitGroup {
    fn try_now(&self, _: &FiberCx) -> Option<Selected> {
        (self.count() == 0).then_some(Selected::Acquired)
    }

    fn register(&self, cx: &FiberCx, ticket: Ticket) -> Option<u32> {
        let mut inner = self.station.inner.lock();
        let waiter = || cx.waiter(ticket.epoch, ticket.arm, Item::None);
        (inner.state != 0).then(|| inner.queue.push_back(waiter()))
    }

    fn unregister(&self, cx: &FiberCx, key: u32, ticket: Ticket) {
        let mut inner = self.station.inner.lock();
        inner.queue.remove(key, cx.fiber(), ticket.epoch);
    }

    fn claimed(&self, _: &FiberCx, _: Option<u64>) -> Option<Selected> {
        Some(Selected::Acquired)
    }
}

impl Source for RawBarrier {
    fn try_now(&self, cx: &FiberCx) -> Option<Selected> {
        let mut woken = Vec::new();
        let last = self.arrive_last(&mut self.station.inner.lock(), &mut woken);
        cx.place().ready_all(woken);
        last.then_some(Selected::Acquired)
    }

    fn register(&self, cx: &FiberCx, ticket: Ticket) -> Option<u32> {
        let mut inner = self.station.inner.lock();
        let last = self.is_last(&mut inner);
        (!last).then(|| {
            inner.state += 1;
            let waiter = cx.waiter(ticket.epoch, ticket.arm, Item::None);
            inner.queue.push_back(waiter)
        })
    }

    fn unregister(&self, cx: &FiberCx, key: u32, ticket: Ticket) {
        // Who goes away has not arrived.
        let mut inner = self.station.inner.lock();
        inner.queue.remove(key, cx.fiber(), ticket.epoch);
        inner.state = inner.queue.len() as u64;
    }

    fn claimed(&self, _: &FiberCx, _: Option<u64>) -> Option<Selected> {
        Some(Selected::Acquired)
    }
}

impl Source for RawSemaphore {
    fn try_now(&self, _: &FiberCx) -> Option<Selected> {
        take_permit(&mut self.station.inner.lock()).map(|()| Selected::Acquired)
    }

    fn register(&self, cx: &FiberCx, ticket: Ticket) -> Option<u32> {
        let mut inner = self.station.inner.lock();
        let free = inner.state > 0 && inner.queue.is_empty();
        let waiter = || cx.waiter(ticket.epoch, ticket.arm, Item::None);
        (!free).then(|| inner.queue.push_back(waiter()))
    }

    fn unregister(&self, cx: &FiberCx, key: u32, ticket: Ticket) {
        self.station.now(cx.place(), |inner, woken| {
            inner.queue.remove(key, cx.fiber(), ticket.epoch);
            hand_out(inner, woken);
        });
    }

    fn claimed(&self, _: &FiberCx, _: Option<u64>) -> Option<Selected> {
        Some(Selected::Acquired)
    }
}

/// A number shared by fibers; sequentially consistent. Every operation is a scheduling point.
#[derive(Debug)]
pub struct RawAtomic {
    object: u64,
    value: AtomicI64,
}

impl RawAtomic {
    /// A number; `object` is its number in reports.
    pub fn new(object: u64, value: i64) -> Self {
        RawAtomic {
            object,
            value: AtomicI64::new(value),
        }
    }

    /// Its number in reports.
    pub fn object(&self) -> u64 {
        self.object
    }

    fn poll<R: Copy>(
        &self,
        cx: &FiberCx,
        act: impl FnOnce(&AtomicI64) -> R,
        digest: impl FnOnce(R) -> u64,
    ) -> Poll<Result<R, WaitError>> {
        match cx.enter_on(self.object) {
            Enter::Yield => return Poll::Pending,
            Enter::Stop(why) => return Poll::Ready(Err(why)),
            Enter::Begin | Enter::Resume => {}
        }
        let result = act(&self.value);
        cx.event(Op::Atomic, self.object, digest(result));
        Poll::Ready(Ok(result))
    }

    /// The number.
    pub fn poll_get(&self, cx: &FiberCx) -> Poll<Result<i64, WaitError>> {
        self.poll(cx, |a| a.load(Ordering::SeqCst), |v| v as u64)
    }

    /// Replaces the number.
    pub fn poll_set(&self, cx: &FiberCx, value: i64) -> Poll<Result<(), WaitError>> {
        self.poll(cx, |a| a.store(value, Ordering::SeqCst), |()| value as u64)
    }

    /// Adds; gives the new number, `None` (and no change) on overflow.
    pub fn poll_add(&self, cx: &FiberCx, n: i64) -> Poll<Result<Option<i64>, WaitError>> {
        let add = |a: &AtomicI64| {
            let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
            let old = a.fetch_update(set, fetch, |v| v.checked_add(n)).ok();
            old.and_then(|old| old.checked_add(n))
        };
        self.poll(cx, add, |v| v.unwrap_or(0) as u64)
    }

    /// Replaces the number; gives the old one.
    pub fn poll_swap(&self, cx: &FiberCx, value: i64) -> Poll<Result<i64, WaitError>> {
        self.poll(cx, |a| a.swap(value, Ordering::SeqCst), |v| v as u64)
    }

    /// Replaces the number if it is `expected`; was it?
    pub fn poll_compare_exchange(
        &self,
        cx: &FiberCx,
        expected: i64,
        new: i64,
    ) -> Poll<Result<bool, WaitError>> {
        let exchange = |a: &AtomicI64| {
            a.compare_exchange(expected, new, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
        };
        self.poll(cx, exchange, u64::from)
    }
}
