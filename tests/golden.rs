//! The golden programs: each folder's programs do what their comments say (see `support`).

#[path = "support/process.rs"]
mod process;
mod support;

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use lumen::pipeline::Session;
use lumen::report::ErrorFormat;
use lumen_compiler::diag::{Code, Diagnostic, example};
use lumen_compiler::source::SourceMap;
use process::{Ended, execute};
use support::{Expectation, Kind, Program, programs};

/// How every program is run.
const ALWAYS: &str = "--workers 4 --jit off";

/// Deterministic runs, which all have one trace hash: every program runs in native code.
const DETERMINISTIC: &[&str] = &["--jit off", "--jit always"];

/// More ways: every program is run in one of them, in turn, and with `LUMEN_GOLDEN_ALL` in all.
const MORE: &[&str] = &[
    "--workers 1 --jit always",
    "--workers 4 --jit auto --jit-threshold 1",
    "--workers 4 --jit always",
    "--workers 1 --jit auto --jit-threshold 1",
    "--workers 1 --jit off",
];

/// Whether this build can run programs in a way.
fn possible(mode: &str) -> bool {
    cfg!(feature = "jit") || !mode.contains("always")
}

/// A program with this line is not run deterministically: it wants a second thread, or a loop to
/// be preempted.
const PARALLEL: &str = "# parallel only";

#[test]
fn run() {
    check_all("run", run_program);
}

#[test]
fn trap() {
    check_all("trap", run_program);
}

#[test]
fn ui() {
    check_all("ui", refuse_program);
}

/// Checks every program of a folder, two at a time, and fails with everything that is wrong.
fn check_all(folder: &str, check: fn(&Program) -> Result<(), String>) {
    let programs = programs(folder);
    let next = AtomicUsize::new(0);
    let complaints = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(complaint) = check(program) {
                        let complaint = format!("== {}\n{complaint}", program.name);
                        complaints
                            .lock()
                            .expect("no checker panics")
                            .push(complaint);
                    }
                }
            });
        }
    });
    let mut complaints = complaints.into_inner().expect("no checker panics");
    complaints.sort();
    let (wrong, all) = (complaints.len(), programs.len());
    assert!(
        wrong == 0,
        "{wrong} of {all} programs\n{}",
        complaints.join("\n")
    );
}

/// The machine under test: `LUMEN_GOLDEN_BIN` names another than the one just built, such as the
/// release build, whose interpreter is threaded.
fn executable() -> PathBuf {
    let given = std::env::var_os("LUMEN_GOLDEN_BIN").map(PathBuf::from);
    given.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_lumen")))
}

/// The way in native code of programs that are not run deterministically.
const PARALLEL_NATIVE: &str = "--workers 4 --jit always";

/// Runs a program in all modes that are its own: each at least once in native code.
fn run_program(program: &Program) -> Result<(), String> {
    let text = std::fs::read_to_string(&program.main).map_err(|e| e.to_string())?;
    let parallel = text.lines().any(|line| line == PARALLEL);
    run_in(program, ALWAYS)?;
    let turn = program.name.bytes().map(usize::from).sum::<usize>() % MORE.len();
    let all = std::env::var_os("LUMEN_GOLDEN_ALL").is_some();
    for (n, mode) in MORE.iter().enumerate() {
        if (all || n == turn) && possible(mode) {
            run_in(program, mode)?;
        }
    }
    if parallel && possible(PARALLEL_NATIVE) {
        return run_in(program, PARALLEL_NATIVE).map(drop);
    }
    let mut hashes = Vec::new();
    for mode in DETERMINISTIC
        .iter()
        .filter(|mode| !parallel && possible(mode))
    {
        let mode = format!("--deterministic --trace-hash {mode}");
        let ended = run_in(program, &mode)?;
        let hash = ended
            .stderr
            .lines()
            .find(|line| line.starts_with("trace hash"));
        hashes.push(hash.map(str::to_owned));
    }
    match hashes.iter().all(|hash| *hash == hashes[0]) {
        true => Ok(()),
        false => Err(format!("not one trace hash: {hashes:?}")),
    }
}

