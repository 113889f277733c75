//! Blocks of branches: `parallel`, `race`, `vote`, `timeout`.
//!
//! A Group collects branches until it is joined; then its result is kept here for the natives
//! that ask for it.

use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use lumen_runtime::heap::handle::{HandleData, get_arc};
use lumen_runtime::heap::word::NULL;
use lumen_runtime::heap::{Heap, count, equal, error, format, well_known};
use lumen_runtime::native::{Failure, NativeCx, NativeResult, NativeStop, fail, int, kind};
use lumen_runtime::task::future::FutureRef;
use lumen_runtime::task::join::{Decision, JoinGroup, JoinResult, JoinSpec, OnFail, Strategy};
use lumen_runtime::{Body, FiberCx, Outcome, Pool, SpawnOptions, Step};

use lumen_runtime::native::tasks::{
    deadline, discard, fiber, handle, machine, message_of, not_started, object, options, ready,
    result_of, value_of,
};

natives! {
    "rt.group_new(Int, Int, Int, Int, Int, Int) -> Group" => new,
    "rt.group_on(Group, Executor) -> Null" => |_, args| {
        let pool = executor(args, 1)?;
        object::<Group>(args, 0)?.lock().pool = Some(pool);
        Ok(NULL)
    },
    "rt.spawn_on[T](Executor, fn() -> T, Int) -> Future[T]" => spawn_on,
    "rt.group_spawn[T](Group, fn() -> T) -> Null" => spawn,
    "rt.group_adopt[T](Group, Future[T]) -> Null" => adopt,
    "rt.group_join(Group) -> Null" => join,
    "rt.group_count(Group) -> Int" => |_, args| {
        Ok(object::<Group>(args, 0)?.lock().order.len() as u64)
    },
    "rt.group_order(Group, Int) -> Int" => |_, args| {
        let group = object::<Group>(args, 0)?;
        let n = usize::try_from(int(args[1])).unwrap_or(usize::MAX);
        Ok(group.lock().order.get(n).copied().unwrap_or(-1) as u64)
    },
    "rt.group_status(Group, Int) -> Int" => status,
    "rt.group_value[T](Group, Int) -> T" => value,
    "rt.group_error(Group, Int) -> Error" => error_of,
    "rt.group_close(Group) -> Null" => close,
}

/// What `policy` 4 stands for: as the strategy has it, but time running out is no failure.
const QUIET_TIMEOUT: i64 = 4;

/// A block.
struct Group {
    join: Arc<JoinGroup>,
    spec: JoinSpec,
    /// `policy: continue` of `any`: an impossible one is a value.
    quorum: usize,
    quiet_timeout: bool,
    settled: bool,
    deadline: Option<u64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Where branches run.
    pool: Option<Arc<Pool>>,
    sealed: bool,
    closing: bool,
    ended: bool,
    /// How branches ended; words are owned.
    outcomes: Vec<Option<Outcome>>,
    /// Branches in the order of results; -1: the summary.
    order: Vec<i64>,
    /// Text of the summary failure, if there is one.
    summary: String,
}

impl Group {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl HandleData for Group {
    fn describe(&self, out: &mut String) {
        out.push_str("Group");
    }

