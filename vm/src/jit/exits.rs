//! Ways out of native code: what is live goes to the frame, and a status says why.
//!
//! An exit is expensive to compile: each of its stores is a use of a value far from the others.
//! So the tests of a stretch of code in which nothing happens but that registers get values share
//! the exit of the first of them: the interpreter computes the same values again on its way to the
//! instruction that made native code give up.

use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Type, Value, types};

use lumen_bytecode::code::Op;

use super::Status;
use super::ranges::is_arithmetic;
use super::translate::Translator;
use crate::interp::context::Context;

/// Why and how native code is left.
#[derive(Clone, Copy)]
enum Why {
    /// With this status, the instruction at `pc` not done.
    Here(Status),
    /// With a status that a helper gave, the instruction at `pc` not done, or failed.
    Helper(Value),
    /// With the status that a callee gave; it is to return behind the call at `pc`.
    Callee(Value),
}

struct Pending {
    block: Block,
    /// The address of the instruction, or of where the callee returns to.
    pc: i64,
    why: Why,
    /// The frame that is left.
    r: Value,
    fp: Value,
    /// What goes to which register of the frame at the first.
    saved: Vec<(Value, u16, Value)>,
    /// Records of the frames around inlined code: below which record, and the return address.
    records: Vec<(Value, i64)>,
}

/// The exits of a function, to be written at its end.
#[derive(Default)]
pub(super) struct Exits {
    pending: Vec<Pending>,
    /// The plain exit of the present instruction.
    here: Option<Block>,
    /// The plain exit (by number) of an instruction since which only registers have changed.
    before: Option<usize>,
}

/// Values that are of no other use, at most, to be kept for an exit that comes earlier: in a loop
/// they take up machine registers.
const KEPT: usize = 8;
const KEPT_IN_LOOP: usize = 2;

impl Exits {
    /// Another instruction follows: registers may have changed.
    pub(super) fn begin_instruction(&mut self) {
        self.here = None;
    }

    /// What has been done by native code must not be done again.
    pub(super) fn settle(&mut self) {
        (self.before, self.here) = (None, None);
    }
}

/// The common ends of exits.
#[derive(Default)]
struct Tails {
    /// Of those that leave the function's own frame to the interpreter. Takes the place.
    own: Option<Block>,
    /// Takes the place, the status, and the frame that is left.
    any: Option<Block>,
    /// Behind a call. Takes the status.
    after: Option<Block>,
}

/// What is known of the frame's memory in one block of straight code.
#[derive(Default)]
pub(super) struct Stored {
    block: Option<Block>,
    slots: Vec<(u16, Value)>,
}

/// Whether the interpreter may execute an instruction again: it only gives registers values, or
/// jumps ahead.
pub(super) fn is_repeatable(op: Op) -> bool {
    use Op::*;
    let ahead = op.label().is_some() && !op.is_back_edge();
    let number = is_arithmetic(op) && !matches!(op, IntPow | FloatPow);
    let load = matches!(
        op,
        ListGet | ListGetWord | ListGetByte | ListGet2 | ListGetField
    );
    let load = load || matches!(op, ListLen | FieldGet | FieldGetWord | Const | IntConst);
    let word = matches!(
        op,
        Move | Lend | UnboxInt | UnboxFloat | UnboxBool | Cast | Widen | IsType
    );
    ahead || number || load || word
}

impl Translator<'_, '_> {
    /// What is known here.
    fn stored(&mut self) -> &mut Vec<(u16, Value)> {
        let block = self.b.current_block();
        if self.stored.block != block {
            self.stored.block = block;
            self.stored.slots.clear();
        }
        &mut self.stored.slots
    }

    /// Whether a register's place in the frame has this value.
    fn is_stored(&mut self, reg: u16, value: Value) -> bool {
        self.stored().contains(&(reg, value))
    }

    /// A register's place in the frame has this value now.
    pub(super) fn set_stored(&mut self, reg: u16, value: Value) {
        let stored = self.stored();
        stored.retain(|known| known.0 != reg);
        stored.push((reg, value));
    }

