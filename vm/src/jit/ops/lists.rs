//! Lists. An index in range and, for writes, a unique list are dealt with here; copies and
//! failures are the interpreter's, growth a helper's.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    BlockArg, InstBuilder, InstructionData, MemFlagsData, Opcode, Value, types,
};
use lumen_bytecode::operand::*;
use lumen_runtime::heap::object::{
    COUNT_OFFSET, LIST_CAP_OFFSET, LIST_DATA_OFFSET, LIST_LEN_OFFSET, SLOTS_OFFSET,
};

use crate::jit::ranges::Base;
use crate::jit::stubs::Stub;
use crate::jit::translate::Translator;

/// How elements are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::jit) enum Elem {
    /// 8 bytes: Int or Float.
    Plain,
    /// 8 bytes: a counted word.
    Word,
    /// One byte: Bool.
    Byte,
}

const DATA: i32 = LIST_DATA_OFFSET as i32;
const SLOTS: i32 = SLOTS_OFFSET as i32;

impl Translator<'_, '_> {
    /// The length of a list, loaded.
    pub(in crate::jit) fn load_len(&mut self, list: Value) -> Value {
        let flags = self.flags.lengths;
        self.b.ins().uload32(flags, list, LIST_LEN_OFFSET as i32)
    }

    /// How many elements a list has room for, loaded.
    pub(in crate::jit) fn load_cap(&mut self, list: Value) -> Value {
        let flags = self.flags.lengths;
        self.b.ins().uload32(flags, list, LIST_CAP_OFFSET as i32)
    }

    /// The length of a list. The list in one and the same SSA value does not change its length:
    /// `list.push` gives another value.
    fn list_len(&mut self, list: Value, base: Base) -> Value {
        if let Some(len) = self.loops.length(base) {
            return len;
        }
        if let Some(len) = self.facts.length(list) {
            return len;
        }
        let len = self.load_len(list);
        self.facts.set_length(list, len);
        len
    }

    /// The reference count of an object.
    pub(in crate::jit) fn object_count(&mut self, object: Value) -> Value {
        let flags = self.flags.header;
        self.b
            .ins()
            .load(types::I32, flags, object, COUNT_OFFSET as i32)
    }

    /// Exits unless the object may be changed in place.
    fn unique(&mut self, object: Value, base: Base) {
        if self.is_unique(object, base) {
            return;
        }
        let count = self.object_count(object);
        let shared = self.b.ins().icmp_imm_s(IntCC::NotEqual, count, 1);
        self.exit_if(shared);
        self.facts.set_unique(object);
    }

    /// Whether an object is known to have one reference.
    pub(super) fn is_unique(&self, object: Value, base: Base) -> bool {
        self.facts.is_unique(object) || self.loops.unique(base)
    }

    /// Index operand `which` made good: from the end when negative. Exits when it is out of range.
    fn index(&mut self, list: Value, i: Value, base: Base, which: u8) -> Value {
        if self.loops.inside(self.pc, which) {
            return i;
        }
        if let Some(index) = self.facts.index(list, i) {
            return index;
        }
        let len = self.list_len(list, base);
        let constant = self.constant_value(i);
        let constant = constant.or(self.loops.nonnegative(self.pc, which).then_some(0));
        let index = match constant {
            Some(..0) => {
                let from_end = self.b.ins().iadd(i, len);
                let outside = self.icmp_imm(IntCC::SignedLessThan, from_end, 0);
                self.exit_if(outside);
                from_end
            }
            Some(_) => {
                let inside = self.icmp(IntCC::UnsignedLessThan, i, len);
                self.exit_unless(inside);
                i
            }
            None => self.any_index(i, len),
        };
        self.facts.set_index(list, i, index);
        index
    }

    fn any_index(&mut self, i: Value, len: Value) -> Value {
        let inside = self.icmp(IntCC::UnsignedLessThan, i, len);
        // Not a cold block: for the register allocator, the way back from the function's end would
        // make a loop of all between.
        let (cold, on) = (self.b.create_block(), self.b.create_block());
        let index = self.b.append_block_param(on, types::I64);
        self.b
            .ins()
            .brif(inside, on, &[BlockArg::Value(i)], cold, &[]);
        self.b.switch_to_block(cold);
        let from_end = self.b.ins().iadd(i, len);
        let outside = self.icmp(IntCC::UnsignedGreaterThanOrEqual, from_end, len);
        let exit = self.exit_block();
        let args = [BlockArg::Value(from_end)];
        self.b.ins().brif(outside, exit, &[], on, &args);
        self.b.switch_to_block(on);
        index
    }

    /// The value of an integer constant.
    pub(super) fn constant_value(&self, value: Value) -> Option<i64> {
        let dfg = &self.b.func.dfg;
        match dfg.insts[dfg.value_def(value).inst()?] {
            InstructionData::UnaryImm {
                opcode: Opcode::Iconst,
                imm,
            } => Some(imm.bits()),
            _ => None,
        }
    }

