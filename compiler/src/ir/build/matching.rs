//! `match`, `let` and `catch` patterns: a decision tree over rows.
//!
//! Each step tests one part of the scrutinee, the first that the first row still needs, and goes on
//! with the rows that the answer leaves. Parts are loaded when first tested, and bound variables
//! straight into their registers when a row has matched. Each arm's body is one block.

use super::code::{field_get, list_get};
use super::func::FuncBuilder;
use super::literals;
pub(crate) use super::rows::{Access, Source};
use super::rows::{
    Head, Row, TypeFacts, field_source, head, payload, rest_bind, when_no, when_yes, without,
};
use super::runtime_natives as rt;
use super::uses;
use crate::hir::{Arm, Expr, LocalId, Pat, PatKind, Repr, Ty, TyKind, Types};
use crate::ir::{BlockId, Cmp, Cond, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, FailureKind, well_known};

impl TypeFacts for Types {
    fn disjoint(&self, of: Ty, a: Ty, b: Ty) -> bool {
        let open = |t| matches!(self.kind(t), TyKind::Union(_) | TyKind::Any | TyKind::Json);
        let shared = of == Ty::ANY && super::fit::may_share_values(self, a, b);
        a != b && !open(a) && !open(b) && !shared
    }

    fn has_member(&self, ty: Ty, member: Ty) -> bool {
        matches!(self.kind(ty), TyKind::Union(members) if members.contains(&member))
    }

    fn is_plain(&self, ty: Ty) -> bool {
        self.repr(ty) != Repr::Word
    }

    fn payload(&self, enumeration: Ty, variant: u32) -> Vec<Ty> {
        let variant = self
            .nominal(enumeration)
            .and_then(|n| n.variants.get(variant as usize));
        variant.map_or(Vec::new(), |v| v.fields.iter().map(|f| f.ty).collect())
    }

    fn element(&self, list: Ty) -> Ty {
        match self.kind(list) {
            TyKind::List(t) | TyKind::Set(t) => *t,
            _ => Ty::ANY,
        }
    }
}

/// The rows to go on with, if any.
type Left<'a> = Option<Vec<Row<'a>>>;

