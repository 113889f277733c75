//! Texts of values that hold others with a `show` of their own.
//!
//! `print`, `to_string` and interpolation show a value by its structure, in the machine. Where some
//! part has an `impl Show`, that is Lumen code, which natives cannot call; so for such types a
//! function is made that goes through the structure, and calls `show` where there is one.

use super::Checker;
use super::check::{FnRole, node};
use super::items::{BuiltinTrait, CellId};
use super::json::{choice, text};
use super::made::Made;
use super::ty::{AdtId, Kind};
use crate::hir::{Arm, Callee, Expr, ExprKind, FuncId, LocalId, Pat, PatKind, Piece, Ty};
use crate::source::Span;

impl<'a> Checker<'a> {
    /// What takes the place of a native that shows a value, if the value needs it.
    pub(crate) fn show_function(
        &mut self,
        cell: CellId,
        args: &[Ty],
        span: Span,
    ) -> Option<FuncId> {
        let one = self.items.cell(cell);
        let (name, module) = (one.decl.name.name, one.module);
        let name = self.names.resolve(name);
        let shows = matches!(name, "print" | "eprint" | "to_string");
        if !shows || !self.modules.get(module).library {
            return None;
        }
        let to_string = name == "to_string";
        let ty = *args.first()?;
        if !self.needs_show(ty) || self.in_show_of(ty) {
            return None;
        }
        Some(match to_string {
            true => self.shower(ty, span),
            false => self.made(Made::Printer(ty, cell), span),
        })
    }

    /// Makes the body of a function that stands for a native that prints.
    pub(crate) fn make_printer(&mut self, func: FuncId, ty: Ty, cell: CellId, span: Span) {
        let name = self.text(self.items.cell(cell).decl.name.name);
        let root = self.modules.root();
        self.own_body_as(func, root, FnRole::Cell, &name, span, |this| {
            let value = this.param_local("value", ty, span);
            let value = this.read_local(value, span);
            let shown = this.show_call(value, ty);
            let callee = this.site(cell, &[Ty::STRING], span);
            let args = vec![shown];
            let cx = this.cx();
            cx.result = Ty::NULL;
            cx.declared = true;
            cx.body = Some(node(ExprKind::Call { callee, args }, Ty::NULL, span));
        });
    }

    /// Whether showing a value of type `ty` has to call a `show`.
    pub(crate) fn needs_show(&mut self, ty: Ty) -> bool {
        self.has_own(BuiltinTrait::Show, ty)
    }

    /// Whether the body is that of the `show` of `ty` itself: there its structure counts.
    fn in_show_of(&mut self, ty: Ty) -> bool {
        let inst = self.body.inst.map(|inst| self.insts[inst.0 as usize].cell);
        inst.is_some() && self.show_cell(ty) == inst
    }

    fn shower(&mut self, ty: Ty, span: Span) -> FuncId {
        let ty = self.types.resolve(ty);
        self.made(Made::Shower(ty), span)
    }

    /// The text of a value whose type needs it.
    pub(crate) fn show_call(&mut self, value: Expr, ty: Ty) -> Expr {
        let span = value.span;
        let callee = Callee::Func(self.shower(ty, span));
        let args = vec![value];
        node(ExprKind::Call { callee, args }, Ty::STRING, span)
    }

    fn shower_value(&mut self, ty: Ty, span: Span) -> Expr {
        let func = self.shower(ty, span);
        let of = self.types.func(&[ty], Ty::STRING);
        node(ExprKind::FuncRef(func), of, span)
    }

    /// Makes the body of a shower.
    pub(crate) fn make_shower(&mut self, func: FuncId, ty: Ty, span: Span) {
        let root = self.modules.root();
        self.own_body_as(func, root, FnRole::Cell, "to_string", span, |this| {
            let value = this.param_local("value", ty, span);
            let body = this.show_type(ty, value, span);
            let cx = this.cx();
            cx.result = Ty::STRING;
            cx.declared = true;
            cx.body = Some(body);
        });
    }

