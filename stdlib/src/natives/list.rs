//! Lists: reading, updating in place, sorting. What takes a closure is written in Lumen.

use std::cmp::Ordering;

use lumen_runtime::heap::word::NULL;
use lumen_runtime::heap::{Elem, TypeIx, Types, count, equal, hash, list, map, string, well_known};
use lumen_runtime::native::{
    NativeCx, NativeResult, NativeStop, fail, floats, int, ints, kind, list_len, resolve_index,
    resolve_range, text, words,
};

natives! {
    "list.len[T](list[T]) -> Int" => |_, args| Ok(list_len(&args[0]) as u64),
    "list.length[T](list[T]) -> Int" => |_, args| Ok(list_len(&args[0]) as u64),
    "list.is_empty[T](list[T]) -> Bool" => |_, args| Ok(u64::from(list_len(&args[0]) == 0)),
    "list.push[T](mut list[T], T) -> Null" => push,
    "list.append[T](mut list[T], T) -> Null" => push,
    "list.pop[T](mut list[T]) -> T?" => pop,
    "list.insert[T](mut list[T], Int, T) -> Null" => insert,
    "list.remove[T](mut list[T], Int) -> T" => remove,
    "list.extend[T](mut list[T], list[T]) -> Null" => extend,
    "list.truncate[T](mut list[T], Int) -> Null" => truncate,
    "list.clear[T](mut list[T]) -> Null" => clear,
    "list.reverse[T](mut list[T]) -> Null" => reverse,
    "list.reversed[T](list[T]) -> list[T]" => reversed,
    "list.sort[T](mut list[T]) -> Null" => sort,
    "list.sorted[T](list[T]) -> list[T]" => sorted,
    "list.swap[T](mut list[T], Int, Int) -> Null" => swap,
    "list.get[T](list[T], Int) -> T?" => get,
    "list.first[T](list[T]) -> T?" => |cx, args| at(cx, args, 0),
    "list.last[T](list[T]) -> T?" => |cx, args| at(cx, args, -1),
    "list.slice[T](list[T], Int, Int) -> list[T]" => slice,
    "list.take[T](list[T], Int) -> list[T]" => take,
    "list.drop[T](list[T], Int) -> list[T]" => drop_first,
    "list.concat[T](list[T], list[T]) -> list[T]" => concat,
    "list.flatten[T](list[list[T]]) -> list[T]" => flatten,
    "list.contains[T](list[T], T) -> Bool" => contains,
    "list.index_of[T](list[T], T) -> Int?" => index_of,
    "list.last_index_of[T](list[T], T) -> Int?" => last_index_of,
    "list.repeated[T](T, Int) -> list[T]" => repeated,
    "list.unique[T](list[T]) -> list[T]" => unique,
    "list.to_set[T](list[T]) -> set[T]" => to_set,
    "list.join[T](list[T], String) -> String" => join,
    "list.range(Int, Int, Int) -> list[Int]" => range,
    "list.sum(list[Int]) -> Int" => sum_ints,
    "list.sum(list[Float]) -> Float" => |_, args| {
        Ok(floats(&args[0]).iter().sum::<f64>().to_bits())
    },
    "list.product(list[Int]) -> Int" => product_ints,
    "list.product(list[Float]) -> Float" => |_, args| {
        Ok(floats(&args[0]).iter().product::<f64>().to_bits())
    },
    "list.min[T](list[T]) -> T?" => |cx, args| extreme(cx, args, Ordering::Less),
    "list.max[T](list[T]) -> T?" => |cx, args| extreme(cx, args, Ordering::Greater),
}

fn push(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let value = cx.copy(args[1], cx.params[1]);
    // SAFETY: slot 0 is an owned list and `value` an owned element.
    unsafe { list::push(cx.heap, &mut args[0], value)? };
    Ok(NULL)
}

fn pop(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: slot 0 is an owned list.
    match unsafe { list::pop(cx.heap, &mut args[0])? } {
        Some(value) => cx.word(value, cx.element(0)),
        None => Ok(NULL),
    }
}

