//! Joining: interpolation, `++` on Strings, lists and Bytes.

use super::func::FuncBuilder;
use super::runtime_natives as rt;
use super::uses;
use crate::hir::{BinOp, Expr, ExprKind, FormatSpec, LocalId, Piece, Ty, TyKind};
use crate::ir::VReg;
use lumen_bytecode::code::Op;
use lumen_bytecode::module::well_known;
use std::fmt::Write;

/// A format specifier as the text that `fmt.*` natives read.
pub(crate) fn spec_text(spec: &FormatSpec) -> String {
    let mut text = String::new();
    if let Some(align) = spec.align {
        text.extend(spec.fill);
        text.push(align);
    }
    if spec.plus {
        text.push('+');
    }
    if spec.alternate {
        text.push('#');
    }
    if spec.zero {
        text.push('0');
    }
    if let Some(width) = spec.width {
        let _ = write!(text, "{width}");
    }
    text.extend(spec.group);
    if let Some(precision) = spec.precision {
        let _ = write!(text, ".{precision}");
    }
    text.extend(spec.ty);
    text
}

/// The operands of nested `++` on Strings, left to right, interpolations taken apart.
fn chain<'a>(e: &'a Expr, out: &mut Vec<Part<'a>>) {
    match &e.kind {
        ExprKind::Binary(BinOp::Concat | BinOp::Add, a, b) if e.ty == Ty::STRING => {
            chain(a, out);
            chain(b, out);
        }
        ExprKind::Interpolate(pieces) => {
            out.extend(pieces.iter().map(Part::of));
        }
        ExprKind::Str(text) => out.push(Part::Text(text)),
        _ => out.push(Part::Value(e, None)),
    }
}

enum Part<'a> {
    Text(&'a str),
    Value(&'a Expr, Option<&'a FormatSpec>),
}

impl<'a> Part<'a> {
    fn of(piece: &'a Piece) -> Part<'a> {
        match piece {
            Piece::Text(text) => Part::Text(text),
            Piece::Value(e, spec) => Part::Value(e, spec.as_ref()),
        }
    }
}

/// Pieces joined at once: all of them are in registers then.
const JOINED_MAX: usize = 200;

impl<'a> FuncBuilder<'_, '_, 'a> {
    /// An interpolated string.
    pub(crate) fn interpolate(&mut self, pieces: &'a [Piece], dst: Option<VReg>) -> VReg {
        let (first, rest) = pieces.split_at(pieces.len().min(JOINED_MAX));
        let regs = self.texts(first.iter().map(Part::of).collect());
        if rest.is_empty() {
            return self.join(&regs, dst);
        }
        let whole = self.temp(Ty::STRING);
        let start = self.join(&regs, None);
        self.copy(whole, start);
        for some in rest.chunks(JOINED_MAX) {
            let regs = self.texts(some.iter().map(Part::of).collect());
            let part = self.join(&regs, None);
            self.c.op(Op::StrAppend, &[whole, part]);
        }
        whole
    }

    /// The Strings of the parts, in order.
    fn texts(&mut self, parts: Vec<Part<'a>>) -> Vec<VReg> {
        let values: Vec<&'a Expr> = parts
            .iter()
            .filter_map(|p| match p {
                Part::Value(e, _) => Some(*e),
                Part::Text(_) => None,
            })
            .collect();
        let mut regs = Vec::with_capacity(parts.len());
        let (mut at, mut changing) = (0, None);
        for part in parts {
            match part {
                Part::Text("") => {}
                Part::Text(text) => regs.push(self.text(text)),
                Part::Value(e, spec) => {
                    let reg = self.operand(&values, at, &mut changing);
                    at += 1;
                    regs.push(match spec {
                        None => self.string_of(reg, e.ty),
                        Some(spec) => self.formatted(reg, e.ty, spec),
                    });
                }
            }
        }
        regs
    }

