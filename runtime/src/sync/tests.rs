//! Tests of locks and counters, on every scheduler.

use crate::sync::broadcast::RawBroadcast;
use crate::sync::channel::{OnFull, RawChannel};
use crate::sync::counters::*;
use crate::sync::mutex::{RawCondvar, RawMutex};
use crate::sync::rw_lock::{RawRwLock, RwSide};
use crate::sync::select::{Arm, SelectOptions, Selected, Source, poll_select};
use crate::sync::station::UnlockError;
use crate::task::tests::{body, everywhere, spawn, until};
use crate::{FiberCx, Outcome, PayloadVTable, SpawnError, SpawnOptions, WaitError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Starts so many tasks and waits for all.
fn crowd(cx: &FiberCx, n: u64, f: impl Fn(&FiberCx, u64) + Send + Sync + 'static) {
    let f = Arc::new(f);
    let tasks: Vec<_> = (0..n)
        .map(|i| {
            let f = f.clone();
            spawn(cx, move |cx| {
                f(cx, i);
                Outcome::Ok(0)
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.wait(cx), Ok(Outcome::Ok(0)));
    }
}

#[test]
fn one_at_a_time_under_a_mutex() {
    everywhere(|| {
        |cx: &FiberCx| {
            let m = Arc::new(RawMutex::new(cx.new_object_id()));
            let inside = Arc::new(AtomicU64::new(0));
            let (m2, inside2) = (m.clone(), inside.clone());
            crowd(cx, 5, move |cx, _| {
                for _ in 0..20 {
                    cx.block(|| m2.poll_lock(cx, None)).unwrap();
                    assert_eq!(inside2.fetch_add(1, Ordering::SeqCst), 0);
                    cx.yield_now().unwrap();
                    inside2.fetch_sub(1, Ordering::SeqCst);
                    cx.block(|| m2.poll_unlock(cx)).unwrap();
                }
            });
            assert_eq!(cx.block(|| m.poll_unlock(cx)), Err(UnlockError::NotLocked));
            Outcome::Ok(0)
        }
    });
}

#[test]
fn a_mutex_held_across_a_sleep_takes_turns() {
    everywhere(|| {
        |cx: &FiberCx| {
            let m = Arc::new(RawMutex::new(cx.new_object_id()));
            let t0 = cx.now();
            crowd(cx, 3, move |cx, _| {
                cx.block(|| m.poll_lock(cx, None)).unwrap();
                cx.sleep(ms(2)).unwrap();
                cx.block(|| m.poll_unlock(cx)).unwrap();
            });
            if cx.is_virtual_time() {
                assert_eq!(cx.now() - t0, 6_000_000);
            }
            Outcome::Ok(0)
        }
    });
}

#[test]
fn writers_come_first() {
    everywhere(|| {
        |cx: &FiberCx| {
            let l = Arc::new(RawRwLock::new(cx.new_object_id()));
            let value = Arc::new(AtomicU64::new(0));
            let (l2, value2) = (l.clone(), value.clone());
            crowd(cx, 6, move |cx, i| {
                for _ in 0..10 {
                    if i % 3 == 0 {
                        cx.block(|| l2.poll_write_lock(cx, None)).unwrap();
                        value2.fetch_add(1, Ordering::SeqCst);
                        cx.yield_now().unwrap();
                        value2.fetch_add(1, Ordering::SeqCst);
                        cx.block(|| l2.poll_write_unlock(cx)).unwrap();
                    } else {
                        cx.block(|| l2.poll_read_lock(cx, None)).unwrap();
                        assert_eq!(value2.load(Ordering::SeqCst) % 2, 0);
                        cx.block(|| l2.poll_read_unlock(cx)).unwrap();
                    }
                }
            });
            assert_eq!(value.load(Ordering::SeqCst), 40);
            // A writer that gives up lets the readers behind it in.
            cx.block(|| l.poll_read_lock(cx, None)).unwrap();
            let (lw, lr) = (l.clone(), l.clone());
            let writer = spawn(cx, move |cx| {
                let r = cx.block(|| lw.poll_write_lock(cx, Some(cx.now() + 2_000_000)));
                assert_eq!(r, Err(WaitError::Timeout));
                Outcome::Ok(0)
            });
            cx.sleep(ms(1)).unwrap();
            let reader = spawn(cx, move |cx| {
                cx.block(|| lr.poll_read_lock(cx, None)).unwrap();
                Outcome::Ok(0)
            });
            assert_eq!(writer.wait(cx), Ok(Outcome::Ok(0)));
            assert_eq!(reader.wait(cx), Ok(Outcome::Ok(0)));
            Outcome::Ok(0)
        }
    });
}

#[test]
fn conditions_wake_and_lock_again() {
    everywhere(|| {
        |cx: &FiberCx| {
            let m = Arc::new(RawMutex::new(cx.new_object_id()));
            let c = Arc::new(RawCondvar::new(cx.new_object_id()));
            let ready = Arc::new(AtomicU64::new(0));
            let (m2, c2, ready2) = (m.clone(), c.clone(), ready.clone());
            let waiter = spawn(cx, move |cx| {
                cx.block(|| m2.poll_lock(cx, None)).unwrap();
                while ready2.load(Ordering::SeqCst) == 0 {
                    cx.block(|| c2.poll_wait(cx, &m2, None)).unwrap().unwrap();
                }
                cx.block(|| m2.poll_unlock(cx)).unwrap();
                Outcome::Ok(0)
            });
            cx.sleep(ms(1)).unwrap();
            cx.block(|| m.poll_lock(cx, None)).unwrap();
            ready.store(1, Ordering::SeqCst);
            cx.block(|| c.poll_notify_one(cx));
            cx.block(|| m.poll_unlock(cx)).unwrap();
            assert_eq!(waiter.wait(cx), Ok(Outcome::Ok(0)));
            cx.block(|| m.poll_lock(cx, None)).unwrap();
            let deadline = Some(cx.now() + 1_000_000);
            let r = cx.block(|| c.poll_wait(cx, &m, deadline));
            assert_eq!(r, Ok(Err(WaitError::Timeout)));
            assert_eq!(m.holder(), cx.id());
            Outcome::Ok(0)
        }
    });
}

#[test]
fn counters_count() {
    everywhere(|| {
        |cx: &FiberCx| {
            let s = Arc::new(RawSemaphore::new(cx.new_object_id(), 2));
            let b = Arc::new(RawBarrier::new(cx.new_object_id(), 4));
            let w = Arc::new(RawWaitGroup::new(cx.new_object_id()));
            let o = Arc::new(RawOnce::new(cx.new_object_id()));
            let inside = Arc::new(AtomicU64::new(0));
            let leaders = Arc::new(AtomicU64::new(0));
            let runs = Arc::new(AtomicU64::new(0));
            assert!(cx.block(|| w.poll_add(cx, 4)));
            let (w2, leaders2, runs2) = (w.clone(), leaders.clone(), runs.clone());
            crowd(cx, 4, move |cx, _| {
                if cx.block(|| o.poll_begin(cx)).unwrap() == OnceStep::Run {
                    let first = runs2.fetch_add(1, Ordering::SeqCst) == 0;
                    cx.yield_now().unwrap();
                    // The first run fails, so a second one must succeed.
                    cx.block(|| o.poll_finish(cx, !first));
                }
                cx.block(|| s.poll_acquire(cx, None)).unwrap();
                assert!(inside.fetch_add(1, Ordering::SeqCst) < 2);
                cx.yield_now().unwrap();
                inside.fetch_sub(1, Ordering::SeqCst);
                cx.block(|| s.poll_release(cx));
                for _ in 0..3 {
                    if cx.block(|| b.poll_wait(cx, None)).unwrap() {
                        leaders2.fetch_add(1, Ordering::SeqCst);
                    }
                }
                assert!(cx.block(|| w2.poll_add(cx, -1)));
            });
            cx.block(|| w.poll_wait(cx, None)).unwrap();
            assert!(!cx.block(|| w.poll_add(cx, -1)));
            assert_eq!(leaders.load(Ordering::SeqCst), 3);
            assert!(runs.load(Ordering::SeqCst) <= 2);
            let a = RawAtomic::new(cx.new_object_id(), i64::MAX);
            assert_eq!(cx.block(|| a.poll_add(cx, 1)), Ok(None));
            assert_eq!(cx.block(|| a.poll_swap(cx, 5)), Ok(i64::MAX));
            assert_eq!(cx.block(|| a.poll_compare_exchange(cx, 5, 6)), Ok(true));
            assert_eq!(cx.block(|| a.poll_get(cx)), Ok(6));
            Outcome::Ok(0)
        }
    });
}

#[test]
fn subscribers_see_everything_in_order() {
    everywhere(|| {
        |cx: &FiberCx| {
            let plain = PayloadVTable::PLAIN;
            let b = Arc::new(RawBroadcast::new(cx.new_object_id(), 2, plain));
            let subscribers: Vec<_> = (0..3)
                .map(|_| {
                    let s = b.subscribe();
                    spawn(cx, move |cx| {
                        let mut next = 0;
                        while let Ok(r) = cx.block(|| s.poll_receive(cx, None)) {
                            assert_eq!(r.value, next);
                            next += 1;
                        }
                        Outcome::Ok(next)
                    })
                })
                .collect();
            let idle = b.subscribe();
            let b2 = b.clone();
            let sender = spawn(cx, move |cx| {
                for value in 0..10 {
                    cx.block(|| b2.poll_send(cx, value, None)).unwrap();
                }
                cx.block(|| b2.poll_close(cx));
                Outcome::Ok(0)
            });
            // Whoever receives nothing holds the sender up.
            until(cx, || idle.len() == 2);
            assert!(!sender.is_done());
            drop(idle);
            sender.wait(cx).unwrap();
            for s in subscribers {
                assert_eq!(s.wait(cx), Ok(Outcome::Ok(10)));
            }
            Outcome::Ok(0)
        }
    });
}

#[test]
fn executors_run_their_own_tasks_and_shut_down() {
    everywhere(|| {
        |cx: &FiberCx| {
            let pool = cx.new_executor(2, "io").unwrap();
            let on_pool = SpawnOptions {
                pool: Some(pool.clone()),
                ..Default::default()
            };
            let tasks: Vec<_> = (0..10u64)
                .map(|i| {
                    let task = body(move |cx| {
                        let inner = spawn(cx, move |cx| {
                            cx.sleep(ms(1)).unwrap();
                            Outcome::Ok(i)
                        });
                        inner.wait(cx).unwrap()
                    });
                    cx.spawn(task, on_pool.clone()).unwrap()
                })
                .collect();
            cx.block(|| cx.poll_shutdown(&pool)).unwrap();
            for (i, task) in tasks.iter().enumerate() {
                assert_eq!(task.peek(), Some(Outcome::Ok(i as u64)));
            }
            let late = cx.spawn(body(|_| Outcome::Ok(0)), on_pool);
            assert_eq!(late.unwrap_err(), SpawnError::ExecutorShutDown);
            let blocking = cx.spawn_blocking(Default::default(), || {
                std::thread::sleep(ms(1));
                Outcome::Ok(8)
            });
            assert_eq!(blocking.wait(cx), Ok(Outcome::Ok(8)));
            let elsewhere = SpawnOptions {
                elsewhere: true,
                ..Default::default()
            };
            let there = cx.spawn(body(|_| Outcome::Ok(3)), elsewhere);
            if cx.worker_count() > 1 {
                assert_eq!(there.unwrap().wait(cx), Ok(Outcome::Ok(3)));
            } else {
                assert_eq!(there.unwrap_err(), SpawnError::NoOtherThread);
            }
            Outcome::Ok(0)
        }
    });
}

/// Selects on one source or 1 ms, whichever is first: was it the source?
fn acquired(cx: &FiberCx, source: &dyn Source) -> bool {
    let until = cx.now() + 1_000_000;
    let arms = [Arm::Other(source), Arm::Until(until)];
    let (won, selected) = cx
        .block(|| poll_select(cx, &arms, SelectOptions::default()))
        .unwrap();
    assert_eq!(won == 0, selected == Selected::Acquired);
    won == 0
}

#[test]
fn select_takes_a_lock_or_leaves_no_trace() {
    everywhere(|| {
        |cx: &FiberCx| {
            let m = Arc::new(RawMutex::new(cx.new_object_id()));
            assert!(acquired(cx, &*m));
            let m2 = m.clone();
            let loser = spawn(cx, move |cx| {
                assert!(!acquired(cx, &*m2));
                Outcome::Ok(0)
            });
            assert_eq!(loser.wait(cx), Ok(Outcome::Ok(0)));
            cx.block(|| m.poll_unlock(cx)).unwrap();
            let inside = Arc::new(AtomicU64::new(0));
            crowd(cx, 5, move |cx, _| {
                for _ in 0..10 {
                    while !acquired(cx, &*m) {}
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    cx.yield_now().unwrap();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    cx.block(|| m.poll_unlock(cx)).unwrap();
                }
            });
            Outcome::Ok(0)
        }
    });
}

#[test]
fn a_notice_of_a_mutex_is_not_lost_on_a_select() {
    everywhere(|| {
        |cx: &FiberCx| {
            let m = Arc::new(RawMutex::new(cx.new_object_id()));
            let ch = Arc::new(RawChannel::new(
                cx,
                None,
                OnFull::Block,
                PayloadVTable::PLAIN,
            ));
            for _ in 0..20 {
                cx.block(|| m.poll_lock(cx, None)).unwrap();
                let (m1, ch1, m2) = (m.clone(), ch.clone(), m.clone());
                let selecting = spawn(cx, move |cx| {
                    let arms = [Arm::Receive(&ch1), Arm::Other(&*m1)];
                    let select = || poll_select(cx, &arms, SelectOptions::default());
                    if cx.block(select).unwrap().0 == 1 {
                        cx.block(|| m1.poll_unlock(cx)).unwrap();
                    }
                    Outcome::Ok(0)
                });
                let locking = spawn(cx, move |cx| {
                    cx.block(|| m2.poll_lock(cx, None)).unwrap();
                    cx.block(|| m2.poll_unlock(cx)).unwrap();
                    Outcome::Ok(0)
                });
                cx.yield_now().unwrap();
                cx.block(|| m.poll_unlock(cx)).unwrap();
                cx.block(|| ch.poll_send(cx, 1, None)).unwrap();
                for task in [selecting, locking] {
                    assert_eq!(task.wait(cx), Ok(Outcome::Ok(0)));
                }
            }
            Outcome::Ok(0)
        }
    });
}

#[test]
fn select_takes_sides_of_a_lock() {
    everywhere(|| {
        |cx: &FiberCx| {
            let l = Arc::new(RawRwLock::new(cx.new_object_id()));
            let (read, write) = (
                RwSide {
                    lock: &l,
                    write: false,
                },
                RwSide {
                    lock: &l,
                    write: true,
                },
            );
            assert!(acquired(cx, &read));
            assert!(!acquired(cx, &write));
            assert!(acquired(cx, &read));
            for _ in 0..2 {
                cx.block(|| l.poll_read_unlock(cx)).unwrap();
            }
            assert!(acquired(cx, &write));
            assert!(!acquired(cx, &read));
            let l2 = l.clone();
            let reader = spawn(cx, move |cx| {
                let side = RwSide {
                    lock: &l2,
                    write: false,
                };
                while !acquired(cx, &side) {}
                cx.block(|| l2.poll_read_unlock(cx)).unwrap();
                Outcome::Ok(0)
            });
            cx.yield_now().unwrap();
            cx.block(|| l.poll_write_unlock(cx)).unwrap();
            assert_eq!(reader.wait(cx), Ok(Outcome::Ok(0)));
            Outcome::Ok(0)
        }
    });
}

#[test]
fn select_waits_for_groups_and_barriers() {
    everywhere(|| {
        |cx: &FiberCx| {
            let group = Arc::new(RawWaitGroup::new(cx.new_object_id()));
            assert!(acquired(cx, &*group));
            assert!(cx.block(|| group.poll_add(cx, 1)));
            assert!(!acquired(cx, &*group));
            let group2 = group.clone();
            let waiting = spawn(cx, move |cx| {
                let arms = [Arm::Other(&*group2)];
                cx.block(|| poll_select(cx, &arms, SelectOptions::default()))
                    .unwrap();
                Outcome::Ok(0)
            });
            cx.yield_now().unwrap();
            cx.block(|| group.poll_add(cx, -1));
            assert_eq!(waiting.wait(cx), Ok(Outcome::Ok(0)));

            let barrier = Arc::new(RawBarrier::new(cx.new_object_id(), 2));
            assert!(!acquired(cx, &*barrier));
            // Who has left is not counted.
            assert!(!acquired(cx, &*barrier));
            crowd(cx, 2, move |cx, _| {
                let arms = [Arm::Other(&*barrier)];
                cx.block(|| poll_select(cx, &arms, SelectOptions::default()))
                    .unwrap();
            });
            Outcome::Ok(0)
        }
    });
}
