//! The shape of loops, conditions, matches, cleanup and generators.

use super::*;
use crate::hir::{Arm, Element, PlaceStep, TyKind};

#[test]
fn a_counted_loop_has_its_test_at_the_bottom() {
    let mut b = Build::new();
    let mut f = FuncBuild::new("sum", Ty::INT);
    let (n, total, i) = (
        f.param("n", Ty::INT),
        f.local("total", Ty::INT),
        f.local("i", Ty::INT),
    );
    let body = f.add_to(total, f.get(i));
    let loop_ = counted(&f, i, f.get(n), body);
    let body = block(vec![f.let_(total, int(0)), loop_, f.get(total)]);
    b.add(f, body);
    assert_eq!(
        b.text(),
        "fn #0 sum(v0 n: Int) -> Int
b0:
  v1 total = int.const 0
  v2 = int.const 0
  v3 i = move v2
  branch int v3 >= v0 ? b3 : b1
b1:
  v1 total = int.add v1 v3
  jump b2
b2:
  for.int v3 .. v0 ? b1 : b3
b3:
  return v1

"
    );
}

#[test]
fn calls_and_conditions() {
    let mut b = Build::new();
    let mut f = FuncBuild::new("fib", Ty::INT);
    let n = f.param("n", Ty::INT);
    let call = |k: i64, f: &FuncBuild| {
        let arg = binary(BinOp::Sub, f.get(n), int(k), Ty::INT);
        e(
            E::Call {
                callee: Callee::Func(FuncId(0)),
                args: vec![arg],
            },
            Ty::INT,
        )
    };
    let small = unit(E::If {
        cond: Box::new(binary(BinOp::Lt, f.get(n), int(2), Ty::BOOL)),
        then: Box::new(never(E::Return(Some(Box::new(f.get(n)))))),
        otherwise: None,
    });
    let sum = binary(BinOp::Add, call(1, &f), call(2, &f), Ty::INT);
    let body = block(vec![small, sum]);
    b.add(f, body);
    assert_eq!(
        b.text(),
        "fn #0 fib(v0 n: Int) -> Int
b0:
  branch int v0 < 2 ? b1 : b2
b1:
  return v0
b2:
  v1 = int.addi v0 -1
  v2 = call v1 #0 fib
  v3 = int.addi v0 -2
  v4 = call v3 #0 fib
  v5 = int.add v2 v4
  return v5

"
    );
}

#[test]
fn four_literals_make_a_jump_table() {
    let mut b = Build::new();
    let mut f = FuncBuild::new("name", Ty::STRING);
    let n = f.param("n", Ty::INT);
    let arm = |kind, s: &str| Arm {
        pat: pat(kind, Ty::INT),
        guard: None,
        body: text(s),
    };
    let or = PatKind::Or(vec![
        pat(PatKind::Int(3), Ty::INT),
        pat(PatKind::Int(4), Ty::INT),
    ]);
    let arms = vec![
        arm(PatKind::Int(1), "one"),
        arm(PatKind::Int(2), "two"),
        arm(or, "few"),
        arm(PatKind::Range { lo: 5, hi: 9 }, "some"),
        arm(PatKind::Wild, "many"),
    ];
    let body = e(
        E::Match {
            value: Box::new(f.get(n)),
            arms,
        },
        Ty::STRING,
    );
    b.add(f, body);
    let text = b.text();
    assert!(
        text.contains("switch.int v0 from 1 [b3 b4 b5 b5] else b1"),
        "{text}"
    );
    assert!(text.contains("branch int v0 >= 5"), "{text}");
}

