//! The contract between compiler and virtual machine: op table, module, file format, verifier,
//! listing, assembler. It depends on nothing, and neither side knows the other.
#![forbid(unsafe_code)]

pub mod builder;
pub mod code;
pub mod module;
pub mod operand;
pub mod ops;

pub use code::{Insn, Op, OpVisitor, visit};
pub use module::{Function, Module, TypeDesc, TypeIx};
