//! Join blocks: several branches, one result; every strategy under every failure policy.
//!
//! A block collects its branches' ends under one lock. The end that decides it freezes the
//! result and cancels the other branches; the block is over when all of them have unwound.
//!
//! In virtual time several branches may end at one instant, and the one written first counts as
//! the first, whichever worker was faster. So an end that would decide the block while a branch
//! written before it still runs only notes that (`defer`); the block is settled when nothing more
//! happens at that instant.

use crate::fiber::cx::{Enter, SpawnError, SpawnOptions};
use crate::fiber::{Body, Fiber, FiberCx, FiberRef, OnDone};
use crate::payload::{Outcome, PayloadVTable};
use crate::prim::Mutex;
use crate::sched::Place;
use crate::sched::group::{Member, cancel_all};
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::{WaitError, WaitReason};
use crate::sync::wait_queue::{Item, WaitQueue};
use crate::task::vote;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll;

/// Which ends decide a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// All of them.
    All,
    /// The first one.
    First,
    /// So many successes.
    Any(usize),
    /// The value most branches agree on; with a quorum, the first so many agree on.
    Vote(Option<usize>),
}

/// What a failed branch means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFail {
    /// The block fails at once.
    FailFast,
    /// It is a result like any other.
    Continue,
    /// It does not count.
    Ignore,
    /// It is tolerated while success is possible: the default of `Any` and `Vote`.
    Tolerate,
}

/// How a block joins.
#[derive(Clone, Copy, Debug)]
pub struct JoinSpec {
    /// Which ends decide.
    pub strategy: Strategy,
    /// What failures mean.
    pub on_fail: OnFail,
    /// How many branches run at a time; 0 is no limit.
    pub max: usize,
}

/// Why a block was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Every branch has ended.
    Complete,
    /// Branches have won: see `JoinResult::winners`.
    Won,
    /// This branch failed, and the policy raises that.
    Raise(usize),
    /// Nothing that counts is left: `first, ignore` without a success.
    Nothing,
    /// The successes that were asked for have become impossible.
    Impossible,
    /// The vote: this branch holds the winning value.
    Consensus(usize),
    /// No quorum can be reached.
    NoConsensus,
    /// The deadline of the block has passed.
    TimedOut,
}

/// The result of a block.
#[derive(Debug, PartialEq, Eq)]
pub struct JoinResult {
    /// Why it was over.
    pub decision: Decision,
    /// Of every branch, in source order, as it was when the block was decided; `None` for those
    /// that had not ended. The slots are the caller's.
    pub outcomes: Vec<Option<Outcome>>,
    /// The branches that won, in completion order.
    pub winners: Vec<usize>,
}

#[derive(Default)]
struct Inner {
    outcomes: Vec<Option<Outcome>>,
    /// Successes in the order in which they count: by instant (of real time: in completion
    /// order), then by source order.
    successes: Vec<(u64, usize)>,
    deferred: bool,
    failures: usize,
    classes: vote::Classes,
    ended: usize,
    running: usize,
    decision: Option<Decision>,
    fibers: Vec<Option<FiberRef>>,
    unstarted: VecDeque<FiberRef>,
    waiters: WaitQueue,
    /// The waiting fiber was told to unwind; it does so once all branches have.
    stop: Option<WaitError>,
    was_masked: bool,
    sealed: bool,
}

/// A join block.
pub struct JoinGroup {
    object: u64,
    spec: JoinSpec,
    payload: &'static PayloadVTable,
    inner: Mutex<Inner>,
}

impl std::fmt::Debug for JoinGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinGroup")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

struct Hook {
    group: Arc<JoinGroup>,
    branch: usize,
}

impl OnDone for Hook {
    fn on_done(&self, place: Place<'_>, fiber: &Fiber) {
        self.group.branch_ended(place, self.branch, fiber);
    }
}

impl JoinGroup {
    /// An empty block.
    pub fn new(cx: &FiberCx, spec: JoinSpec) -> Arc<JoinGroup> {
        Arc::new(JoinGroup {
            object: cx.new_object_id(),
            spec,
            payload: cx.shared().payload,
            inner: Mutex::new(Inner::default()),
        })
    }

