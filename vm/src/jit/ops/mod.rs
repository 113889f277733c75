//! What each op becomes. The methods here only say which family does it.

mod float;
mod int;
mod jumps;
pub(super) mod lists;
mod maps;
mod moves;
mod natives;
mod objects;
mod selects;
mod words;

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types;
use lumen_bytecode::OpVisitor;
use lumen_bytecode::operand::*;

use super::support;
use super::translate::Translator;
use crate::helpers::{maps as map_helpers, places, strings, words as word_helpers};
use int::Overflow;
use lists::Elem;

/// Methods of the visitor that share a rule: `[names] (this, operands) { rule }`.
macro_rules! rules {
    ($([$($name:ident)+] $args:tt $body:tt)*) => { $($(rules!(@one $name $args $body);)+)* };
    (@one $name:ident ($this:ident $(, $arg:ident: $kind:ident)*) { $($body:tt)* }) => {
        fn $name(&mut self, $($arg: $kind),*) {
            let $this = self;
            $($body)*
        }
    };
}

#[expect(
    unused_variables,
    reason = "helpers read their operands from the instruction"
)]
impl OpVisitor for Translator<'_, '_> {
    type Out = ();

    rules! {
        [move_ lend] (this, dst: Reg, src: Reg) { this.copy(dst, src) }
        [dup] (this, dst: Reg, src: Reg) { this.dup_op(dst, src) }
        [drop] (this, a: Reg) { this.drop_op(a) }
        [const_] (this, dst: Reg, k: Const) { this.constant(dst) }
        [int_const] (this, dst: Reg, i: Imm32) { this.constant(dst) }
        [global_get] (this, dst: Reg, g: Global) { this.global_get_op(dst, g) }
        [global_set] (this, g: Global, src: Reg) { this.global_set_op(g, src) }

        [int_add] (this, dst: Reg, a: Reg, b: Reg) { this.checked(dst, a, b, Overflow::Add) }
        [int_sub] (this, dst: Reg, a: Reg, b: Reg) { this.checked(dst, a, b, Overflow::Sub) }
        [int_mul] (this, dst: Reg, a: Reg, b: Reg) { this.checked(dst, a, b, Overflow::Mul) }
        [int_div] (this, dst: Reg, a: Reg, b: Reg) { this.divide(dst, a, b) }
        [int_floor_div] (this, dst: Reg, a: Reg, b: Reg) { this.floor_divide(dst, a, b) }
        [int_mod] (this, dst: Reg, a: Reg, b: Reg) { this.modulo(dst, a, b) }
        [int_pow] (this, dst: Reg, a: Reg, b: Reg) {
            this.helper(crate::helpers::ints::int_pow as *const ())
        }
        [int_neg] (this, dst: Reg, a: Reg) { this.negate(dst, a) }
        [int_and] (this, dst: Reg, a: Reg, b: Reg) { this.bits(dst, a, b, int::Bits::And) }
        [int_or] (this, dst: Reg, a: Reg, b: Reg) { this.bits(dst, a, b, int::Bits::Or) }
        [int_xor] (this, dst: Reg, a: Reg, b: Reg) { this.bits(dst, a, b, int::Bits::Xor) }
        [int_wrap_add] (this, dst: Reg, a: Reg, b: Reg) { this.bits(dst, a, b, int::Bits::Add) }
        [int_wrap_sub] (this, dst: Reg, a: Reg, b: Reg) { this.bits(dst, a, b, int::Bits::Sub) }
        [int_wrap_mul] (this, dst: Reg, a: Reg, b: Reg) { this.bits(dst, a, b, int::Bits::Mul) }
        [int_shl] (this, dst: Reg, a: Reg, b: Reg) { this.shift(dst, a, b, true) }
        [int_shr] (this, dst: Reg, a: Reg, b: Reg) { this.shift(dst, a, b, false) }
        [int_not] (this, dst: Reg, a: Reg) { this.not(dst, a) }
        [int_add_i] (this, dst: Reg, a: Reg, i: Imm16) { this.add_immediate(dst, a, i) }
        [int_mul_i] (this, dst: Reg, a: Reg, i: Imm16) { this.multiply_immediate(dst, a, i) }
        [int_div_i] (this, dst: Reg, a: Reg, i: Imm16) { this.divide_immediate(dst, a, i) }
        [int_floor_div_i] (this, dst: Reg, a: Reg, i: Imm16) {
            this.floor_divide_immediate(dst, a, i)
        }
        [int_mod_i] (this, dst: Reg, a: Reg, i: Imm16) { this.modulo_immediate(dst, a, i) }
        [int_and_i] (this, dst: Reg, a: Reg, i: Imm16) { this.and_immediate(dst, a, i) }
        [int_shl_i] (this, dst: Reg, a: Reg, i: Imm16) { this.shift_immediate(dst, a, i, true) }
        [int_shr_i] (this, dst: Reg, a: Reg, i: Imm16) { this.shift_immediate(dst, a, i, false) }
        [int_eq] (this, dst: Reg, a: Reg, b: Reg) { this.int_test(dst, a, b, IntCC::Equal) }
        [int_ne] (this, dst: Reg, a: Reg, b: Reg) { this.int_test(dst, a, b, IntCC::NotEqual) }
        [int_lt] (this, dst: Reg, a: Reg, b: Reg) {
            this.int_test(dst, a, b, IntCC::SignedLessThan)
        }
        [int_le] (this, dst: Reg, a: Reg, b: Reg) {
            this.int_test(dst, a, b, IntCC::SignedLessThanOrEqual)
        }
        [bool_not] (this, dst: Reg, a: Reg) { this.bool_negate(dst, a) }
        [int_to_float] (this, dst: Reg, a: Reg) { this.float_of(dst, a) }

        [float_add] (this, dst: Reg, a: Reg, b: Reg) { this.float_op(dst, a, b, float::Op::Add) }
        [float_sub] (this, dst: Reg, a: Reg, b: Reg) { this.float_op(dst, a, b, float::Op::Sub) }
        [float_mul] (this, dst: Reg, a: Reg, b: Reg) { this.float_op(dst, a, b, float::Op::Mul) }
        [float_div] (this, dst: Reg, a: Reg, b: Reg) { this.float_op(dst, a, b, float::Op::Div) }
        [float_floor_div] (this, dst: Reg, a: Reg, b: Reg) {
            this.float_op(dst, a, b, float::Op::FloorDiv)
        }
        [float_mod] (this, dst: Reg, a: Reg, b: Reg) { this.float_op(dst, a, b, float::Op::Mod) }
        [float_pow] (this, dst: Reg, a: Reg, b: Reg) { this.float_power(dst, a, b) }
        [float_neg] (this, dst: Reg, a: Reg) { this.float_unary(dst, a, float::Unary::Neg) }
        [float_sqrt] (this, dst: Reg, a: Reg) { this.float_unary(dst, a, float::Unary::Sqrt) }
        [float_abs] (this, dst: Reg, a: Reg) { this.float_unary(dst, a, float::Unary::Abs) }
        [float_mul_add] (this, dst: Reg, a: Reg, b: Reg, c: Reg) {
            this.multiply_add(dst, a, b, c)
        }
        [float_mul_sub] (this, dst: Reg, a: Reg, b: Reg, c: Reg) {
            this.multiply_subtract(dst, a, b, c)
        }
        [float_eq] (this, dst: Reg, a: Reg, b: Reg) { this.float_test(dst, a, b, FloatCC::Equal) }
        [float_ne] (this, dst: Reg, a: Reg, b: Reg) {
            this.float_test(dst, a, b, FloatCC::NotEqual)
        }
        [float_lt] (this, dst: Reg, a: Reg, b: Reg) {
            this.float_test(dst, a, b, FloatCC::LessThan)
        }
        [float_le] (this, dst: Reg, a: Reg, b: Reg) {
            this.float_test(dst, a, b, FloatCC::LessThanOrEqual)
        }

        [jump] (this, to: Label32) { this.jump_op(to.0) }
        [jump_if] (this, a: Reg, to: Label32) { this.jump_bool(a, to.0, true) }
        [jump_if_not] (this, a: Reg, to: Label32) { this.jump_bool(a, to.0, false) }
        [jump_int_eq] (this, a: Reg, b: Reg, to: Label16) {
            this.jump_int(a, b, to, IntCC::Equal)
        }
        [jump_int_ne] (this, a: Reg, b: Reg, to: Label16) {
            this.jump_int(a, b, to, IntCC::NotEqual)
        }
        [jump_int_lt] (this, a: Reg, b: Reg, to: Label16) {
            this.jump_int(a, b, to, IntCC::SignedLessThan)
        }
        [jump_int_le] (this, a: Reg, b: Reg, to: Label16) {
            this.jump_int(a, b, to, IntCC::SignedLessThanOrEqual)
        }
        [jump_int_eq_i] (this, a: Reg, i: Imm16, to: Label16) {
            this.jump_immediate(a, i, to, IntCC::Equal)
        }
        [jump_int_ne_i] (this, a: Reg, i: Imm16, to: Label16) {
            this.jump_immediate(a, i, to, IntCC::NotEqual)
        }
        [jump_int_lt_i] (this, a: Reg, i: Imm16, to: Label16) {
            this.jump_immediate(a, i, to, IntCC::SignedLessThan)
        }
        [jump_int_le_i] (this, a: Reg, i: Imm16, to: Label16) {
            this.jump_immediate(a, i, to, IntCC::SignedLessThanOrEqual)
        }
        [jump_int_gt_i] (this, a: Reg, i: Imm16, to: Label16) {
            this.jump_immediate(a, i, to, IntCC::SignedGreaterThan)
        }
        [jump_int_ge_i] (this, a: Reg, i: Imm16, to: Label16) {
            this.jump_immediate(a, i, to, IntCC::SignedGreaterThanOrEqual)
        }
        [jump_float_eq] (this, a: Reg, b: Reg, to: Label16) {
            this.jump_float(a, b, to, FloatCC::Equal, true)
        }
        [jump_float_ne] (this, a: Reg, b: Reg, to: Label16) {
            this.jump_float(a, b, to, FloatCC::NotEqual, true)
        }
        [jump_float_lt] (this, a: Reg, b: Reg, to: Label16) {
            this.jump_float(a, b, to, FloatCC::LessThan, true)
        }
        [jump_float_le] (this, a: Reg, b: Reg, to: Label16) {
            this.jump_float(a, b, to, FloatCC::LessThanOrEqual, true)
        }
        [jump_float_not_lt] (this, a: Reg, b: Reg, to: Label16) {
            this.jump_float(a, b, to, FloatCC::LessThan, false)
        }
        [jump_float_not_le] (this, a: Reg, b: Reg, to: Label16) {
            this.jump_float(a, b, to, FloatCC::LessThanOrEqual, false)
        }
        [jump_if_null] (this, a: Reg, to: Label32) { this.jump_null(a, to, true) }
        [jump_if_not_null] (this, a: Reg, to: Label32) { this.jump_null(a, to, false) }
        [jump_if_type] (this, a: Reg, t: Type, to: Label16) {
            this.jump_type(a, t, to.0.into(), true)
        }
        [jump_if_not_type] (this, a: Reg, t: Type, to: Label16) {
            this.jump_type(a, t, to.0.into(), false)
        }
        [jump_if_type_far] (this, a: Reg, t: Type, to: Label32) {
            this.jump_type(a, t, to.0.into(), true)
        }
        [jump_if_not_type_far] (this, a: Reg, t: Type, to: Label32) {
            this.jump_type(a, t, to.0.into(), false)
        }
        [switch_tag] (this, a: Reg, e: Type, t: Table) { this.switch_variant(a, e, t) }
        [switch_int] (this, a: Reg, low: Imm16, t: Table) { this.switch_value(a, low, t) }

        [loop_] (this, to: Label32) { this.poll(); this.jump_op(to.0) }
        [loop_if] (this, a: Reg, to: Label32) { this.poll(); this.jump_bool(a, to.0, true) }
        [loop_if_not] (this, a: Reg, to: Label32) { this.poll(); this.jump_bool(a, to.0, false) }
        [loop_int_eq] (this, a: Reg, b: Reg, to: Label16) {
            this.poll();
            this.jump_int(a, b, to, IntCC::Equal)
        }
        [loop_int_ne] (this, a: Reg, b: Reg, to: Label16) {
            this.poll();
            this.jump_int(a, b, to, IntCC::NotEqual)
        }
        [loop_int_lt] (this, a: Reg, b: Reg, to: Label16) {
            this.poll();
            this.jump_int(a, b, to, IntCC::SignedLessThan)
        }
        [loop_int_le] (this, a: Reg, b: Reg, to: Label16) {
            this.poll();
            this.jump_int(a, b, to, IntCC::SignedLessThanOrEqual)
        }
        [loop_int_eq_i] (this, a: Reg, i: Imm16, to: Label16) {
            this.poll();
            this.jump_immediate(a, i, to, IntCC::Equal)
        }
        [loop_int_ne_i] (this, a: Reg, i: Imm16, to: Label16) {
            this.poll();
            this.jump_immediate(a, i, to, IntCC::NotEqual)
        }
        [loop_int_lt_i] (this, a: Reg, i: Imm16, to: Label16) {
            this.poll();
            this.jump_immediate(a, i, to, IntCC::SignedLessThan)
        }
        [loop_int_le_i] (this, a: Reg, i: Imm16, to: Label16) {
            this.poll();
            this.jump_immediate(a, i, to, IntCC::SignedLessThanOrEqual)
        }
        [loop_int_gt_i] (this, a: Reg, i: Imm16, to: Label16) {
            this.poll();
            this.jump_immediate(a, i, to, IntCC::SignedGreaterThan)
        }
        [loop_int_ge_i] (this, a: Reg, i: Imm16, to: Label16) {
            this.poll();
            this.jump_immediate(a, i, to, IntCC::SignedGreaterThanOrEqual)
        }
        [loop_float_lt] (this, a: Reg, b: Reg, to: Label16) {
            this.poll();
            this.jump_float(a, b, to, FloatCC::LessThan, true)
        }
        [loop_float_le] (this, a: Reg, b: Reg, to: Label16) {
            this.poll();
            this.jump_float(a, b, to, FloatCC::LessThanOrEqual, true)
        }
        [for_int] (this, i: Reg, limit: Reg, to: Label16) { this.count_up(i, limit, to) }
        [for_int_le] (this, i: Reg, limit: Reg, to: Label16) { this.count_through(i, limit, to) }
        [for_list] (this, i: Reg, xs: Reg, dst: Reg, to: Label32) {
            this.walk(i, xs, dst, to, Elem::Plain)
        }
        [for_list_word] (this, i: Reg, xs: Reg, dst: Reg, to: Label32) {
            this.walk(i, xs, dst, to, Elem::Word)
        }
        [for_list_byte] (this, i: Reg, xs: Reg, dst: Reg, to: Label32) {
            this.walk(i, xs, dst, to, Elem::Byte)
        }

        [call] (this, base: Window, func: Func) { this.call_function(base.0, func.0) }
        [call_closure] (this, base: Window, argc: Count) { this.call_value(base.0) }
        [call_native] (this, dst: Reg, first: Window, native: Native) {
            this.call_native_op(dst, first, native)
        }
        [call_native_at] (this, dst: Reg, root: Reg, first: Window, path: Path, native: Native) {
            this.status_helper(support::call_native_at as *const ())
        }
        [return_] (this, a: Reg) { this.give_back(a) }
        [return_null] (this) { this.give_null_back() }

        [box_int] (this, dst: Reg, a: Reg) { this.box_int_op(dst, a) }
        [box_float] (this, dst: Reg, a: Reg) { this.box_float_op(dst, a) }
        [box_bool] (this, dst: Reg, a: Reg) { this.box_bool_op(dst, a) }
        [unbox_int] (this, dst: Reg, a: Reg) { this.unbox_int_op(dst, a) }
        [unbox_float] (this, dst: Reg, a: Reg) { this.unbox_float_op(dst, a) }
        [unbox_bool] (this, dst: Reg, a: Reg) { this.unbox_bool_op(dst, a) }
        [cast] (this, a: Reg, t: Type) { this.cast_op(a, t) }
        [widen] (this, a: Reg, t: Type) {}
        [is_type] (this, dst: Reg, a: Reg, t: Type) { this.is_type_op(dst, a, t) }
        [equal] (this, dst: Reg, a: Reg, b: Reg, t: Type) {
            this.helper(word_helpers::equal as *const ())
        }
        [compare] (this, dst: Reg, a: Reg, b: Reg, t: Type) {
            this.helper(word_helpers::compare as *const ())
        }

        [new] (this, dst: Reg, first: Window, t: Type) { this.new_object(dst, first, t) }
        [field_get] (this, dst: Reg, a: Reg, f: Field) { this.load_field(dst, a, f) }
        [field_get_word] (this, dst: Reg, a: Reg, f: Field) { this.load_field_word(dst, a, f) }
        [field_set] (this, a: Reg, f: Field, v: Reg) { this.store_field(a, f, v) }
        [field_set_word] (this, a: Reg, f: Field, v: Reg) { this.store_field_word(a, f, v) }

        [list_new] (this, dst: Reg, first: Window, n: Count, t: Type) {
            this.helper(crate::helpers::lists::list_new as *const ())
        }
        [list_len] (this, dst: Reg, xs: Reg) { this.length(dst, xs) }
        [list_get] (this, dst: Reg, xs: Reg, i: Reg) { this.element(dst, xs, i, Elem::Plain) }
        [list_get_word] (this, dst: Reg, xs: Reg, i: Reg) { this.element(dst, xs, i, Elem::Word) }
        [list_get_byte] (this, dst: Reg, xs: Reg, i: Reg) { this.element(dst, xs, i, Elem::Byte) }
        [list_set] (this, xs: Reg, i: Reg, v: Reg) { this.set_element(xs, i, v, Elem::Plain) }
        [list_set_word] (this, xs: Reg, i: Reg, v: Reg) { this.set_element(xs, i, v, Elem::Word) }
        [list_set_byte] (this, xs: Reg, i: Reg, v: Reg) { this.set_element(xs, i, v, Elem::Byte) }
        [list_push] (this, xs: Reg, v: Reg) { this.push(xs, v, Elem::Plain) }
        [list_push_word] (this, xs: Reg, v: Reg) { this.push(xs, v, Elem::Word) }
        [list_push_byte] (this, xs: Reg, v: Reg) { this.push(xs, v, Elem::Byte) }
        [list_get2] (this, dst: Reg, xs: Reg, i: Reg, j: Reg) { this.element_of_row(dst, xs, i, j) }
        [list_set2] (this, xs: Reg, i: Reg, j: Reg, v: Reg) { this.set_in_row(xs, i, j, v) }
        [list_get_field] (this, dst: Reg, xs: Reg, i: Reg, f: Field) {
            this.field_of_element(dst, xs, i, f)
        }
        [list_set_field] (this, xs: Reg, i: Reg, f: Field, v: Reg) {
            this.set_field_of_element(xs, i, f, v)
        }

        [map_get map_get_word] (this, dst: Reg, m: Reg, k: Reg) { this.look_up() }
        [map_get_or] (this, dst: Reg, m: Reg, k: Reg, default: Reg) { this.look_up() }
        [map_set] (this, m: Reg, k: Reg, v: Reg) { this.helper(map_helpers::map_set as *const ()) }
        [map_has] (this, dst: Reg, m: Reg, k: Reg) { this.has_key(dst) }

        [place_set] (this, root: Reg, first: Window, path: Path, v: Reg) {
            this.helper(places::place_set as *const ())
        }

        [str_concat] (this, dst: Reg, first: Window, n: Count) {
            this.helper(strings::str_concat as *const ())
        }
        [str_append] (this, s: Reg, t: Reg) { this.helper(strings::str_append as *const ()) }
        [to_str] (this, dst: Reg, a: Reg, t: Type) { this.helper(strings::to_str as *const ()) }
        [str_eq] (this, dst: Reg, a: Reg, b: Reg) {
            this.sure_helper(strings::str_eq as *const ())
        }

        [landing throw rethrow] (this, a: Reg) { this.exit() }
        [fail] (this, kind: Kind, k: Const) { this.exit() }
        [mask] (this) { this.call_with_context(support::mask as *const ()) }
        [unmask] (this) { this.call_with_context(support::unmask as *const ()) }

        [spawn] (this, dst: Reg, body: Reg, mode: Count) {
            this.status_helper(support::spawn as *const ())
        }
        [await_] (this, dst: Reg, f: Reg) { this.status_helper(support::await_ as *const ()) }
    }
}

impl Translator<'_, '_> {
    fn call_with_context(&mut self, address: *const ()) {
        let cx = self.context();
        self.call_rust(address as usize, &[cx], None);
    }

    /// A comparison's result as a Bool.
    fn def_bool(&mut self, dst: Reg, test: cranelift_codegen::ir::Value) {
        use cranelift_codegen::ir::InstBuilder;
        let value = self.b.ins().uextend(types::I64, test);
        self.def(dst.0, value);
    }
}
