//! Makes a failing program small: statements go, blocks lose what is around them, expressions
//! become their parts, as long as the program fails in the same way.

use std::time::{Duration, Instant};

/// Tests of candidates, at most.
const TRIES: usize = 1500;
/// Time for all of them.
const TIME_MAX: Duration = Duration::from_secs(90);

/// The smallest program found for which `fails` still holds.
pub(crate) fn reduce(text: &str, mut fails: impl FnMut(&str) -> bool) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut tries = 0;
    let begin = Instant::now();
    let mut attempt = |candidate: &[String]| {
        tries += 1;
        tries <= TRIES && begin.elapsed() < TIME_MAX && fails(&(candidate.join("\n") + "\n"))
    };
    loop {
        let before = (lines.len(), lines.iter().map(String::len).sum::<usize>());
        shorten(&mut lines, &mut attempt);
        simplify(&mut lines, &mut attempt);
        if before == (lines.len(), lines.iter().map(String::len).sum()) {
            return lines.join("\n") + "\n";
        }
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Whether a line goes on with a statement that began above it at the same indentation.
fn continues(line: &str) -> bool {
    let word = line.trim_start();
    ["else", "catch", "finally", "end"].iter().any(|w| {
        word.strip_prefix(w)
            .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    })
}

/// Where the statement that begins at `at` ends.
fn statement_end(lines: &[String], at: usize) -> usize {
    let depth = indent(&lines[at]);
    let mut end = at + 1;
    while end < lines.len() {
        let line = &lines[end];
        let inside = indent(line) > depth;
        if !(inside || indent(line) == depth && continues(line)) {
            break;
        }
        end += 1;
    }
    end
}

/// The blocks of the statement in `from..to`: the ranges between its own lines.
fn blocks(lines: &[String], from: usize, to: usize) -> Vec<(usize, usize)> {
    let depth = indent(&lines[from]);
    let mut found = Vec::new();
    let mut start = from + 1;
    for (at, line) in lines.iter().enumerate().take(to).skip(from + 1) {
        if indent(line) == depth {
            found.push((start, at));
            start = at + 1;
        }
    }
    found.push((start, to));
    found.retain(|(a, b)| a < b);
    found
}

/// Removes statements, and what stands around blocks.
fn shorten(lines: &mut Vec<String>, attempt: &mut impl FnMut(&[String]) -> bool) {
    let mut at = 0;
    while at < lines.len() {
        if continues(&lines[at]) {
            at += 1;
            continue;
        }
        let end = statement_end(lines, at);
        let mut without = lines.clone();
        without.drain(at..end);
        if attempt(&without) {
            *lines = without;
            continue;
        }
        let mut found = blocks(lines, at, end);
        // What stands in these blocks means nothing outside them.
        let header = lines[at].trim_start();
        if ["match ", "record ", "enum "]
            .iter()
            .any(|word| header.starts_with(word))
        {
            found.clear();
        }
        let replaced = found.iter().any(|&(from, to)| {
            let mut with = lines[..at].to_vec();
            let depth = indent(&lines[from]).saturating_sub(indent(&lines[at]));
            let inner = lines[from..to]
                .iter()
                .map(|l| l.get(depth..).unwrap_or("").to_owned());
            with.extend(inner);
            with.extend_from_slice(&lines[end..]);
            let good = attempt(&with);
            if good {
                *lines = with;
            }
            good
        });
        if replaced || drop_clause(lines, &found, attempt) {
            continue;
        }
        at += 1;
    }
}

/// Removes one `else`, `catch` or `finally` with its block.
fn drop_clause(
    lines: &mut Vec<String>,
    found: &[(usize, usize)],
    attempt: &mut impl FnMut(&[String]) -> bool,
) -> bool {
    // A `try` keeps one clause, or it would fail in another way.
    let tries = found
        .first()
        .is_some_and(|(from, _)| lines[from - 1].trim_end().ends_with("try"));
    if tries && found.len() < 3 {
        return false;
    }
    for &(from, to) in found.iter().skip(1) {
        let mut without = lines.clone();
        without.drain(from - 1..to);
        if attempt(&without) {
            *lines = without;
            return true;
        }
    }
    false
}

/// Replaces what stands in brackets by its parts or by literals.
fn simplify(lines: &mut [String], attempt: &mut impl FnMut(&[String]) -> bool) {
    for at in 0..lines.len() {
        let mut place = 0;
        while let Some(open) = lines[at][place..].find(['(', '[']).map(|o| o + place) {
            let Some(close) = closing(&lines[at], open) else {
                break;
            };
            let changed = candidates(&lines[at], open, close).into_iter().any(|text| {
                if text.len() >= lines[at].len() {
                    return false;
                }
                let old = std::mem::replace(&mut lines[at], text);
                let good = attempt(lines);
                if !good {
                    lines[at] = old;
                }
                good
            });
            if !changed {
                place = open + 1;
            }
        }
    }
}

/// The bracket that closes the one at `open`.
fn closing(line: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in line.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The line with the brackets from `open` to `close`, and a name before them, replaced.
fn candidates(line: &str, open: usize, close: usize) -> Vec<String> {
    let named = line[..open]
        .char_indices()
        .rev()
        .take_while(|(_, c)| c.is_alphanumeric() || *c == '_')
        .last()
        .map_or(open, |(at, _)| at);
    let inside = &line[open + 1..close];
    let mut parts: Vec<&str> = vec!["0", "1", "true", "\"\"", "1.0"];
    parts.extend(split(inside));
    let mut found = Vec::new();
    for start in [named, open] {
        for part in &parts {
            found.push(format!("{}{part}{}", &line[..start], &line[close + 1..]));
        }
    }
    found
}

/// The operands and arguments at the outermost level of a text.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ' ' if depth == 0 => {
                parts.push(text[start..at].trim_end_matches(','));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| part.len() > 1 || part.starts_with(char::is_alphanumeric));
    parts
}
