//! Making values: records, variants, errors, collections.

use super::call::{ArgIn, Slot, with_lets};
use super::{FnRole, Want, node};
use crate::diag::Code;
use crate::hir::{Expr, ExprKind, FuncKind, Ty};
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
            Origin::Free
        } else {
            Origin::Open
        };
        let count = self.items.adt(id).generics.len();
        let vars: Vec<Ty> = (0..count).map(|_| self.types.fresh(origin)).collect();
        if let Some(want) = want.ty() {
            let members = self.types.members(want);
            for member in members {
                let member = self.types.head(member);
                if let Kind::Adt(of, args) = self.types.kind(member).clone()
                    && of == id
                {
                    for (&var, &arg) in vars.iter().zip(args.iter()) {
                        self.types.unify(var, arg);
                    }
                    break;
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
            if let Kind::Adt(of, _) = *self.types.kind(member)
                && let Some(&number) = self.items.adt(of).variant_names.get(&name)
            {
                return (of, number);
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
        self.eta(params, span, |_, args| node(make(args), result, span))
    }

    /// `fn(a0, a1, …) => body(a0, a1, …)`
    pub(crate) fn eta(
        &mut self,
        params: &[Ty],
        span: Span,
        body: impl FnOnce(&mut Self, Vec<Expr>) -> Expr,
    ) -> Expr {
        let outer = self.body.at;
        self.open_fn(FnRole::Lambda, FuncKind::Closure, span);
        let mut args = Vec::with_capacity(params.len());
        for (number, &ty) in params.iter().enumerate() {
            let local = self.param_local(&format!("a{number}"), ty, span);
            args.push(self.read_local(local, span));
        }
        let body = body(self, args);
        let result = body.ty;
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
}
