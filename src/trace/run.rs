//! Runs that leave traces, and runs by traces.

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use lumen_bytecode::Module;
use lumen_bytecode::module::Function;
use lumen_runtime::native::{Host, Stream};
use lumen_runtime::sched::policy::tape::{Deviation, Script, Tape};
use lumen_runtime::sched::trace_hash::TraceLog;
use lumen_vm::{End, Ended, Options, Program};

use super::world::World;
use super::{CHECKED, Ending, Event, IN_FULL, Log, Named, ProgramId, RunSettings, Trace, digest};
use crate::Exit;

/// A program of which traces are made.
#[derive(Clone, Debug)]
pub struct Runner {
    program: Program,
    path: PathBuf,
    functions: Arc<Vec<(String, u64)>>,
}

/// A run that had to be ended has so long to end.
const GRACE: Duration = Duration::from_secs(10);

/// What a run for a limited time came to.
#[derive(Debug)]
pub enum Limited {
    /// It ended by itself.
    Ended(Box<Run>),
    /// It had to be ended.
    Endless,
    /// It could not even be ended: it goes on, on a thread of its own.
    Stuck,
}

/// The entry: `main`, or a test by its number and name.
pub type Entry = Option<(usize, String)>;

/// A run, and what it was.
#[derive(Debug)]
pub struct Run {
    /// Its trace.
    pub trace: Trace,
    /// What it printed: stdout, stderr.
    pub output: [Vec<u8>; 2],
    /// How it ended.
    pub ended: Ended,
    /// The signal's exit, if one has stopped it.
    pub stopped: Option<Exit>,
    /// The first question to which the trace had no answer.
    pub unanswered: Option<String>,
    /// Choices that could not be made: the option was not there.
    pub missed: Vec<Named>,
    /// Choices whose place never came.
    pub absent: Vec<Named>,
}

/// The digests of a module's functions, and of what they share.
#[must_use]
pub fn functions(module: &Module) -> Vec<(String, u64)> {
    let of_function = |f: &Function| {
        let words = f.code.iter().flat_map(|word| word.to_le_bytes());
        let mut bytes: Vec<u8> = words.collect();
        let rest = (&f.params, &f.owned, f.result, f.closure, f.frame, &f.tables);
        bytes.extend(format!("{rest:?}{:?}", f.landings).as_bytes());
        (f.name.clone(), digest(&bytes))
    };
    let mut all: Vec<(String, u64)> = module.functions.iter().map(of_function).collect();
    let mut shared = |name: &str, text: String| {
        all.push((format!("({name})"), digest(text.as_bytes())));
    };
    shared("constants", format!("{:?}", module.constants));
    shared("types", format!("{:?}", module.types));
    shared("natives", format!("{:?}", module.natives));
    shared(
        "variables",
        format!("{:?}{:?}", module.globals, module.paths),
    );
    all
}

/// What kind of failure it is, in a word that scripts can rely on.
#[must_use]
pub fn word_of(ended: &Ended) -> &'static str {
    match &ended.end {
        _ if ended.deadlocked => "deadlock",
        End::Failed(failure) => match failure.kind.as_str() {
            "Assertion" => "assertion",
            "Closed" => "closed",
            "Deadlock" => "deadlock",
            _ => "failure",
        },
        _ => "failure",
    }
}

fn ending(ended: &Ended) -> Ending {
    let code = ended.exit_code();
    let mut ending = Ending {
        // The system keeps eight bits of an exit code.
        code: u64::from(code as u8),
        ..Ending::default()
    };
    if code != 0 {
        word_of(ended).clone_into(&mut ending.word);
    }
    if let End::Failed(failure) = &ended.end {
        ending.kind.clone_from(&failure.kind);
        ending.message.clone_from(&failure.message);
        ending.location.clone_from(&failure.location);
    }
    ending
}

