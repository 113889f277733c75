//! Effect rows: what each function does, found through the call graph; declared rows compared.
//!
//! A native has the effects of its declaration, a tool that of its first path segment. A function
//! has those of what it calls and of the closures it makes: who makes a closure answers for it,
//! whoever calls it. Where a row is declared, callers see the row.

use super::Checker;
use super::items::CellId;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Callee, Expr, ExprKind, FuncId, PlaceStep, Ty, Types, visit};
use crate::source::{FileId, Span};
use crate::syntax::ast;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;

/// A set of effects, by number; the last bit stands for all beyond it.
type Set = u128;

/// What a function calls, and where.
#[derive(Clone, Copy)]
struct Edge {
    to: Target,
    span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Target {
    Func(u32),
    Native(u32),
    Tool(u32),
}

/// A closure or cell handed to a parameter whose type declares a row.
struct Passed {
    func: u32,
    callee: u32,
    param: usize,
    span: Span,
}

/// The call graph.
#[derive(Default)]
struct Graph {
    names: Vec<String>,
    edges: Vec<Vec<Edge>>,
    sets: Vec<Set>,
    /// Declared rows, as sets, by function.
    declared: FxHashMap<u32, Set>,
    natives: Vec<Set>,
    tools: Vec<Set>,
    passed: Vec<Passed>,
}

impl Graph {
    fn bit(&mut self, name: &str) -> Set {
        let at = self
            .names
            .iter()
            .position(|known| known == name)
            .unwrap_or_else(|| {
                self.names.push(name.to_owned());
                self.names.len() - 1
            });
        1 << at.min(127)
    }

    fn of(&self, target: Target) -> Set {
        let set = match target {
            Target::Func(func) => self
                .declared
                .get(&func)
                .or_else(|| self.sets.get(func as usize)),
            Target::Native(native) => self.natives.get(native as usize),
            Target::Tool(tool) => self.tools.get(tool as usize),
        };
        set.copied().unwrap_or(0)
    }

    fn spread(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            for func in 0..self.edges.len() {
                let all = self.edges[func]
                    .iter()
                    .fold(0, |all, edge| all | self.of(edge.to));
                if all & !self.sets[func] != 0 {
                    self.sets[func] |= all;
                    changed = true;
                }
            }
        }
    }

    fn list(&self, set: Set) -> Vec<String> {
        let named = self.names.iter().enumerate();
        named
            .filter(|(at, _)| set >> at.min(&127) & 1 == 1)
            .map(|(_, n)| n.clone())
            .collect()
    }

    /// The calls that lead from `from` to what has the effect itself.
    fn chain(&self, from: u32, effect: Set) -> Vec<Edge> {
        let mut before: FxHashMap<u32, (u32, Edge)> = FxHashMap::default();
        let mut open = VecDeque::from([from]);
        let mut seen = FxHashSet::from_iter([from]);
        while let Some(at) = open.pop_front() {
            let Some(edges) = self.edges.get(at as usize) else {
                continue;
            };
            for &edge in edges.iter().filter(|edge| self.of(edge.to) & effect != 0) {
                let Target::Func(next) = edge.to else {
                    return self.path_to(at, from, edge, &before);
                };
                let own = self.sets[next as usize] & effect != 0;
                if !own {
                    // Declared, and not done.
                    return self.path_to(at, from, edge, &before);
                }
                if seen.insert(next) {
                    before.insert(next, (at, edge));
                    open.push_back(next);
                }
            }
        }
        Vec::new()
    }

    fn path_to(
        &self,
        mut at: u32,
        from: u32,
        last: Edge,
        before: &FxHashMap<u32, (u32, Edge)>,
    ) -> Vec<Edge> {
        let mut path = vec![last];
        while at != from {
            let Some(&(previous, edge)) = before.get(&at) else {
                break;
            };
            path.push(edge);
            at = previous;
        }
        path.reverse();
        path
    }
}

impl<'a> Checker<'a> {
    /// Checks declared rows, and what a deterministic program may do.
    pub(crate) fn check_effects(&mut self) {
        if self.has_errors() || !self.effects_matter() {
            return;
        }
        let graph = self.effect_graph();
        self.check_rows(&graph);
        self.check_lambda_rows(&graph);
        self.check_passed(&graph);
        let settings = self.modules.get(self.modules.root()).ast.settings;
        if settings.deterministic.is_some_and(|(on, _)| on) {
            self.check_deterministic(&graph);
        }
    }

