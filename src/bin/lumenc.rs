//! The `lumenc` command: compile programs and look at what the compiler makes of them.

use std::process::ExitCode;

use clap::Command;
use lumen::commands::{assemble, check, compile, explain, list, verify};
use lumen::{Exit, exit};

/// The compiler makes small blocks by the million.
#[global_allocator]
static ALLOCATOR: lumen_runtime::pools::Pools = lumen_runtime::pools::Pools;

fn command() -> Command {
    Command::new("lumenc")
        .about("Compiles Lumen programs to bytecode, and shows what the compiler makes of them.")
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(exit::help())
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(compile::command())
        .subcommand(check::command())
        .subcommand(list::command())
        .subcommand(assemble::command())
        .subcommand(verify::command())
        .subcommand(explain::command())
}

fn main() -> ExitCode {
    let matches = lumen::commands::parse(command());
    let exit = match matches.subcommand() {
        Some(("compile", matches)) => compile::run(matches),
        Some(("check", matches)) => check::run(matches),
        Some(("list", matches)) => list::run(matches),
        Some(("assemble", matches)) => assemble::run(matches),
        Some(("verify", matches)) => verify::run(matches),
        Some(("explain", matches)) => explain::run(matches),
        _ => Exit::Usage,
    };
    exit.into()
}
