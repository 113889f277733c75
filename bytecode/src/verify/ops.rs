//! One rule per op.

mod calls;
mod data;

use super::Check;
use super::code::Code;
use super::types::Ty;
use crate::code::OpVisitor;
use crate::module::{Constant, FAILURE_KINDS, Hold, TypeIx, well_known as wk};
use crate::operand::*;

/// Whether an op can fail.
#[derive(Clone, Copy, PartialEq)]
enum Fails {
    Yes,
    No,
}
use Fails::{No, Yes};

impl Code<'_> {
    /// An Int, or a Bool read as 0 or 1.
    fn int(&self, reg: Reg) -> Check {
        let (ty, _) = self.state.read(reg.0)?;
        match ty {
            Ty::INT | Ty::BIT | Ty::BOOL => Ok(()),
            _ => self.state.expect(reg.0, wk::INT),
        }
    }

    fn ints(&self, regs: &[Reg]) -> Check {
        regs.iter().try_for_each(|&r| self.int(r))
    }

    fn floats(&self, regs: &[Reg]) -> Check {
        regs.iter()
            .try_for_each(|&r| self.state.expect(r.0, wk::FLOAT))
    }

    fn bool(&self, reg: Reg) -> Check {
        self.state.expect(reg.0, wk::BOOL)
    }

    /// `out dst` of type `ty`: plain, or an owned word.
    fn out(&mut self, dst: Reg, ty: Ty, fails: Fails) -> Check {
        let hold = if ty.is_plain() {
            Hold::Plain
        } else {
            Hold::Owned
        };
        self.put(dst, ty, hold, fails)
    }

    /// The op writes `dst`, after it may have failed.
    fn put(&mut self, dst: Reg, ty: Ty, hold: Hold, fails: Fails) -> Check {
        // Where the op fails it has not written: a plain value is still there for the handler.
        let plain = self.state.is_plain(dst.0);
        if fails == Yes && plain {
            self.fails()?;
        }
        self.state.vacate(dst.0)?;
        if fails == Yes && !plain {
            self.fails()?;
        }
        self.state.define(dst.0, ty, hold);
        Ok(())
    }

    fn int_op(&mut self, dst: Reg, sources: &[Reg], fails: Fails) -> Check {
        self.ints(sources)?;
        self.out(dst, Ty::INT, fails)
    }

    fn int_with(&mut self, dst: Reg, a: Reg, ok: bool, fails: Fails) -> Check {
        if !ok {
            return Err("this immediate is not allowed".into());
        }
        self.int_op(dst, &[a], fails)
    }

    /// `&`, `|`, `^`: of Bools a Bool.
    fn bit_op(&mut self, dst: Reg, a: Reg, b: Reg) -> Check {
        self.ints(&[a, b])?;
        let (ta, tb) = (self.state.read(a.0)?.0, self.state.read(b.0)?.0);
        let ty = match (ta, tb) {
            (Ty::BIT, Ty::BIT) => Ty::BIT,
            (Ty::INT, _) | (_, Ty::INT) => Ty::INT,
            _ => Ty::BOOL,
        };
        self.out(dst, ty, No)
    }

    fn int_test(&mut self, dst: Reg, a: Reg, b: Reg) -> Check {
        self.ints(&[a, b])?;
        self.out(dst, Ty::BOOL, No)
    }

    fn float_op(&mut self, dst: Reg, sources: &[Reg]) -> Check {
        self.floats(sources)?;
        self.out(dst, Ty::FLOAT, No)
    }

    fn float_test(&mut self, dst: Reg, a: Reg, b: Reg) -> Check {
        self.floats(&[a, b])?;
        self.out(dst, Ty::BOOL, No)
    }

    /// A back-edge polls, and then may be taken.
    fn back(&mut self, distance: i64) -> Check {
        self.fails()?;
        self.branch(distance)
    }

    /// `i` counts.
    fn counter(&mut self, i: Reg) -> Check {
        self.state.expect(i.0, wk::INT)?;
        self.state.retype(i.0, Ty::INT);
        Ok(())
    }

    fn for_int_op(&mut self, i: Reg, limit: Reg, to: Label16) -> Check {
        self.counter(i)?;
        self.int(limit)?;
        if i == limit {
            return Err("the limit is the counter".into());
        }
        self.back(i64::from(to.0))
    }

    fn move_op(&mut self, dst: Reg, src: Reg) -> Check {
        let (ty, hold) = self.state.read(src.0)?;
        if hold == Hold::Owned {
            self.state.take_word(src.0)?;
        }
        self.put(dst, ty, hold, No)?;
        if hold != Hold::Plain && hold != Hold::Owned && dst != src {
            self.state.vacate(src.0)?;
        }
        Ok(())
    }

    fn lend_op(&mut self, dst: Reg, src: Reg) -> Check {
        let (ty, hold) = self.state.read(src.0)?;
        let hold = match hold {
            Hold::Plain => hold,
            _ => self.state.source(src.0)?,
        };
        self.put(dst, ty, hold, No)
    }

    fn constant(&self, k: Const) -> Check<&Constant> {
        let found = self.module.constants.get(k.0 as usize);
        found.ok_or_else(|| format!("there is no constant k{}", k.0))
    }

    fn const_op(&mut self, dst: Reg, k: Const) -> Check {
        let ty = match self.constant(k)? {
            Constant::Int(0 | 1) => Ty::BIT,
            Constant::Int(_) => Ty::INT,
            Constant::Float(_) => Ty::FLOAT,
            Constant::Str(_) => Ty::slot(wk::STRING),
            Constant::Bytes(_) => Ty::slot(wk::BYTES),
            Constant::Null => Ty::NULL,
            Constant::BoolWord(_) => Ty::word(wk::BOOL),
            Constant::Variant(t) | Constant::Closure(t) => Ty::slot(*t),
        };
        self.out(dst, ty, No)
    }

    fn global_type(&self, g: Global) -> Check<TypeIx> {
        let found = self.module.globals.get(usize::from(g.0));
        found
            .map(|g| g.ty)
            .ok_or_else(|| format!("there is no global g{}", g.0))
    }

    fn global_get_op(&mut self, dst: Reg, g: Global) -> Check {
        let ty = Ty::slot(self.global_type(g)?);
        let hold = if ty.is_plain() {
            Hold::Plain
        } else {
            Hold::Borrowed(None)
        };
        self.put(dst, ty, hold, Yes)
    }

    fn box_op(&mut self, dst: Reg, ty: TypeIx, fails: Fails) -> Check {
        self.out(dst, Ty::word(ty), fails)
    }

    fn unbox(&mut self, dst: Reg, a: Reg, ty: Ty) -> Check {
        self.state.word(a.0)?;
        self.out(dst, ty, Yes)
    }

    fn cast_op(&mut self, a: Reg, t: Type) -> Check {
        let t = TypeIx::from(t.0);
        let (ty, _) = self.state.word(a.0)?;
        self.types.known(t)?;
        self.fails()?;
        let ty = self.types.narrowed(ty, t);
        self.state.retype(a.0, ty);
        Ok(())
    }

    fn widen_op(&mut self, a: Reg, t: Type) -> Check {
        let t = TypeIx::from(t.0);
        self.state.word(a.0)?;
        self.types.known(t)?;
        self.state.expect(a.0, t)?;
        self.state.retype(a.0, Ty::word(t));
        Ok(())
    }

    fn is_type_op(&mut self, dst: Reg, a: Reg, t: Type) -> Check {
        self.state.word(a.0)?;
        self.types.known(t.0.into())?;
        self.out(dst, Ty::BOOL, No)
    }

    /// Values of type `t` in, one value out.
    fn of_type(&mut self, dst: Reg, sources: &[Reg], t: Type, ty: Ty) -> Check {
        self.types.known(t.0.into())?;
        for r in sources {
            self.state.expect(r.0, t.0.into())?;
        }
        self.out(dst, ty, Yes)
    }

    fn throw_op(&mut self, a: Reg) -> Check {
        self.state.take(a.0, wk::ERROR)?;
        self.fails()
    }

    fn fail_op(&mut self, kind: Kind, k: Const) -> Check {
        if usize::from(kind.0) >= FAILURE_KINDS.len() {
            return Err(format!("there is no failure kind {}", kind.0));
        }
        match self.constant(k)? {
            Constant::Str(_) => self.fails(),
            _ => Err(format!("k{} is not a String", k.0)),
        }
    }

    fn landing_op(&mut self, dst: Reg) -> Check {
        if !self.at_handler {
            return Err("it stands only at the start of a handler".into());
        }
        self.out(dst, Ty::slot(wk::ERROR), No)
    }

    fn return_op(&mut self, a: Reg) -> Check {
        self.state.take(a.0, self.function.result)?;
        self.state.nothing_owned()
    }

    fn return_null_op(&mut self) -> Check {
        let result = self.function.result;
        if !self.types.is_subtype(Ty::NULL, result) {
            return Err(format!("the function gives {}", self.types.name(result)));
        }
        self.state.nothing_owned()
    }

    fn await_op(&mut self, dst: Reg, f: Reg) -> Check {
        let (ty, _) = self.state.word(f.0)?;
        match self.types.get(ty.ix()) {
            crate::module::TypeDesc::Future(t) => self.out(dst, Ty::slot(*t), Yes),
            _ => Err(format!("r{} is {}, no Future", f.0, self.types.show(ty))),
        }
    }
}

