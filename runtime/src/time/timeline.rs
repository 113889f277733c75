//! Timers of virtual time, in the order in which they fire.
//!
//! At one instant sleeps come before deadlines of waits, so that a completion at the same instant
//! wins; among deadlines the more deeply nested fiber's comes first; then the order of creation,
//! or, when several workers create timers side by side, of fiber paths.

use crate::sync::wait_queue::Waiter;
use std::collections::{BTreeMap, HashMap};

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Its firing is what the fiber waits for.
    Sleep,
    /// It gives up a wait for something else.
    Deadline,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    deadline: u64,
    class: Class,
    inverse_depth: u32,
    path: Vec<u32>,
    id: u64,
}

/// All armed timers of a runtime on the virtual clock.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    queue: BTreeMap<Key, Waiter>,
    keys: HashMap<u64, Key>,
    last_id: u64,
}

impl Timeline {
    /// Arms a timer; `path` is empty where creation order is deterministic by itself.
    pub(crate) fn arm(
        &mut self,
        deadline: u64,
        class: Class,
        path: Vec<u32>,
        waiter: Waiter,
    ) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        let inverse_depth = match class {
            Class::Sleep => 0,
            Class::Deadline => u32::MAX - waiter.fiber.owner().depth(),
        };
        let key = Key {
            deadline,
            class,
            inverse_depth,
            path,
            id,
        };
        self.keys.insert(id, key.clone());
        self.queue.insert(key, waiter);
        id
    }

    pub(crate) fn disarm(&mut self, id: u64) -> Option<Waiter> {
        let key = self.keys.remove(&id)?;
        self.queue.remove(&key)
    }

    /// The waiters of the earliest instant, in order: (digest of fiber path, timer).
    pub(crate) fn due(&self) -> Vec<(u64, u64)> {
        let Some(first) = self.queue.keys().next() else {
            return Vec::new();
        };
        let same = self
            .queue
            .iter()
            .take_while(|(k, _)| k.deadline == first.deadline);
        same.map(|(k, w)| (w.fiber.path_hash(), k.id)).collect()
    }

    /// Takes the first timer, or timer `id` when a policy prefers that one.
    pub(crate) fn take(&mut self, id: Option<u64>) -> Option<(u64, Waiter)> {
        let key = match id {
            Some(id) => self.keys.get(&id)?.clone(),
            None => self.queue.keys().next()?.clone(),
        };
        self.keys.remove(&key.id);
        let waiter = self.queue.remove(&key)?;
        Some((key.deadline, waiter))
    }

    /// Does a sleep end at this instant? (Deadlines come after whatever happens at it.)
    pub(crate) fn wakes_at(&self, now: u64) -> bool {
        self.queue
            .keys()
            .next()
            .is_some_and(|k| k.deadline <= now && k.class == Class::Sleep)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}
