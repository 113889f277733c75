//! The same data as another type: `list[Int]` as `list[Json]`, a map of lists as Json.

use lumen_runtime::heap::dynamic::{resolve, type_matches, type_name};
use lumen_runtime::heap::word::NULL;
use lumen_runtime::heap::{
    OutOfMemory, Repr, TypeIx, TypeKind, Types, count, list, map, record, well_known,
};
use lumen_runtime::native::{NativeCx, NativeResult, NativeStop, fail, kind};

natives! {
    "rt.convert[T, U](T) -> U" => |cx, args| {
        let (from, to) = (cx.params[0], cx.result);
        convert(cx, args[0], from, to)
    },
    "rt.fit[T, U](T) -> U" => |cx, args| {
        let (from, to) = (cx.params[0], cx.result);
        let target = match cx.types.kind(to) {
            TypeKind::Union(members) => members.iter().copied().find(|m| *m != well_known::NULL),
            _ => Some(to),
        };
        Ok(fit(cx, args[0], from, target.unwrap_or(to))?.unwrap_or(NULL))
    },
    "rt.fit_or_fail[T, U](T) -> U" => |cx, args| {
        let (from, to) = (cx.params[0], cx.result);
        match fit(cx, args[0], from, to)? {
            Some(value) => Ok(value),
            None => {
                // SAFETY: a live value of type `from`.
                let (_, dynamic) = unsafe { resolve(cx.types, args[0], from) };
                no_conversion(cx.types, dynamic, to)
            }
        }
    },
}

/// The value as one of type `to`, owned, if its parts are what `to` says.
fn fit(
    cx: &mut NativeCx<'_>,
    slot: u64,
    from: TypeIx,
    to: TypeIx,
) -> Result<Option<u64>, NativeStop> {
    // SAFETY: a live value of type `from`.
    let fits = unsafe { fits(cx, slot, from, to, 0) };
    if !fits {
        return Ok(None);
    }
    match convert(cx, slot, from, to) {
        Ok(value) => Ok(Some(value)),
        Err(NativeStop::Failed(why)) if why.kind == kind::CAST => Ok(None),
        Err(why) => Err(why),
    }
}

/// How deep the parts of a value are looked at.
const DEPTH: usize = 500;

/// Whether a value is one of type `to`, whatever the types say that its parts were made with.
///
/// # Safety
/// `slot` is a live value of type `ty`.
unsafe fn fits(cx: &NativeCx<'_>, slot: u64, ty: TypeIx, to: TypeIx, depth: usize) -> bool {
    let types = cx.types;
    // SAFETY: by contract; parts of live values are live.
    unsafe {
        let (value, dynamic) = resolve(types, slot, ty);
        if type_matches(types, dynamic, to) {
            return true;
        }
        if depth > DEPTH {
            return false;
        }
        let part = |slot: u64, ty: TypeIx, to: TypeIx| fits(cx, slot, ty, to, depth + 1);
        if let TypeKind::Union(members) = types.kind(to) {
            return members.iter().any(|m| part(value, dynamic, *m));
        }
        match (types.kind(dynamic), types.kind(to)) {
            (TypeKind::List(_), TypeKind::Json) => part(value, dynamic, well_known::LIST_JSON),
            (TypeKind::Map(..), TypeKind::Json) => {
                part(value, dynamic, well_known::MAP_STRING_JSON)
            }
            (TypeKind::List(a), TypeKind::List(b)) => {
                let elem = list::elem(cx.heap, value);
                (0..list::len(value)).all(|i| part(list::read(value, elem, i), *a, *b))
            }
            (TypeKind::Set(a), TypeKind::Set(b)) => {
                entries(value).all(|(key, _)| part(key, *a, *b))
            }
            (TypeKind::Map(ka, va), TypeKind::Map(kb, vb)) => {
                entries(value).all(|(key, held)| part(key, *ka, *kb) && part(held, *va, *vb))
            }
            (TypeKind::Tuple(a), TypeKind::Tuple(b)) if a.len() == b.len() => {
                let mut parts = a.iter().zip(b.iter()).enumerate();
                parts.all(|(i, (a, b))| part(record::get(value, i), *a, *b))
            }
            (
                TypeKind::Variant {
                    name,
                    owner,
                    fields,
                },
                TypeKind::Enum { first_variant, .. },
            ) => {
                let TypeKind::Enum {
                    first_variant: first,
                    ..
                } = types.kind(*owner)
                else {
                    return false;
                };
                let wanted = types.kind(first_variant + (dynamic - first));
                let TypeKind::Variant {
                    name: other,
                    fields: others,
                    ..
                } = wanted
                else {
                    return false;
                };
                let results = is_result(types, *owner) && is_result(types, to) && name == other;
                let mut parts = fields.iter().zip(others.iter()).enumerate();
                results && parts.all(|(i, (a, b))| part(record::get(value, i), a.ty, b.ty))
            }
            _ => false,
        }
    }
}

