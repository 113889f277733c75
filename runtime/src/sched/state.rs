//! The state of a fiber in one atomic word, and its transitions.
//!
//! ```text
//! bit 63........32 31.....16 15....11 10     9       8         7      6      5         4       3       2..0
//!     epoch        arm       -        LINKED JOINERS INTERRUPT MASKED CANCEL DELIVERED CLAIMED WAITING run
//! ```
//!
//! `run` says who owns the fiber's body and its wait slot:
//!
//! | run | owner of the body | owner of the wait slot |
//! | --- | --- | --- |
//! | NEW | whoever wins NEW -> RUNNING | same |
//! | READY | whoever wins READY -> RUNNING | same |
//! | RUNNING | the thread that runs it | same, or the claimer between claim and delivery |
//! | PARKED | nobody | the claimer, once it has claimed |
//! | DONE | nobody; the outcome is frozen | nobody |
//!
//! WAITING opens a wait: from then on exactly one party sets CLAIMED, by compare-and-swap against
//! the epoch, and says in `arm` what it was. Whoever loses has not happened. The claimer may then
//! write the wait slot and *delivers*; a fiber that parked in the meantime is handed to the
//! deliverer, which must enqueue it.

use crate::prim::{AtomicU64, Ordering};

const RUN: u64 = 0b111;
const NEW: u64 = 0;
const READY: u64 = 1;
const RUNNING: u64 = 2;
const PARKED: u64 = 3;
const DONE: u64 = 4;
const WAITING: u64 = 1 << 3;
const CLAIMED: u64 = 1 << 4;
const DELIVERED: u64 = 1 << 5;
const CANCEL: u64 = 1 << 6;
const MASKED: u64 = 1 << 7;
const INTERRUPT: u64 = 1 << 8;
const JOINERS: u64 = 1 << 9;
const LINKED: u64 = 1 << 10;
const OBSERVED: u64 = 1 << 11;
const ARM_SHIFT: u32 = 16;
const ARM_MASK: u64 = 0xFFFF << ARM_SHIFT;
const EPOCH_SHIFT: u32 = 32;

/// Claimed by the fiber's cancellation.
pub(crate) const ARM_CANCEL: u16 = 0xFFFF;
/// Claimed by the deadline of the wait.
pub(crate) const ARM_TIMEOUT: u16 = 0xFFFE;
/// Claimed by the failure of an enclosing scope.
pub(crate) const ARM_INTERRUPT: u16 = 0xFFFD;
/// Claimed because everything is blocked for ever.
pub(crate) const ARM_DEADLOCK: u16 = 0xFFFC;
/// Claimed by the fiber itself, which found a source ready while it registered.
pub(crate) const ARM_RETRY: u16 = 0xFFFB;
/// The first number that is not a select arm.
pub(crate) const ARM_LIMIT: u16 = 0xFFF0;

/// What came of trying to run a fiber taken from a queue.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ToRunning {
    /// It never ran before; its body is ours.
    First,
    /// It goes on; its body is ours.
    Again,
    /// A stale entry: somebody else runs or ran it.
    Stale,
}

/// What came of parking.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ToParked {
    /// Nobody owns the fiber until its wait is claimed.
    Parked,
    /// The wait was claimed and delivered meanwhile: still ours, run on.
    Woken,
}

/// What came of claiming a wait.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Somebody else claimed it, or the wait is over.
    Lost,
    /// Ours, and the fiber is parked: write the slot, then enqueue it (it is READY already).
    Parked,
    /// Ours, and the fiber still runs: write the slot, then `deliver`.
    Running,
}

/// What came of asking for cancellation or interruption.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It had ended, or had been asked before.
    Nothing,
    /// It has not started: the caller owns it (RUNNING) and must finish it.
    Unstarted,
    /// It is flagged and will notice at its next scheduling point.
    Flagged,
    /// It was parked and is READY now: the caller must enqueue it.
    Woken,
}

/// Why a wait may not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barred {
    Cancel,
    Interrupt,
}

/// The word.
#[derive(Debug)]
pub(crate) struct StateWord(AtomicU64);

impl StateWord {
    pub(crate) fn new() -> Self {
        StateWord(AtomicU64::new(NEW))
    }

    /// A word for a task that has no body: it only ever becomes DONE.
    pub(crate) fn new_running() -> Self {
        StateWord(AtomicU64::new(RUNNING))
    }

