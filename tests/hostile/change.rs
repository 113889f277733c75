//! Random changes of bytecode that often leave it verifiable.

use lumen_bytecode::Module;
use lumen_bytecode::code::{Op, get_raw, set_raw};
use lumen_bytecode::module::{Constant, Function};
use lumen_bytecode::operand::OperandKind;

use crate::random::Random;

/// Ops that take the same operands, so that one may stand for the other.
const KIN: &[&[Op]] = &[
    &[
        Op::IntAdd,
        Op::IntSub,
        Op::IntMul,
        Op::IntDiv,
        Op::IntFloorDiv,
        Op::IntMod,
        Op::IntAnd,
        Op::IntXor,
        Op::IntShl,
        Op::IntShr,
    ],
    &[
        Op::IntAddI,
        Op::IntMulI,
        Op::IntAndI,
        Op::IntShlI,
        Op::IntShrI,
        Op::IntDivI,
        Op::IntModI,
    ],
    &[Op::JumpIntEq, Op::JumpIntNe, Op::JumpIntLt, Op::JumpIntLe],
    &[Op::LoopIntEq, Op::LoopIntNe, Op::LoopIntLt, Op::LoopIntLe],
    &[
        Op::JumpIntEqI,
        Op::JumpIntNeI,
        Op::JumpIntLtI,
        Op::JumpIntLeI,
        Op::JumpIntGtI,
        Op::JumpIntGeI,
    ],
    &[
        Op::LoopIntNeI,
        Op::LoopIntLtI,
        Op::LoopIntLeI,
        Op::LoopIntGtI,
        Op::LoopIntGeI,
    ],
    &[Op::ForInt, Op::ForIntLe, Op::LoopIntLt, Op::LoopIntLe],
    &[Op::FloatAdd, Op::FloatSub, Op::FloatMul, Op::FloatDiv],
    &[Op::IntEq, Op::IntNe, Op::IntLt, Op::IntLe],
    &[Op::ListGet, Op::ListGetWord, Op::ListGetByte],
    &[Op::ListSet, Op::ListSetWord, Op::ListSetByte],
];

/// Ints at which something changes.
const INTS: &[i64] = &[
    i64::MIN,
    i64::MIN + 1,
    i64::MAX,
    i64::MAX - 1,
    -1,
    0,
    1,
    2,
    1 << 31,
    1 << 32,
    1 << 62,
    -(1 << 62),
    0xffff_ffff,
    -1 << 31,
];

/// Changes one to three things, mostly in functions that have loops.
pub(crate) fn module(random: &mut Random, module: &mut Module) {
    for _ in 0..=random.below(3) {
        if random.one_in(8) {
            constant(random, &mut module.constants);
            continue;
        }
        let looping: Vec<usize> = (0..module.functions.len())
            .filter(|f| has_loop(&module.functions[*f]) || random.one_in(20))
            .collect();
        if let Some(f) = looping.get(random.below(looping.len())) {
            change(random, &mut module.functions[*f]);
        }
    }
}

fn constant(random: &mut Random, constants: &mut [Constant]) {
    let ints = constants.iter_mut().filter_map(|c| match c {
        Constant::Int(i) => Some(i),
        _ => None,
    });
    let mut ints: Vec<&mut i64> = ints.collect();
    if !ints.is_empty() {
        let at = random.below(ints.len());
        *ints[at] = *random.pick(INTS);
    }
}

/// Where instructions begin.
fn starts(function: &Function) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut pc = 0;
    while let Some(op) = function.code.get(pc).and_then(|w| Op::from_word(*w)) {
        starts.push(pc);
        pc += op.word_count();
    }
    starts
}

fn op_at(function: &Function, pc: usize) -> Option<Op> {
    Op::from_word(function.code[pc])
}

fn has_loop(function: &Function) -> bool {
    let back = |pc: &usize| op_at(function, *pc).is_some_and(Op::is_back_edge);
    starts(function).iter().any(back)
}

fn change(random: &mut Random, function: &mut Function) {
    let starts = starts(function);
    if starts.is_empty() {
        return;
    }
    let pc = *random.pick(&starts);
    match random.below(10) {
        0 => exchange(random, function, pc),
        1 => replace(function, *random.pick(&starts), pc),
        2 | 3 => another_op(random, function, pc),
        _ => operand(random, function, pc),
    }
}

/// An instruction and one that follows change places.
fn exchange(random: &mut Random, function: &mut Function, pc: usize) {
    let Some(op) = op_at(function, pc) else {
        return;
    };
    let words = op.word_count();
    let next = pc + words;
    let fits = |at: usize| {
        let other = function.code.get(at).and_then(|w| Op::from_word(*w));
        other.is_some_and(|o| o.word_count() == words)
    };
    if fits(next) && !random.one_in(4) {
        for i in 0..words {
            function.code.swap(pc + i, next + i);
        }
    }
}

/// An instruction is replaced by one from elsewhere.
fn replace(function: &mut Function, from: usize, to: usize) {
    let (Some(new), Some(old)) = (op_at(function, from), op_at(function, to)) else {
        return;
    };
    if new.word_count() == old.word_count() {
        function.code.copy_within(from..from + new.word_count(), to);
    }
}

fn another_op(random: &mut Random, function: &mut Function, pc: usize) {
    let Some(op) = op_at(function, pc) else {
        return;
    };
    if let Some(kin) = KIN.iter().find(|kin| kin.contains(&op)) {
        let other = *random.pick(kin) as u64;
        function.code[pc] = function.code[pc] & !0xffff | other;
    }
}

fn operand(random: &mut Random, function: &mut Function, pc: usize) {
    let Some(op) = op_at(function, pc) else {
        return;
    };
    let operands = op.def().operands;
    if operands.is_empty() {
        return;
    }
    let operand = random.pick(operands);
    let lanes = operand.kind.lanes();
    let end = pc + op.word_count();
    let old = get_raw(&function.code[pc..end], operand.lane, lanes);
    let near = old.wrapping_add(random.below(5) as u32).wrapping_sub(2);
    let new = match operand.kind {
        OperandKind::Reg | OperandKind::Window => random.below(usize::from(function.frame)) as u32,
        OperandKind::Imm16 | OperandKind::Imm32 if random.one_in(2) => {
            let extremes = [0, 1, 0xffff, 0x7fff, 0x8000, 0x8001, 2, 8, 63, 64];
            *random.pick(&extremes)
        }
        OperandKind::Label16 | OperandKind::Label32 if !function.maps.is_empty() => {
            let to = random.pick(&function.maps).pc;
            to.wrapping_sub(pc as u32)
        }
        _ => near,
    };
    let new = if lanes == 1 { new & 0xffff } else { new };
    set_raw(&mut function.code[pc..end], operand.lane, lanes, new);
}
