//! Lists: a length, a capacity and the elements inline. Updated in place when unique, else copied.
//!
//! Element values are *slots*: an `i64`, the bits of an `f64`, 0 or 1 for a Bool, or a word.
//! Functions that take a value consume its reference, also when they fail; `get` borrows.

use std::ptr::NonNull;

use super::alloc::{Alloc, Heap, OutOfMemory};
use super::count;
use super::object::{LIST_DATA_OFFSET, ListObject};
use super::string::grown;
use super::types::{Elem, TypeIx};
use super::word::header;

#[inline(always)]
fn object(w: u64) -> *mut ListObject {
    header(w).cast()
}

fn size(elem: Elem, cap: usize) -> usize {
    LIST_DATA_OFFSET + cap * elem.size()
}

/// Makes an empty list of type `ty` with room for `cap` elements.
pub fn new(heap: &mut Heap, ty: TypeIx, cap: usize) -> Alloc<u64> {
    let elem = heap.types().elem(ty);
    let cap = round_capacity(elem, cap)?;
    let list = heap
        .alloc_object(ty, size(elem, cap as usize))?
        .as_ptr()
        .cast::<ListObject>();
    // SAFETY: fresh and of this layout.
    unsafe {
        (*list).len = 0;
        (*list).cap = cap;
    }
    Ok(list as u64)
}

fn round_capacity(elem: Elem, cap: usize) -> Alloc<u32> {
    let cap = if elem == Elem::Byte {
        cap.next_multiple_of(8)
    } else {
        cap
    };
    u32::try_from(cap).map_err(|_| OutOfMemory)
}

/// Makes a list of type `ty` from slots, whose references it consumes (also when it fails).
///
/// # Safety
/// Each slot is a live value of the element type, owned by the caller.
pub unsafe fn from_slots(heap: &mut Heap, ty: TypeIx, slots: &[u64]) -> Alloc<u64> {
    let elem = heap.types().elem(ty);
    let made = new(heap, ty, slots.len());
    // SAFETY: by contract; the list has room.
    unsafe {
        match made {
            Ok(w) => {
                for (i, &v) in slots.iter().enumerate() {
                    write(w, elem, i, v);
                }
                (*object(w)).len = slots.len() as u32;
            }
            Err(OutOfMemory) if elem == Elem::Word => {
                for &v in slots {
                    count::drop(heap, v);
                }
            }
            Err(OutOfMemory) => {}
        }
    }
    made
}

/// How the list stores its elements.
///
/// # Safety
/// `w` is a live list.
#[inline(always)]
pub unsafe fn elem(heap: &Heap, w: u64) -> Elem {
    // SAFETY: by contract.
    heap.types().elem(unsafe { (*header(w)).ty })
}

/// The number of elements.
///
/// # Safety
/// `w` is a live list.
#[inline(always)]
pub unsafe fn len(w: u64) -> usize {
    // SAFETY: by contract.
    unsafe { (*object(w)).len as usize }
}

/// Makes a list of words empty without giving its elements up: they have been moved out.
///
/// # Safety
/// `w` is a unique live list.
pub unsafe fn forget_elements(w: u64) {
    // SAFETY: by contract.
    unsafe { (*object(w)).len = 0 }
}

/// The address of the first element.
///
/// # Safety
/// `w` is a live list.
#[inline(always)]
pub unsafe fn data(w: u64) -> *mut u8 {
    // SAFETY: elements follow the list's own fields.
    unsafe { object(w).cast::<u8>().add(LIST_DATA_OFFSET) }
}

/// The elements of a list with 8-byte elements, as slots.
///
/// # Safety
/// `w` is a live list of that kind; the slice is not used after it is dropped or changed.
#[inline(always)]
pub unsafe fn slots<'a>(w: u64) -> &'a [u64] {
    // SAFETY: by contract.
    unsafe { std::slice::from_raw_parts(data(w).cast(), len(w)) }
}

