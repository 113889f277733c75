//! `match await f` with an arm for the failure; also `let r = await f`, then `match r`.
//!
//! The value matched is `T | Error`: `err(e)` and `e: Error` take the failure, `e: String` its
//! message, all other patterns the value.

use super::super::flow::pattern_type;
use super::super::{Want, node};
use super::is_block;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Arm, Expr, ExprKind, Pat, PatKind, Ty};
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast::{self, ExprKind as Ast, PatternKind, StmtKind, TypeKind};
use crate::types::Checker;
use crate::types::ty::{AdtId, Kind};

/// The number of `message` among the fields of Error.
const MESSAGE: u32 = 1;

/// How the arms of a match on an awaited value are read.
#[derive(Clone, Copy)]
struct Catching {
    /// The type of the value.
    value: Ty,
    /// `ok` and `err` are about the value, which is a result.
    results: bool,
    /// `e: String` is about the value, which may be a String.
    strings: bool,
}

impl<'a> Checker<'a> {
    /// A `match` that catches; `None` when it is an ordinary one.
    pub(crate) fn match_caught(
        &mut self,
        one: &'a ast::Match,
        span: Span,
        want: Want,
    ) -> Option<Expr> {
        match &one.subject.kind {
            Ast::Await(inner) => {
                let value = self.await_expr(inner, one.subject.span, Want::Value);
                let how = self.catching(value.ty);
                if !self.catches(one, how) {
                    self.lint_uncaught_string(one, how);
                    return Some(self.match_value(value, None, one, span, want));
                }
                let failable = self.types.union(&[how.value, Ty::ERROR]);
                let value = self.caught(value, failable, is_block(inner));
                Some(self.match_caught_value(value, None, one, how, span, want))
            }
            Ast::Name(name) => {
                let root = self.lookup(*name)?;
                let value_ty = self.caught_variable(root)?;
                let how = self.catching(value_ty);
                if !self.catches(one, how) {
                    return None;
                }
                let value = self.read_binding(root, one.subject.span);
                Some(self.match_caught_value(value, Some(root), one, how, span, want))
            }
            _ => None,
        }
    }

    /// `let r = await f` directly followed by a `match r` that catches; `None` for others.
    pub(crate) fn let_caught(
        &mut self,
        decl: &'a ast::Let,
        span: Span,
        next: Option<&'a ast::Stmt>,
    ) -> Option<Expr> {
        let Ast::Await(inner) = &decl.value.kind else {
            return None;
        };
        let PatternKind::Name(name) = &decl.pattern.kind else {
            return None;
        };
        let StmtKind::Expr(next) = &next?.kind else {
            return None;
        };
        let Ast::Match(one) = &next.kind else {
            return None;
        };
        if decl.ty.is_some() || !matches!(one.subject.kind, Ast::Name(other) if other == name.name)
        {
            return None;
        }
        let value = self.await_expr(inner, decl.value.span, Want::Value);
        let how = self.catching(value.ty);
        if !self.catches(one, how) {
            self.lint_uncaught_string(one, how);
            let ty = value.ty;
            return Some(self.let_value(decl, value, ty, span));
        }
        let failable = self.types.union(&[how.value, Ty::ERROR]);
        let value = self.caught(value, failable, is_block(inner));
        Some(self.let_value(decl, value, failable, span))
    }

    fn catching(&mut self, ty: Ty) -> Catching {
        let value = self.types.resolve(ty);
        let members = self.types.members(value);
        let mut results = false;
        for &member in &members {
            let member = self.types.head(member);
            results |= matches!(self.types.kind(member), Kind::Adt(AdtId::RESULT, _));
        }
        let strings = members
            .iter()
            .any(|m| matches!(*m, Ty::STRING | Ty::ANY | Ty::JSON));
        Catching {
            value,
            results,
            strings,
        }
    }

    /// What is left of a variable of type `T | Error` without the Error.
    fn caught_variable(&mut self, root: u32) -> Option<Ty> {
        let declared = self.body.bindings[root as usize].ty;
        let ty = self.narrowed(root, &[]).unwrap_or(declared);
        let members = self.types.members(ty);
        if members.len() < 2 || !members.contains(&Ty::ERROR) {
            return None;
        }
        Some(self.minus(ty, Ty::ERROR))
    }

    /// Whether some arm takes the failure.
    fn catches(&self, one: &ast::Match, how: Catching) -> bool {
        one.arms
            .iter()
            .any(|arm| self.takes_failure(&arm.pattern, how))
    }

    fn takes_failure(&self, pattern: &ast::Pattern, how: Catching) -> bool {
        match &pattern.kind {
            PatternKind::Err(_) => !how.results,
            PatternKind::Typed { ty, .. } => match self.simple_type(ty) {
                Some("Error") => true,
                Some("String") => !how.strings,
                _ => false,
            },
            PatternKind::Constructor(one) => {
                matches!(one.path.as_slice(), [name] if self.names.resolve(name.name) == "Error")
            }
            PatternKind::Or(parts) => parts.iter().any(|part| self.takes_failure(part, how)),
            _ => false,
        }
    }

    fn simple_type(&self, ty: &ast::Type) -> Option<&str> {
        match &ty.kind {
            TypeKind::Named { name, args } if args.is_empty() => {
                Some(self.names.resolve(name.name))
            }
            _ => None,
        }
    }

