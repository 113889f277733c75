//! A function's code under construction: registers, blocks, the block being filled.
//!
//! After a terminator there is no current block: what is emitted then can never run and is left
//! out, so lowering need not ask whether control still gets here.

use crate::hir::Repr;
use crate::ir::{Block, BlockId, Func, Handler, Inst, RegInfo, Regs, Term, VReg};
use crate::source::Span;
use crate::syntax::Symbol;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::TypeIx;

/// A block whose end suspends a generator.
pub(crate) struct Suspension {
    /// The block that ends with the yield.
    pub(crate) block: BlockId,
    /// The value yielded.
    pub(crate) value: VReg,
    /// Where it goes on.
    pub(crate) resume: BlockId,
    /// Where it goes on to end early, if something has to be done for that.
    pub(crate) close: Option<BlockId>,
}

/// Registers and blocks of one function.
pub(crate) struct Code {
    /// Declared registers.
    pub(crate) regs: Vec<RegInfo>,
    blocks: Vec<Block>,
    /// Which blocks are unlikely to run.
    unlikely: Vec<bool>,
    /// The instructions of the current block.
    insts: Vec<Inst>,
    order: Vec<BlockId>,
    current: Option<BlockId>,
    /// Handler of the region being lowered.
    pub(crate) handler: Option<Handler>,
    /// Position given to what is emitted.
    pub(crate) span: Span,
    /// What is started now is unlikely to run: it is placed after everything else.
    pub(crate) cold: bool,
    /// Where a generator yields.
    pub(crate) suspensions: Vec<Suspension>,
}

impl Code {
    /// Empty code, in its entry block.
    pub(crate) fn new(span: Span) -> Code {
        let mut code = Code {
            regs: Vec::new(),
            blocks: Vec::new(),
            unlikely: Vec::new(),
            insts: Vec::with_capacity(16),
            order: Vec::new(),
            current: None,
            handler: None,
            span,
            cold: false,
            suspensions: Vec::new(),
        };
        let entry = code.block();
        code.start(entry);
        code
    }

    /// A new register.
    pub(crate) fn reg(&mut self, ty: TypeIx) -> VReg {
        self.named(ty, Symbol::NONE)
    }

    /// A new register of a named variable.
    pub(crate) fn named(&mut self, ty: TypeIx, name: Symbol) -> VReg {
        let reg = VReg(u32::try_from(self.regs.len()).expect("fewer than 2^32 registers"));
        self.regs.push(RegInfo { ty, name });
        reg
    }

    /// A register's type.
    pub(crate) fn type_of(&self, reg: VReg) -> TypeIx {
        self.regs[reg.0 as usize].ty
    }

    /// A new block; nothing is in it until it is started.
    pub(crate) fn block(&mut self) -> BlockId {
        let id = BlockId(u32::try_from(self.blocks.len()).expect("fewer than 2^32 blocks"));
        self.blocks.push(Block {
            insts: Vec::new(),
            term: Term::Unreachable,
            span: self.span,
            handler: None,
        });
        self.unlikely.push(false);
        id
    }

    /// Goes on in `block`, which takes the handler of the region.
    pub(crate) fn start(&mut self, block: BlockId) {
        debug_assert!(self.current.is_none(), "the block before has no end");
        self.blocks[block.0 as usize].handler = self.handler;
        self.unlikely[block.0 as usize] = self.cold;
        self.order.push(block);
        self.current = Some(block);
    }

    /// Ends the current block with a jump to `block`, and goes on there.
    pub(crate) fn flow_into(&mut self, block: BlockId) {
        self.jump(block);
        self.start(block);
    }

    /// Leaves the current block open and gives it; [`Code::reopen`] goes on in it.
    pub(crate) fn suspend(&mut self) -> Option<BlockId> {
        let block = self.current.take()?;
        self.keep(block);
        Some(block)
    }

    /// Puts the instructions of the current block into it: into just as much room as they need.
    fn keep(&mut self, block: BlockId) {
        let insts = &mut self.blocks[block.0 as usize].insts;
        insts.reserve_exact(self.insts.len());
        insts.append(&mut self.insts);
    }