fn insert(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (i, len) = (int(args[1]), list_len(&args[0]));
    let Some((at, _)) = resolve_range(i, len as i64, len) else {
        return cx.out_of_range(i, len);
    };
    let value = cx.copy(args[2], cx.params[2]);
    // SAFETY: slot 0 is an owned list, `value` an owned element, the index within the list.
    unsafe { list::insert(cx.heap, &mut args[0], at, value)? };
    Ok(NULL)
}

fn remove(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (i, len) = (int(args[1]), list_len(&args[0]));
    let Some(at) = resolve_index(i, len) else {
        return cx.out_of_range(i, len);
    };
    // SAFETY: slot 0 is an owned list, the index within it.
    Ok(unsafe { list::remove(cx.heap, &mut args[0], at)? })
}

fn extend(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let tail = args[1];
    // SAFETY: both are lists of one type.
    unsafe { list::extend(cx.heap, &mut args[0], tail)? };
    Ok(NULL)
}

fn truncate(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let n = usize::try_from(int(args[1])).unwrap_or(0);
    // SAFETY: slot 0 is an owned list.
    unsafe { list::truncate(cx.heap, &mut args[0], n)? };
    Ok(NULL)
}

fn clear(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: slot 0 is an owned list.
    unsafe { list::truncate(cx.heap, &mut args[0], 0)? };
    Ok(NULL)
}

fn reverse(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: slot 0 is an owned list.
    unsafe { list::reverse(cx.heap, &mut args[0])? };
    Ok(NULL)
}

