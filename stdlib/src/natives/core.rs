//! Printing, comparing, converting: what works on values of any type.

use lumen_runtime::heap::format::{Spec, write_spec, write_value};
use lumen_runtime::heap::word::NULL;
use lumen_runtime::heap::{dynamic, equal, hash, well_known};
use lumen_runtime::native::{
    NativeCx, NativeResult, NativeStop, Stream, fail, float, float_slot, int, kind, text,
};

natives! {
    "core.print[T](T) -> Null" => |cx, args| print(cx, args, Stream::Out),
    "core.eprint[T](T) -> Null" => |cx, args| print(cx, args, Stream::Err),
    "core.to_string[T](T) -> String" => to_string,
    "core.format[T](T, String) -> String" => format,
    "core.type_of[T](T) -> String" => type_of,
    "core.compare[T](T, T) -> Int" => compare,
    "core._compare[T](T, T) -> Int" => compare,
    "core.hash[T](T) -> Int" => hash_value,
    "core.to_int(Int) -> Int" => |_, args| Ok(args[0]),
    "core.to_int(Bool) -> Int" => |_, args| Ok(args[0]),
    "core.to_int(Float) -> Int" => float_to_int,
    "core.to_int(String) -> Int?" => string_to_int,
    "core.to_float(Float) -> Float" => |_, args| Ok(args[0]),
    "core.to_float(Int) -> Float" => |_, args| Ok(float_slot(int(args[0]) as f64)),
    "core.to_float(String) -> Float?" => string_to_float,
    "core.parse_int(String) -> result[Int, String]" => parse_int,
    "core.parse_int_radix(String, Int) -> result[Int, String]" => parse_int_radix,
    "core.parse_float(String) -> result[Float, String]" => parse_float,
    "core.exit(Int) -> Never" => |_, args| Err(NativeStop::Exit(int(args[0]) as i32)),
    "core.worker_count() -> Int" => |cx, _| {
        Ok(cx.fiber.map_or(cx.host.workers(), |f| f.worker_count()) as u64)
    },
}

fn print(cx: &mut NativeCx<'_>, args: &mut [u64], stream: Stream) -> NativeResult {
    let mut line = String::new();
    // SAFETY: the slot is a value of the parameter's type.
    unsafe { write_value(cx.types, args[0], cx.params[0], &mut line) };
    line.push('\n');
    match cx.host.write(stream, &line) {
        Ok(()) => Ok(NULL),
        Err(message) => fail(kind::IO, message),
    }
}

fn to_string(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    if cx.params[0] == well_known::STRING {
        return Ok(cx.copy(args[0], well_known::STRING));
    }
    let s = cx.format(args[0], cx.params[0]);
    cx.string(&s)
}

fn format(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let mut out = String::new();
    let written = Spec::parse(text(&args[1])).and_then(|spec| {
        // SAFETY: the slot is a value of the parameter's type.
        unsafe { write_spec(cx.types, args[0], cx.params[0], &spec, &mut out) }
    });
    match written {
        Ok(()) => cx.string(&out),
        Err(message) => fail("Format", message),
    }
}

fn type_of(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: the slot is a value of the parameter's type.
    let ty = unsafe { dynamic::visible_type(cx.types, args[0], cx.params[0]) };
    let name = dynamic::type_name(cx.types, ty);
    cx.string(&name)
}

fn compare(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: both slots are values of the parameter's type.
    let order = unsafe { equal::compare(cx.types, args[0], args[1], cx.params[0]) };
    Ok(order as i64 as u64)
}

fn hash_value(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: the slot is a value of the parameter's type.
    Ok(unsafe { hash::hash(cx.types, args[0], cx.params[0]) } >> 1)
}

/// The whole part of a Float, if it is an Int.
pub(super) fn whole(f: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (-LIMIT..LIMIT).contains(&f).then_some(f as i64)
}

fn float_to_int(_: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let f = float(args[0]);
    match whole(f) {
        Some(i) => Ok(i as u64),
        None => fail(kind::CAST, format!("{f:?} is not within the range of Int")),
    }
}

fn string_to_int(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    match text(&args[0]).trim().replace('_', "").parse::<i64>() {
        Ok(i) => cx.word(i as u64, well_known::INT),
        Err(_) => Ok(NULL),
    }
}

fn string_to_float(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    match text(&args[0]).trim().parse::<f64>() {
        Ok(f) => cx.word(float_slot(f), well_known::FLOAT),
        Err(_) => Ok(NULL),
    }
}

fn parse_int(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let parsed = parse_radix(text(&args[0]), 10);
    give_int(cx, parsed)
}

fn parse_int_radix(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let parsed = match int(args[1]) {
        radix @ 2..=36 => parse_radix(text(&args[0]), radix as u32),
        radix => Err(format!("{radix} is not a radix: it must be from 2 to 36")),
    };
    give_int(cx, parsed)
}

fn give_int(cx: &mut NativeCx<'_>, parsed: Result<i64, String>) -> NativeResult {
    match parsed {
        Ok(i) => cx.ok(i as u64),
        Err(message) => cx.err(&message),
    }
}

fn parse_radix(s: &str, radix: u32) -> Result<i64, String> {
    use std::num::IntErrorKind::{Empty, NegOverflow, PosOverflow};
    let shown = shorten(s);
    i64::from_str_radix(s.trim(), radix).map_err(|e| match e.kind() {
        PosOverflow | NegOverflow => format!("\"{shown}\" does not fit in an Int"),
        Empty => "an empty text is not an Int".to_owned(),
        _ => format!("\"{shown}\" is not an Int"),
    })
}

fn parse_float(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let s = text(&args[0]);
    match s.trim().parse::<f64>() {
        Ok(f) => cx.ok(float_slot(f)),
        Err(_) => {
            let message = format!("\"{}\" is not a Float", shorten(s));
            cx.err(&message)
        }
    }
}

/// A text as a message shows it.
pub(super) fn shorten(s: &str) -> String {
    match s.char_indices().nth(40) {
        Some((i, _)) => format!("{}…", &s[..i]),
        None => s.to_owned(),
    }
}
