//! From a file to what a stage of the compiler makes of it.

use std::path::{Path, PathBuf};

use lumen_bytecode::Module;
use lumen_compiler::diag::Diagnostics;
use lumen_compiler::hir;
use lumen_compiler::names::{Library, LibraryModule};
use lumen_compiler::source::{FileId, Loader, SourceKind, SourceMap};
use lumen_runtime::image::{give_back_all_code, give_back_code};
use lumen_runtime::pools::gather;
use lumen_vm::{Options, Program};

use crate::disk::Disk;
use crate::report::ErrorFormat;
use crate::{Exit, disk, module_file, report};

/// Checks the program that begins in `root`, whose imports `loader` finds, with the library.
pub fn check_with_library(
    root: FileId,
    loader: &dyn Loader,
    sources: &mut SourceMap,
    diagnostics: &mut Diagnostics,
) -> Option<hir::Program> {
    let library: Vec<LibraryModule<'_>> = lumen_stdlib::SOURCES
        .iter()
        .map(|source| LibraryModule {
            name: source.name,
            text: source.text,
            prelude: source.prelude,
        })
        .collect();
    let library = Library { modules: &library };
    lumen_compiler::check(root, library, loader, sources, diagnostics)
}

/// Checks a program that is a text, called `name`, and stands in no file: for tests and
/// benchmarks. Imports are looked for in the working directory.
pub fn check_text(name: &str, text: &str) -> (SourceMap, Diagnostics, Option<hir::Program>) {
    let (mut sources, mut diagnostics) = (SourceMap::new(), Diagnostics::new());
    let root = sources.add_text(name, text.to_owned(), SourceKind::Plain);
    let disk = Disk::of_program(Path::new(name));
    let program = check_with_library(root, &disk, &mut sources, &mut diagnostics);
    (sources, diagnostics, program)
}

/// One compilation: what was read, and what was found wrong.
#[derive(Debug)]
pub struct Session {
    /// The command, for complaints: `lumen run`.
    pub command: &'static str,
    /// The program's file.
    pub path: PathBuf,
    /// How diagnostics are written.
    pub format: ErrorFormat,
    /// Everything read so far.
    pub sources: SourceMap,
    /// Everything found so far.
    pub diagnostics: Diagnostics,
}

impl Session {
    /// A session about the program in `path`.
    pub fn new(command: &'static str, path: &Path, format: ErrorFormat) -> Session {
        Session {
            command,
            path: path.to_path_buf(),
            format,
            sources: SourceMap::new(),
            diagnostics: Diagnostics::new(),
        }
    }

    /// Reads the program's file.
    ///
    /// # Errors
    /// [`Exit::Usage`] when it cannot be read, [`Exit::Compile`] when it is no source text; what
    /// is wrong has been said.
    pub fn read(&mut self) -> Result<FileId, Exit> {
        let bytes = disk::read(&self.path).map_err(|message| {
            report::complain(self.command, &message);
            Exit::Usage
        })?;
        let name = self.path.display().to_string();
        match self.sources.add(&name, bytes) {
            Ok(file) => Ok(file),
            Err(diagnostic) => {
                self.diagnostics.push(*diagnostic);
                self.finish()?;
                Err(Exit::Compile)
            }
        }
    }

    /// Writes what was found.
    ///
    /// # Errors
    /// [`Exit::Compile`] when there are errors among it.
    pub fn finish(&mut self) -> Result<(), Exit> {
        let found = std::mem::take(&mut self.diagnostics);
        let failed = found.has_errors();
        report::diagnostics(&self.sources, found, self.format);
        if failed { Err(Exit::Compile) } else { Ok(()) }
    }

    /// Reads the program and what it imports, and checks it; what is found stays in
    /// [`Session::diagnostics`].
    ///
    /// # Errors
    /// As [`Session::read`].
    pub fn check(&mut self) -> Result<Option<hir::Program>, Exit> {
        let root = self.read()?;
        let disk = Disk::of_program(&self.path);
        Ok(self.check_from(root, &disk))
    }

    /// Checks the program that begins in `root`, whose imports `loader` finds.
    pub fn check_from(&mut self, root: FileId, loader: &dyn Loader) -> Option<hir::Program> {
        check_with_library(root, loader, &mut self.sources, &mut self.diagnostics)
    }

    /// The typed tree of a program without errors; what was found has been said.
    ///
    /// # Errors
    /// As [`Session::read`]; [`Exit::Compile`] when there are errors.
    pub fn typed(&mut self) -> Result<hir::Program, Exit> {
        let program = self.check()?;
        self.finish()?;
        program.ok_or(Exit::Compile)
    }

    /// The program as a module: read from bytecode and verified, or compiled.
    ///
    /// # Errors
    /// [`Exit::Usage`] when a file cannot be read, [`Exit::Bytecode`] when it is no usable
    /// bytecode, [`Exit::Compile`] when the source has errors; what is wrong has been said.
    pub fn module(&mut self) -> Result<Module, Exit> {
        if disk::is_bytecode(&self.path) {
            return module_file::read_verified(self.command, &self.path);
        }
        // Reading the command line, compiling and running are different code: each phase goes on
        // without what the one before has read.
        give_back_all_code();
        let program = self.typed()?;
        let module = self.generate(program);
        give_back_code();
        module
    }

    /// The module of a checked program.
    ///
    /// # Errors
    /// [`Exit::Compile`] when it is too large for one; it has been said.
    pub fn generate(&mut self, program: hir::Program) -> Result<Module, Exit> {
        let (sources, diagnostics) = (&self.sources, &mut self.diagnostics);
        let module = lumen_compiler::generate_in_phases(program, sources, diagnostics, gather);
        self.finish()?;
        if cfg!(debug_assertions)
            && let Err(errors) = lumen_bytecode::verify(&module)
        {
            for error in errors.iter().take(10) {
                report::complain(self.command, &format!("internal: {error}"));
            }
            return Err(Exit::Bytecode);
        }
        Ok(module)
    }

    /// The program, loaded.
    ///
    /// # Errors
    /// As [`Session::module`] and [`Session::load`].
    pub fn program(&mut self, options: Options) -> Result<Program, Exit> {
        let module = self.module()?;
        self.load(module, options)
    }

    /// Loads a module.
    ///
    /// # Errors
    /// [`Exit::Bytecode`] when the machine refuses it.
    pub fn load(&self, module: Module, options: Options) -> Result<Program, Exit> {
        Program::load(module, &[], options).map_err(|error| {
            let message = format!("{}: {error}", self.path.display());
            report::complain(self.command, &message);
            Exit::Bytecode
        })
    }
}
