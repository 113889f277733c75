//! Tokens to the syntax tree: recursive descent, with precedence climbing for operators.
//!
//! Names of functions: `parse_x` must find an x, and reports and gives an error node if there is
//! none; `opt_x` may find one; `expect_x` takes a token that must stand there; `at_x` only looks.
//! No function fails: after an error the parser goes on where it makes sense (`recover.rs`), and
//! a second error at the same token is not reported.
//!
//! Newlines: tokens know whether they start a line. `in_brackets` says whether that matters:
//! inside `( [ {` it does not, inside a block it does again, wherever the block was opened.
//!
//! Lists give back what they have too much of: room for one element of a tree is a hundred bytes,
//! and most lists have one or two.
//!
//! Contextual words: `declared` holds those that name something in the current scope. Module-level
//! cells, constants and imports count in the whole file; where the file declares such a name, it
//! is parsed a second time knowing that.

mod block;
mod call;
mod concurrency;
mod control;
mod declaration;
mod expr;
mod item;
mod literal;
mod matching;
mod params;
mod pattern;
mod primary;
mod recover;
mod stmt;
mod string;
mod ty;

use super::ast::*;
use super::lexer::{DocLine, Lexed, lex, lex_parts};
use super::token::{Token, TokenKind as T};
use super::{Interner, Symbol};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::limits;
use crate::source::{FileId, SourceMap, Span};

/// Parses `file`; what is wrong with it goes to `diagnostics`.
pub fn parse_file(
    sources: &SourceMap,
    file: FileId,
    interner: &mut Interner,
    diagnostics: &mut Diagnostics,
) -> Module {
    let lexed = lex(sources, file, interner, diagnostics);
    parse_tokens(sources, file, &lexed, interner, diagnostics)
}

/// As [`parse_file`], of some parts of a file only, as if nothing else stood in it.
pub fn parse_parts(
    sources: &SourceMap,
    file: FileId,
    parts: &[std::ops::Range<usize>],
    interner: &mut Interner,
    diagnostics: &mut Diagnostics,
) -> Module {
    let lexed = lex_parts(sources, file, parts, interner, diagnostics);
    parse_tokens(sources, file, &lexed, interner, diagnostics)
}

fn parse_tokens(
    sources: &SourceMap,
    file: FileId,
    lexed: &Lexed,
    interner: &mut Interner,
    diagnostics: &mut Diagnostics,
) -> Module {
    let text = sources.file(file).text();
    let found = diagnostics.mark();
    let mut parser = Parser::new(text, file, lexed, interner, diagnostics, Words::NONE);
    let module = parser.parse_module();
    let declared = parser.module_words;
    if declared == Words::NONE {
        return module;
    }
    diagnostics.take_back(found);
    Parser::new(text, file, lexed, interner, diagnostics, declared).parse_module()
}

/// A set of contextual words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Words(u64);

impl Words {
    const NONE: Words = Words(0);

    fn bit(kind: T) -> u64 {
        if kind.is_contextual() {
            1 << (kind as u32 - T::Result as u32)
        } else {
            0
        }
    }

    fn contains(self, kind: T) -> bool {
        self.0 & Words::bit(kind) != 0
    }

    fn insert(&mut self, kind: T) {
        self.0 |= Words::bit(kind);
    }
}

struct Parser<'a> {
    text: &'a str,
    file: FileId,
    tokens: &'a [Token],
    docs: &'a [DocLine],
    interner: &'a mut Interner,
    diagnostics: &'a mut Diagnostics,
    /// The index of the current token.
    pos: usize,
    /// Where the token before it ends.
    prev_end: u32,
    next_id: u32,
    /// The arguments read so far of the calls we are inside of, outermost first.
    open_args: Vec<Arg>,
    /// The statements read so far of the blocks we are inside of, outermost first.
    open_stmts: Vec<Stmt>,
    /// How many constructs we are inside of.
    depth: u32,
    /// The height of the expression parsed last.
    height: u32,
    /// Branches of `if` and `when` around the current place, and before it in these.
    branches: u32,
    /// The depth of the expression in an index: a range may lack an end there.
    index_depth: u32,
    /// Whether newlines do not count.
    in_brackets: bool,
    /// The contextual words that are names here.
    declared: Words,
    /// The contextual words that the module declares for all of the file.
    module_words: Words,
    /// The token of the last error.
    error_at: usize,
    /// Whether errors are only noted in `failed`: for looking ahead.
    quiet: bool,
    failed: bool,
    /// Whether an error ended parsing: the rest of the file is not looked at.
    gave_up: bool,
    /// A block whose `end` is indented otherwise than its start: the likely one when an `end` is
    /// missing.
    suspect: Option<recover::Suspect>,
}

