//! Moves, constants, module-level variables, returns.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, types};
use lumen_bytecode::module::well_known as wk;
use lumen_bytecode::operand::*;
use lumen_runtime::heap::word::NULL;

use crate::jit::translate::{Translator, class};
use crate::jit::{Status, support};

impl Translator<'_, '_> {
    pub(super) fn copy(&mut self, dst: Reg, src: Reg) {
        let value = self.get(src.0);
        self.def(dst.0, value);
    }

    pub(super) fn constant(&mut self, dst: Reg) {
        let value = self.constant_at(self.pc);
        self.def(dst.0, value);
    }

    pub(super) fn global_get_op(&mut self, dst: Reg, g: Global) {
        let ty = self.env.module.globals[usize::from(g.0)].ty;
        let plain = matches!(ty, wk::INT | wk::FLOAT | wk::BOOL);
        let (globals, flags) = (self.globals, self.flags.globals);
        let offset = i32::from(g.0) * 8;
        let value = self.b.ins().load(class(ty, plain), flags, globals, offset);
        if !plain {
            let absent = self.icmp_imm(IntCC::Equal, value, 0);
            self.exit_if(absent);
        }
        self.def(dst.0, value);
    }

    pub(super) fn global_set_op(&mut self, g: Global, src: Reg) {
        let global = self.iconst(g.0.into());
        let (word, cx) = (self.int(src.0), self.context());
        self.call_rust(
            support::global_set as *const () as usize,
            &[global, word, cx],
            None,
        );
    }

    pub(super) fn give_back(&mut self, a: Reg) {
        let result = self.plan.function.result;
        let value = match class(result, true) {
            types::F64 => self.float(a.0),
            _ => self.int(a.0),
        };
        self.give(value);
    }

    pub(super) fn give_null_back(&mut self) {
        let value = self.iconst(NULL as i64);
        self.give(value);
    }

    fn give(&mut self, value: cranelift_codegen::ir::Value) {
        if self.give_inlined(value) {
            return;
        }
        let status = self.b.ins().iconst(types::I32, Status::Returned as i64);
        self.b.ins().return_(&[value, status]);
        self.closed = true;
    }
}
