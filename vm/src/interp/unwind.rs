//! Failures on their way up: through landing tables, dropping what frames own.

use lumen_bytecode::module::{Handler as Landing, Landing as Range};
use lumen_runtime::heap::count::drop;

use super::dispatch::{Cx, Exit, Flow, Pc, Regs, Table, go, handlers, leave};
use super::operand::lane;
use crate::backtrace::add_trace_due;

handlers! {
    /// The pending failure of the instruction at `pc` goes where its landing says.
    cold unwind(pc, r, cx, t) {
        if (*cx).trace_due {
            add_trace_due(pc, cx);
        }
        match land(pc, r, cx) {
            Some((pc, r)) => go(pc, r, cx, t),
            None => leave(std::ptr::null(), r, cx, Exit::Failed),
        }
    }
}

/// Finds the handler for a failure at `pc`, dropping what the frames on the way own. None: it
/// leaves the entry function.
#[inline(never)]
unsafe fn land(mut pc: Pc, mut r: Regs, cx: Cx) -> Option<(Pc, Regs)> {
    // SAFETY: `pc` and `r` are those of a live frame; the landing tables of verified code name
    // registers that own a word there.
    unsafe {
        let image = (*cx).image();
        loop {
            let (func, at) = image.place(pc);
            if let Some(range) = image.landing(func, at) {
                let target = choose(range, (*cx).failure == image.cancelled);
                for &reg in target.1 {
                    drop((*cx).heap(), *r.add(usize::from(reg)));
                }
                if let Some(handler) = target.0 {
                    return Some((image.entries[func].add(handler as usize), r));
                }
            }
            let back = *(*cx).fp as Pc;
            (*cx).fp = (*cx).fp.add(1);
            if back == image.exit_pc() {
                return None;
            }
            pc = back.sub(1);
            r = r.sub(lane(pc, 0));
        }
    }
}

/// The handler's pc, if any, and the registers to drop on the way there.
fn choose(range: &Range, cancelled: bool) -> (Option<u32>, &[u16]) {
    match range.handler {
        Landing::None => (None, &range.drops),
        Landing::Cleanup(pc) => (Some(pc), &range.drops),
        Landing::Catch { cancel, .. } if cancelled => (cancel, &range.cancel_drops),
        Landing::Catch { pc, .. } => (Some(pc), &range.drops),
    }
}
