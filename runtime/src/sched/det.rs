//! Deterministic scheduling: one ready queue, one fiber at a time, every choice a decision.

use crate::fiber::{Fiber, FiberRef};
use crate::prim::Mutex;
use crate::sched::decide::{Choice, Decision, Fault, FaultPoints, Policy};
use crate::sched::trace_hash::{Op, TraceHash, TraceLog};
use crate::time::timeline::Timeline;
use std::collections::VecDeque;

/// No more than so many ready fibers, the oldest ones, are options: with ten thousand of them each
/// choice would cost as much as running one, and a bug that needs more is not known.
const WINDOW: usize = 64;

struct Inner {
    ready: VecDeque<FiberRef>,
    policy: Box<dyn Policy>,
    /// Chosen at a scheduling point, to run next: index into `ready`.
    chosen: Option<usize>,
    /// The fiber of this number is to wait in `held` when it makes room.
    hold: Option<u64>,
    /// Fibers that run when no other can.
    held: VecDeque<FiberRef>,
    counts: Counts,
}

/// How much a deterministic run had to decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Choices made.
    pub decisions: u64,
    /// Points at which a fiber could have been cancelled, an operation have failed, a fiber have
    /// been held back; counted when faults are injected.
    pub points: [u64; 3],
}

/// The state of a deterministic run.
pub(crate) struct Det {
    inner: Mutex<Inner>,
    /// The policy always takes option 0: nothing need be listed.
    default: bool,
    /// Does the policy choose among ready arms, and among due timers?
    chooses_arms: bool,
    chooses_timers: bool,
    fault_points: FaultPoints,
    hash: Mutex<TraceHash>,
}

fn choice(fiber: &Fiber) -> Choice {
    Choice {
        fiber: fiber.path_hash(),
        object: 0,
    }
}

impl Det {
    /// With a log, everything is kept that goes into the digest.
    pub(crate) fn new(policy: Box<dyn Policy>, log: bool) -> Det {
        let default = policy.is_default();
        let fault_points = policy.fault_points();
        let chooses_arms = policy.chooses(Decision::Arm);
        let chooses_timers = policy.chooses(Decision::Timer);
        let mut hash = TraceHash::default();
        if log {
            hash.keep_log();
        }
        let inner = Inner {
            ready: VecDeque::new(),
            policy,
            chosen: None,
            hold: None,
            held: VecDeque::new(),
            counts: Counts::default(),
        };
        Det {
            inner: Mutex::new(inner),
            default,
            chooses_arms,
            chooses_timers,
            fault_points,
            hash: Mutex::new(hash),
        }
    }

    /// Adds an event of the fiber the caller runs to the digest.
    pub(crate) fn record(&self, fiber: &Fiber, op: Op, object: u64, outcome: u64) {
        // SAFETY: the running fiber owns its counters.
        let ordinal = unsafe { *fiber.ops.get() };
        self.hash.lock().add(fiber, ordinal, op, object, outcome);
    }

    /// The digest.
    pub(crate) fn hash(&self) -> u64 {
        self.hash.lock().value()
    }

    pub(crate) fn take_log(&self) -> Option<TraceLog> {
        self.hash.lock().take_log()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.inner.lock().counts
    }

    /// Is the policy asked about faults at the back-edges of loops, too?
    pub(crate) fn asks_at_polls(&self) -> bool {
        self.fault_points == FaultPoints::Polls
    }

    /// Which of the faults in `offered` is put in here.
    pub(crate) fn fault(&self, fiber: &Fiber, offered: &[Fault]) -> Fault {
        if self.fault_points == FaultPoints::Nowhere {
            return Fault::None;
        }
        // SAFETY: the running fiber owns its counters.
        let ordinal = unsafe { *fiber.ops.get() };
        let fiber = fiber.path_hash();
        let option = |fault: Fault| Choice {
            fiber,
            object: fault as u64,
        };
        let options: Vec<Choice> = std::iter::once(Fault::None)
            .chain(offered.iter().copied())
            .map(option)
            .collect();
        let mut inner = self.inner.lock();
        for fault in offered {
            inner.counts.points[*fault as usize - 1] += 1;
        }
        inner.policy.running(fiber, Some(ordinal));
        match inner.policy.decide(Decision::Fault, &options) {
            0 => Fault::None,
            at => offered.get(at - 1).copied().unwrap_or(Fault::None),
        }
    }

