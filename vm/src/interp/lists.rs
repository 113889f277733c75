//! Lists. Inline: an index in range and, for writes, a unique list; the rest is cold.

use lumen_runtime::heap::object::{LIST_DATA_OFFSET, ListObject, get_slot, slot_ptr};
use lumen_runtime::heap::word::header;

use super::control::poll_slow;
use super::dispatch::{Cx, Flow, Pc, Regs, Table, go, handlers};
use super::objects::release_fast;
use super::operand::{get, int, lane, put, target32};
use super::unwind::unwind;
use super::words::slow;
use crate::helpers::lists;

slow! {
    list_get_slow => lists::list_get, 1;
    list_get_byte_slow => lists::list_get_byte, 1;
    list_set_slow => lists::list_set, 1;
    list_set_word_slow => lists::list_set_word, 1;
    list_set_byte_slow => lists::list_set_byte, 1;
    list_push_slow => lists::list_push, 1;
    list_get2_slow => lists::list_get2, 2;
    list_set2_slow => lists::list_set2, 2;
    list_get_field_slow => lists::list_get_field, 2;
    list_set_field_slow => lists::list_set_field, 2;
    list_new_slow => lists::list_new, 2;
}

/// A list as the handlers see it.
#[derive(Clone, Copy)]
struct List(*mut ListObject);

impl List {
    #[inline(always)]
    fn of(w: u64) -> List {
        List(header(w).cast())
    }

    #[inline(always)]
    unsafe fn len(self) -> u64 {
        // SAFETY: a live list.
        u64::from(unsafe { (*self.0).len })
    }

    #[inline(always)]
    unsafe fn has(self, i: i64) -> bool {
        // SAFETY: a live list.
        (i as u64) < unsafe { self.len() }
    }

    #[inline(always)]
    unsafe fn is_unique(self) -> bool {
        // SAFETY: a live list. (A shared list with one reference left is left to the helper.)
        unsafe { (*self.0).header.count() == 1 }
    }

    /// The address of 8-byte element `i`.
    #[inline(always)]
    unsafe fn slot(self, i: i64) -> *mut u64 {
        // SAFETY: the caller has compared `i` with the length.
        unsafe {
            self.0
                .cast::<u8>()
                .add(LIST_DATA_OFFSET)
                .cast::<u64>()
                .add(i as usize)
        }
    }

    /// The address of 1-byte element `i`.
    #[inline(always)]
    unsafe fn byte(self, i: i64) -> *mut u8 {
        // SAFETY: as `slot`.
        unsafe { self.0.cast::<u8>().add(LIST_DATA_OFFSET).add(i as usize) }
    }
}

/// `R[dst] := R[xs][R[i]]`.
macro_rules! gets {
    ($($name:ident $slow:ident |$xs:ident, $i:ident| $value:expr;)*) => { handlers! { $(
        fn $name(pc, r, cx, t) {
            let ($xs, $i) = (List::of(get(r, pc, 1)), int(r, pc, 2));
            if !$xs.has($i) {
                return $slow(pc, r, cx, t);
            }
            put(r, pc, 0, $value);
            go(pc.add(1), r, cx, t)
        }
    )* } };
}

gets! {
    list_get list_get_slow |xs, i| *xs.slot(i);
    list_get_word list_get_slow |xs, i| *xs.slot(i);
    list_get_byte list_get_byte_slow |xs, i| u64::from(*xs.byte(i));
}

/// Appending: in place when unique and there is room.
macro_rules! pushes {
    ($($name:ident |$xs:ident, $i:ident, $v:ident| $store:expr;)*) => { handlers! { $(
        fn $name(pc, r, cx, t) {
            let ($xs, $v) = (List::of(get(r, pc, 0)), get(r, pc, 1));
            let len = (*$xs.0).len;
            if !$xs.is_unique() || len == (*$xs.0).cap {
                return list_push_slow(pc, r, cx, t);
            }
            let $i = i64::from(len);
            $store;
            (*$xs.0).len = len + 1;
            go(pc.add(1), r, cx, t)
        }
    )* } };
}

pushes! {
    list_push |xs, i, v| *xs.slot(i) = v;
    list_push_word |xs, i, v| *xs.slot(i) = v;
    list_push_byte |xs, i, v| *xs.byte(i) = v as u8;
}

