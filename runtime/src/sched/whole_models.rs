//! loom models that run the real fibers, workers, channels, locks and joins: what differs from a
//! program is only that a model says which worker begins with which fiber, and that workers do not
//! sleep.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p lumen-runtime --lib models`
//!
//! | model | what holds in every interleaving |
//! | --- | --- |
//! | message and cancel | a message is received once, or lies in the channel; the receiver ends |
//! | rendezvous | sender and receiver meet, or the cancelled one has done nothing |
//! | two channels, one select | one arm takes effect, and the other channel keeps its message |
//! | mutex hand-over | never two holders; whoever waits gets the lock after all |
//! | join | the joiner sees the outcome, whether it comes before or after the end |
//! | running and cancelled | a fiber that only computes sees its cancellation at a poll |
//! | in place and cancelled | so does a child that is run in place by who is cancelled |
//! | deadline and message | the receiver has it or times out and leaves it; the timer is gone |
//! | sleep and wake | a worker going to sleep sees work from outside, or is woken |
//! | workers and the monitor | it pauses for ever only while all workers sleep |
//! | barrier and cancel | nobody passes a barrier that not all have reached |

use crate::config::{Config, NoHooks};
use crate::fiber::{Body, FiberCx, FiberRef, Plan, Step};
use crate::payload::Outcome;
use crate::sched::group::{Group, Member, cancel_all};
use crate::sched::idle::Rest;
use crate::sched::pool::Pool;
use crate::sched::shared::Shared;
use crate::sched::worker::{Seed, Worker};
use crate::sync::channel::{OnFull, RawChannel};
use crate::sync::counters::RawBarrier;
use crate::sync::mutex::RawMutex;
use crate::sync::select::{Arm, SelectOptions, Selected, poll_select};
use crate::task::future::FutureRef;
use crate::{PayloadVTable, Safepoint, SpawnOptions, WaitError};
use loom::thread;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;

/// Every interleaving with up to two preemptions: more than that of code this long takes hours.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.max_branches = 20_000;
    builder.check(model);
}

/// A runtime without threads: one worker for each thread of the model, and one for its end.
struct World {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    root: crate::counted::Ref<Group>,
    seeds: Mutex<Vec<Option<Seed>>>,
    made: AtomicUsize,
}

impl World {
    fn new(workers: usize) -> Arc<World> {
        let shared = Arc::new(Shared::new(Config {
            max_stacks: 4,
            hooks: Arc::new(NoHooks),
            ..Config::default()
        }));
        let (seeds, remotes): (Vec<_>, Vec<_>) =
            (0..workers).map(|_| Seed::new(workers == 1)).unzip();
        let pool = Arc::new(Pool::new(0, "global", remotes));
        shared.pools.lock().push(pool.clone());
        shared.add_pool(&pool);
        shared.set_global(pool.clone());
        let root = Group::root(shared.clone());
        Arc::new(World {
            shared,
            pool,
            root,
            seeds: Mutex::new(seeds.into_iter().map(Some).collect()),
            made: AtomicUsize::new(1),
        })
    }

    fn worker(&self, index: usize) -> Worker {
        let seed = self.seeds.lock().unwrap()[index].take().unwrap();
        seed.worker(self.shared.clone(), self.pool.clone(), index)
    }

    fn fiber(&self, body: impl FnMut(&FiberCx) -> Poll<Outcome> + Send + 'static) -> FiberRef {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.root.add_member();
        Plan::new(self.root.clone(), &self.pool, number as u64, number as u32).make(Act(body))
    }

    /// A thread on which a worker runs `fiber` first and then whatever its queues hold.
    fn run(self: &Arc<World>, index: usize, fiber: &FiberRef) -> thread::JoinHandle<()> {
        let (world, fiber) = (self.clone(), fiber.clone());
        thread::spawn(move || {
            let worker = world.worker(index);
            worker.dispatch(fiber);
            drain(&worker);
        })
    }

    fn cancel(self: &Arc<World>, fiber: &FiberRef) -> thread::JoinHandle<()> {
        let (world, fiber) = (self.clone(), fiber.clone());
        thread::spawn(move || cancel_all(world.shared.outside(), vec![Member::Fiber(fiber)]))
    }

    /// Runs what is left, on one more worker.
    fn finish(&self, index: usize, threads: Vec<thread::JoinHandle<()>>) {
        for thread in threads {
            thread.join().unwrap();
        }
        drain(&self.worker(index));
    }
}

/// Runs all there is, here and in the injector.
fn drain(worker: &Worker) {
    while let Some(fiber) = worker.next() {
        worker.dispatch(fiber);
    }
}

/// A body that parks by returning.
struct Act<F>(F);

