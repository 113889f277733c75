//! Small nodes that the checker makes: declarations, assignments and loops.

use super::node;
use crate::hir::{BinOp, Element, Expr, ExprKind, Iter, LocalId, LoopId, Pat, PatKind, Place};
use crate::hir::{PlaceStep, Ty};
use crate::source::Span;
use crate::types::Checker;

/// `let local = value`
pub(crate) fn let_node(local: LocalId, value: Expr, span: Span) -> Expr {
    let pat = Pat {
        kind: PatKind::Bind(local, None),
        ty: value.ty,
        span,
    };
    let_pattern(pat, value, span)
}

/// `let pat = value`
pub(crate) fn let_pattern(pat: Pat, value: Expr, span: Span) -> Expr {
    let (pat, init) = (Box::new(pat), Box::new(value));
    node(ExprKind::Let { pat, init }, Ty::NULL, span)
}

/// `place = value`
pub(crate) fn assign_node(place: Place, value: Expr, span: Span) -> Expr {
    let (place, value) = (Box::new(place), Box::new(value));
    node(ExprKind::Assign { place, value }, Ty::NULL, span)
}

/// `place op= value`
pub(crate) fn assign_op_node(place: Place, op: BinOp, value: Expr, span: Span) -> Expr {
    let (place, value) = (Box::new(place), Box::new(value));
    node(ExprKind::AssignOp { place, op, value }, Ty::NULL, span)
}

/// `local ++= [value]`, where `local` is a list (or set) of type `ty`
pub(crate) fn append(local: LocalId, value: Expr, ty: Ty, span: Span) -> Expr {
    let place = Place {
        root: local,
        path: Vec::new(),
        ty,
        span,
    };
    let one = node(ExprKind::List(vec![Element::One(value)]), ty, span);
    assign_op_node(place, BinOp::Concat, one, span)
}

/// `local[key] = value`, where `local` is a map (or list) of type `container`
pub(crate) fn put(local: LocalId, key: Expr, value: Expr, container: Ty, span: Span) -> Expr {
    let index = Box::new(key);
    let place = Place {
        root: local,
        path: vec![PlaceStep::Index { container, index }],
        ty: value.ty,
        span,
    };
    assign_node(place, value, span)
}

impl Checker<'_> {
    /// `for pat in iter … end`
    pub(crate) fn for_node(
        &mut self,
        pat: Pat,
        iter: Iter,
        filter: Option<Expr>,
        body: Expr,
        span: Span,
    ) -> Expr {
        let id = self.new_loop();
        let kind = ExprKind::For {
            id,
            pat: Box::new(pat),
            iter: Box::new(iter),
            filter: filter.map(Box::new),
            body: Box::new(body),
        };
        node(kind, Ty::NULL, span)
    }

    /// A loop of the current function.
    pub(crate) fn new_loop(&mut self) -> LoopId {
        let cx = self.cx();
        cx.loop_count += 1;
        LoopId(cx.loop_count - 1)
    }
}
