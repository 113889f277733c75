//! Finished bodies: the checker's types become those of the typed tree, what was left open is
//! settled or reported.

use super::check::{Body, FnCx, Pending, SITE};
use super::items::{AdtDecl, CellId};
use super::ty::{AdtId, Few, Kind};
use super::{Checker, exhaust};
use crate::diag::{Code, Diagnostic};
use crate::hir::{self, FuncId, Nominal, NominalId, Ty, TyKind, Types, Variant};
use crate::source::Span;
use crate::syntax::ast;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// A body whose types may still hang on one that is being checked.
pub(crate) type Finished<'a> = Body<'a>;

/// Names of a body whose table is used again; a larger one is not worth clearing.
const NAMES_KEPT: usize = 64;

/// What the typed program is put together from.
pub(crate) struct Output {
    pub(crate) types: Types,
    pub(crate) funcs: Vec<Option<hir::Func>>,
    pub(crate) natives: Vec<hir::Native>,
    native_index: FxHashMap<(CellId, Few), hir::NativeId>,
    pub(crate) globals: Vec<hir::Global>,
    /// By the checker's number of a type.
    translated: Translated,
    nominals: FxHashMap<(AdtId, Vec<Ty>), Ty>,
    /// Record types with constraints whose check function is still to be made.
    pub(crate) unchecked: Vec<(NominalId, AdtId, Rc<[Ty]>)>,
    /// Nominal types whose variants are still to be entered.
    unfilled: Vec<(NominalId, AdtId, Rc<[Ty]>)>,
    /// Whether that is being done.
    filling: bool,
    /// Where `let`s bind names.
    pub(crate) let_names: rustc_hash::FxHashSet<Span>,
    /// Functions made for types.
    pub(crate) made: FxHashMap<super::made::Made, FuncId>,
    /// Those whose bodies are still to be made.
    pub(crate) unmade: Vec<super::made::Unmade>,
}

/// The typed tree's types, by the checker's number of each: most numbers are looked up many times.
#[derive(Default)]
struct Translated(Vec<Ty>);

impl Translated {
    /// Stands where nothing has been entered.
    const NONE: Ty = Ty(u32::MAX);

    #[inline]
    fn get(&self, ty: Ty) -> Option<Ty> {
        let found = self.0.get(ty.0 as usize).copied();
        found.filter(|&found| found != Self::NONE)
    }

    fn insert(&mut self, ty: Ty, to: Ty) {
        let at = ty.0 as usize;
        if at >= self.0.len() {
            self.0.resize(at + 1, Self::NONE);
        }
        self.0[at] = to;
    }
}

impl Output {
    pub(crate) fn new() -> Output {
        Output {
            types: Types::new(),
            funcs: Vec::new(),
            natives: Vec::new(),
            native_index: FxHashMap::default(),
            globals: Vec::new(),
            translated: Translated::default(),
            nominals: FxHashMap::default(),
            unchecked: Vec::new(),
            unfilled: Vec::new(),
            filling: false,
            let_names: rustc_hash::FxHashSet::default(),
            made: FxHashMap::default(),
            unmade: Vec::new(),
        }
    }
}

/// What the current function's translation needs beside the checker.
pub(crate) struct Fixing {
    /// Captures by closure.
    pub(crate) captures: FxHashMap<FuncId, Vec<hir::LocalId>>,
    /// Whether an undetermined type has been reported in this body.
    pub(crate) reported: bool,
}

impl<'a> Checker<'a> {
    /// Which cell each native is an instance of.
    pub(crate) fn native_cells(&self) -> Vec<(hir::NativeId, CellId)> {
        self.out
            .native_index
            .iter()
            .map(|((cell, _), &native)| (native, *cell))
            .collect()
    }

    /// A number for a new function.
    pub(crate) fn new_func(&mut self) -> FuncId {
        let id = FuncId(self.out.funcs.len() as u32);
        self.out.funcs.push(None);
        id
    }

    /// Does what is left to do in the current body.
    pub(crate) fn settle(&mut self) {
        self.solve(true);
        self.check_bounds();
        self.body.clean = self.error_count() == self.body.errors_before;
    }

    /// Takes a body to be translated as soon as nothing it may hang on is open.
    pub(crate) fn finish_later(&mut self, body: Body<'a>) {
        if !body.ghost {
            self.finished.push(body);
        }
        if self.depth == 0 {
            self.finish_all();
        }
    }

