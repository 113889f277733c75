//! `--trace FILE`: what ran where and when, as the JSON that Perfetto and Chrome's `about:tracing`
//! show. One track per worker, with arrows from spawns to where the fiber runs, and one track of
//! the compiler of native code.

use std::collections::HashMap;
use std::fmt::Write;

use lumen_runtime::sched::events::{Event, EventKind};
use lumen_vm::Compilation;

/// The track of the compiler: there are fewer workers.
const COMPILER_TRACK: u32 = 100_000;

/// The timeline of a run.
#[must_use]
pub fn render(events: &[Event], compilations: &[Compilation]) -> String {
    let mut out = String::from("{\"traceEvents\":[\n");
    let mut tracks: Vec<(u32, u32)> = events.iter().map(|e| (e.pool, e.worker)).collect();
    tracks.sort_unstable();
    tracks.dedup();
    let mut lines: Vec<String> = tracks
        .iter()
        .map(|&(pool, worker)| name(pool, worker))
        .collect();
    let mut running: HashMap<(u32, u32), (u64, u64)> = HashMap::new();
    for event in events {
        let track = (event.pool, event.worker);
        match event.kind {
            EventKind::Run => {
                running.insert(track, (event.fiber, event.at));
                lines.push(arrow("f", event.fiber, event));
            }
            EventKind::Park | EventKind::Yield | EventKind::End => {
                if let Some((fiber, from)) = running.remove(&track) {
                    lines.push(slice(fiber, from, event));
                }
            }
            EventKind::Spawn => lines.push(arrow("s", event.fiber, event)),
            EventKind::Steal => lines.push(instant("steal", event)),
            EventKind::Await => lines.push(instant("await", event)),
        }
    }
    if !compilations.is_empty() {
        lines.push(track_name(0, COMPILER_TRACK, "compiler of native code"));
        lines.extend(compilations.iter().map(compilation));
    }
    out.push_str(&lines.join(",\n"));
    out.push_str("\n]}\n");
    out
}

fn micros(ns: u64) -> String {
    format!("{}.{:03}", ns / 1000, ns % 1000)
}

fn name(pool: u32, worker: u32) -> String {
    track_name(pool, worker, &format!("worker {worker}"))
}

fn track_name(pool: u32, track: u32, name: &str) -> String {
    format!(
        "{{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":{pool},\"tid\":{track},\
         \"args\":{{\"name\":\"{name}\"}}}}"
    )
}

/// A cell or loop that became native code.
fn compilation(made: &Compilation) -> String {
    let (at, long) = (micros(made.start_ns), micros(made.duration_ns));
    let part = made
        .at
        .map_or(String::new(), |word| format!(", loop at {word}"));
    let name = serde_json::Value::from(format!("compile {}{part}", made.name));
    format!(
        "{{\"ph\":\"X\",\"name\":{name},\"cat\":\"jit\",\"pid\":0,\
         \"tid\":{COMPILER_TRACK},\"ts\":{at},\"dur\":{long},\
         \"args\":{{\"bytes\":{}}}}}",
        made.code_bytes
    )
}

/// A fiber's stay on a worker.
fn slice(fiber: u64, from: u64, end: &Event) -> String {
    let why = match end.kind {
        EventKind::Park => "park",
        EventKind::Yield => "yield",
        _ => "end",
    };
    let (pool, worker) = (end.pool, end.worker);
    let (at, long) = (micros(from), micros(end.at.saturating_sub(from)));
    format!(
        "{{\"ph\":\"X\",\"name\":\"fiber {fiber}\",\"cat\":\"fiber\",\"pid\":{pool},\
         \"tid\":{worker},\"ts\":{at},\"dur\":{long},\"args\":{{\"left\":\"{why}\"}}}}"
    )
}

/// One end of the arrow from where a fiber was spawned to where it runs.
fn arrow(end: &str, fiber: u64, event: &Event) -> String {
    let (pool, worker, at) = (event.pool, event.worker, micros(event.at));
    let mut text = format!(
        "{{\"ph\":\"{end}\",\"name\":\"spawn\",\"cat\":\"spawn\",\"id\":{fiber},\"pid\":{pool},\
         \"tid\":{worker},\"ts\":{at}"
    );
    if end == "f" {
        text.push_str(",\"bp\":\"e\"");
    }
    text.push('}');
    text
}

fn instant(what: &str, event: &Event) -> String {
    let (pool, worker, at) = (event.pool, event.worker, micros(event.at));
    let mut text = format!(
        "{{\"ph\":\"i\",\"s\":\"t\",\"name\":\"{what} fiber {}\",\"cat\":\"{what}\",\
         \"pid\":{pool},\"tid\":{worker},\"ts\":{at}",
        event.fiber
    );
    if event.other != 0 {
        let _ = write!(text, ",\"args\":{{\"other\":{}}}", event.other);
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fiber_becomes_a_slice_with_an_arrow_to_it() {
        let event = |at, kind| Event {
            at,
            pool: 0,
            worker: 1,
            fiber: 7,
            other: 0,
            kind,
        };
        let text = render(
            &[
                event(1000, EventKind::Spawn),
                event(2500, EventKind::Run),
                event(4500, EventKind::End),
            ],
            &[],
        );
        assert!(text.contains("\"name\":\"fiber 7\""), "{text}");
        assert!(text.contains("\"ts\":2.500,\"dur\":2.000"), "{text}");
        assert!(
            text.contains("\"ph\":\"s\"") && text.contains("\"ph\":\"f\""),
            "{text}"
        );
    }

    #[test]
    fn compilations_have_a_track() {
        let made = Compilation {
            name: "f[\"x\"]".into(),
            at: Some(12),
            start_ns: 1500,
            duration_ns: 2000,
            code_bytes: 64,
        };
        let text = render(&[], &[made]);
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            value["traceEvents"][1]["name"],
            "compile f[\"x\"], loop at 12"
        );
        assert_eq!(value["traceEvents"][1]["args"]["bytes"], 64);
    }
}
