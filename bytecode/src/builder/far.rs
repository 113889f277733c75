//! Branches that do not reach.
//!
//! In a function of more than 32 767 words a 16-bit distance may be too short. Such a branch is
//! replaced by a test into a scratch register, one past the frame that was asked for, and a branch
//! with a 32-bit distance:
//!
//! ```text
//! jump.int.lt a, b, to      int.lt s, a, b; jump.if s, to
//! jump.int.gti a, 7, to     int.const s, 7; int.lt s, s, a; jump.if s, to
//! for.int i, limit, to      int.addi i, i, 1; int.lt s, i, limit; loop.if s, to
//! for.int.le i, limit, to   int.lt s, i, limit; int.add i, i, s; loop.if s, to
//! jump.type a, t, to        jump.type.far a, t, to
//! ```
//!
//! (`int.add` takes a Bool as 0 or 1.)

use super::{Branch, BuildError, FunctionBuilder, op_at};
use crate::code::{Insn, Op, get_raw};
use crate::operand::*;

/// A replaced branch has at most this many words, so what is nearer than 32 767 divided by this
/// still reaches when everything else has grown.
const GROWTH: u32 = 3;

impl FunctionBuilder {
    /// Replaces the branches that may not reach and moves everything behind them.
    pub(super) fn lengthen(&mut self) -> Result<(), BuildError> {
        if self.function.code.len() <= i16::MAX as usize {
            return Ok(());
        }
        let mut far = Vec::new();
        for (index, branch) in self.branches.iter().enumerate() {
            let words = &self.function.code[branch.pc as usize..];
            let short = op_at(words)
                .label()
                .is_some_and(|o| o.kind == OperandKind::Label16);
            let distance = self.resolve(branch.label)?.abs_diff(branch.pc);
            if short && distance > i16::MAX as u32 / GROWTH {
                far.push(index);
            }
        }
        if far.is_empty() {
            return Ok(());
        }
        let scratch = Reg(self.function.frame);
        self.function.frame = scratch.0.checked_add(1).ok_or(BuildError::Frame)?;
        self.rewrite(&far, scratch);
        Ok(())
    }

    fn rewrite(&mut self, far: &[usize], scratch: Reg) {
        let old = std::mem::take(&mut self.function.code);
        let mut moves = Moves::default();
        let mut code = Vec::with_capacity(old.len() + far.len() * 2);
        let mut from = 0;
        for &index in far {
            let branch = &mut self.branches[index];
            let at = branch.pc as usize;
            code.extend_from_slice(&old[from..at]);
            let op = op_at(&old[at..]);
            let longer = lengthened(op, &old[at..], scratch);
            from = at + op.word_count();
            for insn in &longer {
                branch.pc = code.len() as u32;
                code.extend_from_slice(insn.words());
            }
            moves.0.push((from as u32, code.len() as u32 - from as u32));
        }
        code.extend_from_slice(&old[from..]);
        self.function.code = code;
        self.shift(&moves, far);
    }

    fn shift(&mut self, moves: &Moves, far: &[usize]) {
        let mut replaced = far.iter().peekable();
        for (index, Branch { pc, .. }) in self.branches.iter_mut().enumerate() {
            if replaced.next_if(|&&i| i == index).is_none() {
                *pc = moves.apply(*pc);
            }
        }
        for pc in self.labels.iter_mut().flatten() {
            *pc = moves.apply(*pc);
        }
        for map in &mut self.function.maps {
            map.pc = moves.apply(map.pc);
        }
        for line in &mut self.function.lines {
            line.pc = moves.apply(line.pc);
        }
        for landing in &mut self.landings {
            landing.start = moves.apply(landing.start);
            landing.end = moves.apply(landing.end);
        }
    }
}

/// From each of these old places on, code is that many words later; ascending.
#[derive(Default)]
struct Moves(Vec<(u32, u32)>);

impl Moves {
    fn apply(&self, pc: u32) -> u32 {
        match self.0.partition_point(|&(from, _)| from <= pc) {
            0 => pc,
            n => pc + self.0[n - 1].1,
        }
    }
}

