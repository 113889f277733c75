//! What an expression is made of: names, literals, brackets, and the words that begin a construct.

use super::params::{after, block_of};
use super::*;

impl Parser<'_> {
    pub(super) fn parse_primary(&mut self) -> Expr {
        match self.kind() {
            T::Ident | T::SelfWord => self.parse_name_expr(),
            T::Int | T::Float | T::Duration | T::RawStr | T::Bytes => self.parse_literal(false),
            T::True | T::False | T::Null => self.parse_literal(false),
            T::Str | T::StrOpen => self.parse_string(),
            T::LParen => self.parse_paren(),
            T::LBracket => self.parse_list(),
            T::LBrace => self.parse_braces(),
            T::Fn => self.parse_lambda(),
            T::If => self.parse_if(),
            T::Match => self.parse_match(),
            T::While => self.parse_while(),
            T::Loop => self.parse_loop(),
            T::For => self.parse_for(),
            T::Do => self.parse_do(),
            T::Try => self.parse_try(),
            T::Async => self.parse_async(),
            T::Return | T::Break | T::Continue | T::Throw | T::Yield => self.parse_jump(),
            T::Unknown => {
                let token = self.bump();
                // Reported by the lexer.
                self.failed = true;
                let span = self.span_of(token);
                self.expr_at(span, ExprKind::Error)
            }
            T::Underscore => {
                let span = self.peek_span();
                let message = "`_` is not a value";
                self.error(Diagnostic::new(Code::Expected, message, span));
                self.bump();
                self.expr_at(span, ExprKind::Error)
            }
            kind if kind.is_contextual() => self.parse_contextual(kind),
            T::Pipe if self.nth(1).kind.is_name() => self.parse_foreign_lambda(),
            _ => {
                self.unexpected("expected an expression");
                self.error_expr()
            }
        }
    }

    pub(super) fn parse_name_expr(&mut self) -> Expr {
        let token = self.bump();
        let span = self.span_of(token);
        let holes = matches!(self.kind(), T::Str | T::StrOpen) && self.peek().start == span.end;
        if holes && self.text_of(span) == "f" {
            self.foreign(
                "a string needs no prefix to have holes",
                "write \"… {x} …\"",
            );
            return self.parse_string();
        }
        let name = self.expr_at(span, ExprKind::Name(token.symbol));
        if self.at_same_line(T::FatArrow) {
            let help = "a lambda is written fn(x) => e; an arm of a match, pattern -> e";
            self.foreign("a lambda begins with `fn`", help);
            self.bump();
            self.parse_expr();
            return self.expr_from(span.start, ExprKind::Error);
        }
        name
    }

    /// `|x, y| e`
    fn parse_foreign_lambda(&mut self) -> Expr {
        let start = self.peek().start;
        self.foreign(
            "a lambda begins with `fn`",
            "a lambda is written fn(x) => e",
        );
        self.bump();
        while self.same_line() && !matches!(self.kind(), T::Pipe | T::Eof) {
            self.bump();
        }
        if self.opt_same_line(T::Pipe).is_some() {
            self.parse_expr();
        }
        self.expr_from(start, ExprKind::Error)
    }

    /// A contextual word: a name, if it is one here, or what it begins.
    fn parse_contextual(&mut self, kind: T) -> Expr {
        let called = self.nth(1).kind == T::LParen && self.next_on_line();
        let parse: fn(&mut Self) -> Expr = match kind {
            T::Ok if called => |parser| parser.parse_ok_err(T::Ok),
            T::Err if called => |parser| parser.parse_ok_err(T::Err),
            _ if self.is_declared(kind) => Self::parse_name_expr,
            T::Spawn if called => Self::parse_spawn,
            T::Spawn if self.adjacent() => Self::parse_bare_spawn,
            T::Timeout if called => Self::parse_timeout,
            T::When if self.nth(1).newline_before => Self::parse_when,
            T::Assert if self.list_follows() => Self::parse_assert,
            _ if self.next_continues_name() => Self::parse_name_expr,
            T::Assert => Self::parse_assert,
            T::Parallel => |parser| parser.parse_parallel(JoinKind::Parallel),
            T::Race => |parser| parser.parse_parallel(JoinKind::Race),
            T::Vote => |parser| parser.parse_parallel(JoinKind::Vote),
            T::Select => Self::parse_select,
            T::Scope => Self::parse_scope,
            _ => Self::parse_name_expr,
        };
        // Counts as a level of its own: the frames of these constructs are large.
        let expr = if self.enter() {
            parse(self)
        } else {
            self.error_expr()
        };
        self.leave();
        expr
    }

    /// Whether the next token opens a list: an index stands right behind what it belongs to.
    fn list_follows(&self) -> bool {
        let next = self.nth(1);
        next.kind == T::LBracket && next.space_before && !next.newline_before
    }

    /// Whether the token after the current one goes on with an expression that the current one,
    /// as a name, begins; or ends it.
    fn next_continues_name(&self) -> bool {
        let next = self.nth(1);
        let anywhere = matches!(
            next.kind,
            T::Dot | T::QuestionDot | T::PipeGt | T::TildeGt | T::QuestionQuestion | T::And | T::Or
        ) || matches!(
            next.kind,
            T::RParen | T::RBracket | T::RBrace | T::HoleClose
        );
        if anywhere || next.kind == T::Eof || next.kind == T::FormatSpec {
            return true;
        }
        if next.newline_before && !self.in_brackets {
            return false;
        }
        matches!(
            next.kind,
            T::Comma | T::Colon | T::Arrow | T::FatArrow | T::LBracket
        ) || matches!(
            next.kind,
            T::Question | T::QuestionBracket | T::Bang | T::Then | T::If
        ) || matches!(
            next.kind,
            T::Eq | T::EqEq | T::NotEq | T::Lt | T::LtEq | T::Gt | T::GtEq
        ) || matches!(
            next.kind,
            T::Plus | T::Minus | T::Star | T::Slash | T::SlashSlash
        ) || matches!(
            next.kind,
            T::Percent | T::StarStar | T::PlusPlus | T::Amp | T::Pipe
        ) || matches!(
            next.kind,
            T::Caret | T::Shl | T::Shr | T::PlusEq | T::MinusEq | T::StarEq
        ) || matches!(
            next.kind,
            T::SlashEq | T::SlashSlashEq | T::PercentEq | T::StarStarEq
        ) || matches!(
            next.kind,
            T::PlusPlusEq | T::AmpEq | T::PipeEq | T::CaretEq | T::ShlEq
        ) || matches!(
            next.kind,
            T::ShrEq | T::DotDot | T::DotDotEq | T::Is | T::In
        ) || (next.kind == T::As && !self.at(T::Scope))
            || (next.kind == T::Not && self.nth(2).kind == T::In)
            || (matches!(next.kind, T::For) && self.at(T::Assert))
    }

    /// `(e)`, `()`, `(a, b)`, `(a,)`
    fn parse_paren(&mut self) -> Expr {
        let open = self.bump();
        let mut elements = Vec::new();
        let mut comma = false;
        self.in_brackets(|parser| {
            while !parser.at_list_end(T::RParen) {
                let before = parser.pos;
                elements.push(parser.parse_expr());
                comma = parser.opt(T::Comma).is_some();
                if !comma || parser.pos == before {
                    break;
                }
            }
            parser.expect_close(open, "`,` or ");
        });
        if elements.len() == 1
            && !comma
            && let Some(only) = elements.pop()
        {
            let span = self.span_from(open.start);
            return self.opt_foreign_lambda(Expr { span, ..only });
        }
        let tuple = self.expr_from(open.start, ExprKind::Tuple(elements));
        self.opt_foreign_lambda(tuple)
    }

    /// `(x) => e`, as other languages write it
    fn opt_foreign_lambda(&mut self, params: Expr) -> Expr {
        if !self.at_same_line(T::FatArrow) {
            return params;
        }
        self.foreign("a lambda begins with `fn`", "write fn(x) => e");
        self.bump();
        self.parse_expr();
        self.expr_from(params.span.start, ExprKind::Error)
    }

    /// `[a, ...xs]`, `[e for x in xs]`
    fn parse_list(&mut self) -> Expr {
        let open = self.bump();
        let kind = self.in_brackets(|parser| {
            let mut elements = Vec::new();
            while !parser.at_list_end(T::RBracket) {
                let before = parser.pos;
                let outer = parser.declared;
                let element = parser.parse_element();
                if elements.is_empty() && parser.at(T::For) && !element.spread {
                    let output = ComprehensionOutput::List(element.value);
                    return parser.parse_comprehension(open, output);
                }
                parser.declared = outer;
                elements.push(element);
                if parser.opt(T::Comma).is_none() || parser.pos == before {
                    break;
                }
            }
            parser.expect_close(open, "`,` or ");
            elements.shrink_to_fit();
            ExprKind::List(elements)
        });
        self.expr_from(open.start, kind)
    }

    fn parse_element(&mut self) -> Element {
        let spread = self.opt(T::Ellipsis).is_some();
        Element {
            spread,
            value: self.parse_expr(),
        }
    }

    /// `for x in xs if c …`, and the closing bracket
    fn parse_comprehension(&mut self, open: Token, output: ComprehensionOutput) -> ExprKind {
        let mut clauses = Vec::new();
        // A level of its own, since the frames are large.
        self.depth += 1;
        while self.opt(T::For).is_some() {
            clauses.push(self.parse_for_clause());
        }
        self.depth -= 1;
        self.expect_close(open, "`for`, `if` or ");
        ExprKind::Comprehension(Box::new(Comprehension { output, clauses }))
    }

    /// `{}`, `{a, b}`, `{k: v}`, and comprehensions of sets and maps
    fn parse_braces(&mut self) -> Expr {
        let open = self.bump();
        let kind = self.in_brackets(|parser| parser.parse_braces_inside(open));
        self.expr_from(open.start, kind)
    }

    fn parse_braces_inside(&mut self, open: Token) -> ExprKind {
        let (mut elements, mut entries) = (Vec::new(), Vec::new());
        while !self.at_list_end(T::RBrace) {
            let before = self.pos;
            let first = elements.is_empty() && entries.is_empty();
            let element = self.parse_element();
            if !element.spread && self.opt(T::Colon).is_some() {
                // A level of its own, since the frames are large.
                self.depth += 1;
                let value = self.parse_expr();
                self.depth -= 1;
                if first && self.at(T::For) {
                    let output = ComprehensionOutput::Map(element.value, value);
                    return self.parse_comprehension(open, output);
                }
                self.spreads_to_map(&mut elements, &mut entries);
                entries.push(MapElement::Entry(element.value, value));
            } else if first && self.at(T::For) && !element.spread {
                return self.parse_comprehension(open, ComprehensionOutput::Set(element.value));
            } else if !entries.is_empty() && element.spread {
                entries.push(MapElement::Spread(element.value));
            } else {
                if !entries.is_empty() {
                    self.unexpected("expected `:` and the value of the map entry");
                }
                elements.push(element);
            }
            if self.opt(T::Comma).is_none() || self.pos == before {
                break;
            }
        }
        self.expect_close(open, "`,` or ");
        match (elements.is_empty(), entries.is_empty()) {
            (true, true) => ExprKind::EmptyBraces,
            (_, false) => ExprKind::Map(entries),
            (false, true) => ExprKind::Set(elements),
        }
    }

    /// What stood before the first entry of a map may only have been spreads.
    fn spreads_to_map(&mut self, elements: &mut Vec<Element>, entries: &mut Vec<MapElement>) {
        for element in elements.drain(..) {
            if !element.spread {
                let message = "expected a map entry `key: value`";
                self.error(Diagnostic::new(Code::Expected, message, element.value.span));
            }
            entries.push(MapElement::Spread(element.value));
        }
    }

    /// `fn(x) => e`, `fn(x: Int) -> Int … end`
    fn parse_lambda(&mut self) -> Expr {
        let opener = self.bump();
        let outer = self.declared;
        let (params, parts) = self.parse_params();
        let result = self.opt_result();
        let effects = self.opt_effects();
        let header = self.span_from(opener.start);
        let mut body = if self.opt_same_line(T::FatArrow).is_some() {
            LambdaBody::Expr(self.parse_expr())
        } else if self.at_same_line(T::Eq) {
            self.foreign("the value of a lambda follows `=>`", "write fn(x) => e");
            self.bump();
            LambdaBody::Expr(self.parse_expr())
        } else {
            let opener = self.span_of(opener);
            LambdaBody::Block(self.parse_block(opener))
        };
        if !parts.is_empty() {
            body = LambdaBody::Block(match body {
                LambdaBody::Block(block) => after(parts, block),
                LambdaBody::Expr(value) => after(parts, block_of(value)),
            });
        }
        self.declared = outer;
        let lambda = Lambda {
            params,
            result,
            effects,
            body,
            header,
        };
        self.expr_from(opener.start, ExprKind::Lambda(Box::new(lambda)))
    }

    /// `do … end`
    fn parse_do(&mut self) -> Expr {
        let opener = self.bump();
        let block = self.parse_block(self.span_of(opener));
        self.expr_from(opener.start, ExprKind::Block(Box::new(block)))
    }

    /// `assert c`, `assert c, "message"`, `assert(c, "message")`
    fn parse_assert(&mut self) -> Expr {
        let opener = self.bump();
        let whole = self.at(T::LParen);
        let condition = self.parse_expr();
        let (condition, message) = match condition.kind {
            ExprKind::Tuple(parts) if whole && matches!(parts.len(), 1 | 2) => {
                let mut parts = parts.into_iter();
                match parts.next() {
                    Some(first) => (first, parts.next()),
                    None => (self.error_expr(), None),
                }
            }
            kind => {
                let condition = Expr { kind, ..condition };
                let comma = !self.in_brackets && self.opt_same_line(T::Comma).is_some();
                (condition, comma.then(|| self.parse_expr()))
            }
        };
        self.expr_from(
            opener.start,
            ExprKind::Assert(Box::new(Assert { condition, message })),
        )
    }
}
