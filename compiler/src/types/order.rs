//! In which order constants and module-level variables get their values, and that nothing is read
//! before it has one.
//!
//! Constants come first, each after those it needs. Then the statements of the modules run, in
//! order; what each of them reaches, through calls and function values, reads only variables set
//! by the statements above it. So no read of a global has to be checked when the program runs, and
//! no task can read one while it is written.

use super::Checker;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Callee, Expr, ExprKind, Func, FuncId, GlobalId, Types, visit};
use crate::source::Span;
use rustc_hash::FxHashMap;

/// What a function refers to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Func(FuncId),
    Global(GlobalId),
}

/// A reference: to what, and where.
pub(super) type Edge = (Node, Span);

/// All references.
struct Graph {
    funcs: Vec<Vec<Edge>>,
    /// The function that computes a global, of those that have one.
    inits: Vec<Option<FuncId>>,
}

impl Graph {
    fn of(funcs: &mut [Option<Func>], inits: Vec<Option<FuncId>>, types: &Types) -> Graph {
        let edges = funcs.iter_mut().map(|func| match func {
            Some(func) => references(&mut func.body, types),
            None => Vec::new(),
        });
        Graph {
            funcs: edges.collect(),
            inits,
        }
    }

    fn edges(&self, node: Node) -> &[Edge] {
        match node {
            Node::Func(func) => &self.funcs[func.0 as usize],
            Node::Global(_) => &[],
        }
    }
}

/// What an expression refers to: functions it calls or makes values of, globals it reads.
fn references(body: &mut Expr, types: &Types) -> Vec<Edge> {
    let mut edges = Vec::new();
    visit::exprs_mut(body, &mut |expr| {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Call {
                callee: Callee::Func(func),
                ..
            }
            | ExprKind::CallMut {
                callee: Callee::Func(func),
                ..
            }
            | ExprKind::FuncRef(func)
            | ExprKind::Closure { func, .. } => edges.push((Node::Func(*func), span)),
            ExprKind::Global(global) => edges.push((Node::Global(*global), span)),
            // A record is checked where it is made or changed.
            ExprKind::Aggregate(_) => {
                let check = types.nominal(expr.ty).and_then(|nominal| nominal.check);
                edges.extend(check.map(|check| (Node::Func(check), span)));
            }
            _ => {}
        }
    });
    edges.shrink_to_fit();
    edges
}

/// A variable read too early.
struct Early {
    global: GlobalId,
    read: Span,
    /// The function that reads it.
    reader: FuncId,
    /// The reference in the statement that leads there.
    first: Edge,
}

impl Checker<'_> {
    /// Checks the order, and puts the globals in theirs.
    pub(crate) fn check_order(&mut self) {
        if self.has_errors() || self.out.globals.is_empty() {
            return;
        }
        self.settle_lets();
        let inits = self.out.globals.iter().map(|global| global.init).collect();
        let graph = Graph::of(&mut self.out.funcs, inits, &self.out.types);
        let order = self.order_consts(&graph);
        self.check_reads(&graph, &order);
        self.const_order = order;
        self.references = graph.funcs;
    }

    /// The constants, each after those it needs.
    fn order_consts(&mut self, graph: &Graph) -> Vec<GlobalId> {
        let mut of_statements = vec![false; graph.inits.len()];
        for global in self.statements.iter().filter_map(|one| one.global) {
            of_statements[global.0 as usize] = true;
        }
        let mut walk = Walk {
            graph,
            open: FxHashMap::default(),
            order: Vec::new(),
            cycles: Vec::new(),
        };
        for number in 0..graph.inits.len() as u32 {
            let global = GlobalId(number);
            if graph.inits[number as usize].is_some() && !of_statements[number as usize] {
                walk.visit(global, self.out.globals[number as usize].span);
            }
        }
        let (order, cycles) = (walk.order, walk.cycles);
        for (global, span) in cycles {
            let global = &self.out.globals[global.0 as usize];
            let message = format!("constant `{}` needs itself", global.name);
            let error = Diagnostic::new(Code::CyclicValue, message, global.span)
                .label(span, "it is read here, to compute it");
            self.report(error);
        }
        order
    }

    fn check_reads(&mut self, graph: &Graph, consts: &[GlobalId]) {
        let mut reach = Reach {
            graph,
            set: vec![false; graph.inits.len()],
            seen: vec![false; graph.funcs.len()],
            early: Vec::new(),
        };
        for &global in consts {
            reach.set[global.0 as usize] = true;
        }
        for &global in consts {
            if let Some(init) = graph.inits[global.0 as usize] {
                let span = self.out.globals[global.0 as usize].span;
                reach.follow(vec![(Node::Func(init), span)]);
            }
        }
        // The initialisers of module statements count as read by nobody.
        for one in &self.statements {
            let Some(func) = &mut self.out.funcs[one.func.0 as usize] else {
                continue;
            };
            reach.seen[one.func.0 as usize] = true;
            each_statement(&mut func.body, &mut |part| match &part.kind {
                ExprKind::SetGlobal(global, _) => reach.set[global.0 as usize] = true,
                _ => reach.follow(references(part, &self.out.types)),
            });
        }
        for early in reach.early {
            self.report_early(&early);
        }
    }

    fn report_early(&mut self, early: &Early) {
        let global = &self.out.globals[early.global.0 as usize];
        let (name, declared) = (global.name.clone(), global.span);
        let message = format!("`{name}` is used before it has a value");
        let help = "move the `let` up, or the use down";
        let error = match early.first {
            (Node::Func(func), span) if span != early.read => {
                let called = self.func_name(func);
                let reader = self.func_name(early.reader);
                let through = match called == reader {
                    true => format!("`{called}` uses it"),
                    false => format!("`{called}` uses it, through `{reader}`"),
                };
                Diagnostic::new(Code::UsedBefore, message, span)
                    .label(early.read, "used here")
                    .label(declared, "it gets its value here")
                    .note(through)
            }
            _ => Diagnostic::new(Code::UsedBefore, message, early.read)
                .label(declared, "it gets its value here"),
        };
        self.report(error.help(help));
    }

    fn func_name(&self, func: FuncId) -> String {
        let func = self.out.funcs[func.0 as usize].as_ref();
        func.map_or_else(String::new, |func| func.name.clone())
    }
}

