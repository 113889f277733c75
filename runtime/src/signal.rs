//! Ctrl-C, and being asked to end, as a call on a thread of its own, where anything may be done.

use std::io;
use std::sync::atomic::{AtomicI32, Ordering};

/// The writing end of the pipe the signal handler writes to; -1 before there is one.
static PIPE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn note(signal: libc::c_int) {
    let byte = signal as u8;
    // SAFETY: `write` may be called from a signal handler; the pipe is never closed. A full pipe
    // or an error is of no consequence: the thread has enough to read then.
    unsafe {
        let errno = libc::__errno_location();
        let saved = *errno;
        libc::write(PIPE.load(Ordering::Relaxed), (&raw const byte).cast(), 1);
        *errno = saved;
    }
}

/// What was sent to the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: the system, or somebody, asks it to end.
    Terminate,
}

/// Calls `handler` at every SIGINT and SIGTERM from now on, on a thread of its own. Once per
/// process.
///
/// # Errors
/// When it has been called before, or the system refuses pipe, thread or handler.
pub fn on_interrupt(handler: impl Fn(Signal) + Send + 'static) -> io::Result<()> {
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
        return Err(io::Error::other("signals have a handler already"));
    }
    std::thread::Builder::new()
        .name("interrupts".into())
        .spawn(move || {
            let mut byte = 0u8;
            loop {
                // SAFETY: one byte into one byte; the descriptor is this thread's.
                match unsafe { libc::read(from, (&raw mut byte).cast(), 1) } {
                    1 if i32::from(byte) == libc::SIGTERM => handler(Signal::Terminate),
                    1 => handler(Signal::Interrupt),
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
        let nowhere = std::ptr::null_mut();
        libc::sigaction(libc::SIGTERM, &raw const action, nowhere)
            | libc::sigaction(libc::SIGINT, &raw const action, nowhere)
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
