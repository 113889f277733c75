//! From a file to what a stage of the compiler makes of it.

use std::path::{Path, PathBuf};

use lumen_bytecode::Module;
use lumen_compiler::diag::Diagnostics;
use lumen_compiler::source::{FileId, SourceMap};
use lumen_runtime::native::Native;
use lumen_vm::Program;

use crate::report::ErrorFormat;
use crate::settings::Settings;
use crate::{Exit, disk, module_file, report};

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

    /// The program as a module: read from bytecode, or compiled.
    ///
    /// # Errors
    /// [`Exit::Usage`] when a file cannot be read, [`Exit::Bytecode`] when it is no usable
    /// bytecode, [`Exit::Compile`] when the source has errors; what is wrong has been said.
    pub fn module(&mut self) -> Result<Module, Exit> {
        if disk::is_bytecode(&self.path) {
            return module_file::read_verified(self.command, &self.path);
        }
        self.read()?;
        self.finish()?;
        report::complain(self.command, "only bytecode (.lbc) can be run");
        Err(Exit::Usage)
    }

    /// The program, loaded.
    ///
    /// # Errors
    /// As [`Session::module`] and [`Session::load`].
    pub fn program(&mut self, settings: &Settings) -> Result<Program, Exit> {
        let module = self.module()?;
        self.load(module, settings)
    }

    /// Loads a module.
    ///
    /// # Errors
    /// [`Exit::Bytecode`] when the machine refuses it.
    pub fn load(&self, module: Module, settings: &Settings) -> Result<Program, Exit> {
        let natives: Vec<Native> = lumen_stdlib::natives().copied().collect();
        Program::load(module, &[&natives], settings.options()).map_err(|error| {
            let message = format!("{}: {error}", self.path.display());
            report::complain(self.command, &message);
            Exit::Bytecode
        })
    }
}
