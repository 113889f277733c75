//! Instances: a cell with concrete type arguments, checked once.

use super::Checker;
use super::check::{Body, FnRole, Pending, SITE, Site, Want, node};
use super::items::{CellId, Owner, Sig};
use super::resolve::TyScope;
use super::ty::{Few, Kind, Origin};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Callee, ExprKind, FuncId, FuncKind, NativeId, Ty};
use crate::limits;
use crate::source::Span;
use crate::syntax::ast;
use std::rc::Rc;

/// An instance, in [`Checker::insts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct InstId(pub(crate) u32);

/// How far an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    New,
    Open,
    Done,
}

/// A cell with type arguments.
pub(crate) struct Inst {
    pub(crate) cell: CellId,
    pub(crate) args: Rc<[Ty]>,
    pub(crate) func: FuncId,
    /// Known from the declaration, or once the body is being checked.
    pub(crate) result: Option<Ty>,
    progress: Progress,
    /// The first use, for diagnostics.
    used: Option<Span>,
}

impl<'a> Checker<'a> {
    /// The instance of `cell` with `args`, made if there is none yet.
    pub(crate) fn instance(&mut self, cell: CellId, args: &[Ty], used: Option<Span>) -> InstId {
        let args: Few = args.iter().map(|&ty| self.types.resolve(ty)).collect();
        let key = (cell, args);
        if let Some(&id) = self.inst_index.get(&key) {
            return id;
        }
        let args: Rc<[Ty]> = key.1.as_slice().into();
        let sig = self.sig(cell);
        let result = sig.result.map(|ty| self.types.subst(ty, &args));
        let id = InstId(self.insts.len() as u32);
        let func = self.new_func();
        let ghost = args.iter().any(|&ty| self.types.has_param(ty));
        let mut progress = Progress::New;
        if let Some(&deep) = args
            .iter()
            .find(|&&ty| self.types.depth(ty) > limits::INSTANCE_NESTING)
        {
            progress = Progress::Done;
            self.report_polymorphic_recursion(cell, deep, used);
        }
        self.insts.push(Inst {
            cell,
            args,
            func,
            result: if progress == Progress::Done {
                Some(Ty::POISON)
            } else {
                result
            },
            progress,
            used,
        });
        self.inst_index.insert(key, id);
        if !ghost && progress == Progress::New {
            self.queue.push(id);
        }
        id
    }

    fn report_polymorphic_recursion(&mut self, cell: CellId, ty: Ty, used: Option<Span>) {
        let decl = self.items.cell(cell).decl;
        let name = self.text(decl.name.name);
        let message = format!("`{name}` is used with ever larger types");
        let shown = self.show(ty);
        let mut error = Diagnostic::new(Code::PolymorphicRecursion, message, decl.header)
            .note(format!("the last type was {shown}"));
        if let Some(span) = used {
            error = error.label(span, "used here");
        }
        self.report(error);
    }

    /// Something to call: `cell` with type arguments that may still be variables.
    pub(crate) fn site(&mut self, cell: CellId, args: &[Ty], span: Span) -> Callee {
        let number = self.body.sites.len() as u32;
        self.body.sites.push(Site {
            cell,
            args: Few::from_slice(args),
            span,
        });
        if self.sig(cell).native {
            Callee::Native(NativeId(number))
        } else {
            Callee::Func(FuncId(SITE | number))
        }
    }

    /// The type of a call's value, before `Future` or `Generator` is put around it. When it must
    /// be inferred and the type arguments are not known yet, a variable.
    pub(crate) fn call_result(&mut self, sig: &Sig<'a>, callee: Callee) -> Ty {
        let number = match callee {
            Callee::Func(FuncId(number)) => number & !SITE,
            Callee::Native(NativeId(number)) => number,
        };
        let site = self.body.sites[number as usize].clone();
        if let Some(result) = sig.result {
            return self.types.subst(result, &site.args);
        }
        let ready = site.args.iter().all(|&ty| self.is_ground(ty));
        if ready {
            return self.inferred_result(site.cell, &site.args, site.span);
        }
        let result = self.types.fresh(Origin::Open);
        self.body.pending.push(Pending::Result {
            site: number,
            result,
            probed: false,
        });
        result
    }

