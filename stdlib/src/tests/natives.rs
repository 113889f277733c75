//! Natives called as the virtual machine calls them. Every test ends with an empty heap.

use std::sync::Arc;

use lumen_runtime::heap::types::{Field, TypeKind, well_known as wk};
use lumen_runtime::heap::{Heap, Repr, TypeIx, Types, count, format, list, string};
use lumen_runtime::native::{Host, NativeCx, NativeStop, Stream};

pub(super) const RESULT: TypeIx = 32; // result[Int, String], ok = 33, err = 34
pub(super) const OPTIONAL_INT: TypeIx = 35;
pub(super) const SET_INT: TypeIx = 36;
pub(super) const MAP: TypeIx = 37; // map[String, Int]
pub(super) const PAIR: TypeIx = 38; // (String, Int)
pub(super) const PAIRS: TypeIx = 39;
pub(super) const SHAPE: TypeIx = 40; // Dot | Circle(Float) | Box(w: Int, h: Int) | Two(Int, Int)
pub(super) const USER: TypeIx = 45;
pub(super) const SHAPES: TypeIx = 46;
pub(super) const RESULT_BYTES: TypeIx = 47; // ok = 48, err = 49
pub(super) const NUMBER: TypeIx = 50; // Int | Float | Null

fn field(name: &str, ty: TypeIx) -> Field {
    Field {
        name: name.into(),
        ty,
    }
}

pub(super) fn types() -> Arc<Types> {
    let variant = |owner, name: &str, fields: Vec<Field>| TypeKind::Variant {
        owner,
        name: name.into(),
        fields,
    };
    let of = |name: &str, first_variant, variants| TypeKind::Enum {
        name: name.into(),
        first_variant,
        variants,
    };
    let mut kinds = Types::well_known_kinds();
    kinds.extend([
        of("result[Int, String]", 33, 2),
        variant(RESULT, "ok", vec![field("0", wk::INT)]),
        variant(RESULT, "err", vec![field("0", wk::STRING)]),
        TypeKind::Union(vec![wk::INT, wk::NULL]),
        TypeKind::Set(wk::INT),
        TypeKind::Map(wk::STRING, wk::INT),
        TypeKind::Tuple(vec![wk::STRING, wk::INT]),
        TypeKind::List(PAIR),
        of("Shape", 41, 4),
        variant(SHAPE, "Dot", vec![]),
        variant(SHAPE, "Circle", vec![field("0", wk::FLOAT)]),
        variant(SHAPE, "Box", vec![field("w", wk::INT), field("h", wk::INT)]),
        variant(SHAPE, "Two", vec![field("0", wk::INT), field("1", wk::INT)]),
        TypeKind::Record {
            name: "User".into(),
            fields: vec![
                field("name", wk::STRING),
                field("age", OPTIONAL_INT),
                field("tags", wk::LIST_STRING),
            ],
        },
        TypeKind::List(SHAPE),
        of("result[Bytes, String]", 48, 2),
        variant(RESULT_BYTES, "ok", vec![field("0", wk::BYTES)]),
        variant(RESULT_BYTES, "err", vec![field("0", wk::STRING)]),
        TypeKind::Union(vec![wk::INT, wk::FLOAT, wk::NULL]),
    ]);
    Arc::new(Types::new(kinds))
}

pub(super) struct Nowhere;

impl Host for Nowhere {
    fn arguments(&self) -> &[String] {
        &[]
    }
    fn write(&self, _: Stream, _: &str) -> Result<(), String> {
        Err("closed".to_owned())
    }
    fn read_line(&self) -> Result<Option<String>, String> {
        Ok(None)
    }
    fn read_rest(&self) -> Result<Vec<u8>, String> {
        Ok(vec![0xff])
    }
    fn now_ns(&self) -> i64 {
        5_000_000
    }
    fn timestamp_ms(&self) -> i64 {
        7
    }
    fn random(&self) -> u64 {
        u64::MAX
    }
}

/// An argument or result: its slot and its type.
pub(super) type Typed = (u64, TypeIx);

pub(super) struct Caller {
    pub(super) heap: Heap,
    pub(super) types: Arc<Types>,
}

impl Caller {
    pub(super) fn new() -> Caller {
        let types = types();
        Caller {
            heap: Heap::alone(Arc::clone(&types)),
            types,
        }
    }

    pub(super) fn text(&mut self, s: &str) -> Typed {
        (string::new(&mut self.heap, s).expect("room"), wk::STRING)
    }

    pub(super) fn ints(&mut self, xs: &[i64]) -> Typed {
        let slots: Vec<u64> = xs.iter().map(|x| *x as u64).collect();
        // SAFETY: Ints are the elements of a list[Int].
        (
            unsafe { list::from_slots(&mut self.heap, wk::LIST_INT, &slots) }.expect("room"),
            wk::LIST_INT,
        )
    }

