//! Questions about what an expression reads and assigns.

use crate::hir::{
    Element, Expr, ExprKind, Group, Iter, LocalId, Piece, Place, PlaceStep, Select, SelectOp,
};

/// Calls `f` with each direct part of `e`.
pub(crate) fn parts<'a>(e: &'a Expr, f: &mut dyn FnMut(&'a Expr)) {
    match &e.kind {
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::BytesLit(_)
        | ExprKind::Null
        | ExprKind::Local(_)
        | ExprKind::Global(_)
        | ExprKind::FuncRef(_)
        | ExprKind::Closure { .. }
        | ExprKind::Continue(_) => {}
        ExprKind::Block(items) | ExprKind::Aggregate(items) => items.iter().for_each(f),
        ExprKind::Variant { args, .. } | ExprKind::Call { args, .. } => args.iter().for_each(f),
        ExprKind::Let { init: inner, .. }
        | ExprKind::Unary(_, inner)
        | ExprKind::Coerce(_, inner)
        | ExprKind::Is(inner, _)
        | ExprKind::Field { base: inner, .. }
        | ExprKind::Loop { body: inner, .. }
        | ExprKind::Defer(inner)
        | ExprKind::SetGlobal(_, inner)
        | ExprKind::Throw(inner)
        | ExprKind::Halt(inner)
        | ExprKind::Yield(inner)
        | ExprKind::Await(inner)
        | ExprKind::AwaitCatch(inner)
        | ExprKind::AwaitSettle(inner) => f(inner),
        ExprKind::Assign { place, value } | ExprKind::AssignOp { place, value, .. } => {
            place_parts(place, f);
            f(value);
        }
        ExprKind::CallMut { place, args, .. } => {
            place_parts(place, f);
            args.iter().for_each(f);
        }
        ExprKind::CallValue { callee, args } => {
            f(callee);
            args.iter().for_each(f);
        }
        ExprKind::Logic { lhs, rhs, .. } | ExprKind::Binary(_, lhs, rhs) => {
            f(lhs);
            f(rhs);
        }
        ExprKind::In { value, container } => {
            f(value);
            f(container);
        }
        ExprKind::Index { base, index, .. } => {
            f(base);
            f(index);
        }
        ExprKind::Slice { base, lo, hi, .. } => {
            f(base);
            lo.iter().chain(hi).for_each(|e| f(e));
        }
        ExprKind::List(_) | ExprKind::Set(_) | ExprKind::Map(_) | ExprKind::Interpolate(_) => {
            literal_parts(e, f);
        }
        ExprKind::Break(_, value) | ExprKind::Return(value) => value.iter().for_each(|e| f(e)),
        _ => flow_parts(e, f),
    }
}

/// The literals among [`parts`].
fn literal_parts<'a>(e: &'a Expr, f: &mut dyn FnMut(&'a Expr)) {
    match &e.kind {
        ExprKind::List(elements) | ExprKind::Set(elements) => {
            for element in elements {
                match element {
                    Element::One(e) | Element::Spread(e) => f(e),
                }
            }
        }
        ExprKind::Map(entries) => {
            for (k, v) in entries {
                f(k);
                f(v);
            }
        }
        ExprKind::Interpolate(pieces) => {
            for piece in pieces {
                if let Piece::Value(e, _) = piece {
                    f(e);
                }
            }
        }
        _ => {}
    }
}

fn place_parts<'a>(place: &'a Place, f: &mut dyn FnMut(&'a Expr)) {
    for step in &place.path {
        if let PlaceStep::Index { index, .. } = step {
            f(index);
        }
    }
}

/// The control flow and concurrency forms of [`parts`].
fn flow_parts<'a>(e: &'a Expr, f: &mut dyn FnMut(&'a Expr)) {
    match &e.kind {
        ExprKind::If {
            cond,
            then,
            otherwise,
        } => {
            f(cond);
            f(then);
            otherwise.iter().for_each(|e| f(e));
        }
        ExprKind::Match { value, arms } => {
            f(value);
            for arm in arms {
                arm.guard.as_deref().into_iter().for_each(&mut *f);
                f(&arm.body);
            }
        }
        ExprKind::While { cond, body, .. } => {
            f(cond);
            f(body);
        }
        ExprKind::For {
            iter, filter, body, ..
        } => {
            iter_parts(iter, f);
            filter.iter().for_each(|e| f(e));
            f(body);
        }
        ExprKind::Try {
            body,
            catch,
            finally,
        } => {
            f(body);
            for arm in catch {
                arm.guard.as_deref().into_iter().for_each(&mut *f);
                f(&arm.body);
            }
            finally.iter().for_each(|e| f(e));
        }
        ExprKind::Assert { cond, message, .. } => {
            f(cond);
            message.iter().for_each(|e| f(e));
        }
        ExprKind::Spawn { body, on, .. } => {
            f(body);
            on.iter().for_each(|e| f(e));
        }
        ExprKind::Group(group) => {
            group_parts(group, f);
        }
        ExprKind::Select(select) => select_parts(select, f),
        ExprKind::Timeout { ms, body, .. } => {
            f(ms);
            f(body);
        }
        ExprKind::Scope {
            timeout, on, body, ..
        } => {
            timeout.iter().chain(on).for_each(|e| f(e));
            f(body);
        }
        ExprKind::CallTool { args, messages, .. } => {
            args.iter().chain(messages).for_each(|(_, e)| f(e));
        }
        _ => {}
    }
}

