//! The constructs that start, join and wait: `spawn`, `async`, `scope`, `parallel`, `race`,
//! `vote`, `select`, `timeout`; and `ok(…)`, `err(…)`, which read like calls, too.

use super::*;
use crate::syntax::token::sym;

impl Parser<'_> {
    /// `spawn(…)`
    pub(super) fn parse_spawn(&mut self) -> Expr {
        let word = self.bump();
        let (args, _) = self.parse_args();
        self.expr_from(word.start, ExprKind::Spawn(args))
    }

    /// `spawn f(x)`, which lacks its parentheses
    pub(super) fn parse_bare_spawn(&mut self) -> Expr {
        self.foreign("`spawn` is written with parentheses", "write spawn(f(x))");
        let word = self.bump();
        let value = self.parse_operand();
        let arg = Arg {
            name: None,
            spread: false,
            value,
        };
        self.expr_from(word.start, ExprKind::Spawn([arg].into()))
    }

    /// `timeout(ms, e)`
    pub(super) fn parse_timeout(&mut self) -> Expr {
        let word = self.bump();
        let (args, span) = self.parse_args();
        let count = args.len();
        let plain = args.iter().all(|arg| arg.name.is_none() && !arg.spread);
        let mut args = args.into_iter().map(|arg| Box::new(arg.value));
        let kind = match (args.next(), args.next(), args.next()) {
            (Some(limit), Some(body), None) if plain => ExprKind::Timeout { limit, body },
            _ => {
                let message =
                    format!("`timeout` takes a duration and an expression, found {count}");
                let diagnostic = Diagnostic::new(Code::Expected, message, span);
                self.error(diagnostic.help("write await timeout(5s, f())"));
                ExprKind::Error
            }
        };
        self.expr_from(word.start, kind)
    }

    /// `ok(e)`, `err(e)`
    pub(super) fn parse_ok_err(&mut self, kind: T) -> Expr {
        let word = self.bump();
        let (args, span) = self.parse_args();
        let count = args.len();
        let mut args = args.into_iter();
        let kind = match (args.next(), args.next()) {
            (
                Some(Arg {
                    name: None,
                    spread: false,
                    value,
                }),
                None,
            ) if kind == T::Ok => ExprKind::Ok(Box::new(value)),
            (
                Some(Arg {
                    name: None,
                    spread: false,
                    value,
                }),
                None,
            ) => ExprKind::Err(Box::new(value)),
            _ => {
                let message = format!("`{}` takes one value, found {count}", kind.text());
                let diagnostic = Diagnostic::new(Code::Expected, message, span);
                self.error(diagnostic.help("without a value write ok(null)"));
                ExprKind::Error
            }
        };
        self.expr_from(word.start, kind)
    }

    /// `async … end`
    pub(super) fn parse_async(&mut self) -> Expr {
        let opener = self.bump();
        let block = self.parse_block(self.span_of(opener));
        self.expr_from(opener.start, ExprKind::Async(Box::new(block)))
    }

    /// `scope(…) as s … end`
    pub(super) fn parse_scope(&mut self) -> Expr {
        let opener = self.bump();
        let keyword = self.span_of(opener);
        let modifiers = self.in_lines(Self::opt_modifiers);
        let outer = self.declared;
        let name = self
            .opt_same_line(T::As)
            .map(|_| self.parse_name("the name of the scope"));
        if let Some(name) = name {
            self.declare(name.name);
        }
        let body = self.parse_block(keyword);
        self.declared = outer;
        let scope = Scope {
            modifiers,
            name,
            body,
            keyword,
        };
        self.expr_from(opener.start, ExprKind::Scope(Box::new(scope)))
    }

    /// `(all, max: 3, on_fail: continue)`
    fn opt_modifiers(&mut self) -> Vec<Modifier> {
        let mut modifiers = Vec::new();
        let Some(open) = self.opt_same_line(T::LParen) else {
            return modifiers;
        };
        self.in_brackets(|parser| {
            while !parser.at_list_end(T::RParen) {
                let before = parser.pos;
                modifiers.extend(parser.parse_modifier());
                if parser.opt(T::Comma).is_none() || parser.pos == before {
                    break;
                }
            }
            parser.expect_close(open, "`,` or ");
        });
        modifiers
    }

    /// `name`, `name: value`; `None` when it was reported and left out
    fn parse_modifier(&mut self) -> Option<Modifier> {
        let start = self.peek().start;
        let name = match self.kind() {
            T::Str => self.quoted_word()?,
            T::Ident if self.peek().symbol == sym::ON && self.nth(1).kind == T::Minus => {
                self.foreign("`on-fail` is not a modifier", "write on_fail: continue");
                self.bump();
                self.bump();
                self.bump();
                Ident {
                    name: sym::ON_FAIL,
                    span: self.span_from(start),
                }
            }
            _ => self.parse_name("a modifier, such as all, first or timeout: 5s"),
        };
        let value = if self.opt(T::Colon).is_none() {
            ModifierValue::None
        } else if name.name == sym::ON_FAIL {
            self.parse_policy()
        } else {
            ModifierValue::Expr(self.parse_expr())
        };
        Some(Modifier {
            name,
            value,
            span: self.span_from(start),
        })
    }

    /// The word after `on_fail:`
    fn parse_policy(&mut self) -> ModifierValue {
        let ends = matches!(self.nth(1).kind, T::Comma | T::RParen);
        if ends && (self.kind().is_name() || self.at(T::Continue)) {
            let token = self.bump();
            return ModifierValue::Word(self.ident_of(token));
        }
        if self.at(T::Str) && ends {
            let start = self.peek().start;
            if let Some(word) = self.quoted_word() {
                return ModifierValue::Word(word);
            }
            return ModifierValue::Expr(self.expr_from(start, ExprKind::Error));
        }
        ModifierValue::Expr(self.parse_expr())
    }

    /// A strategy or policy in quotes: reported, and taken for the word.
    fn quoted_word(&mut self) -> Option<Ident> {
        let span = self.peek_span();
        let word = self.text_of(span).trim_matches('"');
        let help = format!("write {word}, without quotes");
        self.foreign("strategies and policies are words, not strings", help);
        self.bump();
        if !word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return None;
        }
        Some(Ident {
            name: self.interner.intern(word),
            span,
        })
    }

    /// `parallel`, `race` or `vote`: with branches, or `for x in xs … end`
    pub(super) fn parse_parallel(&mut self, kind: JoinKind) -> Expr {
        let opener = self.bump();
        let keyword = self.span_of(opener);
        let modifiers = self.in_lines(Self::opt_modifiers);
        if !self.peek().newline_before && self.opt(T::For).is_some() {
            let outer = self.declared;
            let clause = self.in_lines(Self::parse_for_clause);
            self.opt_foreign_header_end(kind.text());
            let body = self.parse_block(keyword);
            self.declared = outer;
            let block = ParallelFor {
                kind,
                keyword,
                modifiers,
                clause,
                body,
            };
            return self.expr_from(opener.start, ExprKind::ParallelFor(Box::new(block)));
        }
        let mut branches: Vec<Branch> = Vec::new();
        let outer = self.declared;
        let end = self.parse_branches(keyword, |parser| branches.push(parser.parse_branch()));
        self.declared = outer;
        for name in branches.iter().filter_map(|branch| branch.name) {
            self.declare(name.name);
        }
        let block = Parallel {
            kind,
            keyword,
            modifiers,
            branches,
            end,
        };
        self.expr_from(opener.start, ExprKind::Parallel(Box::new(block)))
    }

    /// Lines up to `end`, each read by `branch`; gives the place of `end`.
    fn parse_branches(&mut self, opener: Span, mut branch: impl FnMut(&mut Self)) -> Span {
        let word = self.text_of(opener);
        self.opt_foreign_header_end(word);
        self.in_lines(|parser| {
            loop {
                if parser.at(T::End) {
                    let end = parser.bump();
                    parser.note_end(opener, end);
                    return parser.span_of(end);
                }
                let cut_off = matches!(
                    parser.kind(),
                    T::Eof | T::RParen | T::RBracket | T::RBrace | T::HoleClose | T::FormatSpec
                );
                if cut_off || parser.at_unclosed() {
                    parser.unclosed_block(opener);
                    return parser.peek_span().at_start();
                }
                let before = parser.pos;
                let outer = parser.declared;
                branch(parser);
                parser.declared = outer;
                parser.opt_same_line(T::Comma);
                parser.expect_line_end();
                if parser.pos == before && !parser.at(T::Eof) {
                    parser.unexpected("expected a branch");
                    parser.bump();
                }
            }
        })
    }

    /// `name =` before a branch
    fn opt_branch_name(&mut self) -> Option<Ident> {
        let named = (self.kind().is_name() || self.at(T::Underscore))
            && self.nth(1).kind == T::Eq
            && self.next_on_line();
        if !named {
            return None;
        }
        let token = self.bump();
        self.bump();
        (token.kind != T::Underscore).then(|| self.ident_of(token))
    }

    /// `statement`, `name = expr`
    fn parse_branch(&mut self) -> Branch {
        let start = self.peek().start;
        let named = self.nth(1).kind == T::Eq && (self.kind().is_name() || self.at(T::Underscore));
        let name = self.opt_branch_name();
        let body = if named {
            let expr = self.parse_expr();
            Stmt {
                span: expr.span,
                kind: StmtKind::Expr(expr),
            }
        } else {
            let span = self.peek_span();
            self.parse_stmt().unwrap_or(Stmt {
                kind: StmtKind::Error,
                span,
            })
        };
        Branch {
            name,
            body,
            span: self.span_from(start),
        }
    }

    /// `select(…) … end`
    pub(super) fn parse_select(&mut self) -> Expr {
        let opener = self.bump();
        let keyword = self.span_of(opener);
        let modifiers = self.in_lines(Self::opt_modifiers);
        let mut branches = Vec::new();
        let mut otherwise: Option<SelectElse> = None;
        let end = self.parse_branches(keyword, |parser| {
            if !parser.at(T::Else) {
                branches.push(parser.parse_select_branch());
                return;
            }
            let word = parser.bump();
            let body = parser.opt_select_body(None);
            let span = parser.span_from(word.start);
            if otherwise.is_some() {
                let diagnostic =
                    Diagnostic::new(Code::Expected, "a select has at most one `else`", span);
                parser.error(diagnostic);
            }
            otherwise = Some(SelectElse { body, span });
        });
        for name in branches
            .iter()
            .filter_map(|branch: &SelectBranch| branch.name)
        {
            self.declare(name.name);
        }
        let select = Select {
            keyword,
            modifiers,
            branches,
            otherwise,
            end,
        };
        self.expr_from(opener.start, ExprKind::Select(Box::new(select)))
    }

    /// `[name =] operation [-> body]`
    fn parse_select_branch(&mut self) -> SelectBranch {
        let start = self.peek().start;
        let name = self.opt_branch_name();
        let operation = self.parse_expr();
        let body = self.opt_select_body(name);
        SelectBranch {
            name,
            operation,
            body,
            span: self.span_from(start),
        }
    }

    /// `-> body`: one statement on the line, or statements up to the next line with a `->`
    fn opt_select_body(&mut self, name: Option<Ident>) -> Option<Block> {
        let arrow = self.opt_same_line(T::Arrow)?;
        if let Some(name) = name {
            self.declare(name.name);
        }
        if !self.peek().newline_before {
            return Some(self.parse_single());
        }
        let stops = |parser: &mut Parser<'_>| {
            matches!(parser.kind(), T::End | T::Eof | T::Else)
                || parser.at_unclosed()
                || (parser.peek().newline_before && parser.line_has_arrow())
        };
        let opener = self.span_of(arrow);
        Some(self.parse_block_until(opener, stops, false))
    }
}
