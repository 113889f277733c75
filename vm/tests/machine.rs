//! The machine on programs made by hand.

mod common;

use common::*;
use lumen_bytecode::builder::{FunctionBuilder, HandlerLabel, LandingSpec};
use lumen_bytecode::code::Insn;
use lumen_bytecode::module::{Constant, FailureKind, RegState, TypeDesc, well_known::*};
use lumen_bytecode::operand::*;
use lumen_vm::{End, Options};
use std::sync::Arc;

#[test]
fn fib_gives_fibonacci_numbers() {
    assert_eq!(run(fib(20)), value("6765"));
}

#[test]
fn loops_count() {
    let mut sum = 0i64;
    for i in 0..1000 {
        sum = (sum + (i ^ sum)) & 0x3fff_ffff;
    }
    assert_eq!(run(loop_sum(1000)), value(&sum.to_string()));
}

#[test]
fn trees_are_counted_and_freed() {
    assert_eq!(run(trees(6, 3)), value("381"));
}

#[test]
fn sieve_counts_primes() {
    assert_eq!(run(sieve(1000)), value("168"));
}

#[test]
fn overflow_names_its_place() {
    let main = function("main", vec![], INT, 4, |f| {
        f.line(0, 3, 7);
        f.emit(Insn::int_const(Reg(2), Imm32(2)));
        f.emit(Insn::call(Window(1), Func(1)));
        f.emit(Insn::return_(Reg(1)));
    });
    let grow = function("grow", vec![INT], INT, 3, |f| {
        let top = f.new_label();
        f.bind(top, vec![RegState::plain(1, INT)]);
        f.line(0, 9, 5);
        f.emit(Insn::int_mul(Reg(1), Reg(1), Reg(1)));
        f.branch(Insn::loop_(Label32(0)), top);
    });
    let mut module = module(vec![main, grow]);
    module.files = vec!["a.lm".into()];
    module.sources = vec!["1\n2\n3\n4\n5\n6\n7\n8\n    n * n\n".into()];
    let End::Failed(report) = run(module) else {
        panic!("must fail")
    };
    assert_eq!(report.message, "integer overflow");
    assert_eq!(report.location, "a.lm:9:5");
    assert_eq!(report.trace, ["grow (a.lm:9:5)", "main (a.lm:3:7)"]);
    let text = report.render();
    assert!(text.contains(" 9 |     n * n\n   |     ^\n"), "{text}");
}

#[test]
fn deep_recursion_is_fine_and_endless_recursion_a_failure() {
    let module = |limit: i32| {
        let main = function("main", vec![], INT, 4, |f| {
            f.emit(Insn::int_const(Reg(2), Imm32(limit)));
            f.emit(Insn::call(Window(1), Func(1)));
            f.emit(Insn::return_(Reg(1)));
        });
        let down = function("down", vec![INT], INT, 5, |f| {
            let end = f.new_label();
            f.branch(Insn::jump_int_eq_i(Reg(1), Imm16(0), Label16(0)), end);
            f.emit(Insn::int_add_i(Reg(3), Reg(1), Imm16(-1)));
            f.emit(Insn::call(Window(2), Func(1)));
            f.emit(Insn::return_(Reg(2)));
            f.bind(end, vec![RegState::plain(1, INT)]);
            f.emit(Insn::return_(Reg(1)));
        });
        common::module(vec![main, down])
    };
    assert_eq!(run(module(1_000_000)), value("0"));
    let End::Failed(report) = run(module(-1)) else {
        panic!("must fail")
    };
    assert_eq!(
        (report.kind.as_str(), report.message.as_str()),
        ("Stack", "stack overflow")
    );
    assert!(report.trace.len() < 100);
    let small = Options {
        max_stack: 1 << 16,
        ..Options::default()
    };
    let ended = load(module(100_000), small).run(Arc::new(Sink::default()));
    assert!(matches!(ended.end, End::Failed(_)));
}

