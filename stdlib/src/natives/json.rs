//! JSON: the natives over [`crate::json`].

use lumen_runtime::native::{Failure, NativeCx, NativeResult, fail, int, kind, text};

use crate::json::{JsonError, Layout, build, build_key, mismatch, parse, write};

natives! {
    "json.parse_json(String) -> result[Json, String]" => parse_json,
    "json._json_read[T](Json, Bool) -> T" => read,
    "json._json_key[T](String) -> T" => key,
    "json._json_mismatch[T](Json) -> T" => refuse,
    "json.to_json[T](T) -> String" => |cx, args| to_text(cx, args, Layout::Compact),
    "json.to_json_pretty[T](T, Int) -> String" => |cx, args| {
        let layout = Layout::Pretty(int(args[1]).clamp(0, 16) as usize);
        to_text(cx, args, layout)
    },
    "json.to_json_value[T](T) -> Json" => to_value,
}

/// `ok(slot)`, or `err(message)`; lack of memory is a failure.
fn give(cx: &mut NativeCx<'_>, built: Result<u64, JsonError>) -> NativeResult {
    match built {
        Ok(slot) => cx.ok(slot),
        Err(JsonError::Invalid(message)) => cx.err(&message),
        Err(JsonError::Memory) => Err(Failure::out_of_memory().into()),
    }
}

fn parse_json(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let parsed = parse(cx.heap, text(&args[0]));
    give(cx, parsed)
}

/// The kind of failures that say where a value does not fit.
const KIND: &str = "Json";

/// A value read, or a failure.
fn raise(built: Result<u64, JsonError>) -> NativeResult {
    match built {
        Ok(slot) => Ok(slot),
        Err(JsonError::Invalid(message)) => fail(KIND, message),
        Err(JsonError::Memory) => Err(Failure::out_of_memory().into()),
    }
}

fn read(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let strict = args[1] != 0;
    // SAFETY: slot 0 is a live Json.
    raise(unsafe { build(cx.heap, cx.types, args[0], cx.result, strict) })
}

fn key(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: slot 0 is a live String.
    raise(unsafe { build_key(cx.heap, cx.types, args[0], cx.result) })
}

fn refuse(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: slot 0 is a live Json.
    raise(unsafe { mismatch(cx.heap, cx.types, args[0], cx.result) })
}

fn text_of(cx: &NativeCx<'_>, args: &[u64], layout: Layout) -> Result<String, Failure> {
    // SAFETY: the slot is a value of the parameter's type.
    unsafe { write(cx.types, args[0], cx.params[0], layout) }
        .map_err(|message| Failure::new(kind::CAST, message))
}

fn to_text(cx: &mut NativeCx<'_>, args: &mut [u64], layout: Layout) -> NativeResult {
    let s = text_of(cx, args, layout)?;
    cx.string(&s)
}

fn to_value(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let s = text_of(cx, args, Layout::Compact)?;
    match parse(cx.heap, &s) {
        Ok(w) => Ok(w),
        Err(JsonError::Memory) => Err(Failure::out_of_memory().into()),
        Err(JsonError::Invalid(message)) => fail(kind::CAST, message),
    }
}
