//! Walks over the syntax tree that need no types: which names are assigned, bound, used.

use super::Checker;
use crate::names::ModuleId;
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// Called for every node; a method that is overridden calls `walk_…` to go on below it.
pub(crate) trait Visitor<'a> {
    fn expr(&mut self, expr: &'a Expr) {
        walk_expr(self, expr);
    }
    fn stmt(&mut self, stmt: &'a Stmt) {
        walk_stmt(self, stmt);
    }
    fn pattern(&mut self, _pattern: &'a Pattern) {}
}

pub(crate) fn walk_block<'a, V: Visitor<'a> + ?Sized>(v: &mut V, block: &'a Block) {
    block.stmts.iter().for_each(|stmt| v.stmt(stmt));
}

pub(crate) fn walk_stmt<'a, V: Visitor<'a> + ?Sized>(v: &mut V, stmt: &'a Stmt) {
    match &stmt.kind {
        StmtKind::Error => {}
        StmtKind::Let(decl) => {
            v.expr(&decl.value);
            v.pattern(&decl.pattern);
        }
        StmtKind::Assign(assign) => {
            v.expr(&assign.place);
            v.expr(&assign.value);
        }
        StmtKind::Expr(expr) => v.expr(expr),
        StmtKind::Defer(block) => walk_block(v, block),
        StmtKind::Role(role) => walk_parts(v, &role.text),
    }
}

fn walk_parts<'a, V: Visitor<'a> + ?Sized>(v: &mut V, parts: &'a [StrPart]) {
    for part in parts {
        if let StrPart::Hole(hole) = part {
            v.expr(&hole.expr);
        }
    }
}

fn walk_clause<'a, V: Visitor<'a> + ?Sized>(v: &mut V, clause: &'a ForClause) {
    v.expr(&clause.iterable);
    v.pattern(&clause.pattern);
    clause.guards.iter().for_each(|guard| v.expr(guard));
}

fn walk_condition<'a, V: Visitor<'a> + ?Sized>(v: &mut V, condition: &'a Condition) {
    match condition {
        Condition::Expr(expr) => v.expr(expr),
        Condition::Let(pattern, expr) => {
            v.expr(expr);
            v.pattern(pattern);
        }
    }
}

fn walk_modifiers<'a, V: Visitor<'a> + ?Sized>(v: &mut V, modifiers: &'a [Modifier]) {
    for modifier in modifiers {
        if let ModifierValue::Expr(expr) = &modifier.value {
            v.expr(expr);
        }
    }
}

fn walk_args<'a, V: Visitor<'a> + ?Sized>(v: &mut V, args: &'a [Arg]) {
    args.iter().for_each(|arg| v.expr(&arg.value));
}

pub(crate) fn walk_expr<'a, V: Visitor<'a> + ?Sized>(v: &mut V, expr: &'a Expr) {
    match &expr.kind {
        ExprKind::Error
        | ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Str(_)
        | ExprKind::Bytes(_)
        | ExprKind::Name(_)
        | ExprKind::EmptyBraces
        | ExprKind::Continue { .. } => {}
        ExprKind::Interpolation(parts) => walk_parts(v, parts),
        ExprKind::Tuple(parts) | ExprKind::AwaitAll(parts) => {
            parts.iter().for_each(|part| v.expr(part));
        }
        ExprKind::List(elements) | ExprKind::Set(elements) => {
            elements.iter().for_each(|one| v.expr(&one.value));
        }
        ExprKind::Map(elements) => walk_map(v, elements),
        ExprKind::Comprehension(comprehension) => walk_comprehension(v, comprehension),
        ExprKind::Call(call) => {
            v.expr(&call.callee);
            walk_args(v, &call.args);
        }
        ExprKind::MethodCall(call) => {
            v.expr(&call.receiver);
            walk_args(v, &call.args);
        }
        ExprKind::Spawn(args) => walk_args(v, args),
        ExprKind::Field { base, .. }
        | ExprKind::TupleField { base, .. }
        | ExprKind::Instance { base, .. } => v.expr(base),
        ExprKind::Index { base, index, .. } => {
            v.expr(base);
            v.expr(index);
        }
        _ => walk_operands(v, expr),
    }
}

