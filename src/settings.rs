//! How programs are run: the options that `lumen run` and `lumen test` share.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use lumen_runtime::sched::policy::inject::Injection;
use lumen_runtime::sched::policy::{Schedule, Scheduler};
use lumen_vm::{JitMode, Options};

use crate::{Exit, report};

/// The options, as given.
#[derive(Clone, Debug)]
pub struct Settings {
    workers: Option<usize>,
    scheduler: Option<Scheduler>,
    injection: Option<Injection>,
    delays: Option<u64>,
    seed: Option<u64>,
    virtual_clock: Option<bool>,
    max_memory_mb: Option<u64>,
    max_stack_mb: Option<usize>,
    jit: JitMode,
    jit_threshold: Option<u32>,
    perf_map: bool,
}

/// Adds the options to a command.
pub fn arguments(command: Command) -> Command {
    let command = command
        .next_help_heading("How it runs")
        .arg(
            Arg::new("workers")
                .long("workers")
                .value_name("N")
                .value_parser(value_parser!(u16).range(1..=1024))
                .help("Threads that run fibers [default: LUMEN_WORKERS, else one per core]"),
        )
        .arg(
            Arg::new("deterministic")
                .long("deterministic")
                .value_name("ORDER")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("fifo")
                .value_parser(value_parser!(Scheduler))
                .help("One fiber at a time in an order that --seed repeats, with the virtual clock")
                .long_help(
                    "One fiber at a time in an order that --seed repeats, with the virtual clock. \
                     ORDER is fifo; random; pos, random priorities of operations; delay:N, fifo \
                     but for N places; or pct:N, random priorities of tasks with N - 1 changes",
                ),
        )
        .arg(
            Arg::new("seed")
                .long("seed")
                .value_name("S")
                .value_parser(value_parser!(u64))
                .help("Seed of `random` and the like [default: 0 if deterministic, else chance]"),
        )
        .arg(
            Arg::new("clock")
                .long("clock")
                .value_name("CLOCK")
                .value_parser(["real", "virtual"])
                .help("`virtual`: time moves only when every fiber waits [default: the program's]"),
        )
        .arg(
            Arg::new("max-memory")
                .long("max-memory")
                .value_name("MB")
                .value_parser(value_parser!(u64).range(1..=1 << 30))
                .help("Values may take this much memory; beyond it `Memory` failures are raised"),
        )
        .arg(
            Arg::new("max-stack")
                .long("max-stack")
                .value_name("MB")
                .value_parser(value_parser!(u64).range(1..=1 << 20))
                .help("The calls of one fiber may take this much; beyond it is `stack overflow`"),
        );
    test_arguments(command)
}

/// Options that make a run worse than any real one.
fn test_arguments(command: Command) -> Command {
    command
        .next_help_heading("To test with")
        .arg(
            Arg::new("inject")
                .long("inject")
                .value_name("FAULT@N")
                .requires("deterministic")
                .value_parser(value_parser!(Injection))
                .help("cancel@N, fail@N, delay@N: puts a fault at the Nth scheduling point"),
        )
        .arg(
            Arg::new("delays")
                .long("delays")
                .value_name("S")
                .conflicts_with("deterministic")
                .value_parser(value_parser!(u64))
                .help("Random pauses in the scheduler, to bring races out; S is their seed"),
        )
        .next_help_heading("Native code")
        .args(jit_arguments())
        .next_help_heading(None::<&str>)
}

/// `--jit WHEN`.
pub fn jit_argument() -> Arg {
    Arg::new("jit")
        .long("jit")
        .value_name("WHEN")
        .value_parser(JitMode::NAMES.map(|(name, _)| name))
        .help(
            "When cells become native code: `auto` when they are hot, beside the program; \
             `always` at their first call [default: LUMEN_JIT, else auto]",
        )
}

/// The options about native code.
fn jit_arguments() -> [Arg; 3] {
    [
        jit_argument(),
        Arg::new("jit-threshold")
            .long("jit-threshold")
            .value_name("N")
            .value_parser(value_parser!(u32).range(1..))
            .help("This many calls make a cell hot for `auto`; 16 rounds of a loop are one call"),
        Arg::new("perf-map")
            .long("perf-map")
            .action(ArgAction::SetTrue)
            .help("Writes /tmp/perf-PID.map, with which `perf report` names native cells"),
    ]
}

