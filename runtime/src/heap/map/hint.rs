//! Remembering where a key was found.
//!
//! `m[k] = (m?[k] ?? 0) + 1` looks the same key up twice. The first look-up gives the entry's
//! position; the second tries it before it hashes. A position needs no invalidation: it is only a
//! guess, and proves itself by the entry that stands there, as a map holds a key once.

use super::super::count;
use super::super::hash::hash_int;
use super::super::string;
use super::super::types::{KeyKind, Types};
use super::{entry, find, hashes, index, object, position_of, value_at};
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

/// Whether a map can be changed in place, and its values are no words.
///
/// # Safety
/// `w` is a live map.
#[inline(always)]
unsafe fn has_numbers(w: u64) -> bool {
    // SAFETY: by contract.
    unsafe { !(*object(w)).parts.value_words && count::is_unique(w) }
}

/// Whether [`number_of_bits`] is the function for this map, not [`number_of`].
///
/// # Safety
/// `w` is a live map.
#[inline(always)]
#[must_use]
pub unsafe fn has_plain_keys(w: u64) -> bool {
    // SAFETY: by contract.
    unsafe { (*object(w)).parts.keys == KeyKind::Bits }
}

/// The value of a key, to be changed there, in a unique map whose values are no words and whose
/// keys are compared as they are. Calls nothing; gives up where there is no index, or something was
/// removed.
///
/// # Safety
/// As [`super::get`]; `w` is not a set, and [`has_plain_keys`]. The place is good until the map
/// changes.
#[inline(always)]
pub unsafe fn number_of_bits<'a>(types: &Types, w: u64, key: u64) -> Option<&'a mut i64> {
    // SAFETY: by contract.
    unsafe {
        let m = object(w);
        let bits = (*m).index_bits;
        if !has_numbers(w) || bits == 0 || (*m).len != (*m).used {
            return None;
        }
        let hash = hash_int(key, types.hash_seed()).max(1);
        let mask = (1 << bits) - 1;
        let index = index(m, 2);
        let mut i = hash >> (32 - bits);
        loop {
            let found = index.add(i as usize).read();
            if found == 0 {
                return None;
            }
            // The bits above the position are the hash's.
            if (found ^ hash << bits) & !mask == 0 {
                let e = entry(m, 2, (found & mask) as usize - 1);
                if e.read() == key {
                    return Some(&mut *e.add(1).cast());
                }
            }
            i = (i + 1) & mask;
        }
    }
}

/// The same for other keys.
///
/// # Safety
/// As [`number_of_bits`], with any keys.
#[inline(always)]
pub unsafe fn number_of<'a>(types: &Types, w: u64, key: u64) -> Option<&'a mut i64> {
    // SAFETY: by contract.
    unsafe {
        let m = object(w);
        if !has_numbers(w) || (*m).len == 0 {
            return None;
        }
        let p = if (*m).parts.keys == KeyKind::String {
            let hash = string::hash(key, types.hash_seed()).max(1);
            position_of(m, 2, hash, |k| string::equal(k, key))?
        } else {
            find(types, m, key)?
        };
        Some(&mut *entry(m, 2, p).add(1).cast())
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
