//! Flow narrowing: what a test says about variables and their fields where it held.

use crate::hir::Ty;
use crate::syntax::Symbol;
use crate::syntax::ast::{self, BinaryOp, ExprKind as Ast, UnaryOp};
use crate::types::Checker;
use crate::types::ty::{Kind, Origin};

/// A variable, or a field in it, known to be of a narrower type than declared.
#[derive(Clone, Debug)]
pub(crate) struct Narrow {
    /// The binding.
    pub(crate) root: u32,
    fields: Vec<Symbol>,
    /// `None` when nothing more is known again.
    ty: Option<Ty>,
    /// By an assignment, not by a test: a `match` still sees the declared type.
    soft: bool,
}

impl<'a> Checker<'a> {
    /// Where narrowings begin that [`Checker::forget_narrows`] ends.
    pub(crate) fn mark_narrows(&self) -> usize {
        self.body.narrows.len()
    }

    pub(crate) fn forget_narrows(&mut self, mark: usize) {
        self.body.narrows.truncate(mark);
    }

    /// At the end of a block: what its tests said is forgotten, what it assigned is not.
    pub(crate) fn forget_tests(&mut self, mark: usize) {
        let mut at = 0;
        self.body.narrows.retain(|one| {
            at += 1;
            at <= mark || (one.soft && one.ty.is_some())
        });
    }

    /// All that is known here, by variable and fields.
    pub(crate) fn known_paths(&self) -> Vec<(u32, Vec<Symbol>, Ty)> {
        let mut paths: Vec<(u32, Vec<Symbol>, Ty)> = Vec::new();
        for one in &self.body.narrows {
            let seen = paths
                .iter()
                .any(|(root, fields, _)| *root == one.root && *fields == one.fields);
            if !seen && let Some(ty) = self.narrowed(one.root, &one.fields) {
                paths.push((one.root, one.fields.clone(), ty));
            }
        }
        paths
    }

    /// After two branches: what is known at the end of both is known, each in its way.
    pub(crate) fn join_paths(
        &mut self,
        one: &[(u32, Vec<Symbol>, Ty)],
        other: &[(u32, Vec<Symbol>, Ty)],
    ) {
        for (root, fields, ty) in one {
            let same = other.iter().find(|(r, f, _)| r == root && f == fields);
            let Some((.., other_ty)) = same else { continue };
            let both = self.types.union(&[*ty, *other_ty]);
            if self.path_type(*root, fields) != Some(both) {
                self.narrow_assigned(*root, fields.clone(), both);
            }
        }
    }

    /// What is known about a variable or a field in it.
    pub(crate) fn narrowed(&self, root: u32, fields: &[Symbol]) -> Option<Ty> {
        let narrows = &self.body.narrows;
        narrows
            .iter()
            .rev()
            .find(|one| one.root == root && one.fields == fields)?
            .ty
    }

    /// Notes that a variable (or a field in it) is of type `ty` from here on.
    pub(crate) fn narrow(&mut self, root: u32, fields: Vec<Symbol>, ty: Ty) {
        self.body.narrows.push(Narrow {
            root,
            fields,
            ty: Some(ty),
            soft: false,
        });
    }

    /// Notes the type of a value just assigned.
    pub(crate) fn narrow_assigned(&mut self, root: u32, fields: Vec<Symbol>, ty: Ty) {
        self.body.narrows.push(Narrow {
            root,
            fields,
            ty: Some(ty),
            soft: true,
        });
    }

    /// Before a `match`: what only an assignment says about its subject is forgotten.
    pub(crate) fn forget_assigned(&mut self, root: u32, fields: &[Symbol]) {
        let narrows = &mut self.body.narrows;
        let last = narrows
            .iter_mut()
            .rev()
            .find(|one| one.root == root && one.fields == fields);
        if let Some(one) = last.filter(|one| one.soft) {
            one.ty = None;
        }
    }

    /// A variable has changed, or a field in it: what was known about it is no more.
    pub(crate) fn unnarrow(&mut self, root: u32, fields: &[Symbol]) {
        for one in self.body.narrows.iter_mut().filter(|one| one.root == root) {
            let shared = one.fields.len().min(fields.len());
            if one.fields[..shared] == fields[..shared] {
                one.ty = None;
            }
        }
    }

    /// Before a loop: what its body changes is not known in it.
    pub(crate) fn unnarrow_loop(
        &mut self,
        body: &'a ast::Block,
        condition: Option<&'a ast::Condition>,
    ) {
        if self.body.narrows.iter().all(|one| one.ty.is_none()) {
            return;
        }
        for name in crate::types::walk::changed_in_loop(body, condition) {
            if let Some(root) = self.lookup(name) {
                self.unnarrow(root, &[]);
            }
        }
    }

