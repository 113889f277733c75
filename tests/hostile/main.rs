//! Native code of hostile bytecode: modules that the compiler would never make but that the
//! verifier lets through do in native code what they do in the interpreter.
//!
//! What a loop proves before it starts rests on its bytecode alone, so that a wrong proof is an
//! access out of bounds. The seeds are small programs full of such loops; of each, operands,
//! constants, ops, jumps and instructions are changed at random. Each changed module runs in
//! processes of its own: a crash is seen.
//!
//! `LUMEN_FUZZ_ROUNDS=N` multiplies the work, `LUMEN_FUZZ_SEED=N` starts elsewhere,
//! `LUMEN_FUZZ_BIN=PATH` runs another `lumen` than the one of the test's own build.

#[path = "../support/process.rs"]
mod process;
#[path = "../support/random.rs"]
mod random;

mod change;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lumen::pipeline::check_text;
use lumen_bytecode::{Module, file, verify};
use process::{Ended, execute_for};
use random::{Random, setting};
use std::time::Duration;

/// A changed program that runs longer in the interpreter may be one without end.
const SHORT: Duration = Duration::from_millis(1500);
/// After this long native code hangs.
const LONG: Duration = Duration::from_secs(300);

/// Rounds of the usual run, per seed program.
const ROUNDS: u64 = 150;

fn compile(text: &str) -> Module {
    let (sources, mut diagnostics, program) = check_text("seed.lm", text);
    let program = program.expect("a correct seed");
    lumen_compiler::generate(program, &sources, &mut diagnostics)
}

fn seeds() -> Vec<(String, Module)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/seeds");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("seeds")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let name = |path: &Path| {
        path.file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into()
    };
    let read = |path: &PathBuf| fs::read_to_string(path).expect("readable seed");
    files
        .iter()
        .map(|path| (name(path), compile(&read(path))))
        .collect()
}

fn run(path: &Path, jit: &str, limit: Duration) -> Option<Ended> {
    let binary = std::env::var("LUMEN_FUZZ_BIN");
    let binary = binary.unwrap_or_else(|_| env!("CARGO_BIN_EXE_lumen").into());
    let mut command = Command::new(binary);
    command
        .args(["run", "--workers", "1", "--max-memory", "100", "--jit", jit])
        .arg(path);
    let name = format!("hostile-{}-{jit}", std::process::id());
    execute_for(&name, command, limit).ok()
}

/// Why native code is wrong about a module, if it is. None as well: the program takes too long.
fn difference(path: &Path) -> Option<String> {
    let expected = run(path, "off", SHORT)?;
    let Some(native) = run(path, "always", LONG) else {
        return Some("native code hangs".into());
    };
    // How much memory is in use where it runs out is nobody's promise.
    if expected.stderr.contains("Memory") && native.stderr.contains("Memory") {
        return None;
    }
    let same = expected.status == native.status
        && expected.stdout == native.stdout
        && expected.stderr == native.stderr
        && native.status.code().is_some()
        && !native.stderr.contains("panicked");
    (!same).then(|| {
        format!(
            "interpreter: {}\n{}{}\nnative code: {}\n{}{}",
            expected.status,
            expected.stdout,
            expected.stderr,
            native.status,
            native.stdout,
            native.stderr
        )
    })
}

#[test]
fn native_code_of_changed_bytecode_does_what_the_interpreter_does() {
    if !cfg!(feature = "jit") {
        return;
    }
    let rounds = ROUNDS * setting("LUMEN_FUZZ_ROUNDS", 1);
    let mut random = Random::new(setting("LUMEN_FUZZ_SEED", 1));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(format!("{}.lbc", std::process::id()));
    let (mut ran, mut wrong) = (0, Vec::new());
    let seeds = seeds();
    for round in 0..rounds {
        for (name, module) in &seeds {
            let mut changed = module.clone();
            change::module(&mut random, &mut changed);
            if changed == *module || verify::verify(&changed).is_err() {
                continue;
            }
            fs::write(&path, file::encode(&changed)).expect("a file");
            ran += 1;
            if let Some(why) = difference(&path) {
                let kept = folder.join(format!("{name}-{round}.lbc"));
                fs::copy(&path, &kept).expect("a copy");
                wrong.push(format!("{}\n{why}", kept.display()));
            }
        }
    }
    let _ = fs::remove_file(&path);
    assert!(wrong.is_empty(), "of {ran}:\n{}", wrong.join("\n\n"));
    assert!(
        ran as u64 > rounds / 4,
        "only {ran} changed modules passed the verifier"
    );
}