    fn show_type(&mut self, ty: Ty, value: LocalId, span: Span) -> Expr {
        let read = self.read_local(value, span);
        if self.has_show(ty) {
            return self.call_show(read);
        }
        if !self.needs_show(ty) {
            return self.core_call("_show_inside", &[ty], vec![read], span);
        }
        match self.types.kind(ty).clone() {
            Kind::List(part) => {
                let args = vec![read, self.shower_value(part, span)];
                self.core_call("_show_list", &[part], args, span)
            }
            Kind::Set(part) => {
                let args = vec![read, self.shower_value(part, span)];
                self.core_call("_show_set", &[part], args, span)
            }
            Kind::Map(key, part) => {
                let keys = self.shower_value(key, span);
                let args = vec![read, keys, self.shower_value(part, span)];
                self.core_call("_show_map", &[key, part], args, span)
            }
            Kind::Tuple(parts) => {
                let fields = parts.iter().map(|&ty| (None, ty)).collect();
                self.show_fields(String::new(), fields, span, |this, number| {
                    this.numbered_field(value, number, span)
                })
            }
            Kind::Union(members) => self.show_member(&members, value, span),
            Kind::Adt(id, args) if self.items.adt(id).is_enum => {
                self.show_variants(ty, id, &args, value, span)
            }
            Kind::Adt(id, args) => {
                let (name, fields) = self.named_fields(id, 0, &args);
                self.show_fields(name, fields, span, |this, number| {
                    this.numbered_field(value, number, span)
                })
            }
            _ => self.core_call("_show_inside", &[ty], vec![read], span),
        }
    }

    /// The name of a variant (or record), and what stands in it.
    fn named_fields(
        &mut self,
        id: AdtId,
        variant: usize,
        args: &[Ty],
    ) -> (String, Vec<(Option<String>, Ty)>) {
        let variants = self.variants(id);
        let mut fields = Vec::new();
        for field in &variants[variant].fields {
            let name = field.named.then(|| self.text(field.name));
            fields.push((name, self.types.subst(field.ty, args)));
        }
        (self.text(variants[variant].name), fields)
    }

    fn numbered_field(&mut self, value: LocalId, number: usize, span: Span) -> Expr {
        let base = Box::new(self.read_local(value, span));
        let index = number as u32;
        node(ExprKind::Field { base, index }, Ty::POISON, span)
    }

    /// `Name(x: 1, y: 2)`, `(1, 2)`
    fn show_fields(
        &mut self,
        name: String,
        fields: Vec<(Option<String>, Ty)>,
        span: Span,
        field: impl Fn(&mut Self, usize) -> Expr,
    ) -> Expr {
        let lone_part = name.is_empty() && fields.len() == 1;
        let mut pieces = vec![Piece::Text(format!("{name}("))];
        for (number, (label, ty)) in fields.into_iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            let label = label.map_or(String::new(), |label| format!("{label}: "));
            pieces.push(Piece::Text(format!("{comma}{label}")));
            let part = Expr {
                ty,
                ..field(self, number)
            };
            pieces.push(Piece::Value(self.show_call(part, ty), None));
        }
        let end = if lone_part { ",)" } else { ")" };
        pieces.push(Piece::Text(end.to_owned()));
        node(ExprKind::Interpolate(pieces), Ty::STRING, span)
    }

    fn show_variants(
        &mut self,
        ty: Ty,
        id: AdtId,
        args: &[Ty],
        value: LocalId,
        span: Span,
    ) -> Expr {
        let mut arms = Vec::new();
        for number in 0..self.variants(id).len() {
            let (name, fields) = self.named_fields(id, number, args);
            let types: Vec<Ty> = fields.iter().map(|(_, ty)| *ty).collect();
            let locals: Vec<LocalId> = types.iter().map(|&ty| self.temp(ty, span)).collect();
            let parts = locals.iter().zip(&types).enumerate();
            let parts =
                parts.map(|(at, (&local, &ty))| (at as u32, self.bind_pat(local, ty, span)));
            let kind = PatKind::Variant(number as u32, parts.collect());
            let body = match locals.is_empty() {
                true => text(&name, span),
                false => self.show_fields(name, fields, span, |this, number| {
                    this.read_local(locals[number], span)
                }),
            };
            let guard = None;
            let pat = Pat { kind, ty, span };
            arms.push(Arm { pat, guard, body });
        }
        let value = Box::new(self.read_local(value, span));
        node(ExprKind::Match { value, arms }, Ty::STRING, span)
    }

    fn show_member(&mut self, members: &[Ty], value: LocalId, span: Span) -> Expr {
        let mut chain = text("", span);
        for (number, &member) in members.iter().rev().enumerate() {
            let narrow = crate::hir::Coercion::Narrow;
            let read = Box::new(self.read_local(value, span));
            let narrowed = node(ExprKind::Coerce(narrow, read), member, span);
            let shown = self.show_call(narrowed, member);
            let read = Box::new(self.read_local(value, span));
            let is = node(ExprKind::Is(read, member), Ty::BOOL, span);
            chain = if number == 0 {
                shown
            } else {
                choice(is, shown, chain)
            };
        }
        chain
    }

    fn core_call(&mut self, name: &str, types: &[Ty], args: Vec<Expr>, span: Span) -> Expr {
        self.library_call("core", name, types, args, Ty::STRING, span)
    }
}
