//! Select: the first of several operations that is available.

use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::task::Poll;

use lumen_runtime::heap::handle::{HandleData, HandleVtable, get, get_arc, table_of};
use lumen_runtime::heap::word::{NULL, bool_word};
use lumen_runtime::heap::{Heap, TypeKind, count, record, well_known};
use lumen_runtime::native::{NativeCx, NativeResult, NativeStop, fail, int, kind, text};
use lumen_runtime::sync::broadcast::Subscriber;
use lumen_runtime::sync::channel::{OnFull, RawChannel};
use lumen_runtime::sync::mutex::RawMutex;
use lumen_runtime::sync::select::{Arm, SelectOptions, Selected, poll_select};
use lumen_runtime::task::future::FutureRef;
use lumen_runtime::{FiberCx, Outcome, WaitError};
use smallvec::SmallVec;

use super::waitables::{Polled, Waitable};
use lumen_runtime::native::tasks::{
    deadline, discard, fiber, handle, machine, not_started, object, options, ready, result_of,
    shared_word, stop, value_of,
};

natives! {
    "rt.select_new(Bool, Bool) -> Select" => |cx, args| {
        let (fair, or_else) = (args[0] != 0, args[1] != 0);
        let owner = fiber(cx)?.id();
        handle(cx, Select { owner, fair, or_else, state: UnsafeCell::default() })
    },
    "rt.select_receive[C](Select, C) -> Null" => |cx, args| {
        add(cx, args, Op::Receive(Inlet::of(args, 1)?))
    },
    "rt.select_next[C](Select, C) -> Null" => |cx, args| {
        add(cx, args, Op::Next(Inlet::of(args, 1)?))
    },
    "rt.select_send[C, T](Select, C, T) -> Null" => |cx, args| {
        let channel = channel(args, 1)?;
        let word = shared_word(cx, args, 2)?;
        match owned(cx, args) {
            Ok(state) => state.ops.push(Op::Send(channel, word)),
            Err(why) => {
                // SAFETY: owned here.
                unsafe { count::drop(cx.heap, word) };
                return Err(why);
            }
        }
        Ok(NULL)
    },
    "rt.select_await[T](Select, Future[T]) -> Null" => |cx, args| {
        // SAFETY: the native's key says that it is a Future.
        match unsafe { FutureRef::borrow_handle(args[1]) } {
            Some(future) => add(cx, args, Op::Await(ManuallyDrop::into_inner(future.clone()))),
            None => fail(kind::CAST, "not a future"),
        }
    },
    "rt.select_sleep(Select, Int) -> Null" => |cx, args| {
        add(cx, args, Op::Sleep(Time::After(int(args[1]).max(0))))
    },
    "rt.select_handle[A](Select, String, A) -> Null" => handle_arm,
    "rt.select_run[T](Select, fn() -> T) -> Null" => run,
    "rt.select_wait(Select) -> Int" => wait,
    "rt.select_value[T](Select) -> T" => value,
    "rt.select_close(Select) -> Null" => close,
    "rt.receive_within[C](C, Int, Int) -> Int" => receive_within,
    "rt.received[T]() -> T" => received,
    "rt.channel_next[C, T](C) -> T?" => channel_next,
}

/// What messages come from.
enum Inlet {
    Channel(Arc<RawChannel>),
    Broadcast(Arc<Subscriber>),
}

impl Inlet {
    /// What is behind argument `i`, a channel or a receiver.
    fn of(args: &[u64], i: usize) -> Result<Inlet, NativeStop> {
        // SAFETY: the native's key says that it is a live handle.
        match unsafe { get_arc::<Subscriber>(args[i]) } {
            Some(subscriber) => Ok(Inlet::Broadcast(subscriber)),
            None => channel(args, i).map(Inlet::Channel),
        }
    }

    fn arm(&self) -> Arm<'_> {
        match self {
            Inlet::Channel(channel) => Arm::Receive(channel),
            Inlet::Broadcast(subscriber) => Arm::Other(&**subscriber),
        }
    }
}

/// One operation.
enum Op {
    Receive(Inlet),
    Next(Inlet),
    /// The word is owned.
    Send(Arc<RawChannel>, u64),
    Await(FutureRef),
    Sleep(Time),
    Run(FutureRef),
    Acquire(Waitable),
}

