//! The world of a program that is measured: its output is taken and only compared, its input is
//! empty, and chance is the same in every run.

use std::hash::Hasher;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use lumen_runtime::native::{Failure, Host, Stream, ToolCall};

use crate::host::{Process, world_of_process};

/// Bytes of stderr that are kept, for when the program fails.
const ERRORS_MAX: usize = 16 * 1024;

/// What a program printed.
#[derive(Clone, Debug, Default)]
pub struct Printed {
    /// A digest of stdout.
    pub digest: u64,
    /// Its length.
    pub bytes: u64,
    /// The beginning of stderr.
    pub errors: String,
}

/// The world of one run.
#[derive(Debug)]
pub struct Quiet {
    process: Process,
    printed: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    hasher: std::hash::DefaultHasher,
    printed: Printed,
}

impl Quiet {
    /// For a run of the program in `file`.
    #[must_use]
    pub fn new(file: &Path, arguments: &[String], workers: usize, seed: u64) -> Quiet {
        Quiet {
            process: Process::new(file, arguments.to_vec(), workers, Some(seed)),
            printed: Mutex::default(),
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.printed.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// What was printed so far, and then `end`, the program's value.
    #[must_use]
    pub fn printed(&self, end: &str) -> Printed {
        let mut taken = self.taken();
        taken.hasher.write(end.as_bytes());
        taken.printed.digest = taken.hasher.finish();
        taken.printed.clone()
    }
}

impl Host for Quiet {
    world_of_process!();

    fn write(&self, stream: Stream, text: &str) -> Result<(), String> {
        let mut taken = self.taken();
        match stream {
            Stream::Out => {
                taken.hasher.write(text.as_bytes());
                taken.printed.bytes += text.len() as u64;
            }
            Stream::Err if taken.printed.errors.len() < ERRORS_MAX => {
                taken.printed.errors.push_str(text);
            }
            Stream::Err => {}
        }
        Ok(())
    }

    fn read_line(&self) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn read_rest(&self) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }
}
