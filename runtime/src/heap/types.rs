//! The runtime type table: what the heap must know of each type to count, copy, compare and print.
//!
//! The virtual machine translates a module's type table into [`Types`] once, at load time; type
//! indices are the same in both. [`Types::new`] precomputes a [`Shape`] for each entry.

/// Index of a type in the program's type table.
pub type TypeIx = u32;

/// The fixed entries every type table begins with (the same numbers as in the bytecode module).
pub mod well_known {
    use super::TypeIx;
    /// `Int`.
    pub const INT: TypeIx = 0;
    /// `Float`.
    pub const FLOAT: TypeIx = 1;
    /// `Bool`.
    pub const BOOL: TypeIx = 2;
    /// `Null`.
    pub const NULL: TypeIx = 3;
    /// `String`.
    pub const STRING: TypeIx = 4;
    /// `Bytes`.
    pub const BYTES: TypeIx = 5;
    /// `Any`.
    pub const ANY: TypeIx = 6;
    /// `Json`.
    pub const JSON: TypeIx = 7;
    /// `Error`.
    pub const ERROR: TypeIx = 8;
    /// `list[String]`.
    pub const LIST_STRING: TypeIx = 9;
    /// `list[Int]`.
    pub const LIST_INT: TypeIx = 10;
    /// `list[Float]`.
    pub const LIST_FLOAT: TypeIx = 11;
    /// `list[Any]`.
    pub const LIST_ANY: TypeIx = 12;
    /// `list[Json]`.
    pub const LIST_JSON: TypeIx = 13;
    /// `map[String, Json]`.
    pub const MAP_STRING_JSON: TypeIx = 14;
    /// The type without values.
    pub const NEVER: TypeIx = 15;
    /// `list[Bool]`.
    pub const LIST_BOOL: TypeIx = 16;
    /// `list[Error]`: the causes of an Error.
    pub const LIST_ERROR: TypeIx = 17;
    /// A program's own types begin here; the entries in between are reserved.
    pub const WELL_KNOWN_LEN: TypeIx = 32;
}

/// A field of a record or variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name; empty or a number for a positional field of a variant.
    pub name: Box<str>,
    /// Its type.
    pub ty: TypeIx,
}

impl Field {
    /// Whether the field has no name of its own: it is called nothing, or by its number.
    pub fn is_positional(&self) -> bool {
        self.name.bytes().all(|b| b.is_ascii_digit())
    }
}

/// What a type is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeKind {
    /// 64-bit integer.
    Int,
    /// 64-bit float.
    Float,
    /// Truth value.
    Bool,
    /// The type of `null`.
    Null,
    /// UTF-8 text.
    String,
    /// Bytes.
    Bytes,
    /// Any value.
    Any,
    /// Null, Bool, Int, Float, String, `list[Json]` or `map[String, Json]`.
    Json,
    /// No value.
    Never,
    /// A list of an element type.
    List(TypeIx),
    /// An insertion-ordered map: key, value.
    Map(TypeIx, TypeIx),
    /// An insertion-ordered set.
    Set(TypeIx),
    /// A tuple.
    Tuple(Vec<TypeIx>),
    /// A record.
    Record {
        /// As printed.
        name: Box<str>,
        /// In declaration order.
        fields: Vec<Field>,
    },
    /// An enum; its variants are the types `first_variant .. first_variant + variants`.
    Enum {
        /// As declared.
        name: Box<str>,
        /// Type of the first variant.
        first_variant: TypeIx,
        /// How many variants.
        variants: u32,
    },
    /// One variant of an enum.
    Variant {
        /// The enum it belongs to.
        owner: TypeIx,
        /// As printed.
        name: Box<str>,
        /// Its payload; empty: an immediate.
        fields: Vec<Field>,
    },
    /// A union of types, none of them a union.
    Union(Vec<TypeIx>),
    /// A function type: parameters and result.
    Func {
        /// Parameter types.
        params: Vec<TypeIx>,
        /// Result type.
        result: TypeIx,
    },
    /// The closures of one lambda, or a cell used as a value.
    Closure {
        /// Its function type.
        signature: TypeIx,
        /// Types of the captured values, slots 1.. of the object.
        captures: Vec<TypeIx>,
    },
    /// A future of a value type.
    Future(TypeIx),
    /// A channel of an element type.
    Channel(TypeIx),
    /// Another handle, by name (`Mutex[Int]`, `Semaphore` …).
    Handle {
        /// As printed by `type_of`.
        name: Box<str>,
    },
    /// The state of a generator or another iterator, saved in slots.
    Iterator {
        /// The element type.
        item: TypeIx,
        /// Types of the saved slots.
        slots: Vec<TypeIx>,
    },
    /// An `Error`: kind, message, location, trace, causes (see [`super::error`]).
    Error,
    /// A reserved index.
    Reserved,
}