impl Op {
    /// Is there something to be done about it when it has lost, or even when it has won?
    fn leaves_something(&self) -> bool {
        matches!(self, Op::Run(_) | Op::Acquire(_))
    }
}

/// When a sleep ends. Its time counts from when the select begins to wait.
#[derive(Clone, Copy)]
enum Time {
    /// After so many milliseconds.
    After(i64),
    /// When the clock of fibers shows this.
    At(u64),
}

/// How the winning operation failed.
#[derive(Clone, Copy)]
enum Loss {
    /// The task did; the outcome is owned.
    Ended(Outcome),
    /// The channel is closed.
    Closed,
    /// The channel is full, so that a send fails; its capacity.
    Full(usize),
}

/// A select.
struct Select {
    /// Number of the fiber that made it, the only one that may use it.
    owner: u64,
    fair: bool,
    or_else: bool,
    state: UnsafeCell<State>,
}

// SAFETY: the state is lent only by `state_of`, to the fiber that made the select, which runs on
// one thread at a time; bytecode that hands the select to another fiber gets a failure. What ends
// the select has the last reference.
unsafe impl Sync for Select {}

#[derive(Default)]
struct State {
    ops: SmallVec<[Op; 2]>,
    start: Option<usize>,
    won: Option<usize>,
    /// The winner's value as an owned word, or its failure.
    value: Option<Result<u64, Loss>>,
    /// Why it ended without a winner.
    stopped: Option<WaitError>,
    /// Fibers that lost have been cancelled.
    cancelled: bool,
    /// Cleaning up has begun, and is to let cancellation in again at its end.
    cleaning: bool,
    unmask: bool,
}

impl Select {
    /// The state, for the fiber that made it. A select's waiters are found through its arms, so it
    /// must not change hands while one is open either.
    #[expect(
        clippy::mut_from_ref,
        reason = "one fiber uses it, one native at a time"
    )]
    fn state_of(&self, fiber: &FiberCx) -> Result<&mut State, NativeStop> {
        if fiber.id() != self.owner {
            return fail(kind::CAST, "a select of another fiber");
        }
        // SAFETY: only the owner comes here, from one native at a time: none keeps the reference,
        // and none runs code of this fiber meanwhile. (A child that the owner runs in place is
        // another fiber.)
        Ok(unsafe { &mut *self.state.get() })
    }
}

/// The state of the select in argument 0, if the running fiber made it.
fn owned<'a>(cx: &NativeCx<'_>, args: &'a [u64]) -> Result<&'a mut State, NativeStop> {
    object::<Select>(args, 0)?.state_of(fiber(cx)?)
}

static SELECT: HandleVtable = table_of::<Select>();

impl HandleData for Select {
    #[inline]
    fn table() -> &'static HandleVtable {
        &SELECT
    }

    fn describe(&self, out: &mut String) {
        out.push_str("Select");
    }

    fn release(this: Arc<Self>, heap: &mut Heap) {
        let Some(select) = Arc::into_inner(this) else {
            return;
        };
        let state = select.state.into_inner();
        let won = state.won;
        let mut words = Vec::new();
        for (i, op) in state.ops.iter().enumerate() {
            match op {
                Op::Send(_, word) if won != Some(i) => words.push(*word),
                _ => {}
            }
        }
        match state.value {
            Some(Ok(word)) => words.push(word),
            Some(Err(Loss::Ended(outcome))) => words.extend(outcome.slot()),
            Some(Err(Loss::Closed | Loss::Full(_))) | None => {}
        }
        for word in words {
            // SAFETY: owned by the select.
            unsafe { count::drop(heap, word) };
        }
    }
}

/// The channel behind argument `i`.
fn channel(args: &[u64], i: usize) -> Result<Arc<RawChannel>, NativeStop> {
    // SAFETY: the native's key says that it is a live handle.
    match unsafe { get_arc::<RawChannel>(args[i]) } {
        Some(channel) => Ok(channel),
        None => fail(kind::CAST, "not a channel"),
    }
}

fn add(cx: &NativeCx<'_>, args: &[u64], op: Op) -> NativeResult {
    owned(cx, args)?.ops.push(op);
    Ok(NULL)
}

