//! Golden programs: where they are and what they expect.
//!
//! A program is one source file, or a folder with a `main.lm` (or another ending); other folders
//! group programs. Expectations are comments:
//!
//! ```text
//! print(1 + 1)        #: expect: 2              the next line of stdout
//! let x: Int = "a"    #: error[E0301]: String   a diagnostic on this line, with this text in it
//! f(0)                #: warning[W0004]
//! print(1 / n)        #: fails[Division]: text  the program fails here, with this kind and text
//! halt("stop")        #: halts: stop            the program ends here, uncatchably, exit code 1
//! exit(7)             #: exits: 7
//! ```
//!
//! Code, kind and text may each be missing. A `fails` on a line of its own says nothing of the
//! place. A program without `fails`, `halts` or `exits` ends
//! with exit code 0.

#![allow(unreachable_pub, dead_code, reason = "part of several test crates")]

use std::fs;
use std::path::{Path, PathBuf};

use lumen::disk::{SOURCE_ENDINGS, is_source};

/// A golden program.
#[derive(Debug)]
pub struct Program {
    /// Its path from `tests/`, as in complaints.
    pub name: String,
    /// The file to compile.
    pub main: PathBuf,
    /// All its files.
    pub files: Vec<PathBuf>,
    /// What it expects, in source order, `main` first.
    pub expectations: Vec<Expectation>,
}

/// One expectation and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expectation {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// Nothing else stands on the line: a failure need not be raised there.
    pub alone: bool,
    /// What is expected.
    pub kind: Kind,
}

/// What can be expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The next line of stdout.
    Output(String),
    /// A diagnostic of this severity on the line.
    Diagnostic {
        /// `error` or `warning`.
        severity: String,
        /// Its code.
        code: Option<String>,
        /// A part of its message, labels, help or notes.
        text: String,
    },
    /// An uncaught failure raised on the line.
    Fails {
        /// Its kind.
        kind: Option<String>,
        /// A part of its message.
        text: String,
    },
    /// `exit(n)`.
    Exits(i32),
}

/// `tests/FOLDER`.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// All programs under `tests/FOLDER`, by name, that contain the text in `LUMEN_GOLDEN` if set.
pub fn programs(name: &str) -> Vec<Program> {
    let mut found = Vec::new();
    search(&folder(name), &mut found);
    assert!(!found.is_empty(), "no programs in tests/{name}");
    if let Ok(filter) = std::env::var("LUMEN_GOLDEN") {
        found.retain(|program| program.name.contains(&filter));
    }
    found
}

fn sorted_entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn search(folder: &Path, found: &mut Vec<Program>) {
    for path in sorted_entries(folder) {
        if path.is_dir() {
            match main_of(&path) {
                Some(main) => found.push(program(&path, main)),
                None => search(&path, found),
            }
        } else {
            assert!(is_source(&path), "{} is no golden program", path.display());
            found.push(program(&path, path.clone()));
        }
    }
}

fn main_of(folder: &Path) -> Option<PathBuf> {
    SOURCE_ENDINGS
        .iter()
        .map(|e| folder.join(format!("main.{e}")))
        .find(|path| path.is_file())
}

fn program(path: &Path, main: PathBuf) -> Program {
    let mut files = vec![main.clone()];
    if path.is_dir() {
        other_files(path, &main, &mut files);
    }
    let expectations = files.iter().flat_map(|file| expectations(file)).collect();
    let tests = folder("");
    let name = path
        .strip_prefix(&tests)
        .unwrap_or(path)
        .display()
        .to_string();
    Program {
        name,
        main,
        files,
        expectations,
    }
}

fn other_files(folder: &Path, main: &Path, files: &mut Vec<PathBuf>) {
    for path in sorted_entries(folder) {
        if path.is_dir() {
            other_files(&path, main, files);
        } else if path != main {
            files.push(path);
        }
    }
}

fn expectations(file: &Path) -> Vec<Expectation> {
    let text = String::from_utf8_lossy(&fs::read(file).expect("readable program")).into_owned();
    let mut list = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let Some((code, comment)) = line.split_once("#: ") else {
            continue;
        };
        let kind = parse(comment)
            .unwrap_or_else(|| panic!("{}:{}: `#: {comment}`?", file.display(), at + 1));
        list.push(Expectation {
            file: file.to_path_buf(),
            line: at + 1,
            alone: code.trim().is_empty(),
            kind,
        });
    }
    list
}

/// Reads `word[detail]: text`.
fn parse(comment: &str) -> Option<Kind> {
    let end = comment
        .find(|c: char| !c.is_ascii_lowercase())
        .unwrap_or(comment.len());
    let (word, mut rest) = comment.split_at(end);
    let mut detail = None;
    if let Some(inner) = rest.strip_prefix('[') {
        let (inside, after) = inner.split_once(']')?;
        detail = Some(inside.to_string());
        rest = after;
    }
    let text = match rest.strip_prefix(':') {
        Some(text) => text.strip_prefix(' ').unwrap_or(text).to_string(),
        None if rest.trim().is_empty() => String::new(),
        None => return None,
    };
    match word {
        "expect" if detail.is_none() => Some(Kind::Output(text)),
        "error" | "warning" => Some(Kind::Diagnostic {
            severity: word.to_string(),
            code: detail,
            text,
        }),
        "fails" => Some(Kind::Fails { kind: detail, text }),
        "halts" if detail.is_none() => Some(Kind::Fails {
            kind: Some("Halt".into()),
            text,
        }),
        "exits" => text.trim().parse().ok().map(Kind::Exits),
        _ => None,
    }
}
