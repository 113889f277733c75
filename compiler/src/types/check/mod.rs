//! Bodies: statements and expressions to the typed tree.
//!
//! `expr` gives a node for an expression; [`Want`] says what is expected of it. `coerce` fits a
//! node to a type. A node's types may hold variables until the whole body has been checked.

mod arguments;
mod assign;
mod call;
mod closure;
mod coerce;
mod collection;
mod concurrency;
mod construct;
mod constructor;
mod container;
mod expr;
mod field;
mod flow;
mod literal;
mod loops;
mod made;
mod method;
mod narrow;
mod operator;
mod overload;
mod pattern;
mod propagate;
mod sequence;
mod stmt;
mod tools;
mod traits;

use super::Checker;
use super::instance::InstId;
use super::items::{Bound, CellId, Generic};
use super::resolve::TyScope;
use super::ty::{Few, Origin};
use crate::hir::{Expr, ExprKind, FuncId, FuncKind, Local, LocalId, LoopId, Ty};
use crate::names::ModuleId;
use crate::source::Span;
use crate::syntax::{Symbol, ast};
pub(crate) use made::{append, assign_node, assign_op_node, let_node, let_pattern, put};
use narrow::Narrow;
use rustc_hash::FxHashMap;

/// What is expected of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// A value of any type.
    Value,
    /// A value that will be coerced to this type.
    Type(Ty),
    /// Nothing: the value is dropped.
    Nothing,
}

impl Want {
    /// The type expected, if any.
    pub(crate) fn ty(self) -> Option<Ty> {
        match self {
            Want::Type(ty) => Some(ty),
            Want::Value | Want::Nothing => None,
        }
    }
}

/// A name that can be used in a body.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) name: Symbol,
    /// The function it belongs to.
    pub(crate) func: usize,
    pub(crate) local: LocalId,
    pub(crate) ty: Ty,
    pub(crate) span: Span,
    /// Declared `mut`, or a `mut` parameter.
    pub(crate) mutable: bool,
    /// What the name meant before.
    shadows: Option<u32>,
    /// Why it cannot be used here yet (`a is not available until the parallel block joins`).
    pub(crate) blocked: Option<&'static str>,
}

/// Which kind of function a body belongs to, for captures and returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FnRole {
    Cell,
    Lambda,
    /// `async`, a spawned call, a branch of a block.
    Concurrent,
    /// The module's statements.
    Statements,
    /// A branch of a `parallel for`: `return v` ends it, `break` is an error.
    Branch,
}

/// A loop that is open.
#[derive(Clone, Debug)]
pub(crate) struct LoopCx {
    pub(crate) id: LoopId,
    pub(crate) label: Option<Symbol>,
    /// The type of `break v`, once there is one.
    pub(crate) value: Option<Ty>,
    pub(crate) want: Option<Ty>,
    pub(crate) breaks: bool,
    pub(crate) values: Vec<Ty>,
}

/// A function under construction.
#[derive(Debug)]
pub(crate) struct FnCx {
    pub(crate) id: FuncId,
    pub(crate) parent: Option<usize>,
    pub(crate) role: FnRole,
    pub(crate) kind: FuncKind,
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) params: Vec<LocalId>,
    /// The enclosing function's local, and ours.
    pub(crate) captures: Vec<(LocalId, LocalId)>,
    pub(crate) locals: Vec<Local>,
    pub(crate) result: Ty,
    /// Whether the result type was given; else `returned` is joined at the end.
    pub(crate) declared: bool,
    pub(crate) returned: Vec<Ty>,
    /// What a generator yields.
    pub(crate) yields: Option<Ty>,
    pub(crate) loops: Vec<LoopCx>,
    pub(crate) loop_count: u32,
    pub(crate) mutator: bool,
    pub(crate) body: Option<Expr>,
    /// `?` has been used: a body that ends without a value gives `ok(null)`.
    pub(crate) propagates: bool,
}

/// A cell to be called, with type arguments that may not be known yet.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) cell: CellId,
    pub(crate) args: Few,
    pub(crate) span: Span,
}

