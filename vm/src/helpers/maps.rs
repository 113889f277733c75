//! Maps.

use lumen_bytecode::module::FailureKind;
use lumen_runtime::heap::count::dup;
use lumen_runtime::heap::format::format;
use lumen_runtime::heap::map::{self, hint};
use lumen_runtime::heap::word::header;

use super::{alloc, fail, helpers};
use crate::interp::dispatch::{Code, Cx, Pc, Regs};
use crate::interp::operand::{get, imm16, put, reg};

helpers! {
    /// `map.get` and `map.get.w`.
    fn map_get(pc, r, cx) {
        let (m, key) = (get(r, pc, 1), get(r, pc, 2));
        let Some((position, value)) = hint::get_at((*cx).heap().types(), m, key) else {
            return fail_key(pc, cx, m, key);
        };
        (*cx).map_position = position;
        put(r, pc, 0, value);
        true
    }
    /// `map.getor`.
    fn map_get_or(pc, r, cx) {
        let (m, key) = (get(r, pc, 1), get(r, pc, 2));
        let value = match hint::get_at((*cx).heap().types(), m, key) {
            Some((position, value)) => {
                (*cx).map_position = position;
                value
            }
            None => get(r, pc, 3),
        };
        put(r, pc, 0, value);
        true
    }
    /// `map.set`.
    fn map_set(pc, r, cx) {
        let m = &mut *reg(r, pc, 0);
        let (key, value) = (get(r, pc, 1), get(r, pc, 2));
        if hint::replace_at((*cx).heap(), *m, (*cx).map_position, key, value) {
            return true;
        }
        let (key_words, value_words) = map::counts(*m);
        if key_words {
            dup(key);
        }
        if value_words {
            dup(value);
        }
        alloc!(map::insert((*cx).heap(), m, key, value), pc, cx);
        true
    }
    /// `map.has`, `jump.ifnot`, `map.get` of one key: whether the key is there; if so, its value
    /// is in the register of the `map.get`, two words on.
    fn map_find(pc, r, cx) {
        let found = hint::get_at((*cx).heap().types(), get(r, pc, 1), get(r, pc, 2));
        put(r, pc, 0, u64::from(found.is_some()));
        let Some((position, value)) = found else { return false };
        (*cx).map_position = position;
        put(r, pc.add(2), 0, value);
        true
    }
    /// `map.get`, `int.addi`, `map.set` of one key, if that is but a number in a place: see
    /// [`add_in_place`].
    fn map_add(pc, r, cx) {
        add_in_place(pc, pc.add(1), r, cx)
    }
    /// `map.getor`, `int.addi`, `map.set` of one key, likewise.
    fn map_add_or(pc, r, cx) {
        add_in_place(pc, pc.add(2), r, cx)
    }
    /// `rt.map_next`: the position of the first entry from one on, or -1.
    fn map_next(pc, r, _cx) {
        let (m, at) = (*reg(r, pc, 1), *reg(r, pc, 1).add(1));
        let at = usize::try_from(at as i64).unwrap_or(0);
        let found = match map::entry_at(m, at) {
            Some(_) => Some(at),
            None => map::next(m, at).map(|found| found.0),
        };
        put(r, pc, 0, found.map_or(-1, |position| position as i64) as u64);
        true
    }
    /// `rt.map_key_at`.
    fn map_key_at(pc, r, cx) {
        let (m, at) = (*reg(r, pc, 1), *reg(r, pc, 1).add(1));
        let Some((key, _)) = map::entry_at(m, at as usize) else {
            return fail_entry(pc, cx, at);
        };
        if map::counts(m).0 {
            dup(key);
        }
        put(r, pc, 0, key);
        true
    }
    /// `rt.map_value_at`.
    fn map_value_at(pc, r, cx) {
        let (m, at) = (*reg(r, pc, 1), *reg(r, pc, 1).add(1));
        let Some((_, value)) = map::entry_at(m, at as usize) else {
            return fail_entry(pc, cx, at);
        };
        if map::counts(m).1 {
            dup(value);
        }
        put(r, pc, 0, value);
        true
    }
    /// `map.has`.
    fn map_has(pc, r, cx) {
        let found = map::contains((*cx).heap().types(), get(r, pc, 1), get(r, pc, 2));
        put(r, pc, 0, u64::from(found));
        true
    }
}

