//! Strings. Lengths and indices count characters; bytes and graphemes are named as such.

use lumen_runtime::heap::word::NULL;
use lumen_runtime::heap::{string, well_known};
use lumen_runtime::native::{
    NativeCx, NativeResult, fail, int, kind, resolve_index, resolve_range, text,
};
use unicode_segmentation::UnicodeSegmentation;

use super::list::{clamp, optional_index};

natives! {
    "string.len(String) -> Int" => len,
    "string.length(String) -> Int" => len,
    "string.byte_len(String) -> Int" => |_, args| Ok(text(&args[0]).len() as u64),
    "string.is_empty(String) -> Bool" => |_, args| Ok(u64::from(text(&args[0]).is_empty())),
    "string.upper(String) -> String" => |cx, args| cx.string(&text(&args[0]).to_uppercase()),
    "string.lower(String) -> String" => |cx, args| cx.string(&text(&args[0]).to_lowercase()),
    "string.trim(String) -> String" => |cx, args| part(cx, args, str::trim),
    "string.trim_start(String) -> String" => |cx, args| part(cx, args, str::trim_start),
    "string.trim_end(String) -> String" => |cx, args| part(cx, args, str::trim_end),
    "string.strip_prefix(String, String) -> String?" => |cx, args| {
        let rest = text(&args[0]).strip_prefix(text(&args[1]));
        rest.map_or(Ok(NULL), |s| cx.string(s))
    },
    "string.strip_suffix(String, String) -> String?" => |cx, args| {
        let rest = text(&args[0]).strip_suffix(text(&args[1]));
        rest.map_or(Ok(NULL), |s| cx.string(s))
    },
    "string.split(String, String) -> list[String]" => split,
    "string.split_limit(String, String, Int) -> list[String]" => split_limit,
    "string.lines(String) -> list[String]" => |cx, args| cx.strings(text(&args[0]).lines()),
    "string.words(String) -> list[String]" => |cx, args| {
        cx.strings(text(&args[0]).split_whitespace())
    },
    "string.chars(String) -> list[String]" => chars,
    "string.graphemes(String) -> list[String]" => |cx, args| {
        cx.strings(text(&args[0]).graphemes(true))
    },
    "string.code_points(String) -> list[Int]" => |cx, args| {
        let codes: Vec<u64> = text(&args[0]).chars().map(|c| u64::from(u32::from(c))).collect();
        cx.list(well_known::LIST_INT, &codes)
    },
    "string.from_code_points(list[Int]) -> String" => from_code_points,
    "string.code_at(String, Int) -> Int" => code_at,
    "string.char_at(String, Int) -> String?" => char_at,
    "string.from_code(Int) -> String" => from_code,
    "string.replace(String, String, String) -> String" => |cx, args| {
        cx.string(&text(&args[0]).replace(text(&args[1]), text(&args[2])))
    },
    "string.replace_first(String, String, String) -> String" => |cx, args| {
        cx.string(&text(&args[0]).replacen(text(&args[1]), text(&args[2]), 1))
    },
    "string.starts_with(String, String) -> Bool" => |_, args| {
        Ok(u64::from(text(&args[0]).starts_with(text(&args[1]))))
    },
    "string.ends_with(String, String) -> Bool" => |_, args| {
        Ok(u64::from(text(&args[0]).ends_with(text(&args[1]))))
    },
    "string.contains(String, String) -> Bool" => |_, args| {
        Ok(u64::from(text(&args[0]).contains(text(&args[1]))))
    },
    "string.count(String, String) -> Int" => count,
    "string.index_of(String, String) -> Int?" => index_of,
    "string.index_of_from(String, String, Int) -> Int?" => index_of_from,
    "string.last_index_of(String, String) -> Int?" => last_index_of,
    "string.slice(String, Int, Int) -> String" => slice,
    "string.take(String, Int) -> String" => take,
    "string.drop(String, Int) -> String" => drop_first,
    "string.reverse(String) -> String" => |cx, args| {
        let reversed: String = text(&args[0]).graphemes(true).rev().collect();
        cx.string(&reversed)
    },
    "string.repeat(String, Int) -> String" => repeat,
    "string.pad_left(String, Int, String) -> String" => |cx, args| pad(cx, args, 2),
    "string.pad_right(String, Int, String) -> String" => |cx, args| pad(cx, args, 0),
    "string.center(String, Int, String) -> String" => |cx, args| pad(cx, args, 1),
    "string.is_digit(String) -> Bool" => |_, args| all(args, |c| c.is_ascii_digit()),
    "string.is_alpha(String) -> Bool" => |_, args| all(args, char::is_alphabetic),
    "string.is_alphanumeric(String) -> Bool" => |_, args| all(args, char::is_alphanumeric),
    "string.is_space(String) -> Bool" => |_, args| all(args, char::is_whitespace),
    "string.is_upper(String) -> Bool" => |_, args| all(args, char::is_uppercase),
    "string.is_lower(String) -> Bool" => |_, args| all(args, char::is_lowercase),
    "string.is_ascii(String) -> Bool" => |_, args| Ok(u64::from(text(&args[0]).is_ascii())),
}