/// When code becomes native: as the command line says, or else the environment.
///
/// # Errors
/// As [`Settings::of`].
pub fn jit_mode(command: &str, matches: &ArgMatches) -> Result<JitMode, Exit> {
    let given = matches.get_one::<String>("jit").cloned();
    let environment = || {
        std::env::var("LUMEN_JIT")
            .ok()
            .filter(|text| !text.is_empty())
    };
    let mode = match given.or_else(environment) {
        None => JitMode::Auto,
        Some(name) => JitMode::from_name(&name).ok_or_else(|| {
            let message = format!("LUMEN_JIT is `{name}`; expected off, auto or always");
            report::complain(command, &message);
            Exit::Usage
        })?,
    };
    if mode == JitMode::Always {
        need_jit(command)?;
    }
    Ok(mode)
}

/// Whether this build can make native code.
pub const HAS_JIT: bool = cfg!(feature = "jit");

/// Refuses what needs native code in a build that makes none.
///
/// # Errors
/// [`Exit::Usage`] in such a build; it has been said.
pub fn need_jit(command: &str) -> Result<(), Exit> {
    if HAS_JIT {
        return Ok(());
    }
    let message = "this build makes no native code: it was built without the feature `jit`";
    report::complain(command, message);
    Err(Exit::Usage)
}

impl Settings {
    /// What the command line, and for some things the environment, says.
    ///
    /// # Errors
    /// [`Exit::Usage`] when the environment is wrong, or asks for what this build has not; it has
    /// been said.
    pub fn of(command: &str, matches: &ArgMatches) -> Result<Settings, Exit> {
        Ok(Settings {
            workers: workers(command, matches)?,
            scheduler: matches.get_one::<Scheduler>("deterministic").copied(),
            injection: matches.get_one::<Injection>("inject").copied(),
            delays: matches.get_one::<u64>("delays").copied(),
            seed: matches.get_one::<u64>("seed").copied(),
            virtual_clock: matches
                .get_one::<String>("clock")
                .map(|clock| clock == "virtual"),
            max_memory_mb: matches.get_one::<u64>("max-memory").copied(),
            max_stack_mb: matches
                .get_one::<u64>("max-stack")
                .map(|mb| usize::try_from(*mb).unwrap_or(usize::MAX >> 20)),
            jit: jit_mode(command, matches)?,
            jit_threshold: matches.get_one::<u32>("jit-threshold").copied(),
            perf_map: matches.get_flag("perf-map"),
        })
    }

    /// When code becomes native.
    pub fn jit(&self) -> JitMode {
        self.jit
    }

    /// How many threads run fibers.
    pub fn workers(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.workers.unwrap_or_else(cores)
    }

    /// The seed of what is random in the host: `None` is the system's chance.
    pub fn chance_seed(&self) -> Option<u64> {
        if self.scheduler.is_some() {
            Some(self.seed.unwrap_or(0))
        } else {
            self.seed
        }
    }

    /// The same, for the machine.
    pub fn options(&self) -> Options {
        let defaults = Options::default();
        Options {
            workers: self.workers(),
            deterministic: self.scheduler.is_some(),
            schedule: Schedule {
                scheduler: self.scheduler.unwrap_or_default(),
                seed: self.seed.unwrap_or(0),
                injection: self.injection,
                ..Schedule::default()
            },
            delays: self.delays,
            seed: self.seed.unwrap_or(0),
            virtual_clock: self.virtual_clock,
            max_memory: self.max_memory_mb.map(|mb| mb << 20),
            max_stack: self.max_stack_mb.map_or(defaults.max_stack, |mb| mb << 20),
            jit: self.jit,
            jit_threshold: self.jit_threshold.unwrap_or(defaults.jit_threshold),
            perf_map: self.perf_map,
            ..defaults
        }
    }
}

/// The number of workers that was asked for, by option or environment.
fn workers(command: &str, matches: &ArgMatches) -> Result<Option<usize>, Exit> {
    if let Some(n) = matches.get_one::<u16>("workers") {
        return Ok(Some(usize::from(*n)));
    }
    let given = std::env::var("LUMEN_WORKERS").ok();
    let Some(text) = given.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(n) if (1..=1024).contains(&n) => Ok(Some(n)),
        _ => {
            let message = format!("LUMEN_WORKERS is `{text}`; expected a number from 1 to 1024");
            report::complain(command, &message);
            Err(Exit::Usage)
        }
    }
}
