//! Warnings for what nothing uses: variables of cells, and imports.
//!
//! They are few: parameters, names bound by patterns of loops and arms, and module-level variables
//! are passed over, and a name that begins with `_` says that it is meant.

use super::Checker;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, ExprKind, FuncId, LocalId, Pat, PatKind, visit};
use crate::names::{TypeDef, ValueDef};
use crate::source::{FileId, Span};
use crate::syntax::Symbol;
use crate::syntax::ast::{Ident, ImportDecl, ImportName, ImportNames, ItemKind};
use rustc_hash::{FxHashMap, FxHashSet};

impl<'a> Checker<'a> {
    /// Looks for variables and imports without a use.
    pub(crate) fn check_unused(&mut self) {
        if self.has_errors() {
            return;
        }
        self.unused_variables();
        self.unused_imports();
    }

    /// Variables bound by `let` in a cell that no instance of it reads.
    fn unused_variables(&mut self) {
        let passed: FxHashSet<FuncId> = self.statements.iter().map(|one| one.func).collect();
        let modules = self.modules.list.iter();
        let own: FxHashSet<FileId> = modules
            .filter(|module| !module.library)
            .map(|module| module.ast.file)
            .collect();
        // Those that some instance does not read, by where they are bound.
        let mut unused: FxHashMap<Span, Symbol> = FxHashMap::default();
        // Where the others read them: only cells with several instances matter.
        let mut used: FxHashSet<Span> = FxHashSet::default();
        let mut seen: FxHashSet<Span> = FxHashSet::default();
        let mut several: FxHashSet<Span> = FxHashSet::default();
        for func in self.out.funcs.iter().flatten() {
            if !seen.insert(func.span) {
                several.insert(func.span);
            }
        }
        for (number, func) in self.out.funcs.iter_mut().enumerate() {
            let Some(func) = func else { continue };
            if passed.contains(&FuncId(number as u32)) || !own.contains(&func.span.file) {
                continue;
            }
            let mut lets = Vec::new();
            let mut read = vec![false; func.locals.len()];
            visit::exprs_mut(&mut func.body, &mut |expr| note(expr, &mut lets, &mut read));
            for local in lets {
                let one = &func.locals[local.0 as usize];
                let name = self.names.resolve(one.name);
                let silent = name.is_empty() || name.starts_with('_');
                // Futures have a warning of their own.
                let by_let = self.out.let_names.contains(&one.span);
                if silent || !by_let || super::lints::is_future(&self.out.types, one.ty) {
                    continue;
                }
                if !read[local.0 as usize] {
                    unused.insert(one.span, one.name);
                } else if several.contains(&func.span) {
                    used.insert(one.span);
                }
            }
        }
        unused.retain(|span, _| !used.contains(span));
        let mut unused: Vec<(Span, Symbol)> = unused.into_iter().collect();
        unused.sort_by_key(|(span, _)| (span.file, span.start));
        for (span, name) in unused {
            let name = self.text(name);
            let message = format!("variable `{name}` is never used");
            let warning = Diagnostic::new(Code::UnusedVariable, message, span)
                .help(format!("if that is meant: _{name}"));
            self.report(warning);
        }
    }

    fn unused_imports(&mut self) {
        let mut unused = Vec::new();
        for number in 0..self.modules.list.len() {
            self.unused_imports_of(number, &mut unused);
        }
        for name in unused {
            let text = self.text(name.name);
            let message = format!("import `{text}` is never used");
            let warning = Diagnostic::new(Code::UnusedImport, message, name.span);
            self.report(warning);
        }
    }

