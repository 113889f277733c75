//! A walk over all expressions of a tree.

use super::{Element, Expr, ExprKind, Iter, Piece, Place, PlaceStep, SelectOp};

/// Calls `f` for `expr` and every expression below it, outer ones first.
pub fn exprs_mut(expr: &mut Expr, f: &mut impl FnMut(&mut Expr)) {
    f(expr);
    match &mut expr.kind {
        ExprKind::Block(parts) | ExprKind::Aggregate(parts) => list(parts, f),
        ExprKind::Variant { args, .. } | ExprKind::Call { args, .. } => list(args, f),
        ExprKind::Let { init: one, .. }
        | ExprKind::Unary(_, one)
        | ExprKind::Coerce(_, one)
        | ExprKind::Is(one, _)
        | ExprKind::Defer(one)
        | ExprKind::SetGlobal(_, one)
        | ExprKind::Throw(one)
        | ExprKind::Halt(one)
        | ExprKind::Yield(one)
        | ExprKind::Await(one)
        | ExprKind::AwaitCatch(one)
        | ExprKind::AwaitSettle(one)
        | ExprKind::Field { base: one, .. }
        | ExprKind::Loop { body: one, .. } => exprs_mut(one, f),
        ExprKind::Assign { place: at, value }
        | ExprKind::AssignOp {
            place: at, value, ..
        } => {
            place(at, f);
            exprs_mut(value, f);
        }
        ExprKind::If {
            cond,
            then,
            otherwise,
        } => {
            exprs_mut(cond, f);
            exprs_mut(then, f);
            opt(otherwise, f);
        }
        ExprKind::Match { value, arms } => {
            exprs_mut(value, f);
            for arm in arms {
                arm.guard.iter_mut().for_each(|guard| exprs_mut(guard, f));
                exprs_mut(&mut arm.body, f);
            }
        }
        ExprKind::Logic { lhs, rhs, .. }
        | ExprKind::Binary(_, lhs, rhs)
        | ExprKind::In {
            value: lhs,
            container: rhs,
        }
        | ExprKind::Index {
            base: lhs,
            index: rhs,
            ..
        }
        | ExprKind::While {
            cond: lhs,
            body: rhs,
            ..
        }
        | ExprKind::Timeout {
            ms: lhs, body: rhs, ..
        } => {
            exprs_mut(lhs, f);
            exprs_mut(rhs, f);
        }
        _ => calls(expr, f),
    }
}

fn calls(expr: &mut Expr, f: &mut impl FnMut(&mut Expr)) {
    match &mut expr.kind {
        ExprKind::CallValue { callee, args } => {
            exprs_mut(callee, f);
            list(args, f);
        }
        ExprKind::CallMut {
            place: at, args, ..
        } => {
            place(at, f);
            list(args, f);
        }
        _ => more(expr, f),
    }
}

fn more(expr: &mut Expr, f: &mut impl FnMut(&mut Expr)) {
    match &mut expr.kind {
        ExprKind::List(elements) | ExprKind::Set(elements) => {
            for element in elements {
                match element {
                    Element::One(one) | Element::Spread(one) => exprs_mut(one, f),
                }
            }
        }
        ExprKind::Map(entries) => {
            for (key, value) in entries {
                exprs_mut(key, f);
                exprs_mut(value, f);
            }
        }
        ExprKind::Slice { base, lo, hi, .. } => {
            exprs_mut(base, f);
            opt(lo, f);
            opt(hi, f);
        }
        ExprKind::Interpolate(pieces) => {
            for piece in pieces {
                if let Piece::Value(one, _) = piece {
                    exprs_mut(one, f);
                }
            }
        }
        ExprKind::For {
            iter, filter, body, ..
        } => {
            walk_iter(iter, f);
            opt(filter, f);
            exprs_mut(body, f);
        }
        ExprKind::Break(_, value) | ExprKind::Return(value) => opt(value, f),
        ExprKind::Try {
            body,
            catch,
            finally,
        } => {
            exprs_mut(body, f);
            for arm in catch {
                arm.guard.iter_mut().for_each(|guard| exprs_mut(guard, f));
                exprs_mut(&mut arm.body, f);
            }
            opt(finally, f);
        }
        ExprKind::Assert { cond, message, .. } => {
            exprs_mut(cond, f);
            opt(message, f);
        }
        ExprKind::CallTool { args, messages, .. } => {
            args.iter_mut().for_each(|(_, one)| exprs_mut(one, f));
            messages.iter_mut().for_each(|(_, one)| exprs_mut(one, f));
        }
        _ => concurrent(expr, f),
    }
}

fn concurrent(expr: &mut Expr, f: &mut impl FnMut(&mut Expr)) {
    match &mut expr.kind {
        ExprKind::Spawn { body, on, .. } => {
            exprs_mut(body, f);
            opt(on, f);
        }
        ExprKind::Scope {
            timeout, on, body, ..
        } => {
            opt(timeout, f);
            opt(on, f);
            exprs_mut(body, f);
        }
        ExprKind::Group(group) => {
            let parts = [
                &mut group.count,
                &mut group.max,
                &mut group.timeout,
                &mut group.on,
                &mut group.quorum,
            ];
            parts
                .into_iter()
                .flatten()
                .for_each(|part| exprs_mut(part, f));
            if let Some((_, over)) = &mut group.over {
                exprs_mut(over, f);
            }
            group
                .branches
                .iter_mut()
                .for_each(|branch| exprs_mut(&mut branch.body, f));
        }
        ExprKind::Select(select) => {
            for arm in &mut select.arms {
                match &mut arm.op {
                    SelectOp::Receive(one)
                    | SelectOp::Next(one)
                    | SelectOp::Await(one)
                    | SelectOp::Sleep(one)
                    | SelectOp::Run(one) => exprs_mut(one, f),
                    SelectOp::Send(channel, value) => {
                        exprs_mut(channel, f);
                        exprs_mut(value, f);
                    }
                    SelectOp::Handle(_, args) => list(args, f),
                }
                arm.body.iter_mut().for_each(|body| exprs_mut(body, f));
            }
            select
                .otherwise
                .iter_mut()
                .for_each(|one| exprs_mut(one, f));
        }
        _ => {}
    }
}

fn list(exprs: &mut [Expr], f: &mut impl FnMut(&mut Expr)) {
    exprs.iter_mut().for_each(|expr| exprs_mut(expr, f));
}

fn opt(expr: &mut Option<Box<Expr>>, f: &mut impl FnMut(&mut Expr)) {
    if let Some(expr) = expr {
        exprs_mut(expr, f);
    }
}

fn place(place: &mut Place, f: &mut impl FnMut(&mut Expr)) {
    for step in &mut place.path {
        if let PlaceStep::Index { index, .. } = step {
            exprs_mut(index, f);
        }
    }
}

fn walk_iter(iter: &mut Iter, f: &mut impl FnMut(&mut Expr)) {
    match iter {
        Iter::Range { lo, hi, step, .. } => {
            exprs_mut(lo, f);
            exprs_mut(hi, f);
            opt(step, f);
        }
        Iter::List(one)
        | Iter::Chars(one)
        | Iter::Bytes(one)
        | Iter::Keys(one)
        | Iter::Entries(one)
        | Iter::Set(one)
        | Iter::Generator(one)
        | Iter::Channel(one) => exprs_mut(one, f),
    }
}