    /// Goes on in a block left by [`Code::suspend`].
    pub(crate) fn reopen(&mut self, block: Option<BlockId>) {
        debug_assert!(self.current.is_none(), "the block before has no end");
        self.current = block;
    }

    /// Whether control can be here.
    pub(crate) fn live(&self) -> bool {
        self.current.is_some()
    }

    /// Whether some handler of this function would see a failure here.
    pub(crate) fn is_guarded(&self) -> bool {
        self.handler.is_some()
    }

    /// From here on, failures go to `handler`.
    pub(crate) fn set_handler(&mut self, handler: Option<Handler>) {
        if self.handler == handler {
            return;
        }
        self.handler = handler;
        if let Some(block) = self.current {
            let at = &mut self.blocks[block.0 as usize];
            if self.insts.is_empty() && at.insts.is_empty() {
                at.handler = handler;
            } else {
                let next = self.block();
                self.flow_into(next);
            }
        }
    }

    /// The block where a cancellation goes from here, if any.
    pub(crate) fn cleanup_handler(&self) -> Option<BlockId> {
        match self.handler {
            None => None,
            Some(Handler { block, catch: None }) => Some(block),
            Some(Handler { catch, .. }) => catch.flatten(),
        }
    }

    /// Emits an instruction without immediates.
    pub(crate) fn op(&mut self, op: Op, regs: &[VReg]) {
        self.op2(op, regs, [0, 0]);
    }

    /// Emits an instruction with one immediate.
    pub(crate) fn op1(&mut self, op: Op, regs: &[VReg], imm: u32) {
        self.op2(op, regs, [imm, 0]);
    }

    /// Emits an instruction with two immediates.
    pub(crate) fn op2(&mut self, op: Op, regs: &[VReg], imms: [u32; 2]) {
        if self.current.is_some() {
            self.insts.push(Inst {
                op,
                regs: Regs::from_slice(regs),
                imms,
                span: self.span,
            });
        }
    }

    /// Ends the current block.
    pub(crate) fn end(&mut self, term: Term) {
        if let Some(block) = self.current.take() {
            self.keep(block);
            let ended = &mut self.blocks[block.0 as usize];
            ended.term = term;
            ended.span = self.span;
        }
    }

    /// Ends the current block with a jump.
    pub(crate) fn jump(&mut self, to: BlockId) {
        self.end(Term::Jump(to));
    }

    /// Ends the current block by handing out `value`; goes on in a new block when resumed.
    pub(crate) fn suspend_with(&mut self, value: VReg, close: Option<BlockId>) {
        if let Some(block) = self.current {
            let resume = self.block();
            self.end(Term::Return(value));
            self.suspensions.push(Suspension {
                block,
                value,
                resume,
                close,
            });
            self.start(resume);
        }
    }

    /// The finished blocks: in source order, cold ones last. Blocks keep their ids until
    /// [`tidy`] renumbers them.
    pub(crate) fn into_blocks(mut self) -> (Vec<RegInfo>, Vec<Block>, Vec<BlockId>) {
        let mut order = self.order;
        if self.unlikely.contains(&true) {
            let unlikely = |b: &&BlockId| self.unlikely[b.0 as usize] && b.0 != 0;
            let cold: Vec<BlockId> = order.iter().filter(unlikely).copied().collect();
            order.retain(|b| !unlikely(&b));
            order.extend(cold);
        }
        self.regs.shrink_to_fit();
        (self.regs, self.blocks, order)
    }
}