/// A site's number, as a function's.
pub(crate) const SITE: u32 = 1 << 31;

/// Work put off until more types are known.
pub(crate) enum Pending<'a> {
    /// The body of a lambda whose parameters have no type yet.
    Lambda(Box<closure::Delayed<'a>>),
    /// The result of a call whose type arguments are not known yet.
    Result {
        site: u32,
        result: Ty,
        /// Whether the cell's body has been asked what it says about them.
        probed: bool,
    },
}

/// A `role` line: its role, and the function and local that hold its text.
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) func: usize,
    pub(crate) text: LocalId,
    pub(crate) span: Span,
}

/// A body under construction: a cell's instance with the lambdas in it.
pub(crate) struct Body<'a> {
    pub(crate) module: ModuleId,
    pub(crate) scope: TyScope,
    /// Of a cell checked with rigid parameters: what these can do.
    pub(crate) bounds: Vec<Generic>,
    /// Checked for its diagnostics only.
    pub(crate) ghost: bool,
    /// Only what it says about names counts.
    pub(crate) names_only: bool,
    /// How many errors there were before it was begun.
    pub(crate) errors_before: usize,
    /// Whether nothing wrong was found in it.
    pub(crate) clean: bool,
    pub(crate) inst: Option<InstId>,
    /// Where an instance of a cell with untyped parameters is used, and how.
    label: Option<(Span, String)>,
    pub(crate) fns: Vec<FnCx>,
    /// The function whose code is being made.
    pub(crate) at: usize,
    pub(crate) bindings: Vec<Binding>,
    pub(crate) names: FxHashMap<Symbol, u32>,
    pub(crate) narrows: Vec<Narrow>,
    /// The names in blocks that are futures here: only a join would bind them.
    pub(crate) unjoined: Vec<(Symbol, &'static str)>,
    pub(crate) sites: Vec<Site>,
    pub(crate) pending: Vec<Pending<'a>>,
    /// Bounds that type arguments must satisfy, with the place of the use.
    pub(crate) bound_checks: Vec<(Bound, Ty, Span)>,
    /// `role` lines: messages of the next tool call.
    pub(crate) roles: Vec<Role>,
    /// Within the pattern of an arm of a generic cell's instance: whether no value of these types
    /// matches it.
    pub(crate) impossible: Option<bool>,
}

impl<'a> Body<'a> {
    pub(crate) fn empty(module: ModuleId) -> Body<'a> {
        Body {
            module,
            scope: TyScope {
                module,
                generics: Vec::new(),
                self_ty: None,
                infer: true,
            },
            bounds: Vec::new(),
            ghost: false,
            names_only: false,
            errors_before: 0,
            clean: true,
            inst: None,
            label: None,
            fns: Vec::new(),
            at: 0,
            bindings: Vec::new(),
            names: FxHashMap::default(),
            narrows: Vec::new(),
            unjoined: Vec::new(),
            sites: Vec::new(),
            pending: Vec::new(),
            bound_checks: Vec::new(),
            roles: Vec::new(),
            impossible: None,
        }
    }

    /// The use to be named in diagnostics about this body.
    pub(crate) fn used_at(&self) -> Option<(Span, String)> {
        self.label.clone()
    }

    pub(crate) fn set_label(&mut self, label: Option<(Span, String)>) {
        self.label = label;
    }
}

/// A node.
pub(crate) fn node(kind: ExprKind, ty: Ty, span: Span) -> Expr {
    Expr { kind, ty, span }
}

/// `null`
pub(crate) fn null(span: Span) -> Expr {
    node(ExprKind::Null, Ty::NULL, span)
}

impl<'a> Checker<'a> {
    /// The function being made.
    pub(crate) fn cx(&mut self) -> &mut FnCx {
        &mut self.body.fns[self.body.at]
    }

    /// A new variable that must be determined.
    pub(crate) fn open_var(&mut self) -> Ty {
        self.types.fresh(Origin::Open)
    }