impl<F: FnMut(&FiberCx) -> Poll<Outcome> + Send> Body for Act<F> {
    fn resume(&mut self, cx: &FiberCx) -> Step {
        match (self.0)(cx) {
            Poll::Pending => Step::Parked,
            Poll::Ready(outcome) => Step::Done(outcome),
        }
    }
}

/// What came of an operation, as a task's outcome.
fn outcome(result: Result<u64, WaitError>) -> Outcome {
    match result {
        Ok(value) => Outcome::Ok(value),
        Err(WaitError::Cancelled) => Outcome::Cancelled,
        Err(_) => Outcome::Failed(0),
    }
}

fn channel(world: &World, capacity: Option<usize>) -> Arc<RawChannel> {
    Arc::new(RawChannel::of(
        &world.shared,
        1,
        capacity,
        OnFull::Block,
        PayloadVTable::PLAIN,
    ))
}

fn receiver(world: &World, from: &Arc<RawChannel>) -> FiberRef {
    let from = from.clone();
    world.fiber(move |cx| {
        from.poll_receive(cx, None)
            .map(|r| outcome(r.map(|r| r.value)))
    })
}

fn sender(world: &World, to: &Arc<RawChannel>, value: u64) -> FiberRef {
    let to = to.clone();
    world.fiber(move |cx| to.poll_send(cx, value, None).map(|r| outcome(r.map(|_| 0))))
}

