//! Times the scheduler's basic operations, in nanoseconds per operation: of wall time, and of
//! processor time of all threads, which tells more on a busy machine.
//!
//! `cargo run --release -p lumen-runtime --example bench [workers [name [--plain]]]`; plain output
//! is the number of operations and milliseconds.

use lumen_runtime::sync::channel::{OnFull, RawChannel};
use lumen_runtime::time::system::process_cpu;
use lumen_runtime::{
    Body, Config, FiberCx, FutureRef, Outcome, PayloadVTable, Runtime, SpawnInfo, Step,
};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// A stackless body: called until it answers.
struct Machine<F>(F);

impl<F: FnMut(&FiberCx) -> Step + Send> Body for Machine<F> {
    fn resume(&mut self, cx: &FiberCx) -> Step {
        (self.0)(cx)
    }
}

fn machine(f: impl FnMut(&FiberCx) -> Step + Send + 'static) -> Box<dyn Body> {
    Box::new(Machine(f))
}

/// A body with a stack.
struct Stackful<F>(Option<F>);

impl<F: FnOnce(&FiberCx) -> Outcome + Send> Body for Stackful<F> {
    fn resume(&mut self, cx: &FiberCx) -> Step {
        Step::Done(self.0.take().map_or(Outcome::Cancelled, |f| f(cx)))
    }
    fn needs_stack(&self) -> bool {
        true
    }
}

fn stackful(f: impl FnOnce(&FiberCx) -> Outcome + Send + 'static) -> Box<dyn Body> {
    Box::new(Stackful(Some(f)))
}

fn spawn(cx: &FiberCx, body: Box<dyn Body>) -> FutureRef {
    cx.spawn_at(body, 0).expect("the global pool is open")
}

fn leaf(cx: &FiberCx, value: u64) -> FutureRef {
    let body = Machine(move |_: &FiberCx| Step::Done(Outcome::Ok(value)));
    cx.spawn_at(body, 0).expect("the global pool is open")
}

/// Runs `program` as main and prints its time over `operations`.
fn time(
    runtime: &Runtime,
    name: &str,
    operations: u64,
    program: impl FnOnce(&FiberCx) + Send + 'static,
) {
    let (start, cpu) = (Instant::now(), process_cpu());
    let main = stackful(move |cx| {
        program(cx);
        Outcome::Ok(0)
    });
    let report = runtime.run(main, SpawnInfo::default());
    let (took, cpu) = (start.elapsed(), process_cpu() - cpu);
    assert_eq!(report.outcome, Outcome::Ok(0));
    let millis = took.as_secs_f64() * 1e3;
    if !verbose() {
        return println!("{operations} {millis:.3}");
    }
    let per = |time: Duration| time.as_nanos() as f64 / operations as f64;
    let (wall, cpu) = (per(took), per(cpu));
    println!("{name:<14} {wall:>9.1} ns/op  {cpu:>9.1} cpu  {millis:>8.1} ms");
}

/// Are details wanted?
fn verbose() -> bool {
    !std::env::args().any(|a| a == "--plain")
}

fn value(outcome: Result<Outcome, lumen_runtime::WaitError>) -> u64 {
    match outcome {
        Ok(Outcome::Ok(value)) => value,
        other => panic!("{other:?}"),
    }
}

/// fib by one spawn per call, as an interpreter would: frames on the heap, no native stack.
struct Fib {
    n: u64,
    child: Option<FutureRef>,
    right: Option<u64>,
}

impl Body for Fib {
    fn resume(&mut self, cx: &FiberCx) -> Step {
        if self.n < 2 {
            return Step::Done(Outcome::Ok(self.n));
        }
        if self.child.is_none() {
            let left = Fib {
                n: self.n - 1,
                child: None,
                right: None,
            };
            self.child = Some(cx.spawn_at(left, 0).expect("the global pool is open"));
            let mut right = Fib {
                n: self.n - 2,
                child: None,
                right: None,
            };
            // The other branch runs right here, as a call.
            self.right = Some(loop {
                match right.resume(cx) {
                    Step::Done(Outcome::Ok(v)) => break v,
                    Step::Parked => {
                        // A call that must wait: an interpreter keeps its frame; here the
                        // native frame would have to stay, so only unstolen work is measured.
                        std::hint::spin_loop();
                    }
                    other => return other,
                }
            });
        }
        let Some(child) = &self.child else {
            return Step::Done(Outcome::Cancelled);
        };
        match child.poll_await(cx, None) {
            Poll::Pending => Step::Parked,
            Poll::Ready(left) => {
                Step::Done(Outcome::Ok(value(left) + self.right.unwrap_or_default()))
            }
        }
    }
}

fn fib_stackful(cx: &FiberCx, n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let left = spawn(cx, stackful(move |cx| Outcome::Ok(fib_stackful(cx, n - 1))));
    let right = fib_stackful(cx, n - 2);
    value(left.wait(cx)) + right
}