/// A copy of a borrowed list, changed by `change`.
fn changed(
    cx: &mut NativeCx<'_>,
    xs: u64,
    change: fn(&mut NativeCx<'_>, &mut [u64]) -> NativeResult,
) -> NativeResult {
    let mut copy = [cx.copy(xs, cx.params[0])];
    match change(cx, &mut copy) {
        Ok(_) => Ok(copy[0]),
        Err(stop) => {
            cx.discard(copy[0], cx.params[0]);
            Err(stop)
        }
    }
}

fn reversed(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    changed(cx, args[0], reverse)
}

fn sorted(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    changed(cx, args[0], sort)
}

/// Stable; by the natural order of the element type.
fn sort(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (types, element) = (cx.types, cx.element(0));
    // SAFETY: slot 0 is an owned list, unique after the first call; its slots are elements.
    unsafe {
        list::make_unique(cx.heap, &mut args[0])?;
        if list::elem(cx.heap, args[0]) == Elem::Byte {
            let ones = list::bools(args[0]).iter().filter(|b| **b != 0).count();
            let (data, len) = (list::data(args[0]), list::len(args[0]));
            data.write_bytes(0, len - ones);
            data.add(len - ones).write_bytes(1, ones);
            return Ok(NULL);
        }
        let slots = list::slots_mut(args[0]);
        match element {
            // Equal Ints cannot be told apart: stability is free.
            well_known::INT => slots.sort_unstable_by_key(|s| *s as i64),
            well_known::STRING => slots.sort_by(|a, b| string::compare(*a, *b)),
            _ => slots.sort_by(|a, b| equal::compare(types, *a, *b, element)),
        }
    }
    Ok(NULL)
}

fn swap(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let len = list_len(&args[0]);
    let (i, j) = (int(args[1]), int(args[2]));
    let Some(a) = resolve_index(i, len) else {
        return cx.out_of_range(i, len);
    };
    let Some(b) = resolve_index(j, len) else {
        return cx.out_of_range(j, len);
    };
    // SAFETY: slot 0 is an owned list, unique after the first call; both indices are within it.
    unsafe {
        list::make_unique(cx.heap, &mut args[0])?;
        let elem = list::elem(cx.heap, args[0]);
        let (x, y) = (list::read(args[0], elem, a), list::read(args[0], elem, b));
        list::write(args[0], elem, a, y);
        list::write(args[0], elem, b, x);
    }
    Ok(NULL)
}

fn get(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let i = int(args[1]);
    at(cx, args, i)
}

/// Element `i` as a value of type `T?`.
fn at(cx: &mut NativeCx<'_>, args: &mut [u64], i: i64) -> NativeResult {
    let Some(at) = resolve_index(i, list_len(&args[0])) else {
        return Ok(NULL);
    };
    element_word(cx, args[0], at)
}

fn element_word(cx: &mut NativeCx<'_>, xs: u64, at: usize) -> NativeResult {
    let ty = cx.element(0);
    // SAFETY: the list is live and the index within it.
    let slot = unsafe { list::read(xs, list::elem(cx.heap, xs), at) };
    let slot = cx.copy(slot, ty);
    cx.word(slot, ty)
}

fn sub(cx: &mut NativeCx<'_>, xs: u64, from: usize, to: usize) -> NativeResult {
    // SAFETY: the list is live; callers have checked the bounds.
    Ok(unsafe { list::slice(cx.heap, xs, from, to)? })
}

fn slice(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (from, to, len) = (int(args[1]), int(args[2]), list_len(&args[0]));
    match resolve_range(from, to, len) {
        Some((a, b)) => sub(cx, args[0], a, b),
        None => fail(
            kind::INDEX,
            format!("slice {from}..{to} is out of range (length {len})"),
        ),
    }
}

/// `n` cut to `0..=len`.
pub(super) fn clamp(n: i64, len: usize) -> usize {
    usize::try_from(n).unwrap_or(0).min(len)
}

fn take(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let n = clamp(int(args[1]), list_len(&args[0]));
    sub(cx, args[0], 0, n)
}

fn drop_first(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let len = list_len(&args[0]);
    let n = clamp(int(args[1]), len);
    sub(cx, args[0], n, len)
}

fn concat(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: both are lists of one type.
    Ok(unsafe { list::concat(cx.heap, args[0], args[1])? })
}

fn flatten(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let total = words(&args[0]).iter().map(list_len).sum();
    let mut out = list::new(cx.heap, cx.result, total)?;
    for &inner in words(&args[0]) {
        // SAFETY: all are lists of the result type; there is room, so nothing can fail.
        unsafe { list::extend(cx.heap, &mut out, inner)? };
    }
    Ok(out)
}

/// The first index (in the order of `indices`) of a value.
fn search(
    cx: &NativeCx<'_>,
    args: &[u64],
    mut indices: impl Iterator<Item = usize>,
) -> Option<usize> {
    let (xs, value, ty) = (args[0], args[1], cx.params[1]);
    // SAFETY: the list is live, the indices are within it; value and elements have one type.
    unsafe {
        let elem = list::elem(cx.heap, xs);
        indices.find(|&i| {
            let x = list::read(xs, elem, i);
            match ty {
                well_known::INT | well_known::BOOL => x == value,
                well_known::STRING => string::equal(x, value),
                _ => equal::equal(cx.types, x, value, ty),
            }
        })
    }
}

fn contains(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    Ok(u64::from(search(cx, args, 0..list_len(&args[0])).is_some()))
}

fn index_of(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let found = search(cx, args, 0..list_len(&args[0]));
    optional_index(cx, found)
}

fn last_index_of(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let found = search(cx, args, (0..list_len(&args[0])).rev());
    optional_index(cx, found)
}

/// An index as `Int?`.
pub(super) fn optional_index(cx: &mut NativeCx<'_>, i: Option<usize>) -> NativeResult {
    match i {
        Some(i) => cx.word(i as u64, well_known::INT),
        None => Ok(NULL),
    }
}

fn repeated(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let Ok(n) = usize::try_from(int(args[1])) else {
        return fail(
            kind::CONSTRAINT,
            format!("cannot repeat {} times", int(args[1])),
        );
    };
    // SAFETY: the value is an element of the result type.
    Ok(unsafe { list::repeat(cx.heap, cx.result, args[0], n)? })
}

/// Elements told apart by structure, in a table of our own: the list's set type may not exist.
struct Seen<'t> {
    types: &'t Types,
    ty: TypeIx,
    buckets: std::collections::HashMap<u64, Vec<u64>>,
}

impl Seen<'_> {
    /// Whether the (live) value is new.
    unsafe fn insert(&mut self, slot: u64) -> bool {
        // SAFETY: by contract.
        unsafe {
            let bucket = self
                .buckets
                .entry(hash::hash(self.types, slot, self.ty))
                .or_default();
            let new = !bucket
                .iter()
                .any(|b| equal::equal(self.types, *b, slot, self.ty));
            if new {
                bucket.push(slot);
            }
            new
        }
    }
}

