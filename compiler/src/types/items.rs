//! The declarations of a program, as the checker keeps them.

use super::ty::AdtId;
use crate::hir::{GlobalId, Ty};
use crate::names::ModuleId;
use crate::source::Span;
use crate::syntax::{Symbol, ast};
use rustc_hash::FxHashMap;
use std::rc::Rc;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) struct $name(pub(crate) u32);
    )*};
}
ids! {
    /// A cell or method.
    CellId
    /// A type alias.
    AliasId
    /// A trait.
    TraitId
    /// An impl block.
    ImplId
    /// A constant.
    ConstId
    /// An effect interface.
    EffectId
    /// A `use tool`.
    ToolIx
    /// A name bound by a module-level `let`.
    GlobalIx
}

/// What a cell belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Module,
    Adt(AdtId),
    Impl(ImplId),
    Trait(TraitId),
    Effect(EffectId),
}

/// A cell.
pub(crate) struct Cell<'a> {
    pub(crate) decl: &'a ast::CellDecl,
    pub(crate) module: ModuleId,
    pub(crate) owner: Owner,
    /// Another cell of the same name in the same module (library overloads).
    pub(crate) next: Option<CellId>,
    /// Its signature, once asked for.
    pub(crate) sig: Option<Rc<Sig<'a>>>,
}

/// A bound `T: Trait[A]`.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    /// A declared trait with its arguments.
    Trait(TraitId, Vec<Ty>),
    /// `Show`, `Eq`, `Hash`, `Order`, `Default`: hold by structure.
    Builtin(BuiltinTrait),
}

/// Traits that hold by structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BuiltinTrait {
    Show,
    Eq,
    Hash,
    Order,
    Default,
}

impl BuiltinTrait {
    pub(crate) fn of(name: &str) -> Option<BuiltinTrait> {
        Some(match name {
            "Show" => BuiltinTrait::Show,
            "Eq" => BuiltinTrait::Eq,
            "Hash" => BuiltinTrait::Hash,
            "Order" | "Ord" => BuiltinTrait::Order,
            "Default" => BuiltinTrait::Default,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            BuiltinTrait::Show => "Show",
            BuiltinTrait::Eq => "Eq",
            BuiltinTrait::Hash => "Hash",
            BuiltinTrait::Order => "Order",
            BuiltinTrait::Default => "Default",
        }
    }
}

/// A type parameter.
#[derive(Clone, Debug)]
pub(crate) struct Generic {
    pub(crate) name: Symbol,
    pub(crate) bounds: Vec<Bound>,
    /// Of a parameter without a type.
    pub(crate) implicit: bool,
}

/// A parameter of a cell.
#[derive(Clone, Debug)]
pub(crate) struct Param<'a> {
    pub(crate) name: Symbol,
    pub(crate) ty: Ty,
    pub(crate) default: Option<&'a ast::Expr>,
    pub(crate) variadic: bool,
    pub(crate) mutable: bool,
    pub(crate) span: Span,
}

/// What a cell takes and gives; types contain its parameters as [`super::ty::Kind::Param`].
#[derive(Debug)]
pub(crate) struct Sig<'a> {
    /// The owner's first, then its own, then one per parameter without a type.
    pub(crate) generics: Vec<Generic>,
    pub(crate) params: Vec<Param<'a>>,
    /// As written; of a generator what it yields; of an async cell what its future holds.
    pub(crate) result: Option<Ty>,
    pub(crate) yields: bool,
    pub(crate) is_async: bool,
    /// The first parameter is `mut`.
    pub(crate) mutator: bool,
    /// `extern cell`.
    pub(crate) native: bool,
    /// The first parameter is `self`.
    pub(crate) has_self: bool,
}

/// A field of a record or of a variant's payload.
#[derive(Clone, Debug)]
pub(crate) struct FieldDef<'a> {
    pub(crate) name: Symbol,
    /// Written in the declaration (`Circle(radius: Float)`), or `0`, `1` ….
    pub(crate) named: bool,
    pub(crate) ty: Ty,
    pub(crate) default: Option<&'a ast::Expr>,
    pub(crate) constraint: Option<&'a ast::Expr>,
    pub(crate) span: Span,
}

/// A record's only variant, or one of an enum.
#[derive(Clone, Debug)]
pub(crate) struct VariantDef<'a> {
    pub(crate) name: Symbol,
    pub(crate) fields: Vec<FieldDef<'a>>,
}

