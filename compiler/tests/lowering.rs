//! Lowering on whole programs: every file of `tests/lowering/` with its IR before the passes, which
//! is checked; and the bytecode made of it is verified.

mod support;

use lumen_compiler::ir::{build, dump, verify};

/// The IR of a program without library, as text.
fn lowered(name: &str, text: &str) -> String {
    let (program, _) = support::compiled(name, text);
    let ir = build::lower(program);
    let text = dump::program(&ir);
    let faults = verify::program(&ir);
    assert!(faults.is_empty(), "{name}: {}\n{text}", faults.join("\n"));
    text
}

#[test]
fn programs_as_ir() {
    support::compare("lowering", lowered);
}
