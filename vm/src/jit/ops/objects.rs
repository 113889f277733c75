//! Records, tuples, variants, closures, boxed Floats: made inline from the heap's free lists.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, MemFlagsData, Type as ClifType, Value, types};
use lumen_bytecode::code::get_raw;
use lumen_bytecode::module::{TypeDesc, TypeIx, well_known as wk};
use lumen_bytecode::operand::*;
use lumen_runtime::heap::alloc::{HEAP_FREE_OFFSET, HEAP_LIVE_OFFSET, SMALL_MAX};
use lumen_runtime::heap::object::SLOTS_OFFSET;

use crate::jit::plan::slots;
use crate::jit::ranges::Base;
use crate::jit::stubs::Stub;
use crate::jit::translate::Translator;

const SLOTS: i32 = SLOTS_OFFSET as i32;

impl Translator<'_, '_> {
    /// Access to a field of class `ty`.
    pub(super) fn field_flags(&self, ty: ClifType, word: bool) -> MemFlagsData {
        match ty {
            types::F64 => self.flags.floats,
            _ if word => self.flags.words,
            _ => self.flags.ints,
        }
    }

    pub(super) fn load_field(&mut self, dst: Reg, a: Reg, f: Field) {
        let object = self.int(a.0);
        let ty = self.reg_class(0);
        let flags = self.field_flags(ty, false);
        let value = self
            .b
            .ins()
            .load(ty, flags, object, SLOTS + 8 * i32::from(f.0));
        self.def(dst.0, value);
    }

    pub(super) fn load_field_word(&mut self, dst: Reg, a: Reg, f: Field) {
        let object = self.int(a.0);
        let flags = self.flags.words;
        let value = self
            .b
            .ins()
            .load(types::I64, flags, object, SLOTS + 8 * i32::from(f.0));
        self.def(dst.0, value);
    }

    pub(super) fn store_field(&mut self, a: Reg, f: Field, v: Reg) {
        let value = self.get(v.0);
        let flags = self.field_flags(self.b.func.dfg.value_type(value), false);
        self.update(a, Stub::FieldSet, |this, object| {
            this.b
                .ins()
                .store(flags, value, object, SLOTS + 8 * i32::from(f.0));
        });
    }

    pub(super) fn store_field_word(&mut self, a: Reg, f: Field, v: Reg) {
        let (value, flags) = (self.int(v.0), self.flags.words);
        let offset = SLOTS + 8 * i32::from(f.0);
        self.update(a, Stub::FieldSetWord, |this, object| {
            let old = this.b.ins().load(types::I64, flags, object, offset);
            this.b.ins().store(flags, value, object, offset);
            this.drop_value(old, None);
        });
    }

    /// Changes the object in `R[a]` in place when it is unique, else by the helper.
    fn update(&mut self, a: Reg, slow: Stub, change: impl FnOnce(&mut Self, Value)) {
        let object = self.int(a.0);
        if self.is_unique(object, Base::Reg(a.0)) {
            return change(self, object);
        }
        let (cold, sole) = (self.b.create_block(), self.b.create_block());
        let on = self.b.create_block();
        let after = self.b.append_block_param(on, types::I64);
        let count = self.object_count(object);
        let shared = self.b.ins().icmp_imm_s(IntCC::NotEqual, count, 1);
        self.b.ins().brif(shared, cold, &[], sole, &[]);

        self.b.switch_to_block(cold);
        self.rare_helper(slow);
        let copy = self.int(a.0);
        self.b.ins().jump(on, &[BlockArg::Value(copy)]);

        self.b.switch_to_block(sole);
        change(self, object);
        self.b.ins().jump(on, &[BlockArg::Value(object)]);

        self.b.switch_to_block(on);
        self.facts.set_unique(after);
        self.def(a.0, after);
    }

