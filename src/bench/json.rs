//! A report as JSON, and back.

use lumen_vm::JitStats;
use serde_json::{Value, json};

use super::compare::Change;
use super::series::Series;
use super::{Jit, Report};

/// The version of the form.
const FORM: u64 = 1;

fn series(series: &Series) -> Value {
    json!({
        "median_ns": series.median(),
        "spread": series.spread(),
        "best_ns": series.best(),
        "samples_ns": series.samples(),
    })
}

/// The report, and what changed since an earlier one if there is one.
#[must_use]
pub fn write(report: &Report, changes: &[Change]) -> Value {
    let base = report.interpreter.median();
    let faster = |s: &Series| {
        if s.median() > 0.0 {
            base / s.median()
        } else {
            0.0
        }
    };
    let mut value = json!({
        "lumen_bench": FORM,
        "version": env!("CARGO_PKG_VERSION"),
        "file": report.file,
        "cell": report.cell,
        "arguments": report.arguments,
        "workers": report.workers,
        "rounds": report.rounds,
        "seconds": report.seconds,
        "output_bytes": report.output_bytes,
        "same_output": report.same_output,
        "interpreter": series(&report.interpreter),
    });
    if let Some(jit) = &report.jit {
        let made = &jit.compiled;
        value["jit"] = json!({
            "mode": jit.mode,
            "threshold": jit.threshold,
            "warm_up": jit.warm_up.iter().map(series).collect::<Vec<_>>(),
            "steady": series(&jit.steady),
            "steady_from_run": jit.steady_from(),
            "speed_up_first_run": jit.warm_up.first().map(faster),
            "speed_up_steady": faster(&jit.steady),
            "cells": made.functions,
            "loops": made.loops,
            "code_bytes": made.code_bytes,
            "bytecode_instructions": made.instructions,
            "clif_instructions": made.clif_instructions,
            "compile_ns": made.compile_ns,
        });
    }
    if !changes.is_empty() {
        let change = |c: &Change| {
            json!({
                "name": c.name,
                "before_ns": c.before,
                "now_ns": c.now,
                "ratio": c.ratio(),
                "best_ratio": c.best_ratio,
                "noise": c.noise,
                "verdict": c.verdict(),
            })
        };
        value["changes"] = changes.iter().map(change).collect();
    }
    value
}

/// Reads a report.
///
/// # Errors
/// What is wrong with the text.
pub fn read(text: &str) -> Result<Report, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| format!("no JSON: {e}"))?;
    match value["lumen_bench"].as_u64() {
        Some(FORM) => {}
        Some(other) => return Err(format!("results of form {other}, not {FORM}")),
        None => return Err("no results of `lumen bench --json`".into()),
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let interpreter = read_series(&value["interpreter"])?;
    let jit = match &value["jit"] {
        Value::Null => None,
        jit => Some(Jit {
            mode: text(&jit["mode"]),
            threshold: u32::try_from(number(&jit["threshold"])).unwrap_or(0),
            warm_up: list(&jit["warm_up"])
                .iter()
                .map(read_series)
                .collect::<Result<_, _>>()?,
            steady: read_series(&jit["steady"])?,
            compiled: JitStats {
                functions: number(&jit["cells"]),
                loops: number(&jit["loops"]),
                code_bytes: number(&jit["code_bytes"]),
                instructions: number(&jit["bytecode_instructions"]),
                clif_instructions: number(&jit["clif_instructions"]),
                compile_ns: number(&jit["compile_ns"]),
                ..JitStats::default()
            },
        }),
    };
    Ok(Report {
        file: text(&value["file"]),
        cell: value["cell"].as_str().map(str::to_owned),
        arguments: list(&value["arguments"]).iter().map(text).collect(),
        workers: usize::try_from(number(&value["workers"])).unwrap_or(0),
        rounds: usize::try_from(number(&value["rounds"])).unwrap_or(0),
        seconds: value["seconds"].as_f64().unwrap_or(0.0),
        output_bytes: number(&value["output_bytes"]),
        same_output: value["same_output"].as_bool().unwrap_or(true),
        interpreter,
        jit,
    })
}

fn read_series(value: &Value) -> Result<Series, String> {
    let samples = value["samples_ns"].as_array();
    let samples = samples.ok_or("a way without `samples_ns`")?;
    let numbers: Option<Vec<f64>> = samples.iter().map(Value::as_f64).collect();
    numbers
        .filter(|numbers| !numbers.is_empty())
        .map(Series::new)
        .ok_or_else(|| "samples that are no numbers".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_back() {
        let report = Report {
            file: "p.lm".into(),
            cell: Some("f".into()),
            arguments: vec!["1".into()],
            rounds: 2,
            interpreter: Series::new(vec![5.0, 6.5]),
            jit: Some(Jit {
                mode: "auto".into(),
                warm_up: vec![Series::new(vec![4.0, 4.0])],
                steady: Series::new(vec![1.0, 2.0]),
                ..Jit::default()
            }),
            ..Report::default()
        };
        let again = read(&write(&report, &[]).to_string()).expect("a report");
        assert_eq!(format!("{again:?}"), format!("{report:?}"));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "[]",
            "{}",
            "{\"lumen_bench\": 9}",
            "{\"lumen_bench\": 1}",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
