//! Inlining: small library cells (those taking closures above all) and lambdas known at the call.
//!
//! Callees come first (postorder of the call graph), so a body is copied after it has been
//! simplified. Recursive functions are not inlined, nor is anything once the caller has grown past
//! [`CALLER_MAX`]. Stack traces show the calls all the same: see [`Inlined`].

use super::Simplifier;
use crate::ir::census::Sites;
use crate::ir::roles::Signatures;
use crate::ir::{
    Block, BlockId, Func, Handler, Inlined, Inst, Program, Regs, Term, VReg, scope_of, within,
};
use crate::source::Span;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::{Constant, TypeDesc};

/// Instructions of a callee marked `inline` (library cells).
const LIBRARY_MAX: usize = 60;
/// Instructions of a lambda.
const LAMBDA_MAX: usize = 40;
/// Instructions of any other cell.
const CELL_MAX: usize = 24;
/// Calls that are inlined in a callee already: a chain of cells would otherwise be copied into each
/// of its links as far as it goes.
const INNER_MAX: usize = 24;
/// No more inlining into a function of this many instructions.
const CALLER_MAX: usize = 4000;

/// Inlines throughout the program, and simplifies each function afterwards. What is dead goes
/// before, so that no call in it is replaced.
pub fn run(program: &mut Program, passes: &mut Simplifier) {
    let order = postorder(program);
    let mut bodies = vec![None; program.funcs.len()];
    let null = null_constant(program);
    for &f in &order {
        passes.clean(program, f);
        // A second round reaches the lambdas that the first round's callees call.
        for round in 0..3 {
            let did = into(program, f, &bodies, null);
            if did || round == 0 {
                passes.simplify(program, f, !did);
            }
            if !did {
                break;
            }
        }
        bodies[f] = Some(Body::of(&program.funcs[f], f));
    }
}

/// What is asked of a function that is finished before it is inlined.
#[derive(Clone, Copy)]
struct Body {
    size: usize,
    calls_itself: bool,
}

impl Body {
    fn of(func: &Func, number: usize) -> Self {
        let mut insts = func.blocks.iter().flat_map(|b| &b.insts);
        Self {
            size: size(func),
            calls_itself: insts.any(|i| i.op == Op::Call && i.imms[0] as usize == number),
        }
    }
}

fn null_constant(program: &mut Program) -> u32 {
    let at = program.constants.iter().position(|c| *c == Constant::Null);
    at.unwrap_or_else(|| {
        program.constants.push(Constant::Null);
        program.constants.len() - 1
    }) as u32
}

/// Functions, callees before callers where there is no cycle; without recursion.
fn postorder(program: &Program) -> Vec<usize> {
    let n = program.funcs.len();
    let callees = |f: usize| -> Vec<usize> {
        let mut out = Vec::new();
        for inst in program.funcs[f].blocks.iter().flat_map(|b| &b.insts) {
            match inst.op {
                Op::Call => out.push(inst.imms[0] as usize),
                Op::New => out.extend(closure_func(program, inst.imms[0])),
                Op::Const => {
                    if let Constant::Closure(ty) = program.constants[inst.imms[0] as usize] {
                        out.extend(closure_func(program, ty));
                    }
                }
                _ => {}
            }
        }
        out
    };
    let (mut seen, mut order) = (vec![false; n], Vec::with_capacity(n));
    for root in 0..n {
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        let mut stack = vec![(root, callees(root))];
        while let Some((f, rest)) = stack.last_mut() {
            match rest.pop() {
                Some(next) if !seen[next] => {
                    seen[next] = true;
                    stack.push((next, callees(next)));
                }
                Some(_) => {}
                None => {
                    order.push(*f);
                    stack.pop();
                }
            }
        }
    }
    order
}

fn closure_func(program: &Program, ty: u32) -> Option<usize> {
    match program.types[ty as usize] {
        TypeDesc::Closure { func, .. } => Some(func as usize),
        _ => None,
    }
}

fn size(func: &Func) -> usize {
    func.blocks.iter().map(block_size).sum()
}

fn block_size(block: &Block) -> usize {
    block.insts.len() + 1
}

