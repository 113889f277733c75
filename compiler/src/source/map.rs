//! The source texts of one compilation, and line and column of any offset in them.

use super::{FileId, Span};
use std::ops::Range;

/// How the text of a file is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceKind {
    /// All of it is Lumen.
    Plain,
    /// Markdown: the fences tagged `lumen` are Lumen, one after the other.
    Markdown,
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
}

impl SourceFile {
    fn new(name: String, text: String, kind: SourceKind) -> SourceFile {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(at, _)| at as u32 + 1));
        let line_starts = line_starts.collect();
        SourceFile {
            name,
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
            column: before.chars().count() as u32 + 1,
        }
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
