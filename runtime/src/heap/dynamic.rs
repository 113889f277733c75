//! Looking into values by their type: what the structural operations (equality, order, hash, print)
//! have in common, and the questions Lumen code asks about types at run time.

use super::bytes;
use super::error;
use super::list;
use super::map;
use super::object::get_slot;
use super::record;
use super::types::{Elem, Repr, TypeIx, TypeKind, Types, well_known};
use super::word::{header, immediate_payload, is_immediate, is_pointer, type_of};

/// A value seen from outside.
pub enum Leaf<'a> {
    /// An Int.
    Int(i64),
    /// A Float.
    Float(f64),
    /// A Bool.
    Bool(bool),
    /// `null`.
    Null,
    /// A String word.
    String(u64),
    /// A Bytes.
    Bytes(&'a [u8]),
    /// Something with identity: a handle or a closure.
    Identity(u64),
    /// A map or set.
    Map(u64),
    /// Parts in order: see [`child`]. `tag` tells variants of one enum apart.
    Composite {
        /// 0, or the number of the variant from 1.
        tag: TypeIx,
        /// How many parts.
        len: usize,
    },
}

/// The dynamic type of a value and its slot in that type's representation: boxes opened, immediates
/// decoded. A variant without payload stays an immediate.
///
/// # Safety
/// `slot` is a live value of type `ty`.
#[inline]
pub unsafe fn resolve(types: &Types, slot: u64, ty: TypeIx) -> (u64, TypeIx) {
    if types.repr(ty) != Repr::Word {
        return (slot, ty);
    }
    // SAFETY: a live word.
    let dynamic = unsafe { type_of(slot) };
    let slot = match dynamic {
        // SAFETY: a live word of type Int.
        well_known::INT => unsafe { record::unbox_int(slot) as u64 },
        // SAFETY: Floats are boxed.
        well_known::FLOAT => unsafe { record::get(slot, 0) },
        well_known::BOOL => u64::from(immediate_payload(slot)),
        _ => slot,
    };
    (slot, dynamic)
}

/// What a [resolved](resolve) value is.
///
/// # Safety
/// `slot` is a live value of the dynamic type `ty`.
pub unsafe fn leaf<'a>(types: &Types, slot: u64, ty: TypeIx) -> Leaf<'a> {
    // SAFETY: by contract.
    unsafe {
        match types.kind(ty) {
            TypeKind::Int => Leaf::Int(slot as i64),
            TypeKind::Float => Leaf::Float(f64::from_bits(slot)),
            TypeKind::Bool => Leaf::Bool(slot != 0),
            TypeKind::Null => Leaf::Null,
            TypeKind::String => Leaf::String(slot),
            TypeKind::Bytes => Leaf::Bytes(bytes::as_slice(slot)),
            TypeKind::List(_) => Leaf::Composite {
                tag: 0,
                len: list::len(slot),
            },
            TypeKind::Map(..) | TypeKind::Set(_) => Leaf::Map(slot),
            TypeKind::Tuple(parts) => Leaf::Composite {
                tag: 0,
                len: parts.len(),
            },
            TypeKind::Record { fields, .. } => Leaf::Composite {
                tag: 0,
                len: fields.len(),
            },
            TypeKind::Variant { fields, owner, .. } => Leaf::Composite {
                tag: match types.kind(*owner) {
                    TypeKind::Enum { first_variant, .. } => ty - first_variant + 1,
                    _ => ty,
                },
                len: fields.len(),
            },
            TypeKind::Error => Leaf::Composite { tag: ty, len: 2 },
            _ => Leaf::Identity(slot),
        }
    }
}

/// Part `i` of a resolved value with its static type, and moves `i` on; `None` at the end. Of a
/// map: key, value, key, value …; of an Error: kind and message.
///
/// # Safety
/// `slot` is a live value of the dynamic type `ty`.
pub unsafe fn child(types: &Types, slot: u64, ty: TypeIx, i: &mut u32) -> Option<(u64, TypeIx)> {
    let at = *i as usize;
    // SAFETY: by contract; indices are checked against the type or the length.
    let part = unsafe {
        match types.kind(ty) {
            TypeKind::List(elem_ty) => {
                let elem = types.elem(ty);
                (at < list::len(slot)).then(|| (list::read(slot, elem, at), *elem_ty))
            }
            TypeKind::Map(key, value) => {
                let (part, is_key) = map::part_at(slot, i)?;
                return Some((part, if is_key { *key } else { *value }));
            }
            TypeKind::Set(key) => {
                let (part, _) = map::part_at(slot, i)?;
                return Some((part, *key));
            }
            TypeKind::Tuple(parts) => parts.get(at).map(|t| (get_slot(header(slot), at), *t)),
            TypeKind::Record { fields, .. } | TypeKind::Variant { fields, .. } => {
                fields.get(at).map(|f| (get_slot(header(slot), at), f.ty))
            }
            TypeKind::Error if at == error::KIND || at == error::MESSAGE => {
                Some((get_slot(header(slot), at), well_known::STRING))
            }
            _ => None,
        }
    };
    *i += u32::from(part.is_some());
    part
}

