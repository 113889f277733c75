//! From one segment to another: blocks, the registers they take, and jumps between them.

use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value};
use lumen_bytecode::module;

use super::reach::Part;
use super::translate::{Translator, class};

impl Translator<'_, '_> {
    /// Segments that are left to the interpreter and that control comes to by a block.
    pub(super) fn ways_out(&mut self) {
        for (i, segment) in self.plan.segments.iter().enumerate() {
            let left = self.parts[i] == Part::Left;
            if let Some(block) = self.blocks.get(&segment.start).filter(|_| left).copied() {
                self.begin(segment.start, block);
                self.pc = segment.start;
                self.exits.begin_instruction();
                self.exit();
            }
        }
    }

    /// The block that begins at word `pc`.
    pub(super) fn block(&mut self, pc: usize) -> Block {
        if let Some(block) = self.loops.block(pc) {
            return block;
        }
        self.plain_block(pc)
    }

    /// The block of the first translation of what begins at word `pc`.
    pub(super) fn plain_block(&mut self, pc: usize) -> Block {
        if let Some(block) = self.blocks.get(&pc) {
            return *block;
        }
        // A branch to no frame map: the verifier refuses it.
        assert!(self.is_left(pc), "word {pc} has no block");
        let block = self.segment_block(pc);
        self.blocks.insert(pc, block);
        block
    }

    /// The registers that the block at word `pc` takes, with `with` in place of one of them.
    pub(super) fn args(&mut self, pc: usize, with: Option<(u16, Value)>) -> Vec<BlockArg> {
        let plan = self.plan;
        let mut args = Vec::new();
        for entry in plan.params(pc) {
            let ty = class(entry.ty, entry.hold == module::Hold::Plain);
            let value = match with {
                Some((reg, value)) if reg == entry.reg => value,
                _ => self.get(entry.reg),
            };
            args.push(BlockArg::Value(self.as_type(value, ty)));
        }
        args.extend(self.loops.carried(pc).map(BlockArg::Value));
        args
    }

    /// Goes to the block at word `pc`.
    pub(super) fn go(&mut self, pc: usize) {
        if self.is_left(pc) {
            self.exits.begin_instruction();
            return self.exit();
        }
        let args = self.args(pc, None);
        let block = self.block(pc);
        self.b.ins().jump(block, &args);
        self.closed = true;
    }

    /// Whether the interpreter may as well execute the jump at hand, which goes to word `pc`.
    fn is_way_out(&self, pc: usize) -> bool {
        self.op.label().is_some() && !self.op.is_back_edge() && self.is_left(pc)
    }

    /// Whether the interpreter executes the segment at word `pc`.
    fn is_left(&self, pc: usize) -> bool {
        let found = self.plan.segments.binary_search_by_key(&pc, |s| s.start);
        found.is_ok_and(|i| self.parts[i] == Part::Left)
    }

    /// Goes to word `pc` if `cond`, else on.
    pub(super) fn branch(&mut self, cond: Value, pc: usize) {
        if self.is_way_out(pc) {
            return self.exit_if(cond);
        }
        let args = self.args(pc, None);
        let block = self.block(pc);
        let on = self.b.create_block();
        self.b.ins().brif(cond, block, &args, on, &[]);
        self.go_on(on);
    }

    /// Goes on unless `cond`, else to word `pc`.
    pub(super) fn branch_unless(&mut self, cond: Value, pc: usize) {
        if self.is_way_out(pc) {
            return self.exit_unless(cond);
        }
        let args = self.args(pc, None);
        let block = self.block(pc);
        let on = self.b.create_block();
        self.b.ins().brif(cond, on, &[], block, &args);
        self.go_on(on);
    }
}
