//! A module: the linked program as the compiler leaves it and the machine loads it.

/// Index into [`Module::types`].
pub type TypeIx = u32;

/// Type indices that are the same in every module.
pub mod well_known {
    use super::TypeIx;

    /// `Int`
    pub const INT: TypeIx = 0;
    /// `Float`
    pub const FLOAT: TypeIx = 1;
    /// `Bool`
    pub const BOOL: TypeIx = 2;
    /// `Null`
    pub const NULL: TypeIx = 3;
    /// `String`
    pub const STRING: TypeIx = 4;
    /// `Bytes`
    pub const BYTES: TypeIx = 5;
    /// `Any`
    pub const ANY: TypeIx = 6;
    /// `Json`
    pub const JSON: TypeIx = 7;
    /// `Error`
    pub const ERROR: TypeIx = 8;
    /// `list[String]`
    pub const LIST_STRING: TypeIx = 9;
    /// `list[Int]`
    pub const LIST_INT: TypeIx = 10;
    /// `list[Float]`
    pub const LIST_FLOAT: TypeIx = 11;
    /// `list[Any]`
    pub const LIST_ANY: TypeIx = 12;
    /// `list[Json]`
    pub const LIST_JSON: TypeIx = 13;
    /// `map[String, Json]`
    pub const MAP_STRING_JSON: TypeIx = 14;
    /// `Never`
    pub const NEVER: TypeIx = 15;
    /// `list[Bool]`
    pub const LIST_BOOL: TypeIx = 16;
    /// `list[Error]`: the causes of an Error
    pub const LIST_ERROR: TypeIx = 17;
    /// Indices below this are reserved for well-known types.
    pub const LEN: TypeIx = 32;

    /// The first [`LEN`] types of every module.
    #[must_use]
    pub fn standard_types() -> Vec<super::TypeDesc> {
        use super::TypeDesc as T;
        let mut types = vec![
            T::Int,
            T::Float,
            T::Bool,
            T::Null,
            T::String,
            T::Bytes,
            T::Any,
            T::Json,
            T::Error,
            T::List(STRING),
            T::List(INT),
            T::List(FLOAT),
            T::List(ANY),
            T::List(JSON),
            T::Map(STRING, JSON),
            T::Never,
            T::List(BOOL),
            T::List(ERROR),
        ];
        types.resize(LEN as usize, T::Unused);
        types
    }
}

/// What a type is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the types' own names and parts")]
pub enum TypeDesc {
    Int,
    Float,
    Bool,
    Null,
    String,
    Bytes,
    Any,
    Json,
    Error,
    Never,
    /// Not used by this module (reserved well-known index).
    Unused,
    List(TypeIx),
    Map(TypeIx, TypeIx),
    Set(TypeIx),
    Tuple(Vec<TypeIx>),
    Record {
        name: String,
        fields: Vec<FieldDesc>,
    },
    /// Its variants are the types `first_variant ..`, in order, each a `Variant`.
    Enum {
        name: String,
        first_variant: TypeIx,
        variants: u32,
    },
    /// One variant of `of`; without fields its values are immediates.
    Variant {
        of: TypeIx,
        name: String,
        fields: Vec<FieldDesc>,
    },
    Union(Vec<TypeIx>),
    Func {
        params: Vec<TypeIx>,
        result: TypeIx,
    },
    /// The concrete closure of one function: slot 0 is the function, then captures. It is a
    /// subtype of the `Func` type `as_func`.
    Closure {
        func: u32,
        as_func: TypeIx,
        captures: Vec<TypeIx>,
    },
    Future(TypeIx),
    Channel(TypeIx),
    /// A library handle (`Mutex`, `Atomic` …) or another object with a Rust side.
    Handle {
        name: String,
        args: Vec<TypeIx>,
    },
}

/// A field of a record or variant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldDesc {
    /// Its name; payload without names is `0`, `1` …
    pub name: String,
    /// Its type.
    pub ty: TypeIx,
}

/// A constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    /// Int slot.
    Int(i64),
    /// Float slot, as bits (NaNs keep theirs).
    Float(u64),
    /// Persistent String.
    Str(String),
    /// Persistent Bytes.
    Bytes(Vec<u8>),
    /// The word `null`.
    Null,
    /// A Bool as a word.
    BoolWord(bool),
    /// A payload-free variant, by its variant type.
    Variant(TypeIx),
    /// A persistent closure without captures, by its `Closure` type.
    Closure(TypeIx),
}

