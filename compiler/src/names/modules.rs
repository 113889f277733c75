//! Which files make up a program: imports followed through a loader that the front door gives.

use super::closest;
use super::prelude::Partial;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, Found, Loader, SourceKind, SourceMap, Span};
use crate::syntax::ast::{self, ImportDecl, ItemKind};
use crate::syntax::lexer::lex_parts;
use crate::syntax::{Interner, parse_file, parse_parts};
use rustc_hash::FxHashMap;

/// A module of the library.
#[derive(Clone, Copy, Debug)]
pub struct LibraryModule<'a> {
    /// `list`; imported as `std.list`.
    pub name: &'a str,
    /// Its source.
    pub text: &'a str,
    /// Whether its names are known everywhere without import.
    pub prelude: bool,
}

/// The library that comes with the compiler.
#[derive(Clone, Copy, Debug, Default)]
pub struct Library<'a> {
    /// Its modules.
    pub modules: &'a [LibraryModule<'a>],
}

/// A module, in [`Modules::list`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId(pub u32);

/// A parsed module.
#[derive(Debug)]
pub struct Module {
    /// `list` (of the library), `main` (the program's own), `foo.bar`.
    pub name: String,
    /// Its tree.
    pub ast: ast::Module,
    /// What its imports mean, in source order; `None` where there is no such module.
    pub imports: Vec<Option<ModuleId>>,
    /// Part of the library.
    pub library: bool,
    /// Its names are known everywhere.
    pub prelude: bool,
}

/// A program's modules. A module stands after those it imports; the root is the last.
#[derive(Debug, Default)]
pub struct Modules {
    /// The modules.
    pub list: Vec<Module>,
}

impl Modules {
    /// The program's own module.
    #[must_use]
    pub fn root(&self) -> ModuleId {
        ModuleId(self.list.len() as u32 - 1)
    }

    /// The module of this number.
    #[must_use]
    pub fn get(&self, id: ModuleId) -> &Module {
        &self.list[id.0 as usize]
    }
}

/// How much of the library's prelude is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prelude {
    /// The declarations of names that the program, or such a declaration, mentions.
    Mentioned,
    /// All modules: diagnostics may suggest any name.
    All,
}

/// Parses `root`, what it imports, and the prelude of `library`.
pub fn load_modules(
    root: FileId,
    library: Library<'_>,
    prelude: Prelude,
    loader: &dyn Loader,
    sources: &mut SourceMap,
    names: &mut Interner,
    diagnostics: &mut Diagnostics,
) -> Modules {
    let mut walk = Walk {
        library,
        loader,
        sources,
        names,
        diagnostics,
        found: FxHashMap::default(),
        open: Vec::new(),
        modules: Modules::default(),
    };
    let name = walk.sources.file(root).name().to_owned();
    let root = walk.visit("main".to_owned(), name, root, None);
    walk.prelude(prelude);
    walk.modules.put_in_order(root);
    walk.modules
}

impl Modules {
    /// Numbers the modules anew: those of the prelude first, each after what it imports, the root
    /// last.
    fn put_in_order(&mut self, root: ModuleId) {
        let n = self.list.len();
        let mut order: Vec<usize> = Vec::with_capacity(n);
        let mut seen = vec![false; n];
        let is_prelude = |i: &usize| self.list[*i].prelude;
        let others = (0..n).filter(|i| !is_prelude(i) && *i != root.0 as usize);
        let starts = (0..n)
            .filter(is_prelude)
            .chain(others)
            .chain([root.0 as usize]);
        for start in starts {
            let mut stack = vec![(start, 0)];
            while let Some((module, next)) = stack.pop() {
                if seen[module] {
                    continue;
                }
                match self.list[module].imports.get(next) {
                    Some(import) => {
                        stack.push((module, next + 1));
                        stack.extend(import.map(|import| (import.0 as usize, 0)));
                    }
                    None => {
                        seen[module] = true;
                        order.push(module);
                    }
                }
            }
        }
        let mut number = vec![0; n];
        for (new, &old) in order.iter().enumerate() {
            number[old] = new as u32;
        }
        let mut old: Vec<Option<Module>> = self.list.drain(..).map(Some).collect();
        self.list
            .extend(order.iter().filter_map(|&i| old[i].take()));
        for import in self
            .list
            .iter_mut()
            .flat_map(|module| &mut module.imports)
            .flatten()
        {
            import.0 = number[import.0 as usize];
        }
    }
}

