//! The front end on whole files: every file of `tests/syntax/` with its tree and its diagnostics,
//! and input that nobody would write.

use lumen_compiler::diag::{Code, Diagnostics, RenderOptions, render_human};
use lumen_compiler::source::{SourceKind, SourceMap};
use lumen_compiler::syntax::{Interner, dump, lexer, parse_file};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Tree and diagnostics of a text, and the codes among them.
struct Outcome {
    tree: String,
    diagnostics: String,
    codes: BTreeSet<Code>,
}

fn parse(name: &str, text: &str) -> Outcome {
    let mut sources = SourceMap::new();
    let file = sources.add_text(name, text.to_owned(), SourceKind::of_name(name));
    let (mut interner, mut diagnostics) = (Interner::new(), Diagnostics::new());
    let module = parse_file(&sources, file, &mut interner, &mut diagnostics);
    diagnostics.sort();
    Outcome {
        tree: dump::dump_ast(&module, &interner),
        diagnostics: render_human(&sources, &diagnostics, RenderOptions::default()),
        codes: diagnostics
            .iter()
            .map(|diagnostic| diagnostic.code)
            .collect(),
    }
}

/// The files of `tests/syntax/`, by name, with their texts.
fn corpus() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/syntax");
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|end| end == "lm" || end == "md")
    });
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn trees_and_diagnostics() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("syntax");
    settings.bind(|| {
        for (name, text) in corpus() {
            let outcome = parse(&name, &text);
            let (tree, found) = (&outcome.tree, &outcome.diagnostics);
            let shown = format!("{text}\n──── tree\n{tree}\n──── diagnostics\n{found}");
            insta::assert_snapshot!(name, shown);
        }
    });
}

#[test]
fn only_the_files_that_should_have_errors() {
    for (name, text) in corpus() {
        let found = parse(&name, &text).diagnostics;
        let wanted = name.starts_with("errors_") || name.ends_with(".md");
        assert_eq!(found.contains("error["), wanted, "{name}\n{found}");
    }
}

/// Those that need a file of their own are tested in `source/map.rs` and below.
#[test]
fn every_code_of_the_front_end_is_met() {
    let elsewhere = [Code::InvalidUtf8, Code::SourceTooLarge, Code::TooDeep];
    let mut met: BTreeSet<Code> = elsewhere.into();
    for (name, text) in corpus() {
        met.extend(parse(&name, &text).codes);
    }
    for code in Code::ALL.iter().filter(|code| code.number() < "E0150") {
        assert!(
            met.contains(code),
            "{} {} is in no test",
            code.number(),
            code.title()
        );
    }
    assert!(met.contains(&Code::UnknownDirective) && met.contains(&Code::RepeatedDirective));
}

#[test]
fn tokens_are_listed_with_their_places() {
    let mut sources = SourceMap::new();
    let text = "let x = \"a{b}\"\nx".to_owned();
    let file = sources.add_text("t.lm", text, SourceKind::Plain);
    let listed = dump::dump_tokens(&sources, file, &mut Interner::new());
    let lines: Vec<Vec<&str>> = listed
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0], ["1:1", "↵", "Let", "let"]);
    assert_eq!(lines[3], ["1:9", "StrOpen", "\\\""]);
    assert_eq!(lines[9], ["2:1", "↵", "Ident", "x"]);
}

/// What is found wrong with `text`, without looking at the tree.
fn check(text: &str) -> BTreeSet<Code> {
    let mut sources = SourceMap::new();
    let file = sources.add_text("t.lm", text.to_owned(), SourceKind::Plain);
    let mut diagnostics = Diagnostics::new();
    parse_file(&sources, file, &mut Interner::new(), &mut diagnostics);
    diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect()
}

/// Nesting and chains of any length are an error, or no problem; never a stack overflow. 2 MiB
/// of stack suffice even without optimisation; here an eighth of it is kept in reserve.
#[test]
fn any_depth_is_survived() {
    let thread = std::thread::Builder::new().stack_size(7 << 18);
    let survived = thread.spawn(survive_any_depth).expect("a thread").join();
    assert!(survived.is_ok());
}

