//! Numbers. Arithmetic on Int is checked; the wrapping, saturating and checked forms are named.

use lumen_runtime::heap::well_known;
use lumen_runtime::heap::word::NULL;
use lumen_runtime::native::{
    NativeCx, NativeResult, NativeStop, fail, float, float_slot, int, kind,
};

use super::core::whole;

natives! {
    "math.abs(Int) -> Int" => |_, args| checked(int(args[0]).checked_abs(), "abs"),
    "math.abs(Float) -> Float" => |_, args| map(args, f64::abs),
    "math.sign(Int) -> Int" => |_, args| Ok(int(args[0]).signum() as u64),
    "math.sign(Float) -> Float" => |_, args| map(args, |x| if x == 0.0 { x } else { x.signum() }),
    "math.min(Int, Int) -> Int" => |_, args| Ok(int(args[0]).min(int(args[1])) as u64),
    "math.min(Float, Float) -> Float" => |_, args| map2(args, least),
    "math.max(Int, Int) -> Int" => |_, args| Ok(int(args[0]).max(int(args[1])) as u64),
    "math.max(Float, Float) -> Float" => |_, args| map2(args, |a, b| -least(-a, -b)),
    "math.sqrt(Float) -> Float" => |_, args| map(args, f64::sqrt),
    "math.cbrt(Float) -> Float" => |_, args| map(args, f64::cbrt),
    "math.isqrt(Int) -> Int" => |_, args| {
        let n = int(args[0]);
        match n.checked_isqrt() {
            Some(root) => Ok(root as u64),
            None => fail(kind::CONSTRAINT, format!("{n} has no square root")),
        }
    },
    "math.pow(Float, Float) -> Float" => |_, args| map2(args, f64::powf),
    "math.pow(Int, Int) -> Int" => int_pow,
    "math.exp(Float) -> Float" => |_, args| map(args, f64::exp),
    "math.exp_m1(Float) -> Float" => |_, args| map(args, f64::exp_m1),
    "math.ln(Float) -> Float" => |_, args| map(args, f64::ln),
    "math.ln_1p(Float) -> Float" => |_, args| map(args, f64::ln_1p),
    "math.log(Float, Float) -> Float" => |_, args| map2(args, f64::log),
    "math.log2(Float) -> Float" => |_, args| map(args, f64::log2),
    "math.log10(Float) -> Float" => |_, args| map(args, f64::log10),
    "math.sin(Float) -> Float" => |_, args| map(args, f64::sin),
    "math.cos(Float) -> Float" => |_, args| map(args, f64::cos),
    "math.tan(Float) -> Float" => |_, args| map(args, f64::tan),
    "math.asin(Float) -> Float" => |_, args| map(args, f64::asin),
    "math.acos(Float) -> Float" => |_, args| map(args, f64::acos),
    "math.atan(Float) -> Float" => |_, args| map(args, f64::atan),
    "math.atan2(Float, Float) -> Float" => |_, args| map2(args, f64::atan2),
    "math.sinh(Float) -> Float" => |_, args| map(args, f64::sinh),
    "math.cosh(Float) -> Float" => |_, args| map(args, f64::cosh),
    "math.tanh(Float) -> Float" => |_, args| map(args, f64::tanh),
    "math.hypot(Float, Float) -> Float" => |_, args| map2(args, f64::hypot),
    "math.floor(Float) -> Int" => |_, args| to_int(float(args[0]).floor()),
    "math.ceil(Float) -> Int" => |_, args| to_int(float(args[0]).ceil()),
    "math.round(Float) -> Int" => |_, args| to_int(float(args[0]).round()),
    "math.trunc(Float) -> Int" => |_, args| to_int(float(args[0]).trunc()),
    "math.round_to(Float, Int) -> Float" => round_to,
    "math.fract(Float) -> Float" => |_, args| map(args, f64::fract),
    "math.is_nan(Float) -> Bool" => |_, args| Ok(u64::from(float(args[0]).is_nan())),
    "math.is_finite(Float) -> Bool" => |_, args| Ok(u64::from(float(args[0]).is_finite())),
    "math.is_infinite(Float) -> Bool" => |_, args| Ok(u64::from(float(args[0]).is_infinite())),
    "math.to_bits(Float) -> Int" => |_, args| Ok(args[0]),
    "math.from_bits(Int) -> Float" => |_, args| Ok(args[0]),
    "math.gcd(Int, Int) -> Int" => gcd,
    "math.wrapping_add(Int, Int) -> Int" => |_, args| Ok(args[0].wrapping_add(args[1])),
    "math.wrapping_sub(Int, Int) -> Int" => |_, args| Ok(args[0].wrapping_sub(args[1])),
    "math.wrapping_mul(Int, Int) -> Int" => |_, args| Ok(args[0].wrapping_mul(args[1])),
    "math.wrapping_neg(Int) -> Int" => |_, args| Ok(args[0].wrapping_neg()),
    "math.saturating_add(Int, Int) -> Int" => |_, args| {
        Ok(int(args[0]).saturating_add(int(args[1])) as u64)
    },
    "math.saturating_sub(Int, Int) -> Int" => |_, args| {
        Ok(int(args[0]).saturating_sub(int(args[1])) as u64)
    },
    "math.saturating_mul(Int, Int) -> Int" => |_, args| {
        Ok(int(args[0]).saturating_mul(int(args[1])) as u64)
    },
    "math.checked_add(Int, Int) -> Int?" => |cx, args| maybe(cx, args, i64::checked_add),
    "math.checked_sub(Int, Int) -> Int?" => |cx, args| maybe(cx, args, i64::checked_sub),
    "math.checked_mul(Int, Int) -> Int?" => |cx, args| maybe(cx, args, i64::checked_mul),
    "math.checked_div(Int, Int) -> Int?" => |cx, args| maybe(cx, args, i64::checked_div),
    "math.mul_mod(Int, Int, Int) -> Int" => mul_mod,
    "math.pow_mod(Int, Int, Int) -> Int" => pow_mod,
}