/// Pushes past the end, catches the failure, gives its message.
#[test]
fn failures_are_caught_and_owned_registers_dropped() {
    let main = function("main", vec![], STRING, 8, |f| {
        let (xs, s, v, error) = (Reg(1), Reg(2), Reg(3), Reg(4));
        let handler = f.new_label();
        f.emit(Insn::list_new(
            xs,
            Window(6),
            Count(0),
            Type(LIST_INT as u16),
        ));
        f.emit(Insn::const_(s, Const(0)));
        f.emit(Insn::int_const(v, Imm32(7)));
        f.landing(Some(LandingSpec {
            drops: vec![1],
            handler: HandlerLabel::Catch {
                label: handler,
                cancel: None,
            },
            cancel_drops: vec![1, 2],
        }));
        f.emit(Insn::list_get(v, xs, v));
        f.landing(None);
        f.emit(Insn::drop(xs));
        f.emit(Insn::return_(s));
        f.bind(handler, vec![RegState::owned(2, STRING)]);
        f.emit(Insn::landing(error));
        f.emit(Insn::drop(s));
        f.landing(Some(drops(vec![4])));
        f.emit(Insn::to_str(s, error, Type(ERROR as u16)));
        f.landing(None);
        f.emit(Insn::drop(error));
        f.emit(Insn::return_(s));
    });
    let mut module = module(vec![main]);
    module.constants = vec![Constant::Str("none".into())];
    assert_eq!(run(module), value("index 7 is out of range (length 0)"));
}

#[test]
fn failures_run_cleanups_on_the_way() {
    let main = function("main", vec![], INT, 4, |f| {
        f.emit(Insn::call(Window(1), Func(1)));
        f.emit(Insn::return_(Reg(1)));
    });
    let body = function("body", vec![], INT, 5, |f| {
        let cleanup = f.new_label();
        f.landing(Some(LandingSpec {
            drops: vec![],
            handler: HandlerLabel::Cleanup(cleanup),
            cancel_drops: vec![],
        }));
        f.emit(Insn::fail(Kind(FailureKind::Assertion as u16), Const(0)));
        f.landing(None);
        f.bind(cleanup, vec![]);
        f.emit(Insn::landing(Reg(1)));
        f.emit(Insn::mask());
        f.emit(Insn::unmask());
        f.emit(Insn::rethrow(Reg(1)));
    });
    let mut module = module(vec![main, body]);
    module.constants = vec![Constant::Str("no good".into())];
    assert_eq!(failure(module), ("Assertion".into(), "no good".into()));
}

/// `let k = 40; (fn(x: Int) => x + k)(2)`
#[test]
fn closures_see_what_they_captured() {
    let func = LEN;
    let closure = LEN + 1;
    let main = function("main", vec![], INT, 6, |f| {
        f.emit(Insn::int_const(Reg(4), Imm32(40)));
        f.emit(Insn::new(Reg(1), Window(4), Type(closure as u16)));
        f.emit(Insn::lend(Reg(2), Reg(1)));
        f.emit(Insn::int_const(Reg(3), Imm32(2)));
        f.landing(Some(drops(vec![1])));
        f.emit(Insn::call_closure(Window(2), Count(1)));
        f.landing(None);
        f.emit(Insn::drop(Reg(1)));
        f.emit(Insn::return_(Reg(2)));
    });
    let mut b = FunctionBuilder::new("lambda", vec![INT], vec![false], INT);
    b.set_closure(closure);
    b.reserve(4);
    b.emit(Insn::field_get(Reg(2), Reg(0), Field(1)));
    b.emit(Insn::int_add(Reg(2), Reg(1), Reg(2)));
    b.emit(Insn::return_(Reg(2)));
    let mut module = module(vec![main, b.finish().expect("finishes")]);
    module.types = type_table(vec![
        TypeDesc::Func {
            params: vec![INT],
            result: INT,
        },
        TypeDesc::Closure {
            func: 1,
            as_func: func,
            captures: vec![INT],
        },
    ]);
    assert_eq!(run(module), value("42"));
}

/// Enums as words, a jump table, unions tested as a set of types.
#[test]
fn switches_and_type_tests() {
    let (shape, dot, bar) = (LEN, LEN + 1, LEN + 2);
    let main = function("main", vec![], INT, 8, |f| {
        f.emit(Insn::int_const(Reg(3), Imm32(5)));
        f.emit(Insn::new(Reg(1), Window(3), Type(bar as u16)));
        let (a, b, end) = (f.new_label(), f.new_label(), f.new_label());
        let live = |ty| vec![RegState::owned(1, ty)];
        let table = f.table(vec![a, b]);
        f.emit(Insn::switch_tag(Reg(1), Type(shape as u16), table));
        f.bind(a, live(dot));
        f.emit(Insn::int_const(Reg(2), Imm32(1)));
        f.branch(Insn::jump(Label32(0)), end);
        f.bind(b, live(bar));
        f.emit(Insn::field_get(Reg(2), Reg(1), Field(0)));
        f.branch(Insn::jump(Label32(0)), end);
        f.bind(
            end,
            vec![RegState::owned(1, shape), RegState::plain(2, INT)],
        );
        f.emit(Insn::is_type(Reg(4), Reg(1), Type(shape as u16)));
        f.emit(Insn::is_type(Reg(5), Reg(1), Type(dot as u16)));
        f.emit(Insn::drop(Reg(1)));
        f.emit(Insn::int_add(Reg(2), Reg(2), Reg(4)));
        f.emit(Insn::int_add(Reg(2), Reg(2), Reg(5)));
        f.emit(Insn::return_(Reg(2)));
    });
    let mut module = module(vec![main]);
    let field = |ty| lumen_bytecode::module::FieldDesc {
        name: "0".into(),
        ty,
    };
    module.types = type_table(vec![
        TypeDesc::Enum {
            name: "Shape".into(),
            first_variant: dot,
            variants: 2,
        },
        TypeDesc::Variant {
            of: shape,
            name: "Dot".into(),
            fields: vec![],
        },
        TypeDesc::Variant {
            of: shape,
            name: "Bar".into(),
            fields: vec![field(INT)],
        },
    ]);
    assert_eq!(run(module), value("6"));
}

