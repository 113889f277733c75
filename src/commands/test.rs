//! `lumen test FILE|FOLDER…`: run the `test` blocks in programs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use lumen_runtime::sched::policy::dfs::Search;
use lumen_runtime::sched::policy::{Schedule, Scheduler, UNKNOWN_LENGTH};
use lumen_vm::{End, Program};

use crate::captured::Captured;
use crate::host::Process;
use crate::pipeline::Session;
use crate::report::ErrorFormat;
use crate::settings::{self, Settings};
use crate::trace::run::{Runner, word_of};
use crate::trace::shrink::shrink;
use crate::{Exit, report, trace};

const NAME: &str = "lumen test";

/// What the command takes.
pub fn command() -> Command {
    let command = Command::new("test")
        .about("Run the tests in programs")
        .long_about(
            "Run the `test` blocks of source files, and of those in folders and their folders. \
             Each test runs by itself, one after the other; what it prints is shown.",
        )
        .arg(super::paths_argument("Programs, or folders of programs"))
        .arg(
            Arg::new("only")
                .long("only")
                .value_name("TEXT")
                .help("Run only tests whose name contains TEXT"),
        );
    let command = settings::arguments(command).arg(super::error_format_argument());
    command
        .next_help_heading("In many orders")
        .arg(
            Arg::new("schedules")
                .long("schedules")
                .value_name("N")
                .value_parser(value_parser!(u64).range(1..=1_000_000_000))
                .help("Run each test deterministically in so many orders, until one fails"),
        )
        .arg(
            Arg::new("strategy")
                .long("strategy")
                .value_name("ORDER")
                .requires("schedules")
                .value_parser(value_parser!(Strategy))
                .help("random, pos, delay:N or pct:N [default: fifo once, then these in turn]")
                .long_help(
                    "random, pos, delay:N or pct:N [default: fifo once, then these in turn]; \
                     dfs:N, one by one all orders in which a task that could go on gives way at \
                     most N times",
                ),
        )
        .arg(
            Arg::new("save-failures")
                .long("save-failures")
                .value_name("DIR")
                .requires("schedules")
                .value_parser(value_parser!(PathBuf))
                .help(
                    "Leave a trace of each failure in DIR, for `lumen replay`, as small as may be",
                ),
        )
        .arg(
            Arg::new("no-shrink")
                .long("no-shrink")
                .requires("save-failures")
                .action(ArgAction::SetTrue)
                .help("Leave the traces as they were found"),
        )
}

