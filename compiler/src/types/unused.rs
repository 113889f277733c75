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
use crate::syntax::ast::{ImportName, ImportNames, ItemKind};
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
        // Whether some instance reads it, by where it is bound.
        let mut bound: FxHashMap<Span, (Symbol, bool)> = FxHashMap::default();
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
                let entry = bound.entry(one.span);
                entry.or_insert_with(|| (one.name, false)).1 |= read[local.0 as usize];
            }
        }
        let mut unused: Vec<(Span, Symbol)> = bound
            .into_iter()
            .filter(|(_, (_, read))| !read)
            .map(|(span, (name, _))| (span, name))
            .collect();
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
        for number in 0..self.modules.list.len() {
            let module = &self.modules.list[number];
            if module.library {
                continue;
            }
            let mut words = Words(FxHashMap::default());
            for item in &module.ast.items {
                let ItemKind::Import(import) = &item.kind else {
                    continue;
                };
                let ImportNames::Some(names) = &import.names else {
                    continue;
                };
                let text = self.sources.file(item.span.file).text();
                if words.0.is_empty() {
                    words = Words::of(text);
                }
                let own = Words::of(&text[item.span.start as usize..item.span.end as usize]);
                let elsewhere = |name: &str| words.count(name) > own.count(name);
                for one in names.iter().filter(|_| item.public.is_none()) {
                    if !self.mentioned(number, one, &elsewhere) {
                        let name = one.alias.unwrap_or(one.name);
                        let text = self.text(name.name);
                        let message = format!("import `{text}` is never used");
                        let warning = Diagnostic::new(Code::UnusedImport, message, name.span);
                        self.report(warning);
                    }
                }
            }
        }
    }

    /// Whether the file has the name anywhere else; of an enum, also one of its variants. A trait
    /// may be wanted for its methods.
    fn mentioned(&self, module: usize, one: &ImportName, elsewhere: &dyn Fn(&str) -> bool) -> bool {
        let scope = &self.scopes[module];
        let name = one.alias.unwrap_or(one.name).name;
        let mut names: Vec<Symbol> = vec![name];
        match scope.types.get(&name) {
            Some(TypeDef::Trait(_)) => return true,
            Some(TypeDef::Adt(id)) => names.extend(self.items.adt(*id).variant_names.keys()),
            _ => {}
        }
        if let Some(ValueDef::Effect(_) | ValueDef::Tool(_)) = scope.values.get(&name) {
            return true;
        }
        let mut names = names.iter();
        names.any(|&name| elsewhere(self.names.resolve(name)))
    }
}

/// How often each word stands in a text.
struct Words<'t>(FxHashMap<&'t str, u32>);

impl<'t> Words<'t> {
    fn of(text: &'t str) -> Words<'t> {
        let mut counts = FxHashMap::default();
        let between = |c: char| !c.is_alphanumeric() && c != '_';
        for word in text.split(between).filter(|word| !word.is_empty()) {
            *counts.entry(word).or_insert(0) += 1;
        }
        Words(counts)
    }

    fn count(&self, word: &str) -> u32 {
        self.0.get(word).copied().unwrap_or(0)
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
