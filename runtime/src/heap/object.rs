//! Layout of heap objects: what interpreter, natives and native code agree on.
//!
//! Every object begins with a [`Header`] and is 8-byte aligned. All offsets below are taken from
//! the
//! `repr(C)` structures, so there is nothing to keep in step by hand.

use std::mem::{offset_of, size_of};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::Relaxed};

use super::types::TypeIx;

/// What every heap object begins with.
///
/// ```text
/// count > 0   local to one fiber; changed by plain loads and stores. 1: unique
/// count < 0   shared between fibers; -count references; changed atomically
/// count = 0   persistent: never counted, never freed, never unique
/// ```
#[repr(C)]
pub struct Header {
    /// The reference count. An atomic so that the sign may be read while others change it; the
    /// local path uses relaxed loads and stores, which are plain moves.
    pub count: AtomicI32,
    /// The type of the object.
    pub ty: TypeIx,
}

/// A list: `cap` elements of 8 bytes (1 for Bool) follow, of which `len` are in use.
#[repr(C)]
pub struct ListObject {
    /// Count and type.
    pub header: Header,
    /// Elements in use.
    pub len: u32,
    /// Elements there is room for.
    pub cap: u32,
}

/// A String: `cap` bytes follow, of which `len` are in use and valid UTF-8.
#[repr(C)]
pub struct StringObject {
    /// Count and type.
    pub header: Header,
    /// Bytes in use.
    pub len: u32,
    /// Characters (Unicode scalar values); equal to `len` exactly when all are ASCII.
    pub chars: u32,
    /// Bytes there is room for.
    pub cap: u32,
    /// Cached hash; 0 when not computed yet. Written by whoever computes it first.
    pub hash: AtomicU32,
}

/// Bytes: `cap` bytes follow, of which `len` are in use.
#[repr(C)]
pub struct BytesObject {
    /// Count and type.
    pub header: Header,
    /// Bytes in use.
    pub len: u32,
    /// Bytes there is room for.
    pub cap: u32,
}

/// A handle: owns one reference to a Rust object.
#[repr(C)]
pub struct HandleObject {
    /// Count and type.
    pub header: Header,
    /// The Rust object.
    pub data: *const (),
    /// What can be done with it.
    pub vtable: &'static super::handle::HandleVtable,
}

/// Size of the header.
pub const HEADER_SIZE: usize = size_of::<Header>();
/// Offset of the count (`i32`).
pub const COUNT_OFFSET: usize = offset_of!(Header, count);
/// Offset of the type index (`u32`).
pub const TYPE_OFFSET: usize = offset_of!(Header, ty);
/// Offset of the first slot of a record, tuple, variant, box or closure; slot i is at `+ 8 * i`.
pub const SLOTS_OFFSET: usize = size_of::<Header>();
/// Offset of a list's length (`u32`).
pub const LIST_LEN_OFFSET: usize = offset_of!(ListObject, len);
/// Offset of a list's capacity (`u32`).
pub const LIST_CAP_OFFSET: usize = offset_of!(ListObject, cap);
/// Offset of a list's first element.
pub const LIST_DATA_OFFSET: usize = size_of::<ListObject>();
/// Offset of a String's length in bytes (`u32`).
pub const STRING_LEN_OFFSET: usize = offset_of!(StringObject, len);
/// Offset of a String's length in characters (`u32`).
pub const STRING_CHARS_OFFSET: usize = offset_of!(StringObject, chars);
/// Offset of a String's first byte.
pub const STRING_DATA_OFFSET: usize = size_of::<StringObject>();
/// Offset of a Bytes' length (`u32`).
pub const BYTES_LEN_OFFSET: usize = offset_of!(BytesObject, len);
/// Offset of a Bytes' first byte.
pub const BYTES_DATA_OFFSET: usize = size_of::<BytesObject>();

impl Header {
    /// The header of a fresh object: unique and local.
    #[inline(always)]
    pub const fn new(ty: TypeIx) -> Header {
        Header {
            count: AtomicI32::new(1),
            ty,
        }
    }

    /// The count as it is now.
    #[inline(always)]
    pub fn count(&self) -> i32 {
        self.count.load(Relaxed)
    }
}

/// The address of slot `i` of a record, tuple, variant, box or closure.
///
/// # Safety
/// `object` points to a live object with more than `i` slots.
#[inline(always)]
pub unsafe fn slot_ptr(object: *mut Header, i: usize) -> *mut u64 {
    // SAFETY: slots follow the header; the caller vouches for `i`.
    unsafe { object.cast::<u8>().add(SLOTS_OFFSET).cast::<u64>().add(i) }
}

/// Reads slot `i`.
///
/// # Safety
/// As [`slot_ptr`]; the slot has been written.
#[inline(always)]
pub unsafe fn get_slot(object: *mut Header, i: usize) -> u64 {
    // SAFETY: by contract.
    unsafe { slot_ptr(object, i).read() }
}

/// Writes slot `i` without dropping what was there.
///
/// # Safety
/// As [`slot_ptr`]; nobody else refers to the object.
#[inline(always)]
pub unsafe fn set_slot(object: *mut Header, i: usize, value: u64) {
    // SAFETY: by contract.
    unsafe { slot_ptr(object, i).write(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_what_architecture_says() {
        assert_eq!((COUNT_OFFSET, TYPE_OFFSET, SLOTS_OFFSET), (0, 4, 8));
        assert_eq!(
            (LIST_LEN_OFFSET, LIST_CAP_OFFSET, LIST_DATA_OFFSET),
            (8, 12, 16)
        );
        assert_eq!(
            (STRING_LEN_OFFSET, STRING_CHARS_OFFSET, STRING_DATA_OFFSET),
            (8, 12, 24)
        );
        assert_eq!((BYTES_LEN_OFFSET, BYTES_DATA_OFFSET), (8, 16));
    }
}
