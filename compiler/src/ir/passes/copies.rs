//! Copy propagation and coalescing.
//!
//! `dst = src`, both written once: readers of `dst` read `src`. `t = op …; x = t` with `t` read
//! only there: `x = op …`. A field of an object made here, and not changed, is what it was made
//! of (so an inlined closure's captures need no closure).

use crate::emit::flow::is_subtype;
use crate::ir::census::{Census, Sites};
use crate::ir::roles::Signatures;
use crate::ir::{Func, Inst, VReg};
use lumen_bytecode::code::Op;
use lumen_bytecode::module::TypeDesc;

/// Runs the pass on one function.
pub fn run(func: &mut Func, sigs: &Signatures, types: &[TypeDesc], census: &mut Census) {
    forward_fields(func, sigs, types, census);
    if has_copies(func) {
        propagate(func, census, types);
        coalesce(func, sigs, census, types);
    }
}

/// The last part of the pass alone: what is only computed to be copied goes where the copy goes.
pub fn join(func: &mut Func, sigs: &Signatures, types: &[TypeDesc], census: &mut Census) {
    if has_copies(func) {
        coalesce(func, sigs, census, types);
    }
}

fn has_copies(func: &Func) -> bool {
    let mut insts = func.blocks.iter().flat_map(|block| &block.insts);
    insts.any(|inst| matches!(inst.op, Op::Move | Op::Lend))
}

/// May one register stand for the other? Their slots must mean the same.
fn same_repr(func: &Func, types: &[TypeDesc], a: VReg, b: VReg) -> bool {
    let repr = |r: VReg| match types[func.regs[r.0 as usize].ty as usize] {
        TypeDesc::Int | TypeDesc::Bool => 0,
        TypeDesc::Float => 1,
        _ => 2,
    };
    repr(a) == repr(b)
}

fn forward_fields(func: &mut Func, sigs: &Signatures, types: &[TypeDesc], census: &mut Census) {
    let (mut news, mut loads) = (false, false);
    for inst in func.blocks.iter().flat_map(|block| &block.insts) {
        news |= inst.op == Op::New;
        loads |= matches!(inst.op, Op::FieldGet | Op::FieldGetWord);
    }
    if !news || !loads {
        return;
    }
    let sites = Sites::of(func, sigs);
    let made_of = |func: &Func, census: &Census, base: VReg, field: u32| {
        let (b, i) = sites.only(base)?;
        let inst = &func.blocks[b as usize].insts[i as usize];
        if inst.op != Op::New {
            return None;
        }
        // A closure's slot 0 is its function.
        let closure = matches!(types[inst.imms[0] as usize], TypeDesc::Closure { .. });
        let part = *inst.regs.get(field as usize + usize::from(!closure))?;
        if closure && field == 0 {
            return None;
        }
        census.is_single(part).then_some(part)
    };
    for b in 0..func.blocks.len() {
        for i in 0..func.blocks[b].insts.len() {
            let inst = &func.blocks[b].insts[i];
            if !matches!(inst.op, Op::FieldGet | Op::FieldGetWord) {
                continue;
            }
            let (dst, base) = (inst.regs[0], inst.regs[1]);
            // In an arm for another variant than the object is of, the field has another type.
            let fits = |part: VReg| {
                let (own, given) = (func.regs[dst.0 as usize].ty, func.regs[part.0 as usize].ty);
                let closure = matches!(types[own as usize], TypeDesc::Closure { .. });
                same_repr(func, types, dst, part) && (closure || is_subtype(types, given, own))
            };
            if let Some(part) = made_of(func, census, base, inst.imms[0])
                && fits(part)
            {
                let op = if inst.op == Op::FieldGet {
                    Op::Move
                } else {
                    Op::Lend
                };
                func.blocks[b].insts[i] = Inst::new(op, [dst, part], inst.span);
                census.replace(base, part);
            }
        }
    }
}

