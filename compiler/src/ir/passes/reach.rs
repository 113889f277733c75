//! Functions that nobody calls or makes a closure of any more, since their code now stands in
//! their callers, go: nothing after this pass has to look at them.

use crate::ir::Program;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, TypeDesc, TypeIx};

/// Runs the pass; the functions that stay are numbered anew.
pub fn run(program: &mut Program) {
    let reached = reached(program);
    if reached.iter().all(|&r| r) {
        return;
    }
    let mut number = vec![None; reached.len()];
    let stay = number.iter_mut().zip(&reached).filter(|(_, r)| **r);
    for (new, (number, _)) in (0..).zip(stay) {
        *number = Some(new);
    }
    let mut at = 0;
    program.funcs.retain(|_| {
        at += 1;
        reached[at - 1]
    });
    renumber(program, &number);
}

/// Which functions the program can come to; all, where it has no beginning.
fn reached(program: &Program) -> Vec<bool> {
    let roots = program.main.iter().copied();
    let roots = roots.chain(program.tests.iter().map(|(_, func, _)| *func));
    let mut todo: Vec<u32> = roots.collect();
    if todo.is_empty() {
        return vec![true; program.funcs.len()];
    }
    todo.extend(program.globals.iter().filter_map(|global| global.init));
    let mut reached = vec![false; program.funcs.len()];
    while let Some(func) = todo.pop() {
        if std::mem::replace(&mut reached[func as usize], true) {
            continue;
        }
        let blocks = &program.funcs[func as usize].blocks;
        for inst in blocks.iter().flat_map(|block| &block.insts) {
            match inst.op {
                Op::Call => todo.push(inst.imms[0]),
                Op::New => todo.extend(closure(program, inst.imms[0])),
                Op::Const => {
                    if let Constant::Closure(ty) = program.constants[inst.imms[0] as usize] {
                        todo.extend(closure(program, ty));
                    }
                }
                _ => {}
            }
        }
    }
    reached
}

/// The function of a closure type.
fn closure(program: &Program, ty: TypeIx) -> Option<u32> {
    match program.types[ty as usize] {
        TypeDesc::Closure { func, .. } => Some(func),
        _ => None,
    }
}

/// Gives all that names a function its new number. The types of closures that nobody makes, and
/// constants of such types, stay as places that nothing refers to.
fn renumber(program: &mut Program, number: &[Option<u32>]) {
    let new = |func: u32| number[func as usize].unwrap_or(func);
    for inst in (program.funcs.iter_mut())
        .flat_map(|func| &mut func.blocks)
        .flat_map(|block| &mut block.insts)
    {
        if inst.op == Op::Call {
            inst.imms[0] = new(inst.imms[0]);
        }
    }
    for ty in &mut program.types {
        if let TypeDesc::Closure { func, .. } = ty {
            match number[*func as usize] {
                Some(new) => *func = new,
                None => *ty = TypeDesc::Unused,
            }
        }
    }
    for constant in &mut program.constants {
        if let Constant::Closure(ty) = *constant
            && program.types[ty as usize] == TypeDesc::Unused
        {
            *constant = Constant::Null;
        }
    }
    for global in &mut program.globals {
        global.init = global.init.map(new);
    }
    program.main = program.main.map(new);
    for (_, func, _) in &mut program.tests {
        *func = new(*func);
    }
}
