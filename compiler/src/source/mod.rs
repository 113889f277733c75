//! Source texts and positions in them.

mod map;
mod span;

pub use map::{LineColumn, SOURCE_BYTES_MAX, SourceFile, SourceKind, SourceMap};
pub use span::{FileId, Span};
