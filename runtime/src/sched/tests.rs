//! Tests of what the scheduler owes a whole program: reports, digests, fairness, depth.

use crate::sched::policy::random::RandomWalk;
use crate::sync::mutex::RawMutex;
use crate::sync::typed::Channel;
use crate::task::tests::{body, spawn};
use crate::{
    Body, Config, DeadlockReport, FiberCx, Hooks, Interrupt, Mode, Outcome, Runtime, Safepoint,
    SpawnInfo, SpawnOptions, Step, TaskInfo, WaitError, WaitReason,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

#[derive(Default)]
struct Notes {
    detached: Mutex<Vec<(String, u64)>>,
}

impl Hooks for Notes {
    fn detached_failure(&self, task: &TaskInfo, failure: u64) {
        self.detached
            .lock()
            .unwrap()
            .push((task.path.clone(), failure));
    }
}

fn configs() -> Vec<Config> {
    let parallel = |workers| Config {
        workers,
        detect_deadlock: true,
        ..Config::default()
    };
    vec![parallel(1), parallel(2), Config::fifo(0)]
}

#[test]
fn a_cycle_of_locks_is_reported_and_main_is_told() {
    for config in configs() {
        let runtime = Runtime::new(config).unwrap();
        let main = body(|cx| {
            let a = Arc::new(RawMutex::new(cx.new_object_id()));
            let b = Arc::new(RawMutex::new(cx.new_object_id()));
            let holders = Arc::new(AtomicU64::new(0));
            let tasks = [(a.clone(), b.clone()), (b, a)].map(|(first, second)| {
                let holders = holders.clone();
                spawn(cx, move |cx| {
                    cx.block(|| first.poll_lock(cx, None)).unwrap();
                    holders.fetch_add(1, Ordering::SeqCst);
                    while holders.load(Ordering::SeqCst) < 2 {
                        cx.yield_now().unwrap();
                    }
                    match cx.block(|| second.poll_lock(cx, None)) {
                        Ok(()) => Outcome::Ok(0),
                        Err(_) => Outcome::Cancelled,
                    }
                })
            });
            match tasks[0].wait(cx) {
                Err(WaitError::Deadlock) => Outcome::Failed(7),
                other => panic!("{other:?}"),
            }
        });
        let report = runtime.run(main, SpawnInfo::default());
        assert_eq!(report.outcome, Outcome::Failed(7));
        let deadlock: DeadlockReport = report.deadlock.unwrap();
        let paths: Vec<_> = deadlock
            .fibers
            .iter()
            .map(|f| (&*f.path, f.reason))
            .collect();
        let expected = [
            ("main", WaitReason::Await),
            ("main.1", WaitReason::Mutex),
            ("main.2", WaitReason::Mutex),
        ];
        assert_eq!(paths, expected);
        assert_eq!(deadlock.cycle.len(), 2);
    }
}

#[test]
fn failures_nobody_sees_are_told_once() {
    for mut config in configs() {
        let notes = Arc::new(Notes::default());
        config.hooks = notes.clone();
        let runtime = Runtime::new(config).unwrap();
        let main = body(|cx| {
            drop(spawn(cx, |_| Outcome::Failed(1)));
            let seen = spawn(cx, |_| Outcome::Failed(2));
            assert_eq!(seen.wait(cx), Ok(Outcome::Failed(2)));
            let cancelled = spawn(cx, |cx| {
                cx.sleep(Duration::from_secs(1_000_000)).unwrap_err();
                Outcome::Cancelled
            });
            cancelled.cancel(cx);
            Outcome::Ok(0)
        });
        let report = runtime.run(main, SpawnInfo::default());
        assert_eq!(
            (report.outcome, report.detached_failures),
            (Outcome::Ok(0), 1)
        );
        assert_eq!(*notes.detached.lock().unwrap(), [("main.1".to_owned(), 1)]);
    }
}

/// Some of everything.
fn medley(cx: &FiberCx) -> Outcome {
    let channel = Channel::bounded(cx, 2);
    let mutex = Arc::new(RawMutex::new(cx.new_object_id()));
    let tasks: Vec<_> = (0..4u64)
        .map(|i| {
            let (channel, mutex) = (channel.clone(), mutex.clone());
            spawn(cx, move |cx| {
                for k in 0..5u64 {
                    cx.block(|| mutex.poll_lock(cx, None)).unwrap();
                    channel.send(cx, i * 10 + k).unwrap();
                    cx.block(|| mutex.poll_unlock(cx)).unwrap();
                    cx.sleep(Duration::from_millis(i)).unwrap();
                }
                Outcome::Ok(0)
            })
        })
        .collect();
    let mut digest = 0u64;
    for _ in 0..20 {
        digest = digest
            .wrapping_mul(31)
            .wrapping_add(channel.receive(cx).unwrap());
    }
    for task in tasks {
        task.wait(cx).unwrap();
    }
    Outcome::Ok(digest)
}

#[test]
fn equal_decisions_give_equal_runs() {
    let run = |policy: Option<u64>| {
        let mut config = Config::fifo(0);
        if let Some(seed) = policy {
            config.mode = Mode::Deterministic(Box::new(RandomWalk::new(seed)));
        }
        let runtime = Runtime::new(config).unwrap();
        let report = runtime.run(body(medley), SpawnInfo::default());
        (report.outcome, report.trace_hash.unwrap(), report.now)
    };
    assert_eq!(run(None), run(None));
    let mut hashes: Vec<u64> = Vec::new();
    for seed in 0..20 {
        let (first, second) = (run(Some(seed)), run(Some(seed)));
        assert_eq!(first, second);
        hashes.push(first.1);
    }
    hashes.sort_unstable();
    hashes.dedup();
    assert!(hashes.len() > 10, "random walks differ");
}

#[derive(Default)]
struct Spin {
    yielding: bool,
    /// Times it has been given the worker.
    turns: Arc<AtomicU64>,
}

impl Body for Spin {
    fn resume(&mut self, cx: &FiberCx) -> Step {
        self.turns.fetch_add(1, Ordering::SeqCst);
        if std::mem::take(&mut self.yielding) {
            let _ = cx.poll_yield();
        }
        loop {
            match cx.poll() {
                Safepoint::Continue => {}
                Safepoint::Stop(_) => return Step::Done(Outcome::Cancelled),
                Safepoint::Yield => {
                    if cx.poll_yield().is_pending() {
                        self.yielding = true;
                        return Step::Parked;
                    }
                }
            }
        }
    }
}

#[test]
fn a_spinning_fiber_starves_nobody_and_can_be_cancelled() {
    for workers in [1, 2] {
        let runtime = Runtime::new(Config {
            workers,
            ..Config::default()
        })
        .unwrap();
        let main = body(|cx| {
            let spinners: Vec<_> = (0..2)
                .map(|_| {
                    cx.spawn(Box::new(Spin::default()), Default::default())
                        .unwrap()
                })
                .collect();
            for _ in 0..3 {
                cx.sleep(Duration::from_millis(2)).unwrap();
            }
            for spinner in spinners {
                spinner.cancel(cx);
                assert_eq!(spinner.wait(cx), Ok(Outcome::Cancelled));
            }
            Outcome::Ok(0)
        });
        assert_eq!(
            runtime.run(main, SpawnInfo::default()).outcome,
            Outcome::Ok(0)
        );
    }
}

/// A time slice ends at the first poll after the monitor has asked, and whoever has fallen due by
/// then goes before the spinners: none of them gets two whole slices while another fiber is due.
#[test]
fn spinning_fibers_delay_another_by_a_slice_each() {
    const SPINNERS: usize = 3;
    for workers in [1, 2] {
        let config = Config {
            workers,
            clock: crate::ClockKind::Real,
            ..Config::default()
        };
        let main = body(move |cx| {
            let turns: Vec<_> = (0..SPINNERS).map(|_| Arc::new(AtomicU64::new(0))).collect();
            let spinners: Vec<_> = turns
                .iter()
                .map(|turns| {
                    let turns = turns.clone();
                    let spin = Spin {
                        yielding: false,
                        turns,
                    };
                    cx.spawn(Box::new(spin), Default::default()).unwrap()
                })
                .collect();
            let mut most = 0;
            for _ in 0..10 {
                let before: Vec<_> = turns.iter().map(|t| t.load(Ordering::SeqCst)).collect();
                cx.sleep(Duration::from_millis(1)).unwrap();
                for (turns, before) in turns.iter().zip(before) {
                    most = most.max(turns.load(Ordering::SeqCst) - before);
                }
            }
            for spinner in spinners {
                spinner.cancel(cx);
                assert_eq!(spinner.wait(cx), Ok(Outcome::Cancelled));
            }
            Outcome::Ok(most)
        });
        let report = Runtime::new(config)
            .unwrap()
            .run(main, SpawnInfo::default());
        match report.outcome {
            Outcome::Ok(most) => assert!(most <= 2, "{most} turns on {workers} workers"),
            other => panic!("{other:?}"),
        }
    }
}

/// Both workers have a task that may not leave them and never waits.
#[test]
fn tasks_that_must_run_where_they_are_starve_nobody() {
    let runtime = Runtime::new(Config {
        workers: 2,
        ..Config::default()
    })
    .unwrap();
    let elsewhere = || SpawnOptions {
        elsewhere: true,
        ..Default::default()
    };
    let main = body(move |cx| {
        let spin = || Box::new(Spin::default());
        let there = cx.spawn(spin(), elsewhere()).unwrap();
        let here = Arc::new(Mutex::new(None));
        let found = here.clone();
        // It runs there too, so that elsewhere is here.
        let between = body(move |cx| {
            *found.lock().unwrap() = Some(cx.spawn(spin(), elsewhere()).unwrap());
            Outcome::Ok(0)
        });
        let between = cx.spawn(between, elsewhere()).unwrap();
        assert_eq!(between.wait(cx), Ok(Outcome::Ok(0)));
        for _ in 0..3 {
            cx.sleep(Duration::from_millis(2)).unwrap();
        }
        let here = here.lock().unwrap().take().unwrap();
        for spinner in [there, here] {
            spinner.cancel(cx);
            assert_eq!(spinner.wait(cx), Ok(Outcome::Cancelled));
        }
        Outcome::Ok(0)
    });
    let report = runtime.run(main, SpawnInfo::default());
    assert_eq!(report.outcome, Outcome::Ok(0));
}

#[test]
fn an_interrupt_cancels_everything_and_insists_the_second_time() {
    for config in configs() {
        let mut config = config;
        config.clock = crate::ClockKind::Real;
        let runtime = Arc::new(Runtime::new(config).unwrap());
        let other = runtime.clone();
        let ended = Arc::new(AtomicU64::new(0));
        let seen = ended.clone();
        let started = Arc::new(AtomicU64::new(0));
        let running = started.clone();
        let main = body(move |cx| {
            let seen2 = seen.clone();
            drop(spawn(cx, move |cx| {
                running.store(1, Ordering::SeqCst);
                cx.sleep(Duration::from_secs(1_000_000)).unwrap_err();
                seen2.fetch_add(1, Ordering::SeqCst);
                Outcome::Cancelled
            }));
            cx.sleep(Duration::from_secs(1_000_000)).unwrap_err();
            seen.fetch_add(1, Ordering::SeqCst);
            Outcome::Cancelled
        });
        let thread = std::thread::spawn(move || {
            while started.load(Ordering::SeqCst) == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis(5));
            assert_eq!(other.interrupt(), Interrupt::Cancelling);
            assert_eq!(other.interrupt(), Interrupt::Insisted);
        });
        let report = runtime.run(main, SpawnInfo::default());
        assert_eq!(report.outcome, Outcome::Cancelled);
        assert_eq!(ended.load(Ordering::SeqCst), 2);
        thread.join().unwrap();
    }
}