/// How a slot of a type is represented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repr {
    /// An `i64`; a Bool is 0 or 1.
    Int,
    /// The bits of an `f64`.
    Float,
    /// A word, counted when it is a pointer.
    Word,
}

/// How a list stores its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elem {
    /// 8 bytes, not counted (Int, Float).
    Plain,
    /// 8 bytes, counted.
    Word,
    /// 1 byte (Bool).
    Byte,
}

impl Elem {
    /// Bytes per element.
    #[inline(always)]
    pub const fn size(self) -> usize {
        match self {
            Elem::Plain | Elem::Word => 8,
            Elem::Byte => 1,
        }
    }
}

/// How map keys are hashed and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// By the 64 bits (Int, Bool).
    Bits,
    /// As Strings.
    String,
    /// By structure, driven by the type.
    Structural,
}

/// What the counting code must know about the objects of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No object has this type in its header.
    None,
    /// A fixed number of slots.
    Fixed {
        /// How many.
        slots: u32,
        /// Which of them are words.
        words: Box<[u32]>,
    },
    /// A list.
    List(Elem),
    /// A String.
    String,
    /// A Bytes.
    Bytes,
    /// A map or set.
    Map {
        /// Whether keys are counted words.
        key_words: bool,
        /// Whether values are counted words.
        value_words: bool,
        /// Whether there are values (a map) or not (a set).
        has_values: bool,
        /// How keys are compared.
        keys: KeyKind,
    },
    /// A handle.
    Handle,
}

/// One entry of the table.
#[derive(Clone, Debug)]
pub struct TypeInfo {
    /// Precomputed layout.
    pub shape: Shape,
    /// How a slot of this static type is represented.
    pub repr: Repr,
    /// What the type is.
    pub kind: TypeKind,
}

/// The type table of a program.
#[derive(Clone, Debug)]
pub struct Types {
    infos: Vec<TypeInfo>,
    hash_seed: u64,
}

impl Types {
    /// Builds the table from the kinds in index order.
    ///
    /// The first [`well_known::WELL_KNOWN_LEN`] entries must be the well-known ones (see
    /// [`Types::well_known_kinds`]); every index inside a kind must be within the table.
    pub fn new(mut kinds: Vec<TypeKind>) -> Types {
        // The runtime makes objects of every well-known type, also where a module names none.
        for (i, kind) in Types::well_known_kinds().into_iter().enumerate() {
            match kinds.get_mut(i) {
                Some(k @ TypeKind::Reserved) => *k = kind,
                Some(_) => {}
                None => kinds.push(kind),
            }
        }
        let reprs: Vec<Repr> = kinds.iter().map(repr_of).collect();
        let infos = kinds
            .into_iter()
            .map(|kind| TypeInfo {
                shape: shape_of(&kind, &reprs),
                repr: repr_of(&kind),
                kind,
            })
            .collect();
        Types {
            infos,
            hash_seed: 0,
        }
    }

