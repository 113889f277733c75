//! Int arithmetic. What fails is left to the interpreter.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use lumen_bytecode::operand::*;

use crate::jit::translate::Translator;

/// Operations that can overflow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Overflow {
    Add,
    Sub,
    Mul,
}

/// Operations that cannot.
#[derive(Clone, Copy)]
pub(super) enum Bits {
    And,
    Or,
    Xor,
    Add,
    Sub,
    Mul,
}

impl Translator<'_, '_> {
    pub(super) fn checked(&mut self, dst: Reg, a: Reg, b: Reg, op: Overflow) {
        let (a, b) = (self.int(a.0), self.int(b.0));
        if op == Overflow::Add && self.loops.exact(self.pc) {
            let sum = self.b.ins().iadd(a, b);
            return self.def(dst.0, sum);
        }
        self.checked_values(dst, a, b, op);
    }

    fn checked_values(&mut self, dst: Reg, a: Value, b: Value, op: Overflow) {
        let ins = self.b.ins();
        let (value, over) = match op {
            Overflow::Add => ins.sadd_overflow(a, b),
            Overflow::Sub => ins.ssub_overflow(a, b),
            Overflow::Mul => ins.smul_overflow(a, b),
        };
        self.exit_if(over);
        self.def(dst.0, value);
    }

    pub(super) fn bits(&mut self, dst: Reg, a: Reg, b: Reg, op: Bits) {
        let (a, b) = (self.int(a.0), self.int(b.0));
        let ins = self.b.ins();
        let value = match op {
            Bits::And => ins.band(a, b),
            Bits::Or => ins.bor(a, b),
            Bits::Xor => ins.bxor(a, b),
            Bits::Add => ins.iadd(a, b),
            Bits::Sub => ins.isub(a, b),
            Bits::Mul => ins.imul(a, b),
        };
        self.def(dst.0, value);
    }

    /// `b` is neither 0 nor -1, or the interpreter does it.
    fn ordinary_divisor(&mut self, b: Value) {
        if self.constant_value(b).is_some_and(|b| b != 0 && b != -1) {
            return;
        }
        let next = self.b.ins().iadd_imm_s(b, 1);
        let special = self.icmp_imm(IntCC::UnsignedLessThanOrEqual, next, 1);
        self.exit_if(special);
    }

    pub(super) fn divide(&mut self, dst: Reg, a: Reg, b: Reg) {
        let (a, b) = (self.int(a.0), self.int(b.0));
        self.ordinary_divisor(b);
        let value = self.b.ins().sdiv(a, b);
        self.def(dst.0, value);
    }

    pub(super) fn floor_divide(&mut self, dst: Reg, a: Reg, b: Reg) {
        let (a, b) = (self.int(a.0), self.int(b.0));
        self.ordinary_divisor(b);
        let value = self.floored(a, b);
        self.def(dst.0, value);
    }

    /// The quotient, one less where the signs differ and something is left over.
    fn floored(&mut self, a: Value, b: Value) -> Value {
        let quotient = self.b.ins().sdiv(a, b);
        let back = self.b.ins().imul(quotient, b);
        let rest = self.icmp(IntCC::NotEqual, back, a);
        let signs = self.b.ins().bxor(a, b);
        let differ = self.icmp_imm(IntCC::SignedLessThan, signs, 0);
        let less = self.b.ins().band(rest, differ);
        let less = self.b.ins().uextend(types::I64, less);
        self.b.ins().isub(quotient, less)
    }

    pub(super) fn modulo(&mut self, dst: Reg, a: Reg, b: Reg) {
        let (a, b) = (self.int(a.0), self.int(b.0));
        self.ordinary_divisor(b);
        let value = self.remainder(a, b);
        self.def(dst.0, value);
    }

    /// The remainder with the sign of `b`.
    fn remainder(&mut self, a: Value, b: Value) -> Value {
        let rest = self.b.ins().srem(a, b);
        if self.constant_value(b).is_some_and(|b| b > 0) {
            let sign = self.b.ins().sshr_imm_s(rest, 63);
            let more = self.b.ins().band(sign, b);
            return self.b.ins().iadd(rest, more);
        }
        let moved = self.b.ins().iadd(rest, b);
        let signs = self.b.ins().bxor(rest, b);
        let differ = self.icmp_imm(IntCC::SignedLessThan, signs, 0);
        let some = self.icmp_imm(IntCC::NotEqual, rest, 0);
        let wrong = self.b.ins().band(differ, some);
        self.b.ins().select(wrong, moved, rest)
    }

