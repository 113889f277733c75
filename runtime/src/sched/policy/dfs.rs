//! All orders with few preemptions, one run after the other (Musuvathi and Qadeer 2007: most bugs
//! need no more than two).
//!
//! A fiber that could go on gives way so many times at most; whoever follows one that waits or has
//! ended is chosen freely. One that has made room of its own accord does not come again before
//! somebody else has run, or waiting in a loop would have no last order.

use crate::sched::decide::{Choice, Decision, Policy};
use std::sync::{Arc, Mutex, MutexGuard};

/// A choice on the way to where the search is.
#[derive(Clone, Copy, Debug)]
struct Branch {
    at: usize,
    of: usize,
}

#[derive(Debug)]
struct Inner {
    preemptions: u32,
    path: Vec<Branch>,
}

/// A search that is under way: the runs of one test share it.
#[derive(Clone, Debug)]
pub struct Search(Arc<Mutex<Inner>>);

impl Search {
    /// For orders with at most so many preemptions.
    #[must_use]
    pub fn new(preemptions: u32) -> Search {
        Search(Arc::new(Mutex::new(Inner {
            preemptions,
            path: Vec::new(),
        })))
    }

    /// How many preemptions its orders have at most.
    #[must_use]
    pub fn preemptions(&self) -> u32 {
        self.lock().preemptions
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// The policy of the next run; as long as the search has not gone on, always of the same one.
    #[must_use]
    pub fn policy(&self) -> Dfs {
        Dfs {
            search: self.clone(),
            depth: 0,
            preempted: 0,
            at_point: false,
            fresh: false,
            yielded: None,
        }
    }

    /// Goes on to the next order. False: there is none.
    #[must_use]
    pub fn advance(&self) -> bool {
        let path = &mut self.lock().path;
        while let Some(branch) = path.last_mut() {
            branch.at += 1;
            if branch.at < branch.of {
                return true;
            }
            path.pop();
        }
        false
    }
}

/// One run of a [`Search`].
#[derive(Debug)]
pub struct Dfs {
    search: Search,
    depth: usize,
    preempted: u32,
    /// The next decision is about a fiber that could go on.
    at_point: bool,
    /// It has been chosen and has done nothing yet: to give way now is to choose another then.
    fresh: bool,
    /// Has just made room.
    yielded: Option<u64>,
}

impl Dfs {
    /// Which of so many, by the path that the search takes.
    fn branch(&mut self, of: usize) -> usize {
        if of < 2 {
            return 0;
        }
        let path = &mut self.search.lock().path;
        if self.depth == path.len() {
            path.push(Branch { at: 0, of });
        }
        let at = path[self.depth].at.min(of - 1);
        self.depth += 1;
        at
    }
}

impl Policy for Dfs {
    fn decide(&mut self, decision: Decision, options: &[Choice]) -> usize {
        if decision != Decision::Next {
            return 0;
        }
        let yielded = self.yielded.take();
        let is_point = std::mem::take(&mut self.at_point);
        if is_point {
            let bound = self.search.lock().preemptions;
            if std::mem::take(&mut self.fresh) || self.preempted >= bound {
                return 0;
            }
        }
        let allowed: Vec<usize> = (0..options.len())
            .filter(|&at| yielded != Some(options[at].fiber))
            .collect();
        let at = allowed[self.branch(allowed.len())];
        if is_point && at > 0 {
            self.preempted += 1;
        }
        self.fresh = !is_point || at > 0;
        at
    }

    fn pending(&mut self, _: u64, _: u64) {
        self.at_point = true;
    }

    fn yielded(&mut self, fiber: u64) {
        self.yielded = Some(fiber);
    }

    fn chooses(&self, decision: Decision) -> bool {
        decision == Decision::Next
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn choices(fibers: &[u64]) -> Vec<Choice> {
        let choice = |&fiber| Choice { fiber, object: 0 };
        fibers.iter().map(choice).collect()
    }

    /// As the scheduler asks: fibers 1 and up, with so many operations each. The order of them.
    fn run(dfs: &mut Dfs, operations: &[u32]) -> Vec<u64> {
        let mut left = operations.to_vec();
        let mut ready: Vec<u64> = (1..=left.len() as u64).collect();
        let mut order = Vec::new();
        let mut chosen = None;
        while !ready.is_empty() {
            let at = chosen.take().unwrap_or_else(|| match ready.len() {
                1 => 0,
                _ => dfs.decide(Decision::Next, &choices(&ready)),
            });
            let fiber = ready.remove(at);
            let left = &mut left[fiber as usize - 1];
            while *left > 0 {
                let mut options = vec![fiber];
                options.extend(&ready);
                if !ready.is_empty() {
                    dfs.pending(fiber, 0);
                    let at = dfs.decide(Decision::Next, &choices(&options));
                    if at > 0 {
                        chosen = Some(at - 1);
                        ready.push(fiber);
                        break;
                    }
                }
                order.push(fiber);
                *left -= 1;
            }
        }
        order
    }

    /// How many runs, and how many orders.
    fn all(preemptions: u32, operations: &[u32]) -> (usize, usize) {
        let search = Search::new(preemptions);
        let (mut runs, mut orders) = (0, BTreeSet::new());
        loop {
            runs += 1;
            orders.insert(run(&mut search.policy(), operations));
            if !search.advance() {
                return (runs, orders.len());
            }
        }
    }

    #[test]
    fn every_order_is_run_once() {
        assert_eq!(all(0, &[2, 2]), (2, 2));
        assert_eq!(all(1, &[2, 2]), (4, 4));
        assert_eq!(all(9, &[2, 2]), (6, 6));
        assert_eq!(all(9, &[3, 3]), (20, 20));
        // 6! / (2! 2! 2!)
        assert_eq!(all(9, &[2, 2, 2]), (90, 90));
    }

    #[test]
    fn the_same_order_until_it_goes_on() {
        let search = Search::new(2);
        let first = run(&mut search.policy(), &[2, 2]);
        assert_eq!(run(&mut search.policy(), &[2, 2]), first);
        assert!(search.advance());
        assert_ne!(run(&mut search.policy(), &[2, 2]), first);
    }

    #[test]
    fn who_makes_room_lets_another_run() {
        let search = Search::new(2);
        let mut dfs = search.policy();
        dfs.yielded(5);
        assert_eq!(dfs.decide(Decision::Next, &choices(&[5, 6])), 1);
        assert!(!search.advance(), "there was no choice");
    }
}
