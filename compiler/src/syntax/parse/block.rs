//! Blocks: statements up to the word that ends them.

use super::*;

/// How a run of statements ends.
struct Ends<'a> {
    /// The word the block began with.
    opener: Span,
    /// Whether the current token ends it, without being taken.
    stops: &'a dyn Fn(&mut Parser<'_>) -> bool,
    /// Whether it was opened by `{`, which has been reported.
    braces: bool,
    /// Whether `end` ends it, and is taken.
    closes: bool,
    /// Whether it was opened in brackets, whose closing cuts it off.
    in_brackets: bool,
}

impl Parser<'_> {
    /// Statements up to `end`, which is taken. `opener` is the word the block began with.
    pub(super) fn parse_block(&mut self, opener: Span) -> Block {
        self.parse_block_until(opener, |_| false, true)
    }

    /// Statements up to a token that `stops` likes, which is not taken, or, if `closes`, up to
    /// `end`, which is.
    pub(super) fn parse_block_until(
        &mut self,
        opener: Span,
        stops: impl Fn(&mut Parser<'_>) -> bool,
        closes: bool,
    ) -> Block {
        let braces = self.opt_foreign_brace();
        let ends = Ends {
            opener,
            stops: &stops,
            braces,
            closes,
            in_brackets: self.in_brackets,
        };
        let mut block =
            self.in_lines(|parser| parser.in_scope(|parser| parser.parse_statements(&ends)));
        if braces {
            self.opt(T::RBrace);
            if matches!(self.kind(), T::Else | T::Catch | T::Finally) {
                block.end = self.peek_span();
            }
        }
        block
    }

    /// `{` where a block begins: reported, and read as far as `}`.
    fn opt_foreign_brace(&mut self) -> bool {
        let brace = self.at(T::LBrace) && !self.peek().newline_before;
        if brace && self.nth(1).newline_before {
            self.foreign(
                "blocks are not written with braces",
                "a block ends with `end`",
            );
            self.bump();
            return true;
        }
        false
    }

    fn parse_statements(&mut self, ends: &Ends<'_>) -> Block {
        let start = self.peek().start;
        let first = self.open_stmts.len();
        let mut last_end = start;
        let end = loop {
            if let Some(end) = self.opt_statements_end(ends) {
                break end;
            }
            if self.at_stray() {
                continue;
            }
            let before = self.pos;
            if let Some(stmt) = self.parse_stmt() {
                last_end = stmt.span.end;
                self.open_stmts.push(stmt);
            }
            self.expect_line_end();
            if self.pos == before && !self.at(T::Eof) {
                self.unexpected("expected a statement");
                self.bump();
            }
        };
        Block {
            stmts: self.open_stmts.drain(first..).collect(),
            span: Span::new(self.file, start, last_end.max(start)),
            end,
        }
    }

    /// The word that ends the statements, if it stands here; or where it should stand.
    fn opt_statements_end(&mut self, ends: &Ends<'_>) -> Option<Span> {
        if ends.braces && self.at(T::RBrace) {
            return Some(self.peek_span().at_start());
        }
        if self.at(T::End) && ends.closes {
            let end = self.bump();
            self.note_end(ends.opener, end);
            return Some(self.span_of(end));
        }
        if (ends.stops)(self) {
            return Some(self.peek_span());
        }
        let cut_off = match self.kind() {
            T::Eof | T::HoleClose | T::FormatSpec => true,
            T::RParen | T::RBracket | T::RBrace => ends.in_brackets,
            _ => self.at_unclosed(),
        };
        if cut_off {
            self.unclosed_block(ends.opener);
            return Some(self.peek_span().at_start());
        }
        None
    }

    /// Whether a declaration begins here that shows that the block lacks its `end`: one that is
    /// not indented, while the block is inside of another declaration.
    pub(super) fn at_unclosed(&self) -> bool {
        let token = self.peek();
        token.newline_before && self.at_item() && self.indentation(token.start) == 0
    }

    /// Skips, with a report, a word or bracket that closes what is not open.
    fn at_stray(&mut self) -> bool {
        let help = match self.kind() {
            T::Else => "`else` belongs to an `if`; after `if c then a` it stands on the same line",
            T::Catch | T::Finally => {
                self.stray_clause();
                return true;
            }
            T::RParen | T::RBracket | T::RBrace => "nothing before it is open",
            T::Comma | T::Then => "no list or condition is open here",
            _ => return false,
        };
        self.stray(help);
        true
    }

    /// Reports the current token, which belongs to nothing, and skips it.
    pub(super) fn stray(&mut self, help: &str) {
        let span = self.peek_span();
        let message = format!("unexpected `{}`", self.kind().text());
        self.error(Diagnostic::new(Code::StrayEnd, message, span).help(help));
        self.bump();
    }

    /// A block of the one statement that follows, as in `if c then a`.
    pub(super) fn parse_single(&mut self) -> Block {
        let start = self.peek().start;
        let stmt = self.in_scope(|parser| parser.parse_stmt());
        let span = self.span_from(start);
        Block {
            stmts: stmt.into_iter().collect(),
            span,
            end: span.at_end(),
        }
    }
}
