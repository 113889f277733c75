//! Maps and sets: entries in insertion order, found through an open-addressed index of positions.
//!
//! ```text
//! MapObject -> storage:  entry 0 | … | entry cap-1 | hash: u32 x cap | index: u32 x index_len
//! entry:  key | value (absent in a set)
//! hash:   of the entry's key, never 0; 0 once the entry is removed
//! index:  0 = empty, otherwise position + 1 in the low bits, and above them the hash's low bits
//! ```
//!
//! Invariants: `len` live entries lie among the first `used` positions; with at most [`LINEAR`]
//! entries there is no index (a scan over the hashes is as fast); the index has twice as many
//! places as there are entries, so that probing ends, and so that a position leaves as many bits to
//! the hash as the place in the index, its high bits, takes from it: another key's entry is hardly
//! ever looked at. Removal leaves a hole, squeezed out when room runs out; its position stays in
//! the index.

pub mod hint;
mod walk;

pub(super) use walk::{child_word, free_storage, hash_keys, part_at};
pub use walk::{entry_at, next};

use std::mem::size_of;
use std::ptr::{NonNull, null_mut};

use super::alloc::{Alloc, Heap, OutOfMemory};
use super::count;
use super::equal::equal;
use super::hash::{hash, hash_bytes, hash_int};
use super::object::Header;
use super::string;
use super::types::{KeyKind, Shape, TypeIx, TypeKind, Types};
use super::word::header;

/// A map or set object.
#[repr(C)]
pub struct MapObject {
    /// Count and type.
    pub header: Header,
    /// Live entries.
    pub len: u32,
    /// Positions in use, holes included.
    used: u32,
    /// Positions there is room for.
    cap: u32,
    /// The index has two to the power of this many places; 0: there is none.
    index_bits: u8,
    /// What its type says of its keys and values.
    parts: Parts,
    /// Slots per entry.
    stride: u8,
    storage: *mut u8,
}

/// Keys and values of a map type, in short.
#[derive(Clone, Copy)]
struct Parts {
    keys: KeyKind,
    key_words: bool,
    value_words: bool,
}

/// Up to so many entries are searched without an index.
const LINEAR: u32 = 8;
/// More entries than this are refused: positions of parts must fit `u32`.
const MAX_CAP: usize = 1 << 30;

/// What must be known of a map's type to work on it.
#[derive(Clone, Copy)]
struct Layout {
    parts: Parts,
    /// Slots per entry: 2 in a map, 1 in a set.
    stride: usize,
}

#[inline(always)]
fn object(w: u64) -> *mut MapObject {
    header(w).cast()
}

fn layout_of(types: &Types, ty: TypeIx) -> Layout {
    let (parts, has_values) = match *types.shape(ty) {
        Shape::Map {
            key_words,
            value_words,
            has_values,
            keys,
        } => {
            let parts = Parts {
                keys,
                key_words,
                value_words,
            };
            (parts, has_values)
        }
        _ => {
            let parts = Parts {
                keys: KeyKind::Structural,
                key_words: true,
                value_words: true,
            };
            (parts, true)
        }
    };
    Layout {
        parts,
        stride: if has_values { 2 } else { 1 },
    }
}

impl Layout {
    /// The layout of a live map or set.
    #[inline(always)]
    unsafe fn of(m: *mut MapObject) -> Self {
        // SAFETY: by contract.
        unsafe {
            Self {
                parts: (*m).parts,
                stride: (*m).stride.into(),
            }
        }
    }

    fn storage_size(&self, cap: usize, index_len: usize) -> usize {
        cap * self.stride * 8 + (cap + index_len) * 4
    }
}

/// The address of the entry at a position.
#[inline(always)]
unsafe fn entry(m: *mut MapObject, stride: usize, position: usize) -> *mut u64 {
    // SAFETY: the position is below `cap`.
    unsafe { (*m).storage.cast::<u64>().add(position * stride) }
}

/// The hashes of the entries.
#[inline(always)]
unsafe fn hashes(m: *mut MapObject, stride: usize) -> *mut u32 {
    // SAFETY: the hashes follow the entries.
    unsafe { (*m).storage.add((*m).cap as usize * stride * 8).cast() }
}

#[inline(always)]
unsafe fn index(m: *mut MapObject, stride: usize) -> *mut u32 {
    // SAFETY: the index follows the hashes.
    unsafe { hashes(m, stride).add((*m).cap as usize) }
}

/// Places in the index.
#[inline(always)]
unsafe fn index_len(m: *mut MapObject) -> usize {
    // SAFETY: the map is live.
    match unsafe { (*m).index_bits } {
        0 => 0,
        bits => 1 << bits,
    }
}