    /// The kinds of the well-known entries, in order.
    pub fn well_known_kinds() -> Vec<TypeKind> {
        use TypeKind as K;
        use well_known as w;
        let mut kinds = vec![
            K::Int,
            K::Float,
            K::Bool,
            K::Null,
            K::String,
            K::Bytes,
            K::Any,
            K::Json,
            K::Error,
            K::List(w::STRING),
            K::List(w::INT),
            K::List(w::FLOAT),
            K::List(w::ANY),
            K::List(w::JSON),
            K::Map(w::STRING, w::JSON),
            K::Never,
            K::List(w::BOOL),
            K::List(w::ERROR),
        ];
        kinds.resize(w::WELL_KNOWN_LEN as usize, K::Reserved);
        kinds
    }

    /// Sets the seed mixed into every hash (from `--seed`, or random).
    pub fn with_hash_seed(mut self, seed: u64) -> Types {
        self.hash_seed = seed;
        self
    }

    /// The seed mixed into every hash.
    #[inline(always)]
    pub fn hash_seed(&self) -> u64 {
        self.hash_seed
    }

    /// The entry of a type.
    #[inline(always)]
    pub fn info(&self, ty: TypeIx) -> &TypeInfo {
        &self.infos[ty as usize]
    }

    /// What a type is.
    #[inline(always)]
    pub fn kind(&self, ty: TypeIx) -> &TypeKind {
        &self.infos[ty as usize].kind
    }

    /// How a slot of a type is represented.
    #[inline(always)]
    pub fn repr(&self, ty: TypeIx) -> Repr {
        self.infos[ty as usize].repr
    }

    /// The layout of the objects of a type.
    #[inline(always)]
    pub fn shape(&self, ty: TypeIx) -> &Shape {
        &self.infos[ty as usize].shape
    }

    /// How lists of type `list` store their elements; [`Elem::Word`] if it is no list type.
    #[inline]
    pub fn elem(&self, list: TypeIx) -> Elem {
        match self.shape(list) {
            Shape::List(elem) => *elem,
            _ => Elem::Word,
        }
    }

    /// The element type of a list or set, the key type of a map, the value type of a future or
    /// channel, the item type of an iterator.
    #[inline]
    pub fn element_type(&self, ty: TypeIx) -> Option<TypeIx> {
        match *self.kind(ty) {
            TypeKind::List(t) | TypeKind::Set(t) | TypeKind::Map(t, _) => Some(t),
            TypeKind::Future(t) | TypeKind::Channel(t) => Some(t),
            TypeKind::Iterator { item, .. } => Some(item),
            _ => None,
        }
    }

    /// The value type of a map.
    pub fn value_type(&self, ty: TypeIx) -> Option<TypeIx> {
        match *self.kind(ty) {
            TypeKind::Map(_, v) => Some(v),
            _ => None,
        }
    }

    /// The fields of a record or variant.
    pub fn fields(&self, ty: TypeIx) -> &[Field] {
        match self.kind(ty) {
            TypeKind::Record { fields, .. } | TypeKind::Variant { fields, .. } => fields,
            _ => &[],
        }
    }

    /// The variant of `owner` called `name`, for natives that build results.
    pub fn variant(&self, owner: TypeIx, name: &str) -> Option<TypeIx> {
        let TypeKind::Enum {
            first_variant,
            variants,
            ..
        } = *self.kind(owner)
        else {
            return None;
        };
        (first_variant..first_variant + variants)
            .find(|&v| matches!(self.kind(v), TypeKind::Variant { name: n, .. } if **n == *name))
    }

    /// The first type in the table with this kind.
    pub fn find(&self, wanted: &TypeKind) -> Option<TypeIx> {
        self.infos
            .iter()
            .position(|i| i.kind == *wanted)
            .map(|i| i as TypeIx)
    }

    /// How many types there are.
    pub fn len(&self) -> usize {
        self.infos.len()
    }

    /// Whether the table is empty (it never is: the well-known types are always there).
    pub fn is_empty(&self) -> bool {
        self.infos.is_empty()
    }
}

impl Default for Types {
    /// The table with only the well-known types.
    fn default() -> Types {
        Types::new(Types::well_known_kinds())
    }
}

fn repr_of(kind: &TypeKind) -> Repr {
    match kind {
        TypeKind::Int | TypeKind::Bool => Repr::Int,
        TypeKind::Float => Repr::Float,
        _ => Repr::Word,
    }
}

