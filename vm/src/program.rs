//! Loading and running programs, as the front door sees it.

use std::sync::Arc;

use lumen_bytecode::Module;
use lumen_bytecode::verify::verify;
use lumen_runtime::heap::{Heap, HeapShared, OutOfMemory, TypeKind, Types, count, well_known};
use lumen_runtime::heap::{format, list, record, string, word};
use lumen_runtime::native::{Host, Native};
use lumen_runtime::sched::decide::Policy;
use lumen_runtime::sched::det::Counts;
use lumen_runtime::sched::events::Event;
use lumen_runtime::sched::policy::Schedule;
use lumen_runtime::sched::policy::dfs::Search;
use lumen_runtime::sched::policy::tape::{Record, Replay, Script, Tape};
use lumen_runtime::sched::trace_hash::TraceLog;
use lumen_runtime::{
    ClockKind, Config, Interrupt, Mode, Outcome, RunReport, Runtime, SpawnInfo, Stats,
};

use crate::backtrace::FailureReport;
pub(crate) use crate::instance::Instance;
use crate::jit::{Compilation, JitMode, JitStats};
use crate::load::image::Image;
use crate::load::{self, LoadError};
use crate::tasks::hooks::VmHooks;
use crate::tasks::payload::PAYLOAD;
use crate::tasks::{FiberBody, MainPlan, worker_heap};

/// Settings of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Worker threads; 0: one per core.
    pub workers: usize,
    /// One fiber at a time, first in, first out; also if the program says so.
    pub deterministic: bool,
    /// Seed of everything random.
    pub seed: u64,
    /// Virtual clock; `None`: as the program says, else virtual in deterministic runs.
    pub virtual_clock: Option<bool>,
    /// Limit of the heap in bytes.
    pub max_memory: Option<u64>,
    /// Limit of a fiber's frames in bytes.
    pub max_stack: usize,
    /// What `exit` does. `None`: everything is cancelled, and the run ends with the code.
    pub exit_process: Option<fn(i32) -> !>,
    /// Record what runs where and when ([`Ended::events`]).
    pub trace_events: bool,
    /// When hot code becomes native. Without the feature `jit`, `Always` is an error and `Auto`
    /// does nothing.
    pub jit: JitMode,
    /// How many calls make a function hot in [`JitMode::Auto`]; sixteen rounds of a loop count as
    /// one call.
    pub jit_threshold: u32,
    /// Write `/tmp/perf-PID.map`, so that `perf report` can name native code.
    pub perf_map: bool,
    /// How deterministic runs are scheduled.
    pub schedule: Schedule,
    /// Keep every operation of a deterministic run ([`Ended::trace_log`]).
    pub trace_log: bool,
    /// Choices of a deterministic run are written here.
    pub tape: Option<Tape>,
    /// Choices that a deterministic run makes, instead of those of `schedule`.
    pub script: Option<Arc<Script>>,
    /// The search for all orders of which a deterministic run is the next one.
    pub search: Option<Search>,
    /// Seed of random pauses in the scheduler of parallel runs.
    pub delays: Option<u64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            workers: 0,
            deterministic: false,
            seed: 0,
            virtual_clock: None,
            max_memory: None,
            max_stack: 256 << 20,
            exit_process: None,
            trace_events: false,
            jit: JitMode::Auto,
            jit_threshold: 1000,
            perf_map: false,
            schedule: Schedule::default(),
            trace_log: false,
            tape: None,
            script: None,
            search: None,
            delays: None,
        }
    }
}

impl Options {
    /// What makes the choices of a deterministic run.
    fn policy(&self) -> Box<dyn Policy> {
        let policy: Box<dyn Policy> = match (&self.script, &self.search) {
            (Some(script), _) => Box::new(Replay::new(Arc::clone(script))),
            (None, Some(search)) => Box::new(search.policy()),
            (None, None) => self.schedule.policy(),
        };
        match &self.tape {
            Some(tape) => Box::new(Record::new(policy, tape.clone())),
            None => policy,
        }
    }
}

