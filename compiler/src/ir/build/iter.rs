//! `for`.
//!
//! Counted loops and list walks end in a latch of their own (`ForInt`, `ForList`). The others
//! keep a position and have their test at the top of a round.

use super::cleanup::Scope;
use super::func::FuncBuilder;
use super::generator::Driven;
use super::matching::{Access, Source};
use super::ops::literal;
use super::runtime_natives as rt;
use super::uses;
use crate::hir::{Expr, Iter, LocalId, LoopId, Pat, PatKind, Repr, Ty, TyKind};
use crate::ir::{BlockId, Cmp, Cond, ElemRepr, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{FailureKind, well_known};

/// The parts of a `for` that do not depend on what it walks over.
#[derive(Clone, Copy)]
pub(crate) struct Round<'a> {
    id: LoopId,
    pat: &'a Pat,
    filter: Option<&'a Expr>,
    body: &'a Expr,
    want: Option<VReg>,
    /// Where a round ends.
    next: BlockId,
    /// After the last element.
    exit: BlockId,
    /// After a `break`.
    done: BlockId,
}

impl<'a> Round<'a> {
    fn assigns(&self, local: LocalId) -> bool {
        uses::assigns(self.body, local) || self.filter.is_some_and(|f| uses::assigns(f, local))
    }

