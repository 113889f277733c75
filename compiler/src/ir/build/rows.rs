//! The rows of a pattern match: what is still to be tested, and what a test says about the others.

use crate::hir::{LocalId, Pat, PatKind, Ty};
use crate::ir::VReg;

/// How a value is found from a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The register's own value.
    Whole,
    /// The register's value as a member of its union, after a test.
    Narrow,
    /// A field of a record, tuple, Error or variant.
    Field(u32),
    /// An element of a list; negative from the end.
    Element(i64),
    /// A list without so many elements at the front and at the back.
    Rest(usize, usize),
}

/// A part of the scrutinee, perhaps not loaded yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// The register it is reached from.
    pub(crate) reg: VReg,
    /// How.
    pub(crate) access: Access,
    /// Its type.
    pub(crate) ty: Ty,
}

impl Source {
    /// A register's own value.
    pub(crate) fn whole(reg: VReg, ty: Ty) -> Source {
        Source {
            reg,
            access: Access::Whole,
            ty,
        }
    }

    /// Whether both are the same part.
    pub(crate) fn same(&self, other: &Source) -> bool {
        self.reg == other.reg && self.access == other.access
    }
}

/// An arm, or one alternative of it.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    /// Patterns still to be tested.
    pub(crate) tests: Vec<(Source, &'a Pat)>,
    /// Variables to be bound.
    pub(crate) binds: Vec<(LocalId, Source)>,
    /// Which arm.
    pub(crate) arm: usize,
}

impl<'a> Row<'a> {
    /// The row of a whole pattern.
    pub(crate) fn new(source: Source, pat: &'a Pat, arm: usize) -> Row<'a> {
        Row {
            tests: vec![(source, pat)],
            binds: Vec::new(),
            arm,
        }
    }

    /// Where `source` is tested.
    pub(crate) fn test_on(&self, source: &Source) -> Option<usize> {
        self.tests.iter().position(|(s, _)| s.same(source))
    }

    /// What is known of `from` as a value of type `ty` is known of the one in `to`.
    pub(crate) fn refine(&mut self, from: &Source, ty: Ty, to: VReg) {
        let refine = |s: &mut Source| {
            if s.same(from) && s.ty == ty {
                s.reg = to;
            }
        };
        self.tests.iter_mut().for_each(|(s, _)| refine(s));
        self.binds.iter_mut().for_each(|(_, s)| refine(s));
    }

    /// `from` has been loaded into the register of `to`.
    pub(crate) fn replace(&mut self, from: &Source, to: VReg) {
        let replace = |s: &mut Source| {
            if s.same(from) {
                s.reg = to;
                s.access = Access::Whole;
            }
        };
        self.tests.iter_mut().for_each(|(s, _)| replace(s));
        self.binds.iter_mut().for_each(|(_, s)| replace(s));
    }
}

/// What is tested of one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Head<'a> {
    /// It has this type (Null included).
    Type(Ty),
    /// It is this variant.
    Tag(u32),
    Int(i64),
    Range(i64, i64),
    Bool(bool),
    Float(f64),
    Str(&'a str),
    Bytes(&'a [u8]),
    /// A list with exactly (true) or at least so many elements.
    Len(usize, bool),
}

/// What a pattern tests first: for a literal against a union around its type, the type.
pub(crate) fn head<'a>(source: &Source, pat: &'a Pat) -> Option<Head<'a>> {
    let typed = |ty: Ty, head: Head<'a>| {
        if source.ty == ty {
            head
        } else {
            Head::Type(ty)
        }
    };
    Some(match &pat.kind {
        PatKind::Int(i) => typed(Ty::INT, Head::Int(*i)),
        PatKind::Range { lo, hi } => typed(Ty::INT, Head::Range(*lo, *hi)),
        PatKind::Bool(b) => typed(Ty::BOOL, Head::Bool(*b)),
        PatKind::Float(f) => typed(Ty::FLOAT, Head::Float(*f)),
        PatKind::Str(s) => typed(Ty::STRING, Head::Str(s)),
        PatKind::Bytes(b) => typed(Ty::BYTES, Head::Bytes(b)),
        PatKind::Null => Head::Type(Ty::NULL),
        PatKind::Type(ty, _) => Head::Type(*ty),
        PatKind::Variant(v, _) => Head::Tag(*v),
        PatKind::List {
            before,
            rest,
            after,
        } => Head::Len(before.len() + after.len(), rest.is_none()),
        PatKind::Wild | PatKind::Bind(..) | PatKind::Fields(_) | PatKind::Or(_) => return None,
    })
}