    fn formatted(&mut self, reg: VReg, ty: Ty, spec: &FormatSpec) -> VReg {
        let spec = self.text(&spec_text(spec));
        let (native, value) = match ty {
            Ty::INT => (rt::FORMAT_INT, reg),
            Ty::FLOAT => (rt::FORMAT_FLOAT, reg),
            _ => (rt::FORMAT_STRING, self.string_of(reg, ty)),
        };
        let args = [self.arg(value), self.arg(spec)];
        self.runtime(native, &[], &args, well_known::STRING)
    }

    /// The Strings in `parts` joined.
    pub(crate) fn join(&mut self, parts: &[VReg], dst: Option<VReg>) -> VReg {
        match parts {
            [] => {
                let dst = self.target(dst, Ty::STRING);
                let k = self.m.text("");
                self.c.op1(Op::Const, &[dst], k);
                dst
            }
            [only] => *only,
            _ => {
                let dst = self.target(dst, Ty::STRING);
                let mut regs = vec![dst];
                regs.extend(parts);
                self.c.op(Op::StrConcat, &regs);
                dst
            }
        }
    }

    /// `a ++ b`.
    pub(crate) fn concat(&mut self, a: &'a Expr, b: &'a Expr, ty: Ty, dst: Option<VReg>) -> VReg {
        if ty == Ty::STRING {
            let mut parts = Vec::new();
            chain(a, &mut parts);
            chain(b, &mut parts);
            let regs = self.texts(parts);
            return self.join(&regs, dst);
        }
        let (x, y) = self.operand_pair(a, b);
        let whole = self.temp(ty);
        self.copy(whole, x);
        self.extend(whole, ty, y);
        whole
    }

    /// `xs ++= ys` for a list or Bytes in a register.
    pub(crate) fn extend(&mut self, xs: VReg, ty: Ty, ys: VReg) {
        let args = [self.arg_as(xs, ty), self.arg_as(ys, ty)];
        match self.m.hir.types.kind(ty) {
            TyKind::List(t) => {
                let t = self.m.types.of(*t);
                self.runtime_effect(rt::LIST_EXTEND, &[t], &args);
            }
            _ => self.runtime_effect(rt::BYTES_APPEND, &[], &args),
        }
    }

    /// `s = s ++ …` as an append, where nothing after the first operand reads `s`. False if `value`
    /// is something else.
    pub(crate) fn append_to_itself(&mut self, root: LocalId, value: &'a Expr) -> bool {
        let reg = self.local(root);
        if let ExprKind::Binary(BinOp::Concat | BinOp::Add, a, b) = &value.kind
            && let ExprKind::Local(l) = a.kind
            && l == root
            && self.is_list(value.ty)
            && !uses::assigns(b, root)
        {
            self.append_list(reg, value.ty, b);
            return true;
        }
        let joins = matches!(value.kind, ExprKind::Binary(..) | ExprKind::Interpolate(_));
        if value.ty != Ty::STRING || !joins {
            return false;
        }
        let mut parts = Vec::new();
        chain(value, &mut parts);
        let itself = |p: &Part<'_>| match p {
            Part::Value(e, None) => matches!(e.kind, ExprKind::Local(l) if l == root),
            _ => false,
        };
        let reads = |p: &Part<'_>| match p {
            Part::Value(e, _) => uses::reads(e, root),
            Part::Text(_) => false,
        };
        if !parts.first().is_some_and(itself) || parts[1..].iter().any(reads) {
            return false;
        }
        parts.remove(0);
        for part in self.texts(parts) {
            self.c.op(Op::StrAppend, &[reg, part]);
        }
        true
    }

    /// `s ++= value`: each piece is appended, without making the whole right side first.
    pub(crate) fn append_text(&mut self, s: VReg, value: &'a Expr) {
        let mut parts = Vec::new();
        chain(value, &mut parts);
        let mut regs = self.texts(parts);
        if regs.contains(&s) {
            // It must not grow while it is read.
            let whole = self.join(&regs, None);
            regs = vec![if whole == s { self.snapshot(s) } else { whole }];
        }
        for part in regs {
            self.c.op(Op::StrAppend, &[s, part]);
        }
    }
}
