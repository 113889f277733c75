//! The report of a deadlock: every fiber, what it waits for, where, and the cycle if there is
//! one.

use crate::counted::Ref;
use crate::fiber::FiberRef;
use crate::sched::group::{Group, Member};
use crate::sched::shared::Shared;
use crate::sched::wait_reason::WaitReason;
use std::collections::HashMap;
use std::sync::Arc;

/// One blocked fiber.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockedFiber {
    /// Number of the task.
    pub id: u64,
    /// `main.2.1`.
    pub path: String,
    /// The name given at spawn.
    pub name: Option<Arc<str>>,
    /// Why it waits.
    pub reason: WaitReason,
    /// The object it waits for: a task's number for `Await`, else the object's own number.
    pub object: u64,
    /// The task that would have to act: the one awaited, or the holder of the lock; 0 if none.
    pub holder: u64,
    /// Where it waits, innermost first, in the embedder's numbers.
    pub trace: Vec<u64>,
    /// Where it and its ancestors were spawned, innermost first.
    pub spawn_sites: Vec<u64>,
}

/// What is known when nothing can move any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadlockReport {
    /// The time fibers see, in nanoseconds.
    pub at: u64,
    /// Every fiber, main first, then in the order of their paths.
    pub fibers: Vec<BlockedFiber>,
    /// Task numbers, each waiting for the next and the last for the first; empty if no cycle.
    pub cycle: Vec<u64>,
}

impl DeadlockReport {
    pub(crate) fn build(shared: &Shared, root: &Ref<Group>) -> DeadlockReport {
        let mut found = Vec::new();
        let mut todo = root.members();
        while let Some(member) = todo.pop() {
            match member {
                Member::Group(group) => todo.extend(group.members()),
                Member::Fiber(fiber) => {
                    if fiber.state.is_parked() {
                        found.push((fiber.path_key(), blocked(&fiber)));
                    }
                }
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let fibers: Vec<BlockedFiber> = found.into_iter().map(|(_, f)| f).collect();
        let cycle = cycle(&fibers);
        DeadlockReport {
            at: shared.clock.now(),
            fibers,
            cycle,
        }
    }

    /// The blocked fiber with this number.
    pub fn fiber(&self, id: u64) -> Option<&BlockedFiber> {
        self.fibers.iter().find(|f| f.id == id)
    }
}

fn blocked(fiber: &FiberRef) -> BlockedFiber {
    // SAFETY: the fiber is parked, and nothing runs that could wake it: quiescence. So slot and
    // body stay as they are.
    let (slot, trace) = unsafe {
        let slot = fiber.made_slot().map(|slot| &*slot);
        (slot, fiber.body_trace())
    };
    let mut spawn_sites = vec![fiber.site];
    spawn_sites.extend(fiber.owner().spawn_sites());
    let idle = crate::fiber::WaitSlot::default();
    let slot = slot.unwrap_or(&idle);
    let holder = match (&slot.holder, slot.reason) {
        (Some(holder), _) => holder.load(std::sync::atomic::Ordering::Acquire),
        (None, WaitReason::Await) => slot.object,
        _ => 0,
    };
    BlockedFiber {
        id: fiber.id,
        path: fiber.path(),
        name: fiber.name().cloned(),
        reason: slot.reason,
        object: slot.object,
        holder,
        trace,
        spawn_sites,
    }
}

/// Follows "waits for" edges; each fiber has at most one, so a walk finds any cycle.
fn cycle(fibers: &[BlockedFiber]) -> Vec<u64> {
    let edges: HashMap<u64, u64> = fibers.iter().map(|f| (f.id, f.holder)).collect();
    let mut done: HashMap<u64, usize> = HashMap::new();
    for (round, start) in fibers.iter().enumerate() {
        let mut walk = Vec::new();
        let mut at = start.id;
        while edges.contains_key(&at) && !done.contains_key(&at) {
            done.insert(at, round);
            walk.push(at);
            at = edges[&at];
        }
        if done.get(&at) == Some(&round)
            && let Some(from) = walk.iter().position(|&id| id == at)
        {
            return walk.split_off(from);
        }
    }
    Vec::new()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn fiber(id: u64, holder: u64) -> BlockedFiber {
        BlockedFiber {
            id,
            holder,
            ..BlockedFiber::default()
        }
    }

    #[test]
    fn finds_the_cycle_behind_a_tail() {
        let fibers = [
            fiber(1, 2),
            fiber(2, 3),
            fiber(3, 4),
            fiber(4, 2),
            fiber(5, 0),
        ];
        assert_eq!(cycle(&fibers), [2, 3, 4]);
        assert_eq!(cycle(&[fiber(1, 2), fiber(2, 9)]), []);
        assert_eq!(cycle(&[fiber(7, 7)]), [7]);
    }
}
