//! Conversions between representations and static types.

use super::func::FuncBuilder;
use super::runtime_natives as rt;
use crate::hir::{Coercion, Expr, ExprKind, Repr, Ty, TyKind};
use crate::ir::VReg;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, well_known};

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// A conversion of `e` to `ty`.
    pub(crate) fn coerce(&mut self, how: Coercion, e: &'a Expr, ty: Ty, dst: Option<VReg>) -> VReg {
        match how {
            Coercion::IntToFloat => {
                if let ExprKind::Int(i) = e.kind {
                    let dst = self.target(dst, Ty::FLOAT);
                    self.constant_into(dst, Constant::Float((i as f64).to_bits()));
                    return dst;
                }
                let src = self.value(e);
                let dst = self.target(dst, Ty::FLOAT);
                self.c.op(Op::IntToFloat, &[dst, src]);
                dst
            }
            Coercion::Widen => {
                if e.ty == ty {
                    return self.expr(e, dst);
                }
                // Without a change of representation the value may go straight to its place.
                let same = self.repr_of(e.ty) == Repr::Word && !self.changes(e.ty, ty);
                let src = self.expr(e, if same { dst } else { None });
                self.widen(src, e.ty, ty, dst)
            }
            Coercion::Narrow | Coercion::Cast => {
                let src = self.value(e);
                self.narrow(src, e.ty, ty, dst)
            }
        }
    }

    /// A value as the wider type `to`.
    pub(crate) fn widen(&mut self, src: VReg, from: Ty, to: Ty, dst: Option<VReg>) -> VReg {
        if from == to || from == Ty::NEVER {
            return src;
        }
        let op = match (self.repr_of(from), self.repr_of(to)) {
            (Repr::Float, Repr::Word) => Op::BoxFloat,
            (Repr::Int, Repr::Word) if from == Ty::BOOL => Op::BoxBool,
            (Repr::Int, Repr::Word) => Op::BoxInt,
            (Repr::Int, Repr::Float) => Op::IntToFloat,
            (Repr::Word, Repr::Word) if self.changes(from, to) => {
                let dst = self.target(dst, to);
                let args = [self.arg_as(src, from)];
                let tys = self.m.types.of_all(&[from, to]);
                self.runtime_into(rt::CONVERT, &tys, &args, dst);
                return dst;
            }
            _ => return src,
        };
        let dst = self.target(dst, to);
        self.c.op(op, &[dst, src]);
        dst
    }

    /// A value of a union, `Any` or `Json` as its member `to`; fails if it is none.
    pub(crate) fn narrow(&mut self, src: VReg, from: Ty, to: Ty, dst: Option<VReg>) -> VReg {
        if from == to || to == Ty::ANY || self.repr_of(from) != Repr::Word || from == Ty::NEVER {
            return src;
        }
        if self.repr_of(to) != Repr::Word {
            return self.unbox(src, to, dst);
        }
        if self.fits_by_parts(from, to) {
            return self.cast_by_parts(src, to, dst);
        }
        let ty = self.m.types.of(to);
        self.c.op1(Op::Cast, &[src], ty);
        src
    }

    /// The Int, Float or Bool in a word.
    pub(crate) fn unbox(&mut self, src: VReg, to: Ty, dst: Option<VReg>) -> VReg {
        let dst = self.target(dst, to);
        let op = match to {
            Ty::FLOAT => Op::UnboxFloat,
            Ty::BOOL => Op::UnboxBool,
            _ => Op::UnboxInt,
        };
        self.c.op(op, &[dst, src]);
        dst
    }

    /// Whether a word of type `from` has to be rebuilt to be one of the wider type `to`.
    fn changes(&self, from: Ty, to: Ty) -> bool {
        let types = &self.m.hir.types;
        if from == to || to == Ty::ANY {
            return false;
        }
        let plain_json = |t: Ty| {
            matches!(
                t,
                Ty::NULL
                    | Ty::BOOL
                    | Ty::INT
                    | Ty::FLOAT
                    | Ty::STRING
                    | Ty::JSON
                    | Ty::LIST_JSON
                    | Ty::MAP_STRING_JSON
                    | Ty::NEVER
            )
        };
        match (types.kind(from), types.kind(to)) {
            (TyKind::Union(members), _) => members.iter().any(|m| self.changes(*m, to)),
            (_, TyKind::Union(members)) => {
                !members.contains(&from)
                    && !members
                        .iter()
                        .any(|m| *m == Ty::ANY || *m == Ty::JSON && plain_json(from))
                    && self.is_collection(from)
            }
            (_, TyKind::Json) => !plain_json(from),
            _ => self.is_collection(from) && self.is_collection(to),
        }
    }

    fn is_collection(&self, ty: Ty) -> bool {
        matches!(
            self.m.hir.types.kind(ty),
            TyKind::List(_) | TyKind::Map(..) | TyKind::Set(_) | TyKind::Tuple(_)
        )
    }

    /// The text of a value, as `print` shows it.
    pub(crate) fn string_of(&mut self, reg: VReg, ty: Ty) -> VReg {
        if ty == Ty::STRING {
            return reg;
        }
        let dst = self.c.reg(well_known::STRING);
        let ty = self.m.types.of(ty);
        self.c.op1(Op::ToStr, &[dst, reg], ty);
        dst
    }
}
