//! The passes, in order.
//!
//! | pass | what it does |
//! | --- | --- |
//! | `closure_slots` | captures are numbered as the object's slots |
//! | `local` | copies of plain values within a block, boxes that are opened at once |
//! | `copies` | copies of values that do not change go |
//! | `fold` | constants into instructions, decided branches |
//! | `fuse` | pairs of instructions into one |
//! | `dead` | what nobody reads or reaches goes |
//! | `thread` | jumps past tests whose outcome is known |
//! | `lookups` | one look-up for a test and a read of a map |
//! | `globals` | constant globals are constants (all above again) |
//! | `inline` | small cells and known lambdas into their callers (all above again) |
//! | `reach` | functions that nobody comes to any more go |
//! | `hoist` | what does not change in a loop is computed before it |
//! | `normalise` | mutators on variables get the form that leaves the variable in place |
//! | `ownership` | counts become explicit |

pub mod copies;
pub mod dead;
pub mod fold;
pub mod fuse;
pub mod globals;
pub mod hoist;
pub mod inline;
pub mod local;
pub mod lookups;
pub mod ownership;
pub mod reach;
pub mod thread;

use super::census::Census;
use super::roles::Signatures;
use super::{Func, Program, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, TypeDesc, TypeIx};
use ownership::Class;
use rustc_hash::FxHashMap;

/// Rounds of the simplifying passes at most: threaded jumps make more known.
const ROUNDS: usize = 3;

/// What a program says that reached the unreachable (a fault of the compiler's).
pub const UNREACHABLE: &str = "internal: unreachable code was reached";

/// Runs all passes; gives the classes of all registers for emission.
pub fn run(program: &mut Program) -> Vec<Vec<Class>> {
    prepare(program);
    ownership::run(program)
}

/// Runs the passes that look at more than one function; what is left to do is
/// [`ownership::run_func`] for each.
pub fn prepare(program: &mut Program) {
    let message = Constant::Str(UNREACHABLE.to_string());
    if !program.constants.contains(&message) {
        program.constants.push(message);
    }
    closure_slots(program);
    let mut passes = Simplifier::new(program);
    globals::run(program, &mut |program, f| {
        passes.simplify(program, f, false)
    });
    inline::run(program, &mut passes);
    reach::run(program);
    let Simplifier { sigs, census, .. } = &mut passes;
    for func in &mut program.funcs {
        hoist::run(func, sigs, &program.types, &program.globals);
        dead::unread(func, sigs, census);
        shrink(func);
    }
    normalise(program);
    ownership::params::infer(program);
}

/// Gives back room that is not needed any more, registers too: all functions wait until they are
/// emitted.
fn shrink(func: &mut Func) {
    drop_registers(func);
    func.regs.shrink_to_fit();
    func.blocks.shrink_to_fit();
    for block in &mut func.blocks {
        block.insts.shrink_to_fit();
    }
}

/// Numbers the registers that are left anew.
fn drop_registers(func: &mut Func) {
    const GONE: u32 = u32::MAX;
    let Func {
        params,
        closure,
        regs,
        blocks,
        ..
    } = func;
    let closure = closure.as_mut().map(|(reg, _)| reg);
    let mut number = vec![GONE; regs.len()];
    for reg in params.iter().chain(closure.as_deref()) {
        number[reg.0 as usize] = 0;
    }
    for block in &mut *blocks {
        for reg in block.insts.iter().flat_map(|inst| &inst.regs) {
            number[reg.0 as usize] = 0;
        }
        (block.term).for_each_reg_mut(|reg| number[reg.0 as usize] = 0);
    }
    let mut left = 0;
    for number in number.iter_mut().filter(|number| **number != GONE) {
        *number = left;
        left += 1;
    }
    if left as usize == regs.len() {
        return;
    }
    let mut at = 0;
    regs.retain(|_| {
        at += 1;
        number[at - 1] != GONE
    });
    let renumber = |reg: &mut VReg| *reg = VReg(number[reg.0 as usize]);
    params.iter_mut().chain(closure).for_each(renumber);
    for block in blocks {
        let regs = block.insts.iter_mut().flat_map(|inst| &mut inst.regs);
        regs.for_each(renumber);
        block.term.for_each_reg_mut(renumber);
    }
}

/// The union types of a program by their members.
fn unions(program: &Program) -> FxHashMap<Vec<TypeIx>, TypeIx> {
    let types = program.types.iter().enumerate();
    types
        .filter_map(|(i, ty)| match ty {
            TypeDesc::Union(members) => Some((members.clone(), i as TypeIx)),
            _ => None,
        })
        .collect()
}

/// The simplifying passes, with what they share.
#[derive(Debug)]
pub struct Simplifier {
    sigs: Signatures,
    unions: FxHashMap<Vec<TypeIx>, TypeIx>,
    /// Of the function that is being simplified.
    census: Census,
    here: local::Here,
    known: fold::Known,
}

impl Simplifier {
    fn new(program: &Program) -> Self {
        Self {
            sigs: Signatures::of(program),
            unions: unions(program),
            census: Census::default(),
            here: local::Here::default(),
            known: fold::Known::default(),
        }
    }

    /// Removes dead code from a function.
    fn clean(&mut self, program: &mut Program, f: usize) {
        let Self { sigs, census, .. } = self;
        let func = &mut program.funcs[f];
        census.recount(func, sigs);
        dead::run(func, sigs, census);
    }

    /// Runs the passes on one function, from which dead code has gone already if it is `clean`.
    fn simplify(&mut self, program: &mut Program, f: usize, clean: bool) {
        let Program {
            funcs,
            types,
            constants,
            ..
        } = program;
        let func = &mut funcs[f];
        let Self {
            sigs,
            unions,
            census,
            here,
            known,
        } = self;
        if !clean {
            census.recount(func, sigs);
        }
        for round in 0..ROUNDS {
            if !clean || round != 0 {
                dead::run(func, sigs, census);
            }
            local::run(func, sigs, types, census, here);
            copies::run(func, sigs, types, census);
            if fold::run(func, sigs, constants, types, census, known) {
                // What was read by a test too is now computed to be copied.
                copies::join(func, sigs, types, census);
            }
            fuse::run(func, sigs, census);
            let tables = thread::Tables {
                types,
                constants,
                unions,
            };
            let threaded = thread::run(func, sigs, &tables, census);
            debug_assert!(*census == Census::of(func, sigs), "the counts are true");
            if !threaded {
                break;
            }
        }
        dead::run(func, sigs, census);
        if lookups::may_have(func) {
            local::run(func, sigs, types, census, here);
            dead::run(func, sigs, census);
            copies::run(func, sigs, types, census);
            lookups::run(func, census);
            census.recount(func, sigs);
            dead::run(func, sigs, census);
        }
    }
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