/// Methods of the visitor that share a rule: `[names] (this, operands) { rule }`.
macro_rules! rules {
    ($([$($name:ident)+] $args:tt $body:tt)*) => { $($(rules!(@one $name $args $body);)+)* };
    (@one $name:ident ($this:ident $(, $arg:ident: $kind:ident)*) { $($body:tt)* }) => {
        fn $name(&mut self, $($arg: $kind),*) -> Check {
            let $this = self;
            $($body)*
        }
    };
}

impl OpVisitor for Code<'_> {
    type Out = Check;

    rules! {
        [move_] (this, dst: Reg, src: Reg) { this.move_op(dst, src) }
        [dup] (this, dst: Reg, src: Reg) {
            let (ty, _) = this.state.word(src.0)?;
            this.put(dst, ty, Hold::Owned, No)
        }
        [drop] (this, a: Reg) { this.state.take_word(a.0).map(|_| ()) }
        [lend] (this, dst: Reg, src: Reg) { this.lend_op(dst, src) }
        [const_] (this, dst: Reg, k: Const) { this.const_op(dst, k) }
        [int_const] (this, dst: Reg, i: Imm32) {
            this.out(dst, if matches!(i.0, 0 | 1) { Ty::BIT } else { Ty::INT }, No)
        }
        [global_get] (this, dst: Reg, g: Global) { this.global_get_op(dst, g) }
        [global_set] (this, g: Global, src: Reg) {
            let ty = this.global_type(g)?;
            this.state.take(src.0, ty)
        }

        [int_add int_sub int_mul int_div int_floor_div int_mod int_pow int_shl int_shr]
            (this, dst: Reg, a: Reg, b: Reg) { this.int_op(dst, &[a, b], Yes) }
        [int_wrap_add int_wrap_sub int_wrap_mul]
            (this, dst: Reg, a: Reg, b: Reg) { this.int_op(dst, &[a, b], No) }
        [int_neg] (this, dst: Reg, a: Reg) { this.int_op(dst, &[a], Yes) }
        [int_not] (this, dst: Reg, a: Reg) { this.int_op(dst, &[a], No) }
        [int_and int_or int_xor] (this, dst: Reg, a: Reg, b: Reg) { this.bit_op(dst, a, b) }
        [int_add_i int_mul_i] (this, dst: Reg, a: Reg, _i: Imm16) {
            this.int_with(dst, a, true, Yes)
        }
        [int_div_i int_floor_div_i] (this, dst: Reg, a: Reg, i: Imm16) {
            this.int_with(dst, a, !matches!(i.0, 0 | -1), No)
        }
        [int_mod_i] (this, dst: Reg, a: Reg, i: Imm16) { this.int_with(dst, a, i.0 != 0, No) }
        [int_and_i] (this, dst: Reg, a: Reg, _i: Imm16) { this.int_with(dst, a, true, No) }
        [int_shl_i int_shr_i] (this, dst: Reg, a: Reg, i: Imm16) {
            this.int_with(dst, a, (0..64).contains(&i.0), No)
        }
        [int_eq int_ne int_lt int_le] (this, dst: Reg, a: Reg, b: Reg) { this.int_test(dst, a, b) }
        [bool_not] (this, dst: Reg, a: Reg) {
            this.bool(a)?;
            this.out(dst, Ty::BOOL, No)
        }
        [int_to_float] (this, dst: Reg, a: Reg) {
            this.int(a)?;
            this.out(dst, Ty::FLOAT, No)
        }

        [float_add float_sub float_mul float_div float_floor_div float_mod float_pow]
            (this, dst: Reg, a: Reg, b: Reg) { this.float_op(dst, &[a, b]) }
        [float_neg float_sqrt float_abs] (this, dst: Reg, a: Reg) { this.float_op(dst, &[a]) }
        [float_mul_add float_mul_sub]
            (this, dst: Reg, a: Reg, b: Reg, c: Reg) { this.float_op(dst, &[a, b, c]) }
        [float_eq float_ne float_lt float_le]
            (this, dst: Reg, a: Reg, b: Reg) { this.float_test(dst, a, b) }

        [jump] (this, to: Label32) { this.branch(to.0.into()) }
        [jump_if jump_if_not] (this, a: Reg, to: Label32) {
            this.bool(a)?;
            this.branch(to.0.into())
        }
        [jump_int_eq jump_int_ne jump_int_lt jump_int_le] (this, a: Reg, b: Reg, to: Label16) {
            this.ints(&[a, b])?;
            this.branch(to.0.into())
        }
        [jump_int_eq_i jump_int_ne_i jump_int_lt_i jump_int_le_i jump_int_gt_i jump_int_ge_i]
            (this, a: Reg, _i: Imm16, to: Label16) {
            this.int(a)?;
            this.branch(to.0.into())
        }
        [jump_float_eq jump_float_ne jump_float_lt jump_float_le jump_float_not_lt
            jump_float_not_le] (this, a: Reg, b: Reg, to: Label16) {
            this.floats(&[a, b])?;
            this.branch(to.0.into())
        }
        [jump_if_null] (this, a: Reg, to: Label32) { this.branch_null(a.0, to.0.into(), true) }
        [jump_if_not_null] (this, a: Reg, to: Label32) {
            this.branch_null(a.0, to.0.into(), false)
        }
        [jump_if_type] (this, a: Reg, t: Type, to: Label16) {
            this.branch_type(a.0, t.0.into(), to.0.into(), true)
        }
        [jump_if_not_type] (this, a: Reg, t: Type, to: Label16) {
            this.branch_type(a.0, t.0.into(), to.0.into(), false)
        }
        [jump_if_type_far] (this, a: Reg, t: Type, to: Label32) {
            this.branch_type(a.0, t.0.into(), to.0.into(), true)
        }
        [jump_if_not_type_far] (this, a: Reg, t: Type, to: Label32) {
            this.branch_type(a.0, t.0.into(), to.0.into(), false)
        }
        [switch_tag] (this, a: Reg, e: Type, t: Table) {
            this.switch_variants(a.0, e.0.into(), t.0)
        }
        [switch_int] (this, a: Reg, _low: Imm16, t: Table) {
            this.int(a)?;
            this.switch_any(t.0)
        }

        [loop_] (this, to: Label32) { this.back(to.0.into()) }
        [loop_if loop_if_not] (this, a: Reg, to: Label32) {
            this.bool(a)?;
            this.back(to.0.into())
        }
        [loop_int_eq loop_int_ne loop_int_lt loop_int_le] (this, a: Reg, b: Reg, to: Label16) {
            this.ints(&[a, b])?;
            this.back(to.0.into())
        }
        [loop_int_eq_i loop_int_ne_i loop_int_lt_i loop_int_le_i loop_int_gt_i loop_int_ge_i]
            (this, a: Reg, _i: Imm16, to: Label16) {
            this.int(a)?;
            this.back(to.0.into())
        }
        [loop_float_lt loop_float_le] (this, a: Reg, b: Reg, to: Label16) {
            this.floats(&[a, b])?;
            this.back(to.0.into())
        }
        [for_int for_int_le] (this, i: Reg, limit: Reg, to: Label16) {
            this.for_int_op(i, limit, to)
        }
        [for_list for_list_word for_list_byte]
            (this, i: Reg, xs: Reg, dst: Reg, to: Label32) { this.for_list_op(i, xs, dst, to) }

        [call] (this, base: Window, func: Func) { this.call_op(base.0, func.0) }
        [call_closure] (this, base: Window, argc: Count) { this.call_closure_op(base.0, argc.0) }
        [call_native] (this, dst: Reg, first: Window, native: Native) {
            this.call_native_op(dst, first.0, native)
        }
        [call_native_at]
            (this, dst: Reg, root: Reg, first: Window, path: Path, native: Native) {
            this.call_native_at_op(dst, root, first.0, path, native)
        }
        [return_] (this, a: Reg) { this.return_op(a) }
        [return_null] (this) { this.return_null_op() }

        [box_int] (this, dst: Reg, a: Reg) {
            this.state.expect(a.0, wk::INT)?;
            this.box_op(dst, wk::INT, Yes)
        }
        [box_float] (this, dst: Reg, a: Reg) {
            this.floats(&[a])?;
            this.box_op(dst, wk::FLOAT, Yes)
        }
        [box_bool] (this, dst: Reg, a: Reg) {
            this.bool(a)?;
            this.box_op(dst, wk::BOOL, No)
        }
        [unbox_int] (this, dst: Reg, a: Reg) { this.unbox(dst, a, Ty::INT) }
        [unbox_float] (this, dst: Reg, a: Reg) { this.unbox(dst, a, Ty::FLOAT) }
        [unbox_bool] (this, dst: Reg, a: Reg) { this.unbox(dst, a, Ty::BOOL) }
        [cast] (this, a: Reg, t: Type) { this.cast_op(a, t) }
        [widen] (this, a: Reg, t: Type) { this.widen_op(a, t) }
        [is_type] (this, dst: Reg, a: Reg, t: Type) { this.is_type_op(dst, a, t) }
        [equal] (this, dst: Reg, a: Reg, b: Reg, t: Type) {
            this.of_type(dst, &[a, b], t, Ty::BOOL)
        }
        [compare] (this, dst: Reg, a: Reg, b: Reg, t: Type) {
            this.of_type(dst, &[a, b], t, Ty::INT)
        }

        [new] (this, dst: Reg, first: Window, t: Type) { this.new_op(dst, first.0, t.0.into()) }
        [field_get] (this, dst: Reg, a: Reg, f: Field) { this.field_get_op(dst, a, f, false) }
        [field_get_word] (this, dst: Reg, a: Reg, f: Field) { this.field_get_op(dst, a, f, true) }
        [field_set] (this, a: Reg, f: Field, v: Reg) { this.field_set_op(a, f, v, false) }
        [field_set_word] (this, a: Reg, f: Field, v: Reg) { this.field_set_op(a, f, v, true) }

        [list_new] (this, dst: Reg, first: Window, n: Count, t: Type) {
            this.list_new_op(dst, first.0, n.0, t.0.into())
        }
        [list_len] (this, dst: Reg, xs: Reg) { this.list_len_op(dst, xs) }
        [list_get list_get_word list_get_byte] (this, dst: Reg, xs: Reg, i: Reg) {
            this.list_get_op(dst, xs, i)
        }
        [list_set list_set_word list_set_byte] (this, xs: Reg, i: Reg, v: Reg) {
            this.list_set_op(xs, i, v)
        }
        [list_push list_push_word list_push_byte] (this, xs: Reg, v: Reg) {
            this.list_push_op(xs, v)
        }
        [list_get2] (this, dst: Reg, xs: Reg, i: Reg, j: Reg) { this.list_get2_op(dst, xs, i, j) }
        [list_set2] (this, xs: Reg, i: Reg, j: Reg, v: Reg) { this.list_set2_op(xs, i, j, v) }
        [list_get_field] (this, dst: Reg, xs: Reg, i: Reg, f: Field) {
            this.list_get_field_op(dst, xs, i, f)
        }
        [list_set_field] (this, xs: Reg, i: Reg, f: Field, v: Reg) {
            this.list_set_field_op(xs, i, f, v)
        }

        [map_get] (this, dst: Reg, m: Reg, k: Reg) { this.map_get_op(dst, m, k, false) }
        [map_get_word] (this, dst: Reg, m: Reg, k: Reg) { this.map_get_op(dst, m, k, true) }
        [map_get_or] (this, dst: Reg, m: Reg, k: Reg, default: Reg) {
            this.map_get_or_op(dst, m, k, default)
        }
        [map_set] (this, m: Reg, k: Reg, v: Reg) { this.map_set_op(m, k, v) }
        [map_has] (this, dst: Reg, m: Reg, k: Reg) { this.map_has_op(dst, m, k) }

        [place_set] (this, root: Reg, first: Window, path: Path, v: Reg) {
            this.place_set_op(root, first.0, path, v)
        }

        [str_concat] (this, dst: Reg, first: Window, n: Count) {
            this.str_concat_op(dst, first.0, n.0)
        }
        [str_append] (this, s: Reg, t: Reg) {
            this.state.change(s.0, wk::STRING)?;
            this.state.expect(t.0, wk::STRING)?;
            this.state.apart(t.0, s.0)?;
            this.state.changed(s.0);
            this.fails()
        }
        [to_str] (this, dst: Reg, a: Reg, t: Type) {
            this.of_type(dst, &[a], t, Ty::slot(wk::STRING))
        }
        [str_eq] (this, dst: Reg, a: Reg, b: Reg) {
            this.state.expect(a.0, wk::STRING)?;
            this.state.expect(b.0, wk::STRING)?;
            this.out(dst, Ty::BOOL, No)
        }

        [landing] (this, dst: Reg) { this.landing_op(dst) }
        [throw rethrow] (this, a: Reg) { this.throw_op(a) }
        [fail] (this, kind: Kind, k: Const) { this.fail_op(kind, k) }
        [mask unmask] (this) {
            let _ = this;
            Ok(())
        }

        [spawn] (this, dst: Reg, body: Reg, mode: Count) { this.spawn_op(dst, body, mode.0) }
        [await_] (this, dst: Reg, f: Reg) { this.await_op(dst, f) }
    }
}
