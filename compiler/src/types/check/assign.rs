//! Assignment: places, compound operators, what may not be assigned to.

use super::{FnRole, Want, assign_node, assign_op_node, node};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Coercion, Expr, ExprKind, Place, PlaceStep, Ty};
use crate::names::ValueDef;
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast::{self, ExprKind as Ast};
use crate::types::Checker;
use crate::types::ty::Kind;

impl<'a> Checker<'a> {
    /// `place = e`, `place op= e`
    pub(crate) fn assign(&mut self, assign: &'a ast::Assign, span: Span) -> Expr {
        let Some(place) = self.place(&assign.place) else {
            self.value(&assign.value);
            return self.poison(span);
        };
        match assign.op {
            None => self.plain_assign(assign, place, span),
            Some(op) => self.compound_assign(assign, op, place, span),
        }
    }

    fn plain_assign(&mut self, assign: &'a ast::Assign, place: Place, span: Span) -> Expr {
        let value = self.expr_as(&assign.value, place.ty);
        if value.ty == Ty::NEVER {
            return value;
        }
        if let Some((root, fields)) = self.path(&assign.place) {
            self.unnarrow(root, &fields);
            if let ExprKind::Coerce(Coercion::Widen, inner) = &value.kind {
                let inner = self.known(inner.ty);
                let members = self.types.members(place.ty);
                if members.contains(&inner) {
                    self.narrow_assigned(root, fields, inner);
                }
            }
        } else {
            self.changed(&assign.place);
        }
        assign_node(place, value, span)
    }

    /// The variable that `place` starts from has changed.
    pub(crate) fn changed(&mut self, place: &ast::Expr) {
        if let Some(root) = crate::types::walk::place_root(place)
            && let Some(root) = self.lookup(root)
        {
            // Its fields may have: an element was replaced.
            self.unnarrow(root, &[]);
        }
    }

    fn compound_assign(
        &mut self,
        assign: &'a ast::Assign,
        op: ast::BinaryOp,
        place: Place,
        span: Span,
    ) -> Expr {
        let path = self.path(&assign.place);
        let narrowed = path
            .as_ref()
            .and_then(|(root, fields)| self.narrowed(*root, fields));
        let now = narrowed.unwrap_or(place.ty);
        let known = self.known(now);
        let want = match self.types.kind(known) {
            Kind::List(_) | Kind::Set(_) | Kind::Float => Want::Type(known),
            _ => Want::Value,
        };
        let value = self.expr(&assign.value, want);
        if narrowed.is_some_and(|ty| ty != place.ty) {
            let lhs = self.value(&assign.place);
            let sum = self.arithmetic(op, lhs, value, span, Want::Type(known));
            let sum = self.coerce(sum, place.ty);
            return assign_node(place, sum, span);
        }
        // Checked as the operator is; the left side is the place itself.
        let lhs = node(ExprKind::Null, place.ty, assign.place.span);
        let sum = self.arithmetic(op, lhs, value, span, Want::Type(known));
        self.changed(&assign.place);
        let ExprKind::Binary(op, lhs, value) = sum.kind else {
            return self.poison(span);
        };
        if matches!(lhs.kind, ExprKind::Coerce(..)) {
            // An Int variable with a Float.
            let ty = lhs_type(&lhs);
            self.mismatch(span, sum.ty, ty);
            return self.poison(span);
        }
        assign_op_node(place, op, *value, span)
    }

    /// Where `expr` stores, reported if it cannot be stored to.
    pub(crate) fn place(&mut self, expr: &'a ast::Expr) -> Option<Place> {
        let span = expr.span;
        match &expr.kind {
            Ast::Name(name) => self.variable(*name, span),
            Ast::Field {
                base,
                name,
                safe: false,
            } => {
                let mut place = self.place(base)?;
                let container = self.place_type(base, &place);
                let Some((index, ty)) = self.field_type(container, name.name) else {
                    self.unknown_field(container, *name, span);
                    return None;
                };
                if container == Ty::ERROR {
                    self.error(
                        Code::NotAPlace,
                        span,
                        "the parts of an Error cannot be changed",
                    );
                    return None;
                }
                place.path.push(PlaceStep::Field { container, index });
                place.ty = ty;
                place.span = span;
                Some(place)
            }
            Ast::TupleField {
                base,
                index,
                safe: false,
            } => {
                let mut place = self.place(base)?;
                let container = self.place_type(base, &place);
                let Kind::Tuple(parts) = self.types.kind(container).clone() else {
                    self.bad_tuple_field(container, *index, span);
                    return None;
                };
                let Some(&ty) = parts.get(*index as usize) else {
                    self.bad_tuple_field(container, *index, span);
                    return None;
                };
                let index = *index;
                place.path.push(PlaceStep::Field { container, index });
                place.ty = ty;
                place.span = span;
                Some(place)
            }
            Ast::Index {
                base,
                index,
                safe: false,
            } => {
                let place = self.place(base)?;
                let container = self.place_type(base, &place);
                self.index_place(place, container, index, span)
            }
            Ast::Error => None,
            _ => {
                let error = Diagnostic::new(Code::NotAPlace, "this cannot be assigned to", span)
                    .help("a name, a field or an element of a variable can");
                self.report(error);
                None
            }
        }
    }

