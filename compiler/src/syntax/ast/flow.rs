//! Control flow and concurrency: the expressions that hold blocks.

use super::{Block, Expr, ForClause, Ident, Pattern, Stmt};
use crate::source::Span;

/// `if c … else if d … else … end`, `if let p = e … end`, `if c then a else b`
#[derive(Debug)]
pub struct If {
    /// The conditions in order, each with what is done when it is the first to hold.
    pub branches: Vec<IfBranch>,
    /// What is done when none holds.
    pub otherwise: Option<Block>,
}

/// A condition and what follows from it.
#[derive(Debug)]
pub struct IfBranch {
    /// The condition.
    pub condition: Condition,
    /// What is done.
    pub body: Block,
}

/// What `if` and `while` test.
#[derive(Debug)]
pub enum Condition {
    /// A Bool.
    Expr(Expr),
    /// `let p = e`: whether `e` matches (for a bare name: is not null).
    Let(Box<Pattern>, Expr),
}

/// `match x … end`
#[derive(Debug)]
pub struct Match {
    /// What is matched.
    pub subject: Expr,
    /// The arms, in order.
    pub arms: Vec<MatchArm>,
    /// The word `match` and the subject.
    pub header: Span,
}

/// `pattern [if guard] -> body`
#[derive(Debug)]
pub struct MatchArm {
    /// The pattern.
    pub pattern: Pattern,
    /// The guard, if any.
    pub guard: Option<Box<Expr>>,
    /// What is done: one statement, or several on lines of their own.
    pub body: Block,
    /// All of it.
    pub span: Span,
}

/// `when … end`: the first condition that holds
#[derive(Debug)]
pub struct When {
    /// The conditions, in order.
    pub arms: Vec<WhenArm>,
    /// `else -> …` or `_ -> …`
    pub otherwise: Option<Block>,
}

/// `condition -> body`
#[derive(Debug)]
pub struct WhenArm {
    /// The condition.
    pub condition: Expr,
    /// What is done.
    pub body: Block,
    /// All of it.
    pub span: Span,
}

/// `while [@l] c … end`
#[derive(Debug)]
pub struct While {
    /// The label, without `@`.
    pub label: Option<Ident>,
    /// What is tested before each round.
    pub condition: Condition,
    /// What is done.
    pub body: Block,
}

/// `loop [@l] … end`
#[derive(Debug)]
pub struct Loop {
    /// The label, without `@`.
    pub label: Option<Ident>,
    /// What is done.
    pub body: Block,
}

/// `for [@l] pattern in xs [if c] … end`
#[derive(Debug)]
pub struct For {
    /// The label, without `@`.
    pub label: Option<Ident>,
    /// What is run through, and how.
    pub clause: ForClause,
    /// What is done.
    pub body: Block,
}

/// `try … catch e [if guard] … finally … end`; at least one `catch` or a `finally`
#[derive(Debug)]
pub struct Try {
    /// What may fail.
    pub body: Block,
    /// The `catch` clauses, in order.
    pub catches: Vec<Catch>,
    /// What is done in any case.
    pub finally: Option<Block>,
}

/// `catch e [if guard] …`
#[derive(Debug)]
pub struct Catch {
    /// What the Error is taken apart by, mostly a name; `None` when only `catch` is written.
    pub pattern: Option<Pattern>,
    /// The guard, if any.
    pub guard: Option<Expr>,
    /// What is done.
    pub body: Block,
    /// The word `catch` and what follows it on its line.
    pub header: Span,
}

/// `assert c, "message"`
#[derive(Debug)]
pub struct Assert {
    /// What must hold.
    pub condition: Expr,
    /// The message, if given.
    pub message: Option<Expr>,
}

/// One modifier in the parentheses after `parallel`, `race`, `vote`, `select`, `scope`.
#[derive(Debug)]
pub struct Modifier {
    /// `all`, `first`, `count`, `on_fail`, `timeout` …; not checked by the parser.
    pub name: Ident,
    /// What stands after `:`.
    pub value: ModifierValue,
    /// All of it.
    pub span: Span,
}

/// What stands after the `:` of a modifier.
#[derive(Debug)]
pub enum ModifierValue {
    /// Nothing: `first`, `fair`.
    None,
    /// The policy word after `on_fail:`; it may be the reserved word `continue`.
    Word(Ident),
    /// Any other value.
    Expr(Expr),
}

/// `scope(…) as s … end`
#[derive(Debug)]
pub struct Scope {
    /// The modifiers.
    pub modifiers: Vec<Modifier>,
    /// The name after `as`.
    pub name: Option<Ident>,
    /// What is done.
    pub body: Block,
    /// The word `scope`.
    pub keyword: Span,
}

/// Which of the joining blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JoinKind {
    /// `parallel`
    Parallel,
    /// `race`
    Race,
    /// `vote`
    Vote,
}

impl JoinKind {
    /// The word that starts it.
    pub fn text(self) -> &'static str {
        match self {
            JoinKind::Parallel => "parallel",
            JoinKind::Race => "race",
            JoinKind::Vote => "vote",
        }
    }
}

/// `parallel(…) … end`, `race … end`, `vote … end`; may be without branches (not reported yet)
#[derive(Debug)]
pub struct Parallel {
    /// Which block it is.
    pub kind: JoinKind,
    /// The word that starts it.
    pub keyword: Span,
    /// The modifiers.
    pub modifiers: Vec<Modifier>,
    /// The branches, in source order.
    pub branches: Vec<Branch>,
    /// The word `end`.
    pub end: Span,
}

/// `statement` or `name = expr`
#[derive(Debug)]
pub struct Branch {
    /// The name, bound in the enclosing scope at the join.
    pub name: Option<Ident>,
    /// What it does; of a named branch an expression.
    pub body: Stmt,
    /// All of it.
    pub span: Span,
}

/// `parallel(…) for x in xs … end`
#[derive(Debug)]
pub struct ParallelFor {
    /// Which block it is.
    pub kind: JoinKind,
    /// The word that starts it.
    pub keyword: Span,
    /// The modifiers.
    pub modifiers: Vec<Modifier>,
    /// What is run through, and how.
    pub clause: ForClause,
    /// What each branch does.
    pub body: Block,
}

/// `select(…) … end`; may be without branches (not reported yet)
#[derive(Debug)]
pub struct Select {
    /// The word `select`.
    pub keyword: Span,
    /// The modifiers.
    pub modifiers: Vec<Modifier>,
    /// The branches, in source order.
    pub branches: Vec<SelectBranch>,
    /// `else [-> body]`; the block is empty without a body
    pub otherwise: Option<SelectElse>,
    /// The word `end`.
    pub end: Span,
}

/// `[name =] operation [-> body]`
#[derive(Debug)]
pub struct SelectBranch {
    /// The name that the value is bound to.
    pub name: Option<Ident>,
    /// What is waited for.
    pub operation: Expr,
    /// What is done with it.
    pub body: Option<Block>,
    /// All of it.
    pub span: Span,
}

/// `else [-> body]` of a select
#[derive(Debug)]
pub struct SelectElse {
    /// What is done when nothing is ready.
    pub body: Option<Block>,
    /// All of it.
    pub span: Span,
}
