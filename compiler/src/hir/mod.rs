//! The typed tree: what checking hands to lowering.
//!
//! Everything is decided here: names are ids, overloads and methods are resolved, generic cells
//! are instances with concrete types, conversions are explicit ([`ExprKind::Coerce`]). Sugar that
//! can be said with simpler nodes is gone (`if let`, `while let`, `?.`, `??`, `!`, `?`, prefix
//! `try`, pipes, comprehensions, compound assignment are matches, blocks, loops and calls).

pub mod concurrency;
mod dump;
pub mod operand;
pub mod pattern;
pub mod ty;
pub mod visit;

pub use concurrency::{Branch, Group, JoinPolicy, JoinStrategy, Select, SelectArm, SelectOp};
pub use dump::dump;
pub use operand::{BinOp, Coercion, FormatSpec, Piece, Place, PlaceStep, UnOp};
pub use pattern::{Pat, PatKind};
pub use ty::{Field, Nominal, NominalId, Repr, Ty, TyKind, Types, Variant};

use crate::source::Span;
use crate::syntax::{Interner, Symbol};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);
    };
}
id!(
    /// A function of [`Program::funcs`].
    FuncId
);
id!(
    /// A local variable of one function, in [`Func::locals`].
    LocalId
);
id!(
    /// A module-level variable that is never reassigned, in [`Program::globals`].
    GlobalId
);
id!(
    /// A native, in [`Program::natives`].
    NativeId
);
id!(
    /// A loop within a function, for `break` and `continue`.
    LoopId
);

/// A whole checked program: only what is reachable from `main` (and the tests).
#[derive(Clone, Debug)]
pub struct Program {
    /// The names of locals.
    pub names: Interner,
    /// All types.
    pub types: Types,
    /// All function instances.
    pub funcs: Vec<Func>,
    /// Module-level variables in initialisation order.
    pub globals: Vec<Global>,
    /// Natives used.
    pub natives: Vec<Native>,
    /// The entry: a cell without parameters, or with one `list[String]`.
    pub main: Option<FuncId>,
    /// `test "…"` blocks.
    pub tests: Vec<Test>,
    /// `@deterministic true` was given.
    pub deterministic: bool,
    /// `@clock virtual` (true) or `real` (false), if given.
    pub virtual_clock: Option<bool>,
    /// Declared tools, by index ([`ExprKind::CallTool`]).
    pub tools: Vec<Tool>,
}

/// A `test "name" … end` block.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// A function without parameters.
    pub func: FuncId,
    /// Where it stands.
    pub span: Span,
}

/// An external tool: `use tool llm.chat as Chat`, with the grants that bind it.
#[derive(Clone, Debug)]
pub struct Tool {
    /// `llm.chat`.
    pub path: String,
    /// `Chat`.
    pub name: String,
    /// Grant settings as written, in order.
    pub grants: Vec<(String, GrantValue)>,
}

/// The value of a grant setting.
#[derive(Clone, Debug, PartialEq)]
pub enum GrantValue {
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
}

/// A module-level variable.
#[derive(Clone, Debug)]
pub struct Global {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Ty,
    /// A function without parameters that computes it; run before `main`, in order. One without
    /// has no value until [`ExprKind::SetGlobal`].
    pub init: Option<FuncId>,
    /// Where it is declared.
    pub span: Span,
}

/// A native instance, named by key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Native {
    /// The key of its declaration: `math.sqrt(Float) -> Float`.
    pub key: String,
    /// Concrete parameter types.
    pub params: Vec<Ty>,
    /// Concrete result type.
    pub result: Ty,
    /// Its first parameter is `mut`: inout.
    pub mutator: bool,
    /// Concrete type arguments in declaration order (`from_json[T]`).
    pub type_args: Vec<Ty>,
}

/// What kind of function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FuncKind {
    /// A cell or method.
    Cell,
    /// A lambda, a concurrent branch, an async body: has captures.
    Closure,
    /// A generator: its `result` is `Generator[T]`; the body yields T.
    Generator,
}

/// One function instance.
#[derive(Clone, Debug)]
pub struct Func {
    /// As shown in stack traces: `area`, `Shape.area`, `main.fn@12`.
    pub name: String,
    /// Kind.
    pub kind: FuncKind,
    /// Captured variables: locals of this function that are filled from the closure object.
    pub captures: Vec<LocalId>,
    /// Parameters, in order.
    pub params: Vec<LocalId>,
    /// Result type. For a mutator (`mut` first parameter) this is the value beside the new
    /// first argument.
    pub result: Ty,
    /// The first parameter is `mut`: its final value goes back to the caller's place.
    pub mutator: bool,
    /// All locals: parameters, captures, `let`s, pattern bindings, temporaries.
    pub locals: Vec<Local>,
    /// The body; its value is the result.
    pub body: Expr,
    /// Declared doc-level inlining wish: small library cells taking closures.
    pub inline: bool,
    /// Where it is declared.
    pub span: Span,
}

/// A local variable.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    /// Its name, in [`Program::names`]; [`Symbol::NONE`] for temporaries.
    pub name: Symbol,
    /// Its type.
    pub ty: Ty,
    /// Where it is bound.
    pub span: Span,
}

