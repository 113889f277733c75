//! For every code a program that breaks its rule. `lumenc explain E0123` shows it; a test compiles
//! them all.

use super::Code;

/// A short program in which the diagnostic is found.
pub fn example(code: Code) -> &'static str {
    match code.number().as_bytes() {
        [b'E', b'0', b'1', ..] => source(code),
        [b'E', b'0', b'2', ..] => names(code),
        [b'E', b'0', b'3', ..] => types(code),
        [b'E', b'0', b'4' | b'5', ..] => patterns_and_blocks(code),
        _ => others(code),
    }
}

fn source(code: Code) -> &'static str {
    match code {
        Code::InvalidUtf8 => "print(\"…\")    # with \"…\" saved in another encoding",
        Code::SourceTooLarge => "let table = [1, 2, 3]    # and so on, for 16 MiB",
        Code::UnknownCharacter => "let price = 3 € 4",
        Code::UnterminatedString => "print(\"hello)",
        Code::BadEscape => "print(\"C:\\qux\")",
        Code::BadNumber => "let n = 0xzz",
        Code::IntegerOutOfRange => "print(9223372036854775808)",
        Code::BadBytes => "let b = b\"caf\"",
        Code::BadFormat => "print(\"{1:>>5q}\")",
        Code::TooDeep => "let x = ((((((1))))))    # some hundred deep",
        Code::Expected => "for i 1..3\n  print(i)\nend",
        Code::Unterminated => "cell f()\n  print(1)",
        Code::StrayEnd => "print(1)\nend",
        Code::ForeignSyntax => "def add(a, b)\n  a + b\nend",
        Code::ReservedName => "let end = 1",
        Code::ChainedComparison => "let x = 3\nprint(1 < x < 5)",
        Code::InvalidAssignment => "let x = 1\nx + 1 = 2",
        Code::MissingNewline => "let a = 1 let b = 2",
        Code::EmptyHole => "print(\"{}\")",
        Code::MisplacedDeclaration => "cell main()\n  record Point\n    x: Int\n  end\nend",
        Code::MisplacedDirective => "print(1)\n@strict true",
        Code::BadDirective => "@clock fast\nprint(1)",
        Code::MissingCatch => "try\n  print(1)\nend",
        Code::UnterminatedFence => "```lumen\nprint(1)    # in a Markdown file, and no ``` follows",
        Code::DuplicateRest => "let [...a, 1, ...b] = [1, 2]",
        Code::OpenRange => "for i in 1..\n  print(i)\nend",
        Code::CellTooLarge => {
            "cell main()\n  print(1)    # 100 000 such lines, with variables\nend"
        }
        _ => "",
    }
}

fn names(code: Code) -> &'static str {
    match code {
        Code::UnknownName => "let count = 1\nprint(cuont)",
        Code::UnknownType => "let x: Strng = \"a\"",
        Code::DuplicateName => "cell f() = 1\ncell f() = 2\nprint(f())",
        Code::UnknownModule => "import no_such_file: something\nprint(something)",
        Code::UnknownImport => "import std.regex: no_such_name\nprint(no_such_name)",
        Code::ImportCycle => "import b: f    # in a.lm, while b.lm says: import a: g",
        Code::SharedVariable => "let mut total = 0\ncell add(n: Int) = total + n\nprint(add(1))",
        Code::NothingToRun => "cell helper() = 1",
        Code::UnknownField => "record User\n  name: String\nend\nprint(User(name: \"A\").nmae)",
        Code::UnknownMethod => "print(\"abc\".uper())",
        Code::UnknownVariant => "enum Color\n  Red\n  Green\nend\nprint(Color.Blue)",
        Code::UnknownLabel => "for @rows i in 0..3\n  break @cols\nend",
        Code::WrongKind => "let t = Int\nprint(t)",
        Code::BadMain => "cell main(count: Int)\n  print(count)\nend",
        Code::CyclicValue => "const A = B + 1\nconst B = A + 1\nprint(A)",
        Code::Misplaced => "print(1)\nbreak",
        Code::UsedBefore => "print(limit)\nlet limit = 10",
        Code::TwoEntries => "print(1)\ncell main()\n  print(2)\nend",
        _ => "",
    }
}

