//! `lumen bench` as a user meets it.

#[path = "support/commands.rs"]
mod commands;

use std::fs;

use commands::{code, lumen, lumenc, scratch, stderr, stdout, write};

/// A program to measure: some work, an argument, some output.
const MEASURED: &str = "\
cell work() -> Int
  let mut sum = 0
  for i in 0..2000
    sum = (sum * 31 + i) & 0xffff
  end
  sum
end

cell with(n: Int) -> Int = n

cell main(args: list[String])
  print(\"{work()} {len(args)}\")
end
";

#[test]
fn a_program_is_measured() {
    let folder = scratch("bench");
    let file = write(&folder, "p.lm", MEASURED);
    let output = lumen(&["bench", "--runs", "3", &file, "a", "-b"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.starts_with(&format!("{file}: main a -b\n3 rounds in ")),
        "{text}"
    );
    for word in [
        "interpreter",
        "JIT, first run",
        "JIT, steady",
        "warm-up",
        "compiled",
        "8 bytes",
    ] {
        assert!(text.contains(word), "`{word}` is missing: {text}");
    }
    let off = lumen(&["bench", "--jit", "off", "--runs", "1", &file]);
    assert!(
        stdout(&off).contains("only the interpreter was measured"),
        "{}",
        stdout(&off)
    );
    assert!(!stdout(&off).contains("JIT, steady"), "{}", stdout(&off));
}

#[test]
fn measurements_are_kept_compared_and_drawn() {
    let folder = scratch("bench_compare");
    let file = write(&folder, "p.lm", MEASURED);
    let output = lumen(&["bench", "--runs", "3", "--json", &file]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let value: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(value["rounds"], 3);
    assert_eq!(
        value["interpreter"]["samples_ns"].as_array().map(Vec::len),
        Some(3)
    );
    assert!(
        value["jit"]["speed_up_steady"].as_f64().is_some(),
        "{value}"
    );
    let earlier = write(&folder, "a.json", &output.stdout);
    let picture = folder.join("p.svg").display().to_string();
    let command = [
        "bench",
        "--runs",
        "3",
        "--compare",
        &earlier,
        "--svg",
        &picture,
        &file,
    ];
    let output = lumen(&command);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("noise ±"), "{}", stdout(&output));
    let verdicts = ["same", "faster", "slower"];
    assert!(
        verdicts.iter().any(|v| stdout(&output).contains(v)),
        "{}",
        stdout(&output)
    );
    let picture = fs::read_to_string(picture).expect("a picture");
    assert!(
        picture.starts_with("<svg") && picture.contains("<polyline"),
        "{picture}"
    );
    let other = write(&folder, "other.json", "{}");
    let output = lumen(&["bench", "--compare", &other, &file]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("other.json"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn one_cell_is_measured() {
    let folder = scratch("bench_cell");
    let file = write(&folder, "p.lm", MEASURED);
    let output = lumen(&["bench", "--runs", "2", "--cell", "work", &file]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        stdout(&output).contains("p.lm: work\n"),
        "{}",
        stdout(&output)
    );
    for (cell, why) in [
        ("with", "needs argument"),
        ("missing", "the program has no `missing`"),
        ("1 + 1", "no name of a cell"),
    ] {
        let output = lumen(&["bench", "--cell", cell, &file]);
        assert_eq!(code(&output), 2, "{cell}");
        assert!(stderr(&output).contains(why), "{cell}: {}", stderr(&output));
    }
    assert_eq!(code(&lumenc(&["compile", &file])), 0);
    let module = folder.join("p.lbc").display().to_string();
    let output = lumen(&["bench", "--runs", "1", "--cell", "with", &module]);
    assert_eq!(code(&output), 2, "{output:?}");
}

#[test]
fn a_program_that_fails_is_not_measured() {
    let folder = scratch("bench_fails");
    let fails = write(&folder, "fails.lm", "print(1)\nprint(1 / (len(\"\")))\n");
    let output = lumen(&["bench", &fails]);
    assert_eq!(code(&output), 1, "{output:?}");
    assert!(stdout(&output).is_empty(), "{output:?}");
    let text = stderr(&output);
    assert!(
        text.contains("division by zero") && text.contains("(interpreter)"),
        "{text}"
    );
    let exits = write(&folder, "exits.lm", "exit(3)\n");
    let output = lumen(&["bench", &exits]);
    assert_eq!(code(&output), 1, "{output:?}");
    assert!(
        stderr(&output).contains("exit code 3"),
        "{}",
        stderr(&output)
    );
    let wrong = write(&folder, "wrong.lm", "print(missing)\n");
    assert_eq!(code(&lumen(&["bench", &wrong])), 3);
}
