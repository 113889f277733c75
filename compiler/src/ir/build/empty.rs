//! Small values that stand in a place while its own value is being changed.

use super::func::FuncBuilder;
use crate::hir::{Ty, TyKind};
use crate::ir::VReg;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::Constant;

/// How deep records may lie within records.
const DEPTH_MAX: u32 = 3;

impl FuncBuilder<'_, '_, '_> {
    /// Whether [`Self::empty`] knows a value of type `ty`.
    pub(super) fn has_empty(&self, ty: Ty) -> bool {
        self.has_small(ty, DEPTH_MAX)
    }

    fn has_small(&self, ty: Ty, depth: u32) -> bool {
        let types = &self.m.hir.types;
        match types.kind(ty) {
            TyKind::Int | TyKind::Bool | TyKind::Float | TyKind::String | TyKind::Null => true,
            TyKind::List(_) | TyKind::Map(..) | TyKind::Set(_) | TyKind::Any => true,
            TyKind::Union(members) => members.contains(&Ty::NULL),
            TyKind::Tuple(parts) => {
                depth > 0 && parts.iter().all(|&ty| self.has_small(ty, depth - 1))
            }
            TyKind::Record(_) => {
                let fields = types.nominal(ty).map(|nominal| &nominal.variants[0].fields);
                let mut fields = fields.into_iter().flatten();
                depth > 0 && fields.all(|field| self.has_small(field.ty, depth - 1))
            }
            _ => false,
        }
    }

    /// Some small value of type `ty`, which nobody will look at.
    pub(super) fn empty(&mut self, ty: Ty) -> VReg {
        let dst = self.temp(ty);
        let parts: Vec<Ty> = match self.m.hir.types.kind(ty) {
            TyKind::Int | TyKind::Bool => {
                self.int_into(dst, 0);
                return dst;
            }
            TyKind::Float => {
                self.constant_into(dst, Constant::Float(0));
                return dst;
            }
            TyKind::String => return self.text(""),
            TyKind::List(_) => {
                self.list(&[], ty, dst);
                return dst;
            }
            TyKind::Map(..) => {
                self.map(&[], ty, dst);
                return dst;
            }
            TyKind::Set(_) => {
                self.set(&[], ty, dst);
                return dst;
            }
            TyKind::Tuple(parts) => parts.clone(),
            TyKind::Record(_) => {
                let nominal = self.m.hir.types.nominal(ty);
                let fields = nominal.map(|nominal| &nominal.variants[0].fields);
                fields.into_iter().flatten().map(|field| field.ty).collect()
            }
            _ => {
                let null = self.null();
                return self.widen(null, Ty::NULL, ty, Some(dst));
            }
        };
        let mut regs = vec![dst];
        for part in parts {
            regs.push(self.empty(part));
        }
        let ix = self.m.types.of(ty);
        self.c.op1(Op::New, &regs, ix);
        dst
    }
}
