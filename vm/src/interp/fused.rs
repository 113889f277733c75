//! Pairs of instructions as one: chosen by the loader, only for the direct-threaded driver.
//!
//! The first instruction's op number is replaced by that of the pair; all words stay where they
//! are. The pair's handler does the first, then goes straight to the second's handler, which saves
//! an indirect jump. A branch to the second finds it as it was, and when the first fails, its own
//! slow path goes on with the second.

use lumen_runtime::heap::object::{LIST_DATA_OFFSET, ListObject, get_slot, slot_ptr};
use lumen_runtime::heap::word::header;

use super::dispatch::{Code, Cx, Flow, Handler, Pc, Regs, Table};
use super::fail::fail_overflow;
use super::handlers as h;
use super::lists::{
    list_get_field_slow, list_get_slow, list_get2_slow, list_push_slow, list_set_field_slow,
    list_set_slow, list_set2_slow,
};
use super::operand::{float, get, imm16, imm32, index32, int, lane, put, put_float};

/// Instructions that may come first: simple ones, by the arms of [`fused`].
pub(crate) const FIRSTS: [Code; 29] = [
    Code::Move,
    Code::Lend,
    Code::Const,
    Code::IntConst,
    Code::GlobalGet,
    Code::IntAdd,
    Code::IntSub,
    Code::IntMul,
    Code::IntXor,
    Code::IntAddI,
    Code::IntMulI,
    Code::FloatAdd,
    Code::FloatSub,
    Code::FloatMul,
    Code::ListGet,
    Code::ListSet,
    Code::FieldGet,
    Code::FieldGetWord,
    Code::FloatMulAdd,
    Code::FloatMulSub,
    Code::ListGet2,
    Code::ListSet2,
    Code::ListGetField,
    Code::ListSetField,
    Code::ListPush,
    Code::IntAnd,
    Code::FloatDiv,
    Code::IntToFloat,
    Code::ListLen,
];

macro_rules! seconds {
    ($($number:literal $code:ident $handler:ident;)*) => {
        /// Instructions that may come second.
        pub(crate) const SECONDS: [Code; 42] = [$(Code::$code),*];

        /// Goes on with the second instruction.
        #[inline(always)]
        unsafe fn second<const B: u16>(pc: Pc, r: Regs, cx: Cx, t: Table) -> Flow {
            // SAFETY: the loader found this instruction at `pc`.
            unsafe {
                match B {
                    $($number => h::$handler(pc, r, cx, t),)*
                    _ => std::hint::unreachable_unchecked(),
                }
            }
        }

        macro_rules! row {
            ($first:literal) => { [$(fused::<$first, $number>),*] };
        }
    };
}

seconds! {
    0 Move move_;
    1 Lend lend;
    2 Call call;
    3 CallClosure call_closure;
    4 Loop loop_;
    5 Jump jump;
    6 JumpIntLt jump_int_lt;
    7 JumpIntLe jump_int_le;
    8 JumpIntEq jump_int_eq;
    9 JumpIntNe jump_int_ne;
    10 JumpIntEqI jump_int_eq_i;
    11 JumpFloatLt jump_float_lt;
    12 ForInt for_int;
    13 IntAnd int_and;
    14 IntMod int_mod;
    15 IntAdd int_add;
    16 IntSub int_sub;
    17 IntMul int_mul;
    18 IntAddI int_add_i;
    19 FloatAdd float_add;
    20 FloatSub float_sub;
    21 FloatMul float_mul;
    22 FloatDiv float_div;
    23 FloatMulAdd float_mul_add;
    24 ListGet list_get;
    25 ListSet list_set;
    26 ListPush list_push;
    27 FieldGetWord field_get_word;
    28 Return return_;
    29 IntDivI int_div_i;
    30 ListGetField list_get_field;
    31 LoopIntLt loop_int_lt;
    32 ListGet2 list_get2;
    33 ListSet2 list_set2;
    34 ListSetField list_set_field;
    35 FloatMulSub float_mul_sub;
    36 IntToFloat int_to_float;
    37 JumpIntLtI jump_int_lt_i;
    38 JumpIntGeI jump_int_ge_i;
    39 IntModI int_mod_i;
    40 FieldGet field_get;
    41 ForIntLe for_int_le;
}

/// The handlers of all pairs, by first, then second.
pub(super) const PAIRS: [[Handler; SECONDS.len()]; FIRSTS.len()] = [
    row!(0),
    row!(1),
    row!(2),
    row!(3),
    row!(4),
    row!(5),
    row!(6),
    row!(7),
    row!(8),
    row!(9),
    row!(10),
    row!(11),
    row!(12),
    row!(13),
    row!(14),
    row!(15),
    row!(16),
    row!(17),
    row!(18),
    row!(19),
    row!(20),
    row!(21),
    row!(22),
    row!(23),
    row!(24),
    row!(25),
    row!(26),
    row!(27),
    row!(28),
];

