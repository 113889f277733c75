//! The source texts of one compilation, and line and column of any offset in them.

use super::{FileId, Span};
use crate::diag::{Code, Diagnostic};
use crate::limits::SOURCE_BYTES;
use std::ops::Range;

/// How the text of a file is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceKind {
    /// All of it is Lumen.
    Plain,
    /// Markdown: the fences tagged `lumen` are Lumen, one after the other.
    Markdown,
}

impl SourceKind {
    /// Markdown for names that end in `.md`, plain for all others.
    pub fn of_name(name: &str) -> SourceKind {
        if name.ends_with(".md") {
            SourceKind::Markdown
        } else {
            SourceKind::Plain
        }
    }
}

/// A line and a column, both counted from 1; columns count characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LineColumn {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// One source text.
#[derive(Debug)]
pub struct SourceFile {
    name: String,
    text: String,
    kind: SourceKind,
    line_starts: Vec<u32>,
    /// Columns are bytes.
    ascii: bool,
}

impl SourceFile {
    fn new(name: String, text: String, kind: SourceKind) -> SourceFile {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(at, _)| at as u32 + 1));
        let line_starts = line_starts.collect();
        SourceFile {
            name,
            ascii: text.is_ascii(),
            text,
            kind,
            line_starts,
        }
    }

    /// The name it was added under, as diagnostics print it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text; of a Markdown file, the Markdown.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How the text is to be read.
    pub fn kind(&self) -> SourceKind {
        self.kind
    }

    /// How many lines it has; at least 1.
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }

    /// The line, from 0, that holds `offset`.
    pub fn line_index(&self, offset: u32) -> usize {
        self.line_starts.partition_point(|start| *start <= offset) - 1
    }

    /// The bytes of line `index` (from 0), its newline included; `None` beyond the last line.
    pub fn line_range(&self, index: usize) -> Option<Range<usize>> {
        let start = *self.line_starts.get(index)? as usize;
        let end = self
            .line_starts
            .get(index + 1)
            .map_or(self.text.len(), |end| *end as usize);
        Some(start..end)
    }

    /// As [`SourceFile::line_column`], for offsets that follow each other closely.
    pub fn line_column_near(&self, offset: u32, last: &mut Position) -> LineColumn {
        let begins = |line: u32| self.line_starts.get(line as usize - 1).copied();
        let mut line = last.at.line;
        while line < last.at.line + NEAR && begins(line + 1).is_some_and(|start| start <= offset) {
            line += 1;
        }
        let start = begins(line).unwrap_or(0);
        let here = start <= offset && begins(line + 1).is_none_or(|next| offset < next);
        // On a long line, not all of it is counted again for each offset.
        let (from, column) = match line == last.at.line && last.offset <= offset {
            true => (last.offset, last.at.column),
            false => (start, 1),
        };
        let found = match self.text.get(from as usize..offset as usize) {
            Some(between) if here => LineColumn {
                line,
                column: column + self.columns(between),
            },
            _ => self.line_column(offset),
        };
        if self.text.is_char_boundary(offset as usize) {
            (last.offset, last.at) = (offset, found);
        }
        found
    }

    /// Line and column of `offset`; beyond the end, those of the end.
    pub fn line_column(&self, offset: u32) -> LineColumn {
        let mut offset = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line_index(offset as u32);
        let before = &self.text[self.line_starts[line] as usize..offset];
        LineColumn {
            line: line as u32 + 1,
            column: self.columns(before) + 1,
        }
    }

    /// The characters of a part of the text.
    fn columns(&self, part: &str) -> u32 {
        let columns = if self.ascii {
            part.len()
        } else {
            part.chars().count()
        };
        columns as u32
    }
}

/// How many lines [`SourceFile::line_column_near`] looks at: searching is about as dear.
const NEAR: u32 = 8;

/// A place in a file that has been looked up.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    offset: u32,
    at: LineColumn,
}

impl Default for Position {
    fn default() -> Position {
        let at = LineColumn { line: 1, column: 1 };
        Position { offset: 0, at }
    }
}