#[test]
fn the_monitor_is_there_again_after_a_long_sleep() {
    for workers in [1, 2] {
        let runtime = Runtime::new(Config {
            workers,
            clock: crate::ClockKind::Real,
            ..Config::default()
        })
        .unwrap();
        let main = body(move |cx| {
            for _ in 0..10 {
                // Long enough that all sleep, the monitor as well.
                cx.sleep(Duration::from_millis(20)).unwrap();
                let spinners: Vec<_> = (0..=workers)
                    .map(|_| {
                        cx.spawn(Box::new(Spin::default()), Default::default())
                            .unwrap()
                    })
                    .collect();
                // Only a monitor that is awake makes a spinner give way.
                cx.sleep(Duration::from_millis(5)).unwrap();
                for spinner in &spinners {
                    spinner.cancel(cx);
                }
                for spinner in spinners {
                    assert_eq!(spinner.wait(cx), Ok(Outcome::Cancelled));
                }
            }
            Outcome::Ok(0)
        });
        let report = runtime.run(main, SpawnInfo::default());
        assert_eq!(report.outcome, Outcome::Ok(0));
    }
}

#[test]
fn nobody_wakes_up_while_all_sleep() {
    for workers in [1, 2] {
        let config = Config {
            workers,
            clock: crate::ClockKind::Real,
            ..Config::default()
        };
        let runtime = Arc::new(Runtime::new(config).unwrap());
        let other = runtime.clone();
        let main = body(|cx| {
            cx.sleep(Duration::from_secs(1000)).unwrap_err();
            Outcome::Cancelled
        });
        let watcher = std::thread::spawn(move || {
            let asleep = |s: &crate::Stats| s.worker_sleeps == s.worker_wakes + workers as u64;
            let mut before = other.stats();
            loop {
                std::thread::sleep(Duration::from_millis(50));
                let now = other.stats();
                if now.parks > 0 && asleep(&now) && now == before {
                    break;
                }
                before = now;
            }
            std::thread::sleep(Duration::from_millis(500));
            let after = other.stats();
            assert_eq!(other.interrupt(), Interrupt::Cancelling);
            (before, after)
        });
        let report = runtime.run(main, SpawnInfo::default());
        assert_eq!(report.outcome, Outcome::Cancelled);
        let (before, after) = watcher.join().unwrap();
        assert_eq!(before.worker_wakes, after.worker_wakes);
        // One look may have been due when the last worker went to sleep.
        let looks = after.monitor_looks - before.monitor_looks;
        assert!(looks <= 1, "{looks} looks while all slept");
    }
}

