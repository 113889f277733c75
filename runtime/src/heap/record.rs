//! Objects with a fixed number of slots: records, tuples, variants, boxes, closures.

use super::alloc::{Alloc, Heap};
use super::count;
use super::object::{Header, get_slot, set_slot, slot_ptr};
use super::types::{Shape, TypeIx, well_known};
use super::word::{header, is_pointer, small_int, small_int_value};

/// Makes an object of type `ty` from its slots, whose references it consumes (also when it fails).
///
/// # Safety
/// The slots are live values of the field types, as many as the type has.
pub unsafe fn new(heap: &mut Heap, ty: TypeIx, slots: &[u64]) -> Alloc<u64> {
    // SAFETY: by contract.
    unsafe {
        match heap.alloc_slots(ty, slots.len()) {
            Ok(object) => {
                for (i, &v) in slots.iter().enumerate() {
                    set_slot(object.as_ptr(), i, v);
                }
                Ok(object.as_ptr() as u64)
            }
            Err(e) => {
                if let Shape::Fixed { words, .. } = heap.types_detached().shape(ty) {
                    for &i in words {
                        count::drop(heap, slots[i as usize]);
                    }
                }
                Err(e)
            }
        }
    }
}

/// Slot `i`, borrowed.
///
/// # Safety
/// `w` is a live object with more than `i` slots.
#[inline(always)]
pub unsafe fn get(w: u64, i: usize) -> u64 {
    // SAFETY: by contract.
    unsafe { get_slot(header(w), i) }
}

/// Replaces slot `i` of the owned object in `slot`, copying it when it is not unique.
///
/// # Safety
/// `slot` owns a live fixed-size object with more than `i` slots; `value` is an owned value of the
/// field's type.
pub unsafe fn set(heap: &mut Heap, slot: &mut u64, i: usize, value: u64) -> Alloc<()> {
    // SAFETY: by contract.
    unsafe {
        let ty = (*header(*slot)).ty;
        let counted = matches!(heap.types().shape(ty),
            Shape::Fixed { words, .. } if words.contains(&(i as u32)));
        if let Err(e) = make_unique(heap, slot) {
            if counted {
                count::drop(heap, value);
            }
            return Err(e);
        }
        let old = slot_ptr(header(*slot), i).replace(value);
        if counted {
            count::drop(heap, old);
        }
    }
    Ok(())
}

/// Makes the object in `slot` unique.
///
/// # Safety
/// `slot` owns a live fixed-size object.
#[inline]
pub unsafe fn make_unique(heap: &mut Heap, slot: &mut u64) -> Alloc<()> {
    // SAFETY: by contract.
    unsafe {
        if count::is_unique(*slot) {
            Ok(())
        } else {
            copy(heap, slot)
        }
    }
}

#[inline(never)]
unsafe fn copy(heap: &mut Heap, slot: &mut u64) -> Alloc<()> {
    // SAFETY: by the contract of `make_unique`.
    unsafe {
        let old = header(*slot);
        let ty = (*old).ty;
        let Shape::Fixed { slots, words } = heap.types_detached().shape(ty) else {
            debug_assert!(false, "type {ty} has no fixed slots");
            return Ok(());
        };
        let n = *slots as usize;
        let new: *mut Header = heap.alloc_slots(ty, n)?.as_ptr();
        slot_ptr(new, 0).copy_from_nonoverlapping(slot_ptr(old, 0), n);
        for &i in words {
            count::dup(get_slot(new, i as usize));
        }
        count::drop(heap, std::mem::replace(slot, new as u64));
    }
    Ok(())
}

/// Reads field `i` for a [moving out](count) of a unique object: leaves the slot absent.
///
/// # Safety
/// `w` is a unique live object with more than `i` slots.
pub unsafe fn take(w: u64, i: usize) -> u64 {
    // SAFETY: by contract; an absent word is not counted when the object dies.
    unsafe { slot_ptr(header(w), i).replace(super::word::ABSENT) }
}

/// The word of an Int, boxed if it does not fit in 63 bits.
#[inline(always)]
pub fn box_int(heap: &mut Heap, i: i64) -> Alloc<u64> {
    match small_int(i) {
        Some(w) => Ok(w),
        None => box_slot(heap, well_known::INT, i as u64),
    }
}

/// The Int in a word.
///
/// # Safety
/// `w` is a live word of type Int.
#[inline(always)]
pub unsafe fn unbox_int(w: u64) -> i64 {
    if is_pointer(w) {
        // SAFETY: a pointer word of type Int is a box.
        unsafe { get(w, 0) as i64 }
    } else {
        small_int_value(w)
    }
}

/// The word of a Float.
#[inline(always)]
pub fn box_float(heap: &mut Heap, f: f64) -> Alloc<u64> {
    box_slot(heap, well_known::FLOAT, f.to_bits())
}

/// The Float in a word.
///
/// # Safety
/// `w` is a live word of type Float.
#[inline(always)]
pub unsafe fn unbox_float(w: u64) -> f64 {
    // SAFETY: by contract.
    f64::from_bits(unsafe { get(w, 0) })
}

#[inline]
fn box_slot(heap: &mut Heap, ty: TypeIx, slot: u64) -> Alloc<u64> {
    let object = heap.alloc_slots(ty, 1)?.as_ptr();
    // SAFETY: fresh, with one slot.
    unsafe { set_slot(object, 0, slot) };
    Ok(object as u64)
}

/// A value of type `ty` as a word: Int and Float boxed if need be, Bool as an immediate. Consumes
/// the slot.
#[inline]
pub fn to_word(heap: &mut Heap, slot: u64, ty: TypeIx) -> Alloc<u64> {
    match ty {
        well_known::INT => box_int(heap, slot as i64),
        well_known::FLOAT => box_slot(heap, well_known::FLOAT, slot),
        well_known::BOOL => Ok(super::word::bool_word(slot != 0)),
        _ => Ok(slot),
    }
}
