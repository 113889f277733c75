//! Tokens, and the one table of the words of the language.

use super::Symbol;
use crate::source::{FileId, Span};

/// Declares [`TokenKind`], [`WORDS`] and [`sym`] from one list each of marks, reserved words,
/// contextual words and other names the compiler knows.
macro_rules! tokens {
    (
        other { $($other:ident $other_text:literal)* }
        marks { $($mark:ident $mark_text:literal)* }
        reserved { $($res:ident $res_sym:ident $res_text:literal)* }
        contextual { $($ctx:ident $ctx_sym:ident $ctx_text:literal)* }
        names { $($name_sym:ident $name_text:literal)* }
    ) => {
        /// What a token is.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "each kind is its spelling, given by `text`")]
        pub enum TokenKind { $($other,)* $($mark,)* $($res,)* $($ctx,)* }

        /// Every word with a fixed symbol, in order: reserved, contextual, other known names.
        pub const WORDS: &[&str] = &[$($res_text,)* $($ctx_text,)* $($name_text,)*];

        /// The kinds of the first words of [`WORDS`]; a symbol beyond them is a plain name.
        const WORD_KINDS: &[TokenKind] = &[$(TokenKind::$res,)* $(TokenKind::$ctx,)*];

        #[allow(non_camel_case_types, clippy::upper_case_acronyms, unreachable_pub,
            reason = "only numbers the words")]
        enum WordNumber { $($res_sym,)* $($ctx_sym,)* $($name_sym,)* }

        /// The symbols of the words of the language and of names the compiler knows.
        #[allow(missing_docs, reason = "each constant is the symbol of its own spelling")]
        pub mod sym {
            use super::{Symbol, WordNumber};
            $(pub const $res_sym: Symbol = Symbol(WordNumber::$res_sym as u32);)*
            $(pub const $ctx_sym: Symbol = Symbol(WordNumber::$ctx_sym as u32);)*
            $(pub const $name_sym: Symbol = Symbol(WordNumber::$name_sym as u32);)*
        }

        impl TokenKind {
            /// How the kind is named in messages: its spelling, or what it is.
            pub fn text(self) -> &'static str {
                match self {
                    $(TokenKind::$other => $other_text,)*
                    $(TokenKind::$mark => $mark_text,)*
                    $(TokenKind::$res => $res_text,)*
                    $(TokenKind::$ctx => $ctx_text,)*
                }
            }

            /// Whether this is a word that may never be a name.
            pub fn is_reserved(self) -> bool {
                matches!(self, $(TokenKind::$res)|*)
            }

            /// Whether this is a word with a meaning in some places only.
            pub fn is_contextual(self) -> bool {
                matches!(self, $(TokenKind::$ctx)|*)
            }
        }
    };
}

