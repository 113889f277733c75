//! Tests across the heap: against the standard collections, on deep values, and for leaks.

mod models;

use std::cmp::Ordering;
use std::sync::Arc;

use super::types::{Field, TypeKind, Types, well_known as wk};
use super::{Heap, HeapShared, TypeIx};
use super::{
    bytes, closure, count, crossing, dynamic, equal, error, format, handle, hash, list, map,
};
use super::{record, string, word};

const MAP_INT: TypeIx = 32;
const SET_STRING: TypeIx = 33;
const NODE: TypeIx = 34;
const PAIR: TypeIx = 35;
const MAP_PAIR: TypeIx = 36;
const SHAPE: TypeIx = 37;
const CIRCLE: TypeIx = 38;
const POINT: TypeIx = 39;
const RECORD: TypeIx = 40;
const LIST_NODE: TypeIx = 41;
const HANDLE: TypeIx = 42;
const FUNC: TypeIx = 43;
const CLOSURE: TypeIx = 44;
const MAP_ANY: TypeIx = 45;

fn field(name: &str, ty: TypeIx) -> Field {
    Field {
        name: name.into(),
        ty,
    }
}

fn types() -> Arc<Types> {
    let mut kinds = Types::well_known_kinds();
    kinds.extend([
        TypeKind::Map(wk::INT, wk::STRING),
        TypeKind::Set(wk::STRING),
        TypeKind::Record {
            name: "Node".into(),
            fields: vec![field("value", wk::INT), field("next", wk::ANY)],
        },
        TypeKind::Tuple(vec![wk::INT, wk::STRING]),
        TypeKind::Map(PAIR, wk::INT),
        TypeKind::Enum {
            name: "Shape".into(),
            first_variant: CIRCLE,
            variants: 2,
        },
        TypeKind::Variant {
            owner: SHAPE,
            name: "Circle".into(),
            fields: vec![field("0", wk::FLOAT)],
        },
        TypeKind::Variant {
            owner: SHAPE,
            name: "Point".into(),
            fields: vec![],
        },
        TypeKind::Record {
            name: "Item[Int]".into(),
            fields: vec![
                field("x", wk::INT),
                field("on", wk::BOOL),
                field("shape", SHAPE),
            ],
        },
        TypeKind::List(NODE),
        TypeKind::Handle {
            name: "Probe".into(),
        },
        TypeKind::Func {
            params: vec![wk::INT],
            result: wk::STRING,
        },
        TypeKind::Closure {
            signature: FUNC,
            captures: vec![wk::STRING, wk::INT],
        },
        TypeKind::Map(wk::ANY, wk::ANY),
    ]);
    Arc::new(Types::new(kinds).with_hash_seed(7))
}

/// Runs a test on a fresh heap and checks that nothing is left.
fn on_heap(test: impl FnOnce(&mut Heap)) {
    let mut heap = Heap::alone(types());
    test(&mut heap);
    assert_eq!(heap.live_objects(), 0, "objects left");
}

fn text(heap: &mut Heap, s: &str) -> u64 {
    string::new(heap, s).expect("room")
}

/// A chain of `n` nodes.
fn chain(heap: &mut Heap, n: i64) -> u64 {
    let mut w = word::NULL;
    for i in 0..n {
        // SAFETY: the slots match the record.
        w = unsafe { record::new(heap, NODE, &[i as u64, w]).expect("room") };
    }
    w
}

