//! Jumps, switches, counting loops.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{BlockCall, InstBuilder, JumpTableData, types};
use lumen_bytecode::module::TypeDesc;
use lumen_bytecode::operand::*;
use lumen_runtime::heap::word::NULL;

use crate::jit::plan::Test;
use crate::jit::translate::Translator;

impl Translator<'_, '_> {
    pub(super) fn jump_op(&mut self, distance: i32) {
        if let Some(test) = self.plan.test_of(self.pc) {
            return self.test_before_loop(test);
        }
        let target = self.target(distance.into());
        self.go(target);
    }

    /// Decides about a loop before it, as it does at its end.
    fn test_before_loop(&mut self, test: Test) {
        let pc = self.pc;
        self.stretch(test.start, test.end);
        (self.pc, self.next, self.closed) = (pc, pc + 1, true);
    }

    pub(super) fn jump_bool(&mut self, a: Reg, distance: i32, when: bool) {
        let target = self.target(distance.into());
        let value = self.int(a.0);
        self.branch_or_select_bool(value, when, target);
    }

    pub(super) fn jump_int(&mut self, a: Reg, b: Reg, to: Label16, cc: IntCC) {
        let target = self.target(to.0.into());
        let (a, b) = (self.int(a.0), self.int(b.0));
        let test = self.icmp(cc, a, b);
        self.branch_or_select(test, target);
    }

    pub(super) fn jump_immediate(&mut self, a: Reg, i: Imm16, to: Label16, cc: IntCC) {
        let target = self.target(to.0.into());
        let a = self.int(a.0);
        let test = self.icmp_imm(cc, a, i.0.into());
        self.branch_or_select(test, target);
    }

    /// A jump if the comparison holds, or if it does not.
    pub(super) fn jump_float(&mut self, a: Reg, b: Reg, to: Label16, cc: FloatCC, holds: bool) {
        let target = self.target(to.0.into());
        let (a, b) = (self.float(a.0), self.float(b.0));
        let test = self.b.ins().fcmp(cc, a, b);
        if holds {
            self.branch(test, target);
        } else {
            self.branch_unless(test, target);
        }
    }

    pub(super) fn jump_null(&mut self, a: Reg, to: Label32, null: bool) {
        let target = self.target(to.0.into());
        let a = self.int(a.0);
        let cc = if null { IntCC::Equal } else { IntCC::NotEqual };
        let test = self.icmp_imm(cc, a, NULL as i64);
        self.branch(test, target);
    }

    pub(super) fn jump_type(&mut self, a: Reg, t: Type, distance: i64, is: bool) {
        let target = self.target(distance);
        let a = self.int(a.0);
        let test = self.has_type(a, 0, t.0.into());
        if is {
            self.branch(test, target);
        } else {
            self.branch_unless(test, target);
        }
    }

    pub(super) fn switch_variant(&mut self, a: Reg, e: Type, t: Table) {
        let first = match self.env.module.types[usize::from(e.0)] {
            TypeDesc::Enum { first_variant, .. } => first_variant,
            _ => 0,
        };
        let a = self.int(a.0);
        let ty = self.dynamic_type(a, 0);
        let tag = self.b.ins().iadd_imm_s(ty, -i64::from(first));
        self.switch(tag, t);
    }

    pub(super) fn switch_value(&mut self, a: Reg, low: Imm16, t: Table) {
        let a = self.int(a.0);
        let index = self.b.ins().iadd_imm_s(a, -i64::from(low.0));
        // The index of a jump table has 32 bits.
        let many = self.icmp_imm(IntCC::UnsignedGreaterThan, index, i64::from(u32::MAX >> 1));
        let most = self.iconst(i64::from(u32::MAX >> 1));
        let index = self.b.ins().select(many, most, index);
        let index = self.b.ins().ireduce(types::I32, index);
        self.switch(index, t);
    }

    /// Goes to entry `index`; the last is for all that is outside.
    fn switch(&mut self, index: cranelift_codegen::ir::Value, t: Table) {
        let table = &self.plan.function.tables[usize::from(t.0)];
        let calls: Vec<BlockCall> = table
            .iter()
            .map(|pc| {
                let pc = *pc as usize;
                let args = self.args(pc, None);
                let block = self.block(pc);
                self.b.func.dfg.block_call(block, &args)
            })
            .collect();
        self.closed = true;
        let Some((last, rest)) = calls.split_last() else {
            return self.exit();
        };
        let table = self.b.create_jump_table(JumpTableData::new(*last, rest));
        self.b.ins().br_table(index, table);
    }

    /// `R[i] += 1`, and back while it is below the limit.
    pub(super) fn count_up(&mut self, i: Reg, limit: Reg, to: Label16) {
        self.poll();
        let target = self.target(to.0.into());
        let (value, limit) = (self.int(i.0), self.int(limit.0));
        let next = self.b.ins().iadd_imm_s(value, 1);
        self.def(i.0, next);
        let more = self.icmp(IntCC::SignedLessThan, next, limit);
        self.branch(more, target);
    }

    /// Back with `R[i] + 1` while it is below the limit.
    pub(super) fn count_through(&mut self, i: Reg, limit: Reg, to: Label16) {
        self.poll();
        let target = self.target(to.0.into());
        let (value, limit) = (self.int(i.0), self.int(limit.0));
        let more = self.icmp(IntCC::SignedLessThan, value, limit);
        let next = self.b.ins().iadd_imm_s(value, 1);
        let args = self.args(target, Some((i.0, next)));
        let block = self.block(target);
        let on = self.b.create_block();
        self.b.ins().brif(more, block, &args, on, &[]);
        self.b.switch_to_block(on);
    }
}
