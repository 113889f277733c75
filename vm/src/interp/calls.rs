//! Calls and returns.
//!
//! ```text
//!             caller's frame                          callee's frame            frame records
//!  block: | .. R[base] R[base+1] .. | ..       R'[0] R'[1] .. R'[frame-1] |   ->    <- | pc | pc |
//!              ^ R'[0]                                                    end       fp ^
//! ```
//!
//! Slots grow up from one end of the fiber's block, frame records down from the other, so that one
//! comparison guards both. A record is the return pc alone: the caller's registers follow from the
//! `base` of the call instruction, which stands just before it. A function's code is preceded by
//! one word: frame size in bytes, and the function's number.

use lumen_runtime::heap::count::drop;
use lumen_runtime::heap::object::get_slot;
use lumen_runtime::heap::word::{NULL, header};

use super::context::Due;
use super::dispatch::{Cx, Exit, Flow, Pc, Regs, Table, go, handlers, leave};
use super::operand::{get, imm32, lane, reg};
use super::unwind::unwind;
use crate::helpers::fail;
use lumen_bytecode::module::FailureKind;

/// Frame size in bytes of the function whose code starts at `code`.
#[inline(always)]
unsafe fn frame_bytes(code: Pc) -> usize {
    // SAFETY: every function's code follows its header word.
    (unsafe { *code.sub(1) } as u32) as usize
}

/// Enters the function at `code`, if there is room and nothing else to do.
macro_rules! enter {
    ($pc:ident, $cx:ident, $t:ident, $code:ident, $window:ident, $slow:expr) => {{
        let fp = (*$cx).fp;
        if $window.byte_add(frame_bytes($code)) >= fp || (*$cx).poll_due() {
            return $slow;
        }
        *fp.sub(1) = $pc.add(1) as u64;
        (*$cx).fp = fp.sub(1);
        go($code, $window, $cx, $t)
    }};
}

/// Leaves the frame: gives the caller its result in `R[0]` and goes on behind the call.
#[inline(always)]
unsafe fn give_back(r: Regs, cx: Cx, t: Table, value: u64) -> Flow {
    // SAFETY: the newest frame record is this frame's; the word before a return pc is a call.
    unsafe {
        let fp = (*cx).fp;
        let back = *fp as Pc;
        (*cx).fp = fp.add(1);
        *r = value;
        go(back, r.sub(lane(back.sub(1), 0)), cx, t)
    }
}

/// Goes on as [`enter_slow`] says.
macro_rules! entry {
    ($pc:ident, $r:ident, $cx:ident, $t:ident, $code:ident) => {
        match enter_slow($pc, $r, $cx, $code) {
            Entry::Again(r) => go($pc, r, $cx, $t),
            Entry::Yield => leave($pc, $r, $cx, Exit::Yielded),
            Entry::Fail => unwind($pc, $r, $cx, $t),
        }
    };
}

handlers! {
    fn call(pc, r, cx, t) {
        let code = pc.offset(imm32(pc, 1) as isize);
        let window = reg(r, pc, 0);
        enter!(pc, cx, t, code, window, call_slow(pc, r, cx, t))
    }
    /// No room for the frame, or the poll word is set.
    cold call_slow(pc, r, cx, t) {
        let code = pc.offset(imm32(pc, 1) as isize);
        entry!(pc, r, cx, t, code)
    }
    fn call_closure(pc, r, cx, t) {
        let window = reg(r, pc, 0);
        let code = *(*cx).entries.add(get_slot(header(*window), 0) as usize);
        enter!(pc, cx, t, code, window, call_closure_slow(pc, r, cx, t))
    }
    /// No room for the frame, or the poll word is set.
    cold call_closure_slow(pc, r, cx, t) {
        let code = *(*cx).entries.add(get_slot(header(get(r, pc, 0)), 0) as usize);
        entry!(pc, r, cx, t, code)
    }
    fn return_(pc, r, cx, t) {
        give_back(r, cx, t, get(r, pc, 0))
    }
    fn return_null(pc, r, cx, t) {
        give_back(r, cx, t, NULL)
    }
    /// The entry function has returned.
    fn exit_done(pc, r, cx, t) {
        leave(pc, r, cx, Exit::Done)
    }
}

/// What a call that could not just enter is to do.
enum Entry {
    /// Try again with these registers.
    Again(Regs),
    /// Give way.
    Yield,
    /// Unwind: a failure is pending.
    Fail,
}

/// Makes room, or deals with the poll word.
#[cold]
#[inline(never)]
unsafe fn enter_slow(pc: Pc, r: Regs, cx: Cx, code: Pc) -> Entry {
    // SAFETY: as the call handlers, which ask.
    unsafe {
        let func = (*code.sub(1) >> 32) as usize;
        if (*cx).poll_due() {
            return match (*cx).answer_poll() {
                Due::Nothing => Entry::Again(r),
                Due::Yield => Entry::Yield,
                Due::Cancel => {
                    drop_arguments(pc, r, cx, func);
                    (*cx).set_cancelled();
                    Entry::Fail
                }
            };
        }
        let end = reg(r, pc, 0).byte_add(frame_bytes(code));
        if end < (*cx).fp {
            return Entry::Again(r);
        }
        match (*cx).grow_stack(r, end) {
            Some(moved) => Entry::Again(moved),
            None => {
                drop_arguments(pc, r, cx, func);
                fail(pc, cx, FailureKind::Stack, "stack overflow");
                Entry::Fail
            }
        }
    }
}

/// Gives up what a call that does not happen would have taken over.
unsafe fn drop_arguments(pc: Pc, r: Regs, cx: Cx, func: usize) {
    // SAFETY: the window of the call at `pc`, filled by the caller.
    unsafe {
        let window = reg(r, pc, 0);
        for &i in &(*cx).image().funcs[func].owned_words {
            drop((*cx).heap(), *window.add(usize::from(i)));
        }
    }
}
