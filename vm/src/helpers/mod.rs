//! The slow side of instructions, shared by the interpreter and native code.
//!
//! A helper executes the whole instruction at `pc` on the frame at `r`: it reads the operands,
//! writes the results, and answers whether it succeeded. When it did not, the failure is pending
//! in the context. As all of them have one signature, whoever calls them needs to know nothing but
//! that the registers are in the frame.
//!
//! Failing instructions have consumed what they take; `io` registers keep an owned value.

pub(crate) mod ints;
pub(crate) mod lists;
pub(crate) mod maps;
pub(crate) mod natives;
pub(crate) mod objects;
pub(crate) mod places;
pub(crate) mod strings;
pub(crate) mod waits;
pub(crate) mod words;

use lumen_bytecode::module::FailureKind;
use lumen_runtime::heap::count;

use crate::interp::dispatch::{Cx, Pc};

/// Makes a failure pending.
///
/// # Safety
/// `pc` and `cx` are the running fiber's.
#[cold]
#[inline(never)]
pub(crate) unsafe fn fail(pc: Pc, cx: Cx, kind: FailureKind, message: &str) -> bool {
    // SAFETY: by contract.
    unsafe { fail_named(pc, cx, kind_name(kind), message) }
}

/// Makes a failure of a kind given by name pending.
///
/// # Safety
/// As [`fail`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn fail_named(pc: Pc, cx: Cx, kind: &str, message: &str) -> bool {
    // SAFETY: by contract.
    unsafe {
        let error = crate::backtrace::new_error(pc, cx, kind, message);
        (*cx).set_failure(error);
    }
    false
}

/// The name of a kind.
pub(crate) fn kind_name(kind: FailureKind) -> &'static str {
    lumen_bytecode::module::FAILURE_KINDS[kind as usize].1
}

/// Makes the failure for lack of memory pending.
///
/// # Safety
/// As [`fail`].
#[cold]
pub(crate) unsafe fn out_of_memory(pc: Pc, cx: Cx) -> bool {
    // SAFETY: by contract.
    unsafe { fail(pc, cx, FailureKind::Memory, "out of memory") }
}

/// The value, or the failure for lack of memory.
macro_rules! alloc {
    ($value:expr, $pc:ident, $cx:ident) => {
        match $value {
            Ok(value) => value,
            Err(lumen_runtime::heap::OutOfMemory) => {
                return crate::helpers::out_of_memory($pc, $cx);
            }
        }
    };
}
pub(crate) use alloc;

/// Defines helpers.
macro_rules! helpers {
    ($($(#[$doc:meta])* fn $name:ident($pc:ident, $r:ident, $cx:ident) $body:block)*) => {$(
        $(#[$doc])*
        // Never inlined: a handler whose frame holds something that is pointed to cannot end in a
        // jump.
        #[inline(never)]
        pub(crate) unsafe extern "C" fn $name(
            $pc: crate::interp::dispatch::Pc,
            $r: crate::interp::dispatch::Regs,
            $cx: crate::interp::dispatch::Cx,
        ) -> bool {
            // SAFETY: called for the verified instruction at `pc` on its frame: registers hold
            // live values of their types.
            unsafe { $body }
        }
    )*};
}
pub(crate) use helpers;

/// The failure of an index out of range.
///
/// # Safety
/// As [`fail`].
#[cold]
pub(crate) unsafe fn fail_index(pc: Pc, cx: Cx, index: i64, len: usize) -> bool {
    let message = lumen_runtime::native::index_message(index, len);
    // SAFETY: by contract.
    unsafe { fail(pc, cx, FailureKind::Index, &message) }
}

/// Gives up a word.
///
/// # Safety
/// The caller owns it.
pub(crate) unsafe fn discard(cx: Cx, word: u64) {
    // SAFETY: by contract.
    unsafe { count::drop((*cx).heap(), word) }
}
