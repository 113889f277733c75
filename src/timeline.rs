//! `--trace FILE`: what ran where and when, as the JSON that Perfetto and Chrome's `about:tracing`
//! show. One track per worker, one per fiber, and one of the compiler of native code. Arrows lead
//! on the fibers' tracks from a spawn to the child's first run and from a task's end to whoever
//! awaited it; on the workers' tracks from where a fiber parked or was stolen to where it goes on.

use std::collections::HashMap;

use lumen_runtime::sched::events::{Event, EventKind};
use lumen_vm::Compilation;

/// The track of the compiler: there are fewer workers.
const COMPILER_TRACK: u32 = 100_000;

/// The group of the fibers' tracks: there are fewer pools.
const FIBERS: u32 = 100_000;

/// The timeline of a run.
#[must_use]
pub fn render(events: &[Event], compilations: &[Compilation]) -> String {
    let mut timeline = Timeline::default();
    timeline.name_workers(events);
    for event in events {
        timeline.add(event);
    }
    let mut lines = timeline.lines;
    if !compilations.is_empty() {
        lines.push(track_name(0, COMPILER_TRACK, "compiler of native code"));
        lines.extend(compilations.iter().map(compilation));
    }
    format!("{{\"traceEvents\":[\n{}\n]}}\n", lines.join(",\n"))
}

/// A place on a track.
#[derive(Clone, Copy)]
struct At {
    process: u32,
    track: u32,
    ns: u64,
}

/// What is known of a fiber so far.
#[derive(Default)]
struct Known {
    /// Its track.
    track: u32,
    /// The arrow that ends at its next run on its own track.
    arrow: Option<(u64, &'static str)>,
    /// Where it last left a worker, or was spawned.
    left: Option<At>,
    parked: bool,
    stolen: bool,
    /// The task it awaits.
    awaits: Option<u64>,
    ended: Option<u64>,
}

#[derive(Default)]
struct Timeline {
    lines: Vec<String>,
    /// What runs on each worker: a child run in place stands above its parent.
    running: HashMap<(u32, u32), Vec<(u64, u64)>>,
    fibers: HashMap<u64, Known>,
    arrows: u64,
}

impl Timeline {
    fn name_workers(&mut self, events: &[Event]) {
        let mut tracks: Vec<(u32, u32)> = events.iter().map(|e| (e.pool, e.worker)).collect();
        tracks.sort_unstable();
        tracks.dedup();
        let names = tracks
            .iter()
            .map(|&(pool, worker)| track_name(pool, worker, &format!("worker {worker}")));
        self.lines.extend(names);
        if !events.is_empty() {
            self.lines.push(format!(
                "{{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":{FIBERS},\"tid\":0,\
                 \"args\":{{\"name\":\"fibers\"}}}}"
            ));
        }
    }

    fn fiber(&mut self, fiber: u64) -> &mut Known {
        let track = self.fibers.len() as u32 + 1;
        let lines = &mut self.lines;
        self.fibers.entry(fiber).or_insert_with(|| {
            lines.push(track_name(FIBERS, track, &format!("fiber {track}")));
            Known {
                track,
                ..Known::default()
            }
        })
    }

    fn own(&mut self, fiber: u64, ns: u64) -> At {
        At {
            process: FIBERS,
            track: self.fiber(fiber).track,
            ns,
        }
    }

    fn add(&mut self, event: &Event) {
        match event.kind {
            EventKind::Spawn => self.spawned(event),
            EventKind::Run => self.runs(event),
            EventKind::Park | EventKind::Yield | EventKind::End => self.leaves(event),
            EventKind::Steal => self.fiber(event.fiber).stolen = true,
            EventKind::Await => self.fiber(event.fiber).awaits = Some(event.other),
        }
    }

    fn spawned(&mut self, event: &Event) {
        let from = self.own(event.other, event.at);
        let arrow = self.arrow_from("spawn", from);
        let child = self.fiber(event.fiber);
        child.arrow = Some((arrow, "spawn"));
        child.left = Some(on_worker(event));
    }

    fn runs(&mut self, event: &Event) {
        let track = (event.pool, event.worker);
        let stack = self.running.entry(track).or_default();
        stack.push((event.fiber, event.at));
        let own = self.own(event.fiber, event.at);
        let fiber = self.fiber(event.fiber);
        let (arrow, left, awaits) = (fiber.arrow.take(), fiber.left.take(), fiber.awaits.take());
        let parked = std::mem::take(&mut fiber.parked);
        let stolen = std::mem::take(&mut fiber.stolen);
        if let Some((arrow, name)) = arrow {
            self.lines.push(arrow_end("f", name, arrow, own));
        }
        if let Some(awaited) = awaits
            && let Some(ended) = self.fibers.get(&awaited).and_then(|f| f.ended)
        {
            let from = self.own(awaited, ended);
            self.arrow("await", from, own);
        }
        if let Some(left) = left {
            if parked {
                let waits = awaits.map_or("parked".to_owned(), |id| {
                    format!("awaits fiber {}", self.fiber(id).track)
                });
                self.lines
                    .push(slice(&waits, "wait", own.track, left.ns, event.at));
            }
            match (stolen, parked) {
                (true, _) => self.arrow("steal", left, on_worker(event)),
                (false, true) => self.arrow("park", left, on_worker(event)),
                (false, false) => {}
            }
        }
    }