/// Whether keys, and values, are words, which are counted.
///
/// # Safety
/// `w` is a live map or set.
#[inline(always)]
#[must_use]
pub unsafe fn counts(w: u64) -> (bool, bool) {
    // SAFETY: by contract.
    let parts = unsafe { (*object(w)).parts };
    (parts.key_words, parts.value_words)
}

/// Makes an empty map or set of type `ty`; storage for `cap` entries is made at once if not 0.
pub fn new(heap: &mut Heap, ty: TypeIx, cap: usize) -> Alloc<u64> {
    let m = heap
        .alloc_object(ty, size_of::<MapObject>())?
        .as_ptr()
        .cast::<MapObject>();
    // SAFETY: the table lives as long as the heap.
    let layout = layout_of(unsafe { heap.types_detached() }, ty);
    // SAFETY: fresh and of this layout.
    unsafe {
        (*m).len = 0;
        (*m).used = 0;
        (*m).cap = 0;
        (*m).index_bits = 0;
        (*m).parts = layout.parts;
        (*m).stride = layout.stride as u8;
        (*m).storage = null_mut();
    }
    if cap > 0 {
        // SAFETY: the map is unique.
        unsafe {
            if let Err(e) = rebuild(heap, m, layout, cap) {
                count::drop(heap, m as u64);
                return Err(e);
            }
        }
    }
    Ok(m as u64)
}

/// The number of entries.
///
/// # Safety
/// `w` is a live map or set.
#[inline(always)]
pub unsafe fn len(w: u64) -> usize {
    // SAFETY: by contract.
    unsafe { (*object(w)).len as usize }
}

/// Where the entry is that `same` accepts, among those with this hash.
#[inline(always)]
unsafe fn position_of(
    m: *mut MapObject,
    stride: usize,
    hash: u32,
    same: impl Fn(u64) -> bool,
) -> Option<usize> {
    // SAFETY: positions below `used` are initialised; the index holds only such. The key of a
    // removed entry is not looked at, as its hash is 0.
    unsafe {
        let hashes = hashes(m, stride);
        // With an index, the hash is compared there, and as long as nothing was removed, all
        // entries are live: the hashes are left out of the cache.
        let bits = (*m).index_bits;
        let sure = bits != 0 && (*m).len == (*m).used;
        let is_it =
            |p: usize| (sure || hashes.add(p).read() == hash) && same(entry(m, stride, p).read());
        if bits == 0 {
            return (0..(*m).used as usize).find(|&p| is_it(p));
        }
        let mask = (1 << bits) - 1;
        let index = index(m, stride);
        let mut i = hash >> (32 - bits);
        loop {
            let found = index.add(i as usize).read();
            if found == 0 {
                return None;
            }
            if found & !mask == hash << bits {
                let p = (found & mask) as usize - 1;
                if is_it(p) {
                    return Some(p);
                }
            }
            i = (i + 1) & mask;
        }
    }
}

/// Where the entry of `key` is.
#[inline(always)]
unsafe fn find(types: &Types, m: *mut MapObject, key: u64) -> Option<usize> {
    // SAFETY: the map is live, the key a live value of its key type.
    unsafe {
        if (*m).len == 0 {
            return None;
        }
        let h = hash_of(types, m, key);
        find_hashed(types, m, key, h)
    }
}

/// The hash of a key, not 0.
#[inline(always)]
unsafe fn hash_of(types: &Types, m: *mut MapObject, key: u64) -> u32 {
    // SAFETY: as `find`.
    let h = unsafe {
        match (*m).parts.keys {
            KeyKind::Bits => hash_int(key, types.hash_seed()),
            KeyKind::String => string::hash(key, types.hash_seed()),
            KeyKind::Structural => hash(types, key, key_ty(types, m)) as u32,
        }
    };
    if h == 0 { 1 } else { h }
}

/// Where the entry of `key` is, whose hash is `h`.
#[inline(always)]
unsafe fn find_hashed(types: &Types, m: *mut MapObject, key: u64, h: u32) -> Option<usize> {
    // SAFETY: as `find`.
    unsafe {
        let stride = (*m).stride.into();
        match (*m).parts.keys {
            KeyKind::Bits => position_of(m, stride, h, |k| k == key),
            KeyKind::String => position_of(m, stride, h, |k| string::equal(k, key)),
            KeyKind::Structural => {
                let ty = key_ty(types, m);
                position_of(m, stride, h, |k| k == key || equal(types, k, key, ty))
            }
        }
    }
}

