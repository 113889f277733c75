//! Functions and tables that are accepted and refused, and random changes of them.

use super::verify;
use crate::code::OPS;
use crate::file::{decode, encode};
use crate::module::{Module, TypeDesc};
use crate::testing::SAMPLE;
use crate::{assemble, list};
use proptest::prelude::*;
use std::collections::HashSet;
use std::sync::OnceLock;

const CASES: &str = include_str!("tests/cases.txt");

/// What the cases' code refers to.
const HEAD: &str = r#"
file 0 "case.lm"
type t32 = record Point {x: Float, name: String}
type t33 = enum Shape t34 + 2
type t34 = variant Circle of t33 {r: Float, name: String}
type t35 = variant Nothing of t33 {}
type t36 = list[t32]
type t37 = union[Int, Null]
type t38 = func(String) -> Int
type t39 = closure f1 as t38 [Int, String]
type t40 = union[String, Null]
type t41 = union[String, t32, Null]
type t42 = map[String, Int]
type t43 = map[String, String]
type t44 = list[t10]
type t45 = future[Int]
type t46 = func() -> Int
type t47 = tuple[Int, t36]
type t48 = union[String, t32]
const k0 = str "x"
const k1 = int 7
const k2 = float 2.5
const k3 = null
const k4 = variant t35
native n0 = "len(String) -> Int" (String) -> Int
native n1 = "push(mut list[Point], Point) -> Null" (t36, t32) -> Null mut
path p0 = t36[] t32.0
path p1 = t47.1
global g0 = text: String init f2
global g1 = number: Int init f3
func f0 nothing() -> Null
  return.null
end
func f1 inner(String) -> Int closure t39
  field.get r2, r0, 1
  return r2
end
func f2 text.init() -> String
  const r1, k0
  return r1
end
func f3 number.init() -> Int
  int.const r1, 3
  return r1
end
func f4 two(own String, String) -> Int
  drop r1
  int.const r1, 3
  return r1
end
"#;

struct Case {
    accepted: bool,
    module: Module,
    text: &'static str,
    message: &'static str,
}

fn cases() -> &'static [Case] {
    static ALL: OnceLock<Vec<Case>> = OnceLock::new();
    ALL.get_or_init(read_cases)
}

fn read_cases() -> Vec<Case> {
    let lines = CASES.lines().filter(|l| l.starts_with(['+', '-']));
    lines
        .map(|text| {
            let (head, code) = text[1..].split_once(" | ").expect(text);
            let (code, message) = match text.starts_with('-') {
                true => code.split_once(" => ").expect(text),
                false => (code, ""),
            };
            let code = code.replace(" / ", "\n");
            let source = format!("{HEAD}func f5 case{head} frame 12\n{code}\nend\n");
            Case {
                accepted: text.starts_with('+'),
                module: assemble(&source).unwrap_or_else(|e| panic!("{text}\n{}", e[0])),
                text,
                message,
            }
        })
        .collect()
}

/// Errors as texts, without the place.
fn refusals(module: &Module) -> Vec<String> {
    match verify(module) {
        Ok(()) => Vec::new(),
        Err(errors) => errors.into_iter().map(|e| e.message).collect(),
    }
}

