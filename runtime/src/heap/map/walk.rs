//! Walking over the entries of a map or set.

use std::mem::size_of;
use std::ptr::NonNull;

use super::super::object::Header;
use super::{Layout, MapObject, entry, hashes, index_len, layout_of, object, value_at};
use crate::heap::Heap;

/// The first entry at or after position `at`: (its position, key, value), borrowed. In a set the
/// value is 1. Going on from `position + 1` visits all entries in order.
///
/// # Safety
/// `w` is a live map or set.
pub unsafe fn next(w: u64, at: usize) -> Option<(usize, u64, u64)> {
    // SAFETY: by contract.
    unsafe {
        let m = object(w);
        let layout = Layout::of(m);
        for p in at..(*m).used as usize {
            if hashes(m, layout.stride).add(p).read() != 0 {
                let key = entry(m, layout.stride, p).read();
                return Some((p, key, value_at(m, p)));
            }
        }
        None
    }
}

/// Key and value at a position, if there is an entry: the key's reference and the value's are the
/// map's. In a set the value is 1.
///
/// # Safety
/// `w` is a live map or set.
#[inline(always)]
pub unsafe fn entry_at(w: u64, at: usize) -> Option<(u64, u64)> {
    // SAFETY: positions below `used` are initialised.
    unsafe {
        let m = object(w);
        let stride = (*m).stride.into();
        let live = at < (*m).used as usize && hashes(m, stride).add(at).read() != 0;
        live.then(|| (entry(m, stride, at).read(), value_at(m, at)))
    }
}

/// The part (key or value) at part position `i`, which moves on; and whether it is a key.
pub(in crate::heap) unsafe fn part_at(w: u64, i: &mut u32) -> Option<(u64, bool)> {
    // SAFETY: `w` is a live map or set.
    unsafe {
        let m = object(w);
        let stride = Layout::of(m).stride;
        let parts = stride as u32;
        loop {
            let (p, part) = (*i / parts, *i % parts);
            if p >= (*m).used {
                return None;
            }
            if hashes(m, stride).add(p as usize).read() != 0 {
                *i += 1;
                let e = entry(m, stride, p as usize);
                return Some((e.add(part as usize).read(), part == 0));
            }
            *i += parts - part;
        }
    }
}

/// The next counted word in a map or set, for the counting code; `i` as in [`part_at`].
pub(in crate::heap) unsafe fn child_word(object: *mut Header, i: &mut u32) -> Option<u64> {
    // SAFETY: the object is a map or set whose entries are intact.
    unsafe {
        let layout = Layout::of(object.cast());
        if !layout.parts.key_words && !layout.parts.value_words {
            return None;
        }
        loop {
            let (word, is_key) = part_at(object as u64, i)?;
            if if is_key {
                layout.parts.key_words
            } else {
                layout.parts.value_words
            } {
                return Some(word);
            }
        }
    }
}

/// Gives back the memory of a dead map whose entries have been dropped.
pub(in crate::heap) unsafe fn free_storage(heap: &mut Heap, object: NonNull<Header>) {
    // SAFETY: the object is a dead map or set.
    unsafe {
        let m = object.as_ptr().cast::<MapObject>();
        let layout = layout_of(heap.types_detached(), (*m).header.ty);
        if let Some(storage) = NonNull::new((*m).storage) {
            let size = layout.storage_size((*m).cap as usize, index_len(m));
            heap.free_block(storage, size);
        }
        heap.free_object(object, size_of::<MapObject>());
    }
}

/// A hash of the keys that does not depend on their order.
pub(in crate::heap) unsafe fn hash_keys(w: u64) -> u64 {
    // SAFETY: `w` is a live map or set.
    unsafe {
        let m = object(w);
        let stride = Layout::of(m).stride;
        let sum = (0..(*m).used as usize)
            .map(|p| u64::from(hashes(m, stride).add(p).read()))
            .fold(0u64, u64::wrapping_add);
        sum.wrapping_add((*m).len.into())
    }
}
