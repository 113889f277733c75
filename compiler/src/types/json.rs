//! Readers for `from_json[T]`, where `T` holds records with defaults or `where` constraints.
//!
//! The library reads a value of a plain type with the native `_json_read`. What a record declares
//! is Lumen code, which natives cannot call; so for the other types each use of that native becomes
//! one of a function made here, of calls to the cells of `std/json.lm` that begin with `_json_`.
//! There is one such function for each type on the way, so that recursive types are no matter.

use super::Checker;
use super::check::{FnRole, let_node, node, null};
use super::items::{CellId, FieldDef};
use super::made::Made;
use super::ty::{AdtId, Kind};
use crate::hir::{Arm, BinOp, Callee, Element, Expr, ExprKind, FuncId, LocalId, Ty};
use crate::names::ValueDef;
use crate::source::Span;

/// The parameters of a reader.
#[derive(Clone, Copy)]
struct Params {
    value: LocalId,
    strict: LocalId,
    span: Span,
}

impl<'a> Checker<'a> {
    /// The reader that takes the place of a native, if that is `_json_read` and cannot do it.
    pub(crate) fn json_function(
        &mut self,
        cell: CellId,
        args: &[Ty],
        span: Span,
    ) -> Option<FuncId> {
        let one = self.items.cell(cell);
        let name = self.names.resolve(one.decl.name.name);
        if name != "_json_read" || !self.modules.get(one.module).library {
            return None;
        }
        let ty = *args.first()?;
        self.has_rules(ty).then(|| self.reader(ty, None, span))
    }

    /// Whether a value of type `ty` may hold a record with defaults or constraints.
    fn has_rules(&mut self, ty: Ty) -> bool {
        self.any_part(ty, |this, part| {
            let Kind::Adt(id, _) = *this.types.kind(part) else {
                return false;
            };
            let variants = this.variants(id);
            let mut fields = variants.iter().flat_map(|variant| &variant.fields);
            fields.any(|field| field.default.is_some() || field.constraint.is_some())
        })
    }

    fn reader(&mut self, ty: Ty, variant: Option<u32>, span: Span) -> FuncId {
        let ty = self.types.resolve(ty);
        self.made(Made::Reader(ty, variant), span)
    }

    /// A reader as a value.
    fn reader_value(&mut self, ty: Ty, variant: Option<u32>, span: Span) -> Expr {
        let func = self.reader(ty, variant, span);
        let kind = Kind::Func([Ty::JSON, Ty::BOOL].into(), ty);
        let of = self.types.intern(kind);
        node(ExprKind::FuncRef(func), of, span)
    }

    /// Makes the body of a reader.
    pub(crate) fn make_reader(&mut self, func: FuncId, ty: Ty, variant: Option<u32>, span: Span) {
        let (module, generics) = match self.types.kind(ty).clone() {
            Kind::Adt(id, args) => {
                let adt = self.items.adt(id);
                let names = adt.generics.iter().map(|one| one.name);
                (adt.module, names.zip(args.iter().copied()).collect())
            }
            _ => (self.modules.root(), Vec::new()),
        };
        let name = format!("from_json[{}]", self.show(ty));
        self.own_body_as(func, module, FnRole::Cell, &name, span, |this| {
            this.body.scope.generics = generics;
            let value = this.param_local("value", Ty::JSON, span);
            let strict = this.param_local("strict", Ty::BOOL, span);
            let params = Params {
                value,
                strict,
                span,
            };
            let body = match variant {
                Some(variant) => this.read_payload(ty, variant, params),
                None => this.read_type(ty, params),
            };
            let cx = this.cx();
            cx.result = ty;
            cx.declared = true;
            cx.body = Some(body);
        });
    }

