//! Where the interpreter enters native code: ops that the JIT puts in the place of others, at the
//! starts of functions and loops.

use super::dispatch::{self, Cx, Exit, Flow, Pc, Regs, Table, handlers, leave};
#[cfg(feature = "jit")]
use super::dispatch::{go, go_as};
#[cfg(feature = "jit")]
use super::operand::{lane, put};
#[cfg(feature = "jit")]
use super::unwind::unwind;
#[cfg(feature = "jit")]
use crate::jit::Status;
#[cfg(feature = "jit")]
use lumen_runtime::heap::word::NULL;

#[cfg(not(feature = "jit"))]
handlers! {
    /// Never in code without the JIT.
    fn hot(pc, r, cx, t) {
        leave(pc, r, cx, Exit::Stopped)
    }
    /// Never in code without the JIT.
    fn native(pc, r, cx, t) {
        leave(pc, r, cx, Exit::Stopped)
    }
}

#[cfg(feature = "jit")]
unsafe fn jit(cx: Cx) -> &'static crate::jit::Jit {
    // SAFETY: these ops are only put into code by the image's JIT.
    unsafe { (*cx).image().jit.as_deref().unwrap_unchecked() }
}

#[cfg(feature = "jit")]
handlers! {
    /// Counts down; at zero the code from here on is to become native.
    fn hot(pc, r, cx, t) {
        let jit = jit(cx);
        let word = (*cx).image().code.index(pc);
        if jit.count_down(word) {
            return hot_now(pc, r, cx, t);
        }
        go_as(jit.original(word), pc, r, cx, t)
    }
    /// The counter has run out.
    cold hot_now(pc, r, cx, t) {
        let image = (*cx).image();
        let (jit, word) = (jit(cx), image.code.index(pc));
        if jit.request(image, word) {
            return native(pc, r, cx, t);
        }
        go_as(jit.original(word), pc, r, cx, t)
    }
    /// Goes on in native code.
    out native(pc, r, cx, t) {
        match jit(cx).enter((*cx).image().code.index(pc), r, cx) {
            Status::Returned => {
                let fp = (*cx).fp;
                let back = *fp as Pc;
                (*cx).fp = fp.add(1);
                go(back, r.sub(lane(back.sub(1), 0)), cx, t)
            }
            status => left(status, cx, t),
        }
    }
}

/// Goes on after native code that has not returned.
#[cfg(feature = "jit")]
#[inline(always)]
unsafe fn left(status: Status, cx: Cx, t: Table) -> Flow {
    // SAFETY: the running fiber's state, as native code has left it.
    unsafe {
        let (pc, r) = ((*cx).pc, (*cx).regs);
        match status {
            // The instruction itself, not the entry into native code that may stand there.
            Status::Returned | Status::Exit => go_as((*cx).image().original_op(pc), pc, r, cx, t),
            Status::Failed => unwind(pc, r, cx, t),
            Status::Parked => leave(pc, r, cx, Exit::Parked),
            Status::Yielded => {
                // The exit has stored what the result's register held before.
                put(r, pc, 0, NULL);
                leave(pc.add(1), r, cx, Exit::Parked)
            }
            Status::Stopped => leave(pc, r, cx, Exit::Stopped),
            Status::Halted => {
                crate::helpers::natives::halt(pc, cx);
                leave(pc, r, cx, Exit::Stopped)
            }
        }
    }
}

/// As [`dispatch::run`]; code that is native is entered without the interpreter in between.
///
/// # Safety
/// As [`dispatch::run`].
#[cfg(feature = "jit")]
#[inline]
pub(super) unsafe fn run(pc: Pc, r: Regs, cx: Cx) -> Exit {
    // SAFETY: by contract; the op stands there only where the image's JIT has put it.
    unsafe {
        if !dispatch::is_native(pc) {
            return dispatch::run(pc, r, cx);
        }
        let image = (*cx).image();
        let status = jit(cx).enter(image.code.index(pc), r, cx);
        if status != Status::Returned {
            return dispatch::run_from(cx, |t| left(status, cx, t));
        }
        let back = *(*cx).fp as Pc;
        (*cx).fp = (*cx).fp.add(1);
        let r = r.sub(lane(back.sub(1), 0));
        if back == image.exit_pc() {
            (*cx).save(back, r);
            return Exit::Done;
        }
        dispatch::run(back, r, cx)
    }
}

#[cfg(not(feature = "jit"))]
pub(super) use dispatch::run;