fn skynet(cx: &FiberCx, first: u64, size: u64) -> u64 {
    if size == 1 {
        return first;
    }
    let step = size / 10;
    let children: Vec<_> = (0..10)
        .map(|i| {
            let first = first + i * step;
            if step == 1 {
                leaf(cx, first)
            } else {
                spawn(cx, stackful(move |cx| Outcome::Ok(skynet(cx, first, step))))
            }
        })
        .collect();
    children.iter().rev().map(|c| value(c.wait(cx))).sum()
}

fn channel(cx: &FiberCx, capacity: usize) -> Arc<RawChannel> {
    let plain = PayloadVTable::PLAIN;
    Arc::new(RawChannel::new(cx, Some(capacity), OnFull::Block, plain))
}

/// A stackless echo: receives from one channel, sends to the other.
fn echo(from: Arc<RawChannel>, to: Arc<RawChannel>) -> Box<dyn Body> {
    let mut holding = None;
    machine(move |cx| {
        loop {
            let v = match holding {
                Some(v) => v,
                None => match from.poll_receive(cx, None) {
                    Poll::Pending => return Step::Parked,
                    Poll::Ready(Ok(r)) => r.value,
                    Poll::Ready(Err(_)) => return Step::Done(Outcome::Ok(0)),
                },
            };
            holding = Some(v);
            match to.poll_send(cx, v, None) {
                Poll::Pending => return Step::Parked,
                Poll::Ready(_) => holding = None,
            }
        }
    })
}

fn ping_pong(cx: &FiberCx, rounds: u64, deadline: bool) {
    let (a, b) = (channel(cx, 1), channel(cx, 1));
    let other = spawn(cx, echo(a.clone(), b.clone()));
    let (mut left, mut sent) = (rounds, false);
    let a2 = a.clone();
    let pinger = spawn(
        cx,
        machine(move |cx| {
            while left > 0 {
                if !sent {
                    match a2.poll_send(cx, left, None) {
                        Poll::Pending => return Step::Parked,
                        Poll::Ready(_) => sent = true,
                    }
                }
                let until = deadline.then(|| cx.now() + 1_000_000_000);
                match b.poll_receive(cx, until) {
                    Poll::Pending => return Step::Parked,
                    Poll::Ready(_) => sent = false,
                }
                left -= 1;
            }
            Step::Done(Outcome::Ok(0))
        }),
    );
    value(pinger.wait(cx));
    cx.block(|| a.poll_close(cx));
    value(other.wait(cx));
}

fn many_to_many(cx: &FiberCx, messages: u64) {
    let ch = channel(cx, 1024);
    let producers: Vec<_> = (0..4)
        .map(|_| {
            let ch = ch.clone();
            let mut left = messages / 4;
            spawn(
                cx,
                machine(move |cx| {
                    while left > 0 {
                        match ch.poll_send(cx, left, None) {
                            Poll::Pending => return Step::Parked,
                            Poll::Ready(_) => left -= 1,
                        }
                    }
                    Step::Done(Outcome::Ok(0))
                }),
            )
        })
        .collect();
    let consumers: Vec<_> = (0..4)
        .map(|_| {
            let ch = ch.clone();
            spawn(
                cx,
                machine(move |cx| {
                    loop {
                        match ch.poll_receive(cx, None) {
                            Poll::Pending => return Step::Parked,
                            Poll::Ready(Ok(_)) => {}
                            Poll::Ready(Err(_)) => return Step::Done(Outcome::Ok(0)),
                        }
                    }
                }),
            )
        })
        .collect();
    for p in &producers {
        value(p.wait(cx));
    }
    cx.block(|| ch.poll_close(cx));
    for c in &consumers {
        value(c.wait(cx));
    }
}

fn yielder(mut left: u64) -> Box<dyn Body> {
    machine(move |cx| {
        while left > 0 {
            match cx.poll_yield() {
                Poll::Pending => return Step::Parked,
                Poll::Ready(_) => left -= 1,
            }
        }
        Step::Done(Outcome::Ok(0))
    })
}

fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ')
        .nth(1)
        .and_then(|p| p.parse::<u64>().ok())
        .unwrap_or(0)
        * 4096
}

fn parked(cx: &FiberCx, n: u64) {
    let ch = channel(cx, 1);
    let before = resident();
    let arrived = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let seen = arrived.clone();
    let fibers: Vec<_> = (0..n)
        .map(|_| {
            let (ch, arrived) = (ch.clone(), arrived.clone());
            spawn(
                cx,
                machine(move |cx| match ch.poll_receive(cx, None) {
                    Poll::Pending => {
                        arrived.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        Step::Parked
                    }
                    Poll::Ready(_) => Step::Done(Outcome::Ok(0)),
                }),
            )
        })
        .collect();
    while seen.load(std::sync::atomic::Ordering::Relaxed) < n {
        cx.sleep(Duration::from_millis(1))
            .expect("main is not cancelled");
    }
    if verbose() {
        let bytes = (resident() - before) / n;
        println!("{:<14} {bytes:>9} B/fiber", "parked");
    }
    let woken = process_cpu();
    for value in 0..n {
        let sent = cx.block(|| ch.poll_send(cx, value, None));
        assert!(sent.is_ok());
    }
    for fiber in &fibers {
        value(fiber.wait(cx));
    }
    if verbose() {
        let per = (process_cpu() - woken).as_nanos() as f64 / n as f64;
        println!("{:<14} {per:>9.1} ns to wake and end (cpu)", "parked");
    }
}

