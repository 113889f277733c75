//! What fibers share: channels, select, locks and other handles.

pub(crate) mod wait_queue;
