//! JSON: text to `Json` values and back, and `Json` values to values of any type.
//!
//! | Lumen | JSON |
//! | --- | --- |
//! | Null, Bool, Int, String | as expected |
//! | Float | a number; NaN and infinities are `null` |
//! | Bytes | a String in base64 |
//! | list, tuple, set | array |
//! | map | object; keys that are no Strings as their text |
//! | record | object |
//! | variant without payload | its name |
//! | variant with payload | `{"Name": value}`; several positional values are an array |

mod build;
mod parse;
mod write;

pub use build::{build, build_key, mismatch};
pub use parse::parse;
pub use write::{Layout, write};

use std::fmt;

use lumen_runtime::heap::OutOfMemory;

/// Why a conversion failed.
#[derive(Debug, PartialEq, Eq)]
pub enum JsonError {
    /// The text or value is not what is wanted.
    Invalid(String),
    /// There was not enough memory.
    Memory,
}

impl From<OutOfMemory> for JsonError {
    fn from(_: OutOfMemory) -> JsonError {
        JsonError::Memory
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JsonError::Invalid(message) => f.write_str(message),
            JsonError::Memory => f.write_str("out of memory"),
        }
    }
}
