//! Words: counting, boxing, type tests.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value, types};
use lumen_bytecode::module::{TypeDesc, TypeIx, well_known as wk};
use lumen_bytecode::operand::*;
use lumen_bytecode::verify::RegType;
use lumen_runtime::heap::object::{COUNT_OFFSET, SLOTS_OFFSET, TYPE_OFFSET};
use lumen_runtime::heap::word::{FALSE, TAG_MASK, TRUE, immediate};

use crate::jit::stubs::Stub;
use crate::jit::translate::Translator;

/// What words of a type can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Pointers only.
    Pointer,
    /// Immediates only: nothing to count.
    Immediate,
    /// Pointers and immediates, no small Ints.
    Enum,
    /// Anything.
    Any,
}

impl Translator<'_, '_> {
    /// What the word in register operand `i` can be.
    fn form(&self, i: usize) -> Form {
        self.reg_type(i).map_or(Form::Any, |ty| self.form_of(ty))
    }

    fn form_of(&self, ty: RegType) -> Form {
        match ty.ix() {
            // In a word.
            wk::INT => Form::Any,
            wk::FLOAT => Form::Pointer,
            wk::BOOL | wk::NULL => Form::Immediate,
            ix => self.form_of_type(ix),
        }
    }

    fn form_of_type(&self, ty: TypeIx) -> Form {
        match &self.env.module.types[ty as usize] {
            TypeDesc::String
            | TypeDesc::Bytes
            | TypeDesc::Error
            | TypeDesc::List(_)
            | TypeDesc::Map(..)
            | TypeDesc::Set(_)
            | TypeDesc::Tuple(_)
            | TypeDesc::Record { .. }
            | TypeDesc::Func { .. }
            | TypeDesc::Closure { .. }
            | TypeDesc::Future(_)
            | TypeDesc::Channel(_) => Form::Pointer,
            TypeDesc::Variant { fields, .. } if fields.is_empty() => Form::Immediate,
            TypeDesc::Variant { .. } => Form::Pointer,
            TypeDesc::Enum { .. } => Form::Enum,
            _ => Form::Any,
        }
    }

    /// Whether a word points to an object (0 is taken for a pointer).
    fn is_pointer(&mut self, word: Value) -> Value {
        let tag = self.b.ins().band_imm_s(word, TAG_MASK as i64);
        self.icmp_imm(IntCC::Equal, tag, 0)
    }

    /// Goes to `on` unless the word points to an object.
    fn skip_unless_pointer(&mut self, word: Value, form: Form, on: Block) {
        if form != Form::Pointer {
            let pointer = self.is_pointer(word);
            let object = self.b.create_block();
            self.b.ins().brif(pointer, object, &[], on, &[]);
            self.b.switch_to_block(object);
        }
    }

    pub(super) fn dup_op(&mut self, dst: Reg, src: Reg) {
        let word = self.int(src.0);
        let form = self.form(1);
        if form != Form::Immediate {
            self.facts.shared();
            self.dup_value(word, form);
        }
        self.def(dst.0, word);
    }

    /// One more reference.
    fn dup_value(&mut self, word: Value, form: Form) {
        let (cold, local) = (self.b.create_block(), self.b.create_block());
        let (shared, on) = (self.b.create_block(), self.b.create_block());
        self.skip_unless_pointer(word, form, on);
        let flags = self.flags.header;
        let count = self.object_count(word);
        let odd = self
            .b
            .ins()
            .icmp_imm_s(IntCC::SignedLessThanOrEqual, count, 0);
        self.b.ins().brif(odd, cold, &[], local, &[]);

        self.b.switch_to_block(cold);
        self.b.ins().brif(count, shared, &[], on, &[]);
        self.b.switch_to_block(shared);
        self.rare_word_call(Stub::DupWord, word);
        self.b.ins().jump(on, &[]);

        self.b.switch_to_block(local);
        let more = self.b.ins().iadd_imm_s(count, 1);
        self.b.ins().store(flags, more, word, COUNT_OFFSET as i32);
        self.b.ins().jump(on, &[]);
        self.b.switch_to_block(on);
    }

    pub(super) fn drop_op(&mut self, a: Reg) {
        let word = self.int(a.0);
        let form = self.form(0);
        self.drop_value(word, Some(form));
    }

