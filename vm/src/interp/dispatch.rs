//! From one instruction to the next.
//!
//! A handler is given: where it stands (`pc`), the registers of the frame,
//! the context, the handler table. It ends with [`go`], or with [`leave`] to stop. There are two
//! drivers for the same handlers:
//!
//! - *threaded* (optimised x86-64 builds): `go` calls the next handler in tail position, which
//!   compiles to one indirect jump; the four arguments stay in machine registers throughout.
//! - *match* (everything else): `go` returns the new `pc` and registers to a loop.
//!
//! Handlers must not hold anything with a destructor when they call `go`, and keep whatever needs
//! a stack frame in `cold` functions, which they reach by a tail call as well.

use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use lumen_bytecode::for_each_op;

use super::context::Context;

/// Address of an instruction word in prepared code.
pub(crate) type Pc = *const u64;
/// Address of `R[0]` of the running frame.
pub(crate) type Regs = *mut u64;
/// The context of the running fiber.
pub(crate) type Cx = *mut Context;
/// The handler table: the address of its first entry.
pub(crate) type Table = *const ();

/// The op number of the instruction at `pc`. (Its word may be changed meanwhile.)
///
/// # Safety
/// `pc` is the start of an instruction of prepared code.
#[inline(always)]
unsafe fn op(pc: Pc) -> u16 {
    // SAFETY: by contract; all accesses that may meet are atomic.
    unsafe { AtomicU16::from_ptr(pc.cast_mut().cast()).load(Relaxed) }
}

/// Is the code native that begins at `pc`?
///
/// # Safety
/// As for `op`.
#[cfg(feature = "jit")]
#[inline(always)]
pub(crate) unsafe fn is_native(pc: Pc) -> bool {
    // SAFETY: by contract.
    unsafe { op(pc) == Code::Native as u16 }
}

/// Why the interpreter stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Exit {
    /// The entry function returned; its result is in `R[0]`.
    Done,
    /// A failure or cancellation left the entry function; it is pending in the context.
    Failed,
    /// The instruction at the saved pc waits and is executed again on resume.
    Parked,
    /// The fiber gives way; it goes on at the saved pc.
    Yielded,
    /// The program ends now (`exit`, `halt`).
    Stopped,
}

/// Ops that exist only in prepared code: specialised forms the loader chooses.
macro_rules! for_each_internal {
    ($then:ident $($args:tt)*) => {
        $then! { $($args)*
            ExitDone exit_done,
            Hot hot,
            Native native,
            GlobalGetWord global_get_word,
            JumpIfMember jump_if_member,
            JumpIfNotMember jump_if_not_member,
            JumpIfMemberFar jump_if_member_far,
            JumpIfNotMemberFar jump_if_not_member_far,
            IsMember is_member,
            CastMember cast_member,
            NewClosure new_closure,
            MapFind map_find,
            MapAdd map_add,
            MapAddOr map_add_or,
            MapNext map_next,
            MapKeyAt map_key_at,
            MapValueAt map_value_at,
            New1 new_1,
            New2 new_2,
            New3 new_3,
            New4 new_4,
        }
    };
}

