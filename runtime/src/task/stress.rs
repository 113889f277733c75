//! A driver that throws cancellation, failure and delay at programs and checks that they end,
//! leak nothing, and deliver exactly once.

use crate::random::Stream;
use crate::sync::channel::{OnFull, RawChannel};
use crate::sync::counters::RawSemaphore;
use crate::sync::mutex::RawMutex;
use crate::sync::select::{Arm, SelectOptions, Selected, poll_select};
use crate::task::join::{JoinGroup, JoinSpec, OnFail, Strategy};
use crate::task::tests::{body, spawn};
use crate::{
    ClockKind, Config, FiberCx, Mode, Outcome, PayloadVTable, Runtime, SpawnInfo, WaitError,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Slots in existence. Each is a box; `share` makes another one.
static LIVE: AtomicI64 = AtomicI64::new(0);

fn new_slot(value: u64) -> u64 {
    LIVE.fetch_add(1, Ordering::SeqCst);
    Box::into_raw(Box::new(value)) as u64
}

unsafe fn drop_slot(slot: u64) {
    LIVE.fetch_sub(1, Ordering::SeqCst);
    // SAFETY: made by `new_slot`, given up once: a second time would be found by the count, and
    // by the allocator.
    drop(unsafe { Box::from_raw(slot as *mut u64) });
}

unsafe fn share_slot(slot: u64) -> u64 {
    // SAFETY: a live slot.
    new_slot(unsafe { *(slot as *const u64) })
}

unsafe fn equal_slots(a: u64, b: u64) -> bool {
    // SAFETY: live slots.
    unsafe { *(a as *const u64) == *(b as *const u64) }
}

static COUNTED: PayloadVTable = PayloadVTable {
    immediate: 0,
    drop: drop_slot,
    share: share_slot,
    equal: equal_slots,
};

fn read(slot: u64) -> u64 {
    // SAFETY: a live slot of the caller's.
    let value = unsafe { *(slot as *const u64) };
    COUNTED.drop_slot(slot);
    value
}

struct World {
    channels: Vec<RawChannel>,
    mutex: RawMutex,
    permits: RawSemaphore,
    inside: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

/// Does one thing, chosen at random. An error ends the task.
fn act(cx: &FiberCx, world: &Arc<World>, dice: &mut Stream, depth: u32) -> Result<(), WaitError> {
    let channel = &world.channels[dice.below(world.channels.len() as u64) as usize];
    let soon = Some(cx.now() + dice.below(2_000_000));
    match dice.below(11) {
        0 | 1 => {
            let slot = new_slot(1);
            match cx.block(|| channel.poll_send(cx, slot, soon)) {
                Ok(_) => world.sent.fetch_add(1, Ordering::SeqCst),
                Err(why) => {
                    COUNTED.drop_slot(slot);
                    return if why == WaitError::Timeout {
                        Ok(())
                    } else {
                        Err(why)
                    };
                }
            };
        }
        2 | 3 => match cx.block(|| channel.poll_receive(cx, soon)) {
            Ok(r) => {
                world.received.fetch_add(read(r.value), Ordering::SeqCst);
            }
            Err(WaitError::Timeout) => {}
            Err(why) => return Err(why),
        },
        4 => select(cx, world, dice, soon)?,
        5 => {
            match cx.block(|| world.mutex.poll_lock(cx, soon)) {
                Ok(()) => {}
                Err(WaitError::Timeout) => return Ok(()),
                Err(why) => return Err(why),
            }
            assert_eq!(world.inside.fetch_add(1, Ordering::SeqCst), 0);
            let result = cx.yield_now();
            world.inside.fetch_sub(1, Ordering::SeqCst);
            assert!(cx.block(|| world.mutex.poll_unlock(cx)).is_ok());
            result?;
        }
        6 => {
            match cx.block(|| world.permits.poll_acquire(cx, soon)) {
                Ok(()) => {}
                Err(WaitError::Timeout) => return Ok(()),
                Err(why) => return Err(why),
            }
            let result = cx.yield_now();
            cx.block(|| world.permits.poll_release(cx));
            result?;
        }
        7 => cx.sleep(Duration::from_micros(dice.below(300)))?,
        8 if depth < 3 => children(cx, world, dice, depth)?,
        9 if depth < 3 => block(cx, world, dice, depth)?,
        10 if depth < 3 => scope(cx, world, dice, depth)?,
        _ => cx.yield_now()?,
    }
    Ok(())
}

fn select(
    cx: &FiberCx,
    world: &World,
    dice: &mut Stream,
    soon: Option<u64>,
) -> Result<(), WaitError> {
    let slot = new_slot(1);
    let n = world.channels.len();
    let at = dice.below(n as u64) as usize;
    let arms = [
        Arm::Receive(&world.channels[at]),
        Arm::Send(&world.channels[(at + 1) % n], slot),
        Arm::Receive(&world.channels[(at + 1) % n]),
        Arm::Until(soon.unwrap_or(0)),
    ];
    let options = SelectOptions {
        or_else: dice.below(4) == 0,
        ..Default::default()
    };
    let selected = cx.block(|| poll_select(cx, &arms, options));
    match selected {
        Ok((_, Selected::Sent(_))) => {
            world.sent.fetch_add(1, Ordering::SeqCst);
            return Ok(());
        }
        Ok((_, Selected::Value(value))) => {
            world.received.fetch_add(read(value), Ordering::SeqCst);
        }
        _ => {}
    }
    COUNTED.drop_slot(slot);
    selected.map(|_| ())
}

fn worker(world: Arc<World>, seed: u64, depth: u32) -> impl FnOnce(&FiberCx) -> Outcome + Send {
    move |cx| {
        let mut dice = Stream::new(seed);
        for _ in 0..dice.below(12) {
            match act(cx, &world, &mut dice, depth) {
                Ok(()) => {}
                Err(WaitError::ScopeFailed) => return Outcome::Failed(new_slot(9)),
                Err(_) => return Outcome::Cancelled,
            }
        }
        match dice.below(5) {
            0 => Outcome::Failed(new_slot(seed)),
            _ => Outcome::Ok(new_slot(seed % 3)),
        }
    }
}

fn children(
    cx: &FiberCx,
    world: &Arc<World>,
    dice: &mut Stream,
    depth: u32,
) -> Result<(), WaitError> {
    let tasks: Vec<_> = (0..dice.below(4))
        .map(|_| spawn(cx, worker(world.clone(), dice.next_u64(), depth + 1)))
        .collect();
    if dice.below(2) == 0 {
        cx.yield_now()?;
    }
    for task in tasks {
        match dice.below(4) {
            0 => task.cancel(cx),
            1 => {}
            _ => {
                let soon = Some(cx.now() + dice.below(1_000_000));
                match cx.block(|| task.poll_await(cx, soon)) {
                    Ok(outcome) => outcome.release(&COUNTED),
                    Err(WaitError::Timeout) => {}
                    Err(why) => return Err(why),
                }
            }
        }
    }
    Ok(())
}

fn block(cx: &FiberCx, world: &Arc<World>, dice: &mut Stream, depth: u32) -> Result<(), WaitError> {
    let strategy = match dice.below(4) {
        0 => Strategy::All,
        1 => Strategy::First,
        2 => Strategy::Any(1 + dice.below(2) as usize),
        _ => Strategy::Vote(None),
    };
    let on_fail = match dice.below(4) {
        0 => OnFail::FailFast,
        1 => OnFail::Continue,
        2 => OnFail::Ignore,
        _ => OnFail::Tolerate,
    };
    let group = JoinGroup::new(
        cx,
        JoinSpec {
            strategy,
            on_fail,
            max: dice.below(3) as usize,
        },
    );
    for _ in 0..1 + dice.below(4) {
        let branch = body(worker(world.clone(), dice.next_u64(), depth + 1));
        group.add(cx, branch, &Default::default()).unwrap();
    }
    group.seal(cx);
    let soon = (dice.below(2) == 0).then(|| cx.now() + dice.below(1_000_000));
    let result = cx.block(|| group.poll_wait(cx, soon))?;
    for outcome in result.outcomes.into_iter().flatten() {
        outcome.release(&COUNTED);
    }
    Ok(())
}

fn scope(cx: &FiberCx, world: &Arc<World>, dice: &mut Stream, depth: u32) -> Result<(), WaitError> {
    let scope = cx.enter_scope(0);
    let result = children(cx, world, dice, depth);
    if dice.below(3) == 0 {
        scope.cancel(cx);
    }
    let failed = scope.has_failed();
    let end = cx.block(|| cx.poll_exit_scope(&scope));
    if let Some(failure) = end.failure {
        COUNTED.drop_slot(failure);
    }
    match result {
        // This scope's own failure ends here.
        Err(WaitError::ScopeFailed) if failed || end.failure.is_some() => Ok(()),
        other => other,
    }
}

struct Release;

impl crate::Hooks for Release {
    fn detached_failure(&self, _: &crate::TaskInfo, failure: u64) {
        COUNTED.drop_slot(failure);
    }
}

fn storm(mut config: Config, seed: u64) {
    config.payload = &COUNTED;
    config.hooks = Arc::new(Release);
    let runtime = Runtime::new(config).unwrap();
    let main = body(move |cx| {
        let channels = [Some(0), Some(1), Some(3), None];
        let channels = channels
            .map(|capacity| RawChannel::new(cx, capacity, OnFull::Block, &COUNTED))
            .into();
        let world = Arc::new(World {
            channels,
            mutex: RawMutex::new(cx.new_object_id()),
            permits: RawSemaphore::new(cx.new_object_id(), 2),
            inside: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        });
        let mut dice = Stream::new(seed);
        let scope = cx.enter_scope(0);
        let tasks: Vec<_> = (0..8)
            .map(|_| spawn(cx, worker(world.clone(), dice.next_u64(), 0)))
            .collect();
        for task in &tasks {
            if dice.below(3) == 0 {
                let _ = cx.sleep(Duration::from_micros(dice.below(200)));
                task.cancel(cx);
            }
        }
        drop(tasks);
        let end = cx.block(|| cx.poll_exit_scope(&scope));
        if let Some(failure) = end.failure {
            COUNTED.drop_slot(failure);
        }
        let left: usize = world.channels.iter().map(|c| c.len()).sum();
        let sent = world.sent.load(Ordering::SeqCst);
        let received = world.received.load(Ordering::SeqCst);
        assert_eq!(sent, received + left as u64, "exactly once");
        assert_eq!(world.mutex.holder(), 0);
        assert_eq!(world.permits.available(), 2);
        Outcome::Ok(new_slot(77))
    });
    let report = runtime.run(main, SpawnInfo::default());
    assert_eq!(report.deadlock, None);
    match report.outcome {
        Outcome::Ok(slot) => assert_eq!(read(slot), 77),
        other => panic!("{other:?}"),
    }
}

#[test]
fn storms_pass_and_leave_nothing() {
    let rounds: u64 = std::env::var("STORMS")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(12);
    for seed in 0..rounds {
        for workers in [1, 2, 4] {
            for clock in [ClockKind::Real, ClockKind::Virtual] {
                let config = Config {
                    workers,
                    clock,
                    detect_deadlock: true,
                    ..Config::default()
                };
                storm(config, seed);
                assert_eq!(
                    LIVE.load(Ordering::SeqCst),
                    0,
                    "seed {seed}, {workers} workers"
                );
            }
        }
        storm(Config::fifo(0), seed);
        for policy in 0..8 {
            let policy = Box::new(crate::sched::policy::random::RandomWalk::new(policy));
            storm(
                Config {
                    mode: Mode::Deterministic(policy),
                    ..Config::fifo(0)
                },
                seed,
            );
        }
        assert_eq!(LIVE.load(Ordering::SeqCst), 0, "seed {seed}, deterministic");
    }
}
