//! Natives in both tiers: what native code does in place of a call is what the native does.

mod common;

use std::sync::Arc;

use common::*;
use lumen_bytecode::code::Insn;
use lumen_bytecode::module::well_known::*;
use lumen_bytecode::module::{Constant, Module, NativeImport, TypeIx};
use lumen_bytecode::operand::*;
use lumen_runtime::native::Native;
use lumen_vm::{End, JitMode, Options, Program};

/// A program that gives the native's result.
fn calling(key: &str, types: &[TypeIx], result: TypeIx, args: &[Constant]) -> Module {
    let main = function("main", vec![], result, 8, |f| {
        for (i, _) in args.iter().enumerate() {
            f.emit(Insn::const_(Reg(i as u16 + 1), Const(i as u32)));
        }
        f.emit(Insn::call_native(
            Reg(1),
            Window(1),
            lumen_bytecode::operand::Native(0),
        ));
        f.emit(Insn::return_(Reg(1)));
    });
    Module {
        constants: args.to_vec(),
        natives: vec![NativeImport {
            key: key.into(),
            params: types.to_vec(),
            result,
            mutator: false,
            type_args: vec![],
        }],
        ..module(vec![main])
    }
}

/// Types by the names in a key.
fn types(names: &str) -> Option<Vec<TypeIx>> {
    let all = names.split(", ").map(|name| match name {
        "Int" => Some(INT),
        "Float" => Some(FLOAT),
        "Bool" => Some(BOOL),
        _ => None,
    });
    all.collect()
}

fn values(ty: TypeIx) -> Vec<Constant> {
    let ints = [0, 1, -1, 3, -7, 1 << 40, i64::MAX, i64::MIN];
    let floats = [
        0.0,
        -0.0,
        0.3,
        -1.5,
        2.5,
        1e19,
        -1e300,
        f64::INFINITY,
        f64::NAN,
    ];
    match ty {
        FLOAT => floats.map(|x| Constant::Float(f64::to_bits(x))).to_vec(),
        _ => ints.map(Constant::Int).to_vec(),
    }
}

#[test]
fn functions_of_numbers_agree_bit_for_bit() {
    let mut tried = 0;
    for native in lumen_stdlib::natives().filter(|n| n.key.starts_with("math.")) {
        let signature = native
            .key
            .split_once('(')
            .and_then(|k| k.1.split_once(") -> "));
        let found = signature.and_then(|(params, result)| Some((types(params)?, types(result)?)));
        let Some((params, result)) = found else {
            continue;
        };
        if params.contains(&BOOL) || params.len() > 2 {
            continue;
        }
        for a in values(params[0]) {
            let second = params
                .get(1)
                .map_or(vec![None], |ty| values(*ty).into_iter().map(Some).collect());
            for b in second {
                let args: Vec<Constant> = [Some(a.clone()), b].into_iter().flatten().collect();
                // Runs it in all modes, and compares.
                run(calling(native.key, &params, result[0], &args));
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

#[test]
fn natives_in_the_place_of_the_librarys_are_called() {
    let own = [
        Native {
            key: "math.abs(Int) -> Int",
            func: |_, _| Ok(77),
        },
        Native {
            key: "math.sin(Float) -> Float",
            func: |_, _| Ok(2.5_f64.to_bits()),
        },
        Native {
            key: "task.sleep(Int) -> Null",
            func: |_, args| Ok(args[0] + 1),
        },
    ];
    let cases = [
        (0, INT, INT, Constant::Int(-3), "77"),
        (1, FLOAT, FLOAT, Constant::Float(1.0_f64.to_bits()), "2.5"),
        // What it gives is not Null, so that it can be told from the library's.
        (2, INT, INT, Constant::Int(5), "6"),
    ];
    for (n, param, result, arg, expected) in cases {
        for jit in [JitMode::Off, JitMode::Always] {
            let module = calling(own[n].key, &[param], result, std::slice::from_ref(&arg));
            let options = Options {
                jit,
                ..Options::default()
            };
            let program = Program::load(module, &[&own], options).expect("loads");
            let ended = program.run(Arc::new(Sink::default()));
            assert_eq!(ended.end, End::Value(Some(expected.into())), "{jit:?}");
        }
    }
}