macro_rules! rows {
    ($($(#[doc = $doc:literal])* $name:ident $method:ident $text:literal { $($rest:tt)* })*) => {
        for_each_internal! { code [$($name $method,)*] }
    };
}

#[cfg(threaded)]
macro_rules! code {
    ([$($name:ident $method:ident,)*] $($extra:ident $handler:ident,)*) => {
        /// Op numbers of prepared code: the op table, then the internal ones.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        #[allow(dead_code, reason = "made from numbers in code, not by name")]
        pub(crate) enum Code { $($name,)* $($extra,)* }

        /// How many op numbers are of single instructions; pairs follow.
        pub(crate) const SINGLES: usize = SINGLE_HANDLERS.len();

        const SINGLE_HANDLERS: &[Handler] = &[
            $(super::handlers::$method,)* $(super::handlers::$handler,)*
        ];
    };
}

#[cfg(not(threaded))]
macro_rules! code {
    ([$($name:ident $method:ident,)*] $($extra:ident $handler:ident,)*) => {
        /// Op numbers of prepared code: the op table, then the internal ones.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        #[allow(dead_code, reason = "made from numbers in code, not by name")]
        pub(crate) enum Code { $($name,)* $($extra,)* }

        /// Executes one instruction.
        #[inline(always)]
        unsafe fn step(op: u16, pc: Pc, regs: Regs, cx: Cx, table: Table) -> Flow {
            // SAFETY: prepared code holds only numbers of `Code` (the loader wrote them), and the
            // handlers' own contract is the caller's.
            unsafe {
                match std::mem::transmute::<u16, Code>(op) {
                    $(Code::$name => super::handlers::$method(pc, regs, cx, table),)*
                    $(Code::$extra => super::handlers::$handler(pc, regs, cx, table),)*
                }
            }
        }
    };
}

for_each_op!(rows);

#[cfg(threaded)]
use super::fused::{FIRSTS, PAIRS, SECONDS};

/// Handlers by op number: single instructions, then pairs.
#[cfg(threaded)]
static HANDLERS: [Handler; SINGLES + FIRSTS.len() * SECONDS.len()] = {
    let mut all = [SINGLE_HANDLERS[0]; SINGLES + FIRSTS.len() * SECONDS.len()];
    let mut i = 0;
    while i < SINGLES {
        all[i] = SINGLE_HANDLERS[i];
        i += 1;
    }
    while i < all.len() {
        let pair = i - SINGLES;
        all[i] = PAIRS[pair / SECONDS.len()][pair % SECONDS.len()];
        i += 1;
    }
    all
};

#[cfg(threaded)]
mod driver {
    use super::*;

    /// What a handler returns: only the last one of a run does.
    pub(crate) type Flow = Exit;
    /// A handler.
    pub(crate) type Handler = unsafe extern "sysv64" fn(Pc, Regs, Cx, Table) -> Flow;

    /// Goes on with the instruction at `pc`.
    ///
    /// # Safety
    /// `pc` is the start of an instruction of prepared code, the others are the running fiber's.
    #[inline(always)]
    pub(crate) unsafe fn go(pc: Pc, regs: Regs, cx: Cx, table: Table) -> Flow {
        // SAFETY: op numbers in prepared code are indices of the table.
        unsafe { go_as(op(pc), pc, regs, cx, table) }
    }

    /// Goes on with the instruction at `pc` as if its op number were `op`.
    ///
    /// # Safety
    /// As [`go`]; the loader chose `op` for this instruction.
    #[inline(always)]
    pub(crate) unsafe fn go_as(op: u16, pc: Pc, regs: Regs, cx: Cx, table: Table) -> Flow {
        // SAFETY: op numbers in prepared code are indices of the table.
        unsafe {
            let handler = *table.cast::<Handler>().add(usize::from(op));
            handler(pc, regs, cx, table)
        }
    }

    /// Stops here.
    ///
    /// # Safety
    /// `cx` is the running fiber's context.
    #[inline(always)]
    pub(crate) unsafe fn leave(pc: Pc, regs: Regs, cx: Cx, exit: Exit) -> Flow {
        // SAFETY: by contract.
        unsafe { (*cx).save(pc, regs) };
        exit
    }

    /// Runs from `pc` until something stops it.
    ///
    /// # Safety
    /// As [`go`].
    pub(crate) unsafe fn run(pc: Pc, regs: Regs, cx: Cx) -> Exit {
        // SAFETY: by contract.
        unsafe { go(pc, regs, cx, HANDLERS.as_ptr().cast()) }
    }

    /// As [`run`], beginning with whatever `start` does.
    ///
    /// # Safety
    /// As [`go`].
    #[cfg(feature = "jit")]
    #[inline(always)]
    pub(crate) unsafe fn run_from(_cx: Cx, start: impl FnOnce(Table) -> Flow) -> Exit {
        start(HANDLERS.as_ptr().cast())
    }

    /// As [`run`], from the handler of the pending failure.
    ///
    /// # Safety
    /// As [`go`].
    pub(crate) unsafe fn run_unwinding(pc: Pc, regs: Regs, cx: Cx) -> Exit {
        // SAFETY: by contract.
        unsafe { super::super::unwind::unwind(pc, regs, cx, HANDLERS.as_ptr().cast()) }
    }
}

#[cfg(not(threaded))]
mod driver {
    use super::*;

    /// Where to go on; a null `pc` stops the loop, the reason is in the context.
    #[derive(Clone, Copy)]
    pub(crate) struct Flow {
        pc: Pc,
        regs: Regs,
    }
    /// Goes on with the instruction at `pc`.
    ///
    /// # Safety
    /// `pc` is the start of an instruction of prepared code, the others are the running fiber's.
    #[inline(always)]
    pub(crate) unsafe fn go(pc: Pc, regs: Regs, _cx: Cx, _table: Table) -> Flow {
        Flow { pc, regs }
    }

    /// Goes on with the instruction at `pc` as if its op number were `op`.
    ///
    /// # Safety
    /// As [`go`]; the loader chose `op` for this instruction.
    #[cfg_attr(
        not(feature = "jit"),
        expect(dead_code, reason = "only for replaced ops")
    )]
    #[inline(never)]
    pub(crate) unsafe fn go_as(op: u16, pc: Pc, regs: Regs, cx: Cx, table: Table) -> Flow {
        // SAFETY: by contract.
        unsafe { super::step(op, pc, regs, cx, table) }
    }

    /// Stops here.
    ///
    /// # Safety
    /// `cx` is the running fiber's context.
    #[inline(always)]
    pub(crate) unsafe fn leave(pc: Pc, regs: Regs, cx: Cx, exit: Exit) -> Flow {
        // SAFETY: by contract.
        unsafe {
            (*cx).save(pc, regs);
            (*cx).exit = exit;
        }
        Flow {
            pc: std::ptr::null(),
            regs,
        }
    }

    /// Runs from `pc` until something stops it.
    ///
    /// # Safety
    /// As [`go`].
    pub(crate) unsafe fn run(pc: Pc, regs: Regs, cx: Cx) -> Exit {
        // SAFETY: by contract.
        unsafe { go_on(Flow { pc, regs }, cx) }
    }

    /// As [`run`], beginning with whatever `start` does.
    ///
    /// # Safety
    /// As [`go`].
    #[cfg(feature = "jit")]
    pub(crate) unsafe fn run_from(cx: Cx, start: impl FnOnce(Table) -> Flow) -> Exit {
        // SAFETY: by contract.
        unsafe { go_on(start(std::ptr::null()), cx) }
    }

    /// As [`run`], from the handler of the pending failure.
    ///
    /// # Safety
    /// As [`go`].
    pub(crate) unsafe fn run_unwinding(pc: Pc, regs: Regs, cx: Cx) -> Exit {
        // SAFETY: by contract.
        unsafe {
            go_on(
                super::super::unwind::unwind(pc, regs, cx, std::ptr::null()),
                cx,
            )
        }
    }

    unsafe fn go_on(mut flow: Flow, cx: Cx) -> Exit {
        while !flow.pc.is_null() {
            // SAFETY: by contract, and handlers only name valid places.
            flow = unsafe { super::step(op(flow.pc), flow.pc, flow.regs, cx, std::ptr::null()) };
        }
        // SAFETY: by contract.
        unsafe { (*cx).exit }
    }
}

