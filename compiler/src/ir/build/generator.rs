//! Generators: state machines over objects.
//!
//! `Generator[T]` is an enum with one variant per generator function that yields T. The payload of
//! a variant is `state: Int, value: T, saved…`: where the generator goes on, what it last yielded,
//! and the registers that live across a yield. A generator function becomes two: the one of its own
//! number makes the object; the other, the resuming function, takes an object, runs to the next
//! yield and gives the object back, with state -1 at the end. It owns the object it is given, so
//! the object is updated in place, and a copy of a generator goes its own way.
//!
//! The body is lowered as any other, with the yields as suspensions; then registers live at a
//! suspension get a field, are stored before it and loaded after it.
//!
//! A loop that is left early ends its generator: it is resumed once more in state `-1 - n`, where
//! `n` is the state it stood in, and there runs what `return` in place of the yield would run
//! (`defer`, `finally`). Only a generator that no loop drives to its end or leaves is just dropped.

use super::Module;
use super::adapter::placeholder;
use super::code::{Code, Suspension, field_get, field_set, tidy};
use super::func::{Exit, FuncBuilder, index};
use crate::hir::{self, Callee, Expr, ExprKind, FuncId, FuncKind, Repr, Ty, TyKind};
use crate::ir::liveness::Liveness;
use crate::ir::roles::Signatures;
use crate::ir::{Block, BlockId, Cmp, Cond, Func, Inst, RegInfo, Term, VReg};
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::token::sym;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, FieldDesc, TypeDesc, TypeIx, well_known};
use lumen_bytecode::operand::Role;

const STATE: u32 = 0;
const VALUE: u32 = 1;
const FIRST_SAVED: usize = 2;
/// The state of a generator that has ended.
const ENDED: i32 = -1;

/// What a generator function yields.
pub(crate) fn item(program: &hir::Program, func: &hir::Func) -> Option<Ty> {
    match (func.kind, program.types.kind(func.result)) {
        (FuncKind::Generator, TyKind::Generator(item)) => Some(*item),
        _ => None,
    }
}

/// A register kept in the object between two rounds.
struct Saved {
    /// The field's type: that of the register, or with Null where it may not be set yet.
    ty: TypeIx,
    /// Changed in place somewhere: it is taken out of the object while the generator runs, so
    /// that it is not copied.
    taken: bool,
}

/// A generator that a loop drives.
#[derive(Clone, Copy)]
pub(crate) struct Driven {
    /// The register that holds its object.
    pub(crate) object: VReg,
    /// What it yields.
    pub(crate) item: Ty,
    /// Which of the generators that yield such it is, if that is known.
    pub(crate) only: Option<Resume>,
}

/// What goes on with the objects of a generator function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resume {
    /// Which variant of the generator enum they are.
    pub(crate) variant: u32,
    /// The resuming function.
    pub(crate) func: u32,
}

/// What the rewriting of one body needs.
struct Machine<'m, 'a> {
    m: &'m mut Module<'a>,
    func: Func,
    object: VReg,
    item: TypeIx,
    variant: TypeIx,
    saved: Vec<Saved>,
    /// Registers of `saved`, by register.
    fields: rustc_hash::FxHashMap<VReg, usize>,
}