/// The type of the keys.
unsafe fn key_ty(types: &Types, m: *mut MapObject) -> TypeIx {
    // SAFETY: the map is live.
    match types.kind(unsafe { (*m).header.ty }) {
        TypeKind::Map(k, _) | TypeKind::Set(k) => *k,
        _ => super::types::well_known::ANY,
    }
}

/// The value of a key, borrowed; in a set, 1.
///
/// # Safety
/// `w` is a live map or set, `key` a live value of its key type.
pub unsafe fn get(types: &Types, w: u64, key: u64) -> Option<u64> {
    // SAFETY: by contract.
    unsafe {
        let p = find(types, object(w), key)?;
        Some(value_at(object(w), p))
    }
}

/// The value of a key given as text, in a map with String keys.
///
/// # Safety
/// `w` is a live map with String keys.
pub unsafe fn get_str(types: &Types, w: u64, key: &str) -> Option<u64> {
    // SAFETY: by contract; keys are live Strings.
    unsafe {
        let h = hash_bytes(key.as_bytes(), types.hash_seed()) as u32;
        let h = if h == 0 { 1 } else { h };
        let stride = (*object(w)).stride.into();
        let p = position_of(object(w), stride, h, |k| string::as_str(k) == key)?;
        Some(value_at(object(w), p))
    }
}

#[inline(always)]
unsafe fn value_at(m: *mut MapObject, position: usize) -> u64 {
    // SAFETY: the position is live.
    unsafe {
        if (*m).stride == 1 {
            return 1;
        }
        entry(m, 2, position).add(1).read()
    }
}

/// Whether the key is there.
///
/// # Safety
/// As [`get`].
pub unsafe fn contains(types: &Types, w: u64, key: u64) -> bool {
    // SAFETY: by contract.
    unsafe { find(types, object(w), key).is_some() }
}

/// The place of a key's value in a map made unique, to update it there; `None` if there is none.
///
/// # Safety
/// `slot` owns a live map (not a set), `key` is a live value of its key type.
pub unsafe fn place(heap: &mut Heap, slot: &mut u64, key: u64) -> Alloc<Option<*mut u64>> {
    // SAFETY: by contract.
    unsafe {
        if find(heap.types(), object(*slot), key).is_none() {
            return Ok(None);
        }
        make_unique(heap, slot)?;
        let p = find(heap.types(), object(*slot), key);
        Ok(p.map(|p| entry(object(*slot), 2, p).add(1)))
    }
}

/// Adds an entry or replaces the value of the one with an equal key (which keeps its place and its
/// key). Consumes key and value, also when it fails. Whether the key is new. In a set, `value` is
/// ignored.
///
/// # Safety
/// `slot` owns a live map or set; `key` and `value` are owned values of its types.
pub unsafe fn insert(heap: &mut Heap, slot: &mut u64, key: u64, value: u64) -> Alloc<bool> {
    // SAFETY: by contract.
    unsafe {
        let layout = Layout::of(object(*slot));
        let inserted = try_insert(heap, layout, slot, key, value);
        if inserted.is_err() {
            if layout.parts.key_words {
                count::drop(heap, key);
            }
            if layout.parts.value_words {
                count::drop(heap, value);
            }
        }
        inserted
    }
}

unsafe fn try_insert(
    heap: &mut Heap,
    layout: Layout,
    slot: &mut u64,
    key: u64,
    value: u64,
) -> Alloc<bool> {
    // SAFETY: by the contract of `insert`.
    unsafe {
        make_unique(heap, slot)?;
        let m = object(*slot);
        let h = hash_of(heap.types(), m, key);
        let stride = layout.stride;
        if let Some(p) = find_hashed(heap.types(), m, key, h) {
            if layout.parts.key_words {
                count::drop(heap, key);
            }
            if stride == 2 {
                let old = entry(m, 2, p).add(1).replace(value);
                if layout.parts.value_words {
                    count::drop(heap, old);
                }
            }
            return Ok(false);
        }
        if (*m).used == (*m).cap {
            // Squeeze out holes if there are many, else double.
            let (len, cap) = ((*m).len as usize, (*m).cap as usize);
            let wanted = if len <= cap / 2 { cap.max(4) } else { cap * 2 };
            rebuild(heap, m, layout, wanted.max(4))?;
        }
        let p = (*m).used as usize;
        let e = entry(m, stride, p);
        e.write(key);
        if stride == 2 {
            e.add(1).write(value);
        }
        hashes(m, stride).add(p).write(h);
        (*m).used += 1;
        (*m).len += 1;
        add_to_index(m, stride, h, p);
        Ok(true)
    }
}

