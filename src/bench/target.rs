//! What is measured: a program's `main`, or one of its cells.

use std::path::{Path, PathBuf};

use lumen_bytecode::Module;
use lumen_compiler::diag::Diagnostics;
use lumen_compiler::source::SourceKind;
use lumen_compiler::source::{Found, Loader};

use crate::disk::{self, Disk};
use crate::pipeline::Session;
use crate::{Exit, report};

/// The module name under which the program is imported.
const PROGRAM: &str = "program";

/// Finds the program itself under [`PROGRAM`], and everything else as ever.
struct OfOneCell {
    disk: Disk,
    file: PathBuf,
    importer: String,
}

impl Loader for OfOneCell {
    fn load(&self, path: &[&str], importer: &str) -> Found {
        if importer != self.importer || path != [PROGRAM] {
            return self.disk.load(path, importer);
        }
        let name = self.file.display().to_string();
        match disk::read(&self.file) {
            Ok(bytes) => Found::Source { name, bytes },
            Err(reason) => Found::Unreadable { name, reason },
        }
    }
}

/// The module whose `main` runs `cell` of the program, or the program's own `main`.
///
/// # Errors
/// As [`Session::module`]; [`Exit::Usage`] when the cell cannot be called. It has been said.
pub fn module(session: &mut Session, cell: Option<&str>) -> Result<Module, Exit> {
    match cell {
        None => session.module(),
        Some(cell) if disk::is_bytecode(&session.path) => of_bytecode(session, cell),
        Some(cell) => of_source(session, cell),
    }
}

fn refuse(session: &Session, cell: &str, why: &str) -> Exit {
    let message = format!("{}: cannot run `{cell}()`: {why}", session.path.display());
    report::complain(session.command, &message);
    Exit::Usage
}

fn of_bytecode(session: &mut Session, cell: &str) -> Result<Module, Exit> {
    let mut module = session.module()?;
    let found = module.functions.iter().position(|f| f.name == cell);
    let Some(at) = found else {
        return Err(refuse(
            session,
            cell,
            "the module has no function of that name",
        ));
    };
    if !module.functions[at].params.is_empty() {
        return Err(refuse(session, cell, "it takes parameters"));
    }
    module.main = u32::try_from(at).ok();
    Ok(module)
}

/// Compiles a program of one line, which calls the cell.
fn of_source(session: &mut Session, cell: &str) -> Result<Module, Exit> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    if cell.is_empty() || !cell.chars().all(is_name) {
        return Err(refuse(session, cell, "that is no name of a cell"));
    }
    // What cannot be read is said as ever.
    session.read()?;
    let name = beside(&session.path);
    let text = format!("import {PROGRAM}: {cell}\ncell main() = {cell}()\n");
    let root = session.sources.add_text(&name, text, SourceKind::Plain);
    let loader = OfOneCell {
        disk: Disk::of_program(&session.path),
        file: session.path.clone(),
        importer: name,
    };
    let program = session.check_from(root, &loader);
    let about_call = |session: &Session| {
        let mut found = session.diagnostics.iter();
        let error = found.find(|d| d.primary.as_ref().is_some_and(|l| l.span.file == root));
        error.map(|d| d.message.clone())
    };
    if let Some(why) = about_call(session) {
        let _ = std::mem::replace(&mut session.diagnostics, Diagnostics::new());
        let why = why.replace("module `program`", "the program");
        return Err(refuse(session, cell, &why));
    }
    session.finish()?;
    session.generate(program.ok_or(Exit::Compile)?)
}

/// A file name in the program's folder.
fn beside(path: &Path) -> String {
    path.with_file_name("lumen bench.lm").display().to_string()
}
