//! Programs to compile: as long as wanted, all of them reached from `main`, and made of what
//! programs are made of.

/// One unit, its number to be put for `@@`.
const UNIT: &str = include_str!("unit.lm");

/// Units that one cell calls.
const UNITS_A_GROUP: usize = 100;

/// A program of about `lines` lines.
pub(crate) fn program(lines: usize) -> String {
    let units = (lines / (UNIT.lines().count() + 1)).max(1);
    let mut text = String::with_capacity(units * (UNIT.len() + 64));
    for unit in 0..units {
        text.push_str(&UNIT.replace("@@", &unit.to_string()));
    }
    let groups = units.div_ceil(UNITS_A_GROUP);
    for group in 0..groups {
        text.push_str(&format!(
            "cell group{group}(now: Int) -> Int\n  let mut sum = 0\n"
        ));
        for unit in (group * UNITS_A_GROUP..units).take(UNITS_A_GROUP) {
            text.push_str(&format!("  sum += unit{unit}(now)\n"));
        }
        text.push_str("  sum\nend\n\n");
    }
    text.push_str("cell main()\n  let mut sum = 0\n");
    for group in 0..groups {
        text.push_str(&format!("  sum += group{group}(40)\n"));
    }
    text.push_str("  print(sum)\nend\n");
    text
}
