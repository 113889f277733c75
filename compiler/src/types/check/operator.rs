//! Operators.

use super::{Want, node};
use crate::diag::{Code, Diagnostic};
use crate::hir::{BinOp, Coercion, Expr, ExprKind, Ty, UnOp};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp as Op, ExprKind as Ast, UnaryOp};
use crate::types::Checker;
use crate::types::relate::Relation;
use crate::types::ty::Kind;

impl<'a> Checker<'a> {
    pub(crate) fn unary(
        &mut self,
        op: UnaryOp,
        operand: &'a ast::Expr,
        span: Span,
        want: Want,
    ) -> Expr {
        match op {
            UnaryOp::Not => {
                let operand = self.condition(operand);
                node(
                    ExprKind::Unary(UnOp::Not, Box::new(operand)),
                    Ty::BOOL,
                    span,
                )
            }
            UnaryOp::Neg => {
                let value = self.expr(operand, want.numeric());
                let ty = self.known(value.ty);
                if !matches!(ty, Ty::INT | Ty::FLOAT) && !self.settle_operand(ty, Ty::INT) {
                    return self.bad_unary("-", &value, span);
                }
                let ty = value.ty;
                node(ExprKind::Unary(UnOp::Neg, Box::new(value)), ty, span)
            }
            UnaryOp::BitNot => {
                let value = self.value(operand);
                let ty = self.known(value.ty);
                if ty != Ty::INT && !self.settle_operand(ty, Ty::INT) {
                    return self.bad_unary("~", &value, span);
                }
                node(
                    ExprKind::Unary(UnOp::BitNot, Box::new(value)),
                    Ty::INT,
                    span,
                )
            }
        }
    }

    fn bad_unary(&mut self, op: &str, value: &Expr, span: Span) -> Expr {
        let ty = self.known(value.ty);
        if let Kind::Future(_) = self.types.kind(ty) {
            self.not_awaited(value.span, ty);
        } else if !self.types.has_poison(ty) {
            let shown = self.show(ty);
            let message = format!("`{op}` is for numbers, not for {shown}");
            self.error(Code::BadOperand, span, message);
        }
        self.poison(span)
    }

    /// Whether an operand of unknown type may be of type `ty`; makes it so.
    fn settle_operand(&mut self, operand: Ty, ty: Ty) -> bool {
        self.is_var(operand) && self.types.unify(operand, ty)
    }

    /// Reports `not x in xs` and the like, where `not` takes an operand that is no Bool: it binds
    /// tighter than comparisons.
    pub(crate) fn misread_not(&mut self, lhs: &'a ast::Expr, instead: &str) -> bool {
        let ast::ExprKind::Unary { op, operand } = &lhs.kind else {
            return false;
        };
        let simple = matches!(operand.kind, ast::ExprKind::Name(_) | ast::ExprKind::Int(_));
        if *op != UnaryOp::Not || !simple || !self.sources.text(lhs.span).starts_with("not") {
            return false;
        }
        let value = self.value(operand);
        let ty = self.known(value.ty);
        if ty == Ty::BOOL || self.is_var(ty) || self.types.has_poison(ty) {
            return false;
        }
        let shown = self.show(ty);
        let message = format!("`not` takes a Bool, found {shown}");
        let error = Diagnostic::new(Code::Mismatch, message, lhs.span)
            .note("`not` binds tighter than comparisons")
            .help(format!("write {instead}"));
        self.report(error);
        true
    }

