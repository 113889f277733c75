//! `lumen replay TRACE [FILE]`: have a recorded run again.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use lumen_vm::{End, Options};

use crate::pipeline::Session;
use crate::trace::line::{Line, short_digest};
use crate::trace::run::{Entry, Run, Runner};
use crate::trace::{Trace, compare, run as trace_run};
use crate::{Exit, report, settings};

const NAME: &str = "lumen replay";

/// What the command takes.
pub fn command() -> Command {
    let command = Command::new("replay")
        .about("Have a recorded run again, exactly")
        .long_about(
            "Have a recorded run again: the same choices, and the same answers from outside. What \
             it prints is shown; files are not written and tools are not called. If anything \
             differs, the first difference is reported.",
        );
    arguments(command)
        .arg(
            Arg::new("on-divergence")
                .long("on-divergence")
                .value_name("WHAT")
                .value_parser(["stop", "resync"])
                .default_value("stop")
                .help("`resync`: what no longer fits is passed over, and the outcome counts"),
        )
        .arg(
            Arg::new("times")
                .long("times")
                .value_name("N")
                .default_value("1")
                .value_parser(value_parser!(u64).range(1..=1_000_000))
                .help("Replay so many times; the output is shown once"),
        )
}

/// TRACE, FILE and `--jit`.
pub(super) fn arguments(command: Command) -> Command {
    command
        .arg(
            Arg::new("TRACE")
                .required(true)
                .help("A trace (.ltr), or one as a line: 'ltr1:…'"),
        )
        .arg(
            Arg::new("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("The program [default: the file that the trace names]"),
        )
        .arg(settings::jit_argument())
        .arg(super::error_format_argument())
}

/// A trace and the program it belongs to.
pub(super) struct Loaded {
    pub(super) trace: Trace,
    pub(super) runner: Runner,
    pub(super) entry: Entry,
    /// It came as a line: without what came from outside.
    pub(super) is_line: bool,
    /// Functions that are not what they were.
    pub(super) edited: Vec<String>,
}

/// Reads the trace and loads its program.
pub(super) fn load(name: &'static str, matches: &ArgMatches) -> Result<Loaded, Exit> {
    let complain = |message: String| {
        report::complain(name, &message);
        Exit::Usage
    };
    let given = matches
        .get_one::<String>("TRACE")
        .cloned()
        .unwrap_or_default();
    let is_line = Line::is_one(&given);
    let (trace, digest) = match is_line {
        true => Line::parse(&given).map(|line| (line.trace, Some(line.program))),
        false => read(Path::new(&given)).map(|trace| (trace, None)),
    }
    .map_err(complain)?;
    let path = match matches.get_one::<PathBuf>("FILE") {
        Some(path) => path.clone(),
        None if is_line => {
            return Err(complain("a line names no program; add FILE".to_owned()));
        }
        None => PathBuf::from(&trace.program.path),
    };
    let jit = settings::jit_mode(name, matches)?;
    let mut session = Session::new(name, &path, super::error_format(matches));
    let module = session.module()?;
    let functions = trace_run::functions(&module);
    let test = trace.program.test.as_ref();
    let at = test.and_then(|test| module.tests.iter().position(|t| t.name == *test));
    let entry = test.cloned().map(|test| at.map(|at| (at, test)));
    let program = session.load(
        module,
        Options {
            deterministic: true,
            jit,
            ..Options::default()
        },
    )?;
    let missing = match &entry {
        Some(None) => Some(format!("no test `{}`", test.cloned().unwrap_or_default())),
        None if !program.has_main() => Some("no `main`".to_owned()),
        _ => None,
    };
    if let Some(missing) = missing {
        return Err(complain(format!("{}: there is {missing}", path.display())));
    }
    let mut edited = compare::edited(&trace.program.functions, &functions);
    if let Some(digest) = digest {
        // A line does not say which.
        edited = match short_digest(&functions) == digest {
            true => Vec::new(),
            false => vec!["the program".to_owned()],
        };
    }
    Ok(Loaded {
        trace,
        runner: Runner::new(program, &path, functions),
        entry: entry.flatten(),
        is_line,
        edited,
    })
}

fn read(path: &Path) -> Result<Trace, String> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|why| format!("cannot read {shown}: {why}"))?;
    Trace::decode(&bytes).map_err(|why| format!("{shown} cannot be replayed: {why}"))
}

/// Replays and compares.
pub fn run(matches: &ArgMatches) -> Exit {
    let loaded = match load(NAME, matches) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let strict = matches
        .get_one::<String>("on-divergence")
        .is_none_or(|what| what == "stop");
    let times = matches.get_one("times").copied().unwrap_or(1_u64);
    if !loaded.edited.is_empty() {
        let what = loaded.edited.join(", ");
        report::complain(NAME, &format!("edited since it was recorded: {what}"));
    }
    let mut exit = Exit::Ok;
    for time in 1..=times {
        let run = loaded
            .runner
            .replay(&loaded.trace, &loaded.entry, loaded.is_line);
        if let Some(exit) = run.stopped {
            return exit;
        }
        if time == 1 {
            show(&run);
        }
        if strict && let Some(text) = compare::divergence(&loaded.trace, &run, &loaded.edited) {
            report::output(&text);
            return Exit::Diverged;
        }
        exit = match run.trace.end.passed() {
            true => Exit::Ok,
            false => Exit::Failed,
        };
        if time == times {
            said(&run, times);
        }
    }
    exit
}

fn show(run: &Run) {
    let [out, errors] = &run.output;
    report::output(&String::from_utf8_lossy(out));
    report::error_text(&String::from_utf8_lossy(errors));
    if let End::Failed(failure) = &run.ended.end {
        report::error_text(&failure.render());
    }
}

fn said(run: &Run, times: u64) {
    if !run.trace.end.passed() {
        report::output(&format!("failure: {}\n", run.trace.end.word));
    }
    let (hash, choices) = (run.trace.log.hash, run.trace.deviations.len());
    let times = match times {
        1 => String::new(),
        n => format!(", {n} times"),
    };
    report::output(&format!(
        "replayed with {choices} choices, trace hash {hash:016x}{times}\n"
    ));
}
