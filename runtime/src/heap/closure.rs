//! Closures: slot 0 is the function's index, the captured values follow.

use super::alloc::{Alloc, Heap};
use super::record;
use super::types::TypeIx;

/// Makes a closure over `captures`, whose references it consumes (also when it fails).
///
/// # Safety
/// `ty` is a closure type, and the captures are live values of its capture types.
pub unsafe fn new(heap: &mut Heap, ty: TypeIx, function: u32, captures: &[u64]) -> Alloc<u64> {
    let mut slots = Vec::with_capacity(captures.len() + 1);
    slots.push(u64::from(function));
    slots.extend_from_slice(captures);
    // SAFETY: slot 0 of a closure is not a word, the others are as the caller says.
    unsafe { record::new(heap, ty, &slots) }
}

/// The index of the function a closure calls.
///
/// # Safety
/// `w` is a live closure.
#[inline(always)]
pub unsafe fn function(w: u64) -> u32 {
    // SAFETY: by contract.
    unsafe { record::get(w, 0) as u32 }
}

/// Captured value `i`, borrowed.
///
/// # Safety
/// `w` is a live closure with more than `i` captures.
#[inline(always)]
pub unsafe fn capture(w: u64, i: usize) -> u64 {
    // SAFETY: by contract.
    unsafe { record::get(w, i + 1) }
}
