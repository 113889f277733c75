//! What goes to the terminal: diagnostics, in the form and colours asked for.

use std::io::{IsTerminal, Write};

use lumen_compiler::diag::{Diagnostics, RenderOptions, render_human, render_json};
use lumen_compiler::source::SourceMap;

/// The form of diagnostics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ErrorFormat {
    /// Text with the source around the place.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Whether what is written to stderr may be coloured: it is a terminal that can, and nobody
/// objects through `NO_COLOR`.
pub fn colors() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    !refused && !dumb && std::io::stderr().is_terminal()
}

/// Writes `diagnostics` to stderr, by place.
pub fn diagnostics(sources: &SourceMap, mut diagnostics: Diagnostics, format: ErrorFormat) {
    if diagnostics.is_empty() {
        return;
    }
    diagnostics.sort();
    let text = match format {
        ErrorFormat::Json => render_json(sources, &diagnostics),
        ErrorFormat::Human => {
            let options = RenderOptions {
                color: colors(),
                ..RenderOptions::default()
            };
            let mut text = render_human(sources, &diagnostics, options);
            if let Some(summary) = summary(&diagnostics) {
                text.push_str(&summary);
            }
            text
        }
    };
    error_text(&text);
}

/// `3 errors, 1 warning`, when that is not plain to see.
fn summary(diagnostics: &Diagnostics) -> Option<String> {
    let errors = diagnostics.error_count();
    let warnings = diagnostics.len() - errors;
    let count = |n: usize, word: &str| match n {
        1 => format!("1 {word}"),
        _ => format!("{n} {word}s"),
    };
    match (errors, warnings) {
        _ if diagnostics.len() < 2 => None,
        (_, 0) => Some(format!("{}\n", count(errors, "error"))),
        (0, _) => Some(format!("{}\n", count(warnings, "warning"))),
        _ => Some(format!(
            "{}, {}\n",
            count(errors, "error"),
            count(warnings, "warning")
        )),
    }
}

/// Writes one line about a command that could not do its work.
pub fn complain(command: &str, message: &str) {
    error_text(&format!("{command}: {message}\n"));
}

/// Writes to stderr; that nobody listens there is no reason to fail.
pub fn error_text(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes to stdout; false when it has been closed, which ends a command quietly.
pub fn output(text: &str) -> bool {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .is_ok()
}