#[test]
fn list_patterns_test_the_length_once_per_shape() {
    let mut b = Build::new();
    let mut f = FuncBuild::new("shape", Ty::INT);
    let xs = f.param("xs", Ty::LIST_INT);
    let (first, rest) = (f.local("first", Ty::INT), f.local("rest", Ty::LIST_INT));
    let list = |before: Vec<Pat>, rest| {
        pat(
            PatKind::List {
                before,
                rest,
                after: Vec::new(),
            },
            Ty::LIST_INT,
        )
    };
    let arms = vec![
        Arm {
            pat: list(Vec::new(), None),
            guard: None,
            body: int(0),
        },
        Arm {
            pat: list(vec![f.bind(first)], Some(Some(rest))),
            guard: Some(Box::new(binary(BinOp::Gt, f.get(first), int(3), Ty::BOOL))),
            body: e(
                E::Slice {
                    base: Box::new(f.get(rest)),
                    lo: None,
                    hi: None,
                    inclusive: false,
                },
                Ty::LIST_INT,
            ),
        },
    ];
    let mut arms = arms;
    arms[1].body = block(vec![arms[1].body.clone(), f.get(first)]);
    arms.push(Arm {
        pat: pat(PatKind::Wild, Ty::LIST_INT),
        guard: None,
        body: int(1),
    });
    let body = e(
        E::Match {
            value: Box::new(f.get(xs)),
            arms,
        },
        Ty::INT,
    );
    b.add(f, body);
    let text = b.text();
    assert_eq!(text.matches("list.len").count(), 1, "{text}");
}

#[test]
fn nested_places_use_the_fused_ops() {
    let mut b = Build::new();
    let grid_ty = b.program.types.intern(TyKind::List(Ty::LIST_INT));
    let mut f = FuncBuild::new("bump", Ty::NULL);
    let (grid, i) = (f.param("grid", grid_ty), f.param("i", Ty::INT));
    let index = |container, at| PlaceStep::Index {
        container,
        index: Box::new(at),
    };
    let place = Place {
        root: grid,
        path: vec![index(grid_ty, f.get(i)), index(Ty::LIST_INT, int(2))],
        ty: Ty::INT,
        span: span(),
    };
    let body = unit(E::AssignOp {
        place: Box::new(place),
        op: BinOp::Add,
        value: Box::new(int(1)),
    });
    b.add(f, body);
    let text = b.text();
    assert!(text.contains("list.set2 v0 v1 v2 v"), "{text}");
}

#[test]
fn a_failure_in_try_goes_to_its_arms_and_cleanup_runs_masked() {
    let mut b = Build::new();
    let mut f = FuncBuild::new("attempt", Ty::INT);
    let (n, err) = (f.param("n", Ty::INT), f.local("err", Ty::ERROR));
    let tries = e(
        E::Try {
            body: Box::new(binary(BinOp::Div, int(10), f.get(n), Ty::INT)),
            catch: vec![Arm {
                pat: f.bind(err),
                guard: None,
                body: block(vec![f.set(n, int(1)), f.get(n)]),
            }],
            finally: Some(Box::new(f.add_to(n, int(1)))),
        },
        Ty::INT,
    );
    b.add(f, tries);
    let text = b.text();
    assert!(text.contains("!catch b"), "{text}");
    assert!(text.contains("cancelled b"), "{text}");
    assert!(text.matches("mask").count() >= 4, "{text}");
    assert!(text.contains("rt.add_cause"), "{text}");
}

#[test]
fn a_loop_with_defer_leaves_through_it() {
    let mut b = Build::new();
    let mut f = FuncBuild::new("looping", Ty::INT);
    let (n, total) = (f.param("n", Ty::INT), f.local("total", Ty::INT));
    let leave = unit(E::If {
        cond: Box::new(binary(BinOp::Gt, f.get(total), f.get(n), Ty::BOOL)),
        then: Box::new(never(E::Break(LoopId(7), None))),
        otherwise: None,
    });
    let body = block(vec![
        unit(E::Defer(Box::new(f.add_to(total, int(2))))),
        leave,
        f.add_to(total, int(1)),
    ]);
    let run = unit(E::While {
        id: LoopId(7),
        cond: Box::new(e(E::Bool(true), Ty::BOOL)),
        body: Box::new(body),
    });
    let body = block(vec![f.let_(total, int(0)), run, f.get(total)]);
    b.add(f, body);
    b.text();
}

