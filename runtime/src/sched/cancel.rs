//! Cancellation of fibers and groups, downwards.

use crate::fiber::FiberRef;
use crate::payload::Outcome;
use crate::prim::Ordering;
use crate::sched::Place;
use crate::sched::group::{Kind, Member};
use crate::sched::state::Asked;

/// Cancels fibers and groups and everything they own. Iterative: the tree may be deep.
pub(crate) fn cancel_all(place: Place<'_>, mut todo: Vec<Member>) {
    let mut marked = false;
    while let Some(member) = todo.pop() {
        match member {
            Member::Group(group) if group.kind == Kind::Shield => {}
            Member::Group(group) => {
                if !group.cancelled.swap(true, Ordering::AcqRel) {
                    marked = true;
                    // In reverse: the list is a stack, and the oldest member comes first.
                    todo.extend(group.members().into_iter().rev());
                }
            }
            Member::Fiber(fiber) => cancel_fiber(place, &fiber, &mut todo),
        }
    }
    if marked {
        // After the flags: who sees the new epoch sees them.
        place.shared.bump_cancel_epoch();
    }
}

fn cancel_fiber(place: Place<'_>, fiber: &FiberRef, todo: &mut Vec<Member>) {
    match fiber.state.ask_cancel() {
        Asked::Nothing => {}
        Asked::Unstarted => {
            // SAFETY: `Unstarted` made us the owner of the body.
            unsafe { fiber.drop_body() }
            place.finish(fiber, Outcome::Cancelled);
        }
        Asked::Flagged => {
            // Its family cannot be read while it runs: it cancels that itself when it notices.
            place.shared.poke(fiber);
        }
        Asked::Woken => {
            // SAFETY: a woken fiber is READY and not yet queued: ours.
            let family = unsafe { (*fiber.family.get()).clone() };
            todo.extend(family.map(Member::Group));
            // SAFETY: woken just now.
            place.ready(unsafe { fiber.adopt() });
        }
    }
}