/// Adds to the Int of a key in a map that nobody else has. Whether it did: otherwise nothing has
/// happened yet, and the three instructions are executed one by one.
///
/// # Safety
/// As the helpers, for both instructions; the first has the key in operand 2.
#[inline(always)]
unsafe fn add_in_place(pc: Pc, add: Pc, r: Regs, cx: Cx) -> bool {
    // SAFETY: by contract.
    unsafe {
        let (m, key) = (get(r, pc, 1), get(r, pc, 2));
        // Without a call, so that no registers need to be saved.
        if !hint::has_plain_keys(m) {
            return add_to_other(pc, add, r, cx);
        }
        let place = hint::number_of_bits((*cx).heap().types(), m, key);
        place.is_some_and(|place| add_to(place, pc, add, r))
    }
}

/// [`add_in_place`] with keys that are not plain.
///
/// # Safety
/// As there.
#[inline(never)]
unsafe fn add_to_other(pc: Pc, add: Pc, r: Regs, cx: Cx) -> bool {
    // SAFETY: by contract.
    unsafe {
        let place = hint::number_of((*cx).heap().types(), get(r, pc, 1), get(r, pc, 2));
        place.is_some_and(|place| add_to(place, pc, add, r))
    }
}

/// # Safety
/// As [`add_in_place`].
#[inline(always)]
unsafe fn add_to(place: &mut i64, pc: Pc, add: Pc, r: Regs) -> bool {
    // SAFETY: by contract.
    unsafe {
        let Some(sum) = place.checked_add(imm16(add, 2)) else {
            return false;
        };
        put(r, pc, 0, *place as u64);
        put(r, add, 0, sum as u64);
        *place = sum;
        true
    }
}

/// The op for a native that walks over a map or set, and its helper.
pub(crate) fn walking(key: &str) -> Option<(Code, *const ())> {
    Some(match key {
        "rt.map_next[K, V](map[K, V], Int) -> Int" | "rt.set_next[T](set[T], Int) -> Int" => {
            (Code::MapNext, map_next as *const ())
        }
        "rt.map_key_at[K, V](map[K, V], Int) -> K" | "rt.set_at[T](set[T], Int) -> T" => {
            (Code::MapKeyAt, map_key_at as *const ())
        }
        "rt.map_value_at[K, V](map[K, V], Int) -> V" => {
            (Code::MapValueAt, map_value_at as *const ())
        }
        _ => return None,
    })
}

/// The failure of a position without an entry.
///
/// # Safety
/// As [`fail`].
#[cold]
#[inline(never)]
unsafe fn fail_entry(pc: Pc, cx: Cx, at: u64) -> bool {
    let message = format!("no entry at position {}", at as i64);
    // SAFETY: by contract.
    unsafe { fail(pc, cx, FailureKind::Index, &message) }
}

/// The failure of a missing key.
///
/// # Safety
/// As [`fail`]; `m` is a live map, `key` a live key of it.
#[cold]
#[inline(never)]
pub(crate) unsafe fn fail_key(pc: Pc, cx: Cx, m: u64, key: u64) -> bool {
    // SAFETY: by contract.
    unsafe {
        let types = (*cx).heap().types();
        let key_type = types.element_type((*header(m)).ty).unwrap_or(0);
        let text = if key_type == lumen_runtime::heap::well_known::STRING {
            let mut quoted = String::new();
            let text = lumen_runtime::heap::string::as_str(key);
            lumen_runtime::heap::format::push_quoted(&mut quoted, text);
            quoted
        } else {
            format(types, key, key_type)
        };
        fail(pc, cx, FailureKind::Key, &format!("key {text} not found"))
    }
}
