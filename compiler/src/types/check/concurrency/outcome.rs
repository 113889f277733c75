//! The type of a block's value and of its names, by strategy and policy.

use crate::hir::concurrency::GroupValue;
use crate::hir::{JoinPolicy, JoinStrategy, Ty};
use crate::syntax::Symbol;
use crate::types::Checker;
use crate::types::items::{Adt, AdtDecl, FieldDef, Generic, VariantDef};
use crate::types::ty::{AdtId, Kind};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// What a joining block gives.
pub(super) struct Outcome {
    pub(super) shape: GroupValue,
    pub(super) ty: Ty,
    /// The type of each branch's name.
    pub(super) names: Vec<Ty>,
}

impl Checker<'_> {
    /// The outcome of a block whose branches give `values`; `names` when all have one.
    pub(super) fn outcome(
        &mut self,
        strategy: JoinStrategy,
        policy: JoinPolicy,
        counted: bool,
        values: &[Ty],
        names: Option<&[Symbol]>,
    ) -> Outcome {
        let joined = self.join(values);
        match (strategy, policy) {
            (JoinStrategy::Settled, _) | (JoinStrategy::All, JoinPolicy::Continue) => {
                let mut results = Vec::with_capacity(values.len());
                for &value in values {
                    results.push(self.result_of_branch(value));
                }
                self.all_values(results, names)
            }
            (JoinStrategy::All, JoinPolicy::Ignore) => self.successes(joined, values, names),
            (JoinStrategy::All, _) => self.all_values(values.to_vec(), names),
            (JoinStrategy::First | JoinStrategy::Any, JoinPolicy::Continue) => {
                let one = self.result_of_branch(joined);
                self.winners(one, counted, values)
            }
            (JoinStrategy::First | JoinStrategy::Any, JoinPolicy::Ignore) => {
                let one = if counted {
                    joined
                } else {
                    self.types.nullable(joined)
                };
                self.winners(one, counted, values)
            }
            (JoinStrategy::First | JoinStrategy::Any | JoinStrategy::Vote, _) => {
                self.winners(joined, counted, values)
            }
        }
    }

    fn result_of_branch(&mut self, value: Ty) -> Ty {
        self.types.adt(AdtId::RESULT, &[value, Ty::ERROR])
    }

    /// Every branch has a value.
    fn all_values(&mut self, values: Vec<Ty>, names: Option<&[Symbol]>) -> Outcome {
        let (shape, ty) = match names {
            Some(names) => (GroupValue::Record, self.branch_record(names, &values)),
            None => self.list_or_tuple(&values),
        };
        Outcome {
            shape,
            ty,
            names: values,
        }
    }

    fn list_or_tuple(&mut self, values: &[Ty]) -> (GroupValue, Ty) {
        let first = values
            .first()
            .map_or(Ty::NULL, |&ty| self.types.resolve(ty));
        let same = values.iter().all(|&ty| {
            let ty = self.types.resolve(ty);
            ty == first || self.types.attempt(|types| types.unify(ty, first))
        });
        if same {
            (GroupValue::List, self.types.list(first))
        } else {
            (GroupValue::Tuple, self.types.tuple(values))
        }
    }

    /// The values of the branches that succeed; the others are null by name.
    fn successes(&mut self, joined: Ty, values: &[Ty], names: Option<&[Symbol]>) -> Outcome {
        let nullable = self.all_nullable(values);
        let (shape, ty) = match names {
            Some(names) => (GroupValue::Record, self.branch_record(names, &nullable)),
            None => (GroupValue::List, self.types.list(joined)),
        };
        Outcome {
            shape,
            ty,
            names: nullable,
        }
    }

    /// One branch wins, or some do; the others are null by name.
    fn winners(&mut self, one: Ty, counted: bool, values: &[Ty]) -> Outcome {
        let names = self.all_nullable(values);
        let (shape, ty) = if counted {
            (GroupValue::List, self.types.list(one))
        } else {
            (GroupValue::Single, one)
        };
        Outcome { shape, ty, names }
    }

    fn all_nullable(&mut self, values: &[Ty]) -> Vec<Ty> {
        values.iter().map(|&ty| self.types.nullable(ty)).collect()
    }

    /// The record with these fields: one declaration per list of names, generic in all fields.
    fn branch_record(&mut self, names: &[Symbol], values: &[Ty]) -> Ty {
        let known = self.items.adts.iter().position(|adt| {
            let fields = match (&adt.decl, &adt.variants) {
                (AdtDecl::Builtin, Some(variants)) if !adt.is_enum => &variants[0].fields,
                _ => return false,
            };
            fields.len() == names.len() && fields.iter().zip(names).all(|(f, n)| f.name == *n)
        });
        let id = match known {
            Some(at) => AdtId(at as u32),
            None => self.new_branch_record(names),
        };
        self.types.adt(id, values)
    }

    fn new_branch_record(&mut self, names: &[Symbol]) -> AdtId {
        let name = self.names.intern("record");
        let span = self.cx().span;
        let mut fields = Vec::with_capacity(names.len());
        let mut generics = Vec::with_capacity(names.len());
        for (number, &field) in (0..).zip(names) {
            fields.push(FieldDef {
                name: field,
                named: true,
                ty: self.types.intern(Kind::Param(number, field)),
                default: None,
                constraint: None,
                span,
            });
            generics.push(Generic {
                name: field,
                bounds: Vec::new(),
                implicit: false,
            });
        }
        let id = AdtId(self.items.adts.len() as u32);
        let module = self.body.module;
        self.items.adts.push(Adt {
            name,
            module,
            decl: AdtDecl::Builtin,
            is_enum: false,
            generics,
            variant_names: FxHashMap::from_iter([(name, 0)]),
            variants: Some(Rc::from([VariantDef { name, fields }])),
            methods: FxHashMap::default(),
            span,
            constrained: false,
        });
        id
    }
}
