//! Types as written to types, and the signatures of declarations, when they are first asked for.

use super::Checker;
use super::items::*;
use super::ty::{AdtId, Kind, Origin};
use crate::diag::{Code, Diagnostic};
use crate::hir::Ty;
use crate::limits;
use crate::names::{ModuleId, TypeDef, closest};
use crate::source::Span;
use crate::syntax::token::sym;
use crate::syntax::{Symbol, ast};
use std::rc::Rc;

/// What type names mean at a place.
#[derive(Clone, Debug)]
pub(crate) struct TyScope {
    pub(crate) module: ModuleId,
    /// Type parameters by name; in an instance, the arguments.
    pub(crate) generics: Vec<(Symbol, Ty)>,
    /// `Self`
    pub(crate) self_ty: Option<Ty>,
    /// Whether `_` may stand for a type.
    pub(crate) infer: bool,
}

/// The handle types, with their number of type arguments.
const HANDLES: &[(&str, usize)] = &[
    ("Mutex", 1),
    ("RwLock", 1),
    ("Condvar", 0),
    ("Atomic", 0),
    ("Semaphore", 0),
    ("Barrier", 0),
    ("Once", 0),
    ("WaitGroup", 0),
    ("CancelToken", 0),
    ("Executor", 0),
    ("Scope", 0),
    ("Sender", 1),
    ("Receiver", 1),
    ("Broadcast", 1),
    ("File", 0),
    ("TcpListener", 0),
    ("TcpStream", 0),
    ("UdpSocket", 0),
    ("Process", 0),
    ("Regex", 0),
];

impl<'a> Checker<'a> {
    /// The type that `ty` means.
    pub(crate) fn resolve_type(&mut self, ty: &ast::Type, scope: &TyScope) -> Ty {
        match &ty.kind {
            ast::TypeKind::Error => Ty::POISON,
            ast::TypeKind::Null => Ty::NULL,
            ast::TypeKind::Infer => {
                if scope.infer {
                    return self.types.fresh(Origin::Open);
                }
                self.error(Code::CannotInfer, ty.span, "the type must be written here");
                Ty::POISON
            }
            ast::TypeKind::Tuple(parts) => {
                if parts.is_empty() {
                    return Ty::NULL;
                }
                let parts = self.resolve_types(parts, scope);
                self.types.tuple(&parts)
            }
            ast::TypeKind::Union(parts) => {
                let parts = self.resolve_types(parts, scope);
                self.types.union(&parts)
            }
            ast::TypeKind::Nullable(inner) => {
                let inner = self.resolve_type(inner, scope);
                self.types.nullable(inner)
            }
            ast::TypeKind::Fn(function) => {
                let params = self.resolve_types(&function.params, scope);
                let result = match &function.result {
                    Some(result) => self.resolve_type(result, scope),
                    None => Ty::NULL,
                };
                self.types.func(&params, result)
            }
            ast::TypeKind::Named { name, args } => self.resolve_named(*name, args, ty.span, scope),
        }
    }

    fn resolve_types(&mut self, types: &[ast::Type], scope: &TyScope) -> Vec<Ty> {
        types
            .iter()
            .map(|ty| self.resolve_type(ty, scope))
            .collect()
    }

    fn resolve_named(
        &mut self,
        name: ast::Ident,
        args: &[ast::Type],
        span: Span,
        scope: &TyScope,
    ) -> Ty {
        if let Some(&(_, ty)) = scope
            .generics
            .iter()
            .rev()
            .find(|(known, _)| *known == name.name)
        {
            self.expect_type_args(name, args, 0, span);
            return ty;
        }
        if let Some(def) = self.type_def(scope.module, name.name) {
            return self.resolve_def(def, name, args, span, scope);
        }
        self.resolve_builtin(name, args, span, scope)
    }

    /// What `name` means as a type in `module`, the prelude included.
    pub(crate) fn type_def(&self, module: ModuleId, name: Symbol) -> Option<TypeDef> {
        let scope = &self.scopes[module.0 as usize];
        scope
            .ty(name)
            .or_else(|| self.prelude_types.get(&name).copied())
    }

