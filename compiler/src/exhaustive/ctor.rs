//! Constructors: the ways in which a value of a type can be made, as finely as the patterns ask.

use super::members;
use crate::hir::{Pat, PatKind, Ty, TyKind, Types};
use rustc_hash::FxHashSet;

/// A pattern, reduced to what matters here.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum P {
    /// Matches everything.
    Wild,
    /// Matches what the constructor makes of matching parts.
    Ctor(Ctor, Vec<P>),
    /// Matches what any of them does.
    Or(Vec<P>),
}

/// A way to make a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ctor {
    /// The only way: tuples, records, null.
    Single,
    /// A variant of an enum.
    Variant(u32),
    /// `true` or `false`.
    Bool(bool),
    /// Ints from .. to, inclusive.
    Ints(i64, i64),
    /// A text.
    Str(String),
    /// Octets.
    Bytes(Vec<u8>),
    /// A Float, by its bits.
    Float(u64),
    /// A list of this length; with `more`, at least this length, the parts being the first
    /// `before` and the rest from the end.
    List {
        len: usize,
        before: usize,
        more: bool,
    },
    /// A value of a union's member type.
    Member(Ty),
    /// What no pattern names, of a type with too many values to list.
    Other,
}

impl Ctor {
    /// Whether it is one of more values than a program can write.
    pub(super) fn is_literal(&self) -> bool {
        match self {
            Ctor::Ints(lo, hi) => lo == hi,
            Ctor::Str(_) | Ctor::Bytes(_) | Ctor::Float(_) => true,
            _ => false,
        }
    }
}

/// Reduces `pat`, which sees values of type `ty`.
pub(super) fn lower(types: &Types, pat: &Pat, ty: Ty) -> P {
    match &pat.kind {
        PatKind::Wild | PatKind::Bind(_, None) => P::Wild,
        PatKind::Bind(_, Some(inner)) => lower(types, inner, ty),
        PatKind::Or(parts) => P::Or(parts.iter().map(|p| lower(types, p, ty)).collect()),
        PatKind::Type(target, inner) => typed(types, ty, *target, inner),
        kind => lower_in(types, kind, ty),
    }
}

/// A type test. A target that is a choice itself stands for all its members.
fn typed(types: &Types, ty: Ty, target: Ty, inner: &Pat) -> P {
    if target == ty {
        return lower(types, inner, ty);
    }
    if members(types, ty).is_some()
        && let Some(parts) = members(types, target)
    {
        let part = |m| P::Ctor(Ctor::Member(m), vec![lower(types, inner, m)]);
        return P::Or(parts.into_iter().map(part).collect());
    }
    P::Ctor(Ctor::Member(target), vec![lower(types, inner, target)])
}

/// A pattern that looks at values of one member of `ty`, where `ty` is a choice.
fn lower_in(types: &Types, kind: &PatKind, ty: Ty) -> P {
    let Some(all) = members(types, ty) else {
        if *types.kind(ty) == TyKind::Any {
            return lower_in_any(types, kind);
        }
        return lower_exact(types, kind, ty);
    };
    let fits = |m: Ty| match (kind, types.kind(m)) {
        (PatKind::Int(_) | PatKind::Range { .. }, k) => *k == TyKind::Int,
        (PatKind::Float(_), k) => *k == TyKind::Float,
        (PatKind::Bool(_), k) => *k == TyKind::Bool,
        (PatKind::Str(_), k) => *k == TyKind::String,
        (PatKind::Bytes(_), k) => *k == TyKind::Bytes,
        (PatKind::Null, k) => *k == TyKind::Null,
        (PatKind::Fields(_), TyKind::Tuple(_) | TyKind::Record(_) | TyKind::Error) => true,
        (PatKind::Variant(..), TyKind::Enum(_)) => true,
        (PatKind::List { .. }, TyKind::List(_)) => true,
        _ => false,
    };
    let mut hits = all.into_iter().filter(|&m| fits(m));
    match (hits.next(), hits.next()) {
        (Some(m), None) => P::Ctor(Ctor::Member(m), vec![lower_exact(types, kind, m)]),
        // Ambiguous or impossible: the checker says so; it covers nothing.
        _ => P::Ctor(Ctor::Member(Ty::NEVER), Vec::new()),
    }
}

