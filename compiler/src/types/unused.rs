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
use crate::syntax::ast::{ImportName, ImportNames, Item, ItemKind};
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
        let mut bound: FxHashMap<Span, (String, bool)> = FxHashMap::default();
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
                let silent = one.name.is_empty() || one.name.starts_with('_');
                // Futures have a warning of their own.
                let by_let = self.out.let_names.contains(&one.span);
                if silent || !by_let || super::lints::is_future(&self.out.types, one.ty) {
                    continue;
                }
                let entry = bound.entry(one.span);
                entry.or_insert_with(|| (one.name.clone(), false)).1 |= read[local.0 as usize];
            }
        }
        let mut unused: Vec<(Span, String)> = bound
            .into_iter()
            .filter(|(_, (_, read))| !read)
            .map(|(span, (name, _))| (span, name))
            .collect();
        unused.sort_by_key(|(span, _)| (span.file, span.start));
        for (span, name) in unused {
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
            for item in &module.ast.items {
                let ItemKind::Import(import) = &item.kind else {
                    continue;
                };
                let ImportNames::Some(names) = &import.names else {
                    continue;
                };
                for one in names.iter().filter(|_| item.public.is_none()) {
                    if !self.mentioned(number, item, one) {
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
    fn mentioned(&self, module: usize, item: &Item, one: &ImportName) -> bool {
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
        let text = self.sources.file(item.span.file).text();
        let (before, after) = (
            &text[..item.span.start as usize],
            &text[item.span.end as usize..],
        );
        names.iter().any(|&name| {
            let name = self.names.resolve(name);
            has_word(before, name) || has_word(after, name)
        })
    }
}

/// Whether `word` stands in `text`, not as a part of a longer word.
fn has_word(text: &str, word: &str) -> bool {
    let of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(of_word) && !after.is_some_and(of_word)
    })
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
