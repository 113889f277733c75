//! Strings: UTF-8 inline, length in bytes and in characters, appended to in place when unique.
//!
//! A String of which every character is ASCII (`chars == len`) is indexed in constant time.
//! One-character ASCII Strings come from a static table and cost no allocation.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::Relaxed};

use super::alloc::{Alloc, Heap, OutOfMemory};
use super::count;
use super::hash::hash_bytes;
use super::object::{Header, STRING_DATA_OFFSET, StringObject};
use super::types::well_known;
use super::word::header;

/// Shorter hashes are not worth caching, and the static Strings must not cache any.
const CACHE_HASH_ABOVE: usize = 8;

#[repr(C)]
struct StaticChar {
    object: StringObject,
    bytes: [u8; 8],
}

const fn static_char(byte: u8, len: u32) -> StaticChar {
    StaticChar {
        object: StringObject {
            header: Header {
                count: AtomicI32::new(0),
                ty: well_known::STRING,
            },
            len,
            chars: len,
            cap: 8,
            hash: AtomicU32::new(0),
        },
        bytes: [byte, 0, 0, 0, 0, 0, 0, 0],
    }
}

static ASCII: [StaticChar; 128] = {
    let mut table = [const { static_char(0, 1) }; 128];
    let mut i = 0;
    while i < 128 {
        table[i] = static_char(i as u8, 1);
        i += 1;
    }
    table
};

static EMPTY: StaticChar = static_char(0, 0);

/// The empty String (persistent: it needs no counting).
pub fn empty() -> u64 {
    (&raw const EMPTY) as u64
}

/// Makes a String.
pub fn new(heap: &mut Heap, s: &str) -> Alloc<u64> {
    match s.as_bytes() {
        [] => Ok(empty()),
        [b] => Ok((&raw const ASCII[usize::from(*b)]) as u64),
        _ => {
            let w = with_capacity(heap, s.len())?;
            // SAFETY: fresh, with this capacity.
            unsafe { append_raw(w, s, count_chars(s)) };
            Ok(w)
        }
    }
}

/// Makes the String of one character.
pub fn from_char(heap: &mut Heap, c: char) -> Alloc<u64> {
    new(heap, c.encode_utf8(&mut [0; 4]))
}

/// Makes an empty, unique String with room for `cap` bytes.
pub fn with_capacity(heap: &mut Heap, cap: usize) -> Alloc<u64> {
    let cap = round_capacity(cap)?;
    let object = heap.alloc_object(well_known::STRING, STRING_DATA_OFFSET + cap as usize)?;
    let s = object.as_ptr().cast::<StringObject>();
    // SAFETY: fresh and of this layout.
    unsafe {
        (*s).len = 0;
        (*s).chars = 0;
        (*s).cap = cap;
        (&raw mut (*s).hash).write(AtomicU32::new(0));
    }
    Ok(s as u64)
}

/// Whole blocks: a multiple of 8, within `u32`.
fn round_capacity(cap: usize) -> Alloc<u32> {
    u32::try_from(cap.max(8).next_multiple_of(8)).map_err(|_| OutOfMemory)
}

#[inline(always)]
fn object<'a>(w: u64) -> &'a StringObject {
    // SAFETY: every function that takes a word here requires a live String.
    unsafe { &*header(w).cast::<StringObject>() }
}

fn count_chars(s: &str) -> usize {
    if s.is_ascii() {
        s.len()
    } else {
        s.chars().count()
    }
}

/// The text of a String.
///
/// # Safety
/// `w` is a live String; the text is not used after it is dropped or changed.
#[inline(always)]
pub unsafe fn as_str<'a>(w: u64) -> &'a str {
    // SAFETY: the bytes of a String are valid UTF-8, and live by contract.
    unsafe {
        let s = header(w).cast::<StringObject>();
        let data = s.cast::<u8>().add(STRING_DATA_OFFSET);
        std::str::from_utf8_unchecked(std::slice::from_raw_parts(data, (*s).len as usize))
    }
}

/// The length in bytes.
///
/// # Safety
/// `w` is a live String.
#[inline(always)]
pub unsafe fn byte_len(w: u64) -> usize {
    object(w).len as usize
}

/// The length in characters.
///
/// # Safety
/// `w` is a live String.
#[inline(always)]
pub unsafe fn char_len(w: u64) -> usize {
    object(w).chars as usize
}

/// Whether every character is ASCII, so that characters are bytes.
///
/// # Safety
/// `w` is a live String.
#[inline(always)]
pub unsafe fn is_ascii(w: u64) -> bool {
    object(w).len == object(w).chars
}

