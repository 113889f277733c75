//! Lowering: [`hir::Program`] to [`ir::Program`](crate::ir::Program).
//!
//! [`Module`] holds what is shared by all functions (types, constants, natives, paths);
//! [`func::FuncBuilder`] lowers one function; its methods are spread over the files by subject.

mod adapter;
mod call;
mod cleanup;
mod code;
mod concurrency;
mod cond;
mod convert;
mod core_natives;
mod data;
mod empty;
mod expr;
mod fit;
mod flow;
mod func;
mod generator;
mod group;
mod iter;
mod literals;
mod matching;
mod ops;
mod place;
mod rows;
pub mod runtime_natives;
mod strings;
#[cfg(test)]
mod tests;
mod types;
pub(crate) mod uses;

use crate::hir;
use crate::ir;
use crate::syntax::Interner;
use core_natives::{CoreOp, core_op};
use generator::Resume;
use lumen_bytecode::module::{Constant, GlobalDesc, NativeImport, PathStep, ToolDesc, TypeIx};
use runtime_natives::RuntimeNative;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::hash::Hash;
use types::TypeTable;

pub(crate) use types::repr;

/// Values numbered in the order they were first seen.
#[derive(Debug)]
struct Pool<T> {
    items: Vec<T>,
    index: FxHashMap<T, u32>,
}

impl<T: Clone + Eq + Hash> Pool<T> {
    fn new() -> Self {
        Self {
            items: Vec::new(),
            index: FxHashMap::default(),
        }
    }

    fn intern(&mut self, item: T) -> u32 {
        if let Some(&ix) = self.index.get(&item) {
            return ix;
        }
        let ix = u32::try_from(self.items.len()).expect("fewer than 2^32 entries");
        self.items.push(item.clone());
        self.index.insert(item, ix);
        ix
    }
}

/// Types of a call.
pub(crate) type Types = SmallVec<[TypeIx; 4]>;

/// What is known of a native of the program, once asked for.
#[derive(Clone, Copy, Default)]
struct Known {
    /// The op that it is, if it is one.
    core: Option<Option<CoreOp>>,
    /// Its import.
    import: Option<u32>,
}

/// What all functions share.
pub(crate) struct Module<'a> {
    /// The program being lowered.
    pub(crate) hir: &'a hir::Program,
    /// Types.
    pub(crate) types: TypeTable<'a>,
    constants: Pool<Constant>,
    /// The constants that are texts.
    texts: FxHashMap<String, u32>,
    /// By [`hir::NativeId`].
    known: Vec<Known>,
    /// Imports of natives of the runtime: by key, type arguments, parameters and result.
    runtime: FxHashMap<(&'static str, Types, Types, TypeIx), u32>,
    natives: Pool<NativeImport>,
    paths: Pool<Vec<PathStep>>,
    /// Lowered functions: the program's own by [`hir::FuncId`], then those made here.
    funcs: Vec<Option<ir::Func>>,
    /// Function values: the constant of each function used as one.
    values: FxHashMap<hir::FuncId, u32>,
    /// Adapters that call a closure with one stored argument, by their closure type.
    partials: FxHashMap<(TypeIx, TypeIx, crate::source::Span), TypeIx>,
    /// What generators yield of which one has to do something when it is left early.
    closable: FxHashSet<hir::Ty>,
    /// The resuming function of each generator.
    resumes: FxHashMap<hir::FuncId, Resume>,
}

/// The generator functions of a program.
#[derive(Default)]
struct Generators {
    /// By what they yield.
    by_item: FxHashMap<hir::Ty, Vec<hir::FuncId>>,
    /// What is yielded by one that has something to do when it is left early.
    closable: FxHashSet<hir::Ty>,
    /// Each one's resuming function: their numbers follow those of the program's own.
    resumes: FxHashMap<hir::FuncId, Resume>,
}

impl Generators {
    fn of(hir: &hir::Program) -> Generators {
        let mut all = Generators::default();
        let mut count = hir.funcs.len();
        for (i, func) in hir.funcs.iter().enumerate() {
            if let Some(item) = generator::item(hir, func) {
                let id = hir::FuncId(u32::try_from(i).expect("fewer than 2^32 functions"));
                let alike = all.by_item.entry(item).or_default();
                let variant = u32::try_from(alike.len()).expect("fewer than 2^32 functions");
                alike.push(id);
                if uses::has_cleanup(&func.body) {
                    all.closable.insert(item);
                }
                let func = u32::try_from(count).expect("fewer than 2^32 functions");
                all.resumes.insert(id, Resume { variant, func });
                count += 1;
            }
        }
        all
    }
}

impl<'a> Module<'a> {
    fn new(hir: &'a hir::Program, generators: Generators) -> Self {
        let count = hir.funcs.len() + generators.resumes.len();
        Self {
            hir,
            types: TypeTable::new(&hir.types, generators.by_item),
            constants: Pool::new(),
            texts: FxHashMap::default(),
            known: vec![Known::default(); hir.natives.len()],
            runtime: FxHashMap::default(),
            natives: Pool::new(),
            paths: Pool::new(),
            funcs: vec![None; count],
            values: FxHashMap::default(),
            partials: FxHashMap::default(),
            closable: generators.closable,
            resumes: generators.resumes,
        }
    }

    /// The number of a constant.
    pub(crate) fn constant(&mut self, constant: Constant) -> u32 {
        match &constant {
            Constant::Str(text) => self.text(text),
            _ => self.constants.intern(constant),
        }
    }

