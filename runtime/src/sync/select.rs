//! Select: the first of several operations that is available takes effect; the others leave no
//! trace.
//!
//! 1. *Act*: each arm is tried in order; the first that is ready takes effect.
//! 2. *Register*: with no arm ready, one wait is opened and a waiter of the same epoch goes to
//!    every source. A source that has become ready meanwhile is not acted upon: the fiber claims
//!    its own wait (so that nobody else can), takes all waiters out and goes back to 1. If it
//!    cannot claim it, somebody else has: that is the result.
//! 3. *Resume*: the winner's arm number is in the state word. All other waiters are taken out.
//!
//! An arm acts either under its source's lock while no wait is open (1), or by whoever claims the
//! open wait by one compare-and-swap (2); so never two do.

use crate::fiber::FiberCx;
use crate::fiber::cx::Enter;
use crate::payload::Outcome;
use crate::sched::decide::{Choice, Decision};
use crate::sched::state::{ARM_LIMIT, ARM_RETRY};
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::{WaitError, WaitReason};
use crate::sync::channel::RawChannel;
use crate::task::future::FutureRef;
use crate::time::timeline::Class;
use std::task::Poll;

/// Something a fiber may select on, beside channels, futures and the clock.
pub trait Source: Send + Sync {
    /// Takes effect if it can now.
    fn try_now(&self, cx: &FiberCx) -> Option<Selected>;
    /// Queues the calling fiber; `None` when the source is ready now.
    fn register(&self, cx: &FiberCx, ticket: Ticket) -> Option<u32>;
    /// Takes the calling fiber out of the queue.
    fn unregister(&self, cx: &FiberCx, key: u32, ticket: Ticket);
    /// What a claim by this source means. `None`: only that it is worth trying again.
    fn claimed(&self, cx: &FiberCx, given: Option<u64>) -> Option<Selected>;
}

/// Names one arm of one wait.
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    pub(crate) epoch: u32,
    pub(crate) arm: u16,
}

/// One arm.
#[derive(Clone, Copy)]
pub enum Arm<'a> {
    /// Receive from a channel.
    Receive(&'a RawChannel),
    /// Send this value, which stays the caller's unless the arm wins.
    Send(&'a RawChannel, u64),
    /// Wait for a task.
    Await(&'a FutureRef),
    /// Wait for the clock of fibers to show this.
    Until(u64),
    /// Anything else.
    Other(&'a dyn Source),
}

impl std::fmt::Debug for Arm<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Arm::Receive(_) => "Receive",
            Arm::Send(..) => "Send",
            Arm::Await(_) => "Await",
            Arm::Until(_) => "Until",
            Arm::Other(_) => "Other",
        })
    }
}

/// What the winning arm brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selected {
    /// A received value, the caller's.
    Value(u64),
    /// A value has been sent; whether by overwriting or waiting.
    Sent(bool),
    /// How the task ended; a copy of the caller's.
    Ended(Outcome),
    /// The time has come.
    TimeUp,
    /// The source is the caller's: a lock, a permit.
    Acquired,
    /// The channel is closed.
    Closed,
    /// Nothing was ready, and waiting was not wanted.
    NoneReady,
}

/// How a select behaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct SelectOptions {
    /// Answer `NoneReady` instead of waiting.
    pub or_else: bool,
    /// Begin trying at this arm instead of the first (`select(fair)` rotates it).
    pub start: usize,
    /// Give up at this time, with `WaitError::Timeout`.
    pub deadline: Option<u64>,
}