    /// Adds a branch. Branches start when the block is sealed, in the order in which they were
    /// added.
    ///
    /// # Errors
    /// When the executor is shut down; the branches so far must then still be waited for.
    pub fn add(
        self: &Arc<Self>,
        cx: &FiberCx,
        body: Box<dyn Body>,
        options: &SpawnOptions,
    ) -> Result<(), SpawnError> {
        let branch = self.inner.lock().outcomes.len();
        let hook = Box::new(Hook {
            group: self.clone(),
            branch,
        });
        let fiber = cx.make(body, options.clone(), Some(hook))?;
        // How it ends is the block's business from the start.
        fiber.state.set_observed();
        let mut inner = self.inner.lock();
        inner.outcomes.push(None);
        inner.fibers.push(Some(fiber.clone()));
        inner.unstarted.push_back(fiber);
        Ok(())
    }

    /// All branches have been added: starts them.
    pub fn seal(&self, cx: &FiberCx) {
        let mut start = Vec::new();
        {
            let mut inner = self.inner.lock();
            inner.sealed = true;
            let max = if self.spec.max == 0 {
                usize::MAX
            } else {
                self.spec.max
            };
            while inner.running < max
                && let Some(fiber) = inner.unstarted.pop_front()
            {
                inner.running += 1;
                start.push(fiber);
            }
            if inner.outcomes.is_empty() {
                inner.decision = Some(self.decide(&inner).unwrap_or(Decision::Complete));
            }
        }
        if !cx.is_deterministic() {
            // The own deque is worked off from its end: the first branch goes last.
            start.reverse();
        }
        for fiber in start {
            cx.start(fiber);
        }
    }

    fn branch_ended(self: &Arc<Self>, place: Place<'_>, branch: usize, fiber: &Fiber) {
        let mut woken = Vec::new();
        let mut next = None;
        let mut losers = Vec::new();
        let late;
        {
            let mut inner = self.inner.lock();
            late = inner.decision.is_some();
            inner.ended += 1;
            inner.fibers[branch] = None;
            inner.running = inner.running.saturating_sub(1);
            if inner.decision.is_none() {
                let outcome = fiber.outcome().unwrap_or(Outcome::Cancelled);
                let instant = match place.shared.clock.is_virtual() {
                    true => place.shared.clock.now(),
                    false => inner.ended as u64,
                };
                self.record(&mut inner, branch, instant, outcome.share(self.payload));
                let decision = self.decide(&inner);
                if decision.is_some() {
                    let earlier_runs = inner.outcomes[..branch].iter().any(Option::is_none);
                    if earlier_runs && place.shared.clock.is_virtual() {
                        if !std::mem::replace(&mut inner.deferred, true) {
                            place.shared.defer(self.clone());
                        }
                    } else {
                        losers = self.close(&mut inner);
                    }
                }
            }
            if inner.decision.is_none() && inner.sealed {
                next = inner.unstarted.pop_front();
                inner.running += usize::from(next.is_some());
            }
            if inner.ended == inner.outcomes.len() {
                inner.waiters.claim_all(&mut woken);
            }
        }
        if late {
            self.tell_unwinding(place, fiber);
        }
        if let Some(next) = next {
            place.ready(next);
        }
        cancel_all(place, losers);
        place.ready_all(woken);
    }

    /// A branch has lost and failed while it unwound: no value or failure of the block says so.
    fn tell_unwinding(&self, place: Place<'_>, fiber: &Fiber) {
        if let Some(outcome @ Outcome::Failed(failure)) = fiber.outcome()
            && place.shared.hooks.failed_unwinding(failure)
        {
            outcome.share(self.payload);
            let (info, path) = (fiber.info(), fiber.path());
            place
                .shared
                .report_unobserved(fiber.owner(), &info, &path, failure);
        }
    }

    /// Nothing more happens at this instant: is the block decided?
    pub(crate) fn settle(&self, place: Place<'_>) -> bool {
        let losers = {
            let mut inner = self.inner.lock();
            inner.deferred = false;
            if inner.decision.is_some() {
                return false;
            }
            self.close(&mut inner)
        };
        let decided = !losers.is_empty();
        cancel_all(place, losers);
        decided
    }

