//! Listings that come back, and how they look.

use crate::testing::{Choices, SAMPLE};
use crate::{assemble, list};
use proptest::prelude::*;

#[test]
fn the_sample_comes_back() {
    let module = assemble(SAMPLE).unwrap();
    let text = list(&module);
    assert_eq!(assemble(&text).unwrap(), module);
    assert_eq!(list(&assemble(&text).unwrap()), text);
}

#[test]
fn it_reads_well() {
    let text = list(&assemble(SAMPLE).unwrap());
    for line in [
        "main f2                                     ; main",
        "type t34 = variant Circle of t33 {at: t32, r: Float}  ; Shape.Circle",
        "path p0 = t36[] t32.1                       ; [].y",
        "  line 0:4:5                                ; let mut total = 0",
        "L3: {r1: Int, r2: Int, r3: Int}",
        "     4  for.int        r3, r1, L3",
        "     1  call           r3, f1               ; sum",
        "     4  str.of         r1, r4, Int",
        "     5  const          r2, k0               ; \"total: \"",
        "     2  new            r1, r2, t32          ; Point",
        "  landing L6 .. L7 drop r1, r2 -> catch L10 canceldrop r1, r2",
    ] {
        assert!(
            text.lines().any(|l| l == line),
            "no line {line:?} in\n{text}"
        );
    }
}

proptest! {
    #[test]
    fn any_module_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let module = Choices::new(&bytes).module();
        let text = list(&module);
        match assemble(&text) {
            Ok(back) => prop_assert_eq!(back, module, "{}", text),
            Err(e) => prop_assert!(false, "{}\n{}", e[0], text),
        }
    }
}
