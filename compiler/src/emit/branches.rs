//! Terminators: which branch instruction, which direction. A branch back is a `loop` op, which
//! polls; so every cycle of the function has a poll in it.

use super::func::Emitter;
use crate::ir::{BlockId, Cmp, Cond, ElemRepr, Term};
use lumen_bytecode::builder::Label;
use lumen_bytecode::code::{Insn, Op};
use lumen_bytecode::module::FailureKind;

/// A conditional branch without its label: forward op, loop op if there is one, operands.
struct Test {
    forward: Op,
    back: Option<Op>,
    operands: [u32; 2],
}

impl Emitter<'_> {
    pub(super) fn term(&mut self, b: BlockId, term: &Term) {
        let at = self.position[b.0 as usize];
        match term {
            Term::Jump(to) => self.jump(at, *to),
            Term::Branch {
                then, otherwise, ..
            } if then == otherwise => self.jump(at, *then),
            Term::Branch {
                cond,
                then,
                otherwise,
            } => self.branch(at, cond, *then, *otherwise),
            Term::SwitchTag { .. } | Term::SwitchInt { .. } => self.switch(b, term),
            Term::ForInt {
                i,
                limit,
                inclusive,
                body,
                exit,
            } => {
                let op = if *inclusive { Op::ForIntLe } else { Op::ForInt };
                let insn = Insn::encode(op, &[self.slot(*i), self.slot(*limit), 0]);
                self.out.branch(insn, self.label(*body));
                self.jump(at, *exit);
            }
            Term::ForList {
                i,
                xs,
                dst,
                repr,
                body,
                exit,
            } => {
                let op = match repr {
                    ElemRepr::Plain => Op::ForList,
                    ElemRepr::Word => Op::ForListWord,
                    ElemRepr::Byte => Op::ForListByte,
                };
                let regs = [self.slot(*i), self.slot(*xs), self.slot(*dst), 0];
                self.out.branch(Insn::encode(op, &regs), self.label(*body));
                self.jump(at, *exit);
            }
            Term::Return(reg) => {
                let insn = Insn::encode(Op::Return, &[self.slot(*reg)]);
                self.out.emit(insn);
            }
            Term::ReturnNull => self.out.emit(Insn::encode(Op::ReturnNull, &[])),
            Term::Throw(reg) => {
                let insn = Insn::encode(Op::Throw, &[self.slot(*reg)]);
                self.out.emit(insn);
            }
            Term::Rethrow(reg) => {
                let insn = Insn::encode(Op::Rethrow, &[self.slot(*reg)]);
                self.out.emit(insn);
            }
            Term::Fail(kind, message) => {
                self.out
                    .emit(Insn::encode(Op::Fail, &[*kind as u32, *message]));
            }
            // What comes before does not return; if it did, that would be a failure, not chaos.
            Term::Unreachable => {
                let message = self.shared.unreachable;
                let kind = FailureKind::Match as u32;
                self.out.emit(Insn::encode(Op::Fail, &[kind, message]));
            }
        }
    }

    /// A jump table and the instruction that uses it.
    fn switch(&mut self, b: BlockId, term: &Term) {
        match term {
            Term::SwitchTag { value, ty, targets } => {
                let table = self.table(b, targets);
                let value = self.slot(*value);
                self.out
                    .emit(Insn::encode(Op::SwitchTag, &[value, *ty, table]));
            }
            Term::SwitchInt {
                value,
                low,
                targets,
                default,
            } => {
                let all: Vec<BlockId> = targets.iter().chain(Some(default)).copied().collect();
                let table = self.table(b, &all);
                let value = self.slot(*value);
                let low = u32::from(*low as u16);
                self.out
                    .emit(Insn::encode(Op::SwitchInt, &[value, low, table]));
            }
            _ => {}
        }
    }

    fn label(&self, b: BlockId) -> Label {
        self.labels[b.0 as usize]
    }

    fn is_back(&self, at: usize, to: BlockId) -> bool {
        self.position[to.0 as usize] <= at
    }

    fn jump(&mut self, at: usize, to: BlockId) {
        if self.is_next(at, to) {
            return;
        }
        let op = if self.is_back(at, to) {
            Op::Loop
        } else {
            Op::Jump
        };
        self.out.branch(Insn::encode(op, &[0]), self.label(to));
    }

    fn branch(&mut self, at: usize, cond: &Cond, then: BlockId, otherwise: BlockId) {
        let (yes, no) = (self.test(cond, true), self.test(cond, false));
        // Fall through to the one that comes next; a branch back wants an op that polls.
        let to_then = |t: &Test| !self.is_back(at, then) || t.back.is_some();
        let to_otherwise = |t: &Test| !self.is_back(at, otherwise) || t.back.is_some();
        let first_then = if self.is_next(at, then) {
            !to_otherwise(&no)
        } else {
            self.is_next(at, otherwise) && to_then(&yes)
                || to_then(&yes) && (!to_otherwise(&no) || self.is_back(at, then))
        };
        if first_then && to_then(&yes) {
            self.conditional(at, &yes, then);
            self.jump(at, otherwise);
        } else if to_otherwise(&no) {
            self.conditional(at, &no, otherwise);
            self.jump(at, then);
        } else {
            // Both back, and neither test polls: through a trampoline.
            let label = self.out.new_label();
            self.trampolines.push((label, then, self.order[at]));
            let insn = Insn::encode(yes.forward, &operands(&yes));
            self.out.branch(insn, label);
            self.jump(at, otherwise);
        }
    }

    fn conditional(&mut self, at: usize, test: &Test, to: BlockId) {
        let op = match test.back {
            Some(back) if self.is_back(at, to) => back,
            _ => test.forward,
        };
        self.out
            .branch(Insn::encode(op, &operands_of(op, test)), self.label(to));
    }

    /// Labels of a jump table; targets that lie back go through a `loop`.
    fn table(&mut self, from: BlockId, targets: &[BlockId]) -> u32 {
        let at = self.position[from.0 as usize];
        let labels = targets
            .iter()
            .map(|&t| {
                if self.is_back(at, t) {
                    let label = self.out.new_label();
                    self.trampolines.push((label, t, from));
                    label
                } else {
                    self.label(t)
                }
            })
            .collect();
        u32::from(self.out.table(labels).0)
    }

    /// The instruction that branches when `cond` is `want`.
    fn test(&self, cond: &Cond, want: bool) -> Test {
        let slot = |r| self.slot(r);
        match *cond {
            Cond::Bool(a) => {
                let (forward, back) = if want {
                    (Op::JumpIf, Op::LoopIf)
                } else {
                    (Op::JumpIfNot, Op::LoopIfNot)
                };
                Test {
                    forward,
                    back: Some(back),
                    operands: [slot(a), 0],
                }
            }
            Cond::Int(cmp, a, b) => {
                let (forward, back, swap) = int_ops(if want { cmp } else { negate(cmp) });
                let (a, b) = if swap { (b, a) } else { (a, b) };
                Test {
                    forward,
                    back: Some(back),
                    operands: [slot(a), slot(b)],
                }
            }
            Cond::IntImm(cmp, a, i) => {
                let (forward, back) = int_imm_ops(if want { cmp } else { negate(cmp) });
                Test {
                    forward,
                    back: Some(back),
                    operands: [slot(a), u32::from(i as u16)],
                }
            }
            Cond::Float(cmp, a, b) => {
                let (forward, back, swap) = float_ops(cmp, want);
                let (a, b) = if swap { (b, a) } else { (a, b) };
                Test {
                    forward,
                    back,
                    operands: [slot(a), slot(b)],
                }
            }
            Cond::Null(a) => {
                let forward = if want {
                    Op::JumpIfNull
                } else {
                    Op::JumpIfNotNull
                };
                Test {
                    forward,
                    back: None,
                    operands: [slot(a), 0],
                }
            }
            Cond::Type(a, ty) => {
                let forward = if want {
                    Op::JumpIfType
                } else {
                    Op::JumpIfNotType
                };
                Test {
                    forward,
                    back: None,
                    operands: [slot(a), ty],
                }
            }
        }
    }
}

