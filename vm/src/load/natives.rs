//! Linking: each import finds the native with its key.

use lumen_bytecode::Module;
use lumen_bytecode::module::NativeImport;
use lumen_runtime::native::{Native, NativeFn};
use rustc_hash::FxHashMap;

use super::LoadError;
use super::image::LinkedNative;
use crate::helpers::waits::Short;

/// Finds the natives of a module in `tables`, then in the library.
pub(super) fn link(module: &Module, tables: &[&[Native]]) -> Result<Vec<LinkedNative>, LoadError> {
    if module.natives.is_empty() {
        return Ok(Vec::new());
    }
    let by_key: FxHashMap<&str, NativeFn> = tables
        .iter()
        .flat_map(|t| t.iter())
        .map(|n| (n.key, n.func))
        .collect();
    let find = |import: &NativeImport| {
        let key = import.key.as_str();
        let theirs = lumen_stdlib::native(key).map(|n| n.func);
        let Some(func) = by_key.get(key).copied().or(theirs) else {
            return Err(missing(key, &by_key));
        };
        // A program may be loaded with natives in the place of the library's.
        let library = theirs.is_some_and(|f| std::ptr::fn_addr_eq(f, func));
        Ok(LinkedNative {
            func,
            params: import.params.clone().into(),
            result: import.result,
            short: if library { Short::of(key) } else { Short::No },
            library,
        })
    };
    module.natives.iter().map(find).collect()
}

/// The error for a key nobody provides; names the native that only differs in its signature.
fn missing(key: &str, by_key: &FxHashMap<&str, NativeFn>) -> LoadError {
    let name = |k: &str| k.find(['(', '[']).map_or(k, |end| &k[..end]).to_owned();
    let wanted = name(key);
    let library = lumen_stdlib::natives().map(|n| n.key);
    match by_key
        .keys()
        .copied()
        .chain(library)
        .find(|k| name(k) == wanted)
    {
        Some(other) => LoadError::new(format!(
            "native `{key}` is not provided; there is `{other}`"
        )),
        None => LoadError::new(format!("native `{key}` is not provided")),
    }
}
