//! What values of a type may hold.

use super::Checker;
use super::items::BuiltinTrait;
use super::ty::Kind;
use crate::hir::Ty;
use rustc_hash::FxHashSet;

impl Checker<'_> {
    /// Whether values of type `ty` are or hold something with an impl of its own of a trait that
    /// holds by structure.
    pub(crate) fn has_own(&mut self, of: BuiltinTrait, ty: Ty) -> bool {
        let ty = self.types.resolve(ty);
        // Only records and enums have such impls, and the fixed types hold none.
        if self.impls.is_empty() || ty.0 < Ty::POISON.0 {
            return false;
        }
        if let Some(&known) = self.own_impls.get(&(ty, of)) {
            return known;
        }
        let own = self.any_part(ty, |this, part| this.builtin_impl(part, of).is_some());
        if !self.types.has_var(ty) {
            self.own_impls.insert((ty, of), own);
        }
        own
    }

    /// Whether `test` holds for `ty` or for the type of anything that its values may hold, at any
    /// depth. Closures, futures and channels hold nothing that could be looked at.
    pub(crate) fn any_part(&mut self, ty: Ty, mut test: impl FnMut(&mut Self, Ty) -> bool) -> bool {
        let mut seen = FxHashSet::default();
        let mut open = vec![ty];
        while let Some(ty) = open.pop() {
            let ty = self.types.resolve(ty);
            if !seen.insert(ty) {
                continue;
            }
            if test(self, ty) {
                return true;
            }
            match self.types.kind(ty).clone() {
                Kind::List(part) | Kind::Set(part) => open.push(part),
                Kind::Map(key, value) => open.extend([key, value]),
                Kind::Tuple(parts) | Kind::Union(parts) => open.extend(parts.iter()),
                Kind::Adt(id, args) => {
                    let variants = self.variants(id);
                    for field in variants.iter().flat_map(|variant| &variant.fields) {
                        open.push(self.types.subst(field.ty, &args));
                    }
                }
                _ => {}
            }
        }
        false
    }
}
