//! Records, enums, unions, places, mutators, closures, conversions.

use super::*;
use crate::hir::{
    Arm, Coercion, Element, Field, Native, NativeId, Nominal, NominalId, PlaceStep, TyKind, UnOp,
    Variant,
};

fn field(name: &str, ty: Ty) -> Field {
    Field {
        name: name.to_owned(),
        ty,
    }
}

impl Build {
    fn nominal(&mut self, name: &str, variants: &[(&str, &[Ty])], record: bool) -> Ty {
        let types = &mut self.program.types;
        let id = NominalId(u32::try_from(types.nominals.len()).unwrap());
        let variant = |(name, fields): &(&str, &[Ty])| Variant {
            name: (*name).to_owned(),
            fields: fields.iter().map(|t| field("f", *t)).collect(),
        };
        types.nominals.push(Nominal {
            name: name.to_owned(),
            args: Vec::new(),
            variants: variants.iter().map(variant).collect(),
            check: None,
        });
        types.intern(if record {
            TyKind::Record(id)
        } else {
            TyKind::Enum(id)
        })
    }

    fn native(&mut self, key: &str, params: &[Ty], result: Ty) -> NativeId {
        self.program.natives.push(Native {
            key: key.to_owned(),
            params: params.to_vec(),
            result,
            mutator: key.contains("(mut "),
            type_args: Vec::new(),
        });
        NativeId(u32::try_from(self.program.natives.len()).unwrap() - 1)
    }
}

fn matched(value: Expr, arms: Vec<(Pat, Expr)>) -> Expr {
    let ty = arms[0].1.ty;
    let arm = |(pat, body)| Arm {
        pat,
        guard: None,
        body,
    };
    e(
        E::Match {
            value: Box::new(value),
            arms: arms.into_iter().map(arm).collect(),
        },
        ty,
    )
}

fn widen(inner: Expr, ty: Ty) -> Expr {
    e(E::Coerce(Coercion::Widen, Box::new(inner)), ty)
}

#[test]
fn an_enum_is_switched_on_once_and_payload_goes_to_its_variable() {
    let mut b = Build::new();
    let shape = b.nominal(
        "Shape",
        &[
            ("Circle", &[Ty::FLOAT]),
            ("Rect", &[Ty::FLOAT, Ty::FLOAT]),
            ("Dot", &[]),
        ],
        false,
    );
    let mut f = FuncBuild::new("area", Ty::FLOAT);
    let s = f.param("s", shape);
    let (r, w, h) = (
        f.local("r", Ty::FLOAT),
        f.local("w", Ty::FLOAT),
        f.local("h", Ty::FLOAT),
    );
    let arms = vec![
        (
            pat(PatKind::Variant(0, vec![(0, f.bind(r))]), shape),
            binary(BinOp::Mul, f.get(r), f.get(r), Ty::FLOAT),
        ),
        (
            pat(
                PatKind::Variant(1, vec![(0, f.bind(w)), (1, f.bind(h))]),
                shape,
            ),
            binary(BinOp::Mul, f.get(w), f.get(h), Ty::FLOAT),
        ),
        (pat(PatKind::Wild, shape), e(E::Float(0.0), Ty::FLOAT)),
    ];
    let body = matched(f.get(s), arms);
    b.add(f, body);
    let text = b.text();
    assert!(text.contains("switch.tag v0 [b1 b2 b5]"), "{text}");
    assert!(text.contains("v4 h = field.get v0 .1"), "{text}");
}

#[test]
fn unions_are_tested_by_type_and_unboxed() {
    let mut b = Build::new();
    let union = b.program.types.union(&[Ty::INT, Ty::STRING, Ty::NULL]);
    let mut f = FuncBuild::new("show", Ty::STRING);
    let v = f.param("v", union);
    let (n, s) = (f.local("n", Ty::INT), f.local("s", Ty::STRING));
    let typed = |ty, inner| pat(PatKind::Type(ty, Box::new(inner)), union);
    let shown = e(
        E::Interpolate(vec![crate::hir::Piece::Value(f.get(n), None)]),
        Ty::STRING,
    );
    let arms = vec![
        (pat(PatKind::Null, union), text("null")),
        (typed(Ty::INT, pat(PatKind::Int(0), Ty::INT)), text("zero")),
        (typed(Ty::INT, f.bind(n)), shown),
        (typed(Ty::STRING, f.bind(s)), f.get(s)),
    ];
    let body = matched(f.get(v), arms);
    b.add(f, body);
    let text = b.text();
    assert_eq!(text.matches("unbox.int").count(), 1, "{text}");
    assert_eq!(text.matches("is Int").count(), 1, "{text}");
    assert_eq!(text.matches("is String").count(), 0, "{text}");
}

