//! What fibers share: channels, select, locks and other handles.

pub mod channel;
pub mod select;
pub(crate) mod wait_queue;