tokens! {
    other {
        Eof "end of file"
        Ident "name"
        Label "label"
        Int "integer"
        Float "number"
        Duration "duration"
        Str "string"
        StrOpen "string"
        StrText "string text"
        StrClose "end of string"
        HoleOpen "`{` in a string"
        HoleClose "`}` in a string"
        FormatSpec "format specifier"
        RawStr "raw string"
        Bytes "bytes"
        RoleText "role text"
        Unknown "unknown character"
    }
    marks {
        LParen "(" RParen ")" LBracket "[" RBracket "]" LBrace "{" RBrace "}"
        Comma "," Colon ":" Dot "." DotDot ".." DotDotEq "..=" Ellipsis "..."
        Arrow "->" FatArrow "=>" Eq "=" EqEq "==" NotEq "!=" Lt "<" LtEq "<=" Gt ">" GtEq ">="
        Plus "+" Minus "-" Star "*" Slash "/" SlashSlash "//" Percent "%" StarStar "**"
        PlusPlus "++" Amp "&" Pipe "|" Caret "^" Tilde "~" Shl "<<" Shr ">>"
        PlusEq "+=" MinusEq "-=" StarEq "*=" SlashEq "/=" SlashSlashEq "//=" PercentEq "%="
        StarStarEq "**=" PlusPlusEq "++=" AmpEq "&=" PipeEq "|=" CaretEq "^="
        ShlEq "<<=" ShrEq ">>="
        PipeGt "|>" TildeGt "~>" Question "?" QuestionDot "?." QuestionBracket "?["
        QuestionQuestion "??" Bang "!" Underscore "_"
        AmpAmp "&&" PipePipe "||" EqEqEq "===" NotEqEq "!==" Semicolon ";" ColonEq ":="
        ColonColon "::"
    }
    reserved {
        And AND "and" As AS "as" Async ASYNC "async" Await AWAIT "await" Break BREAK "break"
        Cell CELL "cell" Const CONST "const" Continue CONTINUE "continue" Defer DEFER "defer"
        Do DO "do" Else ELSE "else" End END "end" Enum ENUM "enum" Extern EXTERN "extern"
        False FALSE "false" Fn FN "fn" For FOR "for" From FROM "from" If IF "if"
        Impl IMPL "impl" Import IMPORT "import" In IN "in" Is IS "is" Let LET "let"
        Loop LOOP "loop" Match MATCH "match" Mut MUT "mut" Not NOT "not" Null NULL "null"
        Or OR "or" Pub PUB "pub" Record RECORD "record" Return RETURN "return"
        SelfWord SELF "self" Then THEN "then" Throw THROW "throw" Trait TRAIT "trait"
        True TRUE "true" Try TRY "try" Catch CATCH "catch" Finally FINALLY "finally"
        Type TYPE "type" Use USE "use" While WHILE "while" Yield YIELD "yield"
    }
    contextual {
        Result RESULT "result" List LIST "list" Map MAP "map" Set SET "set" Tuple TUPLE "tuple"
        Ok OK "ok" Err ERR "err" Spawn SPAWN "spawn" Parallel PARALLEL "parallel"
        Race RACE "race" Vote VOTE "vote" Select SELECT "select" Timeout TIMEOUT "timeout"
        Scope SCOPE "scope" Channel CHANNEL "channel" Executor EXECUTOR "executor"
        State STATE "state" Step STEP "step" When WHEN "when" Tool TOOL "tool"
        Grant GRANT "grant" Role ROLE "role" Effect EFFECT "effect" Bind BIND "bind"
        Test TEST "test" Assert ASSERT "assert" Where WHERE "where"
    }
    names {
        MAIN "main" INT "Int" FLOAT "Float" BOOL "Bool" STRING "String" BYTES "Bytes"
        NULL_TYPE "Null" ANY "Any" JSON "Json" FUTURE "Future" CHANNEL_TYPE "Channel"
        ERROR "Error" SELF_TYPE "Self" PRINT "print" SUBMIT "submit" HALT "halt"
        ALL "all" FIRST "first" ANY_WORD "any" SETTLED "settled" REGARDLESS "regardless"
        ON_FAIL "on_fail" FAIL_FAST "fail_fast" IGNORE "ignore" MAX "max" COUNT "count"
        ON "on" QUORUM "quorum" FAIR "fair" TO "to" STD "std"
        DETERMINISTIC "deterministic" CLOCK "clock" STRICT "strict" DOC_MODE "doc_mode"
        VIRTUAL "virtual" REAL "real" CLOSURE "closure" GENERATOR "generator"
    }
}

/// One token. Newlines are not tokens: a token knows whether one stands before it.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Whether it is the first on its line.
    pub newline_before: bool,
    /// Whether white space (or a comment) stands before it.
    pub space_before: bool,
    /// Offset of its first byte.
    pub start: u32,
    /// Offset after its last byte.
    pub end: u32,
    /// The name, of a name, word or label; 0 otherwise.
    pub symbol: Symbol,
}

impl Token {
    /// Its place in `file`.
    pub fn span(self, file: FileId) -> Span {
        Span::new(file, self.start, self.end)
    }
}

impl TokenKind {
    /// The kind of the word `symbol`: reserved, contextual, or a plain name.
    pub fn of_word(symbol: Symbol) -> TokenKind {
        WORD_KINDS
            .get(symbol.0 as usize)
            .copied()
            .unwrap_or(TokenKind::Ident)
    }

    /// Whether this can be a name: a plain one or a contextual word.
    pub fn is_name(self) -> bool {
        self == TokenKind::Ident || self.is_contextual()
    }
}
