//! Where the interpreter enters native code: ops that the JIT puts in the place of others, at the
//! starts of functions and loops.

#[cfg(feature = "jit")]
use super::dispatch::go_as;
use super::dispatch::{Cx, Exit, Flow, Pc, Regs, Table, handlers, leave};

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
        use super::dispatch::go;
        use super::operand::{lane, put};
        use super::unwind::unwind;
        use crate::jit::Status;
        use lumen_runtime::heap::word::NULL;

        let image = (*cx).image();
        match jit(cx).enter(image.code.index(pc), r, cx) {
            Status::Returned => {
                let fp = (*cx).fp;
                let back = *fp as Pc;
                (*cx).fp = fp.add(1);
                go(back, r.sub(lane(back.sub(1), 0)), cx, t)
            }
            // The instruction itself, not the entry into native code that may stand there.
            Status::Exit => {
                let (pc, r) = ((*cx).pc, (*cx).regs);
                go_as(image.original_op(pc), pc, r, cx, t)
            }
            Status::Failed => unwind((*cx).pc, (*cx).regs, cx, t),
            Status::Parked => leave((*cx).pc, (*cx).regs, cx, Exit::Parked),
            Status::Yielded => {
                // The exit has stored what the result's register held before.
                put((*cx).regs, (*cx).pc, 0, NULL);
                leave((*cx).pc.add(1), (*cx).regs, cx, Exit::Parked)
            }
            Status::Stopped => leave((*cx).pc, (*cx).regs, cx, Exit::Stopped),
            Status::Halted => {
                crate::helpers::natives::halt((*cx).pc, cx);
                leave((*cx).pc, (*cx).regs, cx, Exit::Stopped)
            }
        }
    }
}
