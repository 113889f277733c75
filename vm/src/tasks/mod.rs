//! What a running fiber is to the world around it.

use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use lumen_runtime::native;

use crate::interp::context::Due;
use crate::program::Instance;

/// The surroundings of a fiber while it runs.
pub(crate) struct Task {
    /// The program it belongs to.
    instance: *const Instance,
    exit_code: AtomicI32,
}

impl Task {
    /// A fiber of `instance`, which outlives it.
    pub(crate) fn new(instance: &Instance) -> Task {
        Task {
            instance,
            exit_code: AtomicI32::new(0),
        }
    }

    /// The running program.
    pub(crate) fn program(&self) -> &Instance {
        // SAFETY: by the contract of `new`.
        unsafe { &*self.instance }
    }

    /// The outside world.
    pub(crate) fn outside(&self) -> &dyn native::Host {
        self.program().host()
    }

    /// What the poll word was set for.
    pub(crate) fn answer_poll(&self) -> Due {
        Due::Nothing
    }

    /// Holds cancellation back.
    pub(crate) fn mask(&self) {}

    /// Ends one `mask`.
    pub(crate) fn unmask(&self) {}

    /// The program is to end with this code.
    pub(crate) fn set_exit_code(&self, code: i32) {
        self.exit_code.store(code, Relaxed);
    }

    /// The code set by [`Task::set_exit_code`].
    pub(crate) fn exit_code(&self) -> i32 {
        self.exit_code.load(Relaxed)
    }
}