    fn read_type(&mut self, ty: Ty, params: Params) -> Expr {
        let (span, given) = (params.span, self.given(params));
        if !self.has_rules(ty) {
            return self.json_call("_json_read", &[ty], given, ty, span);
        }
        let (name, types, part) = match self.types.kind(ty).clone() {
            Kind::List(part) => ("_json_list", vec![part], part),
            Kind::Set(part) => ("_json_set", vec![part], part),
            Kind::Map(key, part) => ("_json_map", vec![key, part], part),
            Kind::Tuple(parts) => {
                let (items, parts) = self.read_items(ty, &parts, params);
                let made = node(ExprKind::Aggregate(parts), ty, span);
                return node(ExprKind::Block(vec![items, made]), ty, span);
            }
            Kind::Union(members) => return self.read_union(ty, &members, params),
            Kind::Adt(id, _) if self.items.adt(id).is_enum => {
                return self.read_enum(ty, id, params);
            }
            Kind::Adt(..) => {
                let (object, fields) = self.read_fields(ty, 0, params);
                let made = node(ExprKind::Aggregate(fields), ty, span);
                return node(ExprKind::Block(vec![object, made]), ty, span);
            }
            _ => return self.json_call("_json_read", &[ty], given, ty, span),
        };
        let mut args = given;
        args.push(self.reader_value(part, None, span));
        self.json_call(name, &types, args, ty, span)
    }

    /// The arguments that are handed on.
    fn given(&mut self, params: Params) -> Vec<Expr> {
        let value = self.read_local(params.value, params.span);
        vec![value, self.read_local(params.strict, params.span)]
    }

    /// A list of Json in a variable of its own, and the parts read from its elements.
    fn read_items(&mut self, ty: Ty, parts: &[Ty], params: Params) -> (Expr, Vec<Expr>) {
        let span = params.span;
        let value = self.read_local(params.value, span);
        let size = node(ExprKind::Int(parts.len() as i64), Ty::INT, span);
        let items = self.json_call("_json_tuple", &[ty], vec![value, size], Ty::LIST_JSON, span);
        let local = self.temp(Ty::LIST_JSON, span);
        let mut read = Vec::with_capacity(parts.len());
        for (number, &part) in parts.iter().enumerate() {
            let base = Box::new(self.read_local(local, span));
            let index = Box::new(node(ExprKind::Int(number as i64), Ty::INT, span));
            let safe = false;
            let item = node(ExprKind::Index { base, index, safe }, Ty::JSON, span);
            read.push(self.read_part(item, &format!("[{number}]"), part, None, params));
        }
        (let_node(local, items, span), read)
    }

    /// A value read at a further step of the path.
    fn read_part(
        &mut self,
        value: Expr,
        step: &str,
        ty: Ty,
        variant: Option<u32>,
        params: Params,
    ) -> Expr {
        let span = params.span;
        let strict = self.read_local(params.strict, span);
        let read = self.reader_value(ty, variant, span);
        let args = vec![value, strict, text(step, span), read];
        self.json_call("_json_part", &[ty], args, ty, span)
    }

    /// An object in a variable of its own, and the fields of a variant (or record) read from it.
    fn read_fields(&mut self, ty: Ty, variant: u32, params: Params) -> (Expr, Vec<Expr>) {
        let span = params.span;
        let Kind::Adt(id, args) = self.types.kind(ty).clone() else {
            return (null(span), Vec::new());
        };
        let fields = self.variants(id)[variant as usize].fields.clone();
        let names = fields
            .iter()
            .map(|field| Element::One(text(self.names.resolve(field.name), span)))
            .collect();
        let list = |elements| Box::new(node(ExprKind::List(elements), Ty::LIST_STRING, span));
        // Only strict reading looks at them.
        let names = ExprKind::If {
            cond: Box::new(self.read_local(params.strict, span)),
            then: list(names),
            otherwise: Some(list(Vec::new())),
        };
        let mut given = self.given(params);
        given.push(node(names, Ty::LIST_STRING, span));
        let map = Ty::MAP_STRING_JSON;
        let object = self.json_call("_json_object", &[ty], given, map, span);
        let local = self.temp(map, span);
        let mut values = Vec::with_capacity(fields.len());
        for field in &fields {
            values.push(self.read_field(field, &args, local, params));
        }
        (let_node(local, object, span), values)
    }

