//! Patterns.

use super::*;

impl Parser<'_> {
    /// A pattern, alternatives and type included.
    pub(super) fn parse_pattern(&mut self) -> Pattern {
        let start = self.peek().start;
        if !self.enter() {
            self.leave();
            return self.pattern_from(start, PatternKind::Error);
        }
        let first = self.parse_typed_pattern();
        let pattern = if self.at_same_line(T::Pipe) {
            let mut alternatives = vec![first];
            while self.opt_same_line(T::Pipe).is_some() {
                alternatives.push(self.parse_typed_pattern());
            }
            self.pattern_from(start, PatternKind::Or(alternatives))
        } else {
            first
        };
        self.leave();
        pattern
    }

    /// The pattern of a `let` or `for`, whose `:` (if any) is not part of it.
    pub(super) fn parse_let_pattern(&mut self) -> Pattern {
        let start = self.peek().start;
        if !self.enter() {
            self.leave();
            return self.pattern_from(start, PatternKind::Error);
        }
        let pattern = self.parse_simple_pattern();
        self.leave();
        pattern
    }

    fn pattern_from(&mut self, start: u32, kind: PatternKind) -> Pattern {
        Pattern {
            id: self.next_id(),
            kind,
            span: self.span_from(start),
        }
    }

    /// `n: Int`, or a pattern without type
    fn parse_typed_pattern(&mut self) -> Pattern {
        let start = self.peek().start;
        let pattern = self.parse_simple_pattern();
        if self.opt_same_line(T::Colon).is_none() {
            return pattern;
        }
        let (pattern, ty) = (Box::new(pattern), Box::new(self.parse_type()));
        self.pattern_from(start, PatternKind::Typed { pattern, ty })
    }

    /// Whether a pattern may begin here.
    pub(super) fn at_pattern(&self) -> bool {
        self.kind().is_name()
            || matches!(
                self.kind(),
                T::Underscore | T::Int | T::Float | T::Duration | T::Str
            )
            || matches!(
                self.kind(),
                T::RawStr | T::Bytes | T::True | T::False | T::Null
            )
            || matches!(
                self.kind(),
                T::Minus | T::LParen | T::LBracket | T::DotDot | T::DotDotEq
            )
    }

    fn parse_simple_pattern(&mut self) -> Pattern {
        let start = self.peek().start;
        let kind = match self.kind() {
            T::Underscore => {
                self.bump();
                PatternKind::Wildcard
            }
            T::Ok if self.nth(1).kind == T::LParen => PatternKind::Ok(self.parse_wrapped()),
            T::Err if self.nth(1).kind == T::LParen => PatternKind::Err(self.parse_wrapped()),
            kind if kind.is_name() => self.parse_name_pattern(),
            T::LParen => return self.parse_tuple_pattern(),
            T::LBracket => self.parse_list_pattern(),
            T::DotDot | T::DotDotEq => self.parse_range_pattern(None),
            T::Int | T::Float | T::Duration | T::Str | T::RawStr | T::Bytes | T::Minus => {
                self.parse_literal_pattern()
            }
            T::True | T::False | T::Null => self.parse_literal_pattern(),
            T::StrOpen => {
                let span = self.peek_span();
                let message = "a string in a pattern has no holes";
                self.parse_string_parts();
                let diagnostic = Diagnostic::new(Code::Expected, message, span);
                self.error(diagnostic.help("use a guard: s if s == \"…{x}…\""));
                PatternKind::Error
            }
            T::Mut => {
                self.foreign(
                    "`mut` stands once, behind `let`",
                    "write let mut (a, b) = …",
                );
                self.bump();
                return self.parse_pattern();
            }
            kind if kind.is_reserved() && self.same_line() => {
                self.parse_name("a name or another pattern");
                PatternKind::Error
            }
            T::LBrace => {
                let help = "look a key up in an arm: m if \"k\" in m -> m[\"k\"]";
                self.foreign("maps and sets have no patterns", help);
                self.parse_expr();
                PatternKind::Error
            }
            _ => {
                self.unexpected("expected a pattern");
                PatternKind::Error
            }
        };
        self.pattern_from(start, kind)
    }

    /// `ok(p)`, `err(p)`
    fn parse_wrapped(&mut self) -> Box<Pattern> {
        self.bump();
        let open = self.bump();
        self.in_brackets(|parser| {
            let inner = if parser.at(T::RParen) {
                let at = parser.peek().start;
                parser.pattern_from(at, PatternKind::Wildcard)
            } else {
                parser.parse_pattern()
            };
            parser.expect_close(open, "");
            Box::new(inner)
        })
    }

    /// `name`, `Name(…)`, `A.B`, `A.B(…)`
    fn parse_name_pattern(&mut self) -> PatternKind {
        let name = self.parse_name("a name");
        let qualified = self.at_same_line(T::Dot) && self.nth(1).kind.is_name();
        if !qualified && !self.at_same_line(T::LParen) {
            return PatternKind::Name(name);
        }
        let mut path = vec![name];
        while self.at_same_line(T::Dot) && self.nth(1).kind.is_name() {
            self.bump();
            path.push(self.parse_name("the name of a variant"));
        }
        let (mut fields, mut rest) = (None, None);
        if let Some(open) = self.opt_same_line(T::LParen) {
            let found = self.in_brackets(|parser| parser.parse_field_patterns(open));
            (fields, rest) = (Some(found.0), found.1);
        }
        PatternKind::Constructor(Box::new(ConstructorPattern { path, fields, rest }))
    }

    fn parse_field_patterns(&mut self, open: Token) -> (Vec<FieldPattern>, Option<Span>) {
        let (mut fields, mut rest) = (Vec::new(), None);
        while !self.at(T::RParen) && !self.at(T::Eof) {
            let ends = matches!(self.nth(1).kind, T::RParen | T::Comma);
            if matches!(self.kind(), T::DotDot | T::Ellipsis) && ends {
                let token = self.bump();
                rest = Some(self.span_of(token));
            } else {
                fields.push(self.parse_field_pattern());
            }
            if self.opt(T::Comma).is_none() {
                break;
            }
        }
        self.expect_close(open, "`,` or ");
        fields.shrink_to_fit();
        (fields, rest)
    }

    /// `p`, `name: p`, and `n: T` where T can only be a type
    fn parse_field_pattern(&mut self) -> FieldPattern {
        let named = self.kind().is_name() && self.nth(1).kind == T::Colon;
        let is_type = self.nth(2).kind == T::Fn
            || (self.nth(2).kind.is_name()
                && matches!(
                    self.nth(3).kind,
                    T::LBracket | T::Question | T::QuestionBracket
                ));
        if !named || is_type {
            return FieldPattern {
                name: None,
                pattern: self.parse_pattern(),
            };
        }
        let name = self.parse_name("the name of a field");
        self.bump();
        FieldPattern {
            name: Some(name),
            pattern: self.parse_pattern(),
        }
    }

    /// `(a, b)`; `(a)` is a
    fn parse_tuple_pattern(&mut self) -> Pattern {
        let open = self.bump();
        let mut elements = Vec::new();
        let mut comma = false;
        self.in_brackets(|parser| {
            while !parser.at(T::RParen) && !parser.at(T::Eof) {
                let before = parser.pos;
                elements.push(parser.parse_pattern());
                comma = parser.opt(T::Comma).is_some();
                if !comma || parser.pos == before {
                    break;
                }
            }
            parser.expect_close(open, "`,` or ");
        });
        if elements.len() == 1 && !comma {
            let span = self.span_from(open.start);
            if let Some(only) = elements.pop() {
                return Pattern { span, ..only };
            }
        }
        self.pattern_from(open.start, PatternKind::Tuple(elements))
    }

    /// `[a, ...rest, z]`
    fn parse_list_pattern(&mut self) -> PatternKind {
        let open = self.bump();
        let mut list = ListPattern {
            before: Vec::new(),
            rest: None,
            after: Vec::new(),
        };
        self.in_brackets(|parser| {
            while !parser.at(T::RBracket) && !parser.at(T::Eof) {
                let before = parser.pos;
                let literal = matches!(parser.nth(1).kind, T::Int | T::Float | T::Minus);
                if parser.at(T::Ellipsis) || (parser.at(T::DotDot) && !literal) {
                    parser.parse_rest_pattern(&mut list);
                } else {
                    let element = parser.parse_pattern();
                    let side = if list.rest.is_some() {
                        &mut list.after
                    } else {
                        &mut list.before
                    };
                    side.push(element);
                }
                if parser.opt(T::Comma).is_none() || parser.pos == before {
                    break;
                }
            }
            parser.expect_close(open, "`,` or ");
        });
        PatternKind::List(Box::new(list))
    }

    fn parse_rest_pattern(&mut self, list: &mut ListPattern) {
        let start = self.peek().start;
        if list.rest.is_some() {
            let span = self.peek_span();
            let message = "a list pattern has at most one `...`";
            self.error(Diagnostic::new(Code::DuplicateRest, message, span));
        }
        self.bump();
        self.opt(T::Underscore);
        let name = self.kind().is_name().then(|| self.parse_name("a name"));
        let span = self.span_from(start);
        list.rest.get_or_insert(RestPattern { name, span });
    }

    /// A literal, or a range that begins with one.
    fn parse_literal_pattern(&mut self) -> PatternKind {
        let Some(literal) = self.parse_pattern_literal() else {
            return PatternKind::Error;
        };
        if self.same_line() && matches!(self.kind(), T::DotDot | T::DotDotEq) {
            return self.parse_range_pattern(Some(literal));
        }
        PatternKind::Literal(literal)
    }

    fn parse_range_pattern(&mut self, start: Option<LiteralPattern>) -> PatternKind {
        let inclusive = self.bump().kind == T::DotDotEq;
        let has_end = matches!(
            self.kind(),
            T::Int | T::Float | T::Duration | T::Str | T::RawStr | T::Minus
        );
        let end = if has_end && self.same_line() {
            self.parse_pattern_literal()
        } else {
            None
        };
        if start.is_none() && end.is_none() {
            self.unexpected("expected the end of the range");
            return PatternKind::Error;
        }
        PatternKind::Range(Box::new(RangePattern {
            start,
            end,
            inclusive,
        }))
    }

    /// A literal; `None` when it was reported.
    fn parse_pattern_literal(&mut self) -> Option<LiteralPattern> {
        let minus = self.opt(T::Minus).is_some();
        if minus && !matches!(self.kind(), T::Int | T::Float | T::Duration) {
            self.unexpected("expected a number");
            return None;
        }
        let expr = self.parse_literal(minus);
        let literal = match expr.kind {
            ExprKind::Null => LiteralPattern::Null,
            ExprKind::Bool(value) => LiteralPattern::Bool(value),
            ExprKind::Int(value) => LiteralPattern::Int(value),
            ExprKind::Float(value) => LiteralPattern::Float(value),
            ExprKind::Str(value) => LiteralPattern::Str(value),
            ExprKind::Bytes(value) => LiteralPattern::Bytes(value),
            ExprKind::Error => {
                // Reported; `failed` tells whoever only looks ahead.
                self.failed = true;
                return None;
            }
            _ => {
                let message = "expected a literal in the pattern";
                self.error(Diagnostic::new(Code::Expected, message, expr.span));
                return None;
            }
        };
        Some(literal)
    }

    /// Declares the names that `pattern` binds.
    pub(super) fn declare_pattern(&mut self, pattern: &Pattern) {
        match &pattern.kind {
            PatternKind::Name(name) => self.declare(name.name),
            PatternKind::Tuple(all) | PatternKind::Or(all) => {
                all.iter().for_each(|inner| self.declare_pattern(inner));
            }
            PatternKind::List(list) => {
                list.before
                    .iter()
                    .chain(&list.after)
                    .for_each(|one| self.declare_pattern(one));
                if let Some(RestPattern {
                    name: Some(name), ..
                }) = list.rest
                {
                    self.declare(name.name);
                }
            }
            PatternKind::Constructor(constructor) => {
                for field in constructor.fields.iter().flatten() {
                    self.declare_pattern(&field.pattern);
                }
            }
            PatternKind::Ok(inner) | PatternKind::Err(inner) => self.declare_pattern(inner),
            PatternKind::Typed { pattern, .. } => self.declare_pattern(pattern),
            PatternKind::Error
            | PatternKind::Wildcard
            | PatternKind::Literal(_)
            | PatternKind::Range(_) => {}
        }
    }
}