/// `R[i] += 1`, and on with the element there while there is one.
macro_rules! walks {
    ($($name:ident |$xs:ident, $i:ident| $value:expr;)*) => { handlers! { $(
        fn $name(pc, r, cx, t) {
            if (*cx).poll_due() {
                return poll_slow(pc, r, cx, t);
            }
            let ($xs, $i) = (List::of(get(r, pc, 1)), int(r, pc, 0).wrapping_add(1));
            put(r, pc, 0, $i as u64);
            if $xs.has($i) {
                put(r, pc, 2, $value);
                return go(target32(pc, 3), r, cx, t);
            }
            go(pc.add(2), r, cx, t)
        }
    )* } };
}

walks! {
    for_list |xs, i| *xs.slot(i);
    for_list_word |xs, i| *xs.slot(i);
    for_list_byte |xs, i| u64::from(*xs.byte(i));
}

handlers! {
    fn list_new(pc, r, cx, t) {
        list_new_slow(pc, r, cx, t)
    }
    fn list_len(pc, r, cx, t) {
        put(r, pc, 0, List::of(get(r, pc, 1)).len());
        go(pc.add(1), r, cx, t)
    }
    fn list_set(pc, r, cx, t) {
        let (xs, i) = (List::of(get(r, pc, 0)), int(r, pc, 1));
        if !xs.has(i) || !xs.is_unique() {
            return list_set_slow(pc, r, cx, t);
        }
        *xs.slot(i) = get(r, pc, 2);
        go(pc.add(1), r, cx, t)
    }
    fn list_set_byte(pc, r, cx, t) {
        let (xs, i) = (List::of(get(r, pc, 0)), int(r, pc, 1));
        if !xs.has(i) || !xs.is_unique() {
            return list_set_byte_slow(pc, r, cx, t);
        }
        *xs.byte(i) = get(r, pc, 2) as u8;
        go(pc.add(1), r, cx, t)
    }
    fn list_set_word(pc, r, cx, t) {
        let (xs, i) = (List::of(get(r, pc, 0)), int(r, pc, 1));
        if !xs.has(i) || !xs.is_unique() || !release_fast(*xs.slot(i)) {
            return list_set_word_slow(pc, r, cx, t);
        }
        *xs.slot(i) = get(r, pc, 2);
        go(pc.add(1), r, cx, t)
    }
    fn list_get2(pc, r, cx, t) {
        let (xs, i) = (List::of(get(r, pc, 1)), int(r, pc, 2));
        if xs.has(i) {
            let (row, j) = (List::of(*xs.slot(i)), int(r, pc, 3));
            if row.has(j) {
                put(r, pc, 0, *row.slot(j));
                return go(pc.add(2), r, cx, t);
            }
        }
        list_get2_slow(pc, r, cx, t)
    }
    fn list_set2(pc, r, cx, t) {
        let (xs, i) = (List::of(get(r, pc, 0)), int(r, pc, 1));
        if xs.has(i) && xs.is_unique() {
            let (row, j) = (List::of(*xs.slot(i)), int(r, pc, 2));
            if row.has(j) && row.is_unique() {
                *row.slot(j) = get(r, pc, 3);
                return go(pc.add(2), r, cx, t);
            }
        }
        list_set2_slow(pc, r, cx, t)
    }
    fn list_get_field(pc, r, cx, t) {
        let (xs, i) = (List::of(get(r, pc, 1)), int(r, pc, 2));
        if !xs.has(i) {
            return list_get_field_slow(pc, r, cx, t);
        }
        put(r, pc, 0, get_slot(header(*xs.slot(i)), lane(pc, 3)));
        go(pc.add(2), r, cx, t)
    }
    fn list_set_field(pc, r, cx, t) {
        let (xs, i) = (List::of(get(r, pc, 0)), int(r, pc, 1));
        if xs.has(i) && xs.is_unique() {
            let object = header(*xs.slot(i));
            if (*object).count() == 1 {
                *slot_ptr(object, lane(pc, 2)) = get(r, pc, 3);
                return go(pc.add(2), r, cx, t);
            }
        }
        list_set_field_slow(pc, r, cx, t)
    }
}