    /// The type of a place within which there is a further step.
    fn place_type(&mut self, expr: &ast::Expr, place: &Place) -> Ty {
        let narrowed = self
            .path(expr)
            .and_then(|(root, fields)| self.narrowed(root, &fields));
        self.known(narrowed.unwrap_or(place.ty))
    }

    fn index_place(
        &mut self,
        mut place: Place,
        container: Ty,
        index: &'a ast::Expr,
        span: Span,
    ) -> Option<Place> {
        let container = self.as_map(container);
        let (key, value) = match self.types.kind(container).clone() {
            Kind::List(value) => (Ty::INT, value),
            Kind::Bytes => (Ty::INT, Ty::INT),
            Kind::Map(key, value) => (key, value),
            Kind::Poison => return None,
            _ => {
                let shown = self.show(container);
                let message = format!("a value of type {shown} has no elements to assign to");
                let mut error = Diagnostic::new(Code::NotAPlace, message, span);
                if container == Ty::STRING {
                    error = error.help("make a new String, or change a list of its chars()");
                }
                self.report(error);
                return None;
            }
        };
        if let Ast::Range(_) = index.kind {
            self.error(Code::NotAPlace, span, "a slice cannot be assigned to");
            return None;
        }
        let index = Box::new(self.expr_as(index, key));
        place.path.push(PlaceStep::Index { container, index });
        place.ty = value;
        place.span = span;
        Some(place)
    }

    /// `{}` that is indexed is a map.
    pub(crate) fn as_map(&mut self, ty: Ty) -> Ty {
        use crate::types::ty::Origin;
        let ty = self.known(ty);
        if let Kind::Var(var) = *self.types.kind(ty)
            && self.types.origin(var) == Origin::Braces
        {
            let key = self.types.fresh(Origin::Literal);
            let value = self.types.fresh(Origin::Literal);
            let map = self.types.intern(Kind::Map(key, value));
            self.types.unify(ty, map);
            return map;
        }
        ty
    }

    /// A variable that is to be assigned to.
    fn variable(&mut self, name: Symbol, span: Span) -> Option<Place> {
        let Some(binding) = self.lookup(name) else {
            self.not_a_variable(name, span);
            return None;
        };
        let one = self.body.bindings[binding as usize].clone();
        if let Some(why) = one.blocked {
            let name = self.text(name);
            self.error(Code::NotAvailable, span, format!("{name} {why}"));
            return None;
        }
        if one.func != self.body.at {
            self.captured_assignment(name, one.span, span);
            return None;
        }
        self.note_change(name, one.span, span);
        if self.strict && !one.mutable {
            let text = self.text(name);
            let message = format!("`{text}` is not declared `mut`");
            let error = Diagnostic::new(Code::NotMutable, message, span)
                .label(one.span, "declared here")
                .help(format!("let mut {text} = …"));
            self.report(error);
        }
        Some(Place {
            root: one.local,
            path: Vec::new(),
            ty: one.ty,
            span,
        })
    }

    fn captured_assignment(&mut self, name: Symbol, declared: Span, span: Span) {
        let text = self.text(name);
        let error = if self.cx().role == FnRole::Lambda {
            let message = format!("cannot assign to captured variable `{text}`");
            Diagnostic::new(Code::AssignCaptured, message, span).help(
                "closures capture by value: give the new value back, or use an Atomic or Mutex",
            )
        } else {
            let message =
                format!("cannot assign to outer variable `{text}` from a concurrent block");
            Diagnostic::new(Code::AssignOuter, message, span)
                .help("return it, or use a channel, Mutex or Atomic")
        };
        self.report(error.label(declared, "declared here"));
    }

    fn not_a_variable(&mut self, name: Symbol, span: Span) {
        let text = self.text(name);
        match self.value_def(name) {
            Some(ValueDef::Const(_)) => {
                let message = format!("`{text}` is a constant");
                self.error(Code::NotAPlace, span, message);
            }
            Some(ValueDef::Global(id)) => {
                let declared = self.items.global(id).span;
                let message = format!("cells cannot change the module's variable `{text}`");
                let error = Diagnostic::new(Code::SharedVariable, message, span)
                    .label(declared, "declared here")
                    .help(
                        "tasks share no variables: pass it and give it back, or use an Atomic, \
                         Mutex or channel",
                    );
                self.report(error);
            }
            Some(_) => {
                let message = format!("`{text}` is not a variable");
                self.error(Code::NotAPlace, span, message);
            }
            None => {
                if self.unknown_imports.contains(&(self.body.module, name)) {
                    return;
                }
                let message = format!("there is no variable `{text}`");
                let error = Diagnostic::new(Code::UnknownName, message, span)
                    .help(format!("declare it: let {text} = …"));
                self.report(error);
            }
        }
    }
}

/// The type under a conversion.
fn lhs_type(expr: &Expr) -> Ty {
    match &expr.kind {
        ExprKind::Coerce(_, inner) => inner.ty,
        _ => expr.ty,
    }
}