fn shape_of(kind: &TypeKind, reprs: &[Repr]) -> Shape {
    let is_word = |t: TypeIx| reprs.get(t as usize).is_none_or(|r| *r == Repr::Word);
    let fixed = |types: &mut dyn Iterator<Item = TypeIx>, first: u32| {
        let types: Vec<TypeIx> = types.collect();
        let words = (first..)
            .zip(&types)
            .filter(|(_, t)| is_word(**t))
            .map(|(i, _)| i)
            .collect();
        Shape::Fixed {
            slots: first + types.len() as u32,
            words,
        }
    };
    match kind {
        // Boxes: an Int beyond 63 bits, a Float where a word is wanted.
        TypeKind::Int | TypeKind::Float => Shape::Fixed {
            slots: 1,
            words: Box::new([]),
        },
        TypeKind::String => Shape::String,
        TypeKind::Bytes => Shape::Bytes,
        TypeKind::List(t) => Shape::List(elem_of(*t, reprs)),
        TypeKind::Map(k, v) => Shape::Map {
            key_words: is_word(*k),
            value_words: is_word(*v),
            has_values: true,
            keys: key_kind(*k),
        },
        TypeKind::Set(k) => Shape::Map {
            key_words: is_word(*k),
            value_words: false,
            has_values: false,
            keys: key_kind(*k),
        },
        TypeKind::Tuple(types) => fixed(&mut types.iter().copied(), 0),
        TypeKind::Record { fields, .. } | TypeKind::Variant { fields, .. } => {
            fixed(&mut fields.iter().map(|f| f.ty), 0)
        }
        TypeKind::Closure { captures, .. } => fixed(&mut captures.iter().copied(), 1),
        TypeKind::Iterator { slots, .. } => fixed(&mut slots.iter().copied(), 0),
        TypeKind::Error => Shape::Fixed {
            slots: super::error::SLOTS as u32,
            words: (0..super::error::SLOTS as u32).collect(),
        },
        TypeKind::Future(_) | TypeKind::Channel(_) | TypeKind::Handle { .. } => Shape::Handle,
        TypeKind::Bool
        | TypeKind::Null
        | TypeKind::Any
        | TypeKind::Json
        | TypeKind::Never
        | TypeKind::Enum { .. }
        | TypeKind::Union(_)
        | TypeKind::Func { .. }
        | TypeKind::Reserved => Shape::None,
    }
}

fn elem_of(ty: TypeIx, reprs: &[Repr]) -> Elem {
    match reprs.get(ty as usize) {
        _ if ty == well_known::BOOL => Elem::Byte,
        Some(Repr::Int | Repr::Float) => Elem::Plain,
        _ => Elem::Word,
    }
}

fn key_kind(key: TypeIx) -> KeyKind {
    match key {
        well_known::INT | well_known::BOOL => KeyKind::Bits,
        well_known::STRING => KeyKind::String,
        _ => KeyKind::Structural,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_name_the_counted_slots() {
        let mut kinds = Types::well_known_kinds();
        kinds.push(TypeKind::Tuple(vec![
            well_known::INT,
            well_known::STRING,
            well_known::ANY,
        ]));
        kinds.push(TypeKind::Closure {
            signature: 34,
            captures: vec![well_known::STRING],
        });
        kinds.push(TypeKind::Func {
            params: vec![],
            result: well_known::INT,
        });
        let types = Types::new(kinds);
        assert_eq!(
            types.shape(32),
            &Shape::Fixed {
                slots: 3,
                words: Box::new([1, 2])
            }
        );
        assert_eq!(
            types.shape(33),
            &Shape::Fixed {
                slots: 2,
                words: Box::new([1])
            }
        );
        assert_eq!(types.elem(well_known::LIST_BOOL), Elem::Byte);
        assert_eq!(types.repr(34), Repr::Word);
        assert_eq!(
            types.find(&TypeKind::List(well_known::JSON)),
            Some(well_known::LIST_JSON)
        );
    }
}
