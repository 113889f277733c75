//! The clocks of the operating system.

use std::time::Duration;

/// Nanoseconds of the clock that only goes forwards. (`Instant` does the same and takes twice as
/// long, because it checks more.)
#[inline]
pub fn monotonic_ns() -> u64 {
    let time = read(libc::CLOCK_MONOTONIC);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Processor time of this process so far.
pub fn process_cpu() -> Duration {
    duration(read(libc::CLOCK_PROCESS_CPUTIME_ID))
}

/// Processor time of this thread so far: others may keep it waiting.
pub fn thread_cpu() -> Duration {
    duration(read(libc::CLOCK_THREAD_CPUTIME_ID))
}

#[inline]
fn read(clock: libc::clockid_t) -> libc::timespec {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the place is ours. With these clocks the call does not fail.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time
}

fn duration(time: libc::timespec) -> Duration {
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
