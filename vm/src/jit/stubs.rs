//! Ways into helpers that keep every register: for what is rarely needed in code that must not
//! pay for it. What the helper answers is left in the context.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Signature, Value, types};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;

use super::support;
use super::translate::signature;
use crate::helpers::{lists, objects, words};
use crate::interp::context::Context;

macro_rules! stubs {
    ($($name:ident $kind:ident $helper:path;)*) => {
        /// A helper with such a way in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Stub { $(
            #[doc = concat!("`", stringify!($helper), "`")]
            $name
        ),* }

        const ALL: &[(Kind, unsafe fn() -> usize)] = &[$(
            (Kind::$kind, || $helper as *const () as usize)
        ),*];
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `(pc, r)`: a whole instruction on the frame.
    Instruction,
    /// `(word)`.
    Word,
}

stubs! {
    ListPush Instruction lists::list_push;
    FieldSet Instruction objects::field_set;
    FieldSetWord Instruction objects::field_set_word;
    New Instruction objects::new;
    NewClosure Instruction objects::new_closure;
    BoxInt Instruction words::box_int;
    BoxFloat Instruction words::box_float;
    DropWord Word support::drop_word;
    DupWord Word support::dup_word;
}

impl Stub {
    /// Its number among all.
    pub(super) fn number(self) -> u32 {
        self as u32
    }

    /// Its signature.
    pub(super) fn signature(self) -> Signature {
        signature_of(self.number())
    }
}

/// The signature of stub `number`.
pub(super) fn signature_of(number: u32) -> Signature {
    let params = match ALL[number as usize].0 {
        Kind::Instruction => &[types::I64, types::I64][..],
        Kind::Word => &[types::I64],
    };
    signature(CallConv::PreserveAll, params, &[])
}

/// Writes stub `number`.
pub(super) fn build(b: &mut FunctionBuilder<'_>, number: u32, c: CallConv) {
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    let mut args: Vec<Value> = b.block_params(entry).to_vec();
    let (kind, address) = ALL[number as usize];
    // SAFETY: it only gives an address.
    let address = unsafe { address() };
    let cx = b.ins().get_pinned_reg(types::I64);
    args.push(cx);
    let (params, results) = match kind {
        Kind::Instruction => (&[types::I64; 3][..], &[types::I8][..]),
        Kind::Word => (&[types::I64; 2][..], &[][..]),
    };
    let callee = signature(c, params, results);
    let callee = b.import_signature(callee);
    let address = b.ins().iconst(types::I64, address as i64);
    let call = b.ins().call_indirect(callee, address, &args);
    if let [helped] = *b.inst_results(call) {
        let cx = b.ins().get_pinned_reg(types::I64);
        let offset = std::mem::offset_of!(Context, helped) as i32;
        b.ins().store(MemFlagsData::trusted(), helped, cx, offset);
    }
    b.ins().return_(&[]);
    b.seal_all_blocks();
}
