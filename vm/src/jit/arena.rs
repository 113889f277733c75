//! Memory for machine code: written, then made executable, never both at once.

use std::io;
use std::ptr::{NonNull, null_mut};

/// Address space reserved for one program's code. Direct calls reach all of it on every target.
const RESERVE: usize = 64 << 20;

/// One program's machine code. It is unmapped when this is dropped.
pub(super) struct Arena {
    base: Option<NonNull<u8>>,
    used: usize,
    page: usize,
}

// SAFETY: an arena owns its mapping.
unsafe impl Send for Arena {}

impl Arena {
    /// Nothing is reserved before it is needed.
    pub(super) fn new() -> Arena {
        Arena {
            base: None,
            used: 0,
            page: 4096,
        }
    }

    /// The address that the next code will have.
    pub(super) fn next(&mut self) -> io::Result<usize> {
        Ok(self.base()?.as_ptr() as usize + self.used)
    }

    fn base(&mut self) -> io::Result<NonNull<u8>> {
        if let Some(base) = self.base {
            return Ok(base);
        }
        // SAFETY: a fresh private mapping; asking for the page size has no effect.
        let (base, page) = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let base = libc::mmap(null_mut(), RESERVE, libc::PROT_NONE, flags, -1, 0);
            (base, libc::sysconf(libc::_SC_PAGESIZE))
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        self.page = usize::try_from(page).unwrap_or(4096);
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        self.base = Some(base);
        Ok(base)
    }

    /// Puts code at the address that [`Arena::next`] has given.
    pub(super) fn place(&mut self, code: &[u8]) -> io::Result<NonNull<u8>> {
        let base = self.base()?;
        let size = code.len().next_multiple_of(self.page);
        if self.used + size > RESERVE {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        // SAFETY: pages of our mapping that nothing uses yet.
        unsafe {
            let at = base.add(self.used);
            protect(at, size, libc::PROT_READ | libc::PROT_WRITE)?;
            at.as_ptr()
                .copy_from_nonoverlapping(code.as_ptr(), code.len());
            show_to_fetch(at.as_ptr() as usize, code.len())?;
            protect(at, size, libc::PROT_READ | libc::PROT_EXEC)?;
            self.used += size;
            Ok(at)
        }
    }
}

unsafe fn protect(at: NonNull<u8>, size: usize, how: libc::c_int) -> io::Result<()> {
    // SAFETY: the caller's pages.
    match unsafe { libc::mprotect(at.as_ptr().cast(), size, how) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Makes written code visible to instruction fetch. Here stores are seen by it at once.
///
/// # Safety
/// The range is mapped.
#[cfg(not(target_arch = "aarch64"))]
unsafe fn show_to_fetch(_start: usize, _len: usize) -> io::Result<()> {
    Ok(())
}

/// Makes written code visible to instruction fetch: cleans the data cache, invalidates the
/// instruction cache, and has every thread of the process drop what it has fetched ahead.
///
/// # Safety
/// The range is mapped.
#[cfg(target_arch = "aarch64")]
unsafe fn show_to_fetch(start: usize, len: usize) -> io::Result<()> {
    use std::arch::asm;

    /// `membarrier` commands of Linux: a context synchronisation event on all cores that run
    /// threads of this process, and the wish to use that.
    const SYNC_CORE: libc::c_int = 1 << 5;
    const REGISTER_SYNC_CORE: libc::c_int = 1 << 6;

    let end = start + len;
    let types: usize;
    // SAFETY: user code may read cache sizes, and clean and invalidate lines of its own mappings.
    unsafe {
        asm!("mrs {}, ctr_el0", out(reg) types, options(nomem, nostack, preserves_flags));
        let (code_line, data_line) = (4_usize << (types & 15), 4_usize << (types >> 16 & 15));
        for line in (start & !(data_line - 1)..end).step_by(data_line) {
            asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags));
        }
        asm!("dsb ish", options(nostack, preserves_flags));
        for line in (start & !(code_line - 1)..end).step_by(code_line) {
            asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags));
        }
        asm!("dsb ish", "isb", options(nostack, preserves_flags));
        if cfg!(target_os = "linux") {
            for command in [REGISTER_SYNC_CORE, SYNC_CORE] {
                if libc::syscall(libc::SYS_membarrier, command, 0, 0) != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
        }
    }
    Ok(())
}

impl Drop for Arena {
    fn drop(&mut self) {
        if let Some(base) = self.base {
            // SAFETY: our mapping; the program whose code it is has ended.
            unsafe { libc::munmap(base.as_ptr().cast(), RESERVE) };
        }
    }
}
