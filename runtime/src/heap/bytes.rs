//! Bytes: a length, a capacity and the bytes inline. Values are never changed in place by Lumen
//! code except through [`append`], which copies when the object is not unique.

use std::ptr::NonNull;

use super::alloc::{Alloc, Heap, OutOfMemory};
use super::count;
use super::object::{BYTES_DATA_OFFSET, BytesObject};
use super::string::grown;
use super::types::well_known;
use super::word::header;

#[inline(always)]
fn object(w: u64) -> *mut BytesObject {
    header(w).cast()
}

/// Makes an empty Bytes with room for `cap`.
pub fn with_capacity(heap: &mut Heap, cap: usize) -> Alloc<u64> {
    let cap = round_capacity(cap)?;
    let size = BYTES_DATA_OFFSET + cap as usize;
    let b = heap
        .alloc_object(well_known::BYTES, size)?
        .as_ptr()
        .cast::<BytesObject>();
    // SAFETY: fresh and of this layout.
    unsafe {
        (*b).len = 0;
        (*b).cap = cap;
    }
    Ok(b as u64)
}

fn round_capacity(cap: usize) -> Alloc<u32> {
    u32::try_from(cap.next_multiple_of(8)).map_err(|_| OutOfMemory)
}

/// Makes a Bytes.
pub fn new(heap: &mut Heap, bytes: &[u8]) -> Alloc<u64> {
    let w = with_capacity(heap, bytes.len())?;
    // SAFETY: fresh, with this capacity.
    unsafe { append_raw(w, bytes) };
    Ok(w)
}

/// The bytes.
///
/// # Safety
/// `w` is a live Bytes; the slice is not used after it is dropped or changed.
#[inline(always)]
pub unsafe fn as_slice<'a>(w: u64) -> &'a [u8] {
    // SAFETY: by contract.
    unsafe {
        let b = object(w);
        std::slice::from_raw_parts(b.cast::<u8>().add(BYTES_DATA_OFFSET), (*b).len as usize)
    }
}

/// Appends to the owned Bytes in `slot`, in place when it is unique.
///
/// # Safety
/// `slot` owns a live Bytes; `tail` does not lie in it.
pub unsafe fn append(heap: &mut Heap, slot: &mut u64, tail: &[u8]) -> Alloc<()> {
    // SAFETY: by contract.
    unsafe {
        let b = object(*slot);
        let (len, cap) = ((*b).len as usize, (*b).cap as usize);
        let needed = len + tail.len();
        if !count::is_unique(*slot) {
            let copy = with_capacity(heap, grown(len, needed))?;
            append_raw(copy, as_slice(*slot));
            count::drop(heap, std::mem::replace(slot, copy));
        } else if needed > cap {
            let new_cap = round_capacity(grown(cap, needed))?;
            let old = NonNull::new_unchecked(header(*slot));
            let new_size = BYTES_DATA_OFFSET + new_cap as usize;
            let moved = heap.resize_object(old, BYTES_DATA_OFFSET + cap, new_size)?;
            (*moved.as_ptr().cast::<BytesObject>()).cap = new_cap;
            *slot = moved.as_ptr() as u64;
        }
        append_raw(*slot, tail);
    }
    Ok(())
}

/// Appends within the capacity.
unsafe fn append_raw(w: u64, tail: &[u8]) {
    // SAFETY: the caller has made sure that there is room and that the object is unique.
    unsafe {
        let b = object(w);
        let end = b.cast::<u8>().add(BYTES_DATA_OFFSET + (*b).len as usize);
        std::ptr::copy_nonoverlapping(tail.as_ptr(), end, tail.len());
        (*b).len += tail.len() as u32;
    }
}
