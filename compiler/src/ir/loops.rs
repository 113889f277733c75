//! Dominators and natural loops.
//!
//! Dominators by the iteration of Cooper, Harvey and Kennedy ("A Simple, Fast Dominance
//! Algorithm", 2001). A loop is what reaches a back-edge without passing its header; edges to
//! handlers count as edges. Cycles with several ways in are not loops here.

use super::{BlockId, Func};

/// No block.
const NONE: u32 = u32::MAX;

/// A natural loop.
#[derive(Clone, Debug)]
pub struct Loop {
    /// The block that every way in goes through.
    pub header: BlockId,
    /// Its blocks, the header first, those of inner loops included; otherwise in no order.
    pub blocks: Vec<BlockId>,
    /// The loop around it.
    pub parent: Option<usize>,
}

/// All loops of a function, inner ones before those around them.
#[derive(Clone, Debug, Default)]
pub struct Loops {
    /// The loops.
    pub loops: Vec<Loop>,
    /// Innermost loop of each block.
    pub of_block: Vec<Option<usize>>,
}

/// Calls `f` with every block that `b` may go to, handlers included.
pub fn for_each_successor(func: &Func, b: usize, f: &mut impl FnMut(BlockId)) {
    let block = &func.blocks[b];
    block.term.for_each_target(&mut *f);
    if let Some(handler) = block.handler {
        f(handler.block);
        if let Some(outer) = handler.catch.flatten() {
            f(outer);
        }
    }
}

/// A depth-first walk over blocks, the last successor first.
#[derive(Debug, Default)]
pub struct Walk {
    /// Blocks that have been come to.
    seen: Vec<bool>,
    /// Blocks on the way, and how many of `pending` were there before their successors.
    path: Vec<(BlockId, usize)>,
    pending: Vec<BlockId>,
}

