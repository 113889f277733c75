//! Small programs made by hand, and a host to run them with.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::sync::{Arc, Mutex};

use lumen_bytecode::builder::{FunctionBuilder, HandlerLabel, LandingSpec};
use lumen_bytecode::code::Insn;
use lumen_bytecode::module::{
    Constant, FieldDesc, Function, Module, RegState, TypeDesc, TypeIx, well_known::*,
};
use lumen_bytecode::operand::*;
use lumen_runtime::native::{Host, Stream};
use lumen_vm::{End, JitMode, Options, Program};

/// A host that keeps what is printed.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    pub(crate) out: Mutex<String>,
}

impl Host for Sink {
    fn arguments(&self) -> &[String] {
        &[]
    }
    fn write(&self, _: Stream, text: &str) -> Result<(), String> {
        self.out.lock().unwrap().push_str(text);
        Ok(())
    }
    fn read_line(&self) -> Result<Option<String>, String> {
        Ok(None)
    }
    fn read_rest(&self) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }
    fn now_ns(&self) -> i64 {
        0
    }
    fn timestamp_ms(&self) -> i64 {
        0
    }
    fn random(&self) -> u64 {
        0
    }
}

/// The well-known types, and one's own after them.
pub(crate) fn type_table(own: Vec<TypeDesc>) -> Vec<TypeDesc> {
    let mut all = standard_types();
    all.extend(own);
    all
}

pub(crate) fn module(functions: Vec<Function>) -> Module {
    Module {
        types: type_table(Vec::new()),
        functions,
        main: Some(0),
        ..Module::default()
    }
}

pub(crate) fn load(module: Module, options: Options) -> Program {
    Program::load(module, &[], options).expect("loads")
}

/// Runs a module interpreted and in native code; both must end alike.
pub(crate) fn run(module: Module) -> End {
    let modes = [JitMode::Off, JitMode::Auto, JitMode::Always];
    let [interpreted, rest @ ..] = modes.map(|jit| {
        let options = Options {
            jit,
            jit_threshold: 1,
            ..Options::default()
        };
        let ended = load(module.clone(), options).run(Arc::new(Sink::default()));
        assert_eq!(ended.leaked, 0, "{jit:?}: {:?}", ended.end);
        ended.end
    });
    for (native, jit) in rest.into_iter().zip(&modes[1..]) {
        assert_eq!(interpreted, native, "{jit:?}");
    }
    interpreted
}

pub(crate) fn value(text: &str) -> End {
    End::Value(Some(text.to_owned()))
}

/// Kind and message of the failure a module ends with.
pub(crate) fn failure(module: Module) -> (String, String) {
    match run(module) {
        End::Failed(report) => (report.kind, report.message),
        other => panic!("ended with {other:?}"),
    }
}

pub(crate) fn function(
    name: &str,
    params: Vec<TypeIx>,
    result: TypeIx,
    registers: usize,
    build: impl FnOnce(&mut FunctionBuilder),
) -> Function {
    let owned = vec![false; params.len()];
    let mut f = FunctionBuilder::new(name, params, owned, result);
    f.reserve(registers);
    build(&mut f);
    f.finish().expect("finishes")
}

/// A landing that drops these and goes on to the caller.
pub(crate) fn drops(drops: Vec<u16>) -> LandingSpec {
    LandingSpec {
        drops,
        handler: HandlerLabel::None,
        cancel_drops: vec![],
    }
}

/// `cell fib(n) = if n < 2 then n else fib(n - 1) + fib(n - 2)`, called from `main`.
pub(crate) fn fib(n: i32) -> Module {
    let main = function("main", vec![], INT, 3, |f| {
        f.emit(Insn::int_const(Reg(2), Imm32(n)));
        f.emit(Insn::call(Window(1), Func(1)));
        f.emit(Insn::return_(Reg(1)));
    });
    let fib = function("fib", vec![INT], INT, 6, |f| {
        let small = f.new_label();
        f.branch(Insn::jump_int_lt_i(Reg(1), Imm16(2), Label16(0)), small);
        f.emit(Insn::int_add_i(Reg(3), Reg(1), Imm16(-1)));
        f.emit(Insn::call(Window(2), Func(1)));
        f.emit(Insn::int_add_i(Reg(4), Reg(1), Imm16(-2)));
        f.emit(Insn::call(Window(3), Func(1)));
        f.emit(Insn::int_add(Reg(1), Reg(2), Reg(3)));
        f.emit(Insn::return_(Reg(1)));
        f.bind(small, vec![RegState::plain(1, INT)]);
        f.emit(Insn::return_(Reg(1)));
    });
    module(vec![main, fib])
}

