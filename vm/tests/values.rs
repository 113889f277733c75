//! Containers, places, natives, globals: what values do.

mod common;

use common::*;
use lumen_bytecode::code::Insn;
use lumen_bytecode::module::{
    Constant, GlobalDesc, Module, NativeImport, PathStep, TypeDesc, TypeIx, well_known::*,
};
use lumen_bytecode::operand::*;
use lumen_runtime::heap::{list, word::NULL};
use lumen_runtime::native::{Native, NativeStop};
use lumen_vm::{End, Options, Program};
use std::sync::Arc;

const GRID: TypeIx = LEN;
const COUNTS: TypeIx = LEN + 1;
const ROW: TypeIx = LEN + 2;

fn own_types() -> Vec<TypeDesc> {
    type_table(vec![
        TypeDesc::List(LIST_INT),
        TypeDesc::Map(STRING, INT),
        TypeDesc::Tuple(vec![GRID, INT]),
    ])
}

/// `[[1, 2], [3]]` into `R[dst]`, with registers from `dst + 1` as scratch.
fn grid(f: &mut lumen_bytecode::builder::FunctionBuilder, dst: u16) {
    let r = |i| Reg(dst + i);
    f.emit(Insn::int_const(r(3), Imm32(1)));
    f.emit(Insn::int_const(r(4), Imm32(2)));
    f.emit(Insn::list_new(
        r(1),
        Window(dst + 3),
        Count(2),
        Type(LIST_INT as u16),
    ));
    f.landing(Some(drops(vec![dst + 1])));
    f.emit(Insn::int_const(r(3), Imm32(3)));
    f.emit(Insn::list_new(
        r(2),
        Window(dst + 3),
        Count(1),
        Type(LIST_INT as u16),
    ));
    f.landing(None);
    f.emit(Insn::list_new(
        r(0),
        Window(dst + 1),
        Count(2),
        Type(GRID as u16),
    ));
}

#[test]
fn places_copy_what_is_shared() {
    let main = function("main", vec![], STRING, 24, |f| {
        let (a, b, t) = (Reg(1), Reg(2), Reg(3));
        grid(f, 10);
        // t = (grid, 5); a = t; a[0][1][0] = 9
        f.emit(Insn::int_const(Reg(11), Imm32(5)));
        f.emit(Insn::new(t, Window(10), Type(ROW as u16)));
        f.emit(Insn::dup(a, t));
        f.landing(Some(drops(vec![1, 3])));
        f.emit(Insn::int_const(Reg(10), Imm32(1)));
        f.emit(Insn::int_const(Reg(11), Imm32(-1)));
        f.emit(Insn::int_const(Reg(12), Imm32(9)));
        f.emit(Insn::place_set(a, Window(10), Path(0), Reg(12)));
        f.emit(Insn::to_str(Reg(10), a, Type(ROW as u16)));
        f.landing(Some(drops(vec![1, 3, 10])));
        f.emit(Insn::to_str(Reg(11), t, Type(ROW as u16)));
        f.landing(Some(drops(vec![1, 3, 10, 11])));
        f.emit(Insn::str_concat(b, Window(10), Count(2)));
        f.landing(None);
        for r in [10, 11, 1, 3] {
            f.emit(Insn::drop(Reg(r)));
        }
        f.emit(Insn::return_(b));
    });
    let mut module = module(vec![main]);
    module.types = own_types();
    module.paths = vec![vec![
        PathStep::Field {
            container: ROW,
            field: 0,
        },
        PathStep::Index { container: GRID },
        PathStep::Index {
            container: LIST_INT,
        },
    ]];
    assert_eq!(run(module), value("([[1, 2], [9]], 5)([[1, 2], [3]], 5)"));
}