/// What the checker uses of the library for words that a program mentions.
const IMPLIED: &[(&str, &[&str])] = &[
    ("tool", &["from_json"]),
    (
        "Eq",
        &[
            "_contains",
            "_equal_lists",
            "_equal_maps",
            "_index_of",
            "_last_index_of",
            "_unique",
        ],
    ),
    (
        "Order",
        &[
            "_compare",
            "_compare_lists",
            "_max",
            "_min",
            "_sort",
            "_sorted",
        ],
    ),
    (
        "Show",
        &["_show_inside", "_show_list", "_show_map", "_show_set"],
    ),
    (
        "from_json",
        &[
            "_json_field",
            "_json_field_or",
            "_json_key",
            "_json_list",
            "_json_map",
            "_json_mismatch",
            "_json_no_variant",
            "_json_object",
            "_json_part",
            "_json_payload",
            "_json_set",
            "_json_tuple",
            "_json_variant",
        ],
    ),
];

/// Where a module stands in the walk.
#[derive(Clone, Copy)]
enum Visit {
    /// Its imports are being followed.
    Open,
    Done(ModuleId),
    /// Could not be read; reported.
    Unreadable,
}

struct Walk<'a> {
    library: Library<'a>,
    loader: &'a dyn Loader,
    sources: &'a mut SourceMap,
    names: &'a mut Interner,
    diagnostics: &'a mut Diagnostics,
    /// By the name the loader gives, or `std.x`.
    found: FxHashMap<String, Visit>,
    /// The chain of files whose imports are being followed.
    open: Vec<String>,
    modules: Modules,
}

impl<'a> Walk<'a> {
    /// Reads the prelude, or what of it is mentioned.
    fn prelude(&mut self, which: Prelude) {
        let library = self.library;
        let modules = library.modules.iter().filter(|module| module.prelude);
        if which == Prelude::All {
            for module in modules {
                self.library_module(module);
            }
            return;
        }
        let mut partials: Vec<Partial<'_>> = modules.map(Partial::new).collect();
        let mut files: Vec<Option<FileId>> = vec![None; partials.len()];
        let mut more = true;
        while more {
            more = false;
            for (name, implied) in IMPLIED {
                if self.names.has_met(name) {
                    implied.iter().for_each(|name| {
                        self.names.intern(name);
                    });
                }
            }
            for (partial, file) in partials.iter_mut().zip(&mut files) {
                let new = partial.want(self.names);
                if new.is_empty() {
                    continue;
                }
                more = true;
                let file = *file.get_or_insert_with(|| self.library_file(partial.module));
                // For its words alone: what may be wrong with it is said when it is parsed.
                let mut said = Diagnostics::new();
                lex_parts(self.sources, file, &new, self.names, &mut said);
            }
        }
        for (partial, file) in partials.iter().zip(files) {
            let key = format!("std.{}", partial.module.name);
            match file {
                Some(file) if !self.found.contains_key(&key) => {
                    let ranges = partial.ranges();
                    let tree =
                        parse_parts(self.sources, file, &ranges, self.names, self.diagnostics);
                    self.finish(
                        partial.module.name.to_owned(),
                        key,
                        tree,
                        Some(partial.module),
                    );
                }
                _ => {}
            }
        }
    }

    fn library_file(&mut self, module: &LibraryModule<'_>) -> FileId {
        let shown = format!("std/{}.lm", module.name);
        self.sources
            .add_text(&shown, module.text.to_owned(), SourceKind::Plain)
    }

    fn visit(
        &mut self,
        module: String,
        key: String,
        file: FileId,
        library: Option<&LibraryModule<'a>>,
    ) -> ModuleId {
        let tree = parse_file(self.sources, file, self.names, self.diagnostics);
        self.finish(module, key, tree, library)
    }