/// Lowers a generator function: its maker and its resuming function.
pub(crate) fn lower(m: &mut Module<'_>, id: FuncId, body: &Expr) {
    let f = m.func(id);
    let Some(item) = item(m.hir, f) else { return };
    let enum_ix = m.types.of(f.result);
    let resume = m.resumes[&id];
    let variant = enum_ix + 1 + resume.variant;
    let item_ix = m.types.of(item);
    let mut b = FuncBuilder::new(m, f, body, Exit::Generator);
    let params: Vec<VReg> = f.params.iter().map(|&p| b.local(p)).collect();
    b.body();
    let object = b.c.named(enum_ix, sym::GENERATOR);
    let suspensions = std::mem::take(&mut b.c.suspensions);
    let (regs, blocks, order) = b.c.into_blocks();
    let func = Func {
        name: f.name.clone(),
        params: vec![object],
        closure: None,
        result: enum_ix,
        regs,
        blocks,
        inline: false,
        owned: Vec::new(),
        inlined: Vec::new(),
        escapes: false,
        span: f.span,
    };
    let mut machine = Machine {
        m,
        func,
        object,
        item: item_ix,
        variant,
        saved: Vec::new(),
        fields: rustc_hash::FxHashMap::default(),
    };
    let live = machine.live(&suspensions, &params);
    let mut first: Vec<VReg> = params.clone();
    first.extend(live.iter().flatten());
    machine.allot(&first, &params);
    machine.describe(enum_ix, &f.name);
    let order = machine.rewrite(&suspensions, &live, &params, order);
    let maker = machine.maker(&params, enum_ix);
    let mut resuming = machine.func;
    tidy(&mut resuming, &order);
    m.set(resume.func, resuming);
    m.set(id.0, maker);
}

impl Machine<'_, '_> {
    /// The registers live where each suspension goes on.
    fn live(&self, suspensions: &[Suspension], params: &[VReg]) -> Vec<Vec<VReg>> {
        // With the way from each suspension to where it goes on, and only then, liveness sees the
        // whole body. The value yielded is read by the store that comes in its place.
        let mut whole = self.func.clone();
        whole.params = params.to_vec();
        for s in suspensions {
            whole.blocks[s.block.0 as usize].term = Term::SwitchInt {
                value: s.value,
                low: 0,
                targets: s.close.into_iter().collect(),
                default: s.resume,
            };
        }
        let sigs = self.signatures();
        let liveness = Liveness::of(&whole, &sigs, &|_| None);
        let live = |s: &Suspension| {
            let mut regs: Vec<VReg> = liveness.live_in(s.resume).collect();
            regs.extend(s.close.into_iter().flat_map(|b| liveness.live_in(b)));
            regs.sort_unstable();
            regs.dedup();
            regs
        };
        suspensions.iter().map(live).collect()
    }

    /// What is known of callees so far: that no function owns a parameter.
    fn signatures(&self) -> Signatures {
        let natives = self.m.natives.items.iter();
        Signatures {
            owned: Vec::new(),
            mutators: natives.map(|native| native.mutator).collect(),
        }
    }

    /// Gives each register a field.
    fn allot(&mut self, regs: &[VReg], params: &[VReg]) {
        let mut changed = vec![false; self.func.regs.len()];
        let sigs = self.signatures();
        for inst in self.func.blocks.iter().flat_map(|b| &b.insts) {
            if !matches!(inst.op, Op::Cast | Op::Widen) {
                sigs.for_each(inst, |_, reg, role| {
                    changed[reg.0 as usize] |= role == Role::Io;
                });
            }
        }
        for &reg in regs {
            if self.fields.contains_key(&reg) {
                continue;
            }
            let own = self.func.regs[reg.0 as usize].ty;
            let word = self.m.types.repr(own) == Repr::Word;
            let taken = word && changed[reg.0 as usize];
            let ty = if word && (taken || !params.contains(&reg)) {
                self.m.types.union(&[own, well_known::NULL])
            } else {
                own
            };
            self.fields.insert(reg, self.saved.len());
            self.saved.push(Saved { ty, taken });
        }
    }

    /// Fills in the variant's fields.
    fn describe(&mut self, of: TypeIx, name: &str) {
        let field = |name: String, ty| FieldDesc { name, ty };
        let value = self.value_ty();
        let mut fields = vec![
            field("state".to_owned(), well_known::INT),
            field("value".to_owned(), value),
        ];
        for (n, saved) in self.saved.iter().enumerate() {
            fields.push(field(n.to_string(), saved.ty));
        }
        self.m.types.descs[self.variant as usize] = TypeDesc::Variant {
            of,
            name: name.to_owned(),
            fields,
        };
    }

