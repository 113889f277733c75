//! Ctrl-C as a call on a thread of its own, where anything may be done.

use std::io;
use std::sync::atomic::{AtomicI32, Ordering};

/// The writing end of the pipe the signal handler writes to; -1 before there is one.
static PIPE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn note(_: libc::c_int) {
    let byte = 1u8;
    // SAFETY: `write` may be called from a signal handler; the pipe is never closed. A full pipe
    // or an error is of no consequence: the thread has enough to read then.
    unsafe {
        let errno = libc::__errno_location();
        let saved = *errno;
        libc::write(PIPE.load(Ordering::Relaxed), (&raw const byte).cast(), 1);
        *errno = saved;
    }
}

/// Calls `handler` at every SIGINT from now on, on a thread of its own. Once per process.
///
/// # Errors
/// When it has been called before, or the system refuses pipe, thread or handler.
pub fn on_interrupt(handler: impl Fn() + Send + 'static) -> io::Result<()> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let [from, to] = ends;
    if PIPE
        .compare_exchange(-1, to, Ordering::AcqRel, Ordering::Relaxed)
        .is_err()
    {
        // SAFETY: both ends are ours, and nobody else knows them.
        unsafe { (libc::close(from), libc::close(to)) };
        return Err(io::Error::other("SIGINT has a handler already"));
    }
    std::thread::Builder::new()
        .name("interrupts".into())
        .spawn(move || {
            let mut byte = 0u8;
            loop {
                // SAFETY: one byte into one byte; the descriptor is this thread's.
                match unsafe { libc::read(from, (&raw mut byte).cast(), 1) } {
                    1 => handler(),
                    -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                    _ => break,
                }
            }
        })?;
    // SAFETY: a zeroed `sigaction` is a valid one without flags and with an empty mask; the
    // handler does only what a signal handler may.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = note as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(libc::SIGINT, &raw const action, std::ptr::null_mut())
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
