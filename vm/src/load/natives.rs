//! Linking: each import finds the native with its key.

use lumen_bytecode::Module;
use lumen_bytecode::module::NativeImport;
use lumen_runtime::native::{Native, NativeFn};
use rustc_hash::FxHashMap;

use super::LoadError;
use super::image::LinkedNative;
use crate::helpers::waits::Short;

/// Finds the natives of a module: in `given`, among those of this crate, in the library.
pub(super) fn link(module: &Module, given: &[&[Native]]) -> Result<Vec<LinkedNative>, LoadError> {
    if module.natives.is_empty() {
        return Ok(Vec::new());
    }
    let (given, own) = (by_key(given), by_key(crate::natives::GROUPS));
    let find = |import: &NativeImport| {
        let key = import.key.as_str();
        let theirs = given.get(key).copied();
        let ours = || own.get(key).copied();
        let library = || lumen_stdlib::native(key).map(|n| n.func);
        let Some(func) = theirs.or_else(ours).or_else(library) else {
            return Err(missing(key, given.keys().chain(own.keys()).copied()));
        };
        let replaced = theirs.is_some();
        Ok(LinkedNative {
            func,
            params: import.params.clone().into(),
            result: import.result,
            short: if replaced { Short::No } else { Short::of(key) },
            replaced,
        })
    };
    module.natives.iter().map(find).collect()
}

fn by_key<'a>(tables: &[&'a [Native]]) -> FxHashMap<&'a str, NativeFn> {
    let all = tables.iter().flat_map(|table| table.iter());
    all.map(|native| (native.key, native.func)).collect()
}

/// The error for a key nobody provides; names the native that only differs in its signature.
fn missing<'a>(key: &str, provided: impl Iterator<Item = &'a str>) -> LoadError {
    let name = |k: &str| k.find(['(', '[']).map_or(k, |end| &k[..end]).to_owned();
    let wanted = name(key);
    let library = lumen_stdlib::natives().map(|n| n.key);
    match provided.chain(library).find(|k| name(k) == wanted) {
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
        assert_eq!(short(&[]).ok(), Some(Short::Next));
        let theirs = [Native {
            key: "rt.channel_next[C, T](C) -> T?",
            func: |_, _| Ok(0),
        }];
        assert_eq!(short(&[&theirs]).ok(), Some(Short::No));
    }
}
