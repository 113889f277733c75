//! `lumen bench`: how long a program takes in the interpreter, while native code is being made,
//! and in native code.

pub mod compare;
pub mod json;
pub mod measure;
pub mod plot;
pub mod quiet;
pub mod series;
pub mod table;
pub mod target;
mod watch;

use lumen_vm::JitStats;
use series::Series;

/// What was measured of one program.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The program's file.
    pub file: String,
    /// The cell that was run, if not `main`.
    pub cell: Option<String>,
    /// The program's arguments.
    pub arguments: Vec<String>,
    /// Worker threads.
    pub workers: usize,
    /// Rounds that were measured.
    pub rounds: usize,
    /// What all of it took, in seconds.
    pub seconds: f64,
    /// Bytes that one run prints.
    pub output_bytes: u64,
    /// Whether all runs printed the same.
    pub same_output: bool,
    /// Runs in the interpreter.
    pub interpreter: Series,
    /// Runs with native code; nothing when it is off, or this build makes none.
    pub jit: Option<Jit>,
}

/// Runs with native code.
#[derive(Clone, Debug, Default)]
pub struct Jit {
    /// `auto` or `always`.
    pub mode: String,
    /// Calls that make a cell hot.
    pub threshold: u32,
    /// First runs, second runs … of freshly loaded programs.
    pub warm_up: Vec<Series>,
    /// Runs of a program that was warm.
    pub steady: Series,
    /// What had been compiled in the end.
    pub compiled: JitStats,
}

impl Report {
    /// What is measured, in words.
    #[must_use]
    pub fn title(&self) -> String {
        let what = self.cell.as_deref().unwrap_or("main");
        let mut title = format!("{}: {what}", self.file);
        for argument in &self.arguments {
            title.push(' ');
            title.push_str(argument);
        }
        title
    }

    /// The measured ways with their names.
    #[must_use]
    pub fn rows(&self) -> Vec<(&'static str, &Series)> {
        let mut rows = vec![(INTERPRETER, &self.interpreter)];
        if let Some(jit) = &self.jit {
            rows.extend(jit.warm_up.first().map(|first| (FIRST, first)));
            rows.push((STEADY, &jit.steady));
        }
        rows
    }
}

/// The interpreter's row.
pub const INTERPRETER: &str = "interpreter";
/// The row of first runs.
pub const FIRST: &str = "JIT, first run";
/// The row of warm runs.
pub const STEADY: &str = "JIT, steady";

impl Jit {
    /// From which run on (the first is 1) runs take as long as warm ones, if any did.
    #[must_use]
    pub fn steady_from(&self) -> Option<usize> {
        let limit = self.steady.median() * (1.0 + (2.0 * self.steady.spread()).clamp(0.05, 0.15));
        let slow = self.warm_up.iter().rposition(|run| run.median() > limit);
        let from = slow.map_or(1, |at| at + 2);
        (from <= self.warm_up.len()).then_some(from)
    }
}
