//! Words: the 64-bit encoding of a value whose static type is not Int, Bool or Float.
//!
//! ```text
//!  63                               32 31                        2 1 0
//! |            pointer to a counted heap object                  |0 0 0|   not 0
//! |                                  0                                 |   absent
//! |            Int in 63 bits, two's complement                      |1|
//! |          type index               |        payload            |1 0|   immediate
//! ```

use super::object::Header;
use super::types::{TypeIx, well_known};

/// An uninitialised or moved-out slot; never a value.
pub const ABSENT: u64 = 0;
/// Low bit of a small Int.
pub const INT_TAG: u64 = 0b1;
/// The two low bits of an immediate.
pub const IMMEDIATE_TAG: u64 = 0b10;
/// Mask of the two low bits, which tell a pointer (both clear) from the other words.
pub const TAG_MASK: u64 = 0b11;
/// The word `null`.
pub const NULL: u64 = immediate(well_known::NULL, 0);
/// The word `false`.
pub const FALSE: u64 = immediate(well_known::BOOL, 0);
/// The word `true`.
pub const TRUE: u64 = immediate(well_known::BOOL, 1);
/// The smallest Int that needs no box.
pub const SMALL_INT_MIN: i64 = i64::MIN >> 1;
/// The largest Int that needs no box.
pub const SMALL_INT_MAX: i64 = i64::MAX >> 1;

/// The immediate of type `ty` with a 30-bit payload.
#[inline(always)]
pub const fn immediate(ty: TypeIx, payload: u32) -> u64 {
    ((ty as u64) << 32) | ((payload as u64) << 2) | IMMEDIATE_TAG
}

/// The word of a Bool.
#[inline(always)]
pub const fn bool_word(b: bool) -> u64 {
    if b { TRUE } else { FALSE }
}

/// The word of a small Int, if it fits in 63 bits.
#[inline(always)]
pub const fn small_int(i: i64) -> Option<u64> {
    if (i << 1) >> 1 == i {
        Some(((i as u64) << 1) | INT_TAG)
    } else {
        None
    }
}

/// Whether the word is a small Int.
#[inline(always)]
pub const fn is_small_int(w: u64) -> bool {
    w & INT_TAG != 0
}

/// The value of a small Int.
#[inline(always)]
pub const fn small_int_value(w: u64) -> i64 {
    (w as i64) >> 1
}

/// Whether the word is an immediate.
#[inline(always)]
pub const fn is_immediate(w: u64) -> bool {
    w & TAG_MASK == IMMEDIATE_TAG
}

/// The type of an immediate.
#[inline(always)]
pub const fn immediate_type(w: u64) -> TypeIx {
    (w >> 32) as u32
}

/// The payload of an immediate.
#[inline(always)]
pub const fn immediate_payload(w: u64) -> u32 {
    ((w as u32) >> 2) & 0x3fff_ffff
}

/// Whether the word points to a heap object.
#[inline(always)]
pub const fn is_pointer(w: u64) -> bool {
    w & TAG_MASK == 0 && w != 0
}

/// The header a pointer word points to. Dereferencing it needs a live object.
#[inline(always)]
pub const fn header(w: u64) -> *mut Header {
    w as usize as *mut Header
}

/// The dynamic type of a word.
///
/// # Safety
/// `w` is a live word: not [`ABSENT`], and if a pointer, to a live object.
#[inline(always)]
pub unsafe fn type_of(w: u64) -> TypeIx {
    if w & TAG_MASK == 0 {
        // SAFETY: a pointer word refers to a live object, by contract.
        unsafe { (*header(w)).ty }
    } else if w & INT_TAG != 0 {
        well_known::INT
    } else {
        immediate_type(w)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_ints_cover_63_bits() {
        for i in [0, 1, -1, SMALL_INT_MAX, SMALL_INT_MIN] {
            let w = small_int(i).expect("fits");
            assert!(is_small_int(w) && !is_pointer(w));
            assert_eq!(small_int_value(w), i);
        }
        assert_eq!(small_int(SMALL_INT_MAX + 1), None);
        assert_eq!(small_int(SMALL_INT_MIN - 1), None);
    }

    #[test]
    fn immediates_keep_type_and_payload() {
        let w = immediate(77, 0x3fff_ffff);
        assert!(is_immediate(w) && !is_small_int(w) && !is_pointer(w));
        assert_eq!((immediate_type(w), immediate_payload(w)), (77, 0x3fff_ffff));
        assert!(!is_pointer(ABSENT) && is_immediate(NULL));
    }
}
