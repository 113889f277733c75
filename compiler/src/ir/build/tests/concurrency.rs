//! Groups, select, timeout, scope, spawn and await.

use super::*;
use crate::hir::concurrency::{GroupValue, SpawnMode};
use crate::hir::{Branch, Group, JoinPolicy, JoinStrategy, Select, SelectArm, SelectOp, TyKind};

impl Build {
    /// A closure without captures that gives `body`.
    fn thunk(&mut self, result: Ty, body: Expr) -> Expr {
        let mut f = FuncBuild::new("branch", result);
        f.func.kind = FuncKind::Closure;
        let func = self.add(f, body);
        let ty = self.program.types.intern(TyKind::Func(Vec::new(), result));
        let captures = Vec::new();
        e(E::Closure { func, captures }, ty)
    }
}

fn group(strategy: JoinStrategy, branches: Vec<Branch>, value: GroupValue) -> Group {
    Group {
        strategy,
        policy: JoinPolicy::Default,
        count: None,
        max: None,
        timeout: None,
        on: None,
        quorum: None,
        branches,
        over: None,
        value,
        joined: true,
    }
}

#[test]
fn parallel_makes_a_list_and_names() {
    let mut b = Build::new();
    let mut f = FuncBuild::new("main", Ty::LIST_INT);
    let a = f.local("a", Ty::INT);
    let branches = vec![
        Branch {
            name: Some(("a".to_owned(), a)),
            body: b.thunk(Ty::INT, int(1)),
            value: Ty::INT,
        },
        Branch {
            name: None,
            body: b.thunk(Ty::INT, int(2)),
            value: Ty::INT,
        },
    ];
    let group = group(JoinStrategy::All, branches, GroupValue::List);
    let body = e(E::Group(Box::new(group)), Ty::LIST_INT);
    b.add(f, body);
    let text = b.text();
    assert_eq!(text.matches("rt.group_spawn").count(), 2, "{text}");
    assert_eq!(text.matches("rt.group_close").count(), 1, "{text}");
}

#[test]
fn a_race_between_types_gives_null_to_losers() {
    let mut b = Build::new();
    let (maybe, either) = {
        let types = &mut b.program.types;
        (types.nullable(Ty::INT), types.union(&[Ty::INT, Ty::STRING]))
    };
    let mut f = FuncBuild::new("main", either);
    let n = f.local("n", maybe);
    let branches = vec![
        Branch {
            name: Some(("n".to_owned(), n)),
            body: b.thunk(Ty::INT, int(1)),
            value: Ty::INT,
        },
        Branch {
            name: None,
            body: b.thunk(Ty::STRING, text("x")),
            value: Ty::STRING,
        },
    ];
    let group = group(JoinStrategy::First, branches, GroupValue::Single);
    let body = e(E::Group(Box::new(group)), either);
    b.add(f, body);
    let text = b.text();
    assert!(text.contains("switch.int"), "{text}");
    assert!(text.contains("box.int"), "{text}");
}

#[test]
fn parallel_for_gives_each_element_a_branch() {
    let mut b = Build::new();
    let mut body = FuncBuild::new("branch", Ty::INT);
    body.func.kind = FuncKind::Closure;
    let x = body.param("x", Ty::STRING);
    let func = b.add(body, int(1));
    let ty = (b.program.types).intern(TyKind::Func(vec![Ty::STRING], Ty::INT));
    let mut f = FuncBuild::new("main", Ty::LIST_INT);
    let (names, name) = (f.param("names", Ty::LIST_STRING), f.local("x", Ty::STRING));
    let branches = vec![Branch {
        name: None,
        body: e(
            E::Closure {
                func,
                captures: Vec::new(),
            },
            ty,
        ),
        value: Ty::INT,
    }];
    let mut group = group(JoinStrategy::All, branches, GroupValue::List);
    group.over = Some((f.bind(name), f.get(names)));
    let body = e(E::Group(Box::new(group)), Ty::LIST_INT);
    b.add(f, body);
    let text = b.text();
    assert!(text.contains("closure v"), "{text}");
    assert_eq!(x, LocalId(0));
}

