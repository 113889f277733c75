//! A module as text, which [`crate::assemble`](crate::assemble::assemble) reads back.
//!
//! One statement a line; `;` begins a comment, which says what a reference means. References are
//! a letter and an index: `r` register, `t` type, `k` constant, `f` function, `n` native, `g`
//! global, `p` path, `j` jump table of the function, `L` label. The well-known types are left out
//! and written by name. `docs/bytecode.md` has the grammar.

mod function;

use crate::module::{Constant, Module, PathStep, TypeDesc, well_known};
use crate::text::{excerpt, name, quote, type_name, type_ref, type_refs};
use std::fmt::Write;

/// What a listing has besides the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListOptions {
    /// Source texts at the end (without them the listing does not give the same module back).
    pub sources: bool,
    /// Source lines as comments beside the code.
    pub snippets: bool,
}

impl Default for ListOptions {
    fn default() -> Self {
        Self {
            sources: true,
            snippets: true,
        }
    }
}

/// The listing of a module, with everything.
#[must_use]
pub fn list(module: &Module) -> String {
    list_with(module, ListOptions::default())
}

/// The listing of a module.
#[must_use]
pub fn list_with(module: &Module, options: ListOptions) -> String {
    let mut out = String::new();
    let o = &mut out;
    o.push_str("lumen bytecode 1\n");
    settings(module, o);
    types(module, o);
    constants(module, o);
    natives(module, o);
    paths(module, o);
    globals(module, o);
    for (index, function) in module.functions.iter().enumerate() {
        o.push('\n');
        function::list(module, index, function, options, o);
    }
    tests_and_tools(module, o);
    if options.sources {
        sources(module, o);
    }
    out
}

/// A line with a comment at a fixed column.
pub(crate) fn line(out: &mut String, text: &str, comment: &str) {
    out.push_str(text);
    if !comment.is_empty() {
        let pad = 44usize.saturating_sub(text.chars().count()).max(2);
        let _ = write!(out, "{:pad$}; ", "");
        out.extend(
            comment
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c }),
        );
    }
    out.push('\n');
}

fn settings(module: &Module, out: &mut String) {
    if module.deterministic {
        out.push_str("deterministic\n");
    }
    match module.virtual_clock {
        Some(true) => out.push_str("clock virtual\n"),
        Some(false) => out.push_str("clock real\n"),
        None => {}
    }
    if let Some(main) = module.main {
        let what = function_name(module, main);
        line(out, &format!("main f{main}"), &what);
    }
    for (i, file) in module.files.iter().enumerate() {
        let _ = writeln!(out, "file {i} {}", quote(file));
    }
}

fn types(module: &Module, out: &mut String) {
    let standard = well_known::standard_types();
    let skip = if module.types.starts_with(&standard) {
        standard.len()
    } else {
        out.push_str("\nno prelude\n");
        0
    };
    if module.types.len() > skip {
        out.push('\n');
    }
    for (i, desc) in module.types.iter().enumerate().skip(skip) {
        let what = match desc {
            TypeDesc::Enum { .. }
            | TypeDesc::Record { .. }
            | TypeDesc::Unused
            | TypeDesc::Handle { .. } => String::new(),
            TypeDesc::Closure { func, .. } => function_name(module, *func),
            _ => type_name(&module.types, i as u32),
        };
        let text = type_desc(desc);
        let what = if what == text { "" } else { &what };
        line(out, &format!("type t{i} = {text}"), what);
    }
}

/// A type's description as the assembler reads it.
fn type_desc(desc: &TypeDesc) -> String {
    let fields = |fields: &[crate::module::FieldDesc]| {
        let all: Vec<String> = fields
            .iter()
            .map(|f| format!("{}: {}", name(&f.name), type_ref(f.ty)))
            .collect();
        format!("{{{}}}", all.join(", "))
    };
    match desc {
        TypeDesc::Int => "Int".into(),
        TypeDesc::Float => "Float".into(),
        TypeDesc::Bool => "Bool".into(),
        TypeDesc::Null => "Null".into(),
        TypeDesc::String => "String".into(),
        TypeDesc::Bytes => "Bytes".into(),
        TypeDesc::Any => "Any".into(),
        TypeDesc::Json => "Json".into(),
        TypeDesc::Error => "Error".into(),
        TypeDesc::Never => "Never".into(),
        TypeDesc::Unused => "unused".into(),
        TypeDesc::List(t) => format!("list[{}]", type_ref(*t)),
        TypeDesc::Map(k, v) => format!("map[{}, {}]", type_ref(*k), type_ref(*v)),
        TypeDesc::Set(t) => format!("set[{}]", type_ref(*t)),
        TypeDesc::Future(t) => format!("future[{}]", type_ref(*t)),
        TypeDesc::Channel(t) => format!("channel[{}]", type_ref(*t)),
        TypeDesc::Tuple(items) => format!("tuple[{}]", type_refs(items)),
        TypeDesc::Union(items) => format!("union[{}]", type_refs(items)),
        TypeDesc::Handle { name: n, args } => format!("handle {}[{}]", name(n), type_refs(args)),
        TypeDesc::Record { name: n, fields: f } => format!("record {} {}", name(n), fields(f)),
        TypeDesc::Enum {
            name: n,
            first_variant,
            variants,
        } => format!("enum {} {} + {variants}", name(n), type_ref(*first_variant)),
        TypeDesc::Variant {
            of,
            name: n,
            fields: f,
        } => format!("variant {} of {} {}", name(n), type_ref(*of), fields(f)),
        TypeDesc::Func { params, result } => {
            format!("func({}) -> {}", type_refs(params), type_ref(*result))
        }
        TypeDesc::Closure {
            func,
            as_func,
            captures,
        } => format!(
            "closure f{func} as {} [{}]",
            type_ref(*as_func),
            type_refs(captures)
        ),
    }
}