    /// The variable and fields that an expression names, if it is such a path.
    pub(crate) fn path(&self, expr: &ast::Expr) -> Option<(u32, Vec<Symbol>)> {
        match &expr.kind {
            Ast::Name(name) => Some((self.lookup(*name)?, Vec::new())),
            Ast::Field {
                base,
                name,
                safe: false,
            } => {
                let (root, mut fields) = self.path(base)?;
                fields.push(name.name);
                Some((root, fields))
            }
            _ => None,
        }
    }

    /// Notes what follows for variables when `condition` is `holds`.
    pub(crate) fn assume(&mut self, condition: &'a ast::Expr, holds: bool) {
        match &condition.kind {
            Ast::Unary {
                op: UnaryOp::Not,
                operand,
            } => self.assume(operand, !holds),
            Ast::Binary(binary) => match binary.op {
                BinaryOp::And if holds => {
                    self.assume(&binary.lhs, true);
                    self.assume(&binary.rhs, true);
                }
                BinaryOp::Or if !holds => {
                    self.assume(&binary.lhs, false);
                    self.assume(&binary.rhs, false);
                }
                BinaryOp::Eq | BinaryOp::NotEq => {
                    let equal = holds == (binary.op == BinaryOp::Eq);
                    match (&binary.lhs.kind, &binary.rhs.kind) {
                        (_, Ast::Null) => self.assume_null(&binary.lhs, equal),
                        (Ast::Null, _) => self.assume_null(&binary.rhs, equal),
                        _ => {}
                    }
                }
                _ => {}
            },
            Ast::Is { value, ty } if self.path(value).is_some() => {
                let ty = self.body_type(ty);
                self.assume_is(value, ty, holds);
            }
            Ast::Call(call) => self.assume_call(call, holds),
            _ => {}
        }
    }

    /// `is_spawned(f)`
    fn assume_call(&mut self, call: &'a ast::Call, holds: bool) {
        let Ast::Name(name) = call.callee.kind else {
            return;
        };
        if let [arg] = &*call.args
            && holds
            && self.names.resolve(name) == "is_spawned"
        {
            self.assume_null(&arg.value, false);
        }
    }

    fn assume_null(&mut self, value: &'a ast::Expr, null: bool) {
        // `x?.y != null` says that x is not null either.
        if let (
            false,
            Ast::Field {
                base, safe: true, ..
            },
        ) = (null, &value.kind)
        {
            self.assume_null(base, false);
        }
        self.assume_is(value, Ty::NULL, null);
    }

    fn assume_is(&mut self, value: &'a ast::Expr, ty: Ty, holds: bool) {
        let Some((root, fields)) = self.path(value) else {
            return;
        };
        let Some(mut now) = self.path_type(root, &fields) else {
            return;
        };
        if let (Kind::Var(var), Ty::NULL, false) = (self.types.kind(now).clone(), ty, holds)
            && self.types.origin(var) == Origin::Null
        {
            // `let mut best = null`: from now on a nullable of what is to be found out.
            let part = self.types.fresh(Origin::Literal);
            let nullable = self.types.nullable(part);
            self.types.bind(var, nullable);
            now = nullable;
        }
        let narrow = if holds {
            self.meet(now, ty)
        } else {
            self.minus(now, ty)
        };
        if narrow != now && narrow != Ty::NEVER {
            self.narrow(root, fields, narrow);
        }
    }

    /// The type of a path as far as is known here.
    fn path_type(&mut self, root: u32, fields: &[Symbol]) -> Option<Ty> {
        if let Some(ty) = self.narrowed(root, fields) {
            return Some(self.types.resolve(ty));
        }
        let Some((last, rest)) = fields.split_last() else {
            let ty = self.body.bindings[root as usize].ty;
            return Some(self.types.resolve(ty));
        };
        let base = self.path_type(root, rest)?;
        self.field_type(base, *last)
            .map(|(_, ty)| self.types.resolve(ty))
    }

    /// The part of `now` that is of type `ty`.
    pub(crate) fn meet(&mut self, now: Ty, ty: Ty) -> Ty {
        let head = self.types.head(now);
        if matches!(head, Ty::ANY | Ty::JSON) || self.types.has_param(head) || self.is_var(head) {
            return ty;
        }
        let wanted = self.types.members(ty);
        let members = self.types.members(now);
        let kept: Vec<Ty> = members
            .iter()
            .copied()
            .filter(|m| wanted.contains(m))
            .collect();
        if kept.is_empty() {
            ty
        } else {
            self.types.union(&kept)
        }
    }

    /// The part of `now` that is not of type `ty`.
    pub(crate) fn minus(&mut self, now: Ty, ty: Ty) -> Ty {
        let head = self.types.head(now);
        if let (Kind::Var(_), Ty::NULL) = (self.types.kind(head), ty) {
            return now;
        }
        let drop = self.types.members(ty);
        self.types.without(now, |_, member| drop.contains(&member))
    }
}
