//! Operators, in the immediate forms where an operand is a small literal.

use super::func::FuncBuilder;
use crate::hir::{BinOp, Expr, ExprKind, Repr, Ty, UnOp};
use crate::ir::{Cmp, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::Constant;

/// The comparison an operator is, if it is one.
pub(crate) fn comparison(op: BinOp) -> Option<Cmp> {
    Some(match op {
        BinOp::Eq => Cmp::Eq,
        BinOp::Ne => Cmp::Ne,
        BinOp::Lt => Cmp::Lt,
        BinOp::Le => Cmp::Le,
        BinOp::Gt => Cmp::Gt,
        BinOp::Ge => Cmp::Ge,
        _ => return None,
    })
}

/// The value of an Int (or negated Int) literal.
pub(crate) fn literal(e: &Expr) -> Option<i64> {
    match &e.kind {
        ExprKind::Int(i) => Some(*i),
        ExprKind::Bool(b) => Some(i64::from(*b)),
        ExprKind::Unary(UnOp::Neg, inner) => match inner.kind {
            ExprKind::Int(i) => i.checked_neg(),
            _ => None,
        },
        _ => None,
    }
}

/// The value of a literal that fits an immediate.
pub(crate) fn small(e: &Expr) -> Option<i16> {
    literal(e).and_then(|i| i16::try_from(i).ok())
}

/// The op with an immediate right operand, if there is one for this value.
fn immediate(op: BinOp, i: i16) -> Option<(Op, i16)> {
    Some(match op {
        BinOp::Add => (Op::IntAddI, i),
        BinOp::Sub => (Op::IntAddI, i.checked_neg()?),
        BinOp::Mul => (Op::IntMulI, i),
        BinOp::Div if i != 0 && i != -1 => (Op::IntDivI, i),
        BinOp::FloorDiv if i != 0 && i != -1 => (Op::IntFloorDivI, i),
        BinOp::Mod if i != 0 && i != -1 => (Op::IntModI, i),
        BinOp::BitAnd => (Op::IntAndI, i),
        BinOp::Shl if (0..64).contains(&i) => (Op::IntShlI, i),
        BinOp::Shr if (0..64).contains(&i) => (Op::IntShrI, i),
        _ => return None,
    })
}

fn commutes(op: BinOp) -> bool {
    matches!(op, BinOp::Add | BinOp::Mul | BinOp::BitAnd)
}

fn int_op(op: BinOp) -> Option<Op> {
    Some(match op {
        BinOp::Add => Op::IntAdd,
        BinOp::Sub => Op::IntSub,
        BinOp::Mul => Op::IntMul,
        BinOp::Div => Op::IntDiv,
        BinOp::FloorDiv => Op::IntFloorDiv,
        BinOp::Mod => Op::IntMod,
        BinOp::Pow => Op::IntPow,
        BinOp::BitAnd => Op::IntAnd,
        BinOp::BitOr => Op::IntOr,
        BinOp::BitXor => Op::IntXor,
        BinOp::Shl => Op::IntShl,
        BinOp::Shr => Op::IntShr,
        _ => return None,
    })
}

fn float_op(op: BinOp) -> Option<Op> {
    Some(match op {
        BinOp::Add => Op::FloatAdd,
        BinOp::Sub => Op::FloatSub,
        BinOp::Mul => Op::FloatMul,
        BinOp::Div => Op::FloatDiv,
        BinOp::FloorDiv => Op::FloatFloorDiv,
        BinOp::Mod => Op::FloatMod,
        BinOp::Pow => Op::FloatPow,
        _ => return None,
    })
}

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// A unary operator.
    pub(crate) fn unary(&mut self, op: UnOp, a: &'a Expr, dst: Option<VReg>, ty: Ty) -> VReg {
        if op == UnOp::Neg
            && let ExprKind::Int(i) = a.kind
            && let Some(negative) = i.checked_neg()
        {
            let dst = self.target(dst, ty);
            self.int_into(dst, negative);
            return dst;
        }
        if op == UnOp::Neg
            && let ExprKind::Float(f) = a.kind
        {
            let dst = self.target(dst, ty);
            self.constant_into(dst, Constant::Float((-f).to_bits()));
            return dst;
        }
        let a_reg = self.value(a);
        let dst = self.target(dst, ty);
        let op = match (op, self.repr_of(a.ty)) {
            (UnOp::Neg, Repr::Float) => Op::FloatNeg,
            (UnOp::Neg, _) => Op::IntNeg,
            (UnOp::Not, _) => Op::BoolNot,
            (UnOp::BitNot, _) => Op::IntNot,
        };
        self.c.op(op, &[dst, a_reg]);
        dst
    }

    /// A binary operator.
    pub(crate) fn binary(
        &mut self,
        op: BinOp,
        a: &'a Expr,
        b: &'a Expr,
        dst: Option<VReg>,
        ty: Ty,
    ) -> VReg {
        if let Some(cmp) = comparison(op) {
            return self.compare(cmp, a, b, dst);
        }
        if self.repr_of(ty) == Repr::Word {
            return self.concat(a, b, ty, dst);
        }
        if ty == Ty::INT {
            let (value, i) = match (small(b), small(a)) {
                (Some(i), _) => (a, immediate(op, i)),
                (None, Some(i)) if commutes(op) => (b, immediate(op, i)),
                _ => (a, None),
            };
            if let Some((op, i)) = i {
                let value = self.value(value);
                let dst = self.target(dst, ty);
                self.c.op1(op, &[dst, value], i32::from(i) as u32);
                return dst;
            }
        }
        let (x, y) = self.operand_pair(a, b);
        let dst = self.target(dst, ty);
        self.arithmetic(op, ty, dst, x, y);
        dst
    }

    /// `dst := x op y` on Ints, Bools or Floats.
    pub(crate) fn arithmetic(&mut self, op: BinOp, ty: Ty, dst: VReg, x: VReg, y: VReg) {
        let op = if ty == Ty::FLOAT {
            float_op(op)
        } else {
            int_op(op)
        };
        if let Some(op) = op {
            self.c.op(op, &[dst, x, y]);
        }
    }

    /// `dst := x op value`, with the value as an immediate where possible.
    pub(crate) fn arithmetic_with(
        &mut self,
        op: BinOp,
        ty: Ty,
        dst: VReg,
        x: VReg,
        value: &'a Expr,
    ) {
        if ty == Ty::INT
            && let Some((op, i)) = small(value).and_then(|i| immediate(op, i))
        {
            self.c.op1(op, &[dst, x], i32::from(i) as u32);
        } else {
            let y = self.value(value);
            self.arithmetic(op, ty, dst, x, y);
        }
    }
}
