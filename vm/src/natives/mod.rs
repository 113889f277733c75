//! The natives that lowering itself calls (`rt.…`): what the language has and the op table has
//! not.
//!
//! Their keys and meaning are the compiler's table; a native that waits is a poll, whose progress
//! lives in its handle.

/// Declares natives: `"key" => function`.
macro_rules! natives {
    ($($key:literal => $func:expr),* $(,)?) => {
        pub(super) const NATIVES: &[lumen_runtime::native::Native] =
            &[$(lumen_runtime::native::Native { key: $key, func: $func }),*];
    };
}

mod containers;
mod convert;
mod failures;
mod groups;
mod scopes;
pub(crate) mod selects;
mod texts;
mod tools;
mod waitables;

use lumen_runtime::native::Native;

pub(crate) use scopes::cancel_scope;

/// All of them, by file.
pub(crate) const GROUPS: &[&[Native]] = &[
    failures::NATIVES,
    convert::NATIVES,
    containers::NATIVES,
    texts::NATIVES,
    groups::NATIVES,
    selects::NATIVES,
    scopes::NATIVES,
    tools::NATIVES,
];
