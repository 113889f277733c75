//! Source text to tokens.
//!
//! By hand, over bytes: strings with holes (`"a {f("b")} c"`) and `role` lines nest the lexer in
//! itself, and every token is looked at once. A string with holes becomes `StrOpen`, texts, each
//! hole between `HoleOpen` and `HoleClose`, `StrClose`; one without is a single `Str`. What cannot
//! be a token is reported here and becomes `Unknown`, about which the parser keeps silent.

mod number;
mod string;

pub(super) use string::HOLE_NOTE;

use super::token::{Token, TokenKind as T};
use super::{Interner, Symbol};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, SourceKind, SourceMap, Span, find_fences};

/// The tokens of one file, and its doc comments.
#[derive(Debug)]
pub struct Lexed {
    /// The tokens; the last is `Eof`.
    pub tokens: Vec<Token>,
    /// The lines of doc comments, in order.
    pub docs: Vec<DocLine>,
}

/// One `##` line.
#[derive(Clone, Copy, Debug)]
pub struct DocLine {
    /// The index of the token that follows it.
    pub before: u32,
    /// From the marks to the end of the line.
    pub span: Span,
}

/// Splits `file` into tokens.
pub fn lex(
    sources: &SourceMap,
    file: FileId,
    interner: &mut Interner,
    diagnostics: &mut Diagnostics,
) -> Lexed {
    let source = sources.file(file);
    let mut lexer = Lexer::new(
        source.text(),
        file,
        source.text().len(),
        interner,
        diagnostics,
    );
    match source.kind() {
        SourceKind::Plain => lexer.run(0, source.text().len()),
        SourceKind::Markdown => lexer.run_fences(),
    }
    lexer.finish()
}

/// As [`lex`], of some parts of a plain file only.
pub fn lex_parts(
    sources: &SourceMap,
    file: FileId,
    parts: &[std::ops::Range<usize>],
    interner: &mut Interner,
    diagnostics: &mut Diagnostics,
) -> Lexed {
    let text = sources.file(file).text();
    let len = parts.iter().map(|part| part.len()).sum();
    let mut lexer = Lexer::new(text, file, len, interner, diagnostics);
    for part in parts {
        lexer.run(part.start, part.end);
    }
    lexer.finish()
}

/// The bytes of ASCII that can stand in a word.
const IN_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    file: FileId,
    pos: usize,
    /// Where the text being read ends: the file, or the fence.
    end: usize,
    tokens: Vec<Token>,
    docs: Vec<DocLine>,
    newline: bool,
    space: bool,
    /// The strings we are inside a hole of, outermost first.
    holes: Vec<string::Hole>,
    interner: &'a mut Interner,
    diagnostics: &'a mut Diagnostics,
}

impl<'a> Lexer<'a> {
    /// A lexer that will see about `len` bytes.
    fn new(
        text: &'a str,
        file: FileId,
        len: usize,
        interner: &'a mut Interner,
        diagnostics: &'a mut Diagnostics,
    ) -> Lexer<'a> {
        Lexer {
            text,
            bytes: text.as_bytes(),
            file,
            pos: 0,
            end: 0,
            tokens: Vec::with_capacity(len / 5 + 1),
            docs: Vec::new(),
            newline: true,
            space: false,
            holes: Vec::new(),
            interner,
            diagnostics,
        }
    }

    fn finish(mut self) -> Lexed {
        self.push(T::Eof, self.end);
        Lexed {
            tokens: self.tokens,
            docs: self.docs,
        }
    }
}

