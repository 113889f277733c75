//! Lambdas.

use super::coerce::Fit;
use super::{Binding, FnRole, Pending, Want, node};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, ExprKind, FuncId, FuncKind, Ty};
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast::{self, LambdaBody};
use crate::types::Checker;
use crate::types::ty::{Kind, Origin};
use rustc_hash::FxHashMap;

/// A lambda whose parameters have no type yet, with the names that were known where it stands.
pub(crate) struct Delayed<'a> {
    lambda: &'a ast::Lambda,
    span: Span,
    func: FuncId,
    params: Vec<Ty>,
    result: Ty,
    declared: bool,
    at: usize,
    bindings: Vec<Binding>,
    names: FxHashMap<Symbol, u32>,
}

impl<'a> Checker<'a> {
    pub(crate) fn lambda(&mut self, lambda: &'a ast::Lambda, span: Span, want: Want) -> Expr {
        let expected = want.ty().and_then(|ty| self.expected_fn(ty));
        let mut params = Vec::with_capacity(lambda.params.len());
        for (number, param) in lambda.params.iter().enumerate() {
            if param.default.is_some() || param.variadic || param.mutable {
                let message = "a lambda's parameters are plain: no default, `...` or `mut`";
                self.error(Code::Misplaced, param.span, message);
            }
            let ty = match &param.ty {
                Some(ty) => self.body_type(ty),
                None => match expected.as_ref().and_then(|(types, _)| types.get(number)) {
                    Some(&ty) => ty,
                    None => self.types.fresh(Origin::Open),
                },
            };
            params.push(ty);
        }
        let (result, declared) = self.lambda_result(lambda, expected.as_ref().map(|one| one.1));
        let func = self.new_func();
        if let Some(row) = &lambda.effects {
            self.lambda_rows.push((func, row));
        }
        let ty = self.types.func(&params, result);
        let unknown = params.iter().any(|&ty| {
            let ty = self.known(ty);
            self.is_var(ty)
        });
        if unknown {
            let delayed = Delayed {
                lambda,
                span,
                func,
                params,
                result,
                declared,
                at: self.body.at,
                bindings: self.body.bindings.clone(),
                names: self.body.names.clone(),
            };
            self.body.pending.push(Pending::Lambda(Box::new(delayed)));
        } else {
            self.lambda_body(lambda, span, func, &params, result, declared);
        }
        let captures = Vec::new();
        node(ExprKind::Closure { func, captures }, ty, span)
    }

    /// The parameters and result of the function type wanted.
    pub(crate) fn expected_fn(&mut self, ty: Ty) -> Option<(Vec<Ty>, Ty)> {
        let members = self.types.members(ty);
        members.into_iter().find_map(|member| {
            let member = self.types.head(member);
            match self.types.kind(member) {
                Kind::Func(params, result) => Some((params.to_vec(), *result)),
                _ => None,
            }
        })
    }

    /// A lambda's result type, and whether its body must fit it (else it determines it).
    fn lambda_result(&mut self, lambda: &'a ast::Lambda, expected: Option<Ty>) -> (Ty, bool) {
        if let Some(result) = &lambda.result {
            return (self.body_type(result), true);
        }
        match expected {
            Some(ty) => {
                let head = self.known(ty);
                (ty, !self.is_var(head))
            }
            None => (self.types.fresh(Origin::Open), false),
        }
    }

    fn lambda_body(
        &mut self,
        lambda: &'a ast::Lambda,
        span: Span,
        func: FuncId,
        params: &[Ty],
        result: Ty,
        declared: bool,
    ) {
        let outer = self.body.at;
        self.open_fn_as(func, FnRole::Lambda, FuncKind::Closure, span);
        let scope = self.enter();
        let narrows = self.mark_narrows();
        for (param, &ty) in lambda.params.iter().zip(params) {
            let local = self.declare(param.name.name, ty, param.span, param.mutable);
            self.cx().params.push(local);
        }
        let cx = self.cx();
        cx.result = result;
        cx.declared = declared;
        let known = self.known(result);
        let want = match (declared, known) {
            (true, Ty::NULL) => Want::Nothing,
            (true, _) => Want::Type(result),
            (false, _) => Want::Value,
        };
        let body = match &lambda.body {
            LambdaBody::Expr(expr) => self.expr(expr, want),
            LambdaBody::Block(block) => self.body_block(block, want),
        };
        self.finish_body(body);
        self.leave(scope);
        self.forget_narrows(narrows);
        self.body.at = outer;
    }

