//! Natives: those that are a few instructions are done here; those that are a function of Floats
//! are called without a frame.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use lumen_bytecode::operand::*;
use lumen_runtime::heap::object::STRING_CHARS_OFFSET;

use crate::jit::support;
use crate::jit::translate::Translator;

/// Functions of Floats by key, as `extern "C"`. A test compares each with the library's.
macro_rules! float_functions {
    ($($key:literal $name:ident ($($arg:ident),+) $value:expr;)*) => {
        $(extern "C" fn $name($($arg: f64),+) -> f64 {
            $value
        })*

        /// The function of Floats called `key`, and how many it takes.
        fn float_function(key: &str) -> Option<(usize, usize)> {
            match key {
                $($key => Some(($name as *const () as usize, [$(stringify!($arg)),+].len())),)*
                _ => None,
            }
        }
    };
}

float_functions! {
    "math.sin(Float) -> Float" sin(x) x.sin();
    "math.cos(Float) -> Float" cos(x) x.cos();
    "math.tan(Float) -> Float" tan(x) x.tan();
    "math.asin(Float) -> Float" asin(x) x.asin();
    "math.acos(Float) -> Float" acos(x) x.acos();
    "math.atan(Float) -> Float" atan(x) x.atan();
    "math.atan2(Float, Float) -> Float" atan2(a, b) a.atan2(b);
    "math.exp(Float) -> Float" exp(x) x.exp();
    "math.ln(Float) -> Float" ln(x) x.ln();
    "math.log2(Float) -> Float" log2(x) x.log2();
    "math.log10(Float) -> Float" log10(x) x.log10();
    "math.cbrt(Float) -> Float" cbrt(x) x.cbrt();
    "math.tanh(Float) -> Float" tanh(x) x.tanh();
    "math.hypot(Float, Float) -> Float" hypot(a, b) a.hypot(b);
    "math.pow(Float, Float) -> Float" pow(a, b) a.powf(b);
}

impl Translator<'_, '_> {
    pub(super) fn call_native_op(&mut self, dst: Reg, first: Window, native: Native) {
        let native = usize::from(native.0);
        if self.env.image.natives[native].replaced {
            return self.status_helper(support::call_native as *const ());
        }
        let key = self.env.module.natives[native].key.as_str();
        if let Some(value) = self.intrinsic(key, first.0) {
            return self.def(dst.0, value);
        }
        if let Some((_, helper)) = crate::helpers::maps::walking(key) {
            return self.helper(helper);
        }
        if let Some((function, n)) = float_function(key) {
            let args: Vec<Value> = (first.0..).take(n).map(|reg| self.float(reg)).collect();
            if let Some(value) = self.call_rust(function, &args, Some(types::F64)) {
                return self.def(dst.0, value);
            }
        }
        self.status_helper(support::call_native as *const ());
    }

    /// The result of a native that is a few instructions; what it fails on is an exit.
    fn intrinsic(&mut self, key: &str, first: u16) -> Option<Value> {
        let second = first + 1;
        Some(match key {
            "math.max(Int, Int) -> Int" => {
                let (a, b) = (self.int(first), self.int(second));
                self.b.ins().smax(a, b)
            }
            "math.min(Int, Int) -> Int" => {
                let (a, b) = (self.int(first), self.int(second));
                self.b.ins().smin(a, b)
            }
            "math.abs(Int) -> Int" => {
                let a = self.int(first);
                let least = self.icmp_imm(IntCC::Equal, a, i64::MIN);
                self.exit_if(least);
                self.b.ins().iabs(a)
            }
            "math.abs(Float) -> Float" => {
                let a = self.float(first);
                self.b.ins().fabs(a)
            }
            "math.sqrt(Float) -> Float" => {
                let a = self.float(first);
                self.b.ins().sqrt(a)
            }
            "math.floor(Float) -> Int" => {
                let a = self.float(first);
                let whole = self.b.ins().floor(a);
                self.whole(whole)
            }
            "math.ceil(Float) -> Int" => {
                let a = self.float(first);
                let whole = self.b.ins().ceil(a);
                self.whole(whole)
            }
            "math.trunc(Float) -> Int" => {
                let a = self.float(first);
                let whole = self.b.ins().trunc(a);
                self.whole(whole)
            }
            "math.wrapping_add(Int, Int) -> Int" => {
                let (a, b) = (self.int(first), self.int(second));
                self.b.ins().iadd(a, b)
            }
            "math.wrapping_sub(Int, Int) -> Int" => {
                let (a, b) = (self.int(first), self.int(second));
                self.b.ins().isub(a, b)
            }
            "math.wrapping_mul(Int, Int) -> Int" => {
                let (a, b) = (self.int(first), self.int(second));
                self.b.ins().imul(a, b)
            }
            "string.len(String) -> Int" | "string.length(String) -> Int" => {
                let (text, flags) = (self.int(first), self.flags.header);
                self.b
                    .ins()
                    .uload32(flags, text, STRING_CHARS_OFFSET as i32)
            }
            _ => return None,
        })
    }

    /// A whole Float as an Int; exits when it does not fit.
    fn whole(&mut self, float: Value) -> Value {
        // Both bounds are powers of two, so exact.
        let low = self.b.ins().f64const(-9_223_372_036_854_775_808.0);
        let high = self.b.ins().f64const(9_223_372_036_854_775_808.0);
        let above = self.b.ins().fcmp(FloatCC::GreaterThanOrEqual, float, low);
        self.exit_unless(above);
        let below = self.b.ins().fcmp(FloatCC::LessThan, float, high);
        self.exit_unless(below);
        self.b.ins().fcvt_to_sint_sat(types::I64, float)
    }
}
