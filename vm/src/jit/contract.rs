//! What the front door sees of native code: when it is made, and what became of it.

/// When hot functions and loops become native code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JitMode {
    /// Never.
    Off,
    /// When they have run often enough, on a thread beside the program.
    #[default]
    Auto,
    /// At their first run, before it goes on: for tests, and to see what native code does.
    Always,
}

impl JitMode {
    /// The modes by name.
    pub const NAMES: [(&'static str, JitMode); 3] = [
        ("off", JitMode::Off),
        ("auto", JitMode::Auto),
        ("always", JitMode::Always),
    ];

    /// The mode called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<JitMode> {
        let found = Self::NAMES.iter().find(|(n, _)| *n == name);
        found.map(|(_, mode)| *mode)
    }
}

/// What the compiler of native code did, and how often it was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JitStats {
    /// Functions compiled.
    pub functions: u64,
    /// Loops compiled for an entry in the middle of their function.
    pub loops: u64,
    /// Bytes of machine code.
    pub code_bytes: u64,
    /// Instructions of the intermediate form that were compiled.
    pub clif_instructions: u64,
    /// Instructions of bytecode that have been translated.
    pub instructions: u64,
    /// Time spent compiling.
    pub compile_ns: u64,
    /// Entries from interpreted loops.
    pub osr_entries: u64,
    /// Entries from interpreted calls.
    pub call_entries: u64,
    /// Returns to the interpreter in the middle of a function.
    pub exits: u64,
}

/// One compilation, for timelines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compilation {
    /// The function.
    pub name: String,
    /// Its loop at this instruction word; `None`: from its start.
    pub at: Option<u32>,
    /// When it began, in nanoseconds since the run did.
    pub start_ns: u64,
    /// How long it took.
    pub duration_ns: u64,
    /// Bytes of machine code.
    pub code_bytes: u64,
}