#[test]
fn a_native_mutator_deep_in_a_place_goes_through_a_path() {
    let mut b = Build::new();
    let user = b.nominal("User", &[("User", &[Ty::STRING, Ty::LIST_STRING])], true);
    let users = b.program.types.intern(TyKind::List(user));
    let key = "list.push[T](mut list[T], T) -> Null";
    let push = b.native(key, &[Ty::LIST_STRING, Ty::STRING], Ty::NULL);
    let mut f = FuncBuild::new("tag", Ty::NULL);
    let (us, i) = (f.param("us", users), f.param("i", Ty::INT));
    let deep = Place {
        root: us,
        path: vec![
            PlaceStep::Index {
                container: users,
                index: Box::new(f.get(i)),
            },
            PlaceStep::Field {
                container: user,
                index: 1,
            },
        ],
        ty: Ty::LIST_STRING,
        span: span(),
    };
    let xs = f.local("xs", Ty::LIST_STRING);
    let on = |place: Place| {
        unit(E::CallMut {
            callee: Callee::Native(push),
            place: Box::new(place),
            args: vec![text("x")],
        })
    };
    let empty = e(E::List(Vec::new()), Ty::LIST_STRING);
    let body = block(vec![on(deep), f.let_(xs, empty), on(f.place(xs))]);
    b.add(f, body);
    let text = b.text();
    assert!(text.contains("call.native.at v0 v1 v2 [].1"), "{text}");
    assert!(text.contains("list.push.w v"), "{text}");
}

#[test]
fn a_mutator_cell_gives_the_new_value_and_its_result() {
    let mut b = Build::new();
    let mut m = FuncBuild::new("take", Ty::INT);
    m.func.mutator = true;
    let xs = m.param("xs", Ty::LIST_INT);
    let at = |f: &FuncBuild, id| {
        e(
            E::Index {
                base: Box::new(f.get(id)),
                index: Box::new(int(0)),
                safe: false,
            },
            Ty::INT,
        )
    };
    let change = unit(E::Assign {
        place: Box::new(Place {
            root: xs,
            path: vec![PlaceStep::Index {
                container: Ty::LIST_INT,
                index: Box::new(int(0)),
            }],
            ty: Ty::INT,
            span: span(),
        }),
        value: Box::new(int(9)),
    });
    let body = block(vec![change, at(&m, xs)]);
    let take = b.add(m, body);
    let mut f = FuncBuild::new("main", Ty::INT);
    let (ys, zs) = (f.local("ys", Ty::LIST_INT), f.local("zs", Ty::LIST_INT));
    let list = e(E::List(vec![Element::One(int(1))]), Ty::LIST_INT);
    let in_place = e(
        E::CallMut {
            callee: Callee::Func(take),
            place: Box::new(f.place(ys)),
            args: Vec::new(),
        },
        Ty::INT,
    );
    let as_function = call(take, vec![f.get(ys)], Ty::LIST_INT);
    let sum = binary(BinOp::Add, in_place, at(&f, zs), Ty::INT);
    let body = block(vec![f.let_(ys, list), f.let_(zs, as_function), sum]);
    b.add(f, body);
    let text = b.text();
    assert!(
        text.contains("(v0 xs: list[Int]) -> (list[Int], Int)"),
        "{text}"
    );
}

#[test]
fn constraints_are_checked_on_a_copy_before_the_change() {
    let mut b = Build::new();
    let user = b.nominal("User", &[("User", &[Ty::INT])], true);
    let mut c = FuncBuild::new("User.check", Ty::NULL);
    c.param("self", user);
    let check = b.add(c, unit(E::Null));
    b.program.types.nominals[0].check = Some(check);
    let mut f = FuncBuild::new("age", Ty::NULL);
    let u = f.local("u", user);
    let made = e(E::Aggregate(vec![int(1)]), user);
    let set = unit(E::Assign {
        place: Box::new(Place {
            root: u,
            path: vec![PlaceStep::Field {
                container: user,
                index: 0,
            }],
            ty: Ty::INT,
            span: span(),
        }),
        value: Box::new(int(2)),
    });
    let body = block(vec![f.let_(u, made), set]);
    b.add(f, body);
    let text = b.text();
    assert_eq!(text.matches("call v").count(), 2, "{text}");
    assert!(text.contains("u = move v"), "{text}");
}

