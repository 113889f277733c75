//! Jumps, switches and back-edges.
//!
//! A back-edge looks at the poll word first, before it changes anything: when the fiber gives way
//! there, the same instruction runs again on resume.

use lumen_runtime::heap::word::{NULL, type_of};

use super::dispatch::{Cx, Exit, Flow, Pc, Regs, Table, go, handlers, leave};
use super::operand::{float, get, imm16, imm32, int, lane, put, reg, target16, target32};
use super::unwind::unwind;
use crate::interp::context::Due;

handlers! {
    fn jump(pc, r, cx, t) {
        go(target32(pc, 0), r, cx, t)
    }
    fn loop_(pc, r, cx, t) {
        if (*cx).poll_due() {
            return poll_slow(pc, r, cx, t);
        }
        go(target32(pc, 0), r, cx, t)
    }
    /// The poll word is set: preemption, cancellation, or nothing any more.
    cold poll_slow(pc, r, cx, t) {
        match (*cx).answer_poll() {
            Due::Nothing => go(pc, r, cx, t),
            Due::Yield => leave(pc, r, cx, Exit::Yielded),
            Due::Cancel => {
                (*cx).set_cancelled();
                unwind(pc, r, cx, t)
            }
        }
    }
}

/// Conditional jumps, and their back-edge twins.
macro_rules! jumps {
    ($($name:ident $twin:ident $target:ident $lane:literal |$pc:ident, $r:ident| $cond:expr;)*) => {
        handlers! { $(
            fn $name(pc, r, cx, t) {
                let ($pc, $r) = (pc, r);
                if $cond {
                    return go($target(pc, $lane), r, cx, t);
                }
                go(pc.add(1), r, cx, t)
            }
            fn $twin(pc, r, cx, t) {
                if (*cx).poll_due() {
                    return poll_slow(pc, r, cx, t);
                }
                let ($pc, $r) = (pc, r);
                if $cond {
                    return go($target(pc, $lane), r, cx, t);
                }
                go(pc.add(1), r, cx, t)
            }
        )* }
    };
}

jumps! {
    jump_if loop_if target32 1 |p, r| get(r, p, 0) != 0;
    jump_if_not loop_if_not target32 1 |p, r| get(r, p, 0) == 0;
    jump_int_eq loop_int_eq target16 2 |p, r| int(r, p, 0) == int(r, p, 1);
    jump_int_ne loop_int_ne target16 2 |p, r| int(r, p, 0) != int(r, p, 1);
    jump_int_lt loop_int_lt target16 2 |p, r| int(r, p, 0) < int(r, p, 1);
    jump_int_le loop_int_le target16 2 |p, r| int(r, p, 0) <= int(r, p, 1);
    jump_int_eq_i loop_int_eq_i target16 2 |p, r| int(r, p, 0) == imm16(p, 1);
    jump_int_ne_i loop_int_ne_i target16 2 |p, r| int(r, p, 0) != imm16(p, 1);
    jump_int_lt_i loop_int_lt_i target16 2 |p, r| int(r, p, 0) < imm16(p, 1);
    jump_int_le_i loop_int_le_i target16 2 |p, r| int(r, p, 0) <= imm16(p, 1);
    jump_int_gt_i loop_int_gt_i target16 2 |p, r| int(r, p, 0) > imm16(p, 1);
    jump_int_ge_i loop_int_ge_i target16 2 |p, r| int(r, p, 0) >= imm16(p, 1);
    jump_float_lt loop_float_lt target16 2 |p, r| float(r, p, 0) < float(r, p, 1);
    jump_float_le loop_float_le target16 2 |p, r| float(r, p, 0) <= float(r, p, 1);
}

/// Conditional jumps that have no back-edge form.
macro_rules! forward_jumps {
    ($($name:ident $target:ident $lane:literal |$pc:ident, $r:ident, $cx:ident| $cond:expr;)*) => {
        handlers! { $(
            fn $name(pc, r, cx, t) {
                let ($pc, $r, $cx) = (pc, r, cx);
                if $cond {
                    return go($target(pc, $lane), r, cx, t);
                }
                go(pc.add(1), r, cx, t)
            }
        )* }
    };
}

/// Whether `a < b` does not hold.
#[expect(
    clippy::neg_cmp_op_on_partial_ord,
    reason = "it does not hold for a NaN either"
)]
fn not_lt(a: f64, b: f64) -> bool {
    !(a < b)
}

