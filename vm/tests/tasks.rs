//! Tasks: preemption, cancellation, channels, groups.

mod common;

use common::*;
use lumen_bytecode::builder::{FunctionBuilder, HandlerLabel, LandingSpec};
use lumen_bytecode::code::Insn;
use lumen_bytecode::module::{
    Function, Module, NativeImport, RegState, TypeDesc, TypeIx, well_known::*,
};
use lumen_bytecode::operand::*;
use lumen_vm::{End, Options};
use std::sync::Arc;

const FN: TypeIx = LEN;
const FUTURE: TypeIx = LEN + 1;
const CHANNEL: TypeIx = LEN + 2;
const MAYBE_INT: TypeIx = LEN + 3;
const CLOSURE: TypeIx = LEN + 4;
const GROUP: TypeIx = LEN + 5;

fn import(key: &str, params: Vec<TypeIx>, result: TypeIx) -> NativeImport {
    NativeImport {
        key: key.into(),
        params,
        result,
        mutator: false,
        type_args: vec![],
    }
}

/// A module whose function 1 is the code of the closure type `CLOSURE` with these captures.
fn tasks_module(functions: Vec<Function>, captures: Vec<TypeIx>) -> Module {
    let mut module = module(functions);
    module.types = type_table(vec![
        TypeDesc::Func {
            params: vec![],
            result: INT,
        },
        TypeDesc::Future(INT),
        TypeDesc::Channel(INT),
        TypeDesc::Union(vec![INT, NULL]),
        TypeDesc::Closure {
            func: 1,
            as_func: FN,
            captures,
        },
        TypeDesc::Handle {
            name: "Group".into(),
            args: vec![],
        },
    ]);
    module.natives = vec![
        import("task.sleep(Int) -> Null", vec![INT], NULL),
        import("task.cancel[T](Future[T]) -> Null", vec![FUTURE], NULL),
        import(
            "channel.channel[T](Int?, String) -> Channel[T]",
            vec![MAYBE_INT, STRING],
            CHANNEL,
        ),
        import(
            "channel.send[T](Channel[T], T) -> Bool",
            vec![CHANNEL, INT],
            BOOL,
        ),
        import("channel.receive[T](Channel[T]) -> T", vec![CHANNEL], INT),
        import(
            "rt.group_new(Int, Int, Int, Int, Int, Int) -> Group",
            vec![INT; 6],
            GROUP,
        ),
        import(
            "rt.group_spawn[T](Group, fn() -> T) -> Null",
            vec![GROUP, FN],
            NULL,
        ),
        import("rt.group_join(Group) -> Null", vec![GROUP], NULL),
        import("rt.group_value[T](Group, Int) -> T", vec![GROUP, INT], INT),
    ];
    module.constants = vec![lumen_bytecode::module::Constant::Str("block".into())];
    module
}

fn closure_function(
    result: TypeIx,
    registers: usize,
    build: impl FnOnce(&mut FunctionBuilder),
) -> Function {
    let mut b = FunctionBuilder::new("task", vec![], vec![], result);
    b.set_closure(CLOSURE);
    b.reserve(registers);
    build(&mut b);
    b.finish().expect("finishes")
}

fn native(f: &mut FunctionBuilder, dst: u16, first: u16, number: u16) {
    f.emit(Insn::call_native(Reg(dst), Window(first), Native(number)));
}

fn schedules() -> [Options; 3] {
    let options = |workers, deterministic| Options {
        workers,
        deterministic,
        ..Options::default()
    };
    [options(1, false), options(3, false), options(0, true)]
}

