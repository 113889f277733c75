//! The virtual machine: loads, links, verifies and runs bytecode.

mod backtrace;
mod helpers;
mod instance;
mod interp;
mod jit;
mod load;
mod natives;
mod program;
mod tasks;

pub use backtrace::FailureReport;
pub use jit::{Compilation, JitMode, JitStats};
pub use load::LoadError;
pub use program::{End, Ended, Options, Program};
