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