/// Runs a program in one mode, and compares what it does with what it expects.
fn run_in(program: &Program, mode: &str) -> Result<Ended, String> {
    let mut command = Command::new(executable());
    command.arg("run").args(mode.split(' ')).arg(&program.main);
    let ended = execute(&program.name, command)?;
    judge(program, &ended).map_err(|why| format!("{mode}: {why}"))?;
    Ok(ended)
}

/// Compares what a program did with what it expects.
fn judge(program: &Program, ended: &Ended) -> Result<(), String> {
    let expected: Vec<&str> = program
        .expectations
        .iter()
        .filter_map(|e| match &e.kind {
            Kind::Output(text) => Some(text.trim_end()),
            _ => None,
        })
        .collect();
    let printed: Vec<&str> = ended.stdout.lines().map(str::trim_end).collect();
    let end = program
        .expectations
        .iter()
        .find(|e| matches!(e.kind, Kind::Fails { .. } | Kind::Exits(_)));
    let wanted_code = match end.map(|e| &e.kind) {
        None => 0,
        Some(Kind::Exits(code)) => *code,
        Some(_) => 1,
    };
    let first_errors = || {
        ended
            .stderr
            .lines()
            .take(12)
            .collect::<Vec<_>>()
            .join("\n  ")
    };
    if ended.status.code() != Some(wanted_code) {
        return Err(format!(
            "{}, not {wanted_code}\n  {}",
            ended.status,
            first_errors()
        ));
    }
    if printed != expected {
        let at = printed
            .iter()
            .zip(&expected)
            .take_while(|(a, b)| a == b)
            .count();
        return Err(format!(
            "line {} of stdout is {:?}, not {:?}\n  {}",
            at + 1,
            printed.get(at),
            expected.get(at),
            first_errors()
        ));
    }
    match end {
        Some(end) => judge_failure(end, &ended.stderr),
        None => Ok(()),
    }
}

/// Looks for the expected failure in the report on stderr.
fn judge_failure(end: &Expectation, stderr: &str) -> Result<(), String> {
    let Kind::Fails { kind, text } = &end.kind else {
        return Ok(());
    };
    let complain = |what: &str| {
        Err(format!(
            "{what}; stderr:\n  {}",
            stderr.replace('\n', "\n  ")
        ))
    };
    if !stderr.contains(text.as_str()) {
        return complain(&format!("the report has no `{text}`"));
    }
    if let Some(kind) = kind.as_ref().filter(|kind| *kind != "Halt")
        && !stderr.contains(&format!("kind: {kind}\n"))
    {
        return complain(&format!("the failure is not of kind {kind}"));
    }
    if end.alone {
        return Ok(());
    }
    let name = end
        .file
        .file_name()
        .map(|n| n.to_string_lossy())
        .unwrap_or_default();
    let place = format!("{name}:{}:", end.line);
    if kind.as_deref() != Some("Halt") && !stderr.contains(&place) {
        return complain(&format!("the report does not name {place}"));
    }
    Ok(())
}

/// Checks a program that must be refused, or warned about.
fn refuse_program(program: &Program) -> Result<(), String> {
    let mut session = Session::new("golden", &program.main, ErrorFormat::Human);
    if session.check().is_err() && session.diagnostics.iter().next().is_none() {
        return Err("cannot be read".into());
    }
    let mut left: Vec<&Expectation> = program.expectations.iter().collect();
    let mut complaints = Vec::new();
    for diagnostic in session.diagnostics.iter() {
        let found = left
            .iter()
            .position(|e| fits(e, program, diagnostic, &session.sources));
        match found {
            Some(at) => drop(left.remove(at)),
            None => {
                let (file, line) = place(program, diagnostic, &session.sources);
                let (number, message) = (diagnostic.code.number(), &diagnostic.message);
                let name = file
                    .file_name()
                    .map(|n| n.to_string_lossy())
                    .unwrap_or_default();
                complaints.push(format!("  unexpected {name}:{line}: {number}: {message}"));
            }
        }
    }
    for missing in left {
        complaints.push(format!(
            "  missing, line {}: {:?}",
            missing.line, missing.kind
        ));
    }
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints.join("\n"))
    }
}

