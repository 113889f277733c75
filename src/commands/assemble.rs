//! `lumenc assemble FILE`: text back to bytecode.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Command};

use crate::{Exit, disk, module_file, report};

const NAME: &str = "lumenc assemble";

/// What the command takes.
pub fn command() -> Command {
    Command::new("assemble")
        .about("Make a bytecode file of a listing")
        .arg(super::file_argument(
            "A listing, as `lumenc list` prints it",
        ))
        .arg(super::out_argument())
}

/// Assembles FILE.
pub fn run(matches: &ArgMatches) -> Exit {
    let path = super::file(matches);
    let out = matches.get_one::<PathBuf>("out").cloned();
    let out = out.unwrap_or_else(|| path.with_extension(disk::BYTECODE_ENDING));
    match assemble(&path, &out) {
        Ok(()) => Exit::Ok,
        Err(exit) => exit,
    }
}

fn assemble(path: &Path, out: &Path) -> Result<(), Exit> {
    let usage = |message: String| {
        report::complain(NAME, &message);
        Exit::Usage
    };
    let bytes = disk::read_all(path).map_err(usage)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| usage(format!("{}: a listing is UTF-8 text", path.display())))?;
    let module = lumen_bytecode::assemble(&text).map_err(|errors| {
        for error in errors {
            report::error_text(&format!("{}:{error}\n", path.display()));
        }
        Exit::Bytecode
    })?;
    module_file::write(NAME, out, &module)
}