    /// Determines the result of a call put off, if its type arguments are known by now.
    pub(crate) fn try_result(&mut self, site: u32, result: Ty, force: bool) -> bool {
        let site = self.body.sites[site as usize].clone();
        let ready = site.args.iter().all(|&ty| self.is_ground(ty));
        if !ready && !force {
            return false;
        }
        if !ready {
            for &arg in &site.args {
                self.default_vars(arg);
            }
        }
        if site.args.iter().all(|&ty| self.is_ground(ty)) {
            let found = self.inferred_result(site.cell, &site.args, site.span);
            if !self.types.unify(result, found) {
                let (want, got) = (self.show(result), self.show(found));
                let message = format!("expected {want}, found {got}");
                self.error(Code::Mismatch, site.span, message);
            }
        } else {
            // Reported as an undetermined type argument when the body is finished.
            self.types.unify(result, Ty::POISON);
        }
        true
    }

    /// Checks the body of a cell with type arguments that are not known yet, for what it says
    /// about them; what it finds wrong is found again with the arguments it leads to.
    pub(crate) fn probe(&mut self, site: u32, result: Ty) -> bool {
        if self.probing || self.depth >= limits::INFERENCE {
            return false;
        }
        let site = self.body.sites[site as usize].clone();
        let sig = self.sig(site.cell);
        let decl = self.items.cell(site.cell).decl;
        let mut body = Body::empty(self.items.cell(site.cell).module);
        body.ghost = true;
        body.scope = self.instance_scope(site.cell, &sig, &site.args);
        let outer = std::mem::replace(&mut self.body, body);
        self.probing = true;
        self.depth += 1;
        self.open_fn(FnRole::Cell, FuncKind::Cell, decl.header);
        self.check_params_and_body(&sig, &site.args, decl, result, None);
        self.solve(false);
        self.depth -= 1;
        self.probing = false;
        self.body = outer;
        true
    }

    /// Checks the names in a cell with untyped parameters that nothing calls: what these are, and
    /// what can be done with them, nobody says.
    pub(crate) fn check_uncalled(&mut self, cell: CellId) {
        let sig = self.sig(cell);
        let decl = self.items.cell(cell).decl;
        let no_body = matches!(decl.body, ast::CellBody::None | ast::CellBody::Extern(_));
        if no_body || sig.generics.iter().all(|one| !one.implicit) {
            return;
        }
        let args = vec![Ty::POISON; sig.generics.len()];
        let mut body = Body::empty(self.items.cell(cell).module);
        body.ghost = true;
        body.names_only = true;
        body.scope = self.instance_scope(cell, &sig, &args);
        let outer = std::mem::replace(&mut self.body, body);
        self.depth += 1;
        self.open_fn(FnRole::Cell, FuncKind::Cell, decl.header);
        self.check_params_and_body(&sig, &args, decl, Ty::POISON, Some(Ty::POISON));
        self.solve(true);
        self.depth -= 1;
        self.body = outer;
    }

    /// Binds variables that do not care.
    pub(crate) fn default_vars(&mut self, ty: Ty) {
        let ty = self.types.resolve(ty);
        if !self.types.has_var(ty) {
            return;
        }
        let parts: Vec<Ty> = match self.types.kind(ty) {
            Kind::Var(var) => {
                let var = *var;
                let to = match self.types.origin(var) {
                    Origin::Literal | Origin::Free | Origin::Null => Ty::NULL,
                    Origin::Braces => {
                        let (key, value) = (Ty::STRING, Ty::NULL);
                        self.types.intern(Kind::Map(key, value))
                    }
                    Origin::Open => return,
                };
                self.types.bind(var, to);
                return;
            }
            Kind::List(t)
            | Kind::Set(t)
            | Kind::Future(t)
            | Kind::Channel(t)
            | Kind::Generator(t) => vec![*t],
            Kind::Map(k, v) => vec![*k, *v],
            Kind::Tuple(ts) | Kind::Adt(_, ts) | Kind::Union(ts) | Kind::Handle(_, ts) => {
                ts.to_vec()
            }
            Kind::Func(ts, r) => ts.iter().copied().chain([*r]).collect(),
            _ => return,
        };
        parts.into_iter().for_each(|part| self.default_vars(part));
    }