/// Calls `f` for each of the statements that `body` runs one after the other.
fn each_statement(body: &mut Expr, f: &mut dyn FnMut(&mut Expr)) {
    match &mut body.kind {
        ExprKind::Block(parts) => parts.iter_mut().for_each(|part| each_statement(part, f)),
        ExprKind::Coerce(_, inner) => each_statement(inner, f),
        _ => f(body),
    }
}

/// A walk through what constants need.
struct Walk<'g> {
    graph: &'g Graph,
    /// Whether a node is still being followed.
    open: FxHashMap<Node, bool>,
    order: Vec<GlobalId>,
    cycles: Vec<(GlobalId, Span)>,
}

impl Walk<'_> {
    fn visit(&mut self, global: GlobalId, at: Span) {
        let root = Node::Global(global);
        if self.open.contains_key(&root) {
            return;
        }
        self.open.insert(root, true);
        let mut stack = vec![(root, 0, at)];
        while let Some((node, next, at)) = stack.pop() {
            let edge = match node {
                Node::Func(_) => self.graph.edges(node).get(next).copied(),
                Node::Global(global) if next == 0 => {
                    let init = self.graph.inits[global.0 as usize];
                    init.map(|init| (Node::Func(init), at))
                }
                Node::Global(_) => None,
            };
            let Some((to, span)) = edge else {
                self.open.insert(node, false);
                if let Node::Global(global) = node
                    && self.graph.inits[global.0 as usize].is_some()
                {
                    self.order.push(global);
                }
                continue;
            };
            stack.push((node, next + 1, at));
            match (self.open.get(&to), to) {
                (None, _) => {
                    self.open.insert(to, true);
                    stack.push((to, 0, span));
                }
                (Some(true), Node::Global(global)) => {
                    self.cycles.push((global, span));
                }
                _ => {}
            }
        }
    }
}

/// What the statements so far reach.
struct Reach<'g> {
    graph: &'g Graph,
    /// Which globals have a value.
    set: Vec<bool>,
    seen: Vec<bool>,
    early: Vec<Early>,
}

impl Reach<'_> {
    /// Follows the references of one statement.
    fn follow(&mut self, edges: Vec<Edge>) {
        let mut open = Vec::new();
        for first in edges {
            open.push((first, None));
            while let Some(((node, span), reader)) = open.pop() {
                match node {
                    Node::Global(global) if !self.set[global.0 as usize] => {
                        let read = span;
                        let reader = reader.unwrap_or(FuncId(0));
                        self.early.push(Early {
                            global,
                            read,
                            reader,
                            first,
                        });
                    }
                    Node::Func(func)
                        if !std::mem::replace(&mut self.seen[func.0 as usize], true) =>
                    {
                        let next = self.graph.edges(node).iter();
                        open.extend(next.map(|&edge| (edge, Some(func))));
                    }
                    _ => {}
                }
            }
        }
    }
}
