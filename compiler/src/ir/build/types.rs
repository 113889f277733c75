//! The module's type table, from the checker's interned types.
//!
//! Structural types are interned by description, so equal types have one index. Records and enums
//! are one entry per instance; an enum is followed by its variants. `Generator[T]` is an enum too:
//! one variant per generator function that yields T (see [`super::generator`]).

use crate::hir::{self, Repr, Ty, TyKind};
use lumen_bytecode::module::{FieldDesc, TypeDesc, TypeIx, well_known};
use rustc_hash::FxHashMap;

/// No entry.
const NONE: TypeIx = TypeIx::MAX;

/// The table under construction.
pub(crate) struct TypeTable<'a> {
    hir: &'a hir::Types,
    /// The entries.
    pub(crate) descs: Vec<TypeDesc>,
    by_desc: FxHashMap<TypeDesc, TypeIx>,
    /// By number; [`NONE`] where none has been made.
    by_ty: Vec<TypeIx>,
    /// Generator functions by the type they yield.
    generators: FxHashMap<Ty, Vec<hir::FuncId>>,
    /// Nominal types whose fields are still to be entered; whether they are enums.
    unfilled: Vec<(TypeIx, hir::NominalId, bool)>,
    /// Whether that is being done.
    filling: bool,
}

impl<'a> TypeTable<'a> {
    /// A table with the well-known types, for a program with these generator functions.
    pub(crate) fn new(
        hir: &'a hir::Types,
        generators: FxHashMap<Ty, Vec<hir::FuncId>>,
    ) -> TypeTable<'a> {
        let descs = well_known::standard_types();
        let known = (0..).zip(&descs);
        let known = known.filter(|(_, desc)| **desc != TypeDesc::Unused);
        let by_desc = known.map(|(ix, desc)| (desc.clone(), ix)).collect();
        TypeTable {
            hir,
            descs,
            by_desc,
            by_ty: vec![NONE; hir.len()],
            generators,
            unfilled: Vec::new(),
            filling: false,
        }
    }

    /// The entry of a structural type.
    pub(crate) fn intern(&mut self, desc: TypeDesc) -> TypeIx {
        if let Some(&ix) = self.by_desc.get(&desc) {
            return ix;
        }
        let ix = self.push(desc.clone());
        self.by_desc.insert(desc, ix);
        ix
    }

    fn push(&mut self, desc: TypeDesc) -> TypeIx {
        let ix = TypeIx::try_from(self.descs.len()).expect("fewer than 2^32 types");
        self.descs.push(desc);
        ix
    }

    /// `a | b`, flat and sorted.
    pub(crate) fn union(&mut self, members: &[TypeIx]) -> TypeIx {
        let mut flat = Vec::new();
        for &m in members {
            match &self.descs[m as usize] {
                TypeDesc::Any => return well_known::ANY,
                TypeDesc::Union(inner) => flat.extend(inner.iter().copied()),
                TypeDesc::Never => {}
                _ => flat.push(m),
            }
        }
        flat.sort_unstable();
        flat.dedup();
        match flat[..] {
            [] => well_known::NEVER,
            [only] => only,
            _ => self.intern(TypeDesc::Union(flat)),
        }
    }

    /// The entry of a checked type.
    pub(crate) fn of(&mut self, ty: Ty) -> TypeIx {
        let known = self.by_ty[ty.0 as usize];
        if known != NONE {
            return known;
        }
        let hir = self.hir;
        let desc = match hir.kind(ty) {
            TyKind::Int => TypeDesc::Int,
            TyKind::Float => TypeDesc::Float,
            TyKind::Bool => TypeDesc::Bool,
            TyKind::String => TypeDesc::String,
            TyKind::Bytes => TypeDesc::Bytes,
            TyKind::Null => TypeDesc::Null,
            TyKind::Never => TypeDesc::Never,
            TyKind::Any => TypeDesc::Any,
            TyKind::Json => TypeDesc::Json,
            TyKind::Error => TypeDesc::Error,
            TyKind::List(t) => TypeDesc::List(self.of(*t)),
            TyKind::Map(k, v) => TypeDesc::Map(self.of(*k), self.of(*v)),
            TyKind::Set(t) => TypeDesc::Set(self.of(*t)),
            TyKind::Tuple(parts) => TypeDesc::Tuple(self.of_all(parts)),
            TyKind::Func(params, result) => TypeDesc::Func {
                params: self.of_all(params),
                result: self.of(*result),
            },
            TyKind::Future(t) => TypeDesc::Future(self.of(*t)),
            TyKind::Channel(t) => TypeDesc::Channel(self.of(*t)),
            TyKind::Handle(name, args) => TypeDesc::Handle {
                name: name.clone(),
                args: self.of_all(args),
            },
            TyKind::Union(members) => {
                let members = self.of_all(members);
                let ix = self.union(&members);
                self.by_ty[ty.0 as usize] = ix;
                return ix;
            }
            TyKind::Record(id) => return self.record(ty, *id),
            TyKind::Enum(id) => return self.enumeration(ty, *id),
            TyKind::Generator(t) => return self.generator(ty, *t),
        };
        let ix = self.intern(desc);
        self.by_ty[ty.0 as usize] = ix;
        ix
    }

    /// The entries of several types.
    pub(crate) fn of_all(&mut self, tys: &[Ty]) -> Vec<TypeIx> {
        tys.iter().map(|&t| self.of(t)).collect()
    }

    fn fields(&mut self, fields: &[hir::Field]) -> Vec<FieldDesc> {
        let field = |f: &hir::Field| FieldDesc {
            name: f.name.clone(),
            ty: self.of(f.ty),
        };
        fields.iter().map(field).collect()
    }

    /// A nominal type may contain itself: its index is known before its fields are looked at.
    fn record(&mut self, ty: Ty, id: hir::NominalId) -> TypeIx {
        let ix = self.push(TypeDesc::Unused);
        self.by_ty[ty.0 as usize] = ix;
        self.fill_later(ix, id, false);
        ix
    }

    fn enumeration(&mut self, ty: Ty, id: hir::NominalId) -> TypeIx {
        let nominal = &self.hir.nominals[id.0 as usize];
        let ix = self.reserve_enum(ty, &nominal.name, nominal.variants.len());
        self.fill_later(ix, id, true);
        ix
    }

    /// Enters the fields of a nominal type, and of those that these lead to; not one within the
    /// other, since chains of them may be long.
    fn fill_later(&mut self, ix: TypeIx, id: hir::NominalId, is_enum: bool) {
        self.unfilled.push((ix, id, is_enum));
        if std::mem::replace(&mut self.filling, true) {
            return;
        }
        let hir = self.hir;
        while let Some((ix, id, is_enum)) = self.unfilled.pop() {
            let nominal = &hir.nominals[id.0 as usize];
            if is_enum {
                self.fill_enum(ix, nominal);
            } else {
                self.fill_record(ix, nominal);
            }
        }
        self.filling = false;
    }

    fn fill_record(&mut self, ix: TypeIx, nominal: &hir::Nominal) {
        let fields = nominal.variants.first().map_or(&[][..], |v| &v.fields);
        let fields = self.fields(fields);
        self.descs[ix as usize] = TypeDesc::Record {
            name: nominal.name.clone(),
            fields,
        };
    }

    fn fill_enum(&mut self, ix: TypeIx, nominal: &hir::Nominal) {
        for (n, variant) in nominal.variants.iter().enumerate() {
            let fields = self.fields(&variant.fields);
            self.descs[ix as usize + 1 + n] = TypeDesc::Variant {
                of: ix,
                name: variant.name.clone(),
                fields,
            };
        }
    }

    fn generator(&mut self, ty: Ty, item: Ty) -> TypeIx {
        let count = self.generators.get(&item).map_or(0, Vec::len);
        let ix = self.reserve_enum(ty, "Generator", count);
        self.of(item);
        for n in 0..count {
            // The fields are known when the generator's body has been lowered.
            self.descs[ix as usize + 1 + n] = TypeDesc::Variant {
                of: ix,
                name: String::new(),
                fields: Vec::new(),
            };
        }
        ix
    }

    fn reserve_enum(&mut self, ty: Ty, name: &str, variants: usize) -> TypeIx {
        let ix = self.push(TypeDesc::Unused);
        self.by_ty[ty.0 as usize] = ix;
        for _ in 0..variants {
            self.push(TypeDesc::Unused);
        }
        self.descs[ix as usize] = TypeDesc::Enum {
            name: name.to_owned(),
            first_variant: ix + 1,
            variants: u32::try_from(variants).expect("fewer than 2^32 variants"),
        };
        ix
    }

    /// The entry of a variant of an enum.
    pub(crate) fn variant(&mut self, ty: Ty, variant: u32) -> TypeIx {
        self.of(ty) + 1 + variant
    }

    /// The generator functions that yield `item`, in the order of the generator enum's variants.
    pub(crate) fn generators_of(&self, item: Ty) -> Vec<hir::FuncId> {
        self.generators.get(&item).cloned().unwrap_or_default()
    }

    /// How slots of this type are represented.
    pub(crate) fn repr(&self, ix: TypeIx) -> Repr {
        repr(&self.descs, ix)
    }
}

/// How slots of type `ix` are represented.
pub(crate) fn repr(types: &[TypeDesc], ix: TypeIx) -> Repr {
    match types[ix as usize] {
        TypeDesc::Int | TypeDesc::Bool => Repr::Int,
        TypeDesc::Float => Repr::Float,
        _ => Repr::Word,
    }
}