    pub(crate) fn binary(&mut self, binary: &'a ast::Binary, span: Span, want: Want) -> Expr {
        let instead = match binary.op {
            Op::In => Some("x not in xs"),
            Op::Eq => Some("a != b"),
            Op::Lt | Op::LtEq | Op::Gt | Op::GtEq | Op::NotEq => Some("not (a … b)"),
            _ => None,
        };
        if instead.is_some_and(|instead| self.misread_not(&binary.lhs, instead)) {
            self.value(&binary.rhs);
            return self.poison(span);
        }
        match binary.op {
            Op::And | Op::Or => self.logic(binary, span),
            Op::Coalesce => self.coalesce(binary, span, want),
            Op::In | Op::NotIn => self.contains(binary, span),
            Op::Eq | Op::NotEq => self.equality(binary, span),
            Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => {
                let (lhs, rhs) = (self.value(&binary.lhs), self.value(&binary.rhs));
                self.ordering(binary.op, lhs, rhs, span)
            }
            op => {
                let hint = self.operand_want(op, want);
                let lhs = self.expr(&binary.lhs, hint);
                let rhs_want = match (op, hint) {
                    (Op::Shl | Op::Shr, _) => Want::Value,
                    (_, Want::Type(_)) => hint,
                    _ => self.rhs_want(op, &lhs),
                };
                let rhs = self.expr(&binary.rhs, rhs_want);
                self.arithmetic(op, lhs, rhs, span, want)
            }
        }
    }

    /// What the context says about an operator's operands.
    fn operand_want(&mut self, op: Op, want: Want) -> Want {
        let Some(ty) = want.ty() else {
            return Want::Value;
        };
        let ty = self.known(ty);
        let container = matches!(self.types.kind(ty), Kind::List(_) | Kind::Set(_));
        match op {
            Op::Add | Op::Concat if container => Want::Type(ty),
            Op::Add | Op::Sub | Op::Mul | Op::Div | Op::FloorDiv | Op::Rem | Op::Pow
                if ty == Ty::FLOAT =>
            {
                Want::Type(ty)
            }
            _ => Want::Value,
        }
    }

    /// `xs + []`: the right side is what the left side is.
    fn rhs_want(&mut self, op: Op, lhs: &Expr) -> Want {
        let ty = self.known(lhs.ty);
        match self.types.kind(ty) {
            Kind::List(_) | Kind::Set(_) if matches!(op, Op::Add | Op::Concat) => Want::Type(ty),
            _ => Want::Value,
        }
    }

    /// An arithmetic, bit or joining operator.
    pub(crate) fn arithmetic(
        &mut self,
        op: Op,
        lhs: Expr,
        rhs: Expr,
        span: Span,
        want: Want,
    ) -> Expr {
        let (a, b) = (self.known(lhs.ty), self.known(rhs.ty));
        if self.types.has_poison(a) || self.types.has_poison(b) {
            return self.poison(span);
        }
        if a == Ty::NEVER || b == Ty::NEVER {
            let ty = if a == Ty::NEVER { b } else { a };
            return node(
                ExprKind::Binary(bin_op(op), Box::new(lhs), Box::new(rhs)),
                ty,
                span,
            );
        }
        let (a, b) = self.settle_operands(op, a, b, want);
        let int_only = matches!(op, Op::BitAnd | Op::BitOr | Op::BitXor | Op::Shl | Op::Shr);
        let make =
            |op, ty, lhs, rhs| node(ExprKind::Binary(op, Box::new(lhs), Box::new(rhs)), ty, span);
        match (op, a, b) {
            (Op::Concat, ..) | (Op::Add, Ty::STRING | Ty::BYTES, _) => {
                self.joining(op, lhs, rhs, span)
            }
            (_, Ty::INT, Ty::INT) => make(bin_op(op), Ty::INT, lhs, rhs),
            (_, Ty::FLOAT, Ty::FLOAT) if !int_only => make(bin_op(op), Ty::FLOAT, lhs, rhs),
            (_, Ty::INT, Ty::FLOAT) if !int_only => make(bin_op(op), Ty::FLOAT, to_float(lhs), rhs),
            (_, Ty::FLOAT, Ty::INT) if !int_only => make(bin_op(op), Ty::FLOAT, lhs, to_float(rhs)),
            (Op::BitAnd | Op::BitOr | Op::BitXor, Ty::BOOL, Ty::BOOL) => {
                let op = match op {
                    Op::BitXor => BinOp::Ne,
                    other => bin_op(other),
                };
                make(op, Ty::BOOL, lhs, rhs)
            }
            _ if self.is_var(a) && a == b && !int_only => make(bin_op(op), a, lhs, rhs),
            _ => {
                if op == Op::Add && matches!(self.types.kind(a), Kind::List(_)) {
                    return self.joining(op, lhs, rhs, span);
                }
                self.bad_operands(op, &lhs, &rhs, span)
            }
        }
    }

