//! The queue of a worker's woken and yielded fibers, oldest first.
//!
//! Where there are thieves it is crossbeam's. A worker without any has a plain one, whose entries
//! say more: a fiber that has only made room stays RUNNING in it, so that making room costs no
//! change of its state.

use crate::fiber::FiberRef;
use crate::sched::pool::Remote;
use crossbeam_deque::Worker as Fifo;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::atomic::Ordering;

/// The owner's side.
pub(crate) struct Woken {
    /// What thieves see.
    pub(crate) fifo: Fifo<FiberRef>,
    /// Instead of it, where there are none: fibers, and whether they are RUNNING.
    own: Option<RefCell<VecDeque<(FiberRef, bool)>>>,
    /// Whether the fiber taken last is RUNNING.
    took_running: Cell<bool>,
}

impl Woken {
    /// `alone`: there will be no thieves.
    pub(crate) fn new(fifo: Fifo<FiberRef>, alone: bool) -> Woken {
        Woken {
            fifo,
            own: alone.then(RefCell::default),
            took_running: Cell::new(false),
        }
    }

    /// Are there no thieves?
    #[inline]
    pub(crate) fn is_alone(&self) -> bool {
        self.own.is_some()
    }

    /// Adds a fiber that is READY.
    #[inline]
    pub(crate) fn push(&self, remote: &Remote, fiber: FiberRef) {
        match &self.own {
            Some(_) => self.push_own(remote, fiber, false),
            None => self.fifo.push(fiber),
        }
    }

    /// Adds a fiber that has made room and is RUNNING still; only where there are no thieves.
    #[inline]
    pub(crate) fn push_running(&self, remote: &Remote, fiber: FiberRef) {
        self.push_own(remote, fiber, true);
    }

    #[inline]
    fn push_own(&self, remote: &Remote, fiber: FiberRef, running: bool) {
        if let Some(own) = &self.own {
            let mut own = own.borrow_mut();
            own.push_back((fiber, running));
            remote.woken.store(own.len(), Ordering::Release);
        }
    }

    /// Takes the oldest; [`Woken::take_running`] says more about it.
    #[inline]
    pub(crate) fn pop(&self, remote: &Remote) -> Option<FiberRef> {
        let Some(own) = &self.own else {
            return self.fifo.pop();
        };
        let mut own = own.borrow_mut();
        let (fiber, running) = own.pop_front()?;
        remote.woken.store(own.len(), Ordering::Release);
        self.took_running.set(running);
        Some(fiber)
    }

    /// Is the fiber that the worker has just got from its queues RUNNING, as it has only made room?
    #[inline]
    pub(crate) fn take_running(&self) -> bool {
        self.took_running.take()
    }
}
