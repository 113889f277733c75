//! Strings, Bytes, formatting.

use lumen_runtime::heap::format::{Spec, write_spec};
use lumen_runtime::heap::word::NULL;
use lumen_runtime::heap::{bytes, string};
use lumen_runtime::native::{NativeCx, NativeResult, byte_slice, fail, int, resolve_index, text};

use super::containers::bounds;

/// How many characters a loop over a String is given at once.
const CHARS_AT_ONCE: usize = 256;

natives! {
    "rt.str_len(String) -> Int" => |_, args| {
        // SAFETY: a live String.
        Ok(unsafe { string::char_len(args[0]) } as u64)
    },
    "rt.str_get(String, Int) -> String" => str_get,
    "rt.str_slice(String, Int, Int, Bool) -> String" => str_slice,
    "rt.str_contains(String, String) -> Bool" => |_, args| {
        Ok(u64::from(text(&args[0]).contains(text(&args[1]))))
    },
    "rt.str_chars(mut Int, String) -> list[String]" => str_chars,
    "rt.str_append(mut String, String) -> Null" => |cx, args| {
        let tail = args[1];
        // SAFETY: a String owned by its register, and a live one.
        unsafe { string::append(cx.heap, &mut args[0], tail)? };
        Ok(NULL)
    },
    "rt.bytes_len(Bytes) -> Int" => |_, args| Ok(byte_slice(&args[0]).len() as u64),
    "rt.bytes_get(Bytes, Int) -> Int" => |cx, args| {
        let data = byte_slice(&args[0]);
        match resolve_index(int(args[1]), data.len()) {
            Some(i) => Ok(u64::from(data[i])),
            None => cx.out_of_range(int(args[1]), data.len()),
        }
    },
    "rt.bytes_slice(Bytes, Int, Int, Bool) -> Bytes" => |cx, args| {
        let data = byte_slice(&args[0]);
        let (from, to) = bounds(args, data.len())?;
        cx.bytes(&data[from..to])
    },
    "rt.bytes_append(mut Bytes, Bytes) -> Null" => |cx, args| {
        // A copy, as the tail may be the same object.
        let tail = byte_slice(&args[1]).to_vec();
        // SAFETY: a Bytes owned by its register.
        unsafe { bytes::append(cx.heap, &mut args[0], &tail)? };
        Ok(NULL)
    },
    "fmt.int(Int, String) -> String" => format,
    "fmt.float(Float, String) -> String" => format,
    "fmt.string(String, String) -> String" => format,
}

fn str_get(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: a live String.
    unsafe {
        let len = string::char_len(args[0]);
        match resolve_index(int(args[1]), len).and_then(|i| string::char_at(args[0], i)) {
            Some(c) => Ok(string::from_char(cx.heap, c)?),
            None => cx.out_of_range(int(args[1]), len),
        }
    }
}

/// The next characters from an offset on, which moves on; none and -1 at the end.
fn str_chars(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let at = int(args[0]);
    let rest = usize::try_from(at).ok();
    let rest = rest.and_then(|at| text(&args[1]).get(at..)).unwrap_or("");
    let mut width = 0;
    let some = rest.chars().take(CHARS_AT_ONCE).map(|c| {
        let start = width;
        width += c.len_utf8();
        &rest[start..width]
    });
    let list = cx.strings(some)?;
    args[0] = if width == 0 { -1 } else { at + width as i64 } as u64;
    Ok(list)
}

fn str_slice(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // SAFETY: a live String; the bounds are within it.
    unsafe {
        let len = string::char_len(args[0]);
        let (from, to) = bounds(args, len)?;
        match string::slice(cx.heap, args[0], from, to)? {
            Some(part) => Ok(part),
            None => cx.out_of_range(from as i64, len),
        }
    }
}

fn format(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let mut out = String::new();
    let written = Spec::parse(text(&args[1])).and_then(|spec| {
        // SAFETY: a live value of the parameter's type.
        unsafe { write_spec(cx.types, args[0], cx.params[0], &spec, &mut out) }
    });
    match written {
        Ok(()) => cx.string(&out),
        Err(why) => fail("Argument", why),
    }
}
