//! Parameters. One that is written as a pattern is a name and a `let` at the head of the body.

use super::{Parser, T};
use crate::syntax::ast::{Block, Expr, ExprKind, Ident, Let, Param, Stmt, StmtKind};

impl Parser<'_> {
    /// `(self, x: Int = 1, (a, b), ...rest: T)`, and what takes apart those that are patterns.
    pub(super) fn parse_params(&mut self) -> (Vec<Param>, Vec<Stmt>) {
        let (mut params, mut parts) = (Vec::new(), Vec::new());
        let Some(open) = self.opt_same_line(T::LParen) else {
            self.unexpected("expected `(` and the parameters");
            return (params, parts);
        };
        self.in_brackets(|parser| {
            while !parser.at_list_end(T::RParen) {
                let before = parser.pos;
                params.push(parser.parse_param(&mut parts));
                if parser.opt(T::Comma).is_none() || parser.pos == before {
                    break;
                }
            }
            parser.expect_close(open, "`,` or ");
        });
        params.shrink_to_fit();
        (params, parts)
    }

    fn parse_param(&mut self, parts: &mut Vec<Stmt>) -> Param {
        let start = self.peek().start;
        let variadic = self.opt(T::Ellipsis).is_some();
        let mutable = self.opt(T::Mut).is_some();
        let pattern = matches!(self.kind(), T::LParen | T::LBracket)
            || (self.kind().is_name() && self.nth(1).kind == T::LParen);
        let name = if pattern && !variadic && !mutable {
            self.parse_taken_apart(parts)
        } else if matches!(self.kind(), T::SelfWord | T::Underscore) {
            let token = self.bump();
            self.ident_of(token)
        } else {
            self.parse_name("the name of a parameter")
        };
        let ty = self.opt(T::Colon).map(|_| self.parse_type());
        if ty.is_none() && self.kind().is_name() {
            let help = "a parameter is written name: Type";
            self.foreign("the type of a parameter follows its name and `:`", help);
            self.bump();
        }
        let default = self.opt(T::Eq).map(|_| self.parse_expr());
        self.declare(name.name);
        Param {
            name,
            ty,
            default: default.map(Box::new),
            variadic,
            mutable,
            span: self.span_from(start),
        }
    }

    /// `(a, b)`, `[first, ...rest]`, `User(name: n, ..)`: the parameter is called as it is written.
    fn parse_taken_apart(&mut self, parts: &mut Vec<Stmt>) -> Ident {
        let pattern = self.parse_let_pattern();
        self.declare_pattern(&pattern);
        let span = pattern.span;
        let text = &self.text[span.start as usize..span.end as usize];
        let name = self.interner.intern(text);
        let ident = Ident { name, span };
        let kind = StmtKind::Let(Box::new(Let {
            mutable: None,
            value: self.expr_at(span, ExprKind::Name(name)),
            pattern,
            ty: None,
        }));
        parts.push(Stmt { kind, span });
        ident
    }
}

/// `block`, with `parts` before its statements.
pub(super) fn after(mut parts: Vec<Stmt>, mut block: Block) -> Block {
    parts.append(&mut block.stmts);
    block.stmts = parts;
    block
}

/// The body `e` as a block.
pub(super) fn block_of(value: Expr) -> Block {
    let span = value.span;
    Block {
        stmts: vec![Stmt {
            span,
            kind: StmtKind::Expr(value),
        }],
        span,
        end: span.at_end(),
    }
}
