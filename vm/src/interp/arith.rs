//! Moves, Int and Float arithmetic.

use super::dispatch::{Cx, Flow, Pc, Regs, Table, go, handlers};
use super::fail::{fail_division, fail_overflow, fail_shift};
use super::operand::{float, get, imm16, imm32, index32, int, put, put_float};

handlers! {
    fn move_(pc, r, cx, t) {
        put(r, pc, 0, get(r, pc, 1));
        go(pc.add(1), r, cx, t)
    }
    fn lend(pc, r, cx, t) {
        put(r, pc, 0, get(r, pc, 1));
        go(pc.add(1), r, cx, t)
    }
    fn const_(pc, r, cx, t) {
        put(r, pc, 0, *(*cx).constants.add(index32(pc, 1)));
        go(pc.add(1), r, cx, t)
    }
    fn int_const(pc, r, cx, t) {
        put(r, pc, 0, imm32(pc, 1) as u64);
        go(pc.add(1), r, cx, t)
    }
}

/// Checked: fails Overflow.
macro_rules! int_checked {
    ($($name:ident $method:ident $right:expr;)*) => { handlers! { $(
        fn $name(pc, r, cx, t) {
            let (value, over) = int(r, pc, 1).$method($right(r, pc));
            if over {
                return fail_overflow(pc, r, cx, t);
            }
            put(r, pc, 0, value as u64);
            go(pc.add(1), r, cx, t)
        }
    )* } };
}

#[inline(always)]
unsafe fn right_reg(r: Regs, pc: Pc) -> i64 {
    // SAFETY: as in `operand`.
    unsafe { int(r, pc, 2) }
}

#[inline(always)]
unsafe fn right_imm(_: Regs, pc: Pc) -> i64 {
    // SAFETY: as in `operand`.
    unsafe { imm16(pc, 2) }
}

int_checked! {
    int_add overflowing_add right_reg;
    int_sub overflowing_sub right_reg;
    int_mul overflowing_mul right_reg;
    int_add_i overflowing_add right_imm;
    int_mul_i overflowing_mul right_imm;
}

/// Total functions of two Ints.
macro_rules! int_total {
    ($($name:ident |$a:ident, $b:ident| $value:expr, $right:expr;)*) => { handlers! { $(
        fn $name(pc, r, cx, t) {
            let ($a, $b) = (int(r, pc, 1), $right(r, pc));
            put(r, pc, 0, ($value) as u64);
            go(pc.add(1), r, cx, t)
        }
    )* } };
}

int_total! {
    int_and |a, b| a & b, right_reg;
    int_or |a, b| a | b, right_reg;
    int_xor |a, b| a ^ b, right_reg;
    int_wrap_add |a, b| a.wrapping_add(b), right_reg;
    int_wrap_sub |a, b| a.wrapping_sub(b), right_reg;
    int_wrap_mul |a, b| a.wrapping_mul(b), right_reg;
    int_eq |a, b| a == b, right_reg;
    int_ne |a, b| a != b, right_reg;
    int_lt |a, b| a < b, right_reg;
    int_le |a, b| a <= b, right_reg;
    int_div_i |a, b| a.wrapping_div(b), nonzero_imm;
    int_floor_div_i |a, b| floor_div(a, b), nonzero_imm;
    int_mod_i |a, b| floor_mod(a, b), nonzero_imm;
    int_and_i |a, b| a & b, right_imm;
    int_shl_i |a, b| a.wrapping_shl(b as u32), right_imm;
    int_shr_i |a, b| a.wrapping_shr(b as u32), right_imm;
}

/// The verifier excludes 0; telling the optimiser saves the test for it.
#[inline(always)]
unsafe fn nonzero_imm(_: Regs, pc: Pc) -> i64 {
    // SAFETY: as in `operand`; the verifier refuses an immediate divisor of 0.
    unsafe {
        let i = imm16(pc, 2);
        std::hint::assert_unchecked(i != 0);
        i
    }
}

/// Floored quotient; `b` not 0, not `MIN // -1`.
#[inline(always)]
fn floor_div(a: i64, b: i64) -> i64 {
    let q = a.wrapping_div(b);
    q - i64::from((a ^ b) < 0 && q.wrapping_mul(b) != a)
}

/// Remainder with the sign of `b`; `b` not 0.
#[inline(always)]
fn floor_mod(a: i64, b: i64) -> i64 {
    let m = a.wrapping_rem(b);
    if m != 0 && (m ^ b) < 0 { m + b } else { m }
}

/// Divisions: `b == 0` fails, and `b == -1` is special because of the smallest Int.
macro_rules! int_division {
    ($($name:ident |$a:ident, $b:ident| $value:expr, $by_minus_one:ident;)*) => { handlers! { $(
        fn $name(pc, r, cx, t) {
            let ($a, $b) = (int(r, pc, 1), int(r, pc, 2));
            if ($b as u64).wrapping_add(1) <= 1 {
                return $by_minus_one(pc, r, cx, t);
            }
            put(r, pc, 0, ($value) as u64);
            go(pc.add(1), r, cx, t)
        }
    )* } };
}