    pub(super) fn drop(&mut self, (slot, ty): Typed) {
        if self.types.repr(ty) == Repr::Word {
            // SAFETY: the test owns the value.
            unsafe { count::drop(&mut self.heap, slot) }
        }
    }

    pub(super) fn show(&self, (slot, ty): Typed) -> String {
        // SAFETY: a live value of its type.
        unsafe { format::format(&self.types, slot, ty) }
    }

    /// Calls a native and drops its arguments. In front of the printed result stands the new value
    /// of a `mut` argument; a failure prints as `Kind: message`.
    pub(super) fn call(&mut self, key: &str, args: &[Typed], result: TypeIx) -> String {
        let native = crate::native(key).expect(key);
        let params: Vec<TypeIx> = args.iter().map(|a| a.1).collect();
        let mut slots: Vec<u64> = args.iter().map(|a| a.0).collect();
        let types = Arc::clone(&self.types);
        let mut cx = NativeCx {
            heap: &mut self.heap,
            types: &types,
            params: &params,
            result,
            host: &Nowhere,
            fiber: None,
            machine: None,
        };
        let outcome = (native.func)(&mut cx, &mut slots);
        let mut shown = match outcome {
            Ok(slot) => {
                let shown = self.show((slot, result));
                self.drop((slot, result));
                shown
            }
            Err(NativeStop::Failed(f)) => format!("{}: {}", f.kind, f.message),
            Err(other) => format!("{other:?}"),
        };
        if key.contains("(mut ") {
            shown = format!("{} {shown}", self.show((slots[0], params[0])));
        }
        for (slot, ty) in slots.into_iter().zip(params) {
            self.drop((slot, ty));
        }
        assert_eq!(self.heap.live_objects(), 0, "{key} leaves objects");
        shown
    }
}

fn int(i: i64) -> Typed {
    (i as u64, wk::INT)
}

#[test]
fn lists_change_in_place_or_by_copy() {
    let mut c = Caller::new();
    let xs = c.ints(&[3, 1, 2]);
    assert_eq!(
        c.call("list.sort[T](mut list[T]) -> Null", &[xs], wk::NULL),
        "[1, 2, 3] null"
    );
    let xs = c.ints(&[1, 2]);
    let pushed = c.call(
        "list.push[T](mut list[T], T) -> Null",
        &[xs, int(7)],
        wk::NULL,
    );
    assert_eq!(pushed, "[1, 2, 7] null");
    let xs = c.ints(&[1, 2]);
    assert_eq!(
        c.call("list.pop[T](mut list[T]) -> T?", &[xs], OPTIONAL_INT),
        "[1] 2"
    );
    let xs = c.ints(&[]);
    assert_eq!(
        c.call("list.pop[T](mut list[T]) -> T?", &[xs], OPTIONAL_INT),
        "[] null"
    );
    let xs = c.ints(&[1, 2]);
    let failed = c.call(
        "list.remove[T](mut list[T], Int) -> T",
        &[xs, int(2)],
        wk::INT,
    );
    assert_eq!(failed, "[1, 2] Index: index 2 is out of range (length 2)");
    let xs = c.ints(&[1, 2]);
    let removed = c.call(
        "list.remove[T](mut list[T], Int) -> T",
        &[xs, int(-1)],
        wk::INT,
    );
    assert_eq!(removed, "[1] 2");
    let xs = c.ints(&[1, 3]);
    let inserted = c.call(
        "list.insert[T](mut list[T], Int, T) -> Null",
        &[xs, int(1), int(2)],
        wk::NULL,
    );
    assert_eq!(inserted, "[1, 2, 3] null");
    let xs = c.ints(&[1, 2, 3]);
    let shown = c.call("list.reversed[T](list[T]) -> list[T]", &[xs], wk::LIST_INT);
    assert_eq!(shown, "[3, 2, 1]");
}