/// A literal among values of any type.
fn lower_in_any(types: &Types, kind: &PatKind) -> P {
    let ty = match kind {
        PatKind::Int(_) | PatKind::Range { .. } => Ty::INT,
        PatKind::Float(_) => Ty::FLOAT,
        PatKind::Bool(_) => Ty::BOOL,
        PatKind::Str(_) => Ty::STRING,
        PatKind::Bytes(_) => Ty::BYTES,
        PatKind::Null => Ty::NULL,
        _ => return P::Ctor(Ctor::Member(Ty::NEVER), Vec::new()),
    };
    P::Ctor(Ctor::Member(ty), vec![lower_exact(types, kind, ty)])
}

fn lower_exact(types: &Types, kind: &PatKind, ty: Ty) -> P {
    match kind {
        PatKind::Int(i) => P::Ctor(Ctor::Ints(*i, *i), Vec::new()),
        PatKind::Range { lo, hi } => P::Ctor(Ctor::Ints(*lo, *hi), Vec::new()),
        PatKind::Float(f) => P::Ctor(Ctor::Float(f.to_bits()), Vec::new()),
        PatKind::Bool(b) => P::Ctor(Ctor::Bool(*b), Vec::new()),
        PatKind::Str(s) => P::Ctor(Ctor::Str(s.clone()), Vec::new()),
        PatKind::Bytes(b) => P::Ctor(Ctor::Bytes(b.clone()), Vec::new()),
        PatKind::Null => P::Ctor(Ctor::Single, Vec::new()),
        PatKind::Fields(parts) => P::Ctor(
            Ctor::Single,
            place(types, parts, &Ctor::Single.fields(types, ty)),
        ),
        PatKind::Variant(v, parts) => {
            let ctor = Ctor::Variant(*v);
            let fields = ctor.fields(types, ty);
            P::Ctor(ctor, place(types, parts, &fields))
        }
        PatKind::List {
            before,
            rest,
            after,
        } => {
            let TyKind::List(elem) = *types.kind(ty) else {
                return P::Wild;
            };
            let parts = before
                .iter()
                .chain(after)
                .map(|p| lower(types, p, elem))
                .collect();
            let (len, more) = (before.len() + after.len(), rest.is_some());
            P::Ctor(
                Ctor::List {
                    len,
                    before: before.len(),
                    more,
                },
                parts,
            )
        }
        _ => P::Wild,
    }
}

/// Patterns at their field numbers, wildcards elsewhere.
fn place(types: &Types, parts: &[(u32, Pat)], fields: &[Ty]) -> Vec<P> {
    let mut out = vec![P::Wild; fields.len()];
    for (i, pat) in parts {
        if let Some(&ty) = fields.get(*i as usize) {
            out[*i as usize] = lower(types, pat, ty);
        }
    }
    out
}

/// All constructors of `ty` that the patterns of a column tell apart, and whether any pattern
/// names one.
pub(super) fn split(types: &Types, ty: Ty, column: &[&P]) -> (Vec<Ctor>, bool) {
    let named: Vec<&Ctor> = column
        .iter()
        .filter_map(|p| match p {
            P::Ctor(c, _) => Some(c),
            P::Wild | P::Or(_) => None,
        })
        .collect();
    let ctors = match types.kind(ty) {
        TyKind::Bool => vec![Ctor::Bool(true), Ctor::Bool(false)],
        TyKind::Null | TyKind::Tuple(_) | TyKind::Record(_) | TyKind::Error => vec![Ctor::Single],
        TyKind::Enum(_) => {
            let n = types.nominal(ty).map_or(0, |n| n.variants.len() as u32);
            (0..n).map(Ctor::Variant).collect()
        }
        TyKind::Int => split_ints(&named),
        TyKind::List(_) => split_lists(&named),
        TyKind::Never => Vec::new(),
        _ => match members(types, ty) {
            Some(all) => all.into_iter().map(Ctor::Member).collect(),
            None => {
                let mut seen: FxHashSet<&Ctor> = FxHashSet::default();
                let told = named.iter().copied();
                let told = told.filter(|c| **c != Ctor::Other && seen.insert(c));
                told.cloned().chain([Ctor::Other]).collect()
            }
        },
    };
    (ctors, !named.is_empty())
}

