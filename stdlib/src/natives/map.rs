//! Maps: looking up, updating in place, taking apart.

use lumen_runtime::heap::word::NULL;
use lumen_runtime::heap::{TypeIx, count, list, map, record, well_known};
use lumen_runtime::native::{NativeCx, NativeResult};

natives! {
    "map.len[K, V](map[K, V]) -> Int" => len,
    "map.length[K, V](map[K, V]) -> Int" => len,
    "map.is_empty[K, V](map[K, V]) -> Bool" => |cx, args| Ok(u64::from(len(cx, args)? == 0)),
    "map.get[K, V](map[K, V], K) -> V?" => get,
    "map.get_or[K, V](map[K, V], K, V) -> V" => get_or,
    "map.contains[K, V](map[K, V], K) -> Bool" => contains,
    "map.has_key[K, V](map[K, V], K) -> Bool" => contains,
    "map.insert[K, V](mut map[K, V], K, V) -> Null" => insert,
    "map.remove[K, V](mut map[K, V], K) -> V?" => remove,
    "map.clear[K, V](mut map[K, V]) -> Null" => clear,
    "map.merge[K, V](mut map[K, V], map[K, V]) -> Null" => merge,
    "map.keys[K, V](map[K, V]) -> list[K]" => |cx, args| parts(cx, args, true),
    "map.values[K, V](map[K, V]) -> list[V]" => |cx, args| parts(cx, args, false),
    "map.entries[K, V](map[K, V]) -> list[(K, V)]" => entries,
    "map.to_map[K, V](list[(K, V)]) -> map[K, V]" => to_map,
}

/// The value type of the map that is parameter 0.
fn value_type(cx: &NativeCx<'_>) -> TypeIx {
    cx.types.value_type(cx.params[0]).unwrap_or(well_known::ANY)
}

fn len(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: slot 0 is a live map.
    Ok(unsafe { map::len(args[0]) } as u64)
}

fn get(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: slot 0 is a live map and slot 1 a key of it.
    match unsafe { map::get(cx.types, args[0], args[1]) } {
        Some(value) => {
            let ty = value_type(cx);
            let value = cx.copy(value, ty);
            cx.word(value, ty)
        }
        None => Ok(NULL),
    }
}

fn get_or(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: slot 0 is a live map and slot 1 a key of it.
    let value = unsafe { map::get(cx.types, args[0], args[1]) }.unwrap_or(args[2]);
    Ok(cx.copy(value, value_type(cx)))
}

fn contains(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: slot 0 is a live map and slot 1 a key of it.
    Ok(u64::from(unsafe {
        map::contains(cx.types, args[0], args[1])
    }))
}

fn insert(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let key = cx.copy(args[1], cx.params[1]);
    let value = cx.copy(args[2], cx.params[2]);
    // SAFETY: slot 0 is an owned map; key and value are owned values of its types.
    unsafe { map::insert(cx.heap, &mut args[0], key, value)? };
    Ok(NULL)
}

fn remove(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let key = args[1];
    // SAFETY: slot 0 is an owned map; the key is borrowed.
    match unsafe { map::remove(cx.heap, &mut args[0], key)? } {
        Some(value) => cx.word(value, value_type(cx)),
        None => Ok(NULL),
    }
}

/// Replaces the map by an empty one; also serves sets.
pub(super) fn clear(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let empty = map::new(cx.heap, cx.params[0], 0)?;
    let old = std::mem::replace(&mut args[0], empty);
    cx.discard(old, cx.params[0]);
    Ok(NULL)
}

/// Adds all entries of another map or set to the first.
pub(super) fn merge(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let other = args[1];
    if other == args[0] {
        return Ok(NULL);
    }
    let (key_ty, value_ty) = (cx.element(0), value_type(cx));
    let is_map = cx.types.value_type(cx.params[0]).is_some();
    let mut at = 0;
    // SAFETY: both are live and of one type; `other` is borrowed and not the one changed.
    unsafe {
        while let Some((p, key, value)) = map::next(other, at) {
            let key = cx.copy(key, key_ty);
            let value = if is_map {
                cx.copy(value, value_ty)
            } else {
                value
            };
            map::insert(cx.heap, &mut args[0], key, value)?;
            at = p + 1;
        }
    }
    Ok(NULL)
}

/// The keys or values as a list; also serves sets.
pub(super) fn parts(cx: &mut NativeCx<'_>, args: &mut [u64], keys: bool) -> NativeResult {
    let ty = if keys { cx.element(0) } else { value_type(cx) };
    // SAFETY: slot 0 is a live map or set. The list has room for all, so pushing cannot fail.
    unsafe {
        let mut out = list::new(cx.heap, cx.result, map::len(args[0]))?;
        let mut at = 0;
        while let Some((p, key, value)) = map::next(args[0], at) {
            let part = cx.copy(if keys { key } else { value }, ty);
            list::push(cx.heap, &mut out, part)?;
            at = p + 1;
        }
        Ok(out)
    }
}

fn entries(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (key_ty, value_ty) = (cx.element(0), value_type(cx));
    let pair_ty = cx.types.element_type(cx.result).unwrap_or(well_known::ANY);
    // SAFETY: slot 0 is a live map; the pairs are of the result's element type. The list is
    // dropped when a pair cannot be made.
    unsafe {
        let mut out = list::new(cx.heap, cx.result, map::len(args[0]))?;
        let mut at = 0;
        while let Some((p, key, value)) = map::next(args[0], at) {
            let pair = [cx.copy(key, key_ty), cx.copy(value, value_ty)];
            let pushed = record::new(cx.heap, pair_ty, &pair)
                .and_then(|pair| list::push(cx.heap, &mut out, pair));
            if let Err(e) = pushed {
                count::drop(cx.heap, out);
                return Err(e.into());
            }
            at = p + 1;
        }
        Ok(out)
    }
}

fn to_map(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let key_ty = cx.types.element_type(cx.result).unwrap_or(well_known::ANY);
    let value_ty = cx.types.value_type(cx.result).unwrap_or(well_known::ANY);
    // SAFETY: the list holds pairs of the result's key and value type. The map is dropped when it
    // cannot be filled.
    unsafe {
        let mut out = map::new(cx.heap, cx.result, list::len(args[0]))?;
        for &pair in list::slots(args[0]) {
            let key = cx.copy(record::get(pair, 0), key_ty);
            let value = cx.copy(record::get(pair, 1), value_ty);
            if let Err(e) = map::insert(cx.heap, &mut out, key, value) {
                count::drop(cx.heap, out);
                return Err(e.into());
            }
        }
        Ok(out)
    }
}
