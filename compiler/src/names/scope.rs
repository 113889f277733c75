//! What the names of a module mean.

use crate::syntax::Symbol;
use crate::types::items::{AliasId, CellId, ConstId, EffectId, GlobalIx, ToolIx, TraitId};
use crate::types::ty::AdtId;
use rustc_hash::FxHashMap;

/// What a name means where a value is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueDef {
    /// A cell; further ones of its name in the module hang on it.
    Cell(CellId),
    /// A record's constructor.
    Record(AdtId),
    /// An enum's variant, as value or constructor.
    Variant(AdtId, u32),
    Const(ConstId),
    Global(GlobalIx),
    Tool(ToolIx),
    Effect(EffectId),
}

/// What a name means where a type is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeDef {
    Adt(AdtId),
    Alias(AliasId),
    Trait(TraitId),
}

/// The names of one module.
#[derive(Debug, Default)]
pub(crate) struct ModuleScope {
    /// Declared here, or imported by name.
    pub(crate) values: FxHashMap<Symbol, ValueDef>,
    /// Declared here, or imported by name.
    pub(crate) types: FxHashMap<Symbol, TypeDef>,
    /// What `import m: *` brings; what is declared or named goes before it.
    pub(crate) wild_values: FxHashMap<Symbol, ValueDef>,
    /// As `wild_values`, of types.
    pub(crate) wild_types: FxHashMap<Symbol, TypeDef>,
    /// Names that another module may import from here.
    pub(crate) exported: Vec<Symbol>,
}

impl ModuleScope {
    /// What `name` means as a value.
    pub(crate) fn value(&self, name: Symbol) -> Option<ValueDef> {
        self.values
            .get(&name)
            .or_else(|| self.wild_values.get(&name))
            .copied()
    }

    /// What `name` means as a type.
    pub(crate) fn ty(&self, name: Symbol) -> Option<TypeDef> {
        self.types
            .get(&name)
            .or_else(|| self.wild_types.get(&name))
            .copied()
    }
}
