//! Strings: escapes, common indentation, holes and their formats.

use super::*;

/// One piece of a string before its escapes are resolved.
enum Piece {
    /// Where the text stands.
    Text(Span),
    /// `{expr}`
    Hole(Hole),
}

impl Parser<'_> {
    /// A string, as an expression.
    pub(super) fn parse_string(&mut self) -> Expr {
        let start = self.peek().start;
        let mut parts = self.parse_string_parts();
        let kind = match parts.pop() {
            None => ExprKind::Str("".into()),
            Some(StrPart::Text(text)) if parts.is_empty() => ExprKind::Str(text),
            Some(last) => {
                parts.push(last);
                ExprKind::Interpolation(parts)
            }
        };
        self.expr_from(start, kind)
    }

    /// The parts of a string or role text: texts, never empty and never two in a row, and holes.
    pub(super) fn parse_string_parts(&mut self) -> Vec<StrPart> {
        let open = self.peek();
        let opener = self.text_of(self.span_of(open));
        let multiline = opener.starts_with("\"\"\"") && open.kind != T::RoleText;
        let quote = if multiline { 3 } else { 1 };
        if open.kind == T::RawStr {
            self.bump();
            return vec![StrPart::Text(self.raw_text(open).into())];
        }
        let pieces = if open.kind == T::Str {
            self.bump();
            let (start, end) = (open.start + quote, open.end - quote);
            vec![Piece::Text(Span::new(self.file, start, end))]
        } else {
            self.bump();
            self.parse_pieces(open)
        };
        let indentation = if multiline {
            self.common_indentation(&pieces)
        } else {
            String::new()
        };
        let count = pieces.len();
        let mut parts: Vec<StrPart> = Vec::with_capacity(count);
        for (index, piece) in pieces.into_iter().enumerate() {
            match piece {
                Piece::Hole(hole) => parts.push(StrPart::Hole(Box::new(hole))),
                Piece::Text(span) => {
                    let mut raw = self.text_of(span);
                    if open.kind == T::RoleText {
                        raw = raw.trim_end_matches('\r');
                    }
                    let cooked = match multiline {
                        true => {
                            let ends = (index == 0, index + 1 == count);
                            self.cook_lines(raw, span.start, ends, &indentation)
                        }
                        false => self.cook(raw, span.start),
                    };
                    if !cooked.is_empty() {
                        parts.push(StrPart::Text(cooked.into()));
                    }
                }
            }
        }
        if open.kind == T::RoleText {
            trim_last(&mut parts);
        }
        parts
    }

    /// What a raw string holds.
    pub(super) fn raw_text(&mut self, token: Token) -> String {
        let written = self.text_of(self.span_of(token));
        if !written.starts_with("r\"\"\"") || written.len() < 7 {
            return written[2..written.len() - 1].to_owned();
        }
        let inside = Span::new(self.file, token.start + 4, token.end - 3);
        let indentation = self.common_indentation(&[Piece::Text(inside)]);
        let raw = self.text_of(inside);
        self.lines(
            raw,
            inside.start,
            (true, true),
            &indentation,
            |_, line, _| line.to_owned(),
        )
    }

    /// Texts and holes up to the end of the string that `open` opened.
    fn parse_pieces(&mut self, open: Token) -> Vec<Piece> {
        let mut pieces = Vec::new();
        loop {
            match self.kind() {
                T::StrText => {
                    let token = self.bump();
                    pieces.push(Piece::Text(self.span_of(token)));
                }
                T::HoleOpen => pieces.push(Piece::Hole(self.parse_hole())),
                T::StrClose => {
                    self.bump();
                    return pieces;
                }
                _ => {
                    // Only after an error within a hole that took more than the hole.
                    let span = self.span_of(open);
                    self.error(Diagnostic::new(
                        Code::UnterminatedString,
                        "a hole of this string is not closed",
                        span,
                    ));
                    return pieces;
                }
            }
        }
    }

    /// `{expr}`, `{expr:format}`
    fn parse_hole(&mut self) -> Hole {
        let open = self.bump();
        // A hole counts as a level of its own: its frames are large.
        let entered = self.enter();
        let (expr, format) = self.in_brackets(|parser| {
            if !entered {
                return (parser.error_expr(), None);
            }
            if matches!(parser.kind(), T::HoleClose | T::FormatSpec) {
                let span = Span::new(parser.file, open.start, parser.peek().end);
                let message = "a hole in a string needs an expression";
                let diagnostic = Diagnostic::new(Code::EmptyHole, message, span);
                parser.error(diagnostic.help("write \\{ for the character"));
                let expr = parser.error_expr();
                parser.opt(T::FormatSpec);
                return (expr, None);
            }
            let expr = parser.parse_expr();
            let format = parser
                .opt(T::FormatSpec)
                .and_then(|token| parser.format(token));
            (expr, format)
        });
        self.leave();
        self.in_brackets(|parser| parser.close_hole(open));
        Hole {
            expr,
            format,
            span: self.span_from(open.start),
        }
    }

    /// Takes `}`; if something else stands there, goes on behind the `}` of this hole.
    fn close_hole(&mut self, open: Token) {
        if self.opt(T::HoleClose).is_some() {
            return;
        }
        if self.at(T::Eof) {
            self.expect_close(open, "");
            return;
        }
        self.unexpected("expected `}`");
        let mut depth = 0;
        while !self.at(T::Eof) {
            match self.bump().kind {
                T::HoleOpen => depth += 1,
                T::HoleClose if depth == 0 => return,
                T::HoleClose => depth -= 1,
                _ => {}
            }
        }
    }

    /// The white space that begins every line of a multi-line string, empty lines aside.
    fn common_indentation(&self, pieces: &[Piece]) -> String {
        let mut common: Option<&str> = None;
        for (index, piece) in pieces.iter().enumerate() {
            let Piece::Text(span) = piece else { continue };
            let text = self.text_of(*span);
            let is_last = index + 1 == pieces.len();
            for (at, _) in text.match_indices('\n') {
                let line = &text[at + 1..];
                let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
                let indentation = &line[..blank];
                let after = line[blank..].trim_start_matches('\r');
                let empty = after.starts_with('\n') || (after.is_empty() && is_last);
                if !empty {
                    common = Some(common.map_or(indentation, |one| shared(one, indentation)));
                }
            }
        }
        common.unwrap_or("").to_owned()
    }

    /// A piece of a multi-line string: the first newline and the common indentation dropped.
    /// `ends` says whether it is the first and whether it is the last piece.
    fn cook_lines(
        &mut self,
        raw: &str,
        start: u32,
        ends: (bool, bool),
        indentation: &str,
    ) -> String {
        self.lines(raw, start, ends, indentation, Self::cook)
    }

    /// As [`Parser::cook_lines`], each line by `cook`, with the offset where it starts.
    fn lines(
        &mut self,
        raw: &str,
        start: u32,
        ends: (bool, bool),
        indentation: &str,
        cook: impl Fn(&mut Self, &str, u32) -> String,
    ) -> String {
        let mut out = String::with_capacity(raw.len());
        let mut at = start;
        let mut lines = raw.split('\n').enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            let is_last = lines.peek().is_none();
            let mut kept = if is_last {
                line
            } else {
                line.strip_suffix('\r').unwrap_or(line)
            };
            let mut skipped = 0;
            if index > 0 {
                let first_newline = ends.0 && index == 1 && out.is_empty();
                if !first_newline {
                    out.push('\n');
                }
                let blank = kept.trim_start_matches([' ', '\t']).is_empty();
                let whole = !is_last || ends.1;
                skipped = if blank && whole {
                    kept.len()
                } else {
                    shared(kept, indentation).len()
                };
                kept = &kept[skipped..];
            }
            let cooked = cook(self, kept, at + skipped as u32);
            out.push_str(&cooked);
            at += line.len() as u32 + 1;
        }
        out
    }

    /// `raw`, which starts at offset `start`, with its escapes resolved.
    fn cook(&mut self, raw: &str, start: u32) -> String {
        let Some(first) = raw.find('\\') else {
            return raw.to_owned();
        };
        let mut out = String::with_capacity(raw.len());
        out.push_str(&raw[..first]);
        let mut rest = &raw[first..];
        while let Some(next) = rest.chars().next() {
            if next != '\\' {
                let until = rest.find('\\').unwrap_or(rest.len());
                out.push_str(&rest[..until]);
                rest = &rest[until..];
                continue;
            }
            match escape(rest) {
                Some((character, length)) => {
                    out.push(character);
                    rest = &rest[length..];
                }
                None => {
                    let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                    let at = start + (raw.len() - rest.len()) as u32;
                    self.bad_escape(&rest[..length], at);
                    rest = &rest[length..];
                }
            }
        }
        out
    }

    fn bad_escape(&mut self, escape: &str, at: u32) {
        let span = Span::new(self.file, at, at + escape.len() as u32);
        let shown = match escape.chars().any(char::is_control) {
            true => escape.escape_debug().to_string(),
            false => escape.to_owned(),
        };
        let what = match escape.as_bytes().get(1) {
            Some(b'u' | b'x') => "malformed",
            _ => "unknown",
        };
        let message = format!("{what} escape `{shown}`");
        if self.quiet || self.gave_up {
            return;
        }
        self.diagnostics
            .push(Diagnostic::new(Code::BadEscape, message, span).help(
                "escapes are \\n \\t \\r \\\\ \\\" \\{ \\} \\0 \\xNN \\u{…}; \\\\ is a backslash",
            ));
    }

    /// What a format specifier asks for; `None` when it was reported.
    fn format(&mut self, token: Token) -> Option<Format> {
        let span = self.span_of(token);
        let text = self.text_of(span);
        match parse_format(text, span) {
            Ok(format) => Some(format),
            Err(what) => {
                let message = format!("malformed format specifier `{text}`: {what}");
                let mut diagnostic = Diagnostic::new(Code::BadFormat, message, span);
                if text.starts_with(' ') {
                    // Rather JSON than a format.
                    diagnostic = diagnostic.note(crate::syntax::lexer::HOLE_NOTE);
                }
                self.error(diagnostic.help(
                    "[[fill]align][+][#][0][width][,][.precision][kind], as in {price:.2} or \
                     {n:>8}",
                ));
                None
            }
        }
    }
}