/// As [`slots`], to write. The list must be unique.
///
/// # Safety
/// As [`slots`], and there is no other slice of it.
#[inline(always)]
pub unsafe fn slots_mut<'a>(w: u64) -> &'a mut [u64] {
    // SAFETY: by contract.
    unsafe { std::slice::from_raw_parts_mut(data(w).cast(), len(w)) }
}

/// The elements of a `list[Bool]`, each 0 or 1.
///
/// # Safety
/// `w` is a live `list[Bool]`; the slice is not used after it is dropped or changed.
#[inline(always)]
pub unsafe fn bools<'a>(w: u64) -> &'a [u8] {
    // SAFETY: by contract.
    unsafe { std::slice::from_raw_parts(data(w), len(w)) }
}

/// Reads element `i` as a slot, borrowed.
///
/// # Safety
/// `w` is a live list of this element kind and `i < len`.
#[inline(always)]
pub unsafe fn read(w: u64, elem: Elem, i: usize) -> u64 {
    // SAFETY: by contract.
    unsafe {
        match elem {
            Elem::Byte => u64::from(data(w).add(i).read()),
            Elem::Plain | Elem::Word => data(w).cast::<u64>().add(i).read(),
        }
    }
}

/// Writes element `i` without dropping what was there.
///
/// # Safety
/// `w` is a unique list of this element kind and `i < cap`.
#[inline(always)]
pub unsafe fn write(w: u64, elem: Elem, i: usize, value: u64) {
    // SAFETY: by contract.
    unsafe {
        match elem {
            Elem::Byte => data(w).add(i).write(value as u8),
            Elem::Plain | Elem::Word => data(w).cast::<u64>().add(i).write(value),
        }
    }
}

/// The element at `i` as a slot, borrowed.
///
/// # Safety
/// `w` is a live list.
pub unsafe fn get(heap: &Heap, w: u64, i: usize) -> Option<u64> {
    // SAFETY: by contract, and in range.
    unsafe { (i < len(w)).then(|| read(w, elem(heap, w), i)) }
}

/// Makes the list in `slot` unique, with room for `extra` more elements.
///
/// # Safety
/// `slot` owns a live list.
pub unsafe fn reserve(heap: &mut Heap, slot: &mut u64, extra: usize) -> Alloc<()> {
    // SAFETY: by contract.
    unsafe {
        let list = object(*slot);
        let (len, cap) = ((*list).len as usize, (*list).cap as usize);
        let elem = elem(heap, *slot);
        let needed = len.checked_add(extra).ok_or(OutOfMemory)?;
        if count::is_unique(*slot) {
            if needed > cap {
                let new_cap = round_capacity(elem, grown(cap.max(2), needed))?;
                let old = NonNull::new_unchecked(header(*slot));
                let moved =
                    heap.resize_object(old, size(elem, cap), size(elem, new_cap as usize))?;
                (*moved.as_ptr().cast::<ListObject>()).cap = new_cap;
                *slot = moved.as_ptr() as u64;
            }
        } else {
            // Appending to a copy: expect more of it.
            let room = if extra == 0 {
                needed
            } else {
                grown(len, needed)
            };
            let copy = new(heap, (*header(*slot)).ty, room)?;
            copy_elements(*slot, 0, copy, 0, len, elem);
            (*object(copy)).len = len as u32;
            count::drop(heap, std::mem::replace(slot, copy));
        }
    }
    Ok(())
}

/// Makes the list in `slot` unique.
///
/// # Safety
/// `slot` owns a live list.
#[inline]
pub unsafe fn make_unique(heap: &mut Heap, slot: &mut u64) -> Alloc<()> {
    // SAFETY: by contract.
    unsafe {
        if count::is_unique(*slot) {
            Ok(())
        } else {
            reserve(heap, slot, 0)
        }
    }
}