    /// Decides the block if its ends do, and gives back who has lost.
    fn close(&self, inner: &mut Inner) -> Vec<Member> {
        inner.successes.sort_unstable();
        inner.decision = self.decide(inner);
        if inner.decision.is_none() {
            return Vec::new();
        }
        let tolerant = matches!(self.spec.on_fail, OnFail::Ignore | OnFail::Tolerate);
        let kept: Vec<usize> = match (self.spec.strategy, inner.decision) {
            (Strategy::First, Some(Decision::Won)) if !tolerant => inner
                .outcomes
                .iter()
                .position(Option::is_some)
                .into_iter()
                .collect(),
            (Strategy::First, Some(Decision::Won)) => {
                inner.successes.iter().take(1).map(|s| s.1).collect()
            }
            (Strategy::Any(count), Some(Decision::Won)) => {
                inner.successes.iter().take(count).map(|s| s.1).collect()
            }
            _ => return take_losers(inner),
        };
        // What else has ended at the same instant has not won.
        for (at, outcome) in inner.outcomes.iter_mut().enumerate() {
            if let Some(Outcome::Ok(slot)) = *outcome
                && !kept.contains(&at)
            {
                self.payload.drop_slot(slot);
                *outcome = None;
            }
        }
        inner.successes.retain(|s| kept.contains(&s.1));
        take_losers(inner)
    }

    fn record(&self, inner: &mut Inner, branch: usize, instant: u64, outcome: Outcome) {
        inner.outcomes[branch] = Some(outcome);
        match outcome {
            Outcome::Ok(slot) => {
                inner.successes.push((instant, branch));
                if let Strategy::Vote(_) = self.spec.strategy {
                    inner
                        .classes
                        .add(branch, slot, |a, b| self.payload.equal_slots(a, b));
                }
            }
            Outcome::Failed(_) | Outcome::Cancelled => inner.failures += 1,
        }
    }

    /// Do the ends so far decide the block?
    fn decide(&self, inner: &Inner) -> Option<Decision> {
        let total = inner.outcomes.len();
        let (won, failed) = (inner.successes.len(), inner.failures);
        let all_ended = won + failed == total;
        let failure = || {
            inner
                .outcomes
                .iter()
                .position(|o| matches!(o, Some(Outcome::Failed(_) | Outcome::Cancelled)))
        };
        match (self.spec.strategy, self.spec.on_fail) {
            (Strategy::First, OnFail::FailFast) => {
                let first = inner.outcomes.iter().position(Option::is_some);
                match first {
                    Some(at) if failure() == Some(at) => Some(Decision::Raise(at)),
                    Some(_) => Some(Decision::Won),
                    None => all_ended.then_some(Decision::Nothing),
                }
            }
            (_, OnFail::FailFast) if failed > 0 => failure().map(Decision::Raise),
            (Strategy::All, _) => all_ended.then_some(Decision::Complete),
            (Strategy::First, OnFail::Ignore | OnFail::Tolerate) => match (won, all_ended) {
                (0, true) => Some(Decision::Nothing),
                (0, false) => None,
                _ => Some(Decision::Won),
            },
            (Strategy::First, _) => {
                let decided = won + failed > 0;
                if decided {
                    Some(Decision::Won)
                } else {
                    all_ended.then_some(Decision::Nothing)
                }
            }
            (Strategy::Any(count), OnFail::Ignore) => {
                (won >= count || all_ended).then_some(Decision::Won)
            }
            (Strategy::Any(count), _) if won >= count => Some(Decision::Won),
            (Strategy::Any(count), _) => {
                (total - failed < count || all_ended).then_some(Decision::Impossible)
            }
            (Strategy::Vote(quorum), _) => inner.classes.decide(total - won - failed, quorum),
        }
    }