    #[inline]
    fn update<R>(&self, mut f: impl FnMut(u64) -> (Option<u64>, R)) -> R {
        let mut old = self.0.load(Ordering::Relaxed);
        loop {
            let (new, result) = f(old);
            let Some(new) = new else {
                // Order what follows after whatever the word told us.
                let seen = self.0.load(Ordering::Acquire);
                if seen == old {
                    return result;
                }
                old = seen;
                continue;
            };
            match self
                .0
                .compare_exchange_weak(old, new, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return result,
                Err(seen) => old = seen,
            }
        }
    }

    /// NEW or READY -> RUNNING.
    #[inline]
    pub(crate) fn transition_to_running(&self) -> ToRunning {
        self.update(|s| match s & RUN {
            NEW => (Some(s & !RUN | RUNNING), ToRunning::First),
            READY => (Some(s & !RUN | RUNNING), ToRunning::Again),
            _ => (None, ToRunning::Stale),
        })
    }

    /// NEW -> RUNNING, for whoever wants to run an unstarted child in place.
    #[inline]
    pub(crate) fn claim_unstarted(&self) -> bool {
        self.update(|s| match s & RUN {
            NEW => (Some(s & !RUN | RUNNING), true),
            _ => (None, false),
        })
    }

    /// NEW -> RUNNING by the only one who can reach the fiber, which nobody has told anything yet.
    /// Nobody else may look at the word meanwhile, so no locked instruction is needed.
    #[inline]
    pub(crate) fn start_alone(&self) -> bool {
        let new = self.0.load(Ordering::Relaxed) == NEW;
        if new {
            self.0.store(RUNNING, Ordering::Relaxed);
        }
        new
    }

    /// RUNNING -> DONE by the only one who can reach the fiber, if nothing has been said to it and
    /// it has not waited; else [`StateWord::transition_to_done`] is to be used.
    #[inline]
    pub(crate) fn end_alone(&self) -> bool {
        let running = self.0.load(Ordering::Acquire) == RUNNING;
        if running {
            self.0.store(DONE, Ordering::Release);
        }
        running
    }

    /// RUNNING -> READY, by the thread that runs it, which then enqueues it.
    #[inline]
    pub(crate) fn transition_to_ready(&self) {
        let old = self.0.fetch_xor(RUNNING ^ READY, Ordering::AcqRel);
        debug_assert_eq!(old & RUN, RUNNING);
    }

    /// Opens a wait, unless cancellation or interruption is due. Only by the running fiber.
    #[inline]
    pub(crate) fn begin_wait(&self) -> Result<u32, Barred> {
        self.update(|s| match barred(s) {
            Some(why) => (None, Err(why)),
            None => {
                let epoch = ((s >> EPOCH_SHIFT) as u32).wrapping_add(1);
                let keep = s & 0xFFFF & !(CLAIMED | DELIVERED);
                (
                    Some(keep | WAITING | u64::from(epoch) << EPOCH_SHIFT),
                    Ok(epoch),
                )
            }
        })
    }

    /// RUNNING -> PARKED unless the open wait has been claimed and delivered.
    #[inline]
    pub(crate) fn transition_to_parked(&self) -> ToParked {
        self.update(|s| {
            debug_assert_eq!(s & RUN, RUNNING);
            if s & DELIVERED != 0 {
                (None, ToParked::Woken)
            } else {
                (Some(s & !RUN | PARKED), ToParked::Parked)
            }
        })
    }

    /// Claims the wait `epoch` for `arm`.
    #[inline]
    pub(crate) fn claim(&self, epoch: u32, arm: u16) -> Claim {
        self.update(|s| claim_word(s, epoch, arm))
    }

    /// Hands over the slot after a claim that found the fiber running.
    /// True: it has parked meanwhile, is READY now, and the caller must enqueue it.
    #[inline]
    pub(crate) fn deliver(&self) -> bool {
        self.update(|s| match s & RUN {
            PARKED => (Some(s & !RUN | READY | DELIVERED), true),
            _ => (Some(s | DELIVERED), false),
        })
    }

    /// Claim of the running fiber's own wait, by itself. False: somebody was faster.
    pub(crate) fn claim_own(&self, epoch: u32, arm: u16) -> bool {
        match self.claim(epoch, arm) {
            Claim::Lost => false,
            Claim::Parked => unreachable!("the running fiber is not parked"),
            Claim::Running => {
                let parked = self.deliver();
                debug_assert!(!parked);
                true
            }
        }
    }

