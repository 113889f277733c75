//! Handles: heap objects that own one reference to a Rust object (futures, channels, files …).

use std::sync::Arc;

use super::alloc::{Alloc, Heap};
use super::object::{HandleObject, Header};
use super::types::TypeIx;
use super::word::header;

/// What the heap can do with the Rust object behind a handle.
pub struct HandleVtable {
    /// Gives up the handle's reference.
    pub release: unsafe fn(*const (), &mut Heap),
    /// Appends the printed form.
    pub describe: unsafe fn(*const (), &mut String),
    /// The type behind the pointer, checked by [`get`].
    pub type_id: fn() -> std::any::TypeId,
}

/// A Rust object that Lumen code can hold through a handle.
pub trait HandleData: Send + Sync + 'static {
    /// Appends the printed form, such as `Channel(capacity: 4, on_full: block, MPMC, FIFO)`.
    fn describe(&self, out: &mut String);

    /// Called when a handle gives up its reference. Override it if the object holds words: with
    /// [`Arc::into_inner`] the last one can drop them on `heap`.
    #[inline]
    fn release(this: Arc<Self>, heap: &mut Heap)
    where
        Self: Sized,
    {
        let _ = heap;
        drop(this);
    }

    /// Its table. Types that are looked for all the time give the address of a static, made by
    /// [`table_of`]: then [`get`] has only addresses to compare.
    #[inline]
    fn table() -> &'static HandleVtable
    where
        Self: Sized,
    {
        &Self::VTABLE
    }
}

/// A table for [`HandleData::table`].
pub const fn table_of<T: HandleData>() -> HandleVtable {
    T::VTABLE
}

trait VtableOf {
    const VTABLE: HandleVtable;
}

impl<T: HandleData> VtableOf for T {
    const VTABLE: HandleVtable = HandleVtable {
        release: |data, heap| {
            // SAFETY: `data` came from `Arc::into_raw` in `new`, and its reference ends here.
            T::release(unsafe { Arc::from_raw(data.cast::<T>()) }, heap);
        },
        describe: |data, out| {
            // SAFETY: the handle keeps the object alive.
            unsafe { &*data.cast::<T>() }.describe(out);
        },
        type_id: std::any::TypeId::of::<T>,
    };
}

/// Makes a handle of type `ty`.
pub fn new<T: HandleData>(heap: &mut Heap, ty: TypeIx, data: Arc<T>) -> Alloc<u64> {
    let object = heap
        .alloc_object(ty, size_of::<HandleObject>())?
        .as_ptr()
        .cast::<HandleObject>();
    // SAFETY: the object is fresh and of this layout.
    unsafe {
        (&raw mut (*object).data).write(Arc::into_raw(data).cast());
        (&raw mut (*object).vtable).write(T::table());
    }
    Ok(object as u64)
}

/// Makes a handle of type `ty` for data that is counted in its own way.
///
/// # Safety
/// `table` is that of `data`, whose reference becomes the handle's, also when this fails.
#[inline]
pub(crate) unsafe fn new_raw(
    heap: &mut Heap,
    ty: TypeIx,
    data: *const (),
    table: &'static HandleVtable,
) -> Alloc<u64> {
    let object = match heap.alloc_object(ty, size_of::<HandleObject>()) {
        Ok(object) => object.as_ptr().cast::<HandleObject>(),
        Err(why) => {
            // SAFETY: by contract.
            unsafe { (table.release)(data, heap) };
            return Err(why);
        }
    };
    // SAFETY: the object is fresh and of this layout.
    unsafe {
        (&raw mut (*object).data).write(data);
        (&raw mut (*object).vtable).write(table);
    }
    Ok(object as u64)
}

/// What is behind a handle, if its table is this one.
///
/// # Safety
/// `w` is a live word of a handle type.
#[inline]
pub(crate) unsafe fn get_raw(w: u64, table: &'static HandleVtable) -> Option<*const ()> {
    // SAFETY: by contract.
    unsafe {
        let object = header(w).cast::<HandleObject>();
        std::ptr::eq((*object).vtable, table).then_some((*object).data)
    }
}

/// The Rust object behind a handle, if it is a `T`.
///
/// # Safety
/// `w` is a live word of a handle type; the reference is not used after the handle is dropped.
#[inline]
pub unsafe fn get<'a, T: HandleData>(w: u64) -> Option<&'a T> {
    // SAFETY: by contract; the type is compared before the cast.
    unsafe {
        let object = header(w).cast::<HandleObject>();
        // Tables of one type may have several addresses.
        let same = std::ptr::eq((*object).vtable, T::table())
            || ((*object).vtable.type_id)() == std::any::TypeId::of::<T>();
        if !same {
            return None;
        }
        Some(&*(*object).data.cast::<T>())
    }
}

/// A new reference to the Rust object behind a handle, if it is a `T`.
///
/// # Safety
/// As [`get`].
pub unsafe fn get_arc<T: HandleData>(w: u64) -> Option<Arc<T>> {
    // SAFETY: the pointer came from `Arc::into_raw`; counting up first keeps the handle's own.
    unsafe {
        let data = std::ptr::from_ref(get::<T>(w)?);
        Arc::increment_strong_count(data);
        Some(Arc::from_raw(data))
    }
}

/// Releases the Rust object of a dying handle.
///
/// # Safety
/// `object` is a handle whose last reference is gone.
pub(super) unsafe fn release(object: *mut Header, heap: &mut Heap) {
    // SAFETY: by contract.
    unsafe {
        let object = object.cast::<HandleObject>();
        ((*object).vtable.release)((*object).data, heap);
    }
}

/// Appends the printed form of a handle.
///
/// # Safety
/// `w` is a live word of a handle type.
pub(super) unsafe fn describe(w: u64, out: &mut String) {
    // SAFETY: by contract.
    unsafe {
        let object = header(w).cast::<HandleObject>();
        ((*object).vtable.describe)((*object).data, out);
    }
}
