//! The process's own code in memory.

/// Lets the system take the memory of code and constants of this program that have been read so
/// far: what is used again is mapped again (it stays in the system's file cache), what was only
/// needed before is not. For a program that goes through phases with much code each.
///
/// A debugger that has put breakpoints into the code loses them.
pub fn give_back_code() {
    #[cfg(all(target_os = "linux", not(miri)))]
    linux::give_back_code(false);
}

/// [`give_back_code`], and that of the libraries: some of it is needed again at once, so only for
/// a program that takes some time.
pub fn give_back_all_code() {
    #[cfg(all(target_os = "linux", not(miri)))]
    linux::give_back_code(true);
}

#[cfg(all(target_os = "linux", not(miri)))]
mod linux {
    use std::ffi::c_void;
    use std::ptr::{NonNull, null_mut};

    use libc::{PF_W, PT_LOAD, c_int, dl_phdr_info, size_t};

    pub(super) fn give_back_code(libraries: bool) {
        let only_first: *mut c_void = if libraries {
            null_mut()
        } else {
            NonNull::dangling().as_ptr()
        };
        // SAFETY: the function is called with what it expects, and unloads nothing.
        unsafe { libc::dl_iterate_phdr(Some(give_back), only_first) };
    }

    /// Gives back what of one object is never written: parts that are relocated are writable, at
    /// first at least. Goes on to the next unless the last argument is not null.
    unsafe extern "C" fn give_back(
        object: *mut dl_phdr_info,
        _: size_t,
        only_first: *mut c_void,
    ) -> c_int {
        // SAFETY: asks for a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let page = usize::try_from(page).unwrap_or(4096);
        // SAFETY: a loaded object with its headers.
        let (base, headers) = unsafe {
            let object = &*object;
            let headers = std::slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into());
            (object.dlpi_addr as usize, headers)
        };
        for part in headers {
            if part.p_type != PT_LOAD || part.p_flags & PF_W != 0 {
                continue;
            }
            let from = base + part.p_vaddr as usize;
            let end = (from + part.p_memsz as usize) / page * page;
            let start = from.next_multiple_of(page);
            if start < end {
                // SAFETY: these pages are a file as it is: nothing writes to its headers,
                // constants or code, so what is read again is what was there. The kernel's own
                // object is refused, which does no harm.
                unsafe { libc::madvise(start as *mut _, end - start, libc::MADV_DONTNEED) };
            }
        }
        // The program itself comes first.
        c_int::from(!only_first.is_null())
    }
}

#[cfg(test)]
mod tests {
    use super::give_back_all_code;

    #[test]
    fn the_program_goes_on() {
        let text = "constants are there again";
        give_back_all_code();
        assert_eq!(text.len(), 25);
    }
}