#[test]
fn a_message_is_received_once_or_stays() {
    check(|| {
        let world = World::new(3);
        let channel = channel(&world, Some(1));
        let (from, to) = (receiver(&world, &channel), sender(&world, &channel, 5));
        let threads = vec![world.run(0, &from), world.run(1, &to), world.cancel(&from)];
        world.finish(2, threads);
        assert_eq!(to.outcome(), Some(Outcome::Ok(0)));
        match from.outcome() {
            Some(Outcome::Ok(5)) => assert_eq!(channel.len(), 0),
            Some(Outcome::Cancelled) => assert_eq!(channel.len(), 1),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn who_is_cancelled_at_a_rendezvous_has_done_nothing() {
    check(|| {
        let world = World::new(3);
        let channel = channel(&world, Some(0));
        let (from, to) = (receiver(&world, &channel), sender(&world, &channel, 5));
        let threads = vec![world.run(0, &from), world.run(1, &to), world.cancel(&to)];
        world.finish(2, threads);
        match (to.outcome(), from.outcome()) {
            (Some(Outcome::Ok(_)), Some(Outcome::Ok(5))) => {}
            // It waits on; nothing will come.
            (Some(Outcome::Cancelled), None) => {
                cancel_all(world.shared.outside(), vec![Member::Fiber(from.clone())])
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn one_arm_of_a_select_takes_effect() {
    check(|| {
        let world = World::new(3);
        let (a, b) = (channel(&world, Some(1)), channel(&world, Some(1)));
        let (left, right) = (a.clone(), b.clone());
        let both = world.fiber(move |cx| {
            let arms = [Arm::Receive(&left), Arm::Receive(&right)];
            poll_select(cx, &arms, SelectOptions::default()).map(|r| match r {
                Ok((arm, Selected::Value(value))) => Outcome::Ok(arm as u64 * 10 + value),
                _ => Outcome::Cancelled,
            })
        });
        let (one, two) = (sender(&world, &a, 1), sender(&world, &b, 2));
        let threads = vec![world.run(0, &both), world.run(1, &one)];
        let worker = world.worker(2);
        worker.dispatch(two);
        drain(&worker);
        for thread in threads {
            thread.join().unwrap();
        }
        drain(&worker);
        match both.outcome() {
            Some(Outcome::Ok(1)) => assert_eq!((a.len(), b.len()), (0, 1)),
            Some(Outcome::Ok(12)) => assert_eq!((a.len(), b.len()), (1, 0)),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_lock_has_one_holder_and_is_handed_over() {
    check(|| {
        let world = World::new(3);
        let mutex = Arc::new(RawMutex::new(1));
        let inside = Arc::new(AtomicU64::new(0));
        let holder = || {
            let (mutex, inside) = (mutex.clone(), inside.clone());
            let mut locked = false;
            world.fiber(move |cx| {
                if !locked {
                    match mutex.poll_lock(cx, None) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(result) => assert_eq!(result, Ok(())),
                    }
                    locked = true;
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    inside.fetch_sub(1, Ordering::SeqCst);
                }
                mutex.poll_unlock(cx).map(|result| {
                    assert!(result.is_ok());
                    Outcome::Ok(0)
                })
            })
        };
        let (one, two) = (holder(), holder());
        let threads = vec![world.run(0, &one), world.run(1, &two)];
        world.finish(2, threads);
        assert_eq!(one.outcome(), Some(Outcome::Ok(0)));
        assert_eq!(two.outcome(), Some(Outcome::Ok(0)));
        assert_eq!(mutex.holder(), 0);
    });
}

#[test]
fn a_joiner_sees_the_outcome() {
    check(|| {
        let world = World::new(3);
        let child = world.fiber(|_| Poll::Ready(Outcome::Ok(9)));
        let future = FutureRef::new(child.clone());
        let joiner = world.fiber(move |cx| {
            future.poll_await(cx, None).map(|r| match r {
                Ok(outcome) => outcome,
                Err(_) => Outcome::Cancelled,
            })
        });
        let threads = vec![world.run(0, &joiner), world.run(1, &child)];
        world.finish(2, threads);
        assert_eq!(joiner.outcome(), Some(Outcome::Ok(9)));
    });
}

#[test]
fn nobody_passes_a_barrier_alone() {
    check(|| {
        let world = World::new(3);
        let barrier = Arc::new(RawBarrier::new(1, 2));
        let arrive = || {
            let barrier = barrier.clone();
            world.fiber(move |cx| {
                barrier
                    .poll_wait(cx, None)
                    .map(|r| outcome(r.map(u64::from)))
            })
        };
        let (one, two) = (arrive(), arrive());
        // The first one waits already, so it has arrived when it is cancelled.
        let worker = world.worker(2);
        worker.dispatch(one.clone());
        let threads = vec![world.run(1, &two), world.cancel(&one)];
        for thread in threads {
            thread.join().unwrap();
        }
        drain(&worker);
        match (one.outcome(), two.outcome()) {
            (Some(Outcome::Ok(0)), Some(Outcome::Ok(1))) => {}
            // Cancelled before the second came, which waits in vain; or while it came.
            (Some(Outcome::Cancelled), None | Some(Outcome::Ok(1))) => {}
            other => panic!("{other:?}"),
        }
        cancel_all(world.shared.outside(), vec![Member::Fiber(two)]);
        drain(&worker);
    });
}

/// Computes until it is told to stop.
fn spin(cx: &FiberCx) -> Poll<Outcome> {
    while cx.poll() == Safepoint::Continue {
        thread::yield_now();
    }
    match cx.check_cancel() {
        Some(_) => Poll::Ready(Outcome::Cancelled),
        // It was to make room for somebody below it.
        None => Poll::Pending,
    }
}

#[test]
fn a_running_fiber_sees_its_cancellation() {
    check(|| {
        let world = World::new(2);
        let spinner = world.fiber(spin);
        let threads = vec![world.run(0, &spinner), world.cancel(&spinner)];
        world.finish(1, threads);
        assert_eq!(spinner.outcome(), Some(Outcome::Cancelled));
    });
}

/// A parent that awaits a child only it can reach; the child takes a message and says so.
fn parent_of_receiver(world: &World, from: &Arc<RawChannel>, runs: &Arc<AtomicUsize>) -> FiberRef {
    let (from, runs) = (from.clone(), runs.clone());
    let mut child = None;
    world.fiber(move |cx| {
        let future: &FutureRef = child.get_or_insert_with(|| {
            let (from, runs, mut begun) = (from.clone(), runs.clone(), false);
            let receive = move |cx: &FiberCx| {
                if !std::mem::replace(&mut begun, true) {
                    runs.fetch_add(1, Ordering::Relaxed);
                }
                from.poll_receive(cx, None)
                    .map(|r| outcome(r.map(|r| r.value)))
            };
            cx.spawn_at(Act(receive), 0).unwrap()
        });
        // SAFETY: the only handle is here, and no other fiber gets at this closure.
        let awaited = unsafe { future.poll_await_own(cx) };
        awaited.map(|r| match r {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Failed(1),
        })
    })
}

/// Either the parent runs its child alone or a thief runs it; whether it parks or not, it is run
/// once, and its parent hears of its end.
#[test]
fn a_child_that_only_its_parent_reaches_runs_once() {
    check(|| {
        let world = World::new(3);
        let channel = channel(&world, Some(1));
        let runs = Arc::new(AtomicUsize::new(0));
        let parent = parent_of_receiver(&world, &channel, &runs);
        let to = sender(&world, &channel, 5);
        let thief = {
            let (world, to) = (world.clone(), to.clone());
            thread::spawn(move || {
                let worker = world.worker(1);
                if let Some(child) = world.pool.workers()[0].lifo.steal() {
                    worker.dispatch(child);
                }
                worker.dispatch(to);
                drain(&worker);
            })
        };
        let threads = vec![world.run(0, &parent), thief];
        world.finish(2, threads);
        assert_eq!(parent.outcome(), Some(Outcome::Ok(5)));
        assert_eq!(to.outcome(), Some(Outcome::Ok(0)));
        assert_eq!(runs.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_child_run_in_place_sees_its_parents_cancellation() {
    check(|| {
        let world = World::new(2);
        let mut child = None;
        let parent = world.fiber(move |cx| {
            let future =
                child.get_or_insert_with(|| cx.spawn(Act(spin), SpawnOptions::default()).unwrap());
            future.poll_await(cx, None).map(|r| match r {
                Ok(outcome) => outcome,
                Err(_) => Outcome::Cancelled,
            })
        });
        let threads = vec![world.run(0, &parent), world.cancel(&parent)];
        world.finish(1, threads);
        assert_eq!(parent.outcome(), Some(Outcome::Cancelled));
    });
}

/// Fires every timer of the first worker's wheel, as a worker does that looks at it late, and runs
/// whom they wake. (Handing them to others would go through the injector, whose atomics are not
/// the model's: the taker could see a state from before the claim.)
fn fire_all(world: &World, index: usize, now: u64) {
    let worker = world.worker(index);
    let mut due = Vec::new();
    world.pool.workers()[0]
        .wheel(&world.shared)
        .advance(now, &mut due);
    for waiter in due {
        if let Ok(Some(fiber)) = waiter.claim(None) {
            worker.dispatch(fiber);
        }
    }
    drain(&worker);
}

#[test]
fn a_deadline_and_a_message_do_not_both_win() {
    const SECOND: u64 = 1_000_000_000;
    check(|| {
        let world = World::new(5);
        let channel = channel(&world, Some(1));
        let (from, deadline) = (channel.clone(), world.shared.clock.now() + 1_000 * SECOND);
        let receiver = world.fiber(move |cx| {
            from.poll_receive(cx, Some(deadline))
                .map(|r| outcome(r.map(|r| r.value)))
        });
        let running = world.run(0, &receiver);
        let timers = {
            let world = world.clone();
            thread::spawn(move || fire_all(&world, 2, deadline + SECOND))
        };
        let sender = sender(&world, &channel, 7);
        let sending = world.run(1, &sender);
        world.finish(3, vec![running, timers, sending]);
        // Where the wheel was looked at before the receiver waited, the message came.
        let left = channel.len();
        match receiver.outcome() {
            Some(Outcome::Ok(7)) => assert_eq!(left, 0),
            Some(Outcome::Failed(0)) => assert_eq!(left, 1),
            other => panic!("{other:?}"),
        }
        assert!(matches!(sender.outcome(), Some(Outcome::Ok(_))));
        assert_eq!(world.pool.workers()[0].wheel(&world.shared).len(), 0);
    });
}

#[test]
fn no_work_from_outside_sleeps_for_ever() {
    check(|| {
        let world = World::new(2);
        // Another one is awake: nobody is to look for quiescence here.
        world.shared.awake.store(2, Ordering::SeqCst);
        let fiber = world.fiber(|_| Poll::Ready(Outcome::Ok(1)));
        let sleeper = {
            let world = world.clone();
            thread::spawn(move || {
                let worker = world.worker(0);
                worker.rest()
            })
        };
        world.pool.inject(&world.shared, fiber.clone());
        let rest = sleeper.join().unwrap();
        // It had not gone to sleep, or it was taken off the list to be woken.
        assert_ne!(rest, Rest::Quiet);
        assert!(world.pool.sleepers.lock().is_empty());
        assert_eq!(world.pool.sleeping.load(Ordering::SeqCst), 0);
        assert_eq!(world.shared.awake.load(Ordering::SeqCst), 2);
        world.finish(1, Vec::new());
        assert!(matches!(fiber.outcome(), Some(Outcome::Ok(1))));
    });
}

#[test]
fn the_monitor_pauses_for_ever_only_while_all_sleep() {
    for workers in [1, 2] {
        check(move || {
            let world = World::new(workers + 1);
            world.shared.awake.store(workers, Ordering::SeqCst);
            // Keeps the last one awake from looking for quiescence.
            world.shared.live_io.store(1, Ordering::SeqCst);
            let monitor = {
                let world = world.clone();
                thread::spawn(move || {
                    let monitor = &world.shared.monitor;
                    let stop = monitor.stop.lock().unwrap();
                    drop(monitor.rest(&world.shared, stop));
                })
            };
            let others: Vec<_> = (1..workers)
                .map(|index| {
                    let world = world.clone();
                    thread::spawn(move || {
                        let worker = world.worker(index);
                        if worker.rest() == Rest::Sleep {
                            // Its time has come: it wakes up by itself.
                            worker.woken();
                        }
                    })
                })
                .collect();
            let fiber = world.fiber(|_| Poll::Ready(Outcome::Ok(1)));
            let worker = world.worker(0);
            assert_eq!(worker.rest(), Rest::Sleep);
            // Somebody from outside has work for it.
            world.pool.inject(&world.shared, fiber);
            worker.woken();
            // Whatever the monitor has seen, it goes on, or this never ends.
            monitor.join().unwrap();
            for other in others {
                other.join().unwrap();
            }
            world.finish(workers, Vec::new());
        });
    }
}
