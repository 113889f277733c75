//! Patterns of tuples, lists and results.

use super::pattern::Names;
use crate::diag::Code;
use crate::hir::{Pat, PatKind, Ty};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Checker;
use crate::types::ty::{AdtId, Kind};

impl<'a> Checker<'a> {
    pub(crate) fn tuple_pattern(
        &mut self,
        parts: &'a [ast::Pattern],
        ty: Ty,
        span: Span,
        names: &mut Names,
    ) -> Pat {
        let head = self.known(ty);
        if self.is_var(head) {
            let vars: Vec<Ty> = parts.iter().map(|_| self.open_var()).collect();
            let tuple = self.types.tuple(&vars);
            self.types.unify(head, tuple);
        }
        let head = self.known(ty);
        let members = self.types.members(head);
        let tuple = members.into_iter().find_map(|member| {
            let member = self.types.head(member);
            match self.types.kind(member).clone() {
                Kind::Tuple(types) => Some((member, types)),
                Kind::Any => {
                    let types = vec![Ty::ANY; parts.len()];
                    Some((self.types.tuple(&types), types.into()))
                }
                _ => None,
            }
        });
        let Some((member, types)) = tuple else {
            if !matches!(self.types.kind(head), Kind::Poison) {
                self.never_matches(head, &format!("a tuple of {}", parts.len()), span);
            }
            parts.iter().for_each(|part| {
                self.pattern(part, Ty::POISON, names);
            });
            return Pat {
                kind: PatKind::Wild,
                ty,
                span,
            };
        };
        if types.len() != parts.len() {
            let message = format!(
                "the tuple has {} parts, the pattern {}",
                types.len(),
                parts.len()
            );
            self.error(Code::BadPattern, span, message);
        }
        let fields = parts.iter().enumerate().map(|(number, part)| {
            let ty = types.get(number).copied().unwrap_or(Ty::POISON);
            (number as u32, self.pattern(part, ty, names))
        });
        let kind = PatKind::Fields(fields.collect());
        let pat = Pat {
            kind,
            ty: member,
            span,
        };
        self.in_member(pat, member, head)
    }

    pub(crate) fn list_pattern(
        &mut self,
        list: &'a ast::ListPattern,
        ty: Ty,
        span: Span,
        names: &mut Names,
    ) -> Pat {
        let head = self.known(ty);
        if self.is_var(head) {
            let element = self.open_var();
            let of = self.types.list(element);
            self.types.unify(head, of);
        }
        let head = self.known(ty);
        let members = self.types.members(head);
        let found = members.into_iter().find_map(|member| {
            let member = self.types.head(member);
            match self.types.kind(member) {
                Kind::List(element) => Some((member, *element)),
                Kind::Json => Some((Ty::LIST_JSON, Ty::JSON)),
                Kind::Any => Some((Ty::LIST_ANY, Ty::ANY)),
                Kind::Poison => Some((Ty::POISON, Ty::POISON)),
                _ => None,
            }
        });
        let Some((member, element)) = found else {
            self.never_matches(head, "a list", span);
            let parts = list.before.iter().chain(&list.after);
            parts.for_each(|part| {
                self.pattern(part, Ty::POISON, names);
            });
            if let Some(name) = list.rest.as_ref().and_then(|rest| rest.name) {
                self.bind_in(name, Ty::POISON, names);
            }
            return Pat {
                kind: PatKind::Wild,
                ty,
                span,
            };
        };
        let before = list
            .before
            .iter()
            .map(|part| self.pattern(part, element, names))
            .collect();
        let rest = list.rest.as_ref().map(|rest| rest.name);
        let rest = rest.map(|name| name.map(|name| self.bind_in(name, member, names)));
        let after = list
            .after
            .iter()
            .map(|part| self.pattern(part, element, names))
            .collect();
        let kind = PatKind::List {
            before,
            rest,
            after,
        };
        let pat = Pat {
            kind,
            ty: member,
            span,
        };
        self.in_member(pat, member, head)
    }

    pub(crate) fn result_pattern(
        &mut self,
        variant: u32,
        inner: &'a ast::Pattern,
        ty: Ty,
        span: Span,
        names: &mut Names,
    ) -> Pat {
        let head = self.known(ty);
        if self.is_var(head) {
            let (value, error) = (self.open_var(), self.open_var());
            let result = self.types.adt(AdtId::RESULT, &[value, error]);
            self.types.unify(head, result);
        }
        let head = self.known(ty);
        let members = self.types.members(head);
        let found = members.into_iter().find_map(|member| {
            let member = self.types.head(member);
            match self.types.kind(member).clone() {
                Kind::Adt(AdtId::RESULT, args) => Some((member, args[variant as usize])),
                Kind::Poison => Some((Ty::POISON, Ty::POISON)),
                _ => None,
            }
        });
        let Some((member, payload)) = found else {
            self.never_matches(head, if variant == 0 { "`ok`" } else { "`err`" }, span);
            self.pattern(inner, Ty::POISON, names);
            return Pat {
                kind: PatKind::Wild,
                ty,
                span,
            };
        };
        let inner = self.pattern(inner, payload, names);
        let kind = PatKind::Variant(variant, vec![(0, inner)]);
        let pat = Pat {
            kind,
            ty: member,
            span,
        };
        self.in_member(pat, member, head)
    }
}
