//! Indexing, slices, ranges as values, comprehensions.

use super::{Want, append, node, put};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Coercion, Element, Expr, ExprKind, Iter, LocalId, Pat, PatKind, Ty};
use crate::names::ValueDef;
use crate::source::Span;
use crate::syntax::ast::{self, ComprehensionOutput as Output, ExprKind as Ast};
use crate::types::Checker;
use crate::types::ty::{Kind, Origin};

impl<'a> Checker<'a> {
    pub(crate) fn index(
        &mut self,
        base: &'a ast::Expr,
        index: &'a ast::Expr,
        safe: bool,
        span: Span,
    ) -> Expr {
        if let (Ast::Name(cell), Ast::Name(ty), false) = (&base.kind, &index.kind, safe)
            && self.lookup(*cell).is_none()
            && matches!(self.value_def(*cell), Some(ValueDef::Cell(_)))
        {
            let (name, args, at) = (*ty, Vec::new(), index.span);
            let name = ast::Ident { name, span: at };
            let kind = ast::TypeKind::Named { name, args };
            return self.instance_value(base, &[ast::Type { kind, span: at }], span);
        }
        let value = self.value(base);
        if let Ast::Range(range) = &index.kind {
            return self.slice(value, range, safe, span);
        }
        let ty = self.as_map(value.ty);
        if safe && !matches!(self.types.kind(ty), Kind::List(_) | Kind::Map(..)) {
            let rest = self.minus(ty, Ty::NULL);
            if rest != ty {
                return self.safely(value, span, |this, value| {
                    this.index_of(value, index, true, span)
                });
            }
        }
        self.index_of(value, index, safe, span)
    }

    fn index_of(&mut self, value: Expr, index: &'a ast::Expr, safe: bool, span: Span) -> Expr {
        let ty = self.as_map(value.ty);
        let (key, element) = match self.types.kind(ty).clone() {
            Kind::List(element) => (Ty::INT, element),
            Kind::Map(key, element) => (key, element),
            Kind::String => (Ty::INT, Ty::STRING),
            Kind::Bytes => (Ty::INT, Ty::INT),
            Kind::Json => return self.index_json(value, index, safe, span),
            Kind::Tuple(parts) => return self.index_tuple(value, &parts, index, span),
            Kind::Poison => {
                self.value(index);
                return self.poison(span);
            }
            _ => {
                self.value(index);
                self.not_indexable(ty, span, value.span);
                return self.poison(span);
            }
        };
        let index = Box::new(self.expr_as(index, key));
        let result = if safe {
            self.types.nullable(element)
        } else {
            element
        };
        let base = Box::new(value);
        node(ExprKind::Index { base, index, safe }, result, span)
    }

    fn not_indexable(&mut self, ty: Ty, span: Span, base: Span) {
        if self.is_var(ty) {
            let message = "the type of the value must be known to index it";
            self.error(Code::CannotInfer, base, message);
            return;
        }
        if let Kind::Future(_) = self.types.kind(ty) {
            self.not_awaited(base, ty);
            return;
        }
        let shown = self.show(ty);
        let message = format!("a value of type {shown} cannot be indexed");
        let mut error = Diagnostic::new(Code::NotIndexable, message, span);
        if self.types.members(ty).contains(&Ty::NULL) {
            error = error.help("it may be null: test it first, or write `?[`");
        } else if let Kind::Set(_) = self.types.kind(ty) {
            error = error.help("a set has no order of access: test with `in`, or walk over it");
        }
        self.report(error);
    }

    /// `json["key"]`, `json[0]`: as the map or list it must be.
    fn index_json(&mut self, value: Expr, index: &'a ast::Expr, safe: bool, span: Span) -> Expr {
        let index = self.value(index);
        let ty = self.known(index.ty);
        let container = if ty == Ty::INT {
            Ty::LIST_JSON
        } else {
            Ty::MAP_STRING_JSON
        };
        let index = if ty == Ty::INT {
            index
        } else {
            self.coerce(index, Ty::STRING)
        };
        let base = node(
            ExprKind::Coerce(Coercion::Cast, Box::new(value)),
            container,
            span,
        );
        let result = if safe {
            self.types.nullable(Ty::JSON)
        } else {
            Ty::JSON
        };
        let (base, index) = (Box::new(base), Box::new(index));
        node(ExprKind::Index { base, index, safe }, result, span)
    }

    /// `t[0]` with a literal.
    fn index_tuple(&mut self, value: Expr, parts: &[Ty], index: &'a ast::Expr, span: Span) -> Expr {
        if let Ast::Int(number) = index.kind
            && let Some(&ty) = usize::try_from(number).ok().and_then(|at| parts.get(at))
        {
            let base = Box::new(value);
            let index = number as u32;
            return node(ExprKind::Field { base, index }, ty, span);
        }
        let shown = self.show(value.ty);
        let message = format!("a part of {shown} is chosen by a literal: t.0");
        self.error(Code::NotIndexable, span, message);
        self.poison(span)
    }

