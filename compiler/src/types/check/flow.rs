//! Branches: `if`, `when`, `match`, `try`, `throw`, `assert`.

use super::{Want, node, null};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Arm, Coercion, Expr, ExprKind, Pat, PatKind, Ty};
use crate::source::Span;
use crate::syntax::ast::{self, Condition};
use crate::types::Checker;
use crate::types::ty::{Kind, Origin};

/// The value that branches have in common, while they are being checked.
pub(crate) struct Branches {
    want: Want,
    /// Settled by the branches together, when nothing is expected.
    result: Option<Ty>,
    types: Vec<Ty>,
    hint: Option<Ty>,
}

impl<'a> Checker<'a> {
    /// Begins branches of which `want` is expected.
    pub(crate) fn branches(&mut self, want: Want) -> Branches {
        // A type to be found out, such as that of `print(if c then 1 else null)`'s argument, is
        // what all branches have in common, not what the first one gives.
        let want = match want.ty().map(|ty| self.known(ty)) {
            Some(ty) if self.is_var(ty) => Want::Value,
            _ => want,
        };
        let result = match want {
            Want::Type(_) | Want::Nothing => None,
            Want::Value => Some(self.types.fresh(Origin::Open)),
        };
        Branches {
            want,
            result,
            types: Vec::new(),
            hint: None,
        }
    }

    /// What is expected of the next branch.
    pub(crate) fn branch_want(&mut self, branches: &Branches) -> Want {
        match (branches.want, branches.hint) {
            (Want::Value, Some(hint)) if self.hints(hint) => Want::Type(hint),
            (want, _) => want,
        }
    }

    /// A branch's value, fitted to what the branches have in common.
    pub(crate) fn branch(&mut self, branches: &mut Branches, value: Expr) -> Expr {
        match (branches.want, branches.result) {
            (Want::Type(ty), _) => {
                branches.types.push(value.ty);
                if value.ty == Ty::NEVER {
                    value
                } else {
                    self.coerce(value, ty)
                }
            }
            (_, Some(result)) => {
                let value = match branches.hint {
                    Some(hint) if self.hints(hint) => match self.try_coerce(value, hint) {
                        Ok(value) | Err(value) => value,
                    },
                    _ => value,
                };
                branches.types.push(value.ty);
                if branches.hint.is_none() && value.ty != Ty::NEVER {
                    branches.hint = Some(value.ty);
                }
                self.coerce_later(value, result)
            }
            (_, None) => {
                branches.types.push(value.ty);
                value
            }
        }
    }

    /// The type of the whole; `complete` says that one of the branches is always taken.
    pub(crate) fn join_branches(&mut self, branches: Branches, complete: bool) -> Ty {
        let never = complete && branches.types.iter().all(|&ty| ty == Ty::NEVER);
        if never {
            if let Some(result) = branches.result {
                self.types.unify(result, Ty::NEVER);
            }
            return Ty::NEVER;
        }
        match (branches.want, branches.result) {
            (Want::Type(ty), _) => ty,
            (_, Some(result)) => {
                let joined = self.join(&branches.types);
                if !self.types.unify(result, joined) {
                    self.types.unify(result, Ty::POISON);
                }
                result
            }
            (_, None) => Ty::NULL,
        }
    }

    /// `if` whose value is not used: what its branches say about variables holds after it when
    /// the others leave.
    pub(crate) fn if_stmt(&mut self, one: &'a ast::If, span: Span) -> Expr {
        self.if_from(one, 0, span, Want::Nothing)
    }

    pub(crate) fn if_expr(&mut self, one: &'a ast::If, span: Span, want: Want) -> Expr {
        let want = match (&one.otherwise, want) {
            // Without `else` there may be no value.
            (None, Want::Value) => Want::Nothing,
            (None, Want::Type(ty)) => {
                let known = self.known(ty);
                if self.types.members(known).contains(&Ty::NULL) {
                    want
                } else {
                    Want::Nothing
                }
            }
            _ => want,
        };
        self.if_from(one, 0, span, want)
    }