    /// Gives operands of unknown type that of the other one, or of the result wanted.
    fn settle_operands(&mut self, op: Op, a: Ty, b: Ty, want: Want) -> (Ty, Ty) {
        let int_only = matches!(op, Op::BitAnd | Op::BitOr | Op::BitXor | Op::Shl | Op::Shr);
        match (self.is_var(a), self.is_var(b)) {
            (false, false) => {}
            (true, true) => {
                self.types.unify(a, b);
                let context = want.ty().map(|ty| self.known(ty));
                match context {
                    _ if int_only => {
                        self.types.unify(a, Ty::INT);
                    }
                    Some(ty @ (Ty::INT | Ty::FLOAT | Ty::STRING)) => {
                        self.types.unify(a, ty);
                    }
                    _ => {}
                }
            }
            (true, false) if int_only => {
                self.types.unify(a, Ty::INT);
            }
            (false, true) if int_only => {
                self.types.unify(b, Ty::INT);
            }
            _ => {
                self.types.unify(a, b);
            }
        }
        (self.types.head(a), self.types.head(b))
    }

    /// `++`, and `+` on Strings, lists, Bytes.
    fn joining(&mut self, op: Op, lhs: Expr, rhs: Expr, span: Span) -> Expr {
        let (a, b) = (self.known(lhs.ty), self.known(rhs.ty));
        let make = |ty, lhs, rhs| {
            node(
                ExprKind::Binary(BinOp::Concat, Box::new(lhs), Box::new(rhs)),
                ty,
                span,
            )
        };
        match (self.types.kind(a).clone(), self.types.kind(b).clone()) {
            (Kind::String, Kind::String) => make(Ty::STRING, lhs, rhs),
            (Kind::Bytes, Kind::Bytes) => make(Ty::BYTES, lhs, rhs),
            (Kind::List(x), Kind::List(_)) => {
                if self.types.attempt(|types| types.unify(a, b)) {
                    return make(a, lhs, rhs);
                }
                let element = self.known(x);
                let _ = element;
                match self.try_coerce(rhs, a) {
                    Ok(rhs) => make(a, lhs, rhs),
                    Err(rhs) => self.bad_operands(op, &lhs, &rhs, span),
                }
            }
            (Kind::Var(_), Kind::Var(_)) => {
                self.types.unify(a, b);
                make(a, lhs, rhs)
            }
            (Kind::Var(_), _) if self.types.attempt(|types| types.unify(a, b)) => make(b, lhs, rhs),
            (_, Kind::Var(_)) if self.types.attempt(|types| types.unify(a, b)) => make(a, lhs, rhs),
            _ => self.bad_operands(op, &lhs, &rhs, span),
        }
    }