#[test]
fn select_takes_one_arm() {
    let mut b = Build::new();
    let channel = b.program.types.intern(TyKind::Channel(Ty::INT));
    let maybe = b.program.types.nullable(Ty::INT);
    let mut f = FuncBuild::new("main", maybe);
    let (ch, m, inner) = (
        f.param("ch", channel),
        f.local("m", maybe),
        f.local("v", Ty::INT),
    );
    let arm = |op, name, value, inner, body| SelectArm {
        op,
        name,
        value,
        inner,
        body,
    };
    let widened = |x: Expr| e(E::Coerce(crate::hir::Coercion::Widen, Box::new(x)), maybe);
    let arms = vec![
        arm(
            SelectOp::Receive(f.get(ch)),
            Some(m),
            Ty::INT,
            Some(inner),
            Some(widened(f.get(inner))),
        ),
        arm(
            SelectOp::Sleep(int(5)),
            None,
            Ty::BOOL,
            None,
            Some(widened(int(1))),
        ),
        arm(
            SelectOp::Send(f.get(ch), int(3)),
            None,
            Ty::BOOL,
            None,
            Some(widened(int(2))),
        ),
    ];
    let select = Select {
        fair: false,
        arms,
        otherwise: Some(widened(int(0))),
    };
    let body = e(E::Select(Box::new(select)), maybe);
    b.add(f, body);
    let text = b.text();
    assert!(text.contains("rt.select_send"), "{text}");
}

#[test]
fn scope_timeout_await_and_channel_loops() {
    let mut b = Build::new();
    let (maybe, future, channel, caught) = {
        let types = &mut b.program.types;
        (
            types.nullable(Ty::INT),
            types.intern(TyKind::Future(Ty::INT)),
            types.intern(TyKind::Channel(Ty::STRING)),
            types.union(&[Ty::INT, Ty::ERROR]),
        )
    };
    let mut f = FuncBuild::new("main", Ty::INT);
    let (ch, fut, got) = (
        f.param("ch", channel),
        f.local("fut", future),
        f.local("got", caught),
    );
    let (x, t) = (f.local("x", Ty::STRING), f.local("t", maybe));
    let spawned = |body: Expr| {
        e(
            E::Spawn {
                body: Box::new(body),
                on: None,
                mode: SpawnMode::Task,
            },
            future,
        )
    };
    let timeout = e(
        E::Timeout {
            ms: Box::new(int(10)),
            body: Box::new(b.thunk(Ty::INT, int(3))),
            owned: true,
        },
        maybe,
    );
    let drain = unit(E::For {
        id: LoopId(1),
        pat: Box::new(f.bind(x)),
        iter: Box::new(Iter::Channel(Box::new(f.get(ch)))),
        filter: None,
        body: Box::new(never(E::Break(LoopId(1), None))),
    });
    let wait = e(E::AwaitCatch(Box::new(f.get(fut))), caught);
    let awaited = e(E::Await(Box::new(f.get(fut))), Ty::INT);
    let leave = never(E::Return(Some(Box::new(awaited))));
    let thunk = b.thunk(Ty::INT, int(4));
    let scope = unit(E::Scope {
        timeout: None,
        on: None,
        handle: None,
        body: Box::new(block(vec![
            f.let_(fut, spawned(thunk)),
            drain,
            unit(E::If {
                cond: Box::new(e(E::Bool(true), Ty::BOOL)),
                then: Box::new(leave),
                otherwise: None,
            }),
            f.let_(got, wait),
        ])),
    });
    let body = block(vec![f.let_(t, timeout), scope, int(0)]);
    b.add(f, body);
    let text = b.text();
    assert!(text.contains("rt.scope_exit"), "{text}");
    assert!(text.contains("rt.scope_abort"), "{text}");
    assert!(text.contains("rt.channel_next"), "{text}");
}
