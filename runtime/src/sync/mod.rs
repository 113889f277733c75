//! What fibers share: channels, select, locks and other handles.

pub mod broadcast;
pub mod channel;
pub mod counters;
pub mod handle;
pub mod mutex;
pub mod rw_lock;
pub mod select;
pub mod station;
#[cfg(all(test, not(loom)))]
mod tests;
pub mod typed;
pub(crate) mod wait_queue;
