//! Branches around one cheap instruction, done without a branch.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use lumen_bytecode::code::{Op, get_raw};
use lumen_bytecode::module::{Hold, well_known as wk};

use crate::jit::translate::Translator;

/// What a branch that goes around something depends on.
#[derive(Clone, Copy)]
struct Test {
    value: Value,
    /// It is taken if the value is not 0; else if it is 0.
    when: bool,
    /// The value is 0 or 1, in 64 bits.
    bit: bool,
}

impl Translator<'_, '_> {
    /// Goes to word `target` if `test`, else on: without a branch where that can be.
    pub(super) fn branch_or_select(&mut self, value: Value, target: usize) {
        let test = Test {
            value,
            when: true,
            bit: false,
        };
        if !self.select(test, target) {
            self.branch(value, target);
        }
    }

    /// The same for a Bool: goes to `target` if it is `when`.
    pub(super) fn branch_or_select_bool(&mut self, value: Value, when: bool, target: usize) {
        let bit = self
            .reg_type(0)
            .is_some_and(|t| t.is_plain() && t.ix() == wk::BOOL);
        if self.select(Test { value, when, bit }, target) {
            return;
        }
        match when {
            true => self.branch(value, target),
            false => self.branch_unless(value, target),
        }
    }

    /// If the branch at hand only goes around one addition to a register, or one copy into it,
    /// chooses between the register's values; whether it did.
    fn select(&mut self, test: Test, target: usize) -> bool {
        let plan = self.plan;
        let at = self.next;
        let Some(op) = plan.function.code.get(at).and_then(|w| Op::from_word(*w)) else {
            return false;
        };
        let around = at + op.word_count() == target;
        if !around || self.op.is_back_edge() {
            return false;
        }
        let words = &plan.function.code[at..];
        let (dst, src) = (get_raw(words, 0, 1) as u16, get_raw(words, 1, 1) as u16);
        let live = plan.map(target).map_or(&[][..], |m| &m.live);
        let plain = |e: &&lumen_bytecode::module::RegState| {
            e.reg == dst && e.hold == Hold::Plain && e.ty != wk::FLOAT
        };
        if live.iter().find(plain).is_none() || !self.live.has(dst) {
            return false;
        }
        let old = self.int(dst);
        let value = match op {
            Op::IntAddI if src == dst => {
                let more = i64::from(get_raw(words, 2, 1) as i16);
                self.sum_or_not(test, old, more, at)
            }
            Op::Move if self.live.has(src) => {
                let new = self.int(src);
                self.choose(test, old, new)
            }
            Op::IntConst => {
                let new = self.constant_at(at);
                self.choose(test, old, new)
            }
            _ => return false,
        };
        self.def(dst, value);
        self.go(target);
        true
    }

    fn choose(&mut self, test: Test, taken: Value, on: Value) -> Value {
        match test.when {
            true => self.b.ins().select(test.value, taken, on),
            false => self.b.ins().select(test.value, on, taken),
        }
    }

    /// `old` if the branch is taken, else `old + more`, as the instruction at word `at` has it.
    fn sum_or_not(&mut self, test: Test, old: Value, more: i64, at: usize) -> Value {
        let exact = self.loops.exact(at);
        if exact && !(test.bit && more == 1) {
            let sum = self.b.ins().iadd_imm_s(old, more);
            return self.choose(test, old, sum);
        }
        let added = match test {
            Test {
                bit: true,
                when: false,
                value,
            } if more == 1 => value,
            _ => {
                let (zero, more) = (self.iconst(0), self.iconst(more));
                self.choose(test, zero, more)
            }
        };
        let sum = self.b.ins().iadd(old, added);
        if !exact {
            // The exit is that of the addition.
            self.pc = at;
            self.exits.begin_instruction();
            let wrong = match more < 0 {
                true => IntCC::SignedGreaterThan,
                false => IntCC::SignedLessThan,
            };
            let over = self.icmp(wrong, sum, old);
            self.exit_if(over);
        }
        debug_assert_eq!(self.b.func.dfg.value_type(sum), types::I64);
        sum
    }
}