/// Whether a value whose dynamic type is `dynamic` is a value of type `ty`.
pub fn type_matches(types: &Types, dynamic: TypeIx, ty: TypeIx) -> bool {
    if dynamic == ty {
        return true;
    }
    match types.kind(ty) {
        TypeKind::Any => true,
        TypeKind::Json => matches!(
            dynamic,
            well_known::NULL
                | well_known::BOOL
                | well_known::INT
                | well_known::FLOAT
                | well_known::STRING
                | well_known::LIST_JSON
                | well_known::MAP_STRING_JSON
        ),
        TypeKind::Union(members) => members.iter().any(|m| type_matches(types, dynamic, *m)),
        TypeKind::Enum {
            first_variant,
            variants,
            ..
        } => (*first_variant..first_variant + variants).contains(&dynamic),
        TypeKind::Func { .. } => {
            matches!(types.kind(dynamic), TypeKind::Closure { signature, .. } if *signature == ty)
        }
        _ => false,
    }
}

/// Whether the word is a value of type `ty`: for `is`, `as` and type patterns.
///
/// # Safety
/// `w` is a live word.
#[inline]
pub unsafe fn matches_type(types: &Types, w: u64, ty: TypeIx) -> bool {
    // SAFETY: by contract.
    type_matches(types, unsafe { type_of(w) }, ty)
}

/// The type a user sees for a value: its dynamic type, of a variant the enum, of a closure the
/// function type.
///
/// # Safety
/// `slot` is a live value of type `ty`.
pub unsafe fn visible_type(types: &Types, slot: u64, ty: TypeIx) -> TypeIx {
    // SAFETY: by contract.
    let (_, dynamic) = unsafe { resolve(types, slot, ty) };
    match types.kind(dynamic) {
        TypeKind::Variant { owner, .. } => *owner,
        TypeKind::Closure { signature, .. } => *signature,
        _ => dynamic,
    }
}

/// The name of a type as a user writes it.
pub fn type_name(types: &Types, ty: TypeIx) -> String {
    let mut out = String::new();
    write_type(types, ty, &mut out, 0);
    out
}

/// Deeper nesting of anonymous types than this is cut short.
const NAME_DEPTH: usize = 24;

fn write_type(types: &Types, ty: TypeIx, out: &mut String, depth: usize) {
    if depth > NAME_DEPTH {
        out.push('…');
        return;
    }
    let list = |out: &mut String, parts: &[TypeIx], separator: &str| {
        for (i, t) in parts.iter().enumerate() {
            if i > 0 {
                out.push_str(separator);
            }
            write_type(types, *t, out, depth + 1);
        }
    };
    let wrap = |out: &mut String, name: &str, parts: &[TypeIx]| {
        out.push_str(name);
        out.push('[');
        list(out, parts, ", ");
        out.push(']');
    };
    match types.kind(ty) {
        TypeKind::Int => out.push_str("Int"),
        TypeKind::Float => out.push_str("Float"),
        TypeKind::Bool => out.push_str("Bool"),
        TypeKind::Null => out.push_str("Null"),
        TypeKind::String => out.push_str("String"),
        TypeKind::Bytes => out.push_str("Bytes"),
        TypeKind::Any => out.push_str("Any"),
        TypeKind::Json => out.push_str("Json"),
        TypeKind::Never => out.push_str("Never"),
        TypeKind::Error => out.push_str("Error"),
        TypeKind::Reserved => out.push('?'),
        TypeKind::List(t) => wrap(out, "list", &[*t]),
        TypeKind::Map(k, v) => wrap(out, "map", &[*k, *v]),
        TypeKind::Set(t) => wrap(out, "set", &[*t]),
        TypeKind::Future(t) => wrap(out, "Future", &[*t]),
        TypeKind::Channel(t) => wrap(out, "Channel", &[*t]),
        TypeKind::Iterator { item, .. } => wrap(out, "Iterator", &[*item]),
        TypeKind::Tuple(parts) => {
            out.push('(');
            list(out, parts, ", ");
            out.push_str(if parts.len() == 1 { ",)" } else { ")" });
        }
        TypeKind::Record { name, .. }
        | TypeKind::Enum { name, .. }
        | TypeKind::Variant { name, .. }
        | TypeKind::Handle { name } => out.push_str(name),
        TypeKind::Union(members) => match members[..] {
            [t, well_known::NULL] | [well_known::NULL, t] => {
                write_type(types, t, out, depth + 1);
                out.push('?');
            }
            _ => list(out, members, " | "),
        },
        TypeKind::Func { params, result } => {
            out.push_str("fn(");
            list(out, params, ", ");
            out.push_str(") -> ");
            write_type(types, *result, out, depth + 1);
        }
        TypeKind::Closure { signature, .. } => write_type(types, *signature, out, depth + 1),
    }
}

/// Whether a word is a variant without payload (or another immediate).
#[inline]
pub(super) fn has_no_object(slot: u64) -> bool {
    is_immediate(slot) || !is_pointer(slot)
}

/// Whether lists of this type can be compared byte by byte.
pub(super) fn is_bitwise(types: &Types, list: TypeIx) -> bool {
    match types.elem(list) {
        Elem::Byte => true,
        Elem::Plain => types.element_type(list) != Some(well_known::FLOAT),
        Elem::Word => false,
    }
}
