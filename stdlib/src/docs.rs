//! Reads the library's declarations and doc comments; prints `docs/library.md`.
//!
//! A doc comment stands above a declaration and belongs to all declarations that follow it without
//! a blank line. In it, a line `>>> code` is an example, and the lines after it up to the next
//! example or an empty line are what its last expression prints. Examples are run as tests.

use std::fmt::Write;

use crate::{SOURCES, Source};

/// A documented declaration, or several that share their comment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The declarations as written, each on one line (a record with its fields).
    pub declarations: Vec<String>,
    /// The text of the comment without examples.
    pub text: String,
    /// The examples.
    pub examples: Vec<Example>,
    /// Line of the first line of the comment, from 1.
    pub line: usize,
}

/// Lines of code and what the last of them prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// The code.
    pub code: Vec<String>,
    /// What the last line's value prints as; empty: nothing is expected.
    pub output: Vec<String>,
}

/// A declaration of a native.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternCell {
    /// The key under which it is linked.
    pub key: String,
    /// Line, from 1.
    pub line: usize,
}

/// A module's own comment (the first of the file) and its entries.
pub fn entries(source: &Source) -> (String, Vec<Entry>) {
    let mut about = String::new();
    let mut out: Vec<Entry> = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut start = 1;
    let mut attached = false;
    let mut lines = source.text.lines().enumerate().peekable();
    while let Some((i, line)) = lines.next() {
        if let Some(text) = line.strip_prefix("##") {
            if comment.is_empty() {
                start = i + 1;
            }
            attached = false;
            comment.push(text.strip_prefix(' ').unwrap_or(text));
        } else if is_declaration(line) && (attached || !comment.is_empty()) {
            let mut declaration = heading(line);
            if line.starts_with("record") || line.starts_with("enum") {
                for (_, field) in lines.by_ref() {
                    declaration.push('\n');
                    declaration.push_str(field);
                    if field == "end" {
                        break;
                    }
                }
            }
            if attached {
                if let Some(e) = out.last_mut() {
                    e.declarations.push(declaration);
                }
            } else {
                let mut entry = read_comment(&comment);
                entry.line = start;
                entry.declarations.push(declaration);
                out.push(entry);
                comment.clear();
            }
            attached =
                line.starts_with("extern") || line.contains(" = ") || line.starts_with("const");
        } else {
            if line.trim().is_empty() && about.is_empty() && out.is_empty() && !comment.is_empty() {
                about = comment.join("\n");
                comment.clear();
            }
            if !line.starts_with(' ') {
                attached = false;
            }
        }
    }
    (about, out)
}

fn is_declaration(line: &str) -> bool {
    let starts = [
        "cell ",
        "extern cell ",
        "record ",
        "enum ",
        "const ",
        "type ",
        "trait ",
    ];
    starts.iter().any(|s| line.starts_with(s)) && !line.contains(" _")
}

/// A cell without its body.
fn heading(line: &str) -> String {
    let line = line.strip_prefix("extern ").unwrap_or(line);
    match line
        .find(") -> ")
        .and_then(|i| line[i..].find(" = ").map(|j| i + j))
    {
        Some(body) => line[..body].to_owned(),
        // The body may stand on the next line.
        None => line.strip_suffix(" =").unwrap_or(line).to_owned(),
    }
}

fn read_comment(lines: &[&str]) -> Entry {
    let mut entry = Entry::default();
    let mut text: Vec<&str> = Vec::new();
    let mut in_example = false;
    for line in lines {
        if let Some(code) = line.strip_prefix(">>> ") {
            match entry.examples.last_mut() {
                Some(e) if in_example && e.output.is_empty() => e.code.push(code.to_owned()),
                _ => entry.examples.push(Example {
                    code: vec![code.to_owned()],
                    output: vec![],
                }),
            }
            in_example = true;
        } else if in_example && !line.is_empty() {
            if let Some(e) = entry.examples.last_mut() {
                e.output.push((*line).to_owned());
            }
        } else {
            in_example = false;
            text.push(line);
        }
    }
    entry.text = text.join("\n").trim().to_owned();
    entry
}