    fn bad_operands(&mut self, op: Op, lhs: &Expr, rhs: &Expr, span: Span) -> Expr {
        for side in [lhs, rhs] {
            let ty = self.known(side.ty);
            if self.types.has_poison(ty) {
                return self.poison(span);
            }
            if let Kind::Future(_) = self.types.kind(ty) {
                self.not_awaited(side.span, ty);
                return self.poison(span);
            }
        }
        let (a, b) = (self.known(lhs.ty), self.known(rhs.ty));
        let (a_text, b_text) = (self.show(a), self.show(b));
        let message = format!("`{}` does not take {a_text} and {b_text}", op.text());
        let mut error = Diagnostic::new(Code::BadOperand, message, span)
            .label(lhs.span, a_text)
            .label(rhs.span, b_text);
        let string = |ty| ty == Ty::STRING;
        if matches!(op, Op::Add | Op::Concat) && (string(a) || string(b)) {
            error = error.help("build text with holes: \"{a}{b}\", or use to_string");
        }
        if op == Op::Concat && matches!(a, Ty::INT | Ty::FLOAT) {
            error = error.help("`++` joins texts or lists; to count write x += 1");
        }
        if op == Op::Mul && string(a) {
            error = error.help("use repeat(text, n)");
        } else if op == Op::Mul && matches!(self.types.kind(a), Kind::List(_)) {
            error = error.help("use repeated(value, n), which makes a list");
        }
        if a == Ty::JSON || b == Ty::JSON {
            error = error.help("say what the Json is: `as Int`, or match it");
        }
        for ty in [a, b] {
            let members = self.types.members(ty);
            if members.len() > 1 && members.contains(&Ty::NULL) {
                error = error.help("one side may be null: test it, or give a default with `??`");
                break;
            }
        }
        self.report(error);
        self.poison(span)
    }

    fn logic(&mut self, binary: &'a ast::Binary, span: Span) -> Expr {
        let and = binary.op == Op::And;
        let lhs = self.condition(&binary.lhs);
        let mark = self.mark_narrows();
        self.assume(&binary.lhs, and);
        let rhs = self.condition(&binary.rhs);
        self.forget_narrows(mark);
        let (lhs, rhs) = (Box::new(lhs), Box::new(rhs));
        node(ExprKind::Logic { and, lhs, rhs }, Ty::BOOL, span)
    }

    fn equality(&mut self, binary: &'a ast::Binary, span: Span) -> Expr {
        let not = binary.op == Op::NotEq;
        for (one, other) in [(&binary.lhs, &binary.rhs), (&binary.rhs, &binary.lhs)] {
            if matches!(one.kind, Ast::Null) {
                return self.null_test(other, not, span);
            }
        }
        let lhs = self.value(&binary.lhs);
        let want = match self.known(lhs.ty) {
            ty if self.is_var(ty) => Want::Value,
            ty => Want::Type(ty),
        };
        let rhs = self.expr(&binary.rhs, want);
        self.equal(lhs, rhs, not, span)
    }

    fn null_test(&mut self, value: &'a ast::Expr, not: bool, span: Span) -> Expr {
        let value = self.value(value);
        let ty = self.known(value.ty);
        if self.types.has_poison(ty) {
            return node(ExprKind::Bool(false), Ty::BOOL, span);
        }
        if let Kind::Var(_) = self.types.kind(ty) {
            // Unknown yet: what it turns out to be is tested.
        } else if !self.may_be(ty, Ty::NULL) {
            let shown = self.show(ty);
            let verb = if not { "always" } else { "never" };
            let warning = Diagnostic::new(
                Code::ConstantTest,
                format!("a value of type {shown} is never null: this is {verb} so"),
                span,
            );
            self.report(warning);
        }
        let test = node(ExprKind::Is(Box::new(value), Ty::NULL), Ty::BOOL, span);
        if not {
            node(ExprKind::Unary(UnOp::Not, Box::new(test)), Ty::BOOL, span)
        } else {
            test
        }
    }

    /// `lhs == rhs`
    pub(crate) fn equal(&mut self, lhs: Expr, rhs: Expr, not: bool, span: Span) -> Expr {
        let op = if not { BinOp::Ne } else { BinOp::Eq };
        let Some((lhs, rhs)) = self.same_type(lhs, rhs, span, if not { "!=" } else { "==" }) else {
            return node(ExprKind::Bool(false), Ty::BOOL, span);
        };
        if let Some(call) = self.user_equal(&lhs, &rhs, span) {
            return if not {
                node(ExprKind::Unary(UnOp::Not, Box::new(call)), Ty::BOOL, span)
            } else {
                call
            };
        }
        node(
            ExprKind::Binary(op, Box::new(lhs), Box::new(rhs)),
            Ty::BOOL,
            span,
        )
    }

