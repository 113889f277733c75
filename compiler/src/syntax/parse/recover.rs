//! Reporting errors, hints for what other languages would write, and going on afterwards.

use super::*;
use crate::syntax::foreign;

/// A block whose `end` stands further left than its start: some block before it lacks an `end`.
#[derive(Clone, Copy)]
pub(super) struct Suspect {
    opener: Span,
    end: Span,
}

impl Parser<'_> {
    /// Reports `diagnostic`, unless one was reported at the same token.
    pub(super) fn error(&mut self, diagnostic: Diagnostic) {
        if self.quiet {
            self.failed = true;
            return;
        }
        if self.gave_up || self.error_at == self.pos {
            return;
        }
        self.error_at = self.pos;
        self.diagnostics.push(diagnostic);
    }

    /// Reports at the current token: `message`, and what stands there instead.
    pub(super) fn unexpected(&mut self, message: &str) {
        let token = self.peek();
        if token.kind == T::Unknown {
            // Reported by the lexer.
            self.error_at = self.pos;
            self.failed = true;
            return;
        }
        let mut span = self.span_of(token);
        let found = if token.newline_before && !self.in_brackets && token.kind != T::Eof {
            span = Span::new(self.file, self.prev_end, self.prev_end);
            "the end of the line".to_owned()
        } else {
            self.describe(token)
        };
        let message = format!("{message}, found {found}");
        let mut diagnostic = Diagnostic::new(Code::Expected, message, span);
        if let Some(hint) = self.hint() {
            diagnostic.code = Code::ForeignSyntax;
            diagnostic = diagnostic.help(hint);
        } else if token.kind.is_reserved() && self.same_line() {
            let word = token.kind.text();
            diagnostic = diagnostic.note(format!("`{word}` is a reserved word"));
        }
        self.error(diagnostic);
    }

    /// Reports that `found`, which is the current token, is not Lumen; `help` says what is.
    pub(super) fn foreign(&mut self, message: impl Into<String>, help: impl Into<String>) {
        let span = self.peek_span();
        self.error(Diagnostic::new(Code::ForeignSyntax, message, span).help(help));
    }

    /// How a token is called in a message.
    pub(super) fn describe(&self, token: Token) -> String {
        match token.kind {
            T::Eof => "the end of the file".to_owned(),
            T::Str | T::StrOpen | T::RawStr => "a string".to_owned(),
            T::StrText | T::StrClose | T::HoleClose => "the end of the expression".to_owned(),
            T::FormatSpec => "`:`".to_owned(),
            T::RoleText | T::HoleOpen | T::Bytes => token.kind.text().to_owned(),
            _ => {
                let text = self.text_of(self.span_of(token));
                let short: String = text.chars().take(40).collect();
                format!("`{short}`")
            }
        }
    }

    /// What the current and the previous token have in another language that Lumen writes
    /// otherwise.
    fn hint(&self) -> Option<&'static str> {
        let before = |back: usize| self.pos.checked_sub(back).map(|at| self.tokens[at].kind);
        let hint = match self.kind() {
            T::FatArrow => "a lambda is written fn(x) => e; an arm of a match, pattern -> e",
            T::ColonEq => "a variable is declared with `let`: let x = 1",
            T::ColonColon => "members are reached with a point: a.b",
            T::Semicolon => "a newline ends a statement",
            T::EqEqEq => "equality is written ==",
            T::Eq => "comparison is written ==",
            T::Pipe if before(1) != Some(T::Ident) => "a lambda is written fn(x) => e",
            T::LBrace => "blocks have no braces; they end with `end`",
            _ if before(1) == Some(T::PlusPlus) => "to count up write x += 1",
            _ if (before(1), before(2)) == (Some(T::Minus), Some(T::Minus)) => {
                "to count down write x -= 1"
            }
            _ if before(1) == Some(T::Question) => "a choice is written if c then a else b",
            _ => return None,
        };
        Some(hint)
    }

    /// The hint for the current token, if it is a word of another language that is followed by
    /// something on its line that cannot follow a name.
    pub(super) fn at_foreign_word(&self) -> Option<foreign::Foreign> {
        if !self.at(T::Ident) || !self.adjacent() {
            return None;
        }
        foreign::of_word(self.interner.resolve(self.peek().symbol))
    }

    /// Whether the token after the current one stands on its line and starts something new.
    pub(super) fn adjacent(&self) -> bool {
        let next = self.nth(1);
        let starts = next.kind.is_name()
            || matches!(
                next.kind,
                T::Int | T::Float | T::Str | T::StrOpen | T::RawStr | T::Bytes
            )
            || matches!(
                next.kind,
                T::True | T::False | T::Null | T::Fn | T::SelfWord | T::Cell
            )
            || matches!(
                next.kind,
                T::Await | T::Match | T::If | T::Do | T::Async | T::Mut
            );
        starts && !next.newline_before && next.kind != T::Step
    }

    /// No more of the file is looked at.
    pub(super) fn give_up(&mut self) {
        if self.quiet {
            self.failed = true;
            return;
        }
        self.gave_up = true;
        self.pos = self.tokens.len() - 1;
        self.prev_end = self.prev_end.max(self.peek().start);
    }

    /// Goes to the next token that starts a line, or to one that ends a block.
    pub(super) fn skip_line(&mut self) {
        while !self.at(T::Eof) {
            if self.peek().newline_before || self.at(T::End) {
                return;
            }
            self.bump();
        }
    }

    /// After a statement: the line must be over, or the block.
    pub(super) fn expect_line_end(&mut self) {
        let token = self.peek();
        if token.newline_before || self.at_block_end() || self.at(T::Eof) {
            return;
        }
        if self.at(T::Semicolon) {
            self.foreign(
                "statements are not separated by `;`",
                "a newline ends a statement",
            );
            self.bump();
            return;
        }
        self.report_rest_of_line();
        self.skip_line();
    }

    fn report_rest_of_line(&mut self) {
        let token = self.peek();
        if token.kind == T::Unknown || self.hint().is_some() {
            self.unexpected("expected the end of the line");
            return;
        }
        let found = self.describe(token);
        let message = format!("expected the end of the line, found {found}");
        let mut diagnostic = Diagnostic::new(Code::MissingNewline, message, self.span_of(token));
        let before = self.pos.checked_sub(1).map(|at| self.tokens[at]);
        match before {
            Some(word) if word.kind == T::Ident => {
                let name = self.interner.resolve(word.symbol);
                match foreign::of_word(name) {
                    Some(found) => diagnostic = diagnostic.help(found.help),
                    None if matches!(token.kind, T::Str | T::StrOpen | T::Ident | T::Int) => {
                        diagnostic = diagnostic.help(format!("a call is written {name}(…)"));
                    }
                    None => {}
                }
            }
            _ => {}
        }
        self.error(diagnostic);
    }

    /// Whether the current token ends a block, of whatever kind.
    pub(super) fn at_block_end(&self) -> bool {
        matches!(
            self.kind(),
            T::End | T::Else | T::Catch | T::Finally | T::RParen | T::RBracket | T::RBrace
        ) || matches!(self.kind(), T::HoleClose | T::FormatSpec)
    }

    /// After the header of a block: `:` and `do` of other languages.
    pub(super) fn opt_foreign_header_end(&mut self, keyword: &str) {
        // Also within brackets: a line of its own is the block's first statement.
        let same_line = !self.peek().newline_before;
        if same_line && self.at(T::Colon) && self.nth(1).newline_before {
            let message = format!("no `:` after `{keyword}`");
            self.foreign(
                message,
                "a newline ends the header; the block ends with `end`",
            );
            self.bump();
        } else if same_line && self.at(T::Do) && self.nth(1).newline_before {
            let message = format!("no `do` after `{keyword}`");
            self.foreign(
                message,
                "a newline ends the header; the block ends with `end`",
            );
            self.bump();
        }
    }

    /// Notes a block that seems to have taken the `end` of a block around it.
    pub(super) fn note_end(&mut self, opener: Span, end: Token) {
        if self.suspect.is_some() || !end.newline_before {
            return;
        }
        if self.indentation(end.start) < self.indentation(opener.start) {
            self.suspect = Some(Suspect {
                opener,
                end: self.span_of(end),
            });
        }
    }

    /// How many white characters begin the line of `offset`.
    pub(super) fn indentation(&self, offset: u32) -> usize {
        let line_start = self.text[..offset as usize]
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let line = &self.text[line_start..];
        line.len() - line.trim_start_matches([' ', '\t']).len()
    }

    /// Reports that the block opened by `opener` lacks its `end`; the current token shows it.
    pub(super) fn unclosed_block(&mut self, opener: Span) {
        let here = self.peek_span();
        let suspect = self.suspect.take();
        let at = suspect.map_or(opener, |suspect| suspect.opener);
        let word = self.text_of(at);
        let message = format!("`{word}` is not closed: an `end` is missing");
        let mut diagnostic = Diagnostic::new(Code::Unterminated, message, at);
        diagnostic = diagnostic.primary("opened here");
        diagnostic = match suspect {
            Some(suspect) => diagnostic.label(
                suspect.end,
                "this `end` closes it, but is indented like a block further out",
            ),
            None if self.at(T::Eof) => diagnostic.label(here, "still open at the end of the file"),
            None => diagnostic.label(here, "still open here"),
        };
        self.error(diagnostic);
    }

    /// Takes the closing bracket of what `open` opened. `what` could stand there as well.
    pub(super) fn expect_close(&mut self, open: Token, what: &str) {
        let close = match open.kind {
            T::LParen => T::RParen,
            T::LBrace => T::RBrace,
            T::HoleOpen => T::HoleClose,
            _ => T::RBracket,
        };
        if self.opt(close).is_some() {
            return;
        }
        let before = self.pos.checked_sub(1).map(|at| self.tokens[at].kind);
        if before == Some(T::Unknown) && self.peek().newline_before {
            // An unterminated string, reported by the lexer, took the closing bracket with it.
            self.error_at = self.pos;
        } else if close == T::HoleClose {
            self.unexpected("expected `}`");
        } else if self.at(T::Eof) || (self.peek().newline_before && self.at_statement_word()) {
            let mark = open.kind.text();
            let message = format!("`{mark}` is not closed");
            let (at, here) = (self.span_of(open), self.peek_span());
            let diagnostic = Diagnostic::new(Code::Unterminated, message, at);
            let missing = format!("expected `{}` before this", close.text());
            self.error(diagnostic.primary("opened here").label(here, missing));
        } else {
            self.unexpected(&format!("expected {what}`{}`", close.text()));
        }
        self.skip_to_close(close);
    }

    /// Goes behind `close` if it comes before the next statement, and not too far away: a file of
    /// nothing but errors must not take quadratic time.
    fn skip_to_close(&mut self, close: T) {
        let mut depth = 0_u32;
        for (index, token) in self.tokens[self.pos..].iter().take(1000).enumerate() {
            let is_open = matches!(
                token.kind,
                T::LParen | T::LBracket | T::LBrace | T::QuestionBracket | T::HoleOpen
            );
            let is_close = matches!(
                token.kind,
                T::RParen | T::RBracket | T::RBrace | T::HoleClose
            );
            if depth == 0 && token.kind == close {
                for _ in 0..=index {
                    self.bump();
                }
                return;
            }
            let new_line = index > 0 && token.newline_before && close != T::HoleClose;
            let stop = token.kind == T::Eof || (new_line && starts_statement(token.kind));
            if stop || (is_close && depth == 0) {
                return;
            }
            depth = depth + u32::from(is_open) - u32::from(is_close);
        }
    }

    /// Whether a bracketed list ends here: at `close`, or where the next line shows that `close`
    /// is missing.
    pub(super) fn at_list_end(&self, close: T) -> bool {
        let token = self.peek();
        token.kind == close
            || token.kind == T::Eof
            || (token.newline_before
                && starts_statement(token.kind)
                && !matches!(token.kind, T::For | T::While | T::Loop | T::Return)
                && self.nth(1).kind != T::Colon)
    }

    /// Whether the current token is a word that only a statement or declaration begins with.
    pub(super) fn at_statement_word(&self) -> bool {
        starts_statement(self.kind())
    }
}

fn starts_statement(kind: T) -> bool {
    matches!(
        kind,
        T::Let | T::Return | T::End | T::Defer | T::While | T::For | T::Loop
    ) || matches!(
        kind,
        T::Cell | T::Record | T::Enum | T::Trait | T::Impl | T::Import | T::Pub
    ) || matches!(
        kind,
        T::Const | T::Type | T::Use | T::Extern | T::Else | T::Catch
    )
}
