//! Tests of spawning, awaiting, cancelling: every one in parallel and deterministic modes.

use crate::task::future::FutureRef;
use crate::{Body, ClockKind, Config, FiberCx, Outcome, Runtime, SpawnInfo, Step};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A body with a stack, from a closure.
pub(crate) struct Stackful<F>(pub(crate) Option<F>);

impl<F: FnOnce(&FiberCx) -> Outcome + Send> Body for Stackful<F> {
    fn resume(&mut self, cx: &FiberCx) -> Step {
        Step::Done(self.0.take().map_or(Outcome::Cancelled, |f| f(cx)))
    }
    fn needs_stack(&self) -> bool {
        true
    }
}

pub(crate) fn body(f: impl FnOnce(&FiberCx) -> Outcome + Send + 'static) -> Box<dyn Body> {
    Box::new(Stackful(Some(f)))
}

pub(crate) fn spawn(
    cx: &FiberCx,
    f: impl FnOnce(&FiberCx) -> Outcome + Send + 'static,
) -> FutureRef {
    cx.spawn(body(f), Default::default()).unwrap()
}

/// Lets the others go on until `holds`: no time is long enough for that on every machine.
pub(crate) fn until(cx: &FiberCx, holds: impl Fn() -> bool) {
    while !holds() {
        cx.sleep(Duration::from_millis(1)).unwrap();
    }
}

/// Runs a program on 1, 2 and 8 workers, on both clocks, and deterministically.
pub(crate) fn everywhere<F>(program: impl Fn() -> F)
where
    F: FnOnce(&FiberCx) -> Outcome + Send + 'static,
{
    for workers in [1, 2, 8] {
        for clock in [ClockKind::Real, ClockKind::Virtual] {
            let config = Config {
                workers,
                clock,
                detect_deadlock: true,
                ..Config::default()
            };
            run_one(config, program());
        }
    }
    run_one(Config::fifo(0), program());
    for seed in 0..8 {
        let policy = Box::new(crate::sched::policy::random::RandomWalk::new(seed));
        let mode = crate::Mode::Deterministic(policy);
        run_one(
            Config {
                mode,
                ..Config::fifo(0)
            },
            program(),
        );
    }
}

fn run_one(config: Config, f: impl FnOnce(&FiberCx) -> Outcome + Send + 'static) {
    let runtime = Runtime::new(config).unwrap();
    let report = runtime.run(body(f), SpawnInfo::default());
    assert_eq!(report.deadlock, None);
    assert_eq!(report.outcome, Outcome::Ok(0));
}

#[test]
fn awaits_children_in_any_order() {
    everywhere(|| {
        |cx: &FiberCx| {
            let children: Vec<_> = (0..100u64)
                .map(|i| spawn(cx, move |_| Outcome::Ok(i * i)))
                .collect();
            for (i, child) in children.iter().enumerate().rev() {
                assert_eq!(child.wait(cx), Ok(Outcome::Ok((i * i) as u64)));
                assert_eq!(child.wait(cx), Ok(Outcome::Ok((i * i) as u64)));
            }
            Outcome::Ok(0)
        }
    });
}

fn fib(cx: &FiberCx, n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let left = spawn(cx, move |cx| Outcome::Ok(fib(cx, n - 1)));
    let right = fib(cx, n - 2);
    match left.wait(cx) {
        Ok(Outcome::Ok(left)) => left + right,
        other => panic!("{other:?}"),
    }
}

#[test]
fn forks_and_joins() {
    everywhere(|| {
        |cx: &FiberCx| {
            assert_eq!(fib(cx, 12), 144);
            Outcome::Ok(0)
        }
    });
}

#[test]
fn sleeps_add_up_and_overlap() {
    everywhere(|| {
        |cx: &FiberCx| {
            let t0 = cx.now();
            let child = spawn(cx, |cx| {
                cx.sleep(Duration::from_millis(20)).unwrap();
                Outcome::Ok(0)
            });
            cx.sleep(Duration::from_millis(8)).unwrap();
            child.wait(cx).unwrap();
            let took = cx.now() - t0;
            if cx.is_virtual_time() {
                assert_eq!(took, 20_000_000);
            } else {
                assert!(took >= 20_000_000, "{took}");
            }
            Outcome::Ok(0)
        }
    });
}

#[test]
fn cancel_reaches_what_the_task_owns() {
    everywhere(|| {
        |cx: &FiberCx| {
            let begun = Arc::new(AtomicU64::new(0));
            let ended = Arc::new(AtomicU64::new(0));
            let (begun2, ended2) = (begun.clone(), ended.clone());
            let for_ever = move |cx: &FiberCx| {
                begun2.fetch_add(1, Ordering::SeqCst);
                assert!(cx.sleep(Duration::from_secs(1_000_000)).is_err());
                ended2.fetch_add(1, Ordering::SeqCst);
                Outcome::Cancelled
            };
            let task = spawn(cx, move |cx| {
                for _ in 0..3 {
                    spawn(cx, for_ever.clone());
                }
                for_ever(cx)
            });
            until(cx, || begun.load(Ordering::SeqCst) == 4);
            task.cancel(cx);
            assert_eq!(task.wait(cx), Ok(Outcome::Cancelled));
            until(cx, || ended.load(Ordering::SeqCst) == 4);
            Outcome::Ok(0)
        }
    });
}

#[test]
fn a_deadline_gives_up_the_await_only() {
    everywhere(|| {
        |cx: &FiberCx| {
            let given_up = Arc::new(AtomicU64::new(0));
            let given_up2 = given_up.clone();
            let child = spawn(cx, move |cx| {
                until(cx, || given_up2.load(Ordering::SeqCst) == 1);
                Outcome::Ok(7)
            });
            let deadline = Some(cx.now() + 2_000_000);
            let first = cx.block(|| child.poll_await(cx, deadline));
            assert_eq!(first, Err(crate::WaitError::Timeout));
            given_up.store(1, Ordering::SeqCst);
            assert_eq!(child.wait(cx), Ok(Outcome::Ok(7)));
            Outcome::Ok(0)
        }
    });
}