/// How the entry function ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It returned; the value as `print` shows it, nothing if it is Null.
    Value(Option<String>),
    /// With a failure nobody caught.
    Failed(Box<FailureReport>),
    /// `exit(code)`, or `halt`.
    Exit(i32),
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The entry function's end.
    pub end: End,
    /// Failures of other tasks that nobody awaited; each has been reported.
    pub detached_failures: usize,
    /// Whether every fiber was blocked for ever at some time; that has been reported.
    pub deadlocked: bool,
    /// Objects left when everything had ended: not 0 is an error in the machine or the compiler.
    /// (Not counted after `exit` and after deadlocks, which leave fibers where they are.)
    pub leaked: i64,
    /// Digest of a deterministic run.
    pub trace_hash: Option<u64>,
    /// What a deterministic run did, if that was kept.
    pub trace_log: Option<TraceLog>,
    /// How much a deterministic run had to decide.
    pub counts: Counts,
    /// The time that fibers saw at the end, in nanoseconds.
    pub now_ns: u64,
    /// What the scheduler did.
    pub stats: Stats,
    /// What ran where and when, if that was recorded.
    pub events: Vec<Event>,
    /// What became native code so far.
    pub jit: JitStats,
    /// Each compilation, if events were recorded.
    pub compilations: Vec<Compilation>,
}

impl Ended {
    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self.end {
            End::Exit(code) => code,
            End::Value(_) if self.detached_failures == 0 && !self.deadlocked => 0,
            _ => 1,
        }
    }
}

/// A loaded program; it can be run any number of times.
#[derive(Clone, Debug)]
pub struct Program {
    image: Arc<Image>,
    options: Options,
}

impl Program {
    /// Loads a module, which has been verified or comes straight from the compiler (debug builds
    /// verify that too). `natives` come before those of the library.
    ///
    /// # Errors
    /// When a native is missing, or the module does not fit this machine.
    pub fn load(
        module: Module,
        natives: &[&[Native]],
        options: Options,
    ) -> Result<Program, LoadError> {
        if cfg!(debug_assertions) {
            Self::verify(&module)?;
        }
        if options.jit == JitMode::Always && !cfg!(feature = "jit") {
            return Err(LoadError::new("this build has no compiler of native code"));
        }
        let image = load::load(module, natives, &options)?;
        Ok(Program {
            image: Arc::new(image),
            options,
        })
    }