/// An arm for the waiting method of another handle; argument 2 is the tuple of its arguments.
fn handle_arm(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let parts = match cx.types.kind(cx.params[2]) {
        TypeKind::Tuple(parts) => parts.len(),
        _ => 0,
    };
    // SAFETY: a live tuple of so many handles, the one waited for first.
    let part = |i: usize| (i < parts).then(|| unsafe { record::get(args[2], i) });
    let Some(handle) = part(0) else {
        return fail(kind::CAST, "not a handle");
    };
    add(
        cx,
        args,
        Op::Acquire(Waitable::of(text(&args[1]), handle, part(1))?),
    )
}

fn run(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (fiber, machine) = (fiber(cx)?, machine(cx)?);
    let state = object::<Select>(args, 0)?.state_of(fiber)?;
    let closure = cx.copy(args[1], cx.params[1]);
    let body = machine.task(cx.heap, closure);
    let future = fiber.spawn(body, options(machine)).map_err(not_started)?;
    state.ops.push(Op::Run(future));
    Ok(NULL)
}

fn wait(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let fiber = fiber(cx)?;
    let select = object::<Select>(args, 0)?;
    let state = select.state_of(fiber)?;
    if state.won.is_none() && state.stopped.is_none() {
        decide(cx, fiber, select, state)?;
    }
    clean_up(cx, fiber, state)?;
    if let Some(why) = state.stopped {
        return Err(stop(why));
    }
    let won = state.won.unwrap_or(usize::MAX);
    match state.value.take_if(|v| v.is_err()) {
        Some(Err(Loss::Ended(outcome))) => return value_of(outcome),
        Some(Err(Loss::Closed)) => return Err(stop(WaitError::Closed)),
        Some(Err(Loss::Full(n))) => {
            return fail(kind::FULL, format!("channel is full (capacity {n})"));
        }
        _ => {}
    }
    Ok(if won < state.ops.len() {
        won as u64
    } else {
        -1_i64 as u64
    })
}

/// Waits for the winner.
fn decide(
    cx: &NativeCx<'_>,
    fiber: &FiberCx,
    select: &Select,
    state: &mut State,
) -> Result<(), NativeStop> {
    let first = state.start.is_none();
    let turn = if first && select.fair {
        machine(cx)?.turn() as usize
    } else {
        0
    };
    let start = *state.start.get_or_insert(turn);
    if first && conditions(&state.ops).any(|m| m.holder() != fiber.id()) {
        return fail("Argument", "waiting for a condition needs its mutex locked");
    }
    let options = SelectOptions {
        or_else: select.or_else,
        start: start % state.ops.len().max(1),
        deadline: None,
    };
    if first {
        fix_times(fiber, &mut state.ops);
    }
    match poll(fiber, &state.ops, options) {
        Poll::Pending => return Err(NativeStop::Parked),
        Poll::Ready(Err(why)) => state.stopped = Some(why),
        Poll::Ready(Ok((won, selected))) => {
            state.value = Some(selected_value(&state.ops, won, selected));
            state.won = Some(won);
        }
    }
    Ok(())
}

/// Says when the sleeps end. They all begin now.
fn fix_times(fiber: &FiberCx, ops: &mut [Op]) {
    for op in ops {
        if let Op::Sleep(time) = op
            && let Time::After(millis) = *time
        {
            *time = Time::At(deadline(fiber, millis).unwrap_or(u64::MAX));
        }
    }
}

/// Polls all operations.
fn poll(
    fiber: &FiberCx,
    ops: &[Op],
    options: SelectOptions,
) -> Poll<Result<(usize, Selected), WaitError>> {
    let mut few = [Arm::Until(u64::MAX); FEW];
    if ops.len() <= FEW && !ops.iter().any(|op| matches!(op, Op::Acquire(_))) {
        for (arm, op) in few.iter_mut().zip(ops) {
            if let Polled::Arm(of_op) = polled(op) {
                *arm = of_op;
            }
        }
        return poll_select(fiber, &few[..ops.len()], options);
    }
    let polled: Vec<_> = ops.iter().map(polled).collect();
    let arms: Vec<Arm<'_>> = polled.iter().map(Polled::arm).collect();
    poll_select(fiber, &arms, options)
}

