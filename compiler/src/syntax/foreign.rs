//! Words of other languages, and what Lumen writes instead.
//!
//! They are ordinary names in Lumen: the parser looks here only where a name cannot stand, and
//! name resolution may look here for a name that nothing declares.

/// How a word of another language is best read on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading {
    /// As `cell`.
    Cell,
    /// As `else if`.
    ElseIf,
    /// As `let`.
    Let,
    /// As `let mut`.
    LetMut,
    /// As `record`.
    Record,
    /// As `trait`.
    Trait,
    /// As `match`.
    Match,
    /// As `for`.
    For,
    /// As `throw`.
    Throw,
    /// As `spawn`.
    Spawn,
    /// As `await`.
    Await,
    /// As `import`, of which the rest of the line is not read.
    Line,
    /// Not at all.
    Nothing,
}

/// What a word of another language is in Lumen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Foreign {
    /// How to read on.
    pub reading: Reading,
    /// What to write.
    pub help: &'static str,
}

/// What `word` is in Lumen, if it is a word of another language.
pub fn of_word(word: &str) -> Option<Foreign> {
    let (reading, help) = match word {
        "function" | "func" | "fun" | "def" | "proc" | "sub" | "defn" => (
            Reading::Cell,
            "a function is declared with `cell`: cell name(x: Int) -> Int … end",
        ),
        "elif" | "elsif" | "elseif" | "elseIf" => (Reading::ElseIf, "write `else if`"),
        "var" => (Reading::LetMut, "a variable is declared with `let mut`"),
        "val" | "local" | "auto" | "final" => (Reading::Let, "a variable is declared with `let`"),
        "struct" | "class" | "data" | "object" => (
            Reading::Record,
            "a type with fields is declared with `record`",
        ),
        "interface" | "protocol" => (Reading::Trait, "write `trait`"),
        "switch" | "case" => (Reading::Match, "write `match x`, with arms `pattern -> e`"),
        "foreach" => (Reading::For, "write `for x in xs`"),
        "raise" | "panic" => (Reading::Throw, "write `throw e`"),
        "go" | "launch" | "fork" | "thread" => (Reading::Spawn, "use `spawn(…)`"),
        "wait" | "join" => (Reading::Await, "use `await`"),
        "sync" => (Reading::Await, "use `await`"),
        "include" | "require" | "using" | "package" | "module" | "namespace" => (
            Reading::Line,
            "modules are imported with `import a.b: x, y`",
        ),
        "until" => (Reading::Nothing, "write `while not …`"),
        "unless" => (Reading::Nothing, "write `if not …`"),
        "except" | "rescue" => (Reading::Nothing, "write `catch e`"),
        "ensure" => (Reading::Nothing, "write `finally`"),
        "begin" => (
            Reading::Nothing,
            "write `do … end`, or `try … catch e … end`",
        ),
        "lambda" => (Reading::Nothing, "a lambda is written fn(x) => e"),
        "nil" | "None" | "undefined" | "nullptr" | "NULL" => (Reading::Nothing, "write `null`"),
        "True" => (Reading::Nothing, "write `true`"),
        "False" => (Reading::Nothing, "write `false`"),
        "new" => (
            Reading::Nothing,
            "a record is made by a call: Point(x: 1, y: 2)",
        ),
        "this" => (Reading::Nothing, "write `self`"),
        "println" | "printf" | "puts" | "echo" => (Reading::Nothing, "use `print(…)`"),
        "str" | "int" | "float" | "bool" | "void" => {
            (Reading::Nothing, "types are String, Int, Float, Bool, Null")
        }
        _ => return None,
    };
    Some(Foreign { reading, help })
}