    /// Proves that a module from outside cannot harm the machine.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(module: &Module) -> Result<(), LoadError> {
        verify(module).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            LoadError::new(lines.join("\n"))
        })
    }

    /// The functions called `name`, or all, in the intermediate form of the compiler of native
    /// code, as text.
    ///
    /// # Errors
    /// When this build has no such compiler, or there is no such function.
    pub fn clif(&self, name: Option<&str>) -> Result<String, LoadError> {
        self.native_text(name, false)
    }

    /// The machine code of the functions called `name`, or of all, as text.
    ///
    /// # Errors
    /// As [`Program::clif`].
    pub fn asm(&self, name: Option<&str>) -> Result<String, LoadError> {
        self.native_text(name, true)
    }

    #[cfg(feature = "jit")]
    fn native_text(&self, name: Option<&str>, asm: bool) -> Result<String, LoadError> {
        let Some(jit) = &self.image.jit else {
            return Err(LoadError::new("native code is switched off"));
        };
        let missing = || LoadError::new(format!("there is no cell `{}`", name.unwrap_or("main")));
        jit.text(&self.image, name, asm).ok_or_else(missing)
    }

    #[cfg(not(feature = "jit"))]
    fn native_text(&self, _name: Option<&str>, _asm: bool) -> Result<String, LoadError> {
        Err(LoadError::new("this build has no compiler of native code"))
    }

    /// The same program, to be run otherwise. (What is hashed keeps the seed it was loaded with.)
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut Options)) -> Program {
        let mut program = self.clone();
        change(&mut program.options);
        program
    }

    /// How it is run.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether it runs on the virtual clock.
    #[must_use]
    pub fn has_virtual_clock(&self) -> bool {
        let clock = self.options.virtual_clock.or(self.image.virtual_clock);
        clock.unwrap_or(self.options.deterministic || self.image.deterministic)
    }

    /// Whether the program itself asks for the deterministic order.
    #[must_use]
    pub fn is_deterministic(&self) -> bool {
        self.image.deterministic
    }

    /// Whether there is a `main` to run.
    #[must_use]
    pub fn has_main(&self) -> bool {
        self.image.main.is_some()
    }

    /// Runs `main`, and waits for everything it started.
    #[must_use]
    pub fn run(&self, host: Arc<dyn Host + Send>) -> Ended {
        self.run_function(self.image.main.map(|f| f as usize), host)
    }

    /// Runs test number `test`.
    ///
    /// # Panics
    /// When there is no such test.
    #[must_use]
    pub fn run_test(&self, test: usize, host: Arc<dyn Host + Send>) -> Ended {
        self.run_function(Some(self.image.tests[test].func as usize), host)
    }

    fn run_function(&self, entry: Option<usize>, host: Arc<dyn Host + Send>) -> Ended {
        let Some(entry) = entry else {
            return Ended::with(End::Value(None));
        };
        let heaps = HeapShared::new(Arc::clone(&self.image.types), self.options.max_memory);
        let hooks = Arc::new(VmHooks::new(Arc::clone(&self.image), Arc::clone(&host)));
        let mut config = self.config(Arc::clone(&hooks));
        let instance = Instance::new(Arc::clone(&self.image), heaps, host, &self.options);
        // Fibers find the program by this; it stays where it is until the runtime has ended.
        config.embedder = &raw const instance as usize;
        let runtime = match Runtime::new(config) {
            Ok(runtime) => Arc::new(runtime),
            Err(why) => return Ended::with(failed("Io", &format!("cannot start threads: {why}"))),
        };
        instance.set_runtime(&runtime);
        let running = Arc::downgrade(&runtime);
        instance.host().started(Box::new(move || {
            running
                .upgrade()
                .is_some_and(|runtime| runtime.interrupt() == Interrupt::Insisted)
        }));
        let heap = worker_heap::current(instance.heap_shared());
        // SAFETY: this thread's heap, until `release` below.
        let heap = unsafe { (*heap).heap() };
        let Ok(args) = self.arguments(heap, entry, instance.host()) else {
            return Ended::with(failed("Memory", "out of memory"));
        };
        #[cfg(feature = "jit")]
        let begin = std::time::Instant::now();
        #[cfg(feature = "jit")]
        if let Some(jit) = &self.image.jit {
            jit.run_begins(&self.image);
        }
        let plan = MainPlan {
            globals: 0,
            entry,
            args,
        };
        let body = Box::new(FiberBody::main(&instance, plan));
        let report = runtime.run(body, SpawnInfo::default());
        let mut ended = Ended::with(match instance.exit_code() {
            Some(code) => {
                release(heap, report.outcome);
                End::Exit(code)
            }
            None => self.end(heap, report.outcome),
        });
        ended.note(report);
        #[cfg(feature = "jit")]
        if let Some(jit) = &self.image.jit {
            jit.run_ends();
            ended.jit = jit.stats();
            if self.options.trace_events {
                ended.compilations = jit.compilations(begin);
            }
        }
        ended.stats = runtime.stats();
        ended.events = runtime.take_events();
        drop(runtime);
        // Workers have ended: whatever they had to report has been.
        ended.detached_failures = hooks.failures();
        // SAFETY: no fiber is left.
        unsafe { instance.clear(heap) };
        worker_heap::release();
        if !ended.deadlocked && !matches!(ended.end, End::Exit(_)) {
            ended.leaked = instance.heap_shared().live_objects();
        }
        ended
    }

    fn config(&self, hooks: Arc<VmHooks>) -> Config {
        let deterministic = self.options.deterministic || self.image.deterministic;
        Config {
            workers: self.options.workers,
            mode: match deterministic {
                true => Mode::Deterministic(self.options.policy()),
                false => Mode::Parallel,
            },
            clock: match self.has_virtual_clock() {
                true => ClockKind::Virtual,
                false => ClockKind::Real,
            },
            seed: self.options.seed,
            detect_deadlock: true,
            trace_events: self.options.trace_events,
            trace_log: self.options.trace_log,
            delays: self.options.delays,
            payload: &PAYLOAD,
            hooks,
            ..Config::default()
        }
    }

    /// The arguments of the entry function: none, or the command line.
    fn arguments(
        &self,
        heap: &mut Heap,
        entry: usize,
        host: &dyn Host,
    ) -> Result<Vec<u64>, OutOfMemory> {
        if self.image.funcs[entry].params == 0 {
            return Ok(Vec::new());
        }
        let args = host.arguments();
        let mut words = list::new(heap, well_known::LIST_STRING, args.len())?;
        for arg in args {
            let text = string::new(heap, arg)?;
            // SAFETY: the list just made, and a fresh String.
            unsafe { list::push(heap, &mut words, text)? };
        }
        Ok(vec![words])
    }

    /// Reads and drops main's outcome.
    fn end(&self, heap: &mut Heap, outcome: Outcome) -> End {
        let end = match outcome {
            // SAFETY: main's result as a word.
            Outcome::Ok(value) => unsafe { self.value(value) },
            // SAFETY: a failed task's slot is an Error.
            Outcome::Failed(error) => unsafe {
                End::Failed(Box::new(FailureReport::of(&self.image, error)))
            },
            Outcome::Cancelled => failed("Cancelled", "cancelled"),
        };
        release(heap, outcome);
        end
    }

    /// What main's value means: `ok(v)` is v, `err(e)` a failure.
    unsafe fn value(&self, value: u64) -> End {
        let types = &self.image.types;
        // SAFETY: a live word; variants hold what their type says.
        unsafe {
            let (value, ty) = match result_variant(types, value) {
                Some(("err", slot, ty)) => return self.error_value(slot, ty),
                Some((_, slot, ty)) => (slot, ty),
                None => (value, well_known::ANY),
            };
            if value == word::NULL && types.repr(ty) == lumen_runtime::heap::Repr::Word {
                return End::Value(None);
            }
            End::Value(Some(format::format(types, value, ty)))
        }
    }

    unsafe fn error_value(&self, slot: u64, ty: u32) -> End {
        let types = &self.image.types;
        // SAFETY: the payload of a live variant.
        unsafe {
            if ty == well_known::ERROR {
                return End::Failed(Box::new(FailureReport::of(&self.image, slot)));
            }
            failed("Throw", &format::format(types, slot, ty))
        }
    }
}

