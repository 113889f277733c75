//! Expressions: which rule applies to which form.

use super::{Want, node, null};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Coercion, Expr, ExprKind, GlobalId, Ty};
use crate::names::{ValueDef, closest};
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast::{self, ExprKind as Ast};
use crate::types::Checker;

impl<'a> Checker<'a> {
    /// The node of an expression of which `want` is expected.
    pub(crate) fn expr(&mut self, expr: &'a ast::Expr, want: Want) -> Expr {
        let span = expr.span;
        match &expr.kind {
            Ast::Error => self.poison(span),
            Ast::Null
            | Ast::Bool(_)
            | Ast::Int(_)
            | Ast::Float(_)
            | Ast::Str(_)
            | Ast::Bytes(_)
            | Ast::Interpolation(_) => self.literal(expr, want),
            Ast::Name(name) => self.name(*name, span, want),
            Ast::Tuple(parts) => self.tuple_literal(parts, span, want),
            Ast::List(elements) => self.list_literal(elements, span, want),
            Ast::Set(elements) => self.set_literal(elements, span, want),
            Ast::Map(elements) => self.map_literal(elements, span, want),
            Ast::EmptyBraces => self.empty_braces(span, want),
            Ast::Comprehension(one) => self.comprehension(one, span, want),
            Ast::Call(call) => self.call(call, span, want),
            Ast::MethodCall(call) => self.method_call(call, span, want),
            Ast::Field { base, name, safe } => self.field(expr, base, *name, *safe, want),
            Ast::TupleField { base, index, safe } => self.tuple_field(base, *index, *safe, span),
            Ast::Index { base, index, safe } => self.index(base, index, *safe, span),
            Ast::Instance { base, types } => self.instance_value(base, types, span),
            Ast::Unary { op, operand } => self.unary(*op, operand, span, want),
            Ast::Binary(binary) => self.binary(binary, span, want),
            Ast::Is { value, ty } => self.is_test(value, ty, span),
            Ast::As { value, ty } => self.cast(value, ty, span),
            Ast::Range(range) => self.range_value(range, span),
            Ast::Pipe { value, target } => self.pipe(value, target, span, want),
            Ast::Compose { first, second } => self.compose(first, second, span, want),
            Ast::Propagate { value, .. } => self.propagate(value, span, want),
            Ast::Unwrap(value) => self.unwrap(value, span, want),
            Ast::Lambda(lambda) => self.lambda(lambda, span, want),
            Ast::Ok(value) => self.result_value(0, value, span, want),
            Ast::Err(value) => self.result_value(1, value, span, want),
            _ => self.flow_expr(expr, want),
        }
    }

    fn flow_expr(&mut self, expr: &'a ast::Expr, want: Want) -> Expr {
        let span = expr.span;
        match &expr.kind {
            Ast::Block(block) => self.block(block, want),
            Ast::If(one) => self.if_expr(one, span, want),
            Ast::Match(one) => self.match_expr(one, span, want),
            Ast::When(one) => self.when_expr(one, span, want),
            Ast::While(one) => self.while_loop(one, span, want),
            Ast::Loop(one) => self.endless_loop(one, span, want),
            Ast::For(one) => self.for_loop(one, span, want),
            Ast::Try(one) => self.try_expr(one, span, want),
            Ast::Return(value) => self.return_expr(value.as_deref(), span),
            Ast::Break { label, value } => self.break_expr(*label, value.as_deref(), span),
            Ast::Continue { label } => self.continue_expr(*label, span),
            Ast::Throw(value) => self.throw(value, span),
            Ast::Yield(value) => self.yield_expr(value, span),
            Ast::Assert(assert) => self.assert(assert, span),
            _ => self.concurrent_expr(expr, want),
        }
    }

    /// A value of any type, not `null` without type.
    pub(crate) fn value(&mut self, expr: &'a ast::Expr) -> Expr {
        self.expr(expr, Want::Value)
    }

    /// What a name means as a value.
    pub(crate) fn name(&mut self, name: Symbol, span: Span, want: Want) -> Expr {
        if let Some(binding) = self.lookup(name) {
            return self.read_binding(binding, span);
        }
        match self.value_def(name) {
            Some(def) => self.def_value(def, name, span, want),
            None => self.unknown_name(name, span),
        }
    }

    /// A variable's value, as narrow as is known here.
    pub(crate) fn read_binding(&mut self, binding: u32, span: Span) -> Expr {
        let one = &self.body.bindings[binding as usize];
        let ty = one.ty;
        if let Some(why) = one.blocked {
            let name = self.text(one.name);
            let message = format!("{name} {why}");
            self.error(Code::NotAvailable, span, message);
            return self.poison(span);
        }
        let local = self.reach(binding);
        let mut read = node(ExprKind::Local(local), ty, span);
        if let Some(narrow) = self.narrowed(binding, &[])
            && narrow != ty
        {
            read = node(
                ExprKind::Coerce(Coercion::Narrow, Box::new(read)),
                narrow,
                span,
            );
        }
        read
    }