/// Where the rows of one match lead.
pub(super) struct Tree<'a, 't> {
    guards: Vec<Option<&'a Expr>>,
    bodies: Vec<BlockId>,
    /// Whether an arm needs a variable.
    wanted: &'t dyn Fn(usize, LocalId) -> bool,
    fail: BlockId,
    /// Lengths of lists known on the way here.
    pub(super) lens: Vec<(VReg, VReg)>,
    /// Types that a register is known not to have.
    pub(super) excluded: Vec<(VReg, Ty)>,
}

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// `match`.
    pub(crate) fn match_(&mut self, value: &'a Expr, arms: &'a [Arm], want: Option<VReg>) {
        let mut reg = self.value(value);
        if let Some(local) = uses::result_local(value)
            && (arms.iter().filter_map(|a| a.guard.as_ref())).any(|g| uses::assigns(g, local))
        {
            reg = self.snapshot(reg);
        }
        let done = self.c.block();
        self.match_arms(reg, value.ty, arms, want, done, &mut |b| {
            b.fail(FailureKind::Match, "no arm matches the value");
        });
        self.c.start(done);
    }

    /// Arms over a value in a register; each goes to `done`.
    pub(crate) fn match_arms(
        &mut self,
        value: VReg,
        ty: Ty,
        arms: &'a [Arm],
        want: Option<VReg>,
        done: BlockId,
        fail: &mut dyn FnMut(&mut Self),
    ) {
        let wanted = |arm: usize, local: LocalId| {
            let arm = &arms[arm];
            uses::reads(&arm.body, local)
                || arm.guard.as_ref().is_some_and(|g| uses::reads(g, local))
        };
        let mut tree = Tree {
            guards: arms.iter().map(|a| a.guard.as_deref()).collect(),
            bodies: arms.iter().map(|_| self.c.block()).collect(),
            wanted: &wanted,
            fail: self.c.block(),
            lens: Vec::new(),
            excluded: Vec::new(),
        };
        let source = Source::whole(value, ty);
        let rows = (arms.iter().enumerate()).map(|(i, a)| Row::new(source, &a.pat, i));
        let rows = rows.collect();
        self.decide(rows, &mut tree);
        for (arm, &body) in arms.iter().zip(&tree.bodies) {
            self.c.start(body);
            self.deliver(&arm.body, want);
            self.c.jump(done);
        }
        self.fail_block(tree.fail, fail);
    }

    fn fail_block(&mut self, block: BlockId, fail: &mut dyn FnMut(&mut Self)) {
        let cold = std::mem::replace(&mut self.c.cold, true);
        self.c.start(block);
        fail(self);
        self.c.end(Term::Unreachable);
        self.c.cold = cold;
    }

    /// One pattern that has to match.
    pub(crate) fn match_one(
        &mut self,
        pat: &'a Pat,
        source: Source,
        fail: &mut dyn FnMut(&mut Self),
    ) {
        if !self.c.live() {
            return;
        }
        let rows = self.expand(vec![Row::new(source, pat, 0)]);
        if let [row] = &rows[..]
            && row.tests.is_empty()
        {
            row.binds.iter().for_each(|&(l, s)| self.bind(l, s));
            return;
        }
        let mut tree = Tree {
            guards: vec![None],
            bodies: vec![self.c.block()],
            wanted: &|_, _| true,
            fail: self.c.block(),
            lens: Vec::new(),
            excluded: Vec::new(),
        };
        self.decide(rows, &mut tree);
        self.fail_block(tree.fail, fail);
        self.c.start(tree.bodies[0]);
    }

    /// `let pattern = init`.
    pub(crate) fn let_(&mut self, pat: &'a Pat, init: &'a Expr) {
        match &pat.kind {
            PatKind::Wild => self.effect(init),
            PatKind::Bind(local, None) => {
                let reg = self.local(*local);
                self.into(init, reg);
            }
            _ => {
                let reg = self.value(init);
                self.destructure(pat, Source::whole(reg, init.ty));
            }
        }
    }

    /// Emits the tests that decide between `rows`.
    pub(super) fn decide(&mut self, rows: Vec<Row<'a>>, tree: &mut Tree<'a, '_>) {
        let (lens, excluded) = (tree.lens.len(), tree.excluded.len());
        let mut left = Some(rows);
        while let Some(rows) = left {
            left = self.decide_first(rows, tree);
        }
        tree.lens.truncate(lens);
        tree.excluded.truncate(excluded);
    }

    /// One test, and all that follows where it succeeds; gives the rows that are left where it
    /// fails, which go on from there. (Not one within the other: there may be very many.)
    fn decide_first(&mut self, rows: Vec<Row<'a>>, tree: &mut Tree<'a, '_>) -> Left<'a> {
        if !self.c.live() {
            return None;
        }
        let mut rows = self.expand(rows);
        let Some(first) = rows.first() else {
            self.c.jump(tree.fail);
            return None;
        };
        let Some(&(mut source, pat)) = first.tests.first() else {
            return self.leaf_row(rows, tree);
        };
        if source.access != Access::Whole {
            let reg = self.load(source, None);
            rows.iter_mut().for_each(|row| row.replace(&source, reg));
            source = Source::whole(reg, source.ty);
        }
        let Some(test) = head(&source, pat) else {
            self.c.jump(tree.fail);
            return None;
        };
        match test {
            Head::Tag(v) => self.switch_tag(rows, source, v, tree),
            Head::Int(_) if self.switch_int(&rows, source, tree) => None,
            Head::Len(n, exact) => self.test_len(rows, source, (n, exact), tree),
            Head::Type(ty) => self.test_type(rows, source, ty, tree),
            _ if literals::leading(&rows, &source) >= literals::MANY => {
                Some(self.literals(rows, source, tree))
            }
            _ => {
                let (yes, no) = (self.c.block(), self.c.block());
                self.test(source.reg, test, yes, no);
                self.split_rows(rows, source, test, (yes, no), tree)
            }
        }
    }

    /// A row without tests has matched, if its guard holds.
    fn leaf_row(&mut self, mut rows: Vec<Row<'a>>, tree: &mut Tree<'a, '_>) -> Left<'a> {
        let row = rows.remove(0);
        for &(local, source) in &row.binds {
            if (tree.wanted)(row.arm, local) {
                self.bind(local, source);
            }
        }
        let body = tree.bodies[row.arm];
        match tree.guards[row.arm] {
            None => {
                self.c.jump(body);
                None
            }
            Some(guard) => {
                let next = self.c.block();
                self.branch(guard, body, next);
                self.c.start(next);
                Some(rows)
            }
        }
    }

    /// Goes on after a test, both ways.
    fn split_rows(
        &mut self,
        rows: Vec<Row<'a>>,
        source: Source,
        test: Head<'_>,
        (yes, no): (BlockId, BlockId),
        tree: &mut Tree<'a, '_>,
    ) -> Left<'a> {
        let hir = self.m.hir;
        self.c.start(yes);
        self.decide(when_yes(&rows, &source, test, &hir.types), tree);
        self.c.start(no);
        if let Head::Type(ty) = test {
            tree.excluded.push((source.reg, ty));
        }
        Some(when_no(rows, &source, test))
    }

    /// Tests of plain values and Strings.
    pub(super) fn test(&mut self, reg: VReg, test: Head<'_>, yes: BlockId, no: BlockId) {
        match test {
            Head::Bool(true) => self.split(Cond::Bool(reg), yes, no),
            Head::Bool(false) => self.split(Cond::Bool(reg), no, yes),
            Head::Int(v) => self.int_test(Cmp::Eq, reg, v, yes, no),
            Head::Range(lo, hi) => {
                let upper = if lo == i64::MIN {
                    None
                } else {
                    let next = self.c.block();
                    self.int_test(Cmp::Ge, reg, lo, next, no);
                    Some(next)
                };
                if let Some(next) = upper {
                    self.c.start(next);
                }
                if hi == i64::MAX {
                    self.c.jump(yes);
                } else {
                    self.int_test(Cmp::Le, reg, hi, yes, no);
                }
            }
            Head::Float(f) => {
                let k = self.constant(Constant::Float(f.to_bits()), well_known::FLOAT);
                self.split(Cond::Float(Cmp::Eq, reg, k), yes, no);
            }
            Head::Str(s) => {
                let k = self.text(s);
                let equal = self.c.reg(well_known::BOOL);
                self.c.op(Op::StrEq, &[equal, reg, k]);
                self.split(Cond::Bool(equal), yes, no);
            }
            Head::Bytes(bytes) => {
                let k = self.constant(Constant::Bytes(bytes.to_vec()), well_known::BYTES);
                let equal = self.c.reg(well_known::BOOL);
                self.c.op1(Op::Equal, &[equal, reg, k], well_known::BYTES);
                self.split(Cond::Bool(equal), yes, no);
            }
            Head::Type(_) | Head::Tag(_) | Head::Len(..) => {}
        }
    }

    fn int_test(&mut self, cmp: Cmp, reg: VReg, v: i64, yes: BlockId, no: BlockId) {
        let cond = match i16::try_from(v) {
            Ok(i) => Cond::IntImm(cmp, reg, i),
            Err(_) => Cond::Int(cmp, reg, self.int(v)),
        };
        self.split(cond, yes, no);
    }

    fn test_type(
        &mut self,
        rows: Vec<Row<'a>>,
        s: Source,
        ty: Ty,
        tree: &mut Tree<'a, '_>,
    ) -> Left<'a> {
        let hir = self.m.hir;
        if self.fits_by_parts(s.ty, ty) {
            return Some(self.test_parts(rows, s, ty, tree));
        }
        let only = match hir.types.kind(s.ty) {
            TyKind::Union(members) => {
                tree.excluded.len() + 1 >= members.len()
                    && members
                        .iter()
                        .all(|m| *m == ty || tree.excluded.contains(&(s.reg, *m)))
            }
            _ => false,
        };
        if only {
            // Nothing else is left; a pointer still has to be known as one.
            if self.repr_of(ty) == Repr::Word && ty != Ty::NULL {
                let ix = self.m.types.of(ty);
                self.c.op1(Op::Cast, &[s.reg], ix);
            }
            return Some(when_yes(&rows, &s, Head::Type(ty), &hir.types));
        }
        let (yes, no) = (self.c.block(), self.c.block());
        self.type_branch(s.reg, ty, yes, no);
        self.split_rows(rows, s, Head::Type(ty), (yes, no), tree)
    }

    fn test_len(
        &mut self,
        rows: Vec<Row<'a>>,
        s: Source,
        (n, exact): (usize, bool),
        tree: &mut Tree<'a, '_>,
    ) -> Left<'a> {
        let known = tree.lens.iter().find(|(xs, _)| *xs == s.reg).copied();
        let len = match known {
            Some((_, len)) => len,
            None => {
                let len = self.c.reg(well_known::INT);
                self.c.op(Op::ListLen, &[len, s.reg]);
                tree.lens.push((s.reg, len));
                len
            }
        };
        let (yes, no) = (self.c.block(), self.c.block());
        let cmp = if exact { Cmp::Eq } else { Cmp::Ge };
        let n_int = i64::try_from(n).unwrap_or(i64::MAX);
        self.int_test(cmp, len, n_int, yes, no);
        self.split_rows(rows, s, Head::Len(n, exact), (yes, no), tree)
    }

    fn switch_tag(
        &mut self,
        rows: Vec<Row<'a>>,
        s: Source,
        v: u32,
        tree: &mut Tree<'a, '_>,
    ) -> Left<'a> {
        let hir = self.m.hir;
        let mut tested: Vec<u32> = heads(&rows, &s)
            .filter_map(|h| match h {
                Head::Tag(v) => Some(v),
                _ => None,
            })
            .collect();
        tested.sort_unstable();
        tested.dedup();
        if tested.len() == 1 {
            let (yes, no) = (self.c.block(), self.c.block());
            let variant = self.m.types.variant(s.ty, v);
            self.split(Cond::Type(s.reg, variant), yes, no);
            return self.split_rows(rows, s, Head::Tag(v), (yes, no), tree);
        }
        let count = hir.types.nominal(s.ty).map_or(0, |n| n.variants.len());
        let other = self.c.block();
        let mut targets = vec![other; count];
        for &v in &tested {
            targets[v as usize] = self.c.block();
        }
        self.c.end(Term::SwitchTag {
            value: s.reg,
            ty: self.m.types.of(s.ty),
            targets: targets.clone(),
        });
        for &v in &tested {
            self.c.start(targets[v as usize]);
            self.decide(when_yes(&rows, &s, Head::Tag(v), &hir.types), tree);
        }
        if tested.len() == count {
            return None;
        }
        self.c.start(other);
        Some(without(rows, &s, |h| matches!(h, Head::Tag(_))))
    }

    /// A jump table, where enough literals lie close together.
    fn switch_int(&mut self, rows: &[Row<'a>], s: Source, tree: &mut Tree<'a, '_>) -> bool {
        let mut values: Vec<i64> = heads(rows, &s)
            .filter_map(|h| match h {
                Head::Int(v) => Some(v),
                _ => None,
            })
            .collect();
        values.sort_unstable();
        values.dedup();
        let (Some(&least), Some(&greatest)) = (values.first(), values.last()) else {
            return false;
        };
        let Ok(low) = i16::try_from(least) else {
            return false;
        };
        let Ok(span) = usize::try_from(greatest.saturating_sub(least)) else {
            return false;
        };
        if values.len() < 4 || span > 3 * values.len() {
            return false;
        }
        let default = self.c.block();
        let mut targets = vec![default; span + 1];
        for v in &values {
            targets[usize::try_from(v - least).unwrap_or(0)] = self.c.block();
        }
        self.c.end(Term::SwitchInt {
            value: s.reg,
            low,
            targets: targets.clone(),
            default,
        });
        let hir = self.m.hir;
        let groups = literals::by_value(rows, &s);
        for &v in &values {
            self.c
                .start(targets[usize::try_from(v - least).unwrap_or(0)]);
            let rows = groups.rows(rows, v);
            self.decide(when_yes(&rows, &s, Head::Int(v), &hir.types), tree);
        }
        self.c.start(default);
        let rows = without(rows.to_vec(), &s, |h| matches!(h, Head::Int(_)));
        self.decide(rows, tree);
        true
    }

    /// Takes rows apart until every test can fail: alternatives become rows, records their fields,
    /// names bindings.
    fn expand(&mut self, rows: Vec<Row<'a>>) -> Vec<Row<'a>> {
        let plain = |row: &Row<'a>| !row.tests.iter().any(|(s, p)| self.is_sugar(s, p));
        if rows.iter().all(plain) {
            return rows;
        }
        let mut done: Vec<Row<'a>> = Vec::new();
        let mut work: Vec<Row<'a>> = rows.into_iter().rev().collect();
        while let Some(mut row) = work.pop() {
            let Some(at) = row.tests.iter().position(|(s, p)| self.is_sugar(s, p)) else {
                done.push(row);
                continue;
            };
            let (source, pat) = row.tests.remove(at);
            match &pat.kind {
                PatKind::Bind(local, inner) => {
                    row.binds.push((*local, source));
                    if let Some(inner) = inner {
                        row.tests.insert(at, (source, inner));
                    }
                }
                PatKind::Type(_, inner) => row.tests.insert(at, (source, inner)),
                PatKind::Or(alternatives) => {
                    for alternative in alternatives.iter().rev() {
                        let mut one = row.clone();
                        one.tests.insert(at, (source, alternative));
                        work.push(one);
                    }
                    continue;
                }
                PatKind::Fields(_) | PatKind::Variant(..) => {
                    let reg = self.load(source, None);
                    row.replace(&source, reg);
                    let replace = |r: &mut Row<'a>| r.replace(&source, reg);
                    work.iter_mut().for_each(replace);
                    done.iter_mut().for_each(replace);
                    let parts = self.parts_of(Source::whole(reg, source.ty), pat);
                    row.tests.splice(at..at, parts);
                }
                _ => {
                    if let Some(bind) = rest_bind(&source, pat) {
                        row.binds.push(bind);
                    }
                }
            }
            work.push(row);
        }
        done
    }

    /// Whether a pattern needs no test of its own.
    fn is_sugar(&self, source: &Source, pat: &Pat) -> bool {
        match &pat.kind {
            PatKind::Wild | PatKind::Bind(..) | PatKind::Or(_) | PatKind::Fields(_) => true,
            PatKind::Type(ty, _) => *ty == source.ty || *ty == Ty::ANY,
            PatKind::Variant(..) => {
                (self.m.hir.types.nominal(source.ty)).is_some_and(|n| n.variants.len() == 1)
            }
            PatKind::List {
                before,
                rest,
                after,
            } => before.is_empty() && after.is_empty() && rest.is_some(),
            _ => false,
        }
    }

    /// Patterns of the fields of a record, tuple, Error or only variant.
    fn parts_of(&mut self, source: Source, pat: &'a Pat) -> Vec<(Source, &'a Pat)> {
        match &pat.kind {
            PatKind::Fields(fields) => fields
                .iter()
                .map(|(n, p)| (field_source(&source, *n, self.field_ty(source.ty, *n)), p))
                .collect(),
            _ => payload(&source, pat, &self.m.hir.types),
        }
    }

    fn bind(&mut self, local: LocalId, source: Source) {
        let dst = self.local(local);
        if source.ty == Ty::NULL && dst != source.reg {
            self.null_into(dst);
        } else if source.access == Access::Whole {
            if dst != source.reg {
                self.c.op(Op::Lend, &[dst, source.reg]);
            }
        } else {
            let got = self.load(source, Some(dst));
            self.copy(dst, got);
        }
    }

    /// Loads a part; the register it is in.
    fn load(&mut self, source: Source, dst: Option<VReg>) -> VReg {
        let Source { reg, access, ty } = source;
        let repr = self.repr_of(ty);
        match access {
            Access::Whole => reg,
            Access::Narrow if repr == Repr::Word => reg,
            Access::Narrow => self.unbox(reg, ty, dst),
            Access::Field(n) => {
                let dst = self.target(dst, ty);
                self.c.op1(field_get(repr), &[dst, reg], n);
                dst
            }
            Access::Element(i) => {
                let at = self.int(i);
                let dst = self.target(dst, ty);
                self.c.op(list_get(repr, ty == Ty::BOOL), &[dst, reg, at]);
                dst
            }
            Access::Rest(front, back) => {
                let lo = self.int(i64::try_from(front).unwrap_or(i64::MAX));
                let hi = self.int(-1 - i64::try_from(back).unwrap_or(i64::MAX - 1));
                let inclusive = self.bool(true);
                let element = self.m.hir.types.element(ty);
                let element = self.m.types.of(element);
                let args = [
                    self.arg_as(reg, ty),
                    self.arg(lo),
                    self.arg(hi),
                    self.arg(inclusive),
                ];
                let dst = self.target(dst, ty);
                self.runtime_into(rt::LIST_SLICE, &[element], &args, dst);
                dst
            }
        }
    }
}

/// What rows test of `source`.
fn heads<'a>(rows: &[Row<'a>], source: &Source) -> impl Iterator<Item = Head<'a>> {
    rows.iter().filter_map(move |row| {
        let (s, pat) = row.tests.iter().find(|(s, _)| s.same(source))?;
        head(s, pat)
    })
}
