//! loom models of the protocol in `README.md`: every interleaving of claim, park, deliver and
//! cancel, on the very word that fibers use.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p lumen-runtime --lib models`

use crate::prim::Mutex;
use crate::sched::state::{ARM_CANCEL, ARM_RETRY, Asked, Barred, Claim, StateWord};
use crate::sched::state::{ToParked, ToRunning};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

/// Every interleaving with up to three preemptions, which is where such bugs live.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// A fiber's word and wait slot, and how often it was enqueued.
struct Model {
    state: StateWord,
    slot: UnsafeCell<u64>,
    enqueued: AtomicUsize,
}

// SAFETY: the slot follows the protocol that is being checked; loom reports a race on it.
unsafe impl Sync for Model {}
// SAFETY: as above.
unsafe impl Send for Model {}

impl Model {
    fn running() -> Arc<Model> {
        let state = StateWord::new();
        assert_eq!(state.transition_to_running(), ToRunning::First);
        Arc::new(Model {
            state,
            slot: UnsafeCell::new(0),
            enqueued: AtomicUsize::new(0),
        })
    }

    /// A source gives `value` to the wait `epoch`.
    fn give(&self, epoch: u32, arm: u16, value: u64) -> bool {
        match self.state.claim(epoch, arm) {
            Claim::Lost => false,
            Claim::Parked => {
                self.write(value);
                self.enqueued.fetch_add(1, Ordering::SeqCst);
                true
            }
            Claim::Running => {
                self.write(value);
                if self.state.deliver() {
                    self.enqueued.fetch_add(1, Ordering::SeqCst);
                }
                true
            }
        }
    }

    fn write(&self, value: u64) {
        // SAFETY: only the claimer, before delivery; loom checks.
        self.slot.with_mut(|slot| unsafe { *slot = value });
    }

    fn read(&self) -> u64 {
        // SAFETY: only the fiber, after delivery; loom checks.
        self.slot.with(|slot| unsafe { *slot })
    }

    fn cancel(&self) -> bool {
        match self.state.ask_cancel() {
            Asked::Woken => {
                self.enqueued.fetch_add(1, Ordering::SeqCst);
                true
            }
            Asked::Nothing | Asked::Unstarted => panic!("it runs and was not asked before"),
            Asked::Flagged => false,
        }
    }

    /// Parks; true if it runs on or has been enqueued by the end.
    fn park(&self) -> ToParked {
        self.state.transition_to_parked()
    }
}

#[test]
fn a_wake_up_between_register_and_park_is_not_lost() {
    check(|| {
        let fiber = Model::running();
        let epoch = fiber.state.begin_wait().unwrap();
        let giver = fiber.clone();
        let thread = thread::spawn(move || assert!(giver.give(epoch, 3, 42)));
        let parked = fiber.park();
        thread.join().unwrap();
        let enqueued = fiber.enqueued.load(Ordering::SeqCst);
        // Either it ran on, or exactly one enqueued it.
        assert_eq!(enqueued, usize::from(parked == ToParked::Parked));
        if parked == ToParked::Parked {
            assert_eq!(fiber.state.transition_to_running(), ToRunning::Again);
        }
        assert_eq!((fiber.state.arm(), fiber.read()), (3, 42));
    });
}

#[test]
fn two_sources_and_a_cancel_claim_once() {
    check(|| {
        let fiber = Model::running();
        let epoch = fiber.state.begin_wait().unwrap();
        let (a, b) = (fiber.clone(), fiber.clone());
        let a = thread::spawn(move || a.give(epoch, 0, 10));
        let b = thread::spawn(move || b.cancel());
        let parked = fiber.park();
        let given = a.join().unwrap();
        b.join().unwrap();
        let enqueued = fiber.enqueued.load(Ordering::SeqCst);
        assert_eq!(enqueued, usize::from(parked == ToParked::Parked));
        match fiber.state.arm() {
            0 => assert!(given && fiber.read() == 10),
            ARM_CANCEL => assert!(!given),
            other => panic!("{other}"),
        }
        // Asked in any case; it learns of that at its next wait at the latest.
        if parked == ToParked::Parked {
            assert_eq!(fiber.state.transition_to_running(), ToRunning::Again);
        }
        assert_eq!(fiber.state.begin_wait(), Err(Barred::Cancel));
    });
}

#[test]
fn a_select_that_starts_over_has_given_nothing_away() {
    check(|| {
        let fiber = Model::running();
        let epoch = fiber.state.begin_wait().unwrap();
        let giver = fiber.clone();
        let thread = thread::spawn(move || giver.give(epoch, 1, 7));
        let own = fiber.state.claim_own(epoch, ARM_RETRY);
        if !own {
            // Claimed by the giver, perhaps not delivered yet: parking settles it.
            let _ = fiber.park();
        }
        let given = thread.join().unwrap();
        assert_ne!(own, given);
    });
}