    fn release(this: Arc<Self>, heap: &mut Heap) {
        if let Some(group) = Arc::into_inner(this) {
            let state = group.state.into_inner().unwrap_or_else(|e| e.into_inner());
            for word in state
                .outcomes
                .into_iter()
                .flatten()
                .filter_map(Outcome::slot)
            {
                // SAFETY: owned by the group.
                unsafe { count::drop(heap, word) };
            }
        }
    }
}

fn new(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let fiber = fiber(cx)?;
    let [strategy, policy, wanted, max, timeout, quorum] = [0, 1, 2, 3, 4, 5].map(|i| int(args[i]));
    if wanted < 1 {
        return fail("Argument", "count must be at least 1");
    }
    if max < 0 {
        return fail("Argument", "max must not be negative");
    }
    let on_fail = match (policy, strategy) {
        (1, _) => OnFail::FailFast,
        (2, _) => OnFail::Continue,
        (3, _) => OnFail::Ignore,
        (_, 0 | 1) => OnFail::FailFast,
        (_, 3) => OnFail::Continue,
        _ => OnFail::Tolerate,
    };
    let quorum = usize::try_from(quorum).unwrap_or(0);
    let strategy_of = |number| match number {
        1 => Strategy::First,
        2 => Strategy::Any(wanted as usize),
        4 => Strategy::Vote((quorum > 0).then_some(quorum)),
        _ => Strategy::All,
    };
    let settled = strategy == 3;
    let spec = JoinSpec {
        strategy: strategy_of(strategy),
        on_fail: if settled { OnFail::Continue } else { on_fail },
        max: max as usize,
    };
    let group = Group {
        join: JoinGroup::new(fiber, spec),
        spec,
        quorum,
        quiet_timeout: policy == QUIET_TIMEOUT,
        settled,
        deadline: deadline(fiber, timeout),
        state: Mutex::new(State::default()),
    };
    handle(cx, group)
}

fn spawn(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (fiber, machine) = (fiber(cx)?, machine(cx)?);
    let group = object::<Group>(args, 0)?;
    let closure = cx.copy(args[1], cx.params[1]);
    let body = machine.task(cx.heap, closure);
    let pool = group.lock().pool.clone();
    let options = SpawnOptions {
        pool,
        ..options(machine)
    };
    group.join.add(fiber, body, &options).map_err(not_started)?;
    Ok(NULL)
}

/// The executor behind argument `i`.
pub(super) fn executor(args: &[u64], i: usize) -> Result<Arc<Pool>, NativeStop> {
    // SAFETY: the native's key says that it is a live handle.
    match unsafe { get_arc::<Pool>(args[i]) } {
        Some(pool) => Ok(pool),
        None => fail(kind::CAST, "not an executor"),
    }
}

fn spawn_on(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (fiber, machine) = (fiber(cx)?, machine(cx)?);
    let pool = match int(args[2]) {
        3 => fiber.global_pool(),
        _ => executor(args, 0)?,
    };
    ready(fiber.poll_point())?;
    let closure = cx.copy(args[1], cx.params[1]);
    let body = machine.task(cx.heap, closure);
    let options = SpawnOptions {
        pool: Some(pool),
        elsewhere: int(args[2]) == 2,
        ..options(machine)
    };
    let future = fiber.spawn(body, options).map_err(not_started)?;
    Ok(future.into_handle(cx.heap, cx.result)?)
}

/// A branch that waits for a future somebody else started.
struct Adopted(FutureRef);

impl Body for Adopted {
    fn resume(&mut self, cx: &FiberCx) -> Step {
        match self.0.poll_await(cx, None) {
            Poll::Pending => Step::Parked,
            Poll::Ready(Ok(outcome)) => Step::Done(outcome),
            Poll::Ready(Err(_)) => Step::Done(Outcome::Cancelled),
        }
    }
}

fn adopt(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (fiber, machine) = (fiber(cx)?, machine(cx)?);
    let group = object::<Group>(args, 0)?;
    // SAFETY: the native's key says that it is a Future.
    let Some(future) = (unsafe { FutureRef::borrow_handle(args[1]) }) else {
        return fail(kind::CAST, "not a future");
    };
    let body = Box::new(Adopted((*future).clone()));
    group
        .join
        .add(fiber, body, &options(machine))
        .map_err(not_started)?;
    Ok(NULL)
}

fn join(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let fiber = fiber(cx)?;
    let group = object::<Group>(args, 0)?;
    let sealed = std::mem::replace(&mut group.lock().sealed, true);
    if !sealed {
        group.join.seal(fiber);
    }
    let result = ready(group.join.poll_wait(fiber, group.deadline));
    if matches!(result, Err(NativeStop::Parked)) {
        return Err(NativeStop::Parked);
    }
    group.lock().ended = true;
    let result = result?;
    conclude(cx, group, result)
}

/// Keeps the result, and raises what the policy says.
fn conclude(cx: &mut NativeCx<'_>, group: &Group, result: JoinResult) -> NativeResult {
    let mut state = group.lock();
    let JoinResult {
        decision,
        outcomes,
        winners,
    } = result;
    state.outcomes = outcomes;
    if state.outcomes.is_empty() && group.spec.strategy == Strategy::First {
        return first_of_none(group, &mut state);
    }
    let all = || 0..state.outcomes.len() as i64;
    let won = || winners.iter().map(|w| *w as i64).collect();
    let order: Vec<i64> = match (group.spec.strategy, decision) {
        (_, Decision::Consensus(branch)) => vec![branch as i64],
        (_, Decision::Nothing) => Vec::new(),
        (Strategy::All, Decision::Complete) if group.spec.on_fail == OnFail::Ignore => all()
            .filter(|b| matches!(state.outcomes[*b as usize], Some(Outcome::Ok(_))))
            .collect(),
        (Strategy::All, Decision::Complete) => all().collect(),
        (Strategy::First, Decision::Won) => {
            winners.first().map(|w| *w as i64).into_iter().collect()
        }
        (_, Decision::Won) => won(),
        (_, Decision::Impossible) if group.spec.on_fail == OnFail::Continue => vec![-1],
        _ => Vec::new(),
    };
    state.order = order;
    let failure = match decision {
        Decision::Raise(branch) => {
            let outcome = state.outcomes[branch].take().unwrap_or(Outcome::Cancelled);
            return value_of(outcome).map(|_| NULL);
        }
        Decision::Won if group.spec.strategy == Strategy::First => first_failure(group, &mut state),
        Decision::Impossible => {
            state.summary = summary(group, &state, winners.len());
            match group.spec.on_fail {
                OnFail::Continue => None,
                _ => Some(Failure::new(kind::THROW, state.summary.clone()).into()),
            }
        }
        Decision::NoConsensus => Some(no_consensus(cx, group, &state)),
        Decision::TimedOut if !group.quiet_timeout => {
            Some(Failure::new(kind::TIMEOUT, "timed out").into())
        }
        _ => None,
    };
    failure.map_or(Ok(NULL), Err)
}

/// `first` of no branches: only `ignore` has a value for that.
fn first_of_none(group: &Group, state: &mut State) -> NativeResult {
    state.summary = summary(group, state, 0);
    match group.spec.on_fail {
        OnFail::Ignore => Ok(NULL),
        OnFail::Continue => {
            state.order = vec![-1];
            Ok(NULL)
        }
        _ => fail(kind::THROW, state.summary.clone()),
    }
}

/// A failed winner of `first` raises, unless failures are values.
fn first_failure(group: &Group, state: &mut State) -> Option<NativeStop> {
    if group.settled || group.spec.on_fail == OnFail::Continue {
        return None;
    }
    let winner = *state.order.first()? as usize;
    match state.outcomes[winner] {
        Some(Outcome::Failed(_) | Outcome::Cancelled) => {
            value_of(state.outcomes[winner].take()?).err()
        }
        _ => None,
    }
}

/// `all 3 branches failed: m1; m2; m3`, or `only 1 of 3 branches succeeded: m1; m2` as soon as that
/// is too few.
fn summary(group: &Group, state: &State, won: usize) -> String {
    let total = state.outcomes.len();
    if total == 0 {
        return "parallel block has no branches".to_owned();
    }
    let messages: Vec<String> = state
        .outcomes
        .iter()
        .filter_map(|o| match o {
            Some(Outcome::Failed(error)) => Some(message_of(*error)),
            Some(Outcome::Cancelled) => Some("cancelled".to_owned()),
            _ => None,
        })
        .collect();
    let failed = messages.len();
    let messages = messages.join("; ");
    match group.spec.strategy {
        Strategy::Any(_) if failed < total => {
            format!("only {won} of {total} branches succeeded: {messages}")
        }
        _ => format!("all {total} branches failed: {messages}"),
    }
}

fn no_consensus(cx: &NativeCx<'_>, group: &Group, state: &State) -> NativeStop {
    let mut tally: Vec<(u64, usize)> = Vec::new();
    for outcome in state.outcomes.iter().flatten() {
        if let Outcome::Ok(word) = *outcome {
            // SAFETY: live words.
            let same = |w: u64| unsafe { equal::equal(cx.types, w, word, well_known::ANY) };
            match tally.iter_mut().find(|(w, _)| same(*w)) {
                Some((_, n)) => *n += 1,
                None => tally.push((word, 1)),
            }
        }
    }
    if tally.is_empty() {
        return Failure::new(kind::THROW, summary(group, state, 0)).into();
    }
    tally.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let mut text = String::from("no consensus: ");
    for (i, (word, n)) in tally.iter().enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        // SAFETY: a live word.
        let value = unsafe { format::format(cx.types, *word, well_known::ANY) };
        // Writing to a String does not fail.
        let _ = write!(text, "{comma}{value} × {n}");
    }
    if group.quorum > 0 {
        let _ = write!(text, " (quorum {})", group.quorum);
    }
    Failure::new(kind::NO_CONSENSUS, text).into()
}