    fn resolve_def(
        &mut self,
        def: TypeDef,
        name: ast::Ident,
        args: &[ast::Type],
        span: Span,
        scope: &TyScope,
    ) -> Ty {
        match def {
            TypeDef::Adt(id) => {
                let wanted = self.items.adt(id).generics.len();
                if scope.infer && args.is_empty() && wanted > 0 {
                    let args: Vec<Ty> = (0..wanted)
                        .map(|_| self.types.fresh(Origin::Open))
                        .collect();
                    return self.types.adt(id, &args);
                }
                if !self.expect_type_args(name, args, wanted, span) {
                    return Ty::POISON;
                }
                let args = self.resolve_types(args, scope);
                self.types.adt(id, &args)
            }
            TypeDef::Alias(id) => {
                let wanted = self.items.alias(id).decl.generics.params.len();
                if !self.expect_type_args(name, args, wanted, span) {
                    return Ty::POISON;
                }
                let args = self.resolve_types(args, scope);
                let meaning = self.alias(id, span);
                let ty = self.types.subst(meaning, &args);
                if self.types.depth(ty) > limits::TYPE_NESTING {
                    return self.too_deep_type(span);
                }
                ty
            }
            TypeDef::Trait(_) => {
                let shown = self.text(name.name);
                let message = format!("`{shown}` is a trait, not a type");
                let error = Diagnostic::new(Code::WrongKind, message, span)
                    .help(format!("write a bound: cell f[T: {shown}](x: T)"));
                self.report(error);
                Ty::POISON
            }
        }
    }

    fn resolve_builtin(
        &mut self,
        name: ast::Ident,
        args: &[ast::Type],
        span: Span,
        scope: &TyScope,
    ) -> Ty {
        let simple = match name.name {
            sym::INT => Some(Ty::INT),
            sym::FLOAT => Some(Ty::FLOAT),
            sym::BOOL => Some(Ty::BOOL),
            sym::STRING => Some(Ty::STRING),
            sym::BYTES => Some(Ty::BYTES),
            sym::NULL_TYPE => Some(Ty::NULL),
            sym::ANY => Some(Ty::ANY),
            sym::JSON => Some(Ty::JSON),
            sym::ERROR => Some(Ty::ERROR),
            sym::SELF_TYPE => scope.self_ty,
            _ => None,
        };
        if let Some(ty) = simple {
            self.expect_type_args(name, args, 0, span);
            return ty;
        }
        let text = self.text(name.name);
        if text == "Never" {
            return Ty::NEVER;
        }
        if text == "tuple" {
            let parts = self.resolve_types(args, scope);
            return self.types.tuple(&parts);
        }
        let wanted = match text.as_str() {
            "list" | "set" | "Future" | "Channel" | "FutureState" | "Generator" => 1,
            "map" | "result" => 2,
            _ => match HANDLES.iter().find(|(handle, _)| *handle == text) {
                Some(&(_, wanted)) => wanted,
                None => return self.unknown_type(name, span, scope),
            },
        };
        let mut parts = self.resolve_types(args, scope);
        if args.is_empty() && wanted > 0 && scope.infer {
            parts = (0..wanted)
                .map(|_| self.types.fresh(Origin::Open))
                .collect();
        } else if !self.expect_type_args(name, args, wanted, span) {
            return Ty::POISON;
        }
        if text == "Channel" {
            self.check_channel_element(parts[0], span);
        }
        self.builtin_type(&text, name.name, &parts)
    }

    fn builtin_type(&mut self, text: &str, name: Symbol, args: &[Ty]) -> Ty {
        let kind = match (text, args) {
            ("list", &[t]) => Kind::List(t),
            ("set", &[t]) => Kind::Set(t),
            ("Future", &[t]) => Kind::Future(t),
            ("Channel", &[t]) => Kind::Channel(t),
            ("Generator", &[t]) => Kind::Generator(t),
            ("map", &[k, v]) => Kind::Map(k, v),
            ("result", _) => Kind::Adt(AdtId::RESULT, args.into()),
            ("FutureState", _) => Kind::Adt(AdtId::FUTURE_STATE, args.into()),
            _ => Kind::Handle(name, args.into()),
        };
        self.types.intern(kind)
    }

