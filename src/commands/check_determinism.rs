//! `lumen check-determinism FILE [ARGS…]`: does a program do the same every time?
//!
//! Runs in the same order and with the same seed must agree in every operation; whatever makes
//! them differ (a clock, a file that changes, an error in the machine) is beyond control. Runs in
//! another order, or on several workers, must agree in what they print: if they do not, the
//! program relies on an order that nobody promises.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use clap::{Arg, ArgMatches, Command, value_parser};
use lumen_runtime::sched::policy::{Schedule, Scheduler, UNKNOWN_LENGTH};
use lumen_runtime::sched::trace_hash::TraceLog;
use lumen_vm::{End, Ended, Options, Program};

use crate::captured::Captured;
use crate::pipeline::Session;
use crate::{Exit, report};

const NAME: &str = "lumen check-determinism";

/// What the command takes.
pub fn command() -> Command {
    Command::new("check-determinism")
        .about("Run a program many times and compare the runs")
        .long_about(
            "Run a program several times in the same order, in other orders, and on several \
             workers, and compare what it does and prints. Its output is not shown.",
        )
        .arg(super::file_argument("The program"))
        .arg(super::program_arguments())
        .arg(
            Arg::new("runs")
                .short('n')
                .long("runs")
                .value_name("N")
                .default_value("3")
                .value_parser(value_parser!(u64).range(1..=1_000_000))
                .help("Runs in the same order, and runs in each kind of other order"),
        )
        .arg(
            Arg::new("workers")
                .long("workers")
                .value_name("N,N")
                .value_delimiter(',')
                .default_value("1,2,8")
                .value_parser(value_parser!(u16).range(1..=1024))
                .help("Numbers of workers to try"),
        )
        .arg(
            Arg::new("seed")
                .long("seed")
                .value_name("S")
                .default_value("0")
                .value_parser(value_parser!(u64))
                .help("Seed of `random` and the like, and of the other orders"),
        )
        .arg(super::error_format_argument())
}

/// Runs and compares.
pub fn run(matches: &ArgMatches) -> Exit {
    let path = super::file(matches);
    let arguments = super::arguments(matches);
    let mut session = Session::new(NAME, &path, super::error_format(matches));
    let seed = matches.get_one("seed").copied().unwrap_or(0);
    let options = Options {
        seed,
        trace_log: true,
        ..Options::default()
    };
    let program = match session.program(options) {
        Ok(program) if program.has_main() => program,
        Ok(_) => {
            report::complain(NAME, &format!("{}: there is no `main`", path.display()));
            return Exit::Bytecode;
        }
        Err(exit) => return exit,
    };
    let check = Check {
        program,
        path,
        arguments,
        seed,
        input: Arc::default(),
    };
    let runs = matches.get_one("runs").copied().unwrap_or(3);
    let workers = matches.get_many::<u16>("workers").unwrap_or_default();
    let workers: Vec<usize> = workers.map(|n| usize::from(*n)).collect();
    match check.all(runs, &workers) {
        Ok(()) => Exit::Ok,
        Err(Difference::Uncontrolled(text)) => {
            report::output(&format!("uncontrolled nondeterminism: {text}\n"));
            Exit::Nondeterministic
        }
        Err(Difference::Output(text)) => {
            report::output(&format!("the output depends on the order: {text}\n"));
            Exit::Failed
        }
    }
}

enum Difference {
    /// Between runs that nothing distinguishes.
    Uncontrolled(String),
    /// Between what runs in different orders print.
    Output(String),
}

struct Check {
    program: Program,
    path: PathBuf,
    arguments: Vec<String>,
    seed: u64,
    /// Standard input, read once.
    input: Arc<OnceLock<Vec<u8>>>,
}

/// One run.
struct Run {
    /// The options that repeat it.
    how: String,
    ended: Ended,
    out: String,
    errors: String,
}

impl Run {
    /// How it ended, as far as orders may not change it.
    fn end(&self) -> String {
        match &self.ended.end {
            End::Value(None) => "no value".to_owned(),
            End::Value(Some(value)) => format!("value {value}"),
            End::Failed(failure) => format!("failure {}: {}", failure.kind, failure.message),
            End::Exit(code) => format!("exit {code}"),
        }
    }
}

impl Check {
    fn run(&self, how: String, workers: usize, schedule: Option<Schedule>) -> Run {
        let (input, seed) = (Arc::clone(&self.input), Some(self.seed));
        let arguments = self.arguments.clone();
        let host = Arc::new(Captured::new(&self.path, arguments, workers, seed, input));
        let program = self.program.with(|options| {
            options.workers = workers;
            options.deterministic = schedule.is_some();
            options.schedule = schedule.unwrap_or_default();
        });
        let ended = program.run(host.clone());
        let (out, errors) = host.take();
        Run {
            how,
            ended,
            out,
            errors,
        }
    }

    /// `length` is how many decisions such a run may take.
    fn ordered(&self, scheduler: Scheduler, seed: u64, length: u64) -> Run {
        let how = match scheduler {
            Scheduler::Fifo => "--deterministic".to_owned(),
            other => format!("--deterministic={other} --seed {seed}"),
        };
        let schedule = Schedule {
            scheduler,
            seed,
            length,
            injection: None,
        };
        self.run(how, 1, Some(schedule))
    }