/// Runs the tests.
pub fn run(matches: &ArgMatches) -> Exit {
    let files = match super::sources(NAME, matches) {
        Ok(files) => files,
        Err(exit) => return exit,
    };
    let settings = match Settings::of(NAME, matches) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let mut run = Run {
        settings,
        schedules: matches.get_one::<u64>("schedules").copied(),
        strategy: matches.get_one::<Strategy>("strategy").copied(),
        save: matches.get_one::<PathBuf>("save-failures").cloned(),
        shrink: !matches.get_flag("no-shrink"),
        nondeterministic: false,
        unsaved: false,
        format: super::error_format(matches),
        only: matches
            .get_one::<String>("only")
            .cloned()
            .unwrap_or_default(),
        passed: 0,
        failed: 0,
    };
    let start = Instant::now();
    let mut worst = Exit::Ok;
    for file in &files {
        match run.file(file) {
            // A file that does not compile says more than a test that fails.
            Err(exit) if worst.code() < exit.code() => worst = exit,
            _ => {}
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    if run.passed + run.failed > 0 || worst == Exit::Ok {
        report::output(&format!(
            "{} passed, {} failed in {seconds:.2} s\n",
            run.passed, run.failed
        ));
    }
    if run.unsaved && worst == Exit::Ok {
        return Exit::Usage;
    }
    if run.nondeterministic && worst == Exit::Ok {
        return Exit::Nondeterministic;
    }
    if run.failed > 0 && worst == Exit::Ok {
        Exit::Failed
    } else {
        worst
    }
}

/// How many decisions a test may take.
const LENGTHS: [u64; 4] = [8, 40, UNKNOWN_LENGTH, 2000];

/// Which orders are tried.
#[derive(Clone, Copy, Debug)]
enum Strategy {
    /// Those of one scheduler.
    By(Scheduler),
    /// All with at most so many preemptions.
    All(u32),
}

impl std::str::FromStr for Strategy {
    type Err = String;

    fn from_str(text: &str) -> Result<Strategy, String> {
        match text.strip_prefix("dfs") {
            Some("") => Ok(Strategy::All(2)),
            Some(number) => match number.strip_prefix(':').map(str::parse) {
                Some(Ok(n @ 0..=1000)) => Ok(Strategy::All(n)),
                _ => Err("expected dfs:N, with a number from 0 to 1000".to_owned()),
            },
            None => match text.parse() {
                Ok(scheduler) => Ok(Strategy::By(scheduler)),
                Err(why) => Err(format!("{why}, or dfs[:N]")),
            },
        }
    }
}

/// Runs in which a trace is made small.
const REPLAYS: u64 = 500;

struct Run {
    settings: Settings,
    schedules: Option<u64>,
    strategy: Option<Strategy>,
    /// Where traces of failures go.
    save: Option<PathBuf>,
    /// They are made small.
    shrink: bool,
    /// A failure did not come again in the same order.
    nondeterministic: bool,
    /// A trace could not be written.
    unsaved: bool,
    format: ErrorFormat,
    only: String,
    passed: usize,
    failed: usize,
}

impl Run {
    /// Runs the tests of one file.
    fn file(&mut self, path: &Path) -> Result<(), Exit> {
        let mut session = Session::new(NAME, path, self.format);
        let module = session.module()?;
        let functions = match &self.save {
            Some(_) => trace::run::functions(&module),
            None => Vec::new(),
        };
        let names: Vec<String> = module.tests.iter().map(|test| test.name.clone()).collect();
        if !names.iter().any(|name| name.contains(&self.only)) {
            return Ok(());
        }
        let program = session.load(module, self.settings.options())?;
        for (index, name) in names.iter().enumerate() {
            if name.contains(&self.only) {
                let title = format!("{}: {name}", path.display());
                let Some(schedules) = self.schedules else {
                    self.test(&program, path, index, &title);
                    continue;
                };
                let failure = self.explore(&program, path, index, &title, schedules);
                if let (Some((program, hash)), Some(folder)) = (failure, self.save.clone()) {
                    let runner = Runner::new(program, path, functions.clone());
                    self.save(&runner, (index, name.clone()), hash, &folder);
                }
            }
        }
        Ok(())
    }

    /// Has a failure again, and keeps its trace.
    fn save(&mut self, runner: &Runner, entry: (usize, String), hash: Option<u64>, folder: &Path) {
        let stem = self::stem(&runner.path().display().to_string(), &entry.1);
        let entry = Some(entry);
        let mut run = runner.record(&entry, Vec::new(), false);
        if run.ended.trace_hash != hash {
            let message = "the failure did not come again in the same order: something in it is \
                           beyond control";
            report::output(&format!("uncontrolled nondeterminism: {message}\n"));
            self.nondeterministic = true;
            return;
        }
        let schedule = runner.schedule();
        run.trace.history.push(format!("found by {schedule}"));
        let file = folder.join(format!("{stem}.ltr"));
        let mut trace = run.trace;
        let mut said = String::new();
        if self.shrink
            && let Some(shrunk) = shrink(runner, &entry, &trace, REPLAYS)
        {
            let (from, to) = (trace.deviations.len(), shrunk.trace.deviations.len());
            said = format!("{from} choices, now {to}, in {} runs\n", shrunk.replays);
            trace = shrunk.trace;
        }
        let written =
            std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, trace.encode()));
        match written {
            Ok(()) => {
                report::output(&format!("{said}trace {}\n", file.display()));
            }
            Err(why) => {
                report::complain(NAME, &format!("cannot write {}: {why}", file.display()));
                self.unsaved = true;
            }
        }
    }

    /// Runs a test in many orders, until one fails: then how it was run, and its digest. Schedule
    /// i depends on the seed and i alone.
    fn explore(
        &mut self,
        program: &Program,
        path: &Path,
        index: usize,
        name: &str,
        all: u64,
    ) -> Option<(Program, Option<u64>)> {
        let seed = self.settings.chance_seed().unwrap_or(0);
        let search = match self.strategy {
            Some(Strategy::All(preemptions)) => Some(Search::new(preemptions)),
            _ => None,
        };
        for number in 1..=all {
            let schedule = self.schedule(number, seed);
            let host = Captured::new(path, Vec::new(), 1, Some(seed), Arc::default());
            let host = Arc::new(host);
            let program = program.with(|options| {
                options.deterministic = true;
                options.schedule = schedule;
                options.search.clone_from(&search);
            });
            let ended = program.run_test(index, host.clone());
            if ended.exit_code() != 0 {
                self.failed += 1;
                let (out, errors) = host.take();
                report::output(&format!(
                    "{out}FAILED {name}\nfailure: {}\n",
                    word_of(&ended)
                ));
                report::error_text(&errors);
                if let End::Failed(failure) = &ended.end {
                    report::error_text(&failure.render());
                }
                report::output(&format!("schedule {number} of {all}\n"));
                return Some((program, ended.trace_hash));
            }
            if let Some(search) = &search
                && !search.advance()
            {
                self.passed += 1;
                let n = search.preemptions();
                report::output(&format!(
                    "ok     {name}, all {number} schedules with at most {n} preemptions\n"
                ));
                return None;
            }
        }
        self.passed += 1;
        report::output(&format!("ok     {name}, {all} schedules\n"));
        None
    }

    fn schedule(&self, number: u64, seed: u64) -> Schedule {
        let scheduler = match (self.strategy, number, number % 4) {
            (Some(Strategy::By(scheduler)), ..) => scheduler,
            (_, 1, _) => Scheduler::Fifo,
            (_, _, 0) if number.is_multiple_of(8) => Scheduler::Pos,
            (_, _, 0) => Scheduler::Random,
            (_, _, 1) => Scheduler::Pct(2 + (number / 4 % 2) as u32),
            (_, _, 2) => Scheduler::Delay(1),
            _ => Scheduler::Delay(2),
        };
        Schedule {
            scheduler,
            seed: seed.wrapping_add(number - 1),
            // How long a test is, is not known: guesses, in turn.
            length: LENGTHS[(number / 4 % 4) as usize],
            injection: None,
        }
    }

    fn test(&mut self, program: &Program, path: &Path, index: usize, name: &str) {
        let seed = Some(self.settings.chance_seed().unwrap_or(0));
        let process = Arc::new(Process::new(
            path,
            Vec::new(),
            self.settings.workers(),
            seed,
        ));
        let ended = program.run_test(index, process.clone());
        process.flush();
        let passed = ended.exit_code() == 0;
        match ended.end {
            End::Failed(failure) => report::error_text(&failure.render()),
            End::Exit(code) if !passed => {
                report::error_text(&format!("the test ended with exit code {code}\n"));
            }
            End::Value(_) | End::Exit(_) => {}
        }
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
        report::output(&format!(
            "{} {name}\n",
            if passed { "ok    " } else { "FAILED" }
        ));
    }
}

/// A file name for the trace of a test.
fn stem(path: &str, test: &str) -> String {
    let plain = |text: &str| -> String {
        let letters = text
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '-' });
        letters.take(80).collect()
    };
    // Names that look alike once they are plain stay apart.
    let digest = trace::digest(format!("{path}\n{test}").as_bytes()) >> 48;
    let file = Path::new(path).file_name().unwrap_or_default();
    let file = file.to_string_lossy();
    format!("{}-{}-{digest:04x}", plain(&file), plain(test))
}
