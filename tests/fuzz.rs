//! Bounded fuzzing of whole stages, from a fixed seed: changed golden programs through the whole
//! compiler, and changed bytecode, once the verifier lets it pass, through the machine. Whatever
//! comes out, it is a diagnostic or a failure, never a panic, a signal or a hang.
//!
//! `LUMEN_FUZZ_ROUNDS=N` multiplies the work, `LUMEN_FUZZ_SEED=N` starts elsewhere.

#[path = "support/process.rs"]
mod process;
#[path = "support/random.rs"]
mod random;
mod support;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lumen::pipeline::check_text;
use lumen_bytecode::code::{Op, get_raw, set_raw};
use lumen_bytecode::{Module, file, verify};
use process::execute_for;
use random::{Random, setting};
use support::programs;

/// A changed program that runs longer is taken to be one without end.
const LONG_ENOUGH: Duration = Duration::from_secs(10);

/// The texts of all golden programs that are one file.
fn corpus() -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for folder in ["run", "trap", "ui"] {
        for program in programs(folder).into_iter().filter(|p| p.files.len() == 1) {
            if let Ok(text) = fs::read_to_string(&program.main)
                && program.name.ends_with(".lm")
            {
                texts.push((program.name, text));
            }
        }
    }
    texts
}

/// Compiles as the commands do, on a stack as large as theirs.
fn compile(text: &str) -> Option<Module> {
    let (sources, mut diagnostics, program) = check_text("fuzz.lm", text);
    let program = program?;
    let module = lumen_compiler::generate(program, &sources, &mut diagnostics);
    (!diagnostics.has_errors()).then_some(module)
}

/// Takes lines, words and characters out, doubles them, swaps them, or takes them from elsewhere.
fn change_text(random: &mut Random, text: &str, other: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..=random.below(3) {
        if lines.is_empty() {
            break;
        }
        let at = random.below(lines.len());
        match random.below(6) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => {
                let with = random.below(lines.len());
                lines.swap(at, with);
            }
            3 => {
                let from: Vec<&str> = other.lines().collect();
                lines[at] = from
                    .get(random.below(from.len()))
                    .unwrap_or(&"")
                    .to_string();
            }
            4 => {
                let mut words: Vec<&str> = lines[at].split(' ').collect();
                let word = random.below(words.len());
                words.remove(word);
                lines[at] = words.join(" ");
            }
            _ => {
                let mut chars: Vec<char> = lines[at].chars().collect();
                let place = random.below(chars.len() + 1);
                let marks = [
                    '(', ')', '[', '"', '{', '}', '.', ',', '?', '!', '1', 'x', '\n',
                ];
                chars.insert(place, marks[random.below(marks.len())]);
                lines[at] = chars.into_iter().collect();
            }
        }
    }
    lines.join("\n")
}

#[test]
fn changed_programs_are_compiled_or_refused() {
    let rounds = 400 * setting("LUMEN_FUZZ_ROUNDS", 1);
    let work = move || {
        let corpus = corpus();
        let mut random = Random::new(setting("LUMEN_FUZZ_SEED", 1));
        for _ in 0..rounds {
            let (name, text) = &corpus[random.below(corpus.len())];
            let other = &corpus[random.below(corpus.len())].1;
            let changed = change_text(&mut random, text, other);
            let outcome = catch_unwind(AssertUnwindSafe(|| compile(&changed)));
            let Ok(module) = outcome else {
                panic!("from {name}:\n{changed}")
            };
            if let Some(Err(errors)) = module.as_ref().map(verify::verify) {
                panic!("from {name}: the verifier refuses {}\n{changed}", errors[0]);
            }
        }
    };
    let thread = std::thread::Builder::new()
        .stack_size(256 << 20)
        .spawn(work);
    thread.expect("a thread").join().expect("no panic");
}

/// Changes some operands and ops of some functions.
fn change_code(random: &mut Random, module: &mut Module) {
    for _ in 0..=random.below(3) {
        let f = random.below(module.functions.len());
        let code = &mut module.functions[f].code;
        let mut starts = Vec::new();
        let mut pc = 0;
        while pc < code.len() {
            starts.push(pc);
            pc += Op::from_word(code[pc]).map_or(1, Op::word_count);
        }
        let Some(&pc) = starts.get(random.below(starts.len())) else {
            continue;
        };
        let Some(op) = Op::from_word(code[pc]) else {
            continue;
        };
        let operands = op.def().operands;
        if operands.is_empty() || random.below(4) == 0 {
            code[pc] = code[pc] & !0xffff | (random.next() % 160);
            continue;
        }
        let operand = operands[random.below(operands.len())];
        let lanes = operand.kind.lanes();
        let old = get_raw(&code[pc..], operand.lane, lanes);
        let near = old.wrapping_add(random.below(5) as u32).wrapping_sub(2);
        let end = pc + op.word_count();
        if end > code.len() {
            continue;
        }
        set_raw(&mut code[pc..end], operand.lane, lanes, near);
    }
}

#[test]
fn changed_bytecode_that_passes_the_verifier_does_not_crash() {
    let rounds = 1500 * setting("LUMEN_FUZZ_ROUNDS", 1);
    let corpus: Vec<(String, String)> = corpus()
        .into_iter()
        .filter(|(name, _)| name.starts_with("run/"))
        .collect();
    let mut random = Random::new(setting("LUMEN_FUZZ_SEED", 1));
    let mut ran = 0;
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz.lbc");
    let mut module = None;
    for round in 0..rounds {
        if round % 25 == 0 {
            module = compile(&corpus[random.below(corpus.len())].1);
        }
        let Some(mut changed) = module.clone() else {
            continue;
        };
        change_code(&mut random, &mut changed);
        if Some(&changed) == module.as_ref() || verify::verify(&changed).is_err() {
            continue;
        }
        fs::write(&path, file::encode(&changed)).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lumen"));
        command
            .args(["run", "--max-memory", "200", "--workers", "1"])
            .arg(&path);
        // A loop without end is no crash.
        if let Ok(ended) = execute_for("fuzz", command, LONG_ENOUGH) {
            ran += 1;
            let code = ended.status.code();
            let sound = code.is_some() && !ended.stderr.contains("panicked");
            if !sound {
                let kept = path.with_extension(format!("{round}.lbc"));
                let _ = fs::copy(&path, &kept);
                panic!("{}: {}\n{}", kept.display(), ended.status, ended.stderr);
            }
        }
    }
    assert!(ran > 0, "no changed module passed the verifier");
}
