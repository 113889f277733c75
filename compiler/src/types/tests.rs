//! Source text to diagnostics and to types.

use crate::diag::Diagnostics;
use crate::hir::{Func, Program, Ty, TyKind, Types};
use crate::names::{Library, LibraryModule};
use crate::source::{NoModules, SourceKind, SourceMap};

/// As much of a library as these tests need.
const LIBRARY: &str = "
extern cell print[T](value: T) -> Null
extern cell to_string[T](value: T) -> String
extern cell len[T](xs: list[T]) -> Int
extern cell len(s: String) -> Int
extern cell push[T](mut xs: list[T], value: T) -> Null
extern cell sort[T](mut xs: list[T]) -> Null
cell map[T, U](xs: list[T], f: fn(T) -> U) -> list[U]
  let mut out: list[U] = []
  for x in xs
    out.push(f(x))
  end
  out
end
";

pub(super) fn run(source: &str) -> (Option<Program>, Vec<String>) {
    let mut sources = SourceMap::new();
    let mut diagnostics = Diagnostics::new();
    let root = sources.add_text("test.lm", source.to_owned(), SourceKind::Plain);
    let modules = [LibraryModule {
        name: "core",
        text: LIBRARY,
        prelude: true,
    }];
    let library = Library { modules: &modules };
    let program = crate::check(root, library, &NoModules, &mut sources, &mut diagnostics);
    let lines = diagnostics.iter().map(|one| {
        let line = one
            .primary
            .as_ref()
            .map_or(0, |label| sources.line_column(label.span).line);
        format!("{line} {} {}", one.code.number(), one.message)
    });
    (program, lines.collect())
}

#[track_caller]
fn program(source: &str) -> Program {
    let (program, found) = run(source);
    program.unwrap_or_else(|| panic!("{found:#?}"))
}

#[track_caller]
fn refused(source: &str, expected: &[&str]) {
    let (_, found) = run(source);
    assert_eq!(found, expected, "{source}");
}

/// A type as text, as far as these tests need it.
fn text(types: &Types, ty: Ty) -> String {
    let all = |tys: &[Ty]| {
        let parts: Vec<String> = tys.iter().map(|&ty| text(types, ty)).collect();
        parts.join(", ")
    };
    match types.kind(ty) {
        TyKind::List(t) => format!("list[{}]", text(types, *t)),
        TyKind::Map(k, v) => format!("map[{}]", all(&[*k, *v])),
        TyKind::Set(t) => format!("set[{}]", text(types, *t)),
        TyKind::Tuple(ts) => format!("({})", all(ts)),
        TyKind::Union(ts) => {
            let mut parts: Vec<String> = ts.iter().map(|&ty| text(types, ty)).collect();
            parts.sort();
            parts.join(" | ")
        }
        TyKind::Func(ps, r) => format!("fn({}) -> {}", all(ps), text(types, *r)),
        TyKind::Record(id) | TyKind::Enum(id) => {
            let one = &types.nominals[id.0 as usize];
            match one.args.as_slice() {
                [] => one.name.clone(),
                args => format!("{}[{}]", one.name, all(args)),
            }
        }
        other => format!("{other:?}"),
    }
}

/// The type of the variable `name` of the statements.
#[track_caller]
fn type_of(source: &str, name: &str) -> String {
    let program = program(source);
    let main = &program.funcs[program.main.expect("a main").0 as usize];
    let names = &program.names;
    let mut locals = main.locals.iter().rev();
    let local = locals.find(|local| names.resolve(local.name) == name);
    let local = local.unwrap_or_else(|| panic!("no variable {name}"));
    text(&program.types, local.ty)
}

fn instances<'a>(program: &'a Program, name: &str) -> Vec<&'a Func> {
    program
        .funcs
        .iter()
        .filter(|func| func.name == name)
        .collect()
}

#[test]
fn literals_take_their_type_from_what_they_meet() {
    assert_eq!(type_of("let x = []\nx.push(1)\nprint(x)", "x"), "list[Int]");
    assert_eq!(
        type_of("let x = {}\nx[\"a\"] = 1.5", "x"),
        "map[String, Float]"
    );
    assert_eq!(type_of("let x = null\nx = 5\nprint(x)", "x"), "Int | Null");
    assert_eq!(type_of("let x = [1, 2.5]", "x"), "list[Float]");
    assert_eq!(
        type_of("let x = [1, \"a\", null]", "x"),
        "list[Int | Null | String]"
    );
    assert_eq!(
        type_of("let x: list[Float?] = [1, null]", "x"),
        "list[Float | Null]"
    );
    assert_eq!(type_of("let x = []\nprint(x)", "x"), "list[Null]");
}

#[test]
fn branches_have_room_for_each_other() {
    let source = "let c = len(\"a\") > 0\nlet x = if c then 1 else \"a\"\nprint(x)";
    assert_eq!(type_of(source, "x"), "Int | String");
    let source = "let c = true\nlet x = if c then null else 2\nprint(x)";
    assert_eq!(type_of(source, "x"), "Int | Null");
    let source = "let x = match len(\"a\")\n0 -> throw \"no\"\nn -> [n]\nend\nprint(x)";
    assert_eq!(type_of(source, "x"), "list[Int]");
    let source = "let x = loop\nbreak 2.5\nend\nprint(x)";
    assert_eq!(type_of(source, "x"), "Float");
}

