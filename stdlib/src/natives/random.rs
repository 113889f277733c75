//! Randomness from the host: seeded in a deterministic run, from the system otherwise. Generators
//! that are values (`std.random`) are written in Lumen.

use lumen_runtime::native::{NativeCx, NativeResult, fail, float_slot, int, kind};

natives! {
    "random.random_bits() -> Int" => |cx, _| Ok(cx.random()),
    "random._mix(Int) -> Int" => |_, args| Ok(mix(args[0])),
    "random._unit(Int) -> Float" => |_, args| Ok(float_slot(unit(args[0]))),
    "random._bounded(Int, Int, Int) -> Int" => |_, args| {
        let bits = args[0];
        pick(int(args[1]), int(args[2]), || bits)
    },
}

/// The finaliser of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014).
fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A Float in `0.0 .. 1.0` from the upper 53 bits.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// An Int in `low..=high`, by the upper half of a wide product: the bias is below 2^-64 times the
/// width of the range.
fn pick(low: i64, high: i64, bits: impl FnOnce() -> u64) -> NativeResult {
    if low > high {
        return fail(kind::CONSTRAINT, format!("empty range {low}..={high}"));
    }
    let width = (i128::from(high) - i128::from(low) + 1) as u128;
    let offset = (u128::from(bits()) * width) >> 64;
    Ok((i128::from(low) + offset as i128) as i64 as u64)
}

/// `random()`: a Float in `0.0 .. 1.0`.
pub(super) fn float(cx: &mut NativeCx<'_>, _: &mut [u64]) -> NativeResult {
    Ok(float_slot(unit(cx.random())))
}

/// `random_int(low, high)`: an Int from `low` to `high`, both included.
pub(super) fn in_range(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    pick(int(args[0]), int(args[1]), || cx.random())
}

/// `uuid()`: a random (version 4) UUID.
pub(super) fn uuid(cx: &mut NativeCx<'_>, _: &mut [u64]) -> NativeResult {
    let bits = (u128::from(cx.random()) << 64) | u128::from(cx.random());
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let h = format!("{bits:032x}");
    cx.string(&format!(
        "{}-{}-{}-{}-{}",
        &h[..8],
        &h[8..12],
        &h[12..16],
        &h[16..20],
        &h[20..]
    ))
}