/// The byte offset of character `i`; the length in bytes when `i` is the length in characters.
///
/// # Safety
/// `w` is a live String.
pub unsafe fn byte_offset(w: u64, i: usize) -> Option<usize> {
    let s = object(w);
    if i > s.chars as usize {
        return None;
    }
    if s.len == s.chars {
        return Some(i);
    }
    // SAFETY: by contract.
    let text = unsafe { as_str(w) };
    // Walk from the nearer end.
    let n = s.chars as usize;
    Some(if i == n {
        text.len()
    } else if i <= n / 2 {
        text.char_indices().nth(i)?.0
    } else {
        text.char_indices().nth_back(n - 1 - i)?.0
    })
}

/// The character at index `i`.
///
/// # Safety
/// `w` is a live String.
#[inline]
pub unsafe fn char_at(w: u64, i: usize) -> Option<char> {
    // SAFETY: by contract.
    unsafe {
        let text = as_str(w);
        if is_ascii(w) {
            return text.as_bytes().get(i).map(|b| char::from(*b));
        }
        text.get(byte_offset(w, i)?..)?.chars().next()
    }
}

/// The characters `from..to` as a String of their own; `None` when out of range.
///
/// # Safety
/// `w` is a live String.
pub unsafe fn slice(heap: &mut Heap, w: u64, from: usize, to: usize) -> Alloc<Option<u64>> {
    // SAFETY: by contract.
    unsafe {
        let (Some(a), Some(b)) = (byte_offset(w, from), byte_offset(w, to)) else {
            return Ok(None);
        };
        match as_str(w).get(a..b) {
            Some(part) => new(heap, part).map(Some),
            None => Ok(None),
        }
    }
}

/// The character index at which `needle` first occurs, searching from character `from`.
///
/// # Safety
/// `w` is a live String.
pub unsafe fn find(w: u64, needle: &str, from: usize) -> Option<usize> {
    // SAFETY: by contract.
    unsafe {
        let start = byte_offset(w, from)?;
        let text = as_str(w);
        let at = start + text[start..].find(needle)?;
        Some(char_index(w, at))
    }
}

/// The character index of a byte offset that lies on a character boundary.
///
/// # Safety
/// `w` is a live String.
pub unsafe fn char_index(w: u64, offset: usize) -> usize {
    // SAFETY: by contract.
    unsafe {
        if is_ascii(w) {
            offset
        } else {
            as_str(w)[..offset].chars().count()
        }
    }
}

/// A new String: `a` followed by `b`, both borrowed.
///
/// # Safety
/// Both are live Strings.
pub unsafe fn concat(heap: &mut Heap, a: u64, b: u64) -> Alloc<u64> {
    // SAFETY: by contract; the new String has room for both.
    unsafe {
        let w = with_capacity(heap, byte_len(a) + byte_len(b))?;
        append_raw(w, as_str(a), char_len(a));
        append_raw(w, as_str(b), char_len(b));
        Ok(w)
    }
}

/// A new String of `parts`, with `between` between them.
///
/// # Safety
/// All are live Strings.
pub unsafe fn joined(
    heap: &mut Heap,
    parts: impl Iterator<Item = u64> + Clone,
    between: u64,
) -> Alloc<u64> {
    // SAFETY: by contract; the new String has room for all of them.
    unsafe {
        let gap = byte_len(between);
        let bytes = parts
            .clone()
            .map(|part| byte_len(part) + gap)
            .sum::<usize>();
        let w = with_capacity(heap, bytes.saturating_sub(gap))?;
        for (i, part) in parts.enumerate() {
            if i > 0 && gap > 0 {
                append_raw(w, as_str(between), char_len(between));
            }
            append_raw(w, as_str(part), char_len(part));
        }
        Ok(w)
    }
}

/// Appends `text` to the owned String in `slot`, in place when it is unique.
///
/// # Safety
/// `slot` owns a live String; `text` does not lie in it.
pub unsafe fn append_str(heap: &mut Heap, slot: &mut u64, text: &str) -> Alloc<()> {
    // SAFETY: by contract.
    unsafe {
        reserve(heap, slot, text.len())?;
        append_raw(*slot, text, count_chars(text));
    }
    Ok(())
}

