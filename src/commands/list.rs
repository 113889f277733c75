//! `lumenc list FILE.lbc`: bytecode as text.

use clap::{Arg, ArgAction, ArgMatches, Command};
use lumen_bytecode::{ListOptions, list_with};

use crate::{Exit, module_file, report};

const NAME: &str = "lumenc list";

/// What the command takes.
pub fn command() -> Command {
    Command::new("list")
        .about("Print bytecode as text, which `lumenc assemble` reads back")
        .arg(super::file_argument("A bytecode file (.lbc)"))
        .arg(
            Arg::new("brief")
                .long("brief")
                .action(ArgAction::SetTrue)
                .help(
                    "Leave out the source texts and the source lines beside the code \
                 (such a listing assembles to a module without them)",
                ),
        )
}

/// Prints the listing.
pub fn run(matches: &ArgMatches) -> Exit {
    let path = super::file(matches);
    let module = match module_file::read(NAME, &path) {
        Ok(module) => module,
        Err(exit) => return exit,
    };
    let full = !matches.get_flag("brief");
    let options = ListOptions {
        sources: full,
        snippets: full,
    };
    report::output(&list_with(&module, options));
    Exit::Ok
}