#[test]
fn an_old_waiter_cannot_claim_the_next_wait() {
    check(|| {
        let fiber = Model::running();
        let old = fiber.state.begin_wait().unwrap();
        let late = fiber.clone();
        let thread = thread::spawn(move || late.give(old, 0, 1));
        if fiber.state.claim_own(old, ARM_RETRY) {
            let new = fiber.state.begin_wait().unwrap();
            assert!(!thread.join().unwrap());
            assert_eq!(fiber.state.claim(new, 0), Claim::Running);
        } else {
            assert!(thread.join().unwrap());
        }
    });
}

/// One-place channel with one waiting receiver, as `sync::channel` does it.
struct Place {
    value: Option<u64>,
    waiter: Option<(Arc<Model>, u32)>,
}

#[test]
fn a_message_is_received_once_or_stays() {
    check(|| {
        let fiber = Model::running();
        let place = Arc::new(Mutex::new(Place {
            value: None,
            waiter: None,
        }));
        let (to, canceller) = (place.clone(), fiber.clone());
        let sender = thread::spawn(move || {
            let mut place = to.lock();
            if let Some((fiber, epoch)) = place.waiter.take()
                && fiber.give(epoch, 0, 5)
            {
                return;
            }
            place.value = Some(5);
        });
        let canceller = thread::spawn(move || {
            canceller.cancel();
        });
        let mut got = None;
        {
            let mut at = place.lock();
            match at.value.take() {
                Some(value) => got = Some(value),
                None => {
                    if let Ok(epoch) = fiber.state.begin_wait() {
                        at.waiter = Some((fiber.clone(), epoch));
                    }
                }
            }
        }
        let waiting = got.is_none() && place.lock().waiter.is_some() || fiber.state.is_delivered();
        let parked = if waiting { Some(fiber.park()) } else { None };
        sender.join().unwrap();
        canceller.join().unwrap();
        if waiting {
            let enqueued = fiber.enqueued.load(Ordering::SeqCst);
            assert_eq!(enqueued, usize::from(parked == Some(ToParked::Parked)));
            if fiber.state.arm() == 0 {
                got = Some(fiber.read());
            }
        }
        let left = place.lock().value;
        assert!(got.is_some() != left.is_some() || (got.is_none() && left == Some(5)));
        place.lock().waiter = None;
    });
}

#[test]
fn a_child_is_started_by_exactly_one() {
    check(|| {
        let state = Arc::new(StateWord::new());
        let (a, b) = (state.clone(), state.clone());
        let parent = thread::spawn(move || a.claim_unstarted());
        let thief = thread::spawn(move || b.transition_to_running() == ToRunning::First);
        let cancelled = state.ask_cancel() == Asked::Unstarted;
        let started = [parent.join().unwrap(), thief.join().unwrap(), cancelled];
        assert_eq!(started.iter().filter(|&&s| s).count(), 1);
    });
}

#[test]
fn a_joiner_is_woken_or_finds_the_end() {
    check(|| {
        let target = Model::running();
        let waiters = Arc::new(Mutex::new(None::<(Arc<Model>, u32)>));
        let joiner = Model::running();
        let (ending, queue) = (target.clone(), waiters.clone());
        let thread = thread::spawn(move || {
            if ending.state.transition_to_done()
                && let Some((fiber, epoch)) = queue.lock().take()
            {
                assert!(fiber.give(epoch, 0, 1));
            }
        });
        let mut queue = waiters.lock();
        let waits = target.state.announce_joiner();
        if waits {
            let epoch = joiner.state.begin_wait().unwrap();
            *queue = Some((joiner.clone(), epoch));
        }
        drop(queue);
        let parked = waits.then(|| joiner.park());
        thread.join().unwrap();
        let enqueued = joiner.enqueued.load(Ordering::SeqCst);
        assert_eq!(enqueued, usize::from(parked == Some(ToParked::Parked)));
        assert!(target.state.is_done());
    });
}

/// An entry of a deque.
struct Entry(std::sync::atomic::AtomicU32);

// SAFETY: the count is the entry's own.
unsafe impl crate::counted::Counted for Entry {
    fn count(&self) -> &std::sync::atomic::AtomicU32 {
        &self.0
    }

    unsafe fn destroy(at: std::ptr::NonNull<Entry>) {
        // SAFETY: made by `entry`.
        drop(unsafe { Box::from_raw(at.as_ptr()) });
    }
}

fn entry() -> crate::counted::Ref<Entry> {
    let made = Box::new(Entry(std::sync::atomic::AtomicU32::new(1)));
    // SAFETY: fresh.
    unsafe { crate::counted::Ref::from_raw(Box::into_raw(made)) }
}

#[test]
fn loom_deque_gives_every_entry_once() {
    check(|| {
        let deque = crate::sched::deque::Deque::new(false);
        let (first, second) = (entry(), entry());
        deque.push(first.clone());
        deque.push(second.clone());
        let thief = deque.thief();
        let stolen = loom::thread::spawn(move || usize::from(thief.steal().is_some()));
        let newest = usize::from(deque.pop_if(&second).is_some());
        let oldest = usize::from(deque.take_oldest_if(&first).is_some());
        let rest = std::iter::from_fn(|| deque.pop()).count();
        let stolen = stolen.join().unwrap();
        assert_eq!(stolen + newest + oldest + rest, 2);
    });
}
