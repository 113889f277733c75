//! Source texts and positions in them.

mod fences;
mod loader;
mod map;
mod span;

pub use fences::{Fences, find_fences};
pub use loader::{Found, Loader, NoModules};
pub use map::{LineColumn, Position, SourceFile, SourceKind, SourceMap};
pub use span::{FileId, Span};
