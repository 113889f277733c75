//! Where a worker's next fiber comes from.

use crate::fiber::FiberRef;
use crate::sched::events::EventKind;
use crate::sched::pool::Remote;
use crate::sched::stats::count;
use crate::sched::worker::Worker;
use crossbeam_deque::{Steal, Stealer};
use std::sync::atomic::Ordering;

/// How often in a row the slot may go first: a pair that wakes each other must not starve others.
const SLOT_RUNS: u32 = 16;
/// Every so many dispatches the injector goes first, so that it is not starved by local work.
const INJECTOR_EVERY: u32 = 61;
/// Every so many dispatches those that must run here go last, so that one which makes room again
/// and again does not keep the others waiting.
const INBOX_WAITS_EVERY: u32 = 2;
/// Every so many dispatches woken fibers go before newly spawned ones.
const WOKEN_EVERY: u32 = 2;
/// An instant of deterministic virtual time with more dispatches than this is taken to be endless.
const ENDLESS: u32 = 4096;
/// Rounds of searching before a worker goes to sleep: some 20 us, less than a wake-up costs.
const SEARCH_ROUNDS: u32 = 24;

impl Worker {
    /// The next fiber without looking at other workers.
    pub(crate) fn next(&self) -> Option<FiberRef> {
        if let Some(det) = &self.shared().det {
            let fiber = det.pop();
            if fiber.is_some() && self.shared().deferred_count.load(Ordering::Relaxed) > 0 {
                self.endless_instant();
            }
            return fiber;
        }
        if self.preempted.take()
            && let Some(fiber) = self.next_in_turn()
        {
            return Some(fiber);
        }
        let tick = self.tick.get();
        if !tick.is_multiple_of(INBOX_WAITS_EVERY)
            && let Some(fiber) = self.take_inbox()
        {
            return Some(fiber);
        }
        if tick.is_multiple_of(INJECTOR_EVERY)
            && let Some(fiber) = self.take_injected()
        {
            return Some(fiber);
        }
        if self.slot_runs.get() < SLOT_RUNS {
            if let Some(fiber) = take_slot(self.remote(), self.is_alone()) {
                self.slot_runs.set(self.slot_runs.get() + 1);
                return Some(fiber);
            }
            self.slot_runs.set(0);
        } else {
            self.slot_runs.set(0);
            if let Some(fiber) = self.woken.pop(self.remote()) {
                return Some(fiber);
            }
            if let Some(fiber) = take_slot(self.remote(), self.is_alone()) {
                return Some(fiber);
            }
        }
        if tick.is_multiple_of(WOKEN_EVERY)
            && let Some(fiber) = self.woken.pop(self.remote())
        {
            return Some(fiber);
        }
        if let Some(fiber) = self.lifo.pop().or_else(|| self.woken.pop(self.remote())) {
            return Some(fiber);
        }
        self.queues_are_empty();
        self.take_injected().or_else(|| self.take_inbox())
    }

    /// When fibers use up whole time slices, counting dispatches is too slow to be fair: the
    /// sources take turns, and newly spawned fibers come oldest first.
    fn next_in_turn(&self) -> Option<FiberRef> {
        let turn = self.turns.get().wrapping_add(1);
        self.turns.set(turn);
        (0..5).find_map(|k| match turn.wrapping_add(k) % 5 {
            0 => take_slot(self.remote(), self.is_alone()),
            1 => self.take_injected(),
            2 => self.take_inbox(),
            3 => self.lifo.take_oldest(),
            _ => self.woken.pop(self.remote()),
        })
    }

    /// Deferred join blocks are settled even if the instant does not end by itself, because some
    /// fiber yields for ever.
    fn endless_instant(&self) {
        let turns = self.tick.get().wrapping_add(1);
        self.tick.set(turns);
        if turns.is_multiple_of(ENDLESS) {
            self.shared().settle_deferred(self.place());
        }
    }

    /// Of those that must run on this worker the first.
    fn take_inbox(&self) -> Option<FiberRef> {
        let remote = self.remote();
        if remote.inbox_len.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut inbox = remote.inbox.lock();
        let fiber = inbox.pop_front();
        remote.inbox_len.store(inbox.len(), Ordering::Release);
        fiber
    }

    fn take_injected(&self) -> Option<FiberRef> {
        let injector = &self.pool().injector;
        if injector.is_empty() {
            return None;
        }
        if self.is_alone() {
            return retry(|| injector.steal());
        }
        retry(|| injector.steal_batch_and_pop(&self.woken.fifo))
    }

