//! Groups of branches: parallel, race, vote, timeout.
//!
//! A group is made, given its branches and joined; then its handle is asked what the branches came
//! to, for the names and for the block's value. A failure or cancellation on the way closes it.

use super::cleanup::Scope;
use super::code::list_push;
use super::func::FuncBuilder;
use super::runtime_natives as rt;
use crate::hir::concurrency::GroupValue;
use crate::hir::{Branch, Expr, Group, JoinPolicy, JoinStrategy, Ty, TyKind};
use crate::ir::{BlockId, Cmp, Cond, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::well_known;

/// Policy number of `rt.group_new` for `timeout(ms, …)`.
const TIMEOUT_WITHOUT_FAILURE: i64 = 4;

fn strategy_number(strategy: JoinStrategy) -> i64 {
    match strategy {
        JoinStrategy::All => 0,
        JoinStrategy::First => 1,
        JoinStrategy::Any => 2,
        JoinStrategy::Settled => 3,
        JoinStrategy::Vote => 4,
    }
}

fn policy_number(policy: JoinPolicy) -> i64 {
    match policy {
        JoinPolicy::Default => 0,
        JoinPolicy::FailFast => 1,
        JoinPolicy::Continue => 2,
        JoinPolicy::Ignore => 3,
    }
}

/// Branches whose values are asked for by number.
struct Outcomes {
    group: VReg,
    /// The value type of each branch; of all of them when there is one.
    values: Vec<Ty>,
}

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// parallel, race, vote.
    pub(crate) fn group(&mut self, group: &'a Group, ty: Ty, dst: Option<VReg>) -> VReg {
        let span = self.c.span;
        let numbers = [strategy_number(group.strategy), policy_number(group.policy)];
        let mut args: Vec<VReg> = numbers.iter().map(|n| self.int(*n)).collect();
        args.push(self.option_int(group.count.as_ref(), 1));
        args.push(self.option_int(group.max.as_ref(), 0));
        args.push(self.option_int(group.timeout.as_ref(), -1));
        args.push(self.option_int(group.quorum.as_ref(), 0));
        let on = group.on.as_ref().map(|on| (self.value(on), on.ty));
        let over = group.over.as_ref().map(|(_, xs)| (self.value(xs), xs.ty));
        self.c.span = span;
        let args: Vec<_> = args.into_iter().map(|a| self.arg(a)).collect();
        let handle = self.handle("Group");
        let g = self.runtime(rt::GROUP_NEW, &[], &args, handle);
        let guard = self.enter_guard(Scope::Catch);
        if let Some((on, ty)) = on {
            let args = [self.arg(g), self.arg_as(on, ty)];
            self.runtime_effect(rt::GROUP_ON, &[], &args);
        }
        self.start_branches(group, g, over);
        let args = [self.arg(g)];
        self.runtime_effect(rt::GROUP_JOIN, &[], &args);
        let dst = self.target(dst, ty);
        let outcomes = Outcomes {
            group: g,
            values: group.branches.iter().map(|b| b.value).collect(),
        };
        self.bind_branches(group, &outcomes);
        self.group_value(group, &outcomes, ty, dst);
        self.leave_guard(guard, |b| {
            let args = [b.arg(g)];
            b.runtime_effect(rt::GROUP_CLOSE, &[], &args);
        });
        dst
    }

    fn start_branches(&mut self, group: &'a Group, g: VReg, over: Option<(VReg, Ty)>) {
        let start = |b: &mut Self, closure: VReg, value: Ty| {
            let args = [b.arg(g), b.arg(closure)];
            let value = b.m.types.of(value);
            b.runtime_effect(rt::GROUP_SPAWN, &[value], &args);
        };
        if let (Some((xs, ty)), Some(branch)) = (over, group.branches.first()) {
            let item = match self.m.hir.types.kind(ty) {
                TyKind::List(t) => *t,
                _ => Ty::ANY,
            };
            let body = self.value(&branch.body);
            return self.each(xs, item, |b, element| {
                let closure = b.partial(body, branch.body.ty, (element, item), branch.body.span);
                start(b, closure, branch.value);
            });
        }
        for branch in &group.branches {
            let outer = std::mem::replace(&mut self.c.span, branch.body.span);
            let closure = self.value(&branch.body);
            start(self, closure, branch.value);
            self.c.span = outer;
        }
    }

    fn bind_branches(&mut self, group: &'a Group, outcomes: &Outcomes) {
        let named = |(n, b): (usize, &'a Branch)| b.name.as_ref().map(|(_, local)| (n, *local));
        for (n, local) in group.branches.iter().enumerate().filter_map(named) {
            let want = self.local_ty(local);
            let dst = self.local(local);
            self.outcome(outcomes, n, want, dst);
        }
    }

    fn group_value(&mut self, group: &'a Group, outcomes: &Outcomes, ty: Ty, dst: VReg) {
        match group.value {
            GroupValue::Single => {
                let item = self.outcome_count(outcomes.group);
                let (some, none, done) = (self.c.block(), self.c.block(), self.c.block());
                self.split(Cond::IntImm(Cmp::Gt, item, 0), some, none);
                self.c.start(some);
                let zero = self.int(0);
                let branch = self.outcome_order(outcomes.group, zero);
                self.outcome_at(outcomes, branch, ty, dst);
                self.c.jump(done);
                self.c.start(none);
                if self.takes_null(ty) {
                    self.null_into(dst);
                    self.c.jump(done);
                } else {
                    self.c.end(Term::Unreachable);
                }
                self.c.start(done);
            }
            GroupValue::List => self.group_list(outcomes, ty, dst),
            GroupValue::Tuple | GroupValue::Record => {
                let mut regs = vec![dst];
                let mut field = 0;
                for (n, branch) in group.branches.iter().enumerate() {
                    if group.value == GroupValue::Record && branch.name.is_none() {
                        continue;
                    }
                    let want = self.field_ty(ty, field);
                    let reg = self.temp(want);
                    self.outcome(outcomes, n, want, reg);
                    regs.push(reg);
                    field += 1;
                }
                let ix = self.m.types.of(ty);
                self.c.op1(Op::New, &regs, ix);
            }
        }
    }

    fn outcome_count(&mut self, g: VReg) -> VReg {
        let args = [self.arg(g)];
        self.runtime(rt::GROUP_COUNT, &[], &args, well_known::INT)
    }

    fn outcome_order(&mut self, g: VReg, n: VReg) -> VReg {
        let args = [self.arg(g), self.arg(n)];
        self.runtime(rt::GROUP_ORDER, &[], &args, well_known::INT)
    }

    /// The list of results, in the group's order.
    fn group_list(&mut self, outcomes: &Outcomes, ty: Ty, dst: VReg) {
        let item = match self.m.hir.types.kind(ty) {
            TyKind::List(t) => *t,
            _ => Ty::ANY,
        };
        let list = self.temp(ty);
        let ix = self.c.type_of(list);
        self.c.op1(Op::ListNew, &[list], ix);
        let count = self.outcome_count(outcomes.group);
        let n = self.int(0);
        let (round, exit) = (self.c.block(), self.c.block());
        self.split(Cond::IntImm(Cmp::Le, count, 0), exit, round);
        self.c.start(round);
        let branch = self.outcome_order(outcomes.group, n);
        let value = self.temp(item);
        self.outcome_at(outcomes, branch, item, value);
        let push = list_push(self.repr_of(item), item == Ty::BOOL);
        self.c.op(push, &[list, value]);
        self.c.end(Term::ForInt {
            i: n,
            limit: count,
            inclusive: false,
            body: round,
            exit,
        });
        self.c.start(exit);
        self.copy(dst, list);
    }

    /// What branch `n` (known now) came to, as a `want`.
    fn outcome(&mut self, outcomes: &Outcomes, n: usize, want: Ty, dst: VReg) {
        let value = outcomes.values.get(n).copied().unwrap_or(want);
        let n = self.int(i64::try_from(n).unwrap_or(i64::MAX));
        self.outcome_of(outcomes.group, n, value, want, dst);
    }

    /// What the branch whose number is in a register came to.
    fn outcome_at(&mut self, outcomes: &Outcomes, branch: VReg, want: Ty, dst: VReg) {
        let Some(&first) = outcomes.values.first() else {
            return self.c.end(Term::Unreachable);
        };
        if outcomes.values.iter().all(|v| *v == first) {
            return self.outcome_of(outcomes.group, branch, first, want, dst);
        }
        let done = self.c.block();
        let targets: Vec<BlockId> = outcomes.values.iter().map(|_| self.c.block()).collect();
        let default = targets[0];
        self.c.end(Term::SwitchInt {
            value: branch,
            low: 0,
            targets: targets.clone(),
            default,
        });
        for (target, value) in targets.into_iter().zip(&outcomes.values) {
            self.c.start(target);
            self.outcome_of(outcomes.group, branch, *value, want, dst);
            self.c.jump(done);
        }
        self.c.start(done);
    }

    /// The value itself where `want` is its type; else a result where it is one; else null for a
    /// branch without a value.
    fn outcome_of(&mut self, g: VReg, branch: VReg, value: Ty, want: Ty, dst: VReg) {
        let result = self.result_of(want);
        if want == value || result.is_none() && !self.takes_null(want) {
            return self.branch_outcome(g, branch, value, want, dst);
        }
        let args = [self.arg(g), self.arg(branch)];
        let status = self.runtime(rt::GROUP_STATUS, &[], &args, well_known::INT);
        let (good, bad, done) = (self.c.block(), self.c.block(), self.c.block());
        self.split(Cond::IntImm(Cmp::Eq, status, 0), good, bad);
        self.c.start(good);
        match result {
            Some((ok, _)) => {
                let inner = self.temp(ok);
                self.branch_outcome(g, branch, value, ok, inner);
                let variant = self.m.types.variant(want, self.result_variant(want, "ok"));
                self.c.op1(Op::New, &[dst, inner], variant);
            }
            None => self.branch_outcome(g, branch, value, want, dst),
        }
        self.c.jump(done);
        self.c.start(bad);
        match result {
            Some((_, err)) => {
                let failure = self.runtime(rt::GROUP_ERROR, &[], &args, well_known::ERROR);
                let mut held = failure;
                if err == Ty::STRING {
                    held = self.c.reg(well_known::STRING);
                    self.c.op1(Op::FieldGetWord, &[held, failure], 1);
                }
                let variant = self.m.types.variant(want, self.result_variant(want, "err"));
                self.c.op1(Op::New, &[dst, held], variant);
            }
            None => self.null_into(dst),
        }
        self.c.flow_into(done);
    }

    fn branch_outcome(&mut self, g: VReg, branch: VReg, value: Ty, want: Ty, dst: VReg) {
        let args = [self.arg(g), self.arg(branch)];
        let ix = self.m.types.of(value);
        if want == value {
            return self.runtime_into(rt::GROUP_VALUE, &[ix], &args, dst);
        }
        let got = self.runtime(rt::GROUP_VALUE, &[ix], &args, ix);
        let got = self.widen(got, value, want, Some(dst));
        self.copy(dst, got);
    }

    /// Whether null is a value of the type.
    fn takes_null(&self, ty: Ty) -> bool {
        match self.m.hir.types.kind(ty) {
            TyKind::Null | TyKind::Any | TyKind::Json => true,
            TyKind::Union(members) => members.iter().any(|m| self.takes_null(*m)),
            _ => false,
        }
    }

    /// The payload types of a `result`.
    fn result_of(&self, ty: Ty) -> Option<(Ty, Ty)> {
        let nominal = self.m.hir.types.nominal(ty)?;
        let payload = |name: &str| {
            let variant = nominal.variants.iter().find(|v| v.name == name)?;
            variant.fields.first().map(|f| f.ty)
        };
        Some((payload("ok")?, payload("err")?))
    }

    fn result_variant(&self, ty: Ty, name: &str) -> u32 {
        let variants = self.m.hir.types.nominal(ty).map(|n| &n.variants);
        let at = variants.and_then(|v| v.iter().position(|v| v.name == name));
        u32::try_from(at.unwrap_or(0)).unwrap_or(0)
    }

    /// `timeout(ms, body)`: a group of one.
    pub(crate) fn timeout(
        &mut self,
        ms: &'a Expr,
        body: &'a Expr,
        owned: bool,
        ty: Ty,
        dst: Option<VReg>,
    ) -> VReg {
        let span = self.c.span;
        let (ms, body_reg) = self.operand_pair(ms, body);
        self.c.span = span;
        let numbers = [0, TIMEOUT_WITHOUT_FAILURE, 1, 0].map(|n| self.int(n));
        let quorum = self.int(0);
        let args: Vec<_> = (numbers.into_iter().chain([ms, quorum]))
            .map(|a| self.arg(a))
            .collect();
        let handle = self.handle("Group");
        let g = self.runtime(rt::GROUP_NEW, &[], &args, handle);
        let guard = self.enter_guard(Scope::Catch);
        let value = match self.m.hir.types.kind(body.ty) {
            TyKind::Func(_, result) => *result,
            TyKind::Future(item) => *item,
            _ => Ty::ANY,
        };
        let value_ix = self.m.types.of(value);
        let args = [self.arg(g), self.arg_as(body_reg, body.ty)];
        let add = if owned {
            rt::GROUP_SPAWN
        } else {
            rt::GROUP_ADOPT
        };
        self.runtime_effect(add, &[value_ix], &args);
        self.runtime_effect(rt::GROUP_JOIN, &[], &args[..1]);
        let dst = self.target(dst, ty);
        let zero = self.int(0);
        let args = [self.arg(g), self.arg(zero)];
        let status = self.runtime(rt::GROUP_STATUS, &[], &args, well_known::INT);
        let (good, bad, done) = (self.c.block(), self.c.block(), self.c.block());
        self.split(Cond::IntImm(Cmp::Eq, status, 0), good, bad);
        self.c.start(good);
        self.branch_outcome(g, zero, value, ty, dst);
        self.c.jump(done);
        self.c.start(bad);
        self.null_into(dst);
        self.c.flow_into(done);
        self.leave_guard(guard, |b| {
            let args = [b.arg(g)];
            b.runtime_effect(rt::GROUP_CLOSE, &[], &args);
        });
        dst
    }
}
