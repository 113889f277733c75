//! The printed form of values, as `print` and interpolation show it, and format specifiers.

use std::fmt::Write;

use super::dynamic::{Leaf, child, leaf, resolve, type_name};
use super::error;
use super::handle;
use super::string;
use super::types::{Shape, TypeIx, TypeKind, Types};

/// A value that is being printed, and the part that comes next.
struct Frame {
    slot: u64,
    ty: TypeIx,
    part: u32,
    count: u32,
    close: &'static str,
}

/// The printed form of a value of type `ty`.
///
/// # Safety
/// `slot` is a live value of type `ty`.
pub unsafe fn format(types: &Types, slot: u64, ty: TypeIx) -> String {
    let mut out = String::new();
    // SAFETY: by contract.
    unsafe { write_value(types, slot, ty, &mut out) };
    out
}

/// Appends the printed form of a value: a String as it is, but quoted inside collections.
///
/// # Safety
/// `slot` is a live value of type `ty`.
pub unsafe fn write_value(types: &Types, slot: u64, ty: TypeIx, out: &mut String) {
    // SAFETY: by contract; parts of live values are live.
    unsafe {
        let mut stack: Vec<Frame> = Vec::new();
        open(types, slot, ty, out, &mut stack, false);
        while let Some(mut f) = stack.pop() {
            let index = f.part;
            match child(types, f.slot, f.ty, &mut f.part) {
                None => out.push_str(f.close),
                Some((slot, ty)) => {
                    before_part(types, f.ty, index, f.count, out);
                    f.count += 1;
                    stack.push(f);
                    open(types, slot, ty, out, &mut stack, true);
                }
            }
        }
    }
}

/// Writes what stands before a part: separator, field name, colon.
fn before_part(types: &Types, ty: TypeIx, index: u32, written: u32, out: &mut String) {
    match types.kind(ty) {
        TypeKind::Map(..) if written % 2 == 1 => out.push_str(": "),
        _ if written > 0 => out.push_str(", "),
        _ => {}
    }
    if let Some(f) = types.fields(ty).get(index as usize)
        && !f.is_positional()
    {
        out.push_str(&f.name);
        out.push_str(": ");
    }
}

/// Writes a leaf, or the beginning of a composite and pushes its frame.
unsafe fn open(
    types: &Types,
    slot: u64,
    ty: TypeIx,
    out: &mut String,
    stack: &mut Vec<Frame>,
    nested: bool,
) {
    // SAFETY: a live value of its type.
    unsafe {
        let (slot, ty) = resolve(types, slot, ty);
        match leaf(types, slot, ty) {
            Leaf::Int(i) => push_int(out, i),
            Leaf::Float(f) => push_float(out, f),
            Leaf::Bool(b) => out.push_str(if b { "true" } else { "false" }),
            Leaf::Null => out.push_str("null"),
            Leaf::String(w) if nested => push_quoted(out, string::as_str(w)),
            Leaf::String(w) => out.push_str(string::as_str(w)),
            Leaf::Bytes(b) => push_bytes(out, b),
            Leaf::Identity(w) if matches!(types.shape(ty), Shape::Handle) => {
                handle::describe(w, out);
            }
            Leaf::Identity(_) => {
                out.push('<');
                out.push_str(&type_name(types, ty));
                out.push('>');
            }
            Leaf::Map(_) => {
                out.push('{');
                stack.push(Frame {
                    slot,
                    ty,
                    part: 0,
                    count: 0,
                    close: "}",
                });
            }
            Leaf::Composite { len, .. } => {
                if let Some(close) = open_composite(types, slot, ty, len, out) {
                    stack.push(Frame {
                        slot,
                        ty,
                        part: 0,
                        count: 0,
                        close,
                    });
                }
            }
        }
    }
}

