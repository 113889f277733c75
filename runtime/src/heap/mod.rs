//! The counted heap: values, their layout, and the operations on them.
//!
//! A value is a 64-bit *slot* whose representation follows from its static type (see
//! `docs/architecture.md`, section 1). The functions here are `unsafe` where they take slots: the
//! caller vouches that a slot is a live value of the type the function works on. The virtual
//! machine can, because the verifier has proved it; natives get the safe view of [`crate::native`].
//!
//! In this module "owned" means that the caller has a reference to give away, "borrowed" that the
//! value stays alive during the call because of a reference somebody else holds.

pub mod alloc;
pub mod bytes;
pub mod closure;
pub mod count;
pub mod crossing;
pub mod dynamic;
pub mod equal;
pub mod error;
pub mod format;
pub mod handle;
pub mod hash;
pub mod list;
pub mod map;
pub mod object;
pub mod record;
pub mod string;
#[cfg(test)]
mod tests;
pub mod types;
pub mod word;

pub use alloc::{Alloc, Heap, HeapShared, OutOfMemory};
pub use types::{Elem, Field, Repr, TypeIx, TypeKind, Types, well_known};
