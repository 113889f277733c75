//! IR to bytecode: the last stage. It decides nothing but places: which slot, which label.

mod branches;
pub mod flow;
mod func;
pub mod order;
pub mod registers;
mod windows;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ir::passes::{self, ownership::Class};
use crate::ir::roles::Signatures;
use crate::ir::{Func, Program};
use crate::source::Span;
use crate::source::{SourceFile, SourceMap};
use lumen_bytecode::builder::{BuildError, Room};
use lumen_bytecode::module::{Module, TestDesc};

/// What the functions of a program have in common.
struct Shared<'a> {
    program: &'a Program,
    sigs: &'a Signatures,
    unions: flow::Unions<'a>,
    /// The constant that unreachable code fails with.
    unreachable: u32,
    sources: &'a SourceMap,
}

/// Emits a whole program after its passes ran. `classes` are the ownership pass's, per function.
pub fn emit(
    program: Program,
    classes: Vec<Vec<Class>>,
    sources: &SourceMap,
    diagnostics: &mut Diagnostics,
) -> Module {
    let mut classes = classes.into_iter();
    let next = move |_: &mut Func, _: &Shared<'_>| classes.next().unwrap_or_default();
    emit_each(program, sources, diagnostics, next)
}

/// The same after [`passes::prepare`] only: the ownership pass runs on each function right before
/// it is emitted, and each goes as soon as its code is there.
pub fn own_and_emit(
    program: Program,
    sources: &SourceMap,
    diagnostics: &mut Diagnostics,
) -> Module {
    emit_each(program, sources, diagnostics, |func, shared| {
        passes::ownership::run_func(func, shared.sigs, &shared.program.types)
    })
}

fn emit_each(
    mut program: Program,
    sources: &SourceMap,
    diagnostics: &mut Diagnostics,
    mut classes: impl FnMut(&mut Func, &Shared<'_>) -> Vec<Class>,
) -> Module {
    let sigs = Signatures::of(&program);
    let funcs = std::mem::take(&mut program.funcs);
    let mut functions = Vec::with_capacity(funcs.len());
    let shared = Shared {
        program: &program,
        sigs: &sigs,
        unions: flow::unions(&program.types),
        unreachable: program.unreachable_message(),
        sources,
    };
    let mut room = Room::default();
    for mut func in funcs {
        let classes = classes(&mut func, &shared);
        match func::emit(&func, &classes, &shared, &mut room) {
            Ok(function) => functions.push(function),
            Err(error) => diagnostics.push(too_large(&func, &error)),
        }
    }
    let place = |span: Span| (span.file.0, sources.line_column(span).line);
    Module {
        types: program.types,
        constants: program.constants,
        natives: program.natives,
        paths: program.paths,
        functions,
        globals: program.globals,
        main: program.main,
        tests: program
            .tests
            .into_iter()
            .map(|(name, func, span)| {
                let (file, line) = place(span);
                TestDesc {
                    name,
                    func,
                    file,
                    line,
                }
            })
            .collect(),
        tools: program.tools,
        files: sources.files().map(|(_, f)| f.name().to_string()).collect(),
        sources: sources.files().map(|(_, f)| shown_source(f)).collect(),
        deterministic: program.deterministic,
        virtual_clock: program.virtual_clock,
    }
}

/// The text that reports show lines of; the library's is left out, and modules stay small.
fn shown_source(file: &SourceFile) -> String {
    let library = file.name().starts_with("std/");
    if library {
        String::new()
    } else {
        file.text().to_string()
    }
}

fn too_large(func: &Func, error: &BuildError) -> Diagnostic {
    let message = format!("cell `{}` is too large: {error}", func.name);
    Diagnostic::new(Code::CellTooLarge, message, func.span).help("split it into smaller cells")
}
