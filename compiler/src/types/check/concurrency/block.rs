//! `parallel`, `race`, `vote`: with branches, or over a collection.

use super::super::{FnRole, Want, let_pattern, node};
use super::modifiers::Modifiers;
use crate::diag::{Code, Diagnostic};
use crate::hir::concurrency::{Branch, Group};
use crate::hir::{Expr, ExprKind, Iter, LocalId, Ty};
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast::{self, ExprKind as Ast, JoinKind, StmtKind};
use crate::types::Checker;
use crate::types::ty::Kind;

/// A name of a block, known but not to be used before the join.
pub(super) struct Named {
    pub(super) name: Symbol,
    pub(super) local: LocalId,
    pub(super) binding: usize,
    ty: Ty,
}

impl<'a> Checker<'a> {
    /// `parallel … end` that is joined here.
    pub(super) fn parallel_block(&mut self, one: &'a ast::Parallel, span: Span) -> Expr {
        let modifiers = self.join_modifiers(one.kind, &one.modifiers, Some(one.branches.len()));
        if one.branches.is_empty() {
            let message = format!("{} block has no branches", one.kind.text());
            self.error(Code::BadBlock, one.keyword, message);
            return self.poison(span);
        }
        let names = one.branches.iter().map(|branch| branch.name);
        let names = self.block_names(names, not_joined(one.kind));
        let mut branches = Vec::with_capacity(one.branches.len());
        let mut values = Vec::with_capacity(one.branches.len());
        for (branch, named) in one.branches.iter().zip(&names) {
            let (body, value) = self.branch_body(&branch.body, branch.span);
            values.push(value);
            let name = named
                .as_ref()
                .map(|named| (self.text(named.name), named.local));
            branches.push(Branch { name, body, value });
        }
        let all: Option<Vec<Symbol>> = names.iter().map(|n| Some(n.as_ref()?.name)).collect();
        let counted = modifiers.count.is_some();
        let (strategy, policy) = (modifiers.strategy, modifiers.policy);
        let outcome = self.outcome(strategy, policy, counted, &values, all.as_deref());
        for (named, &ty) in names.into_iter().zip(&outcome.names) {
            if let Some(named) = named {
                self.release_name(named, ty);
            }
        }
        let group = group(modifiers, branches, None, outcome.shape);
        node(ExprKind::Group(Box::new(group)), outcome.ty, span)
    }

    /// Makes the names of branches known, for use after the join.
    pub(super) fn block_names(
        &mut self,
        names: impl Iterator<Item = Option<ast::Ident>>,
        blocked: &'static str,
    ) -> Vec<Option<Named>> {
        let mut all: Vec<Option<Named>> = Vec::new();
        let mut seen: Vec<ast::Ident> = Vec::new();
        for name in names {
            let Some(name) = name else {
                all.push(None);
                continue;
            };
            if let Some(before) = seen.iter().find(|one| one.name == name.name) {
                let text = self.text(name.name);
                let message = format!("branch `{text}` is already defined");
                let error = Diagnostic::new(Code::BadBlock, message, name.span)
                    .label(before.span, "defined here");
                self.report(error);
                all.push(None);
                continue;
            }
            seen.push(name);
            let ty = self.open_var();
            let local = self.declare(name.name, ty, name.span, false);
            let binding = self.body.bindings.len() - 1;
            self.body.bindings[binding].blocked = Some(blocked);
            all.push(Some(Named {
                name: name.name,
                local,
                binding,
                ty,
            }));
        }
        all
    }

    /// After the join: a branch's name can be used.
    pub(super) fn release_name(&mut self, named: Named, ty: Ty) {
        self.types.unify(named.ty, ty);
        let one = &mut self.body.bindings[named.binding];
        one.ty = ty;
        one.blocked = None;
        self.cx().locals[named.local.0 as usize].ty = ty;
    }

    /// A branch as a closure, and what it gives.
    fn branch_body(&mut self, stmt: &'a ast::Stmt, span: Span) -> (Expr, Ty) {
        self.task(FnRole::Branch, span, None, |this, want| match &stmt.kind {
            StmtKind::Expr(expr) => this.branch_value(expr, want),
            _ => this.stmt(stmt, Want::Nothing, None),
        })
    }

