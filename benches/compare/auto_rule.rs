//! The rule of `--jit auto`: of programs that take some time, none is slower with it than with the
//! better of `off` and `always`, but for what a measurement is worth.

use crate::Row;
use crate::measure::Sample;

/// Programs that end sooner are not held to it, in seconds.
const SHORTEST: f64 = 0.050;
/// How much slower `auto` may be.
const TOLERANCE: f64 = 0.05;

/// The least wall time of several runs: what disturbs a run only makes it longer.
fn best(row: &Row, name: &str) -> Option<f64> {
    let walls = row.get(name)?.iter().map(|s: &Sample| s.wall);
    walls.min_by(f64::total_cmp)
}

/// Prints the three times of each program; gives the programs that break the rule.
pub(crate) fn check(rows: &[(&str, Row)], runs: usize) -> Vec<String> {
    println!("\nLeast wall time of {runs} interleaved runs, in milliseconds.\n");
    println!("| program | off | always | auto | auto ÷ better |");
    println!("|---|---:|---:|---:|---:|");
    let mut broken = Vec::new();
    for (program, row) in rows {
        let times = ["lumen", "lumen-always", "lumen-jit"].map(|name| best(row, name));
        let [Some(off), Some(always), Some(auto)] = times else {
            continue;
        };
        let better = off.min(always);
        let ratio = auto / better;
        let [off_ms, always_ms, auto_ms] = [off, always, auto].map(|t| t * 1e3);
        let exempt = if better < SHORTEST { " (short)" } else { "" };
        println!(
            "| {program} | {off_ms:.1} | {always_ms:.1} | {auto_ms:.1} | {ratio:.3}{exempt} |"
        );
        if better >= SHORTEST && ratio > 1.0 + TOLERANCE {
            let percent = (ratio - 1.0) * 100.0;
            broken.push(format!(
                "{program}: `--jit auto` takes {percent:.1} % longer than the better of `off` and \
                 `always`"
            ));
        }
    }
    println!();
    broken
}
