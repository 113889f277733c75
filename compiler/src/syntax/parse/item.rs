//! The file: directives, declarations, and the statements outside of them.

use super::declaration::Bodies;
use super::*;
use crate::syntax::foreign::Reading;
use crate::syntax::token::sym;

impl Parser<'_> {
    pub(super) fn parse_module(&mut self) -> Module {
        let directives = self.parse_directives();
        let settings = self.settings(&directives);
        let (mut items, mut body) = (Vec::new(), Vec::new());
        while !self.at(T::Eof) {
            let before = self.pos;
            if self.at_item() {
                if let Some(item) = self.parse_item() {
                    self.declare_item(&item);
                    items.push(item);
                }
                self.expect_line_end();
            } else if self.at_block_end() {
                self.stray("nothing before it is open; there may be one `end` too many above");
            } else {
                body.extend(self.parse_stmt());
                self.expect_line_end();
            }
            if self.pos == before && !self.at(T::Eof) {
                self.unexpected("expected a declaration or a statement");
                self.bump();
            }
        }
        let id_count = self.next_id;
        Module {
            file: self.file,
            directives,
            settings,
            items,
            body,
            id_count,
        }
    }

    /// Lines `@name value` at the top of the file.
    fn parse_directives(&mut self) -> Vec<Directive> {
        let mut directives = Vec::new();
        while self.at(T::Label) {
            let directive = self.parse_directive();
            let known = [sym::DETERMINISTIC, sym::STRICT, sym::DOC_MODE, sym::CLOCK];
            // What may stand behind an unknown one is not for us to say.
            while !known.contains(&directive.name.name) && self.same_line() && !self.at(T::Eof) {
                self.bump();
            }
            directives.push(directive);
            self.expect_line_end();
        }
        directives
    }

    fn parse_directive(&mut self) -> Directive {
        let token = self.bump();
        let name = self.ident_of(token);
        let is_word = self.kind().is_name() || matches!(self.kind(), T::True | T::False);
        let value = (is_word && self.same_line()).then(|| self.bump());
        let value = value.map(|token| self.ident_of(token));
        Directive {
            name,
            value,
            span: self.span_from(token.start),
        }
    }

    /// A directive after the first declaration or statement.
    pub(super) fn skip_directive(&mut self) {
        let span = self.peek_span();
        let message = "directives come first in a file";
        self.error(Diagnostic::new(Code::MisplacedDirective, message, span));
        self.parse_directive();
    }

    fn settings(&mut self, directives: &[Directive]) -> Settings {
        let mut settings = Settings::default();
        for directive in directives {
            let span = directive.span;
            let repeated = match directive.name.name {
                sym::DETERMINISTIC => {
                    let value = self.flag(directive).map(|value| (value, span));
                    std::mem::replace(&mut settings.deterministic, value).is_some()
                }
                sym::STRICT => {
                    let value = self.flag(directive).map(|value| (value, span));
                    std::mem::replace(&mut settings.strict, value).is_some()
                }
                sym::DOC_MODE => {
                    let value = self.flag(directive).map(|value| (value, span));
                    std::mem::replace(&mut settings.doc_mode, value).is_some()
                }
                sym::CLOCK => {
                    let value = self.clock(directive).map(|value| (value, span));
                    std::mem::replace(&mut settings.clock, value).is_some()
                }
                _ => {
                    let text = self.text_of(directive.name.span);
                    let message = format!("unknown directive `{text}`");
                    let known = "known are @deterministic, @clock, @strict and @doc_mode";
                    let span = directive.name.span;
                    let found = Diagnostic::new(Code::UnknownDirective, message, span);
                    self.diagnostics.push(found.help(known));
                    false
                }
            };
            if repeated {
                let text = self.text_of(directive.name.span);
                let message = format!("directive `{text}` is given twice");
                self.diagnostics
                    .push(Diagnostic::new(Code::RepeatedDirective, message, span));
            }
        }
        settings
    }

    fn flag(&mut self, directive: &Directive) -> Option<bool> {
        match directive.value.map(|value| value.name) {
            Some(sym::TRUE) => Some(true),
            Some(sym::FALSE) => Some(false),
            _ => self.bad_directive(directive, "true or false"),
        }
    }

    fn clock(&mut self, directive: &Directive) -> Option<Clock> {
        match directive.value.map(|value| value.name) {
            Some(sym::VIRTUAL) => Some(Clock::Virtual),
            Some(sym::REAL) => Some(Clock::Real),
            _ => self.bad_directive(directive, "virtual or real"),
        }
    }

    fn bad_directive<R>(&mut self, directive: &Directive, values: &str) -> Option<R> {
        let message = format!("`{}` takes {values}", self.text_of(directive.name.span));
        let span = directive
            .value
            .map_or(directive.name.span, |value| value.span);
        self.diagnostics
            .push(Diagnostic::new(Code::BadDirective, message, span));
        None
    }

    /// Whether a declaration begins here.
    pub(super) fn at_item(&self) -> bool {
        let next = self.nth(1);
        let next_on_line = !next.newline_before;
        match self.kind() {
            T::Record | T::Enum | T::Cell | T::Const | T::Type | T::Trait | T::Impl => true,
            T::Import | T::Use | T::Pub | T::Extern => true,
            T::Async => next.kind == T::Cell,
            T::Fn => next.kind == T::Ident && next_on_line,
            T::Test => next.kind == T::Str && next_on_line && !self.is_declared(T::Test),
            T::Grant | T::Effect => {
                next.kind.is_name() && next_on_line && !self.is_declared(self.kind())
            }
            T::Bind => next.kind == T::Effect && next_on_line,
            _ => false,
        }
    }

    /// A declaration; `None` when there is none after `pub`, which is reported.
    pub(super) fn parse_item(&mut self) -> Option<Item> {
        let doc = self.opt_doc();
        let start = self.peek().start;
        let public = self.opt(T::Pub).map(|token| self.span_of(token));
        let kind = match self.kind() {
            T::Record => ItemKind::Record(self.parse_record()),
            T::Enum => ItemKind::Enum(self.parse_enum()),
            T::Cell | T::Async | T::Extern => ItemKind::Cell(self.parse_cell(Bodies::Required)),
            T::Fn if self.at_item() => {
                self.foreign("a function is not declared with `fn`", "write `cell`");
                ItemKind::Cell(self.parse_cell(Bodies::Required))
            }
            T::Const => ItemKind::Const(self.parse_const()),
            T::Type => ItemKind::Type(self.parse_type_decl()),
            T::Trait => ItemKind::Trait(self.parse_trait()),
            T::Impl => ItemKind::Impl(self.parse_impl()),
            T::Import => ItemKind::Import(self.parse_import()),
            T::Use => ItemKind::UseTool(self.parse_use_tool()),
            T::Grant => ItemKind::Grant(self.parse_grant()),
            T::Effect => ItemKind::Effect(self.parse_effect()),
            T::Bind => ItemKind::BindEffect(self.parse_bind_effect()),
            T::Test => ItemKind::Test(self.parse_test()),
            _ => {
                self.unexpected("expected a declaration after `pub`");
                self.skip_line();
                return None;
            }
        };
        Some(Item {
            kind,
            public,
            doc,
            span: self.span_from(start),
        })
    }

    /// A declaration that begins with a word of another language, which has been reported.
    pub(super) fn parse_foreign_item(&mut self, reading: Reading) {
        match reading {
            Reading::Cell => drop(self.parse_cell(Bodies::Required)),
            Reading::Record => drop(self.parse_record()),
            Reading::Trait => drop(self.parse_trait()),
            _ => {
                self.bump();
                self.skip_line();
            }
        }
    }

    /// Names of the module: contextual words among them are names in the whole file.
    fn declare_item(&mut self, item: &Item) {
        match &item.kind {
            ItemKind::Cell(cell) => self.declare_in_module(cell.name),
            ItemKind::Const(constant) => self.declare_in_module(constant.name),
            ItemKind::Effect(effect) => self.declare_in_module(effect.name),
            ItemKind::UseTool(tool) => self.declare_in_module(tool.alias),
            ItemKind::Import(ImportDecl {
                names: ImportNames::Some(names),
                ..
            }) => {
                for name in names {
                    self.declare_in_module(name.alias.unwrap_or(name.name));
                }
            }
            _ => {}
        }
    }

    fn declare_in_module(&mut self, name: Ident) {
        self.module_words.insert(T::of_word(name.name));
        self.declare(name.name);
    }

    /// The doc comment before the current token.
    pub(super) fn opt_doc(&mut self) -> Option<Doc> {
        let before = self.pos as u32;
        let first = self.docs.partition_point(|line| line.before < before);
        let lines: Vec<_> = self.docs[first..]
            .iter()
            .take_while(|line| line.before == before)
            .collect();
        let span = lines.first()?.span.to(lines.last()?.span);
        let mut text = String::new();
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            let line = &self.text_of(line.span)[2..];
            text.push_str(line.strip_prefix(' ').unwrap_or(line));
        }
        Some(Doc {
            text: text.into(),
            span,
        })
    }

    // Names.

    /// A name that is declared or referred to as `what`.
    pub(super) fn parse_name(&mut self, what: &str) -> Ident {
        if self.kind().is_name() {
            let token = self.bump();
            return self.ident_of(token);
        }
        let token = self.peek();
        let span = self.span_of(token);
        if token.kind.is_reserved() && self.same_line() {
            let word = token.kind.text();
            let message = format!("expected {what}, found the reserved word `{word}`");
            let diagnostic = Diagnostic::new(Code::ReservedName, message, span);
            self.error(diagnostic.help(format!("choose another name, such as `{word}_`")));
            if !self.at_statement_word() {
                self.bump();
            }
            return Ident {
                name: token.symbol,
                span,
            };
        }
        self.unexpected(&format!("expected {what}"));
        let name = self.interner.intern("");
        Ident {
            name,
            span: span.at_start(),
        }
    }

    /// `a.b.c`
    pub(super) fn parse_path(&mut self, what: &str) -> Vec<Ident> {
        let mut path = vec![self.parse_name(what)];
        while self.opt_same_line(T::Dot).is_some() {
            path.push(self.parse_name(what));
        }
        path
    }

    // Short declarations.

    /// `import a.b: x, y as z`, `import a.b: *`
    fn parse_import(&mut self) -> ImportDecl {
        self.bump();
        let path = self.parse_path("the name of a module");
        if self.opt_same_line(T::Colon).is_none() {
            self.unexpected("expected `:` and the names to import (or `*`)");
            self.skip_line();
            return ImportDecl {
                path,
                names: ImportNames::Some(Vec::new()),
            };
        }
        if let Some(star) = self.opt(T::Star) {
            return ImportDecl {
                path,
                names: ImportNames::All(self.span_of(star)),
            };
        }
        let mut names = vec![self.parse_import_name()];
        while self.opt(T::Comma).is_some() {
            names.push(self.parse_import_name());
        }
        ImportDecl {
            path,
            names: ImportNames::Some(names),
        }
    }

    fn parse_import_name(&mut self) -> ImportName {
        let name = self.parse_name("a name to import");
        let alias = self
            .opt_same_line(T::As)
            .map(|_| self.parse_name("another name"));
        ImportName { name, alias }
    }

    /// `use tool llm.chat as Chat`
    fn parse_use_tool(&mut self) -> UseTool {
        self.bump();
        self.expect(T::Tool, "after `use`");
        let path = self.parse_path("the name of a tool");
        let last = path[path.len() - 1];
        let alias = self
            .opt_same_line(T::As)
            .map(|_| self.parse_name("a name for the tool"));
        UseTool {
            alias: alias.unwrap_or(last),
            path,
        }
    }

    /// `grant Chat model "gpt-4o" max_tokens 1024`; limits may follow on lines of their own
    fn parse_grant(&mut self) -> Grant {
        self.bump();
        let tool = self.parse_name("the name of a tool");
        let mut limits = Vec::new();
        while self.kind().is_name() && (self.same_line() || self.at_grant_limit()) {
            let key = self.parse_name("what is limited");
            self.opt(T::Colon);
            let value = self.in_lines(|parser| parser.parse_operand());
            limits.push(GrantLimit { key, value });
            self.opt_same_line(T::Comma);
        }
        Grant { tool, limits }
    }

    /// Whether the line is a name and a literal: only a limit reads like that.
    fn at_grant_limit(&self) -> bool {
        let next = self.nth(1);
        let is_literal = matches!(
            next.kind,
            T::Int | T::Float | T::Duration | T::Str | T::True | T::False
        );
        self.kind().is_name() && is_literal && !next.newline_before && !self.at(T::Test)
    }

    /// `bind effect db.query to DbQuery`
    fn parse_bind_effect(&mut self) -> BindEffect {
        self.bump();
        self.bump();
        let path = self.parse_path("the name of an effect");
        if self.kind() == T::Ident && self.peek().symbol == sym::TO {
            self.bump();
        } else {
            self.unexpected("expected `to` and the name of a tool");
        }
        BindEffect {
            path,
            tool: self.parse_name("the name of a tool"),
        }
    }

    /// `test "name" … end`
    fn parse_test(&mut self) -> TestDecl {
        let opener = self.bump();
        let name_span = self.peek_span();
        let name = match self.parse_string_parts().into_iter().next() {
            Some(StrPart::Text(text)) => text,
            _ => "".into(),
        };
        let opener = self.span_of(opener);
        let body = self.parse_block(opener);
        TestDecl {
            name,
            name_span,
            body,
        }
    }
}
