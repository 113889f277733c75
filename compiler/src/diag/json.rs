//! Diagnostics for programs: one JSON object a line.

use super::{Diagnostic, Diagnostics, Label};
use crate::source::SourceMap;
use std::fmt::Write;

/// All of `diagnostics`, one JSON object a line.
///
/// `{"code", "severity", "message", "labels": [{"primary", "file", "line", "column", "end_line",
/// "end_column", "start", "end", "message"}], "help": […], "notes": […]}`; lines and columns count
/// from 1, `start` and `end` are byte offsets, the primary label comes first.
pub fn render_json(sources: &SourceMap, diagnostics: &Diagnostics) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics.iter() {
        write_diagnostic(&mut out, sources, diagnostic);
        out.push('\n');
    }
    out
}

fn write_diagnostic(out: &mut String, sources: &SourceMap, diagnostic: &Diagnostic) {
    let (code, severity) = (diagnostic.code.number(), diagnostic.severity().text());
    let _ = write!(
        out,
        "{{\"code\":\"{code}\",\"severity\":\"{severity}\",\"message\":"
    );
    write_string(out, &diagnostic.message);
    out.push_str(",\"labels\":[");
    let primary = diagnostic.primary.iter().map(|label| (true, label));
    let secondary = diagnostic.secondary.iter().map(|label| (false, label));
    for (index, (is_primary, label)) in primary.chain(secondary).enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_label(out, sources, is_primary, label);
    }
    out.push_str("],\"help\":");
    write_strings(out, &diagnostic.help);
    out.push_str(",\"notes\":");
    write_strings(out, &diagnostic.notes);
    out.push('}');
}

fn write_label(out: &mut String, sources: &SourceMap, primary: bool, label: &Label) {
    let _ = write!(out, "{{\"primary\":{primary}");
    if let Some(file) = sources.get(label.span.file) {
        let (start, end) = (
            file.line_column(label.span.start),
            file.line_column(label.span.end),
        );
        out.push_str(",\"file\":");
        write_string(out, file.name());
        let _ = write!(
            out,
            ",\"line\":{},\"column\":{},\"end_line\":{},\"end_column\":{},\"start\":{},\"end\":{}",
            start.line, start.column, end.line, end.column, label.span.start, label.span.end
        );
    }
    out.push_str(",\"message\":");
    write_string(out, &label.message);
    out.push('}');
}

fn write_strings(out: &mut String, texts: &[String]) {
    out.push('[');
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(out, text);
    }
    out.push(']');
}

/// Writes `text` as a JSON string.
fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if u32::from(control) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::super::Code;
    use super::*;
    use crate::source::{SourceKind, Span};

    #[test]
    fn one_object_a_line_with_escapes() {
        let mut sources = SourceMap::new();
        let file = sources.add_text("a \"b\".lm", "x\nyé z".to_owned(), SourceKind::Plain);
        let mut diagnostics = Diagnostics::new();
        let diagnostic = Diagnostic::new(Code::Expected, "tab\there \u{1}", Span::new(file, 6, 7));
        diagnostics.push(diagnostic.help("h"));
        let expected = concat!(
            r#"{"code":"E0111","severity":"error","message":"tab\there \u0001","labels":["#,
            r#"{"primary":true,"file":"a \"b\".lm","line":2,"column":4,"end_line":2,"#,
            r#""end_column":5,"start":6,"end":7,"message":""}],"help":["h"],"notes":[]}"#,
            "\n"
        );
        assert_eq!(render_json(&sources, &diagnostics), expected);
    }
}
