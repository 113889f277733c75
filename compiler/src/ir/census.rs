//! How often each register is written and read.

use super::roles::Signatures;
use super::{Block, Func, Inst, Term, VReg};
use lumen_bytecode::operand::Role;

/// Counts of definitions and uses. The passes that simplify keep them true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census(Vec<Count>);

/// Counts for one register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    /// Definitions; an `io` operand is one, a parameter has one from the start.
    defs: u32,
    /// Reads; an `io` operand is one.
    uses: u32,
}

/// Calls `f` for each register that `inst` writes or changes.
#[inline]
fn for_each_def(inst: &Inst, sigs: &Signatures, mut f: impl FnMut(VReg)) {
    if let Some(reg) = sigs.out(inst) {
        f(reg);
    }
    if sigs.changes(inst) {
        sigs.for_each(inst, |_, reg, role| {
            if role == Role::Io {
                f(reg);
            }
        });
    }
}

/// Calls `f` for each register that a terminator changes.
fn for_each_def_at_end(term: &Term, mut f: impl FnMut(VReg)) {
    term.for_each_use(|reg, role| {
        if role == Role::Io {
            f(reg);
        }
    });
    if let Term::ForList { dst, .. } = term {
        f(*dst);
    }
}

impl Census {
    /// Counts in `func`.
    #[must_use]
    pub fn of(func: &Func, sigs: &Signatures) -> Self {
        let mut this = Self::default();
        this.recount(func, sigs);
        this
    }

    /// Counts in `func`, in the place of what has been counted before.
    pub fn recount(&mut self, func: &Func, sigs: &Signatures) {
        self.0.clear();
        self.0.resize(func.regs.len(), Count::default());
        let closure = func.closure.as_ref().map(|(reg, _)| reg);
        for &reg in func.params.iter().chain(closure) {
            self.0[reg.0 as usize].defs += 1;
        }
        for block in &func.blocks {
            for inst in &block.insts {
                self.count(inst, sigs);
            }
            self.count_term(&block.term);
            for_each_def_at_end(&block.term, |reg| self.0[reg.0 as usize].defs += 1);
        }
    }

    /// `inst` has come.
    #[inline]
    pub fn count(&mut self, inst: &Inst, sigs: &Signatures) {
        self.count_reads(inst, sigs);
        for_each_def(inst, sigs, |reg| self.0[reg.0 as usize].defs += 1);
    }

    /// `inst` has gone.
    #[inline]
    pub fn uncount(&mut self, inst: &Inst, sigs: &Signatures) {
        self.uncount_reads(inst, sigs);
        for_each_def(inst, sigs, |reg| self.0[reg.0 as usize].defs -= 1);
    }

    /// The reads of `inst`, which writes what the one before it wrote, have come.
    #[inline]
    pub fn count_reads(&mut self, inst: &Inst, sigs: &Signatures) {
        for &reg in sigs.reads(inst) {
            self.0[reg.0 as usize].uses += 1;
        }
    }

    /// The reads of `inst`, which will be replaced, go.
    #[inline]
    pub fn uncount_reads(&mut self, inst: &Inst, sigs: &Signatures) {
        for &reg in sigs.reads(inst) {
            self.0[reg.0 as usize].uses -= 1;
        }
    }

    /// A reader of `before` reads `after` instead.
    #[inline]
    pub fn replace(&mut self, before: VReg, after: VReg) {
        self.0[before.0 as usize].uses -= 1;
        self.0[after.0 as usize].uses += 1;
    }

    /// What a terminator reads is read once more.
    #[inline]
    pub fn count_term(&mut self, term: &Term) {
        term.for_each_use(|reg, _| self.0[reg.0 as usize].uses += 1);
    }

    /// What a terminator reads is read once less.
    #[inline]
    pub fn uncount_term(&mut self, term: &Term) {
        term.for_each_use(|reg, _| self.0[reg.0 as usize].uses -= 1);
    }