/// Is there a back-edge op that goes when `cond` is `want`?
pub(super) fn polls(cond: &Cond, want: bool) -> bool {
    match *cond {
        Cond::Bool(_) | Cond::Int(..) | Cond::IntImm(..) => true,
        Cond::Float(cmp, ..) => float_ops(cmp, want).1.is_some(),
        Cond::Null(_) | Cond::Type(..) => false,
    }
}

fn operands(test: &Test) -> Vec<u32> {
    operands_of(test.forward, test)
}

/// One register or two operands, then the label.
fn operands_of(op: Op, test: &Test) -> Vec<u32> {
    match op.def().operands.len() {
        2 => vec![test.operands[0], 0],
        _ => vec![test.operands[0], test.operands[1], 0],
    }
}

fn negate(cmp: Cmp) -> Cmp {
    match cmp {
        Cmp::Eq => Cmp::Ne,
        Cmp::Ne => Cmp::Eq,
        Cmp::Lt => Cmp::Ge,
        Cmp::Le => Cmp::Gt,
        Cmp::Gt => Cmp::Le,
        Cmp::Ge => Cmp::Lt,
    }
}

fn int_ops(cmp: Cmp) -> (Op, Op, bool) {
    match cmp {
        Cmp::Eq => (Op::JumpIntEq, Op::LoopIntEq, false),
        Cmp::Ne => (Op::JumpIntNe, Op::LoopIntNe, false),
        Cmp::Lt => (Op::JumpIntLt, Op::LoopIntLt, false),
        Cmp::Le => (Op::JumpIntLe, Op::LoopIntLe, false),
        Cmp::Gt => (Op::JumpIntLt, Op::LoopIntLt, true),
        Cmp::Ge => (Op::JumpIntLe, Op::LoopIntLe, true),
    }
}

