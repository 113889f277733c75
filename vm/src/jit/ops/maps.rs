//! Maps: a test for a key and a look-up of the same key are one.

use cranelift_codegen::ir::{InstBuilder, types};
use lumen_bytecode::code::{Op, get_raw};
use lumen_bytecode::operand::*;

use crate::helpers::maps;
use crate::interp::dispatch::Code;
use crate::jit::translate::Translator;

impl Translator<'_, '_> {
    /// Whether the loader has made one instruction of the one at hand and what follows, up to
    /// `words` on, where no branch leads.
    fn is_fused(&self, code: Code, words: usize) -> bool {
        let image = self.env.image;
        let start = image.funcs[self.unit.func as usize].start;
        let fused = image.original_op(image.code.at(start + self.pc)) == code as u16;
        fused && (1..words).all(|i| self.plan.map(self.pc + i).is_none())
    }

    /// `map.get`, `map.getor`.
    pub(super) fn look_up(&mut self) {
        let (get, add, fused) = match self.op {
            Op::MapGetOr => (
                maps::map_get_or as *const (),
                maps::map_add_or as *const (),
                Code::MapAddOr,
            ),
            _ => (
                maps::map_get as *const (),
                maps::map_add as *const (),
                Code::MapAdd,
            ),
        };
        match self.is_fused(fused, self.op.word_count() + 2) {
            true => self.add_in_place(get, add),
            false => self.helper(get),
        }
    }

    /// A look-up, an addition and an update of one key by the helper for all three, `add`; if that
    /// does not do it, one by one. In the end all is in the frame either way.
    fn add_in_place(&mut self, get: *const (), add: *const ()) {
        let plan = self.plan;
        let code = &plan.function.code[self.pc..];
        let (found, map) = (get_raw(code, 0, 1) as u16, get_raw(code, 1, 1) as u16);
        let add_word = &code[self.op.word_count()..];
        let sum = get_raw(add_word, 0, 1) as u16;
        self.store_operands();
        let args = self.instruction_args();
        let Some(done) = self.call_rust(add as usize, &args, Some(types::I8)) else {
            return self.exit();
        };
        self.forget_slot(found);
        self.forget_slot(sum);
        let (slow, on) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(done, on, &[], slow, &[]);
        self.go_on(slow);
        self.helper(get);
        self.step(Op::IntAddI);
        let i = get_raw(add_word, 2, 1) as u16 as i16;
        self.add_immediate(Reg(sum), Reg(found), Imm16(i));
        self.step(Op::MapSet);
        self.helper(maps::map_set as *const ());
        self.b.ins().jump(on, &[]);
        self.b.switch_to_block(on);
        self.facts.call();
        for reg in [found, sum, map] {
            let dies = plan.dying(self.pc).iter().any(|d| d.1 == reg);
            if self.live.has(reg) && !dies {
                let value = self.load_reg(reg, types::I64);
                self.def(reg, value);
            }
        }
    }

    /// On to the next instruction, which is an `op`, without leaving the present translation.
    fn step(&mut self, op: Op) {
        for &(_, reg) in self.plan.dying(self.pc) {
            self.kill(reg);
        }
        self.pc = self.next;
        self.op = op;
        self.next = self.pc + op.word_count();
        self.exits.begin_instruction();
        self.exits.settle();
    }

    pub(super) fn has_key(&mut self, dst: Reg) {
        if self.is_fused(Code::MapFind, 3) {
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
