//! Imports: what other modules declare becomes known here.

use super::Checker;
use crate::diag::{Code, Diagnostic};
use crate::names::{ModuleId, ModuleScope, TypeDef, ValueDef, closest};
use crate::syntax::Symbol;
use crate::syntax::ast::{self, ImportNames};

impl<'a> Checker<'a> {
    pub(crate) fn collect_import(
        &mut self,
        module: ModuleId,
        import: &'a ast::ImportDecl,
        from: Option<ModuleId>,
        public: bool,
    ) {
        let Some(from) = from else {
            // Unknown module: its names are poison, so that their uses are not reported.
            if let ImportNames::Some(names) = &import.names {
                let unknown = names.iter().map(|one| one.alias.unwrap_or(one.name).name);
                self.unknown_imports
                    .extend(unknown.map(|name| (module, name)));
            } else {
                self.unknown_wild.insert(module);
            }
            return;
        };
        let source = std::mem::take(&mut self.scopes[from.0 as usize]);
        match &import.names {
            ImportNames::All(_) => {
                let scope = &mut self.scopes[module.0 as usize];
                for name in &source.exported {
                    if let Some(def) = source.value(*name) {
                        scope.wild_values.entry(*name).or_insert(def);
                    }
                    if let Some(def) = source.ty(*name) {
                        scope.wild_types.entry(*name).or_insert(def);
                    }
                    if public {
                        scope.exported.push(*name);
                    }
                }
            }
            ImportNames::Some(names) => {
                for one in names {
                    self.import_name(module, &source, from, one, public);
                }
            }
        }
        self.scopes[from.0 as usize] = source;
    }

    fn import_name(
        &mut self,
        module: ModuleId,
        source: &ModuleScope,
        from: ModuleId,
        one: &'a ast::ImportName,
        public: bool,
    ) {
        let (value, ty) = (source.value(one.name.name), source.ty(one.name.name));
        let private = self.names.resolve(one.name.name).starts_with('_');
        let exported = source.exported.contains(&one.name.name);
        if (value.is_none() && ty.is_none()) || private || !exported {
            if self.modules.get(from).library && self.prelude_values.contains_key(&one.name.name) {
                // Known everywhere already, from another module of the library.
                self.import_from_prelude(module, one);
                return;
            }
            self.report_import(
                source,
                from,
                one,
                private && (value.is_some() || ty.is_some()),
            );
            let name = one.alias.unwrap_or(one.name).name;
            self.unknown_imports.insert((module, name));
            return;
        }
        let name = one.alias.unwrap_or(one.name);
        if let Some(def) = value {
            self.import_value(module, name, def, public);
        }
        let Some(def) = ty else { return };
        let scope = &mut self.scopes[module.0 as usize];
        scope.types.insert(name.name, def);
        if public {
            scope.exported.push(name.name);
        }
        if let TypeDef::Adt(id) = def {
            let variants: Vec<(Symbol, u32)> = {
                let names = &self.items.adt(id).variant_names;
                names
                    .iter()
                    .map(|(name, number)| (*name, *number))
                    .collect()
            };
            let scope = &mut self.scopes[module.0 as usize];
            for (variant, number) in variants {
                let def = ValueDef::Variant(id, number);
                scope.values.entry(variant).or_insert(def);
                if public {
                    scope.exported.push(variant);
                }
            }
        }
    }

    fn import_from_prelude(&mut self, module: ModuleId, one: &'a ast::ImportName) {
        let known = self.prelude_values[&one.name.name].first().copied();
        if let (Some(alias), Some(def)) = (one.alias, known) {
            self.import_value(module, alias, def, false);
        }
    }

    fn import_value(&mut self, module: ModuleId, name: ast::Ident, def: ValueDef, public: bool) {
        let scope = &mut self.scopes[module.0 as usize];
        match scope.values.insert(name.name, def) {
            Some(before) if before != def && !matches!(before, ValueDef::Variant(..)) => {
                self.report_duplicate(name, self.value_span(before));
            }
            _ => {}
        }
        if public {
            self.scopes[module.0 as usize].exported.push(name.name);
        }
    }

    fn report_import(
        &mut self,
        source: &ModuleScope,
        from: ModuleId,
        one: &ast::ImportName,
        private: bool,
    ) {
        let text = self.text(one.name.name);
        let module = &self.modules.get(from).name;
        let message = if private {
            format!("`{text}` is private to module `{module}`")
        } else {
            format!("module `{module}` has no `{text}`")
        };
        let mut error = Diagnostic::new(Code::UnknownImport, message, one.name.span);
        let known: Vec<String> = source
            .exported
            .iter()
            .map(|&name| self.text(name))
            .collect();
        if let Some(near) = closest(&text, known.iter().map(String::as_str)) {
            error = error.help(format!("did you mean `{near}`?"));
        }
        self.report(error);
    }

    pub(crate) fn collect_prelude(&mut self, module: ModuleId) {
        let scope = &self.scopes[module.0 as usize];
        for name in &scope.exported {
            if let Some(def) = scope.values.get(name) {
                let defs = self.prelude_values.entry(*name).or_default();
                if !defs.contains(def) {
                    defs.push(*def);
                }
            }
            if let Some(def) = scope.types.get(name) {
                self.prelude_types.entry(*name).or_insert(*def);
            }
        }
    }
}