/// Outcome of the branch in argument 1.
fn outcome_of(args: &[u64]) -> Result<Option<Outcome>, NativeStop> {
    let group = object::<Group>(args, 0)?;
    let branch = usize::try_from(int(args[1])).unwrap_or(usize::MAX);
    Ok(group.lock().outcomes.get(branch).copied().flatten())
}

fn status(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    if int(args[1]) == -1 {
        return Ok(1);
    }
    Ok(match outcome_of(args)? {
        Some(Outcome::Ok(_)) => 0,
        Some(Outcome::Failed(_)) => 1,
        _ => 2,
    })
}

fn value(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    match outcome_of(args)? {
        Some(Outcome::Ok(word)) => {
            // SAFETY: the group keeps its own reference.
            unsafe { count::dup(word) };
            Ok(result_of(cx, word))
        }
        _ => fail(kind::NULL, "the branch has no value"),
    }
}

fn error_of(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    if int(args[1]) == -1 {
        let summary = object::<Group>(args, 0)?.lock().summary.clone();
        return Ok(error::new(cx.heap, kind::THROW, &summary, "")?);
    }
    match outcome_of(args)? {
        Some(Outcome::Failed(word)) => {
            // SAFETY: the group keeps its own reference.
            unsafe { count::dup(word) };
            Ok(word)
        }
        _ => Ok(error::new(cx.heap, kind::CANCELLED, "cancelled", "")?),
    }
}

fn close(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let fiber = fiber(cx)?;
    let group = object::<Group>(args, 0)?;
    if group.lock().ended {
        return Ok(NULL);
    }
    if !std::mem::replace(&mut group.lock().closing, true) {
        group.join.cancel(fiber);
    }
    match group.join.poll_wait(fiber, None) {
        Poll::Pending => Err(NativeStop::Parked),
        Poll::Ready(result) => {
            group.lock().ended = true;
            let outcomes = result.map(|r| r.outcomes).unwrap_or_default();
            for word in outcomes.into_iter().flatten().filter_map(Outcome::slot) {
                discard(cx, word);
            }
            Ok(NULL)
        }
    }
}
