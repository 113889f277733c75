//! Expressions, except for control flow and concurrency (`flow.rs`).

use super::flow::*;
use super::{Block, EffectRow, ExprId, Ident, Param, Pattern, Type};
use crate::source::Span;
use crate::syntax::Symbol;

/// An expression.
#[derive(Debug)]
pub struct Expr {
    /// Its number in the module.
    pub id: ExprId,
    /// Where it stands, parentheses around it included.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// The kinds of expressions.
#[derive(Debug)]
pub enum ExprKind {
    /// Could not be parsed; reported.
    Error,
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `42`, `0xff`; also a duration, in milliseconds
    Int(i64),
    /// `1.5`
    Float(f64),
    /// `"text"` without holes, `r"raw"`
    Str(Box<str>),
    /// `b"cafe"`
    Bytes(Box<[u8]>),
    /// `"text {expr} text"`
    Interpolation(Vec<StrPart>),
    /// A name, `self` included.
    Name(Symbol),
    /// `(a, b)`; `()` is empty, `(a,)` has one element
    Tuple(Vec<Expr>),
    /// `[a, ...xs]`
    List(Vec<Element>),
    /// `{a, ...xs}`, not empty
    Set(Vec<Element>),
    /// `{k: v, ...m}`, not empty
    Map(Vec<MapElement>),
    /// `{}`: a map or a set, as the context wants
    EmptyBraces,
    /// `[e for x in xs if c]`, `{e for …}`, `{k: v for …}`
    Comprehension(Box<Comprehension>),
    /// `f(a, name: b)`, `channel[Int](3)`, `Point(x: 1)`
    Call(Box<Call>),
    /// `x.f(a)`, `x?.f(a)`: a method, a function in a field, or the cell `f` given `x` first
    MethodCall(Box<MethodCall>),
    /// `x.name`, `x?.name`
    Field {
        /// What stands before the point.
        base: Box<Expr>,
        /// The field.
        name: Ident,
        /// Whether it is `?.`.
        safe: bool,
    },
    /// `t.0`, `t?.0`
    TupleField {
        /// What stands before the point.
        base: Box<Expr>,
        /// The position.
        index: u32,
        /// Whether it is `?.`.
        safe: bool,
    },
    /// `xs[i]`, `xs?[i]`; a slice when the index is a [`ExprKind::Range`]
    Index {
        /// What stands before the bracket.
        base: Box<Expr>,
        /// What stands in it.
        index: Box<Expr>,
        /// Whether it is `?[`.
        safe: bool,
    },
    /// `max_of[Int]` where a value is wanted
    Instance {
        /// The cell.
        base: Box<Expr>,
        /// Its type arguments.
        types: Box<[Type]>,
    },
    /// `-x`, `not x`, `~x`
    Unary {
        /// The operator.
        op: UnaryOp,
        /// What it is applied to.
        operand: Box<Expr>,
    },
    /// `a + b`, `a and b`, `a ?? b`, `a in b` …
    Binary(Box<Binary>),
    /// `x is T`
    Is {
        /// The value.
        value: Box<Expr>,
        /// The type.
        ty: Box<Type>,
    },
    /// `x as T`
    As {
        /// The value.
        value: Box<Expr>,
        /// The type.
        ty: Box<Type>,
    },
    /// `a..b`, `a..=b step n`; without an end only inside an index
    Range(Box<Range>),
    /// `x |> f`, `x |> f(a)`: `x` becomes the first argument
    Pipe {
        /// What is handed on.
        value: Box<Expr>,
        /// What it is handed to: a call or something callable.
        target: Box<Expr>,
    },
    /// `f ~> g`: the function that applies `f`, then `g`
    Compose {
        /// Applied first.
        first: Box<Expr>,
        /// Applied to its result.
        second: Box<Expr>,
    },
    /// `try e`, `e?`: hands `err` or `null` to the caller
    Propagate {
        /// What may be `err` or `null`.
        value: Box<Expr>,
        /// Whether it is written `try e`.
        prefix: bool,
    },
    /// `e!`: the value, which must not be null
    Unwrap(Box<Expr>),
    /// `await e`; `e` may be a block, which is then joined
    Await(Box<Expr>),
    /// `await x, y, z` as a statement; at least two
    AwaitAll(Vec<Expr>),
    /// `fn(x) => e`, `fn(x: Int) -> Int … end`
    Lambda(Box<Lambda>),
    /// `ok(e)`
    Ok(Box<Expr>),
    /// `err(e)`
    Err(Box<Expr>),
    /// `do … end`
    Block(Box<Block>),
    /// `if`, in all its forms
    If(Box<If>),
    /// `match x … end`
    Match(Box<Match>),
    /// `when … end`
    When(Box<When>),
    /// `while c … end`, `while let p = e … end`
    While(Box<While>),
    /// `loop … end`
    Loop(Box<Loop>),
    /// `for x in xs … end`
    For(Box<For>),
    /// `try … catch e … finally … end`
    Try(Box<Try>),
    /// `return`, `return e`
    Return(Option<Box<Expr>>),
    /// `break`, `break @l e`
    Break {
        /// The label, without `@`.
        label: Option<Ident>,
        /// The value of the loop.
        value: Option<Box<Expr>>,
    },
    /// `continue`, `continue @l`
    Continue {
        /// The label, without `@`.
        label: Option<Ident>,
    },
    /// `throw e`
    Throw(Box<Expr>),
    /// `yield e`
    Yield(Box<Expr>),
    /// `assert c`, `assert c, "message"`
    Assert(Box<Assert>),
    /// `spawn(f(a))`, `spawn(fn() … end)`, `spawn([…])`: what stands in parentheses, unchecked
    Spawn(Box<[Arg]>),
    /// `async … end`
    Async(Box<Block>),
    /// `scope(…) as s … end`
    Scope(Box<Scope>),
    /// `parallel … end`, `race … end`, `vote … end`
    Parallel(Box<Parallel>),
    /// `parallel(…) for x in xs … end`
    ParallelFor(Box<ParallelFor>),
    /// `select … end`
    Select(Box<Select>),
    /// `timeout(ms, e)`
    Timeout {
        /// How long, in milliseconds.
        limit: Box<Expr>,
        /// What is limited: a call, a future, a block.
        body: Box<Expr>,
    },
}

/// A piece of a string with holes.
#[derive(Debug)]
pub enum StrPart {
    /// Text, escapes resolved.
    Text(Box<str>),
    /// `{expr}`, `{expr:format}`
    Hole(Box<Hole>),
}

/// `{expr:format}` in a string.
#[derive(Debug)]
pub struct Hole {
    /// The expression.
    pub expr: Expr,
    /// The format, if given.
    pub format: Option<Format>,
    /// From `{` to `}`.
    pub span: Span,
}

/// A format specifier: `[[fill]align][sign][#][0][width][,][.precision][kind]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Format {
    /// What fills up to `width`; a space if not given.
    pub fill: char,
    /// `<`, `>`, `^`; by default numbers stand right and all else left
    pub align: Option<Align>,
    /// Whether `+` asks for the sign of positive numbers.
    pub plus: bool,
    /// Whether `#` asks for `0x`, `0b`, `0o`.
    pub alternate: bool,
    /// Whether `0` asks for zeros between sign and digits.
    pub zero: bool,
    /// The least width, in characters.
    pub width: Option<u32>,
    /// Whether `,` asks for a comma between thousands.
    pub group: bool,
    /// Digits after the point; of a String, the most characters.
    pub precision: Option<u32>,
    /// How numbers are written.
    pub kind: FormatKind,
    /// Where it stands, without `:`.
    pub span: Span,
}

