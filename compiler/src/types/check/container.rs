//! Literals of tuples, lists, sets and maps.

use super::{Want, node};
use crate::diag::Code;
use crate::hir::{Element, Expr, ExprKind, Ty};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Checker;
use crate::types::ty::{Kind, Origin};

/// Keys and values of a map literal.
type Entries = Vec<(Expr, Expr)>;

/// What is spread in a map literal, by the number of entries before it.
type Spreads = Vec<(usize, Expr)>;

impl<'a> Checker<'a> {
    pub(crate) fn tuple_literal(&mut self, parts: &'a [ast::Expr], span: Span, want: Want) -> Expr {
        if parts.is_empty() {
            return node(ExprKind::Null, Ty::NULL, span);
        }
        let wanted = want.ty().and_then(|ty| {
            let members = self.types.members(ty);
            members.into_iter().find_map(|member| {
                let member = self.types.head(member);
                match self.types.kind(member) {
                    Kind::Tuple(types) if types.len() == parts.len() => Some(types.clone()),
                    _ => None,
                }
            })
        });
        let values: Vec<Expr> = match wanted {
            Some(types) => {
                let values = parts.iter().zip(types.iter());
                values.map(|(part, &ty)| self.expr_as(part, ty)).collect()
            }
            None => parts.iter().map(|part| self.value(part)).collect(),
        };
        let types: Vec<Ty> = values.iter().map(|value| value.ty).collect();
        if types.contains(&Ty::POISON) {
            return self.poison(span);
        }
        let ty = self.types.tuple(&types);
        node(ExprKind::Aggregate(values), ty, span)
    }

    /// The element type that the context wants of a list or set.
    fn wanted_element(&mut self, want: Want, set: bool) -> Option<Ty> {
        let members = self.types.members(want.ty()?);
        let mut elements = members.into_iter().filter_map(|member| {
            let member = self.types.head(member);
            match self.types.kind(member) {
                Kind::List(element) if !set => Some(*element),
                Kind::Set(element) if set => Some(*element),
                Kind::Json if !set => Some(Ty::JSON),
                _ => None,
            }
        });
        // Where there are several, the elements decide.
        elements.next().filter(|_| elements.next().is_none())
    }

    pub(crate) fn list_literal(
        &mut self,
        elements: &'a [ast::Element],
        span: Span,
        want: Want,
    ) -> Expr {
        let wanted = self.wanted_element(want, false);
        let (elements, element) = self.elements(elements, wanted, false);
        let ty = self.types.list(element);
        node(ExprKind::List(elements), ty, span)
    }

    pub(crate) fn set_literal(
        &mut self,
        elements: &'a [ast::Element],
        span: Span,
        want: Want,
    ) -> Expr {
        let wanted = self.wanted_element(want, true);
        let (elements, element) = self.elements(elements, wanted, true);
        let ty = self.types.intern(Kind::Set(element));
        node(ExprKind::Set(elements), ty, span)
    }

    fn elements(
        &mut self,
        elements: &'a [ast::Element],
        wanted: Option<Ty>,
        set: bool,
    ) -> (Vec<Element>, Ty) {
        if let Some(element) = wanted {
            let head = self.known(element);
            if !self.is_var(head) {
                let list = self.types.list(element);
                let of_set = self.types.intern(Kind::Set(element));
                let done = elements.iter().map(|one| {
                    if one.spread {
                        let value = self.value(&one.value);
                        let ty = self.known(value.ty);
                        let is_set = matches!(self.types.kind(ty), Kind::Set(_));
                        Element::Spread(self.coerce(value, if is_set { of_set } else { list }))
                    } else {
                        Element::One(self.expr_as(&one.value, element))
                    }
                });
                return (done.collect(), element);
            }
        }
        let _ = set;
        let (done, element) = self.joined_elements(elements);
        if let Some(wanted) = wanted {
            self.types.unify(wanted, element);
        }
        (done, element)
    }

    /// Elements that decide their type together.
    fn joined_elements(&mut self, elements: &'a [ast::Element]) -> (Vec<Element>, Ty) {
        if elements.is_empty() {
            return (Vec::new(), self.types.fresh(Origin::Literal));
        }
        let result = self.types.fresh(Origin::Literal);
        let mut types: Vec<Ty> = Vec::new();
        let mut values: Vec<(bool, Expr)> = Vec::with_capacity(elements.len());
        for one in elements {
            let hint = types.first().copied().filter(|&ty| self.hints(ty));
            let want = match (one.spread, hint) {
                (false, Some(hint)) => Want::Type(hint),
                _ => Want::Value,
            };
            let value = self.expr(&one.value, want);
            let ty = self.known(value.ty);
            let element = match (one.spread, self.types.kind(ty).clone()) {
                (false, _) => value.ty,
                (true, Kind::List(element) | Kind::Set(element)) => element,
                (true, Kind::Poison) => Ty::POISON,
                (true, _) => {
                    let shown = self.show(ty);
                    let message = format!("`...` takes a list, found {shown}");
                    self.error(Code::Mismatch, value.span, message);
                    Ty::POISON
                }
            };
            types.push(element);
            values.push((one.spread, value));
        }
        let floats = types.contains(&Ty::FLOAT);
        if floats {
            for ((_, value), ty) in values.iter_mut().zip(&mut types) {
                if let ExprKind::Int(number) = value.kind {
                    value.kind = ExprKind::Float(number as f64);
                    value.ty = Ty::FLOAT;
                    *ty = Ty::FLOAT;
                }
            }
        }
        let joined = self.join(&types);
        self.types.unify(result, joined);
        let done = values.into_iter().map(|(spread, value)| {
            if spread {
                Element::Spread(value)
            } else {
                let span = value.span;
                match self.try_coerce(value, result) {
                    Ok(value) => Element::One(value),
                    Err(_) => Element::One(self.poison(span)),
                }
            }
        });
        (done.collect(), result)
    }

