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
        let same = |f: NativeFn| std::ptr::fn_addr_eq(f, func);
        let library = theirs.is_some_and(same);
        let has_short = library || own(key).is_some_and(same);
        Ok(LinkedNative {
            func,
            params: import.params.clone().into(),
            result: import.result,
            short: if has_short { Short::of(key) } else { Short::No },
            library,
        })
    };
    module.natives.iter().map(find).collect()
}

/// The native of this crate with this key.
fn own(key: &str) -> Option<NativeFn> {
    let mut all = crate::natives::GROUPS.iter().flat_map(|group| group.iter());
    all.find(|n| n.key == key).map(|n| n.func)
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

#[cfg(test)]
mod tests {
    use super::*;
    use lumen_bytecode::module::well_known;

    /// The loop over a channel calls a native of this crate, not of the library.
    #[test]
    fn the_next_message_has_a_short_way_unless_the_native_is_replaced() {
        let import = NativeImport {
            key: "rt.channel_next[C, T](C) -> T?".to_owned(),
            params: vec![well_known::ANY],
            result: well_known::ANY,
            mutator: false,
            type_args: Vec::new(),
        };
        let module = Module {
            natives: vec![import],
            ..Module::default()
        };
        let short = |tables: &[&[Native]]| link(&module, tables).map(|linked| linked[0].short);
        assert_eq!(short(crate::natives::GROUPS).ok(), Some(Short::Next));
        let theirs = [Native {
            key: "rt.channel_next[C, T](C) -> T?",
            func: |_, _| Ok(0),
        }];
        let replaced = [crate::natives::GROUPS, &[&theirs[..]]].concat();
        assert_eq!(short(&replaced).ok(), Some(Short::No));
    }
}