fn types(code: Code) -> &'static str {
    match code {
        Code::Mismatch => "let n: Int = \"one\"",
        Code::ArgumentCount => "cell add(a: Int, b: Int) -> Int = a + b\nprint(add(1))",
        Code::UnknownArgument => "cell greet(name: String) = name\nprint(greet(nme: \"A\"))",
        Code::NotCallable => "let n = 1\nprint(n(2))",
        Code::BadOperand => "print(1 + \"a\")",
        Code::CannotInfer => "let f = fn(x) => x\nprint(1)",
        Code::NotIterable => "for x in 5\n  print(x)\nend",
        Code::NotIndexable => "let n = 5\nprint(n[0])",
        Code::BoundNotMet => {
            "trait Area\n  cell area(self) -> Float\nend\n\
             cell total[T: Area](xs: list[T]) = len(xs)\nprint(total([1]))"
        }
        Code::RecursiveType => "record Node\n  next: Node\nend\nprint(1)",
        Code::TypeArguments => "let xs: list[Int, String] = []",
        Code::NotAPlace => "[3, 1, 2].sort()",
        Code::NoOverload => "print(len(5))",
        Code::PolymorphicRecursion => "cell grow[T](x: T) -> Int = grow([x])\nprint(grow(1))",
        Code::BadFormatType => "print(\"{\"text\":x}\")",
        Code::MissingValue => {
            "cell sign(n: Int) -> Int\n  if n > 0\n    return 1\n  end\nend\nprint(sign(1))"
        }
        Code::BadPropagation => {
            "cell half(n: Int) -> Int\n  let x = parse_int(\"{n}\")?\n  x / 2\nend\nprint(half(4))"
        }
        Code::ImpossibleTest => "let n = 1\nprint(n is String)",
        Code::TraitMethods => {
            "trait Area\n  cell area(self) -> Float\nend\nrecord Square\n  side: Float\nend\n\
             impl Area for Square\nend\nprint(1)"
        }
        Code::AssignCaptured => "let mut n = 0\nlet add = fn(x: Int)\n  n += x\nend\nadd(1)",
        _ => "",
    }
}

fn patterns_and_blocks(code: Code) -> &'static str {
    match code {
        Code::NotExhaustive => {
            "enum Color\n  Red\n  Green\nend\ncell name(c: Color) -> String\n  match c\n    \
             Red -> \"red\"\n  end\nend\nprint(name(Red))"
        }
        Code::BadPattern => "match 1\n  \"one\" -> print(1)\n  _ -> print(2)\nend",
        Code::DuplicateBinding => "let (a, a) = (1, 2)",
        Code::UnequalAlternatives => {
            "match (1, 2)\n  (1, a) | (b, 2) -> print(a)\n  _ -> print(0)\nend"
        }
        Code::NotAwaited => "async cell f() = 1\nlet x = f()\nprint(x + 1)",
        Code::AssignOuter => "let mut n = 0\nasync\n  n = 1\nend",
        Code::NotAvailable => "await parallel\n  a = 1 + 1\n  b = a + 1\nend\nprint(a)",
        Code::NullableChannel => "let ch = channel[Int?](1)\nch.close()",
        Code::BadSpawn => "let f = spawn(42)",
        Code::BadBlock => "await parallel\nend",
        Code::AwaitRecord => {
            "record Job\n  f: Future[Int]\nend\nlet j = Job(f: spawn(fn() => 1))\nawait j"
        }
        _ => "",
    }
}

fn others(code: Code) -> &'static str {
    match code {
        Code::UnknownTool => "grant Chat max_tokens 10\nprint(1)",
        Code::BadGrant => "use tool llm.chat as Chat\ngrant Chat max_tokens [1]\nprint(1)",
        Code::EffectNotDeclared => {
            "cell load() -> String / {} = read_file(\"a.txt\")\nprint(load())"
        }
        Code::NotDeterministic => "@deterministic true\nprint(random())",
        Code::BadToolCall => "use tool llm.chat as Chat\nprint(Chat(\"hello\"))",
        Code::NotMutable => "@strict true\nlet n = 1\nn = 2",
        Code::SecondAwait => {
            "@strict true\nlet f = spawn(fn() => 1)\nprint(await f)\nprint(await f)"
        }
        Code::UnknownDirective => "@fast true\nprint(1)",
        Code::RepeatedDirective => "@strict true\n@strict false\nprint(1)",
        Code::Unreachable => "cell f() -> Int\n  return 1\n  print(2)\nend\nprint(f())",
        Code::UnreachableArm => "match 1\n  n -> print(n)\n  2 -> print(2)\nend",
        Code::UnusedValue => "let mut a = 1\na == 2\nprint(a)",
        Code::ConstantTest => "let n = 1\nprint(n is Int)",
        Code::NeverAwaited => "let f = spawn(fn() => 1)\nprint(2)",
        Code::StringCatch => {
            "cell f(n: Int) -> Int | String\n  if n > 0 then n else \"none\"\nend\n\
             match await spawn(f(1))\n  e: String -> print(e)\n  n: Int -> print(n)\nend"
        }
        Code::UnusedVariable => "cell f() -> Int\n  let n = 1\n  2\nend\nprint(f())",
        Code::LooseDefault => "let a: Int? = null\nprint(a ?? 0 <= 3)",
        Code::UnusedImport => "import std.regex: regex\nprint(1)",
        Code::LostResult => {
            "cell save(n: Int) -> result[Int, String] = err(\"disk full\")\nsave(1)\nprint(2)"
        }
        _ => "",
    }
}
