//! `lumenc verify FILE.lbc`: whether bytecode may be run.

use clap::{ArgMatches, Command};

use crate::{Exit, module_file};

const NAME: &str = "lumenc verify";

/// What the command takes.
pub fn command() -> Command {
    Command::new("verify")
        .about("Check that bytecode cannot harm the machine (`lumen run` does so by itself)")
        .arg(super::file_argument("A bytecode file (.lbc)"))
}

/// Says nothing when the file is in order.
pub fn run(matches: &ArgMatches) -> Exit {
    let path = super::file(matches);
    match module_file::read_verified(NAME, &path) {
        Ok(_) => Exit::Ok,
        Err(exit) => exit,
    }
}
