//! One fault at one point of a run, under any other policy.

use crate::sched::decide::{Choice, Decision, Fault, FaultPoints, Policy};

/// Which fault, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injection {
    /// What happens.
    pub fault: Fault,
    /// At the how-manieth of the points where it can, from 1; 0 is nowhere.
    pub at: u64,
    /// Do polls at back-edges and calls count as points?
    pub polls: bool,
}

impl Injection {
    /// No fault: the run only counts its points.
    pub const NOWHERE: Injection = Injection {
        fault: Fault::None,
        at: 0,
        polls: false,
    };
}

/// The names on command lines.
const NAMES: [(&str, Fault); 3] = [
    ("cancel", Fault::Cancel),
    ("fail", Fault::Fail),
    ("delay", Fault::Delay),
];

impl std::str::FromStr for Injection {
    type Err = String;

    /// Reads `cancel@17`.
    fn from_str(text: &str) -> Result<Injection, String> {
        let wrong = || "expected cancel@N, fail@N or delay@N, N from 1".to_owned();
        let (name, at) = text.split_once('@').ok_or_else(wrong)?;
        let known = NAMES.iter().find(|(known, _)| *known == name);
        let at = at.parse().ok().filter(|at| *at > 0);
        match (known, at) {
            (Some((_, fault)), Some(at)) => Ok(Injection {
                fault: *fault,
                at,
                polls: false,
            }),
            _ => Err(wrong()),
        }
    }
}

/// Puts one fault into what another policy schedules.
pub struct Inject {
    inner: Box<dyn Policy>,
    injection: Injection,
    seen: u64,
}

impl Inject {
    /// `inner`, and one fault.
    pub fn new(inner: Box<dyn Policy>, injection: Injection) -> Inject {
        Inject {
            inner,
            injection,
            seen: 0,
        }
    }

    fn fault(&mut self, options: &[Choice]) -> usize {
        let wanted = self.injection.fault as u64;
        let Some(at) = options.iter().position(|o| o.object == wanted) else {
            return 0;
        };
        self.seen += 1;
        if self.seen == self.injection.at {
            at
        } else {
            0
        }
    }
}

impl Policy for Inject {
    fn decide(&mut self, decision: Decision, options: &[Choice]) -> usize {
        match decision {
            Decision::Fault => self.fault(options),
            other => self.inner.decide(other, options),
        }
    }

    fn is_default(&self) -> bool {
        self.inner.is_default()
    }

    fn chooses(&self, decision: Decision) -> bool {
        self.inner.chooses(decision)
    }

    fn fault_points(&self) -> FaultPoints {
        match self.injection.polls {
            true => FaultPoints::Polls,
            false => FaultPoints::Operations,
        }
    }

    fn yielded(&mut self, fiber: u64) {
        self.inner.yielded(fiber);
    }

    fn pending(&mut self, fiber: u64, object: u64) {
        self.inner.pending(fiber, object);
    }

    fn running(&mut self, fiber: u64, ordinal: Option<u32>) {
        self.inner.running(fiber, ordinal);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn injections_are_read() {
        let injection = Injection {
            fault: Fault::Fail,
            at: 3,
            polls: false,
        };
        assert_eq!("fail@3".parse(), Ok(injection));
        for wrong in ["", "fail", "fail@", "fail@0", "fail@-1", "break@1"] {
            assert!(wrong.parse::<Injection>().is_err(), "{wrong}");
        }
    }
}
