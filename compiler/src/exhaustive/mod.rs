//! Exhaustiveness and reachability of matches.
//!
//! After Luc Maranget, "Warnings for pattern matching" (Journal of Functional Programming, 2007):
//! a row is useful after others if some value matches it and none of them; a match is exhaustive
//! if a final wildcard row is not useful. Integers are split at the ends of the ranges written,
//! lists by length, unions by member.

mod ctor;

use crate::hir::{Pat, Ty, TyKind, Types};
use crate::limits;
use ctor::{Ctor, P, lower};
use rustc_hash::FxHashSet;

/// What is wrong with a match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Values not covered, as patterns; a few of them.
    pub missing: Vec<String>,
    /// Arms that no value reaches.
    pub unreachable: Vec<usize>,
}

/// Cases named in a diagnostic at most.
const MISSING_MAX: usize = 4;
/// Checks a match over values of type `ty`; arms with a guard cover nothing.
#[must_use]
pub fn check(types: &Types, ty: Ty, arms: &[(&Pat, bool)]) -> Report {
    let mut report = Report::default();
    let mut matrix = Matrix {
        types,
        rows: Vec::new(),
        steps: 0,
    };
    // As long as all rows are flat: a constructor, whatever its parts are.
    let mut flat = Some(FxHashSet::default());
    let all = ctor::count(types, ty);
    let mut complete = false;
    for (i, (pat, guarded)) in arms.iter().enumerate() {
        let row = vec![lower(types, pat, ty)];
        let useful = match (&flat, &row[0]) {
            (Some(seen), P::Ctor(ctor, parts)) if is_flat(ctor, parts) => !seen.contains(ctor),
            (Some(seen), P::Wild) if all.is_none_or(|all| seen.len() < all) => true,
            _ => matrix.is_useful(&row, ty),
        };
        if !useful && matrix.steps < limits::MATCH_STEPS {
            report.unreachable.push(i);
        }
        if !guarded {
            complete |= row[0] == P::Wild;
            match &row[0] {
                P::Ctor(ctor, parts) if is_flat(ctor, parts) => {
                    flat.as_mut().map(|seen| seen.insert(ctor.clone()));
                }
                _ => flat = None,
            }
            matrix.rows.push(row);
        }
    }
    let covered = flat.is_some_and(|seen| !seen.is_empty() && Some(seen.len()) == all);
    if complete || covered {
        return report;
    }
    let rows = std::mem::take(&mut matrix.rows);
    let found = matrix.witnesses(&rows, &[ty]);
    if matrix.steps < limits::MATCH_STEPS {
        report.missing = found
            .into_iter()
            .map(|w| w.concat())
            .take(MISSING_MAX)
            .collect();
        report.missing.dedup();
    }
    report
}

/// Whether the pattern is one constructor of which the parts do not matter, and which makes the
/// same values as another or none of them.
fn is_flat(ctor: &Ctor, parts: &[P]) -> bool {
    let alone = ctor.is_literal() || matches!(ctor, Ctor::Variant(_) | Ctor::Bool(_));
    alone && parts.iter().all(|part| *part == P::Wild)
}

struct Matrix<'a> {
    types: &'a Types,
    rows: Vec<Vec<P>>,
    steps: usize,
}

