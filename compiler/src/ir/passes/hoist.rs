//! What a loop computes anew in every round, and what cannot fail, is computed once before it:
//! constants, conversions, arithmetic on Floats, lengths and fields of what the loop leaves alone.

use super::ownership::is_word;
use crate::ir::census::Census;
use crate::ir::loops::Loops;
use crate::ir::roles::{Signatures, is_pure};
use crate::ir::{Block, BlockId, Func, Inst, RegInfo, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{GlobalDesc, TypeDesc};
use lumen_bytecode::operand::Role;
use rustc_hash::FxHashMap;

/// Instructions that one loop gives away at most: each keeps a register throughout it.
const MOST: usize = 32;
/// Rounds over a loop: what depends on what was moved may follow.
const ROUNDS: usize = 3;

/// Runs the pass on one function.
pub fn run(func: &mut Func, sigs: &Signatures, types: &[TypeDesc], globals: &[GlobalDesc]) {
    let mut loops = Loops::of(func);
    if loops.loops.is_empty() {
        return;
    }
    let mut pass = Pass {
        sigs,
        types,
        globals,
        census: Census::of(func, sigs),
        taken: taken(func, sigs),
        written_in: vec![usize::MAX; func.regs.len()],
        same: FxHashMap::default(),
    };
    let handlers = handlers(func);
    for l in 0..loops.loops.len() {
        let header = loops.loops[l].header;
        if handlers.contains(&header) {
            continue;
        }
        let moved = pass.collect(func, &loops, l);
        if !moved.is_empty() {
            put_before(func, &mut loops, l, moved);
        }
    }
    if !pass.same.is_empty() {
        for block in &mut func.blocks {
            for reg in block.insts.iter_mut().flat_map(|inst| &mut inst.regs) {
                *reg = pass.kept(*reg);
            }
            block.term.for_each_reg_mut(|reg| *reg = pass.kept(*reg));
        }
    }
}

/// Blocks that only failures enter.
fn handlers(func: &Func) -> Vec<BlockId> {
    let mut out: Vec<BlockId> = func
        .blocks
        .iter()
        .filter_map(|b| b.handler)
        .flat_map(|h| [Some(h.block), h.catch.flatten()])
        .flatten()
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// Registers whose value some instruction takes over.
fn taken(func: &Func, sigs: &Signatures) -> Vec<bool> {
    let mut taken = vec![false; func.regs.len()];
    for block in &func.blocks {
        for inst in &block.insts {
            sigs.for_each(inst, |_, reg, role| {
                taken[reg.0 as usize] |= matches!(role, Role::Take | Role::Io);
            });
        }
        block.term.for_each_use(|reg, role| {
            taken[reg.0 as usize] |= role == Role::Take;
        });
    }
    taken
}

struct Pass<'a> {
    sigs: &'a Signatures,
    types: &'a [TypeDesc],
    globals: &'a [GlobalDesc],
    census: Census,
    taken: Vec<bool>,
    /// The loop that was looked at last and writes the register.
    written_in: Vec<usize>,
    /// Registers that go, for others with the same value.
    same: FxHashMap<VReg, VReg>,
}

impl Pass<'_> {
    /// Takes the instructions out of loop `l` that can stand before it, in order.
    fn collect(&mut self, func: &mut Func, loops: &Loops, l: usize) -> Vec<Inst> {
        let mut blocks = loops.loops[l].blocks.clone();
        blocks.sort_unstable();
        for &b in &blocks {
            self.note_written(&func.blocks[b.0 as usize], l);
        }
        let mut moved = Vec::new();
        for _ in 0..ROUNDS {
            let before = moved.len();
            for &b in &blocks {
                let block = &mut func.blocks[b.0 as usize];
                let regs = &func.regs;
                block.insts.retain(|inst| {
                    let goes = moved.len() < MOST
                        && self.is_movable(inst, regs)
                        && self.is_invariant(inst, l);
                    if goes {
                        self.written_in[inst.regs[0].0 as usize] = usize::MAX;
                        self.add(inst, regs, &mut moved);
                    }
                    !goes
                });
            }
            if moved.len() == before {
                break;
            }
        }
        moved
    }

    /// Puts `inst` to what moves, unless something there computes the same.
    fn add(&mut self, inst: &Inst, regs: &[RegInfo], moved: &mut Vec<Inst>) {
        let mut inst = inst.clone();
        for reg in &mut inst.regs[1..] {
            *reg = self.kept(*reg);
        }
        let ty = |reg: VReg| regs[reg.0 as usize].ty;
        let same = moved.iter().find(|m| {
            m.op == inst.op
                && m.imms == inst.imms
                && m.regs[1..] == inst.regs[1..]
                && ty(m.regs[0]) == ty(inst.regs[0])
        });
        match same {
            Some(m) => _ = self.same.insert(inst.regs[0], m.regs[0]),
            None => moved.push(inst),
        }
    }

    /// The register that has the value of `reg`.
    fn kept(&self, mut reg: VReg) -> VReg {
        while let Some(&same) = self.same.get(&reg) {
            reg = same;
        }
        reg
    }

    fn note_written(&mut self, block: &Block, l: usize) {
        for inst in &block.insts {
            self.sigs.for_each(inst, |_, reg, role| {
                if matches!(role, Role::Out | Role::Lend | Role::Io) {
                    self.written_in[reg.0 as usize] = l;
                }
            });
        }
        block.term.for_each_use(|reg, role| {
            if role == Role::Io {
                self.written_in[reg.0 as usize] = l;
            }
        });
        if let Term::ForList { dst, .. } = block.term {
            self.written_in[dst.0 as usize] = l;
        }
    }

    /// Is it the only one to write its register, and does it read nothing that the loop writes?
    fn is_invariant(&self, inst: &Inst, l: usize) -> bool {
        self.census.is_single(inst.regs[0])
            && inst.regs[1..]
                .iter()
                .all(|reg| self.written_in[reg.0 as usize] != l)
    }

    /// May it run where the loop would not have run it?
    fn is_movable(&self, inst: &Inst, regs: &[RegInfo]) -> bool {
        let ty = |reg: VReg| regs[reg.0 as usize].ty;
        match inst.op {
            Op::IntConst | Op::ListLen => true,
            // A constant that is taken would need another reference instead.
            Op::Const => !self.taken[inst.regs[0].0 as usize],
            Op::GlobalGet => {
                let global = &self.globals[inst.imms[0] as usize];
                global.init.is_some() && !is_word(self.types, global.ty)
            }
            // What a test around it has shown of the value is not known before the loop.
            Op::FieldGet | Op::FieldGetWord => has_fields(&self.types[ty(inst.regs[1]) as usize]),
            Op::Move | Op::Lend | Op::Dup | Op::Drop | Op::Landing | Op::Mask | Op::Unmask => false,
            op => {
                let first = op.def().operands.first().map(|o| o.role);
                is_pure(op)
                    && !op.can_fail()
                    && first == Some(Role::Out)
                    && !inst.regs.iter().any(|&reg| is_word(self.types, ty(reg)))
            }
        }
    }
}