    /// The type of the field of the value: none is there before the first yield.
    fn value_ty(&mut self) -> TypeIx {
        value_type(self.m, self.item)
    }

    fn reg(&mut self, ty: TypeIx) -> VReg {
        let reg = VReg(index(self.func.regs.len()));
        self.func.regs.push(RegInfo {
            ty,
            name: Symbol::NONE,
        });
        reg
    }

    fn block(&mut self, insts: Vec<Inst>, term: Term) -> BlockId {
        let id = BlockId(index(self.func.blocks.len()));
        self.func.blocks.push(Block {
            insts,
            term,
            span: self.func.span,
            handler: None,
        });
        id
    }

    /// Makes the state machine; the order of its blocks.
    fn rewrite(
        &mut self,
        suspensions: &[Suspension],
        live: &[Vec<VReg>],
        params: &[VReg],
        order: Vec<BlockId>,
    ) -> Vec<BlockId> {
        let body: Vec<BlockId> = order.clone();
        for b in &body {
            let block = &mut self.func.blocks[b.0 as usize];
            if block.term == Term::ReturnNull {
                let span = block.span;
                let ended = self.set_state(ENDED, span);
                let object = self.object;
                let block = &mut self.func.blocks[b.0 as usize];
                block.insts.extend(ended);
                block.term = Term::Return(object);
            }
        }
        let mut states = vec![self.restore(params, BlockId(0))];
        let mut closing = Vec::new();
        for (n, (s, live)) in suspensions.iter().zip(live).enumerate() {
            self.suspend(s, live, n + 1);
            states.push(self.restore(live, s.resume));
            closing.push(s.close.map(|to| self.restore(live, to)));
        }
        let (entry, ended) = self.dispatch(&states, &closing);
        // The entry has to be block 0: it changes places with the body's first block.
        self.func.blocks.swap(0, entry.0 as usize);
        let swap = |b: BlockId| match b {
            BlockId(0) => entry,
            b if b == entry => BlockId(0),
            b => b,
        };
        for block in &mut self.func.blocks {
            super::code::retarget(&mut block.term, &mut { swap });
        }
        let mut all = vec![BlockId(0), ended];
        let closing = closing.into_iter().flatten();
        all.extend(states.into_iter().chain(closing).map(swap));
        all.extend(order.into_iter().map(swap));
        all
    }

    fn set_state(&mut self, state: i32, span: Span) -> Vec<Inst> {
        let reg = self.reg(well_known::INT);
        vec![
            Inst::imm(Op::IntConst, [reg], state as u32, span),
            Inst::imm(Op::FieldSet, [self.object, reg], STATE, span),
        ]
    }

    /// Stores what lives on and the value, and gives the object back.
    fn suspend(&mut self, s: &Suspension, live: &[VReg], state: usize) {
        let span = self.func.blocks[s.block.0 as usize].span;
        let mut insts = Vec::new();
        let value = self.m.types.repr(self.item);
        for &reg in live {
            let field = self.fields[&reg];
            let repr = self.m.types.repr(self.saved[field].ty);
            let n = index(FIRST_SAVED + field);
            insts.push(Inst::imm(field_set(repr), [self.object, reg], n, span));
        }
        insts.push(Inst::imm(
            field_set(value),
            [self.object, s.value],
            VALUE,
            span,
        ));
        insts.extend(self.set_state(i32::try_from(state).unwrap_or(i32::MAX), span));
        let block = &mut self.func.blocks[s.block.0 as usize];
        block.insts.extend(insts);
        block.term = Term::Return(self.object);
    }