#[test]
fn a_generator_is_a_maker_and_a_resuming_function() {
    let mut b = Build::new();
    let generator = b.program.types.intern(TyKind::Generator(Ty::INT));
    let mut g = FuncBuild::new("squares", generator);
    g.func.kind = FuncKind::Generator;
    let (n, i) = (g.param("n", Ty::INT), g.local("i", Ty::INT));
    let square = binary(BinOp::Mul, g.get(i), g.get(i), Ty::INT);
    let body = counted(&g, i, g.get(n), unit(E::Yield(Box::new(square))));
    let id = b.add(g, body);
    let mut f = FuncBuild::new("main", Ty::INT);
    let (x, total) = (f.local("x", Ty::INT), f.local("total", Ty::INT));
    let made = e(
        E::Call {
            callee: Callee::Func(id),
            args: vec![int(5)],
        },
        generator,
    );
    let run = unit(E::For {
        id: LoopId(0),
        pat: Box::new(f.bind(x)),
        iter: Box::new(Iter::Generator(Box::new(made))),
        filter: None,
        body: Box::new(f.add_to(total, f.get(x))),
    });
    let body = block(vec![f.let_(total, int(0)), run, f.get(total)]);
    b.add(f, body);
    let text = b.text();
    assert!(text.contains("fn #2 squares"), "{text}");
    assert!(text.contains("switch.int"), "{text}");
}

#[test]
fn lists_and_text() {
    let mut b = Build::new();
    let mut f = FuncBuild::new("build", Ty::STRING);
    let (s, x, xs) = (
        f.local("s", Ty::STRING),
        f.local("x", Ty::INT),
        f.local("xs", Ty::LIST_INT),
    );
    let elements = vec![
        Element::One(int(1)),
        Element::Spread(f.get(xs)),
        Element::One(int(2)),
    ];
    let list = e(E::List(elements), Ty::LIST_INT);
    let piece = e(
        E::Interpolate(vec![
            crate::hir::Piece::Text("a".to_owned()),
            crate::hir::Piece::Value(f.get(x), None),
        ]),
        Ty::STRING,
    );
    let append = unit(E::AssignOp {
        place: Box::new(f.place(s)),
        op: BinOp::Concat,
        value: Box::new(piece),
    });
    let run = unit(E::For {
        id: LoopId(0),
        pat: Box::new(f.bind(x)),
        iter: Box::new(Iter::List(Box::new(f.get(xs)))),
        filter: None,
        body: Box::new(append),
    });
    let empty = e(E::List(Vec::new()), Ty::LIST_INT);
    let body = block(vec![
        f.let_(s, text("")),
        f.let_(xs, empty),
        f.set(xs, list),
        run,
        f.get(s),
    ]);
    b.add(f, body);
    let text = b.text();
    assert_eq!(text.matches("str.append").count(), 2, "{text}");
    assert!(text.contains("for.list"), "{text}");
}

#[test]
fn a_generator_left_early_runs_its_cleanup() {
    let mut b = Build::new();
    let generator = b.program.types.intern(TyKind::Generator(Ty::INT));
    let mut g = FuncBuild::new("numbers", generator);
    g.func.kind = FuncKind::Generator;
    let (n, s) = (g.param("n", Ty::INT), g.param("s", Ty::STRING));
    let clean = unit(E::Defer(Box::new(unit(E::AssignOp {
        place: Box::new(g.place(s)),
        op: BinOp::Concat,
        value: Box::new(text("left")),
    }))));
    let yields = |g: &FuncBuild| unit(E::Yield(Box::new(g.get(n))));
    let body = block(vec![yields(&g), clean, yields(&g), yields(&g)]);
    let id = b.add(g, body);
    let mut f = FuncBuild::new("leaves", Ty::INT);
    let x = f.local("x", Ty::INT);
    let run = unit(E::For {
        id: LoopId(0),
        pat: Box::new(f.bind(x)),
        iter: Box::new(Iter::Generator(Box::new(call(
            id,
            vec![int(5), text("s")],
            generator,
        )))),
        filter: None,
        body: Box::new(unit(E::If {
            cond: Box::new(binary(BinOp::Gt, f.get(x), int(2), Ty::BOOL)),
            then: Box::new(never(E::Return(Some(Box::new(f.get(x)))))),
            otherwise: Some(Box::new(never(E::Break(LoopId(0), None)))),
        })),
    });
    let body = block(vec![run, int(0)]);
    b.add(f, body);
    b.program.main = Some(FuncId(1));
    let text = b.text();
    assert!(text.contains("switch.int v"), "{text}");
    assert!(text.contains("from -4"), "{text}");
}