/// The entries of a live map or set.
unsafe fn entries(m: u64) -> impl Iterator<Item = (u64, u64)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        // SAFETY: by contract.
        let (position, key, value) = unsafe { map::next(m, at) }?;
        at = position + 1;
        Some((key, value))
    })
}

/// Whether an enum is the built-in `result`.
fn is_result(types: &Types, ty: TypeIx) -> bool {
    match types.kind(ty) {
        TypeKind::Enum { name, .. } => name.split('[').next() == Some("result"),
        _ => false,
    }
}

/// A value of type `to` with the data of `slot`, a value of type `from`. The result is owned.
fn convert(cx: &mut NativeCx<'_>, slot: u64, from: TypeIx, to: TypeIx) -> NativeResult {
    if from == to {
        return Ok(cx.copy(slot, from));
    }
    let types = cx.types;
    // SAFETY: a live value of type `from`.
    let (value, dynamic) = unsafe { resolve(types, slot, from) };
    if type_matches(types, dynamic, to) {
        let copy = cx.copy(value, dynamic);
        return if types.repr(to) == Repr::Word {
            cx.word(copy, dynamic)
        } else {
            Ok(copy)
        };
    }
    let Some(target) = target(types, dynamic, to) else {
        return no_conversion(types, dynamic, to);
    };
    match (types.kind(dynamic), types.kind(target)) {
        (TypeKind::Int, TypeKind::Float) => {
            let float = (value as i64 as f64).to_bits();
            if types.repr(to) == Repr::Word {
                cx.word(float, well_known::FLOAT)
            } else {
                Ok(float)
            }
        }
        (TypeKind::List(a), TypeKind::List(b)) => convert_list(cx, value, (*a, *b), target),
        (TypeKind::Set(a), TypeKind::Set(b)) => convert_map(cx, value, (*a, *b), None, target),
        (TypeKind::Map(ka, va), TypeKind::Map(kb, vb)) => {
            convert_map(cx, value, (*ka, *kb), Some((*va, *vb)), target)
        }
        (TypeKind::Tuple(a), TypeKind::Tuple(b)) if a.len() == b.len() => {
            let pairs = a.iter().copied().zip(b.iter().copied());
            convert_fields(cx, value, pairs, target)
        }
        (
            TypeKind::Record { fields: a, .. } | TypeKind::Variant { fields: a, .. },
            TypeKind::Record { fields: b, .. } | TypeKind::Variant { fields: b, .. },
        ) if a.len() == b.len() => {
            let pairs = a.iter().map(|f| f.ty).zip(b.iter().map(|f| f.ty));
            convert_fields(cx, value, pairs, target)
        }
        _ => no_conversion(types, dynamic, to),
    }
}

fn no_conversion<T>(types: &Types, from: TypeIx, to: TypeIx) -> Result<T, NativeStop> {
    let (from, to) = (type_name(types, from), type_name(types, to));
    fail(kind::CAST, format!("expected {to}, found {from}"))
}

