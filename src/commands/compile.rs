//! `lumenc compile FILE`: bytecode, or what a stage before it makes of the program.

use std::path::PathBuf;

use clap::builder::{EnumValueParser, PossibleValue};
use clap::{Arg, ArgMatches, Command, ValueEnum};
use lumen_compiler::syntax::dump::{dump_ast, dump_tokens};
use lumen_compiler::syntax::{Interner, parse_file};
use lumen_compiler::{hir, ir};

use lumen_vm::{JitMode, Options};

use crate::pipeline::Session;
use crate::{Exit, disk, module_file, report, settings};

const NAME: &str = "lumenc compile";

/// A stage of the compiler that can be printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Tokens,
    Ast,
    Hir,
    Ir,
    Bytecode,
    Clif,
    Asm,
}

impl ValueEnum for Stage {
    fn value_variants<'a>() -> &'a [Stage] {
        &[
            Stage::Tokens,
            Stage::Ast,
            Stage::Hir,
            Stage::Ir,
            Stage::Bytecode,
            Stage::Clif,
            Stage::Asm,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Stage::Tokens => ("tokens", "what the lexer made"),
            Stage::Ast => ("ast", "the syntax tree"),
            Stage::Hir => (
                "hir",
                "the typed tree, one copy of a cell per use with other types",
            ),
            Stage::Ir => ("ir", "blocks and registers, after all passes"),
            Stage::Bytecode => ("bytecode", "the listing of the module"),
            Stage::Clif => (
                "clif",
                "what the compiler of native code makes of the bytecode",
            ),
            Stage::Asm => ("asm", "native code"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// What the command takes.
pub fn command() -> Command {
    Command::new("compile")
        .about("Compile a program to bytecode, or print a stage of the compiler")
        .arg(super::file_argument(
            "A program: .lm, .lumen, .lm.md, .lumen.md; with `--emit clif` or `asm` also \
                     bytecode, and FILE:CELL shows one cell",
        ))
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
    let path = super::file(matches);
    let stage = matches.get_one::<Stage>("emit").copied();
    let (path, cell) = match stage {
        Some(Stage::Clif | Stage::Asm) => split_cell(path),
        _ => (path, None),
    };
    let mut session = Session::new(NAME, &path, super::error_format(matches));
    let out = matches.get_one::<PathBuf>("out").cloned();
    let result = match stage {
        Some(stage) => emit(&mut session, stage, cell.as_deref()).map(|text| {
            report::output(&text);
        }),
        None => compile(&mut session, out),
    };
    match result {
        Ok(()) => Exit::Ok,
        Err(exit) => exit,
    }
}

/// `FILE:CELL`: both; the path alone if it is that of a file.
fn split_cell(path: PathBuf) -> (PathBuf, Option<String>) {
    match path.to_str().and_then(|text| text.rsplit_once(':')) {
        Some((file, cell)) if !path.exists() => (file.into(), Some(cell.to_owned())),
        _ => (path, None),
    }
}

/// Native code of a program, or what leads to it.
fn native(session: &mut Session, stage: Stage, cell: Option<&str>) -> Result<String, Exit> {
    settings::need_jit(NAME)?;
    let options = Options {
        jit: JitMode::Auto,
        ..Options::default()
    };
    let program = session.program(options)?;
    let text = match stage {
        Stage::Clif => program.clif(cell),
        _ => program.asm(cell),
    };
    text.map_err(|error| {
        report::complain(NAME, &format!("{}: {error}", session.path.display()));
        Exit::Usage
    })
}

/// The text of a stage.
fn emit(session: &mut Session, stage: Stage, cell: Option<&str>) -> Result<String, Exit> {
    match stage {
        Stage::Tokens | Stage::Ast => {
            let file = session.read()?;
            let mut interner = Interner::new();
            let (sources, diagnostics) = (&session.sources, &mut session.diagnostics);
            let module = parse_file(sources, file, &mut interner, diagnostics);
            let text = match stage {
                Stage::Tokens => dump_tokens(sources, file, &mut interner),
                _ => dump_ast(&module, &interner),
            };
            session.finish()?;
            Ok(text)
        }
        Stage::Hir => Ok(hir::dump(&session.typed()?)),
        Stage::Ir => {
            let (program, _) = lumen_compiler::lower(session.typed()?);
            Ok(ir::dump::program(&program))
        }
        Stage::Bytecode => Ok(lumen_bytecode::list(&session.module()?)),
        Stage::Clif | Stage::Asm => native(session, stage, cell),
    }
}

fn compile(session: &mut Session, out: Option<PathBuf>) -> Result<(), Exit> {
    let out = out.unwrap_or_else(|| disk::with_ending(&session.path, disk::BYTECODE_ENDING));
    if out == session.path {
        report::complain(
            NAME,
            &format!("{}: this is bytecode already", out.display()),
        );
        return Err(Exit::Usage);
    }
    let module = session.module()?;
    module_file::write(NAME, &out, &module)
}