fn int_imm_ops(cmp: Cmp) -> (Op, Op) {
    match cmp {
        Cmp::Eq => (Op::JumpIntEqI, Op::LoopIntEqI),
        Cmp::Ne => (Op::JumpIntNeI, Op::LoopIntNeI),
        Cmp::Lt => (Op::JumpIntLtI, Op::LoopIntLtI),
        Cmp::Le => (Op::JumpIntLeI, Op::LoopIntLeI),
        Cmp::Gt => (Op::JumpIntGtI, Op::LoopIntGtI),
        Cmp::Ge => (Op::JumpIntGeI, Op::LoopIntGeI),
    }
}

/// Float comparisons with NaN: "not less" is not "greater or equal".
fn float_ops(cmp: Cmp, want: bool) -> (Op, Option<Op>, bool) {
    let swap = matches!(cmp, Cmp::Gt | Cmp::Ge);
    let (forward, back) = match (cmp, want) {
        (Cmp::Eq, true) | (Cmp::Ne, false) => (Op::JumpFloatEq, None),
        (Cmp::Ne, true) | (Cmp::Eq, false) => (Op::JumpFloatNe, None),
        (Cmp::Lt | Cmp::Gt, true) => (Op::JumpFloatLt, Some(Op::LoopFloatLt)),
        (Cmp::Le | Cmp::Ge, true) => (Op::JumpFloatLe, Some(Op::LoopFloatLe)),
        (Cmp::Lt | Cmp::Gt, false) => (Op::JumpFloatNotLt, None),
        (Cmp::Le | Cmp::Ge, false) => (Op::JumpFloatNotLe, None),
    };
    (forward, back, swap)
}
