//! The end of a fiber, and the moment when nothing moves any more.

use crate::counted::Ref;
use crate::fiber::FiberRef;
use crate::payload::Outcome;
use crate::sched::Place;
use crate::sched::events::EventKind;
use crate::sched::group::{Group, Kind};
use crate::sched::shared::Shared;
use crate::sched::state::ARM_DEADLOCK;
use crate::sched::trace_hash::Op;

impl Place<'_> {
    /// Ends a fiber that is RUNNING and the caller's.
    pub(crate) fn finish(self, fiber: &FiberRef, outcome: Outcome) {
        if let (Some(log), Some(worker)) = (&self.shared.events, self.worker) {
            log.record(worker, fiber, EventKind::End);
        }
        if let Some(det) = &self.shared.det {
            det.record(fiber, Op::End, 0, outcome.tag());
        }
        // SAFETY: the fiber is RUNNING and the caller's, so these fields are. The body goes before
        // anyone hears of the end: what it held is gone by then.
        let family = unsafe {
            fiber.drop_body();
            fiber.set_outcome(outcome);
            (*fiber.family.get()).take()
        };
        if let (Outcome::Cancelled, Some(family)) = (outcome, &family) {
            family.cancel(self);
        }
        if fiber.state.transition_to_done() {
            self.wake_joiners(fiber);
        }
        if let Some(hook) = fiber.on_done() {
            hook.on_done(self, fiber);
        }
        if fiber.state.is_linked() {
            let home = family.as_ref().and_then(|family| family.home());
            home.unwrap_or(fiber.owner()).unlink_fiber(fiber);
        }
        if fiber.pool().number() != 0 {
            self.ready_all(fiber.pool().count_out());
        }
        if let Outcome::Failed(failure) = outcome
            && fiber.is_only()
            && !fiber.state.is_observed()
            // Run in place: the count is the handle of whoever awaits it.
            && !self.worker.is_some_and(|w| w.is_in_place())
        {
            self.tell_of(fiber, failure);
        }
        match family {
            None => self.leave_owner(fiber.owner()),
            Some(family) => self.leave_family(family),
        }
    }

    /// As [`Place::finish`], of a fiber that only its two references' holder, this worker, could
    /// reach when it began. If that is still so, it ends without telling anybody.
    pub(crate) fn finish_alone(self, fiber: &FiberRef, outcome: Outcome) {
        // SAFETY: the fiber is RUNNING and the caller's.
        unsafe { fiber.drop_body() };
        let usual = matches!(outcome, Outcome::Ok(_)) && fiber.pool == 0;
        if !usual || !fiber.are(2) || fiber.on_done().is_some() || !fiber.state.end_alone() {
            return self.finish(fiber, outcome);
        }
        // SAFETY: as above: nobody has looked at it since.
        let family = unsafe {
            fiber.set_outcome(outcome);
            (*fiber.family.get()).take()
        };
        match family {
            None => self.leave_owner(fiber.owner()),
            Some(family) => self.leave_family(family),
        }
    }

    /// A failure whose handles are all gone: told while the groups around it live.
    #[cold]
    fn tell_of(self, fiber: &FiberRef, failure: u64) {
        // SAFETY: the only count is the caller's, so nobody reads the outcome meanwhile.
        unsafe { fiber.set_outcome(Outcome::Cancelled) };
        self.shared
            .report_unobserved(fiber.owner(), &fiber.info(), &fiber.path(), failure);
    }

    fn wake_joiners(self, fiber: &FiberRef) {
        let mut woken = Vec::new();
        // Under the lock: a joiner that has ended its wait otherwise cannot go on meanwhile.
        let queue = fiber.with_joiners(|joiners| {
            let mut queue = joiners.take()?;
            queue.claim_all(&mut woken);
            Some(queue)
        });
        drop(queue);
        self.ready_all(woken);
    }

    /// A fiber that has ended leaves its family, and what it has not left in order.
    fn leave_family(self, family: Ref<Group>) {
        let mut at = Some(family);
        loop {
            match at {
                // A scope or shield that was not left in order ends with its fiber.
                Some(group) if group.kind != Kind::Family => {
                    group.forget_body();
                    // SAFETY: the fiber was the caller's to end, and this is its own group.
                    unsafe { group.leave(self) }
                    at = group.parent().cloned();
                }
                Some(family) => {
                    family.set_orphaned();
                    // SAFETY: as above.
                    break unsafe { family.leave(self) };
                }
                None => break,
            }
        }
    }
}

impl Place<'_> {
    /// A fiber without a family of its own ends: it is one member less of its owner.
    fn leave_owner(self, owner: &Ref<Group>) {
        match self.worker {
            // SAFETY: the owner's fiber runs on this thread, and has not left: it awaits the
            // fiber that ends.
            Some(worker) if worker.runs_owner_of(owner) => unsafe { owner.own_member_done() },
            _ => owner.member_done(self),
        }
    }
}

impl Shared {
    /// Called by the last worker awake when every queue is empty and nothing outside is in
    /// flight. True: something can run again.
    pub(crate) fn quiescent(&self, place: Place<'_>) -> bool {
        let now = self.clock.now();
        if !self.timeline.lock().wakes_at(now) && self.settle_deferred(place) {
            return true;
        }
        if self.fire_next(place) {
            return true;
        }
        if !self.clock.is_virtual() && self.has_real_timers() {
            return false;
        }
        self.detect_deadlock && self.on_deadlock(place)
    }

    fn has_real_timers(&self) -> bool {
        self.pools
            .lock()
            .iter()
            .any(|p| p.workers().iter().any(|w| w.wheel(self).len() > 0))
    }

    /// Virtual time: jumps to the next deadline and fires one timer. One at a time, with
    /// quiescence in between, so that ties go by their order on any number of workers.
    fn fire_next(&self, place: Place<'_>) -> bool {
        loop {
            let claimed = {
                let mut timeline = self.timeline.lock();
                if timeline.is_empty() {
                    return false;
                }
                let choice = self.det.as_ref().and_then(|d| d.choose_timer(&timeline));
                let Some((deadline, waiter)) = timeline.take(choice) else {
                    return false;
                };
                self.clock.advance_to(deadline);
                waiter.claim(None)
            };
            if let Ok(woken) = claimed {
                if let Some(fiber) = woken {
                    place.ready(fiber);
                }
                return true;
            }
        }
    }

    /// Everything is blocked for ever: first main is told, then all is cancelled, then given up.
    fn on_deadlock(&self, place: Place<'_>) -> bool {
        let Some(root) = self.root.lock().clone() else {
            return false;
        };
        // Again, now that there is a root: a program that is just starting counts as outside.
        if !root.is_live() || !self.is_still_quiet() {
            return false;
        }
        let first = self.deadlock.lock().is_none();
        if first {
            let report = crate::sched::deadlock::DeadlockReport::build(self, &root);
            self.hooks.deadlock(&report);
            *self.deadlock.lock() = Some(report);
            let main = self.main.lock().clone();
            if let Some(main) = main
                && main.state.break_wait(ARM_DEADLOCK)
            {
                // SAFETY: woken just now.
                place.ready(unsafe { main.adopt() });
                return true;
            }
        }
        if !root.is_cancelled() {
            root.cancel(place);
            return true;
        }
        self.root_ended();
        false
    }
}