/// A typed expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type (`Ty::NULL` for statements, `Ty::NEVER` where control does not go on).
    pub ty: Ty,
    /// Where it stands.
    pub span: Span,
}

impl Expr {
    /// `null`
    #[must_use]
    pub fn null(span: Span) -> Expr {
        Expr {
            kind: ExprKind::Null,
            ty: Ty::NULL,
            span,
        }
    }
}

/// What a call calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A function instance.
    Func(FuncId),
    /// A native.
    Native(NativeId),
}

/// An arm of a `match` (or of `catch`).
#[derive(Clone, Debug)]
pub struct Arm {
    /// The pattern.
    pub pat: Pat,
    /// `if guard`.
    pub guard: Option<Box<Expr>>,
    /// The value.
    pub body: Expr,
}

/// An element of a list or set literal.
#[derive(Clone, Debug)]
pub enum Element {
    /// One value.
    One(Expr),
    /// `...xs`: all values of a list.
    Spread(Expr),
}

/// What `for` walks over.
#[derive(Clone, Debug)]
pub enum Iter {
    /// `lo..hi`, `lo..=hi`, `step`; `step` defaults to 1 and may be negative.
    Range {
        /// First value.
        lo: Box<Expr>,
        /// Limit.
        hi: Box<Expr>,
        /// Limit included.
        inclusive: bool,
        /// Step.
        step: Option<Box<Expr>>,
    },
    /// Elements of a list.
    List(Box<Expr>),
    /// Characters of a String, as one-character Strings.
    Chars(Box<Expr>),
    /// Bytes as Ints.
    Bytes(Box<Expr>),
    /// Keys of a map, in insertion order.
    Keys(Box<Expr>),
    /// `(key, value)` of a map.
    Entries(Box<Expr>),
    /// Elements of a set.
    Set(Box<Expr>),
    /// Values of a generator.
    Generator(Box<Expr>),
    /// Messages of a channel (or receiver), until it is closed and drained.
    Channel(Box<Expr>),
}

