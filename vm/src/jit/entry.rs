//! From the interpreter into native code: one small function per signature loads arguments from
//! the frame, and stores the result where the interpreter expects it.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Signature, types};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;
use lumen_bytecode::module::TypeIx;

use super::env::native_signature;
use super::translate::{class, signature};
use crate::interp::dispatch::{Cx, Regs};

/// A way in: `(context, R[0]'s address, the frame record's, native code) -> status`.
pub(super) type EnterFn = unsafe extern "C" fn(Cx, Regs, *mut u64, *const u8) -> super::Status;

/// Which ways in differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    closure: bool,
    floats: Vec<bool>,
    float_result: bool,
}

impl Shape {
    /// For a function with these parameters.
    pub(super) fn new(closure: bool, params: &[TypeIx], result: TypeIx) -> Shape {
        let float = |t: &TypeIx| class(*t, true) == types::F64;
        Shape {
            closure,
            floats: params.iter().map(float).collect(),
            float_result: float(&result),
        }
    }
}

/// Its signature.
pub(super) fn enter_signature(c: CallConv) -> Signature {
    signature(c, &[types::I64; 4], &[types::I32])
}

/// Writes the way into functions with these parameters.
pub(super) fn build(b: &mut FunctionBuilder<'_>, closure: bool, params: &[TypeIx], result: TypeIx) {
    let flags = MemFlagsData::trusted();
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    let [cx, r, fp, code] = *b.block_params(entry) else {
        return;
    };
    // The pinned register is nobody's to save but ours.
    let before = b.ins().get_pinned_reg(types::I64);
    b.ins().set_pinned_reg(cx);
    let mut args = vec![r, fp];
    if closure {
        args.push(b.ins().load(types::I64, flags, r, 0));
    }
    for (i, ty) in params.iter().enumerate() {
        let offset = (i as i32 + 1) * 8;
        args.push(b.ins().load(class(*ty, true), flags, r, offset));
    }
    let callee = b.import_signature(native_signature(closure, params, result));
    let call = b.ins().call_indirect(callee, code, &args);
    let [value, status] = *b.inst_results(call) else {
        return;
    };
    b.ins().set_pinned_reg(before);
    let (done, left) = (b.create_block(), b.create_block());
    b.ins().brif(status, left, &[], done, &[]);
    b.switch_to_block(done);
    b.ins().store(flags, value, r, 0);
    b.ins().jump(left, &[]);
    b.switch_to_block(left);
    b.ins().return_(&[status]);
    b.seal_all_blocks();
}