    fn inferred_result(&mut self, cell: CellId, args: &[Ty], span: Span) -> Ty {
        let id = self.instance(cell, args, Some(span));
        if self.insts[id.0 as usize].progress == Progress::New {
            if self.depth >= limits::INFERENCE {
                let name = self.text(self.items.cell(cell).decl.name.name);
                let message = format!("the result type of `{name}` must be written");
                let error = Diagnostic::new(Code::CannotInfer, message, span)
                    .note("inferring it leads through too many cells without a result type");
                self.report(error);
                return Ty::POISON;
            }
            self.check_instance(id);
        }
        self.insts[id.0 as usize].result.unwrap_or(Ty::POISON)
    }

    /// Checks a queued instance. Once there are errors, those of cells with declared type
    /// parameters are left out: what may be wrong with them was found with the parameters
    /// standing for themselves.
    pub(crate) fn check_queued(&mut self, id: InstId) {
        if self.has_errors() {
            let cell = self.insts[id.0 as usize].cell;
            let sig = self.sig(cell);
            if !sig.generics.is_empty() && sig.generics.iter().all(|one| !one.implicit) {
                return;
            }
        }
        self.check_instance(id);
    }

    /// Checks an instance's body, unless that has been done.
    pub(crate) fn check_instance(&mut self, id: InstId) {
        let inst = &mut self.insts[id.0 as usize];
        if inst.progress != Progress::New {
            return;
        }
        inst.progress = Progress::Open;
        let (cell, args, func, used) = (inst.cell, inst.args.clone(), inst.func, inst.used);
        let sig = self.sig(cell);
        let decl = self.items.cell(cell).decl;
        let ghost = args.iter().any(|&ty| self.types.has_param(ty));
        let mut body = Body::empty(self.items.cell(cell).module);
        body.ghost = ghost;
        body.errors_before = self.error_count();
        body.inst = Some(id);
        body.names = self.spare_names.pop().unwrap_or_default();
        body.scope = self.instance_scope(cell, &sig, &args);
        if ghost {
            body.bounds = sig.generics.clone();
        }
        if let (Some(span), true) = (used, sig.generics.iter().any(|one| one.implicit)) {
            body.set_label(Some((span, self.use_text(&sig, &args))));
        }
        let outer = std::mem::replace(&mut self.body, body);
        let probing = std::mem::replace(&mut self.probing, false);
        self.depth += 1;
        self.open_fn_as(func, FnRole::Cell, FuncKind::Cell, decl.header);
        let name = self.cell_name(cell);
        let cx = self.cx();
        cx.name = name;
        cx.mutator = sig.mutator;
        self.check_cell_body(id, &sig, &args, decl);
        self.settle();
        self.depth -= 1;
        self.probing = probing;
        let body = std::mem::replace(&mut self.body, outer);
        self.insts[id.0 as usize].progress = Progress::Done;
        self.finish_later(body);
    }

    fn check_cell_body(&mut self, id: InstId, sig: &Sig<'a>, args: &[Ty], decl: &'a ast::CellDecl) {
        let declared = self.insts[id.0 as usize].result;
        let result = declared.unwrap_or_else(|| self.types.fresh(Origin::Open));
        self.insts[id.0 as usize].result = Some(result);
        self.check_params_and_body(sig, args, decl, result, declared);
    }

    fn in_library(&self) -> bool {
        self.modules.get(self.body.module).library
    }

