//! Regular expressions: the `regex` crate, in time linear in the text. Compiled patterns are kept.
//!
//! Positions are character indices, as everywhere in Lumen.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use lumen_runtime::heap::string;
use lumen_runtime::heap::word::NULL;
use lumen_runtime::native::{NativeCx, NativeResult, NativeStop, fail, text};
use regex::Regex;

natives! {
    "regex._check_pattern(String) -> String?" => check_pattern,
    "regex._test(String, String) -> Bool" => |_, args| {
        Ok(u64::from(compiled(text(&args[0]))?.is_match(text(&args[1]))))
    },
    "regex._find_spans(String, String, Bool) -> list[Int]" => find_spans,
    "regex._group_names(String) -> list[String]" => group_names,
    "regex._replace_text(String, String, String, Bool) -> String" => replace_text,
    "regex._split_text(String, String) -> list[String]" => |cx, args| {
        let re = compiled(text(&args[0]))?;
        cx.strings(re.split(text(&args[1])))
    },
    "regex.escape(String) -> String" => |cx, args| cx.string(&regex::escape(text(&args[0]))),
    "regex._pick(String, list[Int], Int) -> String?" => pick,
}

/// As many compiled patterns are kept; then all are forgotten.
const KEPT: usize = 256;

static COMPILED: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);

fn compile(pattern: &str) -> Result<Regex, String> {
    let mut kept = COMPILED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(re) = kept.get(pattern) {
        return Ok(re.clone());
    }
    let re = Regex::new(pattern).map_err(|e| match e {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
        // The last line says what is wrong; those before draw a picture.
        e => e
            .to_string()
            .lines()
            .last()
            .unwrap_or_default()
            .replace("error: ", ""),
    })?;
    if kept.len() >= KEPT {
        kept.clear();
    }
    kept.insert(pattern.to_owned(), re.clone());
    Ok(re)
}

fn compiled(pattern: &str) -> Result<Regex, NativeStop> {
    compile(pattern).or_else(|e| fail("Regex", format!("invalid pattern: {e}")))
}

/// What is wrong with a pattern, or null.
fn check_pattern(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    match compile(text(&args[0])) {
        Ok(_) => Ok(NULL),
        Err(message) => cx.string(&message),
    }
}

/// Start and end of each group of each match in turn, -1 where a group took no part.
fn find_spans(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let re = compiled(text(&args[0]))?;
    let s = text(&args[1]);
    let limit = if args[2] != 0 { usize::MAX } else { 1 };
    let mut counter = CharCounter {
        text: s,
        byte: 0,
        char: 0,
    };
    let mut spans = Vec::new();
    for captures in re.captures_iter(s).take(limit) {
        for group in captures.iter() {
            match group {
                Some(m) => {
                    spans.push(counter.index_of(m.start()));
                    spans.push(counter.index_of(m.end()));
                }
                None => spans.extend([-1, -1]),
            }
        }
    }
    cx.int_list(&spans)
}

/// Turns byte offsets into character indices, walking from the last one asked for.
struct CharCounter<'a> {
    text: &'a str,
    byte: usize,
    char: i64,
}

impl CharCounter<'_> {
    fn index_of(&mut self, byte: usize) -> i64 {
        if byte >= self.byte {
            self.char += self.text[self.byte..byte].chars().count() as i64;
        } else {
            self.char -= self.text[byte..self.byte].chars().count() as i64;
        }
        self.byte = byte;
        self.char
    }
}

/// The names of the groups in order, empty for those without.
fn group_names(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let re = compiled(text(&args[0]))?;
    cx.strings(re.capture_names().map(Option::unwrap_or_default))
}

fn replace_text(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let re = compiled(text(&args[0]))?;
    let limit = if args[3] != 0 { 0 } else { 1 };
    let out = re
        .replacen(text(&args[1]), limit, text(&args[2]))
        .into_owned();
    cx.string(&out)
}

/// The text of group `i` of the first match in `spans`.
fn pick(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let spans = lumen_runtime::native::ints(&args[1]);
    let at = usize::try_from(lumen_runtime::native::int(args[2])).unwrap_or(usize::MAX);
    let span = at
        .checked_mul(2)
        .and_then(|i| spans.get(i..i.checked_add(2)?));
    let Some(&[start, end]) = span else {
        return Ok(NULL);
    };
    let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end)) else {
        return Ok(NULL);
    };
    // SAFETY: slot 0 is a live String.
    Ok(unsafe { string::slice(cx.heap, args[0], start, end)? }.unwrap_or(NULL))
}
