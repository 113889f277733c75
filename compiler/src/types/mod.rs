//! The type checker: syntax tree to typed tree.
//!
//! Checking and monomorphisation are one: a cell is checked once for each list of concrete type
//! arguments it is used with (`instance.rs`), and a cell that declares type parameters once more
//! with these standing for themselves, for its diagnostics only. Within a body types are found by
//! unification with expectations handed down (`check/`); nodes of the typed tree are made at once,
//! with the checker's own types in them, and translated when the body is done (`finish.rs`).

mod alias;
mod check;
mod collect;
mod declare;
mod effects;
mod entry;
mod finish;
mod fix;
mod globals;
mod imports;
mod instance;
pub(crate) mod items;
mod json;
mod lints;
mod made;
mod order;
mod parts;
mod program;
mod prune;
mod relate;
pub(crate) mod resolve;
mod show;
mod text;
pub(crate) mod ty;
mod unused;
mod walk;

#[cfg(test)]
mod chain_tests;
#[cfg(test)]
mod tests;

use crate::diag::{Code, Diagnostic, Diagnostics, Severity};
use crate::hir;
use crate::names::{ModuleId, ModuleScope, Modules, TypeDef, ValueDef};
use crate::source::{SourceMap, Span};
use crate::syntax::{Interner, Symbol};
use check::Body;
use finish::Finished;
use instance::{Inst, InstId};
use items::{CellId, ImplId, Items};
use rustc_hash::{FxHashMap, FxHashSet};
use ty::TypeTable;

/// Checks a program; `None` when it has errors (also those found before).
pub fn check_program(
    modules: &Modules,
    sources: &SourceMap,
    names: &mut Interner,
    diagnostics: &mut Diagnostics,
) -> Option<hir::Program> {
    let mut checker = Checker::new(modules, sources, names, diagnostics);
    checker.collect();
    checker.check_all();
    checker.into_program()
}

/// The outermost constructor of a type, for finding impls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Head {
    Simple(hir::Ty),
    List,
    Map,
    Set,
    Tuple,
    Func,
    Future,
    Channel,
    Generator,
    Adt(ty::AdtId),
    Handle(Symbol),
    /// A union or type parameter: an impl for any type.
    Any,
}

/// Everything the checker knows.
pub(crate) struct Checker<'a> {
    pub(crate) modules: &'a Modules,
    pub(crate) sources: &'a SourceMap,
    pub(crate) names: &'a mut Interner,
    diagnostics: &'a mut Diagnostics,
    reported: FxHashSet<(Code, Option<Span>)>,
    pub(crate) types: TypeTable,
    pub(crate) items: Items<'a>,
    pub(crate) scopes: Vec<ModuleScope>,
    /// Names known everywhere.
    pub(crate) prelude_values: FxHashMap<Symbol, Vec<ValueDef>>,
    pub(crate) prelude_types: FxHashMap<Symbol, TypeDef>,
    pub(crate) impls: FxHashMap<Head, Vec<ImplId>>,
    /// Which types are or hold something with an impl of a trait that holds by structure.
    own_impls: FxHashMap<(hir::Ty, items::BuiltinTrait), bool>,
    pub(crate) insts: Vec<Inst>,
    inst_index: FxHashMap<(CellId, ty::Few), InstId>,
    /// Instances to be checked.
    queue: Vec<InstId>,
    /// Whether a body is being checked only for what it says about types; nothing is reported.
    probing: bool,
    /// How many bodies are being checked within each other.
    depth: u32,
    /// How many aliases are being resolved within each other.
    aliases_open: u32,
    /// How many defaults are being checked within each other.
    defaults_open: u32,
    /// How many were begun since the outermost one.
    defaults_begun: u32,
    pub(crate) body: Body<'a>,
    /// Tables of names that bodies had and do not need any more.
    spare_names: Vec<FxHashMap<Symbol, u32>>,
    /// Bodies checked but not yet translated: some type may hang on an outer body.
    finished: Vec<Finished<'a>>,
    out: finish::Output,
    /// Imports that could not be resolved: their uses are not reported again.
    pub(crate) unknown_imports: FxHashSet<(ModuleId, Symbol)>,
    /// Modules with a wildcard import that could not be resolved.
    pub(crate) unknown_wild: FxHashSet<ModuleId>,
    /// The statements of each module that has any, in the order in which they run.
    statements: Vec<entry::Statements>,
    /// The statement being checked.
    statement: Option<Span>,
    /// Constants, each after those it needs.
    const_order: Vec<hir::GlobalId>,
    /// What each function refers to, once the order of the globals is known.
    references: Vec<Vec<order::Edge>>,
    main: Option<hir::FuncId>,
    tests: Vec<hir::Test>,
    nothing_to_run: bool,
    /// Whether a program without anything to run is an error.
    require_main: bool,
    /// Effect rows that lambdas declare.
    pub(crate) lambda_rows: Vec<(hir::FuncId, &'a crate::syntax::ast::EffectRow)>,
    /// The sources do not follow the grammar; what they leave out may be anywhere.
    pub(crate) syntax_errors: bool,
    /// `@strict true`
    pub(crate) strict: bool,
}

