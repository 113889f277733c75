//! Declarations to item tables and module scopes; nothing is resolved here but imports.

use super::items::*;
use super::ty::{AdtId, Kind};
use super::{Checker, Head};
use crate::diag::{Code, Diagnostic};
use crate::hir::{GrantValue, Ty};
use crate::names::{ModuleId, ModuleScope, TypeDef, ValueDef, closest};
use crate::source::{FileId, Span};
use crate::syntax::Symbol;
use crate::syntax::ast::{self, ExprKind, ItemKind, StmtKind};
use rustc_hash::FxHashMap;

/// Name, variants with what they carry, type parameters.
type BuiltInEnum<'a> = (&'a str, &'a [(&'a str, Option<Ty>)], &'a [Symbol]);

impl<'a> Checker<'a> {
    /// Fills the item tables and the scopes of all modules.
    pub(crate) fn collect(&mut self) {
        self.builtin_enums();
        let modules = self.modules;
        for number in 0..modules.list.len() {
            self.scopes.push(ModuleScope::default());
            let id = ModuleId(number as u32);
            self.collect_module(id);
            if modules.get(id).prelude {
                self.collect_prelude(id);
            }
        }
        for number in 0..self.items.impls.len() {
            self.resolve_impl(ImplId(number as u32));
        }
        for number in 0..self.items.adts.len() {
            self.resolve_adt_bounds(AdtId(number as u32));
        }
        for number in 0..self.items.traits.len() {
            self.resolve_supers(TraitId(number as u32));
        }
    }

    fn builtin_enums(&mut self) {
        let span = Span::new(FileId(0), 0, 0);
        let t = self.names.intern("T");
        let e = self.names.intern("E");
        let value = self.types.intern(Kind::Param(0, t));
        let error = self.types.intern(Kind::Param(1, e));
        let variants: [BuiltInEnum<'_>; 2] = [
            (
                "result",
                &[("ok", Some(value)), ("err", Some(error))],
                &[t, e],
            ),
            (
                "FutureState",
                &[
                    ("Pending", None),
                    ("Completed", Some(value)),
                    ("Error", Some(Ty::STRING)),
                ],
                &[t],
            ),
        ];
        for (name, variants, params) in variants {
            let mut names = FxHashMap::default();
            let mut list = Vec::new();
            for (number, (variant, payload)) in variants.iter().enumerate() {
                let variant = self.names.intern(variant);
                names.insert(variant, number as u32);
                let fields = payload.iter().map(|&ty| FieldDef {
                    name: self.names.intern("0"),
                    named: false,
                    ty,
                    default: None,
                    constraint: None,
                    span,
                });
                let fields = fields.collect();
                list.push(VariantDef {
                    name: variant,
                    fields,
                });
            }
            let generics = params.iter().map(|&name| Generic {
                name,
                bounds: Vec::new(),
                implicit: false,
            });
            self.items.adts.push(Adt {
                name: self.names.intern(name),
                module: ModuleId(0),
                decl: AdtDecl::Builtin,
                is_enum: true,
                generics: generics.collect(),
                variant_names: names,
                variants: Some(list.into()),
                methods: FxHashMap::default(),
                span,
                constrained: false,
            });
        }
    }