fn walk_operands<'a, V: Visitor<'a> + ?Sized>(v: &mut V, expr: &'a Expr) {
    match &expr.kind {
        ExprKind::Unary { operand: inner, .. }
        | ExprKind::Is { value: inner, .. }
        | ExprKind::As { value: inner, .. }
        | ExprKind::Propagate { value: inner, .. }
        | ExprKind::Unwrap(inner)
        | ExprKind::Await(inner)
        | ExprKind::Ok(inner)
        | ExprKind::Err(inner)
        | ExprKind::Throw(inner)
        | ExprKind::Yield(inner) => v.expr(inner),
        ExprKind::Binary(binary) => {
            v.expr(&binary.lhs);
            v.expr(&binary.rhs);
        }
        ExprKind::Range(range) => {
            let parts = [&range.start, &range.end, &range.step];
            parts.into_iter().flatten().for_each(|part| v.expr(part));
        }
        ExprKind::Pipe { value, target } => {
            v.expr(value);
            v.expr(target);
        }
        ExprKind::Compose { first, second } => {
            v.expr(first);
            v.expr(second);
        }
        ExprKind::Lambda(lambda) => match &lambda.body {
            LambdaBody::Expr(expr) => v.expr(expr),
            LambdaBody::Block(block) => walk_block(v, block),
        },
        ExprKind::Block(block) | ExprKind::Async(block) => walk_block(v, block),
        ExprKind::Return(value) | ExprKind::Break { value, .. } => {
            value.iter().for_each(|value| v.expr(value));
        }
        ExprKind::Assert(assert) => {
            v.expr(&assert.condition);
            assert.message.iter().for_each(|message| v.expr(message));
        }
        ExprKind::Timeout { limit, body } => {
            v.expr(limit);
            v.expr(body);
        }
        _ => walk_flow(v, expr),
    }
}

fn walk_map<'a, V: Visitor<'a> + ?Sized>(v: &mut V, elements: &'a [MapElement]) {
    for element in elements {
        match element {
            MapElement::Entry(key, value) => {
                v.expr(key);
                v.expr(value);
            }
            MapElement::Spread(map) => v.expr(map),
        }
    }
}

fn walk_comprehension<'a, V: Visitor<'a> + ?Sized>(v: &mut V, one: &'a Comprehension) {
    one.clauses.iter().for_each(|clause| walk_clause(v, clause));
    match &one.output {
        ComprehensionOutput::List(value) | ComprehensionOutput::Set(value) => v.expr(value),
        ComprehensionOutput::Map(key, value) => {
            v.expr(key);
            v.expr(value);
        }
    }
}

fn walk_flow<'a, V: Visitor<'a> + ?Sized>(v: &mut V, expr: &'a Expr) {
    match &expr.kind {
        ExprKind::If(one) => {
            for branch in &one.branches {
                walk_condition(v, &branch.condition);
                walk_block(v, &branch.body);
            }
            one.otherwise.iter().for_each(|block| walk_block(v, block));
        }
        ExprKind::Match(one) => {
            v.expr(&one.subject);
            for arm in &one.arms {
                v.pattern(&arm.pattern);
                arm.guard.iter().for_each(|guard| v.expr(guard));
                walk_block(v, &arm.body);
            }
        }
        ExprKind::When(one) => {
            for arm in &one.arms {
                v.expr(&arm.condition);
                walk_block(v, &arm.body);
            }
            one.otherwise.iter().for_each(|block| walk_block(v, block));
        }
        ExprKind::While(one) => {
            walk_condition(v, &one.condition);
            walk_block(v, &one.body);
        }
        ExprKind::Loop(one) => walk_block(v, &one.body),
        ExprKind::For(one) => {
            walk_clause(v, &one.clause);
            walk_block(v, &one.body);
        }
        ExprKind::Try(one) => {
            walk_block(v, &one.body);
            for catch in &one.catches {
                catch.pattern.iter().for_each(|pattern| v.pattern(pattern));
                catch.guard.iter().for_each(|guard| v.expr(guard));
                walk_block(v, &catch.body);
            }
            one.finally.iter().for_each(|block| walk_block(v, block));
        }
        ExprKind::Scope(one) => {
            walk_modifiers(v, &one.modifiers);
            walk_block(v, &one.body);
        }
        ExprKind::Parallel(one) => {
            walk_modifiers(v, &one.modifiers);
            one.branches.iter().for_each(|branch| v.stmt(&branch.body));
        }
        ExprKind::ParallelFor(one) => {
            walk_modifiers(v, &one.modifiers);
            walk_clause(v, &one.clause);
            walk_block(v, &one.body);
        }
        ExprKind::Select(one) => {
            walk_modifiers(v, &one.modifiers);
            for branch in &one.branches {
                v.expr(&branch.operation);
                branch.body.iter().for_each(|block| walk_block(v, block));
            }
            let otherwise = one.otherwise.iter().filter_map(|one| one.body.as_ref());
            otherwise.for_each(|block| walk_block(v, block));
        }
        _ => {}
    }
}

