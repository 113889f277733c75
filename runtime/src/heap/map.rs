//! Maps and sets: entries in insertion order, found through an open-addressed index of positions.
//!
//! ```text
//! MapObject -> storage:  entry 0 | entry 1 | … | entry cap-1 | index: u32 x index_len
//! entry:  meta (LIVE | hash, or 0 once removed) | key | value (absent in a set)
//! index:  0 = empty, otherwise position + 1; positions of removed entries stay until a rebuild
//! ```
//!
//! Invariants: `len` live entries lie among the first `used` positions; with at most [`LINEAR`]
//! entries there is no index (a scan over the hashes is as fast); the index has twice as many
//! places as there are entries, so that probing ends. Removal leaves a hole, squeezed out when room
//! runs out.

pub mod hint;

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
    /// Places in the index: 0 or a power of two.
    index_len: u32,
    storage: *mut u8,
}

/// Up to so many entries are searched without an index.
const LINEAR: u32 = 8;
const LIVE: u64 = 1 << 63;
/// More entries than this are refused: positions of parts must fit `u32`.
const MAX_CAP: usize = 1 << 30;

/// What must be known of a map's type to work on it.
#[derive(Clone, Copy)]
struct Layout<'t> {
    types: &'t Types,
    keys: KeyKind,
    key_ty: TypeIx,
    key_words: bool,
    value_words: bool,
    /// Slots per entry: 3 in a map, 2 in a set.
    stride: usize,
}

fn object(w: u64) -> *mut MapObject {
    header(w).cast()
}

fn layout_of(types: &Types, ty: TypeIx) -> Layout<'_> {
    let key_ty = match types.kind(ty) {
        TypeKind::Map(k, _) | TypeKind::Set(k) => *k,
        _ => super::types::well_known::ANY,
    };
    match *types.shape(ty) {
        Shape::Map {
            key_words,
            value_words,
            has_values,
            keys,
        } => Layout {
            types,
            keys,
            key_ty,
            key_words,
            value_words,
            stride: if has_values { 3 } else { 2 },
        },
        _ => Layout {
            types,
            keys: KeyKind::Structural,
            key_ty,
            key_words: true,
            value_words: true,
            stride: 3,
        },
    }
}