/// The file and line of a diagnostic; one without a place is about the first line.
fn place(program: &Program, diagnostic: &Diagnostic, sources: &SourceMap) -> (PathBuf, usize) {
    match &diagnostic.primary {
        None => (program.main.clone(), 1),
        Some(label) => {
            let name = sources.file(label.span.file).name();
            (
                PathBuf::from(name),
                sources.line_column(label.span).line as usize,
            )
        }
    }
}

/// Whether `diagnostic` is what `expectation` expects.
fn fits(
    expectation: &Expectation,
    program: &Program,
    diagnostic: &Diagnostic,
    sources: &SourceMap,
) -> bool {
    let Kind::Diagnostic {
        severity,
        code,
        text,
    } = &expectation.kind
    else {
        return false;
    };
    let labels = diagnostic
        .primary
        .iter()
        .chain(&diagnostic.secondary)
        .map(|l| &l.message);
    let mut texts = labels
        .chain(&diagnostic.help)
        .chain(&diagnostic.notes)
        .chain([&diagnostic.message]);
    severity == diagnostic.severity().text()
        && code
            .as_ref()
            .is_none_or(|code| code == diagnostic.code.number())
        && place(program, diagnostic, sources) == (expectation.file.clone(), expectation.line)
        && texts.any(|t| t.contains(text.as_str()))
}

/// Files that cannot be kept among the programs.
fn made_files() -> [Vec<u8>; 3] {
    let deep = format!("print({}1{})", "(".repeat(5000), ")".repeat(5000));
    [
        b"print(\"caf\xe9\")".to_vec(),
        vec![b'#'; (16 << 20) + 1],
        deep.into_bytes(),
    ]
}

/// Codes whose example is a sketch: it needs other bytes, another file, or more text.
const SKETCHED: &[Code] = &[
    Code::InvalidUtf8,
    Code::SourceTooLarge,
    Code::TooDeep,
    Code::UnterminatedFence,
    Code::ImportCycle,
    Code::CellTooLarge,
];

fn codes_of(session: &Session) -> Vec<Code> {
    session.diagnostics.iter().map(|one| one.code).collect()
}

/// Every code is produced by a program of `ui/`, and by its example.
#[test]
fn every_code_has_a_program_and_an_example() {
    if std::env::var_os("LUMEN_GOLDEN").is_some() {
        // Some programs only.
        return;
    }
    let mut seen = HashSet::new();
    for program in programs("ui") {
        let mut session = Session::new("golden", &program.main, ErrorFormat::Human);
        let _ = session.check();
        seen.extend(codes_of(&session));
    }
    let folder = std::env::temp_dir().join(format!("lumen-codes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for programs");
    let file = folder.join("example.lm");
    for bytes in made_files() {
        if let Err(refused) = SourceMap::new().add("made.lm", bytes.clone()) {
            seen.insert(refused.code);
            continue;
        }
        std::fs::write(&file, bytes).expect("the program is written");
        let mut session = Session::new("golden", &file, ErrorFormat::Human);
        let _ = session.check();
        seen.extend(codes_of(&session));
    }
    let mut wrong = Vec::new();
    for &code in Code::ALL {
        let example = example(code);
        std::fs::write(&file, example).expect("the program is written");
        let mut session = Session::new("golden", &file, ErrorFormat::Human);
        let _ = session.check();
        let found = codes_of(&session);
        let sketch = SKETCHED.contains(&code);
        if example.is_empty() || !sketch && !found.contains(&code) {
            wrong.push(format!("{}: its example gives {found:?}", code.number()));
        }
        // A cell that is too large takes a debug build a minute.
        if !seen.contains(&code) && code != Code::CellTooLarge {
            wrong.push(format!("{}: no program in tests/ui", code.number()));
        }
    }
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
