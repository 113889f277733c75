//! One function: blocks in order, instructions to words, landings, frame maps, lines.

use super::Shared;
use super::flow::{Flow, Narrowed};
use super::order::Order;
use super::registers::{Allocation, MOST_SLOTS, NONE, allocate};
use crate::ir::bitset::BitSet;
use crate::ir::liveness::Liveness;
use crate::ir::passes::ownership::Class;
use crate::ir::roles::Signatures;
use crate::ir::{Block, BlockId, Func, Handler, Inst, Program, Term, VReg, scope_of};
use crate::source::{FileId, Position, Span};
use lumen_bytecode::builder::{BuildError, FunctionBuilder, HandlerLabel, Label, Room};
use lumen_bytecode::code::{Insn, Op};
use lumen_bytecode::module::{Function, Inlined, RegState, well_known};
use lumen_bytecode::operand::{OperandKind, Role};
use smallvec::SmallVec;

/// The state of emitting one function.
pub(super) struct Emitter<'a> {
    pub(super) func: &'a Func,
    pub(super) classes: &'a [Class],
    pub(super) shared: &'a Shared<'a>,
    pub(super) program: &'a Program,
    pub(super) sigs: &'a Signatures,
    pub(super) live: Liveness,
    pub(super) slots: Allocation,
    pub(super) out: FunctionBuilder,
    pub(super) labels: Vec<Label>,
    /// Position of each block in the layout.
    pub(super) position: Vec<usize>,
    pub(super) order: Vec<BlockId>,
    /// In reverse postorder.
    natural: Vec<BlockId>,
    /// Blocks of one `loop` that jump tables go through to get back.
    pub(super) trampolines: Vec<(Label, BlockId, BlockId)>,
    last_span: Option<Span>,
    last_file: FileId,
    last_place: Position,
    after: After,
    /// Registers that own something that must be given up.
    owned: BitSet,
    /// Room for the slots of a landing.
    drops: [Vec<u16>; 2],
}

/// Owned words live after the instructions of a block.
#[derive(Default)]
struct After {
    regs: Vec<VReg>,
    /// Per instruction, its part of `regs`.
    of: Vec<(usize, usize)>,
    now: BitSet,
}

/// Emits `func`.
pub(super) fn emit(
    func: &Func,
    classes: &[Class],
    shared: &Shared<'_>,
    room: &mut Room,
) -> Result<Function, BuildError> {
    let (program, sigs, sources) = (shared.program, shared.sigs, shared.sources);
    let Order {
        natural,
        layout: order,
    } = Order::of(func);
    let live = Liveness::of(func, sigs, &|_| None);
    let slots = allocate(func, sigs, &live, &order);
    if slots.frame > MOST_SLOTS {
        return Err(BuildError::Frame);
    }
    let params = func
        .params
        .iter()
        .map(|p| func.regs[p.0 as usize].ty)
        .collect();
    let mut out = FunctionBuilder::new(&func.name, params, func.owned.clone(), func.result);
    if let Some((_, ty)) = func.closure {
        out.set_closure(ty);
    }
    out.build_in(room);
    out.reserve(slots.frame as usize);
    let labels = func.blocks.iter().map(|_| out.new_label()).collect();
    let mut position = vec![usize::MAX; func.blocks.len()];
    for (i, b) in order.iter().enumerate() {
        position[b.0 as usize] = i;
    }
    let mut emitter = Emitter {
        func,
        classes,
        shared,
        program,
        sigs,
        live,
        slots,
        out,
        labels,
        position,
        order,
        natural,
        trampolines: Vec::new(),
        last_span: None,
        last_file: func.span.file,
        last_place: Position::default(),
        after: After::default(),
        owned: owned(func, classes),
        drops: Default::default(),
    };
    emitter.blocks();
    let inlined = func.inlined.iter().map(|call| {
        let (span, scope) = scope_of(call.span);
        let at = sources.line_column(span);
        Inlined {
            name: call.name.clone(),
            file: span.file.0,
            line: at.line,
            column: at.column,
            scope,
        }
    });
    let mut function = emitter.out.finish_in(room)?;
    function.inlined = inlined.collect();
    Ok(function)
}

/// The registers that own something that must be given up.
fn owned(func: &Func, classes: &[Class]) -> BitSet {
    let mut owned = BitSet::new(func.regs.len());
    for (reg, (class, info)) in (0..).zip(classes.iter().zip(&func.regs)) {
        if *class == Class::Owned && info.ty != well_known::NULL {
            owned.insert(reg);
        }
    }
    owned
}

