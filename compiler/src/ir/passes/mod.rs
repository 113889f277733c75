//! The passes, in order.
//!
//! | pass | what it does |
//! | --- | --- |
//! | `normalise` | mutators on variables get the form that leaves the variable in place |
//! | `ownership` | counts become explicit |

pub mod ownership;

use super::Program;
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
    normalise(program);
    ownership::run(program)
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
