//! Conditions, lowered straight into branches.

use super::func::FuncBuilder;
use super::ops::{comparison, small};
use super::runtime_natives as rt;
use crate::hir::{BinOp, Coercion, Expr, ExprKind, Repr, Ty, TyKind, UnOp};
use crate::ir::{BlockId, Cmp, Cond, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::well_known;

/// The comparison that holds exactly when `cmp` does not (not for Floats).
fn negated(cmp: Cmp) -> Cmp {
    match cmp {
        Cmp::Eq => Cmp::Ne,
        Cmp::Ne => Cmp::Eq,
        Cmp::Lt => Cmp::Ge,
        Cmp::Le => Cmp::Gt,
        Cmp::Gt => Cmp::Le,
        Cmp::Ge => Cmp::Lt,
    }
}

/// The comparison with its operands exchanged.
fn mirrored(cmp: Cmp) -> Cmp {
    match cmp {
        Cmp::Lt => Cmp::Gt,
        Cmp::Le => Cmp::Ge,
        Cmp::Gt => Cmp::Lt,
        Cmp::Ge => Cmp::Le,
        other => other,
    }
}

/// `null`, perhaps widened.
pub(crate) fn is_null_literal(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Null => true,
        ExprKind::Coerce(Coercion::Widen, inner) => is_null_literal(inner),
        _ => false,
    }
}

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// Goes to `then` if `e` holds, else to `otherwise`.
    pub(crate) fn branch(&mut self, e: &'a Expr, then: BlockId, otherwise: BlockId) {
        if !self.c.live() {
            return;
        }
        let outer = std::mem::replace(&mut self.c.span, e.span);
        match &e.kind {
            ExprKind::Bool(b) => self.c.jump(if *b { then } else { otherwise }),
            ExprKind::Unary(UnOp::Not, inner) => self.branch(inner, otherwise, then),
            ExprKind::Logic { and, lhs, rhs } => {
                let next = self.c.block();
                if *and {
                    self.branch(lhs, next, otherwise);
                } else {
                    self.branch(lhs, then, next);
                }
                self.c.start(next);
                self.branch(rhs, then, otherwise);
            }
            ExprKind::Binary(op, a, b) if comparison(*op).is_some() => {
                self.compare_branch(*op, a, b, then, otherwise);
            }
            ExprKind::Is(value, ty) => self.is_branch(value, *ty, then, otherwise),
            ExprKind::If {
                cond,
                then: yes,
                otherwise: Some(no),
            } => {
                let (first, second) = (self.c.block(), self.c.block());
                self.branch(cond, first, second);
                self.c.start(first);
                self.branch(yes, then, otherwise);
                self.c.start(second);
                self.branch(no, then, otherwise);
            }
            _ => {
                let reg = self.value(e);
                self.c.span = e.span;
                self.split(Cond::Bool(reg), then, otherwise);
            }
        }
        self.c.span = outer;
        // Control does not go on here; a branch on something that never ends is no end either.
        self.c.end(Term::Unreachable);
    }

    /// Ends the block with a branch.
    pub(crate) fn split(&mut self, cond: Cond, then: BlockId, otherwise: BlockId) {
        self.c.end(Term::Branch {
            cond,
            then,
            otherwise,
        });
    }

    fn compare_branch(
        &mut self,
        op: BinOp,
        a: &'a Expr,
        b: &'a Expr,
        then: BlockId,
        otherwise: BlockId,
    ) {
        let Some(cmp) = comparison(op) else { return };
        let equality = matches!(cmp, Cmp::Eq | Cmp::Ne);
        if equality && (is_null_literal(a) || is_null_literal(b)) {
            let value = if is_null_literal(b) { a } else { b };
            let (yes, no) = match cmp {
                Cmp::Eq => (then, otherwise),
                _ => (otherwise, then),
            };
            return self.is_branch(value, Ty::NULL, yes, no);
        }
        match self.repr_of(a.ty) {
            Repr::Int => {
                if let Some(i) = small(b) {
                    let a = self.value(a);
                    return self.split(Cond::IntImm(cmp, a, i), then, otherwise);
                }
                if let Some(i) = small(a) {
                    let b = self.value(b);
                    return self.split(Cond::IntImm(mirrored(cmp), b, i), then, otherwise);
                }
                let (a, b) = self.operand_pair(a, b);
                self.split(Cond::Int(cmp, a, b), then, otherwise);
            }
            Repr::Float => {
                let (a, b) = self.operand_pair(a, b);
                self.split(Cond::Float(cmp, a, b), then, otherwise);
            }
            Repr::Word if equality => {
                let equal = self.equal(a, b, None);
                let (yes, no) = match cmp {
                    Cmp::Eq => (then, otherwise),
                    _ => (otherwise, then),
                };
                self.split(Cond::Bool(equal), yes, no);
            }
            Repr::Word => {
                let order = self.order(a, b);
                self.split(Cond::IntImm(cmp, order, 0), then, otherwise);
            }
        }
    }

    /// Whether two words are equal, as a Bool.
    pub(crate) fn equal(&mut self, a: &'a Expr, b: &'a Expr, dst: Option<VReg>) -> VReg {
        let (x, y) = self.operand_pair(a, b);
        let dst = self.target(dst, Ty::BOOL);
        if a.ty == Ty::STRING {
            self.c.op(Op::StrEq, &[dst, x, y]);
        } else {
            let ty = self.m.types.of(a.ty);
            self.c.op1(Op::Equal, &[dst, x, y], ty);
        }
        dst
    }

    /// -1, 0 or 1.
    fn order(&mut self, a: &'a Expr, b: &'a Expr) -> VReg {
        let (x, y) = self.operand_pair(a, b);
        let dst = self.temp(Ty::INT);
        let ty = self.m.types.of(a.ty);
        self.c.op1(Op::Compare, &[dst, x, y], ty);
        dst
    }

    /// A comparison as a value.
    pub(crate) fn compare(
        &mut self,
        cmp: Cmp,
        a: &'a Expr,
        b: &'a Expr,
        dst: Option<VReg>,
    ) -> VReg {
        let equality = matches!(cmp, Cmp::Eq | Cmp::Ne);
        let null = equality && (is_null_literal(a) || is_null_literal(b));
        let (x, y, float) = match self.repr_of(a.ty) {
            Repr::Word if null => {
                let value = if is_null_literal(b) { a } else { b };
                let value = self.value(value);
                let is = self.target(dst, Ty::BOOL);
                self.c.op1(Op::IsType, &[is, value], well_known::NULL);
                return self.negate_if(cmp == Cmp::Ne, is);
            }
            Repr::Word if equality => {
                let equal = self.equal(a, b, dst);
                return self.negate_if(cmp == Cmp::Ne, equal);
            }
            Repr::Word => (self.order(a, b), self.int(0), false),
            repr => {
                let (x, y) = self.operand_pair(a, b);
                (x, y, repr == Repr::Float)
            }
        };
        let (cmp, x, y) = match cmp {
            Cmp::Gt | Cmp::Ge => (mirrored(cmp), y, x),
            _ => (cmp, x, y),
        };
        let op = match (cmp, float) {
            (Cmp::Eq, false) => Op::IntEq,
            (Cmp::Ne, false) => Op::IntNe,
            (Cmp::Lt, false) => Op::IntLt,
            (_, false) => Op::IntLe,
            (Cmp::Eq, true) => Op::FloatEq,
            (Cmp::Ne, true) => Op::FloatNe,
            (Cmp::Lt, true) => Op::FloatLt,
            (_, true) => Op::FloatLe,
        };
        let dst = self.target(dst, Ty::BOOL);
        self.c.op(op, &[dst, x, y]);
        dst
    }

    fn negate_if(&mut self, negate: bool, reg: VReg) -> VReg {
        if negate {
            self.c.op(Op::BoolNot, &[reg, reg]);
        }
        reg
    }

    /// `e is T`, decided now if the static type decides it.
    fn is_known(&self, from: Ty, ty: Ty) -> Option<bool> {
        let types = &self.m.hir.types;
        if from == ty || ty == Ty::ANY {
            return Some(true);
        }
        match types.kind(from) {
            TyKind::Union(_) | TyKind::Any | TyKind::Json | TyKind::Never => None,
            _ => match types.kind(ty) {
                TyKind::Union(members) => Some(members.contains(&from)),
                TyKind::Json => None,
                _ => Some(false),
            },
        }
    }

    fn is_branch(&mut self, value: &'a Expr, ty: Ty, then: BlockId, otherwise: BlockId) {
        if let Some(known) = self.is_known(value.ty, ty) {
            self.effect(value);
            return self.c.jump(if known { then } else { otherwise });
        }
        let reg = self.value(value);
        if self.repr(reg) != Repr::Word {
            // A plain value against Json: Int, Bool and Float are Json.
            return self.c.jump(then);
        }
        if self.fits_by_parts(value.ty, ty) {
            let found = self.fit(reg, ty);
            return self.split(Cond::Null(found), otherwise, then);
        }
        self.type_branch(reg, ty, then, otherwise);
    }

    /// Goes to `then` if the word `reg` has type `ty`.
    pub(crate) fn type_branch(&mut self, reg: VReg, ty: Ty, then: BlockId, otherwise: BlockId) {
        let cond = if ty == Ty::NULL {
            Cond::Null(reg)
        } else {
            Cond::Type(reg, self.m.types.of(ty))
        };
        self.split(cond, then, otherwise);
    }

    /// `is` and `in` as values.
    pub(crate) fn test_value(&mut self, e: &'a Expr, dst: Option<VReg>) -> VReg {
        match &e.kind {
            ExprKind::Is(value, ty) => {
                if self.is_known(value.ty, *ty).is_some()
                    || self.repr_of(value.ty) != Repr::Word
                    || self.fits_by_parts(value.ty, *ty)
                {
                    let dst = self.target(dst, Ty::BOOL);
                    self.branch_value(e, dst);
                    return dst;
                }
                let value = self.value(value);
                let dst = self.target(dst, Ty::BOOL);
                let ty = self.m.types.of(*ty);
                self.c.op1(Op::IsType, &[dst, value], ty);
                dst
            }
            ExprKind::In { value, container } => self.contains(value, container, dst),
            _ => unreachable!("called for tests only"),
        }
    }

    /// A condition as a value, by control flow.
    pub(crate) fn branch_value(&mut self, e: &'a Expr, dst: VReg) {
        let (yes, no, done) = (self.c.block(), self.c.block(), self.c.block());
        self.branch(e, yes, no);
        self.c.start(yes);
        self.int_into(dst, 1);
        self.c.jump(done);
        self.c.start(no);
        self.int_into(dst, 0);
        self.c.flow_into(done);
    }

    fn contains(&mut self, value: &'a Expr, container: &'a Expr, dst: Option<VReg>) -> VReg {
        let (value_reg, held) = self.operand_pair(value, container);
        let dst = self.target(dst, Ty::BOOL);
        let value_arg = self.arg_as(value_reg, value.ty);
        let held_arg = self.arg_as(held, container.ty);
        let types = &self.m.hir.types;
        match types.kind(container.ty) {
            TyKind::Map(..) => self.c.op(Op::MapHas, &[dst, held, value_reg]),
            TyKind::Set(t) => {
                let t = self.m.types.of(*t);
                self.runtime_into(rt::SET_CONTAINS, &[t], &[held_arg, value_arg], dst);
            }
            TyKind::List(t) => {
                let t = self.m.types.of(*t);
                self.runtime_into(rt::LIST_CONTAINS, &[t], &[held_arg, value_arg], dst);
            }
            _ => self.runtime_into(rt::STR_CONTAINS, &[], &[held_arg, value_arg], dst),
        }
        dst
    }

    /// Goes to `exit` unless `a cmp b` (Ints).
    pub(crate) fn unless_int(&mut self, cmp: Cmp, a: VReg, b: VReg, body: BlockId, exit: BlockId) {
        self.split(Cond::Int(negated(cmp), a, b), exit, body);
    }
}
