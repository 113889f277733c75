//! Counting votes.

use crate::task::join::Decision;

/// Branches that agree.
#[derive(Debug)]
struct Class {
    slot: u64,
    /// The branch written first among them.
    first: usize,
    votes: usize,
}

/// The votes so far.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    classes: Vec<Class>,
}

impl Classes {
    /// Adds a vote. The slot stays the caller's and must outlive the count.
    pub(crate) fn add(&mut self, branch: usize, slot: u64, equal: impl Fn(u64, u64) -> bool) {
        match self.classes.iter_mut().find(|c| equal(c.slot, slot)) {
            Some(class) => {
                class.votes += 1;
                class.first = class.first.min(branch);
            }
            None => self.classes.push(Class {
                slot,
                first: branch,
                votes: 1,
            }),
        }
    }

    /// Can the answer still change, with so many votes outstanding?
    pub(crate) fn decide(&self, outstanding: usize, quorum: Option<usize>) -> Option<Decision> {
        let best = self
            .classes
            .iter()
            .max_by_key(|c| (c.votes, std::cmp::Reverse(c.first)));
        let Some(best) = best else {
            let hopeless = quorum.is_some_and(|q| outstanding < q);
            return match (outstanding, hopeless) {
                (0, _) => Some(Decision::Impossible),
                (_, true) => Some(Decision::NoConsensus),
                _ => None,
            };
        };
        if let Some(quorum) = quorum {
            if best.votes >= quorum {
                return Some(Decision::Consensus(best.first));
            }
            return (best.votes + outstanding < quorum).then_some(Decision::NoConsensus);
        }
        if outstanding == 0 {
            return Some(Decision::Consensus(best.first));
        }
        let rival = self
            .classes
            .iter()
            .filter(|c| c.first != best.first)
            .map(|c| c.votes)
            .max()
            .unwrap_or(0);
        (rival + outstanding < best.votes).then_some(Decision::Consensus(best.first))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn votes(values: &[(usize, u64)]) -> Classes {
        let mut classes = Classes::default();
        for &(branch, value) in values {
            classes.add(branch, value, |a, b| a == b);
        }
        classes
    }

    #[test]
    fn ends_as_soon_as_nothing_can_change() {
        assert_eq!(
            votes(&[(2, 7), (0, 7), (4, 7)]).decide(2, None),
            Some(Decision::Consensus(0))
        );
        assert_eq!(votes(&[(2, 7), (0, 7)]).decide(2, None), None);
        assert_eq!(
            votes(&[(1, 7), (0, 8)]).decide(0, None),
            Some(Decision::Consensus(0))
        );
        assert_eq!(
            votes(&[(1, 7), (0, 8)]).decide(1, Some(3)),
            Some(Decision::NoConsensus)
        );
        assert_eq!(
            votes(&[(1, 7), (0, 7)]).decide(9, Some(2)),
            Some(Decision::Consensus(0))
        );
        assert_eq!(votes(&[]).decide(0, None), Some(Decision::Impossible));
    }
}
