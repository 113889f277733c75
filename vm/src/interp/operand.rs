//! Reading operands straight from instruction lanes: lane `n` is the `n + 1`th 16-bit unit.
//!
//! # Safety
//! Everywhere: `pc` is an instruction that has this lane (two for 32-bit operands), and registers
//! it names lie in the frame at `r`. The verifier saw to both.

use super::dispatch::{Pc, Regs};

const _: () = assert!(
    cfg!(target_endian = "little"),
    "lanes are read as little-endian units"
);

/// A 16-bit lane.
#[inline(always)]
pub(crate) unsafe fn lane(pc: Pc, n: usize) -> usize {
    // SAFETY: see the module.
    usize::from(unsafe { *pc.cast::<u16>().add(n + 1) })
}

/// A signed 16-bit lane.
#[inline(always)]
pub(crate) unsafe fn imm16(pc: Pc, n: usize) -> i64 {
    // SAFETY: see the module.
    i64::from(unsafe { *pc.cast::<i16>().add(n + 1) })
}

/// Two lanes as a signed number.
#[inline(always)]
pub(crate) unsafe fn imm32(pc: Pc, n: usize) -> i64 {
    // SAFETY: see the module.
    i64::from(unsafe { pc.cast::<u16>().add(n + 1).cast::<i32>().read_unaligned() })
}

/// Two lanes as an index.
#[inline(always)]
pub(crate) unsafe fn index32(pc: Pc, n: usize) -> usize {
    // SAFETY: see the module.
    (unsafe { pc.cast::<u16>().add(n + 1).cast::<u32>().read_unaligned() }) as usize
}

/// Where a 16-bit label at lane `n` leads.
#[inline(always)]
pub(crate) unsafe fn target16(pc: Pc, n: usize) -> Pc {
    // SAFETY: see the module; targets lie in the same function.
    unsafe { pc.offset(imm16(pc, n) as isize) }
}

/// Where a 32-bit label at lane `n` leads.
#[inline(always)]
pub(crate) unsafe fn target32(pc: Pc, n: usize) -> Pc {
    // SAFETY: see the module; targets lie in the same function.
    unsafe { pc.offset(imm32(pc, n) as isize) }
}

/// The register that lane `n` names.
#[inline(always)]
pub(crate) unsafe fn reg(r: Regs, pc: Pc, n: usize) -> *mut u64 {
    // SAFETY: see the module.
    unsafe { r.add(lane(pc, n)) }
}

/// Its slot.
#[inline(always)]
pub(crate) unsafe fn get(r: Regs, pc: Pc, n: usize) -> u64 {
    // SAFETY: see the module.
    unsafe { *reg(r, pc, n) }
}

/// Its slot as an Int.
#[inline(always)]
pub(crate) unsafe fn int(r: Regs, pc: Pc, n: usize) -> i64 {
    // SAFETY: see the module.
    (unsafe { *reg(r, pc, n) }) as i64
}

/// Its slot as a Float.
#[inline(always)]
pub(crate) unsafe fn float(r: Regs, pc: Pc, n: usize) -> f64 {
    // SAFETY: see the module.
    f64::from_bits(unsafe { *reg(r, pc, n) })
}

/// Writes the register that lane `n` names.
#[inline(always)]
pub(crate) unsafe fn put(r: Regs, pc: Pc, n: usize, value: u64) {
    // SAFETY: see the module.
    unsafe { *reg(r, pc, n) = value }
}

/// Writes a Float.
#[inline(always)]
pub(crate) unsafe fn put_float(r: Regs, pc: Pc, n: usize, value: f64) {
    // SAFETY: see the module.
    unsafe { *reg(r, pc, n) = value.to_bits() }
}