#[test]
fn endless_loops_are_preempted_and_cancelled() {
    let main = function("main", vec![], INT, 10, |f| {
        let (future, r) = (Reg(1), Reg(5));
        f.emit(Insn::new(future, Window(2), Type(CLOSURE as u16)));
        f.emit(Insn::spawn(future, future, Count(0)));
        f.landing(Some(drops(vec![1])));
        f.emit(Insn::int_const(Reg(2), Imm32(5)));
        native(f, 3, 2, 0);
        f.emit(Insn::lend(Reg(2), future));
        native(f, 4, 2, 1);
        f.emit(Insn::await_(r, future));
        f.landing(None);
        f.emit(Insn::drop(future));
        f.emit(Insn::return_(r));
    });
    let task = closure_function(INT, 3, |f| {
        f.emit(Insn::int_const(Reg(1), Imm32(0)));
        let top = f.new_label();
        f.bind(top, vec![RegState::plain(1, INT)]);
        f.emit(Insn::int_wrap_add(Reg(1), Reg(1), Reg(1)));
        f.branch(Insn::loop_(Label32(0)), top);
    });
    let module = tasks_module(vec![main, task], vec![]);
    for workers in [1, 2] {
        fails_with(&module, workers, ("Cancelled", "cancelled"));
    }
}

/// A producer task sends 1..=100 on a channel of 2; main adds up.
#[test]
fn channels_carry_messages_in_order() {
    let main = function("main", vec![], INT, 12, |f| {
        let (ch, future, sum, i, n) = (Reg(1), Reg(2), Reg(3), Reg(4), Reg(5));
        f.emit(Insn::int_const(Reg(6), Imm32(2)));
        f.emit(Insn::box_int(Reg(6), Reg(6)));
        f.emit(Insn::widen(Reg(6), Type(MAYBE_INT as u16)));
        f.emit(Insn::const_(Reg(7), Const(0)));
        f.landing(Some(drops(vec![6, 7])));
        native(f, 1, 6, 2);
        f.landing(None);
        f.emit(Insn::drop(Reg(6)));
        f.emit(Insn::drop(Reg(7)));
        f.emit(Insn::dup(Reg(6), ch));
        f.landing(Some(drops(vec![1])));
        f.emit(Insn::new(Reg(2), Window(6), Type(CLOSURE as u16)));
        f.emit(Insn::spawn(future, Reg(2), Count(0)));
        f.landing(Some(drops(vec![1, 2])));
        f.emit(Insn::int_const(sum, Imm32(0)));
        f.emit(Insn::int_const(i, Imm32(0)));
        f.emit(Insn::int_const(n, Imm32(100)));
        let top = f.new_label();
        let mut live = vec![RegState::owned(1, CHANNEL), RegState::owned(2, FUTURE)];
        live.extend([3, 4, 5].map(|r| RegState::plain(r, INT)));
        f.bind(top, live);
        f.emit(Insn::lend(Reg(6), ch));
        native(f, 7, 6, 4);
        f.emit(Insn::int_mul(sum, sum, i));
        f.emit(Insn::int_mod_i(sum, sum, Imm16(1009)));
        f.emit(Insn::int_add(sum, sum, Reg(7)));
        f.branch(Insn::for_int(i, n, Label16(0)), top);
        f.emit(Insn::await_(Reg(7), future));
        f.landing(None);
        f.emit(Insn::drop(future));
        f.emit(Insn::drop(ch));
        f.emit(Insn::return_(sum));
    });
    let task = closure_function(INT, 10, |f| {
        let (i, n) = (Reg(1), Reg(2));
        f.emit(Insn::int_const(i, Imm32(1)));
        f.emit(Insn::int_const(n, Imm32(101)));
        let top = f.new_label();
        let mut live = vec![RegState::borrowed(0, CLOSURE, None)];
        live.extend([1, 2].map(|r| RegState::plain(r, INT)));
        f.bind(top, live);
        f.emit(Insn::field_get_word(Reg(3), Reg(0), Field(1)));
        f.emit(Insn::move_(Reg(4), i));
        native(f, 5, 3, 3);
        f.emit(Insn::int_add_i(i, Reg(4), Imm16(0)));
        f.branch(Insn::for_int(i, n, Label16(0)), top);
        f.emit(Insn::return_(i));
    });
    let mut expected = 0i64;
    for i in 0..100 {
        expected = expected * i % 1009 + i + 1;
    }
    let module = tasks_module(vec![main, task], vec![CHANNEL]);
    for options in schedules() {
        let ended = load(module.clone(), options).run(Arc::new(Sink::default()));
        assert_eq!(ended.end, value(&expected.to_string()));
        assert_eq!(ended.leaked, 0);
    }
}