#[cfg(threaded)]
pub(crate) use driver::Handler;
pub(crate) use driver::{Flow, go, leave, run, run_unwinding};
#[cfg(feature = "jit")]
pub(crate) use driver::{go_as, run_from};

/// Defines handlers (`fn`), and the functions they hand over to (`out`: out of line because they
/// need a stack frame; `cold`: rarely needed as well), for the driver in use.
macro_rules! handlers {
    ($($(#[doc = $doc:literal])* $kind:ident $name:ident
        ($pc:ident, $r:ident, $cx:ident, $t:ident) $body:block)*) => {$(
        handlers! { @one $kind [$(#[doc = $doc])*] $name ($pc, $r, $cx, $t) $body }
    )*};
    (@one fn [$(#[$m:meta])*] $name:ident ($pc:ident, $r:ident, $cx:ident, $t:ident) $b:block) => {
        $(#[$m])*
        #[cfg(threaded)]
        #[allow(unused_variables, reason = "all handlers have one signature")]
        pub(super) unsafe extern "sysv64" fn $name(
            $pc: Pc, $r: Regs, $cx: Cx, $t: Table,
        ) -> Flow {
            // SAFETY: verified code: operands name registers of the frame and things of their
            // type; the dispatcher passed the running fiber's state.
            unsafe { $b }
        }
        $(#[$m])*
        #[cfg(not(threaded))]
        #[inline(always)]
        #[allow(unused_variables, reason = "all handlers have one signature")]
        pub(super) unsafe fn $name($pc: Pc, $r: Regs, $cx: Cx, $t: Table) -> Flow {
            // SAFETY: as above.
            unsafe { $b }
        }
    };
    (@one out [$(#[$m:meta])*] $name:ident ($pc:ident, $r:ident, $cx:ident, $t:ident) $b:block) => {
        $(#[$m])*
        #[cfg(threaded)]
        #[inline(never)]
        #[allow(unused_variables, reason = "all handlers have one signature")]
        pub(super) unsafe extern "sysv64" fn $name(
            $pc: Pc, $r: Regs, $cx: Cx, $t: Table,
        ) -> Flow {
            // SAFETY: as for handlers: called by one of them in tail position.
            unsafe { $b }
        }
        $(#[$m])*
        #[cfg(not(threaded))]
        #[inline(never)]
        #[allow(unused_variables, reason = "all handlers have one signature")]
        pub(super) unsafe fn $name($pc: Pc, $r: Regs, $cx: Cx, $t: Table) -> Flow {
            // SAFETY: as above.
            unsafe { $b }
        }
    };
    (@one cold [$(#[$m:meta])*] $name:ident
        ($pc:ident, $r:ident, $cx:ident, $t:ident) $b:block) => {
        $(#[$m])*
        #[cfg(threaded)]
        #[cold]
        #[inline(never)]
        #[allow(unused_variables, reason = "all handlers have one signature")]
        pub(super) unsafe extern "sysv64" fn $name(
            $pc: Pc, $r: Regs, $cx: Cx, $t: Table,
        ) -> Flow {
            // SAFETY: as for handlers: called by one of them in tail position.
            unsafe { $b }
        }
        $(#[$m])*
        #[cfg(not(threaded))]
        #[cold]
        #[inline(never)]
        #[allow(unused_variables, reason = "all handlers have one signature")]
        pub(super) unsafe fn $name($pc: Pc, $r: Regs, $cx: Cx, $t: Table) -> Flow {
            // SAFETY: as above.
            unsafe { $b }
        }
    };
}
pub(crate) use handlers;
