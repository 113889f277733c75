//! The type table: whether it is well-formed, and what the code checks ask of it.

use super::Check;
use crate::module::{TypeDesc, TypeIx, well_known as wk};
use crate::text::type_name;
use std::collections::HashMap;

/// Types that contain each other without a name between (`list[list[…]]`) nest so deep at most.
const MAX_DEPTH: u32 = 200;

/// The static type of a register: a type of the table, or one of the things that only flow
/// analysis knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ty(u32);

/// An Int, Float or Bool in a word.
const BOXED: u32 = 1 << 31;
/// A union, `Any` or `Json` without Null.
const NON_NULL: u32 = 1 << 30;

impl Ty {
    /// The Int 0 or 1, which can be a Bool too.
    pub(super) const BIT: Self = Self(1 << 29);
    pub(super) const INT: Self = Self(wk::INT);
    pub(super) const FLOAT: Self = Self(wk::FLOAT);
    pub(super) const BOOL: Self = Self(wk::BOOL);
    pub(super) const NULL: Self = Self(wk::NULL);
    pub(super) const NEVER: Self = Self(wk::NEVER);

    /// The type of a register that is declared so: Int, Float and Bool are plain.
    pub(super) fn slot(ix: TypeIx) -> Self {
        Self(ix)
    }

    /// The type of a word that is of type `ix`.
    pub(super) fn word(ix: TypeIx) -> Self {
        if is_plain(ix) {
            Self(ix | BOXED)
        } else {
            Self(ix)
        }
    }

    fn is_boxed(self) -> bool {
        self.0 & BOXED != 0
    }

    fn is_non_null(self) -> bool {
        self.0 & NON_NULL != 0
    }

    /// Index in the table.
    pub(super) fn ix(self) -> TypeIx {
        if self == Self::BIT {
            wk::INT
        } else {
            self.0 & !(BOXED | NON_NULL)
        }
    }

    /// Is it held in a plain slot?
    pub(super) fn is_plain(self) -> bool {
        self == Self::BIT || is_plain(self.0)
    }
}

/// Is a register of this type a plain slot?
pub(super) fn is_plain(ix: TypeIx) -> bool {
    matches!(ix, wk::INT | wk::FLOAT | wk::BOOL)
}

/// A type table that is well-formed.
pub(super) struct Types<'a> {
    pub(super) descs: &'a [TypeDesc],
    futures: HashMap<TypeIx, TypeIx>,
    /// Its words are immediates, whatever the value.
    immediate: Vec<bool>,
}

impl<'a> Types<'a> {
    pub(super) fn new(descs: &'a [TypeDesc]) -> Check<Self> {
        if descs.len() > 1 << 16 {
            return Err(format!("{} types are more than 65536", descs.len()));
        }
        let standard = wk::standard_types();
        if !descs.starts_with(&standard) {
            let odd = standard.iter().zip(descs).position(|(a, b)| a != b);
            return Err(match odd {
                Some(i) => format!("t{i} is not the well-known type that it must be"),
                None => "the well-known types are missing".into(),
            });
        }
        let mut this = Self {
            descs,
            futures: HashMap::new(),
            immediate: Vec::new(),
        };
        for (i, desc) in descs.iter().enumerate() {
            this.desc(i as TypeIx, desc)
                .map_err(|e| format!("type t{i} ({}): {e}", this.name(i as TypeIx)))?;
            if let TypeDesc::Future(t) = desc {
                this.futures.entry(*t).or_insert(i as TypeIx);
            }
        }
        this.depths()?;
        this.immediate = (0..descs.len())
            .map(|i| this.has_no_payload(i as TypeIx))
            .collect();
        Ok(this)
    }

    /// A usable type.
    pub(super) fn known(&self, ix: TypeIx) -> Check {
        match self.descs.get(ix as usize) {
            None => Err(format!("there is no type t{ix}")),
            Some(TypeDesc::Unused) => Err(format!("t{ix} is a reserved type")),
            Some(_) => Ok(()),
        }
    }

    pub(super) fn all_known(&self, types: &[TypeIx]) -> Check {
        types.iter().try_for_each(|&t| self.known(t))
    }