    /// Whether the program says anything about effects.
    fn effects_matter(&self) -> bool {
        let settings = self.modules.get(self.modules.root()).ast.settings;
        settings.deterministic.is_some_and(|(on, _)| on)
            || !self.lambda_rows.is_empty()
            || self.insts.iter().any(|inst| {
                let decl = self.items.cell(inst.cell).decl;
                let own = !matches!(decl.body, ast::CellBody::Extern(_)) && decl.effects.is_some();
                own || decl
                    .params
                    .iter()
                    .any(|param| param.ty.as_ref().is_some_and(|ty| fn_row(ty).is_some()))
            })
    }

    fn effect_graph(&mut self) -> Graph {
        let mut graph = Graph::default();
        for (native, cell) in self.native_cells() {
            let set = self.declared_set(cell, &mut graph).unwrap_or(0);
            let at = native.0 as usize;
            if graph.natives.len() <= at {
                graph.natives.resize(at + 1, 0);
            }
            graph.natives[at] = set;
        }
        for number in 0..self.items.tools.len() {
            let path = self.items.tools[number].path.clone();
            let set = graph.bit(path.split('.').next().unwrap_or(&path));
            graph.tools.push(set);
        }
        for number in 0..self.insts.len() {
            let (cell, func) = (self.insts[number].cell, self.insts[number].func);
            if let Some(set) = self.declared_set(cell, &mut graph) {
                graph.declared.insert(func.0, set);
            }
        }
        let mut funcs = std::mem::take(&mut self.out.funcs);
        for (number, func) in funcs.iter_mut().enumerate() {
            let mut edges = Vec::new();
            if let Some(func) = func {
                visit::exprs_mut(&mut func.body, &mut |expr| {
                    note_checks(expr, &self.out.types, &mut edges);
                    note_calls(expr, &mut edges, &mut graph.passed);
                });
            }
            debug_assert_eq!(graph.edges.len(), number);
            edges.shrink_to_fit();
            graph.edges.push(edges);
            graph.sets.push(0);
        }
        self.out.funcs = funcs;
        graph.spread();
        graph
    }

    fn declared_set(&self, cell: CellId, graph: &mut Graph) -> Option<Set> {
        let row = self.items.cell(cell).decl.effects.as_ref()?;
        Some(self.row_set(row, graph))
    }

    fn row_set(&self, row: &ast::EffectRow, graph: &mut Graph) -> Set {
        let mut set = 0;
        for effect in &row.effects {
            if let Some(first) = effect.path.first() {
                set |= graph.bit(self.names.resolve(first.name));
            }
        }
        set
    }

    /// Declared rows must cover what is done.
    fn check_rows(&mut self, graph: &Graph) {
        for number in 0..self.insts.len() {
            let (cell, func) = (self.insts[number].cell, self.insts[number].func);
            let decl = self.items.cell(cell).decl;
            let Some(row) = &decl.effects else { continue };
            if matches!(decl.body, ast::CellBody::None | ast::CellBody::Extern(_)) {
                continue;
            }
            let declared = graph.declared.get(&func.0).copied().unwrap_or(0);
            let extra = graph.sets.get(func.0 as usize).copied().unwrap_or(0) & !declared;
            let Some(effect) = graph.list(extra).into_iter().next() else {
                continue;
            };
            let name = self.text(decl.name.name);
            let message = if row.effects.is_empty() {
                format!("`{name}` is declared pure, but has the effect `{effect}`")
            } else {
                format!("the row of `{name}` does not name the effect `{effect}`")
            };
            let bit = extra & extra.wrapping_neg();
            let mut names: Vec<String> = row
                .effects
                .iter()
                .map(|one| self.sources.text(one.span).to_owned())
                .collect();
            names.extend(graph.list(extra));
            let error = Diagnostic::new(Code::EffectNotDeclared, message, row.span)
                .help(format!("write / {{{}}}", names.join(", ")));
            let error = self.with_chain(error, &name, func.0, bit, graph);
            self.report(error);
        }
    }

    /// Rows that lambdas declare.
    fn check_lambda_rows(&mut self, graph: &Graph) {
        for (func, row) in self.lambda_rows.clone() {
            let allowed = self.allowed(row, graph);
            let done = graph.sets.get(func.0 as usize).copied().unwrap_or(0);
            let extra = done & !allowed;
            let Some(effect) = graph.list(extra).into_iter().next() else {
                continue;
            };
            let message = format!("the row of this function does not name the effect `{effect}`");
            let error = Diagnostic::new(Code::EffectNotDeclared, message, row.span);
            let bit = extra & extra.wrapping_neg();
            let name = self.target_name(Target::Func(func.0));
            let error = self.with_chain(error, &name, func.0, bit, graph);
            self.report(error);
        }
    }