    pub(crate) fn map_literal(
        &mut self,
        elements: &'a [ast::MapElement],
        span: Span,
        want: Want,
    ) -> Expr {
        let wanted = want.ty().and_then(|ty| {
            let members = self.types.members(ty);
            members.into_iter().find_map(|member| {
                let member = self.types.head(member);
                match self.types.kind(member) {
                    Kind::Map(key, value) => Some((*key, *value)),
                    Kind::Json => Some((Ty::STRING, Ty::JSON)),
                    _ => None,
                }
            })
        });
        let known = wanted.filter(|&(_, value)| {
            let value = self.known(value);
            !self.is_var(value)
        });
        let (entries, spreads, key, value) = match known {
            Some((key, value)) => {
                let (entries, spreads) = self.known_entries(elements, key, value);
                (entries, spreads, key, value)
            }
            None => {
                let (entries, spreads, key, value) = self.joined_entries(elements);
                if let Some((want_key, want_value)) = wanted {
                    self.types.unify(want_key, key);
                    self.types.unify(want_value, value);
                }
                (entries, spreads, key, value)
            }
        };
        let ty = self.types.intern(Kind::Map(key, value));
        if spreads.is_empty() {
            return node(ExprKind::Map(entries), ty, span);
        }
        self.spread_map(entries, spreads, ty, span)
    }

    fn known_entries(
        &mut self,
        elements: &'a [ast::MapElement],
        key: Ty,
        value: Ty,
    ) -> (Entries, Spreads) {
        let (mut entries, mut spreads) = (Vec::new(), Vec::new());
        let map = self.types.intern(Kind::Map(key, value));
        for element in elements {
            match element {
                ast::MapElement::Entry(k, v) => {
                    let k = self.expr_as(k, key);
                    entries.push((k, self.expr_as(v, value)));
                }
                ast::MapElement::Spread(other) => {
                    spreads.push((entries.len(), self.expr_as(other, map)));
                }
            }
        }
        (entries, spreads)
    }

    #[allow(clippy::type_complexity, reason = "entries, spreads and their types")]
    fn joined_entries(
        &mut self,
        elements: &'a [ast::MapElement],
    ) -> (Vec<(Expr, Expr)>, Vec<(usize, Expr)>, Ty, Ty) {
        let (key, value) = (
            self.types.fresh(Origin::Literal),
            self.types.fresh(Origin::Literal),
        );
        let map = self.types.intern(Kind::Map(key, value));
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let (mut raw, mut spreads) = (Vec::new(), Vec::new());
        for element in elements {
            match element {
                ast::MapElement::Entry(k, v) => {
                    let k = self.value(k);
                    let hint = values.first().copied().filter(|&ty| self.hints(ty));
                    let v = self.expr(v, hint.map_or(Want::Value, Want::Type));
                    keys.push(k.ty);
                    values.push(v.ty);
                    raw.push((k, v));
                }
                ast::MapElement::Spread(other) => {
                    spreads.push((raw.len(), self.expr_as(other, map)));
                    keys.push(key);
                    values.push(value);
                }
            }
        }
        if values.contains(&Ty::FLOAT) {
            for ((_, v), ty) in raw.iter_mut().zip(&mut values) {
                if let ExprKind::Int(number) = v.kind {
                    v.kind = ExprKind::Float(number as f64);
                    v.ty = Ty::FLOAT;
                    *ty = Ty::FLOAT;
                }
            }
        }
        let (joined_key, joined_value) = (self.join(&keys), self.join(&values));
        self.types.unify(key, joined_key);
        self.types.unify(value, joined_value);
        let entries = raw
            .into_iter()
            .map(|(k, v)| (self.coerce(k, key), self.coerce(v, value)));
        (entries.collect(), spreads, key, value)
    }

    /// A map with `...m` in it: entries are put in one after the other.
    fn spread_map(
        &mut self,
        entries: Vec<(Expr, Expr)>,
        spreads: Vec<(usize, Expr)>,
        ty: Ty,
        span: Span,
    ) -> Expr {
        let local = self.temp(ty, span);
        let empty = node(ExprKind::Map(Vec::new()), ty, span);
        let mut parts = vec![super::let_node(local, empty, span)];
        let mut spreads = spreads.into_iter().peekable();
        let count = entries.len();
        let mut entries = entries.into_iter();
        for number in 0..=count {
            while spreads.peek().is_some_and(|(at, _)| *at == number) {
                let (_, other) = spreads.next().expect("peeked");
                parts.push(self.copy_entries(local, other, ty, span));
            }
            if let Some((key, value)) = entries.next() {
                parts.push(super::put(local, key, value, ty, span));
            }
        }
        parts.push(self.read_local(local, span));
        node(ExprKind::Block(parts), ty, span)
    }

    pub(crate) fn empty_braces(&mut self, span: Span, want: Want) -> Expr {
        let wanted = want.ty().and_then(|ty| {
            let members = self.types.members(ty);
            members.into_iter().find_map(|member| {
                let member = self.types.head(member);
                match self.types.kind(member) {
                    Kind::Map(..) | Kind::Set(_) => Some(member),
                    Kind::Json => Some(Ty::MAP_STRING_JSON),
                    _ => None,
                }
            })
        });
        let ty = wanted.unwrap_or_else(|| self.types.fresh(Origin::Braces));
        // Which of the two is settled when the type is.
        node(ExprKind::Map(Vec::new()), ty, span)
    }
}