    /// Both sides as values of one type; reported if there is none.
    fn same_type(&mut self, lhs: Expr, rhs: Expr, span: Span, op: &str) -> Option<(Expr, Expr)> {
        let (a, b) = (self.known(lhs.ty), self.known(rhs.ty));
        if self.types.has_poison(a) || self.types.has_poison(b) {
            return None;
        }
        match (a, b) {
            (Ty::INT, Ty::FLOAT) => return Some((to_float(lhs), rhs)),
            (Ty::FLOAT, Ty::INT) => return Some((lhs, to_float(rhs))),
            _ => {}
        }
        let rhs = match self.try_coerce(rhs, a) {
            Ok(rhs) => return Some((lhs, rhs)),
            Err(rhs) => rhs,
        };
        let lhs = match self.try_coerce(lhs, b) {
            Ok(lhs) => return Some((lhs, rhs)),
            Err(lhs) => lhs,
        };
        let unions = [a, b]
            .iter()
            .any(|&ty| matches!(self.types.kind(ty), Kind::Union(_)));
        if unions && (self.may_be(a, b) || self.may_be(b, a)) {
            let both = self.types.union(&[a, b]);
            let (lhs, rhs) = (self.coerce(lhs, both), self.coerce(rhs, both));
            return Some((lhs, rhs));
        }
        for side in [&lhs, &rhs] {
            let ty = self.known(side.ty);
            if let Kind::Future(_) = self.types.kind(ty) {
                self.not_awaited(side.span, ty);
                return None;
            }
        }
        let (a_text, b_text) = (self.show(a), self.show(b));
        let error = Diagnostic::new(
            Code::BadOperand,
            format!("`{op}` cannot compare {a_text} with {b_text}"),
            span,
        )
        .label(lhs.span, a_text)
        .label(rhs.span, b_text);
        self.report(error);
        None
    }

    /// `<`, `<=`, `>`, `>=`
    pub(crate) fn ordering(&mut self, op: Op, lhs: Expr, rhs: Expr, span: Span) -> Expr {
        let Some((lhs, rhs)) = self.same_type(lhs, rhs, span, op.text()) else {
            return node(ExprKind::Bool(false), Ty::BOOL, span);
        };
        let ty = self.known(lhs.ty);
        if let Some(call) = self.user_order(op, &lhs, &rhs, span) {
            return call;
        }
        if !self.ordered(ty) {
            if let Kind::Future(_) = self.types.kind(ty) {
                self.not_awaited(lhs.span, ty);
            } else {
                let shown = self.show(ty);
                let message = format!("`{}` does not order values of type {shown}", op.text());
                let mut error = Diagnostic::new(Code::BadOperand, message, span);
                if self.types.members(ty).contains(&Ty::NULL) {
                    error = error.help("it may be null: test it, or give a default with `??`");
                }
                self.report(error);
            }
        }
        let kind = ExprKind::Binary(bin_op(op), Box::new(lhs), Box::new(rhs));
        node(kind, Ty::BOOL, span)
    }

    fn contains(&mut self, binary: &'a ast::Binary, span: Span) -> Expr {
        let test = if let Ast::Range(range) = &binary.rhs.kind {
            self.in_range(&binary.lhs, range, span)
        } else {
            self.in_container(binary, span)
        };
        if binary.op == Op::NotIn {
            node(ExprKind::Unary(UnOp::Not, Box::new(test)), Ty::BOOL, span)
        } else {
            test
        }
    }