/// It wakes up for a timer and now and then on the way there, not again and again.
#[test]
fn who_waits_for_a_timer_sleeps() {
    for workers in [1, 2] {
        let config = Config {
            workers,
            clock: crate::ClockKind::Real,
            ..Config::default()
        };
        let runtime = Runtime::new(config).unwrap();
        let slept = runtime.block_on(|cx| {
            (0..10).for_each(|_| cx.sleep(Duration::from_millis(30)).unwrap());
        });
        slept.unwrap();
        let sleeps = runtime.stats().worker_sleeps;
        assert!(sleeps < 150, "{sleeps} sleeps of {workers} workers");
    }
}

/// Awaits a child that awaits a child …, without a stack.
struct Deep {
    left: u32,
    child: Option<crate::FutureRef>,
}

impl Body for Deep {
    fn resume(&mut self, cx: &FiberCx) -> Step {
        if self.left == 0 {
            return Step::Done(Outcome::Ok(0));
        }
        let child = self.child.get_or_insert_with(|| {
            let deeper = Deep {
                left: self.left - 1,
                child: None,
            };
            cx.spawn(Box::new(deeper), Default::default()).unwrap()
        });
        match child.poll_await(cx, None) {
            Poll::Pending => Step::Parked,
            Poll::Ready(Ok(Outcome::Ok(depth))) => Step::Done(Outcome::Ok(depth + 1)),
            Poll::Ready(_) => Step::Done(Outcome::Cancelled),
        }
    }
}