fn unique(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let ty = cx.element(0);
    let mut seen = Seen {
        types: cx.types,
        ty,
        buckets: Default::default(),
    };
    let mut kept = Vec::new();
    // SAFETY: the list stays alive during the call, and so do its elements.
    unsafe {
        let elem = list::elem(cx.heap, args[0]);
        for i in 0..list_len(&args[0]) {
            let x = list::read(args[0], elem, i);
            if seen.insert(x) {
                kept.push(cx.copy(x, ty));
            }
        }
    }
    cx.list(cx.result, &kept)
}

fn to_set(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let ty = cx.element(0);
    let mut set = map::new(cx.heap, cx.result, list_len(&args[0]))?;
    // SAFETY: the set has this element type; `set` is dropped when it cannot be filled.
    unsafe {
        let elem = list::elem(cx.heap, args[0]);
        for i in 0..list_len(&args[0]) {
            let x = cx.copy(list::read(args[0], elem, i), ty);
            if let Err(e) = map::insert(cx.heap, &mut set, x, 0) {
                count::drop(cx.heap, set);
                return Err(e.into());
            }
        }
    }
    Ok(set)
}

fn join(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let ty = cx.element(0);
    if ty == well_known::STRING {
        let n = list_len(&args[0]);
        // SAFETY: the indices are within the list; its elements, and the separator, are Strings.
        let joined = unsafe {
            let elem = list::elem(cx.heap, args[0]);
            let parts = (0..n).map(|i| list::read(args[0], elem, i));
            lumen_runtime::heap::string::joined(cx.heap, parts, args[1])
        };
        return Ok(joined?);
    }
    let separator = text(&args[1]);
    let mut out = String::new();
    for i in 0..list_len(&args[0]) {
        if i > 0 {
            out.push_str(separator);
        }
        // SAFETY: the index is within the list; its elements have this type.
        unsafe {
            let x = list::read(args[0], list::elem(cx.heap, args[0]), i);
            lumen_runtime::heap::format::write_value(cx.types, x, ty, &mut out);
        }
    }
    cx.string(&out)
}

fn range(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (from, to, step) = (int(args[0]), int(args[1]), int(args[2]));
    if step == 0 {
        return fail(kind::CONSTRAINT, "the step of a range must not be 0");
    }
    let distance = (i128::from(to) - i128::from(from)) * i128::from(step.signum());
    let n = if distance <= 0 {
        0
    } else {
        (distance as u128).div_ceil(u128::from(step.unsigned_abs()))
    };
    let n = usize::try_from(n).map_err(|_| out_of_memory())?;
    let mut out = list::new(cx.heap, well_known::LIST_INT, n)?;
    for k in 0..n as i64 {
        // SAFETY: an owned list of Int with room for all; nothing here can fail.
        unsafe {
            list::push(
                cx.heap,
                &mut out,
                from.wrapping_add(k.wrapping_mul(step)) as u64,
            )?
        };
    }
    Ok(out)
}

fn out_of_memory() -> NativeStop {
    lumen_runtime::native::Failure::out_of_memory().into()
}

fn sum_ints(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // In 128 bits no list can overflow, so the order of elements does not matter.
    let sum: i128 = ints(&args[0]).iter().map(|i| i128::from(*i)).sum();
    match i64::try_from(sum) {
        Ok(sum) => Ok(sum as u64),
        Err(_) => fail(kind::OVERFLOW, "integer overflow in sum"),
    }
}

fn product_ints(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    match ints(&args[0])
        .iter()
        .try_fold(1i64, |p, i| p.checked_mul(*i))
    {
        Some(product) => Ok(product as u64),
        None => fail(kind::OVERFLOW, "integer overflow in product"),
    }
}

/// The first of the smallest or largest elements.
fn extreme(cx: &mut NativeCx<'_>, args: &mut [u64], wanted: Ordering) -> NativeResult {
    let ty = cx.element(0);
    let mut best = 0;
    // SAFETY: the indices are within the list; its elements have this type.
    unsafe {
        let elem = list::elem(cx.heap, args[0]);
        for i in 1..list_len(&args[0]) {
            let (x, b) = (
                list::read(args[0], elem, i),
                list::read(args[0], elem, best),
            );
            if equal::compare(cx.types, x, b, ty) == wanted {
                best = i;
            }
        }
    }
    at(cx, args, best as i64)
}
