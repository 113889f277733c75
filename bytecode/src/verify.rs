//! Proves that a module cannot break the machine that runs it.
//!
//! After [`verify`] every instruction finds what it expects: registers are initialised and hold
//! values of the right type and representation; indices, labels, windows and tables are in range;
//! each owned word is dropped, moved or returned exactly once on every path, failures included; a
//! borrowed word is used only while the register that keeps it alive is untouched; every cycle
//! polls. What it leaves to the machine: natives are as their keys say (checked when linked), and
//! resources (stack, memory) are limited while running.
//!
//! It is one pass over each function. At a branch target it believes the frame map, after the
//! fall-through edge has been compared with it; every branch compares its state with its target's
//! map. So nothing is iterated, and the work is linear in the code.

mod code;
mod flow;
mod landing;
mod module;
mod ops;
mod state;
mod types;
mod typing;

pub use typing::{RegType, TypedCode, Typing};

use crate::module::Module;
use std::fmt;

/// Why a module is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// The function, by index and name; `None` for the rest of the module.
    pub function: Option<(u32, String)>,
    /// Word index in the function's code.
    pub pc: Option<u32>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((index, name)) = &self.function {
            write!(f, "function f{index} ({})", name.escape_debug())?;
            if let Some(pc) = self.pc {
                write!(f, " at {pc}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for VerifyError {}

/// After so many the verifier stops.
const MAX_ERRORS: usize = 20;

/// What a check answers: what is wrong, in words.
type Check<T = ()> = Result<T, String>;

/// Checks a module.
///
/// # Errors
/// What is wrong with its tables, or the first thing wrong with each function, at most 20.
pub fn verify(module: &Module) -> Result<(), Vec<VerifyError>> {
    let types = module::tables(module).map_err(|message| {
        vec![VerifyError {
            function: None,
            pc: None,
            message,
        }]
    })?;
    let mut errors = Vec::new();
    for (index, function) in module.functions.iter().enumerate() {
        if let Err((pc, message)) = code::function(module, &types, function) {
            errors.push(VerifyError {
                function: Some((index as u32, function.name.clone())),
                pc,
                message,
            });
            if errors.len() == MAX_ERRORS {
                break;
            }
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

#[cfg(test)]
mod tests;
