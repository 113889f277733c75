//! Digests and checksums of Strings (their UTF-8) and Bytes.

use lumen_runtime::native::{NativeCx, NativeResult, byte_slice, text};
use sha1::Digest;

natives! {
    "hash.sha256(String) -> Bytes" => |cx, args| of_text::<sha2::Sha256>(cx, args),
    "hash.sha256(Bytes) -> Bytes" => |cx, args| digest::<sha2::Sha256>(cx, byte_slice(&args[0])),
    "hash.sha512(String) -> Bytes" => |cx, args| of_text::<sha2::Sha512>(cx, args),
    "hash.sha512(Bytes) -> Bytes" => |cx, args| digest::<sha2::Sha512>(cx, byte_slice(&args[0])),
    "hash.sha1(String) -> Bytes" => |cx, args| of_text::<sha1::Sha1>(cx, args),
    "hash.sha1(Bytes) -> Bytes" => |cx, args| digest::<sha1::Sha1>(cx, byte_slice(&args[0])),
    "hash.md5(String) -> Bytes" => |cx, args| of_text::<md5::Md5>(cx, args),
    "hash.md5(Bytes) -> Bytes" => |cx, args| digest::<md5::Md5>(cx, byte_slice(&args[0])),
    "hash.crc32(String) -> Int" => |_, args| Ok(crc32(text(&args[0]).as_bytes())),
    "hash.crc32(Bytes) -> Int" => |_, args| Ok(crc32(byte_slice(&args[0]))),
    "hash.fnv1a(String) -> Int" => |_, args| Ok(fnv1a(text(&args[0]).as_bytes())),
    "hash.fnv1a(Bytes) -> Int" => |_, args| Ok(fnv1a(byte_slice(&args[0]))),
}

fn of_text<D: Digest>(cx: &mut NativeCx<'_>, args: &[u64]) -> NativeResult {
    digest::<D>(cx, text(&args[0]).as_bytes())
}

fn digest<D: Digest>(cx: &mut NativeCx<'_>, data: &[u8]) -> NativeResult {
    cx.bytes(&D::digest(data))
}

/// CRC-32 of ISO 3309 (as in zip and PNG), a nibble at a time.
fn crc32(data: &[u8]) -> u64 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    const TABLE: [u32; 16] = {
        let mut table = [0; 16];
        let mut i = 0;
        while i < 16 {
            let mut c = i as u32;
            let mut k = 0;
            while k < 4 {
                c = if c & 1 == 1 {
                    (c >> 1) ^ POLYNOMIAL
                } else {
                    c >> 1
                };
                k += 1;
            }
            table[i] = c;
            i += 1;
        }
        table
    };
    let mut crc = !0u32;
    for &b in data {
        crc ^= u32::from(b);
        crc = (crc >> 4) ^ TABLE[(crc & 15) as usize];
        crc = (crc >> 4) ^ TABLE[(crc & 15) as usize];
    }
    u64::from(!crc)
}

/// FNV-1a in 64 bits (Fowler, Noll, Vo).
fn fnv1a(data: &[u8]) -> u64 {
    data.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_have_their_known_values() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