    fn leaves(&mut self, event: &Event) {
        let track = (event.pool, event.worker);
        let Some((fiber, from)) = self.running.get_mut(&track).and_then(Vec::pop) else {
            return;
        };
        let why = match event.kind {
            EventKind::Park => "park",
            EventKind::Yield => "yield",
            _ => "end",
        };
        // Arrows begin inside what ends here.
        let mut left = on_worker(event);
        left.ns = left.ns.saturating_sub(1).max(from);
        let known = self.fiber(fiber);
        known.left = Some(left);
        known.parked = event.kind == EventKind::Park;
        if event.kind == EventKind::End {
            known.ended = Some(left.ns);
        }
        let own = known.track;
        let (at, long) = (micros(from), micros(event.at.saturating_sub(from)));
        self.lines.push(format!(
            "{{\"ph\":\"X\",\"name\":\"fiber {own}\",\"cat\":\"fiber\",\"pid\":{},\"tid\":{},\
             \"ts\":{at},\"dur\":{long},\"args\":{{\"left\":\"{why}\"}}}}",
            event.pool, event.worker
        ));
        let name = format!("on worker {}", event.worker);
        self.lines.push(slice(&name, "run", own, from, event.at));
    }

    /// Begins an arrow; its number.
    fn arrow_from(&mut self, name: &str, from: At) -> u64 {
        self.arrows += 1;
        self.lines.push(arrow_end("s", name, self.arrows, from));
        self.arrows
    }

    fn arrow(&mut self, name: &str, from: At, to: At) {
        let arrow = self.arrow_from(name, from);
        self.lines.push(arrow_end("f", name, arrow, to));
    }
}

fn on_worker(event: &Event) -> At {
    At {
        process: event.pool,
        track: event.worker,
        ns: event.at,
    }
}

fn micros(ns: u64) -> String {
    format!("{}.{:03}", ns / 1000, ns % 1000)
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

/// A part of a fiber's own track.
fn slice(name: &str, category: &str, track: u32, from: u64, to: u64) -> String {
    let (at, long) = (micros(from), micros(to.saturating_sub(from)));
    format!(
        "{{\"ph\":\"X\",\"name\":\"{name}\",\"cat\":\"{category}\",\"pid\":{FIBERS},\
         \"tid\":{track},\"ts\":{at},\"dur\":{long}}}"
    )
}

/// One end of an arrow.
fn arrow_end(end: &str, name: &str, number: u64, at: At) -> String {
    let (process, track, ts) = (at.process, at.track, micros(at.ns));
    // An arrow ends at the slice around it, not at the next one.
    let binding = if end == "f" { ",\"bp\":\"e\"" } else { "" };
    format!(
        "{{\"ph\":\"{end}\",\"name\":\"{name}\",\"cat\":\"{name}\",\"id\":{number},\
         \"pid\":{process},\"tid\":{track},\"ts\":{ts}{binding}}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: u64, worker: u32, fiber: u64, kind: EventKind) -> Event {
        Event {
            at,
            pool: 0,
            worker,
            fiber,
            other: 0,
            kind,
        }
    }

    fn rendered(events: &[Event]) -> Vec<serde_json::Value> {
        let text = render(events, &[]);
        let mut value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        match value["traceEvents"].take() {
            serde_json::Value::Array(lines) => lines,
            other => panic!("{other}"),
        }
    }

    /// The phases of the arrows called `name`, and where their ends stand.
    fn arrows(lines: &[serde_json::Value], name: &str) -> Vec<(String, u64, u64)> {
        let named = lines
            .iter()
            .filter(|l| l["name"] == name && !l["id"].is_null());
        let number = |v: &serde_json::Value| v.as_u64().unwrap_or(u64::MAX);
        named
            .map(|l| {
                let phase = l["ph"].as_str().unwrap_or_default().to_owned();
                (phase, number(&l["pid"]), number(&l["tid"]))
            })
            .collect()
    }

    #[test]
    fn an_awaited_child_has_its_track_and_arrows() {
        let spawn = Event {
            other: 1,
            ..event(1000, 0, 7, EventKind::Spawn)
        };
        let waits = Event {
            other: 7,
            ..event(1500, 0, 1, EventKind::Await)
        };
        let lines = rendered(&[
            event(500, 0, 1, EventKind::Run),
            spawn,
            waits,
            event(1600, 0, 1, EventKind::Park),
            event(2000, 1, 7, EventKind::Steal),
            event(2500, 1, 7, EventKind::Run),
            event(4500, 1, 7, EventKind::End),
            event(5000, 1, 1, EventKind::Run),
            event(5500, 1, 1, EventKind::End),
        ]);
        let (fibers, ends) = (u64::from(FIBERS), |s: &str| s.to_owned());
        let between = |from: (u64, u64), to: (u64, u64)| {
            vec![(ends("s"), from.0, from.1), (ends("f"), to.0, to.1)]
        };
        assert_eq!(arrows(&lines, "spawn"), between((fibers, 1), (fibers, 2)));
        assert_eq!(arrows(&lines, "await"), between((fibers, 2), (fibers, 1)));
        assert_eq!(arrows(&lines, "steal"), between((0, 0), (0, 1)));
        assert_eq!(arrows(&lines, "park"), between((0, 0), (0, 1)));
        let wait = lines.iter().find(|l| l["name"] == "awaits fiber 2");
        let wait = wait.expect("the wait is shown");
        assert_eq!((&wait["tid"], &wait["dur"]), (&1.into(), &3.401.into()));
    }

    #[test]
    fn a_child_run_in_place_stands_inside_its_parent() {
        let lines = rendered(&[
            event(1000, 0, 1, EventKind::Run),
            event(2000, 0, 2, EventKind::Run),
            event(3000, 0, 2, EventKind::End),
            event(4000, 0, 1, EventKind::End),
        ]);
        let of = |name: &str| lines.iter().find(|l| l["name"] == name && l["pid"] == 0);
        assert_eq!(of("fiber 1").expect("the parent")["dur"], 3.0);
        assert_eq!(of("fiber 2").expect("the child")["dur"], 1.0);
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
