//! Words: counting, boxing, tests, globals.

use std::sync::atomic::Ordering::Relaxed;

use lumen_runtime::heap::well_known;
use lumen_runtime::heap::word::{
    ABSENT, FALSE, TAG_MASK, TRUE, bool_word, header, is_pointer, is_small_int, small_int,
    small_int_value, type_of,
};

use super::dispatch::{Cx, Exit, Flow, Pc, Regs, Table, go, handlers, leave};
use super::fail::fail_absent;
use super::objects::alloc_small;
use super::operand::{float, get, int, lane, put, target32};
use super::unwind::unwind;
use crate::helpers::maps;
use crate::helpers::natives::{self, Called};
use crate::helpers::{lists, strings, words};

/// Cold functions that leave the whole instruction to a helper.
macro_rules! slow {
    ($($name:ident => $helper:path, $words:literal;)*) => { handlers! { $(
        cold $name(pc, r, cx, t) {
            if $helper(pc, r, cx) {
                return go(pc.add($words), r, cx, t);
            }
            unwind(pc, r, cx, t)
        }
    )* } };
}
pub(super) use slow;

/// Handlers that are a call of a helper.
macro_rules! called {
    ($($name:ident => $helper:path, $words:literal;)*) => { handlers! { $(
        fn $name(pc, r, cx, t) {
            if $helper(pc, r, cx) {
                return go(pc.add($words), r, cx, t);
            }
            unwind(pc, r, cx, t)
        }
    )* } };
}

slow! {
    dup_slow => lists::dup_word, 1;
    box_int_slow => words::box_int, 1;
    box_float_slow => words::box_float, 1;
    unbox_int_slow => words::unbox_int, 1;
    unbox_float_slow => words::unbox_float, 1;
    unbox_bool_slow => words::unbox_bool, 1;
    cast_slow => words::cast, 1;
}

called! {
    int_pow => crate::helpers::ints::int_pow, 1;
    equal => words::equal, 2;
    compare => words::compare, 2;
    map_get => maps::map_get, 1;
    map_get_word => maps::map_get, 1;
    map_get_or => maps::map_get_or, 2;
    map_set => maps::map_set, 1;
    map_has => maps::map_has, 1;
    map_next => maps::map_next, 1;
    map_key_at => maps::map_key_at, 1;
    map_value_at => maps::map_value_at, 1;
    place_set => crate::helpers::places::place_set, 2;
    str_concat => strings::str_concat, 1;
    str_append => strings::str_append, 1;
    to_str => strings::to_str, 1;
    str_eq => strings::str_eq, 1;
}

