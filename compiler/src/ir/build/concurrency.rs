//! Tasks and blocks: spawn, await, groups, select, timeout, scope, tools.
//!
//! All but `spawn` and `await` are calls of natives over a handle (see [`super::runtime_natives`]).
//! While a handle is in use, a failure or cancellation of the block first closes it.

use super::code::list_push;
use super::func::FuncBuilder;
use super::runtime_natives as rt;
use crate::hir::concurrency::{GroupValue, SpawnMode};
use crate::hir::{
    Branch, Expr, Group, JoinPolicy, JoinStrategy, LocalId, Select, SelectArm, SelectOp, Ty, TyKind,
};
use crate::ir::{BlockId, Cmp, Cond, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, TypeDesc, TypeIx, well_known};

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

fn mode_number(mode: SpawnMode) -> u32 {
    match mode {
        SpawnMode::Task => 0,
        SpawnMode::Detached => 1,
        SpawnMode::Submit => 2,
        SpawnMode::Global => 3,
    }
}

/// Branches whose values are asked for by number.
struct Outcomes {
    group: VReg,
    /// The value type of each branch; of all of them when there is one.
    values: Vec<Ty>,
}

impl<'a> FuncBuilder<'_, 'a> {
    fn handle(&mut self, name: &str) -> TypeIx {
        self.m.types.intern(TypeDesc::Handle {
            name: name.to_owned(),
            args: Vec::new(),
        })
    }

    /// `spawn`.
    pub(crate) fn spawn(
        &mut self,
        body: &'a Expr,
        on: Option<&'a Expr>,
        mode: SpawnMode,
        dst: VReg,
    ) {
        let span = self.c.span;
        let Some(on) = on else {
            let body = self.value(body);
            self.c.span = span;
            return self.c.op1(Op::Spawn, &[dst, body], mode_number(mode));
        };
        let (on_reg, closure) = self.operand_pair(on, body);
        self.c.span = span;
        let mode = self.int(i64::from(mode_number(mode)));
        let result = self.result_ty(body.ty);
        let args = [
            self.arg_as(on_reg, on.ty),
            self.arg_as(closure, body.ty),
            self.arg(mode),
        ];
        let result = self.m.types.of(result);
        self.runtime_into(rt::SPAWN_ON, &[result], &args, dst);
    }

    /// `await` whose failure is a value.
    pub(crate) fn await_catch(&mut self, future: &'a Expr, ty: Ty, dst: VReg) {
        let item = match self.m.hir.types.kind(future.ty) {
            TyKind::Future(t) => *t,
            _ => Ty::ANY,
        };
        let future = self.value(future);
        let done = self.c.block();
        let block = self.enter_catch();
        let value = self.temp(item);
        self.c.op(Op::Await, &[value, future]);
        let value = self.widen(value, item, ty, Some(dst));
        self.copy(dst, value);
        self.leave_catch();
        self.c.jump(done);
        self.in_handler(block, |b, failure| {
            b.copy(dst, failure);
            b.c.jump(done);
        });
        self.c.start(done);
    }

    /// Waits for a list of futures without raising.
    pub(crate) fn await_settle(&mut self, futures: &'a Expr) {
        let reg = self.value(futures);
        let item = match self.m.hir.types.kind(futures.ty) {
            TyKind::List(f) => match self.m.hir.types.kind(*f) {
                TyKind::Future(t) => *t,
                _ => Ty::ANY,
            },
            _ => Ty::ANY,
        };
        let args = [self.arg_as(reg, futures.ty)];
        let item = self.m.types.of(item);
        self.runtime_effect(rt::AWAIT_SETTLE, &[item], &args);
    }

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
        let guard = self.enter_guard(None);
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
                let closure = b.partial(body, branch.body.ty, element, item);
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
        let guard = self.enter_guard(None);
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

    /// `scope`.
    pub(crate) fn scope(
        &mut self,
        timeout: Option<&'a Expr>,
        on: Option<&'a Expr>,
        handle: Option<LocalId>,
        body: &'a Expr,
        want: Option<VReg>,
    ) {
        let ms = self.option_int(timeout, -1);
        let scope = match handle {
            Some(local) => self.local(local),
            None => {
                let ty = self.handle("Scope");
                self.c.reg(ty)
            }
        };
        let ms = self.arg(ms);
        match on {
            Some(on) => {
                let reg = self.value(on);
                let on = self.arg_as(reg, on.ty);
                self.runtime_into(rt::SCOPE_ENTER_ON, &[], &[ms, on], scope);
            }
            None => self.runtime_into(rt::SCOPE_ENTER, &[], &[ms], scope),
        }
        let guard = self.enter_guard(Some(scope));
        self.deliver(body, want);
        let args = [self.arg(scope)];
        if self.c.live() {
            self.runtime_effect(rt::SCOPE_EXIT, &[], &args);
        }
        self.leave_guard(guard, |b| b.runtime_effect(rt::SCOPE_ABORT, &[], &args));
    }

    /// `select`.
    pub(crate) fn select(&mut self, select: &'a Select, ty: Ty, want: Option<VReg>) {
        let span = self.c.span;
        let fair = self.bool(select.fair);
        let has_else = self.bool(select.otherwise.is_some());
        let args = [self.arg(fair), self.arg(has_else)];
        let handle = self.handle("Select");
        let s = self.runtime(rt::SELECT_NEW, &[], &args, handle);
        let guard = self.enter_guard(None);
        for arm in &select.arms {
            self.select_arm(s, &arm.op);
        }
        self.c.span = span;
        let args = [self.arg(s)];
        let winner = self.runtime(rt::SELECT_WAIT, &[], &args, well_known::INT);
        self.leave_guard(guard, |b| {
            b.runtime_effect(rt::SELECT_CLOSE, &[], &args);
        });
        for local in select.arms.iter().filter_map(|a| a.name) {
            let name = self.local(local);
            self.null_into(name);
        }
        let (other, done) = (self.c.block(), self.c.block());
        let targets: Vec<BlockId> = select.arms.iter().map(|_| self.c.block()).collect();
        self.c.end(Term::SwitchInt {
            value: winner,
            low: 0,
            targets: targets.clone(),
            default: other,
        });
        for (arm, target) in select.arms.iter().zip(targets) {
            self.c.start(target);
            self.won(s, arm, ty, want);
            self.c.jump(done);
        }
        self.c.start(other);
        match (&select.otherwise, want) {
            (Some(e), _) => self.deliver(e, want),
            (None, _) => self.c.end(Term::Unreachable),
        }
        self.c.jump(done);
        self.c.start(done);
    }

    fn select_arm(&mut self, s: VReg, op: &'a SelectOp) {
        let select = self.arg(s);
        let one = |b: &mut Self, e: &'a Expr, native, own: Option<Ty>| {
            let reg = b.value(e);
            let arg = b.arg_as(reg, e.ty);
            let type_arg = own.map_or(arg.1, |t| b.m.types.of(t));
            b.runtime_effect(native, &[type_arg], &[select, arg]);
        };
        match op {
            SelectOp::Receive(ch) => one(self, ch, rt::SELECT_RECEIVE, None),
            SelectOp::Next(ch) => one(self, ch, rt::SELECT_NEXT, None),
            SelectOp::Await(f) => {
                let item = match self.m.hir.types.kind(f.ty) {
                    TyKind::Future(t) => *t,
                    _ => Ty::ANY,
                };
                one(self, f, rt::SELECT_AWAIT, Some(item));
            }
            SelectOp::Run(body) => {
                let result = self.result_ty(body.ty);
                one(self, body, rt::SELECT_RUN, Some(result));
            }
            SelectOp::Sleep(ms) => {
                let ms = self.value(ms);
                let ms = self.arg(ms);
                self.runtime_effect(rt::SELECT_SLEEP, &[], &[select, ms]);
            }
            SelectOp::Send(ch, v) => {
                let (ch_reg, v_reg) = self.operand_pair(ch, v);
                let args = [select, self.arg_as(ch_reg, ch.ty), self.arg_as(v_reg, v.ty)];
                self.runtime_effect(rt::SELECT_SEND, &[args[1].1, args[2].1], &args);
            }
            SelectOp::Handle(name, args) => {
                let exprs: Vec<&'a Expr> = args.iter().collect();
                let regs = self.operands(&exprs);
                let tys: Vec<Ty> = args.iter().map(|a| a.ty).collect();
                let parts = self.m.types.of_all(&tys);
                let tuple_ty = self.m.types.intern(TypeDesc::Tuple(parts));
                let tuple = self.c.reg(tuple_ty);
                let mut all = vec![tuple];
                all.extend(regs);
                self.c.op1(Op::New, &all, tuple_ty);
                let name = self.text(name);
                let args = [select, self.arg(name), self.arg(tuple)];
                self.runtime_effect(rt::SELECT_HANDLE, &[tuple_ty], &args);
            }
        }
    }

    /// The arm whose operation took effect: its names, then its body or value.
    fn won(&mut self, s: VReg, arm: &'a SelectArm, ty: Ty, want: Option<VReg>) {
        let ix = self.m.types.of(arm.value);
        let args = [self.arg(s)];
        let value = match arm.inner {
            Some(inner) => self.local(inner),
            None => self.c.reg(ix),
        };
        self.runtime_into(rt::SELECT_VALUE, &[ix], &args, value);
        if let Some(name) = arm.name {
            let (name_ty, name) = (self.local_ty(name), self.local(name));
            let named = self.widen(value, arm.value, name_ty, Some(name));
            self.copy(name, named);
        }
        match (&arm.body, want) {
            (Some(body), _) => self.deliver(body, want),
            (None, Some(dst)) => {
                let value = self.widen(value, arm.value, ty, Some(dst));
                self.copy(dst, value);
            }
            (None, None) => {}
        }
    }

    /// A call of an external tool.
    pub(crate) fn call_tool(
        &mut self,
        tool: u32,
        args: &'a [(String, Expr)],
        messages: &'a [(String, Expr)],
        dst: VReg,
    ) {
        let span = self.c.span;
        let map = self.temp(Ty::MAP_STRING_JSON);
        let tys = [well_known::STRING, well_known::JSON];
        self.runtime_into(rt::MAP_NEW, &tys, &[], map);
        for (name, e) in args {
            let value = self.value(e);
            let value = self.widen(value, e.ty, Ty::JSON, None);
            let key = self.constant(Constant::Str(name.clone()), well_known::STRING);
            self.c.op(Op::MapSet, &[map, key, value]);
        }
        let mut texts = Vec::new();
        for (role, e) in messages {
            texts.push(self.text(role));
            let value = self.value(e);
            texts.push(self.string_of(value, e.ty));
        }
        self.c.span = span;
        let list = self.c.reg(well_known::LIST_STRING);
        let mut regs = vec![list];
        regs.extend(texts);
        self.c.op1(Op::ListNew, &regs, well_known::LIST_STRING);
        let tool = self.int(i64::from(tool));
        let args = [self.arg(tool), self.arg(map), self.arg(list)];
        self.runtime_into(rt::TOOL_CALL, &[], &args, dst);
    }
}
