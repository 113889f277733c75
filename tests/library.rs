//! The examples in the library's doc comments print what they say.

#[path = "support/process.rs"]
mod process;

use std::fs;
use std::path::Path;
use std::process::Command;

use lumen_stdlib::{SOURCES, Source, examples};
use process::execute;

#[test]
fn examples_print_what_they_say() {
    let complaints: Vec<String> = SOURCES.iter().filter_map(|s| check(s).err()).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Runs the examples of a module, all in one program.
fn check(source: &Source) -> Result<(), String> {
    let Some(program) = examples::program(source) else {
        return Ok(());
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("library");
    let path = folder.join(format!("{}.lm", source.name));
    fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    fs::write(&path, &program.text).map_err(|e| e.to_string())?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumen"));
    command.arg("run").arg("--seed").arg("0").arg(&path);
    let ended = execute(&format!("library_{}", source.name), command)?;
    let (printed, expected) = (sections(&ended.stdout), sections(&program.output));
    let mut complaint = format!("== {}\n", path.display());
    for (at, wanted) in expected.iter().enumerate() {
        match printed.get(at) {
            Some(found) if found == wanted => {}
            Some(found) => complaint += &format!("expected {wanted}\nfound {found}\n"),
            None => {
                complaint += &format!("missing from {wanted}\n");
                break;
            }
        }
    }
    if printed == expected && ended.status.success() {
        return Ok(());
    }
    complaint += &format!("{}\n{}", ended.status, ended.stderr);
    Err(complaint)
}

/// What each example printed, by the lines with their declarations.
fn sections(text: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = text.match_indices("\n# ").map(|(at, _)| at + 1).collect();
    starts.insert(0, 0);
    starts.push(text.len());
    starts.windows(2).map(|w| &text[w[0]..w[1]]).collect()
}