    /// Loads what lives on, and goes to `to`. The block has no handler: the one of `to` reads what
    /// is being loaded.
    fn restore(&mut self, live: &[VReg], to: BlockId) -> BlockId {
        let span = self.func.span;
        let mut insts = Vec::new();
        for &reg in live {
            let field = self.fields[&reg];
            let (ty, taken) = (self.saved[field].ty, self.saved[field].taken);
            let repr = self.m.types.repr(ty);
            let n = index(FIRST_SAVED + field);
            let own = self.func.regs[reg.0 as usize].ty;
            let loaded = if ty == own { reg } else { self.reg(ty) };
            insts.push(Inst::imm(field_get(repr), [loaded, self.object], n, span));
            if ty != own {
                insts.push(Inst::imm(Op::Cast, [loaded], own, span));
                insts.push(Inst::new(Op::Move, [reg, loaded], span));
            }
            if taken {
                let null = self.reg(well_known::NULL);
                let k = self.m.constant(Constant::Null);
                insts.push(Inst::imm(Op::Const, [null], k, span));
                insts.push(Inst::imm(Op::FieldSetWord, [self.object, null], n, span));
            }
        }
        self.block(insts, Term::Jump(to))
    }

    /// Goes to where the state says; an ended generator stays as it is.
    fn dispatch(&mut self, states: &[BlockId], closing: &[Option<BlockId>]) -> (BlockId, BlockId) {
        let span = self.func.span;
        let state = self.reg(well_known::INT);
        let object = self.object;
        let ended = self.block(Vec::new(), Term::Return(object));
        let insts = vec![
            Inst::imm(Op::Cast, [self.object], self.variant, span),
            Inst::imm(Op::FieldGet, [state, self.object], STATE, span),
        ];
        let mut targets = Vec::new();
        let mut low = 0;
        if closing.iter().any(Option::is_some) {
            // From the last to the first, then the state -1.
            targets.extend(closing.iter().rev().map(|c| c.unwrap_or(ended)));
            targets.push(ended);
            low = -i16::try_from(targets.len()).unwrap_or(i16::MAX);
        }
        targets.extend(states);
        let term = Term::SwitchInt {
            value: state,
            low,
            targets,
            default: ended,
        };
        (self.block(insts, term), ended)
    }

    /// The function that makes the object, in state 0 with its parameters saved.
    fn maker(&mut self, params: &[VReg], result: TypeIx) -> Func {
        let mut code = Code::new(self.func.span);
        let own: Vec<VReg> = params
            .iter()
            .map(|p| {
                let info = &self.func.regs[p.0 as usize];
                code.named(info.ty, info.name)
            })
            .collect();
        let state = code.reg(well_known::INT);
        code.op1(Op::IntConst, &[state], 0);
        let object = code.reg(self.variant);
        let mut regs = vec![object, state];
        let value = value_type(self.m, self.item);
        let mut types = vec![value];
        types.extend(self.saved.iter().map(|s| s.ty));
        for (n, ty) in types.into_iter().enumerate() {
            // Field 0 here is the value; parameters are the first that are saved.
            if n > 0 && n <= own.len() {
                regs.push(own[n - 1]);
            } else {
                let reg = code.reg(ty);
                let k = placeholder(self.m, ty);
                let k = self.m.constant(k);
                code.op1(Op::Const, &[reg], k);
                regs.push(reg);
            }
        }
        code.op1(Op::New, &regs, self.variant);
        code.end(Term::Return(object));
        let (regs, blocks, order) = code.into_blocks();
        let mut func = Func {
            name: self.func.name.clone(),
            params: own,
            closure: None,
            result,
            regs,
            blocks,
            inline: true,
            owned: Vec::new(),
            inlined: Vec::new(),
            escapes: false,
            span: self.func.span,
        };
        tidy(&mut func, &order);
        func
    }
}