#[test]
fn all_cases() {
    let mut wrong = String::new();
    for case in cases() {
        let messages = refusals(&case.module);
        let as_said = match (&messages[..], case.accepted) {
            ([], true) => true,
            ([one], false) => one.contains(case.message),
            _ => false,
        };
        if !as_said {
            wrong += &format!("{}\n    {messages:?}\n", case.text);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_op_is_accepted_once_and_refused_once() {
    let mut accepted = HashSet::new();
    let mut refused = HashSet::new();
    for case in cases() {
        let code = case.text.split_once(" | ").expect(case.text).1;
        if case.accepted {
            accepted.extend(code.split(" / ").filter_map(|l| l.split(' ').next()));
        } else {
            refused.extend(case.message.split_once(": ").map(|(op, _)| op));
            let ops = code.split(" / ").filter_map(|l| l.split(' ').next());
            // These two cannot be wrong by themselves.
            refused.extend(ops.filter(|op| matches!(*op, "mask" | "unmask")));
        }
    }
    for def in OPS {
        assert!(
            accepted.contains(def.text),
            "{} is never accepted",
            def.text
        );
        assert!(refused.contains(def.text), "{} is never refused", def.text);
    }
}

#[test]
fn errors_name_function_and_place() {
    let text = format!("{HEAD}func f5 bad(Int) -> Int\nmove r2, r1\nmove r3, r4\nreturn r3\nend");
    let errors = verify(&assemble(&text).unwrap()).unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "function f5 (bad) at 1: move: r4 is not initialised"
    );
}

#[test]
fn an_instruction_cut_in_two() {
    let text = format!("{HEAD}func f5 cut(Float) -> Float\nfloat.muladd r1, r1, r1, r1\nend");
    let mut module = assemble(&text).unwrap();
    module.functions[5].code.pop();
    assert_eq!(
        refusals(&module),
        ["float.muladd: its second word is missing"]
    );
}

#[test]
fn the_sample_is_accepted() {
    assert_eq!(verify(&assemble(SAMPLE).unwrap()), Ok(()));
}

/// The message for tables that are wrong.
fn tables(text: &str) -> String {
    let module = assemble(text).unwrap_or_else(|e| panic!("{text}\n{}", e[0]));
    refusals(&module).join("\n")
}

#[test]
fn tables_that_are_wrong() {
    let cases = [
        ("no prelude", "the well-known types are missing"),
        (
            "no prelude\ntype t0 = Float",
            "t0 is not the well-known type",
        ),
        ("type t32 = list[t33]", "there is no type t33"),
        ("type t32 = list[t20]", "t20 is a reserved type"),
        (
            "type t32 = list[t32]",
            "type t32 is nested too deep, or contains itself",
        ),
        (
            "type t32 = tuple[Int, t33]\ntype t33 = set[t32]",
            "contains itself",
        ),
        (
            "type t32 = enum E t33 + 2\ntype t33 = variant A of t32 {}",
            "not in the table",
        ),
        ("type t32 = enum E t0 + 1", "t0 is not a variant of it"),
        ("type t32 = variant A of t0 {}", "t0 is not the enum"),
        ("type t32 = union[Int, Int]", "a member stands twice"),
        (
            "type t32 = union[Int, t33]\ntype t33 = union[Int, Null]",
            "its member t33 is a union",
        ),
        (
            "type t32 = closure f0 as Int []",
            "t0 is not a function type",
        ),
        (
            "type t32 = func() -> Int\ntype t33 = closure f0 as t32 []",
            "there is no function f0",
        ),
        (
            "const k0 = variant t0",
            "constant k0: Int is no variant without fields",
        ),
        (
            "const k0 = closure t0",
            "constant k0: Int is no closure without captures",
        ),
        (
            "native n0 = \"x\" () -> Int mut",
            "it changes its first parameter and has none",
        ),
        ("path p0 = t0[]", "path p0: Int has no elements"),
        (
            "path p0 = t9[] t10[]",
            "a step from list[Int] stands at a place of type String",
        ),
        ("path p0 = t9.0", "list[String] is no record or tuple"),
        (
            "global g0 = x: Int init f0",
            "global g0: there is no function f0",
        ),
        ("main f3", "main: there is no function f3"),
        ("test \"x\" f0 0:1", "test 0: there is no function f0"),
    ];
    for (text, message) in cases {
        let found = tables(text);
        assert!(found.contains(message), "{text}\n{found}");
    }
}

#[test]
fn functions_that_do_not_fit_their_use() {
    let function = "func f0 f(own Int) -> Int\nreturn r1\nend\n";
    let cases = [
        (
            "global g0 = x: Int init f0",
            "f0 has parameters or captures",
        ),
        ("main f0", "f0 takes more than a `list[String]`"),
        (
            "type t32 = func(Int) -> Int\ntype t33 = closure f0 as t32 []",
            "f0 owns a parameter",
        ),
        (
            "type t32 = func() -> Int\ntype t33 = closure f0 as t32 []",
            "f0 has another signature",
        ),
    ];
    for (text, message) in cases {
        let found = tables(&format!("{function}{text}"));
        assert!(found.contains(message), "{text}\n{found}");
    }
}

#[test]
fn deep_types_end_the_walk() {
    let mut module = assemble("").unwrap();
    for _ in 0..60_000 {
        let next = module.types.len() as u32 + 1;
        module.types.push(TypeDesc::List(next));
    }
    module.types.push(TypeDesc::Int);
    assert!(refusals(&module)[0].contains("nested too deep"));
    module.types.resize(1 << 17, TypeDesc::Int);
    assert!(refusals(&module)[0].contains("more than 65536"));
}

/// Changes of a module's code: (which function, which word, new bits under a mask).
fn changed(mut module: Module, changes: &[(usize, usize, u32, u16)]) -> Module {
    for &(f, at, lane, bits) in changes {
        let n = module.functions.len();
        let code = &mut module.functions[f % n].code;
        if !code.is_empty() {
            let at = at % code.len();
            let shift = 16 * (lane % 4);
            code[at] = code[at] & !(0xffff << shift) | u64::from(bits % 50) << shift;
        }
    }
    module
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_changed_code_panics(
        pick in any::<prop::sample::Index>(),
        changes in prop::collection::vec(any::<(usize, usize, u32, u16)>(), 1..4),
    ) {
        let all = cases();
        let case = &all[pick.index(all.len())];
        let module = changed(case.module.clone(), &changes);
        let _ = verify(&module);
        let back = assemble(&list(&module));
        prop_assert_eq!(back, Ok(module));
    }

    #[test]
    fn no_random_module_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let module = crate::testing::Choices::new(&bytes).module();
        let _ = verify(&module);
    }

    #[test]
    fn no_changed_file_panics(
        pick in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..4),
    ) {
        let all = cases();
        let mut file = encode(&all[pick.index(all.len())].module);
        for (at, byte) in changes {
            let at = 24 + at % (file.len() - 24);
            file[at] = byte;
        }
        if let Ok(module) = decode(&crate::file::reseal(file)) {
            let _ = verify(&module);
        }
    }
}