/// A fiber that arms timers and gives them up: each round is a wait with a deadline that another
/// fiber ends. The difference to `ping_pong` is the timers'. Here: so many timers at once.
fn timers(cx: &FiberCx, n: u64) {
    let fibers: Vec<_> = (0..n)
        .map(|i| {
            let mut until = None;
            let body = Machine(move |cx: &FiberCx| {
                let until = *until.get_or_insert_with(|| cx.now() + 1_000_000_000 + i);
                match cx.poll_sleep_until(until) {
                    Poll::Pending => Step::Parked,
                    Poll::Ready(_) => Step::Done(Outcome::Ok(0)),
                }
            });
            cx.spawn_at(body, 0).expect("the global pool is open")
        })
        .collect();
    // They are all armed when this fiber's turn comes again; then they are all given up.
    cx.sleep(Duration::from_millis(1))
        .expect("main is not cancelled");
    for fiber in &fibers {
        fiber.cancel(cx);
    }
    for fiber in &fibers {
        let ended = fiber.wait(cx);
        assert!(matches!(ended, Ok(Outcome::Ok(_) | Outcome::Cancelled)));
    }
}

fn sleepers(cx: &FiberCx, n: u64) {
    let fibers: Vec<_> = (0..n)
        .map(|i| {
            let time = (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % 100_000 * 1000;
            let mut until = None;
            spawn(
                cx,
                machine(move |cx| {
                    let until = *until.get_or_insert_with(|| cx.now() + time);
                    match cx.poll_sleep_until(until) {
                        Poll::Pending => Step::Parked,
                        Poll::Ready(_) => Step::Done(Outcome::Ok(cx.now() - until)),
                    }
                }),
            )
        })
        .collect();
    let late: u64 = fibers.iter().map(|f| value(f.wait(cx))).sum();
    if verbose() {
        let late = late as f64 / n as f64 / 1e6;
        println!("{:<14} {late:>9.2} ms mean lateness", "sleepers");
    }
}

/// Spawns and awaits as an interpreter does: the parent has no stack of its own.
fn stackless(cx: &FiberCx, n: u64) {
    let (mut left, mut child) = (n, None);
    let parent = machine(move |cx| {
        while left > 0 {
            let awaited = child.take().unwrap_or_else(|| leaf(cx, left));
            match awaited.poll_await(cx, None) {
                Poll::Pending => {
                    child = Some(awaited);
                    return Step::Parked;
                }
                Poll::Ready(_) => left -= 1,
            }
        }
        Step::Done(Outcome::Ok(0))
    });
    value(spawn(cx, parent).wait(cx));
}

fn main() {
    let mut args = std::env::args().skip(1);
    let workers = args.next().and_then(|w| w.parse().ok()).unwrap_or(1);
    let only = args.next();
    let config = || Config {
        workers,
        ..Config::default()
    };
    let runtime = Runtime::new(config()).expect("threads");
    let wanted = |name: &str| only.as_deref().is_none_or(|only| name.starts_with(only));
    let run = |name: &str, n: u64, f: fn(&FiberCx, u64)| {
        if wanted(name) {
            time(&runtime, name, n, move |cx| f(cx, n));
        }
    };
    // The first one warms up.
    for _ in 0..1 + usize::from(verbose()) {
        run("spawn_await", 1_000_000, |cx, n| {
            for i in 0..n {
                value(leaf(cx, i).wait(cx));
            }
        });
    }
    run("spawn_stackless", 1_000_000, stackless);
    run("spawn_batch", 1_000_000, |cx, n| {
        let all: Vec<_> = (0..n).map(|i| leaf(cx, i)).collect();
        for child in &all {
            value(child.wait(cx));
        }
    });
    run("fib_spawn", 317_810, |cx, _| {
        let fib = spawn(
            cx,
            Box::new(Fib {
                n: 27,
                child: None,
                right: None,
            }),
        );
        assert_eq!(value(fib.wait(cx)), 196_418);
    });
    run("fib_stackful", 317_810, |cx, _| {
        assert_eq!(fib_stackful(cx, 27), 196_418)
    });
    run("skynet", 1_000_000, |cx, n| {
        assert_eq!(skynet(cx, 0, n), 499_999_500_000)
    });
    run("ping_pong", 500_000, |cx, n| ping_pong(cx, n, false));
    run("ping_timeout", 500_000, |cx, n| ping_pong(cx, n, true));
    run("timers", 1_000_000, timers);
    run("chan_4_4", 4_000_000, many_to_many);
    run("yield", 2_000_000, |cx, n| {
        let (a, b) = (spawn(cx, yielder(n / 2)), spawn(cx, yielder(n / 2)));
        value(a.wait(cx));
        value(b.wait(cx));
    });
    run("parked", 1_000_000, parked);
    run("sleepers", 100_000, sleepers);
    if verbose() {
        println!("{:?}", runtime.stats());
    }
}