/// The type of the field that holds what was yielded last.
fn value_type(m: &mut Module<'_>, item: TypeIx) -> TypeIx {
    match m.types.repr(item) {
        Repr::Word => m.types.union(&[item, well_known::NULL]),
        Repr::Int | Repr::Float => item,
    }
}

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// `yield`.
    pub(crate) fn yield_(&mut self, value: &'a Expr) {
        let value = self.value(value);
        let held = self.snapshot(value);
        let close = self.leaving_runs_code().then(|| self.c.block());
        self.c.suspend_with(held, close);
        let Some(close) = close.filter(|_| self.c.live()) else {
            return;
        };
        let here = self.c.suspend();
        let cold = std::mem::replace(&mut self.c.cold, true);
        self.c.start(close);
        self.unwind_to(0);
        self.finish(None);
        self.c.cold = cold;
        self.c.reopen(here);
    }

    /// The one generator function whose objects an expression can give, where that is plain to
    /// see.
    pub(crate) fn only_generator(&self, generator: &Expr) -> Option<Resume> {
        match generator.kind {
            ExprKind::Call {
                callee: Callee::Func(func),
                ..
            } => self.m.resumes.get(&func).copied(),
            _ => None,
        }
    }

    /// Begins an arm for each generator function whose object may be in the register.
    fn generator_arms(&mut self, driven: Driven) -> Vec<(Resume, BlockId)> {
        if let Some(only) = driven.only {
            let arm = self.c.block();
            self.c.jump(arm);
            return vec![(only, arm)];
        }
        let funcs = self.m.types.generators_of(driven.item);
        let arms = funcs
            .iter()
            .map(|func| (self.m.resumes[func], self.c.block()));
        let arms: Vec<(Resume, BlockId)> = arms.collect();
        self.c.end(Term::SwitchTag {
            value: driven.object,
            ty: self.c.type_of(driven.object),
            targets: arms.iter().map(|(_, arm)| *arm).collect(),
        });
        arms
    }

    /// Ends a generator that is left: runs what encloses the yield where it stands.
    pub(crate) fn close_generator(&mut self, driven: Driven) {
        let object = driven.object;
        let ty = self.c.type_of(object);
        let done = self.c.block();
        for (resume, arm) in self.generator_arms(driven) {
            self.c.start(arm);
            if driven.only.is_some() {
                self.c.op1(Op::Cast, &[object], ty + 1 + resume.variant);
            }
            let state = self.c.reg(well_known::INT);
            self.c.op1(Op::FieldGet, &[state, object], STATE);
            let stands = self.c.block();
            self.split(Cond::IntImm(Cmp::Gt, state, 0), stands, done);
            self.c.start(stands);
            self.c.op(Op::IntNot, &[state, state]);
            self.c.op1(Op::FieldSet, &[object, state], STATE);
            let ended = self.c.reg(ty);
            self.c.op1(Op::Call, &[ended, object], resume.func);
            self.c.jump(done);
        }
        self.c.start(done);
    }

    /// Resumes the generator in `object`: goes to `body` with the next value, or to `exit`.
    pub(crate) fn resume_generator(
        &mut self,
        driven: Driven,
        value: VReg,
        body: BlockId,
        exit: BlockId,
    ) {
        let object = driven.object;
        let ty = self.c.type_of(object);
        let item_ix = self.m.types.of(driven.item);
        let stored = value_type(self.m, item_ix);
        let repr = self.m.types.repr(stored);
        for (resume, arm) in self.generator_arms(driven) {
            let variant = ty + 1 + resume.variant;
            self.c.start(arm);
            let next = self.c.reg(ty);
            self.c.op1(Op::Call, &[next, object], resume.func);
            self.copy(object, next);
            self.c.op1(Op::Cast, &[object], variant);
            let state = self.c.reg(well_known::INT);
            self.c.op1(Op::FieldGet, &[state, object], STATE);
            let more = self.c.block();
            self.split(Cond::IntImm(Cmp::Lt, state, 0), exit, more);
            self.c.start(more);
            if stored == item_ix {
                self.c.op1(field_get(repr), &[value, object], VALUE);
            } else {
                let loaded = self.c.reg(stored);
                self.c.op1(field_get(repr), &[loaded, object], VALUE);
                self.c.op1(Op::Cast, &[loaded], item_ix);
                self.copy(value, loaded);
            }
            self.c.jump(body);
        }
    }
}
