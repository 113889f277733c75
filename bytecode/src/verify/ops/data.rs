//! Records, lists, maps and strings.

use super::Fails::{No, Yes};
use crate::module::{Hold, TypeDesc, TypeIx, well_known as wk};
use crate::operand::{Field, Label32, Reg};
use crate::verify::Check;
use crate::verify::code::Code;
use crate::verify::module::{ERROR_FIELDS, field_type};
use crate::verify::types::{Ty, is_plain};

/// How list elements are stored.
#[derive(Clone, Copy, PartialEq)]
enum Elem {
    Plain,
    Byte,
    Word,
}

fn elem_of(t: TypeIx) -> Elem {
    match t {
        wk::INT | wk::FLOAT => Elem::Plain,
        wk::BOOL => Elem::Byte,
        _ => Elem::Word,
    }
}

impl Code<'_> {
    /// The current op works on elements stored like those of type `t`.
    fn elem(&self, t: TypeIx) -> Check {
        use crate::code::Op::*;
        let op = crate::code::Op::from_word(self.function.code[self.pc]);
        let wants = match op {
            Some(ListGet | ListSet | ListPush | ForList) => Elem::Plain,
            Some(ListGetByte | ListSetByte | ListPushByte | ForListByte) => Elem::Byte,
            _ => Elem::Word,
        };
        if elem_of(t) != wants {
            return Err(format!(
                "it is not for elements of type {}",
                self.types.name(t)
            ));
        }
        Ok(())
    }

    /// Element type of the list in `xs`.
    fn list(&self, xs: Reg) -> Check<TypeIx> {
        let (ty, _) = self.state.word(xs.0)?;
        match self.types.get(ty.ix()) {
            TypeDesc::List(t) => Ok(*t),
            _ => Err(format!("r{} is {}, no list", xs.0, self.types.show(ty))),
        }
    }

    fn map(&self, m: Reg) -> Check<(TypeIx, TypeIx)> {
        let (ty, _) = self.state.word(m.0)?;
        match self.types.get(ty.ix()) {
            TypeDesc::Map(k, v) => Ok((*k, *v)),
            _ => Err(format!("r{} is {}, no map", m.0, self.types.show(ty))),
        }
    }

    /// Type of a slot of the object in `a`.
    fn field(&self, a: Reg, f: Field) -> Check<TypeIx> {
        let (ty, _) = self.state.word(a.0)?;
        let n = usize::from(f.0);
        let found = match self.types.get(ty.ix()) {
            TypeDesc::Variant { fields, .. } => fields.get(n).map(|f| f.ty),
            TypeDesc::Closure { captures, .. } => {
                n.checked_sub(1).and_then(|i| captures.get(i).copied())
            }
            _ => return field_type(self.types, ty.ix(), f.0),
        };
        found.ok_or_else(|| format!("{} has no field {}", self.types.show(ty), f.0))
    }

    fn representation(&self, t: TypeIx, word: bool) -> Check {
        if is_plain(t) == word {
            let what = if word { "no word" } else { "a word" };
            return Err(format!("{} is {what}", self.types.name(t)));
        }
        Ok(())
    }

    /// `lend dst` of something inside `from`.
    fn lend_from(&mut self, dst: Reg, from: Reg, t: TypeIx, fails: super::Fails) -> Check {
        let hold = if is_plain(t) {
            Hold::Plain
        } else {
            self.state.source(from.0)?
        };
        self.put(dst, Ty::slot(t), hold, fails)
    }

    /// `target` owns what it holds, and is about to be changed; `operands` are apart from it.
    fn changing(&mut self, target: Reg, operands: &[Reg]) -> Check {
        self.state.owns(target.0)?;
        operands
            .iter()
            .try_for_each(|r| self.state.apart(r.0, target.0))
    }

    pub(super) fn new_op(&mut self, dst: Reg, first: u16, t: TypeIx) -> Check {
        self.types.known(t)?;
        let fields: Vec<TypeIx> = match self.types.get(t) {
            TypeDesc::Record { fields, .. } => fields.iter().map(|f| f.ty).collect(),
            TypeDesc::Variant { fields, .. } if !fields.is_empty() => {
                fields.iter().map(|f| f.ty).collect()
            }
            TypeDesc::Tuple(items) => items.clone(),
            TypeDesc::Closure { captures, .. } => captures.clone(),
            TypeDesc::Error => ERROR_FIELDS.to_vec(),
            _ => return Err(format!("{} is not made by `new`", self.types.name(t))),
        };
        self.in_frame(first, fields.len())?;
        for (reg, t) in (first..).zip(fields) {
            self.state.take(reg, t)?;
        }
        self.out(dst, Ty::slot(t), Yes)
    }

    pub(super) fn field_get_op(&mut self, dst: Reg, a: Reg, f: Field, word: bool) -> Check {
        let t = self.field(a, f)?;
        self.representation(t, word)?;
        self.lend_from(dst, a, t, No)
    }

    pub(super) fn field_set_op(&mut self, a: Reg, f: Field, v: Reg, word: bool) -> Check {
        let (ty, _) = self.state.word(a.0)?;
        if let TypeDesc::Closure { .. } | TypeDesc::Error = self.types.get(ty.ix()) {
            return Err(format!("{} does not change", self.types.show(ty)));
        }
        let t = self.field(a, f)?;
        self.representation(t, word)?;
        self.changing(a, &[v])?;
        self.state.take(v.0, t)?;
        self.state.changed(a.0);
        self.fails()
    }

    pub(super) fn for_list_op(&mut self, i: Reg, xs: Reg, dst: Reg, to: Label32) -> Check {
        let t = self.list(xs)?;
        self.elem(t)?;
        self.counter(i)?;
        if i == dst || dst == xs {
            return Err(format!("r{} is written and used by one instruction", dst.0));
        }
        let hold = if is_plain(t) {
            Hold::Plain
        } else {
            self.state.source(xs.0)?
        };
        self.fails()?;
        self.branch_with(dst.0, Ty::slot(t), hold, to.0.into())
    }

    pub(super) fn list_new_op(&mut self, dst: Reg, first: u16, n: u16, t: TypeIx) -> Check {
        let TypeDesc::List(elem) = *self.types.get(t) else {
            return Err(format!("t{t} is no list"));
        };
        self.in_frame(first, usize::from(n))?;
        for i in 0..n {
            self.state.take(first + i, elem)?;
        }
        self.out(dst, Ty::slot(t), Yes)
    }

    pub(super) fn list_len_op(&mut self, dst: Reg, xs: Reg) -> Check {
        self.list(xs)?;
        self.out(dst, Ty::INT, No)
    }

    pub(super) fn list_get_op(&mut self, dst: Reg, xs: Reg, i: Reg) -> Check {
        let t = self.list(xs)?;
        self.elem(t)?;
        self.int(i)?;
        self.lend_from(dst, xs, t, Yes)
    }

    pub(super) fn list_set_op(&mut self, xs: Reg, i: Reg, v: Reg) -> Check {
        let t = self.list(xs)?;
        self.elem(t)?;
        self.int(i)?;
        self.changing(xs, &[i, v])?;
        self.state.take(v.0, t)?;
        self.state.changed(xs.0);
        self.fails()
    }

    pub(super) fn list_push_op(&mut self, xs: Reg, v: Reg) -> Check {
        let t = self.list(xs)?;
        self.elem(t)?;
        self.changing(xs, &[v])?;
        self.state.take(v.0, t)?;
        self.state.changed(xs.0);
        self.fails()
    }

    /// Element type of the 8-byte plain lists in the list `xs`.
    fn list2(&self, xs: Reg) -> Check<TypeIx> {
        let inner = self.list(xs)?;
        match *self.types.get(inner) {
            TypeDesc::List(t) if elem_of(t) == Elem::Plain => Ok(t),
            _ => Err(format!("r{} is no list of lists of Int or Float", xs.0)),
        }
    }

    pub(super) fn list_get2_op(&mut self, dst: Reg, xs: Reg, i: Reg, j: Reg) -> Check {
        let t = self.list2(xs)?;
        self.ints(&[i, j])?;
        self.out(dst, Ty::slot(t), Yes)
    }

    pub(super) fn list_set2_op(&mut self, xs: Reg, i: Reg, j: Reg, v: Reg) -> Check {
        let t = self.list2(xs)?;
        self.ints(&[i, j])?;
        self.changing(xs, &[i, j, v])?;
        self.state.expect(v.0, t)?;
        self.state.changed(xs.0);
        self.fails()
    }

    /// Type of a plain field of the elements of `xs`.
    fn list_field(&self, xs: Reg, f: Field) -> Check<TypeIx> {
        let t = field_type(self.types, self.list(xs)?, f.0)?;
        self.representation(t, false)?;
        Ok(t)
    }

    pub(super) fn list_get_field_op(&mut self, dst: Reg, xs: Reg, i: Reg, f: Field) -> Check {
        let t = self.list_field(xs, f)?;
        self.int(i)?;
        self.out(dst, Ty::slot(t), Yes)
    }

    pub(super) fn list_set_field_op(&mut self, xs: Reg, i: Reg, f: Field, v: Reg) -> Check {
        let t = self.list_field(xs, f)?;
        self.int(i)?;
        self.changing(xs, &[i, v])?;
        self.state.expect(v.0, t)?;
        self.state.changed(xs.0);
        self.fails()
    }

    pub(super) fn map_get_op(&mut self, dst: Reg, m: Reg, k: Reg, word: bool) -> Check {
        let (key, value) = self.map(m)?;
        self.state.expect(k.0, key)?;
        self.representation(value, word)?;
        self.lend_from(dst, m, value, Yes)
    }

    pub(super) fn map_get_or_op(&mut self, dst: Reg, m: Reg, k: Reg, default: Reg) -> Check {
        let (key, value) = self.map(m)?;
        self.state.expect(k.0, key)?;
        self.representation(value, false)?;
        self.state.expect(default.0, value)?;
        self.out(dst, Ty::slot(value), Yes)
    }

    pub(super) fn map_set_op(&mut self, m: Reg, k: Reg, v: Reg) -> Check {
        let (key, value) = self.map(m)?;
        self.state.expect(k.0, key)?;
        self.state.expect(v.0, value)?;
        self.changing(m, &[k, v])?;
        self.state.changed(m.0);
        self.fails()
    }

    pub(super) fn map_has_op(&mut self, dst: Reg, m: Reg, k: Reg) -> Check {
        let (key, _) = self.map(m)?;
        self.state.expect(k.0, key)?;
        self.out(dst, Ty::BOOL, Yes)
    }

    pub(super) fn str_concat_op(&mut self, dst: Reg, first: u16, n: u16) -> Check {
        self.in_frame(first, usize::from(n))?;
        for i in 0..n {
            self.state.expect(first + i, wk::STRING)?;
        }
        self.out(dst, Ty::slot(wk::STRING), Yes)
    }
}
