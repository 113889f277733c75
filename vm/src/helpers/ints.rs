//! Int arithmetic that is more than a few instructions.

use lumen_bytecode::module::FailureKind;

use super::{fail, helpers};
use crate::interp::operand::{int, put};

helpers! {
    /// `int.pow`.
    fn int_pow(pc, r, cx) {
        let (base, exponent) = (int(r, pc, 1), int(r, pc, 2));
        if exponent < 0 {
            return fail(pc, cx, FailureKind::Argument, "negative exponent");
        }
        let Some(value) = power(base, exponent) else {
            return fail(pc, cx, FailureKind::Overflow, "integer overflow");
        };
        put(r, pc, 0, value as u64);
        true
    }
}

/// `base ** exponent`, or None when it does not fit.
fn power(base: i64, exponent: i64) -> Option<i64> {
    match (base, u32::try_from(exponent)) {
        (_, Ok(e)) => base.checked_pow(e),
        (0 | 1, _) => Some(base),
        (-1, _) => Some(if exponent & 1 == 0 { 1 } else { -1 }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::power;

    #[test]
    fn powers() {
        assert_eq!(power(2, 62), Some(1 << 62));
        assert_eq!(power(2, 63), None);
        assert_eq!(power(-1, i64::MAX), Some(-1));
        assert_eq!(power(0, 0), Some(1));
    }
}
