//! How programs are run: the options that `lumen run` and `lumen test` share.

use clap::{Arg, ArgMatches, Command, value_parser};
use lumen_runtime::sched::policy::inject::Injection;
use lumen_runtime::sched::policy::{Schedule, Scheduler};
use lumen_vm::Options;

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
                     ORDER is fifo; random; delay:N, fifo but for N places; or pct:N, random \
                     priorities with N - 1 changes",
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
        .next_help_heading(None::<&str>)
}

impl Settings {
    /// What the command line says.
    pub fn of(matches: &ArgMatches) -> Settings {
        Settings {
            workers: matches.get_one::<u16>("workers").map(|n| usize::from(*n)),
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
        }
    }

    /// How many threads run fibers.
    pub fn workers(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let environment = || std::env::var("LUMEN_WORKERS").ok()?.parse().ok();
        let given = self.workers.or_else(environment);
        given
            .filter(|n| (1..=1024).contains(n))
            .unwrap_or_else(cores)
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
            ..defaults
        }
    }
}
