//! Where a program starts: the statements of its modules, the cell `main`, the tests.

use super::Checker;
use super::check::{FnRole, Want, node};
use super::items::CellId;
use super::ty::Kind;
use crate::diag::{Code, Diagnostic};
use crate::hir::{self, Callee, ExprKind, FuncId, GlobalId, Ty, visit};
use crate::names::{ModuleId, ValueDef};
use crate::syntax::ast::{self, ItemKind, StmtKind};
use crate::syntax::token::sym;
use rustc_hash::FxHashSet;

/// The statements of a module, as a function.
#[derive(Clone, Copy)]
pub(crate) struct Statements {
    pub(crate) func: FuncId,
    /// Run before `main`, as the initialiser of this global; the program's own may be `main`.
    pub(crate) global: Option<GlobalId>,
}

/// The body of a test as a scope of its own: a failure of anything it started ends it at once.
fn root_scope(body: hir::Expr) -> hir::Expr {
    let (ty, span) = (body.ty, body.span);
    let kind = ExprKind::Scope {
        timeout: None,
        on: None,
        handle: None,
        body: Box::new(body),
    };
    node(kind, if ty == Ty::NEVER { ty } else { Ty::NULL }, span)
}

impl<'a> Checker<'a> {
    /// The statements of all modules, in the order in which they run.
    pub(crate) fn check_all_statements(&mut self) {
        for number in 0..self.modules.list.len() {
            let id = ModuleId(number as u32);
            let module = self.modules.get(id);
            let stmts = &module.ast.body;
            let Some(first) = stmts.first() else {
                continue;
            };
            let is_main = id == self.modules.root() && !self.has_main_beside(stmts);
            let name = if is_main { "main" } else { &module.name };
            let (func, ()) = self.own_body(id, FnRole::Statements, name, first.span, |this| {
                let result = this.open_var();
                this.cx().result = result;
                // A task started on the last line is not the value.
                let want = match is_main && !super::instance::ends_in_task(stmts) {
                    true => Want::Value,
                    false => Want::Nothing,
                };
                let parts = this.stmt_list(stmts, want);
                let body = this.block_of(parts, first.span, want);
                this.finish_body(body);
            });
            let global = match is_main {
                true => None,
                false => Some(self.new_global(name.to_owned(), Ty::NULL, Some(func), first.span)),
            };
            self.statements.push(Statements { func, global });
        }
        self.statement = None;
    }

    /// Whether the program has a cell `main` beside these statements; then they can only be `let`s.
    fn has_main_beside(&mut self, stmts: &'a [ast::Stmt]) -> bool {
        let Some(cell) = self.main_decl() else {
            return false;
        };
        let other = stmts
            .iter()
            .find(|stmt| !matches!(stmt.kind, StmtKind::Let(_) | StmtKind::Error));
        if let Some(other) = other {
            let header = self.items.cell(cell).decl.header;
            let message = "a program with a cell `main` has no statements outside of cells";
            let error = Diagnostic::new(Code::TwoEntries, message, other.span)
                .label(header, "the program starts here")
                .help("move the statement into `main`, or give the cell another name");
            self.report(error);
        }
        true
    }

    fn main_decl(&self) -> Option<CellId> {
        let root = self.modules.root().0 as usize;
        match self.scopes[root].values.get(&sym::MAIN) {
            Some(ValueDef::Cell(cell)) => Some(*cell),
            _ => None,
        }
    }

    pub(crate) fn check_tests(&mut self) {
        let root = self.modules.root();
        let module = self.modules.get(root);
        for item in &module.ast.items {
            let ItemKind::Test(test) = &item.kind else {
                continue;
            };
            let name = format!("test \"{}\"", test.name);
            let (func, ()) = self.own_body(root, FnRole::Cell, &name, test.name_span, |this| {
                let cx = this.cx();
                cx.result = Ty::NULL;
                cx.declared = true;
                let body = this.body_block(&test.body, Want::Nothing);
                this.finish_body(root_scope(body));
            });
            self.tests.push(hir::Test {
                name: test.name.to_string(),
                func,
                span: test.name_span,
            });
        }
    }

