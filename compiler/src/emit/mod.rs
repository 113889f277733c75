//! IR to bytecode: the last stage. It decides nothing but places: which slot, which label.

mod branches;
pub mod flow;
mod func;
pub mod order;
pub mod registers;
mod windows;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ir::passes::ownership::Class;
use crate::ir::roles::Signatures;
use crate::ir::{Func, Program};
use crate::source::Span;
use crate::source::{SourceFile, SourceMap};
use lumen_bytecode::builder::BuildError;
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
    mut program: Program,
    classes: Vec<Vec<Class>>,
    sources: &SourceMap,
    diagnostics: &mut Diagnostics,
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
    // Each function goes as soon as its code is there.
    for (func, classes) in funcs.into_iter().zip(classes) {
        match func::emit(&func, &classes, &shared) {
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
