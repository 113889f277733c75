//! Huge pages.
//!
//! The first touch of a page costs about a microsecond in the kernel, under a lock that all threads
//! share: with pages of 4 KB that is half of what a million small tasks cost. So memory that comes
//! in large pieces, and is going to be filled, is asked for in pages of 2 MB. A system that does
//! not have them, or not for the asking, is none the worse.

use std::alloc::{GlobalAlloc, Layout, System};

/// A huge page's size, and alignment.
pub(crate) const PAGE: usize = 2 << 20;

/// From so many bytes on, a program's memory is taken in huge pages: the last of them is mostly
/// empty, and that shall be a small share of the whole.
pub(crate) const WORTH_IT: usize = 16 << 20;

/// What is taken at a time.
pub(crate) const PIECE: usize = 2 * PAGE;

/// How a piece is laid out.
pub(crate) fn piece_layout() -> Layout {
    Layout::from_size_align(PIECE, PAGE)
        .unwrap_or_else(|_| unreachable!("a power of two, and a multiple of it"))
}

/// A [`PIECE`] from the system, for huge pages; null when there is none.
pub(crate) fn piece() -> *mut u8 {
    // SAFETY: the layout is not empty.
    let piece = unsafe { System.alloc(piece_layout()) };
    if !piece.is_null() {
        prefer(piece, PIECE);
    }
    piece
}

/// As [`prefer`], of memory that is worth it.
#[inline]
pub(crate) fn prefer_large(start: *mut u8, bytes: usize) {
    if bytes > WORTH_IT && !start.is_null() {
        prefer(start, bytes);
    }
}

/// Asks for huge pages where the memory consists of whole ones.
#[cold]
pub(crate) fn prefer(start: *mut u8, bytes: usize) {
    let first = (start as usize).next_multiple_of(PAGE);
    let end = (start as usize + bytes) / PAGE * PAGE;
    if first >= end {
        return;
    }
    #[cfg(all(target_os = "linux", not(miri)))]
    // SAFETY: the caller's memory; what it holds does not change. Refusal does no harm.
    unsafe {
        libc::madvise(
            start.add(first - start as usize).cast(),
            end - first,
            libc::MADV_HUGEPAGE,
        );
    }
}
