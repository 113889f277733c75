//! What is found in the finished tree: futures nobody awaits, variables nobody reads, and under
//! `@strict` futures used twice.

use super::Checker;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Callee, Expr, ExprKind, Func, LocalId, PatKind, Ty, TyKind, Types, visit};
use crate::ir::build::uses::parts;
use crate::source::{FileId, Span};
use crate::syntax::{Interner, Symbol};
use rustc_hash::{FxHashMap, FxHashSet};

impl Checker<'_> {
    /// Looks through all finished functions of the program's own modules.
    pub(crate) fn check_lints(&mut self) {
        if self.has_errors() {
            return;
        }
        let modules = self.modules.list.iter();
        let own: FxHashSet<FileId> = modules
            .filter(|module| !module.library)
            .map(|module| module.ast.file)
            .collect();
        let mut found = Vec::new();
        for func in self.out.funcs.iter_mut().flatten() {
            let types = &self.out.types;
            let futures = func.locals.iter().any(|one| is_future(types, one.ty));
            if !futures || !own.contains(&func.span.file) {
                continue;
            }
            never_awaited(func, &self.out.types, self.names, &mut found);
            if self.strict {
                let mut once = Once {
                    types: &self.out.types,
                    names: self.names,
                    locals: &func.locals,
                    found: &mut found,
                };
                once.walk(&func.body, &mut FxHashMap::default());
            }
        }
        found.into_iter().for_each(|one| self.report(one));
    }
}

/// Whether values of type `ty` are futures, or lists of them.
pub(crate) fn is_future(types: &Types, ty: Ty) -> bool {
    match types.kind(ty) {
        TyKind::Future(_) => true,
        TyKind::List(inner) => matches!(types.kind(*inner), TyKind::Future(_)),
        _ => false,
    }
}

/// Futures bound to a name that nothing reads.
fn never_awaited(func: &mut Func, types: &Types, names: &Interner, found: &mut Vec<Diagnostic>) {
    let mut bound: Vec<LocalId> = Vec::new();
    let mut used: FxHashSet<LocalId> = FxHashSet::default();
    visit::exprs_mut(&mut func.body, &mut |expr| match &expr.kind {
        ExprKind::Let { pat, .. } => {
            if let PatKind::Bind(local, None) = &pat.kind {
                bound.push(*local);
            }
        }
        ExprKind::Local(local) => {
            used.insert(*local);
        }
        ExprKind::Closure { captures, .. } => used.extend(captures.iter().copied()),
        ExprKind::CallMut { place, .. } => {
            used.insert(place.root);
        }
        _ => {}
    });
    for id in bound {
        let local = &func.locals[id.0 as usize];
        let name = names.resolve(local.name);
        let silent = name.is_empty() || name.starts_with('_');
        if silent || used.contains(&id) || !is_future(types, local.ty) {
            continue;
        }
        let message = format!("future `{name}` is never awaited");
        let warning = Diagnostic::new(Code::NeverAwaited, message, local.span)
            .help("await it, or start it as a statement of its own: spawn(f())");
        found.push(warning);
    }
}

/// Where each future has been used.
type Used = FxHashMap<LocalId, Span>;

/// `@strict`: a future is a single-use variable.
struct Once<'f> {
    types: &'f Types,
    names: &'f Interner,
    locals: &'f [crate::hir::Local],
    found: &'f mut Vec<Diagnostic>,
}

impl Once<'_> {
    fn use_local(&mut self, local: LocalId, span: Span, used: &mut Used) {
        let one = &self.locals[local.0 as usize];
        if one.name == Symbol::NONE || !matches!(self.types.kind(one.ty), TyKind::Future(_)) {
            return;
        }
        if let Some(first) = used.insert(local, span) {
            let message = format!(
                "future `{}` has been used already",
                self.names.resolve(one.name)
            );
            let error = Diagnostic::new(Code::SecondAwait, message, span)
                .label(first, "first used here")
                .help("under @strict a future is awaited once and not copied");
            self.found.push(error);
        }
    }

    /// Branches of which one is taken.
    fn either<'e>(&mut self, parts: impl Iterator<Item = Vec<&'e Expr>>, used: &mut Used) {
        let before = used.clone();
        for part in parts {
            let mut own = before.clone();
            let mut goes_on = true;
            for expr in part {
                self.walk(expr, &mut own);
                goes_on &= expr.ty != Ty::NEVER;
            }
            if goes_on {
                used.extend(own);
            }
        }
    }

    fn walk(&mut self, expr: &Expr, used: &mut Used) {
        match &expr.kind {
            ExprKind::Local(local) => self.use_local(*local, expr.span, used),
            ExprKind::Closure { captures, .. } => {
                captures
                    .iter()
                    .for_each(|local| self.use_local(*local, expr.span, used));
            }
            ExprKind::Let { pat, init } => {
                self.walk(init, used);
                if let PatKind::Bind(local, _) = &pat.kind {
                    used.remove(local);
                }
            }
            // Looking at a future is no use of it.
            ExprKind::Call {
                callee: Callee::Native(_),
                args,
            } => {
                for arg in args {
                    if !matches!(arg.kind, ExprKind::Local(_)) {
                        self.walk(arg, used);
                    }
                }
            }
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => {
                self.walk(cond, used);
                let rest = otherwise.as_deref();
                let parts = [vec![&**then], rest.into_iter().collect()];
                self.either(parts.into_iter(), used);
            }
            ExprKind::Match { value, arms } => {
                self.walk(value, used);
                let parts = arms.iter().map(|arm| {
                    arm.guard
                        .as_deref()
                        .into_iter()
                        .chain([&arm.body])
                        .collect()
                });
                self.either(parts, used);
            }
            ExprKind::While { cond, body, .. } => {
                for _ in 0..2 {
                    self.walk(cond, used);
                    self.walk(body, used);
                }
            }
            ExprKind::Loop { body, .. } | ExprKind::For { body, .. } => {
                self.walk(body, used);
                self.walk(body, used);
            }
            _ => self.walk_below(expr, used),
        }
    }

    fn walk_below(&mut self, expr: &Expr, used: &mut Used) {
        let mut below = Vec::new();
        parts(expr, &mut |part| below.push(part));
        below.into_iter().for_each(|part| self.walk(part, used));
    }
}
