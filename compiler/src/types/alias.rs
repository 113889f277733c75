//! What aliases of types stand for, and how deep they may lead.

use super::Checker;
use super::items::AliasId;
use crate::diag::{Code, Diagnostic};
use crate::hir::Ty;
use crate::limits;
use crate::source::Span;

impl<'a> Checker<'a> {
    /// The type that an alias stands for.
    pub(crate) fn alias(&mut self, id: AliasId, span: Span) -> Ty {
        let alias = self.items.alias(id);
        if let Some(ty) = alias.resolved {
            return ty;
        }
        let (decl, module) = (alias.decl, alias.module);
        if alias.open {
            let name = self.text(decl.name.name);
            let message = format!("the alias `{name}` stands for itself");
            self.error(Code::RecursiveType, span, message);
            return Ty::POISON;
        }
        if self.aliases_open >= limits::ALIASES {
            return self.too_deep_type(span);
        }
        self.items.aliases[id.0 as usize].open = true;
        self.aliases_open += 1;
        let scope = self.param_scope(module, &decl.generics, 0, None);
        let mut ty = self.resolve_type(&decl.ty, &scope);
        if self.types.depth(ty) > limits::TYPE_NESTING {
            ty = self.too_deep_type(decl.name.span);
        }
        self.aliases_open -= 1;
        let alias = &mut self.items.aliases[id.0 as usize];
        alias.open = false;
        alias.resolved = Some(ty);
        ty
    }

    pub(super) fn too_deep_type(&mut self, span: Span) -> Ty {
        let message = "types are nested too deep, alias in alias";
        let error = Diagnostic::new(Code::TooDeep, message, span)
            .help("declare a record for a part of it, or the innermost aliases first");
        self.report(error);
        Ty::POISON
    }

    /// `ty`, unless it nests too deep: a value in a list, that in a list, and so on.
    pub(crate) fn not_too_deep(&mut self, ty: Ty, span: Span) -> Ty {
        let resolved = self.types.resolve(ty);
        if self.types.depth(resolved) <= limits::TYPE_NESTING {
            return ty;
        }
        let message = "the type of this is nested too deep";
        let error =
            Diagnostic::new(Code::TooDeep, message, span).help("declare a record for a part of it");
        self.report(error);
        Ty::POISON
    }
}
