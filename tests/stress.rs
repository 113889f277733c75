//! The golden concurrent programs under stress: other schedules, faults at every scheduling
//! point, pauses in the parallel scheduler.
//!
//! Each run must end, leave no object behind, and fail only with failures that make sense; a run
//! that is repeated does the same, operation by operation. By default a bounded share is run, one
//! that changes with the programs only. `LUMEN_STRESS=N` multiplies it (0: every point);
//! `LUMEN_GOLDEN=text` restricts the programs.

#[path = "support/nested.rs"]
mod nested;
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use lumen::pipeline::Session;
use lumen::report::ErrorFormat;
use lumen_runtime::native::{Host, Stream as To};
use lumen_runtime::random::Stream;
use lumen_runtime::sched::decide::Fault;
use lumen_runtime::sched::policy::inject::Injection;
use lumen_runtime::sched::policy::{Schedule, Scheduler};
use lumen_vm::{End, Ended, JitMode, Options, Program};
use support::{Kind, programs};

/// A run that takes longer is interrupted, as by Ctrl-C: with a part of it gone, a program may
/// wait in a loop for ever.
const PATIENCE: Duration = Duration::from_secs(5);

/// A run that goes on so long after that hangs.
const LIMIT: Duration = Duration::from_secs(300);

/// Points tried per program and kind of fault, unless `LUMEN_STRESS` says otherwise.
const SHARE: u64 = 6;

/// So much of what is printed is kept.
const KEPT: usize = 1 << 20;

/// How many times the usual share; `None` is everything.
fn factor() -> Option<u64> {
    let given = std::env::var("LUMEN_STRESS").ok();
    match given.and_then(|n| n.parse().ok()) {
        Some(0) => None,
        Some(n) => Some(n),
        None => Some(1),
    }
}

/// A world that keeps what is printed.
#[derive(Default)]
struct Kept {
    out: Mutex<String>,
    errors: Mutex<String>,
    drawn: AtomicUsize,
    interrupt: Mutex<Option<Box<dyn Fn() -> bool + Send>>>,
    arguments: Vec<String>,
}

impl Host for Kept {
    fn started(&self, interrupt: Box<dyn Fn() -> bool + Send>) {
        *self.interrupt.lock().expect("no panic") = Some(interrupt);
    }

    fn arguments(&self) -> &[String] {
        &self.arguments
    }

    fn write(&self, stream: To, text: &str) -> Result<(), String> {
        let to = match stream {
            To::Out => &self.out,
            To::Err => &self.errors,
        };
        let mut to = to.lock().expect("no writer panics");
        if to.len() < KEPT {
            to.push_str(text);
        }
        Ok(())
    }

    fn read_line(&self) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn read_rest(&self) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }

    fn now_ns(&self) -> i64 {
        0
    }

    fn timestamp_ms(&self) -> i64 {
        0
    }

    fn random(&self) -> u64 {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        Stream::new(drawn as u64).next_u64()
    }

    fn workers(&self) -> usize {
        4
    }
}

/// What a run did.
struct Run {
    ended: Ended,
    out: String,
    errors: String,
    /// It had to be interrupted.
    endless: bool,
}

/// Runs a program on a thread of its own.
fn run(program: &Program) -> Result<Run, String> {
    run_for(LIMIT, program)
}

/// As `run`, for a program that may be endless.
fn run_for(patience: Duration, program: &Program) -> Result<Run, String> {
    let (sender, receiver) = mpsc::channel();
    let program = program.clone();
    let host = Arc::new(Kept::default());
    let its = host.clone();
    std::thread::spawn(move || {
        // The receiver has gone when this took too long.
        let _ = sender.send(program.run(its));
    });
    let mut endless = false;
    let ended = receiver.recv_timeout(patience).or_else(|_| {
        endless = true;
        if let Some(interrupt) = &*host.interrupt.lock().expect("no panic") {
            interrupt();
        }
        receiver.recv_timeout(LIMIT)
    });
    *host.interrupt.lock().expect("no panic") = None;
    let ended = ended.map_err(|_| format!("hangs: {LIMIT:?} after an interrupt"))?;
    let take = |text: &Mutex<String>| std::mem::take(&mut *text.lock().expect("no panic"));
    let (out, errors) = (take(&host.out), take(&host.errors));
    Ok(Run {
        ended,
        out,
        errors,
        endless,
    })
}

