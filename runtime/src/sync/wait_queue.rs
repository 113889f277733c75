//! Waiters of one source, first in, first out, with removal from the middle in constant time.
//!
//! The queue lives under its source's lock. A node is named by its index; the fiber that
//! registered it keeps the index and takes the node out when its wait ended some other way. An
//! index may have been reused by then, so removal checks fiber and epoch.

use crate::fiber::{Fiber, FiberRef};
use crate::sched::state::Claim;
use std::ptr::NonNull;

const NIL: u32 = u32::MAX;

/// What a waiting fiber brings along.
#[derive(Debug, Default)]
pub(crate) enum Item {
    /// Nothing: it waits to be given something.
    #[default]
    None,
    /// One value to send. It belongs to the waiting fiber until its wait is claimed.
    One(u64),
    /// Several values to send at once, same ownership.
    Many(Box<[u64]>),
}

/// A fiber that waits, without a count: it cannot end before it has taken its waiters out, and a
/// parked fiber keeps itself (see `Fiber`). So a waiter may be used under its source's lock.
#[derive(Debug)]
pub(crate) struct Waiting(NonNull<Fiber>);

// SAFETY: as a shared reference; fibers are `Sync`.
unsafe impl Send for Waiting {}
// SAFETY: as above.
unsafe impl Sync for Waiting {}

impl Waiting {
    /// `fiber` is about to wait.
    #[inline]
    pub(crate) fn of(fiber: NonNull<Fiber>) -> Waiting {
        Waiting(fiber)
    }

    /// The reference that a parked fiber has to itself.
    ///
    /// # Safety
    /// The caller has just made the fiber READY.
    unsafe fn adopt(self) -> FiberRef {
        // SAFETY: by contract nobody else takes this reference.
        unsafe { FiberRef::from_raw(self.0.as_ptr()) }
    }
}

impl std::ops::Deref for Waiting {
    type Target = Fiber;

    #[inline]
    fn deref(&self) -> &Fiber {
        // SAFETY: see the type.
        unsafe { self.0.as_ref() }
    }
}

/// One wait of one fiber at one source.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) fiber: Waiting,
    pub(crate) epoch: u32,
    pub(crate) arm: u16,
    pub(crate) item: Item,
}

impl Waiter {
    /// Claims the wait; what is given lands in the fiber's wait slot. `Some` must be made ready.
    pub(crate) fn claim(self, given: Option<u64>) -> Result<Option<FiberRef>, Waiter> {
        match self.fiber.state.claim(self.epoch, self.arm) {
            Claim::Lost => Err(self),
            claimed => Ok(hand_over(self.fiber, claimed, given)),
        }
    }
}

/// After a claim that was not lost: gives what there is to give. `Some` must be made ready.
#[inline]
fn hand_over(fiber: Waiting, claimed: Claim, given: Option<u64>) -> Option<FiberRef> {
    if claimed == Claim::Parked {
        fiber.set_given(given);
        // SAFETY: the claim made it READY.
        return Some(unsafe { fiber.adopt() });
    }
    if fiber.shared().watched {
        fiber.shared().pause();
    }
    fiber.set_given(given);
    // SAFETY: the delivery made it READY.
    fiber.state.deliver().then(|| unsafe { fiber.adopt() })
}

