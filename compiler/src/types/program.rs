//! The whole program: what is checked, in which order, and what of it is kept.

use super::Checker;
use super::items::CellId;
use super::ty::Kind;
use crate::diag::{Code, Diagnostic};
use crate::hir::{self, Ty};
use crate::syntax::Interner;
use crate::syntax::ast::{self, Clock};

impl<'a> Checker<'a> {
    /// Checks everything the program's own modules declare, and what that uses.
    pub(crate) fn check_all(&mut self) {
        self.check_all_statements();
        self.check_declarations();
        let cells: Vec<CellId> = (0..self.items.cells.len() as u32).map(CellId).collect();
        for cell in cells {
            if !self.modules.get(self.items.cell(cell).module).library {
                self.check_cell(cell);
            }
        }
        self.check_consts();
        self.check_tests();
        self.find_main();
        self.drain();
        self.check_all_uncalled();
        self.give_tests_their_lets();
        self.check_order();
    }

    fn check_all_uncalled(&mut self) {
        let mut called = vec![false; self.items.cells.len()];
        for inst in &self.insts {
            called[inst.cell.0 as usize] = true;
        }
        for (number, called) in called.into_iter().enumerate() {
            let cell = CellId(number as u32);
            if !called && !self.modules.get(self.items.cell(cell).module).library {
                self.check_uncalled(cell);
            }
        }
        self.drain();
    }

    /// Checks queued instances until there are none.
    pub(crate) fn drain(&mut self) {
        loop {
            while let Some(id) = self.queue.pop() {
                self.check_queued(id);
            }
            if self.out.unchecked.is_empty() && self.out.unmade.is_empty() {
                return;
            }
            self.make_bodies();
            for (nominal, adt, args) in std::mem::take(&mut self.out.unchecked) {
                self.make_record_check(nominal, adt, &args);
            }
        }
    }

    fn check_cell(&mut self, cell: CellId) {
        let sig = self.sig(cell);
        let decl = self.items.cell(cell).decl;
        self.check_params(decl);
        if matches!(decl.body, ast::CellBody::None | ast::CellBody::Extern(_)) {
            return;
        }
        if sig.generics.iter().any(|one| one.implicit) {
            return;
        }
        let params: Vec<Ty> = sig
            .generics
            .iter()
            .enumerate()
            .map(|(number, one)| self.types.intern(Kind::Param(number as u32, one.name)))
            .collect();
        let inst = self.instance(cell, &params, None);
        self.check_instance(inst);
    }

    fn check_params(&mut self, decl: &'a ast::CellDecl) {
        for (number, param) in decl.params.iter().enumerate() {
            if param.mutable && number > 0 {
                let message = "only the first parameter can be `mut`";
                let error = Diagnostic::new(Code::Misplaced, message, param.span)
                    .help("copy it: let mut a = x");
                self.report(error);
            }
            let twice = decl.params[..number]
                .iter()
                .any(|one| one.name.name == param.name.name);
            if twice {
                let name = self.text(param.name.name);
                let message = format!("parameter `{name}` is declared twice");
                self.error(Code::DuplicateName, param.span, message);
            }
        }
    }

    /// The program, if there is no error.
    pub(crate) fn into_program(mut self) -> Option<hir::Program> {
        if self.nothing_to_run && !self.has_errors() {
            let error = Diagnostic::without_place(
                Code::NothingToRun,
                "there is nothing to run: no cell `main`, and no statements",
            )
            .help("cell main() … end");
            if self.require_main {
                self.report(error);
            }
        }
        self.settle_globals();
        self.check_effects();
        self.check_lints();
        self.check_unused();
        if self.has_errors() {
            return None;
        }
        let settings = self.modules.get(self.modules.root()).ast.settings;
        let tools = std::mem::take(&mut self.items.tools);
        let tools = tools.into_iter().map(|tool| hir::Tool {
            path: tool.path,
            name: self.names.resolve(tool.name).to_owned(),
            grants: tool.grants,
        });
        let tools = tools.collect();
        let program = super::prune::Parts {
            types: self.out.types,
            funcs: self.out.funcs,
            globals: self.out.globals,
            consts: self.const_order,
            references: self.references,
            natives: self.out.natives,
            inits: self
                .statements
                .iter()
                .filter_map(|one| one.global)
                .collect(),
            main: self.main,
            tests: self.tests,
        };
        Some(program.pruned(hir::Program {
            names: std::mem::replace(self.names, Interner::without_words()),
            types: hir::Types::new(),
            funcs: Vec::new(),
            globals: Vec::new(),
            natives: Vec::new(),
            main: None,
            tests: Vec::new(),
            deterministic: settings.deterministic.is_some_and(|(on, _)| on),
            virtual_clock: settings.clock.map(|(clock, _)| clock == Clock::Virtual),
            tools,
        }))
    }

    /// Globals have the type of what computes them.
    fn settle_globals(&mut self) {
        for global in &mut self.out.globals {
            let init = global.init.map(|init| init.0 as usize);
            if let Some(func) = init.and_then(|init| self.out.funcs[init].as_ref()) {
                global.ty = func.result;
            }
        }
    }
}