/// What must hold of every run, whatever was put in.
fn sound(run: &Run) -> Result<(), String> {
    if run.ended.leaked != 0 {
        return Err(format!("{} objects left behind", run.ended.leaked));
    }
    let mut texts = vec![run.errors.clone()];
    if let End::Failed(failure) = &run.ended.end {
        texts.push(failure.render());
    }
    for text in texts {
        if ["internal error", "kind: Panic", "kind: Lost"]
            .iter()
            .any(|t| text.contains(t))
        {
            return Err(format!("an internal error:\n{text}"));
        }
    }
    Ok(())
}

/// What the program's comments say it prints.
fn expected(program: &support::Program) -> String {
    let lines = program.expectations.iter().filter_map(|e| match &e.kind {
        Kind::Output(text) => Some(format!("{}\n", text.trim_end())),
        _ => None,
    });
    lines.collect()
}

fn trimmed(text: &str) -> String {
    text.lines()
        .map(|l| format!("{}\n", l.trim_end()))
        .collect()
}

fn load(main: &Path) -> Result<Program, String> {
    load_with(main, JitMode::Off)
}

fn load_with(main: &Path, jit: JitMode) -> Result<Program, String> {
    let mut session = Session::new("stress", main, ErrorFormat::Human);
    let options = Options {
        workers: 4,
        jit,
        ..Options::default()
    };
    session
        .program(options)
        .map_err(|exit| format!("does not load: {exit:?}"))
}

fn scheduled(program: &Program, schedule: Schedule) -> Program {
    program.with(|options| {
        options.deterministic = true;
        options.schedule = schedule;
    })
}

/// The programs of `run/` that use fibers, with those made for this test.
///
/// With each: does it need parallel scheduling, and does it rely on the default order of
/// deterministic runs?
fn concurrent() -> Vec<(support::Program, [bool; 2])> {
    let mut found = programs("run");
    found.retain(|p| p.name.contains("concurrency"));
    let own = programs("stress").into_iter();
    found.extend(own.filter(|p| !p.name.contains("soak")));
    found
        .into_iter()
        .map(|program| {
            let text = std::fs::read_to_string(&program.main).expect("readable program");
            let has = |wanted| text.lines().any(|line| line == wanted);
            let needs = [has("# parallel only"), has("@deterministic true")];
            (program, needs)
        })
        .collect()
}