#[derive(Debug)]
struct Node {
    prev: u32,
    next: u32,
    waiter: Option<Waiter>,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct WaitQueue {
    nodes: Vec<Node>,
    head: u32,
    tail: u32,
    free: u32,
    len: u32,
}

impl Default for WaitQueue {
    fn default() -> Self {
        WaitQueue {
            nodes: Vec::new(),
            head: NIL,
            tail: NIL,
            free: NIL,
            len: 0,
        }
    }
}

impl WaitQueue {
    pub(crate) fn is_empty(&self) -> bool {
        self.head == NIL
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    #[inline]
    fn take_node(&mut self, waiter: Waiter) -> u32 {
        self.len += 1;
        if self.free != NIL {
            let at = self.free;
            let node = &mut self.nodes[at as usize];
            self.free = node.next;
            node.waiter = Some(waiter);
            at
        } else {
            self.nodes.push(Node {
                prev: NIL,
                next: NIL,
                waiter: Some(waiter),
            });
            (self.nodes.len() - 1) as u32
        }
    }

    /// Queues a waiter behind all others.
    #[inline]
    pub(crate) fn push_back(&mut self, waiter: Waiter) -> u32 {
        let at = self.take_node(waiter);
        let tail = self.tail;
        let node = &mut self.nodes[at as usize];
        node.prev = tail;
        node.next = NIL;
        if tail == NIL {
            self.head = at;
        } else {
            self.nodes[tail as usize].next = at;
        }
        self.tail = at;
        at
    }

    /// Queues a waiter before all others: it has waited here before.
    pub(crate) fn push_front(&mut self, waiter: Waiter) -> u32 {
        let at = self.take_node(waiter);
        let head = self.head;
        let node = &mut self.nodes[at as usize];
        node.prev = NIL;
        node.next = head;
        if head == NIL {
            self.tail = at;
        } else {
            self.nodes[head as usize].prev = at;
        }
        self.head = at;
        at
    }

    #[inline]
    fn unlink(&mut self, at: u32) -> Option<Waiter> {
        let node = &mut self.nodes[at as usize];
        let (prev, next) = (node.prev, node.next);
        let waiter = node.waiter.take();
        node.next = self.free;
        self.free = at;
        self.len -= 1;
        match prev {
            NIL => self.head = next,
            p => self.nodes[p as usize].next = next,
        }
        match next {
            NIL => self.tail = prev,
            n => self.nodes[n as usize].prev = prev,
        }
        if self.len == 0 && self.nodes.len() > 64 {
            *self = WaitQueue::default();
        }
        waiter
    }

    /// Takes the first waiter, live or not.
    pub(crate) fn pop_front(&mut self) -> Option<Waiter> {
        (self.head != NIL).then(|| self.unlink(self.head)).flatten()
    }

    /// Looks at the first waiter.
    pub(crate) fn front(&self) -> Option<&Waiter> {
        self.nodes
            .get(self.head as usize)
            .and_then(|n| n.waiter.as_ref())
    }

    /// Takes the waiter `fiber` registered as node `at` in `epoch`, if it is still there.
    pub(crate) fn remove(&mut self, at: u32, fiber: &Fiber, epoch: u32) -> Option<Waiter> {
        let node = self.nodes.get(at as usize)?;
        let waiter = node.waiter.as_ref()?;
        (std::ptr::eq(&*waiter.fiber, fiber) && waiter.epoch == epoch)
            .then(|| self.unlink(at))
            .flatten()
    }

    /// Takes waiters in order until one can be claimed, skipping those of `not`; gives back what
    /// it brought and, if it must be made ready, its fiber. Stale waiters are dropped.
    #[inline]
    pub(crate) fn claim_next(&mut self, not: Option<&Fiber>, given: Option<u64>) -> Option<Won> {
        if self.head == NIL {
            return None;
        }
        self.claim_some(not, given)
    }

    fn claim_some(&mut self, not: Option<&Fiber>, given: Option<u64>) -> Option<Won> {
        let not = not.map_or(std::ptr::null(), std::ptr::from_ref);
        let mut at = self.head;
        while let Some(node) = self.nodes.get(at as usize) {
            let next = node.next;
            if let Some(waiter) = &node.waiter
                && !std::ptr::eq(&*waiter.fiber, not)
            {
                let id = waiter.fiber.id;
                let claimed = waiter.fiber.state.claim(waiter.epoch, waiter.arm);
                let waiter = self.unlink(at);
                if claimed != Claim::Lost
                    && let Some(waiter) = waiter
                {
                    return Some(Won {
                        id,
                        woken: hand_over(waiter.fiber, claimed, given),
                        item: waiter.item,
                    });
                }
                if self.nodes.is_empty() {
                    return None;
                }
            }
            at = next;
        }
        None
    }

    /// Claims everyone, in order.
    pub(crate) fn claim_all(&mut self, woken: &mut Vec<FiberRef>) {
        self.give_all(None, woken);
    }

    /// Claims everyone, in order, giving each the same.
    pub(crate) fn give_all(&mut self, given: Option<u64>, woken: &mut Vec<FiberRef>) {
        while let Some(waiter) = self.pop_front() {
            if let Ok(Some(fiber)) = waiter.claim(given) {
                woken.push(fiber);
            }
        }
    }

    /// How many are here whose wait nobody has claimed.
    pub(crate) fn count_open(&self) -> usize {
        let waiters = self.nodes.iter().filter_map(|n| n.waiter.as_ref());
        waiters.filter(|w| w.fiber.state.is_open(w.epoch)).count()
    }

    /// Is anyone here but `not`?
    pub(crate) fn has_other_than(&self, not: &Fiber) -> bool {
        let mut at = self.head;
        while at != NIL {
            let node = &self.nodes[at as usize];
            if node
                .waiter
                .as_ref()
                .is_some_and(|w| !std::ptr::eq(&*w.fiber, not))
            {
                return true;
            }
            at = node.next;
        }
        false
    }
}

/// A waiter that has been claimed.
#[derive(Debug)]
pub(crate) struct Won {
    /// What it brought; ours now.
    pub(crate) item: Item,
    /// Number of its task.
    pub(crate) id: u64,
    /// It was parked: make it ready.
    pub(crate) woken: Option<FiberRef>,
}
