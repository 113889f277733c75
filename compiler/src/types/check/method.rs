//! `x.f(y)`: a field that holds a function, a method, or the cell `f` given `x` first; traits.

use super::call::ArgIn;
use super::{Want, node};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Coercion, Expr, ExprKind, Place, Ty};
use crate::names::{TypeDef, ValueDef, closest};
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast::{self, ExprKind as Ast};
use crate::types::Checker;
use crate::types::items::{CellId, Sig};
use crate::types::ty::Kind;

impl<'a> Checker<'a> {
    pub(crate) fn method_call(
        &mut self,
        call: &'a ast::MethodCall,
        span: Span,
        want: Want,
    ) -> Expr {
        if let Some(special) = self.special_method(call, span, want) {
            return special;
        }
        if let Some(associated) = self.associated_call(call, span, want) {
            return associated;
        }
        let receiver = self.value(&call.receiver);
        if call.safe {
            return self.safely(receiver, span, |this, receiver| {
                this.method_on(receiver, None, call, span, Want::Value)
            });
        }
        self.method_on(receiver, Some(&call.receiver), call, span, want)
    }

    /// A method of `receiver`; `written` is how it is written, for a mutator's place.
    fn method_on(
        &mut self,
        receiver: Expr,
        written: Option<&'a ast::Expr>,
        call: &'a ast::MethodCall,
        span: Span,
        want: Want,
    ) -> Expr {
        let ty = self.braces_for(receiver.ty, call);
        let name = call.name.name;
        if self.types.has_poison(ty) && ty == Ty::POISON {
            self.check_args_anyhow(ArgIn::list(&call.args));
            return self.poison(span);
        }
        if let Some((index, field)) = self.field_type(ty, name) {
            let head = self.known(field);
            if self.expected_fn(head).is_some() {
                let base = Box::new(receiver);
                let read = node(ExprKind::Field { base, index }, field, span);
                let callee = self.narrow_function(read, written, name);
                return self.call_value(callee, &call.args, span);
            }
        }
        if let Some((cell, owner)) = self.find_method(ty, name) {
            let sig = self.sig(cell);
            if sig.has_self {
                return self.call_method(cell, &sig, &owner, receiver, written, call, span, want);
            }
        }
        // A variable that is no function does not hide the library's cell of its name.
        let variable = self
            .lookup(name)
            .filter(|&binding| self.candidates(name).is_empty() || self.may_be_called(binding));
        if let Some(binding) = variable {
            let callee = self.read_binding(binding, call.name.span);
            let mut args = vec![ArgIn::done(receiver)];
            args.extend(ArgIn::list(&call.args));
            return self.call_closure_list(callee, args, span);
        }
        let cells = self.candidates(name);
        if cells.is_empty() {
            return self.other_method(receiver, call, span, want);
        }
        let mut args = vec![ArgIn::done(receiver)];
        args.extend(ArgIn::list(&call.args));
        let (cell, mut args) = if let [cell] = cells.as_slice() {
            (Some(*cell), args)
        } else {
            self.choose(&cells, name, args, call.name.span)
        };
        let Some(cell) = cell else {
            return self.poison(span);
        };
        let sig = self.sig(cell);
        if let (true, Some(written)) = (sig.mutator, written) {
            args.remove(0);
            let Some(place) = self.mutated_place(written, name, span) else {
                self.check_args_anyhow(args);
                return self.poison(span);
            };
            return self.call_cell(cell, None, &call.type_args, args, Some(place), span, want);
        }
        self.call_cell(cell, None, &call.type_args, args, None, span, want)
    }

    /// A function in a field that may be null, where it is known not to be.
    fn narrow_function(&self, read: Expr, receiver: Option<&ast::Expr>, field: Symbol) -> Expr {
        let path = receiver.and_then(|receiver| self.path(receiver));
        let narrowed = path.and_then(|(root, mut fields)| {
            fields.push(field);
            self.narrowed(root, &fields)
        });
        match narrowed {
            Some(ty) if ty != read.ty => {
                let span = read.span;
                node(ExprKind::Coerce(Coercion::Narrow, Box::new(read)), ty, span)
            }
            _ => read,
        }
    }

