//! The contract between compiler and virtual machine: op table, module, file format, verifier,
//! listing, assembler. It depends on nothing, and neither side knows the other.
#![forbid(unsafe_code)]

pub mod assemble;
pub mod builder;
pub mod code;
pub mod docs;
pub mod file;
pub mod listing;
pub mod module;
pub mod operand;
pub mod ops;
#[cfg(test)]
mod testing;
mod text;
pub mod verify;

pub use assemble::{Diagnostic, assemble};
pub use code::{Insn, Op, OpVisitor, visit};
pub use file::{DecodeError, decode, encode, is_bytecode};
pub use listing::{ListOptions, list, list_with};
pub use module::{Function, Module, TypeDesc, TypeIx};
pub use text::type_name;
pub use verify::{VerifyError, verify};
