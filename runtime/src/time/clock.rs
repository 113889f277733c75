//! The clocks: nanoseconds since the start of the runtime.

use crate::config::ClockKind;
use crate::time::system::monotonic_ns;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells the time.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Of the system's clock.
    start: u64,
    virtual_now: AtomicU64,
    kind: ClockKind,
}

impl Clock {
    pub(crate) fn new(kind: ClockKind) -> Self {
        Clock {
            start: monotonic_ns(),
            virtual_now: AtomicU64::new(0),
            kind,
        }
    }

    pub(crate) fn is_virtual(&self) -> bool {
        self.kind == ClockKind::Virtual
    }

    /// The time fibers see.
    pub(crate) fn now(&self) -> u64 {
        match self.kind {
            ClockKind::Real => self.real(),
            ClockKind::Virtual => self.virtual_now.load(Ordering::Acquire),
        }
    }

    /// The machine's time, for time slices and wake-up delays.
    pub(crate) fn real(&self) -> u64 {
        monotonic_ns() - self.start
    }

    /// Moves virtual time on; it never goes back.
    pub(crate) fn advance_to(&self, now: u64) {
        self.virtual_now.fetch_max(now, Ordering::AcqRel);
    }
}
