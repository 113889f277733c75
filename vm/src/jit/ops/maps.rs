//! Maps: a test for a key and a look-up of the same key are one.

use cranelift_codegen::ir::{InstBuilder, types};
use lumen_bytecode::code::{Op, get_raw};
use lumen_bytecode::operand::*;

use crate::helpers::maps;
use crate::interp::dispatch::Code;
use crate::jit::translate::Translator;

impl Translator<'_, '_> {
    pub(super) fn has_key(&mut self, dst: Reg) {
        let image = self.env.image;
        let start = image.funcs[self.unit.func as usize].start;
        let fused = image.original_op(image.code.at(start + self.pc)) == Code::MapFind as u16;
        let straight = (1..3).all(|i| self.plan.map(self.pc + i).is_none());
        if fused && straight {
            return self.find_key(dst);
        }
        self.sure_helper(maps::map_has as *const ());
    }

    /// `map.has`, `jump.ifnot` and `map.get` by the helper for all three.
    fn find_key(&mut self, dst: Reg) {
        let plan = self.plan;
        let code = &plan.function.code[self.pc..];
        let distance = get_raw(&code[1..], 1, 2) as i32;
        let target = (self.pc as i64 + 1 + i64::from(distance)) as usize;
        let value = get_raw(&code[2..], 0, 1) as u16;
        self.store_operands();
        let args = self.instruction_args();
        let find = maps::map_find as *const () as usize;
        let Some(found) = self.call_rust(find, &args, Some(types::I8)) else {
            return self.exit();
        };
        self.forget_stored(0);
        let bit = self.b.ins().uextend(types::I64, found);
        self.def(dst.0, bit);
        for &(_, reg) in plan.dying(self.pc) {
            self.kill(reg);
        }
        self.branch_unless(found, target);
        for &(_, reg) in plan.dying(self.pc + 1) {
            self.kill(reg);
        }
        self.pc += 2;
        self.op = match Op::from_word(code[2]) {
            Some(op) => op,
            None => return self.exit(),
        };
        self.next = self.pc + self.op.word_count();
        let class = self.reg_class(0);
        let found = self.load_reg(value, class);
        self.def(value, found);
    }
}
