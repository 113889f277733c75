//! Operators, conversions, places, pieces of text: what expressions are made with.

use super::{Expr, LocalId, Ty};
use crate::source::Span;

/// Binary operators with both operands of the same, concrete type (`Eq` … `Ge` on any type).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the operators' own names")]
pub enum BinOp {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
    BitAnd,
    BitOr,
    BitXor,
    Shl,
    Shr,
    /// Strings, lists (`++`, and `+` on them), Bytes.
    Concat,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// Unary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the operators' own names")]
pub enum UnOp {
    Neg,
    Not,
    BitNot,
}

/// A conversion between representations or static types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coercion {
    /// Int to Float.
    IntToFloat,
    /// To a union, `Any`, `Json` or nullable that contains the operand's type: boxes if needed.
    /// Also from union to wider union. Also `list[T]`/`map` to `Json`/`list[Json]`, which copies.
    Widen,
    /// From a union/Any/Json to one of its members, after a test proved it: unboxes if needed.
    Narrow,
    /// `as`: as `Narrow`, failing with kind `Cast` when the value has another type.
    Cast,
}

/// Where a value can be stored: a variable, then fields and elements.
#[derive(Clone, Debug)]
pub struct Place {
    /// The variable.
    pub root: LocalId,
    /// Steps from the outside in.
    pub path: Vec<PlaceStep>,
    /// The type of the place itself.
    pub ty: Ty,
    /// Where it stands.
    pub span: Span,
}

/// One step into a place. Index expressions are evaluated left to right, before the value.
#[derive(Clone, Debug)]
pub enum PlaceStep {
    /// Field `index` of a record or tuple of type `container`.
    Field {
        /// The record or tuple type.
        container: Ty,
        /// Field number.
        index: u32,
    },
    /// Element of a list (Int index, negative from the end) or value of a map (key; as the last
    /// step of an assignment it inserts, elsewhere the key must exist).
    Index {
        /// The list or map type.
        container: Ty,
        /// The index or key.
        index: Box<Expr>,
    },
}

/// A piece of an interpolated string.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Literal text.
    Text(String),
    /// A value, with its format specifier (`.2`, `>8`, `x` …) if any.
    Value(Expr, Option<FormatSpec>),
}

/// `{x:[[fill]align][sign][#][0][width][.precision][type]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormatSpec {
    /// Padding character.
    pub fill: Option<char>,
    /// `<`, `>` or `^`.
    pub align: Option<char>,
    /// `+`.
    pub plus: bool,
    /// `#`.
    pub alternate: bool,
    /// `0`.
    pub zero: bool,
    /// Minimal width.
    pub width: Option<u32>,
    /// Digits after the point, or the longest text.
    pub precision: Option<u32>,
    /// `x X b o e d s %` …
    pub ty: Option<char>,
    /// `,` or `_` thousands separator.
    pub group: Option<char>,
}
