//! The tokens of a line, and reading them.

use super::Diagnostic;
use crate::module::TypeIx;
use crate::text::NAMED;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// `int.add`, `r3`.
    Word(String),
    /// `-5`, `0x1f`, `1.5e-7`.
    Number(String),
    /// A quoted string's text.
    Text(String),
    /// `->`, `{` …
    Sign(&'static str),
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(w) | Self::Number(w) => write!(f, "`{w}`"),
            Self::Text(_) => f.write_str("a string"),
            Self::Sign(s) => write!(f, "`{s}`"),
        }
    }
}

const SIGNS: &[&str] = &[
    "->", "..", "{", "}", "[", "]", "(", ")", ",", ":", "=", "+", "@",
];

/// The tokens of one line, being read.
pub(super) struct Cursor {
    line: u32,
    tokens: Vec<(u32, Token)>,
    next: usize,
    end: u32,
}

impl Cursor {
    pub(super) fn new(line: u32, text: &str) -> Result<Self, Diagnostic> {
        let mut lexer = Lexer {
            line,
            chars: text.chars().collect(),
            at: 0,
        };
        let mut tokens = Vec::new();
        while let Some((column, token)) = lexer.token()? {
            tokens.push((column, token));
        }
        Ok(Self {
            line,
            tokens,
            next: 0,
            end: lexer.at as u32 + 1,
        })
    }

    pub(super) fn line(&self) -> u32 {
        self.line
    }

    /// Column of the next token.
    pub(super) fn column(&self) -> u32 {
        self.tokens.get(self.next).map_or(self.end, |t| t.0)
    }

    pub(super) fn at_end(&self) -> bool {
        self.next >= self.tokens.len()
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|t| &t.1)
    }

    pub(super) fn peek_second(&self) -> Option<&Token> {
        self.tokens.get(self.next + 1).map(|t| &t.1)
    }

    pub(super) fn advance(&mut self) {
        self.next += 1;
    }

    pub(super) fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            line: self.line,
            column: self.column(),
            message: message.into(),
        }
    }

    /// "expected …, found …".
    pub(super) fn expected(&self, what: &str) -> Diagnostic {
        match self.peek() {
            Some(token) => self.error(format!("expected {what}, found {token}")),
            None => self.error(format!("expected {what}, found the end of the line")),
        }
    }

    /// Nothing may follow.
    pub(super) fn finish(&self) -> Result<(), Diagnostic> {
        if self.at_end() {
            Ok(())
        } else {
            Err(self.expected("the end of the line"))
        }
    }

    pub(super) fn take_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(s)) if *s == sign);
        self.next += usize::from(found);
        found
    }

    pub(super) fn sign(&mut self, sign: &str) -> Result<(), Diagnostic> {
        if self.take_sign(sign) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{sign}`")))
        }
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w == word);
        self.next += usize::from(found);
        found
    }

    pub(super) fn keyword(&mut self, word: &str) -> Result<(), Diagnostic> {
        if self.take_word(word) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{word}`")))
        }
    }

    pub(super) fn word(&mut self, what: &str) -> Result<String, Diagnostic> {
        match self.peek() {
            Some(Token::Word(w)) => {
                let w = w.clone();
                self.next += 1;
                Ok(w)
            }
            _ => Err(self.expected(what)),
        }
    }

    pub(super) fn text(&mut self, what: &str) -> Result<String, Diagnostic> {
        match self.peek() {
            Some(Token::Text(t)) => {
                let t = t.clone();
                self.next += 1;
                Ok(t)
            }
            _ => Err(self.expected(what)),
        }
    }

    /// A name, quoted or not; digits too.
    pub(super) fn name(&mut self) -> Result<String, Diagnostic> {
        match self.peek() {
            Some(Token::Word(t) | Token::Number(t) | Token::Text(t)) => {
                let t = t.clone();
                self.next += 1;
                Ok(t)
            }
            _ => Err(self.expected("a name")),
        }
    }

    /// A whole number in a range.
    pub(super) fn integer(&mut self, min: i64, max: i64) -> Result<i64, Diagnostic> {
        let Some(Token::Number(text)) = self.peek() else {
            return Err(self.expected("a number"));
        };
        let Some(value) = integer(text) else {
            return Err(self.expected("a whole number"));
        };
        if value < min || value > max {
            return Err(self.error(format!("{value} is not in {min} ..= {max}")));
        }
        self.next += 1;
        Ok(value)
    }

    /// A word of 64 bits, `0x…`.
    pub(super) fn bits(&mut self) -> Result<u64, Diagnostic> {
        let bits = match self.peek() {
            Some(Token::Number(t)) => t
                .strip_prefix("0x")
                .and_then(|hex| u64::from_str_radix(hex, 16).ok()),
            _ => None,
        };
        match bits {
            Some(bits) => {
                self.next += 1;
                Ok(bits)
            }
            None => Err(self.expected("64 bits as `0x` and hexadecimal digits")),
        }
    }

    /// A reference: `letter` and an index up to `max`.
    pub(super) fn index(&mut self, letter: char, what: &str, max: u32) -> Result<u32, Diagnostic> {
        let found = match self.peek() {
            Some(Token::Word(w)) => w
                .strip_prefix(letter)
                .filter(|digits| is_index(digits))
                .map(str::to_owned),
            _ => None,
        };
        let Some(digits) = found else {
            return Err(self.expected(&format!("{what} (`{letter}0`, `{letter}1` …)")));
        };
        match digits.parse::<u32>() {
            Ok(index) if index <= max => {
                self.next += 1;
                Ok(index)
            }
            _ => Err(self.error(format!("{what}: the largest index is {max}"))),
        }
    }

    pub(super) fn register(&mut self) -> Result<u16, Diagnostic> {
        let index = self.index('r', "a register", u32::from(u16::MAX))?;
        Ok(index as u16)
    }

    pub(super) fn function(&mut self) -> Result<u32, Diagnostic> {
        self.index('f', "a function", u32::MAX)
    }

    /// A type reference: `Int`, `t40`.
    pub(super) fn type_ref(&mut self) -> Result<TypeIx, Diagnostic> {
        if let Some(Token::Word(w)) = self.peek()
            && let Some((_, ix)) = NAMED.iter().find(|(name, _)| name == w)
        {
            self.next += 1;
            return Ok(*ix);
        }
        self.index('t', "a type", u32::MAX)
    }

    /// Things up to the sign `close`, separated by commas.
    pub(super) fn list<T>(
        &mut self,
        close: &str,
        mut one: impl FnMut(&mut Self) -> Result<T, Diagnostic>,
    ) -> Result<Vec<T>, Diagnostic> {
        let mut items = Vec::new();
        while !self.take_sign(close) {
            if !items.is_empty() && !self.take_sign(",") {
                return Err(self.expected(&format!("`,` or `{close}`")));
            }
            items.push(one(self)?);
        }
        Ok(items)
    }
}

