//! Statements.

use super::*;
use crate::syntax::foreign::Reading;

impl Parser<'_> {
    /// A statement; `None` when a declaration stood there, which was reported.
    pub(super) fn parse_stmt(&mut self) -> Option<Stmt> {
        let start = self.peek().start;
        if !self.enter() {
            self.leave();
            return None;
        }
        let kind = self.parse_stmt_kind();
        self.leave();
        kind.map(|kind| Stmt {
            kind,
            span: self.span_from(start),
        })
    }

    fn parse_stmt_kind(&mut self) -> Option<StmtKind> {
        match self.kind() {
            T::Let => Some(self.parse_let()),
            T::Defer => Some(self.parse_defer()),
            T::Role if self.at_role() => Some(self.parse_role()),
            T::Label => {
                self.skip_directive();
                None
            }
            T::Ident if self.at_foreign_word().is_some() => Some(self.parse_foreign()),
            _ if self.at_item() => {
                self.misplaced_item();
                None
            }
            _ => Some(self.parse_expr_stmt()),
        }
    }

    /// A declaration inside a body: reported, parsed and dropped.
    fn misplaced_item(&mut self) {
        let span = self.peek_span();
        let message = "declarations stand at the top level of a file";
        let mut diagnostic = Diagnostic::new(Code::MisplacedDeclaration, message, span);
        diagnostic = match self.kind() {
            T::Cell => diagnostic.help("a function inside a body: let f = fn(x) => x + 1"),
            T::Const => diagnostic.help("a constant inside a body: let x = 1"),
            _ => diagnostic.help("move it out; or an `end` is missing before it"),
        };
        self.error(diagnostic);
        // A level of its own, and more: the frames of declarations are large.
        self.depth += 2;
        self.parse_item();
        self.depth -= 2;
    }

    /// `let [mut] pattern [: T] = e`
    fn parse_let(&mut self) -> StmtKind {
        self.bump();
        let mutable = self.opt(T::Mut).map(|token| self.span_of(token));
        self.parse_let_rest(mutable)
    }

    fn parse_let_rest(&mut self, mutable: Option<Span>) -> StmtKind {
        let pattern = self.parse_let_pattern();
        let ty = self.opt_same_line(T::Colon).map(|_| self.parse_type());
        let value = if self.opt_same_line(T::Eq).is_some() {
            self.parse_expr()
        } else if self.at_same_line(T::ColonEq) {
            self.foreign("`:=` is not an operator", "write let x = e");
            self.bump();
            self.parse_expr()
        } else {
            self.unexpected("expected `=` and a value");
            self.error_expr()
        };
        self.declare_pattern(&pattern);
        StmtKind::Let(Box::new(Let {
            mutable,
            pattern,
            ty: ty.map(Box::new),
            value,
        }))
    }

    /// `defer … end`
    fn parse_defer(&mut self) -> StmtKind {
        let opener = self.bump();
        let span = self.span_of(opener);
        if self.peek().newline_before || self.at(T::End) {
            return StmtKind::Defer(self.parse_block(span));
        }
        // On one line: `defer close(f) end`.
        let closes_on_line = self.tokens[self.pos..]
            .iter()
            .take_while(|token| !token.newline_before && token.kind != T::Eof)
            .any(|token| token.kind == T::End);
        if closes_on_line {
            return StmtKind::Defer(self.parse_block(span));
        }
        let block = self.in_lines(|parser| parser.parse_single());
        let diagnostic = Diagnostic::new(Code::Unterminated, "`defer` lacks its `end`", span);
        self.error(diagnostic.help("write `defer … end`, on one line or several"));
        StmtKind::Defer(block)
    }

    fn at_role(&self) -> bool {
        self.nth(1).kind.is_name()
            && self.nth(2).kind == T::Colon
            && matches!(self.nth(3).kind, T::RoleText | T::Str | T::StrOpen)
            && !self.nth(3).newline_before
    }

    /// `role system: text {x}`
    fn parse_role(&mut self) -> StmtKind {
        self.bump();
        let name = self.bump();
        let role = self.ident_of(name);
        self.bump();
        let start = self.peek().start;
        let text = self.parse_string_parts();
        let text_span = self.span_from(start);
        StmtKind::Role(Box::new(Role {
            role,
            text,
            text_span,
        }))
    }

    /// A statement that begins with an expression.
    fn parse_expr_stmt(&mut self) -> StmtKind {
        let expr = self.parse_expr();
        if !self.same_line() {
            return StmtKind::Expr(expr);
        }
        if let Some(op) = assign_op(self.kind()) {
            return self.parse_assign(expr, op);
        }
        if self.at(T::ColonEq) {
            self.foreign(
                "`:=` is not an operator",
                "a variable is declared with let x = e",
            );
            return self.parse_assign(expr, None);
        }
        if self.at(T::Comma) && !self.in_brackets && matches!(expr.kind, ExprKind::Await(_)) {
            return StmtKind::Expr(self.parse_await_all(expr));
        }
        StmtKind::Expr(expr)
    }

    /// `place = e`
    fn parse_assign(&mut self, place: Expr, op: Option<BinaryOp>) -> StmtKind {
        let assignable = matches!(
            place.kind,
            ExprKind::Error
                | ExprKind::Name(_)
                | ExprKind::Field { safe: false, .. }
                | ExprKind::TupleField { safe: false, .. }
                | ExprKind::Index { safe: false, .. }
        );
        let op_span = self.peek_span();
        if !assignable {
            let message = "cannot assign to this expression";
            let diagnostic = Diagnostic::new(Code::InvalidAssignment, message, place.span);
            let takes_apart = matches!(place.kind, ExprKind::Tuple(_) | ExprKind::List(_));
            self.error(diagnostic.help(if takes_apart {
                "a value is taken apart by `let`: let (a, b) = e"
            } else {
                "the left side of `=` is a name, a field or an index; comparison is written =="
            }));
        }
        self.bump();
        let value = self.parse_expr();
        if !assignable {
            return StmtKind::Error;
        }
        StmtKind::Assign(Box::new(Assign {
            place,
            op,
            op_span,
            value,
        }))
    }

    /// `await x, y, z`, whose first part has been parsed
    fn parse_await_all(&mut self, first: Expr) -> Expr {
        let start = first.span.start;
        let ExprKind::Await(first) = first.kind else {
            return self.error_expr();
        };
        let mut all = vec![*first];
        while self.opt(T::Comma).is_some() {
            all.push(self.parse_expr());
        }
        self.expr_from(start, ExprKind::AwaitAll(all))
    }

    /// A statement of another language: reported, and read as what it would be here.
    fn parse_foreign(&mut self) -> StmtKind {
        let Some(found) = self.at_foreign_word() else {
            return StmtKind::Error;
        };
        let word = self.peek();
        let opener = self.span_of(word);
        let name = self.text_of(opener);
        self.foreign(format!("`{name}` is not a word of Lumen"), found.help);
        match found.reading {
            Reading::Cell | Reading::Record | Reading::Trait | Reading::Line => {
                self.parse_foreign_item(found.reading);
                return StmtKind::Error;
            }
            Reading::Let | Reading::LetMut => {
                self.bump();
                self.opt(T::Mut);
                let mutable = (found.reading == Reading::LetMut).then_some(opener);
                return self.parse_let_rest(mutable);
            }
            Reading::Match => {
                self.parse_match();
            }
            Reading::For => {
                self.parse_for();
            }
            Reading::Throw | Reading::Spawn | Reading::Await => {
                self.bump();
                self.parse_expr();
            }
            Reading::ElseIf | Reading::Nothing => self.skip_line(),
        }
        StmtKind::Error
    }
}

/// The operator that stands before `=`, if `kind` assigns at all.
fn assign_op(kind: T) -> Option<Option<BinaryOp>> {
    let op = match kind {
        T::Eq => return Some(None),
        T::PlusEq => BinaryOp::Add,
        T::MinusEq => BinaryOp::Sub,
        T::StarEq => BinaryOp::Mul,
        T::SlashEq => BinaryOp::Div,
        T::SlashSlashEq => BinaryOp::FloorDiv,
        T::PercentEq => BinaryOp::Rem,
        T::StarStarEq => BinaryOp::Pow,
        T::PlusPlusEq => BinaryOp::Concat,
        T::AmpEq => BinaryOp::BitAnd,
        T::PipeEq => BinaryOp::BitOr,
        T::CaretEq => BinaryOp::BitXor,
        T::ShlEq => BinaryOp::Shl,
        T::ShrEq => BinaryOp::Shr,
        _ => return None,
    };
    Some(Some(op))
}