/// So many operations are polled without an allocation.
const FEW: usize = 4;

/// The mutexes of waits for conditions.
fn conditions(ops: &[Op]) -> impl Iterator<Item = &RawMutex> {
    ops.iter().filter_map(|op| match op {
        Op::Acquire(waitable) => waitable.condition_mutex(),
        _ => None,
    })
}

/// Once it is decided: takes mutexes of conditions again, and waits for the fibers that lost. What
/// has been won must not be lost to a cancellation meanwhile, which waits.
fn clean_up(cx: &mut NativeCx<'_>, fiber: &FiberCx, state: &mut State) -> Result<(), NativeStop> {
    if !state.ops.iter().any(Op::leaves_something) {
        return Ok(());
    }
    if !std::mem::replace(&mut state.cleaning, true) {
        state.unmask = !fiber.set_masked(true);
    }
    for mutex in conditions(&state.ops) {
        if mutex.holder() != fiber.id() && mutex.poll_lock(fiber, None).is_pending() {
            return Err(NativeStop::Parked);
        }
    }
    let unwound = match state.won {
        Some(_) => unwind_losers(cx, fiber, state),
        None => Ok(()),
    };
    if unwound != Err(NativeStop::Parked) && std::mem::take(&mut state.unmask) {
        fiber.set_masked(false);
    }
    unwound
}

fn polled(op: &Op) -> Polled<'_> {
    Polled::Arm(match op {
        Op::Acquire(waitable) => return waitable.polled(),
        Op::Receive(inlet) | Op::Next(inlet) => inlet.arm(),
        Op::Send(channel, word) => Arm::Send(channel, *word),
        Op::Await(future) | Op::Run(future) => Arm::Await(future),
        Op::Sleep(Time::At(until)) => Arm::Until(*until),
        // Never polled: `fix_times` comes before.
        Op::Sleep(Time::After(_)) => Arm::Until(u64::MAX),
    })
}

/// The winner's value as an owned word, or how it failed.
fn selected_value(ops: &[Op], won: usize, selected: Selected) -> Result<u64, Loss> {
    match (selected, ops.get(won)) {
        (Selected::Value(word), _) => Ok(word),
        (Selected::Sent(waited), _) => Ok(bool_word(waited)),
        (Selected::Ended(Outcome::Ok(word)), _) => Ok(word),
        (Selected::Ended(outcome), _) => Err(Loss::Ended(outcome)),
        (Selected::Closed, Some(Op::Next(_))) => Ok(NULL),
        (Selected::Closed, Some(Op::Send(channel, _))) => Err(refused(channel)),
        (Selected::Closed, _) => Err(Loss::Closed),
        (Selected::TimeUp | Selected::Acquired, _) => Ok(bool_word(true)),
        (Selected::NoneReady, _) => Ok(NULL),
    }
}

/// Why a channel does not take a message at all.
fn refused(channel: &RawChannel) -> Loss {
    match channel.capacity() {
        Some(n) if channel.on_full() == OnFull::Error && !channel.is_closed() => Loss::Full(n),
        _ => Loss::Closed,
    }
}

/// Cancels the fibers that lost and waits until they have unwound.
fn unwind_losers(
    cx: &mut NativeCx<'_>,
    fiber: &FiberCx,
    state: &mut State,
) -> Result<(), NativeStop> {
    let won = state.won;
    let first = !std::mem::replace(&mut state.cancelled, true);
    let losers = || {
        state.ops.iter().enumerate().filter_map(|(i, op)| match op {
            Op::Run(future) if won != Some(i) => Some(future),
            _ => None,
        })
    };
    if first {
        losers().for_each(|f| f.cancel(fiber));
    }
    let under_way = losers().find(|f| f.is_awaited_by(fiber));
    for future in under_way
        .into_iter()
        .chain(losers().filter(|f| !f.is_done()))
    {
        if let Some(word) = ready(future.poll_await(fiber, None))?.slot() {
            discard(cx, word);
        }
    }
    Ok(())
}

