//! Layout: blocks in reverse postorder, so that most branches fall through; loops in one piece,
//! their test at the bottom, so that a round costs one branch; what only failures reach comes last.

use super::branches;
use crate::ir::loops::{Loops, Walk};
use crate::ir::{BlockId, Func, Term};

/// Reachable blocks.
#[derive(Debug)]
pub struct Order {
    /// In reverse postorder, what only failures reach at the end.
    pub natural: Vec<BlockId>,
    /// As they are laid out.
    pub layout: Vec<BlockId>,
}

impl Order {
    /// The order of the blocks of `func`.
    #[must_use]
    pub fn of(func: &Func) -> Self {
        let mut walk = Walk::over(func);
        let mut natural = Vec::with_capacity(func.blocks.len());
        let first = BlockId(0);
        walk.postorder(func, first, false, &mut natural);
        natural.reverse();
        let hot = natural.len();
        // Handlers, and what they lead to; handlers of handlers are found as the list grows.
        let mut at = 0;
        while at < natural.len() {
            if let Some(handler) = func.blocks[natural[at].0 as usize].handler {
                for h in [Some(handler.block), handler.catch.flatten()]
                    .into_iter()
                    .flatten()
                {
                    if !walk.has_seen(h) {
                        let cold = natural.len();
                        walk.postorder(func, h, false, &mut natural);
                        natural[cold..].reverse();
                    }
                }
            }
            at += 1;
        }
        let loops = Loops::of(func);
        let layout = if loops.loops.is_empty() {
            natural.clone()
        } else {
            let mut layout = in_pieces(func, &loops, &natural[..hot]);
            layout.extend_from_slice(&natural[hot..]);
            layout
        };
        Self { natural, layout }
    }
}

/// What a loop, or the function, consists of.
#[derive(Clone, Copy)]
enum Piece {
    Block(BlockId),
    Loop(usize),
}

/// `order` with the blocks of each loop together.
fn in_pieces(func: &Func, loops: &Loops, order: &[BlockId]) -> Vec<BlockId> {
    let outside = loops.loops.len();
    let mut pieces: Vec<Vec<Piece>> = vec![Vec::new(); outside + 1];
    for &b in order {
        let Some(inner) = loops.of_block[b.0 as usize] else {
            pieces[outside].push(Piece::Block(b));
            continue;
        };
        let of = &loops.loops[inner];
        if of.header == b {
            pieces[of.parent.unwrap_or(outside)].push(Piece::Loop(inner));
        }
        pieces[inner].push(Piece::Block(b));
    }
    for (l, blocks) in pieces.iter_mut().enumerate().take(outside) {
        // A loop that only failures reach has no pieces here.
        if blocks.len() > 1
            && tests_first(func, loops, l)
            && !tests_last(func, loops, l, blocks.last())
        {
            blocks.rotate_left(1);
        }
    }
    let mut out = Vec::with_capacity(order.len());
    let mut stack = vec![(outside, 0)];
    while let Some((l, at)) = stack.last_mut() {
        match pieces[*l].get(*at).copied() {
            Some(Piece::Block(b)) => {
                out.push(b);
                *at += 1;
            }
            Some(Piece::Loop(inner)) => {
                *at += 1;
                stack.push((inner, 0));
            }
            None => {
                stack.pop();
            }
        }
    }
    out
}

/// Does loop `l` begin with a test that ends it, and that could as well stand at its end?
fn tests_first(func: &Func, loops: &Loops, l: usize) -> bool {
    let header = loops.loops[l].header;
    let (body, exit) = match func.blocks[header.0 as usize].term {
        Term::Branch {
            cond,
            then,
            otherwise,
        } => {
            if loops.contains(l, then) && branches::polls(&cond, true) {
                (then, otherwise)
            } else if branches::polls(&cond, false) {
                (otherwise, then)
            } else {
                return false;
            }
        }
        Term::ForInt { body, exit, .. } | Term::ForList { body, exit, .. } => (body, exit),
        _ => return false,
    };
    // The function begins with block 0.
    header.0 != 0 && body != header && loops.contains(l, body) && !loops.contains(l, exit)
}

/// Does loop `l` end with a test already?
fn tests_last(func: &Func, loops: &Loops, l: usize, last: Option<&Piece>) -> bool {
    let Some(Piece::Block(b)) = last else {
        return false;
    };
    let header = loops.loops[l].header;
    let (mut back, mut out) = (false, false);
    func.blocks[b.0 as usize].term.for_each_target(|t| {
        back |= t == header;
        out |= !loops.contains(l, t);
    });
    *b == header || back && out
}
