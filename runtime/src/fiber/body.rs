//! The code of a task, and how it lies in its fiber.

use super::{Fiber, FiberCx};
use crate::payload::Outcome;
use std::mem::offset_of;

/// How one resumption of a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The task has ended.
    Done(Outcome),
    /// An operation answered `Poll::Pending`; resume the body when it may go on.
    Parked,
}

/// The code of a task.
///
/// A body that parks by *returning* [`Step::Parked`] keeps its own frames and is resumed by
/// another call of `resume`, where it calls the very operation again that answered `Pending`.
/// A body that parks by [`FiberCx::suspend`] must say so in `needs_stack`; its one call of
/// `resume` lasts until the task has ended.
///
/// A body is part of its task's one allocation. Small ones make small tasks.
pub trait Body: Send {
    /// Runs until the task ends or must wait.
    fn resume(&mut self, cx: &FiberCx) -> Step;

    /// Must this resumption run on a coroutine stack of its own?
    fn needs_stack(&self) -> bool {
        false
    }

    /// Where a parked body stands, innermost first, in the embedder's own numbers. Asked only
    /// for reports, only while the body does not run.
    fn trace(&self) -> Vec<u64> {
        Vec::new()
    }
}

impl<B: Body + ?Sized> Body for Box<B> {
    fn resume(&mut self, cx: &FiberCx) -> Step {
        (**self).resume(cx)
    }

    fn needs_stack(&self) -> bool {
        (**self).needs_stack()
    }

    fn trace(&self) -> Vec<u64> {
        (**self).trace()
    }
}

/// What can be done with a body of some type, and where it lies.
///
/// Each function's pointer is that of a live body of the table's type, and the caller is who may
/// use it.
pub(crate) struct BodyTable {
    /// From the start of the fiber.
    pub(crate) offset: usize,
    /// Of fiber and body.
    pub(crate) size: usize,
    pub(crate) resume: unsafe fn(*mut u8, &FiberCx) -> Step,
    pub(crate) needs_stack: unsafe fn(*const u8) -> bool,
    pub(crate) trace: unsafe fn(*const u8) -> Vec<u64>,
    pub(crate) drop: unsafe fn(*mut u8),
}

/// Bodies with a larger alignment go into a box.
pub(crate) const MAX_ALIGN: usize = 16;

pub(crate) trait Tabled {
    const TABLE: BodyTable;
}

impl<B: Body> Tabled for B {
    const TABLE: BodyTable = {
        assert!(align_of::<B>() <= MAX_ALIGN, "box this body");
        let offset = offset_of!(Fiber, first).next_multiple_of(align_of::<B>());
        let end = offset + size_of::<B>();
        let least = size_of::<Fiber>();
        BodyTable {
            offset,
            size: if end > least { end } else { least },
            // SAFETY: by the table's contract.
            resume: |body, cx| unsafe { (*body.cast::<B>()).resume(cx) },
            // SAFETY: as above.
            needs_stack: |body| unsafe { (*body.cast::<B>()).needs_stack() },
            // SAFETY: as above.
            trace: |body| unsafe { (*body.cast::<B>()).trace() },
            // SAFETY: as above.
            drop: |body| unsafe { body.cast::<B>().drop_in_place() },
        }
    };
}

/// The body of a task that is completed by hand.
pub(crate) struct NoBody;

impl Body for NoBody {
    fn resume(&mut self, _: &FiberCx) -> Step {
        Step::Done(Outcome::Cancelled)
    }
}
