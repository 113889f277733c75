//! `--emit hir`: the typed tree as text.
//!
//! A local is `name.number` (`_.number` without a name), a function `name#number`. Behind an
//! expression that converts, and behind what has no type to be seen otherwise, stands `: type`.

mod expr;

use super::{Func, FuncId, FuncKind, LocalId, NativeId, Pat, PatKind, Program, Ty, TyKind, Types};
use crate::outline::Node;
use std::fmt::Write;

/// The text of a whole program.
pub fn dump(program: &Program) -> String {
    let mut out = String::new();
    settings(program, &mut out);
    for (index, global) in program.globals.iter().enumerate() {
        let ty = type_name(&program.types, global.ty);
        let _ = write!(out, "global {}#{index}: {ty}", global.name);
        if let Some(init) = global.init {
            let _ = write!(out, " = {}", function_name(program, init));
        }
        out.push('\n');
    }
    for (index, native) in program.natives.iter().enumerate() {
        let _ = writeln!(out, "native n{index} = {}", native.key);
    }
    for (index, _) in program.funcs.iter().enumerate() {
        out.push('\n');
        function(program, FuncId(index as u32), &mut out);
    }
    out
}

fn settings(program: &Program, out: &mut String) {
    if program.deterministic {
        out.push_str("deterministic\n");
    }
    if let Some(virtual_clock) = program.virtual_clock {
        let _ = writeln!(
            out,
            "clock {}",
            if virtual_clock { "virtual" } else { "real" }
        );
    }
    if let Some(main) = program.main {
        let _ = writeln!(out, "main {}", function_name(program, main));
    }
    for test in &program.tests {
        let _ = writeln!(
            out,
            "test {:?} {}",
            test.name,
            function_name(program, test.func)
        );
    }
    for (index, tool) in program.tools.iter().enumerate() {
        let _ = writeln!(
            out,
            "tool #{index} {} as {} {:?}",
            tool.path, tool.name, tool.grants
        );
    }
}

fn function(program: &Program, id: FuncId, out: &mut String) {
    let func = &program.funcs[id.0 as usize];
    let dumper = Dumper { program, func };
    let list = |locals: &[LocalId]| {
        let typed = |local: &LocalId| {
            let ty = func.locals[local.0 as usize].ty;
            format!(
                "{}: {}",
                dumper.local(*local),
                type_name(&program.types, ty)
            )
        };
        locals.iter().map(typed).collect::<Vec<_>>().join(", ")
    };
    let kind = match func.kind {
        FuncKind::Cell => "cell",
        FuncKind::Closure => "closure",
        FuncKind::Generator => "generator",
    };
    let _ = write!(
        out,
        "{kind} {}({})",
        function_name(program, id),
        list(&func.params)
    );
    if !func.captures.is_empty() {
        let _ = write!(out, " [{}]", list(&func.captures));
    }
    let _ = write!(out, " -> {}", type_name(&program.types, func.result));
    out.push_str(if func.mutator { " mutator" } else { "" });
    out.push_str(if func.inline { " inline\n" } else { "\n" });
    dumper.expr(&func.body).write(out, 2);
}

/// `name#number`
fn function_name(program: &Program, id: FuncId) -> String {
    match program.funcs.get(id.0 as usize) {
        Some(func) => format!("{}#{}", func.name, id.0),
        None => format!("#{}", id.0),
    }
}

/// A type as it would be written.
fn type_name(types: &Types, ty: Ty) -> String {
    let list = |tys: &[Ty], between: &str| {
        tys.iter()
            .map(|ty| type_name(types, *ty))
            .collect::<Vec<_>>()
            .join(between)
    };
    let applied = |name: &str, args: &[Ty]| match args {
        [] => name.to_owned(),
        _ => format!("{name}[{}]", list(args, ", ")),
    };
    match types.kind(ty) {
        TyKind::Int => "Int".into(),
        TyKind::Float => "Float".into(),
        TyKind::Bool => "Bool".into(),
        TyKind::String => "String".into(),
        TyKind::Bytes => "Bytes".into(),
        TyKind::Null => "Null".into(),
        TyKind::Never => "Never".into(),
        TyKind::Any => "Any".into(),
        TyKind::Json => "Json".into(),
        TyKind::Error => "Error".into(),
        TyKind::List(item) => applied("list", &[*item]),
        TyKind::Map(key, value) => applied("map", &[*key, *value]),
        TyKind::Set(item) => applied("set", &[*item]),
        TyKind::Tuple(items) => format!("({})", list(items, ", ")),
        TyKind::Record(id) | TyKind::Enum(id) => {
            let nominal = &types.nominals[id.0 as usize];
            applied(&nominal.name, &nominal.args)
        }
        TyKind::Union(members) => list(members, " | "),
        TyKind::Func(params, result) => {
            format!(
                "fn({}) -> {}",
                list(params, ", "),
                type_name(types, *result)
            )
        }
        TyKind::Future(value) => applied("Future", &[*value]),
        TyKind::Channel(value) => applied("Channel", &[*value]),
        TyKind::Handle(name, args) => applied(name, args),
        TyKind::Generator(value) => applied("Generator", &[*value]),
    }
}