#[test]
fn a_cell_is_checked_once_for_each_list_of_types() {
    let program =
        program("cell twice(x) = [x, x]\nprint(twice(1))\nprint(twice(2))\nprint(twice(\"a\"))");
    let found = instances(&program, "twice");
    let mut results: Vec<String> = found
        .iter()
        .map(|func| text(&program.types, func.result))
        .collect();
    results.sort();
    assert_eq!(results, ["list[Int]", "list[String]"]);
}

#[test]
fn results_are_inferred_through_recursion() {
    let source = "cell even(n: Int) = if n == 0 then true else odd(n - 1)\n\
                  cell odd(n: Int) = if n == 0 then false else even(n - 1)\n\
                  let x = even(4)\nprint(x)";
    assert_eq!(type_of(source, "x"), "Bool");
    let source = "cell fact(n) = if n < 2 then 1 else n * fact(n - 1)\nlet x = fact(4)\nprint(x)";
    assert_eq!(type_of(source, "x"), "Int");
}

#[test]
fn lambdas_learn_their_types_from_their_use() {
    let source = "let f = fn(a, b) => a + b\nlet x = f(\"a\", \"b\")\nprint(x)";
    assert_eq!(type_of(source, "x"), "String");
    let source = "cell compose(f, g) = fn(x) => g(f(x))\n\
                  let h = compose(fn(x: Int) => x + 1, fn(y) => \"{y}\")\nprint(h(1))";
    assert_eq!(type_of(source, "h"), "fn(Int) -> String");
    assert_eq!(
        type_of("let x = [1, 2].map(fn(n) => (n, 1.5))", "x"),
        "list[(Int, Float)]"
    );
}

#[test]
fn tests_narrow() {
    program("cell f(x: Int?) -> Int\nif x == null\nreturn 0\nend\nx + 1\nend\nprint(f(1))");
    program("cell f(x: Int | String) -> Int = if x is Int then x else len(x)\nprint(f(1))");
    program(
        "cell f(a: Int?, b: Int?) -> Int\nif a != null and b != null and a > b\na - b\n\
        else\n0\nend\nend\nprint(f(1, 2))",
    );
    program(
        "cell f(x: Int?) -> Int\nlet mut y = x\nif y == null\ny = 0\nend\ny + 1\nend\nprint(f(1))",
    );
    refused(
        "cell f(x: Int?) -> Int\nwhile x != null\nx = null\nend\nx + 1\nend\nprint(f(1))",
        &["5 E0305 `+` does not take Null and Int"],
    );
}

#[test]
fn wrong_programs_are_refused_where_they_are_wrong() {
    refused(
        "let x: Int = \"a\"",
        &["1 E0301 expected Int, found String"],
    );
    refused(
        "print(1 + \"a\")",
        &["1 E0305 `+` does not take Int and String"],
    );
    refused(
        "pritn(1)",
        &["1 E0201 there is nothing called `pritn` here"],
    );
    refused(
        "let x = 5\nx.foo()",
        &["2 E0210 Int has no method or field `foo`, and there is no cell of that name"],
    );
    refused(
        "cell f() -> Int\nprint(1)\nend\nprint(f())",
        &["1 E0316 `f` ends without a value; it must give Int"],
    );
    refused(
        "cell f(x) = x + 1\nprint(f(\"a\"))",
        &["1 E0305 `+` does not take String and Int"],
    );
    refused(
        "enum E\nA\nB\nend\nlet e: E = A\nmatch e\nA -> print(1)\nend",
        &["6 E0401 not all cases are covered: `B`"],
    );
    refused(
        "let x = 1\nlet f = fn() => x\nlet g = fn()\nx = 2\nend\nprint(f())\ng()",
        &["4 E0320 cannot assign to captured variable `x`"],
    );
    refused(
        "[2, 1].sort()",
        &["1 E0312 `sort` changes its receiver, which must be a variable"],
    );
    refused(
        "record R\nr: R\nend\nprint(1)",
        &["1 E0310 record `R` contains itself: it could never be made"],
    );
    refused(
        "cell f[T](x: T) -> T = x + 1\nprint(f(1))",
        &["1 E0305 `+` does not take T and Int"],
    );
    refused(
        "cell f(x) = f([x])\nprint(f(1))",
        &["1 E0314 `f` is used with ever larger types"],
    );
    refused(
        "let mut n = 0\nn += 1\ncell f() = n\nprint(f())",
        &["3 E0207 cells cannot use `n`: it is a variable that changes"],
    );
    refused(
        "cell f() = 1",
        &["0 E0208 there is nothing to run: no cell `main`, and no statements"],
    );
}

#[test]
fn one_mistake_is_one_diagnostic() {
    refused(
        "let x = nope\nlet y = x + 1\nprint(y.z)\nfor a in y\nprint(a)\nend",
        &["1 E0201 there is nothing called `nope` here"],
    );
    refused(
        "import nowhere: thing\nprint(thing(1).x + 2)",
        &["1 E0204 there is no module `nowhere`"],
    );
}

#[test]
fn traits_give_methods_and_bound_parameters() {
    let source = "trait Area\ncell area(self) -> Float\n\
    cell twice(self) -> Float = self.area() * 2\nend\n\
                  record Sq\nside: Float\nend\n\
                  impl Area for Sq\ncell area(self) -> Float = self.side * self.side\nend\n\
                  cell total[T: Area](xs: list[T]) -> Float\nlet mut t = 0.0\n\
                  for x in xs\nt += x.twice()\nend\nt\nend\n";
    program(&format!("{source}print(total([Sq(1.0)]))"));
    refused(
        &format!("{source}print(total([1]))"),
        &["18 E0309 Int does not implement `Area`"],
    );
}
