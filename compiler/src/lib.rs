//! Lumen source to bytecode; pure: no I/O, no clock, no threads.

pub mod diag;
pub mod emit;
pub mod exhaustive;
pub mod hir;
pub mod ir;
pub mod limits;
pub mod names;
mod outline;
pub mod source;
pub mod syntax;
pub mod types;

use bytecode::module::Module;
use diag::Diagnostics;
use lumen_bytecode as bytecode;
use names::{Library, Prelude, load_modules};
use source::{FileId, Loader, SourceMap};
use syntax::Interner;

/// From source to the typed tree: parses `root` and what it imports, and checks it all. `None`
/// when there are errors.
pub fn check(
    root: FileId,
    library: Library<'_>,
    loader: &dyn Loader,
    sources: &mut SourceMap,
    diagnostics: &mut Diagnostics,
) -> Option<hir::Program> {
    // Most programs need little of the prelude. One with errors is looked at again beside all of
    // it, for the sake of suggestions.
    for prelude in [Prelude::Mentioned, Prelude::All] {
        let mut names = Interner::new();
        let mut found = Diagnostics::new();
        let modules = load_modules(
            root, library, prelude, loader, sources, &mut names, &mut found,
        );
        let program = types::check_program(&modules, sources, &mut names, &mut found);
        if program.is_some() || prelude == Prelude::All {
            if found.has_errors() {
                // What an error leaves without a value is mostly not used either.
                found.drop_all(diag::Code::UnusedValue);
            }
            diagnostics.extend(found);
            return program;
        }
    }
    None
}

/// From the typed tree to IR after its passes, with the class of every register of every function.
pub fn lower(program: hir::Program) -> (ir::Program, Vec<Vec<ir::passes::ownership::Class>>) {
    let mut lowered = ir::build::lower(program);
    let classes = ir::passes::run(&mut lowered);
    (lowered, classes)
}

/// From the typed tree to bytecode; what is too large for it is reported.
pub fn generate(
    program: hir::Program,
    sources: &SourceMap,
    diagnostics: &mut Diagnostics,
) -> Module {
    generate_in_phases(program, sources, diagnostics, || {})
}

/// As [`generate`]; calls `between` where a phase has given up what the one before it had made.
pub fn generate_in_phases(
    program: hir::Program,
    sources: &SourceMap,
    diagnostics: &mut Diagnostics,
    between: impl Fn(),
) -> Module {
    between();
    let mut lowered = ir::build::lower(program);
    between();
    ir::passes::prepare(&mut lowered);
    between();
    emit::own_and_emit(lowered, sources, diagnostics)
}
