//! Patterns, typed.

use super::{LocalId, Ty};
use crate::source::Span;

/// A pattern over values of type `ty`.
#[derive(Clone, Debug)]
pub struct Pat {
    /// What it is.
    pub kind: PatKind,
    /// Type of the values matched against (before any test).
    pub ty: Ty,
    /// Where it stands.
    pub span: Span,
}

/// What a pattern is.
#[derive(Clone, Debug)]
pub enum PatKind {
    /// `_`.
    Wild,
    /// A name, possibly with a pattern it must also match (`x @ p` has none in Lumen; used by
    /// desugaring).
    Bind(LocalId, Option<Box<Pat>>),
    /// Int, Bool, String, Float, Null or Bytes literal; compared by equality.
    Int(i64),
    /// Float literal.
    Float(f64),
    /// Bool literal.
    Bool(bool),
    /// String literal.
    Str(String),
    /// Bytes literal.
    Bytes(Vec<u8>),
    /// `null`.
    Null,
    /// `lo..hi`, `lo..=hi` over Int; an open end is the type's limit.
    Range {
        /// Least.
        lo: i64,
        /// Greatest, included.
        hi: i64,
    },
    /// Tuple or record: patterns by field number; others are not looked at.
    Fields(Vec<(u32, Pat)>),
    /// Enum variant, patterns by payload position.
    Variant(u32, Vec<(u32, Pat)>),
    /// List: first elements, optional rest (bound or ignored), last elements.
    List {
        /// From the front.
        before: Vec<Pat>,
        /// `...rest`; `Some(None)` for a nameless rest.
        rest: Option<Option<LocalId>>,
        /// From the back.
        after: Vec<Pat>,
    },
    /// The value (of a union, `Any`, `Json`) has type `ty`; the inner pattern sees it narrowed.
    Type(Ty, Box<Pat>),
    /// Alternatives binding the same names (the same locals).
    Or(Vec<Pat>),
}
