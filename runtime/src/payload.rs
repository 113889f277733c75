//! What travels between fibers: opaque 64-bit slots, and what to do with one nobody takes.

/// How the embedder's slots are dropped, handed out twice and compared.
///
/// A slot is whatever the embedder says: a small number, a pointer to a counted object, a box.
/// The runtime moves slots; it calls `drop` on one that is never taken, `share` when it hands the
/// same one out a second time, and `equal` to count the votes of a `vote` block.
#[derive(Debug)]
pub struct PayloadVTable {
    /// Gives the slot up.
    pub drop: unsafe fn(u64),
    /// Makes a second slot of the same value (counts a reference up, say).
    pub share: unsafe fn(u64) -> u64,
    /// Structural equality of two slots; neither is consumed.
    pub equal: unsafe fn(u64, u64) -> bool,
    /// Slots that have any of these bits own nothing: `drop` and `share` need not be called.
    pub immediate: u64,
}

unsafe fn plain_drop(_: u64) {}
unsafe fn plain_share(slot: u64) -> u64 {
    slot
}
unsafe fn plain_equal(a: u64, b: u64) -> bool {
    a == b
}

impl PayloadVTable {
    /// Slots that are plain numbers and own nothing.
    pub const PLAIN: &'static PayloadVTable = &PayloadVTable {
        drop: plain_drop,
        share: plain_share,
        equal: plain_equal,
        immediate: u64::MAX,
    };

    #[inline]
    pub(crate) fn drop_slot(&self, slot: u64) {
        if slot & self.immediate == 0 {
            // SAFETY: the caller owns the slot and gives it up; it was made under this table.
            unsafe { (self.drop)(slot) }
        }
    }

    #[inline]
    pub(crate) fn share_slot(&self, slot: u64) -> u64 {
        if slot & self.immediate != 0 {
            return slot;
        }
        // SAFETY: the caller owns the slot, which was made under this table.
        unsafe { (self.share)(slot) }
    }

    pub(crate) fn equal_slots(&self, a: u64, b: u64) -> bool {
        // SAFETY: the caller owns both slots, which were made under this table.
        unsafe { (self.equal)(a, b) }
    }
}

/// The end of a task: exactly one per task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned this value.
    Ok(u64),
    /// It failed; the slot is the embedder's description of the failure.
    Failed(u64),
    /// It was cancelled and has unwound.
    Cancelled,
}

impl Outcome {
    /// The slot inside, if any.
    #[inline]
    pub fn slot(self) -> Option<u64> {
        match self {
            Outcome::Ok(slot) | Outcome::Failed(slot) => Some(slot),
            Outcome::Cancelled => None,
        }
    }

    /// A second copy of the same outcome.
    #[inline]
    pub fn share(self, payload: &PayloadVTable) -> Outcome {
        match self {
            Outcome::Ok(slot) => Outcome::Ok(payload.share_slot(slot)),
            Outcome::Failed(slot) => Outcome::Failed(payload.share_slot(slot)),
            Outcome::Cancelled => Outcome::Cancelled,
        }
    }

    /// Gives up what the outcome holds.
    #[inline]
    pub fn release(self, payload: &PayloadVTable) {
        if let Some(slot) = self.slot() {
            payload.drop_slot(slot);
        }
    }

    pub(crate) fn tag(self) -> u64 {
        match self {
            Outcome::Ok(_) => 0,
            Outcome::Failed(_) => 1,
            Outcome::Cancelled => 2,
        }
    }
}
