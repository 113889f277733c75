//! The two commands, run on files of a test.

#![allow(unreachable_pub, dead_code, reason = "part of several test crates")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A fresh folder for the files of one test.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("cli")
        .join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder to write to");
    folder
}

/// Writes a file of the test and gives its path.
pub fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    fs::write(&path, content).expect("writable file");
    path.display().to_string()
}

/// Runs `lumen`.
pub fn lumen(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lumen"))
        .args(args)
        .output()
        .expect("lumen starts")
}

/// Runs `lumenc`.
pub fn lumenc(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lumenc"))
        .args(args)
        .output()
        .expect("lumenc starts")
}

/// Its exit code.
pub fn code(output: &Output) -> i32 {
    output
        .status
        .code()
        .unwrap_or_else(|| panic!("killed: {output:?}"))
}

/// What it printed.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What it complained of.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
