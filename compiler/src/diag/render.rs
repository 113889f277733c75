//! Diagnostics for people, through `codespan-reporting`.

use super::{Diagnostic, Diagnostics, Severity};
use crate::source::{FileId, SourceMap, Span};
use codespan_reporting::diagnostic as report;
use codespan_reporting::files::{Error, Files};
use codespan_reporting::term::{self, termcolor};
use std::fmt::Write;
use std::ops::Range;

/// Lines longer than this are not shown: generated text would flood the terminal.
const SHOWN_LINE_BYTES_MAX: usize = 2000;

/// How diagnostics are printed.
#[derive(Clone, Copy, Debug)]
pub struct RenderOptions {
    /// Whether to colour them with ANSI escapes.
    pub color: bool,
    /// How many errors are printed before the rest is only counted.
    pub errors_max: usize,
}

impl Default for RenderOptions {
    fn default() -> Self {
        RenderOptions {
            color: false,
            errors_max: 50,
        }
    }
}

/// All of `diagnostics` as text, in their order, each followed by an empty line.
pub fn render_human(
    sources: &SourceMap,
    diagnostics: &Diagnostics,
    options: RenderOptions,
) -> String {
    let mut out = String::new();
    let mut errors = 0;
    for diagnostic in diagnostics.iter() {
        if diagnostic.severity() == Severity::Error {
            errors += 1;
            if errors > options.errors_max {
                continue;
            }
        }
        render_one(&mut out, sources, diagnostic, options.color);
    }
    let errors = diagnostics.error_count();
    if errors > options.errors_max {
        let hidden = errors - options.errors_max;
        let _ = writeln!(out, "… and {hidden} more {}", plural(hidden, "error"));
    }
    out
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}

fn render_one(out: &mut String, sources: &SourceMap, diagnostic: &Diagnostic, color: bool) {
    if spans(diagnostic).any(|span| has_long_line(sources, span)) {
        render_without_source(out, sources, diagnostic);
        return;
    }
    let config = term::Config::default();
    let report = to_report(diagnostic);
    let files = Listed(sources);
    if color {
        let mut writer = termcolor::Ansi::new(Vec::new());
        if term::emit_to_write_style(&mut writer, &config, &files, &report).is_ok() {
            out.push_str(&String::from_utf8_lossy(&writer.into_inner()));
            return;
        }
    } else if let Ok(text) = term::emit_into_string(&config, &files, &report) {
        out.push_str(&text);
        return;
    }
    // A span outside of its file: the message still has to reach the user.
    render_without_source(out, sources, diagnostic);
}

/// The words alone, where the source line is too long to be shown.
fn render_without_source(out: &mut String, sources: &SourceMap, diagnostic: &Diagnostic) {
    let (word, number) = (diagnostic.severity().text(), diagnostic.code.number());
    let _ = writeln!(out, "{word}[{number}]: {}", diagnostic.message);
    for label in diagnostic.primary.iter().chain(&diagnostic.secondary) {
        if let Some(file) = sources.get(label.span.file) {
            let place = file.line_column(label.span.start);
            let colon = if label.message.is_empty() { "" } else { ": " };
            let (name, line, column) = (file.name(), place.line, place.column);
            let _ = writeln!(out, "  ┌─ {name}:{line}:{column}{colon}{}", label.message);
        }
    }
    for text in &diagnostic.help {
        let _ = writeln!(out, "  = help: {text}");
    }
    for text in &diagnostic.notes {
        let _ = writeln!(out, "  = note: {text}");
    }
    out.push('\n');
}

fn spans(diagnostic: &Diagnostic) -> impl Iterator<Item = Span> {
    diagnostic
        .primary
        .iter()
        .chain(&diagnostic.secondary)
        .map(|label| label.span)
}

fn has_long_line(sources: &SourceMap, span: Span) -> bool {
    let Some(file) = sources.get(span.file) else {
        return false;
    };
    [span.start, span.end].into_iter().any(|offset| {
        let range = file.line_range(file.line_index(offset));
        range.is_some_and(|range| range.len() > SHOWN_LINE_BYTES_MAX)
    })
}

fn to_report(diagnostic: &Diagnostic) -> report::Diagnostic<FileId> {
    let mut made = match diagnostic.severity() {
        Severity::Error => report::Diagnostic::error(),
        Severity::Warning => report::Diagnostic::warning(),
    };
    let range = |span: Span| span.start as usize..span.end as usize;
    let primary = diagnostic.primary.iter().map(|label| {
        let (file, range) = (label.span.file, range(label.span));
        report::Label::primary(file, range).with_message(&label.message)
    });
    let secondary = diagnostic.secondary.iter().map(|label| {
        let (file, range) = (label.span.file, range(label.span));
        report::Label::secondary(file, range).with_message(&label.message)
    });
    made = made
        .with_code(diagnostic.code.number())
        .with_message(&diagnostic.message);
    made = made.with_labels(primary.chain(secondary).collect());
    let help = diagnostic.help.iter().map(|text| format!("help: {text}"));
    let notes = diagnostic.notes.iter().map(|text| format!("note: {text}"));
    made.with_notes(help.chain(notes).collect())
}

/// A [`SourceMap`] as `codespan-reporting` wants to see it.
struct Listed<'a>(&'a SourceMap);

impl<'a> Files<'a> for Listed<'a> {
    type FileId = FileId;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: FileId) -> Result<&'a str, Error> {
        Ok(self.0.get(id).ok_or(Error::FileMissing)?.name())
    }

    fn source(&'a self, id: FileId) -> Result<&'a str, Error> {
        Ok(self.0.get(id).ok_or(Error::FileMissing)?.text())
    }

    fn line_index(&'a self, id: FileId, offset: usize) -> Result<usize, Error> {
        let file = self.0.get(id).ok_or(Error::FileMissing)?;
        Ok(file.line_index(offset.min(file.text().len()) as u32))
    }

    fn line_range(&'a self, id: FileId, index: usize) -> Result<Range<usize>, Error> {
        let file = self.0.get(id).ok_or(Error::FileMissing)?;
        let max = file.line_count() - 1;
        file.line_range(index)
            .ok_or(Error::LineTooLarge { given: index, max })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Code;
    use super::*;
    use crate::source::SourceKind;

    #[test]
    fn names_code_place_and_help() {
        let mut sources = SourceMap::new();
        let text = "let a = 1\nlet é = oops\n";
        let file = sources.add_text("a.lm", text.to_owned(), SourceKind::Plain);
        let at = text.find("oops").unwrap() as u32;
        let mut diagnostics = Diagnostics::new();
        let span = Span::new(file, at, at + 4);
        diagnostics.push(Diagnostic::new(Code::Expected, "no such thing", span).help("try less"));
        let text = render_human(&sources, &diagnostics, RenderOptions::default());
        assert!(text.starts_with("error[E0111]: no such thing\n"), "{text}");
        assert!(text.contains("a.lm:2:9"), "{text}");
        assert!(text.contains("= help: try less"), "{text}");
    }

    #[test]
    fn counts_errors_beyond_the_cap() {
        let sources = SourceMap::new();
        let mut diagnostics = Diagnostics::new();
        for i in 0..5 {
            diagnostics.push(Diagnostic::without_place(Code::Expected, format!("e{i}")));
        }
        let options = RenderOptions {
            errors_max: 3,
            color: false,
        };
        let text = render_human(&sources, &diagnostics, options);
        assert!(text.contains("e2") && !text.contains("e3"), "{text}");
        assert!(text.ends_with("… and 2 more errors\n"), "{text}");
    }
}