/// The natives that a module declares, with the keys under which they are linked.
///
/// This reads lines, as the library is laid out; the compiler makes the same keys from the tree.
pub fn externs(source: &Source) -> Vec<ExternCell> {
    let mut out = Vec::new();
    for (i, line) in source.text.lines().enumerate() {
        if let Some(rest) = line.strip_prefix("extern cell ")
            && let Some(signature) = key_of(rest)
        {
            out.push(ExternCell {
                key: format!("{}.{signature}", source.name),
                line: i + 1,
            });
        }
    }
    out
}

/// `name[T](mut xs: list[T], n: Int = 1) -> R / {e}` as `name[T](mut list[T], Int) -> R`.
fn key_of(declaration: &str) -> Option<String> {
    let open = declaration.find('(')?;
    let close = matching(declaration, open)?;
    let mut key = declaration[..=open].to_owned();
    for (i, param) in split_commas(&declaration[open + 1..close])
        .into_iter()
        .enumerate()
    {
        if i > 0 {
            key.push_str(", ");
        }
        let (name, ty) = param.split_once(':')?;
        if name.trim_start().starts_with("mut ") {
            key.push_str("mut ");
        }
        key.push_str(ty.split(" = ").next()?.trim());
    }
    key.push(')');
    let result = declaration[close + 1..].split(" / ").next()?.trim();
    key.push(' ');
    key.push_str(if result.is_empty() { "-> Null" } else { result });
    Some(key)
}

fn matching(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    for (i, b) in text.bytes().enumerate().skip(open) {
        match b {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}

fn split_commas(text: &str) -> Vec<&str> {
    let (mut out, mut depth, mut start) = (Vec::new(), 0, 0);
    for (i, b) in text.bytes().enumerate() {
        match b {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            b',' if depth == 0 => {
                out.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    if !text[start..].trim().is_empty() {
        out.push(&text[start..]);
    }
    out
}

/// `docs/library.md`.
pub fn markdown() -> String {
    let mut out = String::from(
        "# The library\n\n\
         Printed from the comments in `stdlib/lumen/*.lm` by `cargo test -p lumen-stdlib` with\n\
         `UPDATE_DOCS=1`. Every example is run as a test; the line under it is what it prints.\n\n\
         Every cell can be called as a method of its first argument: `xs.take(2)` is\n\
         `take(xs, 2)`. Where the first parameter is `mut`, the method form changes its receiver,\n\
         and the function form gives the changed value.\n\n",
    );
    for prelude in [true, false] {
        out.push_str(if prelude {
            "Known everywhere:"
        } else {
            "\nWith `import std.…`:"
        });
        for s in SOURCES.iter().filter(|s| s.prelude == prelude) {
            let _ = write!(out, " [{0}](#{0})", s.name);
        }
        out.push('\n');
    }
    for source in SOURCES {
        write_module(source, &mut out);
    }
    out
}

fn write_module(source: &Source, out: &mut String) {
    let (about, entries) = entries(source);
    // Writing to a String cannot fail.
    let _ = write!(out, "\n## {}\n\n{about}\n", source.name);
    if !source.prelude {
        let _ = write!(out, "\n`import std.{}: …`\n", source.name);
    }
    for e in entries {
        let _ = write!(
            out,
            "\n```lumen\n{}\n```\n\n{}\n",
            e.declarations.join("\n"),
            e.text
        );
        if e.examples.is_empty() {
            continue;
        }
        out.push_str("\n```\n");
        for x in e.examples {
            for code in x.code {
                let _ = writeln!(out, ">>> {code}");
            }
            for line in x.output {
                let _ = writeln!(out, "{line}");
            }
        }
        out.push_str("```\n");
    }
}
