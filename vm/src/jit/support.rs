//! Functions that native code calls besides the helpers shared with the interpreter.

use lumen_runtime::heap::count;

use super::Status;
use crate::helpers::natives::{self, Called};
use crate::interp::dispatch::{Cx, Pc, Regs};
use crate::interp::tasks::{Waited, await_future, spawn_task};

impl From<Called> for Status {
    fn from(called: Called) -> Status {
        match called {
            Called::Done => Status::Returned,
            Called::Failed => Status::Failed,
            Called::Parked => Status::Parked,
            Called::Yielded => Status::Yielded,
            Called::Stopped => Status::Stopped,
            Called::Halted => Status::Halted,
        }
    }
}

impl From<Waited> for Status {
    fn from(waited: Waited) -> Status {
        match waited {
            Waited::Done => Status::Returned,
            Waited::Failed => Status::Failed,
            Waited::Parked => Status::Parked,
        }
    }
}

/// Functions that execute the whole instruction at `pc` and answer a [`Status`].
macro_rules! instructions {
    ($($(#[$doc:meta])* $name:ident => $function:path;)*) => { $(
        $(#[$doc])*
        pub(super) unsafe extern "C" fn $name(pc: Pc, r: Regs, cx: Cx) -> Status {
            // SAFETY: native code is made from verified code; its registers are in the frame.
            unsafe { $function(pc, r, cx) }.into()
        }
    )* };
}

instructions! {
    /// `call.native`.
    call_native => natives::call_native;
    /// `call.native.at`.
    call_native_at => natives::call_native_at;
    /// `spawn`.
    spawn => spawn_task;
    /// `await`.
    await_ => await_future;
}

/// Gives up a word: the last reference, or a shared one.
pub(super) unsafe extern "C" fn drop_word(word: u64, cx: Cx) {
    // SAFETY: native code owned it.
    unsafe { count::drop((*cx).heap(), word) }
}

/// Adds a reference to a shared word.
pub(super) unsafe extern "C" fn dup_word(word: u64, _cx: Cx) {
    // SAFETY: native code has it alive.
    unsafe { count::dup(word) }
}

/// `global.set`.
pub(super) unsafe extern "C" fn global_set(global: u64, word: u64, cx: Cx) {
    // SAFETY: the verifier bounds the number; native code gives the word away.
    unsafe {
        let program = (*cx).task().program();
        program.set_global((*cx).heap(), global as usize, word);
    }
}

/// `mask`.
pub(super) unsafe extern "C" fn mask(cx: Cx) {
    // SAFETY: the running fiber's context.
    unsafe { (*cx).task().mask() }
}

/// `unmask`.
pub(super) unsafe extern "C" fn unmask(cx: Cx) {
    // SAFETY: the running fiber's context.
    unsafe { (*cx).task().unmask() }
}

/// `float.pow`.
pub(super) extern "C" fn float_pow(a: f64, b: f64) -> f64 {
    a.powf(b)
}

/// Fills `n` bytes.
pub(super) unsafe extern "C" fn fill_bytes(start: *mut u8, byte: u64, n: usize) {
    // SAFETY: the list that they belong to has room for them.
    unsafe { start.write_bytes(byte as u8, n) }
}

/// Fills `n` words.
pub(super) unsafe extern "C" fn fill_words(start: *mut u64, word: u64, n: usize) {
    for i in 0..n {
        // SAFETY: as in `fill_bytes`.
        unsafe { start.add(i).write(word) }
    }
}
