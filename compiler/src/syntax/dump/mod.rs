//! `--emit tokens` and `--emit ast`: what the lexer and the parser made, as text.

mod expr;
mod item;
mod pattern;

use super::ast::{Ident, Module};
use super::lexer::lex;
use super::{Interner, Symbol};
use crate::diag::Diagnostics;
use crate::outline::Node;
use crate::source::{FileId, SourceMap};
use std::fmt::Write;

/// The tokens of `file`, one a line: `line:column`, kind, text; `↵` marks the first of a line.
pub fn dump_tokens(sources: &SourceMap, file: FileId, interner: &mut Interner) -> String {
    let lexed = lex(sources, file, interner, &mut Diagnostics::new());
    let source = sources.file(file);
    let mut out = String::new();
    for token in &lexed.tokens {
        let span = token.span(file);
        let place = source.line_column(span.start);
        let newline = if token.newline_before { "↵" } else { " " };
        let (kind, text) = (format!("{:?}", token.kind), sources.text(span));
        let place = format!("{}:{}", place.line, place.column);
        let _ = writeln!(
            out,
            "{place:<8}{newline} {kind:<16} {}",
            text.escape_debug()
        );
    }
    out
}

/// The tree of `module`, indented.
pub fn dump_ast(module: &Module, interner: &Interner) -> String {
    let dumper = Dumper { interner };
    let mut out = String::new();
    for node in dumper.module(module) {
        node.write(&mut out, 0);
    }
    out
}

/// Turns the tree into [`Node`]s.
struct Dumper<'a> {
    interner: &'a Interner,
}

impl Dumper<'_> {
    fn name(&self, name: Symbol) -> &str {
        self.interner.resolve(name)
    }

    fn ident(&self, ident: Ident) -> &str {
        self.name(ident.name)
    }

    fn path(&self, path: &[Ident]) -> String {
        let names: Vec<_> = path.iter().map(|segment| self.ident(*segment)).collect();
        names.join(".")
    }
}

/// A node for each part that is there.
fn some<const N: usize>(parts: [Option<Node>; N]) -> impl Iterator<Item = Node> {
    parts.into_iter().flatten()
}
