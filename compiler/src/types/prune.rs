//! Keeps of a checked program what can be reached from its entry and its tests.

use super::order::{Edge, Node};
use crate::hir::{
    Callee, ExprKind, Func, FuncId, Global, GlobalId, Native, NativeId, Program, Test, Types, visit,
};

/// All that was checked.
pub(crate) struct Parts {
    pub(crate) types: Types,
    pub(crate) funcs: Vec<Option<Func>>,
    pub(crate) globals: Vec<Global>,
    /// Constants, each after those it needs.
    pub(crate) consts: Vec<GlobalId>,
    /// What each function refers to; given if there are globals.
    pub(crate) references: Vec<Vec<Edge>>,
    /// The statements of modules, in order.
    pub(crate) inits: Vec<GlobalId>,
    pub(crate) natives: Vec<Native>,
    pub(crate) main: Option<FuncId>,
    pub(crate) tests: Vec<Test>,
}

/// New numbers, handed out in the order things are reached.
struct Numbers {
    new: Vec<Option<u32>>,
    order: Vec<u32>,
}

impl Numbers {
    fn new(len: usize) -> Numbers {
        Numbers {
            new: vec![None; len],
            order: Vec::new(),
        }
    }

    fn of(&mut self, old: u32) -> u32 {
        if let Some(new) = self.new[old as usize] {
            return new;
        }
        let new = self.order.len() as u32;
        self.new[old as usize] = Some(new);
        self.order.push(old);
        new
    }
}

impl Parts {
    /// Fills `program` with what is reached.
    pub(crate) fn pruned(mut self, mut program: Program) -> Program {
        let mut funcs = Numbers::new(self.funcs.len());
        let mut natives = Numbers::new(self.natives.len());
        let reached = self.reached_globals();
        let mut global_new = vec![0; self.globals.len()];
        let others = (0..self.globals.len() as u32).map(GlobalId);
        let others = others.filter(|&id| self.globals[id.0 as usize].init.is_none());
        let order = self.consts.iter().chain(&self.inits).copied().chain(others);
        let order = order.filter(|id| reached[id.0 as usize]);
        let order: Vec<GlobalId> = order.collect();
        for (new, old) in order.iter().enumerate() {
            global_new[old.0 as usize] = new as u32;
        }
        program.main = self.main.map(|main| FuncId(funcs.of(main.0)));
        for test in &mut self.tests {
            test.func = FuncId(funcs.of(test.func.0));
        }
        for old in order {
            let mut global = self.globals[old.0 as usize].clone();
            global.init = global.init.map(|init| FuncId(funcs.of(init.0)));
            program.globals.push(global);
        }
        for nominal in &mut self.types.nominals {
            if let Some(check) = nominal.check {
                nominal.check = Some(FuncId(funcs.of(check.0)));
            }
        }
        program.funcs.reserve(self.funcs.len());
        let mut at = 0;
        while at < funcs.order.len() {
            let old = funcs.order[at];
            at += 1;
            let mut func = self.funcs[old as usize]
                .take()
                .expect("a function that is called");
            visit::exprs_mut(&mut func.body, &mut |expr| match &mut expr.kind {
                ExprKind::Call { callee, .. } | ExprKind::CallMut { callee, .. } => {
                    *callee = match *callee {
                        Callee::Func(id) => Callee::Func(FuncId(funcs.of(id.0))),
                        Callee::Native(id) => Callee::Native(NativeId(natives.of(id.0))),
                    };
                }
                ExprKind::FuncRef(id) | ExprKind::Closure { func: id, .. } => {
                    *id = FuncId(funcs.of(id.0));
                }
                // One that nothing reads stays a local.
                ExprKind::SetGlobal(id, _) if !reached[id.0 as usize] => expr.kind = ExprKind::Null,
                ExprKind::Global(id) | ExprKind::SetGlobal(id, _) => {
                    *id = GlobalId(global_new[id.0 as usize]);
                }
                _ => {}
            });
            program.funcs.push(func);
        }
        let mut all: Vec<Option<Native>> = self.natives.into_iter().map(Some).collect();
        for old in natives.order {
            program.natives.extend(all[old as usize].take());
        }
        program.types = self.types;
        program.tests = self.tests;
        program
    }

    /// Globals read by functions that are reached, directly or from other globals' values.
    fn reached_globals(&mut self) -> Vec<bool> {
        let mut globals = vec![false; self.globals.len()];
        if globals.is_empty() {
            return globals;
        }
        let mut seen = vec![false; self.funcs.len()];
        let mut open: Vec<FuncId> = self.main.into_iter().collect();
        open.extend(self.tests.iter().map(|test| test.func));
        for init in &self.inits {
            globals[init.0 as usize] = true;
            open.extend(self.globals[init.0 as usize].init);
        }
        open.extend(
            self.types
                .nominals
                .iter()
                .filter_map(|nominal| nominal.check),
        );
        while let Some(id) = open.pop() {
            if std::mem::replace(&mut seen[id.0 as usize], true) {
                continue;
            }
            for (node, _) in self.references.get(id.0 as usize).into_iter().flatten() {
                match *node {
                    Node::Func(id) => open.push(id),
                    Node::Global(global) => {
                        globals[global.0 as usize] = true;
                        open.extend(self.globals[global.0 as usize].init);
                    }
                }
            }
        }
        globals
    }
}
