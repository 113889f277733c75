//! Times the scheduler's workloads, Lumen's and others', and prints one table.
//!
//! `cargo run --release --manifest-path benches/scheduler/Cargo.toml -- [--cpu] [--runs N]
//! [WORKLOAD…]`
//!
//! Every measurement is a process of its own, and the contestants take turns, so that a noisy
//! minute of the machine hits all of them. The figure is the median of the runs in nanoseconds
//! per operation of wall time, the least in parentheses; with `--cpu` of processor time of all
//! threads, start included, which tells more on a machine that does other work beside. `LUMEN` and
//! `RUNTIME_BENCH` name the binaries if they are not in the root's `target/release`.

mod channels;
mod coroutines;
mod fork_join;
mod tasks;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Workloads, with what one operation is.
const WORKLOADS: &[(&str, &str)] = &[
    ("spawn_await", "task"),
    ("spawn_batch", "task"),
    ("fib_calls", "call, without tasks"),
    ("fib_spawn", "task"),
    ("skynet", "leaf"),
    ("ping_pong", "round trip"),
    ("ping_timeout", "round trip"),
    ("chan_4_4", "message"),
    ("yield", "turn"),
    ("parked", "task"),
    ("sleepers", "task"),
];
/// Contestants: how each is called in the table.
/// `lumen` is the interpreter alone.
const CONTESTANTS: &[&str] = &[
    "lumen",
    "lumen-jit",
    "runtime",
    "tokio",
    "rayon",
    "flume",
    "kanal",
    "may",
    "go",
];

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|a| a == "--peer") {
        return run_peer(&args[1], &args[2], args[3].parse().unwrap_or(1));
    }
    let mut runs = 5;
    if let Some(at) = args.iter().position(|a| a == "--runs") {
        runs = args
            .get(at + 1)
            .and_then(|n| n.parse().ok())
            .unwrap_or(runs);
        args.drain(at..args.len().min(at + 2));
    }
    let cpu = args.iter().any(|a| a == "--cpu");
    args.retain(|a| a != "--cpu");
    let places = Places::find(cpu);
    let head: String = CONTESTANTS.iter().map(|c| format!(" {c:>15}")).collect();
    println!("{:<13} {:<20} {:>2}{head}", "workload", "operation", "w");
    for (workload, operation) in WORKLOADS {
        if !args.is_empty() && !args.iter().any(|a| workload.starts_with(a.as_str())) {
            continue;
        }
        for workers in [1, 2] {
            row(&places, workload, operation, workers, runs);
        }
    }
}

fn row(places: &Places, workload: &str, operation: &str, workers: usize, runs: usize) {
    let mut times = vec![Vec::new(); CONTESTANTS.len()];
    for _ in 0..runs {
        for (times, contestant) in times.iter_mut().zip(CONTESTANTS) {
            times.extend(places.measure(contestant, workload, workers));
        }
    }
    print!("{workload:<13} {operation:<20} {workers:>2}");
    for mut times in times {
        times.sort_by(f64::total_cmp);
        match times.get(times.len() / 2) {
            Some(median) => print!(" {:>15}", format!("{median:.0} ({:.0})", times[0])),
            None => print!(" {:>15}", "-"),
        }
    }
    println!();
}

/// Where the contestants are.
struct Places {
    root: PathBuf,
    lumen: PathBuf,
    runtime: PathBuf,
    go: Option<PathBuf>,
    /// Processor time, not wall time?
    cpu: bool,
}

impl Places {
    fn find(cpu: bool) -> Places {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let named = |variable: &str, usual: &str| {
            std::env::var_os(variable).map_or_else(|| root.join(usual), PathBuf::from)
        };
        let go = root.join("target/peers/sched-go");
        let source = root.join("benches/scheduler/go/sched.go");
        let built = Command::new("go")
            .arg("build")
            .arg("-o")
            .arg(&go)
            .arg(source)
            .status();
        Places {
            lumen: named("LUMEN", "target/release/lumen"),
            runtime: named("RUNTIME_BENCH", "target/release/examples/bench"),
            go: built.is_ok_and(|status| status.success()).then_some(go),
            root,
            cpu,
        }
    }

    /// Nanoseconds per operation; `None` where there is no such program.
    fn measure(&self, contestant: &str, workload: &str, workers: usize) -> Option<f64> {
        let w = workers.to_string();
        let mut command = match contestant {
            "lumen" | "lumen-jit" => {
                let program = format!("benches/programs/sched/{workload}.lm");
                let jit = ["off", "auto"][usize::from(contestant != "lumen")];
                let mut c = Command::new(&self.lumen);
                c.args(["run", "--jit", jit, "--workers", &w]);
                c.arg(self.root.join(program));
                c
            }
            "runtime" => {
                let mut c = Command::new(&self.runtime);
                c.args([&w, workload, "--plain"]);
                c
            }
            "go" => {
                let mut c = Command::new(self.go.as_ref()?);
                c.arg(workload).env("GOMAXPROCS", &w);
                c
            }
            peer => {
                let mut c = Command::new(std::env::current_exe().ok()?);
                c.args(["--peer", peer, workload, &w]);
                c
            }
        };
        let before = children_time();
        let output = command.output().ok()?;
        let cpu = children_time() - before;
        let text = String::from_utf8(output.stdout).ok()?;
        let mut fields = text.split_ascii_whitespace();
        let operations: f64 = fields.next()?.parse().ok()?;
        let millis: f64 = fields.next()?.parse().ok()?;
        let nanos = if self.cpu { cpu } else { millis * 1e6 };
        output.status.success().then_some(nanos / operations)
    }
}

/// Processor time of all processes that have been waited for, in nanoseconds.
fn children_time() -> f64 {
    // SAFETY: all zeros is a value of this plain struct, and the place is ours.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage);
        usage
    };
    let nanos = |t: libc::timeval| t.tv_sec as f64 * 1e9 + t.tv_usec as f64 * 1e3;
    nanos(usage.ru_utime) + nanos(usage.ru_stime)
}

/// Prints operations and milliseconds, as all contestants do.
fn report(operations: u64, took: Duration) {
    println!("{operations} {:.3}", took.as_secs_f64() * 1e3);
}

/// Runs `f` and prints its time.
fn timed(operations: u64, f: impl FnOnce()) {
    let start = Instant::now();
    f();
    report(operations, start.elapsed());
}

fn run_peer(peer: &str, workload: &str, workers: usize) {
    match peer {
        "tokio" => tasks::run(workload, workers),
        "rayon" => fork_join::run(workload, workers),
        "may" => coroutines::run(workload, workers),
        _ => channels::run(peer, workload, workers),
    }
}