impl<'t> Layout<'t> {
    /// The layout of a live map or set.
    unsafe fn of(types: &'t Types, w: u64) -> Layout<'t> {
        // SAFETY: by contract.
        layout_of(types, unsafe { (*header(w)).ty })
    }

    unsafe fn hash(&self, key: u64) -> u32 {
        // SAFETY: the key is a live value of the key type.
        unsafe {
            match self.keys {
                KeyKind::Bits => hash_int(key, self.types.hash_seed()),
                KeyKind::String => string::hash(key, self.types.hash_seed()),
                KeyKind::Structural => hash(self.types, key, self.key_ty) as u32,
            }
        }
    }

    unsafe fn same(&self, a: u64, b: u64) -> bool {
        // SAFETY: both are live values of the key type.
        unsafe {
            match self.keys {
                KeyKind::Bits => a == b,
                KeyKind::String => string::equal(a, b),
                KeyKind::Structural => a == b || equal(self.types, a, b, self.key_ty),
            }
        }
    }

    fn storage_size(&self, cap: usize, index_len: usize) -> usize {
        cap * self.stride * 8 + index_len * 4
    }
}

/// The address of the entry at a position.
#[inline(always)]
unsafe fn entry(m: *mut MapObject, stride: usize, position: usize) -> *mut u64 {
    // SAFETY: the position is below `cap`.
    unsafe { (*m).storage.cast::<u64>().add(position * stride) }
}

unsafe fn index(m: *mut MapObject, stride: usize) -> *mut u32 {
    // SAFETY: the index follows the entries.
    unsafe { (*m).storage.add((*m).cap as usize * stride * 8).cast() }
}

/// Makes an empty map or set of type `ty`; storage for `cap` entries is made at once if not 0.
pub fn new(heap: &mut Heap, ty: TypeIx, cap: usize) -> Alloc<u64> {
    let m = heap
        .alloc_object(ty, size_of::<MapObject>())?
        .as_ptr()
        .cast::<MapObject>();
    // SAFETY: fresh and of this layout.
    unsafe {
        (*m).len = 0;
        (*m).used = 0;
        (*m).cap = 0;
        (*m).index_len = 0;
        (*m).storage = null_mut();
    }
    if cap > 0 {
        // SAFETY: the table lives as long as the heap; the map is unique.
        unsafe {
            let layout = layout_of(heap.types_detached(), ty);
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
unsafe fn position_of(
    m: *mut MapObject,
    stride: usize,
    hash: u32,
    same: impl Fn(u64) -> bool,
) -> Option<usize> {
    let meta = LIVE | u64::from(hash);
    // SAFETY: positions below `used` are initialised; the index holds only such.
    unsafe {
        if (*m).index_len == 0 {
            return (0..(*m).used as usize).find(|&p| {
                let e = entry(m, stride, p);
                e.read() == meta && same(e.add(1).read())
            });
        }
        let mask = (*m).index_len - 1;
        let index = index(m, stride);
        let mut i = hash & mask;
        loop {
            let p = index.add(i as usize).read();
            if p == 0 {
                return None;
            }
            let e = entry(m, stride, p as usize - 1);
            if e.read() == meta && same(e.add(1).read()) {
                return Some(p as usize - 1);
            }
            i = (i + 1) & mask;
        }
    }
}

unsafe fn find(layout: Layout<'_>, m: *mut MapObject, key: u64) -> Option<usize> {
    // SAFETY: the key is a live value of the key type.
    unsafe {
        if (*m).len == 0 {
            return None;
        }
        let h = layout.hash(key);
        match layout.keys {
            KeyKind::Bits => position_of(m, layout.stride, h, |k| k == key),
            _ => position_of(m, layout.stride, h, |k| layout.same(k, key)),
        }
    }
}

/// The value of a key, borrowed; in a set, 1.
///
/// # Safety
/// `w` is a live map or set, `key` a live value of its key type.
pub unsafe fn get(types: &Types, w: u64, key: u64) -> Option<u64> {
    // SAFETY: by contract.
    unsafe {
        let layout = Layout::of(types, w);
        let p = find(layout, object(w), key)?;
        Some(value_at(layout, object(w), p))
    }
}

/// The value of a key given as text, in a map with String keys.
///
/// # Safety
/// `w` is a live map with String keys.
pub unsafe fn get_str(types: &Types, w: u64, key: &str) -> Option<u64> {
    // SAFETY: by contract; keys are live Strings.
    unsafe {
        let layout = Layout::of(types, w);
        let h = hash_bytes(key.as_bytes(), types.hash_seed()) as u32;
        let h = if h == 0 { 1 } else { h };
        let p = position_of(object(w), layout.stride, h, |k| string::as_str(k) == key)?;
        Some(value_at(layout, object(w), p))
    }
}

unsafe fn value_at(layout: Layout<'_>, m: *mut MapObject, position: usize) -> u64 {
    if layout.stride == 2 {
        return 1;
    }
    // SAFETY: the position is live.
    unsafe { entry(m, 3, position).add(2).read() }
}

/// Whether the key is there.
///
/// # Safety
/// As [`get`].
pub unsafe fn contains(types: &Types, w: u64, key: u64) -> bool {
    // SAFETY: by contract.
    unsafe { find(Layout::of(types, w), object(w), key).is_some() }
}

/// The place of a key's value in a map made unique, to update it there; `None` if there is none.
///
/// # Safety
/// `slot` owns a live map (not a set), `key` is a live value of its key type.
pub unsafe fn place(heap: &mut Heap, slot: &mut u64, key: u64) -> Alloc<Option<*mut u64>> {
    // SAFETY: by contract.
    unsafe {
        let layout = Layout::of(heap.types_detached(), *slot);
        if find(layout, object(*slot), key).is_none() {
            return Ok(None);
        }
        make_unique(heap, slot)?;
        let p = find(layout, object(*slot), key);
        Ok(p.map(|p| entry(object(*slot), 3, p).add(2)))
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
        let layout = Layout::of(heap.types_detached(), *slot);
        let inserted = try_insert(heap, layout, slot, key, value);
        if inserted.is_err() {
            if layout.key_words {
                count::drop(heap, key);
            }
            if layout.value_words {
                count::drop(heap, value);
            }
        }
        inserted
    }
}

unsafe fn try_insert(
    heap: &mut Heap,
    layout: Layout<'_>,
    slot: &mut u64,
    key: u64,
    value: u64,
) -> Alloc<bool> {
    // SAFETY: by the contract of `insert`.
    unsafe {
        make_unique(heap, slot)?;
        let m = object(*slot);
        let h = layout.hash(key);
        let stride = layout.stride;
        let found = match layout.keys {
            KeyKind::Bits => position_of(m, stride, h, |k| k == key),
            _ => position_of(m, stride, h, |k| layout.same(k, key)),
        };
        if let Some(p) = found {
            if layout.key_words {
                count::drop(heap, key);
            }
            if stride == 3 {
                let old = entry(m, 3, p).add(2).replace(value);
                if layout.value_words {
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
        e.write(LIVE | u64::from(h));
        e.add(1).write(key);
        if stride == 3 {
            e.add(2).write(value);
        }
        (*m).used += 1;
        (*m).len += 1;
        add_to_index(m, stride, h, p);
        Ok(true)
    }
}

unsafe fn add_to_index(m: *mut MapObject, stride: usize, hash: u32, position: usize) {
    // SAFETY: the index has more places than there are positions, so one is free.
    unsafe {
        if (*m).index_len == 0 {
            return;
        }
        let mask = (*m).index_len - 1;
        let index = index(m, stride);
        let mut i = hash & mask;
        while index.add(i as usize).read() != 0 {
            i = (i + 1) & mask;
        }
        index.add(i as usize).write(position as u32 + 1);
    }
}

/// Moves the live entries to new storage for `cap` entries.
unsafe fn rebuild(heap: &mut Heap, m: *mut MapObject, layout: Layout<'_>, cap: usize) -> Alloc<()> {
    let (cap, index_len) = capacity(cap)?;
    let stride = layout.stride;
    let storage = heap
        .alloc_block(layout.storage_size(cap, index_len))?
        .as_ptr();
    // SAFETY: the new storage is fresh and has room for all live entries.
    unsafe {
        let (old, old_cap, old_index) = ((*m).storage, (*m).cap as usize, (*m).index_len as usize);
        let old_used = (*m).used as usize;
        (*m).storage = storage;
        (*m).cap = cap as u32;
        (*m).index_len = index_len as u32;
        index(m, stride).write_bytes(0, index_len);
        let mut n = 0;
        for p in 0..old_used {
            let from = old.cast::<u64>().add(p * stride);
            if from.read() != 0 {
                entry(m, stride, n).copy_from_nonoverlapping(from, stride);
                add_to_index(m, stride, from.read() as u32, n);
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
        let layout = Layout::of(heap.types_detached(), *slot);
        let stride = layout.stride;
        let copy = new(heap, (*m).header.ty, (*m).len as usize)?;
        let c = object(copy);
        let mut n = 0;
        for p in 0..(*m).used as usize {
            let from = entry(m, stride, p);
            if from.read() == 0 {
                continue;
            }
            entry(c, stride, n).copy_from_nonoverlapping(from, stride);
            add_to_index(c, stride, from.read() as u32, n);
            n += 1;
            if layout.key_words {
                count::dup(from.add(1).read());
            }
            if layout.value_words {
                count::dup(from.add(2).read());
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
        let layout = Layout::of(heap.types_detached(), *slot);
        if find(layout, object(*slot), key).is_none() {
            return Ok(None);
        }
        make_unique(heap, slot)?;
        let m = object(*slot);
        let Some(p) = find(layout, m, key) else {
            return Ok(None);
        };
        let e = entry(m, layout.stride, p);
        let value = value_at(layout, m, p);
        let old_key = e.add(1).read();
        e.write(0);
        (*m).len -= 1;
        if (*m).len == 0 {
            // Nothing left: start afresh, so that no holes are walked over.
            (*m).used = 0;
            if (*m).index_len > 0 {
                index(m, layout.stride).write_bytes(0, (*m).index_len as usize);
            }
        }
        if layout.key_words {
            count::drop(heap, old_key);
        }
        Ok(Some(value))
    }
}

/// The first entry at or after position `at`: (its position, key, value), borrowed. In a set the
/// value is 1. Going on from `position + 1` visits all entries in order.
///
/// # Safety
/// `w` is a live map or set.
pub unsafe fn next(types: &Types, w: u64, at: usize) -> Option<(usize, u64, u64)> {
    // SAFETY: by contract.
    unsafe {
        let m = object(w);
        let layout = Layout::of(types, w);
        for p in at..(*m).used as usize {
            let e = entry(m, layout.stride, p);
            if e.read() != 0 {
                return Some((p, e.add(1).read(), value_at(layout, m, p)));
            }
        }
        None
    }
}

/// The part (key or value) at part position `i`, which moves on; and whether it is a key.
pub(super) unsafe fn part_at(types: &Types, w: u64, i: &mut u32) -> Option<(u64, bool)> {
    // SAFETY: `w` is a live map or set.
    unsafe {
        let m = object(w);
        let stride = Layout::of(types, w).stride;
        let parts = stride as u32 - 1;
        loop {
            let (p, part) = (*i / parts, *i % parts);
            if p >= (*m).used {
                return None;
            }
            let e = entry(m, stride, p as usize);
            if e.read() != 0 {
                *i += 1;
                return Some((e.add(1 + part as usize).read(), part == 0));
            }
            *i += parts - part;
        }
    }
}

/// The next counted word in a map or set, for the counting code; `i` as in [`part_at`].
pub(super) unsafe fn child_word(object: *mut Header, types: &Types, i: &mut u32) -> Option<u64> {
    // SAFETY: the object is a map or set whose entries are intact.
    unsafe {
        let layout = Layout::of(types, object as u64);
        if !layout.key_words && !layout.value_words {
            return None;
        }
        loop {
            let (word, is_key) = part_at(types, object as u64, i)?;
            if if is_key {
                layout.key_words
            } else {
                layout.value_words
            } {
                return Some(word);
            }
        }
    }
}

/// Gives back the memory of a dead map whose entries have been dropped.
pub(super) unsafe fn free_storage(heap: &mut Heap, object: NonNull<Header>) {
    // SAFETY: the object is a dead map or set.
    unsafe {
        let m = object.as_ptr().cast::<MapObject>();
        let layout = layout_of(heap.types_detached(), (*m).header.ty);
        if let Some(storage) = NonNull::new((*m).storage) {
            let size = layout.storage_size((*m).cap as usize, (*m).index_len as usize);
            heap.free_block(storage, size);
        }
        heap.free_object(object, size_of::<MapObject>());
    }
}

/// A hash of the keys that does not depend on their order.
pub(super) unsafe fn hash_keys(types: &Types, w: u64) -> u64 {
    // SAFETY: `w` is a live map or set.
    unsafe {
        let m = object(w);
        let stride = Layout::of(types, w).stride;
        let sum = (0..(*m).used as usize)
            .map(|p| entry(m, stride, p).read() & !LIVE)
            .fold(0u64, u64::wrapping_add);
        sum.wrapping_add((*m).len.into())
    }
}
