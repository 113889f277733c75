//! `lumen check FILE…`, `lumenc check FILE…`: report errors and warnings, run nothing.

use clap::{ArgMatches, Command};

use crate::Exit;
use crate::pipeline::Session;

const NAME: &str = "check";

/// What the command takes.
pub fn command() -> Command {
    Command::new("check")
        .about("Report errors and warnings, without running anything")
        .arg(super::paths_argument(
            "Programs or modules, or folders of them",
        ))
        .arg(super::error_format_argument())
}

/// Checks the programs.
pub fn run(matches: &ArgMatches) -> Exit {
    let files = match super::sources(NAME, matches) {
        Ok(files) => files,
        Err(exit) => return exit,
    };
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
