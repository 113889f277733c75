//! Reading no more of the prelude than a program needs.
//!
//! A library module is cut into parts, one per declaration, by its text alone. A part is read when
//! a name that it declares has been met in what was read before, the program first: its words are
//! looked at once for that, and at the end all that is wanted of a module is parsed as one tree.

use super::modules::LibraryModule;
use crate::syntax::Interner;
use std::ops::Range;

/// A prelude module of which only some parts are read.
pub(super) struct Partial<'a> {
    pub(super) module: &'a LibraryModule<'a>,
    parts: Vec<Part<'a>>,
}

/// A declaration with its doc comment.
struct Part<'a> {
    /// The name it declares; `None` where that is not clear from its first line.
    name: Option<&'a str>,
    range: Range<usize>,
    wanted: bool,
}

impl<'a> Partial<'a> {
    /// The module, nothing of it wanted yet.
    pub(super) fn new(module: &'a LibraryModule<'a>) -> Self {
        Self {
            module,
            parts: split(module.text),
        }
    }

    /// Wants what declares a name that has been met; gives what is new among that. With the first
    /// part that is wanted come those that have no name.
    pub(super) fn want(&mut self, names: &Interner) -> Vec<Range<usize>> {
        let met = |part: &Part<'_>| part.name.is_some_and(|name| names.has_met(name));
        if !self.parts.iter().any(|part| !part.wanted && met(part)) {
            return Vec::new();
        }
        let new = self.parts.iter_mut().filter(|part| !part.wanted);
        let new = new.filter(|part| part.name.is_none() || met(part));
        let new = new.map(|part| {
            part.wanted = true;
            part.range.clone()
        });
        new.collect()
    }

    /// The parts that are wanted, in order.
    pub(super) fn ranges(&self) -> Vec<Range<usize>> {
        let wanted = self.parts.iter().filter(|part| part.wanted);
        wanted.map(|part| part.range.clone()).collect()
    }
}

/// Cuts a module before each declaration at the left margin; doc comments go with what follows.
fn split(text: &str) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    let mut docs = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begins =
            line.as_bytes().first().is_some_and(u8::is_ascii_lowercase) && !line.starts_with("end");
        if begins {
            let start = docs.take().unwrap_or(at);
            if let Some(last) = parts.last_mut() {
                last.range.end = start;
            }
            parts.push(Part {
                name: declared(line),
                range: start..text.len(),
                wanted: false,
            });
        } else if line.starts_with('#') {
            docs.get_or_insert(at);
        } else {
            docs = None;
        }
        at += line.len();
    }
    parts
}

/// The name that a declaration's first line declares.
fn declared(line: &str) -> Option<&str> {
    let mut rest = line;
    for word in ["pub ", "extern ", "async "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let (kind, rest) = rest.split_once(' ')?;
    let known = ["cell", "record", "enum", "trait", "type", "const", "let"].contains(&kind);
    let end = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    known.then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_when_their_names_are_met() {
        let text = "# About.\n\n## One.\nextern cell one(x: Int) -> Int\n\n## Two.\n## More.\n\
                    cell two() -> Int\n  one(2)\nend\n";
        let module = LibraryModule {
            name: "m",
            text,
            prelude: true,
        };
        let mut partial = Partial::new(&module);
        let mut names = Interner::new();
        assert!(partial.want(&names).is_empty() && partial.ranges().is_empty());
        names.intern("two");
        assert_eq!(partial.want(&names).len(), 1);
        let read: Vec<&str> = partial.ranges().into_iter().map(|r| &text[r]).collect();
        assert_eq!(
            read,
            ["## Two.\n## More.\ncell two() -> Int\n  one(2)\nend\n"]
        );
        names.intern("one");
        assert_eq!(partial.want(&names).len(), 1);
        assert!(partial.want(&names).is_empty());
        assert_eq!(partial.ranges().len(), 2);
    }
}
