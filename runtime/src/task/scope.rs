//! Scopes: a block that ends only when everything started inside, at any depth, has ended.

use crate::counted::Ref;
use crate::fiber::FiberCx;
use crate::fiber::cx::Enter;
use crate::payload::Outcome;
use crate::sched::group::Group;
use crate::sched::pool::Pool;
use crate::sched::trace_hash::Op;
use crate::sched::wait_reason::WaitReason;
use crate::sync::wait_queue::Item;
use std::sync::Arc;
use std::task::Poll;

/// An open scope. What its fiber spawns between `enter_scope` and `poll_exit_scope` is inside.
#[derive(Clone, Debug)]
pub struct Scope {
    group: Ref<Group>,
    outer: Ref<Group>,
}

/// How a scope ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeEnd {
    /// The first failure that nobody inside has caught: the caller's to raise.
    pub failure: Option<u64>,
}

impl FiberCx {
    /// Opens a scope. Every one that is opened must be left by [`FiberCx::poll_exit_scope`], on
    /// every way out of the block, innermost first.
    pub fn enter_scope(&self, site: u64) -> Scope {
        self.enter_scope_on(site, None)
    }

    /// As [`FiberCx::enter_scope`]; what is started inside runs on `pool`, if it is given.
    pub fn enter_scope_on(&self, site: u64, pool: Option<Arc<Pool>>) -> Scope {
        let outer = self.family().clone();
        let group = Group::scope(self.place(), &outer, self.fiber_ref(), site, pool);
        // SAFETY: the running fiber owns its family field.
        unsafe { *self.fiber().family.get() = Some(group.clone()) };
        Scope { group, outer }
    }

    /// Leaves a scope: waits until everything inside has ended. When the fiber is cancelled, so
    /// is the scope, and it waits nevertheless: the answer is the scope's end in any case, and
    /// the fiber notices its cancellation at its next operation.
    pub fn poll_exit_scope(&self, scope: &Scope) -> Poll<ScopeEnd> {
        // Leaving is cleaning up: it is not itself cancelled.
        let masked = self.set_masked(true);
        let end = self.exit_masked(scope, masked);
        if !masked {
            self.set_masked(false);
        }
        if end.is_ready() {
            self.clear_interrupt(scope);
        }
        end
    }

    fn exit_masked(&self, scope: &Scope, was_masked: bool) -> Poll<ScopeEnd> {
        match self.enter() {
            Enter::Yield => return Poll::Pending,
            Enter::Resume => {
                let wake = self.finish_wait();
                if wake.arm != 0 {
                    // Cancelled while it waits: cancel what is inside, and wait on.
                    scope.group.unwait_end(wake.key, self.fiber(), wake.epoch);
                    let _ = self.wake_error(wake.arm);
                    scope.group.cancel(self.place());
                }
            }
            // Masked, it is not told to stop; and it must leave whatever a test puts here.
            Enter::Begin | Enter::Stop(_) => {
                // SAFETY: the running fiber owns its family field.
                unsafe { *self.fiber().family.get() = Some(scope.outer.clone()) };
                if !was_masked && self.fiber().state.is_cancel_asked() {
                    scope.group.cancel(self.place());
                }
                // SAFETY: the running fiber leaves its scope, once: `Begin`.
                unsafe { scope.group.leave(self.place()) }
            }
        }
        self.await_end(scope, was_masked)
    }

    fn await_end(&self, scope: &Scope, was_masked: bool) -> Poll<ScopeEnd> {
        if scope.group.is_live() {
            // The wait itself can be cancelled, as long as that has not happened yet.
            let state = &self.fiber().state;
            let open = !was_masked && !state.is_cancel_asked();
            if open {
                self.set_masked(false);
            }
            let epoch = match self.begin_wait(WaitReason::Scope, 0) {
                Ok(epoch) => epoch,
                Err(_) => {
                    self.set_masked(true);
                    scope.group.cancel(self.place());
                    return self.await_end(scope, true);
                }
            };
            if let Some(key) = scope.group.wait_end(|| self.waiter(epoch, 0, Item::None)) {
                self.slot().key = key;
                return Poll::Pending;
            }
            // It ended just now. If somebody claimed the wait, that is to be waited for.
            if !state.claim_own(epoch, crate::sched::state::ARM_RETRY) && !state.is_delivered() {
                return Poll::Pending;
            }
            let _ = self.finish_wait();
        }
        let failure = scope.group.take_failure().and_then(Outcome::slot);
        self.event(Op::Scope, 0, u64::from(failure.is_some()));
        Poll::Ready(ScopeEnd { failure })
    }

    /// After a failed scope has been left: is there still a failed one around?
    fn clear_interrupt(&self, left: &Scope) {
        let mut at = Some(&left.outer);
        while let Some(group) = at {
            if group.kind == crate::sched::group::Kind::Family {
                break;
            }
            if group.has_failed() {
                return;
            }
            at = group.parent();
        }
        self.fiber().state.clear_interrupt();
    }
}

impl Scope {
    /// Cancels everything inside; the body goes on, and the scope ends normally.
    pub fn cancel(&self, cx: &FiberCx) {
        cx.next_op();
        cx.event(Op::Cancel, 0, 1);
        self.group.cancel(cx.place());
    }

    /// Raises `failure` at the scope's end, as if something inside had failed. False: it has
    /// ended, or failed already, and the failure stays the caller's.
    pub fn fail(&self, cx: &FiberCx, failure: u64) -> bool {
        self.group.fail(cx.place(), Outcome::Failed(failure))
    }

    /// Has anything inside failed that nobody caught? Then the body is to be left.
    pub fn has_failed(&self) -> bool {
        self.group.has_failed()
    }
}