fn survive_any_depth() {
    let count = 100_000;
    let openers = [
        "(",
        "[",
        "{1: ",
        "f(",
        "x.f(",
        "a[",
        "-",
        "not ",
        "await ",
        "try ",
        "2 ** ",
        "\"{",
        "if x\n",
        "if x then ",
        "while x\n",
        "for x in xs\n",
        "loop\n",
        "do ",
        "async ",
        "try\n",
        "match x\n a -> ",
        "match x\n a ->\n",
        "when\n a -> ",
        "fn() ",
        "f(fn(x) => ",
        "parallel\n",
        "race\n a = ",
        "select\n a = ",
        "scope\n",
        "spawn(fn() scope\n",
        "timeout(1, ",
        "ok(",
        "return ",
        "defer ",
        "let x = match a\n b -> ",
        "cell f()\n",
        " cell f()\n",
        "impl A\n",
        "match x\n [(",
        "let (",
        "let x: list[",
        "type A = fn(A) -> ",
        "{x for x in ",
        "assert ",
        "x |> ",
        "a..",
        "yield ",
        "throw ",
    ];
    for opener in openers {
        let codes = check(&opener.repeat(count));
        assert!(codes.len() <= 4, "{opener:?}: {codes:?}");
    }
    let links = [
        " + a", ".b", "()", "?.b()", "[0]", "!", " ?", " |> a", " ?? a", "[A",
    ];
    for link in links {
        let codes = check(&format!("a{}", link.repeat(count)));
        assert_eq!(codes, [Code::TooDeep].into(), "{link:?}");
    }
    let branches = |count| check(&format!("if a\n{}end\n", "else if b\nc\n".repeat(count)));
    assert!(branches(400).is_empty());
    assert_eq!(branches(count), [Code::TooDeep].into());
}

#[test]
fn every_beginning_of_every_file_is_survived() {
    for (name, text) in corpus() {
        for (end, _) in text.char_indices().step_by(3) {
            parse(&name, &text[..end]);
        }
    }
}

/// Pieces of programs, to be put together at random: `·` separates them, `↵` is a newline.
const PIECES: &str = "let · if · else · end↵·end · match ·->·=>·cell f(·record R↵·enum E↵·trait T↵·\
    impl ·for x in ·while ·loop ·do ·then ·async ·await ·spawn(·parallel↵·race(·select↵·vote ·\
    scope ·timeout(·when↵·try ·try↵·catch ·finally↵·defer ·return ·break ·import ·use tool ·grant ·\
    effect e↵·bind effect ·test \"t\" ·role system: ·@l ·fn(·(·)·[·]·{·}·,·:·.·..·...·=·==·+·-·*·\
    ++·|·|>·?·?.·?[·??·!·!=·not ·in ·is ·as ·and ·\"·\"\"\"·\"a {·\"a {x:·}\"·\\·r\"·b\"0f\"·1·2.5·\
    5ms·0xff·x·y ·Foo·ok(·err(·null ·true ·self·#·##·↵·↵· ·elif ·function ·&&·'·;·é·\
    9223372036854775808·pub ·mut ";

fn piece() -> impl Strategy<Value = String> {
    let pieces: Vec<String> = PIECES
        .split('·')
        .map(|piece| piece.replace('↵', "\n"))
        .collect();
    prop::sample::select(pieces)
}

fn check_survives(name: &str, text: &str) {
    let mut sources = SourceMap::new();
    let file = sources.add_text(name, text.to_owned(), SourceKind::of_name(name));
    let lexed = lexer::lex(
        &sources,
        file,
        &mut Interner::new(),
        &mut Diagnostics::new(),
    );
    let mut last = 0;
    for token in &lexed.tokens {
        assert!(
            last <= token.start && token.start <= token.end,
            "{token:?} in {text:?}"
        );
        assert!(
            text.is_char_boundary(token.start as usize),
            "{token:?} in {text:?}"
        );
        last = token.end;
    }
    assert!(last as usize <= text.len());
    parse(name, text);
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        check_survives("any.lm", &text);
        check_survives("any.lm.md", &format!("```lumen\n{text}"));
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut sources = SourceMap::new();
        if sources.add("bytes.lm", bytes.clone()).is_err() {
            check_survives("bytes.lm", &String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn any_order_of_pieces_is_survived(pieces in prop::collection::vec(piece(), 0..60)) {
        check_survives("pieces.lm", &pieces.concat());
    }
}