fn iter_parts<'a>(iter: &'a Iter, f: &mut dyn FnMut(&'a Expr)) {
    match iter {
        Iter::Range { lo, hi, step, .. } => {
            f(lo);
            f(hi);
            step.iter().for_each(|e| f(e));
        }
        Iter::List(e)
        | Iter::Chars(e)
        | Iter::Bytes(e)
        | Iter::Keys(e)
        | Iter::Entries(e)
        | Iter::Set(e)
        | Iter::Generator(e)
        | Iter::Channel(e) => f(e),
    }
}

fn group_parts<'a>(group: &'a Group, f: &mut dyn FnMut(&'a Expr)) {
    for option in [
        &group.count,
        &group.max,
        &group.timeout,
        &group.on,
        &group.quorum,
    ] {
        option.iter().for_each(&mut *f);
    }
    group.branches.iter().for_each(|b| f(&b.body));
    group.over.iter().for_each(|(_, e)| f(e));
}

fn select_parts<'a>(select: &'a Select, f: &mut dyn FnMut(&'a Expr)) {
    for arm in &select.arms {
        match &arm.op {
            SelectOp::Receive(e)
            | SelectOp::Next(e)
            | SelectOp::Await(e)
            | SelectOp::Sleep(e)
            | SelectOp::Run(e) => f(e),
            SelectOp::Send(ch, v) => {
                f(ch);
                f(v);
            }
            SelectOp::Handle(_, args) => args.iter().for_each(&mut *f),
        }
        arm.body.iter().for_each(&mut *f);
    }
    select.otherwise.iter().for_each(f);
}

/// Whether `test` holds for `e` or something in it.
fn any(e: &Expr, test: &dyn Fn(&Expr) -> bool) -> bool {
    if test(e) {
        return true;
    }
    let mut found = false;
    parts(e, &mut |part| found = found || any(part, test));
    found
}

fn place_of(e: &Expr) -> Option<&Place> {
    match &e.kind {
        ExprKind::Assign { place, .. }
        | ExprKind::AssignOp { place, .. }
        | ExprKind::CallMut { place, .. } => Some(place),
        _ => None,
    }
}

/// Whether `e` assigns `local` or changes it in place.
pub(crate) fn assigns(e: &Expr, local: LocalId) -> bool {
    any(e, &|e| place_of(e).is_some_and(|p| p.root == local))
}

/// Whether one of `later` assigns `local` or changes it in place. `changing` is for the answers
/// about all operands: where the last one stands that changes anything.
pub(crate) fn changed_later(
    operands: &[&Expr],
    at: usize,
    local: LocalId,
    changing: &mut Option<usize>,
) -> bool {
    let changes = |e: &&Expr| any(e, &|e| place_of(e).is_some());
    let end = *changing.get_or_insert_with(|| {
        operands
            .iter()
            .rposition(changes)
            .map_or(0, |last| last + 1)
    });
    at + 1 < end && operands[at + 1..end].iter().any(|e| assigns(e, local))
}

/// Whether `e` mentions `local` at all.
pub(crate) fn reads(e: &Expr, local: LocalId) -> bool {
    any(e, &|e| match &e.kind {
        ExprKind::Local(l) => *l == local,
        ExprKind::Closure { captures, .. } => captures.contains(&local),
        _ => place_of(e).is_some_and(|p| p.root == local),
    })
}

/// Whether there may be something in `e` that has to be done when it is left early.
pub(crate) fn has_cleanup(e: &Expr) -> bool {
    any(e, &|e| match &e.kind {
        ExprKind::Defer(_) | ExprKind::Scope { .. } => true,
        ExprKind::Try { finally, .. } => finally.is_some(),
        ExprKind::For { iter, .. } => matches!(**iter, Iter::Generator(_)),
        _ => false,
    })
}

/// The local whose register [`super::func::FuncBuilder::value`] may give for `e`.
pub(crate) fn result_local(e: &Expr) -> Option<LocalId> {
    match &e.kind {
        ExprKind::Local(l) => Some(*l),
        ExprKind::Coerce(_, inner) => result_local(inner),
        ExprKind::Block(items) => items.last().and_then(result_local),
        _ => None,
    }
}