    fn unused_imports_of(&self, number: usize, unused: &mut Vec<Ident>) {
        let module = &self.modules.list[number];
        if module.library {
            return;
        }
        let imports = module.ast.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Import(ImportDecl {
                names: ImportNames::Some(names),
                ..
            }) if item.public.is_none() => Some((item.span, names)),
            _ => None,
        });
        let imports: Vec<(Span, &Vec<ImportName>)> = imports.collect();
        let names = imports.iter().flat_map(|(_, names)| names.iter());
        let wanted = names.filter_map(|one| self.mentions(number, one)).flatten();
        let wanted = Wanted::new(wanted.map(|name| self.names.resolve(name)));
        let Some((first, _)) = imports.first() else {
            return;
        };
        let text = self.sources.file(first.file).text();
        let all = wanted.count(text);
        for (span, names) in imports {
            let own = wanted.count(&text[span.start as usize..span.end as usize]);
            let elsewhere = |name: Symbol| {
                let name = self.names.resolve(name);
                all.get(name) > own.get(name)
            };
            for one in names {
                let mentions = self.mentions(number, one);
                if mentions.is_some_and(|names| !names.into_iter().any(elsewhere)) {
                    unused.push(one.alias.unwrap_or(one.name));
                }
            }
        }
    }

    /// The words by which a file may use an imported name: itself, and of an enum its variants.
    /// `None` where it may be used without: a trait may be wanted for its methods.
    fn mentions(&self, module: usize, one: &ImportName) -> Option<Vec<Symbol>> {
        let scope = &self.scopes[module];
        let name = one.alias.unwrap_or(one.name).name;
        let mut names: Vec<Symbol> = vec![name];
        match scope.types.get(&name) {
            Some(TypeDef::Trait(_)) => return None,
            Some(TypeDef::Adt(id)) => names.extend(self.items.adt(*id).variant_names.keys()),
            _ => {}
        }
        match scope.values.get(&name) {
            Some(ValueDef::Effect(_) | ValueDef::Tool(_)) => None,
            _ => Some(names),
        }
    }
}

/// Words that are looked for in a text.
struct Wanted<'n> {
    words: FxHashSet<&'n str>,
    /// The bytes they begin with: most words of a text are passed over by that.
    first: [bool; 256],
}

impl<'n> Wanted<'n> {
    fn new(names: impl Iterator<Item = &'n str>) -> Wanted<'n> {
        let (mut words, mut first) = (FxHashSet::default(), [false; 256]);
        for name in names {
            words.insert(name);
            if let Some(byte) = name.bytes().next() {
                first[byte as usize] = true;
            }
        }
        Wanted { words, first }
    }

    /// How often each of them stands in the text.
    fn count<'t>(&self, text: &'t str) -> FxHashMap<&'t str, u32> {
        let mut counts = FxHashMap::default();
        let mut note = |word: &'t str| {
            let first = word.bytes().next().is_some_and(|b| self.first[b as usize]);
            if first && self.words.contains(word) {
                *counts.entry(word).or_insert(0) += 1;
            }
        };
        if text.is_ascii() {
            let between = |b: &u8| !b.is_ascii_alphanumeric() && *b != b'_';
            let mut at = 0;
            for word in text.as_bytes().split(between) {
                note(&text[at..at + word.len()]);
                at += word.len() + 1;
            }
        } else {
            let between = |c: char| !c.is_alphanumeric() && c != '_';
            text.split(between).for_each(note);
        }
        counts
    }
}

/// Notes what an expression binds by `let`, and what it reads.
fn note(expr: &Expr, lets: &mut Vec<LocalId>, read: &mut [bool]) {
    let mut read = |local: LocalId| read[local.0 as usize] = true;
    match &expr.kind {
        ExprKind::Let { pat, .. } => bound_by(pat, lets),
        ExprKind::Local(local) => read(*local),
        ExprKind::Closure { captures, .. } => captures.iter().copied().for_each(read),
        // What it changes may be more than the variable: its other result is used, or a handle.
        ExprKind::CallMut { place, .. } => read(place.root),
        _ => {}
    }
}

fn bound_by(pat: &Pat, lets: &mut Vec<LocalId>) {
    match &pat.kind {
        PatKind::Bind(local, inner) => {
            lets.push(*local);
            inner.iter().for_each(|inner| bound_by(inner, lets));
        }
        PatKind::Fields(parts) | PatKind::Variant(_, parts) => {
            parts.iter().for_each(|(_, part)| bound_by(part, lets));
        }
        PatKind::List { before, after, .. } => {
            before
                .iter()
                .chain(after)
                .for_each(|part| bound_by(part, lets));
        }
        PatKind::Type(_, inner) => bound_by(inner, lets),
        _ => {}
    }
}