/// A call to be replaced.
struct Site {
    block: usize,
    inst: usize,
    callee: usize,
}

/// Inlines what is worth it into `f`; tells whether anything was. Functions that are finished have
/// a body.
fn into(program: &mut Program, f: usize, bodies: &[Option<Body>], null: u32) -> bool {
    let mut did = false;
    let mut from = 0;
    let mut now = size(&program.funcs[f]);
    let mut sites = None;
    while now < CALLER_MAX {
        let Some(site) = next_site(program, f, bodies, from, &mut sites) else {
            break;
        };
        // What is copied is looked at in the next round, so that this one ends.
        from = site.block + 1;
        let (func, callee) = two(&mut program.funcs, f, site.callee);
        if let Some(sites) = &mut sites {
            let block = &func.blocks[site.block];
            sites.remove_insts(&block.insts, site.inst, &Signatures::default());
            sites.remove_term(&block.term);
        }
        let (blocks, head) = (func.blocks.len(), block_size(&func.blocks[site.block]));
        splice(func, callee, &site, null);
        if let Some(sites) = &mut sites {
            let sigs = Signatures::default();
            sites.add_blocks(func, blocks, &sigs);
            sites.add_insts(site.block, &func.blocks[site.block].insts, site.inst, &sigs);
        }
        let new: usize = func.blocks[blocks..].iter().map(block_size).sum();
        now = now - head + block_size(&func.blocks[site.block]) + new;
        did = true;
        if from >= func.blocks.len() {
            break;
        }
    }
    did
}

/// A function to change, and another one.
fn two(funcs: &mut [Func], f: usize, other: usize) -> (&mut Func, &Func) {
    if f < other {
        let (head, tail) = funcs.split_at_mut(other);
        (&mut head[f], &tail[0])
    } else {
        let (head, tail) = funcs.split_at_mut(f);
        (&mut tail[0], &head[other])
    }
}

/// The next call to be replaced, from block `from` on; `sites` are found once they are needed.
fn next_site(
    program: &Program,
    f: usize,
    bodies: &[Option<Body>],
    from: usize,
    sites: &mut Option<Sites>,
) -> Option<Site> {
    let func = &program.funcs[f];
    for (block, b) in func.blocks.iter().enumerate().skip(from) {
        for (inst, i) in b.insts.iter().enumerate() {
            let callee = match i.op {
                Op::Call => i.imms[0] as usize,
                Op::CallClosure => {
                    let sites =
                        sites.get_or_insert_with(|| Sites::of(func, &Signatures::default()));
                    match known_closure(program, func, sites, i.regs[1]) {
                        Some(callee) => callee,
                        None => continue,
                    }
                }
                _ => continue,
            };
            if callee != f
                && let Some(body) = bodies[callee]
                && worth(&program.funcs[callee], body, i.op)
            {
                return Some(Site {
                    block,
                    inst,
                    callee,
                });
            }
        }
    }
    None
}

fn worth(func: &Func, body: Body, op: Op) -> bool {
    let max = match op {
        Op::CallClosure => LAMBDA_MAX,
        _ if func.inline => LIBRARY_MAX,
        _ => CELL_MAX,
    };
    !body.calls_itself && func.inlined.len() <= INNER_MAX && body.size <= max
}

/// The function behind a closure register, if there is only one.
fn known_closure(program: &Program, func: &Func, sites: &Sites, reg: VReg) -> Option<usize> {
    let mut reg = reg;
    for _ in 0..8 {
        let (b, i) = sites.only(reg)?;
        let inst = &func.blocks[b as usize].insts[i as usize];
        match inst.op {
            Op::New => return closure_func(program, inst.imms[0]),
            Op::Const => {
                return match program.constants[inst.imms[0] as usize] {
                    Constant::Closure(ty) => closure_func(program, ty),
                    _ => None,
                };
            }
            Op::Lend | Op::Move => reg = inst.regs[1],
            _ => return None,
        }
    }
    None
}

