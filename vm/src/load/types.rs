//! The module's type table as the heap wants it. Indices stay the same.

use lumen_bytecode::module::{FieldDesc, TypeDesc, TypeIx, well_known};
use lumen_runtime::heap::types::{Field, TypeKind, Types};

/// Translates a type table, and adds one type: a Future of anything, for tasks whose future type
/// the module does not name.
pub(super) fn translate(descs: &[TypeDesc]) -> Types {
    let well_known = Types::well_known_kinds();
    let kinds = descs
        .iter()
        .enumerate()
        .map(|(i, desc)| match well_known.get(i) {
            Some(kind) => kind.clone(),
            None => kind_of(desc, descs),
        });
    Types::new(kinds.chain([TypeKind::Future(well_known::ANY)]).collect())
}

fn kind_of(desc: &TypeDesc, all: &[TypeDesc]) -> TypeKind {
    match desc {
        TypeDesc::Int => TypeKind::Int,
        TypeDesc::Float => TypeKind::Float,
        TypeDesc::Bool => TypeKind::Bool,
        TypeDesc::Null => TypeKind::Null,
        TypeDesc::String => TypeKind::String,
        TypeDesc::Bytes => TypeKind::Bytes,
        TypeDesc::Any => TypeKind::Any,
        TypeDesc::Json => TypeKind::Json,
        TypeDesc::Error => TypeKind::Error,
        TypeDesc::Never => TypeKind::Never,
        TypeDesc::Unused => TypeKind::Reserved,
        TypeDesc::List(t) => TypeKind::List(*t),
        TypeDesc::Map(k, v) => TypeKind::Map(*k, *v),
        TypeDesc::Set(t) => TypeKind::Set(*t),
        TypeDesc::Tuple(parts) => TypeKind::Tuple(parts.clone()),
        TypeDesc::Record { name, fields } => TypeKind::Record {
            name: name.as_str().into(),
            fields: named(fields),
        },
        TypeDesc::Enum {
            name,
            first_variant,
            variants,
        } => TypeKind::Enum {
            name: name.as_str().into(),
            first_variant: *first_variant,
            variants: *variants,
        },
        TypeDesc::Variant { of, name, fields } => TypeKind::Variant {
            owner: *of,
            name: name.as_str().into(),
            fields: payload(fields),
        },
        TypeDesc::Union(members) => TypeKind::Union(flat(members, all)),
        TypeDesc::Func { params, result } => TypeKind::Func {
            params: params.clone(),
            result: *result,
        },
        TypeDesc::Closure {
            as_func, captures, ..
        } => TypeKind::Closure {
            signature: *as_func,
            captures: captures.clone(),
        },
        TypeDesc::Future(t) => TypeKind::Future(*t),
        TypeDesc::Channel(t) => TypeKind::Channel(*t),
        TypeDesc::Handle { name, .. } => TypeKind::Handle {
            name: name.as_str().into(),
        },
    }
}

fn named(fields: &[FieldDesc]) -> Vec<Field> {
    fields
        .iter()
        .map(|f| Field {
            name: f.name.as_str().into(),
            ty: f.ty,
        })
        .collect()
}

/// Payload without names is called `0`, `1` … in a module, and prints without.
fn payload(fields: &[FieldDesc]) -> Vec<Field> {
    let name = |f: &FieldDesc| match f.name.bytes().all(|b| b.is_ascii_digit()) {
        true => "".into(),
        false => f.name.as_str().into(),
    };
    fields
        .iter()
        .map(|f| Field {
            name: name(f),
            ty: f.ty,
        })
        .collect()
}

/// The members of a union, those of unions inside it included.
fn flat(members: &[u32], all: &[TypeDesc]) -> Vec<u32> {
    let mut out = Vec::new();
    let mut rest: Vec<u32> = members.iter().rev().copied().collect();
    while let Some(t) = rest.pop() {
        match all.get(t as usize) {
            Some(TypeDesc::Union(inner)) if out.len() < all.len() => {
                rest.extend(inner.iter().rev());
            }
            _ if out.contains(&t) => {}
            _ => out.push(t),
        }
    }
    out
}

/// Future types by value type.
pub(super) fn futures(types: &Types) -> Vec<TypeIx> {
    let any = types.len() as TypeIx - 1;
    let mut futures = vec![any; types.len()];
    for ty in 0..any {
        if let TypeKind::Future(value) = types.kind(ty) {
            futures[*value as usize] = ty;
        }
    }
    futures
}