    /// The entry: the statements, or the cell `main`.
    pub(crate) fn find_main(&mut self) {
        let own = self
            .statements
            .last()
            .filter(|one| one.global.is_none())
            .map(|one| one.func);
        match (own, self.main_decl()) {
            (Some(func), _) => self.main = Some(func),
            (None, Some(cell)) => self.main_cell(cell),
            (None, None) => self.nothing_to_run = self.tests.is_empty(),
        }
    }

    fn main_cell(&mut self, cell: CellId) {
        let sig = self.sig(cell);
        let decl = self.items.cell(cell).decl;
        let strings = sig.params.len() <= 1
            && sig.params.iter().all(|param| {
                param.ty == Ty::LIST_STRING || matches!(self.types.kind(param.ty), Kind::Param(..))
            });
        if !strings || sig.yields {
            let message = "`main` takes nothing, or the arguments: main(args: list[String])";
            self.error(Code::BadMain, decl.header, message);
            return;
        }
        let args: Vec<Ty> = sig.generics.iter().map(|_| Ty::LIST_STRING).collect();
        let inst = self.instance(cell, &args, None);
        self.check_instance(inst);
        let func = self.insts[inst.0 as usize].func;
        self.main = Some(func);
    }

    /// Tests run instead of the program's own statements: where those are `main`, each test first
    /// runs the `let`s among them, if cells or tests read one.
    pub(crate) fn give_tests_their_lets(&mut self) {
        let root = self.modules.root();
        let read = self
            .items
            .globals
            .iter()
            .any(|one| one.module == root && one.read.is_some());
        let Some(own) = self.statements.last().copied() else {
            return;
        };
        if self.tests.is_empty() || !read || own.global.is_some() || self.has_errors() {
            return;
        }
        let stmts = &self.modules.get(root).ast.body;
        let only_lets = |stmt: &ast::Stmt| matches!(stmt.kind, StmtKind::Let(_));
        let func = match stmts.iter().all(only_lets) {
            true => own.func,
            false => self.lets_alone(root, stmts),
        };
        for test in &self.tests {
            let Some(func_of_test) = &mut self.out.funcs[test.func.0 as usize] else {
                continue;
            };
            let body = &mut func_of_test.body;
            let callee = Callee::Func(func);
            let args = Vec::new();
            let call = node(ExprKind::Call { callee, args }, Ty::NULL, test.span);
            let (ty, span) = (body.ty, body.span);
            let inner = std::mem::replace(body, super::check::null(span));
            *body = node(ExprKind::Block(vec![call, inner]), ty, span);
        }
    }

    /// A function of the `let`s among the program's statements.
    fn lets_alone(&mut self, root: ModuleId, stmts: &'a [ast::Stmt]) -> FuncId {
        let span = stmts[0].span;
        let (func, ()) = self.own_body(root, FnRole::Statements, "main", span, |this| {
            let cx = this.cx();
            cx.result = Ty::NULL;
            cx.declared = true;
            let lets = stmts.iter().filter_map(|stmt| match &stmt.kind {
                StmtKind::Let(decl) => Some((&**decl, stmt.span)),
                _ => None,
            });
            let mut parts = Vec::new();
            for (decl, span) in lets {
                let bind = this.let_stmt(decl, span, None);
                parts.push(this.publish(decl, bind));
            }
            let body = this.block_of(parts, span, Want::Nothing);
            this.finish_body(body);
        });
        self.drain();
        let global = None;
        self.statements.push(Statements { func, global });
        func
    }

    /// Variables of the statements that no cell reads stay local; the others' types are known now.
    pub(crate) fn settle_lets(&mut self) {
        let globals = self.items.globals.iter();
        let read: FxHashSet<GlobalId> = globals
            .filter(|one| one.read.is_some())
            .filter_map(|one| match one.state {
                super::items::LetState::Set(global, _) => Some(global),
                _ => None,
            })
            .collect();
        for one in &self.statements {
            let Some(func) = &mut self.out.funcs[one.func.0 as usize] else {
                continue;
            };
            visit::exprs_mut(&mut func.body, &mut |expr| {
                let ExprKind::SetGlobal(global, value) = &expr.kind else {
                    return;
                };
                match read.contains(global) {
                    true => self.out.globals[global.0 as usize].ty = value.ty,
                    false => expr.kind = ExprKind::Null,
                }
            });
        }
    }
}