/// Copies elements between lists of one kind, counting them.
///
/// # Safety
/// Both ranges lie within the lists; `to` is unique and its old elements there are not owned.
unsafe fn copy_elements(from: u64, at: usize, to: u64, to_at: usize, n: usize, elem: Elem) {
    let width = elem.size();
    // SAFETY: by contract.
    unsafe {
        let source = data(from).add(at * width);
        std::ptr::copy(source, data(to).add(to_at * width), n * width);
        if elem == Elem::Word {
            for i in 0..n {
                count::dup(source.cast::<u64>().add(i).read());
            }
        }
    }
}

/// Drops a consumed value on the way out of a failing function.
unsafe fn discard(heap: &mut Heap, elem: Elem, value: u64) {
    if elem == Elem::Word {
        // SAFETY: the caller owned it.
        unsafe { count::drop(heap, value) }
    }
}

/// Replaces element `i`.
///
/// # Safety
/// `slot` owns a live list with `i < len`; `value` is an owned element.
pub unsafe fn set(heap: &mut Heap, slot: &mut u64, i: usize, value: u64) -> Alloc<()> {
    // SAFETY: by contract.
    unsafe {
        let elem = elem(heap, *slot);
        if let Err(e) = make_unique(heap, slot) {
            discard(heap, elem, value);
            return Err(e);
        }
        let old = read(*slot, elem, i);
        write(*slot, elem, i, value);
        discard(heap, elem, old);
    }
    Ok(())
}

/// Appends an element; amortised constant time when the list is unique.
///
/// # Safety
/// `slot` owns a live list; `value` is an owned element.
#[inline]
pub unsafe fn push(heap: &mut Heap, slot: &mut u64, value: u64) -> Alloc<()> {
    // SAFETY: by contract.
    unsafe {
        let elem = elem(heap, *slot);
        let list = object(*slot);
        if ((*list).len == (*list).cap || !count::is_unique(*slot))
            && let Err(e) = reserve(heap, slot, 1)
        {
            discard(heap, elem, value);
            return Err(e);
        }
        let list = object(*slot);
        write(*slot, elem, (*list).len as usize, value);
        (*list).len += 1;
    }
    Ok(())
}

/// Takes the last element off, owned.
///
/// # Safety
/// `slot` owns a live list.
pub unsafe fn pop(heap: &mut Heap, slot: &mut u64) -> Alloc<Option<u64>> {
    // SAFETY: by contract.
    unsafe {
        if len(*slot) == 0 {
            return Ok(None);
        }
        make_unique(heap, slot)?;
        let last = len(*slot) - 1;
        (*object(*slot)).len = last as u32;
        Ok(Some(read(*slot, elem(heap, *slot), last)))
    }
}

/// Inserts before position `i`.
///
/// # Safety
/// `slot` owns a live list with `i <= len`; `value` is an owned element.
pub unsafe fn insert(heap: &mut Heap, slot: &mut u64, i: usize, value: u64) -> Alloc<()> {
    // SAFETY: by contract.
    unsafe {
        let elem = elem(heap, *slot);
        if let Err(e) = reserve(heap, slot, 1) {
            discard(heap, elem, value);
            return Err(e);
        }
        let (n, width) = (len(*slot), elem.size());
        let at = data(*slot).add(i * width);
        std::ptr::copy(at, at.add(width), (n - i) * width);
        write(*slot, elem, i, value);
        (*object(*slot)).len = n as u32 + 1;
    }
    Ok(())
}

/// Takes the element at `i` out, owned.
///
/// # Safety
/// `slot` owns a live list with `i < len`.
pub unsafe fn remove(heap: &mut Heap, slot: &mut u64, i: usize) -> Alloc<u64> {
    // SAFETY: by contract.
    unsafe {
        make_unique(heap, slot)?;
        let elem = elem(heap, *slot);
        let (n, width) = (len(*slot), elem.size());
        let value = read(*slot, elem, i);
        let at = data(*slot).add(i * width);
        std::ptr::copy(at.add(width), at, (n - i - 1) * width);
        (*object(*slot)).len = n as u32 - 1;
        Ok(value)
    }
}