/// Where a record or enum comes from.
#[derive(Clone, Copy)]
pub(crate) enum AdtDecl<'a> {
    Record(&'a ast::RecordDecl),
    Enum(&'a ast::EnumDecl),
    /// `result`, `FutureState`, records made for parallel blocks.
    Builtin,
}

/// A record or enum.
pub(crate) struct Adt<'a> {
    pub(crate) name: Symbol,
    pub(crate) module: ModuleId,
    pub(crate) decl: AdtDecl<'a>,
    pub(crate) is_enum: bool,
    pub(crate) generics: Vec<Generic>,
    /// Names of the variants, known before their fields are.
    pub(crate) variant_names: FxHashMap<Symbol, u32>,
    /// Fields and payloads, once asked for.
    pub(crate) variants: Option<Rc<[VariantDef<'a>]>>,
    pub(crate) methods: FxHashMap<Symbol, CellId>,
    pub(crate) span: Span,
    /// Some field has a `where`.
    pub(crate) constrained: bool,
}

/// A type alias.
pub(crate) struct Alias<'a> {
    pub(crate) decl: &'a ast::TypeDecl,
    pub(crate) module: ModuleId,
    pub(crate) resolved: Option<Ty>,
    pub(crate) open: bool,
}

/// A trait.
pub(crate) struct Trait<'a> {
    pub(crate) decl: &'a ast::TraitDecl,
    pub(crate) module: ModuleId,
    pub(crate) methods: FxHashMap<Symbol, CellId>,
    pub(crate) supers: Vec<Bound>,
}

/// An impl block.
pub(crate) struct Impl<'a> {
    pub(crate) decl: &'a ast::ImplDecl,
    pub(crate) module: ModuleId,
    pub(crate) generics: Vec<Generic>,
    /// The trait, if any.
    pub(crate) bound: Option<Bound>,
    /// The type, over `generics`.
    pub(crate) ty: Ty,
    pub(crate) methods: FxHashMap<Symbol, CellId>,
}

/// A constant.
pub(crate) struct Const<'a> {
    pub(crate) decl: &'a ast::ConstDecl,
    pub(crate) module: ModuleId,
    /// Set once checked.
    pub(crate) global: Option<(GlobalId, Ty)>,
    pub(crate) open: bool,
}

/// A name bound by a module-level `let`.
pub(crate) struct Global<'a> {
    pub(crate) decl: &'a ast::Let,
    pub(crate) module: ModuleId,
    pub(crate) name: Symbol,
    pub(crate) span: Span,
    /// `mut`, assigned to, or changed in place: a variable of the module's statements only.
    pub(crate) changed: Option<Span>,
    /// A cell, or another module, may read it.
    pub(crate) shared: bool,
    /// Where something else than the statements reads it first.
    pub(crate) read: Option<Span>,
    pub(crate) state: LetState,
}

/// How far a module-level variable is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LetState {
    /// Its `let` has not been checked yet.
    Above,
    /// It is this global of the program.
    Set(GlobalId, Ty),
    /// Its type was not known after its `let`.
    Untyped,
    /// It could not be checked.
    Wrong,
}

/// An external tool.
pub(crate) struct Tool {
    pub(crate) path: String,
    pub(crate) name: Symbol,
    pub(crate) grants: Vec<(String, crate::hir::GrantValue)>,
    pub(crate) span: Span,
}

/// An effect interface.
pub(crate) struct Effect<'a> {
    pub(crate) name: Symbol,
    pub(crate) operations: FxHashMap<Symbol, (CellId, Option<ToolIx>)>,
    pub(crate) decl: &'a ast::EffectDecl,
}

/// All declarations.
#[derive(Default)]
pub(crate) struct Items<'a> {
    pub(crate) cells: Vec<Cell<'a>>,
    pub(crate) adts: Vec<Adt<'a>>,
    pub(crate) aliases: Vec<Alias<'a>>,
    pub(crate) traits: Vec<Trait<'a>>,
    pub(crate) impls: Vec<Impl<'a>>,
    pub(crate) consts: Vec<Const<'a>>,
    pub(crate) globals: Vec<Global<'a>>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) effects: Vec<Effect<'a>>,
}

macro_rules! access {
    ($($name:ident: $id:ident => $list:ident $ty:ident;)*) => {
        impl<'a> Items<'a> {
            $(pub(crate) fn $name(&self, id: $id) -> &$ty<'a> {
                &self.$list[id.0 as usize]
            })*
        }
    };
}
access! {
    cell: CellId => cells Cell;
    adt: AdtId => adts Adt;
    alias: AliasId => aliases Alias;
    trait_: TraitId => traits Trait;
    impl_: ImplId => impls Impl;
    const_: ConstId => consts Const;
    global: GlobalIx => globals Global;
    effect: EffectId => effects Effect;
}