impl<'a> Parser<'a> {
    fn new(
        text: &'a str,
        file: FileId,
        lexed: &'a Lexed,
        interner: &'a mut Interner,
        diagnostics: &'a mut Diagnostics,
        declared: Words,
    ) -> Parser<'a> {
        Parser {
            text,
            file,
            tokens: &lexed.tokens,
            docs: &lexed.docs,
            interner,
            diagnostics,
            pos: 0,
            prev_end: 0,
            next_id: 0,
            open_args: Vec::new(),
            open_stmts: Vec::new(),
            depth: 0,
            height: 0,
            branches: 0,
            index_depth: 0,
            in_brackets: false,
            declared,
            module_words: Words::NONE,
            error_at: usize::MAX,
            quiet: false,
            failed: false,
            gave_up: false,
            suspect: None,
        }
    }

    // Looking at tokens.

    fn peek(&self) -> Token {
        self.tokens[self.pos]
    }

    fn kind(&self) -> T {
        self.tokens[self.pos].kind
    }

    /// The token `ahead` of the current one; the last one beyond the end.
    fn nth(&self, ahead: usize) -> Token {
        self.tokens[(self.pos + ahead).min(self.tokens.len() - 1)]
    }

    fn at(&self, kind: T) -> bool {
        self.kind() == kind
    }

    /// Whether the current token continues the line, or newlines do not count.
    fn same_line(&self) -> bool {
        self.in_brackets || !self.peek().newline_before
    }

    fn at_same_line(&self, kind: T) -> bool {
        self.at(kind) && self.same_line()
    }

    /// Whether the token after the current one is on its line.
    fn next_on_line(&self) -> bool {
        self.in_brackets || !self.nth(1).newline_before
    }

    // Taking tokens.

    fn bump(&mut self) -> Token {
        let token = self.tokens[self.pos];
        if self.pos + 1 < self.tokens.len() {
            self.pos += 1;
            self.prev_end = token.end;
        }
        token
    }

    fn opt(&mut self, kind: T) -> Option<Token> {
        self.at(kind).then(|| self.bump())
    }

    fn opt_same_line(&mut self, kind: T) -> Option<Token> {
        self.at_same_line(kind).then(|| self.bump())
    }

    /// Takes `kind`, or reports that it is missing after `what`.
    fn expect(&mut self, kind: T, what: &str) -> bool {
        if self.opt(kind).is_some() {
            return true;
        }
        self.unexpected(&format!("expected `{}` {what}", kind.text()));
        false
    }

    // Spans and nodes.

    fn span_of(&self, token: Token) -> Span {
        token.span(self.file)
    }

    fn peek_span(&self) -> Span {
        self.span_of(self.peek())
    }

    /// From `start` to the end of the token taken last.
    fn span_from(&self, start: u32) -> Span {
        Span::new(self.file, start, self.prev_end.max(start))
    }

    fn text_of(&self, span: Span) -> &'a str {
        &self.text[span.start as usize..span.end as usize]
    }

    fn next_id(&mut self) -> ExprId {
        let id = ExprId(self.next_id);
        self.next_id += 1;
        id
    }

    fn expr_at(&mut self, span: Span, kind: ExprKind) -> Expr {
        Expr {
            id: self.next_id(),
            span,
            kind,
        }
    }

    fn expr_from(&mut self, start: u32, kind: ExprKind) -> Expr {
        let span = self.span_from(start);
        self.expr_at(span, kind)
    }

    fn error_expr(&mut self) -> Expr {
        let span = self.peek_span().at_start();
        self.expr_at(span, ExprKind::Error)
    }

    fn ident_of(&self, token: Token) -> Ident {
        Ident {
            name: token.symbol,
            span: self.span_of(token),
        }
    }

    // State around a construct.

    /// Whether one more level may be entered; if not, gives the rest of the file up.
    fn enter(&mut self) -> bool {
        self.depth += 1;
        if self.depth > limits::NESTING {
            self.too_deep();
            return false;
        }
        true
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// One more node stands on top of the expression parsed last.
    fn grow(&mut self) {
        self.height += 1;
        if self.height > limits::CHAIN {
            self.too_deep();
        }
    }

    /// One more branch of an `if` or `when`: it is nested in those before it.
    fn branch(&mut self) {
        self.branches += 1;
        if self.branches > limits::BRANCHES {
            let span = self.peek_span();
            let message = "this `if` has too many branches";
            let error = Diagnostic::new(Code::TooDeep, message, span);
            self.error(error.help("use a `match`, or a map"));
            self.give_up();
        }
    }

    fn too_deep(&mut self) {
        let span = self.peek_span();
        self.error(
            Diagnostic::new(Code::TooDeep, "nesting is too deep", span)
                .help("name parts of it with `let`, or move them into cells"),
        );
        self.give_up();
    }

    /// Runs `f` where newlines do not count.
    fn in_brackets<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        let outer = std::mem::replace(&mut self.in_brackets, true);
        let result = f(self);
        self.in_brackets = outer;
        result
    }

    /// Runs `f` where newlines count.
    fn in_lines<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        let outer = std::mem::replace(&mut self.in_brackets, false);
        let result = f(self);
        self.in_brackets = outer;
        result
    }

    /// Runs `f` in a scope of its own: what it declares is forgotten afterwards.
    fn in_scope<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        let outer = self.declared;
        let result = f(self);
        self.declared = outer;
        result
    }

    fn declare(&mut self, name: Symbol) {
        self.declared.insert(T::of_word(name));
    }

    /// Whether the contextual word `kind` names something in scope.
    fn is_declared(&self, kind: T) -> bool {
        self.declared.contains(kind)
    }

    /// Runs `f` without reporting anything, then takes everything back; whether `f` said yes and
    /// met no error.
    fn looks_like(&mut self, f: impl FnOnce(&mut Self) -> bool) -> bool {
        let state = (
            self.pos,
            self.prev_end,
            self.next_id,
            self.depth,
            self.height,
        );
        let outer = (self.quiet, self.failed, self.declared, self.error_at);
        (self.quiet, self.failed) = (true, false);
        let yes = f(self) && !self.failed;
        (
            self.pos,
            self.prev_end,
            self.next_id,
            self.depth,
            self.height,
        ) = state;
        (self.quiet, self.failed, self.declared, self.error_at) = outer;
        yes
    }
}