/// What is left of a test once the answer of another on the same value is known.
enum Left<'a> {
    /// Cannot match.
    Never,
    /// These patterns.
    Tests(Vec<(Source, &'a Pat)>),
    /// The test itself.
    Unchanged,
}

/// Facts about types that fitting needs.
pub(crate) trait TypeFacts {
    /// No value of type `of` is both an `a` and a `b`.
    fn disjoint(&self, of: Ty, a: Ty, b: Ty) -> bool;
    /// The union `ty` has the member.
    fn has_member(&self, ty: Ty, member: Ty) -> bool;
    /// Values of the type are plain (Int, Float, Bool).
    fn is_plain(&self, ty: Ty) -> bool;
    /// The variant's payload types.
    fn payload(&self, enumeration: Ty, variant: u32) -> Vec<Ty>;
    /// The element type of a list.
    fn element(&self, list: Ty) -> Ty;
}

/// The rows that remain when the test `head` on `source` succeeded.
pub(crate) fn when_yes<'a>(
    rows: &[Row<'a>],
    source: &Source,
    test: Head<'_>,
    types: &dyn TypeFacts,
) -> Vec<Row<'a>> {
    let mut kept = Vec::new();
    for row in rows {
        match answer(row, source, &|s, pat| yes(s, pat, test, types)) {
            Left::Never => {}
            left => {
                let mut row = row.clone();
                settle(&mut row, source, left);
                kept.push(row);
            }
        }
    }
    kept
}

/// The rows that remain when it failed. Most do, so they are changed and not copied: a match of
/// many arms asks one after the other.
pub(crate) fn when_no<'a>(rows: Vec<Row<'a>>, source: &Source, test: Head<'_>) -> Vec<Row<'a>> {
    fit(rows, source, |s, pat| no(s, pat, test))
}

/// The rows that do not test `source`, or test it for something else than a literal or tag.
pub(crate) fn without<'a>(
    rows: Vec<Row<'a>>,
    source: &Source,
    excluded: impl Fn(Head<'a>) -> bool,
) -> Vec<Row<'a>> {
    fit(rows, source, |s, pat| match head(s, pat) {
        Some(h) if excluded(h) => Left::Never,
        _ => Left::Unchanged,
    })
}

fn fit<'a>(
    mut rows: Vec<Row<'a>>,
    source: &Source,
    left: impl Fn(&Source, &'a Pat) -> Left<'a>,
) -> Vec<Row<'a>> {
    rows.retain_mut(|row| match answer(row, source, &left) {
        Left::Never => false,
        left => {
            settle(row, source, left);
            true
        }
    });
    rows
}

/// What is left of what a row tests `source` for.
fn answer<'a>(
    row: &Row<'a>,
    source: &Source,
    left: &impl Fn(&Source, &'a Pat) -> Left<'a>,
) -> Left<'a> {
    match row.test_on(source) {
        Some(at) => left(&row.tests[at].0, row.tests[at].1),
        None => Left::Unchanged,
    }
}

/// Puts what is left of a test in its place.
fn settle<'a>(row: &mut Row<'a>, source: &Source, left: Left<'a>) {
    let (Left::Tests(tests), Some(at)) = (left, row.test_on(source)) else {
        return;
    };
    let (s, pat) = row.tests[at];
    row.tests.splice(at..=at, tests);
    row.binds.extend(rest_bind(&s, pat));
}

fn narrowed(s: &Source, ty: Ty, types: &dyn TypeFacts) -> Source {
    let access = if types.is_plain(ty) {
        Access::Narrow
    } else {
        Access::Whole
    };
    Source {
        reg: s.reg,
        access,
        ty,
    }
}