    /// `parallel for pattern in xs … end` that is joined here.
    pub(super) fn parallel_for(&mut self, one: &'a ast::ParallelFor, span: Span) -> Expr {
        let modifiers = self.join_modifiers(one.kind, &one.modifiers, None);
        let (elements, element) = self.element_list(&one.clause);
        let clause = &one.clause;
        let body_span = one.body.span;
        let (body, value) =
            self.task_over(FnRole::Branch, span, None, Some(element), |this, want| {
                let given = this.cx().params[0];
                let read = this.read_local(given, clause.pattern.span);
                let pat = this.pattern_top(&clause.pattern, element, false);
                let bind = let_pattern(pat, read, clause.pattern.span);
                let value = match one.body.stmts.as_slice() {
                    [only] => match &only.kind {
                        StmtKind::Expr(expr) if !is_statement(expr) => {
                            this.branch_value(expr, want)
                        }
                        _ => this.body_block(&one.body, want),
                    },
                    _ => this.body_block(&one.body, want),
                };
                let value = this.settled_value(value);
                let ty = value.ty;
                node(ExprKind::Block(vec![bind, value]), ty, body_span)
            });
        let branches = vec![Branch {
            name: None,
            body,
            value,
        }];
        let counted = modifiers.count.is_some();
        let (strategy, policy) = (modifiers.strategy, modifiers.policy);
        let outcome = self.outcome(strategy, policy, counted, &[value], None);
        let over = (self.wild(element, clause.pattern.span), elements);
        let group = group(modifiers, branches, Some(over), outcome.shape);
        node(ExprKind::Group(Box::new(group)), outcome.ty, span)
    }

    /// What a `parallel for` runs through, as a list; and the type of its elements.
    fn element_list(&mut self, clause: &'a ast::ForClause) -> (Expr, Ty) {
        let pair = super::super::loops::is_pair(&clause.pattern);
        let (iter, element) = self.iterate(&clause.iterable, pair);
        let span = clause.iterable.span;
        if clause.guards.is_empty()
            && let Iter::List(list) = iter
        {
            if !matches!(self.types.kind(list.ty), Kind::Poison) {
                return (*list, element);
            }
            let ty = self.types.list(element);
            return (node(ExprKind::List(Vec::new()), ty, span), element);
        }
        let (list, start) = self.new_list(element, span);
        let given = self.temp(element, span);
        let pat = self.bind_pat(given, element, span);
        let read = self.read_local(given, span);
        let mut push = self.push_to(list, read);
        if !clause.guards.is_empty() {
            let scope = self.enter();
            let mark = self.mark_narrows();
            let own = self.pattern_top(&clause.pattern, element, false);
            let read = self.read_local(given, clause.pattern.span);
            let bind = let_pattern(own, read, clause.pattern.span);
            let cond = self.guards(&clause.guards);
            self.leave(scope);
            self.forget_narrows(mark);
            if let Some(cond) = cond {
                let (cond, then) = (Box::new(cond), Box::new(push));
                let otherwise = None;
                let test = node(
                    ExprKind::If {
                        cond,
                        then,
                        otherwise,
                    },
                    Ty::NULL,
                    span,
                );
                push = node(ExprKind::Block(vec![bind, test]), Ty::NULL, span);
            }
        }
        let fill = self.walk_over(pat, iter, None, push);
        let read = self.read_local(list, span);
        let ty = read.ty;
        (
            node(ExprKind::Block(vec![start, fill, read]), ty, span),
            element,
        )
    }
}

/// Whether `expr` as the only statement of a body is more than a value to be waited for.
fn is_statement(expr: &ast::Expr) -> bool {
    matches!(expr.kind, Ast::Async(_) | Ast::Spawn(_))
}

fn not_joined(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Parallel => "is not available until the parallel block joins",
        JoinKind::Race => "is not available until the race block joins",
        JoinKind::Vote => "is not available until the vote block joins",
    }
}

fn group(
    modifiers: Modifiers,
    branches: Vec<Branch>,
    over: Option<(crate::hir::Pat, Expr)>,
    value: crate::hir::concurrency::GroupValue,
) -> Group {
    Group {
        strategy: modifiers.strategy,
        policy: modifiers.policy,
        count: modifiers.count,
        max: modifiers.max,
        timeout: modifiers.timeout,
        on: modifiers.on,
        quorum: modifiers.quorum,
        branches,
        over,
        value,
        joined: true,
    }
}
