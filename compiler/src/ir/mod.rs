//! The intermediate representation: blocks over virtual registers.
//!
//! An instruction is a bytecode op ([`Op`]) on virtual registers: same meaning, same operand roles,
//! but windows are plain argument lists and labels are blocks. So the op table is the only place
//! that says what an instruction does.
//!
//! **Registers are variables, not SSA values**: a local variable is one register, assigned as
//! often as the source does; temporaries have one definition. Each has one declared type.
//!
//! **Before the ownership pass** nothing is counted: `Move` and `Lend` are both "dst is the same
//! value as src" (lowering uses `Lend` for copies of variables, `Move` into variables), there is
//! no `Dup`, no `Drop`, and `take` operands may be used again later. The pass (`passes/ownership`)
//! decides borrowed or owned, and inserts `Dup` and `Drop`. Container loads (`lend` results) are
//! used freely.
//!
//! **Failures**: every instruction that can fail goes to its block's handler when it does. What
//! the handler reads must be initialised before a block with that handler is entered. On failure
//! `out` registers are unassigned, `io` ones keep a valid value.
//!
//! **Narrowing**: a register of union or enum type may be used as one of its members right after a
//! test (`Branch` on `Type`/`Null`, `SwitchTag`) without a new register; write `Narrow` first where
//! the test is not the block's only way in: emission drops it when the flow proves it and makes it
//! a checked `cast` otherwise. Int, Float and Bool in a union need `unbox.*`/`box.*`. Widening a
//! pointer needs nothing.

pub mod bitrows;
pub mod bitset;
pub mod build;
pub mod census;
pub mod dump;
pub mod liveness;
pub mod loops;
pub mod passes;
pub mod regmap;
pub mod roles;
pub mod verify;

use crate::source::Span;
use crate::syntax::{Interner, Symbol};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, FailureKind, PathStep, TypeDesc, TypeIx};
use smallvec::{SmallVec, smallvec};

/// A virtual register of one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VReg(pub u32);

/// A block of one function; block 0 is the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub u32);

/// A whole program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The names of registers.
    pub names: Interner,
    /// Types, as the module has them.
    pub types: Vec<TypeDesc>,
    /// Constants.
    pub constants: Vec<Constant>,
    /// Native imports.
    pub natives: Vec<lumen_bytecode::module::NativeImport>,
    /// Place paths.
    pub paths: Vec<Vec<PathStep>>,
    /// Functions; indices are the module's.
    pub funcs: Vec<Func>,
    /// Module-level variables: name, type, initialising function.
    pub globals: Vec<lumen_bytecode::module::GlobalDesc>,
    /// Entry function.
    pub main: Option<u32>,
    /// Tests: name, function, span.
    pub tests: Vec<(String, u32, Span)>,
    /// Tools.
    pub tools: Vec<lumen_bytecode::module::ToolDesc>,
    /// `@deterministic`.
    pub deterministic: bool,
    /// `@clock`.
    pub virtual_clock: Option<bool>,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Func {
    /// For stack traces.
    pub name: String,
    /// Parameters, in order; distinct registers.
    pub params: Vec<VReg>,
    /// The register holding the closure object, and its `Closure` type, if this is a closure's
    /// code; captures are loaded from it by `field.get*` (field n is
    /// capture n; `passes::run` adds 1 for the function in slot 0).
    pub closure: Option<(VReg, TypeIx)>,
    /// Result type.
    pub result: TypeIx,
    /// Registers by index.
    pub regs: Vec<RegInfo>,
    /// Blocks by index.
    pub blocks: Vec<Block>,
    /// May be inlined although larger than the usual limit (small library cells).
    pub inline: bool,
    /// Which parameters the function takes over; filled in by the ownership pass.
    pub owned: Vec<bool>,
    /// Calls whose callee's code stands here; [`within`] puts spans into them.
    pub inlined: Vec<Inlined>,
    /// Used as a value (closure, spawn, global initialiser, main): its parameters stay borrowed.
    pub escapes: bool,
    /// Where it is declared.
    pub span: Span,
}