/// Drops the white space at the end of a role text.
fn trim_last(parts: &mut Vec<StrPart>) {
    if let Some(StrPart::Text(text)) = parts.last_mut() {
        *text = text.trim_end().into();
        if text.is_empty() {
            parts.pop();
        }
    }
}

/// The longest common beginning.
fn shared<'a>(a: &'a str, b: &str) -> &'a str {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    // `b` is white space in all uses: the cut is between ASCII characters.
    a.get(..same).unwrap_or("")
}

/// The character that the escape at the start of `text` stands for, and the escape's length.
fn escape(text: &str) -> Option<(char, usize)> {
    let simple = |character| Some((character, 2));
    match text[1..].chars().next()? {
        'n' => simple('\n'),
        't' => simple('\t'),
        'r' => simple('\r'),
        '0' => simple('\0'),
        '\\' => simple('\\'),
        '"' => simple('"'),
        '{' => simple('{'),
        '}' => simple('}'),
        'x' => {
            let digits = text.get(2..4)?;
            let valid = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let value = u8::from_str_radix(digits, 16)
                .ok()
                .filter(|value| valid && *value < 128)?;
            Some((char::from(value), 4))
        }
        'u' => {
            let inner = text.strip_prefix("\\u{")?;
            let digits = &inner[..inner.find('}')?];
            let valid = digits.len() <= 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let value = u32::from_str_radix(digits, 16).ok().filter(|_| valid)?;
            Some((char::from_u32(value)?, digits.len() + 4))
        }
        _ => None,
    }
}

