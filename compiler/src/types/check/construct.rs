//! Making values: records, variants, errors, collections.

use super::call::{ArgIn, Slot, with_lets};
use super::{FnRole, Want, node};
use crate::diag::Code;
use crate::hir::{Element, Expr, ExprKind, FuncKind, Ty};
use crate::names::ModuleId;
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast;
use crate::types::Checker;
use crate::types::resolve::TyScope;
use crate::types::ty::{AdtId, Kind, Origin};

impl<'a> Checker<'a> {
    /// Type arguments of a value of `id` to be made, as far as the context says.
    fn adt_args(&mut self, id: AdtId, want: Want) -> Vec<Ty> {
        let origin = if id == AdtId::RESULT {
            Origin::Literal
        } else {
            Origin::Open
        };
        let count = self.items.adt(id).generics.len();
        let vars: Vec<Ty> = (0..count).map(|_| self.types.fresh(origin)).collect();
        if let Some(want) = want.ty() {
            let members = self.types.members(want);
            for member in members {
                let member = self.types.head(member);
                if let Kind::Adt(of, args) = self.types.kind(member).clone() {
                    if of == id {
                        for (&var, &arg) in vars.iter().zip(args.iter()) {
                            self.types.unify(var, arg);
                        }
                        break;
                    }
                }
            }
        }
        vars
    }

    fn adt_env(&mut self, id: AdtId, vars: &[Ty]) -> (ModuleId, TyScope) {
        let adt = self.items.adt(id);
        let module = adt.module;
        let generics = adt
            .generics
            .iter()
            .zip(vars)
            .map(|(one, &ty)| (one.name, ty))
            .collect();
        (
            module,
            TyScope {
                module,
                generics,
                self_ty: None,
                infer: true,
            },
        )
    }