/// A call that has been replaced by its callee's code.
#[derive(Clone, Debug)]
pub struct Inlined {
    /// The callee, for stack traces.
    pub name: String,
    /// Where the call stood; within an earlier inlined call if the span says so.
    pub span: Span,
}

/// The bits of a span's file that name the inlined call in whose code it lies; the passes hand
/// spans on, and with them these.
const SCOPE_SHIFT: u32 = 16;

/// `span`, in the code of inlined call `scope` (0: the function's own). Beyond what the bits hold,
/// the span stays as it is, and a stack trace has a frame less.
#[must_use]
pub fn within(span: Span, scope: u32) -> Span {
    let (mut plain, _) = scope_of(span);
    if plain.file.0 < 1 << SCOPE_SHIFT && scope < 1 << (32 - SCOPE_SHIFT) {
        plain.file.0 |= scope << SCOPE_SHIFT;
    }
    plain
}

/// The span proper, and the inlined call in whose code it lies.
#[must_use]
pub fn scope_of(mut span: Span) -> (Span, u32) {
    let scope = span.file.0 >> SCOPE_SHIFT;
    span.file.0 &= (1 << SCOPE_SHIFT) - 1;
    (span, scope)
}

/// A register's declaration.
#[derive(Clone, Copy, Debug)]
pub struct RegInfo {
    /// Its type.
    pub ty: TypeIx,
    /// Source name, in [`Program::names`]; [`Symbol::NONE`] for temporaries.
    pub name: Symbol,
}

/// A straight piece of code.
#[derive(Clone, Debug)]
pub struct Block {
    /// Instructions.
    pub insts: Vec<Inst>,
    /// How it ends.
    pub term: Term,
    /// Position of the terminator.
    pub span: Span,
    /// Where failures of its instructions (and of its terminator, polls included) go.
    pub handler: Option<Handler>,
}

/// A block's handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handler {
    /// Its first instruction is `landing`.
    pub block: BlockId,
    /// `None`: a cleanup handler, entered on cancellation too. `Some(outer)`: a catch handler;
    /// a cancellation goes to the cleanup block `outer` instead, or to the caller.
    pub catch: Option<Option<BlockId>>,
}

/// The registers of an instruction: mostly few, and kept in it.
pub type Regs = SmallVec<[VReg; 4]>;

/// An instruction.
#[derive(Clone, Debug, PartialEq)]
pub struct Inst {
    /// The op. Jumps, switches, returns and the like are [`Term`]s instead.
    pub op: Op,
    /// Registers in the op table's order (imm operands left out), then the window's registers:
    ///
    /// | op | regs |
    /// | --- | --- |
    /// | `call` | dst, arguments… |
    /// | `call.closure` | dst, closure, arguments… |
    /// | `call.native` | dst, arguments… (an inout first argument is both read and written) |
    /// | `call.native.at` | dst, root, index operands…, other arguments… |
    /// | `new` | dst, fields… |
    /// | `list.new` | dst, elements… |
    /// | `str.concat` | dst, parts… |
    /// | `place.set` | root, value, index operands… |
    pub regs: Regs,
    /// Immediates in table order, windows and counts of windows left out: constant, function,
    /// type, native, path, field, kind … as raw bits (`i16`/`i32` sign-extended to 32 bits).
    pub imms: [u32; 2],
    /// Where it comes from.
    pub span: Span,
}

/// `Narrow` as an instruction: `Op::Cast` on a register means "narrow, checked unless proven".
impl Inst {
    /// An instruction without immediates.
    #[must_use]
    pub fn new(op: Op, regs: impl IntoIterator<Item = VReg>, span: Span) -> Self {
        Self {
            op,
            regs: regs.into_iter().collect(),
            imms: [0, 0],
            span,
        }
    }

    /// With one immediate.
    #[must_use]
    pub fn imm(op: Op, regs: impl IntoIterator<Item = VReg>, imm: u32, span: Span) -> Self {
        Self {
            op,
            regs: regs.into_iter().collect(),
            imms: [imm, 0],
            span,
        }
    }

