//! Base64, hexadecimal and percent encoding.

use lumen_runtime::native::{NativeCx, NativeResult, byte_slice, text};

natives! {
    "encoding.base64_encode(String) -> String" => |cx, args| {
        cx.string(&base64(text(&args[0]).as_bytes(), STANDARD, true))
    },
    "encoding.base64_encode(Bytes) -> String" => |cx, args| {
        cx.string(&base64(byte_slice(&args[0]), STANDARD, true))
    },
    "encoding.base64_url_encode(String) -> String" => |cx, args| {
        cx.string(&base64(text(&args[0]).as_bytes(), URL, false))
    },
    "encoding.base64_url_encode(Bytes) -> String" => |cx, args| {
        cx.string(&base64(byte_slice(&args[0]), URL, false))
    },
    "encoding.base64_decode(String) -> result[Bytes, String]" => |cx, args| {
        let decoded = unbase64(text(&args[0]));
        give(cx, decoded)
    },
    "encoding.hex_encode(String) -> String" => |cx, args| {
        cx.string(&hex(text(&args[0]).as_bytes()))
    },
    "encoding.hex_encode(Bytes) -> String" => |cx, args| cx.string(&hex(byte_slice(&args[0]))),
    "encoding.hex_decode(String) -> result[Bytes, String]" => |cx, args| {
        let decoded = unhex(text(&args[0]));
        give(cx, decoded)
    },
    "encoding.url_encode(String) -> String" => |cx, args| cx.string(&percent(text(&args[0]))),
    "encoding.url_decode(String) -> result[String, String]" => url_decode,
}

pub(super) const STANDARD: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn give(cx: &mut NativeCx<'_>, decoded: Result<Vec<u8>, String>) -> NativeResult {
    match decoded {
        Ok(bytes) => {
            let w = cx.bytes(&bytes)?;
            cx.ok(w)
        }
        Err(message) => cx.err(&message),
    }
}

pub(super) fn base64(data: &[u8], alphabet: &[u8; 64], padded: bool) -> String {
    let mut out = String::with_capacity(data.len().div_ceil(3) * 4);
    for group in data.chunks(3) {
        let bits =
            group.iter().fold(0u32, |n, b| (n << 8) | u32::from(*b)) << (8 * (3 - group.len()));
        for i in 0..4 {
            if i <= group.len() {
                out.push(char::from(alphabet[(bits >> (18 - 6 * i)) as usize & 63]));
            } else if padded {
                out.push('=');
            }
        }
    }
    out
}

/// Reads both alphabets, with or without padding; white space is skipped.
pub(crate) fn unbase64(s: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(s.len() / 4 * 3);
    let (mut bits, mut held, mut padding) = (0u32, 0u32, 0);
    for (i, c) in s.char_indices() {
        let value = match c {
            'A'..='Z' => c as u32 - 65,
            'a'..='z' => c as u32 - 71,
            '0'..='9' => c as u32 + 4,
            '+' | '-' => 62,
            '/' | '_' => 63,
            '=' => {
                padding += 1;
                continue;
            }
            c if c.is_ascii_whitespace() => continue,
            c => return Err(format!("`{c}` at byte {i} is not base64")),
        };
        if padding > 0 {
            return Err(format!("base64 goes on after its padding at byte {i}"));
        }
        bits = (bits << 6) | value;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    if held == 6 || bits != 0 || padding > 2 {
        return Err("base64 ends in the middle of a byte".to_owned());
    }
    Ok(out)
}

fn hex(data: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS[usize::from(n)]);
    data.iter()
        .flat_map(|b| [digit(b >> 4), digit(b & 15)])
        .collect()
}

fn unhex(s: &str) -> Result<Vec<u8>, String> {
    if let Some((i, c)) = s.char_indices().find(|(_, c)| !c.is_ascii_hexdigit()) {
        return Err(format!("`{c}` at byte {i} is not a hexadecimal digit"));
    }
    if s.len() % 2 == 1 {
        return Err("an odd number of hexadecimal digits".to_owned());
    }
    let digit = |b: u8| char::from(b).to_digit(16).unwrap_or(0) as u8;
    Ok(s.as_bytes()
        .chunks(2)
        .map(|p| (digit(p[0]) << 4) | digit(p[1]))
        .collect())
}

/// Everything but the unreserved characters of RFC 3986.
fn percent(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for b in s.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push('%');
            out.push_str(&hex(&[b]).to_uppercase());
        }
    }
    out
}

fn url_decode(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    match unpercent(text(&args[0])) {
        Ok(s) => {
            let w = cx.string(&s)?;
            cx.ok(w)
        }
        Err(message) => cx.err(&message),
    }
}

fn unpercent(s: &str) -> Result<String, String> {
    let mut out = Vec::with_capacity(s.len());
    let mut rest = s.as_bytes();
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        if b == b'%' {
            let digits = rest.get(..2).and_then(|d| std::str::from_utf8(d).ok());
            let Some(Ok(byte)) = digits.map(unhex) else {
                let at = s.len() - rest.len() - 1;
                return Err(format!(
                    "`%` at byte {at} is not followed by two hexadecimal digits"
                ));
            };
            out.extend(byte);
            rest = &rest[2..];
        } else {
            out.push(if b == b'+' { b' ' } else { b });
        }
    }
    String::from_utf8(out).map_err(|_| "the decoded bytes are not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_go_both_ways() {
        for data in [
            &b""[..],
            b"f",
            b"fo",
            b"foo",
            b"foob",
            b"fooba",
            b"foobar",
            &[0, 255, 128],
        ] {
            assert_eq!(unbase64(&base64(data, STANDARD, true)).as_deref(), Ok(data));
            assert_eq!(unbase64(&base64(data, URL, false)).as_deref(), Ok(data));
            assert_eq!(unhex(&hex(data)).as_deref(), Ok(data));
        }
        assert_eq!(base64(b"foob", STANDARD, true), "Zm9vYg==");
        assert!(unbase64("Zg=x").is_err() && unbase64("Z").is_err() && unbase64("é").is_err());
        assert!(unhex("abc").is_err() && unhex("é1").is_err());
        assert_eq!(percent("a b/ü~"), "a%20b%2F%C3%BC~");
        assert_eq!(unpercent("a%20b+%C3%BC").as_deref(), Ok("a b ü"));
        assert!(unpercent("%4").is_err() && unpercent("%é").is_err() && unpercent("%ff").is_err());
    }
}
