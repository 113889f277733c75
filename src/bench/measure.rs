//! Runs the program again and again, the ways interleaved, so that a slow moment of the machine
//! hits all of them alike.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lumen_bytecode::Module;
use lumen_vm::{End, JitMode, JitStats, Options, Program};

use super::quiet::{Printed, Quiet};
use super::series::Series;
use super::watch::Watch;
use super::{Jit, Report};
use crate::report;

/// A sample of a warm way takes at least this long: short programs are run several times for it.
const SAMPLE_NS: f64 = 5e6;
/// How often a program is run for one sample, at most.
const BATCH_MAX: usize = 500;
/// Runs that are watched while a program becomes warm, at least and at most.
const WARM_UP: (usize, usize) = (3, 12);
/// Rounds that are measured however long they take, but for the slowest programs.
const ROUNDS_MIN: usize = 3;

/// What to measure, and for how long.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The program's file, for its tools and imports.
    pub file: &'a Path,
    /// The program.
    pub module: Module,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How it runs.
    pub options: Options,
    /// The seed of chance, the same in every run.
    pub seed: u64,
    /// Rounds at most.
    pub rounds: usize,
    /// No round begins that would end later than this.
    pub budget: Duration,
}

/// Why nothing could be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The machine refused the module.
    Load(String),
    /// The program failed, in this way and with this report.
    Failed(&'static str, String),
}

/// One run.
struct Run {
    ns: f64,
    printed: Printed,
    jit: JitStats,
}

/// What a measurement keeps from round to round.
struct Bench<'a> {
    plan: &'a Plan<'a>,
    first: Printed,
    same: bool,
    watch: Watch,
}

/// Measures.
///
/// # Errors
/// When the program cannot be loaded, or fails.
pub fn measure(plan: &Plan<'_>) -> Result<Report, Trouble> {
    let begin = Instant::now();
    let mut bench = Bench {
        plan,
        first: Printed::default(),
        same: true,
        watch: Watch::new(plan.budget),
    };
    let interpreter = bench.load(JitMode::Off)?;
    let probe = bench.once(&interpreter, super::INTERPRETER)?;
    bench.first = probe.printed.clone();
    let batch = batch_of(probe.ns);
    let mut report = Report {
        output_bytes: probe.printed.bytes,
        ..Report::default()
    };
    let mut warm = match plan.options.jit {
        JitMode::Off => None,
        mode => Some(bench.warm_up(mode, probe.ns)?),
    };
    while report.rounds < plan.rounds {
        let round = Instant::now();
        show_progress(report.rounds, plan.rounds);
        let sample = bench.sample(&interpreter, super::INTERPRETER, batch)?;
        report.interpreter.push(sample);
        if let Some(warm) = &mut warm {
            bench.round(warm)?;
        }
        report.rounds += 1;
        let (spent, next) = (begin.elapsed(), round.elapsed());
        let enough = report.rounds >= ROUNDS_MIN || spent > plan.budget * 3;
        if enough && spent + next > plan.budget {
            break;
        }
    }
    show_progress(0, 0);
    report.same_output = bench.same;
    report.seconds = begin.elapsed().as_secs_f64();
    report.jit = warm.map(|warm| warm.jit);
    Ok(report)
}

/// A program that has been run until it was warm, and what was measured of it.
struct Warm {
    program: Program,
    batch: usize,
    jit: Jit,
}

fn batch_of(ns: f64) -> usize {
    let runs = (SAMPLE_NS / ns.max(1.0)).ceil();
    (runs as usize).clamp(1, BATCH_MAX)
}

/// Tells whoever watches how far it has got; of no rounds: takes that back.
fn show_progress(done: usize, all: usize) {
    if std::io::stderr().is_terminal() {
        let text = match all {
            0 => "\r\x1b[K".to_owned(),
            _ => format!("\rround {} of {all} ", done + 1),
        };
        report::error_text(&text);
    }
}