    fn finish_all(&mut self) {
        for body in std::mem::take(&mut self.finished) {
            let outer = std::mem::replace(&mut self.body, body);
            self.finish_body_types();
            let mut names = std::mem::replace(&mut self.body, outer).names;
            if names.capacity() <= NAMES_KEPT {
                names.clear();
                self.spare_names.push(names);
            }
        }
    }

    fn finish_body_types(&mut self) {
        let late = std::mem::take(&mut self.body.pending);
        for one in late {
            if let Pending::Result { site, result, .. } = one {
                self.try_result(site, result, true);
            }
        }
        let fns = std::mem::take(&mut self.body.fns);
        let capturing = fns.iter().filter(|cx| !cx.captures.is_empty());
        let captures = capturing.map(|cx| {
            let outer = cx.captures.iter().map(|(outer, _)| *outer).collect();
            (cx.id, outer)
        });
        let mut fixing = Fixing {
            captures: captures.collect(),
            reported: false,
        };
        for cx in fns {
            let id = cx.id;
            if let Some(func) = self.finish_fn(cx, &mut fixing) {
                self.out.funcs[id.0 as usize] = Some(func);
            }
        }
    }

    fn finish_fn(&mut self, cx: FnCx, fixing: &mut Fixing) -> Option<hir::Func> {
        let mut body = cx.body?;
        let mut locals = cx.locals;
        for local in &mut locals {
            local.ty = self.out_ty(local.ty, local.span, fixing);
        }
        self.fix(&mut body, fixing);
        let result = self.out_ty(cx.result, cx.span, fixing);
        Some(hir::Func {
            name: cx.name,
            kind: cx.kind,
            captures: cx.captures.iter().map(|(_, inner)| *inner).collect(),
            params: cx.params,
            result,
            mutator: cx.mutator,
            locals,
            body,
            inline: self.modules.get(self.body.module).library,
            span: cx.span,
        })
    }

    /// The typed tree's type for the checker's `ty`.
    pub(crate) fn out_ty(&mut self, ty: Ty, span: Span, fixing: &mut Fixing) -> Ty {
        if ty.0 < Ty::POISON.0 {
            return ty;
        }
        if let Some(done) = self.out.translated.get(ty) {
            return done;
        }
        self.default_vars(ty);
        let resolved = self.types.resolve(ty);
        let done = self.translate(resolved, span, fixing);
        if !self.types.has_var(resolved) {
            self.out.translated.insert(ty, done);
        }
        done
    }

    fn translate(&mut self, ty: Ty, span: Span, fixing: &mut Fixing) -> Ty {
        if ty.0 < Ty::POISON.0 {
            return ty;
        }
        if let Some(done) = self.out.translated.get(ty) {
            return done;
        }
        let kind = match self.types.kind(ty).clone() {
            Kind::Var(_) => {
                self.undetermined(span, fixing);
                return Ty::NULL;
            }
            Kind::Poison => {
                // What else is wrong here comes from that.
                self.body.clean = false;
                return Ty::NULL;
            }
            Kind::Param(..) => return Ty::NULL,
            Kind::List(t) => TyKind::List(self.out_ty(t, span, fixing)),
            Kind::Set(t) => TyKind::Set(self.out_ty(t, span, fixing)),
            Kind::Future(t) => TyKind::Future(self.out_ty(t, span, fixing)),
            Kind::Channel(t) => TyKind::Channel(self.out_ty(t, span, fixing)),
            Kind::Generator(t) => TyKind::Generator(self.out_ty(t, span, fixing)),
            Kind::Map(k, v) => {
                TyKind::Map(self.out_ty(k, span, fixing), self.out_ty(v, span, fixing))
            }
            Kind::Tuple(ts) => TyKind::Tuple(self.out_tys(&ts, span, fixing)),
            Kind::Handle(name, ts) => {
                TyKind::Handle(self.text(name), self.out_tys(&ts, span, fixing))
            }
            Kind::Func(ts, r) => {
                let params = self.out_tys(&ts, span, fixing);
                TyKind::Func(params, self.out_ty(r, span, fixing))
            }
            Kind::Union(ts) => {
                let parts = self.out_tys(&ts, span, fixing);
                return self.out.types.union(&parts);
            }
            Kind::Adt(id, args) => return self.nominal(ty, id, &args, span, fixing),
            _ => return ty,
        };
        self.out.types.intern(kind)
    }

