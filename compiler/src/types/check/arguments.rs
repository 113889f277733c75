//! Arguments meet parameters (or fields): order, names, variadic ones, defaults.

use super::call::{Applied, ArgIn, ArgValue, Slot, is_literal};
use super::closure::count;
use super::node;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Element, Expr, ExprKind, LocalId, Ty};
use crate::limits;
use crate::names::{ModuleId, closest};
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast;
use crate::types::Checker;
use crate::types::resolve::TyScope;
use crate::types::ty::Kind;

impl<'a> Checker<'a> {
    /// Brings arguments into the order of the slots, with defaults filled in.
    pub(crate) fn apply(
        &mut self,
        slots: &[Slot<'a>],
        args: Vec<ArgIn<'a>>,
        env: &(ModuleId, TyScope),
        name: Symbol,
        span: Span,
    ) -> Applied {
        if are_in_order(slots, &args) {
            return self.apply_in_order(slots, args);
        }
        let Some(at) = self.assign_slots(slots, &args, name, span) else {
            self.check_args_anyhow(args);
            let values = slots
                .iter()
                .map(|slot| node(ExprKind::Null, slot.ty, span))
                .collect();
            return Applied {
                lets: Vec::new(),
                values,
            };
        };
        let mut values = self.argument_values(slots, args, &at);
        let in_order = at.windows(2).all(|pair| pair[0] <= pair[1]);
        let missing = |slot: usize| !at.contains(&slot) && !slots[slot].variadic;
        let computed = (0..slots.len()).any(|slot| {
            missing(slot)
                && slots[slot]
                    .default
                    .is_some_and(|default| !is_literal(default))
        });
        let mut lets = Vec::new();
        if !in_order || computed {
            for (_, value) in values.iter_mut().flatten() {
                self.hold_in(value, &mut lets);
            }
        }
        let mut ordered: Vec<Expr> = Vec::with_capacity(slots.len());
        for (number, slot) in slots.iter().enumerate() {
            if slot.variadic {
                let rest = values.iter_mut().zip(&at).filter(|(_, at)| **at == number);
                let rest = rest.filter_map(|(value, _)| value.take());
                let elements = rest.map(|(spread, value)| match spread {
                    true => Element::Spread(value),
                    false => Element::One(value),
                });
                let elements = elements.collect();
                ordered.push(node(ExprKind::List(elements), slot.ty, span));
                continue;
            }
            let given = at.iter().position(|&slot| slot == number);
            if let Some((_, value)) = given.and_then(|arg| values[arg].take()) {
                ordered.push(value);
                continue;
            }
            let mut value = self.default_value(slots, number, &ordered, env, &mut lets, span);
            if computed {
                self.hold_in(&mut value, &mut lets);
            }
            ordered.push(value);
        }
        Applied {
            lets,
            values: ordered,
        }
    }

    /// As `apply`, where the arguments are in order already.
    fn apply_in_order(&mut self, slots: &[Slot<'a>], args: Vec<ArgIn<'a>>) -> Applied {
        let pairs = slots.iter().zip(args);
        let values = pairs.map(|(slot, arg)| match arg.value {
            ArgValue::Ast(expr) => self.expr_as(expr, slot.ty),
            ArgValue::Done(expr) => self.coerce(expr, slot.ty),
        });
        Applied {
            values: values.collect(),
            lets: Vec::new(),
        }
    }

    /// Evaluates `value` among `lets`; it becomes the variable that holds it.
    fn hold_in(&mut self, value: &mut Expr, lets: &mut Vec<Expr>) {
        let span = value.span;
        let local = self.temp(value.ty, span);
        let read = self.read_local(local, span);
        let init = std::mem::replace(value, read);
        lets.push(super::let_node(local, init, span));
    }

    /// Which slot each argument goes to; `None` (reported) when they do not fit.
    fn assign_slots(
        &mut self,
        slots: &[Slot<'a>],
        args: &[ArgIn<'a>],
        name: Symbol,
        span: Span,
    ) -> Option<Vec<usize>> {
        let mut at = Vec::with_capacity(args.len());
        let mut next = 0;
        for arg in args {
            let slot = match arg.name {
                Some(given) => match slots.iter().position(|slot| slot.name == given.name) {
                    Some(slot) => slot,
                    None => {
                        self.unknown_argument(slots, given, name);
                        return None;
                    }
                },
                None => {
                    let slot = next;
                    if slots.get(slot).is_none() {
                        self.wrong_count(slots, args.len(), name, span);
                        return None;
                    }
                    if !slots[slot].variadic {
                        next += 1;
                    }
                    slot
                }
            };
            if at.contains(&slot) && !slots[slot].variadic {
                let text = self.text(slots[slot].name);
                self.error(
                    Code::UnknownArgument,
                    arg.span(),
                    format!("`{text}` is given twice"),
                );
                return None;
            }
            if arg.spread && !slots[slot].variadic {
                let message = "`...` hands a list to a variadic parameter; this one is not";
                self.error(Code::ArgumentCount, arg.span(), message);
                return None;
            }
            at.push(slot);
        }
        let lacking: Vec<String> = slots
            .iter()
            .enumerate()
            .filter(|(number, slot)| {
                slot.default.is_none() && !slot.variadic && !at.contains(number)
            })
            .map(|(_, slot)| format!("`{}`", self.names.resolve(slot.name)))
            .collect();
        if lacking.is_empty() {
            return Some(at);
        }
        if self.syntax_errors {
            return None;
        }
        let callee = self.text(name);
        let plural = if lacking.len() == 1 { "" } else { "s" };
        let message = format!("`{callee}` needs argument{plural} {}", lacking.join(", "));
        self.error(Code::ArgumentCount, span, message);
        None
    }

    fn unknown_argument(&mut self, slots: &[Slot<'a>], given: ast::Ident, callee: Symbol) {
        let (text, callee) = (self.text(given.name), self.text(callee));
        let message = format!("`{callee}` has no parameter `{text}`");
        let mut error = Diagnostic::new(Code::UnknownArgument, message, given.span);
        let known: Vec<String> = slots.iter().map(|slot| self.text(slot.name)).collect();
        error = match closest(&text, known.iter().map(String::as_str)) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => error,
            None => error.help(format!("it has {}", known.join(", "))),
        };
        self.report(error);
    }

    fn wrong_count(&mut self, slots: &[Slot<'a>], given: usize, callee: Symbol, span: Span) {
        let callee = self.text(callee);
        let needed = slots.iter().filter(|slot| slot.default.is_none()).count();
        let takes = if needed == slots.len() {
            count(needed)
        } else {
            format!("{needed} to {}", count(slots.len()))
        };
        if self.syntax_errors {
            // Some argument may have been read as two.
            return;
        }
        let message = format!("`{callee}` takes {takes}, found {given}");
        let mut error = Diagnostic::new(Code::ArgumentCount, message, span);
        if matches!(&*callee, "print" | "eprint") && given > 1 {
            error = error.help("put the values into one text: print(\"{a} {b}\")");
        }
        self.report(error);
    }

    /// The arguments' values, in source order; lambdas are checked after all others.
    fn argument_values(
        &mut self,
        slots: &[Slot<'a>],
        args: Vec<ArgIn<'a>>,
        at: &[usize],
    ) -> Vec<Option<(bool, Expr)>> {
        let mut values: Vec<Option<(bool, Expr)>> = args.iter().map(|_| None).collect();
        let mut later = Vec::new();
        for (number, arg) in args.into_iter().enumerate() {
            let slot = &slots[at[number]];
            let mut ty = slot.ty;
            if let (true, false, Kind::List(element)) =
                (slot.variadic, arg.spread, self.types.kind(ty))
            {
                ty = *element;
            }
            let lambda = arg.is_lambda();
            match arg.value {
                ArgValue::Ast(expr) if lambda => later.push((number, expr, ty)),
                ArgValue::Ast(expr) => {
                    values[number] = Some((arg.spread, self.expr_as(expr, ty)));
                }
                ArgValue::Done(expr) => {
                    values[number] = Some((arg.spread, self.coerce(expr, ty)));
                }
            }
        }
        for (number, expr, ty) in later {
            values[number] = Some((false, self.expr_as(expr, ty)));
        }
        values
    }

    /// The value that a parameter or field has when none is given.
    fn default_value(
        &mut self,
        slots: &[Slot<'a>],
        number: usize,
        earlier: &[Expr],
        env: &(ModuleId, TyScope),
        lets: &mut Vec<Expr>,
        span: Span,
    ) -> Expr {
        let slot = &slots[number];
        let Some(default) = slot.default else {
            return self.poison(span);
        };
        let mut bound: Vec<(Symbol, LocalId, Ty)> = Vec::new();
        for (slot, value) in slots.iter().zip(earlier) {
            if let ExprKind::Local(local) = value.kind {
                bound.push((slot.name, local, slot.ty));
            } else if !is_literal(default) {
                let local = self.temp(slot.ty, span);
                lets.push(super::let_node(local, value.clone(), span));
                bound.push((slot.name, local, slot.ty));
            }
        }
        let module = std::mem::replace(&mut self.body.module, env.0);
        let scope = std::mem::replace(&mut self.body.scope, env.1.clone());
        let names = std::mem::take(&mut self.body.names);
        let narrows = std::mem::take(&mut self.body.narrows);
        let mark = self.enter();
        for (name, local, ty) in bound {
            self.bind_name(name, local, ty, span, false);
        }
        if self.defaults_open == 0 {
            self.defaults_begun = 0;
        }
        self.defaults_open += 1;
        self.defaults_begun += 1;
        let value = if self.defaults_begun > limits::DEFAULTS_TOGETHER {
            if self.defaults_begun == limits::DEFAULTS_TOGETHER + 1 {
                let message = "a missing default leads to too many others";
                let error = Diagnostic::new(Code::TooDeep, message, span);
                self.report(error.help("give some of the arguments"));
            }
            self.poison(span)
        } else if self.defaults_open > limits::DEFAULTS {
            let message = "defaults lead to each other through too many calls";
            let error =
                Diagnostic::new(Code::TooDeep, message, span).help("give some of the arguments");
            self.report(error);
            self.poison(span)
        } else {
            self.expr_as(default, slot.ty)
        };
        self.defaults_open -= 1;
        self.leave(mark);
        self.body.module = module;
        self.body.scope = scope;
        self.body.names = names;
        self.body.narrows = narrows;
        value
    }
}

/// Whether there is one argument for each slot, in order, and none a lambda: as in most calls.
fn are_in_order(slots: &[Slot<'_>], args: &[ArgIn<'_>]) -> bool {
    let plain = |(slot, arg): (&Slot<'_>, &ArgIn<'_>)| {
        arg.name.is_none() && !arg.spread && !slot.variadic && !arg.is_lambda()
    };
    slots.len() == args.len() && slots.iter().zip(args).all(plain)
}