/// What an expression is: at most 48 bytes, as there are very many.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// Int literal.
    Int(i64),
    /// Float literal.
    Float(f64),
    /// Bool literal.
    Bool(bool),
    /// String literal.
    Str(String),
    /// Bytes literal.
    BytesLit(Vec<u8>),
    /// `null`, or nothing.
    Null,
    /// A variable's value.
    Local(LocalId),
    /// A module-level variable's value.
    Global(GlobalId),
    /// Gives a module-level variable its value: where its `let` stands among the statements.
    SetGlobal(GlobalId, Box<Expr>),
    /// A function as a value.
    FuncRef(FuncId),
    /// A lambda: values of `captures` (locals of the enclosing function) are copied in.
    Closure {
        /// Its code.
        func: FuncId,
        /// Enclosing function's locals, in the order of `Func::captures`.
        captures: Vec<LocalId>,
    },
    /// Statements in order; the last one's value. Also the scope of `defer`s directly within.
    Block(Vec<Expr>),
    /// `let pat = init`. A refutable pattern that does not match is a failure of kind `Match`.
    Let {
        /// What is bound.
        pat: Box<Pat>,
        /// The value.
        init: Box<Expr>,
    },
    /// `place = value`.
    Assign {
        /// Where.
        place: Box<Place>,
        /// What.
        value: Box<Expr>,
    },
    /// `place op= value` where updating in place is worth it (string and list append, arithmetic).
    AssignOp {
        /// Where.
        place: Box<Place>,
        /// Operator.
        op: BinOp,
        /// Right side, already of the operand type.
        value: Box<Expr>,
    },
    /// `if`.
    If {
        /// Condition.
        cond: Box<Expr>,
        /// Then.
        then: Box<Expr>,
        /// Else; missing means Null.
        otherwise: Option<Box<Expr>>,
    },
    /// `match`; exhaustive (checked), or with a last arm that always matches.
    Match {
        /// The scrutinee.
        value: Box<Expr>,
        /// Arms in order.
        arms: Vec<Arm>,
    },
    /// `a and b` / `a or b`, short-circuit.
    Logic {
        /// True for `and`.
        and: bool,
        /// Left.
        lhs: Box<Expr>,
        /// Right.
        rhs: Box<Expr>,
    },
    /// Unary operator.
    Unary(UnOp, Box<Expr>),
    /// Binary operator.
    Binary(BinOp, Box<Expr>, Box<Expr>),
    /// Conversion to this expression's `ty`.
    Coerce(Coercion, Box<Expr>),
    /// `e is T`.
    Is(Box<Expr>, Ty),
    /// `x in container` (list, set, map keys, string; ranges are comparisons already).
    In {
        /// Element, key or substring.
        value: Box<Expr>,
        /// Container.
        container: Box<Expr>,
    },
    /// Direct call.
    Call {
        /// What.
        callee: Callee,
        /// Arguments in parameter order.
        args: Vec<Expr>,
    },
    /// Call of a closure value.
    CallValue {
        /// The closure.
        callee: Box<Expr>,
        /// Arguments.
        args: Vec<Expr>,
    },
    /// Call of a mutator in method form: `place` is the inout first argument.
    CallMut {
        /// What.
        callee: Callee,
        /// The place updated.
        place: Box<Place>,
        /// The other arguments.
        args: Vec<Expr>,
    },
    /// A record or tuple value (all fields given; defaults filled in), checked by `Nominal::check`.
    Aggregate(Vec<Expr>),
    /// An enum value.
    Variant {
        /// Variant number.
        variant: u32,
        /// Payload.
        args: Vec<Expr>,
    },
    /// List literal.
    List(Vec<Element>),
    /// Set literal.
    Set(Vec<Element>),
    /// Map literal.
    Map(Vec<(Expr, Expr)>),
    /// Field of a record, tuple or Error.
    Field {
        /// The record.
        base: Box<Expr>,
        /// Field number.
        index: u32,
    },
    /// `xs[i]`, `s[i]`, `m[k]`, `bytes[i]`; failing when out of range.
    Index {
        /// Container.
        base: Box<Expr>,
        /// Index or key.
        index: Box<Expr>,
        /// `xs?[i]`: null instead of failing.
        safe: bool,
    },
    /// `xs[lo..hi]`; either end may be missing.
    Slice {
        /// Container.
        base: Box<Expr>,
        /// Start.
        lo: Option<Box<Expr>>,
        /// End.
        hi: Option<Box<Expr>>,
        /// End included.
        inclusive: bool,
    },
    /// Interpolated string.
    Interpolate(Vec<Piece>),
    /// `while`.
    While {
        /// Loop id.
        id: LoopId,
        /// Condition.
        cond: Box<Expr>,
        /// Body.
        body: Box<Expr>,
    },
    /// `loop`; its type is that of its `break` values.
    Loop {
        /// Loop id.
        id: LoopId,
        /// Body.
        body: Box<Expr>,
    },
    /// `for`; value as `Loop` when broken out of with a value, else Null.
    For {
        /// Loop id.
        id: LoopId,
        /// Bound per element (irrefutable, or failing).
        pat: Box<Pat>,
        /// What is walked over.
        iter: Box<Iter>,
        /// `if cond` after the iterator.
        filter: Option<Box<Expr>>,
        /// Body.
        body: Box<Expr>,
    },
    /// `break [value]`.
    Break(LoopId, Option<Box<Expr>>),
    /// `continue`.
    Continue(LoopId),
    /// `return [value]`.
    Return(Option<Box<Expr>>),
    /// `defer … end`, run when the enclosing block is left in any way.
    Defer(Box<Expr>),
    /// `try … catch … finally … end`.
    Try {
        /// Body.
        body: Box<Expr>,
        /// Catch arms over an Error; a failure no arm matches goes on.
        catch: Vec<Arm>,
        /// `finally`.
        finally: Option<Box<Expr>>,
    },
    /// `throw e` with an Error.
    Throw(Box<Expr>),
    /// `halt(msg)`.
    Halt(Box<Expr>),
    /// `assert cond`: fails with kind `Assertion`.
    Assert {
        /// Condition.
        cond: Box<Expr>,
        /// Source text of the condition.
        source: String,
        /// Message given.
        message: Option<Box<Expr>>,
    },
    /// `yield e` in a generator.
    Yield(Box<Expr>),
    /// Starts a fiber running a closure without parameters; gives its `Future[T]`.
    Spawn {
        /// The closure.
        body: Box<Expr>,
        /// Executor: `pool.spawn`.
        on: Option<Box<Expr>>,
        /// How it was written.
        mode: concurrency::SpawnMode,
    },
    /// `await f`: re-raises the task's failure. The operand is one `Future[T]`.
    Await(Box<Expr>),
    /// `await f` caught: the value, or the Error (type `T | Error`).
    AwaitCatch(Box<Expr>),
    /// Waits for all futures of a `list[Future[T]]` without raising; value Null.
    AwaitSettle(Box<Expr>),
    /// parallel, race, vote.
    Group(Box<Group>),
    /// select.
    Select(Box<Select>),
    /// `timeout(ms, body)`, joined: value or null.
    Timeout {
        /// Milliseconds.
        ms: Box<Expr>,
        /// A closure to run, or a future.
        body: Box<Expr>,
        /// True when `timeout` starts (and so cancels) it; false when handed a future.
        owned: bool,
    },
    /// `scope … end`.
    Scope {
        /// `timeout: ms`.
        timeout: Option<Box<Expr>>,
        /// `on: pool`.
        on: Option<Box<Expr>>,
        /// `as s`.
        handle: Option<LocalId>,
        /// Body.
        body: Box<Expr>,
    },
    /// A call of an external tool; the answer is Json.
    CallTool {
        /// Index into `Program::tools`.
        tool: u32,
        /// Named arguments.
        args: Box<[(String, Expr)]>,
        /// Message list from `role` lines.
        messages: Box<[(String, Expr)]>,
    },
}

#[cfg(test)]
mod tests {
    #[test]
    fn expressions_are_small() {
        assert!(size_of::<super::Expr>() <= 64);
    }
}