fn char_len(slot: &u64) -> usize {
    // SAFETY: the slot is a live String.
    unsafe { string::char_len(*slot) }
}

fn len(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    Ok(char_len(&args[0]) as u64)
}

/// A part of a String; the String itself if the part is all of it.
fn part(cx: &mut NativeCx<'_>, args: &mut [u64], cut: fn(&str) -> &str) -> NativeResult {
    let s = text(&args[0]);
    let part = cut(s);
    if part.len() == s.len() {
        Ok(cx.copy(args[0], well_known::STRING))
    } else {
        cx.string(part)
    }
}

fn all(args: &[u64], test: fn(char) -> bool) -> NativeResult {
    let s = text(&args[0]);
    Ok(u64::from(!s.is_empty() && s.chars().all(test)))
}

fn split(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (s, separator) = (text(&args[0]), text(&args[1]));
    if separator.is_empty() {
        return chars(cx, args);
    }
    match separator.as_bytes() {
        // Looking for one character is less work than for a text.
        &[byte] if byte.is_ascii() => cx.strings(s.split(char::from(byte))),
        _ => cx.strings(s.split(separator)),
    }
}

fn split_limit(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let n = int(args[2]);
    if n < 1 {
        return fail(kind::CONSTRAINT, format!("cannot split into {n} parts"));
    }
    cx.strings(text(&args[0]).splitn(n as usize, text(&args[1])))
}

fn chars(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let mut buffer = [0; 4];
    let s = text(&args[0]);
    let mut out =
        lumen_runtime::heap::list::new(cx.heap, well_known::LIST_STRING, char_len(&args[0]))?;
    for c in s.chars() {
        // SAFETY: an owned list[String] with room; it is dropped when a String cannot be made.
        unsafe {
            match string::new(cx.heap, c.encode_utf8(&mut buffer)) {
                Ok(c) => lumen_runtime::heap::list::push(cx.heap, &mut out, c)?,
                Err(e) => {
                    cx.discard(out, well_known::LIST_STRING);
                    return Err(e.into());
                }
            }
        }
    }
    Ok(out)
}

fn scalar(code: i64) -> Result<char, lumen_runtime::native::NativeStop> {
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .map_or_else(
            || {
                fail(
                    kind::CONSTRAINT,
                    format!("{code} is not a Unicode scalar value"),
                )
            },
            Ok,
        )
}

fn from_code(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let c = scalar(int(args[0]))?;
    Ok(string::from_char(cx.heap, c)?)
}

fn from_code_points(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let codes = lumen_runtime::native::ints(&args[0]);
    let s = codes
        .iter()
        .map(|c| scalar(*c))
        .collect::<Result<String, _>>()?;
    cx.string(&s)
}

