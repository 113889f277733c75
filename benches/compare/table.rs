//! The tables: medians, and Lumen's ratio to each peer.

use crate::Row;
use crate::contestants::Contestant;
use crate::measure::Sample;

/// Programs that a geometric mean leaves out: start-up alone, and one loop without calls or memory.
const NOT_IN_MEAN: &[&str] = &["hello", "loop_sum"];

/// What a table shows of a sample.
#[derive(Clone, Copy)]
enum Measure {
    User,
    Wall,
    Peak,
}

impl Measure {
    fn read(self, program: &str, sample: &Sample) -> f64 {
        match self {
            // The kernel splits so short a life between user and system time by guessing.
            Measure::User if program == "hello" => sample.cpu,
            Measure::User => sample.user,
            Measure::Wall => sample.wall,
            Measure::Peak => sample.peak_mb,
        }
    }
}

/// Prints user CPU, wall time, peak memory, and the ratios of user CPU and wall time.
pub(crate) fn print(contestants: &[Contestant], rows: &[(&str, Row)], runs: usize) {
    let names: Vec<&str> = contestants.iter().map(|c| c.name.as_str()).collect();
    println!("\nMedians of {runs} interleaved runs. `hello` counts user and system time.");
    medians("user CPU, seconds", &names, rows, Measure::User);
    medians("wall, seconds", &names, rows, Measure::Wall);
    medians("peak memory, MB", &names, rows, Measure::Peak);
    for subject in names.iter().filter(|n| n.starts_with("lumen")) {
        ratios(
            &format!("{subject} ÷ peer, user CPU"),
            subject,
            &names,
            rows,
            Measure::User,
        );
        ratios(
            &format!("{subject} ÷ peer, wall"),
            subject,
            &names,
            rows,
            Measure::Wall,
        );
    }
    println!();
}

fn heading(title: &str, names: &[&str]) {
    println!("\n{title}\n");
    println!("| program | {} |", names.join(" | "));
    println!("|---|{}", "---:|".repeat(names.len()));
}

fn medians(title: &str, names: &[&str], rows: &[(&str, Row)], of: Measure) {
    heading(title, names);
    for (program, row) in rows {
        let cells: Vec<String> = names
            .iter()
            .map(|name| cell(median(program, row, name, of)))
            .collect();
        println!("| {program} | {} |", cells.join(" | "));
    }
}

fn ratios(title: &str, subject: &str, names: &[&str], rows: &[(&str, Row)], of: Measure) {
    // Native code is also compared with the interpreter.
    let peers: Vec<&str> = names
        .iter()
        .copied()
        .filter(|n| !n.starts_with("lumen") || (*n == "lumen" && subject != "lumen"))
        .collect();
    if peers.is_empty() {
        return;
    }
    heading(title, &peers);
    let mut logs: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
    let mut worst: Vec<(f64, &str)> = vec![(0.0, "–"); peers.len()];
    for (program, row) in rows {
        let ours = median(program, row, subject, of);
        let mut cells = Vec::new();
        for ((peer, logs), worst) in peers.iter().zip(&mut logs).zip(&mut worst) {
            let ratio = match (ours, median(program, row, peer, of)) {
                (Some(ours), Some(theirs)) if ours > 0.0 && theirs > 0.0 => Some(ours / theirs),
                _ => None,
            };
            if let Some(ratio) = ratio.filter(|_| !NOT_IN_MEAN.contains(program)) {
                logs.push(ratio.ln());
                if ratio > worst.0 {
                    *worst = (ratio, program);
                }
            }
            cells.push(cell(ratio));
        }
        println!("| {program} | {} |", cells.join(" | "));
    }
    let means: Vec<String> = logs.iter().map(|logs| cell(geometric_mean(logs))).collect();
    println!(
        "| geometric mean without {} | {} |",
        NOT_IN_MEAN.join(", "),
        means.join(" | ")
    );
    let worst: Vec<String> = worst
        .iter()
        .map(|(ratio, program)| match *ratio > 0.0 {
            true => format!("{} {program}", cell(Some(*ratio))),
            false => cell(None),
        })
        .collect();
    println!("| worst | {} |", worst.join(" | "));
}

fn geometric_mean(logs: &[f64]) -> Option<f64> {
    (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

fn median(program: &str, row: &Row, name: &str, of: Measure) -> Option<f64> {
    let mut values: Vec<f64> = row.get(name)?.iter().map(|s| of.read(program, s)).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        return Some(values[middle]);
    }
    Some((values[middle - 1] + values[middle]) / 2.0)
}

fn cell(value: Option<f64>) -> String {
    match value {
        None => "–".to_string(),
        Some(v) if v >= 100.0 => format!("{v:.0}"),
        Some(v) if v >= 10.0 => format!("{v:.1}"),
        Some(v) if v >= 0.1 => format!("{v:.2}"),
        Some(v) => format!("{v:.4}"),
    }
}
