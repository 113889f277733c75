//! Maps.

use lumen_bytecode::module::FailureKind;
use lumen_runtime::heap::count::dup;
use lumen_runtime::heap::format::format;
use lumen_runtime::heap::map::{self, hint};
use lumen_runtime::heap::word::header;

use super::{alloc, fail, helpers};
use crate::interp::dispatch::{Cx, Pc};
use crate::interp::operand::{get, put, reg};

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
    /// `map.has`.
    fn map_has(pc, r, cx) {
        let found = map::contains((*cx).heap().types(), get(r, pc, 1), get(r, pc, 2));
        put(r, pc, 0, u64::from(found));
        true
    }
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