/// `await parallel` of three branches that sleep and give their number.
#[test]
fn groups_wait_for_all_branches() {
    let main = function("main", vec![], INT, 12, |f| {
        let group = Reg(1);
        for (i, v) in [0, 0, 1, 0, -1, 0].into_iter().enumerate() {
            f.emit(Insn::int_const(Reg(4 + i as u16), Imm32(v)));
        }
        native(f, 1, 4, 5);
        f.landing(Some(drops(vec![1])));
        for branch in [10, 20, 30] {
            f.emit(Insn::int_const(Reg(5), Imm32(branch)));
            f.emit(Insn::new(Reg(2), Window(5), Type(CLOSURE as u16)));
            f.emit(Insn::widen(Reg(2), Type(FN as u16)));
            f.emit(Insn::lend(Reg(5), group));
            f.emit(Insn::lend(Reg(6), Reg(2)));
            f.landing(Some(drops(vec![1, 2])));
            native(f, 7, 5, 6);
            f.landing(Some(drops(vec![1])));
            f.emit(Insn::drop(Reg(2)));
        }
        f.emit(Insn::lend(Reg(5), group));
        native(f, 7, 5, 7);
        f.emit(Insn::int_const(Reg(3), Imm32(0)));
        for branch in 0..3 {
            f.emit(Insn::lend(Reg(5), group));
            f.emit(Insn::int_const(Reg(6), Imm32(branch)));
            native(f, 7, 5, 8);
            f.emit(Insn::int_mul_i(Reg(3), Reg(3), Imm16(100)));
            f.emit(Insn::int_add(Reg(3), Reg(3), Reg(7)));
        }
        f.landing(None);
        f.emit(Insn::drop(group));
        f.emit(Insn::return_(Reg(3)));
    });
    let task = closure_function(INT, 6, |f| {
        f.emit(Insn::field_get(Reg(1), Reg(0), Field(1)));
        native(f, 2, 1, 0);
        f.emit(Insn::return_(Reg(1)));
    });
    let module = tasks_module(vec![main, task], vec![INT]);
    for options in schedules() {
        let options = Options {
            virtual_clock: Some(true),
            ..options
        };
        let ended = load(module.clone(), options).run(Arc::new(Sink::default()));
        assert_eq!(ended.end, value("102030"));
        assert_eq!((ended.leaked, ended.now_ns), (0, 30_000_000));
    }
}

/// Main receives from a channel that nobody sends to.
#[test]
fn a_deadlock_is_a_failure_with_a_report() {
    let main = function("main", vec![], INT, 8, |f| {
        f.line(0, 4, 1);
        f.emit(Insn::int_const(Reg(2), Imm32(2)));
        f.emit(Insn::box_int(Reg(2), Reg(2)));
        f.emit(Insn::widen(Reg(2), Type(MAYBE_INT as u16)));
        f.emit(Insn::const_(Reg(3), Const(0)));
        f.landing(Some(drops(vec![2, 3])));
        native(f, 1, 2, 2);
        f.landing(None);
        f.emit(Insn::drop(Reg(2)));
        f.emit(Insn::drop(Reg(3)));
        f.landing(Some(LandingSpec {
            drops: vec![1],
            handler: HandlerLabel::None,
            cancel_drops: vec![],
        }));
        f.emit(Insn::lend(Reg(2), Reg(1)));
        native(f, 3, 2, 4);
        f.landing(None);
        f.emit(Insn::drop(Reg(1)));
        f.emit(Insn::return_(Reg(3)));
    });
    let task = closure_function(INT, 2, |f| {
        f.emit(Insn::int_const(Reg(1), Imm32(0)));
        f.emit(Insn::return_(Reg(1)));
    });
    let mut module = tasks_module(vec![main, task], vec![]);
    module.files = vec!["d.lm".into()];
    for options in schedules() {
        let sink = Arc::new(Sink::default());
        let ended = load(module.clone(), options).run(sink.clone());
        let End::Failed(report) = &ended.end else {
            panic!("ended with {:?}", ended.end)
        };
        assert_eq!(report.kind, "Deadlock");
        assert!(ended.deadlocked);
        let out = sink.out.lock().unwrap();
        assert!(
            out.contains("fiber main blocked on receive from channel"),
            "{out}"
        );
        assert!(out.contains("at main (d.lm:4:1)"), "{out}");
    }
}