    fn out_tys(&mut self, tys: &[Ty], span: Span, fixing: &mut Fixing) -> Vec<Ty> {
        tys.iter()
            .map(|&ty| self.out_ty(ty, span, fixing))
            .collect()
    }

    fn undetermined(&mut self, span: Span, fixing: &mut Fixing) {
        if fixing.reported || !self.body.clean {
            return;
        }
        fixing.reported = true;
        let message = "the type of this cannot be inferred";
        let error = Diagnostic::new(Code::CannotInfer, message, span)
            .help("write the type: let x: list[Int] = …");
        self.report(error);
    }

    /// The instance of a record or enum; entered before its fields, which may contain it.
    fn nominal(&mut self, ty: Ty, id: AdtId, args: &[Ty], span: Span, fixing: &mut Fixing) -> Ty {
        let out_args = self.out_tys(args, span, fixing);
        let key = (id, out_args.clone());
        if let Some(&done) = self.out.nominals.get(&key) {
            return done;
        }
        let adt = self.items.adt(id);
        let (name, is_enum) = (adt.name, adt.is_enum);
        let name = self.text(name);
        let number = NominalId(self.out.types.nominals.len() as u32);
        self.out.types.nominals.push(Nominal {
            name,
            args: out_args,
            variants: Vec::new(),
            check: None,
        });
        let kind = if is_enum {
            TyKind::Enum(number)
        } else {
            TyKind::Record(number)
        };
        let done = self.out.types.intern(kind);
        self.out.nominals.insert(key, done);
        if !self.types.has_var(ty) {
            self.out.translated.insert(ty, done);
        }
        self.out.unfilled.push((number, id, args.into()));
        // Not one within the other: chains of records may be long.
        if !std::mem::replace(&mut self.out.filling, true) {
            while let Some((number, id, args)) = self.out.unfilled.pop() {
                self.fill_nominal(number, id, args, span, fixing);
            }
            self.out.filling = false;
        }
        done
    }

    fn fill_nominal(
        &mut self,
        number: NominalId,
        id: AdtId,
        args: Rc<[Ty]>,
        span: Span,
        fixing: &mut Fixing,
    ) {
        let variants = self.variants(id);
        let mut list = Vec::with_capacity(variants.len());
        for variant in variants.iter() {
            let mut fields = Vec::with_capacity(variant.fields.len());
            for field in &variant.fields {
                let ty = self.types.subst(field.ty, &args);
                let ty = self.out_ty(ty, span, fixing);
                fields.push(hir::Field {
                    name: self.text(field.name),
                    ty,
                });
            }
            list.push(Variant {
                name: self.text(variant.name),
                fields,
            });
        }
        self.out.types.nominals[number.0 as usize].variants = list;
        if self.items.adt(id).constrained {
            let check = self.new_func();
            self.out.types.nominals[number.0 as usize].check = Some(check);
            self.out.unchecked.push((number, id, args));
        }
    }

    /// The function or native that a site calls.
    pub(crate) fn site_callee(&mut self, callee: hir::Callee, fixing: &mut Fixing) -> hir::Callee {
        let number = match callee {
            hir::Callee::Func(FuncId(number)) if number & SITE != 0 => number & !SITE,
            hir::Callee::Func(_) => return callee,
            hir::Callee::Native(hir::NativeId(number)) => number,
        };
        let site = self.body.sites[number as usize].clone();
        let mut args = Few::new();
        for &arg in &site.args {
            self.default_vars(arg);
            let arg = self.types.resolve(arg);
            if self.types.has_var(arg) && !self.types.has_poison(arg) {
                self.undetermined_argument(&site, fixing);
                return callee;
            }
            if self.types.has_poison(arg) {
                return callee;
            }
            args.push(arg);
        }
        if let hir::Callee::Native(_) = callee {
            if let Some(reader) = self.json_function(site.cell, &args, site.span) {
                return hir::Callee::Func(reader);
            }
            if let Some(shower) = self.show_function(site.cell, &args, site.span) {
                return hir::Callee::Func(shower);
            }
            if let Some(comparer) = self.compare_function(site.cell, &args, site.span) {
                return hir::Callee::Func(comparer);
            }
            return hir::Callee::Native(self.native(site.cell, &args, site.span, fixing));
        }
        let inst = self.instance(site.cell, &args, Some(site.span));
        hir::Callee::Func(self.insts[inst.0 as usize].func)
    }

