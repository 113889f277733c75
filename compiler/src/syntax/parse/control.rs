//! Conditions, loops, `try`, and leaving them.

use super::*;
use crate::syntax::foreign::{self, Reading};

impl Parser<'_> {
    /// `if … end`, `if c then a else b`
    pub(super) fn parse_if(&mut self) -> Expr {
        let opener = self.bump();
        let outer = self.declared;
        let condition = self.in_lines(Self::parse_condition);
        let then = self.opt_same_line(T::Then).is_some();
        let kind = if then && !self.peek().newline_before {
            self.parse_then(condition)
        } else {
            self.opt_foreign_header_end("if");
            self.parse_if_blocks(self.span_of(opener), condition)
        };
        self.declared = outer;
        self.expr_from(opener.start, ExprKind::If(Box::new(kind)))
    }

    /// After `if c then` on one line: `a`, `a else b`, `a else if d then b …`
    fn parse_then(&mut self, condition: Condition) -> If {
        let mut branches = vec![IfBranch {
            condition,
            body: self.parse_single(),
        }];
        let mut otherwise = None;
        let outer = self.branches;
        while self.opt_same_line(T::Else).is_some() {
            self.branch();
            if self.opt_same_line(T::If).is_none() {
                otherwise = Some(self.parse_single());
                break;
            }
            let condition = self.in_lines(Self::parse_condition);
            if self.opt(T::Then).is_none() {
                self.unexpected("expected `then`");
            }
            branches.push(IfBranch {
                condition,
                body: self.parse_single(),
            });
        }
        self.branches = outer;
        If {
            branches,
            otherwise,
        }
    }

    /// After `if c`: blocks up to `end`
    fn parse_if_blocks(&mut self, opener: Span, condition: Condition) -> If {
        let mut branches = Vec::with_capacity(1);
        let mut otherwise = None;
        let mut condition = Some(condition);
        let outer = self.branches;
        while let Some(current) = condition.take() {
            self.branch();
            let body = self.parse_block_until(opener, |parser| parser.at_else(), true);
            let goes_on = body.end.start == self.peek().start && self.at_else();
            branches.push(IfBranch {
                condition: current,
                body,
            });
            if !goes_on {
                break;
            }
            if self.opt_foreign_else_if() || self.opt_else_if() {
                condition = Some(self.in_lines(Self::parse_condition));
                self.opt_same_line(T::Then);
                self.opt_foreign_header_end("if");
            } else if self.opt(T::Else).is_some() {
                self.opt_foreign_header_end("else");
                otherwise = Some(self.parse_block(opener));
            }
        }
        self.branches = outer;
        If {
            branches,
            otherwise,
        }
    }

    fn at_else(&self) -> bool {
        self.at(T::Else) || self.at_foreign_else_if()
    }

    /// `else if`, on one line
    fn opt_else_if(&mut self) -> bool {
        let found = self.at(T::Else) && self.nth(1).kind == T::If && !self.nth(1).newline_before;
        if found {
            self.bump();
            self.bump();
        }
        found
    }

    fn at_foreign_else_if(&self) -> bool {
        self.at(T::Ident)
            && self.peek().newline_before
            && !matches!(self.nth(1).kind, T::Eq | T::Dot)
            && foreign::of_word(self.interner.resolve(self.peek().symbol))
                .is_some_and(|found| found.reading == Reading::ElseIf)
    }

    fn opt_foreign_else_if(&mut self) -> bool {
        if !self.at_foreign_else_if() {
            return false;
        }
        let word = self.text_of(self.peek_span());
        self.foreign(
            format!("`{word}` is not a word of Lumen"),
            "write `else if`",
        );
        self.bump();
        true
    }

    /// `e`, `let p = e`
    fn parse_condition(&mut self) -> Condition {
        if self.opt(T::Let).is_none() {
            let expr = self.parse_expr();
            if self.at_same_line(T::Eq) {
                self.foreign("`=` does not compare", "comparison is written ==");
                self.bump();
                self.parse_expr();
                let error = self.expr_at(expr.span, ExprKind::Error);
                return Condition::Expr(error);
            }
            return Condition::Expr(expr);
        }
        let pattern = self.parse_pattern();
        let value = if self.opt_same_line(T::Eq).is_some() {
            self.parse_expr()
        } else {
            self.unexpected("expected `=` and a value");
            self.error_expr()
        };
        self.declare_pattern(&pattern);
        Condition::Let(Box::new(pattern), value)
    }

    /// `while [@l] c … end`
    pub(super) fn parse_while(&mut self) -> Expr {
        let opener = self.bump();
        let label = self.opt_label();
        let outer = self.declared;
        let condition = self.in_lines(Self::parse_condition);
        self.opt_foreign_header_end("while");
        let body = self.parse_block(self.span_of(opener));
        self.declared = outer;
        self.expr_from(
            opener.start,
            ExprKind::While(Box::new(While {
                label,
                condition,
                body,
            })),
        )
    }

    /// `loop [@l] … end`
    pub(super) fn parse_loop(&mut self) -> Expr {
        let opener = self.bump();
        let label = self.opt_label();
        self.opt_foreign_header_end("loop");
        let body = self.parse_block(self.span_of(opener));
        self.expr_from(opener.start, ExprKind::Loop(Box::new(Loop { label, body })))
    }

    /// `for [@l] x in xs [if c] … end`
    pub(super) fn parse_for(&mut self) -> Expr {
        let opener = self.bump();
        let label = self.opt_label();
        let outer = self.declared;
        let clause = self.in_lines(Self::parse_for_clause);
        self.opt_foreign_header_end("for");
        let body = self.parse_block(self.span_of(opener));
        self.declared = outer;
        self.expr_from(
            opener.start,
            ExprKind::For(Box::new(For {
                label,
                clause,
                body,
            })),
        )
    }

    /// `x in xs [if c]`, after `for`
    pub(super) fn parse_for_clause(&mut self) -> ForClause {
        let pattern = self.parse_pattern();
        if self.at(T::Comma) && !self.in_brackets {
            self.foreign("several names need parentheses", "write for (k, v) in m");
            while self.opt(T::Comma).is_some() {
                self.parse_pattern();
            }
        }
        let iterable = if self.opt(T::In).is_some() {
            self.parse_expr()
        } else {
            self.unexpected("expected `in`");
            self.error_expr()
        };
        self.declare_pattern(&pattern);
        let mut guards = Vec::new();
        while self.opt_same_line(T::If).is_some() {
            guards.push(self.parse_expr());
        }
        ForClause {
            pattern,
            iterable,
            guards,
        }
    }

    fn opt_label(&mut self) -> Option<Ident> {
        self.opt_same_line(T::Label)
            .map(|token| self.ident_of(token))
    }

    /// `try … catch e [if guard] … finally … end`
    pub(super) fn parse_try(&mut self) -> Expr {
        let opener = self.bump();
        let at_clause = |parser: &mut Parser<'_>| matches!(parser.kind(), T::Catch | T::Finally);
        let body = self.parse_block_until(self.span_of(opener), at_clause, true);
        self.parse_clauses(opener, body)
    }

    /// `try e`, read so far; a `catch` on its line shows that a block was meant.
    pub(super) fn finish_prefix_try(&mut self, opener: Token, value: Expr) -> Expr {
        let clause = matches!(self.kind(), T::Catch | T::Finally);
        if !clause || self.peek().newline_before {
            let kind = ExprKind::Propagate {
                value: Box::new(value),
                prefix: true,
            };
            return self.expr_from(opener.start, kind);
        }
        let word = self.kind().text();
        self.foreign(
            format!("`{word}` does not follow `try e` on its line"),
            "what may fail stands on a line of its own after `try`",
        );
        let span = value.span;
        let kind = StmtKind::Expr(value);
        let body = Block {
            stmts: vec![Stmt { kind, span }],
            span,
            end: self.peek_span(),
        };
        self.parse_clauses(opener, body)
    }

    /// `catch` or `finally` that no `try` stands before, reported. What follows it on the line of
    /// the statement that may fail is read as its clause, for that is what was meant.
    pub(super) fn stray_clause(&mut self) {
        let word = self.peek();
        let follows = !word.newline_before;
        self.stray("`catch` and `finally` belong to a `try` followed by a newline");
        if follows && word.kind == T::Catch {
            let mut header = (0..).map(|ahead| self.nth(ahead));
            let arrow = header
                .find(|t| t.newline_before || matches!(t.kind, T::Arrow | T::FatArrow | T::Eof))
                .is_some_and(|t| !t.newline_before && t.kind != T::Eof);
            if arrow {
                self.skip_line();
            } else {
                let span = self.span_of(word);
                self.parse_catch(span, word);
            }
        }
    }

    /// `catch e … finally … end`, after the body of a `try`.
    fn parse_clauses(&mut self, opener: Token, body: Block) -> Expr {
        let span = self.span_of(opener);
        let mut catches = Vec::new();
        let mut finally = None;
        while let Some(word) = self.opt_clause(T::Catch, catches.last(), &body) {
            catches.push(self.parse_catch(span, word));
        }
        if self.opt_clause(T::Finally, catches.last(), &body).is_some() {
            finally = Some(self.parse_block(span));
        }
        if catches.is_empty() && finally.is_none() {
            let message = "`try` has neither `catch` nor `finally`";
            let diagnostic = Diagnostic::new(Code::MissingCatch, message, span);
            self.error(diagnostic.help("to hand on an err or null write `try e`, or `e?`"));
        }
        self.expr_from(
            opener.start,
            ExprKind::Try(Box::new(Try {
                body,
                catches,
                finally,
            })),
        )
    }

    /// `word`, if the clause before it ended there rather than with `end`.
    fn opt_clause(&mut self, word: T, last: Option<&Catch>, body: &Block) -> Option<Token> {
        let end = last.map_or(body.end, |catch| catch.body.end);
        (self.at(word) && end.start == self.peek().start).then(|| self.bump())
    }

    /// `e [if guard] …`, after `catch`
    fn parse_catch(&mut self, opener: Span, word: Token) -> Catch {
        let outer = self.declared;
        let (pattern, guard) = self.in_lines(|parser| {
            let binds = !parser.peek().newline_before && parser.at_pattern();
            let pattern = binds.then(|| parser.parse_pattern());
            if let Some(pattern) = &pattern {
                parser.declare_pattern(pattern);
            }
            (
                pattern,
                parser.opt_same_line(T::If).map(|_| parser.parse_expr()),
            )
        });
        let header = self.span_from(word.start);
        self.opt_foreign_header_end("catch");
        let at_clause = |parser: &mut Parser<'_>| matches!(parser.kind(), T::Catch | T::Finally);
        let body = self.parse_block_until(opener, at_clause, true);
        self.declared = outer;
        Catch {
            pattern,
            guard,
            body,
            header,
        }
    }

    /// `return [e]`, `break [@l] [e]`, `continue [@l]`, `throw e`, `yield e`
    pub(super) fn parse_jump(&mut self) -> Expr {
        let word = self.bump();
        let kind = match word.kind {
            T::Return => ExprKind::Return(self.opt_jump_value()),
            T::Break => {
                let label = self.opt_label();
                ExprKind::Break {
                    label,
                    value: self.opt_jump_value(),
                }
            }
            T::Continue => ExprKind::Continue {
                label: self.opt_label(),
            },
            T::Throw => ExprKind::Throw(Box::new(self.parse_expr())),
            _ => ExprKind::Yield(Box::new(self.parse_expr())),
        };
        self.expr_from(word.start, kind)
    }

    /// The value after `return` or `break`, if one stands on the line.
    fn opt_jump_value(&mut self) -> Option<Box<Expr>> {
        let token = self.peek();
        let none = token.newline_before
            || self.at_block_end()
            || matches!(token.kind, T::Eof | T::Comma | T::Semicolon);
        (!none).then(|| Box::new(self.parse_expr()))
    }
}
