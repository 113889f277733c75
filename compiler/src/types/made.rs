//! Functions that the checker makes for types: readers, showers, comparers. Each is numbered when
//! it is first asked for, and its body is made when the bodies that ask for it are done, so that
//! recursive types are no matter.

use super::Checker;
use super::items::CellId;
use super::relate::Relation;
use crate::hir::{FuncId, Ty};
use crate::source::Span;

/// What a function is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Made {
    /// Reads values of the type from Json, or the payload of this variant of it.
    Reader(Ty, Option<u32>),
    /// Gives the text of a value of the type, as it stands inside of another.
    Shower(Ty),
    /// Stands for this native, which prints or shows a value of the type.
    Printer(Ty, CellId),
    /// Compares two values of the type.
    Comparer(Ty, Relation),
}

/// A function whose body is still to be made.
#[derive(Clone, Copy)]
pub(crate) struct Unmade {
    pub(crate) func: FuncId,
    pub(crate) made: Made,
    /// Where it was first asked for.
    pub(crate) span: Span,
}

impl Checker<'_> {
    /// The function made for this; its types must be resolved.
    pub(crate) fn made(&mut self, made: Made, span: Span) -> FuncId {
        if let Some(&func) = self.out.made.get(&made) {
            return func;
        }
        let func = self.new_func();
        self.out.made.insert(made, func);
        self.out.unmade.push(Unmade { func, made, span });
        func
    }

    /// Makes the bodies of the functions that have been asked for.
    pub(crate) fn make_bodies(&mut self) {
        for Unmade { func, made, span } in std::mem::take(&mut self.out.unmade) {
            match made {
                Made::Reader(ty, variant) => self.make_reader(func, ty, variant, span),
                Made::Shower(ty) => self.make_shower(func, ty, span),
                Made::Printer(ty, cell) => self.make_printer(func, ty, cell, span),
                Made::Comparer(ty, relation) => self.make_comparer(func, ty, relation, span),
            }
        }
    }
}
