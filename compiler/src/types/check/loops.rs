//! Loops.

use super::{FnRole, LoopCx, Want, node};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Arm, Expr, ExprKind, Iter, LoopId, Ty};
use crate::names::closest;
use crate::source::Span;
use crate::syntax::ast::{self, Condition, ExprKind as Ast};
use crate::types::Checker;
use crate::types::ty::{Kind, Origin};

impl<'a> Checker<'a> {
    fn open_loop(&mut self, label: Option<ast::Ident>, want: Want) -> LoopId {
        let id = self.new_loop();
        self.cx().loops.push(LoopCx {
            id,
            label: label.map(|label| label.name),
            value: None,
            want: want.ty(),
            breaks: false,
            values: Vec::new(),
        });
        id
    }

    /// Closes the innermost loop; gives its value's type, if a `break` gives one.
    fn close_loop(&mut self, endless: bool) -> Ty {
        let one = self.cx().loops.pop().expect("the loop is open");
        match (one.value, endless) {
            (None, true) if !one.breaks => Ty::NEVER,
            (None, _) => Ty::NULL,
            (Some(result), _) => {
                let mut types = one.values;
                if !endless {
                    types.push(Ty::NULL);
                }
                let joined = self.join(&types);
                if one.want.is_none() && !self.types.unify(result, joined) {
                    self.types.unify(result, Ty::POISON);
                }
                result
            }
        }
    }

    pub(crate) fn while_loop(&mut self, one: &'a ast::While, span: Span, want: Want) -> Expr {
        self.unnarrow_loop(&one.body, Some(&one.condition));
        let want = match want {
            Want::Nothing => Want::Value,
            _ => want,
        };
        let id = self.open_loop(one.label, want);
        let mark = self.mark_narrows();
        match &one.condition {
            Condition::Expr(test) => {
                let cond = Box::new(self.condition(test));
                self.assume(test, true);
                let body = Box::new(self.block(&one.body, Want::Nothing));
                self.forget_narrows(mark);
                let breaks = self.cx().loops.last().is_some_and(|one| one.breaks);
                if !breaks {
                    self.assume(test, false);
                }
                if let Some(stop) = self.null_break(id, test.span) {
                    let ty = self.close_loop(false);
                    let kind = ExprKind::If {
                        cond,
                        then: body,
                        otherwise: Some(Box::new(stop)),
                    };
                    let body = Box::new(node(kind, Ty::NULL, span));
                    return node(ExprKind::Loop { id, body }, ty, span);
                }
                self.close_loop(false);
                let endless = matches!(test.kind, Ast::Bool(true)) && !breaks;
                let ty = if endless { Ty::NEVER } else { Ty::NULL };
                node(ExprKind::While { id, cond, body }, ty, span)
            }
            Condition::Let(pattern, value) => {
                let value = self.value(value);
                let scope = self.enter();
                let pat = self.test_pattern(pattern, value.ty);
                let guard = self.test_guard(pattern, &pat);
                let body = self.block(&one.body, Want::Nothing);
                self.leave(scope);
                self.forget_narrows(mark);
                let stop = self.null_break(id, value.span);
                let end = node(ExprKind::Break(id, None), Ty::NEVER, value.span);
                let wild = self.wild(value.ty, value.span);
                let arms = vec![
                    Arm {
                        pat,
                        guard: guard.map(Box::new),
                        body,
                    },
                    Arm {
                        pat: wild,
                        guard: None,
                        body: stop.unwrap_or(end),
                    },
                ];
                let value = Box::new(value);
                let step = node(ExprKind::Match { value, arms }, Ty::NULL, span);
                let ty = self.close_loop(false);
                let body = Box::new(step);
                node(ExprKind::Loop { id, body }, ty, span)
            }
        }
    }

    /// The end of a `while` some `break` of which gives a value: with null.
    fn null_break(&mut self, id: LoopId, span: Span) -> Option<Expr> {
        let ty = self.cx().loops.last().and_then(|one| one.value)?;
        let value = self.coerce_later(super::null(span), ty);
        let kind = ExprKind::Break(id, Some(Box::new(value)));
        Some(node(kind, Ty::NEVER, span))
    }

