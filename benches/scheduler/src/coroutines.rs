//! may: stackful coroutines on several threads, the only peer of Lumen's kind in Rust.
//!
//! A stack is a mapping of its own with a guard, so that some 32 000 of them are the kernel's usual
//! limit: where other contestants have a million tasks at once, may has 20 000.

use crate::timed;
use may::coroutine::{self, JoinHandle};
use may::sync::{mpmc, mpsc};
use std::time::Duration;

/// Coroutines alive at once, at most.
const CROWD: u64 = 20_000;
const STACK: usize = 0x1000;

pub fn run(workload: &str, workers: usize) {
    may::config().set_workers(workers).set_stack_size(STACK);
    match workload {
        "spawn_await" => main(200_000, || {
            for i in 0..200_000u64 {
                done(go(move || i));
            }
        }),
        "spawn_batch" => main(10 * CROWD, || {
            for _ in 0..10 {
                let all: Vec<_> = (0..CROWD).map(|i| go(move || i)).collect();
                all.into_iter().for_each(|task| {
                    done(task);
                });
            }
        }),
        // Fewer than elsewhere: spawned breadth first, all of a level are alive at once.
        "fib_spawn" => main(10_945, || assert_eq!(fib(20), 6_765)),
        "skynet" => main(10_000, || assert_eq!(skynet(0, 10_000), 49_995_000)),
        "ping_pong" => main(500_000, || ping_pong(500_000, false)),
        "ping_timeout" => main(500_000, || ping_pong(500_000, true)),
        "chan_4_4" => main(4_000_000, || chan_4_4(1_000_000)),
        "yield" => main(2_000_000, || {
            let turns = || (0..1_000_000).for_each(|_| coroutine::yield_now());
            let (a, b) = (go(turns), go(turns));
            done(a);
            done(b);
        }),
        "parked" => main(CROWD, parked),
        _ => {}
    }
}

fn go<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    // SAFETY: no coroutine here uses a thread's storage or more stack than it has.
    unsafe { coroutine::spawn(f) }
}

fn done<T>(task: JoinHandle<T>) -> T {
    task.join().expect("no coroutine panics")
}

/// Runs `program` as a coroutine, not on the calling thread, which is no worker.
fn main(operations: u64, program: impl FnOnce() + Send + 'static) {
    timed(operations, || done(go(program)));
}

fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let left = go(move || fib(n - 1));
    let right = fib(n - 2);
    done(left) + right
}

fn skynet(first: u64, size: u64) -> u64 {
    if size == 1 {
        return first;
    }
    let step = size / 10;
    let all: Vec<_> = (0..10)
        .map(|i| go(move || skynet(first + i * step, step)))
        .collect();
    all.into_iter().map(done).sum()
}

fn ping_pong(rounds: u64, timeout: bool) {
    let (ping, pinged) = mpsc::channel();
    let (pong, ponged) = mpsc::channel();
    let other = go(move || {
        while let Ok(v) = pinged.recv() {
            if pong.send(v).is_err() {
                break;
            }
        }
    });
    for i in 0..rounds {
        assert!(ping.send(i).is_ok());
        let back = if timeout {
            ponged.recv_timeout(Duration::from_secs(1)).ok()
        } else {
            ponged.recv().ok()
        };
        assert_eq!(back, Some(i));
    }
    drop(ping);
    done(other);
}

/// Its channels have no bound.
fn chan_4_4(each: u64) {
    let (send, receive) = mpmc::channel();
    for _ in 0..4 {
        let send = send.clone();
        go(move || (0..each).for_each(|i| assert!(send.send(i).is_ok())));
    }
    drop(send);
    let consumer = || {
        let receive = receive.clone();
        go(move || {
            let mut sum = 0;
            while let Ok(v) = receive.recv() {
                sum += v;
            }
            sum
        })
    };
    let all: Vec<_> = (0..4).map(|_| consumer()).collect();
    let sum: u64 = all.into_iter().map(done).sum();
    assert_eq!(sum, (0..each).sum::<u64>() * 4);
}

fn parked() {
    let (senders, tasks): (Vec<_>, Vec<_>) = (0..CROWD)
        .map(|_| {
            let (send, receive) = mpsc::channel::<u64>();
            (send, go(move || receive.recv()))
        })
        .unzip();
    coroutine::yield_now();
    for (i, sender) in senders.into_iter().enumerate() {
        assert!(sender.send(i as u64).is_ok());
    }
    for task in tasks {
        assert!(done(task).is_ok());
    }
}