    fn collect_module(&mut self, id: ModuleId) {
        let module = self.modules.get(id);
        let mut imports = module.imports.iter().copied();
        for item in &module.ast.items {
            match &item.kind {
                ItemKind::Import(import) => {
                    let from = imports.next().flatten();
                    self.collect_import(id, import, from, item.public.is_some());
                }
                ItemKind::Cell(cell) => self.collect_cell(id, cell),
                ItemKind::Record(record) => self.collect_record(id, record),
                ItemKind::Enum(decl) => self.collect_enum(id, decl),
                ItemKind::Const(decl) => {
                    let number = ConstId(self.items.consts.len() as u32);
                    self.items.consts.push(Const {
                        decl,
                        module: id,
                        global: None,
                        open: false,
                    });
                    self.declare_value(id, decl.name, ValueDef::Const(number));
                }
                ItemKind::Type(decl) => {
                    let number = AliasId(self.items.aliases.len() as u32);
                    self.items.aliases.push(Alias {
                        decl,
                        module: id,
                        resolved: None,
                        open: false,
                    });
                    self.declare_type(id, decl.name, TypeDef::Alias(number));
                }
                ItemKind::Trait(decl) => self.collect_trait(id, decl),
                ItemKind::Impl(decl) => self.collect_impl(id, decl),
                ItemKind::UseTool(tool) => self.collect_tool(id, tool),
                ItemKind::Grant(grant) => self.collect_grant(id, grant),
                ItemKind::Effect(decl) => self.collect_effect(id, decl),
                ItemKind::BindEffect(bind) => self.collect_binding(id, bind),
                ItemKind::Test(_) => {}
            }
        }
        self.collect_lets(id);
    }

    fn declare_value(&mut self, module: ModuleId, name: ast::Ident, def: ValueDef) {
        let scope = &mut self.scopes[module.0 as usize];
        if let Some(&before) = scope.values.get(&name.name) {
            if let (ValueDef::Cell(first), ValueDef::Cell(new), true) =
                (before, def, self.modules.get(module).library)
            {
                let mut last = first;
                while let Some(next) = self.items.cell(last).next {
                    last = next;
                }
                self.items.cells[last.0 as usize].next = Some(new);
                return;
            }
            self.report_duplicate(name, self.value_span(before));
            return;
        }
        scope.values.insert(name.name, def);
        if !self.names.resolve(name.name).starts_with('_') {
            scope.exported.push(name.name);
        }
    }

    fn declare_type(&mut self, module: ModuleId, name: ast::Ident, def: TypeDef) {
        let scope = &mut self.scopes[module.0 as usize];
        if let Some(&before) = scope.types.get(&name.name) {
            self.report_duplicate(name, self.type_span(before));
            return;
        }
        scope.types.insert(name.name, def);
        if !self.names.resolve(name.name).starts_with('_') {
            scope.exported.push(name.name);
        }
    }

    pub(crate) fn report_duplicate(&mut self, name: ast::Ident, before: Option<Span>) {
        let text = self.text(name.name);
        let message = format!("`{text}` is already declared");
        let mut error = Diagnostic::new(Code::DuplicateName, message, name.span);
        if let Some(span) = before {
            error = error.label(span, "first declared here");
        }
        self.report(error);
    }

    pub(crate) fn value_span(&self, def: ValueDef) -> Option<Span> {
        Some(match def {
            ValueDef::Cell(id) => self.items.cell(id).decl.name.span,
            ValueDef::Record(id) | ValueDef::Variant(id, _) => self.items.adt(id).span,
            ValueDef::Const(id) => self.items.const_(id).decl.name.span,
            ValueDef::Global(id) => self.items.global(id).span,
            ValueDef::Tool(id) => self.items.tools[id.0 as usize].span,
            ValueDef::Effect(id) => self.items.effect(id).decl.name.span,
        })
    }

    fn type_span(&self, def: TypeDef) -> Option<Span> {
        Some(match def {
            TypeDef::Adt(id) => self.items.adt(id).span,
            TypeDef::Alias(id) => self.items.alias(id).decl.name.span,
            TypeDef::Trait(id) => self.items.trait_(id).decl.name.span,
        })
    }

    fn add_cell(&mut self, module: ModuleId, decl: &'a ast::CellDecl, owner: Owner) -> CellId {
        let id = CellId(self.items.cells.len() as u32);
        self.items.cells.push(Cell {
            decl,
            module,
            owner,
            next: None,
            sig: None,
        });
        id
    }

    fn collect_cell(&mut self, module: ModuleId, decl: &'a ast::CellDecl) {
        let id = self.add_cell(module, decl, Owner::Module);
        self.declare_value(module, decl.name, ValueDef::Cell(id));
    }

