//! From source text to the untyped syntax tree.

pub mod ast;
mod symbol;
pub mod token;

pub use symbol::{Interner, Symbol};
