//! Fields.

use super::{Want, node};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Coercion, Expr, ExprKind, Ty};
use crate::names::{TypeDef, ValueDef, closest};
use crate::source::{FileId, Span};
use crate::syntax::Symbol;
use crate::syntax::ast::{self, ExprKind as Ast};
use crate::types::Checker;
use crate::types::items::{FieldDef, VariantDef};
use crate::types::ty::{AdtId, Kind};
use std::rc::Rc;

/// The fields of an Error, in order.
pub(crate) const ERROR_FIELDS: [(&str, Ty); 5] = [
    ("kind", Ty::STRING),
    ("message", Ty::STRING),
    ("location", Ty::STRING),
    ("trace", Ty::LIST_STRING),
    ("causes", Ty::LIST_ERROR),
];

impl<'a> Checker<'a> {
    /// A field's number and type, if `base` has it.
    pub(crate) fn field_type(&mut self, base: Ty, name: Symbol) -> Option<(u32, Ty)> {
        let base = self.known(base);
        match self.types.kind(base).clone() {
            Kind::Adt(id, args) if !self.items.adt(id).is_enum => {
                let variants = self.variants(id);
                let fields = &variants.first()?.fields;
                let at = fields.iter().position(|field| field.name == name)?;
                Some((at as u32, self.types.subst(fields[at].ty, &args)))
            }
            Kind::Error => {
                let name = self.names.resolve(name);
                let at = ERROR_FIELDS.iter().position(|(field, _)| *field == name)?;
                Some((at as u32, ERROR_FIELDS[at].1))
            }
            _ => None,
        }
    }

    /// Error as a record, for patterns.
    pub(crate) fn error_variant(&mut self) -> Rc<[VariantDef<'a>]> {
        let span = Span::new(FileId(0), 0, 0);
        let fields = ERROR_FIELDS.iter().map(|(name, ty)| FieldDef {
            name: self.names.intern(name),
            named: true,
            ty: *ty,
            default: None,
            constraint: None,
            span,
        });
        let fields = fields.collect();
        let name = self.names.intern("Error");
        Rc::from([VariantDef { name, fields }])
    }

    /// The type that a bare name in front of a point means, unless it is a value.
    pub(crate) fn type_name(&self, base: &ast::Expr) -> Option<TypeDef> {
        let Ast::Name(name) = base.kind else {
            return None;
        };
        if self.lookup(name).is_some() {
            return None;
        }
        match self.value_def(name) {
            None | Some(ValueDef::Record(_)) => {}
            Some(_) => return None,
        }
        self.type_def(self.body.module, name)
    }

    pub(crate) fn field(
        &mut self,
        whole: &'a ast::Expr,
        base: &'a ast::Expr,
        name: ast::Ident,
        safe: bool,
        want: Want,
    ) -> Expr {
        let span = whole.span;
        if let Some(value) = self.qualified(base, name, span, want) {
            return value;
        }
        let value = self.value(base);
        if safe {
            return self.safely(value, span, |this, value| this.field_of(value, name, span));
        }
        let read = self.field_of(value, name, span);
        if self.body.narrows.is_empty() {
            return read;
        }
        // A field known to be narrower than declared.
        let narrowed = self
            .path(whole)
            .and_then(|(root, fields)| self.narrowed(root, &fields));
        match narrowed {
            Some(ty) if ty != read.ty && read.ty != Ty::POISON => {
                node(ExprKind::Coerce(Coercion::Narrow, Box::new(read)), ty, span)
            }
            _ => read,
        }
    }

    /// `Enum.Variant`
    fn qualified(
        &mut self,
        base: &'a ast::Expr,
        name: ast::Ident,
        span: Span,
        want: Want,
    ) -> Option<Expr> {
        if let Some(id) = self.builtin_enum(base)
            && let Some(&number) = self.items.adt(id).variant_names.get(&name.name)
        {
            return Some(self.variant_value(id, number, span, want));
        }
        let def = self.type_name(base)?;
        if let TypeDef::Adt(id) = def {
            if self.items.adt(id).is_enum {
                if let Some(&number) = self.items.adt(id).variant_names.get(&name.name) {
                    return Some(self.variant_value(id, number, span, want));
                }
                if let Some(&cell) = self.items.adt(id).methods.get(&name.name) {
                    return Some(self.cell_value(cell, name.name, span, want));
                }
                self.unknown_variant(id, name);
                return Some(self.poison(span));
            }
            if let Some(&cell) = self.items.adt(id).methods.get(&name.name) {
                return Some(self.cell_value(cell, name.name, span, want));
            }
        }
        let (owner, text) = (
            self.sources.text(base.span).to_owned(),
            self.text(name.name),
        );
        let message = format!("`{owner}` is a type; it has no `{text}`");
        self.error(Code::UnknownField, name.span, message);
        Some(self.poison(span))
    }

