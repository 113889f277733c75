//! tokio.

use crate::timed;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

pub fn run(workload: &str, workers: usize) {
    let Ok(runtime) = Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_time()
        .build()
    else {
        return;
    };
    match workload {
        "spawn_await" => main(&runtime, 1_000_000, async {
            for i in 0..1_000_000u64 {
                done(tokio::spawn(async move { i })).await;
            }
        }),
        "spawn_batch" => main(&runtime, 1_000_000, async {
            let all: Vec<_> = (0..1_000_000u64)
                .map(|i| tokio::spawn(async move { i }))
                .collect();
            for task in all {
                done(task).await;
            }
        }),
        "fib_spawn" => main(&runtime, 317_810, async {
            assert_eq!(fib(27).await, 196_418);
        }),
        "skynet" => main(&runtime, 1_000_000, async {
            assert_eq!(skynet(0, 1_000_000).await, 499_999_500_000);
        }),
        "ping_pong" => main(&runtime, 500_000, ping_pong(500_000, false)),
        "ping_timeout" => main(&runtime, 500_000, ping_pong(500_000, true)),
        "yield" => main(&runtime, 2_000_000, async {
            let turns = || async {
                for _ in 0..1_000_000 {
                    tokio::task::yield_now().await;
                }
            };
            let (a, b) = (tokio::spawn(turns()), tokio::spawn(turns()));
            done(a).await;
            done(b).await;
        }),
        "parked" => main(&runtime, 1_000_000, parked(1_000_000)),
        "sleepers" => main(&runtime, 100_000, async {
            let all: Vec<_> = (0..100_000u64)
                .map(|i| tokio::spawn(tokio::time::sleep(Duration::from_millis(i * 7919 % 100))))
                .collect();
            for task in all {
                done(task).await;
            }
        }),
        _ => {}
    }
}

/// Runs `program` as a task, not on the calling thread, which is no worker.
fn main(runtime: &Runtime, operations: u64, program: impl Future<Output = ()> + Send + 'static) {
    timed(operations, || {
        let ended = runtime.block_on(runtime.spawn(program));
        assert!(ended.is_ok());
    });
}

async fn done<T>(task: tokio::task::JoinHandle<T>) -> T {
    task.await.expect("no task panics")
}

fn fib(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if n < 2 {
            return n;
        }
        let left = tokio::spawn(fib(n - 1));
        let right = fib(n - 2).await;
        done(left).await + right
    })
}

fn skynet(first: u64, size: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if size == 1 {
            return first;
        }
        let step = size / 10;
        let all: Vec<_> = (0..10)
            .map(|i| tokio::spawn(skynet(first + i * step, step)))
            .collect();
        let mut sum = 0;
        for task in all {
            sum += done(task).await;
        }
        sum
    })
}

async fn ping_pong(rounds: u64, timeout: bool) {
    let (ping, mut pinged) = mpsc::channel(1);
    let (pong, mut ponged) = mpsc::channel(1);
    let other = tokio::spawn(async move {
        while let Some(v) = pinged.recv().await {
            if pong.send(v).await.is_err() {
                break;
            }
        }
    });
    for i in 0..rounds {
        assert!(ping.send(i).await.is_ok());
        let back = if timeout {
            tokio::time::timeout(Duration::from_secs(1), ponged.recv())
                .await
                .ok()
                .flatten()
        } else {
            ponged.recv().await
        };
        assert_eq!(back, Some(i));
    }
    drop(ping);
    done(other).await;
}

async fn parked(n: u64) {
    let (senders, tasks): (Vec<_>, Vec<_>) = (0..n)
        .map(|_| {
            let (send, receive) = oneshot::channel::<u64>();
            (send, tokio::spawn(receive))
        })
        .unzip();
    tokio::task::yield_now().await;
    for (i, sender) in senders.into_iter().enumerate() {
        assert!(sender.send(i as u64).is_ok());
    }
    for task in tasks {
        assert!(done(task).await.is_ok());
    }
}
