//! `/tmp/perf-PID.map`: names for native code, as `perf report` wants them.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};

/// The file of this process.
pub(super) struct PerfMap(File);

impl PerfMap {
    /// Opens it; programs of one process share it.
    pub(super) fn open() -> io::Result<PerfMap> {
        let path = format!("/tmp/perf-{}.map", std::process::id());
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(PerfMap(file))
    }

    /// Adds code.
    pub(super) fn add(&mut self, address: usize, size: usize, name: &str) -> io::Result<()> {
        writeln!(self.0, "{address:x} {size:x} {name}")
    }
}
