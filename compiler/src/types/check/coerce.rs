//! Fitting a node to a type: widening, literals, the type that branches have in common.

use super::node;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Coercion, Expr, ExprKind, Ty, UnOp};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Checker;
use crate::types::ty::{Few, Kind, Origin};

/// How a type relates to one that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// They are the same.
    Same,
    /// The one wanted contains it.
    Widen,
    /// It does not fit.
    No,
}

impl<'a> Checker<'a> {
    /// Checks `expr`, which must give a value of type `ty`.
    pub(crate) fn expr_as(&mut self, expr: &'a ast::Expr, ty: Ty) -> Expr {
        let value = self.expr(expr, super::Want::Type(ty));
        self.coerce(value, ty)
    }

    /// Checks `expr`, which must be a Bool.
    pub(crate) fn condition(&mut self, expr: &'a ast::Expr) -> Expr {
        self.expr_as(expr, Ty::BOOL)
    }

    /// `expr` as a value of type `to`; reported if it cannot be one.
    pub(crate) fn coerce(&mut self, expr: Expr, to: Ty) -> Expr {
        match self.try_coerce(expr, to) {
            Ok(expr) => expr,
            Err(expr) => {
                self.mismatch(expr.span, expr.ty, to);
                self.poison(expr.span)
            }
        }
    }

    /// As `coerce`; gives the node back when it does not fit.
    pub(crate) fn try_coerce(&mut self, expr: Expr, to: Ty) -> Result<Expr, Expr> {
        let from = self.known(expr.ty);
        let target = self.known(to);
        if from == target || from == Ty::NEVER || from == Ty::POISON || target == Ty::POISON {
            return Ok(expr);
        }
        if matches!(expr.kind, ExprKind::Null) && self.is_var(from) {
            return self.coerce_null(expr, target);
        }
        if from == Ty::INT
            && self.wants_float(target)
            && let Some(literal) = float_literal(&expr)
        {
            return self.try_coerce(literal, target);
        }
        match self.fit(from, target) {
            Fit::Same => Ok(expr),
            Fit::Widen => {
                let span = expr.span;
                Ok(node(
                    ExprKind::Coerce(Coercion::Widen, Box::new(expr)),
                    to,
                    span,
                ))
            }
            Fit::No => self.adapt_fn(expr, from, target),
        }
    }

    /// The literal `null` where `target` is wanted.
    fn coerce_null(&mut self, mut expr: Expr, target: Ty) -> Result<Expr, Expr> {
        if self.is_var(target) {
            self.types.unify(expr.ty, target);
            return Ok(expr);
        }
        self.types.unify(expr.ty, Ty::NULL);
        expr.ty = Ty::NULL;
        self.try_coerce(expr, target)
    }

    /// Whether an Int literal becomes a Float where `target` is wanted.
    pub(crate) fn wants_float(&mut self, target: Ty) -> bool {
        let members = self.types.members(target);
        members.contains(&Ty::FLOAT) && !members.contains(&Ty::INT)
    }

