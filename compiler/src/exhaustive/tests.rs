//! Matches over hand-made types.

use super::*;
use crate::hir::{Field, Nominal, NominalId, PatKind, Variant};
use crate::source::{FileId, Span};

fn pat(ty: Ty, kind: PatKind) -> Pat {
    Pat {
        kind,
        ty,
        span: Span::new(FileId(0), 0, 0),
    }
}

fn missing(types: &Types, ty: Ty, pats: &[PatKind]) -> Vec<String> {
    let pats: Vec<Pat> = pats.iter().map(|k| pat(ty, k.clone())).collect();
    let arms: Vec<(&Pat, bool)> = pats.iter().map(|p| (p, false)).collect();
    check(types, ty, &arms).missing
}

fn shape(types: &mut Types) -> Ty {
    let variant = |name: &str, tys: &[Ty]| Variant {
        name: name.to_string(),
        fields: tys
            .iter()
            .enumerate()
            .map(|(i, &ty)| Field {
                name: i.to_string(),
                ty,
            })
            .collect(),
    };
    types.nominals.push(Nominal {
        name: "Shape".to_string(),
        args: Vec::new(),
        variants: vec![variant("Dot", &[]), variant("Line", &[Ty::BOOL, Ty::INT])],
        check: None,
    });
    types.intern(TyKind::Enum(NominalId(0)))
}

#[test]
fn missing_variants_are_named_with_their_parts() {
    let mut types = Types::new();
    let ty = shape(&mut types);
    let t = pat(Ty::BOOL, PatKind::Bool(true));
    let line = |parts| PatKind::Variant(1, parts);
    assert_eq!(missing(&types, ty, &[line(vec![])]), ["Dot"]);
    assert_eq!(
        missing(
            &types,
            ty,
            &[PatKind::Variant(0, vec![]), line(vec![(0, t)])]
        ),
        ["Line(false, _)"]
    );
    assert!(missing(&types, ty, &[PatKind::Variant(0, vec![]), line(vec![])]).is_empty());
}

#[test]
fn ints_are_split_at_what_is_written() {
    let types = Types::new();
    let range = |lo, hi| PatKind::Range { lo, hi };
    assert_eq!(missing(&types, Ty::INT, &[range(0, 9)]), ["..=-1", "10.."]);
    let all = [range(i64::MIN, -1), PatKind::Int(0), range(1, i64::MAX)];
    assert!(missing(&types, Ty::INT, &all).is_empty());
    assert_eq!(
        missing(&types, Ty::INT, &[all[0].clone(), all[2].clone()]),
        ["0"]
    );
}

#[test]
fn lists_are_split_by_length() {
    let types = Types::new();
    let list = |n: usize, rest: bool, m: usize| PatKind::List {
        before: vec![pat(Ty::INT, PatKind::Wild); n],
        rest: rest.then_some(None),
        after: vec![pat(Ty::INT, PatKind::Wild); m],
    };
    let ty = Ty::LIST_INT;
    assert!(missing(&types, ty, &[list(0, false, 0), list(1, true, 0)]).is_empty());
    assert!(missing(&types, ty, &[list(0, false, 0), list(0, true, 1)]).is_empty());
    assert_eq!(missing(&types, ty, &[list(1, true, 1)]), ["[]", "[_]"]);
}

#[test]
fn unions_are_split_by_member() {
    let mut types = Types::new();
    let ty = types.union(&[Ty::INT, Ty::STRING, Ty::NULL]);
    let int = PatKind::Type(Ty::INT, Box::new(pat(Ty::INT, PatKind::Wild)));
    assert_eq!(missing(&types, ty, &[int, PatKind::Null]), ["_: String"]);
}

#[test]
fn arms_after_all_is_said_are_unreachable() {
    let types = Types::new();
    let pats = [PatKind::Bool(true), PatKind::Wild, PatKind::Bool(false)].map(|k| pat(Ty::BOOL, k));
    let arms: Vec<(&Pat, bool)> = pats.iter().map(|p| (p, false)).collect();
    assert_eq!(check(&types, Ty::BOOL, &arms).unreachable, [2]);
}

#[test]
fn a_second_wildcard_over_a_recursive_type_is_found_unreachable() {
    let mut types = Types::new();
    let ty = types.intern(TyKind::Enum(NominalId(0)));
    types.nominals.push(Nominal {
        name: "Tree".to_string(),
        args: Vec::new(),
        variants: vec![Variant {
            name: "Node".to_string(),
            fields: vec![Field {
                name: "0".to_string(),
                ty,
            }],
        }],
        check: None,
    });
    let pats = [pat(ty, PatKind::Wild), pat(ty, PatKind::Wild)];
    let report = check(&types, ty, &[(&pats[0], false), (&pats[1], false)]);
    assert!(report.missing.is_empty());
    assert_eq!(report.unreachable, [1]);
}
