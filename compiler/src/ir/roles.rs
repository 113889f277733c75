//! What an instruction does with its registers: the op table's roles, with call windows resolved.

use super::{Cond, Inst, Program, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::operand::Role;

/// What callees do with their parameters.
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    /// Per function: which parameters it takes over.
    pub owned: Vec<Vec<bool>>,
    /// Per native: is its first parameter inout?
    pub mutators: Vec<bool>,
}

impl Signatures {
    /// The signatures of a program as its functions now stand.
    #[must_use]
    pub fn of(program: &Program) -> Self {
        Self {
            owned: program
                .funcs
                .iter()
                .map(|f| {
                    if f.owned.len() == f.params.len() {
                        f.owned.clone()
                    } else {
                        vec![false; f.params.len()]
                    }
                })
                .collect(),
            mutators: program.natives.iter().map(|n| n.mutator).collect(),
        }
    }

    /// Calls `f` with the position in `inst.regs` and the role of each register.
    #[inline]
    pub fn for_each(&self, inst: &Inst, mut f: impl FnMut(usize, VReg, Role)) {
        let called = inst.imms[0] as usize;
        let (fixed, rest): (&[Role], Role) = match inst.op {
            Op::Call => {
                let owned = self.owned.get(called).map_or(&[][..], |owned| owned);
                for (i, &reg) in inst.regs.iter().enumerate() {
                    let role = match i {
                        0 => Role::Out,
                        _ if owned.get(i - 1) == Some(&true) => Role::Take,
                        _ => Role::Use,
                    };
                    f(i, reg, role);
                }
                return;
            }
            Op::CallClosure => (&[Role::Out], Role::Use),
            Op::CallNative if self.mutators.get(called) == Some(&true) => {
                (&[Role::Out, Role::Io], Role::Use)
            }
            Op::CallNative => (&[Role::Out], Role::Use),
            Op::New | Op::ListNew => (inst.op.register_roles(), Role::Take),
            op => (op.register_roles(), Role::Use),
        };
        for (i, &reg) in inst.regs.iter().enumerate() {
            f(i, reg, fixed.get(i).copied().unwrap_or(rest));
        }
    }

    /// The registers that `inst` reads (`io` ones too): all but the one that it only writes.
    #[must_use]
    #[inline]
    pub fn reads<'a>(&self, inst: &'a Inst) -> &'a [VReg] {
        &inst.regs[usize::from(writes_first(inst.op))..]
    }

    /// Does `inst` neither take over nor change anything, its result aside?
    #[must_use]
    #[inline]
    pub fn only_reads(&self, inst: &Inst) -> bool {
        match inst.op {
            Op::Call => false,
            Op::CallClosure => true,
            Op::CallNative => !self.changes(inst),
            Op::New | Op::ListNew => false,
            op => op.only_reads(),
        }
    }

    /// Does `inst` change a register in place (`io`)?
    #[must_use]
    #[inline]
    pub fn changes(&self, inst: &Inst) -> bool {
        match inst.op {
            Op::CallNative => self.mutators.get(inst.imms[0] as usize) == Some(&true),
            op => op.changes_in_place(),
        }
    }

    /// The register written by `inst` (`out` and `lend`; not `io`): always its first.
    #[must_use]
    #[inline]
    pub fn out(&self, inst: &Inst) -> Option<VReg> {
        writes_first(inst.op).then(|| inst.regs[0])
    }

    /// The same, and how it is written.
    #[must_use]
    #[inline]
    pub fn outs(&self, inst: &Inst) -> Option<(VReg, Role)> {
        let role = match inst.op {
            Op::Call | Op::CallClosure | Op::CallNative => Role::Out,
            op => *op.register_roles().first()?,
        };
        matches!(role, Role::Out | Role::Lend).then(|| (inst.regs[0], role))
    }
}

/// Whether the first register of an instruction is its result: a call's is in a window.
#[inline]
fn writes_first(op: Op) -> bool {
    op.writes_first() || matches!(op, Op::Call | Op::CallClosure | Op::CallNative)
}

/// The register that a `lend` result is borrowed from, if it is one of the frame's.
#[must_use]
pub fn lender(inst: &Inst) -> Option<VReg> {
    match inst.op {
        Op::GlobalGet => None,
        _ => inst.regs.get(1).copied(),
    }
}

/// Has `op` no effect but its result, so that it can go when the result is not used?
#[must_use]
pub fn is_pure(op: Op) -> bool {
    !op.can_fail()
        && !matches!(
            op,
            Op::Drop | Op::GlobalSet | Op::Landing | Op::Mask | Op::Unmask
        )
        || matches!(
            op,
            Op::BoxInt | Op::BoxFloat | Op::New | Op::ListNew | Op::StrConcat | Op::ToStr
        )
}