    /// Looks everywhere for a while.
    pub(crate) fn search(&self) -> Option<FiberRef> {
        if self.shared().det.is_some() {
            return None;
        }
        let pool = self.pool();
        // At most half of the workers search at a time.
        if pool.searching.load(Ordering::SeqCst) * 2 >= pool.workers().len().max(2) {
            return None;
        }
        pool.searching.fetch_add(1, Ordering::SeqCst);
        let mut found = None;
        for round in 0..SEARCH_ROUNDS {
            self.look_at_timers();
            found = self
                .next()
                .or_else(|| self.steal(round + 4 >= SEARCH_ROUNDS));
            if found.is_some() || self.shared().is_stopping() {
                break;
            }
            for _ in 0..24 {
                std::hint::spin_loop();
            }
            if round % 8 == 7 {
                std::thread::yield_now();
            }
        }
        let last = pool.searching.fetch_sub(1, Ordering::SeqCst) == 1;
        // The last searcher that finds work hands the search on, if there is more to find.
        if found.is_some()
            && last
            && pool
                .workers()
                .iter()
                .any(|w| w.lifo.len() + w.fifo.len() > 1)
        {
            pool.wake_one(self.shared());
        }
        found
    }

    /// Takes from another worker: its oldest spawned, its oldest woken, at last its slot.
    fn steal(&self, slots_too: bool) -> Option<FiberRef> {
        let workers = self.pool().workers();
        let n = workers.len();
        if n < 2 {
            return None;
        }
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        self.random.set(x);
        let start = x as usize % n;
        for k in 0..n {
            let at = (start + k) % n;
            if at == self.index() {
                continue;
            }
            let victim = &workers[at];
            let found = victim
                .lifo
                .steal()
                .or_else(|| self.steal_batch(&victim.fifo))
                .or_else(|| if slots_too { steal_slot(victim) } else { None });
            if let Some(fiber) = found {
                count(&self.remote().counters.steals);
                if let Some(log) = &self.shared().events {
                    log.record(self, &fiber, EventKind::Steal);
                }
                return Some(fiber);
            }
        }
        None
    }

    fn steal_batch(&self, from: &Stealer<FiberRef>) -> Option<FiberRef> {
        if from.is_empty() {
            None
        } else {
            retry(|| from.steal_batch_and_pop(&self.woken.fifo))
        }
    }
}

fn retry(mut steal: impl FnMut() -> Steal<FiberRef>) -> Option<FiberRef> {
    for _ in 0..8 {
        match steal() {
            Steal::Success(fiber) => return Some(fiber),
            Steal::Empty => return None,
            Steal::Retry => std::hint::spin_loop(),
        }
    }
    None
}

/// The owner takes its own slot; `alone`: there is nobody who could steal from it.
#[inline]
fn take_slot(remote: &Remote, alone: bool) -> Option<FiberRef> {
    if remote.slot.load(Ordering::Relaxed).is_null() {
        return None;
    }
    let fiber = if alone {
        let fiber = remote.slot.load(Ordering::Relaxed);
        remote.slot.store(std::ptr::null_mut(), Ordering::Relaxed);
        fiber
    } else {
        remote.slot.swap(std::ptr::null_mut(), Ordering::AcqRel)
    };
    // SAFETY: the slot owns what it holds; the swap made it ours.
    (!fiber.is_null()).then(|| unsafe { FiberRef::from_raw(fiber) })
}

/// A thief takes a slot only when the same fiber has sat in it for some microseconds while the
/// owner was busy with something else: a ping-pong is not torn apart.
fn steal_slot(victim: &Remote) -> Option<FiberRef> {
    let seen = victim.slot.load(Ordering::Acquire);
    if seen.is_null() {
        return None;
    }
    let turn = victim.dispatches.load(Ordering::Relaxed);
    for _ in 0..128 {
        std::hint::spin_loop();
    }
    if victim.dispatches.load(Ordering::Relaxed) != turn {
        return None;
    }
    let null = std::ptr::null_mut();
    match victim
        .slot
        .compare_exchange(seen, null, Ordering::AcqRel, Ordering::Relaxed)
    {
        // SAFETY: the slot owns what it holds; the exchange made it ours. (Another fiber at the
        // same address is as good.)
        Ok(fiber) => Some(unsafe { FiberRef::from_raw(fiber) }),
        Err(_) => None,
    }
}