/// Where a formatted value stands in its width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// `<`
    Left,
    /// `>`
    Right,
    /// `^`
    Center,
}

/// How a formatted value is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FormatKind {
    /// As `print` does.
    Plain,
    /// `d`
    Decimal,
    /// `x`
    LowerHex,
    /// `X`
    UpperHex,
    /// `b`
    Binary,
    /// `o`
    Octal,
    /// `e`
    Exponent,
    /// `f`
    Fixed,
    /// `%`: times 100, with the sign
    Percent,
}

/// An element of a list or set literal.
#[derive(Debug)]
pub struct Element {
    /// Whether `...` stands before it: its elements are taken one by one.
    pub spread: bool,
    /// The value.
    pub value: Expr,
}

/// An element of a map literal.
#[derive(Debug)]
pub enum MapElement {
    /// `k: v`
    Entry(Expr, Expr),
    /// `...m`
    Spread(Expr),
}

/// `[e for x in xs if c for y in ys]`
#[derive(Debug)]
pub struct Comprehension {
    /// What is made.
    pub output: ComprehensionOutput,
    /// The `for` clauses, outermost first; at least one.
    pub clauses: Vec<ForClause>,
}

/// What a comprehension makes.
#[derive(Debug)]
pub enum ComprehensionOutput {
    /// `[e for …]`
    List(Expr),
    /// `{e for …}`
    Set(Expr),
    /// `{k: v for …}`
    Map(Expr, Expr),
}