/// Whether values of the type have fields without a test of what they are.
fn has_fields(ty: &TypeDesc) -> bool {
    matches!(
        ty,
        TypeDesc::Record { .. } | TypeDesc::Tuple(_) | TypeDesc::Closure { .. } | TypeDesc::Error
    )
}

/// A block with `insts` before the header of loop `l`, on all ways in.
fn put_before(func: &mut Func, loops: &mut Loops, l: usize, insts: Vec<Inst>) {
    let header = loops.loops[l].header;
    let new = BlockId(func.blocks.len() as u32);
    let span = insts[0].span;
    let parent = loops.loops[l].parent;
    let before = Block {
        insts,
        term: Term::Jump(header),
        span,
        handler: None,
    };
    if header.0 == 0 {
        // The function's entry stays block 0: what stood there moves.
        let body = std::mem::replace(&mut func.blocks[0], before);
        func.blocks.push(body);
        for block in &mut func.blocks {
            block.term.for_each_target_mut(|t| {
                if t.0 == 0 {
                    *t = new;
                }
            });
        }
        loops.of_block.push(loops.of_block[0]);
        for of in &mut loops.loops {
            for b in of.blocks.iter_mut().chain(Some(&mut of.header)) {
                if b.0 == 0 {
                    *b = new;
                }
            }
        }
        loops.of_block[0] = parent;
        add(loops, parent, BlockId(0));
        return;
    }
    for b in 0..func.blocks.len() {
        if !loops.contains(l, BlockId(b as u32)) {
            func.blocks[b].term.for_each_target_mut(|t| {
                if *t == header {
                    *t = new;
                }
            });
        }
    }
    func.blocks.push(before);
    loops.of_block.push(parent);
    add(loops, parent, new);
}

/// `block` is in loop `l`, and in those around it.
fn add(loops: &mut Loops, l: Option<usize>, block: BlockId) {
    let mut at = l;
    while let Some(l) = at {
        loops.loops[l].blocks.push(block);
        at = loops.loops[l].parent;
    }
}
