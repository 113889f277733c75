//! Types.

use super::*;

impl Parser<'_> {
    /// A type: `A | B`, `T?`, `list[T]`, `(A, B)`, `fn(A) -> B / {e}`
    pub(super) fn parse_type(&mut self) -> Type {
        let start = self.peek().start;
        if !self.enter() {
            self.leave();
            return self.error_type();
        }
        self.opt(T::Pipe);
        let first = self.parse_type_operand();
        let ty = if self.at(T::Pipe) {
            let mut members = vec![first];
            while self.opt(T::Pipe).is_some() {
                members.push(self.parse_type_operand());
            }
            Type {
                kind: TypeKind::Union(members),
                span: self.span_from(start),
            }
        } else {
            first
        };
        self.leave();
        ty
    }

    pub(super) fn error_type(&mut self) -> Type {
        Type {
            kind: TypeKind::Error,
            span: self.peek_span().at_start(),
        }
    }

    fn parse_type_operand(&mut self) -> Type {
        let start = self.peek().start;
        let mut ty = self.parse_simple_type();
        while self.opt_same_line(T::Question).is_some() {
            if !matches!(ty.kind, TypeKind::Nullable(_)) {
                ty = Type {
                    kind: TypeKind::Nullable(Box::new(ty)),
                    span: self.span_from(start),
                };
            }
        }
        ty
    }

    fn parse_simple_type(&mut self) -> Type {
        let start = self.peek().start;
        let kind = match self.kind() {
            kind if kind.is_name() => self.parse_named_type(),
            T::Null => {
                self.bump();
                TypeKind::Null
            }
            T::Underscore => {
                self.bump();
                TypeKind::Infer
            }
            T::LParen => return self.parse_paren_type(),
            T::Fn => self.parse_fn_type(),
            T::LBracket => {
                self.foreign("the type of a list has a name", "write list[T]");
                let open = self.bump();
                self.in_brackets(|parser| {
                    parser.parse_type();
                    parser.expect_close(open, "");
                });
                TypeKind::Error
            }
            _ => {
                self.unexpected("expected a type");
                return self.error_type();
            }
        };
        Type {
            kind,
            span: self.span_from(start),
        }
    }

    /// `Name`, `Name[A, B]`
    fn parse_named_type(&mut self) -> TypeKind {
        let name = self.parse_name("a type");
        let mut args = Vec::new();
        if let Some(open) = self.opt_same_line(T::LBracket) {
            self.in_brackets(|parser| parser.parse_types(open, &mut args));
        } else if self.at_same_line(T::Lt) && !self.peek().space_before {
            self.foreign("type arguments stand in brackets", "write list[Int]");
            self.bump();
            self.in_brackets(|parser| {
                args.push(parser.parse_type());
                while parser.opt(T::Comma).is_some() {
                    args.push(parser.parse_type());
                }
            });
            if self.opt(T::Gt).is_none() {
                self.opt(T::Shr);
            }
        }
        TypeKind::Named { name, args }
    }

    /// Types separated by commas, and the bracket that closes them.
    pub(super) fn parse_types(&mut self, open: Token, types: &mut Vec<Type>) {
        let close = if open.kind == T::LParen {
            T::RParen
        } else {
            T::RBracket
        };
        while !self.at(close) && !self.at(T::Eof) {
            let before = self.pos;
            types.push(self.parse_type());
            if self.opt(T::Comma).is_none() || self.pos == before {
                break;
            }
        }
        self.expect_close(open, "`,` or ");
        types.shrink_to_fit();
    }

    /// `(A, B)`, `()`, `(A)`
    fn parse_paren_type(&mut self) -> Type {
        let open = self.bump();
        let mut types = Vec::new();
        self.in_brackets(|parser| parser.parse_types(open, &mut types));
        let comma = self.pos >= 2 && self.tokens[self.pos - 2].kind == T::Comma;
        let span = self.span_from(open.start);
        match types.pop() {
            Some(only) if types.is_empty() && !comma => Type { span, ..only },
            last => {
                types.extend(last);
                Type {
                    kind: TypeKind::Tuple(types),
                    span,
                }
            }
        }
    }

    /// `fn(A, name: B) -> C / {effects}`
    fn parse_fn_type(&mut self) -> TypeKind {
        self.bump();
        let mut params = Vec::new();
        if let Some(open) = self.opt_same_line(T::LParen) {
            self.in_brackets(|parser| {
                while !parser.at(T::RParen) && !parser.at(T::Eof) {
                    let before = parser.pos;
                    if parser.kind().is_name() && parser.nth(1).kind == T::Colon {
                        parser.bump();
                        parser.bump();
                    }
                    params.push(parser.parse_type());
                    if parser.opt(T::Comma).is_none() || parser.pos == before {
                        break;
                    }
                }
                parser.expect_close(open, "`,` or ");
            });
        } else {
            self.unexpected("expected `(` and the types of the parameters");
        }
        let result = self.opt_same_line(T::Arrow).map(|_| self.parse_type());
        let effects = self.opt_effects();
        TypeKind::Fn(Box::new(FnType {
            params,
            result,
            effects,
        }))
    }

    /// `/ {http, llm}`
    pub(super) fn opt_effects(&mut self) -> Option<EffectRow> {
        if !self.at_same_line(T::Slash) || self.nth(1).kind != T::LBrace {
            return None;
        }
        self.bump();
        let open = self.bump();
        let mut effects = Vec::new();
        self.in_brackets(|parser| {
            while parser.kind().is_name() {
                let start = parser.peek().start;
                let path = parser.parse_path("the name of an effect");
                effects.push(EffectName {
                    path,
                    span: parser.span_from(start),
                });
                if parser.opt(T::Comma).is_none() {
                    break;
                }
            }
            parser.expect_close(open, "`,` or ");
        });
        Some(EffectRow {
            effects,
            span: self.span_from(open.start),
        })
    }
}
