//! Lists, maps and Strings against the standard ones, by random steps.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::super::types::well_known as wk;
use super::super::{Heap, TypeIx, count, equal, hash, list, map, record, string};
use super::{MAP_INT, MAP_PAIR, PAIR, SET_STRING, on_heap, text};

#[derive(Clone, Debug)]
enum ListStep {
    Push(i64),
    Pop,
    Insert(usize, i64),
    Remove(usize),
    Set(usize, i64),
    Truncate(usize),
    Reverse,
    Double,
    Keep,
}

fn list_step() -> impl Strategy<Value = ListStep> {
    prop_oneof![
        4 => any::<i64>().prop_map(ListStep::Push),
        1 => Just(ListStep::Pop),
        1 => (0usize..20, any::<i64>()).prop_map(|(i, v)| ListStep::Insert(i, v)),
        1 => (0usize..20).prop_map(ListStep::Remove),
        1 => (0usize..20, any::<i64>()).prop_map(|(i, v)| ListStep::Set(i, v)),
        1 => (0usize..20).prop_map(ListStep::Truncate),
        1 => Just(ListStep::Reverse),
        1 => Just(ListStep::Double),
        1 => Just(ListStep::Keep),
    ]
}

/// A value for an element of a list of type `ty`, and back.
fn encode(heap: &mut Heap, ty: TypeIx, v: i64) -> u64 {
    match ty {
        wk::LIST_INT => v as u64,
        wk::LIST_BOOL => (v & 1) as u64,
        wk::LIST_ANY => record::box_int(heap, v).expect("room"),
        _ => text(heap, &v.to_string()),
    }
}

unsafe fn decode(ty: TypeIx, slot: u64) -> i64 {
    // SAFETY: the slot is an element of a list of type `ty`.
    unsafe {
        match ty {
            wk::LIST_INT | wk::LIST_BOOL => slot as i64,
            wk::LIST_ANY => record::unbox_int(slot),
            _ => string::as_str(slot).parse().expect("a number"),
        }
    }
}

fn run_list(heap: &mut Heap, ty: TypeIx, steps: &[ListStep]) {
    let mut model: Vec<i64> = Vec::new();
    let mut kept: Vec<(u64, Vec<i64>)> = Vec::new();
    let mut w = list::new(heap, ty, 0).expect("room");
    let norm = |v: i64| if ty == wk::LIST_BOOL { v & 1 } else { v };
    // SAFETY: all words are live values of the types said, owned by this function.
    unsafe {
        for step in steps {
            let n = model.len();
            match *step {
                ListStep::Push(v) => {
                    model.push(norm(v));
                    let v = encode(heap, ty, v);
                    list::push(heap, &mut w, v).expect("room");
                }
                ListStep::Pop => {
                    let got = list::pop(heap, &mut w).expect("room");
                    assert_eq!(got.map(|s| decode(ty, s)), model.pop());
                    if let (Some(s), wk::LIST_ANY | wk::LIST_STRING) = (got, ty) {
                        count::drop(heap, s);
                    }
                }
                ListStep::Insert(i, v) if i <= n => {
                    model.insert(i, norm(v));
                    let v = encode(heap, ty, v);
                    list::insert(heap, &mut w, i, v).expect("room");
                }
                ListStep::Remove(i) if i < n => {
                    let got = list::remove(heap, &mut w, i).expect("room");
                    assert_eq!(decode(ty, got), model.remove(i));
                    if ty != wk::LIST_INT && ty != wk::LIST_BOOL {
                        count::drop(heap, got);
                    }
                }
                ListStep::Set(i, v) if i < n => {
                    model[i] = norm(v);
                    let v = encode(heap, ty, v);
                    list::set(heap, &mut w, i, v).expect("room");
                }
                ListStep::Truncate(i) => {
                    model.truncate(i);
                    list::truncate(heap, &mut w, i).expect("room");
                }
                ListStep::Reverse => {
                    model.reverse();
                    list::reverse(heap, &mut w).expect("room");
                }
                ListStep::Double if n < 100 => {
                    model.extend_from_within(..);
                    let tail = w;
                    list::extend(heap, &mut w, tail).expect("room");
                }
                ListStep::Keep => {
                    count::dup(w);
                    kept.push((w, model.clone()));
                }
                _ => {}
            }
        }
        kept.push((w, model));
        check_lists(heap, ty, kept);
    }
}