    pub(crate) fn endless_loop(&mut self, one: &'a ast::Loop, span: Span, want: Want) -> Expr {
        self.unnarrow_loop(&one.body, None);
        let id = self.open_loop(one.label, want);
        let mark = self.mark_narrows();
        let body = Box::new(self.block(&one.body, Want::Nothing));
        self.forget_narrows(mark);
        let ty = self.close_loop(true);
        node(ExprKind::Loop { id, body }, ty, span)
    }

    pub(crate) fn for_loop(&mut self, one: &'a ast::For, span: Span, want: Want) -> Expr {
        let pair = is_pair(&one.clause.pattern);
        let (iter, element) = self.iterate(&one.clause.iterable, pair);
        self.unnarrow_loop(&one.body, None);
        let scope = self.enter();
        let mark = self.mark_narrows();
        let pat = self.pattern_top(&one.clause.pattern, element, false);
        let want = if want == Want::Nothing || want == Want::Value {
            Want::Value
        } else {
            want
        };
        let filter = self.guards(&one.clause.guards);
        let id = self.open_loop(one.label, want);
        let body = Box::new(self.block(&one.body, Want::Nothing));
        self.leave(scope);
        self.forget_narrows(mark);
        let ty = self.close_loop(false);
        let kind = ExprKind::For {
            id,
            pat: Box::new(pat),
            iter: Box::new(iter),
            filter: filter.map(Box::new),
            body,
        };
        node(kind, ty, span)
    }

    /// The conditions after an iterator, joined by `and`.
    pub(crate) fn guards(&mut self, guards: &'a [ast::Expr]) -> Option<Expr> {
        let mut all: Option<Expr> = None;
        for guard in guards {
            let cond = self.condition(guard);
            self.assume(guard, true);
            let span = guard.span;
            all = Some(match all {
                None => cond,
                Some(lhs) => {
                    let (lhs, rhs) = (Box::new(lhs), Box::new(cond));
                    node(
                        ExprKind::Logic {
                            and: true,
                            lhs,
                            rhs,
                        },
                        Ty::BOOL,
                        span,
                    )
                }
            });
        }
        all
    }

    /// What `for` walks over, and what each step gives.
    pub(crate) fn iterate(&mut self, iterable: &'a ast::Expr, pair: bool) -> (Iter, Ty) {
        if let Ast::Range(range) = &iterable.kind {
            return (self.range_iter(range), Ty::INT);
        }
        let value = self.value(iterable);
        self.iterate_value(value, pair)
    }

    pub(crate) fn iterate_value(&mut self, value: Expr, pair: bool) -> (Iter, Ty) {
        let ty = self.known(value.ty);
        let span = value.span;
        let value = Box::new(value);
        match self.types.kind(ty).clone() {
            Kind::List(t) => (Iter::List(value), t),
            Kind::Set(t) => (Iter::Set(value), t),
            Kind::String => (Iter::Chars(value), Ty::STRING),
            Kind::Bytes => (Iter::Bytes(value), Ty::INT),
            Kind::Map(k, v) if pair => {
                let entry = self.types.tuple(&[k, v]);
                (Iter::Entries(value), entry)
            }
            Kind::Map(k, _) => (Iter::Keys(value), k),
            Kind::Generator(t) => (Iter::Generator(value), t),
            Kind::Channel(t) => (Iter::Channel(value), t),
            Kind::Handle(name, args)
                if self.names.resolve(name) == "Receiver" && args.len() == 1 =>
            {
                (Iter::Channel(value), args[0])
            }
            Kind::Poison | Kind::Never => (Iter::List(value), Ty::POISON),
            Kind::Var(var) if self.types.origin(var) == Origin::Open => {
                let element = self.open_var();
                let list = self.types.list(element);
                self.types.unify(ty, list);
                (Iter::List(value), element)
            }
            Kind::Future(_) => {
                self.not_awaited(span, ty);
                (Iter::List(value), Ty::POISON)
            }
            _ => {
                let shown = self.show(ty);
                let message = format!("`for` cannot walk over a value of type {shown}");
                let mut error = Diagnostic::new(Code::NotIterable, message, span);
                if ty == Ty::INT {
                    let text = self.sources.text(span).to_owned();
                    error = error.help(format!("for the numbers below it: 0..{text}"));
                } else if ty == Ty::JSON {
                    error = error.help("for a list write `as list[Json]`, or match it");
                } else if self.types.members(ty).contains(&Ty::NULL) {
                    error = error.help("it may be null: test it, or give a default with `??`");
                }
                self.report(error);
                (Iter::List(value), Ty::POISON)
            }
        }
    }

