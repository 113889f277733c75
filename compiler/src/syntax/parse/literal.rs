//! Literals, except for strings with holes.

use super::*;

/// The digits of the smallest Int, which is one beyond the largest.
const LEAST_INT: u64 = 1 << 63;

impl Parser<'_> {
    /// A literal without holes; `negative` when a `-` has just been taken.
    pub(super) fn parse_literal(&mut self, negative: bool) -> Expr {
        let start = if negative {
            self.tokens[self.pos - 1].start
        } else {
            self.peek().start
        };
        self.parse_literal_from(start, negative)
    }

    pub(super) fn parse_literal_from(&mut self, start: u32, negative: bool) -> Expr {
        let token = self.peek();
        let text = self.text_of(self.span_of(token));
        let kind = match token.kind {
            T::Null => ExprKind::Null,
            T::True => ExprKind::Bool(true),
            T::False => ExprKind::Bool(false),
            T::Int => self.int(text, negative),
            T::Float => self.float(text, negative),
            T::Duration => self.duration(text, negative),
            T::Bytes => self.bytes(text),
            T::RawStr => ExprKind::Str(self.raw_text(token).into()),
            T::Str => return self.parse_string(),
            _ => {
                self.unexpected("expected a literal");
                return self.error_expr();
            }
        };
        self.bump();
        self.expr_from(start, kind)
    }

    /// Whether the current token is the literal of the smallest Int, which only `-` makes one.
    pub(super) fn at_least_int(&self) -> bool {
        self.at(T::Int) && magnitude(self.text_of(self.peek_span())) == Some(LEAST_INT)
    }

    fn int(&mut self, text: &str, negative: bool) -> ExprKind {
        let value = magnitude(text).and_then(|value| match negative {
            true if value == LEAST_INT => Some(i64::MIN),
            true => i64::try_from(value).ok().map(|value| -value),
            false => i64::try_from(value).ok(),
        });
        value.map_or_else(|| self.out_of_range(text), ExprKind::Int)
    }

    fn out_of_range(&mut self, text: &str) -> ExprKind {
        let span = self.peek_span();
        let shown: String = text.chars().take(40).collect();
        let message = format!("integer `{shown}` is out of range");
        let diagnostic = Diagnostic::new(Code::IntegerOutOfRange, message, span);
        self.error(
            diagnostic
                .note("an Int has 64 bits: -9223372036854775808 to 9223372036854775807")
                .help("write a Float for larger magnitudes: 1e20"),
        );
        ExprKind::Error
    }

    fn float(&mut self, text: &str, negative: bool) -> ExprKind {
        let value: f64 = without_underscores(text).parse().unwrap_or(f64::INFINITY);
        if value.is_infinite() {
            let span = self.peek_span();
            let message = "number is out of range";
            let diagnostic = Diagnostic::new(Code::BadNumber, message, span);
            self.error(diagnostic.note("the largest Float is about 1.8e308"));
            return ExprKind::Error;
        }
        ExprKind::Float(if negative { -value } else { value })
    }

    /// `5ms`, `20s`, `3min`, `1hr`, `1.5s`: milliseconds
    fn duration(&mut self, text: &str, negative: bool) -> ExprKind {
        let (digits, factor) = match text {
            _ if text.ends_with("ms") => (&text[..text.len() - 2], 1),
            _ if text.ends_with("min") => (&text[..text.len() - 3], 60_000),
            _ if text.ends_with("hr") => (&text[..text.len() - 2], 3_600_000),
            _ => (&text[..text.len() - 1], 1_000),
        };
        let sign = if negative { -1 } else { 1 };
        if let Some(whole) = magnitude(digits) {
            let value = i64::try_from(whole)
                .ok()
                .and_then(|whole| whole.checked_mul(factor));
            return value.map_or_else(|| self.out_of_range(text), |ms| ExprKind::Int(sign * ms));
        }
        let value = without_underscores(digits).parse().unwrap_or(f64::NAN) * factor as f64;
        // Up to 2^53 every whole number is exact.
        if value.fract() != 0.0 || value >= 9e15 {
            let span = self.peek_span();
            let message = format!("duration `{text}` is not a whole number of milliseconds");
            self.error(Diagnostic::new(Code::BadNumber, message, span));
            return ExprKind::Error;
        }
        ExprKind::Int(sign * value as i64)
    }

    /// `b"cafe"`
    fn bytes(&mut self, text: &str) -> ExprKind {
        let digits = &text[2..text.len() - 1];
        let mut bytes = Vec::with_capacity(digits.len() / 2);
        let mut high = None;
        for digit in digits.chars().filter(|next| !matches!(next, ' ' | '_')) {
            let Some(value) = digit.to_digit(16) else {
                return self.bad_bytes(&format!("`{digit}` is not a hexadecimal digit"));
            };
            match high.take() {
                None => high = Some(value),
                Some(high) => bytes.push((high * 16 + value) as u8),
            }
        }
        if high.is_some() {
            return self.bad_bytes("the number of hexadecimal digits is odd");
        }
        ExprKind::Bytes(bytes.into())
    }

    fn bad_bytes(&mut self, what: &str) -> ExprKind {
        let span = self.peek_span();
        let message = format!("malformed bytes literal: {what}");
        let diagnostic = Diagnostic::new(Code::BadBytes, message, span);
        self.error(diagnostic.help("b\"cafe\" is the two bytes ca and fe"));
        ExprKind::Error
    }
}

fn without_underscores(text: &str) -> String {
    text.chars().filter(|next| *next != '_').collect()
}

/// The value of an integer literal; `None` beyond 64 bits, or if it is none.
fn magnitude(text: &str) -> Option<u64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', b'b' | b'B', ..] => (&text[2..], 2),
        _ => (text, 10),
    };
    let mut value: u64 = 0;
    for digit in digits.chars().filter(|next| *next != '_') {
        let digit = u64::from(digit.to_digit(radix)?);
        value = value.checked_mul(u64::from(radix))?.checked_add(digit)?;
    }
    Some(value)
}