fn map(args: &[u64], f: fn(f64) -> f64) -> NativeResult {
    Ok(float_slot(f(float(args[0]))))
}

fn map2(args: &[u64], f: fn(f64, f64) -> f64) -> NativeResult {
    Ok(float_slot(f(float(args[0]), float(args[1]))))
}

/// The smaller one, or NaN if either is.
fn least(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.min(b)
    }
}

fn checked(result: Option<i64>, what: &str) -> NativeResult {
    match result {
        Some(i) => Ok(i as u64),
        None => fail(kind::OVERFLOW, format!("integer overflow in {what}")),
    }
}

fn maybe(cx: &mut NativeCx<'_>, args: &[u64], f: fn(i64, i64) -> Option<i64>) -> NativeResult {
    match f(int(args[0]), int(args[1])) {
        Some(i) => cx.word(i as u64, well_known::INT),
        None => Ok(NULL),
    }
}

fn to_int(f: f64) -> NativeResult {
    match whole(f) {
        Some(i) => Ok(i as u64),
        None => fail(kind::CAST, format!("{f:?} is not within the range of Int")),
    }
}

fn int_pow(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (base, exponent) = (int(args[0]), int(args[1]));
    if exponent < 0 {
        return fail(
            kind::CONSTRAINT,
            format!("negative exponent {exponent} for an Int"),
        );
    }
    match (base, u32::try_from(exponent)) {
        (0 | 1, _) => Ok(if exponent == 0 { 1 } else { base as u64 }),
        (-1, _) => Ok((if exponent % 2 == 0 { 1i64 } else { -1 }) as u64),
        (_, Ok(exponent)) => checked(base.checked_pow(exponent), "pow"),
        (_, Err(_)) => checked(None, "pow"),
    }
}

/// Rounds to so many decimal places, halves away from zero.
fn round_to(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (x, places) = (float(args[0]), int(args[1]).clamp(-400, 400) as i32);
    // Through the decimal text where it matters: 2.675 is not the number it reads as.
    let rounded = if (0..=17).contains(&places) && x.abs() < 1e15 {
        let scale = 10f64.powi(places);
        let scaled = (x * scale).round() / scale;
        if scaled.is_finite() { scaled } else { x }
    } else if places < 0 {
        let scale = 10f64.powi(-places);
        if scale.is_finite() {
            (x / scale).round() * scale
        } else {
            0.0 * x
        }
    } else {
        x
    };
    Ok(float_slot(rounded))
}

fn gcd(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (mut a, mut b) = (int(args[0]).unsigned_abs(), int(args[1]).unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    checked(i64::try_from(a).ok(), "gcd")
}

fn modulus(m: i64) -> Result<i128, NativeStop> {
    if m > 0 {
        Ok(i128::from(m))
    } else {
        fail(
            kind::CONSTRAINT,
            format!("the modulus must be positive, found {m}"),
        )
    }
}

fn mul_mod(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let m = modulus(int(args[2]))?;
    let product = i128::from(int(args[0])) * i128::from(int(args[1]));
    Ok(product.rem_euclid(m) as u64)
}

fn pow_mod(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let m = modulus(int(args[2]))?;
    let mut exponent = int(args[1]);
    if exponent < 0 {
        return fail(kind::CONSTRAINT, format!("negative exponent {exponent}"));
    }
    let mut base = i128::from(int(args[0])).rem_euclid(m);
    let mut result = 1 % m;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % m;
        }
        base = base * base % m;
        exponent >>= 1;
    }
    Ok(result as u64)
}