/// Appends the borrowed String `tail` to the owned String in `slot`, in place when it is unique.
/// They may be the same object.
///
/// # Safety
/// `slot` owns a live String; `tail` is a live String.
pub unsafe fn append(heap: &mut Heap, slot: &mut u64, tail: u64) -> Alloc<()> {
    // SAFETY: by contract. Lengths are read first and the text last, because when both are one
    // object it may move, and then grows.
    unsafe {
        let (len, chars, same) = (byte_len(tail), char_len(tail), tail == *slot);
        let s = object(*slot);
        if s.len as usize + len > s.cap as usize || !count::is_unique(*slot) {
            reserve(heap, slot, len)?;
        }
        let tail = if same { *slot } else { tail };
        append_raw(
            *slot,
            std::str::from_utf8_unchecked(&as_str(tail).as_bytes()[..len]),
            chars,
        );
    }
    Ok(())
}

/// Makes the String in `slot` unique, with room for `extra` more bytes.
///
/// # Safety
/// `slot` owns a live String.
pub unsafe fn reserve(heap: &mut Heap, slot: &mut u64, extra: usize) -> Alloc<()> {
    // SAFETY: by contract.
    unsafe {
        let s = object(*slot);
        let (len, cap) = (s.len as usize, s.cap as usize);
        let needed = len + extra;
        if count::is_unique(*slot) {
            if needed > cap {
                let new_cap = round_capacity(grown(cap, needed))?;
                let old_size = STRING_DATA_OFFSET + cap;
                let new_size = STRING_DATA_OFFSET + new_cap as usize;
                let old = std::ptr::NonNull::new_unchecked(header(*slot));
                let moved = heap.resize_object(old, old_size, new_size)?;
                (*moved.as_ptr().cast::<StringObject>()).cap = new_cap;
                *slot = moved.as_ptr() as u64;
            }
        } else {
            // Appending to a copy: expect more of it.
            let room = if extra == 0 {
                needed
            } else {
                grown(len, needed)
            };
            let copy = with_capacity(heap, room)?;
            append_raw(copy, as_str(*slot), char_len(*slot));
            count::drop(heap, std::mem::replace(slot, copy));
        }
    }
    Ok(())
}

/// Amortised growth: double, or half as much again when large.
pub(super) fn grown(cap: usize, needed: usize) -> usize {
    let next = if cap < 1 << 20 {
        cap * 2
    } else {
        cap + cap / 2
    };
    next.max(needed).min(needed.max(u32::MAX as usize - 7))
}

/// Appends within the capacity.
///
/// # Safety
/// `w` is a unique String with room for `text`, which has `chars` characters.
#[inline]
unsafe fn append_raw(w: u64, text: &str, chars: usize) {
    // SAFETY: by contract.
    unsafe {
        let s = header(w).cast::<StringObject>();
        let end = s.cast::<u8>().add(STRING_DATA_OFFSET + (*s).len as usize);
        copy_text(text.as_ptr(), end, text.len());
        (*s).len += text.len() as u32;
        (*s).chars += chars as u32;
        (*s).hash.store(0, Relaxed);
    }
}

/// Copies bytes, short texts without a call. They may overlap.
///
/// # Safety
/// As [`std::ptr::copy`].
#[inline(always)]
unsafe fn copy_text(from: *const u8, to: *mut u8, n: usize) {
    // SAFETY: by contract. Whole words that overlap in the middle; all is read before any is
    // written.
    unsafe {
        match n {
            8..=16 => {
                let (a, b) = (from.cast::<u64>(), from.add(n - 8).cast::<u64>());
                let (a, b) = (a.read_unaligned(), b.read_unaligned());
                to.cast::<u64>().write_unaligned(a);
                to.add(n - 8).cast::<u64>().write_unaligned(b);
            }
            4..=7 => {
                let (a, b) = (from.cast::<u32>(), from.add(n - 4).cast::<u32>());
                let (a, b) = (a.read_unaligned(), b.read_unaligned());
                to.cast::<u32>().write_unaligned(a);
                to.add(n - 4).cast::<u32>().write_unaligned(b);
            }
            2..=3 => {
                let (a, b) = (from.cast::<u16>(), from.add(n - 2).cast::<u16>());
                let (a, b) = (a.read_unaligned(), b.read_unaligned());
                to.cast::<u16>().write_unaligned(a);
                to.add(n - 2).cast::<u16>().write_unaligned(b);
            }
            1 => *to = *from,
            _ => std::ptr::copy(from, to, n),
        }
    }
}

/// Whether two Strings are equal.
///
/// # Safety
/// Both are live Strings.
#[inline]
pub unsafe fn equal(a: u64, b: u64) -> bool {
    // SAFETY: by contract.
    a == b || unsafe { as_str(a) == as_str(b) }
}