    /// Reports a nullable element type.
    pub(crate) fn check_channel_element(&mut self, ty: Ty, span: Span) {
        if self.types.members(ty).contains(&Ty::NULL) {
            self.error(
                Code::NullableChannel,
                span,
                "channel element type cannot be nullable",
            );
        }
    }

    fn unknown_type(&mut self, name: ast::Ident, span: Span, scope: &TyScope) -> Ty {
        let text = self.text(name.name);
        let mut error = Diagnostic::new(
            Code::UnknownType,
            format!("there is no type `{text}`"),
            name.span,
        );
        let foreign = match text.as_str() {
            "int" | "i64" | "i32" | "Integer" | "number" | "Number" => Some("Int"),
            "float" | "f64" | "double" | "Double" => Some("Float"),
            "bool" | "boolean" | "Boolean" => Some("Bool"),
            "str" | "string" | "Str" => Some("String"),
            "void" | "unit" | "Unit" | "None" | "nil" => Some("Null"),
            "List" | "Array" | "Vec" => Some("list[T]"),
            "Map" | "Dict" | "HashMap" | "dict" => Some("map[K, V]"),
            "Set" | "HashSet" => Some("set[T]"),
            "Result" => Some("result[T, E]"),
            "any" => Some("Any"),
            "Option" | "Optional" | "Maybe" => Some("T?"),
            _ => None,
        };
        let scope_of = &self.scopes[scope.module.0 as usize];
        if let Some(crate::names::ValueDef::Variant(id, _)) = scope_of.value(name.name) {
            let owner = self.text(self.items.adt(id).name);
            let message = format!("`{text}` is a variant of {owner}, not a type");
            let error = Diagnostic::new(Code::WrongKind, message, name.span).help(format!(
                "the type is {owner}; a `match` or `if let` tests for a variant"
            ));
            self.report(error);
            return Ty::POISON;
        }
        let own = &self.scopes[scope.module.0 as usize];
        let mut known: Vec<String> = vec![
            "Int", "Float", "Bool", "String", "Bytes", "Null", "Any", "Json", "Error", "list",
            "map", "set", "tuple", "result", "Future", "Channel",
        ]
        .into_iter()
        .map(str::to_owned)
        .collect();
        known.extend(HANDLES.iter().map(|(name, _)| (*name).to_owned()));
        let names = own.types.keys().chain(own.wild_types.keys());
        let names = names.chain(scope.generics.iter().map(|(name, _)| name));
        known.extend(names.map(|&name| self.text(name)));
        known.sort();
        let near = foreign.or_else(|| closest(&text, known.iter().map(String::as_str)));
        if let Some(near) = near {
            error = error.help(format!("did you mean `{near}`?"));
        } else if text.len() == 1 {
            error = error.help(format!(
                "a type parameter is declared: cell f[{text}](…), impl[{text}] Stack[{text}]"
            ));
        }
        let _ = span;
        self.report(error);
        Ty::POISON
    }

    fn expect_type_args(
        &mut self,
        name: ast::Ident,
        args: &[ast::Type],
        wanted: usize,
        span: Span,
    ) -> bool {
        if args.len() == wanted {
            return true;
        }
        let text = self.text(name.name);
        let takes = match wanted {
            0 => "no type arguments".to_owned(),
            1 => "one type argument".to_owned(),
            n => format!("{n} type arguments"),
        };
        let message = format!("`{text}` takes {takes}, found {}", args.len());
        self.error(Code::TypeArguments, span, message);
        false
    }

    /// The scope inside a declaration with type parameters: they stand for themselves.
    pub(crate) fn param_scope(
        &mut self,
        module: ModuleId,
        generics: &ast::Generics,
        first: usize,
        self_ty: Option<Ty>,
    ) -> TyScope {
        let mut scope = TyScope {
            module,
            generics: Vec::new(),
            self_ty,
            infer: false,
        };
        for (number, param) in generics.params.iter().enumerate() {
            let ty = self
                .types
                .intern(Kind::Param((first + number) as u32, param.name.name));
            scope.generics.push((param.name.name, ty));
        }
        scope
    }