#[test]
fn awaits_nest_a_hundred_thousand_deep() {
    for config in configs() {
        let runtime = Runtime::new(config).unwrap();
        let deep = Box::new(Deep {
            left: 100_000,
            child: None,
        });
        let report = runtime.run(deep, SpawnInfo::default());
        assert_eq!(report.outcome, Outcome::Ok(100_000));
    }
}

#[test]
fn panics_are_failures_and_the_runtime_goes_on() {
    let runtime = Runtime::new(Config {
        workers: 2,
        ..Config::default()
    })
    .unwrap();
    let result = runtime.block_on(|cx| {
        let bad = cx.spawn_fn(|_| -> u32 { std::panic::resume_unwind(Box::new("oh")) });
        let good = cx.spawn_fn(|_| 5);
        assert!(matches!(
            bad.join(cx),
            Err(crate::task::typed::JoinError::Panicked(_))
        ));
        good.join(cx).unwrap()
    });
    assert_eq!(result.unwrap(), 5);
    assert_eq!(runtime.block_on(|_| 6).unwrap(), 6);
}

#[test]
fn ten_thousand_stacks_come_and_go() {
    let runtime = Runtime::new(Config {
        workers: 2,
        ..Config::default()
    })
    .unwrap();
    let total = runtime.block_on(|cx| {
        let gate = Channel::<()>::unbounded(cx);
        let tasks: Vec<_> = (0..10_000u64)
            .map(|i| {
                let gate = gate.clone();
                cx.spawn_fn(move |cx| {
                    let _ = gate.receive(cx);
                    i
                })
            })
            .collect();
        cx.sleep(Duration::from_millis(20)).unwrap();
        gate.close(cx);
        tasks.into_iter().map(|t| t.join(cx).unwrap()).sum::<u64>()
    });
    assert_eq!(total.unwrap(), 10_000 * 9_999 / 2);
    assert!(runtime.stats().peak_stacks <= 10_001);
}

