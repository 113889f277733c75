//! `lumen test FILE|FOLDER…`: run the `test` blocks in programs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::{Arg, ArgMatches, Command, value_parser};
use lumen_vm::{End, Program};

use crate::host::Process;
use crate::pipeline::Session;
use crate::report::ErrorFormat;
use crate::settings::{self, Settings};
use crate::{Exit, disk, report};

const NAME: &str = "lumen test";

/// What the command takes.
pub fn command() -> Command {
    let command = Command::new("test")
        .about("Run the tests in programs")
        .long_about(
            "Run the `test` blocks of source files, and of those in folders and their folders. \
             Each test runs by itself, one after the other; what it prints is shown.",
        )
        .arg(
            Arg::new("PATH")
                .required(true)
                .num_args(1..)
                .value_parser(value_parser!(PathBuf))
                .help("Programs, or folders of programs"),
        )
        .arg(
            Arg::new("only")
                .long("only")
                .value_name("TEXT")
                .help("Run only tests whose name contains TEXT"),
        );
    settings::arguments(command).arg(super::error_format_argument())
}

/// Runs the tests.
pub fn run(matches: &ArgMatches) -> Exit {
    let mut files = Vec::new();
    for path in matches.get_many::<PathBuf>("PATH").unwrap_or_default() {
        if !path.is_dir() {
            files.push(path.clone());
        } else if let Err(message) = disk::sources_under(path, &mut files) {
            report::complain(NAME, &message);
            return Exit::Usage;
        }
    }
    let settings = match Settings::of(NAME, matches) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let mut run = Run {
        settings,
        format: super::error_format(matches),
        only: matches
            .get_one::<String>("only")
            .cloned()
            .unwrap_or_default(),
        passed: 0,
        failed: 0,
    };
    let start = Instant::now();
    let mut worst = Exit::Ok;
    for file in &files {
        match run.file(file) {
            // A file that does not compile says more than a test that fails.
            Err(exit) if worst.code() < exit.code() => worst = exit,
            _ => {}
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    if run.passed + run.failed > 0 || worst == Exit::Ok {
        report::output(&format!(
            "{} passed, {} failed in {seconds:.2} s\n",
            run.passed, run.failed
        ));
    }
    if run.failed > 0 && worst == Exit::Ok {
        Exit::Failed
    } else {
        worst
    }
}

struct Run {
    settings: Settings,
    format: ErrorFormat,
    only: String,
    passed: usize,
    failed: usize,
}

impl Run {
    /// Runs the tests of one file.
    fn file(&mut self, path: &Path) -> Result<(), Exit> {
        let mut session = Session::new(NAME, path, self.format);
        let module = session.module()?;
        let names: Vec<String> = module.tests.iter().map(|test| test.name.clone()).collect();
        if !names.iter().any(|name| name.contains(&self.only)) {
            return Ok(());
        }
        let program = session.load(module, self.settings.options())?;
        for (index, name) in names.iter().enumerate() {
            if name.contains(&self.only) {
                let name = format!("{}: {name}", path.display());
                self.test(&program, path, index, &name);
            }
        }
        Ok(())
    }

    fn test(&mut self, program: &Program, path: &Path, index: usize, name: &str) {
        let seed = Some(self.settings.chance_seed().unwrap_or(0));
        let process = Arc::new(Process::new(
            path,
            Vec::new(),
            self.settings.workers(),
            seed,
        ));
        let ended = program.run_test(index, process.clone());
        process.flush();
        let passed = ended.exit_code() == 0;
        match ended.end {
            End::Failed(failure) => report::error_text(&failure.render()),
            End::Exit(code) if !passed => {
                report::error_text(&format!("the test ended with exit code {code}\n"));
            }
            End::Value(_) | End::Exit(_) => {}
        }
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
        report::output(&format!(
            "{} {name}\n",
            if passed { "ok    " } else { "FAILED" }
        ));
    }
}
