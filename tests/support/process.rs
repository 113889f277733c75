//! Programs that are run to their end, or for as long as is allowed.

#![allow(unreachable_pub, dead_code, reason = "part of several test crates")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// After this long a program hangs. Generous: the machine may be slow and busy.
const TIME_MAX: Duration = Duration::from_secs(300);

/// What a process left.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// Runs `command` to its end, or for as long as is allowed.
pub fn execute(name: &str, command: Command) -> Result<Ended, String> {
    execute_for(name, command, TIME_MAX)
}

/// Runs `command` to its end, or for so long. Output goes to files, so that no pipe can fill.
pub fn execute_for(name: &str, mut command: Command, limit: Duration) -> Result<Ended, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ended");
    fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let stem = folder.join(name.replace(['/', '.'], "_"));
    let (out, err) = (stem.with_extension("out"), stem.with_extension("err"));
    let create = |path: &PathBuf| File::create(path).map_err(|e| e.to_string());
    command
        .stdin(Stdio::null())
        .stdout(create(&out)?)
        .stderr(create(&err)?);
    let mut child = command.spawn().map_err(|e| e.to_string())?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
            break status;
        }
        if start.elapsed() > limit {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("hangs: killed after {} s", limit.as_secs_f64()));
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let text = |path: &PathBuf| {
        fs::read(path)
            .map(|b| String::from_utf8_lossy(&b).into_owned())
            .map_err(|e| e.to_string())
    };
    Ok(Ended {
        status,
        stdout: text(&out)?,
        stderr: text(&err)?,
    })
}
