//! Tasks and blocks: spawn, await, select, scope, tools; for groups see [`super::group`].
//!
//! All but `spawn` and `await` are calls of natives over a handle (see [`super::runtime_natives`]).
//! While a handle is in use, a failure or cancellation of the block first closes it.

use super::cleanup::Scope;
use super::func::FuncBuilder;
use super::runtime_natives as rt;
use crate::hir::concurrency::SpawnMode;
use crate::hir::{Expr, LocalId, Select, SelectArm, SelectOp, Ty, TyKind};
use crate::ir::{BlockId, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, TypeDesc, TypeIx, well_known};

fn mode_number(mode: SpawnMode) -> u32 {
    match mode {
        SpawnMode::Task => 0,
        SpawnMode::Detached => 1,
        SpawnMode::Submit => 2,
        SpawnMode::Global => 3,
    }
}

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// The type of a handle of the runtime.
    pub(crate) fn handle(&mut self, name: &str) -> TypeIx {
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
        let guard = self.enter_guard(Scope::Tasks(scope));
        self.deliver(body, want);
        let args = [self.arg(scope)];
        if self.c.live() {
            self.runtime_effect(rt::SCOPE_EXIT, &[], &args);
        }
        self.leave_guard_with(guard, |b, failure| {
            let args = [args[0], b.arg(failure)];
            b.runtime(rt::SCOPE_ABORT, &[], &args, well_known::ERROR)
        });
    }

    /// `select`.
    pub(crate) fn select(&mut self, select: &'a Select, ty: Ty, want: Option<VReg>) {
        let (winner, values) = match receive_within(select) {
            Some(within) => (self.receive_within(&within), Values::Within(within.receive)),
            None => {
                let (winner, s) = self.select_any(select);
                (winner, Values::Select(s))
            }
        };
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
        for (at, (arm, target)) in select.arms.iter().zip(targets).enumerate() {
            self.c.start(target);
            self.won(values, at, arm, ty, want);
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

    /// The number of the winner of a receive or a sleep.
    fn receive_within(&mut self, within: &Within<'a>) -> VReg {
        let span = self.c.span;
        let (channel, millis) = if within.receive == 0 {
            self.operand_pair(within.channel, within.millis)
        } else {
            let (millis, channel) = self.operand_pair(within.millis, within.channel);
            (channel, millis)
        };
        let mode = self.int(within.receive as i64 + 2 * i64::from(within.next));
        self.c.span = span;
        let channel = self.arg_as(channel, within.channel.ty);
        let args = [channel, self.arg(millis), self.arg(mode)];
        self.runtime(rt::RECEIVE_WITHIN, &[channel.1], &args, well_known::INT)
    }

    /// The number of the winner, and the select.
    fn select_any(&mut self, select: &'a Select) -> (VReg, VReg) {
        let span = self.c.span;
        let fair = self.bool(select.fair);
        let has_else = self.bool(select.otherwise.is_some());
        let args = [self.arg(fair), self.arg(has_else)];
        let handle = self.handle("Select");
        let s = self.runtime(rt::SELECT_NEW, &[], &args, handle);
        let guard = self.enter_guard(Scope::Catch);
        for arm in &select.arms {
            self.select_arm(s, &arm.op);
        }
        self.c.span = span;
        let args = [self.arg(s)];
        let winner = self.runtime(rt::SELECT_WAIT, &[], &args, well_known::INT);
        self.leave_guard(guard, |b| {
            b.runtime_effect(rt::SELECT_CLOSE, &[], &args);
        });
        (winner, s)
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
    fn won(&mut self, values: Values, at: usize, arm: &'a SelectArm, ty: Ty, want: Option<VReg>) {
        let ix = self.m.types.of(arm.value);
        let value = match arm.inner {
            Some(inner) => self.local(inner),
            None => self.c.reg(ix),
        };
        match values {
            Values::Select(s) => {
                let args = [self.arg(s)];
                self.runtime_into(rt::SELECT_VALUE, &[ix], &args, value);
            }
            Values::Within(receive) if receive == at => {
                self.runtime_into(rt::RECEIVED, &[ix], &[], value);
            }
            Values::Within(_) if ix == well_known::NULL => self.null_into(value),
            Values::Within(_) => self.int_into(value, 1),
        }
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

/// A select of one receive and one sleep.
struct Within<'a> {
    /// The number of the arm that receives.
    receive: usize,
    channel: &'a Expr,
    /// A closed channel gives null.
    next: bool,
    millis: &'a Expr,
}

/// Where the winner's value is to be had.
#[derive(Clone, Copy)]
enum Values {
    /// From a select.
    Select(VReg),
    /// Of a [`Within`], whose arm of this number receives.
    Within(usize),
}

/// The select as a receive with a timeout, if that is what it is.
fn receive_within(select: &Select) -> Option<Within<'_>> {
    let [first, second] = &select.arms[..] else {
        return None;
    };
    let (receive, from, sleep) = match (&first.op, &second.op) {
        (from, SelectOp::Sleep(_)) => (0, from, second),
        (SelectOp::Sleep(_), from) => (1, from, first),
        _ => return None,
    };
    let SelectOp::Sleep(millis) = &sleep.op else {
        return None;
    };
    let (channel, next) = match from {
        SelectOp::Receive(channel) => (channel, false),
        SelectOp::Next(channel) => (channel, true),
        _ => return None,
    };
    let usual = !select.fair && select.otherwise.is_none();
    (usual && matches!(sleep.value, Ty::BOOL | Ty::NULL)).then_some(Within {
        receive,
        channel,
        next,
        millis,
    })
}