    fn read_field(
        &mut self,
        field: &FieldDef<'a>,
        type_args: &[Ty],
        object: LocalId,
        params: Params,
    ) -> Expr {
        let span = params.span;
        let ty = self.types.subst(field.ty, type_args);
        let ty = self.types.resolve(ty);
        let name = self.text(field.name);
        let mut args = vec![
            self.read_local(object, span),
            self.read_local(params.strict, span),
            text(&name, span),
            text(&format!(".{name}"), span),
            self.reader_value(ty, None, span),
        ];
        let members = self.types.members(ty);
        let nullable = members
            .iter()
            .any(|member| matches!(*member, Ty::NULL | Ty::ANY | Ty::JSON));
        let default = match field.default {
            Some(default) => self.eta(&[], span, |this, _| this.expr_as(default, ty)),
            None if nullable => self.eta(&[], span, |this, _| this.coerce(null(span), ty)),
            None => return self.json_call("_json_field", &[ty], args, ty, span),
        };
        args.push(default);
        self.json_call("_json_field_or", &[ty], args, ty, span)
    }

    /// A variant by its name, its payload by a reader of its own.
    fn read_enum(&mut self, ty: Ty, id: AdtId, params: Params) -> Expr {
        let span = params.span;
        let value = self.read_local(params.value, span);
        let name = self.json_call("_json_variant", &[ty], vec![value], Ty::STRING, span);
        let local = self.temp(Ty::STRING, span);
        let shown = self.text(self.items.adt(id).name);
        let args = vec![text(&shown, span), self.read_local(local, span)];
        let error = self.json_call("_json_no_variant", &[], args, Ty::ERROR, span);
        let mut chain = node(ExprKind::Throw(Box::new(error)), Ty::NEVER, span);
        let variants = self.variants(id);
        for (number, variant) in variants.iter().enumerate().rev() {
            let name = self.text(variant.name);
            let wanted = !variant.fields.is_empty();
            let args = vec![
                self.read_local(params.value, span),
                text(&name, span),
                node(ExprKind::Bool(wanted), Ty::BOOL, span),
            ];
            let payload = self.json_call("_json_payload", &[], args, Ty::JSON, span);
            let number = number as u32;
            let made = if wanted {
                self.read_part(payload, &format!(".{name}"), ty, Some(number), params)
            } else {
                let args = Vec::new();
                let kind = ExprKind::Variant {
                    variant: number,
                    args,
                };
                node(
                    ExprKind::Block(vec![payload, node(kind, ty, span)]),
                    ty,
                    span,
                )
            };
            let found = Box::new(self.read_local(local, span));
            let same = ExprKind::Binary(BinOp::Eq, found, Box::new(text(&name, span)));
            chain = choice(node(same, Ty::BOOL, span), made, chain);
        }
        let parts = vec![let_node(local, name, span), chain];
        node(ExprKind::Block(parts), ty, span)
    }

    fn read_payload(&mut self, ty: Ty, variant: u32, params: Params) -> Expr {
        let span = params.span;
        let Kind::Adt(id, type_args) = self.types.kind(ty).clone() else {
            return null(span);
        };
        let fields = self.variants(id)[variant as usize].fields.clone();
        let types = fields
            .iter()
            .map(|field| self.types.subst(field.ty, &type_args));
        let types: Vec<Ty> = types.collect();
        let (before, args) = match (&types[..], fields.first()) {
            (_, Some(first)) if first.named => self.read_fields(ty, variant, params),
            (&[part], _) => {
                let callee = Callee::Func(self.reader(part, None, span));
                let args = self.given(params);
                let part = node(ExprKind::Call { callee, args }, part, span);
                (null(span), vec![part])
            }
            _ => self.read_items(ty, &types, params),
        };
        let made = node(ExprKind::Variant { variant, args }, ty, span);
        node(ExprKind::Block(vec![before, made]), ty, span)
    }

