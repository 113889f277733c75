//! Tasks as their users see them: futures, scopes, join blocks, typed handles.

#[cfg(all(test, not(loom)))]
mod block_tests;
pub mod future;
mod handle;
pub mod join;
pub mod scope;
#[cfg(all(test, not(loom)))]
mod stress;
#[cfg(all(test, not(loom)))]
pub(crate) mod tests;
pub mod typed;
pub(crate) mod vote;