fn constants(module: &Module, out: &mut String) {
    if !module.constants.is_empty() {
        out.push('\n');
    }
    for (i, constant) in module.constants.iter().enumerate() {
        let (text, what) = match constant {
            Constant::Int(v) => (format!("int {v}"), String::new()),
            Constant::Float(bits) => float(*bits),
            Constant::Str(s) => (format!("str {}", quote(s)), String::new()),
            Constant::Bytes(b) => {
                let hex: String = b.iter().map(|b| format!("{b:02x}")).collect();
                (format!("bytes \"{hex}\""), String::new())
            }
            Constant::Null => ("null".into(), String::new()),
            Constant::BoolWord(b) => (format!("bool {b}"), String::new()),
            Constant::Variant(t) => (
                format!("variant {}", type_ref(*t)),
                type_name(&module.types, *t),
            ),
            Constant::Closure(t) => (
                format!("closure {}", type_ref(*t)),
                type_name(&module.types, *t),
            ),
        };
        line(out, &format!("const k{i} = {text}"), &what);
    }
}

/// A Float in decimal where that gives the same bits back, else as bits.
fn float(bits: u64) -> (String, String) {
    let value = f64::from_bits(bits);
    let text = format!("{value:?}");
    if value.is_finite() && text.parse::<f64>().is_ok_and(|v| v.to_bits() == bits) {
        (format!("float {text}"), String::new())
    } else {
        (format!("float bits {bits:#018x}"), text)
    }
}

fn natives(module: &Module, out: &mut String) {
    if !module.natives.is_empty() {
        out.push('\n');
    }
    for (i, n) in module.natives.iter().enumerate() {
        let mut text = format!(
            "native n{i} = {} ({}) -> {}",
            quote(&n.key),
            type_refs(&n.params),
            type_ref(n.result)
        );
        if n.mutator {
            text.push_str(" mut");
        }
        if !n.type_args.is_empty() {
            let _ = write!(text, " [{}]", type_refs(&n.type_args));
        }
        line(out, &text, "");
    }
}

fn paths(module: &Module, out: &mut String) {
    if !module.paths.is_empty() {
        out.push('\n');
    }
    for (i, path) in module.paths.iter().enumerate() {
        let mut text = format!("path p{i} =");
        for step in path {
            let _ = match step {
                PathStep::Field { container, field } => {
                    write!(text, " t{container}.{field}")
                }
                PathStep::Index { container } => write!(text, " t{container}[]"),
            };
        }
        line(out, &text, &path_name(module, path));
    }
}

/// A path as a reader would write it: `.points[].x`.
pub(crate) fn path_name(module: &Module, path: &[PathStep]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            PathStep::Field { container, field } => {
                let _ = match module.types.get(*container as usize) {
                    Some(TypeDesc::Record { fields, .. } | TypeDesc::Variant { fields, .. })
                        if usize::from(*field) < fields.len() =>
                    {
                        write!(text, ".{}", fields[usize::from(*field)].name)
                    }
                    _ => write!(text, ".{field}"),
                };
            }
            PathStep::Index { .. } => text.push_str("[]"),
        }
    }
    text
}

fn globals(module: &Module, out: &mut String) {
    if !module.globals.is_empty() {
        out.push('\n');
    }
    for (i, g) in module.globals.iter().enumerate() {
        let mut text = format!("global g{i} = {}: {}", name(&g.name), type_ref(g.ty));
        if let Some(init) = g.init {
            let _ = write!(text, " init f{init}");
        }
        line(out, &text, &type_name(&module.types, g.ty));
    }
}

fn tests_and_tools(module: &Module, out: &mut String) {
    if !module.tests.is_empty() || !module.tools.is_empty() {
        out.push('\n');
    }
    for t in &module.tests {
        let _ = writeln!(
            out,
            "test {} f{} {}:{}",
            quote(&t.name),
            t.func,
            t.file,
            t.line
        );
    }
    for t in &module.tools {
        let grants: Vec<String> = t
            .grants
            .iter()
            .map(|(k, v)| format!("{} = {}", quote(k), quote(v)))
            .collect();
        let _ = writeln!(
            out,
            "tool {} as {} {{{}}}",
            name(&t.path),
            name(&t.name),
            grants.join(", ")
        );
    }
}

fn sources(module: &Module, out: &mut String) {
    for (i, source) in module.sources.iter().enumerate() {
        let _ = writeln!(out, "\nsource {i}");
        for text in source.split('\n') {
            let _ = writeln!(out, "|{text}");
        }
    }
}

/// A function's name for a comment.
pub(crate) fn function_name(module: &Module, index: u32) -> String {
    match module.functions.get(index as usize) {
        Some(f) => f.name.clone(),
        None => "no such function".into(),
    }
}

/// A constant's value for a comment.
pub(crate) fn constant_name(module: &Module, index: u32) -> String {
    match module.constants.get(index as usize) {
        Some(Constant::Int(v)) => v.to_string(),
        Some(Constant::Float(bits)) => format!("{:?}", f64::from_bits(*bits)),
        Some(Constant::Str(s)) => excerpt(s, 40),
        Some(Constant::Bytes(b)) => format!("{} bytes", b.len()),
        Some(Constant::Null) => "null".into(),
        Some(Constant::BoolWord(b)) => b.to_string(),
        Some(Constant::Variant(t) | Constant::Closure(t)) => type_name(&module.types, *t),
        None => "no such constant".into(),
    }
}

#[cfg(test)]
mod tests;
