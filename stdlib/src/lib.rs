//! The Lumen library: sources in Lumen, and the natives they rest on.
//!
//! [`SOURCES`] holds the modules under `lumen/`; those marked as prelude are known everywhere
//! without an import. A module declares its natives with `extern cell`; [`native`] finds them by
//! key, and a test holds declarations and natives together. [`docs::markdown`] prints
//! `docs/library.md`.

pub mod docs;
pub mod examples;
pub mod json;
mod natives;

use lumen_runtime::native::Native;

/// A module of the library.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Imported as `std.NAME`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// Whether its names need no import.
    pub prelude: bool,
}

macro_rules! sources {
    ($($prelude:literal $name:literal),* $(,)?) => {
        /// All modules of the library, the prelude first.
        pub const SOURCES: &[Source] = &[$(Source {
            name: $name,
            text: include_str!(concat!("../lumen/", $name, ".lm")),
            prelude: $prelude,
        }),*];
    };
}

sources! {
    true "core",
    true "string",
    true "list",
    true "map",
    true "set",
    true "bytes",
    true "math",
    true "json",
    true "io",
    true "task",
    true "channel",
    true "sync",
    false "bits",
    false "regex",
    false "encoding",
    false "hash",
    false "random",
    false "time",
    false "env",
    false "fs",
    false "path",
    false "test",
}

/// The text of a module, by the name it is imported by after `std.`.
pub fn source(name: &str) -> Option<&'static str> {
    SOURCES.iter().find(|s| s.name == name).map(|s| s.text)
}

/// All natives.
pub fn natives() -> impl Iterator<Item = &'static Native> {
    natives::GROUPS.iter().flat_map(|g| g.iter())
}

/// The native with this key: module, name and declared signature, as in
/// `math.sqrt(Float) -> Float` or `list.push[T](mut list[T], T) -> Null`.
pub fn native(key: &str) -> Option<Native> {
    let module = key.split('.').next()?;
    let in_module = |k: &str| {
        k.strip_prefix(module)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    let group = natives::GROUPS
        .iter()
        .find(|g| g.first().is_some_and(|n| in_module(n.key)))?;
    group.iter().find(|n| n.key == key).copied()
}

#[cfg(test)]
mod tests;