    /// The declared type parameters with their bounds.
    pub(crate) fn generics(&mut self, generics: &ast::Generics, scope: &TyScope) -> Vec<Generic> {
        let mut list = Vec::with_capacity(generics.params.len());
        for param in &generics.params {
            let bounds = param
                .bounds
                .iter()
                .filter_map(|bound| self.bound(bound, scope));
            let bounds = bounds.collect();
            list.push(Generic {
                name: param.name.name,
                bounds,
                implicit: false,
            });
        }
        list
    }

    /// What a bound means; reported if nothing.
    pub(crate) fn bound(&mut self, bound: &ast::Type, scope: &TyScope) -> Option<Bound> {
        let ast::TypeKind::Named { name, args } = &bound.kind else {
            if !matches!(bound.kind, ast::TypeKind::Error) {
                self.error(
                    Code::WrongKind,
                    bound.span,
                    "a bound is the name of a trait",
                );
            }
            return None;
        };
        if let Some(TypeDef::Trait(id)) = self.type_def(scope.module, name.name) {
            let wanted = self.items.trait_(id).decl.generics.params.len();
            if !self.expect_type_args(*name, args, wanted, bound.span) {
                return None;
            }
            return Some(Bound::Trait(id, self.resolve_types(args, scope)));
        }
        let text = self.text(name.name);
        if let Some(builtin) = BuiltinTrait::of(&text) {
            return Some(Bound::Builtin(builtin));
        }
        let message = format!("there is no trait `{text}`");
        let mut error = Diagnostic::new(Code::UnknownType, message, bound.span);
        let traits = self
            .items
            .traits
            .iter()
            .map(|one| self.text(one.decl.name.name));
        let mut known: Vec<String> = traits.collect();
        known.extend(["Show", "Eq", "Hash", "Order", "Default"].map(str::to_owned));
        if let Some(near) = closest(&text, known.iter().map(String::as_str)) {
            error = error.help(format!("did you mean `{near}`?"));
        }
        self.report(error);
        None
    }

