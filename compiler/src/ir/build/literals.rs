//! Matches on many literals: each literal is tested once, in order, and only the rows that have it
//! and those that do not ask are looked at again. One literal at a time would look at all rows for
//! each.

use super::func::FuncBuilder;
use super::matching::{Source, Tree};
use super::rows::{Head, Row, head, when_yes};
use rustc_hash::FxHashMap;

/// From so many rows on it is worth it.
pub(super) const MANY: usize = 8;

/// A literal as a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key<'a> {
    Int(i64),
    Float(u64),
    Str(&'a str),
    Bytes(&'a [u8]),
}

/// The literal that `row` tests `source` for, and the test.
fn key<'a>(row: &Row<'a>, source: &Source) -> Option<(Key<'a>, Head<'a>)> {
    let (tested, pat) = row.tests[row.test_on(source)?];
    let test = head(&tested, pat)?;
    let key = match test {
        Head::Int(i) => Key::Int(i),
        Head::Float(f) => Key::Float(f.to_bits()),
        Head::Str(s) => Key::Str(s),
        Head::Bytes(b) => Key::Bytes(b),
        _ => return None,
    };
    Some((key, test))
}

/// How many of the first rows test `source` first, for a literal.
pub(super) fn leading(rows: &[Row<'_>], source: &Source) -> usize {
    let is_literal = |row: &&Row<'_>| {
        let first = row.tests.first();
        first.is_some_and(|(tested, _)| tested.same(source)) && key(row, source).is_some()
    };
    rows.iter().take_while(is_literal).count()
}

/// The rows that test a value for each Int, and those that may match any.
pub(super) struct ByValue {
    own: FxHashMap<i64, Vec<usize>>,
    others: Vec<usize>,
}

/// Sorts `rows` by the Ints that they test `source` for.
pub(super) fn by_value(rows: &[Row<'_>], source: &Source) -> ByValue {
    let mut sorted = ByValue {
        own: FxHashMap::default(),
        others: Vec::new(),
    };
    for (i, row) in rows.iter().enumerate() {
        match key(row, source) {
            Some((Key::Int(value), _)) => sorted.own.entry(value).or_default().push(i),
            _ => sorted.others.push(i),
        }
    }
    sorted
}

impl ByValue {
    /// The rows that `value` may match, in order.
    pub(super) fn rows<'a>(&self, rows: &[Row<'a>], value: i64) -> Vec<Row<'a>> {
        let mut some = self.own.get(&value).cloned().unwrap_or_default();
        some.extend(&self.others);
        some.sort_unstable();
        some.into_iter().map(|i| rows[i].clone()).collect()
    }
}

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// Tests the literals that the first rows ask `source` for, and goes on with each; gives the
    /// rows that are left without.
    pub(super) fn literals(
        &mut self,
        rows: Vec<Row<'a>>,
        source: Source,
        tree: &mut Tree<'a, '_>,
    ) -> Vec<Row<'a>> {
        let mut groups: Vec<(Head<'a>, Vec<usize>)> = Vec::new();
        let mut numbers: FxHashMap<Key<'a>, usize> = FxHashMap::default();
        // Rows that may match whatever the literal is.
        let mut others = Vec::new();
        let mut grouped = vec![false; rows.len()];
        let many = leading(&rows, &source);
        for (i, row) in rows.iter().enumerate() {
            let Some((key, test)) = key(row, &source) else {
                others.push(i);
                continue;
            };
            let known = numbers.get(&key).copied();
            let group = known.or_else(|| {
                (i < many).then(|| {
                    groups.push((test, Vec::new()));
                    numbers.insert(key, groups.len() - 1);
                    groups.len() - 1
                })
            });
            if let Some(group) = group {
                groups[group].1.push(i);
                grouped[i] = true;
            }
        }
        let hir = self.m.hir;
        for (test, mut own) in groups {
            own.extend(&others);
            own.sort_unstable();
            let own: Vec<Row<'a>> = own.iter().map(|&i| rows[i].clone()).collect();
            let (yes, no) = (self.c.block(), self.c.block());
            self.test(source.reg, test, yes, no);
            self.c.start(yes);
            self.decide(when_yes(&own, &source, test, &hir.types), tree);
            self.c.start(no);
        }
        let rest = rows
            .into_iter()
            .zip(grouped)
            .filter(|(_, grouped)| !grouped);
        rest.map(|(row, _)| row).collect()
    }
}