impl<'a> Checker<'a> {
    fn new(
        modules: &'a Modules,
        sources: &'a SourceMap,
        names: &'a mut Interner,
        diagnostics: &'a mut Diagnostics,
    ) -> Checker<'a> {
        let root = modules.get(modules.root());
        // Those of the grammar: a module that is missing says nothing about what can be read.
        let syntax_errors = diagnostics.iter().any(|one| one.code.is_of_grammar());
        Checker {
            modules,
            sources,
            names,
            diagnostics,
            reported: FxHashSet::default(),
            types: TypeTable::new(),
            items: Items::default(),
            scopes: Vec::new(),
            prelude_values: FxHashMap::default(),
            prelude_types: FxHashMap::default(),
            impls: FxHashMap::default(),
            own_impls: FxHashMap::default(),
            insts: Vec::new(),
            inst_index: FxHashMap::default(),
            queue: Vec::new(),
            probing: false,
            depth: 0,
            aliases_open: 0,
            defaults_open: 0,
            defaults_begun: 0,
            body: Body::empty(modules.root()),
            spare_names: Vec::new(),
            finished: Vec::new(),
            out: finish::Output::new(),
            unknown_imports: FxHashSet::default(),
            unknown_wild: FxHashSet::default(),
            statements: Vec::new(),
            statement: None,
            const_order: Vec::new(),
            references: Vec::new(),
            main: None,
            tests: Vec::new(),
            nothing_to_run: false,
            require_main: true,
            lambda_rows: Vec::new(),
            syntax_errors,
            strict: root.ast.settings.strict.is_some_and(|(strict, _)| strict),
        }
    }

    /// The text of a name.
    pub(crate) fn text(&self, name: Symbol) -> String {
        self.names.resolve(name).to_owned()
    }

    /// Reports an error at `span`.
    pub(crate) fn error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::new(code, message, span));
    }

    /// Reports a diagnostic; once per rule and place, however many instances have it.
    pub(crate) fn report(&mut self, mut diagnostic: Diagnostic) {
        if self.probing {
            return;
        }
        // Mostly what another error leads to.
        let consequence = match diagnostic.code {
            Code::CannotInfer | Code::UnusedValue => self.has_errors(),
            Code::MissingValue => self.syntax_errors,
            _ => false,
        };
        if consequence {
            return;
        }
        let of_names = matches!(
            diagnostic.code,
            Code::UnknownName | Code::UnknownType | Code::UnknownLabel | Code::Misplaced
        );
        if self.body.names_only && !of_names {
            return;
        }
        let place = diagnostic.primary.as_ref().map(|label| label.span);
        // What an instance of a library cell comes to is nothing its user could mend.
        let library = self.modules.get(self.body.module).library;
        if library && diagnostic.severity() == Severity::Warning {
            return;
        }
        // What holds for these type arguments need not hold for others.
        let of_types = matches!(diagnostic.code, Code::ConstantTest | Code::UnreachableArm);
        if of_types && self.in_instance() {
            return;
        }
        if !self.reported.insert((diagnostic.code, place)) {
            return;
        }
        if let Some((span, text)) = self.body.used_at() {
            diagnostic = diagnostic.label(span, text);
        }
        self.diagnostics.push(diagnostic);
    }

    /// Whether the body is that of a generic cell, with types for its parameters.
    pub(crate) fn in_instance(&self) -> bool {
        let inst = self.body.inst.map(|id| &self.insts[id.0 as usize]);
        inst.is_some_and(|inst| !inst.args.is_empty())
    }

    /// How many errors have been found so far.
    pub(crate) fn error_count(&self) -> usize {
        self.diagnostics.error_count()
    }

    /// Whether anything has been found wrong so far.
    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.has_errors()
    }
}

/// Checks that a match covers its values.
fn exhaust(types: &hir::Types, ty: hir::Ty, arms: &[hir::Arm]) -> crate::exhaustive::Report {
    let arms: Vec<(&hir::Pat, bool)> = arms
        .iter()
        .map(|arm| (&arm.pat, arm.guard.is_some()))
        .collect();
    crate::exhaustive::check(types, ty, &arms)
}