    /// The word at index operand `i` of the list in register `xs`.
    fn row(&mut self, xs: Reg, i: Reg) -> Value {
        if let Some(row) = self.loops.row(xs.0, i.0) {
            return row;
        }
        let (list, i) = (self.int(xs.0), self.int(i.0));
        let i = self.index(list, i, Base::Reg(xs.0), 0);
        self.word_at(list, i)
    }

    /// The word at an index that is in range.
    fn word_at(&mut self, list: Value, index: Value) -> Value {
        if let Some(word) = self.facts.element(list, index) {
            return word;
        }
        let word = self.load_element(list, index, Elem::Word, types::I64);
        self.facts.set_element(list, index, word);
        word
    }

    /// As [`Translator::row`]; exits unless list and row may be changed in place.
    fn own_row(&mut self, xs: Reg, i: Reg) -> Value {
        let list = self.int(xs.0);
        self.unique(list, Base::Reg(xs.0));
        let row = self.row(xs, i);
        self.unique(row, Base::Row(xs.0, i.0));
        row
    }

    /// Where element `i` is.
    fn element_address(&mut self, list: Value, i: Value, elem: Elem) -> Value {
        let offset = match elem {
            Elem::Byte => i,
            _ => self.b.ins().ishl_imm_s(i, 3),
        };
        self.b.ins().iadd(list, offset)
    }

    /// Writes an element of one byte; a constant needs no register.
    fn store_byte(&mut self, flags: MemFlagsData, value: Value, address: Value) {
        let byte = match self.constant_value(value) {
            Some(i) => self.b.ins().iconst(types::I8, i & 0xff),
            None => self.b.ins().ireduce(types::I8, value),
        };
        self.b.ins().store(flags, byte, address, DATA);
    }

    fn element_flags(&self, elem: Elem, ty: types::Type) -> MemFlagsData {
        match elem {
            Elem::Word => self.flags.words,
            Elem::Byte => self.flags.bytes,
            Elem::Plain if ty == types::F64 => self.flags.floats,
            Elem::Plain => self.flags.ints,
        }
    }

    pub(in crate::jit) fn load_element(
        &mut self,
        list: Value,
        i: Value,
        elem: Elem,
        ty: types::Type,
    ) -> Value {
        let address = self.element_address(list, i, elem);
        let flags = self.element_flags(elem, ty);
        match elem {
            Elem::Byte => self.b.ins().uload8(types::I64, flags, address, DATA),
            _ => self.b.ins().load(ty, flags, address, DATA),
        }
    }

    pub(super) fn length(&mut self, dst: Reg, xs: Reg) {
        let list = self.int(xs.0);
        let len = self.list_len(list, Base::Reg(xs.0));
        self.def(dst.0, len);
    }

    pub(super) fn element(&mut self, dst: Reg, xs: Reg, i: Reg, elem: Elem) {
        let (list, i) = (self.int(xs.0), self.int(i.0));
        let i = self.index(list, i, Base::Reg(xs.0), 0);
        let value = match elem {
            Elem::Word => self.word_at(list, i),
            _ => {
                let ty = self.reg_class(0);
                self.load_element(list, i, elem, ty)
            }
        };
        self.def(dst.0, value);
    }

    pub(super) fn set_element(&mut self, xs: Reg, i: Reg, v: Reg, elem: Elem) {
        let (list, i, value) = (self.int(xs.0), self.int(i.0), self.get(v.0));
        let ty = self.b.func.dfg.value_type(value);
        let i = self.index(list, i, Base::Reg(xs.0), 0);
        self.unique(list, Base::Reg(xs.0));
        let address = self.element_address(list, i, elem);
        let flags = self.element_flags(elem, ty);
        match elem {
            Elem::Byte => {
                self.store_byte(flags, value, address);
            }
            Elem::Plain => {
                self.b.ins().store(flags, value, address, DATA);
            }
            Elem::Word => {
                let old = self.b.ins().load(types::I64, flags, address, DATA);
                self.b.ins().store(flags, value, address, DATA);
                self.drop_value(old, None);
                self.facts.element_set();
            }
        }
    }