    /// A node for what could not be checked.
    pub(crate) fn poison(&self, span: Span) -> Expr {
        node(ExprKind::Null, Ty::POISON, span)
    }

    /// A new local of the current function.
    pub(crate) fn local(&mut self, name: Symbol, ty: Ty, span: Span) -> LocalId {
        self.named_local(name, ty, span)
    }

    /// A new nameless local.
    pub(crate) fn temp(&mut self, ty: Ty, span: Span) -> LocalId {
        self.named_local(Symbol::NONE, ty, span)
    }

    fn named_local(&mut self, name: Symbol, ty: Ty, span: Span) -> LocalId {
        let cx = self.cx();
        cx.locals.push(Local { name, ty, span });
        LocalId(cx.locals.len() as u32 - 1)
    }

    /// A local's value.
    pub(crate) fn read_local(&self, local: LocalId, span: Span) -> Expr {
        let ty = self.body.fns[self.body.at].locals[local.0 as usize].ty;
        node(ExprKind::Local(local), ty, span)
    }

    /// Makes `name` known in the current scope, as a new local.
    pub(crate) fn declare(&mut self, name: Symbol, ty: Ty, span: Span, mutable: bool) -> LocalId {
        let local = self.local(name, ty, span);
        self.bind_name(name, local, ty, span, mutable);
        local
    }

    /// Makes `name` mean `local`.
    pub(crate) fn bind_name(
        &mut self,
        name: Symbol,
        local: LocalId,
        ty: Ty,
        span: Span,
        mutable: bool,
    ) {
        let ty = self.not_too_deep(ty, span);
        let number = self.body.bindings.len() as u32;
        let shadows = self.body.names.insert(name, number);
        self.body.bindings.push(Binding {
            name,
            func: self.body.at,
            local,
            ty,
            span,
            mutable,
            shadows,
            blocked: None,
        });
    }

    /// Opens a scope; [`Checker::leave`] forgets what is declared from here on.
    pub(crate) fn enter(&self) -> usize {
        self.body.bindings.len()
    }

    /// Closes a scope.
    pub(crate) fn leave(&mut self, mark: usize) {
        while self.body.bindings.len() > mark {
            let binding = self.body.bindings.pop().expect("above the mark");
            match binding.shadows {
                Some(before) => self.body.names.insert(binding.name, before),
                None => self.body.names.remove(&binding.name),
            };
        }
        let bindings = self.body.bindings.len();
        self.body
            .narrows
            .retain(|one| (one.root as usize) < bindings);
    }

    /// The binding of `name`.
    pub(crate) fn lookup(&self, name: Symbol) -> Option<u32> {
        self.body.names.get(&name).copied()
    }

    /// The local of the current function that holds the binding: itself, or a capture.
    pub(crate) fn reach(&mut self, binding: u32) -> LocalId {
        let one = &self.body.bindings[binding as usize];
        let (func, local) = (one.func, one.local);
        self.capture(self.body.at, func, local)
    }

    /// Makes `local` of function `owner` reachable from function `at`, which is inside it.
    fn capture(&mut self, at: usize, owner: usize, local: LocalId) -> LocalId {
        if at == owner {
            return local;
        }
        let Some(parent) = self.body.fns[at].parent else {
            return local;
        };
        let outer = self.capture(parent, owner, local);
        let captured = self.body.fns[at]
            .captures
            .iter()
            .find(|(from, _)| *from == outer);
        if let Some(&(_, inner)) = captured {
            return inner;
        }
        let copy = self.body.fns[parent].locals[outer.0 as usize];
        let cx = &mut self.body.fns[at];
        cx.locals.push(copy);
        let inner = LocalId(cx.locals.len() as u32 - 1);
        cx.captures.push((outer, inner));
        inner
    }

    /// A new function inside the current one; its code is made until `self.body.at` is put back.
    pub(crate) fn open_fn(&mut self, role: FnRole, kind: FuncKind, span: Span) -> usize {
        let id = self.new_func();
        self.open_fn_as(id, role, kind, span)
    }

