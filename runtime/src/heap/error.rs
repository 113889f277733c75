//! `Error` objects: what a failure becomes when Lumen code catches it.
//!
//! Five slots, all words, in the order of the constants below. `location` is `file:line:column`, or
//! empty; `trace` is a `list[String]`, innermost frame first; `causes` is a `list[Error]`.

use super::alloc::{Alloc, Heap};
use super::object::{get_slot, set_slot, slot_ptr};
use super::types::well_known;
use super::word::header;
use super::{count, list, string};

/// Slot of the kind, a String.
pub const KIND: usize = 0;
/// Slot of the message, a String.
pub const MESSAGE: usize = 1;
/// Slot of the location, a String.
pub const LOCATION: usize = 2;
/// Slot of the trace, a `list[String]`.
pub const TRACE: usize = 3;
/// Slot of the causes, a `list[Error]`.
pub const CAUSES: usize = 4;
/// How many slots an Error has.
pub const SLOTS: usize = 5;

/// Makes an Error with an empty trace and no causes.
pub fn new(heap: &mut Heap, kind: &str, message: &str, location: &str) -> Alloc<u64> {
    let mut words = [0u64; SLOTS];
    let built = (|| -> Alloc<u64> {
        words[KIND] = string::new(heap, kind)?;
        words[MESSAGE] = string::new(heap, message)?;
        words[LOCATION] = string::new(heap, location)?;
        words[TRACE] = list::new(heap, well_known::LIST_STRING, 0)?;
        words[CAUSES] = list::new(heap, well_known::LIST_ERROR, 0)?;
        let object = heap.alloc_slots(well_known::ERROR, SLOTS)?.as_ptr();
        for (i, w) in words.iter().enumerate() {
            // SAFETY: the object is fresh and has this many slots.
            unsafe { set_slot(object, i, *w) };
        }
        Ok(object as u64)
    })();
    if built.is_err() {
        for w in words {
            // SAFETY: absent, or just made and not stored anywhere.
            unsafe { count::drop(heap, w) };
        }
    }
    built
}

/// The text of the kind, message or location of an Error.
///
/// # Safety
/// `error` is a live Error; the text is not used after it is dropped or changed.
pub unsafe fn text<'a>(error: u64, slot: usize) -> &'a str {
    debug_assert!(slot <= LOCATION);
    // SAFETY: these slots hold Strings.
    unsafe { string::as_str(get_slot(header(error), slot)) }
}

/// The trace (`list[String]`) or the causes (`list[Error]`), borrowed from the Error.
///
/// # Safety
/// `error` is a live Error.
pub unsafe fn list_slot(error: u64, slot: usize) -> u64 {
    debug_assert!(slot == TRACE || slot == CAUSES);
    // SAFETY: by contract.
    unsafe { get_slot(header(error), slot) }
}

/// Appends a frame to the trace.
///
/// # Safety
/// `error` is a live Error that nobody else is looking at (it may be shared later).
pub unsafe fn push_trace(heap: &mut Heap, error: u64, frame: &str) -> Alloc<()> {
    let frame = string::new(heap, frame)?;
    // SAFETY: by contract; the slot holds a list[String].
    unsafe { list::push(heap, &mut *slot_ptr(header(error), TRACE), frame) }
}

/// Appends a cause, whose reference is consumed.
///
/// # Safety
/// As [`push_trace`]; `cause` is an owned Error.
pub unsafe fn push_cause(heap: &mut Heap, error: u64, cause: u64) -> Alloc<()> {
    // SAFETY: by contract; the slot holds a list[Error].
    unsafe { list::push(heap, &mut *slot_ptr(header(error), CAUSES), cause) }
}

/// Sets the location if there is none yet.
///
/// # Safety
/// As [`push_trace`].
pub unsafe fn locate(heap: &mut Heap, error: u64, location: &str) -> Alloc<()> {
    // SAFETY: by contract; the slot holds a String, replaced by a String.
    unsafe {
        if text(error, LOCATION).is_empty() {
            let w = string::new(heap, location)?;
            let slot = slot_ptr(header(error), LOCATION);
            let old = slot.replace(w);
            count::drop(heap, old);
        }
    }
    Ok(())
}

/// Makes the Error in `slot` unique, so that a frame or a cause can be added to it.
///
/// # Safety
/// `slot` owns a live Error.
pub unsafe fn make_unique(heap: &mut Heap, slot: &mut u64) -> Alloc<()> {
    // SAFETY: by contract; an Error has fixed slots.
    unsafe { super::record::make_unique(heap, slot) }
}
