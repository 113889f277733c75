//! Constants and module-level variables: what a program's functions share.
//!
//! A constant is computed before all statements, when something needs it. A variable gets its
//! value where its `let` stands among the statements of its module; one that cells read is a
//! global of the program as well as a local of the statements.

use super::Checker;
use super::check::{Body, FnRole, node};
use super::items::{ConstId, GlobalIx, LetState};
use crate::diag::{Code, Diagnostic};
use crate::hir::{self, ExprKind, FuncId, GlobalId, Ty};
use crate::limits;
use crate::names::{ModuleId, ValueDef};
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast;

impl<'a> Checker<'a> {
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
        self.open_fn_as(id, role, hir::FuncKind::Cell, span);
        self.cx().name = name.to_owned();
        let done = make(self);
        self.settle();
        self.depth -= 1;
        let body = std::mem::replace(&mut self.body, outer);
        self.finish_later(body);
        done
    }

    /// A new global of the program; its type is that of what `init` gives, where there is one.
    pub(crate) fn new_global(
        &mut self,
        name: String,
        ty: Ty,
        init: Option<FuncId>,
        span: Span,
    ) -> GlobalId {
        let id = GlobalId(self.out.globals.len() as u32);
        self.out.globals.push(hir::Global {
            name,
            ty,
            init,
            span,
        });
        id
    }

    /// All constants of the program's own modules.
    pub(crate) fn check_consts(&mut self) {
        for number in 0..self.items.consts.len() {
            let id = ConstId(number as u32);
            let one = self.items.const_(id);
            if !self.modules.get(one.module).library {
                let span = one.decl.name.span;
                self.const_global(id, span);
            }
        }
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
        if self.depth >= limits::INFERENCE {
            let message = format!("constant `{name}` is needed through too many others");
            let error = Diagnostic::new(Code::TooDeep, message, span)
                .help("write the values of some of them");
            self.report(error);
            return None;
        }
        self.items.consts[id.0 as usize].open = true;
        let (init, ty) = self.own_body(module, FnRole::Cell, &name, decl.name.span, |this| {
            let declared = decl.ty.as_ref().map(|ty| this.body_type(ty));
            this.value_body(&decl.value, declared)
        });
        let ty = self.types.resolve(ty);
        let global = self.new_global(name, Ty::NULL, Some(init), decl.name.span);
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

    /// A module-level variable, read where it is no local of the statements.
    pub(crate) fn read_let(&mut self, id: GlobalIx, span: Span) -> hir::Expr {
        let one = self.items.global(id);
        let (symbol, state, changed, declared) = (one.name, one.state, one.changed, one.span);
        let own = self.body.module == one.module
            && (self.body.fns.first()).is_some_and(|cx| cx.role == FnRole::Statements);
        if let (Some(changed), false) = (changed, own) {
            self.report_shared(symbol, span, declared, changed);
            return self.poison(span);
        }
        self.items.globals[id.0 as usize].read.get_or_insert(span);
        match state {
            LetState::Set(global, ty) => node(ExprKind::Global(global), ty, span),
            LetState::Above => {
                self.report_used_before(symbol, span, declared, own);
                self.poison(span)
            }
            LetState::Untyped => {
                let name = self.text(symbol);
                let message = format!("the type of `{name}` must be written for cells to use it");
                let error = Diagnostic::new(Code::CannotInfer, message, declared)
                    .label(span, "used here")
                    .help(format!("let {name}: list[Int] = …"));
                self.report(error);
                self.poison(span)
            }
            LetState::Wrong => self.poison(span),
        }
    }

    fn report_shared(&mut self, name: Symbol, span: Span, declared: Span, changed: Span) {
        let name = self.text(name);
        let message = format!("cells cannot use `{name}`: it is a variable that changes");
        let error = Diagnostic::new(Code::SharedVariable, message, span)
            .label(declared, "declared here")
            .label(changed, "changed here")
            .help("tasks share no variables: pass it as an argument");
        self.report(error);
    }

    fn report_used_before(&mut self, name: Symbol, span: Span, declared: Span, own: bool) {
        let name = self.text(name);
        let message = format!("`{name}` is used before it has a value");
        let mut error = Diagnostic::new(Code::UsedBefore, message, span)
            .label(declared, "it gets its value here");
        if let (Some(statement), false) = (self.statement, own) {
            error = error.label(statement, "this comes first, and leads there");
        }
        // Within its own value: only a closure gets that far.
        let itself = own && declared.file == span.file && declared.start < span.start;
        self.report(error.help(match itself {
            true => "a closure does not know itself: declare a cell, which may call itself",
            false => "move the `let` up",
        }));
    }

    /// A variable of the statements is changed in place.
    pub(crate) fn note_change(&mut self, name: Symbol, bound: Span, span: Span) {
        if self.cx().role != FnRole::Statements {
            return;
        }
        let Some(ValueDef::Global(id)) = self.own_value(name) else {
            return;
        };
        let one = self.items.global(id);
        let (read, declared) = (one.read, one.span);
        if declared != bound || one.changed.is_some() {
            return;
        }
        self.items.globals[id.0 as usize].changed = Some(span);
        if let Some(read) = read {
            self.report_shared(name, read, declared, span);
        }
    }

    /// What the module itself declares under `name`.
    fn own_value(&self, name: Symbol) -> Option<ValueDef> {
        let scope = &self.scopes[self.body.module.0 as usize];
        scope.values.get(&name).copied()
    }

    /// After a `let` of the module's statements: gives the globals among its names their values.
    pub(crate) fn publish(&mut self, decl: &'a ast::Let, bind: hir::Expr) -> hir::Expr {
        if self.cx().role != FnRole::Statements {
            return bind;
        }
        let mut names = Vec::new();
        super::walk::bound_names(&decl.pattern, &mut names);
        let mut sets = Vec::new();
        for name in names {
            let Some(ValueDef::Global(id)) = self.own_value(name.name) else {
                continue;
            };
            let one = self.items.global(id);
            if std::ptr::eq(one.decl, decl) && one.span == name.span && one.shared {
                sets.extend(self.publish_name(id, name));
            }
        }
        if sets.is_empty() {
            return bind;
        }
        let span = bind.span;
        sets.insert(0, bind);
        node(ExprKind::Block(sets), Ty::NULL, span)
    }

    fn publish_name(&mut self, id: GlobalIx, name: ast::Ident) -> Option<hir::Expr> {
        let binding = self
            .lookup(name.name)
            .map(|at| &self.body.bindings[at as usize]);
        let bound = binding.filter(|one| one.span == name.span);
        let Some((local, ty)) = bound.map(|one| (one.local, one.ty)) else {
            self.items.globals[id.0 as usize].state = LetState::Wrong;
            return None;
        };
        if !self.is_ground(ty) {
            self.solve(true);
            self.default_vars(ty);
        }
        let ty = self.types.resolve(ty);
        let state = match self.items.global(id).state {
            _ if self.types.has_var(ty) => LetState::Untyped,
            _ if self.types.has_poison(ty) => LetState::Wrong,
            LetState::Set(global, _) => LetState::Set(global, ty),
            _ => {
                let text = self.text(name.name);
                LetState::Set(self.new_global(text, ty, None, name.span), ty)
            }
        };
        self.items.globals[id.0 as usize].state = state;
        let LetState::Set(global, _) = state else {
            return None;
        };
        let value = Box::new(node(ExprKind::Local(local), ty, name.span));
        Some(node(
            ExprKind::SetGlobal(global, value),
            Ty::NULL,
            name.span,
        ))
    }
}
