//! Patterns that take records and variants apart.

use super::pattern::Names;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Pat, PatKind, Ty};
use crate::names::{ValueDef, closest};
use crate::source::Span;
use crate::syntax::ast::{self, PatternKind};
use crate::types::Checker;
use crate::types::items::VariantDef;
use crate::types::ty::{AdtId, Kind};
use std::rc::Rc;

impl<'a> Checker<'a> {
    pub(crate) fn constructor_pattern(
        &mut self,
        one: &'a ast::ConstructorPattern,
        ty: Ty,
        span: Span,
        names: &mut Names,
    ) -> Pat {
        let head = self.known(ty);
        let Some((member, variant)) = self.constructor(one, head, span) else {
            for field in one.fields.iter().flatten() {
                self.pattern(&field.pattern, Ty::POISON, names);
            }
            return Pat {
                kind: PatKind::Wild,
                ty,
                span,
            };
        };
        let (is_enum, variants, args) = match self.types.kind(member).clone() {
            Kind::Adt(id, args) => (self.items.adt(id).is_enum, self.variants(id), args),
            _ => (false, self.error_variant(), Rc::from([])),
        };
        let def = &variants[variant as usize];
        let fields = self.constructor_fields(one, def, &args, span, names);
        let kind = if is_enum {
            PatKind::Variant(variant, fields)
        } else {
            PatKind::Fields(fields)
        };
        let pat = Pat {
            kind,
            ty: member,
            span,
        };
        self.in_member(pat, member, head)
    }

    fn constructor_fields(
        &mut self,
        one: &'a ast::ConstructorPattern,
        def: &VariantDef<'a>,
        args: &[Ty],
        span: Span,
        names: &mut Names,
    ) -> Vec<(u32, Pat)> {
        let given = one.fields.as_deref().unwrap_or(&[]);
        let mut fields: Vec<(u32, Pat)> = Vec::with_capacity(given.len());
        for (position, field) in given.iter().enumerate() {
            let named = field.name.and_then(|name| {
                def.fields
                    .iter()
                    .position(|one| one.named && one.name == name.name)
            });
            // `Some(n: Int)`: no field of that name, so a type pattern.
            let typed = match (&field.name, named, &field.pattern.kind) {
                (Some(name), None, PatternKind::Name(of))
                    if !def.fields.iter().any(|f| f.named) =>
                {
                    Some((*name, *of))
                }
                _ => None,
            };
            let number = match (&field.name, named, typed) {
                (None, ..) | (_, _, Some(_)) => position,
                (Some(_), Some(number), _) => number,
                (Some(name), None, None) => {
                    self.unknown_field_in(def, *name);
                    self.pattern(&field.pattern, Ty::POISON, names);
                    continue;
                }
            };
            let ty = match def.fields.get(number) {
                Some(field) => self.types.subst(field.ty, args),
                None => Ty::POISON,
            };
            let pat = match typed {
                Some((name, of)) => {
                    let written = ast::Type {
                        kind: ast::TypeKind::Named {
                            name: of,
                            args: Vec::new(),
                        },
                        span: of.span,
                    };
                    let of = self.body_type(&written);
                    self.typed_name(name, of, ty, field.pattern.span, names)
                }
                None => self.pattern(&field.pattern, ty, names),
            };
            if fields.iter().any(|(other, _)| *other == number as u32) {
                self.error(
                    Code::BadPattern,
                    field.pattern.span,
                    "this field is matched twice",
                );
            }
            fields.push((number as u32, pat));
        }
        let positional = given.iter().all(|field| field.name.is_none());
        if one.rest.is_none() && fields.len() != def.fields.len() {
            self.report_fields(def, &fields, given.len(), positional, span);
        }
        fields
    }

    fn typed_name(
        &mut self,
        name: ast::Ident,
        of: Ty,
        ty: Ty,
        span: Span,
        names: &mut Names,
    ) -> Pat {
        if !self.types.has_poison(of) && !self.may_be(ty, of) {
            let shown = self.show(of);
            self.never_matches(ty, &shown, span);
        }
        let local = self.bind_in(name, of, names);
        let inner = self.bind_pat(local, of, name.span);
        if self.types.resolve(of) == self.types.resolve(ty) {
            return inner;
        }
        Pat {
            kind: PatKind::Type(of, Box::new(inner)),
            ty,
            span,
        }
    }

    fn report_fields(
        &mut self,
        def: &VariantDef<'a>,
        fields: &[(u32, Pat)],
        given: usize,
        positional: bool,
        span: Span,
    ) {
        let name = self.text(def.name);
        if given > def.fields.len() || (positional && !def.fields.iter().any(|one| one.named)) {
            let message = format!("`{name}` has {} values, found {given}", def.fields.len());
            self.error(Code::BadPattern, span, message);
            return;
        }
        let missing = def.fields.iter().enumerate();
        let missing = missing.filter(|(n, _)| !fields.iter().any(|(at, _)| *at as usize == *n));
        let missing: Vec<String> = missing
            .map(|(_, one)| format!("`{}`", self.names.resolve(one.name)))
            .collect();
        if !missing.is_empty() {
            let message = format!("the pattern does not name {}", missing.join(", "));
            let error = Diagnostic::new(Code::BadPattern, message, span)
                .help("`..` at the end ignores the rest");
            self.report(error);
        }
    }