#[test]
fn places_out_of_range_fail_and_change_nothing() {
    let main = function("main", vec![], INT, 24, |f| {
        grid(f, 10);
        f.emit(Insn::int_const(Reg(11), Imm32(1)));
        f.emit(Insn::int_const(Reg(12), Imm32(1)));
        f.landing(Some(lumen_bytecode::builder::LandingSpec {
            drops: vec![10],
            handler: lumen_bytecode::builder::HandlerLabel::None,
            cancel_drops: vec![],
        }));
        f.emit(Insn::place_set(Reg(10), Window(11), Path(0), Reg(12)));
        f.landing(None);
        f.emit(Insn::drop(Reg(10)));
        f.emit(Insn::return_(Reg(12)));
    });
    let mut module = module(vec![main]);
    module.types = own_types();
    module.paths = vec![vec![
        PathStep::Index { container: GRID },
        PathStep::Index {
            container: LIST_INT,
        },
    ]];
    let expected = ("Index".into(), "index 1 is out of range (length 1)".into());
    assert_eq!(failure(module), expected);
}

fn counts_module(key: &str) -> Module {
    let main = function("main", vec![], INT, 8, |f| {
        let (m, k, v, n) = (Reg(1), Reg(2), Reg(3), Reg(4));
        f.emit(Insn::call_native(m, Window(5), Native_(0)));
        f.landing(Some(drops(vec![1])));
        f.emit(Insn::const_(k, Const(0)));
        f.landing(Some(drops(vec![1, 2])));
        f.emit(Insn::int_const(v, Imm32(4)));
        f.emit(Insn::map_set(m, k, v));
        f.emit(Insn::map_get_or(n, m, k, v));
        f.emit(Insn::int_add(n, n, v));
        f.emit(Insn::map_set(m, k, n));
        f.emit(Insn::drop(k));
        f.emit(Insn::const_(Reg(5), Const(1)));
        f.landing(Some(lumen_bytecode::builder::LandingSpec {
            drops: vec![1, 5],
            handler: lumen_bytecode::builder::HandlerLabel::None,
            cancel_drops: vec![],
        }));
        f.emit(Insn::map_get(n, m, Reg(5)));
        f.landing(None);
        f.emit(Insn::drop(Reg(5)));
        f.emit(Insn::drop(m));
        f.emit(Insn::return_(n));
    });
    let mut module = module(vec![main]);
    module.types = own_types();
    module.constants = vec![Constant::Str("a".into()), Constant::Str(key.into())];
    module.natives = vec![NativeImport {
        key: "rt.map_new[K, V]() -> map[K, V]".into(),
        params: vec![],
        result: COUNTS,
        mutator: false,
        type_args: vec![STRING, INT],
    }];
    module
}

use lumen_bytecode::operand::Native as Native_;

#[test]
fn maps_count_and_miss() {
    assert_eq!(run(counts_module("a")), value("8"));
    let expected = ("Key".into(), "key \"x\" not found".into());
    assert_eq!(failure(counts_module("x")), expected);
}

const TEST_NATIVES: &[Native] = &[
    Native {
        key: "t.push(mut list[Int], Int) -> Null",
        func: |cx, args| {
            let value = args[1];
            // SAFETY: a list of Ints, owned by its register.
            unsafe { list::push(cx.heap, &mut args[0], value)? };
            Ok(NULL)
        },
    },
    Native {
        key: "t.exit() -> Null",
        func: |_, _| Err(NativeStop::Exit(3)),
    },
    Native {
        key: "t.panic() -> Null",
        func: |_, _| panic!("oh no"),
    },
];

fn import(key: &str, params: Vec<TypeIx>) -> NativeImport {
    let mutator = key.contains("mut ");
    NativeImport {
        key: key.into(),
        params,
        result: NULL_TYPE,
        mutator,
        type_args: vec![],
    }
}

const NULL_TYPE: TypeIx = lumen_bytecode::module::well_known::NULL;

fn run_with(module: Module) -> End {
    let program = Program::load(module, &[TEST_NATIVES], Options::default()).expect("loads");
    let ended = program.run(Arc::new(Sink::default()));
    assert_eq!(ended.leaked, 0, "{:?}", ended.end);
    ended.end
}

