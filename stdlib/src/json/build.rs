//! `Json` values to values of any type: what `from_json[T]` and tool answers need, where no record
//! has defaults or constraints.

use lumen_runtime::heap::dynamic::{type_matches, type_name, visible_type};
use lumen_runtime::heap::word::{NULL, immediate, is_pointer, type_of};
use lumen_runtime::heap::{
    Elem, Heap, Repr, TypeIx, TypeKind, Types, bytes, count, list, map, record, string, well_known,
};

use super::JsonError;
use crate::natives::unbase64;

/// Deeper values than this are refused (a parsed text is less deep).
const DEPTH: usize = 500;

struct Builder<'a> {
    heap: &'a mut Heap,
    types: &'a Types,
    /// Where in the value: `$.users[3].name`.
    path: String,
    depth: usize,
    /// Whether fields that a record does not have are refused.
    strict: bool,
}

type Built = Result<u64, JsonError>;

impl<'a> Builder<'a> {
    fn new(heap: &'a mut Heap, types: &'a Types, strict: bool) -> Builder<'a> {
        Builder {
            heap,
            types,
            path: "$".to_owned(),
            depth: 0,
            strict,
        }
    }
}

/// Makes a value of type `ty` from a borrowed word of type `Json`; an error says where it does not
/// fit. With `strict`, fields that a record does not have do not fit.
///
/// # Safety
/// `json` is a live word of type `Json`; `types` is the heap's table.
pub unsafe fn build(heap: &mut Heap, types: &Types, json: u64, ty: TypeIx, strict: bool) -> Built {
    // SAFETY: by contract.
    unsafe { Builder::new(heap, types, strict).value(json, ty) }
}

/// Makes a map key of type `ty` from a borrowed String.
///
/// # Safety
/// `key` is a live String; `types` is the heap's table.
pub unsafe fn build_key(heap: &mut Heap, types: &Types, key: u64, ty: TypeIx) -> Built {
    // SAFETY: by contract.
    unsafe { Builder::new(heap, types, false).key(key, ty) }
}

/// Says that a Json is no `ty`.
///
/// # Safety
/// `json` is a live word of type `Json`; `types` is the heap's table.
pub unsafe fn mismatch(heap: &mut Heap, types: &Types, json: u64, ty: TypeIx) -> Built {
    // SAFETY: by contract.
    unsafe { Builder::new(heap, types, false).mismatch(json, ty) }
}