fn yes<'a>(s: &Source, pat: &'a Pat, test: Head<'_>, types: &dyn TypeFacts) -> Left<'a> {
    let Some(own) = head(s, pat) else {
        return Left::Unchanged;
    };
    match (test, own) {
        (Head::Type(t), Head::Type(u)) if t == u => match &pat.kind {
            PatKind::Null => Left::Tests(Vec::new()),
            PatKind::Type(_, inner) => Left::Tests(vec![(narrowed(s, t, types), inner)]),
            _ => Left::Tests(vec![(narrowed(s, t, types), pat)]),
        },
        (Head::Type(t), Head::Type(u)) if types.has_member(u, t) => match &pat.kind {
            PatKind::Type(_, inner) => Left::Tests(vec![(Source { ty: u, ..*s }, inner)]),
            _ => Left::Unchanged,
        },
        (Head::Type(t), Head::Type(u)) if types.disjoint(s.ty, t, u) => Left::Never,
        (Head::Tag(v), Head::Tag(w)) if v == w => Left::Tests(payload(s, pat, types)),
        (Head::Int(v), Head::Range(lo, hi)) => {
            if (lo..=hi).contains(&v) {
                Left::Tests(Vec::new())
            } else {
                Left::Never
            }
        }
        (Head::Range(lo, hi), Head::Int(v)) if !(lo..=hi).contains(&v) => Left::Never,
        (Head::Range(lo, hi), Head::Range(l, h)) if hi < l || h < lo => Left::Never,
        (Head::Range(lo, hi), Head::Range(l, h)) if l <= lo && hi <= h => Left::Tests(Vec::new()),
        (Head::Len(n, true), Head::Len(m, exact)) => {
            if n == m || !exact && n > m {
                Left::Tests(elements(s, pat, types))
            } else {
                Left::Never
            }
        }
        (Head::Len(n, false), Head::Len(m, true)) if m < n => Left::Never,
        (Head::Len(n, false), Head::Len(m, false)) if m <= n => {
            Left::Tests(elements(s, pat, types))
        }
        (Head::Range(..) | Head::Type(_) | Head::Len(..), _) => Left::Unchanged,
        (test, own) if test == own => Left::Tests(Vec::new()),
        _ => Left::Never,
    }
}

fn no<'a>(s: &Source, pat: &'a Pat, test: Head<'_>) -> Left<'a> {
    let Some(own) = head(s, pat) else {
        return Left::Unchanged;
    };
    match (test, own) {
        (Head::Bool(b), Head::Bool(c)) if b != c => Left::Tests(Vec::new()),
        (Head::Range(lo, hi), Head::Int(v)) if (lo..=hi).contains(&v) => Left::Never,
        (Head::Range(lo, hi), Head::Range(l, h)) if lo <= l && h <= hi => Left::Never,
        (Head::Len(n, false), Head::Len(m, _)) if m >= n => Left::Never,
        (test, own) if test == own => Left::Never,
        _ => Left::Unchanged,
    }
}

/// The patterns of a variant's payload.
pub(crate) fn payload<'a>(
    s: &Source,
    pat: &'a Pat,
    types: &dyn TypeFacts,
) -> Vec<(Source, &'a Pat)> {
    let PatKind::Variant(v, fields) = &pat.kind else {
        return Vec::new();
    };
    let tys = types.payload(s.ty, *v);
    fields
        .iter()
        .map(|(n, p)| (field_source(s, *n, tys[*n as usize]), p))
        .collect()
}

/// Field `n` of a loaded value.
pub(crate) fn field_source(s: &Source, n: u32, ty: Ty) -> Source {
    Source {
        reg: s.reg,
        access: Access::Field(n),
        ty,
    }
}

/// The patterns of a list's elements, once its length fits.
fn elements<'a>(s: &Source, pat: &'a Pat, types: &dyn TypeFacts) -> Vec<(Source, &'a Pat)> {
    let PatKind::List { before, after, .. } = &pat.kind else {
        return Vec::new();
    };
    let ty = types.element(s.ty);
    let at = |i: i64, p| {
        let access = Access::Element(i);
        (
            Source {
                reg: s.reg,
                access,
                ty,
            },
            p,
        )
    };
    let count = i64::try_from(after.len()).expect("a short pattern");
    let front = before.iter().zip(0..).map(|(p, i)| at(i, p));
    let back = after.iter().zip(-count..).map(|(p, i)| at(i, p));
    front.chain(back).collect()
}

/// The variable bound to what a list pattern leaves over, and that rest.
pub(crate) fn rest_bind(s: &Source, pat: &Pat) -> Option<(LocalId, Source)> {
    match &pat.kind {
        PatKind::List {
            before,
            rest: Some(Some(local)),
            after,
        } => {
            let access = match (before.len(), after.len()) {
                (0, 0) => Access::Whole,
                (front, back) => Access::Rest(front, back),
            };
            let source = Source {
                reg: s.reg,
                access,
                ty: s.ty,
            };
            Some((*local, source))
        }
        _ => None,
    }
}
