//! Strings.

use lumen_runtime::heap::count::dup;
use lumen_runtime::heap::format;
use lumen_runtime::heap::string;
use lumen_runtime::heap::well_known;

use super::{alloc, helpers};
use crate::interp::operand::{get, lane, put, reg};

helpers! {
    /// `str.concat`.
    fn str_concat(pc, r, cx) {
        let parts = std::slice::from_raw_parts(reg(r, pc, 1), lane(pc, 2));
        let parts = parts.iter().copied();
        let joined = alloc!(string::joined((*cx).heap(), parts, string::empty()), pc, cx);
        put(r, pc, 0, joined);
        true
    }
    /// `str.append`.
    fn str_append(pc, r, cx) {
        let s = &mut *reg(r, pc, 0);
        alloc!(string::append((*cx).heap(), s, get(r, pc, 1)), pc, cx);
        true
    }
    /// `str.of`.
    fn to_str(pc, r, cx) {
        let (value, ty) = (get(r, pc, 1), lane(pc, 2) as u32);
        let text = match ty {
            well_known::STRING => {
                dup(value);
                value
            }
            well_known::INT => {
                let mut digits = [0; 20];
                let text = decimal(value as i64, &mut digits);
                alloc!(string::new((*cx).heap(), text), pc, cx)
            }
            _ => {
                let text = format::format((*cx).heap().types(), value, ty);
                alloc!(string::new((*cx).heap(), &text), pc, cx)
            }
        };
        put(r, pc, 0, text);
        true
    }
    /// `str.eq`.
    fn str_eq(pc, r, cx) {
        let _ = cx;
        put(r, pc, 0, u64::from(string::equal(get(r, pc, 1), get(r, pc, 2))));
        true
    }
}

/// The decimal digits of `i`, written to the end of `buffer`.
fn decimal(i: i64, buffer: &mut [u8; 20]) -> &str {
    let mut rest = i.unsigned_abs();
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if i < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    // SAFETY: digits and a sign.
    unsafe { std::str::from_utf8_unchecked(&buffer[at..]) }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn decimals() {
        for i in [0, 7, -7, 1234567890, i64::MAX, i64::MIN] {
            assert_eq!(decimal(i, &mut [0; 20]), i.to_string());
        }
    }
}
