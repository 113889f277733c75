//! Values that cross fibers.
//!
//! What one fiber gives another (a spawned closure, a message, a result, a failure) is a *word* of
//! its own, whatever its static type, so that the runtime can give it up without knowing types;
//! it is marked shared before another fiber can see it.

use super::alloc::{Alloc, Heap};
use super::object::get_slot;
use super::types::{Repr, Shape, TypeIx, well_known};
use super::word::{TRUE, header};
use super::{count, record};

/// The slot of type `ty` that `word` stands for. Consumes the word.
///
/// # Safety
/// `word` is an owned word of that type.
#[inline]
pub unsafe fn from_word(heap: &mut Heap, word: u64, ty: TypeIx) -> u64 {
    // SAFETY: by contract.
    unsafe {
        let value = match (heap.types().repr(ty), ty) {
            (Repr::Word, _) => return word,
            (Repr::Float, _) => record::unbox_float(word).to_bits(),
            (Repr::Int, well_known::BOOL) => u64::from(word == TRUE),
            (Repr::Int, _) => record::unbox_int(word) as u64,
        };
        count::drop(heap, word);
        value
    }
}

/// A value of type `ty` as a word that other fibers may see. Consumes the slot. It fails only for
/// Ints and Floats, where no memory is left for a box; such a slot owns nothing that could leak.
///
/// # Safety
/// `slot` is an owned value of that type.
#[inline]
pub unsafe fn to_shared(heap: &mut Heap, slot: u64, ty: TypeIx) -> Alloc<u64> {
    let word = record::to_word(heap, slot, ty)?;
    // SAFETY: by contract.
    unsafe { count::share(heap, word) };
    Ok(word)
}

/// Marks what a closure holds as shared; the closure itself too, unless it is handed over whole.
///
/// # Safety
/// `closure` is an owned closure.
#[inline]
pub unsafe fn share_captures(heap: &mut Heap, closure: u64) {
    // SAFETY: by contract.
    unsafe {
        let object = header(closure);
        if (*object).count() != 1 {
            return count::share(heap, closure);
        }
        if let Shape::Fixed { words, .. } = heap.types_detached().shape((*object).ty) {
            for &i in words {
                count::share(heap, get_slot(object, i as usize));
            }
        }
    }
}