    fn if_from(&mut self, one: &'a ast::If, at: usize, span: Span, want: Want) -> Expr {
        let mut branches = self.branches(want);
        let expr = self.if_branch(one, at, span, &mut branches);
        let complete = one.otherwise.is_some();
        let ty = self.join_branches(branches, complete);
        self.set_branch_types(expr, ty)
    }

    /// Nested `if`s made for `else if` all have the type of the whole.
    fn set_branch_types(&mut self, mut expr: Expr, ty: Ty) -> Expr {
        let mut at = &mut expr;
        loop {
            if at.ty == Ty::POISON {
                at.ty = ty;
            }
            match &mut at.kind {
                ExprKind::If {
                    otherwise: Some(otherwise),
                    ..
                } if otherwise.ty == Ty::POISON => at = otherwise,
                ExprKind::Match { arms, .. } if arms.len() == 2 => {
                    let rest = &mut arms[1].body;
                    if rest.ty != Ty::POISON {
                        return expr;
                    }
                    at = rest;
                }
                _ => return expr,
            }
        }
    }

    fn if_branch(
        &mut self,
        one: &'a ast::If,
        at: usize,
        span: Span,
        branches: &mut super::flow::Branches,
    ) -> Expr {
        let branch = &one.branches[at];
        let more = at + 1 < one.branches.len();
        match &branch.condition {
            Condition::Expr(test) => {
                let cond = self.condition(test);
                let mark = self.mark_narrows();
                self.assume(test, true);
                let want = self.branch_want(branches);
                let then = self.block(&branch.body, want);
                let then = self.branch(branches, then);
                let then_paths = self.known_paths();
                self.forget_narrows(mark);
                self.assume(test, false);
                let otherwise = if more {
                    Some(self.if_branch(one, at + 1, span, branches))
                } else {
                    self.else_branch(one, branches, span)
                };
                let else_ends = otherwise.as_ref().is_some_and(|one| self.leaves(one));
                // What holds after it: what the branch that goes on says, or both together.
                if !self.leaves(&then) {
                    let else_paths = self.known_paths();
                    self.forget_narrows(mark);
                    if else_ends {
                        self.assume(test, true);
                        self.join_paths(&then_paths, &then_paths);
                    } else {
                        self.join_paths(&then_paths, &else_paths);
                    }
                }
                let (cond, then) = (Box::new(cond), Box::new(then));
                let otherwise = otherwise.map(Box::new);
                node(
                    ExprKind::If {
                        cond,
                        then,
                        otherwise,
                    },
                    Ty::POISON,
                    span,
                )
            }
            Condition::Let(pattern, value) => {
                let value = self.value(value);
                let scope = self.enter();
                let mark = self.mark_narrows();
                let pat = self.test_pattern(pattern, value.ty);
                let guard = self.test_guard(pattern, &pat);
                let want = self.branch_want(branches);
                let then = self.block(&branch.body, want);
                let then = self.branch(branches, then);
                self.leave(scope);
                self.forget_narrows(mark);
                let otherwise = if more {
                    Some(self.if_branch(one, at + 1, span, branches))
                } else {
                    self.else_branch(one, branches, span)
                };
                let otherwise = otherwise.unwrap_or_else(|| null(span.at_end()));
                self.two_arms(value, (pat, guard), then, otherwise, span)
            }
        }
    }