#[test]
fn deep_values_need_no_recursion() {
    on_heap(|heap| {
        // Under Miri a step takes microseconds.
        let n = if cfg!(miri) { 1_000 } else { 1_000_000 };
        let (a, b) = (chain(heap, n), chain(heap, n));
        // SAFETY: live words of type NODE.
        unsafe {
            assert!(equal::equal(heap.types(), a, b, NODE));
            assert_eq!(equal::compare(heap.types(), a, b, NODE), Ordering::Equal);
            assert_eq!(
                hash::hash(heap.types(), a, NODE),
                hash::hash(heap.types(), b, NODE)
            );
            let s = format::format(heap.types(), a, NODE);
            let (first, second) = (n - 1, n - 2);
            let start = format!("Node(value: {first}, next: Node(value: {second}, next: ");
            assert!(s.starts_with(&start));
            assert!(s.contains("next: null)))") && s.ends_with("))))"));
            count::share(heap, a);
            assert!((*word::header(a)).count() == -1);
            count::drop(heap, a);
            count::drop(heap, b);
        }
    });
}

#[test]
fn wide_values_are_freed_and_persisted() {
    let mut heap = Heap::alone(types());
    let mut w = list::new(&mut heap, LIST_NODE, 0).expect("room");
    // SAFETY: live words of the types said.
    unsafe {
        for i in 0..1000 {
            let node = chain(&mut heap, i % 7 + 1);
            list::push(&mut heap, &mut w, node).expect("room");
        }
        count::dup(w);
        count::drop(&mut heap, w);
        assert_eq!(list::len(w), 1000);
        count::drop(&mut heap, w);
        assert_eq!(heap.live_objects(), 0);
        let constant = chain(&mut heap, 10);
        count::persist(&mut heap, constant);
        assert_eq!(heap.live_objects(), 0);
        let mut copy = constant;
        record::set(&mut heap, &mut copy, 0, 99).expect("room");
        assert_ne!(copy, constant);
        assert_eq!((record::get(copy, 0), record::get(constant, 0)), (99, 9));
        count::drop(&mut heap, copy);
        count::drop(&mut heap, constant);
    }
    assert_eq!(heap.live_objects(), 0);
}

#[test]
fn a_shared_value_with_one_owner_left_is_unique_again() {
    on_heap(|heap| {
        let w = text(heap, "shared text");
        // SAFETY: a live String.
        unsafe {
            count::share(heap, w);
            count::dup(w);
            assert!(!count::is_unique(w));
            count::drop(heap, w);
            assert!(count::is_unique(w));
            count::drop(heap, w);
        }
    });
}

#[test]
fn shared_values_are_counted_across_threads() {
    let shared = HeapShared::new(types(), None);
    let mut heap = Heap::new(&shared);
    let w = chain(&mut heap, 100);
    // SAFETY: the chain is shared before it is seen by others, each of which owns a reference.
    unsafe {
        count::share(&mut heap, w);
        std::thread::scope(|s| {
            for _ in 0..4 {
                count::dup(w);
                let shared = &shared;
                s.spawn(move || {
                    let mut heap = Heap::new(shared);
                    for _ in 0..10_000 {
                        count::dup(w);
                        count::drop(&mut heap, w);
                    }
                    count::drop(&mut heap, w);
                });
            }
            count::drop(&mut heap, w);
        });
    }
    assert_eq!(heap.live_objects(), 0);
}

