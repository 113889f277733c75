//! Handlers of the direct-threaded interpreter end in jumps.
//!
//! One that called the next instead would leave its frame behind, at each execution. Only the
//! machine code tells, so the test looks at it: at its own executable, in optimised builds.
#![cfg(all(target_arch = "x86_64", not(debug_assertions)))]

use std::process::Command;

/// What handlers may call: functions that answer, and do not go on with the program.
const HELPERS: &[&str] = &[
    "5stack",
    "answer_poll",
    "await_future",
    "drop_arguments",
    "enter_slow",
    "land",
    "layout",
    "set_cancelled",
    "spawn_task",
    "wait_failed",
];

#[test]
fn no_handler_calls_a_handler() {
    // The machine must be in the executable.
    std::hint::black_box(lumen_vm::Program::run as *const ());

    let exe = std::env::current_exe().expect("a test has an executable");
    let Ok(output) = Command::new("objdump")
        .args(["-d", "--no-show-raw-insn"])
        .arg(exe)
        .output()
    else {
        eprintln!("no objdump here: nothing checked");
        return;
    };
    let listing = String::from_utf8_lossy(&output.stdout);
    let (mut function, mut seen, mut bad) = ("", 0, Vec::new());
    for line in listing.lines() {
        if let Some(name) = line.strip_suffix(">:").and_then(|l| l.split('<').nth(1)) {
            function = name;
            seen += usize::from(name.contains("lumen_vm6interp"));
        } else if function.contains("6Interp6resume") {
            // Where runs begin.
        } else if function.contains("lumen_vm6interp")
            && let Some((_, target)) = line.split_once("call ")
            && target.contains(",8)")
        {
            // Through the table of handlers.
            bad.push(format!("{function}: {target}"));
        } else if function.contains("lumen_vm6interp")
            && let Some((_, target)) = line.split_once("call ")
            && let Some((_, callee)) = target.split_once("lumen_vm6interp")
            && !HELPERS.iter().any(|h| callee.contains(h))
        {
            bad.push(format!("{function}: {target}"));
        }
    }
    assert!(
        seen == 0 || seen > 100,
        "{seen} functions of the interpreter"
    );
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
