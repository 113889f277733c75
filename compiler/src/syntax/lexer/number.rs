//! Numbers and durations.

use super::Lexer;
use crate::diag::{Code, Diagnostic};
use crate::syntax::token::TokenKind as T;

impl Lexer<'_> {
    pub(super) fn number(&mut self) {
        let start = self.pos;
        if self.after_point(start) {
            // `t.0.1` is two tuple fields, not the number 0.1.
            self.skip_digits();
            self.push(T::Int, start);
            return;
        }
        let radix = match (self.byte(0), self.byte(1)) {
            (b'0', b'x' | b'X') => 16,
            (b'0', b'b' | b'B') => 2,
            _ => 10,
        };
        if radix != 10 {
            self.radix_number(start, radix);
            return;
        }
        self.skip_digits();
        let mut kind = T::Int;
        if self.byte(0) == b'.' && self.byte(1).is_ascii_digit() {
            self.pos += 1;
            self.skip_digits();
            kind = T::Float;
        }
        if self.at_exponent() {
            self.pos += 2;
            self.skip_digits();
            kind = T::Float;
        }
        let suffix = self.pos;
        self.skip_word();
        match &self.text[suffix..self.pos] {
            "" => self.push(kind, start),
            "ms" | "s" | "min" | "hr" => self.push(T::Duration, start),
            _ => self.bad_number(start, suffix),
        }
    }

    fn after_point(&self, start: usize) -> bool {
        self.tokens.last().is_some_and(|last| {
            matches!(last.kind, T::Dot | T::QuestionDot) && last.end as usize == start
        })
    }

    fn skip_digits(&mut self) {
        while matches!(self.byte(0), b'0'..=b'9' | b'_') {
            self.pos += 1;
        }
    }

    fn at_exponent(&self) -> bool {
        matches!(self.byte(0), b'e' | b'E')
            && (self.byte(1).is_ascii_digit()
                || (matches!(self.byte(1), b'+' | b'-') && self.byte(2).is_ascii_digit()))
    }

    /// `0xff`, `0b1010`
    fn radix_number(&mut self, start: usize, radix: u32) {
        self.pos += 2;
        let digits = self.pos;
        self.skip_word();
        let text = &self.text[digits..self.pos];
        let fits = |character: char| character == '_' || character.is_digit(radix);
        if text.bytes().any(|byte| byte != b'_') && text.chars().all(fits) {
            self.push(T::Int, start);
        } else {
            self.bad_number(start, digits);
        }
    }

    fn bad_number(&mut self, start: usize, suffix: usize) {
        let text = &self.text[start..self.pos];
        let message = format!("malformed number `{text}`");
        let diagnostic = Diagnostic::new(Code::BadNumber, message, self.span(start, self.pos));
        let help = match &self.text[suffix..self.pos] {
            "m" | "mins" | "minute" | "minutes" => "minutes are written 3min",
            "h" | "hour" | "hours" | "hrs" => "hours are written 1hr",
            "sec" | "secs" | "second" | "seconds" => "seconds are written 20s",
            "us" | "ns" => "the shortest unit is the millisecond: 5ms",
            _ => "numbers are 42, 0xff, 0b1010, 3.14, 1e10; durations 5ms, 20s, 3min, 1hr",
        };
        self.report(diagnostic.help(help));
        self.push(T::Unknown, start);
    }
}
