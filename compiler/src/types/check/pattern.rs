//! Patterns, against the type of what they are matched with.

use super::node;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, ExprKind, LocalId, Pat, PatKind, Ty, UnOp};
use crate::names::ValueDef;
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast::{self, ExprKind as Ast, LiteralPattern as Lit, PatternKind};
use crate::types::Checker;
use crate::types::ty::{AdtId, Kind};

/// A name bound by a pattern.
pub(crate) struct Bound {
    name: Symbol,
    local: LocalId,
    ty: Ty,
    span: Span,
}

/// What a pattern has bound so far.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) bound: Vec<Bound>,
    /// In the later alternatives of `a | b`: the names of the first.
    first: Option<Vec<(Symbol, LocalId, Ty)>>,
}

impl<'a> Checker<'a> {
    /// A pattern of `let`, `for` or a parameter; its names become known.
    pub(crate) fn pattern_top(&mut self, pattern: &'a ast::Pattern, ty: Ty, mutable: bool) -> Pat {
        let mut names = Names::default();
        let pat = self.pattern(pattern, ty, &mut names);
        self.declare_bound(names, mutable);
        pat
    }

    /// The pattern of a `match` arm.
    pub(crate) fn arm_pattern(&mut self, pattern: &'a ast::Pattern, ty: Ty) -> Pat {
        self.pattern_top(pattern, ty, false)
    }

    /// The pattern of `if let`, `while let`: a bare name is bound to what is not null.
    pub(crate) fn test_pattern(&mut self, pattern: &'a ast::Pattern, ty: Ty) -> Pat {
        let PatternKind::Name(name) = &pattern.kind else {
            return self.pattern_top(pattern, ty, false);
        };
        let head = self.known(ty);
        if self.variant_of(head, name.name).is_some() || self.constant(name.name).is_some() {
            return self.pattern_top(pattern, ty, false);
        }
        let mut rest = self.minus(head, Ty::NULL);
        if rest == head && matches!(self.types.kind(head), Kind::Adt(AdtId::RESULT, _)) {
            // `if let v = f()`: the value of an ok.
            let Kind::Adt(_, args) = self.types.kind(head).clone() else {
                unreachable!()
            };
            let local = self.declare(name.name, args[0], name.span, false);
            let inner = self.bind_pat(local, args[0], name.span);
            let kind = PatKind::Variant(0, vec![(0, inner)]);
            return Pat {
                kind,
                ty,
                span: pattern.span,
            };
        }
        if rest == Ty::NEVER {
            rest = Ty::NULL;
        }
        let local = self.declare(name.name, rest, name.span, false);
        let inner = self.bind_pat(local, rest, name.span);
        if rest == head {
            return inner;
        }
        let kind = PatKind::Type(rest, Box::new(inner));
        Pat {
            kind,
            ty,
            span: pattern.span,
        }
    }

    /// What else a pattern of [`Self::test_pattern`] demands: a name of a type that holds null
    /// itself, as Json, Any and a type parameter may, is not bound to null.
    pub(crate) fn test_guard(&mut self, pattern: &'a ast::Pattern, pat: &Pat) -> Option<Expr> {
        let PatternKind::Name(_) = &pattern.kind else {
            return None;
        };
        let bound = match &pat.kind {
            PatKind::Type(_, inner) => inner,
            _ => pat,
        };
        let PatKind::Bind(local, None) = bound.kind else {
            return None;
        };
        if !self.may_be(bound.ty, Ty::NULL) {
            return None;
        }
        let read = self.read_local(local, pat.span);
        let null = node(ExprKind::Is(Box::new(read), Ty::NULL), Ty::BOOL, pat.span);
        let not_null = ExprKind::Unary(UnOp::Not, Box::new(null));
        Some(node(not_null, Ty::BOOL, pat.span))
    }

    /// A name for all of a value.
    pub(crate) fn bind_pat(&self, local: LocalId, ty: Ty, span: Span) -> Pat {
        let kind = PatKind::Bind(local, None);
        Pat { kind, ty, span }
    }

