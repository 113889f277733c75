//! What follows an operand: calls, members, indices, `?` and `!`.

use super::*;
use crate::syntax::token::sym;

impl Parser<'_> {
    /// An operand and all that follows it.
    pub(super) fn parse_postfix(&mut self) -> Expr {
        let mut expr = self.parse_primary();
        loop {
            let kind = self.kind();
            let member = matches!(kind, T::Dot | T::QuestionDot);
            if !member && !self.same_line() {
                return expr;
            }
            let start = expr.span.start;
            let kind = match kind {
                T::Dot | T::QuestionDot => self.parse_member(expr),
                T::LParen => self.parse_call(expr, Box::default()),
                T::LBracket if self.at_type_args() => {
                    let types = self.parse_type_args();
                    self.parse_call(expr, types)
                }
                T::LBracket if matches!(expr.kind, ExprKind::Name(_)) && self.at_instance() => {
                    let types = self.parse_type_args();
                    let base = Box::new(expr);
                    ExprKind::Instance { base, types }
                }
                T::LBracket | T::QuestionBracket => self.parse_index(expr),
                T::Question => {
                    self.check_null_question(&expr);
                    self.bump();
                    ExprKind::Propagate {
                        value: Box::new(expr),
                        prefix: false,
                    }
                }
                T::Bang => {
                    self.bump();
                    ExprKind::Unwrap(Box::new(expr))
                }
                T::ColonColon => {
                    self.foreign(
                        "`::` is not an operator",
                        "members are reached with a point",
                    );
                    self.parse_member(expr)
                }
                _ => return expr,
            };
            self.grow();
            expr = self.expr_from(start, kind);
        }
    }

    /// `x.null?` and `null?(x)` of other languages
    fn check_null_question(&mut self, expr: &Expr) {
        let is_null = match &expr.kind {
            ExprKind::Null => true,
            ExprKind::Field { name, .. } => name.name == sym::NULL,
            _ => false,
        };
        if is_null {
            self.foreign(
                "`null?` is not a word of Lumen",
                "write x == null, or x is Null",
            );
        }
    }

    /// `.name`, `.name(…)`, `.name[T](…)`, `.0`, and the same after `?.`
    fn parse_member(&mut self, base: Expr) -> ExprKind {
        let safe = self.bump().kind == T::QuestionDot;
        let token = self.peek();
        if token.kind == T::Int && !token.newline_before {
            let text = self.text_of(self.span_of(token));
            let Ok(index) = text.parse() else {
                self.unexpected("expected the name of a field or method");
                return ExprKind::Error;
            };
            self.bump();
            return ExprKind::TupleField {
                base: Box::new(base),
                index,
                safe,
            };
        }
        let word = token.kind.is_reserved() && !token.newline_before;
        if !token.kind.is_name() && !word {
            self.unexpected("expected the name of a field or method");
            return ExprKind::Error;
        }
        if token.kind == T::Await {
            let help = "write await f";
            self.foreign("`await` stands before what is awaited", help);
            self.bump();
            return ExprKind::Await(Box::new(base));
        }
        self.bump();
        let name = self.ident_of(token);
        let type_args = if self.at_same_line(T::LBracket) && self.at_type_args() {
            self.parse_type_args()
        } else {
            Box::default()
        };
        if !self.at_same_line(T::LParen) {
            return ExprKind::Field {
                base: Box::new(base),
                name,
                safe,
            };
        }
        let (args, args_span) = self.parse_args();
        let call = MethodCall {
            receiver: base,
            name,
            type_args,
            args,
            args_span,
            safe,
        };
        ExprKind::MethodCall(Box::new(call))
    }

    fn parse_call(&mut self, callee: Expr, type_args: Box<[Type]>) -> ExprKind {
        let (args, args_span) = self.parse_args();
        ExprKind::Call(Box::new(Call {
            callee,
            type_args,
            args,
            args_span,
        }))
    }

    /// `(a, name: b, ...c)`
    pub(super) fn parse_args(&mut self) -> (Box<[Arg]>, Span) {
        let open = self.bump();
        let first = self.open_args.len();
        self.in_brackets(|parser| {
            while !parser.at_list_end(T::RParen) {
                let before = parser.pos;
                let arg = parser.parse_arg();
                parser.open_args.push(arg);
                if parser.opt(T::Comma).is_none() || parser.pos == before {
                    break;
                }
            }
            parser.expect_close(open, "`,` or ");
        });
        let args = self.open_args.drain(first..).collect();
        (args, self.span_from(open.start))
    }

    fn parse_arg(&mut self) -> Arg {
        if self.opt(T::Ellipsis).is_some() {
            return Arg {
                name: None,
                spread: true,
                value: self.parse_expr(),
            };
        }
        let named =
            self.nth(1).kind == T::Colon && (self.kind().is_name() || self.kind().is_reserved());
        let name = named.then(|| {
            let name = self.parse_name("the name of an argument");
            self.opt(T::Colon);
            Box::new(name)
        });
        let outer = self.declared;
        let value = self.parse_expr();
        self.declared = outer;
        if self.at(T::Eq) && matches!(value.kind, ExprKind::Name(_)) {
            self.foreign(
                "a named argument is written with `:`",
                "write f(name: value)",
            );
            self.bump();
            return Arg {
                name,
                spread: false,
                value: self.parse_expr(),
            };
        }
        Arg {
            name,
            spread: false,
            value,
        }
    }

    /// `[i]`, `?[i]`, `[a..b]`
    fn parse_index(&mut self, base: Expr) -> ExprKind {
        let open = self.bump();
        let safe = open.kind == T::QuestionBracket;
        let outer = self.index_depth;
        let index = self.in_brackets(|parser| {
            parser.index_depth = parser.depth + 1;
            let index = parser.parse_expr();
            parser.index_depth = outer;
            parser.expect_close(open, "");
            index
        });
        ExprKind::Index {
            base: Box::new(base),
            index: Box::new(index),
            safe,
        }
    }

    /// Whether `[` begins type arguments of a call: only what types are made of up to the closing
    /// bracket, every word of it capitalised or the name of a built-in type, and `(` behind it.
    /// To call an element chosen by a capitalised constant, write `(handlers[FIRST])(x)`.
    fn at_type_args(&self) -> bool {
        let Some((end, _)) = self.types_end() else {
            return false;
        };
        let next = self.nth(end + 1);
        next.kind == T::LParen && !next.space_before
    }

    /// Whether `[` after a name begins the type arguments of a cell used as a value: as for a call,
    /// with something that no index can be. A lone name (`max_of[Int]`) is an index here; what it
    /// is after a cell the checker sees.
    fn at_instance(&self) -> bool {
        self.types_end().is_some_and(|(_, surely)| surely)
    }

    /// Where the brackets here end, if only what types are made of stands in them; and whether
    /// some of it can be nothing else.
    fn types_end(&self) -> Option<(usize, bool)> {
        let mut depth = 0;
        let mut surely = false;
        // No written type is longer; without a limit, looking ahead could take quadratic time.
        for (index, token) in self.tokens[self.pos..].iter().take(500).enumerate() {
            match token.kind {
                T::LBracket | T::LParen | T::LBrace => depth += 1,
                T::RBracket | T::RParen | T::RBrace => {
                    depth -= 1;
                    if depth == 0 {
                        return (index > 1).then_some((index, surely));
                    }
                }
                T::Comma => surely |= depth == 1,
                T::Question | T::Fn | T::Arrow => surely = true,
                T::Pipe | T::Slash => {}
                T::Underscore | T::Null => {}
                T::List | T::Map | T::Set | T::Tuple | T::Result => {
                    surely |= self.nth(index + 1).kind == T::LBracket;
                }
                T::Ident => {
                    let name = self.interner.resolve(token.symbol);
                    if !name.starts_with(char::is_uppercase) {
                        return None;
                    }
                    let nested = self.nth(index + 1).kind == T::LBracket;
                    surely |= nested && name.contains(char::is_lowercase);
                }
                _ => return None,
            }
        }
        None
    }

    fn parse_type_args(&mut self) -> Box<[Type]> {
        let open = self.bump();
        let mut types = Vec::new();
        self.in_brackets(|parser| parser.parse_types(open, &mut types));
        types.into()
    }
}
