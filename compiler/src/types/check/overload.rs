//! Several cells of one name: which one the arguments fit.

use super::Want;
use super::call::{ArgIn, ArgValue};
use super::coerce::Fit;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, ExprKind};
use crate::names::ValueDef;
use crate::source::Span;
use crate::syntax::Symbol;
use crate::syntax::ast;
use crate::types::Checker;
use crate::types::items::{CellId, Sig};
use crate::types::ty::Kind;
use smallvec::SmallVec;

/// The cells of a name.
pub(crate) type Cells = SmallVec<[CellId; 8]>;

impl<'a> Checker<'a> {
    /// All cells that `name` may mean here: the module's own (or imported) first.
    pub(crate) fn candidates(&self, name: Symbol) -> Cells {
        let mut cells = Cells::new();
        let mut chain = |mut next: Option<CellId>| {
            while let Some(cell) = next {
                if !cells.contains(&cell) {
                    cells.push(cell);
                }
                next = self.items.cell(cell).next;
            }
        };
        if let Some(ValueDef::Cell(cell)) = self.scopes[self.body.module.0 as usize].value(name) {
            chain(Some(cell));
        }
        for def in self.prelude_values.get(&name).into_iter().flatten() {
            if let ValueDef::Cell(cell) = def {
                chain(Some(*cell));
            }
        }
        cells
    }