/// The path as a trace names it: relative to the working directory, never absolute.
fn relative(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let below = path.strip_prefix(&here).unwrap_or(path);
    let kept = match below.is_absolute() {
        true => below.file_name().map(Path::new).unwrap_or(below),
        false => below,
    };
    kept.display().to_string()
}

/// A rolling digest, one operation on.
fn roll(hash: u64, words: &[u64]) -> u64 {
    words.iter().fold(hash, |hash, word| {
        let x = (hash ^ word).wrapping_mul(0x9FB2_1C65_1E98_DF25);
        (x ^ (x >> 32)).rotate_left(23)
    })
}

fn log_of(log: &TraceLog, hash: u64) -> Log {
    let mut names: Vec<String> = Vec::new();
    let mut places = std::collections::HashMap::new();
    let mut place = |name: String| -> u32 {
        *places.entry(name).or_insert_with_key(|name| {
            names.push(name.clone());
            (names.len() - 1) as u32
        })
    };
    let (mut events, mut checks, mut rolling) = (Vec::new(), Vec::new(), 0);
    for (at, e) in log.events.iter().enumerate() {
        let ordinal = u64::from(e.ordinal);
        rolling = roll(
            rolling,
            &[e.fiber, ordinal, e.op as u64, e.object, e.outcome],
        );
        if (at + 1) % CHECKED == 0 {
            checks.push(rolling);
        }
        if at < IN_FULL {
            let path = log.paths.get(&e.fiber).cloned().unwrap_or_default();
            events.push(Event {
                fiber: place(path),
                ordinal: e.ordinal,
                op: place(format!("{:?}", e.op)),
                object: e.object,
                outcome: e.outcome,
            });
        }
    }
    Log {
        hash,
        count: log.events.len() as u64,
        checks,
        names,
        events,
    }
}

impl Runner {
    /// For a loaded program, in `path`, and what its functions are ([`functions`]).
    #[must_use]
    pub fn new(program: Program, path: &Path, functions: Vec<(String, u64)>) -> Runner {
        let path = path.to_path_buf();
        Runner {
            program,
            path,
            functions: Arc::new(functions),
        }
    }

    /// Is it run in an order that can be had again?
    #[must_use]
    pub fn is_deterministic(&self) -> bool {
        self.program.options().deterministic || self.program.is_deterministic()
    }

    /// The program's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is scheduled, in the words of the command line.
    #[must_use]
    pub fn schedule(&self) -> String {
        if let Some(search) = &self.program.options().search {
            return format!("--strategy dfs:{}", search.preemptions());
        }
        let schedule = self.program.options().schedule;
        format!(
            "--deterministic={} --seed {}",
            schedule.scheduler, schedule.seed
        )
    }

    /// Runs it deterministically, as the options it was loaded with say; output goes out if
    /// `shown`.
    #[must_use]
    pub fn record(&self, entry: &Entry, arguments: Vec<String>, shown: bool) -> Run {
        let seed = self.program.options().seed;
        let world = Arc::new(World::asking(&self.path, arguments, seed, shown));
        let faults = match self.program.options().schedule.injection {
            None => 0,
            Some(injection) => 1 + u64::from(injection.polls),
        };
        self.run(entry, world, faults, |_| {})
    }

    /// Runs it as a trace says; where that cannot be, first in, first out. With `live`, what comes
    /// from outside is asked for again.
    #[must_use]
    pub fn replay(&self, trace: &Trace, entry: &Entry, live: bool) -> Run {
        self.replay_in(trace, entry, live, Arc::new(self.world(trace, live)))
    }

    fn world(&self, trace: &Trace, live: bool) -> World {
        let seed = trace.settings.seed;
        let arguments = trace.program.arguments.clone();
        match live {
            true => World::asking(&self.path, arguments, seed, false),
            false => World::answering(&self.path, arguments, seed, &trace.inputs),
        }
    }

