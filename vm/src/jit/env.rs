//! What a translation can see of the program around the function.

use cranelift_codegen::ir::{Signature, types};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use lumen_bytecode::Module;
use lumen_bytecode::module::{TypeDesc, TypeIx};
use rustc_hash::FxHashSet;

use super::Jit;
use super::translate::{class, signature};
use crate::load::image::Image;

/// What is compiled at a time: a function from its start, or from one of its loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Unit {
    /// The function.
    pub(super) func: u32,
    /// The word of a loop's first instruction.
    pub(super) at: Option<u32>,
}

/// Name spaces of functions that machine code refers to.
pub(super) mod space {
    /// Lumen functions, by number.
    pub(in super::super) const FUNCTION: u32 = 0;
    /// Ways into helpers that keep all registers, by [`super::super::stubs::Stub::number`].
    pub(in super::super) const STUB: u32 = 1;
}

/// The program around a function.
pub(super) struct Env<'a> {
    pub(super) image: &'a Image,
    pub(super) module: &'a Module,
    pub(super) jit: &'a Jit,
    pub(super) frontend: TargetFrontendConfig,
    /// The convention of Rust's `extern "C"`.
    pub(super) c: CallConv,
    /// Functions that can be called directly: compiled before, or now.
    pub(super) direct: &'a FxHashSet<u32>,
}

impl Env<'_> {
    /// Whether native code of a function takes its closure.
    pub(super) fn takes_closure(&self, func: u32) -> bool {
        self.jit.takes_closure[func as usize]
    }

    /// The signature of native code: `(r, fp, closure?, parameters …) -> (result, status)`.
    pub(super) fn signature(&self, unit: Unit) -> Signature {
        let function = &self.module.functions[unit.func as usize];
        let (closure, params) = match unit.at {
            None => (self.takes_closure(unit.func), &function.params[..]),
            Some(_) => (false, &[][..]),
        };
        native_signature(closure, params, function.result)
    }

    /// Parameters and result of a function value's type.
    pub(super) fn function_type(&self, ty: TypeIx) -> Option<(&[TypeIx], TypeIx)> {
        let types = &self.module.types;
        let ty = match types.get(ty as usize)? {
            TypeDesc::Closure { as_func, .. } => *as_func,
            _ => ty,
        };
        match types.get(ty as usize)? {
            TypeDesc::Func { params, result } => Some((params, *result)),
            _ => None,
        }
    }
}

/// The signature of native code with such parameters.
pub(super) fn native_signature(closure: bool, params: &[TypeIx], result: TypeIx) -> Signature {
    let mut all = vec![types::I64; if closure { 3 } else { 2 }];
    all.extend(params.iter().map(|t| class(*t, true)));
    signature(CallConv::Tail, &all, &[class(result, true), types::I32])
}