    /// One reference less; the last frees the object. A word that may be absent has no form.
    pub(super) fn drop_value(&mut self, word: Value, form: Option<Form>) {
        if form == Some(Form::Immediate) {
            return;
        }
        let (cold, local) = (self.b.create_block(), self.b.create_block());
        let (free, on) = (self.b.create_block(), self.b.create_block());
        if form.is_none() {
            let some = self.b.create_block();
            self.b.ins().brif(word, some, &[], on, &[]);
            self.b.switch_to_block(some);
        }
        self.skip_unless_pointer(word, form.unwrap_or(Form::Any), on);
        let flags = self.flags.header;
        let count = self.object_count(word);
        let odd = self
            .b
            .ins()
            .icmp_imm_s(IntCC::SignedLessThanOrEqual, count, 1);
        self.b.ins().brif(odd, cold, &[], local, &[]);

        self.b.switch_to_block(cold);
        self.b.ins().brif(count, free, &[], on, &[]);
        self.b.switch_to_block(free);
        self.rare_word_call(Stub::DropWord, word);
        self.b.ins().jump(on, &[]);

        self.b.switch_to_block(local);
        let less = self.b.ins().iadd_imm_s(count, -1);
        self.b.ins().store(flags, less, word, COUNT_OFFSET as i32);
        self.b.ins().jump(on, &[]);
        self.b.switch_to_block(on);
    }

    /// The type of the word in register operand `i`, as a number of 32 bits.
    pub(super) fn dynamic_type(&mut self, word: Value, i: usize) -> Value {
        let flags = self.flags.header;
        let form = self.form(i);
        if form == Form::Pointer {
            return self
                .b
                .ins()
                .load(types::I32, flags, word, TYPE_OFFSET as i32);
        }
        let (object, other) = (self.b.create_block(), self.b.create_block());
        let on = self.b.create_block();
        let ty = self.b.append_block_param(on, types::I32);
        let pointer = self.is_pointer(word);
        self.b.ins().brif(pointer, object, &[], other, &[]);

        self.b.switch_to_block(object);
        let stored = self
            .b
            .ins()
            .load(types::I32, flags, word, TYPE_OFFSET as i32);
        self.b.ins().jump(on, &[BlockArg::Value(stored)]);

        self.b.switch_to_block(other);
        let upper = self.b.ins().ushr_imm_u(word, 32);
        let mut found = self.b.ins().ireduce(types::I32, upper);
        if form == Form::Any {
            let small = self.b.ins().band_imm_s(word, 1);
            let int = self.b.ins().iconst(types::I32, i64::from(wk::INT));
            found = self.b.ins().select(small, int, found);
        }
        self.b.ins().jump(on, &[BlockArg::Value(found)]);
        self.b.switch_to_block(on);
        ty
    }

    /// Whether the word in register operand `i` is of type `t`.
    pub(super) fn has_type(&mut self, word: Value, i: usize, t: TypeIx) -> Value {
        match &self.env.module.types[t as usize] {
            TypeDesc::Variant { fields, .. } if fields.is_empty() => {
                self.icmp_imm(IntCC::Equal, word, immediate(t, 0) as i64)
            }
            TypeDesc::Any
            | TypeDesc::Json
            | TypeDesc::Union(_)
            | TypeDesc::Enum { .. }
            | TypeDesc::Func { .. } => {
                let ty = self.dynamic_type(word, i);
                self.is_member(ty, t)
            }
            _ => {
                let ty = self.dynamic_type(word, i);
                self.b.ins().icmp_imm_s(IntCC::Equal, ty, i64::from(t))
            }
        }
    }

    /// Whether the dynamic type `ty` belongs to `t`, by the loader's sets.
    fn is_member(&mut self, ty: Value, t: TypeIx) -> Value {
        let image = self.env.image;
        let Some(set) = image.member_types.iter().position(|m| *m == t) else {
            return self.b.ins().icmp_imm_s(IntCC::Equal, ty, i64::from(t));
        };
        let bits = image.members[set * image.member_words..].as_ptr();
        let (bits, flags) = (self.iconst(bits as i64), self.flags.constant);
        let ty = self.b.ins().uextend(types::I64, ty);
        let byte = self.b.ins().ushr_imm_u(ty, 3);
        let address = self.b.ins().iadd(bits, byte);
        let byte = self.b.ins().uload8(types::I64, flags, address, 0);
        let bit = self.b.ins().band_imm_s(ty, 7);
        let shifted = self.b.ins().ushr(byte, bit);
        let member = self.b.ins().band_imm_s(shifted, 1);
        self.icmp_imm(IntCC::NotEqual, member, 0)
    }

    pub(super) fn cast_op(&mut self, a: Reg, t: Type) {
        let word = self.int(a.0);
        let fits = self.has_type(word, 0, t.0.into());
        self.exit_unless(fits);
    }

