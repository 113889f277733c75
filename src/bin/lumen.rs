//! The `lumen` command: run, check, test and measure programs.

use std::process::ExitCode;

use clap::Command;
use lumen::commands::{bench, check, check_determinism, replay, run, shrink, test, version};
use lumen::{Exit, exit};

/// The compiler makes small blocks by the million.
#[global_allocator]
static ALLOCATOR: lumen_runtime::pools::Pools = lumen_runtime::pools::Pools;

fn command() -> Command {
    Command::new("lumen")
        .about("Runs, checks, tests and measures Lumen programs.")
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(exit::help())
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(run::command())
        .subcommand(check::command())
        .subcommand(test::command())
        .subcommand(bench::command())
        .subcommand(check_determinism::command())
        .subcommand(replay::command())
        .subcommand(shrink::command())
        .subcommand(version::command())
}

fn main() -> ExitCode {
    let matches = lumen::commands::parse(command());
    let exit = match matches.subcommand() {
        Some(("run", matches)) => run::run(matches),
        Some(("check", matches)) => check::run(matches),
        Some(("test", matches)) => test::run(matches),
        Some(("bench", matches)) => bench::run(matches),
        Some(("check-determinism", matches)) => check_determinism::run(matches),
        Some(("replay", matches)) => replay::run(matches),
        Some(("shrink", matches)) => shrink::run(matches),
        Some(("version", _)) => version::run(),
        _ => Exit::Usage,
    };
    exit.into()
}
