//! Records, tuples, variants, closures.

use std::sync::atomic::Ordering::Relaxed;

use lumen_runtime::heap::alloc::{HEAP_FREE_OFFSET, HEAP_LIVE_OFFSET, SMALL_MAX};
use lumen_runtime::heap::object::{Header, get_slot, slot_ptr};
use lumen_runtime::heap::word::{header, is_pointer};

use super::dispatch::{Cx, Flow, Pc, Regs, Table, go, handlers};
use super::operand::{get, lane, put, reg};
use super::unwind::unwind;
use super::words::slow;
use crate::helpers::objects;

/// Takes an object with `slots` slots from the heap's free list, header written; null if the list
/// is empty (a helper then refills it) or the object is too large for it.
#[inline(always)]
pub(super) unsafe fn alloc_small(cx: Cx, ty: u32, slots: usize) -> *mut u64 {
    // SAFETY: the offsets are the heap's own; blocks on a free list hold the next one's address.
    unsafe {
        if 8 + 8 * slots > SMALL_MAX {
            return std::ptr::null_mut();
        }
        let heap = (*cx).heap.cast::<u8>();
        let list = heap.add(HEAP_FREE_OFFSET).cast::<*mut u64>().add(slots + 1);
        let block = *list;
        if !block.is_null() {
            *list = (*block) as *mut u64;
            *heap.add(HEAP_LIVE_OFFSET).cast::<i64>() += 1;
            block.cast::<Header>().write(Header::new(ty));
        }
        block
    }
}

slow! {
    new_slow => objects::new, 1;
    new_closure_slow => objects::new_closure, 1;
    field_set_slow => objects::field_set, 1;
    field_set_word_slow => objects::field_set_word, 1;
}

/// `new` with a fixed number of slots.
macro_rules! new_fixed {
    ($($name:ident $n:literal;)*) => { handlers! { $(
        fn $name(pc, r, cx, t) {
            let object = alloc_small(cx, lane(pc, 2) as u32, $n);
            if object.is_null() {
                return new_slow(pc, r, cx, t);
            }
            let first = reg(r, pc, 1);
            for i in 0..$n {
                *object.add(1 + i) = *first.add(i);
            }
            put(r, pc, 0, object as u64);
            go(pc.add(1), r, cx, t)
        }
    )* } };
}

new_fixed! {
    new_1 1;
    new_2 2;
    new_3 3;
    new_4 4;
}

handlers! {
    fn new(pc, r, cx, t) {
        let ty = lane(pc, 2);
        let n = usize::from(*(*cx).slots.add(ty));
        let object = alloc_small(cx, ty as u32, n);
        if object.is_null() {
            return new_slow(pc, r, cx, t);
        }
        let first = reg(r, pc, 1);
        let mut i = 0;
        while i < n {
            *object.add(1 + i) = *first.add(i);
            i += 1;
        }
        put(r, pc, 0, object as u64);
        go(pc.add(1), r, cx, t)
    }
    /// A closure: the window holds the captures, slot 0 is the function.
    fn new_closure(pc, r, cx, t) {
        let ty = lane(pc, 2);
        let n = usize::from(*(*cx).slots.add(ty));
        let object = alloc_small(cx, ty as u32, n);
        if object.is_null() {
            return new_closure_slow(pc, r, cx, t);
        }
        *object.add(1) = u64::from(*(*cx).closures.add(ty));
        let first = reg(r, pc, 1);
        let mut i = 1;
        while i < n {
            *object.add(1 + i) = *first.add(i - 1);
            i += 1;
        }
        put(r, pc, 0, object as u64);
        go(pc.add(1), r, cx, t)
    }
    fn field_get(pc, r, cx, t) {
        put(r, pc, 0, get_slot(header(get(r, pc, 1)), lane(pc, 2)));
        go(pc.add(1), r, cx, t)
    }
    fn field_get_word(pc, r, cx, t) {
        put(r, pc, 0, get_slot(header(get(r, pc, 1)), lane(pc, 2)));
        go(pc.add(1), r, cx, t)
    }
    fn field_set(pc, r, cx, t) {
        let object = header(get(r, pc, 0));
        if (*object).count() != 1 {
            return field_set_slow(pc, r, cx, t);
        }
        *slot_ptr(object, lane(pc, 1)) = get(r, pc, 2);
        go(pc.add(1), r, cx, t)
    }
    fn field_set_word(pc, r, cx, t) {
        let object = header(get(r, pc, 0));
        let slot = slot_ptr(object, lane(pc, 1));
        if (*object).count() != 1 || !release_fast(*slot) {
            return field_set_word_slow(pc, r, cx, t);
        }
        *slot = get(r, pc, 2);
        go(pc.add(1), r, cx, t)
    }
}

/// Gives up a word if that is only counting down; false (and nothing done) when it would free
/// the object or is shared.
#[inline(always)]
pub(super) unsafe fn release_fast(w: u64) -> bool {
    if !is_pointer(w) {
        return true;
    }
    // SAFETY: a live word owned by the container that is being written.
    unsafe {
        let count = &(*header(w)).count;
        let c = count.load(Relaxed);
        if c > 1 {
            count.store(c - 1, Relaxed);
        }
        c == 0 || c > 1
    }
}