/// All source texts of one compilation.
#[derive(Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// A map without files.
    pub fn new() -> SourceMap {
        SourceMap::default()
    }

    /// Adds what was read from `name`, whose ending (`.md` or another) tells how to read it.
    ///
    /// # Errors
    /// When the bytes are not UTF-8, or more than [`SOURCE_BYTES`].
    pub fn add(&mut self, name: &str, bytes: Vec<u8>) -> Result<FileId, Box<Diagnostic>> {
        if bytes.len() > SOURCE_BYTES {
            let mib = SOURCE_BYTES >> 20;
            let message = format!("{name}: source file is larger than {mib} MiB");
            return Err(Box::new(
                Diagnostic::without_place(Code::SourceTooLarge, message)
                    .help("split it into modules, or read data from a file at run time"),
            ));
        }
        let kind = SourceKind::of_name(name);
        match String::from_utf8(bytes) {
            Ok(text) => Ok(self.add_text(name, text, kind)),
            Err(error) => Err(Box::new(invalid_utf8(
                name,
                error.as_bytes(),
                error.utf8_error(),
            ))),
        }
    }

    /// Adds a text that is known to be UTF-8 and of bearable size, read as `kind`.
    pub fn add_text(&mut self, name: &str, text: String, kind: SourceKind) -> FileId {
        let id = FileId(self.files.len() as u32);
        self.files
            .push(SourceFile::new(name.to_owned(), text, kind));
        id
    }

    /// The file `id`.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The file `id`, if there is one.
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// All files, in the order they were added.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(index, file)| (FileId(index as u32), file))
    }

    /// The text under `span`.
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file)
            .text
            .get(span.start as usize..span.end as usize)
            .unwrap_or("")
    }

    /// Line and column of the start of `span`.
    pub fn line_column(&self, span: Span) -> LineColumn {
        self.file(span.file).line_column(span.start)
    }
}

fn invalid_utf8(name: &str, bytes: &[u8], error: std::str::Utf8Error) -> Diagnostic {
    let offset = error.valid_up_to();
    let line_start = bytes[..offset]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let line = bytes[..offset]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1;
    let column = String::from_utf8_lossy(&bytes[line_start..offset])
        .chars()
        .count()
        + 1;
    let message = format!(
        "{name}:{line}:{column}: source is not UTF-8: byte 0x{:02x} at offset {offset}",
        bytes[offset]
    );
    Diagnostic::without_place(Code::InvalidUtf8, message)
        .help("save the file as UTF-8; write b\"cafe\" for arbitrary bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let mut sources = SourceMap::new();
        let file = sources
            .add("a.lm", "ab\né=x\n".as_bytes().to_vec())
            .unwrap();
        let at = |offset| {
            let found = sources.file(file).line_column(offset);
            (found.line, found.column)
        };
        assert_eq!(
            [at(0), at(2), at(3), at(5), at(6)],
            [(1, 1), (1, 3), (2, 1), (2, 2), (2, 3)]
        );
        assert_eq!(at(4), (2, 1), "inside a character counts as its start");
        assert_eq!(at(8), (3, 1));
        assert_eq!(at(99), (3, 1));
        for start in 0..9 {
            for offset in 0..9 {
                let mut last = Position::default();
                sources.file(file).line_column_near(start, &mut last);
                let found = sources.file(file).line_column_near(offset, &mut last);
                assert_eq!((found.line, found.column), at(offset), "{start}, {offset}");
            }
        }
    }

    #[test]
    fn invalid_utf8_names_the_place() {
        let error = SourceMap::new()
            .add("a.lm", b"ok\nx\xffy".to_vec())
            .unwrap_err();
        assert!(error.message.starts_with("a.lm:2:2: "), "{}", error.message);
        assert!(
            error.message.ends_with("byte 0xff at offset 4"),
            "{}",
            error.message
        );
    }

    #[test]
    fn a_file_beyond_the_limit_is_refused() {
        let error = SourceMap::new()
            .add("a.lm", vec![b' '; SOURCE_BYTES + 1])
            .unwrap_err();
        assert_eq!(error.code, Code::SourceTooLarge);
    }
}