    /// The effects known to `graph` that a row names.
    fn allowed(&self, row: &ast::EffectRow, graph: &Graph) -> Set {
        let mut probe = Graph {
            names: graph.names.clone(),
            ..Graph::default()
        };
        self.row_set(row, &mut probe)
    }

    fn with_chain(
        &mut self,
        error: Diagnostic,
        name: &str,
        func: u32,
        effect: Set,
        graph: &Graph,
    ) -> Diagnostic {
        let chain = graph.chain(func, effect);
        let mut text = name.to_owned();
        for edge in &chain {
            text = format!("{text} → {}", self.target_name(edge.to));
        }
        match chain.first() {
            Some(first) => {
                let called = self.target_name(first.to);
                error
                    .label(first.span, format!("through {called}"))
                    .note(format!("chain: {text}"))
            }
            None => error,
        }
    }

    fn target_name(&mut self, target: Target) -> String {
        match target {
            Target::Func(func) => match &self.out.funcs[func as usize] {
                Some(func) => func.name.clone(),
                None => "?".to_owned(),
            },
            Target::Native(native) => {
                let key = &self.out.natives[native as usize].key;
                let name = key.split(['(', '[']).next().unwrap_or(key);
                name.rsplit('.').next().unwrap_or(name).to_owned()
            }
            Target::Tool(tool) => {
                let name = self.items.tools[tool as usize].name;
                self.text(name)
            }
        }
    }

    /// A function given to a parameter `f: fn(A) -> B / {row}` must keep to that row.
    fn check_passed(&mut self, graph: &Graph) {
        let mut cells: FxHashMap<u32, CellId> = FxHashMap::default();
        for inst in &self.insts {
            cells.insert(inst.func.0, inst.cell);
        }
        for one in &graph.passed {
            let Some(&cell) = cells.get(&one.callee) else {
                continue;
            };
            let decl = self.items.cell(cell).decl;
            let Some(param) = decl.params.get(one.param) else {
                continue;
            };
            let Some(row) = param.ty.as_ref().and_then(fn_row) else {
                continue;
            };
            let allowed = self.allowed(row, graph);
            let extra = graph.of(Target::Func(one.func)) & !allowed;
            let Some(effect) = graph.list(extra).into_iter().next() else {
                continue;
            };
            let text = self.text(param.name.name);
            let message =
                format!("this function has the effect `{effect}`, which `{text}` excludes");
            let error = Diagnostic::new(Code::EffectNotDeclared, message, one.span)
                .label(row.span, "its row");
            let bit = extra & extra.wrapping_neg();
            let name = self.target_name(Target::Func(one.func));
            let error = self.with_chain(error, &name, one.func, bit, graph);
            self.report(error);
        }
    }

    /// What reaches outside is not done under `@deterministic true`.
    fn check_deterministic(&mut self, graph: &Graph) {
        let library = self.library_files();
        let entries = self.entry_funcs();
        let allowed: Set = graph
            .names
            .iter()
            .enumerate()
            .filter(|(_, name)| name.as_str() == "io")
            .fold(0, |set, (at, _)| set | 1 << at.min(127));
        for number in 0..graph.edges.len() {
            let Some(func) = &self.out.funcs[number] else {
                continue;
            };
            if library.contains(&func.span.file) {
                continue;
            }
            let own = func.name.clone();
            for &edge in &graph.edges[number] {
                if let Target::Func(to) = edge.to {
                    let outside = self.out.funcs[to as usize]
                        .as_ref()
                        .is_some_and(|callee| library.contains(&callee.span.file));
                    if !outside {
                        continue;
                    }
                }
                let banned = graph.of(edge.to) & !allowed;
                let Some(effect) = graph.list(banned).into_iter().next() else {
                    continue;
                };
                let name = self.target_name(edge.to);
                let message = format!(
                    "`{name}` has the effect `{effect}`, which a deterministic program cannot have"
                );
                let mut chain = self.chain_to(number as u32, &entries, graph);
                if chain.is_empty() {
                    chain.push(own.clone());
                }
                chain.push(name);
                if let Target::Func(to) = edge.to {
                    let bit = banned & banned.wrapping_neg();
                    for inner in graph.chain(to, bit) {
                        chain.push(self.target_name(inner.to));
                    }
                }
                let error = Diagnostic::new(Code::NotDeterministic, message, edge.span)
                    .note(format!("chain: {}", chain.join(" → ")))
                    .help("run it with --deterministic instead of the directive to record it");
                self.report(error);
            }
        }
    }