/// The sequence for the branch at the start of `words`; its last instruction is the branch.
fn lengthened(op: Op, words: &[u64], s: Reg) -> Vec<Insn> {
    let raw = |lane| get_raw(words, lane, 1);
    let (a, b) = (Reg(raw(0) as u16), Reg(raw(1) as u16));
    let (i, t) = (Imm16(raw(1) as u16 as i16), Type(raw(1) as u16));
    let jump = |test: Insn| vec![test, Insn::jump_if(s, Label32(0))];
    let unless = |test: Insn| vec![test, Insn::jump_if_not(s, Label32(0))];
    let again = |test: Insn| vec![test, Insn::loop_if(s, Label32(0))];
    let with_imm = |last: Insn, test: fn(Reg, Reg, Reg) -> Insn, a, b| {
        let constant = Insn::int_const(s, Imm32(i32::from(i.0)));
        vec![constant, test(s, a, b), last]
    };
    let jump_imm = |test, a, b| with_imm(Insn::jump_if(s, Label32(0)), test, a, b);
    let loop_imm = |test, a, b| with_imm(Insn::loop_if(s, Label32(0)), test, a, b);
    match op {
        Op::JumpIntEq => jump(Insn::int_eq(s, a, b)),
        Op::JumpIntNe => jump(Insn::int_ne(s, a, b)),
        Op::JumpIntLt => jump(Insn::int_lt(s, a, b)),
        Op::JumpIntLe => jump(Insn::int_le(s, a, b)),
        Op::JumpIntEqI => jump_imm(Insn::int_eq, a, s),
        Op::JumpIntNeI => jump_imm(Insn::int_ne, a, s),
        Op::JumpIntLtI => jump_imm(Insn::int_lt, a, s),
        Op::JumpIntLeI => jump_imm(Insn::int_le, a, s),
        Op::JumpIntGtI => jump_imm(Insn::int_lt, s, a),
        Op::JumpIntGeI => jump_imm(Insn::int_le, s, a),
        Op::JumpFloatEq => jump(Insn::float_eq(s, a, b)),
        Op::JumpFloatNe => jump(Insn::float_ne(s, a, b)),
        Op::JumpFloatLt => jump(Insn::float_lt(s, a, b)),
        Op::JumpFloatLe => jump(Insn::float_le(s, a, b)),
        Op::JumpFloatNotLt => unless(Insn::float_lt(s, a, b)),
        Op::JumpFloatNotLe => unless(Insn::float_le(s, a, b)),
        Op::JumpIfType => vec![Insn::jump_if_type_far(a, t, Label32(0))],
        Op::JumpIfNotType => vec![Insn::jump_if_not_type_far(a, t, Label32(0))],
        Op::LoopIntEq => again(Insn::int_eq(s, a, b)),
        Op::LoopIntNe => again(Insn::int_ne(s, a, b)),
        Op::LoopIntLt => again(Insn::int_lt(s, a, b)),
        Op::LoopIntLe => again(Insn::int_le(s, a, b)),
        Op::LoopIntEqI => loop_imm(Insn::int_eq, a, s),
        Op::LoopIntNeI => loop_imm(Insn::int_ne, a, s),
        Op::LoopIntLtI => loop_imm(Insn::int_lt, a, s),
        Op::LoopIntLeI => loop_imm(Insn::int_le, a, s),
        Op::LoopIntGtI => loop_imm(Insn::int_lt, s, a),
        Op::LoopIntGeI => loop_imm(Insn::int_le, s, a),
        Op::LoopFloatLt => again(Insn::float_lt(s, a, b)),
        Op::LoopFloatLe => again(Insn::float_le(s, a, b)),
        Op::ForInt => vec![
            Insn::int_add_i(a, a, Imm16(1)),
            Insn::int_lt(s, a, b),
            Insn::loop_if(s, Label32(0)),
        ],
        Op::ForIntLe => vec![
            Insn::int_lt(s, a, b),
            Insn::int_add(a, a, s),
            Insn::loop_if(s, Label32(0)),
        ],
        // All other branches have 32-bit distances and never come here.
        _ => vec![Insn::jump(Label32(0))],
    }
}