/// The handler of a pair.
unsafe extern "sysv64" fn fused<const A: u16, const B: u16>(
    pc: Pc,
    r: Regs,
    cx: Cx,
    t: Table,
) -> Flow {
    // SAFETY: the loader found these two instructions at `pc`; each arm does what the handler of
    // its instruction does, by the same contract.
    unsafe {
        match A {
            0 | 1 => put(r, pc, 0, get(r, pc, 1)),
            2 => put(r, pc, 0, *(*cx).constants.add(index32(pc, 1))),
            3 => put(r, pc, 0, imm32(pc, 1) as u64),
            4 => put(r, pc, 0, *(*cx).globals.add(lane(pc, 1))),
            5 | 6 | 7 | 9 | 10 => {
                let a = int(r, pc, 1);
                let (value, over) = match A {
                    5 => a.overflowing_add(int(r, pc, 2)),
                    6 => a.overflowing_sub(int(r, pc, 2)),
                    7 => a.overflowing_mul(int(r, pc, 2)),
                    9 => a.overflowing_add(imm16(pc, 2)),
                    _ => a.overflowing_mul(imm16(pc, 2)),
                };
                if over {
                    return fail_overflow(pc, r, cx, t);
                }
                put(r, pc, 0, value as u64);
            }
            8 => put(r, pc, 0, get(r, pc, 1) ^ get(r, pc, 2)),
            11 => put_float(r, pc, 0, float(r, pc, 1) + float(r, pc, 2)),
            12 => put_float(r, pc, 0, float(r, pc, 1) - float(r, pc, 2)),
            13 => put_float(r, pc, 0, float(r, pc, 1) * float(r, pc, 2)),
            14 => {
                let (xs, i) = (header(get(r, pc, 1)).cast::<ListObject>(), get(r, pc, 2));
                if i >= u64::from((*xs).len) {
                    return list_get_slow(pc, r, cx, t);
                }
                put(r, pc, 0, *element(xs, i));
            }
            15 => {
                let (xs, i) = (header(get(r, pc, 0)).cast::<ListObject>(), get(r, pc, 1));
                if i >= u64::from((*xs).len) || (*xs).header.count() != 1 {
                    return list_set_slow(pc, r, cx, t);
                }
                *element(xs, i) = get(r, pc, 2);
            }
            16 | 17 => put(r, pc, 0, get_slot(header(get(r, pc, 1)), lane(pc, 2))),
            18 | 19 => {
                let (product, c) = (float(r, pc, 1) * float(r, pc, 2), float(r, pc, 3));
                put_float(r, pc, 0, if A == 18 { product + c } else { c - product });
            }
            20..=24 => {
                if let Some(slow) = lists_first::<A>(pc, r) {
                    return slow(pc, r, cx, t);
                }
            }
            25 => put(r, pc, 0, get(r, pc, 1) & get(r, pc, 2)),
            26 => put_float(r, pc, 0, float(r, pc, 1) / float(r, pc, 2)),
            27 => put_float(r, pc, 0, int(r, pc, 1) as f64),
            28 => put(r, pc, 0, u64::from((*list(get(r, pc, 1))).len)),
            _ => std::hint::unreachable_unchecked(),
        }
        second::<B>(pc.add(if A >= 18 && A <= 23 { 2 } else { 1 }), r, cx, t)
    }
}

/// The list behind a word.
#[inline(always)]
fn list(w: u64) -> *mut ListObject {
    header(w).cast()
}

/// Element `i` of a list, if there is one; with `write`, only of a list that is unique.
#[inline(always)]
unsafe fn at(xs: *mut ListObject, i: u64, write: bool) -> Option<*mut u64> {
    // SAFETY: a live list.
    unsafe {
        let fine = i < u64::from((*xs).len) && (!write || (*xs).header.count() == 1);
        fine.then(|| element(xs, i))
    }
}

/// Instructions on lists that may come first; the slow path to take instead, if they need it.
#[inline(always)]
unsafe fn lists_first<const A: u16>(pc: Pc, r: Regs) -> Option<Handler> {
    // SAFETY: as in `fused`.
    unsafe {
        match A {
            20 => {
                let row = at(list(get(r, pc, 1)), get(r, pc, 2), false);
                let slot = row.and_then(|row| at(list(*row), get(r, pc, 3), false));
                let Some(slot) = slot else {
                    return Some(list_get2_slow);
                };
                put(r, pc, 0, *slot);
            }
            21 => {
                let row = at(list(get(r, pc, 0)), get(r, pc, 1), true);
                let slot = row.and_then(|row| at(list(*row), get(r, pc, 2), true));
                let Some(slot) = slot else {
                    return Some(list_set2_slow);
                };
                *slot = get(r, pc, 3);
            }
            22 => {
                let object = at(list(get(r, pc, 1)), get(r, pc, 2), false);
                let Some(object) = object else {
                    return Some(list_get_field_slow);
                };
                put(r, pc, 0, get_slot(header(*object), lane(pc, 3)));
            }
            23 => {
                let object = at(list(get(r, pc, 0)), get(r, pc, 1), true);
                match object {
                    Some(object) if (*header(*object)).count() == 1 => {
                        *slot_ptr(header(*object), lane(pc, 2)) = get(r, pc, 3);
                    }
                    _ => return Some(list_set_field_slow),
                }
            }
            _ => {
                let xs = list(get(r, pc, 0));
                let len = (*xs).len;
                if (*xs).header.count() != 1 || len == (*xs).cap {
                    return Some(list_push_slow);
                }
                *element(xs, u64::from(len)) = get(r, pc, 1);
                (*xs).len = len + 1;
            }
        }
    }
    None
}

/// The address of 8-byte element `i`.
#[inline(always)]
unsafe fn element(xs: *mut ListObject, i: u64) -> *mut u64 {
    // SAFETY: the caller has compared `i` with the length.
    unsafe {
        xs.cast::<u8>()
            .add(LIST_DATA_OFFSET)
            .cast::<u64>()
            .add(i as usize)
    }
}

/// The op number of the pair, if there is one.
pub(crate) fn pair(first: u16, second: u16) -> Option<u16> {
    let number = |codes: &[Code], op: u16| codes.iter().position(|c| *c as u16 == op);
    let (a, b) = (number(&FIRSTS, first)?, number(&SECONDS, second)?);
    Some((super::dispatch::SINGLES + a * SECONDS.len() + b) as u16)
}