    fn undetermined_argument(&mut self, site: &super::check::Site, fixing: &mut Fixing) {
        if fixing.reported || !self.body.clean {
            return;
        }
        fixing.reported = true;
        let name = self.text(self.items.cell(site.cell).decl.name.name);
        let message = format!("the type arguments of `{name}` cannot be inferred here");
        let error = Diagnostic::new(Code::CannotInfer, message, site.span).help(format!(
            "write them: {name}[Int](…), or give the result a type"
        ));
        self.report(error);
    }

    fn native(
        &mut self,
        cell: CellId,
        args: &[Ty],
        span: Span,
        fixing: &mut Fixing,
    ) -> hir::NativeId {
        let key = (cell, Few::from_slice(args));
        if let Some(&id) = self.out.native_index.get(&key) {
            return id;
        }
        let sig = self.sig(cell);
        let params: Vec<Ty> = sig
            .params
            .iter()
            .map(|param| self.types.subst(param.ty, args))
            .collect();
        let result = self.types.subst(sig.result.unwrap_or(Ty::NULL), args);
        let native = hir::Native {
            key: self.native_key(cell),
            params: self.out_tys(&params, span, fixing),
            result: self.out_ty(result, span, fixing),
            mutator: sig.mutator,
            type_args: self.out_tys(args, span, fixing),
        };
        let id = hir::NativeId(self.out.natives.len() as u32);
        self.out.natives.push(native);
        self.out.native_index.insert(key, id);
        id
    }

    /// Module, name and signature as declared: `list.push[T](mut list[T], T) -> Null`.
    fn native_key(&self, cell: CellId) -> String {
        let one = self.items.cell(cell);
        let decl = one.decl;
        if let ast::CellBody::Extern(Some(key)) = &decl.body {
            return key.to_string();
        }
        let file = self.sources.file(decl.name.span.file).text();
        let rest = &file[decl.name.span.start as usize..];
        let name = rest.split('(').next().unwrap_or(rest);
        let params = decl.params.iter().map(|param| {
            let ty = param
                .ty
                .as_ref()
                .map_or("Any", |ty| self.sources.text(ty.span));
            let mutable = if param.mutable { "mut " } else { "" };
            let dots = if param.variadic { "..." } else { "" };
            format!("{dots}{mutable}{ty}")
        });
        let params: Vec<String> = params.collect();
        let result = decl
            .result
            .as_ref()
            .map_or("Null", |ty| self.sources.text(ty.span));
        let module = &self.modules.get(one.module).name;
        format!(
            "{module}.{}({}) -> {result}",
            name.trim(),
            params.join(", ")
        )
    }

    /// Reports what a match lacks or has too much of.
    pub(crate) fn check_match(&mut self, value_ty: Ty, arms: &[hir::Arm], span: Span) {
        if !self.body.clean || arms.iter().any(|arm| arm.pat.span.is_empty()) {
            return;
        }
        let report = exhaust(&self.out.types, value_ty, arms);
        if !report.missing.is_empty() {
            let missing: Vec<String> = report
                .missing
                .iter()
                .map(|one| format!("`{one}`"))
                .collect();
            let message = format!("not all cases are covered: {}", missing.join(", "));
            let error = Diagnostic::new(Code::NotExhaustive, message, span)
                .help("add the missing arms, or `_ -> …`");
            self.report(error);
        }
        for at in report.unreachable {
            let pat = &arms[at].pat;
            // The end of a `while let`, which nobody has written.
            let implied = at > 0
                && matches!(pat.kind, hir::PatKind::Wild)
                && self.sources.text(pat.span) != "_";
            let warning = if implied {
                let message = "this pattern always matches: only a `break` ends the loop";
                Diagnostic::new(Code::UnreachableArm, message, arms[at - 1].pat.span)
                    .help("write `loop`, and a `let` in it")
            } else {
                Diagnostic::new(Code::UnreachableArm, "no value reaches this arm", pat.span)
            };
            self.report(warning);
        }
    }

    /// Whether the declaration is a record written in the program.
    pub(crate) fn record_decl(&self, id: AdtId) -> Option<&'a ast::RecordDecl> {
        match self.items.adt(id).decl {
            AdtDecl::Record(decl) => Some(decl),
            _ => None,
        }
    }
}