    fn declare_bound(&mut self, names: Names, mutable: bool) {
        for (number, one) in names.bound.iter().enumerate() {
            let twice = names.bound[..number]
                .iter()
                .find(|other| other.name == one.name);
            if let Some(other) = twice {
                let text = self.text(one.name);
                let message = format!("`{text}` is bound twice in this pattern");
                let error = Diagnostic::new(Code::DuplicateBinding, message, one.span)
                    .label(other.span, "first bound here");
                self.report(error);
            }
            self.bind_name(one.name, one.local, one.ty, one.span, mutable);
        }
    }

    pub(crate) fn pattern(&mut self, pattern: &'a ast::Pattern, ty: Ty, names: &mut Names) -> Pat {
        let span = pattern.span;
        let plain = |kind| Pat { kind, ty, span };
        match &pattern.kind {
            PatternKind::Error => self.poison_names(pattern, ty, names),
            PatternKind::Wildcard => plain(PatKind::Wild),
            PatternKind::Name(name) => self.name_pattern(*name, ty, span, names),
            PatternKind::Literal(literal) => self.literal_pattern(literal, ty, span),
            PatternKind::Range(range) => self.range_pattern(range, ty, span),
            PatternKind::Tuple(parts) => self.tuple_pattern(parts, ty, span, names),
            PatternKind::List(list) => self.list_pattern(list, ty, span, names),
            PatternKind::Constructor(one) => self.constructor_pattern(one, ty, span, names),
            PatternKind::Ok(inner) => self.result_pattern(0, inner, ty, span, names),
            PatternKind::Err(inner) => self.result_pattern(1, inner, ty, span, names),
            PatternKind::Typed {
                pattern: inner,
                ty: of,
            } => {
                let of = self.body_type(of);
                self.typed_pattern(inner, of, ty, span, names)
            }
            PatternKind::Or(parts) => self.or_pattern(parts, ty, span, names),
        }
    }

    /// Binds the names in what could not be checked, so that their uses are not reported.
    fn poison_names(&mut self, pattern: &ast::Pattern, ty: Ty, names: &mut Names) -> Pat {
        let mut list = Vec::new();
        crate::types::walk::bound_names(pattern, &mut list);
        for name in list {
            self.bind_in(name, Ty::POISON, names);
        }
        Pat {
            kind: PatKind::Wild,
            ty,
            span: pattern.span,
        }
    }

    pub(crate) fn bind_in(&mut self, name: ast::Ident, ty: Ty, names: &mut Names) -> LocalId {
        let known = names.first.as_ref().and_then(|first| {
            first
                .iter()
                .find(|(other, ..)| *other == name.name)
                .copied()
        });
        if let Some((_, local, first_ty)) = known {
            if !self.types.unify(first_ty, ty) {
                let (one, other) = (self.show(first_ty), self.show(ty));
                let text = self.text(name.name);
                let message =
                    format!("`{text}` is {one} in one alternative and {other} in another");
                self.error(Code::UnequalAlternatives, name.span, message);
            }
            names.bound.push(Bound {
                name: name.name,
                local,
                ty: first_ty,
                span: name.span,
            });
            return local;
        }
        let local = self.local(name.name, ty, name.span);
        names.bound.push(Bound {
            name: name.name,
            local,
            ty,
            span: name.span,
        });
        local
    }

    fn name_pattern(&mut self, name: ast::Ident, ty: Ty, span: Span, names: &mut Names) -> Pat {
        let head = self.known(ty);
        if let Some((member, variant)) = self.variant_of(head, name.name) {
            let pat = Pat {
                kind: PatKind::Variant(variant, Vec::new()),
                ty: member,
                span,
            };
            self.expect_payload(member, variant, 0, span);
            return self.in_member(pat, member, head);
        }
        if let Some(literal) = self.constant(name.name) {
            return match literal {
                Some(literal) => self.literal_pattern(&literal, ty, span),
                None => {
                    let text = self.text(name.name);
                    let message = format!("constant `{text}` is not a literal");
                    let error = Diagnostic::new(Code::BadPattern, message, span)
                        .help("compare in a guard: x if x == …");
                    self.report(error);
                    Pat {
                        kind: PatKind::Wild,
                        ty,
                        span,
                    }
                }
            };
        }
        if let Some(ValueDef::Variant(adt, _)) = self.value_def(name.name)
            && self
                .names
                .resolve(name.name)
                .starts_with(char::is_uppercase)
            && !self.types.has_poison(head)
            && !self.is_var(head)
        {
            let (text, owner) = (self.text(name.name), self.text(self.items.adt(adt).name));
            let shown = self.show(head);
            let message = format!("`{text}` is a variant of {owner}, but the value is {shown}");
            self.error(Code::BadPattern, span, message);
            return Pat {
                kind: PatKind::Wild,
                ty,
                span,
            };
        }
        let local = self.bind_in(name, ty, names);
        self.bind_pat(local, ty, span)
    }