/// Readers of copies read what was copied.
fn propagate(func: &mut Func, census: &mut Census, types: &[TypeDesc]) {
    // All of them, once there is one.
    let mut stands_for: Vec<VReg> = Vec::new();
    let mut copies = Vec::new();
    let mut narrowed = Vec::new();
    for block in &func.blocks {
        for inst in &block.insts {
            if !matches!(inst.op, Op::Move | Op::Lend) {
                continue;
            }
            let (dst, src) = (inst.regs[0], inst.regs[1]);
            let (own, given) = (func.regs[dst.0 as usize].ty, func.regs[src.0 as usize].ty);
            let closure = matches!(types[own as usize], TypeDesc::Closure { .. });
            if dst != src
                && census.is_single(dst)
                && census.is_single(src)
                && same_repr(func, types, dst, src)
                // What a test has proved of `src` is forgotten at loops and handlers; the narrower
                // register keeps it.
                && (closure || is_subtype(types, given, own))
            {
                if stands_for.is_empty() {
                    stands_for.extend((0..func.regs.len() as u32).map(VReg));
                }
                stands_for[dst.0 as usize] = src;
                copies.push((dst, src));
                // An inlined closure's own register knows more of its type than the caller's.
                if closure {
                    narrowed.push((src, own));
                }
            }
        }
    }
    if copies.is_empty() {
        return;
    }
    for &(dst, _) in &copies {
        let mut to = stands_for[dst.0 as usize];
        while stands_for[to.0 as usize] != to {
            to = stands_for[to.0 as usize];
        }
        stands_for[dst.0 as usize] = to;
    }
    // The copies go, and are readers no more.
    for &(_, src) in &copies {
        census.remove_use(src);
    }
    for (dst, _) in copies {
        census.forward(dst, stands_for[dst.0 as usize]);
    }
    for (reg, ty) in narrowed {
        func.regs[stands_for[reg.0 as usize].0 as usize].ty = ty;
    }
    for block in &mut func.blocks {
        block.insts.retain(|inst| {
            !(matches!(inst.op, Op::Move | Op::Lend)
                && stands_for[inst.regs[0].0 as usize] != inst.regs[0])
        });
        for inst in &mut block.insts {
            for reg in &mut inst.regs {
                *reg = stands_for[reg.0 as usize];
            }
        }
        block
            .term
            .for_each_reg_mut(|reg| *reg = stands_for[reg.0 as usize]);
    }
}

/// What is computed to be copied is computed where the copy goes.
fn coalesce(func: &mut Func, sigs: &Signatures, census: &mut Census, types: &[TypeDesc]) {
    for b in 0..func.blocks.len() {
        let mut insts = std::mem::take(&mut func.blocks[b].insts);
        let guarded = func.blocks[b].handler.is_some();
        // Those before `done` stay.
        let mut done = 0;
        for i in 1..insts.len() {
            let (before, copy) = (&insts[done], &insts[i]);
            if copy.op == Op::Move && may_join(func, sigs, census, types, guarded, before, copy) {
                let dst = copy.regs[0];
                census.uncount(before, sigs);
                census.uncount(copy, sigs);
                insts[done].regs[0] = dst;
                census.count(&insts[done], sigs);
            } else {
                done += 1;
                insts.swap(done, i);
            }
        }
        insts.truncate(done + 1);
        func.blocks[b].insts = insts;
    }
}

/// May what `before` computes go to where `copy`, which follows it, moves it?
fn may_join(
    func: &Func,
    sigs: &Signatures,
    census: &Census,
    types: &[TypeDesc],
    guarded: bool,
    before: &Inst,
    copy: &Inst,
) -> bool {
    let (dst, temp) = (copy.regs[0], copy.regs[1]);
    let reads_dst = before.regs.iter().skip(1).any(|&r| r == dst);
    let plain = !super::ownership::is_word(types, func.regs[dst.0 as usize].ty);
    sigs.out(before) == Some(temp)
        && census.is_temp(temp)
        && (plain || !reads_dst)
        && same_repr(func, types, dst, temp)
        // A handler must find the old word of `dst` when the op fails.
        && (plain || !guarded || !before.op.can_fail() || census.is_single(dst))
}