/// Options for each way to schedule.
fn schedules() -> [Options; 3] {
    let workers = |n| Options {
        workers: n,
        ..Options::default()
    };
    let deterministic = Options {
        deterministic: true,
        ..Options::default()
    };
    [workers(1), workers(3), deterministic]
}

#[test]
fn tasks_give_their_results() {
    for options in schedules() {
        let program = load(spawning_fib(15), options);
        let ended = program.run(Arc::new(Sink::default()));
        assert_eq!(ended.end, value("610"));
        assert_eq!(ended.leaked, 0);
    }
}

/// A task that fails, awaited or not; `main` gives 7 unless it awaits.
fn failing_task(awaited: bool) -> lumen_bytecode::Module {
    let closure = LEN + 1;
    let main = function("main", vec![], INT, 4, |f| {
        f.line(0, 1, 1);
        f.emit(Insn::new(Reg(1), Window(2), Type(closure as u16)));
        f.emit(Insn::spawn(Reg(1), Reg(1), Count(0)));
        f.landing(Some(LandingSpec {
            drops: vec![1],
            handler: HandlerLabel::None,
            cancel_drops: vec![],
        }));
        if awaited {
            f.emit(Insn::await_(Reg(2), Reg(1)));
        }
        f.landing(None);
        f.emit(Insn::int_const(Reg(2), Imm32(7)));
        f.emit(Insn::drop(Reg(1)));
        f.emit(Insn::return_(Reg(2)));
    });
    let task = function("task", vec![], INT, 3, |f| {
        f.line(0, 2, 2);
        f.emit(Insn::int_const(Reg(1), Imm32(1)));
        f.emit(Insn::int_const(Reg(2), Imm32(0)));
        f.emit(Insn::int_div(Reg(1), Reg(1), Reg(2)));
        f.emit(Insn::return_(Reg(1)));
    });
    let mut module = module(vec![main, task]);
    module.files = vec!["t.lm".into()];
    module.types = type_table(vec![
        TypeDesc::Func {
            params: vec![],
            result: INT,
        },
        TypeDesc::Closure {
            func: 1,
            as_func: LEN,
            captures: vec![],
        },
        TypeDesc::Future(INT),
    ]);
    module
}

#[test]
fn failures_of_tasks_are_raised_by_await_or_reported() {
    for options in schedules() {
        let ended = load(failing_task(true), options.clone()).run(Arc::new(Sink::default()));
        let End::Failed(report) = &ended.end else {
            panic!("must fail")
        };
        assert_eq!(report.message, "division by zero");
        assert_eq!(
            report.trace,
            ["task (t.lm:2:2)", "awaited", "main (t.lm:1:1)"]
        );
        assert_eq!((ended.leaked, ended.detached_failures), (0, 0));

        let sink = Arc::new(Sink::default());
        let ended = load(failing_task(false), options).run(sink.clone());
        assert_eq!(ended.end, value("7"));
        assert_eq!((ended.leaked, ended.detached_failures), (0, 1));
        assert_eq!(ended.exit_code(), 1);
        let out = sink.out.lock().unwrap();
        assert!(out.contains("error: division by zero"), "{out}");
        assert!(out.contains("spawned at main (t.lm:1:1)"), "{out}");
    }
}

#[test]
fn programs_of_all_kinds_end_and_leave_nothing() {
    let programs = [
        fib(15),
        loop_sum(10_000),
        sieve(1000),
        spawning_fib(10),
        trees(6, 3),
    ];
    for module in programs {
        let ended = load(module, Options::default()).run(Arc::new(Sink::default()));
        assert!(matches!(ended.end, End::Value(_)), "{:?}", ended.end);
        assert_eq!((ended.leaked, ended.detached_failures), (0, 0));
    }
}