    /// True once the open wait is claimed and its slot may be read. Only by the running fiber.
    #[inline]
    pub(crate) fn is_delivered(&self) -> bool {
        self.0.load(Ordering::Acquire) & DELIVERED != 0
    }

    /// Is the wait `epoch` open, and nobody has claimed it?
    pub(crate) fn is_open(&self, epoch: u32) -> bool {
        is_open(self.0.load(Ordering::Acquire), epoch)
    }

    /// Which arm won the wait that is over.
    #[inline]
    pub(crate) fn arm(&self) -> u16 {
        ((self.0.load(Ordering::Acquire) & ARM_MASK) >> ARM_SHIFT) as u16
    }

    /// Asks the fiber to end.
    pub(crate) fn ask_cancel(&self) -> Asked {
        self.ask(CANCEL, ARM_CANCEL)
    }

    /// Tells the fiber that a scope whose body it runs has failed.
    pub(crate) fn ask_interrupt(&self) -> Asked {
        self.ask(INTERRUPT, ARM_INTERRUPT)
    }

    fn ask(&self, flag: u64, arm: u16) -> Asked {
        self.update(|s| {
            if s & RUN == DONE || s & flag != 0 {
                return (None, Asked::Nothing);
            }
            if s & RUN == NEW {
                return if flag == CANCEL {
                    (Some((s | CANCEL) & !RUN | RUNNING), Asked::Unstarted)
                } else {
                    (Some(s | flag), Asked::Flagged)
                };
            }
            let open = s & (WAITING | CLAIMED) == WAITING && s & MASKED == 0;
            if !open {
                return (Some(s | flag), Asked::Flagged);
            }
            let won = s & !ARM_MASK | flag | CLAIMED | DELIVERED | u64::from(arm) << ARM_SHIFT;
            if s & RUN == PARKED {
                (Some(won & !RUN | READY), Asked::Woken)
            } else {
                (Some(won), Asked::Flagged)
            }
        })
    }

    /// Ends the open wait of a parked fiber from outside (deadlock, kill). True: enqueue it.
    pub(crate) fn break_wait(&self, arm: u16) -> bool {
        self.update(|s| {
            if s & RUN == PARKED && s & (WAITING | CLAIMED) == WAITING {
                let won = s & !(ARM_MASK | RUN) | CLAIMED | DELIVERED | READY;
                (Some(won | u64::from(arm) << ARM_SHIFT), true)
            } else {
                (None, false)
            }
        })
    }

    /// What bars the running fiber from waiting, if anything.
    #[inline]
    pub(crate) fn barred(&self) -> Option<Barred> {
        barred(self.0.load(Ordering::Relaxed))
    }

    /// Shuts cancellation and interruption out while cleaning up; gives back the former setting.
    pub(crate) fn set_masked(&self, on: bool) -> bool {
        let old = if on {
            self.0.fetch_or(MASKED, Ordering::AcqRel)
        } else {
            self.0.fetch_and(!MASKED, Ordering::AcqRel)
        };
        old & MASKED != 0
    }

    /// Is cancellation shut out?
    #[inline]
    pub(crate) fn is_masked(&self) -> bool {
        self.0.load(Ordering::Relaxed) & MASKED != 0
    }

    /// Takes the interruption back: the failed scope has been left.
    pub(crate) fn clear_interrupt(&self) {
        self.0.fetch_and(!INTERRUPT, Ordering::AcqRel);
    }

    /// Any state -> DONE, by the thread that runs it, after the outcome has been written.
    /// True when somebody waits for it.
    #[inline]
    pub(crate) fn transition_to_done(&self) -> bool {
        let old = self.update(|s| (Some(s & !(RUN | WAITING) | DONE), s));
        debug_assert_eq!(old & RUN, RUNNING);
        old & JOINERS != 0
    }

    /// Announces a joiner; false when the fiber is DONE already.
    pub(crate) fn announce_joiner(&self) -> bool {
        self.0.fetch_or(JOINERS, Ordering::AcqRel) & RUN != DONE
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.0.load(Ordering::Acquire) & RUN == DONE
    }

    #[inline]
    pub(crate) fn is_parked(&self) -> bool {
        self.0.load(Ordering::Acquire) & RUN == PARKED
    }