/// The loop of `loop_sum.lm`.
pub(crate) fn loop_sum(n: i32) -> Module {
    let main = function("main", vec![], INT, 7, |f| {
        let (sum, i, limit, mask, t) = (Reg(1), Reg(2), Reg(3), Reg(4), Reg(5));
        f.emit(Insn::int_const(sum, Imm32(0)));
        f.emit(Insn::int_const(i, Imm32(0)));
        f.emit(Insn::int_const(limit, Imm32(n)));
        f.emit(Insn::int_const(mask, Imm32(0x3fff_ffff)));
        let top = f.new_label();
        f.bind(top, (1..=4).map(|r| RegState::plain(r, INT)).collect());
        f.emit(Insn::int_xor(t, i, sum));
        f.emit(Insn::int_add(sum, sum, t));
        f.emit(Insn::int_and(sum, sum, mask));
        f.branch(Insn::for_int(i, limit, Label16(0)), top);
        f.emit(Insn::return_(sum));
    });
    module(vec![main])
}

/// A sieve over `list[Bool]` up to `n`; gives the number of primes.
pub(crate) fn sieve(n: i32) -> Module {
    let main = function("main", vec![], INT, 10, |f| {
        let (xs, n_, i, j, one, count, flag) =
            (Reg(1), Reg(2), Reg(3), Reg(4), Reg(5), Reg(6), Reg(7));
        let live = || {
            let mut live = vec![RegState::owned(1, LIST_BOOL)];
            live.extend([2, 3].map(|r| RegState::plain(r, INT)));
            live.extend([RegState::plain(5, BOOL), RegState::plain(6, INT)]);
            live
        };
        f.emit(Insn::list_new(
            xs,
            Window(8),
            Count(0),
            Type(LIST_BOOL as u16),
        ));
        f.emit(Insn::int_const(n_, Imm32(n)));
        f.emit(Insn::int_eq(one, n_, n_));
        f.emit(Insn::int_const(i, Imm32(0)));
        f.emit(Insn::int_const(count, Imm32(0)));
        f.landing(Some(drops(vec![1])));
        let fill = f.new_label();
        f.bind(fill, live());
        f.emit(Insn::list_push_byte(xs, one));
        f.branch(Insn::for_int(i, n_, Label16(0)), fill);
        f.emit(Insn::int_const(i, Imm32(2)));
        let (outer, inner, next) = (f.new_label(), f.new_label(), f.new_label());
        f.bind(outer, live());
        f.emit(Insn::list_get_byte(flag, xs, i));
        f.branch(Insn::jump_if_not(flag, Label32(0)), next);
        f.emit(Insn::int_add_i(count, count, Imm16(1)));
        f.emit(Insn::int_add(j, i, i));
        f.branch(Insn::jump_int_le(n_, j, Label16(0)), next);
        f.emit(Insn::bool_not(flag, one));
        let mut more = live();
        more.extend([RegState::plain(4, INT), RegState::plain(7, BOOL)]);
        more.sort_by_key(|s| s.reg);
        f.bind(inner, more);
        f.emit(Insn::list_set_byte(xs, j, flag));
        f.emit(Insn::int_add(j, j, i));
        f.branch(Insn::loop_int_lt(j, n_, Label16(0)), inner);
        f.bind(next, live());
        f.branch(Insn::for_int(i, n_, Label16(0)), outer);
        f.landing(None);
        f.emit(Insn::drop(xs));
        f.emit(Insn::return_(count));
    });
    module(vec![main])
}

/// `cell fib(n) = if n < 2 then n else await spawn(fib(n - 1)) + fib(n - 2)`.
pub(crate) fn spawning_fib(n: i32) -> Module {
    let closure = LEN + 1;
    let main = function("main", vec![], INT, 3, |f| {
        f.emit(Insn::int_const(Reg(2), Imm32(n)));
        f.emit(Insn::call(Window(1), Func(1)));
        f.emit(Insn::return_(Reg(1)));
    });
    let fib = function("fib", vec![INT], INT, 8, |f| {
        let small = f.new_label();
        f.branch(Insn::jump_int_lt_i(Reg(1), Imm16(2), Label16(0)), small);
        f.emit(Insn::int_add_i(Reg(3), Reg(1), Imm16(-1)));
        f.emit(Insn::new(Reg(2), Window(3), Type(closure as u16)));
        f.emit(Insn::spawn(Reg(2), Reg(2), Count(0)));
        f.landing(Some(drops(vec![2])));
        f.emit(Insn::int_add_i(Reg(4), Reg(1), Imm16(-2)));
        f.emit(Insn::call(Window(3), Func(1)));
        f.emit(Insn::await_(Reg(4), Reg(2)));
        f.landing(None);
        f.emit(Insn::drop(Reg(2)));
        f.emit(Insn::int_add(Reg(1), Reg(3), Reg(4)));
        f.emit(Insn::return_(Reg(1)));
        f.bind(small, vec![RegState::plain(1, INT)]);
        f.emit(Insn::return_(Reg(1)));
    });
    let mut b = FunctionBuilder::new("task", vec![], vec![], INT);
    b.set_closure(closure);
    b.reserve(4);
    b.emit(Insn::field_get(Reg(2), Reg(0), Field(1)));
    b.emit(Insn::call(Window(1), Func(1)));
    b.emit(Insn::return_(Reg(1)));
    let mut module = module(vec![main, fib, b.finish().expect("finishes")]);
    module.types = type_table(vec![
        TypeDesc::Func {
            params: vec![],
            result: INT,
        },
        TypeDesc::Closure {
            func: 2,
            as_func: LEN,
            captures: vec![INT],
        },
        TypeDesc::Future(INT),
    ]);
    module
}

