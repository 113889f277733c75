//! Lowering of trees built by hand: each is verified, optimised and emitted too.

mod concurrency;
mod data;
mod shape;

use super::lower;
use crate::diag::Diagnostics;
use crate::hir::{
    BinOp, Callee, Expr, ExprKind as E, Func, FuncId, FuncKind, Iter, Local, LocalId, LoopId, Pat,
    PatKind, Place, Program, Ty, Types,
};
use crate::ir::{dump, verify};
use crate::source::{FileId, SourceMap, Span};
use crate::syntax::{Interner, Symbol};

fn span() -> Span {
    Span::new(FileId(0), 0, 0)
}

fn e(kind: E, ty: Ty) -> Expr {
    Expr {
        kind,
        ty,
        span: span(),
    }
}

fn int(i: i64) -> Expr {
    e(E::Int(i), Ty::INT)
}

fn text(s: &str) -> Expr {
    e(E::Str(s.to_owned()), Ty::STRING)
}

fn unit(kind: E) -> Expr {
    e(kind, Ty::NULL)
}

fn never(kind: E) -> Expr {
    e(kind, Ty::NEVER)
}

fn binary(op: BinOp, a: Expr, b: Expr, ty: Ty) -> Expr {
    e(E::Binary(op, Box::new(a), Box::new(b)), ty)
}

/// The rest of the way: passes, emission, the bytecode verifier.
fn emitted(mut ir: crate::ir::Program) {
    let classes = crate::ir::passes::run(&mut ir);
    let text = dump::program(&ir);
    let mut sources = SourceMap::new();
    sources.add("test.lm", Vec::new()).expect("an empty file");
    let mut diagnostics = Diagnostics::new();
    let module = crate::emit::emit(ir, classes, &sources, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{text}");
    if let Err(errors) = lumen_bytecode::verify::verify(&module) {
        let listing = lumen_bytecode::listing::list(&module);
        panic!("{errors:?}\n{text}\n{listing}");
    }
}

/// A program with functions under construction.
struct Build {
    program: Program,
}

/// A function under construction.
struct FuncBuild {
    func: Func,
    /// The names of its locals.
    names: Vec<String>,
}

impl Build {
    fn new() -> Self {
        Build {
            program: Program {
                names: Interner::new(),
                types: Types::new(),
                funcs: Vec::new(),
                globals: Vec::new(),
                natives: Vec::new(),
                main: None,
                tests: Vec::new(),
                deterministic: false,
                virtual_clock: None,
                tools: Vec::new(),
            },
        }
    }

    fn add(&mut self, f: FuncBuild, body: Expr) -> FuncId {
        let mut func = f.func;
        for (local, name) in func.locals.iter_mut().zip(&f.names) {
            local.name = self.program.names.intern(name);
        }
        func.body = body;
        self.program.funcs.push(func);
        FuncId(u32::try_from(self.program.funcs.len()).unwrap() - 1)
    }

    /// The text of all functions; the IR must be sound.
    fn text(&self) -> String {
        let ir = lower(self.program.clone());
        let text = dump::program(&ir);
        let faults = verify::program(&ir);
        assert!(faults.is_empty(), "{}\n{text}", faults.join("\n"));
        emitted(ir);
        text
    }
}

impl FuncBuild {
    fn new(name: &str, result: Ty) -> Self {
        FuncBuild {
            func: Func {
                name: name.to_owned(),
                kind: FuncKind::Cell,
                captures: Vec::new(),
                params: Vec::new(),
                result,
                mutator: false,
                locals: Vec::new(),
                body: unit(E::Null),
                inline: false,
                span: span(),
            },
            names: Vec::new(),
        }
    }

    fn local(&mut self, name: &str, ty: Ty) -> LocalId {
        self.names.push(name.to_owned());
        self.func.locals.push(Local {
            name: Symbol::NONE,
            ty,
            span: span(),
        });
        LocalId(u32::try_from(self.func.locals.len()).unwrap() - 1)
    }

    fn param(&mut self, name: &str, ty: Ty) -> LocalId {
        let id = self.local(name, ty);
        self.func.params.push(id);
        id
    }

    fn get(&self, id: LocalId) -> Expr {
        e(E::Local(id), self.func.locals[id.0 as usize].ty)
    }

    fn place(&self, root: LocalId) -> Place {
        Place {
            root,
            path: Vec::new(),
            ty: self.func.locals[root.0 as usize].ty,
            span: span(),
        }
    }

    fn bind(&self, id: LocalId) -> Pat {
        Pat {
            kind: PatKind::Bind(id, None),
            ty: self.func.locals[id.0 as usize].ty,
            span: span(),
        }
    }

    fn let_(&self, id: LocalId, init: Expr) -> Expr {
        unit(E::Let {
            pat: Box::new(self.bind(id)),
            init: Box::new(init),
        })
    }

    fn set(&self, id: LocalId, value: Expr) -> Expr {
        unit(E::Assign {
            place: Box::new(self.place(id)),
            value: Box::new(value),
        })
    }

    fn add_to(&self, id: LocalId, value: Expr) -> Expr {
        unit(E::AssignOp {
            place: Box::new(self.place(id)),
            op: BinOp::Add,
            value: Box::new(value),
        })
    }
}

fn call(func: FuncId, args: Vec<Expr>, ty: Ty) -> Expr {
    let callee = Callee::Func(func);
    e(E::Call { callee, args }, ty)
}

fn block(items: Vec<Expr>) -> Expr {
    let ty = items.last().map_or(Ty::NULL, |e| e.ty);
    e(E::Block(items), ty)
}

fn pat(kind: PatKind, ty: Ty) -> Pat {
    Pat {
        kind,
        ty,
        span: span(),
    }
}

fn counted(f: &FuncBuild, i: LocalId, hi: Expr, body: Expr) -> Expr {
    unit(E::For {
        id: LoopId(0),
        pat: Box::new(f.bind(i)),
        iter: Box::new(Iter::Range {
            lo: Box::new(int(0)),
            hi: Box::new(hi),
            inclusive: false,
            step: None,
        }),
        filter: None,
        body: Box::new(body),
    })
}