    /// As `open_fn`, for a function that has its number already.
    pub(crate) fn open_fn_as(
        &mut self,
        id: FuncId,
        role: FnRole,
        kind: FuncKind,
        span: Span,
    ) -> usize {
        let parent = if self.body.fns.is_empty() {
            None
        } else {
            Some(self.body.at)
        };
        let name = match parent {
            Some(parent) => {
                let line = self.sources.line_column(span).line;
                let outer = &self.body.fns[parent].name;
                format!("{}.fn@{line}", outer.split(".fn@").next().unwrap_or(outer))
            }
            None => String::new(),
        };
        self.body.fns.push(FnCx {
            id,
            parent,
            role,
            kind,
            name,
            span,
            params: Vec::new(),
            captures: Vec::new(),
            locals: Vec::new(),
            result: Ty::POISON,
            declared: false,
            returned: Vec::new(),
            yields: None,
            loops: Vec::new(),
            loop_count: 0,
            mutator: false,
            body: None,
            propagates: false,
        });
        let number = self.body.fns.len() - 1;
        self.body.at = number;
        number
    }

    /// A type written in this body.
    pub(crate) fn body_type(&mut self, ty: &ast::Type) -> Ty {
        let scope = std::mem::replace(
            &mut self.body.scope,
            TyScope {
                module: self.body.module,
                generics: Vec::new(),
                self_ty: None,
                infer: true,
            },
        );
        let ty = self.resolve_type(ty, &scope);
        self.body.scope = scope;
        ty
    }

    /// Does what was put off, as far as types are known by now; with `force`, all of it.
    pub(crate) fn solve(&mut self, force: bool) -> bool {
        let mut any = false;
        loop {
            let mut progress = false;
            let pending = std::mem::take(&mut self.body.pending);
            for one in pending {
                match self.try_pending(one, false) {
                    None => progress = true,
                    Some(one) => self.body.pending.push(one),
                }
            }
            any |= progress;
            if progress {
                continue;
            }
            if !force || self.body.pending.is_empty() {
                return any;
            }
            if self.probe_next() {
                continue;
            }
            let first = self.body.pending.remove(0);
            let left = self.try_pending(first, true);
            debug_assert!(left.is_none(), "forced work is done");
            any = true;
        }
    }

    /// Asks the body of a cell, whose result is put off, what it says about its type arguments.
    fn probe_next(&mut self) -> bool {
        let next = self.body.pending.iter_mut().find_map(|one| match one {
            Pending::Result {
                site,
                result,
                probed: probed @ false,
            } => {
                *probed = true;
                Some((*site, *result))
            }
            _ => None,
        });
        next.is_some_and(|(site, result)| self.probe(site, result))
    }

    fn try_pending(&mut self, one: Pending<'a>, force: bool) -> Option<Pending<'a>> {
        match one {
            Pending::Lambda(delayed) => self.try_delayed(delayed, force).map(Pending::Lambda),
            Pending::Result {
                site,
                result,
                probed,
            } => {
                if self.try_result(site, result, force) {
                    None
                } else {
                    Some(Pending::Result {
                        site,
                        result,
                        probed,
                    })
                }
            }
        }
    }

    /// `ty` at its outermost level, after doing what may determine it.
    pub(crate) fn known(&mut self, ty: Ty) -> Ty {
        let head = self.types.head(ty);
        if self.types.has_var(head) && self.is_var(head) && !self.body.pending.is_empty() {
            self.solve(false);
            return self.types.head(ty);
        }
        head
    }

    /// Whether `ty` is an undetermined variable.
    pub(crate) fn is_var(&self, ty: Ty) -> bool {
        matches!(self.types.kind(ty), super::ty::Kind::Var(_))
    }

    /// Whether everything about `ty` is known.
    pub(crate) fn is_ground(&mut self, ty: Ty) -> bool {
        let ty = self.types.resolve(ty);
        !self.types.has_var(ty)
    }
}