impl Builder<'_> {
    fn fail(&self, message: &str) -> Built {
        Err(JsonError::Invalid(format!("{}: {message}", self.path)))
    }

    unsafe fn mismatch(&self, json: u64, ty: TypeIx) -> Built {
        // SAFETY: a live Json.
        let found = unsafe { visible_type(self.types, json, well_known::JSON) };
        let found = match found {
            well_known::LIST_JSON => "an array".to_owned(),
            well_known::MAP_STRING_JSON => "an object".to_owned(),
            well_known::NULL => "null".to_owned(),
            _ => type_name(self.types, found),
        };
        self.fail(&format!(
            "expected {}, found {found}",
            type_name(self.types, ty)
        ))
    }

    fn discard(&mut self, slot: u64, ty: TypeIx) {
        if self.types.repr(ty) == Repr::Word {
            // SAFETY: a value this builder made and owns.
            unsafe { count::drop(self.heap, slot) }
        }
    }

    /// Builds a part, its place named by `step`.
    unsafe fn part(&mut self, step: std::fmt::Arguments<'_>, json: u64, ty: TypeIx) -> Built {
        let len = self.path.len();
        // Writing to a String cannot fail.
        let _ = std::fmt::Write::write_fmt(&mut self.path, step);
        // SAFETY: a part of a live Json.
        let built = unsafe { self.value(json, ty) };
        self.path.truncate(len);
        built
    }

    /// A slot of type `ty`, owned.
    unsafe fn value(&mut self, json: u64, ty: TypeIx) -> Built {
        if self.depth >= DEPTH {
            return self.fail("too deeply nested");
        }
        self.depth += 1;
        // SAFETY: a live Json.
        let built = unsafe { self.typed(json, ty) };
        self.depth -= 1;
        built
    }

    unsafe fn typed(&mut self, json: u64, ty: TypeIx) -> Built {
        let types = self.types;
        // SAFETY: a live Json; its dynamic type is looked at before it is read.
        unsafe {
            let found = type_of(json);
            match (types.kind(ty), found) {
                (TypeKind::Int, well_known::INT) => Ok(record::unbox_int(json) as u64),
                (TypeKind::Int, well_known::FLOAT) => {
                    let f = record::unbox_float(json);
                    let i = f as i64;
                    if i as f64 == f && f.abs() < 9.2e18 {
                        Ok(i as u64)
                    } else {
                        self.mismatch(json, ty)
                    }
                }
                (TypeKind::Float, well_known::INT) => {
                    Ok((record::unbox_int(json) as f64).to_bits())
                }
                (TypeKind::Float, well_known::FLOAT) => Ok(record::get(json, 0)),
                (TypeKind::Bool, well_known::BOOL) => {
                    Ok(u64::from(json == lumen_runtime::heap::word::TRUE))
                }
                (TypeKind::Null, well_known::NULL) => Ok(NULL),
                (TypeKind::String, well_known::STRING) | (TypeKind::Json | TypeKind::Any, _) => {
                    count::dup(json);
                    Ok(json)
                }
                (TypeKind::Bytes, well_known::STRING) => match unbase64(string::as_str(json)) {
                    Ok(b) => Ok(bytes::new(self.heap, &b)?),
                    Err(message) => self.fail(&message),
                },
                (TypeKind::List(t), well_known::LIST_JSON) => self.list(json, ty, *t),
                (TypeKind::Set(t), well_known::LIST_JSON) => self.set(json, ty, *t),
                (TypeKind::Tuple(parts), well_known::LIST_JSON) => {
                    if list::len(json) != parts.len() {
                        let n = parts.len();
                        let found = list::len(json);
                        return self.fail(&format!("expected {n} elements, found {found}"));
                    }
                    let parts: Vec<_> = parts.iter().copied().zip(list::slots(json)).collect();
                    self.slots(ty, parts.len(), |b, i| {
                        b.part(format_args!("[{i}]"), *parts[i].1, parts[i].0)
                    })
                }
                (TypeKind::Map(k, v), well_known::MAP_STRING_JSON) => self.map(json, ty, *k, *v),
                (TypeKind::Record { .. }, well_known::MAP_STRING_JSON) => self.fields(json, ty),
                (TypeKind::Enum { .. }, _) => self.variant(json, ty),
                (TypeKind::Union(members), _) => self.union(json, ty, members),
                _ => self.mismatch(json, ty),
            }
        }
    }

    unsafe fn list(&mut self, json: u64, ty: TypeIx, element: TypeIx) -> Built {
        // SAFETY: `json` is a list[Json]; the new list has this element type.
        unsafe {
            let mut out = list::new(self.heap, ty, list::len(json))?;
            for (i, &w) in list::slots(json).iter().enumerate() {
                let pushed = match self.part(format_args!("[{i}]"), w, element) {
                    Ok(slot) => list::push(self.heap, &mut out, slot).map_err(JsonError::from),
                    Err(e) => Err(e),
                };
                if let Err(e) = pushed {
                    count::drop(self.heap, out);
                    return Err(e);
                }
            }
            Ok(out)
        }
    }

    unsafe fn set(&mut self, json: u64, ty: TypeIx, element: TypeIx) -> Built {
        // SAFETY: `json` is a list[Json]; the new set has this element type.
        unsafe {
            let mut out = map::new(self.heap, ty, list::len(json))?;
            for (i, &w) in list::slots(json).iter().enumerate() {
                let put = match self.part(format_args!("[{i}]"), w, element) {
                    Ok(slot) => map::insert(self.heap, &mut out, slot, 0).map_err(JsonError::from),
                    Err(e) => Err(e),
                };
                if let Err(e) = put {
                    count::drop(self.heap, out);
                    return Err(e);
                }
            }
            Ok(out)
        }
    }

    unsafe fn map(&mut self, json: u64, ty: TypeIx, key_ty: TypeIx, value_ty: TypeIx) -> Built {
        // SAFETY: `json` is a map[String, Json]; the new map has these types.
        unsafe {
            let mut out = map::new(self.heap, ty, map::len(json))?;
            let mut at = 0;
            while let Some((p, key, w)) = map::next(json, at) {
                at = p + 1;
                let name = string::as_str(key);
                let put = match self.key(key, key_ty) {
                    Ok(key) => match self.part(format_args!(".{name}"), w, value_ty) {
                        Ok(value) => map::insert(self.heap, &mut out, key, value)
                            .map(drop)
                            .map_err(JsonError::from),
                        Err(e) => {
                            self.discard(key, key_ty);
                            Err(e)
                        }
                    },
                    Err(e) => Err(e),
                };
                if let Err(e) = put {
                    count::drop(self.heap, out);
                    return Err(e);
                }
            }
            Ok(out)
        }
    }

    /// A map key of type `ty` from its text.
    unsafe fn key(&mut self, key: u64, ty: TypeIx) -> Built {
        // SAFETY: `key` is a live String.
        let text = unsafe { string::as_str(key) };
        let parsed = match self.types.kind(ty) {
            TypeKind::Int => text.parse::<i64>().ok().map(|i| i as u64),
            TypeKind::Float => text.parse::<f64>().ok().map(f64::to_bits),
            TypeKind::Bool => text.parse::<bool>().ok().map(u64::from),
            // SAFETY: a String is a Json.
            _ => return unsafe { self.value(key, ty) },
        };
        match parsed {
            Some(slot) => Ok(slot),
            None => self.fail(&format!(
                "key \"{text}\" is not a {}",
                type_name(self.types, ty)
            )),
        }
    }

    /// An object with fixed slots, each made by `part`.
    unsafe fn slots(
        &mut self,
        ty: TypeIx,
        n: usize,
        mut part: impl FnMut(&mut Self, usize) -> Built,
    ) -> Built {
        let mut slots = Vec::with_capacity(n);
        for i in 0..n {
            match part(self, i) {
                Ok(slot) => slots.push(slot),
                Err(e) => {
                    let types: Vec<TypeIx> = match self.types.kind(ty) {
                        TypeKind::Tuple(parts) => parts.clone(),
                        _ => self.types.fields(ty).iter().map(|f| f.ty).collect(),
                    };
                    for (slot, ty) in slots.into_iter().zip(types) {
                        self.discard(slot, ty);
                    }
                    return Err(e);
                }
            }
        }
        // SAFETY: one slot per field, of its type.
        Ok(unsafe { record::new(self.heap, ty, &slots)? })
    }

    /// A record, or a variant with named payload, from an object.
    unsafe fn fields(&mut self, json: u64, ty: TypeIx) -> Built {
        let fields = self.types.fields(ty);
        // SAFETY: `json` is a map[String, Json].
        unsafe {
            let mut at = if self.strict { 0 } else { usize::MAX };
            while let Some((p, key, _)) = map::next(json, at) {
                at = p + 1;
                let name = string::as_str(key);
                if !fields.iter().any(|field| *field.name == *name) {
                    return self.fail(&format!("there is no field `{name}`"));
                }
            }
            self.slots(ty, fields.len(), |b, i| {
                let field = &fields[i];
                match map::get_str(b.types, json, &field.name) {
                    Some(w) => b.part(format_args!(".{}", field.name), w, field.ty),
                    None if type_matches(b.types, well_known::NULL, field.ty) => Ok(NULL),
                    None => b.fail(&format!("field `{}` is missing", field.name)),
                }
            })
        }
    }

    /// A variant: its name, or an object of its name and its payload.
    unsafe fn variant(&mut self, json: u64, ty: TypeIx) -> Built {
        // SAFETY: a live Json; its dynamic type is looked at before it is read.
        unsafe {
            let (name, payload) = match type_of(json) {
                well_known::STRING => (string::as_str(json), None),
                well_known::MAP_STRING_JSON if map::len(json) == 1 => match map::next(json, 0) {
                    Some((_, key, w)) => (string::as_str(key), Some(w)),
                    None => return self.mismatch(json, ty),
                },
                _ => return self.mismatch(json, ty),
            };
            let Some(variant) = self.types.variant(ty, name) else {
                let ty = type_name(self.types, ty);
                return self.fail(&format!("{ty} has no variant `{name}`"));
            };
            let fields = self.types.fields(variant);
            match (payload, fields) {
                (None, []) => Ok(immediate(variant, 0)),
                (Some(w), [field]) if field.is_positional() => self.slots(variant, 1, |b, _| {
                    b.part(format_args!(".{name}"), w, field.ty)
                }),
                (Some(w), [field, ..])
                    if !field.is_positional() && type_of(w) == well_known::MAP_STRING_JSON =>
                {
                    self.fields(w, variant)
                }
                (Some(w), [_, _, ..])
                    if is_pointer(w)
                        && type_of(w) == well_known::LIST_JSON
                        && list::len(w) == fields.len() =>
                {
                    self.slots(variant, fields.len(), |b, i| {
                        let part = list::read(w, Elem::Word, i);
                        b.part(format_args!(".{name}[{i}]"), part, fields[i].ty)
                    })
                }
                _ => self.fail(&format!("the payload of variant `{name}` does not fit")),
            }
        }
    }

    /// The member that is exactly the value's type, else the first into which it can be made.
    unsafe fn union(&mut self, json: u64, ty: TypeIx, members: &[TypeIx]) -> Built {
        // SAFETY: a live Json.
        unsafe {
            let found = type_of(json);
            let mut order: Vec<TypeIx> = members.iter().copied().filter(|m| *m == found).collect();
            order.extend(members.iter().copied().filter(|m| *m != found));
            let mut first_error = None;
            for member in order {
                match self.value(json, member) {
                    Ok(slot) => return Ok(record::to_word(self.heap, slot, member)?),
                    Err(JsonError::Memory) => return Err(JsonError::Memory),
                    Err(e) => {
                        // `T?` reports what is wrong with T.
                        if member != well_known::NULL {
                            first_error.get_or_insert(e);
                        }
                    }
                }
            }
            match first_error {
                Some(e) if members.len() == 2 && members.contains(&well_known::NULL) => Err(e),
                _ => self.mismatch(json, ty),
            }
        }
    }
}