    fn unknown_field_in(&mut self, def: &VariantDef<'a>, name: ast::Ident) {
        let text = self.text(name.name);
        let owner = self.text(def.name);
        let known: Vec<String> = def.fields.iter().map(|one| self.text(one.name)).collect();
        let message = format!("`{owner}` has no field `{text}`");
        let mut error = Diagnostic::new(Code::UnknownField, message, name.span);
        if let Some(near) = closest(&text, known.iter().map(String::as_str)) {
            error = error.help(format!("did you mean `{near}`?"));
        }
        self.report(error);
    }

    pub(crate) fn expect_payload(&mut self, ty: Ty, variant: u32, given: usize, span: Span) {
        let Kind::Adt(id, _) = *self.types.kind(ty) else {
            return;
        };
        let variants = self.variants(id);
        let def = &variants[variant as usize];
        if def.fields.len() != given {
            let name = self.text(def.name);
            let message = format!("`{name}` has {} values, found {given}", def.fields.len());
            let error = Diagnostic::new(Code::BadPattern, message, span).help(format!(
                "write {name}({})",
                vec!["_"; def.fields.len()].join(", ")
            ));
            self.report(error);
        }
    }

    /// The type and variant that a constructor pattern is about.
    fn constructor(
        &mut self,
        one: &'a ast::ConstructorPattern,
        head: Ty,
        span: Span,
    ) -> Option<(Ty, u32)> {
        let last = *one.path.last()?;
        if self.types.has_poison(head) && head == Ty::POISON {
            return None;
        }
        if one.path.len() == 1 {
            if let Some(found) = self.variant_of(head, last.name) {
                return Some(found);
            }
            if self.names.resolve(last.name) == "Error" && self.may_be(head, Ty::ERROR) {
                return Some((Ty::ERROR, 0));
            }
        }
        let (adt, variant) = self.named_constructor(one, head)?;
        let members = self.types.members(head);
        let member = members
            .into_iter()
            .find(|&member| matches!(self.types.kind(member), Kind::Adt(id, _) if *id == adt));
        if let Some(member) = member {
            return Some((member, variant));
        }
        let args: Vec<Ty> = (0..self.items.adt(adt).generics.len())
            .map(|_| self.open_var())
            .collect();
        let ty = self.types.adt(adt, &args);
        if self.is_var(head) {
            self.types.unify(head, ty);
            return Some((ty, variant));
        }
        if head == Ty::ANY && args.is_empty() {
            return Some((ty, variant));
        }
        let name = self.text(last.name);
        self.never_matches(head, &format!("`{name}`"), span);
        None
    }

    fn named_constructor(
        &mut self,
        one: &'a ast::ConstructorPattern,
        head: Ty,
    ) -> Option<(AdtId, u32)> {
        use crate::names::TypeDef;
        let last = *one.path.last()?;
        if let [owner, _] = one.path.as_slice() {
            if let Some(TypeDef::Adt(id)) = self.type_def(self.body.module, owner.name) {
                if let Some(&number) = self.items.adt(id).variant_names.get(&last.name) {
                    return Some((id, number));
                }
                self.unknown_variant(id, last);
                return None;
            }
            let builtin = match self.names.resolve(owner.name) {
                "FutureState" => Some(AdtId::FUTURE_STATE),
                "result" => Some(AdtId::RESULT),
                _ => None,
            };
            let variant = builtin.and_then(|id| {
                let number = *self.items.adt(id).variant_names.get(&last.name)?;
                Some((id, number))
            });
            if variant.is_some() {
                return variant;
            }
        }
        match self.value_def(last.name) {
            Some(ValueDef::Variant(id, number)) => Some((id, number)),
            Some(ValueDef::Record(id)) => Some((id, 0)),
            _ => {
                let members = self.types.members(head);
                let adt = members
                    .into_iter()
                    .find_map(|member| match self.types.kind(member) {
                        Kind::Adt(id, _) if self.items.adt(*id).is_enum => Some(*id),
                        _ => None,
                    });
                match adt {
                    Some(id) => self.unknown_variant(id, last),
                    None => {
                        let text = self.text(last.name);
                        let message = format!("there is no record or variant `{text}`");
                        self.error(Code::UnknownName, last.span, message);
                    }
                }
                None
            }
        }
    }

    /// Reports a variant that an enum does not have.
    pub(crate) fn unknown_variant(&mut self, id: AdtId, name: ast::Ident) {
        let (text, owner) = (self.text(name.name), self.text(self.items.adt(id).name));
        let mut known: Vec<String> = self
            .items
            .adt(id)
            .variant_names
            .keys()
            .map(|&name| self.text(name))
            .collect();
        known.sort();
        let message = format!("enum `{owner}` has no variant `{text}`");
        let mut error = Diagnostic::new(Code::UnknownVariant, message, name.span);
        error = match closest(&text, known.iter().map(String::as_str)) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(format!("its variants are {}", known.join(", "))),
        };
        self.report(error);
    }
}