    /// The block has gone.
    pub fn uncount_block(&mut self, block: &Block, sigs: &Signatures) {
        for inst in &block.insts {
            self.uncount(inst, sigs);
        }
        self.uncount_term(&block.term);
        for_each_def_at_end(&block.term, |reg| self.0[reg.0 as usize].defs -= 1);
    }

    /// One read more of `reg`.
    pub fn add_use(&mut self, reg: VReg) {
        self.0[reg.0 as usize].uses += 1;
    }

    /// One read less of `reg`.
    pub fn remove_use(&mut self, reg: VReg) {
        self.0[reg.0 as usize].uses -= 1;
    }

    /// What `dst` was read for, `to` is read for; `dst` is not written any more.
    pub fn forward(&mut self, dst: VReg, to: VReg) {
        let gone = std::mem::take(&mut self.0[dst.0 as usize]);
        self.0[to.0 as usize].uses += gone.uses;
    }

    /// How often `reg` is read.
    #[must_use]
    #[inline]
    pub fn uses(&self, reg: VReg) -> u32 {
        self.0[reg.0 as usize].uses
    }

    /// Written exactly once: the register always has one value where it has any.
    #[must_use]
    #[inline]
    pub fn is_single(&self, reg: VReg) -> bool {
        self.0[reg.0 as usize].defs == 1
    }

    /// Written once and read once.
    #[must_use]
    #[inline]
    pub fn is_temp(&self, reg: VReg) -> bool {
        self.0[reg.0 as usize] == Count { defs: 1, uses: 1 }
    }
}

/// Where registers are written.
#[derive(Clone, Debug, Default)]
pub struct Sites {
    /// How often each is, and by which instruction of which block if that is known.
    found: Vec<(u32, Option<(u32, u32)>)>,
}

impl Sites {
    /// Where registers are written in `func`.
    #[must_use]
    pub fn of(func: &Func, sigs: &Signatures) -> Self {
        let mut this = Self::default();
        this.found.resize(func.regs.len(), (0, None));
        let closure = func.closure.as_ref().map(|(reg, _)| reg);
        for &reg in func.params.iter().chain(closure) {
            this.found[reg.0 as usize].0 += 1;
        }
        this.add_blocks(func, 0, sigs);
        this
    }

    /// Adds the blocks of `func` from number `from` on, and its registers.
    pub fn add_blocks(&mut self, func: &Func, from: usize, sigs: &Signatures) {
        self.found.resize(func.regs.len(), (0, None));
        for (b, block) in func.blocks.iter().enumerate().skip(from) {
            self.add_insts(b, &block.insts, 0, sigs);
            for_each_def_at_end(&block.term, |reg| self.found[reg.0 as usize].0 += 1);
        }
    }

    /// Adds the instructions of block `b` from number `from` on.
    pub fn add_insts(&mut self, b: usize, insts: &[Inst], from: usize, sigs: &Signatures) {
        for (i, inst) in insts.iter().enumerate().skip(from) {
            for_each_def(inst, sigs, |reg| {
                let (defs, site) = &mut self.found[reg.0 as usize];
                *defs += 1;
                *site = Some((b as u32, i as u32));
            });
        }
    }

    /// Takes back the instructions of a block from number `from` on.
    pub fn remove_insts(&mut self, insts: &[Inst], from: usize, sigs: &Signatures) {
        for inst in &insts[from..] {
            for_each_def(inst, sigs, |reg| {
                let (defs, site) = &mut self.found[reg.0 as usize];
                (*defs, *site) = (*defs - 1, None);
            });
        }
    }

    /// Takes back what a terminator writes.
    pub fn remove_term(&mut self, term: &Term) {
        for_each_def_at_end(term, |reg| self.found[reg.0 as usize].0 -= 1);
    }

    /// Block and instruction that write `reg`, if only one does.
    #[must_use]
    pub fn only(&self, reg: VReg) -> Option<(u32, u32)> {
        let (defs, site) = self.found[reg.0 as usize];
        site.filter(|_| defs == 1)
    }
}
