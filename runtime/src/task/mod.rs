//! Tasks as their users see them: futures, scopes, join blocks, typed handles.

pub mod future;
#[cfg(all(test, not(loom)))]
pub(crate) mod tests;
