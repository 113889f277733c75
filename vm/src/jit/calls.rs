//! Calls: of native code, helpers and natives.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    ExtFuncData, ExternalName, FuncRef, InstBuilder, Signature, Type, UserExternalName, Value,
    types,
};
use lumen_bytecode::code::get_raw;
use lumen_bytecode::operand::{OperandKind, Role};

use super::env::{Unit, native_signature, space};
use super::plan::window;
use super::stubs::Stub;
use super::translate::{Translator, signature};
use super::{NATIVE_ENTRY, NATIVE_FRAME, NATIVE_SIZE};
use crate::interp::context::Context;

impl Translator<'_, '_> {
    /// A reference to code of ours by name.
    fn function(&mut self, space: u32, index: u32, signature: Signature) -> FuncRef {
        if let Some(known) = self.functions.get(&(space, index)) {
            return *known;
        }
        let signature = self.b.import_signature(signature);
        let name = UserExternalName::new(space, index);
        let name = self.b.func.declare_imported_user_function(name);
        let function = self.b.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature,
            colocated: true,
            patchable: false,
        });
        self.functions.insert((space, index), function);
        function
    }

    /// `call`: of a function by number.
    pub(super) fn call_function(&mut self, base: u16, func: u32) {
        let env = self.env;
        let callee = &env.module.functions[func as usize];
        let unit = Unit { func, at: None };
        let frame = self.iconst(i64::from(callee.frame) * 8);
        let (r, fp) = self.callee_frame(base, frame);
        if self.inlines(func) {
            let params = callee.params.iter().zip(base + 1..);
            let args: Vec<Value> = params
                .map(|(ty, reg)| self.argument(reg, super::translate::class(*ty, true)))
                .collect();
            let result = self.inline(base, (r, fp), &args);
            return self.take_result(base, result);
        }
        let mut args = vec![r, fp];
        if env.takes_closure(func) {
            args.push(self.iconst(0));
        }
        for (i, ty) in callee.params.iter().enumerate() {
            let reg = base + 1 + i as u16;
            args.push(self.argument(reg, super::translate::class(*ty, true)));
        }
        let call = if env.direct.contains(&func) {
            let function = self.function(space::FUNCTION, func, env.signature(unit));
            self.b.ins().call(function, &args)
        } else {
            let place = env.jit.native(func) as i64;
            let place = self.iconst(place);
            let flags = self.flags.context;
            let code = self.b.ins().load(types::I64, flags, place, NATIVE_ENTRY);
            let missing = self.icmp_imm(IntCC::Equal, code, 0);
            self.exit_if(missing);
            let signature = self.b.import_signature(env.signature(unit));
            self.b.ins().call_indirect(signature, code, &args)
        };
        self.after_call(call, base);
    }

    /// `call.closure`: of the function value in `R[base]`.
    pub(super) fn call_value(&mut self, base: u16) {
        let env = self.env;
        let ty = self.reg_type(0).map_or(0, |t| t.ix());
        let Some((params, result)) = env.function_type(ty) else {
            return self.exit();
        };
        let closure = self.int(base);
        let func = self
            .b
            .ins()
            .load(types::I64, self.flags.constant, closure, 8);
        let place = self.b.ins().imul_imm_u(func, NATIVE_SIZE);
        let table = self.iconst(env.jit.native(0) as i64);
        let place = self.b.ins().iadd(table, place);
        let flags = self.flags.context;
        let code = self.b.ins().load(types::I64, flags, place, NATIVE_ENTRY);
        let missing = self.icmp_imm(IntCC::Equal, code, 0);
        self.exit_if(missing);
        let frame = self
            .b
            .ins()
            .load(types::I64, self.flags.constant, place, NATIVE_FRAME);
        let (r, fp) = self.callee_frame(base, frame);
        let mut args = vec![r, fp, closure];
        for (i, ty) in params.iter().enumerate() {
            let reg = base + 1 + i as u16;
            args.push(self.argument(reg, super::translate::class(*ty, true)));
        }
        let signature = native_signature(true, params, result);
        let signature = self.b.import_signature(signature);
        let call = self.b.ins().call_indirect(signature, code, &args);
        self.after_call(call, base);
    }

    fn argument(&mut self, reg: u16, ty: Type) -> Value {
        match ty {
            types::F64 => self.float(reg),
            _ => self.int(reg),
        }
    }

    /// What is asked before each call: room for the frame, the poll word, the machine's stack. If
    /// anything is wanting, the interpreter executes the call. Gives the callee's frame.
    fn callee_frame(&mut self, base: u16, frame: Value) -> (Value, Value) {
        let (r, fp) = (self.r, self.fp);
        let window = self.b.ins().iadd_imm_s(r, i64::from(base) * 8);
        let end = self.b.ins().iadd(window, frame);
        let full = self.icmp(IntCC::UnsignedGreaterThanOrEqual, end, fp);
        self.exit_if(full);
        // The machine's stack pointer does not move within a function.
        let checked = std::mem::replace(&mut self.facts.stack_checked, true);
        let checked = checked || self.inlining.checked();
        if !checked {
            let sp = self.b.ins().get_stack_pointer(types::I64);
            let offset = std::mem::offset_of!(Context, stack_limit);
            let limit = self.context_field(types::I64, offset);
            let deep = self.icmp(IntCC::UnsignedLessThan, sp, limit);
            self.exit_if(deep);
        }
        if !(checked && self.inlining.quiet()) {
            let poll = self.context_field(types::I64, std::mem::offset_of!(Context, poll));
            let flags = self.flags.context;
            let due = self.b.ins().load(types::I32, flags, poll, 0);
            self.exit_if(due);
        }
        let record = self.b.ins().iadd_imm_s(fp, -8);
        (window, record)
    }

    fn after_call(&mut self, call: cranelift_codegen::ir::Inst, base: u16) {
        let [result, status] = *self.b.inst_results(call) else {
            return self.exit();
        };
        self.facts.call();
        // The callee's frame lies there.
        self.forget_stored(base);
        self.exit_after_call(status, base);
        self.take_result(base, result);
    }

    /// What is in the registers from `base` on is lost; the result takes its place.
    fn take_result(&mut self, base: u16, result: Value) {
        let dead: Vec<u16> = self.live.iter().filter(|reg| *reg >= base).collect();
        for reg in dead {
            self.kill(reg);
        }
        self.def(base, result);
    }

    /// A back-edge looks at the poll word.
    pub(super) fn poll(&mut self) {
        if self.loops.polled() {
            return;
        }
        let (poll, flags) = (self.poll, self.flags.context);
        let due = self.b.ins().atomic_load(types::I32, flags, poll);
        self.exit_if(due);
    }

    /// A call of a Rust function.
    pub(super) fn call_rust(
        &mut self,
        address: usize,
        args: &[Value],
        result: Option<Type>,
    ) -> Option<Value> {
        self.facts.call();
        let params: Vec<Type> = args
            .iter()
            .map(|v| self.b.func.dfg.value_type(*v))
            .collect();
        let callee = signature(self.env.c, &params, result.as_slice());
        let callee = self.b.import_signature(callee);
        let address = self.iconst(address as i64);
        let call = self.b.ins().call_indirect(callee, address, args);
        self.b.inst_results(call).first().copied()
    }

    /// The context's address.
    pub(super) fn context(&mut self) -> Value {
        self.b.ins().get_pinned_reg(types::I64)
    }

    /// Calls a helper for the whole instruction: it works on the frame.
    pub(super) fn helper(&mut self, address: *const ()) {
        self.store_operands();
        let args = self.instruction_args();
        let done = self.call_rust(address as usize, &args, Some(types::I8));
        self.reload_changed();
        if let Some(done) = done {
            self.fail_unless(done);
        }
        self.load_results();
    }

    /// As [`Translator::helper`], for those that cannot fail.
    pub(super) fn sure_helper(&mut self, address: *const ()) {
        self.store_operands();
        let args = self.instruction_args();
        self.call_rust(address as usize, &args, Some(types::I8));
        self.forget_written();
        self.load_results();
    }

    /// As [`Translator::helper`], for one that answers a status.
    pub(super) fn status_helper(&mut self, address: *const ()) {
        self.store_operands();
        let args = self.instruction_args();
        let status = self.call_rust(address as usize, &args, Some(types::I32));
        self.reload_changed();
        if let Some(status) = status {
            self.exit_with(status);
        }
        self.load_results();
    }

    /// As [`Translator::helper`], where it is rarely needed: no register is lost.
    pub(super) fn rare_helper(&mut self, stub: Stub) {
        self.facts.call();
        self.store_operands();
        let [pc, r, _] = self.instruction_args();
        let function = self.function(space::STUB, stub.number(), stub.signature());
        self.b.ins().call(function, &[pc, r]);
        let done = self.context_field(types::I8, std::mem::offset_of!(Context, helped));
        self.reload_changed();
        self.fail_unless(done);
        self.load_results();
    }

    /// A rarely needed call with one word.
    pub(super) fn rare_word_call(&mut self, stub: Stub, word: Value) {
        let function = self.function(space::STUB, stub.number(), stub.signature());
        self.b.ins().call(function, &[word]);
    }

    pub(super) fn instruction_args(&mut self) -> [Value; 3] {
        let pc = self.code_address(self.pc);
        [self.iconst(pc), self.r, self.context()]
    }

    /// The instruction's register operands with their roles.
    fn operands(&self) -> Vec<(u16, Role)> {
        let words = &self.plan.function.code[self.pc..];
        let regs = self.op.def().operands.iter();
        regs.filter(|o| o.kind == OperandKind::Reg)
            .map(|o| (get_raw(words, o.lane, 1) as u16, o.role))
            .collect()
    }

    /// Writes what the instruction reads to the frame.
    pub(super) fn store_operands(&mut self) {
        for (reg, role) in self.operands() {
            if !matches!(role, Role::Out | Role::Lend) {
                self.store_reg(reg);
            }
        }
        let words = &self.plan.function.code[self.pc..];
        if let Some((first, n)) = window(self.env.module, self.op, words) {
            for reg in (first..).take(n) {
                self.store_reg(reg);
            }
        }
    }

    /// Takes over what a helper may have changed, also when it fails.
    fn reload_changed(&mut self) {
        self.forget_written();
        for (reg, role) in self.operands() {
            if role == Role::Io {
                let value = self.load_reg(reg, types::I64);
                self.def(reg, value);
            }
        }
        if self.op == lumen_bytecode::Op::CallNative {
            let words = &self.plan.function.code[self.pc..];
            let native = &self.env.module.natives[get_raw(words, 2, 1) as usize];
            if native.mutator {
                let first = get_raw(words, 1, 1) as u16;
                let value = self.load_reg(first, super::translate::class(native.params[0], true));
                self.def(first, value);
            }
        }
    }

    /// A helper may have written the instruction's results, and what it reads from a window.
    fn forget_written(&mut self) {
        for (reg, role) in self.operands() {
            if matches!(role, Role::Out | Role::Lend | Role::Io) {
                self.forget_slot(reg);
            }
        }
        let words = &self.plan.function.code[self.pc..];
        if let Some((first, n)) = window(self.env.module, self.op, words) {
            for reg in (first..).take(n) {
                self.forget_slot(reg);
            }
        }
    }

    fn load_results(&mut self) {
        for (i, (reg, role)) in self.operands().into_iter().enumerate() {
            if matches!(role, Role::Out | Role::Lend) {
                let ty = self.reg_class(i);
                let value = self.load_reg(reg, ty);
                self.def(reg, value);
            }
        }
    }
}