    fn slice(&mut self, value: Expr, range: &'a ast::Range, safe: bool, span: Span) -> Expr {
        let ty = self.known(value.ty);
        let end = |this: &mut Self, end: &'a Option<ast::Expr>| {
            end.as_ref().map(|end| Box::new(this.expr_as(end, Ty::INT)))
        };
        let lo = end(self, &range.start);
        let hi = end(self, &range.end);
        if let Some(step) = &range.step {
            self.error(Code::NotIndexable, step.span, "a slice has no `step`");
        }
        if safe {
            let error = Diagnostic::new(
                Code::NotIndexable,
                "a slice cannot be written with `?[`",
                span,
            );
            self.report(error);
        }
        match self.types.kind(ty) {
            Kind::List(_) | Kind::String | Kind::Bytes => {}
            Kind::Poison => return self.poison(span),
            _ => {
                self.not_indexable(ty, span, value.span);
                return self.poison(span);
            }
        }
        let base = Box::new(value);
        let inclusive = range.inclusive;
        node(
            ExprKind::Slice {
                base,
                lo,
                hi,
                inclusive,
            },
            ty,
            span,
        )
    }

    /// A range as a value: the list of its numbers.
    pub(crate) fn range_value(&mut self, range: &'a ast::Range, span: Span) -> Expr {
        let iter = self.range_iter(range);
        let ty = Ty::LIST_INT;
        let local = self.temp(ty, span);
        let empty = node(ExprKind::List(Vec::new()), ty, span);
        let start = super::let_node(local, empty, span);
        let number = self.temp(Ty::INT, span);
        let pat = self.bind_pat(number, Ty::INT, span);
        let read = self.read_local(number, span);
        let body = append(local, read, ty, span);
        let walk = self.for_node(pat, iter, None, body, span);
        let end = self.read_local(local, span);
        node(ExprKind::Block(vec![start, walk, end]), ty, span)
    }

    /// Puts all entries of a map into the map `local`.
    pub(crate) fn copy_entries(&mut self, local: LocalId, other: Expr, ty: Ty, span: Span) -> Expr {
        let Kind::Map(key, value) = self.types.kind(ty).clone() else {
            return self.poison(span);
        };
        let (k, v) = (self.temp(key, span), self.temp(value, span));
        let fields = vec![
            (0, self.bind_pat(k, key, span)),
            (1, self.bind_pat(v, value, span)),
        ];
        let entry = self.types.tuple(&[key, value]);
        let pat = Pat {
            kind: PatKind::Fields(fields),
            ty: entry,
            span,
        };
        let (k, v) = (self.read_local(k, span), self.read_local(v, span));
        let body = put(local, k, v, ty, span);
        self.for_node(pat, Iter::Entries(Box::new(other)), None, body, span)
    }

    pub(crate) fn comprehension(
        &mut self,
        one: &'a ast::Comprehension,
        span: Span,
        want: Want,
    ) -> Expr {
        let (key, value) = self.wanted_output(&one.output, want);
        let list = self.types.list(value);
        let ty = match &one.output {
            Output::List(_) => list,
            Output::Set(_) => self.types.intern(Kind::Set(value)),
            Output::Map(..) => self.types.intern(Kind::Map(key, value)),
        };
        let held = if matches!(one.output, Output::Map(..)) {
            ty
        } else {
            list
        };
        let local = self.temp(held, span);
        let empty = if matches!(one.output, Output::Map(..)) {
            ExprKind::Map(Vec::new())
        } else {
            ExprKind::List(Vec::new())
        };
        let start = super::let_node(local, node(empty, held, span), span);
        let scope = self.enter();
        let narrows = self.mark_narrows();
        let walk = self.clauses(&one.clauses, &one.output, local, key, value, held);
        self.leave(scope);
        self.forget_narrows(narrows);
        let end = self.read_local(local, span);
        let end = match &one.output {
            Output::Set(_) => node(ExprKind::Set(vec![Element::Spread(end)]), ty, span),
            _ => end,
        };
        node(ExprKind::Block(vec![start, walk, end]), ty, span)
    }

    /// Key and value types that the context wants; else variables.
    fn wanted_output(&mut self, output: &Output, want: Want) -> (Ty, Ty) {
        let members = want
            .ty()
            .map(|ty| self.types.members(ty))
            .unwrap_or_default();
        for member in members {
            let member = self.types.head(member);
            match (output, self.types.kind(member)) {
                (Output::List(_), Kind::List(value)) | (Output::Set(_), Kind::Set(value)) => {
                    return (Ty::NULL, *value);
                }
                (Output::Map(..), Kind::Map(key, value)) => return (*key, *value),
                (Output::List(_), Kind::Json) => return (Ty::NULL, Ty::JSON),
                (Output::Map(..), Kind::Json) => return (Ty::STRING, Ty::JSON),
                _ => {}
            }
        }
        (
            self.types.fresh(Origin::Open),
            self.types.fresh(Origin::Open),
        )
    }

    fn clauses(
        &mut self,
        clauses: &'a [ast::ForClause],
        output: &'a Output,
        local: LocalId,
        key: Ty,
        value: Ty,
        ty: Ty,
    ) -> Expr {
        let Some((clause, rest)) = clauses.split_first() else {
            return self.output(output, local, key, value, ty);
        };
        let span = clause.iterable.span;
        let pair = super::loops::is_pair(&clause.pattern);
        let (iter, element) = self.iterate(&clause.iterable, pair);
        let pat = self.pattern_top(&clause.pattern, element, false);
        let filter = self.guards(&clause.guards);
        let body = self.clauses(rest, output, local, key, value, ty);
        self.for_node(pat, iter, filter, body, span)
    }

    fn output(&mut self, output: &'a Output, local: LocalId, key: Ty, value: Ty, ty: Ty) -> Expr {
        match output {
            Output::List(expr) | Output::Set(expr) => {
                let span = expr.span;
                let one = self.output_value(expr, value);
                append(local, one, ty, span)
            }
            Output::Map(k, v) => {
                let span = k.span;
                let k = self.output_value(k, key);
                let v = self.output_value(v, value);
                put(local, k, v, ty, span)
            }
        }
    }

    fn output_value(&mut self, expr: &'a ast::Expr, ty: Ty) -> Expr {
        let value = self.expr(expr, Want::Type(ty));
        let head = self.known(ty);
        if self.is_var(head) {
            self.types.unify(head, value.ty);
            return value;
        }
        self.coerce(value, ty)
    }
}
