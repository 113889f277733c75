//! Modules on disk: read, checked, written.

use std::path::Path;

use lumen_bytecode::{Module, decode, encode};

use crate::{Exit, disk, report};

/// The module in the bytecode file `path`; on trouble, what is wrong has been said.
///
/// # Errors
/// [`Exit::Usage`] when it cannot be read, [`Exit::Bytecode`] when it is no usable bytecode.
pub fn read(command: &str, path: &Path) -> Result<Module, Exit> {
    let bytes = disk::read(path).map_err(|message| {
        report::complain(command, &message);
        Exit::Usage
    })?;
    decode(&bytes).map_err(|error| {
        report::complain(command, &format!("{}: {error}", path.display()));
        Exit::Bytecode
    })
}

/// The module in the bytecode file `path`, proved harmless: it may be run.
///
/// # Errors
/// As [`read`], and [`Exit::Bytecode`] when the verifier refuses it.
pub fn read_verified(command: &str, path: &Path) -> Result<Module, Exit> {
    let module = read(command, path)?;
    if let Err(errors) = lumen_bytecode::verify(&module) {
        for error in errors {
            report::complain(command, &format!("{}: {error}", path.display()));
        }
        return Err(Exit::Bytecode);
    }
    Ok(module)
}

/// Writes `module` to `path`.
///
/// # Errors
/// [`Exit::Usage`] when that is not possible.
pub fn write(command: &str, path: &Path, module: &Module) -> Result<(), Exit> {
    std::fs::write(path, encode(module)).map_err(|error| {
        let reason = disk::reason(&error);
        report::complain(
            command,
            &format!("cannot write {}: {reason}", path.display()),
        );
        Exit::Usage
    })
}