    /// The member that is exactly the value's type, else the first that can be read.
    fn read_union(&mut self, ty: Ty, members: &[Ty], params: Params) -> Expr {
        let span = params.span;
        let others: Vec<Ty> = members.iter().copied().filter(|&m| m != Ty::NULL).collect();
        let mut chain = match others[..] {
            // `T?` says what is wrong with T.
            [only] => self.read_member(only, ty, params),
            _ => {
                let value = self.read_local(params.value, span);
                let mut chain = self.json_call("_json_mismatch", &[ty], vec![value], ty, span);
                for &member in others.iter().rev() {
                    chain = self.try_member(member, ty, chain, params);
                }
                chain
            }
        };
        let exact = [Ty::NULL, Ty::BOOL, Ty::INT, Ty::FLOAT, Ty::STRING];
        for &member in exact.iter().filter(|&member| members.contains(member)) {
            let value = Box::new(self.read_local(params.value, span));
            let is = node(ExprKind::Is(value, member), Ty::BOOL, span);
            let made = self.read_member(member, ty, params);
            chain = choice(is, made, chain);
        }
        chain
    }

    fn read_member(&mut self, member: Ty, ty: Ty, params: Params) -> Expr {
        let span = params.span;
        let callee = Callee::Func(self.reader(member, None, span));
        let args = self.given(params);
        let made = node(ExprKind::Call { callee, args }, member, span);
        self.coerce(made, ty)
    }

    /// A member, or `otherwise` where the value does not fit it.
    fn try_member(&mut self, member: Ty, ty: Ty, otherwise: Expr, params: Params) -> Expr {
        let span = params.span;
        let body = Box::new(self.read_member(member, ty, params));
        let error = self.temp(Ty::ERROR, span);
        let args = vec![self.read_local(error, span)];
        let guard = self.json_call("_json_misfit", &[], args, Ty::BOOL, span);
        let arm = Arm {
            pat: self.bind_pat(error, Ty::ERROR, span),
            guard: Some(Box::new(guard)),
            body: otherwise,
        };
        let kind = ExprKind::Try {
            body,
            catch: vec![arm],
            finally: None,
        };
        node(kind, ty, span)
    }

    /// A call of a cell of the library's JSON module.
    fn json_call(&mut self, name: &str, types: &[Ty], args: Vec<Expr>, ty: Ty, span: Span) -> Expr {
        self.library_call("json", name, types, args, ty, span)
    }

    /// A call of a cell of the library, whose result is of type `ty`.
    pub(crate) fn library_call(
        &mut self,
        module: &str,
        name: &str,
        types: &[Ty],
        args: Vec<Expr>,
        ty: Ty,
        span: Span,
    ) -> Expr {
        let Some(cell) = self.library_cell(module, name) else {
            return self.poison(span);
        };
        let callee = self.site(cell, types, span);
        node(ExprKind::Call { callee, args }, ty, span)
    }

    /// A cell of a library module, private ones included.
    pub(crate) fn library_cell(&self, module: &str, name: &str) -> Option<CellId> {
        let symbol = self.names.get(name)?;
        let mut modules = self.modules.list.iter();
        let at = modules.position(|one| one.library && one.name == module)?;
        match self.scopes[at].values.get(&symbol) {
            Some(ValueDef::Cell(cell)) => Some(*cell),
            _ => None,
        }
    }
}

/// A String literal.
pub(crate) fn text(text: &str, span: Span) -> Expr {
    node(ExprKind::Str(text.to_owned()), Ty::STRING, span)
}

/// `if cond then a else b`
pub(crate) fn choice(cond: Expr, then: Expr, otherwise: Expr) -> Expr {
    let (ty, span) = (then.ty, then.span);
    let kind = ExprKind::If {
        cond: Box::new(cond),
        then: Box::new(then),
        otherwise: Some(Box::new(otherwise)),
    };
    node(kind, ty, span)
}
