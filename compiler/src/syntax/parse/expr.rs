//! Operators, by precedence.

use super::*;

/// The binding powers, from loose to tight.
mod power {
    pub(super) const PIPE: u8 = 1;
    pub(super) const COALESCE: u8 = 2;
    pub(super) const OR: u8 = 3;
    pub(super) const AND: u8 = 4;
    pub(super) const COMPARE: u8 = 5;
    pub(super) const BIT_OR: u8 = 6;
    pub(super) const BIT_XOR: u8 = 7;
    pub(super) const BIT_AND: u8 = 8;
    pub(super) const SHIFT: u8 = 9;
    pub(super) const CONCAT: u8 = 10;
    pub(super) const RANGE: u8 = 11;
    pub(super) const ADD: u8 = 12;
    pub(super) const MUL: u8 = 13;
    pub(super) const UNARY: u8 = 14;
    pub(super) const POW: u8 = 15;
}

/// What stands between two operands.
#[derive(Clone, Copy)]
enum Infix {
    Binary(BinaryOp),
    Is,
    As,
    Range { inclusive: bool },
    Pipe,
    Compose,
}

impl Parser<'_> {
    /// An expression.
    pub(super) fn parse_expr(&mut self) -> Expr {
        self.parse_above(0)
    }

    /// An expression that no infix operator but `**` is part of.
    pub(super) fn parse_operand(&mut self) -> Expr {
        self.parse_above(power::UNARY)
    }

    /// An expression of operators that bind at least as tight as `min`.
    fn parse_above(&mut self, min: u8) -> Expr {
        if !self.enter() {
            self.leave();
            return self.error_expr();
        }
        let outer = std::mem::take(&mut self.height);
        let mut expr = self.parse_prefix();
        while let Some((infix, left)) = self.infix() {
            if left < min {
                break;
            }
            self.grow();
            expr = self.parse_infix(expr, infix, left);
        }
        self.height = outer.max(self.height + 1);
        self.leave();
        expr
    }

    /// The operator at the current token, with its binding power.
    fn infix(&self) -> Option<(Infix, u8)> {
        let token = self.peek();
        let continues = matches!(
            token.kind,
            T::PipeGt | T::TildeGt | T::QuestionQuestion | T::And | T::Or
        );
        if !continues && !self.same_line() {
            return None;
        }
        let (op, power) = match token.kind {
            T::Plus => (BinaryOp::Add, power::ADD),
            T::Minus => (BinaryOp::Sub, power::ADD),
            T::Star => (BinaryOp::Mul, power::MUL),
            T::Slash => (BinaryOp::Div, power::MUL),
            T::SlashSlash => (BinaryOp::FloorDiv, power::MUL),
            T::Percent => (BinaryOp::Rem, power::MUL),
            T::StarStar => (BinaryOp::Pow, power::POW),
            T::PlusPlus => (BinaryOp::Concat, power::CONCAT),
            T::EqEq | T::EqEqEq => (BinaryOp::Eq, power::COMPARE),
            T::NotEq | T::NotEqEq => (BinaryOp::NotEq, power::COMPARE),
            T::Lt => (BinaryOp::Lt, power::COMPARE),
            T::LtEq => (BinaryOp::LtEq, power::COMPARE),
            T::Gt => (BinaryOp::Gt, power::COMPARE),
            T::GtEq => (BinaryOp::GtEq, power::COMPARE),
            T::In => (BinaryOp::In, power::COMPARE),
            T::Not if self.nth(1).kind == T::In => (BinaryOp::NotIn, power::COMPARE),
            T::And | T::AmpAmp => (BinaryOp::And, power::AND),
            T::Or | T::PipePipe => (BinaryOp::Or, power::OR),
            T::QuestionQuestion => (BinaryOp::Coalesce, power::COALESCE),
            T::Pipe => (BinaryOp::BitOr, power::BIT_OR),
            T::Caret => (BinaryOp::BitXor, power::BIT_XOR),
            T::Amp => (BinaryOp::BitAnd, power::BIT_AND),
            T::Shl => (BinaryOp::Shl, power::SHIFT),
            T::Shr => (BinaryOp::Shr, power::SHIFT),
            T::Is => return Some((Infix::Is, power::COMPARE)),
            T::As => return Some((Infix::As, power::COMPARE)),
            T::DotDot => return Some((Infix::Range { inclusive: false }, power::RANGE)),
            T::DotDotEq => return Some((Infix::Range { inclusive: true }, power::RANGE)),
            T::PipeGt => return Some((Infix::Pipe, power::PIPE)),
            T::TildeGt => return Some((Infix::Compose, power::PIPE)),
            _ => return None,
        };
        Some((Infix::Binary(op), power))
    }

    /// The operator and its right operand, after `lhs`.
    fn parse_infix(&mut self, lhs: Expr, infix: Infix, power: u8) -> Expr {
        let start = lhs.span.start;
        self.check_operator();
        let op = self.bump();
        let op_span = self.span_of(op);
        let kind = match infix {
            Infix::Binary(BinaryOp::Pow) => {
                let rhs = self.parse_above(power::POW);
                binary(BinaryOp::Pow, op_span, lhs, rhs)
            }
            Infix::Binary(op) => {
                if op == BinaryOp::NotIn {
                    self.bump();
                }
                let rhs = self.parse_above(power + 1);
                binary(op, op_span, lhs, rhs)
            }
            Infix::Is if self.at(T::Not) => {
                self.foreign(
                    "`is not` is not an operator",
                    "write not (x is T), or x != null",
                );
                self.bump();
                self.parse_type();
                ExprKind::Error
            }
            Infix::Is => ExprKind::Is {
                value: Box::new(lhs),
                ty: Box::new(self.parse_type()),
            },
            Infix::As => ExprKind::As {
                value: Box::new(lhs),
                ty: Box::new(self.parse_type()),
            },
            Infix::Range { inclusive } => self.parse_range(Some(lhs), inclusive),
            Infix::Pipe => {
                let target = Box::new(self.parse_above(power + 1));
                ExprKind::Pipe {
                    value: Box::new(lhs),
                    target,
                }
            }
            Infix::Compose => {
                let second = Box::new(self.parse_above(power + 1));
                ExprKind::Compose {
                    first: Box::new(lhs),
                    second,
                }
            }
        };
        let expr = self.expr_from(start, kind);
        if power == power::COMPARE {
            return self.opt_chained(expr);
        }
        if power == power::RANGE && matches!(self.infix(), Some((_, power::RANGE))) {
            self.unexpected("a range has two ends; expected the end of the range");
        }
        expr
    }

    /// Reports the operators of other languages.
    fn check_operator(&mut self) {
        let (name, help) = match self.kind() {
            T::AmpAmp => ("&&", "write `and`"),
            T::PipePipe => ("||", "write `or`"),
            T::EqEqEq => ("===", "write `==`"),
            T::NotEqEq => ("!==", "write `!=`"),
            _ => return,
        };
        self.foreign(format!("`{name}` is not an operator"), help);
    }

    /// After a comparison: another comparison is reported, and makes the whole an error.
    fn opt_chained(&mut self, first: Expr) -> Expr {
        let Some((infix, power::COMPARE)) = self.infix() else {
            return first;
        };
        let ordered = |op| {
            matches!(
                op,
                BinaryOp::Lt | BinaryOp::LtEq | BinaryOp::Gt | BinaryOp::GtEq
            )
        };
        let both_ordered = match (&first.kind, infix) {
            (ExprKind::Binary(binary), Infix::Binary(op)) => ordered(binary.op) && ordered(op),
            _ => false,
        };
        let span = self.peek_span();
        let diagnostic = Diagnostic::new(Code::ChainedComparison, "comparisons do not chain", span);
        self.error(
            diagnostic
                .label(first.span, "a comparison")
                .help(if both_ordered {
                    "write a < b and b < c"
                } else {
                    "put one of the comparisons in parentheses"
                }),
        );
        while let Some((infix, power::COMPARE)) = self.infix() {
            let op = self.bump().kind;
            match infix {
                Infix::Is | Infix::As => drop(self.parse_type()),
                _ => {
                    if op == T::Not {
                        self.bump();
                    }
                    self.parse_above(power::COMPARE + 1);
                }
            }
        }
        self.expr_from(first.span.start, ExprKind::Error)
    }

    /// After `..` or `..=`: the end, if there is one, and the step.
    fn parse_range(&mut self, start: Option<Expr>, inclusive: bool) -> ExprKind {
        let has_end = self.same_line()
            && !matches!(
                self.kind(),
                T::RBracket | T::RParen | T::Comma | T::Eof | T::End
            )
            && !matches!(self.kind(), T::HoleClose | T::Step | T::Then | T::RBrace);
        let end = has_end.then(|| self.parse_above(power::RANGE + 1));
        if (start.is_none() || end.is_none()) && self.index_depth != self.depth {
            let span = self.span_of(self.tokens[self.pos - 1]);
            let diagnostic = Diagnostic::new(Code::OpenRange, "a range needs both ends", span);
            self.error(diagnostic.help("only an index may lack one: xs[1..]"));
        }
        let has_step = self.at_same_line(T::Step) && self.next_on_line();
        let step = has_step.then(|| {
            self.bump();
            self.parse_above(power::RANGE + 1)
        });
        ExprKind::Range(Box::new(Range {
            start,
            end,
            inclusive,
            step,
        }))
    }

    /// An operand: prefix operators, then what they are applied to.
    fn parse_prefix(&mut self) -> Expr {
        let start = self.peek().start;
        let op = match self.kind() {
            T::Minus => UnaryOp::Neg,
            T::Not => UnaryOp::Not,
            T::Tilde => UnaryOp::BitNot,
            T::Bang => {
                self.foreign("`!` does not stand before an operand", "write `not x`");
                UnaryOp::Not
            }
            T::Await => {
                self.bump();
                let value = Box::new(self.parse_above(power::UNARY));
                return self.expr_from(start, ExprKind::Await(value));
            }
            T::Try if !self.nth(1).newline_before => {
                let opener = self.bump();
                let value = self.parse_above(power::UNARY);
                return self.finish_prefix_try(opener, value);
            }
            T::DotDot | T::DotDotEq => {
                let inclusive = self.bump().kind == T::DotDotEq;
                let kind = self.parse_range(None, inclusive);
                return self.expr_from(start, kind);
            }
            T::Plus => {
                self.foreign("`+` does not stand before an operand", "leave it out");
                self.bump();
                return self.parse_above(power::UNARY);
            }
            _ => return self.parse_postfix(),
        };
        self.bump();
        if op == UnaryOp::Neg && self.at_least_int() {
            return self.parse_literal_from(start, true);
        }
        let operand = Box::new(self.parse_above(power::UNARY));
        self.expr_from(start, ExprKind::Unary { op, operand })
    }
}

fn binary(op: BinaryOp, op_span: Span, lhs: Expr, rhs: Expr) -> ExprKind {
    ExprKind::Binary(Box::new(Binary {
        op,
        op_span,
        lhs,
        rhs,
    }))
}