/// Turns the body of one function into [`Node`]s.
struct Dumper<'a> {
    program: &'a Program,
    func: &'a Func,
}

impl Dumper<'_> {
    fn local(&self, id: LocalId) -> String {
        let name = self
            .func
            .locals
            .get(id.0 as usize)
            .map_or("?", |local| self.program.names.resolve(local.name));
        format!("{}.{}", if name.is_empty() { "_" } else { name }, id.0)
    }

    fn ty(&self, ty: Ty) -> String {
        type_name(&self.program.types, ty)
    }

    fn native(&self, id: NativeId) -> String {
        let key = self
            .program
            .natives
            .get(id.0 as usize)
            .map_or("?", |native| &native.key);
        key.split(['(', '[']).next().unwrap_or(key).to_owned()
    }

    fn field(&self, container: Ty, index: u32) -> String {
        let name = self.program.types.nominal(container).and_then(|nominal| {
            nominal
                .variants
                .first()?
                .fields
                .get(index as usize)
                .map(|field| field.name.clone())
        });
        format!(".{}", name.unwrap_or_else(|| index.to_string()))
    }

    fn variant(&self, ty: Ty, variant: u32) -> String {
        let nominal = self.program.types.nominal(ty);
        let named = nominal.and_then(|nominal| nominal.variants.get(variant as usize));
        named.map_or_else(
            || format!("variant {variant}"),
            |variant| variant.name.clone(),
        )
    }

    fn pattern(&self, pat: &Pat) -> Node {
        let numbered = |fields: &[(u32, Pat)]| -> Vec<Node> {
            let field = |(at, pat): &(u32, Pat)| Node::new(format!("{at}:"), [self.pattern(pat)]);
            fields.iter().map(field).collect()
        };
        match &pat.kind {
            PatKind::Wild => Node::leaf("_"),
            PatKind::Bind(local, None) => Node::leaf(self.local(*local)),
            PatKind::Bind(local, Some(inner)) => Node::new(
                "bind",
                [Node::leaf(self.local(*local)), self.pattern(inner)],
            ),
            PatKind::Int(value) => Node::leaf(value.to_string()),
            PatKind::Float(value) => Node::leaf(format!("{value:?}")),
            PatKind::Bool(value) => Node::leaf(value.to_string()),
            PatKind::Str(value) => Node::leaf(format!("{value:?}")),
            PatKind::Bytes(value) => Node::leaf(format!("bytes {value:02x?}")),
            PatKind::Null => Node::leaf("null"),
            PatKind::Range { lo, hi } => Node::leaf(format!("{lo}..={hi}")),
            PatKind::Fields(fields) => Node::new("fields", numbered(fields)),
            PatKind::Variant(variant, fields) => {
                Node::new(self.variant(pat.ty, *variant), numbered(fields))
            }
            PatKind::List {
                before,
                rest,
                after,
            } => {
                let rest = rest.map(|rest| {
                    Node::leaf(format!(
                        "...{}",
                        rest.map_or(String::new(), |id| self.local(id))
                    ))
                });
                let before = before.iter().map(|pat| self.pattern(pat));
                let after = after.iter().map(|pat| self.pattern(pat));
                Node::new("list", before.chain(rest).chain(after))
            }
            PatKind::Type(ty, inner) => {
                Node::new("type", [Node::leaf(self.ty(*ty)), self.pattern(inner)])
            }
            PatKind::Or(pats) => Node::new("or", pats.iter().map(|pat| self.pattern(pat))),
        }
    }
}
