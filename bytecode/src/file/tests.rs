//! Files that come back, and files that are refused.

use super::*;
use crate::assemble;
use crate::testing::{Choices, SAMPLE};
use proptest::prelude::*;

fn sample() -> Vec<u8> {
    encode(&assemble(SAMPLE).unwrap())
}

#[test]
fn every_flipped_bit_is_refused() {
    let mut file = sample();
    for bit in 0..file.len() * 8 {
        file[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&file).is_err(), "bit {bit}");
        file[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(decode(&file).is_ok());
}

#[test]
fn every_truncation_is_refused() {
    let file = sample();
    for len in 0..file.len() {
        assert!(decode(&file[..len]).is_err(), "{len} bytes");
    }
    let mut longer = file.clone();
    longer.push(0);
    assert!(matches!(decode(&longer), Err(DecodeError::Length { .. })));
}

#[test]
fn other_versions_are_named() {
    let mut file = sample();
    file[8] = 7;
    let error = decode(&file).unwrap_err();
    assert_eq!(error, DecodeError::Version { found: 7 });
    assert!(error.to_string().contains("format version 7"));
    assert_eq!(decode(b"cell main"), Err(DecodeError::Magic));
}

/// `payload` as sections of a file with right length and checksum.
fn sealed(payload: &[u8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    file.extend_from_slice(&VERSION.to_le_bytes());
    file.extend_from_slice(&[0; 12]);
    file.extend_from_slice(payload);
    seal(file)
}

#[test]
fn unknown_sections_are_skipped() {
    let mut file = sample();
    file.extend_from_slice(&[99, 3, 1, 2, 3]);
    assert_eq!(decode(&seal(file)).unwrap(), assemble(SAMPLE).unwrap());
}

#[test]
fn what_breaks_the_format_is_named() {
    let what = |payload: &[u8]| match decode(&sealed(payload)) {
        Err(DecodeError::Malformed { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(what(&[1, 200]), "it ends too early");
    assert_eq!(what(&[2, 1, 0, 2, 1, 0]), "sections are out of order");
    assert_eq!(
        what(&[1, 4, 0, 0, 0, 0]),
        "the section is longer than its content"
    );
    assert_eq!(what(&[1, 3, 2, 0, 0]), "a flag is neither 0 nor 1");
    assert_eq!(what(&[2, 2, 1, 77]), "no such TypeDesc");
    assert_eq!(
        what(&[2, 2, 0x80, 0]),
        "a number is written longer than needed"
    );
    // A count of 2^62 types allocates nothing.
    let huge = [2, 9, 255, 255, 255, 255, 255, 255, 255, 255, 63];
    assert_eq!(what(&huge), "a count is larger than what is left");
    assert_eq!(what(&[10, 3, 1, 1, 255]), "a text is not UTF-8");
}

proptest! {
    #[test]
    fn any_module_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let module = Choices::new(&bytes).module();
        let file = encode(&module);
        let back = decode(&file);
        prop_assert_eq!(back.as_ref(), Ok(&module));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
        let _ = decode(&sealed(&bytes));
    }

    #[test]
    fn what_is_read_is_written_the_same(at in 24usize..1500, byte in any::<u8>()) {
        let mut file = sample();
        if at < file.len() {
            file[at] = byte;
            if let Ok(module) = decode(&seal(file)) {
                prop_assert_eq!(decode(&encode(&module)), Ok(module));
            }
        }
    }
}
