//! Strings, their holes, and the text of `role` lines.

use super::Lexer;
use crate::diag::{Code, Diagnostic};
use crate::syntax::token::TokenKind as T;

/// Said where braces in a string may have been meant as such.
pub(in crate::syntax) const HOLE_NOTE: &str =
    "`{` in a string begins an expression; write \\{ for the character";

/// A string whose hole we are in.
pub(super) struct Hole {
    /// Brackets opened in the hole and not closed.
    pub(super) depth: u32,
    /// Whether a newline may stand in the string.
    pub(super) multiline: bool,
    /// How the string ends.
    end: End,
    /// The index of the token that opened the string.
    open: usize,
}

/// How a string ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// With `"`.
    Quote,
    /// With `"""`.
    Quotes,
    /// With the line.
    Line,
}

/// Why the text of a string stopped.
enum Stop {
    End,
    Hole,
    Missing,
}

impl Lexer<'_> {
    /// A string from its opening quote: to its end, or to its first hole.
    pub(super) fn string(&mut self) {
        let start = self.pos;
        let triple = self.byte(1) == b'"' && self.byte(2) == b'"';
        let (end, length) = if triple {
            (End::Quotes, 3)
        } else {
            (End::Quote, 1)
        };
        self.pos += length;
        let text = self.pos;
        match self.skip_text(end) {
            Stop::End => {
                self.pos += length;
                self.push(T::Str, start);
            }
            Stop::Missing => self.unterminated(start, triple),
            Stop::Hole => {
                let stop = std::mem::replace(&mut self.pos, text);
                self.push(T::StrOpen, start);
                self.pos = stop;
                self.open_hole(text, end, self.tokens.len() - 1);
            }
        }
    }

    /// Goes to what ends the text: the quotes, a hole, or the newline that should not be there.
    fn skip_text(&mut self, end: End) -> Stop {
        while self.pos < self.end {
            match self.bytes[self.pos] {
                b'\\' if end != End::Line || self.byte(1) != b'\n' => {
                    self.pos += 1;
                    if self.pos < self.end && (end == End::Quotes || self.byte(0) != b'\n') {
                        let next = self.text[self.pos..].chars().next();
                        self.pos += next.map_or(1, char::len_utf8);
                        // The brace of \u{…} begins no hole.
                        if next == Some('u') && self.byte(0) == b'{' {
                            self.pos += 1;
                        }
                    }
                }
                b'{' => return Stop::Hole,
                b'"' if end == End::Quote => return Stop::End,
                b'"' if end == End::Quotes && self.byte(1) == b'"' && self.byte(2) == b'"' => {
                    return Stop::End;
                }
                b'\n' if end == End::Line => return Stop::End,
                b'\n' if end == End::Quote => return Stop::Missing,
                _ => self.pos += 1,
            }
        }
        if end == End::Line {
            Stop::End
        } else {
            Stop::Missing
        }
    }

    /// At `{`: adds the text since `text`, the brace, and enters the hole.
    fn open_hole(&mut self, text: usize, end: End, open: usize) {
        if self.pos > text {
            self.push(T::StrText, text);
        }
        let start = self.pos;
        self.pos += 1;
        self.push(T::HoleOpen, start);
        let multiline = end == End::Quotes;
        self.holes.push(Hole {
            depth: 0,
            multiline,
            end,
            open,
        });
    }

    /// After `}`, which is at `start`: leaves the hole and goes on with the text.
    pub(super) fn close_hole(&mut self, start: usize) {
        self.push(T::HoleClose, start);
        let Some(hole) = self.holes.pop() else { return };
        let text = self.pos;
        match self.skip_text(hole.end) {
            Stop::Hole => self.open_hole(text, hole.end, hole.open),
            Stop::End => {
                if self.pos > text {
                    self.push(T::StrText, text);
                }
                let start = self.pos;
                self.pos += match hole.end {
                    End::Quote => 1,
                    End::Quotes => 3,
                    End::Line => 0,
                };
                self.push(T::StrClose, start);
            }
            Stop::Missing => {
                let start = self.take_back(hole.open);
                self.unterminated(start, hole.end == End::Quotes);
            }
        }
    }

    /// After `:` in a hole: the format, up to `}`.
    pub(super) fn format_spec(&mut self) {
        let start = self.pos;
        while self.pos < self.end && !matches!(self.bytes[self.pos], b'}' | b'\n') {
            self.pos += 1;
        }
        self.push(T::FormatSpec, start);
    }

    /// A line or the text ended within holes: all strings that this leaves open are given up.
    pub(super) fn abandon_holes(&mut self) {
        let at_end = self.pos >= self.end;
        let gives_up = |hole: &Hole| at_end || !hole.multiline;
        let Some(first) = self.holes.iter().position(gives_up) else {
            return;
        };
        let (open, end) = (self.holes[first].open, self.holes[first].end);
        self.holes.truncate(first);
        let start = self.take_back(open);
        if end == End::Line {
            let span = self.span(start, self.pos);
            let message = "`{` in the text of a role is not closed";
            let diagnostic = Diagnostic::new(Code::UnterminatedString, message, span);
            self.report(diagnostic.help("write \\{ for the character"));
            self.push(T::Unknown, start);
        } else {
            self.unterminated(start, end == End::Quotes);
        }
    }

    /// Drops the tokens from index `open` on; gives the offset where they started.
    fn take_back(&mut self, open: usize) -> usize {
        let first = self.tokens[open];
        self.tokens.truncate(open);
        self.newline = first.newline_before;
        self.space = first.space_before;
        first.start as usize
    }

    fn unterminated(&mut self, start: usize, triple: bool) {
        // A string within this one that does not end has been reported: this is the same quote.
        // So has been an escaped quote in a hole.
        let within = self.diagnostics.iter().last().is_some_and(|last| {
            let place = last.primary.as_ref().map(|label| label.span);
            matches!(last.code, Code::UnterminatedString | Code::UnknownCharacter)
                && place.is_some_and(|at| at.file == self.file && at.start as usize > start)
        });
        if within {
            self.push(T::Unknown, start);
            return;
        }
        let quote = if triple { "\"\"\"" } else { "\"" };
        let span = self.span(start, start + quote.len());
        let diagnostic = Diagnostic::new(Code::UnterminatedString, "unterminated string", span);
        let closing = format!("the string starts here; its closing {quote} is missing");
        let mut diagnostic = diagnostic.primary(closing);
        if !triple {
            diagnostic = diagnostic
                .help("a string ends on its line; write \"\"\"…\"\"\" for several lines")
                .note(HOLE_NOTE);
        }
        self.report(diagnostic);
        self.push(T::Unknown, start);
    }

    /// `r"raw"`, or `r"""…"""` over several lines
    pub(super) fn raw_string(&mut self) {
        if self.byte(2) != b'"' || self.byte(3) != b'"' {
            return self.prefixed(T::RawStr);
        }
        let start = self.pos;
        self.pos += 4;
        match self.text[self.pos..self.end].find("\"\"\"") {
            Some(length) => {
                self.pos += length + 3;
                self.push(T::RawStr, start);
            }
            None => {
                self.pos = self.end;
                let span = self.span(start, start + 4);
                let diagnostic =
                    Diagnostic::new(Code::UnterminatedString, "unterminated string", span);
                let missing = "the string starts here; its closing \"\"\" is missing";
                self.report(diagnostic.primary(missing));
                self.push(T::Unknown, start);
            }
        }
    }

    /// `b"cafe"`
    pub(super) fn bytes_literal(&mut self) {
        self.prefixed(T::Bytes);
    }

    fn prefixed(&mut self, kind: T) {
        let start = self.pos;
        self.pos += 2;
        while self.pos < self.end {
            match self.bytes[self.pos] {
                b'"' => {
                    self.pos += 1;
                    self.push(kind, start);
                    return;
                }
                b'\n' => break,
                _ => self.pos += 1,
            }
        }
        let span = self.span(start, start + 2);
        let diagnostic = Diagnostic::new(Code::UnterminatedString, "unterminated string", span);
        self.report(diagnostic.primary("the string starts here; its closing \" is missing"));
        self.push(T::Unknown, start);
    }

    /// After `role` at the start of a line: in `role name: text`, the name and the text, which is
    /// read like the inside of a string that ends with the line. A text that begins with a quote
    /// is an ordinary string.
    pub(super) fn opt_role_text(&mut self) {
        let after_role = self.pos;
        self.skip_blanks();
        let name = self.pos;
        self.skip_word();
        let name_end = self.pos;
        self.skip_blanks();
        let is_role = name > after_role
            && name_end > name
            && !self.bytes[name].is_ascii_digit()
            && self.byte(0) == b':'
            && self.byte(1) != b':';
        let colon = self.pos;
        self.pos = after_role;
        if !is_role {
            return;
        }
        self.pos = name_end;
        self.space = true;
        let symbol = self.interner.intern(&self.text[name..name_end]);
        self.push_symbol(T::of_word(symbol), name, symbol);
        self.pos = colon + 1;
        self.push(T::Colon, colon);
        self.skip_blanks();
        if matches!(self.byte(0), b'"' | b'\n' | 0) {
            return;
        }
        let text = self.pos;
        self.push(T::RoleText, text);
        let open = self.tokens.len() - 1;
        match self.skip_text(End::Line) {
            Stop::Hole => self.open_hole(text, End::Line, open),
            Stop::End | Stop::Missing => {
                self.push(T::StrText, text);
                self.push(T::StrClose, self.pos);
            }
        }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.byte(0), b' ' | b'\t' | b'\r') {
            self.pos += 1;
        }
    }
}
