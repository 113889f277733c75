//! rayon.

use crate::timed;

pub fn run(workload: &str, workers: usize) {
    let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(workers).build() else {
        return;
    };
    match workload {
        "spawn_batch" => timed(1_000_000, || {
            pool.scope(|scope| {
                for i in 0..1_000_000u64 {
                    scope.spawn(move |_| {
                        std::hint::black_box(i);
                    });
                }
            });
        }),
        "fib_spawn" => timed(317_810, || {
            assert_eq!(pool.install(|| fib(27)), 196_418);
        }),
        "skynet" => timed(1_000_000, || {
            assert_eq!(pool.install(|| skynet(0, 1_000_000)), 499_999_500_000);
        }),
        _ => {}
    }
}

fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (left, right) = rayon::join(|| fib(n - 1), || fib(n - 2));
    left + right
}

fn skynet(first: u64, size: u64) -> u64 {
    if size == 1 {
        return first;
    }
    let step = size / 10;
    let mut sums = [0; 10];
    rayon::scope(|scope| {
        for (i, sum) in sums.iter_mut().enumerate() {
            scope.spawn(move |_| *sum = skynet(first + i as u64 * step, step));
        }
    });
    sums.iter().sum()
}
