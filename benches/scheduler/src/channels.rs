//! flume and kanal on tokio's tasks.

use crate::timed;
use tokio::runtime::Builder;

const MESSAGES: u64 = 4_000_000;
const CAPACITY: usize = 1024;

pub fn run(peer: &str, workload: &str, workers: usize) {
    let runtime = Builder::new_multi_thread().worker_threads(workers).build();
    let (Ok(runtime), "chan_4_4") = (runtime, workload) else {
        return;
    };
    timed(MESSAGES, || {
        let sum = match peer {
            "flume" => runtime.block_on(flume_4_4()),
            _ => runtime.block_on(kanal_4_4()),
        };
        assert_eq!(sum, (0..MESSAGES / 4).sum::<u64>() * 4);
    });
}

async fn sum_of(tasks: Vec<tokio::task::JoinHandle<u64>>) -> u64 {
    let mut sum = 0;
    for task in tasks {
        sum += task.await.expect("no task panics");
    }
    sum
}

async fn flume_4_4() -> u64 {
    let (send, receive) = flume::bounded(CAPACITY);
    for _ in 0..4 {
        let send = send.clone();
        tokio::spawn(async move {
            for i in 0..MESSAGES / 4 {
                assert!(send.send_async(i).await.is_ok());
            }
        });
    }
    drop(send);
    let consumer = || {
        let receive = receive.clone();
        tokio::spawn(async move {
            let mut sum = 0;
            while let Ok(v) = receive.recv_async().await {
                sum += v;
            }
            sum
        })
    };
    sum_of((0..4).map(|_| consumer()).collect()).await
}

async fn kanal_4_4() -> u64 {
    let (send, receive) = kanal::bounded_async(CAPACITY);
    for _ in 0..4 {
        let send = send.clone();
        tokio::spawn(async move {
            for i in 0..MESSAGES / 4 {
                assert!(send.send(i).await.is_ok());
            }
        });
    }
    drop(send);
    let consumer = || {
        let receive = receive.clone();
        tokio::spawn(async move {
            let mut sum = 0;
            while let Ok(v) = receive.recv().await {
                sum += v;
            }
            sum
        })
    };
    sum_of((0..4).map(|_| consumer()).collect()).await
}