/// The name that an assignable place starts from.
pub(crate) fn place_root(place: &Expr) -> Option<Symbol> {
    match &place.kind {
        ExprKind::Name(name) => Some(*name),
        ExprKind::Field { base, .. }
        | ExprKind::TupleField { base, .. }
        | ExprKind::Index { base, .. } => place_root(base),
        _ => None,
    }
}

/// Names that may change: assigned to, or receivers of a method call (which may be a mutator).
#[derive(Default)]
struct Assigned {
    names: FxHashMap<Symbol, Span>,
    methods: bool,
}

impl<'a> Visitor<'a> for Assigned {
    fn stmt(&mut self, stmt: &'a Stmt) {
        if let StmtKind::Assign(assign) = &stmt.kind
            && let Some(name) = place_root(&assign.place)
        {
            self.names.entry(name).or_insert(assign.place.span);
        }
        walk_stmt(self, stmt);
    }

    fn expr(&mut self, expr: &'a Expr) {
        if let (true, ExprKind::MethodCall(call)) = (self.methods, &expr.kind)
            && let Some(name) = place_root(&call.receiver)
        {
            self.names.entry(name).or_insert(call.receiver.span);
        }
        walk_expr(self, expr);
    }
}

/// The names assigned to in these statements, with the first place of each.
pub(crate) fn assigned_names(stmts: &[Stmt]) -> FxHashMap<Symbol, Span> {
    let mut visitor = Assigned::default();
    stmts.iter().for_each(|stmt| visitor.stmt(stmt));
    visitor.names
}

/// The names that a loop may change.
pub(crate) fn changed_in_loop(body: &Block, condition: Option<&Condition>) -> Vec<Symbol> {
    let mut visitor = Assigned {
        methods: true,
        ..Assigned::default()
    };
    walk_block(&mut visitor, body);
    condition
        .iter()
        .for_each(|condition| walk_condition(&mut visitor, condition));
    visitor.names.into_keys().collect()
}

/// The names that a pattern binds (or that are variants).
pub(crate) fn bound_names(pattern: &Pattern, names: &mut Vec<Ident>) {
    match &pattern.kind {
        PatternKind::Name(name) => names.push(*name),
        PatternKind::Tuple(parts) => parts.iter().for_each(|part| bound_names(part, names)),
        PatternKind::List(list) => {
            list.before.iter().for_each(|part| bound_names(part, names));
            names.extend(list.rest.iter().filter_map(|rest| rest.name));
            list.after.iter().for_each(|part| bound_names(part, names));
        }
        PatternKind::Constructor(one) => {
            let fields = one.fields.iter().flatten();
            fields.for_each(|field| bound_names(&field.pattern, names));
        }
        PatternKind::Ok(inner) | PatternKind::Err(inner) => bound_names(inner, names),
        PatternKind::Typed { pattern, .. } => bound_names(pattern, names),
        PatternKind::Or(parts) => {
            if let Some(first) = parts.first() {
                bound_names(first, names);
            }
        }
        _ => {}
    }
}

/// Names used.
#[derive(Default)]
struct Uses {
    used: FxHashSet<Symbol>,
}

impl<'a> Visitor<'a> for Uses {
    fn expr(&mut self, expr: &'a Expr) {
        if let ExprKind::Name(name) = &expr.kind {
            self.used.insert(*name);
        }
        walk_expr(self, expr);
    }
}

impl Checker<'_> {
    /// Names that occur as values in cells, tests and declarations of `module`.
    pub(crate) fn names_used_by_cells(&self, module: ModuleId) -> FxHashSet<Symbol> {
        let mut uses = Uses::default();
        // Modules are collected one after the other, and this is the last one so far.
        let cells = self.items.cells.iter().rev();
        let cells = cells.take_while(|cell| cell.module == module);
        for cell in cells {
            let params = cell.decl.params.iter();
            let defaults = params.filter_map(|param| param.default.as_ref());
            defaults.for_each(|default| uses.expr(default));
            match &cell.decl.body {
                CellBody::Block(block) => walk_block(&mut uses, block),
                CellBody::Expr(expr) => uses.expr(expr),
                CellBody::None | CellBody::Extern(_) => {}
            }
        }
        for item in &self.modules.get(module).ast.items {
            match &item.kind {
                ItemKind::Test(test) => walk_block(&mut uses, &test.body),
                ItemKind::Const(decl) => uses.expr(&decl.value),
                ItemKind::Record(decl) => {
                    for field in &decl.fields {
                        field.default.iter().for_each(|default| uses.expr(default));
                        field.constraint.iter().for_each(|holds| uses.expr(holds));
                    }
                }
                _ => {}
            }
        }
        uses.used
    }
}