    /// The signature of a cell.
    pub(crate) fn sig(&mut self, id: CellId) -> Rc<Sig<'a>> {
        let cell = self.items.cell(id);
        if let Some(sig) = &cell.sig {
            return sig.clone();
        }
        let sig = Rc::new(self.make_sig(id));
        self.items.cells[id.0 as usize].sig = Some(sig.clone());
        sig
    }

    /// The type parameters and `Self` that a cell has from what it belongs to.
    pub(crate) fn owner_scope(&mut self, id: CellId) -> (TyScope, Vec<Generic>) {
        let cell = self.items.cell(id);
        let (module, owner) = (cell.module, cell.owner);
        let generics: Vec<Generic> = match owner {
            Owner::Module | Owner::Effect(_) => Vec::new(),
            Owner::Adt(adt) => self.items.adt(adt).generics.clone(),
            Owner::Impl(imp) => self.items.impl_(imp).generics.clone(),
            Owner::Trait(id) => self.trait_generics(id),
        };
        let mut scope = TyScope {
            module,
            generics: Vec::new(),
            self_ty: None,
            infer: false,
        };
        for (number, generic) in generics.iter().enumerate() {
            let ty = self.types.intern(Kind::Param(number as u32, generic.name));
            scope.generics.push((generic.name, ty));
        }
        scope.self_ty = match owner {
            Owner::Module | Owner::Effect(_) => None,
            Owner::Impl(imp) => Some(self.items.impl_(imp).ty),
            Owner::Trait(_) => Some(scope.generics[0].1),
            Owner::Adt(adt) => {
                let args: Vec<Ty> = scope.generics.iter().map(|(_, ty)| *ty).collect();
                Some(self.types.adt(adt, &args))
            }
        };
        (scope, generics)
    }

    /// `Self`, then the trait's own parameters.
    fn trait_generics(&mut self, id: TraitId) -> Vec<Generic> {
        let (decl, module) = (self.items.trait_(id).decl, self.items.trait_(id).module);
        let scope = self.param_scope(module, &decl.generics, 1, None);
        let own = scope.generics.iter().map(|(_, ty)| *ty).collect();
        let mut list = vec![Generic {
            name: sym::SELF_TYPE,
            bounds: vec![Bound::Trait(id, own)],
            implicit: false,
        }];
        list.extend(self.generics(&decl.generics, &scope));
        list
    }

    fn make_sig(&mut self, id: CellId) -> Sig<'a> {
        let decl = self.items.cell(id).decl;
        let (mut scope, mut generics) = self.owner_scope(id);
        let first = generics.len();
        let own = self.param_scope(scope.module, &decl.generics, first, None);
        for (at, param) in decl.generics.params.iter().enumerate() {
            let twice = own.generics[..at].iter().chain(&scope.generics);
            if twice.into_iter().any(|(name, _)| *name == param.name.name) {
                self.report_duplicate(param.name, None);
            }
        }
        scope.generics.extend(own.generics);
        generics.extend(self.generics(&decl.generics, &scope));
        let mut params = Vec::with_capacity(decl.params.len());
        for (number, param) in decl.params.iter().enumerate() {
            let is_self = param.name.name == sym::SELF && number == 0;
            let ty = match (&param.ty, scope.self_ty) {
                (Some(ty), _) => self.resolve_type(ty, &scope),
                (None, Some(ty)) if is_self => ty,
                (None, _) => {
                    let ty = self
                        .types
                        .intern(Kind::Param(generics.len() as u32, param.name.name));
                    generics.push(Generic {
                        name: param.name.name,
                        bounds: Vec::new(),
                        implicit: true,
                    });
                    ty
                }
            };
            let ty = if param.variadic {
                self.types.list(ty)
            } else {
                ty
            };
            params.push(Param {
                name: param.name.name,
                ty,
                default: param.default.as_deref(),
                variadic: param.variadic,
                mutable: param.mutable,
                span: param.span,
            });
        }
        let native = matches!(decl.body, ast::CellBody::Extern(_));
        let mut result = decl.result.as_ref().map(|ty| self.resolve_type(ty, &scope));
        if matches!(decl.body, ast::CellBody::Extern(_) | ast::CellBody::None) {
            result = Some(result.unwrap_or(Ty::NULL));
        }
        Sig {
            mutator: params.first().is_some_and(|param| param.mutable),
            has_self: decl
                .params
                .first()
                .is_some_and(|param| param.name.name == sym::SELF),
            generics,
            params,
            result,
            yields: decl.yields,
            is_async: decl.is_async.is_some(),
            native,
        }
    }

    /// Fields of a record (one variant) or payloads of an enum, over its type parameters.
    pub(crate) fn variants(&mut self, id: AdtId) -> Rc<[VariantDef<'a>]> {
        if let Some(variants) = &self.items.adt(id).variants {
            return variants.clone();
        }
        let adt = self.items.adt(id);
        let (module, decl, name) = (adt.module, adt.decl, adt.name);
        let variants: Vec<VariantDef<'a>> = match decl {
            AdtDecl::Builtin => Vec::new(),
            AdtDecl::Record(record) => {
                let scope = self.param_scope(module, &record.generics, 0, None);
                let fields = record.fields.iter().map(|field| FieldDef {
                    name: field.name.name,
                    named: true,
                    ty: self.resolve_type(&field.ty, &scope),
                    default: field.default.as_ref(),
                    constraint: field.constraint.as_ref(),
                    span: field.span,
                });
                let fields = fields.collect();
                vec![VariantDef { name, fields }]
            }
            AdtDecl::Enum(decl) => {
                let scope = self.param_scope(module, &decl.generics, 0, None);
                let mut list = Vec::with_capacity(decl.variants.len());
                for variant in &decl.variants {
                    let mut fields = Vec::with_capacity(variant.payload.len());
                    for (number, field) in variant.payload.iter().enumerate() {
                        let name = field.name.map(|name| name.name);
                        fields.push(FieldDef {
                            name: name.unwrap_or_else(|| self.number_name(number)),
                            named: name.is_some(),
                            ty: self.resolve_type(&field.ty, &scope),
                            default: None,
                            constraint: None,
                            span: field.ty.span,
                        });
                    }
                    list.push(VariantDef {
                        name: variant.name.name,
                        fields,
                    });
                }
                list
            }
        };
        let variants: Rc<[VariantDef<'a>]> = variants.into();
        self.items.adts[id.0 as usize].variants = Some(variants.clone());
        variants
    }

    /// The symbol `0`, `1` ….
    pub(crate) fn number_name(&mut self, number: usize) -> Symbol {
        self.names.intern(&number.to_string())
    }
}