    /// `e: String` that looks like a failure arm and is none.
    fn lint_uncaught_string(&mut self, one: &ast::Match, how: Catching) {
        if !how.strings || matches!(how.value, Ty::ANY | Ty::JSON | Ty::STRING) {
            return;
        }
        for arm in &one.arms {
            let PatternKind::Typed { ty, .. } = &arm.pattern.kind else {
                continue;
            };
            if self.simple_type(ty) == Some("String") {
                let shown = self.show(how.value);
                let message =
                    format!("`String` does not catch the failure here: the value is {shown}");
                let warning = Diagnostic::new(Code::StringCatch, message, arm.pattern.span)
                    .help("to catch the failure write e: Error");
                self.report(warning);
            }
        }
    }

    /// An awaited value, or the failure instead.
    fn caught(&mut self, value: Expr, failable: Ty, block: bool) -> Expr {
        let span = value.span;
        if let (ExprKind::Await(_), false) = (&value.kind, block) {
            let ExprKind::Await(future) = value.kind else {
                unreachable!("tested above")
            };
            return node(ExprKind::AwaitCatch(future), failable, span);
        }
        let body = Box::new(self.widened(value, failable));
        let local = self.temp(Ty::ERROR, span);
        let pat = self.bind_pat(local, Ty::ERROR, span);
        let read = self.read_local(local, span);
        let arm = Arm {
            pat,
            guard: None,
            body: self.widened(read, failable),
        };
        let (catch, finally) = (vec![arm], None);
        node(
            ExprKind::Try {
                body,
                catch,
                finally,
            },
            failable,
            span,
        )
    }

    fn match_caught_value(
        &mut self,
        value: Expr,
        root: Option<u32>,
        one: &'a ast::Match,
        how: Catching,
        span: Span,
        want: Want,
    ) -> Expr {
        let mut branches = self.branches(want);
        let mut arms = Vec::with_capacity(one.arms.len());
        let mut rest = how.value;
        for arm in &one.arms {
            let scope = self.enter();
            let mark = self.mark_narrows();
            let failure = self.takes_failure(&arm.pattern, how);
            let pat = self.caught_pattern(&arm.pattern, value.ty, rest, how);
            if let Some(root) = root {
                let wild = matches!(pat.kind, PatKind::Wild);
                let ty = if failure { Ty::ERROR } else { how.value };
                if !wild {
                    self.narrow(root, Vec::<Symbol>::new(), ty);
                }
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
            if let (PatKind::Type(_, inner), None, false) = (&pat.kind, &guard, failure)
                && let Some(ty) = pattern_type(inner)
            {
                rest = self.minus(rest, ty);
            }
            arms.push(Arm {
                pat,
                guard: guard.map(Box::new),
                body,
            });
        }
        let ty = self.join_branches(branches, true);
        let value = Box::new(value);
        node(ExprKind::Match { value, arms }, ty, span)
    }

    /// A pattern against `T | Error`.
    fn caught_pattern(
        &mut self,
        pattern: &'a ast::Pattern,
        whole: Ty,
        rest: Ty,
        how: Catching,
    ) -> Pat {
        let span = pattern.span;
        if !self.takes_failure(pattern, how) {
            return match &pattern.kind {
                // Whatever no other arm has taken.
                PatternKind::Wildcard => self.wild(whole, span),
                PatternKind::Ok(inner) if !how.results => {
                    let inner = self.arm_pattern(inner, how.value);
                    self.typed_pat(how.value, inner, whole, span)
                }
                _ => {
                    let inner = self.pattern_of_rest(pattern, how.value, rest);
                    self.typed_pat(how.value, inner, whole, span)
                }
            };
        }
        let inner = match &pattern.kind {
            PatternKind::Err(inner) => match &inner.kind {
                PatternKind::Literal(_) => {
                    let message = self.arm_pattern(inner, Ty::STRING);
                    self.message_pat(message, span)
                }
                PatternKind::Typed { pattern, ty } if self.simple_type(ty) == Some("String") => {
                    let message = self.arm_pattern(pattern, Ty::STRING);
                    self.message_pat(message, span)
                }
                _ => self.arm_pattern(inner, Ty::ERROR),
            },
            PatternKind::Typed { pattern, ty } => match self.simple_type(ty) {
                Some("String") => {
                    let message = self.arm_pattern(pattern, Ty::STRING);
                    self.message_pat(message, span)
                }
                _ => self.arm_pattern(pattern, Ty::ERROR),
            },
            PatternKind::Constructor(_) => self.arm_pattern(pattern, Ty::ERROR),
            _ => return self.arm_pattern(pattern, whole),
        };
        self.typed_pat(Ty::ERROR, inner, whole, span)
    }

    fn typed_pat(&mut self, ty: Ty, inner: Pat, whole: Ty, span: Span) -> Pat {
        if self.types.resolve(ty) == self.types.resolve(whole) {
            return inner;
        }
        Pat {
            kind: PatKind::Type(ty, Box::new(inner)),
            ty: whole,
            span,
        }
    }

    /// An Error whose message matches.
    fn message_pat(&mut self, message: Pat, span: Span) -> Pat {
        Pat {
            kind: PatKind::Fields(vec![(MESSAGE, message)]),
            ty: Ty::ERROR,
            span,
        }
    }
}