    /// The number of a text constant.
    pub(crate) fn text(&mut self, text: &str) -> u32 {
        if let Some(&ix) = self.texts.get(text) {
            return ix;
        }
        let items = &mut self.constants.items;
        let ix = u32::try_from(items.len()).expect("fewer than 2^32 entries");
        items.push(Constant::Str(text.to_owned()));
        self.texts.insert(text.to_owned(), ix);
        ix
    }

    /// The op that is this native, if there is one.
    pub(crate) fn core_op(&mut self, id: hir::NativeId) -> Option<CoreOp> {
        let hir = self.hir;
        let known = &mut self.known[id.0 as usize];
        *known
            .core
            .get_or_insert_with(|| core_op(&hir.types, &hir.natives[id.0 as usize]))
    }

    /// The import of a program's native.
    pub(crate) fn native(&mut self, id: hir::NativeId) -> u32 {
        if let Some(ix) = self.known[id.0 as usize].import {
            return ix;
        }
        let native = &self.hir.natives[id.0 as usize];
        let import = NativeImport {
            key: native.key.clone(),
            params: self.types.of_all(&native.params),
            result: self.types.of(native.result),
            mutator: native.mutator,
            type_args: self.types.of_all(&native.type_args),
        };
        let ix = self.natives.intern(import);
        self.known[id.0 as usize].import = Some(ix);
        ix
    }

    /// The import of a native of the runtime, with concrete types.
    pub(crate) fn runtime(
        &mut self,
        native: RuntimeNative,
        type_args: &[TypeIx],
        params: &[TypeIx],
        result: TypeIx,
    ) -> u32 {
        let (of, taken) = (Types::from_slice(type_args), Types::from_slice(params));
        let key = (native.key, of, taken, result);
        if let Some(&ix) = self.runtime.get(&key) {
            return ix;
        }
        let ix = self.natives.intern(NativeImport {
            key: native.key.to_owned(),
            params: params.to_vec(),
            result,
            mutator: native.mutator(),
            type_args: type_args.to_vec(),
        });
        self.runtime.insert(key, ix);
        ix
    }

    /// The number of a place path.
    pub(crate) fn path(&mut self, path: Vec<PathStep>) -> u32 {
        self.paths.intern(path)
    }

    /// A function of the program.
    pub(crate) fn func(&self, id: hir::FuncId) -> &'a hir::Func {
        &self.hir.funcs[id.0 as usize]
    }

    /// Adds a function made by lowering.
    pub(crate) fn add(&mut self, func: ir::Func) -> u32 {
        let ix = u32::try_from(self.funcs.len()).expect("fewer than 2^32 functions");
        self.funcs.push(Some(func));
        ix
    }

    /// Fills the place of a function whose number was known before.
    pub(crate) fn set(&mut self, ix: u32, func: ir::Func) {
        self.funcs[ix as usize] = Some(func);
    }

    /// The program, all functions lowered.
    fn finish(mut self) -> ir::Program {
        let hir = self.hir;
        let globals = hir.globals.iter().map(|g| GlobalDesc {
            name: g.name.clone(),
            ty: self.types.of(g.ty),
            init: g.init.map(|init| init.0),
        });
        let globals: Vec<_> = globals.collect();
        let mut funcs: Vec<ir::Func> = self.funcs.into_iter().flatten().collect();
        let roots = hir.globals.iter().filter_map(|g| g.init);
        let roots = roots
            .chain(hir.main)
            .chain(hir.tests.iter().map(|t| t.func));
        for root in roots {
            funcs[root.0 as usize].escapes = true;
        }
        let grant = |value: &hir::GrantValue| match value {
            hir::GrantValue::Int(i) => i.to_string(),
            hir::GrantValue::Text(t) => t.clone(),
        };
        ir::Program {
            names: Interner::without_words(),
            types: self.types.descs,
            constants: self.constants.items,
            natives: self.natives.items,
            paths: self.paths.items,
            funcs,
            globals,
            main: hir.main.map(|f| f.0),
            tests: (hir.tests.iter())
                .map(|t| (t.name.clone(), t.func.0, t.span))
                .collect(),
            tools: (hir.tools.iter())
                .map(|t| ToolDesc {
                    path: t.path.clone(),
                    name: t.name.clone(),
                    grants: (t.grants.iter())
                        .map(|(name, value)| (name.clone(), grant(value)))
                        .collect(),
                })
                .collect(),
            deterministic: hir.deterministic,
            virtual_clock: hir.virtual_clock,
        }
    }
}

/// Lowers a checked program. Each function's tree is given up as soon as it has been lowered.
#[must_use]
pub fn lower(mut program: hir::Program) -> ir::Program {
    let names = std::mem::replace(&mut program.names, Interner::without_words());
    let generators = Generators::of(&program);
    let bodies: Vec<hir::Expr> = program
        .funcs
        .iter_mut()
        .map(|func| std::mem::replace(&mut func.body, hir::Expr::null(func.span)))
        .collect();
    let program = &program;
    let mut module = Module::new(program, generators);
    for (i, body) in bodies.into_iter().enumerate() {
        let id = hir::FuncId(u32::try_from(i).expect("fewer than 2^32 functions"));
        if generator::item(program, &program.funcs[i]).is_some() {
            generator::lower(&mut module, id, &body);
        } else {
            let lowered = func::lower(&mut module, id, &body);
            module.set(id.0, lowered);
        }
    }
    let mut lowered = module.finish();
    lowered.names = names;
    lowered
}
