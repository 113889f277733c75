//! What the passes make of whole programs: every file of `tests/passes/` with its bytecode, which
//! is verified.

mod support;

use lumen_bytecode::listing::list;
use lumen_compiler::diag::Diagnostics;
use lumen_compiler::{emit, ir};

/// The functions of a program without library, as a listing without positions and frame maps.
fn functions(name: &str, text: &str) -> String {
    let (program, sources) = support::checked(name, text);
    let mut lowered = ir::build::lower(program);
    // Those that are inlined wherever they are called stay to be looked at.
    lowered.main = None;
    ir::passes::prepare(&mut lowered);
    let module = emit::own_and_emit(lowered, &sources, &mut Diagnostics::new());
    support::verify(name, &module);
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

#[test]
fn functions_that_nobody_comes_to_are_left_out() {
    let text = "cell twice(n: Int) -> Int = n * 2\n\
                cell main()\n  let f = fn(n: Int) => n + 1\n  let mut i = twice(4)\n  \
                while i < 9\n    i = f(i)\n  end\nend\n";
    let (_, module) = support::compiled("small.lm", text);
    let names: Vec<&str> = module.functions.iter().map(|f| &f.name[..]).collect();
    assert_eq!(names, ["main"]);
}

#[test]
fn a_chain_of_cells_is_not_copied_into_its_links() {
    let links = 2000;
    let mut text = String::from("cell main()\n  c0()\nend\n");
    for link in 0..links {
        text += &format!("cell c{link}() -> Int = c{}()\n", link + 1);
    }
    text += &format!("cell c{links}() -> Int = 1\n");
    let (_, module) = support::compiled("chain.lm", &text);
    let inlined: usize = module.functions.iter().map(|func| func.inlined.len()).sum();
    assert!(inlined < 40 * links, "{inlined} calls are inlined");
}

#[test]
fn a_match_of_many_tests_of_any_kind_is_made() {
    let arms = 3000;
    let arm = |arm: usize| format!("    {}..{} -> {arm}\n", arm * 10, arm * 10 + 5);
    let ranges: String = (0..arms).map(arm).collect();
    let text = format!("cell f(n: Int) -> Int\n  match n\n{ranges}    _ -> 0\n  end\nend\nf(7)\n");
    support::compiled("ranges.lm", &text);
    let guard = |arm: usize| format!("    {arm} if m > {arm} -> {arm}\n");
    let guards: String = (0..arms).map(guard).collect();
    let text = format!(
        "cell f(n: Int, m: Int) -> Int\n  match n\n{guards}    _ -> 0\n  end\nend\nf(7, 9)\n"
    );
    support::compiled("guards.lm", &text);
}
