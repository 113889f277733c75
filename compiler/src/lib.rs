//! Lumen source to bytecode; pure: no I/O, no clock, no threads.

pub mod diag;
pub mod emit;
pub mod exhaustive;
pub mod hir;
pub mod ir;
pub mod source;
pub mod syntax;
