//! JSON in both directions.

use lumen_runtime::heap::types::well_known as wk;
use lumen_runtime::heap::{TypeIx, count};

use super::natives::{Caller, MAP, NUMBER, PAIR, RESULT, SET_INT, SHAPES, USER};
use crate::json::{JsonError, Layout, build, parse, write};

/// Parses, makes a value of type `ty`, and writes it back.
fn through(text: &str, ty: TypeIx, layout: Layout) -> Result<String, String> {
    let mut c = Caller::new();
    let types = c.types.clone();
    let out = (|| {
        let json = parse(&mut c.heap, text).map_err(|e| e.to_string())?;
        // SAFETY: live values of the types said, dropped when they have been used.
        unsafe {
            let built = build(&mut c.heap, &types, json, ty, false).map_err(|e| e.to_string());
            count::drop(&mut c.heap, json);
            let slot = built?;
            let out = write(&types, slot, ty, layout);
            c.drop((slot, ty));
            out
        }
    })();
    assert_eq!(c.heap.live_objects(), 0, "{text}");
    out
}

fn compact(text: &str, ty: TypeIx) -> String {
    through(text, ty, Layout::Compact).expect(text)
}

#[test]
fn any_json_goes_through() {
    for text in [
        "null",
        "[true,false,1,-9223372036854775808,2.5,1e300,\"a\\\"\\\\\\n\\u0001é\"]",
        "{\"a\":{\"b\":[]},\"c\":{}}",
        "[9223372036854775807,4611686018427387904,0.1]",
    ] {
        assert_eq!(compact(text, wk::JSON), text);
    }
    assert_eq!(compact(" [ 1 , 2.0 ] ", wk::JSON), "[1,2.0]");
    assert_eq!(
        compact("18446744073709551616", wk::JSON),
        "1.8446744073709552e19"
    );
    assert_eq!(
        compact(r#"{"a":1,"b":2,"a":3}"#, wk::JSON),
        r#"{"a":3,"b":2}"#
    );
}

#[test]
fn bad_texts_are_refused() {
    for text in [
        "",
        "[1",
        "[1,]",
        "{\"a\"}",
        "{1:2}",
        "nul",
        "1 2",
        "\"\u{1}\"",
        "[1}",
        "\"\\x\"",
    ] {
        let message = through(text, wk::JSON, Layout::Compact).expect_err(text);
        assert!(message.contains("line 1"), "{text}: {message}");
    }
    let deep = "[".repeat(100_000);
    assert!(through(&deep, wk::JSON, Layout::Compact).is_err());
}

#[test]
fn typed_values() {
    assert_eq!(compact("[1,2.0]", wk::LIST_INT), "[1,2]");
    assert_eq!(compact("[1,2.5]", wk::LIST_FLOAT), "[1.0,2.5]");
    assert_eq!(compact("[true]", wk::LIST_BOOL), "[true]");
    assert_eq!(compact("[3,1,3]", SET_INT), "[3,1]");
    assert_eq!(compact(r#"{"x":1}"#, MAP), r#"{"x":1}"#);
    assert_eq!(compact(r#"["a",1]"#, PAIR), r#"["a",1]"#);
    assert_eq!(
        compact(r#"{"tags":["x"],"name":"Ada","more":0}"#, USER),
        r#"{"name":"Ada","age":null,"tags":["x"]}"#
    );
    let shapes = r#"["Dot",{"Circle":2.0},{"Box":{"w":1,"h":2}},{"Two":[3,4]}]"#;
    assert_eq!(compact(shapes, SHAPES), shapes);
    assert_eq!(compact(r#"{"err":"bad"}"#, RESULT), r#"{"err":"bad"}"#);
    assert_eq!(compact("2.5", NUMBER), "2.5");
    assert_eq!(compact("null", NUMBER), "null");
    assert_eq!(compact(r#""aGk=""#, wk::BYTES), r#""aGk=""#);
}

#[test]
fn mismatches_say_where() {
    let fails = |text: &str, ty| through(text, ty, Layout::Compact).expect_err(text);
    assert_eq!(
        fails("[1,true]", wk::LIST_INT),
        "$[1]: expected Int, found Bool"
    );
    assert_eq!(fails("1.5", wk::INT), "$: expected Int, found Float");
    assert_eq!(
        fails(r#"{"a":[]}"#, MAP),
        "$.a: expected Int, found an array"
    );
    assert_eq!(fails(r#"{"name":"x"}"#, USER), "$: field `tags` is missing");
    assert_eq!(
        fails(r#"{"name":"x","age":"old","tags":[]}"#, USER),
        "$.age: expected Int, found String"
    );
    assert_eq!(fails(r#"["a"]"#, PAIR), "$: expected 2 elements, found 1");
    assert_eq!(
        fails(r#"["Square"]"#, SHAPES),
        "$[0]: Shape has no variant `Square`"
    );
    assert_eq!(
        fails(r#"[{"Dot":1}]"#, SHAPES),
        "$[0]: the payload of variant `Dot` does not fit"
    );
    assert_eq!(
        fails("\"x\"", NUMBER),
        "$: expected Int | Float | Null, found String"
    );
}

#[test]
fn pretty_text_is_indented() {
    let shown = through(
        r#"{"a":[1,{"b":null}],"c":[],"d":{}}"#,
        wk::JSON,
        Layout::Pretty(2),
    );
    let wanted = "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \
                  \"c\": [],\n  \"d\": {}\n}";
    assert_eq!(shown.as_deref(), Ok(wanted));
    let shapes = r#"["Dot",{"Circle":2.0},{"Box":{"w":1,"h":2}},{"Two":[3,4]}]"#;
    let pretty = through(shapes, SHAPES, Layout::Pretty(1)).expect("written");
    assert_eq!(
        pretty,
        "[\n \"Dot\",\n {\n  \"Circle\": 2.0\n },\n \
         {\n  \"Box\": {\n   \"w\": 1,\n   \"h\": 2\n  }\n },\n \
         {\n  \"Two\": [\n   3,\n   4\n  ]\n }\n]"
    );
    assert_eq!(compact(&pretty, SHAPES), shapes);
}

#[test]
fn errors_print() {
    assert_eq!(JsonError::Memory.to_string(), "out of memory");
}