    /// Whether and how a value of type `from` is one of type `to`; binds variables.
    pub(crate) fn fit(&mut self, from: Ty, to: Ty) -> Fit {
        let (from, to) = (self.known(from), self.known(to));
        if from == to {
            return Fit::Same;
        }
        let to_kind = self.types.kind(to).clone();
        let from_kind = self.types.kind(from).clone();
        match (&from_kind, &to_kind) {
            (Kind::Poison | Kind::Never, _) | (_, Kind::Poison) => Fit::Same,
            (Kind::Var(_), Kind::Any) => Fit::Widen,
            (_, Kind::Any) => Fit::Widen,
            (_, Kind::Var(var)) if self.types.origin(*var) == Origin::Null => {
                let nullable = self.types.nullable(from);
                self.types.bind(*var, nullable);
                self.same_or_widen(from, nullable)
            }
            (Kind::Var(var), Kind::Union(members)) if self.types.origin(*var) == Origin::Braces => {
                let members = members.clone();
                let map = members
                    .iter()
                    .copied()
                    .find(|&m| matches!(self.types.kind(m), Kind::Map(..) | Kind::Set(_)));
                match map {
                    Some(member) if self.types.unify(from, member) => Fit::Widen,
                    _ => Fit::No,
                }
            }
            (Kind::Var(_), Kind::Json) => self.exactly(from, to),
            (Kind::Var(_), _) | (_, Kind::Var(_)) => self.exactly(from, to),
            (_, Kind::Json) => self.json_fit(from),
            (Kind::Union(parts), Kind::Union(_)) => {
                if self.types.attempt(|types| types.unify(from, to)) {
                    return Fit::Same;
                }
                let parts = parts.clone();
                let all = parts.iter().all(|&part| self.fit(part, to) != Fit::No);
                if all { Fit::Widen } else { Fit::No }
            }
            (_, Kind::Union(members)) => {
                let members = members.clone();
                self.fit_member(from, &members)
            }
            (Kind::List(x), Kind::List(y)) if *y == Ty::JSON => match self.exactly(from, to) {
                Fit::No => self.json_fit(*x).as_part(),
                fit => fit,
            },
            (Kind::Map(k, x), Kind::Map(l, y)) if *y == Ty::JSON && k == l => {
                match self.exactly(from, to) {
                    Fit::No => self.json_fit(*x).as_part(),
                    fit => fit,
                }
            }
            _ => self.exactly(from, to),
        }
    }

    fn same_or_widen(&mut self, from: Ty, to: Ty) -> Fit {
        if self.types.resolve(from) == self.types.resolve(to) {
            Fit::Same
        } else {
            Fit::Widen
        }
    }

    fn exactly(&mut self, from: Ty, to: Ty) -> Fit {
        if self.types.attempt(|types| types.unify(from, to)) {
            Fit::Same
        } else {
            Fit::No
        }
    }

    fn fit_member(&mut self, from: Ty, members: &[Ty]) -> Fit {
        if members.contains(&from) {
            return Fit::Widen;
        }
        for &member in members {
            if !self.is_var(member) && self.types.attempt(|types| types.unify(from, member)) {
                return Fit::Widen;
            }
        }
        for &member in members {
            let member = self.types.head(member);
            if self.is_var(member) && self.types.attempt(|types| types.unify(from, member)) {
                return Fit::Widen;
            }
            if member == Ty::JSON && self.json_fit(from) != Fit::No {
                return Fit::Widen;
            }
        }
        Fit::No
    }

    /// Whether every value of type `ty` is Json.
    pub(crate) fn json_fit(&mut self, ty: Ty) -> Fit {
        let ty = self.types.head(ty);
        let parts = match self.types.kind(ty).clone() {
            Kind::Json | Kind::Poison => return Fit::Same,
            Kind::Null | Kind::Bool | Kind::Int | Kind::Float | Kind::String | Kind::Never => {
                return Fit::Widen;
            }
            Kind::List(t) => vec![t],
            Kind::Map(k, v) if self.types.head(k) == Ty::STRING => vec![v],
            Kind::Union(parts) => parts.to_vec(),
            Kind::Var(_) => {
                self.types.unify(ty, Ty::JSON);
                return Fit::Same;
            }
            _ => return Fit::No,
        };
        let all = parts.into_iter().all(|part| self.json_fit(part) != Fit::No);
        if all { Fit::Widen } else { Fit::No }
    }

    /// A node of a type that is settled later: `expr` coerced to the variable `to`, to which the
    /// types of other branches contribute.
    pub(crate) fn coerce_later(&mut self, expr: Expr, to: Ty) -> Expr {
        let span = expr.span;
        if expr.ty == Ty::NEVER {
            return expr;
        }
        node(ExprKind::Coerce(Coercion::Widen, Box::new(expr)), to, span)
    }

