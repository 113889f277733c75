//! The interpreter: one fiber's Lumen frames, resumed until they end or wait.

mod arith;
mod calls;
pub(crate) mod context;
mod control;
pub(crate) mod dispatch;
mod fail;
#[cfg(threaded)]
pub(crate) mod fused;
mod lists;
mod native;
mod objects;
pub(crate) mod operand;
mod stack;
pub(crate) mod tasks;
mod unwind;
mod words;

use std::sync::atomic::AtomicU32;

use lumen_runtime::heap::{Heap, word};

use crate::load::image::Image;
use crate::program::Instance;
use crate::tasks::Task;
use context::Context;
use dispatch::{Exit, Pc, Regs};
use stack::Stack;

/// All handlers by the names that the op table gives them.
pub(crate) mod handlers {
    pub(super) use super::arith::*;
    pub(super) use super::calls::*;
    pub(super) use super::control::*;
    pub(super) use super::fail::*;
    pub(super) use super::lists::*;
    pub(super) use super::native::*;
    pub(super) use super::objects::*;
    pub(super) use super::tasks::*;
    pub(super) use super::words::*;
}

/// One fiber's execution: frames that wait or have yet to begin.
pub(crate) struct Interp {
    stack: Stack,
    pc: Pc,
    regs: Regs,
    fp: *mut u64,
    failure: u64,
    /// The closure of the entry function, kept alive for it; or 0.
    closure: u64,
    entry: usize,
}

// SAFETY: the addresses lie in the fiber's own stack and in the program's code, which is
// read-only and outlives it; a fiber runs on one worker at a time.
unsafe impl Send for Interp {}

/// How a resumed fiber came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It returned this slot.
    Done(u64),
    /// This Error, owned, left it. The image's `cancelled` Error: it was cancelled.
    Failed(u64),
    /// It waits.
    Parked,
    /// It gives way.
    Yielded,
    /// It ended the program.
    Stopped,
}

impl Interp {
    /// Without frames; its stack may grow to `max_stack` bytes.
    pub(crate) fn idle(max_stack: usize) -> Interp {
        let stack = Stack::new(0, max_stack);
        Interp {
            pc: std::ptr::null(),
            regs: stack.base(),
            fp: stack.end(),
            stack,
            failure: 0,
            closure: 0,
            entry: 0,
        }
    }

    /// Begins a call of function `func` with `args` (owned or borrowed as its signature says);
    /// `closure`, if it is one, is kept for it. Former frames have ended.
    pub(crate) fn begin(&mut self, image: &Image, func: usize, closure: u64, args: &[u64]) {
        let info = &image.funcs[func];
        debug_assert_eq!(info.params, args.len());
        self.stack.make_room(info.frame.max(args.len() + 1));
        self.regs = self.stack.base();
        // SAFETY: the stack has room for the frame, and for records beside it.
        unsafe {
            self.fp = self.stack.end().sub(1);
            *self.regs = closure;
            for (i, arg) in args.iter().enumerate() {
                *self.regs.add(1 + i) = *arg;
            }
            *self.fp = image.exit_pc() as u64;
        }
        self.pc = image.entries[func];
        self.failure = 0;
        self.closure = closure;
        self.entry = func;
    }

    /// Is its stack as small as stacks are at first, or nearly?
    pub(crate) fn is_small(&self) -> bool {
        self.stack.is_small()
    }

    /// The entry function's number.
    pub(crate) fn entry(&self) -> usize {
        self.entry
    }

    /// The closure it was made with.
    pub(crate) fn closure(&self) -> u64 {
        self.closure
    }

    /// Where it stands, innermost frame first. Only while it rests.
    pub(crate) fn trace(&self, image: &Image) -> Vec<u64> {
        // SAFETY: frames at rest.
        let frames = unsafe { crate::backtrace::frames(image, self.pc, self.fp) };
        frames.into_iter().map(|pc| pc as u64).collect()
    }

    /// Runs until it comes to rest; with `cancelled`, by unwinding.
    ///
    /// # Safety
    /// The instance, heap and poll word are those of the program this was made for and of the
    /// worker that runs it.
    pub(crate) unsafe fn resume(
        &mut self,
        instance: &Instance,
        heap: *mut Heap,
        poll: *const AtomicU32,
        task: &Task,
        cancelled: bool,
    ) -> Rest {
        let image = instance.image();
        let mut context = Context {
            fp: self.fp,
            poll,
            heap,
            constants: image.constants.as_ptr(),
            globals: instance.globals(),
            entries: image.entries.as_ptr(),
            slots: image.slots.as_ptr(),
            closures: image.closures.as_ptr(),
            members: image.members.as_ptr(),
            member_words: image.member_words,
            image,
            stack: &mut self.stack,
            task,
            failure: self.failure,
            trace_due: false,
            stack_limit: 0,
            helped: false,
            map_position: 0,
            pc: self.pc,
            regs: self.regs,
            exit: Exit::Done,
        };
        let cx = &raw mut context;
        // SAFETY: verified code on its own frames; the context points to what outlives this call.
        let exit = unsafe {
            if cancelled {
                (*cx).set_cancelled();
                dispatch::run_unwinding(self.pc, self.regs, cx)
            } else {
                native::run(self.pc, self.regs, cx)
            }
        };
        // SAFETY: still ours.
        let context = unsafe { &mut *cx };
        self.pc = context.pc;
        self.regs = context.regs;
        self.fp = context.fp;
        self.failure = context.failure;
        match exit {
            // SAFETY: the entry frame's R[0] holds the result.
            Exit::Done => Rest::Done(unsafe { *self.regs }),
            Exit::Failed => Rest::Failed(std::mem::replace(&mut self.failure, word::ABSENT)),
            Exit::Parked => Rest::Parked,
            Exit::Yielded => Rest::Yielded,
            Exit::Stopped => Rest::Stopped,
        }
    }
}