    /// Whether control does not go on after `expr`.
    fn leaves(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::If {
                then,
                otherwise: Some(otherwise),
                ..
            } => self.leaves(then) && self.leaves(otherwise),
            ExprKind::Match { arms, .. } => {
                !arms.is_empty() && arms.iter().all(|arm| self.leaves(&arm.body))
            }
            _ => expr.ty == Ty::NEVER,
        }
    }

    fn else_branch(
        &mut self,
        one: &'a ast::If,
        branches: &mut Branches,
        span: Span,
    ) -> Option<Expr> {
        let Some(block) = &one.otherwise else {
            if let Want::Type(_) = branches.want {
                let value = null(span.at_end());
                return Some(self.branch(branches, value));
            }
            branches.types.push(Ty::NULL);
            return None;
        };
        let want = self.branch_want(branches);
        let value = self.block(block, want);
        Some(self.branch(branches, value))
    }

    /// A match with a pattern and a wildcard.
    fn two_arms(
        &mut self,
        value: Expr,
        (pat, guard): (Pat, Option<Expr>),
        then: Expr,
        otherwise: Expr,
        span: Span,
    ) -> Expr {
        let wild = self.wild(value.ty, span.at_start());
        let arms = vec![
            Arm {
                pat,
                guard: guard.map(Box::new),
                body: then,
            },
            Arm {
                pat: wild,
                guard: None,
                body: otherwise,
            },
        ];
        let value = Box::new(value);
        node(ExprKind::Match { value, arms }, Ty::POISON, span)
    }

    pub(crate) fn wild(&self, ty: Ty, span: Span) -> Pat {
        Pat {
            kind: PatKind::Wild,
            ty,
            span,
        }
    }

    pub(crate) fn when_expr(&mut self, one: &'a ast::When, span: Span, want: Want) -> Expr {
        let want = match (&one.otherwise, want) {
            (None, Want::Value) => Want::Nothing,
            _ => want,
        };
        let mut branches = self.branches(want);
        let mark = self.mark_narrows();
        let mut tests = Vec::with_capacity(one.arms.len());
        for arm in &one.arms {
            let cond = self.condition(&arm.condition);
            let inner = self.mark_narrows();
            self.assume(&arm.condition, true);
            let want = self.branch_want(&branches);
            let body = self.block(&arm.body, want);
            let body = self.branch(&mut branches, body);
            self.forget_narrows(inner);
            self.assume(&arm.condition, false);
            tests.push((cond, body, arm.span));
        }
        let mut rest = match &one.otherwise {
            Some(block) => {
                let want = self.branch_want(&branches);
                let value = self.block(block, want);
                Some(self.branch(&mut branches, value))
            }
            None => {
                if let Want::Type(ty) = want {
                    let known = self.known(ty);
                    if !self.types.members(known).contains(&Ty::NULL) && known != Ty::NULL {
                        let message = "`when` needs an `else` to have a value";
                        self.error(Code::NotExhaustive, span, message);
                    }
                    let value = null(span.at_end());
                    Some(if known == Ty::NULL {
                        value
                    } else {
                        self.coerce(value, ty)
                    })
                } else {
                    None
                }
            }
        };
        self.forget_narrows(mark);
        let ty = self.join_branches(branches, one.otherwise.is_some());
        for (cond, then, arm_span) in tests.into_iter().rev() {
            let (cond, then, otherwise) = (Box::new(cond), Box::new(then), rest.map(Box::new));
            rest = Some(node(
                ExprKind::If {
                    cond,
                    then,
                    otherwise,
                },
                ty,
                arm_span,
            ));
        }
        let whole = rest.unwrap_or_else(|| null(span));
        node(whole.kind, ty, span)
    }

    pub(crate) fn match_expr(&mut self, one: &'a ast::Match, span: Span, want: Want) -> Expr {
        if let Some(caught) = self.match_caught(one, span, want) {
            return caught;
        }
        let path = self.path(&one.subject);
        if let Some((root, fields)) = &path {
            self.forget_assigned(*root, fields);
        }
        let value = self.value(&one.subject);
        self.match_value(value, path, one, span, want)
    }

    /// The arms of a `match` on `value`, which `path` names.
    pub(crate) fn match_value(
        &mut self,
        value: Expr,
        path: Option<(u32, Vec<crate::syntax::Symbol>)>,
        one: &'a ast::Match,
        span: Span,
        want: Want,
    ) -> Expr {
        let subject = self.known(value.ty);
        if let Kind::Future(_) = self.types.kind(subject) {
            self.not_awaited(value.span, subject);
            return self.poison(span);
        }
        let mut branches = self.branches(want);
        let mut arms = Vec::with_capacity(one.arms.len());
        let mut rest = value.ty;
        let before = self.mark_narrows();
        for arm in &one.arms {
            let scope = self.enter();
            let mark = self.mark_narrows();
            self.body.impossible = self.in_instance().then_some(false);
            let pat = self.pattern_of_rest(&arm.pattern, value.ty, rest);
            if self.body.impossible.take() == Some(true) {
                // With other type arguments something may match it.
                self.leave(scope);
                self.forget_narrows(mark);
                continue;
            }
            let covered = pattern_type(&pat);
            if let (Some((root, fields)), Some(ty)) = (&path, covered) {
                self.narrow(*root, fields.clone(), ty);
            }
            let guard = arm.guard.as_ref().map(|guard| {
                let cond = self.condition(guard);
                self.assume(guard, true);
                cond
            });
            let want = self.branch_want(&branches);
            let body = self.block(&arm.body, want);
            let body = self.branch(&mut branches, body);
            self.leave(scope);
            self.forget_narrows(mark);
            if let (Some(ty), None) = (covered, &guard) {
                rest = self.minus(rest, ty);
                if let (Some((root, fields)), true) = (&path, rest != Ty::NEVER) {
                    self.narrow(*root, fields.clone(), rest);
                }
            }
            arms.push(Arm {
                pat,
                guard: guard.map(Box::new),
                body,
            });
        }
        self.forget_tests(before);
        let ty = self.join_branches(branches, !arms.is_empty());
        if one.arms.is_empty() {
            self.error(Code::NotExhaustive, one.header, "`match` has no arms");
        }
        let value = Box::new(value);
        node(ExprKind::Match { value, arms }, ty, span)
    }

    /// The pattern of an arm; a name is bound to what the arms before have left of a union.
    pub(crate) fn pattern_of_rest(&mut self, pattern: &'a ast::Pattern, ty: Ty, rest: Ty) -> Pat {
        let narrower = rest != Ty::NEVER && self.types.resolve(rest) != self.types.resolve(ty);
        if !narrower || !matches!(pattern.kind, ast::PatternKind::Name(_)) {
            return self.arm_pattern(pattern, ty);
        }
        let inner = self.arm_pattern(pattern, rest);
        if !matches!(inner.kind, PatKind::Bind(_, None)) {
            return self.arm_pattern(pattern, ty);
        }
        let span = inner.span;
        Pat {
            kind: PatKind::Type(rest, Box::new(inner)),
            ty,
            span,
        }
    }

    pub(crate) fn try_expr(&mut self, one: &'a ast::Try, span: Span, want: Want) -> Expr {
        let mut branches = self.branches(want);
        let narrows = self.mark_narrows();
        let body_want = self.branch_want(&branches);
        let body = self.block(&one.body, body_want);
        let body = Box::new(self.branch(&mut branches, body));
        self.forget_narrows(narrows);
        let mut catch = Vec::with_capacity(one.catches.len());
        for clause in &one.catches {
            let scope = self.enter();
            let pat = match &clause.pattern {
                Some(pattern) => self.catch_pattern(pattern),
                None => self.wild(Ty::ERROR, clause.header),
            };
            let guard = clause.guard.as_ref().map(|guard| self.condition(guard));
            let want = self.branch_want(&branches);
            let value = self.block(&clause.body, want);
            let value = self.branch(&mut branches, value);
            self.leave(scope);
            catch.push(Arm {
                pat,
                guard: guard.map(Box::new),
                body: value,
            });
        }
        let finally = one.finally.as_ref().map(|block| {
            let body = self.block(block, Want::Nothing);
            Box::new(body)
        });
        let ty = self.join_branches(branches, true);
        node(
            ExprKind::Try {
                body,
                catch,
                finally,
            },
            ty,
            span,
        )
    }

    /// The pattern of `catch`: over an Error; a String is matched against its message.
    fn catch_pattern(&mut self, pattern: &'a ast::Pattern) -> Pat {
        if let ast::PatternKind::Err(inner) = &pattern.kind {
            return self.arm_pattern(inner, Ty::ERROR);
        }
        self.arm_pattern(pattern, Ty::ERROR)
    }

    pub(crate) fn throw(&mut self, value: &'a ast::Expr, span: Span) -> Expr {
        let value = self.value(value);
        let error = self.as_error(value);
        node(ExprKind::Throw(Box::new(error)), Ty::NEVER, span)
    }

    /// A String or Error as an Error.
    pub(crate) fn as_error(&mut self, value: Expr) -> Expr {
        let span = value.span;
        let ty = self.known(value.ty);
        match ty {
            Ty::ERROR | Ty::POISON | Ty::NEVER => value,
            Ty::STRING => self.new_error(value, None, span),
            _ if self.is_var(ty) => {
                self.types.unify(ty, Ty::STRING);
                self.new_error(value, None, span)
            }
            _ if self.union_of_errors(ty) => {
                let local = self.temp(ty, span);
                let read = |this: &Self| this.read_local(local, span);
                let test = node(
                    ExprKind::Is(Box::new(read(self)), Ty::ERROR),
                    Ty::BOOL,
                    span,
                );
                let narrow = |this: &Self, ty| {
                    let read = read(this);
                    node(ExprKind::Coerce(Coercion::Narrow, Box::new(read)), ty, span)
                };
                let text = narrow(self, Ty::STRING);
                let otherwise = Some(Box::new(self.new_error(text, None, span)));
                let then = Box::new(narrow(self, Ty::ERROR));
                let cond = Box::new(test);
                let choose = node(
                    ExprKind::If {
                        cond,
                        then,
                        otherwise,
                    },
                    Ty::ERROR,
                    span,
                );
                let bind = super::let_node(local, value, span);
                node(ExprKind::Block(vec![bind, choose]), Ty::ERROR, span)
            }
            _ => {
                let shown = self.show(ty);
                let message = format!("only a String or an Error can be thrown, found {shown}");
                let error = Diagnostic::new(Code::Mismatch, message, span)
                    .help("throw Error(\"message\", kind: \"Mine\")");
                self.report(error);
                self.poison(span)
            }
        }
    }

    fn union_of_errors(&mut self, ty: Ty) -> bool {
        let members = self.types.members(ty);
        members.len() == 2 && members.iter().all(|m| matches!(*m, Ty::STRING | Ty::ERROR))
    }

    pub(crate) fn assert(&mut self, assert: &'a ast::Assert, span: Span) -> Expr {
        let source = self.sources.text(assert.condition.span).to_owned();
        let cond = Box::new(self.condition(&assert.condition));
        let message = assert.message.as_ref().map(|message| {
            let message = self.expr_as(message, Ty::STRING);
            Box::new(message)
        });
        self.assume(&assert.condition, true);
        node(
            ExprKind::Assert {
                cond,
                source,
                message,
            },
            Ty::NULL,
            span,
        )
    }
}

/// The type that a pattern says its values have, when it says nothing else.
pub(crate) fn pattern_type(pat: &Pat) -> Option<Ty> {
    match &pat.kind {
        PatKind::Type(ty, inner) => match &inner.kind {
            PatKind::Wild | PatKind::Bind(_, None) => Some(*ty),
            _ => None,
        },
        PatKind::Null => Some(Ty::NULL),
        _ => None,
    }
}
