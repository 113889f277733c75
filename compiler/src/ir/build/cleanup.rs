//! Regions and their handlers: `try`, `catch`, `finally`, `defer`, scopes, loops to leave.
//!
//! A frame says what encloses the code being lowered. Cleanup code is lowered once for the normal
//! end of its region, once for each early exit through it, and once in its handler. It runs masked.
//! A failure in it while unwinding becomes a cause of the failure that is unwinding.

use super::func::FuncBuilder;
use super::generator::Driven;
use super::runtime_natives as rt;
use super::uses;
use crate::hir::{Arm, Expr, LoopId, Ty};
use crate::ir::{BlockId, Cond, Handler, Term, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::well_known;

/// What a frame is.
pub(crate) enum Scope<'a> {
    /// A loop.
    Loop {
        id: LoopId,
        next: BlockId,
        exit: BlockId,
        want: Option<VReg>,
    },
    /// The body of a `try` with `catch`.
    Catch,
    /// Code to run on every way out: `defer`, `finally`.
    Cleanup(&'a Expr),
    /// Cleanup code itself: cancellation is held back.
    Masked,
    /// A `scope` block, by its handle: waits for its tasks on the way out.
    Tasks(VReg),
    /// A loop over a generator, by its object: ends it on the way out.
    Generator(Driven),
}

/// A frame and the handler outside of it.
pub(crate) struct Frame<'a> {
    /// What it is.
    pub(crate) scope: Scope<'a>,
    outer: Option<Handler>,
}

impl<'a> FuncBuilder<'_, '_, 'a> {
    fn push_frame(&mut self, scope: Scope<'a>, handler: Option<Handler>) {
        let outer = self.c.handler;
        self.frames.push(Frame { scope, outer });
        self.c.set_handler(handler);
    }