/// How many constructors `ty` has, if it is an enum or Bool.
pub(super) fn count(types: &Types, ty: Ty) -> Option<usize> {
    match types.kind(ty) {
        TyKind::Bool => Some(2),
        TyKind::Enum(_) => types.nominal(ty).map(|nominal| nominal.variants.len()),
        _ => None,
    }
}

fn split_ints(named: &[&Ctor]) -> Vec<Ctor> {
    let mut starts = vec![i64::MIN];
    for c in named {
        if let Ctor::Ints(lo, hi) = c {
            starts.push(*lo);
            starts.extend(hi.checked_add(1));
        }
    }
    starts.sort_unstable();
    starts.dedup();
    let ends = starts[1..].iter().map(|s| s - 1).chain([i64::MAX]);
    starts
        .iter()
        .zip(ends)
        .map(|(&lo, hi)| Ctor::Ints(lo, hi))
        .collect()
}

fn split_lists(named: &[&Ctor]) -> Vec<Ctor> {
    let (mut longest, mut before_max, mut after_max) = (0, 0, 0);
    for c in named {
        if let Ctor::List { len, before, more } = c {
            longest = longest.max(if *more { *len } else { len + 1 });
            before_max = before_max.max(*before);
            after_max = after_max.max(len - before);
        }
    }
    let all = longest.max(before_max + after_max);
    let exact = |len| Ctor::List {
        len,
        before: len,
        more: false,
    };
    let rest = Ctor::List {
        len: all,
        before: before_max,
        more: true,
    };
    (0..all).map(exact).chain([rest]).collect()
}

impl Ctor {
    /// Types of the parts of a value of type `ty` made this way.
    pub(super) fn fields(&self, types: &Types, ty: Ty) -> Vec<Ty> {
        match (self, types.kind(ty)) {
            (Self::Single, TyKind::Tuple(parts)) => parts.clone(),
            (Self::Single, TyKind::Record(_)) => variant_fields(types, ty, 0),
            (Self::Single, TyKind::Error) => error_fields(),
            (Self::Variant(v), _) => variant_fields(types, ty, *v as usize),
            (Self::List { len, .. }, TyKind::List(elem)) => vec![*elem; *len],
            (Self::Member(m), _) => vec![*m],
            _ => Vec::new(),
        }
    }

    /// Does `p` look the same at all values made this way (which is how they were split), and
    /// does its constructor make them?
    pub(super) fn is_covered_by(&self, p: &P) -> bool {
        let P::Ctor(own, _) = p else { return true };
        match (own, self) {
            (Self::Ints(lo, hi), Self::Ints(a, b)) => lo <= a && b <= hi,
            (
                Self::List { len, more, .. },
                Self::List {
                    len: n, more: open, ..
                },
            ) => {
                if *more {
                    n >= len
                } else {
                    n == len && !open
                }
            }
            _ => own == self,
        }
    }

    /// The parts of a pattern with constructor `own`, laid out for this one.
    pub(super) fn align(&self, own: &Self, parts: &[P], arity: usize) -> Vec<P> {
        if let Self::List {
            before, more: true, ..
        } = own
        {
            let mut out = vec![P::Wild; arity];
            out[..*before].clone_from_slice(&parts[..*before]);
            let after = parts.len() - before;
            out[arity - after..].clone_from_slice(&parts[*before..]);
            return out;
        }
        let mut out = parts.to_vec();
        out.resize(arity, P::Wild);
        out
    }

