//! Diagnostics: what they say, which there are (`codes.rs`), how they are printed (`render.rs`).
//!
//! A stage pushes what it finds and goes on with an error node, about which later stages keep
//! silent: one mistake, one diagnostic.

mod codes;
mod examples;
mod json;
mod render;

pub use codes::{Code, Severity};
pub use examples::example;
pub use json::render_json;
pub use render::{RenderOptions, render_human};

use crate::source::Span;

/// A place in the source with something to say about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is said about it; may be empty.
    pub message: String,
}

/// One error or warning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Which rule it is about.
    pub code: Code,
    /// What is wrong, in one line.
    pub message: String,
    /// The place it is about; `None` when it is about no place in a source.
    pub primary: Option<Label>,
    /// Other places that matter.
    pub secondary: Vec<Label>,
    /// How to mend it.
    pub help: Vec<String>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// A diagnostic about `span`.
    pub fn new(code: Code, message: impl Into<String>, span: Span) -> Diagnostic {
        let primary = Some(Label {
            span,
            message: String::new(),
        });
        Diagnostic {
            primary,
            ..Diagnostic::without_place(code, message)
        }
    }

    /// A diagnostic about no place in a source.
    pub fn without_place(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            message: message.into(),
            primary: None,
            secondary: Vec::new(),
            help: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Says `message` at the primary place.
    #[must_use]
    pub fn primary(mut self, message: impl Into<String>) -> Diagnostic {
        if let Some(label) = &mut self.primary {
            label.message = message.into();
        }
        self
    }

    /// Says `message` at another place.
    #[must_use]
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Diagnostic {
        self.secondary.push(Label {
            span,
            message: message.into(),
        });
        self
    }

    /// Tells how to mend it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help.push(text.into());
        self
    }

    /// Tells what else there is to know.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Diagnostic {
        self.notes.push(text.into());
        self
    }

    /// Error or warning; the code decides.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// What the stages of one compilation have found so far.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    errors: usize,
}

impl Diagnostics {
    /// Nothing found yet.
    pub fn new() -> Diagnostics {
        Diagnostics::default()
    }

    /// Adds one, unless the same code was reported at the same place just before.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let again = self.list.last().is_some_and(|last| {
            last.code == diagnostic.code
                && last.message == diagnostic.message
                && place(last) == place(&diagnostic)
        });
        if again {
            return;
        }
        self.errors += usize::from(diagnostic.severity() == Severity::Error);
        if self.list.len() < crate::limits::DIAGNOSTICS {
            self.list.push(diagnostic);
        }
    }

    /// Whether there is an error: nothing may be run then.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors there are.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// How many errors and warnings are kept.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them, in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Sorts by file and place (those without a place first), so that output does not depend on
    /// the order in which the stages looked; equal places keep their order.
    pub fn sort(&mut self) {
        self.list.sort_by_key(place);
    }

    /// Where we are, for [`Diagnostics::take_back`].
    pub fn mark(&self) -> (usize, usize) {
        (self.list.len(), self.errors)
    }

    /// Forgets everything found since `mark`; for attempts that are taken back.
    pub fn take_back(&mut self, mark: (usize, usize)) {
        self.list.truncate(mark.0);
        self.errors = mark.1;
    }

    /// Drops those of a code.
    pub fn drop_all(&mut self, code: Code) {
        self.list.retain(|one| one.code != code);
        let errors = self
            .list
            .iter()
            .filter(|one| one.severity() == Severity::Error);
        self.errors = errors.count();
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: Diagnostics) {
        let kept = other
            .list
            .iter()
            .filter(|one| one.severity() == Severity::Error);
        self.errors += other.errors - kept.count();
        for diagnostic in other.list {
            self.push(diagnostic);
        }
    }
}

fn place(diagnostic: &Diagnostic) -> Option<Span> {
    diagnostic.primary.as_ref().map(|label| label.span)
}
