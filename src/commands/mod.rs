//! The commands, one a file: what it takes (`command`) and what it does (`run`).

pub mod assemble;
pub mod bench;
pub mod check;
pub mod check_determinism;
pub mod compile;
pub mod explain;
pub mod list;
pub mod run;
pub mod test;
pub mod verify;
pub mod version;

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::report::ErrorFormat;
use crate::{Exit, report};

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
