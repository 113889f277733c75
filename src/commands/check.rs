//! `lumen check FILE…`, `lumenc check FILE…`: report errors and warnings, run nothing.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::pipeline::Session;
use crate::{Exit, disk, report};

const NAME: &str = "check";

/// What the command takes.
pub fn command() -> Command {
    Command::new("check")
        .about("Report errors and warnings, without running anything")
        .arg(
            Arg::new("PATH")
                .required(true)
                .num_args(1..)
                .value_parser(value_parser!(PathBuf))
                .help("Programs or modules, or folders of them"),
        )
        .arg(super::error_format_argument())
}

/// Checks the programs.
pub fn run(matches: &ArgMatches) -> Exit {
    let mut files = Vec::new();
    for path in matches.get_many::<PathBuf>("PATH").unwrap_or_default() {
        if !path.is_dir() {
            files.push(path.clone());
        } else if let Err(message) = disk::sources_under(path, &mut files) {
            report::complain(NAME, &message);
            return Exit::Usage;
        }
    }
    let mut worst = Exit::Ok;
    for file in &files {
        let mut session = Session::new(NAME, file, super::error_format(matches));
        let exit = match session.check() {
            Ok(_) => session.finish().err(),
            Err(exit) => Some(exit),
        };
        if let Some(exit) = exit.filter(|exit| exit.code() > worst.code()) {
            worst = exit;
        }
    }
    worst
}
