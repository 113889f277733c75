//! Bit operations on the 64 bits of an Int.

use lumen_runtime::native::{NativeResult, fail, int, kind};

natives! {
    "bits.count_ones(Int) -> Int" => |_, args| Ok(args[0].count_ones().into()),
    "bits.count_zeros(Int) -> Int" => |_, args| Ok(args[0].count_zeros().into()),
    "bits.leading_zeros(Int) -> Int" => |_, args| Ok(args[0].leading_zeros().into()),
    "bits.trailing_zeros(Int) -> Int" => |_, args| Ok(args[0].trailing_zeros().into()),
    "bits.rotate_left(Int, Int) -> Int" => |_, args| {
        Ok(args[0].rotate_left(int(args[1]).rem_euclid(64) as u32))
    },
    "bits.rotate_right(Int, Int) -> Int" => |_, args| {
        Ok(args[0].rotate_right(int(args[1]).rem_euclid(64) as u32))
    },
    "bits.shift_right_logical(Int, Int) -> Int" => |_, args| {
        if int(args[1]) < 0 {
            return fail(kind::CONSTRAINT, format!("negative shift {}", int(args[1])));
        }
        Ok(if args[1] > 63 { 0 } else { args[0] >> args[1] })
    },
    "bits.bit_not(Int) -> Int" => |_, args| Ok(!args[0]),
    "bits.reverse_bits(Int) -> Int" => |_, args| Ok(args[0].reverse_bits()),
    "bits.swap_bytes(Int) -> Int" => |_, args| Ok(args[0].swap_bytes()),
    "bits.test_bit(Int, Int) -> Bool" => |_, args| with_bit(args, |x, bit| u64::from(x & bit != 0)),
    "bits.set_bit(Int, Int) -> Int" => |_, args| with_bit(args, |x, bit| x | bit),
    "bits.clear_bit(Int, Int) -> Int" => |_, args| with_bit(args, |x, bit| x & !bit),
    "bits.toggle_bit(Int, Int) -> Int" => |_, args| with_bit(args, |x, bit| x ^ bit),
    "bits.to_binary(Int) -> String" => |cx, args| cx.string(&format!("{:b}", args[0])),
    "bits.to_hex(Int) -> String" => |cx, args| cx.string(&format!("{:x}", args[0])),
}

fn with_bit(args: &[u64], f: fn(u64, u64) -> u64) -> NativeResult {
    match args[1] {
        i @ 0..=63 => Ok(f(args[0], 1 << i)),
        _ => fail(
            kind::INDEX,
            format!("bit {} is out of range (0 to 63)", int(args[1])),
        ),
    }
}