/// Puts a copy of `callee` in the place of the call at `site`.
fn splice(func: &mut Func, callee: &Func, site: &Site, null: u32) {
    let reg_offset = func.regs.len() as u32;
    let block_offset = func.blocks.len() as u32;
    let map_reg = |r: VReg| VReg(r.0 + reg_offset);
    let map_block = |b: BlockId| BlockId(b.0 + block_offset);
    func.regs.extend(callee.regs.iter().cloned());
    let outer = func.blocks[site.block].handler;
    let after = BlockId(block_offset + callee.blocks.len() as u32);

    let head = &mut func.blocks[site.block];
    let tail_insts = head.insts.split_off(site.inst + 1);
    let (call, called) = match head.insts.pop() {
        Some(call) => (call.regs, call.span),
        None => (Regs::new(), head.span),
    };
    let tail = Block {
        insts: tail_insts,
        term: std::mem::replace(&mut head.term, Term::Jump(map_block(BlockId(0)))),
        span: head.span,
        handler: outer,
    };
    let dst = call[0];
    let closure_args =
        usize::from(callee.closure.is_some() || call.len() > callee.params.len() + 1);
    let span = head.span;
    if let Some((reg, _)) = callee.closure {
        head.insts
            .push(Inst::new(Op::Lend, [map_reg(reg), call[1]], span));
    }
    for (&param, &arg) in callee.params.iter().zip(&call[1 + closure_args..]) {
        head.insts
            .push(Inst::new(Op::Lend, [map_reg(param), arg], span));
    }
    let away = callee.inline && callee.span.file != func.span.file;
    let scope = func.inlined.len() as u32 + 1;
    if !away {
        func.inlined.push(Inlined {
            name: callee.name.clone(),
            span: called,
        });
        func.inlined
            .extend(callee.inlined.iter().map(|inner| Inlined {
                name: inner.name.clone(),
                span: inward(inner.span, scope),
            }));
    }
    for block in &callee.blocks {
        let mut copy = copy_block(block, outer, dst, after, null, &map_reg, &map_block);
        if away {
            // A failure there is reported where this function calls: the frame between is gone.
            copy.span = called;
            copy.insts.iter_mut().for_each(|inst| inst.span = called);
        } else {
            copy.span = inward(copy.span, scope);
            for inst in &mut copy.insts {
                inst.span = inward(inst.span, scope);
            }
        }
        func.blocks.push(copy);
    }
    func.blocks.push(tail);
}

/// A span of a callee that becomes inlined call `scope`, whose own inlined calls follow it.
fn inward(span: Span, scope: u32) -> Span {
    let (span, inner) = scope_of(span);
    within(span, scope + inner)
}

fn copy_block(
    block: &Block,
    outer: Option<Handler>,
    dst: VReg,
    after: BlockId,
    null: u32,
    map_reg: &impl Fn(VReg) -> VReg,
    map_block: &impl Fn(BlockId) -> BlockId,
) -> Block {
    let mut copy = block.clone();
    for inst in &mut copy.insts {
        for reg in &mut inst.regs {
            *reg = map_reg(*reg);
        }
    }
    copy.term.for_each_reg_mut(|reg| *reg = map_reg(*reg));
    copy.term.for_each_target_mut(|t| *t = map_block(*t));
    match copy.term {
        Term::Return(reg) => {
            copy.insts.push(Inst::new(Op::Move, [dst, reg], block.span));
            copy.term = Term::Jump(after);
        }
        Term::ReturnNull => {
            copy.insts
                .push(Inst::imm(Op::Const, [dst], null, block.span));
            copy.term = Term::Jump(after);
        }
        _ => {}
    }
    copy.handler = match block.handler {
        None => outer,
        Some(inner) => Some(Handler {
            block: map_block(inner.block),
            catch: inner
                .catch
                .map(|cancel| cancel.map(map_block).or(cleanup_of(outer))),
        }),
    };
    copy
}

/// Where a cancellation goes in code with this handler.
fn cleanup_of(handler: Option<Handler>) -> Option<BlockId> {
    match handler? {
        Handler { block, catch: None } => Some(block),
        Handler {
            catch: Some(outer), ..
        } => outer,
    }
}
