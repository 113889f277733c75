//! From source text to the untyped syntax tree.

pub mod ast;
pub mod dump;
pub mod foreign;
pub mod lexer;
pub mod parse;
mod symbol;
pub mod token;

pub use parse::{parse_file, parse_parts};
pub use symbol::{Interner, Symbol};