    fn call_closure_list(&mut self, callee: Expr, args: Vec<ArgIn<'a>>, span: Span) -> Expr {
        let values = args.into_iter().map(|arg| match arg.value {
            super::call::ArgValue::Ast(expr) => self.value(expr),
            super::call::ArgValue::Done(expr) => expr,
        });
        let values = values.collect();
        self.call_closure(callee, values, span)
    }

    #[allow(clippy::too_many_arguments, reason = "all of a call's parts")]
    fn call_method(
        &mut self,
        cell: CellId,
        sig: &Sig<'a>,
        owner: &[Ty],
        receiver: Expr,
        written: Option<&'a ast::Expr>,
        call: &'a ast::MethodCall,
        span: Span,
        want: Want,
    ) -> Expr {
        let list = ArgIn::list(&call.args);
        if let (true, Some(written)) = (sig.mutator, written) {
            let Some(place) = self.mutated_place(written, call.name.name, span) else {
                self.check_args_anyhow(list);
                return self.poison(span);
            };
            let owner = Some(owner);
            return self.call_cell(cell, owner, &call.type_args, list, Some(place), span, want);
        }
        let mut args = vec![ArgIn::done(receiver)];
        args.extend(list);
        self.call_cell(cell, Some(owner), &call.type_args, args, None, span, want)
    }

    /// The place that a mutator in method form updates.
    pub(crate) fn mutated_place(
        &mut self,
        written: &'a ast::Expr,
        method: Symbol,
        span: Span,
    ) -> Option<Place> {
        if crate::types::walk::place_root(written).is_none() {
            let text = self.text(method);
            let message = format!("`{text}` changes its receiver, which must be a variable");
            let error = Diagnostic::new(Code::NotAPlace, message, written.span)
                .help(format!("the function form gives the new value: {text}(…)"));
            self.report(error);
            return None;
        }
        let narrowed = self
            .path(written)
            .and_then(|(root, fields)| self.narrowed(root, &fields));
        let mut place = self.place(written)?;
        if let Some(ty) = narrowed {
            place.ty = ty;
        } else {
            self.changed(written);
        }
        let _ = span;
        Some(place)
    }

    /// Whether a variable holds a function, as far as is known.
    fn may_be_called(&mut self, binding: u32) -> bool {
        let ty = self.body.bindings[binding as usize].ty;
        let ty = self.known(ty);
        matches!(
            self.types.kind(ty),
            Kind::Func(..) | Kind::Var(_) | Kind::Poison | Kind::Union(_)
        )
    }

    /// `{}` whose first use is a method: a set for what only sets have, else a map.
    fn braces_for(&mut self, ty: Ty, call: &ast::MethodCall) -> Ty {
        use crate::types::ty::Origin;
        let ty = self.known(ty);
        if let Kind::Var(var) = *self.types.kind(ty)
            && self.types.origin(var) == Origin::Braces
        {
            let name = self.names.resolve(call.name.name);
            let of_sets = matches!(
                name,
                "union" | "intersection" | "difference" | "is_subset" | "is_disjoint"
            );
            if of_sets || (name == "insert" && call.args.len() == 1) {
                let element = self.types.fresh(Origin::Literal);
                let set = self.types.intern(Kind::Set(element));
                self.types.unify(ty, set);
                return set;
            }
            return self.as_map(ty);
        }
        ty
    }

