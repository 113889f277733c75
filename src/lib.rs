//! The front door: what the two commands, `lumen` and `lumenc`, share.
//!
//! It brings the world to the compiler, which is pure: files, folders, terminal, exit codes. One
//! command, one file in `commands/`.

#![forbid(unsafe_code)]

pub mod bench;
pub mod captured;
pub mod commands;
pub mod disk;
pub mod exit;
pub mod host;
pub mod module_file;
pub mod pipeline;
pub mod report;
pub mod settings;
pub mod timeline;
pub mod tools;
pub mod trace;

pub use exit::Exit;
