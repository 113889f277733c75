//! The examples in the documents: every `lumen` fence that an `output` fence follows is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Documents with examples.
const DOCUMENTS: &[&str] = &[
    "docs/language.md",
    "docs/concurrency.md",
    "docs/tools.md",
    "README.md",
];

/// A fence and what it must print.
struct Example {
    line: usize,
    source: String,
    output: String,
}

#[test]
fn examples_in_documents_print_what_they_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("docs");
    fs::create_dir_all(&folder).expect("a folder for the examples");
    let mut complaints = Vec::new();
    for document in DOCUMENTS {
        let Ok(text) = fs::read_to_string(root.join(document)) else {
            continue;
        };
        for example in examples(&text) {
            let stem = document.replace(['/', '.'], "_");
            let file = folder.join(format!("{stem}_{}.lm", example.line));
            fs::write(&file, &example.source).expect("writable example");
            let run = Command::new(env!("CARGO_BIN_EXE_lumen"))
                .arg("run")
                .arg(&file)
                .output()
                .expect("lumen runs");
            let printed = String::from_utf8_lossy(&run.stdout);
            if printed != example.output {
                let errors = String::from_utf8_lossy(&run.stderr);
                complaints.push(format!(
                    "{document}:{}: printed\n{printed}instead of\n{}{errors}",
                    example.line, example.output
                ));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The pairs of fences in a document.
fn examples(text: &str) -> Vec<Example> {
    let mut fences: Vec<(usize, &str, String)> = Vec::new();
    let mut open: Option<(usize, &str, String)> = None;
    for (at, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(tag)) => open = Some((at + 1, tag, String::new())),
            (Some(_), Some(_)) => fences.extend(open.take()),
            (Some((_, _, body)), None) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, None) => {}
        }
    }
    let pairs = fences
        .windows(2)
        .filter(|pair| pair[0].1 == "lumen" && pair[1].1 == "output");
    pairs
        .map(|pair| Example {
            line: pair[0].0,
            source: pair[0].2.clone(),
            output: pair[1].2.clone(),
        })
        .collect()
}

#[test]
fn programs_in_examples_print_what_they_should() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let outputs = fs::read_dir(root.join("tests/examples")).expect("outputs of the examples");
    let mut complaints = Vec::new();
    for output in outputs.flatten().map(|entry| entry.path()) {
        let name = output.file_stem().map(PathBuf::from).unwrap_or_default();
        let program = root.join("examples").join(name).with_extension("lm");
        let run = Command::new(env!("CARGO_BIN_EXE_lumen"))
            .arg("run")
            .arg(&program)
            .output()
            .expect("lumen runs");
        let expected = fs::read_to_string(&output).expect("readable output");
        let printed = String::from_utf8_lossy(&run.stdout);
        if printed != expected {
            let errors = String::from_utf8_lossy(&run.stderr);
            complaints.push(format!("{}: printed\n{printed}{errors}", program.display()));
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The row of the table of limits that begins with `of` says `at_most`.
fn limit(table: &str, of: &str, at_most: u64) -> Option<String> {
    let row = table.lines().find(|line| line[2..].starts_with(of));
    let said = row
        .and_then(|row| row.split('|').nth(2))
        .unwrap_or("nothing");
    let number = said.split_whitespace().next().unwrap_or_default();
    let unit = if said.contains("MiB") { 1 << 20 } else { 1 };
    let right = number.parse::<u64>().is_ok_and(|n| n * unit == at_most);
    (!right).then(|| format!("{of}: {at_most}, not {said}"))
}

#[test]
fn the_table_of_limits_is_true() {
    use lumen_compiler::limits;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/language.md")).expect("the document");
    let begin = text.find("\n| of | at most |").expect("the table") + 1;
    let table = text[begin..].split("\n\n").next().unwrap_or_default();
    let stack = lumen_vm::Options::default().max_stack as u64;
    let complaints: Vec<String> = [
        ("a source file", limits::SOURCE_BYTES as u64),
        ("expressions,", limits::NESTING.into()),
        ("operators,", limits::CHAIN.into()),
        ("branches", limits::BRANCHES.into()),
        ("types within", limits::TYPE_NESTING.into()),
        ("type arguments", limits::INSTANCE_NESTING.into()),
        ("aliases", limits::ALIASES.into()),
        ("cells without", limits::INFERENCE.into()),
        ("defaults that", limits::DEFAULTS.into()),
        ("defaults filled", limits::DEFAULTS_TOGETHER.into()),
        ("steps", limits::MATCH_STEPS as u64),
        ("diagnostics", limits::DIAGNOSTICS as u64),
        ("registers", u16::MAX.into()),
        ("calls within", stack),
        ("length", u32::MAX.into()),
    ]
    .into_iter()
    .filter_map(|(of, at_most)| limit(table, of, at_most))
    .collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    // What the compiler explains is the same.
    let explained = lumen_compiler::diag::Code::TooDeep.explanation();
    for number in [limits::NESTING, limits::CHAIN, limits::BRANCHES] {
        assert!(explained.contains(&number.to_string()), "{explained}");
    }
}