#[test]
fn functions_and_lambdas_are_values() {
    let mut b = Build::new();
    let mut plain = FuncBuild::new("double", Ty::INT);
    let n = plain.param("n", Ty::INT);
    let body = binary(BinOp::Mul, plain.get(n), int(2), Ty::INT);
    let double = b.add(plain, body);
    let mut words = FuncBuild::new("same", Ty::STRING);
    let s = words.param("s", Ty::STRING);
    let body = words.get(s);
    let same = b.add(words, body);
    let mut lambda = FuncBuild::new("main.fn@1", Ty::INT);
    lambda.func.kind = FuncKind::Closure;
    let (k, x) = (lambda.local("k", Ty::INT), lambda.param("x", Ty::INT));
    lambda.func.captures.push(k);
    let body = binary(BinOp::Add, lambda.get(k), lambda.get(x), Ty::INT);
    let lambda = b.add(lambda, body);
    let int_to_int = (b.program.types).intern(TyKind::Func(vec![Ty::INT], Ty::INT));
    let text_to_text = (b.program.types).intern(TyKind::Func(vec![Ty::STRING], Ty::STRING));
    let mut f = FuncBuild::new("main", Ty::INT);
    let (k, g) = (f.local("k", Ty::INT), f.local("g", int_to_int));
    let h = f.local("h", text_to_text);
    let closure = e(
        E::Closure {
            func: lambda,
            captures: vec![k],
        },
        int_to_int,
    );
    let calls = |callee: Expr, arg: Expr, ty| {
        e(
            E::CallValue {
                callee: Box::new(callee),
                args: vec![arg],
            },
            ty,
        )
    };
    let body = block(vec![
        f.let_(k, int(3)),
        f.let_(g, closure),
        f.let_(h, e(E::FuncRef(same), text_to_text)),
        calls(f.get(h), text("a"), Ty::STRING),
        f.set(g, e(E::FuncRef(double), int_to_int)),
        calls(f.get(g), int(4), Ty::INT),
    ]);
    b.add(f, body);
    let text = b.text();
    assert!(text.contains("call.closure"), "{text}");
    assert_eq!(text.matches("fn #4 same").count(), 1, "{text}");
}

#[test]
fn conversions_box_unbox_and_rebuild() {
    let mut b = Build::new();
    let maybe = b.program.types.nullable(Ty::INT);
    let floats = b.program.types.intern(TyKind::Map(Ty::STRING, Ty::FLOAT));
    let mut f = FuncBuild::new("convert", Ty::JSON);
    let xs = f.param("xs", Ty::LIST_INT);
    let m = f.local("m", maybe);
    let map = f.local("map", floats);
    let cast = e(E::Coerce(Coercion::Cast, Box::new(f.get(m))), Ty::INT);
    let present = unit(E::If {
        cond: Box::new(e(
            E::Unary(
                UnOp::Not,
                Box::new(binary(
                    BinOp::Eq,
                    f.get(m),
                    widen(unit(E::Null), maybe),
                    Ty::BOOL,
                )),
            ),
            Ty::BOOL,
        )),
        then: Box::new(f.set(m, widen(cast, maybe))),
        otherwise: None,
    });
    let entries = vec![(text("a"), e(E::Float(1.5), Ty::FLOAT))];
    let index = e(
        E::Index {
            base: Box::new(f.get(xs)),
            index: Box::new(int(7)),
            safe: true,
        },
        maybe,
    );
    let body = block(vec![
        f.let_(m, index),
        f.let_(map, e(E::Map(entries), floats)),
        present,
        widen(f.get(map), Ty::JSON),
        widen(f.get(xs), Ty::JSON),
    ]);
    b.add(f, body);
    let text = b.text();
    assert!(text.contains("is null"), "{text}");
    assert_eq!(text.matches("rt.convert").count(), 1, "{text}");
    assert!(text.contains("unbox.int"), "{text}");
}

#[test]
fn an_assertion_shows_both_sides() {
    let mut b = Build::new();
    let mut f = FuncBuild::new("check", Ty::NULL);
    let (a, s) = (f.param("a", Ty::INT), f.param("s", Ty::STRING));
    let assert = |cond: Expr, message| {
        unit(E::Assert {
            cond: Box::new(cond),
            source: "the condition".to_owned(),
            message,
        })
    };
    let body = block(vec![
        assert(binary(BinOp::Lt, f.get(a), int(3), Ty::BOOL), None),
        assert(
            binary(BinOp::Eq, f.get(s), text("x"), Ty::BOOL),
            Some(Box::new(text("why"))),
        ),
        assert(e(E::Bool(false), Ty::BOOL), None),
    ]);
    b.add(f, body);
    let text = b.text();
    assert_eq!(text.matches("rt.fail").count(), 2, "{text}");
    assert!(text.contains("fail Assertion"), "{text}");
}

#[test]
fn a_text_that_grows_is_appended_to() {
    let mut b = Build::new();
    let mut f = FuncBuild::new("grow", Ty::STRING);
    let (s, xs) = (f.param("s", Ty::STRING), f.param("xs", Ty::LIST_INT));
    let joined = binary(BinOp::Concat, f.get(s), text("x"), Ty::STRING);
    let twice = binary(BinOp::Concat, f.get(s), f.get(s), Ty::STRING);
    let one = e(E::List(vec![Element::One(int(1))]), Ty::LIST_INT);
    let more = binary(BinOp::Concat, f.get(xs), one, Ty::LIST_INT);
    let body = block(vec![
        f.set(s, joined),
        f.set(s, twice),
        f.set(xs, more),
        f.get(s),
    ]);
    b.add(f, body);
    let text = b.text();
    assert_eq!(text.matches("str.append").count(), 1, "{text}");
    assert_eq!(text.matches("str.concat").count(), 1, "{text}");
    assert_eq!(text.matches("list.push").count(), 1, "{text}");
}
