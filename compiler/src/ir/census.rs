//! How often each register is written and read.

use super::roles::Signatures;
use super::{Func, Term, VReg};
use lumen_bytecode::operand::Role;

/// Counts of definitions and uses.
#[derive(Clone, Debug)]
pub struct Census {
    /// Definitions; an `io` operand is one, a parameter has one from the start.
    pub defs: Vec<u32>,
    /// Reads; an `io` operand is one.
    pub uses: Vec<u32>,
    /// Block and instruction of the (last seen) definition by an instruction.
    pub site: Vec<Option<(u32, u32)>>,
}

impl Census {
    /// Counts in `func`.
    #[must_use]
    pub fn of(func: &Func, sigs: &Signatures) -> Self {
        let n = func.regs.len();
        let mut this = Self {
            defs: vec![0; n],
            uses: vec![0; n],
            site: vec![None; n],
        };
        for &reg in func
            .params
            .iter()
            .chain(func.closure.as_ref().map(|(reg, _)| reg))
        {
            this.defs[reg.0 as usize] += 1;
        }
        for (b, block) in func.blocks.iter().enumerate() {
            for (i, inst) in block.insts.iter().enumerate() {
                let site = Some((b as u32, i as u32));
                for &reg in sigs.reads(inst) {
                    this.uses[reg.0 as usize] += 1;
                }
                if let Some(reg) = sigs.out(inst) {
                    this.defs[reg.0 as usize] += 1;
                    this.site[reg.0 as usize] = site;
                }
                if sigs.changes(inst) {
                    sigs.for_each(inst, |_, reg, role| {
                        if role == Role::Io {
                            this.defs[reg.0 as usize] += 1;
                            this.site[reg.0 as usize] = site;
                        }
                    });
                }
            }
            block.term.for_each_use(|reg, role| {
                this.uses[reg.0 as usize] += 1;
                if role == Role::Io {
                    this.defs[reg.0 as usize] += 1;
                }
            });
            if let Term::ForList { dst, .. } = block.term {
                this.defs[dst.0 as usize] += 1;
            }
        }
        this
    }

    /// Only how often each register is read.
    #[must_use]
    pub fn uses(func: &Func, sigs: &Signatures) -> Vec<u32> {
        let mut uses = vec![0; func.regs.len()];
        for block in &func.blocks {
            for inst in &block.insts {
                for &reg in sigs.reads(inst) {
                    uses[reg.0 as usize] += 1;
                }
            }
            block.term.for_each_use(|reg, _| uses[reg.0 as usize] += 1);
        }
        uses
    }

    /// Written exactly once: the register always has one value where it has any.
    #[must_use]
    pub fn is_single(&self, reg: VReg) -> bool {
        self.defs[reg.0 as usize] == 1
    }

    /// Written once and read once.
    #[must_use]
    pub fn is_temp(&self, reg: VReg) -> bool {
        self.is_single(reg) && self.uses[reg.0 as usize] == 1
    }
}