/// Starts its successor and ends.
struct Relay {
    left: u32,
    done: Arc<AtomicU64>,
}

impl Body for Relay {
    fn resume(&mut self, cx: &FiberCx) -> Step {
        if self.left > 0 {
            let next = Relay {
                left: self.left - 1,
                done: self.done.clone(),
            };
            drop(cx.spawn(Box::new(next), Default::default()).unwrap());
        } else {
            self.done.store(cx.path().len() as u64, Ordering::SeqCst);
        }
        Step::Done(Outcome::Ok(0))
    }
}

#[test]
fn a_chain_of_successors_does_not_grow() {
    for workers in [1, 2] {
        let done = Arc::new(AtomicU64::new(0));
        let runtime = Runtime::new(Config {
            workers,
            ..Config::default()
        })
        .unwrap();
        let first = Box::new(Relay {
            left: 50_000,
            done: done.clone(),
        });
        assert_eq!(
            runtime.run(first, SpawnInfo::default()).outcome,
            Outcome::Ok(0)
        );
        let path = done.load(Ordering::SeqCst);
        assert!((5..1000).contains(&path), "{path}");
    }
}

/// Uses the stack down to its limit, and says how much that was.
fn dig(cx: &FiberCx, top: usize) -> usize {
    let here = [0u8; 256];
    let at = std::hint::black_box(&here).as_ptr() as usize;
    if at - 512 < cx.stack_limit() {
        top - at
    } else {
        dig(cx, top).max(top - at)
    }
}

#[test]
fn stacks_can_be_used_down_to_their_limit() {
    let config = Config {
        workers: 1,
        stack_size: 128 << 10,
        ..Config::default()
    };
    let runtime = Runtime::new(config).unwrap();
    let used = runtime.block_on(|cx| {
        let here = 0u8;
        let top = &raw const here as usize;
        (dig(cx, top), cx.on_worker_stack(|| 5))
    });
    let (used, five) = used.unwrap();
    assert!((100 << 10..128 << 10).contains(&used), "{used}");
    assert_eq!(five, 5);
}