/// A native that the module imports; joined with the machine's natives when it is linked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NativeImport {
    /// `math.sqrt(Float) -> Float`.
    pub key: String,
    /// Parameter types.
    pub params: Vec<TypeIx>,
    /// Result type.
    pub result: TypeIx,
    /// The first parameter is inout.
    pub mutator: bool,
    /// Type arguments.
    pub type_args: Vec<TypeIx>,
}

/// One step of a place path. Index operands are taken from the op's window in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathStep {
    /// A field of a record or tuple of this type.
    Field {
        /// Record or tuple type.
        container: TypeIx,
        /// Field number.
        field: u16,
    },
    /// An element of a list or value of a map of this type.
    Index {
        /// List or map type.
        container: TypeIx,
    },
}

/// Failure kinds that instructions raise; natives and programs add their own by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
#[expect(missing_docs, reason = "the kinds' own names")]
pub enum FailureKind {
    Throw,
    Overflow,
    Division,
    Index,
    Key,
    Null,
    Cast,
    Match,
    Constraint,
    Assertion,
    Closed,
    Full,
    Timeout,
    NoConsensus,
    Cancelled,
    Deadlock,
    Stack,
    Memory,
    Io,
    Tool,
    Grant,
    /// A negative shift count, a negative exponent and the like.
    Argument,
    /// `halt`.
    Halt,
}

/// All failure kinds, in numeric order.
pub const FAILURE_KINDS: &[(FailureKind, &str)] = &[
    (FailureKind::Throw, "Throw"),
    (FailureKind::Overflow, "Overflow"),
    (FailureKind::Division, "Division"),
    (FailureKind::Index, "Index"),
    (FailureKind::Key, "Key"),
    (FailureKind::Null, "Null"),
    (FailureKind::Cast, "Cast"),
    (FailureKind::Match, "Match"),
    (FailureKind::Constraint, "Constraint"),
    (FailureKind::Assertion, "Assertion"),
    (FailureKind::Closed, "Closed"),
    (FailureKind::Full, "Full"),
    (FailureKind::Timeout, "Timeout"),
    (FailureKind::NoConsensus, "NoConsensus"),
    (FailureKind::Cancelled, "Cancelled"),
    (FailureKind::Deadlock, "Deadlock"),
    (FailureKind::Stack, "Stack"),
    (FailureKind::Memory, "Memory"),
    (FailureKind::Io, "Io"),
    (FailureKind::Tool, "Tool"),
    (FailureKind::Grant, "Grant"),
    (FailureKind::Argument, "Argument"),
    (FailureKind::Halt, "Halt"),
];

/// A function.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Function {
    /// As in stack traces.
    pub name: String,
    /// Parameter types; parameters are `R[1..]`.
    pub params: Vec<TypeIx>,
    /// Which parameters the callee owns (else they are borrowed); one per parameter. Functions
    /// used as closures or spawned own none.
    pub owned: Vec<bool>,
    /// Result type.
    pub result: TypeIx,
    /// Its `Closure` type if `R[0]` is its closure object (borrowed) on entry.
    pub closure: Option<TypeIx>,
    /// Registers of a frame, windows of calls included (at most 65 535).
    pub frame: u16,
    /// Instruction words.
    pub code: Vec<u64>,
    /// Jump tables: targets as word indices.
    pub tables: Vec<Vec<u32>>,
    /// Live registers at each jump target and handler, by ascending pc.
    pub maps: Vec<FrameMap>,
    /// What happens on failure, by ascending, disjoint pc ranges. A pc outside all ranges: no
    /// drops, propagate.
    pub landings: Vec<Landing>,
    /// pc -> source position, by ascending pc; holds until the next entry.
    pub lines: Vec<Line>,
    /// Calls whose callee's code stands in this function, for stack traces.
    pub inlined: Vec<Inlined>,
}

/// How a register holds its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hold {
    /// An Int, Bool or Float slot.
    Plain,
    /// A word with a reference of its own.
    Owned,
    /// A word kept alive by the owned register of this frame that is named (which must be in the
    /// same map), or, with `None`, by something that outlives the frame's use of it: a borrowed
    /// parameter's owner, the frame's closure, a global.
    Borrowed(Option<u16>),
}