impl Ended {
    /// What the runtime says of a run.
    fn note(&mut self, report: RunReport) {
        self.deadlocked = report.deadlock.is_some();
        self.trace_hash = report.trace_hash;
        self.trace_log = report.trace_log;
        self.counts = report.counts;
        self.now_ns = report.now;
    }

    fn with(end: End) -> Ended {
        Ended {
            end,
            detached_failures: 0,
            deadlocked: false,
            leaked: 0,
            trace_hash: None,
            trace_log: None,
            counts: Counts::default(),
            now_ns: 0,
            stats: Stats::default(),
            events: Vec::new(),
            jit: JitStats::default(),
            compilations: Vec::new(),
        }
    }
}

fn failed(kind: &str, message: &str) -> End {
    let (kind, message) = (kind.to_owned(), message.to_owned());
    End::Failed(Box::new(FailureReport {
        kind,
        message,
        ..FailureReport::default()
    }))
}

fn release(heap: &mut Heap, outcome: Outcome) {
    if let Some(word) = outcome.slot() {
        // SAFETY: the run's own copy.
        unsafe { count::drop(heap, word) };
    }
}

/// If `value` is `ok(x)` or `err(x)`: which, and x with its type.
unsafe fn result_variant(types: &Types, value: u64) -> Option<(&str, u64, u32)> {
    if !word::is_pointer(value) {
        return None;
    }
    // SAFETY: a live word.
    let ty = unsafe { word::type_of(value) };
    let TypeKind::Variant {
        owner,
        name,
        fields,
    } = types.kind(ty)
    else {
        return None;
    };
    let TypeKind::Enum { name: owner, .. } = types.kind(*owner) else {
        return None;
    };
    let field = fields.first()?;
    // SAFETY: a variant with payload.
    owner
        .starts_with("result")
        .then(|| (&**name, unsafe { record::get(value, 0) }, field.ty))
}