#[test]
fn lists_answer_questions() {
    let mut c = Caller::new();
    let xs = c.ints(&[5, 6, 5]);
    let key = "list.last_index_of[T](list[T], T) -> Int?";
    assert_eq!(c.call(key, &[xs, int(5)], OPTIONAL_INT), "2");
    let xs = c.ints(&[5, 6, 5]);
    assert_eq!(
        c.call("list.unique[T](list[T]) -> list[T]", &[xs], wk::LIST_INT),
        "[5, 6]"
    );
    let xs = c.ints(&[5, 6, 5]);
    assert_eq!(
        c.call("list.to_set[T](list[T]) -> set[T]", &[xs], SET_INT),
        "{5, 6}"
    );
    let xs = c.ints(&[i64::MAX, 1, -1]);
    assert_eq!(
        c.call("list.sum(list[Int]) -> Int", &[xs], wk::INT),
        i64::MAX.to_string()
    );
    let xs = c.ints(&[i64::MAX, 1]);
    let failed = c.call("list.sum(list[Int]) -> Int", &[xs], wk::INT);
    assert_eq!(failed, "Overflow: integer overflow in sum");
    let range = "list.range(Int, Int, Int) -> list[Int]";
    assert_eq!(
        c.call(range, &[int(10), int(0), int(-3)], wk::LIST_INT),
        "[10, 7, 4, 1]"
    );
    assert_eq!(
        c.call(
            range,
            &[int(i64::MIN), int(i64::MAX), int(i64::MAX)],
            wk::LIST_INT
        ),
        "[-9223372036854775808, -1, 9223372036854775806]"
    );
    assert_eq!(
        c.call(range, &[int(i64::MIN), int(i64::MAX), int(1)], wk::LIST_INT),
        "Memory: out of memory"
    );
    let xs = c.ints(&[1, 2]);
    let sep = c.text(" + ");
    assert_eq!(
        c.call(
            "list.join[T](list[T], String) -> String",
            &[xs, sep],
            wk::STRING
        ),
        "1 + 2"
    );
}

