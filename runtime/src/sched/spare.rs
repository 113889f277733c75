//! References to groups that workers keep to spare.
//!
//! Every task refers to the group it belongs to. A worker that makes and ends many tasks of one
//! group takes references in batches, and puts back those of the tasks it frees, without a locked
//! instruction for each.

use crate::counted::{Ref, drop_references};
use crate::sched::group::Group;
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

/// References to a group that a worker takes at a time for the tasks it makes in it.
const BATCH: u32 = 64;
/// The first task that gets its reference from a batch.
const FEW: u32 = 8;

/// References to one group that a worker's thread keeps for the tasks it makes and ends.
struct Spare {
    group: Cell<*mut Group>,
    references: Cell<u32>,
    /// Does this thread keep any?
    on: Cell<bool>,
}

thread_local! {
    static SPARE: Spare = const {
        Spare {
            group: Cell::new(null_mut()),
            references: Cell::new(0),
            on: Cell::new(false),
        }
    };
}

impl Group {
    /// From now on (or no longer) this thread keeps spare references. To be turned off before the
    /// thread ends.
    pub(crate) fn keep_spare(on: bool) {
        Self::drop_spare();
        SPARE.with(|spare| spare.on.set(on));
    }

    /// Gives up the references this thread has to spare.
    pub(crate) fn drop_spare() {
        SPARE.with(|spare| {
            let group = spare.group.replace(null_mut());
            let n = spare.references.replace(0);
            if let (Some(group), 1..) = (NonNull::new(group), n) {
                // SAFETY: these references were this thread's.
                unsafe { drop_references(group, n) }
            }
        });
    }

    /// Gives up a reference, or keeps it for the next task.
    #[inline]
    pub(crate) fn put_back(group: Ref<Group>) {
        SPARE.with(|spare| {
            if spare.group.get() == group.as_ptr() {
                spare.references.set(spare.references.get() + 1);
                std::mem::forget(group);
            } else {
                drop(group);
            }
        });
    }
}

impl Ref<Group> {
    /// A reference for the `ordinal`th task that the calling worker makes in the group of the
    /// fiber it runs. Most fibers start few: those do without a batch.
    #[inline]
    pub(crate) fn spare(&self, ordinal: u32) -> Ref<Group> {
        if ordinal < FEW {
            return self.another();
        }
        SPARE.with(|spare| {
            if spare.group.get() != self.as_ptr() || spare.references.get() == 0 {
                if !spare.on.get() {
                    return self.clone();
                }
                Group::drop_spare();
                self.add_references(BATCH);
                spare.group.set(self.as_ptr());
                spare.references.set(BATCH);
            }
            spare.references.set(spare.references.get() - 1);
            // SAFETY: one of the references accounted for here.
            unsafe { Ref::from_raw(self.as_ptr()) }
        })
    }
}
