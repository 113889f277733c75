//! Records, tuples, variants, closures.

use lumen_runtime::heap::closure;
use lumen_runtime::heap::object::slot_ptr;
use lumen_runtime::heap::record;
use lumen_runtime::heap::word::header;

use super::{alloc, helpers};
use crate::interp::operand::{get, lane, put, reg};

helpers! {
    /// `new`.
    fn new(pc, r, cx) {
        let ty = lane(pc, 2);
        let n = usize::from((*cx).image().slots[ty]);
        let slots = std::slice::from_raw_parts(reg(r, pc, 1), n);
        put(r, pc, 0, alloc!(record::new((*cx).heap(), ty as u32, slots), pc, cx));
        true
    }
    /// `new` of a closure.
    fn new_closure(pc, r, cx) {
        let ty = lane(pc, 2);
        let image = (*cx).image();
        let n = usize::from(image.slots[ty]) - 1;
        let captures = std::slice::from_raw_parts(reg(r, pc, 1), n);
        let made = closure::new((*cx).heap(), ty as u32, image.closures[ty], captures);
        put(r, pc, 0, alloc!(made, pc, cx));
        true
    }
    /// `field.set`.
    fn field_set(pc, r, cx) {
        let object = &mut *reg(r, pc, 0);
        alloc!(record::make_unique((*cx).heap(), object), pc, cx);
        *slot_ptr(header(*object), lane(pc, 1)) = get(r, pc, 2);
        true
    }
    /// `field.set.w`.
    fn field_set_word(pc, r, cx) {
        let object = &mut *reg(r, pc, 0);
        alloc!(record::set((*cx).heap(), object, lane(pc, 1), get(r, pc, 2)), pc, cx);
        true
    }
}