#[test]
fn printing_follows_the_language() {
    on_heap(|heap| {
        // SAFETY: every slot is a live value of its type.
        unsafe {
            let circle = record::new(heap, CIRCLE, &[2.0f64.to_bits()]).expect("room");
            let item = record::new(heap, RECORD, &[1, 1, circle]).expect("room");
            let types = types();
            let show = |slot, ty| format::format(&types, slot, ty);
            assert_eq!(
                show(item, RECORD),
                "Item(x: 1, on: true, shape: Circle(2.0))"
            );
            assert_eq!(show(word::immediate(POINT, 0), SHAPE), "Point");
            assert_eq!(show((-0.0f64).to_bits(), wk::FLOAT), "-0.0");
            assert_eq!(show(1e21f64.to_bits(), wk::FLOAT), "1e21");
            assert_eq!(show(0.1f64.to_bits(), wk::FLOAT), "0.1");
            assert_eq!(show(word::NULL, wk::ANY), "null");
            let s = text(heap, "a \"b\"\n");
            let pair = record::new(heap, PAIR, &[3, s]).expect("room");
            assert_eq!(show(s, wk::STRING), "a \"b\"\n");
            assert_eq!(show(pair, PAIR), r#"(3, "a \"b\"\n")"#);
            let mut m = map::new(heap, MAP_PAIR, 0).expect("room");
            map::insert(heap, &mut m, pair, 5).expect("room");
            assert_eq!(show(m, MAP_PAIR), r#"{(3, "a \"b\"\n"): 5}"#);
            let mut set = map::new(heap, SET_STRING, 0).expect("room");
            for k in ["x", "y", "x"] {
                let k = text(heap, k);
                map::insert(heap, &mut set, k, 0).expect("room");
            }
            assert_eq!(show(set, SET_STRING), r#"{"x", "y"}"#);
            let b = bytes::new(heap, &[0xca, 0xfe]).expect("room");
            assert_eq!(show(b, wk::BYTES), "b\"cafe\"");
            let e = error::new(heap, "Throw", "bad", "a.lm:1:2").expect("room");
            let es = list::from_slots(heap, wk::LIST_ERROR, &[e]).expect("room");
            assert_eq!(show(es, wk::LIST_ERROR), "[bad]");
            let capture = text(heap, "captured");
            let f = closure::new(heap, CLOSURE, 5, &[capture, 1]).expect("room");
            assert_eq!(show(f, FUNC), "<fn(Int) -> String>");
            assert_eq!(closure::function(f), 5);
            for w in [item, m, set, b, es, f] {
                count::drop(heap, w);
            }
        }
    });
}

#[test]
fn specifiers_pad_round_and_refuse() {
    let types = types();
    let show = |slot: u64, ty, spec: &str| {
        let mut out = String::new();
        let spec = format::Spec::parse(spec)?;
        // SAFETY: the slot is a value of its type.
        unsafe { format::write_spec(&types, slot, ty, &spec, &mut out)? };
        Ok::<_, String>(out)
    };
    let float = |f: f64, spec| show(f.to_bits(), wk::FLOAT, spec);
    let int = |i: i64, spec| show(i as u64, wk::INT, spec);
    assert_eq!(float(2.345, ".2").as_deref(), Ok("2.35"));
    assert_eq!(float(0.256, ".1%").as_deref(), Ok("25.6%"));
    assert_eq!(float(1234567.5, ",.2").as_deref(), Ok("1,234,567.50"));
    assert_eq!(int(42, ">8").as_deref(), Ok("      42"));
    assert_eq!(int(42, "*^6").as_deref(), Ok("**42**"));
    assert_eq!(int(-42, "06").as_deref(), Ok("-00042"));
    assert_eq!(int(255, "x").as_deref(), Ok("ff"));
    assert_eq!(int(255, "#06x").as_deref(), Ok("0x00ff"));
    assert_eq!(int(5, "+").as_deref(), Ok("+5"));
    assert_eq!(int(3, ".2").as_deref(), Ok("3.00"));
    assert_eq!(int(1, "<4").as_deref(), Ok("1   "));
    assert!(float(1.0, "x").is_err());
    assert!(int(1, "q").is_err() && int(1, ".").is_err() && int(1, "9999999999").is_err());
}

#[test]
fn dynamic_types_match() {
    on_heap(|heap| {
        let types = types();
        let s = text(heap, "some text");
        let big = record::box_int(heap, i64::MAX).expect("room");
        // SAFETY: live words.
        unsafe {
            assert!(dynamic::matches_type(&types, s, wk::JSON));
            assert!(dynamic::matches_type(&types, big, wk::INT));
            assert!(!dynamic::matches_type(&types, big, wk::FLOAT));
            assert!(dynamic::matches_type(
                &types,
                word::immediate(POINT, 0),
                SHAPE
            ));
            assert!(!dynamic::matches_type(
                &types,
                word::immediate(POINT, 0),
                CIRCLE
            ));
            assert_eq!(
                dynamic::visible_type(&types, word::immediate(POINT, 0), SHAPE),
                SHAPE
            );
            assert_eq!(record::unbox_int(big), i64::MAX);
            count::drop(heap, s);
            count::drop(heap, big);
        }
        assert_eq!(
            dynamic::type_name(&types, MAP_PAIR),
            "map[(Int, String), Int]"
        );
        assert_eq!(dynamic::type_name(&types, CLOSURE), "fn(Int) -> String");
    });
}

#[test]
fn any_keys_mix_types() {
    on_heap(|heap| {
        let mut m = map::new(heap, MAP_ANY, 0).expect("room");
        // SAFETY: live words of type Any.
        unsafe {
            for (i, key) in [Some(1.0), None, Some(2.5)].into_iter().enumerate() {
                let key = match key {
                    Some(f) => record::box_float(heap, f).expect("room"),
                    None => word::small_int(1).expect("small"),
                };
                let value = word::small_int(i as i64).expect("small");
                map::insert(heap, &mut m, key, value).expect("room");
            }
            // 1 and 1.0 are one key.
            assert_eq!(format::format(heap.types(), m, MAP_ANY), "{1.0: 1, 2.5: 2}");
            count::drop(heap, m);
        }
    });
}

#[test]
fn words_cross_to_other_fibers_without_memory() {
    let shared = HeapShared::new(types(), Some(1 << 20));
    let mut heap = Heap::new(&shared);
    let w = text(&mut heap, "a message long enough to be an object");
    while heap.alloc_slots(wk::FLOAT, 1).is_ok() {}
    // SAFETY: `w` is a String that this test owns, twice while it crosses.
    unsafe {
        let float = crossing::to_shared(&mut heap, 1.5_f64.to_bits(), wk::FLOAT);
        assert!(float.is_err(), "a Float needs a box");
        count::dup(w);
        assert_eq!(crossing::to_shared(&mut heap, w, wk::STRING), Ok(w));
        count::drop(&mut heap, w);
        assert!(count::is_unique(w));
        count::drop(&mut heap, w);
    }
}

#[test]
fn memory_failures_leave_values_intact() {
    let shared = HeapShared::new(types(), Some(1 << 20));
    let mut heap = Heap::new(&shared);
    let mut w = list::new(&mut heap, wk::LIST_STRING, 0).expect("room");
    // SAFETY: live values throughout.
    unsafe {
        let mut n = 0;
        while let Ok(s) = string::new(&mut heap, "a string of some length") {
            if list::push(&mut heap, &mut w, s).is_err() {
                break;
            }
            n += 1;
        }
        assert!(n > 5_000 && list::len(w) == n, "{n}");
        count::drop(&mut heap, w);
    }
    assert_eq!(heap.live_objects(), 0);
}

struct Probe(std::sync::Mutex<u64>);

impl handle::HandleData for Probe {
    fn describe(&self, out: &mut String) {
        out.push_str("Probe()");
    }

    fn release(this: Arc<Self>, heap: &mut Heap) {
        if let Some(probe) = Arc::into_inner(this) {
            let w = probe.0.into_inner().expect("not poisoned");
            // SAFETY: the probe owned the word.
            unsafe { count::drop(heap, w) };
        }
    }
}

#[test]
fn handles_release_what_they_hold() {
    on_heap(|heap| {
        let held = chain(heap, 1000);
        let probe = Arc::new(Probe(std::sync::Mutex::new(held)));
        let w = handle::new(heap, HANDLE, Arc::clone(&probe)).expect("room");
        // SAFETY: a live handle.
        unsafe {
            assert_eq!(format::format(heap.types(), w, HANDLE), "Probe()");
            assert!(handle::get::<Probe>(w).is_some());
            drop(probe);
            count::drop(heap, w);
        }
    });
}