impl Term {
    /// Calls `f` with each register the terminator reads, and whether it takes it. A register
    /// written on an edge (`ForList::dst`) is not among them.
    #[inline]
    pub fn for_each_use(&self, mut f: impl FnMut(VReg, Role)) {
        match self {
            Self::Branch { cond, .. } => cond.for_each_use(|reg| f(reg, Role::Use)),
            Self::SwitchTag { value, .. } | Self::SwitchInt { value, .. } => f(*value, Role::Use),
            Self::ForInt { i, limit, .. } => {
                f(*i, Role::Io);
                f(*limit, Role::Use);
            }
            Self::ForList { i, xs, .. } => {
                f(*i, Role::Io);
                f(*xs, Role::Use);
            }
            Self::Return(reg) | Self::Throw(reg) | Self::Rethrow(reg) => f(*reg, Role::Take),
            Self::Jump(_) | Self::ReturnNull | Self::Fail(..) | Self::Unreachable => {}
        }
    }

    /// The same, with the registers changeable.
    pub fn for_each_reg_mut(&mut self, mut f: impl FnMut(&mut VReg)) {
        match self {
            Self::Branch { cond, .. } => match cond {
                Cond::Bool(a) | Cond::IntImm(_, a, _) | Cond::Null(a) | Cond::Type(a, _) => f(a),
                Cond::Int(_, a, b) | Cond::Float(_, a, b) => {
                    f(a);
                    f(b);
                }
            },
            Self::SwitchTag { value, .. } | Self::SwitchInt { value, .. } => f(value),
            Self::ForInt { i, limit, .. } => {
                f(i);
                f(limit);
            }
            Self::ForList { i, xs, dst, .. } => {
                f(i);
                f(xs);
                f(dst);
            }
            Self::Return(reg) | Self::Throw(reg) | Self::Rethrow(reg) => f(reg),
            Self::Jump(_) | Self::ReturnNull | Self::Fail(..) | Self::Unreachable => {}
        }
    }

    /// The registers that the terminator only reads, changeable.
    pub fn for_each_plain_use_mut(&mut self, mut f: impl FnMut(&mut VReg)) {
        match self {
            Self::Branch { .. } | Self::SwitchTag { .. } | Self::SwitchInt { .. } => {
                self.for_each_reg_mut(f);
            }
            Self::ForInt { limit, .. } => f(limit),
            Self::Return(reg) => f(reg),
            _ => {}
        }
    }

    /// Calls `f` with each target block; as [`Term::targets`], without a list.
    #[inline]
    pub fn for_each_target(&self, mut f: impl FnMut(super::BlockId)) {
        match self {
            Self::Jump(b) => f(*b),
            Self::Branch {
                then, otherwise, ..
            } => {
                f(*then);
                f(*otherwise);
            }
            Self::SwitchTag { targets, .. } => targets.iter().copied().for_each(f),
            Self::SwitchInt {
                targets, default, ..
            } => {
                targets.iter().copied().for_each(&mut f);
                f(*default);
            }
            Self::ForInt { body, exit, .. } | Self::ForList { body, exit, .. } => {
                f(*body);
                f(*exit);
            }
            _ => {}
        }
    }

    /// Calls `f` with each target block, changeable.
    pub fn for_each_target_mut(&mut self, mut f: impl FnMut(&mut super::BlockId)) {
        match self {
            Self::Jump(b) => f(b),
            Self::Branch {
                then, otherwise, ..
            } => {
                f(then);
                f(otherwise);
            }
            Self::SwitchTag { targets, .. } => targets.iter_mut().for_each(f),
            Self::SwitchInt {
                targets, default, ..
            } => {
                targets.iter_mut().for_each(&mut f);
                f(default);
            }
            Self::ForInt { body, exit, .. } | Self::ForList { body, exit, .. } => {
                f(body);
                f(exit);
            }
            _ => {}
        }
    }
}

impl Cond {
    /// Calls `f` with each register tested.
    #[inline]
    pub fn for_each_use(&self, mut f: impl FnMut(VReg)) {
        match *self {
            Self::Bool(a) | Self::IntImm(_, a, _) | Self::Null(a) | Self::Type(a, _) => f(a),
            Self::Int(_, a, b) | Self::Float(_, a, b) => {
                f(a);
                f(b);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lumen_bytecode::code::OPS;
    use lumen_bytecode::operand::Role;

    #[test]
    fn what_an_instruction_writes_is_its_first_register() {
        for def in OPS.iter().filter(|def| !def.op.is_back_edge()) {
            let roles = def.op.register_roles();
            let written = |role: &Role| matches!(role, Role::Out | Role::Lend);
            assert!(!roles.iter().skip(1).any(written), "{}", def.text);
        }
    }
}