    /// A register's place in the frame may have changed.
    pub(super) fn forget_slot(&mut self, reg: u16) {
        self.stored().retain(|known| known.0 != reg);
    }

    /// The places of the registers from `first` on may have changed.
    pub(super) fn forget_stored(&mut self, first: u16) {
        self.stored().retain(|known| known.0 < first);
    }

    /// Goes on in a block that comes from the present one only.
    pub(super) fn go_on(&mut self, on: Block) {
        self.stored();
        self.b.switch_to_block(on);
        self.stored.block = Some(on);
    }

    fn pending(&mut self, why: Why, below: u16) -> Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        let (r, fp) = (self.r, self.fp);
        let live: Vec<u16> = self.live.iter().take_while(|reg| *reg < below).collect();
        let mut saved: Vec<(Value, u16, Value)> = Vec::with_capacity(live.len());
        for reg in live {
            let value = self.get(reg);
            if !self.is_stored(reg, value) {
                saved.push((r, reg, value));
            }
        }
        // Each exit writes the frames around it itself: in a block of its own that several come
        // to, their values would live through all of these.
        let outer = &self.inlining.outer;
        for frame in outer {
            saved.extend(
                frame
                    .saved
                    .iter()
                    .map(|(reg, value)| (frame.r, *reg, *value)),
            );
        }
        let records = outer.iter().map(|frame| (frame.fp, frame.back)).collect();
        let behind = usize::from(matches!(why, Why::Callee(_)));
        let pc = self.code_address(self.pc + behind);
        self.exits.pending.push(Pending {
            block,
            pc,
            why,
            r,
            fp,
            saved,
            records,
        });
        block
    }

    /// A block on the way out, with parameters.
    fn exit_step(&mut self, params: &[Type]) -> Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        for ty in params {
            self.b.append_block_param(block, *ty);
        }
        block
    }

    /// The block that leaves it to the interpreter to execute the instruction.
    pub(super) fn exit_block(&mut self) -> Block {
        if let Some(block) = self.exits.here {
            return block;
        }
        let block = match self.exits.before.filter(|n| self.reaches(*n)) {
            Some(n) => self.exits.pending[n].block,
            None => {
                self.exits.before = Some(self.exits.pending.len());
                self.pending(Why::Here(Status::Exit), u16::MAX)
            }
        };
        self.exits.here = Some(block);
        block
    }

    /// Whether exit `n` may be taken from here: what it stores is there still.
    fn reaches(&self, n: usize) -> bool {
        let most = if self.in_loop { KEPT_IN_LOOP } else { KEPT };
        // What is stored to frames around this one is alive anyway.
        let gone = |(r, reg, value): &&(Value, u16, Value)| {
            *r == self.r && self.value_of(*reg) != Some(*value) && !self.holds(*value)
        };
        let gone = self.exits.pending[n].saved.iter().filter(gone);
        gone.take(most + 1).count() <= most
    }

    /// The interpreter executes the instruction.
    pub(super) fn exit(&mut self) {
        let block = self.exit_block();
        self.b.ins().jump(block, &[]);
        self.closed = true;
    }

    /// The interpreter executes the instruction if `cond`.
    pub(super) fn exit_if(&mut self, cond: Value) {
        let block = self.exit_block();
        let on = self.b.create_block();
        self.b.ins().brif(cond, block, &[], on, &[]);
        self.go_on(on);
    }

    /// The interpreter executes the instruction unless `cond`.
    pub(super) fn exit_unless(&mut self, cond: Value) {
        let block = self.exit_block();
        let on = self.b.create_block();
        self.b.ins().brif(cond, on, &[], block, &[]);
        self.go_on(on);
    }

    /// A helper has failed unless `done`.
    pub(super) fn fail_unless(&mut self, done: Value) {
        let block = self.pending(Why::Here(Status::Failed), u16::MAX);
        let on = self.b.create_block();
        self.b.ins().brif(done, on, &[], block, &[]);
        self.go_on(on);
    }

    /// Leaves with the status that a helper gave, unless that is [`Status::Returned`].
    pub(super) fn exit_with(&mut self, status: Value) {
        let block = self.pending(Why::Helper(status), u16::MAX);
        let on = self.b.create_block();
        self.b.ins().brif(status, block, &[], on, &[]);
        self.go_on(on);
    }

    /// Leaves if a call, whose window begins at `base`, gave a status other than
    /// [`Status::Returned`].
    pub(super) fn exit_after_call(&mut self, status: Value, base: u16) {
        let block = self.pending(Why::Callee(status), base);
        let on = self.b.create_block();
        self.b.ins().brif(status, block, &[], on, &[]);
        self.go_on(on);
    }

    /// Writes the exits.
    pub(super) fn emit_exits(&mut self) {
        let mut tails = Tails::default();
        for exit in std::mem::take(&mut self.exits.pending) {
            self.b.switch_to_block(exit.block);
            let flags = self.flags.frame;
            for (r, reg, value) in exit.saved {
                self.b.ins().store(flags, value, r, i32::from(reg) * 8);
            }
            for (fp, back) in exit.records {
                let back = self.iconst(back);
                self.b.ins().store(flags, back, fp, -8);
            }
            let pc = self.iconst(exit.pc);
            let own = exit.r == self.r && exit.fp == self.fp;
            let status = match exit.why {
                Why::Here(Status::Exit) if own => {
                    // Most are this: nothing but the place differs.
                    let tail = tails.own.unwrap_or_else(|| self.exit_step(&[types::I64]));
                    tails.own = Some(tail);
                    self.b.ins().jump(tail, &[pc.into()]);
                    continue;
                }
                Why::Here(status) => self.b.ins().iconst(types::I32, status as i64),
                Why::Helper(status) => status,
                Why::Callee(status) => {
                    // The callee's record says where it returns to.
                    self.b.ins().store(flags, pc, exit.fp, -8);
                    let tail = tails.after.unwrap_or_else(|| self.exit_step(&[types::I32]));
                    tails.after = Some(tail);
                    self.b.ins().jump(tail, &[status.into()]);
                    continue;
                }
            };
            let all = [types::I64, types::I32, types::I64, types::I64];
            let tail = tails.any.unwrap_or_else(|| self.exit_step(&all));
            tails.any = Some(tail);
            let args = [pc, status, exit.r, exit.fp].map(BlockArg::Value);
            self.b.ins().jump(tail, &args);
        }
        self.emit_tails(&tails);
    }

    fn emit_tails(&mut self, tails: &Tails) {
        let param = |t: &Self, block, n: usize| t.b.block_params(block)[n];
        if let Some(block) = tails.own {
            self.b.switch_to_block(block);
            let pc = param(self, block, 0);
            let status = self.b.ins().iconst(types::I32, Status::Exit as i64);
            self.leave_at(pc, self.r, self.fp, status);
        }
        if let Some(block) = tails.any {
            self.b.switch_to_block(block);
            let [pc, status, r, fp] = [0, 1, 2, 3].map(|n| param(self, block, n));
            self.leave_at(pc, r, fp, status);
        }
        if let Some(block) = tails.after {
            self.b.switch_to_block(block);
            let status = param(self, block, 0);
            self.return_status(status);
        }
    }

    /// The context learns where to go on.
    fn leave_at(&mut self, pc: Value, r: Value, fp: Value, status: Value) {
        self.set_context_field(std::mem::offset_of!(Context, pc), pc);
        self.set_context_field(std::mem::offset_of!(Context, regs), r);
        self.set_context_field(std::mem::offset_of!(Context, fp), fp);
        self.return_status(status);
    }

    fn return_status(&mut self, status: Value) {
        let result = self.env.signature(self.unit).returns[0].value_type;
        let nothing = match result {
            types::F64 => self.b.ins().f64const(0.0),
            ty => self.b.ins().iconst(ty, 0),
        };
        self.b.ins().return_(&[nothing, status]);
    }
}
