//! Runs one process and takes its resource usage from the kernel.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What one run cost and printed.
pub(crate) struct Sample {
    /// User CPU time of the process, in seconds.
    pub(crate) user: f64,
    /// User and system CPU time, in seconds.
    pub(crate) cpu: f64,
    /// Elapsed time, in seconds.
    pub(crate) wall: f64,
    /// The largest resident set, in MB.
    pub(crate) peak_mb: f64,
    /// Its standard output.
    pub(crate) output: String,
}

/// Runs `command` with `size` as its argument, if any.
pub(crate) fn run(command: &[PathBuf], size: Option<&str>) -> Result<Sample, String> {
    let start = Instant::now();
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .args(size)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("{}: {e}", command[0].display()))?;
    // The programs print a few lines, so neither pipe can fill while the other is read.
    let output = drain(child.stdout.take());
    let errors = drain(child.stderr.take());
    let (status, usage) = wait(child.id())?;
    let wall = start.elapsed().as_secs_f64();
    if !libc::WIFEXITED(status) {
        return Err(format!("killed by signal {}", libc::WTERMSIG(status)));
    }
    if libc::WEXITSTATUS(status) != 0 {
        let reason = errors.lines().next().unwrap_or("no message").to_string();
        return Err(format!("exit code {}: {reason}", libc::WEXITSTATUS(status)));
    }
    let user = seconds(usage.ru_utime);
    Ok(Sample {
        user,
        cpu: user + seconds(usage.ru_stime),
        wall,
        peak_mb: usage.ru_maxrss as f64 / 1024.0,
        output,
    })
}

fn drain(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What could be read before an error is still the best description of the run.
        let _ = pipe.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 / 1e6
}

/// Waits for the child `pid`: its status and resource usage.
fn wait(pid: u32) -> Result<(libc::c_int, libc::rusage), String> {
    let mut status = 0;
    // SAFETY: `rusage` is a C struct of integers, for which all zeroes is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live locals of the types wait4 writes. `pid` is our child
        // and has not been waited for: `Child` is dropped without `wait`, which leaves it alone.
        let got = unsafe { libc::wait4(pid as libc::pid_t, &mut status, 0, &mut usage) };
        if got >= 0 {
            return Ok((status, usage));
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(format!("wait4: {error}"));
        }
    }
}
