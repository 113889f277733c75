//! The whole program: what is checked, in which order, and what of it is kept.

use super::Checker;
use super::check::{Body, FnRole, Want, node};
use super::items::{CellId, ConstId, GlobalIx};
use super::ty::Kind;
use crate::diag::{Code, Diagnostic};
use crate::hir::{self, ExprKind, FuncId, FuncKind, GlobalId, Ty};
use crate::names::ModuleId;
use crate::source::Span;
use crate::syntax::ast::{self, Clock, ItemKind, StmtKind};
use crate::syntax::token::sym;

impl<'a> Checker<'a> {
    /// Checks everything the program's own modules declare, and what that uses.
    pub(crate) fn check_all(&mut self) {
        self.check_declarations();
        let cells: Vec<CellId> = (0..self.items.cells.len() as u32).map(CellId).collect();
        for cell in cells {
            if !self.modules.get(self.items.cell(cell).module).library {
                self.check_cell(cell);
            }
        }
        self.check_module_values();
        self.check_tests();
        self.find_main();
        self.drain();
    }

    /// Checks queued instances until there are none.
    pub(crate) fn drain(&mut self) {
        loop {
            while let Some(id) = self.queue.pop() {
                self.check_queued(id);
            }
            if self.out.unchecked.is_empty() {
                return;
            }
            for (nominal, adt, args) in std::mem::take(&mut self.out.unchecked) {
                self.make_record_check(nominal, adt, &args);
            }
        }
    }

    fn check_cell(&mut self, cell: CellId) {
        let sig = self.sig(cell);
        let decl = self.items.cell(cell).decl;
        self.check_params(decl);
        if matches!(decl.body, ast::CellBody::None | ast::CellBody::Extern(_)) {
            return;
        }
        if sig.generics.iter().any(|one| one.implicit) {
            return;
        }
        let params: Vec<Ty> = sig
            .generics
            .iter()
            .enumerate()
            .map(|(number, one)| self.types.intern(Kind::Param(number as u32, one.name)))
            .collect();
        let inst = self.instance(cell, &params, None);
        self.check_instance(inst);
    }

    fn check_params(&mut self, decl: &'a ast::CellDecl) {
        for (number, param) in decl.params.iter().enumerate() {
            if param.mutable && number > 0 {
                let message = "only the first parameter can be `mut`";
                let error = Diagnostic::new(Code::Misplaced, message, param.span)
                    .help("copy it: let mut a = x");
                self.report(error);
            }
            let twice = decl.params[..number]
                .iter()
                .any(|one| one.name.name == param.name.name);
            if twice {
                let name = self.text(param.name.name);
                let message = format!("parameter `{name}` is declared twice");
                self.error(Code::DuplicateName, param.span, message);
            }
        }
    }

    /// A body of its own, outside any cell; gives what `make` gives.
    pub(crate) fn own_body<T>(
        &mut self,
        module: ModuleId,
        role: FnRole,
        name: &str,
        span: Span,
        make: impl FnOnce(&mut Self) -> T,
    ) -> (FuncId, T) {
        let id = self.new_func();
        let done = self.own_body_as(id, module, role, name, span, make);
        (id, done)
    }

    /// As `own_body`, for a function that has its number already.
    pub(crate) fn own_body_as<T>(
        &mut self,
        id: FuncId,
        module: ModuleId,
        role: FnRole,
        name: &str,
        span: Span,
        make: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let outer = std::mem::replace(&mut self.body, Body::empty(module));
        self.body.errors_before = self.error_count();
        self.depth += 1;
        self.open_fn_as(id, role, FuncKind::Cell, span);
        self.cx().name = name.to_owned();
        let done = make(self);
        self.settle();
        self.depth -= 1;
        let body = std::mem::replace(&mut self.body, outer);
        self.finish_later(body);
        done
    }

    fn new_global(&mut self, name: String, init: FuncId, span: Span) -> GlobalId {
        let id = GlobalId(self.out.globals.len() as u32);
        let ty = Ty::NULL;
        self.out.globals.push(hir::Global {
            name,
            ty,
            init,
            span,
        });
        id
    }

