//! Remembering where a key was found.
//!
//! `m[k] = (m?[k] ?? 0) + 1` looks the same key up twice. The first look-up gives the entry's
//! position; the second tries it before it hashes. A position needs no invalidation: it is only a
//! guess, and proves itself by the entry that stands there, as a map holds a key once.

use super::super::count;
use super::super::types::{KeyKind, Types};
use super::{entry, find, hashes, object, value_at};
use crate::heap::Heap;

/// As [`super::get`], and the position of the entry.
///
/// # Safety
/// As [`super::get`].
#[inline]
pub unsafe fn get_at(types: &Types, w: u64, key: u64) -> Option<(usize, u64)> {
    // SAFETY: by contract.
    unsafe {
        let p = find(types, object(w), key)?;
        Some((p, value_at(object(w), p)))
    }
}

/// Replaces the value of `key` if its entry stands at `position` and the map is unique. The value
/// is borrowed: it gets one more reference when it is stored. Whether it was.
///
/// # Safety
/// `w` is a live map (not a set), `key` and `value` are live values of its types.
#[inline]
pub unsafe fn replace_at(heap: &mut Heap, w: u64, position: usize, key: u64, value: u64) -> bool {
    // SAFETY: by contract; positions below `used` are initialised.
    unsafe {
        let m = object(w);
        if position >= (*m).used as usize || !count::is_unique(w) {
            return false;
        }
        let parts = (*m).parts;
        let e = entry(m, 2, position);
        // A removed entry's key is still there, and looks like one.
        let live = || (*m).len == (*m).used || hashes(m, 2).add(position).read() != 0;
        if parts.keys == KeyKind::Structural || e.read() != key || !live() {
            return false;
        }
        if parts.value_words {
            count::dup(value);
            count::drop(heap, e.add(1).replace(value));
        } else {
            e.add(1).write(value);
        }
    }
    true
}