/// Performs one select: (arm, what it brought). `NoneReady` comes with arm `arms.len()`.
pub fn poll_select(
    cx: &FiberCx,
    arms: &[Arm<'_>],
    options: SelectOptions,
) -> Poll<Result<(usize, Selected), WaitError>> {
    debug_assert!(arms.len() < usize::from(ARM_LIMIT));
    match cx.enter() {
        Enter::Yield => return Poll::Pending,
        Enter::Stop(why) => return Poll::Ready(Err(why)),
        Enter::Resume => {
            if let Some(result) = resumed(cx, arms) {
                return done(cx, result);
            }
        }
        Enter::Begin => {}
    }
    loop {
        if let Some(result) = act(cx, arms, options.start) {
            return done(cx, Ok(result));
        }
        if options.or_else {
            return done(cx, Ok((arms.len(), Selected::NoneReady)));
        }
        match register(cx, arms, options) {
            Registered::All => return Poll::Pending,
            Registered::Ready => {}
            Registered::Claimed => {
                if let Some(result) = resumed(cx, arms) {
                    return done(cx, result);
                }
            }
            Registered::Stop(why) => return done(cx, Err(why)),
        }
    }
}

fn done(
    cx: &FiberCx,
    result: Result<(usize, Selected), WaitError>,
) -> Poll<Result<(usize, Selected), WaitError>> {
    cx.event(
        Op::Select,
        0,
        result.as_ref().map_or(u64::MAX, |r| r.0 as u64),
    );
    Poll::Ready(result)
}

/// Tries the arms in order.
fn act(cx: &FiberCx, arms: &[Arm<'_>], start: usize) -> Option<(usize, Selected)> {
    let n = arms.len();
    let now = if arms.iter().any(|a| matches!(a, Arm::Until(_))) {
        cx.now()
    } else {
        0
    };
    if let Some(det) = &cx.shared().det
        && det.chooses_arms()
    {
        return act_chosen(cx, arms, start, now);
    }
    // An arm whose time is up at once yields to arms that are ready.
    for timers in [false, true] {
        for k in 0..n {
            let at = (start + k) % n;
            if matches!(arms[at], Arm::Until(_)) == timers
                && let Some(selected) = try_arm(cx, &arms[at], now)
            {
                return Some((at, selected));
            }
        }
    }
    None
}

/// Under a policy: which of the ready arms takes effect is a decision.
fn act_chosen(cx: &FiberCx, arms: &[Arm<'_>], start: usize, now: u64) -> Option<(usize, Selected)> {
    let det = cx.shared().det.as_ref()?;
    let n = arms.len();
    let mut left: Vec<usize> = (0..n).map(|k| (start + k) % n).collect();
    left.sort_by_key(|&at| matches!(arms[at], Arm::Until(_)));
    while !left.is_empty() {
        let options: Vec<Choice> = left
            .iter()
            .map(|&at| Choice {
                fiber: 0,
                object: at as u64,
            })
            .collect();
        let at = left.remove(det.choose(Decision::Arm, &options));
        if let Some(selected) = try_arm(cx, &arms[at], now) {
            return Some((at, selected));
        }
    }
    None
}

fn try_arm(cx: &FiberCx, arm: &Arm<'_>, now: u64) -> Option<Selected> {
    match arm {
        Arm::Receive(channel) => channel.arm_receive(cx).map(|r| match r {
            Ok(value) => Selected::Value(value),
            Err(_) => Selected::Closed,
        }),
        Arm::Send(channel, value) => channel.arm_send(cx, *value).map(|r| match r {
            Ok(waited) => Selected::Sent(waited),
            Err(_) => Selected::Closed,
        }),
        Arm::Await(future) => future.is_done().then(|| Selected::Ended(future.ended(cx))),
        Arm::Until(deadline) => (*deadline <= now).then_some(Selected::TimeUp),
        Arm::Other(source) => source.try_now(cx),
    }
}

enum Registered {
    /// Everywhere: park.
    All,
    /// Some source is ready; nothing is registered any more.
    Ready,
    /// Somebody claimed the wait meanwhile.
    Claimed,
    Stop(WaitError),
}

const NONE: u32 = u32::MAX;

fn register(cx: &FiberCx, arms: &[Arm<'_>], options: SelectOptions) -> Registered {
    let epoch = match cx.begin_wait(WaitReason::Select, 0) {
        Ok(epoch) => epoch,
        Err(why) => return Registered::Stop(why),
    };
    let mut keys = match cx.slot().keys.take() {
        Some(mut used) if used.len() == arms.len() => {
            used.fill(NONE);
            used
        }
        _ => vec![NONE; arms.len()].into_boxed_slice(),
    };
    let mut first_timer: Option<(u64, u16)> = None;
    for (at, arm) in arms.iter().enumerate() {
        let arm_no = at as u16;
        let key = match arm {
            Arm::Receive(channel) => channel.register_receive(cx, epoch, arm_no),
            Arm::Send(channel, value) => channel.register_send(cx, epoch, arm_no, *value),
            Arm::Await(future) => match future.register(cx, arm_no, Some(epoch)) {
                Ok(Some((_, key))) => Some(key),
                _ => None,
            },
            Arm::Until(deadline) => {
                if first_timer.is_none_or(|(first, _)| *deadline < first) {
                    first_timer = Some((*deadline, arm_no));
                }
                continue;
            }
            Arm::Other(source) => source.register(cx, Ticket { epoch, arm: arm_no }),
        };
        match key {
            Some(key) => keys[at] = key,
            None => {
                let ours = cx.fiber().state.claim_own(epoch, ARM_RETRY);
                cx.slot().keys = Some(keys);
                if !ours {
                    // The claimer may not have delivered yet; if so, parking waits for it.
                    return match cx.fiber().state.is_delivered() {
                        true => Registered::Claimed,
                        false => Registered::All,
                    };
                }
                let wake = cx.finish_wait();
                unregister(cx, arms, wake.keys, epoch, ARM_RETRY);
                return Registered::Ready;
            }
        }
    }
    cx.slot().keys = Some(keys);
    // One timer at most: the earliest arm's, or the deadline of the whole. In virtual time it comes
    // after whatever else happens then, as an arm whose time is up yields to those that are ready.
    match (first_timer, options.deadline) {
        (Some((at, arm)), deadline) if deadline.is_none_or(|d| at <= d) => {
            cx.arm_timer(epoch, at, arm, Class::Deadline);
        }
        (_, deadline) => cx.arm_deadline(epoch, deadline),
    }
    Registered::All
}

/// Takes all waiters out but the winner's. The keys are kept for the fiber's next select.
fn unregister(cx: &FiberCx, arms: &[Arm<'_>], keys: Option<Box<[u32]>>, epoch: u32, winner: u16) {
    let listed = keys.as_deref().unwrap_or_default();
    for (at, (arm, &key)) in arms.iter().zip(listed).enumerate() {
        if key == NONE || at == usize::from(winner) {
            continue;
        }
        match arm {
            Arm::Receive(channel) => channel.unregister_receive(cx, key, epoch),
            Arm::Send(channel, _) => channel.unregister_send(cx, key, epoch),
            Arm::Await(future) => future.unregister(cx, key, epoch),
            Arm::Until(_) => {}
            Arm::Other(source) => {
                source.unregister(
                    cx,
                    key,
                    Ticket {
                        epoch,
                        arm: at as u16,
                    },
                );
            }
        }
    }
    cx.slot().keys = keys;
}

/// The wait is over. `None`: try again.
fn resumed(cx: &FiberCx, arms: &[Arm<'_>]) -> Option<Result<(usize, Selected), WaitError>> {
    let wake = cx.finish_wait();
    unregister(cx, arms, wake.keys, wake.epoch, wake.arm);
    let at = usize::from(wake.arm);
    let Some(arm) = arms.get(at) else {
        return Some(Err(cx.wake_error(wake.arm)));
    };
    let selected = match (arm, wake.given) {
        (Arm::Receive(_), Some(value)) => Selected::Value(value),
        (Arm::Send(..), Some(_)) => Selected::Sent(true),
        (Arm::Receive(_) | Arm::Send(..), None) => Selected::Closed,
        (Arm::Await(future), _) => Selected::Ended(future.ended(cx)),
        (Arm::Until(_), _) => Selected::TimeUp,
        (Arm::Other(source), given) => source.claimed(cx, given)?,
    };
    Some(Ok((at, selected)))
}
