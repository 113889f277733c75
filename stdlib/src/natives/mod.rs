//! The natives, one file per module of the library. Each is a leaf: it calls nothing in Lumen.

use lumen_runtime::native::Native;

/// Declares the natives of a module: `"key" => function`.
macro_rules! natives {
    ($($key:literal => $func:expr),* $(,)?) => {
        pub(super) const NATIVES: &[lumen_runtime::native::Native] =
            &[$(lumen_runtime::native::Native { key: $key, func: $func }),*];
    };
}

mod bits;
mod bytes;
mod channel;
mod core;
mod encoding;
mod env;
mod fs;
mod hash;
mod io;
mod json;
mod list;
mod map;
mod math;
mod random;
mod regex;
mod set;
mod string;
mod sync;
mod task;
mod time;

/// Base64 as JSON uses it for Bytes.
pub(crate) fn base64(bytes: &[u8]) -> String {
    encoding::base64(bytes, encoding::STANDARD, true)
}

pub(crate) use encoding::unbase64;

/// The natives of each module.
pub(crate) const GROUPS: &[&[Native]] = &[
    core::NATIVES,
    string::NATIVES,
    list::NATIVES,
    map::NATIVES,
    set::NATIVES,
    bytes::NATIVES,
    math::NATIVES,
    bits::NATIVES,
    json::NATIVES,
    io::NATIVES,
    regex::NATIVES,
    encoding::NATIVES,
    hash::NATIVES,
    random::NATIVES,
    time::NATIVES,
    channel::NATIVES,
    sync::NATIVES,
    task::NATIVES,
    env::NATIVES,
    fs::NATIVES,
];