#[test]
fn maps_and_sets() {
    let mut c = Caller::new();
    let pair = |c: &mut Caller, k: &str, v: i64| {
        let k = c.text(k).0;
        // SAFETY: the slots match the tuple.
        unsafe { lumen_runtime::heap::record::new(&mut c.heap, PAIR, &[k, v as u64]) }
            .expect("room")
    };
    let make = |c: &mut Caller| {
        let pairs = [pair(c, "a", 1), pair(c, "long key b", 2)];
        // SAFETY: pairs are the elements.
        (
            unsafe { list::from_slots(&mut c.heap, PAIRS, &pairs) }.expect("room"),
            PAIRS,
        )
    };
    let pairs = make(&mut c);
    let to_map = "map.to_map[K, V](list[(K, V)]) -> map[K, V]";
    assert_eq!(
        c.call(to_map, &[pairs], MAP),
        r#"{"a": 1, "long key b": 2}"#
    );
    let pairs = make(&mut c);
    let mut slots = [pairs.0];
    let types = Arc::clone(&c.types);
    let native = crate::native(to_map).expect("declared");
    let mut cx = NativeCx {
        heap: &mut c.heap,
        types: &types,
        params: &[PAIRS],
        result: MAP,
        host: &Nowhere,
        fiber: None,
        machine: None,
    };
    let m = (native.func)(&mut cx, &mut slots).expect("a map");
    c.drop(pairs);
    // SAFETY: a second reference for the next call.
    unsafe { count::dup(m) };
    let a = c.text("long key b");
    // The first call drops only one reference, so objects are left until the second.
    let native = crate::native("map.remove[K, V](mut map[K, V], K) -> V?").expect("declared");
    let params = [MAP, wk::STRING];
    let mut slots = [m, a.0];
    let mut cx = NativeCx {
        heap: &mut c.heap,
        types: &types,
        params: &params,
        result: OPTIONAL_INT,
        host: &Nowhere,
        fiber: None,
        machine: None,
    };
    let removed = (native.func)(&mut cx, &mut slots).expect("a value");
    assert_eq!(c.show((removed, OPTIONAL_INT)), "2");
    assert_eq!(c.show((slots[0], MAP)), r#"{"a": 1}"#);
    assert_eq!(c.show((m, MAP)), r#"{"a": 1, "long key b": 2}"#);
    c.drop((slots[0], MAP));
    c.drop(a);
    let entries = "map.entries[K, V](map[K, V]) -> list[(K, V)]";
    assert_eq!(
        c.call(entries, &[(m, MAP)], PAIRS),
        r#"[("a", 1), ("long key b", 2)]"#
    );
}

#[test]
fn numbers_and_texts() {
    let mut c = Caller::new();
    let mut one = |key: &str, s: &str, result| {
        let s = c.text(s);
        c.call(key, &[s], result)
    };
    let parse_int = "core.parse_int(String) -> result[Int, String]";
    assert_eq!(one(parse_int, " 42 ", RESULT), "ok(42)");
    assert_eq!(
        one(parse_int, "4x", RESULT),
        r#"err("\"4x\" is not an Int")"#
    );
    assert_eq!(
        one(parse_int, "9223372036854775808", RESULT),
        r#"err("\"9223372036854775808\" does not fit in an Int")"#
    );
    assert_eq!(
        one("core.to_int(String) -> Int?", "1_000", OPTIONAL_INT),
        "1000"
    );
    assert_eq!(one("core.to_int(String) -> Int?", "", OPTIONAL_INT), "null");
    assert_eq!(
        one("string.upper(String) -> String", "straße", wk::STRING),
        "STRASSE"
    );
    assert_eq!(
        one("string.reverse(String) -> String", "e\u{301}a", wk::STRING),
        "ae\u{301}"
    );
    assert_eq!(
        one(
            "string.chars(String) -> list[String]",
            "añ",
            wk::LIST_STRING
        ),
        r#"["a", "ñ"]"#
    );
    assert_eq!(
        one(
            "string.lines(String) -> list[String]",
            "a\r\nb\n",
            wk::LIST_STRING
        ),
        r#"["a", "b"]"#
    );
    let decode = "encoding.base64_decode(String) -> result[Bytes, String]";
    assert_eq!(one(decode, "aGk=", RESULT_BYTES), r#"ok(b"6869")"#);
}

#[test]
fn numbers_are_checked() {
    let mut c = Caller::new();
    let x = (2.9f64.to_bits(), wk::FLOAT);
    assert_eq!(c.call("core.to_int(Float) -> Int", &[x], wk::INT), "2");
    let x = (f64::NAN.to_bits(), wk::FLOAT);
    let failed = c.call("math.floor(Float) -> Int", &[x], wk::INT);
    assert_eq!(failed, "Cast: NaN is not within the range of Int");
    let pow = "math.pow(Int, Int) -> Int";
    assert_eq!(
        c.call(pow, &[int(2), int(62)], wk::INT),
        (1i64 << 62).to_string()
    );
    assert_eq!(
        c.call(pow, &[int(2), int(63)], wk::INT),
        "Overflow: integer overflow in pow"
    );
    assert_eq!(c.call(pow, &[int(-1), int(i64::MAX)], wk::INT), "-1");
}

#[test]
fn texts_are_filled() {
    let mut c = Caller::new();
    let s = c.text("ab");
    let padded = [s, int(5), c.text("-=")];
    let key = "string.center(String, Int, String) -> String";
    assert_eq!(c.call(key, &padded, wk::STRING), "-ab-=");
    let s = c.text("ab");
    let repeat = "string.repeat(String, Int) -> String";
    assert_eq!(
        c.call(repeat, &[s, int(i64::MAX)], wk::STRING),
        "Memory: out of memory"
    );
}

#[test]
fn the_outside_world_fails_with_io() {
    let mut c = Caller::new();
    let path = c.text("/no/such/file");
    let failed = c.call("io.read_file(String) -> String", &[path], wk::STRING);
    assert_eq!(
        failed,
        "Io: cannot read /no/such/file: no such file or directory"
    );
    assert_eq!(
        c.call("core.print[T](T) -> Null", &[int(1)], wk::NULL),
        "Io: closed"
    );
    let failed = c.call("io.read_all() -> String", &[], wk::STRING);
    assert_eq!(failed, "Io: standard input is not UTF-8 (byte 0)");
    assert_eq!(
        c.call("io.uuid() -> String", &[], wk::STRING),
        "ffffffff-ffff-4fff-bfff-ffffffffffff"
    );
    assert_eq!(
        c.call("io.random() -> Float", &[], wk::FLOAT),
        "0.9999999999999999"
    );
    let bounds = [int(i64::MIN), int(i64::MAX)];
    let n = c.call("io.random_int(Int, Int) -> Int", &bounds, wk::INT);
    assert_eq!(n, i64::MAX.to_string());
    let failed = c.call("io.random_int(Int, Int) -> Int", &[int(2), int(1)], wk::INT);
    assert_eq!(failed, "Constraint: empty range 2..=1");
    let name = c.text("A=B\0");
    assert_eq!(
        c.call("io.env(String) -> String?", &[name], wk::STRING),
        "null"
    );
}

#[test]
fn regular_expressions_count_characters() {
    let mut c = Caller::new();
    let args = [c.text("([a-z])|([0-9]+)"), c.text("é12x"), (1, wk::BOOL)];
    let spans = c.call(
        "regex._find_spans(String, String, Bool) -> list[Int]",
        &args,
        wk::LIST_INT,
    );
    assert_eq!(spans, "[1, 3, -1, -1, 1, 3, 3, 4, 3, 4, -1, -1]");
    let bad = c.text("(a");
    let message = c.call(
        "regex._check_pattern(String) -> String?",
        &[bad],
        wk::STRING,
    );
    assert_eq!(message, "unclosed group");
    let args = [c.text("(a"), c.text("a")];
    let failed = c.call("regex._test(String, String) -> Bool", &args, wk::BOOL);
    assert_eq!(failed, "Regex: invalid pattern: unclosed group");
}
