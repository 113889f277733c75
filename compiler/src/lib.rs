//! Lumen source to bytecode; pure: no I/O, no clock, no threads.

pub mod diag;
pub mod hir;
pub mod source;
pub mod syntax;