    /// What `name` means at module level; the first of several in the prelude.
    pub(crate) fn value_def(&self, name: Symbol) -> Option<ValueDef> {
        self.scopes[self.body.module.0 as usize]
            .value(name)
            .or_else(|| {
                let defs = self.prelude_values.get(&name)?;
                defs.first().copied()
            })
    }

    fn def_value(&mut self, def: ValueDef, name: Symbol, span: Span, want: Want) -> Expr {
        match def {
            ValueDef::Cell(cell) => self.cell_value(cell, name, span, want),
            ValueDef::Variant(adt, variant) => self.variant_value(adt, variant, span, want),
            ValueDef::Record(adt) => self.record_value(adt, span, want),
            ValueDef::Const(id) => match self.const_global(id, span) {
                Some((global, ty)) => self.read_global(global, ty, span),
                None => self.poison(span),
            },
            ValueDef::Global(id) => self.read_let(id, span),
            ValueDef::Tool(_) | ValueDef::Effect(_) => {
                let text = self.text(name);
                let what = if matches!(def, ValueDef::Tool(_)) {
                    "a tool"
                } else {
                    "an effect"
                };
                self.error(
                    Code::WrongKind,
                    span,
                    format!("`{text}` is {what}; it can only be called"),
                );
                self.poison(span)
            }
        }
    }

    pub(crate) fn read_global(&mut self, global: GlobalId, ty: Ty, span: Span) -> Expr {
        node(ExprKind::Global(global), ty, span)
    }

    /// Reports a name that means nothing.
    pub(crate) fn unknown_name(&mut self, name: Symbol, span: Span) -> Expr {
        let module = self.body.module;
        if self.unknown_imports.contains(&(module, name)) || self.unknown_wild.contains(&module) {
            return self.poison(span);
        }
        if self.error_count() >= crate::limits::DIAGNOSTICS {
            // It will not be shown: what may have been meant need not be found out.
            let message = "there is nothing of this name";
            self.error(Code::UnknownName, span, message);
            return self.poison(span);
        }
        let text = self.text(name);
        if text == "self" {
            let message = "`self` stands only in methods that have it as first parameter";
            self.error(Code::UnknownName, span, message);
            return self.poison(span);
        }
        if let Some(&(_, word)) = self.body.unjoined.iter().find(|one| one.0 == name) {
            let message = format!("{text} is not available until the {word} block joins");
            let help = format!("without await the block is a future; await {word} binds its names");
            self.report(Diagnostic::new(Code::NotAvailable, message, span).help(help));
            return self.poison(span);
        }
        let mut error = Diagnostic::new(
            Code::UnknownName,
            format!("there is nothing called `{text}` here"),
            span,
        );
        if self.type_def(module, name).is_some() || is_type_name(&text) {
            error = Diagnostic::new(
                Code::WrongKind,
                format!("`{text}` is a type, not a value"),
                span,
            );
        } else if let Some(help) = foreign_name(&text) {
            error = error.help(help);
        } else if let Some(module) = self.elsewhere(name) {
            error = error.help(format!("import it: import std.{module}: {text}"));
        } else if let Some(near) = self.near_name(&text) {
            error = error.help(format!("did you mean `{near}`?"));
        }
        self.report(error);
        self.poison(span)
    }

    fn near_name(&self, text: &str) -> Option<String> {
        let scope = &self.scopes[self.body.module.0 as usize];
        let locals = self.body.bindings.iter().map(|one| one.name);
        let own = scope.values.keys().chain(scope.wild_values.keys()).copied();
        let own: Vec<&str> = locals
            .chain(own)
            .map(|name| self.names.resolve(name))
            .collect();
        let near = closest(text, own);
        let prelude = self
            .prelude_values
            .keys()
            .map(|&name| self.names.resolve(name));
        near.or_else(|| closest(text, prelude)).map(str::to_owned)
    }

    fn is_test(&mut self, value: &'a ast::Expr, ty: &'a ast::Type, span: Span) -> Expr {
        if self.misread_not(value, "not (x is T)") {
            return self.poison(span);
        }
        let value = self.value(value);
        let ty = self.body_type(ty);
        self.is_node(value, ty, span)
    }

    /// `value is ty`, decided now where the types say so.
    pub(crate) fn is_node(&mut self, value: Expr, ty: Ty, span: Span) -> Expr {
        let from = self.known(value.ty);
        if self.types.has_poison(from) || self.types.has_poison(ty) {
            return node(ExprKind::Bool(false), Ty::BOOL, span);
        }
        if !self.may_be(from, ty) {
            if self.in_instance() {
                // With other type arguments it may be so.
                let no = node(ExprKind::Bool(false), Ty::BOOL, span);
                return node(ExprKind::Block(vec![value, no]), Ty::BOOL, span);
            }
            let (from, to) = (self.show(from), self.show(ty));
            let message = format!("a value of type {from} is never {to}");
            self.error(Code::ImpossibleTest, span, message);
        } else if from == ty && from != Ty::ANY && !self.types.has_param(from) {
            let shown = self.show(ty);
            let message = format!("a value of type {shown} is always {shown}");
            self.report(Diagnostic::new(Code::ConstantTest, message, span));
        }
        node(ExprKind::Is(Box::new(value), ty), Ty::BOOL, span)
    }