    /// Waits until the block is decided and all its branches have ended. With a deadline, it is
    /// decided as `TimedOut` then. When the calling fiber is cancelled, so are the branches, and
    /// the error comes after they have unwound.
    pub fn poll_wait(
        &self,
        cx: &FiberCx,
        deadline: Option<u64>,
    ) -> Poll<Result<JoinResult, WaitError>> {
        match cx.enter() {
            Enter::Yield => return Poll::Pending,
            Enter::Begin => {}
            Enter::Stop(why) => self.stop(cx, why),
            Enter::Resume => {
                let wake = cx.finish_wait();
                if wake.arm != 0 {
                    self.inner
                        .lock()
                        .waiters
                        .remove(wake.key, cx.fiber(), wake.epoch);
                    match cx.wake_error(wake.arm) {
                        WaitError::Timeout => self.time_out(cx),
                        why => self.stop(cx, why),
                    }
                }
            }
        }
        loop {
            let mut inner = self.inner.lock();
            if inner.ended == inner.outcomes.len() {
                return Poll::Ready(self.result(cx, inner));
            }
            match cx.begin_wait(WaitReason::Join, self.object) {
                Ok(epoch) => {
                    cx.slot().key = inner.waiters.push_back(cx.waiter(epoch, 0, Item::None));
                    let open = inner.decision.is_none() && inner.stop.is_none();
                    drop(inner);
                    cx.arm_deadline(epoch, deadline.filter(|_| open));
                    return Poll::Pending;
                }
                Err(why) => {
                    drop(inner);
                    self.stop(cx, why);
                }
            }
        }
    }

    /// The calling fiber must unwind: so must the branches, first.
    /// Gives the block up: cancels the branches that have not ended. To be followed by
    /// [`JoinGroup::poll_wait`], which waits until they have unwound.
    pub fn cancel(&self, cx: &FiberCx) {
        self.time_out(cx);
    }

    fn stop(&self, cx: &FiberCx, why: WaitError) {
        let losers = {
            let mut inner = self.inner.lock();
            if inner.stop.is_some() {
                return;
            }
            inner.stop = Some(why);
            inner.was_masked = cx.set_masked(true);
            inner.decision.get_or_insert(Decision::TimedOut);
            take_losers(&mut inner)
        };
        cancel_all(cx.place(), losers);
    }

    fn time_out(&self, cx: &FiberCx) {
        let losers = {
            let mut inner = self.inner.lock();
            if inner.decision.is_some() {
                return;
            }
            inner.decision = Some(Decision::TimedOut);
            take_losers(&mut inner)
        };
        cancel_all(cx.place(), losers);
    }

    fn result(
        &self,
        cx: &FiberCx,
        mut inner: impl std::ops::DerefMut<Target = Inner>,
    ) -> Result<JoinResult, WaitError> {
        let outcomes = std::mem::take(&mut inner.outcomes);
        let decision = inner.decision.unwrap_or(Decision::Complete);
        if let Some(why) = inner.stop.take() {
            cx.set_masked(inner.was_masked);
            drop(inner);
            release_all(outcomes, self.payload);
            return Err(why);
        }
        let successes = std::mem::take(&mut inner.successes);
        let mut winners: Vec<usize> = successes.into_iter().map(|s| s.1).collect();
        match self.spec.strategy {
            Strategy::First if winners.is_empty() && decision == Decision::Won => {
                winners.extend(outcomes.iter().position(|o| o.is_some()));
            }
            Strategy::Any(count) => winners.truncate(count),
            _ => {}
        }
        drop(inner);
        cx.event(
            Op::Join,
            self.object,
            winners.first().map_or(u64::MAX, |&w| w as u64),
        );
        Ok(JoinResult {
            decision,
            outcomes,
            winners,
        })
    }
}

fn take_losers(inner: &mut Inner) -> Vec<Member> {
    inner.unstarted.clear();
    // In reverse: `cancel_all` works its list off from the end.
    inner
        .fibers
        .iter()
        .rev()
        .flatten()
        .cloned()
        .map(Member::Fiber)
        .collect()
}

fn release_all(outcomes: Vec<Option<Outcome>>, payload: &PayloadVTable) {
    for outcome in outcomes.into_iter().flatten() {
        outcome.release(payload);
    }
}

impl Drop for JoinGroup {
    fn drop(&mut self) {
        release_all(
            std::mem::take(&mut self.inner.get_mut().outcomes),
            self.payload,
        );
    }
}