impl Lexer<'_> {
    fn run_fences(&mut self) {
        let fences = find_fences(self.text);
        if let Some(line) = fences.unterminated {
            let span = self.span(line.start, line.end);
            let message = "Markdown fence is not closed";
            self.report(Diagnostic::new(Code::UnterminatedFence, message, span));
        }
        for range in fences.lumen {
            self.run(range.start, range.end);
        }
    }

    fn run(&mut self, start: usize, end: usize) {
        (self.pos, self.end) = (start, end);
        self.newline = true;
        if start == 0 && self.text.starts_with('\u{feff}') {
            self.pos = '\u{feff}'.len_utf8();
        }
        loop {
            while self.pos < self.end {
                self.token();
            }
            if self.holes.is_empty() {
                break;
            }
            self.abandon_holes();
        }
        self.newline = true;
    }

    /// The byte `ahead` of the current one; 0 beyond the end.
    fn byte(&self, ahead: usize) -> u8 {
        let at = self.pos + ahead;
        if at < self.end { self.bytes[at] } else { 0 }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start as u32, end as u32)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn push(&mut self, kind: T, start: usize) {
        self.push_symbol(kind, start, Symbol(0));
    }

    /// Adds the token from `start` to the current position.
    fn push_symbol(&mut self, kind: T, start: usize, symbol: Symbol) {
        self.tokens.push(Token {
            kind,
            newline_before: self.newline,
            space_before: self.space,
            start: start as u32,
            end: self.pos as u32,
            symbol,
        });
        self.newline = false;
        self.space = false;
    }

    /// Reads one token, or some white space.
    fn token(&mut self) {
        let start = self.pos;
        match self.byte(0) {
            b' ' | b'\t' | b'\r' => {
                let rest = &self.bytes[start..self.end];
                let length = rest.iter().take_while(|byte| **byte == b' ').count();
                self.pos += length.max(1);
                self.space = true;
            }
            b'\n' => self.line_end(),
            b'#' => self.comment(),
            b'r' if self.byte(1) == b'"' => self.raw_string(),
            b'b' if self.byte(1) == b'"' => self.bytes_literal(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'@' => self.label(),
            128.. => self.beyond_ascii(),
            _ => match self.mark() {
                Some((kind, length)) => {
                    self.pos += length;
                    self.push_mark(kind, start);
                }
                None => self.unknown(),
            },
        }
    }

    fn line_end(&mut self) {
        if self.holes.last().is_some_and(|hole| !hole.multiline) {
            self.abandon_holes();
            return;
        }
        self.pos += 1;
        self.newline = true;
        self.space = true;
    }

    fn comment(&mut self) {
        let start = self.pos;
        let is_doc = self.newline && self.byte(1) == b'#' && self.byte(2) != b'#';
        self.skip_line();
        self.space = true;
        if is_doc {
            let span = self.span(start, start + self.text[start..self.pos].trim_end().len());
            self.docs.push(DocLine {
                before: self.tokens.len() as u32,
                span,
            });
        }
    }

    /// Goes to the end of the line, before its newline.
    fn skip_line(&mut self) {
        let rest = &self.text[self.pos..self.end];
        self.pos += rest.find('\n').unwrap_or(rest.len());
    }

    /// Goes on while the characters can stand in a word.
    fn skip_word(&mut self) {
        loop {
            let rest = &self.bytes[self.pos..self.end];
            let length = rest.iter().take_while(|byte| IN_WORD[**byte as usize]);
            self.pos += length.count();
            if self.byte(0) < 128 {
                return;
            }
            match self.text[self.pos..self.end].chars().next() {
                Some(next) if next.is_alphanumeric() => self.pos += next.len_utf8(),
                _ => return,
            }
        }
    }

    fn word(&mut self) {
        let start = self.pos;
        let first_on_line = self.newline;
        self.skip_word();
        let symbol = self.interner.intern(&self.text[start..self.pos]);
        let kind = match T::of_word(symbol) {
            T::Ident if self.pos - start == 1 && self.bytes[start] == b'_' => T::Underscore,
            kind => kind,
        };
        self.push_symbol(kind, start, symbol);
        if kind == T::Role && first_on_line {
            self.opt_role_text();
        }
    }

    fn label(&mut self) {
        let start = self.pos;
        self.pos += 1;
        self.skip_word();
        if self.pos == start + 1 {
            self.pos = start;
            self.unknown();
            return;
        }
        let symbol = self.interner.intern(&self.text[start + 1..self.pos]);
        self.push_symbol(T::Label, start, symbol);
    }

    fn beyond_ascii(&mut self) {
        let next = self.text[self.pos..self.end].chars().next();
        match next {
            Some(next) if next.is_alphabetic() => self.word(),
            Some(next) if next.is_whitespace() => {
                self.pos += next.len_utf8();
                self.space = true;
            }
            _ => self.unknown(),
        }
    }

    /// The mark that starts here, and its length.
    fn mark(&self) -> Option<(T, usize)> {
        let found = match (self.byte(0), self.byte(1), self.byte(2)) {
            (b'(', _, _) => (T::LParen, 1),
            (b')', _, _) => (T::RParen, 1),
            (b'[', _, _) => (T::LBracket, 1),
            (b']', _, _) => (T::RBracket, 1),
            (b'{', _, _) => (T::LBrace, 1),
            (b'}', _, _) => (T::RBrace, 1),
            (b',', _, _) => (T::Comma, 1),
            (b';', _, _) => (T::Semicolon, 1),
            (b'.', b'.', b'=') => (T::DotDotEq, 3),
            (b'.', b'.', b'.') => (T::Ellipsis, 3),
            (b'.', b'.', _) => (T::DotDot, 2),
            (b'.', _, _) => (T::Dot, 1),
            (b':', b'=', _) => (T::ColonEq, 2),
            (b':', b':', _) => (T::ColonColon, 2),
            (b':', _, _) => (T::Colon, 1),
            (b'=', b'=', b'=') => (T::EqEqEq, 3),
            (b'=', b'=', _) => (T::EqEq, 2),
            (b'=', b'>', _) => (T::FatArrow, 2),
            (b'=', _, _) => (T::Eq, 1),
            (b'!', b'=', b'=') => (T::NotEqEq, 3),
            (b'!', b'=', _) => (T::NotEq, 2),
            (b'!', _, _) => (T::Bang, 1),
            (b'<', b'<', b'=') => (T::ShlEq, 3),
            (b'<', b'<', _) => (T::Shl, 2),
            (b'<', b'=', _) => (T::LtEq, 2),
            (b'<', _, _) => (T::Lt, 1),
            (b'>', b'>', b'=') => (T::ShrEq, 3),
            (b'>', b'>', _) => (T::Shr, 2),
            (b'>', b'=', _) => (T::GtEq, 2),
            (b'>', _, _) => (T::Gt, 1),
            (b'?', b'.', b'.') => (T::Question, 1),
            (b'?', b'.', _) => (T::QuestionDot, 2),
            (b'?', b'[', _) => (T::QuestionBracket, 2),
            (b'?', b'?', _) => (T::QuestionQuestion, 2),
            (b'?', _, _) => (T::Question, 1),
            (b'~', b'>', _) => (T::TildeGt, 2),
            (b'~', _, _) => (T::Tilde, 1),
            _ => return self.arithmetic_mark(),
        };
        Some(found)
    }

    fn arithmetic_mark(&self) -> Option<(T, usize)> {
        let found = match (self.byte(0), self.byte(1), self.byte(2)) {
            (b'-', b'>', _) => (T::Arrow, 2),
            (b'-', b'=', _) => (T::MinusEq, 2),
            (b'-', _, _) => (T::Minus, 1),
            (b'+', b'+', b'=') => (T::PlusPlusEq, 3),
            (b'+', b'+', _) => (T::PlusPlus, 2),
            (b'+', b'=', _) => (T::PlusEq, 2),
            (b'+', _, _) => (T::Plus, 1),
            (b'*', b'*', b'=') => (T::StarStarEq, 3),
            (b'*', b'*', _) => (T::StarStar, 2),
            (b'*', b'=', _) => (T::StarEq, 2),
            (b'*', _, _) => (T::Star, 1),
            (b'/', b'/', _) if self.newline => return None,
            (b'/', b'*', _) => return None,
            (b'/', b'/', b'=') => (T::SlashSlashEq, 3),
            (b'/', b'/', _) => (T::SlashSlash, 2),
            (b'/', b'=', _) => (T::SlashEq, 2),
            (b'/', _, _) => (T::Slash, 1),
            (b'%', b'=', _) => (T::PercentEq, 2),
            (b'%', _, _) => (T::Percent, 1),
            (b'&', b'&', _) => (T::AmpAmp, 2),
            (b'&', b'=', _) => (T::AmpEq, 2),
            (b'&', _, _) => (T::Amp, 1),
            (b'|', b'>', _) => (T::PipeGt, 2),
            (b'|', b'|', _) => (T::PipePipe, 2),
            (b'|', b'=', _) => (T::PipeEq, 2),
            (b'|', _, _) => (T::Pipe, 1),
            (b'^', b'=', _) => (T::CaretEq, 2),
            (b'^', _, _) => (T::Caret, 1),
            _ => return None,
        };
        Some(found)
    }

    /// Adds a mark, unless it belongs to the hole of a string.
    fn push_mark(&mut self, kind: T, start: usize) {
        if let Some(hole) = self.holes.last_mut() {
            match kind {
                T::LParen | T::LBracket | T::QuestionBracket | T::LBrace => hole.depth += 1,
                T::RBrace if hole.depth == 0 => {
                    self.close_hole(start);
                    return;
                }
                T::RParen | T::RBracket | T::RBrace => hole.depth = hole.depth.saturating_sub(1),
                T::Colon | T::ColonEq | T::ColonColon if hole.depth == 0 => {
                    self.pos = start + 1;
                    self.format_spec();
                    return;
                }
                _ => {}
            }
        }
        self.push(kind, start);
    }

    /// Reports what cannot start a token, and skips it.
    fn unknown(&mut self) {
        let start = self.pos;
        let rest = &self.text[start..self.end];
        let Some(first) = rest.chars().next() else {
            return;
        };
        if rest.starts_with("//") || rest.starts_with("/*") {
            self.foreign_comment();
            return;
        }
        let quote = matches!(first, '\'' | '`' | '“' | '”' | '‘' | '’' | '«' | '„');
        // A quotation is looked for on the line, and not far: the text may be one long line.
        let line: &str = match rest
            .char_indices()
            .take(200)
            .find(|(_, next)| *next == '\n')
        {
            Some((newline, _)) => &rest[..newline],
            None => rest
                .char_indices()
                .nth(200)
                .map_or(rest, |(end, _)| &rest[..end]),
        };
        let length = match line[first.len_utf8()..].find(['\'', '`', '”', '’', '»', '“']) {
            Some(inner) if quote => {
                let end = first.len_utf8() + inner;
                end + rest[end..].chars().next().map_or(0, char::len_utf8)
            }
            _ => rest
                .chars()
                .take_while(|next| *next == first)
                .map(char::len_utf8)
                .sum(),
        };
        self.pos += length;
        let span = self.span(start, self.pos);
        let shown = if first.is_control() {
            format!("U+{:04X}", u32::from(first))
        } else {
            first.to_string()
        };
        let message = format!("unknown character `{shown}`");
        let mut diagnostic = Diagnostic::new(Code::UnknownCharacter, message, span);
        if quote {
            diagnostic = diagnostic.help("strings are written with double quotes: \"text\"");
        } else if first == '\\' && self.byte(0) == b'"' {
            diagnostic = diagnostic
                .help("between `{` and `}` in a string quotes are written without it")
                .note(HOLE_NOTE);
            // Where the string ends is anybody's guess.
            self.skip_line();
        } else if first == ';' {
            diagnostic = diagnostic.help("a newline ends a statement");
        }
        self.report(diagnostic);
        self.push(T::Unknown, start);
    }

    fn foreign_comment(&mut self) {
        let start = self.pos;
        if self.byte(1) == b'*' {
            let rest = &self.text[start..self.end];
            self.pos = rest.find("*/").map_or(self.end, |at| start + at + 2);
        } else {
            self.skip_line();
        }
        let span = self.span(start, start + 2);
        let message = "comments start with `#`";
        self.report(Diagnostic::new(Code::ForeignSyntax, message, span));
        self.space = true;
    }
}

#[cfg(test)]
mod tests;
