//! The passes, in order.
//!
//! | pass | what it does |
//! | --- | --- |
//! | `closure_slots` | captures are numbered as the object's slots |
//! | `copies` | copies of values that do not change go |
//! | `fold` | constants into instructions, decided branches |
//! | `fuse` | pairs of instructions into one |
//! | `dead` | what nobody reads or reaches goes |
//! | `inline` | small library cells and known lambdas into their callers (the four above again) |
//! | `normalise` | mutators on variables get the form that leaves the variable in place |
//! | `ownership` | counts become explicit |

pub mod copies;
pub mod dead;
pub mod fold;
pub mod fuse;
pub mod inline;
pub mod ownership;

use super::Program;
use super::roles::Signatures;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::Constant;
use ownership::Class;

/// What a program says that reached the unreachable (a fault of the compiler's).
pub const UNREACHABLE: &str = "internal: unreachable code was reached";

/// Runs all passes; gives the classes of all registers for emission.
pub fn run(program: &mut Program) -> Vec<Vec<Class>> {
    let message = Constant::Str(UNREACHABLE.to_string());
    if !program.constants.contains(&message) {
        program.constants.push(message);
    }
    closure_slots(program);
    let sigs = Signatures::of(program);
    for f in 0..program.funcs.len() {
        simplify(program, f, &sigs);
    }
    inline::run(program, &|program, f| simplify(program, f, &sigs));
    normalise(program);
    ownership::run(program)
}

/// The simplifying passes, on one function.
fn simplify(program: &mut Program, f: usize, sigs: &Signatures) {
    let Program {
        funcs,
        types,
        constants,
        ..
    } = program;
    let func = &mut funcs[f];
    dead::run(func, sigs);
    copies::run(func, sigs, types);
    fold::run(func, sigs, constants, types);
    fuse::run(func, sigs);
    dead::run(func, sigs);
}

/// Slot 0 of a closure object is its function: capture n is field n + 1.
fn closure_slots(program: &mut Program) {
    for func in &mut program.funcs {
        let Some((closure, _)) = func.closure else {
            continue;
        };
        for inst in func.blocks.iter_mut().flat_map(|b| &mut b.insts) {
            let loads = matches!(inst.op, Op::FieldGet | Op::FieldGetWord);
            if loads && inst.regs[1] == closure {
                inst.imms[0] += 1;
            }
        }
    }
}

/// `call.native` on an inout first argument becomes `call.native.at` with an empty path: the
/// updated register stays where it is, and only the other arguments go to the window.
fn normalise(program: &mut Program) {
    let mut empty = program.paths.iter().position(Vec::is_empty);
    for func in &mut program.funcs {
        for inst in func.blocks.iter_mut().flat_map(|b| &mut b.insts) {
            let native = inst.imms[0];
            if inst.op == Op::CallNative && program.natives[native as usize].mutator {
                let path = *empty.get_or_insert_with(|| {
                    program.paths.push(Vec::new());
                    program.paths.len() - 1
                });
                inst.op = Op::CallNativeAt;
                inst.imms = [path as u32, native];
            }
        }
    }
}
