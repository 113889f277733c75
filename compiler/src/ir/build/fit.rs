//! Values in an `Any` as lists, maps, sets, tuples or results of a wanted type.
//!
//! Such a value has the type it was made with, but what counts is what it holds: a `list[Any]` of
//! Ints is a `list[Int]` to whoever asks, and every list is a `list[Any]`. So a test gives the
//! value anew, as the type that was asked for, or null.

use super::func::FuncBuilder;
use super::matching::{Source, Tree};
use super::rows::{Head, Row, when_no, when_yes};
use super::runtime_natives as rt;
use crate::hir::{Ty, TyKind, Types};
use crate::ir::{Cond, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::well_known;

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// Whether a value of type `from` is a `to` if its parts are what `to` says.
    pub(crate) fn fits_by_parts(&self, from: Ty, to: Ty) -> bool {
        let types = &self.m.hir.types;
        from == Ty::ANY
            && match types.kind(to) {
                TyKind::List(_) | TyKind::Map(..) | TyKind::Set(_) | TyKind::Tuple(_) => true,
                TyKind::Enum(_) => types.nominal(to).is_some_and(|n| is_result(&n.name)),
                _ => false,
            }
    }

    /// The `Any` in `src` as a value of type `to`, or null.
    pub(crate) fn fit(&mut self, src: VReg, to: Ty) -> VReg {
        let to = self.m.types.of(to);
        let result = self.m.types.union(&[to, well_known::NULL]);
        let args = [(src, well_known::ANY)];
        self.runtime(rt::FIT, &[well_known::ANY, result], &args, result)
    }

    /// The `Any` in `src` as a value of type `to`; a failure if it is none.
    pub(crate) fn cast_by_parts(&mut self, src: VReg, to: Ty, dst: Option<VReg>) -> VReg {
        let dst = self.target(dst, to);
        let to = self.m.types.of(to);
        let args = [(src, well_known::ANY)];
        self.runtime_into(rt::FIT_OR_FAIL, &[well_known::ANY, to], &args, dst);
        dst
    }

    /// Whether an `Any` has the parts that `ty` wants; the value with such parts is another one.
    pub(super) fn test_parts(
        &mut self,
        rows: Vec<Row<'a>>,
        s: Source,
        ty: Ty,
        tree: &mut Tree<'a, '_>,
    ) -> Vec<Row<'a>> {
        let (test, hir) = (Head::Type(ty), self.m.hir);
        let found = self.fit(s.reg, ty);
        let (yes, no) = (self.c.block(), self.c.block());
        self.split(Cond::Null(found), no, yes);
        self.c.start(yes);
        let ix = self.m.types.of(ty);
        self.c.op1(Op::Cast, &[found], ix);
        let mut kept = when_yes(&rows, &s, test, &hir.types);
        kept.iter_mut().for_each(|row| row.refine(&s, ty, found));
        self.decide(kept, tree);
        self.c.start(no);
        when_no(rows, &s, test)
    }
}

/// Whether a value in an `Any` may be both, though they are two types.
pub(super) fn may_share_values(types: &Types, a: Ty, b: Ty) -> bool {
    match (types.kind(a), types.kind(b)) {
        (TyKind::List(_), TyKind::List(_))
        | (TyKind::Map(..), TyKind::Map(..))
        | (TyKind::Set(_), TyKind::Set(_))
        | (TyKind::Enum(_), TyKind::Enum(_)) => true,
        (TyKind::Tuple(a), TyKind::Tuple(b)) => a.len() == b.len(),
        _ => false,
    }
}

/// Whether this is the name of the built-in `result`, with type arguments or without.
fn is_result(name: &str) -> bool {
    name.split('[').next() == Some("result")
}