/// Reads `[[fill]align][+][#][0][width][,][.precision][kind]`.
fn parse_format(text: &str, span: Span) -> Result<Format, &'static str> {
    let align_of = |mark| match mark {
        '<' => Some(Align::Left),
        '>' => Some(Align::Right),
        '^' => Some(Align::Center),
        _ => None,
    };
    let mut rest = text;
    let mut marks = text.chars();
    let (first, second) = (marks.next(), marks.next());
    let (mut fill, mut align) = (' ', None);
    if let (Some(mark), Some(aligns)) = (first, second.and_then(align_of)) {
        (fill, align) = (mark, Some(aligns));
        rest = marks.as_str();
    } else if let Some(aligns) = first.and_then(align_of) {
        align = Some(aligns);
        rest = &rest[1..];
    }
    let mut opt = |mark: char| match rest.strip_prefix(mark) {
        Some(after) => {
            rest = after;
            true
        }
        None => false,
    };
    let (plus, alternate, zero) = (opt('+'), opt('#'), opt('0'));
    let width = opt_count(&mut rest)?;
    let group = rest.starts_with(',');
    rest = rest.strip_prefix(',').unwrap_or(rest);
    let precision = match rest.strip_prefix('.') {
        Some(after) => {
            rest = after;
            Some(opt_count(&mut rest)?.ok_or("a number follows the point")?)
        }
        None => None,
    };
    let kind = match rest {
        "" => FormatKind::Plain,
        "d" => FormatKind::Decimal,
        "x" => FormatKind::LowerHex,
        "X" => FormatKind::UpperHex,
        "b" => FormatKind::Binary,
        "o" => FormatKind::Octal,
        "e" => FormatKind::Exponent,
        "f" => FormatKind::Fixed,
        "%" => FormatKind::Percent,
        _ => return Err("the kind is one of d x X b o e f %"),
    };
    Ok(Format {
        fill,
        align,
        plus,
        alternate,
        zero,
        width,
        group,
        precision,
        kind,
        span,
    })
}

/// The number that `rest` begins with, if it does; widths end at 65535.
fn opt_count(rest: &mut &str) -> Result<Option<u32>, &'static str> {
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 {
        return Ok(None);
    }
    let value = rest[..length]
        .parse::<u16>()
        .map_err(|_| "width and precision end at 65535")?;
    *rest = &rest[length..];
    Ok(Some(u32::from(value)))
}
