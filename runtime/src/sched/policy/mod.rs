//! Schedulers of deterministic runs, one a file.

pub mod delay;
pub mod dfs;
pub mod fifo;
pub mod inject;
pub mod pct;
pub mod pos;
pub mod random;
pub mod tape;

use crate::sched::decide::Policy;
use inject::{Inject, Injection};

/// A scheduler by name. All but `Fifo` vary only what a program must not rely on, which is when
/// each fiber runs: ready arms, waiters and timers keep the order that is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Scheduler {
    /// First in, first out.
    #[default]
    Fifo,
    /// Any ready fiber, with equal chances.
    Random,
    /// First in, first out, but for so many times that the next fiber is passed over.
    Delay(u32),
    /// Random priorities that change so many times, less one.
    Pct(u32),
    /// Random priorities of operations, drawn anew by those that race.
    Pos,
}

/// How many decisions a run is taken to have before anything is known of it.
pub const UNKNOWN_LENGTH: u64 = 200;

impl Scheduler {
    /// Its policy for a seed. `length` is how many decisions an earlier run took.
    pub fn policy(self, seed: u64, length: u64) -> Box<dyn Policy> {
        match self {
            Scheduler::Fifo => Box::new(fifo::Fifo),
            Scheduler::Random => Box::new(random::RandomWalk::of_fibers(seed)),
            Scheduler::Delay(times) => Box::new(delay::Delay::new(seed, times, length)),
            Scheduler::Pct(depth) => Box::new(pct::Pct::new(seed, depth, length)),
            Scheduler::Pos => Box::new(pos::Pos::new(seed)),
        }
    }
}

/// How a deterministic run is scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// By whom.
    pub scheduler: Scheduler,
    /// Seed of its choices.
    pub seed: u64,
    /// How many decisions an earlier run took.
    pub length: u64,
    /// A fault to put in.
    pub injection: Option<Injection>,
}

impl Default for Schedule {
    fn default() -> Schedule {
        Schedule {
            scheduler: Scheduler::Fifo,
            seed: 0,
            length: UNKNOWN_LENGTH,
            injection: None,
        }
    }
}

impl Schedule {
    /// Its policy.
    pub fn policy(&self) -> Box<dyn Policy> {
        let policy = self.scheduler.policy(self.seed, self.length);
        match self.injection {
            Some(injection) => Box::new(Inject::new(policy, injection)),
            None => policy,
        }
    }
}

impl std::str::FromStr for Scheduler {
    type Err = String;

    fn from_str(text: &str) -> Result<Scheduler, String> {
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        let number = number.map(|n| match n.parse::<u32>() {
            Ok(n) if (1..=1000).contains(&n) => Ok(n),
            _ => Err(format!("`{n}` is no number from 1 to 1000")),
        });
        match (name, number.transpose()?) {
            ("fifo", None) => Ok(Scheduler::Fifo),
            ("random", None) => Ok(Scheduler::Random),
            ("pos", None) => Ok(Scheduler::Pos),
            ("delay", times) => Ok(Scheduler::Delay(times.unwrap_or(1))),
            ("pct", depth) => Ok(Scheduler::Pct(depth.unwrap_or(3))),
            _ => Err("expected fifo, random, pos, delay[:N] or pct[:N]".to_owned()),
        }
    }
}

impl std::fmt::Display for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scheduler::Fifo => f.write_str("fifo"),
            Scheduler::Random => f.write_str("random"),
            Scheduler::Pos => f.write_str("pos"),
            Scheduler::Delay(times) => write!(f, "delay:{times}"),
            Scheduler::Pct(depth) => write!(f, "pct:{depth}"),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sched::decide::{Choice, Decision};

    fn fibers(n: u64) -> Vec<Choice> {
        (0..n).map(|fiber| Choice { fiber, object: 0 }).collect()
    }

    #[test]
    fn names_are_read_and_shown() {
        for name in ["fifo", "random", "pos", "delay:2", "pct:3"] {
            assert_eq!(name.parse::<Scheduler>().unwrap().to_string(), name);
        }
        assert_eq!("pct".parse(), Ok(Scheduler::Pct(3)));
        for wrong in ["", "lifo", "pct:0", "pct:x", "random:1"] {
            assert!(wrong.parse::<Scheduler>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_fibers_are_chosen_by_chance() {
        for scheduler in [
            Scheduler::Random,
            Scheduler::Pos,
            Scheduler::Delay(3),
            Scheduler::Pct(3),
        ] {
            let mut policy = scheduler.policy(7, 10);
            for kind in [Decision::Arm, Decision::Waiter, Decision::Timer] {
                assert!((0..50).all(|_| policy.decide(kind, &fibers(5)) == 0));
            }
            let mut policy = scheduler.policy(7, 10);
            assert!((0..50).any(|_| policy.decide(Decision::Next, &fibers(5)) != 0));
        }
    }

    #[test]
    fn a_seed_repeats_its_choices() {
        for scheduler in [
            Scheduler::Random,
            Scheduler::Pos,
            Scheduler::Delay(3),
            Scheduler::Pct(3),
        ] {
            let run = |seed| {
                let mut policy = scheduler.policy(seed, 20);
                let choose = |_| policy.decide(Decision::Next, &fibers(4));
                (0..40).map(choose).collect::<Vec<_>>()
            };
            assert_eq!(run(1), run(1));
            assert!((2..9).any(|seed| run(seed) != run(1)));
        }
    }

    #[test]
    fn a_fiber_that_makes_room_goes_last() {
        let mut policy = Scheduler::Pct(1).policy(3, 10);
        let first = policy.decide(Decision::Next, &fibers(3));
        assert_eq!(policy.decide(Decision::Next, &fibers(3)), first);
        let mut pos = Scheduler::Pos.policy(3, 10);
        pos.yielded(0);
        assert_ne!(pos.decide(Decision::Next, &fibers(3)), 0);
        policy.yielded(first as u64);
        assert_ne!(policy.decide(Decision::Next, &fibers(3)), first);
    }
}
