//! Differential fuzzing: well-typed programs by chance are run by the interpreter and in native
//! code, on one worker and several, deterministically, and from a listing that was assembled
//! again. Output, end, failures with their traces, exit code and trace hash must agree.
//!
//! `LUMEN_DIFF_PROGRAMS=N` programs are tried from seed `LUMEN_DIFF_SEED=N` on, each in a child
//! process of the test, so that a crash or a hang is caught too. A failing program is made small
//! and kept in `target/tmp/differential/SEED.lm`, with what was seen beside it in `SEED.txt`.

mod children;
mod control;
mod expressions;
mod generate;
mod machine;
mod operators;
#[path = "../support/random.rs"]
mod random;
mod reduce;
mod statements;
mod tasks;
mod types;

use random::setting;

/// Programs that one test run tries.
const PROGRAMS: u64 = 30;
/// Reports that are written in one run.
const REPORTS: usize = 3;

#[test]
fn all_ways_to_run_a_program_agree() {
    let first = setting("LUMEN_DIFF_SEED", 1);
    let count = setting("LUMEN_DIFF_PROGRAMS", PROGRAMS);
    let troubles = children::search(first, count, REPORTS);
    let reports: Vec<String> = troubles.iter().map(children::report).collect();
    assert!(reports.is_empty(), "\n{}", reports.join("\n"));
}

/// What the test starts itself for; by itself it does nothing.
#[test]
fn child() {
    children::work();
}

#[test]
fn a_seed_always_gives_the_same_program() {
    assert_eq!(generate::program(7), generate::program(7));
    assert_ne!(generate::program(7), generate::program(8));
}