    fn add_methods(
        &mut self,
        module: ModuleId,
        methods: &'a [ast::Method],
        owner: Owner,
    ) -> FxHashMap<Symbol, CellId> {
        let mut map = FxHashMap::default();
        for method in methods {
            let id = self.add_cell(module, &method.cell, owner);
            let name = method.cell.name;
            if let Some(before) = map.insert(name.name, id) {
                self.report_duplicate(name, Some(self.items.cell(before).decl.name.span));
            }
        }
        map
    }

    fn plain_generics(&self, generics: &ast::Generics) -> Vec<Generic> {
        let plain = |param: &ast::GenericParam| Generic {
            name: param.name.name,
            bounds: Vec::new(),
            implicit: false,
        };
        generics.params.iter().map(plain).collect()
    }

    fn collect_record(&mut self, module: ModuleId, decl: &'a ast::RecordDecl) {
        let id = AdtId(self.items.adts.len() as u32);
        self.items.adts.push(Adt {
            name: decl.name.name,
            module,
            decl: AdtDecl::Record(decl),
            is_enum: false,
            generics: self.plain_generics(&decl.generics),
            variant_names: FxHashMap::default(),
            variants: None,
            methods: FxHashMap::default(),
            span: decl.name.span,
            constrained: decl.fields.iter().any(|field| field.constraint.is_some()),
        });
        let mut seen: FxHashMap<Symbol, Span> = FxHashMap::default();
        for field in &decl.fields {
            if let Some(before) = seen.insert(field.name.name, field.name.span) {
                self.report_duplicate(field.name, Some(before));
            }
        }
        self.declare_type(module, decl.name, TypeDef::Adt(id));
        self.declare_value(module, decl.name, ValueDef::Record(id));
        let methods = self.add_methods(module, &decl.methods, Owner::Adt(id));
        self.items.adts[id.0 as usize].methods = methods;
    }

    fn collect_enum(&mut self, module: ModuleId, decl: &'a ast::EnumDecl) {
        let id = AdtId(self.items.adts.len() as u32);
        let mut names = FxHashMap::default();
        for (number, variant) in decl.variants.iter().enumerate() {
            if names.insert(variant.name.name, number as u32).is_some() {
                self.report_duplicate(variant.name, None);
            }
        }
        self.items.adts.push(Adt {
            name: decl.name.name,
            module,
            decl: AdtDecl::Enum(decl),
            is_enum: true,
            generics: self.plain_generics(&decl.generics),
            variant_names: names,
            variants: None,
            methods: FxHashMap::default(),
            span: decl.name.span,
            constrained: false,
        });
        self.declare_type(module, decl.name, TypeDef::Adt(id));
        for (number, variant) in decl.variants.iter().enumerate() {
            let def = ValueDef::Variant(id, number as u32);
            let scope = &mut self.scopes[module.0 as usize];
            // Two enums may share a variant's name; then it is written `Enum.Variant`, or chosen
            // by the type expected.
            scope.values.entry(variant.name.name).or_insert(def);
            scope.exported.push(variant.name.name);
        }
        let methods = self.add_methods(module, &decl.methods, Owner::Adt(id));
        self.items.adts[id.0 as usize].methods = methods;
    }

    fn collect_trait(&mut self, module: ModuleId, decl: &'a ast::TraitDecl) {
        let id = TraitId(self.items.traits.len() as u32);
        self.items.traits.push(Trait {
            decl,
            module,
            methods: FxHashMap::default(),
            supers: Vec::new(),
        });
        self.declare_type(module, decl.name, TypeDef::Trait(id));
        let methods = self.add_methods(module, &decl.methods, Owner::Trait(id));
        self.items.traits[id.0 as usize].methods = methods;
    }

    fn collect_impl(&mut self, module: ModuleId, decl: &'a ast::ImplDecl) {
        let id = ImplId(self.items.impls.len() as u32);
        self.items.impls.push(Impl {
            decl,
            module,
            generics: self.plain_generics(&decl.generics),
            bound: None,
            ty: Ty::POISON,
            methods: FxHashMap::default(),
        });
        let methods = self.add_methods(module, &decl.methods, Owner::Impl(id));
        self.items.impls[id.0 as usize].methods = methods;
    }

