//! The commands, one a file: what it takes (`command`) and what it does (`run`).

pub mod assemble;
pub mod bench;
pub mod check;
pub mod check_determinism;
pub mod compile;
pub mod explain;
pub mod list;
pub mod replay;
pub mod run;
pub mod shrink;
pub mod test;
pub mod verify;
pub mod version;

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::report::ErrorFormat;
use crate::{Exit, disk, report};

/// Reads the command line. On `--help` and `--version`, and when it is wrong, the process ends
/// here, with the documented code.
pub fn parse(command: Command) -> ArgMatches {
    command.try_get_matches().unwrap_or_else(|error| {
        let text = error.render().to_string();
        let exit = if error.use_stderr() {
            report::error_text(&text);
            Exit::Usage
        } else {
            report::output(&text);
            Exit::Ok
        };
        std::process::exit(exit.code().into())
    })
}

/// FILE, for commands that work on one file.
fn file_argument(help: &'static str) -> Arg {
    Arg::new("FILE")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .help(help)
}

fn file(matches: &ArgMatches) -> PathBuf {
    matches
        .get_one::<PathBuf>("FILE")
        .cloned()
        .unwrap_or_default()
}

/// What stands after FILE, for commands that run a program.
fn program_arguments() -> Arg {
    Arg::new("ARGS")
        .num_args(0..)
        .trailing_var_arg(true)
        .allow_hyphen_values(true)
        .help("Arguments for the program: `main(args: list[String])`")
}

fn arguments(matches: &ArgMatches) -> Vec<String> {
    let given = matches.get_many::<String>("ARGS").unwrap_or_default();
    given.cloned().collect()
}

/// PATH…, for commands that work on many programs.
fn paths_argument(help: &'static str) -> Arg {
    Arg::new("PATH")
        .required(true)
        .num_args(1..)
        .value_parser(value_parser!(PathBuf))
        .help(help)
}

/// The source files that were named, and those in the folders that were.
fn sources(name: &str, matches: &ArgMatches) -> Result<Vec<PathBuf>, Exit> {
    let mut files = Vec::new();
    for path in matches.get_many::<PathBuf>("PATH").unwrap_or_default() {
        if !path.is_dir() {
            files.push(path.clone());
        } else if let Err(message) = disk::sources_under(path, &mut files) {
            report::complain(name, &message);
            return Err(Exit::Usage);
        }
    }
    Ok(files)
}

/// `-o OUT`, for commands that write a file.
fn out_argument() -> Arg {
    Arg::new("out")
        .short('o')
        .long("out")
        .value_name("OUT")
        .value_parser(value_parser!(PathBuf))
        .help("The file to write [default: FILE with the ending .lbc]")
}

/// `--error-format human|json`, for commands that compile.
fn error_format_argument() -> Arg {
    Arg::new("error-format")
        .long("error-format")
        .value_name("FORMAT")
        .value_parser(["human", "json"])
        .default_value("human")
        .help("How diagnostics are written: text with the source, or one JSON object a line")
}

fn error_format(matches: &ArgMatches) -> ErrorFormat {
    match matches
        .get_one::<String>("error-format")
        .map(String::as_str)
    {
        Some("json") => ErrorFormat::Json,
        _ => ErrorFormat::Human,
    }
}
