//! Channels as values of the counted heap.

use super::channel::{OnFull, RawChannel};
use crate::heap::handle::HandleData;
use std::fmt::Write;

impl HandleData for RawChannel {
    fn describe(&self, out: &mut String) {
        let policy = match self.on_full() {
            OnFull::Block => "block",
            OnFull::Error => "error",
            OnFull::Overwrite => "overwrite",
        };
        // Writing to a String does not fail.
        let _ = match self.capacity() {
            Some(n) => write!(out, "Channel(capacity: {n}, on_full: {policy}, MPMC, FIFO)"),
            None => write!(
                out,
                "Channel(capacity: unbounded, on_full: {policy}, MPMC, FIFO)"
            ),
        };
    }
}
