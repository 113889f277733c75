//! Records, tuples, variants, lists, maps, sets: making them and reading their parts.

use super::code::{field_get, list_get, list_push};
use super::func::FuncBuilder;
use super::runtime_natives as rt;
use crate::hir::{Element, Expr, ExprKind, FuncId, Repr, Ty, TyKind};
use crate::ir::{Cmp, Cond, ElemRepr, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, well_known};
use smallvec::SmallVec;

/// Elements of a list literal made at once; more are appended, so that a long literal does not
/// need as many registers.
const LIST_WINDOW: usize = 64;

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// The type of field `n` of a record, tuple or Error.
    pub(crate) fn field_ty(&self, ty: Ty, n: u32) -> Ty {
        let types = &self.m.hir.types;
        match types.kind(ty) {
            TyKind::Tuple(parts) => parts.get(n as usize).copied(),
            TyKind::Error => Some(match n {
                0..=2 => Ty::STRING,
                3 => Ty::LIST_STRING,
                _ => Ty::LIST_ERROR,
            }),
            TyKind::Union(members) => {
                let record = |m: &&Ty| !matches!(types.kind(**m), TyKind::Null);
                (members.iter().find(record)).map(|m| self.field_ty(*m, n))
            }
            _ => types
                .nominal(ty)
                .and_then(|t| t.variants.first()?.fields.get(n as usize).map(|f| f.ty)),
        }
        .unwrap_or(Ty::ANY)
    }

    /// A record or tuple.
    pub(crate) fn aggregate(&mut self, fields: &'a [Expr], ty: Ty, dst: VReg) {
        let fields: SmallVec<[&Expr; 8]> = fields.iter().collect();
        let mut regs = self.operands(&fields);
        regs.insert(0, dst);
        let ix = self.m.types.of(ty);
        self.c.op1(Op::New, &regs, ix);
        self.check(ty, dst);
    }

    /// The function that checks a record's constraints, if it has any.
    pub(crate) fn check_of(&self, ty: Ty) -> Option<FuncId> {
        self.m.hir.types.nominal(ty).and_then(|n| n.check)
    }

    /// Raises `Constraint` if the record in `reg` breaks one of its type's constraints.
    pub(crate) fn check(&mut self, ty: Ty, reg: VReg) {
        if let Some(check) = self.check_of(ty) {
            let nothing = self.c.reg(well_known::NULL);
            self.c.op1(Op::Call, &[nothing, reg], check.0);
        }
    }

    /// An enum value.
    pub(crate) fn variant(&mut self, variant: u32, args: &'a [Expr], ty: Ty, dst: VReg) {
        let ix = self.m.types.variant(ty, variant);
        if args.is_empty() {
            return self.constant_into(dst, Constant::Variant(ix));
        }
        let args: SmallVec<[&Expr; 8]> = args.iter().collect();
        let mut regs = self.operands(&args);
        regs.insert(0, dst);
        self.c.op1(Op::New, &regs, ix);
    }

    /// A list.
    pub(crate) fn list(&mut self, elements: &'a [Element], ty: Ty, dst: VReg) {
        let item = match self.m.hir.types.kind(ty) {
            TyKind::List(t) => *t,
            _ => Ty::ANY,
        };
        let single = |e: &Element| matches!(e, Element::One(_));
        let first = elements.iter().take_while(|e| single(e)).count();
        let first = first.min(LIST_WINDOW);
        let (at_once, rest) = elements.split_at(first);
        let exprs: SmallVec<[&'a Expr; 8]> = at_once.iter().map(element_expr).collect();
        let mut all = self.operands(&exprs);
        let ix = self.m.types.of(ty);
        // What is appended later may still read the variable this goes to.
        let list = if rest.is_empty() { dst } else { self.c.reg(ix) };
        all.insert(0, list);
        self.c.op1(Op::ListNew, &all, ix);
        for element in rest {
            match element {
                Element::One(e) => {
                    let value = self.value(e);
                    let push = list_push(self.repr_of(item), item == Ty::BOOL);
                    self.c.op(push, &[list, value]);
                }
                Element::Spread(e) => {
                    let more = self.value(e);
                    self.extend(list, ty, more);
                }
            }
        }
        self.copy(dst, list);
    }

    /// A set.
    pub(crate) fn set(&mut self, elements: &'a [Element], ty: Ty, dst: VReg) {
        let item = match self.m.hir.types.kind(ty) {
            TyKind::Set(t) => *t,
            _ => Ty::ANY,
        };
        let (set, item_ix) = (self.temp(ty), self.m.types.of(item));
        self.runtime_into(rt::SET_NEW, &[item_ix], &[], set);
        for element in elements {
            let e = element_expr(element);
            let reg = self.value(e);
            if matches!(element, Element::One(_)) {
                let args = [self.arg(set), (reg, item_ix)];
                self.runtime_effect(rt::SET_ADD, &[item_ix], &args);
            } else {
                self.each(reg, item, |b, value| {
                    let args = [b.arg(set), (value, item_ix)];
                    b.runtime_effect(rt::SET_ADD, &[item_ix], &args);
                });
            }
        }
        self.copy(dst, set);
    }

    /// Runs `body` for each element of a list.
    pub(crate) fn each(&mut self, xs: VReg, item: Ty, body: impl FnOnce(&mut Self, VReg)) {
        let i = self.int(-1);
        let dst = self.temp(item);
        let repr = match self.repr_of(item) {
            Repr::Word => ElemRepr::Word,
            Repr::Int if item == Ty::BOOL => ElemRepr::Byte,
            Repr::Int | Repr::Float => ElemRepr::Plain,
        };
        let (round, next, exit) = (self.c.block(), self.c.block(), self.c.block());
        self.c.jump(next);
        self.c.start(round);
        body(self, dst);
        self.c.flow_into(next);
        self.c.end(Term::ForList {
            i,
            xs,
            dst,
            repr,
            body: round,
            exit,
        });
        self.c.start(exit);
    }

    /// A map.
    pub(crate) fn map(&mut self, entries: &'a [(Expr, Expr)], ty: Ty, dst: VReg) {
        let (k, v) = match self.m.hir.types.kind(ty) {
            TyKind::Map(k, v) => (*k, *v),
            _ => (Ty::ANY, Ty::ANY),
        };
        let map = self.temp(ty);
        let tys = self.m.types.of_all(&[k, v]);
        self.runtime_into(rt::MAP_NEW, &tys, &[], map);
        for (key, value) in entries {
            let (key, value) = self.operand_pair(key, value);
            self.c.op(Op::MapSet, &[map, key, value]);
        }
        self.copy(dst, map);
    }

    /// A field; of an element of a list in one step where there is an op for it.
    pub(crate) fn field(&mut self, base: &'a Expr, n: u32, ty: Ty, dst: Option<VReg>) -> VReg {
        let plain = self.repr_of(ty) != Repr::Word;
        if let ExprKind::Index {
            base: xs,
            index: i,
            safe: false,
        } = &base.kind
            && plain
            && matches!(self.m.hir.types.kind(xs.ty), TyKind::List(_))
        {
            let (xs, i) = self.operand_pair(xs, i);
            let dst = self.target(dst, ty);
            self.c.op1(Op::ListGetField, &[dst, xs, i], n);
            return dst;
        }
        let base = self.value(base);
        let dst = self.target(dst, ty);
        self.c.op1(field_get(self.repr_of(ty)), &[dst, base], n);
        dst
    }

    /// Element of a list, value of a map, character, byte.
    pub(crate) fn index(
        &mut self,
        base: &'a Expr,
        at: &'a Expr,
        safe: bool,
        ty: Ty,
        dst: Option<VReg>,
    ) -> VReg {
        if safe {
            return self.index_safely(base, at, ty, dst);
        }
        let plain8 = self.repr_of(ty) != Repr::Word && ty != Ty::BOOL;
        if let ExprKind::Index {
            base: xs,
            index: i,
            safe: false,
        } = &base.kind
            && plain8
            && self.is_list(base.ty)
            && self.is_list(xs.ty)
        {
            let regs = self.operands(&[xs, i, at]);
            let dst = self.target(dst, ty);
            self.c.op(Op::ListGet2, &[dst, regs[0], regs[1], regs[2]]);
            return dst;
        }
        let (base_reg, at_reg) = self.operand_pair(base, at);
        self.get(base_reg, base.ty, at_reg, dst)
    }

    /// Whether a type is a list.
    pub(crate) fn is_list(&self, ty: Ty) -> bool {
        matches!(self.m.hir.types.kind(ty), TyKind::List(_))
    }

    /// `base[at]`, by the container's type.
    pub(crate) fn get(&mut self, base: VReg, container: Ty, at: VReg, dst: Option<VReg>) -> VReg {
        match *self.m.hir.types.kind(container) {
            TyKind::List(t) => {
                let dst = self.target(dst, t);
                let op = list_get(self.repr_of(t), t == Ty::BOOL);
                self.c.op(op, &[dst, base, at]);
                dst
            }
            TyKind::Map(_, v) => {
                let dst = self.target(dst, v);
                let op = match self.repr_of(v) {
                    Repr::Word => Op::MapGetWord,
                    Repr::Int | Repr::Float => Op::MapGet,
                };
                self.c.op(op, &[dst, base, at]);
                dst
            }
            TyKind::Bytes => {
                let args = [self.arg_as(base, container), self.arg(at)];
                let dst = self.target(dst, Ty::INT);
                self.runtime_into(rt::BYTES_GET, &[], &args, dst);
                dst
            }
            _ => {
                let args = [self.arg_as(base, Ty::STRING), self.arg(at)];
                let dst = self.target(dst, Ty::STRING);
                self.runtime_into(rt::STR_GET, &[], &args, dst);
                dst
            }
        }
    }

    /// `xs?[i]`: null where `xs[i]` fails.
    fn index_safely(&mut self, base: &'a Expr, at: &'a Expr, ty: Ty, dst: Option<VReg>) -> VReg {
        let (held, at) = self.operand_pair(base, at);
        let kind = self.m.hir.types.kind(base.ty).clone();
        let (good, bad, done) = (self.c.block(), self.c.block(), self.c.block());
        if let TyKind::Map(..) = kind {
            let has = self.c.reg(well_known::BOOL);
            self.c.op(Op::MapHas, &[has, held, at]);
            self.split(Cond::Bool(has), good, bad);
        } else {
            let len = self.c.reg(well_known::INT);
            let args = [self.arg_as(held, base.ty)];
            match kind {
                TyKind::List(_) => self.c.op(Op::ListLen, &[len, held]),
                TyKind::Bytes => self.runtime_into(rt::BYTES_LEN, &[], &args, len),
                _ => self.runtime_into(rt::STR_LEN, &[], &args, len),
            }
            let least = self.c.reg(well_known::INT);
            self.c.op(Op::IntNeg, &[least, len]);
            let next = self.c.block();
            self.split(Cond::Int(Cmp::Lt, at, len), next, bad);
            self.c.start(next);
            self.split(Cond::Int(Cmp::Ge, at, least), good, bad);
        }
        let item = match kind {
            TyKind::List(t) | TyKind::Map(_, t) => t,
            TyKind::Bytes => Ty::INT,
            _ => Ty::STRING,
        };
        let dst = self.target(dst, ty);
        self.c.start(good);
        let got = self.get(held, base.ty, at, None);
        let got = self.widen(got, item, ty, Some(dst));
        self.copy(dst, got);
        self.c.jump(done);
        self.c.start(bad);
        self.null_into(dst);
        self.c.flow_into(done);
        dst
    }

    /// `xs[lo..hi]`.
    pub(crate) fn slice(
        &mut self,
        base: &'a Expr,
        lo: Option<&'a Expr>,
        hi: Option<&'a Expr>,
        inclusive: bool,
        dst: VReg,
    ) {
        let mut exprs = vec![base];
        exprs.extend(lo);
        exprs.extend(hi);
        let regs = self.operands(&exprs);
        let lo_reg = match lo {
            Some(_) => regs[1],
            None => self.int(0),
        };
        let (hi_reg, inclusive) = match hi {
            Some(_) => (regs[regs.len() - 1], inclusive),
            None => (self.int(-1), true),
        };
        let flag = self.bool(inclusive);
        let args = [
            self.arg_as(regs[0], base.ty),
            self.arg(lo_reg),
            self.arg(hi_reg),
            self.arg(flag),
        ];
        match *self.m.hir.types.kind(base.ty) {
            TyKind::List(t) => {
                let t = self.m.types.of(t);
                self.runtime_into(rt::LIST_SLICE, &[t], &args, dst);
            }
            TyKind::Bytes => self.runtime_into(rt::BYTES_SLICE, &[], &args, dst),
            _ => self.runtime_into(rt::STR_SLICE, &[], &args, dst),
        }
    }
}

fn element_expr(element: &Element) -> &Expr {
    match element {
        Element::One(e) | Element::Spread(e) => e,
    }
}