    /// `Enum.Variant(x)`, `Type.make(x)`, `db.query(x)`
    fn associated_call(
        &mut self,
        call: &'a ast::MethodCall,
        span: Span,
        want: Want,
    ) -> Option<Expr> {
        let name = call.name;
        if let Ast::Name(base) = call.receiver.kind
            && self.lookup(base).is_none()
            && let Some(ValueDef::Effect(id)) = self.value_def(base)
        {
            return Some(self.call_effect(id, call, span, want));
        }
        if let Some(id) = self.builtin_enum(&call.receiver) {
            let number = *self.items.adt(id).variant_names.get(&name.name)?;
            let args = ArgIn::list(&call.args);
            return Some(self.construct_variant(id, number, args, span, want));
        }
        let TypeDef::Adt(id) = self.type_name(&call.receiver)? else {
            return self.associated_builtin(call, span, want);
        };
        let args = ArgIn::list(&call.args);
        if let Some(&number) = self.items.adt(id).variant_names.get(&name.name) {
            return Some(self.construct_variant(id, number, args, span, want));
        }
        let owner: Vec<Ty> = (0..self.items.adt(id).generics.len())
            .map(|_| self.open_var())
            .collect();
        let ty = self.types.adt(id, &owner);
        if let Some((cell, owner)) = self.find_method(ty, name.name) {
            let cell = self.call_cell(cell, Some(&owner), &call.type_args, args, None, span, want);
            return Some(cell);
        }
        self.check_args_anyhow(args);
        if self.items.adt(id).is_enum {
            self.unknown_variant(id, name);
        } else {
            let (owner, text) = (self.text(self.items.adt(id).name), self.text(name.name));
            let message = format!("`{owner}` has no cell `{text}`");
            self.error(Code::UnknownMethod, name.span, message);
        }
        Some(self.poison(span))
    }

    /// `Alias.make(x)`
    fn associated_builtin(
        &mut self,
        call: &'a ast::MethodCall,
        span: Span,
        want: Want,
    ) -> Option<Expr> {
        let Ast::Name(base) = call.receiver.kind else {
            return None;
        };
        let ident = ast::Ident {
            name: base,
            span: call.receiver.span,
        };
        let kind = ast::TypeKind::Named {
            name: ident,
            args: Vec::new(),
        };
        let ty = self.body_type(&ast::Type {
            kind,
            span: call.receiver.span,
        });
        let (cell, owner) = self.find_method(ty, call.name.name)?;
        let args = ArgIn::list(&call.args);
        Some(self.call_cell(cell, Some(&owner), &call.type_args, args, None, span, want))
    }

    /// A property of a handle: the library's cell of that name, called on it.
    pub(crate) fn property(&mut self, value: &Expr, name: ast::Ident, span: Span) -> Option<Expr> {
        let cells = self.candidates(name.name);
        if cells.is_empty() {
            return None;
        }
        let args = vec![ArgIn::done(value.clone())];
        Some(self.call_one_of(&cells, name.name, &[], args, span, Want::Value))
    }

    /// Built-in methods, and the report when there is nothing of that name.
    fn other_method(
        &mut self,
        receiver: Expr,
        call: &'a ast::MethodCall,
        span: Span,
        want: Want,
    ) -> Expr {
        let args = ArgIn::list(&call.args);
        let ty = self.known(receiver.ty);
        let name = call.name;
        if let Some(ValueDef::Record(_) | ValueDef::Variant(..) | ValueDef::Tool(_)) =
            self.value_def(name.name)
        {
            // `x.Point(y)` is not how a record is made, but `x.f(y)` is `f(x, y)` all the same.
            let mut list = vec![ArgIn::done(receiver)];
            list.extend(args);
            return match self.value_def(name.name) {
                Some(ValueDef::Record(id)) => self.construct(id, &[], list, span, want),
                Some(ValueDef::Variant(id, number)) => {
                    self.construct_variant(id, number, list, span, want)
                }
                _ => self.poison(span),
            };
        }
        self.check_args_anyhow(args);
        if self.types.has_poison(ty) {
            return self.poison(span);
        }
        let text = self.text(name.name);
        let shown = self.show(ty);
        let message =
            format!("{shown} has no method or field `{text}`, and there is no cell of that name");
        let mut error = Diagnostic::new(Code::UnknownMethod, message, name.span);
        if let Kind::Future(_) = self.types.kind(ty) {
            error = error.help("await the future first");
        } else if let Some(module) = self.elsewhere(name.name) {
            error = error.help(format!("import it: import std.{module}: {text}"));
        } else if let Some(here) = foreign_method(&text, ty == Ty::STRING) {
            error = error.help(format!("it is called `{here}` here"));
        } else if let Some(near) = self.near_method(ty, &text) {
            error = error.help(format!("did you mean `{near}`?"));
        }
        self.report(error);
        self.poison(span)
    }

