//! The library's declarations and its natives belong together; its documentation is current.

mod json;
mod natives;
mod tasks;

use std::collections::BTreeSet;

use crate::{SOURCES, docs, native};

#[test]
fn every_declared_native_exists_and_every_native_is_declared() {
    let declared: BTreeSet<String> = SOURCES
        .iter()
        .flat_map(|s| docs::externs(s).into_iter().map(|e| e.key))
        .collect();
    let made: BTreeSet<String> = crate::natives().map(|n| n.key.to_owned()).collect();
    let missing: Vec<_> = declared.difference(&made).collect();
    let unused: Vec<_> = made.difference(&declared).collect();
    assert!(missing.is_empty(), "declared, but no native: {missing:#?}");
    assert!(unused.is_empty(), "native, but not declared: {unused:#?}");
    assert_eq!(
        crate::natives().count(),
        made.len(),
        "two natives under one key"
    );
    for key in &declared {
        assert!(native(key).is_some(), "{key} is not found");
    }
    assert!(native("math.sqrt(Int) -> Float").is_none() && native("x").is_none());
}

#[test]
fn sources_keep_to_their_layout() {
    for s in SOURCES {
        assert!(
            s.text.starts_with("## "),
            "{} begins with what it is about",
            s.name
        );
        assert!(s.text.ends_with('\n') && !s.text.contains('\t'));
        for (i, line) in s.text.lines().enumerate() {
            let short = line.chars().count() <= 100 || line.starts_with("extern cell");
            assert!(short, "{}.lm:{}: line too long", s.name, i + 1);
            assert_eq!(line.trim_end(), line, "{}.lm:{}", s.name, i + 1);
        }
    }
}

#[test]
fn the_reference_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/library.md");
    let printed = docs::markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &printed).expect("docs/library.md can be written");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == printed,
        "docs/library.md is out of date: run UPDATE_DOCS=1 cargo test -p lumen-stdlib"
    );
}

#[test]
fn examples_are_read() {
    let list = SOURCES
        .iter()
        .find(|s| s.name == "list")
        .expect("there is a list module");
    let (about, entries) = docs::entries(list);
    assert!(about.starts_with("Lists."));
    let range = entries
        .iter()
        .find(|e| e.declarations[0].starts_with("cell range"))
        .expect("range");
    assert_eq!(range.examples.len(), 2);
    assert_eq!(range.examples[1].code, ["range(3, 0, -1)"]);
    assert_eq!(range.examples[1].output, ["[3, 2, 1]"]);
    let sum = entries
        .iter()
        .find(|e| e.declarations[0].starts_with("cell sum"))
        .expect("sum");
    assert_eq!(sum.declarations.len(), 2);
}