impl Bench<'_> {
    fn load(&self, jit: JitMode) -> Result<Program, Trouble> {
        let options = Options {
            jit,
            ..self.plan.options.clone()
        };
        Program::load(self.plan.module.clone(), &[], options)
            .map_err(|error| Trouble::Load(error.to_string()))
    }

    /// One run; `way` is its name when it fails.
    fn once(&self, program: &Program, way: &'static str) -> Result<Run, Trouble> {
        let plan = self.plan;
        let workers = plan.options.workers;
        let quiet = Arc::new(Quiet::new(plan.file, &plan.arguments, workers, plan.seed));
        self.watch.begins(way);
        let begin = Instant::now();
        let ended = program.run(quiet.clone());
        let ns = begin.elapsed().as_nanos() as f64;
        let code = ended.exit_code();
        let end = match ended.end {
            End::Failed(failure) => {
                let errors = quiet.printed("").errors;
                return Err(Trouble::Failed(way, errors + &failure.render()));
            }
            End::Value(value) => value.unwrap_or_default(),
            End::Exit(_) => String::new(),
        };
        let printed = quiet.printed(&end);
        if code != 0 {
            let message = format!("{}it ended with exit code {code}\n", printed.errors);
            return Err(Trouble::Failed(way, message));
        }
        let jit = ended.jit;
        Ok(Run { ns, printed, jit })
    }

    /// One run, whose output is compared with that of the very first.
    fn compared(&mut self, program: &Program, way: &'static str) -> Result<Run, Trouble> {
        let run = self.once(program, way)?;
        self.same &= run.printed.digest == self.first.digest;
        Ok(run)
    }

    /// The time of a run, as the median of `batch` of them: one of them that was interrupted does
    /// not count.
    fn sample(
        &mut self,
        program: &Program,
        way: &'static str,
        batch: usize,
    ) -> Result<f64, Trouble> {
        let mut series = Series::default();
        for _ in 0..batch {
            series.push(self.compared(program, way)?.ns);
        }
        Ok(series.median())
    }

    /// Runs a program until nothing more is compiled and it gets no faster.
    fn warm_up(&mut self, mode: JitMode, interpreted_ns: f64) -> Result<Warm, Trouble> {
        let program = self.load(mode)?;
        let begin = Instant::now();
        let mut times: Vec<f64> = Vec::new();
        let mut before = JitStats::default();
        let mut still = 0;
        while times.len() < WARM_UP.1 {
            let run = self.compared(&program, super::FIRST)?;
            let best = times.iter().copied().fold(f64::INFINITY, f64::min);
            let made = |stats: &JitStats| (stats.functions, stats.loops);
            let quiet = made(&before) == made(&run.jit) && run.ns > best * 0.97;
            still = if quiet { still + 1 } else { 0 };
            before = run.jit;
            times.push(run.ns);
            let late = begin.elapsed() > self.plan.budget / 4;
            if times.len() >= WARM_UP.0 && (still >= 2 || late) {
                break;
            }
        }
        let turns = times.len();
        let warm = times.last().copied().unwrap_or(interpreted_ns);
        Ok(Warm {
            program,
            batch: batch_of(warm),
            jit: Jit {
                warm_up: vec![Series::default(); turns],
                compiled: before,
                threshold: self.plan.options.jit_threshold,
                mode: mode_name(mode).to_owned(),
                ..Jit::default()
            },
        })
    }

    /// The runs with native code of one round: a fresh program becomes warm, then a warm one.
    fn round(&mut self, warm: &mut Warm) -> Result<(), Trouble> {
        let fresh = self.load(self.plan.options.jit)?;
        for series in &mut warm.jit.warm_up {
            series.push(self.compared(&fresh, super::FIRST)?.ns);
        }
        drop(fresh);
        let sample = self.sample(&warm.program, super::STEADY, warm.batch)?;
        warm.jit.steady.push(sample);
        Ok(())
    }
}

fn mode_name(mode: JitMode) -> &'static str {
    let found = JitMode::NAMES.iter().find(|(_, m)| *m == mode);
    found.map_or("auto", |(name, _)| name)
}