    pub(super) fn get(&self, ix: TypeIx) -> &'a TypeDesc {
        self.descs.get(ix as usize).unwrap_or(&TypeDesc::Unused)
    }

    pub(super) fn name(&self, ix: TypeIx) -> String {
        type_name(self.descs, ix)
    }

    /// For messages.
    pub(super) fn show(&self, ty: Ty) -> String {
        let name = self.name(ty.ix());
        if ty == Ty::BIT {
            "Int".into()
        } else if ty.is_boxed() {
            format!("{name} in a word")
        } else if ty.is_non_null() {
            format!("{name} without Null")
        } else {
            name
        }
    }

    fn desc(&self, ix: TypeIx, desc: &TypeDesc) -> Check {
        match desc {
            TypeDesc::List(t) | TypeDesc::Set(t) | TypeDesc::Future(t) | TypeDesc::Channel(t) => {
                self.known(*t)
            }
            TypeDesc::Map(k, v) => {
                self.known(*k)?;
                self.known(*v)
            }
            TypeDesc::Tuple(items) | TypeDesc::Handle { args: items, .. } => self.all_known(items),
            TypeDesc::Record { fields, .. } => fields.iter().try_for_each(|f| self.known(f.ty)),
            TypeDesc::Enum {
                first_variant,
                variants,
                ..
            } => self.enumeration(ix, *first_variant, *variants),
            TypeDesc::Variant { of, fields, .. } => {
                self.variant(ix, *of)?;
                fields.iter().try_for_each(|f| self.known(f.ty))
            }
            TypeDesc::Union(members) => self.union(members),
            TypeDesc::Func { params, result } => {
                self.all_known(params)?;
                self.known(*result)
            }
            TypeDesc::Closure {
                as_func, captures, ..
            } => {
                self.all_known(captures)?;
                match self.get(*as_func) {
                    TypeDesc::Func { .. } => Ok(()),
                    _ => Err(format!("t{as_func} is not a function type")),
                }
            }
            _ => Ok(()),
        }
    }

    fn enumeration(&self, ix: TypeIx, first: TypeIx, variants: u32) -> Check {
        let end = u64::from(first) + u64::from(variants);
        if end > self.descs.len() as u64 {
            return Err("its variants are not in the table".into());
        }
        for t in first..end as u32 {
            if !matches!(self.get(t), TypeDesc::Variant { of, .. } if *of == ix) {
                return Err(format!("t{t} is not a variant of it"));
            }
        }
        Ok(())
    }

    fn variant(&self, ix: TypeIx, of: TypeIx) -> Check {
        match self.get(of) {
            TypeDesc::Enum {
                first_variant,
                variants,
                ..
            } if ix >= *first_variant && ix - first_variant < *variants => Ok(()),
            _ => Err(format!("t{of} is not the enum that it is a variant of")),
        }
    }

    fn union(&self, members: &[TypeIx]) -> Check {
        let mut sorted = members.to_vec();
        sorted.sort_unstable();
        if sorted.windows(2).any(|w| w[0] == w[1]) {
            return Err("a member stands twice".into());
        }
        for &t in members {
            self.known(t)?;
            if matches!(self.get(t), TypeDesc::Union(_)) {
                return Err(format!("its member t{t} is a union"));
            }
        }
        Ok(())
    }

    /// Structural types are not infinite, and not deeper than what walks them can bear.
    fn depths(&self) -> Check {
        let mut depths = vec![0; self.descs.len()];
        for i in 0..self.descs.len() {
            self.depth(i as TypeIx, 0, &mut depths)?;
        }
        Ok(())
    }

    fn depth(&self, ix: TypeIx, above: u32, depths: &mut [u32]) -> Check<u32> {
        let known = depths[ix as usize];
        if above + known > MAX_DEPTH {
            return Err(format!("type t{ix} is nested too deep, or contains itself"));
        }
        if known > 0 {
            return Ok(known);
        }
        let mut below = 0;
        let mut inner = |t: TypeIx, depths: &mut [u32]| -> Check {
            below = below.max(self.depth(t, above + 1, depths)?);
            Ok(())
        };
        match self.get(ix) {
            TypeDesc::List(t) | TypeDesc::Set(t) | TypeDesc::Future(t) | TypeDesc::Channel(t) => {
                inner(*t, depths)?;
            }
            TypeDesc::Map(k, v) => {
                inner(*k, depths)?;
                inner(*v, depths)?;
            }
            TypeDesc::Tuple(items)
            | TypeDesc::Union(items)
            | TypeDesc::Handle { args: items, .. } => {
                for &t in items {
                    inner(t, depths)?;
                }
            }
            TypeDesc::Func { params, result } => {
                for &t in params {
                    inner(t, depths)?;
                }
                inner(*result, depths)?;
            }
            TypeDesc::Closure { as_func, .. } => inner(*as_func, depths)?,
            _ => {}
        }
        depths[ix as usize] = below + 1;
        Ok(below + 1)
    }

    fn has_no_payload(&self, ix: TypeIx) -> bool {
        match self.get(ix) {
            TypeDesc::Null | TypeDesc::Never => true,
            TypeDesc::Variant { fields, .. } => fields.is_empty(),
            TypeDesc::Enum {
                first_variant,
                variants,
                ..
            } => (*first_variant..first_variant + variants).all(
                |t| matches!(self.get(t), TypeDesc::Variant { fields, .. } if fields.is_empty()),
            ),
            _ => false,
        }
    }

    /// Values of this type are never pointers, so that losing one loses nothing.
    pub(super) fn is_immediate(&self, ty: Ty) -> bool {
        ty == Ty::word(wk::BOOL) || self.immediate.get(ty.ix() as usize) == Some(&true)
    }

    /// `Future[t]`.
    pub(super) fn future_of(&self, t: TypeIx) -> Option<TypeIx> {
        self.futures.get(&t).copied()
    }

    /// Can a value of static type `a` stand where the slot is declared `b`? Representations are
    /// the same, or the answer is no.
    pub(super) fn is_subtype(&self, a: Ty, b: TypeIx) -> bool {
        if is_plain(b) {
            return a == Ty::slot(b) || a == Ty::BIT && b != wk::FLOAT;
        }
        if a.is_plain() {
            return false;
        }
        let ix = a.ix();
        if a.is_non_null() {
            return match self.get(ix) {
                TypeDesc::Union(members) => self.members_fit(members, true, b),
                _ => ix == b || b == wk::ANY,
            };
        }
        if ix == b && !a.is_boxed() || ix == wk::NEVER {
            return true;
        }
        match self.get(ix) {
            TypeDesc::Union(members) => b == wk::ANY || self.members_fit(members, false, b),
            _ => self.is_member(ix, b),
        }
    }

    /// As `is_subtype` for a word that is declared `b`, which may be a boxed Int, Float or Bool.
    pub(super) fn is_word_subtype(&self, a: Ty, b: TypeIx) -> bool {
        a == Ty::word(b) || a == Ty::NEVER || !is_plain(b) && self.is_subtype(a, b)
    }

    fn members_fit(&self, members: &[TypeIx], skip_null: bool, b: TypeIx) -> bool {
        members
            .iter()
            .all(|&m| skip_null && m == wk::NULL || self.is_member(m, b))
    }

    /// Is a word of type `a`, no union, one of `b`?
    fn is_member(&self, a: TypeIx, b: TypeIx) -> bool {
        if a == b {
            return true;
        }
        match self.get(b) {
            TypeDesc::Any => true,
            TypeDesc::Json => matches!(
                a,
                wk::NULL
                    | wk::BOOL
                    | wk::INT
                    | wk::FLOAT
                    | wk::STRING
                    | wk::LIST_JSON
                    | wk::MAP_STRING_JSON
            ),
            TypeDesc::Union(members) => {
                let of = match self.get(a) {
                    TypeDesc::Variant { of, .. } => Some(*of),
                    TypeDesc::Closure { as_func, .. } => Some(*as_func),
                    _ => None,
                };
                members.iter().any(|&m| {
                    m == a
                        || Some(m) == of
                        || m == wk::ANY
                        || m == wk::JSON && self.is_member(a, wk::JSON)
                })
            }
            TypeDesc::Enum { .. } => {
                matches!(self.get(a), TypeDesc::Variant { of, .. } if *of == b)
            }
            TypeDesc::Func { .. } => {
                matches!(self.get(a), TypeDesc::Closure { as_func, .. } if *as_func == b)
            }
            _ => false,
        }
    }

    /// Can a word of this type be Null?
    pub(super) fn admits_null(&self, ty: Ty) -> bool {
        !ty.is_plain() && !ty.is_non_null() && self.is_member_of_word(wk::NULL, ty)
    }

    fn is_member_of_word(&self, a: TypeIx, ty: Ty) -> bool {
        !ty.is_boxed() && self.is_member(a, ty.ix())
    }

    /// What a word of type `ty` is when it is known to be of type `t`.
    pub(super) fn narrowed(&self, ty: Ty, t: TypeIx) -> Ty {
        if self.is_subtype(ty, t) {
            ty
        } else {
            Ty::word(t)
        }
    }

    /// What a word of type `ty` is when it is known not to be of type `t`.
    pub(super) fn without(&self, ty: Ty, t: TypeIx) -> Ty {
        if t == wk::NULL {
            return self.without_null(ty);
        }
        let TypeDesc::Union(members) = self.get(ty.ix()) else {
            return ty;
        };
        let mut rest = members
            .iter()
            .filter(|&&m| m != t && !(m == wk::NULL && ty.is_non_null()));
        match (rest.next(), rest.next()) {
            (Some(&one), None) => Ty::word(one),
            _ => ty,
        }
    }

    /// What a word of type `ty` is when it is not Null.
    pub(super) fn without_null(&self, ty: Ty) -> Ty {
        if !self.admits_null(ty) {
            return ty;
        }
        let TypeDesc::Union(members) = self.get(ty.ix()) else {
            return if ty == Ty::NULL {
                Ty::NEVER
            } else {
                Ty(ty.0 | NON_NULL)
            };
        };
        let mut rest = members.iter().filter(|&&m| m != wk::NULL);
        match (rest.next(), rest.next()) {
            (None, _) => Ty::NEVER,
            (Some(&one), None) => Ty::word(one),
            _ => Ty(ty.0 | NON_NULL),
        }
    }
}