    /// `FutureState.Pending`
    pub(crate) fn builtin_enum(&self, base: &ast::Expr) -> Option<AdtId> {
        let Ast::Name(name) = base.kind else {
            return None;
        };
        if self.lookup(name).is_some() || self.value_def(name).is_some() {
            return None;
        }
        (self.names.resolve(name) == "FutureState").then_some(AdtId::FUTURE_STATE)
    }

    fn field_of(&mut self, value: Expr, name: ast::Ident, span: Span) -> Expr {
        let ty = self.known(value.ty);
        if let Some((index, field)) = self.field_type(ty, name.name) {
            let base = Box::new(value);
            return node(ExprKind::Field { base, index }, field, span);
        }
        if matches!(
            self.types.kind(ty),
            Kind::Future(_) | Kind::Channel(_) | Kind::Handle(..)
        ) && let Some(call) = self.property(&value, name, span)
        {
            return call;
        }
        self.unknown_field(ty, name, span);
        self.poison(span)
    }

    /// Reports that a value of type `ty` has no field `name`.
    pub(crate) fn unknown_field(&mut self, ty: Ty, name: ast::Ident, span: Span) {
        let ty = self.known(ty);
        if self.types.has_poison(ty) {
            return;
        }
        let text = self.text(name.name);
        if self.is_var(ty) {
            let message = format!("the type of the value must be known to read `{text}`");
            self.error(Code::CannotInfer, span, message);
            return;
        }
        let inner = match self.types.kind(ty) {
            Kind::Future(inner) => Some(*inner),
            _ => None,
        };
        if let Some(inner) = inner
            && self.field_type(inner, name.name).is_some()
        {
            let base = Span::new(span.file, span.start, name.span.start.saturating_sub(1));
            self.not_awaited(base, ty);
            return;
        }
        let shown = self.show(ty);
        let message = format!("{shown} has no field `{text}`");
        let mut error = Diagnostic::new(Code::UnknownField, message, name.span);
        let rest = self.minus(ty, Ty::NULL);
        if rest != ty && self.field_type(rest, name.name).is_some() {
            error = error.help(format!(
                "it may be null: test it first, or write `?.{text}`"
            ));
        } else {
            if ty == Ty::JSON {
                error = error.help(format!("read it by its key: value[\"{text}\"]"));
            }
            let known: Vec<String> = match self.types.kind(ty).clone() {
                Kind::Adt(id, _) if !self.items.adt(id).is_enum => {
                    let variants = self.variants(id);
                    let fields = variants.iter().flat_map(|one| &one.fields);
                    fields.map(|field| self.text(field.name)).collect()
                }
                Kind::Error => ERROR_FIELDS
                    .iter()
                    .map(|(name, _)| (*name).to_owned())
                    .collect(),
                _ => Vec::new(),
            };
            if let Some(near) = closest(&text, known.iter().map(String::as_str)) {
                error = error.help(format!("did you mean `{near}`?"));
            } else if self.find_method(ty, name.name).is_some() || self.taken_by(name.name, ty) {
                error = error.help(format!("to call it write .{text}()"));
            }
        }
        self.report(error);
    }

    /// Whether a cell of this name takes such a value first.
    fn taken_by(&mut self, name: Symbol, ty: Ty) -> bool {
        self.candidates(name).into_iter().any(|cell| {
            let sig = self.sig(cell);
            let Some(first) = sig.params.first() else {
                return false;
            };
            let (wanted, own) = (self.types.kind(first.ty), self.types.kind(ty));
            matches!(wanted, Kind::Param(..))
                || std::mem::discriminant(wanted) == std::mem::discriminant(own)
        })
    }

    pub(crate) fn tuple_field(
        &mut self,
        base: &'a ast::Expr,
        index: u32,
        safe: bool,
        span: Span,
    ) -> Expr {
        let value = self.value(base);
        if safe {
            return self.safely(value, span, |this, value| {
                this.tuple_part(value, index, span)
            });
        }
        self.tuple_part(value, index, span)
    }

    fn tuple_part(&mut self, value: Expr, index: u32, span: Span) -> Expr {
        let ty = self.known(value.ty);
        if let Kind::Tuple(parts) = self.types.kind(ty).clone()
            && let Some(&part) = parts.get(index as usize)
        {
            let base = Box::new(value);
            return node(ExprKind::Field { base, index }, part, span);
        }
        self.bad_tuple_field(ty, index, span);
        self.poison(span)
    }

    pub(crate) fn bad_tuple_field(&mut self, ty: Ty, index: u32, span: Span) {
        if self.types.has_poison(ty) {
            return;
        }
        let shown = self.show(ty);
        self.error(
            Code::UnknownField,
            span,
            format!("{shown} has no part {index}"),
        );
    }
}