    fn collect_tool(&mut self, module: ModuleId, tool: &'a ast::UseTool) {
        let path: Vec<String> = tool.path.iter().map(|part| self.text(part.name)).collect();
        let id = ToolIx(self.items.tools.len() as u32);
        self.items.tools.push(Tool {
            path: path.join("."),
            name: tool.alias.name,
            grants: Vec::new(),
            span: tool.alias.span,
        });
        self.declare_value(module, tool.alias, ValueDef::Tool(id));
    }

    /// The tool of this name, reported if there is none.
    fn tool(&mut self, module: ModuleId, name: ast::Ident) -> Option<ToolIx> {
        if let Some(ValueDef::Tool(id)) = self.scopes[module.0 as usize].value(name.name) {
            return Some(id);
        }
        let text = self.text(name.name);
        let message = format!("there is no tool `{text}`");
        let mut error = Diagnostic::new(Code::UnknownTool, message, name.span);
        let known: Vec<String> = self
            .items
            .tools
            .iter()
            .map(|one| self.text(one.name))
            .collect();
        error = match closest(&text, known.iter().map(String::as_str)) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(format!("declare it: use tool llm.chat as {text}")),
        };
        self.report(error);
        None
    }

    fn collect_grant(&mut self, module: ModuleId, grant: &'a ast::Grant) {
        let Some(tool) = self.tool(module, grant.tool) else {
            return;
        };
        for limit in &grant.limits {
            let value = match &limit.value.kind {
                ExprKind::Int(value) => GrantValue::Int(*value),
                ExprKind::Str(text) => GrantValue::Text(text.to_string()),
                ExprKind::Error => continue,
                _ => {
                    let message = "a grant's limit is a number or a text";
                    self.error(Code::BadGrant, limit.value.span, message);
                    continue;
                }
            };
            let key = self.text(limit.key.name);
            self.items.tools[tool.0 as usize].grants.push((key, value));
        }
    }

    fn collect_effect(&mut self, module: ModuleId, decl: &'a ast::EffectDecl) {
        let id = EffectId(self.items.effects.len() as u32);
        let methods = self.add_methods(module, &decl.operations, Owner::Effect(id));
        let operations = methods
            .into_iter()
            .map(|(name, cell)| (name, (cell, None)))
            .collect();
        self.items.effects.push(Effect {
            name: decl.name.name,
            operations,
            decl,
        });
        self.declare_value(module, decl.name, ValueDef::Effect(id));
    }

    fn collect_binding(&mut self, module: ModuleId, bind: &'a ast::BindEffect) {
        let Some(tool) = self.tool(module, bind.tool) else {
            return;
        };
        let first = bind.path[0];
        let Some(ValueDef::Effect(id)) = self.scopes[module.0 as usize].value(first.name) else {
            let text = self.text(first.name);
            let message = format!("there is no effect `{text}`");
            self.error(Code::UnknownName, first.span, message);
            return;
        };
        let effect = &mut self.items.effects[id.0 as usize];
        match bind.path.get(1) {
            None => effect
                .operations
                .values_mut()
                .for_each(|one| one.1 = Some(tool)),
            Some(operation) => match effect.operations.get_mut(&operation.name) {
                Some(one) => one.1 = Some(tool),
                None => {
                    let text = self.text(operation.name);
                    let message = format!("the effect has no operation `{text}`");
                    self.error(Code::UnknownMethod, operation.span, message);
                }
            },
        }
    }

    /// Names bound by `let` statements outside of cells.
    fn collect_lets(&mut self, module: ModuleId) {
        let body = &self.modules.get(module).ast.body;
        let lets = body.iter().filter_map(|stmt| match &stmt.kind {
            StmtKind::Let(decl) => Some(&**decl),
            _ => None,
        });
        let lets: Vec<&'a ast::Let> = lets.collect();
        if lets.is_empty() {
            return;
        }
        let assigned = super::walk::assigned_names(body);
        let used = self.names_used_by_cells(module);
        for decl in lets {
            let mut names = Vec::new();
            super::walk::bound_names(&decl.pattern, &mut names);
            for name in names {
                // A bare name in a pattern may be a variant.
                if self.scopes[module.0 as usize]
                    .values
                    .contains_key(&name.name)
                {
                    self.redeclared_let(module, name);
                    continue;
                }
                let number = GlobalIx(self.items.globals.len() as u32);
                let changed = decl.mutable.or_else(|| assigned.get(&name.name).copied());
                self.items.globals.push(Global {
                    decl,
                    module,
                    name: name.name,
                    span: name.span,
                    changed,
                    shared: changed.is_none()
                        && (used.contains(&name.name) || module != self.modules.root()),
                    read: None,
                    state: LetState::Above,
                });
                self.declare_value(module, name, ValueDef::Global(number));
            }
        }
    }

    /// A second module-level `let` of a name: both are variables of the statements.
    fn redeclared_let(&mut self, module: ModuleId, name: ast::Ident) {
        let def = self.scopes[module.0 as usize]
            .values
            .get(&name.name)
            .copied();
        if let Some(ValueDef::Global(id)) = def {
            let global = &mut self.items.globals[id.0 as usize];
            global.changed = Some(name.span);
            global.shared = false;
        }
    }

    fn resolve_impl(&mut self, id: ImplId) {
        let imp = self.items.impl_(id);
        let (decl, module) = (imp.decl, imp.module);
        let scope = self.param_scope(module, &decl.generics, 0, None);
        let generics = self.generics(&decl.generics, &scope);
        let ty = self.resolve_type(&decl.ty, &scope);
        let mut inner = scope;
        inner.self_ty = Some(ty);
        let bound = decl
            .trait_
            .as_ref()
            .and_then(|bound| self.bound(bound, &inner));
        let imp = &mut self.items.impls[id.0 as usize];
        imp.generics = generics;
        imp.ty = ty;
        imp.bound = bound;
        let head = self.head_of(ty);
        self.impls.entry(head).or_default().push(id);
    }

    fn resolve_adt_bounds(&mut self, id: AdtId) {
        let adt = self.items.adt(id);
        let module = adt.module;
        let generics = match adt.decl {
            AdtDecl::Record(decl) => &decl.generics,
            AdtDecl::Enum(decl) => &decl.generics,
            AdtDecl::Builtin => return,
        };
        if generics.params.iter().all(|param| param.bounds.is_empty()) {
            return;
        }
        let scope = self.param_scope(module, generics, 0, None);
        let generics = self.generics(generics, &scope);
        self.items.adts[id.0 as usize].generics = generics;
    }

    fn resolve_supers(&mut self, id: TraitId) {
        let one = self.items.trait_(id);
        let (decl, module) = (one.decl, one.module);
        let scope = self.param_scope(module, &decl.generics, 1, None);
        let supers = decl
            .supers
            .iter()
            .filter_map(|bound| self.bound(bound, &scope))
            .collect();
        self.items.traits[id.0 as usize].supers = supers;
    }

    /// The outermost constructor of `ty`.
    pub(crate) fn head_of(&mut self, ty: Ty) -> Head {
        let ty = self.types.head(ty);
        match self.types.kind(ty) {
            Kind::List(_) => Head::List,
            Kind::Map(..) => Head::Map,
            Kind::Set(_) => Head::Set,
            Kind::Tuple(_) => Head::Tuple,
            Kind::Func(..) => Head::Func,
            Kind::Future(_) => Head::Future,
            Kind::Channel(_) => Head::Channel,
            Kind::Generator(_) => Head::Generator,
            Kind::Adt(id, _) => Head::Adt(*id),
            Kind::Handle(name, _) => Head::Handle(*name),
            Kind::Union(_) | Kind::Param(..) | Kind::Var(_) => Head::Any,
            _ => Head::Simple(ty),
        }
    }
}
