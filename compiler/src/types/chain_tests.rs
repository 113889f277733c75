//! Chains of declarations of any length are checked, or refused with a diagnostic; never a stack
//! overflow.

use super::tests::run;
use std::fmt::Write;

const COUNT: usize = 5_000;

/// `first`, then `next` for each number and the one before it, the last first if `reversed`.
fn chain(first: &str, next: impl Fn(usize, usize) -> String, reversed: bool) -> String {
    let mut links: Vec<String> = (1..COUNT).map(|at| next(at, at - 1)).collect();
    links.insert(0, first.to_owned());
    if reversed {
        links.reverse();
    }
    let mut source = String::new();
    for link in links {
        let _ = writeln!(source, "{link}");
    }
    source
}

/// The codes of what is wrong with `source`, each once.
fn errors(source: &str) -> Vec<String> {
    let mut codes: Vec<String> = run(source)
        .1
        .iter()
        .filter_map(|line| line.split(' ').nth(1))
        .filter(|code| code.starts_with('E'))
        .map(str::to_owned)
        .collect();
    codes.sort();
    codes.dedup();
    codes
}

#[test]
fn records_in_records_in_records() {
    let field = |at, before| format!("record R{at}\nf: R{before}\nend");
    for reversed in [false, true] {
        let records = chain("record R0\nf: Int\nend", field, reversed);
        let last = COUNT - 1;
        let used = format!("{records}cell g(x: R{last}) -> R{last} = x\nprint(1)");
        assert!(errors(&used).is_empty());
    }
    let cycle = chain(&format!("record R0\nf: R{}\nend", COUNT - 1), field, false);
    assert_eq!(errors(&format!("{cycle}print(1)")), ["E0310"]);
}

#[test]
fn aliases_of_aliases() {
    let same = |at, before| format!("type A{at} = A{before}");
    let lists = |at, before| format!("type A{at} = list[A{before}]");
    let forward = chain("type A0 = Int", same, false);
    assert!(errors(&format!("{forward}print(1)")).is_empty());
    let backward = chain("type A0 = Int", same, true);
    assert_eq!(errors(&format!("{backward}print(1)")), ["E0110"]);
    let deep = chain("type A0 = Int", lists, false);
    assert_eq!(errors(&format!("{deep}print(1)")), ["E0110"]);
    let twice = |at, before| format!("type A{at}[T] = A{before}[A{before}[T]]");
    let doubled = chain("type A0[T] = list[list[T]]", twice, false);
    assert_eq!(errors(&format!("{doubled}print(1)")), ["E0110"]);
}

#[test]
fn constants_and_defaults_that_need_others() {
    let next = |at, before| format!("const C{at} = C{before}");
    let constants = chain("const C0 = 1", next, true);
    assert_eq!(errors(&format!("{constants}print(C0)")), ["E0110"]);
    let default = |at, before| format!("record R{at}\nf: R{before} = R{before}()\nend");
    let records = chain("record R0\nf: Int = 1\nend", default, true);
    assert_eq!(errors(&format!("{records}print(1)")), ["E0110"]);
    assert_eq!(
        errors("cell f(x: Int = f()) -> Int = x\nprint(1)"),
        ["E0110"]
    );
}

#[test]
fn values_in_lists_in_lists() {
    let next = |at, before| format!("let x{at} = [x{before}]");
    let lets = chain("let x0 = 1", next, false);
    assert_eq!(errors(&lets), ["E0110"]);
    assert_eq!(errors(&format!("cell main()\n{lets}end")), ["E0110"]);
}