    /// Follows the imports of a tree, and puts the module into the list.
    fn finish(
        &mut self,
        module: String,
        key: String,
        tree: ast::Module,
        library: Option<&LibraryModule<'a>>,
    ) -> ModuleId {
        self.found.insert(key.clone(), Visit::Open);
        self.open.push(key.clone());
        let mut imports = Vec::new();
        for item in &tree.items {
            if let ItemKind::Import(import) = &item.kind {
                imports.push(self.import(import, &key, item.span));
            }
        }
        self.open.pop();
        let id = ModuleId(self.modules.list.len() as u32);
        self.modules.list.push(Module {
            name: module,
            ast: tree,
            imports,
            library: library.is_some(),
            prelude: library.is_some_and(|module| module.prelude),
        });
        self.found.insert(key, Visit::Done(id));
        id
    }

    fn import(&mut self, import: &ImportDecl, from: &str, span: Span) -> Option<ModuleId> {
        let segments: Vec<String> = import
            .path
            .iter()
            .map(|segment| self.names.resolve(segment.name).to_owned())
            .collect();
        let span = match (import.path.first(), import.path.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => span,
        };
        if segments.first().is_some_and(|first| first == "std") {
            return self.import_library(&segments[1..].join("."), span);
        }
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (key, bytes) = match self.loader.load(&path, from) {
            Found::Source { name, bytes } => (name, bytes),
            Found::Missing { tried } => {
                self.report_unknown(&segments, &tried, span);
                return None;
            }
            Found::Unreadable { name, reason } => {
                let message = format!("cannot read {name}: {reason}");
                self.diagnostics
                    .push(Diagnostic::new(Code::UnknownModule, message, span));
                return None;
            }
        };
        match self.found.get(&key) {
            Some(Visit::Done(id)) => return Some(*id),
            Some(Visit::Unreadable) => return None,
            Some(Visit::Open) => {
                self.report_cycle(&key, span);
                return None;
            }
            None => {}
        }
        match self.sources.add(&key, bytes) {
            Ok(file) => Some(self.visit(segments.join("."), key, file, None)),
            Err(error) => {
                self.diagnostics.push(*error);
                self.found.insert(key, Visit::Unreadable);
                None
            }
        }
    }

    fn report_unknown(&mut self, segments: &[String], tried: &[String], span: Span) {
        let name = segments.join(".");
        let message = format!("there is no module `{name}`");
        let error = Diagnostic::new(Code::UnknownModule, message, span);
        let known = self
            .library
            .modules
            .iter()
            .any(|module| module.name == name);
        self.diagnostics.push(if known {
            error.help(format!("the library has it: import std.{name}"))
        } else if tried.is_empty() {
            error
        } else {
            error.help(format!("looked for {}", tried.join(", ")))
        });
    }

    fn import_library(&mut self, name: &str, span: Span) -> Option<ModuleId> {
        let library = self.library;
        if let Some(module) = library.modules.iter().find(|module| module.name == name) {
            return self.library_module(module);
        }
        let message = format!("the library has no module `std.{name}`");
        let mut error = Diagnostic::new(Code::UnknownModule, message, span);
        let known = library.modules.iter().map(|module| module.name);
        if let Some(near) = closest(name, known) {
            error = error.help(format!("did you mean `std.{near}`?"));
        }
        self.diagnostics.push(error);
        None
    }

    fn library_module(&mut self, module: &LibraryModule<'a>) -> Option<ModuleId> {
        let key = format!("std.{}", module.name);
        match self.found.get(&key) {
            Some(Visit::Done(id)) => return Some(*id),
            // Library modules may use each other's names: all of the prelude is known to them.
            Some(_) => return None,
            None => {}
        }
        let file = self.library_file(module);
        Some(self.visit(module.name.to_owned(), key, file, Some(module)))
    }

    fn report_cycle(&mut self, key: &str, span: Span) {
        let start = self.open.iter().position(|name| name == key).unwrap_or(0);
        let mut chain = self.open[start..].to_vec();
        chain.push(key.to_owned());
        let chain = chain.join(" -> ");
        self.diagnostics.push(
            Diagnostic::new(
                Code::ImportCycle,
                format!("modules import each other in a circle: {chain}"),
                span,
            )
            .help("move what both need into a third module"),
        );
    }
}