    /// `x in a..b` as comparisons.
    fn in_range(&mut self, value: &'a ast::Expr, range: &'a ast::Range, span: Span) -> Expr {
        let value = self.value(value);
        let ty = value.ty;
        let local = self.temp(ty, span);
        let mut parts = vec![super::let_node(local, value, span)];
        let mut test: Option<Expr> = None;
        let ends = [
            (&range.start, Op::GtEq),
            (&range.end, if range.inclusive { Op::LtEq } else { Op::Lt }),
        ];
        for (end, op) in ends {
            let Some(end) = end else { continue };
            let end = self.expr(end, Want::Type(ty));
            let read = self.read_local(local, span);
            let one = self.ordering(op, read, end, span);
            test = Some(match test {
                None => one,
                Some(lhs) => {
                    let (lhs, rhs) = (Box::new(lhs), Box::new(one));
                    node(
                        ExprKind::Logic {
                            and: true,
                            lhs,
                            rhs,
                        },
                        Ty::BOOL,
                        span,
                    )
                }
            });
        }
        if let Some(step) = &range.step {
            self.error(
                Code::BadOperand,
                step.span,
                "`in` takes a range without `step`",
            );
        }
        parts.extend(test);
        node(ExprKind::Block(parts), Ty::BOOL, span)
    }

    fn in_container(&mut self, binary: &'a ast::Binary, span: Span) -> Expr {
        let value = self.value(&binary.lhs);
        let container = self.value(&binary.rhs);
        let ty = self.known(container.ty);
        let element = match self.types.kind(ty).clone() {
            Kind::List(t) | Kind::Set(t) => t,
            Kind::Map(k, _) => k,
            Kind::String => Ty::STRING,
            Kind::Bytes => Ty::INT,
            Kind::Poison => return node(ExprKind::Bool(false), Ty::BOOL, span),
            _ => {
                let shown = self.show(ty);
                let message = format!("`in` looks into lists, sets, maps and Strings, not {shown}");
                self.error(Code::BadOperand, binary.rhs.span, message);
                return node(ExprKind::Bool(false), Ty::BOOL, span);
            }
        };
        let value = self.coerce(value, element);
        let list = matches!(self.types.kind(ty), Kind::List(_));
        if list && self.needs_relation(Relation::Equal, element) {
            let args = vec![container, value];
            return self.library_call("list", "_contains", &[element], args, Ty::BOOL, span);
        }
        let (value, container) = (Box::new(value), Box::new(container));
        node(ExprKind::In { value, container }, Ty::BOOL, span)
    }
}

impl Want {
    /// What is wanted of the operand of `-`.
    fn numeric(self) -> Want {
        match self {
            Want::Type(ty) => Want::Type(ty),
            Want::Value | Want::Nothing => Want::Value,
        }
    }
}

/// An Int as Float.
pub(crate) fn to_float(value: Expr) -> Expr {
    let span = value.span;
    if let ExprKind::Int(number) = value.kind {
        return node(ExprKind::Float(number as f64), Ty::FLOAT, span);
    }
    node(
        ExprKind::Coerce(Coercion::IntToFloat, Box::new(value)),
        Ty::FLOAT,
        span,
    )
}

/// The operator of the typed tree.
pub(crate) fn bin_op(op: Op) -> BinOp {
    match op {
        Op::Add => BinOp::Add,
        Op::Sub => BinOp::Sub,
        Op::Mul => BinOp::Mul,
        Op::Div => BinOp::Div,
        Op::FloorDiv => BinOp::FloorDiv,
        Op::Rem => BinOp::Mod,
        Op::Pow => BinOp::Pow,
        Op::Concat => BinOp::Concat,
        Op::BitAnd => BinOp::BitAnd,
        Op::BitOr => BinOp::BitOr,
        Op::BitXor => BinOp::BitXor,
        Op::Shl => BinOp::Shl,
        Op::Shr => BinOp::Shr,
        Op::Eq | Op::In | Op::NotIn | Op::And | Op::Or | Op::Coalesce => BinOp::Eq,
        Op::NotEq => BinOp::Ne,
        Op::Lt => BinOp::Lt,
        Op::LtEq => BinOp::Le,
        Op::Gt => BinOp::Gt,
        Op::GtEq => BinOp::Ge,
    }
}