    pub(super) fn is_type_op(&mut self, dst: Reg, a: Reg, t: Type) {
        let word = self.int(a.0);
        let test = self.has_type(word, 1, t.0.into());
        self.def_bool(dst, test);
    }

    pub(super) fn box_int_op(&mut self, dst: Reg, a: Reg) {
        let int = self.int(a.0);
        let twice = self.b.ins().ishl_imm_s(int, 1);
        let back = self.b.ins().sshr_imm_s(twice, 1);
        let small = self.icmp(IntCC::Equal, back, int);
        let word = self.b.ins().bor_imm_s(twice, 1);
        let (cold, on) = (self.b.create_block(), self.b.create_block());
        let boxed = self.b.append_block_param(on, types::I64);
        let args = [BlockArg::Value(word)];
        self.b.ins().brif(small, on, &args, cold, &[]);
        self.b.switch_to_block(cold);
        self.rare_helper(Stub::BoxInt);
        let large = self.int(dst.0);
        self.b.ins().jump(on, &[BlockArg::Value(large)]);
        self.b.switch_to_block(on);
        self.def(dst.0, boxed);
    }

    pub(super) fn box_float_op(&mut self, dst: Reg, a: Reg) {
        let (value, flags) = (self.float(a.0), self.flags.floats);
        self.allocate(dst, wk::FLOAT, 1, Stub::BoxFloat, |this, object| {
            this.b
                .ins()
                .store(flags, value, object, SLOTS_OFFSET as i32);
        });
    }

    pub(super) fn box_bool_op(&mut self, dst: Reg, a: Reg) {
        let bit = self.int(a.0);
        let shifted = self.b.ins().ishl_imm_s(bit, 2);
        let word = self.b.ins().bor_imm_s(shifted, FALSE as i64);
        self.def(dst.0, word);
    }

    pub(super) fn unbox_int_op(&mut self, dst: Reg, a: Reg) {
        let word = self.int(a.0);
        let small = self.b.ins().band_imm_s(word, 1);
        let (fast, other) = (self.b.create_block(), self.b.create_block());
        let (boxed, on) = (self.b.create_block(), self.b.create_block());
        let int = self.b.append_block_param(on, types::I64);
        self.b.ins().brif(small, fast, &[], other, &[]);

        self.b.switch_to_block(other);
        let exit = self.exit_block();
        let pointer = self.is_pointer(word);
        self.b.ins().brif(pointer, boxed, &[], exit, &[]);
        self.b.switch_to_block(boxed);
        let flags = self.flags.header;
        let ty = self
            .b
            .ins()
            .load(types::I32, flags, word, TYPE_OFFSET as i32);
        let wrong = self
            .b
            .ins()
            .icmp_imm_s(IntCC::NotEqual, ty, i64::from(wk::INT));
        self.exit_if(wrong);
        let flags = self.flags.ints;
        let large = self
            .b
            .ins()
            .load(types::I64, flags, word, SLOTS_OFFSET as i32);
        self.b.ins().jump(on, &[BlockArg::Value(large)]);

        self.b.switch_to_block(fast);
        let value = self.b.ins().sshr_imm_s(word, 1);
        self.b.ins().jump(on, &[BlockArg::Value(value)]);
        self.b.switch_to_block(on);
        self.def(dst.0, int);
    }

    pub(super) fn unbox_float_op(&mut self, dst: Reg, a: Reg) {
        let word = self.int(a.0);
        let pointer = self.is_pointer(word);
        self.exit_unless(pointer);
        let flags = self.flags.header;
        let ty = self
            .b
            .ins()
            .load(types::I32, flags, word, TYPE_OFFSET as i32);
        let wrong = self
            .b
            .ins()
            .icmp_imm_s(IntCC::NotEqual, ty, i64::from(wk::FLOAT));
        self.exit_if(wrong);
        let flags = self.flags.floats;
        let value = self
            .b
            .ins()
            .load(types::F64, flags, word, SLOTS_OFFSET as i32);
        self.def(dst.0, value);
    }

    pub(super) fn unbox_bool_op(&mut self, dst: Reg, a: Reg) {
        let word = self.int(a.0);
        let is_true = self.icmp_imm(IntCC::Equal, word, TRUE as i64);
        let is_false = self.icmp_imm(IntCC::Equal, word, FALSE as i64);
        let either = self.b.ins().bor(is_true, is_false);
        self.exit_unless(either);
        self.def_bool(dst, is_true);
    }
}