/// Writes what a composite begins with; gives what it ends with, if it has parts to print.
unsafe fn open_composite(
    types: &Types,
    slot: u64,
    ty: TypeIx,
    len: usize,
    out: &mut String,
) -> Option<&'static str> {
    match types.kind(ty) {
        TypeKind::Error => {
            // SAFETY: the slot is a live Error.
            out.push_str(unsafe { error::text(slot, error::MESSAGE) });
            None
        }
        TypeKind::List(_) => {
            out.push('[');
            Some("]")
        }
        TypeKind::Variant { name, .. } if len == 0 => {
            out.push_str(name);
            None
        }
        TypeKind::Variant { name, .. } | TypeKind::Record { name, .. } => {
            // The type arguments of a generic record are not printed.
            out.push_str(name.split('[').next().unwrap_or_default());
            out.push('(');
            Some(")")
        }
        _ => {
            out.push('(');
            Some(if len == 1 { ",)" } else { ")" })
        }
    }
}

/// Appends an Int.
pub fn push_int(out: &mut String, i: i64) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{i}");
}

/// Appends a Float: the shortest text that reads back, always with `.` or `e`.
pub fn push_float(out: &mut String, f: f64) {
    let _ = write!(out, "{f:?}");
}

/// Appends a String in quotes.
pub fn push_quoted(out: &mut String, s: &str) {
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0' => out.push_str("\\0"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn push_bytes(out: &mut String, bytes: &[u8]) {
    out.push_str("b\"");
    for b in bytes {
        let _ = write!(out, "{b:02x}");
    }
    out.push('"');
}

/// A parsed format specifier: `[[fill]align][sign][#][0][width][,][.precision][kind]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    fill: char,
    align: Option<char>,
    plus: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    group: bool,
    precision: Option<usize>,
    kind: Option<char>,
}

/// Wider or more precise output than this is refused.
const MAX_WIDTH: usize = 100_000;

impl Spec {
    /// Parses the text after the colon in `"{value:spec}"`.
    pub fn parse(text: &str) -> Result<Spec, String> {
        let chars: Vec<char> = text.chars().collect();
        let mut spec = Spec {
            fill: ' ',
            align: None,
            plus: false,
            alternate: false,
            zero: false,
            width: 0,
            group: false,
            precision: None,
            kind: None,
        };
        let is_align = |c: Option<&char>| matches!(c, Some('<' | '>' | '^'));
        let mut i = 0;
        if is_align(chars.get(1)) {
            (spec.fill, spec.align, i) = (chars[0], Some(chars[1]), 2);
        } else if is_align(chars.first()) {
            (spec.align, i) = (Some(chars[0]), 1);
        }
        let eat = |i: &mut usize, c: char| {
            let found = chars.get(*i) == Some(&c);
            *i += usize::from(found);
            found
        };
        spec.plus = eat(&mut i, '+');
        spec.alternate = eat(&mut i, '#');
        spec.zero = eat(&mut i, '0');
        spec.width = number(&chars, &mut i)?.unwrap_or(0);
        spec.group = eat(&mut i, ',');
        if eat(&mut i, '.') {
            let Some(p) = number(&chars, &mut i)? else {
                return Err(format!(
                    "format specifier `{text}`: digits are missing after `.`"
                ));
            };
            spec.precision = Some(p);
        }
        if let Some(&c) = chars.get(i) {
            if !"xXbodfeEs%?".contains(c) || i + 1 != chars.len() {
                return Err(format!("unknown format specifier `{text}`"));
            }
            spec.kind = Some(c);
        }
        Ok(spec)
    }

    fn pad(&self, body: &str, numeric: bool, out: &mut String) {
        let len = body.chars().count();
        let missing = self.width.saturating_sub(len);
        if numeric && self.zero && self.align.is_none() {
            let digits = body.find(|c: char| c != '-' && c != '+').unwrap_or(0);
            let digits = if self.alternate && body[digits..].starts_with('0') {
                (digits + 2).min(body.len())
            } else {
                digits
            };
            out.push_str(&body[..digits]);
            out.extend(std::iter::repeat_n('0', missing));
            out.push_str(&body[digits..]);
            return;
        }
        let left = match self.align {
            Some('<') => 0,
            Some('^') => missing / 2,
            Some(_) => missing,
            None => missing * usize::from(numeric),
        };
        out.extend(std::iter::repeat_n(self.fill, left));
        out.push_str(body);
        out.extend(std::iter::repeat_n(self.fill, missing - left));
    }
}

fn number(chars: &[char], i: &mut usize) -> Result<Option<usize>, String> {
    let start = *i;
    let mut n = 0usize;
    while let Some(d) = chars.get(*i).and_then(|c| c.to_digit(10)) {
        n = n * 10 + d as usize;
        *i += 1;
        if n > MAX_WIDTH {
            return Err(format!("a format width is at most {MAX_WIDTH}"));
        }
    }
    Ok((*i > start).then_some(n))
}