/// Does something with each program, two at a time, and fails with all complaints.
fn each(check: impl Fn(&support::Program, [bool; 2]) -> Vec<String> + Sync) {
    let programs = concurrent();
    let next = AtomicUsize::new(0);
    let complaints = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((program, needs)) =
                    programs.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let start = Instant::now();
                    let found = check(program, *needs);
                    if std::env::var_os("LUMEN_STRESS_SHOW").is_some() {
                        println!("{} {:?} {found:#?}", program.name, start.elapsed());
                    }
                    let named = found.iter().map(|c| format!("{}: {c}", program.name));
                    complaints.lock().expect("no panic").extend(named);
                }
            });
        }
    });
    let complaints = complaints.into_inner().expect("no panic");
    assert!(
        complaints.is_empty(),
        "{} complaints\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

/// Other schedules change nothing that a program may rely on, and a seed repeats its schedule.
#[test]
fn schedules_change_no_output() {
    each(|program, [parallel, fifo]| {
        if parallel || fifo {
            return Vec::new();
        }
        let loaded = match load(&program.main) {
            Ok(loaded) => loaded,
            Err(why) => return vec![why],
        };
        // What native code does must be the same, operation by operation.
        let native = match cfg!(feature = "jit").then(|| load_with(&program.main, JitMode::Always))
        {
            Some(Err(why)) => return vec![why],
            Some(Ok(native)) => Some(native),
            None => None,
        };
        let wanted = expected(program);
        let mut complaints = Vec::new();
        let kinds = [Scheduler::Random, Scheduler::Pct(3), Scheduler::Delay(2)];
        for seed in 0..factor().unwrap_or(100) {
            for scheduler in kinds {
                let schedule = Schedule {
                    scheduler,
                    seed,
                    ..Schedule::default()
                };
                let turn = AtomicUsize::new(0);
                let twice = || match (turn.fetch_add(1, Ordering::Relaxed), &native) {
                    (1, Some(native)) => run(&scheduled(native, schedule)),
                    _ => run(&scheduled(&loaded, schedule)),
                };
                if let Err(why) = same(twice, |run| {
                    sound(run)?;
                    match trimmed(&run.out) == wanted {
                        true => Ok(()),
                        false => Err(format!("prints\n{}{}", run.out, failure(run))),
                    }
                }) {
                    complaints.push(format!("--deterministic={scheduler} --seed {seed}: {why}"));
                }
            }
        }
        complaints
    });
}

fn failure(run: &Run) -> String {
    match &run.ended.end {
        End::Failed(failure) => failure.render(),
        _ => run.errors.clone(),
    }
}

/// Runs twice, checks the first run, and compares.
fn same(
    run: impl Fn() -> Result<Run, String>,
    check: impl Fn(&Run) -> Result<(), String>,
) -> Result<Run, String> {
    let first = run()?;
    check(&first)?;
    if first.endless {
        return Ok(first);
    }
    let second = run()?;
    let of = |run: &Run| (run.ended.trace_hash, run.out.clone(), run.ended.now_ns);
    if of(&first) != of(&second) {
        return Err(format!(
            "differs when it is repeated: {:?} and {:?}",
            of(&first),
            of(&second)
        ));
    }
    Ok(first)
}

/// Which of `points` points are tried.
fn chosen(points: u64, seed: u64) -> Vec<u64> {
    let Some(factor) = factor() else {
        return (1..=points.min(5000)).collect();
    };
    let share = (SHARE * factor).min(points);
    (0..share)
        .map(|k| 1 + (k * points + seed % points.max(1)) / share % points)
        .collect()
}

/// A fault at every scheduling point of every program, one run each.
#[test]
fn faults_are_borne_everywhere() {
    let outcomes = Mutex::new(BTreeMap::<String, u64>::new());
    let runs = AtomicUsize::new(0);
    let start = Instant::now();
    each(|program, [parallel, _]| {
        if parallel {
            return Vec::new();
        }
        let loaded = match load(&program.main) {
            Ok(loaded) => loaded,
            Err(why) => return vec![why],
        };
        let mut complaints = Vec::new();
        let faulty = |injection| {
            let schedule = Schedule {
                injection: Some(injection),
                ..Schedule::default()
            };
            scheduled(&loaded, schedule)
        };
        for (polls, faults) in [
            (false, &[Fault::Cancel, Fault::Fail, Fault::Delay][..]),
            (true, &[Fault::Cancel][..]),
        ] {
            let nowhere = Injection {
                polls,
                ..Injection::NOWHERE
            };
            let points = match run(&faulty(nowhere)) {
                Ok(run) => run.ended.counts.points,
                Err(why) => return vec![format!("without a fault: {why}")],
            };
            for &fault in faults {
                let points = points[fault as usize - 1];
                for at in chosen(points, program.name.len() as u64) {
                    let injection = Injection { fault, at, polls };
                    runs.fetch_add(1, Ordering::Relaxed);
                    let turn = AtomicUsize::new(0);
                    // When the first has ended so will the second, however slow the machine is.
                    let next = || match turn.fetch_add(1, Ordering::Relaxed) {
                        0 => run_for(PATIENCE, &faulty(injection)),
                        _ => run_for(LIMIT, &faulty(injection)),
                    };
                    match same(next, sound) {
                        Ok(run) => {
                            let key = format!("{fault:?} {}", outcome(&run));
                            *outcomes.lock().expect("no panic").entry(key).or_default() += 1;
                            if run.ended.deadlocked
                                && std::env::var_os("LUMEN_STRESS_SHOW").is_some()
                            {
                                println!("{} {fault:?}@{at} {polls}\n{}", program.name, run.errors);
                            }
                        }
                        Err(why) if why.starts_with("hangs") => {
                            // Each such run leaves a busy thread behind: enough of this program.
                            complaints.push(format!("{fault:?}@{at} (polls: {polls}): {why}"));
                            return complaints;
                        }
                        Err(why) => complaints.push(format!(
                            "{fault:?}@{at} of {points} (polls: {polls}): {why}"
                        )),
                    }
                }
            }
        }
        complaints
    });
    println!(
        "{} injections in {:?}: {:#?}",
        runs.into_inner(),
        start.elapsed(),
        outcomes.into_inner().expect("no panic")
    );
}

/// How a run ended, in a word.
fn outcome(run: &Run) -> String {
    match &run.ended.end {
        _ if run.endless => "endless".into(),
        _ if run.ended.deadlocked => "deadlock".into(),
        End::Failed(failure) => failure.kind.clone(),
        End::Exit(code) => format!("exit {code}"),
        End::Value(_) if run.ended.detached_failures > 0 => "detached failure".into(),
        End::Value(_) => "ok".into(),
    }
}

/// On several workers, with pauses at all the moments that matter, programs print the same.
#[test]
fn pauses_change_no_output() {
    each(|program, _| {
        let loaded = match load(&program.main) {
            Ok(loaded) => loaded,
            Err(why) => return vec![why],
        };
        let wanted = expected(program);
        let mut complaints = Vec::new();
        for seed in 0..factor().unwrap_or(30) {
            for workers in [1, 3] {
                let paused = loaded.with(|options| {
                    options.workers = workers;
                    options.delays = Some(seed);
                });
                let checked = run(&paused).and_then(|run| {
                    sound(&run)?;
                    match trimmed(&run.out) == wanted {
                        true => Ok(()),
                        false => Err(format!("prints\n{}{}", run.out, failure(&run))),
                    }
                });
                if let Err(why) = checked {
                    complaints.push(format!("--workers {workers} --delays {seed}: {why}"));
                }
            }
        }
        complaints
    });
}

/// Memory of this process in the machine, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:"));
    line.and_then(|l| l.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

/// Random loads of all constructs for a while, `LUMEN_SOAK` seconds: in the end nothing is left,
/// and memory does not grow. (The program itself looks after each round whether every fiber has
/// ended and every message is accounted for.)
#[test]
fn loads_leave_nothing_and_memory_stays() {
    let seconds: u64 = std::env::var("LUMEN_SOAK")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(2);
    let main = support::folder("stress").join("soak").join("main.lm");
    let loaded = load(&main).expect("the soak loads");
    let counts = [2, 3, 4, 8];
    for workers in counts {
        let mut samples = Vec::new();
        let host = Arc::new(Kept {
            arguments: vec![(seconds * 1000 / counts.len() as u64).to_string()],
            ..Kept::default()
        });
        let (program, its) = (
            loaded.with(|options| options.workers = workers),
            host.clone(),
        );
        let running = std::thread::spawn(move || program.run(its));
        let start = Instant::now();
        while !running.is_finished() {
            assert!(
                start.elapsed() < Duration::from_secs(seconds + 600),
                "{workers} workers hang"
            );
            std::thread::sleep(Duration::from_millis(100));
            samples.push(resident());
        }
        let ended = running.join().expect("no panic");
        let run = Run {
            ended,
            out: host.out.lock().expect("no panic").clone(),
            errors: host.errors.lock().expect("no panic").clone(),
            endless: false,
        };
        let rounds = run.errors.lines().rev().find(|l| l.ends_with("rounds"));
        println!(
            "{workers} workers: {rounds:?}, {:?}, {:?}",
            run.ended.stats,
            resident()
        );
        assert_eq!(sound(&run), Ok(()));
        assert_eq!(run.out, "nothing is left\n", "{}", failure(&run));
        let most = |part: &[u64]| part.iter().copied().max().unwrap_or(0);
        let (first, second) = samples.split_at(samples.len() / 2);
        let (first, second) = (most(first), most(second));
        println!("resident in the halves: at most {first} and {second} KiB");
        assert!(
            second < first * 5 / 4 + 16 * 1024,
            "memory grows: {first} then {second} KiB"
        );
    }
}

/// Random programs that nest every construct in every other print the same in every order and on
/// any number of workers.
#[test]
fn nested_constructs_mean_the_same_everywhere() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nested");
    std::fs::create_dir_all(&folder).expect("a folder for programs");
    for seed in 0..25 * factor().unwrap_or(200) {
        let file = folder.join(format!("p{seed}.lm"));
        std::fs::write(&file, nested::program(seed)).expect("a program is written");
        let loaded = load(&file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        let ordered = |scheduler| {
            let schedule = Schedule {
                scheduler,
                seed,
                ..Schedule::default()
            };
            scheduled(&loaded, schedule)
        };
        let parallel = |workers, delays| {
            loaded.with(|options| {
                options.workers = workers;
                options.delays = delays;
            })
        };
        let ways = [
            ordered(Scheduler::Fifo),
            ordered(Scheduler::Random),
            ordered(Scheduler::Pct(3)),
            parallel(1, None),
            parallel(3, Some(seed)),
        ];
        let mut first = None;
        for (way, program) in ways.iter().enumerate() {
            let run = run(program)
                .and_then(|run| sound(&run).map(|()| run))
                .unwrap_or_else(|why| panic!("{} in way {way}: {why}", file.display()));
            let wanted = first.get_or_insert_with(|| run.out.clone());
            assert_eq!(*wanted, run.out, "{} in way {way}", file.display());
        }
        // What went wrong stays to be looked at.
        let _ = std::fs::remove_file(&file);
    }
}
