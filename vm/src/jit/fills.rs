//! Loops that only fill a list: most of their iterations are done at once.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value, types};
use lumen_runtime::heap::object::{LIST_DATA_OFFSET, LIST_LEN_OFFSET};

use super::ranges::{Fill, Filler};
use super::support;
use super::translate::Translator;

/// Elements that are filled in at a time: then the poll word is looked at.
const MOST: i64 = 1 << 16;
/// For fewer a call does not pay.
const FEWEST: i64 = 8;

impl Translator<'_, '_> {
    /// Does iterations of a loop ahead, in its guard, as far as list and counter allow. The last
    /// is always left to the loop. `args` is what its first block, at word `header`, takes, with
    /// the list's length and room at the end.
    pub(super) fn fill(&mut self, header: usize, fill: Fill, args: &mut [BlockArg]) {
        let [.., BlockArg::Value(len), BlockArg::Value(cap)] = *args else {
            return;
        };
        let plan = self.plan;
        let Some(at) = plan.params(header).position(|e| e.reg == fill.count) else {
            return;
        };
        let (count, limit) = (self.int(fill.count), self.int(fill.limit));
        let on = self.b.create_block();
        let after = [(); 2].map(|()| self.b.append_block_param(on, types::I64));
        let without = [count, len].map(BlockArg::Value);
        // Whatever has been asked for is seen first by the loop.
        let (poll, flags) = (self.poll, self.flags.context);
        let due = self.b.ins().atomic_load(types::I32, flags, poll);
        let none = self.b.ins().icmp_imm_s(IntCC::Equal, due, 0);
        let positive = self.icmp_imm(IntCC::SignedGreaterThanOrEqual, count, 0);
        let below = self.icmp(IntCC::SignedLessThan, count, limit);
        let sound = self.b.ins().band(positive, below);
        let sound = self.b.ins().band(sound, none);
        let room = self.b.create_block();
        self.b.ins().brif(sound, room, &[], on, &without);
        self.b.switch_to_block(room);
        let rounds = self.b.ins().isub(limit, count);
        let free = self.b.ins().isub(cap, len);
        let n = self.b.ins().smin(rounds, free);
        let n = self.b.ins().iadd_imm_s(n, -1);
        let most = self.iconst(MOST);
        let n = self.b.ins().smin(n, most);
        let enough = self.icmp_imm(IntCC::SignedGreaterThanOrEqual, n, FEWEST);
        let ahead = self.b.create_block();
        self.b.ins().brif(enough, ahead, &[], on, &without);
        self.b.switch_to_block(ahead);
        self.append_many(fill, len, n);
        let with = [count, len].map(|v| BlockArg::Value(self.b.ins().iadd(v, n)));
        self.b.ins().jump(on, &with);
        self.b.switch_to_block(on);
        args[at] = BlockArg::Value(after[0]);
        args[args.len() - 2] = BlockArg::Value(after[1]);
    }

    /// Appends `n` elements, for which there is room, to a list of length `len` that nothing else
    /// refers to.
    fn append_many(&mut self, fill: Fill, len: Value, n: Value) {
        let list = self.int(fill.list);
        let value = match fill.value {
            Filler::Reg(reg) => self.int(reg),
            Filler::Constant(pc) => {
                let value = self.constant_at(pc);
                self.as_type(value, types::I64)
            }
        };
        let (start, function) = match fill.bytes {
            true => (len, support::fill_bytes as *const () as usize),
            false => (
                self.b.ins().ishl_imm_s(len, 3),
                support::fill_words as *const () as usize,
            ),
        };
        let start = self.b.ins().iadd(list, start);
        let start = self.b.ins().iadd_imm_s(start, LIST_DATA_OFFSET as i64);
        self.call_rust(function, &[start, value, n], None);
        let longer = self.b.ins().iadd(len, n);
        let flags = self.flags.lengths;
        self.b
            .ins()
            .istore32(flags, longer, list, LIST_LEN_OFFSET as i32);
    }
}
