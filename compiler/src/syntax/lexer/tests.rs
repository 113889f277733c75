//! Tokens of small texts.

use super::*;

fn kinds(text: &str) -> Vec<T> {
    let (lexed, diagnostics) = lex_text(text);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    lexed.tokens.iter().map(|token| token.kind).collect()
}

fn lex_text(text: &str) -> (Lexed, Diagnostics) {
    let mut sources = SourceMap::new();
    let file = sources.add_text("t.lm", text.to_owned(), SourceKind::Plain);
    let mut diagnostics = Diagnostics::new();
    let lexed = lex(&sources, file, &mut Interner::new(), &mut diagnostics);
    (lexed, diagnostics)
}

fn codes(text: &str) -> Vec<Code> {
    lex_text(text)
        .1
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect()
}

#[test]
fn strings_nest_in_their_holes() {
    use T::*;
    let expected = [
        StrOpen, StrText, HoleOpen, Ident, LParen, Str, RParen, HoleClose, StrText, StrClose, Eof,
    ];
    assert_eq!(kinds(r#""a {f("b")} c""#), expected);
    let expected = [
        StrOpen, HoleOpen, StrOpen, HoleOpen, Ident, HoleClose, StrClose, HoleClose,
    ];
    assert_eq!(kinds(r#""{"{x}"}""#)[..8], expected);
}

#[test]
fn a_colon_in_a_hole_begins_a_format() {
    use T::*;
    let expected = [
        StrOpen, HoleOpen, Ident, FormatSpec, HoleClose, StrClose, Eof,
    ];
    assert_eq!(kinds(r#""{price:*>8.2}""#), expected);
    let inner = [
        HoleOpen, Ident, LParen, Ident, Colon, Int, RParen, HoleClose,
    ];
    assert_eq!(kinds(r#""{f(x: 1)}""#)[1..9], inner);
}

#[test]
fn escaped_braces_and_quotes_are_text() {
    assert_eq!(kinds(r#""\{ \" \\""#), [T::Str, T::Eof]);
    assert_eq!(kinds("\"\"\"a \" b\n\"\" c\"\"\""), [T::Str, T::Eof]);
    assert_eq!(kinds(r#"r"\{" b"00""#), [T::RawStr, T::Bytes, T::Eof]);
}

#[test]
fn numbers_points_and_suffixes() {
    use T::*;
    assert_eq!(
        kinds("1..2 1.5 1e10 5ms 1.5s t.0.1 1.max"),
        [
            Int, DotDot, Int, Float, Float, Duration, Duration, Ident, Dot, Int, Dot, Int, Int,
            Dot, Ident, Eof
        ]
    );
    assert_eq!(codes("5m"), [Code::BadNumber]);
    assert_eq!(codes("0b12"), [Code::BadNumber]);
    assert_eq!(codes("0x"), [Code::BadNumber]);
}

#[test]
fn role_lines_are_text_with_holes() {
    use T::*;
    assert_eq!(
        kinds("role system: be {x} # kind\nrole"),
        [
            Role, Ident, Colon, RoleText, StrText, HoleOpen, Ident, HoleClose, StrText, StrClose,
            Role, Eof
        ]
    );
    assert_eq!(kinds("role: Int"), [Role, Colon, Ident, Eof]);
    assert_eq!(kinds("role user: \"hi\""), [Role, Ident, Colon, Str, Eof]);
}

#[test]
fn an_unterminated_string_is_one_error_and_one_token() {
    for text in [
        "\"abc\nx",
        "\"abc {f(\nx",
        "\"a {\"b {c\nx",
        "\"a {b} c\nx",
        "r\"ab\nx",
    ] {
        let (lexed, diagnostics) = lex_text(text);
        let kinds: Vec<_> = lexed.tokens.iter().map(|token| token.kind).collect();
        assert_eq!(kinds, [T::Unknown, T::Ident, T::Eof], "{text}");
        assert!(lexed.tokens[1].newline_before, "{text}");
        assert_eq!(diagnostics.len(), 1, "{text}");
    }
    assert_eq!(codes("\"\"\"a {b\n c"), [Code::UnterminatedString]);
}

#[test]
fn doc_comments_know_the_token_they_stand_before() {
    let (lexed, _) = lex_text("a # x\n## one\n## two\n### three\nb ## four\n");
    let before: Vec<_> = lexed.docs.iter().map(|doc| doc.before).collect();
    assert_eq!(before, [1, 1]);
}

#[test]
fn comments_of_other_languages_are_hinted() {
    assert_eq!(
        codes("// x\na /* b\n */ c"),
        [Code::ForeignSyntax, Code::ForeignSyntax]
    );
    assert_eq!(
        codes("'a' $$$"),
        [Code::UnknownCharacter, Code::UnknownCharacter]
    );
}
