//! Lists: negative indices, copies before a write, growth.

use lumen_runtime::heap::count::{self, dup};
use lumen_runtime::heap::list;
use lumen_runtime::heap::object::slot_ptr;
use lumen_runtime::heap::record;
use lumen_runtime::heap::word::header;
use lumen_runtime::native::resolve_index;

use super::{alloc, discard, fail_index, helpers};
use crate::interp::operand::{get, int, lane, put, reg};

/// The index in lane `$n`, resolved, or the failure.
macro_rules! index {
    ($xs:expr, $n:literal, $pc:ident, $r:ident, $cx:ident $(, $undo:expr)?) => {{
        let (i, len) = (int($r, $pc, $n), list::len($xs));
        match resolve_index(i, len) {
            Some(i) => i,
            None => {
                $($undo;)?
                return fail_index($pc, $cx, i, len);
            }
        }
    }};
}

helpers! {
    /// `list.new`.
    fn list_new(pc, r, cx) {
        let slots = std::slice::from_raw_parts(reg(r, pc, 1), lane(pc, 2));
        let made = list::from_slots((*cx).heap(), lane(pc, 3) as u32, slots);
        put(r, pc, 0, alloc!(made, pc, cx));
        true
    }
    /// `list.get` and `list.get.w`.
    fn list_get(pc, r, cx) {
        let xs = get(r, pc, 1);
        let i = index!(xs, 2, pc, r, cx);
        put(r, pc, 0, list::slots(xs)[i]);
        true
    }
    /// `list.get.b`.
    fn list_get_byte(pc, r, cx) {
        let xs = get(r, pc, 1);
        let i = index!(xs, 2, pc, r, cx);
        put(r, pc, 0, u64::from(list::bools(xs)[i]));
        true
    }
    /// `list.set`.
    fn list_set(pc, r, cx) {
        let xs = &mut *reg(r, pc, 0);
        let i = index!(*xs, 1, pc, r, cx);
        alloc!(list::make_unique((*cx).heap(), xs), pc, cx);
        list::slots_mut(*xs)[i] = get(r, pc, 2);
        true
    }
    /// `list.set.w`.
    fn list_set_word(pc, r, cx) {
        let xs = &mut *reg(r, pc, 0);
        let value = get(r, pc, 2);
        let i = index!(*xs, 1, pc, r, cx, discard(cx, value));
        alloc!(list::set((*cx).heap(), xs, i, value), pc, cx);
        true
    }
    /// `list.set.b`.
    fn list_set_byte(pc, r, cx) {
        let xs = &mut *reg(r, pc, 0);
        let i = index!(*xs, 1, pc, r, cx);
        alloc!(list::set((*cx).heap(), xs, i, get(r, pc, 2)), pc, cx);
        true
    }
    /// `list.push`, for all three kinds.
    fn list_push(pc, r, cx) {
        let xs = &mut *reg(r, pc, 0);
        alloc!(list::push((*cx).heap(), xs, get(r, pc, 1)), pc, cx);
        true
    }
    /// `list.get2`.
    fn list_get2(pc, r, cx) {
        let xs = get(r, pc, 1);
        let row = list::slots(xs)[index!(xs, 2, pc, r, cx)];
        put(r, pc, 0, list::slots(row)[index!(row, 3, pc, r, cx)]);
        true
    }
    /// `list.set2`.
    fn list_set2(pc, r, cx) {
        let xs = &mut *reg(r, pc, 0);
        let i = index!(*xs, 1, pc, r, cx);
        let row = list::slots(*xs)[i];
        let j = index!(row, 2, pc, r, cx);
        alloc!(list::make_unique((*cx).heap(), xs), pc, cx);
        let row = &mut list::slots_mut(*xs)[i];
        alloc!(list::make_unique((*cx).heap(), row), pc, cx);
        list::slots_mut(*row)[j] = get(r, pc, 3);
        true
    }
    /// `list.getf`.
    fn list_get_field(pc, r, cx) {
        let xs = get(r, pc, 1);
        let object = list::slots(xs)[index!(xs, 2, pc, r, cx)];
        put(r, pc, 0, record::get(object, lane(pc, 3)));
        true
    }
    /// `list.setf`.
    fn list_set_field(pc, r, cx) {
        let xs = &mut *reg(r, pc, 0);
        let i = index!(*xs, 1, pc, r, cx);
        alloc!(list::make_unique((*cx).heap(), xs), pc, cx);
        let object = &mut list::slots_mut(*xs)[i];
        alloc!(record::make_unique((*cx).heap(), object), pc, cx);
        *slot_ptr(header(*object), lane(pc, 2)) = get(r, pc, 3);
        true
    }
    /// `dup` of a shared word.
    fn dup_word(pc, r, cx) {
        let _ = cx;
        let w = get(r, pc, 1);
        dup(w);
        put(r, pc, 0, w);
        true
    }
    /// `drop` of the last reference, or of a shared word.
    fn drop_word(pc, r, cx) {
        count::drop((*cx).heap(), get(r, pc, 0));
        true
    }
}