fn value(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    match owned(cx, args)?.value {
        // An operation whose value says nothing.
        Some(Ok(_)) if cx.result == well_known::NULL => Ok(NULL),
        Some(Ok(word)) => {
            // SAFETY: the select keeps its own reference.
            unsafe { count::dup(word) };
            Ok(result_of(cx, word))
        }
        _ => fail(kind::NULL, "the select has no value"),
    }
}

fn close(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let fiber = fiber(cx)?;
    let state = owned(cx, args)?;
    match unwind_losers(cx, fiber, state) {
        Err(NativeStop::Parked) => Err(NativeStop::Parked),
        _ => Ok(NULL),
    }
}

fn channel_next(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let fiber = fiber(cx)?;
    // SAFETY: the native's key says that it is a live handle, borrowed for the call.
    let received = match unsafe { get::<Subscriber>(args[0]) } {
        Some(subscriber) => subscriber.poll_receive(fiber, None),
        None => object::<RawChannel>(args, 0)?.poll_receive(fiber, None),
    };
    match received {
        Poll::Pending => Err(NativeStop::Parked),
        Poll::Ready(Ok(received)) => Ok(result_of(cx, received.value)),
        Poll::Ready(Err(WaitError::Closed)) => Ok(NULL),
        Poll::Ready(Err(why)) => Err(stop(why)),
    }
}

/// A select of a receive and a sleep. Where nothing watches it is one source and one timer, so that
/// it needs neither a list of waiters nor, unless it parks, the clock. With the time up at once
/// there is an order to keep, and virtual time has one of its own for timers.
fn receive_within(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (fiber, kept) = (fiber(cx)?, machine(cx)?.kept());
    let (millis, receive) = (int(args[1]).max(0), usize::from(args[2] & 1 != 0));
    // SAFETY: the native's key says that it is a live handle, borrowed for the call.
    let inlet = match unsafe { get::<Subscriber>(args[0]) } {
        Some(subscriber) => Arm::Other(subscriber),
        None => Arm::Receive(object::<RawChannel>(args, 0)?),
    };
    let polled = match inlet {
        Arm::Receive(channel) if millis > 0 && fiber.is_plain() && !fiber.is_virtual_time() => {
            poll_within(fiber, channel, millis).map_ok(|word| match word {
                Some(word) => (receive, Selected::Value(word)),
                None => (1 - receive, Selected::TimeUp),
            })
        }
        _ => {
            // Its time counts from when it begins to wait.
            if kept.get() == 0 {
                let until = deadline(fiber, millis).unwrap_or(u64::MAX);
                kept.set(until.saturating_add(1));
            }
            let mut arms = [inlet, Arm::Until(kept.get() - 1)];
            arms.rotate_right(receive);
            poll_select(fiber, &arms, SelectOptions::default())
        }
    };
    let Poll::Ready(ended) = polled else {
        return Err(NativeStop::Parked);
    };
    kept.set(0);
    match ended {
        Ok((won, Selected::Value(word))) => {
            kept.set(word);
            Ok(won as u64)
        }
        Ok((_, Selected::Closed)) | Err(WaitError::Closed) if args[2] & 2 != 0 => {
            kept.set(NULL);
            Ok(receive as u64)
        }
        Ok((_, Selected::Closed)) => Err(stop(WaitError::Closed)),
        Ok((won, _)) => Ok(won as u64),
        Err(why) => Err(stop(why)),
    }
}

/// Receives, or answers `None` when the time is up.
pub(crate) fn poll_within(
    fiber: &FiberCx,
    channel: &RawChannel,
    millis: i64,
) -> Poll<Result<Option<u64>, WaitError>> {
    let until = || deadline(fiber, millis).unwrap_or(u64::MAX);
    channel.poll_receive_timed(fiber, until).map(|r| match r {
        Ok(received) => Ok(Some(received.value)),
        Err(WaitError::Timeout) => Ok(None),
        Err(why) => Err(why),
    })
}

/// What `receive_within` has received.
fn received(cx: &mut NativeCx<'_>, _: &mut [u64]) -> NativeResult {
    match machine(cx)?.kept().take() {
        0 => fail(kind::NULL, "nothing has been received"),
        // An operation whose value says nothing.
        word if cx.result == well_known::NULL => {
            discard(cx, word);
            Ok(NULL)
        }
        word => Ok(result_of(cx, word)),
    }
}