    fn adt_slots(&mut self, id: AdtId, variant: u32, vars: &[Ty]) -> Vec<Slot<'a>> {
        let variants = self.variants(id);
        let Some(def) = variants.get(variant as usize) else {
            return Vec::new();
        };
        let slots = def.fields.iter().map(|field| Slot {
            name: field.name,
            ty: self.types.subst(field.ty, vars),
            default: field.default,
            variadic: false,
        });
        slots.collect()
    }

    fn adt_bounds(&mut self, id: AdtId, vars: &[Ty], span: Span) {
        let generics = self.items.adt(id).generics.clone();
        for (generic, &ty) in generics.iter().zip(vars) {
            for bound in &generic.bounds {
                self.body.bound_checks.push((bound.clone(), ty, span));
            }
        }
    }

    /// `Point(x: 1, y: 2)`
    pub(crate) fn construct(
        &mut self,
        id: AdtId,
        type_args: &'a [ast::Type],
        args: Vec<ArgIn<'a>>,
        span: Span,
        want: Want,
    ) -> Expr {
        let vars = self.adt_args(id, want);
        if !type_args.is_empty() {
            if type_args.len() == vars.len() {
                for (written, &var) in type_args.iter().zip(&vars) {
                    let ty = self.body_type(written);
                    self.types.unify(var, ty);
                }
            } else {
                let message = format!("expected {} type arguments", vars.len());
                self.error(Code::TypeArguments, span, message);
            }
        }
        let slots = self.adt_slots(id, 0, &vars);
        let env = self.adt_env(id, &vars);
        let name = self.items.adt(id).name;
        let applied = self.apply(&slots, args, &env, name, span);
        self.adt_bounds(id, &vars, span);
        let ty = self.types.adt(id, &vars);
        with_lets(
            applied.lets,
            node(ExprKind::Aggregate(applied.values), ty, span),
        )
    }

    /// The variant meant by a name that several enums have: the one of the type wanted.
    pub(crate) fn variant_wanted(
        &mut self,
        id: AdtId,
        number: u32,
        name: Symbol,
        want: Want,
    ) -> (AdtId, u32) {
        let Some(want) = want.ty() else {
            return (id, number);
        };
        let members = self.types.members(want);
        for member in members {
            let member = self.types.head(member);
            if let Kind::Adt(of, _) = *self.types.kind(member) {
                if let Some(&number) = self.items.adt(of).variant_names.get(&name) {
                    return (of, number);
                }
            }
        }
        (id, number)
    }

    /// `Circle(2.0)`
    pub(crate) fn construct_variant(
        &mut self,
        id: AdtId,
        variant: u32,
        args: Vec<ArgIn<'a>>,
        span: Span,
        want: Want,
    ) -> Expr {
        let vars = self.adt_args(id, want);
        let slots = self.adt_slots(id, variant, &vars);
        let env = self.adt_env(id, &vars);
        let variants = self.variants(id);
        let name = variants[variant as usize].name;
        let applied = self.apply(&slots, args, &env, name, span);
        self.adt_bounds(id, &vars, span);
        let ty = self.types.adt(id, &vars);
        let kind = ExprKind::Variant {
            variant,
            args: applied.values,
        };
        with_lets(applied.lets, node(kind, ty, span))
    }

    /// A variant's bare name: a value, or a function that makes one.
    pub(crate) fn variant_value(
        &mut self,
        id: AdtId,
        variant: u32,
        span: Span,
        want: Want,
    ) -> Expr {
        let variants = self.variants(id);
        let name = variants[variant as usize].name;
        let (id, variant) = self.variant_wanted(id, variant, name, want);
        let variants = self.variants(id);
        if variants[variant as usize].fields.is_empty() {
            return self.construct_variant(id, variant, Vec::new(), span, want);
        }
        let vars = self.adt_args(id, Want::Value);
        let slots = self.adt_slots(id, variant, &vars);
        let params: Vec<Ty> = slots.iter().map(|slot| slot.ty).collect();
        let ty = self.types.adt(id, &vars);
        self.maker(&params, ty, span, |args| ExprKind::Variant {
            variant,
            args,
        })
    }

    /// A record's bare name: the function that makes one.
    pub(crate) fn record_value(&mut self, id: AdtId, span: Span, want: Want) -> Expr {
        if want.ty().is_some_and(|ty| self.expected_fn(ty).is_none()) {
            let text = self.text(self.items.adt(id).name);
            let message = format!("`{text}` is a record; make one with {text}(…)");
            self.error(Code::WrongKind, span, message);
            return self.poison(span);
        }
        let vars = self.adt_args(id, Want::Value);
        let slots = self.adt_slots(id, 0, &vars);
        let params: Vec<Ty> = slots.iter().map(|slot| slot.ty).collect();
        let ty = self.types.adt(id, &vars);
        self.maker(&params, ty, span, ExprKind::Aggregate)
    }

    fn maker(
        &mut self,
        params: &[Ty],
        result: Ty,
        span: Span,
        make: impl FnOnce(Vec<Expr>) -> ExprKind,
    ) -> Expr {
        let outer = self.body.at;
        self.open_fn(FnRole::Lambda, FuncKind::Closure, span);
        let mut args = Vec::with_capacity(params.len());
        for (number, &ty) in params.iter().enumerate() {
            let local = self.param_local(&format!("a{number}"), ty, span);
            args.push(self.read_local(local, span));
        }
        let body = node(make(args), result, span);
        let cx = self.cx();
        cx.result = result;
        cx.declared = true;
        cx.body = Some(body);
        let func = cx.id;
        self.body.at = outer;
        let ty = self.types.func(params, result);
        node(
            ExprKind::Closure {
                func,
                captures: Vec::new(),
            },
            ty,
            span,
        )
    }

    /// `ok(e)`, `err(e)`
    pub(crate) fn result_value(
        &mut self,
        variant: u32,
        value: &'a ast::Expr,
        span: Span,
        want: Want,
    ) -> Expr {
        let vars = self.adt_args(AdtId::RESULT, want);
        let payload = vars[variant as usize];
        let value = self.expr_as(value, payload);
        let ty = self.types.adt(AdtId::RESULT, &vars);
        node(
            ExprKind::Variant {
                variant,
                args: vec![value],
            },
            ty,
            span,
        )
    }

    /// `Error("message", kind: "Mine")`
    pub(crate) fn construct_error(&mut self, args: Vec<ArgIn<'a>>, span: Span) -> Expr {
        let message = self.names.intern("message");
        let kind = self.names.intern("kind");
        let slots = [
            Slot {
                name: message,
                ty: Ty::STRING,
                default: None,
                variadic: false,
            },
            Slot {
                name: kind,
                ty: Ty::STRING,
                default: None,
                variadic: false,
            },
        ];
        let name = self.names.intern("Error");
        let env = (self.body.module, self.body.scope.clone());
        let given = args.len() > 1
            || args
                .iter()
                .any(|arg| arg.name.is_some_and(|n| n.name == kind));
        let used = if given { &slots[..] } else { &slots[..1] };
        let applied = self.apply(used, args, &env, name, span);
        let mut values = applied.values.into_iter();
        let Some(message) = values.next() else {
            return self.poison(span);
        };
        let error = match values.next() {
            Some(kind) => self.error_parts(kind, message, span),
            None => self.new_error(message, None, span),
        };
        with_lets(applied.lets, error)
    }

    /// An Error with this message.
    pub(crate) fn new_error(&mut self, message: Expr, kind: Option<&str>, span: Span) -> Expr {
        let kind = kind.unwrap_or("Throw").to_owned();
        let kind = node(ExprKind::Str(kind), Ty::STRING, span);
        self.error_parts(kind, message, span)
    }

    fn error_parts(&mut self, kind: Expr, message: Expr, span: Span) -> Expr {
        let place = node(ExprKind::Str(String::new()), Ty::STRING, span);
        let trace = node(ExprKind::List(Vec::new()), Ty::LIST_STRING, span);
        let causes = node(ExprKind::List(Vec::new()), Ty::LIST_ERROR, span);
        let parts = vec![kind, message, place, trace, causes];
        node(ExprKind::Aggregate(parts), Ty::ERROR, span)
    }

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
        members.into_iter().find_map(|member| {
            let member = self.types.head(member);
            match self.types.kind(member) {
                Kind::List(element) if !set => Some(*element),
                Kind::Set(element) if set => Some(*element),
                Kind::Json if !set => Some(Ty::JSON),
                _ => None,
            }
        })
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
    ) -> (Vec<(Expr, Expr)>, Vec<(usize, Expr)>) {
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
        let mut parts = vec![super::stmt::let_node(local, empty, span)];
        let mut spreads = spreads.into_iter().peekable();
        let count = entries.len();
        let mut entries = entries.into_iter();
        for number in 0..=count {
            while spreads.peek().is_some_and(|(at, _)| *at == number) {
                let (_, other) = spreads.next().expect("peeked");
                parts.push(self.copy_entries(local, other, ty, span));
            }
            if let Some((key, value)) = entries.next() {
                parts.push(self.put(local, key, value, ty, span));
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
