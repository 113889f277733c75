//! Tests of channels, select, scopes and join blocks.

use crate::sync::channel::{OnFull, RawChannel};
use crate::sync::select::{Arm, SelectOptions, Selected, poll_select};
use crate::task::join::{Decision, JoinGroup, JoinResult, JoinSpec, OnFail, Strategy};
use crate::task::tests::{body, everywhere, spawn, until};
use crate::{FiberCx, Outcome, PayloadVTable, WaitError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn channel(cx: &FiberCx, capacity: Option<usize>) -> Arc<RawChannel> {
    let plain = PayloadVTable::PLAIN;
    Arc::new(RawChannel::new(cx, capacity, OnFull::Block, plain))
}

fn send(cx: &FiberCx, ch: &RawChannel, value: u64) -> Result<bool, WaitError> {
    cx.block(|| ch.poll_send(cx, value, None))
}

fn receive(cx: &FiberCx, ch: &RawChannel) -> Result<u64, WaitError> {
    cx.block(|| ch.poll_receive(cx, None)).map(|r| r.value)
}

/// In milliseconds: no machine is so slow that this passes.
const NEVER: u64 = 1_000_000_000;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[test]
fn every_message_arrives_once() {
    for capacity in [None, Some(0), Some(1), Some(7)] {
        everywhere(|| {
            move |cx: &FiberCx| {
                let ch = channel(cx, capacity);
                let sum = Arc::new(AtomicU64::new(0));
                let consumers: Vec<_> = (0..3)
                    .map(|_| {
                        let (ch, sum) = (ch.clone(), sum.clone());
                        spawn(cx, move |cx| {
                            while let Ok(value) = receive(cx, &ch) {
                                sum.fetch_add(value, Ordering::SeqCst);
                            }
                            Outcome::Ok(0)
                        })
                    })
                    .collect();
                let producers: Vec<_> = (0..4)
                    .map(|_| {
                        let ch = ch.clone();
                        spawn(cx, move |cx| {
                            for value in 1..=100 {
                                send(cx, &ch, value).unwrap();
                            }
                            Outcome::Ok(0)
                        })
                    })
                    .collect();
                for p in &producers {
                    p.wait(cx).unwrap();
                }
                cx.block(|| ch.poll_close(cx));
                for c in &consumers {
                    c.wait(cx).unwrap();
                }
                assert_eq!(sum.load(Ordering::SeqCst), 4 * 5050);
                assert_eq!(send(cx, &ch, 1), Err(WaitError::Closed));
                Outcome::Ok(0)
            }
        });
    }
}

#[test]
fn batches_are_all_or_nothing() {
    everywhere(|| {
        |cx: &FiberCx| {
            let ch = channel(cx, Some(3));
            let too_large = cx.block(|| ch.poll_send_batch(cx, &[1, 2, 3, 4], None));
            assert_eq!(too_large, Err(WaitError::TooLarge));
            assert_eq!(
                cx.block(|| ch.poll_send_batch(cx, &[1, 2], None)),
                Ok(false)
            );
            assert_eq!(cx.block(|| ch.poll_try_send_batch(cx, &[3, 4])), Ok(false));
            let other = ch.clone();
            let sender = spawn(cx, move |cx| {
                let waited = cx
                    .block(|| other.poll_send_batch(cx, &[3, 4], None))
                    .unwrap();
                Outcome::Ok(u64::from(waited))
            });
            until(cx, || ch.senders_waiting() == 1);
            assert_eq!(ch.len(), 2);
            assert_eq!(receive(cx, &ch), Ok(1));
            assert_eq!(sender.wait(cx), Ok(Outcome::Ok(1)));
            let got = cx.block(|| ch.poll_receive_batch(cx, 10, None)).unwrap();
            assert_eq!(got, [2, 3, 4]);
            assert_eq!(cx.block(|| ch.poll_try_receive_batch(cx)), []);
            assert_eq!(cx.block(|| ch.poll_try_receive(cx)), None);
            assert!(cx.block(|| ch.poll_try_send(cx, 9)));
            assert_eq!(cx.block(|| ch.poll_try_receive(cx)), Some(9));
            Outcome::Ok(0)
        }
    });
}

#[test]
fn select_takes_exactly_one() {
    everywhere(|| {
        |cx: &FiberCx| {
            let (a, b) = (channel(cx, Some(0)), channel(cx, Some(0)));
            let total = Arc::new(AtomicU64::new(0));
            let selectors: Vec<_> = (0..2)
                .map(|_| {
                    let (a, b, total) = (a.clone(), b.clone(), total.clone());
                    spawn(cx, move |cx| {
                        for _ in 0..50 {
                            let arms = [Arm::Receive(&a), Arm::Send(&b, 1)];
                            let options = SelectOptions::default();
                            match cx.block(|| poll_select(cx, &arms, options)).unwrap() {
                                (0, Selected::Value(v)) => total.fetch_add(v, Ordering::SeqCst),
                                (1, Selected::Sent(_)) => total.fetch_add(1000, Ordering::SeqCst),
                                other => panic!("{other:?}"),
                            };
                        }
                        Outcome::Ok(0)
                    })
                })
                .collect();
            let (mut sent, mut got) = (0, 0);
            for _ in 0..100 {
                let arms = [Arm::Send(&a, 1), Arm::Receive(&b)];
                let options = SelectOptions {
                    start: sent as usize,
                    ..Default::default()
                };
                match cx.block(|| poll_select(cx, &arms, options)).unwrap() {
                    (0, Selected::Sent(_)) => sent += 1,
                    (1, Selected::Value(1)) => got += 1,
                    other => panic!("{other:?}"),
                }
            }
            for s in &selectors {
                s.wait(cx).unwrap();
            }
            assert_eq!(total.load(Ordering::SeqCst), sent + 1000 * got);
            assert_eq!(sent + got, 100);
            Outcome::Ok(0)
        }
    });
}

#[test]
fn select_waits_for_time_and_tasks() {
    everywhere(|| {
        |cx: &FiberCx| {
            let ch = channel(cx, Some(1));
            let nothing_was_ready = Arc::new(AtomicU64::new(0));
            let go_on = nothing_was_ready.clone();
            let slow = spawn(cx, move |cx| {
                until(cx, || go_on.load(Ordering::SeqCst) == 1);
                Outcome::Ok(5)
            });
            let soon = cx.now() + 2_000_000;
            let arms = [Arm::Receive(&ch), Arm::Await(&slow), Arm::Until(soon)];
            let first = cx.block(|| poll_select(cx, &arms, SelectOptions::default()));
            assert_eq!(first, Ok((2, Selected::TimeUp)));
            let arms = [Arm::Receive(&ch), Arm::Await(&slow)];
            let or_else = SelectOptions {
                or_else: true,
                ..Default::default()
            };
            let second = cx.block(|| poll_select(cx, &arms, or_else));
            assert_eq!(second, Ok((2, Selected::NoneReady)));
            nothing_was_ready.store(1, Ordering::SeqCst);
            let third = cx.block(|| poll_select(cx, &arms, SelectOptions::default()));
            assert_eq!(third, Ok((1, Selected::Ended(Outcome::Ok(5)))));
            Outcome::Ok(0)
        }
    });
}

#[test]
fn cancelled_senders_and_receivers_leave_no_trace() {
    everywhere(|| {
        |cx: &FiberCx| {
            let ch = channel(cx, Some(0));
            for round in 0..20u64 {
                let (a, b) = (ch.clone(), ch.clone());
                let sender = spawn(cx, move |cx| match send(cx, &a, 1) {
                    Ok(_) => Outcome::Ok(1),
                    Err(_) => Outcome::Cancelled,
                });
                let receiver = spawn(cx, move |cx| match receive(cx, &b) {
                    Ok(_) => Outcome::Ok(1),
                    Err(_) => Outcome::Cancelled,
                });
                if round % 2 == 0 {
                    cx.yield_now().unwrap();
                }
                sender.cancel(cx);
                let sent = sender.wait(cx).unwrap();
                if sent == Outcome::Cancelled {
                    assert!(cx.block(|| ch.poll_try_receive(cx)).is_none());
                    receiver.cancel(cx);
                }
                assert_eq!(receiver.wait(cx).unwrap(), sent);
            }
            Outcome::Ok(0)
        }
    });
}

#[test]
fn scopes_end_after_everything_inside() {
    everywhere(|| {
        |cx: &FiberCx| {
            let count = Arc::new(AtomicU64::new(0));
            let scope = cx.enter_scope(0);
            let seen = count.clone();
            spawn(cx, move |cx| {
                let seen = seen.clone();
                spawn(cx, move |cx| {
                    cx.sleep(ms(5)).unwrap();
                    seen.fetch_add(1, Ordering::SeqCst);
                    Outcome::Ok(0)
                });
                Outcome::Ok(0)
            });
            let end = cx.block(|| cx.poll_exit_scope(&scope));
            assert_eq!(end.failure, None);
            assert_eq!(count.load(Ordering::SeqCst), 1);

            let scope = cx.enter_scope(0);
            let slow = spawn(cx, |cx| match cx.sleep(ms(NEVER)) {
                Ok(()) => Outcome::Ok(0),
                Err(_) => Outcome::Cancelled,
            });
            drop(spawn(cx, |_| Outcome::Failed(42)));
            // The body is told as well.
            assert_eq!(cx.sleep(ms(NEVER)), Err(WaitError::ScopeFailed));
            let end = cx.block(|| cx.poll_exit_scope(&scope));
            assert_eq!(end.failure, Some(42));
            assert_eq!(slow.peek(), Some(Outcome::Cancelled));
            cx.sleep(ms(1)).unwrap();
            Outcome::Ok(0)
        }
    });
}

fn join(
    cx: &FiberCx,
    strategy: Strategy,
    on_fail: OnFail,
    deadline: Option<u64>,
    branches: &[(u64, Outcome)],
) -> JoinResult {
    let group = JoinGroup::new(
        cx,
        JoinSpec {
            strategy,
            on_fail,
            max: 0,
        },
    );
    for &(delay, outcome) in branches {
        let branch = body(move |cx| match cx.sleep(ms(delay)) {
            Ok(()) => outcome,
            Err(_) => {
                // Unwinding takes time, too.
                cx.set_masked(true);
                cx.sleep(ms(3)).unwrap();
                cx.set_masked(false);
                Outcome::Cancelled
            }
        });
        group.add(cx, branch, &Default::default()).unwrap();
    }
    group.seal(cx);
    cx.block(|| group.poll_wait(cx, deadline)).unwrap()
}

#[test]
fn blocks_join_as_they_say() {
    everywhere(|| {
        |cx: &FiberCx| {
            use {Decision as D, OnFail as F, Outcome::*, Strategy as S};
            let quick = 2;
            let r = join(cx, S::All, F::FailFast, None, &[(quick, Ok(1)), (0, Ok(2))]);
            assert_eq!(r.decision, D::Complete);
            assert_eq!(r.outcomes, [Some(Ok(1)), Some(Ok(2))]);
            let r = join(
                cx,
                S::All,
                F::FailFast,
                None,
                &[(NEVER, Ok(1)), (quick, Failed(2))],
            );
            assert_eq!((r.decision, r.outcomes[0]), (D::Raise(1), None));
            let r = join(
                cx,
                S::All,
                F::Continue,
                None,
                &[(quick, Ok(1)), (0, Failed(2))],
            );
            assert_eq!((r.decision, r.outcomes[1]), (D::Complete, Some(Failed(2))));
            let t0 = cx.now();
            let r = join(
                cx,
                S::First,
                F::FailFast,
                None,
                &[(NEVER, Ok(1)), (quick, Ok(2))],
            );
            assert_eq!((r.decision, r.winners), (D::Won, vec![1]));
            if cx.is_virtual_time() {
                assert_eq!(cx.now() - t0, 5_000_000);
            }
            let r = join(
                cx,
                S::First,
                F::Continue,
                None,
                &[(NEVER, Ok(1)), (quick, Failed(2))],
            );
            assert_eq!((r.decision, r.winners), (D::Won, vec![1]));
            let r = join(
                cx,
                S::First,
                F::Ignore,
                None,
                &[(0, Failed(1)), (quick, Failed(2))],
            );
            assert_eq!(r.decision, D::Nothing);
            let branches = [(NEVER, Ok(1)), (6, Ok(2)), (0, Failed(3)), (quick, Ok(4))];
            let r = join(cx, S::Any(2), F::Tolerate, None, &branches);
            let mut winners = r.winners;
            if !cx.is_virtual_time() {
                // A late worker may find both due.
                winners.sort_by_key(|&branch| branch != 3);
            }
            assert_eq!((r.decision, winners), (D::Won, vec![3, 1]));
            let r = join(
                cx,
                S::Any(1),
                F::FailFast,
                None,
                &[(NEVER, Ok(1)), (0, Failed(2))],
            );
            assert_eq!(r.decision, D::Raise(1));
            let branches = [(NEVER, Ok(1)), (0, Failed(2)), (0, Failed(3))];
            let r = join(cx, S::Any(2), F::Tolerate, None, &branches);
            assert_eq!(r.decision, D::Impossible);
            let deadline = Some(cx.now() + 4_000_000);
            let r = join(
                cx,
                S::All,
                F::FailFast,
                deadline,
                &[(NEVER, Ok(1)), (0, Ok(2))],
            );
            let late = !cx.is_virtual_time() && r.outcomes[1].is_none();
            let second = (!late).then_some(Ok(2));
            assert_eq!((r.decision, r.outcomes), (D::TimedOut, vec![None, second]));
            let branches = [(NEVER, Ok(1)), (0, Ok(7)), (0, Ok(7))];
            let r = join(cx, S::Vote(None), F::Tolerate, None, &branches);
            assert_eq!(r.decision, D::Consensus(1));
            let r = join(cx, S::All, F::FailFast, None, &[]);
            assert_eq!((r.decision, r.outcomes), (D::Complete, vec![]));
            Outcome::Ok(0)
        }
    });
}

#[test]
fn at_most_so_many_branches_run() {
    everywhere(|| {
        |cx: &FiberCx| {
            let (running, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let spec = JoinSpec {
                strategy: Strategy::All,
                on_fail: OnFail::FailFast,
                max: 3,
            };
            let group = JoinGroup::new(cx, spec);
            for _ in 0..20 {
                let (running, most) = (running.clone(), most.clone());
                let branch = body(move |cx| {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    cx.yield_now().unwrap();
                    running.fetch_sub(1, Ordering::SeqCst);
                    Outcome::Ok(0)
                });
                group.add(cx, branch, &Default::default()).unwrap();
            }
            group.seal(cx);
            let r = cx.block(|| group.poll_wait(cx, None)).unwrap();
            assert_eq!(r.decision, Decision::Complete);
            assert!(most.load(Ordering::SeqCst) <= 3);
            Outcome::Ok(0)
        }
    });
}

#[test]
fn what_a_scope_starts_runs_on_its_executor() {
    everywhere(|| {
        |cx: &FiberCx| {
            let pool = cx.new_executor(1, "inside").unwrap();
            let name = |cx: &FiberCx| cx.pool().map(|p| p.name().to_owned());
            let scope = cx.enter_scope_on(0, Some(pool.clone()));
            let inner = cx.enter_scope(0);
            let task = spawn(cx, move |cx| {
                let named = |cx: &FiberCx| cx.fiber().pool().name() == "inside";
                let nested = spawn(cx, move |cx| Outcome::Ok(u64::from(named(cx))));
                assert_eq!(nested.wait(cx), Ok(Outcome::Ok(1)));
                Outcome::Ok(u64::from(named(cx)))
            });
            assert_eq!(task.wait(cx), Ok(Outcome::Ok(1)));
            assert_ne!(name(cx).as_deref(), Some("inside"));
            cx.block(|| cx.poll_shutdown(&pool)).unwrap();
            let refused = cx.spawn(body(|_| Outcome::Ok(0)), Default::default());
            assert_eq!(refused.err(), Some(crate::SpawnError::ExecutorShutDown));
            for scope in [inner, scope] {
                assert_eq!(cx.block(|| cx.poll_exit_scope(&scope)).failure, None);
            }
            let after = spawn(cx, |_| Outcome::Ok(0));
            assert_eq!(after.wait(cx), Ok(Outcome::Ok(0)));
            Outcome::Ok(0)
        }
    });
}

#[test]
fn ties_at_one_instant_go_by_source_order() {
    everywhere(|| {
        |cx: &FiberCx| {
            if !cx.is_virtual_time() {
                return Outcome::Ok(0);
            }
            for round in 0..20 {
                let spec = JoinSpec {
                    strategy: Strategy::First,
                    on_fail: OnFail::FailFast,
                    max: 0,
                };
                let group = JoinGroup::new(cx, spec);
                let slow = body(move |cx| {
                    // The same instant, by more steps.
                    let inner = spawn(cx, move |cx| {
                        cx.sleep(ms(round % 3)).unwrap();
                        Outcome::Ok(1)
                    });
                    for _ in 0..round {
                        cx.yield_now().unwrap();
                    }
                    inner.wait(cx).unwrap_or(Outcome::Cancelled)
                });
                group.add(cx, slow, &Default::default()).unwrap();
                for _ in 0..3 {
                    let quick = body(move |cx| match cx.sleep(ms(round % 3)) {
                        Ok(()) => Outcome::Ok(2),
                        Err(_) => Outcome::Cancelled,
                    });
                    group.add(cx, quick, &Default::default()).unwrap();
                }
                group.seal(cx);
                let r = cx.block(|| group.poll_wait(cx, None)).unwrap();
                assert_eq!(r.winners, [0]);
                assert_eq!(r.outcomes, [Some(Outcome::Ok(1)), None, None, None]);
            }
            Outcome::Ok(0)
        }
    });
}
