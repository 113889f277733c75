//! The walk over a finished body that puts final types, callees and captures into its nodes.

use super::Checker;
use super::finish::Fixing;
use crate::diag::Code;
use crate::hir::{
    Arm, BinOp, Callee, Coercion, Element, Expr, ExprKind, Iter, Pat, PatKind, Piece, Place,
    PlaceStep, SelectOp, Ty, TyKind,
};
use crate::source::Span;

impl Checker<'_> {
    /// Settles a node and all below it.
    pub(crate) fn fix(&mut self, expr: &mut Expr, f: &mut Fixing) {
        expr.ty = self.out_ty(expr.ty, expr.span, f);
        self.fix_parts(expr, f);
        self.fix_self(expr, f);
    }

    fn fix_all(&mut self, exprs: &mut [Expr], f: &mut Fixing) {
        exprs.iter_mut().for_each(|expr| self.fix(expr, f));
    }

    fn fix_opt(&mut self, expr: &mut Option<Box<Expr>>, f: &mut Fixing) {
        if let Some(expr) = expr {
            self.fix(expr, f);
        }
    }

    fn fix_plain(&mut self, expr: &mut Option<Expr>, f: &mut Fixing) {
        if let Some(expr) = expr {
            self.fix(expr, f);
        }
    }

    fn fix_parts(&mut self, expr: &mut Expr, f: &mut Fixing) {
        match &mut expr.kind {
            ExprKind::Block(parts) | ExprKind::Aggregate(parts) => self.fix_all(parts, f),
            ExprKind::Variant { args, .. } => self.fix_all(args, f),
            ExprKind::Let { pat, init } => {
                self.fix(init, f);
                self.fix_pat(pat, f);
            }
            ExprKind::Assign { place, value } | ExprKind::AssignOp { place, value, .. } => {
                self.fix_place(place, f);
                self.fix(value, f);
            }
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => {
                self.fix(cond, f);
                self.fix(then, f);
                self.fix_opt(otherwise, f);
            }
            ExprKind::Match { value, arms } => {
                self.fix(value, f);
                self.fix_arms(arms, f);
            }
            ExprKind::Logic { lhs, rhs, .. } | ExprKind::Binary(_, lhs, rhs) => {
                self.fix(lhs, f);
                self.fix(rhs, f);
            }
            ExprKind::In {
                value: lhs,
                container: rhs,
            } => {
                self.fix(lhs, f);
                self.fix(rhs, f);
            }
            ExprKind::Unary(_, inner)
            | ExprKind::Coerce(_, inner)
            | ExprKind::Defer(inner)
            | ExprKind::SetGlobal(_, inner)
            | ExprKind::Throw(inner)
            | ExprKind::Halt(inner)
            | ExprKind::Yield(inner)
            | ExprKind::Await(inner)
            | ExprKind::AwaitCatch(inner)
            | ExprKind::AwaitSettle(inner)
            | ExprKind::Field { base: inner, .. } => self.fix(inner, f),
            ExprKind::Is(inner, ty) => {
                let span = inner.span;
                self.fix(inner, f);
                *ty = self.out_ty(*ty, span, f);
            }
            _ => self.fix_calls(expr, f),
        }
    }

    fn fix_calls(&mut self, expr: &mut Expr, f: &mut Fixing) {
        match &mut expr.kind {
            ExprKind::Call { callee, args } => {
                *callee = self.site_callee(*callee, f);
                self.fix_all(args, f);
            }
            ExprKind::CallValue { callee, args } => {
                self.fix(callee, f);
                self.fix_all(args, f);
            }
            ExprKind::CallMut {
                callee,
                place,
                args,
            } => {
                *callee = self.site_callee(*callee, f);
                self.fix_place(place, f);
                self.fix_all(args, f);
            }
            ExprKind::FuncRef(func) => {
                if let Callee::Func(done) = self.site_callee(Callee::Func(*func), f) {
                    *func = done;
                }
            }
            ExprKind::Closure { func, captures } => {
                *captures = f.captures.get(func).cloned().unwrap_or_default();
            }
            _ => self.fix_more(expr, f),
        }
    }

    fn fix_more(&mut self, expr: &mut Expr, f: &mut Fixing) {
        match &mut expr.kind {
            ExprKind::List(elements) | ExprKind::Set(elements) => {
                for element in elements {
                    match element {
                        Element::One(expr) | Element::Spread(expr) => self.fix(expr, f),
                    }
                }
            }
            ExprKind::Map(entries) => {
                for (key, value) in entries {
                    self.fix(key, f);
                    self.fix(value, f);
                }
            }
            ExprKind::Index { base, index, .. } => {
                self.fix(base, f);
                self.fix(index, f);
            }
            _ => self.fix_flow(expr, f),
        }
    }

    fn fix_flow(&mut self, expr: &mut Expr, f: &mut Fixing) {
        match &mut expr.kind {
            ExprKind::Slice { base, lo, hi, .. } => {
                self.fix(base, f);
                self.fix_opt(lo, f);
                self.fix_opt(hi, f);
            }
            ExprKind::Interpolate(pieces) => {
                for piece in pieces {
                    if let Piece::Value(expr, _) = piece {
                        self.fix(expr, f);
                    }
                }
            }
            ExprKind::While { cond, body, .. } => {
                self.fix(cond, f);
                self.fix(body, f);
            }
            ExprKind::Loop { body, .. } => self.fix(body, f),
            ExprKind::For {
                pat,
                iter,
                filter,
                body,
                ..
            } => {
                self.fix_iter(iter, f);
                self.fix_pat(pat, f);
                self.fix_opt(filter, f);
                self.fix(body, f);
            }
            ExprKind::Break(_, value) | ExprKind::Return(value) => self.fix_opt(value, f),
            ExprKind::Try {
                body,
                catch,
                finally,
            } => {
                self.fix(body, f);
                for arm in catch {
                    self.fix_arm(arm, f);
                }
                self.fix_opt(finally, f);
            }
            ExprKind::Assert { cond, message, .. } => {
                self.fix(cond, f);
                self.fix_opt(message, f);
            }
            ExprKind::CallTool { args, messages, .. } => {
                args.iter_mut().for_each(|(_, arg)| self.fix(arg, f));
                messages.iter_mut().for_each(|(_, text)| self.fix(text, f));
            }
            _ => self.fix_concurrent(expr, f),
        }
    }

    fn fix_concurrent(&mut self, expr: &mut Expr, f: &mut Fixing) {
        match &mut expr.kind {
            ExprKind::Spawn { body, on, .. } => {
                self.fix(body, f);
                self.fix_opt(on, f);
            }
            ExprKind::Timeout { ms, body, .. } => {
                self.fix(ms, f);
                self.fix(body, f);
            }
            ExprKind::Scope {
                timeout, on, body, ..
            } => {
                self.fix_opt(timeout, f);
                self.fix_opt(on, f);
                self.fix(body, f);
            }
            ExprKind::Group(group) => {
                let parts = [
                    &mut group.count,
                    &mut group.max,
                    &mut group.timeout,
                    &mut group.on,
                    &mut group.quorum,
                ];
                parts.into_iter().for_each(|part| self.fix_plain(part, f));
                for branch in &mut group.branches {
                    let span = branch.body.span;
                    self.fix(&mut branch.body, f);
                    branch.value = self.out_ty(branch.value, span, f);
                }
                if let Some((pat, list)) = &mut group.over {
                    self.fix(list, f);
                    self.fix_pat(pat, f);
                }
            }
            ExprKind::Select(select) => {
                for arm in &mut select.arms {
                    self.fix_select(&mut arm.op, f);
                    arm.value = self.out_ty(arm.value, expr.span, f);
                    self.fix_plain(&mut arm.body, f);
                }
                self.fix_plain(&mut select.otherwise, f);
            }
            _ => {}
        }
    }

    fn fix_select(&mut self, op: &mut SelectOp, f: &mut Fixing) {
        match op {
            SelectOp::Receive(one)
            | SelectOp::Next(one)
            | SelectOp::Await(one)
            | SelectOp::Sleep(one)
            | SelectOp::Run(one) => self.fix(one, f),
            SelectOp::Send(channel, value) => {
                self.fix(channel, f);
                self.fix(value, f);
            }
            SelectOp::Handle(_, args) => self.fix_all(args, f),
        }
    }

    fn fix_arms(&mut self, arms: &mut [Arm], f: &mut Fixing) {
        arms.iter_mut().for_each(|arm| self.fix_arm(arm, f));
    }

    fn fix_arm(&mut self, arm: &mut Arm, f: &mut Fixing) {
        self.fix_pat(&mut arm.pat, f);
        self.fix_opt(&mut arm.guard, f);
        self.fix(&mut arm.body, f);
    }

    fn fix_iter(&mut self, iter: &mut Iter, f: &mut Fixing) {
        match iter {
            Iter::Range { lo, hi, step, .. } => {
                self.fix(lo, f);
                self.fix(hi, f);
                self.fix_opt(step, f);
            }
            Iter::List(e)
            | Iter::Chars(e)
            | Iter::Bytes(e)
            | Iter::Keys(e)
            | Iter::Entries(e)
            | Iter::Set(e)
            | Iter::Generator(e)
            | Iter::Channel(e) => self.fix(e, f),
        }
    }

    fn fix_place(&mut self, place: &mut Place, f: &mut Fixing) {
        place.ty = self.out_ty(place.ty, place.span, f);
        for step in &mut place.path {
            match step {
                PlaceStep::Field { container, .. } => {
                    *container = self.out_ty(*container, place.span, f);
                }
                PlaceStep::Index { container, index } => {
                    *container = self.out_ty(*container, place.span, f);
                    self.fix(index, f);
                }
            }
        }
    }

    fn fix_pat(&mut self, pat: &mut Pat, f: &mut Fixing) {
        pat.ty = self.out_ty(pat.ty, pat.span, f);
        match &mut pat.kind {
            PatKind::Bind(_, Some(inner)) => self.fix_pat(inner, f),
            PatKind::Fields(fields) | PatKind::Variant(_, fields) => {
                fields.iter_mut().for_each(|(_, one)| self.fix_pat(one, f));
            }
            PatKind::List { before, after, .. } => {
                before
                    .iter_mut()
                    .chain(after)
                    .for_each(|one| self.fix_pat(one, f));
            }
            PatKind::Or(parts) => parts.iter_mut().for_each(|one| self.fix_pat(one, f)),
            PatKind::Type(ty, inner) => {
                *ty = self.out_ty(*ty, pat.span, f);
                self.fix_pat(inner, f);
                // The test was for what an instance's type turned out to be.
                if *ty == pat.ty {
                    let inner = std::mem::replace(&mut inner.kind, PatKind::Wild);
                    pat.kind = inner;
                }
            }
            _ => {}
        }
    }

    fn fix_self(&mut self, expr: &mut Expr, f: &mut Fixing) {
        let (ty, span) = (expr.ty, expr.span);
        match &mut expr.kind {
            ExprKind::Coerce(..) => fix_coercion(expr),
            ExprKind::Map(entries) if entries.is_empty() => {
                if let TyKind::Set(_) = self.out.types.kind(ty) {
                    expr.kind = ExprKind::Set(Vec::new());
                }
            }
            ExprKind::Binary(op, lhs, _) => {
                let operand = lhs.ty;
                if let Some(settled) = self.settle_op(*op, operand, span) {
                    *op = settled;
                }
            }
            ExprKind::AssignOp { place, op, .. } => {
                let operand = place.ty;
                if let Some(settled) = self.settle_op(*op, operand, span) {
                    *op = settled;
                }
            }
            ExprKind::Is(value, of) => {
                let known = match self.out.types.kind(value.ty) {
                    TyKind::Union(_) | TyKind::Any | TyKind::Json => None,
                    _ => Some(match self.out.types.kind(*of) {
                        TyKind::Union(members) => members.contains(&value.ty),
                        _ => value.ty == *of,
                    }),
                };
                if let Some(known) = known {
                    let value = std::mem::replace(&mut **value, null(span));
                    let answer = Expr {
                        kind: ExprKind::Bool(known),
                        ty: Ty::BOOL,
                        span,
                    };
                    expr.kind = match value.kind {
                        ExprKind::Local(_) => answer.kind,
                        _ => ExprKind::Block(vec![value, answer]),
                    };
                }
            }
            ExprKind::Match { value, arms } => {
                let value_ty = value.ty;
                let arms = std::mem::take(arms);
                self.check_match(value_ty, &arms, span);
                if let ExprKind::Match { arms: place, .. } = &mut expr.kind {
                    *place = arms;
                }
            }
            _ => {}
        }
        let _ = f;
    }

    /// The operator for operands whose type was not known when it was met.
    fn settle_op(&mut self, op: BinOp, operand: Ty, span: Span) -> Option<BinOp> {
        let numeric = matches!(operand, Ty::INT | Ty::FLOAT | Ty::NEVER | Ty::NULL);
        match op {
            BinOp::Add | BinOp::Concat if !numeric => {
                let joins = matches!(operand, Ty::STRING | Ty::BYTES)
                    || matches!(self.out.types.kind(operand), TyKind::List(_));
                if joins {
                    return Some(BinOp::Concat);
                }
                self.bad_settled(op, span);
                None
            }
            BinOp::Sub | BinOp::Mul | BinOp::Div | BinOp::FloorDiv | BinOp::Mod | BinOp::Pow
                if !numeric =>
            {
                self.bad_settled(op, span);
                None
            }
            _ => None,
        }
    }

    fn bad_settled(&mut self, op: BinOp, span: Span) {
        if self.body.clean {
            let message = format!("these operands do not go with {op:?}");
            self.error(Code::BadOperand, span, message);
        }
    }
}

fn null(span: Span) -> Expr {
    Expr {
        kind: ExprKind::Null,
        ty: Ty::NULL,
        span,
    }
}

/// A conversion whose types are final: gone where they are the same.
fn fix_coercion(expr: &mut Expr) {
    let ty = expr.ty;
    let ExprKind::Coerce(how, inner) = &mut expr.kind else {
        return;
    };
    let from = inner.ty;
    if from == ty || from == Ty::NEVER {
        let inner = std::mem::replace(&mut **inner, null(expr.span));
        *expr = inner;
        return;
    }
    if ty == Ty::FLOAT && from == Ty::INT {
        *how = Coercion::IntToFloat;
        if let ExprKind::Int(number) = inner.kind {
            expr.kind = ExprKind::Float(number as f64);
        }
        return;
    }
    // Widening in two steps is widening in one.
    if let (Coercion::Widen, ExprKind::Coerce(Coercion::Widen, _)) = (&how, &inner.kind) {
        let middle = std::mem::replace(&mut **inner, null(expr.span));
        if let ExprKind::Coerce(_, first) = middle.kind {
            *inner = first;
        }
    }
}
