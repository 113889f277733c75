//! Names and references as listing, assembler and verifier write them.

use crate::module::{TypeDesc, TypeIx, well_known as wk};
use std::fmt::Write;

/// Types that are written by name, at their well-known index.
pub(crate) const NAMED: &[(&str, TypeIx)] = &[
    ("Int", wk::INT),
    ("Float", wk::FLOAT),
    ("Bool", wk::BOOL),
    ("Null", wk::NULL),
    ("String", wk::STRING),
    ("Bytes", wk::BYTES),
    ("Any", wk::ANY),
    ("Json", wk::JSON),
    ("Error", wk::ERROR),
    ("Never", wk::NEVER),
];

/// A reference to a type: `Int`, `t40`.
pub(crate) fn type_ref(ix: TypeIx) -> String {
    match NAMED.iter().find(|(_, i)| *i == ix) {
        Some((name, _)) => (*name).to_owned(),
        None => format!("t{ix}"),
    }
}

/// Several references, separated by commas.
pub(crate) fn type_refs(types: &[TypeIx]) -> String {
    let refs: Vec<String> = types.iter().map(|&t| type_ref(t)).collect();
    refs.join(", ")
}

/// Can stand in a listing without quotes.
fn is_plain(name: &str) -> bool {
    let digits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
    let word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    digits || name.split('.').all(word)
}

/// A name: as it is, or quoted.
pub(crate) fn name(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        quote(text)
    }
}

/// A quoted string that the assembler reads back.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A quoted beginning of `text`, for comments.
pub(crate) fn excerpt(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", quote(&text[..end])),
        None => quote(text),
    }
}

/// A type as a reader of the program would write it: `list[Point]`, `Shape.Circle`, `Int | Null`.
/// Large and deep types are cut short with `…`; an index out of range is `t99?`.
#[must_use]
pub fn type_name(types: &[TypeDesc], ix: TypeIx) -> String {
    let mut out = String::new();
    write_type(types, ix, 4, &mut out);
    out
}

fn write_type(types: &[TypeDesc], ix: TypeIx, depth: u32, out: &mut String) {
    let Some(desc) = types.get(ix as usize) else {
        let _ = write!(out, "t{ix}?");
        return;
    };
    if depth == 0 || out.len() > 160 {
        out.push('…');
        return;
    }
    let list = |items: &[TypeIx], between: &str, out: &mut String| {
        for (i, &item) in items.iter().take(12).enumerate() {
            if i > 0 {
                out.push_str(between);
            }
            write_type(types, item, depth - 1, out);
        }
        if items.len() > 12 {
            out.push_str(between);
            out.push('…');
        }
    };
    let generic = |head: &str, items: &[TypeIx], out: &mut String| {
        out.push_str(head);
        if !items.is_empty() {
            out.push('[');
            list(items, ", ", out);
            out.push(']');
        }
    };
    match desc {
        TypeDesc::Int => out.push_str("Int"),
        TypeDesc::Float => out.push_str("Float"),
        TypeDesc::Bool => out.push_str("Bool"),
        TypeDesc::Null => out.push_str("Null"),
        TypeDesc::String => out.push_str("String"),
        TypeDesc::Bytes => out.push_str("Bytes"),
        TypeDesc::Any => out.push_str("Any"),
        TypeDesc::Json => out.push_str("Json"),
        TypeDesc::Error => out.push_str("Error"),
        TypeDesc::Never => out.push_str("Never"),
        TypeDesc::Unused => out.push_str("unused"),
        TypeDesc::List(t) => generic("list", &[*t], out),
        TypeDesc::Map(k, v) => generic("map", &[*k, *v], out),
        TypeDesc::Set(t) => generic("set", &[*t], out),
        TypeDesc::Future(t) => generic("Future", &[*t], out),
        TypeDesc::Channel(t) => generic("Channel", &[*t], out),
        TypeDesc::Handle { name, args } => generic(name, args, out),
        TypeDesc::Tuple(items) => {
            out.push('(');
            list(items, ", ", out);
            out.push(')');
        }
        TypeDesc::Record { name, .. } | TypeDesc::Enum { name, .. } => out.push_str(name),
        TypeDesc::Variant { of, name, .. } => write_variant(types, *of, name, out),
        TypeDesc::Union(items) => list(items, " | ", out),
        TypeDesc::Func { params, result } => {
            out.push('(');
            list(params, ", ", out);
            out.push_str(") -> ");
            write_type(types, *result, depth - 1, out);
        }
        TypeDesc::Closure { func, .. } => {
            let _ = write!(out, "closure f{func}");
        }
    }
}

fn write_variant(types: &[TypeDesc], of: TypeIx, variant: &str, out: &mut String) {
    if let Some(TypeDesc::Enum { name, .. }) = types.get(of as usize) {
        let _ = write!(out, "{name}.");
    }
    out.push_str(variant);
}