impl Matrix<'_> {
    fn is_useful(&mut self, row: &[P], ty: Ty) -> bool {
        if self.steps > limits::MATCH_STEPS {
            return true;
        }
        let rows = std::mem::take(&mut self.rows);
        let useful = self.useful(&rows, row, &[ty]);
        self.rows = rows;
        useful
    }

    /// Is there a value that `row` matches and no row of `rows` does?
    fn useful(&mut self, rows: &[Vec<P>], row: &[P], tys: &[Ty]) -> bool {
        self.steps += rows.len() + 1;
        let Some((first, rest)) = row.split_first() else {
            return rows.is_empty();
        };
        if self.steps > limits::MATCH_STEPS {
            return true;
        }
        let ty = tys[0];
        if let P::Or(parts) = first {
            return parts.iter().any(|p| {
                let mut one = vec![p.clone()];
                one.extend_from_slice(rest);
                self.useful(rows, &one, tys)
            });
        }
        let rows = expand_ors(rows);
        let column: Vec<&P> = rows.iter().map(|r| &r[0]).chain([first]).collect();
        let (ctors, written) = ctor::split(self.types, ty, &column);
        if !written && *self.types.kind(ty) != TyKind::Never {
            // Nobody looks at this column. (To go on into its parts could go on for ever.)
            let below: Vec<Vec<P>> = rows.iter().map(|r| r[1..].to_vec()).collect();
            return self.useful(&below, rest, &tys[1..]);
        }
        for c in ctors {
            if !c.is_covered_by(first) {
                continue;
            }
            let fields = c.fields(self.types, ty);
            let below: Vec<Vec<P>> = rows
                .iter()
                .filter(|r| c.is_covered_by(&r[0]))
                .map(|r| specialise(&c, r, fields.len()))
                .collect();
            let row = specialise(&c, row, fields.len());
            let tys: Vec<Ty> = fields.iter().chain(&tys[1..]).copied().collect();
            if self.useful(&below, &row, &tys) {
                return true;
            }
        }
        false
    }

    /// Values that no row matches, each as one pattern text per column.
    fn witnesses(&mut self, rows: &[Vec<P>], tys: &[Ty]) -> Vec<Vec<String>> {
        self.steps += rows.len() + 1;
        let Some((&ty, rest)) = tys.split_first() else {
            return if rows.is_empty() {
                vec![Vec::new()]
            } else {
                Vec::new()
            };
        };
        if self.steps > limits::MATCH_STEPS {
            return Vec::new();
        }
        let rows = expand_ors(rows);
        let column: Vec<&P> = rows.iter().map(|r| &r[0]).collect();
        let (ctors, written) = ctor::split(self.types, ty, &column);
        if !written {
            // No row looks at this column: any value will do.
            let below: Vec<Vec<P>> = rows.iter().map(|r| r[1..].to_vec()).collect();
            let found = self.witnesses(&below, rest);
            return found
                .into_iter()
                .map(|w| prepend("_".to_string(), w))
                .collect();
        }
        let mut out = Vec::new();
        for c in ctors {
            let fields = c.fields(self.types, ty);
            let below: Vec<Vec<P>> = rows
                .iter()
                .filter(|r| c.is_covered_by(&r[0]))
                .map(|r| specialise(&c, r, fields.len()))
                .collect();
            let tys: Vec<Ty> = fields.iter().chain(rest).copied().collect();
            for mut w in self.witnesses(&below, &tys) {
                let tail = w.split_off(fields.len());
                out.push(prepend(c.show(self.types, ty, &w), tail));
                if out.len() >= MISSING_MAX {
                    return out;
                }
            }
        }
        out
    }
}

fn prepend(first: String, mut rest: Vec<String>) -> Vec<String> {
    rest.insert(0, first);
    rest
}

fn expand_ors(rows: &[Vec<P>]) -> Vec<Vec<P>> {
    let mut out = Vec::with_capacity(rows.len());
    for row in rows {
        match &row[0] {
            P::Or(parts) => {
                let split: Vec<Vec<P>> = parts
                    .iter()
                    .map(|p| std::iter::once(p).chain(&row[1..]).cloned().collect())
                    .collect();
                out.extend(expand_ors(&split));
            }
            _ => out.push(row.clone()),
        }
    }
    out
}

/// The row for values built with `c`: the first pattern is replaced by its parts.
fn specialise(c: &Ctor, row: &[P], arity: usize) -> Vec<P> {
    let mut out = match &row[0] {
        P::Wild | P::Or(_) => vec![P::Wild; arity],
        P::Ctor(own, parts) => c.align(own, parts, arity),
    };
    out.extend_from_slice(&row[1..]);
    out
}

/// What a Json can be.
const JSON: [Ty; 7] = [
    Ty::NULL,
    Ty::BOOL,
    Ty::INT,
    Ty::FLOAT,
    Ty::STRING,
    Ty::LIST_JSON,
    Ty::MAP_STRING_JSON,
];

/// The members of a type that is a choice between types, if it is one; none is a choice itself.
fn members(types: &Types, ty: Ty) -> Option<Vec<Ty>> {
    match types.kind(ty) {
        TyKind::Union(members) if !members.contains(&Ty::JSON) => Some(members.clone()),
        TyKind::Union(members) => {
            let mut flat: Vec<Ty> = Vec::with_capacity(members.len());
            for &member in members {
                let parts = match types.kind(member) {
                    TyKind::Json => &JSON[..],
                    _ => std::slice::from_ref(&member),
                };
                for part in parts {
                    if !flat.contains(part) {
                        flat.push(*part);
                    }
                }
            }
            Some(flat)
        }
        TyKind::Json => Some(JSON.to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
