//! Statements and blocks.

use super::{Expr, Ident, Pattern, StrPart, Type};
use crate::source::Span;

/// Statements up to `end` (or `else`, `catch` …).
#[derive(Debug)]
pub struct Block {
    /// The statements.
    pub stmts: Vec<Stmt>,
    /// From the first statement to the last; empty, where the first would stand.
    pub span: Span,
    /// The word that ends it (`end`, `else`, `catch` …); empty where there is none, as in
    /// `if c then a`.
    pub end: Span,
}

/// A statement.
#[derive(Debug)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of statements. Whatever can be an expression is one: `if`, loops, `return`, `throw`.
#[derive(Debug)]
pub enum StmtKind {
    /// Could not be parsed; reported.
    Error,
    /// `let [mut] pattern [: T] = e`
    Let(Box<Let>),
    /// `place = e`, `place += e`
    Assign(Box<Assign>),
    /// An expression.
    Expr(Expr),
    /// `defer … end`
    Defer(Block),
    /// `role system: text {x}`
    Role(Box<Role>),
}

/// `let [mut] pattern [: T] = e`
#[derive(Debug)]
pub struct Let {
    /// Where `mut` stands, if it does.
    pub mutable: Option<Span>,
    /// What the value is taken apart by.
    pub pattern: Pattern,
    /// The type, if given.
    pub ty: Option<Box<Type>>,
    /// The value.
    pub value: Expr,
}

/// `place = e` or `place op= e`
#[derive(Debug)]
pub struct Assign {
    /// A name, field or index expression.
    pub place: Expr,
    /// The operator before `=`, if any.
    pub op: Option<super::BinaryOp>,
    /// Where the operator stands.
    pub op_span: Span,
    /// The value.
    pub value: Expr,
}

/// `role system: text {x}`
#[derive(Debug)]
pub struct Role {
    /// `system`, `user` …
    pub role: Ident,
    /// The text.
    pub text: Vec<StrPart>,
    /// Where the text stands.
    pub text_span: Span,
}
