//! Every diagnostic code: number, title, explanation. The only home of that list.
//!
//! E01xx reading and parsing · E02xx names and modules · E03xx types · E04xx patterns ·
//! E05xx concurrency · E06xx effects and tools · E07xx directives and `@strict` · W0xxx warnings.
//! `lumenc explain E0123` prints the explanation. Numbers are never used again for another rule.

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// The program cannot run.
    Error,
    /// The program can run.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn text(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($name:ident $number:ident $title:literal $explanation:literal)*) => {
        /// A rule that a program can break.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code {
            $(
                #[doc = $title]
                $name,
            )*
        }

        impl Code {
            /// Every code, by number within its block.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// `E0123` or `W0012`.
            pub fn number(self) -> &'static str {
                match self { $(Code::$name => stringify!($number),)* }
            }

            /// What the rule is about, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// The rule, why it is there, and how to follow it.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$name => $explanation,)* }
            }
        }
    };
}

impl Code {
    /// The code of this number, in any case: `E0123`, `w0001`.
    pub fn from_number(number: &str) -> Option<Code> {
        Code::ALL
            .iter()
            .copied()
            .find(|code| code.number().eq_ignore_ascii_case(number))
    }

    /// Is it about the text as such (E01xx), whatever it may mean?
    #[must_use]
    pub fn is_of_grammar(self) -> bool {
        self.number().starts_with("E01")
    }

    /// Error for `E…`, warning for `W…`.
    pub fn severity(self) -> Severity {
        if self.number().starts_with('W') {
            Severity::Warning
        } else {
            Severity::Error
        }
    }
}