    /// The running fiber goes behind all others when it makes room, which it does next.
    pub(crate) fn hold(&self, fiber: &Fiber) {
        self.inner.lock().hold = Some(fiber.id);
    }

    /// The running fiber makes room of its own accord.
    pub(crate) fn yielded(&self, fiber: &Fiber) {
        if !self.default {
            self.inner.lock().policy.yielded(fiber.path_hash());
        }
    }

    /// Does the policy always take option 0?
    pub(crate) fn is_fifo(&self) -> bool {
        self.default
    }

    /// Does the policy choose among the ready arms of a select?
    pub(crate) fn chooses_arms(&self) -> bool {
        self.chooses_arms
    }

    pub(crate) fn push(&self, fiber: FiberRef) {
        let mut inner = self.inner.lock();
        if inner.hold == Some(fiber.id) {
            inner.hold = None;
            inner.held.push_back(fiber);
        } else {
            inner.ready.push_back(fiber);
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        let inner = self.inner.lock();
        inner.ready.is_empty() && inner.held.is_empty()
    }

    /// The fiber to run next.
    pub(crate) fn pop(&self) -> Option<FiberRef> {
        let mut inner = self.inner.lock();
        if inner.ready.is_empty() {
            let held = inner.held.pop_front();
            if let Some(fiber) = &held {
                inner.policy.running(fiber.path_hash(), None);
            }
            return held;
        }
        if self.default {
            return inner.ready.pop_front();
        }
        let next = match inner.chosen.take() {
            Some(at) => inner.ready.remove(at),
            None => match inner.window() {
                0 => inner.held.pop_front(),
                1 => inner.ready.pop_front(),
                n => {
                    let options: Vec<Choice> =
                        inner.ready.iter().take(n).map(|f| choice(f)).collect();
                    let at = inner.decide(Decision::Next, &options);
                    inner.ready.remove(at)
                }
            },
        };
        if let Some(fiber) = &next {
            inner.policy.running(fiber.path_hash(), None);
        }
        next
    }

    /// A scheduling point of the running fiber, before an operation with this object (0: with
    /// several, or none). True: it must make room.
    pub(crate) fn point(&self, fiber: &Fiber, object: u64) -> bool {
        if self.default {
            return false;
        }
        // SAFETY: the running fiber owns its counters.
        let ordinal = unsafe { *fiber.ops.get() };
        let mut inner = self.inner.lock();
        inner.policy.running(fiber.path_hash(), Some(ordinal));
        let n = inner.window();
        if n == 0 {
            return false;
        }
        inner.policy.pending(fiber.path_hash(), object);
        let mut options = vec![choice(fiber)];
        options.extend(inner.ready.iter().take(n).map(|f| choice(f)));
        match inner.decide(Decision::Next, &options) {
            0 => false,
            at => {
                inner.chosen = Some(at - 1);
                true
            }
        }
    }

    /// Chooses among options named by the caller; 0 under the default policy.
    pub(crate) fn choose(&self, decision: Decision, options: &[Choice]) -> usize {
        if self.default || options.len() < 2 {
            return 0;
        }
        self.inner.lock().decide(decision, options)
    }

    /// Which due timer fires first, when a policy cares.
    pub(crate) fn choose_timer(&self, timeline: &Timeline) -> Option<u64> {
        if !self.chooses_timers {
            return None;
        }
        let due = timeline.due();
        let options: Vec<Choice> = due
            .iter()
            .map(|&(fiber, id)| Choice { fiber, object: id })
            .collect();
        let at = self.choose(Decision::Timer, &options);
        due.get(at).map(|&(_, id)| id)
    }
}

impl Inner {
    /// How many fibers in front of the queue are options. Entries of fibers that have ended
    /// meanwhile are not; they go.
    fn window(&mut self) -> usize {
        let mut live = 0;
        while live < self.ready.len().min(WINDOW) {
            if self.ready[live].state.is_queued() {
                live += 1;
            } else {
                self.ready.remove(live);
            }
        }
        live
    }

    fn decide(&mut self, decision: Decision, options: &[Choice]) -> usize {
        self.counts.decisions += 1;
        let at = self.policy.decide(decision, options);
        if at < options.len() { at } else { 0 }
    }
}