    pub(super) fn negate(&mut self, dst: Reg, a: Reg) {
        let a = self.int(a.0);
        let least = self.icmp_imm(IntCC::Equal, a, i64::MIN);
        self.exit_if(least);
        let value = self.b.ins().ineg(a);
        self.def(dst.0, value);
    }

    pub(super) fn shift(&mut self, dst: Reg, a: Reg, b: Reg, left: bool) {
        let (a, count) = (self.int(a.0), self.int(b.0));
        let negative = self.icmp_imm(IntCC::SignedLessThan, count, 0);
        self.exit_if(negative);
        let many = self.icmp_imm(IntCC::SignedGreaterThan, count, 63);
        let value = if left {
            let shifted = self.b.ins().ishl(a, count);
            let zero = self.iconst(0);
            self.b.ins().select(many, zero, shifted)
        } else {
            let most = self.iconst(63);
            let count = self.b.ins().select(many, most, count);
            self.b.ins().sshr(a, count)
        };
        self.def(dst.0, value);
    }

    pub(super) fn not(&mut self, dst: Reg, a: Reg) {
        let a = self.int(a.0);
        let value = self.b.ins().bnot(a);
        self.def(dst.0, value);
    }

    /// The sum is on the other side of `a` exactly when it overflows.
    pub(super) fn add_immediate(&mut self, dst: Reg, a: Reg, i: Imm16) {
        let a = self.int(a.0);
        let value = self.b.ins().iadd_imm_s(a, i64::from(i.0));
        let cc = match i.0 {
            0 => None,
            _ if self.loops.exact(self.pc) => None,
            1.. => Some(IntCC::SignedLessThan),
            _ => Some(IntCC::SignedGreaterThan),
        };
        if let Some(cc) = cc {
            let over = self.icmp(cc, value, a);
            self.exit_if(over);
        }
        self.def(dst.0, value);
    }

    pub(super) fn multiply_immediate(&mut self, dst: Reg, a: Reg, i: Imm16) {
        let (a, i) = (self.int(a.0), self.iconst(i.0.into()));
        self.checked_values(dst, a, i, Overflow::Mul);
    }

    pub(super) fn divide_immediate(&mut self, dst: Reg, a: Reg, i: Imm16) {
        let (a, i) = (self.int(a.0), self.iconst(i.0.into()));
        let value = self.b.ins().sdiv(a, i);
        self.def(dst.0, value);
    }

    pub(super) fn floor_divide_immediate(&mut self, dst: Reg, a: Reg, i: Imm16) {
        let a = self.int(a.0);
        let value = if i.0 > 0 && i.0.count_ones() == 1 {
            self.b.ins().sshr_imm_s(a, i64::from(i.0.trailing_zeros()))
        } else {
            let i = self.iconst(i.0.into());
            self.floored(a, i)
        };
        self.def(dst.0, value);
    }

    pub(super) fn modulo_immediate(&mut self, dst: Reg, a: Reg, i: Imm16) {
        let a = self.int(a.0);
        let value = match i.0 {
            -1 => self.iconst(0),
            1.. if i.0.count_ones() == 1 => self.b.ins().band_imm_s(a, i64::from(i.0) - 1),
            _ => {
                let i = self.iconst(i.0.into());
                self.remainder(a, i)
            }
        };
        self.def(dst.0, value);
    }

    pub(super) fn and_immediate(&mut self, dst: Reg, a: Reg, i: Imm16) {
        let a = self.int(a.0);
        let value = self.b.ins().band_imm_s(a, i64::from(i.0));
        self.def(dst.0, value);
    }

    pub(super) fn shift_immediate(&mut self, dst: Reg, a: Reg, i: Imm16, left: bool) {
        let (a, count) = (self.int(a.0), i64::from(i.0));
        let value = if left {
            self.b.ins().ishl_imm_s(a, count)
        } else {
            self.b.ins().sshr_imm_s(a, count)
        };
        self.def(dst.0, value);
    }

    pub(super) fn int_test(&mut self, dst: Reg, a: Reg, b: Reg, cc: IntCC) {
        let (a, b) = (self.int(a.0), self.int(b.0));
        let test = self.icmp(cc, a, b);
        self.def_bool(dst, test);
    }

    pub(super) fn bool_negate(&mut self, dst: Reg, a: Reg) {
        let a = self.int(a.0);
        let value = self.b.ins().bxor_imm_s(a, 1);
        self.def(dst.0, value);
    }

    pub(super) fn float_of(&mut self, dst: Reg, a: Reg) {
        let a = self.int(a.0);
        let value = self.b.ins().fcvt_from_sint(types::F64, a);
        self.def(dst.0, value);
    }
}
