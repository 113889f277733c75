//! Blocks: parallel, race, vote, select.

use super::{Expr, LocalId, Pat, Ty};

/// How a task was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnMode {
    /// `spawn(…)`, `async … end`, calling an async cell: the future is used.
    Task,
    /// As a statement: nobody awaits it; a failure is reported.
    Detached,
    /// `submit(…)`: on another thread.
    Submit,
    /// `global.spawn(…)`.
    Global,
}

/// Join strategy of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinStrategy {
    /// Wait for all.
    All,
    /// The first to complete.
    First,
    /// The first success(es).
    Any,
    /// Wait for all, values are results.
    Settled,
    /// The most common value.
    Vote,
}

/// Failure policy of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinPolicy {
    /// As the strategy has it when nothing is said.
    Default,
    /// `on_fail: fail_fast`.
    FailFast,
    /// `on_fail: continue`.
    Continue,
    /// `on_fail: ignore`.
    Ignore,
}

/// One branch.
#[derive(Clone, Debug)]
pub struct Branch {
    /// The enclosing local that is bound at the join, with its (possibly nullable/result) type.
    pub name: Option<(String, LocalId)>,
    /// A closure expression without parameters.
    pub body: Expr,
    /// What the closure returns: the branch's own type T (a `Future[T]` branch is awaited inside).
    pub value: Ty,
}

/// What a block's value is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupValue {
    /// A list in source (or completion) order; element type is the list's.
    List,
    /// A tuple.
    Tuple,
    /// A record or tuple-like aggregate of the named branches.
    Record,
    /// One value: the winner's, or the vote's.
    Single,
}

/// parallel, race, vote.
#[derive(Clone, Debug)]
pub struct Group {
    /// Strategy.
    pub strategy: JoinStrategy,
    /// Policy.
    pub policy: JoinPolicy,
    /// `count: n`.
    pub count: Option<Expr>,
    /// `max: n`.
    pub max: Option<Expr>,
    /// `timeout: ms`.
    pub timeout: Option<Expr>,
    /// `on: pool`.
    pub on: Option<Expr>,
    /// `quorum: n`.
    pub quorum: Option<Expr>,
    /// Branches; for `parallel for`, exactly one: a closure of one parameter (the element).
    pub branches: Vec<Branch>,
    /// `for pattern in xs`: the list of elements.
    pub over: Option<(Pat, Expr)>,
    /// Shape of the value.
    pub value: GroupValue,
    /// Joined by `await`; else the block is wrapped as a future by the checker and this is true
    /// inside.
    pub joined: bool,
}

/// select.
#[derive(Clone, Debug)]
pub struct Select {
    /// `select(fair)`.
    pub fair: bool,
    /// Arms in source order.
    pub arms: Vec<SelectArm>,
    /// `else -> body`: when nothing is ready.
    pub otherwise: Option<Expr>,
}

/// An arm of select.
#[derive(Clone, Debug)]
pub struct SelectArm {
    /// What it waits for.
    pub op: SelectOp,
    /// The enclosing local (type `T?`) set for the winner, null for losers.
    pub name: Option<LocalId>,
    /// Value type of the operation itself.
    pub value: Ty,
    /// The local that `body` sees (type `value`), when there is a body.
    pub inner: Option<LocalId>,
    /// `-> body`.
    pub body: Option<Expr>,
}

/// The operation of a select arm.
#[derive(Clone, Debug)]
pub enum SelectOp {
    /// `ch.receive()`: the channel.
    Receive(Expr),
    /// `ch.next()`.
    Next(Expr),
    /// `ch.send(v)`.
    Send(Expr, Expr),
    /// `await f`.
    Await(Expr),
    /// `sleep(ms)`.
    Sleep(Expr),
    /// Any other call: a closure run on a fiber of its own.
    Run(Expr),
    /// Another handle's waiting method (`m.lock()`, `sem.acquire()`): native name and arguments.
    Handle(String, Vec<Expr>),
}
