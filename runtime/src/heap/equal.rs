//! Structural equality and order, driven by types. Both are iterative: values may be deep.

use std::cmp::Ordering;

use super::dynamic::{Leaf, child, has_no_object, is_bitwise, leaf, resolve};
use super::list;
use super::map;
use super::string;
use super::types::{Elem, TypeIx, TypeKind, Types, well_known};

/// Two values whose parts are still to be compared.
struct Frame {
    a: u64,
    b: u64,
    ta: TypeIx,
    tb: TypeIx,
    ia: u32,
    ib: u32,
}

/// The outcome of comparing two values without looking at their parts.
enum Step {
    Done(Ordering),
    /// Unequal, and without an order.
    Differ,
    Parts(Frame),
}

/// Whether two values of type `ty` are equal. Floats compare as numbers (NaN equals nothing), maps
/// and sets without regard to order, closures and handles by identity.
///
/// # Safety
/// Both are live values of type `ty`.
pub unsafe fn equal(types: &Types, a: u64, b: u64, ty: TypeIx) -> bool {
    // SAFETY: by contract; parts of live values are live.
    unsafe {
        let mut stack = Vec::new();
        match step(types, a, b, ty, ty, true) {
            Step::Done(o) => return o == Ordering::Equal,
            Step::Differ => return false,
            Step::Parts(frame) => stack.push(frame),
        }
        while let Some(mut f) = stack.pop() {
            let pair = if matches!(types.kind(f.ta), TypeKind::Map(..) | TypeKind::Set(_)) {
                match map_pair(types, &mut f) {
                    MapPair::Missing => return false,
                    MapPair::End => None,
                    MapPair::Values(va, vb, t) => Some((va, vb, t, t)),
                }
            } else {
                let a = child(types, f.a, f.ta, &mut f.ia);
                let b = child(types, f.b, f.tb, &mut f.ib);
                a.zip(b).map(|((a, ta), (b, tb))| (a, b, ta, tb))
            };
            let Some((a, b, ta, tb)) = pair else { continue };
            stack.push(f);
            match step(types, a, b, ta, tb, true) {
                Step::Done(Ordering::Equal) => {}
                Step::Done(_) | Step::Differ => return false,
                Step::Parts(frame) => stack.push(frame),
            }
        }
        true
    }
}

enum MapPair {
    End,
    Missing,
    Values(u64, u64, TypeIx),
}

/// The next entry of map `a` and what map `b` has under that key.
unsafe fn map_pair(types: &Types, f: &mut Frame) -> MapPair {
    // SAFETY: both are live maps or sets of one type.
    unsafe {
        loop {
            let Some((p, key, value)) = map::next(f.a, f.ia as usize) else {
                return MapPair::End;
            };
            f.ia = p as u32 + 1;
            let Some(other) = map::get(types, f.b, key) else {
                return MapPair::Missing;
            };
            if let Some(t) = types.value_type(f.ta) {
                return MapPair::Values(value, other, t);
            }
        }
    }
}

/// The order of two values of type `ty`: numbers by size (NaN last), Strings by characters,
/// `false < true`, tuples, lists and records by their first difference, variants in declaration
/// order. Values of different types are ordered by type.
///
/// # Safety
/// Both are live values of type `ty`.
pub unsafe fn compare(types: &Types, a: u64, b: u64, ty: TypeIx) -> Ordering {
    // SAFETY: by contract; parts of live values are live.
    unsafe {
        let mut stack = Vec::new();
        let mut next = Some((a, b, ty, ty));
        loop {
            let (a, b, ta, tb) = match next.take() {
                Some(pair) => pair,
                None => {
                    let Some(mut f) = stack.pop() else {
                        return Ordering::Equal;
                    };
                    let Frame { a, b, ta, tb, .. }: Frame = f;
                    match (
                        child(types, a, ta, &mut f.ia),
                        child(types, b, tb, &mut f.ib),
                    ) {
                        (None, None) => continue,
                        (None, Some(_)) => return Ordering::Less,
                        (Some(_), None) => return Ordering::Greater,
                        (Some((a, ta)), Some((b, tb))) => {
                            stack.push(f);
                            (a, b, ta, tb)
                        }
                    }
                }
            };
            match step(types, a, b, ta, tb, false) {
                Step::Done(Ordering::Equal) => {}
                Step::Done(o) => return o,
                Step::Differ => return Ordering::Less,
                Step::Parts(frame) => stack.push(frame),
            }
        }
    }
}

