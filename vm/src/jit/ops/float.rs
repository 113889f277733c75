//! Float arithmetic.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, InstructionData, Value, types};
use lumen_bytecode::operand::*;

use crate::jit::support;
use crate::jit::translate::Translator;

/// Operations on two Floats.
#[derive(Clone, Copy)]
pub(super) enum Op {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
}

/// Operations on one.
#[derive(Clone, Copy)]
pub(super) enum Unary {
    Neg,
    Sqrt,
    Abs,
}

impl Translator<'_, '_> {
    pub(super) fn float_op(&mut self, dst: Reg, a: Reg, b: Reg, op: Op) {
        let (a, b) = (self.float(a.0), self.float(b.0));
        let value = match op {
            Op::Add => self.b.ins().fadd(a, b),
            Op::Sub => self.b.ins().fsub(a, b),
            Op::Mul => self.b.ins().fmul(a, b),
            Op::Div => self.quotient(a, b),
            Op::FloorDiv => {
                let quotient = self.b.ins().fdiv(a, b);
                self.b.ins().floor(quotient)
            }
            Op::Mod => {
                let quotient = self.b.ins().fdiv(a, b);
                let floor = self.b.ins().floor(quotient);
                let whole = self.b.ins().fmul(b, floor);
                self.b.ins().fsub(a, whole)
            }
        };
        self.def(dst.0, value);
    }

    /// A quotient. Dividing by a power of two is multiplying by its inverse, which is exact.
    fn quotient(&mut self, a: Value, b: Value) -> Value {
        let inverse = self.float_constant(b).and_then(|b| {
            let mantissa = b.to_bits() & ((1 << 52) - 1);
            let inverse = 1.0 / b;
            (mantissa == 0 && b.is_normal() && inverse.is_normal()).then_some(inverse)
        });
        match inverse {
            Some(inverse) => {
                let inverse = self.b.ins().f64const(inverse);
                self.b.ins().fmul(a, inverse)
            }
            None => self.b.ins().fdiv(a, b),
        }
    }

    /// The constant that a value is.
    fn float_constant(&self, value: Value) -> Option<f64> {
        let inst = self.b.func.dfg.value_def(value).inst()?;
        match self.b.func.dfg.insts[inst] {
            InstructionData::UnaryIeee64 { imm, .. } => Some(f64::from_bits(imm.bits())),
            _ => None,
        }
    }

    pub(super) fn float_power(&mut self, dst: Reg, a: Reg, b: Reg) {
        let args = [self.float(a.0), self.float(b.0)];
        let power = support::float_pow as *const () as usize;
        if let Some(value) = self.call_rust(power, &args, Some(types::F64)) {
            self.def(dst.0, value);
        }
    }

    pub(super) fn float_unary(&mut self, dst: Reg, a: Reg, op: Unary) {
        let a = self.float(a.0);
        let ins = self.b.ins();
        let value = match op {
            Unary::Neg => ins.fneg(a),
            Unary::Sqrt => ins.sqrt(a),
            Unary::Abs => ins.fabs(a),
        };
        self.def(dst.0, value);
    }

    pub(super) fn multiply_add(&mut self, dst: Reg, a: Reg, b: Reg, c: Reg) {
        let (a, b, c) = (self.float(a.0), self.float(b.0), self.float(c.0));
        let product = self.b.ins().fmul(a, b);
        let value = self.b.ins().fadd(product, c);
        self.def(dst.0, value);
    }

    pub(super) fn multiply_subtract(&mut self, dst: Reg, a: Reg, b: Reg, c: Reg) {
        let (a, b, c) = (self.float(a.0), self.float(b.0), self.float(c.0));
        let product = self.b.ins().fmul(a, b);
        let value = self.b.ins().fsub(c, product);
        self.def(dst.0, value);
    }

    pub(super) fn float_test(&mut self, dst: Reg, a: Reg, b: Reg, cc: FloatCC) {
        let (a, b) = (self.float(a.0), self.float(b.0));
        let test = self.b.ins().fcmp(cc, a, b);
        self.def_bool(dst, test);
    }
}
