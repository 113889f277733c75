//! `lumenc verify FILE.lbc`: whether bytecode may be run.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::{Exit, module_file};

const NAME: &str = "lumenc verify";

/// What the command takes.
pub fn command() -> Command {
    Command::new("verify")
        .about("Check that bytecode cannot harm the machine (`lumen run` does so by itself)")
        .arg(
            Arg::new("FILE")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("A bytecode file (.lbc)"),
        )
}

/// Says nothing when the file is in order.
pub fn run(matches: &ArgMatches) -> Exit {
    let path = matches
        .get_one::<PathBuf>("FILE")
        .cloned()
        .unwrap_or_default();
    match module_file::read_verified(NAME, &path) {
        Ok(_) => Exit::Ok,
        Err(exit) => exit,
    }
}
