//! `lumenc compile FILE`: bytecode, or what a stage before it makes of the program.

use std::path::{Path, PathBuf};

use clap::builder::EnumValueParser;
use clap::{Arg, ArgMatches, Command, ValueEnum, value_parser};
use lumen_compiler::syntax::dump::{dump_ast, dump_tokens};
use lumen_compiler::syntax::{Interner, parse_file};

use crate::pipeline::Session;
use crate::{Exit, report};

const NAME: &str = "lumenc compile";

/// A stage of the compiler that can be printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Tokens,
    Ast,
}

impl ValueEnum for Stage {
    fn value_variants<'a>() -> &'a [Stage] {
        &[Stage::Tokens, Stage::Ast]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let (name, help) = match self {
            Stage::Tokens => ("tokens", "what the lexer made"),
            Stage::Ast => ("ast", "what the parser made"),
        };
        Some(clap::builder::PossibleValue::new(name).help(help))
    }
}

/// What the command takes.
pub fn command() -> Command {
    Command::new("compile")
        .about("Compile a program to bytecode, or print a stage of the compiler")
        .arg(
            Arg::new("FILE")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("A program: .lm, .lumen, .lm.md, .lumen.md"),
        )
        .arg(super::out_argument())
        .arg(
            Arg::new("emit")
                .long("emit")
                .value_name("STAGE")
                .value_parser(EnumValueParser::<Stage>::new())
                .help("Print what this stage makes of the program, and write no file"),
        )
        .arg(super::error_format_argument())
}

/// Compiles FILE.
pub fn run(matches: &ArgMatches) -> Exit {
    let path = matches
        .get_one::<PathBuf>("FILE")
        .cloned()
        .unwrap_or_default();
    let mut session = Session::new(NAME, &path, super::error_format(matches));
    let result = match matches.get_one::<Stage>("emit") {
        Some(stage) => emit(&mut session, *stage),
        None => compile(&mut session, &path),
    };
    match result {
        Ok(()) => Exit::Ok,
        Err(exit) => exit,
    }
}

fn emit(session: &mut Session, stage: Stage) -> Result<(), Exit> {
    let file = session.read()?;
    let mut interner = Interner::new();
    let module = parse_file(
        &session.sources,
        file,
        &mut interner,
        &mut session.diagnostics,
    );
    let text = match stage {
        Stage::Tokens => dump_tokens(&session.sources, file, &mut interner),
        Stage::Ast => dump_ast(&module, &interner),
    };
    session.finish()?;
    report::output(&text);
    Ok(())
}

fn compile(session: &mut Session, _path: &Path) -> Result<(), Exit> {
    let file = session.read()?;
    parse_file(
        &session.sources,
        file,
        &mut Interner::new(),
        &mut session.diagnostics,
    );
    session.finish()
}