/// `for pattern in xs [if c]`
#[derive(Debug)]
pub struct ForClause {
    /// What each element is taken apart by.
    pub pattern: Pattern,
    /// What is run through.
    pub iterable: Expr,
    /// The conditions after it; all must hold.
    pub guards: Vec<Expr>,
}

/// `f(a, b)`, `f[T](a)`
#[derive(Debug)]
pub struct Call {
    /// What is called.
    pub callee: Expr,
    /// The types in brackets.
    pub type_args: Box<[Type]>,
    /// The arguments.
    pub args: Box<[Arg]>,
    /// From `(` to `)`.
    pub args_span: Span,
}

/// `x.f(a)`, `x.f[T](a)`
#[derive(Debug)]
pub struct MethodCall {
    /// What stands before the point.
    pub receiver: Expr,
    /// The method.
    pub name: Ident,
    /// The types in brackets.
    pub type_args: Box<[Type]>,
    /// The arguments.
    pub args: Box<[Arg]>,
    /// From `(` to `)`.
    pub args_span: Span,
    /// Whether it is `?.`.
    pub safe: bool,
}

/// `e`, `name: e`, `...e`
#[derive(Debug)]
pub struct Arg {
    /// The name, if given.
    pub name: Option<Box<Ident>>,
    /// Whether `...` stands before it.
    pub spread: bool,
    /// The value.
    pub value: Expr,
}

/// `a + b`
#[derive(Debug)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// Where it stands.
    pub op_span: Span,
    /// The left operand.
    pub lhs: Expr,
    /// The right operand.
    pub rhs: Expr,
}

/// `a..b step n`
#[derive(Debug)]
pub struct Range {
    /// The start; `None` in `xs[..b]`.
    pub start: Option<Expr>,
    /// The end; `None` in `xs[a..]`.
    pub end: Option<Expr>,
    /// Whether the end belongs to it: `..=`.
    pub inclusive: bool,
    /// The step, if given.
    pub step: Option<Expr>,
}

/// Operators before an operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `not`
    Not,
    /// `~`
    BitNot,
}

impl UnaryOp {
    /// How it is written.
    pub fn text(self) -> &'static str {
        match self {
            UnaryOp::Neg => "-",
            UnaryOp::Not => "not",
            UnaryOp::BitNot => "~",
        }
    }
}

/// Declares [`BinaryOp`] with the spelling of each operator.
macro_rules! binary_ops {
    ($($op:ident $text:literal)*) => {
        /// Operators between two operands.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[allow(missing_docs, reason = "each operator is its spelling, given by `text`")]
        pub enum BinaryOp { $($op,)* }

        impl BinaryOp {
            /// How it is written.
            pub fn text(self) -> &'static str {
                match self { $(BinaryOp::$op => $text,)* }
            }
        }
    };
}

binary_ops! {
    Add "+" Sub "-" Mul "*" Div "/" FloorDiv "//" Rem "%" Pow "**" Concat "++"
    BitAnd "&" BitOr "|" BitXor "^" Shl "<<" Shr ">>"
    Eq "==" NotEq "!=" Lt "<" LtEq "<=" Gt ">" GtEq ">=" In "in" NotIn "not in"
    And "and" Or "or" Coalesce "??"
}

/// `fn(x) => e`, `fn(x: Int) -> Int … end`
#[derive(Debug)]
pub struct Lambda {
    /// The parameters.
    pub params: Vec<Param>,
    /// The result type, if given.
    pub result: Option<Type>,
    /// The effects, if given.
    pub effects: Option<EffectRow>,
    /// What it does.
    pub body: LambdaBody,
    /// From `fn` to the end of the header.
    pub header: Span,
}

/// What a lambda does.
#[derive(Debug)]
pub enum LambdaBody {
    /// `=> e`
    Expr(Expr),
    /// Statements up to `end`.
    Block(Block),
}
