//! A world for runs that are compared: what is printed is kept, standard input is the same for
//! each run; all else is the process's.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use lumen_runtime::native::{Failure, Host, Stream, ToolCall};

use crate::host::{Process, world_of_process};

/// One run's world.
#[derive(Debug)]
pub struct Captured {
    process: Process,
    input: Arc<OnceLock<Vec<u8>>>,
    /// How much of the input this run has read.
    read: AtomicUsize,
    out: Mutex<String>,
    errors: Mutex<String>,
}

impl Captured {
    /// As [`Process::new`]; `input` is standard input, read when a run first asks for it.
    #[must_use]
    pub fn new(
        file: &Path,
        arguments: Vec<String>,
        workers: usize,
        seed: Option<u64>,
        input: Arc<OnceLock<Vec<u8>>>,
    ) -> Captured {
        Captured {
            process: Process::new(file, arguments, workers, seed),
            input,
            read: AtomicUsize::new(0),
            out: Mutex::default(),
            errors: Mutex::default(),
        }
    }

    /// What has been printed: stdout, stderr.
    pub fn take(&self) -> (String, String) {
        let take = |text: &Mutex<String>| {
            std::mem::take(&mut *text.lock().unwrap_or_else(|e| e.into_inner()))
        };
        (take(&self.out), take(&self.errors))
    }

    fn input(&self) -> &[u8] {
        // What cannot be read is the end of the input, for every run.
        self.input
            .get_or_init(|| self.process.read_rest().unwrap_or_default())
    }
}

impl Host for Captured {
    fn started(&self, interrupt: Box<dyn Fn() -> bool + Send>) {
        self.process.started(interrupt);
    }

    world_of_process!();

    fn write(&self, stream: Stream, text: &str) -> Result<(), String> {
        let to = match stream {
            Stream::Out => &self.out,
            Stream::Err => &self.errors,
        };
        to.lock().unwrap_or_else(|e| e.into_inner()).push_str(text);
        Ok(())
    }

    fn read_line(&self) -> Result<Option<String>, String> {
        let rest = &self.input()[self.read.load(Ordering::Acquire)..];
        if rest.is_empty() {
            return Ok(None);
        }
        let end = rest.iter().position(|b| *b == b'\n');
        let line = &rest[..end.unwrap_or(rest.len())];
        let taken = end.map_or(rest.len(), |end| end + 1);
        self.read.fetch_add(taken, Ordering::AcqRel);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match String::from_utf8(line.to_vec()) {
            Ok(line) => Ok(Some(line)),
            Err(_) => Err("stream did not contain valid UTF-8".to_owned()),
        }
    }

    fn read_rest(&self) -> Result<Vec<u8>, String> {
        let input = self.input();
        let from = self.read.swap(input.len(), Ordering::AcqRel);
        Ok(input[from..].to_vec())
    }
}