/// Takes blocks in `order`, without those that control never reaches and without empty blocks that
/// only jump, and renumbers them.
pub(crate) fn tidy(func: &mut Func, order: &[BlockId]) {
    let goal: Vec<BlockId> = (0..func.blocks.len()).map(|b| thread(func, b)).collect();
    for block in &mut func.blocks {
        retarget(&mut block.term, &mut |b| goal[b.0 as usize]);
        simplify(&mut block.term);
    }
    let mut reached = vec![false; func.blocks.len()];
    let mut work = vec![BlockId(0)];
    while let Some(b) = work.pop() {
        if std::mem::replace(&mut reached[b.0 as usize], true) {
            continue;
        }
        let block = &func.blocks[b.0 as usize];
        block.term.for_each_target(|t| work.push(t));
        if let Some(h) = block.handler {
            work.push(h.block);
            work.extend(h.catch.flatten());
        }
    }
    let mut number = vec![BlockId(0); func.blocks.len()];
    let mut kept = Vec::new();
    for &b in order {
        if reached[b.0 as usize] {
            number[b.0 as usize] = BlockId(u32::try_from(kept.len()).expect("fewer than before"));
            kept.push(b);
        }
    }
    let mut old = std::mem::take(&mut func.blocks);
    func.blocks.reserve_exact(kept.len());
    for b in kept {
        let place = &mut old[b.0 as usize];
        let mut block = Block {
            insts: std::mem::take(&mut place.insts),
            term: std::mem::replace(&mut place.term, Term::Unreachable),
            ..*place
        };
        retarget(&mut block.term, &mut |b| number[b.0 as usize]);
        if let Some(h) = &mut block.handler {
            h.block = number[h.block.0 as usize];
            if let Some(Some(outer)) = &mut h.catch {
                *outer = number[outer.0 as usize];
            }
        }
        func.blocks.push(block);
    }
}

/// Where a jump to block `from` ends up.
fn thread(func: &Func, from: usize) -> BlockId {
    let mut at = from;
    for _ in 0..func.blocks.len() {
        match &func.blocks[at] {
            Block {
                insts,
                term: Term::Jump(next),
                ..
            } if insts.is_empty() => at = next.0 as usize,
            _ => return BlockId(u32::try_from(at).expect("a block number")),
        }
    }
    // A cycle of empty blocks: an endless loop.
    BlockId(u32::try_from(from).expect("a block number"))
}

fn simplify(term: &mut Term) {
    if let Term::Branch {
        then, otherwise, ..
    } = term
        && then == otherwise
    {
        *term = Term::Jump(*then);
    }
}

/// Rewrites the targets of a terminator.
pub(crate) fn retarget(term: &mut Term, f: &mut impl FnMut(BlockId) -> BlockId) {
    match term {
        Term::Jump(b) => *b = f(*b),
        Term::Branch {
            then, otherwise, ..
        } => {
            *then = f(*then);
            *otherwise = f(*otherwise);
        }
        Term::SwitchTag { targets, .. } => targets.iter_mut().for_each(|b| *b = f(*b)),
        Term::SwitchInt {
            targets, default, ..
        } => {
            targets.iter_mut().for_each(|b| *b = f(*b));
            *default = f(*default);
        }
        Term::ForInt { body, exit, .. } | Term::ForList { body, exit, .. } => {
            *body = f(*body);
            *exit = f(*exit);
        }
        Term::Return(_)
        | Term::ReturnNull
        | Term::Throw(_)
        | Term::Rethrow(_)
        | Term::Fail(..)
        | Term::Unreachable => {}
    }
}

/// The op that reads an element of a list, by the element's type.
pub(crate) fn list_get(repr: Repr, is_bool: bool) -> Op {
    match repr {
        Repr::Word => Op::ListGetWord,
        Repr::Int if is_bool => Op::ListGetByte,
        Repr::Int | Repr::Float => Op::ListGet,
    }
}

/// The op that replaces an element of a list.
pub(crate) fn list_set(repr: Repr, is_bool: bool) -> Op {
    match repr {
        Repr::Word => Op::ListSetWord,
        Repr::Int if is_bool => Op::ListSetByte,
        Repr::Int | Repr::Float => Op::ListSet,
    }
}

/// The op that appends to a list.
pub(crate) fn list_push(repr: Repr, is_bool: bool) -> Op {
    match repr {
        Repr::Word => Op::ListPushWord,
        Repr::Int if is_bool => Op::ListPushByte,
        Repr::Int | Repr::Float => Op::ListPush,
    }
}

/// The op that reads a field.
pub(crate) fn field_get(repr: Repr) -> Op {
    match repr {
        Repr::Word => Op::FieldGetWord,
        Repr::Int | Repr::Float => Op::FieldGet,
    }
}

/// The op that replaces a field.
pub(crate) fn field_set(repr: Repr) -> Op {
    match repr {
        Repr::Word => Op::FieldSetWord,
        Repr::Int | Repr::Float => Op::FieldSet,
    }
}
