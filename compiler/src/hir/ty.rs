//! Concrete types, interned: two types are equal exactly when their [`Ty`] are.

use rustc_hash::FxHashMap;

/// An interned concrete type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ty(pub u32);

/// A record, enum or generic instance of one, in [`Types::nominals`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NominalId(pub u32);

/// What a type is made of. Unions are flat, without duplicates, sorted by `Ty`; `T?` is `T | Null`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TyKind {
    /// i64.
    Int,
    /// f64.
    Float,
    /// Truth value.
    Bool,
    /// UTF-8 text.
    String,
    /// Octets.
    Bytes,
    /// The type of `null`, and of statements.
    Null,
    /// The type of what does not return: `throw`, `return`, endless loops. Fits everywhere.
    Never,
    /// Any value, with its type at run time.
    Any,
    /// Null | Bool | Int | Float | String | list[Json] | map[String, Json].
    Json,
    /// The failure record: kind, message, location, trace, causes.
    Error,
    /// `list[T]`.
    List(Ty),
    /// `map[K, V]`.
    Map(Ty, Ty),
    /// `set[T]`.
    Set(Ty),
    /// `(A, B)`.
    Tuple(Vec<Ty>),
    /// A record; its fields are in [`Types::nominals`].
    Record(NominalId),
    /// An enum (`result[T, E]` and `FutureState[T]` are enums too).
    Enum(NominalId),
    /// `A | B`.
    Union(Vec<Ty>),
    /// `fn(A, B) -> C`; effects are checked, and not part of the concrete type.
    Func(Vec<Ty>, Ty),
    /// `Future[T]`.
    Future(Ty),
    /// `Channel[T]`.
    Channel(Ty),
    /// A library handle with type arguments: `Mutex[T]`, `Atomic`, `Executor`, `Sender[T]` …
    Handle(String, Vec<Ty>),
    /// What a generator cell returns; driven by `for`.
    Generator(Ty),
}

/// A record or enum instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nominal {
    /// The name as printed: `Point`, `Option` (without type arguments).
    pub name: String,
    /// Type arguments of this instance.
    pub args: Vec<Ty>,
    /// Record: one entry named as the record. Enum: one per variant.
    pub variants: Vec<Variant>,
    /// A synthesised `cell(self) -> Null` that raises `Constraint` when a `where` does not hold.
    pub check: Option<super::FuncId>,
}

/// A record's fields, or a variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// `Some`, `None`, `Point`.
    pub name: String,
    /// Declared order. Payload fields without a name are called `0`, `1` ….
    pub fields: Vec<Field>,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Ty,
}

/// How a slot of a type is represented; see `docs/architecture.md` §1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Repr {
    /// i64 (Int, Bool).
    Int,
    /// f64.
    Float,
    /// Pointer or immediate.
    Word,
}

/// The interner.
#[derive(Clone, Debug, Default)]
pub struct Types {
    kinds: Vec<TyKind>,
    index: FxHashMap<TyKind, Ty>,
    /// Record and enum instances by [`NominalId`].
    pub nominals: Vec<Nominal>,
}

macro_rules! fixed {
    ($($name:ident = $n:expr, $kind:expr;)*) => {
        /// Types known from the start; the numbers are those of `bytecode::module::well_known`.
        impl Ty {
            $(#[doc = concat!("`", stringify!($kind), "`")] pub const $name: Ty = Ty($n);)*
        }
        const FIXED: &[(Ty, fn() -> TyKind)] = &[$((Ty($n), || $kind)),*];
    };
}

fixed! {
    INT = 0, TyKind::Int;
    FLOAT = 1, TyKind::Float;
    BOOL = 2, TyKind::Bool;
    NULL = 3, TyKind::Null;
    STRING = 4, TyKind::String;
    BYTES = 5, TyKind::Bytes;
    ANY = 6, TyKind::Any;
    JSON = 7, TyKind::Json;
    ERROR = 8, TyKind::Error;
    LIST_STRING = 9, TyKind::List(Ty::STRING);
    LIST_INT = 10, TyKind::List(Ty::INT);
    LIST_FLOAT = 11, TyKind::List(Ty::FLOAT);
    LIST_ANY = 12, TyKind::List(Ty::ANY);
    LIST_JSON = 13, TyKind::List(Ty::JSON);
    MAP_STRING_JSON = 14, TyKind::Map(Ty::STRING, Ty::JSON);
    NEVER = 15, TyKind::Never;
    LIST_BOOL = 16, TyKind::List(Ty::BOOL);
    LIST_ERROR = 17, TyKind::List(Ty::ERROR);
}

impl Types {
    /// An interner that knows the fixed types.
    #[must_use]
    pub fn new() -> Self {
        let mut types = Self::default();
        for (ty, kind) in FIXED {
            let got = types.intern(kind());
            debug_assert_eq!(got, *ty);
        }
        types
    }

    /// The type with this kind. A union must already be flat, sorted and without duplicates.
    pub fn intern(&mut self, kind: TyKind) -> Ty {
        if let Some(&ty) = self.index.get(&kind) {
            return ty;
        }
        let ty = Ty(u32::try_from(self.kinds.len()).expect("fewer than 2^32 types"));
        self.kinds.push(kind.clone());
        self.index.insert(kind, ty);
        ty
    }

    /// What `ty` is made of.
    #[must_use]
    pub fn kind(&self, ty: Ty) -> &TyKind {
        &self.kinds[ty.0 as usize]
    }

    /// The union of `members`: flattened, `Never` dropped, one member alone is itself.
    pub fn union(&mut self, members: &[Ty]) -> Ty {
        let mut flat = Vec::new();
        for &m in members {
            match self.kind(m) {
                TyKind::Union(inner) => flat.extend(inner.iter().copied()),
                TyKind::Never => {}
                _ => flat.push(m),
            }
        }
        if flat.contains(&Ty::ANY) {
            return Ty::ANY;
        }
        flat.sort_unstable();
        flat.dedup();
        match flat.len() {
            0 => Ty::NEVER,
            1 => flat[0],
            _ => self.intern(TyKind::Union(flat)),
        }
    }

    /// `ty | Null`.
    pub fn nullable(&mut self, ty: Ty) -> Ty {
        self.union(&[ty, Ty::NULL])
    }

    /// The representation of a slot of type `ty`.
    #[must_use]
    pub fn repr(&self, ty: Ty) -> Repr {
        match self.kind(ty) {
            TyKind::Int | TyKind::Bool => Repr::Int,
            TyKind::Float => Repr::Float,
            _ => Repr::Word,
        }
    }

    /// The record or enum behind `ty`, if it is one.
    #[must_use]
    pub fn nominal(&self, ty: Ty) -> Option<&Nominal> {
        match self.kind(ty) {
            TyKind::Record(id) | TyKind::Enum(id) => Some(&self.nominals[id.0 as usize]),
            _ => None,
        }
    }

    /// Number of interned types.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Never: the fixed types are there from the start.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }
}
