//! Makes ownership explicit: afterwards every owned word is consumed exactly once on every path.
//!
//! In the manner of Perceus (Reinking, Xie, de Moura, Leijen, 2021) and of "Counting Immutable
//! Beans" (Ullrich, de Moura, 2019), on a control-flow graph instead of terms:
//!
//! 1. [`params`]: a parameter is taken over by its callee when the callee would otherwise have to
//!    count (it stores, returns or updates it); else it is borrowed.
//! 2. [`borrow`]: a loaded word stays borrowed from its container when the container is not
//!    touched while it is in use; its uses keep the container alive.
//! 3. [`insert`]: from liveness. A word is owned exactly while it is live: last uses move, other
//!    taking uses are preceded by `dup`, what dies unconsumed is dropped, on edges too.

pub mod borrow;
pub mod insert;
pub mod params;

use crate::ir::roles::Signatures;
use crate::ir::{Func, Program, VReg};
use lumen_bytecode::module::{TypeDesc, TypeIx};

/// How a register holds its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// No word.
    Plain,
    /// A word of its own.
    Owned,
    /// A word borrowed from that register, or (`None`) from outside the frame.
    Borrowed(Option<VReg>),
}

/// Is a slot of this type a word?
#[must_use]
pub fn is_word(types: &[TypeDesc], ty: TypeIx) -> bool {
    !matches!(
        types[ty as usize],
        TypeDesc::Int | TypeDesc::Bool | TypeDesc::Float
    )
}

/// Runs the pass over the whole program, whose `Func::owned` are filled in ([`params::infer`]);
/// gives all classes.
pub fn run(program: &mut Program) -> Vec<Vec<Class>> {
    let sigs = Signatures::of(program);
    let types = std::mem::take(&mut program.types);
    let run = |func| run_func(func, &sigs, &types);
    let classes = program.funcs.iter_mut().map(run).collect();
    program.types = types;
    classes
}

/// Runs the pass on one function; gives the classes of its registers.
pub fn run_func(func: &mut Func, sigs: &Signatures, types: &[TypeDesc]) -> Vec<Class> {
    params::copy_changed(func, sigs, types);
    let (classes, live) = borrow::classify(func, sigs, types);
    insert::insert(func, sigs, classes, &live)
}