    /// The variable that is the whole element, if the pattern is one that no round changes.
    fn plain(&self) -> Option<LocalId> {
        match self.pat.kind {
            PatKind::Bind(local, None) if !self.assigns(local) => Some(local),
            _ => None,
        }
    }
}

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// `for`.
    pub(crate) fn for_(
        &mut self,
        id: LoopId,
        pat: &'a Pat,
        iter: &'a Iter,
        filter: Option<&'a Expr>,
        body: &'a Expr,
        want: Option<VReg>,
    ) {
        let round = Round {
            id,
            pat,
            filter,
            body,
            want,
            next: self.c.block(),
            exit: self.c.block(),
            done: self.c.block(),
        };
        match iter {
            Iter::Range {
                lo,
                hi,
                inclusive,
                step,
            } => match step.as_deref() {
                Some(step) if literal(step) != Some(1) => {
                    self.for_steps(round, [lo, hi, step], *inclusive);
                }
                _ => self.for_range(round, lo, hi, *inclusive),
            },
            Iter::List(xs) => {
                let xs = self.walked(round, xs);
                self.for_list(round, xs);
            }
            Iter::Chars(s) => self.for_chars(round, s),
            Iter::Bytes(bytes) => self.for_bytes(round, bytes),
            Iter::Keys(m) | Iter::Entries(m) | Iter::Set(m) => {
                let entries = matches!(iter, Iter::Entries(_));
                self.for_table(round, m, entries);
            }
            Iter::Generator(g) => self.for_generator(round, g),
            Iter::Channel(ch) => self.for_channel(round, ch),
        }
        self.c.start(round.exit);
        if let Some(dst) = want {
            self.null_into(dst);
        }
        self.c.flow_into(round.done);
    }

    /// What is walked over, as it is now: a variable that the body changes is copied.
    fn walked(&mut self, round: Round<'a>, e: &'a Expr) -> VReg {
        let reg = self.value(e);
        match uses::result_local(e) {
            Some(local) if round.assigns(local) => self.snapshot(reg),
            _ => reg,
        }
    }

    /// Filter and body; goes to the next round.
    fn round(&mut self, round: Round<'a>) {
        if let Some(filter) = round.filter {
            let pass = self.c.block();
            self.branch(filter, pass, round.next);
            self.c.start(pass);
        }
        self.enter_loop(round.id, round.next, round.done, round.want);
        self.effect(round.body);
        self.leave_loop();
        self.c.jump(round.next);
    }

    /// Binds the element `source`, then filter and body.
    fn round_with(&mut self, round: Round<'a>, source: Source) {
        self.destructure(round.pat, source);
        self.round(round);
    }

    /// The register that the element goes to.
    fn element(&mut self, round: Round<'a>) -> VReg {
        match round.pat.kind {
            PatKind::Bind(local, None) => self.local(local),
            _ => self.temp(round.pat.ty),
        }
    }

    fn for_range(&mut self, round: Round<'a>, lo: &'a Expr, hi: &'a Expr, inclusive: bool) {
        let regs = self.operands(&[lo, hi]);
        let counter = match round.plain() {
            Some(local) => self.local(local),
            None => self.c.reg(well_known::INT),
        };
        let limit = match uses::result_local(hi) {
            Some(local) if round.assigns(local) => self.snapshot(regs[1]),
            _ => regs[1],
        };
        self.copy(counter, regs[0]);
        let body = self.c.block();
        let runs = match (literal(lo), literal(hi)) {
            (Some(lo), Some(hi)) => lo < hi || inclusive && lo == hi,
            _ => false,
        };
        if runs {
            self.c.jump(body);
        } else {
            let cmp = if inclusive { Cmp::Le } else { Cmp::Lt };
            self.unless_int(cmp, counter, limit, body, round.exit);
        }
        self.c.start(body);
        self.round_with(round, Source::whole(counter, Ty::INT));
        self.c.start(round.next);
        self.c.end(Term::ForInt {
            i: counter,
            limit,
            inclusive,
            body,
            exit: round.exit,
        });
    }

    /// Any other step: the number of rounds is computed first, and counted.
    fn for_steps(&mut self, round: Round<'a>, parts: [&'a Expr; 3], inclusive: bool) {
        let regs = self.operands(&parts);
        let step = self.snapshot(regs[2]);
        let flag = self.bool(inclusive);
        let args = [
            self.arg(regs[0]),
            self.arg(regs[1]),
            self.arg(step),
            self.arg(flag),
        ];
        let count = self.runtime(rt::RANGE_COUNT, &[], &args, well_known::INT);
        let value = match round.plain() {
            Some(local) => self.local(local),
            None => self.c.reg(well_known::INT),
        };
        self.copy(value, regs[0]);
        let n = self.int(0);
        let body = self.c.block();
        self.split(Cond::IntImm(Cmp::Le, count, 0), round.exit, body);
        self.c.start(body);
        self.round_with(round, Source::whole(value, Ty::INT));
        self.c.start(round.next);
        // The value after the last one may not be an Int; it is not used.
        self.c.op(Op::IntWrapAdd, &[value, value, step]);
        self.c.end(Term::ForInt {
            i: n,
            limit: count,
            inclusive: false,
            body,
            exit: round.exit,
        });
    }

    fn for_list(&mut self, round: Round<'a>, xs: VReg) {
        // The latch writes a borrowed element; a variable that the body assigns owns its own.
        let dst = match round.plain() {
            Some(local) => self.local(local),
            None => self.temp(round.pat.ty),
        };
        let repr = match self.repr(dst) {
            Repr::Word => ElemRepr::Word,
            Repr::Int if self.c.type_of(dst) == well_known::BOOL => ElemRepr::Byte,
            Repr::Int | Repr::Float => ElemRepr::Plain,
        };
        let i = self.int(-1);
        let body = self.c.block();
        self.c.jump(round.next);
        self.c.start(body);
        self.round_with(round, Source::whole(dst, round.pat.ty));
        self.c.start(round.next);
        self.c.end(Term::ForList {
            i,
            xs,
            dst,
            repr,
            body,
            exit: round.exit,
        });
    }

    /// Characters of a String: lists of some of them, one after the other.
    fn for_chars(&mut self, round: Round<'a>, s: &'a Expr) {
        let s = self.walked(round, s);
        let s = self.arg(s);
        let at = self.int(0);
        let at_arg = self.arg(at);
        let (top, some) = (self.c.block(), self.c.block());
        self.c.flow_into(top);
        let xs = self.runtime(rt::STR_CHARS, &[], &[at_arg, s], well_known::LIST_STRING);
        self.split(Cond::IntImm(Cmp::Lt, at, 0), round.exit, some);
        self.c.start(some);
        let inner = Round { exit: top, ..round };
        self.for_list(inner, xs);
    }

    fn for_bytes(&mut self, round: Round<'a>, bytes: &'a Expr) {
        let bytes = self.walked(round, bytes);
        let args = [self.arg(bytes)];
        let limit = self.runtime(rt::BYTES_LEN, &[], &args, well_known::INT);
        let i = self.int(0);
        let body = self.c.block();
        self.split(Cond::IntImm(Cmp::Le, limit, 0), round.exit, body);
        self.c.start(body);
        let byte = self.element(round);
        let args = [args[0], self.arg(i)];
        self.runtime_into(rt::BYTES_GET, &[], &args, byte);
        self.round_with(round, Source::whole(byte, Ty::INT));
        self.c.start(round.next);
        self.c.end(Term::ForInt {
            i,
            limit,
            inclusive: false,
            body,
            exit: round.exit,
        });
    }

    /// Keys or entries of a map, elements of a set: by position.
    fn for_table(&mut self, round: Round<'a>, table: &'a Expr, entries: bool) {
        let reg = self.walked(round, table);
        let table_arg = self.arg_as(reg, table.ty);
        let kind = self.m.hir.types.kind(table.ty).clone();
        let (type_args, next, key_at) = match kind {
            TyKind::Map(k, v) => (vec![k, v], rt::MAP_NEXT, rt::MAP_KEY_AT),
            TyKind::Set(t) => (vec![t], rt::SET_NEXT, rt::SET_AT),
            _ => return self.c.end(Term::Unreachable),
        };
        let tys = self.m.types.of_all(&type_args);
        let at = self.int(0);
        let at_arg = self.arg(at);
        let (top, body) = (self.c.block(), self.c.block());
        self.c.flow_into(top);
        self.runtime_into(next, &tys, &[table_arg, at_arg], at);
        self.split(Cond::IntImm(Cmp::Lt, at, 0), round.exit, body);
        self.c.start(body);
        let args = [table_arg, at_arg];
        if entries {
            let key = self.runtime(key_at, &tys, &args, tys[0]);
            let value = self.runtime(rt::MAP_VALUE_AT, &tys, &args, tys[1]);
            self.bind_entry(round.pat, (key, type_args[0]), (value, type_args[1]));
            self.round(round);
        } else {
            let key = self.element(round);
            self.runtime_into(key_at, &tys, &args, key);
            self.round_with(round, Source::whole(key, type_args[0]));
        }
        self.c.start(round.next);
        self.c.op1(Op::IntAddI, &[at, at], 1);
        self.c.jump(top);
    }

    /// Binds a key and a value; makes the tuple only for a pattern that wants it whole.
    fn bind_entry(&mut self, pat: &'a Pat, key: (VReg, Ty), value: (VReg, Ty)) {
        if let PatKind::Fields(fields) = &pat.kind {
            for (n, field) in fields {
                let (reg, ty) = if *n == 0 { key } else { value };
                self.destructure(field, Source::whole(reg, ty));
            }
            return;
        }
        if matches!(pat.kind, PatKind::Wild) {
            return;
        }
        let tuple = self.temp(pat.ty);
        let ty = self.c.type_of(tuple);
        self.c.op1(Op::New, &[tuple, key.0, value.0], ty);
        self.destructure(pat, Source::whole(tuple, pat.ty));
    }

    fn for_channel(&mut self, round: Round<'a>, channel: &'a Expr) {
        let reg = self.walked(round, channel);
        let arg = self.arg_as(reg, channel.ty);
        let item = self.m.types.of(round.pat.ty);
        let nullable = self.m.types.union(&[item, well_known::NULL]);
        let body = self.c.block();
        self.c.jump(round.next);
        self.c.start(round.next);
        let got = self.runtime(rt::CHANNEL_NEXT, &[arg.1, item], &[arg], nullable);
        self.split(Cond::Null(got), round.exit, body);
        self.c.start(body);
        let source = Source {
            reg: got,
            access: Access::Narrow,
            ty: round.pat.ty,
        };
        self.round_with(round, source);
    }

    /// A pattern that is expected to match.
    pub(crate) fn destructure(&mut self, pat: &'a Pat, source: Source) {
        self.match_one(pat, source, &mut |b| {
            b.fail(FailureKind::Match, "the value does not match the pattern");
        });
    }

    /// Rounds that take values from a generator object.
    fn for_generator(&mut self, round: Round<'a>, generator: &'a Expr) {
        let TyKind::Generator(item) = *self.m.hir.types.kind(generator.ty) else {
            return self.c.end(Term::Unreachable);
        };
        let given = self.value(generator);
        let driven = Driven {
            object: self.snapshot(given),
            item,
            only: self.only_generator(generator),
        };
        let value = self.element(round);
        let body = self.c.block();
        self.c.jump(round.next);
        self.c.start(round.next);
        self.resume_generator(driven, value, body, round.exit);
        if !self.m.closable.contains(&item) {
            self.c.start(body);
            return self.round_with(round, Source::whole(value, item));
        }
        let left = self.c.block();
        let guard = self.enter_guard(Scope::Generator(driven));
        self.c.start(body);
        let inner = Round {
            done: left,
            ..round
        };
        self.round_with(inner, Source::whole(value, item));
        self.leave_guard(guard, |b| b.close_generator(driven));
        self.c.start(left);
        self.close_generator(driven);
        self.c.jump(round.done);
    }
}
