//! A report as text.

use std::fmt::Write;

use super::compare::Change;
use super::series::{Series, time_text};
use super::{INTERPRETER, Jit, Report};

/// A spread from which on a note is due.
const BUSY: f64 = 0.15;
/// Bars by height.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Warm-up runs whose time is printed beside the bars.
const TIMES_SHOWN: usize = 6;

/// The report, for people.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    let rounds = count(report.rounds as u64, "round");
    let workers = count(report.workers as u64, "worker");
    let _ = writeln!(
        out,
        "{}\n{rounds} in {:.1} s, {workers}; one run prints {} bytes\n",
        report.title(),
        report.seconds,
        report.output_bytes
    );
    let _ = writeln!(
        out,
        "{:<16}{:>12}{:>10}{:>12}{:>10}",
        "", "median", "spread", "best", "speed-up"
    );
    let base = report.interpreter.median();
    for (name, series) in report.rows() {
        let _ = writeln!(out, "{}", row(name, series, base));
    }
    if let Some(jit) = &report.jit {
        out.push('\n');
        out.push_str(&warm_up(jit, base));
        out.push_str(&compiled(jit));
    }
    let widest = report
        .rows()
        .iter()
        .map(|(_, s)| s.spread())
        .fold(0.0, f64::max);
    if report.rounds >= 3 && widest > BUSY {
        out.push_str(
            "\nnote: the times differ much from run to run: the machine is busy, or the program \
             does not do\n      the same each time. The best times say more than the medians.\n",
        );
    }
    if !report.same_output {
        out.push_str(
            "\nnote: not all runs printed the same, so they may not have done the same work\n",
        );
    }
    out
}

/// `1 cell`, `2 cells`.
#[must_use]
pub fn count(n: u64, word: &str) -> String {
    match n {
        1 => format!("1 {word}"),
        n => format!("{n} {word}s"),
    }
}

fn row(name: &str, series: &Series, base: f64) -> String {
    let spread = match series.samples().len() {
        0..3 => "–".to_owned(),
        _ => match series.spread() * 100.0 {
            percent if percent < 99.95 => format!("±{percent:.1} %"),
            _ => "> ±100 %".to_owned(),
        },
    };
    let faster = match series.median() {
        ns if ns > 0.0 => format!("{:.2} ×", base / ns),
        _ => "–".to_owned(),
    };
    let (median, best) = (time_text(series.median()), time_text(series.best()));
    format!("{name:<16}{median:>12}{spread:>10}{best:>12}{faster:>10}")
}

/// The times of a fresh program's runs, one after the other.
fn warm_up(jit: &Jit, interpreted: f64) -> String {
    let times: Vec<f64> = jit.warm_up.iter().map(Series::median).collect();
    let bars = sparkline(&times, interpreted);
    let mut shown: Vec<String> = times
        .iter()
        .take(TIMES_SHOWN)
        .map(|&ns| time_text(ns))
        .collect();
    if times.len() > TIMES_SHOWN {
        shown.push("…".into());
    }
    let from = match jit.steady_from() {
        Some(1) => "steady from the first run on".to_owned(),
        Some(run) => format!("steady from run {run} on"),
        None => format!("not steady after {} runs", times.len()),
    };
    format!("warm-up   {bars}  {}\n          {from}\n", shown.join(", "))
}

/// Bars as high as `values`, of which the largest, or `most`, is a full one.
#[must_use]
pub fn sparkline(values: &[f64], most: f64) -> String {
    let most = values.iter().copied().fold(most, f64::max);
    let bar = |value: &f64| {
        let height = match most > 0.0 {
            true => value / most * BARS.len() as f64,
            false => 0.0,
        };
        BARS[(height.ceil() as usize).clamp(1, BARS.len()) - 1]
    };
    values.iter().map(bar).collect()
}

fn compiled(jit: &Jit) -> String {
    let made = &jit.compiled;
    if made.functions + made.loops == 0 {
        return "compiled  nothing: no cell was hot\n".into();
    }
    format!(
        "compiled  {} and {}: {} bytes of code in {}\n",
        count(made.functions, "cell"),
        count(made.loops, "loop"),
        made.code_bytes,
        time_text(made.compile_ns as f64)
    )
}

/// What changed since an earlier measurement, for people.
#[must_use]
pub fn changes(earlier: &str, changes: &[Change]) -> String {
    let mut out = format!("\nagainst {earlier}\n");
    let _ = writeln!(
        out,
        "{:<16}{:>12}{:>12}{:>10}",
        "", "before", "now", "change"
    );
    for change in changes {
        let (before, now) = (time_text(change.before), time_text(change.now));
        let percent = format!("{:+.1} %", change.ratio() * 100.0 - 100.0);
        let verdict = change.verdict();
        let _ = writeln!(
            out,
            "{:<16}{before:>12}{now:>12}{percent:>10}  {verdict} (noise ±{:.1} %)",
            change.name,
            change.noise * 100.0
        );
    }
    out
}

/// What is said when there is only the interpreter to measure.
#[must_use]
pub fn only_interpreter(report: &Report, why: &str) -> Option<String> {
    report
        .jit
        .is_none()
        .then(|| format!("\nonly the {INTERPRETER} was measured: {why}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_with_values() {
        assert_eq!(sparkline(&[8.0, 4.0, 1.0, 0.0], 8.0), "█▄▁▁");
        assert_eq!(sparkline(&[1.0, 1.0], 8.0), "▁▁");
        assert_eq!(sparkline(&[0.0], 0.0), "▁");
    }

    #[test]
    fn a_report_names_all_ways() {
        let series = |ns: f64| Series::new(vec![ns; 5]);
        let report = Report {
            file: "p.lm".into(),
            rounds: 5,
            workers: 1,
            same_output: true,
            interpreter: series(8e6),
            jit: Some(Jit {
                warm_up: vec![series(4e6), series(2e6), series(1e6), series(1e6)],
                steady: series(1e6),
                ..Jit::default()
            }),
            ..Report::default()
        };
        let text = render(&report);
        assert!(text.contains("p.lm: main\n5 rounds"), "{text}");
        assert!(text.contains("8.00 ×"), "{text}");
        assert!(text.contains("█") || text.contains("▄▂▁▁"), "{text}");
        assert!(text.contains("steady from run 3 on"), "{text}");
    }
}