    fn check_params_and_body(
        &mut self,
        sig: &Sig<'a>,
        args: &[Ty],
        decl: &'a ast::CellDecl,
        result: Ty,
        declared: Option<Ty>,
    ) {
        for param in &sig.params {
            let ty = self.types.subst(param.ty, args);
            // A default is checked here also when every call gives a value.
            if let (Some(default), false) = (param.default, self.in_library()) {
                self.expr_as(default, ty);
            }
            let local = self.declare(param.name, ty, param.span, param.mutable);
            self.cx().params.push(local);
        }
        if sig.yields {
            let generator = self.types.intern(Kind::Generator(result));
            let cx = self.cx();
            cx.kind = FuncKind::Generator;
            cx.yields = Some(result);
            cx.result = Ty::NULL;
            cx.declared = true;
            let body = self.cell_block(decl, Want::Nothing);
            self.finish_body(body);
            self.cx().result = generator;
            return;
        }
        let cx = self.cx();
        cx.result = result;
        cx.declared = declared.is_some();
        let want = match declared {
            Some(Ty::NULL) => Want::Nothing,
            Some(ty) => Want::Type(ty),
            // A task started on the last line is not the value.
            None if ends_with_task(decl) => Want::Nothing,
            None => Want::Value,
        };
        let body = self.cell_block(decl, want);
        self.finish_body(body);
    }

    fn cell_block(&mut self, decl: &'a ast::CellDecl, want: Want) -> crate::hir::Expr {
        match &decl.body {
            ast::CellBody::Block(block) => self.body_block(block, want),
            ast::CellBody::Expr(expr) => self.expr(expr, want),
            ast::CellBody::None | ast::CellBody::Extern(_) => {
                node(ExprKind::Null, Ty::POISON, decl.span)
            }
        }
    }

    /// The meaning of type names inside an instance.
    pub(crate) fn instance_scope(&mut self, cell: CellId, sig: &Sig<'a>, args: &[Ty]) -> TyScope {
        let (mut scope, _) = self.owner_scope(cell);
        scope.self_ty = scope.self_ty.map(|ty| self.types.subst(ty, args));
        let explicit = sig
            .generics
            .iter()
            .zip(args)
            .filter(|(one, _)| !one.implicit);
        scope.generics = explicit.map(|(one, &ty)| (one.name, ty)).collect();
        scope.infer = true;
        scope
    }

    fn use_text(&mut self, sig: &Sig<'a>, args: &[Ty]) -> String {
        let implicit = sig
            .generics
            .iter()
            .zip(args)
            .filter(|(one, _)| one.implicit);
        let parts: Vec<(crate::syntax::Symbol, Ty)> =
            implicit.map(|(one, &ty)| (one.name, ty)).collect();
        let parts = parts.into_iter().map(|(name, ty)| {
            let name = self.text(name);
            format!("{name}: {}", self.show(ty))
        });
        let parts: Vec<String> = parts.collect();
        format!("used here with {}", parts.join(", "))
    }

    /// A cell's name in traces: `area`, `Shape.area`.
    pub(crate) fn cell_name(&mut self, cell: CellId) -> String {
        let one = self.items.cell(cell);
        let (name, owner) = (one.decl.name.name, one.owner);
        let name = self.text(name);
        match owner {
            Owner::Module => name,
            Owner::Adt(id) => format!("{}.{name}", self.text(self.items.adt(id).name)),
            Owner::Impl(id) => {
                let ty = self.items.impl_(id).ty;
                format!("{}.{name}", self.show(ty))
            }
            Owner::Trait(id) => {
                format!("{}.{name}", self.text(self.items.trait_(id).decl.name.name))
            }
            Owner::Effect(id) => format!("{}.{name}", self.text(self.items.effect(id).name)),
        }
    }
}

/// Whether the last statement starts a task.
fn ends_with_task(decl: &ast::CellDecl) -> bool {
    let ast::CellBody::Block(block) = &decl.body else {
        return false;
    };
    ends_in_task(&block.stmts)
}

/// Whether the last of some statements starts a task.
pub(super) fn ends_in_task(stmts: &[ast::Stmt]) -> bool {
    let last = stmts.last().map(|stmt| &stmt.kind);
    let Some(ast::StmtKind::Expr(last)) = last else {
        return false;
    };
    matches!(last.kind, ast::ExprKind::Async(_) | ast::ExprKind::Spawn(_))
}
