//! Deterministic scheduling: one ready queue, one fiber at a time, every choice a decision.

use crate::fiber::Fiber;
use crate::prim::Mutex;
use crate::sched::decide::{Choice, Decision, Policy};
use crate::sched::trace_hash::TraceHash;
use crate::time::timeline::Timeline;
use std::collections::VecDeque;
use std::sync::Arc;

struct Inner {
    ready: VecDeque<Arc<Fiber>>,
    policy: Box<dyn Policy>,
    /// Chosen at a scheduling point, to run next: index into `ready`.
    chosen: Option<usize>,
    decisions: u64,
}

/// The state of a deterministic run.
pub(crate) struct Det {
    inner: Mutex<Inner>,
    /// The policy always takes option 0: nothing need be listed.
    default: bool,
    pub(crate) hash: Mutex<TraceHash>,
}

fn choice(fiber: &Fiber) -> Choice {
    Choice {
        fiber: fiber.path_hash(),
        object: 0,
    }
}

impl Det {
    pub(crate) fn new(policy: Box<dyn Policy>) -> Det {
        let default = policy.is_default();
        let inner = Inner {
            ready: VecDeque::new(),
            policy,
            chosen: None,
            decisions: 0,
        };
        Det {
            inner: Mutex::new(inner),
            default,
            hash: Mutex::new(TraceHash::default()),
        }
    }

    /// Does the policy always take option 0?
    pub(crate) fn is_default(&self) -> bool {
        self.default
    }

    pub(crate) fn push(&self, fiber: Arc<Fiber>) {
        self.inner.lock().ready.push_back(fiber);
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.inner.lock().ready.is_empty()
    }

    /// The fiber to run next.
    pub(crate) fn pop(&self) -> Option<Arc<Fiber>> {
        let mut inner = self.inner.lock();
        if self.default {
            return inner.ready.pop_front();
        }
        if let Some(at) = inner.chosen.take() {
            return inner.ready.remove(at);
        }
        // Entries of fibers that have ended meanwhile are no options.
        inner.ready.retain(|f| f.state.is_queued());
        match inner.ready.len() {
            0 => None,
            1 => inner.ready.pop_front(),
            _ => {
                let options: Vec<Choice> = inner.ready.iter().map(|f| choice(f)).collect();
                let at = inner.decide(Decision::Next, &options);
                inner.ready.remove(at)
            }
        }
    }

    /// A scheduling point of the running fiber. True: it must make room.
    pub(crate) fn point(&self, fiber: &Fiber) -> bool {
        if self.default {
            return false;
        }
        let mut inner = self.inner.lock();
        inner.ready.retain(|f| f.state.is_queued());
        if inner.ready.is_empty() {
            return false;
        }
        let mut options = vec![choice(fiber)];
        options.extend(inner.ready.iter().map(|f| choice(f)));
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
        if self.default {
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
    fn decide(&mut self, decision: Decision, options: &[Choice]) -> usize {
        self.decisions += 1;
        let at = self.policy.decide(decision, options);
        if at < options.len() { at } else { 0 }
    }
}
