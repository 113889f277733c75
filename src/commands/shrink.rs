//! `lumen shrink TRACE [FILE]`: leave out of a failing trace what its failure does not need.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

use super::replay::{arguments, load};
use crate::trace::shrink::shrink;
use crate::{Exit, report};

const NAME: &str = "lumen shrink";

/// What the command takes.
pub fn command() -> Command {
    let command = Command::new("shrink")
        .about("Make a failing trace small")
        .long_about(
            "Leave choices out of a failing trace as long as the same failure comes: of the same \
             kind, at the same place. At the end none can be left out any more.",
        );
    arguments(command)
        .arg(
            Arg::new("out")
                .short('o')
                .long("out")
                .value_name("OUT")
                .value_parser(value_parser!(PathBuf))
                .help("The file to write [default: only the line is printed]"),
        )
        .arg(
            Arg::new("budget")
                .long("budget")
                .value_name("N")
                .default_value("500")
                .value_parser(value_parser!(u64).range(1..=1_000_000_000))
                .help("At most so many runs"),
        )
}

/// Shrinks.
pub fn run(matches: &ArgMatches) -> Exit {
    let mut loaded = match load(NAME, matches) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let budget = matches.get_one("budget").copied().unwrap_or(500_u64);
    if loaded.is_line {
        // A line does not say how it ends.
        let run = loaded.runner.replay(&loaded.trace, &loaded.entry, true);
        loaded.trace = run.trace;
    }
    if loaded.trace.end.passed() {
        report::complain(
            NAME,
            "the run of this trace passed: there is no failure to keep",
        );
        return Exit::Usage;
    }
    let from = loaded.trace.deviations.len();
    let Some(shrunk) = shrink(&loaded.runner, &loaded.entry, &loaded.trace, budget) else {
        report::output("DIVERGENCE at the end\n  the trace does not bring its failure about\n");
        return Exit::Diverged;
    };
    let (to, replays) = (shrunk.trace.deviations.len(), shrunk.replays);
    report::output(&format!("failure: {}\n", shrunk.trace.end.word));
    report::output(&format!("{from} choices, now {to}, in {replays} runs\n"));
    for choice in &shrunk.trace.deviations {
        report::output(&format!("  {choice}\n"));
    }
    if shrunk.endless > 0 {
        let runs = shrunk.endless;
        report::output(&format!(
            "{runs} of the runs had no end and were given up\n"
        ));
    }
    if !shrunk.minimal {
        report::output("the search was not finished: fewer may do\n");
    }
    report::output(&format!("{}\n", shrunk.trace.line()));
    if let Some(out) = matches.get_one::<PathBuf>("out")
        && let Err(why) = std::fs::write(out, shrunk.trace.encode())
    {
        report::complain(NAME, &format!("cannot write {}: {why}", out.display()));
        return Exit::Usage;
    }
    match shrunk.minimal {
        true => Exit::Failed,
        false => Exit::Budget,
    }
}
