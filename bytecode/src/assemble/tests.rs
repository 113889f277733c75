//! What the assembler refuses, and where.

use super::assemble;
use crate::testing::SAMPLE;
use proptest::prelude::*;

/// The diagnostics of `text`, one a line.
fn errors(text: &str) -> String {
    let errors = assemble(text).unwrap_err();
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn in_function(line: &str) -> String {
    errors(&format!("func f0 f(Int) -> Int\n{line}\nend"))
}

#[test]
fn places_and_expectations() {
    assert_eq!(
        errors("typ t32 = Int"),
        "1:1: expected a statement: `type`, `const`, `native`, `path`, `global`, `func`, `main`, \
         `file`, `source`, `test`, `tool`, `deterministic` or `clock`, found `typ`"
    );
    assert_eq!(
        errors("type t33 = Int"),
        "1:6: items stand in order: the next is `t32`"
    );
    assert_eq!(
        errors("const k0 = int 9223372036854775808"),
        "1:16: expected a whole number, found `9223372036854775808`"
    );
    assert_eq!(
        errors("main f0 f1"),
        "1:9: expected the end of the line, found `f1`"
    );
    assert_eq!(errors("file 0 \"é\nmain f0"), "1:8: this string has no end");
    assert_eq!(errors("main %"), "1:6: '%' has no meaning here");
    assert_eq!(
        in_function("  int.ad r1, r1, r1"),
        "2:3: no instruction is called `int.ad`; `int.add`?"
    );
    assert_eq!(
        in_function("  int.add r1, 5, r1"),
        "2:15: expected a register (`r0`, `r1` …), found `5`"
    );
    assert_eq!(
        in_function("  int.add r1, r70000, r1"),
        "2:15: a register: the largest index is 65535"
    );
    assert_eq!(
        in_function("  int.addi r1, r1, 40000"),
        "2:20: 40000 is not in -32768 ..= 32767"
    );
    assert_eq!(
        in_function("  jump away"),
        "2:8: this function has no label `away`"
    );
    assert_eq!(in_function("a:\na:"), "3:1: this label is defined twice");
    assert_eq!(
        errors("func f0 f() -> Int"),
        "1:1: the function that begins at line 1 has no `end`"
    );
    assert_eq!(errors("|x"), "1:1: `|` lines stand after `source N`");
}

#[test]
fn several_lines_are_told_at_once() {
    let text = "main 1\nclock up\nconst k0 = what";
    assert_eq!(assemble(text).unwrap_err().len(), 3);
    let many = "x\n".repeat(1000);
    assert_eq!(assemble(&many).unwrap_err().len(), 50);
}

#[test]
fn a_short_branch_that_does_not_reach() {
    let filler = "return.null\n".repeat(40_000);
    let text = format!("jump.int.lt r1, r1, far\n{filler}far:");
    assert_eq!(
        in_function(&text),
        "2:21: 40001 words are too far for `jump.int.lt`"
    );
}

#[test]
fn frames_are_counted_when_not_given() {
    let module = assemble("func f0 f(Int) -> Int\nmove r9, r1\nreturn r9\nend").unwrap();
    assert_eq!(module.functions[0].frame, 10);
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = assemble(&text);
    }

    #[test]
    fn no_damaged_sample_panics(
        at in 0..SAMPLE.len(), len in 0usize..20, with in "[ -~\n]{0,8}",
    ) {
        let end = (at + len).min(SAMPLE.len());
        let text = format!("{}{with}{}", &SAMPLE[..at], &SAMPLE[end..]);
        let _ = assemble(&text);
    }
}