    fn pop_frame(&mut self) -> Option<Frame<'a>> {
        let frame = self.frames.pop()?;
        self.c.set_handler(frame.outer);
        Some(frame)
    }

    /// Enters a loop's body.
    pub(crate) fn enter_loop(
        &mut self,
        id: LoopId,
        next: BlockId,
        exit: BlockId,
        want: Option<VReg>,
    ) {
        let handler = self.c.handler;
        let scope = Scope::Loop {
            id,
            next,
            exit,
            want,
        };
        self.push_frame(scope, handler);
    }

    /// Leaves a loop's body.
    pub(crate) fn leave_loop(&mut self) {
        self.pop_frame();
    }

    /// Depth, next round, exit and result register of a loop.
    pub(crate) fn loop_frame(
        &self,
        wanted: LoopId,
    ) -> Option<(usize, BlockId, BlockId, Option<VReg>)> {
        let found = |(depth, f): (usize, &Frame<'_>)| match f.scope {
            Scope::Loop {
                id,
                next,
                exit,
                want,
            } if id == wanted => Some((depth + 1, next, exit, want)),
            _ => None,
        };
        self.frames.iter().enumerate().rev().find_map(found)
    }

    /// Enters a region with cleanup code.
    pub(crate) fn enter_cleanup(&mut self, body: &'a Expr) {
        let block = self.c.block();
        self.push_frame(Scope::Cleanup(body), Some(Handler { block, catch: None }));
    }

    /// Ends the innermost region with cleanup code: runs it, and makes its handler. `valued` tells
    /// whether the region has left a value in a register.
    pub(crate) fn leave_cleanup(&mut self, valued: bool) {
        let Some(handler) = self.c.handler else {
            return;
        };
        let Some(Frame {
            scope: Scope::Cleanup(body),
            ..
        }) = self.pop_frame()
        else {
            return;
        };
        if !valued && uses::has_cleanup(body) {
            // Two copies at each level would be far too many at the innermost. (Where there is a
            // value, it would be missing on the way of a failure.)
            return self.shared_cleanup(handler.block, body);
        }
        self.cleanup_normally(body);
        self.in_handler(handler.block, |b, failure| {
            b.c.op(Op::Mask, &[]);
            b.masked(body, Some(failure));
            b.c.op(Op::Unmask, &[]);
            b.c.end(Term::Rethrow(failure));
        });
    }

    /// One copy of cleanup code for the normal end and for failures: which it is, is told by a
    /// register that holds the failure or null.
    fn shared_cleanup(&mut self, handler: BlockId, body: &'a Expr) {
        let ty = (self.m.types).union(&[well_known::ERROR, well_known::NULL]);
        let pending = self.c.reg(ty);
        let (shared, done) = (self.c.block(), self.c.block());
        let goes_on = self.c.live();
        self.null_into(pending);
        self.c.op(Op::Mask, &[]);
        self.c.jump(shared);
        self.in_handler(handler, |b, failure| {
            b.copy(pending, failure);
            b.c.op(Op::Mask, &[]);
            b.c.jump(shared);
        });
        self.c.start(shared);
        let block = self.c.block();
        self.push_frame(Scope::Masked, Some(Handler { block, catch: None }));
        self.effect(body);
        self.pop_frame();
        self.in_handler(block, |b, second| {
            let (alone, both) = (b.c.block(), b.c.block());
            b.split(Cond::Null(pending), alone, both);
            b.c.start(both);
            let first = b.c.reg(well_known::ERROR);
            b.copy(first, pending);
            let args = [b.arg(first), b.arg(second)];
            b.runtime_effect(rt::ADD_CAUSE, &[], &args);
            b.c.op(Op::Unmask, &[]);
            b.c.end(Term::Rethrow(first));
            b.c.start(alone);
            b.c.op(Op::Unmask, &[]);
            b.c.end(Term::Rethrow(second));
        });
        self.c.op(Op::Unmask, &[]);
        let failed = self.c.block();
        let cond = Cond::Null(pending);
        self.split(cond, if goes_on { done } else { failed }, failed);
        let cold = std::mem::replace(&mut self.c.cold, true);
        self.c.start(failed);
        self.c.end(Term::Rethrow(pending));
        self.c.cold = cold;
        if goes_on {
            self.c.start(done);
        }
    }

    fn cleanup_normally(&mut self, body: &'a Expr) {
        if self.c.live() {
            self.c.op(Op::Mask, &[]);
            self.masked(body, None);
            self.c.op(Op::Unmask, &[]);
        }
    }

    /// Cleanup code between mask and unmask, run because of `failure` if there is one.
    fn masked(&mut self, body: &'a Expr, failure: Option<VReg>) {
        let block = self.c.block();
        self.push_frame(Scope::Masked, Some(Handler { block, catch: None }));
        self.effect(body);
        self.pop_frame();
        self.in_handler(block, |b, second| {
            let raised = match failure {
                Some(first) => {
                    let args = [b.arg(first), b.arg(second)];
                    b.runtime_effect(rt::ADD_CAUSE, &[], &args);
                    first
                }
                None => second,
            };
            b.c.op(Op::Unmask, &[]);
            b.c.end(Term::Rethrow(raised));
        });
    }

    /// Makes a handler, placed after everything else, and comes back to where lowering is.
    pub(crate) fn in_handler(&mut self, block: BlockId, make: impl FnOnce(&mut Self, VReg)) {
        let (here, outer) = (self.c.suspend(), self.c.handler);
        let cold = std::mem::replace(&mut self.c.cold, true);
        self.c.start(block);
        let failure = self.c.reg(well_known::ERROR);
        self.c.op(Op::Landing, &[failure]);
        make(self, failure);
        self.c.end(Term::Unreachable);
        self.c.cold = cold;
        self.c.handler = outer;
        self.c.reopen(here);
    }

    /// Runs what an early exit to depth `depth` has to run. The frames stay: the exit is one of
    /// several ways out.
    pub(crate) fn unwind_to(&mut self, depth: usize) {
        let handler = self.c.handler;
        let mut left = Vec::new();
        while self.frames.len() > depth && self.c.live() {
            if let Some(Frame {
                scope: Scope::Tasks(scope),
                ..
            }) = self.frames.last()
            {
                // Its own handler still watches while it waits.
                let scope = *scope;
                let scope = self.arg(scope);
                self.runtime_effect(rt::SCOPE_EXIT, &[], &[scope]);
            }
            let Some(frame) = self.pop_frame() else { break };
            match frame.scope {
                Scope::Cleanup(body) => self.cleanup_normally(body),
                Scope::Masked => self.c.op(Op::Unmask, &[]),
                Scope::Generator(driven) => self.close_generator(driven),
                Scope::Loop { .. } | Scope::Catch | Scope::Tasks(_) => {}
            }
            left.push(frame);
        }
        self.frames.extend(left.into_iter().rev());
        // What the exit itself emits (a jump, a return) belongs outside; the caller ends the
        // block, and what follows is dead until another block is started.
        let end = self.c.suspend();
        self.c.handler = handler;
        self.c.reopen(end);
    }

    /// `try … catch … finally`.
    pub(crate) fn try_(
        &mut self,
        body: &'a Expr,
        catch: &'a [Arm],
        finally: Option<&'a Expr>,
        want: Option<VReg>,
    ) {
        if let Some(finally) = finally {
            self.enter_cleanup(finally);
        }
        if catch.is_empty() {
            self.deliver(body, want);
        } else {
            let done = self.c.block();
            let block = self.enter_catch();
            self.deliver(body, want);
            self.leave_catch();
            self.c.jump(done);
            self.in_handler(block, |b, failure| {
                // A caught failure is handled like any other value.
                b.match_arms(failure, Ty::ERROR, catch, want, done, &mut |b| {
                    b.c.end(Term::Rethrow(failure));
                });
            });
            self.c.start(done);
        }
        if finally.is_some() {
            self.leave_cleanup(want.is_some());
        }
    }

    /// Enters a region whose failures (not cancellation) go to the block given back.
    pub(crate) fn enter_catch(&mut self) -> BlockId {
        let block = self.c.block();
        let catch = Some(self.c.cleanup_handler());
        self.push_frame(Scope::Catch, Some(Handler { block, catch }));
        block
    }

    /// Ends the region.
    pub(crate) fn leave_catch(&mut self) {
        self.pop_frame();
    }

    /// Whether leaving everything that encloses the code here runs something.
    pub(crate) fn leaving_runs_code(&self) -> bool {
        let quiet = |f: &Frame<'_>| matches!(f.scope, Scope::Loop { .. } | Scope::Catch);
        !self.frames.iter().all(quiet)
    }

    /// Enters a region whose failures and cancellation go to the block given back, for cleanup
    /// that is no code of the program.
    pub(crate) fn enter_guard(&mut self, scope: Scope<'a>) -> BlockId {
        let block = self.c.block();
        self.push_frame(scope, Some(Handler { block, catch: None }));
        block
    }

    /// Ends the region: on failure, `close` runs masked and the failure goes on.
    pub(crate) fn leave_guard(&mut self, block: BlockId, close: impl FnOnce(&mut Self)) {
        self.leave_guard_with(block, |b, failure| {
            close(b);
            failure
        });
    }

    /// As [`FuncBuilder::leave_guard`]; `close` says which failure goes on.
    pub(crate) fn leave_guard_with(
        &mut self,
        block: BlockId,
        close: impl FnOnce(&mut Self, VReg) -> VReg,
    ) {
        self.pop_frame();
        self.in_handler(block, |b, failure| {
            b.c.op(Op::Mask, &[]);
            let failure = close(b, failure);
            b.c.op(Op::Unmask, &[]);
            b.c.end(Term::Rethrow(failure));
        });
    }
}