    /// The type that has room for all of `types`.
    pub(crate) fn join(&mut self, types: &[Ty]) -> Ty {
        let mut parts = Few::new();
        let mut nulls = Few::new();
        for &ty in types {
            let ty = self.known(ty);
            if ty == Ty::NEVER || parts.contains(&ty) {
                continue;
            }
            if ty == Ty::POISON {
                return Ty::POISON;
            }
            match self.types.kind(ty) {
                Kind::Var(var) if self.types.origin(*var) == Origin::Null => nulls.push(ty),
                Kind::Union(members) => parts.extend_from_slice(members),
                _ => parts.push(ty),
            }
        }
        if !nulls.is_empty() && !parts.is_empty() {
            for null in nulls {
                self.types.unify(null, Ty::NULL);
            }
            parts.push(Ty::NULL);
        } else if let Some(&first) = nulls.first() {
            nulls.iter().skip(1).for_each(|&null| {
                self.types.unify(first, null);
            });
            return first;
        }
        let mut joined = Few::new();
        for part in parts {
            let part = self.types.head(part);
            let same = joined.iter().any(|&other| {
                other == part
                    || ((self.types.has_var(other) || self.types.has_var(part))
                        && part != Ty::NULL
                        && other != Ty::NULL
                        && self.types.attempt(|types| types.unify(other, part)))
            });
            if !same {
                joined.push(part);
            }
        }
        self.types.union(&joined)
    }

    /// Reports that something of type `from` stands where `to` is wanted.
    pub(crate) fn mismatch(&mut self, span: Span, from: Ty, to: Ty) {
        let head = self.known(from);
        if self.types.resolve(to) == Ty::POISON || self.types.has_poison(head) {
            return;
        }
        if let Kind::Future(_) = self.types.kind(head) {
            self.not_awaited(span, head);
            return;
        }
        if self.holds_future(head) && !self.holds_future(to) {
            self.not_awaited(span, head);
            return;
        }
        let (want, got) = (self.show(to), self.show(from));
        let message = format!("expected {want}, found {got}");
        let mut error = Diagnostic::new(Code::Mismatch, message, span);
        let target = self.known(to);
        let text = self.sources.text(span).to_owned();
        let short = text.len() <= 40 && !text.contains('\n');
        let without_null = self.types.without(head, |_, member| member == Ty::NULL);
        if head == Ty::INT && self.wants_float(target) && short {
            error = error.help(format!("convert it: to_float({text})"));
        } else if head == Ty::FLOAT && target == Ty::INT && short {
            error = error.help(format!("convert it: to_int({text}), round({text})"));
        } else if without_null != head
            && without_null != Ty::NEVER
            && self.fit(without_null, target) != Fit::No
        {
            error = error.help("it may be null: test it first, or give a default with `??`");
        } else if target == Ty::STRING && short && matches!(head, Ty::INT | Ty::FLOAT | Ty::BOOL) {
            error = error.help(format!("convert it: to_string({text})"));
        }
        self.report(error);
    }

    /// Reports a future used where its value is wanted.
    pub(crate) fn not_awaited(&mut self, span: Span, ty: Ty) {
        let text = self.sources.text(span);
        let shown = if text.contains('\n') || text.len() > 60 {
            "this"
        } else {
            text
        }
        .to_owned();
        let ty = self.show(ty);
        let error = Diagnostic::new(
            Code::NotAwaited,
            format!("{shown} is a {ty} that has not been awaited"),
            span,
        )
        .help(format!("write: await {shown}"));
        self.report(error);
    }
}

impl Fit {
    /// A fit inside a container, which has to be copied.
    fn as_part(self) -> Fit {
        match self {
            Fit::No => Fit::No,
            Fit::Same | Fit::Widen => Fit::Widen,
        }
    }
}

/// An Int literal as a Float.
fn float_literal(expr: &Expr) -> Option<Expr> {
    let kind = match &expr.kind {
        ExprKind::Int(value) => ExprKind::Float(*value as f64),
        ExprKind::Unary(UnOp::Neg, inner) => {
            ExprKind::Unary(UnOp::Neg, Box::new(float_literal(inner)?))
        }
        _ => return None,
    };
    Some(node(kind, Ty::FLOAT, expr.span))
}
