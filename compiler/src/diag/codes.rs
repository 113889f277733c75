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
        "After the `:` in \"{value:...}\" stands [[fill]align][+][#][0][width][.precision][kind] \
         with align one of < > ^ and kind one of d x X b o e f %: \"{price:.2}\", \"{n:>8}\", \
         \"{n:x}\"."
    TooDeep E0110 "nesting is too deep"
        "Expressions, blocks, types and patterns may nest some 250 levels, and one \
         expression may chain about a thousand operators or calls. Name parts of it with \
         `let`, or move them into cells."
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
    // E03xx: types
    // E04xx: patterns and exhaustiveness
    // E05xx: concurrency
    // E06xx: effects and tools
    // E07xx: directives and @strict
    // W0xxx: warnings
    UnknownDirective W0001 "unknown directive"
        "The directives are @deterministic, @clock, @strict and @doc_mode. Others have no effect."
    RepeatedDirective W0002 "directive given twice"
        "The last of several equal directives counts."
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
