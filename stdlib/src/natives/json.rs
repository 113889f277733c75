//! JSON: the natives over [`crate::json`].

use lumen_runtime::heap::{TypeIx, count, well_known};
use lumen_runtime::native::{Failure, NativeCx, NativeResult, fail, int, kind, text};

use crate::json::{JsonError, Layout, build, parse, write};

natives! {
    "json.parse_json(String) -> result[Json, String]" => parse_json,
    "json.from_json[T](String) -> result[T, String]" => from_text,
    "json.from_json[T](Json) -> result[T, String]" => from_value,
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

/// The type of `ok`'s payload in the result type.
fn wanted(cx: &NativeCx<'_>) -> TypeIx {
    let ok = cx.types.variant(cx.result, "ok");
    ok.and_then(|v| cx.types.fields(v).first())
        .map_or(well_known::JSON, |f| f.ty)
}

fn from_text(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let ty = wanted(cx);
    let built = parse(cx.heap, text(&args[0])).and_then(|json| {
        // SAFETY: the Json just made; it is dropped when it has been used.
        unsafe {
            let built = build(cx.heap, cx.types, json, ty);
            count::drop(cx.heap, json);
            built
        }
    });
    give(cx, built)
}

fn from_value(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let ty = wanted(cx);
    // SAFETY: slot 0 is a live Json.
    let built = unsafe { build(cx.heap, cx.types, args[0], ty) };
    give(cx, built)
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