    /// A new object with `n` slots, which `fill` writes; or what the helper makes.
    pub(super) fn allocate(
        &mut self,
        dst: Reg,
        ty: TypeIx,
        n: usize,
        slow: Stub,
        fill: impl FnOnce(&mut Self, Value),
    ) {
        if SLOTS_OFFSET + 8 * n > SMALL_MAX {
            return self.rare_helper(slow);
        }
        let (heap, context, header) = (self.heap, self.flags.context, self.flags.header);
        let list = (HEAP_FREE_OFFSET + 8 * (n + 1)) as i32;
        let (cold, fast) = (self.b.create_block(), self.b.create_block());
        let on = self.b.create_block();
        let made = self.b.append_block_param(on, types::I64);
        let block = self.b.ins().load(types::I64, context, heap, list);
        self.b.ins().brif(block, fast, &[], cold, &[]);

        self.b.switch_to_block(cold);
        self.rare_helper(slow);
        let other = self.int(dst.0);
        self.b.ins().jump(on, &[BlockArg::Value(other)]);

        self.b.switch_to_block(fast);
        let next = self.b.ins().load(types::I64, header, block, 0);
        self.b.ins().store(context, next, heap, list);
        let live = self
            .b
            .ins()
            .load(types::I64, context, heap, HEAP_LIVE_OFFSET as i32);
        let live = self.b.ins().iadd_imm_s(live, 1);
        self.b
            .ins()
            .store(context, live, heap, HEAP_LIVE_OFFSET as i32);
        // Count 1 below the type.
        let head = self.iconst((u64::from(ty) << 32 | 1) as i64);
        self.b.ins().store(header, head, block, 0);
        fill(self, block);
        self.b.ins().jump(on, &[BlockArg::Value(block)]);

        self.b.switch_to_block(on);
        self.def(dst.0, made);
    }

    pub(super) fn new_object(&mut self, dst: Reg, first: Window, t: Type) {
        let ty = TypeIx::from(t.0);
        let module = self.env.module;
        let n = slots(module, ty);
        let (fields, closure): (Vec<TypeIx>, Option<u32>) = match &module.types[usize::from(t.0)] {
            TypeDesc::Record { fields, .. } | TypeDesc::Variant { fields, .. } => {
                (fields.iter().map(|f| f.ty).collect(), None)
            }
            TypeDesc::Tuple(parts) => (parts.clone(), None),
            TypeDesc::Closure { captures, func, .. } => (captures.clone(), Some(*func)),
            _ => (vec![wk::ANY; n], None),
        };
        if closure.is_some() && n == 0 {
            return self.bare_closure(dst);
        }
        let values: Vec<Value> = (first.0..).take(n).map(|reg| self.get(reg)).collect();
        let before = usize::from(closure.is_some());
        let slow = match closure {
            Some(_) => Stub::NewClosure,
            None => Stub::New,
        };
        self.allocate(dst, ty, n + before, slow, |this, object| {
            if let Some(func) = closure {
                let func = this.iconst(func.into());
                let flags = this.flags.ints;
                this.b.ins().store(flags, func, object, SLOTS);
            }
            for (i, (value, ty)) in values.into_iter().zip(fields).enumerate() {
                let class = this.b.func.dfg.value_type(value);
                let word = !matches!(ty, wk::INT | wk::FLOAT | wk::BOOL);
                let flags = this.field_flags(class, word);
                let offset = SLOTS + 8 * (i + before) as i32;
                this.b.ins().store(flags, value, object, offset);
            }
        });
    }

    /// A closure without captures is a constant, whose number the loader has put here.
    fn bare_closure(&mut self, dst: Reg) {
        let image = self.env.image;
        let start = image.funcs[self.unit.func as usize].start;
        // SAFETY: a word of the image's code; only op numbers ever change.
        let word = unsafe { *image.code.at(start + self.pc) };
        let constant = image.constants[get_raw(&[word], 1, 2) as usize];
        let value = self.iconst(constant as i64);
        self.def(dst.0, value);
    }
}
