//! Traces: what a deterministic run was told and chose, so that it can be had again.
//!
//! A trace keeps where the run differed from first in, first out, and what came from outside. The
//! rest follows from the program.

pub mod bytes;
pub mod compare;
pub mod file;
pub mod line;
pub mod run;
pub mod shrink;
pub mod world;

use lumen_runtime::sched::decide::{Choice, Decision, FaultPoints};
use lumen_runtime::sched::policy::tape::path_hash;
use lumen_runtime::sched::policy::tape::{Deviation, Site};

/// The number of scheduling points and default orders: traces with another one do not fit.
pub const SCHEDULING: u64 = 1;

/// A recorded run.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Trace {
    /// What ran.
    pub program: ProgramId,
    /// How it ran.
    pub settings: RunSettings,
    /// Where it differed from first in, first out.
    pub deviations: Vec<Named>,
    /// What it asked the outside, in order.
    pub inputs: Vec<Input>,
    /// Length and digest of stdout and of stderr.
    pub output: [(u64, u64); 2],
    /// What fibers did.
    pub log: Log,
    /// How it ended.
    pub end: Ending,
    /// Where the trace comes from: a line each.
    pub history: Vec<String>,
}

/// What ran.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ProgramId {
    /// The file, relative to where it was run.
    pub path: String,
    /// Name and digest of each function.
    pub functions: Vec<(String, u64)>,
    /// The test, if it was one.
    pub test: Option<String>,
    /// Arguments.
    pub arguments: Vec<String>,
}

/// How it ran, as far as that can make a difference.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RunSettings {
    /// Seed of what is random.
    pub seed: u64,
    /// Was the clock virtual?
    pub virtual_clock: bool,
    /// The limit of the heap in bytes, if there was one.
    pub max_memory: Option<u64>,
    /// The limit of a fiber's frames in bytes.
    pub max_stack: u64,
    /// Where faults could be put in: 0 nowhere, 1 at operations, 2 at polls, too.
    pub faults: u64,
}

impl RunSettings {
    /// Where faults could be put in.
    #[must_use]
    pub fn fault_points(&self) -> FaultPoints {
        match self.faults {
            0 => FaultPoints::Nowhere,
            1 => FaultPoints::Operations,
            _ => FaultPoints::Polls,
        }
    }
}

/// A choice of something else than option 0, in names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The fiber that ran: `main.2.1`, or `#` and its digest if that is all that is known.
    pub fiber: String,
    /// At which of its operations.
    pub ordinal: u32,
    /// What was chosen: the letter of a [`Decision`].
    pub decision: char,
    /// How many choices of this kind the operation had met before.
    pub nth: u32,
    /// The fiber chosen, or concerned.
    pub chosen: String,
    /// The object or arm chosen, 0 if none.
    pub object: u64,
}

/// The fiber of no path: choices among arms concern none.
const NOBODY: &str = "-";

/// A fiber's path from its digest, as `paths` knows it.
fn path_of(hash: u64, paths: &std::collections::HashMap<u64, String>) -> String {
    match paths.get(&hash) {
        _ if hash == 0 => NOBODY.to_owned(),
        Some(path) if path_hash(path) == Some(hash) => path.clone(),
        _ => format!("#{hash:016x}"),
    }
}

fn hash_of(path: &str) -> Option<u64> {
    match path.strip_prefix('#') {
        _ if path == NOBODY => Some(0),
        Some(digest) => u64::from_str_radix(digest, 16).ok(),
        None => path_hash(path),
    }
}

impl Named {
    /// Names a choice.
    #[must_use]
    pub fn of(d: &Deviation, paths: &std::collections::HashMap<u64, String>) -> Named {
        Named {
            fiber: path_of(d.site.fiber, paths),
            ordinal: d.site.ordinal,
            decision: d.site.decision.letter(),
            nth: d.site.nth,
            chosen: path_of(d.chosen.fiber, paths),
            object: d.chosen.object,
        }
    }

    /// The choice that is named. `None`: it names none.
    #[must_use]
    pub fn deviation(&self) -> Option<Deviation> {
        Some(Deviation {
            site: Site {
                fiber: hash_of(&self.fiber)?,
                ordinal: self.ordinal,
                decision: Decision::from_letter(self.decision)?,
                nth: self.nth,
            },
            chosen: Choice {
                fiber: hash_of(&self.chosen)?,
                object: self.object,
            },
        })
    }
}

/// One question to the outside, with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What was asked: `stdin.line`, `fs.read data.txt`.
    pub call: String,
    /// The answer.
    pub answer: Answer,
}

/// An answer from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Here it is.
    Bytes(Vec<u8>),
    /// There is nothing.
    Nothing,
    /// It failed: the kind, empty if there is only a message, and the message.
    Failed(String, String),
}

/// What fibers did: the digest of everything, and the first operations in full.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Log {
    /// The digest of the run.
    pub hash: u64,
    /// How many operations there were, as far as they were kept.
    pub count: u64,
    /// The rolling digest after every [`CHECKED`] operations.
    pub checks: Vec<u64>,
    /// Texts that events name by their place here: paths and operations.
    pub names: Vec<String>,
    /// The first operations.
    pub events: Vec<Event>,
}

impl Log {
    /// Does it say anything? That of a trace from a line does not.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.count != 0 || self.hash != 0
    }
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The fiber's path, in [`Log::names`].
    pub fiber: u32,
    /// Number among the fiber's operations.
    pub ordinal: u32,
    /// What it did, in [`Log::names`].
    pub op: u32,
    /// With which object.
    pub object: u64,
    /// With which result.
    pub outcome: u64,
}

/// A digest stands after so many operations.
pub const CHECKED: usize = 256;

/// So many operations are kept in full.
pub const IN_FULL: usize = 1 << 16;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Ending {
    /// The word for it: empty when the run passed, else `deadlock`, `assertion`, and so on.
    pub word: String,
    /// The failure's kind, message and place.
    pub kind: String,
    /// See `kind`.
    pub message: String,
    /// See `kind`.
    pub location: String,
    /// The exit code.
    pub code: u64,
}

impl Ending {
    /// Is it the same failure? Messages may differ: they hold values.
    #[must_use]
    pub fn is_like(&self, other: &Ending) -> bool {
        (&self.word, &self.kind, &self.location, self.code)
            == (&other.word, &other.kind, &other.location, other.code)
    }

    /// Did the run pass?
    #[must_use]
    pub fn passed(&self) -> bool {
        self.word.is_empty()
    }
}

/// A digest of bytes, the same on every machine (FNV-1a with a final mix).
#[must_use]
pub fn digest(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests;
