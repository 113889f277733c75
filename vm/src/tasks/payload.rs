//! What the runtime does with values that nobody takes, that several take, or that vote.

use lumen_runtime::PayloadVTable;
use lumen_runtime::heap::{count, equal, well_known};

use super::worker_heap;

/// Slots are words.
pub(crate) static PAYLOAD: PayloadVTable = PayloadVTable {
    immediate: 0b11,
    drop: |word| drop_word(word),
    share: |word| {
        // SAFETY: a live word.
        unsafe { count::dup(word) };
        word
    },
    equal: |a, b| match worker_heap::existing() {
        // SAFETY: live words, and this thread's heap.
        Some(heap) => unsafe { equal::equal((*heap).types(), a, b, well_known::ANY) },
        None => a == b,
    },
};

/// Gives up a word on whatever thread this is.
pub(crate) fn drop_word(word: u64) {
    // A thread without a heap cannot free: what it drops is lost until the program's memory is
    // given back as a whole.
    if let Some(heap) = worker_heap::existing() {
        // SAFETY: an owned word; the thread's own heap.
        unsafe { count::drop(&mut *heap, word) }
    }
}