    /// The global that holds a constant, made when it is first used.
    pub(crate) fn const_global(&mut self, id: ConstId, span: Span) -> Option<(GlobalId, Ty)> {
        let one = self.items.const_(id);
        if let Some(done) = one.global {
            return Some(done);
        }
        let (decl, module, open) = (one.decl, one.module, one.open);
        let name = self.text(decl.name.name);
        if open {
            let message = format!("constant `{name}` needs itself");
            self.error(Code::CyclicValue, span, message);
            return None;
        }
        self.items.consts[id.0 as usize].open = true;
        let (init, ty) = self.own_body(module, FnRole::Cell, &name, decl.name.span, |this| {
            let declared = decl.ty.as_ref().map(|ty| this.body_type(ty));
            this.value_body(&decl.value, declared)
        });
        let ty = self.types.resolve(ty);
        let global = self.new_global(name, init, decl.name.span);
        self.items.consts[id.0 as usize].open = false;
        self.items.consts[id.0 as usize].global = Some((global, ty));
        Some((global, ty))
    }

    /// The current function gives the value of `expr`.
    fn value_body(&mut self, expr: &'a ast::Expr, declared: Option<Ty>) -> Ty {
        let value = match declared {
            Some(ty) => self.expr_as(expr, ty),
            None => self.value(expr),
        };
        let ty = declared.unwrap_or(value.ty);
        self.default_vars(ty);
        let cx = self.cx();
        cx.result = ty;
        cx.declared = true;
        cx.body = Some(value);
        ty
    }

    /// A module-level `let`, read where the statements' own variables are not known.
    pub(crate) fn read_let(&mut self, id: GlobalIx, span: Span) -> hir::Expr {
        let one = self.items.global(id);
        let name = self.text(one.name);
        if let (Some(changed), declared) = (one.reassigned, one.span) {
            let message = format!("cells cannot use `{name}`: it is a variable that changes");
            let error = Diagnostic::new(Code::SharedVariable, message, span)
                .label(declared, "declared here")
                .label(changed, "changed here")
                .help("tasks share no variables: pass it as an argument");
            self.report(error);
            return self.poison(span);
        }
        match self.let_global(id, span) {
            Some((global, ty)) => self.read_global(global, ty, span),
            None => self.poison(span),
        }
    }

    fn let_global(&mut self, id: GlobalIx, span: Span) -> Option<(GlobalId, Ty)> {
        let one = self.items.global(id);
        if let Some(done) = one.global {
            return Some(done);
        }
        let (decl, module, open, symbol, place) =
            (one.decl, one.module, one.open, one.name, one.span);
        let name = self.text(symbol);
        if open {
            let message = format!("`{name}` needs itself");
            self.error(Code::CyclicValue, span, message);
            return None;
        }
        if !one.shared {
            self.items.globals[id.0 as usize].shared = true;
        }
        self.items.globals[id.0 as usize].open = true;
        let (init, ty) = self.own_body(module, FnRole::Cell, &name, place, |this| {
            let declared = decl.ty.as_ref().map(|ty| this.body_type(ty));
            if let ast::PatternKind::Name(_) = decl.pattern.kind {
                return this.value_body(&decl.value, declared);
            }
            // One of several names: the pattern is matched, the one name given.
            let value = match declared {
                Some(ty) => this.expr_as(&decl.value, ty),
                None => this.value(&decl.value),
            };
            let ty = declared.unwrap_or(value.ty);
            let bind = this.let_value(decl, value, ty, place);
            let read = this.name(symbol, place, Want::Value);
            let ty = read.ty;
            this.default_vars(ty);
            let cx = this.cx();
            cx.result = ty;
            cx.declared = true;
            cx.body = Some(node(ExprKind::Block(vec![bind, read]), ty, place));
            ty
        });
        let ty = self.types.resolve(ty);
        let global = self.new_global(name, init, place);
        self.items.globals[id.0 as usize].open = false;
        self.items.globals[id.0 as usize].global = Some((global, ty));
        Some((global, ty))
    }

    /// Constants, and the `let`s that cells use.
    fn check_module_values(&mut self) {
        for number in 0..self.items.consts.len() {
            let id = ConstId(number as u32);
            let one = self.items.const_(id);
            if !self.modules.get(one.module).library {
                let span = one.decl.name.span;
                self.const_global(id, span);
            }
        }
        for number in 0..self.items.globals.len() {
            let id = GlobalIx(number as u32);
            if self.items.global(id).shared {
                let span = self.items.global(id).span;
                self.let_global(id, span);
            }
        }
    }