    /// Checks a lambda put off, if its parameters are known by now; gives it back if not.
    pub(crate) fn try_delayed(
        &mut self,
        delayed: Box<Delayed<'a>>,
        force: bool,
    ) -> Option<Box<Delayed<'a>>> {
        let unknown = delayed.params.iter().position(|&ty| {
            let ty = self.types.head(ty);
            self.is_var(ty)
        });
        if unknown.is_some() && !force {
            return Some(delayed);
        }
        let one = *delayed;
        let at = std::mem::replace(&mut self.body.at, one.at);
        let bindings = std::mem::replace(&mut self.body.bindings, one.bindings);
        let names = std::mem::replace(&mut self.body.names, one.names);
        let narrows = std::mem::take(&mut self.body.narrows);
        // The result may have been settled since by what the function is used for.
        let head = self.types.head(one.result);
        let declared = one.declared || !self.is_var(head);
        self.lambda_body(
            one.lambda,
            one.span,
            one.func,
            &one.params,
            one.result,
            declared,
        );
        for (param, &ty) in one.lambda.params.iter().zip(&one.params) {
            let ty = self.types.head(ty);
            if self.is_var(ty) {
                self.unknown_parameter(param);
                self.types.unify(ty, Ty::POISON);
            }
        }
        self.body.at = at;
        self.body.bindings = bindings;
        self.body.names = names;
        self.body.narrows = narrows;
        None
    }

    fn unknown_parameter(&mut self, param: &ast::Param) {
        let text = self.text(param.name.name);
        let message = format!("the type of parameter `{text}` cannot be inferred");
        let error = Diagnostic::new(Code::CannotInfer, message, param.span)
            .help(format!("write it: {text}: Int"));
        self.report(error);
    }

    /// A function where one is wanted whose parameters are narrower or whose result is wider (or
    /// not looked at): wrapped in a closure that converts.
    pub(crate) fn adapt_fn(&mut self, expr: Expr, from: Ty, to: Ty) -> Result<Expr, Expr> {
        let (Kind::Func(have, gives), Kind::Func(wanted, result)) =
            (self.types.kind(from).clone(), self.types.kind(to).clone())
        else {
            return Err(expr);
        };
        let fits = have.len() == wanted.len()
            && have.iter().zip(wanted.iter()).all(|(&have, &wanted)| {
                self.types.has_poison(wanted) || self.fit(wanted, have) != Fit::No
            })
            && (self.known(result) == Ty::NULL || self.fit(gives, result) != Fit::No);
        if !fits {
            return Err(expr);
        }
        let span = expr.span;
        let held = self.temp(from, span);
        let bind = super::let_node(held, expr, span);
        let outer = self.body.at;
        let at = self.open_fn(FnRole::Lambda, FuncKind::Closure, span);
        let held = self.capture_local(at, outer, held);
        let mut args = Vec::with_capacity(have.len());
        for (number, (&have, &wanted)) in have.iter().zip(wanted.iter()).enumerate() {
            let local = self.param_local(&format!("a{number}"), wanted, span);
            let read = self.read_local(local, span);
            args.push(self.coerce(read, have));
        }
        let callee = Box::new(self.read_local(held, span));
        let call = node(ExprKind::CallValue { callee, args }, gives, span);
        let body = if self.known(result) == Ty::NULL {
            node(
                ExprKind::Block(vec![call, super::null(span)]),
                Ty::NULL,
                span,
            )
        } else {
            self.coerce(call, result)
        };
        let cx = self.cx();
        cx.result = result;
        cx.declared = true;
        cx.body = Some(body);
        let func = cx.id;
        self.body.at = outer;
        let captures = Vec::new();
        let closure = node(ExprKind::Closure { func, captures }, to, span);
        Ok(node(ExprKind::Block(vec![bind, closure]), to, span))
    }

    /// Calls a closure value.
    pub(crate) fn call_value(&mut self, callee: Expr, args: &'a [ast::Arg], span: Span) -> Expr {
        let ty = self.known(callee.ty);
        let (params, result) = match self.types.kind(ty).clone() {
            Kind::Func(params, result) => (params.to_vec(), result),
            Kind::Var(_) => {
                let params: Vec<Ty> = args.iter().map(|_| self.open_var()).collect();
                let result = self.open_var();
                let func = self.types.func(&params, result);
                self.types.unify(ty, func);
                (params, result)
            }
            _ => {
                args.iter().for_each(|arg| {
                    self.value(&arg.value);
                });
                if !self.types.has_poison(ty) {
                    let shown = self.show(ty);
                    let message = format!("a value of type {shown} cannot be called");
                    let mut error = Diagnostic::new(Code::NotCallable, message, callee.span);
                    if self.types.members(ty).contains(&Ty::NULL) {
                        error = error.help("it may be null: test it first");
                    }
                    self.report(error);
                }
                return self.poison(span);
            }
        };
        for arg in args {
            if let Some(name) = &arg.name {
                let message = "arguments of a function value have no names";
                self.error(Code::UnknownArgument, name.span, message);
            }
            if arg.spread {
                let message = "a function value takes its arguments one by one";
                self.error(Code::ArgumentCount, arg.value.span, message);
            }
        }
        if args.len() != params.len() {
            let message = format!("expected {}, found {}", count(params.len()), args.len());
            self.error(Code::ArgumentCount, span, message);
            args.iter().for_each(|arg| {
                self.value(&arg.value);
            });
            return node(ExprKind::Null, result, span);
        }
        let args = args
            .iter()
            .zip(&params)
            .map(|(arg, &ty)| self.expr_as(&arg.value, ty));
        let args = args.collect();
        self.solve(false);
        let callee = Box::new(callee);
        node(ExprKind::CallValue { callee, args }, result, span)
    }
}

/// `1 argument`, `2 arguments`
pub(crate) fn count(n: usize) -> String {
    if n == 1 {
        "1 argument".to_owned()
    } else {
        format!("{n} arguments")
    }
}
