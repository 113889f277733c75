//! Hashing: bytes, integers, and whole values driven by their type.
//!
//! A folded multiplication per 8 bytes, seeded per program. Equal values have equal hashes: a Float
//! that is a whole number hashes as that Int, because `1 == 1.0` where a type admits both.

use super::dynamic::{Leaf, child, leaf, resolve};
use super::map;
use super::string;
use super::types::{TypeIx, Types};

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xd6e8_feb8_6659_fd93;

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}

/// Mixes another number into a hash.
#[inline(always)]
pub fn mix(h: u64, x: u64) -> u64 {
    fold(h ^ x ^ K1, K0)
}

/// The hash of a number: its product with the golden ratio, which spreads runs of numbers, also
/// with strides, evenly over the hash's high bits (Knuth's multiplicative hashing).
#[inline(always)]
pub fn hash_int(x: u64, seed: u64) -> u32 {
    ((x ^ seed).wrapping_mul(K0) >> 32) as u32
}

/// The hash of some bytes.
pub fn hash_bytes(bytes: &[u8], seed: u64) -> u64 {
    let mut h = mix(seed, bytes.len() as u64);
    let mut chunks = bytes.chunks_exact(8);
    for c in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(c);
        h = mix(h, u64::from_le_bytes(word));
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        h = mix(h, u64::from_le_bytes(word));
    }
    h ^ (h >> 32)
}

/// The hash of a Float: that of the Int it equals, if there is one.
fn hash_float(f: f64, seed: u64) -> u64 {
    let i = f as i64;
    if i as f64 == f {
        u64::from(hash_int(i as u64, seed))
    } else {
        mix(seed, f.to_bits())
    }
}

/// The hash of a value of type `ty`. Iterative; of maps it takes the keys only, in no order, so
/// that equal maps agree whatever order they were filled in.
///
/// # Safety
/// `slot` is a live value of type `ty`.
pub unsafe fn hash(types: &Types, slot: u64, ty: TypeIx) -> u64 {
    let seed = types.hash_seed();
    let mut h = seed;
    let mut stack: Vec<(u64, TypeIx, u32)> = Vec::new();
    let mut next = Some((slot, ty));
    loop {
        let (slot, ty) = match next.take() {
            Some(value) => value,
            None => {
                let Some((slot, ty, i)) = stack.pop() else {
                    return h;
                };
                let mut i = i;
                // SAFETY: parts of a live value are live.
                match unsafe { child(types, slot, ty, &mut i) } {
                    Some(part) => {
                        stack.push((slot, ty, i));
                        part
                    }
                    None => continue,
                }
            }
        };
        // SAFETY: as above.
        let (slot, ty) = unsafe { resolve(types, slot, ty) };
        // SAFETY: as above; the leaf says what the slot is.
        let x = match unsafe { leaf(types, slot, ty) } {
            Leaf::Int(i) => u64::from(hash_int(i as u64, seed)),
            Leaf::Float(f) => hash_float(f, seed),
            Leaf::Bool(b) => 2 + u64::from(b),
            Leaf::Null => 1,
            // SAFETY: the leaf says that it is a String.
            Leaf::String(w) => u64::from(unsafe { string::hash(w, seed) }),
            Leaf::Bytes(b) => hash_bytes(b, seed),
            Leaf::Identity(w) => w,
            // SAFETY: the leaf says that it is a map or set.
            Leaf::Map(w) => unsafe { map::hash_keys(w) },
            Leaf::Composite { tag, len } => {
                stack.push((slot, ty, 0));
                mix(u64::from(tag), len as u64)
            }
        };
        h = mix(h, x);
    }
}