    /// A constant of this name; its literal, if it is one.
    #[allow(
        clippy::option_option,
        reason = "no constant, or a constant that is no literal"
    )]
    fn constant(&self, name: Symbol) -> Option<Option<Lit>> {
        let Some(ValueDef::Const(id)) = self.value_def(name) else {
            return None;
        };
        Some(match &self.items.const_(id).decl.value.kind {
            Ast::Int(value) => Some(Lit::Int(*value)),
            Ast::Float(value) => Some(Lit::Float(*value)),
            Ast::Bool(value) => Some(Lit::Bool(*value)),
            Ast::Str(text) => Some(Lit::Str(text.clone())),
            Ast::Bytes(bytes) => Some(Lit::Bytes(bytes.clone())),
            Ast::Unary { operand, .. } => match &operand.kind {
                Ast::Int(value) => Some(Lit::Int(-value)),
                Ast::Float(value) => Some(Lit::Float(-value)),
                _ => None,
            },
            _ => None,
        })
    }

    /// `name` as a variant of `ty`, or of a member of it.
    pub(crate) fn variant_of(&mut self, ty: Ty, name: Symbol) -> Option<(Ty, u32)> {
        let members = self.types.members(ty);
        members.into_iter().find_map(|member| {
            let member = self.types.head(member);
            match self.types.kind(member) {
                Kind::Adt(id, _) if self.items.adt(*id).is_enum => {
                    let number = *self.items.adt(*id).variant_names.get(&name)?;
                    Some((member, number))
                }
                _ => None,
            }
        })
    }

    /// A pattern for the member of a union: with a test that the value is of that type.
    pub(crate) fn in_member(&mut self, pat: Pat, member: Ty, whole: Ty) -> Pat {
        let whole_head = self.known(whole);
        if self.types.resolve(member) == self.types.resolve(whole_head) {
            return pat;
        }
        let span = pat.span;
        Pat {
            kind: PatKind::Type(member, Box::new(pat)),
            ty: whole,
            span,
        }
    }

    fn literal_pattern(&mut self, literal: &Lit, ty: Ty, span: Span) -> Pat {
        let (own, kind) = match literal {
            Lit::Null => (Ty::NULL, PatKind::Null),
            Lit::Bool(value) => (Ty::BOOL, PatKind::Bool(*value)),
            Lit::Int(value) => (Ty::INT, PatKind::Int(*value)),
            Lit::Float(value) => (Ty::FLOAT, PatKind::Float(*value)),
            Lit::Str(text) => (Ty::STRING, PatKind::Str(text.to_string())),
            Lit::Bytes(bytes) => (Ty::BYTES, PatKind::Bytes(bytes.to_vec())),
        };
        let head = self.known(ty);
        if let (Lit::Int(value), true) = (literal, self.wants_float(head)) {
            let pat = Pat {
                kind: PatKind::Float(*value as f64),
                ty: Ty::FLOAT,
                span,
            };
            return self.in_member(pat, Ty::FLOAT, head);
        }
        if own == Ty::NULL {
            if !self.may_be(head, Ty::NULL) {
                self.never_matches(head, "null", span);
            }
            return Pat { kind, ty, span };
        }
        self.literal_member(own, kind, head, span)
    }

    fn literal_member(&mut self, own: Ty, kind: PatKind, head: Ty, span: Span) -> Pat {
        if self.is_var(head) {
            self.types.unify(head, own);
        }
        let pat = Pat {
            kind,
            ty: own,
            span,
        };
        if !self.types.has_poison(head) && !self.may_be(head, own) {
            let shown = self.show(own);
            self.never_matches(head, &shown, span);
            return Pat {
                kind: PatKind::Wild,
                ty: head,
                span,
            };
        }
        let head = self.known(head);
        self.in_member(pat, own, head)
    }

    pub(crate) fn never_matches(&mut self, ty: Ty, what: &str, span: Span) {
        if self.types.has_poison(ty) {
            return;
        }
        if let Kind::Future(_) = self.types.kind(ty) {
            self.not_awaited(span, ty);
            return;
        }
        if let Some(impossible) = &mut self.body.impossible {
            *impossible = true;
            return;
        }
        let shown = self.show(ty);
        let message = format!("a value of type {shown} never matches {what}");
        let mut error = Diagnostic::new(Code::BadPattern, message, span);
        if matches!(self.types.kind(ty), Kind::Tuple(_)) && what == "a list" {
            error = error.help("a tuple is taken apart in parentheses: (a, b)");
        }
        self.report(error);
    }

    fn range_pattern(&mut self, range: &ast::RangePattern, ty: Ty, span: Span) -> Pat {
        let (start, end) = (range.start.as_ref(), range.end.as_ref());
        let inclusive = range.inclusive;
        let int = |literal: Option<&Lit>, open| match literal {
            None => Some(open),
            Some(Lit::Int(value)) => Some(*value),
            Some(_) => None,
        };
        let (Some(lo), Some(hi)) = (int(start, i64::MIN), int(end, i64::MAX)) else {
            self.error(Code::BadPattern, span, "a range pattern has Int ends");
            return Pat {
                kind: PatKind::Wild,
                ty,
                span,
            };
        };
        let hi = if inclusive || end.is_none() {
            Some(hi)
        } else {
            hi.checked_sub(1)
        };
        let Some(hi) = hi.filter(|&hi| hi >= lo) else {
            self.error(Code::BadPattern, span, "this range is empty");
            return Pat {
                kind: PatKind::Wild,
                ty,
                span,
            };
        };
        let head = self.known(ty);
        self.literal_member(Ty::INT, PatKind::Range { lo, hi }, head, span)
    }

    fn typed_pattern(
        &mut self,
        inner: &'a ast::Pattern,
        of: Ty,
        ty: Ty,
        span: Span,
        names: &mut Names,
    ) -> Pat {
        let head = self.known(ty);
        if self.is_var(head) {
            self.types.unify(head, of);
        }
        let head = self.known(ty);
        if head == self.types.head(of) || self.types.attempt(|types| types.unify(head, of)) {
            return self.pattern(inner, of, names);
        }
        if !self.types.has_poison(of) && !self.may_be(head, of) {
            let shown = self.show(of);
            self.never_matches(head, &shown, span);
        }
        let inner = self.pattern(inner, of, names);
        Pat {
            kind: PatKind::Type(of, Box::new(inner)),
            ty,
            span,
        }
    }

    fn or_pattern(
        &mut self,
        parts: &'a [ast::Pattern],
        ty: Ty,
        span: Span,
        names: &mut Names,
    ) -> Pat {
        let start = names.bound.len();
        let mut alternatives = Vec::with_capacity(parts.len());
        let Some((first, rest)) = parts.split_first() else {
            return Pat {
                kind: PatKind::Wild,
                ty,
                span,
            };
        };
        alternatives.push(self.pattern(first, ty, names));
        let bound = names.bound[start..]
            .iter()
            .map(|one| (one.name, one.local, one.ty));
        let bound: Vec<(Symbol, LocalId, Ty)> = bound.collect();
        for part in rest {
            let mut known = bound.clone();
            known.extend(names.first.iter().flatten());
            let mut other = Names {
                bound: Vec::new(),
                first: Some(known),
            };
            alternatives.push(self.pattern(part, ty, &mut other));
            self.compare_alternatives(&bound, &other, part.span);
        }
        Pat {
            kind: PatKind::Or(alternatives),
            ty,
            span,
        }
    }

    fn compare_alternatives(&mut self, first: &[(Symbol, LocalId, Ty)], other: &Names, span: Span) {
        let missing = first
            .iter()
            .find(|(name, ..)| !other.bound.iter().any(|b| b.name == *name));
        let extra = other
            .bound
            .iter()
            .find(|b| !first.iter().any(|(name, ..)| *name == b.name));
        let name = missing
            .map(|(name, ..)| *name)
            .or(extra.map(|one| one.name));
        if let Some(name) = name {
            let text = self.text(name);
            let message = format!("`{text}` is not bound in every alternative");
            self.error(Code::UnequalAlternatives, span, message);
        }
    }
}
