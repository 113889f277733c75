//! `lumen run FILE [ARGS…]`: run a program.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use lumen_vm::{End, Ended, Options, Program};

use crate::host::Process;
use crate::pipeline::Session;
use crate::settings::{self, Settings};
use crate::trace::run::Runner;
use crate::{Exit, report, timeline, trace};

const NAME: &str = "lumen run";

/// What the command takes.
pub fn command() -> Command {
    let command = Command::new("run")
        .about("Run a program")
        .long_about(
            "Run a program: a source file (.lm, .lumen), Markdown with `lumen` fences (.lm.md, \
             .lumen.md) or bytecode (.lbc). Options stand before FILE; what stands after it is \
             for the program.",
        )
        .arg(super::file_argument("The program"))
        .arg(super::program_arguments());
    let command = settings::arguments(command).arg(super::error_format_argument());
    command
        .next_help_heading("What it shows")
        .arg(
            Arg::new("stats")
                .long("stats")
                .action(ArgAction::SetTrue)
                .help("Afterwards, on stderr: fibers, steals, parks, timers, time, native code"),
        )
        .arg(
            Arg::new("trace")
                .long("trace")
                .value_name("OUT")
                .value_parser(value_parser!(PathBuf))
                .help("Writes a timeline for Perfetto or Chrome: fibers, steals, compilations"),
        )
        .arg(
            Arg::new("record")
                .long("record")
                .value_name("OUT")
                .value_parser(value_parser!(PathBuf))
                .conflicts_with_all(["stats", "trace"])
                .help("Writes a trace of a deterministic run, for `lumen replay`"),
        )
        .arg(
            Arg::new("trace-hash")
                .long("trace-hash")
                .action(ArgAction::SetTrue)
                .requires("deterministic")
                .help("Afterwards, on stderr: a digest of everything that fibers did"),
        )
}

/// What is shown after the run.
struct Shown {
    stats: bool,
    trace: Option<PathBuf>,
    trace_hash: bool,
}

/// Runs FILE.
pub fn run(matches: &ArgMatches) -> Exit {
    let path = super::file(matches);
    let arguments: Vec<String> = super::arguments(matches);
    let shown = Shown {
        stats: matches.get_flag("stats"),
        trace: matches.get_one::<PathBuf>("trace").cloned(),
        trace_hash: matches.get_flag("trace-hash"),
    };
    let settings = match Settings::of(NAME, matches) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let options = Options {
        trace_events: shown.trace.is_some(),
        ..settings.options()
    };
    let mut session = Session::new(NAME, &path, super::error_format(matches));
    let module = match session.module() {
        Ok(module) => module,
        Err(exit) => return exit,
    };
    let functions = match matches.contains_id("record") {
        true => trace::run::functions(&module),
        false => Vec::new(),
    };
    let program = match session.load(module, options) {
        Ok(program) => program,
        Err(exit) => return exit,
    };
    if !program.has_main() {
        report::complain(
            NAME,
            &format!("{}: there is no `main` to run", path.display()),
        );
        return Exit::Bytecode;
    }
    match matches.get_one::<PathBuf>("record") {
        None => start(&program, &path, arguments, &settings, &shown),
        Some(out) => {
            let runner = Runner::new(program, &path, functions);
            record(&runner, arguments, out, shown.trace_hash)
        }
    }
}

/// Runs it and writes its trace, however it ends.
fn record(runner: &Runner, arguments: Vec<String>, out: &Path, trace_hash: bool) -> Exit {
    if !runner.is_deterministic() {
        let message = "--record needs --deterministic: runs on several workers are not recorded";
        report::complain(NAME, message);
        return Exit::Usage;
    }
    // What cannot be kept need not be run.
    let file = match std::fs::File::create(out) {
        Ok(file) => file,
        Err(why) => return unwritten(out, &why),
    };
    let run = runner.record(&None, arguments, true);
    if let End::Failed(failure) = &run.ended.end {
        report::error_text(&failure.render());
    }
    if let Some(hash) = run.ended.trace_hash.filter(|_| trace_hash) {
        report::error_text(&format!("trace hash {hash:016x}\n"));
    }
    if let Err(why) = (&file).write_all(&run.trace.encode()) {
        return unwritten(out, &why);
    }
    let code = run.trace.end.code as u8;
    run.stopped.unwrap_or(Exit::Program(code))
}

fn unwritten(out: &Path, why: &std::io::Error) -> Exit {
    report::complain(NAME, &format!("cannot write {}: {why}", out.display()));
    Exit::Usage
}

fn start(
    program: &Program,
    path: &Path,
    arguments: Vec<String>,
    settings: &Settings,
    shown: &Shown,
) -> Exit {
    let process = Arc::new(Process::new(
        path,
        arguments,
        settings.workers(),
        settings.chance_seed(),
    ));
    let begin = Instant::now();
    let ended = program.run(process.clone());
    if let Err(exit) = show(shown, &ended, begin.elapsed(), &process) {
        return exit;
    }
    let code = ended.exit_code();
    if let Some(exit) = process.stopped() {
        process.flush();
        return exit;
    }
    match ended.end {
        End::Value(Some(text)) => process.print(&format!("{text}\n")),
        End::Value(None) | End::Exit(_) => {}
        End::Failed(failure) => {
            process.flush();
            report::error_text(&failure.render());
        }
    }
    process.flush();
    if cfg!(debug_assertions) && ended.leaked != 0 {
        report::complain(
            NAME,
            &format!("internal: {} objects were left behind", ended.leaked),
        );
        return Exit::Program(70);
    }
    // The system keeps eight bits of an exit code.
    Exit::Program(code as u8)
}

/// Shows what was asked for beside the program's own output.
fn show(shown: &Shown, ended: &Ended, took: Duration, process: &Process) -> Result<(), Exit> {
    if shown.stats || shown.trace_hash {
        process.flush();
    }
    if shown.stats {
        report::error_text(&statistics(ended, took));
    }
    if shown.trace_hash
        && let Some(hash) = ended.trace_hash
    {
        report::error_text(&format!("trace hash {hash:016x}\n"));
    }
    if let Some(path) = &shown.trace
        && let Err(why) = std::fs::write(path, timeline::render(&ended.events, &ended.compilations))
    {
        return Err(unwritten(path, &why));
    }
    Ok(())
}

/// The table of `--stats`.
fn statistics(ended: &Ended, took: Duration) -> String {
    let (s, jit) = (&ended.stats, &ended.jit);
    let micros = |ns: u64| ns.div_ceil(1000);
    let rows = [
        ("fibers", s.fibers),
        ("run in place", s.in_place),
        ("steals", s.steals),
        ("parks", s.parks),
        ("yields", s.yields),
        ("preempted", s.preempted),
        ("timers", s.timers),
        ("worker sleeps", s.worker_sleeps),
        ("worker wakes", s.worker_wakes),
        ("peak stacks", s.peak_stacks),
        ("native cells", jit.functions),
        ("native loops", jit.loops),
        ("native bytes", jit.code_bytes),
        ("bytecode instructions", jit.instructions),
        ("CLIF instructions", jit.clif_instructions),
        ("microseconds compiling", micros(jit.compile_ns)),
        ("entries by calls", jit.call_entries),
        ("entries by loops (OSR)", jit.osr_entries),
        ("exits to the interpreter", jit.exits),
        (
            "microseconds",
            u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        ),
    ];
    let lines = rows
        .iter()
        .map(|(name, value)| format!("{name:>24}  {value}\n"));
    lines.collect()
}