handlers! {
    /// See the loader: a look-up whose answer says where to go on.
    fn map_find(pc, r, cx, t) {
        if maps::map_find(pc, r, cx) {
            return go(pc.add(3), r, cx, t);
        }
        go(target32(pc.add(1), 1), r, cx, t)
    }
    /// See the loader: a look-up, an addition and an update of one key.
    fn map_add(pc, r, cx, t) {
        if maps::map_add(pc, r, cx) {
            return go(pc.add(3), r, cx, t);
        }
        map_get(pc, r, cx, t)
    }
    /// The same with a value for a key that is not there.
    fn map_add_or(pc, r, cx, t) {
        if maps::map_add_or(pc, r, cx) {
            return go(pc.add(4), r, cx, t);
        }
        map_get_or(pc, r, cx, t)
    }
    out drop_slow(pc, r, cx, t) {
        lists::drop_word(pc, r, cx);
        go(pc.add(1), r, cx, t)
    }
    fn dup(pc, r, cx, t) {
        let w = get(r, pc, 1);
        // A live word is never absent, so the tag alone tells a pointer.
        if w & TAG_MASK == 0 {
            let count = &(*header(w)).count;
            let c = count.load(Relaxed);
            if c > 0 {
                count.store(c.wrapping_add(1), Relaxed);
            } else if c != 0 {
                return dup_slow(pc, r, cx, t);
            }
        }
        put(r, pc, 0, w);
        go(pc.add(1), r, cx, t)
    }
    fn drop(pc, r, cx, t) {
        let w = get(r, pc, 0);
        if w & TAG_MASK == 0 {
            let count = &(*header(w)).count;
            let c = count.load(Relaxed);
            if c > 1 {
                count.store(c - 1, Relaxed);
            } else if c != 0 {
                return drop_slow(pc, r, cx, t);
            }
        }
        go(pc.add(1), r, cx, t)
    }
    fn global_get(pc, r, cx, t) {
        put(r, pc, 0, *(*cx).globals.add(lane(pc, 1)));
        go(pc.add(1), r, cx, t)
    }
    fn global_get_word(pc, r, cx, t) {
        let w = *(*cx).globals.add(lane(pc, 1));
        if w == ABSENT {
            return fail_absent(pc, r, cx, t);
        }
        put(r, pc, 0, w);
        go(pc.add(1), r, cx, t)
    }
    fn global_set(pc, r, cx, t) {
        (*cx).task().program().set_global((*cx).heap(), lane(pc, 0), get(r, pc, 1));
        go(pc.add(1), r, cx, t)
    }
    fn box_int(pc, r, cx, t) {
        let Some(w) = small_int(int(r, pc, 1)) else { return box_int_slow(pc, r, cx, t) };
        put(r, pc, 0, w);
        go(pc.add(1), r, cx, t)
    }
    fn box_float(pc, r, cx, t) {
        let object = alloc_small(cx, well_known::FLOAT, 1);
        if object.is_null() {
            return box_float_slow(pc, r, cx, t);
        }
        *object.add(1) = float(r, pc, 1).to_bits();
        put(r, pc, 0, object as u64);
        go(pc.add(1), r, cx, t)
    }
    fn box_bool(pc, r, cx, t) {
        put(r, pc, 0, bool_word(get(r, pc, 1) != 0));
        go(pc.add(1), r, cx, t)
    }
    fn unbox_int(pc, r, cx, t) {
        let w = get(r, pc, 1);
        if !is_small_int(w) {
            return unbox_int_slow(pc, r, cx, t);
        }
        put(r, pc, 0, small_int_value(w) as u64);
        go(pc.add(1), r, cx, t)
    }
    fn unbox_float(pc, r, cx, t) {
        let w = get(r, pc, 1);
        if !is_pointer(w) || (*header(w)).ty != well_known::FLOAT {
            return unbox_float_slow(pc, r, cx, t);
        }
        put(r, pc, 0, *(w as *const u64).add(1));
        go(pc.add(1), r, cx, t)
    }
    fn unbox_bool(pc, r, cx, t) {
        let w = get(r, pc, 1);
        if w != TRUE && w != FALSE {
            return unbox_bool_slow(pc, r, cx, t);
        }
        put(r, pc, 0, u64::from(w == TRUE));
        go(pc.add(1), r, cx, t)
    }
    fn cast(pc, r, cx, t) {
        if type_of(get(r, pc, 0)) as usize != lane(pc, 1) {
            return cast_slow(pc, r, cx, t);
        }
        go(pc.add(1), r, cx, t)
    }
    fn cast_member(pc, r, cx, t) {
        if !(*cx).is_member(type_of(get(r, pc, 0)), lane(pc, 1)) {
            return cast_slow(pc, r, cx, t);
        }
        go(pc.add(1), r, cx, t)
    }
    fn widen(pc, r, cx, t) {
        go(pc.add(1), r, cx, t)
    }
    fn is_type(pc, r, cx, t) {
        put(r, pc, 0, u64::from(type_of(get(r, pc, 1)) as usize == lane(pc, 2)));
        go(pc.add(1), r, cx, t)
    }
    fn is_member(pc, r, cx, t) {
        let member = (*cx).is_member(type_of(get(r, pc, 1)), lane(pc, 2));
        put(r, pc, 0, u64::from(member));
        go(pc.add(1), r, cx, t)
    }
    fn call_native(pc, r, cx, t) {
        after_native(pc, r, cx, t, natives::call_native(pc, r, cx), 1)
    }
    fn call_native_at(pc, r, cx, t) {
        after_native(pc, r, cx, t, natives::call_native_at(pc, r, cx), 2)
    }
}

/// Goes on after a native call.
#[inline(always)]
unsafe fn after_native(pc: Pc, r: Regs, cx: Cx, t: Table, called: Called, words: usize) -> Flow {
    // SAFETY: the running fiber's state.
    unsafe {
        match called {
            Called::Done => go(pc.add(words), r, cx, t),
            Called::Failed => unwind(pc, r, cx, t),
            Called::Parked => leave(pc, r, cx, Exit::Parked),
            Called::Yielded => leave(pc.add(words), r, cx, Exit::Parked),
            Called::Stopped => leave(pc, r, cx, Exit::Stopped),
            Called::Halted => {
                natives::halt(pc, cx);
                leave(pc, r, cx, Exit::Stopped)
            }
        }
    }
}