    fn all(&self, runs: u64, workers: &[usize]) -> Result<(), Difference> {
        let first = self.ordered(Scheduler::Fifo, self.seed, 0);
        for _ in 1..runs {
            alike(&first, &self.ordered(Scheduler::Fifo, self.seed, 0))?;
        }
        report::output(&format!(
            "{runs} runs with --deterministic are alike: trace hash {:016x}, {} at {} ms\n",
            first.ended.trace_hash.unwrap_or(0),
            first.end(),
            first.ended.now_ns / 1_000_000
        ));
        if self.program.is_deterministic() {
            // `@deterministic true`: its order is what it asks for.
            return Ok(());
        }
        let mut orders = 0;
        let mut length = UNKNOWN_LENGTH;
        for seed in self.seed..self.seed.saturating_add(runs) {
            for scheduler in [Scheduler::Random, Scheduler::Pct(3), Scheduler::Delay(2)] {
                let run = self.ordered(scheduler, seed, length);
                alike(&run, &self.ordered(scheduler, seed, length))?;
                same_output(&first, &run)?;
                length = run.ended.counts.decisions.max(1);
                orders += 1;
            }
        }
        report::output(&format!("{orders} other orders print the same\n"));
        for &workers in workers {
            let run = self.run(format!("--workers {workers}"), workers, None);
            same_output(&first, &run)?;
        }
        let numbers: Vec<String> = workers.iter().map(ToString::to_string).collect();
        let numbers = numbers.join(", ");
        report::output(&format!("runs on {numbers} workers print the same\n"));
        Ok(())
    }
}

/// Compares runs that must be alike in everything.
fn alike(a: &Run, b: &Run) -> Result<(), Difference> {
    if let (Some(x), Some(y)) = (&a.ended.trace_log, &b.ended.trace_log)
        && let Some(text) = first_difference(x, y)
    {
        return Err(Difference::Uncontrolled(format!("{}\n{text}", a.how)));
    }
    let output = text_difference("stdout", &a.out, &b.out)
        .or_else(|| text_difference("stderr", &a.errors, &b.errors))
        .or_else(|| text_difference("the end", &a.end(), &b.end()));
    if let Some(text) = output {
        return Err(Difference::Uncontrolled(format!("{}\n{text}", a.how)));
    }
    let end = |run: &Run| (run.ended.trace_hash, run.ended.now_ns);
    if end(a) != end(b) {
        let (x, y) = (a.ended.now_ns, b.ended.now_ns);
        let text = format!("{}\n  it ended at {x} ns\n  and now: {y} ns", a.how);
        return Err(Difference::Uncontrolled(text));
    }
    Ok(())
}

/// Compares what runs in different orders print.
fn same_output(a: &Run, b: &Run) -> Result<(), Difference> {
    let output = text_difference("stdout", &a.out, &b.out)
        .or_else(|| text_difference("the end", &a.end(), &b.end()));
    match output {
        Some(text) => Err(Difference::Output(format!("{}\n{text}", b.how))),
        None => Ok(()),
    }
}

fn text_difference(what: &str, a: &str, b: &str) -> Option<String> {
    if a == b {
        return None;
    }
    let (mut a, mut b) = (a.lines(), b.lines());
    let mut line = 1;
    loop {
        match (a.next(), b.next()) {
            (Some(x), Some(y)) if x == y => line += 1,
            (x, y) => {
                let show = |l: Option<&str>| l.map_or("nothing".to_owned(), |l| format!("{l:?}"));
                let (x, y) = (show(x), show(y));
                return Some(format!("  line {line} of {what}: {x}\n  and now: {y}"));
            }
        }
    }
}

/// The first operation in which two runs differ, after the last ones in which they agree.
fn first_difference(a: &TraceLog, b: &TraceLog) -> Option<String> {
    let common = a
        .events
        .iter()
        .zip(&b.events)
        .take_while(|(x, y)| x == y)
        .count();
    if common == a.events.len() && common == b.events.len() {
        return None;
    }
    let show = |log: &TraceLog, at: usize| match log.events.get(at) {
        None => "nothing more".to_owned(),
        Some(event) => {
            let path = log.paths.get(&event.fiber).map_or("?", String::as_str);
            format!(
                "fiber {path}, operation {}: {:?} of object {}, result {}",
                event.ordinal, event.op, event.object, event.outcome
            )
        }
    };
    let mut text = format!("  the first {common} operations are the same\n");
    for at in common.saturating_sub(3)..common {
        text.push_str(&format!("    {}\n", show(a, at)));
    }
    text.push_str(&format!("  then: {}\n", show(a, common)));
    text.push_str(&format!("  and now: {}", show(b, common)));
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lumen_runtime::sched::trace_hash::{Op, TraceEvent};

    #[test]
    fn the_first_difference_is_shown() {
        let event = |outcome| TraceEvent {
            fiber: 1,
            ordinal: 2,
            op: Op::Receive,
            object: 3,
            outcome,
        };
        let log = |outcomes: &[u64]| TraceLog {
            events: outcomes.iter().map(|o| event(*o)).collect(),
            paths: [(1, "main.1".to_owned())].into(),
        };
        assert_eq!(first_difference(&log(&[1, 2]), &log(&[1, 2])), None);
        let text = first_difference(&log(&[1, 2]), &log(&[1, 4])).unwrap_or_default();
        assert!(text.contains("the first 1 operations"), "{text}");
        assert!(
            text.contains("and now: fiber main.1, operation 2: Receive of object 3, result 4"),
            "{text}"
        );
        let text = first_difference(&log(&[1]), &log(&[1, 4])).unwrap_or_default();
        assert!(text.contains("then: nothing more"), "{text}");
    }

    #[test]
    fn the_first_line_that_differs_is_shown() {
        assert_eq!(text_difference("stdout", "a\nb\n", "a\nb\n"), None);
        let text = text_difference("stdout", "a\nb\n", "a\n").unwrap_or_default();
        assert!(text.contains("line 2 of stdout: \"b\""), "{text}");
        assert!(text.contains("and now: nothing"), "{text}");
    }
}
