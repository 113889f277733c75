//! Reference counting: `dup`, `drop`, `share`, uniqueness, persistence.
//!
//! The fast paths are a few instructions and inline; everything that walks a graph is iterative, so
//! a list of a million nodes is freed (or shared) without recursion.

use std::ptr::NonNull;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use super::alloc::Heap;
use super::object::{
    BytesObject, HEADER_SIZE, HandleObject, Header, LIST_DATA_OFFSET, ListObject,
    STRING_DATA_OFFSET, StringObject, get_slot,
};
use super::types::{Elem, Shape};
use super::word::{header, is_pointer};
use super::{handle, map};

/// A container whose children from `next` on are still to be visited.
pub(super) struct Pending {
    object: NonNull<Header>,
    next: u32,
}

/// Adds a reference.
///
/// # Safety
/// `w` is a live word, or absent.
#[inline(always)]
pub unsafe fn dup(w: u64) {
    if is_pointer(w) {
        // SAFETY: by contract.
        unsafe { dup_object(header(w)) }
    }
}

/// Adds a reference to an object.
///
/// # Safety
/// `object` is live.
#[inline(always)]
pub unsafe fn dup_object(object: *mut Header) {
    // SAFETY: by contract.
    let count = unsafe { &(*object).count };
    let c = count.load(Relaxed);
    if c > 0 {
        // At i32::MAX this wraps to i32::MIN: shared, with exactly as many references.
        count.store(c.wrapping_add(1), Relaxed);
    } else if c < 0 {
        let old = count.fetch_sub(1, Relaxed);
        if old == i32::MIN {
            // More references than can be counted: never free it.
            count.store(0, Relaxed);
        }
    }
}

/// Gives up a reference; the object is freed with the last one.
///
/// # Safety
/// `w` is a live word whose reference the caller owns, or absent; it is not used any more.
#[inline(always)]
pub unsafe fn drop(heap: &mut Heap, w: u64) {
    if is_pointer(w) {
        // SAFETY: by contract.
        unsafe { drop_object(heap, header(w)) }
    }
}

/// Gives up a reference to an object.
///
/// # Safety
/// As [`drop`].
#[inline(always)]
pub unsafe fn drop_object(heap: &mut Heap, object: *mut Header) {
    // SAFETY: by contract.
    unsafe {
        let count = &(*object).count;
        let c = count.load(Relaxed);
        if c > 1 {
            count.store(c - 1, Relaxed);
        } else if c != 0 {
            drop_slow(heap, NonNull::new_unchecked(object));
        }
    }
}

/// The last local reference, or a shared one.
///
/// # Safety
/// As [`drop`].
#[inline(never)]
pub unsafe fn drop_slow(heap: &mut Heap, object: NonNull<Header>) {
    // SAFETY: by contract.
    unsafe {
        if release(object) {
            free_graph(heap, object);
        }
    }
}

/// Takes one reference away; whether it was the last.
///
/// # Safety
/// The object is live and the caller owns the reference.
#[inline(always)]
unsafe fn release(object: NonNull<Header>) -> bool {
    // SAFETY: by contract.
    let count = unsafe { &object.as_ref().count };
    match count.load(Relaxed) {
        1 => true,
        c if c > 1 => {
            count.store(c - 1, Relaxed);
            false
        }
        0 => false,
        // Acquire and release: what others did with the object happens before it is freed.
        _ => count.fetch_add(1, AcqRel) == -1,
    }
}

/// Frees an object whose last reference is gone, and whatever dies with it.
unsafe fn free_graph(heap: &mut Heap, object: NonNull<Header>) {
    // The base makes this re-entrant: releasing a handle may drop words.
    let base = heap.pending.len();
    // SAFETY: `object` is dead; so is everything pushed on `pending`.
    unsafe { free_node(heap, object, 0) };
    while heap.pending.len() > base {
        let Some(Pending { object, next }) = heap.pending.pop() else {
            break;
        };
        // SAFETY: as above.
        unsafe { free_node(heap, object, next) };
    }
}

/// Drops the children of a dead object from `next` on and frees it. A container is put back, with
/// the place to go on from, as soon as one child dies: the stack is as deep as the nesting.
unsafe fn free_node(heap: &mut Heap, object: NonNull<Header>, next: u32) {
    // SAFETY: the table outlives this call; `object` is dead, so its children are ours to drop.
    unsafe {
        let ty = object.as_ref().ty;
        let p = object.as_ptr();
        match heap.types_detached().shape(ty) {
            Shape::Fixed { slots, words } => {
                for &i in words {
                    let w = get_slot(p, i as usize);
                    if is_pointer(w) {
                        let child = NonNull::new_unchecked(header(w));
                        if release(child) {
                            heap.pending.push(Pending {
                                object: child,
                                next: 0,
                            });
                        }
                    }
                }
                heap.free_object(object, HEADER_SIZE + 8 * *slots as usize);
            }
            Shape::String => {
                let cap = (*p.cast::<StringObject>()).cap as usize;
                heap.free_object(object, STRING_DATA_OFFSET + cap);
            }
            Shape::Bytes => {
                let cap = (*p.cast::<BytesObject>()).cap as usize;
                heap.free_object(object, size_of::<BytesObject>() + cap);
            }
            Shape::List(elem) => {
                let list = p.cast::<ListObject>();
                if *elem == Elem::Word {
                    let data = p.cast::<u8>().add(LIST_DATA_OFFSET).cast::<u64>();
                    let len = (*list).len;
                    for i in next..len {
                        if defer_child(heap, object, i + 1, data.add(i as usize).read()) {
                            return;
                        }
                    }
                }
                let size = LIST_DATA_OFFSET + (*list).cap as usize * elem.size();
                heap.free_object(object, size);
            }
            Shape::Map { .. } => {
                let mut i = next;
                while let Some(w) = map::child_word(p, &mut i) {
                    if defer_child(heap, object, i, w) {
                        return;
                    }
                }
                map::free_storage(heap, object);
            }
            Shape::Handle => {
                handle::release(p, heap);
                heap.free_object(object, size_of::<HandleObject>());
            }
            Shape::None => debug_assert!(false, "object of type {ty}, which has no objects"),
        }
    }
}