fn code_at(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (i, len) = (int(args[1]), char_len(&args[0]));
    // SAFETY: slot 0 is a live String.
    match resolve_index(i, len).and_then(|at| unsafe { string::char_at(args[0], at) }) {
        Some(c) => Ok(u64::from(u32::from(c))),
        None => cx.out_of_range(i, len),
    }
}

fn char_at(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let at = resolve_index(int(args[1]), char_len(&args[0]));
    // SAFETY: slot 0 is a live String.
    match at.and_then(|at| unsafe { string::char_at(args[0], at) }) {
        Some(c) => Ok(string::from_char(cx.heap, c)?),
        None => Ok(NULL),
    }
}

fn count(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let needle = text(&args[1]);
    let n = if needle.is_empty() {
        0
    } else {
        text(&args[0]).matches(needle).count()
    };
    Ok(n as u64)
}

fn index_of(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: slot 0 is a live String.
    let found = unsafe { string::find(args[0], text(&args[1]), 0) };
    optional_index(cx, found)
}

fn index_of_from(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let len = char_len(&args[0]);
    let Some((from, _)) = resolve_range(int(args[2]), len as i64, len) else {
        return Ok(NULL);
    };
    // SAFETY: slot 0 is a live String.
    let found = unsafe { string::find(args[0], text(&args[1]), from) };
    optional_index(cx, found)
}

fn last_index_of(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let at = text(&args[0]).rfind(text(&args[1]));
    // SAFETY: slot 0 is a live String, and `rfind` gives a character boundary.
    let found = at.map(|at| unsafe { string::char_index(args[0], at) });
    optional_index(cx, found)
}

/// The characters `from..to`, which are within the String.
fn sub(cx: &mut NativeCx<'_>, s: u64, from: usize, to: usize) -> NativeResult {
    // SAFETY: `s` is a live String.
    match unsafe { string::slice(cx.heap, s, from, to)? } {
        Some(w) => Ok(w),
        None => Ok(string::empty()),
    }
}

fn slice(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (from, to, len) = (int(args[1]), int(args[2]), char_len(&args[0]));
    match resolve_range(from, to, len) {
        Some((from, to)) => sub(cx, args[0], from, to),
        None => fail(
            kind::INDEX,
            format!("slice {from}..{to} is out of range (length {len})"),
        ),
    }
}

fn take(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let n = clamp(int(args[1]), char_len(&args[0]));
    sub(cx, args[0], 0, n)
}

fn drop_first(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let len = char_len(&args[0]);
    let n = clamp(int(args[1]), len);
    sub(cx, args[0], n, len)
}

/// More than this is refused before any memory is asked for.
const MAX_LEN: usize = u32::MAX as usize / 2;

fn repeat(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (s, n) = (text(&args[0]), int(args[1]));
    let Ok(n) = usize::try_from(n) else {
        return fail(kind::CONSTRAINT, format!("cannot repeat {n} times"));
    };
    let total = s.len().checked_mul(n).filter(|t| *t <= MAX_LEN);
    let Some(total) = total else {
        return fail(kind::MEMORY, "out of memory");
    };
    let mut out = string::with_capacity(cx.heap, total)?;
    for _ in 0..n {
        // SAFETY: an owned String with room for all; nothing here can fail.
        unsafe { string::append(cx.heap, &mut out, args[0])? };
    }
    Ok(out)
}

/// Pads to a width; `left` halves of the padding go to the left.
fn pad(cx: &mut NativeCx<'_>, args: &mut [u64], left: usize) -> NativeResult {
    let (width, fill) = (int(args[1]), text(&args[2]));
    let missing = usize::try_from(width)
        .unwrap_or(0)
        .saturating_sub(char_len(&args[0]));
    if missing > MAX_LEN {
        return fail(kind::MEMORY, "out of memory");
    }
    if missing == 0 || fill.is_empty() {
        return Ok(cx.copy(args[0], well_known::STRING));
    }
    let before = missing * left / 2;
    let mut out = String::new();
    out.extend(fill.chars().cycle().take(before));
    out.push_str(text(&args[0]));
    out.extend(fill.chars().cycle().take(missing - before));
    cx.string(&out)
}
