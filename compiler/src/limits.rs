//! How much of everything a program may have: beyond it is a diagnostic, never a crash. The table
//! in `docs/language.md` lists them all, and a test compares it with this file.

/// Bytes of a source file.
pub const SOURCE_BYTES: usize = 16 << 20;

/// Expressions, statements, types and patterns around the current one; a block costs two. More
/// would need larger stacks in every later stage.
pub const NESTING: u32 = 400;

/// How high the tree of an expression may be. Chains (`a + b + c`, `x.f().g()`) grow in height
/// without the parser recursing; later stages recurse over them.
pub const CHAIN: u32 = 1000;

/// How many branches of `if` and `when` may be open around one place: later stages nest each in
/// those before it.
pub const BRANCHES: u32 = 500;

/// How deep a type may nest that aliases stand for or inference finds.
pub const TYPE_NESTING: u16 = 400;

/// How deep the type arguments of an instance may nest: more means that a generic cell calls
/// itself with ever larger types.
pub const INSTANCE_NESTING: u16 = 24;

/// How many aliases may lead to each other before any of them is known.
pub const ALIASES: u32 = 200;

/// How many cells without a result type, or constants, may lead to each other before any of them
/// is known. Each level takes some ten KiB of stack.
pub const INFERENCE: u32 = 200;

/// How many defaults may lead to each other: more than one may stand in each.
pub const DEFAULTS: u32 = 20;

/// How many defaults may be filled in for one that is missing: where each leads to two others, they
/// double with every step.
pub const DEFAULTS_TOGETHER: u32 = 500;

/// Steps that checking whether one `match` covers all cases may take; beyond it the match is
/// taken to do so, and fails when no arm fits. (The problem is NP-hard, and source text is not
/// trusted.)
pub const MATCH_STEPS: usize = 200_000;

/// Diagnostics of one compilation that are kept.
pub const DIAGNOSTICS: usize = 1000;
