//! The hashed timer wheel of one worker (Varghese and Lauck, SOSP 1987).
//!
//! Five levels of 64 slots over ticks of 2^18 ns (0.26 ms): 17 ms, 1.1 s, 69 s, 73 min, 3.3 days;
//! later deadlines wait in the last slot of the last level and are put back. A timer is a node in
//! a slab, linked into its slot's list: arming and disarming are a handful of loads and stores. A
//! deadline is rounded up to a tick, so a timer is never early.

use crate::sync::wait_queue::Waiter;

const TICK_SHIFT: u32 = 18;
const LEVELS: usize = 5;
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
const NIL: u32 = u32::MAX;

#[derive(Debug)]
struct Node {
    deadline: u64,
    seq: u64,
    prev: u32,
    next: u32,
    /// level * SLOTS + slot, or NIL when free.
    home: u32,
    generation: u16,
    waiter: Option<Waiter>,
}

/// The wheel.
#[derive(Debug)]
pub(crate) struct Wheel {
    nodes: Vec<Node>,
    free: u32,
    heads: Box<[u32]>,
    /// One bit per slot that is not empty.
    occupied: [u64; LEVELS],
    /// The tick that has been dealt with.
    now: u64,
    seq: u64,
    len: usize,
}

/// A timer's name: node index and generation, never 0.
fn timer_id(index: u32, generation: u16) -> u64 {
    u64::from(generation) << 32 | u64::from(index)
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Wheel {
            nodes: Vec::new(),
            free: NIL,
            heads: vec![NIL; LEVELS * SLOTS].into_boxed_slice(),
            occupied: [0; LEVELS],
            now: 0,
            seq: 0,
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// When a timer with this deadline fires: at a tick.
    pub(crate) fn due(deadline: u64) -> u64 {
        let tick = deadline.checked_next_multiple_of(1 << TICK_SHIFT);
        tick.unwrap_or(u64::MAX)
    }

    /// Arms a timer.
    pub(crate) fn arm(&mut self, deadline: u64, waiter: Waiter) -> u64 {
        self.seq += 1;
        let seq = self.seq;
        self.len += 1;
        let at = if self.free != NIL {
            let at = self.free;
            let node = &mut self.nodes[at as usize];
            self.free = node.next;
            node.deadline = deadline;
            node.seq = seq;
            node.waiter = Some(waiter);
            at
        } else {
            self.nodes.push(Node {
                deadline,
                seq,
                prev: NIL,
                next: NIL,
                home: NIL,
                generation: 1,
                waiter: Some(waiter),
            });
            (self.nodes.len() - 1) as u32
        };
        self.place(at);
        timer_id(at, self.nodes[at as usize].generation)
    }

    /// Links a node into the slot of its deadline.
    fn place(&mut self, at: u32) {
        let deadline = self.nodes[at as usize].deadline;
        let tick = (deadline.div_ceil(1 << TICK_SHIFT)).max(self.now + 1);
        let distance = tick ^ self.now;
        let high = 63 - (distance | 1).leading_zeros();
        let level = ((high / SLOT_BITS) as usize).min(LEVELS - 1);
        let shift = SLOT_BITS * level as u32;
        let far = tick - self.now >= 1 << (SLOT_BITS * LEVELS as u32);
        // Beyond the horizon: the slot that comes round last; it is placed anew then.
        let digit = if far {
            (self.now >> shift) + SLOTS as u64 - 1
        } else {
            tick >> shift
        };
        let slot = (digit & (SLOTS as u64 - 1)) as usize;
        let home = level * SLOTS + slot;
        let head = self.heads[home];
        let node = &mut self.nodes[at as usize];
        node.home = home as u32;
        node.prev = NIL;
        node.next = head;
        if head != NIL {
            self.nodes[head as usize].prev = at;
        }
        self.heads[home] = at;
        self.occupied[level] |= 1 << slot;
    }

    fn unlink(&mut self, at: u32) {
        let node = &self.nodes[at as usize];
        let (prev, next, home) = (node.prev, node.next, node.home as usize);
        if prev == NIL {
            self.heads[home] = next;
            if next == NIL {
                self.occupied[home / SLOTS] &= !(1 << (home % SLOTS));
            }
        } else {
            self.nodes[prev as usize].next = next;
        }
        if next != NIL {
            self.nodes[next as usize].prev = prev;
        }
    }

    fn release(&mut self, at: u32) -> Option<Waiter> {
        self.len -= 1;
        let node = &mut self.nodes[at as usize];
        node.home = NIL;
        node.generation = node.generation.wrapping_add(1).max(1);
        node.next = self.free;
        let waiter = node.waiter.take();
        self.free = at;
        waiter
    }

    /// Disarms a timer that has not fired.
    pub(crate) fn disarm(&mut self, id: u64) -> Option<Waiter> {
        let at = id as u32;
        let node = self.nodes.get(at as usize)?;
        if node.home == NIL || timer_id(at, node.generation) != id {
            return None;
        }
        self.unlink(at);
        self.release(at)
    }

    /// Takes every timer that is due at `now`, in (deadline, creation) order.
    pub(crate) fn advance(&mut self, now: u64, due: &mut Vec<Waiter>) {
        let target = now >> TICK_SHIFT;
        let mut fired: Vec<(u64, u64, u32)> = Vec::new();
        while self.now < target {
            if self.len == fired.len() {
                self.now = target;
                break;
            }
            match self.next_stop() {
                Some(stop) if stop <= target => {
                    self.now = stop;
                    self.take_slots(&mut fired);
                }
                _ => self.now = target,
            }
        }
        fired.sort_unstable();
        for (_, _, at) in fired {
            due.extend(self.release(at));
        }
    }

    /// The next tick at which some slot comes up, of any level.
    fn next_stop(&self) -> Option<u64> {
        let mut best = None;
        for level in 0..LEVELS {
            if self.occupied[level] == 0 {
                continue;
            }
            let shift = SLOT_BITS * level as u32;
            let digit = (self.now >> shift) & (SLOTS as u64 - 1);
            let ahead = self.occupied[level].rotate_right(((digit + 1) % 64) as u32);
            let steps = u64::from(ahead.trailing_zeros()) + 1;
            let stop = ((self.now >> shift) + steps) << shift;
            if best.is_none_or(|b| stop < b) {
                best = Some(stop);
            }
        }
        best
    }

    /// Empties the slots that begin at the present tick, coarse ones first.
    fn take_slots(&mut self, fired: &mut Vec<(u64, u64, u32)>) {
        for level in (0..LEVELS).rev() {
            let shift = SLOT_BITS * level as u32;
            if self.now & ((1 << shift) - 1) != 0 {
                continue;
            }
            let slot = ((self.now >> shift) & (SLOTS as u64 - 1)) as usize;
            let mut at = std::mem::replace(&mut self.heads[level * SLOTS + slot], NIL);
            self.occupied[level] &= !(1 << slot);
            while at != NIL {
                let node = &self.nodes[at as usize];
                let next = node.next;
                if node.deadline.div_ceil(1 << TICK_SHIFT) <= self.now {
                    fired.push((node.deadline, node.seq, at));
                    self.nodes[at as usize].home = NIL;
                } else {
                    self.place(at);
                }
                at = next;
            }
        }
    }

    /// A lower bound of the next deadline, on the clock; `None` without timers.
    pub(crate) fn next_wake(&self) -> Option<u64> {
        self.next_stop().map(|tick| tick << TICK_SHIFT)
    }
}