    /// As [`Runner::replay`] of what the trace holds, for at most so long.
    #[must_use]
    pub fn replay_within(&self, trace: &Trace, entry: &Entry, patience: Duration) -> Limited {
        let world = Arc::new(self.world(trace, false));
        let (sender, receiver) = mpsc::channel();
        let (runner, its) = (self.clone(), Arc::clone(&world));
        let (trace, entry) = (trace.clone(), entry.clone());
        std::thread::spawn(move || {
            // The receiver has gone when this was taken to be stuck.
            let _ = sender.send(runner.replay_in(&trace, &entry, false, its));
        });
        if let Ok(run) = receiver.recv_timeout(patience) {
            return Limited::Ended(Box::new(run));
        }
        world.interrupt();
        match receiver.recv_timeout(GRACE) {
            Ok(_) => Limited::Endless,
            Err(_) => Limited::Stuck,
        }
    }

    fn replay_in(&self, trace: &Trace, entry: &Entry, live: bool, world: Arc<World>) -> Run {
        let settings = &trace.settings;
        let chosen = trace.deviations.iter().filter_map(Named::deviation);
        let script = Script::new(chosen.collect(), settings.fault_points());
        let mut run = self.run(entry, world, settings.faults, |options| {
            options.seed = settings.seed;
            options.virtual_clock = Some(settings.virtual_clock);
            options.max_memory = settings.max_memory;
            if let Ok(bytes @ 1..) = usize::try_from(settings.max_stack) {
                options.max_stack = bytes;
            }
            options.script = Some(Arc::clone(&script));
        });
        let named = |list: &[Deviation]| -> Vec<Named> {
            let of = |d: &Deviation| trace.deviations.iter().find(|n| n.deviation() == Some(*d));
            list.iter().filter_map(of).cloned().collect()
        };
        let (missed, absent) = script.missed();
        (run.missed, run.absent) = (named(&missed), named(&absent));
        if !live {
            run.trace.inputs.clone_from(&trace.inputs);
        }
        run.trace.history.clone_from(&trace.history);
        run
    }

    fn run(
        &self,
        entry: &Entry,
        world: Arc<World>,
        faults: u64,
        change: impl FnOnce(&mut Options),
    ) -> Run {
        let tape = Tape::default();
        let program = self.program.with(|options| {
            options.deterministic = true;
            options.trace_log = true;
            options.tape = Some(tape.clone());
            change(options);
        });
        let ended = match entry {
            None => program.run(world.clone()),
            Some((test, _)) => program.run_test(*test, world.clone()),
        };
        if let (None, End::Value(Some(text))) = (entry, &ended.end) {
            // As at any end of a program: output that cannot be written is nobody's any more.
            let _ = world.write(Stream::Out, &format!("{text}\n"));
        }
        world.flush();
        world.ended();
        let options = program.options();
        let log = ended.trace_log.clone().unwrap_or_default();
        let output = world.take_output();
        let sum = |bytes: &[u8]| (bytes.len() as u64, digest(bytes));
        let trace = Trace {
            program: ProgramId {
                path: relative(&self.path),
                functions: self.functions.to_vec(),
                test: entry.as_ref().map(|(_, name)| name.clone()),
                arguments: world.arguments().to_vec(),
            },
            settings: RunSettings {
                seed: options.seed,
                virtual_clock: program.has_virtual_clock(),
                max_memory: options.max_memory,
                max_stack: options.max_stack as u64,
                faults,
            },
            deviations: tape
                .take()
                .iter()
                .map(|d| Named::of(d, &log.paths))
                .collect(),
            inputs: world.take_inputs(),
            output: [sum(&output[0]), sum(&output[1])],
            log: log_of(&log, ended.trace_hash.unwrap_or(0)),
            end: ending(&ended),
            history: Vec::new(),
        };
        Run {
            trace,
            output,
            ended,
            stopped: world.stopped(),
            unanswered: world.unanswered(),
            missed: Vec::new(),
            absent: Vec::new(),
        }
    }
}
