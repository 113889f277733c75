//! Sets: membership and algebra. Their order is that of insertion.

use lumen_runtime::heap::{count, map};
use lumen_runtime::native::{NativeCx, NativeResult};

natives! {
    "set.len[T](set[T]) -> Int" => len,
    "set.length[T](set[T]) -> Int" => len,
    "set.is_empty[T](set[T]) -> Bool" => |cx, args| Ok(u64::from(len(cx, args)? == 0)),
    "set.contains[T](set[T], T) -> Bool" => contains,
    "set.insert[T](mut set[T], T) -> Bool" => insert,
    "set.remove[T](mut set[T], T) -> Bool" => remove,
    "set.clear[T](mut set[T]) -> Null" => super::map::clear,
    "set.merge[T](mut set[T], set[T]) -> Null" => super::map::merge,
    "set.to_list[T](set[T]) -> list[T]" => |cx, args| super::map::parts(cx, args, true),
    "set.union[T](set[T], set[T]) -> set[T]" => union,
    "set.intersection[T](set[T], set[T]) -> set[T]" => |cx, args| select(cx, args, true),
    "set.difference[T](set[T], set[T]) -> set[T]" => |cx, args| select(cx, args, false),
    "set.is_subset[T](set[T], set[T]) -> Bool" => is_subset,
    "set.is_disjoint[T](set[T], set[T]) -> Bool" => is_disjoint,
}

fn len(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: slot 0 is a live set.
    Ok(unsafe { map::len(args[0]) } as u64)
}

fn contains(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: slot 0 is a live set and slot 1 of its element type.
    Ok(u64::from(unsafe {
        map::contains(cx.types, args[0], args[1])
    }))
}

fn insert(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let value = cx.copy(args[1], cx.params[1]);
    // SAFETY: slot 0 is an owned set; the value is an owned element.
    Ok(u64::from(unsafe {
        map::insert(cx.heap, &mut args[0], value, 0)?
    }))
}

fn remove(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let value = args[1];
    // SAFETY: slot 0 is an owned set; the value is borrowed.
    Ok(u64::from(
        unsafe { map::remove(cx.heap, &mut args[0], value)? }.is_some(),
    ))
}

fn union(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let mut both = [cx.copy(args[0], cx.params[0]), args[1]];
    match super::map::merge(cx, &mut both) {
        Ok(_) => Ok(both[0]),
        Err(stop) => {
            cx.discard(both[0], cx.params[0]);
            Err(stop)
        }
    }
}

/// The elements of the first set that are (or are not) in the second.
fn select(cx: &mut NativeCx<'_>, args: &mut [u64], wanted: bool) -> NativeResult {
    let ty = cx.element(0);
    let mut out = map::new(cx.heap, cx.result, 0)?;
    let mut at = 0;
    // SAFETY: all are sets of one type; `out` is dropped when it cannot be filled.
    unsafe {
        while let Some((p, key, _)) = map::next(args[0], at) {
            at = p + 1;
            if map::contains(cx.types, args[1], key) == wanted {
                let key = cx.copy(key, ty);
                if let Err(e) = map::insert(cx.heap, &mut out, key, 0) {
                    count::drop(cx.heap, out);
                    return Err(e.into());
                }
            }
        }
    }
    Ok(out)
}

/// Whether `test` holds for every element of set `a`, given whether it is in `b`.
fn every(cx: &NativeCx<'_>, a: u64, b: u64, test: fn(bool) -> bool) -> bool {
    let mut at = 0;
    // SAFETY: both are live sets of one type.
    unsafe {
        while let Some((p, key, _)) = map::next(a, at) {
            if !test(map::contains(cx.types, b, key)) {
                return false;
            }
            at = p + 1;
        }
    }
    true
}

fn is_subset(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    Ok(u64::from(every(cx, args[0], args[1], |there| there)))
}

fn is_disjoint(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    Ok(u64::from(every(cx, args[0], args[1], |there| !there)))
}