/// State of a live register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegState {
    /// Register.
    pub reg: u16,
    /// Type. A word of type Int, Float or Bool is a boxed one.
    pub ty: TypeIx,
    /// How it is held.
    pub hold: Hold,
}

impl RegState {
    /// An Int, Bool or Float.
    #[must_use]
    pub fn plain(reg: u16, ty: TypeIx) -> Self {
        Self {
            reg,
            ty,
            hold: Hold::Plain,
        }
    }

    /// A word that the frame owns.
    #[must_use]
    pub fn owned(reg: u16, ty: TypeIx) -> Self {
        Self {
            reg,
            ty,
            hold: Hold::Owned,
        }
    }

    /// A borrowed word.
    #[must_use]
    pub fn borrowed(reg: u16, ty: TypeIx, source: Option<u16>) -> Self {
        Self {
            reg,
            ty,
            hold: Hold::Borrowed(source),
        }
    }
}

/// Live registers at a block start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameMap {
    /// Word index.
    pub pc: u32,
    /// By ascending register.
    pub live: Vec<RegState>,
}

/// Where a failure goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Handler {
    /// To the caller.
    None,
    /// To the `catch` code at this pc; cancellation passes by (drops as given, to the caller or
    /// the next outer cleanup: the compiler chains them).
    Catch {
        /// Handler's pc.
        pc: u32,
        /// Where a cancellation goes instead: an outer cleanup handler, if any.
        cancel: Option<u32>,
    },
    /// To the cleanup code at this pc, cancellation too.
    Cleanup(u32),
}

/// What to do when an instruction in `start..end` fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// First word.
    pub start: u32,
    /// Past the last word.
    pub end: u32,
    /// Owned registers to drop before going to the handler (those the handler's frame map keeps
    /// are not in it).
    pub drops: Vec<u16>,
    /// Where to.
    pub handler: Handler,
    /// For `Catch` with cancellation: registers to drop when it is a cancellation.
    pub cancel_drops: Vec<u16>,
}

/// Source position of the code from `pc` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// Word index.
    pub pc: u32,
    /// Index into [`Module::files`].
    pub file: u32,
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
    /// 0: the function's own code; n: the code of call n - 1 of [`Function::inlined`].
    pub scope: u32,
}

/// A call that has been replaced by its callee's code.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inlined {
    /// The callee, as in stack traces.
    pub name: String,
    /// Where the call stood: index into [`Module::files`].
    pub file: u32,
    /// 1-based line.
    pub line: u32,
    /// 1-based column.
    pub column: u32,
    /// In whose code it stood, as in [`Line::scope`]; an entry before this one.
    pub scope: u32,
}

/// A module-level variable: computed by a function before `main`, or set by `global.set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalDesc {
    /// Name.
    pub name: String,
    /// Type.
    pub ty: TypeIx,
    /// Function without parameters; without it the variable has no value until it is set.
    pub init: Option<u32>,
}

/// A `test` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestDesc {
    /// Name.
    pub name: String,
    /// Function without parameters.
    pub func: u32,
    /// Index into [`Module::files`], 1-based line.
    pub file: u32,
    /// Line.
    pub line: u32,
}

/// A tool with its grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolDesc {
    /// `llm.chat`.
    pub path: String,
    /// `Chat`.
    pub name: String,
    /// Settings as texts, in order.
    pub grants: Vec<(String, String)>,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Module {
    /// Types; the first [`well_known::LEN`] are fixed.
    pub types: Vec<TypeDesc>,
    /// Constants.
    pub constants: Vec<Constant>,
    /// Native imports.
    pub natives: Vec<NativeImport>,
    /// Place paths.
    pub paths: Vec<Vec<PathStep>>,
    /// Functions.
    pub functions: Vec<Function>,
    /// Module-level variables in initialisation order.
    pub globals: Vec<GlobalDesc>,
    /// Entry.
    pub main: Option<u32>,
    /// Tests.
    pub tests: Vec<TestDesc>,
    /// Tools.
    pub tools: Vec<ToolDesc>,
    /// Source file names, for positions.
    pub files: Vec<String>,
    /// Source texts beside `files` (for snippets in failure reports); may be empty.
    pub sources: Vec<String>,
    /// `@deterministic true`.
    pub deterministic: bool,
    /// `@clock virtual` / `real`, if given.
    pub virtual_clock: Option<bool>,
}