/// On so many workers the module ends with a failure of this kind and message, and leaves nothing.
fn fails_with(module: &Module, workers: usize, failure: (&str, &str)) {
    let options = Options {
        workers,
        ..Options::default()
    };
    let ended = load(module.clone(), options).run(Arc::new(Sink::default()));
    let End::Failed(report) = &ended.end else {
        panic!("ended with {:?}", ended.end)
    };
    assert_eq!((&*report.kind, &*report.message), failure);
    assert_eq!(ended.leaked, 0);
}

/// The compiler never hands a select to another fiber, but bytecode could: it gets a failure, while
/// the owner goes on.
#[test]
fn a_select_stays_with_its_fiber() {
    const SELECT: TypeIx = LEN + 6;
    // Adds an arm so many times that both fibers are at it at once.
    let add_arms = |f: &mut FunctionBuilder, select: RegState, load: Insn, live: Vec<RegState>| {
        let (i, n) = (Reg(3), Reg(4));
        f.emit(Insn::int_const(i, Imm32(0)));
        f.emit(Insn::int_const(n, Imm32(2000)));
        let top = f.new_label();
        let mut all = vec![select];
        all.extend(live);
        all.extend([3, 4].map(|r| RegState::plain(r, INT)));
        f.bind(top, all);
        f.emit(load);
        f.emit(Insn::int_const(Reg(6), Imm32(1)));
        native(f, 7, 5, 10);
        f.branch(Insn::for_int(i, n, Label16(0)), top);
    };
    let main = function("main", vec![], INT, 10, |f| {
        let (select, future) = (Reg(1), Reg(2));
        f.emit(Insn::int_const(Reg(7), Imm32(0)));
        f.emit(Insn::int_lt(Reg(5), Reg(7), Reg(7)));
        f.emit(Insn::int_lt(Reg(6), Reg(7), Reg(7)));
        native(f, 1, 5, 9);
        f.emit(Insn::dup(Reg(5), select));
        f.landing(Some(drops(vec![1])));
        f.emit(Insn::new(future, Window(5), Type(CLOSURE as u16)));
        f.emit(Insn::spawn(future, future, Count(0)));
        f.landing(Some(drops(vec![1, 2])));
        let future_state = vec![RegState::owned(2, FUTURE)];
        let state = RegState::owned(1, SELECT);
        add_arms(f, state, Insn::lend(Reg(5), select), future_state);
        f.emit(Insn::await_(Reg(5), future));
        f.landing(None);
        f.emit(Insn::drop(future));
        f.emit(Insn::drop(select));
        f.emit(Insn::return_(Reg(5)));
    });
    let task = closure_function(INT, 10, |f| {
        let state = RegState::borrowed(0, CLOSURE, None);
        let load = Insn::field_get_word(Reg(5), Reg(0), Field(1));
        add_arms(f, state, load, vec![]);
        f.emit(Insn::return_(Reg(3)));
    });
    let mut module = tasks_module(vec![main, task], vec![SELECT]);
    module.types.push(TypeDesc::Handle {
        name: "Select".into(),
        args: vec![],
    });
    module.natives.extend([
        import("rt.select_new(Bool, Bool) -> Select", vec![BOOL; 2], SELECT),
        import(
            "rt.select_sleep(Select, Int) -> Null",
            vec![SELECT, INT],
            NULL,
        ),
    ]);
    for workers in [1, 4, 4, 4] {
        fails_with(&module, workers, ("Cast", "a select of another fiber"));
    }
}
