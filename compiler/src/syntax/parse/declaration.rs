//! Cells and types: what has a body of its own.

use super::params::{after, block_of};
use super::*;

/// Whether a cell must have a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bodies {
    /// At the top level, in an enum, record or impl.
    Required,
    /// In a trait: a cell without body is a signature.
    Optional,
    /// In an effect.
    Absent,
}

impl Parser<'_> {
    /// `[async|extern] cell name[T](params) -> R / {effects} … end`
    pub(super) fn parse_cell(&mut self, bodies: Bodies) -> CellDecl {
        let start = self.peek().start;
        let is_async = self.opt(T::Async).map(|token| self.span_of(token));
        let is_extern = self.opt(T::Extern).is_some();
        let opener = self.peek_span();
        if self.at(T::Cell) || !self.kind().is_reserved() || self.at(T::Fn) {
            self.bump();
        } else {
            self.unexpected("expected `cell`");
        }
        let name = self.parse_name("the name of a cell");
        let outer = self.declared;
        let generics = self.parse_generics();
        let (params, parts) = self.parse_params();
        let yields = self.at_same_line(T::Arrow) && self.nth(1).kind == T::Yield;
        let result = self.opt_result();
        let effects = self.opt_effects();
        let header = self.span_from(opener.start);
        let mut body = if is_extern {
            CellBody::Extern(self.opt_native_key())
        } else {
            self.parse_cell_body(opener, bodies)
        };
        if !parts.is_empty() {
            body = match body {
                CellBody::Block(block) => CellBody::Block(after(parts, block)),
                CellBody::Expr(value) => CellBody::Block(after(parts, block_of(value))),
                body => body,
            };
        }
        self.declared = outer;
        let span = self.span_from(start);
        CellDecl {
            name,
            generics,
            params,
            result,
            yields,
            effects,
            body,
            is_async,
            header,
            span,
        }
    }

    fn parse_cell_body(&mut self, opener: Span, bodies: Bodies) -> CellBody {
        if self.opt_same_line(T::Eq).is_some() {
            return CellBody::Expr(self.parse_expr());
        }
        if self.at_same_line(T::FatArrow) {
            self.foreign(
                "a cell has no `=>`",
                "write cell f(x) = e, or a body up to `end`",
            );
            self.bump();
            return CellBody::Expr(self.parse_expr());
        }
        let next_declaration = self.peek().newline_before
            && (matches!(self.kind(), T::Cell | T::End | T::Pub | T::Eof)
                || (self.at(T::Async) && self.nth(1).kind == T::Cell));
        if bodies == Bodies::Absent || (bodies == Bodies::Optional && next_declaration) {
            return CellBody::None;
        }
        self.opt_foreign_header_end("cell");
        CellBody::Block(self.parse_block(opener))
    }

    /// `-> T`, `-> yield T`
    pub(super) fn opt_result(&mut self) -> Option<Type> {
        if self.opt_same_line(T::Arrow).is_some() {
            self.opt(T::Yield);
            return Some(self.parse_type());
        }
        if self.at_same_line(T::Colon) && !self.nth(1).newline_before && self.nth(1).kind.is_name()
        {
            self.foreign(
                "the result type follows `->`",
                "write cell f(x: Int) -> Int",
            );
            self.bump();
            return Some(self.parse_type());
        }
        None
    }

    /// `= "key"` of an extern cell
    fn opt_native_key(&mut self) -> Option<Box<str>> {
        self.opt_same_line(T::Eq)?;
        if !matches!(self.kind(), T::Str | T::RawStr) {
            self.unexpected("expected the key of the native, a string");
            return None;
        }
        match self.parse_string_parts().into_iter().next() {
            Some(StrPart::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// `[T: Show + Order, U]`
    pub(super) fn parse_generics(&mut self) -> Generics {
        let mut generics = Generics::default();
        if self.at_same_line(T::Lt) {
            self.foreign("type parameters stand in brackets", "write name[T]");
            self.bump();
            while !matches!(self.kind(), T::Gt | T::Eof | T::LParen) && self.same_line() {
                self.bump();
            }
            self.opt(T::Gt);
            return generics;
        }
        let Some(open) = self.opt_same_line(T::LBracket) else {
            return generics;
        };
        self.in_brackets(|parser| {
            while parser.kind().is_name() {
                let name = parser.parse_name("a type parameter");
                let bounds = parser.opt_bounds();
                generics.params.push(GenericParam { name, bounds });
                if parser.opt(T::Comma).is_none() {
                    break;
                }
            }
            parser.expect_close(open, "`,` or ");
        });
        generics
    }

    /// `: Show + Order`
    fn opt_bounds(&mut self) -> Vec<Type> {
        let mut bounds = Vec::new();
        if self.opt_same_line(T::Colon).is_some() {
            bounds.push(self.parse_type());
            while self.opt(T::Plus).is_some() {
                bounds.push(self.parse_type());
            }
        }
        bounds
    }

    /// `record Name[T] … end`
    pub(super) fn parse_record(&mut self) -> RecordDecl {
        let opener = self.span_of_bump();
        let name = self.parse_name("the name of a record");
        let generics = self.parse_generics();
        let (mut fields, mut methods) = (Vec::new(), Vec::new());
        self.parse_members(opener, |parser| {
            if parser.at_cell() {
                methods.push(parser.parse_method(Bodies::Required));
            } else {
                fields.push(parser.parse_field());
                parser.opt_same_line(T::Comma);
            }
        });
        fields.shrink_to_fit();
        methods.shrink_to_fit();
        RecordDecl {
            name,
            generics,
            fields,
            methods,
        }
    }

    /// `name: T = default where constraint`
    fn parse_field(&mut self) -> FieldDecl {
        let doc = self.opt_doc();
        let start = self.peek().start;
        let name = self.parse_name("the name of a field");
        let ty = if self.expect(T::Colon, "and the type of the field") {
            self.parse_type()
        } else {
            self.skip_line();
            self.error_type()
        };
        let default = self.opt_same_line(T::Eq).map(|_| self.parse_expr());
        let constraint = self.in_scope(|parser| {
            parser.declare(name.name);
            parser.opt_same_line(T::Where).map(|_| parser.parse_expr())
        });
        FieldDecl {
            name,
            ty,
            default,
            constraint,
            doc,
            span: self.span_from(start),
        }
    }

    /// `enum Name[T] … end`
    pub(super) fn parse_enum(&mut self) -> EnumDecl {
        let opener = self.span_of_bump();
        let name = self.parse_name("the name of an enum");
        let generics = self.parse_generics();
        let (mut variants, mut methods) = (Vec::new(), Vec::new());
        self.parse_members(opener, |parser| {
            if parser.at_cell() {
                methods.push(parser.parse_method(Bodies::Required));
            } else {
                parser.opt(T::Pipe);
                variants.push(parser.parse_variant());
                parser.opt_same_line(T::Comma);
                parser.opt_same_line(T::Pipe);
            }
        });
        variants.shrink_to_fit();
        methods.shrink_to_fit();
        EnumDecl {
            name,
            generics,
            variants,
            methods,
        }
    }

    /// `Name`, `Name(T, U)`, `Name(field: T)`
    fn parse_variant(&mut self) -> VariantDecl {
        let doc = self.opt_doc();
        let start = self.peek().start;
        let name = self.parse_name("the name of a variant");
        let mut payload = Vec::new();
        if let Some(open) = self.opt_same_line(T::LParen) {
            self.in_brackets(|parser| {
                while !parser.at_list_end(T::RParen) {
                    let named = parser.kind().is_name() && parser.nth(1).kind == T::Colon;
                    let name = named.then(|| parser.parse_name("the name of a field"));
                    if named {
                        parser.bump();
                    }
                    payload.push(VariantField {
                        name,
                        ty: parser.parse_type(),
                    });
                    if parser.opt(T::Comma).is_none() {
                        break;
                    }
                }
                parser.expect_close(open, "`,` or ");
            });
        }
        payload.shrink_to_fit();
        VariantDecl {
            name,
            payload,
            doc,
            span: self.span_from(start),
        }
    }

    /// `const name: T = e`
    pub(super) fn parse_const(&mut self) -> ConstDecl {
        self.bump();
        let name = self.parse_name("the name of a constant");
        let ty = self.opt_same_line(T::Colon).map(|_| self.parse_type());
        let value = if self.expect(T::Eq, "and the value of the constant") {
            self.parse_expr()
        } else {
            self.error_expr()
        };
        ConstDecl { name, ty, value }
    }

    /// `type Name[T] = U`
    pub(super) fn parse_type_decl(&mut self) -> TypeDecl {
        self.bump();
        let name = self.parse_name("the name of a type");
        let generics = self.parse_generics();
        let ty = if self.expect(T::Eq, "and a type") {
            self.parse_type()
        } else {
            self.error_type()
        };
        TypeDecl { name, generics, ty }
    }

    /// `trait Name[T]: Super … end`
    pub(super) fn parse_trait(&mut self) -> TraitDecl {
        let opener = self.span_of_bump();
        let name = self.parse_name("the name of a trait");
        let generics = self.parse_generics();
        let supers = self.opt_bounds();
        let methods = self.parse_methods(opener, Bodies::Optional);
        TraitDecl {
            name,
            generics,
            supers,
            methods,
        }
    }

    /// `impl[T] Trait for T … end`, `impl T … end`
    pub(super) fn parse_impl(&mut self) -> ImplDecl {
        let opener = self.span_of_bump();
        let generics = self.parse_generics();
        let first = self.parse_type();
        let (trait_, ty) = if self.opt_same_line(T::For).is_some() {
            (Some(first), self.parse_type())
        } else {
            (None, first)
        };
        let methods = self.parse_methods(opener, Bodies::Required);
        ImplDecl {
            generics,
            trait_,
            ty,
            methods,
        }
    }

    /// `effect name … end`
    pub(super) fn parse_effect(&mut self) -> EffectDecl {
        let opener = self.span_of_bump();
        let name = self.parse_name("the name of an effect");
        let operations = self.parse_methods(opener, Bodies::Absent);
        EffectDecl { name, operations }
    }

    fn parse_methods(&mut self, opener: Span, bodies: Bodies) -> Vec<Method> {
        let mut methods = Vec::new();
        self.parse_members(opener, |parser| {
            if parser.at_cell() {
                methods.push(parser.parse_method(bodies));
            } else {
                parser.unexpected("expected `cell` or `end`");
                parser.skip_member();
            }
        });
        methods
    }

    fn parse_method(&mut self, bodies: Bodies) -> Method {
        let doc = self.opt_doc();
        self.opt(T::Pub);
        let cell = self.in_scope(|parser| parser.parse_cell(bodies));
        Method { cell, doc }
    }

    fn at_cell(&self) -> bool {
        match self.kind() {
            T::Cell => true,
            T::Async | T::Pub | T::Extern => matches!(self.nth(1).kind, T::Cell | T::Async),
            T::Fn => self.nth(1).kind.is_name(),
            T::Ident => matches!(
                self.at_foreign_word().map(|found| found.reading),
                Some(crate::syntax::foreign::Reading::Cell)
            ),
            _ => false,
        }
    }

    /// Members up to `end`, each read by `member`.
    fn parse_members(&mut self, opener: Span, mut member: impl FnMut(&mut Self)) {
        let braces = self.at_same_line(T::LBrace);
        if braces {
            self.foreign(
                "blocks are not written with braces",
                "a block ends with `end`",
            );
            self.bump();
        }
        self.opt_foreign_header_end(self.text_of(opener));
        self.in_lines(|parser| {
            loop {
                if parser.at(T::End) || (braces && parser.at(T::RBrace)) {
                    let end = parser.bump();
                    parser.note_end(opener, end);
                    return;
                }
                if parser.at(T::Eof) || parser.at_next_item() {
                    parser.unclosed_block(opener);
                    return;
                }
                let before = parser.pos;
                if matches!(parser.kind(), T::Ident | T::Fn) && parser.at_cell() {
                    parser.foreign("a function is declared with `cell`", "write `cell`");
                }
                member(parser);
                if parser.at_same_line(T::Semicolon) {
                    parser.expect_line_end();
                }
                if parser.pos == before {
                    parser.skip_member();
                }
            }
        });
    }

    /// Whether a declaration that is no member begins the line, without indentation.
    fn at_next_item(&self) -> bool {
        let token = self.peek();
        token.newline_before
            && self.at_item()
            && self.indentation(token.start) == 0
            && (!self.at_cell() || self.at(T::Extern))
    }

    /// Skips the current token and the rest of its line.
    fn skip_member(&mut self) {
        self.bump();
        self.skip_line();
    }

    fn span_of_bump(&mut self) -> Span {
        let token = self.bump();
        self.span_of(token)
    }
}
