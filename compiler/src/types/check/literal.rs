//! Literals and interpolated strings.

use super::{Want, node};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, ExprKind, FormatSpec, Piece, Ty};
use crate::source::Span;
use crate::syntax::ast::{self, Align, ExprKind as Ast, FormatKind, StrPart};
use crate::types::Checker;
use crate::types::ty::{Kind, Origin};

impl<'a> Checker<'a> {
    pub(crate) fn literal(&mut self, expr: &'a ast::Expr, want: Want) -> Expr {
        let span = expr.span;
        match &expr.kind {
            Ast::Bool(value) => node(ExprKind::Bool(*value), Ty::BOOL, span),
            Ast::Int(value) => {
                let float = want.ty().is_some_and(|ty| {
                    let ty = self.known(ty);
                    self.wants_float(ty)
                });
                if float {
                    node(ExprKind::Float(*value as f64), Ty::FLOAT, span)
                } else {
                    node(ExprKind::Int(*value), Ty::INT, span)
                }
            }
            Ast::Float(value) => node(ExprKind::Float(*value), Ty::FLOAT, span),
            Ast::Str(text) => node(ExprKind::Str(text.to_string()), Ty::STRING, span),
            Ast::Bytes(bytes) => node(ExprKind::BytesLit(bytes.to_vec()), Ty::BYTES, span),
            Ast::Interpolation(parts) => self.interpolation(parts, span),
            _ => self.null_literal(span, want),
        }
    }

    fn null_literal(&mut self, span: Span, want: Want) -> Expr {
        let ty = match want {
            Want::Nothing => Ty::NULL,
            Want::Value => self.types.fresh(Origin::Null),
            Want::Type(ty) => {
                let ty = self.known(ty);
                if self.is_var(ty) {
                    self.types.fresh(Origin::Null)
                } else {
                    Ty::NULL
                }
            }
        };
        node(ExprKind::Null, ty, span)
    }

    fn interpolation(&mut self, parts: &'a [StrPart], span: Span) -> Expr {
        let pieces = self.pieces(parts);
        node(ExprKind::Interpolate(pieces), Ty::STRING, span)
    }

    /// The pieces of a text with holes.
    pub(crate) fn pieces(&mut self, parts: &'a [StrPart]) -> Vec<Piece> {
        let mut pieces = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                StrPart::Text(text) => pieces.push(Piece::Text(text.to_string())),
                StrPart::Hole(hole) => {
                    let value = self.value(&hole.expr);
                    let value = self.printable(value);
                    let format = hole
                        .format
                        .as_ref()
                        .map(|format| self.format(format, &value));
                    pieces.push(Piece::Value(value, format));
                }
            }
        }
        pieces
    }

    /// A value that is to be printed: not a future; by its own `show` if it has one.
    pub(crate) fn printable(&mut self, value: Expr) -> Expr {
        let ty = self.known(value.ty);
        if let Kind::Future(_) = self.types.kind(ty) {
            self.not_awaited(value.span, ty);
            return self.poison(value.span);
        }
        self.call_show(value)
    }

    fn format(&mut self, format: &ast::Format, value: &Expr) -> FormatSpec {
        let ty = self.known(value.ty);
        let number = matches!(ty, Ty::INT | Ty::FLOAT);
        let kind = match format.kind {
            FormatKind::Plain => None,
            FormatKind::Decimal => Some(('d', ty == Ty::INT)),
            FormatKind::LowerHex => Some(('x', matches!(ty, Ty::INT | Ty::BYTES))),
            FormatKind::UpperHex => Some(('X', matches!(ty, Ty::INT | Ty::BYTES))),
            FormatKind::Binary => Some(('b', ty == Ty::INT)),
            FormatKind::Octal => Some(('o', ty == Ty::INT)),
            FormatKind::Exponent => Some(('e', number)),
            FormatKind::Fixed => Some(('f', number)),
            FormatKind::Percent => Some(('%', number)),
        };
        let unknown = self.types.has_poison(ty) || self.is_var(ty) || self.types.has_param(ty);
        if let (Some((letter, false)), false) = (kind, unknown) {
            let shown = self.show(ty);
            let message = format!("`{letter}` does not format a {shown}");
            let error = Diagnostic::new(Code::BadFormatType, message, format.span)
                .help("d x X b o are for Int, e f % for numbers");
            self.report(error);
        }
        let signed = format.plus || format.alternate || format.zero || format.group;
        if signed && !number && !unknown {
            let shown = self.show(ty);
            let message = format!("`+`, `#`, `0` and `,` format numbers, not a {shown}");
            self.error(Code::BadFormatType, format.span, message);
        }
        let precise = matches!(ty, Ty::FLOAT | Ty::STRING | Ty::INT);
        if format.precision.is_some() && !precise && !unknown {
            let shown = self.show(ty);
            let message = format!("a precision is for numbers and Strings, not for a {shown}");
            self.error(Code::BadFormatType, format.span, message);
        }
        FormatSpec {
            fill: (format.fill != ' ').then_some(format.fill),
            align: format.align.map(|align| match align {
                Align::Left => '<',
                Align::Right => '>',
                Align::Center => '^',
            }),
            plus: format.plus,
            alternate: format.alternate,
            zero: format.zero,
            width: format.width,
            precision: format.precision,
            ty: kind.map(|(letter, _)| letter),
            group: format.group.then_some(','),
        }
    }
}
