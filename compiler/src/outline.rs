//! Trees as text: `(word part part)` where that fits on a line, else one part a line, indented.

use std::fmt::Write;

/// How wide a line of a tree gets before it is split.
const WIDTH_MAX: usize = 96;

/// A part of a printed tree: a word, and what belongs to it.
pub(crate) struct Node {
    /// The word.
    pub(crate) label: String,
    /// What belongs to it.
    pub(crate) parts: Vec<Node>,
}

impl Node {
    /// A part without parts of its own.
    pub(crate) fn leaf(label: impl Into<String>) -> Node {
        Node {
            label: label.into(),
            parts: Vec::new(),
        }
    }

    /// A part with parts.
    pub(crate) fn new(label: impl Into<String>, parts: impl IntoIterator<Item = Node>) -> Node {
        Node {
            label: label.into(),
            parts: parts.into_iter().collect(),
        }
    }

    /// The length of the part on one line; at most a little more than `WIDTH_MAX`.
    fn width(&self) -> usize {
        let own = self.label.chars().count();
        if self.parts.is_empty() {
            return own;
        }
        let mut width = own + 2;
        for part in &self.parts {
            width += 1 + part.width();
            if width > WIDTH_MAX {
                break;
            }
        }
        width
    }

    /// Appends it, on one line if it fits, else its parts indented below it.
    pub(crate) fn write(&self, out: &mut String, indentation: usize) {
        let _ = write!(out, "{:indentation$}", "");
        if indentation + self.width() <= WIDTH_MAX {
            self.write_flat(out);
            out.push('\n');
            return;
        }
        out.push_str(&self.label);
        out.push('\n');
        for part in &self.parts {
            part.write(out, indentation + 2);
        }
    }

    fn write_flat(&self, out: &mut String) {
        if self.parts.is_empty() {
            out.push_str(&self.label);
            return;
        }
        out.push('(');
        out.push_str(&self.label);
        for part in &self.parts {
            out.push(' ');
            part.write_flat(out);
        }
        out.push(')');
    }
}