/// Digits without a useless zero in front.
pub(super) fn is_index(digits: &str) -> bool {
    !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => i128::from(u64::from_str_radix(hex, 16).ok()?),
        None if digits.starts_with(|c: char| c.is_ascii_digit()) => digits.parse::<i128>().ok()?,
        None => return None,
    };
    i64::try_from(if negative { -value } else { value }).ok()
}

struct Lexer {
    line: u32,
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn error(&self, at: usize, message: String) -> Diagnostic {
        Diagnostic {
            line: self.line,
            column: at as u32 + 1,
            message,
        }
    }

    fn token(&mut self) -> Result<Option<(u32, Token)>, Diagnostic> {
        while self.at < self.chars.len() && self.peek(0).is_whitespace() {
            self.at += 1;
        }
        if self.at >= self.chars.len() || self.peek(0) == ';' {
            return Ok(None);
        }
        let column = self.at as u32 + 1;
        let c = self.peek(0);
        let signed = matches!(c, '+' | '-') && self.peek(1).is_ascii_digit();
        let token = if c == '"' {
            Token::Text(self.quoted()?)
        } else if c.is_ascii_digit() || signed {
            Token::Number(self.number())
        } else if c.is_ascii_alphabetic() || c == '_' {
            Token::Word(self.word())
        } else {
            Token::Sign(self.sign()?)
        };
        Ok(Some((column, token)))
    }

    fn sign(&mut self) -> Result<&'static str, Diagnostic> {
        let found = SIGNS
            .iter()
            .find(|s| s.chars().enumerate().all(|(i, c)| self.peek(i) == c));
        match found {
            Some(sign) => {
                self.at += sign.len();
                Ok(sign)
            }
            None => Err(self.error(self.at, format!("{:?} has no meaning here", self.peek(0)))),
        }
    }

    fn word(&mut self) -> String {
        let start = self.at;
        loop {
            let c = self.peek(0);
            let inner = c.is_ascii_alphanumeric() || c == '_';
            let dot = c == '.' && (self.peek(1).is_ascii_alphanumeric() || self.peek(1) == '_');
            if !inner && !dot {
                break;
            }
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn number(&mut self) -> String {
        let start = self.at;
        self.at += 1;
        loop {
            let c = self.peek(0);
            let hex = self.chars.get(start + 1) == Some(&'x');
            let before = self.chars[self.at - 1];
            let exponent = matches!(c, '+' | '-') && matches!(before, 'e' | 'E') && !hex;
            let dot = c == '.' && self.peek(1).is_ascii_digit();
            if !c.is_ascii_alphanumeric() && !exponent && !dot {
                break;
            }
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn quoted(&mut self) -> Result<String, Diagnostic> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while self.at < self.chars.len() {
            let c = self.peek(0);
            self.at += 1;
            match c {
                '"' => return Ok(text),
                '\\' => text.push(self.escape()?),
                c => text.push(c),
            }
        }
        Err(self.error(start, "this string has no end".into()))
    }

    fn escape(&mut self) -> Result<char, Diagnostic> {
        let at = self.at - 1;
        let c = self.peek(0);
        self.at += 1;
        let wrong = "an escape is \\n \\r \\t \\\" \\\\ or \\u{hex}";
        match c {
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            '"' | '\\' => Ok(c),
            'u' if self.peek(0) == '{' => {
                let rest = &self.chars[self.at + 1..];
                let len = rest.iter().position(|&c| c == '}').unwrap_or(rest.len());
                let hex: String = rest[..len].iter().collect();
                self.at += len + 2;
                let code = u32::from_str_radix(&hex, 16).ok();
                code.and_then(char::from_u32)
                    .ok_or_else(|| self.error(at, wrong.into()))
            }
            _ => Err(self.error(at, wrong.into())),
        }
    }
}