    pub(crate) fn range_iter(&mut self, range: &'a ast::Range) -> Iter {
        let end = |this: &mut Self, end: &'a Option<ast::Expr>| {
            end.as_ref().map(|end| Box::new(this.expr_as(end, Ty::INT)))
        };
        let lo = end(self, &range.start);
        let hi = end(self, &range.end);
        let step = end(self, &range.step);
        let zero = |span| Box::new(node(ExprKind::Int(0), Ty::INT, span));
        let span = self.cx().span;
        Iter::Range {
            lo: lo.unwrap_or_else(|| zero(span)),
            hi: hi.unwrap_or_else(|| zero(span)),
            inclusive: range.inclusive,
            step,
        }
    }

    pub(crate) fn break_expr(
        &mut self,
        label: Option<ast::Ident>,
        value: Option<&'a ast::Expr>,
        span: Span,
    ) -> Expr {
        let Some(at) = self.find_loop("break", label, span) else {
            value.map(|value| self.value(value));
            return node(ExprKind::Null, Ty::NEVER, span);
        };
        let (id, want) = {
            let one = &mut self.cx().loops[at];
            one.breaks = true;
            (one.id, one.want)
        };
        let Some(value) = value else {
            let one = &mut self.cx().loops[at];
            if let Some(ty) = one.value {
                one.values.push(Ty::NULL);
                let value = super::null(span);
                let value = self.coerce_later(value, ty);
                return node(ExprKind::Break(id, Some(Box::new(value))), Ty::NEVER, span);
            }
            one.values.push(Ty::NULL);
            return node(ExprKind::Break(id, None), Ty::NEVER, span);
        };
        let result = match self.cx().loops[at].value {
            Some(ty) => ty,
            None => {
                let ty = want.unwrap_or_else(|| self.types.fresh(Origin::Open));
                self.cx().loops[at].value = Some(ty);
                ty
            }
        };
        let value = match want {
            Some(ty) => self.expr_as(value, ty),
            None => {
                let value = self.value(value);
                self.cx().loops[at].values.push(value.ty);
                self.coerce_later(value, result)
            }
        };
        node(ExprKind::Break(id, Some(Box::new(value))), Ty::NEVER, span)
    }

    pub(crate) fn continue_expr(&mut self, label: Option<ast::Ident>, span: Span) -> Expr {
        match self.find_loop("continue", label, span) {
            Some(at) => {
                let id = self.cx().loops[at].id;
                node(ExprKind::Continue(id), Ty::NEVER, span)
            }
            None => node(ExprKind::Null, Ty::NEVER, span),
        }
    }

    /// The open loop that a `break` or `continue` is about.
    fn find_loop(&mut self, word: &str, label: Option<ast::Ident>, span: Span) -> Option<usize> {
        let role = self.cx().role;
        let loops = &self.cx().loops;
        let found = match label {
            None => loops.len().checked_sub(1),
            Some(label) => loops.iter().rposition(|one| one.label == Some(label.name)),
        };
        if found.is_some() {
            return found;
        }
        let outside = match (role, label) {
            (FnRole::Branch, None) => {
                let message = format!("`{word}` cannot leave a branch of a parallel block");
                Diagnostic::new(Code::Misplaced, message, span)
                    .help("`return v` ends the branch with v")
            }
            (_, None) => {
                let message = format!("`{word}` stands only in a loop");
                Diagnostic::new(Code::Misplaced, message, span)
            }
            (_, Some(label)) => {
                let text = self.text(label.name);
                let labels: Vec<_> = self.cx().loops.iter().filter_map(|one| one.label).collect();
                let known: Vec<String> = labels.into_iter().map(|one| self.text(one)).collect();
                let message = format!("no loop around here has the label @{text}");
                let error = Diagnostic::new(Code::UnknownLabel, message, label.span);
                match closest(&text, known.iter().map(String::as_str)) {
                    Some(near) => error.help(format!("did you mean @{near}?")),
                    None => error,
                }
            }
        };
        self.report(outside);
        None
    }
}

/// Whether a `for` pattern takes entries of a map.
pub(crate) fn is_pair(pattern: &ast::Pattern) -> bool {
    match &pattern.kind {
        ast::PatternKind::Tuple(parts) => parts.len() == 2,
        ast::PatternKind::Typed { pattern, .. } => is_pair(pattern),
        _ => false,
    }
}
