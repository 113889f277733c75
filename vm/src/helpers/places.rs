//! Places deeper than one step: `a.b[i].c = v`, `a.b[i].push(v)`.
//!
//! A path is checked as a whole before anything is changed; then everything on the way is made
//! unique, from the root down.

use lumen_bytecode::module::PathStep;
use lumen_runtime::heap::count::dup;
use lumen_runtime::heap::object::slot_ptr;
use lumen_runtime::heap::types::Shape;
use lumen_runtime::heap::word::header;
use lumen_runtime::heap::{Elem, OutOfMemory, Repr, Types, list, map, record};
use lumen_runtime::native::resolve_index;

use super::{alloc, fail_index, helpers, maps, out_of_memory};
use crate::interp::dispatch::{Cx, Pc};
use crate::interp::operand::{get, lane, reg};

helpers! {
    /// `place.set`.
    fn place_set(pc, r, cx) {
        let path = &(*cx).image().paths[lane(pc, 2)];
        let (root, operands, value) = (reg(r, pc, 0), reg(r, pc, 1), get(r, pc, 3));
        let types = (*cx).heap().types_detached();
        let plain = path.last().is_some_and(|s| is_plain(types, *s));
        let [steps @ .., last] = &path[..] else { return true };
        // The last step may add a key, so only the way to it must be there.
        let Some(used) = check(pc, cx, *root, steps, operands) else {
            if !plain {
                super::discard(cx, value);
            }
            return false;
        };
        if !check_last(pc, cx, *root, steps, *last, operands, used) {
            if !plain {
                super::discard(cx, value);
            }
            return false;
        }
        let done = descend(cx, root, steps, operands)
            .and_then(|(slot, used)| store(cx, slot, *last, *operands.add(used), value));
        alloc!(done, pc, cx);
        true
    }
}

/// Whether what a step leads to is not counted.
fn is_plain(types: &Types, step: PathStep) -> bool {
    match step {
        PathStep::Field { container, field } => match types.shape(container) {
            Shape::Fixed { words, .. } => !words.contains(&u32::from(field)),
            _ => false,
        },
        PathStep::Index { container } => match types.shape(container) {
            Shape::List(elem) => *elem != Elem::Word,
            _ => types
                .value_type(container)
                .is_some_and(|t| types.repr(t) != Repr::Word),
        },
    }
}

/// What lies at the end of a path, borrowed, without changing anything; None with a failure
/// pending. Also how many index operands were used.
unsafe fn look(
    pc: Pc,
    cx: Cx,
    root: u64,
    steps: &[PathStep],
    operands: *const u64,
) -> Option<(u64, usize)> {
    let (mut at, mut used) = (root, 0);
    for step in steps {
        // SAFETY: a verified path: containers have these types, operands stand in the window.
        unsafe {
            match *step {
                PathStep::Field { field, .. } => at = record::get(at, usize::from(field)),
                PathStep::Index { .. } => {
                    let key = *operands.add(used);
                    used += 1;
                    at = element(pc, cx, at, key)?;
                }
            }
        }
    }
    Some((at, used))
}

/// Element or value `key` of a list or map.
unsafe fn element(pc: Pc, cx: Cx, container: u64, key: u64) -> Option<u64> {
    // SAFETY: a live list or map, and a key of its type.
    unsafe {
        let types = (*cx).heap().types_detached();
        if let Shape::List(elem) = types.shape((*header(container)).ty) {
            let len = list::len(container);
            return match resolve_index(key as i64, len) {
                Some(i) => Some(list::read(container, *elem, i)),
                None => {
                    fail_index(pc, cx, key as i64, len);
                    None
                }
            };
        }
        let value = map::get(types, container, key);
        if value.is_none() {
            maps::fail_key(pc, cx, container, key);
        }
        value
    }
}

unsafe fn check(
    pc: Pc,
    cx: Cx,
    root: u64,
    steps: &[PathStep],
    operands: *const u64,
) -> Option<usize> {
    // SAFETY: as `look`.
    unsafe { look(pc, cx, root, steps, operands).map(|(_, used)| used) }
}

