//! What the tests of whole programs share: reading them, checking them, comparing what is made.

use lumen_bytecode::Module;
use lumen_compiler::diag::{Diagnostics, RenderOptions, render_human};
use lumen_compiler::hir::Program;
use lumen_compiler::names::{Library, Prelude, load_modules};
use lumen_compiler::source::{NoModules, SourceKind, SourceMap};
use lumen_compiler::syntax::Interner;
use lumen_compiler::types::check_program;
use std::path::Path;

/// A program without library that has no errors, and its bytecode, which is in order.
pub(crate) fn compiled(name: &str, text: &str) -> (Program, Module) {
    let (program, sources) = checked(name, text);
    let module = lumen_compiler::generate(program.clone(), &sources, &mut Diagnostics::new());
    verify(name, &module);
    (program, module)
}

/// Bytecode must be in order.
pub(crate) fn verify(name: &str, module: &Module) {
    if let Err(errors) = lumen_bytecode::verify::verify(module) {
        panic!("{name}: {errors:?}");
    }
}

/// A program without library that has no errors.
pub(crate) fn checked(name: &str, text: &str) -> (Program, SourceMap) {
    let mut sources = SourceMap::new();
    let root = sources.add_text(name, text.to_owned(), SourceKind::of_name(name));
    let (mut names, mut diagnostics) = (Interner::new(), Diagnostics::new());
    let modules = load_modules(
        root,
        Library::default(),
        Prelude::All,
        &NoModules,
        &mut sources,
        &mut names,
        &mut diagnostics,
    );
    let program = check_program(&modules, &sources, &mut names, &mut diagnostics);
    let said = render_human(&sources, &diagnostics, RenderOptions::default());
    let program = program.unwrap_or_else(|| panic!("{name} has errors\n{said}"));
    (program, sources)
}

/// Compares every program of `tests/FOLDER/`, and what `make` makes of it, with its snapshot.
pub(crate) fn compare(folder: &str, make: impl Fn(&str, &str) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(folder);
    let entries = std::fs::read_dir(&folder).expect("the folder is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "lm"));
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut settings = insta::Settings::new();
        settings.set_snapshot_path(&folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| {
            let made = make(&name, &text);
            insta::assert_snapshot!(name.clone(), format!("{text}\n────\n{made}"));
        });
    }
}