#[test]
fn mutators_work_on_places() {
    let main = function("main", vec![], STRING, 24, |f| {
        let (copy, s) = (Reg(1), Reg(2));
        grid(f, 10);
        f.emit(Insn::dup(copy, Reg(10)));
        f.landing(Some(drops(vec![1, 10])));
        f.emit(Insn::int_const(Reg(11), Imm32(0)));
        f.emit(Insn::int_const(Reg(12), Imm32(7)));
        f.emit(Insn::call_native_at(
            Reg(13),
            Reg(10),
            Window(11),
            Path(0),
            Native_(0),
        ));
        f.emit(Insn::to_str(Reg(11), Reg(10), Type(GRID as u16)));
        f.landing(Some(drops(vec![1, 10, 11])));
        f.emit(Insn::to_str(Reg(12), copy, Type(GRID as u16)));
        f.landing(Some(drops(vec![1, 10, 11, 12])));
        f.emit(Insn::str_concat(s, Window(11), Count(2)));
        f.landing(None);
        for r in [10, 11, 12, 1] {
            f.emit(Insn::drop(Reg(r)));
        }
        f.emit(Insn::return_(s));
    });
    let mut module = module(vec![main]);
    module.types = own_types();
    module.paths = vec![vec![PathStep::Index { container: GRID }]];
    module.natives = vec![import(
        "t.push(mut list[Int], Int) -> Null",
        vec![LIST_INT, INT],
    )];
    assert_eq!(run_with(module), value("[[1, 2, 7], [3]][[1, 2], [3]]"));
}

#[test]
fn natives_may_end_the_program_or_panic() {
    let call = |key: &str| {
        let main = function("main", vec![], NULL_TYPE, 4, |f| {
            f.emit(Insn::call_native(Reg(1), Window(2), Native_(0)));
            f.emit(Insn::return_null());
        });
        let mut module = module(vec![main]);
        module.natives = vec![import(key, vec![])];
        run_with(module)
    };
    assert_eq!(call("t.exit() -> Null"), End::Exit(3));
    let End::Failed(report) = call("t.panic() -> Null") else {
        panic!("must fail")
    };
    assert_eq!(
        (&*report.kind, &*report.message),
        ("Panic", "internal error: oh no")
    );
}

#[test]
fn a_missing_native_is_a_load_error() {
    let mut module = module(vec![function("main", vec![], NULL_TYPE, 2, |f| {
        f.emit(Insn::return_null());
    })]);
    module.natives = vec![import(
        "t.push(mut list[Float], Float) -> Null",
        vec![LIST_FLOAT, FLOAT],
    )];
    let error = Program::load(module, &[TEST_NATIVES], Options::default()).unwrap_err();
    let expected = "native `t.push(mut list[Float], Float) -> Null` is not provided; \
                    there is `t.push(mut list[Int], Int) -> Null`";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn globals_are_initialised_in_order() {
    let main = function("main", vec![], STRING, 3, |f| {
        f.emit(Insn::global_get(Reg(1), Global(1)));
        f.emit(Insn::dup(Reg(2), Reg(1)));
        f.emit(Insn::return_(Reg(2)));
    });
    let n = function("n", vec![], INT, 2, |f| {
        f.emit(Insn::int_const(Reg(1), Imm32(42)));
        f.emit(Insn::return_(Reg(1)));
    });
    let s = function("s", vec![], STRING, 3, |f| {
        f.emit(Insn::global_get(Reg(1), Global(0)));
        f.emit(Insn::to_str(Reg(2), Reg(1), Type(INT as u16)));
        f.emit(Insn::return_(Reg(2)));
    });
    let mut module = module(vec![main, n, s]);
    let global = |name: &str, ty, init| GlobalDesc {
        name: name.into(),
        ty,
        init,
    };
    module.globals = vec![global("n", INT, Some(1)), global("s", STRING, Some(2))];
    assert_eq!(run(module), value("42"));
}
