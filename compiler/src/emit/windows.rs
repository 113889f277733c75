//! Puts arguments side by side.

use super::func::Emitter;
use super::registers::window_args;
use crate::ir::passes::ownership::Class;
use crate::ir::{BlockId, Inst, VReg};
use lumen_bytecode::code::{Insn, Op};
use lumen_bytecode::operand::Role;
use smallvec::{SmallVec, smallvec};

/// One value to bring into place.
#[derive(Clone, Copy)]
struct Transfer {
    from: u32,
    to: u32,
    op: Op,
}

impl Emitter<'_> {
    /// Moves the window operands of `inst` into place; gives the window's first slot.
    pub(super) fn window(&mut self, b: BlockId, i: usize, inst: &Inst) -> u32 {
        let Some((args, behind)) = window_args(inst) else {
            return 0;
        };
        let is_call = matches!(inst.op, Op::Call | Op::CallClosure);
        if !is_call && let Some(first) = self.in_place(args) {
            return first;
        }
        let base = self.slots.window(b, i);
        let args: SmallVec<[VReg; 8]> = args.into();
        let skip = inst.regs.len() - args.len();
        let mut takes: SmallVec<[bool; 16]> = smallvec![false; args.len()];
        self.sigs.for_each(inst, |at, _, role| {
            if at >= skip && role == Role::Take {
                takes[at - skip] = true;
            }
        });
        let transfers = args
            .iter()
            .enumerate()
            .map(|(k, &arg)| Transfer {
                from: self.slot(arg),
                to: base + behind + k as u32,
                op: match self.classes[arg.0 as usize] {
                    Class::Plain => Op::Move,
                    _ if takes[k] => Op::Move,
                    _ => Op::Lend,
                },
            })
            .filter(|t| t.from != t.to)
            .collect();
        let end = base + behind + args.len() as u32;
        self.out.reserve(end as usize + 2);
        self.parallel(transfers, end);
        base
    }

    /// The first slot, if the arguments stand side by side already.
    fn in_place(&self, args: &[VReg]) -> Option<u32> {
        let first = args.first().map_or(1, |&a| self.slot(a));
        args.iter()
            .enumerate()
            .all(|(k, &a)| self.slot(a) == first + k as u32)
            .then_some(first)
    }

    /// Does all transfers as if at once: one whose target nobody still reads goes first; a cycle
    /// is broken with the free slot `spare`.
    fn parallel(&mut self, mut todo: SmallVec<[Transfer; 8]>, spare: u32) {
        while !todo.is_empty() {
            let ready = todo
                .iter()
                .position(|t| todo.iter().all(|o| o.from != t.to));
            if let Some(k) = ready {
                let t = todo.remove(k);
                self.out.emit(Insn::encode(t.op, &[t.to, t.from]));
            } else {
                let from = todo[0].from;
                self.out.emit(Insn::encode(todo[0].op, &[spare, from]));
                for t in todo.iter_mut().filter(|t| t.from == from) {
                    t.from = spare;
                }
            }
        }
    }
}
