//! Standard input and output.

use lumen_runtime::heap::word::NULL;
use lumen_runtime::native::{NativeCx, NativeResult, NativeStop, Stream, fail, kind, text};

natives! {
    "io.write(String) -> Null" => |cx, args| write(cx, args, Stream::Out),
    "io.write_error(String) -> Null" => |cx, args| write(cx, args, Stream::Err),
    "io.read_line() -> String?" => read_line,
    "io.read_all() -> String" => read_all,
    "io.read_all_bytes() -> Bytes" => |cx, _| {
        let all = cx.host.read_rest().or_else(io_failure)?;
        cx.bytes(&all)
    },
    "io.args() -> list[String]" => |cx, _| {
        let args = cx.host.arguments();
        cx.strings(args)
    },
    "io.read_file(String) -> String" => super::fs::read_file,
    "io.write_file(String, String) -> Null" => super::fs::write_file,
    "io.append_file(String, String) -> Null" => super::fs::append_file,
    "io.env(String) -> String?" => super::env::env,
    "io.now() -> Int" => |cx, _| Ok((cx.now_ns() / 1_000_000) as u64),
    "io.now_ns() -> Int" => |cx, _| Ok(cx.now_ns() as u64),
    "io.timestamp() -> Int" => |cx, _| Ok(cx.host.timestamp_ms() as u64),
    "io.random() -> Float" => super::random::float,
    "io.random_int(Int, Int) -> Int" => super::random::in_range,
    "io.uuid() -> String" => super::random::uuid,
}

/// A failure of kind `Io`.
pub(super) fn io_failure<T>(message: String) -> Result<T, NativeStop> {
    fail(kind::IO, message)
}

fn write(cx: &mut NativeCx<'_>, args: &mut [u64], stream: Stream) -> NativeResult {
    cx.host.write(stream, text(&args[0])).or_else(io_failure)?;
    Ok(NULL)
}

fn read_line(cx: &mut NativeCx<'_>, _: &mut [u64]) -> NativeResult {
    match cx.host.read_line().or_else(io_failure)? {
        Some(line) => cx.string(&line),
        None => Ok(NULL),
    }
}

fn read_all(cx: &mut NativeCx<'_>, _: &mut [u64]) -> NativeResult {
    let all = cx.host.read_rest().or_else(io_failure)?;
    match String::from_utf8(all) {
        Ok(s) => cx.string(&s),
        Err(e) => {
            let at = e.utf8_error().valid_up_to();
            fail(kind::IO, format!("standard input is not UTF-8 (byte {at})"))
        }
    }
}
