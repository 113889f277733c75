//! Patterns.

use super::{ExprId, Ident, Type};
use crate::source::Span;

/// A pattern.
#[derive(Debug)]
pub struct Pattern {
    /// Its number, from the same series as those of expressions.
    pub id: ExprId,
    /// What it is.
    pub kind: PatternKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of patterns.
#[derive(Debug)]
pub enum PatternKind {
    /// Could not be parsed; reported.
    Error,
    /// `_`
    Wildcard,
    /// A bare name: a binding, or a variant or constant of that name if there is one.
    Name(Ident),
    /// `42`, `-1.5`, `"text"`, `true`, `null`
    Literal(LiteralPattern),
    /// `a..b`, `a..=b`, `a..`, `..b`; the ends are literals
    Range(Box<RangePattern>),
    /// `(a, b)`
    Tuple(Vec<Pattern>),
    /// `[a, ...rest, z]`
    List(Box<ListPattern>),
    /// `User(name: n, ..)`, `Circle(r)`, `Shape.Circle(r)`, `Shape.Unit`
    Constructor(Box<ConstructorPattern>),
    /// `ok(p)`
    Ok(Box<Pattern>),
    /// `err(p)`
    Err(Box<Pattern>),
    /// `n: Int`, `_: Int`, `(a, b): (Int, Int)`
    Typed {
        /// What stands before `:`.
        pattern: Box<Pattern>,
        /// The type.
        ty: Box<Type>,
    },
    /// `a | b`, flat, at least two
    Or(Vec<Pattern>),
}

/// A literal in a pattern.
#[derive(Clone, PartialEq, Debug)]
pub enum LiteralPattern {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `42`, also a duration, in milliseconds
    Int(i64),
    /// `1.5`
    Float(f64),
    /// `"text"`, without holes
    Str(Box<str>),
    /// `b"cafe"`
    Bytes(Box<[u8]>),
}

/// `a..b`, `a..=b`, `a..`, `..b`
#[derive(Debug)]
pub struct RangePattern {
    /// The lower end.
    pub start: Option<LiteralPattern>,
    /// The upper end.
    pub end: Option<LiteralPattern>,
    /// Whether `end` belongs to it.
    pub inclusive: bool,
}

/// `[a, b, ...rest, y, z]`
#[derive(Debug)]
pub struct ListPattern {
    /// The elements before `...`, or all.
    pub before: Vec<Pattern>,
    /// `...`, if it stands there.
    pub rest: Option<RestPattern>,
    /// The elements after `...`.
    pub after: Vec<Pattern>,
}

/// `...rest`, `...`
#[derive(Debug)]
pub struct RestPattern {
    /// The name that the middle of the list is bound to.
    pub name: Option<Ident>,
    /// All of it.
    pub span: Span,
}

/// A record or variant taken apart.
#[derive(Debug)]
pub struct ConstructorPattern {
    /// `Circle` or `Shape.Circle`; at least one segment.
    pub path: Vec<Ident>,
    /// What stands in parentheses; `None` without any.
    pub fields: Option<Vec<FieldPattern>>,
    /// Where `..` stands, if it does.
    pub rest: Option<Span>,
}

/// `p` or `name: p` inside a constructor pattern.
///
/// `Some(n: Int)` reads as field `n` matched by the name `Int`. Where the variant has no field of
/// that name, the checker takes it for the type pattern `n: Int`. A type that cannot be a pattern
/// (`n: list[Int]`, `n: Int?`) is parsed as a type pattern without a field name.
#[derive(Debug)]
pub struct FieldPattern {
    /// The name of the field, if given.
    pub name: Option<Ident>,
    /// What it must match.
    pub pattern: Pattern,
}
