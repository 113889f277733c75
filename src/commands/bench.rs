//! `lumen bench FILE`: measure a program in the interpreter and in native code.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use lumen_vm::JitMode;

use crate::bench::compare::{self, Change};
use crate::bench::measure::{Plan, Trouble, measure};
use crate::bench::{Report, json, plot, table, target};
use crate::pipeline::Session;
use crate::settings::{self, HAS_JIT, Settings};
use crate::{Exit, disk, report};

const NAME: &str = "lumen bench";

const ABOUT: &str = "\
Measure a program in the interpreter and in native code.

One run is one call of `main`, or of a cell without parameters named by --cell, from the start \
of the program to the end of everything it started. Each round runs the program

  in the interpreter;
  freshly loaded, several times in a row, while hot cells become native code: the first of these \
runs is what `lumen run` does, compiling included, and all of them are the warm-up curve;
  in a program that is warm: the steady state.

The three take turns, so that a slow moment of the machine hits them alike. Shown are medians, \
and as spread half the distance between the quartiles. Times are wall-clock times; of programs \
that take less than 5 ms several runs make one sample.

What the program prints is not shown, only compared between runs. Its input is empty, and \
`random` gives the same numbers in every run. A program that fails is not measured: its failure \
is shown, and the exit code is 1.";

const EXAMPLES: &str = "\
Examples:
  lumen bench examples/primes.lm                      a table
  lumen bench examples/primes.lm 100000               with an argument for the program
  lumen bench --cell sieve examples/primes.lm         one cell
  lumen bench --json examples/primes.lm > a.json      to keep
  lumen bench --compare a.json examples/primes.lm     is it faster than before?
  lumen bench --svg warm-up.svg examples/primes.lm    a picture

--compare calls a difference `faster` or `slower` only when it is larger than both spreads \
together and than 2 %; else it is `same`.";

/// What the command takes.
pub fn command() -> Command {
    let command = Command::new("bench")
        .about("Measure a program in the interpreter and in native code")
        .long_about(ABOUT)
        .after_long_help(EXAMPLES)
        .arg(super::file_argument(
            "The program, as for `lumen run`; options stand before it",
        ))
        .arg(super::program_arguments())
        .next_help_heading("What is measured")
        .arg(
            Arg::new("cell")
                .long("cell")
                .value_name("NAME")
                .help("Calls this cell, which takes no parameters, instead of `main`"),
        )
        .arg(
            Arg::new("runs")
                .long("runs")
                .value_name("N")
                .value_parser(value_parser!(u16).range(1..))
                .default_value("10")
                .help("Rounds to measure"),
        )
        .arg(
            Arg::new("time")
                .long("time")
                .value_name("SECONDS")
                .value_parser(value_parser!(u32).range(1..=86_400))
                .default_value("20")
                .help("Begins no round that would end later, except the first three"),
        )
        .next_help_heading("What it shows")
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("All figures as JSON instead of the table"),
        )
        .arg(
            Arg::new("svg")
                .long("svg")
                .value_name("OUT")
                .value_parser(value_parser!(PathBuf))
                .help("Also draws the warm-up curve"),
        )
        .arg(
            Arg::new("compare")
                .long("compare")
                .value_name("A.json")
                .value_parser(value_parser!(PathBuf))
                .help("What has changed since an earlier --json"),
        );
    settings::arguments(command).arg(super::error_format_argument())
}

/// Measures FILE.
pub fn run(matches: &ArgMatches) -> Exit {
    match bench(matches) {
        Ok(()) => Exit::Ok,
        Err(exit) => exit,
    }
}

fn bench(matches: &ArgMatches) -> Result<(), Exit> {
    let path = super::file(matches);
    let settings = Settings::of(NAME, matches)?;
    let earlier = match matches.get_one::<PathBuf>("compare") {
        Some(file) => Some((file, read_earlier(file)?)),
        None => None,
    };
    let cell = matches.get_one::<String>("cell").cloned();
    let mut session = Session::new(NAME, &path, super::error_format(matches));
    let module = target::module(&mut session, cell.as_deref())?;
    if module.main.is_none() {
        let message = format!("{}: there is no `main` to run", path.display());
        report::complain(NAME, &message);
        return Err(Exit::Bytecode);
    }
    let mut options = settings.options();
    if !HAS_JIT {
        options.jit = JitMode::Off;
    }
    let plan = Plan {
        file: &path,
        module,
        arguments: super::arguments(matches),
        options,
        seed: settings.chance_seed().unwrap_or(0),
        rounds: matches
            .get_one::<u16>("runs")
            .map_or(10, |n| usize::from(*n)),
        budget: Duration::from_secs(matches.get_one::<u32>("time").map_or(20, |s| (*s).into())),
    };
    let measured = measure(&plan).map_err(|trouble| complain(&path, trouble))?;
    let measured = Report {
        file: path.display().to_string(),
        cell,
        arguments: plan.arguments,
        workers: settings.workers(),
        ..measured
    };
    show(
        matches,
        &measured,
        earlier
            .as_ref()
            .map(|(file, report)| (file.as_path(), report)),
    )
}

/// Says why nothing was measured.
fn complain(path: &Path, trouble: Trouble) -> Exit {
    match trouble {
        Trouble::Load(why) => {
            report::complain(NAME, &format!("{}: {why}", path.display()));
            Exit::Bytecode
        }
        Trouble::Failed(way, failure) => {
            report::error_text(&failure);
            let message = format!("{}: the program failed ({way})", path.display());
            report::complain(NAME, &message);
            Exit::Failed
        }
    }
}

fn read_earlier(file: &Path) -> Result<Report, Exit> {
    let text = disk::read(file).and_then(|bytes| {
        let text = String::from_utf8(bytes);
        text.map_err(|_| format!("{}: no text", file.display()))
    });
    let read =
        text.and_then(|text| json::read(&text).map_err(|why| format!("{}: {why}", file.display())));
    read.map_err(|message| {
        report::complain(NAME, &message);
        Exit::Usage
    })
}

fn show(
    matches: &ArgMatches,
    measured: &Report,
    earlier: Option<(&Path, &Report)>,
) -> Result<(), Exit> {
    let changes: Vec<Change> = earlier
        .map(|(_, report)| compare::changes(report, measured))
        .unwrap_or_default();
    if let Some((file, old)) = earlier
        && old.title() != measured.title()
    {
        let (old, new) = (old.title(), measured.title());
        let message = format!("note: {} is of `{old}`, not of `{new}`", file.display());
        report::complain(NAME, &message);
    }
    let text = if matches.get_flag("json") {
        format!("{:#}\n", json::write(measured, &changes))
    } else {
        let mut text = table::render(measured);
        let why = if HAS_JIT {
            "--jit off"
        } else {
            "this build makes no native code"
        };
        text.extend(table::only_interpreter(measured, why));
        if let Some((file, _)) = earlier {
            text.push_str(&table::changes(&file.display().to_string(), &changes));
        }
        text
    };
    report::output(&text);
    let Some(out) = matches.get_one::<PathBuf>("svg") else {
        return Ok(());
    };
    let picture = plot::render(measured, earlier.map(|(_, report)| report));
    std::fs::write(out, picture).map_err(|error| {
        let reason = disk::reason(&error);
        report::complain(NAME, &format!("cannot write {}: {reason}", out.display()));
        Exit::Usage
    })
}