    /// The library module, imported by the program for something else, that has this cell.
    pub(crate) fn elsewhere(&self, name: Symbol) -> Option<String> {
        let modules = self.modules.list.iter().zip(&self.scopes);
        let mut others = modules.filter(|(module, _)| module.library && !module.prelude);
        let found = others.find(|(_, scope)| {
            let cell = matches!(scope.values.get(&name), Some(ValueDef::Cell(_)));
            cell && scope.exported.contains(&name)
        });
        found.map(|(module, _)| module.name.clone())
    }

    fn near_method(&mut self, ty: Ty, text: &str) -> Option<String> {
        let mut known: Vec<Symbol> = Vec::new();
        if let Kind::Adt(id, _) = self.types.kind(ty).clone() {
            known.extend(self.items.adt(id).methods.keys());
            if !self.items.adt(id).is_enum {
                let variants = self.variants(id);
                known.extend(
                    variants
                        .iter()
                        .flat_map(|one| &one.fields)
                        .map(|field| field.name),
                );
            }
        }
        let head = self.head_of(ty);
        for imp in self.impls.get(&head).into_iter().flatten() {
            known.extend(self.items.impl_(*imp).methods.keys());
        }
        known.extend(self.scopes[self.body.module.0 as usize].values.keys());
        known.extend(self.prelude_values.keys());
        let names: Vec<&str> = known.iter().map(|&name| self.names.resolve(name)).collect();
        closest(text, names).map(str::to_owned)
    }

    /// `x |> obj.f(a)`
    pub(crate) fn piped_method(
        &mut self,
        first: Expr,
        call: &'a ast::MethodCall,
        span: Span,
        want: Want,
    ) -> Expr {
        let receiver = self.value(&call.receiver);
        let ty = self.known(receiver.ty);
        let mut args = vec![ArgIn::done(receiver), ArgIn::done(first)];
        args.extend(ArgIn::list(&call.args));
        if let Some((cell, owner)) = self.find_method(ty, call.name.name) {
            return self.call_cell(cell, Some(&owner), &call.type_args, args, None, span, want);
        }
        let cells = self.candidates(call.name.name);
        if cells.is_empty() {
            self.unknown_field(ty, call.name, span);
            return self.poison(span);
        }
        self.call_one_of(&cells, call.name.name, &call.type_args, args, span, want)
    }
}

/// How a method is called that other languages call `text`.
fn foreign_method(text: &str, of_string: bool) -> Option<&'static str> {
    Some(match text {
        "size" => "len",
        "to_upper" | "toUpperCase" | "uppercase" | "to_uppercase" => "upper",
        "to_lower" | "toLowerCase" | "lowercase" | "to_lowercase" => "lower",
        "strip" => "trim",
        "lstrip" | "trimStart" | "trim_left" => "trim_start",
        "rstrip" | "trimEnd" | "trim_right" => "trim_end",
        "startswith" | "startsWith" => "starts_with",
        "endswith" | "endsWith" => "ends_with",
        "replaceAll" | "replace_all" => "replace",
        "substring" | "substr" => "slice",
        "find" | "index" | "indexOf" if of_string => "index_of",
        "indexOf" => "index_of",
        "includes" | "contains_key" | "containsKey" | "has" | "has_key" => "contains",
        "forEach" | "for_each" => "each",
        "flatMap" => "flat_map",
        "push_back" | "add" => "append",
        "put" | "set" => "insert",
        "delete" | "erase" => "remove",
        "toString" | "str" => "to_string",
        "ljust" | "padEnd" => "pad_right",
        "rjust" | "padStart" => "pad_left",
        "some" | "exists" => "any",
        "every" => "all",
        "foldl" | "inject" | "accumulate" => "reduce",
        _ => return None,
    })
}