    /// With two immediates.
    #[must_use]
    pub fn imm2(op: Op, regs: impl IntoIterator<Item = VReg>, imms: [u32; 2], span: Span) -> Self {
        Self {
            op,
            regs: regs.into_iter().collect(),
            imms,
            span,
        }
    }
}

/// Comparison of Ints or Floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the comparisons' own names")]
pub enum Cmp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// What a branch tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cond {
    /// A Bool register.
    Bool(VReg),
    /// Two Ints.
    Int(Cmp, VReg, VReg),
    /// An Int and a small constant.
    IntImm(Cmp, VReg, i16),
    /// Two Floats.
    Float(Cmp, VReg, VReg),
    /// The word is null.
    Null(VReg),
    /// The word has this type.
    Type(VReg, TypeIx),
}

/// Element representation of a list walked by [`Term::ForList`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "said by the op table: 8-byte plain, word, Bool"
)]
pub enum ElemRepr {
    Plain,
    Word,
    Byte,
}

/// How a block ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// Goes on there.
    Jump(BlockId),
    /// Goes to one of two.
    Branch {
        /// The test.
        cond: Cond,
        /// When it holds.
        then: BlockId,
        /// When not.
        otherwise: BlockId,
    },
    /// By variant of an enum value.
    SwitchTag {
        /// The enum value.
        value: VReg,
        /// Its enum type.
        ty: TypeIx,
        /// One per variant.
        targets: Vec<BlockId>,
    },
    /// By Int value: `targets[value - low]`, or `default`.
    SwitchInt {
        /// The value.
        value: VReg,
        /// First value.
        low: i16,
        /// Targets.
        targets: Vec<BlockId>,
        /// Otherwise.
        default: BlockId,
    },
    /// Counted loop latch: `i += 1; if i < limit` (or, inclusive, `if i < limit { i += 1; … }`)
    /// goes to `body`, else to `exit`. Both registers are Ints; `limit` is not changed.
    ForInt {
        /// Counter.
        i: VReg,
        /// Limit.
        limit: VReg,
        /// `..=`.
        inclusive: bool,
        /// Next round.
        body: BlockId,
        /// Done.
        exit: BlockId,
    },
    /// List walk latch: `i += 1; if i < len(xs) { dst = xs[i]; goto body } else goto exit`.
    ForList {
        /// Position; starts at -1 (jump to the latch to start).
        i: VReg,
        /// The list.
        xs: VReg,
        /// The element.
        dst: VReg,
        /// Its representation.
        repr: ElemRepr,
        /// Next round.
        body: BlockId,
        /// Done.
        exit: BlockId,
    },
    /// Returns a value.
    Return(VReg),
    /// Returns null.
    ReturnNull,
    /// Fails with an Error.
    Throw(VReg),
    /// Goes on unwinding.
    Rethrow(VReg),
    /// Fails with a constant message.
    Fail(FailureKind, u32),
    /// Never reached (after a call that does not return).
    Unreachable,
}

impl Program {
    /// The constant that [`Term::Unreachable`] fails with if it is reached after all; put there
    /// by [`passes::run`].
    #[must_use]
    pub fn unreachable_message(&self) -> u32 {
        let message = Constant::Str(passes::UNREACHABLE.to_string());
        self.constants
            .iter()
            .rposition(|c| *c == message)
            .unwrap_or(0) as u32
    }
}

impl Term {
    /// Blocks it can go to, handlers not counted.
    #[must_use]
    pub fn targets(&self) -> SmallVec<[BlockId; 4]> {
        match self {
            Self::Jump(b) => smallvec![*b],
            Self::Branch {
                then, otherwise, ..
            } => smallvec![*then, *otherwise],
            Self::SwitchTag { targets, .. } => targets[..].into(),
            Self::SwitchInt {
                targets, default, ..
            } => targets.iter().chain(Some(default)).copied().collect(),
            Self::ForInt { body, exit, .. } | Self::ForList { body, exit, .. } => {
                smallvec![*body, *exit]
            }
            Self::Return(_)
            | Self::ReturnNull
            | Self::Throw(_)
            | Self::Rethrow(_)
            | Self::Fail(..)
            | Self::Unreachable => SmallVec::new(),
        }
    }
}