/// Orders two Strings by their characters.
///
/// # Safety
/// Both are live Strings.
#[inline]
pub unsafe fn compare(a: u64, b: u64) -> Ordering {
    // SAFETY: by contract. The order of UTF-8 bytes is the order of the characters.
    unsafe { as_str(a).as_bytes().cmp(as_str(b).as_bytes()) }
}

/// The hash of a String, cached in it.
///
/// # Safety
/// `w` is a live String; all its hashes are asked for with the same seed.
#[inline]
pub unsafe fn hash(w: u64, seed: u64) -> u32 {
    let s = object(w);
    if s.len as usize > CACHE_HASH_ABOVE {
        let cached = s.hash.load(Relaxed);
        if cached != 0 {
            return cached;
        }
    }
    // SAFETY: by contract.
    let h = hash_bytes(unsafe { as_str(w) }.as_bytes(), seed) as u32;
    let h = if h == 0 { 1 } else { h };
    if s.len as usize > CACHE_HASH_ABOVE {
        s.hash.store(h, Relaxed);
    }
    h
}

#[cfg(test)]
mod tests {
    use super::super::types::Types;
    use super::*;
    use std::sync::Arc;

    #[test]
    fn texts_of_all_short_lengths_are_joined_and_doubled() {
        let mut heap = Heap::alone(Arc::new(Types::default()));
        let text = "0123456789abcdefghijklmnopqrstuvwxyzäöü";
        for n in (0..text.len()).filter(|n| text.is_char_boundary(*n)) {
            // SAFETY: all words below are live Strings owned by this test.
            unsafe {
                let part = new(&mut heap, &text[..n]).expect("room");
                let comma = new(&mut heap, ", ").expect("room");
                let parts = [part, part, empty(), part];
                let mut all = joined(&mut heap, parts.into_iter(), comma).expect("room");
                let expected = parts.map(|p| as_str(p)).join(", ");
                assert_eq!(
                    (as_str(all), char_len(all)),
                    (&*expected, expected.chars().count())
                );
                let tail = all;
                append(&mut heap, &mut all, tail).expect("room");
                assert_eq!(as_str(all), expected.repeat(2));
                let none = joined(&mut heap, [].into_iter(), comma).expect("room");
                assert_eq!(as_str(none), "");
                for w in [part, comma, all, none] {
                    count::drop(&mut heap, w);
                }
            }
        }
    }

    #[test]
    fn build_append_slice_find() {
        let mut heap = Heap::alone(Arc::new(Types::default()));
        // SAFETY: all words below are live Strings owned by this test.
        unsafe {
            let mut s = new(&mut heap, "héllo").expect("room");
            assert_eq!((byte_len(s), char_len(s), is_ascii(s)), (6, 5, false));
            assert_eq!(char_at(s, 1), Some('é'));
            assert_eq!((char_at(s, 4), char_at(s, 5)), (Some('o'), None));
            let other = s;
            count::dup(other);
            append_str(&mut heap, &mut s, " wörld").expect("room");
            assert_eq!((as_str(other), as_str(s)), ("héllo", "héllo wörld"));
            let tail = s;
            append(&mut heap, &mut s, tail).expect("room");
            assert_eq!((as_str(s), char_len(s)), ("héllo wörldhéllo wörld", 22));
            assert_eq!(find(s, "wör", 7), Some(17));
            assert_eq!(find(s, "x", 0), None);
            let part = slice(&mut heap, s, 6, 11).expect("room").expect("in range");
            assert_eq!(as_str(part), "wörld");
            assert_eq!(slice(&mut heap, s, 3, 99), Ok(None));
            assert_ne!(hash(part, 1), hash(s, 1));
            for w in [s, other, part] {
                count::drop(&mut heap, w);
            }
        }
        assert_eq!(heap.live_objects(), 0);
    }

    #[test]
    fn one_character_strings_are_static() {
        let mut heap = Heap::alone(Arc::new(Types::default()));
        let mut a = from_char(&mut heap, 'a').expect("room");
        assert_eq!(heap.live_objects(), 0);
        // SAFETY: a live String.
        unsafe {
            append_str(&mut heap, &mut a, "bc").expect("room");
            assert_eq!(as_str(a), "abc");
            assert_eq!(as_str(from_char(&mut heap, 'a').expect("room")), "a");
            count::drop(&mut heap, a);
        }
        assert_eq!(heap.live_objects(), 0);
    }
}