impl Walk {
    /// A walk that has not begun.
    #[must_use]
    pub fn over(func: &Func) -> Self {
        Self {
            seen: vec![false; func.blocks.len()],
            path: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// Has the walk come to `b`?
    #[must_use]
    pub fn has_seen(&self, b: BlockId) -> bool {
        self.seen[b.0 as usize]
    }

    /// Goes on from `root`, which has not been seen: what can be reached from it is added to
    /// `order`, in postorder. Ways to handlers count if `handlers` says so.
    pub fn postorder(
        &mut self,
        func: &Func,
        root: BlockId,
        handlers: bool,
        order: &mut Vec<BlockId>,
    ) {
        self.enter(func, root, handlers);
        while let Some(&(block, before)) = self.path.last() {
            if self.pending.len() == before {
                order.push(block);
                self.path.pop();
            } else if let Some(next) = self.pending.pop()
                && !self.seen[next.0 as usize]
            {
                self.enter(func, next, handlers);
            }
        }
    }

    fn enter(&mut self, func: &Func, block: BlockId, handlers: bool) {
        self.seen[block.0 as usize] = true;
        self.path.push((block, self.pending.len()));
        let pending = &mut self.pending;
        if handlers {
            for_each_successor(func, block.0 as usize, &mut |t| pending.push(t));
        } else {
            let block = &func.blocks[block.0 as usize];
            block.term.for_each_target(|t| pending.push(t));
        }
    }
}

/// The control flow of a function: order and dominators of what is reachable.
struct Graph {
    /// Blocks in reverse postorder.
    order: Vec<BlockId>,
    /// Position of each block in `order`, or `NONE`.
    place: Vec<u32>,
    /// Where the predecessors of each position begin in `all_preds`; one more at the end.
    preds_from: Vec<u32>,
    /// Predecessors, as positions.
    all_preds: Vec<u32>,
    /// Immediate dominator by position, as position.
    idom: Vec<u32>,
}

impl Graph {
    /// The control flow of `func`, if any way in it leads back.
    fn of(func: &Func) -> Option<Self> {
        let mut order = Vec::with_capacity(func.blocks.len());
        Walk::over(func).postorder(func, BlockId(0), true, &mut order);
        order.reverse();
        let mut place = vec![NONE; func.blocks.len()];
        for (i, &b) in order.iter().enumerate() {
            place[b.0 as usize] = i as u32;
        }
        // Counted, then filled in from the back of each part.
        let mut preds_from = vec![0; order.len() + 1];
        let mut back = false;
        for (i, &b) in order.iter().enumerate() {
            for_each_successor(func, b.0 as usize, &mut |t| {
                let to = place[t.0 as usize] as usize;
                back |= to <= i;
                preds_from[to] += 1;
            });
        }
        if !back {
            return None;
        }
        let mut sum = 0;
        for from in &mut preds_from {
            sum += *from;
            *from = sum;
        }
        let mut all_preds = vec![0; sum as usize];
        for (i, &b) in order.iter().enumerate().rev() {
            for_each_successor(func, b.0 as usize, &mut |t| {
                let from = &mut preds_from[place[t.0 as usize] as usize];
                *from -= 1;
                all_preds[*from as usize] = i as u32;
            });
        }
        let mut this = Self {
            order,
            place,
            preds_from,
            all_preds,
            idom: Vec::new(),
        };
        this.dominators();
        Some(this)
    }

    /// The predecessors of position `at`.
    fn preds(&self, at: usize) -> &[u32] {
        &self.all_preds[self.preds_from[at] as usize..self.preds_from[at + 1] as usize]
    }

    fn dominators(&mut self) {
        let n = self.order.len();
        let mut idom = vec![NONE; n];
        idom[0] = 0;
        let mut changed = true;
        while changed {
            changed = false;
            for b in 1..n {
                let mut new = NONE;
                for &p in self.preds(b) {
                    if idom[p as usize] == NONE {
                        continue;
                    }
                    new = if new == NONE {
                        p
                    } else {
                        intersect(&idom, new, p)
                    };
                }
                if idom[b] != new {
                    idom[b] = new;
                    changed = true;
                }
            }
        }
        self.idom = idom;
    }

    /// Does position `a` dominate position `b`?
    fn dominates(&self, a: u32, b: u32) -> bool {
        let mut at = b;
        while at > a {
            at = self.idom[at as usize];
        }
        at == a
    }
}

fn intersect(idom: &[u32], mut a: u32, mut b: u32) -> u32 {
    while a != b {
        while a > b {
            a = idom[a as usize];
        }
        while b > a {
            b = idom[b as usize];
        }
    }
    a
}

impl Loops {
    /// Finds the loops of `func`.
    #[must_use]
    pub fn of(func: &Func) -> Self {
        let mut this = Self {
            loops: Vec::new(),
            of_block: vec![None; func.blocks.len()],
        };
        if !may_loop(func) {
            return this;
        }
        let Some(graph) = Graph::of(func) else {
            return this;
        };
        // Inner headers come later in the order than those around them.
        for header in (0..graph.order.len() as u32).rev() {
            let ends: Vec<u32> = (graph.preds(header as usize).iter())
                .copied()
                .filter(|&p| graph.dominates(header, p))
                .collect();
            if !ends.is_empty() {
                this.add(&graph, header, ends);
            }
        }
        this
    }

    /// Adds the loop with this header and these latches.
    fn add(&mut self, graph: &Graph, header: u32, mut todo: Vec<u32>) {
        let this = self.loops.len();
        let first = graph.order[header as usize];
        let mut blocks = vec![first];
        self.claim(first, this);
        while let Some(at) = todo.pop() {
            let block = graph.order[at as usize];
            let known = self.outermost(block);
            if known == Some(this) {
                continue;
            }
            if let Some(inner) = known {
                // A whole inner loop: goes on before its header.
                self.loops[inner].parent = Some(this);
                blocks.extend_from_slice(&self.loops[inner].blocks);
                let place = graph.place[self.loops[inner].header.0 as usize];
                todo.extend_from_slice(graph.preds(place as usize));
            } else {
                blocks.push(block);
                self.claim(block, this);
                todo.extend_from_slice(graph.preds(at as usize));
            }
        }
        self.loops.push(Loop {
            header: first,
            blocks,
            parent: None,
        });
    }

    fn claim(&mut self, block: BlockId, by: usize) {
        let innermost = &mut self.of_block[block.0 as usize];
        if innermost.is_none() {
            *innermost = Some(by);
        }
    }

    /// The outermost loop so far that `block` is in; the one being added counts.
    fn outermost(&self, block: BlockId) -> Option<usize> {
        let mut at = self.of_block[block.0 as usize]?;
        while let Some(parent) = self.loops.get(at).and_then(|l| l.parent) {
            at = parent;
        }
        Some(at)
    }

    /// Is loop `inner` the loop `outer` or inside it?
    #[must_use]
    pub fn is_within(&self, inner: usize, outer: usize) -> bool {
        let mut at = Some(inner);
        while let Some(l) = at {
            if l == outer {
                return true;
            }
            at = self.loops[l].parent;
        }
        false
    }

    /// Is `block` in loop `l`?
    #[must_use]
    pub fn contains(&self, l: usize, block: BlockId) -> bool {
        self.of_block[block.0 as usize].is_some_and(|inner| self.is_within(inner, l))
    }
}

/// Quickly: a function whose blocks only go to later ones, handlers included, has no loop.
pub(crate) fn may_loop(func: &Func) -> bool {
    (0..func.blocks.len()).any(|b| {
        let mut back = false;
        for_each_successor(func, b, &mut |t| back |= t.0 as usize <= b);
        back
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Block, Cond, Term, VReg};
    use crate::source::{FileId, Span};

    fn graph(edges: &[&[u32]]) -> Func {
        let span = Span::new(FileId(0), 0, 0);
        let block = |to: &&[u32]| Block {
            insts: Vec::new(),
            term: match **to {
                [] => Term::ReturnNull,
                [only] => Term::Jump(BlockId(only)),
                [then, otherwise, ..] => Term::Branch {
                    cond: Cond::Bool(VReg(0)),
                    then: BlockId(then),
                    otherwise: BlockId(otherwise),
                },
            },
            span,
            handler: None,
        };
        Func {
            name: String::new(),
            params: Vec::new(),
            closure: None,
            result: 0,
            regs: Vec::new(),
            blocks: edges.iter().map(block).collect(),
            inline: false,
            owned: Vec::new(),
            inlined: Vec::new(),
            escapes: false,
            span,
        }
    }

    fn sorted(l: &Loop) -> Vec<u32> {
        let mut blocks: Vec<u32> = l.blocks.iter().map(|b| b.0).collect();
        blocks.sort_unstable();
        blocks
    }

    #[test]
    fn nested_loops_come_inner_first() {
        // 0 -> 1 { 2 { 3 } 4 } 5
        let loops = Loops::of(&graph(&[&[1], &[2, 5], &[3, 4], &[2], &[1], &[]]));
        assert_eq!(loops.loops.len(), 2);
        assert_eq!(sorted(&loops.loops[0]), [2, 3]);
        assert_eq!(sorted(&loops.loops[1]), [1, 2, 3, 4]);
        assert_eq!(loops.loops[0].parent, Some(1));
        assert_eq!(loops.of_block[3], Some(0));
        assert_eq!(loops.of_block[4], Some(1));
        assert_eq!(loops.of_block[5], None);
        assert!(loops.contains(1, BlockId(3)) && !loops.contains(0, BlockId(4)));
    }

    #[test]
    fn a_block_that_follows_itself_is_a_loop() {
        let loops = Loops::of(&graph(&[&[1], &[1, 2], &[]]));
        assert_eq!(sorted(&loops.loops[0]), [1]);
    }

    #[test]
    fn two_ways_in_are_no_loop() {
        let loops = Loops::of(&graph(&[&[1, 2], &[2], &[1, 3], &[]]));
        assert!(loops.loops.is_empty());
    }
}