/// `binary_trees.lm` without its loop over depths: `rounds` trees of `depth` made and counted.
pub(crate) fn trees(depth: i32, rounds: i32) -> Module {
    let (tree, leaf, node) = (LEN, LEN + 1, LEN + 2);
    let main = function("main", vec![], INT, 8, |f| {
        let (total, i, n) = (Reg(1), Reg(2), Reg(3));
        f.emit(Insn::int_const(total, Imm32(0)));
        f.emit(Insn::int_const(i, Imm32(0)));
        f.emit(Insn::int_const(n, Imm32(rounds)));
        let top = f.new_label();
        f.bind(top, (1..=3).map(|r| RegState::plain(r, INT)).collect());
        f.emit(Insn::int_const(Reg(5), Imm32(depth)));
        f.emit(Insn::call(Window(4), Func(1)));
        f.emit(Insn::lend(Reg(6), Reg(4)));
        f.landing(Some(drops(vec![4])));
        f.emit(Insn::call(Window(5), Func(2)));
        f.emit(Insn::int_add(total, total, Reg(5)));
        f.landing(None);
        f.emit(Insn::drop(Reg(4)));
        f.branch(Insn::for_int(i, n, Label16(0)), top);
        f.emit(Insn::return_(total));
    });
    let make = function("make", vec![INT], tree, 6, |f| {
        let small = f.new_label();
        f.branch(Insn::jump_int_eq_i(Reg(1), Imm16(0), Label16(0)), small);
        f.emit(Insn::int_add_i(Reg(3), Reg(1), Imm16(-1)));
        f.emit(Insn::call(Window(2), Func(1)));
        f.landing(Some(drops(vec![2])));
        f.emit(Insn::int_add_i(Reg(4), Reg(1), Imm16(-1)));
        f.emit(Insn::call(Window(3), Func(1)));
        f.landing(None);
        f.emit(Insn::new(Reg(1), Window(2), Type(node as u16)));
        f.emit(Insn::widen(Reg(1), Type(tree as u16)));
        f.emit(Insn::return_(Reg(1)));
        f.bind(small, vec![RegState::plain(1, INT)]);
        f.emit(Insn::const_(Reg(2), Const(0)));
        f.emit(Insn::widen(Reg(2), Type(tree as u16)));
        f.emit(Insn::const_(Reg(3), Const(0)));
        f.emit(Insn::widen(Reg(3), Type(tree as u16)));
        f.emit(Insn::new(Reg(1), Window(2), Type(node as u16)));
        f.emit(Insn::widen(Reg(1), Type(tree as u16)));
        f.emit(Insn::return_(Reg(1)));
    });
    let count = function("count", vec![tree], INT, 8, |f| {
        let (none, some) = (f.new_label(), f.new_label());
        let table = f.table(vec![none, some]);
        f.emit(Insn::switch_tag(Reg(1), Type(tree as u16), table));
        f.bind(none, vec![]);
        f.emit(Insn::int_const(Reg(2), Imm32(0)));
        f.emit(Insn::return_(Reg(2)));
        f.bind(some, vec![RegState::borrowed(1, node, None)]);
        f.emit(Insn::field_get_word(Reg(3), Reg(1), Field(0)));
        f.emit(Insn::call(Window(2), Func(2)));
        f.emit(Insn::field_get_word(Reg(4), Reg(1), Field(1)));
        f.emit(Insn::call(Window(3), Func(2)));
        f.emit(Insn::int_add_i(Reg(2), Reg(2), Imm16(1)));
        f.emit(Insn::int_add(Reg(2), Reg(2), Reg(3)));
        f.emit(Insn::return_(Reg(2)));
    });
    let mut module = module(vec![main, make, count]);
    let field = |name: &str| FieldDesc {
        name: name.into(),
        ty: tree,
    };
    module.constants = vec![Constant::Variant(leaf)];
    module.types = type_table(vec![
        TypeDesc::Enum {
            name: "Tree".into(),
            first_variant: leaf,
            variants: 2,
        },
        TypeDesc::Variant {
            of: tree,
            name: "Leaf".into(),
            fields: vec![],
        },
        TypeDesc::Variant {
            of: tree,
            name: "Node".into(),
            fields: vec![field("0"), field("1")],
        },
    ]);
    module
}
