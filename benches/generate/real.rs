//! Programs that people wrote, comments and all: those of this repository, each a module of one
//! large program, again and again until there are as many lines as wanted.

use std::fs;
use std::path::{Path, PathBuf};

use lumen_compiler::source::{Found, Loader};

/// Where the programs are.
const FOLDERS: &[&str] = &["examples", "benches/programs", "tests/run"];

/// A module: its text, and how `main` of the whole calls into it.
struct Written {
    text: String,
    entry: &'static str,
    arguments: &'static str,
}

/// The modules of a program, by number.
pub(crate) struct Real {
    written: Vec<Written>,
    count: usize,
}

impl Loader for Real {
    fn load(&self, path: &[&str], _importer: &str) -> Found {
        let number = path.first().and_then(|name| name.strip_prefix('p'));
        match number.and_then(|number| number.parse().ok()) {
            Some(number) if path.len() == 1 => Found::Source {
                name: format!("p{number}.lm"),
                bytes: self.text(number).as_bytes().to_vec(),
            },
            _ => Found::Missing { tried: Vec::new() },
        }
    }
}

impl Real {
    /// The repository's programs that `compiles`, given the program that imports one of them twice,
    /// takes; about `lines` lines of them.
    pub(crate) fn of_repository(lines: usize, compiles: impl Fn(&Real, String) -> bool) -> Real {
        let mut paths = Vec::new();
        for folder in FOLDERS {
            collect(
                &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
                &mut paths,
            );
        }
        paths.sort();
        let mut real = Real {
            written: Vec::new(),
            count: 0,
        };
        for path in paths {
            let text = fs::read_to_string(&path).expect("a text");
            let alone = Real {
                written: vec![Written::new(text)],
                count: 2,
            };
            if compiles(&alone, alone.root()) {
                real.written.extend(alone.written);
            }
        }
        let mut there = 0;
        while there < lines {
            there += real.text(real.count).lines().count();
            real.count += 1;
        }
        real
    }

    fn module(&self, number: usize) -> &Written {
        &self.written[number % self.written.len()]
    }

    fn text(&self, number: usize) -> &str {
        &self.module(number).text
    }

    /// The texts of all modules.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        (0..self.count).map(|number| self.text(number))
    }

    /// The program that imports them and calls into each.
    pub(crate) fn root(&self) -> String {
        let numbers = 0..self.count;
        let imports = numbers.clone().map(|number| {
            let entry = self.module(number).entry;
            format!("import p{number}: {entry} as entry{number}\n")
        });
        let calls = numbers.map(|number| {
            let arguments = self.module(number).arguments;
            format!("  entry{number}({arguments})\n")
        });
        let (imports, calls): (String, String) = (imports.collect(), calls.collect());
        format!("{imports}\ncell main()\n{calls}end\n")
    }
}

impl Written {
    fn new(mut text: String) -> Written {
        let entry = if text.contains("\ncell main(") || text.starts_with("cell main(") {
            "main"
        } else {
            text.push_str("\ncell entry_of_module()\nend\n");
            "entry_of_module"
        };
        let arguments = if text.contains("cell main(args") {
            "[]"
        } else {
            ""
        };
        Written {
            text,
            entry,
            arguments,
        }
    }
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|ending| ending == "lm") {
            paths.push(path);
        }
    }
}