/// Compares lists with what they should hold, and drops them.
unsafe fn check_lists(heap: &mut Heap, ty: TypeIx, kept: Vec<(u64, Vec<i64>)>) {
    // SAFETY: live lists of type `ty`, owned.
    unsafe {
        for (w, model) in kept {
            let elem = list::elem(heap, w);
            let got: Vec<i64> = (0..list::len(w))
                .map(|i| decode(ty, list::read(w, elem, i)))
                .collect();
            assert_eq!(got, model);
            let copy = list::slice(heap, w, 0, model.len()).expect("room");
            assert!(equal::equal(heap.types(), w, copy, ty));
            assert_eq!(
                hash::hash(heap.types(), w, ty),
                hash::hash(heap.types(), copy, ty)
            );
            count::drop(heap, w);
            count::drop(heap, copy);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn lists_behave_as_vec(steps in proptest::collection::vec(list_step(), 0..60)) {
        for ty in [wk::LIST_INT, wk::LIST_BOOL, wk::LIST_ANY, wk::LIST_STRING] {
            on_heap(|heap| run_list(heap, ty, &steps));
        }
    }

    #[test]
    fn maps_behave_as_ordered_maps(
        steps in proptest::collection::vec((0u8..4, 0i64..40, any::<u16>()), 0..300),
    ) {
        for kind in [MAP_INT, MAP_PAIR, SET_STRING] {
            on_heap(|heap| run_map(heap, kind, &steps));
        }
    }

    #[test]
    fn strings_behave_as_string(parts in proptest::collection::vec(".{0,12}", 0..12)) {
        on_heap(|heap| {
            let mut model = String::new();
            let mut w = string::empty();
            // SAFETY: `w` is a live String throughout.
            unsafe {
                for p in &parts {
                    model.push_str(p);
                    let tail = text(heap, p);
                    string::append(heap, &mut w, tail).expect("room");
                    count::drop(heap, tail);
                }
                assert_eq!(string::as_str(w), model);
                let chars: Vec<char> = model.chars().collect();
                assert_eq!(string::char_len(w), chars.len());
                for (i, c) in chars.iter().enumerate() {
                    assert_eq!(string::char_at(w, i), Some(*c));
                }
                let (a, b) = (chars.len() / 3, chars.len() * 2 / 3);
                let part = string::slice(heap, w, a, b).expect("room").expect("in range");
                assert_eq!(string::as_str(part), chars[a..b].iter().collect::<String>());
                count::drop(heap, part);
                count::drop(heap, w);
            }
        });
    }

    #[test]
    fn ints_and_floats_order_exactly(i in any::<i64>(), f in any::<f64>()) {
        on_heap(|heap| {
            let a = record::box_int(heap, i).expect("room");
            let b = record::box_float(heap, f).expect("room");
            let exact = if f.is_nan() || f >= 9.3e18 {
                Ordering::Less
            } else if f <= -9.3e18 {
                Ordering::Greater
            } else {
                (i128::from(i) << 64).cmp(&((f * 18_446_744_073_709_551_616.0) as i128))
            };
            // SAFETY: live words of type Any.
            unsafe {
                // Scaling by 2^64 is exact unless the fraction is below 2^-64.
                if f == 0.0 || f.abs() > 1e-15 {
                    assert_eq!(equal::compare(heap.types(), a, b, wk::ANY), exact);
                }
                let same = equal::equal(heap.types(), a, b, wk::ANY);
                if same {
                    let types = heap.types();
                    assert_eq!(hash::hash(types, a, wk::ANY), hash::hash(types, b, wk::ANY));
                }
                count::drop(heap, a);
                count::drop(heap, b);
            }
        });
    }
}

fn make_key(heap: &mut Heap, kind: TypeIx, k: i64) -> u64 {
    match kind {
        MAP_INT => k as u64,
        SET_STRING => text(heap, &format!("key number {k}")),
        _ => {
            let s = text(heap, &format!("k{k}"));
            // SAFETY: the slots match the tuple type.
            unsafe { record::new(heap, PAIR, &[k as u64, s]).expect("room") }
        }
    }
}

fn run_map(heap: &mut Heap, kind: TypeIx, steps: &[(u8, i64, u16)]) {
    let mut model: Vec<(i64, u16)> = Vec::new();
    let mut w = map::new(heap, kind, 0).expect("room");
    let mut kept = Vec::new();
    // SAFETY: all words are live values of the types said, owned by this function.
    unsafe {
        for &(op, k, v) in steps {
            let key = make_key(heap, kind, k);
            let at = model.iter().position(|e| e.0 == k);
            match op {
                0 | 1 => {
                    let value = match kind {
                        MAP_INT => text(heap, &v.to_string()),
                        _ => u64::from(v),
                    };
                    let new = map::insert(heap, &mut w, key, value).expect("room");
                    assert_eq!(new, at.is_none());
                    match at {
                        Some(p) => model[p].1 = v,
                        None => model.push((k, v)),
                    }
                    continue;
                }
                2 => {
                    let got = map::remove(heap, &mut w, key).expect("room");
                    assert_eq!(got.is_some(), at.is_some());
                    if let (Some(s), MAP_INT) = (got, kind) {
                        count::drop(heap, s);
                    }
                    at.map(|p| model.remove(p));
                }
                _ if v % 16 == 0 => {
                    count::dup(w);
                    kept.push((w, model.clone()));
                }
                _ => assert_eq!(map::contains(heap.types(), w, key), at.is_some()),
            }
            if kind != MAP_INT {
                count::drop(heap, key);
            }
        }
        kept.push((w, model));
        for (w, model) in kept {
            check_map(heap, kind, w, &model);
            count::drop(heap, w);
        }
    }
}

unsafe fn check_map(heap: &mut Heap, kind: TypeIx, w: u64, model: &[(i64, u16)]) {
    // SAFETY: `w` is a live map of this kind.
    unsafe {
        assert_eq!(map::len(w), model.len());
        let mut at = 0;
        for &(k, v) in model {
            let (p, key, value) = map::next(w, at).expect("an entry");
            at = p + 1;
            let expected = make_key(heap, kind, k);
            if kind == MAP_INT {
                assert_eq!((key as i64, string::as_str(value)), (k, &*v.to_string()));
            } else {
                let ty = if kind == SET_STRING { wk::STRING } else { PAIR };
                assert!(equal::equal(heap.types(), key, expected, ty));
                assert_eq!(value, if kind == SET_STRING { 1 } else { u64::from(v) });
                count::drop(heap, expected);
            }
        }
        assert!(map::next(w, at).is_none());
        // The same entries the other way round are an equal map with an equal hash.
        let mut other = map::new(heap, kind, 0).expect("room");
        for &(k, v) in model.iter().rev() {
            let key = make_key(heap, kind, k);
            let value = if kind == MAP_INT {
                text(heap, &v.to_string())
            } else {
                u64::from(v)
            };
            map::insert(heap, &mut other, key, value).expect("room");
        }
        assert!(equal::equal(heap.types(), w, other, kind));
        assert_eq!(
            hash::hash(heap.types(), w, kind),
            hash::hash(heap.types(), other, kind)
        );
        count::drop(heap, other);
    }
}