    pub(super) fn push(&mut self, xs: Reg, v: Reg, elem: Elem) {
        let (list, value) = (self.int(xs.0), self.get(v.0));
        let ty = self.b.func.dfg.value_type(value);
        let lengths = self.flags.lengths;
        let (cold, sole) = (self.b.create_block(), self.b.create_block());
        let (fast, on) = (self.b.create_block(), self.b.create_block());
        let growing = self.loops.growing(xs.0);
        // The list, and where they are kept: its length and room.
        let params = if growing.is_some() { 3 } else { 1 };
        let after: Vec<Value> = (0..params)
            .map(|_| self.b.append_block_param(on, types::I64))
            .collect();
        if self.is_unique(list, Base::Reg(xs.0)) {
            self.b.ins().jump(sole, &[]);
        } else {
            let count = self.object_count(list);
            let shared = self.b.ins().icmp_imm_s(IntCC::NotEqual, count, 1);
            self.b.ins().brif(shared, cold, &[], sole, &[]);
        }
        self.b.switch_to_block(sole);
        let (len, cap) = match growing {
            Some(known) => known,
            // This block does not dominate what follows: nothing is learnt of the length.
            None => (self.load_len(list), self.load_cap(list)),
        };
        let full = self.icmp(IntCC::Equal, len, cap);
        self.b.ins().brif(full, cold, &[], fast, &[]);

        self.b.switch_to_block(cold);
        self.rare_helper(Stub::ListPush);
        let moved = self.int(xs.0);
        let mut args = vec![BlockArg::Value(moved)];
        if growing.is_some() {
            args.push(BlockArg::Value(self.load_len(moved)));
            args.push(BlockArg::Value(self.load_cap(moved)));
        }
        self.b.ins().jump(on, &args);

        self.b.switch_to_block(fast);
        let address = self.element_address(list, len, elem);
        let flags = self.element_flags(elem, ty);
        match elem {
            Elem::Byte => self.store_byte(flags, value, address),
            _ => {
                self.b.ins().store(flags, value, address, DATA);
            }
        }
        let longer = self.b.ins().iadd_imm_s(len, 1);
        self.b
            .ins()
            .istore32(lengths, longer, list, LIST_LEN_OFFSET as i32);
        let mut args = vec![BlockArg::Value(list)];
        if growing.is_some() {
            args.extend([longer, cap].map(BlockArg::Value));
        }
        self.b.ins().jump(on, &args);

        self.b.switch_to_block(on);
        self.facts.set_unique(after[0]);
        if let [_, len, cap] = after[..] {
            self.loops.grown(xs.0, len, cap);
        }
        self.def(xs.0, after[0]);
    }

    pub(super) fn element_of_row(&mut self, dst: Reg, xs: Reg, i: Reg, j: Reg) {
        let (row, j_value) = (self.row(xs, i), self.int(j.0));
        let j = self.index(row, j_value, Base::Row(xs.0, i.0), 1);
        let ty = self.reg_class(0);
        let value = self.load_element(row, j, Elem::Plain, ty);
        self.def(dst.0, value);
    }

    pub(super) fn set_in_row(&mut self, xs: Reg, i: Reg, j: Reg, v: Reg) {
        let (j_value, value) = (self.int(j.0), self.get(v.0));
        let ty = self.b.func.dfg.value_type(value);
        let row = self.own_row(xs, i);
        let j = self.index(row, j_value, Base::Row(xs.0, i.0), 1);
        let address = self.element_address(row, j, Elem::Plain);
        let flags = self.element_flags(Elem::Plain, ty);
        self.b.ins().store(flags, value, address, DATA);
    }

    pub(super) fn field_of_element(&mut self, dst: Reg, xs: Reg, i: Reg, f: Field) {
        let object = self.row(xs, i);
        let ty = self.reg_class(0);
        let flags = self.element_flags(Elem::Plain, ty);
        let offset = SLOTS + 8 * i32::from(f.0);
        let value = self.b.ins().load(ty, flags, object, offset);
        self.def(dst.0, value);
    }

    pub(super) fn set_field_of_element(&mut self, xs: Reg, i: Reg, f: Field, v: Reg) {
        let value = self.get(v.0);
        let ty = self.b.func.dfg.value_type(value);
        let object = self.own_row(xs, i);
        let flags = self.element_flags(Elem::Plain, ty);
        let offset = SLOTS + 8 * i32::from(f.0);
        self.b.ins().store(flags, value, object, offset);
    }

    /// On to the next element, and back while there is one.
    pub(super) fn walk(&mut self, i: Reg, xs: Reg, dst: Reg, to: Label32, elem: Elem) {
        self.poll();
        let target = self.target(to.0.into());
        let (list, i_value) = (self.int(xs.0), self.int(i.0));
        let next = self.b.ins().iadd_imm_s(i_value, 1);
        self.def(i.0, next);
        let len = self.list_len(list, Base::Reg(xs.0));
        let inside = self.icmp(IntCC::UnsignedLessThan, next, len);
        let (more, on) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(inside, more, &[], on, &[]);
        self.b.switch_to_block(more);
        let ty = self.element_class(target, dst.0);
        let value = self.load_element(list, next, elem, ty);
        let args = self.args(target, Some((dst.0, value)));
        let block = self.block(target);
        self.b.ins().jump(block, &args);
        self.b.switch_to_block(on);
    }

    /// The class of a register where the block at `pc` begins.
    fn element_class(&self, pc: usize, reg: u16) -> types::Type {
        use lumen_bytecode::module::Hold;
        let live = self.plan.map(pc).map_or(&[][..], |m| &m.live);
        let entry = live.iter().find(|entry| entry.reg == reg);
        entry.map_or(types::I64, |entry| {
            crate::jit::translate::class(entry.ty, entry.hold == Hold::Plain)
        })
    }
}
