//! Where a replay differs from what was recorded.

use super::run::Run;
use super::{CHECKED, Event, Log, Trace};

/// So many operations before the first difference are shown.
const SHOWN: usize = 10;

/// Names of functions that are not what they were.
#[must_use]
pub fn edited(recorded: &[(String, u64)], now: &[(String, u64)]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut missing = |these: &[(String, u64)], those: &[(String, u64)]| {
        let there: std::collections::HashSet<_> = those.iter().collect();
        for function in these.iter().filter(|f| !there.contains(f)) {
            if !names.contains(&function.0) {
                names.push(function.0.clone());
            }
        }
    };
    missing(recorded, now);
    missing(now, recorded);
    names
}

/// The first difference between a trace and a run by it, as lines. `None`: there is none.
#[must_use]
pub fn divergence(recorded: &Trace, run: &Run, edited: &[String]) -> Option<String> {
    let now = &run.trace;
    let first = operations(&recorded.log, &now.log)
        .or_else(|| choices(run))
        .or_else(|| output(recorded, now))
        .or_else(|| ending(recorded, now))?;
    let cause = match &run.unanswered {
        Some(call) => format!("an input that was not recorded: `{call}`"),
        None if !edited.is_empty() => format!("edited: {}", edited.join(", ")),
        None => "unknown: the program is the one recorded, so something in it or in the machine \
                 is not deterministic"
            .to_owned(),
    };
    Some(format!("DIVERGENCE {first}\n  cause: {cause}\n"))
}

/// A choice that could not be made.
fn choices(run: &Run) -> Option<String> {
    if let Some(choice) = run.missed.first() {
        return Some(format!("at a choice\n  `{choice}`: it was not to be had"));
    }
    let choice = run.absent.first()?;
    Some(format!("at a choice\n  `{choice}`: its place never came"))
}

fn operations(a: &Log, b: &Log) -> Option<String> {
    if !a.is_known() {
        return None;
    }
    let same = |(x, y): &(&Event, &Event)| meaning(a, x) == meaning(b, y);
    let pairs = a.events.iter().zip(&b.events);
    let common = pairs.take_while(same).count();
    if common < a.events.len() || common < b.events.len() {
        return Some(at_event(a, b, common));
    }
    let agreed = a.checks.iter().zip(&b.checks);
    let agreed = agreed.take_while(|(x, y)| x == y).count();
    if agreed < a.checks.len().max(b.checks.len()) {
        let (from, to) = (agreed * CHECKED + 1, (agreed + 1) * CHECKED);
        return Some(format!("between operations {from} and {to}"));
    }
    if (a.hash, a.count) != (b.hash, b.count) {
        let (x, y) = (a.count, b.count);
        return Some(format!(
            "after operation {}: {x} were recorded, now {y}",
            x.min(y)
        ));
    }
    None
}

/// An event without the numbers that stand for names.
fn meaning<'a>(log: &'a Log, e: &Event) -> (&'a str, u32, &'a str, u64, u64) {
    let name = |at: u32| log.names.get(at as usize).map_or("?", String::as_str);
    (name(e.fiber), e.ordinal, name(e.op), e.object, e.outcome)
}

fn show(log: &Log, at: usize) -> String {
    match log.events.get(at) {
        None => "nothing more".to_owned(),
        Some(event) => {
            let (fiber, ordinal, op, object, outcome) = meaning(log, event);
            format!("fiber {fiber}, operation {ordinal}: {op} of object {object}, result {outcome}")
        }
    }
}

fn at_event(a: &Log, b: &Log, common: usize) -> String {
    let total = a.count;
    let mut text = format!("at operation {} of {total}\n", common + 1);
    for at in common.saturating_sub(SHOWN)..common {
        text.push_str(&format!("  both:     {}\n", show(a, at)));
    }
    text.push_str(&format!("  recorded: {}\n", show(a, common)));
    text.push_str(&format!("  now:      {}", show(b, common)));
    text
}

fn output(recorded: &Trace, now: &Trace) -> Option<String> {
    if !recorded.log.is_known() {
        return None;
    }
    let streams = ["stdout", "stderr"].into_iter();
    for (name, (x, y)) in streams.zip(recorded.output.iter().zip(&now.output)) {
        if x != y {
            let (x, y) = (x.0, y.0);
            return Some(format!(
                "in {name}: {x} bytes were recorded, now {y} or others"
            ));
        }
    }
    None
}

fn ending(recorded: &Trace, now: &Trace) -> Option<String> {
    let said = |t: &Trace| {
        let e = &t.end;
        let word = if e.passed() { "passed" } else { &e.word };
        format!(
            "{word} {} {} {} (exit code {})",
            e.kind, e.message, e.location, e.code
        )
    };
    (recorded.log.is_known() && recorded.end != now.end).then(|| {
        format!(
            "at the end\n  recorded: {}\n  now:      {}",
            said(recorded),
            said(now)
        )
    })
}