/// Appends a value formatted by a specifier; an error names what does not fit.
///
/// # Safety
/// `slot` is a live value of type `ty`.
pub unsafe fn write_spec(
    types: &Types,
    slot: u64,
    ty: TypeIx,
    spec: &Spec,
    out: &mut String,
) -> Result<(), String> {
    // SAFETY: by contract.
    let (slot, ty) = unsafe { resolve(types, slot, ty) };
    // SAFETY: as above.
    let (body, numeric) = match (unsafe { leaf(types, slot, ty) }, spec.kind) {
        (Leaf::Int(i), None | Some('d')) if spec.precision.is_none() => (i.to_string(), true),
        (Leaf::Int(i), Some('x' | 'X' | 'b' | 'o')) => (int_radix(i, spec), true),
        (Leaf::Int(i), None | Some('f' | 'e' | 'E' | '%')) => (float_body(i as f64, spec), true),
        (Leaf::Float(f), None | Some('f' | 'e' | 'E' | '%')) => (float_body(f, spec), true),
        (Leaf::Float(_), Some(k)) if k != 's' && k != '?' => {
            return Err(format!("format specifier `{k}` needs an Int, found Float"));
        }
        // SAFETY: the leaf says that it is a String.
        (Leaf::String(w), None | Some('s')) => (cut(unsafe { string::as_str(w) }, spec), false),
        // SAFETY: as above.
        (Leaf::String(w), Some('?')) => {
            let mut quoted = String::new();
            // SAFETY: as above.
            push_quoted(&mut quoted, unsafe { string::as_str(w) });
            (cut(&quoted, spec), false)
        }
        (_, None | Some('s' | '?')) => {
            // SAFETY: by contract.
            (cut(&unsafe { format(types, slot, ty) }, spec), false)
        }
        (_, Some(k)) => {
            let name = type_name(types, ty);
            return Err(format!(
                "format specifier `{k}` needs a number, found {name}"
            ));
        }
    };
    let mut body = if numeric && spec.group {
        group_digits(&body)
    } else {
        body
    };
    if numeric && spec.plus && !body.starts_with('-') {
        body.insert(0, '+');
    }
    spec.pad(&body, numeric, out);
    Ok(())
}

fn cut(s: &str, spec: &Spec) -> String {
    s.chars()
        .take(spec.precision.unwrap_or(usize::MAX))
        .collect()
}

fn int_radix(i: i64, spec: &Spec) -> String {
    let sign = if i < 0 { "-" } else { "" };
    let n = i.unsigned_abs();
    let alternate = spec.alternate;
    let (prefix, digits) = match spec.kind {
        Some('x') => ("0x", format!("{n:x}")),
        Some('X') => ("0x", format!("{n:X}")),
        Some('b') => ("0b", format!("{n:b}")),
        _ => ("0o", format!("{n:o}")),
    };
    format!("{sign}{}{digits}", if alternate { prefix } else { "" })
}

fn float_body(f: f64, spec: &Spec) -> String {
    match (spec.kind, spec.precision) {
        (Some('e'), Some(p)) => format!("{f:.p$e}"),
        (Some('e'), None) => format!("{f:e}"),
        (Some('E'), Some(p)) => format!("{f:.p$E}"),
        (Some('E'), None) => format!("{f:E}"),
        (Some('%'), p) => format!("{:.*}%", p.unwrap_or(0), f * 100.0),
        (_, Some(p)) => format!("{f:.p$}"),
        (Some('f'), None) => format!("{f:.6}"),
        _ => format!("{f:?}"),
    }
}

/// Puts a comma between groups of three digits before the decimal point.
fn group_digits(body: &str) -> String {
    let start = usize::from(body.starts_with('-'));
    let end = body[start..]
        .find(|c: char| !c.is_ascii_digit())
        .map_or(body.len(), |e| start + e);
    let mut out = String::from(&body[..start]);
    for (i, c) in body[start..end].chars().enumerate() {
        if i > 0 && (end - start - i) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    out.push_str(&body[end..]);
    out
}
