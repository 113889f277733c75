//! `lumen run FILE [ARGS…]`: run a program.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Arg, ArgMatches, Command, value_parser};
use lumen_vm::{End, Program};

use crate::host::Process;
use crate::pipeline::Session;
use crate::settings::{self, Settings};
use crate::{Exit, report};

const NAME: &str = "lumen run";

/// What the command takes.
pub fn command() -> Command {
    let command = Command::new("run")
        .about("Run a program")
        .long_about(
            "Run a program: a source file (.lm, .lumen), Markdown with `lumen` fences (.lm.md, \
             .lumen.md) or bytecode (.lbc). Options stand before FILE; what stands after it is \
             for the program.",
        )
        .arg(
            Arg::new("FILE")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("The program"),
        )
        .arg(
            Arg::new("ARGS")
                .num_args(0..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .help("Arguments for the program: `main(args: list[String])`"),
        );
    settings::arguments(command).arg(super::error_format_argument())
}

/// Runs FILE.
pub fn run(matches: &ArgMatches) -> Exit {
    let path = matches
        .get_one::<PathBuf>("FILE")
        .cloned()
        .unwrap_or_default();
    let arguments: Vec<String> = matches
        .get_many::<String>("ARGS")
        .unwrap_or_default()
        .cloned()
        .collect();
    let settings = Settings::of(matches);
    let mut session = Session::new(NAME, &path, super::error_format(matches));
    let program = match session.program(&settings) {
        Ok(program) => program,
        Err(exit) => return exit,
    };
    if !program.has_main() {
        report::complain(
            NAME,
            &format!("{}: there is no `main` to run", path.display()),
        );
        return Exit::Bytecode;
    }
    start(&program, &path, arguments, &settings)
}

fn start(program: &Program, path: &Path, arguments: Vec<String>, settings: &Settings) -> Exit {
    let process = Arc::new(Process::new(
        path,
        arguments,
        settings.workers(),
        settings.chance_seed(),
    ));
    let ended = program.run(process.clone());
    let code = ended.exit_code();
    if process.is_interrupted() {
        process.flush();
        return Exit::Interrupted;
    }
    match ended.end {
        End::Value(Some(text)) => process.print(&format!("{text}\n")),
        End::Value(None) | End::Exit(_) => {}
        End::Failed(failure) => {
            process.flush();
            report::error_text(&failure.render());
        }
    }
    process.flush();
    if cfg!(debug_assertions) && ended.leaked != 0 {
        report::complain(
            NAME,
            &format!("internal: {} objects were left behind", ended.leaked),
        );
        return Exit::Program(70);
    }
    // The system keeps eight bits of an exit code.
    Exit::Program(code as u8)
}