    /// As a pattern, its parts already texts.
    pub(super) fn show(&self, types: &Types, ty: Ty, parts: &[String]) -> String {
        match self {
            Self::Bool(b) => b.to_string(),
            Self::Str(s) => format!("{s:?}"),
            Self::Bytes(bytes) => {
                let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
                format!("b\"{}\"", digits.collect::<String>())
            }
            Self::Float(bits) => f64::from_bits(*bits).to_string(),
            Self::Ints(lo, hi) => show_ints(*lo, *hi),
            Self::Variant(v) => {
                let name = types
                    .nominal(ty)
                    .map_or("_", |n| &n.variants[*v as usize].name);
                if parts.is_empty() {
                    name.to_string()
                } else {
                    call(name, parts)
                }
            }
            Self::Single => match types.kind(ty) {
                TyKind::Null => "null".to_string(),
                TyKind::Record(_) => {
                    let name = types.nominal(ty).map_or("_", |n| &n.name);
                    if parts.iter().all(|p| p == "_") {
                        format!("{name}(..)")
                    } else {
                        show_record(types, ty, name, parts)
                    }
                }
                TyKind::Error => "Error(..)".to_string(),
                _ => call("", parts),
            },
            Self::List { before, more, .. } => {
                let mut shown = parts.to_vec();
                if *more {
                    shown.insert(*before, "...".to_string());
                }
                format!("[{}]", shown.join(", "))
            }
            Self::Member(m) => match parts {
                [part] if part != "_" => part.clone(),
                _ if *m == Ty::NULL => "null".to_string(),
                _ => format!("_: {}", type_name(types, *m)),
            },
            Self::Other => "_".to_string(),
        }
    }
}

fn variant_fields(types: &Types, ty: Ty, variant: usize) -> Vec<Ty> {
    types
        .nominal(ty)
        .and_then(|n| n.variants.get(variant))
        .map_or_else(Vec::new, |v| v.fields.iter().map(|f| f.ty).collect())
}

fn call(name: &str, parts: &[String]) -> String {
    format!("{name}({})", parts.join(", "))
}

fn show_record(types: &Types, ty: Ty, name: &str, parts: &[String]) -> String {
    let Some(variant) = types.nominal(ty).and_then(|n| n.variants.first()) else {
        return call(name, parts);
    };
    let fields: Vec<String> = variant
        .fields
        .iter()
        .zip(parts)
        .filter(|(_, p)| *p != "_")
        .map(|(f, p)| format!("{}: {p}", f.name))
        .collect();
    format!("{name}({}, ..)", fields.join(", "))
}

fn show_ints(lo: i64, hi: i64) -> String {
    match (lo, hi) {
        (i64::MIN, i64::MAX) => "_".to_string(),
        (lo, hi) if lo == hi => lo.to_string(),
        (i64::MIN, hi) => format!("..={hi}"),
        (lo, i64::MAX) => format!("{lo}.."),
        (lo, hi) => format!("{lo}..={hi}"),
    }
}

/// The name of a type, as source writes it.
pub(super) fn type_name(types: &Types, ty: Ty) -> String {
    let name = |t: &Ty| type_name(types, *t);
    let list = |ts: &[Ty]| ts.iter().map(name).collect::<Vec<_>>().join(", ");
    match types.kind(ty) {
        TyKind::List(t) => format!("list[{}]", name(t)),
        TyKind::Map(k, v) => format!("map[{}, {}]", name(k), name(v)),
        TyKind::Set(t) => format!("set[{}]", name(t)),
        TyKind::Tuple(ts) => format!("({})", list(ts)),
        TyKind::Union(ts) => ts.iter().map(name).collect::<Vec<_>>().join(" | "),
        TyKind::Func(ps, r) => format!("fn({}) -> {}", list(ps), name(r)),
        TyKind::Future(t) => format!("Future[{}]", name(t)),
        TyKind::Channel(t) => format!("Channel[{}]", name(t)),
        TyKind::Generator(t) => format!("yield {}", name(t)),
        TyKind::Handle(n, args) if args.is_empty() => n.clone(),
        TyKind::Handle(n, args) => format!("{n}[{}]", list(args)),
        TyKind::Record(_) | TyKind::Enum(_) => {
            let n = types.nominal(ty);
            n.map_or_else(String::new, |n| match &n.args[..] {
                [] => n.name.clone(),
                args => format!("{}[{}]", n.name, list(args)),
            })
        }
        kind => format!("{kind:?}"),
    }
}

/// The types of an Error's fields: kind, message, location, trace, causes.
fn error_fields() -> Vec<Ty> {
    vec![
        Ty::STRING,
        Ty::STRING,
        Ty::STRING,
        Ty::LIST_STRING,
        Ty::LIST_ERROR,
    ]
}