int_division! {
    int_div |a, b| a.wrapping_div(b), div_by_minus_one;
    int_floor_div |a, b| floor_div(a, b), div_by_minus_one;
    int_mod |a, b| floor_mod(a, b), mod_by_minus_one;
}

handlers! {
    cold div_by_minus_one(pc, r, cx, t) {
        if int(r, pc, 2) == 0 {
            return fail_division(pc, r, cx, t);
        }
        let Some(value) = int(r, pc, 1).checked_neg() else {
            return fail_overflow(pc, r, cx, t);
        };
        put(r, pc, 0, value as u64);
        go(pc.add(1), r, cx, t)
    }
    cold mod_by_minus_one(pc, r, cx, t) {
        if int(r, pc, 2) == 0 {
            return fail_division(pc, r, cx, t);
        }
        put(r, pc, 0, 0);
        go(pc.add(1), r, cx, t)
    }
    fn int_neg(pc, r, cx, t) {
        let (value, over) = int(r, pc, 1).overflowing_neg();
        if over {
            return fail_overflow(pc, r, cx, t);
        }
        put(r, pc, 0, value as u64);
        go(pc.add(1), r, cx, t)
    }
    fn int_shl(pc, r, cx, t) {
        let (a, count) = (int(r, pc, 1), int(r, pc, 2));
        if count < 0 {
            return fail_shift(pc, r, cx, t);
        }
        put(r, pc, 0, if count < 64 { (a as u64) << count } else { 0 });
        go(pc.add(1), r, cx, t)
    }
    fn int_shr(pc, r, cx, t) {
        let (a, count) = (int(r, pc, 1), int(r, pc, 2));
        if count < 0 {
            return fail_shift(pc, r, cx, t);
        }
        put(r, pc, 0, (a >> count.min(63)) as u64);
        go(pc.add(1), r, cx, t)
    }
    fn int_not(pc, r, cx, t) {
        put(r, pc, 0, !get(r, pc, 1));
        go(pc.add(1), r, cx, t)
    }
    fn bool_not(pc, r, cx, t) {
        put(r, pc, 0, get(r, pc, 1) ^ 1);
        go(pc.add(1), r, cx, t)
    }
    fn int_to_float(pc, r, cx, t) {
        put_float(r, pc, 0, int(r, pc, 1) as f64);
        go(pc.add(1), r, cx, t)
    }
}

/// Functions of two Floats.
macro_rules! float_binary {
    ($($name:ident |$a:ident, $b:ident| $put:ident $value:expr;)*) => { handlers! { $(
        fn $name(pc, r, cx, t) {
            let ($a, $b) = (float(r, pc, 1), float(r, pc, 2));
            $put(r, pc, 0, $value);
            go(pc.add(1), r, cx, t)
        }
    )* } };
}

float_binary! {
    float_add |a, b| put_float a + b;
    float_sub |a, b| put_float a - b;
    float_mul |a, b| put_float a * b;
    float_div |a, b| put_float a / b;
    float_floor_div |a, b| put_float (a / b).floor();
    float_mod |a, b| put_float a - b * (a / b).floor();
    float_pow |a, b| put_float a.powf(b);
    float_eq |a, b| put u64::from(a == b);
    float_ne |a, b| put u64::from(a != b);
    float_lt |a, b| put u64::from(a < b);
    float_le |a, b| put u64::from(a <= b);
}

handlers! {
    fn float_neg(pc, r, cx, t) {
        put_float(r, pc, 0, -float(r, pc, 1));
        go(pc.add(1), r, cx, t)
    }
    fn float_sqrt(pc, r, cx, t) {
        put_float(r, pc, 0, float(r, pc, 1).sqrt());
        go(pc.add(1), r, cx, t)
    }
    fn float_abs(pc, r, cx, t) {
        put_float(r, pc, 0, float(r, pc, 1).abs());
        go(pc.add(1), r, cx, t)
    }
    fn float_mul_add(pc, r, cx, t) {
        put_float(r, pc, 0, float(r, pc, 1) * float(r, pc, 2) + float(r, pc, 3));
        go(pc.add(2), r, cx, t)
    }
    fn float_mul_sub(pc, r, cx, t) {
        put_float(r, pc, 0, float(r, pc, 3) - float(r, pc, 1) * float(r, pc, 2));
        go(pc.add(2), r, cx, t)
    }
}

#[cfg(test)]
mod tests {
    use super::{floor_div, floor_mod};

    #[test]
    fn floored_division_follows_the_divisor() {
        for (a, b, q, m) in [
            (7, 2, 3, 1),
            (-7, 2, -4, 1),
            (7, -2, -4, -1),
            (-7, -2, 3, -1),
        ] {
            assert_eq!((floor_div(a, b), floor_mod(a, b)), (q, m), "{a} // {b}");
        }
        assert_eq!(floor_mod(i64::MIN, -1), 0);
    }
}