    /// Whether some value of type `from` may be of type `ty`.
    pub(crate) fn may_be(&mut self, from: Ty, ty: Ty) -> bool {
        use super::coerce::Fit;
        let from = self.known(from);
        if matches!(from, Ty::ANY | Ty::POISON) || self.types.has_param(from) || self.is_var(from) {
            return true;
        }
        if from == Ty::JSON {
            return self.json_fit(ty) != Fit::No;
        }
        let wanted = self.types.members(ty);
        let members = self.types.members(from);
        members.iter().any(|&member| {
            let member = self.types.head(member);
            matches!(member, Ty::ANY | Ty::JSON)
                || self.types.has_param(member)
                || wanted.contains(&member)
                || wanted
                    .iter()
                    .any(|&w| self.types.attempt(|types| types.unify(member, w)))
        })
    }

    fn cast(&mut self, value: &'a ast::Expr, ty: &'a ast::Type, span: Span) -> Expr {
        let ty = self.body_type(ty);
        let value = self.expr(value, Want::Value);
        let from = self.known(value.ty);
        if self.types.has_poison(ty) || self.types.has_poison(from) {
            return node(ExprKind::Null, ty, span);
        }
        if let (Ty::INT, Ty::FLOAT) = (from, ty) {
            return node(
                ExprKind::Coerce(Coercion::IntToFloat, Box::new(value)),
                Ty::FLOAT,
                span,
            );
        }
        let value = match self.try_coerce(value, ty) {
            Ok(value) => return value,
            Err(value) => value,
        };
        if !self.may_be(from, ty) {
            let (from_text, to) = (self.show(from), self.show(ty));
            let message = format!("a value of type {from_text} is never {to}");
            let mut error = Diagnostic::new(Code::ImpossibleTest, message, span);
            if let Some(with) = conversion(from, ty) {
                error = error.help(format!("convert it with {with}"));
            }
            self.report(error);
            return node(ExprKind::Null, ty, span);
        }
        node(ExprKind::Coerce(Coercion::Cast, Box::new(value)), ty, span)
    }

    fn yield_expr(&mut self, value: &'a ast::Expr, span: Span) -> Expr {
        let Some(ty) = self.cx().yields else {
            let message = "`yield` stands only in a generator";
            let error = Diagnostic::new(Code::Misplaced, message, span)
                .help("declare it: cell f(n: Int) -> yield Int");
            self.report(error);
            self.value(value);
            return null(span);
        };
        let value = self.expr_as(value, ty);
        node(ExprKind::Yield(Box::new(value)), Ty::NULL, span)
    }
}

/// The library's conversion from one type to another.
fn conversion(from: Ty, to: Ty) -> Option<&'static str> {
    Some(match (from, to) {
        (Ty::STRING, Ty::INT) => "parse_int",
        (Ty::STRING, Ty::FLOAT) => "parse_float",
        (Ty::FLOAT, Ty::INT) => "to_int, round, floor or ceil",
        (Ty::BOOL, Ty::INT) => "if b then 1 else 0",
        (_, Ty::STRING) => "to_string",
        _ => return None,
    })
}

fn is_type_name(text: &str) -> bool {
    matches!(
        text,
        "Int" | "Float" | "Bool" | "String" | "Bytes" | "Null" | "Any" | "Json"
    )
}

/// What other languages call something.
fn foreign_name(text: &str) -> Option<&'static str> {
    Some(match text {
        "nil" | "None" | "undefined" | "NULL" => "write `null`",
        "True" | "TRUE" => "write `true`",
        "False" | "FALSE" => "write `false`",
        "this" => "write `self`",
        "println" | "puts" | "echo" | "printf" | "console" => "write `print(…)`",
        "go" => "use `spawn(…)`",
        "wait" | "sync" => "use `await`",
        "elif" | "elsif" | "elseif" => "write `else if`",
        "new" => "a record is made by a call: Point(x: 1, y: 2)",
        "Math" | "math" => "what computes needs no module: sqrt(x)",
        "JSON" | "json" => "use `to_json` and `parse_json`",
        "string" => "use `to_string`",
        "bool" => "compare it: x != 0",
        "lambda" | "func" => "a closure is written fn(x) => x + 1",
        "raise" | "panic" => "write `throw`",
        "error" | "Exception" => "throw a text, or Error(\"message\", kind: \"Mine\")",
        "str" => "use `to_string`",
        "int" => "use `to_int` or `parse_int`",
        "float" => "use `to_float` or `parse_float`",
        _ => return None,
    })
}