    /// Whether the number and names of arguments fit a signature.
    pub(crate) fn takes(&self, sig: &Sig<'a>, args: &[ArgIn<'a>]) -> bool {
        let variadic = sig.params.iter().any(|param| param.variadic);
        let named = args.iter().filter_map(|arg| arg.name);
        if named
            .clone()
            .any(|name| !sig.params.iter().any(|param| param.name == name.name))
        {
            return false;
        }
        let needed = sig
            .params
            .iter()
            .filter(|param| param.default.is_none() && !param.variadic);
        needed.count() <= args.len() && (variadic || args.len() <= sig.params.len())
    }

    /// Calls the one of `cells` that the arguments fit.
    pub(crate) fn call_one_of(
        &mut self,
        cells: &[CellId],
        name: Symbol,
        type_args: &'a [ast::Type],
        args: Vec<ArgIn<'a>>,
        span: Span,
        want: Want,
    ) -> Expr {
        if let [cell] = cells {
            return self.call_cell(*cell, None, type_args, args, None, span, want);
        }
        let (cell, args) = self.choose(cells, name, args, span);
        match cell {
            Some(cell) => self.call_cell(cell, None, type_args, args, None, span, want),
            None => {
                self.check_args_anyhow(args);
                self.poison(span)
            }
        }
    }

    /// The one of several cells of a name that the arguments fit, with the arguments checked as
    /// far as was needed to tell.
    pub(crate) fn choose(
        &mut self,
        cells: &[CellId],
        name: Symbol,
        mut args: Vec<ArgIn<'a>>,
        span: Span,
    ) -> (Option<CellId>, Vec<ArgIn<'a>>) {
        let own = cells
            .first()
            .copied()
            .filter(|&cell| !self.modules.get(self.items.cell(cell).module).library);
        let mut fitting = Cells::new();
        for &cell in cells {
            let sig = self.sig(cell);
            if self.takes(&sig, &args) {
                fitting.push(cell);
            }
        }
        match fitting.as_slice() {
            [] => return (cells.first().copied(), args),
            // The program's own cell is what is meant, unless one of the library's fits.
            [cell] if own.is_none_or(|own| own == *cell) => return (Some(*cell), args),
            _ => {}
        }
        for arg in &mut args {
            if let (ArgValue::Ast(expr), false) = (&arg.value, arg.is_lambda()) {
                arg.value = ArgValue::Done(self.value(expr));
            }
        }
        let mut best: Option<(u32, CellId)> = None;
        for &cell in &fitting {
            if let Some(score) = self.score(cell, &args)
                && best.is_none_or(|(other, _)| score > other)
            {
                best = Some((score, cell));
            }
        }
        if let Some((_, cell)) = best {
            return (Some(cell), args);
        }
        if own.is_some() {
            return (own, args);
        }
        if !self.any_poison(&args) {
            self.report_no_overload(&fitting, name, &args, span);
        }
        (None, args)
    }

    fn any_poison(&mut self, args: &[ArgIn<'a>]) -> bool {
        args.iter().any(|arg| match &arg.value {
            ArgValue::Done(expr) => {
                let ty = self.known(expr.ty);
                self.types.has_poison(ty)
            }
            ArgValue::Ast(_) => false,
        })
    }

    /// How well arguments fit a cell; `None` when they do not.
    pub(crate) fn score(&mut self, cell: CellId, args: &[ArgIn<'a>]) -> Option<u32> {
        let sig = self.sig(cell);
        if self.is_hopeless(&sig, args) {
            return None;
        }
        let vars = self.fresh_args(&sig);
        let trial = self.types.begin_trial();
        let mut total = 0;
        let mut position = 0;
        for arg in args {
            let at = match arg.name {
                Some(name) => sig
                    .params
                    .iter()
                    .position(|param| param.name == name.name)?,
                None => position,
            };
            position += usize::from(arg.name.is_none() && !sig.params.get(at)?.variadic);
            let param = &sig.params[at];
            let bare = matches!(self.types.kind(param.ty), Kind::Param(..));
            let mut wanted = self.types.subst(param.ty, &vars);
            if let (true, Kind::List(element)) = (param.variadic, self.types.kind(wanted)) {
                wanted = *element;
            }
            let ArgValue::Done(value) = &arg.value else {
                let head = self.types.head(wanted);
                if !bare && !matches!(self.types.kind(head), Kind::Func(..)) {
                    self.types.end_trial(trial);
                    return None;
                }
                continue;
            };
            let literal = matches!(value.kind, ExprKind::Int(_)) && self.wants_float(wanted);
            let fit = if literal {
                Fit::Widen
            } else {
                self.fit(value.ty, wanted)
            };
            // The first argument counts most: it is what a method is called on.
            let weight = if at == 0 { 100 } else { 10 };
            total += match fit {
                Fit::No => {
                    self.types.end_trial(trial);
                    return None;
                }
                _ if bare => 1,
                Fit::Widen => 2 * weight / 10,
                Fit::Same => weight,
            };
        }
        self.types.end_trial(trial);
        Some(total)
    }

    /// Whether the outermost constructors of a parameter and its argument differ, so that no type
    /// arguments bring them together: most candidates are ruled out by the first argument.
    fn is_hopeless(&mut self, sig: &Sig<'a>, args: &[ArgIn<'a>]) -> bool {
        let mut pairs = sig.params.iter().zip(args);
        pairs.any(|(param, arg)| {
            let ArgValue::Done(value) = &arg.value else {
                return false;
            };
            if arg.name.is_some() || param.variadic {
                return false;
            }
            let head = self.types.head(value.ty);
            let (from, to) = (self.types.kind(head), self.types.kind(param.ty));
            let number = |kind: &Kind| matches!(kind, Kind::Int | Kind::Float);
            is_closed(from)
                && is_closed(to)
                && std::mem::discriminant(from) != std::mem::discriminant(to)
                && !(number(from) && number(to))
        })
    }

    fn report_no_overload(
        &mut self,
        cells: &[CellId],
        name: Symbol,
        args: &[ArgIn<'a>],
        span: Span,
    ) {
        let mut types = Vec::new();
        for arg in args {
            let ArgValue::Done(value) = &arg.value else {
                types.push("fn".to_owned());
                continue;
            };
            let ty = self.known(value.ty);
            if let Kind::Future(_) = self.types.kind(ty) {
                self.not_awaited(value.span, ty);
                return;
            }
            types.push(self.show(ty));
        }
        let text = self.text(name);
        let message = format!("no `{text}` takes ({})", types.join(", "));
        let mut error = Diagnostic::new(Code::NoOverload, message, span);
        for &cell in cells.iter().take(6) {
            let sig = self.sig(cell);
            let params: Vec<String> = sig
                .params
                .iter()
                .map(|param| param.ty)
                .collect::<Vec<_>>()
                .into_iter()
                .map(|ty| self.show(ty))
                .collect();
            error = error.note(format!("{text}({})", params.join(", ")));
        }
        if let Some(ArgValue::Done(first)) = args.first().map(|arg| &arg.value) {
            let ty = self.known(first.ty);
            match self.types.kind(ty) {
                Kind::Set(_) if text == "add" => error = error.help("write insert(set, element)"),
                Kind::Generator(_) => error = error.help("make a list of it: [x for x in it]"),
                _ => {}
            }
        }
        self.report(error);
    }
}

/// Whether only a type of the same kind fits one of this kind.
fn is_closed(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Int
            | Kind::Float
            | Kind::Bool
            | Kind::String
            | Kind::Bytes
            | Kind::List(_)
            | Kind::Map(..)
            | Kind::Set(_)
            | Kind::Tuple(_)
            | Kind::Adt(..)
            | Kind::Func(..)
            | Kind::Future(_)
            | Kind::Channel(_)
            | Kind::Handle(..)
            | Kind::Generator(_)
    )
}