/// Shortens the list to `n` elements.
///
/// # Safety
/// `slot` owns a live list.
pub unsafe fn truncate(heap: &mut Heap, slot: &mut u64, n: usize) -> Alloc<()> {
    // SAFETY: by contract.
    unsafe {
        if n >= len(*slot) {
            return Ok(());
        }
        if !count::is_unique(*slot) {
            let copy = slice(heap, *slot, 0, n)?;
            count::drop(heap, std::mem::replace(slot, copy));
            return Ok(());
        }
        let elem = elem(heap, *slot);
        let old = len(*slot);
        (*object(*slot)).len = n as u32;
        if elem == Elem::Word {
            for i in n..old {
                count::drop(heap, read(*slot, elem, i));
            }
        }
    }
    Ok(())
}

/// A new list of the elements `from..to`.
///
/// # Safety
/// `w` is a live list and `from <= to <= len`.
pub unsafe fn slice(heap: &mut Heap, w: u64, from: usize, to: usize) -> Alloc<u64> {
    // SAFETY: by contract.
    unsafe {
        let copy = new(heap, (*header(w)).ty, to - from)?;
        copy_elements(w, from, copy, 0, to - from, elem(heap, w));
        (*object(copy)).len = (to - from) as u32;
        Ok(copy)
    }
}

/// Appends the elements of the borrowed list `tail` to the list in `slot`. They may be the same.
///
/// # Safety
/// `slot` owns a live list; `tail` is a live list of the same element kind.
pub unsafe fn extend(heap: &mut Heap, slot: &mut u64, tail: u64) -> Alloc<()> {
    // SAFETY: by contract; when both are one object it may have moved.
    unsafe {
        let (n, same) = (len(tail), tail == *slot);
        reserve(heap, slot, n)?;
        let tail = if same { *slot } else { tail };
        let at = len(*slot);
        copy_elements(tail, 0, *slot, at, n, elem(heap, *slot));
        (*object(*slot)).len = (at + n) as u32;
    }
    Ok(())
}

/// A new list: `a` followed by `b`, both borrowed.
///
/// # Safety
/// Both are live lists of one type.
pub unsafe fn concat(heap: &mut Heap, a: u64, b: u64) -> Alloc<u64> {
    // SAFETY: by contract.
    unsafe {
        let (n, m) = (len(a), len(b));
        let elem = elem(heap, a);
        let w = new(heap, (*header(a)).ty, n + m)?;
        copy_elements(a, 0, w, 0, n, elem);
        copy_elements(b, 0, w, n, m, elem);
        (*object(w)).len = (n + m) as u32;
        Ok(w)
    }
}

/// Reverses the list in `slot`.
///
/// # Safety
/// `slot` owns a live list.
pub unsafe fn reverse(heap: &mut Heap, slot: &mut u64) -> Alloc<()> {
    // SAFETY: by contract; the list is unique after `make_unique`.
    unsafe {
        make_unique(heap, slot)?;
        match elem(heap, *slot) {
            Elem::Byte => std::slice::from_raw_parts_mut(data(*slot), len(*slot)).reverse(),
            Elem::Plain | Elem::Word => slots_mut(*slot).reverse(),
        }
    }
    Ok(())
}

/// A new list of `n` times the borrowed value `value`.
///
/// # Safety
/// `value` is a live element of a list of type `ty`.
pub unsafe fn repeat(heap: &mut Heap, ty: TypeIx, value: u64, n: usize) -> Alloc<u64> {
    let w = new(heap, ty, n)?;
    let elem = heap.types().elem(ty);
    // SAFETY: the list has room for `n` elements.
    unsafe {
        if elem == Elem::Byte {
            data(w).write_bytes(value as u8, n);
        } else {
            for i in 0..n {
                write(w, elem, i, value);
                if elem == Elem::Word {
                    count::dup(value);
                }
            }
        }
        (*object(w)).len = n as u32;
    }
    Ok(w)
}