unsafe fn add_to_index(m: *mut MapObject, stride: usize, hash: u32, position: usize) {
    // SAFETY: the index has more places than there are positions, so one is free.
    unsafe {
        let bits = (*m).index_bits;
        if bits == 0 {
            return;
        }
        let mask = (1 << bits) - 1;
        let index = index(m, stride);
        let mut i = hash >> (32 - bits);
        while index.add(i as usize).read() != 0 {
            i = (i + 1) & mask;
        }
        index
            .add(i as usize)
            .write(hash << bits | (position as u32 + 1));
    }
}

/// Moves the live entries to new storage for `cap` entries.
unsafe fn rebuild(heap: &mut Heap, m: *mut MapObject, layout: Layout, cap: usize) -> Alloc<()> {
    let (cap, index_len) = capacity(cap)?;
    let stride = layout.stride;
    let storage = heap
        .alloc_block(layout.storage_size(cap, index_len))?
        .as_ptr();
    // SAFETY: the new storage is fresh and has room for all live entries.
    unsafe {
        let (old, old_cap, old_index) = ((*m).storage, (*m).cap as usize, self::index_len(m));
        let old_used = (*m).used as usize;
        (*m).storage = storage;
        (*m).cap = cap as u32;
        (*m).index_bits = index_len.checked_ilog2().unwrap_or(0) as u8;
        index(m, stride).write_bytes(0, index_len);
        let old_hashes = old.wrapping_add(old_cap * stride * 8).cast::<u32>();
        let mut n = 0;
        for p in 0..old_used {
            let hash = old_hashes.add(p).read();
            if hash != 0 {
                let from = old.cast::<u64>().add(p * stride);
                entry(m, stride, n).copy_from_nonoverlapping(from, stride);
                hashes(m, stride).add(n).write(hash);
                add_to_index(m, stride, hash, n);
                n += 1;
            }
        }
        (*m).used = n as u32;
        if let Some(old) = NonNull::new(old) {
            heap.free_block(old, layout.storage_size(old_cap, old_index));
        }
    }
    Ok(())
}

/// The capacity and index length for at least `cap` entries.
fn capacity(cap: usize) -> Alloc<(usize, usize)> {
    if cap > MAX_CAP {
        return Err(OutOfMemory);
    }
    let cap = cap.next_power_of_two();
    Ok((cap, if cap <= LINEAR as usize { 0 } else { cap * 2 }))
}

/// Makes the map or set in `slot` unique.
///
/// # Safety
/// `slot` owns a live map or set.
pub unsafe fn make_unique(heap: &mut Heap, slot: &mut u64) -> Alloc<()> {
    // SAFETY: by contract.
    unsafe {
        if count::is_unique(*slot) {
            return Ok(());
        }
        let m = object(*slot);
        let layout = Layout::of(object(*slot));
        let stride = layout.stride;
        let copy = new(heap, (*m).header.ty, (*m).len as usize)?;
        let c = object(copy);
        let mut n = 0;
        for p in 0..(*m).used as usize {
            let hash = hashes(m, stride).add(p).read();
            if hash == 0 {
                continue;
            }
            let from = entry(m, stride, p);
            entry(c, stride, n).copy_from_nonoverlapping(from, stride);
            hashes(c, stride).add(n).write(hash);
            add_to_index(c, stride, hash, n);
            n += 1;
            if layout.parts.key_words {
                count::dup(from.read());
            }
            if layout.parts.value_words {
                count::dup(from.add(1).read());
            }
        }
        (*c).used = n as u32;
        (*c).len = n as u32;
        count::drop(heap, std::mem::replace(slot, copy));
    }
    Ok(())
}

/// Takes the entry of a key out; gives its value, owned (1 in a set). The others keep their order.
///
/// # Safety
/// `slot` owns a live map or set; `key` is a live value of its key type, borrowed.
pub unsafe fn remove(heap: &mut Heap, slot: &mut u64, key: u64) -> Alloc<Option<u64>> {
    // SAFETY: by contract.
    unsafe {
        if find(heap.types(), object(*slot), key).is_none() {
            return Ok(None);
        }
        make_unique(heap, slot)?;
        let m = object(*slot);
        let layout = Layout::of(m);
        let Some(p) = find(heap.types(), m, key) else {
            return Ok(None);
        };
        let value = value_at(m, p);
        let old_key = entry(m, layout.stride, p).read();
        hashes(m, layout.stride).add(p).write(0);
        (*m).len -= 1;
        if (*m).len == 0 {
            // Nothing left: start afresh, so that no holes are walked over.
            (*m).used = 0;
            if (*m).index_bits != 0 {
                index(m, layout.stride).write_bytes(0, index_len(m));
            }
        }
        if layout.parts.key_words {
            count::drop(heap, old_key);
        }
        Ok(Some(value))
    }
}
