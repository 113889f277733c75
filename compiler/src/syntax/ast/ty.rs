//! Types as written.

use super::Ident;
use crate::source::Span;

/// A type as written.
#[derive(Clone, Debug)]
pub struct Type {
    /// What it is.
    pub kind: TypeKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of types.
#[derive(Clone, Debug)]
pub enum TypeKind {
    /// Could not be parsed; reported.
    Error,
    /// `Int`, `list[T]`, `User`, `T`, `Self`, also `tuple[A, B]` and `result[T, E]`
    Named {
        /// The name.
        name: Ident,
        /// What stands in brackets.
        args: Vec<Type>,
    },
    /// `null`, in place of `Null`
    Null,
    /// `_`: to be inferred
    Infer,
    /// `(A, B)`; `()` has no elements
    Tuple(Vec<Type>),
    /// `A | B`, flat, at least two
    Union(Vec<Type>),
    /// `T?`
    Nullable(Box<Type>),
    /// `fn(A, B) -> C / {effects}`
    Fn(Box<FnType>),
}

/// `fn(A, B) -> C / {effects}`
#[derive(Clone, Debug)]
pub struct FnType {
    /// The types of the parameters.
    pub params: Vec<Type>,
    /// The type of the result; `None` when not written.
    pub result: Option<Type>,
    /// The effects; `None` when not written.
    pub effects: Option<EffectRow>,
}

/// `{http, llm}` after `/`; `{}` is pure
#[derive(Clone, Debug)]
pub struct EffectRow {
    /// The effects, each a dotted name.
    pub effects: Vec<EffectName>,
    /// From `{` to `}`.
    pub span: Span,
}

/// The name of an effect: `http`, `db.query`
#[derive(Clone, Debug)]
pub struct EffectName {
    /// The segments; at least one.
    pub path: Vec<Ident>,
    /// All of it.
    pub span: Span,
}
