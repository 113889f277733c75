//! Constants: made once, persistent, so that instructions may hand them out without counting.

use lumen_bytecode::Module;
use lumen_bytecode::module::{Constant, TypeDesc, TypeIx};
use lumen_runtime::heap::word::{NULL, bool_word, immediate};
use lumen_runtime::heap::{Alloc, Heap, OutOfMemory, bytes, closure, count, error, string};
use lumen_runtime::native::kind;

use super::LoadError;

impl From<OutOfMemory> for LoadError {
    fn from(_: OutOfMemory) -> LoadError {
        LoadError::new("not enough memory for the program's constants")
    }
}

/// The slots of the module's constants.
pub(super) fn make(heap: &mut Heap, module: &Module) -> Result<Vec<u64>, LoadError> {
    module
        .constants
        .iter()
        .map(|c| slot(heap, module, c))
        .collect()
}

fn slot(heap: &mut Heap, module: &Module, constant: &Constant) -> Result<u64, LoadError> {
    Ok(match constant {
        Constant::Int(i) => *i as u64,
        Constant::Float(bits) => *bits,
        Constant::Null => NULL,
        Constant::BoolWord(b) => bool_word(*b),
        Constant::Variant(ty) => immediate(*ty, 0),
        Constant::Str(text) => {
            let made = string::new(heap, text);
            persistent(heap, made)?
        }
        Constant::Bytes(data) => {
            let made = bytes::new(heap, data);
            persistent(heap, made)?
        }
        Constant::Closure(ty) => bare_closure(heap, module, *ty)?,
    })
}

/// A persistent closure without captures.
pub(super) fn bare_closure(heap: &mut Heap, module: &Module, ty: TypeIx) -> Result<u64, LoadError> {
    let Some(TypeDesc::Closure { func, captures, .. }) = module.types.get(ty as usize) else {
        return Err(LoadError::new(format!(
            "constant closure of type {ty}, which is none"
        )));
    };
    if !captures.is_empty() {
        return Err(LoadError::new(format!(
            "constant closure of type {ty}, which has captures"
        )));
    }
    // SAFETY: a closure type without captures.
    let made = unsafe { closure::new(heap, ty, *func, &[]) };
    Ok(persistent(heap, made)?)
}

/// The Errors for cancellation and for lack of memory.
pub(super) fn errors(heap: &mut Heap) -> Result<(u64, u64), LoadError> {
    let cancelled = error::new(heap, kind::CANCELLED, "cancelled", "");
    let cancelled = persistent(heap, cancelled)?;
    let no_memory = error::new(heap, kind::MEMORY, "out of memory", "");
    Ok((cancelled, persistent(heap, no_memory)?))
}

fn persistent(heap: &mut Heap, word: Alloc<u64>) -> Alloc<u64> {
    let word = word?;
    // SAFETY: just made.
    unsafe { count::persist(heap, word) };
    Ok(word)
}