impl Emitter<'_> {
    fn blocks(&mut self) {
        let mut flow = Flow::new(
            self.func,
            &self.program.types,
            &self.shared.unions,
            &self.program.constants,
            &self.natural,
        );
        flow.solve(&self.natural, |inst| self.sigs.out(inst));
        let jumped = self.jumped_to();
        // What is known where a trampoline is entered.
        let mut ends: Vec<Narrowed> = Vec::new();
        for i in 0..self.order.len() {
            let b = self.order[i];
            let mut narrowed = flow.at_start(b);
            if jumped[b.0 as usize] {
                let map = self.frame_map(b, &flow, &narrowed);
                if self.out.clashes(&map) {
                    // The block before is empty, and more is known there than here.
                    let jump = Insn::encode(Op::Jump, &[0]);
                    self.out.branch(jump, self.labels[b.0 as usize]);
                }
                self.out.bind(self.labels[b.0 as usize], map);
            }
            self.block(b, &flow, &mut narrowed);
            ends.resize(self.trampolines.len(), narrowed);
        }
        let trampolines = std::mem::take(&mut self.trampolines);
        for ((label, target, from), mut known) in trampolines.into_iter().zip(ends) {
            known.extend(&flow.at_start(target));
            self.trampoline(label, target, from, &flow, &known);
        }
    }

    /// A way back to `target`, taken at the end of `from`. It polls, so what the handler of `from`
    /// wants is live in it too.
    fn trampoline(
        &mut self,
        label: Label,
        target: BlockId,
        from: BlockId,
        flow: &Flow<'_>,
        known: &Narrowed,
    ) {
        let handler = self.func.blocks[from.0 as usize].handler;
        let handlers = handler
            .into_iter()
            .flat_map(|h| [Some(h.block), h.catch.flatten()]);
        let mut live: Vec<VReg> = self.live.live_in(target).collect();
        for block in handlers.flatten() {
            live.extend(self.live.live_in(block));
        }
        live.sort_unstable();
        live.dedup();
        let map = self.states(live.iter().copied(), flow, known);
        self.out.bind(label, map);
        let owned = live.iter().copied().filter(|&r| self.is_owned(r));
        let owned: SmallVec<[VReg; 16]> = owned.collect();
        self.land(handler, owned.iter().copied());
        self.out
            .branch(Insn::encode(Op::Loop, &[0]), self.labels[target.0 as usize]);
    }

    /// Blocks that something else than falling through gets to.
    fn jumped_to(&self) -> Vec<bool> {
        let mut jumped = vec![false; self.func.blocks.len()];
        for (i, &b) in self.order.iter().enumerate() {
            let block = &self.func.blocks[b.0 as usize];
            block.term.for_each_target(|t| {
                let falls = matches!(block.term, Term::Jump(_)) && self.is_next(i, t);
                jumped[t.0 as usize] |= !falls;
            });
            if let Some(h) = block.handler {
                jumped[h.block.0 as usize] = true;
                if let Some(outer) = h.catch.flatten() {
                    jumped[outer.0 as usize] = true;
                }
            }
        }
        jumped
    }

    pub(super) fn is_next(&self, at: usize, b: BlockId) -> bool {
        self.position[b.0 as usize] == at + 1
    }

    /// Live registers at the start of `b`, as the frame map has them.
    fn frame_map(&self, b: BlockId, flow: &Flow<'_>, narrowed: &Narrowed) -> Vec<RegState> {
        self.states(self.live.live_in(b), flow, narrowed)
    }

    fn states(
        &self,
        regs: impl Iterator<Item = VReg>,
        flow: &Flow<'_>,
        narrowed: &Narrowed,
    ) -> Vec<RegState> {
        regs.filter(|&r| self.slots.of(r) != NONE)
            .map(|r| {
                let (slot, ty) = (self.slots.of(r) as u16, flow.ty(narrowed, r));
                match self.classes[r.0 as usize] {
                    Class::Plain => RegState::plain(slot, ty),
                    Class::Owned => RegState::owned(slot, ty),
                    Class::Borrowed(_) => RegState::borrowed(slot, ty, self.source(r)),
                }
            })
            .collect()
    }

    /// The owned register that keeps a borrowed one alive.
    fn source(&self, reg: VReg) -> Option<u16> {
        let mut next = reg;
        loop {
            match self.classes[next.0 as usize] {
                Class::Borrowed(Some(owner)) => next = owner,
                Class::Borrowed(None) | Class::Plain => return None,
                Class::Owned => return Some(self.slots.of(next) as u16),
            }
        }
    }

    fn block(&mut self, b: BlockId, flow: &Flow<'_>, narrowed: &mut Narrowed) {
        let func = self.func;
        let block = &func.blocks[b.0 as usize];
        let mut after = std::mem::take(&mut self.after);
        self.live_after(b, block, &mut after);
        for (i, inst) in block.insts.iter().enumerate() {
            let written = self.sigs.out(inst);
            let needed = flow.step(inst, written, narrowed);
            let identity = matches!(inst.op, Op::Move)
                && self.slots.of(inst.regs[0]) == self.slots.of(inst.regs[1]);
            let dead = matches!(inst.op, Op::Move | Op::Lend | Op::Const | Op::IntConst)
                && self.slots.of(inst.regs[0]) == NONE;
            if !needed || identity || dead {
                continue;
            }
            self.line(inst.span);
            if inst.op.can_fail() {
                let (from, to) = after.of[i];
                let owned = after.regs[from..to].iter().copied();
                self.land(block.handler, owned.filter(|&r| Some(r) != written));
            }
            self.inst(b, i, inst);
        }
        self.after = after;
        self.line(block.span);
        self.land_term(b);
        match flow.decided(&block.term, narrowed) {
            Some(to) => self.term(b, &Term::Jump(to)),
            None => self.term(b, &block.term),
        }
    }

    /// Finds the owned words live after each instruction of the block that can fail.
    fn live_after(&self, b: BlockId, block: &Block, after: &mut After) {
        after.regs.clear();
        after.of.clear();
        if !block.insts.iter().any(|i| i.op.can_fail()) {
            return;
        }
        after.of.resize(block.insts.len(), (0, 0));
        after.now.reset(self.func.regs.len());
        let After { regs, of, now } = after;
        let owned = &self.owned;
        self.live
            .walk(self.func, self.sigs, &|_| None, b, now, |i, inst, live| {
                if inst.op.can_fail() {
                    let from = regs.len();
                    live.for_each_common(owned, |r| regs.push(VReg(r)));
                    of[i] = (from, regs.len());
                }
            });
    }

    /// Does it own something that must be given up?
    fn is_owned(&self, reg: VReg) -> bool {
        self.owned.contains(reg.0)
    }

    /// What follows has this handler and these owned words.
    fn land(&mut self, handler: Option<Handler>, owned: impl Iterator<Item = VReg> + Clone) {
        let [mut drops, mut cancel_drops] = std::mem::take(&mut self.drops);
        let not_kept = |by: Option<BlockId>, into: &mut Vec<u16>| {
            into.clear();
            let gone = (owned.clone()).filter(|&r| by.is_none_or(|h| !self.live.is_live_in(h, r)));
            into.extend(gone.map(|r| self.slots.of(r) as u16));
            into.sort_unstable();
        };
        let label = |b: BlockId| self.labels[b.0 as usize];
        not_kept(handler.map(|h| h.block), &mut drops);
        cancel_drops.clear();
        let handler = match handler {
            None => HandlerLabel::None,
            Some(Handler { block, catch: None }) => HandlerLabel::Cleanup(label(block)),
            Some(Handler {
                block,
                catch: Some(outer),
            }) => {
                not_kept(outer, &mut cancel_drops);
                HandlerLabel::Catch {
                    label: label(block),
                    cancel: outer.map(label),
                }
            }
        };
        self.out.landing_at(&drops, handler, &cancel_drops);
        self.drops = [drops, cancel_drops];
    }

    /// The landing of a block's terminator: polls, throws.
    fn land_term(&mut self, b: BlockId) {
        let func = self.func;
        let block = &func.blocks[b.0 as usize];
        let out = self.live.live_out(b).filter(|&r| self.is_owned(r));
        let mut owned: SmallVec<[VReg; 16]> = out.collect();
        block.term.for_each_use(|reg, role| {
            if role == Role::Take {
                owned.retain(|&mut r| r != reg);
            } else if !owned.contains(&reg) {
                owned.push(reg);
            }
        });
        owned.retain(|&mut r| self.is_owned(r));
        self.land(block.handler, owned.iter().copied());
    }

    fn line(&mut self, span: Span) {
        if self.last_span == Some(span) {
            return;
        }
        self.last_span = Some(span);
        let (span, scope) = scope_of(span);
        if span.file != self.last_file {
            (self.last_file, self.last_place) = (span.file, Position::default());
        }
        let file = self.shared.sources.file(span.file);
        let at = file.line_column_near(span.start, &mut self.last_place);
        self.out.line_in(scope, span.file.0, at.line, at.column);
    }

    pub(super) fn slot(&self, reg: VReg) -> u32 {
        let slot = self.slots.of(reg);
        // A register that is written and never read: anywhere out of the way.
        if slot == NONE { self.slots.frame } else { slot }
    }

    fn inst(&mut self, b: BlockId, i: usize, inst: &Inst) {
        let window = self.window(b, i, inst);
        let mut regs = inst.regs.iter();
        let mut imms = inst.imms.iter();
        let count = |skip: usize| (inst.regs.len() - skip) as u32;
        let mut beyond = false;
        let insn = Insn::make(inst.op, |kind| match kind {
            OperandKind::Reg => regs.next().map_or(0, |&r| {
                let slot = self.slot(r);
                beyond |= slot == self.slots.frame;
                slot
            }),
            OperandKind::Window => {
                beyond |= window == self.slots.frame;
                window
            }
            OperandKind::Count if inst.op == Op::CallClosure => count(2),
            OperandKind::Count if inst.op != Op::Spawn => count(1),
            _ => imms.next().copied().unwrap_or(0),
        });
        if beyond {
            self.out.reserve(self.slots.frame as usize + 1);
        }
        self.out.emit(insn);
        if matches!(inst.op, Op::Call | Op::CallClosure) {
            let slot = self.slots.of(inst.regs[0]);
            if slot != window && slot != NONE {
                self.out.emit(Insn::encode(Op::Move, &[slot, window]));
            }
        }
    }
}
