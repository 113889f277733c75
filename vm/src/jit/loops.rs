//! The innermost loops of a unit: which segments repeat without a loop inside.

use super::plan::Plan;
use super::reach::Part;

/// Loops with more words are translated once only.
const LARGEST: usize = 240;

/// An innermost loop that is entered at one place.
#[derive(Clone, Debug)]
pub(super) struct Loop {
    /// The segment that control comes to from outside.
    pub(super) header: usize,
    /// All segments of the loop, ascending.
    pub(super) members: Vec<usize>,
}

impl Loop {
    /// Whether a segment belongs to the loop.
    pub(super) fn has(&self, segment: usize) -> bool {
        self.members.binary_search(&segment).is_ok()
    }
}

/// Control flow between the segments of a plan that a unit reaches.
pub(super) struct Graph {
    /// By segment, the segments it can go to.
    next: Vec<Vec<usize>>,
    reached: Vec<bool>,
    /// Where an interpreted loop enters.
    entry: Option<usize>,
}

impl Graph {
    /// For the unit that begins at word `entry`.
    pub(super) fn new(plan: &Plan<'_>, entry: usize, parts: &[Part]) -> Graph {
        let at = |pc: &usize| plan.segments.binary_search_by_key(pc, |s| s.start).ok();
        let next = plan.segments.iter();
        Graph {
            next: next
                .map(|s| s.targets.iter().filter_map(at).collect())
                .collect(),
            reached: parts.iter().map(|p| *p == Part::In).collect(),
            entry: at(&entry),
        }
    }

    /// The innermost loops with a single entry, small enough to be translated twice.
    pub(super) fn innermost(&self, plan: &Plan<'_>) -> Vec<Loop> {
        let all: Vec<usize> = (0..self.next.len()).filter(|s| self.reached[*s]).collect();
        let mut found = Vec::new();
        self.split(&all, &mut found);
        let words = |l: &Loop| -> usize {
            let segments = l.members.iter().map(|m| &plan.segments[*m]);
            segments.map(|s| s.end - s.start).sum()
        };
        // A test that takes the place of a jump belongs to no loop but its own.
        let at = |pc: usize| plan.segments.binary_search_by_key(&pc, |s| s.start);
        let inside = |l: &Loop, pc: usize| at(pc).is_ok_and(|s| l.has(s));
        let rotated = |l: &Loop| {
            l.members.iter().any(|m| {
                let segment = &plan.segments[*m];
                let test = plan.test_in(segment);
                test.is_some_and(|t| inside(l, segment.end) || inside(l, t.end))
            })
        };
        let mapped = |l: &Loop| plan.map(plan.segments[l.header].start).is_some();
        found.retain(|l| words(l) <= LARGEST && mapped(l) && !rotated(l));
        found
    }

    /// The loops among `nodes`: a loop whose inside has loops gives those instead.
    fn split(&self, nodes: &[usize], found: &mut Vec<Loop>) {
        for members in self.cycles(nodes) {
            let Some(header) = self.header(&members) else {
                continue;
            };
            let without =
                |m: usize| -> Vec<usize> { members.iter().copied().filter(|s| *s != m).collect() };
            let mut inside = without(header);
            // A loop around the one that is entered begins elsewhere.
            if Some(header) == self.entry && self.cycles(&inside).is_empty() {
                inside = without(members[0]);
            }
            if self.cycles(&inside).is_empty() {
                found.push(Loop { header, members });
            } else {
                self.split(&inside, found);
            }
        }
    }

    /// The one member that is entered from outside.
    fn header(&self, members: &[usize]) -> Option<usize> {
        let inside = |s: &usize| members.binary_search(s).is_ok();
        let mut entered: Vec<usize> = (0..self.next.len())
            .filter(|s| self.reached[*s] && !inside(s))
            .flat_map(|s| self.next[s].iter().copied().filter(inside))
            .collect();
        entered.sort_unstable();
        entered.dedup();
        match entered[..] {
            [one] => Some(one),
            // An interpreted loop's entry counts only where nothing else enters: otherwise it
            // goes to the loop's first translation.
            [] => self.entry.filter(inside).or(members.first().copied()),
            _ => None,
        }
    }

    /// The strongly connected components of `nodes` (ascending) that have an edge inside: each
    /// ascending.
    fn cycles(&self, nodes: &[usize]) -> Vec<Vec<usize>> {
        let n = self.next.len();
        let mut inside = vec![false; n];
        for &node in nodes {
            inside[node] = true;
        }
        let (mut index, mut low) = (vec![usize::MAX; n], vec![0; n]);
        let (mut on_stack, mut stack) = (vec![false; n], Vec::new());
        let mut counter = 0;
        let mut found = Vec::new();
        for &root in nodes {
            if index[root] != usize::MAX {
                continue;
            }
            // A node, and how many of its edges have been followed.
            let mut path: Vec<(usize, usize)> = vec![(root, 0)];
            while let Some((node, edge)) = path.pop() {
                if edge == 0 {
                    (index[node], low[node]) = (counter, counter);
                    counter += 1;
                    stack.push(node);
                    on_stack[node] = true;
                }
                if let Some(&to) = self.next[node].get(edge) {
                    path.push((node, edge + 1));
                    if inside[to] && index[to] == usize::MAX {
                        path.push((to, 0));
                    } else if inside[to] && on_stack[to] {
                        low[node] = low[node].min(index[to]);
                    }
                    continue;
                }
                if let Some(&(parent, _)) = path.last() {
                    low[parent] = low[parent].min(low[node]);
                }
                if low[node] == index[node] {
                    let from = stack.iter().rposition(|s| *s == node).unwrap_or(0);
                    let mut members = stack.split_off(from);
                    for &member in &members {
                        on_stack[member] = false;
                    }
                    members.sort_unstable();
                    if members.len() > 1 || self.next[node].contains(&node) {
                        found.push(members);
                    }
                }
            }
        }
        found
    }
}