/// Whether `a <= b` does not hold.
#[expect(
    clippy::neg_cmp_op_on_partial_ord,
    reason = "it does not hold for a NaN either"
)]
fn not_le(a: f64, b: f64) -> bool {
    !(a <= b)
}

forward_jumps! {
    jump_float_eq target16 2 |p, r, _c| float(r, p, 0) == float(r, p, 1);
    jump_float_ne target16 2 |p, r, _c| float(r, p, 0) != float(r, p, 1);
    jump_float_not_lt target16 2 |p, r, _c| not_lt(float(r, p, 0), float(r, p, 1));
    jump_float_not_le target16 2 |p, r, _c| not_le(float(r, p, 0), float(r, p, 1));
    jump_if_null target32 1 |p, r, _c| get(r, p, 0) == NULL;
    jump_if_not_null target32 1 |p, r, _c| get(r, p, 0) != NULL;
    jump_if_type target16 2 |p, r, _c| type_of(get(r, p, 0)) as usize == lane(p, 1);
    jump_if_not_type target16 2 |p, r, _c| type_of(get(r, p, 0)) as usize != lane(p, 1);
    jump_if_member target16 2 |p, r, c| (*c).is_member(type_of(get(r, p, 0)), lane(p, 1));
    jump_if_not_member target16 2 |p, r, c| !(*c).is_member(type_of(get(r, p, 0)), lane(p, 1));
}

/// Type tests with a 32-bit distance, in the second word.
macro_rules! far_jumps {
    ($($name:ident |$pc:ident, $r:ident, $cx:ident| $cond:expr;)*) => {
        handlers! { $(
            fn $name(pc, r, cx, t) {
                let ($pc, $r, $cx) = (pc, r, cx);
                if $cond {
                    return go(target32(pc, 3), r, cx, t);
                }
                go(pc.add(2), r, cx, t)
            }
        )* }
    };
}

far_jumps! {
    jump_if_type_far |p, r, _c| type_of(get(r, p, 0)) as usize == lane(p, 1);
    jump_if_not_type_far |p, r, _c| type_of(get(r, p, 0)) as usize != lane(p, 1);
    jump_if_member_far |p, r, c| (*c).is_member(type_of(get(r, p, 0)), lane(p, 1));
    jump_if_not_member_far |p, r, c| !(*c).is_member(type_of(get(r, p, 0)), lane(p, 1));
}

/// Word 0 of a prepared jump table: the first value, and how many entries (the last is for
/// everything outside). Entries follow, as distances from the branch.
#[inline(always)]
unsafe fn table_at(pc: Pc) -> (i64, u64, *const i32) {
    // SAFETY: the loader replaced the operand by the distance to the table.
    unsafe {
        let table = pc.offset(imm32(pc, 1) as isize);
        (i64::from(*table as i32), *table >> 32, table.add(1).cast())
    }
}

handlers! {
    fn switch_tag(pc, r, cx, t) {
        let (first, _, entries) = table_at(pc);
        let tag = i64::from(type_of(get(r, pc, 0))) - first;
        go(pc.offset(*entries.offset(tag as isize) as isize), r, cx, t)
    }
    fn switch_int(pc, r, cx, t) {
        let (low, n, entries) = table_at(pc);
        let index = (int(r, pc, 0).wrapping_sub(low) as u64).min(n - 1);
        go(pc.offset(*entries.add(index as usize) as isize), r, cx, t)
    }
    fn for_int(pc, r, cx, t) {
        if (*cx).poll_due() {
            return poll_slow(pc, r, cx, t);
        }
        let i = int(r, pc, 0).wrapping_add(1);
        put(r, pc, 0, i as u64);
        if i < int(r, pc, 1) {
            return go(target16(pc, 2), r, cx, t);
        }
        go(pc.add(1), r, cx, t)
    }
    fn for_int_le(pc, r, cx, t) {
        if (*cx).poll_due() {
            return poll_slow(pc, r, cx, t);
        }
        let i = reg(r, pc, 0);
        if (*i as i64) < int(r, pc, 1) {
            *i = (*i).wrapping_add(1);
            return go(target16(pc, 2), r, cx, t);
        }
        go(pc.add(1), r, cx, t)
    }
}
