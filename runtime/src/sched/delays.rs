//! Random pauses in parallel runs: they widen the windows in which races between workers hide.
//! For tests; nothing but timing changes.

use crate::random::Stream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Where pauses come from.
#[derive(Debug)]
pub(crate) struct Delays {
    drawn: AtomicU64,
}

impl Delays {
    pub(crate) fn new(seed: u64) -> Delays {
        Delays {
            drawn: AtomicU64::new(seed.rotate_left(32)),
        }
    }

    /// Mostly nothing; sometimes a few turns, a change of threads, or a wait that is long
    /// compared with everything else that happens.
    pub(crate) fn pause(&self) {
        let draw = self.drawn.fetch_add(1, Ordering::Relaxed);
        let dice = Stream::new(draw).next_u64();
        match dice % 128 {
            0 => std::thread::sleep(Duration::from_micros(dice >> 32 & 0xFF)),
            1..=12 => std::thread::yield_now(),
            13..=40 => (0..dice >> 32 & 0x7FF).for_each(|_| std::hint::spin_loop()),
            _ => {}
        }
    }
}
