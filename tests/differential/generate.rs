//! Well-typed programs by chance: what is declared, what is in scope, and how long it may run.
//!
//! Every program ends: loops count, recursion goes down, and each body knows how often it runs at
//! most, so that nested loops and calls stay within a budget. Values stay small: what could grow
//! from turn to turn is cut (`cut_text`, `cut_list`). A program may fail anywhere; what it prints
//! until then, and its failure, are its result.

use crate::random::Random;
use crate::types::{Record, Ty, Variant};

/// Statements that a cell may execute per call, at most.
const CELL_COST: u64 = 600;
/// Statements that `main` may execute.
const MAIN_COST: u64 = 9000;

/// A variable in scope.
#[derive(Clone, Debug)]
pub(crate) struct Var {
    pub(crate) name: String,
    pub(crate) ty: Ty,
    pub(crate) assignable: bool,
}

/// A cell that can be called.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) name: String,
    pub(crate) params: Vec<Ty>,
    pub(crate) result: Ty,
    /// Statements per call, at most.
    pub(crate) cost: u64,
    /// Whether it prints: such a cell does not run concurrently.
    pub(crate) loud: bool,
    /// Whether its first parameter is a depth to go down from.
    pub(crate) recursive: bool,
    /// Whether it yields its results.
    pub(crate) generator: bool,
}

/// What holds of the body being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    pub(crate) loud: bool,
    pub(crate) result: Option<Ty>,
    /// Variables before this one are captured: they cannot be assigned.
    pub(crate) captured: usize,
    /// Labels of the loops around, innermost last; empty texts for loops without one.
    pub(crate) loops: Vec<String>,
    pub(crate) cost: u64,
    pub(crate) limit: u64,
    /// How often the statement being written runs, at most.
    pub(crate) times: u64,
    /// Within a closure: no calls of cells, which would have no bound.
    pub(crate) closure: bool,
    /// Within cleanup code or a task: no way out but failing.
    pub(crate) closed: bool,
    /// The cell being written, if it may call itself once.
    pub(crate) myself: Option<Cell>,
    /// How deep statements are nested.
    pub(crate) nesting: u32,
}

/// Writes one program.
#[derive(Debug)]
pub(crate) struct Generator {
    pub(crate) random: Random,
    pub(crate) records: Vec<Record>,
    pub(crate) enums: Vec<Vec<Variant>>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) scope: Vec<Var>,
    pub(crate) body: Body,
    /// Whether the program is deterministic by itself: then its tasks may do anything.
    pub(crate) free: bool,
    out: String,
    indent: usize,
    names: u32,
}

/// Cells that every program has.
const HELPERS: &str = "\
cell cut_text(s: String) -> String = if len(s) > 24 then s[0..12] else s
cell cut_list[T](xs: list[T]) -> list[T] = if len(xs) > 10 then xs[0..5] else xs
cell maybe[T](x: T, there: Bool) -> T? = if there then x else null
cell clamp(x: Float) -> Int = if x > -1e6 and x < 1e6 then floor(x) else 0
cell dig(n: Int, xs: list[Int]) -> Int = dig(n, xs) + len(xs)
cell small(n: Int) -> Int = n & 0xffff
";

/// The program of a seed.
pub(crate) fn program(seed: u64) -> String {
    let mut generator = Generator {
        random: Random::new(seed.wrapping_mul(0x9e37_79b9) ^ 0x5eed),
        records: Vec::new(),
        enums: Vec::new(),
        cells: Vec::new(),
        scope: Vec::new(),
        body: Body::default(),
        free: seed.is_multiple_of(3),
        out: format!("# seed {seed}\n"),
        indent: 0,
        names: 0,
    };
    if generator.free {
        generator.line("@deterministic true");
    }
    generator.out.push_str(HELPERS);
    generator.declare_types();
    for _ in 0..generator.random.between(1, 6) {
        generator.cell();
    }
    generator.main();
    generator.out
}