codes! {
    // E01xx: reading and parsing
    InvalidUtf8 E0101 "source is not UTF-8"
        "Lumen source is UTF-8 text. The diagnostic gives the offset of the first byte that is \
         not. Save the file as UTF-8; for arbitrary bytes in a program write b\"cafe\"."
    SourceTooLarge E0102 "source file is too large"
        "A source file may have at most 16 MiB. Split the program into modules, or read large \
         data from a file when the program runs."
    UnknownCharacter E0103 "unknown character"
        "The character has no meaning in Lumen outside of strings and comments."
    UnterminatedString E0104 "unterminated string"
        "A string starts with `\"` and ends with `\"` on the same line; one that starts with \
         `\"\"\"` may run over several lines and ends with `\"\"\"`. Within a string a quote is \
         written `\\\"` and a brace `\\{`."
    BadEscape E0105 "unknown escape in a string"
        "The escapes are \\n \\t \\r \\\\ \\\" \\{ \\} \\0 \\xNN (up to 7f) and \\u{...}. Write \
         r\"...\" for text in which a backslash is just a backslash."
    BadNumber E0106 "malformed number"
        "Numbers are written 42, 1_000_000, 0xff, 0b1010, 3.14, 1e10; durations 5ms, 20s, 3min, \
         1hr."
    IntegerOutOfRange E0107 "integer out of range"
        "An Int has 64 bits: from -9223372036854775808 to 9223372036854775807. Write a Float \
         (1e20) for larger magnitudes."
    BadBytes E0108 "malformed bytes literal"
        "b\"...\" holds pairs of hexadecimal digits: b\"cafe\" is two bytes."
    BadFormat E0109 "malformed format specifier"
        "After the `:` in \"{value:...}\" stands \
         [[fill]align][+][#][0][width][,][.precision][kind] with align one of < > ^ and kind one \
         of d x X b o e f %: \"{price:.2}\", \"{n:>8}\", \"{n:x}\"."
    TooDeep E0110 "nesting is too deep"
        "Expressions, statements, types and patterns may nest 400 levels, of which a block takes \
         two; one expression may chain 1000 operators or calls, and an `if` 500 branches. Name \
         parts of it with `let`, or move them into cells. All limits stand in docs/language.md."
    Expected E0111 "unexpected word or mark"
        "The text does not follow the grammar at this place. The message says what could stand \
         there."
    Unterminated E0112 "a block or bracket is not closed"
        "Every block ends with `end`, and every bracket has its counterpart. The diagnostic \
         points at the opening that has none."
    StrayEnd E0113 "nothing to end here"
        "`end`, `else`, `catch`, `finally` and closing brackets belong to something that was \
         opened before. There may be one `end` too many above."
    ForeignSyntax E0114 "syntax of another language"
        "The text is what another language would write. The help says how Lumen writes it."
    ReservedName E0115 "reserved word used as a name"
        "Reserved words cannot name anything: and as async await break cell const continue defer \
         do else end enum extern false fn for from if impl import in is let loop match mut not \
         null or pub record return self then throw trait true try catch finally type use while \
         yield."
    ChainedComparison E0116 "comparisons do not chain"
        "`a < b < c` is written `a < b and b < c`. The same holds for ==, in, is and as; use \
         parentheses to compare the result of a comparison."
    InvalidAssignment E0117 "cannot assign to this"
        "The left side of `=` is a name, a field (user.name) or an index (items[0]). To take a \
         value apart write `let (a, b) = e`."
    MissingNewline E0118 "two statements on one line"
        "A newline ends a statement; there is no `;`."
    EmptyHole E0119 "empty braces in a string"
        "`{` in a string begins an expression, up to `}`. Write `\\{` for the character."
    MisplacedDeclaration E0120 "declaration inside a body"
        "Records, enums, cells, traits, impls, imports and tests stand at the top level of a \
         file. A function inside a body is a lambda: let f = fn(x) => x + 1."
    MisplacedDirective E0121 "directive after the first declaration"
        "Directives (`@deterministic true`) come first in a file, before all declarations and \
         statements."
    BadDirective E0122 "malformed directive"
        "`@deterministic`, `@strict` and `@doc_mode` take true or false; `@clock` takes virtual \
         or real."
    MissingCatch E0123 "try without catch or finally"
        "A `try` block has at least one `catch` or a `finally`. To hand on an err or null write \
         `try e` on one line, or `e?`."
    UnterminatedFence E0124 "unterminated Markdown fence"
        "A fence that begins with ``` ends with a line of at least as many backquotes."
    DuplicateRest E0126 "more than one rest in a pattern"
        "A list pattern has at most one `...`: where would one end and the next begin?"
    OpenRange E0127 "range without an end"
        "`a..` and `..b` stand only in an index (xs[1..]) or a pattern. Elsewhere both ends are \
         written: a..b."
    CellTooLarge E0190 "a cell is too large"
        "One cell may use 65535 registers and 2^30 instruction words. Generated code that is \
         larger must be split into several cells."

    // E02xx: names and modules
    UnknownName E0201 "unknown name"
        "The name means nothing here: no variable, cell, constant or variant of that name is in \
         scope. Names are known from their declaration to the end of their block; cells, records \
         and other declarations in the whole module; other modules' names by `import`."
    UnknownType E0202 "unknown type or trait"
        "The name means no type here. The built-in types are Int, Float, Bool, String, Bytes, \
         Null, Any, Json, Error, list, map, set, tuple, result, Future and Channel; records, \
         enums and aliases are types too."
    DuplicateName E0203 "name declared twice"
        "A module declares each name once, and a cell each parameter."
    UnknownModule E0204 "unknown module"
        "`import foo: bar` looks for foo.lm, foo.lumen, foo.lm.md and foo.lumen.md, then for mod \
         or main with these endings in the folder foo. `import std.x: …` is the library."
    UnknownImport E0205 "module does not have this name"
        "An import names what the other module declares at its top level (or re-exports with \
         `pub import`); names that begin with `_` are private."
    ImportCycle E0206 "modules import each other in a circle"
        "A module cannot, by way of others, import itself. Move what both need into a third one."
    SharedVariable E0207 "cell uses a variable of the module"
        "Cells see module-level `let`s that never change. One that is `mut` or assigned again \
         belongs to the module's statements: tasks share no variables. Pass it as an argument, or \
         keep it in an Atomic, a Mutex or a channel."
    NothingToRun E0208 "nothing to run"
        "A program starts at the cell `main`, or at the statements outside of all cells. This one \
         has neither."
    UnknownField E0209 "unknown field"
        "Values of this type have no field of that name."
    UnknownMethod E0210 "unknown method"
        "`x.f(y)` is a field that holds a function, a method of x's type, or the cell `f` given x \
         as first argument. There is none of these."
    UnknownVariant E0211 "unknown variant"
        "The enum has no variant of that name."
    UnknownLabel E0212 "unknown label"
        "`break @l` and `continue @l` name the label of a loop they stand in: `for @l x in xs`."
    WrongKind E0213 "name of another kind"
        "A type stands where a value is wanted, a value where a type is, or a trait where a type \
         is wanted."
    BadMain E0214 "main cannot be called like this"
        "The program calls `main` with nothing, or with the list of command-line arguments: \
         `cell main()` or `cell main(args: list[String])`."
    CyclicValue E0215 "value needs itself"
        "A constant or module-level `let` cannot be computed from itself."
    Misplaced E0216 "not possible here"
        "`break` and `continue` stand in loops, `yield` in generators, `mut` on the first \
         parameter."

    UsedBefore E0217 "variable used above its `let`"
        "The variables of a module get their values in the order in which its statements stand; \
         the statements of imported modules come first, in the order of the imports. A statement \
         can use, also through the cells it calls, only what stands above it. Constants are \
         computed before all statements."
    TwoEntries E0218 "two places to start"
        "A program starts at the cell `main`, or at the statements outside of all cells, which \
         are its `main` then. Beside a cell `main` only `let`s can stand outside."

    // E03xx: types
    Mismatch E0301 "wrong type"
        "The value's type is not the one wanted here. Where a union, `T?`, Any or Json is wanted, \
         each of its members will do; an Int literal will do for a Float."
    ArgumentCount E0302 "wrong number of arguments"
        "A call gives each parameter without default one argument, in order or by name."
    UnknownArgument E0303 "unknown or repeated argument name"
        "A named argument names a parameter of the cell, or a field of the record, once."
    NotCallable E0304 "not callable"
        "Cells, closures, records and variants can be called."
    BadOperand E0305 "operator does not take these types"
        "Arithmetic takes Int and Float, `++` and `+` join Strings, lists or Bytes, comparisons \
         take two values of one type, `and`, `or`, `not` take Bool."
    CannotInfer E0306 "type cannot be inferred"
        "Nothing here says what the type is. Write it: `let xs: list[Int] = []`, `fn(x: Int) => x`."
    NotIterable E0307 "cannot be walked over"
        "`for` walks over lists, ranges, Strings, Bytes, maps, sets, generators and channels."
    NotIndexable E0308 "cannot be indexed"
        "Lists, Strings, Bytes and maps can be indexed, the first three also sliced."
    BoundNotMet E0309 "type does not implement a trait"
        "The declaration demands a trait of this type argument, and there is no impl of it."
    RecursiveType E0310 "type contains itself"
        "A record with a field of its own type could never be made; make it nullable or a list. \
         An alias cannot stand for itself."
    TypeArguments E0311 "wrong number of type arguments"
        "A generic type or cell takes as many types in brackets as it declares parameters."
    NotAPlace E0312 "not a place"
        "Assignment, and the method form of a cell that changes its first argument, need a \
         variable, or a field or element of one. The function form gives the new value."
    NoOverload E0313 "no version takes these arguments"
        "The library has several cells of this name, told apart by their arguments; none takes \
         these."
    PolymorphicRecursion E0314 "endlessly many types"
        "A generic cell calls itself with ever larger types; each would be another copy of it."
    BadFormatType E0315 "format does not go with the type"
        "d x X b o format Int, e f % numbers, a precision numbers and Strings."
    MissingValue E0316 "no value at the end"
        "A cell with a declared result type gives a value on every path: its last expression, or \
         `return`."
    BadPropagation E0317 "err or null cannot be handed on"
        "`e?` and `try e` leave the cell with the `err` or null of e: the cell must give a result \
         or a nullable type."
    ImpossibleTest E0318 "test is never true"
        "A value of this type is never of the type it is tested for."
    TraitMethods E0319 "impl does not fit its trait"
        "An impl has the trait's cells, with the signatures declared there; those with a body in \
         the trait may be left out."
    AssignCaptured E0320 "assignment to a captured variable"
        "Closures capture by value: an assignment inside would change only the copy."

    // E04xx: patterns and exhaustiveness
    NotExhaustive E0401 "not all cases are covered"
        "A `match` has an arm for every value: the message names some that are missing."
    BadPattern E0402 "pattern does not fit the value"
        "No value of this type can match the pattern."
    DuplicateBinding E0403 "name bound twice in a pattern"
        "Each name in a pattern is bound once."
    UnequalAlternatives E0404 "alternatives bind different names"
        "The alternatives of `a | b` bind the same names, with the same types."

    // E05xx: concurrency
    NotAwaited E0501 "future used as its value"
        "A Future[T] is not a T: `await f` waits for the task and gives its value."
    AssignOuter E0502 "assignment to an outer variable in a concurrent block"
        "Tasks capture by value and share no variables. Give the new value back, or use a \
         channel, a Mutex or an Atomic."
    NotAvailable E0503 "name is not available yet"
        "The names of a block's branches are bound when the block joins."
    NullableChannel E0504 "channel of a nullable type"
        "`next()` gives null at the end of a channel, so its elements cannot be null."
    BadSpawn E0505 "nothing to spawn"
        "`spawn` takes a call, a closure, or a list of calls."
    BadBlock E0506 "malformed concurrent block"
        "parallel, race, vote and select have branches; their modifiers are those of the \
         language."
    AwaitRecord E0507 "await cannot change a record"
        "Awaiting a record awaits the futures in its fields and keeps its shape: a field of type \
         Future[T] becomes one of type T. Only a generic record has a type for that. Await the \
         field itself, or declare the field with a type parameter."

    // E06xx: effects and tools
    UnknownTool E0601 "unknown tool"
        "Tools are declared: use tool llm.chat as Chat."
    BadGrant E0602 "malformed grant"
        "The limits of a grant are numbers and texts: grant Chat max_tokens 1024."
    EffectNotDeclared E0603 "effect is not declared"
        "The effects that a cell declares after its result type cover all it does, callees \
         included."
    NotDeterministic E0604 "not deterministic"
        "Under `@deterministic true` a program may not reach outside: no network, files, tools or \
         environment, no random, uuid or timestamp."
    BadToolCall E0605 "malformed call of a tool"
        "A tool is called with named arguments, which are Json: Chat(prompt: q). An operation of \
         an effect is called as db.query(…), and `bind effect db.query to Tool` names its tool."

    // E07xx: directives and @strict
    NotMutable E0701 "variable is not mut"
        "Under `@strict true` only variables declared with `let mut` can be assigned to."
    SecondAwait E0702 "future is awaited twice"
        "Under `@strict true` a future is awaited once, and its handle is not copied."

    // W0xxx: warnings
    UnknownDirective W0001 "unknown directive"
        "The directives are @deterministic, @clock, @strict and @doc_mode. Others have no effect."
    RepeatedDirective W0002 "directive given twice"
        "The last of several equal directives counts."
    Unreachable W0004 "never reached"
        "Control never comes here: what stands before leaves the block on every path."
    UnreachableArm W0005 "arm never matches"
        "The arms above cover all values that this one would match."
    UnusedValue W0006 "value is not used"
        "The statement computes a value and drops it."
    ConstantTest W0007 "test always has the same outcome"
        "The types say what the outcome is."
    NeverAwaited W0008 "future is never awaited"
        "A future that nobody awaits loses its value, and its failure is only reported. Await it, \
         or start the task as a statement."
    StringCatch W0009 "failure is not caught"
        "`e: String` catches a failure's message only when the task itself gives no String. Write \
         `e: Error`."
    UnusedVariable W0010 "variable is never used"
        "Nothing reads the variable. Leave it out, or begin its name with `_` if that is meant."
    UnusedImport W0011 "import is never used"
        "The file does not mention what the import brings."
    LostResult W0012 "result is dropped"
        "The call gives a `result`, and nobody looks at it: an `err` would be lost. Hand it on \
         with `?`, look at it with `match`, or write `let _ = …` if it does not matter."
    LooseDefault W0013 "`??` binds looser than the comparison"
        "`a ?? 0 <= 3` is `a ?? (0 <= 3)`: where `a` is no Bool, that is hardly meant. Write \
         `(a ?? 0) <= 3`."
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_has_its_own_number_and_a_text() {
        let mut seen = HashSet::new();
        for code in Code::ALL {
            let number = code.number();
            assert!(seen.insert(number), "{number} is used twice");
            assert!(number.len() == 5 && (number.starts_with('E') || number.starts_with('W')));
            assert!(
                number[1..].bytes().all(|byte| byte.is_ascii_digit()),
                "{number}"
            );
            assert!(
                !code.title().is_empty() && code.explanation().len() > 20,
                "{number}"
            );
            assert_eq!(Code::from_number(&number.to_lowercase()), Some(*code));
        }
        assert_eq!(Code::from_number("E9999"), None);
    }
}
