//! Lists, maps and sets.

use lumen_runtime::heap::word::NULL;
use lumen_runtime::heap::{equal, list, map};
use lumen_runtime::native::{NativeCx, NativeResult, fail, int, kind};

natives! {
    "rt.list_extend[T](mut list[T], list[T]) -> Null" => |cx, args| {
        let tail = args[1];
        // SAFETY: live lists of one type, the first one owned by its register.
        unsafe { list::extend(cx.heap, &mut args[0], tail)? };
        Ok(NULL)
    },
    "rt.list_contains[T](list[T], T) -> Bool" => list_contains,
    "rt.list_slice[T](list[T], Int, Int, Bool) -> list[T]" => |cx, args| {
        // SAFETY: a live list.
        let (from, to) = bounds(args, unsafe { list::len(args[0]) })?;
        // SAFETY: within the list.
        Ok(unsafe { list::slice(cx.heap, args[0], from, to)? })
    },
    "rt.map_new[K, V]() -> map[K, V]" => |cx, _| Ok(map::new(cx.heap, cx.result, 0)?),
    "rt.map_next[K, V](map[K, V], Int) -> Int" => next,
    "rt.map_key_at[K, V](map[K, V], Int) -> K" => |cx, args| {
        let (key, _) = entry(args)?;
        Ok(cx.copy(key, cx.result))
    },
    "rt.map_value_at[K, V](map[K, V], Int) -> V" => |cx, args| {
        let (_, value) = entry(args)?;
        Ok(cx.copy(value, cx.result))
    },
    "rt.set_new[T]() -> set[T]" => |cx, _| Ok(map::new(cx.heap, cx.result, 0)?),
    "rt.set_add[T](mut set[T], T) -> Null" => |cx, args| {
        let element = cx.copy(args[1], cx.params[1]);
        // SAFETY: a set owned by its register and an owned element.
        unsafe { map::insert(cx.heap, &mut args[0], element, 0)? };
        Ok(NULL)
    },
    "rt.set_contains[T](set[T], T) -> Bool" => |cx, args| {
        // SAFETY: a live set and a live element.
        Ok(u64::from(unsafe { map::contains(cx.types, args[0], args[1]) }))
    },
    "rt.set_next[T](set[T], Int) -> Int" => next,
    "rt.set_at[T](set[T], Int) -> T" => |cx, args| {
        let (key, _) = entry(args)?;
        Ok(cx.copy(key, cx.result))
    },
    "rt.range_count(Int, Int, Int, Bool) -> Int" => range_count,
}

fn list_contains(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let ty = cx.element(0);
    // SAFETY: a live list and a live value of its element type.
    unsafe {
        let elem = list::elem(cx.heap, args[0]);
        let found = (0..list::len(args[0]))
            .any(|i| equal::equal(cx.types, list::read(args[0], elem, i), args[1], ty));
        Ok(u64::from(found))
    }
}

/// The bounds of a slice in arguments 1 to 3 (from, to, inclusive); an inclusive end of -1 is the
/// end, also of something empty.
pub(super) fn bounds(
    args: &[u64],
    len: usize,
) -> Result<(usize, usize), lumen_runtime::native::NativeStop> {
    let (from, to, inclusive) = (int(args[1]), int(args[2]), args[3] != 0);
    let length = len as i64;
    let place = |i: i64| {
        if i < 0 {
            i.checked_add(length)
        } else {
            Some(i)
        }
    };
    let end = match (inclusive, to) {
        (true, -1) => Some(length),
        (true, _) => place(to).and_then(|i| i.checked_add(1)),
        (false, _) => place(to),
    };
    match (place(from), end) {
        (Some(a), Some(b)) if 0 <= a && a <= b && b <= length => Ok((a as usize, b as usize)),
        _ => {
            let dots = if inclusive { "..=" } else { ".." };
            fail(
                kind::INDEX,
                format!("slice {from}{dots}{to} is out of range (length {len})"),
            )
        }
    }
}

fn next(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let at = usize::try_from(int(args[1])).unwrap_or(0);
    // SAFETY: a live map or set.
    let found = unsafe { map::next(args[0], at) };
    Ok(found.map_or(-1, |(position, ..)| position as i64) as u64)
}

fn entry(args: &[u64]) -> Result<(u64, u64), lumen_runtime::native::NativeStop> {
    let at = usize::try_from(int(args[1])).unwrap_or(usize::MAX);
    // SAFETY: a live map or set.
    match unsafe { map::next(args[0], at) } {
        Some((position, key, value)) if position == at => Ok((key, value)),
        _ => fail(
            kind::INDEX,
            format!("no entry at position {}", int(args[1])),
        ),
    }
}

fn range_count(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (lo, hi, step) = (int(args[0]), int(args[1]), int(args[2]));
    if step == 0 {
        return fail("Argument", "the step of a range must not be 0");
    }
    let (lo, hi, step) = (i128::from(lo), i128::from(hi), i128::from(step));
    let span = if step > 0 { hi - lo } else { lo - hi } + i128::from(args[3]);
    let count = if span <= 0 {
        0
    } else {
        (span + step.abs() - 1) / step.abs()
    };
    match i64::try_from(count) {
        Ok(n) => Ok(n as u64),
        Err(_) => fail(kind::OVERFLOW, "integer overflow"),
    }
}

#[cfg(test)]
mod tests {
    use super::bounds;

    fn slice(from: i64, to: i64, inclusive: bool, len: usize) -> Option<(usize, usize)> {
        bounds(&[0, from as u64, to as u64, u64::from(inclusive)], len).ok()
    }

    #[test]
    fn slices() {
        assert_eq!(slice(1, 3, false, 5), Some((1, 3)));
        assert_eq!(slice(1, 3, true, 5), Some((1, 4)));
        assert_eq!(slice(0, -1, true, 0), Some((0, 0)));
        assert_eq!(slice(-2, -1, true, 5), Some((3, 5)));
        assert_eq!(slice(0, -1, false, 5), Some((0, 4)));
        assert_eq!(slice(3, 2, false, 5), None);
        assert_eq!(slice(0, 6, false, 5), None);
        assert_eq!(slice(0, i64::MAX, true, 5), None);
    }
}