impl Generator {
    /// Writes a line at the current indentation.
    pub(crate) fn line(&mut self, text: &str) {
        for _ in 0..self.indent {
            self.out.push_str("  ");
        }
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Writes lines at the current indentation.
    pub(crate) fn lines(&mut self, texts: &[&str]) {
        for text in texts {
            self.line(text);
        }
    }

    /// Writes what `inside` writes one step to the right; variables it declares end with it.
    pub(crate) fn block(&mut self, inside: impl FnOnce(&mut Generator)) {
        let known = self.scope.len();
        self.indent += 1;
        self.body.nesting += 1;
        inside(self);
        self.body.nesting -= 1;
        self.indent -= 1;
        self.scope.truncate(known);
    }

    /// A name that no other variable has.
    pub(crate) fn fresh(&mut self, stem: &str) -> String {
        self.names += 1;
        format!("{stem}{}", self.names)
    }

    /// Declares a variable.
    pub(crate) fn declare(&mut self, name: &str, ty: Ty, assignable: bool) {
        self.scope.push(Var {
            name: name.to_owned(),
            ty,
            assignable,
        });
    }

    /// Variables with a property.
    pub(crate) fn variables(&self, wanted: impl Fn(&Ty) -> bool) -> Vec<Var> {
        let found = self.scope.iter().filter(|var| wanted(&var.ty));
        found.cloned().collect()
    }

    /// Whether `cost` more per turn is within the budget; if so, it is spent.
    pub(crate) fn spend(&mut self, cost: u64) -> bool {
        let cost = cost.saturating_mul(self.body.times);
        if self.body.cost + cost > self.body.limit {
            return false;
        }
        self.body.cost += cost;
        true
    }

    /// Runs `inside` as the body of a loop of `turns`.
    pub(crate) fn turns(&mut self, turns: u64, label: String, inside: impl FnOnce(&mut Generator)) {
        let before = self.body.times;
        self.body.times *= turns.max(1);
        self.body.loops.push(label);
        self.block(inside);
        self.body.loops.pop();
        self.body.times = before;
    }

    /// Writes a cell that may call those before it.
    fn cell(&mut self) {
        let name = format!("c{}", self.cells.len());
        let recursive = self.random.one_in(3);
        let generator = !recursive && self.random.one_in(5);
        let loud = !generator && self.random.one_in(3);
        let mut params = Vec::new();
        if recursive || generator {
            params.push(Ty::Int);
        }
        for _ in 0..self.random.below(4) {
            let function = self.random.one_in(8);
            params.push(match function {
                true => self.function_type(),
                false => self.data_type(2),
            });
        }
        let result = self.data_type(2);
        let mut cell = Cell {
            name,
            params,
            result,
            cost: 1,
            loud,
            recursive,
            generator,
        };
        self.body = Body {
            loud,
            result: (!generator).then(|| cell.result.clone()),
            limit: CELL_COST,
            times: 1,
            myself: recursive.then(|| cell.clone()),
            closed: generator,
            ..Body::default()
        };
        self.write_cell(&cell);
        // A body that calls itself once goes down at most eight times.
        cell.cost = (self.body.cost + 1) * if recursive { 9 } else { 1 };
        self.cells.push(cell);
    }

    fn write_cell(&mut self, cell: &Cell) {
        self.scope.clear();
        let mut texts = Vec::new();
        for (n, ty) in cell.params.iter().enumerate() {
            let depth = n == 0 && (cell.recursive || cell.generator);
            let name = if depth { "d".into() } else { format!("p{n}") };
            texts.push(format!("{name}: {}", ty.text()));
            self.declare(&name, ty.clone(), !depth && ty.is_data());
        }
        let yields = if cell.generator { "yield " } else { "" };
        let (name, result) = (&cell.name, cell.result.text());
        self.line(&format!(
            "cell {name}({}) -> {yields}{result}",
            texts.join(", ")
        ));
        self.block(|g| {
            if cell.recursive {
                let base = g.expr(&cell.result, 1);
                g.lines(&["if d <= 0", &format!("  return {base}"), "end"]);
            }
            if cell.generator {
                return g.generator_body(&cell.result);
            }
            for _ in 0..g.random.between(1, 5) {
                g.statement();
            }
            let value = g.expr(&cell.result, 3);
            g.line(&format!("return {value}"));
        });
        self.line("end");
    }

    /// The body of a generator: it yields in a loop, and around it.
    fn generator_body(&mut self, result: &Ty) {
        for _ in 0..self.random.below(3) {
            self.statement();
        }
        if self.random.one_in(3) {
            let value = self.expr(result, 2);
            self.line(&format!("yield {value}"));
        }
        let index = self.fresh("i");
        self.line(&format!("for {index} in 0..(d & 7)"));
        self.turns(8, String::new(), |g| {
            g.declare(&index, Ty::Int, false);
            for _ in 0..g.random.below(3) {
                g.statement();
            }
            let value = g.expr(result, 2);
            g.line(&format!("yield {value}"));
        });
        self.line("end");
    }

    /// Writes `main`, which shows its variables at the end.
    fn main(&mut self) {
        self.scope.clear();
        self.body = Body {
            loud: true,
            limit: MAIN_COST,
            times: 1,
            ..Body::default()
        };
        self.line("cell main()");
        self.block(|g| {
            for _ in 0..g.random.between(4, 12) {
                g.statement();
            }
            for var in g.variables(Ty::is_data) {
                g.line(&format!("print(\"{0} = {{{0}}}\")", var.name));
            }
        });
        self.line("end");
    }
}
