//! `match` and `when`.

use super::*;

impl Parser<'_> {
    /// `match x … end`
    pub(super) fn parse_match(&mut self) -> Expr {
        let opener = self.bump();
        let subject = self.in_lines(Self::parse_expr);
        let header = self.span_from(opener.start);
        self.opt_foreign_header_end("match");
        let braces = self.opt_foreign_arms_brace();
        let mut arms = Vec::new();
        self.in_lines(|parser| {
            while !parser.opt_arms_end(parser.span_of(opener), braces) {
                let before = parser.pos;
                let outer = parser.declared;
                arms.push(parser.parse_match_arm());
                parser.declared = outer;
                parser.opt_same_line(T::Comma);
                parser.expect_line_end();
                if parser.pos == before {
                    parser.bump();
                    parser.skip_line();
                }
            }
        });
        arms.shrink_to_fit();
        let kind = ExprKind::Match(Box::new(Match {
            subject,
            arms,
            header,
        }));
        self.expr_from(opener.start, kind)
    }

    fn opt_foreign_arms_brace(&mut self) -> bool {
        let braces = self.at(T::LBrace) && !self.peek().newline_before;
        if braces {
            self.foreign(
                "blocks are not written with braces",
                "a block ends with `end`",
            );
            self.bump();
        }
        braces
    }

    /// Takes what ends the arms; also true where they are cut off, which is reported.
    fn opt_arms_end(&mut self, opener: Span, braces: bool) -> bool {
        let closes = match self.kind() {
            T::End => true,
            T::RBrace => braces,
            _ => false,
        };
        if closes {
            let end = self.bump();
            self.note_end(opener, end);
            return true;
        }
        let cut_off = matches!(
            self.kind(),
            T::Eof | T::RParen | T::RBracket | T::RBrace | T::HoleClose | T::FormatSpec
        ) || self.at_unclosed();
        if cut_off {
            self.unclosed_block(opener);
        }
        cut_off
    }

    /// `pattern [if guard] -> body`
    fn parse_match_arm(&mut self) -> MatchArm {
        let start = self.peek().start;
        let pattern = if self.at(T::Else) {
            self.foreign(
                "`else` is not a pattern",
                "the arm for all else is `_ -> …`",
            );
            let token = self.bump();
            let span = self.span_of(token);
            Pattern {
                id: self.next_id(),
                kind: PatternKind::Error,
                span,
            }
        } else {
            self.parse_pattern()
        };
        self.declare_pattern(&pattern);
        let guard = self.opt_same_line(T::If).map(|_| self.parse_expr());
        let body = self.parse_arm_body(|parser| parser.at_match_arm());
        MatchArm {
            pattern,
            guard: guard.map(Box::new),
            body,
            span: self.span_from(start),
        }
    }

    /// `-> body`: one statement on the line, or statements up to the next arm
    fn parse_arm_body(&mut self, at_arm: impl Fn(&mut Parser<'_>) -> bool) -> Block {
        if self.at_same_line(T::FatArrow) {
            self.foreign("the body of an arm follows `->`", "write pattern -> e");
            self.bump();
        } else if self.opt_same_line(T::Arrow).is_none() {
            self.unexpected("expected `->` and the body of the arm");
            let at = self.peek_span().at_start();
            self.skip_line();
            return Block {
                stmts: Vec::new(),
                span: at,
                end: at,
            };
        }
        if !self.peek().newline_before {
            return self.parse_single();
        }
        let opener = self.span_of(self.tokens[self.pos - 1]);
        let stops = move |parser: &mut Parser<'_>| {
            matches!(parser.kind(), T::End | T::Eof) || parser.at_unclosed() || at_arm(parser)
        };
        self.parse_block_until(opener, stops, false)
    }

    /// Whether the line reads as `pattern [if guard] ->`.
    fn at_match_arm(&mut self) -> bool {
        if !self.peek().newline_before || !(self.at_pattern() || self.at(T::Else)) {
            return false;
        }
        if self.at(T::Else) {
            return self.nth(1).kind == T::Arrow;
        }
        self.looks_like(|parser| {
            parser.parse_pattern();
            parser.same_line() && matches!(parser.kind(), T::Arrow | T::FatArrow | T::If)
        })
    }

    /// `when`, then lines `condition -> body`, then `end`
    pub(super) fn parse_when(&mut self) -> Expr {
        let opener = self.bump();
        let mut arms = Vec::new();
        let mut otherwise = None;
        let outer = self.branches;
        self.in_lines(|parser| {
            while !parser.opt_arms_end(parser.span_of(opener), false) {
                let before = parser.pos;
                let start = parser.peek().start;
                if parser.at_when_else() {
                    parser.bump();
                    otherwise = Some(parser.parse_arm_body(|parser| parser.at_when_arm()));
                } else {
                    parser.branch();
                    let condition = parser.parse_expr();
                    let body = parser.parse_arm_body(|parser| parser.at_when_arm());
                    arms.push(WhenArm {
                        condition,
                        body,
                        span: parser.span_from(start),
                    });
                }
                parser.expect_line_end();
                if parser.pos == before {
                    parser.bump();
                    parser.skip_line();
                }
            }
        });
        self.branches = outer;
        self.expr_from(
            opener.start,
            ExprKind::When(Box::new(When { arms, otherwise })),
        )
    }

    fn at_when_else(&self) -> bool {
        matches!(self.kind(), T::Else | T::Underscore) && self.nth(1).kind == T::Arrow
    }

    /// Whether the line reads as `condition ->`.
    fn at_when_arm(&mut self) -> bool {
        self.peek().newline_before && self.line_has_arrow()
    }

    /// Whether `->` stands on the rest of the line, outside of brackets and of lambda headers.
    pub(super) fn line_has_arrow(&self) -> bool {
        let mut depth = 0_u32;
        let mut lambda = false;
        for (index, token) in self.tokens[self.pos..].iter().enumerate() {
            if depth == 0 && index > 0 && token.newline_before {
                return false;
            }
            match token.kind {
                T::LParen | T::LBracket | T::LBrace | T::QuestionBracket | T::StrOpen => depth += 1,
                T::RParen | T::RBracket | T::RBrace | T::StrClose => {
                    depth = depth.saturating_sub(1);
                }
                T::Fn if depth == 0 => lambda = true,
                T::Arrow if depth == 0 && lambda => lambda = false,
                T::Arrow if depth == 0 => return true,
                T::Eof => return false,
                _ => {}
            }
        }
        false
    }
}