/// Releases one child of a container; if it dies, puts both on the stack, the child on top.
unsafe fn defer_child(heap: &mut Heap, parent: NonNull<Header>, next: u32, w: u64) -> bool {
    if !is_pointer(w) {
        return false;
    }
    // SAFETY: the parent owned a reference to the child.
    unsafe {
        let child = NonNull::new_unchecked(header(w));
        if !release(child) {
            return false;
        }
        heap.pending.push(Pending {
            object: parent,
            next,
        });
        heap.pending.push(Pending {
            object: child,
            next: 0,
        });
    }
    true
}

/// Whether the caller holds the only reference, so that the object may be updated in place.
///
/// A shared object with one reference left becomes local again: nobody else can see it.
///
/// # Safety
/// `w` is a live pointer word and the caller owns a reference.
#[inline(always)]
pub unsafe fn is_unique(w: u64) -> bool {
    // SAFETY: by contract.
    let count = unsafe { &(*header(w)).count };
    match count.load(Relaxed) {
        1 => true,
        -1 => {
            // Acquire: the others' uses happen before ours.
            count.load(Acquire);
            count.store(1, Relaxed);
            true
        }
        _ => false,
    }
}

/// Marks everything reachable from `w` as shared between fibers. Call it before the word is made
/// visible to another fiber, unless a unique value is handed over.
///
/// # Safety
/// `w` is a live word, or absent.
#[inline]
pub unsafe fn share(heap: &mut Heap, w: u64) {
    // SAFETY: by contract.
    unsafe {
        if !is_pointer(w) {
            return;
        }
        mark(heap, w, &mut |object| {
            let count = &object.as_ref().count;
            let c = count.load(Relaxed);
            if c > 0 {
                count.store(-c, Relaxed);
            }
            c > 0
        });
    }
}

/// Makes everything reachable from `w` persistent: never counted, never freed. For constants.
///
/// # Safety
/// `w` is a live word that is not shared with another fiber.
pub unsafe fn persist(heap: &mut Heap, w: u64) {
    let mut n = 0;
    // SAFETY: by contract.
    unsafe {
        mark(heap, w, &mut |object| {
            let count = &object.as_ref().count;
            let fresh = count.load(Relaxed) != 0;
            if fresh {
                count.store(0, Relaxed);
                n += 1;
            }
            fresh
        });
    }
    heap.forget_live(n);
}

/// Visits what is reachable from `w`; `visit` says whether to go into an object.
unsafe fn mark(heap: &mut Heap, w: u64, visit: &mut dyn FnMut(NonNull<Header>) -> bool) {
    if !is_pointer(w) {
        return;
    }
    // SAFETY: everything reachable from a live word is live.
    unsafe {
        let base = heap.pending.len();
        let root = NonNull::new_unchecked(header(w));
        if visit(root) {
            heap.pending.push(Pending {
                object: root,
                next: 0,
            });
        }
        while heap.pending.len() > base {
            let Some(Pending { object, next }) = heap.pending.pop() else {
                break;
            };
            let mut i = next;
            while let Some(child) = next_child(heap, object, &mut i) {
                if is_pointer(child) {
                    let child = NonNull::new_unchecked(header(child));
                    if visit(child) {
                        heap.pending.push(Pending { object, next: i });
                        heap.pending.push(Pending {
                            object: child,
                            next: 0,
                        });
                        break;
                    }
                }
            }
        }
    }
}

/// The next word inside an object, counting positions in `i`.
unsafe fn next_child(heap: &Heap, object: NonNull<Header>, i: &mut u32) -> Option<u64> {
    let p = object.as_ptr();
    // SAFETY: the object is live and laid out as its type says.
    unsafe {
        let types = heap.types_detached();
        match types.shape(object.as_ref().ty) {
            Shape::Fixed { words, .. } => {
                let slot = *words.get(*i as usize)?;
                *i += 1;
                Some(get_slot(p, slot as usize))
            }
            Shape::List(Elem::Word) => {
                if *i >= (*p.cast::<ListObject>()).len {
                    return None;
                }
                let w = p
                    .cast::<u8>()
                    .add(LIST_DATA_OFFSET)
                    .cast::<u64>()
                    .add(*i as usize)
                    .read();
                *i += 1;
                Some(w)
            }
            Shape::Map { .. } => map::child_word(p, i),
            _ => None,
        }
    }
}
