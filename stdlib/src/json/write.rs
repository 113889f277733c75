//! Values of any type to JSON text. Iterative: values may be deep.

use std::fmt::Write;

use lumen_runtime::heap::dynamic::{Leaf, child, leaf, resolve, type_name};
use lumen_runtime::heap::{TypeIx, TypeKind, Types, error, format, string, well_known};

use crate::natives::base64;

/// How the text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Without spaces.
    Compact,
    /// One part a line, indented by so many spaces.
    Pretty(usize),
}

struct Frame {
    slot: u64,
    ty: TypeIx,
    part: u32,
    count: u32,
    close: &'static str,
}

struct Writer<'t> {
    types: &'t Types,
    layout: Layout,
    out: String,
    stack: Vec<Frame>,
}

/// The JSON text of a value of type `ty`; an error names what has no JSON form.
///
/// # Safety
/// `slot` is a live value of type `ty`.
pub unsafe fn write(
    types: &Types,
    slot: u64,
    ty: TypeIx,
    layout: Layout,
) -> Result<String, String> {
    let mut w = Writer {
        types,
        layout,
        out: String::new(),
        stack: Vec::new(),
    };
    // SAFETY: by contract; parts of live values are live.
    unsafe {
        w.open(slot, ty)?;
        while let Some(mut f) = w.stack.pop() {
            let index = f.part;
            match child(types, f.slot, f.ty, &mut f.part) {
                None => w.close(&f),
                Some((slot, ty)) => {
                    let is_key = matches!(types.kind(f.ty), TypeKind::Map(..)) && f.count % 2 == 0;
                    w.before_part(&f, index);
                    f.count += 1;
                    w.stack.push(f);
                    if is_key {
                        w.key(slot, ty);
                    } else {
                        w.open(slot, ty)?;
                    }
                }
            }
        }
    }
    Ok(w.out)
}

impl Writer<'_> {
    fn line(&mut self, depth: usize) {
        if let Layout::Pretty(indent) = self.layout {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    }

    fn colon(&mut self) {
        self.out.push_str(if self.layout == Layout::Compact {
            ":"
        } else {
            ": "
        });
    }

    /// Whether a composite's brackets stand alone: wrapped variants count twice.
    fn depth(&self) -> usize {
        self.stack.iter().map(|f| f.close.len()).sum()
    }

    fn before_part(&mut self, f: &Frame, index: u32) {
        let is_map = matches!(self.types.kind(f.ty), TypeKind::Map(..));
        if is_map && f.count % 2 == 1 {
            self.colon();
            return;
        }
        if f.count > 0 {
            self.out.push(',');
        }
        // A wrapped single value stands on the line of its name.
        if f.close != "}" || !matches!(self.types.kind(f.ty), TypeKind::Variant { .. }) {
            let depth = self.depth() + f.close.len();
            self.line(depth);
        }
        let field = self.types.fields(f.ty).get(index as usize);
        if let Some(field) = field.filter(|field| !field.is_positional()) {
            push_string(&mut self.out, &field.name);
            self.colon();
        }
    }

    fn close(&mut self, f: &Frame) {
        let mut depth = self.depth() + f.close.len();
        let wrapped_single =
            f.close == "}" && matches!(self.types.kind(f.ty), TypeKind::Variant { .. });
        for c in f.close.chars() {
            depth -= 1;
            if f.count > 0 && !(wrapped_single && self.layout == Layout::Compact) {
                self.line(depth);
            }
            self.out.push(c);
        }
    }

    /// A map's key.
    unsafe fn key(&mut self, slot: u64, ty: TypeIx) {
        // SAFETY: a live value of its type.
        unsafe {
            let (slot, ty) = resolve(self.types, slot, ty);
            if ty == well_known::STRING {
                push_string(&mut self.out, string::as_str(slot));
            } else {
                let text = format::format(self.types, slot, ty);
                push_string(&mut self.out, &text);
            }
        }
    }

    fn push(&mut self, slot: u64, ty: TypeIx, open: &str, close: &'static str) {
        self.out.push_str(open);
        self.stack.push(Frame {
            slot,
            ty,
            part: 0,
            count: 0,
            close,
        });
    }

    /// Writes a leaf, or the beginning of a composite and pushes its frame.
    unsafe fn open(&mut self, slot: u64, ty: TypeIx) -> Result<(), String> {
        // SAFETY: a live value of its type.
        unsafe {
            let (slot, ty) = resolve(self.types, slot, ty);
            match leaf(self.types, slot, ty) {
                Leaf::Int(i) => format::push_int(&mut self.out, i),
                Leaf::Float(f) if f.is_finite() => format::push_float(&mut self.out, f),
                Leaf::Float(_) | Leaf::Null => self.out.push_str("null"),
                Leaf::Bool(b) => self.out.push_str(if b { "true" } else { "false" }),
                Leaf::String(w) => push_string(&mut self.out, string::as_str(w)),
                Leaf::Bytes(b) => push_string(&mut self.out, &base64(b)),
                Leaf::Identity(_) => {
                    let name = type_name(self.types, ty);
                    return Err(format!("a value of type {name} has no JSON form"));
                }
                Leaf::Map(_) => match self.types.kind(ty) {
                    TypeKind::Map(..) => self.push(slot, ty, "{", "}"),
                    _ => self.push(slot, ty, "[", "]"),
                },
                Leaf::Composite { len, .. } => self.composite(slot, ty, len),
            }
        }
        Ok(())
    }

    unsafe fn composite(&mut self, slot: u64, ty: TypeIx, len: usize) {
        let types = self.types;
        match types.kind(ty) {
            TypeKind::Error => {
                // SAFETY: a live Error.
                push_string(&mut self.out, unsafe { error::text(slot, error::MESSAGE) });
            }
            TypeKind::Record { .. } => self.push(slot, ty, "{", "}"),
            TypeKind::Variant { name, .. } if len == 0 => push_string(&mut self.out, name),
            TypeKind::Variant { name, fields, .. } => {
                self.out.push('{');
                let depth = self.depth() + 1;
                self.line(depth);
                push_string(&mut self.out, name);
                self.colon();
                if !fields[0].is_positional() {
                    self.push(slot, ty, "{", "}}");
                } else if len > 1 {
                    self.push(slot, ty, "[", "]}");
                } else {
                    self.push(slot, ty, "", "}");
                }
            }
            _ => self.push(slot, ty, "[", "]"),
        }
    }
}

/// Appends a JSON String.
fn push_string(out: &mut String, s: &str) {
    out.push('"');
    let mut plain = 0;
    for (i, b) in s.bytes().enumerate() {
        if b >= 0x20 && b != b'"' && b != b'\\' {
            continue;
        }
        out.push_str(&s[plain..i]);
        plain = i + 1;
        match b {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{b:04x}");
            }
        }
    }
    out.push_str(&s[plain..]);
    out.push('"');
}