/// The type without alternatives that a value of type `from` becomes where `to` is wanted.
fn target(types: &Types, from: TypeIx, to: TypeIx) -> Option<TypeIx> {
    match types.kind(to) {
        TypeKind::Json => match types.kind(from) {
            TypeKind::List(_) => Some(well_known::LIST_JSON),
            TypeKind::Map(key, _) if *key == well_known::STRING => {
                Some(well_known::MAP_STRING_JSON)
            }
            _ => None,
        },
        TypeKind::Union(members) => members.iter().find_map(|m| {
            let target = target(types, from, *m)?;
            convertible(types, from, target).then_some(target)
        }),
        TypeKind::Enum {
            first_variant,
            variants,
            ..
        } => match types.kind(from) {
            TypeKind::Variant { owner, .. } => match types.kind(*owner) {
                TypeKind::Enum {
                    first_variant: first,
                    ..
                } if from - first < *variants => Some(first_variant + (from - first)),
                _ => None,
            },
            _ => None,
        },
        _ => Some(to),
    }
}

/// Whether values of `from` can become values of `to`, both without alternatives, as far as the
/// outermost constructor tells.
fn convertible(types: &Types, from: TypeIx, to: TypeIx) -> bool {
    match (types.kind(from), types.kind(to)) {
        (TypeKind::Int, TypeKind::Float)
        | (TypeKind::List(_), TypeKind::List(_))
        | (TypeKind::Set(_), TypeKind::Set(_))
        | (TypeKind::Map(..), TypeKind::Map(..)) => true,
        (TypeKind::Tuple(a), TypeKind::Tuple(b)) => a.len() == b.len(),
        (TypeKind::Record { fields: a, .. }, TypeKind::Record { fields: b, .. })
        | (TypeKind::Variant { fields: a, .. }, TypeKind::Variant { fields: b, .. }) => {
            a.len() == b.len()
        }
        _ => false,
    }
}

fn convert_list(
    cx: &mut NativeCx<'_>,
    xs: u64,
    elements: (TypeIx, TypeIx),
    ty: TypeIx,
) -> NativeResult {
    // SAFETY: a live list of elements of the first type.
    unsafe {
        let (elem, n) = (list::elem(cx.heap, xs), list::len(xs));
        let mut made = list::new(cx.heap, ty, n)?;
        for i in 0..n {
            let value = convert(cx, list::read(xs, elem, i), elements.0, elements.1);
            let pushed = value.and_then(|v| Ok(list::push(cx.heap, &mut made, v)?));
            if let Err(why) = pushed {
                count::drop(cx.heap, made);
                return Err(why);
            }
        }
        Ok(made)
    }
}

fn convert_map(
    cx: &mut NativeCx<'_>,
    m: u64,
    keys: (TypeIx, TypeIx),
    values: Option<(TypeIx, TypeIx)>,
    ty: TypeIx,
) -> NativeResult {
    // SAFETY: a live map or set of these types.
    unsafe {
        let mut made = map::new(cx.heap, ty, map::len(m))?;
        let mut at = 0;
        while let Some((position, key, value)) = map::next(m, at) {
            at = position + 1;
            let added = convert(cx, key, keys.0, keys.1).and_then(|key| {
                let value = match values {
                    Some((from, to)) => convert(cx, value, from, to),
                    None => Ok(0),
                };
                match value {
                    Ok(value) => Ok(map::insert(cx.heap, &mut made, key, value)?),
                    Err(why) => {
                        cx.discard(key, keys.1);
                        Err(why)
                    }
                }
            });
            if let Err(why) = added {
                count::drop(cx.heap, made);
                return Err(why);
            }
        }
        Ok(made)
    }
}

fn convert_fields(
    cx: &mut NativeCx<'_>,
    object: u64,
    types: impl Iterator<Item = (TypeIx, TypeIx)> + Clone,
    ty: TypeIx,
) -> NativeResult {
    let mut slots = Vec::new();
    for (i, (from, to)) in types.clone().enumerate() {
        // SAFETY: a live object with these fields.
        match convert(cx, unsafe { record::get(object, i) }, from, to) {
            Ok(value) => slots.push(value),
            Err(why) => {
                for (value, (_, to)) in slots.into_iter().zip(types) {
                    cx.discard(value, to);
                }
                return Err(why);
            }
        }
    }
    // SAFETY: owned values of the field types.
    match unsafe { record::new(cx.heap, ty, &slots) } {
        Ok(made) => Ok(made),
        Err(OutOfMemory) => Err(OutOfMemory.into()),
    }
}
