//! The order in which blocks are laid out: reverse postorder, so that a loop's blocks are
//! contiguous and most branches fall through; what only failures reach comes last.

use crate::ir::{BlockId, Func};

/// Reachable blocks in layout order.
#[must_use]
pub fn layout(func: &Func) -> Vec<BlockId> {
    let mut seen = vec![false; func.blocks.len()];
    let mut order = postorder(func, BlockId(0), &mut seen);
    order.reverse();
    // Handlers, and what they lead to; handlers of handlers are found as `order` grows.
    let mut at = 0;
    while at < order.len() {
        if let Some(handler) = func.blocks[order[at].0 as usize].handler {
            for h in [Some(handler.block), handler.catch.flatten()]
                .into_iter()
                .flatten()
            {
                if !seen[h.0 as usize] {
                    let mut cold = postorder(func, h, &mut seen);
                    cold.reverse();
                    order.extend(cold);
                }
            }
        }
        at += 1;
    }
    order
}

/// Postorder from `root` over unseen blocks, without recursion. The last successor is visited
/// first, so that the first one comes right after its block.
fn postorder(func: &Func, root: BlockId, seen: &mut [bool]) -> Vec<BlockId> {
    let mut order = Vec::new();
    let mut stack = vec![(root, func.blocks[root.0 as usize].term.targets())];
    seen[root.0 as usize] = true;
    while let Some((block, rest)) = stack.last_mut() {
        match rest.pop() {
            Some(next) if seen[next.0 as usize] => {}
            Some(next) => {
                seen[next.0 as usize] = true;
                stack.push((next, func.blocks[next.0 as usize].term.targets()));
            }
            None => {
                order.push(*block);
                stack.pop();
            }
        }
    }
    order
}