    /// A `let` of the module's statements whose names are globals: done already.
    pub(crate) fn statement_let(&mut self, decl: &'a ast::Let, span: Span) -> Option<hir::Expr> {
        if self.cx().role != FnRole::Statements {
            return None;
        }
        let mut names = Vec::new();
        super::walk::bound_names(&decl.pattern, &mut names);
        let scope = &self.scopes[self.body.module.0 as usize];
        let shared = names.iter().any(|name| match scope.values.get(&name.name) {
            Some(crate::names::ValueDef::Global(id)) => {
                let one = self.items.global(*id);
                std::ptr::eq(one.decl, decl) && one.shared
            }
            _ => false,
        });
        shared.then(|| super::check::null(span))
    }

    fn check_tests(&mut self) {
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
                this.finish_body(body);
            });
            self.tests.push(hir::Test {
                name: test.name.to_string(),
                func,
                span: test.name_span,
            });
        }
    }

    /// The entry: the statements, or the cell `main`.
    fn find_main(&mut self) {
        let root = self.modules.root();
        let module = self.modules.get(root);
        let cell = match self.scopes[root.0 as usize].values.get(&sym::MAIN) {
            Some(crate::names::ValueDef::Cell(cell)) => Some(*cell),
            _ => None,
        };
        let mut stmts = module.ast.body.iter();
        let only_lets = stmts.all(|stmt| matches!(&stmt.kind, StmtKind::Let(_)));
        if module.ast.body.is_empty() || (only_lets && cell.is_some()) {
            match cell {
                Some(cell) => self.main_cell(cell),
                None if self.tests.is_empty() => self.nothing_to_run = true,
                None => {}
            }
            if let (true, Some(_)) = (only_lets, cell) {
                self.check_unused_lets();
            }
            return;
        }
        self.main_statements(root, &module.ast.body, cell);
    }

    /// With a `main`, module-level `let`s that no cell uses still have to be right.
    fn check_unused_lets(&mut self) {
        for number in 0..self.items.globals.len() {
            let id = GlobalIx(number as u32);
            let one = self.items.global(id);
            if one.module == self.modules.root() && one.reassigned.is_none() {
                let span = one.span;
                self.let_global(id, span);
            }
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

    fn main_statements(&mut self, root: ModuleId, stmts: &'a [ast::Stmt], cell: Option<CellId>) {
        let Some(first) = stmts.first() else { return };
        let span = first.span;
        let (func, ()) = self.own_body(root, FnRole::Statements, "main", span, |this| {
            let result = this.open_var();
            let cx = this.cx();
            cx.result = result;
            let body = this.statements(stmts, span);
            this.finish_body(body);
        });
        self.main = Some(func);
        let _ = cell;
    }

    /// The program, if there is no error.
    pub(crate) fn into_program(mut self) -> Option<hir::Program> {
        if self.nothing_to_run && !self.has_errors() {
            let error = Diagnostic::without_place(
                Code::NothingToRun,
                "there is nothing to run: no cell `main`, and no statements",
            )
            .help("cell main() … end");
            if self.require_main {
                self.report(error);
            }
        }
        self.settle_globals();
        self.check_effects();
        self.check_lints();
        if self.has_errors() {
            return None;
        }
        let settings = self.modules.get(self.modules.root()).ast.settings;
        let tools = std::mem::take(&mut self.items.tools);
        let tools = tools.into_iter().map(|tool| hir::Tool {
            path: tool.path,
            name: self.names.resolve(tool.name).to_owned(),
            grants: tool.grants,
        });
        let tools = tools.collect();
        let program = super::prune::Parts {
            types: self.out.types,
            funcs: self.out.funcs,
            globals: self.out.globals,
            natives: self.out.natives,
            main: self.main,
            tests: self.tests,
        };
        Some(program.pruned(hir::Program {
            types: hir::Types::new(),
            funcs: Vec::new(),
            globals: Vec::new(),
            natives: Vec::new(),
            main: None,
            tests: Vec::new(),
            deterministic: settings.deterministic.is_some_and(|(on, _)| on),
            virtual_clock: settings.clock.map(|(clock, _)| clock == Clock::Virtual),
            tools,
        }))
    }

    /// Globals have the type of what computes them.
    fn settle_globals(&mut self) {
        for global in &mut self.out.globals {
            if let Some(func) = &self.out.funcs[global.init.0 as usize] {
                global.ty = func.result;
            }
        }
    }
}
