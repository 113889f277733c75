//! The process's own code in memory.

/// Lets the system take the memory of code and constants of this program that have been read so
/// far: what is used again is mapped again (it stays in the system's file cache), what was only
/// needed before is not. For a program that goes through phases with much code each.
///
/// A debugger that has put breakpoints into the code loses them.
pub fn give_back_code() {
    #[cfg(all(target_os = "linux", not(miri)))]
    linux::give_back_code();
}

#[cfg(all(target_os = "linux", not(miri)))]
mod linux {
    unsafe extern "C" {
        /// The start of the program's image; only its address means something.
        static __executable_start: u8;
        /// The end of its code.
        static etext: u8;
    }

    pub(super) fn give_back_code() {
        // SAFETY: asks for a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let Ok(page) = usize::try_from(page) else {
            return;
        };
        let start = (&raw const __executable_start as usize).next_multiple_of(page);
        let end = &raw const etext as usize / page * page;
        if start < end {
            // SAFETY: these pages are the program's file as it is: nothing writes to its headers,
            // constants or code, so what is read again is what was there.
            unsafe { libc::madvise(start as *mut _, end - start, libc::MADV_DONTNEED) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::give_back_code;

    #[test]
    fn the_program_goes_on() {
        let text = "constants are there again";
        give_back_code();
        assert_eq!(text.len(), 25);
    }
}