/// Compares two values without their parts. `for_equality` lets lists of different lengths differ
/// at once and makes NaN differ from itself.
unsafe fn step(types: &Types, a: u64, b: u64, ta: TypeIx, tb: TypeIx, for_equality: bool) -> Step {
    // SAFETY: both are live values of their types.
    let ((a, ta), (b, tb)) = unsafe { (resolve(types, a, ta), resolve(types, b, tb)) };
    let done = Step::Done;
    // SAFETY: as above; the leaves say what the slots are.
    unsafe {
        match (leaf(types, a, ta), leaf(types, b, tb)) {
            (Leaf::Int(a), Leaf::Int(b)) => done(a.cmp(&b)),
            (Leaf::Float(a), Leaf::Float(b)) => floats(a, b, for_equality),
            (Leaf::Int(a), Leaf::Float(b)) => int_float(a, b, for_equality),
            (Leaf::Float(a), Leaf::Int(b)) => match int_float(b, a, for_equality) {
                Step::Done(o) => done(o.reverse()),
                other => other,
            },
            (Leaf::Bool(a), Leaf::Bool(b)) => done(a.cmp(&b)),
            (Leaf::Null, Leaf::Null) => done(Ordering::Equal),
            (Leaf::String(a), Leaf::String(b)) if for_equality => {
                if string::equal(a, b) {
                    done(Ordering::Equal)
                } else {
                    Step::Differ
                }
            }
            (Leaf::String(a), Leaf::String(b)) => done(string::compare(a, b)),
            (Leaf::Bytes(a), Leaf::Bytes(b)) => done(a.cmp(b)),
            (Leaf::Identity(a), Leaf::Identity(b)) => done(a.cmp(&b)),
            (Leaf::Map(a), Leaf::Map(b)) if ta == tb => {
                if for_equality && map::len(a) != map::len(b) {
                    return Step::Differ;
                }
                Step::Parts(Frame {
                    a,
                    b,
                    ta,
                    tb,
                    ia: 0,
                    ib: 0,
                })
            }
            (Leaf::Composite { tag: x, len: n }, Leaf::Composite { tag: y, len: m }) => {
                let related = ta == tb || (x != y && owner(types, ta) == owner(types, tb));
                if !related {
                    return done(ta.cmp(&tb));
                }
                if x != y {
                    return done(x.cmp(&y));
                }
                if for_equality && n != m {
                    return Step::Differ;
                }
                if n == 0 && m == 0 || has_no_object(a) {
                    return done(Ordering::Equal);
                }
                parts(
                    types,
                    Frame {
                        a,
                        b,
                        ta,
                        tb,
                        ia: 0,
                        ib: 0,
                    },
                    for_equality,
                )
            }
            _ => done(ta.cmp(&tb)),
        }
    }
}

/// Lists of plain elements are compared in one go.
unsafe fn parts(types: &Types, f: Frame, for_equality: bool) -> Step {
    if for_equality && f.ta == f.tb && is_bitwise(types, f.ta) {
        // SAFETY: both are lists of this type, and equally long.
        let same = unsafe {
            match types.elem(f.ta) {
                Elem::Byte => list::bools(f.a) == list::bools(f.b),
                _ => list::slots(f.a) == list::slots(f.b),
            }
        };
        return if same {
            Step::Done(Ordering::Equal)
        } else {
            Step::Differ
        };
    }
    Step::Parts(f)
}

fn owner(types: &Types, ty: TypeIx) -> TypeIx {
    match types.kind(ty) {
        TypeKind::Variant { owner, .. } => *owner,
        _ => well_known::NEVER,
    }
}

fn floats(a: f64, b: f64, for_equality: bool) -> Step {
    match a.partial_cmp(&b) {
        Some(o) => Step::Done(o),
        None if for_equality => Step::Differ,
        None => Step::Done(a.is_nan().cmp(&b.is_nan())),
    }
}

/// Compares exactly: an i64 beyond 2^53 is not rounded.
fn int_float(a: i64, b: f64, for_equality: bool) -> Step {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if b.is_nan() {
        return if for_equality {
            Step::Differ
        } else {
            Step::Done(Ordering::Less)
        };
    }
    if b >= LIMIT {
        return Step::Done(Ordering::Less);
    }
    if b < -LIMIT {
        return Step::Done(Ordering::Greater);
    }
    let whole = b.trunc();
    let order = a
        .cmp(&(whole as i64))
        .then(0.0f64.total_cmp(&(b - whole + 0.0)));
    Step::Done(order)
}
