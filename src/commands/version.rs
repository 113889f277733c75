//! `lumen version`: which build this is.

use clap::Command;

use crate::{Exit, report};

/// What the command takes.
pub fn command() -> Command {
    Command::new("version").about("Print the version of Lumen")
}

/// The version, and the machine it was built for.
pub fn text() -> String {
    format!(
        "lumen {} ({}-{})\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS
    )
}

/// Prints it.
pub fn run() -> Exit {
    report::output(&text());
    Exit::Ok
}
