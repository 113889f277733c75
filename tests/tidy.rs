//! Style as a test: sizes, headers, crate arrows, notes beside `unsafe`.

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;

/// Which crate of the house may name which.
const ARROWS: &[(&str, &[&str])] = &[
    ("bytecode", &[]),
    ("runtime", &[]),
    ("compiler", &["lumen-bytecode"]),
    ("stdlib", &["lumen-runtime"]),
    ("vm", &["lumen-bytecode", "lumen-runtime", "lumen-stdlib"]),
];

/// Tables whose rows are one line each, however wide.
const WIDE_FILES: &[&str] = &[
    "bytecode/src/ops.rs",
    "runtime/src/sched/state.rs",
    "vm/src/interp/dispatch.rs",
];

/// Functions that are longer than [`FUNCTION_LINES_MAX`]: file and name. The list may only shrink.
const LONG_FUNCTIONS: &[(&str, &str)] = &[];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files of the house, as path from the root and text.
fn rust_files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(root(), &mut files);
    assert!(
        files.len() > 20,
        "the files are not where they are looked for"
    );
    files
}

fn collect(folder: &Path, files: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // Neither what is built nor what tools keep in hidden folders.
            if name != "target" && !name.starts_with('.') {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path
                .strip_prefix(root())
                .unwrap_or(&path)
                .display()
                .to_string();
            files.push((name, fs::read_to_string(&path).expect("readable source")));
        }
    }
}

/// Fails with all complaints at once.
fn report(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn files_are_short_narrow_and_introduce_themselves() {
    let mut complaints = Vec::new();
    for (name, text) in rust_files() {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            complaints.push(format!("{name}: {lines} lines, at most {FILE_LINES_MAX}"));
        }
        if !text.starts_with("//!") {
            complaints.push(format!("{name}: begins without `//!`"));
        }
        for (at, line) in text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS_MAX && !WIDE_FILES.contains(&name.as_str()) {
                complaints.push(format!("{name}:{}: {columns} columns", at + 1));
            }
        }
    }
    report(complaints);
}

#[test]
fn functions_are_short() {
    let mut complaints = Vec::new();
    let mut excused: Vec<(&str, &str)> = LONG_FUNCTIONS.to_vec();
    for (file, text) in rust_files() {
        // A test may go through a long table of cases.
        if file.contains("tests/") || file.ends_with("tests.rs") {
            continue;
        }
        for (name, line, length) in functions(&text) {
            if length <= FUNCTION_LINES_MAX {
                continue;
            }
            match excused.iter().position(|(f, n)| *f == file && *n == name) {
                Some(at) => drop(excused.remove(at)),
                None => complaints.push(format!("{file}:{line}: `{name}` has {length} lines")),
            }
        }
    }
    for (file, name) in excused {
        complaints.push(format!(
            "{file}: `{name}` is short now: take it off the list"
        ));
    }
    report(complaints);
}

/// Name, first line and length of each function with a block; relies on rustfmt's indentation.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let closing = format!("{}}}", " ".repeat(indent));
        let body = lines[at..]
            .iter()
            .take_while(|l| !l.trim_end().ends_with(';'));
        if !body.clone().any(|l| l.trim_end().ends_with('{')) {
            continue;
        }
        if let Some(length) = lines[at..].iter().position(|l| *l == closing) {
            found.push((name, at + 1, length + 1));
        }
    }
    found
}

/// The name, if `line` begins a function.
fn function_name(line: &str) -> Option<String> {
    let mut words = line.trim_start();
    if words.starts_with("//") {
        return None;
    }
    loop {
        let (word, rest) = words.split_once(' ')?;
        match word {
            "fn" => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
                return Some(rest[..end].to_string());
            }
            "const" | "unsafe" | "async" | "extern" | "\"C\"" | "\"sysv64\"" => words = rest,
            word if word.starts_with("pub") => words = rest,
            _ => return None,
        }
    }
}

#[test]
fn crates_name_only_those_below_them() {
    let mut complaints = Vec::new();
    for (folder, allowed) in ARROWS {
        let manifest = root().join(folder).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("each crate has a manifest");
        let mut section = "";
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                section = line;
            }
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or("");
            if section != "[dependencies]" || !dependency.starts_with("lumen-") {
                continue;
            }
            if !allowed.contains(&dependency) {
                complaints.push(format!("{folder} must not depend on {dependency}"));
            }
        }
    }
    report(complaints);
}

#[test]
fn the_front_door_and_the_contract_are_safe_rust() {
    for file in ["bytecode/src/lib.rs", "src/lib.rs"] {
        let text = fs::read_to_string(root().join(file)).expect("readable source");
        assert!(
            text.contains("#![forbid(unsafe_code)]"),
            "{file} forbids unsafe code"
        );
    }
    for (file, text) in rust_files() {
        if file.starts_with("compiler/") {
            assert!(
                !text.contains("unsafe {"),
                "{file}: the compiler is safe Rust"
            );
        }
    }
}

#[test]
fn every_unsafe_block_says_why_it_is_sound() {
    let mut complaints = Vec::new();
    for (file, text) in rust_files() {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            let is_unsafe =
                code.contains("unsafe {") || code.trim_start().starts_with("unsafe impl");
            if is_unsafe && !file.ends_with("tidy.rs") && !has_safety_note(&lines, at) {
                complaints.push(format!("{file}:{}: `unsafe` without `// SAFETY:`", at + 1));
            }
        }
    }
    report(complaints);
}

/// Whether a SAFETY note stands in the lines right above `at`, or on it: above the statement that
/// holds the block, which may begin some lines before.
fn has_safety_note(lines: &[&str], at: usize) -> bool {
    if lines[at].contains("SAFETY:") {
        return true;
    }
    let mut statement_lines = 0;
    for line in lines[..at].iter().rev() {
        let line = line.trim_start();
        if line.contains("SAFETY:") {
            return true;
        }
        if !line.starts_with("//") && !line.starts_with("#[") {
            statement_lines += 1;
        }
        if statement_lines > 6 {
            return false;
        }
    }
    false
}

#[test]
fn nothing_is_left_for_later() {
    let mut complaints = Vec::new();
    // Put together here so that this file does not complain about itself.
    let marks = ["TO", "FIX"].map(|a| format!("{a}{}", if a == "TO" { "DO" } else { "ME" }));
    let stubs = ["todo", "unimplemented"].map(|name| format!("{name}!("));
    for (file, text) in rust_files() {
        for (at, line) in text.lines().enumerate() {
            for word in marks.iter().chain(&stubs) {
                if line.contains(word.as_str()) {
                    complaints.push(format!("{file}:{}: {word}", at + 1));
                }
            }
        }
    }
    report(complaints);
}
