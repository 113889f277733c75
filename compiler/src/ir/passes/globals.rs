//! Constant globals: `const SIZE = 4 * 1024` is read as the constant that it is.

use crate::ir::{Func, Inst, Program, Term};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::Constant;

/// Replaces reads of globals whose initialising function does nothing but give a number, a null or
/// a closure without captures. `simplify` is run on these functions; the others are simplified
/// later.
pub fn run(program: &mut Program, simplify: &mut dyn FnMut(&mut Program, usize)) {
    if program.globals.is_empty() {
        return;
    }
    let mut known: Vec<Option<Inst>> = vec![None; program.globals.len()];
    // In the order of declaration, so that a constant may be made of earlier ones.
    for g in 0..program.globals.len() {
        let Some(init) = program.globals[g].init else {
            continue;
        };
        let init = init as usize;
        replace(&mut program.funcs[init], &known);
        simplify(program, init);
        known[g] = constant(&program.funcs[init], &program.constants);
    }
    if known.iter().all(Option::is_none) {
        return;
    }
    for func in &mut program.funcs {
        replace(func, &known);
    }
}

fn replace(func: &mut Func, known: &[Option<Inst>]) {
    for inst in func.blocks.iter_mut().flat_map(|b| &mut b.insts) {
        if inst.op == Op::GlobalGet
            && let Some(value) = &known[inst.imms[0] as usize]
        {
            *inst = Inst {
                op: value.op,
                regs: [inst.regs[0]].into_iter().collect(),
                imms: value.imms,
                span: inst.span,
            };
        }
    }
}

/// The one instruction that the function consists of, if that is a constant. Strings are left
/// alone: reading a global lends them, which is less than a constant's own reference.
fn constant(func: &Func, constants: &[Constant]) -> Option<Inst> {
    let block = &func.blocks[0];
    let [inst] = &block.insts[..] else {
        return None;
    };
    if !matches!(block.term, Term::Return(reg) if inst.regs.first() == Some(&reg)) {
        return None;
    }
    let constant = match inst.op {
        Op::IntConst => true,
        Op::Const => !matches!(
            constants[inst.imms[0] as usize],
            Constant::Str(_) | Constant::Bytes(_)
        ),
        _ => false,
    };
    constant.then(|| inst.clone())
}