    #[inline]
    pub(crate) fn is_new(&self) -> bool {
        self.0.load(Ordering::Relaxed) & RUN == NEW
    }

    /// Is NEW or READY: an entry of it in a queue is worth keeping.
    #[inline]
    pub(crate) fn is_queued(&self) -> bool {
        self.0.load(Ordering::Relaxed) & RUN <= READY
    }

    pub(crate) fn is_cancel_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed) & CANCEL != 0
    }

    #[inline]
    pub(crate) fn is_linked(&self) -> bool {
        self.0.load(Ordering::Relaxed) & LINKED != 0
    }

    pub(crate) fn set_linked(&self) {
        self.0.fetch_or(LINKED, Ordering::AcqRel);
    }

    /// Somebody has seen how it ended.
    #[inline]
    pub(crate) fn set_observed(&self) {
        if !self.is_observed() {
            self.0.fetch_or(OBSERVED, Ordering::AcqRel);
        }
    }

    #[inline]
    pub(crate) fn is_observed(&self) -> bool {
        self.0.load(Ordering::Relaxed) & OBSERVED != 0
    }
}

#[inline]
fn barred(s: u64) -> Option<Barred> {
    if s & (CANCEL | INTERRUPT) == 0 || s & MASKED != 0 {
        None
    } else if s & CANCEL != 0 {
        Some(Barred::Cancel)
    } else {
        Some(Barred::Interrupt)
    }
}

#[inline]
fn is_open(s: u64, epoch: u32) -> bool {
    let waits = s & (WAITING | CLAIMED) == WAITING && s & RUN != DONE;
    waits && (s >> EPOCH_SHIFT) as u32 == epoch
}

#[inline]
fn claim_word(s: u64, epoch: u32, arm: u16) -> (Option<u64>, Claim) {
    if !is_open(s, epoch) {
        return (None, Claim::Lost);
    }
    let won = s & !ARM_MASK | CLAIMED | u64::from(arm) << ARM_SHIFT;
    if s & RUN == PARKED {
        (Some(won & !RUN | READY | DELIVERED), Claim::Parked)
    } else {
        (Some(won), Claim::Running)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_claimed_once() {
        let w = StateWord::new();
        assert_eq!(w.transition_to_running(), ToRunning::First);
        let epoch = w.begin_wait().unwrap();
        assert_eq!(w.transition_to_parked(), ToParked::Parked);
        assert_eq!(w.claim(epoch, 3), Claim::Parked);
        assert_eq!(w.claim(epoch, 4), Claim::Lost);
        assert_eq!(w.ask_cancel(), Asked::Flagged);
        assert_eq!(w.transition_to_running(), ToRunning::Again);
        assert_eq!(w.arm(), 3);
        assert_eq!(w.begin_wait(), Err(Barred::Cancel));
    }

    #[test]
    fn an_old_epoch_never_claims() {
        let w = StateWord::new();
        assert_eq!(w.transition_to_running(), ToRunning::First);
        let old = w.begin_wait().unwrap();
        assert!(w.claim_own(old, ARM_RETRY));
        let new = w.begin_wait().unwrap();
        assert_eq!(w.claim(old, 0), Claim::Lost);
        assert_eq!(w.claim(new, 0), Claim::Running);
        assert_eq!(w.transition_to_parked(), ToParked::Parked);
        assert!(w.deliver(), "the deliverer enqueues");
    }

    #[test]
    fn delivery_before_parking_keeps_it_running() {
        let w = StateWord::new();
        assert_eq!(w.transition_to_running(), ToRunning::First);
        let epoch = w.begin_wait().unwrap();
        assert_eq!(w.claim(epoch, 1), Claim::Running);
        assert!(!w.deliver());
        assert_eq!(w.transition_to_parked(), ToParked::Woken);
    }

    #[test]
    fn masked_waits_are_not_cancelled() {
        let w = StateWord::new();
        assert_eq!(w.transition_to_running(), ToRunning::First);
        assert!(!w.set_masked(true));
        let epoch = w.begin_wait().unwrap();
        assert_eq!(w.transition_to_parked(), ToParked::Parked);
        assert_eq!(w.ask_cancel(), Asked::Flagged);
        assert_eq!(w.claim(epoch, 0), Claim::Parked);
    }
}