/// Whether the last step can be taken: an index must be in range.
unsafe fn check_last(
    pc: Pc,
    cx: Cx,
    root: u64,
    steps: &[PathStep],
    last: PathStep,
    operands: *const u64,
    used: usize,
) -> bool {
    let PathStep::Index { container } = last else {
        return true;
    };
    // SAFETY: as `look`.
    unsafe {
        if !matches!(
            (*cx).heap().types_detached().shape(container),
            Shape::List(_)
        ) {
            return true;
        }
        let Some((at, _)) = look(pc, cx, root, steps, operands) else {
            return false;
        };
        let (key, len) = (*operands.add(used) as i64, list::len(at));
        resolve_index(key, len).is_some() || fail_index(pc, cx, key, len)
    }
}

/// The slot at the end of a path that has been checked, everything before it made unique.
pub(crate) unsafe fn descend(
    cx: Cx,
    root: *mut u64,
    steps: &[PathStep],
    operands: *const u64,
) -> Result<(*mut u64, usize), OutOfMemory> {
    let (mut slot, mut used) = (root, 0);
    for step in steps {
        // SAFETY: as `look`; every container on the way is owned by the one before.
        unsafe {
            match *step {
                PathStep::Field { field, .. } => {
                    record::make_unique((*cx).heap(), &mut *slot)?;
                    slot = slot_ptr(header(*slot), usize::from(field));
                }
                PathStep::Index { container } => {
                    let key = *operands.add(used);
                    used += 1;
                    let types = (*cx).heap().types_detached();
                    if matches!(types.shape(container), Shape::List(_)) {
                        list::make_unique((*cx).heap(), &mut *slot)?;
                        let items = list::slots_mut(*slot);
                        let i = resolve_index(key as i64, items.len()).unwrap_or(0);
                        slot = &raw mut items[i];
                    } else {
                        let place = map::place((*cx).heap(), &mut *slot, key)?;
                        slot = place.unwrap_or(slot);
                    }
                }
            }
        }
    }
    Ok((slot, used))
}

/// Stores `value` by the last step; consumes it.
unsafe fn store(
    cx: Cx,
    slot: *mut u64,
    last: PathStep,
    key: u64,
    value: u64,
) -> Result<(), OutOfMemory> {
    // SAFETY: as `descend`.
    unsafe {
        let heap = (*cx).heap();
        match last {
            PathStep::Field { field, .. } => record::set(heap, &mut *slot, field.into(), value),
            PathStep::Index { container } => {
                let types = heap.types_detached();
                if matches!(types.shape(container), Shape::List(_)) {
                    let i = resolve_index(key as i64, list::len(*slot)).unwrap_or(0);
                    return list::set(heap, &mut *slot, i, value);
                }
                if map::counts(*slot).0 {
                    dup(key);
                }
                map::insert(heap, &mut *slot, key, value).map(|_| ())
            }
        }
    }
}

/// Runs `f` on the slot at the end of a path, for a mutator called on a place. A Bool in a list
/// has no slot of its own; it is copied out and back.
///
/// # Safety
/// The operands are those of the running instruction.
pub(crate) unsafe fn with_place(
    pc: Pc,
    cx: Cx,
    root: *mut u64,
    steps: &[PathStep],
    operands: *const u64,
    f: impl FnOnce(*mut u64, *const u64) -> bool,
) -> bool {
    // SAFETY: by contract.
    unsafe {
        let Some(used) = check(pc, cx, *root, steps, operands) else {
            return false;
        };
        let rest = operands.add(used);
        let byte = matches!(steps.last(), Some(PathStep::Index { container })
            if matches!((*cx).heap().types_detached().shape(*container), Shape::List(Elem::Byte)));
        if !byte {
            return match descend(cx, root, steps, operands) {
                Ok((slot, _)) => f(slot, rest),
                Err(OutOfMemory) => out_of_memory(pc, cx),
            };
        }
        let Some((mut value, _)) = look(pc, cx, *root, steps, operands) else {
            return false;
        };
        let before = &steps[..steps.len() - 1];
        let done = f(&raw mut value, rest);
        match descend(cx, root, before, operands) {
            Ok((list, used)) => {
                let i = resolve_index(*operands.add(used) as i64, list::len(*list));
                let set = list::set((*cx).heap(), &mut *list, i.unwrap_or(0), value);
                if set.is_err() {
                    out_of_memory(pc, cx)
                } else {
                    done
                }
            }
            Err(OutOfMemory) => out_of_memory(pc, cx),
        }
    }
}
