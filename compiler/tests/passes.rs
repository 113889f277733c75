//! What the passes make of whole programs: every file of `tests/passes/` with its bytecode, which
//! is verified.

mod support;

use lumen_bytecode::listing::list;

/// The functions of a program without library, as a listing without positions and frame maps.
fn functions(name: &str, text: &str) -> String {
    let (_, module) = support::compiled(name, text);
    let (mut out, mut inside) = (String::new(), false);
    for line in list(&module).lines() {
        inside |= line.starts_with("func ");
        let detail = line.starts_with("  line ") || line.trim_start().starts_with("landing");
        if inside && !detail {
            let line = line.split(": {").next().unwrap_or(line);
            out.push_str(line.split(';').next().unwrap_or(line).trim_end());
            out.push('\n');
        }
        inside &= line != "end";
    }
    out
}

#[test]
fn programs_as_bytecode() {
    support::compare("passes", functions);
}
