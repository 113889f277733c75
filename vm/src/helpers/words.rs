//! Boxing, casts, structural comparison.

use lumen_bytecode::module::FailureKind;
use lumen_runtime::heap::dynamic::{type_name, visible_type};
use lumen_runtime::heap::equal;
use lumen_runtime::heap::record;
use lumen_runtime::heap::well_known;
use lumen_runtime::heap::word::type_of;

use super::{alloc, fail, helpers};
use crate::interp::dispatch::{Cx, Pc};
use crate::interp::operand::{float, get, int, lane, put};

helpers! {
    /// `box.int`.
    fn box_int(pc, r, cx) {
        let word = alloc!(record::box_int((*cx).heap(), int(r, pc, 1)), pc, cx);
        put(r, pc, 0, word);
        true
    }
    /// `box.float`.
    fn box_float(pc, r, cx) {
        let word = alloc!(record::box_float((*cx).heap(), float(r, pc, 1)), pc, cx);
        put(r, pc, 0, word);
        true
    }
    /// `unbox.int`.
    fn unbox_int(pc, r, cx) {
        let word = get(r, pc, 1);
        if type_of(word) != well_known::INT {
            return fail_cast(pc, cx, word, well_known::INT);
        }
        put(r, pc, 0, record::unbox_int(word) as u64);
        true
    }
    /// `unbox.float`.
    fn unbox_float(pc, r, cx) {
        let word = get(r, pc, 1);
        if type_of(word) != well_known::FLOAT {
            return fail_cast(pc, cx, word, well_known::FLOAT);
        }
        put(r, pc, 0, record::unbox_float(word).to_bits());
        true
    }
    /// `unbox.bool`.
    fn unbox_bool(pc, r, cx) {
        fail_cast(pc, cx, get(r, pc, 1), well_known::BOOL)
    }
    /// `cast` that fails.
    fn cast(pc, r, cx) {
        fail_cast(pc, cx, get(r, pc, 0), (*cx).image().cast_type(pc))
    }
    /// `equal`.
    fn equal(pc, r, cx) {
        let (a, b, ty) = (get(r, pc, 1), get(r, pc, 2), lane(pc, 3) as u32);
        put(r, pc, 0, u64::from(equal::equal((*cx).heap().types(), a, b, ty)));
        true
    }
    /// `compare`.
    fn compare(pc, r, cx) {
        let (a, b, ty) = (get(r, pc, 1), get(r, pc, 2), lane(pc, 3) as u32);
        let order = equal::compare((*cx).heap().types(), a, b, ty);
        put(r, pc, 0, order as i64 as u64);
        true
    }
}

/// The failure of a cast of `word` to `ty`.
unsafe fn fail_cast(pc: Pc, cx: Cx, word: u64, ty: u32) -> bool {
    // SAFETY: a live word; the others are the running fiber's.
    unsafe {
        let types = (*cx).heap().types();
        let found = type_name(types, visible_type(types, word, well_known::ANY));
        let message = format!("expected {}, found {found}", type_name(types, ty));
        fail(pc, cx, FailureKind::Cast, &message)
    }
}
