//! The untyped syntax tree: what the parser makes and the checker reads.
//!
//! Every expression and pattern has an [`ExprId`], unique in its module, for side tables, and a
//! span. Parentheses leave no node; the span of what they hold covers them. What could not be
//! parsed is an `Error` node: it has been reported, later stages keep silent about it.

mod expr;
mod flow;
mod item;
mod pattern;
mod stmt;
mod ty;

pub use expr::*;
pub use flow::*;
pub use item::*;
pub use pattern::*;
pub use stmt::*;
pub use ty::*;

use super::Symbol;
use crate::source::{FileId, Span};

/// The number of an expression or pattern, unique in its module: `0..Module::id_count`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ExprId(pub u32);

/// A name where it stands in the source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ident {
    /// The name.
    pub name: Symbol,
    /// Where it stands.
    pub span: Span,
}

/// One source file, parsed.
#[derive(Debug)]
pub struct Module {
    /// The file.
    pub file: FileId,
    /// The directives at its top, as written.
    pub directives: Vec<Directive>,
    /// What the known directives say.
    pub settings: Settings,
    /// The declarations, in source order.
    pub items: Vec<Item>,
    /// The statements outside any declaration, in source order: the implicit `main`.
    pub body: Vec<Stmt>,
    /// How many [`ExprId`]s were given out.
    pub id_count: u32,
}

/// A line `@name value` at the top of a file.
#[derive(Debug)]
pub struct Directive {
    /// The name, without `@`.
    pub name: Ident,
    /// The word after it, if any.
    pub value: Option<Ident>,
    /// The whole line.
    pub span: Span,
}

/// What the directives of a module say; `None` where they say nothing.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Settings {
    /// `@deterministic`, and where it stands.
    pub deterministic: Option<(bool, Span)>,
    /// `@clock`
    pub clock: Option<(Clock, Span)>,
    /// `@strict`
    pub strict: Option<(bool, Span)>,
    /// `@doc_mode`
    pub doc_mode: Option<(bool, Span)>,
}

/// The clock asked for by `@clock`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clock {
    /// `@clock virtual`
    Virtual,
    /// `@clock real`
    Real,
}

/// The doc comment above a declaration: the text of its `##` lines, without the marks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Doc {
    /// The lines, joined by newlines; one space after each `##` is dropped.
    pub text: Box<str>,
    /// From the first mark to the end of the last line.
    pub span: Span,
}