    fn library_files(&self) -> FxHashSet<FileId> {
        let modules = self.modules.list.iter();
        modules
            .filter(|module| module.library)
            .map(|module| module.ast.file)
            .collect()
    }

    fn entry_funcs(&self) -> Vec<u32> {
        let tests = self.tests.iter().map(|test| test.func.0);
        let statements = self.statements.iter().map(|one| one.func.0);
        let main = self.main.iter().map(|main| main.0);
        main.chain(tests).chain(statements).collect()
    }

    /// The names of the functions that lead from the entry to `func`, itself included.
    fn chain_to(&mut self, func: u32, entries: &[u32], graph: &Graph) -> Vec<String> {
        let mut before: FxHashMap<u32, u32> = FxHashMap::default();
        let mut open: VecDeque<u32> = entries.iter().copied().collect();
        let mut seen: FxHashSet<u32> = entries.iter().copied().collect();
        while let Some(at) = open.pop_front() {
            if at == func {
                break;
            }
            for edge in &graph.edges[at as usize] {
                if let Target::Func(next) = edge.to
                    && seen.insert(next)
                {
                    before.insert(next, at);
                    open.push_back(next);
                }
            }
        }
        if !seen.contains(&func) {
            return Vec::new();
        }
        let mut at = func;
        let mut path = vec![self.target_name(Target::Func(at))];
        while let Some(&previous) = before.get(&at) {
            at = previous;
            path.push(self.target_name(Target::Func(at)));
        }
        path.reverse();
        path
    }
}

/// The row of a function type.
fn fn_row(ty: &ast::Type) -> Option<&ast::EffectRow> {
    match &ty.kind {
        ast::TypeKind::Fn(of) => of.effects.as_ref(),
        ast::TypeKind::Nullable(inner) => fn_row(inner),
        _ => None,
    }
}

/// Notes the `where` of records that `expr` makes or changes.
fn note_checks(expr: &Expr, types: &Types, edges: &mut Vec<Edge>) {
    let mut note = |ty: Ty| {
        if let Some(check) = types.nominal(ty).and_then(|one| one.check) {
            edges.push(Edge {
                to: Target::Func(check.0),
                span: expr.span,
            });
        }
    };
    match &expr.kind {
        ExprKind::Aggregate(_) => note(expr.ty),
        ExprKind::Assign { place, .. }
        | ExprKind::AssignOp { place, .. }
        | ExprKind::CallMut { place, .. } => {
            for step in &place.path {
                if let PlaceStep::Field { container, .. } = step {
                    note(*container);
                }
            }
        }
        _ => {}
    }
}

/// Notes what `expr` itself calls or makes.
fn note_calls(expr: &Expr, edges: &mut Vec<Edge>, passed: &mut Vec<Passed>) {
    let span = expr.span;
    let to = match &expr.kind {
        ExprKind::Call { callee, args } => {
            if let Callee::Func(FuncId(callee)) = *callee {
                note_passed(callee, args, 0, passed);
            }
            target(*callee)
        }
        ExprKind::CallMut { callee, args, .. } => {
            if let Callee::Func(FuncId(callee)) = *callee {
                note_passed(callee, args, 1, passed);
            }
            target(*callee)
        }
        ExprKind::Closure { func, .. } | ExprKind::FuncRef(func) => Target::Func(func.0),
        ExprKind::CallTool { tool, .. } => Target::Tool(*tool),
        _ => return,
    };
    edges.push(Edge { to, span });
}

fn note_passed(callee: u32, args: &[Expr], first: usize, passed: &mut Vec<Passed>) {
    for (number, arg) in args.iter().enumerate() {
        let func = match &arg.kind {
            ExprKind::Closure { func, .. } | ExprKind::FuncRef(func) => func.0,
            _ => continue,
        };
        passed.push(Passed {
            func,
            callee,
            param: first + number,
            span: arg.span,
        });
    }
}

fn target(callee: Callee) -> Target {
    match callee {
        Callee::Func(func) => Target::Func(func.0),
        Callee::Native(native) => Target::Native(native.0),
    }
}
