//! Bytes: building, reading, converting.

use lumen_runtime::heap::word::NULL;
use lumen_runtime::heap::{bytes, well_known};
use lumen_runtime::native::{
    NativeCx, NativeResult, byte_slice, fail, int, ints, kind, resolve_index, resolve_range, text,
};

natives! {
    "bytes.len(Bytes) -> Int" => |_, args| Ok(byte_slice(&args[0]).len() as u64),
    "bytes.length(Bytes) -> Int" => |_, args| Ok(byte_slice(&args[0]).len() as u64),
    "bytes.is_empty(Bytes) -> Bool" => |_, args| Ok(u64::from(byte_slice(&args[0]).is_empty())),
    "bytes.byte_at(Bytes, Int) -> Int" => byte_at,
    "bytes.slice(Bytes, Int, Int) -> Bytes" => slice,
    "bytes.push(mut Bytes, Int) -> Null" => push,
    "bytes.extend(mut Bytes, Bytes) -> Null" => extend,
    "bytes.concat(Bytes, Bytes) -> Bytes" => concat,
    "bytes.to_bytes(String) -> Bytes" => |cx, args| cx.bytes(text(&args[0]).as_bytes()),
    "bytes.to_bytes(list[Int]) -> Bytes" => from_ints,
    "bytes.to_list(Bytes) -> list[Int]" => to_ints,
    "bytes.decode_utf8(Bytes) -> result[String, String]" => decode_utf8,
    "bytes.decode_utf8_lossy(Bytes) -> String" => |cx, args| {
        let s = String::from_utf8_lossy(byte_slice(&args[0])).into_owned();
        cx.string(&s)
    },
}

fn byte_at(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (b, i) = (byte_slice(&args[0]), int(args[1]));
    match resolve_index(i, b.len()) {
        Some(at) => Ok(u64::from(b[at])),
        None => cx.out_of_range(i, b.len()),
    }
}

fn slice(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let b = byte_slice(&args[0]);
    let (from, to) = (int(args[1]), int(args[2]));
    match resolve_range(from, to, b.len()) {
        Some((from, to)) => cx.bytes(&b[from..to]),
        None => fail(
            kind::INDEX,
            format!("slice {from}..{to} is out of range (length {})", b.len()),
        ),
    }
}

fn byte(i: i64) -> Result<u8, lumen_runtime::native::NativeStop> {
    u8::try_from(i).or_else(|_| fail(kind::CONSTRAINT, format!("{i} is not a byte (0 to 255)")))
}

fn push(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let b = byte(int(args[1]))?;
    // SAFETY: slot 0 is an owned Bytes.
    unsafe { bytes::append(cx.heap, &mut args[0], &[b])? };
    Ok(NULL)
}

fn extend(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    // A copy, because both may be one object.
    let tail = byte_slice(&args[1]).to_vec();
    // SAFETY: slot 0 is an owned Bytes.
    unsafe { bytes::append(cx.heap, &mut args[0], &tail)? };
    Ok(NULL)
}

fn concat(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let both = [byte_slice(&args[0]), byte_slice(&args[1])].concat();
    cx.bytes(&both)
}

fn from_ints(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let b = ints(&args[0])
        .iter()
        .map(|i| byte(*i))
        .collect::<Result<Vec<u8>, _>>()?;
    cx.bytes(&b)
}

fn to_ints(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let ints: Vec<u64> = byte_slice(&args[0]).iter().map(|b| u64::from(*b)).collect();
    cx.list(well_known::LIST_INT, &ints)
}

fn decode_utf8(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    match std::str::from_utf8(byte_slice(&args[0])) {
        Ok(s) => {
            let w = cx.string(s)?;
            cx.ok(w)
        }
        Err(e) => {
            let message = format!("not UTF-8 at byte {}", e.valid_up_to());
            cx.err(&message)
        }
    }
}
